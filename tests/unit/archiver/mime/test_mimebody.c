#include "tests/unit/suite.h"

#include "archiver/mime/mimebody.h"

/* Decoded in pieces of every size: always the same. */
static void expect_part(
    const struct mimepart *part, bool as_text, struct bytes in, struct bytes expected)
{
	for (size_t step = 1; step <= in.n + 1; step++) {
		struct mimebody *body = mimebody_new(part, as_text);
		struct bytes rest = in, piece;
		struct buf out;

		buf_init(&out, 1 << 16);
		for (; rest.n > 0; rest = bytes_from(rest, piece.n)) {
			piece = rest;
			if (piece.n > step)
				piece.n = step;
			mimebody_add(body, piece, &out);
		}
		mimebody_end(body, &out);
		ck_assert_msg(
		    bytes_equal(buf_view(&out), expected), "step %zu: %s", step, buf_string(&out));
		buf_release(&out);
		mimebody_free(body);
	}
}

static void expect(enum mimepart_encoding encoding, struct bytes in, struct bytes expected)
{
	char type[] = "application/octet-stream";
	struct mimepart part = {.type = type, .encoding = encoding};

	expect_part(&part, false, in, expected);
}

START_TEST(identity_changes_nothing)
{
	expect(MIMEPART_IDENTITY, BYTES("a\0b=\r\n"), BYTES("a\0b=\r\n"));
	expect(MIMEPART_IDENTITY, BYTES(""), BYTES(""));
}
END_TEST

/* RFC 4648 section 10, and what RFC 2045 6.8 says about other characters. */
START_TEST(base64)
{
	expect(MIMEPART_BASE64, BYTES("Zg=="), BYTES("f"));
	expect(MIMEPART_BASE64, BYTES("Zm9vYmE="), BYTES("fooba"));
	expect(MIMEPART_BASE64, BYTES("Zm9v\r\nYmFy\r\n"), BYTES("foobar"));
	expect(MIMEPART_BASE64, BYTES("Zm 9v!YmFy"), BYTES("foobar"));
	expect(MIMEPART_BASE64, BYTES("\xff\xfe"), BYTES(""));
}
END_TEST

/* RFC 2045 6.7: the example of rule 5, soft breaks, and trailing blanks. */
START_TEST(quoted_printable)
{
	expect(MIMEPART_QUOTED_PRINTABLE,
	    BYTES("Now's the time =\r\nfor all folk to come=\r\n to the aid of their country."),
	    BYTES("Now's the time for all folk to come to the aid of their country."));
	expect(MIMEPART_QUOTED_PRINTABLE, BYTES("a=3Db=3d=C3=A4\n"), BYTES("a=b=\xc3\xa4\n"));
	expect(MIMEPART_QUOTED_PRINTABLE, BYTES("a\xe4"), BYTES("a\xe4"));
}
END_TEST

/* As "printf 'hello\\n' | uuencode x" writes it. */
START_TEST(uuencode)
{
	expect(
	    MIMEPART_UUENCODE, BYTES("text\nbegin 644 x\n&:&5L;&\\*\n`\nend\n"), BYTES("hello\n"));
	expect(MIMEPART_UUENCODE, BYTES("begi\nbegin 644 x\r\n&:&5L;&\\*\n`\nend\nmore\n"),
	    BYTES("hello\n"));
	expect(MIMEPART_UUENCODE, BYTES("nothing\nbegins begin \n"), BYTES(""));
}
END_TEST

START_TEST(text_is_converted)
{
	char type[] = "text/plain", charset[] = "koi8-r";
	struct mimepart part = {.type = type, .charset = charset};

	expect_part(&part, true, BYTES("\xf0\xd2"), BYTES("\xd0\x9f\xd1\x80"));
	part.encoding = MIMEPART_BASE64;
	expect_part(&part, true, BYTES("8NI="), BYTES("\xd0\x9f\xd1\x80"));
	expect_part(&part, false, BYTES("8NI="), BYTES("\xf0\xd2"));
	part.charset = NULL;
	part.encoding = MIMEPART_IDENTITY;
	expect_part(&part, true, BYTES("\xf0 \xc3\xa4"), BYTES("\xc3\xb0 \xc3\xa4"));
	expect_part(&part, true, BYTES(""), BYTES(""));
}
END_TEST

static void expect_html(const char *charset, struct bytes in, struct bytes expected)
{
	char type[] = "text/html";
	struct mimepart part = {.type = type, .charset = (char *)charset};
	struct mimebody *body = mimebody_new(&part, true);
	struct buf out;

	buf_init(&out, 1 << 16);
	mimebody_add(body, in, &out);
	mimebody_end(body, &out);
	ck_assert_msg(bytes_equal(buf_view(&out), expected), "%s", buf_string(&out));
	buf_release(&out);
	mimebody_free(body);
}

#define META(charset) "<html><META http-equiv=content-type content=\"text/html; " charset "\">"

START_TEST(html_names_its_own_charset)
{
	expect_html(
	    NULL, BYTES(META("charset=koi8-r") "\xf0"), BYTES(META("charset=koi8-r") "\xd0\x9f"));
	expect_html(NULL, BYTES("<meta charset = 'koi8-r'>\xf0"),
	    BYTES("<meta charset = 'koi8-r'>\xd0\x9f"));
	expect_html("iso-8859-1", BYTES(META("charset=koi8-r") "\xf0"),
	    BYTES(META("charset=koi8-r") "\xc3\xb0"));
	expect_html(
	    NULL, BYTES("<p>charset=koi8-r</p>\xf0"), BYTES("<p>charset=koi8-r</p>\xc3\xb0"));
	expect_html(
	    NULL, BYTES("<meta charset=utf-16>\xf0"), BYTES("<meta charset=utf-16>\xc3\xb0"));
	expect_html(NULL, BYTES("<meta charset=ucs-4>x"), BYTES("<meta charset=ucs-4>x"));
	expect_html(NULL, BYTES("<meta charset=>\xf0"), BYTES("<meta charset=>\xc3\xb0"));
	expect_html(NULL, BYTES("<meta charset"), BYTES("<meta charset"));
}
END_TEST

/* As browsers do, only the first 1024 bytes are searched. */
START_TEST(a_charset_far_down_or_far_too_long_is_none)
{
	struct buf html, expected;

	buf_init(&html, 1 << 16);
	buf_init(&expected, 1 << 16);
	for (int is_far = 0; is_far < 2; is_far++) {
		size_t before = is_far ? 1024 : 1024 - strlen("<meta charset=koi8-r>");

		buf_clear(&html);
		buf_clear(&expected);
		while (html.n < before)
			buf_char(&html, ' ');
		buf_text(&html, "<meta charset=koi8-r>");
		buf_bytes(&expected, buf_view(&html));
		buf_text(&html, "\xf0");
		buf_text(&expected, is_far ? "\xc3\xb0" : "\xd0\x9f");
		expect_html(NULL, buf_view(&html), buf_view(&expected));
	}
	buf_release(&html);
	buf_release(&expected);
	expect_html(NULL, BYTES("<meta charset=koi8-r-koi8-r-koi8-r-koi8-r-koi8-r-koi8-r>\xf0"),
	    BYTES("<meta charset=koi8-r-koi8-r-koi8-r-koi8-r-koi8-r-koi8-r>\xc3\xb0"));
}
END_TEST

SUITE(identity_changes_nothing, base64, quoted_printable, uuencode, text_is_converted,
    html_names_its_own_charset, a_charset_far_down_or_far_too_long_is_none)
