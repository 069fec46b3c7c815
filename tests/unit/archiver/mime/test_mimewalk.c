#include "tests/unit/suite.h"

#include "archiver/mime/mimewalk.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* What a visitor saw, as lines:
 *   H subject text           h for an enclosed message
 *   1@0 text/plain           number, depth, type; then [name], A attachment, I inline image,
 *                            (only with tells_shown) S shown; "M " before an enclosed message
 *   "data"                   of a wanted part, between the calls of data() nothing */
struct seen {
	struct buf log;
	enum mimewalk_want want, text_want;
	int stop_at; /* -1 from the n-th call */
	int calls;
	bool is_open, tells_shown;
};

static int call(struct seen *seen, struct err *err)
{
	if (seen->stop_at > 0 && ++seen->calls == seen->stop_at)
		return err_set(err, ERR_STOPPED, "enough");
	ck_assert_msg(seen->stop_at == 0 || seen->calls < seen->stop_at, "called again");
	return 0;
}

static int on_header(
    void *arg, enum mimewalk_field field, struct bytes text, bool is_enclosed, struct err *err)
{
	static const char *const names[] = {"subject", "from", "to", "cc", "list"};
	struct seen *seen = arg;

	ck_assert(utf8_valid(text));
	buf_format(&seen->log, "%c %s ", is_enclosed ? 'h' : 'H', names[field]);
	buf_bytes(&seen->log, text);
	buf_char(&seen->log, '\n');
	return call(seen, err);
}

static int on_part(
    void *arg, const struct mimewalk_part *part, enum mimewalk_want *want, struct err *err)
{
	struct seen *seen = arg;

	ck_assert_int_eq(*want, MIMEWALK_NOTHING);
	ck_assert(!seen->is_open);
	buf_format(&seen->log, "%u@%u %s", part->number, part->depth, part->type);
	if (part->name.n > 0)
		buf_format(&seen->log, " [%.*s]", (int)part->name.n, part->name.p);
	buf_format(&seen->log, "%s%s%s\n", part->is_attachment ? " A" : "",
	    part->is_inline_image ? " I" : "", seen->tells_shown && part->is_shown ? " S" : "");
	*want = strncmp(part->type, "text/", 5) == 0 ? seen->text_want : seen->want;
	if (*want != MIMEWALK_NOTHING)
		buf_char(&seen->log, '"');
	seen->is_open = *want != MIMEWALK_NOTHING;
	return call(seen, err);
}

static int on_message(
    void *arg, const struct mimewalk_part *part, enum mimewalk_want *want, struct err *err)
{
	struct seen *seen = arg;

	buf_text(&seen->log, "M ");
	return on_part(arg, part, want, err);
}

static int on_data(void *arg, struct bytes piece, struct err *err)
{
	struct seen *seen = arg;

	ck_assert(seen->is_open && piece.n > 0);
	buf_bytes(&seen->log, piece);
	return call(seen, err);
}

static int on_end(void *arg, struct err *err)
{
	struct seen *seen = arg;

	ck_assert(seen->is_open);
	seen->is_open = false;
	buf_text(&seen->log, "\"\n");
	return call(seen, err);
}

static struct mimewalk_visitor visitor_of(struct seen *seen)
{
	memset(seen, 0, sizeof *seen);
	buf_init(&seen->log, 1 << 26);
	seen->want = MIMEWALK_BYTES;
	seen->text_want = MIMEWALK_TEXT;
	return (struct mimewalk_visitor){
	    .arg = seen, .header = on_header, .part = on_part, .data = on_data, .end = on_end};
}

static int file_of(struct bytes data)
{
	char name[] = "/tmp/mimewalk-XXXXXX";
	int fd = mkstemp(name);

	ck_assert_int_ge(fd, 0);
	unlink(name);
	OK(file_write(fd, data.p, data.n, name, err));
	return fd;
}

