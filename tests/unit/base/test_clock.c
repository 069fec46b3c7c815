/* base/clock.c. Times of known dates are those of date(1): date -u -d '2019-03-05 08:09:10' +%s. */
#include "base/clock.h"

#include "../suite.h"

#include <string.h>
#include <time.h>

static void check_iso(int64_t time_unix, const char *expected)
{
	char text[CLOCK_ISO_BYTES];

	clock_iso(time_unix, text);
	ck_assert_str_eq(text, expected);
}

static void use_zone(const char *name)
{
	setenv("TZ", name, 1);
	tzset();
}

START_TEST(writes_iso_dates)
{
	check_iso(0, "1970-01-01T00:00:00Z");
	check_iso(1551773350, "2019-03-05T08:09:10Z");
	check_iso(-1, "1969-12-31T23:59:59Z");
	check_iso(951782400, "2000-02-29T00:00:00Z");
	check_iso(253402300799, "9999-12-31T23:59:59Z");
	check_iso(253402300800, "-");
}
END_TEST

/* ISO 8601 has four digits in every year. */
START_TEST(fills_years_with_zeros)
{
	check_iso(-62135596800, "0001-01-01T00:00:00Z");
	check_iso(-61125408000, "0033-01-05T00:00:00Z");
	check_iso(-30641760000, "0999-01-01T00:00:00Z");
	check_iso(-62167219200, "0000-01-01T00:00:00Z");
	check_iso(-62167219201, "-");
}
END_TEST

START_TEST(has_a_dash_for_what_is_no_date)
{
	check_iso(INT64_MAX, "-");
	check_iso(INT64_MIN, "-");
	check_iso(67767976233532799, "-");
	check_iso(67768040609740800, "-");
}
END_TEST

START_TEST(writes_local_dates)
{
	char text[CLOCK_ISO_BYTES];

	use_zone("Europe/Berlin");
	clock_local(1551773350, text);
	ck_assert_str_eq(text, "2019-03-05 09:09");
	clock_local(1562314150, text);
	ck_assert_str_eq(text, "2019-07-05 10:09");
	clock_local(INT64_MAX, text);
	ck_assert_str_eq(text, "-");
	clock_local(-61125408000, text);
	ck_assert(strncmp(text, "0033-01-05", 10) == 0);
}
END_TEST

START_TEST(finds_local_midnight)
{
	use_zone("UTC");
	ck_assert_int_eq(clock_local_midnight(1970, 1, 1), 0);
	ck_assert_int_eq(clock_local_midnight(2019, 3, 5), 1551744000);
	ck_assert_int_eq(clock_local_midnight(2019, 13, 1), clock_local_midnight(2020, 1, 1));
	ck_assert_int_eq(clock_local_midnight(2019, 2, 29), clock_local_midnight(2019, 3, 1));
	ck_assert_int_eq(clock_local_midnight(2019, 1, 0), clock_local_midnight(2018, 12, 31));
	use_zone("Europe/Berlin");
	ck_assert_int_eq(clock_local_midnight(2019, 3, 5), 1551740400);
	ck_assert_int_eq(clock_local_midnight(2019, 7, 5), 1562277600);
}
END_TEST

/* In Sao Paulo the clocks went from 2017-10-14 23:59:59 to 2017-10-15 01:00:00: the day began at
 * one, at 03:00 UTC. */
START_TEST(a_day_without_midnight_begins_when_it_begins)
{
	int year, month, day;

	use_zone("America/Sao_Paulo");
	ck_assert_int_eq(clock_local_midnight(2017, 10, 15), 1508036400);
	clock_local_date(1508036400, &year, &month, &day);
	ck_assert_int_eq(day, 15);
	clock_local_date(1508036399, &year, &month, &day);
	ck_assert_int_eq(day, 14);
}
END_TEST

START_TEST(takes_local_dates_apart)
{
	int year, month, day;

	use_zone("Asia/Tokyo");
	clock_local_date(1577804400, &year, &month, &day);
	ck_assert_int_eq(year, 2020);
	ck_assert_int_eq(month, 1);
	ck_assert_int_eq(day, 1);
	clock_local_date(1577804399, &year, &month, &day);
	ck_assert_int_eq(year, 2019);
	ck_assert_int_eq(month, 12);
	ck_assert_int_eq(day, 31);
}
END_TEST

START_TEST(reads_utc_dates)
{
	int64_t t = 7;

	ck_assert(clock_from_utc(2019, 3, 5, 8, 9, 10, &t) && t == 1551773350);
	ck_assert(clock_from_utc(1970, 1, 1, 0, 0, 0, &t) && t == 0);
	ck_assert(clock_from_utc(1969, 12, 31, 23, 59, 59, &t) && t == -1);
	ck_assert(clock_from_utc(2000, 2, 29, 0, 0, 0, &t) && t == 951782400);
	ck_assert(clock_from_utc(9999, 12, 31, 23, 59, 59, &t) && t == 253402300799);
	/* A leap second (RFC 5322 section 3.3 has it) is the second before. */
	ck_assert(clock_from_utc(2016, 12, 31, 23, 59, 60, &t) && t == 1483228799);
}
END_TEST

