/* config/reader.c: which lines reach the caller, with which numbers, and which are refused. */
#include "config/reader.h"

#include "../suite.h"
#include "base/buf.h"

#include <string.h>

struct seen {
	struct buf text;
	int fail_at_line;
};

static int see_section(void *arg, int line, struct bytes header, struct err *err)
{
	struct seen *seen = arg;

	buf_format(&seen->text, "%d[%.*s]\n", line, (int)header.n, header.p);
	return line == seen->fail_at_line ? err_set(err, ERR_CONFIG, "enough") : 0;
}

static int see_pair(void *arg, int line, const char *key, const char *value, struct err *err)
{
	struct seen *seen = arg;

	buf_format(&seen->text, "%d{%s}{%s}\n", line, key, value);
	return line == seen->fail_at_line ? err_set(err, ERR_CONFIG, "enough") : 0;
}

static const struct reader_calls calls = {.section = see_section, .pair = see_pair};
static struct seen seen;

static int run(struct bytes text, struct err *err)
{
	buf_release(&seen.text);
	buf_init(&seen.text, 1 << 20);
	return reader_run(text, "F", &calls, &seen, err);
}

static void check_reads(const char *text, const char *expected)
{
	OK(run(bytes_of(text), err));
	ck_assert_str_eq(buf_string(&seen.text), expected);
}

