/* config/patterns.c: which folders a list of patterns wants. */
#include "config/patterns.h"

#include "../suite.h"
#include "config/settings.h"

#include <string.h>

static void check_wants(const char *patterns, const char *folder)
{
	ck_assert_msg(
	    settings_folder_wanted(patterns, bytes_of(folder)), "%s | %s", patterns, folder);
}

static void check_leaves(const char *patterns, const char *folder)
{
	ck_assert_msg(
	    !settings_folder_wanted(patterns, bytes_of(folder)), "%s | %s", patterns, folder);
}

START_TEST(a_star_wants_all)
{
	check_wants("*", "INBOX");
	check_wants("*", "a/b/c");
	check_wants("*", "");
	check_wants("**", "x");
}
END_TEST

START_TEST(a_name_wants_itself_and_what_is_below)
{
	check_wants("Archive", "Archive");
	check_wants("Archive", "Archive/2019");
	check_wants("Archive", "Archive/2019/Q1");
	check_wants("Archive/", "Archive");
	check_wants("Archive/", "Archive/2019");
	check_wants("Archive/2019", "Archive/2019");
	check_leaves("Archive/2019", "Archive");
	check_leaves("Archive/2019", "Archive/2020");
	check_leaves("Archive", "Archives");
	check_leaves("Archive", "Old/Archive");
	check_leaves("Archive", "archive");
	check_leaves("Archive", "Arch");
	check_leaves("Archive", "");
}
END_TEST

static bool named(const char *patterns, const char *folder)
{
	return settings_folder_named(patterns, bytes_of(folder));
}

START_TEST(a_star_names_nothing)
{
	ck_assert(!named("*", "a"));
	ck_assert(!named("*, !b", "a"));
	ck_assert(!named("!b", "a"));
	ck_assert(!named("?*", "a"));
	ck_assert(named("*, a", "a"));
	ck_assert(named("*, a", "a/b"));
	ck_assert(named("a*", "ab"));
	ck_assert(named("a, *", "a"));
	ck_assert(!named("a, !a", "a"));
	ck_assert(!named("a", "b"));
}
END_TEST

START_TEST(the_last_match_decides)
{
	check_leaves("*, !Spam", "Spam");
	check_leaves("*, !Spam", "Spam/2020");
	check_wants("*, !Spam", "Spammers");
	check_wants("*, !Spam, Spam/keep", "Spam/keep");
	check_leaves("*, !Spam, Spam/keep", "Spam/other");
	check_wants("!Spam, *", "Spam");
	check_wants("*,!a,a,!b", "a");
	check_leaves("INBOX", "Sent");
	check_wants("INBOX, Sent", "Sent");
}
END_TEST

START_TEST(a_list_that_begins_with_not_begins_with_all)
{
	check_wants("!Spam, !Trash", "INBOX");
	check_leaves("!Spam, !Trash", "Trash");
	check_wants("  !Spam", "INBOX");
	check_leaves("INBOX, !Spam", "Sent");
	check_leaves("!*", "x");
	check_wants("!*, x", "x");
}
END_TEST

START_TEST(wildcards_take_any_character)
{
	check_wants("A*", "Archive/2019");
	check_wants("*/2019", "Archive/2019");
	check_wants("*/2019", "a/b/2019");
	check_leaves("*/2019", "2019");
	check_leaves("A*", "B");
	check_wants("20?9", "2019");
	check_wants("a?b", "a/b");
	check_leaves("20?9", "209");
	check_leaves("20?9", "20199");
	check_leaves("20?9", "2019/x");
	check_wants("*a*b*c*", "xxaxxbxxcxx");
	check_leaves("*a*b*c*", "xxaxxcxxbxx");
	check_wants("a*a", "aa");
	check_leaves("a*a", "a");
	check_wants("*ab", "aab");
	check_wants("*aab", "aaaaab");
	check_wants("?*?", "ab");
	check_leaves("?*?", "a");
}
END_TEST

START_TEST(a_question_mark_is_one_character_not_one_byte)
{
	check_wants("Entw?rfe", "Entw\xc3\xbcrfe");
	check_leaves("Entw??rfe", "Entw\xc3\xbcrfe");
	check_wants("*??", "\xc3\xbc\xe2\x82\xac");
	check_leaves("*???", "\xc3\xbc\xe2\x82\xac");
	check_wants("?", "\xf0\x9f\x98\x80");
	check_leaves("??", "\xf0\x9f\x98\x80");
	check_wants("?", "\xff");
}
END_TEST

/* A comma cannot stand in a pattern, so "?" must be able to take it. */
START_TEST(a_question_mark_stands_for_what_a_list_cannot_hold)
{
	check_wants("Smith? Jones", "Smith, Jones");
	check_wants("?loud", "!loud");
	check_wants("a?b", "a*b");
}
END_TEST

START_TEST(inbox_is_one_folder_in_any_case)
{
	check_wants("inbox", "INBOX");
	check_wants("INBOX", "Inbox");
	check_wants("InBox", "iNbOX/Sub");
	check_wants("inbox/*", "INBOX/Sub");
	check_wants("inb*", "INBOX");
	check_leaves("inbox/sub", "INBOX/Sub");
	check_leaves("*, !inbox", "INBOX");
	check_leaves("inboxes", "INBOXES");
	check_leaves("iNBOXES", "INBOXES");
	check_leaves("*/inbox", "a/INBOX");
	check_leaves("INB", "INBOX");
}
END_TEST

START_TEST(blanks_around_patterns_do_not_count)
{
	check_wants(" INBOX ,  Sent Items ", "Sent Items");
	check_leaves("*, !  Spam", "Spam");
	check_leaves("Sent Items", "SentItems");
}
END_TEST

START_TEST(empty_patterns_match_nothing)
{
	check_leaves("", "INBOX");
	check_leaves("", "");
	check_leaves(",,", "");
	check_leaves("/", "a");
	check_wants("*,,", "a");
}
END_TEST

START_TEST(judges_a_list)
{
	ck_assert(patterns_valid(BYTES("*")));
	ck_assert(patterns_valid(BYTES("INBOX, !Spam")));
	ck_assert(patterns_valid(BYTES(" a ,b")));
	ck_assert(!patterns_valid(BYTES("")));
	ck_assert(!patterns_valid(BYTES(",")));
	ck_assert(!patterns_valid(BYTES(",a")));
	ck_assert(!patterns_valid(BYTES("a,")));
	ck_assert(!patterns_valid(BYTES("a, ,b")));
	ck_assert(!patterns_valid(BYTES("!")));
	ck_assert(!patterns_valid(BYTES("*, ! ")));
}
END_TEST

/* Linear in both lengths for each star taken back: this would not end otherwise. */
START_TEST(many_stars_take_no_time)
{
	char pattern[2001], folder[4001];

	for (size_t i = 0; i < 2000; i++)
		pattern[i] = i % 2 ? 'a' : '*';
	pattern[1999] = 'b';
	pattern[2000] = '\0';
	memset(folder, 'a', 4000);
	folder[4000] = '\0';
	check_leaves(pattern, folder);
}
END_TEST

SUITE(a_star_names_nothing, a_star_wants_all, a_name_wants_itself_and_what_is_below,
    the_last_match_decides, a_list_that_begins_with_not_begins_with_all,
    wildcards_take_any_character, a_question_mark_is_one_character_not_one_byte,
    a_question_mark_stands_for_what_a_list_cannot_hold, inbox_is_one_folder_in_any_case,
    blanks_around_patterns_do_not_count, empty_patterns_match_nothing, judges_a_list,
    many_stars_take_no_time)
