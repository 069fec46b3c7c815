#include "tests/unit/indexed.h"

#include "base/file.h"
#include "index/search.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/wait.h>

#define DAY   86400
#define BIG   (3u << 20)
#define BIGS  14
#define SMALL 40

static struct archive a;

static void place(struct msg_id id, uint32_t uid, int64_t date_unix)
{
	archive_place(
	    &a, id, (struct archive_place){.folder = "INBOX", .uid = uid, .date_unix = date_unix});
}

/* Letters with numbers from first on; letter n says "wn" and "every". */
static void add_letters(unsigned first, unsigned count)
{
	unsigned i;

	for (i = first; i < first + count; i++) {
		char body[32];

		snprintf(body, sizeof body, "every w%u ", i);
		place(archive_letter(&a, i, "hello", body), i, (int64_t)(i * 37 % 100) * DAY);
	}
	archive_commit(&a);
}

/* So large that not all of them fit into one transaction. */
static void add_big_letters(unsigned count)
{
	char *body = mem_alloc(BIG + 1);
	unsigned i, k;

	for (i = 1; i <= count; i++) {
		int n = snprintf(body, 64, "every w%u ", i);

		for (k = (unsigned)n; k < BIG; k++)
			body[k] = k % 8 == 0 ? ' ' : (char)('a' + (k / 8 + k) % 26);
		body[BIG] = '\0';
		place(archive_letter(&a, i, "big", body), i, (int64_t)(i * 37 % 100) * DAY);
		archive_commit(&a);
	}
	free(body);
}

static int count_hit(void *arg, int64_t n, struct err *err)
{
	(void)n, (void)err;
	++*(unsigned *)arg;
	return 0;
}

static unsigned hits(struct index *index, const char *text)
{
	struct search_options options = {0};
	struct query *query;
	unsigned count = 0;

	OK(query_parse(&query, bytes_of(text), ARCHIVE_TIME, err));
	OK(search_messages(index, query, &options, count_hit, &count, err));
	query_free(query);
	return count;
}

static uint64_t behind(struct index *index)
{
	uint64_t count;

	OK(index_behind(index, &count, err));
	return count;
}

static void expect_sound(struct index *index)
{
	const char *what = "";

	ck_assert_msg(index_verify(index, &what, NULL) == 0, "%s", what);
}

static void expect_wrong(struct index *index, const char *words)
{
	const char *what = "";

	ck_assert_int_eq(index_verify(index, &what, NULL), 1);
	ck_assert_msg(strstr(what, words), "%s", what);
}

/* All letters from 1 to count are in, each once. */
static void expect_letters(struct index *index, unsigned count)
{
	unsigned i;

	expect_sound(index);
	ck_assert_uint_eq(behind(index), 0);
	ck_assert_uint_eq(hits(index, "every -zz"), count);
	for (i = 1; i <= count; i++) {
		char word[16];

		snprintf(word, sizeof word, "w%u", i);
		ck_assert_uint_eq(hits(index, word), 1);
	}
}

START_TEST(rowids_stand_in_the_order_of_dates_and_numbers)
{
	static const int64_t dates[] = {INT64_MIN, INDEX_DATE_MIN, -DAY, -1, 0, 1, DAY, 1600000000,
	    INDEX_DATE_MAX - 1, INDEX_DATE_MAX};
	size_t i;

	for (i = 0; i < sizeof dates / sizeof *dates; i++) {
		ck_assert_int_lt(index_rowid(dates[i], 1), index_rowid(dates[i], 2));
		ck_assert_int_eq(index_rowid(dates[i], 77) & INDEX_NUMBER_MASK, 77);
		ck_assert_int_eq(index_rowid(dates[i], INDEX_NUMBER_MASK) & INDEX_NUMBER_MASK,
		    INDEX_NUMBER_MASK);
	}
	for (i = 2; i < sizeof dates / sizeof *dates; i++)
		ck_assert_int_lt(
		    index_rowid(dates[i - 1], INDEX_NUMBER_MASK), index_rowid(dates[i], 1));
	ck_assert_int_eq(index_rowid(INT64_MIN, 5), index_rowid(INDEX_DATE_MIN, 5));
	ck_assert_int_eq(index_rowid(INT64_MAX, 5), index_rowid(INDEX_DATE_MAX, 5));
}
END_TEST

