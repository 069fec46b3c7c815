/* catalog.db: what the journal says, as tables. Never the source of truth: it can be deleted
 * at any time and is made again by applying every batch of the segments in order, and it is
 * the same then, row numbers included.
 *
 *   catalog_open(&catalog, path, SQL_WRITE, &err)
 *   catalog_position(...)                 up to where it has been applied
 *   catalog_apply(catalog, &end, log)     one batch, one transaction
 *   catalog_...                           questions
 *   catalog_close(catalog)
 *
 * One that is made from all segments is opened with SQL_BUILD, and catalog_finish() ends it: that
 * is many times faster, and nothing of it counts before. After a failure the file must go.
 *
 * Messages are numbered in the order of their mail events (n, from 1), places in that of their
 * placed events. Views in a row are good until the next call of the same function. Lookups
 * return 1 found, 0 not found, -1 failed.
 *
 * index/ reads these tables with statements of its own (they are described in schema.c):
 * message, place, folder, account, hold. */
#ifndef ARCHIVER_CATALOG_CATALOG_H
#define ARCHIVER_CATALOG_CATALOG_H

#include "archiver/journal/batch.h"
#include "archiver/journal/journal.h"

#include "base/err.h"
#include "base/sql.h"

#include <stdbool.h>
#include <stdint.h>

struct catalog;

/* ERR_DAMAGED also when the file is of another schema: delete and rebuild. */
int catalog_open(struct catalog **out, const char *path, enum sql_mode mode, struct err *err);
void catalog_close(struct catalog *catalog);
int catalog_finish(struct catalog *catalog, struct err *err); /* durable, and as with SQL_WRITE */

int catalog_position(struct catalog *catalog, struct batch_position *out, struct err *err);
/* All of the batch or nothing. It must be the one behind catalog_position(), its sums checked. */
int catalog_apply(
    struct catalog *catalog, const struct batch_position *end, struct bytes log, struct err *err);

/* What stood in frames whose logs cannot be read: messages without places, and without what
 * only their mail events said, and blobs. What is known already stays as it is, unless its copy
 * was dropped. The position moves to at, which is no end of a batch. */
int catalog_salvage(struct catalog *catalog, const struct batch_position *at,
    const struct batch_salvaged *salvaged, size_t count, struct err *err);

/* SHA-256 of the first commit of the archive that it was made from: 1, 0 not known, -1. */
int catalog_identity(struct catalog *catalog, struct sha256 *out, struct err *err);

/* A catalogue with gaps does not know when a folder was listed to its end: as if none was. Not
 * a fact of the journal, so not compared. */
int catalog_forget_listings(struct catalog *catalog, struct err *err);

/* ---- messages and blobs ---- */

struct catalog_message {
	int64_t n;
	struct msg_id id;
	uint64_t size_bytes, stored_bytes;
	struct segment_id segment; /* number 0: it stands nowhere */
	struct batch_place place;
	bool is_expired; /* its bytes and what it said are no longer in the archive */
	bool has_date, has_sent;
	int64_t date_unix; /* INTERNALDATE of its first place */
	int64_t sent_unix;
	int64_t archived_unix;                          /* time of its batch */
	struct bytes message_id, from, to, cc, subject; /* raw */
};

struct catalog_blob {
	uint64_t size_bytes;
	struct segment_id segment;
	struct batch_place place;
};

int catalog_message(
    struct catalog *catalog, const struct msg_id *id, struct catalog_message *out, struct err *err);
int catalog_message_n(
    struct catalog *catalog, int64_t n, struct catalog_message *out, struct err *err);
/* By the first hex digits of its id, or by its Message-ID. ERR_USAGE when several fit. */
int catalog_message_named(
    struct catalog *catalog, struct bytes name, struct catalog_message *out, struct err *err);
int catalog_blob(
    struct catalog *catalog, const struct sha256 *id, struct catalog_blob *out, struct err *err);

/* The detached runs of a message, in the order of their offsets. */
typedef int (*catalog_part_fn)(void *arg, const struct event_part *part, struct err *err);
int catalog_parts(
    struct catalog *catalog, int64_t n, catalog_part_fn fn, void *arg, struct err *err);

/* In the order of n, without those that are expired. */
typedef int (*catalog_message_fn)(
    void *arg, const struct catalog_message *message, struct err *err);
int catalog_each_message(
    struct catalog *catalog, int64_t after_n, catalog_message_fn fn, void *arg, struct err *err);

/* Messages to be stored again when they can be had: those whose stored copy could not be
 * proven, and those that were salvaged without their mail event. 1, 0, -1. */
int catalog_is_damaged(struct catalog *catalog, int64_t n, struct err *err);
int catalog_each_damaged(
    struct catalog *catalog, catalog_message_fn fn, void *arg, struct err *err);

/* ---- segments that are written anew (compact) ---- */

