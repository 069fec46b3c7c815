/* Writing the arguments of IMAP commands (RFC 9051 section 9) into a buffer.
 *
 * Nothing that comes from outside can end a command or begin another one: a string with CR, LF
 * or NUL is refused, and whatever cannot be an atom is quoted. A literal is for what cannot
 * stand on a line, which is the text of a message; the caller waits for the server's "+"
 * before it sends that, unless the server takes non-synchronising ones. */
#ifndef ARCHIVER_IMAPWIRE_IMAPCOMMAND_H
#define ARCHIVER_IMAPWIRE_IMAPCOMMAND_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Append a mailbox name or other astring: as an atom where that is possible, else quoted with
 * \ before " and \. Bytes above 0x7f stand inside the quotes as they are: they only come from
 * servers that sent the name so. ERR_LIMIT beyond 1000 bytes, ERR_PROTOCOL for CR, LF or NUL. */
int imapcommand_astring(struct buf *out, struct bytes text, struct err *err);

/* Append "{n}" or, when non_synchronising, "{n+}", and CRLF. */
void imapcommand_literal(struct buf *out, uint64_t bytes, bool non_synchronising);

#endif
