/* FETCH: RFC 9051 section 7.5.2, and what real servers make of it. */
#include "tests/unit/archiver/imapwire/hearing.h"

#define FETCH_HAS_ALL                                                                              \
	(FETCH_HAS_UID | FETCH_HAS_FLAGS | FETCH_HAS_INTERNALDATE | FETCH_HAS_SIZE |               \
	    FETCH_HAS_MODSEQ | FETCH_HAS_BODY | FETCH_HAS_HEADER)

/* What is there of "* 1 FETCH items". */
static unsigned has(const char *items)
{
	char text[512];

	snprintf(text, sizeof text, "* 1 FETCH %s\r\n", items);
	OK(hear(bytes_of(text), false, err));
	ck_assert_int_eq(heard.kind, RESPONSE_FETCH);
	return heard.fetch.has;
}

START_TEST(reads_a_listing)
{
	HEAR("* 23 FETCH (FLAGS (\\Seen) RFC822.SIZE 44827 UID 4294967295)\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_FETCH);
	ck_assert_uint_eq(heard.number, 23);
	ck_assert_uint_eq(heard.fetch.has, FETCH_HAS_UID | FETCH_HAS_FLAGS | FETCH_HAS_SIZE);
	ck_assert_uint_eq(heard.fetch.uid, UINT32_MAX);
	ck_assert_bytes(heard.fetch.flags, "\\Seen");
	ck_assert_uint_eq(heard.fetch.size_bytes, 44827);
}
END_TEST

START_TEST(reads_all_items_in_any_order)
{
	HEAR("* 1 FETCH (BODY[HEADER.FIELDS (\"DATE\" FROM)] {11}\r\nDate: x\r\n\r\n MODSEQ "
	     "(12121231000) "
	     "BODY[] {5}\r\nabcde RFC822.SIZE 5 INTERNALDATE \" 7-Feb-1994 22:43:04 -0800\" "
	     "FLAGS (\\Answered $Forwarded) uid 404)\r\n");
	ck_assert_uint_eq(heard.fetch.has, FETCH_HAS_ALL);
	ck_assert_uint_eq(heard.fetch.uid, 404);
	ck_assert_uint_eq(heard.fetch.modseq, 12121231000);
	ck_assert_int_eq(heard.fetch.internaldate_unix, 760689784);
	ck_assert_uint_eq(heard.fetch.size_bytes, 5);
	ck_assert_bytes(heard.fetch.flags, "\\Answered $Forwarded");
	ck_assert_bytes(heard.fetch.header, "Date: x\r\n\r\n");
	ck_assert(heard.fetch.body_streamed);
	ck_assert_bytes(heard.fetch.body, "");
	ck_assert_uint_eq(streamed_bytes, 5);
	ck_assert_int_eq(memcmp(streamed, "abcde", 5), 0);
}
END_TEST

START_TEST(reads_an_unsolicited_one)
{
	ck_assert_uint_eq(has("(FLAGS (\\Seen \\Deleted))"), FETCH_HAS_FLAGS);
	ck_assert_uint_eq(has("(MODSEQ (65402) FLAGS ())"), FETCH_HAS_FLAGS | FETCH_HAS_MODSEQ);
	ck_assert_bytes(heard.fetch.flags, "");
	ck_assert_uint_eq(has("()"), 0);
	HEAR("* 0 FETCH (UID 5 FLAGS ())\r\n"); /* Courier */
	ck_assert_uint_eq(heard.number, 0);
	ck_assert_uint_eq(heard.fetch.uid, 5);
}
END_TEST

START_TEST(steps_over_items_of_any_shape)
{
	static const char *const unknown[] = {"X-GM-THRID 1278455344230334865",
	    "X-GM-LABELS (\\Inbox \"a b\" \"c)\\\"d\" foo)", "SAVEDATE NIL",
	    "EMAILID (M6d99ac3275bb4e)", "PREVIEW \"text ) (\"", "BODY[1.2.TEXT] \"x\"",
	    "BODY[TEXT]<0> NIL", "BINARY[1]<5> ~{3}\r\n)\"(", "X {0}\r\n", "X {6}\r\n UID 9",
	    "X ({6}\r\n UID 9 {1}\r\n) (a {2}\r\n(())", "X ()", "X \"\"", "X (UID 9)",
	    "RFC822.TEXT \"UID 9\"", "RFC822.HEADER {3}\r\nabc",
	    "ENVELOPE (\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"a \\\"b\\\\\" "
	    "((\"Terry\" NIL \"gray\" \"x\")) NIL NIL NIL \"<B27397@x>\")",
	    "BODYSTRUCTURE ((\"text\" \"plain\" NIL NIL NIL \"7bit\" -2 9.3736e+06)(\"a\" "
	    "{3}\r\n((( NIL) "
	    "\"mixed\" (\"boundary\" \"b\") NIL)",
	    "BODY[HEADER.FIELDS.NOT (DATE)]<0> {2}\r\nab",
	    "BODY[HEADER.FIELDS ({4}\r\nDATE)]<0> \"x\""};
	char text[600];

	for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
		snprintf(text, sizeof text, "* 1 FETCH (%s UID 7 %s FLAGS (a))\r\n", unknown[i],
		    unknown[i]);
		OK(hear(bytes_of(text), false, err));
		ck_assert_msg(heard.fetch.has == (FETCH_HAS_UID | FETCH_HAS_FLAGS), "%s", text);
		ck_assert_uint_eq(heard.fetch.uid, 7);
		ck_assert_bytes(heard.fetch.flags, "a");
	}
}
END_TEST

