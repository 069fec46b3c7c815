/* Owns:  the connection to catalog.db and its statements.
 * Knows: how a fresh file is made and an old one recognised.
 * Never: is the only place of a fact. */
#include "archiver/catalog/catalog_private.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* While all of it is made the indexes would only be in the way. */
static int make_schema(struct sql *sql, bool is_building, struct err *err)
{
	static const char first_row[] = "INSERT INTO position VALUES(1, " SQL_NUMBER(
	    CATALOG_SCHEMA_VERSION) ", 0, 0, 0, "
				    "zeroblob(32), 0, NULL)";

	if (sql_begin(sql, err) != 0)
		return -1;
	if (sql_exec(sql, catalog_schema, err) == 0 && sql_exec(sql, first_row, err) == 0 &&
	    (is_building || sql_exec(sql, catalog_indexes, err) == 0))
		return sql_commit(sql, err);
	sql_rollback(sql);
	return -1;
}

static int check_schema(struct sql *sql, enum sql_mode mode, struct err *err)
{
	int64_t tables, version;

	if (sql_ask_i64(sql, "SELECT count(*) FROM sqlite_schema", &tables, err) != 0)
		return -1;
	if (tables == 0 && mode != SQL_READ)
		return make_schema(sql, mode == SQL_BUILD, err);
	if (tables > 0 &&
	    sql_ask_i64(sql, "SELECT schema FROM position WHERE one = 1", &version, NULL) == 0 &&
	    version == CATALOG_SCHEMA_VERSION)
		return 0;
	err_set(err, ERR_DAMAGED, "catalog.db is not of this version of mailcask");
	err_class(err, RETRY_NEVER, SCOPE_ARCHIVE);
	return -1;
}

int catalog_open(struct catalog **out, const char *path, enum sql_mode mode, struct err *err)
{
	struct catalog *catalog = mem_zero(1, sizeof *catalog);

	buf_init(&catalog->kept_message, SIZE_MAX / 2);
	buf_init(&catalog->kept_folder, SIZE_MAX / 2);
	buf_init(&catalog->kept_place, SIZE_MAX / 2);
	buf_init(&catalog->last_account, 4096);
	buf_init(&catalog->last_folder, 65536);
	catalog->path = mem_string(path);
	if (sql_open(&catalog->sql, path, mode, err) == 0 &&
	    check_schema(catalog->sql, mode, err) == 0 &&
	    (mode != SQL_BUILD || sql_begin(catalog->sql, err) == 0)) {
		catalog->is_building = mode == SQL_BUILD;
		*out = catalog;
		return 0;
	}
	catalog_close(catalog);
	return -1;
}

void catalog_close(struct catalog *catalog)
{
	size_t i;

	if (!catalog)
		return;
	for (i = 0; i < catalog->statements; i++)
		sql_free(catalog->statement[i].stmt);
	sql_close(catalog->sql);
	buf_release(&catalog->kept_message);
	buf_release(&catalog->kept_folder);
	buf_release(&catalog->kept_place);
	buf_release(&catalog->last_account);
	buf_release(&catalog->last_folder);
	free(catalog->path);
	free(catalog);
}

int catalog_finish(struct catalog *catalog, struct err *err)
{
	catalog->is_building = false;
	return sql_exec(catalog->sql, catalog_indexes, err) == 0 &&
		sql_commit(catalog->sql, err) == 0 && sql_finish(catalog->sql, err) == 0
	    ? 0
	    : -1;
}

int catalog_begin(struct catalog *catalog, struct err *err)
{
	return catalog->is_building ? 0 : sql_begin(catalog->sql, err);
}

int catalog_commit(struct catalog *catalog, struct err *err)
{
	return catalog->is_building ? 0 : sql_commit(catalog->sql, err);
}

void catalog_rollback(struct catalog *catalog)
{
	/* They may have been made in this transaction. */
	catalog->last_folder_number = 0;
	catalog->last_n = 0;
	catalog->has_no_skipped = false;
	sql_rollback(catalog->sql);
}

void catalog_keep(struct buf *kept, struct bytes **views, size_t count)
{
	size_t i, at = 0;

	buf_clear(kept);
	for (i = 0; i < count; i++)
		buf_bytes(kept, *views[i]);
	for (i = 0; i < count; i++) {
		views[i]->p = kept->p + at;
		at += views[i]->n;
	}
}

struct sql_stmt *catalog_stmt(struct catalog *catalog, const char *text, struct err *err)
{
	struct catalog_statement *statement;
	size_t i;

	for (i = 0; i < catalog->statements; i++)
		if (catalog->statement[i].text == text) {
			sql_reset(catalog->statement[i].stmt);
			return catalog->statement[i].stmt;
		}
	if (catalog->statements == CATALOG_STATEMENTS) {
		err_set(err, ERR_BUG, "the catalogue has too many statements");
		return NULL;
	}
	statement = &catalog->statement[catalog->statements];
	if (sql_prepare(catalog->sql, text, &statement->stmt, err) != 0)
		return NULL;
	statement->text = text;
	catalog->statements++;
	return statement->stmt;
}

int catalog_position(struct catalog *catalog, struct batch_position *out, struct err *err)
{
	static const char text[] =
	    "SELECT segment, at, batch, sum, lost FROM position WHERE one = 1";
	struct sql_stmt *stmt = catalog_stmt(catalog, text, err);
	struct bytes sum = {NULL, 0};
	int got = stmt ? sql_step(stmt, err) : -1;

	if (got < 0)
		return -1;
	if (got == 1)
		sum = sql_bytes(stmt, 3);
	if (sum.n != SHA256_BYTES)
		return err_set(err, ERR_DAMAGED, "catalog.db has no position");
	out->segment = (uint32_t)sql_i64(stmt, 0);
	out->at = (uint64_t)sql_i64(stmt, 1);
	out->batch = (uint64_t)sql_i64(stmt, 2);
	memcpy(out->sum.b, sum.p, SHA256_BYTES);
	out->lost = (uint64_t)sql_i64(stmt, 4);
	sql_reset(stmt);
	return 0;
}

int catalog_identity(struct catalog *catalog, struct sha256 *out, struct err *err)
{
	struct sql_stmt *stmt =
	    catalog_stmt(catalog, "SELECT archive FROM position WHERE one = 1", err);
	struct bytes sum = {NULL, 0};
	int got = stmt ? sql_step(stmt, err) : -1;

	if (got < 0)
		return -1;
	if (got == 1)
		sum = sql_bytes(stmt, 0);
	got = sum.n == SHA256_BYTES;
	if (got)
		memcpy(out->b, sum.p, SHA256_BYTES);
	sql_reset(stmt);
	return got;
}

int catalog_forget_listings(struct catalog *catalog, struct err *err)
{
	return sql_exec(catalog->sql, "UPDATE folder SET listed = 0", err);
}

struct sql *catalog_sql(struct catalog *catalog)
{
	return catalog->sql;
}

const char *catalog_path(const struct catalog *catalog)
{
	return catalog->path;
}