/* From memory and from a file the same is seen. */
static void expect_limited(struct bytes message, const struct mimewalk_limits *limits,
    const char *expected, bool truncated)
{
	int fd = file_of(message);

	for (int from_file = 0; from_file < 2; from_file++) {
		struct mimewalk_source source = {.memory = message, .fd = from_file ? fd : -1};
		struct seen seen;
		struct mimewalk_visitor visitor = visitor_of(&seen);

		OK(mimewalk(&source, limits, &visitor, err));
		ck_assert_str_eq(buf_string(&seen.log), expected);
		ck_assert_int_eq(visitor.truncated, truncated);
		buf_release(&seen.log);
	}
	close(fd);
}

static void expect(const char *message, const char *expected)
{
	expect_limited(bytes_of(message), NULL, expected, false);
}

/* With message(), and which texts are shown. */
static void expect_told(const char *text, const char *expected)
{
	int fd = file_of(bytes_of(text));

	for (int from_file = 0; from_file < 2; from_file++) {
		struct mimewalk_source source = {
		    .memory = bytes_of(text), .fd = from_file ? fd : -1};
		struct seen seen;
		struct mimewalk_visitor visitor = visitor_of(&seen);

		visitor.message = on_message;
		seen.tells_shown = true;
		OK(mimewalk(&source, NULL, &visitor, err));
		ck_assert_str_eq(buf_string(&seen.log), expected);
		buf_release(&seen.log);
	}
	close(fd);
}

START_TEST(a_plain_message_is_its_only_part)
{
	expect("Subject: =?utf-8?Q?=C3=A4?=\r\nTo: a@b\r\n\r\nHello\r\n",
	    "H subject \xc3\xa4\nH to a@b\n1@0 text/plain\n\"Hello\r\n\"\n");
	expect("Subject: x\n\n", "H subject x\n1@0 text/plain\n\"\"\n");
	expect("Subject: x\n", "H subject x\n1@0 text/plain\n\"\"\n");
	expect("Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\nZm9v\n",
	    "1@0 application/pdf A\n\"foo\"\n");
}
END_TEST

START_TEST(fields_of_the_message_come_as_text)
{
	expect("From: Andr\xe9 <a@b>\nTo: x@y,\n z@y\nTo: second@y\nCc:\nList-Id: <l.x>\n"
	       "Reply-To: no\n\n",
	    "H from Andr\xc3\xa9 <a@b>\nH to x@y, z@y\nH to second@y\nH list <l.x>\n"
	    "1@0 text/plain\n\"\"\n");
}
END_TEST

/* The example of RFC 2046 5.1.1, its preamble and epilogue included. */
START_TEST(the_multipart_of_the_rfc)
{
	expect("From: Nathaniel Borenstein <nsb@bellcore.com>\r\n"
	       "Subject: Sample message\r\nMIME-Version: 1.0\r\n"
	       "Content-type: multipart/mixed; boundary=\"simple boundary\"\r\n\r\n"
	       "This is the preamble.  It is to be ignored.\r\n\r\n"
	       "--simple boundary\r\n\r\n"
	       "This is implicitly typed plain US-ASCII text.\r\n"
	       "It does NOT end with a linebreak.\r\n"
	       "--simple boundary\r\n"
	       "Content-type: text/plain; charset=us-ascii\r\n\r\n"
	       "This is explicitly typed plain US-ASCII text.\r\n"
	       "It DOES end with a linebreak.\r\n\r\n"
	       "--simple boundary--\r\n\r\n"
	       "This is the epilogue.  It is also to be ignored.\r\n",
	    "H from Nathaniel Borenstein <nsb@bellcore.com>\nH subject Sample message\n"
	    "1@1 text/plain\n\"This is implicitly typed plain US-ASCII text.\r\n"
	    "It does NOT end with a linebreak.\"\n"
	    "2@1 text/plain\n\"This is explicitly typed plain US-ASCII text.\r\n"
	    "It DOES end with a linebreak.\r\n\"\n");
}
END_TEST

