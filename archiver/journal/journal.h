/* The events of the archive log, as structs and as lines of JSON (archiver/store/FORMAT.md,
 * "The journal"). Pure: no files.
 *
 * Every fact in the archive is an event. Which fields an event has stands in one table
 * (journal.c), from which lines are written and read; a field that the kind does not have is
 * not written and is empty after reading.
 *
 *   struct event e = {.kind = EVENT_PLACED, .account = ..., ...};
 *   event_format(&out, &e);                        one line with its LF
 *   event_parse(&e, line, &err); ... event_release(&e);
 *
 * Text fields are exact bytes. After event_parse they live until event_release, and as long as
 * the line: those without escapes are views of it. */
#ifndef ARCHIVER_JOURNAL_JOURNAL_H
#define ARCHIVER_JOURNAL_JOURNAL_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/digest.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define JOURNAL_LINE_BYTES (16u << 20)

/* A message is its bytes: SHA-256 of exactly what the server sent. */
struct msg_id {
	struct sha256 sum;
};

enum event_kind {
	EVENT_BLOB,     /* an entry: an attachment's decoded bytes */
	EVENT_MAIL,     /* an entry: a message, with what lists and rules need of it */
	EVENT_PLACED,   /* a message was seen at a place: account, folder, uidvalidity, uid */
	EVENT_FLAGS,    /* the flags of a place are now these */
	EVENT_GONE,     /* places that the server no longer shows */
	EVENT_RETIRED,  /* a folder's UIDVALIDITY changed: its old places mean nothing now */
	EVENT_FOLDER,   /* a folder was seen, or is gone */
	EVENT_CURSOR,   /* a folder is archived up to here */
	EVENT_SKIPPED,  /* a message that could not be archived, and why; empty reason: it could */
	EVENT_SYNCED,   /* a sync of an account ended */
	EVENT_AUDIT,    /* what a folder had on the server and in the archive */
	EVENT_HOLD,     /* a message may not be purged or expired; or may again */
	EVENT_DAMAGED,  /* the stored copy of a message could not be proven */
	EVENT_EXPIRED,  /* a rule took a message out of the archive: its bytes may go */
	EVENT_REDACTED, /* what is left of the mail event of a message that is expired */
	EVENT_RUN,      /* a purge or restore began or ended */
	EVENT_PURGE,    /* one message of a purge: intent, then its outcome */
	EVENT_RESTORED, /* a message was put into an account */
	EVENT_FRAMES,   /* where the entries of the batch stand in its segment */
	EVENT_COMMIT,   /* the batch is complete */
	EVENT_KINDS
};

/* A run of base64 that was cut out of a message (FORMAT.md, "Detaching"). */
struct event_part {
	struct sha256 blob;
	uint64_t at;         /* offset in the whole message */
	uint64_t blob_bytes; /* decoded */
	uint32_t line_chars; /* characters in each line but the last */
	bool crlf;           /* lines end in CRLF, else in LF */
};

/* Where a run of a batch's entries stands: behind each other in one frame. */
struct event_frame {
	uint64_t at; /* offset of the frame in the segment file */
	uint64_t entries;
	uint64_t start;  /* of the first entry, in the frame's content */
	bool is_dropped; /* they stand nowhere any more; at and start are 0 */
};

struct event {
	enum event_kind kind;
	struct sha256 id; /* of the mail or blob */
	struct bytes account, folder;
	uint64_t uidvalidity, uid;
	struct bytes flags;  /* normalised (archiver/imapwire/imapflags.h) */
	int64_t date_unix;   /* INTERNALDATE */
	uint64_t size_bytes; /* of the message or blob as a whole */

	/* EVENT_MAIL */
	uint64_t stored_bytes;                          /* without the detached runs */
	struct bytes message_id, from, to, cc, subject; /* raw */
	bool has_sent;
	int64_t sent_unix; /* Date field */
	struct event_part *part;
	size_t part_count;

	struct bytes uids;      /* EVENT_GONE: a sequence set */
	struct bytes shown;     /* EVENT_FOLDER: the name as UTF-8 */
	struct bytes delimiter; /* EVENT_FOLDER: one character or none */
	struct bytes attributes;
	struct bytes
	    state; /* FOLDER: seen, gone. RUN: begun, ended. PURGE: intent, confirmed, kept */
	uint64_t uidnext, modseq, messages;     /* EVENT_CURSOR, EVENT_AUDIT, EVENT_SYNCED */
	uint64_t archived, exceptions, missing; /* EVENT_AUDIT */
	struct bytes
	    reason; /* SKIPPED, HOLD, DAMAGED, EXPIRED, PURGE, RUN, SYNCED: words for people */
	bool held;  /* EVENT_HOLD */
	struct bytes run, rule, type; /* RUN and PURGE; type: purge, restore */

	struct sha256 line; /* EVENT_REDACTED: the SHA-256 of the line that it stands for */

	struct event_frame *frame; /* EVENT_FRAMES */
	size_t frame_count;
	uint64_t level; /* EVENT_FRAMES: of zstd, where it is not that of a sync; 0 */

	/* EVENT_COMMIT */
	uint64_t batch, entries, events;
	int64_t time_unix;
	struct sha256 log, previous;

	void *owner; /* texts that event_parse made */
};

const char *event_name(enum event_kind kind);

/* Append the line with its LF. Sets out's overflow when it does not fit, or when a number is
 * beyond 2^63 - 1: what is then in out must not be stored. */
void event_format(struct buf *out, const struct event *event);

/* line without its LF. ERR_DAMAGED when it is no event; ERR_VERSION for a kind that we do not
 * know, so that nothing is silently passed over. */
int event_parse(struct event *event, struct bytes line, struct err *err);
void event_release(struct event *event);

#endif
