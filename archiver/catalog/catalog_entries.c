/* Owns:  nothing.
 * Knows: what a stored copy is to the tables: where messages and blobs stand, and that they
 *        stand nowhere any more.
 * Never: keeps what a message said once it is expired.
 * Spec:  archiver/store/FORMAT.md, "The journal", "Compacted segments" */
#include "archiver/catalog/catalog_private.h"

struct bytes catalog_sum(const struct sha256 *sum)
{
	return (struct bytes){(const char *)sum->b, SHA256_BYTES};
}

int catalog_ask_number(struct sql_stmt *stmt, int64_t *out, struct err *err)
{
	int got = sql_step(stmt, err);

	if (got == 1) {
		*out = sql_i64(stmt, 0);
		sql_reset(stmt);
	}
	return got;
}

int catalog_number_of(
    const struct catalog_applying *apply, const struct sha256 *id, int64_t *out, struct err *err)
{
	static const char find[] = "SELECT n FROM message WHERE id = ?1";
	struct catalog *catalog = apply->catalog;
	struct sql_stmt *stmt;
	int got;

	if (catalog->last_n && sha256_equal(id, &catalog->last_id)) {
		*out = catalog->last_n;
		return 1;
	}
	stmt = catalog_stmt(catalog, find, err);
	if (!stmt)
		return -1;
	sql_lend_blob(stmt, 1, catalog_sum(id));
	got = catalog_ask_number(stmt, out, err);
	if (got == 0 && apply->end->lost == 0)
		return err_set(err, ERR_DAMAGED, "the journal places a message that it never had");
	return got;
}

static bool is_nowhere(const struct catalog_applying *apply)
{
	return apply->place->frame_at == BATCH_NOWHERE;
}

/* segment, frame, entry from that parameter on: 0 each where the entry was dropped. */
static void bind_place(struct sql_stmt *stmt, int first, const struct catalog_applying *apply)
{
	bool nowhere = is_nowhere(apply);

	sql_bind_i64(stmt, first, nowhere ? 0 : apply->end->segment);
	sql_bind_i64(stmt, first + 1, nowhere ? 0 : (int64_t)apply->place->frame_at);
	sql_bind_i64(stmt, first + 2, nowhere ? 0 : (int64_t)apply->place->entry_at);
}

static int forget_blob(
    const struct catalog_applying *apply, const struct sha256 *id, struct err *err)
{
	struct sql_stmt *stmt = catalog_stmt(apply->catalog, "DELETE FROM blob WHERE id = ?1", err);

	if (!stmt)
		return -1;
	sql_bind_blob(stmt, 1, catalog_sum(id));
	return sql_run(stmt, err);
}

int catalog_apply_blob(
    const struct catalog_applying *apply, const struct event *event, struct err *err)
{
	/* Stored again because it was damaged: the new place counts. */
	static const char text[] =
	    "INSERT INTO blob(id, size, segment, frame, entry) VALUES(?1, ?2, ?3, ?4, ?5)"
	    " ON CONFLICT(id) DO UPDATE SET segment = ?3, frame = ?4, entry = ?5";
	struct sql_stmt *stmt;

	/* No message needs it, or it is stored again later: an older copy, in a segment that was
	 * left as it is, does not count either. */
	if (is_nowhere(apply))
		return forget_blob(apply, &event->id, err);
	stmt = catalog_stmt(apply->catalog, text, err);
	if (!stmt)
		return -1;
	sql_lend_blob(stmt, 1, catalog_sum(&event->id));
	sql_bind_i64(stmt, 2, (int64_t)event->size_bytes);
	bind_place(stmt, 3, apply);
	return sql_run(stmt, err);
}

static int apply_part(
    const struct catalog_applying *apply, int64_t n, const struct event_part *part, struct err *err)
{
	static const char text[] =
	    "INSERT OR REPLACE INTO part(message, at, blob, size, line, crlf)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
	struct sql_stmt *stmt = catalog_stmt(apply->catalog, text, err);

	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, n);
	sql_bind_i64(stmt, 2, (int64_t)part->at);
	sql_lend_blob(stmt, 3, catalog_sum(&part->blob));
	sql_bind_i64(stmt, 4, (int64_t)part->blob_bytes);
	sql_bind_i64(stmt, 5, part->line_chars);
	sql_bind_i64(stmt, 6, part->crlf);
	return sql_run(stmt, err);
}

