/* Owns:  the bytes between init and release.
 * Never: holds more than max_bytes. */
#include "base/buf.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *buf, size_t max_bytes)
{
	memset(buf, 0, sizeof *buf);
	buf->max_bytes = max_bytes;
}

void buf_release(struct buf *buf)
{
	free(buf->p);
	buf_init(buf, buf->max_bytes);
}

void buf_clear(struct buf *buf)
{
	buf_cut(buf, 0);
	buf->overflow = false;
}

char *buf_reserve(struct buf *buf, size_t bytes)
{
	if (bytes > buf->max_bytes - buf->n) {
		buf->overflow = true;
		return NULL;
	}
	buf->p = mem_grow(buf->p, &buf->room, buf->n + bytes + 1, 1);
	return buf->p + buf->n;
}

void buf_add(struct buf *buf, const void *data, size_t bytes)
{
	char *at = buf_reserve(buf, bytes);

	if (!at)
		return;
	if (bytes > 0)
		memcpy(at, data, bytes);
	buf->n += bytes;
	buf->p[buf->n] = '\0';
}

void buf_bytes(struct buf *buf, struct bytes data)
{
	buf_add(buf, data.p, data.n);
}

void buf_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_char(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

void buf_format_v(struct buf *buf, const char *format, va_list args)
{
	char small[256], *at;
	va_list again;
	int length;

	va_copy(again, args);
	length = vsnprintf(small, sizeof small, format, args);
	if (length >= (int)sizeof small) {
		at = buf_reserve(buf, (size_t)length);
		if (at) {
			vsnprintf(at, (size_t)length + 1, format, again);
			buf->n += (size_t)length;
		}
	} else if (length > 0) {
		buf_add(buf, small, (size_t)length);
	}
	va_end(again);
}

void buf_format(struct buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_format_v(buf, format, args);
	va_end(args);
}

void buf_drop(struct buf *buf, size_t bytes)
{
	if (bytes > buf->n)
		bytes = buf->n;
	if (bytes == 0)
		return;
	memmove(buf->p, buf->p + bytes, buf->n - bytes);
	buf->n -= bytes;
	buf->p[buf->n] = '\0';
}

void buf_cut(struct buf *buf, size_t bytes)
{
	if (bytes >= buf->n)
		return;
	buf->n = bytes;
	buf->p[bytes] = '\0';
}

const char *buf_string(struct buf *buf)
{
	if (buf->n == 0)
		return "";
	buf->p[buf->n] = '\0';
	return buf->p;
}

struct bytes buf_view(const struct buf *buf)
{
	return (struct bytes){buf->p, buf->n};
}

char *buf_take(struct buf *buf)
{
	char *text = buf->p ? buf->p : mem_string("");

	text[buf->n] = '\0';
	buf_init(buf, buf->max_bytes);
	return text;
}