START_TEST(takes_extra_spaces_and_parentheses)
{
	unsigned both = FETCH_HAS_UID | FETCH_HAS_FLAGS;

	ck_assert_uint_eq(has("(UID 19436 )"), FETCH_HAS_UID); /* qq.com */
	ck_assert_uint_eq(has(" (  UID  7  FLAGS  (\\Seen)  )  "), both);
	ck_assert_uint_eq(has("(UID 7 FLAGS(\\Seen))"), both);
	/* Domino */
	ck_assert_uint_eq(has("(UID 7 (ENVELOPE (NIL NIL)) FLAGS ())"), both);
	ck_assert_uint_eq(has("((UID 7) (FLAGS (\\Seen)))"), both);
	ck_assert_uint_eq(heard.fetch.uid, 7);
	ck_assert_uint_eq(has("((UID 7 FLAGS (\\Seen)))"), both);
	ck_assert_bytes(heard.fetch.flags, "\\Seen");
}
END_TEST

START_TEST(reads_a_body_that_is_kept)
{
	HEAR_KEPT("* 1 FETCH (UID 7 BODY[] {7}\r\na)\r\n(\"b)\r\n");
	ck_assert_uint_eq(heard.fetch.has, FETCH_HAS_UID | FETCH_HAS_BODY);
	ck_assert(!heard.fetch.body_streamed);
	ck_assert_bytes(heard.fetch.body, "a)\r\n(\"b");
	HEAR("* 1 FETCH (BODY[] \"quoted \\\\ \\\" text\" UID 7)\r\n");
	ck_assert_uint_eq(heard.fetch.has, FETCH_HAS_UID | FETCH_HAS_BODY);
	ck_assert_bytes(heard.fetch.body, "quoted \\ \" text");
	HEAR("* 1 FETCH (RFC822 {3}\r\nabc UID 7)\r\n");
	ck_assert_uint_eq(heard.fetch.has, FETCH_HAS_UID | FETCH_HAS_BODY);
	HEAR("* 1 FETCH (UID 7 BODY[] {0}\r\n)\r\n");
	ck_assert_uint_eq(heard.fetch.has, FETCH_HAS_UID | FETCH_HAS_BODY);
	ck_assert(heard.fetch.body_streamed);
	HEAR("* 1 FETCH (UID 7 BODY[] \"\")\r\n");
	ck_assert_uint_eq(heard.fetch.has, FETCH_HAS_UID | FETCH_HAS_BODY);
}
END_TEST

/* "Fetched" is only what came. */
START_TEST(a_body_that_did_not_come_is_not_there)
{
	ck_assert_uint_eq(has("(UID 7 BODY[] NIL)"), FETCH_HAS_UID);
	ck_assert_uint_eq(has("(BODY[] nil UID 7)"), FETCH_HAS_UID);
	ck_assert_uint_eq(has("(UID 7 BODY[])"), FETCH_HAS_UID); /* Yandex */
	ck_assert_uint_eq(has("(UID 7)"), FETCH_HAS_UID);
}
END_TEST

