/* What the header of one part says about its body (RFC 2045, 2183, 2231), with everything that
 * is missing or broken replaced by the best guess. */
#ifndef ARCHIVER_MIME_MIMEPART_H
#define ARCHIVER_MIME_MIMEPART_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

enum mimepart_encoding {
	MIMEPART_IDENTITY, /* 7bit, 8bit, binary, unknown ones */
	MIMEPART_BASE64,
	MIMEPART_QUOTED_PRINTABLE,
	MIMEPART_UUENCODE
};

struct mimepart {
	char *type;     /* "text/plain", lower case */
	char *boundary; /* NULL: none */
	char *charset;  /* NULL: none */
	char *name;     /* UTF-8, fit to be the name of a file; NULL: none */
	enum mimepart_encoding encoding;
	bool is_attachment; /* Content-Disposition says so */
	bool is_inline;     /* Content-Disposition is there and says no such thing */
	bool has_content_id;
	bool has_fields;   /* false: that was no header */
	size_t body_start; /* what of the header's bytes was read */
};

/* in_digest: a child of multipart/digest is a message when it does not say what it is. */
void mimepart_read(struct mimepart *part, struct bytes header, bool in_digest);
void mimepart_release(struct mimepart *part);

bool mimepart_is_multipart(const struct mimepart *part);
bool mimepart_is_message(const struct mimepart *part); /* an enclosed one */
bool mimepart_is_text(const struct mimepart *part);
bool mimepart_is_report(const struct mimepart *part); /* of delivery and the like: fields */

#endif
