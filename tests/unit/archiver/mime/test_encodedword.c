#include "tests/unit/suite.h"

#include "archiver/mime/encodedword.h"

static void expect(struct bytes raw, const char *expected)
{
	struct buf out;

	buf_init(&out, 1 << 24);
	encodedword_join(&out, raw);
	ck_assert_str_eq(buf_string(&out), expected);
	buf_release(&out);
}

/* Base64 by coreutils: printf TEXT | base64. */
START_TEST(a_row_becomes_one_word)
{
	expect(BYTES("=?UTF-8?B?SGVsbG8=?= =?UTF-8?B?IGludm9pY2U=?="),
	    "=?UTF-8?B?SGVsbG8gaW52b2ljZQ==?=");
	expect(BYTES("a =?utf-8?q?b?=\r\n\t=?UTF-8?B?Yw==?= d"), "a =?utf-8?B?YmM=?= d");
	expect(BYTES("=?x*de?Q?b?==?X?q?c?="), "=?x?B?YmM=?=");
	expect(BYTES("=?a?Q?b?= =?b?Q?b?="), "=?a?B?Yg==?= =?b?B?Yg==?=");
	expect(BYTES("=?a?B?Yg==\r\n Yg==?="), "=?a?B?YmI=?=");
}
END_TEST

START_TEST(groups_of_digits_go_on_where_they_must)
{
	/* "caf" 0xc3 0xa9 cut inside of a group, and inside of the character */
	expect(BYTES("=?u?B?Y2Fmw?= =?u?B?6k=?="), "=?u?B?Y2Fmw6k=?=");
	expect(BYTES("=?u?B?Y2Fmw6?= =?u?B?k=?="), "=?u?B?Y2Fmw6k=?=");
	/* each whole, without padding */
	expect(BYTES("=?u?B?Yg?= =?u?B?Yg?="), "=?u?B?YmI=?=");
	expect(BYTES("=?u?B?YmI?= =?u?B?Yg?="), "=?u?B?YmJi?=");
	/* too few for a byte: nothing; a group that Q interrupts ends */
	expect(BYTES("=?u?B?Y?="),
	    "=?u?B??"
	    "=");
	expect(BYTES("=?u?B?Yh?= =?u?Q?c?="), "=?u?B?YmM=?=");
}
END_TEST

START_TEST(what_is_no_word_stays)
{
	static const char *const texts[] = {"", "=", "=?", "=?=", "a=?b", "=?a?B?Yg==", "=?a?B",
	    "=?a?", "=?a?X?b?=", "=? ?B?Yg==?=", "=?\\?\\?B?Yg==?=", "=?*x?B?Yg==?=",
	    "=?a?B?Y!g==?=", "=?a b?B?Yg==?=", "?=?=", "x = y ? z"};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		expect(bytes_of(texts[i]), texts[i]);
	expect((struct bytes){NULL, 0}, "");
	expect(BYTES("=?=?a?B?Yg==?="), "=?=?a?B?Yg==?=");
	expect(BYTES("=?a?b =?a?B?Yg==?="), "=?a?b =?a?B?Yg==?=");
}
END_TEST

/* Each mark may look for its end once more: no more than a moment for a header of 1 MiB. */
START_TEST(a_header_full_of_beginnings)
{
	struct buf raw, out;

	buf_init(&raw, 1 << 24);
	buf_init(&out, 1 << 24);
	for (int i = 0; i < 150000; i++)
		buf_text(&raw, "=?a?B?!");
	encodedword_join(&out, buf_view(&raw));
	ck_assert(bytes_equal(buf_view(&out), buf_view(&raw)));
	buf_release(&raw);
	buf_release(&out);
}
END_TEST

SUITE(a_row_becomes_one_word, groups_of_digits_go_on_where_they_must, what_is_no_word_stays,
    a_header_full_of_beginnings)