/* Another part of the message, or a part of it, is not the message. */
START_TEST(no_other_section_is_the_body)
{
	static const char *const sections[] = {"BODY[]<0>", "BODY[]<5>", "BODY[TEXT]", "BODY[1]",
	    "RFC822.TEXT", "RFC822.HEADER", "BINARY[]", "BODY.PEEK[TEXT]", "BODY[MIME]", "XBODY[]",
	    "BODY", "BODY[HEADER.FIELDS.NOT (X)]", "BODY[HEADER.FIELDS (X)]<0>", "BODY[HEADER]<0>"};
	char text[128];

	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
		snprintf(text, sizeof text, "* 1 FETCH (UID 7 %s {3}\r\nabc)\r\n", sections[i]);
		OK(hear(bytes_of(text), false, err));
		ck_assert_msg(heard.fetch.has == FETCH_HAS_UID, "%s", sections[i]);
		ck_assert_uint_eq(streamed_bytes, 0);
	}
}
END_TEST

START_TEST(refuses_a_message_with_a_doubtful_text)
{
	UNHEARD(ERR_PROTOCOL, "* 1 FETCH (UID 7 BODY[] abc)\r\n");
	UNHEARD(ERR_PROTOCOL, "* 1 FETCH (UID 7 BODY[] (\"abc\"))\r\n");
	UNHEARD(ERR_PROTOCOL, "* 1 FETCH (UID 7 BODY[] {3}\r\nabc BODY[] {3}\r\nabc)\r\n");
	UNHEARD(ERR_PROTOCOL, "* 1 FETCH (UID 7 BODY[] \"abc\" RFC822 \"abc\")\r\n");
}
END_TEST

/* A length that is too small or too large never passes as a whole response. */
START_TEST(refuses_a_literal_of_the_wrong_length)
{
	UNHEARD(ERR_PROTOCOL, "* 1 FETCH (UID 7 BODY[] {3}\r\nabcde)\r\n");
	UNHEARD(ERR_PROTOCOL, "* 1 FETCH (UID 7 BODY[] {3}\r\nabc e)\r\n");
	UNHEARD(ERR_PROTOCOL, "* 1 FETCH (UID 7 BODY[] {3}\r\nabc(e) f)\r\n");
	UNHEARD(ERR_PROTOCOL, "* 1 FETCH (UID 7 BODY[] \"abc\"d e)\r\n");
	UNHEARD(ERR_PROTOCOL, "* 1 FETCH (UID 7 BODY[] {3}\r\nabc\r\n)\r\n");
	UNHEARD(ERR_PROTOCOL, "* 1 FETCH (UID 7 BODY[] {4}\r\nabc)\r\n");
	UNHEARD(ERR_PROTOCOL, "* 1 FETCH (UID 7 BODY[] {3}\r\nabc\r\n");
	UNHEARD(ERR_PROTOCOL, "* 1 FETCH (UID 7 BODY[] {5}\r\nabc)\r\n)\r\n");
	UNHEARD(ERR_PROTOCOL, "* 1 FETCH (UID 7 BODY[] {0}\r\nabc)\r\n");
}
END_TEST

/* Whose flags, date and text would these be? */
START_TEST(nothing_is_given_to_an_unreadable_uid)
{
	static const char *const uids[] = {"0", "-1", "4294967296", "18446744073709551616", "NIL",
	    "9.3736e+06", "5.0", "\"7\"", "(7)", "7x", "x7", "+7", "0x7", "7,8", "7:8", "{1}\r\n7",
	    "*"};
	char text[256];

	for (size_t i = 0; i < sizeof uids / sizeof *uids; i++) {
		snprintf(text, sizeof text,
		    "* 1 FETCH (FLAGS (\\Seen) UID %s RFC822.SIZE 5 BODY[] {3}\r\nabc)\r\n",
		    uids[i]);
		OK(hear(bytes_of(text), false, err));
		ck_assert_int_eq(heard.kind, RESPONSE_FETCH);
		ck_assert_msg(heard.fetch.has == 0, "UID %s", uids[i]);
		ck_assert_uint_eq(heard.fetch.uid, 0);
		ck_assert(!heard.fetch.body_streamed);
		ck_assert_bytes(heard.fetch.flags, "");
	}
	ck_assert_uint_eq(has("(UID 7 FLAGS (\\Seen) UID 8)"), 0);
	ck_assert_uint_eq(has("(UID 7 FLAGS (\\Seen) UID 0)"), 0);
	ck_assert_uint_eq(has("(UID 0 FLAGS (\\Seen) UID 7)"), 0);
	ck_assert_uint_eq(has("(UID 7 UID 7)"), FETCH_HAS_UID);
	ck_assert_uint_eq(has("(UID 007)"), FETCH_HAS_UID);
}
END_TEST

