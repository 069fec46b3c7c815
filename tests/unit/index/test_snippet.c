#include "tests/unit/suite.h"

#include "base/utf8.h"
#include "index/snippet.h"

#include <locale.h>
#include <string.h>

#define NOW 1700000000

static struct extract extract;

/* The snippet of a text in the body for a query, hits in [ ]. */
static const char *snippet_of(const char *body, const char *text, size_t columns)
{
	static char out[2000];
	struct query *query;
	struct buf made;

	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	buf_clear(&extract.column[EXTRACT_BODY]);
	buf_text(&extract.column[EXTRACT_BODY], body);
	OK(query_parse(&query, bytes_of(text), NOW, err));
	buf_init(&made, sizeof out - 1);
	snippet_make(&made, &extract, query, columns, "[", "]");
	ck_assert(!made.overflow);
	memcpy(out, buf_string(&made), made.n + 1);
	buf_release(&made);
	query_free(query);
	return out;
}

static void expect(const char *body, const char *text, const char *wanted)
{
	ck_assert_str_eq(snippet_of(body, text, 70), wanted);
}

START_TEST(words_are_found_as_the_index_finds_them)
{
	extract_init(&extract);
	expect("an Invoice for you", "invoice", "an [Invoice] for you");
	expect("an invoice for you", "INVOICE", "an [invoice] for you");
	expect("\xc3\x84PFEL und birnen", "\xc3\xa4pfel", "[\xc3\x84PFEL] und birnen");
	expect("invoices invoice", "invoice", "invoices [invoice]");
	expect("preinvoice invoice", "invoice", "preinvoice [invoice]");
	expect("see (invoice), please", "invoice", "see ([invoice]), please");
	expect("an invoice", "\"invoice\"", "an [invoice]");
	expect("an invoice for the invoices", "invo*", "an [invo]ice for the [invo]ices");
	extract_release(&extract);
}
END_TEST

START_TEST(phrases_stand_over_what_is_no_word)
{
	extract_init(&extract);
	expect("a quarterly\n report", "\"quarterly report\"", "a [quarterly report]");
	expect("a quarterly -- report!", "\"quarterly report\"", "a [quarterly -- report]!");
	expect("foo bar and foo-bar", "foo-bar", "[foo bar] and [foo-bar]");
	expect("foobar foo.bar", "foo-bar", "foobar [foo.bar]");
	expect("by anna@example.org!", "anna@example.org", "by [anna@example.org]!");
	expect("see (this) here", "\"(this)\"", "see ([this]) here");
	expect("annual reports annual", "\"annual rep\"*", "[annual rep]orts annual");
	expect("the end", "\"the end\"", "[the end]");
	expect("the end of", "\"the end of it\"", "the end of");
	extract_release(&extract);
}
END_TEST

START_TEST(what_is_denied_or_no_text_is_not_marked)
{
	extract_init(&extract);
	expect("red and blue", "red -blue", "[red] and blue");
	expect("red and blue", "NOT (red OR blue)", "red and blue");
	expect("red and blue", "is:unread OR blue", "red and [blue]");
	expect("red and blue", "*", "red and blue");
	expect("", "red", "");
	expect("red", "larger:5M", "red");
	extract_release(&extract);
}
END_TEST

START_TEST(of_hits_that_overlap_the_longest_is_marked)
{
	extract_init(&extract);
	expect("one two three", "one OR \"one two\"", "[one two] three");
	expect("one two three", "\"one two\" two three", "[one two] [three]");
	extract_release(&extract);
}
END_TEST

START_TEST(long_texts_begin_a_little_before_the_hit)
{
	char body[2000] = "";
	const char *made;
	size_t i;

	extract_init(&extract);
	for (i = 0; i < 200; i++)
		memcpy(body + 8 * i, i == 100 ? "needle  " : "stubble ", 9);
	made = snippet_of(body, "needle", 40);
	ck_assert_ptr_nonnull(strstr(made, "[needle]"));
	ck_assert(strncmp(made, "stubble ", 8) == 0);
	ck_assert_uint_le(strlen(made), 40 + 2);
	memset(body, 'x', 1500); /* no blank to begin at */
	memcpy(body + 1500, ",needle", 8);
	ck_assert_str_eq(snippet_of(body, "needle", 40), "[needle]");
	extract_release(&extract);
}
END_TEST

START_TEST(the_columns_are_never_passed)
{
	static const char wide[] = "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e a\xcc\x81\xcc\x81 "
				   "needle \xe6\x97\xa5\xe6\x9c\xac needle \xe8\xaa\x9e";
	size_t columns;

	extract_init(&extract);
	for (columns = 0; columns < 40; columns++) {
		const char *made = snippet_of(wide, "needle", columns);
		struct buf plain, again;
		size_t opened = 0, closed = 0;

		buf_init(&plain, 4096);
		buf_init(&again, 4096);
		for (; *made; made++) {
			opened += *made == '[';
			closed += *made == ']';
			ck_assert_uint_le(opened - closed, 1);
			if (*made != '[' && *made != ']')
				buf_char(&plain, *made);
		}
		ck_assert_uint_eq(opened, closed);
		ck_assert_uint_le(utf8_print(&again, buf_view(&plain), 0), columns);
		buf_release(&plain);
		buf_release(&again);
	}
	ck_assert_str_eq(snippet_of(wide, "needle", 7), "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e ");
	ck_assert_str_eq(snippet_of(wide, "needle", 5), "\xe6\x97\xa5\xe6\x9c\xac");
	extract_release(&extract);
}
END_TEST

START_TEST(nothing_reaches_a_terminal_that_must_not)
{
	const char *made;

	extract_init(&extract);
	made = snippet_of("a\x1b[31m \r\n\t\x07 b\xff\xc3 \xe2\x80\xae c needle\x9b", "needle", 70);
	ck_assert(utf8_valid(bytes_of(made)));
	for (; *made; made++)
		ck_assert((unsigned char)*made >= ' ' && *made != 0x7f);
	extract_release(&extract);
}
END_TEST

START_TEST(other_columns_serve_when_the_body_has_nothing)
{
	extract_init(&extract);
	buf_text(&extract.column[EXTRACT_FILENAME], "invoice.pdf");
	buf_text(&extract.column[EXTRACT_SUBJECT], "the invoice");
	expect("nothing here", "invoice", "[invoice].pdf");
	expect("an invoice here", "invoice", "an [invoice] here");
	expect("nothing here", "absent", "nothing here");
	extract_release(&extract);
}
END_TEST

SUITE(words_are_found_as_the_index_finds_them, phrases_stand_over_what_is_no_word,
    what_is_denied_or_no_text_is_not_marked, of_hits_that_overlap_the_longest_is_marked,
    long_texts_begin_a_little_before_the_hit, the_columns_are_never_passed,
    nothing_reaches_a_terminal_that_must_not, other_columns_serve_when_the_body_has_nothing)
