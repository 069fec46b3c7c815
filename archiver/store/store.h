/* The segments of one archive: the archive itself. Entries (messages without their detached
 * runs, blobs) and the journal go in by batches; everything is found again by its place.
 * FORMAT.md says what the bytes are. Knows no accounts and no catalogue.
 *
 *   store_open(&store, &options, &err)
 *   store_replay(store, &position, fn, arg, &err)     what was committed behind a position;
 *                                                     with for_writing the torn tail is cut
 *   store_put(store, &event, mtime, &range, &err)     a mail or blob with its content
 *   store_log(store, &event, &err)                    any other event
 *   store_commit(store, now, &batch, &err)            one fdatasync: now it is durable
 *   store_read(store, segment, &place, &entry, fn, arg, &err)
 *   store_close(store)
 *
 * A failure in put, log or commit makes the open batch void: store_abort, and nothing of it is
 * in the archive. One process writes (the archive's lock), any number read meanwhile. */
#ifndef ARCHIVER_STORE_STORE_H
#define ARCHIVER_STORE_STORE_H

#include "archiver/journal/batch.h"
#include "archiver/journal/journal.h"

#include "base/err.h"
#include "base/spool.h"

#include <stdbool.h>
#include <stdint.h>

#define STORE_FRAME_BYTES      (1u << 20) /* of content; an entry that is larger has its own frame */
#define STORE_BEST_FRAME_BYTES (16u << 20) /* the same when it is written anew with best */
#define STORE_BEST_LEVEL       19
#define STORE_LOG_MAX_BYTES    (256u << 20)
#define STORE_ENTRY_MAX_BYTES  0xf0000000u /* a frame stays below 4 GiB, packed and unpacked */

struct store;

struct store_options {
	const char *folder; /* .../segments; made when for_writing */
	bool for_writing;
	uint64_t segment_bytes;    /* sealed at the first commit beyond; 0: 128 MiB */
	uint64_t free_floor_bytes; /* keep so much of the disk free */
	int level;                 /* of zstd, 1..19; 0: 3 */
};

/* A committed batch, as replay and commit show it: good during the call, or until the next
 * call that changes the store. */
struct store_batch {
	struct batch_position end;
	struct bytes log; /* the whole log, for batch_begin; empty: no batch, but what follows */
	const struct batch_salvaged *salvaged; /* from frames whose logs cannot be read */
	size_t salvaged_count;
};

typedef int (*store_batch_fn)(void *arg, const struct store_batch *batch, struct err *err);

int store_open(struct store **out, const struct store_options *options, struct err *err);
void store_close(struct store *store); /* an open batch is aborted */

/* Hand every batch behind from to fn, in order, checking the chain of commits. A log that cannot
 * be read is stepped over: the chain may break there, and nowhere else (store_gaps). ERR_DAMAGED
 * also when from is no end of a batch in these segments. When the store is for writing, what
 * follows the last commit is cut off and writing goes on there: required once before the first put.
 * The last batch, if it is news to the caller, must be whole with its entries: the power may
 * have gone before its commit returned. A tail that may have been more is kept in
 * SEGMENT.torn-OFFSET when it is cut. */
int store_replay(struct store *store, const struct batch_position *from, store_batch_fn fn,
    void *arg, struct err *err);

/* Batches up to that one are known to have been committed (a catalogue had them): none of them
 * is ever taken for a torn tail, and one that is missing is damage. */
void store_trust(struct store *store, uint64_t batch);
void store_trust_position(struct store *store, const struct batch_position *position);

/* What the last store_replay found to be lost, in order; good until the next one. */
struct store_gap {
	uint32_t segment;
	uint64_t at, bytes;
	uint64_t first_batch, last_batch; /* 0: none is missing in the chain */
	uint64_t mails, blobs;            /* that were salvaged */
};
const struct store_gap *store_gaps(const struct store *store, size_t *count_out);

/* The SHA-256 of the archive's first commit, which tells it from every other: 1; 0 when there
 * is none, or it cannot be read; -1. */
int store_identity(struct store *store, struct sha256 *out, struct err *err);

/* Bytes of damage that store_replay stepped over, and of torn tail that it cut. */
void store_replay_report(
    const struct store *store, uint64_t *damaged_bytes_out, uint64_t *torn_bytes_out);

/* event is a mail or blob; its stored_bytes or size_bytes must be the content's. */
int store_put(struct store *store, const struct event *event, int64_t mtime_unix,
    const struct spool_range *content, struct err *err);
int store_log(struct store *store, const struct event *event, struct err *err);

bool store_is_empty(const struct store *store);       /* nothing in the open batch */
uint64_t store_open_bytes(const struct store *store); /* content put since the last commit */
uint64_t store_open_events(const struct store *store);

/* Durable when it returns 0. Sealing the segment, when it is due, happens here too. With an
 * empty batch nothing is done and batch->log is empty. */
int store_commit(struct store *store, int64_t now_unix, struct store_batch *batch, struct err *err);
void store_abort(struct store *store);

/* The position behind the last commit (after store_replay). */
const struct batch_position *store_end(const struct store *store);

