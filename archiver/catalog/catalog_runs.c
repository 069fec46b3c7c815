/* Owns:  nothing; rows are views into its statements.
 * Knows: questions about syncs, purges, restores, holds, and sums of all. */
#include "archiver/catalog/catalog_private.h"

#include <string.h>

int catalog_is_held(struct catalog *catalog, int64_t message_n, struct err *err)
{
	struct sql_stmt *stmt = catalog_stmt(catalog, "SELECT 1 FROM hold WHERE message = ?1", err);
	int got;

	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, message_n);
	got = sql_step(stmt, err);
	sql_reset(stmt);
	return got;
}

int catalog_each_run(struct catalog *catalog, catalog_run_fn fn, void *arg, struct err *err)
{
	struct sql_stmt *stmt;
	int got, result = 0;

	if (sql_prepare(catalog->sql,
		"SELECT run, type, account.name, state, reason, begun, ended, messages, bytes"
		" FROM run JOIN account ON account.number = run.account ORDER BY run.number DESC",
		&stmt, err) != 0)
		return -1;
	while (result == 0 && (got = sql_step(stmt, err)) == 1) {
		struct catalog_run run = {.run = sql_bytes(stmt, 0),
		    .type = sql_bytes(stmt, 1),
		    .account = sql_bytes(stmt, 2),
		    .state = sql_bytes(stmt, 3),
		    .reason = sql_bytes(stmt, 4),
		    .begun_unix = sql_i64(stmt, 5),
		    .ended_unix = sql_i64(stmt, 6),
		    .messages = (uint64_t)sql_i64(stmt, 7),
		    .size_bytes = (uint64_t)sql_i64(stmt, 8)};

		result = fn(arg, &run, err);
	}
	sql_free(stmt);
	return result == 0 && got == 0 ? 0 : -1;
}

int catalog_each_purge(
    struct catalog *catalog, const char *run, catalog_purge_fn fn, void *arg, struct err *err)
{
	static const char of_run[] =
	    "SELECT run, folder, uidvalidity, uid, message, rule, state, reason, time FROM purge"
	    " WHERE run = ?1 ORDER BY folder, uidvalidity, uid";
	static const char open[] =
	    "SELECT run, folder, uidvalidity, uid, message, rule, state, reason, time FROM purge"
	    " WHERE state = 'intent' ORDER BY folder, uidvalidity, uid";
	struct sql_stmt *stmt;
	int got, result = 0;

	if (sql_prepare(catalog->sql, run ? of_run : open, &stmt, err) != 0)
		return -1;
	if (run)
		sql_bind_text(stmt, 1, bytes_of(run));
	while (result == 0 && (got = sql_step(stmt, err)) == 1) {
		struct catalog_purge purge = {.run = sql_bytes(stmt, 0),
		    .folder_number = sql_i64(stmt, 1),
		    .uidvalidity = (uint32_t)sql_i64(stmt, 2),
		    .uid = (uint32_t)sql_i64(stmt, 3),
		    .message_n = sql_i64(stmt, 4),
		    .rule = sql_bytes(stmt, 5),
		    .state = sql_bytes(stmt, 6),
		    .reason = sql_bytes(stmt, 7),
		    .time_unix = sql_i64(stmt, 8)};

		result = fn(arg, &purge, err);
	}
	sql_free(stmt);
	return result == 0 && got == 0 ? 0 : -1;
}

int catalog_purged_count(
    struct catalog *catalog, struct bytes account, uint64_t *out, struct err *err)
{
	static const char text[] =
	    "SELECT count(*) FROM purge JOIN folder ON folder.number = purge.folder"
	    " JOIN account ON account.number = folder.account"
	    " WHERE account.name = ?1 AND purge.state = 'confirmed'";
	struct sql_stmt *stmt = catalog_stmt(catalog, text, err);

	if (!stmt)
		return -1;
	sql_bind_text(stmt, 1, account);
	if (sql_step(stmt, err) != 1)
		return -1;
	*out = (uint64_t)sql_i64(stmt, 0);
	sql_reset(stmt);
	return 0;
}

int catalog_each_restored(struct catalog *catalog, struct bytes account, struct bytes folder,
    catalog_restored_fn fn, void *arg, struct err *err)
{
	struct sql_stmt *stmt;
	struct msg_id id;
	int got, result = 0;

	if (sql_prepare(catalog->sql,
		"SELECT id, uidvalidity, uid FROM restored WHERE account = ?1 AND folder = ?2"
		" ORDER BY uidvalidity, uid",
		&stmt, err) != 0)
		return -1;
	sql_bind_text(stmt, 1, account);
	sql_bind_blob(stmt, 2, folder);
	while (result == 0 && (got = sql_step(stmt, err)) == 1) {
		struct bytes sum = sql_bytes(stmt, 0);

		if (sum.n != SHA256_BYTES)
			continue;
		memcpy(id.sum.b, sum.p, SHA256_BYTES);
		result = fn(arg, id, (uint32_t)sql_i64(stmt, 1), (uint32_t)sql_i64(stmt, 2), err);
	}
	sql_free(stmt);
	return result == 0 && got == 0 ? 0 : -1;
}

int catalog_each_restored_in(
    struct catalog *catalog, const char *run, catalog_restored_in_fn fn, void *arg, struct err *err)
{
	struct sql_stmt *stmt;
	int got, result = 0;

