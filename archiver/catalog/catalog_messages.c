/* Owns:  nothing; rows are views into its statements.
 * Knows: questions about messages and blobs. */
#include "archiver/catalog/catalog_private.h"

#include <ctype.h>
#include <string.h>

/* In the same statement: another process may write segments anew between two. */
#define GENERATION "(SELECT generation FROM rewritten WHERE rewritten.segment = message.segment)"
#define MESSAGE_COLUMNS                                                                            \
	"SELECT n, id, size, stored, segment, frame, entry, date, sent, archived, msgid, sender,"  \
	" recipient, copy, subject, expired, " GENERATION " FROM message "

/* A segment that was never written anew has no generation: NULL, which is 0. */
static struct segment_id take_segment(struct sql_stmt *stmt, int number, int generation)
{
	return (struct segment_id){
	    (uint32_t)sql_i64(stmt, number), (uint32_t)sql_i64(stmt, generation)};
}

static int take_message(struct sql_stmt *stmt, struct catalog_message *out, struct err *err)
{
	struct bytes id = sql_bytes(stmt, 1);

	if (id.n != SHA256_BYTES)
		return err_set(err, ERR_DAMAGED, "catalog.db has a message without an id");
	memset(out, 0, sizeof *out);
	out->n = sql_i64(stmt, 0);
	memcpy(out->id.sum.b, id.p, SHA256_BYTES);
	out->size_bytes = (uint64_t)sql_i64(stmt, 2);
	out->stored_bytes = (uint64_t)sql_i64(stmt, 3);
	out->segment = take_segment(stmt, 4, 16);
	out->is_expired = !sql_is_null(stmt, 15);
	out->place.frame_at = (uint64_t)sql_i64(stmt, 5);
	out->place.entry_at = (uint64_t)sql_i64(stmt, 6);
	out->has_date = !sql_is_null(stmt, 7);
	out->date_unix = sql_i64(stmt, 7);
	out->has_sent = !sql_is_null(stmt, 8);
	out->sent_unix = sql_i64(stmt, 8);
	out->archived_unix = sql_i64(stmt, 9);
	out->message_id = sql_bytes(stmt, 10);
	out->from = sql_bytes(stmt, 11);
	out->to = sql_bytes(stmt, 12);
	out->cc = sql_bytes(stmt, 13);
	out->subject = sql_bytes(stmt, 14);
	return 1;
}

/* The one row of a kept statement, which is reset. */
static int ask_message(
    struct catalog *catalog, struct sql_stmt *stmt, struct catalog_message *out, struct err *err)
{
	struct bytes *views[] = {&out->message_id, &out->from, &out->to, &out->cc, &out->subject};
	int got = sql_step(stmt, err);

	if (got != 1)
		return got;
	got = take_message(stmt, out, err);
	if (got == 1)
		catalog_keep(&catalog->kept_message, views, sizeof views / sizeof *views);
	sql_reset(stmt);
	return got;
}

int catalog_message(
    struct catalog *catalog, const struct msg_id *id, struct catalog_message *out, struct err *err)
{
	struct sql_stmt *stmt = catalog_stmt(catalog, MESSAGE_COLUMNS "WHERE id = ?1", err);

	if (!stmt)
		return -1;
	sql_bind_blob(stmt, 1, (struct bytes){(const char *)id->sum.b, SHA256_BYTES});
	return ask_message(catalog, stmt, out, err);
}

int catalog_message_n(
    struct catalog *catalog, int64_t n, struct catalog_message *out, struct err *err)
{
	struct sql_stmt *stmt = catalog_stmt(catalog, MESSAGE_COLUMNS "WHERE n = ?1", err);

	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, n);
	return ask_message(catalog, stmt, out, err);
}

/* A name of 4 to 64 hex digits as the range of ids that begin with it. */
static bool id_range(struct bytes name, uint8_t *low, uint8_t *high)
{
	char digits[2 * SHA256_BYTES];
	struct sha256 sum;
	size_t i;

	if (name.n < 4 || name.n > sizeof digits)
		return false;
	for (i = 0; i < name.n; i++)
		if (!isxdigit((unsigned char)name.p[i]))
			return false;
	memcpy(digits, name.p, name.n);
	memset(digits + name.n, '0', sizeof digits - name.n);
	sha256_parse((struct bytes){digits, sizeof digits}, &sum);
	memcpy(low, sum.b, SHA256_BYTES);
	memset(digits + name.n, 'f', sizeof digits - name.n);
	sha256_parse((struct bytes){digits, sizeof digits}, &sum);
	memcpy(high, sum.b, SHA256_BYTES);
	return true;
}

static int only_one(struct catalog *catalog, struct sql_stmt *stmt, struct bytes name,
    struct catalog_message *out, struct err *err)
{
	int got = sql_step(stmt, err);

	if (got != 1)
		return got;
	got = sql_step(stmt, err);
	if (got == 1) {
		sql_reset(stmt);
		return err_set(err, ERR_USAGE, "several messages are called %.*s: give more of it",
		    (int)name.n, name.p);
	}
	return got < 0 ? -1 : ask_message(catalog, stmt, out, err);
}

