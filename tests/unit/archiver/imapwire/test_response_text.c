/* Putting a response together: where literals are, and where they are not. */
#include "tests/unit/archiver/imapwire/hearing.h"

static struct response_text text;

static void start(void)
{
	response_text_release(&text);
	response_text_init(&text);
}

/* What response_text_line says to a first line. */
static int line(const char *first, struct err *err)
{
	start();
	return response_text_line(&text, bytes_of(first), err);
}

START_TEST(takes_a_line)
{
	struct err why = {0};

	ck_assert_int_eq(line("* 5 EXISTS", &why), 1);
	ck_assert_str_eq(buf_string(&text.text), "* 5 EXISTS");
	ck_assert_uint_eq(text.literal_count, 0);
	ck_assert(!response_text_is_body(&text));
}
END_TEST

START_TEST(keeps_a_small_literal_in_place)
{
	struct err why = {0};

	ck_assert_int_eq(line("* LIST () \"/\" {5}", &why), 0);
	ck_assert_uint_eq(text.pending_bytes, 5);
	ck_assert(!response_text_is_body(&text));
	OK(response_text_literal(&text, BYTES("ab"), err));
	ck_assert_uint_eq(text.pending_bytes, 3);
	OK(response_text_literal(&text, BYTES("c\r\n"), err));
	ck_assert_uint_eq(text.pending_bytes, 0);
	ck_assert_int_eq(response_text_line(&text, BYTES(" (\"X\" ())"), &why), 1);
	ck_assert_str_eq(buf_string(&text.text), "* LIST () \"/\" abc\r\n (\"X\" ())");
	ck_assert_uint_eq(text.literal_count, 1);
	ck_assert_uint_eq(text.literal[0].at, 14);
	ck_assert_uint_eq(text.literal[0].bytes, 5);
	ck_assert(!text.literal[0].streamed);
}
END_TEST

START_TEST(remembers_the_place_of_a_streamed_literal)
{
	struct err why = {0};

	ck_assert_int_eq(line("* 1 FETCH (BODY[] {9000000000}", &why), 0);
	ck_assert(response_text_is_body(&text));
	ck_assert_uint_eq(text.pending_bytes, 9000000000);
	response_text_streamed(&text);
	ck_assert_uint_eq(text.pending_bytes, 0);
	ck_assert_int_eq(response_text_line(&text, BYTES(" UID 7)"), &why), 1);
	ck_assert_str_eq(buf_string(&text.text), "* 1 FETCH (BODY[]  UID 7)");
	ck_assert(text.literal[0].streamed);
	ck_assert_uint_eq(text.literal[0].at, 18);
	ck_assert_uint_eq(text.literal[0].bytes, 9000000000);
}
END_TEST

START_TEST(sees_every_form_of_announcement)
{
	static const char *const forms[] = {"* 1 FETCH (BODY[] {12}", "* 1 FETCH (BODY[] {12+}",
	    "* 1 FETCH (BODY[] ~{12}", "* 1 FETCH (BODY[]{12}", "* 1 FETCH (BODY[] {00012}",
	    "* 1 fetch (X \"a}\" Y ({12}", "* 1 FETCH (X \"a\\\"b\" Y {12}", "* LIST () NIL {12}",
	    "* XYZZY {12}", "* LIST () \"\\\\\" {12}", "* ID (\"name\" {12}"};
	struct err why = {0};

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		ck_assert_msg(line(forms[i], &why) == 0, "%s", forms[i]);
		ck_assert_uint_eq(text.pending_bytes, 12);
		ck_assert_msg(!strchr(buf_string(&text.text), '{'), "%s", forms[i]);
		ck_assert_msg(!strchr(buf_string(&text.text), '~'), "%s", forms[i]);
	}
}
END_TEST

