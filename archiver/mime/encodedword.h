/* Encoded words (RFC 2047), put into a form that every decoder reads alike.
 *
 *   encodedword_join(&out, raw)      then GMime decodes out
 *
 * Words of one charset that stand side by side become a single one in base64: mailers pad each
 * of them, split a character between two, or mix B and Q, and GMime, which joins words too,
 * stops at the first padding. What is no encoded word stays as it is, to the byte; so do words
 * that cannot be read. */
#ifndef ARCHIVER_MIME_ENCODEDWORD_H
#define ARCHIVER_MIME_ENCODEDWORD_H

#include "base/buf.h"
#include "base/bytes.h"

void encodedword_join(struct buf *out, struct bytes raw); /* raw: unfolded; appended to out */

#endif
