/* base/bytes.c: views of bytes. */
#include "base/bytes.h"

#include "../suite.h"

#include <limits.h>
#include <string.h>

static const struct bytes none = {NULL, 0};

START_TEST(makes_views)
{
	ck_assert_uint_eq(bytes_of("abc").n, 3);
	ck_assert_uint_eq(bytes_of("").n, 0);
	ck_assert_uint_eq(bytes_of(NULL).n, 0);
	ck_assert_ptr_null(bytes_of(NULL).p);
	ck_assert_uint_eq(BYTES("a\0b").n, 3);
}
END_TEST

START_TEST(takes_the_rest)
{
	ck_assert(bytes_is(bytes_from(BYTES("abc"), 0), "abc"));
	ck_assert(bytes_is(bytes_from(BYTES("abc"), 2), "c"));
	ck_assert(bytes_is(bytes_from(BYTES("abc"), 3), ""));
	ck_assert(bytes_is(bytes_from(BYTES("abc"), 4), ""));
	ck_assert_uint_eq(bytes_from(none, 0).n, 0);
	ck_assert_uint_eq(bytes_from(none, 7).n, 0);
}
END_TEST

START_TEST(trims_blanks_at_both_ends)
{
	ck_assert(bytes_is(bytes_trim(BYTES(" \t\r\n a b \r\n")), "a b"));
	ck_assert(bytes_is(bytes_trim(BYTES("a")), "a"));
	ck_assert(bytes_is(bytes_trim(BYTES(" \t ")), ""));
	ck_assert(bytes_is(bytes_trim(none), ""));
	ck_assert_uint_eq(bytes_trim(BYTES("\v\0")).n, 2);
}
END_TEST

START_TEST(compares_for_equality)
{
	ck_assert(bytes_equal(BYTES("a\0b"), BYTES("a\0b")));
	ck_assert(!bytes_equal(BYTES("a\0b"), BYTES("a\0c")));
	ck_assert(!bytes_equal(BYTES("a"), BYTES("ab")));
	ck_assert(bytes_equal(none, BYTES("")));
	ck_assert(bytes_is(BYTES("abc"), "abc"));
	ck_assert(!bytes_is(BYTES("abc"), "ab"));
	ck_assert(!bytes_is(BYTES("ab\0"), "ab"));
	ck_assert(bytes_is(none, ""));
}
END_TEST

START_TEST(takes_no_notice_of_the_case_of_ascii)
{
	ck_assert(bytes_is_nocase(BYTES("InBoX"), "INBOX"));
	ck_assert(!bytes_is_nocase(BYTES("InBoX"), "INBO"));
	ck_assert(bytes_equal_nocase(BYTES("AZaz09"), BYTES("azAZ09")));
	ck_assert(bytes_equal_nocase(none, BYTES("")));
	/* Neighbours of the letters, and letters beyond ASCII, are only themselves. */
	ck_assert(!bytes_equal_nocase(BYTES("@"), BYTES("`")));
	ck_assert(!bytes_equal_nocase(BYTES("["), BYTES("{")));
	ck_assert(!bytes_equal_nocase(BYTES("\xc4"), BYTES("\xe4")));
	ck_assert(!bytes_equal_nocase(BYTES("1"), BYTES("\x11")));
}
END_TEST

START_TEST(looks_behind_a_nul)
{
	ck_assert(!bytes_equal_nocase(BYTES("a\0b"), BYTES("a\0c")));
	ck_assert(bytes_equal_nocase(BYTES("a\0B"), BYTES("A\0b")));
}
END_TEST

START_TEST(knows_beginnings)
{
	ck_assert(bytes_starts(BYTES("Subject: x"), "Subject:"));
	ck_assert(bytes_starts(BYTES("x"), ""));
	ck_assert(bytes_starts(none, ""));
	ck_assert(!bytes_starts(BYTES("Sub"), "Subject"));
	ck_assert(!bytes_starts(BYTES("subject:"), "Subject"));
	ck_assert(bytes_starts_nocase(BYTES("subject:"), "Subject"));
	ck_assert(!bytes_starts_nocase(BYTES("sub"), "Subject"));
	ck_assert(!bytes_starts_nocase(none, "x"));
}
END_TEST

START_TEST(orders_as_memcmp)
{
	ck_assert_int_lt(bytes_compare(BYTES("a"), BYTES("b")), 0);
	ck_assert_int_gt(bytes_compare(BYTES("b"), BYTES("a")), 0);
	ck_assert_int_eq(bytes_compare(BYTES("ab"), BYTES("ab")), 0);
	ck_assert_int_lt(bytes_compare(BYTES("a"), BYTES("ab")), 0);
	ck_assert_int_gt(bytes_compare(BYTES("ab"), BYTES("a")), 0);
	ck_assert_int_gt(bytes_compare(BYTES("\xff"), BYTES("a")), 0);
	ck_assert_int_lt(bytes_compare(none, BYTES("a")), 0);
	ck_assert_int_eq(bytes_compare(none, BYTES("")), 0);
	ck_assert_int_gt(bytes_compare(BYTES("b"), BYTES("aa")), 0);
}
END_TEST

START_TEST(copies_with_a_nul)
{
	char *copy = bytes_string((struct bytes){"abcdef", 3});

	ck_assert_str_eq(copy, "abc");
	free(copy);
	copy = bytes_string(none);
	ck_assert_str_eq(copy, "");
	free(copy);
}
END_TEST

START_TEST(reads_whole_numbers)
{
	unsigned long long n = 7;

	ck_assert(bytes_u64(BYTES("0"), &n) && n == 0);
	ck_assert(bytes_u64(BYTES("007"), &n) && n == 7);
	ck_assert(bytes_u64(BYTES("18446744073709551615"), &n) && n == ULLONG_MAX);
	n = 7;
	ck_assert(!bytes_u64(BYTES("18446744073709551616"), &n));
	ck_assert(!bytes_u64(BYTES("18446744073709551620"), &n));
	ck_assert(!bytes_u64(BYTES("99999999999999999999999"), &n));
	ck_assert(!bytes_u64(none, &n));
	ck_assert(!bytes_u64(BYTES("-1"), &n));
	ck_assert(!bytes_u64(BYTES("+1"), &n));
	ck_assert(!bytes_u64(BYTES("1 "), &n));
	ck_assert(!bytes_u64(BYTES("1a"), &n));
	ck_assert(!bytes_u64(BYTES("/"), &n));
	ck_assert(!bytes_u64(BYTES(":"), &n));
	ck_assert_uint_eq(n, 7);
}
END_TEST

SUITE(makes_views, takes_the_rest, trims_blanks_at_both_ends, compares_for_equality,
    takes_no_notice_of_the_case_of_ascii, looks_behind_a_nul, knows_beginnings, orders_as_memcmp,
    copies_with_a_nul, reads_whole_numbers)
