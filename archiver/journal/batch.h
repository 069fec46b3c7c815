/* The log of one batch: event lines, then the frames line, then the commit line.
 *
 *   mail, blob, placed ... lines     what happened; the commit's "log" is their SHA-256
 *   {"e":"frames","at":[...]}        where the entries stand: the only physical line, rewritten
 *                                    when a segment is compacted, so outside of the sum
 *   {"e":"commit",...}               "prev" is the SHA-256 of the previous batch's commit line,
 *                                    without its LF: a chain
 *
 * Entry events (mail, blob) stand in the order of their entries in the segment; with the sizes
 * in them and the frames line every entry's place follows by counting (batch_next). */
#ifndef ARCHIVER_JOURNAL_BATCH_H
#define ARCHIVER_JOURNAL_BATCH_H

#include "archiver/journal/journal.h"

#include "base/buf.h"

#define BATCH_ENTRY_ALIGN 512 /* of tar: a header of 512 bytes, content filled up to 512 */

/* Where an entry stands in its segment. */
struct batch_place {
	uint64_t frame_at; /* offset of its frame in the file */
	uint64_t entry_at; /* offset of its tar header in the frame's content */
};

/* Behind a committed batch. All zero: before the first. */
struct batch_position {
	uint32_t segment;
	uint64_t at; /* offset in the segment file */
	uint64_t batch;
	struct sha256 sum; /* of its commit line */
	uint64_t lost;     /* batches up to here of which no log could be read */
};

/* An entry whose log is lost, but which is what its name says. */
struct batch_salvaged {
	enum event_kind kind; /* EVENT_MAIL (without detached runs) or EVENT_BLOB */
	struct sha256 id;
	uint64_t content_bytes;
	int64_t mtime_unix;
	uint32_t segment;
	struct batch_place place;
};

/* Close a log: append the frames and commit lines to lines, which so far holds events only.
 * sum_out is the SHA-256 of the commit line, for the next batch. */
void batch_close(struct buf *lines, const struct event *frames, uint64_t batch, int64_t time_unix,
    uint64_t entries, uint64_t events, const struct sha256 *previous, struct sha256 *sum_out);

struct batch_reader {
	struct bytes rest; /* event lines not read yet */
	struct event frames, commit;
	struct sha256 sum; /* of the commit line */
	size_t frame_index;
	uint64_t entry_index, entry_at;
	uint64_t events_read, entries_read;
};

/* Check a whole log (its end, its sum, not its chain) and stand before the first event.
 * ERR_DAMAGED when something does not fit. batch_end() is needed after success. */
int batch_begin(struct batch_reader *reader, struct bytes log, struct err *err);

/* The next event: 1; 0 at the end; -1. For mail and blob place_out says where. The caller
 * releases the event. */
int batch_next(struct batch_reader *reader, struct event *event, struct batch_place *place_out,
    struct err *err);
void batch_end(struct batch_reader *reader);

uint64_t batch_entry_bytes(uint64_t content_bytes); /* with header and filling */

#endif
