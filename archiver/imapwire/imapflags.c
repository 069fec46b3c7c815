/* Owns:  nothing.
 * Knows: which flags are the system's, and what may go into a flag list of a command.
 * Never: drops a system flag for lack of room; lets a name through that could end a command.
 * Spec:  RFC 9051 sections 2.3.2 and 9 (flag). */
#include "archiver/imapwire/imapflags.h"

#include <string.h>

#define FLAGS_MAX (IMAPFLAGS_MAX_BYTES / 2)

static const char *const system_flags[] = {
    "\\Answered", "\\Deleted", "\\Draft", "\\Flagged", "\\Seen"};

static bool is_between(char c)
{
	return (unsigned char)c <= ' ' || c == 0x7f || c == '(' || c == ')' || c == '"';
}

/* The next name. Quotes and parentheses stand between names, so that a flag which a server
 * puts in quotes ("\\Flagged", with the backslash doubled) is read as the flag that it is. */
static bool next_flag(struct bytes *list, struct bytes *out)
{
	size_t i = 0, start;

	while (i < list->n && is_between(list->p[i]))
		i++;
	start = i;
	while (i < list->n && !is_between(list->p[i]))
		i++;
	*out = (struct bytes){list->p + start, i - start};
	if (out->n == 0)
		return false;
	*list = bytes_from(*list, i);
	while (out->n > 1 && out->p[0] == '\\' && out->p[1] == '\\')
		*out = bytes_from(*out, 1);
	return true;
}

/* The form of RFC 9051; false when it is a keyword. */
static bool system_flag(struct bytes name, struct bytes *out)
{
	size_t i;

	for (i = 0; i < sizeof system_flags / sizeof *system_flags; i++)
		if (bytes_is_nocase(name, system_flags[i])) {
			*out = bytes_of(system_flags[i]);
			return true;
		}
	return false;
}

/* Names that are no flag of a message. */
static bool is_no_flag(struct bytes name)
{
	return bytes_is_nocase(name, "\\Recent") || bytes_is(name, "\\*") || bytes_is(name, "\\") ||
	    bytes_is_nocase(name, "NIL");
}

struct names {
	struct bytes name[FLAGS_MAX];
	size_t count, bytes;
};

static void keep(struct names *names, struct bytes name)
{
	size_t at = names->count;

	if (names->count == FLAGS_MAX || names->bytes + name.n + 1 > IMAPFLAGS_MAX_BYTES + 1)
		return;
	while (at > 0) {
		int order = bytes_compare(names->name[at - 1], name);

		if (order == 0)
			return;
		if (order < 0)
			break;
		at--;
	}
	memmove(names->name + at + 1, names->name + at, (names->count - at) * sizeof name);
	names->name[at] = name;
	names->count++;
	names->bytes += name.n + 1;
}

void imapflags_normalise(struct buf *out, struct bytes list)
{
	struct bytes rest, name, known;
	struct names names;
	size_t i;

	names.count = names.bytes = 0;
	for (rest = list; next_flag(&rest, &name);)
		if (system_flag(name, &known))
			keep(&names, known);
	for (rest = list; next_flag(&rest, &name);)
		if (!system_flag(name, &known) && !is_no_flag(name))
			keep(&names, name);
	for (i = 0; i < names.count; i++) {
		if (i > 0)
			buf_char(out, ' ');
		buf_bytes(out, names.name[i]);
	}
}

bool imapflags_has(struct bytes flags, const char *name)
{
	struct bytes one;

	while (next_flag(&flags, &one))
		if (bytes_is(one, name))
			return true;
	return false;
}

static bool is_named(struct bytes list, struct bytes name)
{
	struct bytes one;

	while (next_flag(&list, &one))
		if (bytes_equal_nocase(one, name))
			return true;
	return false;
}

static bool is_atom(struct bytes name)
{
	size_t i;

	for (i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] > 0x7e || strchr("{%*\\]", name.p[i]))
			return false;
	return true;
}

static bool is_permitted(struct bytes name, struct bytes permanent, bool any_keyword)
{
	if (is_no_flag(name) || memchr(name.p, '{', name.n))
		return false;
	return is_named(permanent, name) || (any_keyword && is_atom(name));
}

bool imapflags_lists(struct bytes list, const char *name)
{
	while (list.n > 0) {
		size_t n = 0;

		while (n < list.n && list.p[n] != ' ')
			n++;
		if (bytes_is_nocase((struct bytes){list.p, n}, name))
			return true;
		list = bytes_from(list, n + 1);
	}
	return false;
}

void imapflags_permitted(struct buf *out, struct bytes flags, struct bytes permanent)
{
	bool any_keyword = is_named(permanent, BYTES("\\*"));
	struct bytes name;
	bool more = false;

	while (next_flag(&flags, &name)) {
		if (!is_permitted(name, permanent, any_keyword))
			continue;
		if (more)
			buf_char(out, ' ');
		buf_bytes(out, name);
		more = true;
	}
}