#define MIXED(boundary) "Content-Type: multipart/mixed; boundary=" boundary "\n\n"

START_TEST(nested_multiparts)
{
	expect(MIXED("o") "--o\n" MIXED("i") "--i\n\none\n--i\n\ntwo\n--i--\nignored\n"
					     "--o\n\nthree\n--o--\n",
	    "1@2 text/plain\n\"one\"\n2@2 text/plain\n\"two\"\n3@1 text/plain\n\"three\"\n");
	/* the inner one lacks its end, the outer one too */
	expect(MIXED("o") "--o\n" MIXED("i") "--i\n\none\n--o\n\ntwo",
	    "1@2 text/plain\n\"one\"\n2@1 text/plain\n\"two\"\n");
}
END_TEST

START_TEST(parts_with_little_in_them)
{
	expect(MIXED("b") "--b\n--b\nContent-Type: a/b\n--b\n\n--b\nX: y\n\n--b--\n",
	    "1@1 text/plain\n\"\"\n2@1 a/b A\n\"\"\n3@1 text/plain\n\"\"\n4@1 text/plain\n\"\"\n");
	expect(MIXED("b") "--b--\n", "");
	expect("Content-Type: multipart/mixed; boundary=b\n", "");
	expect(MIXED("b"), "1@0 text/plain\n\"\"\n");
}
END_TEST

START_TEST(an_enclosed_message_is_walked_as_well)
{
	expect("Subject: outer\nContent-Type: message/rfc822\n\n"
	       "From: x@y\nSubject: =?utf-8?Q?inner?=\n\nHello\n",
	    "H subject outer\nh from x@y\nh subject inner\n1@1 text/plain\n\"Hello\n\"\n");
	expect(MIXED("b") "--b\nContent-Type: message/rfc822\n\nSubject: in\n" MIXED(
		   "c") "--c\n\none\n--c--\n--b\n\ntwo\n--b--\n",
	    "h subject in\n1@3 text/plain\n\"one\"\n2@1 text/plain\n\"two\"\n");
	expect("Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: a\n\none\n--b\n\n"
	       "Subject: b\n\ntwo\n--b--\n",
	    "h subject a\n1@2 text/plain\n\"one\"\nh subject b\n2@2 text/plain\n\"two\"\n");
	expect(MIXED("b") "--b\nContent-Type: message/rfc822\n\n--b--\n", "1@2 text/plain\n\"\"\n");
}
END_TEST

/* Against RFC 2046 5.2.1, but found in real mail. */
START_TEST(an_encoded_enclosed_message_is_walked_as_well)
{
	/* base64 of "Subject: in\n\nHello\n" */
	expect(MIXED("b") "--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
			  "U3ViamVjdDogaW4KCkhlbGxvCg==\n--b\n\ntwo\n--b--\n",
	    "h subject in\n1@2 text/plain\n\"Hello\n\"\n2@1 text/plain\n\"two\"\n");
	/* of "Content-Type: text/plain; charset=koi8-r\n\n\xf0\n" */
	expect("Content-Type: message/rfc822\nContent-Transfer-Encoding: "
	       "base64\n\nQ29udGVudC1UeXBlOiB0ZXh0L3BsYWluOyBjaGFyc2V0PWtvaTgtcgoK8Ao=",
	    "1@1 text/plain\n\"\xd0\x9f\n\"\n");
}
END_TEST

