/* Owns:  nothing: views only.
 * Knows: that INBOX is one folder however it is written (RFC 9051 section 5.1).
 * Never: takes longer than the product of both lengths. */
#include "config/patterns.h"

#include "base/utf8.h"
#include "config/settings.h"

#include <stdint.h>
#include <string.h>

/* Take the next pattern off the front of the list; false when there is none. */
static bool next_pattern(struct bytes *list, struct bytes *pattern_out, bool *excludes_out)
{
	const char *comma;

	if (!list->p)
		return false;
	comma = list->n > 0 ? memchr(list->p, ',', list->n) : NULL;
	*pattern_out = (struct bytes){list->p, comma ? (size_t)(comma - list->p) : list->n};
	*list = comma ? bytes_from(*list, pattern_out->n + 1) : (struct bytes){NULL, 0};
	*pattern_out = bytes_trim(*pattern_out);
	*excludes_out = bytes_starts(*pattern_out, "!");
	if (*excludes_out)
		*pattern_out = bytes_trim(bytes_from(*pattern_out, 1));
	return true;
}

bool patterns_valid(struct bytes patterns)
{
	struct bytes pattern;
	bool excludes;

	if (patterns.n == 0)
		return false;
	while (next_pattern(&patterns, &pattern, &excludes))
		if (pattern.n == 0)
			return false;
	return true;
}

/* How many bytes at the start of a folder's path are INBOX in any case. */
static size_t inbox_bytes(struct bytes folder)
{
	struct bytes inbox = BYTES("INBOX");

	if (!bytes_starts_nocase(folder, inbox.p))
		return 0;
	return folder.n == inbox.n || folder.p[inbox.n] == '/' ? inbox.n : 0;
}

static size_t character_bytes(struct bytes text)
{
	struct bytes rest = text;
	uint32_t point;

	utf8_next(&rest, &point);
	return text.n - rest.n;
}

/* How many bytes of the folder one character of the pattern (no "*") takes; 0: it differs. */
static size_t step(struct bytes pattern, size_t p, struct bytes folder, size_t f, size_t inbox)
{
	if (pattern.p[p] == '?')
		return character_bytes(bytes_from(folder, f));
	if (f < inbox)
		return bytes_equal_nocase(
		    (struct bytes){pattern.p + p, 1}, (struct bytes){folder.p + f, 1});
	return pattern.p[p] == folder.p[f];
}

/* Only the last "*" is ever taken back, which is enough: what the earlier ones took may stay. */
static bool is_like(struct bytes pattern, struct bytes folder, size_t inbox)
{
	size_t p = 0, f = 0, star_p = SIZE_MAX, star_f = 0, took;

	while (f < folder.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star_p = ++p;
			star_f = f;
			continue;
		}
		took = p < pattern.n ? step(pattern, p, folder, f, inbox) : 0;
		if (took > 0) {
			p++;
			f += took;
		} else if (star_p != SIZE_MAX) {
			star_f += character_bytes(bytes_from(folder, star_f));
			p = star_p;
			f = star_f;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

static bool matches(struct bytes pattern, struct bytes folder)
{
	size_t inbox = inbox_bytes(folder);

	while (pattern.n > 1 && pattern.p[pattern.n - 1] == '/')
		pattern.n--;
	if (pattern.n == 0)
		return false;
	if (memchr(pattern.p, '*', pattern.n) || memchr(pattern.p, '?', pattern.n))
		return is_like(pattern, folder, inbox);
	if (folder.n > pattern.n && folder.p[pattern.n] == '/')
		folder.n = pattern.n;
	return is_like(pattern, folder, inbox);
}

/* More than stars, which name nothing. */
static bool says_something(struct bytes pattern)
{
	size_t i;

	for (i = 0; i < pattern.n; i++)
		if (pattern.p[i] != '*' && pattern.p[i] != '?')
			return true;
	return false;
}

bool settings_folder_named(const char *patterns, struct bytes folder)
{
	struct bytes list = bytes_of(patterns), pattern;
	bool excludes, named = false;

	while (next_pattern(&list, &pattern, &excludes))
		if (matches(pattern, folder) && says_something(pattern))
			named = !excludes;
	return named;
}

bool settings_folder_wanted(const char *patterns, struct bytes folder)
{
	struct bytes list = bytes_of(patterns), pattern;
	bool excludes, wanted = bytes_starts(bytes_trim(list), "!");

	while (next_pattern(&list, &pattern, &excludes))
		if (matches(pattern, folder))
			wanted = !excludes;
	return wanted;
}
