/* Owns:  nothing.
 * Knows: the distance of Damerau and Levenshtein: letters put in, left out, changed, and
 *        neighbours swapped count one each. */
#include "config/settings.h"

#include <stdint.h>
#include <string.h>

#define NAME_BYTES_MAX 96 /* longer ones are near nothing */

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t distance(struct bytes a, struct bytes b)
{
	uint8_t rows[3][NAME_BYTES_MAX + 1];
	uint8_t *before = rows[0], *last = rows[1], *row = rows[2], *swap;

	for (size_t j = 0; j <= b.n; j++)
		last[j] = (uint8_t)j;
	for (size_t i = 1; i <= a.n; i++) {
		row[0] = (uint8_t)i;
		for (size_t j = 1; j <= b.n; j++) {
			char x = lower(a.p[i - 1]), y = lower(b.p[j - 1]);
			size_t cost = least(
			    least(last[j], row[j - 1]) + 1U, last[j - 1] + (x == y ? 0U : 1U));

			if (i > 1 && j > 1 && x == lower(b.p[j - 2]) && lower(a.p[i - 2]) == y)
				cost = least(cost, before[j - 2] + 1U);
			row[j] = (uint8_t)cost;
		}
		swap = before;
		before = last;
		last = row;
		row = swap;
	}
	return last[b.n];
}

const char *settings_nearest(const char *wrong, const char *const *names, size_t count)
{
	struct bytes given = bytes_of(wrong);
	size_t best_distance = SIZE_MAX;
	const char *best = NULL;

	if (given.n > NAME_BYTES_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		struct bytes name = bytes_of(names[i]);
		size_t d;

		if (name.n > NAME_BYTES_MAX)
			continue;
		d = distance(given, name);
		if (d <= name.n / 3 && d < best_distance) {
			best = names[i];
			best_distance = d;
		}
	}
	return best;
}