START_TEST(everything_is_indexed_once)
{
	struct index *index;

	archive_begin(&a);
	index = indexed_open(&a, SQL_WRITE);
	ck_assert_uint_eq(indexed_catchup(index, &a), 0);
	add_letters(1, SMALL);
	ck_assert_uint_eq(behind(index), SMALL);
	ck_assert_uint_eq(hits(index, "every"), 0);
	ck_assert_uint_eq(indexed_catchup(index, &a), SMALL);
	ck_assert_uint_eq(indexed_catchup(index, &a), 0);
	expect_letters(index, SMALL);
	add_letters(SMALL + 1, 3);
	ck_assert_uint_eq(behind(index), 3);
	ck_assert_uint_eq(indexed_catchup(index, &a), 3);
	expect_letters(index, SMALL + 3);
	index_close(index);
	index = indexed_open(&a, SQL_READ);
	expect_letters(index, SMALL + 3);
	index_close(index);
	archive_end(&a);
}
END_TEST

START_TEST(a_message_without_a_place_waits_for_its_date)
{
	struct msg_id id[3];
	struct index *index;
	unsigned i;

	archive_begin(&a);
	for (i = 0; i < 3; i++)
		id[i] = archive_letter(&a, 100 + i, "later", "later");
	archive_commit(&a);
	add_letters(1, 5);
	index = indexed_open(&a, SQL_WRITE);
	ck_assert_uint_eq(indexed_catchup(index, &a), 5);
	ck_assert_uint_eq(behind(index), 0);
	ck_assert_uint_eq(hits(index, "later"), 0);
	ck_assert_uint_eq(hits(index, "*"), 5);
	ck_assert_int_eq(index_has(index, archive_number(&a, id[1]), NULL), 0);
	expect_sound(index);
	place(id[1], 90, 5 * DAY);
	place(id[2], 91, 5 * DAY);
	archive_commit(&a);
	ck_assert_uint_eq(behind(index), 2);
	add_letters(6, 1);
	ck_assert_uint_eq(indexed_catchup(index, &a), 3);
	ck_assert_uint_eq(indexed_catchup(index, &a), 0);
	ck_assert_uint_eq(hits(index, "later"), 2);
	ck_assert_int_eq(index_has(index, archive_number(&a, id[1]), NULL), 1);
	expect_letters(index, 6);
	index_close(index);
	archive_end(&a);
}
END_TEST

/* ---- ended before its end ---- */

struct counter {
	unsigned asked, stop_after;
};

static bool stop(void *arg)
{
	struct counter *counter = arg;

	return counter->asked++ >= counter->stop_after;
}

START_TEST(what_was_stopped_goes_on)
{
	unsigned after;

	archive_begin(&a);
	add_letters(1, SMALL);
	for (after = 0; after <= SMALL; after += 13) {
		struct counter counter = {0, after};
		struct index_calls calls = {.stop = stop, .arg = &counter};
		struct index *index = indexed_open(&a, SQL_WRITE);
		uint64_t count = 99;

		FAILS(ERR_STOPPED, index_catchup(index, a.vault, &calls, &count, err));
		ck_assert_uint_eq(count, after);
		ck_assert_uint_eq(behind(index), SMALL - after);
		expect_sound(index);
		index_close(index);
		index = indexed_open(&a, SQL_WRITE);
		ck_assert_uint_eq(indexed_catchup(index, &a), SMALL - after);
		expect_letters(index, SMALL);
		OK(sql_exec(index_sql(index), "PRAGMA user_version = 99", err)); /* begin anew */
		index_close(index);
	}
	archive_end(&a);
}
END_TEST

