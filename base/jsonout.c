/* Owns:  nothing; appends to the caller's buffer.
 * Never: writes what is not JSON, whatever the text holds. */
#include "base/jsonout.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/utf8.h"

#include <float.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void jsonout_start(struct jsonout *json, struct buf *out)
{
	memset(json, 0, sizeof *json);
	json->out = out;
}

static void put_escaped(struct buf *out, unsigned char c)
{
	static const char letter[] = "btn\0fr";

	if (c == '"' || c == '\\') {
		buf_char(out, '\\');
		buf_char(out, (char)c);
	} else if (c >= '\b' && c <= '\r' && letter[c - '\b']) {
		buf_char(out, '\\');
		buf_char(out, letter[c - '\b']);
	} else {
		buf_format(out, "\\u%04x", c);
	}
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void put_string(struct buf *out, struct bytes text)
{
	uint32_t point;
	size_t run;

	buf_char(out, '"');
	while (text.n > 0) {
		for (run = 0; run < text.n && is_plain((unsigned char)text.p[run]);)
			run++;
		buf_add(out, text.p, run);
		text = bytes_from(text, run);
		if (text.n == 0)
			break;
		if ((unsigned char)text.p[0] < 0x80) {
			put_escaped(out, (unsigned char)text.p[0]);
			text = bytes_from(text, 1);
		} else {
			utf8_put(out, utf8_next(&text, &point) == 1 ? point : UTF8_REPLACEMENT);
		}
	}
	buf_char(out, '"');
}

static void put_key(struct jsonout *json, const char *key)
{
	if (json->more)
		buf_char(json->out, ',');
	json->more = true;
	if (!key)
		return;
	put_string(json->out, bytes_of(key));
	buf_char(json->out, ':');
}

static void open_level(struct jsonout *json, const char *key, char open, char close)
{
	if (json->depth == JSONOUT_DEPTH)
		abort();
	put_key(json, key);
	buf_char(json->out, open);
	json->close[json->depth++] = close;
	json->more = false;
}

void jsonout_object(struct jsonout *json, const char *key)
{
	open_level(json, key, '{', '}');
}

void jsonout_array(struct jsonout *json, const char *key)
{
	open_level(json, key, '[', ']');
}

void jsonout_end(struct jsonout *json)
{
	if (json->depth == 0)
		abort();
	buf_char(json->out, json->close[--json->depth]);
	json->more = true;
}

void jsonout_u64(struct jsonout *json, const char *key, uint64_t value)
{
	put_key(json, key);
	buf_format(json->out, "%" PRIu64, value);
}

void jsonout_i64(struct jsonout *json, const char *key, int64_t value)
{
	put_key(json, key);
	buf_format(json->out, "%" PRId64, value);
}

void jsonout_real(struct jsonout *json, const char *key, double value)
{
	const char *sign = value < 0 ? "-" : "";
	double size = value < 0 ? -value : value;
	uint64_t whole, thousandths;

	put_key(json, key);
	/* The point is ours: in some locales the C library writes a comma. */
	if (!(size <= DBL_MAX)) {
		buf_text(json->out, "null");
	} else if (size < 1e15) {
		whole = (uint64_t)size;
		thousandths = (uint64_t)((size - (double)whole) * 1000 + 0.5);
		whole += thousandths / 1000;
		buf_format(
		    json->out, "%s%" PRIu64 ".%03u", sign, whole, (unsigned)(thousandths % 1000));
	} else {
		buf_format(json->out, "%s%.0f.000", sign, size);
	}
}

void jsonout_bool(struct jsonout *json, const char *key, bool value)
{
	put_key(json, key);
	buf_text(json->out, value ? "true" : "false");
}

void jsonout_null(struct jsonout *json, const char *key)
{
	put_key(json, key);
	buf_text(json->out, "null");
}

void jsonout_hex(struct jsonout *json, const char *key, const struct sha256 *sum)
{
	char hex[SHA256_HEX_BYTES];

	sha256_hex(sum, hex);
	jsonout_text(json, key, bytes_of(hex));
}

void jsonout_time(struct jsonout *json, const char *key, int64_t time_unix)
{
	char text[CLOCK_ISO_BYTES];

	clock_iso(time_unix, text);
	jsonout_text(json, key, bytes_of(text));
}

void jsonout_text(struct jsonout *json, const char *key, struct bytes text)
{
	put_key(json, key);
	put_string(json->out, text);
}

void jsonout_exact(struct jsonout *json, const char *key, struct bytes text)
{
	if (utf8_valid(text) && (text.n == 0 || !memchr(text.p, '\0', text.n))) {
		jsonout_text(json, key, text);
		return;
	}
	jsonout_object(json, key);
	put_key(json, "b64");
	buf_char(json->out, '"');
	base64_put(json->out, text);
	buf_char(json->out, '"');
	jsonout_end(json);
}
