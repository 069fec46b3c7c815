#include "tests/unit/suite.h"

#include "base/buf.h"
#include "index/vocabulary.h"

static struct vocabulary vocabulary;
static struct buf text;

static void begin(void)
{
	vocabulary_init(&vocabulary);
	buf_init(&text, 16 << 20);
}

static void end(void)
{
	vocabulary_release(&vocabulary);
	buf_release(&text);
}

/* That many words, each another one, with something behind each that is none. */
static void put_words(unsigned from, unsigned count, const char *between)
{
	for (unsigned i = from; i < from + count; i++)
		buf_format(&text, "w%u%s", i, between);
}

static size_t take(void)
{
	return vocabulary_take(&vocabulary, buf_view(&text));
}

START_TEST(the_same_words_again_and_again)
{
	begin();
	for (unsigned i = 0; i < 300; i++)
		put_words(0, 1000, ", ");
	ck_assert_uint_eq(take(), text.n);
	ck_assert_uint_eq(vocabulary.count, 1000);
	end();
}
END_TEST

START_TEST(upper_and_lower_case_are_one)
{
	begin();
	buf_text(&text, "Tea TEA tea t\xc3\xa9 T\xc3\xa9");
	ck_assert_uint_eq(take(), text.n);
	ck_assert_uint_eq(vocabulary.count, 2);
	end();
}
END_TEST

START_TEST(it_ends_before_the_word_that_is_too_many)
{
	size_t full;

	begin();
	put_words(0, VOCABULARY_WORDS, " ");
	full = text.n;
	ck_assert_uint_eq(take(), full);
	buf_text(&text, "w1 w2 neu w3");
	ck_assert_uint_eq(take(), full + strlen("w1 w2 "));
	ck_assert_uint_eq(vocabulary.count, VOCABULARY_WORDS);
	end();
}
END_TEST

START_TEST(it_goes_on_with_the_next_text)
{
	begin();
	put_words(0, VOCABULARY_WORDS, "\n");
	take();
	buf_clear(&text);
	buf_text(&text, "w7 w8");
	ck_assert_uint_eq(take(), text.n);
	buf_clear(&text);
	buf_text(&text, "another");
	ck_assert_uint_eq(take(), 0);
	end();
}
END_TEST

/* A long word is cut nowhere, least of all in a character. */
START_TEST(a_long_word_goes_in_whole_or_not)
{
	size_t full;

	begin();
	put_words(0, VOCABULARY_WORDS - 1, " ");
	full = text.n;
	buf_text(&text, "\xe5\x86\x99\xe9\x81\x93\xe5\x86\x99\xe9\x81\x93");
	ck_assert_uint_eq(take(), full);
	end();
}
END_TEST

/* What stands between words in other scripts is no way to hide them. */
START_TEST(words_between_other_signs)
{
	begin();
	put_words(100000, 400000, "\xe3\x80\x81");
	ck_assert_uint_lt(take(), text.n);
	ck_assert_uint_eq(vocabulary.count, VOCABULARY_WORDS);
	end();
}
END_TEST

START_TEST(nothing_and_no_words)
{
	begin();
	ck_assert_uint_eq(take(), 0);
	buf_text(&text, " .,;-\r\n\t");
	ck_assert_uint_eq(take(), text.n);
	ck_assert_uint_eq(vocabulary.count, 0);
	end();
}
END_TEST

SUITE(the_same_words_again_and_again, upper_and_lower_case_are_one,
    it_ends_before_the_word_that_is_too_many, it_goes_on_with_the_next_text,
    a_long_word_goes_in_whole_or_not, words_between_other_signs, nothing_and_no_words)