struct killer {
	uint64_t at;
};

static void kill_at(void *arg, uint64_t done, uint64_t all)
{
	struct killer *killer = arg;

	ck_assert_uint_le(done, all);
	if (done == killer->at)
		raise(SIGKILL);
}

/* Index in another process, which is killed when it has seen that many messages. */
static void index_and_die(uint64_t at)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct killer killer = {at};
		struct index_calls calls = {.progress = kill_at, .arg = &killer};
		struct archive own = a;
		struct index *index;
		uint64_t count;

		archive_open(&own, false);
		index = indexed_open(&own, SQL_WRITE);
		index_catchup(index, own.vault, &calls, &count, NULL);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status));
}

START_TEST(what_was_killed_goes_on)
{
	uint64_t was_behind = BIGS;
	struct index *index;

	archive_begin(&a);
	add_big_letters(BIGS);
	archive_close(&a);
	index_and_die(1);
	index_and_die(8);
	archive_open(&a, false);
	index = indexed_open(&a, SQL_WRITE);
	ck_assert_uint_lt(behind(index), was_behind); /* the first transaction is there */
	was_behind = behind(index);
	ck_assert_uint_gt(was_behind, 0);
	expect_sound(index);
	index_close(index);
	archive_close(&a);
	index_and_die(1);
	archive_open(&a, false);
	index = indexed_open(&a, SQL_WRITE);
	ck_assert_uint_eq(behind(index), was_behind);
	ck_assert_uint_eq(indexed_catchup(index, &a), was_behind);
	expect_letters(index, BIGS);
	index_close(index);
	archive_end(&a);
}
END_TEST

/* ---- damage ---- */

static unsigned problems;

static void note_problem(void *arg, const struct msg_id *id, const char *text)
{
	ck_assert(sha256_equal(&id->sum, &((struct msg_id *)arg)->sum));
	ck_assert_uint_gt(strlen(text), 0);
	problems++;
}

static char *segment(void)
{
	return mem_format("%s/segments/000001.tar.zst", a.folder);
}

/* Change a byte in the frame of the message and back. */
static void flip(struct msg_id id)
{
	char *path = segment(), byte;
	int fd = file_open(path, O_RDWR, 0, NULL);
	struct catalog_message message;
	uint64_t at;

	ck_assert_int_eq(catalog_message(vault_catalog(a.vault), &id, &message, NULL), 1);
	at = message.place.frame_at + 30;
	ck_assert_int_eq(file_read_at(fd, &byte, 1, at, path, NULL), 1);
	byte = (char)~byte;
	OK(file_write_at(fd, &byte, 1, at, path, err));
	file_close(&fd);
	free(path);
}

START_TEST(a_damaged_message_waits_until_it_can_be_read)
{
	struct index_calls calls = {.problem = note_problem};
	struct index *index;
	struct msg_id bad;
	uint64_t count;

	archive_begin(&a);
	bad = archive_letter(&a, 77, "bad", "nothing good");
	calls.arg = &bad;
	place(bad, 77, DAY);
	archive_commit(&a);
	add_letters(1, 5);
	flip(bad);
	archive_close(&a); /* a frame that is in memory would still be good */
	archive_open(&a, false);
	index = indexed_open(&a, SQL_WRITE);
	OK(index_catchup(index, a.vault, &calls, &count, err));
	ck_assert_uint_eq(count, 5);
	ck_assert_uint_eq(problems, 1);
	ck_assert_uint_eq(behind(index), 0);
	expect_letters(index, 5);
	ck_assert_uint_eq(hits(index, "bad"), 0);
	ck_assert_uint_eq(hits(index, "id:77@example.org"), 1); /* by facts */
	ck_assert_int_eq(index_has(index, archive_number(&a, bad), NULL), 0);
	OK(index_catchup(index, a.vault, &calls, &count, err));
	ck_assert_uint_eq(count, 0);
	ck_assert_uint_eq(problems, 1); /* told once */
	flip(bad);
	OK(index_catchup(index, a.vault, &calls, &count, err));
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(hits(index, "bad"), 1);
	ck_assert_int_eq(index_has(index, archive_number(&a, bad), NULL), 1);
	expect_letters(index, 5);
	index_close(index);
	archive_end(&a);
}
END_TEST

