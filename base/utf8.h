/* UTF-8 (RFC 3629): judging it, walking it, and making foreign text fit to print. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/buf.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define UTF8_REPLACEMENT 0xfffdU

bool utf8_valid(struct bytes text); /* no surrogates, no overlong forms */

/* Take one character off the front: 1, or 0 at the end, or -1 when the first byte begins
 * none (one byte is taken then). */
int utf8_next(struct bytes *text, uint32_t *point_out);

void utf8_put(struct buf *buf, uint32_t point); /* a code point that cannot be: U+FFFD */

/* Append text for one line of a terminal or a log: blanks and control characters become one
 * space each, bidirectional controls and other invisible ones go, wrong bytes become U+FFFD.
 * max_columns limits the width (0: no limit); what is cut off ends in "...". Returns the
 * columns used. The width of a character is the C library's, under the current locale. */
size_t utf8_print(struct buf *buf, struct bytes text, size_t max_columns);

#endif
