/* archiver/catalog/catalog.c, catalog_apply.c: a batch is taken whole or not at all, and the
 * catalogue is the same whenever it is made from the same journal. */
#include "events.h"

/* Everything at once, and some of it wrong by chance. */
static void random_batch(unsigned *seed)
{
	static const char *const names[] = {"INBOX", "a", "b/c"};
	static const char *const states[] = {"intent", "confirmed", "kept"};
	static uint8_t mails;

	if (j.logs == 0)
		mails = 0;
	add(mail(++mails));
	for (int i = 0; i < 30; i++) {
		struct event event = at(EVENT_PLACED, (uint32_t)rand_r(seed) % 20 + 1);

		event.id = id((uint8_t)(rand_r(seed) % mails + 1));
		event.folder = bytes_of(names[rand_r(seed) % 3]);
		event.uidvalidity = (uint64_t)rand_r(seed) % 2;
		event.kind = (enum event_kind)(rand_r(seed) % EVENT_FRAMES);
		event.run = bytes_of(rand_r(seed) % 2 ? "r" : "s");
		event.state = bytes_of(states[rand_r(seed) % 3]);
		event.flags = bytes_of(rand_r(seed) % 2 ? "\\Seen" : "");
		event.reason = bytes_of(rand_r(seed) % 2 ? "why" : "");
		event.held = rand_r(seed) % 2;
		event.messages = event.uidnext = (uint64_t)rand_r(seed) % 5;
		event.uids = bytes_of(rand_r(seed) % 2 ? "3:7,12" : "1");
		if (event.kind == EVENT_MAIL || event.kind == EVENT_BLOB)
			event.size_bytes = event.stored_bytes = (uint64_t)rand_r(seed) % 9000;
		add(event);
	}
}

static struct catalog *made_again(const char *path)
{
	struct catalog *other;

	remove_files(path);
	OK(catalog_open(&other, path, SQL_WRITE, err));
	for (size_t i = 0; i < j.logs; i++)
		OK(catalog_apply(other, &j.ends[i], buf_view(&j.log[i]), err));
	return other;
}

START_TEST(the_same_journal_makes_the_same_tables)
{
	unsigned seed = 11;
	const char *table = NULL;
	struct catalog *other;
	char *path;

	begin();
	path = file_join(j.folder, "other.db");
	for (int i = 0; i < 60; i++) {
		random_batch(&seed);
		apply();
		if (i % 10 == 9) { /* as a new process does */
			catalog_close(j.catalog);
			OK(catalog_open(&j.catalog, j.path, SQL_WRITE, err));
		}
	}
	other = made_again(path);
	OK(catalog_compare(j.catalog, path, &table, err));
	ck_assert_ptr_null(table);
	OK(catalog_compare(other, j.path, &table, err));
	catalog_close(other);
	remove_files(path);
	free(path);
	end();
}
END_TEST

START_TEST(a_difference_in_any_table_is_found)
{
	static const char *const change[][2] = {
	    {"message", "UPDATE message SET subject = 'x' WHERE n = 1"},
	    {"message", "DELETE FROM message WHERE n = 3"},
	    {"message", "UPDATE message SET entry = 1"},
	    {"part", "INSERT INTO part VALUES(1, 2, x'00', 3, 4, 5)"},
	    {"blob", "INSERT INTO blob VALUES(x'00', 1, 1, 1, 1)"},
	    {"account", "UPDATE account SET name = 'x'"}, {"folder", "UPDATE folder SET gone = 9"},
	    {"place", "UPDATE place SET state = state + 1 WHERE number = 1"},
	    {"skipped", "INSERT INTO skipped VALUES(9, 9, 9, '', 9)"}, {"hold", "DELETE FROM hold"},
	    {"sync", "DELETE FROM sync"}, {"audit", "UPDATE audit SET missing = missing + 1"},
	    {"run", "UPDATE run SET ended = 5"}, {"purge", "DELETE FROM purge"},
	    {"restored", "DELETE FROM restored"},
	    {"rewritten", "INSERT INTO rewritten VALUES(1, 1)"},
	    {"position", "UPDATE position SET at = at + 1"}};
	unsigned seed = 12;
	char *path;

	begin();
	path = file_join(j.folder, "other.db");
	for (int i = 0; i < 30; i++) {
		random_batch(&seed);
		apply();
	}
	for (size_t i = 0; i < sizeof change / sizeof *change; i++) {
		struct catalog *other = made_again(path);
		const char *table = "";

		OK(sql_exec(catalog_sql(other), change[i][1], err));
		catalog_close(other);
		ck_assert_int_eq(catalog_compare(j.catalog, path, &table, NULL), 1);
		ck_assert_str_eq(table, change[i][0]);
	}
	remove_files(path);
	free(path);
	end();
}
END_TEST

