/* A message as a stream: read once from front to back in a window of fixed size, so that
 * memory does not grow with the message, and cut at the boundary lines of its multiparts
 * (RFC 2046 section 5.1).
 *
 *   mimefeed_init(&feed, &source);
 *   while ((got = mimefeed_line(&feed, &line, &err)) > 0)     the header, line by line
 *   mimefeed_push(&feed, "boundary");                         inside a multipart
 *   while ((got = mimefeed_body(&feed, &piece, &err)) > 0)    what stands before the next one
 *   ... feed.stop                                             which boundary that was
 *   mimefeed_pop(&feed);
 *   mimefeed_release(&feed);
 *
 * Views are good until the next call. A boundary line is stepped over, and the line break in
 * front of it is no part of any piece. */
#ifndef ARCHIVER_MIME_MIMEFEED_H
#define ARCHIVER_MIME_MIMEFEED_H

#include "archiver/mime/mimewalk.h"
#include "base/buf.h"

#define MIMEFEED_DEPTH_MAX          250
#define MIMEFEED_BOUNDARY_BYTES_MAX 1000 /* RFC 2046 allows 70 */

struct mimefeed {
	struct mimewalk_source source;
	struct buf window;     /* unused for a source in memory */
	struct bytes ahead;    /* what was read and not given out */
	uint64_t ahead_offset; /* where that begins in the message */
	bool is_end;           /* nothing stands behind ahead */
	bool at_line_start;
	struct bytes boundaries[MIMEFEED_DEPTH_MAX];
	int depth;
	int stop;          /* the boundary that was met, counted from the outside; -1: the end */
	bool stop_is_last; /* it ends its multipart */
};

void mimefeed_init(struct mimefeed *feed, const struct mimewalk_source *source);
void mimefeed_release(struct mimefeed *feed);

/* False when it is no boundary: empty or too long; or too many are open. */
bool mimefeed_push(struct mimefeed *feed, const char *boundary);
void mimefeed_pop(struct mimefeed *feed);

/* The next line with its line end, in pieces when it is long; *is_start says whether the piece
 * begins one. 1; 0 at a boundary line or the end; -1 when the source cannot be read. */
int mimefeed_line(struct mimefeed *feed, struct bytes *piece, bool *is_start, struct err *err);

/* The next piece of a body: 1, 0, -1 as above. */
int mimefeed_body(struct mimefeed *feed, struct bytes *piece, struct err *err);

/* Where the next byte stands, and going back there. */
uint64_t mimefeed_tell(const struct mimefeed *feed);
void mimefeed_seek(struct mimefeed *feed, uint64_t offset); /* to the start of a line */

#endif
