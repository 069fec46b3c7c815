/* base/jsonin.c. What is JSON and what is not: RFC 8259. The form of an event is another matter
 * (test_journal.c), as is what another reader says of the same (fuzz_journal_twin.c). */
#include "base/jsonin.h"

#include "../suite.h"
#include "base/mem.h"

#include <string.h>

static struct jsonin json;

/* In memory of just that size, so that a sanitizer sees what is read beyond it. */
static char *start(struct bytes text)
{
	char *exact = malloc(text.n);

	if (text.n > 0)
		memcpy(exact, text.p, text.n);
	jsonin_start(&json, (struct bytes){exact, text.n});
	return exact;
}

static void done(char *exact)
{
	jsonin_release(&json);
	free(exact);
}

static bool is_json(struct bytes text)
{
	char *exact = start(text);
	bool is = jsonin_pass_value(&json) && jsonin_end(&json);

	ck_assert_msg(is == (json.wrong == NULL), "%.*s", (int)text.n, text.p);
	done(exact);
	return is;
}

static void check(struct bytes text, bool expected)
{
	ck_assert_msg(is_json(text) == expected, "%.*s", (int)text.n, text.p);
	/* As a member and as an item, too. */
	if (text.n > 0) {
		char *member = mem_format("{\"x\" : %.*s , \"y\":0}", (int)text.n, text.p);
		char *item = mem_format("[0,%.*s]", (int)text.n, text.p);

		if (strlen(member) == text.n + 16) { /* no NUL in it */
			ck_assert_msg(is_json(bytes_of(member)) == expected, "%s", member);
			ck_assert_msg(is_json(bytes_of(item)) == expected, "%s", item);
		}
		free(member);
		free(item);
	}
}

START_TEST(takes_every_kind_of_value)
{
	static const char *const values[] = {"{}", "[]", "\"\"", "0", "true", "false", "null",
	    " {\t\"a\"\r:\n[ 1 , {} , \"x\" ] } ", "[[],[[]],{\"a\":{\"a\":{}}}]"};

	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		check(bytes_of(values[i]), true);
}
END_TEST

START_TEST(refuses_what_is_no_value)
{
	static const char *const values[] = {"", " ", "{", "}", "[", "]", "{]", "[}", "[1,]",
	    "[,1]", "[,]", "[1 2]", "[1,,2]", "{,}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
	    "{\"a\" 1}", "{a:1}", "{1:1}", "{\"a\":1 \"b\":2}", "{\"a\":1}}", "[1]]", "1 2", "tru",
	    "truee", "True", "nul", "NaN", "'a'", "/**/1", "\xef\xbb\xbf{}", "\v1", ":", ",",
	    "[\"a\":1]", "{\"a\",1}"};

	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		check(bytes_of(values[i]), false);
	check(BYTES("1\0"), false);
	check(BYTES("\0"), false);
	check(BYTES("[1\0]"), false);
}
END_TEST

/* RFC 8259 section 6. */
START_TEST(judges_numbers)
{
	static const char *const good[] = {"0", "-0", "1", "-1", "10", "0.0", "-0.5", "1e1", "1E+1",
	    "1.25e-300", "9223372036854775807", "-9223372036854775808", "0e0", "1e999"};
	static const char *const bad[] = {"-", "+1", "01", "-01", "00", "1.", ".5", "1.e1", "1e",
	    "1e+", "1e-", "0x1", "1a", "--1", "1.2.3", "9223372036854775808",
	    "-9223372036854775809", "18446744073709551616", "99999999999999999999999"};

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		check(bytes_of(good[i]), true);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		check(bytes_of(bad[i]), false);
}
END_TEST

static void check_i64(const char *text, int64_t expected)
{
	char *exact = start(bytes_of(text));
	int64_t value;

	ck_assert_msg(jsonin_i64(&json, &value) && jsonin_end(&json), "%s", text);
	ck_assert_int_eq(value, expected);
	done(exact);
}

