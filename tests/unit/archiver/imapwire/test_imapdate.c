/* INTERNALDATE: RFC 9051 section 9 (date-time). The moments are those of date(1):
 * date -ud "7 Feb 1994 22:43:04 -0800" +%s */
#include "archiver/imapwire/imapdate.h"

#include "tests/unit/suite.h"

#include <string.h>

START_TEST(reads_dates)
{
	static const struct {
		const char *text;
		int64_t time_unix;
	} cases[] = {
	    {" 7-Feb-1994 22:43:04 -0800", 760689784},
	    {"07-Feb-1994 22:43:04 -0800", 760689784},
	    {"7-Feb-1994 22:43:04 -0800", 760689784}, /* one digit */
	    {" 7-FEB-1994 22:43:04 -0800", 760689784},
	    {" 7-feb-1994  22:43:04 -0800", 760689784},
	    {"17-Jul-1996 02:44:25 -0700", 837596665}, /* RFC 9051 section 8 */
	    {"01-Jan-1970 00:00:00 +0000", 0},
	    {"31-Dec-1969 23:59:59 +0000", -1},
	    {"01-Jan-1900 00:00:00 +0000", -2208988800},
	    {"31-Dec-9999 23:59:59 +0000", 253402300799},
	    {"29-Feb-2024 12:00:00 +0530", 1709188200},
	    {"05-Jan-2024 06:07:08 +0900", 1704402428},
	    {"05-Jan-2024 06:07:08", 1704434828}, /* no zone: UTC */
	    {"05-Jan-2024 06:07:08 ", 1704434828},
	    {"19-Jan-2038 03:14:08 +0000", 2147483648},
	    {"30-Jun-2015 23:59:60 +0000", 1435708799}, /* a leap second */
	    {"01-Jan-2000 00:00:00 -2359", 946771140},
	};
	int64_t got;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		ck_assert_msg(imapdate_parse(bytes_of(cases[i].text), &got), "%s", cases[i].text);
		ck_assert_msg(got == cases[i].time_unix, "%s: %lld", cases[i].text, (long long)got);
	}
}
END_TEST

START_TEST(refuses_what_is_no_date)
{
	static const char *const wrong[] = {"", " ", "-", "30-Feb-2024 00:00:00 +0000",
	    "29-Feb-2023 00:00:00 +0000", "00-Jan-2024 00:00:00 +0000",
	    "32-Jan-2024 00:00:00 +0000", "007-Feb-1994 22:43:04 -0800", "7-Feb-94 22:43:04 -0800",
	    "7-Feb-19940 22:43:04 -0800", "7 Feb 1994 22:43:04 -0800",
	    "Mon, 7 Feb 1994 22:43:04 -0800", "7-Foo-1994 22:43:04 -0800",
	    "7-February-1994 22:43:04 -0800", "07-Feb-1994 24:00:00 +0000",
	    "07-Feb-1994 22:60:04 -0800", "07-Feb-1994 22:43:61 -0800", "07-Feb-1994 22:43 -0800",
	    "07-Feb-1994 2:43:04 -0800", "07-Feb-1994 22:43:04 0800", "07-Feb-1994 22:43:04 -800",
	    "07-Feb-1994 22:43:04 -08000", "07-Feb-1994 22:43:04 -0860",
	    "07-Feb-1994 22:43:04 +2400", "07-Feb-1994 22:43:04 PST",
	    "07-Feb-1994 22:43:04 -0800 (PST)", "07-Feb-1994", "31-Dec-1899 23:59:59 +0000",
	    "07-Feb-1994T22:43:04", "NIL", "07-Fe", "\0377-Feb-1994 22:43:04 -0800",
	    "-Feb-1994 22:43:04 -0800", "7--1994 22:43:04 -0800", "7-Feb- 22:43:04 -0800",
	    "7-Feb-1994 :43:04 -0800", "7-Feb-199422:43:04 -0800"};
	int64_t got = 4711;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		ck_assert_msg(!imapdate_parse(bytes_of(wrong[i]), &got), "%s", wrong[i]);
	ck_assert_int_eq(got, 4711);
}
END_TEST

START_TEST(writes_dates_in_utc)
{
	char text[IMAPDATE_BYTES];

	imapdate_format(760689784, text);
	ck_assert_str_eq(text, " 8-Feb-1994 06:43:04 +0000");
	ck_assert_uint_eq(strlen(text), IMAPDATE_BYTES - 1);
	imapdate_format(0, text);
	ck_assert_str_eq(text, " 1-Jan-1970 00:00:00 +0000");
	imapdate_format(1709188200, text);
	ck_assert_str_eq(text, "29-Feb-2024 06:30:00 +0000");
	imapdate_format(-1, text);
	ck_assert_str_eq(text, "31-Dec-1969 23:59:59 +0000");
}
END_TEST

START_TEST(keeps_to_years_that_have_four_digits)
{
	char text[IMAPDATE_BYTES];

	imapdate_format(INT64_MIN, text);
	ck_assert_str_eq(text, " 1-Jan-1900 00:00:00 +0000");
	imapdate_format(INT64_MAX, text);
	ck_assert_str_eq(text, "31-Dec-9999 23:59:59 +0000");
	imapdate_format(253402300800, text);
	ck_assert_str_eq(text, "31-Dec-9999 23:59:59 +0000");
}
END_TEST

START_TEST(reads_what_it_writes)
{
	char text[IMAPDATE_BYTES];
	int64_t got;

	for (int64_t t = -2208988800; t < 253402300799; t += 86400 * 37 + 12345) {
		imapdate_format(t, text);
		ck_assert(imapdate_parse(bytes_of(text), &got));
		ck_assert_int_eq(got, t);
	}
}
END_TEST

/* The zone and the language of the machine change nothing. */
START_TEST(does_not_ask_the_machine)
{
	char text[IMAPDATE_BYTES];
	int64_t got;

	setenv("TZ", "Asia/Tokyo", 1);
	tzset();
	imapdate_format(760689784, text);
	ck_assert_str_eq(text, " 8-Feb-1994 06:43:04 +0000");
	ck_assert(imapdate_parse(BYTES("05-Jan-2024 06:07:08"), &got));
	ck_assert_int_eq(got, 1704434828);
}
END_TEST

SUITE(reads_dates, refuses_what_is_no_date, writes_dates_in_utc,
    keeps_to_years_that_have_four_digits, reads_what_it_writes, does_not_ask_the_machine)