/* A message that is stored again may have been taken apart in another way. */
static int forget_parts(const struct catalog_applying *apply, int64_t n, struct err *err)
{
	static const char text[] = "DELETE FROM part WHERE message = ?1";
	struct sql_stmt *stmt = catalog_stmt(apply->catalog, text, err);

	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, n);
	return sql_run(stmt, err);
}

/* The first 14 parameters of both statements of catalog_apply_mail. */
static void bind_mail(
    struct sql_stmt *stmt, const struct catalog_applying *apply, const struct event *event)
{
	sql_lend_blob(stmt, 1, catalog_sum(&event->id));
	sql_bind_i64(stmt, 2, (int64_t)event->size_bytes);
	sql_bind_i64(stmt, 3, (int64_t)event->stored_bytes);
	bind_place(stmt, 4, apply);
	if (event->has_sent)
		sql_bind_i64(stmt, 7, event->sent_unix);
	else
		sql_bind_null(stmt, 7);
	sql_bind_i64(stmt, 8, apply->time_unix);
	sql_lend_text(stmt, 9, event->message_id);
	sql_lend_text(stmt, 10, event->from);
	sql_lend_text(stmt, 11, event->to);
	sql_lend_text(stmt, 12, event->cc);
	sql_lend_text(stmt, 13, event->subject);
	sql_bind_i64(stmt, 14, is_nowhere(apply)); /* until it comes again */
}

/* A row for a message that has none: 1, 0 it has one, -1. The date is that of its first place,
 * which mostly is the next event: then the row need not be changed for it. */
static int insert_mail(
    const struct catalog_applying *apply, const struct event *event, struct err *err)
{
	static const char text[] =
	    "INSERT INTO message(id, size, stored, segment, frame, entry, sent, archived, msgid,"
	    " sender, recipient, copy, subject, doubt, date)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)"
	    " ON CONFLICT(id) DO NOTHING";
	const struct event *next = apply->next;
	bool has_date = next && next->kind == EVENT_PLACED && sha256_equal(&next->id, &event->id);
	struct catalog *catalog = apply->catalog;
	struct sql_stmt *stmt = catalog_stmt(catalog, text, err);

	if (!stmt)
		return -1;
	bind_mail(stmt, apply, event);
	if (has_date)
		sql_bind_i64(stmt, 15, next->date_unix);
	else
		sql_bind_null(stmt, 15);
	if (sql_run(stmt, err) != 0)
		return -1;
	if (sql_changes(catalog->sql) == 0)
		return 0;
	catalog->last_id = event->id;
	catalog->last_n = sql_last_rowid(catalog->sql);
	catalog->last_has_date = has_date;
	return 1;
}

/* Stored again because it was damaged: the last event counts. */
static int update_mail(
    const struct catalog_applying *apply, const struct event *event, struct err *err)
{
	static const char text[] =
	    "UPDATE message SET size = ?2, stored = ?3, segment = ?4, frame = ?5, entry = ?6,"
	    " sent = ?7, msgid = ?9, sender = ?10, recipient = ?11, copy = ?12, subject = ?13,"
	    " doubt = ?14, expired = NULL WHERE id = ?1 RETURNING n";
	struct catalog *catalog = apply->catalog;
	struct sql_stmt *stmt = catalog_stmt(catalog, text, err);
	int64_t n;

	if (!stmt)
		return -1;
	bind_mail(stmt, apply, event);
	if (catalog_ask_number(stmt, &n, err) != 1 || forget_parts(apply, n, err) != 0)
		return -1;
	catalog->last_id = event->id;
	catalog->last_n = n;
	catalog->last_has_date = false;
	return 0;
}

