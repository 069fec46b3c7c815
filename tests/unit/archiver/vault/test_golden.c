/* Archives of every format version must open for ever. tests/golden/v1 was written by the first
 * program that wrote format 1; expected.jsonl beside it is what tests/golden/unpack.py, the
 * second reader, says of it. Both readers must also agree about an archive that was just made.
 *
 * GOLDEN=FOLDER makes such an archive there (as v1 was made). */
#include "ground.h"

#include "archiver/store/store.h"

#include "base/child.h"
#include "base/jsonout.h"

#define GOLDEN "tests/golden/v1"

static int64_t ticking(void)
{
	static int64_t time = FIRST_TIME;

	return time += 60;
}

/* ---- an archive with one of everything ---- */

static void log_event(struct vault *v, struct event event)
{
	if (event.kind != EVENT_RUN && event.kind != EVENT_SYNCED && event.kind != EVENT_HOLD) {
		event.folder = event.folder.p ? event.folder : BYTES("INBOX");
		event.uidvalidity = event.uidvalidity ? event.uidvalidity : 7;
	}
	if (event.kind != EVENT_HOLD && !event.account.p)
		event.account = BYTES("work");
	OK(vault_log(v, &event, err));
}

static void place_in(struct vault *v, unsigned number, struct bytes account, struct bytes in,
    unsigned uid, const char *flags, int64_t date_unix)
{
	log_event(v,
	    (struct event){.kind = EVENT_PLACED,
		.account = account,
		.folder = in,
		.uid = uid,
		.id = id_of(number).sum,
		.flags = bytes_of(flags),
		.date_unix = date_unix});
}

static void fill_first(struct vault *v)
{
	for (unsigned i = 12; i < 18; i++) { /* 15: two attachments */
		put(v, i);
		place(v, i, i);
	}
	put(v, 20); /* one */
	place_in(v, 20, BYTES("home"), BYTES("b\xff\"\\/\x01"), 1, "$a \\Flagged", -1);
	place_in(v, 12, BYTES("h\xc3\xb6me"), BYTES("&AOk-"), 4294967295, "", 0);
	log_event(v,
	    (struct event){.kind = EVENT_FOLDER,
		.folder = BYTES("&AOk-"),
		.shown = BYTES("\xc3\xa9"),
		.delimiter = BYTES("/"),
		.attributes = BYTES("\\Sent"),
		.state = BYTES("seen")});
	log_event(v,
	    (struct event){
		.kind = EVENT_CURSOR, .uidnext = 18, .modseq = INT64_MAX, .messages = 6});
	log_event(v, (struct event){.kind = EVENT_SKIPPED, .uid = 99, .reason = BYTES("no\0text")});
	log_event(v, (struct event){.kind = EVENT_SYNCED, .messages = 6, .size_bytes = 12345});
	commit(v);
}

static void fill_second(struct vault *v)
{
	struct sha256 held = id_of(13).sum;

	log_event(v, (struct event){.kind = EVENT_FLAGS, .uid = 12, .flags = BYTES("\\Answered")});
	log_event(v, (struct event){.kind = EVENT_FLAGS, .uid = 4711, .flags = BYTES("\\Seen")});
	log_event(v, (struct event){.kind = EVENT_GONE, .uids = BYTES("13:14,4294967295")});
	log_event(v,
	    (struct event){
		.kind = EVENT_HOLD, .id = held, .held = true, .reason = BYTES("asked for")});
	log_event(v, (struct event){.kind = EVENT_HOLD, .id = id_of(14).sum, .held = true});
	log_event(v, (struct event){.kind = EVENT_HOLD, .id = id_of(14).sum});
	log_event(
	    v, (struct event){.kind = EVENT_AUDIT, .messages = 6, .archived = 5, .missing = 1});
	log_event(v,
	    (struct event){.kind = EVENT_RUN,
		.run = BYTES("p1"),
		.type = BYTES("purge"),
		.state = BYTES("begun")});
	for (unsigned i = 14; i < 17; i++)
		log_event(v,
		    (struct event){.kind = EVENT_PURGE,
			.run = BYTES("p1"),
			.uid = i,
			.id = id_of(i).sum,
			.state = BYTES("intent"),
			.rule = BYTES("old")});
	commit(v);
	for (unsigned i = 14; i < 17; i++)
		log_event(v,
		    (struct event){.kind = EVENT_PURGE,
			.run = BYTES("p1"),
			.uid = i,
			.id = id_of(i).sum,
			.state = bytes_of(i < 16 ? "confirmed" : "kept")});
	log_event(v, (struct event){.kind = EVENT_GONE, .uids = BYTES("15")});
	log_event(v,
	    (struct event){.kind = EVENT_RUN,
		.run = BYTES("p1"),
		.type = BYTES("purge"),
		.state = BYTES("ended"),
		.messages = 2,
		.reason = BYTES("done")});
	log_event(v,
	    (struct event){.kind = EVENT_RESTORED,
		.account = BYTES("home"),
		.uid = 3,
		.id = held,
		.run = BYTES("r1")});
	commit(v);
}

