/* Owns:  the transaction of one batch.
 * Knows: what each event changes in the tables: the same whether the batch was just written
 *        or is replayed from a segment, for there is no other way into the tables.
 * Done when: a rebuilt catalogue equals the one that grew (tests). */
#include "archiver/catalog/catalog_private.h"

#include "archiver/imapwire/imapflags.h"
#include "archiver/imapwire/seqset.h"

#include <inttypes.h>

typedef int (*apply_fn)(
    const struct catalog_applying *apply, const struct event *event, struct err *err);

/* ---- the numbers of accounts and folders, made when they are first named ---- */

static int account_number(struct catalog *catalog, struct bytes name, int64_t *out, struct err *err)
{
	static const char find[] = "SELECT number FROM account WHERE name = ?1";
	static const char make[] = "INSERT INTO account(name) VALUES(?1)";
	struct sql_stmt *stmt = catalog_stmt(catalog, find, err);
	int got;

	if (!stmt)
		return -1;
	sql_bind_text(stmt, 1, name);
	got = catalog_ask_number(stmt, out, err);
	if (got != 0)
		return got == 1 ? 0 : -1;
	stmt = catalog_stmt(catalog, make, err);
	if (!stmt)
		return -1;
	sql_bind_text(stmt, 1, name);
	if (sql_run(stmt, err) != 0)
		return -1;
	*out = sql_last_rowid(catalog->sql);
	return 0;
}

static int find_or_make_folder(
    struct catalog *catalog, int64_t account, struct bytes name, int64_t *out, struct err *err)
{
	static const char find[] = "SELECT number FROM folder WHERE account = ?1 AND name = ?2";
	static const char make[] =
	    "INSERT INTO folder(account, name, shown) VALUES(?1, ?2, CAST(?2 AS TEXT))";
	struct sql_stmt *stmt = catalog_stmt(catalog, find, err);
	int got;

	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, account);
	sql_bind_blob(stmt, 2, name);
	got = catalog_ask_number(stmt, out, err);
	if (got != 0)
		return got == 1 ? 0 : -1;
	stmt = catalog_stmt(catalog, make, err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, account);
	sql_bind_blob(stmt, 2, name);
	if (sql_run(stmt, err) != 0)
		return -1;
	*out = sql_last_rowid(catalog->sql);
	return 0;
}

static int folder_number(
    struct catalog *catalog, const struct event *event, int64_t *out, struct err *err)
{
	int64_t account;

	if (catalog->last_folder_number &&
	    bytes_equal(event->account, buf_view(&catalog->last_account)) &&
	    bytes_equal(event->folder, buf_view(&catalog->last_folder))) {
		*out = catalog->last_folder_number;
		return 0;
	}
	catalog->last_folder_number = 0;
	if (account_number(catalog, event->account, &account, err) != 0 ||
	    find_or_make_folder(catalog, account, event->folder, out, err) != 0)
		return -1;
	buf_clear(&catalog->last_account);
	buf_clear(&catalog->last_folder);
	buf_bytes(&catalog->last_account, event->account);
	buf_bytes(&catalog->last_folder, event->folder);
	if (!catalog->last_account.overflow && !catalog->last_folder.overflow)
		catalog->last_folder_number = *out;
	return 0;
}

/* A statement that begins with folder, uidvalidity, uid. */
static struct sql_stmt *place_stmt(const struct catalog_applying *apply, const char *text,
    const struct event *event, struct err *err)
{
	struct sql_stmt *stmt;
	int64_t folder;

	if (folder_number(apply->catalog, event, &folder, err) != 0)
		return NULL;
	stmt = catalog_stmt(apply->catalog, text, err);
	if (!stmt)
		return NULL;
	sql_bind_i64(stmt, 1, folder);
	sql_bind_i64(stmt, 2, (int64_t)event->uidvalidity);
	sql_bind_i64(stmt, 3, (int64_t)event->uid);
	return stmt;
}

/* ---- one function for each kind of event ---- */

static int64_t flag_bits(struct bytes flags)
{
	int64_t bits = 0;

	bits |= imapflags_has(flags, "\\Seen") ? PLACE_SEEN : 0;
	bits |= imapflags_has(flags, "\\Flagged") ? PLACE_FLAGGED : 0;
	bits |= imapflags_has(flags, "\\Answered") ? PLACE_ANSWERED : 0;
	bits |= imapflags_has(flags, "\\Draft") ? PLACE_DRAFT : 0;
	bits |= imapflags_has(flags, "\\Deleted") ? PLACE_DELETED : 0;
	return bits;
}