int catalog_apply_mail(
    const struct catalog_applying *apply, const struct event *event, struct err *err)
{
	int is_new = insert_mail(apply, event, err);
	size_t i;

	if (is_new < 0 || (is_new == 0 && update_mail(apply, event, err) != 0))
		return -1;
	for (i = 0; i < event->part_count; i++)
		if (apply_part(apply, apply->catalog->last_n, &event->part[i], err) != 0)
			return -1;
	return 0;
}

/* A statement about a message that is known, its number bound as ?1: 1, 0 it is not known, -1. */
static int message_stmt(const struct catalog_applying *apply, const struct sha256 *id,
    const char *text, struct sql_stmt **out, int64_t *n_out, struct err *err)
{
	int known = catalog_number_of(apply, id, n_out, err);

	if (known != 1)
		return known;
	*out = catalog_stmt(apply->catalog, text, err);
	if (!*out)
		return -1;
	sql_bind_i64(*out, 1, *n_out);
	return 1;
}

int catalog_apply_damaged(
    const struct catalog_applying *apply, const struct event *event, struct err *err)
{
	static const char text[] = "UPDATE message SET doubt = 1 WHERE n = ?1";
	struct sql_stmt *stmt;
	int64_t n;
	int known = message_stmt(apply, &event->id, text, &stmt, &n, err);

	return known == 1 ? sql_run(stmt, err) : known;
}

/* Its bytes and what it said are as if they had never been; that it was there stays known, so
 * that no sync brings it back from the same place. */
int catalog_apply_expired(
    const struct catalog_applying *apply, const struct event *event, struct err *err)
{
	static const char text[] =
	    "UPDATE message SET expired = ?2, segment = 0, frame = 0, entry = 0, stored = 0,"
	    " sent = NULL, msgid = '', sender = '', recipient = '', copy = '', subject = '',"
	    " doubt = 0 WHERE n = ?1";
	struct sql_stmt *stmt;
	int64_t n;
	int known = message_stmt(apply, &event->id, text, &stmt, &n, err);

	if (known != 1)
		return known;
	sql_bind_i64(stmt, 2, apply->time_unix);
	return sql_run(stmt, err) == 0 ? forget_parts(apply, n, err) : -1;
}

/* A mail event of which no more is left. That the message is expired an event says by itself. */
int catalog_apply_redacted(
    const struct catalog_applying *apply, const struct event *event, struct err *err)
{
	struct event left = {.kind = EVENT_MAIL, .id = event->id, .size_bytes = event->size_bytes};

	return catalog_apply_mail(apply, &left, err);
}

/* ---- what a segment that was written anew moves ---- */

/* Asked and moved by id, segment, frame and entry. */
static struct sql_stmt *copy_stmt(struct catalog *catalog, const char *text,
    const struct sha256 *id, uint32_t segment, const struct batch_place *place, struct err *err)
{
	struct sql_stmt *stmt = catalog_stmt(catalog, text, err);

	if (!stmt)
		return NULL;
	sql_bind_blob(stmt, 1, catalog_sum(id));
	sql_bind_i64(stmt, 2, segment);
	sql_bind_i64(stmt, 3, (int64_t)place->frame_at);
	sql_bind_i64(stmt, 4, (int64_t)place->entry_at);
	return stmt;
}

int catalog_is_live(struct catalog *catalog, enum event_kind kind, const struct sha256 *id,
    uint32_t segment, const struct batch_place *place, struct err *err)
{
	static const char mail[] = "SELECT 1 FROM message WHERE id = ?1 AND segment = ?2"
				   " AND frame = ?3 AND entry = ?4";
	static const char blob[] = "SELECT 1 FROM blob WHERE id = ?1 AND segment = ?2"
				   " AND frame = ?3 AND entry = ?4"
				   " AND EXISTS(SELECT 1 FROM part WHERE part.blob = ?1)";
	struct sql_stmt *stmt =
	    copy_stmt(catalog, kind == EVENT_BLOB ? blob : mail, id, segment, place, err);
	int64_t one;

	return stmt ? catalog_ask_number(stmt, &one, err) : -1;
}

