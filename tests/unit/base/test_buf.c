/* base/buf.c: the growing run of bytes, and what its ceiling does. */
#include "base/buf.h"

#include "../suite.h"

#include <string.h>

START_TEST(grows_as_things_are_added)
{
	struct buf buf;

	buf_init(&buf, 100);
	ck_assert_str_eq(buf_string(&buf), "");
	ck_assert_uint_eq(buf_view(&buf).n, 0);
	buf_text(&buf, "one ");
	buf_add(&buf, "two\0", 4);
	buf_char(&buf, '!');
	buf_bytes(&buf, BYTES(" three"));
	buf_format(&buf, " %d %s", 4, "five");
	ck_assert_uint_eq(buf.n, 22);
	ck_assert(bytes_equal(buf_view(&buf), BYTES("one two\0! three 4 five")));
	ck_assert(!buf.overflow);
	buf_release(&buf);
	ck_assert_ptr_null(buf.p);
	ck_assert_uint_eq(buf.max_bytes, 100);
	buf_release(&buf);
}
END_TEST

START_TEST(always_ends_in_a_nul)
{
	struct buf buf;
	char *at;

	buf_init(&buf, 1000);
	buf_text(&buf, "abc");
	ck_assert_int_eq(buf.p[3], 0);
	at = buf_reserve(&buf, 5);
	memset(at, 'x', 5);
	buf.n += 5;
	at[5] = 'y';
	ck_assert_str_eq(buf_string(&buf), "abcxxxxx");
	buf_reserve(&buf, 1)[0] = 'z';
	ck_assert_str_eq(buf_string(&buf), "abcxxxxx");
	buf_cut(&buf, 2);
	ck_assert_int_eq(buf.p[2], 0);
	buf_drop(&buf, 1);
	ck_assert_int_eq(buf.p[1], 0);
	buf_clear(&buf);
	ck_assert_int_eq(buf.p[0], 0);
	buf_add(&buf, NULL, 0);
	ck_assert_int_eq(buf.p[0], 0);
	buf_release(&buf);
}
END_TEST

START_TEST(an_addition_past_the_ceiling_changes_nothing)
{
	struct buf buf;

	buf_init(&buf, 5);
	buf_text(&buf, "abc");
	buf_text(&buf, "def");
	ck_assert(buf.overflow);
	ck_assert_str_eq(buf_string(&buf), "abc");
	buf_text(&buf, "de");
	ck_assert_str_eq(buf_string(&buf), "abcde");
	ck_assert(buf.overflow);
	buf_char(&buf, 'f');
	ck_assert_ptr_null(buf_reserve(&buf, 1));
	ck_assert_ptr_null(buf_reserve(&buf, SIZE_MAX));
	ck_assert_str_eq(buf_string(&buf), "abcde");
	buf_release(&buf);
}
END_TEST

START_TEST(overflow_stays_until_clear)
{
	struct buf buf;

	buf_init(&buf, 3);
	buf_text(&buf, "abcd");
	buf_drop(&buf, 1);
	buf_cut(&buf, 0);
	buf_text(&buf, "a");
	ck_assert(buf.overflow);
	buf_clear(&buf);
	ck_assert(!buf.overflow);
	ck_assert_uint_eq(buf.n, 0);
	buf_text(&buf, "abc");
	ck_assert(!buf.overflow);
	buf_release(&buf);
	buf_init(&buf, 0);
	buf_add(&buf, NULL, 0);
	ck_assert(!buf.overflow);
	buf_char(&buf, 'a');
	ck_assert(buf.overflow);
	buf_release(&buf);
}
END_TEST

START_TEST(formats_of_any_length_up_to_the_ceiling)
{
	char text[1001];
	struct buf buf;

	memset(text, 'x', 1000);
	text[1000] = '\0';
	buf_init(&buf, 4000);
	for (size_t n = 250; n <= 260; n++) {
		buf_clear(&buf);
		buf_text(&buf, "start");
		buf_format(&buf, "%.*s|", (int)n - 1, text);
		ck_assert_uint_eq(buf.n, n + 5);
		ck_assert_int_eq(buf.p[n + 4], '|');
		ck_assert_int_eq(buf.p[n + 5], 0);
		ck_assert_mem_eq(buf.p + 5, text, n - 1);
	}
	buf_clear(&buf);
	for (int i = 0; i < 4; i++)
		buf_format(&buf, "%s", text);
	ck_assert(!buf.overflow);
	buf_format(&buf, "%s", "x");
	ck_assert(buf.overflow);
	ck_assert_uint_eq(buf.n, 4000);
	buf_format(&buf, "%s", text);
	ck_assert_uint_eq(buf.n, 4000);
	buf_format(&buf, "%s", "");
	ck_assert_uint_eq(buf.n, 4000);
	buf_release(&buf);
}
END_TEST

START_TEST(drops_from_the_front)
{
	struct buf buf;

	buf_init(&buf, 100);
	buf_drop(&buf, 5);
	buf_text(&buf, "abcdef");
	buf_drop(&buf, 0);
	ck_assert_str_eq(buf_string(&buf), "abcdef");
	buf_drop(&buf, 2);
	ck_assert_str_eq(buf_string(&buf), "cdef");
	buf_drop(&buf, 9);
	ck_assert_str_eq(buf_string(&buf), "");
	ck_assert_uint_eq(buf.n, 0);
	buf_release(&buf);
}
END_TEST

START_TEST(cuts_at_the_end)
{
	struct buf buf;

	buf_init(&buf, 100);
	buf_cut(&buf, 3);
	buf_text(&buf, "abcdef");
	buf_cut(&buf, 9);
	buf_cut(&buf, 6);
	ck_assert_str_eq(buf_string(&buf), "abcdef");
	buf_cut(&buf, 3);
	ck_assert_str_eq(buf_string(&buf), "abc");
	buf_text(&buf, "X");
	ck_assert_str_eq(buf_string(&buf), "abcX");
	buf_cut(&buf, 0);
	ck_assert_str_eq(buf_string(&buf), "");
	buf_release(&buf);
}
END_TEST

START_TEST(gives_its_string_away)
{
	struct buf buf;
	char *text;

	buf_init(&buf, 10);
	text = buf_take(&buf);
	ck_assert_str_eq(text, "");
	free(text);
	buf_text(&buf, "abc");
	text = buf_take(&buf);
	ck_assert_str_eq(text, "abc");
	free(text);
	ck_assert_ptr_null(buf.p);
	ck_assert_uint_eq(buf.n, 0);
	ck_assert_uint_eq(buf.max_bytes, 10);
	buf_text(&buf, "again");
	ck_assert_str_eq(buf_string(&buf), "again");
	buf_release(&buf);
}
END_TEST

START_TEST(keeps_its_room_when_cleared)
{
	struct buf buf;
	const char *p;

	buf_init(&buf, 1000);
	buf_reserve(&buf, 500);
	p = buf.p;
	buf_clear(&buf);
	for (int i = 0; i < 500; i++)
		buf_char(&buf, 'x');
	ck_assert_ptr_eq(buf.p, p);
	buf_release(&buf);
}
END_TEST

SUITE(grows_as_things_are_added, always_ends_in_a_nul, an_addition_past_the_ceiling_changes_nothing,
    overflow_stays_until_clear, formats_of_any_length_up_to_the_ceiling, drops_from_the_front,
    cuts_at_the_end, gives_its_string_away, keeps_its_room_when_cleared)
