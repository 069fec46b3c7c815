/* Owns:  texts on their way from the archive into the index.
 * Knows: how the index is filled at speed: texts are gathered in the order of the archive and
 *        inserted in that of their dates, one transaction for many.
 * Never: lets a message that cannot be read keep the others out. */
#include "index/index.h"

#include "index/extract.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define GATHER_BYTES (16u << 20) /* of text in memory before it is inserted */
#define GATHER_COUNT 10000

/* A message whose text waits to be inserted. */
struct gathered {
	int64_t rowid, n;
	uint64_t attachments;
	bool is_cut;
	bool must_wait, is_damaged;  /* passed over for now */
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
	uint64_t done, all, indexed;
	bool is_second_try; /* of what had to wait */
	struct sql_stmt *insert_doc, *insert_fts, *set_state, *wait, *wait_no_more;
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

static int insert_waiting(struct catchup *catchup, const struct gathered *one, struct err *err)
{
	sql_bind_i64(catchup->wait, 1, one->n);
	sql_bind_i64(catchup->wait, 2, one->is_damaged);
	return sql_run(catchup->wait, err);
}

static int insert(struct catchup *catchup, const struct gathered *one, struct err *err)
{
	size_t start = 0;
	int i;

	if (one->must_wait)
		return insert_waiting(catchup, one, err);
	sql_bind_i64(catchup->wait_no_more, 1, one->n);
	sql_bind_i64(catchup->insert_doc, 1, one->rowid);
	sql_bind_i64(catchup->insert_doc, 2, one->n);
	sql_bind_i64(catchup->insert_doc, 3, (int64_t)one->attachments);
	sql_bind_i64(catchup->insert_doc, 4, one->is_cut);
	sql_bind_i64(catchup->insert_fts, 1, one->rowid);
	for (i = 0; i < EXTRACT_COLUMNS; i++) {
		sql_lend_text(catchup->insert_fts, 2 + i,
		    (struct bytes){one->text + start, one->end[i] - start});
		start = one->end[i];
	}
	if (sql_run(catchup->wait_no_more, err) != 0 || sql_run(catchup->insert_doc, err) != 0)
		return -1;
	return sql_run(catchup->insert_fts, err);
}

static uint64_t count_ready(const struct catchup *catchup)
{
	uint64_t ready = 0;
	size_t i;

	for (i = 0; i < catchup->count; i++)
		ready += !catchup->gathered[i].must_wait;
	return ready;
}

/* Insert what was gathered, by date: FTS5 writes its memory to the disk whenever a rowid is
 * smaller than the one before. */
static int insert_gathered(struct catchup *catchup, struct err *err)
{
	struct sql *sql = index_sql(catchup->index);
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
	catchup->indexed += count_ready(catchup);
	catchup->done += catchup->count;
	forget_gathered(catchup);
	return 0;
bad:
	sql_rollback(sql);
	return -1;
}

static void gather_text(struct catchup *catchup, struct gathered *one)
{
	struct extract *extract = &catchup->extract;
	size_t bytes = 0;
	int i;

	for (i = 0; i < EXTRACT_COLUMNS; i++)
		bytes += extract->column[i].n;
	one->attachments = extract->attachments;
	one->is_cut = extract->is_cut;
	one->text = mem_alloc(bytes);
	catchup->bytes += bytes;
	bytes = 0;
	for (i = 0; i < EXTRACT_COLUMNS; i++) {
		if (extract->column[i].n > 0)
			memcpy(one->text + bytes, extract->column[i].p, extract->column[i].n);
		bytes += extract->column[i].n;
		one->end[i] = bytes;
	}
	extract_trim(extract);
}

static struct gathered *gather(struct catchup *catchup, const struct catalog_message *message)
{
	struct gathered *one;

	catchup->gathered = mem_grow(
	    catchup->gathered, &catchup->room, catchup->count + 1, sizeof *catchup->gathered);
	one = &catchup->gathered[catchup->count++];
	*one = (struct gathered){.rowid = index_rowid(message->date_unix, message->n),
	    .n = message->n,
	    .must_wait = !message->has_date};
	return one;
}

static int take_text(
    struct catchup *catchup, struct gathered *one, const struct msg_id *id, struct err *err)
{
	const struct index_calls *calls = catchup->calls;
	struct err why = {0};