/* Is this the copy that counts, and one that is needed: 1, 0, -1. */
int catalog_is_live(struct catalog *catalog, enum event_kind kind, const struct sha256 *id,
    uint32_t segment, const struct batch_place *place, struct err *err);

/* Does no message need that blob? */
int catalog_is_unused(
    struct catalog *catalog, const struct sha256 *blob, int *out, struct err *err);
/* Of which generation of a segment the places are; 0 when it was never written anew. */
int catalog_generation(struct catalog *catalog, uint32_t segment, uint32_t *out, struct err *err);
int catalog_set_generation(struct catalog *catalog, struct segment_id id, struct err *err);
/* How often segments of the archive were written anew: it changes when places do. */
int catalog_rewrites(struct catalog *catalog, uint64_t *out, struct err *err);

/* One transaction: begin; the places of every log of the segment's new file, in order; commit,
 * with the new position if it was in that segment. A failure between is followed by abort. */
int catalog_move_begin(struct catalog *catalog, struct err *err);
int catalog_move(struct catalog *catalog, uint32_t segment, struct bytes log, struct err *err);
int catalog_move_commit(struct catalog *catalog, struct segment_id id,
    const struct batch_position *end, struct err *err);
void catalog_move_abort(struct catalog *catalog);

/* ---- folders and places ---- */

struct catalog_folder {
	int64_t number;
	struct bytes account, name, shown, attributes;
	char delimiter; /* 0: none */
	bool is_gone;
	uint32_t uidvalidity;               /* 0: never archived to its end */
	uint64_t uidnext, modseq, messages; /* of the cursor */
	int64_t listed_unix;                /* when the cursor was set */
};

enum place_state {
	PLACE_PRESENT, /* on the server, when last looked */
	PLACE_GONE,    /* somebody else deleted or moved it there */
	PLACE_PURGED,  /* mailcask deleted it there */
	PLACE_RETIRED  /* its UIDVALIDITY is over: nothing is known */
};

struct catalog_place {
	int64_t number, message_n, folder_number;
	uint32_t uidvalidity, uid;
	struct bytes flags;
	int64_t date_unix;
	enum place_state state;
	int64_t since_unix; /* of the state */
};

int catalog_folder(struct catalog *catalog, struct bytes account, struct bytes name,
    struct catalog_folder *out, struct err *err);
int catalog_folder_number(
    struct catalog *catalog, int64_t number, struct catalog_folder *out, struct err *err);

/* Folders of an account (NULL: of all), sorted by account and shown name. */
typedef int (*catalog_folder_fn)(void *arg, const struct catalog_folder *folder, struct err *err);
int catalog_each_folder(
    struct catalog *catalog, const char *account, catalog_folder_fn fn, void *arg, struct err *err);

typedef int (*catalog_place_fn)(void *arg, const struct catalog_place *place, struct err *err);
/* Present places of a folder under one UIDVALIDITY, by UID. */
int catalog_present_places(struct catalog *catalog, int64_t folder_number, uint32_t uidvalidity,
    catalog_place_fn fn, void *arg, struct err *err);
/* The same with those that are gone or purged: what a listing is compared with. */
int catalog_known_places(struct catalog *catalog, int64_t folder_number, uint32_t uidvalidity,
    catalog_place_fn fn, void *arg, struct err *err);
/* UIDs of the present places whose message is damaged: what a sync fetches again. */
typedef int (*catalog_uid_fn)(void *arg, uint32_t uid, struct err *err);
int catalog_damaged_places(struct catalog *catalog, int64_t folder_number, uint32_t uidvalidity,
    catalog_uid_fn fn, void *arg, struct err *err);
int catalog_places_of(
    struct catalog *catalog, int64_t message_n, catalog_place_fn fn, void *arg, struct err *err);
int catalog_place(
    struct catalog *catalog, int64_t number, struct catalog_place *out, struct err *err);
int catalog_place_at(struct catalog *catalog, int64_t folder_number, uint32_t uidvalidity,
    uint32_t uid, struct catalog_place *out, struct err *err);
int catalog_last_place(struct catalog *catalog, int64_t *number_out, struct err *err);

/* Messages that could not be archived: UIDs of a folder with their reasons. */
typedef int (*catalog_skipped_fn)(
    void *arg, uint32_t uid, struct bytes reason, int64_t since_unix, struct err *err);
int catalog_skipped(struct catalog *catalog, int64_t folder_number, uint32_t uidvalidity,
    catalog_skipped_fn fn, void *arg, struct err *err);

/* ---- holds, runs ---- */

int catalog_is_held(struct catalog *catalog, int64_t message_n, struct err *err); /* 1, 0, -1 */

struct catalog_run {
	struct bytes run, type, account, state, reason;
	int64_t begun_unix, ended_unix; /* 0: not ended */
	uint64_t messages, size_bytes;
};
typedef int (*catalog_run_fn)(void *arg, const struct catalog_run *run, struct err *err);
int catalog_each_run(struct catalog *catalog, catalog_run_fn fn, void *arg, struct err *err);

