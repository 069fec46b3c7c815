#include "tests/unit/suite.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "index/query.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOW 1560000000 /* 2019-06-08T13:20:00Z */

static struct query *parsed(const char *text)
{
	struct query *query = NULL;
	struct err err = {0};

	setenv("TZ", "UTC", 1);
	tzset();
	if (query_parse(&query, bytes_of(text), NOW, &err) != 0)
		ck_abort_msg("%s: %s", text, err.text);
	return query;
}

static char *printed(const struct query *query)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	query_print(query, &out);
	return buf_take(&out);
}

/* The query in full brackets, and that the same comes of it again. */
static void expect(const char *text, const char *expected)
{
	struct query *query = parsed(text), *again;
	char *first = printed(query), *second;

	ck_assert_str_eq(first, expected);
	again = parsed(first);
	second = printed(again);
	ck_assert_str_eq(second, expected);
	query_free(query);
	query_free(again);
	free(first);
	free(second);
}

/* ERR_USAGE at that character, with that in its words. */
static void expect_wrong(const char *text, int character, const char *words)
{
	struct query *query = NULL;
	struct err err = {0};
	char *place = mem_format("at character %d: ", character);

	ck_assert_msg(query_parse(&query, bytes_of(text), NOW, &err) == -1, "%s", text);
	ck_assert_ptr_null(query);
	ck_assert_int_eq(err.code, ERR_USAGE);
	ck_assert_msg(strstr(err.text, place) && strstr(err.text, words), "%s: %s", text, err.text);
	free(place);
}

START_TEST(words_side_by_side_must_all_be_found)
{
	expect("invoice", "invoice");
	expect("invoice acme", "(invoice AND acme)");
	expect("  a\tb\nc  ", "(a AND b AND c)");
	expect("a AND b", "(a AND b)");
	expect("a and b or not", "(a AND and AND b AND or AND not)");
	expect("\xe4\xbb\xb6\xe3\x80\x80\xe5\x90\x8d\xc2\xa0x",
	    "(\xe4\xbb\xb6 AND \xe5\x90\x8d AND x)");
}
END_TEST

START_TEST(or_binds_weakest_then_and_then_not)
{
	expect("invoice OR bill", "(invoice OR bill)");
	expect("a b OR c", "((a AND b) OR c)");
	expect("a OR b c", "(a OR (b AND c))");
	expect("a OR b OR c", "(a OR b OR c)");
	expect("(a OR b) c", "((a OR b) AND c)");
	expect("NOT a b", "((NOT a) AND b)");
	expect("NOT (a b)", "(NOT (a AND b))");
	expect("a NOT b", "(a AND (NOT b))");
	expect("a AND NOT b OR NOT c", "((a AND (NOT b)) OR (NOT c))");
	expect("NOT NOT a", "(NOT (NOT a))");
	expect("((((a))))", "a");
}
END_TEST

START_TEST(a_minus_denies_what_it_touches)
{
	expect("-draft", "(NOT draft)");
	expect("a -b", "(a AND (NOT b))");
	expect("-(a b)", "(NOT (a AND b))");
	expect("-\"a b\"", "(NOT \"a b\")");
	expect("-from:anna", "(NOT from:anna)");
	expect("--dry-run", "--dry-run");
	expect("a-b", "a-b");
	expect_wrong("a - b", 3, "write -word without a blank, or NOT word");
	expect_wrong("-", 1, "denies nothing");
	expect_wrong("(-)", 2, "denies nothing");
	expect_wrong("from:-anna", 6, "-from:");
}
END_TEST

START_TEST(phrases)
{
	expect("\"quarterly report\"", "\"quarterly report\"");
	expect("\"a AND b\"", "\"a AND b\"");
	expect("\"a (b) c:d -e *\"", "\"a (b) c:d -e *\"");
	expect("\"say \\\"hi\\\" \\\\ \\x\"", "\"say \\\"hi\\\" \\\\ \\\\x\"");
	expect("a\"b\"c", "(a AND \"b\" AND c)");
	expect_wrong("a \"b", 3, "never closed");
	expect_wrong("\"b\\\"", 1, "never closed");
	expect_wrong("a \"\"", 3, "no letter or digit");
	expect_wrong("\"&\"", 1, "no letter or digit");
}
END_TEST