	if (sql_prepare(catalog->sql,
		"SELECT id, account, folder, uidvalidity, uid, time FROM restored WHERE run = ?1"
		" ORDER BY account, folder, uidvalidity, uid",
		&stmt, err) != 0)
		return -1;
	sql_bind_text(stmt, 1, bytes_of(run));
	while (result == 0 && (got = sql_step(stmt, err)) == 1) {
		struct catalog_restored restored = {.account = sql_bytes(stmt, 1),
		    .folder = sql_bytes(stmt, 2),
		    .uidvalidity = (uint32_t)sql_i64(stmt, 3),
		    .uid = (uint32_t)sql_i64(stmt, 4),
		    .time_unix = sql_i64(stmt, 5)};
		struct bytes sum = sql_bytes(stmt, 0);

		if (sum.n != SHA256_BYTES)
			continue;
		memcpy(restored.id.sum.b, sum.p, SHA256_BYTES);
		result = fn(arg, &restored, err);
	}
	sql_free(stmt);
	return result == 0 && got == 0 ? 0 : -1;
}

int catalog_each_sync(
    struct catalog *catalog, uint64_t max_count, catalog_sync_fn fn, void *arg, struct err *err)
{
	struct sql_stmt *stmt;
	int got, result = 0;

	if (sql_prepare(catalog->sql,
		"SELECT time, messages, bytes, account.name, reason FROM sync"
		" JOIN account ON account.number = sync.account ORDER BY sync.number DESC LIMIT ?1",
		&stmt, err) != 0)
		return -1;
	sql_bind_i64(stmt, 1, (int64_t)max_count);
	while (result == 0 && (got = sql_step(stmt, err)) == 1) {
		struct catalog_sync sync = {.time_unix = sql_i64(stmt, 0),
		    .messages = (uint64_t)sql_i64(stmt, 1),
		    .size_bytes = (uint64_t)sql_i64(stmt, 2),
		    .account = sql_bytes(stmt, 3),
		    .reason = sql_bytes(stmt, 4)};

		result = fn(arg, &sync, err);
	}
	sql_free(stmt);
	return result == 0 && got == 0 ? 0 : -1;
}

/* The columns of a one-row statement into uint64_t members that follow each other. */
static int take_sums(struct sql_stmt *stmt, uint64_t *out, int count, struct err *err)
{
	int i;

	if (sql_step(stmt, err) != 1)
		return -1;
	for (i = 0; i < count; i++)
		out[i] = (uint64_t)sql_i64(stmt, i);
	sql_reset(stmt);
	return 0;
}

int catalog_count(struct catalog *catalog, uint64_t *messages_out, struct err *err)
{
	static const char text[] = "SELECT (SELECT count(*) FROM message)"
				   " - (SELECT count(*) FROM message WHERE expired IS NOT NULL)";
	struct sql_stmt *stmt = catalog_stmt(catalog, text, err);

	return stmt ? take_sums(stmt, messages_out, 1, err) : -1;
}

int catalog_totals(struct catalog *catalog, struct catalog_totals *out, struct err *err)
{
	static const char text[] =
	    "SELECT (SELECT count(*) FROM message) - (SELECT count(*) FROM message"
	    " WHERE expired IS NOT NULL),"
	    " (SELECT coalesce(sum(size), 0) FROM message WHERE expired IS NULL),"
	    " (SELECT coalesce(sum(stored), 0) FROM message), (SELECT count(*) FROM blob),"
	    " (SELECT coalesce(sum(size), 0) FROM blob),"
	    " (SELECT count(*) FROM place WHERE state = 0),"
	    " (SELECT count(*) FROM place WHERE state = 1),"
	    " (SELECT count(*) FROM place WHERE state = 2),"
	    " (SELECT count(*) FROM message WHERE doubt > 0),"
	    " (SELECT count(*) FROM message WHERE expired IS NOT NULL)";
	struct sql_stmt *stmt = catalog_stmt(catalog, text, err);
	uint64_t sums[10];

	if (!stmt || take_sums(stmt, sums, 10, err) != 0)
		return -1;
	*out = (struct catalog_totals){.messages = sums[0],
	    .size_bytes = sums[1],
	    .stored_bytes = sums[2],
	    .blobs = sums[3],
	    .blob_bytes = sums[4],
	    .present = sums[5],
	    .gone = sums[6],
	    .purged = sums[7],
	    .damaged = sums[8],
	    .expired = sums[9]};
	return 0;
}

int catalog_account_totals(struct catalog *catalog, struct bytes account,
    struct catalog_account_totals *out, struct err *err)
{
	static const char text[] =
	    "SELECT count(DISTINCT folder.number), coalesce(sum(place.state = 0), 0),"
	    " coalesce(sum((place.state = 0) * size), 0), coalesce(sum(place.state = 2), 0),"
	    " coalesce(sum((place.state = 2) * size), 0),"
	    " (SELECT count(*) FROM skipped JOIN folder f ON f.number = skipped.folder"
	    "  JOIN account a ON a.number = f.account WHERE a.name = ?1)"
	    " FROM folder JOIN account ON account.number = folder.account"
	    " LEFT JOIN place ON place.folder = folder.number"
	    " LEFT JOIN message ON message.n = place.message"
	    " WHERE account.name = ?1 AND NOT folder.gone";
	struct sql_stmt *stmt = catalog_stmt(catalog, text, err);
	uint64_t sums[6];

	if (!stmt)
		return -1;
	sql_bind_text(stmt, 1, account);
	if (take_sums(stmt, sums, 6, err) != 0)
		return -1;
	*out = (struct catalog_account_totals){.folders = sums[0],
	    .present = sums[1],
	    .present_bytes = sums[2],
	    .purged = sums[3],
	    .purged_bytes = sums[4],
	    .skipped = sums[5]};
	return 0;
}
