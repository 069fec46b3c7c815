#include "tests/unit/suite.h"

#include "archiver/mime/mimehead.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <string.h>

static struct mimehead parsed(struct bytes header)
{
	struct mimehead head;

	mimehead_init(&head);
	mimehead_parse(&head, header);
	return head;
}

#define IS(buf, text) ck_assert_str_eq(buf_string(&(buf)), text)

START_TEST(a_usual_header)
{
	struct mimehead head = parsed(
	    BYTES("Received: from mx.example.net by mail.example.org;\r\n"
		  "\tFri, 21 Nov 1997 10:01:22 -0600\r\n"
		  "Received: from desk by mx.example.net; Fri, 21 Nov 1997 09:55:10 -0600\r\n"
		  "From: John Doe <jdoe@machine.example>\r\n"
		  "To: Mary Smith <mary@example.net>, \"Q. Public\" <john.q@example.com>\r\n"
		  "Cc: boss@nil.test\r\n"
		  "Subject: Saying\r\n Hello\r\n"
		  "Date: Fri, 21 Nov 1997 09:55:06 -0600\r\n"
		  "Message-ID: <1234@local.machine.example>\r\n"
		  "In-Reply-To: <3456@example.net>\r\n"
		  "References: <1234@a> <3456@example.net>\r\n"
		  "List-Id: Talk <talk.example.org>\r\n"
		  "\r\n"
		  "Subject: in the body\r\n"));

	IS(head.from, "John Doe <jdoe@machine.example>");
	IS(head.to, "Mary Smith <mary@example.net>, \"Q. Public\" <john.q@example.com>");
	IS(head.cc, "boss@nil.test");
	IS(head.subject, "Saying Hello");
	IS(head.message_id, "1234@local.machine.example");
	IS(head.in_reply_to, "<3456@example.net>");
	IS(head.references, "<1234@a> <3456@example.net>");
	IS(head.list_id, "Talk <talk.example.org>");
	ck_assert(head.has_date && head.has_received);
	/* date -d 'Fri, 21 Nov 1997 09:55:06 -0600' +%s */
	ck_assert_int_eq(head.date_unix, 880127706);
	ck_assert_int_eq(head.received_unix, 880128082);
	mimehead_release(&head);
}
END_TEST

START_TEST(the_first_field_of_a_name_counts_in_any_case)
{
	struct mimehead head = parsed(BYTES("SUBJECT: one\nsubject: two\nfRoM :x@y\nCC:\nCc: z\n"));

	IS(head.subject, "one");
	IS(head.from, "x@y");
	IS(head.cc, "");
	mimehead_release(&head);
}
END_TEST

START_TEST(what_was_there_before_is_forgotten)
{
	struct mimehead head =
	    parsed(BYTES("Subject: x\nDate: Fri, 21 Nov 1997 09:55:06 -0600\n"
			 "Message-ID: <a@b>\nReceived: x; Fri, 21 Nov 1997 09:55:06 -0600\n"));

	ck_assert(head.has_date && head.has_received);
	mimehead_parse(&head, BYTES("To: y\n"));
	IS(head.subject, "");
	IS(head.message_id, "");
	IS(head.to, "y");
	ck_assert(!head.has_date && !head.has_received);
	mimehead_release(&head);
}
END_TEST

static void expect_id(struct bytes header, const char *expected)
{
	struct mimehead head = parsed(header);

	IS(head.message_id, expected);
	mimehead_release(&head);
}

START_TEST(message_ids_as_they_are_found)
{
	expect_id(BYTES("Message-Id: <a@b>\n"), "a@b");
	expect_id(BYTES("Message-ID:\n <a@b>\n"), "a@b");
	expect_id(BYTES("Message-ID: (note) <a@b> more\n"), "a@b");
	expect_id(BYTES("Message-ID: a@b\n"), "a@b");
	expect_id(BYTES("Message-ID: <a b@c>\n"), "a b@c");
	expect_id(BYTES("Message-ID: <a@b\n"), "a@b");
	expect_id(BYTES("Message-ID: <>\n"), "");
	expect_id(BYTES("Message-ID:\n"), "");
	expect_id(BYTES("Message-ID: <[a@b]>\n"), "[a@b]");
}
END_TEST

static void expect_date(const char *value, bool has, int64_t expected_unix)
{
	char *header = mem_format("Date: %s\r\n\r\n", value);
	struct mimehead head = parsed(bytes_of(header));

	ck_assert_msg(head.has_date == has, "%s", value);
	if (has)
		ck_assert_int_eq(head.date_unix, expected_unix);
	mimehead_release(&head);
	free(header);
}

