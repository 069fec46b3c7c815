/* A catalogue that is built at once (SQL_BUILD, catalog_finish) against one that grew batch by
 * batch; and what a message's row says when its events come in other orders than usual. */
#include "events.h"

static char *other_path;

static struct catalog *build(void)
{
	struct catalog *other;

	remove_files(other_path);
	OK(catalog_open(&other, other_path, SQL_BUILD, err));
	for (size_t i = 0; i < j.logs; i++)
		OK(catalog_apply(other, &j.ends[i], buf_view(&j.log[i]), err));
	return other;
}

/* What grew, what is built, and what grew in processes of one batch each. */
static void check_same_built(void)
{
	struct catalog *other = build();
	const char *table = NULL;

	OK(catalog_finish(other, err));
	catalog_close(other);
	OK(catalog_compare(j.catalog, other_path, &table, err));
	remove_files(other_path);
	for (size_t i = 0; i < j.logs; i++) {
		OK(catalog_open(&other, other_path, SQL_WRITE, err));
		OK(catalog_apply(other, &j.ends[i], buf_view(&j.log[i]), err));
		catalog_close(other);
	}
	OK(catalog_compare(j.catalog, other_path, &table, err));
	remove_files(other_path);
}

static void start(void)
{
	begin();
	other_path = file_join(j.folder, "other.db");
}

static void stop(void)
{
	check_same_built();
	free(other_path);
	end();
}

static int64_t date_of(int n)
{
	char text[80];

	snprintf(text, sizeof text, "SELECT coalesce(date, -1) FROM message WHERE n = %d", n);
	return ask(text);
}

START_TEST(the_date_is_that_of_the_first_place)
{
	start();
	add(mail(1)); /* as usual */
	add(placed(5, 1, ""));
	add(placed(6, 1, ""));
	add(mail(2)); /* another's place is between */
	add(placed(7, 1, ""));
	add(placed(8, 2, ""));
	add(mail(3)); /* the place comes with the next batch */
	apply();
	ck_assert_int_eq(date_of(1), 1005);
	ck_assert_int_eq(date_of(2), 1008);
	ck_assert_int_eq(date_of(3), -1);
	add(placed(9, 3, ""));
	add(placed(2, 1, ""));
	apply();
	ck_assert_int_eq(date_of(3), 1009);
	ck_assert_int_eq(date_of(1), 1005);
	stop();
}
END_TEST

START_TEST(a_message_that_comes_again_keeps_its_number_and_date)
{
	struct event_part part = {.blob = id(77), .at = 9, .blob_bytes = 5000, .line_chars = 76};
	struct event again = mail(1);

	start();
	again.part = &part;
	again.part_count = 1;
	add(again);
	add(placed(5, 1, ""));
	add(mail(2));
	add(placed(6, 2, ""));
	apply();
	again.subject = BYTES("again");
	again.part_count = 0;
	add(again);
	add(placed(7, 1, ""));
	add(mail(3));
	add(mail(3)); /* in one batch, too */
	add(placed(8, 3, ""));
	apply();
	ck_assert_int_eq(ask("SELECT count(*) FROM message"), 3);
	ck_assert_int_eq(ask("SELECT count(*) FROM message WHERE n = 1 AND subject = 'again'"), 1);
	ck_assert_int_eq(ask("SELECT count(*) FROM part"), 0);
	ck_assert_int_eq(date_of(1), 1005);
	ck_assert_int_eq(date_of(3), 1008);
	ck_assert_int_eq(ask("SELECT message FROM place WHERE uid = 7"), 1);
	ck_assert_int_eq(ask("SELECT message FROM place WHERE uid = 8"), 3);
	stop();
}
END_TEST

static struct event skipped(uint32_t uid, const char *reason)
{
	struct event event = at(EVENT_SKIPPED, uid);

	event.reason = bytes_of(reason);
	return event;
}

