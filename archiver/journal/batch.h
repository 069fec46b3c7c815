/* The log of one batch: event lines, then the frames line, then the commit line.
 *
 *   mail, blob, placed ... lines     what happened; the commit's "log" is the SHA-256 of their
 *                                    SHA-256s
 *   {"e":"frames","at":[...]}        where the entries stand: the only physical line, rewritten
 *                                    when a segment is compacted, so outside of the sum
 *   {"e":"commit",...}               "prev" is the SHA-256 of the previous batch's commit line,
 *                                    without its LF: a chain
 *
 * Entry events (mail, blob) stand in the order of the runs of entries that the frames line
 * names; with the sizes in them every entry's place follows by counting (batch_next).
 *
 * A compacted segment may have dropped entries: of messages that are expired, and copies that
 * were stored again. Of an expired message's event only a "redacted" one is left, which carries
 * the sum of the line that stood there: so the sums, and the chain, hold all the same. */
#ifndef ARCHIVER_JOURNAL_BATCH_H
#define ARCHIVER_JOURNAL_BATCH_H

#include "archiver/journal/journal.h"

#include "base/buf.h"

#include <stdbool.h>

#define BATCH_ENTRY_ALIGN 512 /* of tar: a header of 512 bytes, content filled up to 512 */

/* Where an entry stands in its segment. */
struct batch_place {
	uint64_t frame_at; /* offset of its frame in the file; BATCH_NOWHERE: dropped */
	uint64_t entry_at; /* offset of its tar header in the frame's content */
};

#define BATCH_NOWHERE UINT64_MAX

/* A segment file: its number, and how often compact has written it anew. */
struct segment_id {
	uint32_t number;
	uint32_t generation;
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

/* The same log for entries that stand elsewhere now: its events (those of mails that are
 * redact()ed as such), the new frames line, the old commit line. Appended to out, which overflows
 * when it does not fit. ERR_DAMAGED. */
int batch_rewrite(struct buf *out, struct bytes log, const struct event *frames,
    bool (*redact)(void *arg, const struct event *mail), void *arg, struct err *err);

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
/* The same for a log whose sum was checked already: it is not summed again. */
int batch_begin_checked(struct batch_reader *reader, struct bytes log, struct err *err);

/* The next event: 1; 0 at the end; -1. For mail, blob and redacted place_out says where. The
 * caller releases the event. */
int batch_next(struct batch_reader *reader, struct event *event, struct batch_place *place_out,
    struct err *err);
void batch_end(struct batch_reader *reader);

bool batch_is_entry(enum event_kind kind);          /* mail, blob, redacted */
uint64_t batch_entry_bytes(uint64_t content_bytes); /* with header and filling */

#endif