/* Expected: GNU date -u -d ... +%s; obsolete zones by RFC 5322 4.3. */
START_TEST(dates_of_all_kinds)
{
	expect_date("Fri, 21 Nov 1997 09:55:06 -0600", true, 880127706);
	expect_date("21 Nov 97 09:55:06 GMT", true, 880106106);
	expect_date("Tue, 1 Jul 2003 10:52:37 +0200 (CEST)", true, 1057049557);
	expect_date("Thu,  13 Feb 1969 23:32:00 -0330", true, -27723480);
	expect_date("Mon, 4 Mar 2019 10:11 EST", true, 1551712260);
	expect_date("Thu, 1 Jan 2099 00:00:00 +0000", true, 4070908800);
	expect_date("", false, 0);
	expect_date("yesterday", false, 0);
	expect_date("99 Foo 2019 10:11:12 +0000", false, 0);
}
END_TEST

static void expect_received(const char *value, bool has, int64_t expected_unix)
{
	char *header =
	    mem_format("Received: %s\r\nReceived: x; 1 Jan 2001 00:00:00 +0000\r\n", value);
	struct mimehead head = parsed(bytes_of(header));

	ck_assert_msg(head.has_received == has, "%s", value);
	if (has)
		ck_assert_int_eq(head.received_unix, expected_unix);
	mimehead_release(&head);
	free(header);
}

START_TEST(the_date_of_the_topmost_received)
{
	expect_received("from a by b; Fri, 21 Nov 1997 09:55:06 -0600", true, 880127706);
	expect_received(
	    "from a (x; y) by b (c; d);\r\n Fri, 21 Nov 1997 09:55:06 -0600", true, 880127706);
	expect_received("from a; Fri, 21 Nov 1997 09:55:06 -0600 (CST; by hand)", true, 880127706);
	expect_received("from a by b", false, 0);
	expect_received("from a by b;", false, 0);
	expect_received(";;;;", false, 0);
}
END_TEST

START_TEST(a_long_received_still_has_its_date)
{
	size_t n = 20000;
	char *by = mem_alloc(n + 1), *value;

	memset(by, 'x', n);
	by[n] = '\0';
	value = mem_format("from %s; Fri, 21 Nov 1997 09:55:06 -0600", by);
	expect_received(value, true, 880127706);
	free(value);
	free(by);
}
END_TEST

START_TEST(broken_headers_give_what_is_there)
{
	struct mimehead head = parsed(BYTES(""));

	IS(head.subject, "");
	mimehead_parse(&head, BYTES("From a@b Mon Jan  1 00:00:00 2019\nSubject: x"));
	IS(head.subject, "x");
	IS(head.from, "");
	mimehead_parse(&head, BYTES("no colon\nSubject: x\n\n"));
	IS(head.subject, "x");
	mimehead_parse(&head, BYTES("Subject: x\rTo: y\r\rSubject: z"));
	IS(head.subject, "x");
	IS(head.to, "y");
	mimehead_parse(&head, BYTES("\nSubject: behind the end\n"));
	IS(head.subject, "");
	mimehead_parse(&head, BYTES("Subject: a\0b\n"));
	ck_assert(bytes_equal(buf_view(&head.subject), BYTES("a\0b")));
	mimehead_parse(&head, BYTES("Subject: caf\xe9\n"));
	IS(head.subject, "caf\xe9");
	mimehead_release(&head);
}
END_TEST

/* 5 MB in 100,000 addresses on one line, and the fields behind it. */
START_TEST(a_header_of_many_megabytes_is_bounded)
{
	struct buf header;
	struct mimehead head;

	buf_init(&header, 1 << 24);
	buf_text(&header, "To: ");
	for (int i = 0; i < 100000; i++)
		buf_format(&header, "Recipient <recipient-number-%06d@example.org>, ", i);
	buf_text(&header, "\r\nSubject: x\r\n\r\n");
	head = parsed(buf_view(&header));
	IS(head.subject, "x");
	ck_assert_uint_le(head.to.n, MIMEHEAD_VALUE_BYTES);
	ck_assert_uint_gt(head.to.n, MIMEHEAD_VALUE_BYTES - 100);
	ck_assert(bytes_starts(buf_view(&head.to), "Recipient <recipient-number-000000@"));
	mimehead_release(&head);
	buf_release(&header);
}
END_TEST

static void expect_decoded(struct bytes raw, const char *expected)
{
	struct buf out;

	buf_init(&out, 1 << 24);
	buf_text(&out, "> ");
	mimehead_decode(&out, raw);
	ck_assert_str_eq(buf_string(&out) + 2, expected);
	ck_assert(utf8_valid(buf_view(&out)));
	buf_release(&out);
}