START_TEST(prefixes)
{
	expect("invo*", "invo*");
	expect("\"annual rep\"*", "\"annual rep\"*");
	expect("subject:invo*", "subject:invo*");
	expect("subject:\"annual rep\"*", "subject:\"annual rep\"*");
	expect_wrong("fo*o", 3, "star");
	expect_wrong("x *foo", 3, "star");
	expect_wrong("foo**", 4, "star");
	expect_wrong("from:*", 6, "no letter or digit");
	expect_wrong("a &*", 3, "no letter or digit");
}
END_TEST

START_TEST(all_mail)
{
	expect("*", "*");
	expect("all", "*");
	expect(" (all) ", "*");
	expect("", "*");
	expect(" \t ", "*");
	expect("-*", "(NOT *)");
	expect("all hands", "(all AND hands)");
	expect("\"all\"", "\"all\"");
	expect("subject:all", "subject:all");
	expect("all*", "all*");
}
END_TEST

START_TEST(punctuation_is_left_out_but_never_means_all)
{
	expect("AT & T", "(AT AND T)");
	expect("a \xe2\x80\x93 b", "(a AND b)");
	expect("a OR b &", "(a OR b)");
	expect_wrong("&", 1, "no letter or digit");
	expect_wrong("a OR &", 6, "no letter or digit");
	expect_wrong("a -&", 3, "no letter or digit");
	expect_wrong("a (& !)", 4, "no letter or digit");
	expect_wrong("from:&", 6, "no letter or digit");
	expect_wrong("a OR \"...\"", 6, "no letter or digit");
}
END_TEST

START_TEST(text_operators)
{
	expect("from:anna to:bob cc:carol subject:x body:y",
	    "(from:anna AND to:bob AND cc:carol AND subject:x AND body:y)");
	expect(
	    "attachment:x filename:y.pdf list:z", "(attachment:x AND filename:y.pdf AND list:z)");
	expect("FROM:Anna", "from:Anna");
	expect("from:\"Anna B\"", "from:\"Anna B\"");
	expect("from:anna@example.org", "from:anna@example.org");
	expect("subject:AND subject:a:b", "(subject:AND AND subject:a:b)");
	expect_wrong("from:", 1, "right behind the colon");
	expect_wrong("a from: b", 3, "right behind the colon");
	expect_wrong("(from:)", 2, "right behind the colon");
	expect_wrong("from:a\"b\"", 7, "quotes");
	expect_wrong("from:\"a\"b", 9, "quotes");
	expect_wrong("from:a(b)", 7, "quotes");
}
END_TEST

START_TEST(operators_take_brackets)
{
	expect("from:(anna OR bob)", "(from:anna OR from:bob)");
	expect("from:(anna -\"c d\" e*) x", "(from:anna AND (NOT from:\"c d\") AND from:e* AND x)");
	expect("folder:(INBOX OR Lists/*)", "(folder:\"INBOX\" OR folder:\"Lists/*\")");
	expect("is:(unread OR flagged)", "(is:unread OR is:flagged)");
	expect("on:(2018 OR 2019-06)",
	    "((after:2018-01-01T00:00:00Z AND before:2019-01-01T00:00:00Z) OR "
	    "(after:2019-06-01T00:00:00Z AND before:2019-07-01T00:00:00Z))");
	expect("from:(a) b", "(from:a AND b)");
	expect_wrong("from:()", 6, "nothing between");
	expect_wrong("from:(a", 6, "never closed");
	expect_wrong("from:(a subject:b)", 9, "only values");
	expect_wrong("from:(*)", 7, "no letter or digit");
	expect_wrong("is:(unread OR nice)", 15, "takes unread");
}
END_TEST

