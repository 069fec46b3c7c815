#include "tests/unit/archive.h"

#include "base/utf8.h"
#include "index/extract.h"

static struct archive a;
static struct extract extract;

static void take_bytes(struct bytes text)
{
	struct msg_id id = archive_put_bytes(&a, text);
	int i;

	archive_commit(&a);
	OK(extract_message(&extract, a.vault, &id, err));
	for (i = 0; i < EXTRACT_COLUMNS; i++) {
		struct bytes column = buf_view(&extract.column[i]);

		ck_assert_uint_le(column.n, EXTRACT_COLUMN_BYTES);
		ck_assert(!extract.column[i].overflow);
		ck_assert(utf8_valid(column));
	}
}

static void take(const char *text)
{
	take_bytes(bytes_of(text));
}

static void begin(void)
{
	archive_begin(&a);
	extract_init(&extract);
}

static void end(void)
{
	extract_release(&extract);
	archive_end(&a);
}

static void expect(enum extract_column column, const char *text)
{
	ck_assert_str_eq(buf_string(&extract.column[column]), text);
}

/* The words, with one blank between. */
static void expect_words(enum extract_column column, const char *text)
{
	struct bytes rest = buf_view(&extract.column[column]);
	char words[500];
	size_t n = 0;

	for (rest = bytes_trim(rest); rest.n > 0; rest = bytes_from(rest, 1)) {
		bool blank = strchr(" \t\r\n", rest.p[0]) != NULL;

		ck_assert_uint_lt(n, sizeof words - 1);
		if (!blank || words[n - 1] != ' ')
			words[n++] = blank ? ' ' : rest.p[0];
	}
	words[n] = '\0';
	ck_assert_str_eq(words, text);
}

START_TEST(headers_go_into_their_columns)
{
	begin();
	take("From: =?utf-8?q?J=C3=BCrgen?= Klein <jk@example.org>\r\n"
	     "To: a@example.net, Bob <b@example.net>\r\n"
	     "Cc: =?iso-8859-1?q?Andr=E9?= <c@example.net>\r\n"
	     "List-Id: Friends of tea <tea.example.com>\r\n"
	     "Subject: two\r\n lines =?utf-8?b?w6Q=?=\r\n"
	     "X-Other: not searched\r\n\r\nHello\r\n  world\r\n");
	expect_words(EXTRACT_FROM, "J\xc3\xbcrgen Klein <jk@example.org>");
	expect_words(EXTRACT_TO, "a@example.net, Bob <b@example.net>");
	expect_words(EXTRACT_CC, "Andr\xc3\xa9 <c@example.net>");
	expect_words(EXTRACT_LIST, "Friends of tea <tea.example.com>");
	expect_words(EXTRACT_SUBJECT, "two lines \xc3\xa4");
	expect_words(EXTRACT_BODY, "Hello world");
	expect(EXTRACT_FILENAME, "");
	expect(EXTRACT_ATTACHMENT, "");
	ck_assert_uint_eq(extract.attachments, 0);
	ck_assert(!extract.is_cut);
	end();
}
END_TEST

#define MIXED "Subject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nnot seen\r\n"
#define PART  "--b\r\nContent-Type: "
#define CLOSE "--b--\r\nnot seen either\r\n"

START_TEST(parts_go_where_a_reader_sees_them)
{
	begin();
	take(MIXED PART "text/plain\r\n\r\nbody one\r\n" PART
			"text/html\r\n\r\n<p>body <b>two</b></p><script>never</script>\r\n" PART
			"text/plain; name=\"note.txt\"\r\n\r\nwords of a note\r\n" PART
			"text/html\r\nContent-Disposition: attachment; filename=page.html\r\n\r\n"
			"<td>cell</td><td>two</td>\r\n" PART
			"application/pdf\r\nContent-Disposition: attachment;"
			" filename*=UTF-8''b%C3%A4r.pdf\r\n\r\n%PDF words inside\r\n" CLOSE);
	expect_words(EXTRACT_BODY, "body one body two words of a note");
	expect_words(EXTRACT_ATTACHMENT, "words of a note cell two");
	expect_words(EXTRACT_FILENAME, "note.txt page.html b\xc3\xa4r.pdf");
	expect_words(EXTRACT_SUBJECT, "s");
	ck_assert_uint_eq(extract.attachments, 3);
	end();
}
END_TEST

START_TEST(what_stands_inside_a_page_is_no_attachment)
{
	begin();
	take("Content-Type: multipart/related; boundary=b\r\n\r\n" PART
	     "text/html\r\n\r\n<img src=\"cid:one\">hello\r\n" PART
	     "image/png\r\nContent-ID: <one>\r\nContent-Disposition: inline;"
	     " filename=logo.png\r\n\r\nxx\r\n" CLOSE);
	ck_assert_uint_eq(extract.attachments, 0);
	expect_words(EXTRACT_FILENAME, "logo.png");
	take(MIXED PART "image/png\r\nContent-Disposition: attachment\r\n\r\nxx\r\n" CLOSE);
	ck_assert_uint_eq(extract.attachments, 1);
	end();
}
END_TEST