struct catalog_purge {
	int64_t folder_number, message_n;
	uint32_t uidvalidity, uid;
	struct bytes run, rule, state, reason;
	int64_t time_unix;
};
typedef int (*catalog_purge_fn)(void *arg, const struct catalog_purge *purge, struct err *err);
/* Of one run, or (run NULL) those whose outcome is not known yet. */
int catalog_each_purge(
    struct catalog *catalog, const char *run, catalog_purge_fn fn, void *arg, struct err *err);
/* How many messages of an account mailcask has purged, ever. */
int catalog_purged_count(
    struct catalog *catalog, struct bytes account, uint64_t *out, struct err *err);

/* Was the message restored to that place, which is named by the target's account and folder:
 * by UIDVALIDITY and UID, as far as journalled. */
typedef int (*catalog_restored_fn)(
    void *arg, struct msg_id id, uint32_t uidvalidity, uint32_t uid, struct err *err);
int catalog_each_restored(struct catalog *catalog, struct bytes account, struct bytes folder,
    catalog_restored_fn fn, void *arg, struct err *err);

/* What one restore put where, as far as the server told. */
struct catalog_restored {
	struct bytes account, folder; /* of the target; the server's name */
	uint32_t uidvalidity, uid;
	struct msg_id id;
	int64_t time_unix;
};
typedef int (*catalog_restored_in_fn)(
    void *arg, const struct catalog_restored *restored, struct err *err);
int catalog_each_restored_in(struct catalog *catalog, const char *run, catalog_restored_in_fn fn,
    void *arg, struct err *err);

struct catalog_sync {
	int64_t time_unix;
	uint64_t messages, size_bytes;
	struct bytes account, reason;
};
typedef int (*catalog_sync_fn)(void *arg, const struct catalog_sync *sync, struct err *err);
/* Syncs that brought something, newest first, at most that many. */
int catalog_each_sync(
    struct catalog *catalog, uint64_t max_count, catalog_sync_fn fn, void *arg, struct err *err);

struct catalog_totals {
	uint64_t messages, size_bytes, stored_bytes; /* each message once */
	uint64_t blobs, blob_bytes;
	uint64_t present, gone, purged; /* places */
	uint64_t damaged;               /* messages (catalog_is_damaged) */
	uint64_t expired;               /* messages that are not counted above */
};
int catalog_count(struct catalog *catalog, uint64_t *messages_out, struct err *err);
int catalog_totals(struct catalog *catalog, struct catalog_totals *out, struct err *err);

struct catalog_account_totals {
	uint64_t folders, present, present_bytes, purged, purged_bytes, skipped;
};
int catalog_account_totals(struct catalog *catalog, struct bytes account,
    struct catalog_account_totals *out, struct err *err);

/* The last audit of a folder: 1, 0, -1. */
struct catalog_audit {
	int64_t time_unix;
	uint32_t uidvalidity;
	uint64_t server, archived, exceptions, missing;
};
int catalog_audit(
    struct catalog *catalog, int64_t folder_number, struct catalog_audit *out, struct err *err);

/* ---- proofs of all messages ---- */

/* Messages of consecutive numbers whose entries stand in one frame. */
struct catalog_extent {
	uint32_t segment;
	uint64_t frame_at;
	int64_t first_n, last_n;
};
typedef int (*catalog_extent_fn)(void *arg, const struct catalog_extent *extent, struct err *err);
int catalog_each_extent(struct catalog *catalog, catalog_extent_fn fn, void *arg, struct err *err);

/* What a message is made of. */
struct catalog_stored {
	int64_t n;
	struct msg_id id;
	uint64_t size_bytes, stored_bytes;
	struct batch_place place;
	size_t first_part, parts; /* in the list's part */
};

struct catalog_stored_list {
	struct catalog_stored *message;
	size_t count, room;
	struct event_part *part;
	size_t part_count, part_room;
};

/* Those of an extent, by their numbers; what the list had goes. ERR_DAMAGED. */
int catalog_stored(struct catalog *catalog, const struct catalog_extent *extent,
    struct catalog_stored_list *list, struct err *err);
void catalog_stored_release(struct catalog_stored_list *list);

/* Another connection to the same file, that reads; for another thread. It maps no memory, of
 * which every connection would have its own. */
int catalog_open_beside(struct catalog *catalog, struct catalog **out, struct err *err);

/* A catalogue that is made only to be compared: a new file that need not survive anything, without
 * the indexes that only questions need. Close it before it is compared. */
int catalog_open_scratch(struct catalog **out, const char *path, struct err *err);

/* Compare table by table with another catalogue, row by row. 0 the same; 1 and the first table
 * that differs. Memory does not grow with them. */
int catalog_compare(
    struct catalog *catalog, const char *other_path, const char **table_out, struct err *err);

/* The database, for statements of units that may see it (index/). Borrowed. */
struct sql *catalog_sql(struct catalog *catalog);
const char *catalog_path(const struct catalog *catalog);

#endif
