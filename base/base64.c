/* Owns:  nothing.
 * Knows: the alphabet of RFC 4648 section 4.
 * Never: accepts what would not encode to the same characters. */
#include "base/base64.h"

#include <string.h>

static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define NO 0x80
/* clang-format off */
static const uint8_t value[256] = {
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, 62, NO, NO, NO, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NO, NO, NO, NO, NO, NO,
	NO,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, NO, NO, NO, NO, NO,
	NO, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
};
/* clang-format on */

bool base64_is_digit(char c)
{
	return value[(unsigned char)c] != NO;
}

bool base64_are_digits(struct bytes text)
{
	size_t i;

	for (i = 0; i < text.n; i++)
		if (value[(unsigned char)text.p[i]] == NO)
			return false;
	return true;
}

static void encode_three(uint32_t v, char *out)
{
	out[0] = digit[v >> 18 & 63];
	out[1] = digit[v >> 12 & 63];
	out[2] = digit[v >> 6 & 63];
	out[3] = digit[v & 63];
}

size_t base64_encode(const uint8_t *data, size_t bytes, char *out)
{
	size_t i, at = 0;

	for (i = 0; i + 3 <= bytes; i += 3, at += 4)
		encode_three(
		    (uint32_t)data[i] << 16 | (uint32_t)data[i + 1] << 8 | data[i + 2], out + at);
	if (i == bytes)
		return at;
	encode_three(
	    (uint32_t)data[i] << 16 | (i + 1 < bytes ? (uint32_t)data[i + 1] << 8 : 0), out + at);
	out[at + 3] = '=';
	if (i + 1 == bytes)
		out[at + 2] = '=';
	return at + 4;
}

/* The last four characters, which may be padded; returns the bytes made, 0 when wrong. */
static size_t decode_last(const unsigned char *p, uint8_t *out)
{
	uint8_t a = value[p[0]], b = value[p[1]], c = value[p[2]], d = value[p[3]];

	if ((a | b) & NO)
		return 0;
	out[0] = (uint8_t)(a << 2 | b >> 4);
	if (p[2] == '=' && p[3] == '=')
		return (b & 15) == 0 ? 1 : 0;
	if (c & NO)
		return 0;
	out[1] = (uint8_t)(b << 4 | c >> 2);
	if (p[3] == '=')
		return (c & 3) == 0 ? 2 : 0;
	out[2] = (uint8_t)(c << 6 | d);
	return d & NO ? 0 : 3;
}

bool base64_decode(struct bytes text, uint8_t *out, size_t *bytes_out)
{
	const unsigned char *p = (const unsigned char *)text.p;
	size_t i, at = 0, last;
	unsigned bad = 0;

	if (text.n % 4 != 0)
		return false;
	if (text.n == 0) {
		*bytes_out = 0;
		return true;
	}
	for (i = 0; i + 4 < text.n; i += 4, at += 3) {
		uint8_t a = value[p[i]], b = value[p[i + 1]], c = value[p[i + 2]],
			d = value[p[i + 3]];

		bad |= a | b | c | d;
		out[at] = (uint8_t)(a << 2 | b >> 4);
		out[at + 1] = (uint8_t)(b << 4 | c >> 2);
		out[at + 2] = (uint8_t)(c << 6 | d);
	}
	last = decode_last(p + i, out + at);
	if (bad & NO || last == 0)
		return false;
	*bytes_out = at + last;
	return true;
}

void base64_put(struct buf *buf, struct bytes data)
{
	char *at = buf_reserve(buf, BASE64_ENCODED_BYTES(data.n));

	if (!at)
		return;
	buf->n += base64_encode((const uint8_t *)data.p, data.n, at);
	buf->p[buf->n] = '\0';
}

bool base64_take(struct buf *buf, struct bytes text)
{
	char *at = buf_reserve(buf, text.n / 4 * 3);
	size_t made;

	if (!at)
		return false;
	if (!base64_decode(text, (uint8_t *)at, &made)) {
		*at = '\0';
		return false;
	}
	buf->n += made;
	buf->p[buf->n] = '\0';
	return true;
}