START_TEST(a_place_clears_what_was_skipped_there)
{
	start();
	add(mail(1));
	add(placed(5, 1, "")); /* when nothing was skipped yet */
	add(skipped(6, "why"));
	add(skipped(7, "why"));
	apply();
	ck_assert_int_eq(ask("SELECT count(*) FROM skipped"), 2);
	add(placed(6, 1, ""));
	apply();
	ck_assert_int_eq(ask("SELECT uid FROM skipped"), 7);
	add(skipped(7, ""));
	add(placed(8, 1, ""));
	add(skipped(9, "why"));
	add(placed(9, 1, ""));
	apply();
	ck_assert_int_eq(ask("SELECT count(*) FROM skipped"), 0);
	stop();
}
END_TEST

START_TEST(nothing_is_remembered_of_a_batch_that_was_not_taken)
{
	start();
	add(mail(1));
	add(placed(5, 1, ""));
	add(skipped(6, "why"));
	apply();
	add(placed(6, 1, "")); /* nothing is skipped any more */
	add(placed(4, 1, ""));
	add(mail(2));
	add(placed(7, 9, "")); /* never had */
	FAILS(ERR_DAMAGED, apply_as(2, err));
	ck_assert_int_eq(ask("SELECT count(*) FROM skipped"), 1);
	add(placed(7, 2, "")); /* not had either */
	FAILS(ERR_DAMAGED, apply_as(2, err));
	add(mail(3));
	add(placed(6, 3, ""));
	apply();
	ck_assert_int_eq(ask("SELECT n FROM message WHERE date = 1006"), 2);
	ck_assert_int_eq(ask("SELECT count(*) FROM skipped"), 0);
	stop();
}
END_TEST

static struct event any_event(unsigned *seed)
{
	uint8_t n = (uint8_t)(rand_r(seed) % 12 + 1);
	uint32_t uid = (uint32_t)rand_r(seed) % 6 + 1;

	switch (rand_r(seed) % 8) {
	case 0:
	case 1:
		return mail(n);
	case 2:
		return skipped(uid, rand_r(seed) % 3 ? "why" : "");
	case 3:
		return gone("2:3");
	case 4:
		return (struct event){.kind = EVENT_BLOB, .id = id(n), .size_bytes = n};
	default:
		return placed(uid, n, rand_r(seed) % 2 ? "\\Seen" : "");
	}
}

START_TEST(in_any_order)
{
	unsigned seed = 3;

	start();
	for (uint8_t n = 1; n <= 12; n++)
		add(mail(n));
	apply();
	for (int i = 0; i < 60; i++) {
		for (int k = 0; k < 12; k++)
			add(any_event(&seed));
		apply();
	}
	stop();
}
END_TEST

static int64_t count_in(struct catalog *catalog, const char *text)
{
	struct sql_stmt *stmt;
	int64_t count;

	OK(sql_prepare(catalog_sql(catalog), text, &stmt, err));
	ck_assert_int_eq(sql_step(stmt, NULL), 1);
	count = sql_i64(stmt, 0);
	sql_free(stmt);
	return count;
}

START_TEST(one_that_was_built_goes_on_as_others)
{
	static const char indexes[] = "SELECT count(*) FROM sqlite_schema WHERE type = 'index'"
				      " AND sql IS NOT NULL";
	struct catalog *grown;
	uint64_t messages;
	int64_t want;

	start();
	add(mail(1));
	add(placed(5, 1, ""));
	apply();
	want = ask(indexes);
	grown = j.catalog;
	j.catalog = build();
	OK(catalog_finish(j.catalog, err));
	ck_assert_int_gt(want, 5);
	ck_assert_int_eq(count_in(j.catalog, indexes), want);
	add(mail(2));
	add(placed(6, 2, ""));
	apply();
	OK(catalog_apply(grown, &j.ends[1], buf_view(&j.log[1]), err));
	OK(catalog_count(j.catalog, &messages, err));
	ck_assert_uint_eq(messages, 2);
	catalog_close(j.catalog);
	j.catalog = grown;
	stop();
}
END_TEST

SUITE(the_date_is_that_of_the_first_place, a_message_that_comes_again_keeps_its_number_and_date,
    a_place_clears_what_was_skipped_there, nothing_is_remembered_of_a_batch_that_was_not_taken,
    in_any_order, one_that_was_built_goes_on_as_others)