START_TEST(an_enclosed_message_is_text_of_an_attachment)
{
	begin();
	take(MIXED PART "text/plain\r\n\r\nsee below\r\n" PART
			"message/rfc822\r\n\r\nFrom: Carol <carol@example.org>\r\n"
			"Subject: inner words\r\n\r\ninner body\r\n" CLOSE);
	expect_words(EXTRACT_SUBJECT, "s");
	expect_words(EXTRACT_FROM, "");
	ck_assert_ptr_nonnull(
	    strstr(buf_string(&extract.column[EXTRACT_ATTACHMENT]), "inner words"));
	ck_assert_ptr_nonnull(strstr(buf_string(&extract.column[EXTRACT_ATTACHMENT]), "Carol"));
	ck_assert(strstr(buf_string(&extract.column[EXTRACT_BODY]), "inner body") ||
	    strstr(buf_string(&extract.column[EXTRACT_ATTACHMENT]), "inner body"));
	end();
}
END_TEST

START_TEST(an_enclosed_message_is_an_attachment)
{
	begin();
	take(MIXED PART "message/rfc822; name=letter.eml\r\n\r\nSubject: x\r\n\r\ny\r\n" CLOSE);
	ck_assert_uint_eq(extract.attachments, 1);
	expect_words(EXTRACT_FILENAME, "letter.eml");
	end();
}
END_TEST

START_TEST(a_body_with_a_name_is_a_body)
{
	begin();
	take("Content-Type: text/plain; name=mail.txt\r\n\r\nall of it\r\n");
	expect_words(EXTRACT_BODY, "all of it");
	expect(EXTRACT_ATTACHMENT, "");
	expect_words(EXTRACT_FILENAME, "mail.txt");
	ck_assert_uint_eq(extract.attachments, 0);
	take(MIXED PART
	    "text/x-diff; name=a.diff\r\nContent-Disposition: inline\r\n\r\n+x\r\n" CLOSE);
	expect_words(EXTRACT_BODY, "+x");
	ck_assert_uint_eq(extract.attachments, 1);
	end();
}
END_TEST

/* RFC 3462, 3464: the text, the fields, the message that came back. */
START_TEST(a_bounce_is_read_as_a_whole)
{
	begin();
	take("Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n" PART
	     "text/plain\r\n\r\nnot delivered\r\n" PART
	     "message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n"
	     "Action: failed\r\nDiagnostic-Code: smtp; 550 no such mailbox\r\n" PART
	     "text/rfc822-headers\r\n\r\nSubject: to nobody\r\n" CLOSE);
	expect_words(EXTRACT_BODY,
	    "not delivered Reporting-MTA: dns; mx.example.org Action: failed "
	    "Diagnostic-Code: smtp; 550 no such mailbox Subject: to nobody");
	end();
}
END_TEST

START_TEST(words_of_a_subject_are_joined)
{
	begin();
	take("Subject: =?UTF-8?B?SGVsbG8=?=\r\n =?UTF-8?B?IGludm9pY2U=?=\r\n\r\nx\r\n");
	expect(EXTRACT_SUBJECT, "Hello invoice");
	end();
}
END_TEST

START_TEST(the_message_before_is_forgotten)
{
	begin();
	take("From: x\r\nTo: y\r\nCc: z\r\nSubject: s\r\nList-Id: l\r\n"
	     "Content-Type: multipart/mixed; boundary=b\r\n\r\n" PART
	     "text/plain\r\n\r\none\r\n" PART "text/html; name=n.html\r\n\r\ntwo\r\n" PART
	     "text/csv; name=n.csv\r\n\r\na,b\r\n" CLOSE);
	ck_assert_uint_eq(extract.attachments, 2);
	take("\r\nonly a body\r\n");
	expect_words(EXTRACT_BODY, "only a body");
	for (int i = 0; i < EXTRACT_COLUMNS; i++)
		if (i != EXTRACT_BODY)
			expect((enum extract_column)i, "");
	ck_assert_uint_eq(extract.attachments, 0);
	end();
}
END_TEST

START_TEST(broken_mail_gives_what_there_is)
{
	static const char *const broken[] = {"", "\r\n", "\r\n\r\n", "x", "Subject",
	    "Subject:", ": empty name\r\n\r\nbody",
	    "Content-Type: multipart/mixed\r\n\r\nno boundary",
	    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n",
	    "Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n\r\nx\r\n----\r\n",
	    "Content-Type: text/html\r\n\r\n<<<a href='<table><td <p",
	    "Content-Type: text/plain; charset=no-such\r\n\r\n\xff\xfe\x80",
	    "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!====\r\n",
	    "Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\nSubject: x",
	    "Subject: =?utf-8?b?/////w==?= =?x?y?z?=\r\n\r\n\xc3"};
	size_t i;

	begin();
	for (i = 0; i < sizeof broken / sizeof *broken; i++)
		take(broken[i]);
	take_bytes(BYTES("Subject: a\0b\r\n\r\nc\0d\r\n"));
	end();
}
END_TEST

