/* archiver/restore/restore_match.c: when a message on the target is one of ours. A wrong "yes"
 * leaves a message out, a wrong "no" brings it twice. */
#include "archiver/restore/restore_private.h"

#include "tests/unit/archive.h"
#include "tests/unit/fake_endpoint.h"

#define ITEMS 8

static struct archive a;
static struct fake fake;
static struct fake_folder *target_folder;
static struct restore_options options;
static struct restore_report report;
static struct restore restore;
static struct restore_target target;
static struct restore_item item[ITEMS];
static size_t count;

static void begin(void)
{
	archive_begin(&a);
	fake_begin(&fake);
	target_folder = fake_folder(&fake, "T");
	options = (struct restore_options){.vault = a.vault, .account = "new"};
	restore = (struct restore){.options = &options,
	    .report = &report,
	    .catalog = vault_catalog(a.vault),
	    .ep = &fake.endpoint};
	mimehead_init(&restore.head);
	count = 0;
}

static void done(void)
{
	for (size_t i = 0; i < count; i++)
		free(item[i].message_id);
	mimehead_release(&restore.head);
	fake_end(&fake);
	archive_end(&a);
}

static const char *text_of(const char *message_id, const char *body)
{
	static char text[500];

	snprintf(text, sizeof text, "%s%s%s\r\n%s\r\n",
	    message_id[0] ? "Message-ID: <" : "X: ", message_id, message_id[0] ? ">\r\n" : "\r\n",
	    body);
	return text;
}

static struct msg_id id_of(const char *text)
{
	struct msg_id id;

	sha256_of(bytes_of(text), &id.sum);
	return id;
}

static bool is(const struct restore_item *one, const char *message_id, const char *body)
{
	struct msg_id id = id_of(text_of(message_id, body));

	return sha256_equal(&one->id.sum, &id.sum);
}

static void want(const char *message_id, const char *body)
{
	const char *text = text_of(message_id, body);

	item[count++] = (struct restore_item){.id = id_of(text),
	    .message_id = mem_string(message_id),
	    .message_id_bytes = strlen(message_id),
	    .date_unix = 1,
	    .size_bytes = strlen(text)};
}

static struct fake_message *there(uint32_t uid, const char *message_id, const char *body)
{
	return fake_message(target_folder, uid, text_of(message_id, body), "", 1);
}

static void journalled(const char *account, uint32_t uidvalidity, uint32_t uid,
    const char *message_id, const char *body)
{
	struct event event = {.kind = EVENT_RESTORED,
	    .run = BYTES("R000001"),
	    .account = bytes_of(account),
	    .folder = BYTES("T"),
	    .uidvalidity = uidvalidity,
	    .uid = uid,
	    .id = id_of(text_of(message_id, body)).sum};

	archive_log(&a, &event);
}

static int match(struct err *err)
{
	struct endpoint_state state;
	int result;

	archive_commit(&a);
	if (endpoint_select(restore.ep, BYTES("T"), ENDPOINT_READ, &state, err) != 0 ||
	    restore_list_target(&restore, &target, err) != 0)
		return -1;
	free(fake_log(&fake));
	result = restore_match(&restore, &target, BYTES("T"), state.uidvalidity, item, count, err);
	restore_target_release(&target);
	return result;
}

static int by_order(const void *x, const void *y)
{
	const struct restore_item *p = x, *q = y;
	int order = strcmp(p->message_id, q->message_id);

	return order ? order : p->uid < q->uid ? -1 : p->uid > q->uid;
}

/* "ID=UID" of each item, sorted; 0: it is not there. What was fetched for it. */
static void check(const char *expected, const char *fetched)
{
	struct buf text;

	OK(match(err));
	fake_logged(&fake, fetched);
	if (count > 0)
		qsort(item, count, sizeof *item, by_order);
	buf_init(&text, 1000);
	for (size_t i = 0; i < count; i++) {
		ck_assert(item[i].is_there == (item[i].uid != 0));
		buf_format(&text, "%s%s=%u", i ? " " : "", item[i].message_id, item[i].uid);
	}
	ck_assert_str_eq(buf_string(&text), expected);
	buf_release(&text);
}

/* ---- by what the target shows ---- */

START_TEST(message_id_and_size_are_enough)
{
	begin();
	want("a", "one");
	want("b", "two");
	want("c", "three");
	there(5, "c", "three");
	there(6, "z", "other");
	there(7, "a", "one");
	check("a=7 b=0 c=5", "");
	done();
}
END_TEST

START_TEST(an_empty_target_and_nothing_wanted)
{
	begin();
	check("", "");
	want("a", "one");
	check("a=0", "");
	done();
	begin();
	there(1, "a", "one");
	check("", "");
	done();
}
END_TEST

START_TEST(another_size_is_another_message)
{
	begin();
	want("a", "one");
	there(1, "a", "longer");
	there(2, "a", "s");
	check("a=0", "");
	done();
}
END_TEST

START_TEST(one_message_stands_for_one_item)
{
	begin();
	want("a", "one");
	want("a", "one");
	want("a", "one");
	there(1, "a", "one");
	there(2, "a", "one");
	check("a=0 a=1 a=2", ""); /* the same bytes: no need to look into them */
	done();
}
END_TEST

/* The same from outside, and other bytes: only they tell. */
START_TEST(twins_are_told_apart_by_their_bytes)
{
	begin();
	want("a", "one");
	want("a", "two");
	there(1, "a", "two");
	OK(match(err));
	for (size_t i = 0; i < count; i++)
		ck_assert(item[i].is_there == is(&item[i], "a", "two"));
	done();
}
END_TEST