/* ---- an index that cannot be used ---- */

static char *index_file(void)
{
	return vault_index_path(a.vault);
}

static void write_index(struct bytes text)
{
	char *path = index_file();

	OK(file_replace(path, text, 0600, err));
	free(path);
}

static void cut_index(uint64_t bytes)
{
	char *path = index_file();
	int fd = file_open(path, O_RDWR, 0, NULL);

	OK(file_cut(fd, bytes, path, err));
	file_close(&fd);
	free(path);
}

static void expect_begun_anew_after(enum err_code code)
{
	struct index *index;

	FAILS(code, indexed_try_open(&index, &a, SQL_READ, err));
	index = indexed_open(&a, SQL_WRITE);
	ck_assert_uint_eq(behind(index), 7);
	ck_assert_uint_eq(indexed_catchup(index, &a), 7);
	expect_letters(index, 7);
	index_close(index);
	index = indexed_open(&a, SQL_READ);
	expect_letters(index, 7);
	index_close(index);
}

static void expect_begun_anew(void)
{
	expect_begun_anew_after(ERR_DAMAGED);
}

/* With a connection of its own, as nobody should. */
static void change(const char *text)
{
	char *path = index_file(), *catalog = vault_catalog_path(a.vault);
	struct sql *sql;

	OK(sql_open(&sql, path, SQL_WRITE, err));
	OK(sql_attach(sql, catalog, "cat", err));
	OK(sql_exec(sql, text, err));
	sql_close(sql);
	free(path);
	free(catalog);
}

START_TEST(an_index_that_cannot_be_used_is_begun_anew)
{
	struct index *index;
	char garbage[4096];

	memset(garbage, 'x', sizeof garbage);
	archive_begin(&a);
	add_letters(1, 7);
	FAILS(ERR_ABSENT, indexed_try_open(&index, &a, SQL_READ, err));
	write_index((struct bytes){garbage, sizeof garbage});
	expect_begun_anew();
	write_index(BYTES("")); /* killed while it was made */
	expect_begun_anew_after(ERR_ABSENT);
	change("PRAGMA user_version = 1");
	expect_begun_anew();
	change("PRAGMA user_version = 4");
	expect_begun_anew();
	change("DELETE FROM state");
	expect_begun_anew();
	cut_index(6000);
	expect_begun_anew();
	archive_end(&a);
}
END_TEST

START_TEST(an_index_of_another_catalogue_is_begun_anew)
{
	struct index *index;

	archive_begin(&a);
	add_letters(1, 7);
	index_close(indexed(&a));
	/* As if the first message had been lost with its segment: all numbers are others. */
	change("DELETE FROM cat.message WHERE n = 1;"
	       "UPDATE cat.message SET n = n - 1; UPDATE cat.place SET message = message - 1;");
	change(
	    "INSERT INTO cat.message SELECT 7, zeroblob(32), size, stored, segment, frame, entry,"
	    " 5, sent, archived, msgid, sender, recipient, copy, subject, 0, NULL"
	    " FROM cat.message WHERE n = 1");
	FAILS(ERR_DAMAGED, indexed_try_open(&index, &a, SQL_READ, err));
	index = indexed_open(&a, SQL_WRITE);
	ck_assert_uint_eq(behind(index), 7);
	index_close(index);
	archive_end(&a);
}
END_TEST

