#include "tests/unit/suite.h"

#include "index/query_private.h"

#include <stdlib.h>
#include <time.h>

/* 2019-06-08 15:20:00 in Berlin, whose summer time is UTC+2 and winter time UTC+1. All
 * expected moments are from "TZ=... date -d ... +%s". */
#define NOW 1560000000

static void in_berlin(void)
{
	setenv("TZ", "Europe/Berlin", 1);
	tzset();
}

static void expect(const char *text, int64_t from, int64_t to)
{
	struct query_period period;

	in_berlin();
	ck_assert_msg(query_date_parse(bytes_of(text), NOW, &period), "%s", text);
	ck_assert_msg(period.from == from && period.to == to, "%s: %lld..%lld", text,
	    (long long)period.from, (long long)period.to);
}

static void expect_none(const char *text)
{
	struct query_period period = {7, 8};

	ck_assert_msg(!query_date_parse(bytes_of(text), NOW, &period), "%s", text);
	ck_assert_int_eq(period.from, 7);
	ck_assert_int_eq(period.to, 8);
}

START_TEST(years_months_and_days_are_local)
{
	expect("2019", 1546297200, 1577833200);
	expect("2019-03", 1551394800, 1554069600); /* summer time begins in it */
	expect("2019-12", 1575154800, 1577833200);
	expect("2019-03-05", 1551740400, 1551826800);
	expect("2019-03-31", 1553986800, 1554069600); /* 23 hours */
	expect("2019-10-27", 1572127200, 1572217200); /* 25 hours */
	expect("2020-02-29", 1582930800, 1583017200);
	expect("1969", -31539600, -3600);
}
END_TEST

START_TEST(other_ways_to_write_a_day)
{
	expect("2019/03/05", 1551740400, 1551826800);
	expect("2019-3-5", 1551740400, 1551826800);
	expect("today", 1559944800, 1560031200);
	expect("Yesterday", 1559858400, 1559944800);
}
END_TEST

START_TEST(moments_last_as_long_as_their_last_figure)
{
	expect("2019-03-05T14:30Z", 1551796200, 1551796260);
	expect("2019-03-05t14:30:15z", 1551796215, 1551796216);
	expect("2019-03-05T14:30:15+01:00", 1551792615, 1551792616);
	expect("2019-03-05T14:30-0330", 1551808800, 1551808860);
	expect("2019-03-05T14:30+05", 1551778200, 1551778260);
}
END_TEST

START_TEST(the_ends_of_the_calendar)
{
	expect("9999", 253370761200, 253402297200);
	expect("9999-12-31T23:59:59Z", 253402300799, 253402300799);
	expect("1000-01-01T00:00:00+12:00", -30610224000, -30610223999);
	ck_assert_int_eq(query_moment_back(NOW, INT64_C(365000000) * 86400), -30610224000);
	ck_assert_int_eq(query_moment_back(NOW, 86400), NOW - 86400);
}
END_TEST

START_TEST(what_is_no_date)
{
	static const char *const wrong[] = {"", "19", "201", "20190305", "0999", "0000", "2019-",
	    "2019-00", "2019-13", "2019-02-29", "2019-04-31", "2019-03-00", "2019-03-32",
	    "2019-03-05-", "2019-03-05T", "2019-03-05T14:30", "2019-03-05T14Z", "2019-03-05T25:00Z",
	    "2019-03-05T14:60Z", "2019-03-05T14:30:15+24:00", "2019-03-05T14:30:15+01:60",
	    "2019-03-05T14:30+1", "2019-03-05T14:30Zx", "2019x", "march", "90d", "tomorrow",
	    "2019-03-05 14:30Z", "-2019", "\xd9\xa2\xd9\xa0"};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		expect_none(wrong[i]);
}
END_TEST

static void expect_size(const char *text, int64_t expected)
{
	int64_t size;

	ck_assert_msg(query_size_parse(bytes_of(text), &size), "%s", text);
	ck_assert_int_eq(size, expected);
}

START_TEST(sizes_are_powers_of_1024)
{
	expect_size("0", 0);
	expect_size("5000", 5000);
	expect_size("5000b", 5000);
	expect_size("500k", 512000);
	expect_size("5M", 5242880);
	expect_size("5m", 5242880);
	expect_size("5MB", 5242880);
	expect_size("5MiB", 5242880);
	expect_size("1G", 1073741824);
	expect_size("2T", INT64_C(2199023255552));
	expect_size("9223372036854775807", INT64_MAX);
}
END_TEST

START_TEST(what_is_no_size)
{
	static const char *const wrong[] = {"", "M", "1.5M", "-1", "5 M", "5MM", "5Mi", "5iB", "5x",
	    "9223372036854775808", "9007199254740992k", "8388608T", "99999999999999999999"};
	int64_t size = 7;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		ck_assert_msg(!query_size_parse(bytes_of(wrong[i]), &size), "%s", wrong[i]);
	ck_assert_int_eq(size, 7);
}
END_TEST

SUITE(years_months_and_days_are_local, other_ways_to_write_a_day,
    moments_last_as_long_as_their_last_figure, the_ends_of_the_calendar, what_is_no_date,
    sizes_are_powers_of_1024, what_is_no_size)
