/* Owns:  nothing.
 * Knows: which bytes an atom and a quoted string may hold.
 * Never: writes CR, LF or NUL that came from outside.
 * Spec:  RFC 9051 section 9 (astring, quoted, literal), RFC 7888. */
#include "archiver/imapwire/imapcommand.h"

#include <inttypes.h>
#include <string.h>

#define ASTRING_MAX_BYTES 1000

static bool is_atom_char(char c)
{
	return c > ' ' && c < 0x7f && !strchr("(){%*\"\\]", c);
}

/* NIL is quoted: some servers take the bare word for "no name". */
static bool is_atom(struct bytes text)
{
	size_t i;

	for (i = 0; i < text.n; i++)
		if (!is_atom_char(text.p[i]))
			return false;
	return text.n > 0 && !bytes_is_nocase(text, "NIL");
}

static bool ends_a_line(struct bytes text)
{
	return text.n > 0 &&
	    (memchr(text.p, '\r', text.n) || memchr(text.p, '\n', text.n) ||
		memchr(text.p, '\0', text.n));
}

int imapcommand_astring(struct buf *out, struct bytes text, struct err *err)
{
	size_t i;

	if (text.n > ASTRING_MAX_BYTES)
		return err_set(
		    err, ERR_LIMIT, "a name of %zu bytes is longer than IMAP servers take", text.n);
	if (ends_a_line(text))
		return err_set(err, ERR_PROTOCOL, "a name with a line end or a NUL in it");
	if (is_atom(text)) {
		buf_bytes(out, text);
		return 0;
	}
	buf_char(out, '"');
	for (i = 0; i < text.n; i++) {
		if (text.p[i] == '"' || text.p[i] == '\\')
			buf_char(out, '\\');
		buf_char(out, text.p[i]);
	}
	buf_char(out, '"');
	return 0;
}

void imapcommand_literal(struct buf *out, uint64_t bytes, bool non_synchronising)
{
	buf_format(out, "{%" PRIu64 "%s}\r\n", bytes, non_synchronising ? "+" : "");
}