START_TEST(an_enclosed_message_can_be_had_as_a_whole)
{
	expect_told(MIXED("b") "--b\n\nhi\n--b\nContent-Type: message/rfc822; name=x.eml\n\n"
			       "Subject: in\n" MIXED("c") "--c\n\none\n--c--\n--b\n\ntwo\n--b--\n",
	    "1@1 text/plain S\n\"hi\"\nM 2@1 message/rfc822 [x.eml] A\n\"Subject: in\n" MIXED(
		"c") "--c\n\none\n--c--\"\nh subject in\n3@3 text/plain S\n\"one\"\n"
		     "4@1 text/plain S\n\"two\"\n");
	/* base64 of "Subject: in\n\nHello\n"; message within message */
	expect_told(MIXED("b") "--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: "
			       "base64\n\nU3ViamVjdDogaW4KCkhlbGxvCg==\n--b--\n",
	    "M 1@1 message/rfc822 A\n\"Subject: in\n\nHello\n\"\nh subject in\n"
	    "2@2 text/plain S\n\"Hello\n\"\n");
	expect_told("Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nTo: x\n\ny",
	    "M 1@0 message/rfc822 A\n\"Content-Type: message/rfc822\n\nTo: x\n\ny\"\n"
	    "M 2@1 message/rfc822 A\n\"To: x\n\ny\"\nh to x\n3@2 text/plain S\n\"y\"\n");
}
END_TEST

/* RFC 2183 2.1, 2.2: "inline" is shown; a name alone says nothing of it. */
START_TEST(texts_that_a_reader_shows)
{
	expect_told(
	    "Content-Type: text/plain; name=body.txt\n\nx", "1@0 text/plain [body.txt] S\n\"x\"\n");
	expect_told("Content-Disposition: inline; filename=body.txt\n\nx",
	    "1@0 text/plain [body.txt] S\n\"x\"\n");
	expect_told("Content-Disposition: attachment; filename=body.txt\n\nx",
	    "1@0 text/plain [body.txt] A S\n\"x\"\n");
	expect_told(MIXED("b") "--b\nContent-Type: text/plain; name=n.txt\n\n1\n"
			       "--b\nContent-Type: text/csv; name=n.csv\n\n2\n"
			       "--b\nContent-Type: text/x-patch; name=n.patch\n"
			       "Content-Disposition: inline\n\n3\n"
			       "--b\nContent-Disposition: attachment\n\n4\n"
			       "--b\nContent-Type: message/delivery-status\n\nStatus: 4.0.0\n"
			       "--b--\n",
	    "1@1 text/plain [n.txt] A S\n\"1\"\n2@1 text/csv [n.csv] A\n\"2\"\n"
	    "3@1 text/x-patch [n.patch] A S\n\"3\"\n4@1 text/plain A\n\"4\"\n"
	    "5@1 message/delivery-status A S\n\"Status: 4.0.0\"\n");
}
END_TEST

START_TEST(names_and_kinds_of_attachments)
{
	expect("Content-Type: multipart/related; boundary=b\n\n"
	       "--b\nContent-Type: text/html\n\n<img src=cid:a>\n"
	       "--b\nContent-Type: image/png; name=\"../p.png\"\nContent-ID: <a>\n"
	       "Content-Transfer-Encoding: base64\n\nZm9v\n"
	       "--b\nContent-Type: image/png\nContent-ID: <b>\nContent-Disposition: attachment\n\n"
	       "--b\nContent-Type: image/png\n\n"
	       "--b\nContent-Type: text/plain\nContent-Disposition: attachment\n\n"
	       "--b\nContent-Type: text/plain; name=n.txt\n\n"
	       "--b--\n",
	    "1@1 text/html\n\"<img src=cid:a>\"\n2@1 image/png [p.png] A I\n\"foo\"\n"
	    "3@1 image/png A\n\"\"\n4@1 image/png A\n\"\"\n5@1 text/plain A\n\"\"\n"
	    "6@1 text/plain [n.txt] A\n\"\"\n");
	expect(MIXED("b") "--b\nContent-Type: image/png\nContent-ID: <a>\n\n--b--",
	    "1@1 image/png A\n\"\"\n");
}
END_TEST

