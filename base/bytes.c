/* Owns:  nothing: views only. */
#include "base/bytes.h"

#include "base/mem.h"

#include <limits.h>
#include <string.h>

struct bytes bytes_of(const char *text)
{
	return (struct bytes){text, text ? strlen(text) : 0};
}

struct bytes bytes_from(struct bytes all, size_t start)
{
	if (start > all.n)
		start = all.n;
	if (start == 0)
		return all;
	return (struct bytes){all.p + start, all.n - start};
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct bytes bytes_trim(struct bytes all)
{
	while (all.n > 0 && is_blank(all.p[0]))
		all = bytes_from(all, 1);
	while (all.n > 0 && is_blank(all.p[all.n - 1]))
		all.n--;
	return all;
}

bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool bytes_is(struct bytes a, const char *text)
{
	return bytes_equal(a, bytes_of(text));
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Not strncasecmp: that ends at a NUL, and follows the locale. */
bool bytes_equal_nocase(struct bytes a, struct bytes b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

bool bytes_is_nocase(struct bytes a, const char *text)
{
	return bytes_equal_nocase(a, bytes_of(text));
}

bool bytes_starts(struct bytes a, const char *text)
{
	size_t n = strlen(text);

	return a.n >= n && bytes_is((struct bytes){a.p, n}, text);
}

bool bytes_starts_nocase(struct bytes a, const char *text)
{
	size_t n = strlen(text);

	return a.n >= n && bytes_is_nocase((struct bytes){a.p, n}, text);
}

int bytes_compare(struct bytes a, struct bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

	if (order != 0)
		return order;
	return a.n < b.n ? -1 : a.n > b.n;
}

char *bytes_string(struct bytes a)
{
	return mem_string_n(a.p, a.n);
}

bool bytes_u64(struct bytes a, unsigned long long *out)
{
	unsigned long long value = 0;
	size_t i;

	if (a.n == 0)
		return false;
	for (i = 0; i < a.n; i++) {
		unsigned digit = (unsigned)(unsigned char)a.p[i] - '0';

		if (digit > 9 || value > (ULLONG_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}
