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

#include <pthread.h>

#define REWRITE_JOBS_MAX 4 /* with best each takes 150 MiB */

/* A frame that is packed by a thread of its own: it takes seconds with best. */
struct rewrite_job {
	pthread_t thread;
	struct frame_packer *packer;
	struct buf content, packed;
	size_t frame;
	bool is_running;
	int result;
	struct err why;
};

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
	uint64_t level; /* as the frames lines tell it */
	size_t frame_bytes;
	uint64_t at; /* where the next frame goes */
	struct rewrite_job job[REWRITE_JOBS_MAX];
	unsigned jobs, next_job; /* which is the oldest, too: they are taken in turn */

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