START_TEST(items_that_contradict_each_other_are_left_out)
{
	ck_assert_uint_eq(has("(UID 7 FLAGS (\\Seen) FLAGS (\\Flagged))"), FETCH_HAS_UID);
	ck_assert_uint_eq(has("(UID 7 FLAGS (a) FLAGS (b) FLAGS (b))"), FETCH_HAS_UID);
	ck_assert_uint_eq(has("(UID 7 FLAGS (a) FLAGS (a))"), FETCH_HAS_UID | FETCH_HAS_FLAGS);
	ck_assert_uint_eq(has("(UID 7 RFC822.SIZE 5 RFC822.SIZE 6)"), FETCH_HAS_UID);
	ck_assert_uint_eq(has("(UID 7 MODSEQ (5) MODSEQ (6))"), FETCH_HAS_UID);
	ck_assert_uint_eq(has("(UID 7 BODY[HEADER] \"a\" BODY[HEADER] \"b\")"), FETCH_HAS_UID);
	ck_assert_uint_eq(has("(UID 7 INTERNALDATE \"07-Feb-1994 22:43:04 -0800\" "
			      "INTERNALDATE \"07-Feb-1994 22:43:05 -0800\")"),
	    FETCH_HAS_UID);
	ck_assert_uint_eq(
	    has("(UID 7 RFC822.SIZE 5 RFC822.SIZE 5)"), FETCH_HAS_UID | FETCH_HAS_SIZE);
}
END_TEST

START_TEST(flags_are_read_whole_or_not)
{
	ck_assert_uint_eq(
	    has("(UID 7 FLAGS (\\Seen \"$My flag\" \"a)b\"))"), FETCH_HAS_UID | FETCH_HAS_FLAGS);
	ck_assert_bytes(heard.fetch.flags, "\\Seen \"$My flag\" \"a)b\"");
	ck_assert_uint_eq(has("(UID 7 FLAGS ((\\Seen)))"), FETCH_HAS_UID | FETCH_HAS_FLAGS);
	ck_assert_bytes(heard.fetch.flags, "(\\Seen)");
	ck_assert_uint_eq(has("(UID 7 FLAGS NIL)"), FETCH_HAS_UID);
	ck_assert_uint_eq(has("(UID 7 FLAGS \\Seen)"), FETCH_HAS_UID);
	ck_assert_uint_eq(has("(UID 7 FLAGS \"\\\\Seen\")"), FETCH_HAS_UID);
	ck_assert_uint_eq(has("(UID 7 FLAGS ({1}\r\na \\Seen))"), FETCH_HAS_UID);
	UNHEARD(ERR_PROTOCOL, "* 1 FETCH (UID 7 FLAGS)\r\n");
	UNHEARD(ERR_PROTOCOL, "* 1 FETCH (FLAGS () UID)\r\n");
	UNHEARD(ERR_PROTOCOL, "* 1 FETCH (UID 7 FLAGS (\\Seen)\r\n");
	UNHEARD(ERR_PROTOCOL, "* 1 FETCH (UID 7 FLAGS (a(b))\r\n");
	UNHEARD(ERR_PROTOCOL, "* 1 FETCH (UID 7 FLAGS (a)b))\r\n");
}
END_TEST

START_TEST(sizes_may_be_rough)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {{"0", 0}, {"9.3736e+06", 9373600}, {"1.86931e+06", 1869310},
	    {"9.3736E6", 9373600}, {"1e3", 1000}, {"12.75", 12}, {"12.", 12}, {"1.5e0", 1},
	    {"12345e-2", 123}, {"1e-999", 0}, {"9223372036854775807", INT64_MAX},
	    {"18446744073709551615", UINT64_MAX}, {"1.8446744073709551615e19", UINT64_MAX},
	    {"0e1000", 0}};
	char text[128];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(text, sizeof text, "(UID 7 RFC822.SIZE %s)", cases[i].text);
		ck_assert_msg(has(text) == (FETCH_HAS_UID | FETCH_HAS_SIZE), "%s", text);
		ck_assert_msg(heard.fetch.size_bytes == cases[i].bytes, "%s", text);
	}
}
END_TEST

