/* Owns:  the buffers of struct mimehead.
 * Knows: which fields lists and rules need; leaves dates, addresses and encoded words to GMime.
 * Never: fails; keeps more than MIMEHEAD_VALUE_BYTES of a field.
 * Spec:  RFC 5322 (3.6), RFC 2047, RFC 2919 (List-Id). */
#include "archiver/mime/mimehead.h"

#include "archiver/mime/encodedword.h"
#include "archiver/mime/mimetext.h"
#include "archiver/mime/rawfield.h"
#include "base/utf8.h"

#include <gmime/gmime.h>
#include <string.h>

#define DATE_BYTES_MAX 256
/* Room for what is cut off again, and for windows-1252 that grows as UTF-8. */
#define VALUE_ROOM_BYTES   (2 * MIMEHEAD_VALUE_BYTES)
#define DECODED_ROOM_BYTES (SIZE_MAX / 2)

static const struct {
	const char *name;
	size_t at;
} texts[] = {
    {"message-id", offsetof(struct mimehead, message_id)},
    {"from", offsetof(struct mimehead, from)},
    {"to", offsetof(struct mimehead, to)},
    {"cc", offsetof(struct mimehead, cc)},
    {"subject", offsetof(struct mimehead, subject)},
    {"list-id", offsetof(struct mimehead, list_id)},
    {"in-reply-to", offsetof(struct mimehead, in_reply_to)},
    {"references", offsetof(struct mimehead, references)},
};

#define TEXT_COUNT (sizeof texts / sizeof *texts)

enum { SEEN_DATE = TEXT_COUNT, SEEN_RECEIVED };

static struct buf *text_at(struct mimehead *head, size_t i)
{
	return (struct buf *)(void *)((char *)head + texts[i].at);
}

void mimehead_init(struct mimehead *head)
{
	memset(head, 0, sizeof *head);
	for (size_t i = 0; i < TEXT_COUNT; i++)
		buf_init(text_at(head, i), VALUE_ROOM_BYTES);
	mimetext_library_init();
}

void mimehead_release(struct mimehead *head)
{
	for (size_t i = 0; i < TEXT_COUNT; i++)
		buf_release(text_at(head, i));
}

static void forget(struct mimehead *head)
{
	for (size_t i = 0; i < TEXT_COUNT; i++)
		buf_clear(text_at(head, i));
	head->has_date = head->has_received = false;
	head->date_unix = head->received_unix = 0;
}

static bool parse_date(struct bytes value, int64_t *out_unix)
{
	struct buf text;
	GDateTime *date = NULL;

	buf_init(&text, 2 * DATE_BYTES_MAX);
	rawfield_unfold(&text, value, DATE_BYTES_MAX);
	date = g_mime_utils_header_decode_date(buf_string(&text));
	if (date)
		*out_unix = g_date_time_to_unix(date);
	if (date)
		g_date_time_unref(date);
	buf_release(&text);
	return date != NULL;
}

/* The date stands behind the last semicolon; a comment behind it may have semicolons too. */
static bool parse_received(struct bytes value, int64_t *out_unix)
{
	size_t first = value.n > 4 * DATE_BYTES_MAX ? value.n - 4 * DATE_BYTES_MAX : 0;

	for (size_t i = value.n; i > first; i--)
		if (value.p[i - 1] == ';' && parse_date(bytes_from(value, i), out_unix))
			return true;
	return false;
}

/* What stands between < and >, or the whole when there are none. */
static void strip_brackets(struct buf *id)
{
	const char *open = id->n > 0 ? memchr(id->p, '<', id->n) : NULL, *close;

	if (!open)
		return;
	buf_drop(id, (size_t)(open + 1 - id->p));
	close = id->n > 0 ? memchr(id->p, '>', id->n) : NULL;
	if (close)
		buf_cut(id, (size_t)(close - id->p));
}

static size_t field_of(struct bytes name)
{
	for (size_t i = 0; i < TEXT_COUNT; i++)
		if (bytes_is_nocase(name, texts[i].name))
			return i;
	if (bytes_is_nocase(name, "date"))
		return SEEN_DATE;
	return bytes_is_nocase(name, "received") ? SEEN_RECEIVED : SIZE_MAX;
}

