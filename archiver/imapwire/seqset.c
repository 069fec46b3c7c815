/* Owns:  the array of ranges.
 * Knows: sequence-set of RFC 9051 section 9, and what servers write for it.
 * Never: expands a range; holds 0; lets two ranges touch.
 * Spec:  RFC 9051 section 9 (sequence-set, uid-set), RFC 4315 section 4. */
#include "archiver/imapwire/seqset.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define RANGE_CHARS 24 /* ",4294967295:4294967295" */

void seqset_init(struct seqset *set)
{
	memset(set, 0, sizeof *set);
}

void seqset_release(struct seqset *set)
{
	free(set->range);
	seqset_init(set);
}

void seqset_clear(struct seqset *set)
{
	set->count = 0;
}

/* The first range that ends at uid or later; count when all end before. */
static size_t find(const struct seqset *set, uint32_t uid)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->range[middle].last >= uid)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void insert(struct seqset *set, size_t at, struct seqset_range range)
{
	set->range = mem_grow(set->range, &set->room, set->count + 1, sizeof *set->range);
	memmove(set->range + at + 1, set->range + at, (set->count - at) * sizeof *set->range);
	set->range[at] = range;
	set->count++;
}

static void drop(struct seqset *set, size_t at, size_t count)
{
	size_t behind = set->count - at - count;

	memmove(set->range + at, set->range + at + count, behind * sizeof *set->range);
	set->count -= count;
}

void seqset_add_range(struct seqset *set, uint32_t a, uint32_t b)
{
	struct seqset_range range = {a < b ? a : b, a < b ? b : a};
	size_t from, to;

	if (range.last == 0)
		return;
	if (range.first == 0)
		range.first = 1;
	if (set->count == 0 || range.first - 1 > set->range[set->count - 1].last) {
		insert(set, set->count, range);
		return;
	}
	from = find(set, range.first - 1); /* the first that it touches */
	to = find(set, range.last);
	if (to < set->count && set->range[to].first - 1 <= range.last)
		to++;
	if (from == to) {
		insert(set, from, range);
		return;
	}
	if (set->range[from].first < range.first)
		range.first = set->range[from].first;
	if (set->range[to - 1].last > range.last)
		range.last = set->range[to - 1].last;
	set->range[from] = range;
	drop(set, from + 1, to - from - 1);
}

void seqset_add(struct seqset *set, uint32_t uid)
{
	seqset_add_range(set, uid, uid);
}

void seqset_remove(struct seqset *set, uint32_t uid)
{
	size_t at = find(set, uid);
	struct seqset_range *range;

	if (!seqset_has(set, uid))
		return;
	range = &set->range[at];
	if (range->first == range->last) {
		drop(set, at, 1);
	} else if (range->first == uid) {
		range->first++;
	} else if (range->last == uid) {
		range->last--;
	} else {
		struct seqset_range behind = {uid + 1, range->last};

		range->last = uid - 1;
		insert(set, at + 1, behind);
	}
}

bool seqset_has(const struct seqset *set, uint32_t uid)
{
	size_t at = find(set, uid);

	return at < set->count && set->range[at].first <= uid;
}

uint64_t seqset_count(const struct seqset *set)
{
	uint64_t count = 0;
	size_t i;

	for (i = 0; i < set->count; i++)
		count += (uint64_t)set->range[i].last - set->range[i].first + 1;
	return count;
}

bool seqset_is_empty(const struct seqset *set)
{
	return set->count == 0;
}

uint32_t seqset_next(const struct seqset *set, uint32_t after)
{
	size_t at;

	if (after == UINT32_MAX)
		return 0;
	at = find(set, after + 1);
	if (at == set->count)
		return 0;
	return set->range[at].first > after ? set->range[at].first : after + 1;
}

static size_t range_text(struct seqset_range range, bool more, char out[RANGE_CHARS])
{
	const char *comma = more ? "," : "";
	int n;

	if (range.first == range.last)
		n = snprintf(out, RANGE_CHARS, "%s%u", comma, range.first);
	else
		n = snprintf(out, RANGE_CHARS, "%s%u:%u", comma, range.first, range.last);
	return (size_t)n;
}

