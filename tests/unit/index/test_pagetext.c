#include "tests/unit/suite.h"

#include "index/pagetext.h"

/* A page is written as a row of steps: words are put, but "/" is a new line, "_" a blank, "!" a
 * break, "[target" opens a link and "]" closes it. */
static void expect(const char *const *steps, const char *expected)
{
	struct pagetext text;
	struct buf out;

	buf_init(&out, 1 << 16);
	buf_text(&out, "before");
	pagetext_start(&text, &out);
	for (; *steps; steps++) {
		if (**steps == '/')
			pagetext_gap(&text, PAGETEXT_LINE);
		else if (**steps == '_')
			pagetext_gap(&text, PAGETEXT_BLANK);
		else if (**steps == '!')
			pagetext_break(&text);
		else if (**steps == '[')
			pagetext_open_link(&text, bytes_of(*steps + 1));
		else if (**steps == ']')
			pagetext_close_link(&text);
		else
			pagetext_put(&text, bytes_of(*steps));
	}
	pagetext_end(&text);
	ck_assert_str_eq(buf_string(&out) + strlen("before"), expected);
	buf_release(&out);
}

#define EXPECT(expected, ...)                                                                      \
	do {                                                                                       \
		static const char *const steps[] = {__VA_ARGS__, NULL};                            \
		expect(steps, expected);                                                           \
	} while (0)

START_TEST(gaps_stand_between_words_only)
{
	EXPECT("a", "/", "_", "!", "a", "!", "_", "/");
	EXPECT("a b", "a", "_", "b");
	EXPECT("a b", "a ", "_", " b");
	EXPECT("ab", "a", "b");
	EXPECT("", "_");
}
END_TEST

START_TEST(the_widest_gap_counts)
{
	EXPECT("a\nb", "a", "_", "/", "/", "_", "b");
	EXPECT("a\nb", "a", "!", "_", "b");
	EXPECT("a\n\nb", "a", "!", "!", "!", "/", "b");
	EXPECT("a\n\nb", "a", "/", "!", "b");
}
END_TEST

START_TEST(runs_of_blanks_are_one)
{
	EXPECT("a b c",
	    " a \t\r\n\f b\xc2\xa0\xc2\xa0"
	    "c ");
	EXPECT("\xc2\xa1", "\xc2\xa1");
}
END_TEST

START_TEST(lines_are_kept_when_asked)
{
	struct pagetext text;
	struct buf out;

	buf_init(&out, 100);
	pagetext_start(&text, &out);
	text.keeps_lines = true;
	pagetext_put(&text, BYTES("\n a\n  b \n\n\n c\n"));
	pagetext_end(&text);
	ck_assert_str_eq(buf_string(&out), "a\nb\n\nc");
	buf_release(&out);
}
END_TEST

START_TEST(targets_stand_behind_their_text)
{
	EXPECT("a <http://x/y> b", "[http://x/y", "a", "]", " b");
	EXPECT("a <http://x/y>", "[http://x/y", "a");
	EXPECT("a <http://x>b <http://y>", "[http://x", "a", "[http://y", "b", "]");
	EXPECT("a <http://x>", "a", "[http://x", "]");
	EXPECT("<http://x>", "[http://x", "]");
	EXPECT("a <http://xy>", "[ http:// x\n y ", "a", "]");
	EXPECT("a", "[ftp://x", "a", "]", "]");
}
END_TEST

START_TEST(targets_that_are_shown_are_not_repeated)
{
	EXPECT("x.example", "[https://X.example/", "x.example", "]");
	EXPECT("https://x.example", "[http://x.example", "https://x.example", "]");
	EXPECT("b x@y", "b", "[mailto:x@y", " x@y ", "]");
	EXPECT("x.example/a <https://x.example/b>", "[https://x.example/b", "x.example/a", "]");
}
END_TEST

START_TEST(nothing_is_written_past_the_ceiling)
{
	struct pagetext text;
	struct buf out;

	buf_init(&out, 5);
	pagetext_start(&text, &out);
	pagetext_put(&text, BYTES("one two three a b"));
	pagetext_end(&text);
	ck_assert(out.overflow);
	ck_assert(bytes_starts(buf_view(&out), "one"));
	ck_assert_uint_le(out.n, 5);
	buf_release(&out);
}
END_TEST

SUITE(gaps_stand_between_words_only, the_widest_gap_counts, runs_of_blanks_are_one,
    lines_are_kept_when_asked, targets_stand_behind_their_text,
    targets_that_are_shown_are_not_repeated, nothing_is_written_past_the_ceiling)