START_TEST(refuses_dates_that_do_not_exist)
{
	int64_t t = 7;

	ck_assert(!clock_from_utc(2019, 2, 29, 0, 0, 0, &t));
	ck_assert(!clock_from_utc(1900, 2, 29, 0, 0, 0, &t));
	ck_assert(!clock_from_utc(2019, 4, 31, 0, 0, 0, &t));
	ck_assert(!clock_from_utc(2019, 0, 1, 0, 0, 0, &t));
	ck_assert(!clock_from_utc(2019, 13, 1, 0, 0, 0, &t));
	ck_assert(!clock_from_utc(2019, 1, 0, 0, 0, 0, &t));
	ck_assert(!clock_from_utc(2019, 1, 32, 0, 0, 0, &t));
	ck_assert(!clock_from_utc(2019, 1, -1, 0, 0, 0, &t));
	ck_assert(!clock_from_utc(2019, 1, 1, 24, 0, 0, &t));
	ck_assert(!clock_from_utc(2019, 1, 1, -1, 0, 0, &t));
	ck_assert(!clock_from_utc(2019, 1, 1, 0, 60, 0, &t));
	ck_assert(!clock_from_utc(2019, 1, 1, 0, -1, 0, &t));
	ck_assert(!clock_from_utc(2019, 1, 1, 0, 0, 61, &t));
	ck_assert(!clock_from_utc(2019, 1, 1, 0, 0, -1, &t));
	ck_assert_int_eq(t, 7);
}
END_TEST

static void check_span(const char *text, int64_t expected)
{
	int64_t span = -7;

	ck_assert_msg(clock_parse_span(bytes_of(text), &span), "%s", text);
	ck_assert_msg(span == expected, "%s: %lld", text, (long long)span);
}

START_TEST(reads_spans)
{
	check_span("90s", 90);
	check_span("15m", 900);
	check_span("15min", 900);
	check_span("3h", 10800);
	check_span("7d", 604800);
	check_span("2w", 1209600);
	check_span("6mo", 15552000);
	check_span("1y", 31536000);
	check_span("0s", 0);
	check_span("007d", 604800);
	check_span("1D", 86400);
	check_span("1MO", 2592000);
	check_span("1Y", 31536000);
	check_span("2147483647y", INT64_C(2147483647) * 31536000);
}
END_TEST

START_TEST(refuses_what_is_no_span)
{
	static const char *const wrong[] = {"", "s", "7", "-1d", "+1d", "1.5h", "1 d", " 1d", "1d ",
	    "1d2h", "1x", "1mon", "1months", "2147483648s", "99999999999999999999y", "d1", "1dd"};
	int64_t span = 7;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		ck_assert_msg(!clock_parse_span(bytes_of(wrong[i]), &span), "%s", wrong[i]);
	ck_assert(!clock_parse_span((struct bytes){NULL, 0}, &span));
	ck_assert(!clock_parse_span(BYTES("1d\0"), &span));
	ck_assert_int_eq(span, 7);
}
END_TEST

/* In a rule, minutes for months would mean nearly all the mail. */
START_TEST(takes_no_m_that_may_mean_months)
{
	int64_t span = 7;

	ck_assert(!clock_parse_span(BYTES("6M"), &span));
	ck_assert(clock_parse_span(BYTES("6Min"), &span));
	ck_assert(clock_parse_span(BYTES("6Mo"), &span));
}
END_TEST

START_TEST(reads_a_view_and_no_further)
{
	int64_t span = 7;

	ck_assert(clock_parse_span((struct bytes){"15mo", 3}, &span));
	ck_assert_int_eq(span, 900);
}
END_TEST

static void check_format(int64_t span_s, const char *expected)
{
	char text[CLOCK_ISO_BYTES];

	clock_format_span(span_s, text);
	ck_assert_str_eq(text, expected);
}

START_TEST(writes_spans_for_people)
{
	check_format(-5, "0 s");
	check_format(0, "0 s");
	check_format(59, "59 s");
	check_format(60, "1 min 00 s");
	check_format(3599, "59 min 59 s");
	check_format(3600, "1 h 00 min");
	check_format(11520, "3 h 12 min");
	check_format(2 * CLOCK_DAY_S - 1, "47 h 59 min");
	check_format(2 * CLOCK_DAY_S, "2 days");
	check_format(INT64_MAX, "106751991167300 days");
}
END_TEST

START_TEST(goes_forward)
{
	uint64_t before = clock_monotonic_ms();

	ck_assert_uint_ge(clock_monotonic_ms(), before);
	ck_assert_int_gt(clock_now_unix(), 1700000000);
}
END_TEST

SUITE(writes_iso_dates, fills_years_with_zeros, has_a_dash_for_what_is_no_date, writes_local_dates,
    finds_local_midnight, a_day_without_midnight_begins_when_it_begins, takes_local_dates_apart,
    reads_utc_dates, refuses_dates_that_do_not_exist, reads_spans, refuses_what_is_no_span,
    takes_no_m_that_may_mean_months, reads_a_view_and_no_further, writes_spans_for_people,
    goes_forward)