START_TEST(places_and_names)
{
	expect("folder:Archive/2019", "folder:\"Archive/2019\"");
	expect("folder:\"My mail\"", "folder:\"My mail\"");
	expect("folder:*", "folder:\"*\"");
	expect("folder:\"My mail/\"*", "folder:\"My mail/*\"");
	expect("folder:-x folder:a:b", "(folder:\"-x\" AND folder:\"a:b\")");
	expect("account:work label:\\Seen label:\"a b\"",
	    "(account:\"work\" AND label:\"\\\\Seen\" AND label:\"a b\")");
	expect("id:<a@b> id:a@b id:0123456789AB",
	    "(id:\"a@b\" AND id:\"a@b\" AND id:\"0123456789AB\")");
	expect("id:\" <a b@c> \"", "id:\"a b@c\"");
	expect("id:<<a@b>>>", "id:\"a@b\"");
	expect_wrong("folder:\"\"", 8, "wants a name");
	expect_wrong("account:\" \"", 9, "wants a name");
	expect_wrong("id:<>", 4, "wants a name");
	expect_wrong("account:w*", 9, "star");
	expect_wrong("label:\"w\"*", 7, "star");
}
END_TEST

START_TEST(states)
{
	expect("is:unread is:unseen", "(is:unread AND is:unread)");
	expect("is:read OR is:Seen", "((NOT is:unread) OR (NOT is:unread))");
	expect("is:flagged -is:flagged is:unflagged",
	    "(is:flagged AND (NOT is:flagged) AND (NOT is:flagged))");
	expect("is:answered is:unanswered", "(is:answered AND (NOT is:answered))");
	expect("is:draft is:deleted is:gone is:purged is:held",
	    "(is:draft AND is:deleted AND is:gone AND is:purged AND is:held)");
	expect("has:attachment Has:Attachments", "(has:attachment AND has:attachment)");
	expect_wrong("is:nice", 4, "takes unread, read");
	expect_wrong("is:un*", 4, "takes unread");
	expect_wrong("has:star", 5, "takes attachment");
}
END_TEST

START_TEST(dates)
{
	expect("before:2019", "before:2019-01-01T00:00:00Z");
	expect("after:2019", "after:2019-01-01T00:00:00Z");
	expect("on:2019", "(after:2019-01-01T00:00:00Z AND before:2020-01-01T00:00:00Z)");
	expect("on:today a", "(after:2019-06-08T00:00:00Z AND before:2019-06-09T00:00:00Z AND a)");
	expect("-on:2019-03", "(NOT (after:2019-03-01T00:00:00Z AND before:2019-04-01T00:00:00Z))");
	expect("older:1y", "before:2018-06-08T13:20:00Z");
	expect("newer:2w", "after:2019-05-25T13:20:00Z");
	expect(
	    "newer:12h newer:30s", "(after:2019-06-08T01:20:00Z AND after:2019-06-08T13:19:30Z)");
	expect("older:6mo newer:90min",
	    "(before:2018-12-10T13:20:00Z AND after:2019-06-08T11:50:00Z)");
	expect("sent:2019-03",
	    "(sent:after:2019-03-01T00:00:00Z AND sent:before:2019-04-01T00:00:00Z)");
	expect("sent:before:2020-01-31", "sent:before:2020-01-31T00:00:00Z");
	expect("sent:older:1y sent:on:2018",
	    "(sent:before:2018-06-08T13:20:00Z AND sent:after:2018-01-01T00:00:00Z AND "
	    "sent:before:2019-01-01T00:00:00Z)");
	expect("older:9999y", "before:1000-01-01T00:00:00Z");
}
END_TEST

