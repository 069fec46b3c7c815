/* Reading JSON (RFC 8259) value by value, without a tree.
 *
 *   struct jsonin json;
 *   struct bytes name, subject;
 *   jsonin_start(&json, line);
 *   jsonin_object(&json);
 *   while (jsonin_member(&json, &name))
 *     if (bytes_is(name, "subject"))
 *       jsonin_text(&json, &subject);
 *     else
 *       jsonin_pass(&json, name);
 *   jsonin_end(&json);
 *   if (json.wrong) ...            asked once: what is wrong with the text, and where (wrong_at)
 *   jsonin_release(&json);
 *
 * After the first fault every call returns false and changes nothing. A call for a value of
 * another type than the one that comes is such a fault: jsonin_next() tells what comes.
 *
 * Strict: UTF-8 (RFC 3629) only, no NUL in texts, integers of 64 bits, no member twice in an
 * object, at most JSONIN_DEPTH values inside each other. Members that stand twice are found
 * among those that were passed; for the others the caller must see to it that each comes once
 * (jsonin_fail). Of numbers with a fraction or an exponent only the form is judged.
 *
 * Texts without escapes are views of the input, others live until jsonin_release (or in what
 * jsonin_keep took). */
#ifndef BASE_JSONIN_H
#define BASE_JSONIN_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSONIN_DEPTH 2048

enum jsonin_type {
	JSONIN_NOTHING, /* no value begins here */
	JSONIN_OBJECT,
	JSONIN_ARRAY,
	JSONIN_TEXT,
	JSONIN_NUMBER,
	JSONIN_TRUTH,
	JSONIN_NULL
};

/* An object or array that is open. */
struct jsonin_level {
	size_t first_name; /* of its passed members, in names */
	bool is_object, has_value;
};

struct jsonin {
	const char *start, *at, *end;
	const char *wrong; /* NULL: nothing yet; a constant */
	size_t wrong_at;
	size_t depth;
	struct bytes *name; /* of passed members of the objects that are open */
	size_t names, names_room;
	char *made; /* texts that had escapes; NULL: none yet */
	size_t made_bytes;
	struct jsonin_level level[JSONIN_DEPTH];
};

void jsonin_start(struct jsonin *json, struct bytes text);
void jsonin_release(struct jsonin *json);
bool jsonin_end(struct jsonin *json);                    /* nothing but blanks may be left */
bool jsonin_fail(struct jsonin *json, const char *what); /* false; what is a constant */

enum jsonin_type jsonin_next(struct jsonin *json);

bool jsonin_object(struct jsonin *json); /* into it */
/* The next member's name, its value comes then: true; false behind the last one. */
bool jsonin_member(struct jsonin *json, struct bytes *name_out);
bool jsonin_array(struct jsonin *json);
bool jsonin_item(struct jsonin *json); /* a value comes; false behind the last one */

bool jsonin_text(struct jsonin *json, struct bytes *out);
bool jsonin_i64(struct jsonin *json, int64_t *out);
bool jsonin_truth(struct jsonin *json, bool *out);
bool jsonin_pass(struct jsonin *json, struct bytes name); /* over the value of that member */
bool jsonin_pass_value(struct jsonin *json);

/* Memory that lives as long as the texts that had escapes; for texts made of texts: as many
 * bytes in all as the input has. */
char *jsonin_room(struct jsonin *json, size_t bytes);
/* That memory for free(), NULL when none was needed. */
char *jsonin_keep(struct jsonin *json);

#endif
