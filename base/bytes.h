/* A view of bytes that somebody else owns: the holder says until when it is good. Not
 * terminated, may hold any byte, p may be NULL when n is 0. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>

struct bytes {
	const char *p;
	size_t n;
};

#define BYTES(literal) ((struct bytes){(literal), sizeof(literal) - 1})

struct bytes bytes_of(const char *text); /* NULL gives the empty view */
struct bytes bytes_from(struct bytes all, size_t start);
struct bytes bytes_trim(struct bytes all); /* without blanks, tabs, CR, LF at both ends */
bool bytes_equal(struct bytes a, struct bytes b);
bool bytes_is(struct bytes a, const char *text);
bool bytes_is_nocase(struct bytes a, const char *text); /* ASCII letters only */
bool bytes_equal_nocase(struct bytes a, struct bytes b);
bool bytes_starts(struct bytes a, const char *text);
bool bytes_starts_nocase(struct bytes a, const char *text);
int bytes_compare(struct bytes a, struct bytes b); /* as memcmp, a prefix before its whole */
char *bytes_string(struct bytes a);                /* a copy for free(), with a NUL */

/* A whole decimal number that fits and nothing else: true. */
bool bytes_u64(struct bytes a, unsigned long long *out);

#endif
