/* Owns:  nothing; rows are views into its statements.
 * Knows: questions about folders, places, and what could not be archived. */
#include "archiver/catalog/catalog_private.h"

#include <string.h>

#define FOLDER_COLUMNS                                                                             \
	"SELECT folder.number, account.name, folder.name, shown, attributes, delimiter, gone,"     \
	" uidvalidity, uidnext, modseq, messages, listed"                                          \
	" FROM folder JOIN account ON account.number = folder.account "
#define PLACE_COLUMNS                                                                              \
	"SELECT number, message, folder, uidvalidity, uid, flags, date, state, since FROM place "

static void take_folder(struct sql_stmt *stmt, struct catalog_folder *out)
{
	struct bytes delimiter = sql_bytes(stmt, 5);

	memset(out, 0, sizeof *out);
	out->number = sql_i64(stmt, 0);
	out->account = sql_bytes(stmt, 1);
	out->name = sql_bytes(stmt, 2);
	out->shown = sql_bytes(stmt, 3);
	out->attributes = sql_bytes(stmt, 4);
	out->delimiter = delimiter.n == 1 ? delimiter.p[0] : 0;
	out->is_gone = sql_i64(stmt, 6) != 0;
	out->uidvalidity = (uint32_t)sql_i64(stmt, 7);
	out->uidnext = (uint64_t)sql_i64(stmt, 8);
	out->modseq = (uint64_t)sql_i64(stmt, 9);
	out->messages = (uint64_t)sql_i64(stmt, 10);
	out->listed_unix = sql_i64(stmt, 11);
}

static int ask_folder(
    struct catalog *catalog, struct sql_stmt *stmt, struct catalog_folder *out, struct err *err)
{
	struct bytes *views[] = {&out->account, &out->name, &out->shown, &out->attributes};
	int got = sql_step(stmt, err);

	if (got != 1)
		return got;
	take_folder(stmt, out);
	catalog_keep(&catalog->kept_folder, views, sizeof views / sizeof *views);
	sql_reset(stmt);
	return 1;
}

int catalog_folder(struct catalog *catalog, struct bytes account, struct bytes name,
    struct catalog_folder *out, struct err *err)
{
	struct sql_stmt *stmt = catalog_stmt(
	    catalog, FOLDER_COLUMNS "WHERE account.name = ?1 AND folder.name = ?2", err);

	if (!stmt)
		return -1;
	sql_bind_text(stmt, 1, account);
	sql_bind_blob(stmt, 2, name);
	return ask_folder(catalog, stmt, out, err);
}

int catalog_folder_number(
    struct catalog *catalog, int64_t number, struct catalog_folder *out, struct err *err)
{
	struct sql_stmt *stmt =
	    catalog_stmt(catalog, FOLDER_COLUMNS "WHERE folder.number = ?1", err);

	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, number);
	return ask_folder(catalog, stmt, out, err);
}

int catalog_each_folder(
    struct catalog *catalog, const char *account, catalog_folder_fn fn, void *arg, struct err *err)
{
	struct sql_stmt *stmt;
	struct catalog_folder folder;
	int got, result = 0;

	if (sql_prepare(catalog->sql,
		FOLDER_COLUMNS "WHERE ?1 IS NULL OR account.name = ?1"
			       " ORDER BY account.name, shown",
		&stmt, err) != 0)
		return -1;
	if (account)
		sql_bind_text(stmt, 1, bytes_of(account));
	while (result == 0 && (got = sql_step(stmt, err)) == 1) {
		take_folder(stmt, &folder);
		result = fn(arg, &folder, err);
	}
	sql_free(stmt);
	return result == 0 && got == 0 ? 0 : -1;
}

static void take_place(struct sql_stmt *stmt, struct catalog_place *out)
{
	out->number = sql_i64(stmt, 0);
	out->message_n = sql_i64(stmt, 1);
	out->folder_number = sql_i64(stmt, 2);
	out->uidvalidity = (uint32_t)sql_i64(stmt, 3);
	out->uid = (uint32_t)sql_i64(stmt, 4);
	out->flags = sql_bytes(stmt, 5);
	out->date_unix = sql_i64(stmt, 6);
	out->state = (enum place_state)sql_i64(stmt, 7);
	out->since_unix = sql_i64(stmt, 8);
}

static int ask_place(
    struct catalog *catalog, struct sql_stmt *stmt, struct catalog_place *out, struct err *err)
{
	struct bytes *views[] = {&out->flags};
	int got = sql_step(stmt, err);

	if (got != 1)
		return got;
	take_place(stmt, out);
	catalog_keep(&catalog->kept_place, views, 1);
	sql_reset(stmt);
	return 1;
}

/* Rows of a statement that is the caller's, who frees it. */
static int each_place(struct sql_stmt *stmt, catalog_place_fn fn, void *arg, struct err *err)
{
	struct catalog_place place;
	int got, result = 0;

	while (result == 0 && (got = sql_step(stmt, err)) == 1) {
		take_place(stmt, &place);
		result = fn(arg, &place, err);
	}
	return result == 0 && got == 0 ? 0 : -1;
}

static int places_of_folder(struct catalog *catalog, const char *text, int64_t folder_number,
    uint32_t uidvalidity, catalog_place_fn fn, void *arg, struct err *err)
{
	struct sql_stmt *stmt;
	int result;

	if (sql_prepare(catalog->sql, text, &stmt, err) != 0)
		return -1;
	sql_bind_i64(stmt, 1, folder_number);
	sql_bind_i64(stmt, 2, uidvalidity);
	result = each_place(stmt, fn, arg, err);
	sql_free(stmt);
	return result;
}

