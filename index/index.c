/* Owns:  index.db.
 * Knows: its tables, and how they are filled at speed: texts are gathered in the order of the
 *        archive and inserted in that of their dates, one transaction for many.
 * Never: holds what the archive does not. */
#include "index/index.h"

#include "index/extract.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GATHER_BYTES (16u << 20) /* of text in memory before it is inserted */
#define GATHER_COUNT 10000

struct index {
	struct sql *sql;
	char *path, *catalog_path;
};

static const char schema[] =
    "PRAGMA user_version = 2;" /* INDEX_VERSION */
    /* indexed: the last message number that is in; last: the id of that message */
    "CREATE TABLE state(one INTEGER PRIMARY KEY CHECK(one = 1), indexed INTEGER NOT NULL,"
    " last BLOB);"
    "INSERT INTO state VALUES(1, 0, NULL);"
    "CREATE TABLE doc(id INTEGER PRIMARY KEY, n INTEGER NOT NULL UNIQUE,"
    " attachments INTEGER NOT NULL, cut INTEGER NOT NULL);"
    "CREATE INDEX doc_attachments ON doc(n) WHERE attachments > 0;"
    /* messages that had no place yet, so no date: they wait for it */
    "CREATE TABLE undated(n INTEGER PRIMARY KEY);"
    "CREATE VIRTUAL TABLE fts USING fts5(sender, recipient, copy, subject, list, body, filename,"
    " attachment, content='', tokenize=\"unicode61 remove_diacritics 2\");"
    "INSERT INTO fts(fts, rank) VALUES('hashsize', 16777216);"
    "INSERT INTO fts(fts, rank) VALUES('rank', 'bm25(4.0, 2.0, 1.0, 5.0, 1.0, 1.0, 3.0, 0.5)');";

int64_t index_rowid(int64_t date_unix, int64_t message_n)
{
	int64_t date = date_unix;

	if (date < INDEX_DATE_MIN)
		date = INDEX_DATE_MIN;
	if (date > INDEX_DATE_MAX)
		date = INDEX_DATE_MAX;
	return date * (INDEX_NUMBER_MASK + 1) + (message_n & INDEX_NUMBER_MASK);
}

static int ask_number(struct sql *sql, const char *text, int64_t *out, struct err *err)
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

static int make_schema(struct sql *sql, struct err *err)
{
	if (sql_begin(sql, err) != 0)
		return -1;
	if (sql_exec(sql, schema, err) == 0)
		return sql_commit(sql, err);
	sql_rollback(sql);
	return -1;
}

static void remove_files(const char *path)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	size_t i;

	for (i = 0; i < sizeof ends / sizeof *ends; i++) {
		char *file = mem_format("%s%s", path, ends[i]);

		unlink(file);
		free(file);
	}
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

	if (ask_number(sql, "SELECT count(*) FROM main.sqlite_schema", &tables, err) != 0 ||
	    ask_number(sql, "PRAGMA main.user_version", &version, err) != 0)
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
	if (got == 0)
		return mode == SQL_WRITE ? make_schema(index->sql, err) : damaged(err, "is empty");
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
	remove_files(index->path);
	return open_files(index, SQL_WRITE, err);
}

static int open_for_reading(struct index *index, struct err *err)
{
	struct err why = {0};

	if (!file_exists(index->path))
		return err_set(err, ERR_ABSENT, "there is no search index yet");
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
	sql_close(index->sql);
	free(index->path);
	free(index->catalog_path);
	free(index);
}

struct sql *index_sql(struct index *index)
{
	return index->sql;
}

/* ---- filling ---- */

/* A message whose text waits to be inserted. */
struct gathered {
	int64_t rowid, n;
	uint64_t attachments;
	bool is_cut, has_date;
	size_t end[EXTRACT_COLUMNS]; /* of each column in text */
	char *text;
};

struct catchup {
	struct index *index;
	struct vault *vault;
	const struct index_calls *calls;
	struct extract extract;
	struct gathered *gathered;
	size_t count, room, bytes;
	int64_t last_n;
	uint64_t done, all;
	struct sql_stmt *insert_doc, *insert_fts, *set_state, *insert_undated, *delete_undated;
};

static void forget_gathered(struct catchup *catchup)
{
	size_t i;

	for (i = 0; i < catchup->count; i++)
		free(catchup->gathered[i].text);
	catchup->count = catchup->bytes = 0;
}

static int by_rowid(const void *a, const void *b)
{
	int64_t x = ((const struct gathered *)a)->rowid, y = ((const struct gathered *)b)->rowid;

	return x < y ? -1 : x > y;
}