/* Most catalogues have no such message, and most batches clear many. */
static int has_skipped(struct catalog *catalog, struct err *err)
{
	static const char text[] = "SELECT EXISTS(SELECT 1 FROM skipped)";
	struct sql_stmt *stmt;
	int64_t exists;

	if (catalog->has_no_skipped)
		return 0;
	stmt = catalog_stmt(catalog, text, err);
	if (!stmt || catalog_ask_number(stmt, &exists, err) != 1)
		return -1;
	catalog->has_no_skipped = exists == 0;
	return (int)exists;
}

static int clear_skipped(
    const struct catalog_applying *apply, const struct event *event, struct err *err)
{
	static const char text[] =
	    "DELETE FROM skipped WHERE folder = ?1 AND uidvalidity = ?2 AND uid = ?3";
	struct sql_stmt *stmt;
	int has = has_skipped(apply->catalog, err);

	if (has != 1)
		return has;
	stmt = place_stmt(apply, text, event, err);
	return stmt ? sql_run(stmt, err) : -1;
}

static int set_first_date(
    const struct catalog_applying *apply, int64_t n, int64_t date_unix, struct err *err)
{
	static const char text[] = "UPDATE message SET date = ?2 WHERE n = ?1 AND date IS NULL";
	struct catalog *catalog = apply->catalog;
	struct sql_stmt *stmt;

	if (catalog->last_n == n && catalog->last_has_date)
		return 0;
	stmt = catalog_stmt(catalog, text, err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, n);
	sql_bind_i64(stmt, 2, date_unix);
	return sql_run(stmt, err);
}

/* Of a message that was lost: what else is known of the place is no longer so. */
static int forget_place(
    const struct catalog_applying *apply, const struct event *event, struct err *err)
{
	static const char text[] =
	    "DELETE FROM place WHERE folder = ?1 AND uidvalidity = ?2 AND uid = ?3";
	struct sql_stmt *stmt = place_stmt(apply, text, event, err);

	return stmt ? sql_run(stmt, err) : -1;
}

static int apply_placed(
    const struct catalog_applying *apply, const struct event *event, struct err *err)
{
	static const char text[] =
	    "INSERT INTO place(folder, uidvalidity, uid, message, flags, bits, date, state, since)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8)"
	    " ON CONFLICT(folder, uidvalidity, uid) DO UPDATE SET"
	    " message = ?4, flags = ?5, bits = ?6, date = ?7, state = 0, since = ?8";
	struct sql_stmt *stmt;
	int64_t n;
	int known = catalog_number_of(apply, &event->id, &n, err);

	if (known != 1)
		return known < 0 ? -1 : forget_place(apply, event, err);
	stmt = place_stmt(apply, text, event, err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 4, n);
	sql_lend_text(stmt, 5, event->flags);
	sql_bind_i64(stmt, 6, flag_bits(event->flags));
	sql_bind_i64(stmt, 7, event->date_unix);
	sql_bind_i64(stmt, 8, apply->time_unix);
	if (sql_run(stmt, err) != 0 || set_first_date(apply, n, event->date_unix, err) != 0)
		return -1;
	return clear_skipped(apply, event, err);
}

static int apply_flags(
    const struct catalog_applying *apply, const struct event *event, struct err *err)
{
	static const char text[] = "UPDATE place SET flags = ?4, bits = ?5"
				   " WHERE folder = ?1 AND uidvalidity = ?2 AND uid = ?3";
	struct sql_stmt *stmt = place_stmt(apply, text, event, err);

	if (!stmt)
		return -1;
	sql_bind_text(stmt, 4, event->flags);
	sql_bind_i64(stmt, 5, flag_bits(event->flags));
	return sql_run(stmt, err);
}

static int apply_gone(
    const struct catalog_applying *apply, const struct event *event, struct err *err)
{
	static const char text[] = "UPDATE place SET state = 1, since = ?5"
				   " WHERE folder = ?1 AND uidvalidity = ?2"
				   " AND uid BETWEEN ?3 AND ?4 AND state = 0";
	struct seqset uids;
	struct sql_stmt *stmt;
	size_t i;
	int result = -1;

	seqset_init(&uids);
	if (seqset_parse(&uids, event->uids, 0, SIZE_MAX, err) != 0)
		goto out;
	for (i = 0; i < uids.count; i++) {
		stmt = place_stmt(apply, text, event, err);
		if (!stmt)
			goto out;
		sql_bind_i64(stmt, 3, uids.range[i].first);
		sql_bind_i64(stmt, 4, uids.range[i].last);
		sql_bind_i64(stmt, 5, apply->time_unix);
		if (sql_run(stmt, err) != 0)
			goto out;
	}
	result = 0;
out:
	seqset_release(&uids);
	return result;
}