START_TEST(what_looks_like_a_date_and_is_none)
{
	expect_wrong("before:90d", 8, "older:90d");
	expect_wrong("after:90d", 7, "newer:90d");
	expect_wrong("sent:90d", 6, "sent:newer:90d");
	expect_wrong("older:2019-01", 7, "before:2019-01");
	expect_wrong("newer:today", 7, "after:today");
	expect_wrong("a sent:older:2019", 14, "before:2019");
	expect_wrong("on:2019-02-30", 4, "takes a date: 2019");
	expect_wrong("before:soon", 8, "takes a date");
	expect_wrong("older:soon", 7, "90d, 2w, 6mo or 1y");
	expect_wrong("older:6m", 7, "write 6min or 6mo");
	expect_wrong("sent:larger:5M", 6, "takes a date");
	expect_wrong("before:20*", 8, "takes a date");
}
END_TEST

START_TEST(sizes)
{
	expect("larger:5M", "larger:5242880");
	expect("smaller:500k", "smaller:512000");
	expect("larger:1G smaller:2g", "(larger:1073741824 AND smaller:2147483648)");
	expect_wrong("larger:1.5M", 8, "whole numbers");
	expect_wrong("smaller:big", 9, "whole numbers");
}
END_TEST

/* What query.h says of the parts of a node. */
START_TEST(nodes_say_what_they_are)
{
	struct query *query = parsed("subject:\"a \\\"b\"* -larger:1k");
	const struct query_node *root = query_root(query), *text = root->left;
	const struct query_node *size = root->right->left;

	ck_assert_int_eq(root->kind, QUERY_AND);
	ck_assert_int_eq(text->kind, QUERY_TEXT);
	ck_assert_int_eq(text->field, QUERY_SUBJECT);
	ck_assert(text->is_phrase && text->is_prefix);
	ck_assert_str_eq(text->text, "a \"b");
	ck_assert_uint_eq(text->at, 8);
	ck_assert_int_eq(root->right->kind, QUERY_NOT);
	ck_assert_uint_eq(root->right->at, 17);
	ck_assert_int_eq(size->kind, QUERY_WHERE);
	ck_assert_int_eq(size->fact, QUERY_SIZE);
	ck_assert_int_eq(size->from, 1024);
	ck_assert_int_eq(size->to, INT64_MAX);
	query_free(query);
	query_free(NULL);
}
END_TEST

START_TEST(ranges_are_open_where_nothing_was_said)
{
	struct query *query = parsed("before:2019");

	ck_assert_int_eq(query_root(query)->fact, QUERY_RECEIVED);
	ck_assert_int_eq(query_root(query)->from, INT64_MIN);
	ck_assert_int_eq(query_root(query)->to, 1546300800);
	query_free(query);
	query = parsed("sent:newer:1d");
	ck_assert_int_eq(query_root(query)->fact, QUERY_SENT);
	ck_assert_int_eq(query_root(query)->from, NOW - 86400);
	ck_assert_int_eq(query_root(query)->to, INT64_MAX);
	query_free(query);
}
END_TEST

START_TEST(a_query_knows_the_facts_that_it_names)
{
	struct query *query = parsed("a OR (b -is:flagged)");

	ck_assert(query_names(query, QUERY_FLAGGED));
	ck_assert(!query_names(query, QUERY_DRAFT));
	ck_assert(!query_names(query, QUERY_FOLDER));
	query_free(query);
	query = parsed("is:unflagged folder:x");
	ck_assert(query_names(query, QUERY_FLAGGED));
	ck_assert(query_names(query, QUERY_FOLDER));
	query_free(query);
}
END_TEST

START_TEST(unknown_operators_are_named_and_mended)
{
	expect_wrong("form:anna", 1, "did you mean \"from:\"?");
	expect_wrong("a sbuject:b", 3, "did you mean \"subject:\"?");
	expect_wrong("file:x", 1, "did you mean \"filename:\"?");
	expect_wrong("in:inbox", 1, "did you mean \"folder:\"?");
	expect_wrong("older_than:6m", 1, "did you mean \"older:\"?");
	expect_wrong("message-id:<a@b>", 1, "did you mean \"id:\"?");
	expect_wrong("foo:bar", 1, "put it in quotes: \"foo:bar\"");
	expect_wrong("-foo:bar", 2, "there is no operator \"foo:\"");
	expect_wrong("note:\"x\"", 1, "there is no operator \"note:\"");
	expect_wrong("note:(x)", 1, "there is no operator \"note:\"");
	expect_wrong("from:(a x:y)", 9, "there is no operator \"x:\"");
	expect("\"foo:bar\"", "\"foo:bar\"");
}
END_TEST

