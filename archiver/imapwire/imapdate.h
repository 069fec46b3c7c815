/* INTERNALDATE: " 7-Feb-1994 22:43:04 -0800" (RFC 9051 date-time), without the quotes. */
#ifndef ARCHIVER_IMAPWIRE_IMAPDATE_H
#define ARCHIVER_IMAPWIRE_IMAPDATE_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define IMAPDATE_BYTES 27 /* with the NUL */

/* True and the moment; the day may have one digit or be padded, month names in any case, a
 * zone may be missing (UTC then). Years 1900..9999. */
bool imapdate_parse(struct bytes text, int64_t *time_unix_out);

/* Always in "+0000"; moments outside of 1900..9999 are set to the nearer end. */
void imapdate_format(int64_t time_unix, char out[IMAPDATE_BYTES]);

#endif
