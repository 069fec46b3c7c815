/* Owns:  nothing.
 * Knows: date-time of RFC 9051, and the ways in which servers write it.
 * Never: takes a date that does not exist; asks the time zone of this machine.
 * Spec:  RFC 9051 section 9 (date-time). */
#include "archiver/imapwire/imapdate.h"

#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

#define YEAR_FIRST 1900
#define YEAR_LAST  9999

/* A number of at least least and at most most digits off the front. */
static bool take_number(struct bytes *text, size_t least, size_t most, int *out)
{
	int value = 0;
	size_t i;

	for (i = 0; i < most && i < text->n && text->p[i] >= '0' && text->p[i] <= '9'; i++)
		value = value * 10 + (text->p[i] - '0');
	if (i < least)
		return false;
	*text = bytes_from(*text, i);
	*out = value;
	return true;
}

static bool take_char(struct bytes *text, char c)
{
	if (text->n == 0 || text->p[0] != c)
		return false;
	*text = bytes_from(*text, 1);
	return true;
}

static void skip_blanks(struct bytes *text)
{
	while (take_char(text, ' '))
		;
}

static bool take_month(struct bytes *text, int *out)
{
	int i;

	for (i = 0; i < 12 && text->n >= 3; i++)
		if (bytes_equal_nocase(
			(struct bytes){text->p, 3}, (struct bytes){months + 3 * i, 3})) {
			*text = bytes_from(*text, 3);
			*out = i + 1;
			return true;
		}
	return false;
}

/* "+0130", or nothing. */
static bool take_zone(struct bytes *text, int *seconds_out)
{
	int sign, hours, minutes;

	*seconds_out = 0;
	if (text->n == 0)
		return true;
	sign = text->p[0] == '-' ? -1 : 1;
	if (!take_char(text, '+') && !take_char(text, '-'))
		return false;
	if (!take_number(text, 2, 2, &hours) || !take_number(text, 2, 2, &minutes) || hours > 23 ||
	    minutes > 59)
		return false;
	*seconds_out = sign * (hours * 3600 + minutes * 60);
	return true;
}

bool imapdate_parse(struct bytes text, int64_t *time_unix_out)
{
	int day, month, year, hour, minute, second, zone_s;
	int64_t local;

	text = bytes_trim(text);
	if (!take_number(&text, 1, 2, &day) || !take_char(&text, '-') ||
	    !take_month(&text, &month) || !take_char(&text, '-') ||
	    !take_number(&text, 4, 4, &year) || !take_char(&text, ' '))
		return false;
	skip_blanks(&text);
	if (!take_number(&text, 2, 2, &hour) || !take_char(&text, ':') ||
	    !take_number(&text, 2, 2, &minute) || !take_char(&text, ':') ||
	    !take_number(&text, 2, 2, &second))
		return false;
	skip_blanks(&text);
	if (!take_zone(&text, &zone_s) || text.n > 0 || year < YEAR_FIRST || year > YEAR_LAST)
		return false;
	if (!clock_from_utc(year, month, day, hour, minute, second, &local))
		return false;
	*time_unix_out = local - zone_s;
	return true;
}

static int64_t within_years(int64_t time_unix)
{
	int64_t first, last;

	clock_from_utc(YEAR_FIRST, 1, 1, 0, 0, 0, &first);
	clock_from_utc(YEAR_LAST, 12, 31, 23, 59, 59, &last);
	if (time_unix < first)
		return first;
	return time_unix > last ? last : time_unix;
}

/* Not strftime: its month names are those of the locale. */
void imapdate_format(int64_t time_unix, char out[IMAPDATE_BYTES])
{
	time_t seconds = (time_t)within_years(time_unix);
	struct tm t;
	char text[80];

	gmtime_r(&seconds, &t);
	snprintf(text, sizeof text, "%2d-%.3s-%04d %02d:%02d:%02d +0000", t.tm_mday,
	    months + 3 * t.tm_mon, t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
	snprintf(out, IMAPDATE_BYTES, "%.26s", text);
}
