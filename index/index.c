/* Owns:  index.db.
 * Knows: its tables, and whether they fit the catalogue. index_catchup.c fills them.
 * Never: holds what the archive does not. */
#include "index/index.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NO_INDEX "there is no search index yet"

struct index {
	struct sql *sql;
	enum sql_mode mode;
	char *path, *catalog_path;
	struct sql_stmt *has; /* made when it is needed */
};

static const char schema[] = "PRAGMA user_version = " SQL_NUMBER(
    INDEX_VERSION) ";"
		   /* indexed: the last message number that is in; last: the id of that message */
		   "CREATE TABLE state(one INTEGER PRIMARY KEY CHECK(one = 1), indexed INTEGER NOT "
		   "NULL,"
		   " last BLOB);"
		   "INSERT INTO state VALUES(1, 0, NULL);"
		   "CREATE TABLE doc(id INTEGER PRIMARY KEY, n INTEGER NOT NULL UNIQUE,"
		   " attachments INTEGER NOT NULL, cut INTEGER NOT NULL);"
		   "CREATE INDEX doc_attachments ON doc(n) WHERE attachments > 0;"
		   /* passed over: without a place yet, so without a date; or stored bytes that are
		      damaged */
		   "CREATE TABLE waiting(n INTEGER PRIMARY KEY, damaged INTEGER NOT NULL);"
		   "CREATE VIRTUAL TABLE fts USING fts5(sender, recipient, copy, subject, list, "
		   "body, filename,"
		   " attachment, content='', tokenize=\"unicode61 remove_diacritics 2\");"
		   "INSERT INTO fts(fts, rank) VALUES('hashsize', 16777216);"
		   "INSERT INTO fts(fts, rank) VALUES('rank', 'bm25(4.0, 2.0, 1.0, 5.0, 1.0, 1.0, "
		   "3.0, 0.5)');";

int64_t index_rowid(int64_t date_unix, int64_t message_n)
{
	int64_t date = date_unix;

	if (date < INDEX_DATE_MIN)
		date = INDEX_DATE_MIN;
	if (date > INDEX_DATE_MAX)
		date = INDEX_DATE_MAX;
	return date * (INDEX_NUMBER_MASK + 1) + (message_n & INDEX_NUMBER_MASK);
}

static int make_schema(struct sql *sql, struct err *err)
{
	if (sql_begin(sql, err) != 0)
		return -1;
	if (sql_exec(sql, schema, err) == 0)
		return sql_commit(sql, err);
	sql_rollback(sql);
	return -1;
}

static int damaged(struct err *err, const char *what)
{
	err_set(err, ERR_DAMAGED, "the search index %s", what);
	err_class(err, RETRY_NEVER, SCOPE_ARCHIVE);
	return -1;
}

/* 1 tables of this version, 0 none, -1. */
static int check_version(struct sql *sql, struct err *err)
{
	int64_t tables, version;

	if (sql_ask_i64(sql, "SELECT count(*) FROM main.sqlite_schema", &tables, err) != 0 ||
	    sql_ask_i64(sql, "PRAGMA main.user_version", &version, err) != 0)
		return -1;
	if (tables == 0)
		return 0;
	return version == INDEX_VERSION ? 1 : damaged(err, "is not of this version of mailcask");
}

/* The numbers of the catalogue must be those that the index was made with: the message that was
 * indexed last tells. The index is asked first, so that the catalogue is never the older one of
 * the two while another process writes. */
static int check_catalog(struct sql *sql, struct err *err)
{
	struct sql_stmt *state = NULL, *message = NULL;
	int got, result = -1;

	if (sql_prepare(sql, "SELECT indexed, last FROM main.state", &state, err) != 0 ||
	    sql_prepare(sql, "SELECT id FROM cat.message WHERE n = ?1", &message, err) != 0)
		goto out;
	got = sql_step(state, err);
	if (got == 0)
		damaged(err, "does not say what is in it");
	if (got != 1)
		goto out;
	if (sql_i64(state, 0) == 0) {
		result = 0;
		goto out;
	}
	sql_bind_i64(message, 1, sql_i64(state, 0));
	got = sql_step(message, err);
	if (got == 1 && bytes_equal(sql_bytes(message, 0), sql_bytes(state, 1)))
		result = 0;
	else if (got >= 0)
		damaged(err, "was made with another catalogue");
out:
	sql_free(state);
	sql_free(message);
	return result;
}