int catalog_is_unused(struct catalog *catalog, const struct sha256 *blob, int *out, struct err *err)
{
	static const char text[] = "SELECT NOT EXISTS(SELECT 1 FROM part WHERE blob = ?1)";
	struct sql_stmt *stmt = catalog_stmt(catalog, text, err);
	int64_t is_unused;

	if (!stmt)
		return -1;
	sql_bind_blob(stmt, 1, catalog_sum(blob));
	if (catalog_ask_number(stmt, &is_unused, err) != 1)
		return -1;
	*out = is_unused != 0;
	return 0;
}

int catalog_generation(struct catalog *catalog, uint32_t segment, uint32_t *out, struct err *err)
{
	static const char text[] = "SELECT generation FROM rewritten WHERE segment = ?1";
	struct sql_stmt *stmt = catalog_stmt(catalog, text, err);
	int64_t generation = 0;
	int got;

	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, segment);
	got = catalog_ask_number(stmt, &generation, err);
	*out = (uint32_t)generation;
	return got < 0 ? -1 : 0;
}

int catalog_set_generation(struct catalog *catalog, struct segment_id id, struct err *err)
{
	static const char text[] =
	    "INSERT OR REPLACE INTO rewritten(segment, generation) VALUES(?1, ?2)";
	struct sql_stmt *stmt = catalog_stmt(catalog, text, err);

	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, id.number);
	sql_bind_i64(stmt, 2, id.generation);
	return sql_run(stmt, err);
}

int catalog_rewrites(struct catalog *catalog, uint64_t *out, struct err *err)
{
	static const char text[] = "SELECT coalesce(sum(generation), 0) FROM rewritten";
	struct sql_stmt *stmt = catalog_stmt(catalog, text, err);
	int64_t sum;

	if (!stmt || catalog_ask_number(stmt, &sum, err) != 1)
		return -1;
	*out = (uint64_t)sum;
	return 0;
}

static int move_entry(struct catalog *catalog, uint32_t segment, const struct event *event,
    const struct batch_place *place, struct err *err)
{
	static const char mail[] =
	    "UPDATE message SET frame = ?3, entry = ?4 WHERE id = ?1 AND segment = ?2";
	static const char blob[] =
	    "UPDATE blob SET frame = ?3, entry = ?4 WHERE id = ?1 AND segment = ?2";
	struct sql_stmt *stmt = copy_stmt(
	    catalog, event->kind == EVENT_BLOB ? blob : mail, &event->id, segment, place, err);

	return stmt ? sql_run(stmt, err) : -1;
}

/* No message needs it, or it stands elsewhere, behind or in another segment. */
static int drop_blob(
    struct catalog *catalog, uint32_t segment, const struct sha256 *id, struct err *err)
{
	static const char text[] = "DELETE FROM blob WHERE id = ?1 AND segment = ?2"
				   " AND NOT EXISTS(SELECT 1 FROM part WHERE part.blob = ?1)";
	struct sql_stmt *stmt = catalog_stmt(catalog, text, err);

	if (!stmt)
		return -1;
	sql_bind_blob(stmt, 1, catalog_sum(id));
	sql_bind_i64(stmt, 2, segment);
	return sql_run(stmt, err);
}

int catalog_move_begin(struct catalog *catalog, struct err *err)
{
	return sql_begin(catalog->sql, err);
}

int catalog_move(struct catalog *catalog, uint32_t segment, struct bytes log, struct err *err)
{
	struct batch_reader reader;
	struct batch_place place;
	struct event event;
	int got = -1, result = batch_begin_checked(&reader, log, err);

	if (result != 0)
		return -1;
	while (result == 0 && (got = batch_next(&reader, &event, &place, err)) == 1) {
		if (batch_is_entry(event.kind) && place.frame_at != BATCH_NOWHERE)
			result = move_entry(catalog, segment, &event, &place, err);
		else if (event.kind == EVENT_BLOB)
			result = drop_blob(catalog, segment, &event.id, err);
		event_release(&event);
	}
	batch_end(&reader);
	return result == 0 && got == 0 ? 0 : -1;
}

