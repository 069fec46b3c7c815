/* Owns:  nothing.
 * Knows: what must hold between index.db and the catalogue, and inside index.db.
 * Never: changes a row; takes more memory for more rows. */
#include "index/index.h"

#define CURE ": run mailcask rebuild index"

/* Each question asks for what must not be. */
static int check_tables(struct sql *sql, const char **what_out, struct err *err)
{
	static const struct {
		const char *question, *what;
	} check_of[] = {
	    {"SELECT (SELECT count(*) FROM main.state) != 1",
		"the search index does not say how far it has come" CURE},
	    {"SELECT (SELECT indexed FROM main.state) >"
	     " (SELECT coalesce(max(n), 0) FROM cat.message)",
		"the search index is ahead of the catalogue" CURE},
	    {"SELECT EXISTS (SELECT 1 FROM main.doc WHERE n NOT IN (SELECT n FROM cat.message))",
		"the search index has messages that the catalogue has not" CURE},
	    {"SELECT EXISTS (SELECT 1 FROM main.doc"
	     "  WHERE n > (SELECT indexed FROM main.state))",
		"the search index has messages that it has not come to" CURE},
	    {"SELECT EXISTS (SELECT 1 FROM cat.message WHERE n NOT IN (SELECT n FROM main.doc)"
	     " AND n NOT IN (SELECT n FROM main.waiting)"
	     " AND n <= (SELECT indexed FROM main.state) AND expired IS NULL)",
		"the search index lacks messages" CURE},
	    {"SELECT EXISTS (SELECT 1 FROM main.doc JOIN cat.message USING(n)"
	     " WHERE doc.id & 536870911 != n"
	     " OR doc.id >> 29 IS NOT min(max(date, -17179869184), 17179869183))",
		"the search index has messages under a wrong date" CURE},
	    {"SELECT (SELECT count(*) FROM main.doc) != (SELECT count(*) FROM main.fts_docsize)"
	     " OR EXISTS (SELECT 1 FROM main.doc WHERE id NOT IN"
	     "  (SELECT id FROM main.fts_docsize))",
		"the search index has other texts than messages" CURE},
	};
	int64_t is_wrong;
	size_t i;

	for (i = 0; i < sizeof check_of / sizeof *check_of; i++) {
		if (sql_ask_i64(sql, check_of[i].question, &is_wrong, err) != 0)
			return -1;
		if (is_wrong) {
			*what_out = check_of[i].what;
			return 1;
		}
	}
	return 0;
}

/* SQLite looks through all pages of the file. */
static int check_pages(struct sql *sql, struct err *err)
{
	struct sql_stmt *stmt;
	int got;

	if (sql_prepare(sql, "PRAGMA main.quick_check(1)", &stmt, err) != 0)
		return -1;
	got = sql_step(stmt, err);
	if (got == 1 && !bytes_is(sql_bytes(stmt, 0), "ok")) {
		err_set(err, ERR_DAMAGED, "quick_check");
		got = -1;
	}
	sql_free(stmt);
	return got < 0 ? -1 : 0;
}

/* FTS5 looks through its own tables. It writes nothing, but asks as a writer would, which a file
 * that cannot be changed refuses. */
static int check_texts(struct sql *sql, struct err *err)
{
	int64_t query_only;
	int result = -1;

	if (sql_is_frozen(sql))
		return 0;
	if (sql_ask_i64(sql, "PRAGMA query_only", &query_only, err) != 0 ||
	    (query_only && sql_exec(sql, "PRAGMA query_only=OFF", err) != 0))
		return -1;
	if (sql_begin(sql, err) == 0)
		result = sql_exec(sql, "INSERT INTO fts(fts) VALUES('integrity-check')", err);
	sql_rollback(sql);
	if (query_only && sql_exec(sql, "PRAGMA query_only=ON", NULL) != 0)
		return result == 0 ? err_set(err, ERR_BUG, "query_only") : -1;
	return result;
}

int index_verify(struct index *index, const char **what_out, struct err *err)
{
	struct sql *sql = index_sql(index);
	struct err why = {0};
	int got = check_pages(sql, &why);

	if (got == 0)
		got = check_tables(sql, what_out, &why);
	if (got == 0)
		got = check_texts(sql, &why);
	if (got >= 0)
		return got;
	if (why.code == ERR_DAMAGED) {
		*what_out = "the search index is damaged" CURE;
		return 1;
	}
	if (err)
		*err = why;
	return -1;
}
