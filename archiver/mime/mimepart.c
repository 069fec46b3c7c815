/* Owns:  the strings of struct mimepart.
 * Knows: which defaults the RFCs give to what is missing; GMime reads the parameters.
 * Never: lets a folder or a control character through in a name.
 * Spec:  RFC 2045 5.2 (default type), 2046 5.1.5 (digest), 2183, 2231, 3464. */
#include "archiver/mime/mimepart.h"

#include "archiver/mime/encodedword.h"
#include "archiver/mime/mimetext.h"
#include "archiver/mime/rawfield.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>

#define FIELD_BYTES_MAX 16384
/* Room for what is cut off again, and for encoded words that grow to base64. */
#define VALUE_ROOM_BYTES (4 * FIELD_BYTES_MAX)
#define TYPE_BYTES_MAX   255 /* RFC 6838 4.2: 127 for each half */
#define NAME_BYTES_MAX   255 /* what file systems take */

struct values {
	struct buf type, disposition, encoding;
};

/* Names of files come in encoded words too, against RFC 2047. */
static void take_value(struct buf *into, struct bytes value)
{
	struct buf unfolded;

	buf_init(&unfolded, 2 * FIELD_BYTES_MAX);
	rawfield_unfold(&unfolded, value, FIELD_BYTES_MAX);
	encodedword_join(into, buf_view(&unfolded));
	buf_release(&unfolded);
}

static void read_fields(struct mimepart *part, struct bytes header, struct values *values)
{
	struct rawfields fields;
	struct rawfield field;
	struct buf *into;

	rawfields_start(&fields, header);
	while (rawfields_next(&fields, &field)) {
		part->has_fields = true;
		into = NULL;
		if (!bytes_starts_nocase(field.name, "content-"))
			continue;
		if (bytes_is_nocase(field.name, "content-type"))
			into = &values->type;
		else if (bytes_is_nocase(field.name, "content-disposition"))
			into = &values->disposition;
		else if (bytes_is_nocase(field.name, "content-transfer-encoding"))
			into = &values->encoding;
		else if (bytes_is_nocase(field.name, "content-id"))
			part->has_content_id = true;
		if (into && into->n == 0)
			take_value(into, field.value);
	}
	part->body_start = header.n - fields.rest.n;
}

static bool is_token(const char *text)
{
	size_t n = 0;

	while (text[n] > ' ' && text[n] < 0x7f)
		n++;
	return text[n] == '\0' && n <= TYPE_BYTES_MAX;
}

static bool has_slash(struct bytes value)
{
	size_t n = 0;

	while (n < value.n && value.p[n] != ';' && value.p[n] != '/')
		n++;
	return n < value.n && value.p[n] == '/';
}

static char *type_name(GMimeContentType *type)
{
	char *mixed = g_mime_content_type_get_mime_type(type);
	char *lower = g_ascii_strdown(mixed, -1);
	char *name = mem_string(is_token(lower) ? lower : "application/octet-stream");

	g_free(mixed);
	g_free(lower);
	return name;
}

/* A value without its quotes, also when one is missing; NULL for an empty one. */
static char *unquoted(const char *value)
{
	struct bytes text = bytes_trim(bytes_of(value));

	while (text.n > 0 && (text.p[0] == '"' || text.p[0] == '\''))
		text = bytes_from(text, 1);
	while (text.n > 0 && (text.p[text.n - 1] == '"' || text.p[text.n - 1] == '\''))
		text.n--;
	return text.n > 0 ? bytes_string(text) : NULL;
}

static struct bytes without_folder(struct bytes path)
{
	for (size_t i = path.n; i > 0; i--)
		if (path.p[i - 1] == '/' || path.p[i - 1] == '\\')
			return bytes_from(path, i);
	return path;
}

static char *file_name(const char *given)
{
	struct buf text, clean;
	struct bytes name;
	char *result = NULL;

	buf_init(&text, SIZE_MAX / 2);
	buf_init(&clean, SIZE_MAX / 2);
	mimetext_guess(&text, bytes_of(given));
	utf8_print(&clean, without_folder(buf_view(&text)), 0);
	name = bytes_trim(buf_view(&clean));
	if (name.n > NAME_BYTES_MAX) {
		name.n = NAME_BYTES_MAX;
		while (name.n > 0 && ((unsigned char)name.p[name.n] & 0xc0) == 0x80)
			name.n--;
	}
	if (name.n > 0 && !bytes_is(name, ".") && !bytes_is(name, ".."))
		result = bytes_string(name);
	buf_release(&text);
	buf_release(&clean);
	return result;
}