static void fill_third(struct vault *v)
{
	log_event(v, (struct event){.kind = EVENT_RETIRED});
	place_in(v, 17, BYTES("work"), BYTES("INBOX"), 17, "\\Seen", 5); /* and back */
	put(v, 1);
	place_in(v, 1, BYTES("work"), BYTES("INBOX"), 17, "", 6); /* another takes the place */
	put(v, 2);
	place_in(v, 2, BYTES("work"), BYTES("Archive"), 1, "\\Draft \\Seen", 253402300799);
	commit(v);
}

/* A mail and a blob a second time, as after damage: the later one counts. */
static void store_again(struct vault *v)
{
	struct buf text = message(12);
	struct spool spool;
	struct spool_range range = {&spool, 0, text.n};
	struct batch_position from;
	struct event event = {
	    .kind = EVENT_MAIL, .id = id_of(12).sum, .size_bytes = text.n, .stored_bytes = text.n};
	struct store_batch batch;
	struct store *store;
	char *path = in_archive("segments");

	OK(catalog_position(vault_catalog(v), &from, err));
	vault_close(v);
	OK(store_open(
	    &store, &(struct store_options){.folder = path, .for_writing = true, .level = 1}, err));
	OK(store_replay(store, &from, NULL, NULL, err));
	spool_init(&spool, MIB, "/tmp");
	OK(spool_add(&spool, text.p, text.n, err));
	OK(store_put(store, &event, FIRST_TIME, &range, err));
	OK(store_commit(store, ticking(), &batch, err));
	store_close(store);
	spool_release(&spool);
	buf_release(&text);
	free(path);
}

static void make(void)
{
	struct vault *v;

	options.now = ticking;
	options.segment_bytes = 4000;
	v = open_vault(true);
	fill_first(v);
	fill_second(v);
	fill_third(v);
	store_again(v);
	v = open_vault(true);
	check_clean(v);
	vault_close(v);
	ck_assert(exists("segments/000002.tar.zst"));
}

/* ---- what a reader says ---- */

static void write_place(struct jsonout *json, struct sql_stmt *stmt)
{
	static const char *const states[] = {"present", "gone", "purged", "retired"};

	jsonout_object(json, NULL);
	jsonout_exact(json, "account", sql_bytes(stmt, 0));
	jsonout_exact(json, "folder", sql_bytes(stmt, 1));
	jsonout_i64(json, "uidvalidity", sql_i64(stmt, 2));
	jsonout_i64(json, "uid", sql_i64(stmt, 3));
	jsonout_exact(json, "flags", sql_bytes(stmt, 4));
	jsonout_i64(json, "date", sql_i64(stmt, 5));
	jsonout_text(json, "state", bytes_of(states[sql_i64(stmt, 6)]));
	jsonout_end(json);
}

