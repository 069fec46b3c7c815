/* What a server says it is: the list of an ID response (RFC 2971 section 3.2), which is pairs of
 * strings, or NIL. */
#ifndef ARCHIVER_IMAPWIRE_SERVERID_H
#define ARCHIVER_IMAPWIRE_SERVERID_H

#include "base/buf.h"
#include "base/bytes.h"

#include <stdbool.h>

/* Append the value of a field ("name", "version", any case) to out. False, and nothing added,
 * when it is not there, or NIL, or stands behind something that cannot be read. */
bool serverid_field(struct bytes list, const char *field, struct buf *out);

#endif