	if (extract_message(&catchup->extract, catchup->vault, id, &why) == 0) {
		gather_text(catchup, one);
		return 0;
	}
	if (why.code != ERR_DAMAGED && why.code != ERR_ABSENT) {
		catchup->count--; /* as if it had not been looked at */
		if (err)
			*err = why;
		return -1;
	}
	one->must_wait = one->is_damaged = true;
	if (calls->problem && !catchup->is_second_try)
		calls->problem(calls->arg, id, why.text);
	return 0;
}

static int take_message(void *arg, const struct catalog_message *message, struct err *err)
{
	struct catchup *catchup = arg;
	const struct index_calls *calls = catchup->calls;
	struct msg_id id = message->id;
	struct gathered *one;

	if (calls->stop && calls->stop(calls->arg))
		return err_set(err, ERR_STOPPED, "stopped");
	one = gather(catchup, message);
	if (message->has_date && take_text(catchup, one, &id, err) != 0)
		return -1;
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
	struct sql *sql = index_sql(catchup->index);

	if (sql_prepare(sql,
		"INSERT OR REPLACE INTO main.doc(id, n, attachments, cut) VALUES(?, ?, ?, ?)",
		&catchup->insert_doc, err) != 0 ||
	    sql_prepare(sql,
		"INSERT INTO main.fts(rowid, sender, recipient, copy, subject, list, body,"
		" filename, attachment) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
		&catchup->insert_fts, err) != 0)
		return -1;
	if (sql_prepare(sql, "INSERT OR REPLACE INTO main.waiting(n, damaged) VALUES(?, ?)",
		&catchup->wait, err) != 0 ||
	    sql_prepare(sql, "DELETE FROM main.waiting WHERE n = ?", &catchup->wait_no_more, err) !=
		0)
		return -1;
	return sql_prepare(sql,
	    "UPDATE main.state SET indexed = ?1, last = (SELECT id FROM cat.message WHERE n = ?1)",
	    &catchup->set_state, err);
}

/* Messages that were passed over, and have got a date since, or were damaged. */
static int take_waiting(struct catchup *catchup, struct err *err)
{
	struct catalog_message message;
	struct sql_stmt *next;
	int64_t n = 0;
	int got, result = 0;

	if (sql_prepare(index_sql(catchup->index),
		"SELECT n FROM main.waiting JOIN cat.message USING(n)"
		" WHERE n > ?1 AND date IS NOT NULL AND expired IS NULL ORDER BY n LIMIT 1",
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
			err_set(err, ERR_DAMAGED, "catalog.db has lost a message");
		result = got == 1 ? take_message(catchup, &message, err) : -1;
	}
	sql_free(next);
	return result;
}

/* Where to go on, and how much there is to do. */
static int ask_state(struct catchup *catchup, uint64_t *todo, struct err *err)
{
	struct sql_stmt *stmt;
	int got;

	if (index_behind(catchup->index, todo, err) != 0 ||
	    sql_prepare(index_sql(catchup->index),
		"SELECT indexed, (SELECT count(*) FROM main.waiting WHERE damaged) FROM main.state",
		&stmt, err) != 0)
		return -1;
	got = sql_step(stmt, err);
	if (got == 1) {
		catchup->last_n = sql_i64(stmt, 0);
		*todo += (uint64_t)sql_i64(stmt, 1);
	}
	sql_free(stmt);
	if (got == 0)
		err_set(err, ERR_DAMAGED, "the search index does not say what is in it");
	return got == 1 ? 0 : -1;
}

static int take_all(struct catchup *catchup, struct err *err)
{
	int64_t after_n = catchup->last_n;
	int result;

	/* What is expired may come back. */
	result = sql_exec(index_sql(catchup->index),
	    "INSERT OR IGNORE INTO main.waiting(n, damaged) SELECT n, 0 FROM cat.message"
	    " WHERE expired IS NOT NULL AND n NOT IN (SELECT n FROM main.doc)",
	    err);
	catchup->is_second_try = true;
	if (result == 0)
		result = take_waiting(catchup, err);
	catchup->is_second_try = false;
	if (result == 0)
		result = catalog_each_message(
		    vault_catalog(catchup->vault), after_n, take_message, catchup, err);
	return result;
}

int index_catchup(struct index *index, struct vault *vault, const struct index_calls *calls,
    uint64_t *indexed_out, struct err *err)
{
	struct catchup catchup = {.index = index, .vault = vault, .calls = calls};
	struct err why = {0};
	int result = -1;

	*indexed_out = 0;
	extract_init(&catchup.extract);
	if (ask_state(&catchup, &catchup.all, err) != 0)
		goto out;
	if (catchup.all == 0) {
		result = 0;
		goto out;
	}
	if (prepare(&catchup, err) != 0)
		goto out;
	result = take_all(&catchup, &why);
	/* Whatever ended it: what is ready is kept. */
	if (insert_gathered(&catchup, result == 0 ? &why : NULL) != 0)
		result = -1;
	if (result != 0 && err)
		*err = why;
	*indexed_out = catchup.indexed;
	if (result == 0)
		result = sql_checkpoint(index_sql(index), err);
out:
	sql_free(catchup.insert_doc);
	sql_free(catchup.insert_fts);
	sql_free(catchup.set_state);
	sql_free(catchup.wait);
	sql_free(catchup.wait_no_more);
	forget_gathered(&catchup);
	free(catchup.gathered);
	extract_release(&catchup.extract);
	return result;
}
