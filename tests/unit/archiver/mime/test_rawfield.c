#include "tests/unit/suite.h"

#include "archiver/mime/rawfield.h"
#include "base/mem.h"

#include <string.h>

/* All fields as "name=value|", then "#" and what stands behind the header. */
static char *listed(struct bytes header)
{
	struct rawfields fields;
	struct rawfield field;
	struct buf out;

	buf_init(&out, 1 << 20);
	rawfields_start(&fields, header);
	while (rawfields_next(&fields, &field)) {
		buf_bytes(&out, field.name);
		buf_char(&out, '=');
		ck_assert(rawfield_unfold(&out, field.value, 1 << 16));
		buf_char(&out, '|');
	}
	buf_char(&out, '#');
	buf_bytes(&out, fields.rest);
	return buf_take(&out);
}

static void expect(struct bytes header, const char *expected)
{
	char *got = listed(header);

	ck_assert_str_eq(got, expected);
	free(got);
}

START_TEST(fields_end_at_the_empty_line)
{
	expect(BYTES("A: 1\r\nB: 2\r\n\r\nC: 3\r\n"), "A=1|B=2|#C: 3\r\n");
	expect(BYTES("A: 1\nB: 2\n\nbody"), "A=1|B=2|#body");
	expect(BYTES("A: 1\rB: 2\r\rbody"), "A=1|B=2|#body");
	expect(BYTES("A: 1\r\r\nB: 2\r\r\n\r\r\nbody"), "A=1|B=2|#body");
}
END_TEST

START_TEST(a_header_may_lack_its_end)
{
	expect(BYTES("A: 1\r\nB: 2"), "A=1|B=2|#");
	expect(BYTES("A:"), "A=|#");
	expect(BYTES("A"), "#");
	expect(BYTES(""), "#");
	expect((struct bytes){NULL, 0}, "#");
	expect(BYTES("\r\nbody"), "#body");
}
END_TEST

/* RFC 5322 2.2.3: unfolding takes out the CRLF in front of a blank, and nothing else. */
START_TEST(folded_values_become_one_line)
{
	expect(BYTES("Subject: This\r\n is a test\r\n\r\n"), "Subject=This is a test|#");
	expect(BYTES("A: x\n\ty\n  z\nB: 2\n"), "A=x\ty  z|B=2|#");
	expect(BYTES("A:\r\n <id@x>\r\n"), "A=<id@x>|#");
	expect(BYTES("A: x\r\n \r\n y\r\n"), "A=x  y|#");
	expect(BYTES("A: x\ry\r\n"), "A=x y|#");
}
END_TEST

START_TEST(names_end_before_blanks_and_colon)
{
	expect(BYTES("Subject : x\r\nTo\t:y\r\n"), "Subject=x|To=y|#");
	expect(BYTES("A:b:c\r\n"), "A=b:c|#");
}
END_TEST

START_TEST(strange_lines_are_stepped_over)
{
	expect(BYTES("From a@b Mon Jan  1 00:00:00 2019\nA: 1\n"), "A=1|#");
	expect(BYTES(">From a@b Mon Jan  1 00:00:00 2019\nA: 1\n"), "A=1|#");
	expect(BYTES("\xef\xbb\xbf"
		     "A: 1\n"),
	    "A=1|#");
	expect(BYTES("A: 1\nno colon here\n folded on\nB: 2\n"), "A=1|B=2|#");
	expect(BYTES(" blank first\nA: 1\n"), "A=1|#");
	expect(BYTES(": no name\nA: 1\n"), "A=1|#");
	expect(BYTES("N\0M: x\nA: 1\n"), "A=1|#");
	expect(BYTES("N\xe4me: x\nA: 1\n"), "A=1|#");
}
END_TEST

START_TEST(eight_bits_and_nul_stay_in_values)
{
	struct rawfields fields;
	struct rawfield field;
	struct buf out;

	buf_init(&out, 100);
	rawfields_start(&fields, BYTES("A: x\0\xe4y\n"));
	ck_assert(rawfields_next(&fields, &field));
	ck_assert(rawfield_unfold(&out, field.value, 50));
	ck_assert(bytes_equal(buf_view(&out), BYTES("x\0\xe4y")));
	buf_release(&out);
}
END_TEST

static void expect_cut(const char *value, size_t max_bytes, const char *expected)
{
	struct buf out;

	buf_init(&out, 1 << 16);
	buf_text(&out, "<");
	ck_assert_int_eq(
	    rawfield_unfold(&out, bytes_of(value), max_bytes), strlen(value) <= max_bytes);
	ck_assert_str_eq(buf_string(&out) + 1, expected);
	buf_release(&out);
}

START_TEST(long_values_are_cut_at_a_near_blank)
{
	char far[200];

	expect_cut("one two", 7, "one two");
	expect_cut("one two three", 7, "one two");
	expect_cut("one two three", 8, "one two");
	expect_cut("one two three", 6, "one");
	expect_cut("one  two", 5, "one");
	expect_cut("onetwothree", 6, "onetwo");
	memset(far, 'x', sizeof far);
	far[10] = ' ';
	far[sizeof far - 1] = '\0';
	expect_cut(far, 60, "xxxxxxxxxx");
	far[120] = '\0';
	{
		char expected[111];

		memcpy(expected, far, 110);
		expected[110] = '\0';
		expect_cut(far, 110, expected);
	}
}
END_TEST

/* 100,000 lines with only CR, and 5 MB without any end: no square of the length. */
START_TEST(size_costs_no_more_than_its_bytes)
{
	size_t n = 5 * 1024 * 1024;
	char *much = mem_alloc(n);
	struct rawfields fields;
	struct rawfield field;
	size_t count = 0;

	memset(much, 'x', n);
	for (size_t i = 0; i + 5 <= n; i += 5)
		memcpy(much + i, "A: b\r", 5);
	rawfields_start(&fields, (struct bytes){much, n});
	while (rawfields_next(&fields, &field))
		count++;
	ck_assert_uint_eq(count, n / 5);
	memset(much, 'x', n);
	rawfields_start(&fields, (struct bytes){much, n});
	ck_assert(!rawfields_next(&fields, &field));
	free(much);
}
END_TEST

SUITE(fields_end_at_the_empty_line, a_header_may_lack_its_end, folded_values_become_one_line,
    names_end_before_blanks_and_colon, strange_lines_are_stepped_over,
    eight_bits_and_nul_stay_in_values, long_values_are_cut_at_a_near_blank,
    size_costs_no_more_than_its_bytes)
