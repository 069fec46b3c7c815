/* Owns:  one SQLite connection.
 * Knows: the only file that names SQLite; how a connection must be set (sql.h).
 * Never: lets a reading connection write or checkpoint. */
#include "base/sql.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_WAIT_MS     10000
#define STOP_CHECK_STEPS 20000

static const char writing[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
			      "PRAGMA temp_store=MEMORY; PRAGMA foreign_keys=OFF;";
static const char reading[] = "PRAGMA wal_autocheckpoint=0; PRAGMA query_only=ON;"
			      "PRAGMA temp_store=MEMORY; PRAGMA mmap_size=33554432;"
			      "SELECT 1 FROM sqlite_schema LIMIT 1"; /* is it a database? */
/* What does not fit into the cache goes to the file early: memory stays flat. */
static const char building[] = "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
			       "PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-32768;"
			       "PRAGMA foreign_keys=OFF;";

struct sql {
	sqlite3 *db;
	char *path;
	enum sql_mode mode;
	bool is_frozen, saw_damage;
	bool (*stop)(void *);
	void *stop_arg;
};

struct sql_stmt {
	struct sql *sql;
	sqlite3_stmt *s;
};

static int fail(struct sql *sql, struct err *err)
{
	int code = sqlite3_errcode(sql->db) & 0xff;
	enum err_code kind = ERR_IO;

	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
		kind = ERR_DAMAGED;
	else if (code == SQLITE_FULL)
		kind = ERR_SPACE;
	else if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
		kind = ERR_LOCKED;
	else if (code == SQLITE_INTERRUPT)
		kind = ERR_STOPPED;
	if (kind != ERR_DAMAGED)
		return err_set(err, kind, "%s: %s", sql->path, sqlite3_errmsg(sql->db));
	sql->saw_damage = true;
	err_set(err, kind, "%s is damaged (%s): run mailcask rebuild", sql->path,
	    sqlite3_errmsg(sql->db));
	err_class(err, RETRY_NEVER, SCOPE_ARCHIVE);
	return -1;
}

/* Can nothing be written beside that file, and is there no log that would have to be read with
 * it? SQLite can read it then only if it is told that it does not change. */
static bool is_frozen(const char *path)
{
	char *folder = file_folder_of(path), *log = mem_format("%s-wal", path);
	struct stat st;
	bool frozen = access(folder, W_OK) != 0 && (stat(log, &st) != 0 || st.st_size == 0);

	free(folder);
	free(log);
	return frozen;
}

/* The path as a URI (RFC 3986 section 2) that says so; for free(). */
static char *frozen_uri(const char *path)
{
	struct buf uri;

	buf_init(&uri, SIZE_MAX / 2);
	buf_text(&uri, "file:");
	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;

		if (isalnum(c) || strchr("/._-", c))
			buf_char(&uri, (char)c);
		else
			buf_format(&uri, "%%%02X", c);
	}
	buf_text(&uri, "?immutable=1");
	return buf_take(&uri);
}