static int open_files(struct index *index, enum sql_mode mode, struct err *err)
{
	int got;

	if (sql_open(&index->sql, index->path, mode, err) != 0 ||
	    sql_attach(index->sql, index->catalog_path, "cat", err) != 0)
		return -1;
	got = check_version(index->sql, err);
	if (got < 0)
		return -1;
	/* Killed while it was made. */
	if (got == 0 && mode == SQL_READ)
		return err_set(err, ERR_ABSENT, NO_INDEX);
	if (got == 0)
		return make_schema(index->sql, err);
	return check_catalog(index->sql, err);
}

static int open_for_writing(struct index *index, struct err *err)
{
	struct err why = {0};

	if (open_files(index, SQL_WRITE, &why) == 0)
		return 0;
	if (why.code != ERR_DAMAGED) {
		if (err)
			*err = why;
		return -1;
	}
	sql_close(index->sql);
	index->sql = NULL;
	(void)sql_remove(index->path, NULL);
	return open_files(index, SQL_WRITE, err);
}

static int open_for_reading(struct index *index, struct err *err)
{
	struct err why = {0};

	if (!file_exists(index->path))
		return err_set(err, ERR_ABSENT, NO_INDEX);
	if (open_files(index, SQL_READ, &why) == 0)
		return 0;
	if (why.code == ERR_DAMAGED)
		err_add(&why, "%s cannot be used: run mailcask rebuild index", index->path);
	if (err)
		*err = why;
	return -1;
}

int index_open(struct index **out, const char *path, const char *catalog_path, enum sql_mode mode,
    struct err *err)
{
	struct index *index = mem_zero(1, sizeof *index);

	index->mode = mode;
	index->path = mem_string(path);
	index->catalog_path = mem_string(catalog_path);
	if ((mode == SQL_WRITE ? open_for_writing(index, err) : open_for_reading(index, err)) ==
	    0) {
		*out = index;
		return 0;
	}
	index_close(index);
	return -1;
}

void index_close(struct index *index)
{
	if (!index)
		return;
	sql_free(index->has);
	sql_close(index->sql);
	free(index->path);
	free(index->catalog_path);
	free(index);
}

struct sql *index_sql(struct index *index)
{
	return index->sql;
}

int index_behind(struct index *index, uint64_t *count_out, struct err *err)
{
	int64_t count;

	if (sql_ask_i64(index->sql,
		"SELECT (SELECT count(*) FROM cat.message"
		"  WHERE n > (SELECT indexed FROM main.state) AND expired IS NULL)"
		" + (SELECT count(*) FROM main.waiting CROSS JOIN cat.message USING(n)"
		"  WHERE NOT damaged AND date IS NOT NULL AND expired IS NULL)",
		&count, err) != 0)
		return -1;
	*count_out = (uint64_t)count;
	return 0;
}

int index_holds_expired(struct index *index, struct err *err)
{
	int64_t holds;

	if (sql_ask_i64(index->sql,
		"SELECT EXISTS (SELECT 1 FROM cat.message CROSS JOIN main.doc USING(n)"
		" WHERE expired IS NOT NULL)",
		&holds, err) != 0)
		return -1;
	return holds != 0;
}

int index_has(struct index *index, int64_t message_n, struct err *err)
{
	int got;

	if (!index->has &&
	    sql_prepare(index->sql, "SELECT 1 FROM main.doc WHERE n = ?1", &index->has, err) != 0)
		return -1;
	sql_bind_i64(index->has, 1, message_n);
	got = sql_step(index->has, err);
	sql_reset(index->has);
	return got;
}
