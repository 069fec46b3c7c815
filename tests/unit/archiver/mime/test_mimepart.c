#include "tests/unit/suite.h"

#include "archiver/mime/mimepart.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <string.h>

static struct mimepart parsed(const char *header)
{
	struct mimepart part;

	mimepart_read(&part, bytes_of(header), false);
	return part;
}

static void expect_type(const char *header, const char *type)
{
	struct mimepart part = parsed(header);

	ck_assert_str_eq(part.type, type);
	mimepart_release(&part);
}

/* RFC 2045 5.2: without a type, or with one that cannot be read, it is plain text. */
START_TEST(types_and_their_defaults)
{
	expect_type("", "text/plain");
	expect_type("Content-Type: TEXT/Html; charset=x\n", "text/html");
	expect_type("content-type:\n image/png\n", "image/png");
	expect_type("Content-Type: text /plain\n", "text/plain");
	expect_type("Content-Type: text\n", "text/plain");
	expect_type("Content-Type:\n", "text/plain");
	expect_type("Content-Type: text; name=\"a/b\"\n", "text/plain");
	expect_type("Content-Type: /\n", "application/octet-stream");
	expect_type("Content-Type: a/b\nContent-Type: c/d\n", "a/b");
	expect_type("X-Content-Type: a/b\n", "text/plain");
}
END_TEST

START_TEST(a_type_is_never_long_or_strange)
{
	char *much = mem_alloc(5001), *header;

	memset(much, 'x', 5000);
	much[5000] = '\0';
	header = mem_format("Content-Type: text/%s\n", much);
	expect_type(header, "application/octet-stream");
	free(header);
	header = mem_format("Content-Type: text/plain; %s\n", much);
	expect_type(header, "text/plain");
	free(header);
	free(much);
	expect_type("Content-Type: \xe4/\xe4\n", "application/octet-stream");
}
END_TEST

START_TEST(kinds_of_parts)
{
	struct mimepart part = parsed("Content-Type: Multipart/Mixed; boundary=\"a b\"\n");

	ck_assert(mimepart_is_multipart(&part) && !mimepart_is_text(&part));
	ck_assert_str_eq(part.boundary, "a b");
	mimepart_release(&part);
	part = parsed("Content-Type: message/rfc822\n");
	ck_assert(mimepart_is_message(&part) && !mimepart_is_text(&part));
	mimepart_release(&part);
	part = parsed("Content-Type: message/global\n");
	ck_assert(mimepart_is_message(&part));
	mimepart_release(&part);
	part = parsed("Content-Type: message/delivery-status\n");
	ck_assert(!mimepart_is_message(&part));
	mimepart_release(&part);
	part = parsed("");
	ck_assert(mimepart_is_text(&part) && !part.boundary && !part.has_fields);
	mimepart_release(&part);
}
END_TEST

/* RFC 2046 5.1.5 */
START_TEST(a_child_of_a_digest_is_a_message)
{
	struct mimepart part;

	mimepart_read(&part, BYTES(""), true);
	ck_assert_str_eq(part.type, "message/rfc822");
	mimepart_release(&part);
	mimepart_read(&part, BYTES("Content-Type: text/html\n"), true);
	ck_assert_str_eq(part.type, "text/html");
	mimepart_release(&part);
}
END_TEST

static void expect_name(const char *header, const char *name)
{
	struct mimepart part = parsed(header);

	if (name)
		ck_assert_ptr_nonnull(part.name);
	if (name)
		ck_assert_str_eq(part.name, name);
	else
		ck_assert_ptr_null(part.name);
	mimepart_release(&part);
}

#define FILE_NAME(value) "Content-Disposition: attachment; filename" value "\n"

/* The three examples are those of RFC 2231, sections 3 and 4.1. */
START_TEST(names_in_all_writings)
{
	expect_name(FILE_NAME("=a.pdf"), "a.pdf");
	expect_name(FILE_NAME("=\"a \\\"b\\\".pdf\""), "a \"b\".pdf");
	expect_name("Content-Type: a/b; name*0=\"one \"; name*1=\"two\"\n", "one two");
	expect_name("Content-Type: a/b; name*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A\n",
	    "This is ***fun***");
	expect_name("Content-Type: a/b;\n name*0*=us-ascii'en'This%20is%20even%20more%20;\n"
		    " name*1*=%2A%2A%2Afun%2A%2A%2A%20;\n name*2=\"isn't it!\"\n",
	    "This is even more ***fun*** isn't it!");
	expect_name(FILE_NAME("*=utf-8''%e2%82%ac.txt"), "\xe2\x82\xac.txt");
	expect_name(FILE_NAME("*=iso-8859-1''%E4.txt"), "\xc3\xa4.txt");
	expect_name(FILE_NAME("=\"=?utf-8?Q?=C3=A4?=.txt\""), "\xc3\xa4.txt");
	expect_name(FILE_NAME("=\"=?nonsense?Q?=E4?=.txt\""), "\xc3\xa4.txt");
	expect_name(FILE_NAME("=\"\xe4.txt\""), "\xc3\xa4.txt");
	expect_name(FILE_NAME("=\"\xc3\xa4.txt\""), "\xc3\xa4.txt");
	expect_name("Content-Type: a/b; name=t\nContent-Disposition: inline; filename=d\n", "d");
	expect_name("Content-Type: a/b; name=t\nContent-Disposition: inline\n", "t");
	expect_name("Content-Type: a/b\n", NULL);
	/* against RFC 2047 section 5, from many mailers; each word padded */
	expect_name(FILE_NAME("=\"=?UTF-8?B?SGVsbG8=?= =?UTF-8?B?IGludm9pY2U=?=.pdf\""),
	    "Hello invoice.pdf");
}
END_TEST

