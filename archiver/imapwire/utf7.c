/* Owns:  nothing.
 * Knows: modified base64: "," for "/", no padding, UTF-16 inside.
 * Never: fails; calls a name valid that would be written otherwise.
 * Spec:  RFC 9051 appendix A.1, RFC 3501 section 5.1.3, RFC 2781. */
#include "archiver/imapwire/utf7.h"

#include "base/base64.h"
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

#define NAME_MAX_BYTES (1u << 20) /* more than a whole response */

/* UTF-16 in network order, whole characters only. */
static bool decode_utf16(struct buf *out, struct bytes units)
{
	const unsigned char *p = (const unsigned char *)units.p;
	uint32_t high = 0;
	size_t i;

	if (units.n == 0 || units.n % 2 != 0)
		return false;
	for (i = 0; i < units.n; i += 2) {
		uint32_t unit = (uint32_t)p[i] << 8 | p[i + 1];

		if ((unit >= 0xdc00 && unit <= 0xdfff) != (high != 0))
			return false;
		if (unit >= 0xd800 && unit <= 0xdbff) {
			high = unit;
		} else if (high != 0) {
			utf8_put(out, 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00));
			high = 0;
		} else {
			utf8_put(out, unit);
		}
	}
	return high == 0;
}

/* What stands between "&" and "-". */
static bool decode_run(struct buf *out, struct bytes run)
{
	struct buf digits, units;
	bool done;
	size_t i;

	buf_init(&digits, NAME_MAX_BYTES);
	buf_init(&units, NAME_MAX_BYTES);
	for (i = 0; i < run.n; i++)
		buf_char(&digits, run.p[i] == ',' ? '/' : run.p[i]);
	while (digits.n % 4 != 0)
		buf_char(&digits, '=');
	done = !digits.overflow && !memchr(run.p, '/', run.n) && !memchr(run.p, '=', run.n) &&
	    base64_take(&units, buf_view(&digits)) && decode_utf16(out, buf_view(&units));
	buf_release(&digits);
	buf_release(&units);
	return done;
}

static bool decode_any(struct buf *out, struct bytes name)
{
	while (name.n > 0) {
		const char *end;
		size_t run;

		if (name.p[0] < 0x20 || name.p[0] > 0x7e)
			return false;
		if (name.p[0] != '&') {
			buf_char(out, name.p[0]);
			name = bytes_from(name, 1);
			continue;
		}
		end = memchr(name.p, '-', name.n);
		if (!end)
			return false;
		run = (size_t)(end - name.p) - 1;
		if (run == 0)
			buf_char(out, '&');
		else if (!decode_run(out, (struct bytes){name.p + 1, run}))
			return false;
		name = bytes_from(name, run + 2);
	}
	return true;
}

static void append_foreign(struct buf *out, struct bytes text)
{
	uint32_t point;
	int got;

	while ((got = utf8_next(&text, &point)) != 0)
		utf8_put(out, got < 0 ? UTF8_REPLACEMENT : point);
}

/* Base64 run for base64 run there is one right form only, so the name is written again and
 * compared: that finds encoded ASCII, superfluous shifts and stray bits alike. */
bool utf7_decode(struct buf *out, struct bytes name)
{
	size_t start = out->n;
	struct buf again;
	bool valid;

	buf_init(&again, NAME_MAX_BYTES);
	valid = decode_any(out, name);
	if (valid) {
		utf7_encode(&again, bytes_from(buf_view(out), start));
		valid = bytes_equal(buf_view(&again), name);
	}
	if (!valid) {
		buf_cut(out, start);
		append_foreign(out, name);
	}
	buf_release(&again);
	return valid;
}

static void put_unit(struct buf *units, uint32_t unit)
{
	buf_char(units, (char)(unit >> 8));
	buf_char(units, (char)(unit & 0xff));
}

static void end_run(struct buf *out, struct buf *units)
{
	struct buf digits;
	size_t i;

	if (units->n == 0)
		return;
	buf_init(&digits, NAME_MAX_BYTES);
	base64_put(&digits, buf_view(units));
	buf_char(out, '&');
	for (i = 0; i < digits.n && digits.p[i] != '='; i++)
		buf_char(out, digits.p[i] == '/' ? ',' : digits.p[i]);
	buf_char(out, '-');
	buf_release(&digits);
	buf_clear(units);
}

void utf7_encode(struct buf *out, struct bytes text)
{
	struct buf units;
	uint32_t point;
	int got;

	buf_init(&units, NAME_MAX_BYTES);
	while ((got = utf8_next(&text, &point)) != 0) {
		if (got < 0)
			point = UTF8_REPLACEMENT;
		if (point >= 0x20 && point <= 0x7e) {
			end_run(out, &units);
			buf_char(out, (char)point);
			if (point == '&')
				buf_char(out, '-');
		} else if (point < 0x10000) {
			put_unit(&units, point);
		} else {
			put_unit(&units, 0xd800 + ((point - 0x10000) >> 10));
			put_unit(&units, 0xdc00 + ((point - 0x10000) & 0x3ff));
		}
	}
	end_run(out, &units);
	buf_release(&units);
}