START_TEST(colons_in_text_are_text)
{
	expect("http://x.example/y?z:1", "http://x.example/y?z:1");
	expect("10:30", "10:30");
	expect("Re: lunch", "(Re: AND lunch)");
	expect("C:\\mail std::string", "(C:\\mail AND std::string)");
	expect("mailto:anna@example.org", "mailto:anna@example.org");
	expect(":a a:", "(:a AND a:)");
	expect("gr\xc3\xb6\xc3\x9f"
	       "e:5M",
	    "gr\xc3\xb6\xc3\x9f"
	    "e:5M");
}
END_TEST

START_TEST(places_are_counted_in_characters)
{
	expect_wrong("\xc3\xa4\xe2\x82\xac form:x", 4, "no operator");
	expect_wrong("\xf0\x9f\x98\x80\xe3\x80\x80(", 4, "missing at the end");
	expect_wrong("a OR", 5, "missing at the end");
	expect_wrong("OR a", 1, "missing before this");
	expect_wrong("a AND OR b", 7, "missing before this");
	expect_wrong("a AND", 6, "missing at the end");
	expect_wrong("(a AND)", 7, "missing before this bracket");
	expect_wrong("(a OR)", 6, "missing before this bracket");
	expect_wrong("a NOT", 6, "missing at the end");
	expect_wrong("a ()", 3, "nothing between");
	expect_wrong("a (b", 3, "never closed");
	expect_wrong("a) b", 2, "never opened");
	expect_wrong(")", 1, "never opened");
	expect_wrong("\xc3\xa4 \xff", 3, "not UTF-8");
}
END_TEST

START_TEST(the_number_of_terms_is_limited)
{
	struct buf text;
	struct query *query;

	buf_init(&text, 1 << 20);
	for (int i = 0; i < QUERY_MAX_TERMS; i++)
		buf_text(&text, i % 3 == 0 ? "larger:5 " : i % 3 == 1 ? "word " : "* ");
	query = parsed(buf_string(&text));
	query_free(query);
	buf_text(&text, "x");
	expect_wrong(buf_string(&text), (int)text.n, "at most 1000 terms");
	buf_release(&text);
}
END_TEST

static unsigned depth_of(const struct query_node *node)
{
	unsigned left = node->left ? 1 + depth_of(node->left) : 0;
	unsigned right = node->right ? 1 + depth_of(node->right) : 0;

	return left > right ? left : right;
}

START_TEST(long_lists_make_shallow_trees)
{
	struct buf text;
	struct query *query;

	buf_init(&text, 1 << 20);
	buf_text(&text, "x");
	for (int i = 1; i < QUERY_MAX_TERMS; i++)
		buf_text(&text, i < 500 ? " x" : " OR x");
	query = parsed(buf_string(&text));
	ck_assert_uint_le(depth_of(query_root(query)), 20);
	query_free(query);
	buf_release(&text);
}
END_TEST

static char *nested(const char *open, const char *inside, const char *close, int depth)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	for (int i = 0; i < depth; i++)
		buf_text(&text, open);
	buf_text(&text, inside);
	for (int i = 0; i < depth; i++)
		buf_text(&text, close);
	return buf_take(&text);
}

static void expect_depth(const char *open, const char *close, int depth, bool is_right)
{
	char *text = nested(open, "a", close, depth);

	if (is_right)
		query_free(parsed(text));
	else
		expect_wrong(text, (int)strlen(open) * QUERY_MAX_DEPTH + 1, "nested deeper");
	free(text);
}