START_TEST(sizes_that_are_none_are_left_out)
{
	static const char *const wrong[] = {"-2", "NIL", "18446744073709551616", "1e20", "1.9e19",
	    "e5", ".5", "1e", "1e+", "1.2.3", "1e5x", "1e1001", "1e99999999999999999999", "x",
	    "inf", "nan", "0x10", "1,000", "\"5\"", "(5)"};
	char text[128];

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		snprintf(text, sizeof text, "(UID 7 RFC822.SIZE %s)", wrong[i]);
		ck_assert_msg(has(text) == FETCH_HAS_UID, "%s", text);
	}
}
END_TEST

/* One that is too high would hide changes. */
START_TEST(mod_sequences_are_exact_or_left_out)
{
	static const char *const wrong[] = {"(0)", "0", "(-1)", "-1", "NIL", "(9.3e+06)", "(1 2)",
	    "()", "(18446744073709551616)", "\"5\"", "({1}\r\n5)", "((5))"};
	char text[128];

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		snprintf(text, sizeof text, "(UID 7 MODSEQ %s)", wrong[i]);
		ck_assert_msg(has(text) == FETCH_HAS_UID, "%s", text);
	}
	ck_assert_uint_eq(
	    has("(UID 7 MODSEQ (90060115194045001))"), FETCH_HAS_UID | FETCH_HAS_MODSEQ);
	ck_assert_uint_eq(heard.fetch.modseq, 90060115194045001);
	ck_assert_uint_eq(has("(UID 7 MODSEQ 5)"), FETCH_HAS_UID | FETCH_HAS_MODSEQ);
	ck_assert_uint_eq(has("(UID 7 MODSEQ ( 5 ))"), FETCH_HAS_UID | FETCH_HAS_MODSEQ);
}
END_TEST

START_TEST(dates_are_read_or_left_out)
{
	ck_assert_uint_eq(has("(UID 7 INTERNALDATE \"7-Feb-1994 22:43:04 -0800\")"),
	    FETCH_HAS_UID | FETCH_HAS_INTERNALDATE);
	ck_assert_int_eq(heard.fetch.internaldate_unix, 760689784);
	ck_assert_uint_eq(has("(UID 7 INTERNALDATE {26}\r\n 7-Feb-1994 22:43:04 -0800)"),
	    FETCH_HAS_UID | FETCH_HAS_INTERNALDATE);
	ck_assert_uint_eq(has("(UID 7 INTERNALDATE NIL)"), FETCH_HAS_UID);
	ck_assert_uint_eq(has("(UID 7 INTERNALDATE \"\")"), FETCH_HAS_UID);
	ck_assert_uint_eq(has("(UID 7 INTERNALDATE \"yesterday\")"), FETCH_HAS_UID);
	ck_assert_uint_eq(
	    has("(UID 7 INTERNALDATE \"31-Feb-1994 22:43:04 -0800\")"), FETCH_HAS_UID);
}
END_TEST

START_TEST(reads_headers)
{
	HEAR("* 1 FETCH (UID 7 BODY[HEADER] {6}\r\nA: b\r\n)\r\n");
	ck_assert_uint_eq(heard.fetch.has, FETCH_HAS_UID | FETCH_HAS_HEADER);
	ck_assert_bytes(heard.fetch.header, "A: b\r\n");
	HEAR("* 1 FETCH (BODY[HEADER.FIELDS (MESSAGE-ID)] \"\" UID 7)\r\n");
	ck_assert_uint_eq(heard.fetch.has, FETCH_HAS_UID | FETCH_HAS_HEADER);
	HEAR("* 1 FETCH (BODY[HEADER.FIELDS ({4}\r\nDATE \"FROM\")] {2}\r\nab UID 7)\r\n");
	ck_assert_uint_eq(heard.fetch.has, FETCH_HAS_UID | FETCH_HAS_HEADER);
	ck_assert_bytes(heard.fetch.header, "ab");
	ck_assert_uint_eq(has("(UID 7 BODY[HEADER.FIELDS (DATE)] NIL)"), FETCH_HAS_UID);
	UNHEARD(ERR_PROTOCOL, "* 1 FETCH (UID 7 BODY[HEADER.FIELDS (DATE) {2}\r\nab)\r\n");
	UNHEARD(ERR_PROTOCOL, "* 1 FETCH (UID 7 BODY[)\r\n");
}
END_TEST

