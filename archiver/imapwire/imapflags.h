/* The flags of one message in the archive's one form: names with a space between, sorted by
 * bytes, each once, without \Recent (which is about the session, not the message):
 * "$label1 \Flagged \Seen". System flags are written as in RFC 9051 whatever the server's
 * case; keywords keep theirs. */
#ifndef ARCHIVER_IMAPWIRE_IMAPFLAGS_H
#define ARCHIVER_IMAPWIRE_IMAPFLAGS_H

#include "base/buf.h"
#include "base/bytes.h"

#include <stdbool.h>

#define IMAPFLAGS_MAX_BYTES 4096 /* of one message; what a server says beyond is dropped */

/* Append the archive's form of the inside of a parenthesised list, in any order. */
void imapflags_normalise(struct buf *out, struct bytes list);

bool imapflags_has(struct bytes flags, const char *name); /* of a normalised list */
/* The same of a list as a server wrote it, of flags or of a folder's attributes: in any case. */
bool imapflags_lists(struct bytes list, const char *name);

/* Append those of flags that permanent (the inside of PERMANENTFLAGS) takes: names in it, and
 * any keyword when it has \*. Both may be in any order. */
void imapflags_permitted(struct buf *out, struct bytes flags, struct bytes permanent);

#endif
