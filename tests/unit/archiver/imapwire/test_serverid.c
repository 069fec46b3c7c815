/* What a server says it is: RFC 2971 section 3.2. */
#include "archiver/imapwire/serverid.h"

#include "tests/unit/suite.h"

#include <string.h>

static char told[2048];

static const char *field(const char *list, const char *name)
{
	struct buf out;
	bool found;

	buf_init(&out, sizeof told);
	found = serverid_field(bytes_of(list), name, &out);
	snprintf(told, sizeof told, "%s", out.n ? buf_string(&out) : "");
	ck_assert(found || out.n == 0);
	buf_release(&out);
	return found ? told : NULL;
}

/* The example of the RFC, section 3.2. */
START_TEST(reads_the_example)
{
	static const char list[] =
	    "(\"name\" \"Cyrus\" \"version\" \"1.5\" \"os\" \"sunos\" "
	    "\"os-version\" \"5.5\" \"support-url\" \"mailto:x@example.org\")";

	ck_assert_str_eq(field(list, "name"), "Cyrus");
	ck_assert_str_eq(field(list, "version"), "1.5");
	ck_assert_str_eq(field(list, "NAME"), "Cyrus");
	ck_assert_str_eq(field(list, "support-url"), "mailto:x@example.org");
	ck_assert_ptr_null(field(list, "vendor"));
	ck_assert_ptr_null(field(list, "sunos"));
}
END_TEST

START_TEST(nil_is_nothing)
{
	ck_assert_ptr_null(field("NIL", "name"));
	ck_assert_ptr_null(field("", "name"));
	ck_assert_ptr_null(field("()", "name"));
	ck_assert_ptr_null(field("(\"name\" NIL \"version\" \"2\")", "name"));
	ck_assert_str_eq(field("(\"name\" nil \"version\" \"2\")", "version"), "2");
	ck_assert_str_eq(field("(\"name\" \"\")", "name"), "");
}
END_TEST

START_TEST(takes_backslashes_and_blanks)
{
	ck_assert_str_eq(field("( \"name\"  \"a \\\"b\\\\\" )", "name"), "a \"b\\");
	ck_assert_str_eq(field("(\"version\"\"3\")", "version"), "3");
}
END_TEST

START_TEST(believes_nothing_behind_what_it_cannot_read)
{
	ck_assert_ptr_null(field("(name \"x\")", "name"));
	ck_assert_ptr_null(field("(\"os\" linux \"name\" \"x\")", "name"));
	ck_assert_ptr_null(field("(\"name\" \"x", "name"));
	ck_assert_ptr_null(field("(\"name\" \"x\\", "name"));
	ck_assert_ptr_null(field("(\"name\"", "name"));
}
END_TEST

START_TEST(has_an_end)
{
	static char list[3000];

	memset(list, 'x', sizeof list - 1);
	memcpy(list, "(\"name\" \"", 9);
	memcpy(list + sizeof list - 3, "\")", 2);
	ck_assert_ptr_null(field(list, "name"));
}
END_TEST

SUITE(reads_the_example, nil_is_nothing, takes_backslashes_and_blanks,
    believes_nothing_behind_what_it_cannot_read, has_an_end)