/* RFC 9051: human text may hold any character. */
START_TEST(sees_no_literal_in_human_text)
{
	static const char *const lines[] = {"* OK Welcome {5}", "* NO no such folder x{5}",
	    "* BAD {5}", "* BYE see you {5}", "* PREAUTH {5}", "* ok [ALERT] {5}", "a1 OK done {5}",
	    "a1 NO [TRYCREATE] {5}", "+ go ahead {5}", "+{5}", "* [ALERT] {5}",
	    "[COPYUID 1 2 3] {5}", "*  OK {5}", "}", "{5}", "* LIST () \"/\" a{b}",
	    "* LIST () \"/\" a}", "* LIST () \"/\" {}", "* LIST () \"/\" {+}",
	    "* LIST () \"/\" {5 }", "* LIST () \"/\" \"{5}\"", "* 1 FETCH (X {5} "};
	struct err why = {0};

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		ck_assert_msg(line(lines[i], &why) == 1, "%s", lines[i]);
		ck_assert_str_eq(buf_string(&text.text), lines[i]);
	}
}
END_TEST

/* If one of these were taken for the end of a response, the message behind it would be heard
 * as if the server spoke. */
START_TEST(never_takes_a_message_for_lines)
{
	static const char *const lines[] = {"* 1 FETCH (BODY[] {9.3736e+06}",
	    "* 1 FETCH (BODY[] {-1}", "* 1 FETCH (BODY[] {}", "* 1 FETCH (BODY[] { 12}",
	    "* 1 FETCH (BODY[] {12++}", "* 1 FETCH (BODY[] {+12}", "* 1 FETCH (BODY[] \"{12}",
	    "* 1 FETCH (X \"a\\\" BODY[] {12}", "* LIST () \"/\" \"a{12}"};

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		FAILS(ERR_PROTOCOL, line(lines[i], err));
	FAILS(ERR_LIMIT, line("* 1 FETCH (BODY[] {99999999999999999999}", err));
	FAILS(ERR_LIMIT, line("* 1 FETCH (BODY[] {9223372036854775808}", err));
	FAILS(ERR_LIMIT, line("* 1 FETCH (BODY[] {18446744073709551616}", err));
	ck_assert_int_eq(line("* 1 FETCH (BODY[] {9223372036854775807}", NULL), 0);
}
END_TEST

START_TEST(knows_the_text_of_a_message)
{
	static const char *const bodies[] = {"* 1 FETCH (BODY[] {3}", "* 1 FETCH (UID 7 BODY[] {3}",
	    "* 1 FETCH (UID 7 body[]  {3}", "* 1 FETCH (RFC822 {3}", "* 1 FETCH (BODY[]{3}",
	    "* 1 FETCH (UID 7 (BODY[] {3}", "* 0 FETCH (BODY[] ~{3}"};
	static const char *const others[] = {"* 1 FETCH (BODY[TEXT] {3}",
	    "* 1 FETCH (BODY[]<0> {3}", "* 1 FETCH (BODY[1] {3}", "* 1 FETCH (BODY[HEADER] {3}",
	    "* 1 FETCH (RFC822.HEADER {3}", "* 1 FETCH (RFC822.TEXT {3}", "* 1 FETCH (XBODY[] {3}",
	    "* 1 FETCH (BODY [] {3}", "* 1 FETCH (BINARY[] {3}", "* LIST BODY[] {3}",
	    "* STATUS BODY[] {3}", "* 1 STORE (BODY[] {3}", "* X FETCH (BODY[] {3}",
	    "* 1 FETCH {3}"};
	struct err why = {0};

	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		ck_assert_int_eq(line(bodies[i], &why), 0);
		ck_assert_msg(response_text_is_body(&text), "%s", bodies[i]);
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		ck_assert_int_eq(line(others[i], &why), 0);
		ck_assert_msg(!response_text_is_body(&text), "%s", others[i]);
	}
}
END_TEST

