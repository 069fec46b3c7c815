/* Owns:  nothing.
 * Knows: which statement answers which kind of query fastest. */
#include "index/search.h"

#include "index/select.h"

#include <inttypes.h>
#include <string.h>

#define STATEMENT_BYTES 1000000 /* what SQLite takes */

/* What a text query implies about dates, as bounds of the rowid: never narrower than the dates,
 * which are asked for as well. */
static void put_bounds(struct buf *out, const struct select *select)
{
	if (select->from_unix > INDEX_DATE_MIN)
		buf_format(out, " AND fts.rowid >= %" PRId64, index_rowid(select->from_unix, 0));
	if (select->to_unix > INDEX_DATE_MIN && select->to_unix <= INDEX_DATE_MAX)
		buf_format(out, " AND fts.rowid < %" PRId64, index_rowid(select->to_unix, 0));
}

static void put_text_query(struct buf *out, const struct select *select, const char *what)
{
	buf_format(
	    out, "SELECT %s FROM main.fts WHERE fts MATCH ?%zu", what, select->parameter_count + 1);
	put_bounds(out, select);
	/* The index keeps the words of what is expired until it is made again. */
	buf_format(out,
	    " AND (fts.rowid & %" PRId64 ") NOT IN (SELECT n FROM cat.message"
	    " WHERE expired IS NOT NULL)",
	    INDEX_NUMBER_MASK);
	if (select->where.n > 0)
		buf_format(out,
		    " AND EXISTS (SELECT 1 FROM cat.message m WHERE m.n = (fts.rowid & %" PRId64
		    ") AND (%.*s))",
		    INDEX_NUMBER_MASK, (int)select->where.n, select->where.p);
}

static void put_plain_query(struct buf *out, const struct select *select, const char *what)
{
	buf_format(out,
	    "SELECT %s FROM cat.message m WHERE m.date IS NOT NULL"
	    " AND m.expired IS NULL",
	    what);
	if (select->where.n > 0)
		buf_format(out, " AND (%.*s)", (int)select->where.n, select->where.p);
}

static void put_limit(struct buf *out, const struct search_options *options)
{
	if (options->limit > 0 || options->offset > 0)
		buf_format(out, " LIMIT %" PRIu64 " OFFSET %" PRIu64,
		    options->limit > 0 && options->limit < INT64_MAX ? options->limit : INT64_MAX,
		    options->offset < INT64_MAX ? options->offset : INT64_MAX);
}

static int each_row(struct index *index, const struct select *select, struct buf *text,
    search_message_fn fn, void *arg, struct err *err)
{
	struct sql_stmt *stmt;
	int got, result = 0;

	if (text->overflow)
		return err_set(err, ERR_USAGE, "the query is too large");
	if (sql_prepare(index_sql(index), buf_string(text), &stmt, err) != 0)
		return -1;
	select_bind(select, stmt);
	while (result == 0 && (got = sql_step(stmt, err)) == 1)
		result = fn(arg, sql_i64(stmt, 0), err);
	sql_free(stmt);
	return result == 0 && got == 0 ? 0 : -1;
}

int search_messages(struct index *index, const struct query *query,
    const struct search_options *options, search_message_fn fn, void *arg, struct err *err)
{
	struct select select;
	struct buf text;
	int result = -1;

	buf_init(&text, STATEMENT_BYTES);
	select_begin(&select, index, SELECT_MESSAGES);
	if (select_compile(&select, query_root(query), err) != 0)
		goto out;
	if (select.match.n > 0) {
		char what[64];

		snprintf(what, sizeof what, "fts.rowid & %" PRId64, INDEX_NUMBER_MASK);
		put_text_query(&text, &select, what);
		buf_text(&text,
		    options->sort == SEARCH_BY_RANK ? " ORDER BY rank, fts.rowid DESC"
						    : " ORDER BY fts.rowid DESC");
	} else {
		put_plain_query(&text, &select, "m.n");
		buf_text(&text, " ORDER BY m.date DESC, m.n DESC");
	}
	put_limit(&text, options);
	result = each_row(index, &select, &text, fn, arg, err);
out:
	select_end(&select);
	buf_release(&text);
	return result;
}

static int take_count(void *arg, int64_t count, struct err *err)
{
	(void)err;
	*(uint64_t *)arg = (uint64_t)count;
	return 0;
}

int search_count(
    struct index *index, const struct query *query, uint64_t *count_out, struct err *err)
{
	struct select select;
	struct buf text;
	int result = -1;

	*count_out = 0;
	buf_init(&text, STATEMENT_BYTES);
	select_begin(&select, index, SELECT_MESSAGES);
	if (select_compile(&select, query_root(query), err) == 0) {
		if (select.match.n > 0)
			put_text_query(&text, &select, "count(*)");
		else
			put_plain_query(&text, &select, "count(*)");
		result = each_row(index, &select, &text, take_count, count_out, err);
	}
	select_end(&select);
	buf_release(&text);
	return result;
}

int search_places(struct index *index, const struct query *query, bool only_present,
    search_place_fn fn, void *arg, struct err *err)
{
	struct sql_stmt *stmt = NULL;
	struct select select;
	struct buf text;
	int got = -1, result = -1;

	buf_init(&text, STATEMENT_BYTES);
	select_begin(&select, index, SELECT_PLACES);
	if (select_compile(&select, query_root(query), err) != 0)
		goto out;
	buf_format(&text,
	    "SELECT p.number, m.n FROM cat.place p JOIN cat.message m ON m.n = p.message"
	    " WHERE m.expired IS NULL AND %s AND (%s) ORDER BY p.folder, p.uidvalidity, p.uid",
	    only_present ? "p.state = 0" : select_place_counts,
	    select.where.n > 0 ? buf_string(&select.where) : "1");
	if (text.overflow) {
		err_set(err, ERR_USAGE, "the query is too large");
		goto out;
	}
	if (sql_prepare(index_sql(index), buf_string(&text), &stmt, err) != 0)
		goto out;
	select_bind(&select, stmt);
	result = 0;
	while (result == 0 && (got = sql_step(stmt, err)) == 1)
		result = fn(arg, sql_i64(stmt, 0), sql_i64(stmt, 1), err);
	if (got < 0)
		result = -1;
out:
	sql_free(stmt);
	select_end(&select);
	buf_release(&text);
	return result;
}
