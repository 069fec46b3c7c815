/* base/utf8.c. Which sequences are right: RFC 3629 section 3 and 4, and Unicode table 3-7. */
#include "base/utf8.h"

#include "../suite.h"

#include <locale.h>
#include <string.h>

static void check_valid(struct bytes text, bool expected)
{
	ck_assert_msg(utf8_valid(text) == expected, "%.*s", (int)text.n, text.p);
}

START_TEST(judges_the_borders_of_every_length)
{
	check_valid(BYTES(""), true);
	check_valid(BYTES("\0\x7f"), true);
	check_valid(BYTES("\xc2\x80\xdf\xbf"), true);
	check_valid(BYTES("\xe0\xa0\x80\xef\xbf\xbf"), true);
	check_valid(BYTES("\xed\x9f\xbf\xee\x80\x80"), true);
	check_valid(BYTES("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), true);
}
END_TEST

START_TEST(refuses_overlong_forms)
{
	check_valid(BYTES("\xc0\x80"), false);
	check_valid(BYTES("\xc1\xbf"), false);
	check_valid(BYTES("\xe0\x80\x80"), false);
	check_valid(BYTES("\xe0\x9f\xbf"), false);
	check_valid(BYTES("\xf0\x80\x80\x80"), false);
	check_valid(BYTES("\xf0\x8f\xbf\xbf"), false);
}
END_TEST

START_TEST(refuses_surrogates_and_what_is_too_large)
{
	check_valid(BYTES("\xed\xa0\x80"), false);
	check_valid(BYTES("\xed\xbf\xbf"), false);
	check_valid(BYTES("\xf4\x90\x80\x80"), false);
	check_valid(BYTES("\xf5\x80\x80\x80"), false);
	check_valid(BYTES("\xf8\x88\x80\x80\x80"), false);
	check_valid(BYTES("\xfe"), false);
	check_valid(BYTES("\xff"), false);
	check_valid(BYTES("\x84\x80\x80\x80"), false);
	check_valid(BYTES("\xfc\x80\x80\x80"), false);
}
END_TEST

START_TEST(refuses_broken_sequences)
{
	check_valid(BYTES("\x80"), false);
	check_valid(BYTES("\xc3"), false);
	check_valid(BYTES("\xe2\x82"), false);
	check_valid(BYTES("\xf0\x9f\x98"), false);
	check_valid(BYTES("\xc3("), false);
	check_valid(BYTES("\xe2(\xac"), false);
	check_valid(BYTES("\xe2\x82("), false);
	check_valid(BYTES("\xf0\x9f\x98("), false);
	check_valid(BYTES("\xc3\xc3\xbc"), false);
	check_valid(BYTES("abc\xff"), false);
}
END_TEST

START_TEST(takes_one_character_after_the_other)
{
	struct bytes text = BYTES("a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\xff\xe2\x82z");
	static const uint32_t points[] = {'a', 0xfc, 0x20ac, 0x1f600};
	uint32_t point = 7;

	for (size_t i = 0; i < 4; i++) {
		ck_assert_int_eq(utf8_next(&text, &point), 1);
		ck_assert_uint_eq(point, points[i]);
	}
	for (size_t left = 3; left >= 1; left--) {
		ck_assert_int_eq(utf8_next(&text, &point), -1);
		ck_assert_uint_eq(text.n, left);
	}
	ck_assert_int_eq(utf8_next(&text, &point), 1);
	ck_assert_uint_eq(point, 'z');
	ck_assert_int_eq(utf8_next(&text, &point), 0);
	ck_assert_int_eq(utf8_next(&text, &point), 0);
}
END_TEST

START_TEST(writes_what_it_reads)
{
	struct buf buf;

	buf_init(&buf, 8);
	for (uint32_t point = 0; point <= 0x110000; point += point < 0x11000 ? 1 : 0x101) {
		struct bytes text;
		uint32_t got = 0;
		bool cannot_be = (point >= 0xd800 && point < 0xe000) || point > 0x10ffff;

		buf_clear(&buf);
		utf8_put(&buf, point);
		text = buf_view(&buf);
		ck_assert_int_eq(utf8_next(&text, &got), 1);
		ck_assert_uint_eq(got, cannot_be ? UTF8_REPLACEMENT : point);
		ck_assert_uint_eq(text.n, 0);
	}
	buf_clear(&buf);
	utf8_put(&buf, 0x20ac);
	ck_assert(bytes_equal(buf_view(&buf), BYTES("\xe2\x82\xac")));
	buf_clear(&buf);
	utf8_put(&buf, 0x10ffff);
	ck_assert(bytes_equal(buf_view(&buf), BYTES("\xf4\x8f\xbf\xbf")));
	buf_release(&buf);
}
END_TEST

static void check_prints_in(
    struct bytes text, size_t max_columns, const char *expected, size_t columns)
{
	struct buf buf;

	buf_init(&buf, 1000);
	buf_text(&buf, ">");
	ck_assert_uint_eq(utf8_print(&buf, text, max_columns), columns);
	ck_assert_str_eq(buf_string(&buf) + 1, expected);
	buf_release(&buf);
}

static void check_prints(struct bytes text, const char *expected, size_t columns)
{
	check_prints_in(text, 0, expected, columns);
}

static void use_utf8_locale(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
}

START_TEST(prints_nothing_that_commands_a_terminal)
{
	use_utf8_locale();
	check_prints(BYTES("a\x1b[31mb"), "a [31mb", 7);
	check_prints(BYTES("a\tb\r\nc\0d\x7f"), "a b  c d ", 9);
	check_prints(BYTES("a\xc2\x80\xc2\x9b\xc2\x9f"), "a   ", 4);
	check_prints(BYTES("\xc2\xa0"), "\xc2\xa0", 1);
}
END_TEST

START_TEST(prints_nothing_invisible)
{
	use_utf8_locale();
	check_prints(BYTES("a\xe2\x80\xae\x62"), "ab", 2);             /* U+202E */
	check_prints(BYTES("a\xe2\x80\xa8\xe2\x80\xa9\x62"), "ab", 2); /* U+2028, U+2029 */
	check_prints(BYTES("\xe2\x81\xa6x\xe2\x81\xa9"), "x", 1);      /* U+2066, U+2069 */
	check_prints(BYTES("\xef\xbb\xbfx\xe2\x80\x8b"), "x", 1);      /* U+FEFF, U+200B */
	check_prints(BYTES("\xd8\x9cx\xc2\xad"), "x", 1);              /* U+061C, U+00AD */
	check_prints(BYTES("\xf3\xa0\x81\x81x\xef\xbf\xb9"), "x", 1);  /* U+E0041, U+FFF9 */
	check_prints(BYTES("\xe2\x80\xaf\xe2\x80\x90"), "\xe2\x80\xaf\xe2\x80\x90", 2);
}
END_TEST

/* The first and last of each run of invisible characters, and their visible neighbours. */
START_TEST(the_invisible_ones_have_exact_borders)
{
	static const uint32_t gone[] = {0xad, 0x61c, 0x200b, 0x200f, 0x2028, 0x202e, 0x2060, 0x206f,
	    0xfeff, 0xfff9, 0xfffb, 0xe0000, 0xe0fff};
	static const uint32_t stay[] = {0xac, 0xae, 0x61b, 0x61d, 0x200a, 0x2010, 0x2027, 0x202f,
	    0x205f, 0x2070, 0xfefe, 0xff00, 0xfff8, 0xfffc, 0xdffff, 0xe1000};
	struct buf in, out;

	buf_init(&in, 10);
	buf_init(&out, 10);
	for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
		buf_clear(&in);
		utf8_put(&in, gone[i]);
		utf8_print(&out, buf_view(&in), 0);
		ck_assert_msg(out.n == 0, "U+%X", gone[i]);
	}
	for (size_t i = 0; i < sizeof stay / sizeof *stay; i++) {
		buf_clear(&in);
		buf_clear(&out);
		utf8_put(&in, stay[i]);
		utf8_print(&out, buf_view(&in), 0);
		ck_assert_msg(bytes_equal(buf_view(&in), buf_view(&out)), "U+%X", stay[i]);
	}
	buf_release(&in);
	buf_release(&out);
}
END_TEST

START_TEST(prints_wrong_bytes_as_the_replacement)
{
	use_utf8_locale();
	check_prints(BYTES("\xff\xc3"), "\xef\xbf\xbd\xef\xbf\xbd", 2);
	check_prints(BYTES("gr\xfc\xdf\x65"), "gr\xef\xbf\xbd\xef\xbf\xbd\x65", 5);
	check_prints(BYTES(""), "", 0);
}
END_TEST

START_TEST(cuts_with_three_dots)
{
	check_prints_in(BYTES("abcdef"), 6, "abcdef", 6);
	check_prints_in(BYTES("abcdef"), 7, "abcdef", 6);
	check_prints_in(BYTES("abcdef"), 5, "ab...", 5);
	check_prints_in(BYTES("abcdef"), 4, "a...", 4);
	check_prints_in(BYTES("abcdef"), 3, "...", 3);
	check_prints_in(BYTES("abcdef"), 2, "ab", 2);
	check_prints_in(BYTES("abcdef"), 1, "a", 1);
	check_prints_in(BYTES("abc"), 3, "abc", 3);
	check_prints_in(BYTES(""), 3, "", 0);
}
END_TEST

/* What goes does not count, and what is gone does not ask for dots. */
START_TEST(cuts_by_what_is_seen)
{
	use_utf8_locale();
	check_prints_in(BYTES("abc\xe2\x80\x8b\xe2\x80\x8b"), 3, "abc", 3);
	check_prints_in(BYTES("\xe2\x80\xae\x61\x62\x63"), 3, "abc", 3);
}
END_TEST

START_TEST(counts_wide_characters_twice)
{
	use_utf8_locale();
	check_prints(BYTES("\xe4\xbd\xa0\xe5\xa5\xbd"), "\xe4\xbd\xa0\xe5\xa5\xbd", 4);
	check_prints_in(BYTES("\xe4\xbd\xa0\xe5\xa5\xbd"), 4, "\xe4\xbd\xa0\xe5\xa5\xbd", 4);
	check_prints_in(BYTES("\xe4\xbd\xa0\xe5\xa5\xbd\xe5\x90\x97"), 5, "\xe4\xbd\xa0...", 5);
	/* The second does not fit beside the dots: one column stays free. */
	check_prints_in(
	    BYTES("\xe4\xbd\xa0\xe5\xa5\xbd\xe5\x90\x97\xe4\xbd\xa0"), 6, "\xe4\xbd\xa0...", 5);
	check_prints_in(BYTES("\xe4\xbd\xa0"), 1, "", 0);
}
END_TEST

START_TEST(keeps_marks_with_their_letter)
{
	use_utf8_locale();
	check_prints(BYTES("u\xcc\x88x"), "u\xcc\x88x", 2);
	check_prints_in(BYTES("u\xcc\x88xxxxx"), 4, "u\xcc\x88...", 4);
	check_prints_in(BYTES("xxu\xcc\x88"), 3, "xxu\xcc\x88", 3);
}
END_TEST

/* The caller's own text in front is not cut. */
START_TEST(a_full_buffer_overflows_and_stays_text)
{
	struct buf buf;

	use_utf8_locale();
	buf_init(&buf, 7);
	buf_text(&buf, "1234");
	utf8_print(&buf, BYTES("\xe2\x82\xac\xe2\x82\xac"), 0);
	ck_assert(buf.overflow);
	ck_assert_str_eq(buf_string(&buf), "1234\xe2\x82\xac");
	ck_assert(utf8_valid(buf_view(&buf)));
	buf_release(&buf);
}
END_TEST

SUITE(judges_the_borders_of_every_length, refuses_overlong_forms,
    refuses_surrogates_and_what_is_too_large, refuses_broken_sequences,
    takes_one_character_after_the_other, writes_what_it_reads,
    prints_nothing_that_commands_a_terminal, prints_nothing_invisible,
    the_invisible_ones_have_exact_borders, prints_wrong_bytes_as_the_replacement,
    cuts_with_three_dots, cuts_by_what_is_seen, counts_wide_characters_twice,
    keeps_marks_with_their_letter, a_full_buffer_overflows_and_stays_text)