START_TEST(yields_whole_numbers)
{
	char *exact;
	int64_t value = 7;

	check_i64("0", 0);
	check_i64("-0", 0);
	check_i64("-12", -12);
	check_i64("9223372036854775807", INT64_MAX);
	check_i64("-9223372036854775808", INT64_MIN);
	exact = start(BYTES("1.0"));
	ck_assert(!jsonin_i64(&json, &value) && json.wrong != NULL);
	ck_assert_int_eq(value, 7);
	done(exact);
}
END_TEST

static void check_text(struct bytes text, struct bytes expected)
{
	char *exact = start(text);
	struct bytes got;

	ck_assert_msg(jsonin_text(&json, &got) && jsonin_end(&json), "%.*s", (int)text.n, text.p);
	ck_assert_msg(bytes_equal(got, expected), "%.*s", (int)text.n, text.p);
	done(exact);
}

/* RFC 8259 section 7. */
START_TEST(undoes_escapes)
{
	check_text(BYTES("\"\""), BYTES(""));
	check_text(BYTES("\"a\x7f\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e\""),
	    BYTES("a\x7f\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e"));
	check_text(BYTES("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), BYTES("\"\\/\b\f\n\r\t"));
	check_text(BYTES("\"x\\u0041\\u00e9\\u00E9\\u20ac\\uffff-\""),
	    BYTES("xA\xc3\xa9\xc3\xa9\xe2\x82\xac\xef\xbf\xbf-"));
	check_text(BYTES("\"\\ud834\\udd1e\\uDBFF\\uDFFF\\ud800\\udc00\""),
	    BYTES("\xf0\x9d\x84\x9e\xf4\x8f\xbf\xbf\xf0\x90\x80\x80"));
	check_text(BYTES("\"\\u0001\\u007f\\u0080\\u07ff\\u0800\""),
	    BYTES("\x01\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80"));
}
END_TEST

START_TEST(refuses_texts_that_are_none)
{
	static const char *const bad[] = {"\"", "\"a", "\"\\", "\"\\\"", "\"\\x\"", "\"\\u\"",
	    "\"\\u12\"", "\"\\u123g\"", "\"\\u0000\"", "\"\\ud800\"", "\"\\udc00\"",
	    "\"\\ud800\\ud800\"", "\"\\ud800\\n\"", "\"\\ud800x\"", "\"\\ud800\\u0041\"",
	    "\"a\tb\"", "\"a\nb\"", "\"\x1f\"", "\"\x80\"", "\"\xc3\"", "\"\xc0\x80\"",
	    "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xff\"", "\"\\\xc3\xa9\"",
	    "\"\\U0041\""};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		check(bytes_of(bad[i]), false);
	check(BYTES("\"a\0b\""), false);
}
END_TEST

START_TEST(plain_texts_are_views_and_others_are_kept)
{
	char *exact = start(BYTES("[\"plain\",\"a\\nb\"]"));
	struct bytes plain, made;
	char *kept;

	ck_assert(jsonin_array(&json) && jsonin_item(&json) && jsonin_text(&json, &plain));
	ck_assert_ptr_eq(plain.p, exact + 2);
	ck_assert_ptr_null(json.made);
	ck_assert(jsonin_item(&json) && jsonin_text(&json, &made) && !jsonin_item(&json));
	kept = jsonin_keep(&json);
	jsonin_release(&json);
	ck_assert_ptr_null(jsonin_keep(&json));
	ck_assert(bytes_equal(made, BYTES("a\nb")));
	ck_assert_ptr_eq(made.p, kept);
	free(kept);
	free(exact);
}
END_TEST

START_TEST(a_member_that_was_passed_comes_once)
{
	check(BYTES("{\"a\":1,\"b\":1,\"c\":1,\"aa\":1,\"\":1}"), true);
	check(BYTES("{\"a\":1,\"b\":1,\"a\":1}"), false);
	check(BYTES("{\"\":1,\"\":1}"), false);
	check(BYTES("{\"a\":1,\"\\u0061\":1}"), false);
	check(BYTES("{\"a\":{\"a\":1},\"b\":{\"a\":1}}"), true);
	check(BYTES("[{\"a\":1},{\"a\":1}]"), true);
	check(BYTES("{\"a\":{\"b\":1,\"c\":{},\"b\":1}}"), false);
	check(BYTES("{\"b\":{\"b\":{\"a\":1}},\"c\":[{\"c\":1,\"c\":2}]}"), false);
	check(BYTES("{\"a\":{\"x\":1},\"a\":2}"), false);
}
END_TEST

