/* Kinds of responses and response codes: RFC 9051 section 7; examples are those of the RFCs
 * where nothing else is said. */
#include "tests/unit/archiver/imapwire/hearing.h"

START_TEST(reads_tagged_responses)
{
	HEAR("A001 OK LOGIN completed\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_TAGGED);
	ck_assert_bytes(heard.tag, "A001");
	ck_assert_int_eq(heard.condition, CONDITION_OK);
	ck_assert_bytes(heard.code, "");
	ck_assert_bytes(heard.human, "LOGIN completed");
	HEAR("a.7 no [OVERQUOTA] Sorry\r\n");
	ck_assert_bytes(heard.tag, "a.7");
	ck_assert_int_eq(heard.condition, CONDITION_NO);
	ck_assert_bytes(heard.code, "OVERQUOTA");
	ck_assert_bytes(heard.human, "Sorry");
	HEAR("x BAD command unknown\r\n");
	ck_assert_int_eq(heard.condition, CONDITION_BAD);
}
END_TEST

START_TEST(reads_conditions)
{
	HEAR("* OK IMAP4rev1 Service Ready\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_STATUS);
	ck_assert_int_eq(heard.condition, CONDITION_OK);
	ck_assert_bytes(heard.human, "IMAP4rev1 Service Ready");
	ck_assert_bytes(heard.tag, "");
	HEAR("* NO Disk is 98% full, please delete unnecessary data\r\n");
	ck_assert_int_eq(heard.condition, CONDITION_NO);
	HEAR("* BAD Empty command line\r\n");
	ck_assert_int_eq(heard.condition, CONDITION_BAD);
	HEAR("* BYE Autologout; idle for too long\r\n");
	ck_assert_int_eq(heard.condition, CONDITION_BYE);
	HEAR("* PREAUTH IMAP4rev2 server logged in as Smith\r\n");
	ck_assert_int_eq(heard.condition, CONDITION_PREAUTH);
	ck_assert_int_eq(heard.kind, RESPONSE_STATUS);
}
END_TEST

START_TEST(reads_codes)
{
	uint64_t number;

	HEAR("* OK [UIDVALIDITY 3857529045] UIDs valid\r\n");
	ck_assert_bytes(heard.code, "UIDVALIDITY");
	ck_assert_bytes(heard.code_argument, "3857529045");
	ck_assert_bytes(heard.human, "UIDs valid");
	ck_assert(response_code_number(&heard, &number));
	ck_assert_uint_eq(number, 3857529045);
	HEAR("* OK [HIGHESTMODSEQ 715194045007]\r\n");
	ck_assert(response_code_number(&heard, &number));
	ck_assert_uint_eq(number, 715194045007);
	ck_assert_bytes(heard.human, "");
	HEAR("A003 OK [APPENDUID 38505 3955] APPEND completed\r\n");
	ck_assert_bytes(heard.code, "APPENDUID");
	ck_assert_bytes(heard.code_argument, "38505 3955");
	ck_assert(!response_code_number(&heard, &number));
	HEAR("* OK [COPYUID 432432 42:69 1202:1229]\r\n");
	ck_assert_bytes(heard.code_argument, "432432 42:69 1202:1229");
	HEAR("a1 OK [READ-ONLY] done\r\n");
	ck_assert_bytes(heard.code, "READ-ONLY");
	ck_assert_bytes(heard.code_argument, "");
	ck_assert(!response_code_number(&heard, &number));
	HEAR("* OK [CAPABILITY STARTTLS AUTH=PLAIN IMAP4rev2] Ready\r\n");
	ck_assert_bytes(heard.code, "CAPABILITY");
	ck_assert_bytes(heard.code_argument, "STARTTLS AUTH=PLAIN IMAP4rev2");
	HEAR("* OK [PERMANENTFLAGS (\\Deleted \\Seen \\*)] Limited\r\n");
	ck_assert_bytes(heard.code_argument, "(\\Deleted \\Seen \\*)");
	HEAR("* OK [PERMANENTFLAGS ()] Read-only mailbox.\r\n");
	ck_assert_bytes(heard.code_argument, "()");
}
END_TEST

START_TEST(a_number_is_nothing_else)
{
	static const char *const wrong[] = {"[X]", "[X -1]", "[X 1.0]", "[X 9.3736e+06]", "[X 1 2]",
	    "[X (1)]", "[X \"1\"]", "[X 18446744073709551616]", "[X 1x]"};
	uint64_t number = 4711;
	char text[80];

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		snprintf(text, sizeof text, "* OK %s\r\n", wrong[i]);
		OK(hear(bytes_of(text), false, err));
		ck_assert_msg(!response_code_number(&heard, &number), "%s", text);
	}
	HEAR("* OK [X 18446744073709551615]\r\n");
	ck_assert(response_code_number(&heard, &number));
	ck_assert_uint_eq(number, UINT64_MAX);
}
END_TEST

/* Gmail: keywords with brackets in PERMANENTFLAGS. */
START_TEST(finds_the_end_of_a_code)
{
	HEAR("* OK [PERMANENTFLAGS (\\Seen OIB-[Gmail]/Trash \\*)] Flags permitted.\r\n");
	ck_assert_bytes(heard.code_argument, "(\\Seen OIB-[Gmail]/Trash \\*)");
	ck_assert_bytes(heard.human, "Flags permitted.");
	HEAR("* OK [PERMANENTFLAGS (a(b \\*)] x\r\n");
	ck_assert_bytes(heard.code_argument, "(a(b \\*)");
	HEAR("* OK [BADCHARSET (UTF-8 US-ASCII)] [x])]\r\n");
	ck_assert_bytes(heard.code_argument, "(UTF-8 US-ASCII)");
	ck_assert_bytes(heard.human, "[x])]");
	HEAR("* OK [COPYUID 14  ]\r\n"); /* outlook.com */
	ck_assert_bytes(heard.code, "COPYUID");
	ck_assert_bytes(heard.code_argument, "14");
	HEAR("* NO [X ((y] z\r\n");
	ck_assert_bytes(heard.code_argument, "((y");
	HEAR("* OK [READ-ONLY] (a)] b\r\n");
	ck_assert_bytes(heard.code, "READ-ONLY");
	ck_assert_bytes(heard.human, "(a)] b");
	HEAR("* OK [UIDNEXT 5] (a)] b\r\n");
	ck_assert_bytes(heard.code_argument, "5");
	HEAR("* OK [] x\r\n");
	ck_assert_bytes(heard.code, "");
}
END_TEST

/* A UIDVALIDITY whose end nobody knows is none. */
START_TEST(a_code_without_its_end_is_human_text)
{
	uint64_t number;

	HEAR("* OK [UIDVALIDITY 12 UIDs valid\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_STATUS);
	ck_assert_bytes(heard.code, "");
	ck_assert(!response_code_number(&heard, &number));
	ck_assert_bytes(heard.human, "[UIDVALIDITY 12 UIDs valid");
	HEAR("* OK [UIDVALIDITY 12\r\n");
	ck_assert_bytes(heard.code, "");
	HEAR("a1 OK [\r\n");
	ck_assert_bytes(heard.human, "[");
}
END_TEST

START_TEST(lives_without_human_text)
{
	HEAR("A6 OK\r\n"); /* ppops.net */
	ck_assert_int_eq(heard.kind, RESPONSE_TAGGED);
	ck_assert_bytes(heard.human, "");
	HEAR("* OK\r\n");
	ck_assert_int_eq(heard.condition, CONDITION_OK);
	HEAR("* BYE\r\n");
	ck_assert_int_eq(heard.condition, CONDITION_BYE);
	HEAR("a1 NO [TRYCREATE]\r\n");
	ck_assert_bytes(heard.code, "TRYCREATE");
	HEAR("* OK [UNSEEN 1]   \r\n");
	ck_assert_bytes(heard.human, "");
}
END_TEST

START_TEST(finds_trycreate_in_the_wrong_place)
{
	HEAR("a1 NO APPEND [TRYCREATE] No such mailbox\r\n"); /* mailutils */
	ck_assert_bytes(heard.code, "TRYCREATE");
	ck_assert_bytes(heard.human, "APPEND [TRYCREATE] No such mailbox");
	HEAR("a1 OK APPEND [TRYCREATE] done\r\n");
	ck_assert_bytes(heard.code, "");
	HEAR("a1 NO [LIMIT] not [TRYCREATE]\r\n");
	ck_assert_bytes(heard.code, "LIMIT");
	HEAR("a1 NO APPEND [UIDVALIDITY 5]\r\n");
	ck_assert_bytes(heard.code, "");
}
END_TEST

/* Exchange: no "* OK" in front of the code. */
START_TEST(reads_a_bare_code)
{
	HEAR("[COPYUID 14 3:4 7:8] MOVE\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_STATUS);
	ck_assert_int_eq(heard.condition, CONDITION_OK);
	ck_assert_bytes(heard.code, "COPYUID");
	ck_assert_bytes(heard.code_argument, "14 3:4 7:8");
	HEAR("* [COPYUID 14 3:4 7:8]\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_STATUS);
	ck_assert_bytes(heard.code_argument, "14 3:4 7:8");
}
END_TEST

START_TEST(reads_continuations)
{
	HEAR("+ Ready for additional command text\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_CONTINUE);
	ck_assert_bytes(heard.human, "Ready for additional command text");
	HEAR("+\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_CONTINUE);
	HEAR("+ \r\n");
	ck_assert_bytes(heard.human, "");
	HEAR("+idling\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_CONTINUE);
}
END_TEST

START_TEST(reads_counts)
{
	HEAR("* 23 EXISTS\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_EXISTS);
	ck_assert_uint_eq(heard.number, 23);
	HEAR("* 0 exists \r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_EXISTS);
	ck_assert_uint_eq(heard.number, 0);
	HEAR("* 5 RECENT\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_RECENT);
	HEAR("* 44 EXPUNGE\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_EXPUNGE);
	ck_assert_uint_eq(heard.number, 44);
	HEAR("*  18446744073709551615  EXISTS\r\n");
	ck_assert_uint_eq(heard.number, UINT64_MAX);
}
END_TEST

/* Completeness is judged by EXISTS: it is a number or the connection is no good. */
START_TEST(refuses_counts_that_are_none)
{
	UNHEARD(ERR_PROTOCOL, "* 9.3736e+06 EXISTS\r\n");
	UNHEARD(ERR_PROTOCOL, "* -1 EXISTS\r\n");
	UNHEARD(ERR_PROTOCOL, "* 18446744073709551616 EXISTS\r\n");
	UNHEARD(ERR_PROTOCOL, "* 23x EXISTS\r\n");
	UNHEARD(ERR_PROTOCOL, "* 23 EXISTS 24\r\n");
	UNHEARD(ERR_PROTOCOL, "* 23 EXPUNGE)\r\n");
}
END_TEST

START_TEST(reads_lists_of_names)
{
	HEAR("* CAPABILITY STARTTLS AUTH=GSSAPI IMAP4rev2 LOGINDISABLED\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_CAPABILITY);
	ck_assert_bytes(heard.list, "STARTTLS AUTH=GSSAPI IMAP4rev2 LOGINDISABLED");
	HEAR("* capability\r\n");
	ck_assert_bytes(heard.list, "");
	HEAR("* ENABLED CONDSTORE QRESYNC\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_ENABLED);
	ck_assert_bytes(heard.list, "CONDSTORE QRESYNC");
	HEAR("* ENABLED\r\n");
	ck_assert_bytes(heard.list, "");
	UNHEARD(ERR_PROTOCOL, "* CAPABILITY {4}\r\nIDLE\r\n");
}
END_TEST

START_TEST(reads_the_flags_of_a_folder)
{
	HEAR("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_FLAGS);
	ck_assert_bytes(heard.list, "\\Answered \\Flagged \\Deleted \\Seen \\Draft");
	HEAR("* FLAGS ()\r\n");
	ck_assert_bytes(heard.list, "");
	HEAR("* FLAGS (\"\\\\Deleted\" \\Seen) \r\n"); /* InterMail */
	ck_assert_bytes(heard.list, "\"\\\\Deleted\" \\Seen");
	HEAR("* FLAGS (\\Seen odd(keyword 5\")\r\n");
	ck_assert_bytes(heard.list, "\\Seen odd(keyword 5\"");
	UNHEARD(ERR_PROTOCOL, "* FLAGS \\Seen\r\n");
	UNHEARD(ERR_PROTOCOL, "* FLAGS \\Seen)\r\n");
	UNHEARD(ERR_PROTOCOL, "* FLAGS (\\Seen\r\n");
	UNHEARD(ERR_PROTOCOL, "* FLAGS\r\n");
}
END_TEST

START_TEST(hands_on_a_namespace)
{
	HEAR("* NAMESPACE ((\"\" \"/\")) NIL ((\"Public Folders/\" \"/\"))\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_NAMESPACE);
	ck_assert_bytes(heard.list, "((\"\" \"/\")) NIL ((\"Public Folders/\" \"/\"))");
	HEAR("* NAMESPACE NIL NIL NIL\r\n");
	ck_assert_bytes(heard.list, "NIL NIL NIL");
	HEAR("* NAMESPACE (({3}\r\na(b \"/\")) NIL NIL\r\n"); /* its borders would be lost */
	ck_assert_int_eq(heard.kind, RESPONSE_OTHER);
	ck_assert_bytes(heard.list, "");
	UNHEARD(ERR_PROTOCOL, "* NAMESPACE ((\"\" \"/\") NIL NIL\r\n");
}
END_TEST

START_TEST(hands_on_what_a_server_is)
{
	HEAR("* ID (\"name\" \"a \\\"b\" \"version\" NIL)\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_ID);
	ck_assert_bytes(heard.list, "(\"name\" \"a \\\"b\" \"version\" NIL)");
	HEAR("* ID NIL\r\n");
	ck_assert_bytes(heard.list, "NIL");
	HEAR("* ID (\"name\" {3}\r\na(b)\r\n"); /* its borders would be lost */
	ck_assert_int_eq(heard.kind, RESPONSE_OTHER);
}
END_TEST

START_TEST(steps_over_what_it_does_not_know)
{
	static const char *const others[] = {"* THREAD (2)(3 6 (4 23)(44 7 96))\r\n",
	    "* SORT 2 84 882\r\n", "* ACL INBOX Fred rwipslda\r\n",
	    "* METADATA \"\" (/shared/comment {3}\r\n\")( NIL)\r\n", "* XYZZY\r\n",
	    "* 5 UIDFETCH (FLAGS (\\Seen))\r\n", "* 12 STORE (X)\r\n", "\r\n",
	    "* XLIST (\\Inbox) \"/\" \"INBOX\"\r\n", "* LANGUAGE (en)\r\n", "* $X y\r\n"};

	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		OK(hear(bytes_of(others[i]), false, err));
		ck_assert_msg(heard.kind == RESPONSE_OTHER, "%s", others[i]);
	}
}
END_TEST

START_TEST(refuses_what_cannot_be_followed)
{
	static const char *const wrong[] = {"hello\r\n", "a1\r\n", "a1 DONE\r\n", "a1 BYE now\r\n",
	    "a1 PREAUTH x\r\n", "OK LOGIN completed\r\n", "*\r\n", "* \r\n", "*OK x\r\n",
	    " OK x\r\n", "* (\r\n", "* )\r\n", "* \"OK\" x\r\n", "* 5\r\n", "* 5 \"a\r\n",
	    "* XYZZY (\r\n", "* XYZZY )\r\n", "* XYZZY \"a\r\n", "* XYZZY \"a\\\"\r\n",
	    "* {2}\r\nOK x\r\n", "(a1) OK x\r\n", "* 5 {5}\r\nFETCH (UID 7)\r\n"};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		FAILS(ERR_PROTOCOL, hear(bytes_of(wrong[i]), false, err));
		ck_assert_int_eq(heard.kind, 0x55555555); /* untouched */
	}
}
END_TEST

START_TEST(limits_the_depth)
{
	struct buf text;
	int depth;

	buf_init(&text, 1 << 16);
	for (depth = 30; depth <= 40; depth++) {
		buf_clear(&text);
		buf_text(&text, "* XYZZY ");
		for (int i = 0; i < depth; i++)
			buf_char(&text, '(');
		for (int i = 0; i < depth; i++)
			buf_char(&text, ')');
		buf_text(&text, "\r\n");
		if (depth <= RESPONSE_DEPTH)
			OK(hear(buf_view(&text), false, err));
		else
			FAILS(ERR_PROTOCOL, hear(buf_view(&text), false, err));
	}
	buf_release(&text);
}
END_TEST

/* What a message says must never be heard as the server's word. */
START_TEST(a_message_cannot_speak)
{
	HEAR("* 1 FETCH (UID 7 BODY[] {31}\r\n"
	     ")\r\na1 OK done\r\n* 99 EXPUNGE\r\n\r\n)\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_FETCH);
	ck_assert_uint_eq(heard.fetch.uid, 7);
	ck_assert_uint_eq(streamed_bytes, 31);
}
END_TEST

START_TEST(says_what_is_wrong_and_where)
{
	struct err why = {0};

	ck_assert_int_eq(hear(BYTES("* 1 FETCH (UID 7 FLAGS (\\Seen)\r\n"), false, &why), -1);
	ck_assert_ptr_nonnull(strstr(why.text, "* 1 FETCH (UID 7 FLAGS (\\Seen)"));
	ck_assert_ptr_nonnull(strstr(why.text, "cannot be read"));
}
END_TEST

SUITE(reads_tagged_responses, reads_conditions, reads_codes, a_number_is_nothing_else,
    finds_the_end_of_a_code, a_code_without_its_end_is_human_text, lives_without_human_text,
    finds_trycreate_in_the_wrong_place, reads_a_bare_code, reads_continuations, reads_counts,
    refuses_counts_that_are_none, reads_lists_of_names, reads_the_flags_of_a_folder,
    hands_on_a_namespace, hands_on_what_a_server_is, steps_over_what_it_does_not_know,
    refuses_what_cannot_be_followed, limits_the_depth, a_message_cannot_speak,
    says_what_is_wrong_and_where)