/* The words "BODY[]" must come from the server, not from a literal. */
START_TEST(a_literal_cannot_make_another_one_a_body)
{
	struct err why = {0};

	ck_assert_int_eq(line("* 1 FETCH (BODY[HEADER] {7}", &why), 0);
	OK(response_text_literal(&text, BYTES(" BODY[]"), err));
	ck_assert_int_eq(response_text_line(&text, BYTES("{3}"), &why), 0);
	ck_assert(!response_text_is_body(&text));
	OK(response_text_literal(&text, BYTES("abc"), err));
	ck_assert_int_eq(response_text_line(&text, BYTES(" BODY[] {3}"), &why), 0);
	ck_assert(response_text_is_body(&text));
	response_text_streamed(&text);
	ck_assert_int_eq(response_text_line(&text, BYTES("{3}"), &why), 0);
	ck_assert(!response_text_is_body(&text));
}
END_TEST

START_TEST(takes_literals_of_no_bytes)
{
	struct err why = {0};

	ck_assert_int_eq(line("* 1 FETCH (BODY[] {0}", &why), 0);
	ck_assert(response_text_is_body(&text));
	response_text_streamed(&text);
	ck_assert_int_eq(response_text_line(&text, BYTES(" X {0}"), &why), 0);
	OK(response_text_literal(&text, BYTES(""), err));
	ck_assert_int_eq(response_text_line(&text, BYTES(" Y {0}"), &why), 0);
	ck_assert_int_eq(response_text_line(&text, BYTES(")"), &why), 1);
	ck_assert_uint_eq(text.literal_count, 3);
}
END_TEST

START_TEST(notices_a_caller_that_lost_count)
{
	struct err why = {0};

	ck_assert_int_eq(line("* LIST () \"/\" {5}", &why), 0);
	FAILS(ERR_BUG, response_text_line(&text, BYTES("x"), err));
	FAILS(ERR_BUG, response_text_literal(&text, BYTES("123456"), err));
	FAILS(ERR_BUG, response_parse(&text, &heard, err));
	OK(response_text_literal(&text, BYTES("12345"), err));
	FAILS(ERR_BUG, response_text_literal(&text, BYTES("6"), err));
	start();
	FAILS(ERR_BUG, response_text_literal(&text, BYTES(""), err));
	response_text_streamed(&text);
	ck_assert(!response_text_is_body(&text));
}
END_TEST

static int long_line(const char *begin, size_t bytes, struct err *err)
{
	struct buf all;
	int result;

	start();
	buf_init(&all, 64 << 20);
	buf_text(&all, begin);
	while (all.n < bytes)
		buf_char(&all, '1');
	result = response_text_line(&text, buf_view(&all), err);
	buf_release(&all);
	return result;
}

START_TEST(limits_a_line)
{
	struct err why = {0};

	ck_assert_int_eq(long_line("* LIST () NIL ", RESPONSE_LINE_BYTES, &why), 1);
	FAILS(ERR_LIMIT, long_line("* LIST () NIL ", RESPONSE_LINE_BYTES + 1, err));
	FAILS(ERR_LIMIT, long_line("a1 OK ", RESPONSE_LINE_BYTES + 1, err));
}
END_TEST

/* RFC 7162 section 3.2.5.2 shows a VANISHED of 10,000 ranges. */
START_TEST(lets_a_set_be_long)
{
	struct err why = {0};

	ck_assert_int_eq(long_line("* VANISHED (EARLIER) ", RESPONSE_LINE_BYTES + 1, &why), 1);
	ck_assert_int_eq(long_line("* search ", RESPONSE_SET_BYTES, &why), 1);
	ck_assert_int_eq(long_line("* ESEARCH (TAG \"a\") UID ALL ", 1 << 20, &why), 1);
	FAILS(ERR_LIMIT, long_line("* SEARCH ", RESPONSE_SET_BYTES + 1, err));
	FAILS(ERR_LIMIT, long_line("* SEARCHES ", RESPONSE_LINE_BYTES + 1, err));
	FAILS(ERR_LIMIT, long_line("SEARCH ", RESPONSE_LINE_BYTES + 1, err));
}
END_TEST