int catalog_move_commit(struct catalog *catalog, struct segment_id id,
    const struct batch_position *end, struct err *err)
{
	if (catalog_set_generation(catalog, id, err) == 0 &&
	    (!end || catalog_set_position(catalog, end, err) == 0) &&
	    sql_commit(catalog->sql, err) == 0)
		return 0;
	sql_rollback(catalog->sql);
	return -1;
}

void catalog_move_abort(struct catalog *catalog)
{
	sql_rollback(catalog->sql);
}

/* ---- without a log ---- */

static int salvage_blob(
    struct catalog *catalog, const struct batch_salvaged *entry, struct err *err)
{
	static const char text[] = "INSERT INTO blob(id, size, segment, frame, entry)"
				   " VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(id) DO NOTHING";
	struct sql_stmt *stmt = catalog_stmt(catalog, text, err);

	if (!stmt)
		return -1;
	sql_bind_blob(stmt, 1, catalog_sum(&entry->id));
	sql_bind_i64(stmt, 2, (int64_t)entry->content_bytes);
	sql_bind_i64(stmt, 3, entry->segment);
	sql_bind_i64(stmt, 4, (int64_t)entry->place.frame_at);
	sql_bind_i64(stmt, 5, (int64_t)entry->place.entry_at);
	return sql_run(stmt, err);
}

/* What is salvaged is the whole message; parts are those of a copy that was dropped. */
static int forget_parts_of_dropped(
    struct catalog *catalog, const struct sha256 *id, struct err *err)
{
	static const char text[] = "DELETE FROM part WHERE message = (SELECT n FROM message"
				   " WHERE id = ?1 AND segment = 0 AND expired IS NULL)";
	struct sql_stmt *stmt = catalog_stmt(catalog, text, err);

	if (!stmt)
		return -1;
	sql_bind_blob(stmt, 1, catalog_sum(id));
	return sql_run(stmt, err);
}

/* A message that is known keeps its copy; but one whose copy was dropped, because the message was
 * stored again in a batch that is lost now, stands here. */
static int salvage_mail(
    struct catalog *catalog, const struct batch_salvaged *entry, struct err *err)
{
	static const char text[] =
	    "INSERT INTO message(id, size, stored, segment, frame, entry, date, archived, msgid,"
	    " sender, recipient, copy, subject, doubt)"
	    " VALUES(?1, ?2, ?2, ?3, ?4, ?5, ?6, ?6, '', '', '', '', '', 2)"
	    " ON CONFLICT(id) DO UPDATE SET stored = ?2, segment = ?3, frame = ?4, entry = ?5"
	    " WHERE message.segment = 0 AND expired IS NULL";
	struct sql_stmt *stmt;

	if (forget_parts_of_dropped(catalog, &entry->id, err) != 0)
		return -1;
	stmt = catalog_stmt(catalog, text, err);
	if (!stmt)
		return -1;
	sql_bind_blob(stmt, 1, catalog_sum(&entry->id));
	sql_bind_i64(stmt, 2, (int64_t)entry->content_bytes);
	sql_bind_i64(stmt, 3, entry->segment);
	sql_bind_i64(stmt, 4, (int64_t)entry->place.frame_at);
	sql_bind_i64(stmt, 5, (int64_t)entry->place.entry_at);
	sql_bind_i64(stmt, 6, entry->mtime_unix);
	return sql_run(stmt, err);
}

int catalog_salvage(struct catalog *catalog, const struct batch_position *at,
    const struct batch_salvaged *salvaged, size_t count, struct err *err)
{
	size_t i;
	int result = 0;

	if (catalog_begin(catalog, err) != 0)
		return -1;
	for (i = 0; result == 0 && i < count; i++)
		result = salvaged[i].kind == EVENT_MAIL ? salvage_mail(catalog, &salvaged[i], err)
							: salvage_blob(catalog, &salvaged[i], err);
	if (result == 0 && catalog_set_position(catalog, at, err) == 0 &&
	    catalog_commit(catalog, err) == 0)
		return 0;
	catalog_rollback(catalog);
	return -1;
}