static int insert(struct catchup *catchup, const struct gathered *one, struct err *err)
{
	struct sql_stmt *undated =
	    one->has_date ? catchup->delete_undated : catchup->insert_undated;
	size_t start = 0;
	int i;

	sql_bind_i64(undated, 1, one->n);
	if (sql_run(undated, err) != 0)
		return -1;
	if (!one->has_date)
		return 0;
	sql_bind_i64(catchup->insert_doc, 1, one->rowid);
	sql_bind_i64(catchup->insert_doc, 2, one->n);
	sql_bind_i64(catchup->insert_doc, 3, (int64_t)one->attachments);
	sql_bind_i64(catchup->insert_doc, 4, one->is_cut);
	sql_bind_i64(catchup->insert_fts, 1, one->rowid);
	for (i = 0; i < EXTRACT_COLUMNS; i++) {
		sql_bind_text(catchup->insert_fts, 2 + i,
		    (struct bytes){one->text + start, one->end[i] - start});
		start = one->end[i];
	}
	return sql_run(catchup->insert_doc, err) == 0 && sql_run(catchup->insert_fts, err) == 0
	    ? 0
	    : -1;
}

/* Insert what was gathered, by date: FTS5 writes its memory to the disk whenever a rowid is
 * smaller than the one before. */
static int insert_gathered(struct catchup *catchup, struct err *err)
{
	struct sql *sql = catchup->index->sql;
	size_t i;

	if (catchup->count == 0)
		return 0;
	qsort(catchup->gathered, catchup->count, sizeof *catchup->gathered, by_rowid);
	if (sql_begin(sql, err) != 0)
		return -1;
	for (i = 0; i < catchup->count; i++)
		if (insert(catchup, &catchup->gathered[i], err) != 0)
			goto bad;
	sql_bind_i64(catchup->set_state, 1, catchup->last_n);
	if (sql_run(catchup->set_state, err) != 0 || sql_commit(sql, err) != 0)
		goto bad;
	catchup->done += catchup->count;
	forget_gathered(catchup);
	return 0;
bad:
	sql_rollback(sql);
	return -1;
}

static void gather(struct catchup *catchup, const struct catalog_message *message)
{
	struct extract *extract = &catchup->extract;
	struct gathered *one;
	size_t bytes = 0;
	int i;

	catchup->gathered = mem_grow(
	    catchup->gathered, &catchup->room, catchup->count + 1, sizeof *catchup->gathered);
	one = &catchup->gathered[catchup->count++];
	memset(one, 0, sizeof *one);
	one->n = message->n;
	one->has_date = message->has_date;
	if (!one->has_date)
		return;
	one->rowid = index_rowid(message->date_unix, message->n);
	one->attachments = extract->attachments;
	one->is_cut = extract->is_cut;
	for (i = 0; i < EXTRACT_COLUMNS; i++)
		bytes += extract->column[i].n;
	one->text = mem_alloc(bytes);
	catchup->bytes += bytes;
	bytes = 0;
	for (i = 0; i < EXTRACT_COLUMNS; i++) {
		if (extract->column[i].n > 0)
			memcpy(one->text + bytes, extract->column[i].p, extract->column[i].n);
		bytes += extract->column[i].n;
		one->end[i] = bytes;
	}
}

static int take_message(void *arg, const struct catalog_message *message, struct err *err)
{
	struct catchup *catchup = arg;
	const struct index_calls *calls = catchup->calls;
	struct msg_id id = message->id;
	struct err why = {0};

	if (calls->stop && calls->stop(calls->arg))
		return err_set(err, ERR_STOPPED, "stopped");
	if (message->has_date &&
	    extract_message(&catchup->extract, catchup->vault, &id, &why) != 0) {
		if (why.code != ERR_DAMAGED && why.code != ERR_ABSENT) {
			*err = why;
			return -1;
		}
		if (calls->problem)
			calls->problem(calls->arg, &id, why.text);
	}
	gather(catchup, message);
	if (message->n > catchup->last_n)
		catchup->last_n = message->n;
	if (calls->progress)
		calls->progress(calls->arg, catchup->done + catchup->count, catchup->all);
	if (catchup->bytes >= GATHER_BYTES || catchup->count >= GATHER_COUNT)
		return insert_gathered(catchup, err);
	return 0;
}

static int prepare(struct catchup *catchup, struct err *err)
{
	struct sql *sql = catchup->index->sql;

	if (sql_prepare(sql,
		"INSERT OR REPLACE INTO doc(id, n, attachments, cut) VALUES(?, ?, ?, ?)",
		&catchup->insert_doc, err) != 0 ||
	    sql_prepare(sql,
		"INSERT INTO fts(rowid, sender, recipient, copy, subject, list, body, filename,"
		" attachment) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
		&catchup->insert_fts, err) != 0)
		return -1;
	if (sql_prepare(sql, "INSERT OR IGNORE INTO undated(n) VALUES(?)", &catchup->insert_undated,
		err) != 0 ||
	    sql_prepare(sql, "DELETE FROM undated WHERE n = ?", &catchup->delete_undated, err) != 0)
		return -1;
	return sql_prepare(sql,
	    "UPDATE main.state SET indexed = ?1, last = (SELECT id FROM cat.message WHERE n = ?1)",
	    &catchup->set_state, err);
}

