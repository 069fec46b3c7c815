/* Writing JSON (RFC 8259) on one line into a buffer.
 *
 *   struct json json;
 *   json_start(&json, &out);
 *   json_object(&json, NULL);
 *     json_text(&json, "subject", subject);
 *     json_array(&json, "flags");
 *       json_text(&json, NULL, BYTES("\\Seen"));
 *     json_end(&json);
 *   json_end(&json);
 *
 * Inside an object every value has a key, inside an array none (NULL). The order is the
 * order of the calls; no blanks are written. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/digest.h"

#include <stdbool.h>
#include <stdint.h>

#define JSON_DEPTH 16

struct json {
	struct buf *out;
	int depth;
	char close[JSON_DEPTH]; /* what ends each open level */
	bool more;              /* a value stands before the next one on this level */
};

void json_start(struct json *json, struct buf *out);
void json_object(struct json *json, const char *key);
void json_array(struct json *json, const char *key);
void json_end(struct json *json); /* of the innermost object or array */

void json_u64(struct json *json, const char *key, uint64_t value);
void json_i64(struct json *json, const char *key, int64_t value);
void json_real(struct json *json, const char *key, double value); /* three decimals */
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);
void json_hex(struct json *json, const char *key, const struct sha256 *sum);
void json_time(struct json *json, const char *key, int64_t time_unix); /* ISO 8601 UTC */

/* A string for people and programs: bytes that are not UTF-8 become U+FFFD. */
void json_text(struct json *json, const char *key, struct bytes text);

/* A string that must come back exactly: text that is UTF-8 without NUL is a string, anything
 * else the object {"b64":"..."} (archiver/store/FORMAT.md). */
void json_exact(struct json *json, const char *key, struct bytes text);

#endif
