/* A segment file that is written anew: the entries that are kept, in frames that several batches
 * may share, and the logs of those batches behind them in one frame.
 *
 *   rewrite_open(&rewrite, store, path, id, best, &err)
 *   for each batch: rewrite_begin(log)
 *                   rewrite_keep(entry, ...) or rewrite_drop(), for each entry, in order
 *                   rewrite_end()
 *   rewrite_finish()                     sealed, and on the disk
 *   rewrite_release() */
#ifndef ARCHIVER_STORE_STORE_REWRITE_H
#define ARCHIVER_STORE_STORE_REWRITE_H

#include "archiver/store/store_private.h"

/* Entries of one kind that wait for their frame to be full. */
struct rewrite_pending {
	struct buf content;
	size_t frame; /* its index in the group, once it has an entry */
};

struct rewrite_batch {
	struct buf log; /* as it was */
	int64_t time_unix;
	uint64_t number;
	struct event_frame *run; /* until the group is written at is the index of a frame */
	size_t run_count, run_room;
};

struct rewrite {
	struct store *store;
	struct segment out;
	struct frame_packer *packer;
	uint64_t level; /* as the frames lines tell it */
	size_t frame_bytes;
	uint64_t at; /* where the next frame goes */

	/* The batches that will share a log frame. */
	struct rewrite_pending mails, blobs;
	uint64_t *frame_at;
	size_t frame_count, frame_room;
	struct rewrite_batch *batch;
	size_t batch_count, batch_room;
	uint64_t log_bytes, content_bytes;

	/* Is what a mail event said to be forgotten. */
	int (*is_expired)(void *arg, const struct sha256 *id, struct err *err);
	void *arg;
	uint64_t redacted;
};

int rewrite_open(struct rewrite *rewrite, struct store *store, const char *path,
    struct segment_id id, bool best, struct err *err);
void rewrite_release(struct rewrite *rewrite); /* the file stays */

void rewrite_begin(struct rewrite *rewrite, uint64_t batch, int64_t time_unix, struct bytes log);
int rewrite_keep(struct rewrite *rewrite, const struct store_entry *entry, int64_t mtime_unix,
    struct spool *content, struct err *err);
void rewrite_drop(struct rewrite *rewrite);
int rewrite_end(struct rewrite *rewrite, struct err *err);
int rewrite_finish(struct rewrite *rewrite, struct err *err);

#endif