/* Messages that have got a date since they were passed over. */
static int take_undated(struct catchup *catchup, struct err *err)
{
	struct catalog_message message;
	struct sql_stmt *next;
	int64_t n = 0;
	int got, result = 0;

	if (sql_prepare(catchup->index->sql,
		"SELECT n FROM main.undated JOIN cat.message USING(n)"
		" WHERE n > ?1 AND date IS NOT NULL ORDER BY n LIMIT 1",
		&next, err) != 0)
		return -1;
	/* Asked anew each time: taking a message may write to the table. */
	while (result == 0) {
		sql_bind_i64(next, 1, n);
		got = sql_step(next, err);
		if (got != 1) {
			result = got;
			break;
		}
		n = sql_i64(next, 0);
		sql_reset(next);
		got = catalog_message_n(vault_catalog(catchup->vault), n, &message, err);
		if (got == 0)
			err_set(err, ERR_DAMAGED, "catalog.db lost a message meanwhile");
		result = got == 1 ? take_message(catchup, &message, err) : -1;
	}
	sql_free(next);
	return result;
}

int index_catchup(struct index *index, struct vault *vault, const struct index_calls *calls,
    uint64_t *indexed_out, struct err *err)
{
	struct catchup catchup = {.index = index, .vault = vault, .calls = calls};
	int64_t indexed;
	int result = -1;

	*indexed_out = 0;
	extract_init(&catchup.extract);
	if (index_behind(index, &catchup.all, err) != 0)
		goto out;
	if (catchup.all == 0) {
		result = 0;
		goto out;
	}
	if (ask_number(index->sql, "SELECT indexed FROM main.state", &indexed, err) != 0 ||
	    prepare(&catchup, err) != 0)
		goto out;
	catchup.last_n = indexed;
	result = take_undated(&catchup, err);
	if (result == 0)
		result = catalog_each_message(
		    vault_catalog(vault), indexed, take_message, &catchup, err);
	/* A stop keeps what is ready. */
	if ((result == 0 || (err && err->code == ERR_STOPPED)) &&
	    insert_gathered(&catchup, result == 0 ? err : NULL) != 0)
		result = -1;
	*indexed_out = catchup.done;
	if (result == 0)
		result = sql_checkpoint(index->sql, err);
out:
	sql_free(catchup.insert_doc);
	sql_free(catchup.insert_fts);
	sql_free(catchup.set_state);
	sql_free(catchup.insert_undated);
	sql_free(catchup.delete_undated);
	forget_gathered(&catchup);
	free(catchup.gathered);
	extract_release(&catchup.extract);
	return result;
}

int index_behind(struct index *index, uint64_t *count_out, struct err *err)
{
	int64_t count;

	if (ask_number(index->sql,
		"SELECT (SELECT count(*) FROM cat.message"
		"  WHERE n > (SELECT indexed FROM main.state))"
		" + (SELECT count(*) FROM main.undated JOIN cat.message USING(n)"
		"  WHERE date IS NOT NULL)",
		&count, err) != 0)
		return -1;
	*count_out = (uint64_t)count;
	return 0;
}

int index_verify(struct index *index, const char **what_out, struct err *err)
{
	static const struct {
		const char *question, *what;
	} check_of[] = {
	    {"SELECT count(*) FROM main.doc WHERE n NOT IN (SELECT n FROM cat.message)",
		"the index has messages that the catalogue has not"},
	    {"SELECT count(*) FROM cat.message WHERE n NOT IN (SELECT n FROM main.doc)"
	     " AND n NOT IN (SELECT n FROM main.undated)"
	     " AND n <= (SELECT indexed FROM main.state)",
		"the index lacks messages"},
	    {"SELECT count(*) FROM main.doc JOIN cat.message USING(n)"
	     " WHERE doc.id >> 29 != min(max(coalesce(date, 0), 0), 17179869183)",
		"the index has messages under a wrong date"},
	    {"SELECT (SELECT count(*) FROM main.doc) != (SELECT count(*) FROM main.fts_docsize)",
		"the index has another number of texts than of messages"},
	};
	int64_t count;
	size_t i;

	for (i = 0; i < sizeof check_of / sizeof *check_of; i++) {
		if (ask_number(index->sql, check_of[i].question, &count, err) != 0)
			return -1;
		if (count > 0) {
			*what_out = check_of[i].what;
			return 1;
		}
	}
	return 0;
}