START_TEST(text_comes_as_utf8_whatever_it_was)
{
	expect("Content-Type: text/plain; charset=koi8-r\n"
	       "Content-Transfer-Encoding: quoted-printable\n\n=F0=D2=C9\n",
	    "1@0 text/plain\n\"\xd0\x9f\xd1\x80\xd0\xb8\n\"\n");
	expect("Content-Type: text/plain; charset=utf-8\n\ncaf\xe9 \xc3\xa9\n",
	    "1@0 text/plain\n\"caf\xc3\xa9 \xc3\xa9\n\"\n");
	expect("Content-Type: text/plain; charset=utf-8\n\ncaf\xc3",
	    "1@0 text/plain\n\"caf\xc3\x83\"\n");
	expect("Content-Type: text/plain; charset=nonsense\n\ncaf\xe9\n",
	    "1@0 text/plain\n\"caf\xc3\xa9\n\"\n");
}
END_TEST

START_TEST(the_visitor_gets_what_it_wants)
{
	struct mimewalk_source source = {
	    .memory = BYTES(MIXED("b") "--b\n\ncaf\xe9\n--b\nContent-Type: a/b\n\nx\n--b--\n"),
	    .fd = -1};
	struct seen seen;
	struct mimewalk_visitor visitor = visitor_of(&seen);

	seen.text_want = MIMEWALK_BYTES;
	seen.want = MIMEWALK_NOTHING;
	OK(mimewalk(&source, NULL, &visitor, err));
	ck_assert_str_eq(buf_string(&seen.log), "1@1 text/plain\n\"caf\xe9\"\n2@1 a/b A\n");
	buf_clear(&seen.log);
	seen.text_want = MIMEWALK_NOTHING;
	seen.want = MIMEWALK_TEXT;
	OK(mimewalk(&source, NULL, &visitor, err));
	ck_assert_str_eq(buf_string(&seen.log), "1@1 text/plain\n2@1 a/b A\n\"x\"\n");
	buf_clear(&seen.log);
	visitor.header = NULL;
	visitor.data = NULL;
	visitor.end = NULL;
	OK(mimewalk(&source, NULL, &visitor, err));
	buf_release(&seen.log);
}
END_TEST

START_TEST(a_visitor_can_stop_the_walk)
{
	struct mimewalk_source source = {
	    .memory = BYTES("Subject: x\n" MIXED("b") "--b\n\none\n--b\n\ntwo\n--b--\n"), .fd = -1};

	for (int stop_at = 1; stop_at <= 7; stop_at++) {
		struct seen seen;
		struct mimewalk_visitor visitor = visitor_of(&seen);

		seen.stop_at = stop_at;
		FAILS(ERR_STOPPED, mimewalk(&source, NULL, &visitor, err));
		ck_assert(!visitor.truncated);
		buf_release(&seen.log);
	}
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_an_error)
{
	int fd = file_of(BYTES("x"));
	struct mimewalk_source source = {.fd = fd};
	struct seen seen;
	struct mimewalk_visitor visitor = visitor_of(&seen);

	close(fd);
	FAILS(ERR_IO, mimewalk(&source, NULL, &visitor, err));
	buf_release(&seen.log);
}
END_TEST

START_TEST(messages_without_a_header)
{
	expect("", "1@0 text/plain\n\"\"\n");
	expect("\nbody\n", "1@0 text/plain\n\"body\n\"\n");
	expect("just text\nand more\n\nto read\n",
	    "1@0 text/plain\n\"just text\nand more\n\nto read\n\"\n");
	expect("just text", "1@0 text/plain\n\"just text\"\n");
	expect(MIXED("b") "--b\nno header here\n\nbut text\n--b--\n",
	    "1@1 text/plain\n\"no header here\n\nbut text\"\n");
}
END_TEST

