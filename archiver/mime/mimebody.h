/* The body of one part, decoded piece by piece: its transfer encoding (RFC 2045 section 6)
 * taken off and, when its text is wanted, its charset turned into UTF-8.
 *
 *   struct mimebody *body = mimebody_new(&part, true);
 *   mimebody_add(body, piece, &out) ...          appends what came out of it
 *   mimebody_end(body, &out);
 *   mimebody_free(body);
 *
 * Broken encodings give what can be read. HTML without a charset in its header may name one in
 * itself. */
#ifndef ARCHIVER_MIME_MIMEBODY_H
#define ARCHIVER_MIME_MIMEBODY_H

#include "archiver/mime/mimepart.h"
#include "base/buf.h"
#include "base/bytes.h"

#include <stdbool.h>

struct mimebody;

struct mimebody *mimebody_new(const struct mimepart *part, bool as_text); /* part is borrowed */
void mimebody_free(struct mimebody *body);
void mimebody_add(struct mimebody *body, struct bytes piece, struct buf *out);
void mimebody_end(struct mimebody *body, struct buf *out);

#endif