/* A header too large to keep was thrown away by the caller. */
START_TEST(a_header_that_was_streamed_is_not_there)
{
	struct err why = {0};

	response_text_release(&wire);
	response_text_init(&wire);
	ck_assert_int_eq(
	    response_text_line(&wire, BYTES("* 1 FETCH (UID 7 BODY[HEADER] {70000}"), &why), 0);
	response_text_streamed(&wire);
	ck_assert_int_eq(response_text_line(&wire, BYTES(" FLAGS ())"), &why), 1);
	OK(response_parse(&wire, &heard, err));
	ck_assert_uint_eq(heard.fetch.has, FETCH_HAS_UID | FETCH_HAS_FLAGS);
}
END_TEST

START_TEST(refuses_what_is_not_closed_or_closed_too_often)
{
	static const char *const wrong[] = {"* 1 FETCH\r\n", "* 1 FETCH UID 7\r\n",
	    "* 1 FETCH (UID 7\r\n", "* 1 FETCH (UID 7))\r\n", "* 1 FETCH (UID 7) x\r\n",
	    "* 1 FETCH (UID 7 (X (a))\r\n", "* 1 FETCH ((UID 7)\r\n", "* 1 FETCH (UID 7 X \"a)\r\n",
	    "* 1 FETCH (UID 7 X (a)\r\n", "* 1 FETCH (UID 7 \"X\" 5)\r\n",
	    "* 1 FETCH (UID 7 {1}\r\nX 5)\r\n", "* 1 FETCH (UID 7{1}\r\n))\r\n",
	    "* 1 FETCH (UID 7{1}\r\n  X 5)\r\n", "* 1 FETCH (UID 7) {3}\r\nabc\r\n",
	    "* 1 FETCH {3}\r\n(X)\r\n", "* 1 FETCH NIL\r\n"};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		FAILS(ERR_PROTOCOL, hear(bytes_of(wrong[i]), false, err));
}
END_TEST

START_TEST(limits_the_depth_of_items)
{
	char open[64], closed[64], text[256];

	for (int depth = 1; depth < 40; depth++) {
		memset(open, '(', sizeof open);
		memset(closed, ')', sizeof closed);
		snprintf(
		    text, sizeof text, "* 1 FETCH %.*sUID 7%.*s\r\n", depth, open, depth, closed);
		if (depth <= RESPONSE_DEPTH)
			OK(hear(bytes_of(text), false, err));
		else
			FAILS(ERR_PROTOCOL, hear(bytes_of(text), false, err));
	}
}
END_TEST

/* The example of Google's page on X-GM-MSGID. */
START_TEST(reads_the_number_that_gmail_gives)
{
	ck_assert_uint_eq(
	    has("(X-GM-MSGID 1278455344230334865 UID 1)"), FETCH_HAS_UID | FETCH_HAS_GMAIL_ID);
	ck_assert_uint_eq(heard.fetch.gmail_id, 1278455344230334865);
	ck_assert_uint_eq(
	    has("(UID 1 X-GM-MSGID 18446744073709551615)"), FETCH_HAS_UID | FETCH_HAS_GMAIL_ID);
	ck_assert_uint_eq(has("(UID 1 X-GM-MSGID 18446744073709551616)"), FETCH_HAS_UID);
	ck_assert_uint_eq(has("(UID 1 X-GM-MSGID 0)"), FETCH_HAS_UID);
	ck_assert_uint_eq(has("(UID 1 X-GM-MSGID \"5\")"), FETCH_HAS_UID);
	ck_assert_uint_eq(has("(UID 1 X-GM-MSGID 5 X-GM-MSGID 6)"), FETCH_HAS_UID);
}
END_TEST

SUITE(reads_the_number_that_gmail_gives, reads_a_listing, reads_all_items_in_any_order,
    reads_an_unsolicited_one, steps_over_items_of_any_shape, takes_extra_spaces_and_parentheses,
    reads_a_body_that_is_kept, a_body_that_did_not_come_is_not_there, no_other_section_is_the_body,
    refuses_a_message_with_a_doubtful_text, refuses_a_literal_of_the_wrong_length,
    nothing_is_given_to_an_unreadable_uid, items_that_contradict_each_other_are_left_out,
    flags_are_read_whole_or_not, sizes_may_be_rough, sizes_that_are_none_are_left_out,
    mod_sequences_are_exact_or_left_out, dates_are_read_or_left_out, reads_headers,
    a_header_that_was_streamed_is_not_there, refuses_what_is_not_closed_or_closed_too_often,
    limits_the_depth_of_items)
