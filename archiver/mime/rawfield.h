/* The fields of a header as they stand on the wire (RFC 5322 section 2.2), read as mail
 * needs it and not as the RFC writes it.
 *
 *   struct rawfields fields;
 *   struct rawfield field;
 *   rawfields_start(&fields, header);
 *   while (rawfields_next(&fields, &field))
 *           if (bytes_is_nocase(field.name, "subject"))
 *                   rawfield_unfold(&out, field.value, 4096);
 *   fields.rest             what stands behind the empty line
 *
 * Lines end in LF or CRLF; when there is no LF at all, in CR. A byte order mark at the top, a
 * "From " line, lines without a colon and their continuations are stepped over. Blanks before
 * the colon are no part of the name. All views point into the header. */
#ifndef ARCHIVER_MIME_RAWFIELD_H
#define ARCHIVER_MIME_RAWFIELD_H

#include "base/buf.h"
#include "base/bytes.h"

#include <stdbool.h>

struct rawfield {
	struct bytes name;
	struct bytes value; /* behind the colon, still folded, without its last line end */
};

struct rawfields {
	struct bytes rest;
	char line_end;
	bool is_over;
};

void rawfields_start(struct rawfields *fields, struct bytes header);
bool rawfields_next(struct rawfields *fields, struct rawfield *out);

/* Splits one line at its colon; false when it begins no field. */
bool rawfield_split(struct bytes line, struct rawfield *out);

/* Append the value on one line, without blanks at its ends. At most max_bytes of it; a longer
 * one is cut, at a blank where one is near, so that an encoded word stays whole. True when
 * nothing was cut. */
bool rawfield_unfold(struct buf *out, struct bytes value, size_t max_bytes);

#endif
