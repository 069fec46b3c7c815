/* Flags: RFC 9051 sections 2.3.2 and 9. */
#include "archiver/imapwire/imapflags.h"

#include "tests/unit/suite.h"

#include <string.h>

static struct buf out;

static void start(void)
{
	buf_release(&out);
	buf_init(&out, 1 << 20);
}

static const char *normalised(struct bytes list)
{
	start();
	imapflags_normalise(&out, list);
	return buf_string(&out);
}

static const char *permitted(const char *flags, const char *permanent)
{
	start();
	imapflags_permitted(&out, bytes_of(flags), bytes_of(permanent));
	return buf_string(&out);
}

START_TEST(sorts_by_bytes_and_keeps_each_once)
{
	ck_assert_str_eq(normalised(BYTES("\\Seen $label1 \\Flagged")), "$label1 \\Flagged \\Seen");
	ck_assert_str_eq(normalised(BYTES("b a b a")), "a b");
	ck_assert_str_eq(normalised(BYTES("a aa ab a1")), "a a1 aa ab");
	ck_assert_str_eq(normalised(BYTES("")), "");
	ck_assert_str_eq(normalised(BYTES("   ")), "");
}
END_TEST

START_TEST(writes_system_flags_as_the_rfc_does)
{
	ck_assert_str_eq(normalised(BYTES("\\SEEN \\seen \\aNSWERED \\deleted \\DRAFT \\flagged")),
	    "\\Answered \\Deleted \\Draft \\Flagged \\Seen");
	ck_assert_str_eq(
	    normalised(BYTES("$Forwarded $forwarded Junk")), "$Forwarded $forwarded Junk");
	ck_assert_str_eq(normalised(BYTES("\\Important seen")), "\\Important seen");
}
END_TEST

START_TEST(leaves_out_what_is_no_flag_of_the_message)
{
	ck_assert_str_eq(normalised(BYTES("\\Recent \\Seen \\recent")), "\\Seen");
	ck_assert_str_eq(normalised(BYTES("\\* \\ NIL \\Seen")), "\\Seen");
}
END_TEST

/* InterMail sends FLAGS ("\\Deleted" \Answered), others quote keywords. */
START_TEST(reads_quoted_flags)
{
	ck_assert_str_eq(normalised(BYTES("\"\\\\Flagged\" \\Answered \"$Label\"")),
	    "$Label \\Answered \\Flagged");
	ck_assert_str_eq(normalised(BYTES("(\\Seen) (\\Flagged)")), "\\Flagged \\Seen");
}
END_TEST

START_TEST(separates_at_controls)
{
	ck_assert_str_eq(normalised((struct bytes){"a\tb\rc\nd\0e\x7f"
						   "f",
			     11}),
	    "a b c d e f");
}
END_TEST

START_TEST(drops_keywords_but_no_system_flag_for_lack_of_room)
{
	struct buf many;

	buf_init(&many, 1 << 20);
	for (int i = 0; i < 20000; i++)
		buf_format(&many, "k%05d ", i);
	buf_text(&many, "\\Flagged \\Seen");
	normalised(buf_view(&many));
	ck_assert_uint_le(out.n, IMAPFLAGS_MAX_BYTES);
	ck_assert_uint_gt(out.n, IMAPFLAGS_MAX_BYTES - 10);
	ck_assert(imapflags_has(buf_view(&out), "\\Flagged"));
	ck_assert(imapflags_has(buf_view(&out), "\\Seen"));
	ck_assert(imapflags_has(buf_view(&out), "k00000"));
	buf_clear(&many);
	for (int i = 0; i < 5000; i++)
		buf_char(&many, 'x');
	buf_text(&many, " \\Flagged");
	ck_assert_str_eq(normalised(buf_view(&many)), "\\Flagged");
	buf_release(&many);
}
END_TEST

