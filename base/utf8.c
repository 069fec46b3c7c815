/* Owns:  nothing.
 * Knows: RFC 3629, and which characters must not reach a terminal (TR 36, TR 9 controls).
 * Never: fails on any input. */
#define _XOPEN_SOURCE 700
#include "base/utf8.h"

#include <wchar.h>

static size_t sequence_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if ((first & 0xf0) == 0xe0)
		return 3;
	if (first >= 0xf0 && first <= 0xf4)
		return 4;
	return 0;
}

int utf8_next(struct bytes *text, uint32_t *point_out)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)text->p;
	uint32_t point;
	size_t length, i;

	if (text->n == 0)
		return 0;
	length = sequence_length(p[0]);
	if (length == 0 || length > text->n)
		goto wrong;
	point = length == 1 ? p[0] : p[0] & (0x7fU >> length);
	for (i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			goto wrong;
		point = point << 6 | (p[i] & 0x3f);
	}
	if (point < least[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		goto wrong;
	*text = bytes_from(*text, length);
	*point_out = point;
	return 1;
wrong:
	*text = bytes_from(*text, 1);
	return -1;
}

bool utf8_valid(struct bytes text)
{
	uint32_t point;
	int got;

	while ((got = utf8_next(&text, &point)) == 1)
		;
	return got == 0;
}

void utf8_put(struct buf *buf, uint32_t point)
{
	char c[4];

	if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		point = UTF8_REPLACEMENT;
	if (point < 0x80) {
		buf_char(buf, (char)point);
	} else if (point < 0x800) {
		c[0] = (char)(0xc0 | point >> 6);
		c[1] = (char)(0x80 | (point & 0x3f));
		buf_add(buf, c, 2);
	} else if (point < 0x10000) {
		c[0] = (char)(0xe0 | point >> 12);
		c[1] = (char)(0x80 | (point >> 6 & 0x3f));
		c[2] = (char)(0x80 | (point & 0x3f));
		buf_add(buf, c, 3);
	} else {
		c[0] = (char)(0xf0 | point >> 18);
		c[1] = (char)(0x80 | (point >> 12 & 0x3f));
		c[2] = (char)(0x80 | (point >> 6 & 0x3f));
		c[3] = (char)(0x80 | (point & 0x3f));
		buf_add(buf, c, 4);
	}
}

/* Characters that change how others are shown, or show nothing where something is. */
static bool is_invisible(uint32_t point)
{
	return point == 0xad || point == 0x61c || (point >= 0x200b && point <= 0x200f) ||
	    (point >= 0x2028 && point <= 0x202e) || (point >= 0x2060 && point <= 0x206f) ||
	    point == 0xfeff || (point >= 0xfff9 && point <= 0xfffb) ||
	    (point >= 0xe0000 && point <= 0xe0fff);
}

static size_t columns_of(uint32_t point)
{
	int width;

	if (point < 0x80)
		return 1;
	width = wcwidth((wchar_t)point);
	return width < 0 ? 1 : (size_t)width;
}

/* The next character as it may be printed; 0 at the end. */
static int next_printable(struct bytes *text, uint32_t *point_out)
{
	int got;

	do {
		got = utf8_next(text, point_out);
		if (got < 0)
			*point_out = UTF8_REPLACEMENT;
	} while (got != 0 && is_invisible(*point_out));
	if (got != 0 && (*point_out < 0x20 || (*point_out >= 0x7f && *point_out < 0xa0)))
		*point_out = ' ';
	return got;
}

size_t utf8_print(struct buf *buf, struct bytes text, size_t max_columns)
{
	size_t used = 0, fit_bytes = 0, fit_columns = 0, start = buf->n;
	uint32_t point;

	while (next_printable(&text, &point) != 0) {
		size_t wide = columns_of(point);

		if (max_columns > 0 && used + wide > max_columns) {
			if (max_columns < 3)
				return used;
			buf_cut(buf, start + fit_bytes);
			buf_text(buf, "...");
			return fit_columns + 3;
		}
		utf8_put(buf, point);
		used += wide;
		if (used + 3 <= max_columns) {
			fit_bytes = buf->n - start;
			fit_columns = used;
		}
	}
	return used;
}