/* What an entry must be: checked against its tar header before fn gets a byte. */
struct store_entry {
	enum event_kind kind; /* EVENT_MAIL or EVENT_BLOB */
	struct sha256 id;
	uint64_t content_bytes;
};

/* The content of an entry, to fn in pieces. ERR_DAMAGED when it is not there or its frame's
 * checksum is wrong; fn may have had bytes by then. */
int store_read(struct store *store, struct segment_id segment, const struct batch_place *place,
    const struct store_entry *entry, spool_fn fn, void *arg, struct err *err);

/* Before a proof: what is read from now on comes from the disk, not from memory, as far as the
 * kernel does what it is asked. */
int store_forget_cached(struct store *store, struct err *err);

/* ---- segments that are written anew ---- */

/* A segment without the entries that are not live, and packed better if asked for. Its events
 * stay, but those of expired mails, of which only what replay needs is left. */
struct store_compact {
	uint32_t number;
	bool best;             /* STORE_BEST_LEVEL, STORE_BEST_FRAME_BYTES */
	bool dry_run;          /* only look */
	const char *temporary; /* folder for unnamed files */
	/* Is this the copy that counts: 1, 0, -1. */
	int (*is_live)(void *arg, enum event_kind kind, const struct sha256 *id,
	    const struct batch_place *place, struct err *err);
	/* Is what the mail said to be forgotten: 1, 0, -1. */
	int (*is_expired)(void *arg, const struct sha256 *id, struct err *err);
	/* Bytes of the segment that are done, for each entry; may be NULL. */
	int (*progress)(void *arg, uint64_t bytes, struct err *err);
	void *arg;
};

struct store_compacted {
	struct segment_id segment;          /* what it is now */
	uint64_t bytes_before, bytes_after; /* of the file */
	uint64_t mails, blobs;              /* that were dropped */
	uint64_t redacted;                  /* mail events of which no more is left */
	struct batch_position end;          /* behind its last batch */
};

/* 1 written anew (or, with dry_run, it would be): the new file is on the disk, read back, and
 * beside the old one, which store_drop_older takes away. 0 there is nothing to gain. -1:
 * ERR_DAMAGED when anything in the segment is not as it must be, and it stays as it is.
 *
 * The store is open for writing, replayed, without an open batch. The last segment is sealed
 * for it. An interruption leaves a file with another name (NAME.part), or both generations. */
int store_compact(struct store *store, const struct store_compact *how, struct store_compacted *out,
    struct err *err);

/* Of each segment one file, before a catalogue is looked at: the one that is whole, has all commits
 * and entries that the others have; else the one that was written last. Unfinished files go, and
 * those of which everything is in the one that stays; any other is kept as NAME.aside. */
int store_settle(struct store *store, struct err *err);
/* The files that this one was made from go (store_compact): the catalogue knows it now. */
int store_drop_older(struct store *store, struct segment_id id, struct err *err);

/* Each log of a segment file in which nothing is wrong but, perhaps, entries: in order, its sums
 * and chain checked, and that each frame is named by one; end: behind it. ERR_DAMAGED. */
int store_each_log(struct store *store, struct segment_id segment,
    int (*fn)(void *arg, struct bytes log, const struct batch_position *end, struct err *err),
    void *arg, struct err *err);

/* The segments there are, in order: item[0] is number 1. Of one that is there in several
 * generations, as when a compact was interrupted, the first. ERR_DAMAGED when a number is
 * missing; ERR_ABSENT without a folder. */
struct store_segments {
	struct segment_id *item; /* for store_segments_release */
	uint32_t count;
};
int store_segments(const struct store *store, struct store_segments *out, struct err *err);
void store_segments_release(struct store_segments *segments);

/* Bytes of all segment files, and their number. */
int store_size(struct store *store, uint64_t *bytes_out, uint32_t *count_out, struct err *err);

/* Everything that can be checked without a catalogue: each frame and checksum, each tar
 * header, blob sums, the sums of the logs and their chain, seek tables. (What the lines of a log
 * say is not looked at: store_replay reads them.) fault() is told of each thing that is wrong and
 * lets it go on; progress() of bytes done. quick: frame headers and logs only.
 *
 * With frame() the caller does more with each frame, or does it elsewhere, and only structure
 * and logs are checked here: it is handed every frame that can be stepped over, in order; is_data:
 * one whose content nobody has looked at yet (archiver/store/scan.h), else a log, a mark, the seek
 * table. Any of them may be NULL. 0 when nothing was wrong, 1 when something was, -1 when it
 * could not be checked. */
enum store_fault {
	STORE_FAULT_FRAME, /* of the segment file: a frame, an entry, its end */
	STORE_FAULT_JOURNAL
};

struct frame_extent;

struct store_verify_calls {
	void (*fault)(
	    void *arg, enum store_fault kind, uint32_t segment, uint64_t at, const char *what);
	int (*progress)(void *arg, uint64_t bytes_done, uint64_t bytes_all, struct err *err);
	int (*frame)(void *arg, uint32_t segment, const struct frame_extent *frame, bool is_data,
	    struct err *err);
	void *arg;
};
int store_verify(
    struct store *store, bool quick, const struct store_verify_calls *calls, struct err *err);

#endif