/* One that is made only for the comparison: without indexes, and from other connections. */
START_TEST(a_scratch_catalogue_compares_as_another)
{
	struct catalog *other, *beside;
	const char *table = NULL;
	struct sql_stmt *stmt;
	unsigned seed = 14;
	char *path;

	begin();
	path = file_join(j.folder, "other.db");
	for (int i = 0; i < 30; i++) {
		random_batch(&seed);
		apply();
	}
	OK(catalog_open_scratch(&other, path, err));
	for (size_t i = 0; i < j.logs; i++)
		OK(catalog_apply(other, &j.ends[i], buf_view(&j.log[i]), err));
	OK(sql_prepare(catalog_sql(other),
	    "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL", &stmt,
	    err));
	ck_assert_int_eq(sql_step(stmt, NULL), 1);
	ck_assert_int_eq(sql_i64(stmt, 0), 0);
	sql_free(stmt);
	catalog_close(other);
	OK(catalog_open_beside(j.catalog, &beside, err));
	ck_assert_int_eq(catalog_compare(beside, path, &table, NULL), 0);
	OK(catalog_open_scratch(&other, path, err));
	OK(sql_exec(catalog_sql(other), "UPDATE folder SET listed = listed + 1", err));
	catalog_close(other);
	ck_assert_int_eq(catalog_compare(beside, path, &table, NULL), 0); /* no fact */
	OK(catalog_open_scratch(&other, path, err));
	OK(sql_exec(catalog_sql(other), "UPDATE message SET msgid = NULL WHERE n = 2", err));
	catalog_close(other);
	ck_assert_int_eq(catalog_compare(beside, path, &table, NULL), 1);
	ck_assert_str_eq(table, "message");
	catalog_close(beside);
	remove_files(path);
	free(path);
	end();
}
END_TEST

static void check_unchanged(const struct batch_position *before)
{
	struct batch_position now;

	OK(catalog_position(j.catalog, &now, err));
	check_position(&now, before);
	ck_assert_int_eq(ask("SELECT count(*) FROM folder"), 1);
	ck_assert_int_eq(ask("SELECT count(*) FROM message"), 1);
	ck_assert_int_eq(ask("SELECT count(*) FROM place"), 1);
}

START_TEST(a_batch_is_taken_whole_or_not_at_all)
{
	struct event wrong[6];
	struct event fresh;

	begin();
	add(mail(1));
	add(placed(1, 1, ""));
	apply();
	wrong[0] = placed(9, 99, ""); /* a message that never was */
	wrong[1] = gone("x");
	wrong[2] = purge(1, 99, "intent");
	wrong[3] = (struct event){.kind = EVENT_HOLD, .id = id(99), .held = true};
	wrong[4] = (struct event){.kind = EVENT_FRAMES};
	wrong[5] = (struct event){.kind = EVENT_DAMAGED, .id = id(99)};
	for (size_t i = 0; i < 6; i++) {
		struct batch_position before = j.end;

		add(mail(2));
		fresh = placed(2, 2, "");
		fresh.folder = BYTES("new");
		add(fresh);
		add(wrong[i]);
		ck_assert_int_eq(apply_as(2, NULL), -1);
		check_unchanged(&before);
	}
	/* A folder that was made in vain must not be remembered. */
	add(mail(2));
	add(fresh);
	apply();
	ck_assert_int_eq(ask("SELECT count(*) FROM folder WHERE name = x'6e6577'"), 1);
	ck_assert_int_eq(
	    ask("SELECT count(*) FROM place JOIN folder ON folder.number = place.folder"), 2);
	end();
}
END_TEST

