/* Owns:  nothing; lists belong to whoever asks.
 * Knows: where all messages stand and what they are made of, in the order of the archive. */
#include "archiver/catalog/catalog_private.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

int catalog_each_extent(struct catalog *catalog, catalog_extent_fn fn, void *arg, struct err *err)
{
	struct catalog_extent extent = {0};
	struct sql_stmt *stmt;
	int got = 0, result = 0;

	/* Not one of the kept statements: fn may ask itself. */
	if (sql_prepare(catalog->sql,
		"SELECT n, segment, frame FROM message WHERE expired IS NULL ORDER BY n", &stmt,
		err) != 0)
		return -1;
	while (result == 0 && (got = sql_step(stmt, err)) == 1) {
		int64_t n = sql_i64(stmt, 0);
		uint32_t segment = (uint32_t)sql_i64(stmt, 1);
		uint64_t frame_at = (uint64_t)sql_i64(stmt, 2);

		if (extent.last_n == 0 || segment != extent.segment ||
		    frame_at != extent.frame_at) {
			if (extent.last_n != 0)
				result = fn(arg, &extent, err);
			extent = (struct catalog_extent){segment, frame_at, n, n};
		}
		extent.last_n = n;
	}
	sql_free(stmt);
	if (result == 0 && got == 0 && extent.last_n != 0)
		result = fn(arg, &extent, err);
	return result == 0 && got == 0 ? 0 : -1;
}

static int take_sum(struct bytes from, struct sha256 *out, struct err *err)
{
	if (from.n != SHA256_BYTES)
		return err_set(err, ERR_DAMAGED, "catalog.db has a message or part without an id");
	memcpy(out->b, from.p, SHA256_BYTES);
	return 0;
}

static int take_messages(struct sql_stmt *stmt, struct catalog_stored_list *list, struct err *err)
{
	int got;

	while ((got = sql_step(stmt, err)) == 1) {
		struct catalog_stored *message;

		list->message =
		    mem_grow(list->message, &list->room, list->count + 1, sizeof *list->message);
		message = &list->message[list->count++];
		memset(message, 0, sizeof *message);
		message->n = sql_i64(stmt, 0);
		message->size_bytes = (uint64_t)sql_i64(stmt, 2);
		message->stored_bytes = (uint64_t)sql_i64(stmt, 3);
		message->place.frame_at = (uint64_t)sql_i64(stmt, 4);
		message->place.entry_at = (uint64_t)sql_i64(stmt, 5);
		if (take_sum(sql_bytes(stmt, 1), &message->id.sum, err) != 0)
			break;
	}
	sql_reset(stmt);
	return got == 0 ? 0 : -1;
}

/* Both lists are in the order of the numbers. */
static int take_parts(struct sql_stmt *stmt, struct catalog_stored_list *list, struct err *err)
{
	size_t at = 0;
	int got;

	while ((got = sql_step(stmt, err)) == 1) {
		int64_t n = sql_i64(stmt, 0);
		struct event_part *part;

		while (at < list->count && list->message[at].n < n)
			at++;
		if (at == list->count || list->message[at].n != n)
			continue;
		list->part = mem_grow(
		    list->part, &list->part_room, list->part_count + 1, sizeof *list->part);
		if (list->message[at].parts++ == 0)
			list->message[at].first_part = list->part_count;
		part = &list->part[list->part_count++];
		part->at = (uint64_t)sql_i64(stmt, 1);
		part->blob_bytes = (uint64_t)sql_i64(stmt, 3);
		part->line_chars = (uint32_t)sql_i64(stmt, 4);
		part->crlf = sql_i64(stmt, 5) != 0;
		if (take_sum(sql_bytes(stmt, 2), &part->blob, err) != 0)
			break;
	}
	sql_reset(stmt);
	return got == 0 ? 0 : -1;
}

int catalog_stored(struct catalog *catalog, const struct catalog_extent *extent,
    struct catalog_stored_list *list, struct err *err)
{
	static const char messages[] = "SELECT n, id, size, stored, frame, entry FROM message"
				       " WHERE n BETWEEN ?1 AND ?2 AND expired IS NULL ORDER BY n";
	static const char parts[] = "SELECT message, at, blob, size, line, crlf FROM part"
				    " WHERE message BETWEEN ?1 AND ?2 ORDER BY message, at";
	struct sql_stmt *stmt = catalog_stmt(catalog, messages, err);

	list->count = list->part_count = 0;
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, extent->first_n);
	sql_bind_i64(stmt, 2, extent->last_n);
	if (take_messages(stmt, list, err) != 0)
		return -1;
	stmt = catalog_stmt(catalog, parts, err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, extent->first_n);
	sql_bind_i64(stmt, 2, extent->last_n);
	return take_parts(stmt, list, err);
}

void catalog_stored_release(struct catalog_stored_list *list)
{
	free(list->message);
	free(list->part);
	memset(list, 0, sizeof *list);
}