static int apply_retired(
    const struct catalog_applying *apply, const struct event *event, struct err *err)
{
	static const char places[] =
	    "UPDATE place SET state = 3, since = ?4"
	    " WHERE folder = ?1 AND uidvalidity = ?2 AND state = 0 AND ?3 = 0";
	static const char skipped[] =
	    "DELETE FROM skipped WHERE folder = ?1 AND uidvalidity = ?2 AND ?3 = 0";
	struct sql_stmt *stmt = place_stmt(apply, places, event, err);

	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 4, apply->time_unix);
	if (sql_run(stmt, err) != 0)
		return -1;
	stmt = place_stmt(apply, skipped, event, err);
	return stmt ? sql_run(stmt, err) : -1;
}

static int apply_folder(
    const struct catalog_applying *apply, const struct event *event, struct err *err)
{
	static const char text[] = "UPDATE folder SET shown = ?2, delimiter = ?3,"
				   " attributes = ?4, gone = ?5 WHERE number = ?1";
	struct sql_stmt *stmt;
	int64_t folder;

	if (folder_number(apply->catalog, event, &folder, err) != 0)
		return -1;
	stmt = catalog_stmt(apply->catalog, text, err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, folder);
	sql_bind_text(stmt, 2, event->shown);
	sql_bind_text(stmt, 3, event->delimiter);
	sql_bind_text(stmt, 4, event->attributes);
	sql_bind_i64(stmt, 5, bytes_is(event->state, "gone"));
	return sql_run(stmt, err);
}

static int apply_cursor(
    const struct catalog_applying *apply, const struct event *event, struct err *err)
{
	static const char text[] = "UPDATE folder SET uidvalidity = ?2, uidnext = ?4, modseq = ?5,"
				   " messages = ?6, listed = ?7 WHERE number = ?1 AND ?3 = 0";
	struct sql_stmt *stmt = place_stmt(apply, text, event, err);

	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 4, (int64_t)event->uidnext);
	sql_bind_i64(stmt, 5, (int64_t)event->modseq);
	sql_bind_i64(stmt, 6, (int64_t)event->messages);
	sql_bind_i64(stmt, 7, apply->time_unix);
	return sql_run(stmt, err);
}

static int apply_skipped(
    const struct catalog_applying *apply, const struct event *event, struct err *err)
{
	/* "since" stays that of the first time. */
	static const char text[] =
	    "INSERT INTO skipped(folder, uidvalidity, uid, reason, since)"
	    " VALUES(?1, ?2, ?3, ?4, ?5)"
	    " ON CONFLICT(folder, uidvalidity, uid) DO UPDATE SET reason = ?4";
	struct sql_stmt *stmt;

	if (event->reason.n == 0)
		return clear_skipped(apply, event, err);
	apply->catalog->has_no_skipped = false;
	stmt = place_stmt(apply, text, event, err);
	if (!stmt)
		return -1;
	sql_bind_text(stmt, 4, event->reason);
	sql_bind_i64(stmt, 5, apply->time_unix);
	return sql_run(stmt, err);
}

static int apply_synced(
    const struct catalog_applying *apply, const struct event *event, struct err *err)
{
	static const char text[] = "INSERT INTO sync(account, time, messages, bytes, reason)"
				   " VALUES(?1, ?2, ?3, ?4, ?5)";
	struct sql_stmt *stmt;
	int64_t account;

	if (account_number(apply->catalog, event->account, &account, err) != 0)
		return -1;
	stmt = catalog_stmt(apply->catalog, text, err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, account);
	sql_bind_i64(stmt, 2, apply->time_unix);
	sql_bind_i64(stmt, 3, (int64_t)event->messages);
	sql_bind_i64(stmt, 4, (int64_t)event->size_bytes);
	sql_bind_text(stmt, 5, event->reason);
	return sql_run(stmt, err);
}

static int apply_audit(
    const struct catalog_applying *apply, const struct event *event, struct err *err)
{
	static const char text[] =
	    "INSERT OR REPLACE INTO audit(folder, uidvalidity, time, server, archived, exceptions,"
	    " missing) SELECT ?1, ?2, ?4, ?5, ?6, ?7, ?8 WHERE ?3 = 0";
	struct sql_stmt *stmt = place_stmt(apply, text, event, err);

	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 4, apply->time_unix);
	sql_bind_i64(stmt, 5, (int64_t)event->messages);
	sql_bind_i64(stmt, 6, (int64_t)event->archived);
	sql_bind_i64(stmt, 7, (int64_t)event->exceptions);
	sql_bind_i64(stmt, 8, (int64_t)event->missing);
	return sql_run(stmt, err);
}

