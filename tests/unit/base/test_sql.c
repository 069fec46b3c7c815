/* base/sql.c: what a connection may do, and what comes back from a statement. */
#include "base/sql.h"

#include "../suite.h"
#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];
static char *path, *other, *wal;

static void set_up(void)
{
	snprintf(folder, sizeof folder, "/tmp/test_sql-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	path = file_join(folder, "a.db");
	other = file_join(folder, "b.db");
	wal = file_join(folder, "a.db-wal");
}

static void tear_down(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/rm", "rm", "-rf", folder, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	free(path);
	free(other);
	free(wal);
}

static struct sql *open_at(const char *where, enum sql_mode mode)
{
	struct sql *sql = NULL;

	OK(sql_open(&sql, where, mode, err));
	return sql;
}

static struct sql *open_filled(void)
{
	struct sql *sql = open_at(path, SQL_WRITE);

	OK(sql_exec(sql,
	    "CREATE TABLE t (a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 'one')", err));
	return sql;
}

static int64_t ask(struct sql *sql, const char *text)
{
	struct sql_stmt *stmt;
	int64_t value;

	OK(sql_prepare(sql, text, &stmt, err));
	ck_assert_int_eq(sql_step(stmt, NULL), 1);
	value = sql_i64(stmt, 0);
	sql_free(stmt);
	return value;
}

static int64_t size_of(const char *name)
{
	struct stat st;

	return stat(name, &st) == 0 ? st.st_size : -1;
}

START_TEST(the_writer_uses_a_log)
{
	struct sql *sql = open_filled();
	struct sql_stmt *stmt;

	OK(sql_prepare(sql, "PRAGMA journal_mode", &stmt, err));
	ck_assert_int_eq(sql_step(stmt, NULL), 1);
	ck_assert(bytes_is(sql_bytes(stmt, 0), "wal"));
	sql_free(stmt);
	ck_assert_int_eq(ask(sql, "PRAGMA synchronous"), 1);
	ck_assert_int_gt(size_of(wal), 0);
	sql_close(sql);
	ck_assert_int_eq(size_of(wal), -1);
	sql_close(NULL);
}
END_TEST

START_TEST(a_reader_sees_what_is_committed)
{
	struct sql *writer = open_filled(), *reader = open_at(path, SQL_READ);

	OK(sql_begin(writer, err));
	OK(sql_exec(writer, "INSERT INTO t VALUES (2, 'two')", err));
	ck_assert_int_eq(ask(reader, "SELECT count(*) FROM t"), 1);
	OK(sql_commit(writer, err));
	ck_assert_int_eq(ask(reader, "SELECT count(*) FROM t"), 2);
	sql_close(reader);
	sql_close(writer);
}
END_TEST

START_TEST(a_reader_cannot_write)
{
	struct sql *writer = open_filled(), *reader = open_at(path, SQL_READ);

	FAILS(ERR_IO, sql_exec(reader, "INSERT INTO t VALUES (2, 'two')", err));
	FAILS(ERR_IO, sql_exec(reader, "DELETE FROM t", err));
	FAILS(ERR_IO, sql_exec(reader, "CREATE TABLE u (a)", err));
	FAILS(ERR_IO, sql_exec(reader, "PRAGMA user_version = 7; SELECT 1", err));
	FAILS(ERR_BUG, sql_checkpoint(reader, err));
	ck_assert_int_eq(ask(writer, "SELECT count(*) FROM t"), 1);
	ck_assert_int_eq(ask(writer, "PRAGMA user_version"), 0);
	sql_close(reader);
	sql_close(writer);
}
END_TEST

/* Not even when it is the last to close (sql.h says why). */
START_TEST(a_reader_never_checkpoints)
{
	struct sql *writer = open_filled(), *reader = open_at(path, SQL_READ);
	int64_t before;

	ck_assert_int_eq(ask(reader, "SELECT count(*) FROM t"), 1);
	before = size_of(path);
	sql_close(writer);
	ck_assert_int_gt(size_of(wal), 0);
	ck_assert_int_eq(ask(reader, "PRAGMA wal_autocheckpoint"), 0);
	sql_close(reader);
	ck_assert_int_gt(size_of(wal), 0);
	ck_assert_int_eq(size_of(path), before);
	writer = open_at(path, SQL_WRITE);
	ck_assert_int_eq(ask(writer, "SELECT count(*) FROM t"), 1);
	sql_close(writer);
}
END_TEST

START_TEST(the_writer_checkpoints_when_asked)
{
	struct sql *sql = open_filled();

	ck_assert_int_gt(size_of(wal), 0);
	OK(sql_checkpoint(sql, err));
	ck_assert_int_eq(size_of(wal), 0);
	sql_close(sql);
}
END_TEST

/* A reader in the way only puts the checkpoint off. */
START_TEST(a_checkpoint_beside_a_reader_is_no_error)
{
	struct sql *writer = open_filled(), *reader = open_at(path, SQL_READ);
	struct sql_stmt *stmt;

	OK(sql_exec(writer, "PRAGMA busy_timeout = 10", err));
	OK(sql_prepare(reader, "SELECT a FROM t", &stmt, err));
	ck_assert_int_eq(sql_step(stmt, NULL), 1);
	OK(sql_exec(writer, "INSERT INTO t VALUES (2, 'two')", err));
	OK(sql_checkpoint(writer, err));
	ck_assert_int_eq(sql_step(stmt, NULL), 0);
	sql_free(stmt);
	sql_close(reader);
	sql_close(writer);
}
END_TEST

static void check_damaged(enum sql_mode mode)
{
	struct sql *sql = NULL;
	struct err err = {0};

	ck_assert_int_eq(sql_open(&sql, path, mode, &err), -1);
	ck_assert_int_eq(err.code, ERR_DAMAGED);
	ck_assert_int_eq(err.scope, SCOPE_ARCHIVE);
	ck_assert_ptr_nonnull(strstr(err.text, path));
	ck_assert_ptr_null(sql);
}

START_TEST(what_is_no_database_is_damaged)
{
	char noise[8192];

	memset(noise, 'x', sizeof noise);
	OK(file_replace(path, (struct bytes){noise, sizeof noise}, 0600, err));
	check_damaged(SQL_READ);
	check_damaged(SQL_WRITE);
	OK(file_replace(path, BYTES("short"), 0600, err));
	check_damaged(SQL_READ);
	check_damaged(SQL_WRITE);
}
END_TEST

START_TEST(a_database_with_a_broken_page_is_damaged)
{
	struct sql *sql = open_filled();
	struct err why = {0};
	char noise[4096];
	int fd;

	OK(sql_exec(sql, "CREATE TABLE big (x); INSERT INTO big VALUES (zeroblob(100000))", err));
	sql_close(sql);
	memset(noise, 0xff, sizeof noise);
	fd = file_open(path, O_RDWR, 0, NULL);
	OK(file_write_at(fd, noise, sizeof noise, 4096, path, err));
	file_close(&fd);
	sql = open_at(path, SQL_WRITE);
	ck_assert(!sql_saw_damage(sql));
	FAILS(ERR_DAMAGED, sql_exec(sql, "SELECT * FROM t; SELECT * FROM big", err));
	ck_assert(sql_saw_damage(sql));
	ck_assert_int_eq(sql_exec(sql, "SELECT * FROM t; SELECT * FROM big", &why), -1);
	ck_assert_ptr_nonnull(strstr(why.text, path));
	ck_assert_ptr_nonnull(strstr(why.text, " is damaged ("));
	ck_assert_ptr_nonnull(strstr(why.text, "run mailcask rebuild"));
	sql_close(sql);
}
END_TEST

/* A folder that cannot be written to: without a log a file is read as it is. */
START_TEST(a_folder_that_cannot_be_written_to)
{
	char *strange = file_join(folder, "a b%3f?c#d.db");
	struct sql *sql;

	sql_close(open_filled());
	ck_assert_int_eq(rename(path, strange), 0);
	sql_close(open_filled());
	ck_assert_int_eq(chmod(strange, 0444), 0);
	ck_assert_int_eq(chmod(path, 0444), 0);
	ck_assert_int_eq(chmod(folder, 0555), 0);
	if (getuid() == 0)
		ck_assert_int_eq(setresuid(65534, 65534, 0), 0);
	sql = open_at(strange, SQL_READ);
	ck_assert(sql_is_frozen(sql));
	ck_assert_int_eq(ask(sql, "SELECT count(*) FROM t"), 1);
	ck_assert_int_eq(sql_exec(sql, "INSERT INTO t VALUES (2, 'two')", NULL), -1);
	sql_close(sql);
	sql = open_at(path, SQL_READ);
	OK(sql_attach(sql, strange, "other", err));
	ck_assert_int_eq(ask(sql, "SELECT count(*) FROM other.t"), 1);
	sql_close(sql);
	sql = NULL;
	ck_assert_int_eq(sql_open(&sql, path, SQL_WRITE, NULL), -1);
	if (getuid() != geteuid() || getuid() == 65534)
		ck_assert_int_eq(setresuid(0, 0, 0), 0);
	ck_assert_int_eq(chmod(folder, 0700), 0);
	sql = open_at(strange, SQL_READ);
	ck_assert(!sql_is_frozen(sql));
	sql_close(sql);
	free(strange);
}
END_TEST

START_TEST(only_the_writer_makes_a_file)
{
	struct sql *sql = NULL;

	FAILS(ERR_IO, sql_open(&sql, path, SQL_READ, err));
	ck_assert(!file_exists(path));
	ck_assert_ptr_null(sql);
	FAILS(ERR_IO, sql_open(&sql, "/no/such/folder/a.db", SQL_WRITE, err));
	FAILS(ERR_IO, sql_open(&sql, folder, SQL_WRITE, err));
	sql_close(open_at(path, SQL_WRITE));
	sql = open_at(path, SQL_READ);
	ck_assert_int_eq(ask(sql, "SELECT count(*) FROM sqlite_schema"), 0);
	sql_close(sql);
}
END_TEST

START_TEST(reads_another_database_beside)
{
	struct sql *sql = open_at(other, SQL_WRITE), *reader;

	OK(sql_exec(sql, "CREATE TABLE u (c); INSERT INTO u VALUES (7)", err));
	sql_close(sql);
	sql_close(open_filled());
	reader = open_at(path, SQL_READ);
	OK(sql_attach(reader, other, "it's", err));
	ck_assert_int_eq(ask(reader, "SELECT a + c FROM t, \"it's\".u"), 8);
	FAILS(ERR_IO, sql_exec(reader, "INSERT INTO \"it's\".u VALUES (8)", err));
	FAILS(ERR_IO, sql_attach(reader, "/no/such.db", "n", err));
	sql_close(reader);
}
END_TEST

START_TEST(rolls_back)
{
	struct sql *sql = open_filled();

	OK(sql_begin(sql, err));
	OK(sql_exec(sql, "DELETE FROM t", err));
	sql_rollback(sql);
	ck_assert_int_eq(ask(sql, "SELECT count(*) FROM t"), 1);
	sql_rollback(sql); /* none is open: legal */
	OK(sql_begin(sql, err));
	FAILS(ERR_IO, sql_begin(sql, err));
	OK(sql_commit(sql, err));
	FAILS(ERR_IO, sql_commit(sql, err));
	sql_close(sql);
}
END_TEST

START_TEST(what_was_bound_comes_back)
{
	struct sql *sql = open_at(path, SQL_WRITE);
	struct sql_stmt *stmt;

	OK(sql_prepare(sql, "SELECT ?, ?, ?, ?, ?, ?, ?, 2.5", &stmt, err));
	sql_bind_i64(stmt, 1, INT64_MIN);
	sql_bind_i64(stmt, 2, INT64_MAX);
	sql_lend_text(stmt, 3, BYTES("gr\xc3\xbc\xc3\x9f\x65"));
	sql_bind_blob(stmt, 4, BYTES("\0\xff\0"));
	sql_bind_null(stmt, 5);
	sql_bind_text(stmt, 6, (struct bytes){NULL, 0});
	sql_bind_blob(stmt, 7, (struct bytes){NULL, 0});
	ck_assert_int_eq(sql_step(stmt, NULL), 1);
	ck_assert(sql_i64(stmt, 0) == INT64_MIN);
	ck_assert(sql_i64(stmt, 1) == INT64_MAX);
	ck_assert(bytes_is(sql_bytes(stmt, 2), "gr\xc3\xbc\xc3\x9f\x65"));
	ck_assert(bytes_equal(sql_bytes(stmt, 3), BYTES("\0\xff\0")));
	ck_assert(sql_is_null(stmt, 4));
	ck_assert_uint_eq(sql_bytes(stmt, 4).n, 0);
	ck_assert_int_eq(sql_i64(stmt, 4), 0);
	ck_assert(!sql_is_null(stmt, 5));
	ck_assert_uint_eq(sql_bytes(stmt, 5).n, 0);
	ck_assert(!sql_is_null(stmt, 6));
	ck_assert_uint_eq(sql_bytes(stmt, 6).n, 0);
	ck_assert(sql_real(stmt, 7) == 2.5);
	ck_assert(bytes_is(sql_bytes(stmt, 0), "-9223372036854775808"));
	ck_assert_int_eq(sql_step(stmt, NULL), 0);
	sql_free(stmt);
	sql_free(NULL);
	sql_close(sql);
}
END_TEST

/* Bound text is copied: what the caller does with its own afterwards is its own affair. */
START_TEST(statements_are_used_again)
{
	struct sql *sql = open_filled();
	struct sql_stmt *stmt;
	char text[] = "x0";

	OK(sql_prepare(sql, "INSERT INTO t (b) VALUES (?)", &stmt, err));
	for (char c = '1'; c <= '9'; c++) {
		text[1] = c;
		sql_bind_text(stmt, 1, bytes_of(text));
		text[1] = '?';
		OK(sql_run(stmt, err));
		ck_assert_int_eq(sql_changes(sql), 1);
		ck_assert_int_eq(sql_last_rowid(sql), c - '0' + 1);
	}
	sql_free(stmt);
	OK(sql_prepare(sql, "SELECT b FROM t ORDER BY a", &stmt, err));
	for (int again = 0; again < 3; again++) {
		ck_assert_int_eq(sql_step(stmt, NULL), 1);
		ck_assert(bytes_is(sql_bytes(stmt, 0), "one"));
		ck_assert_int_eq(sql_step(stmt, NULL), 1);
		ck_assert(bytes_is(sql_bytes(stmt, 0), "x1"));
		sql_reset(stmt);
	}
	OK(sql_run(stmt, err));
	ck_assert_int_eq(sql_step(stmt, NULL), 1);
	ck_assert(bytes_is(sql_bytes(stmt, 0), "one"));
	sql_free(stmt);
	OK(sql_exec(sql, "UPDATE t SET b = NULL WHERE a > 3", err));
	ck_assert_int_eq(sql_changes(sql), 7);
	sql_close(sql);
}
END_TEST

START_TEST(null_replaces_what_was_bound_before)
{
	struct sql *sql = open_at(path, SQL_WRITE);
	struct sql_stmt *stmt;

	OK(sql_prepare(sql, "SELECT ?", &stmt, err));
	sql_bind_i64(stmt, 1, 7);
	OK(sql_run(stmt, err));
	sql_bind_null(stmt, 1);
	ck_assert_int_eq(sql_step(stmt, NULL), 1);
	ck_assert(sql_is_null(stmt, 0));
	sql_free(stmt);
	sql_close(sql);
}
END_TEST

START_TEST(a_failed_statement_can_be_used_again)
{
	struct sql *sql = open_filled();
	struct sql_stmt *stmt;

	OK(sql_prepare(sql, "INSERT INTO t (a) VALUES (?)", &stmt, err));
	sql_bind_i64(stmt, 1, 1);
	FAILS(ERR_IO, sql_run(stmt, err));
	sql_bind_i64(stmt, 1, 2);
	OK(sql_run(stmt, err));
	sql_free(stmt);
	stmt = NULL;
	FAILS(ERR_IO, sql_prepare(sql, "SELEKT", &stmt, err));
	ck_assert_ptr_null(stmt);
	FAILS(ERR_IO, sql_exec(sql, "SELECT * FROM nothing", err));
	sql_close(sql);
}
END_TEST

START_TEST(a_full_database_is_a_lack_of_space)
{
	struct sql *sql = open_filled();

	OK(sql_exec(sql, "PRAGMA max_page_count = 3", err));
	FAILS(ERR_SPACE, sql_exec(sql, "INSERT INTO t (b) VALUES (zeroblob(1000000))", err));
	ck_assert_int_eq(ask(sql, "SELECT count(*) FROM t"), 1);
	sql_close(sql);
}
END_TEST

START_TEST(a_second_writer_is_kept_out)
{
	struct sql *sql = open_filled(), *second = open_at(path, SQL_WRITE);

	OK(sql_exec(second, "PRAGMA busy_timeout = 10", err));
	OK(sql_begin(sql, err));
	FAILS(ERR_LOCKED, sql_begin(second, err));
	sql_rollback(sql);
	OK(sql_begin(second, err));
	sql_rollback(second);
	sql_close(second);
	sql_close(sql);
}
END_TEST

static bool stop_at_third(void *arg)
{
	return ++*(int *)arg == 3;
}

START_TEST(a_long_statement_can_be_stopped)
{
	struct sql *sql = open_filled();
	int asked = 0;

	sql_set_stop(sql, stop_at_third, &asked);
	FAILS(ERR_STOPPED,
	    sql_exec(sql,
		"WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
		"SELECT count(*) FROM n",
		err));
	ck_assert_int_eq(asked, 3);
	sql_set_stop(sql, NULL, NULL);
	ck_assert_int_eq(ask(sql,
			     "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n "
			     "LIMIT 100000) SELECT count(*) FROM n"),
	    100000);
	ck_assert_int_eq(asked, 3);
	sql_close(sql);
}
END_TEST

START_TEST(a_database_that_is_built_is_as_others_at_its_end)
{
	struct sql *sql = open_at(path, SQL_BUILD), *reader;

	OK(sql_begin(sql, err));
	OK(sql_exec(sql, "CREATE TABLE t (a INTEGER PRIMARY KEY, b)", err));
	OK(sql_exec(sql,
	    "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 90000)"
	    " INSERT INTO t SELECT i, randomblob(600) FROM n",
	    err));
	ck_assert_int_eq(size_of(wal), -1);
	ck_assert_int_gt(size_of(path), 20000000); /* not all of it in memory */
	OK(sql_exec(sql, "CREATE INDEX u ON t(b)", err));
	OK(sql_commit(sql, err));
	OK(sql_finish(sql, err));
	ck_assert_int_eq(ask(sql, "PRAGMA synchronous"), 1);

	reader = open_at(path, SQL_READ);
	ck_assert_int_eq(ask(reader, "SELECT count(*) FROM t"), 90000);
	OK(sql_exec(sql, "INSERT INTO t VALUES (90001, 'one')", err));
	ck_assert_int_eq(ask(reader, "SELECT count(*) FROM t"), 90001);
	ck_assert_int_gt(size_of(wal), 0);
	FAILS(ERR_IO, sql_exec(sql, "UPDATE sqlite_schema SET sql = ''", err));
	sql_close(reader);
	sql_close(sql);
	ck_assert_int_eq(size_of(wal), -1);

	sql = open_at(path, SQL_WRITE);
	ck_assert_int_eq(ask(sql,
			     "SELECT count(*) FROM pragma_integrity_check"
			     " WHERE integrity_check = 'ok'"),
	    1);
	sql_close(sql);
}
END_TEST

START_TEST(what_is_lent_is_what_is_stored)
{
	struct sql *sql = open_filled();
	struct sql_stmt *stmt;
	char text[] = "lent", data[] = "\0x";

	OK(sql_prepare(sql, "INSERT INTO t VALUES (?1, ?2)", &stmt, err));
	sql_bind_i64(stmt, 1, 2);
	sql_lend_text(stmt, 2, bytes_of(text));
	OK(sql_run(stmt, err));
	memset(text, 'z', 4);
	sql_bind_i64(stmt, 1, 3);
	sql_lend_blob(stmt, 2, (struct bytes){data, 2});
	OK(sql_run(stmt, err));
	memset(data, 'z', 2);
	sql_bind_i64(stmt, 1, 4);
	sql_lend_text(stmt, 2, (struct bytes){NULL, 0});
	OK(sql_run(stmt, err));
	sql_free(stmt);
	ck_assert_int_eq(ask(sql,
			     "SELECT count(*) FROM t WHERE (a = 2 AND b = 'lent') OR"
			     " (a = 3 AND b = x'0078') OR (a = 4 AND b = '')"),
	    3);
	sql_close(sql);
}
END_TEST

int main(void)
{
	const TTest *all[] = {the_writer_uses_a_log, a_reader_sees_what_is_committed,
	    a_reader_cannot_write, a_reader_never_checkpoints, the_writer_checkpoints_when_asked,
	    a_checkpoint_beside_a_reader_is_no_error, what_is_no_database_is_damaged,
	    a_database_with_a_broken_page_is_damaged, a_folder_that_cannot_be_written_to,
	    only_the_writer_makes_a_file, reads_another_database_beside, rolls_back,
	    what_was_bound_comes_back, statements_are_used_again,
	    null_replaces_what_was_bound_before, a_failed_statement_can_be_used_again,
	    a_full_database_is_a_lack_of_space, a_second_writer_is_kept_out,
	    a_long_statement_can_be_stopped, a_database_that_is_built_is_as_others_at_its_end,
	    what_is_lent_is_what_is_stored};
	Suite *suite = suite_create(__FILE__);
	TCase *tests = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, set_up, tear_down);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		tcase_add_test(tests, all[i]);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