static void read_type(
    struct mimepart *part, struct buf *value, GMimeParserOptions *options, bool in_digest)
{
	GMimeContentType *type;
	const char *name;

	if (!has_slash(buf_view(value))) {
		part->type =
		    mem_string(value->n == 0 && in_digest ? "message/rfc822" : "text/plain");
		return;
	}
	type = g_mime_content_type_parse(options, buf_string(value));
	part->type = type_name(type);
	part->boundary = mem_string(g_mime_content_type_get_parameter(type, "boundary"));
	part->charset = unquoted(g_mime_content_type_get_parameter(type, "charset"));
	name = g_mime_content_type_get_parameter(type, "name");
	if (name && !part->name)
		part->name = file_name(name);
	g_object_unref(type);
}

static void read_disposition(struct mimepart *part, struct buf *value, GMimeParserOptions *options)
{
	GMimeContentDisposition *disposition;
	const char *name;

	if (value->n == 0)
		return;
	disposition = g_mime_content_disposition_parse(options, buf_string(value));
	part->is_attachment = g_mime_content_disposition_is_attachment(disposition);
	part->is_inline = !part->is_attachment;
	name = g_mime_content_disposition_get_parameter(disposition, "filename");
	if (name)
		part->name = file_name(name);
	g_object_unref(disposition);
}

static enum mimepart_encoding encoding_of(struct buf *value)
{
	switch (g_mime_content_encoding_from_string(buf_string(value))) {
	case GMIME_CONTENT_ENCODING_BASE64:
		return MIMEPART_BASE64;
	case GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE:
		return MIMEPART_QUOTED_PRINTABLE;
	case GMIME_CONTENT_ENCODING_UUENCODE:
		return MIMEPART_UUENCODE;
	default:
		return MIMEPART_IDENTITY;
	}
}

void mimepart_read(struct mimepart *part, struct bytes header, bool in_digest)
{
	struct values values;
	GMimeParserOptions *options;

	memset(part, 0, sizeof *part);
	mimetext_library_init();
	buf_init(&values.type, VALUE_ROOM_BYTES);
	buf_init(&values.disposition, VALUE_ROOM_BYTES);
	buf_init(&values.encoding, VALUE_ROOM_BYTES);
	read_fields(part, header, &values);
	options = mimetext_options_new();
	read_disposition(part, &values.disposition, options);
	read_type(part, &values.type, options, in_digest);
	part->encoding = encoding_of(&values.encoding);
	g_mime_parser_options_free(options);
	buf_release(&values.type);
	buf_release(&values.disposition);
	buf_release(&values.encoding);
}

void mimepart_release(struct mimepart *part)
{
	free(part->type);
	free(part->boundary);
	free(part->charset);
	free(part->name);
	memset(part, 0, sizeof *part);
}

bool mimepart_is_multipart(const struct mimepart *part)
{
	return bytes_starts(bytes_of(part->type), "multipart/");
}

bool mimepart_is_message(const struct mimepart *part)
{
	struct bytes type = bytes_of(part->type);

	return bytes_is(type, "message/rfc822") || bytes_is(type, "message/rfc2822") ||
	    bytes_is(type, "message/global") || bytes_is(type, "message/news");
}

/* RFC 3464, 8098, 5965, and 6533 for their siblings in UTF-8. */
bool mimepart_is_report(const struct mimepart *part)
{
	struct bytes type = bytes_of(part->type);

	return bytes_is(type, "message/delivery-status") ||
	    bytes_is(type, "message/disposition-notification") ||
	    bytes_is(type, "message/feedback-report") ||
	    bytes_is(type, "message/global-delivery-status") ||
	    bytes_is(type, "message/global-disposition-notification");
}

bool mimepart_is_text(const struct mimepart *part)
{
	return bytes_starts(bytes_of(part->type), "text/");
}