START_TEST(batches_follow_each_other)
{
	struct batch_position before;

	begin();
	add(mail(1));
	FAILS(ERR_DAMAGED, apply_as(2, err));
	add(mail(1));
	add(placed(1, 1, ""));
	apply();
	before = j.end;
	FAILS(ERR_DAMAGED,
	    catalog_apply(j.catalog, &j.ends[0], buf_view(&j.log[0]), err)); /* twice */
	add(mail(2));
	FAILS(ERR_DAMAGED, apply_as(3, err)); /* one is missing */
	j.end.sum.b[5] ^= 1;
	add(mail(2));
	FAILS(ERR_DAMAGED, apply_as(2, err)); /* of another chain */
	j.end.sum.b[5] ^= 1;
	check_unchanged(&before);
	add(mail(2));
	OK(apply_as(2, err));
	end();
}
END_TEST

START_TEST(logs_that_are_wrong_are_not_taken)
{
	struct batch_position before;

	begin();
	add(mail(1));
	add(placed(1, 1, ""));
	apply();
	before = j.end;
	FAILS(ERR_DAMAGED, catalog_apply(j.catalog, &before, BYTES(""), err));
	FAILS(ERR_DAMAGED, catalog_apply(j.catalog, &before, BYTES("{\"e\":\"commit\"}\n"), err));
	buf_text(&j.lines, "{\"e\":\"merged\"}\n");
	j.events = 1;
	FAILS(ERR_VERSION, apply_as(2, err));
	check_unchanged(&before);
	end();
}
END_TEST

/* ---- files ---- */

START_TEST(a_reader_beside_a_writer)
{
	struct catalog *reader;
	struct msg_id which = {id(2)};
	struct catalog_message m;

	begin();
	add(mail(1));
	apply();
	OK(catalog_open(&reader, j.path, SQL_READ, err));
	ck_assert_str_eq(catalog_path(reader), j.path);
	ck_assert_int_eq(catalog_message(reader, &which, &m, NULL), 0);
	add(mail(2));
	apply();
	ck_assert_int_eq(catalog_message(reader, &which, &m, NULL), 1);
	ck_assert_int_eq(
	    catalog_apply(reader, &j.ends[1], buf_view(&j.log[1]), NULL), -1); /* it only reads */
	catalog_close(reader);
	end();
}
END_TEST

START_TEST(files_that_are_no_catalogue)
{
	struct catalog *other = NULL;
	char *path;
	int fd;

	begin();
	path = file_join(j.folder, "other.db");
	ck_assert_int_eq(catalog_open(&other, path, SQL_READ, NULL), -1);
	fd = file_open(path, O_WRONLY | O_CREAT, 0600, NULL);
	FAILS(ERR_DAMAGED, catalog_open(&other, path, SQL_READ, err)); /* empty */
	for (int i = 0; i < 1000; i++)
		OK(file_write(fd, "not a database. ", 16, path, err));
	file_close(&fd);
	FAILS(ERR_DAMAGED, catalog_open(&other, path, SQL_READ, err));
	FAILS(ERR_DAMAGED, catalog_open(&other, path, SQL_WRITE, err));
	remove_files(path);
	OK(catalog_open(&other, path, SQL_WRITE, err));
	OK(sql_exec(catalog_sql(other), "UPDATE position SET schema = 999", err));
	catalog_close(other);
	FAILS(ERR_DAMAGED, catalog_open(&other, path, SQL_READ, err));
	FAILS(ERR_DAMAGED, catalog_open(&other, path, SQL_WRITE, err));
	catalog_close(NULL);
	remove_files(path);
	free(path);
	end();
}
END_TEST

SUITE(the_same_journal_makes_the_same_tables, a_scratch_catalogue_compares_as_another,
    a_difference_in_any_table_is_found, a_batch_is_taken_whole_or_not_at_all,
    batches_follow_each_other, logs_that_are_wrong_are_not_taken, a_reader_beside_a_writer,
    files_that_are_no_catalogue)