static int apply_hold(
    const struct catalog_applying *apply, const struct event *event, struct err *err)
{
	static const char hold[] = "INSERT INTO hold(message, since, reason) VALUES(?1, ?2, ?3)"
				   " ON CONFLICT(message) DO UPDATE SET reason = ?3";
	static const char release[] =
	    "DELETE FROM hold WHERE message = ?1 AND ?2 IS NOT NULL AND ?3 IS NOT NULL";
	struct sql_stmt *stmt;
	int64_t n;
	int known = catalog_number_of(apply, &event->id, &n, err);

	if (known != 1)
		return known;
	stmt = catalog_stmt(apply->catalog, event->held ? hold : release, err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, n);
	sql_bind_i64(stmt, 2, apply->time_unix);
	sql_bind_text(stmt, 3, event->reason);
	return sql_run(stmt, err);
}

static int apply_run(
    const struct catalog_applying *apply, const struct event *event, struct err *err)
{
	static const char text[] =
	    "INSERT INTO run(run, type, account, state, begun, messages, bytes, reason)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
	    " ON CONFLICT(run) DO UPDATE SET state = ?4, ended = ?5, messages = ?6, bytes = ?7,"
	    " reason = ?8";
	struct sql_stmt *stmt;
	int64_t account;

	if (account_number(apply->catalog, event->account, &account, err) != 0)
		return -1;
	stmt = catalog_stmt(apply->catalog, text, err);
	if (!stmt)
		return -1;
	sql_bind_text(stmt, 1, event->run);
	sql_bind_text(stmt, 2, event->type);
	sql_bind_i64(stmt, 3, account);
	sql_bind_text(stmt, 4, event->state);
	sql_bind_i64(stmt, 5, apply->time_unix);
	sql_bind_i64(stmt, 6, (int64_t)event->messages);
	sql_bind_i64(stmt, 7, (int64_t)event->size_bytes);
	sql_bind_text(stmt, 8, event->reason);
	return sql_run(stmt, err);
}

static int set_purged(
    const struct catalog_applying *apply, const struct event *event, struct err *err)
{
	static const char text[] = "UPDATE place SET state = 2, since = ?4"
				   " WHERE folder = ?1 AND uidvalidity = ?2 AND uid = ?3";
	struct sql_stmt *stmt = place_stmt(apply, text, event, err);

	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 4, apply->time_unix);
	return sql_run(stmt, err);
}

static int apply_purge(
    const struct catalog_applying *apply, const struct event *event, struct err *err)
{
	static const char text[] =
	    "INSERT INTO purge(folder, uidvalidity, uid, run, message, rule, state, reason, time)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
	    " ON CONFLICT(run, folder, uidvalidity, uid) DO UPDATE SET"
	    " state = ?7, reason = ?8, time = ?9";
	bool confirmed = bytes_is(event->state, "confirmed");
	struct sql_stmt *stmt;
	int64_t n;
	int known = catalog_number_of(apply, &event->id, &n, err);

	if (known != 1)
		return known == 0 && confirmed ? set_purged(apply, event, err) : known;
	stmt = place_stmt(apply, text, event, err);
	if (!stmt)
		return -1;
	sql_bind_text(stmt, 4, event->run);
	sql_bind_i64(stmt, 5, n);
	sql_bind_text(stmt, 6, event->rule);
	sql_bind_text(stmt, 7, event->state);
	sql_bind_text(stmt, 8, event->reason);
	sql_bind_i64(stmt, 9, apply->time_unix);
	if (sql_run(stmt, err) != 0)
		return -1;
	return confirmed ? set_purged(apply, event, err) : 0;
}

static int apply_restored(
    const struct catalog_applying *apply, const struct event *event, struct err *err)
{
	static const char text[] =
	    "INSERT OR REPLACE INTO restored(account, folder, uidvalidity, uid, id, run, time)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
	struct sql_stmt *stmt = catalog_stmt(apply->catalog, text, err);

	if (!stmt)
		return -1;
	sql_bind_text(stmt, 1, event->account);
	sql_bind_blob(stmt, 2, event->folder);
	sql_bind_i64(stmt, 3, (int64_t)event->uidvalidity);
	sql_bind_i64(stmt, 4, (int64_t)event->uid);
	sql_bind_blob(stmt, 5, catalog_sum(&event->id));
	sql_bind_text(stmt, 6, event->run);
	sql_bind_i64(stmt, 7, apply->time_unix);
	return sql_run(stmt, err);
}