START_TEST(three_of_which_two_are_alike)
{
	begin();
	want("a", "one");
	want("a", "two");
	want("a", "one");
	there(1, "a", "six"); /* of nobody */
	there(2, "a", "one");
	OK(match(err));
	for (size_t i = 0; i < count; i++) {
		ck_assert(item[i].is_ambiguous);
		ck_assert(!item[i].is_there || is(&item[i], "a", "one"));
	}
	ck_assert_int_eq(item[0].is_there + item[1].is_there + item[2].is_there, 1);
	done();
}
END_TEST

START_TEST(without_a_message_id_the_bytes_decide)
{
	begin();
	want("", "one");
	there(1, "", "six"); /* as long, and without one, too */
	there(2, "", "one");
	check("=2", "fetch 1, fetch 2");
	done();
}
END_TEST

START_TEST(what_is_not_told_is_not_there)
{
	begin();
	want("a", "one");
	there(1, "a", "one")->hides_header = true;
	there(2, "a", "one")->hides_size = true;
	check("a=0", "");
	done();
}
END_TEST

START_TEST(a_text_that_does_not_come_is_not_it)
{
	begin();
	want("", "one");
	there(1, "", "one")->sends_no_text = true;
	check("=0", "fetch 1");
	done();
}
END_TEST

START_TEST(a_fetch_that_breaks_is_no_answer)
{
	begin();
	want("", "one");
	there(1, "", "one")->breaks = true;
	FAILS(ERR_NETWORK, match(err));
	ck_assert(!restore.is_vault_bad);
	done();
}
END_TEST

START_TEST(a_listing_that_fails)
{
	begin();
	want("a", "one");
	fake_fail(&fake, "scan", 1, ERR_NETWORK);
	FAILS(ERR_NETWORK, match(err));
	fake_fail(&fake, "identify", 1, ERR_NETWORK);
	there(1, "a", "one");
	FAILS(ERR_NETWORK, match(err));
	done();
}
END_TEST

/* ---- by the journal ---- */

START_TEST(what_was_put_there_is_there)
{
	begin();
	want("a", "one");
	there(9, "a", "changed by the server")->told_size = 4;
	journalled("new", 1, 9, "a", "one");
	check("a=9", "");
	done();
}
END_TEST

START_TEST(put_there_and_deleted_since)
{
	begin();
	want("a", "one");
	journalled("new", 1, 9, "a", "one");
	check("a=0", "");
	done();
}
END_TEST

/* UIDs are used anew when a folder is made anew. */
START_TEST(put_there_and_another_message_now)
{
	begin();
	want("a", "one");
	want("b", "two");
	there(8, "x", "another")->date_unix = 2;
	there(9, "b", "changed by the server")->date_unix = 2;
	journalled("new", 1, 8, "a", "one");
	journalled("new", 1, 9, "b", "two");
	check("a=0 b=9", "");
	done();
}
END_TEST

START_TEST(put_there_and_nothing_is_told_of_it)
{
	begin();
	want("a", "one");
	there(8, "x", "another")->is_unidentified = true;
	fake_find(target_folder, 8)->date_unix = 2;
	journalled("new", 1, 8, "a", "one");
	check("a=8", "");
	done();
}
END_TEST

START_TEST(put_elsewhere_proves_nothing)
{
	begin();
	want("a", "one");
	there(9, "x", "another");
	journalled("old", 1, 9, "a", "one"); /* another account */
	journalled("new", 2, 9, "a", "one"); /* another UIDVALIDITY */
	check("a=0", "");
	done();
}
END_TEST

START_TEST(a_target_without_uidvalidity)
{
	begin();
	want("a", "one");
	there(9, "x", "another");
	journalled("new", 0, 9, "a", "one");
	target_folder->state.uidvalidity = 0;
	check("a=0", "");
	done();
}
END_TEST

START_TEST(put_twice_and_wanted_twice)
{
	begin();
	want("a", "one");
	want("a", "one");
	want("b", "two");
	there(1, "x", "1");
	there(2, "x", "2");
	there(3, "x", "3");
	journalled("new", 1, 1, "a", "one");
	journalled("new", 1, 2, "a", "one");
	journalled("new", 1, 3, "a", "one"); /* one too many */
	check("a=1 a=2 b=0", "");
	done();
}
END_TEST

/* The journal's message is not taken a second time by what it looks like. */
START_TEST(journal_and_look_do_not_share_a_message)
{
	begin();
	want("a", "one");
	want("a", "one");
	there(1, "a", "one");
	journalled("new", 1, 1, "a", "one");
	check("a=0 a=1", "");
	done();
}
END_TEST

START_TEST(many_are_found)
{
	char name[16];

	begin();
	for (uint32_t uid = 1; uid <= 500; uid++) {
		snprintf(name, sizeof name, "m%u", uid * 7919 % 1000);
		there(uid, name, "text");
	}
	want("m7919", "text");
	want("m919", "text"); /* UID 1 */
	want("m500", "text"); /* UID 500 */
	want("m0", "text");   /* would be UID 1000 */
	check("m0=0 m500=500 m7919=0 m919=1", "");
	done();
}
END_TEST

SUITE(message_id_and_size_are_enough, an_empty_target_and_nothing_wanted,
    another_size_is_another_message, one_message_stands_for_one_item,
    twins_are_told_apart_by_their_bytes, three_of_which_two_are_alike,
    without_a_message_id_the_bytes_decide, what_is_not_told_is_not_there,
    a_text_that_does_not_come_is_not_it, a_fetch_that_breaks_is_no_answer, a_listing_that_fails,
    what_was_put_there_is_there, put_there_and_deleted_since, put_there_and_another_message_now,
    put_there_and_nothing_is_told_of_it, put_elsewhere_proves_nothing, a_target_without_uidvalidity,
    put_twice_and_wanted_twice, journal_and_look_do_not_share_a_message, many_are_found)
