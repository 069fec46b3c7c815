/* Walking the parts of a message.
 *
 *   struct mimewalk_visitor v = {.part = part, .data = data, .arg = &mine};
 *   mimewalk(&source, &limits, &v, &err)
 *
 * For every leaf part, in order, depth first, part() is told what it is and answers what it
 * wants: nothing, its decoded bytes, or (text parts) its text as UTF-8, which then come to
 * data() in pieces. The parts of an enclosed message/rfc822 are walked as well; its Subject and
 * From come first to header(), and before them the message as a whole to message(). Every limit
 * that is met cuts the walk short politely and sets truncated; only a visitor that returns -1, or a
 * source that cannot be read, is an error. */
#ifndef ARCHIVER_MIME_MIMEWALK_H
#define ARCHIVER_MIME_MIMEWALK_H

#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct mimewalk_source {
	struct bytes memory; /* the whole message; or, when fd >= 0, */
	int fd;              /* a file that holds it from offset 0; borrowed, its position stays */
};

struct mimewalk_limits {
	unsigned depth;       /* of nested parts, at most 250; 0 means the default 50 */
	unsigned parts;       /* default 10,000 */
	uint64_t text_bytes;  /* of UTF-8 text of one part; default 4 MiB */
	uint64_t total_bytes; /* given to data() in all; default no limit */
};

enum mimewalk_want { MIMEWALK_NOTHING, MIMEWALK_BYTES, MIMEWALK_TEXT };

enum mimewalk_field { MIMEWALK_SUBJECT, MIMEWALK_FROM, MIMEWALK_TO, MIMEWALK_CC, MIMEWALK_LIST };

struct mimewalk_part {
	unsigned number;      /* leaf parts, and what message() was told, from 1, in order */
	unsigned depth;       /* 0: the message itself is the part */
	const char *type;     /* "text/plain", lower case */
	struct bytes name;    /* file name as UTF-8, without any folder or control character, at
				 most 255 bytes; empty when there is none */
	bool is_attachment;   /* disposition attachment, or it has a name, or it is no text,
				 multipart or enclosed message */
	bool is_shown;        /* text that a reader shows with the message: that is no attachment,
			       * or one that says inline; and the fields of a delivery report */
	bool is_inline_image; /* shown inside the HTML by its Content-ID */
};

struct mimewalk_visitor {
	void *arg;
	/* A header field of the message (enclosed false) or of an enclosed one, as UTF-8. May be
	 * NULL. */
	int (*header)(void *arg, enum mimewalk_field field, struct bytes text, bool enclosed,
	    struct err *err);
	/* Sets *want (MIMEWALK_NOTHING when left alone). */
	int (*part)(
	    void *arg, const struct mimewalk_part *part, enum mimewalk_want *want, struct err *err);
	/* An enclosed message. May be NULL. When its bytes are wanted they come to data() and
	 * end(); its parts are walked in any case. */
	int (*message)(
	    void *arg, const struct mimewalk_part *part, enum mimewalk_want *want, struct err *err);
	int (*data)(void *arg, struct bytes piece, struct err *err); /* may be NULL */
	/* After the last piece of a wanted part. May be NULL. */
	int (*end)(void *arg, struct err *err);
	bool truncated; /* set by mimewalk */
};

int mimewalk(const struct mimewalk_source *source, const struct mimewalk_limits *limits,
    struct mimewalk_visitor *visitor, struct err *err);

#endif
