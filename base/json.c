/* Owns:  nothing; appends to the caller's buffer.
 * Never: writes what is not JSON, whatever the text holds. */
#include "base/json.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void json_start(struct json *json, struct buf *out)
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

static void put_key(struct json *json, const char *key)
{
	if (json->more)
		buf_char(json->out, ',');
	json->more = true;
	if (!key)
		return;
	put_string(json->out, bytes_of(key));
	buf_char(json->out, ':');
}

static void open_level(struct json *json, const char *key, char open, char close)
{
	if (json->depth == JSON_DEPTH)
		abort();
	put_key(json, key);
	buf_char(json->out, open);
	json->close[json->depth++] = close;
	json->more = false;
}

void json_object(struct json *json, const char *key)
{
	open_level(json, key, '{', '}');
}

void json_array(struct json *json, const char *key)
{
	open_level(json, key, '[', ']');
}

void json_end(struct json *json)
{
	if (json->depth == 0)
		abort();
	buf_char(json->out, json->close[--json->depth]);
	json->more = true;
}

void json_u64(struct json *json, const char *key, uint64_t value)
{
	put_key(json, key);
	buf_format(json->out, "%" PRIu64, value);
}

void json_i64(struct json *json, const char *key, int64_t value)
{
	put_key(json, key);
	buf_format(json->out, "%" PRId64, value);
}

void json_real(struct json *json, const char *key, double value)
{
	put_key(json, key);
	buf_format(json->out, "%.3f", value);
}

void json_bool(struct json *json, const char *key, bool value)
{
	put_key(json, key);
	buf_text(json->out, value ? "true" : "false");
}

void json_null(struct json *json, const char *key)
{
	put_key(json, key);
	buf_text(json->out, "null");
}

void json_hex(struct json *json, const char *key, const struct sha256 *sum)
{
	char hex[SHA256_HEX_BYTES];

	sha256_hex(sum, hex);
	json_text(json, key, bytes_of(hex));
}

void json_time(struct json *json, const char *key, int64_t time_unix)
{
	char text[CLOCK_ISO_BYTES];

	clock_iso(time_unix, text);
	json_text(json, key, bytes_of(text));
}

void json_text(struct json *json, const char *key, struct bytes text)
{
	put_key(json, key);
	put_string(json->out, text);
}

void json_exact(struct json *json, const char *key, struct bytes text)
{
	if (utf8_valid(text) && (text.n == 0 || !memchr(text.p, '\0', text.n))) {
		json_text(json, key, text);
		return;
	}
	json_object(json, key);
	put_key(json, "b64");
	buf_char(json->out, '"');
	base64_put(json->out, text);
	buf_char(json->out, '"');
	json_end(json);
}