int sql_open(struct sql **out, const char *path, enum sql_mode mode, struct err *err)
{
	int flags =
	    mode == SQL_READ ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	struct sql *sql = mem_zero(1, sizeof *sql);
	char *uri = NULL;
	int code;

	sql->path = mem_string(path);
	sql->mode = mode;
	if (mode == SQL_READ && is_frozen(path)) {
		sql->is_frozen = true;
		uri = frozen_uri(path);
		flags = SQLITE_OPEN_READONLY;
	}
	if (mode == SQL_READ)
		flags |= SQLITE_OPEN_URI; /* for sql_attach */
	code = sqlite3_open_v2(
	    uri ? uri : path, &sql->db, flags | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX, NULL);
	free(uri);
	if (code != SQLITE_OK) {
		if (sql->db)
			fail(sql, err);
		else
			err_set(err, ERR_IO, "%s: %s", path, sqlite3_errstr(code));
		goto bad;
	}
	sqlite3_busy_timeout(sql->db, BUSY_WAIT_MS);
	if (mode != SQL_BUILD) /* which needs to be without a journal */
		sqlite3_db_config(sql->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (mode == SQL_READ)
		sqlite3_db_config(sql->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (sql_exec(sql,
		mode == SQL_READ        ? reading
		    : mode == SQL_WRITE ? writing
					: building,
		err) != 0)
		goto bad;
	*out = sql;
	return 0;
bad:
	sql_close(sql);
	return -1;
}

void sql_close(struct sql *sql)
{
	if (!sql)
		return;
	/* A statement left over is a bug that must show itself. */
	if (sqlite3_close(sql->db) != SQLITE_OK)
		abort();
	free(sql->path);
	free(sql);
}

/* The database first: a log without one is nothing to SQLite. */
int sql_remove(const char *path, struct err *err)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	int result = 0;
	size_t i;

	for (i = 0; i < sizeof ends / sizeof *ends; i++) {
		char *file = mem_format("%s%s", path, ends[i]);

		if (unlink(file) != 0 && errno != ENOENT)
			result = err_os(err, errno, "cannot remove %s", file);
		free(file);
	}
	return result;
}

int sql_attach(struct sql *sql, const char *path, const char *name, struct err *err)
{
	char *uri = sql->mode == SQL_READ && is_frozen(path) ? frozen_uri(path) : NULL;
	char *text = sqlite3_mprintf("ATTACH %Q AS %Q", uri ? uri : path, name);
	int result = text ? sql_exec(sql, text, err) : err_set(err, ERR_BUG, "out of memory");

	free(uri);
	sqlite3_free(text);
	return result;
}

int sql_exec(struct sql *sql, const char *text, struct err *err)
{
	return sqlite3_exec(sql->db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(sql, err);
}

int sql_begin(struct sql *sql, struct err *err)
{
	return sql_exec(sql, "BEGIN IMMEDIATE", err);
}

int sql_commit(struct sql *sql, struct err *err)
{
	return sql_exec(sql, "COMMIT", err);
}

void sql_rollback(struct sql *sql)
{
	if (!sqlite3_get_autocommit(sql->db))
		sqlite3_exec(sql->db, "ROLLBACK", NULL, NULL, NULL);
}

int sql_checkpoint(struct sql *sql, struct err *err)
{
	int code;

	if (sql->mode != SQL_WRITE)
		return err_set(
		    err, ERR_BUG, "%s: a reading connection must not checkpoint", sql->path);
	code = sqlite3_wal_checkpoint_v2(sql->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	/* A reader in the way only puts it off. */
	return code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY ? 0 : fail(sql, err);
}

int sql_finish(struct sql *sql, struct err *err)
{
	static const char end[] = "PRAGMA locking_mode=NORMAL; PRAGMA synchronous=FULL;"
				  "PRAGMA journal_mode=WAL; PRAGMA cache_size=-2000;";
	sqlite3_file *file = NULL;
	int code;

	if (sql_exec(sql, end, err) != 0)
		return -1;
	sqlite3_db_config(sql->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sql->mode = SQL_WRITE;
	if (sql_exec(sql, writing, err) != 0 || sql_checkpoint(sql, err) != 0)
		return -1;
	/* By SQLite's own descriptor: to close another one would give up its locks. */
	code = sqlite3_file_control(sql->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
	if (code == SQLITE_OK)
		code = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
	return code == SQLITE_OK ? 0
				 : err_set(err, ERR_IO, "%s: %s", sql->path, sqlite3_errstr(code));
}

int sql_prepare(struct sql *sql, const char *text, struct sql_stmt **out, struct err *err)
{
	struct sql_stmt *stmt;
	sqlite3_stmt *s;

	if (sqlite3_prepare_v3(sql->db, text, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) != SQLITE_OK)
		return fail(sql, err);
	stmt = mem_zero(1, sizeof *stmt);
	stmt->sql = sql;
	stmt->s = s;
	*out = stmt;
	return 0;
}

void sql_free(struct sql_stmt *stmt)
{
	if (!stmt)
		return;
	sqlite3_finalize(stmt->s);
	free(stmt);
}

/* Binding fails only for a wrong number or without memory. */
static void must(int code)
{
	if (code == SQLITE_NOMEM)
		mem_exhausted();
	if (code != SQLITE_OK)
		abort();
}

void sql_bind_i64(struct sql_stmt *stmt, int at, int64_t value)
{
	must(sqlite3_bind_int64(stmt->s, at, value));
}

void sql_bind_null(struct sql_stmt *stmt, int at)
{
	must(sqlite3_bind_null(stmt->s, at));
}

void sql_bind_text(struct sql_stmt *stmt, int at, struct bytes text)
{
	must(sqlite3_bind_text64(
	    stmt->s, at, text.n ? text.p : "", text.n, SQLITE_TRANSIENT, SQLITE_UTF8));
}

void sql_bind_blob(struct sql_stmt *stmt, int at, struct bytes data)
{
	must(sqlite3_bind_blob64(stmt->s, at, data.n ? data.p : "", data.n, SQLITE_TRANSIENT));
}

void sql_lend_text(struct sql_stmt *stmt, int at, struct bytes text)
{
	must(sqlite3_bind_text64(
	    stmt->s, at, text.n ? text.p : "", text.n, SQLITE_STATIC, SQLITE_UTF8));
}

void sql_lend_blob(struct sql_stmt *stmt, int at, struct bytes data)
{
	must(sqlite3_bind_blob64(stmt->s, at, data.n ? data.p : "", data.n, SQLITE_STATIC));
}

int sql_ask_i64(struct sql *sql, const char *text, int64_t *out, struct err *err)
{
	struct sql_stmt *stmt;
	int got;

	if (sql_prepare(sql, text, &stmt, err) != 0)
		return -1;
	got = sql_step(stmt, err);
	*out = got == 1 ? sql_i64(stmt, 0) : -1;
	sql_free(stmt);
	return got < 0 ? -1 : 0;
}

int sql_step(struct sql_stmt *stmt, struct err *err)
{
	int code = sqlite3_step(stmt->s);

	if (code == SQLITE_ROW)
		return 1;
	if (code == SQLITE_DONE) {
		sqlite3_reset(stmt->s);
		return 0;
	}
	fail(stmt->sql, err);
	sqlite3_reset(stmt->s);
	return -1;
}

int sql_run(struct sql_stmt *stmt, struct err *err)
{
	int got = sql_step(stmt, err);

	if (got == 1) {
		sql_reset(stmt);
		return 0;
	}
	return got;
}

void sql_reset(struct sql_stmt *stmt)
{
	sqlite3_reset(stmt->s);
}

int64_t sql_i64(struct sql_stmt *stmt, int column)
{
	return sqlite3_column_int64(stmt->s, column);
}

double sql_real(struct sql_stmt *stmt, int column)
{
	return sqlite3_column_double(stmt->s, column);
}

struct bytes sql_bytes(struct sql_stmt *stmt, int column)
{
	/* The pointer must be asked for first: it may convert, which changes the length. */
	const char *p = sqlite3_column_blob(stmt->s, column);

	return (struct bytes){p, (size_t)sqlite3_column_bytes(stmt->s, column)};
}

bool sql_is_null(struct sql_stmt *stmt, int column)
{
	return sqlite3_column_type(stmt->s, column) == SQLITE_NULL;
}

bool sql_saw_damage(const struct sql *sql)
{
	return sql->saw_damage;
}

void sql_note_damage(struct sql *sql)
{
	sql->saw_damage = true;
}

bool sql_is_frozen(const struct sql *sql)
{
	return sql->is_frozen;
}

int64_t sql_changes(struct sql *sql)
{
	return sqlite3_changes64(sql->db);
}

int64_t sql_last_rowid(struct sql *sql)
{
	return sqlite3_last_insert_rowid(sql->db);
}

static int ask_stop(void *arg)
{
	struct sql *sql = arg;

	return sql->stop && sql->stop(sql->stop_arg);
}

void sql_set_stop(struct sql *sql, bool (*fn)(void *), void *arg)
{
	sql->stop = fn;
	sql->stop_arg = arg;
	sqlite3_progress_handler(sql->db, STOP_CHECK_STEPS, fn ? ask_stop : NULL, sql);
}