START_TEST(headers_that_do_not_end_as_they_should)
{
	expect("From a@b Mon Jan  1 00:00:00 2019\nSubject: x\n\nbody",
	    "H subject x\n1@0 text/plain\n\"body\"\n");
	expect("Subject: x\nbroken line\nTo: y\n\nbody",
	    "H subject x\nH to y\n1@0 text/plain\n\"body\"\n");
	/* no empty line at all: the body begins where the fields end */
	expect("Subject: x\nhello there\nthis is text",
	    "H subject x\n1@0 text/plain\n\"hello there\nthis is text\"\n");
	expect("Subject: x\nhello there\nTo: y\n",
	    "H subject x\n1@0 text/plain\n\"hello there\nTo: y\n\"\n");
	expect("Content-Type: multipart/mixed; boundary=b\nTo: y\nThis is MIME.\n"
	       "--b\n\none\n--b--\n",
	    "H to y\n1@1 text/plain\n\"one\"\n");
	expect("Content-Type: multipart/mixed; boundary=b\n--b\n\none\n--b--\n",
	    "1@1 text/plain\n\"one\"\n");
	/* and the other line ends */
	expect(
	    "Subject: x\rTo: y\r\rone\rtwo", "H subject x\nH to y\n1@0 text/plain\n\"one\rtwo\"\n");
	expect("Subject: x\r\r\n\r\r\none", "H subject x\n1@0 text/plain\n\"one\"\n");
}
END_TEST

START_TEST(multiparts_without_their_boundary_are_text)
{
	expect("Content-Type: multipart/mixed\n\n--b\none\n", "1@0 text/plain\n\"--b\none\n\"\n");
	expect(MIXED("b") "--c\n\none\n--c--\n", "1@0 text/plain\n\"--c\n\none\n--c--\n\"\n");
	expect(MIXED("b") "--b\n" MIXED("i") "lost\n--b\n\ntwo\n--b--\n",
	    "1@1 text/plain\n\"lost\"\n2@1 text/plain\n\"two\"\n");
	expect(MIXED("\"\"") "--\n\none\n", "1@0 text/plain\n\"--\n\none\n\"\n");
}
END_TEST

/* A message of nested multiparts; each has a text before the next. */
static void put_nested(struct buf *out, int levels)
{
	for (int i = 0; i < levels; i++)
		buf_format(out, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i);
	buf_text(out, "\nleaf\n");
}

START_TEST(depth_is_limited)
{
	struct mimewalk_limits limits = {.depth = 3};
	struct buf message;

	buf_init(&message, 1 << 20);
	put_nested(&message, 3);
	expect_limited(buf_view(&message), &limits, "1@3 text/plain\n\"leaf\n\"\n", false);
	limits.depth = 2;
	expect_limited(
	    buf_view(&message), &limits, "1@2 multipart/mixed\n\"--b2\n\nleaf\n\"\n", true);
	buf_clear(&message);
	put_nested(&message, 50);
	expect_limited(buf_view(&message), NULL, "1@50 text/plain\n\"leaf\n\"\n", false);
	buf_clear(&message);
	put_nested(&message, 51);
	expect_limited(
	    buf_view(&message), NULL, "1@50 multipart/mixed\n\"--b50\n\nleaf\n\"\n", true);
	buf_clear(&message);
	for (int i = 0; i < 3; i++)
		buf_text(&message, "Content-Type: message/rfc822\n\n");
	expect_limited(buf_view(&message), &limits, "1@2 message/rfc822\n\"\"\n", true);
	buf_release(&message);
}
END_TEST

START_TEST(any_depth_can_be_asked_for)
{
	struct mimewalk_limits limits = {.depth = 1000000};
	struct mimewalk_source source = {.fd = -1};
	struct seen seen;
	struct mimewalk_visitor visitor = visitor_of(&seen);
	struct buf message;

	buf_init(&message, 1 << 24);
	for (int i = 0; i < 100000; i++)
		buf_text(&message, "Content-Type: message/rfc822\n\n");
	put_nested(&message, 10000);
	source.memory = buf_view(&message);
	OK(mimewalk(&source, &limits, &visitor, err));
	ck_assert(visitor.truncated);
	buf_release(&message);
	buf_release(&seen.log);
}
END_TEST