static void write_message(struct catalog *catalog, const struct catalog_message *m, struct buf *out)
{
	static const char places[] =
	    "SELECT account.name, folder.name, place.uidvalidity, uid, flags, place.date, state"
	    " FROM place JOIN folder ON folder.number = place.folder"
	    " JOIN account ON account.number = folder.account WHERE message = ?1"
	    " ORDER BY CAST(account.name AS BLOB), folder.name, place.uidvalidity, uid";
	struct sql_stmt *stmt;
	struct jsonout json;

	OK(sql_prepare(catalog_sql(catalog), places, &stmt, err));
	sql_bind_i64(stmt, 1, m->n);
	jsonout_start(&json, out);
	jsonout_object(&json, NULL);
	jsonout_hex(&json, "id", &m->id.sum);
	jsonout_u64(&json, "size", m->size_bytes);
	jsonout_bool(&json, "held", catalog_is_held(catalog, m->n, NULL) == 1);
	jsonout_array(&json, "places");
	while (sql_step(stmt, NULL) == 1)
		write_place(&json, stmt);
	jsonout_end(&json);
	jsonout_end(&json);
	buf_char(out, '\n');
	sql_free(stmt);
}

/* As unpack.py --json prints it: every message that can be given back, by id. */
static struct buf told(struct vault *v)
{
	struct sql_stmt *stmt;
	struct buf out;

	buf_init(&out, MIB);
	OK(sql_prepare(
	    catalog_sql(vault_catalog(v)), "SELECT n FROM message ORDER BY id", &stmt, err));
	while (sql_step(stmt, NULL) == 1) {
		struct catalog_message m;
		struct msg_id id;

		ck_assert_int_eq(
		    catalog_message_n(vault_catalog(v), sql_i64(stmt, 0), &m, NULL), 1);
		write_message(vault_catalog(v), &m, &out);
		id = m.id;
		OK(vault_prove(v, &id, err));
	}
	sql_free(stmt);
	return out;
}

static void run(const char *command)
{
	struct buf said;

	buf_init(&said, MIB);
	OK(child_output(command, &said, err));
	buf_release(&said);
}

static struct buf told_by_unpack(const char *archive)
{
	char *command = mem_format("tests/golden/unpack.py --json %s 2>%s/said", archive, folder);
	struct buf out;

	buf_init(&out, MIB);
	OK(child_output(command, &out, err));
	free(command);
	return out;
}

START_TEST(both_readers_agree_on_a_new_archive)
{
	struct vault *v;
	struct buf ours, theirs;

	begin();
	make();
	theirs = told_by_unpack(options.path);
	for (int again = 0; again < 2; again++) {
		v = open_vault(false);
		ours = told(v);
		ck_assert_str_eq(buf_string(&ours), buf_string(&theirs));
		vault_close(v);
		buf_release(&ours);
		if (!again)
			remove_file("catalog.db");
	}
	buf_release(&theirs);
	if (getenv("GOLDEN")) {
		char *command = mem_format(
		    "cp -r %s/FORMAT %s/segments %s", options.path, options.path, getenv("GOLDEN"));

		run(command);
		free(command);
	}
	end();
}
END_TEST

START_TEST(both_readers_read_format_1)
{
	struct buf ours, theirs, expected;
	char *command;
	struct vault *v;

	begin();
	buf_init(&expected, MIB);
	OK(file_read_all(GOLDEN "/expected.jsonl", &expected, err));
	command = mem_format("cp -r " GOLDEN " %s", options.path);
	run(command);
	free(command);
	theirs = told_by_unpack(options.path);
	ck_assert_str_eq(buf_string(&theirs), buf_string(&expected));
	remove_file("expected.jsonl");
	v = open_vault(true);
	ours = told(v);
	ck_assert_str_eq(buf_string(&ours), buf_string(&expected));
	check_clean(v);
	put_batch(v, 200, 2); /* and it grows on */
	check_clean(v);
	vault_close(v);
	buf_release(&theirs);
	theirs = told_by_unpack(options.path);
	ck_assert_uint_gt(theirs.n, expected.n);
	buf_release(&ours);
	buf_release(&theirs);
	buf_release(&expected);
	end();
}
END_TEST

SUITE(both_readers_agree_on_a_new_archive, both_readers_read_format_1)
