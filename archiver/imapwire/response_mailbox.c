/* Owns:  nothing.
 * Knows: what is said about folders: LIST, STATUS, SEARCH, VANISHED, quotas.
 * Never: guesses a UIDVALIDITY or a set of UIDs.
 * Spec:  RFC 9051 section 7.3, RFC 5258, RFC 7162 sections 3.1.10 and 3.2.10, RFC 9208. */
#include "archiver/imapwire/response_private.h"

#include <string.h>

/* RFC 5258 data behind the name. An unquoted name with parentheses of its own is no such. */
static bool begins_extended(struct bytes text)
{
	return bytes_starts(text, "(\"") || bytes_starts_nocase(text, "(CHILDINFO (") ||
	    bytes_starts_nocase(text, "(OLDNAME (");
}

/* Exchange and Domino send names with blanks and TABs in them bare: all of the line is the
 * name. */
static struct bytes bare_name(struct cursor *cursor)
{
	struct bytes rest = cursor_rest(cursor);
	size_t i;

	for (i = 1; i < rest.n; i++)
		if (rest.p[i - 1] == ' ' && begins_extended(bytes_from(rest, i))) {
			rest.n = i - 1;
			break;
		}
	return rest;
}

static int read_delimiter(struct cursor *cursor, char *out)
{
	struct value value;

	if (cursor_value(cursor, &value) != 0)
		return -1;
	if (value.kind == VALUE_WORD && bytes_is_nocase(value.text, "NIL"))
		value.text.n = 0;
	else if (value.kind != VALUE_WORD && !value_is_string(&value))
		return cursor_fail(cursor, "the delimiter is none");
	if (value.text.n > 1)
		return cursor_fail(cursor, "the delimiter is more than one character");
	*out = value.text.n == 1 ? value.text.p[0] : '\0';
	return 0;
}

int response_read_list(struct cursor *cursor, struct response *out)
{
	struct value value;

	if (cursor_value(cursor, &value) != 0)
		return -1;
	if (value.kind != VALUE_LIST || value.has_literal)
		return cursor_fail(cursor, "the attributes are no list");
	out->mailbox.attributes = value.text;
	if (read_delimiter(cursor, &out->mailbox.delimiter) != 0)
		return -1;
	cursor_skip_spaces(cursor);
	if (cursor->p < cursor->stop && *cursor->p != '"') {
		out->mailbox.name = bare_name(cursor);
		if (cursor->literal_count > 0)
			return cursor_fail(cursor, "the name is no string");
		return 0;
	}
	if (cursor_value(cursor, &value) != 0)
		return -1;
	if (value.streamed)
		return cursor_fail(cursor, "the name is too long");
	out->mailbox.name = value.text;
	cursor_skip_spaces(cursor);
	if (cursor_at(cursor, '('))
		return cursor_skip_values(cursor);
	return cursor_want_end(cursor);
}

/* The name in front of a list that ends the line. Bare names may have anything in them, so the
 * list is found from the end. */
static int take_name_before_list(struct cursor *cursor, struct bytes *out)
{
	struct value value;
	int depth = 0;
	char *p;

	cursor_skip_spaces(cursor);
	if (cursor->p == cursor->stop || *cursor->p == '"') {
		if (cursor_value(cursor, &value) != 0)
			return -1;
		if (!value_is_string(&value))
			return cursor_fail(cursor, "the name is no string");
		*out = value.text;
		return 0;
	}
	for (p = cursor->stop; p > cursor->p; p--) {
		depth += (p[-1] == ')') - (p[-1] == '(');
		if (p[-1] == '(' && depth == 0)
			break;
	}
	*out = (struct bytes){cursor->p, p > cursor->p ? (size_t)(p - 1 - cursor->p) : 0};
	while (out->n > 0 && out->p[out->n - 1] == ' ')
		out->n--;
	if (out->n == 0 || cursor->literal_count > 0)
		return cursor_fail(cursor, "the name is no string");
	cursor->p = p - 1;
	return 0;
}

/* Into the parentheses. */
static int enter_list(struct cursor *cursor)
{
	cursor_skip_spaces(cursor);
	if (!cursor_at(cursor, '('))
		return cursor_fail(cursor, "the items have no opening parenthesis");
	cursor->p++;
	return 0;
}

static int leave_list(struct cursor *cursor)
{
	if (!cursor_at(cursor, ')'))
		return cursor_fail(cursor, "the items have no closing parenthesis");
	cursor->p++;
	return cursor_want_end(cursor);
}

static void settle(struct response_mailbox_status *status, unsigned *refused, unsigned item,
    uint64_t *slot, uint64_t number)
{
	if ((status->has & item) && *slot != number)
		*refused |= item;
	status->has |= item;
	*slot = number;
}

static void read_status_item(struct response_mailbox_status *status, unsigned *refused,
    struct bytes name, const struct value *value)
{
	const struct {
		const char *name;
		unsigned item;
		uint64_t *slot;
	} items[] = {{"MESSAGES", STATUS_HAS_MESSAGES, &status->messages},
	    {"UIDNEXT", STATUS_HAS_UIDNEXT, &status->uidnext},
	    {"UIDVALIDITY", STATUS_HAS_UIDVALIDITY, &status->uidvalidity},
	    {"HIGHESTMODSEQ", STATUS_HAS_MODSEQ, &status->modseq},
	    {"UNSEEN", STATUS_HAS_UNSEEN, &status->unseen}};
	uint64_t number;
	size_t i;

