/* Owns:  nothing.
 * Knows: pairs of quoted strings, NIL among the values.
 * Never: believes in what stands behind something that it cannot read.
 * Spec:  RFC 2971 sections 3.2 and 4 */
#include "archiver/imapwire/serverid.h"

#define FIELD_BYTES 1024 /* RFC 2971 section 3.3: field 30, value 1024 */

static void skip_spaces(struct bytes *rest)
{
	while (rest->n > 0 && rest->p[0] == ' ')
		*rest = bytes_from(*rest, 1);
}

/* Take a quoted string off the front, unescaped into out. */
static bool take_quoted(struct bytes *rest, struct buf *out)
{
	size_t i;

	if (rest->n == 0 || rest->p[0] != '"')
		return false;
	for (i = 1; i < rest->n && rest->p[i] != '"'; i++) {
		if (rest->p[i] == '\\' && i + 1 < rest->n)
			i++;
		buf_char(out, rest->p[i]);
	}
	if (i >= rest->n || out->overflow)
		return false;
	*rest = bytes_from(*rest, i + 1);
	return true;
}

/* A value: a string, or NIL. */
static bool take_value(struct bytes *rest, struct buf *out, bool *is_nil)
{
	*is_nil = bytes_starts_nocase(*rest, "NIL");
	if (*is_nil) {
		*rest = bytes_from(*rest, 3);
		return true;
	}
	return take_quoted(rest, out);
}

bool serverid_field(struct bytes list, const char *field, struct buf *out)
{
	struct bytes rest = bytes_trim(list);
	struct buf name, value;
	bool found = false, is_nil = false;

	if (bytes_starts(rest, "("))
		rest = bytes_from(rest, 1);
	buf_init(&name, FIELD_BYTES);
	buf_init(&value, FIELD_BYTES);
	while (!found) {
		buf_clear(&name);
		buf_clear(&value);
		skip_spaces(&rest);
		if (!take_quoted(&rest, &name))
			break;
		skip_spaces(&rest);
		if (!take_value(&rest, &value, &is_nil))
			break;
		found = bytes_is_nocase(buf_view(&name), field);
	}
	if (found && !is_nil)
		buf_bytes(out, buf_view(&value));
	buf_release(&name);
	buf_release(&value);
	return found && !is_nil;
}
