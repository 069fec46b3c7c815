/* Shared by the files of the store only. */
#ifndef ARCHIVER_STORE_STORE_PRIVATE_H
#define ARCHIVER_STORE_STORE_PRIVATE_H

#include "archiver/store/frame.h"
#include "archiver/store/segment.h"
#include "archiver/store/store.h"
#include "archiver/store/tarhead.h"

/* Entries that wait for their frame to be full: one for mails, one for blobs. */
struct store_pending {
	struct buf content; /* tar headers, contents, fillings */
	struct buf lines;   /* the entries' events */
	uint64_t entries;
};

/* Reading: the last segment and the last small frame stay at hand, for mails and for blobs,
 * since a message needs both in turn. */
struct store_reader {
	struct segment segment;
	uint64_t cached_at; /* of the frame whose content is in cache; UINT64_MAX: none */
	struct buf cache;
};

struct store {
	char *folder;
	struct store_options options;
	struct frame_packer *packer;
	struct frame_unpacker *unpacker;

	/* Writing. */
	bool is_replayed;
	bool is_broken; /* a write failed: abort must come first */
	struct segment writing;
	bool is_new; /* its name is not on the disk yet */
	uint64_t at; /* where the next frame goes */
	struct batch_position end;
	struct store_pending mails, blobs;
	struct buf log; /* of the open batch; of the last one until the next put */
	bool is_log_done;
	struct event_frame *frame;
	size_t frame_count, frame_room;
	uint64_t entries, events, open_bytes;
	bool is_full; /* damage keeps the segment from being sealed: the next one is begun */
	uint64_t damaged_bytes, torn_bytes;
	struct batch_position trusted; /* of this only what is not 0 is known */
	struct store_gap *gap;
	size_t gap_count, gap_room;

	struct store_reader mail_reader, blob_reader;
};

/* The zeros behind an entry's content. */
struct bytes store_filling(uint64_t content_bytes);

/* The names of entries in the tar. */
void store_entry_name(const struct store_entry *entry, char out[TARHEAD_NAME_BYTES]);
/* Kind and id of an entry by its name: mail/SHA256.eml, blob/SHA256. */
bool store_parse_name(const char *name, struct store_entry *out);
void store_log_name(uint64_t batch, char out[TARHEAD_NAME_BYTES]);

/* The last segment, open for writing, with the last batch of all: it becomes where writing goes on,
 * unless it is sealed there. What stands behind the batch is cut. */
int store_take_over(struct store *store, struct segment *segment, const struct batch_position *last,
    struct err *err);

void store_seal_if_due(struct store *store);
/* ERR_SPACE when that many bytes more would leave less than the free floor. */
int store_check_room(const struct store *store, uint64_t bytes, struct err *err);

/* store_read, and the time in the entry's tar header. */
int store_read_with_mtime(struct store *store, struct segment_id segment,
    const struct batch_place *place, const struct store_entry *entry, int64_t *mtime_out,
    spool_fn fn, void *arg, struct err *err);

/* Every file that is a segment's, by number and generation. ERR_ABSENT without a folder. */
int store_segment_files(const struct store *store, struct store_segments *out, struct err *err);
/* Which file of a segment counts. ERR_ABSENT. */
int store_find_segment(
    const struct store *store, uint32_t number, struct segment_id *out, struct err *err);

/* What can be known of entries without their log: those between two offsets of a segment
 * (FORMAT.md, "Lost batches"). Appended to list. */
struct store_salvage {
	struct batch_salvaged *item;
	size_t count, room;
};
int store_salvage(struct store *store, const struct segment *segment, uint64_t from, uint64_t to,
    struct store_salvage *list, struct err *err);

/* The content of a log frame appended to out, its logs not checked yet. */
int store_read_logs(struct store *store, const struct segment *segment,
    const struct segment_log *log, struct buf *out, struct err *err);
/* store_each_log for a file that is open. */
int store_each_log_in(struct store *store, const struct segment *segment,
    int (*fn)(void *arg, struct bytes log, const struct batch_position *end, struct err *err),
    void *arg, struct err *err);
/* The next log in the content of a log frame, which must be that of this batch: 1; 0 when there
 * is none; ERR_DAMAGED. */
int store_next_log(
    struct bytes content, size_t *at, uint64_t batch, struct bytes *log_out, struct err *err);

#endif