int catalog_message_named(
    struct catalog *catalog, struct bytes name, struct catalog_message *out, struct err *err)
{
	uint8_t low[SHA256_BYTES], high[SHA256_BYTES];
	struct sql_stmt *stmt;
	int got;

	if (id_range(name, low, high)) {
		stmt = catalog_stmt(
		    catalog, MESSAGE_COLUMNS "WHERE id BETWEEN ?1 AND ?2 LIMIT 2", err);
		if (!stmt)
			return -1;
		sql_bind_blob(stmt, 1, (struct bytes){(const char *)low, sizeof low});
		sql_bind_blob(stmt, 2, (struct bytes){(const char *)high, sizeof high});
		got = only_one(catalog, stmt, name, out, err);
		if (got != 0)
			return got;
	}
	if (name.n > 2 && name.p[0] == '<' && name.p[name.n - 1] == '>')
		name = (struct bytes){name.p + 1, name.n - 2};
	stmt = catalog_stmt(catalog, MESSAGE_COLUMNS "WHERE msgid = ?1 LIMIT 2", err);
	if (!stmt)
		return -1;
	sql_bind_text(stmt, 1, name);
	return only_one(catalog, stmt, name, out, err);
}

int catalog_blob(
    struct catalog *catalog, const struct sha256 *id, struct catalog_blob *out, struct err *err)
{
	static const char text[] = "SELECT size, segment, frame, entry, (SELECT generation"
				   " FROM rewritten WHERE rewritten.segment = blob.segment)"
				   " FROM blob WHERE id = ?1";
	struct sql_stmt *stmt = catalog_stmt(catalog, text, err);
	int got;

	if (!stmt)
		return -1;
	sql_bind_blob(stmt, 1, (struct bytes){(const char *)id->b, SHA256_BYTES});
	got = sql_step(stmt, err);
	if (got != 1)
		return got;
	out->size_bytes = (uint64_t)sql_i64(stmt, 0);
	out->segment = take_segment(stmt, 1, 4);
	out->place.frame_at = (uint64_t)sql_i64(stmt, 2);
	out->place.entry_at = (uint64_t)sql_i64(stmt, 3);
	sql_reset(stmt);
	return 1;
}

int catalog_parts(
    struct catalog *catalog, int64_t n, catalog_part_fn fn, void *arg, struct err *err)
{
	static const char text[] =
	    "SELECT at, blob, size, line, crlf FROM part WHERE message = ?1 ORDER BY at";
	struct sql_stmt *stmt = catalog_stmt(catalog, text, err);
	int got;

	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, n);
	while ((got = sql_step(stmt, err)) == 1) {
		struct event_part part = {.at = (uint64_t)sql_i64(stmt, 0)};
		struct bytes blob = sql_bytes(stmt, 1);

		if (blob.n != SHA256_BYTES) {
			sql_reset(stmt);
			return err_set(err, ERR_DAMAGED, "catalog.db has a part without a blob");
		}
		memcpy(part.blob.b, blob.p, SHA256_BYTES);
		part.blob_bytes = (uint64_t)sql_i64(stmt, 2);
		part.line_chars = (uint32_t)sql_i64(stmt, 3);
		part.crlf = sql_i64(stmt, 4) != 0;
		if (fn(arg, &part, err) != 0) {
			sql_reset(stmt);
			return -1;
		}
	}
	return got;
}

static int each_message(struct catalog *catalog, const char *text, int64_t after_n,
    catalog_message_fn fn, void *arg, struct err *err)
{
	struct sql_stmt *stmt;
	struct catalog_message message;
	int got, result = 0;

	/* Not one of the kept statements: fn may ask for messages itself. */
	if (sql_prepare(catalog->sql, text, &stmt, err) != 0)
		return -1;
	sql_bind_i64(stmt, 1, after_n);
	while (result == 0 && (got = sql_step(stmt, err)) == 1)
		result = take_message(stmt, &message, err) < 0 ? -1 : fn(arg, &message, err);
	sql_free(stmt);
	return result == 0 && got == 0 ? 0 : -1;
}

int catalog_each_message(
    struct catalog *catalog, int64_t after_n, catalog_message_fn fn, void *arg, struct err *err)
{
	return each_message(catalog, MESSAGE_COLUMNS "WHERE n > ?1 AND expired IS NULL ORDER BY n",
	    after_n, fn, arg, err);
}

int catalog_each_damaged(struct catalog *catalog, catalog_message_fn fn, void *arg, struct err *err)
{
	return each_message(
	    catalog, MESSAGE_COLUMNS "WHERE doubt > 0 AND n > ?1 ORDER BY n", 0, fn, arg, err);
}

int catalog_is_damaged(struct catalog *catalog, int64_t n, struct err *err)
{
	static const char text[] = "SELECT doubt > 0 FROM message WHERE n = ?1";
	struct sql_stmt *stmt = catalog_stmt(catalog, text, err);
	int got;

	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, n);
	got = sql_step(stmt, err);
	if (got == 1)
		got = sql_i64(stmt, 0) != 0;
	sql_reset(stmt);
	return got;
}