uint32_t seqset_format(
    const struct seqset *set, uint32_t after, uint64_t max_count, size_t max_bytes, struct buf *out)
{
	char text[RANGE_CHARS];
	size_t at, bytes = 0;
	uint32_t last = 0;

	if (after == UINT32_MAX)
		return 0;
	for (at = find(set, after + 1); at < set->count && max_count > 0; at++) {
		struct seqset_range range = set->range[at];
		size_t n;

		if (range.first <= after)
			range.first = after + 1;
		if (range.last - range.first >= max_count)
			range.last = range.first + (uint32_t)(max_count - 1);
		n = range_text(range, last != 0, text);
		if (last != 0 && bytes + n > max_bytes)
			break;
		buf_add(out, text, n);
		bytes += n;
		max_count -= (uint64_t)range.last - range.first + 1;
		last = range.last;
	}
	return last;
}

struct bound {
	uint32_t uid;
	bool open; /* it was "*" */
};

/* A UID, or "*", off the front of text. */
static bool take_bound(struct bytes *text, uint32_t star, struct bound *out)
{
	bool open = text->n > 0 && text->p[0] == '*';
	uint64_t value = open ? star : 0;
	size_t i = open ? 1 : 0;

	for (; !open && i < text->n && text->p[i] >= '0' && text->p[i] <= '9'; i++) {
		value = value * 10 + (uint64_t)(text->p[i] - '0');
		if (value > UINT32_MAX)
			return false;
	}
	if (value == 0)
		return false;
	*text = bytes_from(*text, i);
	*out = (struct bound){(uint32_t)value, open};
	return true;
}

static bool take_range(struct bytes *text, uint32_t star, struct seqset_range *out)
{
	struct bound a, b;

	if (!take_bound(text, star, &a))
		return false;
	b = a;
	if (text->n > 0 && text->p[0] == ':') {
		*text = bytes_from(*text, 1);
		if (!take_bound(text, star, &b))
			return false;
	}
	/* A server that says "12:*" speaks of 12 and up, even where star is 10. */
	if (a.open && a.uid < b.uid)
		a.uid = b.uid;
	if (b.open && b.uid < a.uid)
		b.uid = a.uid;
	*out = (struct seqset_range){a.uid < b.uid ? a.uid : b.uid, a.uid < b.uid ? b.uid : a.uid};
	return true;
}

/* One comma, or blanks as in a SEARCH response. */
static bool take_separator(struct bytes *text)
{
	size_t i = 0;

	if (text->n > 0 && text->p[0] == ',')
		i = 1;
	else
		while (i < text->n && text->p[i] == ' ')
			i++;
	*text = bytes_from(*text, i);
	return i > 0;
}

static int ascending(const void *a, const void *b)
{
	const struct seqset_range *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* Every range of the text, in its order, overlapping or not. */
static int take_all(struct seqset *raw, struct bytes text, uint32_t star, size_t max_ranges,
    bool *sorted_out, struct err *err)
{
	struct seqset_range range;

	*sorted_out = true;
	do {
		if (!take_range(&text, star, &range))
			return err_set(
			    err, ERR_PROTOCOL, "the server sent a set of messages that is none");
		if (raw->count == max_ranges)
			return err_set(err, ERR_LIMIT,
			    "the server sent a set of more than %zu ranges", max_ranges);
		if (raw->count > 0 && range.first < raw->range[raw->count - 1].first)
			*sorted_out = false;
		insert(raw, raw->count, range);
	} while (take_separator(&text));
	if (text.n > 0)
		return err_set(err, ERR_PROTOCOL, "the server sent a set of messages that is none");
	return 0;
}

/* Both lists ascend, so that every addition is at the end. */
static void merge(struct seqset *into, const struct seqset *a, const struct seqset *b)
{
	size_t i = 0, j = 0;

	while (i < a->count || j < b->count) {
		bool left =
		    j == b->count || (i < a->count && a->range[i].first <= b->range[j].first);
		const struct seqset_range *next = left ? &a->range[i++] : &b->range[j++];

		seqset_add_range(into, next->first, next->last);
	}
}

int seqset_parse(
    struct seqset *set, struct bytes text, uint32_t star, size_t max_ranges, struct err *err)
{
	struct seqset raw, all, old;
	int result = -1;
	bool sorted;

	seqset_init(&raw);
	seqset_init(&all);
	if (take_all(&raw, text, star, max_ranges, &sorted, err) != 0)
		goto out;
	if (!sorted)
		qsort(raw.range, raw.count, sizeof *raw.range, ascending);
	merge(&all, set, &raw);
	old = *set;
	*set = all;
	all = old;
	result = 0;
out:
	seqset_release(&raw);
	seqset_release(&all);
	return result;
}
