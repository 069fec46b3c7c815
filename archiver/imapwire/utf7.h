/* Mailbox names: modified UTF-7 (RFC 9051 appendix A.1, RFC 3501 section 5.1.3).
 *
 * The name as the server wrote it is the key and goes back byte for byte; the decoded form is
 * for people. Servers hold names that are not valid modified UTF-7: those are shown as they
 * are, so decoding never fails. */
#ifndef ARCHIVER_IMAPWIRE_UTF7_H
#define ARCHIVER_IMAPWIRE_UTF7_H

#include "base/buf.h"
#include "base/bytes.h"

#include <stdbool.h>

/* Append the UTF-8 form. True when name is valid modified UTF-7 in its one canonical form;
 * false when it is not: then the bytes themselves are appended, those that are no UTF-8 as
 * U+FFFD. */
bool utf7_decode(struct buf *out, struct bytes name);

/* Append the modified UTF-7 form of UTF-8 text; what is not UTF-8 becomes U+FFFD. */
void utf7_encode(struct buf *out, struct bytes text);

#endif