START_TEST(the_number_of_parts_is_limited)
{
	struct mimewalk_limits limits = {.parts = 2};
	const char *three = MIXED("b") "--b\n\none\n--b\n\ntwo\n--b\n\nthree\n--b--\n";

	expect_limited(
	    bytes_of(three), &limits, "1@1 text/plain\n\"one\"\n2@1 text/plain\n\"two\"\n", true);
	limits.parts = 3;
	expect_limited(bytes_of(three), &limits,
	    "1@1 text/plain\n\"one\"\n2@1 text/plain\n\"two\"\n3@1 text/plain\n\"three\"\n", false);
	/* what holds parts counts as well */
	limits.parts = 2;
	expect_limited(BYTES(MIXED("o") "--o\n" MIXED("a") "--a--\n--o\n" MIXED(
			   "b") "--b--\n--o\n\none\n--o--\n"),
	    &limits, "", true);
}
END_TEST

START_TEST(text_is_limited_at_a_whole_character)
{
	struct mimewalk_limits limits = {.text_bytes = 4};
	const char *message = MIXED("b") "--b\n\nabc\xc3\xa4\n--b\n\nabcd\n--b--\n";

	expect_limited(bytes_of(message), &limits,
	    "1@1 text/plain\n\"abc\"\n2@1 text/plain\n\"abcd\"\n", true);
	limits.text_bytes = 5;
	expect_limited(bytes_of(message), &limits,
	    "1@1 text/plain\n\"abc\xc3\xa4\"\n2@1 text/plain\n\"abcd\"\n", false);
}
END_TEST

START_TEST(bytes_are_limited_in_all)
{
	struct mimewalk_limits limits = {.total_bytes = 5};
	const char *message = MIXED(
	    "b") "--b\nContent-Type: a/b\n\nabc\n--b\nContent-Type: a/b\n\ndef\n--b\n\nx\n--b--\n";

	expect_limited(bytes_of(message), &limits, "1@1 a/b A\n\"abc\"\n2@1 a/b A\n\"de\"\n", true);
	limits.total_bytes = 7;
	expect_limited(bytes_of(message), &limits,
	    "1@1 a/b A\n\"abc\"\n2@1 a/b A\n\"def\"\n3@1 text/plain\n\"x\"\n", false);
}
END_TEST

/* 4 MiB of text by default, over many pieces. */
START_TEST(the_default_limit_of_text)
{
	struct mimewalk_source source = {.fd = -1};
	struct seen seen;
	struct mimewalk_visitor visitor = visitor_of(&seen);
	struct buf message;
	size_t n = 5 * 1024 * 1024;

	buf_init(&message, 1 << 24);
	buf_text(&message, "Subject: x\n\n");
	memset(buf_reserve(&message, n), 'x', n);
	message.n += n;
	source.memory = buf_view(&message);
	OK(mimewalk(&source, NULL, &visitor, err));
	ck_assert(visitor.truncated);
	ck_assert_uint_eq(seen.log.n, strlen("H subject x\n1@0 text/plain\n\"\"\n") + 4194304);
	buf_release(&message);
	buf_release(&seen.log);
}
END_TEST

START_TEST(a_header_of_many_megabytes)
{
	struct mimewalk_source source = {.fd = -1};
	struct seen seen;
	struct mimewalk_visitor visitor = visitor_of(&seen);
	struct buf message;

	buf_init(&message, 1 << 26);
	buf_text(&message, "To: ");
	for (int i = 0; i < 100000; i++)
		buf_format(&message, "=?utf-8?Q?Recipient?= <recipient-%06d@example.org>,\n ", i);
	buf_text(&message, "\nSubject: x\n\nbody");
	source.memory = buf_view(&message);
	OK(mimewalk(&source, NULL, &visitor, err));
	ck_assert(visitor.truncated);
	ck_assert(bytes_starts(buf_view(&seen.log), "H to Recipient <recipient-000000@"));
	ck_assert_ptr_nonnull(
	    strstr(buf_string(&seen.log), "\nH subject x\n1@0 text/plain\n\"body\"\n"));
	buf_release(&message);
	buf_release(&seen.log);
}
END_TEST