	if (bytes_is_nocase(name, "SIZE") && value_size(value, &number))
		settle(status, refused, STATUS_HAS_SIZE, &status->size_bytes, number);
	for (i = 0; i < sizeof items / sizeof *items; i++)
		if (bytes_is_nocase(name, items[i].name) && value_number(value, &number))
			settle(status, refused, items[i].item, items[i].slot, number);
}

int response_read_mailbox_status(struct cursor *cursor, struct response *out)
{
	struct value name, value;
	unsigned refused = 0;

	if (take_name_before_list(cursor, &out->status.name) != 0 || enter_list(cursor) != 0)
		return -1;
	for (;;) {
		if (cursor_value(cursor, &name) != 0)
			return -1;
		if (name.kind == VALUE_NONE)
			break;
		if (name.kind != VALUE_WORD)
			return cursor_fail(cursor, "the name of an item is none");
		if (cursor_value(cursor, &value) != 0)
			return -1;
		read_status_item(&out->status, &refused, name.text, &value);
	}
	out->status.has &= ~refused;
	return leave_list(cursor);
}

/* Courier leaves the list out where there is no limit. */
int response_read_quota(struct cursor *cursor, struct response *out)
{
	struct value name, used, limit;

	if (take_name_before_list(cursor, &out->quota.root) != 0)
		return -1;
	cursor_skip_spaces(cursor);
	if (cursor_at_end(cursor))
		return 0;
	if (enter_list(cursor) != 0)
		return -1;
	for (;;) {
		if (cursor_value(cursor, &name) != 0)
			return -1;
		if (name.kind == VALUE_NONE)
			break;
		if (cursor_value(cursor, &used) != 0 || cursor_value(cursor, &limit) != 0)
			return -1;
		if (name.kind == VALUE_WORD && bytes_is_nocase(name.text, "STORAGE") &&
		    !out->quota.has_storage)
			out->quota.has_storage = value_size(&used, &out->quota.used_kib) &&
			    value_size(&limit, &out->quota.limit_kib);
	}
	return leave_list(cursor);
}

int response_read_quotaroot(struct cursor *cursor, struct response *out)
{
	struct value mailbox, root;

	if (cursor_value(cursor, &mailbox) != 0 || cursor_value(cursor, &root) != 0)
		return -1;
	if (root.kind == VALUE_WORD || value_is_string(&root))
		out->quota.root = root.text;
	return cursor_skip_values(cursor);
}

/* CONDSTORE puts "(MODSEQ 917)" behind the numbers. */
int response_read_search(struct cursor *cursor, struct response *out)
{
	struct bytes numbers;
	struct value value;

	cursor_skip_spaces(cursor);
	numbers = (struct bytes){cursor->p, 0};
	while (cursor->p < cursor->stop && *cursor->p != '(')
		cursor->p++;
	numbers.n = (size_t)(cursor->p - numbers.p);
	while (numbers.n > 0 && numbers.p[numbers.n - 1] == ' ')
		numbers.n--;
	out->list = numbers;
	if (cursor_value(cursor, &value) != 0)
		return -1;
	return cursor_want_end(cursor);
}

struct esearch {
	bool by_uid, has_all;
};

static int read_esearch_item(
    struct cursor *cursor, struct bytes name, struct esearch *got, struct response *out)
{
	struct value value;

	if (bytes_is_nocase(name, "UID")) {
		got->by_uid = true;
		return 0;
	}
	if (cursor_value(cursor, &value) != 0)
		return -1;
	if (bytes_is_nocase(name, "ALL")) {
		if (value.kind != VALUE_WORD || got->has_all)
			return cursor_fail(cursor, "ALL has no set");
		got->has_all = true;
		out->list = value.text;
	} else if (bytes_is_nocase(name, "COUNT") && !value_number(&value, &out->number)) {
		return cursor_fail(cursor, "COUNT has no number");
	}
	return 0;
}

/* Without the word UID the numbers are not UIDs, and nobody here asked for such. */
int response_read_esearch(struct cursor *cursor, struct response *out)
{
	struct esearch got = {0};
	struct value value;

	cursor_skip_spaces(cursor);
	if (cursor_at(cursor, '(') && cursor_value(cursor, &value) != 0)
		return -1;
	for (;;) {
		if (cursor_value(cursor, &value) != 0)
			return -1;
		if (value.kind == VALUE_NONE)
			break;
		if (value.kind != VALUE_WORD)
			return cursor_fail(cursor, "the name of an item is none");
		if (read_esearch_item(cursor, value.text, &got, out) != 0)
			return -1;
	}
	if (got.has_all && !got.by_uid)
		return cursor_fail(cursor, "it does not speak of UIDs");
	return cursor_want_end(cursor);
}

int response_read_vanished(struct cursor *cursor, struct response *out)
{
	struct value value;

	cursor_skip_spaces(cursor);
	if (cursor_at(cursor, '(')) {
		if (cursor_value(cursor, &value) != 0)
			return -1;
		if (!bytes_is_nocase(bytes_trim(value.text), "EARLIER"))
			return cursor_fail(cursor, "it has an unknown option");
		out->earlier = true;
	}
	out->list = cursor_rest(cursor);
	return cursor_want_end(cursor);
}