/* RFC 2047 section 8, as unstructured text. */
START_TEST(encoded_words_of_the_rfc)
{
	expect_decoded(BYTES("=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>"),
	    "Keith Moore <moore@cs.utk.edu>");
	expect_decoded(BYTES("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <keld@dkuug.dk>"),
	    "Keld J\xc3\xb8rn Simonsen <keld@dkuug.dk>");
	expect_decoded(BYTES("=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n "
			     "=?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?="),
	    "If you can read this you understand the example.");
	expect_decoded(BYTES("=?ISO-8859-1?Q?a?="), "a");
	expect_decoded(BYTES("=?ISO-8859-1?Q?a?= b"), "a b");
	expect_decoded(BYTES("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?="), "ab");
	expect_decoded(BYTES("=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?="), "ab");
	expect_decoded(BYTES("=?ISO-8859-1?Q?a_b?="), "a b");
	expect_decoded(BYTES("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?="), "a b");
}
END_TEST

/* RFC 2047 5 and 6.2: each is complete in itself, and nothing stands between them. */
START_TEST(words_side_by_side_lose_nothing)
{
	expect_decoded(BYTES("=?UTF-8?B?SGVsbG8=?= =?UTF-8?B?IGludm9pY2U=?="), "Hello invoice");
	expect_decoded(
	    BYTES("=?UTF-8?B?SGVsbG8=?=\r\n =?utf-8?b?IGludm9pY2U=?= 7"), "Hello invoice 7");
	expect_decoded(BYTES("=?UTF-8?B?SGVsbG8=?==?UTF-8?B?IGludm9pY2U=?="), "Hello invoice");
	expect_decoded(BYTES("=?UTF-8?B?SGVsbA==?= =?UTF-8?B?bw==?= =?UTF-8?B?ISE=?="), "Hello!!");
	/* e acute in two padded words; B then Q; a language; no padding where there should be */
	expect_decoded(BYTES("=?UTF-8?B?Q2Fmww==?= =?UTF-8?B?qSE=?="), "Caf\xc3\xa9!");
	expect_decoded(BYTES("=?UTF-8?B?Q2Fmww==?= =?UTF-8?Q?=A9!?="), "Caf\xc3\xa9!");
	expect_decoded(BYTES("=?UTF-8*en?B?SGVsbG8=?= =?UTF-8?B?IGludm9pY2U=?="), "Hello invoice");
	expect_decoded(BYTES("=?UTF-8?B?SGVsbG8?= =?UTF-8?B?IGludm9pY2U?="), "Hello invoice");
	expect_decoded(BYTES("=?UTF-8?B?SGVsbG8=IGludm9pY2U=?="), "Hello invoice");
	/* another charset begins anew; a word in between keeps its blanks */
	expect_decoded(BYTES("=?UTF-8?B?SGVsbG8=?= =?ISO-8859-1?B?IOk=?="), "Hello \xc3\xa9");
	expect_decoded(BYTES("=?UTF-8?B?SGVsbG8=?= , =?UTF-8?B?aW52b2ljZQ==?="), "Hello , invoice");
	expect_decoded(BYTES("=?UTF-8?Q?a=3D?= =?UTF-8?Q?=3Fb_?= c"), "a=?b  c");
	expect_decoded(BYTES("=?UTF-8?Q?=C3?= =?UTF-8?Q?=A9?="), "\xc3\xa9");
	expect_decoded(BYTES("=?utf-8?Q?What\?\?= x"), "What? x");
}
END_TEST

START_TEST(a_malformed_word_leaves_the_rest)
{
	expect_decoded(BYTES("a =?UTF-8?X?b?= =?UTF-8?B?SGVsbG8=?= z"), "a =?UTF-8?X?b?= Hello z");
	expect_decoded(BYTES("=?UTF-8?B?SGVs!bG8=?= tail"), "Hello tail");
	expect_decoded(BYTES("=?UTF-8?B\?\?= tail"), "tail");
	expect_decoded(BYTES("=?UTF-8?Q\?\?= tail"), "tail");
	expect_decoded(BYTES("=?UTF-8?B?SGVsbG8 tail"), "=?UTF-8?B?SGVsbG8 tail");
	expect_decoded(BYTES("=??B?SGVsbG8=?= tail"), "=??B?SGVsbG8=?= tail");
	expect_decoded(BYTES("=? =?= ?= =?UTF-8?B?SGVsbG8=?="), "=? =?= ?= Hello");
	expect_decoded(BYTES("=?UTF-8?Q?a=ZZb=?= tail"), "a=ZZb= tail");
	expect_decoded(BYTES("=?UTF-8?B?S?= tail"), "tail");
	expect_decoded(BYTES("=?UTF-8?B?=?= =?UTF-8?B?SGVsbG8=?="), "Hello");
}
END_TEST