START_TEST(takes_the_most_flags_that_fit)
{
	char longest[IMAPFLAGS_MAX_BYTES + 1];
	struct buf many;

	memset(longest, 'x', sizeof longest);
	normalised((struct bytes){longest, IMAPFLAGS_MAX_BYTES});
	ck_assert_uint_eq(out.n, IMAPFLAGS_MAX_BYTES);
	normalised((struct bytes){longest, IMAPFLAGS_MAX_BYTES + 1});
	ck_assert_uint_eq(out.n, 0);

	buf_init(&many, 1 << 20);
	for (int c = 0x21; c < 0x7f; c++)
		for (int d = 0x21; d < 0x7f; d++)
			buf_format(&many, "%c%c ", c, d);
	normalised(buf_view(&many));
	ck_assert_uint_le(out.n, IMAPFLAGS_MAX_BYTES);
	buf_clear(&many);
	for (int i = 0; i < 3000; i++)
		buf_format(&many, "%c ", 0x80 + i % 128);
	normalised(buf_view(&many));
	ck_assert_uint_eq(out.n, 2 * 128 - 1);
	buf_release(&many);
}
END_TEST

START_TEST(normal_form_stays_as_it_is)
{
	struct buf again;

	buf_init(&again, 1 << 16);
	normalised(BYTES("\\Seen z \"q r\" $a \\Flagged"));
	imapflags_normalise(&again, buf_view(&out));
	ck_assert(bytes_equal(buf_view(&again), buf_view(&out)));
	buf_release(&again);
}
END_TEST

START_TEST(finds_a_flag_only_as_a_whole)
{
	struct bytes flags = BYTES("$Forwarded \\Flagged \\Seen");

	ck_assert(imapflags_has(flags, "\\Seen"));
	ck_assert(imapflags_has(flags, "$Forwarded"));
	ck_assert(!imapflags_has(flags, "\\Flag"));
	ck_assert(!imapflags_has(flags, "Seen"));
	ck_assert(!imapflags_has(flags, "\\Answered"));
	ck_assert(!imapflags_has(flags, ""));
	ck_assert(!imapflags_has(BYTES(""), "\\Seen"));
}
END_TEST

START_TEST(permits_what_the_folder_keeps)
{
	const char *all = "$L \\Answered \\Flagged \\Seen";

	ck_assert_str_eq(permitted(all, "\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*"), all);
	ck_assert_str_eq(permitted(all, "\\seen \\FLAGGED"), "\\Flagged \\Seen");
	ck_assert_str_eq(permitted(all, "\\*"), "$L");
	ck_assert_str_eq(permitted(all, "$l \\Seen"), "$L \\Seen");
	ck_assert_str_eq(permitted(all, ""), "");
	ck_assert_str_eq(permitted("", "\\*"), "");
	ck_assert_str_eq(permitted("~a !b $c,d", "\\*"), "~a !b $c,d");
}
END_TEST

/* What goes into "APPEND box (...)" must stay inside these parentheses. */
START_TEST(permits_nothing_that_could_end_the_list)
{
	ck_assert_str_eq(permitted("a)b (c \"d\" {5} x{5}", "\\*"), "a b c d");
	ck_assert_str_eq(permitted("{5}", "{5} \\*"), "");
	ck_assert_str_eq(permitted("\\Recent \\* NIL", "\\Recent \\* NIL"), "");
	ck_assert_str_eq(permitted("a%b c*d e]f g\\h \xc3\xa9", "\\*"), "");
	ck_assert_str_eq(permitted("e]f \xc3\xa9", "\\* e]f \xc3\xa9"), "e]f \xc3\xa9");
	ck_assert_str_eq(permitted("\\Unknown", "\\*"), "");
	ck_assert_str_eq(permitted("\\Unknown", "\\Unknown"), "\\Unknown");
}
END_TEST

SUITE(sorts_by_bytes_and_keeps_each_once, writes_system_flags_as_the_rfc_does,
    leaves_out_what_is_no_flag_of_the_message, reads_quoted_flags, separates_at_controls,
    drops_keywords_but_no_system_flag_for_lack_of_room, takes_the_most_flags_that_fit,
    normal_form_stays_as_it_is, finds_a_flag_only_as_a_whole, permits_what_the_folder_keeps,
    permits_nothing_that_could_end_the_list)
