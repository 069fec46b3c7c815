/* Owns:  the state of GMime's decoder and of the charset converter for one body.
 * Knows: where HTML names its own charset.
 * Never: keeps more than a character or a line of the body.
 * Spec:  RFC 2045 6.7, 6.8; WHATWG HTML 13.2.3.2 (prescan of the first 1024 bytes). */
#include "archiver/mime/mimebody.h"

#include "archiver/mime/mimetext.h"
#include "base/mem.h"

#include <gmime/gmime.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PRESCAN_BYTES     1024
#define CHARSET_BYTES_MAX 40

struct mimebody {
	const struct mimepart *part;
	GMimeEncoding decoder;
	struct buf decoded;    /* on the way from the decoder to the converter */
	struct mimetext *text; /* NULL: bytes are wanted, or nothing came yet */
	bool as_text;
	size_t begin_n; /* uuencode: characters of "begin " seen on this line, or one of: */
};

enum { UU_SKIP = 100, UU_NAME, UU_DATA };

static const GMimeContentEncoding encodings[] = {
    [MIMEPART_IDENTITY] = GMIME_CONTENT_ENCODING_BINARY,
    [MIMEPART_BASE64] = GMIME_CONTENT_ENCODING_BASE64,
    [MIMEPART_QUOTED_PRINTABLE] = GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE,
    [MIMEPART_UUENCODE] = GMIME_CONTENT_ENCODING_UUENCODE,
};

struct mimebody *mimebody_new(const struct mimepart *part, bool as_text)
{
	struct mimebody *body = mem_zero(1, sizeof *body);

	body->part = part;
	body->as_text = as_text;
	buf_init(&body->decoded, SIZE_MAX / 2);
	g_mime_encoding_init_decode(&body->decoder, encodings[part->encoding]);
	return body;
}

void mimebody_free(struct mimebody *body)
{
	if (!body)
		return;
	mimetext_free(body->text);
	buf_release(&body->decoded);
	free(body);
}

static struct bytes without_blanks(struct bytes text)
{
	while (text.n > 0 && (unsigned char)text.p[0] <= ' ')
		text = bytes_from(text, 1);
	return text;
}

static bool is_name_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    (c && strchr("-_.:", c));
}

/* The name behind the first "charset=" in a meta element; empty when there is none. */
static struct bytes charset_in(struct bytes html)
{
	static const char word[] = "charset";
	bool is_meta = false;

	if (html.n > PRESCAN_BYTES)
		html.n = PRESCAN_BYTES;
	for (; html.n > 0; html = bytes_from(html, 1)) {
		struct bytes rest;
		size_t n = 0;

		is_meta = is_meta || bytes_starts_nocase(html, "<meta");
		if (!is_meta || !bytes_starts_nocase(html, word))
			continue;
		rest = without_blanks(bytes_from(html, strlen(word)));
		if (!bytes_starts(rest, "="))
			continue;
		rest = without_blanks(bytes_from(rest, 1));
		if (bytes_starts(rest, "\"") || bytes_starts(rest, "'"))
			rest = bytes_from(rest, 1);
		while (n < rest.n && is_name_character(rest.p[n]))
			n++;
		return (struct bytes){rest.p, n};
	}
	return html;
}

/* A page that could be read up to its charset is not in UTF-16, whatever it says. */
static bool is_like_ascii(const char *charset)
{
	struct bytes name = bytes_of(charset);

	return !bytes_starts_nocase(name, "utf-16") && !bytes_starts_nocase(name, "utf-32") &&
	    !bytes_starts_nocase(name, "utf-7") && !bytes_starts_nocase(name, "ucs-");
}

static struct mimetext *converter_for(const struct mimepart *part, struct bytes first)
{
	char name[CHARSET_BYTES_MAX + 1] = "";
	struct bytes own;

	if (part->charset || strcmp(part->type, "text/html") != 0)
		return mimetext_new(part->charset);
	own = charset_in(first);
	if (own.n > 0 && own.n < sizeof name)
		memcpy(name, own.p, own.n);
	if (!is_like_ascii(name))
		name[0] = '\0';
	return mimetext_new(name[0] ? name : NULL);
}

static void put(struct mimebody *body, struct bytes decoded, struct buf *out)
{
	if (decoded.n == 0)
		return;
	if (!body->as_text) {
		buf_bytes(out, decoded);
		return;
	}
	if (!body->text)
		body->text = converter_for(body->part, decoded);
	mimetext_add(body->text, decoded, out);
}

/* What stands behind the line "begin MODE NAME"; GMime's decoder wants no other lines first. */
static struct bytes behind_begin(struct mimebody *body, struct bytes piece)
{
	static const char begin[] = "begin ";

	while (piece.n > 0 && body->begin_n != UU_DATA) {
		char c = piece.p[0];

		piece = bytes_from(piece, 1);
		if (c == '\n')
			body->begin_n = body->begin_n == UU_NAME ? UU_DATA : 0;
		else if (body->begin_n >= UU_SKIP)
			continue;
		else if (c != begin[body->begin_n])
			body->begin_n = UU_SKIP;
		else if (begin[++body->begin_n] == '\0')
			body->begin_n = UU_NAME;
		if (body->begin_n == UU_DATA)
			body->decoder.state |= GMIME_UUDECODE_STATE_BEGIN;
	}
	return piece;
}

void mimebody_add(struct mimebody *body, struct bytes piece, struct buf *out)
{
	char *to;

	if (body->part->encoding == MIMEPART_UUENCODE)
		piece = behind_begin(body, piece);
	if (body->part->encoding == MIMEPART_IDENTITY) {
		put(body, piece, out);
		return;
	}
	buf_clear(&body->decoded);
	to = buf_reserve(&body->decoded, g_mime_encoding_outlen(&body->decoder, piece.n));
	if (to && piece.n > 0)
		body->decoded.n = g_mime_encoding_step(&body->decoder, piece.p, piece.n, to);
	put(body, buf_view(&body->decoded), out);
}

void mimebody_end(struct mimebody *body, struct buf *out)
{
	if (body->text)
		mimetext_end(body->text, out);
}