START_TEST(depth_is_limited)
{
	expect_depth("(", ")", QUERY_MAX_DEPTH, true);
	expect_depth("(", ")", QUERY_MAX_DEPTH + 1, false);
	expect_depth("NOT ", "", QUERY_MAX_DEPTH, true);
	expect_depth("NOT ", "", QUERY_MAX_DEPTH + 1, false);
	expect_depth("(", ")", 30000, false);
	/* many words on many levels: the tree would be deeper than its brackets */
	{
		char *text = nested("(a b c d e f g h OR ", "x", ")", 99);

		expect_wrong(text, 1, "nested deeper");
		free(text);
	}
}
END_TEST

START_TEST(length_is_limited)
{
	char *text = mem_alloc(QUERY_MAX_BYTES + 2);
	struct query *query = NULL;

	memset(text, 'x', QUERY_MAX_BYTES + 1);
	text[QUERY_MAX_BYTES + 1] = '\0';
	FAILS(ERR_USAGE, query_parse(&query, bytes_of(text), NOW, err));
	text[QUERY_MAX_BYTES] = '\0';
	query_free(parsed(text));
	memcpy(text, "foo:", 4);
	expect_wrong(text, 1, "xxx...\"");
	free(text);
}
END_TEST

START_TEST(control_characters_are_blanks)
{
	struct query *query = NULL;
	char *text;

	OK(query_parse(&query, BYTES("a\0b\x1b\"c\0d\x7f\""), NOW, err));
	text = printed(query);
	ck_assert_str_eq(text, "(a AND b AND \"c d\x7f\")");
	free(text);
	query_free(query);
}
END_TEST

static void expect_explained(const char *text, const char *expected)
{
	struct query *query = parsed(text);
	struct buf out;

	buf_init(&out, 1 << 20);
	query_explain(query, &out);
	ck_assert_str_eq(buf_string(&out), expected);
	buf_release(&out);
	query_free(query);
}

START_TEST(a_query_is_told_in_words)
{
	expect_explained("*", "all mail\n");
	expect_explained("tea", "anywhere: \"tea\"\n");
	expect_explained("from:anna -draft subject:(\"a b\" OR in*)",
	    "all of these\n  in From: \"anna\"\n  not\n    anywhere: \"draft\"\n"
	    "  any of these\n    in the subject: the words side by side \"a b\"\n"
	    "    in the subject: beginning with \"in\"\n");
	expect_explained("on:2019-03 smaller:1k folder:Archive is:held sent:after:2019",
	    "all of these\n  received: from 2019-03-01 00:00, before 2019-04-01 00:00\n"
	    "  size: less than 1024 bytes\n  in the folder, or below it: Archive\n"
	    "  under a hold\n  sent (the Date field): from 2019-01-01 00:00\n");
}
END_TEST

START_TEST(an_error_tells_its_place)
{
	struct query *query = NULL;
	struct err err = {0};
	unsigned long long at = 0;

	ck_assert_int_eq(query_parse(&query, BYTES("\xc3\xa4 b fron:x"), NOW, &err), -1);
	ck_assert(query_wrong_at(&err, &at));
	ck_assert_uint_eq(at, 5);
	err_set(&err, ERR_USAGE, "at character 7: elsewhere");
	ck_assert(!query_wrong_at(&err, &at));
	ck_assert_uint_eq(at, 5);
}
END_TEST

SUITE(a_query_is_told_in_words, an_error_tells_its_place, words_side_by_side_must_all_be_found,
    or_binds_weakest_then_and_then_not, a_minus_denies_what_it_touches, phrases, prefixes, all_mail,
    punctuation_is_left_out_but_never_means_all, text_operators, operators_take_brackets,
    places_and_names, states, dates, what_looks_like_a_date_and_is_none, sizes,
    nodes_say_what_they_are, ranges_are_open_where_nothing_was_said,
    a_query_knows_the_facts_that_it_names, unknown_operators_are_named_and_mended,
    colons_in_text_are_text, places_are_counted_in_characters, the_number_of_terms_is_limited,
    long_lists_make_shallow_trees, depth_is_limited, length_is_limited,
    control_characters_are_blanks)