static void check_refuses_bytes(struct bytes text, const char *message)
{
	struct err err = {0};

	ck_assert_int_eq(run(text, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_msg(strncmp(err.text, message, strlen(message)) == 0, "\"%s\", not \"%s\"",
	    err.text, message);
}

static void check_refuses(const char *text, const char *message)
{
	check_refuses_bytes(bytes_of(text), message);
}

START_TEST(gives_sections_and_pairs_their_lines)
{
	check_reads("# head\n\n[archive]\npath = /a\n; note\nlevel=3\n[account work]\nurl =x\n",
	    "3[archive]\n4{path}{/a}\n6{level}{3}\n7[account work]\n8{url}{x}\n");
}
END_TEST

START_TEST(reads_nothing_from_nothing)
{
	check_reads("", "");
	check_reads("\n\n", "");
	check_reads("# only a comment", "");
	check_reads("   # an indented comment is one too\n\t;and this\n \t \n", "");
}
END_TEST

START_TEST(gives_sections_without_keys)
{
	check_reads("[a]\n[b]\n\n[c]", "1[a]\n2[b]\n4[c]\n");
	check_reads("[ a  b ]  \n[]\n", "1[a  b]\n2[]\n");
}
END_TEST

START_TEST(needs_no_newline_at_the_end)
{
	check_reads("[a]\nk = v", "1[a]\n2{k}{v}\n");
}
END_TEST

START_TEST(takes_dos_lines_and_a_byte_order_mark)
{
	check_reads("\xef\xbb\xbf[a]\r\nk = v\r\n\r\n", "1[a]\n2{k}{v}\n");
	check_reads("\xef\xbb\xbfk = v", "1{k}{v}\n");
}
END_TEST

START_TEST(leaves_values_whole)
{
	check_reads("c = pass show a;b ; echo # c\n", "1{c}{pass show a;b ; echo # c}\n");
	check_reads("c = a = b : c == d\n", "1{c}{a = b : c == d}\n");
	check_reads("c = \"quoted\" 'too' \\n\n", "1{c}{\"quoted\" 'too' \\n}\n");
	check_reads("c \t= \t inner  blanks\tstay \t\n", "1{c}{inner  blanks\tstay}\n");
	check_reads("c =\nd=  \n", "1{c}{}\n2{d}{}\n");
	check_reads("c = [not a section]\n", "1{c}{[not a section]}\n");
	check_reads("k = gr\xc3\xbc\xc3\x9f\x65 \xe2\x82\xac\n",
	    "1{k}{gr\xc3\xbc\xc3\x9f\x65 \xe2\x82\xac}\n");
}
END_TEST

/* The library's own limits are 200 bytes for a line and 49 for a section. */
START_TEST(takes_long_lines_whole)
{
	char text[READER_LINE_BYTES + 2], header[128];
	struct buf expected;

	memset(text, 'x', sizeof text);
	text[0] = 'k';
	text[1] = '=';
	text[READER_LINE_BYTES] = '\0';
	buf_init(&expected, 1 << 20);
	buf_format(&expected, "1{k}{%s}\n", text + 2);
	check_reads(text, buf_string(&expected));
	text[READER_LINE_BYTES] = 'x';
	text[READER_LINE_BYTES + 1] = '\0';
	check_refuses(text, "F:1: the line is longer than 8192 bytes");
	memset(header, 'h', sizeof header);
	header[0] = '[';
	header[sizeof header - 2] = ']';
	header[sizeof header - 1] = '\0';
	buf_clear(&expected);
	buf_format(&expected, "1%s\n", header);
	check_reads(header, buf_string(&expected));
	buf_release(&expected);
}
END_TEST

START_TEST(refuses_indented_lines)
{
	check_refuses("[a]\nk = v\n  more\n", "F:3: this line is indented");
	check_refuses("[a]\n\tk = v\n", "F:2: this line is indented");
	check_refuses("[a]\nk = v\n  [b]\n", "F:3: this line is indented");
}
END_TEST

START_TEST(refuses_what_is_no_pair)
{
	check_refuses("[a]\njust words\n", "F:2: expected \"key = value\"");
	check_refuses("[a]\n= value\n", "F:2: expected \"key = value\"");
	check_refuses("[a]\nkey: value\n", "F:2: expected \"key = value\"");
	check_refuses("[a]\nolder:1y larger=1M\n", "F:2: expected \"key = value\"");
}
END_TEST

START_TEST(refuses_broken_sections)
{
	check_refuses("[a\nk = v\n", "F:1: a section needs a \"]\"");
	check_refuses("[\n", "F:1: a section needs a \"]\"");
	check_refuses("\n[a] # comment\n", "F:2: nothing may follow a section");
	check_refuses("[a]]\n", "F:1: nothing may follow a section");
}
END_TEST

START_TEST(refuses_bytes_that_are_no_text)
{
	check_refuses_bytes(BYTES("[a]\nk = a\0b\n"), "F:2: a control character");
	check_refuses("k = \x1b[31m\n", "F:1: a control character");
	check_refuses("k = a\rb\n", "F:1: a control character");
	check_refuses("k = \x7f\n", "F:1: a control character");
	check_refuses("# gr\xfc\xdf\x65\n", "F:1: this line is not UTF-8");
	check_refuses_bytes(BYTES("\xff\xfe[\0a\0]\0\n\0"), "F:1: ");
}
END_TEST

START_TEST(stops_at_the_first_failure_of_a_call)
{
	seen.fail_at_line = 2;
	FAILS(ERR_CONFIG, run(BYTES("[a]\nk = v\nl = w\n[b]\n"), err));
	ck_assert_str_eq(buf_string(&seen.text), "1[a]\n2{k}{v}\n");
	FAILS(ERR_CONFIG, run(BYTES("\n[a]\nk = v\n"), err));
	ck_assert_str_eq(buf_string(&seen.text), "2[a]\n");
}
END_TEST

START_TEST(keeps_count_over_many_lines)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	for (int i = 0; i < 9999; i++)
		buf_text(&text, i % 3 ? "\n" : "# c\n");
	buf_text(&text, "broken");
	check_refuses(buf_string(&text), "F:10000: expected");
	buf_release(&text);
}
END_TEST

SUITE(gives_sections_and_pairs_their_lines, reads_nothing_from_nothing, gives_sections_without_keys,
    needs_no_newline_at_the_end, takes_dos_lines_and_a_byte_order_mark, leaves_values_whole,
    takes_long_lines_whole, refuses_indented_lines, refuses_what_is_no_pair,
    refuses_broken_sections, refuses_bytes_that_are_no_text, stops_at_the_first_failure_of_a_call,
    keeps_count_over_many_lines)