/* What stands behind 8 MiB of header is stepped over, up to the body. */
START_TEST(a_header_longer_than_is_read)
{
	struct mimewalk_source source = {.fd = -1};
	struct seen seen;
	struct mimewalk_visitor visitor = visitor_of(&seen);
	struct buf message;

	buf_init(&message, 1 << 26);
	buf_text(&message, "Subject: x\n");
	while (message.n < 9 * 1024 * 1024)
		buf_text(&message, "X-Much: this header is longer than any that is read\n");
	buf_text(&message, "To: y\n\nbody");
	source.memory = buf_view(&message);
	OK(mimewalk(&source, NULL, &visitor, err));
	ck_assert(visitor.truncated);
	ck_assert_str_eq(buf_string(&seen.log), "H subject x\n1@0 text/plain\n\"body\"\n");
	buf_release(&message);
	buf_release(&seen.log);
}
END_TEST

static int swallow(void *arg, struct bytes piece, struct err *err)
{
	*(uint64_t *)arg += piece.n;
	(void)err;
	return 0;
}

static int want_bytes(
    void *arg, const struct mimewalk_part *part, enum mimewalk_want *want, struct err *err)
{
	(void)arg;
	(void)part;
	(void)err;
	*want = MIMEWALK_BYTES;
	return 0;
}

static long resident_kilobytes(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

/* A quarter of a gigabyte, most of it a hole in the file: in a preamble, in one part, in an
 * epilogue, and in a multipart whose boundary never comes. */
START_TEST(memory_does_not_grow_with_the_message)
{
	static const char *const starts[] = {
	    MIXED("b"),
	    MIXED("b") "--b\nContent-Type: a/b\nContent-Transfer-Encoding: base64\n\n",
	    MIXED("b") "--b\n\none\n--b--\n",
	    "Subject: x\nContent-Transfer-Encoding: x-uuencode\n\nbegin ",
	};
	uint64_t size = 256 * 1024 * 1024, got = 0;
	long before;

	for (size_t i = 0; i < 4; i++) {
		int fd = file_of(bytes_of(starts[i]));
		struct mimewalk_source source = {.fd = fd};
		struct mimewalk_visitor visitor = {
		    .arg = &got, .part = want_bytes, .data = swallow};

		before = resident_kilobytes();
		OK(file_cut(fd, size, "the message", err));
		OK(mimewalk(&source, NULL, &visitor, err));
		ck_assert(!visitor.truncated);
		ck_assert_int_lt(resident_kilobytes() - before, 16 * 1024);
		close(fd);
	}
	ck_assert_uint_gt(got, size - 1000);
}
END_TEST

SUITE(a_plain_message_is_its_only_part, fields_of_the_message_come_as_text,
    the_multipart_of_the_rfc, nested_multiparts, parts_with_little_in_them,
    an_enclosed_message_is_walked_as_well, an_encoded_enclosed_message_is_walked_as_well,
    an_enclosed_message_can_be_had_as_a_whole, texts_that_a_reader_shows,
    names_and_kinds_of_attachments, text_comes_as_utf8_whatever_it_was,
    the_visitor_gets_what_it_wants, a_visitor_can_stop_the_walk,
    a_file_that_cannot_be_read_is_an_error, messages_without_a_header,
    headers_that_do_not_end_as_they_should, multiparts_without_their_boundary_are_text,
    depth_is_limited, any_depth_can_be_asked_for, the_number_of_parts_is_limited,
    text_is_limited_at_a_whole_character, bytes_are_limited_in_all, the_default_limit_of_text,
    a_header_of_many_megabytes, a_header_longer_than_is_read, memory_does_not_grow_with_the_message)