START_TEST(names_lead_nowhere)
{
	expect_name(FILE_NAME("=\"/etc/passwd\""), "passwd");
	expect_name(FILE_NAME("=\"..\\\\..\\\\x.exe\""), "x.exe");
	expect_name(FILE_NAME("*=utf-8''..%2f..%5cx"), "x");
	expect_name(FILE_NAME("=\"..\""), NULL);
	expect_name(FILE_NAME("=\".\""), NULL);
	expect_name(FILE_NAME("=\"a/\""), NULL);
	expect_name(FILE_NAME("=\"\""), NULL);
	expect_name(FILE_NAME("=\".profile\""), ".profile");
	expect_name(FILE_NAME("*=utf-8''a%00b%0ac%1b%7f.txt"), "a");
	expect_name(FILE_NAME("*=utf-8''a%0ac%1b%7f.txt"), "a c  .txt");
	/* right-to-left override, as in "annexe<RLO>gpj.exe" */
	expect_name(FILE_NAME("*=utf-8''annexe%e2%80%aegpj.exe"), "annexegpj.exe");
}
END_TEST

START_TEST(names_fit_a_file_system)
{
	char *much = mem_alloc(1001), *header;
	struct mimepart part;

	for (size_t i = 0; i < 1000; i += 2)
		memcpy(much + i, "\xc3\xa4", 2);
	much[1000] = '\0';
	header = mem_format("Content-Disposition: attachment; filename=\"%s\"\n", much);
	part = parsed(header);
	ck_assert_uint_eq(strlen(part.name), 254);
	ck_assert(utf8_valid(bytes_of(part.name)));
	mimepart_release(&part);
	free(header);
	free(much);
}
END_TEST

static void expect_encoding(const char *value, enum mimepart_encoding encoding)
{
	char *header = mem_format("Content-Transfer-Encoding: %s\n", value);
	struct mimepart part = parsed(header);

	ck_assert_int_eq(part.encoding, encoding);
	mimepart_release(&part);
	free(header);
}

START_TEST(transfer_encodings)
{
	expect_encoding("7bit", MIMEPART_IDENTITY);
	expect_encoding("BASE64", MIMEPART_BASE64);
	expect_encoding("\n base64 (of course)", MIMEPART_BASE64);
	expect_encoding("Quoted-Printable", MIMEPART_QUOTED_PRINTABLE);
	expect_encoding("x-uuencode", MIMEPART_UUENCODE);
	expect_encoding("x-secret", MIMEPART_IDENTITY);
	expect_encoding("", MIMEPART_IDENTITY);
}
END_TEST

START_TEST(what_else_is_seen)
{
	struct mimepart part = parsed("Content-Type: text/plain; charset=\"UTF-8\n"
				      "Content-Disposition: ATTACHMENT\nContent-ID: <a>\n");

	ck_assert_str_eq(part.charset, "UTF-8");
	ck_assert(part.is_attachment && part.has_content_id && part.has_fields);
	mimepart_release(&part);
	part = parsed("Content-Type: text/plain; charset='koi8-r'\nContent-Disposition: inline\n");
	ck_assert_str_eq(part.charset, "koi8-r");
	ck_assert(!part.is_attachment && !part.has_content_id);
	mimepart_release(&part);
	part = parsed("Content-Type: text/plain; charset=\"\"\n");
	ck_assert_ptr_null(part.charset);
	mimepart_release(&part);
}
END_TEST

START_TEST(the_header_may_end_before_its_bytes_do)
{
	struct mimepart part = parsed("A: b\rContent-Type: a/b\r\rbody");

	ck_assert_str_eq(part.type, "a/b");
	ck_assert_uint_eq(part.body_start, strlen("A: b\rContent-Type: a/b\r\r"));
	mimepart_release(&part);
}
END_TEST

SUITE(types_and_their_defaults, a_type_is_never_long_or_strange, kinds_of_parts,
    a_child_of_a_digest_is_a_message, names_in_all_writings, names_lead_nowhere,
    names_fit_a_file_system, transfer_encodings, what_else_is_seen,
    the_header_may_end_before_its_bytes_do)