START_TEST(columns_end_at_their_limit_with_a_whole_character)
{
	static const char head[] = "Content-Type: text/plain; charset=utf-8\r\n\r\n";
	size_t shift, bytes = EXTRACT_COLUMN_BYTES + 5000;
	char *text = mem_alloc(bytes);

	begin();
	for (shift = 0; shift < 4; shift++) {
		size_t n = sizeof head - 1, start = n;

		memcpy(text, head, n);
		memset(text + n, 'x', shift);
		for (n += shift; n + 6 < bytes; n += 3)
			memcpy(text + n, (n - start) % 60 < 3 ? "ab\n" : "\xe2\x82\xac", 3);
		take_bytes((struct bytes){text, n});
		ck_assert(extract.is_cut);
		ck_assert_uint_gt(extract.column[EXTRACT_BODY].n, EXTRACT_COLUMN_BYTES - 100);
	}
	take("\r\nshort\r\n");
	ck_assert(!extract.is_cut);
	free(text);
	end();
}
END_TEST

/* Parts that fill a column one after the other, up to its last byte. */
START_TEST(many_parts_share_a_column)
{
	struct buf text;
	unsigned i;

	begin();
	buf_init(&text, 64 << 20);
	buf_text(&text, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	for (i = 0; i < 50; i++) {
		size_t k;

		buf_text(&text, PART "text/plain; charset=utf-8\r\n\r\n");
		for (k = 0; k < 30000; k++)
			buf_text(&text, k % 20 ? "\xc3\xa4\xc3\xb6" : "\r\n");
		buf_text(&text, "\r\n");
	}
	buf_text(&text, CLOSE);
	take_bytes(buf_view(&text));
	ck_assert(extract.is_cut);
	ck_assert_uint_ge(extract.column[EXTRACT_BODY].n, EXTRACT_COLUMN_BYTES - 4);
	buf_release(&text);
	end();
}
END_TEST

/* A text of nothing but different words ends early; a longer one of few words does not. */
START_TEST(data_that_looks_like_text_is_cut)
{
	struct buf text;
	unsigned i;

	begin();
	buf_init(&text, 64 << 20);
	buf_text(&text, "Subject: tea\r\n\r\nfirst ");
	for (i = 0; i < 500000; i++)
		buf_format(&text, "%06x%s", i, i % 10 ? " " : "\r\n");
	take_bytes(buf_view(&text));
	ck_assert(extract.is_cut);
	expect_words(EXTRACT_SUBJECT, "tea");
	ck_assert(bytes_starts(buf_view(&extract.column[EXTRACT_BODY]), "first 000000"));
	ck_assert_uint_lt(extract.column[EXTRACT_BODY].n, 1 << 20);

	buf_clear(&text);
	buf_text(&text, "\r\n");
	for (i = 0; i < 500000; i++)
		buf_format(&text, "%06x%s", i % 50000, i % 10 ? " " : "\r\n");
	take_bytes(buf_view(&text));
	ck_assert(!extract.is_cut);
	ck_assert_uint_gt(extract.column[EXTRACT_BODY].n, 3 << 20);
	buf_release(&text);
	end();
}
END_TEST

START_TEST(large_columns_are_given_back)
{
	struct buf text;

	begin();
	buf_init(&text, 16 << 20);
	buf_text(&text, "Subject: tea\r\n\r\n");
	while (text.n < 3 << 20)
		buf_text(&text, "one and the same line\r\n");
	take_bytes(buf_view(&text));
	extract_trim(&extract);
	ck_assert_uint_eq(extract.column[EXTRACT_BODY].room, 0);
	expect_words(EXTRACT_SUBJECT, "tea");
	take("\r\nbody\r\n");
	expect_words(EXTRACT_BODY, "body");
	buf_release(&text);
	end();
}
END_TEST

START_TEST(only_an_archive_that_cannot_be_read_fails)
{
	struct msg_id none = {0};

	begin();
	take("\r\nbody\r\n");
	FAILS(ERR_ABSENT, extract_message(&extract, a.vault, &none, err));
	expect(EXTRACT_BODY, "");
	end();
}
END_TEST

SUITE(headers_go_into_their_columns, parts_go_where_a_reader_sees_them,
    what_stands_inside_a_page_is_no_attachment, an_enclosed_message_is_text_of_an_attachment,
    an_enclosed_message_is_an_attachment, a_body_with_a_name_is_a_body, a_bounce_is_read_as_a_whole,
    words_of_a_subject_are_joined, the_message_before_is_forgotten, broken_mail_gives_what_there_is,
    columns_end_at_their_limit_with_a_whole_character, many_parts_share_a_column,
    data_that_looks_like_text_is_cut, large_columns_are_given_back,
    only_an_archive_that_cannot_be_read_fails)