void mimehead_parse(struct mimehead *head, struct bytes header)
{
	struct rawfields fields;
	struct rawfield field;
	unsigned seen = 0;

	forget(head);
	rawfields_start(&fields, header);
	while (rawfields_next(&fields, &field)) {
		size_t which = field_of(field.name);

		if (which == SIZE_MAX || (seen & 1U << which))
			continue;
		seen |= 1U << which;
		if (which < TEXT_COUNT)
			rawfield_unfold(text_at(head, which), field.value, MIMEHEAD_VALUE_BYTES);
		else if (which == SEEN_DATE)
			head->has_date = parse_date(field.value, &head->date_unix);
		else
			head->has_received = parse_received(field.value, &head->received_unix);
	}
	strip_brackets(&head->message_id);
}

static bool is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

static bool is_blank(char c)
{
	return c == ' ' || is_control(c);
}

/* Text for one line: control characters become blanks, those at the ends go. */
static void put_clean(struct buf *out, struct bytes text)
{
	size_t start = out->n;

	while (text.n > 0 && is_blank(text.p[0]))
		text = bytes_from(text, 1);
	while (text.n > 0 && is_blank(text.p[text.n - 1]))
		text.n--;
	mimetext_guess(out, text);
	for (size_t i = start; i < out->n; i++)
		if (is_control(out->p[i]))
			out->p[i] = ' ';
}

/* A string for GMime's functions: without NUL, its encoded words joined. Its 8-bit bytes stay,
 * for what they mean may depend on the encoded word that they stand in. */
static void for_gmime(struct buf *string, struct bytes raw)
{
	buf_init(string, DECODED_ROOM_BYTES);
	encodedword_join(string, raw);
	for (size_t i = 0; i < string->n; i++)
		if (is_control(string->p[i]))
			string->p[i] = ' ';
}

void mimehead_decode(struct buf *out, struct bytes raw)
{
	GMimeParserOptions *options;
	struct buf string;
	char *text;

	if (raw.n == 0 || !memmem(raw.p, raw.n, "=?", 2)) {
		put_clean(out, raw);
		return;
	}
	mimetext_library_init();
	for_gmime(&string, raw);
	options = mimetext_options_new();
	text = g_mime_utils_header_decode_text(options, buf_string(&string));
	put_clean(out, bytes_of(text));
	g_free(text);
	g_mime_parser_options_free(options);
	buf_release(&string);
}

/* The first mailbox of the list, those in groups included; a group without any is one. */
static InternetAddress *first_of(InternetAddressList *list)
{
	InternetAddress *address = NULL;

	while (list && internet_address_list_length(list) > 0) {
		address = internet_address_list_get_address(list, 0);
		if (!INTERNET_ADDRESS_IS_GROUP(address))
			break;
		list = internet_address_group_get_members(INTERNET_ADDRESS_GROUP(address));
	}
	return address;
}

static const char *address_of(InternetAddress *address)
{
	if (!INTERNET_ADDRESS_IS_MAILBOX(address))
		return "";
	return internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(address));
}

void mimehead_first_name(struct buf *out, struct bytes raw)
{
	struct bytes text;
	struct buf string;
	GMimeParserOptions *options;
	InternetAddressList *list;
	InternetAddress *first;

	mimetext_library_init();
	if (raw.n > MIMEHEAD_VALUE_BYTES)
		raw.n = MIMEHEAD_VALUE_BYTES;
	for_gmime(&string, raw);
	options = mimetext_options_new();
	list = internet_address_list_parse(options, buf_string(&string));
	first = first_of(list);
	text = bytes_trim(bytes_of(first ? internet_address_get_name(first) : NULL));
	if (text.n == 0 && first)
		text = bytes_trim(bytes_of(address_of(first)));
	if (text.n > 0)
		put_clean(out, text);
	else
		mimehead_decode(out, raw);
	if (list)
		g_object_unref(list);
	g_mime_parser_options_free(options);
	buf_release(&string);
}
