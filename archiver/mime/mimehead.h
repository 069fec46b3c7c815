/* The header of a message: what lists and rules need, without the rest of it.
 *
 * Values are raw: unfolded, but not decoded, cut at MIMEHEAD_VALUE_BYTES. Broken mail is the
 * normal case: nothing here fails, what is not there is empty. */
#ifndef ARCHIVER_MIME_MIMEHEAD_H
#define ARCHIVER_MIME_MIMEHEAD_H

#include "base/buf.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define MIMEHEAD_VALUE_BYTES 4096

struct mimehead {
	struct buf message_id; /* without < >, of the first Message-ID field */
	struct buf from, to, cc, subject, list_id;
	struct buf in_reply_to, references; /* as written */
	bool has_date, has_received;
	int64_t date_unix;     /* Date field */
	int64_t received_unix; /* date of the topmost Received field */
};

void mimehead_init(struct mimehead *head);
void mimehead_release(struct mimehead *head);

/* header: the first bytes of a message; read up to its empty line, or to the end. The first
 * field of each name counts. What was in head before is forgotten. */
void mimehead_parse(struct mimehead *head, struct bytes header);

/* Append the text of a raw value for people: RFC 2047 words decoded, other charsets guessed,
 * always valid UTF-8, control characters as blanks. */
void mimehead_decode(struct buf *out, struct bytes raw);

/* Append the first mailbox of a raw From or To: its name, or its address when it has none;
 * decoded. */
void mimehead_first_name(struct buf *out, struct bytes raw);

#endif
