/* Owns:  nothing.
 * Knows: the calendar through the C library.
 * Never: is called for "now" from below app/. */
#include "base/clock.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t clock_now_unix(void)
{
	return (int64_t)time(NULL);
}

uint64_t clock_monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Four digits, which %Y does not promise; false when the year has more. */
static bool put_year(const struct tm *t, char *out)
{
	int year;

	if (t->tm_year < -1900 || t->tm_year > 9999 - 1900)
		return false;
	year = t->tm_year + 1900;
	for (int i = 3; i >= 0; i--, year /= 10)
		out[i] = (char)('0' + year % 10);
	return true;
}

void clock_iso(int64_t time_unix, char out[CLOCK_ISO_BYTES])
{
	time_t seconds = (time_t)time_unix;
	struct tm t;

	if (!gmtime_r(&seconds, &t) || !put_year(&t, out) ||
	    strftime(out + 4, CLOCK_ISO_BYTES - 4, "-%m-%dT%H:%M:%SZ", &t) == 0)
		memcpy(out, "-", 2);
}

void clock_local(int64_t time_unix, char out[CLOCK_ISO_BYTES])
{
	time_t seconds = (time_t)time_unix;
	struct tm t;

	if (!localtime_r(&seconds, &t) || !put_year(&t, out) ||
	    strftime(out + 4, CLOCK_ISO_BYTES - 4, "-%m-%d %H:%M", &t) == 0)
		memcpy(out, "-", 2);
}

int64_t clock_local_midnight(int year, int month, int day)
{
	struct tm t = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_isdst = -1};

	return (int64_t)mktime(&t);
}

void clock_local_date(int64_t time_unix, int *year, int *month, int *day)
{
	time_t seconds = (time_t)time_unix;
	struct tm t = {0};

	localtime_r(&seconds, &t);
	*year = t.tm_year > INT_MAX - 1900 ? INT_MAX : t.tm_year + 1900;
	*month = t.tm_mon + 1;
	*day = t.tm_mday;
}

bool clock_from_utc(
    int year, int month, int day, int hour, int minute, int second, int64_t *out_unix)
{
	struct tm t = {.tm_year = year - 1900,
	    .tm_mon = month - 1,
	    .tm_mday = day,
	    .tm_hour = hour,
	    .tm_min = minute,
	    .tm_sec = second == 60 ? 59 : second};
	struct tm same = t;
	time_t got;

	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
		return false;
	got = timegm(&same);
	if (same.tm_mday != t.tm_mday || same.tm_mon != t.tm_mon || same.tm_year != t.tm_year)
		return false;
	*out_unix = (int64_t)got;
	return true;
}

static const struct {
	const char *name;
	int64_t seconds;
} units[] = {
    {"s", 1},
    {"m", 60},
    {"min", 60},
    {"h", 3600},
    {"d", CLOCK_DAY_S},
    {"w", 7 * CLOCK_DAY_S},
    {"mo", 30 * CLOCK_DAY_S},
    {"y", 365 * (int64_t)CLOCK_DAY_S},
};

bool clock_parse_span(struct bytes text, int64_t *out_s)
{
	unsigned long long number;
	struct bytes unit;
	size_t digits = 0, i;

	while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
		digits++;
	if (!bytes_u64((struct bytes){text.p, digits}, &number) || number > INT_MAX)
		return false;
	/* Whoever writes 6M means months, and would get minutes. */
	unit = bytes_from(text, digits);
	if (bytes_is(unit, "M"))
		return false;
	for (i = 0; i < sizeof units / sizeof *units; i++)
		if (bytes_is_nocase(unit, units[i].name)) {
			*out_s = (int64_t)number * units[i].seconds;
			return true;
		}
	return false;
}

void clock_format_span(int64_t span_s, char out[CLOCK_ISO_BYTES])
{
	long long s = span_s < 0 ? 0 : span_s;

	if (s < 60)
		snprintf(out, CLOCK_ISO_BYTES, "%lld s", s);
	else if (s < 3600)
		snprintf(out, CLOCK_ISO_BYTES, "%lld min %02lld s", s / 60, s % 60);
	else if (s < 2 * CLOCK_DAY_S)
		snprintf(out, CLOCK_ISO_BYTES, "%lld h %02lld min", s / 3600, s / 60 % 60);
	else
		snprintf(out, CLOCK_ISO_BYTES, "%lld days", s / CLOCK_DAY_S);
}
