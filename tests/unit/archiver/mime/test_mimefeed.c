#include "tests/unit/suite.h"

#include "archiver/mime/mimefeed.h"
#include "base/file.h"
#include "base/mem.h"

#include <string.h>
#include <unistd.h>

static int file_of(struct bytes data)
{
	char name[] = "/tmp/mimefeed-XXXXXX";
	int fd = mkstemp(name);

	ck_assert_int_ge(fd, 0);
	unlink(name);
	OK(file_write(fd, data.p, data.n, name, err));
	return fd;
}

/* The body up to the next boundary, as "content|", with how it stopped. */
static void body(struct mimefeed *feed, struct buf *out)
{
	struct bytes piece;
	struct err err = {0};
	int got;

	while ((got = mimefeed_body(feed, &piece, &err)) > 0)
		buf_bytes(out, piece);
	ck_assert_int_eq(got, 0);
	buf_format(out, "|%d%s|", feed->stop, feed->stop_is_last ? "!" : "");
}

/* Each body of a message in which these boundaries are open; from memory and from a file. */
static void expect(struct bytes message, const char *outer, const char *inner, const char *expected)
{
	int fd = file_of(message);

	for (int from_file = 0; from_file < 2; from_file++) {
		struct mimewalk_source source = {.memory = message, .fd = from_file ? fd : -1};
		struct mimefeed feed;
		struct buf out;

		buf_init(&out, 1 << 20);
		mimefeed_init(&feed, &source);
		ck_assert(!outer || mimefeed_push(&feed, outer));
		ck_assert(!inner || mimefeed_push(&feed, inner));
		do
			body(&feed, &out);
		while (feed.stop >= 0);
		ck_assert_str_eq(buf_string(&out), expected);
		buf_release(&out);
		mimefeed_release(&feed);
	}
	close(fd);
}

START_TEST(without_boundaries_all_is_body)
{
	expect(BYTES("--a\r\nb--\n--"), NULL, NULL, "--a\r\nb--\n--|-1!|");
	expect(BYTES(""), NULL, NULL, "|-1!|");
}
END_TEST

/* RFC 2046 5.1.1: the line break in front belongs to the boundary, blanks behind it do too. */
START_TEST(content_ends_before_the_line_break)
{
	expect(BYTES("one\r\n--x\r\ntwo\r\n\r\n--x--\r\nrest"), "x", NULL,
	    "one|0|two\r\n|0!|rest|-1!|");
	expect(BYTES("one\n--x\ntwo\n--x--"), "x", NULL, "one|0|two|0!||-1!|");
	expect(BYTES("--x\n--x \t\r\n\n--x-- \n"), "x", NULL, "|0||0||0!||-1!|");
	expect(BYTES("\n\n--x\n"), "x", NULL, "\n|0||-1!|");
}
END_TEST

START_TEST(what_only_looks_like_a_boundary)
{
	expect(BYTES("a --x\n--xy\n--y\n --x\n-- x\n---x\n--x-\n--"), "x", NULL,
	    "a --x\n--xy\n--y\n --x\n-- x\n---x\n--x-\n--|-1!|");
	expect(BYTES("--\n--x\n"), "x", NULL, "--|0||-1!|");
	expect(BYTES("--X\n"), "x", NULL, "--X\n|-1!|");
	expect(BYTES("--x--y\n"), "x", NULL, "--x--y\n|-1!|");
}
END_TEST

START_TEST(the_innermost_of_equal_boundaries_counts)
{
	expect(BYTES("--in\n--out\n--in--\n--out--\n"), "out", "in", "|1||0||1!||0!||-1!|");
	expect(BYTES("--x\n--x--\n"), "x", "x", "|1||1!||-1!|");
	expect(BYTES("--ab\n--a\n--ab--\n"), "a", "ab", "|1||0||1!||-1!|");
}
END_TEST

START_TEST(boundaries_that_are_none)
{
	struct mimewalk_source source = {.memory = BYTES(""), .fd = -1};
	char *much = mem_alloc(MIMEFEED_BOUNDARY_BYTES_MAX + 2);
	struct mimefeed feed;

	memset(much, 'x', MIMEFEED_BOUNDARY_BYTES_MAX + 1);
	much[MIMEFEED_BOUNDARY_BYTES_MAX + 1] = '\0';
	mimefeed_init(&feed, &source);
	ck_assert(!mimefeed_push(&feed, ""));
	ck_assert(!mimefeed_push(&feed, " \t"));
	ck_assert(!mimefeed_push(&feed, much));
	much[MIMEFEED_BOUNDARY_BYTES_MAX] = '\0';
	for (int i = 0; i < MIMEFEED_DEPTH_MAX; i++)
		ck_assert(mimefeed_push(&feed, much));
	ck_assert(!mimefeed_push(&feed, "x"));
	mimefeed_release(&feed);
	free(much);
}
END_TEST

/* A boundary at every place around the end of the window, in every line ending. */
START_TEST(boundaries_across_the_window)
{
	static const char *const breaks[] = {"\r\n", "\n"};

	for (size_t before = 65536 - 40; before < 65536 + 4; before++)
		for (size_t i = 0; i < 2; i++) {
			struct buf message, expected;

			buf_init(&message, 1 << 20);
			buf_init(&expected, 1 << 20);
			memset(buf_reserve(&message, before), '-', before);
			message.n = before;
			buf_bytes(&expected, buf_view(&message));
			buf_format(&message, "%s--boundary%smore", breaks[i], breaks[i]);
			buf_text(&expected, "|0|more|-1!|");
			expect(buf_view(&message), "boundary", NULL, buf_string(&expected));
			buf_release(&message);
			buf_release(&expected);
		}
}
END_TEST

