#include "tests/unit/suite.h"

#include "archiver/mime/mimetext.h"
#include "base/utf8.h"

#include <pthread.h>

/* The text converted in pieces of each size gives the same every time. */
static void expect(const char *charset, struct bytes in, const char *expected)
{
	for (size_t step = 1; step <= in.n + 1; step++) {
		struct mimetext *text = mimetext_new(charset);
		struct bytes rest = in;
		struct buf out;

		buf_init(&out, 1 << 16);
		while (rest.n > 0) {
			struct bytes piece = rest;

			if (piece.n > step)
				piece.n = step;
			mimetext_add(text, piece, &out);
			rest = bytes_from(rest, piece.n);
		}
		mimetext_end(text, &out);
		ck_assert_str_eq(buf_string(&out), expected);
		ck_assert(utf8_valid(buf_view(&out)));
		buf_release(&out);
		mimetext_free(text);
	}
}

START_TEST(utf8_comes_through)
{
	expect("utf-8", BYTES("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z"),
	    "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z");
	expect(NULL, BYTES("na\xc3\xafve"), "na\xc3\xafve");
	expect(NULL, BYTES("\xe0\xa4\x84"), "\xe0\xa4\x84");
	expect(NULL, BYTES("0123456789abcdefghi\xc3\xaf and more of it"),
	    "0123456789abcdefghi\xc3\xaf and more of it");
	expect("US-ASCII", BYTES("na\xc3\xafve"), "na\xc3\xafve");
}
END_TEST

/* Windows-1252 by the table of the WHATWG: 0x80 is the euro, 0x93 and 0x94 quotes, 0x81 none. */
START_TEST(what_is_not_utf8_is_windows_1252)
{
	expect(NULL, BYTES("caf\xe9"), "caf\xc3\xa9");
	expect("utf-8", BYTES("\x80 \x93x\x94"), "\xe2\x82\xac \xe2\x80\x9cx\xe2\x80\x9d");
	expect("no-such-charset", BYTES("\x9f\x81"), "\xc5\xb8\xef\xbf\xbd");
	expect(NULL, BYTES("\xc3\xa9 and \xe9"), "\xc3\xa9 and \xc3\xa9");
	expect(NULL, BYTES("0123456789abcdefghi\xef 0123456789"),
	    "0123456789abcdefghi\xc3\xaf 0123456789");
	expect(NULL, BYTES("cut \xe2\x82"), "cut \xc3\xa2\xe2\x80\x9a");
}
END_TEST

START_TEST(labels_mean_what_browsers_take_them_for)
{
	expect("iso-8859-1", BYTES("\x93q\x94"), "\xe2\x80\x9cq\xe2\x80\x9d");
	expect("ISO-8859-1", BYTES("\xe4"), "\xc3\xa4");
	expect("latin1", BYTES("\xe4"), "\xc3\xa4");
	/* U+9555, which gbk has and gb2312 has not */
	expect("gb2312", BYTES("\xe9\x46"), "\xe9\x95\x95");
	/* U+AC02, which cp949 has and euc-kr has not */
	expect("euc-kr", BYTES("\x81\x41"), "\xea\xb0\x82");
}
END_TEST

START_TEST(other_charsets_are_converted)
{
	expect("koi8-r", BYTES("\xf0\xd2\xc9"), "\xd0\x9f\xd1\x80\xd0\xb8");
	expect("iso-8859-15", BYTES("\xa4"), "\xe2\x82\xac");
	expect("iso-2022-jp", BYTES("\x1b$B$\"\x1b(Bx"), "\xe3\x81\x82x");
	expect("shift_jis", BYTES("\x82\xa0"), "\xe3\x81\x82");
	expect("utf-16be", BYTES("\0a\x20\xac"), "a\xe2\x82\xac");
	expect("utf-16le", BYTES("a\0\xac\x20"), "a\xe2\x82\xac");
	/* the converter holds these letters back until it knows what follows */
	expect("big5", BYTES("\x88\x66"), "\xc3\x8a");
	expect("windows-1258", BYTES("a\xec"), "\xc3\xa1");
	expect("windows-1258", BYTES("ya"), "ya");
}
END_TEST

START_TEST(bytes_without_meaning_become_the_replacement)
{
	expect("koi8-u", BYTES("a"), "a");
	expect("shift_jis", BYTES("a\x82"), "a\xef\xbf\xbd");
	expect("euc-jp",
	    BYTES("a\xff"
		  "b"),
	    "a\xef\xbf\xbd"
	    "b");
	/* a lone surrogate takes its own two bytes only */
	expect("utf-16be", BYTES("\xdc\x00\0a"),
	    "\xef\xbf\xbd"
	    "a");
}
END_TEST

/* The C library knows numbers beyond Unicode; UTF-8 does not. */
START_TEST(characters_that_do_not_exist_stay_away)
{
	struct mimetext *text = mimetext_new("ucs-4be");
	struct buf out;

	buf_init(&out, 1000);
	mimetext_add(text, BYTES("\0\0\0a\0\x11\0\0\x7f\xff\xff\xff\0\0\xd8\0\0\0\0b"), &out);
	mimetext_end(text, &out);
	ck_assert(utf8_valid(buf_view(&out)));
	ck_assert(bytes_starts(buf_view(&out), "a\xef\xbf\xbd"));
	ck_assert_int_eq(out.p[out.n - 1], 'b');
	buf_release(&out);
	mimetext_free(text);
}
END_TEST

START_TEST(odd_names_are_no_names)
{
	expect("", BYTES("\xe9"), "\xc3\xa9");
	expect("x-unknown", BYTES("\xe9"), "\xc3\xa9");
	expect(
	    "utf-8//IGNORE-and-much-more-that-is-longer-than-any-name", BYTES("\xe9"), "\xc3\xa9");
}
END_TEST

static void *init_again(void *unused)
{
	(void)unused;
	mimetext_library_init();
	return NULL;
}

START_TEST(the_library_may_be_started_by_all_threads_at_once)
{
	pthread_t threads[8];

	for (size_t i = 0; i < 8; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, init_again, NULL), 0);
	for (size_t i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	expect("koi8-r", BYTES("\xc1"), "\xd0\xb0");
}
END_TEST

SUITE(utf8_comes_through, what_is_not_utf8_is_windows_1252, labels_mean_what_browsers_take_them_for,
    other_charsets_are_converted, bytes_without_meaning_become_the_replacement,
    characters_that_do_not_exist_stay_away, odd_names_are_no_names,
    the_library_may_be_started_by_all_threads_at_once)
