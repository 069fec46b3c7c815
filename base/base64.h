/* Base64 (RFC 4648 section 4), strict: what decodes here encodes to the same characters
 * again, byte for byte. Line breaks are the caller's business. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define BASE64_ENCODED_BYTES(n) (((n) + 2) / 3 * 4)

/* out takes BASE64_ENCODED_BYTES(bytes) characters, no NUL. Returns their number. */
size_t base64_encode(const uint8_t *data, size_t bytes, char *out);

/* out takes text.n / 4 * 3 bytes. False when text is not canonical: its length no multiple
 * of 4, a foreign character, wrong padding, or bits set behind the padding. */
bool base64_decode(struct bytes text, uint8_t *out, size_t *bytes_out);

bool base64_is_digit(char c); /* without '=' */
bool base64_are_digits(struct bytes text);

void base64_put(struct buf *buf, struct bytes data);  /* appends the encoded form */
bool base64_take(struct buf *buf, struct bytes text); /* appends the decoded form */

#endif
