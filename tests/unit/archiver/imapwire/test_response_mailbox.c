/* LIST, STATUS, SEARCH, VANISHED, quotas: RFC 9051 section 7.3 and the extensions' RFCs. */
#include "tests/unit/archiver/imapwire/hearing.h"

#include "archiver/imapwire/seqset.h"

START_TEST(reads_list)
{
	HEAR("* LIST (\\Noselect) \"/\" ~/Mail/foo\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_LIST);
	ck_assert_bytes(heard.mailbox.attributes, "\\Noselect");
	ck_assert_int_eq(heard.mailbox.delimiter, '/');
	ck_assert_bytes(heard.mailbox.name, "~/Mail/foo");
	HEAR("* LSUB (\\hasnochildren \\trash) \".\" \"INBOX.a \\\"b\\\" \\\\c\"\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_LIST);
	ck_assert_bytes(heard.mailbox.attributes, "\\hasnochildren \\trash");
	ck_assert_int_eq(heard.mailbox.delimiter, '.');
	ck_assert_bytes(heard.mailbox.name, "INBOX.a \"b\" \\c");
	HEAR("* list () \"\\\\\" \"Public\\\\x\"\r\n");
	ck_assert_int_eq(heard.mailbox.delimiter, '\\');
	ck_assert_bytes(heard.mailbox.name, "Public\\x");
	HEAR("* LIST (\\NoInferiors) NIL INBOX\r\n"); /* mailutils */
	ck_assert_int_eq(heard.mailbox.delimiter, 0);
	HEAR("* LIST (\\NoSelect) \"/\" \"\"\r\n");
	ck_assert_bytes(heard.mailbox.name, "");
	HEAR("* LIST () / INBOX\r\n");
	ck_assert_int_eq(heard.mailbox.delimiter, '/');
	HEAR("* LIST () \"\" INBOX\r\n");
	ck_assert_int_eq(heard.mailbox.delimiter, 0);
	HEAR("* LIST (\\HasChildren \\) \".\" \"Archive\"\r\n"); /* seen behind XLIST */
	ck_assert_bytes(heard.mailbox.attributes, "\\HasChildren \\");
}
END_TEST

START_TEST(reads_names_as_literals)
{
	HEAR("* LIST () \"/\" {13}\r\na (b) \"c\"\r\n\\d\r\n");
	ck_assert_bytes(heard.mailbox.name, "a (b) \"c\"\r\n\\d");
	HEAR("* LIST () \"/\" {3}\r\nfoo (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n");
	ck_assert_bytes(heard.mailbox.name, "foo");
	HEAR("* LIST () \"/\" {0}\r\n\r\n");
	ck_assert_bytes(heard.mailbox.name, "");
	HEAR("* LIST () {1}\r\n/ foo\r\n");
	ck_assert_int_eq(heard.mailbox.delimiter, '/');
	ck_assert_bytes(heard.mailbox.name, "foo");
}
END_TEST

/* The name is what the server said, to the byte. */
START_TEST(reads_bare_names)
{
	static const char *const names[] = {"200", "NIL", "b[c", "a]", "[Gmail]/Starred", "a%b*c",
	    "INBOX/Da\tOggetto\tRicevuto\tDimensione\tCategorie\t", /* Exchange */
	    "Folder\\Subfolder 1",                                  /* Domino */
	    "two  words", "x (old)", "x (old) y", "a\"b", "Entw\xc3\xbcrfe", "\xff", "(x)", "a{b}"};
	char text[128];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(text, sizeof text, "* LIST (\\HasNoChildren) \"/\" %s\r\n", names[i]);
		OK(hear(bytes_of(text), false, err));
		ck_assert_msg(bytes_is(heard.mailbox.name, names[i]), "%s", names[i]);
	}
	HEAR("* LIST () \"/\"  INBOX  \r\n");
	ck_assert_bytes(heard.mailbox.name, "INBOX");
	HEAR("* LIST () \"/\"\r\n");
	ck_assert_bytes(heard.mailbox.name, "");
}
END_TEST

START_TEST(steps_over_extended_data)
{
	HEAR("* LIST (\\NonExistent) \"/\" Foo (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n");
	ck_assert_bytes(heard.mailbox.name, "Foo");
	HEAR("* LIST () \"/\" \"Foo\" (CHILDINFO (\"SUBSCRIBED\"))\r\n");
	ck_assert_bytes(heard.mailbox.name, "Foo");
	HEAR("* LIST () \"/\" INBOX (\"OLDNAME\" (\"inbox\"))\r\n");
	ck_assert_bytes(heard.mailbox.name, "INBOX");
	HEAR("* LIST () \"/\" a b (oldname (c))\r\n");
	ck_assert_bytes(heard.mailbox.name, "a b");
	HEAR("* LIST () \"/\" \"x\" (\"A\" ({3}\r\n)\"()) \r\n");
	ck_assert_bytes(heard.mailbox.name, "x");
}
END_TEST

START_TEST(keeps_a_backslash_that_escapes_nothing)
{
	HEAR("* LIST () \"/\" \"a\\b\\\\c\\\"\"\r\n");
	ck_assert_bytes(heard.mailbox.name, "a\\b\\c\"");
}
END_TEST

START_TEST(refuses_a_folder_whose_name_is_not_certain)
{
	static const char *const wrong[] = {"* LIST\r\n", "* LIST \"/\" INBOX\r\n",
	    "* LIST ( \"/\" INBOX\r\n", "* LIST () INBOX\r\n", "* LIST () \"//\" INBOX\r\n",
	    "* LIST () (\"/\") INBOX\r\n", "* LIST () () INBOX\r\n", "* LIST () \"/\" \"INBOX\r\n",
	    "* LIST () \"/\" \"a\"b\r\n", "* LIST () \"/\" \"a\" b\r\n",
	    "* LIST () \"/\" \"a\" (b\r\n", "* LIST () \"/\" \"a\" )\r\n",
	    "* LIST () \"\\\" \"a\"\r\n", "* LIST () \"/\" a{1}\r\nb\r\n",
	    "* LIST () \"/\" {1}\r\na{1}\r\nb\r\n", "* LIST ({1}\r\na) \"/\" b\r\n"};
	struct err why = {0};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		FAILS(ERR_PROTOCOL, hear(bytes_of(wrong[i]), false, err));
	response_text_release(&wire);
	response_text_init(&wire);
	ck_assert_int_eq(response_text_line(&wire, BYTES("* LIST () \"/\" {70000}"), &why), 0);
	response_text_streamed(&wire);
	ck_assert_int_eq(response_text_line(&wire, BYTES(""), &why), 1);
	FAILS(ERR_PROTOCOL, response_parse(&wire, &heard, err));
}
END_TEST

START_TEST(reads_status)
{
	HEAR("* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_MAILBOX_STATUS);
	ck_assert_bytes(heard.status.name, "blurdybloop");
	ck_assert_uint_eq(heard.status.has, STATUS_HAS_MESSAGES | STATUS_HAS_UIDNEXT);
	ck_assert_uint_eq(heard.status.messages, 231);
	ck_assert_uint_eq(heard.status.uidnext, 44292);
	HEAR("* STATUS \"a \\\"b\\\"\" (unseen 5 SIZE 9223372036854775807 highestmodseq 7011231777 "
	     "UIDVALIDITY 4294967295 RECENT 3 MAILBOXID (F2212ea87-6097) APPENDLIMIT NIL)\r\n");
	ck_assert_bytes(heard.status.name, "a \"b\"");
	ck_assert_uint_eq(heard.status.has,
	    STATUS_HAS_UNSEEN | STATUS_HAS_SIZE | STATUS_HAS_MODSEQ | STATUS_HAS_UIDVALIDITY);
	ck_assert_uint_eq(heard.status.unseen, 5);
	ck_assert_uint_eq(heard.status.size_bytes, INT64_MAX);
	ck_assert_uint_eq(heard.status.modseq, 7011231777);
	ck_assert_uint_eq(heard.status.uidvalidity, UINT32_MAX);
	HEAR("* STATUS \"INBOX\" ()\r\n"); /* 163.com */
	ck_assert_bytes(heard.status.name, "INBOX");
	ck_assert_uint_eq(heard.status.has, 0);
	HEAR("* STATUS {5}\r\n) (\"x (MESSAGES 1) \r\n");
	ck_assert_bytes(heard.status.name, ") (\"x");
	ck_assert_uint_eq(heard.status.messages, 1);
	HEAR("* STATUS two words (MESSAGES 2)  \r\n");
	ck_assert_bytes(heard.status.name, "two words");
	ck_assert_uint_eq(heard.status.messages, 2);
	HEAR("* STATUS x (UIDNEXT 0 UIDVALIDITY 0)\r\n");
	ck_assert_uint_eq(heard.status.has, STATUS_HAS_UIDNEXT | STATUS_HAS_UIDVALIDITY);
}
END_TEST

/* The values stand in the last list: a name cannot bring its own. */
START_TEST(reads_status_of_bare_names)
{
	static const char *const names[] = {"200", "two words", "a (b) c", "x (UIDVALIDITY 9)",
	    "a)", "Da\tOggetto\t", "(x)", "a\"b", "a) (b"};
	char text[128];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(
		    text, sizeof text, "* STATUS %s (UIDVALIDITY 5 MAILBOXID (x))\r\n", names[i]);
		OK(hear(bytes_of(text), false, err));
		ck_assert_msg(bytes_is(heard.status.name, names[i]), "%s", names[i]);
		ck_assert_uint_eq(heard.status.has, STATUS_HAS_UIDVALIDITY);
		ck_assert_uint_eq(heard.status.uidvalidity, 5);
	}
}
END_TEST

START_TEST(status_values_are_exact_or_left_out)
{
	HEAR("* STATUS x (MESSAGES -1 UIDNEXT NIL UIDVALIDITY 1.5 HIGHESTMODSEQ 9.3e+06 UNSEEN "
	     "\"5\")\r\n");
	ck_assert_uint_eq(heard.status.has, 0);
	HEAR("* STATUS x (MESSAGES 18446744073709551616 UIDVALIDITY (5) SIZE 9.3736e+06)\r\n");
	ck_assert_uint_eq(heard.status.has, STATUS_HAS_SIZE);
	ck_assert_uint_eq(heard.status.size_bytes, 9373600);
	HEAR("* STATUS x (UIDVALIDITY 5 UIDVALIDITY 6 MESSAGES 1 MESSAGES 1)\r\n");
	ck_assert_uint_eq(heard.status.has, STATUS_HAS_MESSAGES);
}
END_TEST

START_TEST(refuses_a_status_that_cannot_be_followed)
{
	static const char *const wrong[] = {"* STATUS\r\n", "* STATUS x\r\n", "* STATUS \"x\"\r\n",
	    "* STATUS (MESSAGES 1)\r\n", "* STATUS \"x\" (MESSAGES 1\r\n",
	    "* STATUS x (MESSAGES 1\r\n", "* STATUS \"x\" (MESSAGES 1))\r\n",
	    "* STATUS \"x\" MESSAGES 1\r\n", "* STATUS \"x\" (\"MESSAGES\" 1)\r\n",
	    "* STATUS x{1}\r\ny (MESSAGES 1)\r\n", "* STATUS \"x\" (MESSAGES 1) y\r\n",
	    "* STATUS \"x\" ((MESSAGES 1))\r\n"};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		FAILS(ERR_PROTOCOL, hear(bytes_of(wrong[i]), false, err));
}
END_TEST

START_TEST(reads_search)
{
	HEAR("* SEARCH 2 3 6\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_SEARCH);
	ck_assert_bytes(heard.list, "2 3 6");
	HEAR("* SEARCH\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_SEARCH);
	ck_assert_bytes(heard.list, "");
	HEAR("* SEARCH \r\n"); /* GreenMail */
	ck_assert_bytes(heard.list, "");
	HEAR("* SEARCH 2 5 6 7 (MODSEQ 917162500)\r\n");
	ck_assert_bytes(heard.list, "2 5 6 7");
	HEAR("* SEARCH (MODSEQ 5)\r\n");
	ck_assert_bytes(heard.list, "");
	UNHEARD(ERR_PROTOCOL, "* SEARCH 2 (MODSEQ 5\r\n");
	UNHEARD(ERR_PROTOCOL, "* SEARCH 2 (MODSEQ 5) 3\r\n");
	UNHEARD(ERR_PROTOCOL, "* SEARCH 2 {1}\r\n3 4\r\n");
}
END_TEST

START_TEST(reads_esearch)
{
	HEAR("* ESEARCH (TAG \"A285\") UID MIN 7 MAX 3800 ALL 7,10:12,3800\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_SEARCH);
	ck_assert_bytes(heard.list, "7,10:12,3800");
	ck_assert_uint_eq(heard.number, 0);
	HEAR("* esearch (tag \"x\") uid all 1:5 count 5\r\n");
	ck_assert_bytes(heard.list, "1:5");
	ck_assert_uint_eq(heard.number, 5);
	HEAR("* ESEARCH (TAG \"A283\") UID COUNT 0\r\n");
	ck_assert_bytes(heard.list, "");
	HEAR("* ESEARCH UID ALL 17900,61\r\n");
	ck_assert_bytes(heard.list, "17900,61");
	HEAR("* ESEARCH (TAG \"a\")\r\n");
	ck_assert_bytes(heard.list, "");
	HEAR("* ESEARCH (TAG \"a567\") UID COUNT 5 ALL 4:19,21,28 MODSEQ 1236\r\n");
	ck_assert_bytes(heard.list, "4:19,21,28");
	HEAR("* ESEARCH (TAG \"A01\") UID PARTIAL (-1:-100 1:5) ALL 1:5\r\n");
	ck_assert_bytes(heard.list, "1:5");
}
END_TEST

/* Numbers of the session must not pass for UIDs, nor "cannot say" for "none". */
START_TEST(refuses_esearch_that_says_nothing_certain)
{
	static const char *const wrong[] = {"* ESEARCH (TAG \"A285\") ALL 43\r\n",
	    "* ESEARCH ALL 43\r\n", "* ESEARCH UID ALL\r\n", "* ESEARCH UID ALL (1:5)\r\n",
	    "* ESEARCH UID ALL \"1:5\"\r\n", "* ESEARCH UID ALL 1 ALL 2\r\n",
	    "* ESEARCH UID COUNT x\r\n", "* ESEARCH UID COUNT\r\n",
	    "* ESEARCH (TAG \"a\" UID ALL 1\r\n", "* ESEARCH UID \"ALL\" 1\r\n",
	    "* ESEARCH UID ALL 1)\r\n"};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		FAILS(ERR_PROTOCOL, hear(bytes_of(wrong[i]), false, err));
}
END_TEST

START_TEST(reads_vanished)
{
	HEAR("* VANISHED (EARLIER) 41,43:116,118,120:211,214:540\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_VANISHED);
	ck_assert(heard.earlier);
	ck_assert_bytes(heard.list, "41,43:116,118,120:211,214:540");
	HEAR("* VANISHED 405,407,410,425\r\n");
	ck_assert(!heard.earlier);
	ck_assert_bytes(heard.list, "405,407,410,425");
	HEAR("* vanished (earlier) 300:310 \r\n");
	ck_assert(heard.earlier);
	ck_assert_bytes(heard.list, "300:310");
	UNHEARD(ERR_PROTOCOL, "* VANISHED (LATER) 1\r\n");
	UNHEARD(ERR_PROTOCOL, "* VANISHED (EARLIER 1\r\n");
	UNHEARD(ERR_PROTOCOL, "* VANISHED {1}\r\n1\r\n");
}
END_TEST

/* The answer to SELECT with QRESYNC, as RFC 7162 section 3.2.5.1 shows it. */
START_TEST(reads_what_changed_since)
{
	HEAR("* OK [CLOSED]\r\n");
	ck_assert_bytes(heard.code, "CLOSED");
	HEAR("* OK [UIDVALIDITY 67890007] UIDVALIDITY\r\n");
	ck_assert_bytes(heard.code_argument, "67890007");
	HEAR("* OK [HIGHESTMODSEQ 90060115205545359] Highest mailbox mod-sequence\r\n");
	ck_assert_bytes(heard.code_argument, "90060115205545359");
	HEAR("* VANISHED (EARLIER) 41,43:116,118,120:211,214:540\r\n");
	ck_assert(heard.earlier);
	HEAR("* 49 FETCH (UID 117 FLAGS (\\Seen \\Answered) MODSEQ (90060115194045001))\r\n");
	ck_assert_uint_eq(heard.fetch.uid, 117);
	ck_assert_uint_eq(heard.fetch.modseq, 90060115194045001u);
	HEAR("* OK [NOMODSEQ] Sorry, this mailbox format doesn't support modsequences\r\n");
	ck_assert_bytes(heard.code, "NOMODSEQ");
	HEAR("* ENABLED CONDSTORE QRESYNC\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_ENABLED);
	ck_assert_bytes(heard.list, "CONDSTORE QRESYNC");
	HEAR("a OK [HIGHESTMODSEQ 20010715194045319] expunged\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_TAGGED);
	ck_assert_bytes(heard.code, "HIGHESTMODSEQ");
	HEAR("a OK [MODIFIED 7,9] Conditional STORE failed\r\n");
	ck_assert_bytes(heard.code_argument, "7,9");
}
END_TEST

/* RFC 4731 section 3: an ESEARCH without the items asked for found none. */
START_TEST(tells_found_none_from_not_answered)
{
	HEAR("* ESEARCH (TAG \"A286\") MIN 2 COUNT 3 MODSEQ 917162500\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_SEARCH);
	ck_assert_uint_eq(heard.number, 3);
	HEAR("* ESEARCH (TAG \"A287\") UID\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_SEARCH);
	ck_assert_bytes(heard.list, "");
}
END_TEST

/* What these lists hold goes to seqset_parse, which refuses what is none. */
START_TEST(sets_are_read_by_seqset)
{
	struct seqset set;

	seqset_init(&set);
	HEAR("* SEARCH 2 5 6 7 (MODSEQ 917162500)\r\n");
	OK(seqset_parse(&set, heard.list, 0, 100, err));
	ck_assert_uint_eq(seqset_count(&set), 4);
	HEAR("* SEARCH 2 x 7\r\n");
	FAILS(ERR_PROTOCOL, seqset_parse(&set, heard.list, 0, 100, err));
	HEAR("* VANISHED (EARLIER) \r\n");
	FAILS(ERR_PROTOCOL, seqset_parse(&set, heard.list, 0, 100, err));
	ck_assert_uint_eq(seqset_count(&set), 4);
	seqset_release(&set);
}
END_TEST

START_TEST(reads_quotas)
{
	HEAR("* QUOTA \"\" (STORAGE 10 512)\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_QUOTA);
	ck_assert_bytes(heard.quota.root, "");
	ck_assert(heard.quota.has_storage);
	ck_assert_uint_eq(heard.quota.used_kib, 10);
	ck_assert_uint_eq(heard.quota.limit_kib, 512);
	HEAR("* QUOTA \"User quota\" (MESSAGE 5 100 storage 0 10485760)\r\n");
	ck_assert_bytes(heard.quota.root, "User quota");
	ck_assert_uint_eq(heard.quota.limit_kib, 10485760);
	HEAR("* QUOTA !partition/sda4 (STORAGE 104 10923847)\r\n");
	ck_assert_bytes(heard.quota.root, "!partition/sda4");
	HEAR("* QUOTA User quota (STORAGE 9.3736e+06 99999999999)\r\n");
	ck_assert_bytes(heard.quota.root, "User quota");
	ck_assert_uint_eq(heard.quota.used_kib, 9373600);
	ck_assert_uint_eq(heard.quota.limit_kib, 99999999999);
	HEAR("* QUOTA x (MESSAGE 1 2)\r\n");
	ck_assert(!heard.quota.has_storage);
	HEAR("* QUOTA x ()\r\n");
	ck_assert(!heard.quota.has_storage);
	HEAR("* QUOTA x (STORAGE -1 5)\r\n");
	ck_assert(!heard.quota.has_storage);
	HEAR("* QUOTA x (STORAGE 5)\r\n");
	ck_assert(!heard.quota.has_storage);
	HEAR("* QUOTA \"ROOT\" \r\n"); /* Courier */
	ck_assert_bytes(heard.quota.root, "ROOT");
	ck_assert(!heard.quota.has_storage);
	UNHEARD(ERR_PROTOCOL, "* QUOTA\r\n");
	UNHEARD(ERR_PROTOCOL, "* QUOTA x\r\n");
	UNHEARD(ERR_PROTOCOL, "* QUOTA \"x\" y\r\n");
	UNHEARD(ERR_PROTOCOL, "* QUOTA x (STORAGE 1 2\r\n");
}
END_TEST

START_TEST(reads_quota_roots)
{
	HEAR("* QUOTAROOT INBOX \"User quota\"\r\n");
	ck_assert_int_eq(heard.kind, RESPONSE_QUOTAROOT);
	ck_assert_bytes(heard.quota.root, "User quota");
	HEAR("* QUOTAROOT \"a b\" #user/alice !partition/sda4\r\n");
	ck_assert_bytes(heard.quota.root, "#user/alice");
	HEAR("* QUOTAROOT comp.mail.mime\r\n");
	ck_assert_bytes(heard.quota.root, "");
	HEAR("* QUOTAROOT {3}\r\na)b \"\"\r\n");
	ck_assert_bytes(heard.quota.root, "");
	UNHEARD(ERR_PROTOCOL, "* QUOTAROOT INBOX (\r\n");
}
END_TEST

SUITE(reads_list, reads_names_as_literals, reads_bare_names, steps_over_extended_data,
    keeps_a_backslash_that_escapes_nothing, refuses_a_folder_whose_name_is_not_certain,
    reads_status, reads_status_of_bare_names, status_values_are_exact_or_left_out,
    refuses_a_status_that_cannot_be_followed, reads_search, reads_esearch,
    refuses_esearch_that_says_nothing_certain, reads_vanished, reads_what_changed_since,
    tells_found_none_from_not_answered, sets_are_read_by_seqset, reads_quotas, reads_quota_roots)