START_TEST(goes_through_an_object)
{
	char *exact = start(BYTES(" { \"n\" : -5 , \"t\":true,\"x\":[{\"n\":1}], \"f\":false} "));
	struct bytes name;
	int64_t number = 0;
	bool yes = false, no = true;
	int members = 0;

	ck_assert_int_eq(jsonin_next(&json), JSONIN_OBJECT);
	ck_assert(jsonin_object(&json));
	for (; jsonin_member(&json, &name); members++) {
		if (bytes_is(name, "n"))
			jsonin_i64(&json, &number);
		else if (bytes_is(name, "t"))
			jsonin_truth(&json, &yes);
		else if (bytes_is(name, "f"))
			jsonin_truth(&json, &no);
		else
			jsonin_pass(&json, name);
	}
	ck_assert(jsonin_end(&json));
	ck_assert_int_eq(members, 4);
	ck_assert_int_eq(number, -5);
	ck_assert(yes && !no);
	done(exact);
}
END_TEST

START_TEST(the_first_fault_stays)
{
	char *exact = start(BYTES("{\"a\":\"x\",\"b\":1}"));
	struct bytes name = BYTES("as it was");
	const char *wrong;
	int64_t number;

	ck_assert(jsonin_object(&json) && jsonin_member(&json, &name));
	ck_assert(!jsonin_i64(&json, &number)); /* it is a text */
	wrong = json.wrong;
	ck_assert_ptr_nonnull(wrong);
	ck_assert_uint_eq(json.wrong_at, 5);
	ck_assert(!jsonin_text(&json, &name) && !jsonin_member(&json, &name));
	ck_assert(!jsonin_pass(&json, name) && !jsonin_end(&json) && !jsonin_array(&json));
	ck_assert(!jsonin_fail(&json, "another"));
	ck_assert_int_eq(jsonin_next(&json), JSONIN_NOTHING);
	ck_assert_ptr_eq(json.wrong, wrong);
	ck_assert(bytes_is(name, "a"));
	done(exact);
}
END_TEST

static bool is_deep_json(size_t depth, bool with_value)
{
	char *text = malloc(2 * depth + 2);
	bool is;

	memset(text, '[', depth);
	text[depth] = '1';
	memset(text + depth + with_value, ']', depth);
	is = is_json((struct bytes){text, 2 * depth + with_value});
	free(text);
	return is;
}

START_TEST(values_inside_each_other_have_an_end)
{
	ck_assert(is_deep_json(JSONIN_DEPTH, false));
	ck_assert(!is_deep_json(JSONIN_DEPTH + 1, false));
	ck_assert(is_deep_json(JSONIN_DEPTH - 1, true));
	ck_assert(!is_deep_json(JSONIN_DEPTH, true));
	ck_assert(!is_deep_json(1000000, false));
}
END_TEST

START_TEST(a_text_cut_off_anywhere_is_none)
{
	static const char whole[] =
	    "{\"a\":[1,-2.5e3,\"x\\u00e9\\n\xc3\xa9\",true,null,{\"b\":{}}],\"c\":\"\"}";

	for (size_t n = 0; n < sizeof whole - 1; n++)
		ck_assert_msg(!is_json((struct bytes){whole, n}), "%zu", n);
	ck_assert(is_json(BYTES(whole)));
}
END_TEST

SUITE(takes_every_kind_of_value, refuses_what_is_no_value, judges_numbers, yields_whole_numbers,
    undoes_escapes, refuses_texts_that_are_none, plain_texts_are_views_and_others_are_kept,
    a_member_that_was_passed_comes_once, goes_through_an_object, the_first_fault_stays,
    values_inside_each_other_have_an_end, a_text_cut_off_anywhere_is_none)