static const apply_fn apply_event[EVENT_KINDS] = {
    [EVENT_BLOB] = catalog_apply_blob,
    [EVENT_MAIL] = catalog_apply_mail,
    [EVENT_PLACED] = apply_placed,
    [EVENT_FLAGS] = apply_flags,
    [EVENT_GONE] = apply_gone,
    [EVENT_RETIRED] = apply_retired,
    [EVENT_FOLDER] = apply_folder,
    [EVENT_CURSOR] = apply_cursor,
    [EVENT_SKIPPED] = apply_skipped,
    [EVENT_SYNCED] = apply_synced,
    [EVENT_AUDIT] = apply_audit,
    [EVENT_HOLD] = apply_hold,
    [EVENT_DAMAGED] = catalog_apply_damaged,
    [EVENT_EXPIRED] = catalog_apply_expired,
    [EVENT_REDACTED] = catalog_apply_redacted,
    [EVENT_RUN] = apply_run,
    [EVENT_PURGE] = apply_purge,
    [EVENT_RESTORED] = apply_restored,
};

/* ---- a batch ---- */

int catalog_set_position(struct catalog *catalog, const struct batch_position *end, struct err *err)
{
	static const char text[] =
	    "UPDATE position SET segment = ?1, at = ?2, batch = ?3, sum = ?4, lost = ?5,"
	    " archive = CASE WHEN ?3 = 1 THEN ?4 ELSE archive END WHERE one = 1";
	struct sql_stmt *stmt = catalog_stmt(catalog, text, err);

	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, end->segment);
	sql_bind_i64(stmt, 2, (int64_t)end->at);
	sql_bind_i64(stmt, 3, (int64_t)end->batch);
	sql_bind_blob(stmt, 4, catalog_sum(&end->sum));
	sql_bind_i64(stmt, 5, (int64_t)end->lost);
	return sql_run(stmt, err);
}

static int apply_one(struct catalog_applying *apply, const struct event *event,
    const struct batch_place *place, struct err *err)
{
	apply->place = place;
	if (apply_event[event->kind])
		return apply_event[event->kind](apply, event, err);
	return err_set(
	    err, ERR_DAMAGED, "a journal event \"%s\" stands alone", event_name(event->kind));
}

/* Each event is applied when the one behind it is known. */
static int apply_events(
    struct catalog_applying *apply, struct batch_reader *reader, struct err *err)
{
	struct batch_place place[2];
	struct event event[2];
	int at = 0, got = batch_next(reader, &event[0], &place[0], err), more, result = 0;

	for (; result == 0 && got == 1; got = more, at = !at) {
		more = batch_next(reader, &event[!at], &place[!at], err);
		apply->next = more == 1 ? &event[!at] : NULL;
		result = more < 0 ? -1 : apply_one(apply, &event[at], &place[at], err);
		event_release(&event[at]);
		if (result != 0 && more == 1)
			event_release(&event[!at]);
	}
	apply->place = NULL;
	apply->next = NULL;
	return result == 0 && got == 0 ? 0 : -1;
}

/* A batch that was left out would never come again: unless the store said that it is lost. */
static int check_follows(struct catalog *catalog, const struct event *commit,
    const struct batch_position *end, struct err *err)
{
	struct batch_position position;
	uint64_t lost;

	if (catalog_position(catalog, &position, err) != 0)
		return -1;
	lost = end->lost - position.lost;
	if (commit->batch == position.batch + 1 + lost &&
	    (lost > 0 || sha256_equal(&commit->previous, &position.sum)))
		return 0;
	err_set(err, ERR_DAMAGED,
	    "batch %" PRIu64 " of the journal does not follow batch %" PRIu64 " of catalog.db",
	    commit->batch, position.batch);
	err_class(err, RETRY_NEVER, SCOPE_ARCHIVE);
	return -1;
}

int catalog_apply(
    struct catalog *catalog, const struct batch_position *end, struct bytes log, struct err *err)
{
	struct catalog_applying apply = {.catalog = catalog, .end = end};
	struct batch_reader reader;
	int result = -1;

	if (batch_begin_checked(&reader, log, err) != 0)
		return -1;
	apply.time_unix = reader.commit.time_unix;
	if (catalog_begin(catalog, err) != 0)
		goto out;
	if (check_follows(catalog, &reader.commit, end, err) == 0 &&
	    apply_events(&apply, &reader, err) == 0 &&
	    catalog_set_position(catalog, end, err) == 0 && catalog_commit(catalog, err) == 0)
		result = 0;
	if (result != 0)
		catalog_rollback(catalog);
out:
	batch_end(&reader);
	return result;
}
