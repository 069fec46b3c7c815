/* A growing run of bytes with a ceiling.
 *
 *   struct buf line;
 *   buf_init(&line, 64 * 1024);
 *   buf_text(&line, "UID FETCH ");
 *   if (line.overflow) ...            asked once, at the end
 *   buf_release(&line);
 *
 * p[n] is always NUL once something was added (buf_string() makes sure of it). An addition
 * that would pass max_bytes changes nothing and sets overflow, which stays set until
 * buf_clear: so straight-line code needs one check. Views of p are good until the next
 * addition. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/bytes.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *p;
	size_t n, room, max_bytes;
	bool overflow;
};

void buf_init(struct buf *buf, size_t max_bytes);
void buf_release(struct buf *buf);
void buf_clear(struct buf *buf); /* empty, no overflow; keeps its room */

void buf_add(struct buf *buf, const void *data, size_t bytes);
void buf_bytes(struct buf *buf, struct bytes data);
void buf_text(struct buf *buf, const char *text);
void buf_char(struct buf *buf, char c);
void buf_format(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_format_v(struct buf *buf, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
void buf_drop(struct buf *buf, size_t bytes); /* takes bytes off the front */
void buf_cut(struct buf *buf, size_t bytes);  /* keeps the first bytes only */

/* Room for that many further bytes at p + n, to be filled by the caller, who then adds to n.
 * NULL and overflow when it would pass the ceiling. */
char *buf_reserve(struct buf *buf, size_t bytes);

const char *buf_string(struct buf *buf); /* "" when empty */
struct bytes buf_view(const struct buf *buf);
char *buf_take(struct buf *buf); /* the string, for free(); the buffer is empty then */

#endif
