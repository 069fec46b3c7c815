/* SHA-256 (FIPS 180-4) by OpenSSL. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define SHA256_BYTES     32
#define SHA256_HEX_BYTES (2 * SHA256_BYTES + 1)

struct sha256 {
	uint8_t b[SHA256_BYTES];
};

struct digest; /* one running sum; not shared between threads */

struct digest *digest_new(void);
void digest_free(struct digest *digest);
void digest_add(struct digest *digest, const void *data, size_t bytes);
void digest_end(struct digest *digest, struct sha256 *out); /* and begins anew */

void sha256_of(struct bytes data, struct sha256 *out);
bool sha256_equal(const struct sha256 *a, const struct sha256 *b);
void sha256_hex(const struct sha256 *sum, char out[SHA256_HEX_BYTES]); /* lower case */
bool sha256_parse(struct bytes hex, struct sha256 *out); /* 64 digits of either case */

#endif
