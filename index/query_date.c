/* Owns:  nothing.
 * Knows: the written forms of dates and sizes.
 * Never: reads the clock: "now" is given.
 * Spec:  index/QUERY.md, sections "Dates" and "Sizes". */
#include "index/query_private.h"

#include "base/clock.h"

/* What ISO 8601 with four digits can say. */
#define FIRST_UNIX (-30610224000) /* 1000-01-01T00:00:00Z */
#define LAST_UNIX  253402300799   /* 9999-12-31T23:59:59Z */

static int64_t clamped(int64_t moment)
{
	return moment < FIRST_UNIX ? FIRST_UNIX : moment > LAST_UNIX ? LAST_UNIX : moment;
}

int64_t query_moment_back(int64_t now_unix, int64_t span_s)
{
	return clamped(now_unix - span_s);
}

static bool set_days(struct query_period *out, int year, int month, int day, int days, int months)
{
	out->from = clamped(clock_local_midnight(year, month, day));
	out->to = clamped(clock_local_midnight(year, month + months, day + days));
	return true;
}

/* Takes a number of that many digits off the front. */
static bool take_number(struct bytes *text, size_t digits_min, size_t digits_max, int *out)
{
	size_t n = 0;
	unsigned long long value;

	while (n < text->n && n < digits_max && text->p[n] >= '0' && text->p[n] <= '9')
		n++;
	if (n < digits_min || !bytes_u64((struct bytes){text->p, n}, &value))
		return false;
	*text = bytes_from(*text, n);
	*out = (int)value;
	return true;
}

static bool take(struct bytes *text, char c)
{
	if (text->n == 0 || text->p[0] != c)
		return false;
	*text = bytes_from(*text, 1);
	return true;
}

static bool take_separator(struct bytes *text)
{
	return take(text, '-') || take(text, '/');
}

static bool exists(int year, int month, int day)
{
	int64_t unused;

	return month >= 1 && month <= 12 && day >= 1 &&
	    clock_from_utc(year, month, day, 0, 0, 0, &unused);
}

/* "Z", "+01:00", "+0100" or "-05": the seconds east of Greenwich. */
static bool take_zone(struct bytes *text, int *east_s)
{
	int sign = 1, hour = 0, minute = 0;

	if (take(text, 'Z') || take(text, 'z')) {
		*east_s = 0;
		return true;
	}
	if (take(text, '-'))
		sign = -1;
	else if (!take(text, '+'))
		return false;
	if (!take_number(text, 2, 2, &hour))
		return false;
	take(text, ':');
	if (text->n > 0 && !take_number(text, 2, 2, &minute))
		return false;
	*east_s = sign * (hour * 3600 + minute * 60);
	return hour < 24 && minute < 60;
}

static bool parse_moment(struct bytes text, int year, int month, int day, struct query_period *out)
{
	int hour, minute, second = 0, east_s, lasts_s = 60;
	int64_t moment;

	if (!take_number(&text, 2, 2, &hour) || !take(&text, ':') ||
	    !take_number(&text, 2, 2, &minute))
		return false;
	if (take(&text, ':')) {
		if (!take_number(&text, 2, 2, &second))
			return false;
		lasts_s = 1;
	}
	if (!take_zone(&text, &east_s) || text.n > 0 ||
	    !clock_from_utc(year, month, day, hour, minute, second, &moment))
		return false;
	out->from = clamped(moment - east_s);
	out->to = clamped(out->from + lasts_s);
	return true;
}

static bool parse_relative(struct bytes text, int64_t now_unix, struct query_period *out)
{
	int year, month, day;

	clock_local_date(now_unix, &year, &month, &day);
	if (bytes_is_nocase(text, "today"))
		return set_days(out, year, month, day, 1, 0);
	if (bytes_is_nocase(text, "yesterday"))
		return set_days(out, year, month, day - 1, 1, 0);
	return false;
}

bool query_date_parse(struct bytes text, int64_t now_unix, struct query_period *out)
{
	int year, month, day;

	if (parse_relative(text, now_unix, out))
		return true;
	if (!take_number(&text, 4, 4, &year) || year < 1000)
		return false;
	if (text.n == 0)
		return set_days(out, year, 1, 1, 0, 12);
	if (!take_separator(&text) || !take_number(&text, 1, 2, &month) || !exists(year, month, 1))
		return false;
	if (text.n == 0)
		return set_days(out, year, month, 1, 0, 1);
	if (!take_separator(&text) || !take_number(&text, 1, 2, &day) || !exists(year, month, day))
		return false;
	if (text.n == 0)
		return set_days(out, year, month, day, 1, 0);
	return (take(&text, 'T') || take(&text, 't')) && parse_moment(text, year, month, day, out);
}

bool query_size_parse(struct bytes text, int64_t *out)
{
	static const char units[] = "kmgt";
	unsigned long long value;
	size_t digits = 0;
	int shift = 0;

	while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
		digits++;
	if (!bytes_u64((struct bytes){text.p, digits}, &value))
		return false;
	text = bytes_from(text, digits);
	for (int i = 0; units[i] && shift == 0; i++)
		if (take(&text, units[i]) || take(&text, (char)(units[i] - 'a' + 'A')))
			shift = 10 * (i + 1);
	if (shift > 0 && text.n == 2)
		take(&text, 'i');
	if (!take(&text, 'B'))
		take(&text, 'b');
	if (text.n > 0 || value > (unsigned long long)INT64_MAX >> shift)
		return false;
	*out = (int64_t)(value << shift);
	return true;
}