START_TEST(the_middle_of_a_line_is_no_boundary)
{
	for (size_t before = 65536 - 20; before < 65536 + 4; before++) {
		struct buf message, expected;

		buf_init(&message, 1 << 20);
		buf_init(&expected, 1 << 20);
		memset(buf_reserve(&message, before), 'x', before);
		message.n = before;
		buf_text(&message, "--boundary\nmore");
		buf_bytes(&expected, buf_view(&message));
		buf_text(&expected, "|-1!|");
		expect(buf_view(&message), "boundary", NULL, buf_string(&expected));
		buf_release(&message);
		buf_release(&expected);
	}
}
END_TEST

START_TEST(a_long_boundary_is_found_too)
{
	char mark[MIMEFEED_BOUNDARY_BYTES_MAX + 1];
	struct buf message, expected;

	memset(mark, 'm', sizeof mark);
	mark[sizeof mark - 1] = '\0';
	buf_init(&message, 1 << 20);
	buf_init(&expected, 1 << 20);
	for (int i = 0; i < 200; i++) {
		buf_format(&message, "--%s\n", mark);
		buf_text(&expected, "|0|");
	}
	buf_text(&expected, "|-1!|");
	expect(buf_view(&message), mark, NULL, buf_string(&expected));
	buf_release(&message);
	buf_release(&expected);
}
END_TEST

START_TEST(lines_come_whole_or_in_pieces)
{
	struct mimewalk_source source = {.fd = -1};
	struct mimefeed feed;
	struct bytes line;
	struct buf message;
	bool is_start;
	size_t got = 0;

	buf_init(&message, 1 << 20);
	buf_text(&message, "oob\r\n\ntwo");
	memset(buf_reserve(&message, 200000), 'x', 200000);
	message.n += 200000;
	buf_text(&message, "\n--b\nthree");
	source.memory = buf_view(&message);
	mimefeed_init(&feed, &source);
	mimefeed_push(&feed, "b");
	ck_assert_int_eq(mimefeed_line(&feed, &line, &is_start, NULL), 1);
	ck_assert(is_start && bytes_is(line, "oob\r\n"));
	ck_assert_int_eq(mimefeed_line(&feed, &line, &is_start, NULL), 1);
	ck_assert(is_start && bytes_is(line, "\n"));
	for (is_start = true; got < 200004; got += line.n) {
		bool expected = is_start;

		ck_assert_int_eq(mimefeed_line(&feed, &line, &is_start, NULL), 1);
		ck_assert(is_start == expected && line.n <= 65536);
		is_start = false;
	}
	ck_assert_uint_eq(got, 200004);
	ck_assert_int_eq(mimefeed_line(&feed, &line, &is_start, NULL), 0);
	ck_assert_int_eq(feed.stop, 0);
	ck_assert_int_eq(mimefeed_line(&feed, &line, &is_start, NULL), 1);
	ck_assert(bytes_is(line, "three"));
	ck_assert_int_eq(mimefeed_line(&feed, &line, &is_start, NULL), 0);
	ck_assert_int_eq(feed.stop, -1);
	mimefeed_release(&feed);
	buf_release(&message);
}
END_TEST

START_TEST(going_back)
{
	int fd = file_of(BYTES("head\n\nbody"));
	struct mimewalk_source source = {.fd = fd};
	struct mimefeed feed;
	struct bytes line;
	bool is_start;
	struct buf out;

	buf_init(&out, 100);
	mimefeed_init(&feed, &source);
	ck_assert_int_eq(mimefeed_line(&feed, &line, &is_start, NULL), 1);
	ck_assert_uint_eq(mimefeed_tell(&feed), 5);
	body(&feed, &out);
	ck_assert_uint_eq(mimefeed_tell(&feed), 10);
	mimefeed_seek(&feed, 6);
	body(&feed, &out);
	ck_assert_str_eq(buf_string(&out), "\nbody|-1!|body|-1!|");
	mimefeed_release(&feed);
	buf_release(&out);
	close(fd);
}
END_TEST

START_TEST(a_source_that_cannot_be_read_is_an_error)
{
	int fd = file_of(BYTES("x"));
	struct mimewalk_source source = {.fd = fd};
	struct mimefeed feed;
	struct bytes piece;
	bool is_start;

	close(fd);
	mimefeed_init(&feed, &source);
	FAILS(ERR_IO, mimefeed_body(&feed, &piece, err));
	FAILS(ERR_IO, mimefeed_line(&feed, &piece, &is_start, err));
	mimefeed_release(&feed);
}
END_TEST

SUITE(without_boundaries_all_is_body, content_ends_before_the_line_break,
    what_only_looks_like_a_boundary, the_innermost_of_equal_boundaries_counts,
    boundaries_that_are_none, boundaries_across_the_window, the_middle_of_a_line_is_no_boundary,
    a_long_boundary_is_found_too, lines_come_whole_or_in_pieces, going_back,
    a_source_that_cannot_be_read_is_an_error)
