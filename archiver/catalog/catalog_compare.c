/* Owns:  nothing.
 * Knows: when two catalogues are the same, and how one is made only to find that out.
 * Never: takes more memory for more rows. */
#include "archiver/catalog/catalog_private.h"

#include "base/buf.h"

#include <string.h>

int catalog_open_beside(struct catalog *catalog, struct catalog **out, struct err *err)
{
	if (catalog_open(out, catalog->path, SQL_READ, err) != 0)
		return -1;
	if (sql_exec((*out)->sql, "PRAGMA mmap_size=0", err) == 0)
		return 0;
	catalog_close(*out);
	*out = NULL;
	return -1;
}

/* Indexes that somebody named: those that a table needs by itself have no text. */
static int drop_indexes(struct sql *sql, struct err *err)
{
	struct sql_stmt *stmt;
	struct buf text;
	int got, result = -1;

	if (sql_prepare(sql,
		"SELECT 'DROP INDEX ' || name || ';' FROM sqlite_schema"
		" WHERE type = 'index' AND sql IS NOT NULL",
		&stmt, err) != 0)
		return -1;
	buf_init(&text, 1 << 20);
	while ((got = sql_step(stmt, err)) == 1)
		buf_bytes(&text, sql_bytes(stmt, 0));
	sql_free(stmt);
	if (got == 0)
		result = sql_exec(sql, buf_string(&text), err);
	buf_release(&text);
	return result;
}

int catalog_open_scratch(struct catalog **out, const char *path, struct err *err)
{
	if (catalog_open(out, path, SQL_WRITE, err) != 0)
		return -1;
	if (sql_exec((*out)->sql,
		"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE;"
		"PRAGMA cache_size=-16384",
		err) == 0 &&
	    drop_indexes((*out)->sql, err) == 0)
		return 0;
	catalog_close(*out);
	*out = NULL;
	return -1;
}

/* Is there a row in main that other has not? The key finds its fellow, so nothing is sorted.
 * "a.x" and "b.x" are columns of main and other. */
static int make_question(struct sql *sql, const char *table, struct buf *out, struct err *err)
{
	struct buf text;
	struct sql_stmt *stmt;
	int got;

	buf_init(&text, 1000);
	buf_format(&text, "SELECT name, pk FROM pragma_table_info('%s', 'main')", table);
	got = sql_prepare(sql, buf_string(&text), &stmt, err);
	buf_release(&text);
	if (got != 0)
		return -1;
	buf_format(out,
	    "SELECT (SELECT count(*) FROM main.%s) != (SELECT count(*) FROM other.%s)"
	    " OR EXISTS (SELECT 1 FROM main.%s a WHERE NOT EXISTS"
	    " (SELECT 1 FROM other.%s b WHERE 1",
	    table, table, table, table);
	while ((got = sql_step(stmt, err)) == 1) {
		struct bytes name = sql_bytes(stmt, 0);

		/* Not a fact of the journal (catalog_forget_listings). */
		if (strcmp(table, "folder") == 0 && bytes_is(name, "listed"))
			continue;
		buf_format(out, " AND b.\"%.*s\" %s a.\"%.*s\"", (int)name.n, name.p,
		    sql_i64(stmt, 1) > 0 ? "=" : "IS", (int)name.n, name.p);
	}
	buf_text(out, "))");
	sql_free(stmt);
	return got;
}

/* 1 they differ, 0 they do not, -1. */
static int compare_table(struct sql *sql, const char *table, struct err *err)
{
	struct sql_stmt *stmt = NULL;
	struct buf text;
	int got = -1;

	buf_init(&text, 1 << 16);
	if (make_question(sql, table, &text, err) == 0 &&
	    sql_prepare(sql, buf_string(&text), &stmt, err) == 0)
		got = sql_step(stmt, err);
	if (got == 1)
		got = sql_i64(stmt, 0) != 0;
	sql_free(stmt);
	buf_release(&text);
	return got;
}

int catalog_compare(
    struct catalog *catalog, const char *other_path, const char **table_out, struct err *err)
{
	static const char *const table[] = {"message", "part", "blob", "account", "folder", "place",
	    "skipped", "hold", "sync", "audit", "run", "purge", "restored", "rewritten",
	    "position"};
	size_t i;
	int result = 0;

	if (sql_attach(catalog->sql, other_path, "other", err) != 0)
		return -1;
	for (i = 0; result == 0 && i < sizeof table / sizeof *table; i++) {
		result = compare_table(catalog->sql, table[i], err);
		if (result == 1)
			*table_out = table[i];
	}
	if (sql_exec(catalog->sql, "DETACH other", result < 0 ? NULL : err) != 0)
		result = -1;
	return result;
}
