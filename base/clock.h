/* Time: int64 seconds since 1970 UTC everywhere. Only the program reads the clock; everything
 * below app/ is given the time, or a clock_fn where it must ask more than once. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_ISO_BYTES 24
#define CLOCK_DAY_S     (24 * 60 * 60)

typedef int64_t (*clock_fn)(void);

int64_t clock_now_unix(void);
uint64_t clock_monotonic_ms(void);

/* "2019-03-05T08:09:10Z"; years outside 0..9999 give "-". */
void clock_iso(int64_t time_unix, char out[CLOCK_ISO_BYTES]);
/* "2019-03-05 09:09" in the local time zone. */
void clock_local(int64_t time_unix, char out[CLOCK_ISO_BYTES]);

/* Midnight at the start of a day in the local time zone; months and days outside their range
 * carry over (month 13 is January of the next year). */
int64_t clock_local_midnight(int year, int month, int day);
void clock_local_date(int64_t time_unix, int *year, int *month, int *day);

/* Seconds since 1970 of a UTC date; false when the date does not exist. */
bool clock_from_utc(
    int year, int month, int day, int hour, int minute, int second, int64_t *out_unix);

/* "90s 15m 3h 7d 2w 6mo 1y", one number and unit; a year is 365 days, a month 30. Units
 * in any case but "M", which could be either of two. */
bool clock_parse_span(struct bytes text, int64_t *out_s);
/* The opposite, short and rounded for people: "3 h 12 min". */
void clock_format_span(int64_t span_s, char out[CLOCK_ISO_BYTES]);

#endif
