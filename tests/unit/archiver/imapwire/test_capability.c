/* Capabilities: RFC 9051 sections 6.1.1 and 7.2.2, appendices A and E. */
#include "archiver/imapwire/capability.h"

#include "tests/unit/suite.h"

#include <string.h>

static struct capability_set set;

static bool has(const char *list, enum capability what)
{
	capability_parse(&set, bytes_of(list));
	return capability_has(&set, what);
}

START_TEST(reads_each_name_that_it_writes)
{
	for (int i = 0; i < CAP_COUNT; i++) {
		const char *name = capability_name((enum capability)i);

		ck_assert_msg(has(name, (enum capability)i), "%s", name);
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(name, capability_name((enum capability)j));
	}
}
END_TEST

/* What Dovecot 2.3 says after the login. */
START_TEST(reads_a_real_list)
{
	static const char dovecot[] =
	    "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES "
	    "THREAD=REFS THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN "
	    "NAMESPACE UIDPLUS LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES "
	    "WITHIN CONTEXT=SEARCH LIST-STATUS BINARY MOVE SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW "
	    "STATUS=SIZE SAVEDATE LITERAL+ NOTIFY SPECIAL-USE COMPRESS=DEFLATE QUOTA";
	static const enum capability not [] = {CAP_IMAP4REV2, CAP_LITERAL_MINUS, CAP_OBJECTID,
	    CAP_PARTIAL, CAP_UTF8_ACCEPT, CAP_GMAIL, CAP_APPENDLIMIT};

	capability_parse(&set, BYTES(dovecot));
	ck_assert_int_eq(__builtin_popcountll(set.bits), CAP_COUNT - sizeof not / sizeof *not );
	for (size_t i = 0; i < sizeof not / sizeof *not ; i++)
		ck_assert(!capability_has(&set, not [i]));
	ck_assert_uint_eq(set.append_limit_bytes, 0);
}
END_TEST

START_TEST(does_not_mind_case_or_blanks)
{
	ck_assert(has("  imap4REV1\tuidplus  ", CAP_UIDPLUS));
	ck_assert(capability_has(&set, CAP_IMAP4REV1));
	ck_assert(!has("UIDPLUSX XUIDPLUS UID PLUS LITERAL", CAP_UIDPLUS));
	ck_assert_uint_eq(set.bits, 0);
	ck_assert(!has("", CAP_IDLE));
}
END_TEST

START_TEST(forgets_the_old_list)
{
	ck_assert(has("IDLE APPENDLIMIT=5", CAP_IDLE));
	ck_assert(!has("MOVE", CAP_IDLE));
	ck_assert_uint_eq(set.append_limit_bytes, 0);
}
END_TEST

START_TEST(reads_the_append_limit)
{
	ck_assert(has("APPENDLIMIT=35651584", CAP_APPENDLIMIT));
	ck_assert_uint_eq(set.append_limit_bytes, 35651584);
	ck_assert(has("appendlimit=4294967295", CAP_APPENDLIMIT));
	ck_assert_uint_eq(set.append_limit_bytes, 4294967295);
	ck_assert(has("APPENDLIMIT", CAP_APPENDLIMIT));
	ck_assert_uint_eq(set.append_limit_bytes, 0);
	ck_assert(has("APPENDLIMIT=", CAP_APPENDLIMIT));
	ck_assert(has("APPENDLIMIT=99999999999999999999999", CAP_APPENDLIMIT));
	ck_assert_uint_eq(set.append_limit_bytes, 0);
}
END_TEST

START_TEST(rev2_brings_what_is_folded_in)
{
	static const enum capability in[] = {CAP_NAMESPACE, CAP_UNSELECT, CAP_UIDPLUS, CAP_ESEARCH,
	    CAP_ENABLE, CAP_IDLE, CAP_LIST_EXTENDED, CAP_LIST_STATUS, CAP_MOVE, CAP_LITERAL_MINUS,
	    CAP_STATUS_SIZE};

	capability_parse(&set, BYTES("IMAP4rev2"));
	for (size_t i = 0; i < sizeof in / sizeof *in; i++)
		ck_assert(capability_has(&set, in[i]));
	ck_assert(!capability_has(&set, CAP_CONDSTORE));
	ck_assert(!capability_has(&set, CAP_QRESYNC));
	ck_assert(!capability_has(&set, CAP_SPECIAL_USE));
	ck_assert(!capability_has(&set, CAP_MULTIAPPEND));
}
END_TEST

/* Appendix A: beside rev1 the client must ENABLE rev2 before it uses it. */
START_TEST(rev2_beside_rev1_brings_nothing)
{
	ck_assert(has("IMAP4rev1 IMAP4rev2 IDLE", CAP_IMAP4REV2));
	ck_assert(capability_has(&set, CAP_IDLE));
	ck_assert(!capability_has(&set, CAP_UIDPLUS));
	ck_assert(!capability_has(&set, CAP_MOVE));
}
END_TEST

/* RFC 7162 section 3.2.3. */
START_TEST(qresync_brings_condstore)
{
	ck_assert(has("IMAP4rev1 QRESYNC", CAP_CONDSTORE));
	ck_assert(!has("IMAP4rev1 CONDSTORE", CAP_QRESYNC));
}
END_TEST

START_TEST(one_that_lies_is_dropped)
{
	ck_assert(has("IMAP4rev1 QRESYNC ID", CAP_QRESYNC));
	capability_drop(&set, CAP_QRESYNC);
	ck_assert(!capability_has(&set, CAP_QRESYNC));
	ck_assert(capability_has(&set, CAP_CONDSTORE) && capability_has(&set, CAP_ID));
}
END_TEST

SUITE(one_that_lies_is_dropped, reads_each_name_that_it_writes, reads_a_real_list,
    does_not_mind_case_or_blanks, forgets_the_old_list, reads_the_append_limit,
    rev2_brings_what_is_folded_in, rev2_beside_rev1_brings_nothing, qresync_brings_condstore)