int catalog_present_places(struct catalog *catalog, int64_t folder_number, uint32_t uidvalidity,
    catalog_place_fn fn, void *arg, struct err *err)
{
	return places_of_folder(catalog,
	    PLACE_COLUMNS "WHERE folder = ?1 AND uidvalidity = ?2 AND state = 0 ORDER BY uid",
	    folder_number, uidvalidity, fn, arg, err);
}

int catalog_known_places(struct catalog *catalog, int64_t folder_number, uint32_t uidvalidity,
    catalog_place_fn fn, void *arg, struct err *err)
{
	return places_of_folder(catalog,
	    PLACE_COLUMNS "WHERE folder = ?1 AND uidvalidity = ?2 AND state < 3 ORDER BY uid",
	    folder_number, uidvalidity, fn, arg, err);
}

int catalog_damaged_places(struct catalog *catalog, int64_t folder_number, uint32_t uidvalidity,
    catalog_uid_fn fn, void *arg, struct err *err)
{
	/* From the few messages to their places, not the other way round. */
	static const char text[] = "SELECT uid FROM message CROSS JOIN place ON place.message = n"
				   " WHERE doubt > 0 AND folder = ?1 AND uidvalidity = ?2"
				   " AND state = 0 ORDER BY uid";
	struct sql_stmt *stmt;
	int got, result = 0;

	if (sql_prepare(catalog->sql, text, &stmt, err) != 0)
		return -1;
	sql_bind_i64(stmt, 1, folder_number);
	sql_bind_i64(stmt, 2, uidvalidity);
	while (result == 0 && (got = sql_step(stmt, err)) == 1)
		result = fn(arg, (uint32_t)sql_i64(stmt, 0), err);
	sql_free(stmt);
	return result == 0 && got == 0 ? 0 : -1;
}

int catalog_places_of(
    struct catalog *catalog, int64_t message_n, catalog_place_fn fn, void *arg, struct err *err)
{
	struct sql_stmt *stmt;
	int result;

	if (sql_prepare(catalog->sql, PLACE_COLUMNS "WHERE message = ?1 ORDER BY state, number",
		&stmt, err) != 0)
		return -1;
	sql_bind_i64(stmt, 1, message_n);
	result = each_place(stmt, fn, arg, err);
	sql_free(stmt);
	return result;
}

int catalog_place(
    struct catalog *catalog, int64_t number, struct catalog_place *out, struct err *err)
{
	struct sql_stmt *stmt = catalog_stmt(catalog, PLACE_COLUMNS "WHERE number = ?1", err);

	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, number);
	return ask_place(catalog, stmt, out, err);
}

int catalog_place_at(struct catalog *catalog, int64_t folder_number, uint32_t uidvalidity,
    uint32_t uid, struct catalog_place *out, struct err *err)
{
	struct sql_stmt *stmt = catalog_stmt(
	    catalog, PLACE_COLUMNS "WHERE folder = ?1 AND uidvalidity = ?2 AND uid = ?3", err);

	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, folder_number);
	sql_bind_i64(stmt, 2, uidvalidity);
	sql_bind_i64(stmt, 3, uid);
	return ask_place(catalog, stmt, out, err);
}

int catalog_last_place(struct catalog *catalog, int64_t *number_out, struct err *err)
{
	struct sql_stmt *stmt =
	    catalog_stmt(catalog, "SELECT coalesce(max(number), 0) FROM place", err);

	if (!stmt || sql_step(stmt, err) != 1)
		return -1;
	*number_out = sql_i64(stmt, 0);
	sql_reset(stmt);
	return 0;
}

int catalog_skipped(struct catalog *catalog, int64_t folder_number, uint32_t uidvalidity,
    catalog_skipped_fn fn, void *arg, struct err *err)
{
	struct sql_stmt *stmt;
	int got, result = 0;

	if (sql_prepare(catalog->sql,
		"SELECT uid, reason, since FROM skipped"
		" WHERE folder = ?1 AND uidvalidity = ?2 ORDER BY uid",
		&stmt, err) != 0)
		return -1;
	sql_bind_i64(stmt, 1, folder_number);
	sql_bind_i64(stmt, 2, uidvalidity);
	while (result == 0 && (got = sql_step(stmt, err)) == 1)
		result =
		    fn(arg, (uint32_t)sql_i64(stmt, 0), sql_bytes(stmt, 1), sql_i64(stmt, 2), err);
	sql_free(stmt);
	return result == 0 && got == 0 ? 0 : -1;
}

int catalog_audit(
    struct catalog *catalog, int64_t folder_number, struct catalog_audit *out, struct err *err)
{
	static const char text[] = "SELECT time, uidvalidity, server, archived, exceptions, missing"
				   " FROM audit WHERE folder = ?1";
	struct sql_stmt *stmt = catalog_stmt(catalog, text, err);
	int got;

	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, folder_number);
	got = sql_step(stmt, err);
	if (got != 1)
		return got;
	out->time_unix = sql_i64(stmt, 0);
	out->uidvalidity = (uint32_t)sql_i64(stmt, 1);
	out->server = (uint64_t)sql_i64(stmt, 2);
	out->archived = (uint64_t)sql_i64(stmt, 3);
	out->exceptions = (uint64_t)sql_i64(stmt, 4);
	out->missing = (uint64_t)sql_i64(stmt, 5);
	sql_reset(stmt);
	return 1;
}