START_TEST(an_index_of_a_longer_catalogue_is_begun_anew)
{
	struct index *index;

	archive_begin(&a);
	add_letters(1, 7);
	index_close(indexed(&a));
	change("DELETE FROM cat.message WHERE n = 7");
	FAILS(ERR_DAMAGED, indexed_try_open(&index, &a, SQL_READ, err));
	index = indexed_open(&a, SQL_WRITE);
	ck_assert_uint_eq(indexed_catchup(index, &a), 6);
	index_close(index);
	archive_end(&a);
}
END_TEST

START_TEST(an_index_that_cannot_be_opened_is_not_removed)
{
	struct index *index;
	char *path;

	archive_begin(&a);
	add_letters(1, 7);
	path = index_file();
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(indexed_try_open(&index, &a, SQL_WRITE, NULL), -1);
	FAILS(ERR_IO, indexed_try_open(&index, &a, SQL_WRITE, err));
	ck_assert_int_eq(rmdir(path), 0);
	free(path);
	archive_end(&a);
}
END_TEST

/* ---- verify ---- */

/* Write over the start of the list of words. */
static void damage_words(void)
{
	char *path = index_file();
	int fd = file_open(path, O_RDWR, 0, NULL);
	struct buf text;
	char *found;

	buf_init(&text, 64 << 20);
	OK(file_read_all(path, &text, err));
	found = memmem(text.p, text.n, "0anna", 5);
	ck_assert_ptr_nonnull(found);
	OK(file_write_at(
	    fd, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, (uint64_t)(found - text.p) - 4, path, err));
	file_close(&fd);
	buf_release(&text);
	free(path);
}

START_TEST(verify_finds_damaged_words)
{
	struct index *index;

	archive_begin(&a);
	add_letters(1, 7);
	index_close(indexed(&a));
	damage_words();
	index = indexed_open(&a, SQL_READ);
	expect_wrong(index, "damaged");
	index_close(index);
	index = indexed_open(&a, SQL_WRITE);
	expect_wrong(index, "damaged");
	index_close(index);
	archive_end(&a);
}
END_TEST

/* A page that no question about messages or words comes by. */
START_TEST(verify_finds_damaged_pages)
{
	struct sql_stmt *stmt;
	struct index *index;
	char *path = NULL;
	uint64_t at;
	int fd;

	archive_begin(&a);
	add_letters(1, 7);
	index_close(indexed(&a));
	path = index_file();
	index = indexed_open(&a, SQL_READ);
	OK(sql_prepare(index_sql(index),
	    "SELECT rootpage FROM main.sqlite_schema WHERE name = 'doc_attachments'", &stmt, err));
	ck_assert_int_eq(sql_step(stmt, NULL), 1);
	at = (uint64_t)(sql_i64(stmt, 0) - 1) * 4096;
	sql_free(stmt);
	index_close(index);
	fd = file_open(path, O_RDWR, 0, NULL);
	OK(file_write_at(fd, "\xff", 1, at, path, err)); /* its kind */
	file_close(&fd);
	index = indexed_open(&a, SQL_READ);
	expect_wrong(index, "is damaged: run mailcask rebuild index");
	index_close(index);
	free(path);
	archive_end(&a);
}
END_TEST

/* Its position is what index_catchup goes on from. */
START_TEST(verify_finds_a_wrong_position)
{
	struct index *index;

	archive_begin(&a);
	add_letters(1, 7);
	index_close(indexed(&a));
	index = indexed_open(&a, SQL_READ);
	change("UPDATE state SET indexed = 8");
	expect_wrong(index, "ahead");
	change("UPDATE state SET indexed = 7");
	expect_sound(index);
	change("DELETE FROM state");
	expect_wrong(index, "how far");
	change("INSERT INTO state SELECT 1, 5, id FROM cat.message WHERE n = 5");
	expect_wrong(index, "not come to");
	index_close(index);
	index = indexed_open(&a, SQL_WRITE);
	expect_wrong(index, "rebuild index");
	change("DELETE FROM doc; DELETE FROM state; INSERT INTO state VALUES(1, 0, NULL);"
	       "INSERT INTO fts(fts) VALUES('delete-all')");
	expect_sound(index); /* empty, and says so */
	index_close(index);
	archive_end(&a);
}
END_TEST

