/* Arguments of commands: RFC 9051 section 9 (astring, literal), RFC 7888. */
#include "archiver/imapwire/imapcommand.h"

#include "archiver/imapwire/response.h"
#include "tests/unit/suite.h"

#include <string.h>

static struct buf out;

static const char *astring(struct bytes text)
{
	buf_release(&out);
	buf_init(&out, 1 << 16);
	OK(imapcommand_astring(&out, text, err));
	return buf_string(&out);
}

START_TEST(writes_atoms_bare)
{
	static const char *const bare[] = {"INBOX", "Archive/2019", "INBOX.Sent", "&ZeVnLIqe-",
	    "[Gmail", "a+b", "x'y", "#shared", "~peter", "100", "a}b", "a&-b", "$x|y;z", "nilly"};

	for (size_t i = 0; i < sizeof bare / sizeof *bare; i++)
		ck_assert_str_eq(astring(bytes_of(bare[i])), bare[i]);
}
END_TEST

START_TEST(quotes_everything_else)
{
	static const char *const cases[][2] = {
	    {"", "\"\""},
	    {"two words", "\"two words\""},
	    {"[Gmail]/All Mail", "\"[Gmail]/All Mail\""},
	    {"a\"b", "\"a\\\"b\""},
	    {"a\\b", "\"a\\\\b\""},
	    {"\\\"", "\"\\\\\\\"\""},
	    {"a(b", "\"a(b\""},
	    {"a)b", "\"a)b\""},
	    {"a{5}", "\"a{5}\""},
	    {"100%", "\"100%\""},
	    {"*", "\"*\""},
	    {"a]", "\"a]\""},
	    {"tab\there", "\"tab\there\""},
	    {"del\x7f", "\"del\x7f\""},
	    {"nil", "\"nil\""},
	    {"NIL", "\"NIL\""},
	    {"Entw\xc3\xbcrfe", "\"Entw\xc3\xbcrfe\""},
	    {"\xff", "\"\xff\""},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ck_assert_str_eq(astring(bytes_of(cases[i][0])), cases[i][1]);
}
END_TEST

START_TEST(refuses_what_could_begin_a_command)
{
	buf_release(&out);
	buf_init(&out, 1 << 16);
	buf_text(&out, "CREATE ");
	FAILS(ERR_PROTOCOL, imapcommand_astring(&out, BYTES("a\r\nb DELETE INBOX"), err));
	FAILS(ERR_PROTOCOL, imapcommand_astring(&out, BYTES("a\n"), err));
	FAILS(ERR_PROTOCOL, imapcommand_astring(&out, BYTES("\r"), err));
	FAILS(ERR_PROTOCOL, imapcommand_astring(&out, (struct bytes){"a\0b", 3}, err));
	ck_assert_str_eq(buf_string(&out), "CREATE ");
}
END_TEST

START_TEST(refuses_names_that_are_too_long)
{
	char name[1001];

	memset(name, 'a', sizeof name);
	ck_assert_uint_eq(strlen(astring((struct bytes){name, 1000})), 1000);
	FAILS(ERR_LIMIT, imapcommand_astring(&out, (struct bytes){name, 1001}, err));
	ck_assert_uint_eq(out.n, 1000);
}
END_TEST

/* Any name that a server can be told comes back the same when the server says it. */
START_TEST(the_reader_understands_it)
{
	struct response_text text;
	struct response response;

	response_text_init(&text);
	for (int c = 1; c < 256; c++) {
		char name[] = {'a', (char)c, 'b', (char)c};

		if (c == '\r' || c == '\n')
			continue;
		astring((struct bytes){name, sizeof name});
		response_text_clear(&text);
		buf_text(&text.text, "* STATUS ");
		buf_bytes(&text.text, buf_view(&out));
		buf_text(&text.text, " (MESSAGES 1)");
		OK(response_parse(&text, &response, err));
		ck_assert(bytes_equal(response.status.name, (struct bytes){name, sizeof name}));
	}
	response_text_release(&text);
}
END_TEST

START_TEST(writes_literals)
{
	buf_release(&out);
	buf_init(&out, 1 << 16);
	imapcommand_literal(&out, 310, false);
	imapcommand_literal(&out, 0, true);
	imapcommand_literal(&out, UINT64_MAX, true);
	ck_assert_str_eq(buf_string(&out), "{310}\r\n{0+}\r\n{18446744073709551615+}\r\n");
}
END_TEST

SUITE(writes_atoms_bare, quotes_everything_else, refuses_what_could_begin_a_command,
    refuses_names_that_are_too_long, the_reader_understands_it, writes_literals)
