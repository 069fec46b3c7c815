/* Owns:  nothing.
 * Knows: the items of a FETCH response that we ask for; any other is stepped over.
 * Never: gives an item to a message whose UID was not read for certain.
 * Spec:  RFC 9051 sections 7.5.2 and 9 (msg-att), RFC 7162 section 3.1.4. */
#include "archiver/imapwire/imapdate.h"
#include "archiver/imapwire/response_private.h"

#include <string.h>

struct reader {
	struct cursor *cursor;
	struct response_fetch fetch;
	unsigned refused; /* items that came twice and did not agree */
	bool no_uid;      /* a UID was there and could not be read */
};

/* Note an item; false when it was there before with another value. */
static void settle(struct reader *reader, unsigned item, bool same)
{
	if ((reader->fetch.has & item) && !same)
		reader->refused |= item;
	reader->fetch.has |= item;
}

static int read_uid(struct reader *reader, const struct value *value)
{
	uint64_t uid;

	if (!value_number(value, &uid) || uid == 0 || uid > UINT32_MAX) {
		reader->no_uid = true;
		return 0;
	}
	settle(reader, FETCH_HAS_UID, uid == reader->fetch.uid);
	reader->fetch.uid = (uint32_t)uid;
	return 0;
}

static int read_flags(struct reader *reader, const struct value *value)
{
	if (value->kind != VALUE_LIST || value->has_literal)
		return 0;
	settle(reader, FETCH_HAS_FLAGS, bytes_equal(value->text, reader->fetch.flags));
	reader->fetch.flags = value->text;
	return 0;
}

static int read_internaldate(struct reader *reader, const struct value *value)
{
	int64_t time_unix;

	if (!value_is_string(value) || !imapdate_parse(value->text, &time_unix))
		return 0;
	settle(reader, FETCH_HAS_INTERNALDATE, time_unix == reader->fetch.internaldate_unix);
	reader->fetch.internaldate_unix = time_unix;
	return 0;
}

static int read_size(struct reader *reader, const struct value *value)
{
	uint64_t bytes;

	if (!value_size(value, &bytes))
		return 0;
	settle(reader, FETCH_HAS_SIZE, bytes == reader->fetch.size_bytes);
	reader->fetch.size_bytes = bytes;
	return 0;
}

/* "(12)", and "12" as some write it. 0 is no mod-sequence. */
static int read_modseq(struct reader *reader, const struct value *value)
{
	unsigned long long modseq;

	if ((value->kind != VALUE_LIST && value->kind != VALUE_WORD) || value->has_literal ||
	    !bytes_u64(bytes_trim(value->text), &modseq) || modseq == 0)
		return 0;
	settle(reader, FETCH_HAS_MODSEQ, modseq == reader->fetch.modseq);
	reader->fetch.modseq = modseq;
	return 0;
}

/* One for each message of the account, in whatever folders it is. */
static int read_gmail_id(struct reader *reader, const struct value *value)
{
	uint64_t id;

	if (!value_number(value, &id) || id == 0)
		return 0;
	settle(reader, FETCH_HAS_GMAIL_ID, id == reader->fetch.gmail_id);
	reader->fetch.gmail_id = id;
	return 0;
}

static bool is_nil(const struct value *value)
{
	return value->kind == VALUE_NONE ||
	    (value->kind == VALUE_WORD && bytes_is_nocase(value->text, "NIL"));
}

static int read_body(struct reader *reader, const struct value *value)
{
	if (is_nil(value))
		return 0;
	if (value->kind != VALUE_QUOTED && value->kind != VALUE_LITERAL)
		return cursor_fail(reader->cursor, "the text of a message is no string");
	if (reader->fetch.has & FETCH_HAS_BODY)
		return cursor_fail(reader->cursor, "one message has two texts");
	reader->fetch.has |= FETCH_HAS_BODY;
	reader->fetch.body_streamed = value->streamed;
	reader->fetch.body = value->text;
	return 0;
}

