/* Writing JSON (RFC 8259) on one line into a buffer.
 *
 *   struct jsonout json;
 *   jsonout_start(&json, &out);
 *   jsonout_object(&json, NULL);
 *     jsonout_text(&json, "subject", subject);
 *     jsonout_array(&json, "flags");
 *       jsonout_text(&json, NULL, BYTES("\\Seen"));
 *     jsonout_end(&json);
 *   jsonout_end(&json);
 *
 * Inside an object every value has a key, inside an array none (NULL). The order is the
 * order of the calls; no blanks are written. */
#ifndef BASE_JSONOUT_H
#define BASE_JSONOUT_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/digest.h"

#include <stdbool.h>
#include <stdint.h>

#define JSONOUT_DEPTH 16

struct jsonout {
	struct buf *out;
	int depth;
	char close[JSONOUT_DEPTH]; /* what ends each open level */
	bool more;                 /* a value stands before the next one on this level */
};

void jsonout_start(struct jsonout *json, struct buf *out);
void jsonout_object(struct jsonout *json, const char *key);
void jsonout_array(struct jsonout *json, const char *key);
void jsonout_end(struct jsonout *json); /* of the innermost object or array */

void jsonout_u64(struct jsonout *json, const char *key, uint64_t value);
void jsonout_i64(struct jsonout *json, const char *key, int64_t value);
void jsonout_real(struct jsonout *json, const char *key,
    double value); /* three decimals; what is not finite: null */
void jsonout_bool(struct jsonout *json, const char *key, bool value);
void jsonout_null(struct jsonout *json, const char *key);
void jsonout_hex(struct jsonout *json, const char *key, const struct sha256 *sum);
void jsonout_time(struct jsonout *json, const char *key, int64_t time_unix); /* ISO 8601 UTC */

/* A string for people and programs: bytes that are not UTF-8 become U+FFFD. */
void jsonout_text(struct jsonout *json, const char *key, struct bytes text);

/* A string that must come back exactly: text that is UTF-8 without NUL is a string, anything
 * else the object {"b64":"..."} (archiver/store/FORMAT.md). */
void jsonout_exact(struct jsonout *json, const char *key, struct bytes text);

#endif