START_TEST(verify_finds_what_differs)
{
	struct index *index;

	archive_begin(&a);
	add_letters(1, 7);
	index_close(indexed(&a));

#define WRONG_AFTER(sql, words)                                                                    \
	do {                                                                                       \
		change(sql);                                                                       \
		index = indexed_open(&a, SQL_READ);                                                \
		expect_wrong(index, words);                                                        \
		index_close(index);                                                                \
		change("PRAGMA user_version = 99"); /* and anew */                                 \
		index = indexed_open(&a, SQL_WRITE);                                               \
		indexed_catchup(index, &a);                                                        \
		expect_sound(index);                                                               \
		index_close(index);                                                                \
	} while (0)

	WRONG_AFTER("DELETE FROM doc WHERE n = 3", "lacks");
	WRONG_AFTER("INSERT INTO doc VALUES(900, 900, 0, 0)", "has not");
	WRONG_AFTER("UPDATE doc SET id = id + (1 << 29) WHERE n = 3", "date");
	WRONG_AFTER("UPDATE doc SET id = id - (1 << 29) WHERE n = 7", "date");
	WRONG_AFTER("UPDATE doc SET id = id + 1 WHERE n = 7", "date");
	WRONG_AFTER("INSERT INTO fts(rowid, body) VALUES(5, 'more')", "texts");
	WRONG_AFTER("INSERT INTO fts(fts, rowid, sender) SELECT 'delete', id, '' FROM doc LIMIT 1",
	    "texts");
	WRONG_AFTER("UPDATE state SET indexed = 7; DELETE FROM doc WHERE n = 7", "lacks");
#undef WRONG_AFTER
	archive_end(&a);
}
END_TEST

/* ---- two at a time ---- */

struct both {
	struct index *writer;
	unsigned seen;
};

static int write_meanwhile(void *arg, int64_t n, struct err *err)
{
	struct both *both = arg;

	(void)n, (void)err;
	if (both->seen++ == 2) {
		add_letters(SMALL + 1, 5);
		ck_assert_uint_eq(indexed_catchup(both->writer, &a), 5);
	}
	return 0;
}

static void read_while_writing(const char *text)
{
	struct search_options options = {0};
	struct both both = {.seen = 0};
	struct index *reader;
	struct query *query;

	archive_begin(&a);
	add_letters(1, SMALL);
	reader = indexed(&a);
	both.writer = indexed_open(&a, SQL_WRITE);
	OK(query_parse(&query, bytes_of(text), ARCHIVE_TIME, err));
	OK(search_messages(reader, query, &options, write_meanwhile, &both, err));
	ck_assert_uint_eq(both.seen, SMALL);
	ck_assert_uint_eq(hits(reader, text), SMALL + 5);
	expect_letters(reader, SMALL + 5);
	query_free(query);
	index_close(reader);
	index_close(both.writer);
	archive_end(&a);
}

START_TEST(a_reader_sees_one_moment_while_another_writes)
{
	read_while_writing("every");
	read_while_writing("*");
	read_while_writing("every after:1970-01-01T00:00:00Z -is:flagged");
}
END_TEST

SUITE(rowids_stand_in_the_order_of_dates_and_numbers, everything_is_indexed_once,
    a_message_without_a_place_waits_for_its_date, what_was_stopped_goes_on, what_was_killed_goes_on,
    a_damaged_message_waits_until_it_can_be_read, an_index_that_cannot_be_used_is_begun_anew,
    an_index_of_another_catalogue_is_begun_anew, an_index_of_a_longer_catalogue_is_begun_anew,
    an_index_that_cannot_be_opened_is_not_removed, verify_finds_damaged_pages,
    verify_finds_a_wrong_position, verify_finds_what_differs, verify_finds_damaged_words,
    a_reader_sees_one_moment_while_another_writes)