static int read_header(struct reader *reader, const struct value *value)
{
	if (!value_is_string(value))
		return 0;
	settle(reader, FETCH_HAS_HEADER, bytes_equal(value->text, reader->fetch.header));
	reader->fetch.header = value->text;
	return 0;
}

static int read_other(struct reader *reader, const struct value *value)
{
	(void)reader;
	(void)value;
	return 0;
}

typedef int (*item_fn)(struct reader *reader, const struct value *value);

static const struct {
	const char *name;
	item_fn read;
} items[] = {{"UID", read_uid}, {"FLAGS", read_flags}, {"INTERNALDATE", read_internaldate},
    {"RFC822.SIZE", read_size}, {"MODSEQ", read_modseq}, {"BODY[]", read_body},
    {"RFC822", read_body}, {"X-GM-MSGID", read_gmail_id}, {"BODY[HEADER]", read_header}};

static item_fn find_item(struct bytes name)
{
	size_t i;

	for (i = 0; i < sizeof items / sizeof *items; i++)
		if (bytes_is_nocase(name, items[i].name))
			return items[i].read;
	if (bytes_starts_nocase(name, "BODY[HEADER.FIELDS") &&
	    !bytes_starts_nocase(name, "BODY[HEADER.FIELDS.") && name.p[name.n - 1] == ']')
		return read_header;
	return read_other;
}

/* A name may have a section with spaces, strings and lists in it:
 * BODY[HEADER.FIELDS ("DATE" FROM)]. Empty when there is none. */
static struct bytes take_name(struct cursor *cursor)
{
	struct bytes name = cursor_word(cursor), none = {0};
	struct value inner;

	if (name.n == 0) {
		cursor_fail(cursor, "something else stands where an item is due");
		return none;
	}
	if (!memchr(name.p, '[', name.n))
		return name;
	while (!memchr(name.p, ']', name.n)) {
		if (cursor_value(cursor, &inner) != 0)
			return none;
		if (inner.kind == VALUE_NONE) {
			cursor_fail(cursor, "a section has no end");
			return none;
		}
		name.n = (size_t)(cursor->p - name.p);
	}
	return name;
}

/* Strict about what stands behind a value: it shows a literal whose length was wrong. Only a
 * section may come without one (Yandex, for an empty part). */
static int read_item(struct reader *reader)
{
	struct cursor *cursor = reader->cursor;
	struct bytes name = take_name(cursor);
	struct value value;

	if (name.n == 0 || cursor_value(cursor, &value) != 0)
		return -1;
	if (value.kind == VALUE_NONE && name.p[name.n - 1] != ']')
		return cursor_fail(cursor, "an item has no value");
	if (!cursor_at(cursor, ' ') && !cursor_at(cursor, ')'))
		return cursor_fail(cursor, "an item does not end where it should");
	return find_item(name)(reader, &value);
}

/* Domino puts single items into parentheses of their own. */
static int read_items(struct reader *reader)
{
	struct cursor *cursor = reader->cursor;
	int depth = 0;

	cursor_skip_spaces(cursor);
	if (!cursor_at(cursor, '('))
		return cursor_fail(cursor, "the items have no opening parenthesis");
	do {
		cursor_skip_spaces(cursor);
		if (cursor_at(cursor, '('))
			depth++;
		else if (cursor_at(cursor, ')'))
			depth--;
		else if (read_item(reader) != 0)
			return -1;
		else
			continue;
		if (depth > RESPONSE_DEPTH)
			return cursor_fail(cursor, "parentheses are too deep");
		cursor->p++;
	} while (depth > 0);
	return cursor_want_end(cursor);
}

int response_read_fetch(struct cursor *cursor, struct response *out)
{
	struct reader reader = {.cursor = cursor};

	if (read_items(&reader) != 0)
		return -1;
	out->fetch = reader.fetch;
	out->fetch.has &= ~reader.refused;
	if (reader.no_uid || (reader.refused & FETCH_HAS_UID))
		memset(&out->fetch, 0, sizeof out->fetch);
	return 0;
}