START_TEST(limits_a_literal_that_is_kept)
{
	static char data[RESPONSE_LITERAL_BYTES + 1];
	struct err why = {0};

	ck_assert_int_eq(line("* 1 FETCH (BODY[HEADER] {65536}", &why), 0);
	OK(response_text_literal(&text, (struct bytes){data, 65536}, err));
	ck_assert_int_eq(line("* 1 FETCH (BODY[HEADER] {65537}", &why), 0);
	FAILS(ERR_LIMIT, response_text_literal(&text, (struct bytes){data, 1}, err));
	response_text_streamed(&text); /* the way out */
	ck_assert_int_eq(response_text_line(&text, BYTES(" UID 7)"), &why), 1);
}
END_TEST

START_TEST(limits_the_number_of_literals)
{
	struct err why = {0};

	ck_assert_int_eq(line("* X {0}", &why), 0);
	for (int i = 1; i < RESPONSE_LITERALS; i++)
		ck_assert_int_eq(response_text_line(&text, BYTES(" {0}"), &why), 0);
	FAILS(ERR_LIMIT, response_text_line(&text, BYTES(" {0}"), err));
}
END_TEST

START_TEST(limits_the_whole)
{
	static char data[RESPONSE_LITERAL_BYTES];
	struct err why = {0};
	size_t literals = 0;
	int result = 0;

	ck_assert_int_eq(line("* X {60000}", &why), 0);
	while (result == 0) {
		result = response_text_literal(&text, (struct bytes){data, 60000}, &why);
		if (result == 0)
			result = response_text_line(&text, BYTES(" {60000}"), &why);
		literals++;
	}
	ck_assert_int_eq(why.code, ERR_LIMIT);
	ck_assert_uint_eq(literals, RESPONSE_BYTES / 60000 + 1);
	ck_assert_uint_le(text.text.n, RESPONSE_BYTES);
	for (literals = 0, result = line("* X {0}", &why); result == 0; literals++) {
		memset(data, ' ', sizeof data);
		memcpy(data + sizeof data - 3, "{0}", 3);
		result = response_text_line(&text, (struct bytes){data, sizeof data}, &why);
	}
	ck_assert_int_eq(why.code, ERR_LIMIT);
	ck_assert_uint_eq(literals, RESPONSE_BYTES / (sizeof data - 3) + 1);
	ck_assert_uint_le(text.text.n, RESPONSE_BYTES);
}
END_TEST

/* A caller that finds out halfway that it does not want the rest. */
START_TEST(a_part_that_was_kept_goes_with_the_rest)
{
	struct err why = {0};

	ck_assert_int_eq(line("* 1 FETCH (BODY[HEADER] {5}", &why), 0);
	OK(response_text_literal(&text, BYTES("ab"), err));
	response_text_streamed(&text);
	ck_assert_int_eq(response_text_line(&text, BYTES(" UID 7)"), &why), 1);
	ck_assert_str_eq(buf_string(&text.text), "* 1 FETCH (BODY[HEADER]  UID 7)");
}
END_TEST

START_TEST(keeps_its_memory_when_cleared)
{
	struct err why = {0};
	const char *before;

	ck_assert_int_eq(line("* 1 FETCH (UID 7 BODY[] {3}", &why), 0);
	before = text.text.p;
	response_text_clear(&text);
	ck_assert_uint_eq(text.literal_count, 0);
	ck_assert_uint_eq(text.pending_bytes, 0);
	ck_assert_int_eq(response_text_line(&text, BYTES("* 1 FETCH (UID 7)"), &why), 1);
	ck_assert_ptr_eq(text.text.p, before);
	ck_assert_str_eq(buf_string(&text.text), "* 1 FETCH (UID 7)");
}
END_TEST

SUITE(takes_a_line, keeps_a_small_literal_in_place, remembers_the_place_of_a_streamed_literal,
    sees_every_form_of_announcement, sees_no_literal_in_human_text, never_takes_a_message_for_lines,
    knows_the_text_of_a_message, a_literal_cannot_make_another_one_a_body,
    takes_literals_of_no_bytes, notices_a_caller_that_lost_count, limits_a_line, lets_a_set_be_long,
    limits_a_literal_that_is_kept, limits_the_number_of_literals, limits_the_whole,
    a_part_that_was_kept_goes_with_the_rest, keeps_its_memory_when_cleared)