START_TEST(words_that_break_the_rfc_are_decoded_as_well)
{
	/* a character split between two words */
	expect_decoded(BYTES("=?utf-8?B?w6?= =?utf-8?B?k=?="), "\xc3\xa9");
	/* inside quotes; 8-bit inside; spaces inside; charset unknown; unfinished */
	expect_decoded(BYTES("\"=?utf-8?Q?q=C3=A9?=\" <a@b>"), "\"q\xc3\xa9\" <a@b>");
	expect_decoded(BYTES("=?iso-8859-1?Q?Fr\xf6sche?="), "Fr\xc3\xb6sche");
	expect_decoded(BYTES("=?utf-8?Q?two words?="), "two words");
	expect_decoded(BYTES("=?nonsense?Q?caf=E9?="), "caf\xc3\xa9");
	expect_decoded(BYTES("a =?utf-8?q?unfinished"), "a =?utf-8?q?unfinished");
}
END_TEST

START_TEST(raw_eight_bit_text_is_guessed)
{
	expect_decoded(BYTES("na\xc3\xafve"), "na\xc3\xafve");
	expect_decoded(BYTES("na\xefve \x93q\x94"), "na\xc3\xafve \xe2\x80\x9cq\xe2\x80\x9d");
	expect_decoded(BYTES("na\xefve =?utf-8?Q?=C3=A9?="), "na\xc3\xafve \xc3\xa9");
}
END_TEST

START_TEST(control_characters_become_blanks)
{
	expect_decoded(BYTES("a\0b\x1b[31m\x7f!"), "a b [31m !");
	expect_decoded(BYTES("a\0=?utf-8?Q?b?="), "a b");
	expect_decoded(BYTES("=?utf-8?Q?a=0D=0ABcc:_x?="), "a  Bcc: x");
	expect_decoded(BYTES("=?utf-8?Q?a=00b?="), "a?b");
	expect_decoded(BYTES("  \t "), "");
	expect_decoded((struct bytes){NULL, 0}, "");
}
END_TEST

static void expect_name(struct bytes raw, const char *expected)
{
	struct buf out;

	buf_init(&out, 1 << 16);
	mimehead_first_name(&out, raw);
	ck_assert_str_eq(buf_string(&out), expected);
	ck_assert(utf8_valid(buf_view(&out)));
	buf_release(&out);
}

START_TEST(the_first_name_of_an_address_list)
{
	expect_name(BYTES("Pete <pete@silly.test>, Mary <m@x>"), "Pete");
	expect_name(
	    BYTES("\"Giant; \\\"Big\\\" Box\" <sysservices@example.net>"), "Giant; \"Big\" Box");
	expect_name(BYTES("jdoe@example.org"), "jdoe@example.org");
	expect_name(BYTES("<boss@nil.test>"), "boss@nil.test");
	expect_name(BYTES("\"\" <boss@nil.test>"), "boss@nil.test");
	expect_name(BYTES("=?utf-8?Q?Andr=C3=A9?= Pirard <p@x>"), "Andr\xc3\xa9 Pirard");
	expect_name(BYTES("\"=?utf-8?Q?Andr=C3=A9?=\" <p@x>"), "Andr\xc3\xa9");
	expect_name(BYTES("Andr\xe9 <p@x>"), "Andr\xc3\xa9");
	expect_name(
	    BYTES("=?UTF-8?B?TWFyaWEs?= =?UTF-8?B?IEFuZHLDqQ==?= <p@x>"), "Maria, Andr\xc3\xa9");
	expect_name(
	    BYTES("=?UTF-8?B?TWFyaWE=?= =?UTF-8?B?IEpvc8Op?= <p@x>, q@y"), "Maria Jos\xc3\xa9");
	expect_name(BYTES("A Group:Ed Jones <joe@where.test>,j@x.test;"), "Ed Jones");
	expect_name(BYTES("Undisclosed recipients:;"), "Undisclosed recipients");
}
END_TEST

START_TEST(no_address_at_all_is_shown_as_it_stands)
{
	expect_name(BYTES(""), "");
	expect_name(BYTES("John Doe"), "John Doe");
	expect_name(BYTES("\0\x1b"), "");
	expect_name(BYTES(",,;;<<>>"), ",,;;<<>>");
}
END_TEST

SUITE(a_usual_header, the_first_field_of_a_name_counts_in_any_case,
    what_was_there_before_is_forgotten, message_ids_as_they_are_found, dates_of_all_kinds,
    the_date_of_the_topmost_received, a_long_received_still_has_its_date,
    broken_headers_give_what_is_there, a_header_of_many_megabytes_is_bounded,
    encoded_words_of_the_rfc, words_side_by_side_lose_nothing, a_malformed_word_leaves_the_rest,
    words_that_break_the_rfc_are_decoded_as_well, raw_eight_bit_text_is_guessed,
    control_characters_become_blanks, the_first_name_of_an_address_list,
    no_address_at_all_is_shown_as_it_stands)
