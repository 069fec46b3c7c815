/* Owns:  nothing.
 * Knows: how to find words again the way the index does: letters of either case are one, and
 *        a word begins where a letter or digit follows none. */
#include "index/snippet.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#define TERMS_MAX    50
#define BEFORE_CHARS 30

struct term {
	struct bytes text;
	bool is_prefix;
};

struct terms {
	struct term term[TERMS_MAX];
	size_t count;
};

static void collect(struct terms *terms, const struct query_node *node)
{
	if (node->kind == QUERY_AND || node->kind == QUERY_OR) {
		collect(terms, node->left);
		collect(terms, node->right);
	} else if (node->kind == QUERY_TEXT && terms->count < TERMS_MAX && node->text[0]) {
		terms->term[terms->count++] = (struct term){bytes_of(node->text), node->is_prefix};
	}
}

static uint32_t fold(uint32_t point)
{
	return (uint32_t)towlower((wint_t)point);
}

static bool is_word(uint32_t point)
{
	return iswalnum((wint_t)point) != 0;
}

/* The next character, folded; blanks of every kind count as one. */
static int next_folded(struct bytes *text, uint32_t *point)
{
	int got = utf8_next(text, point);

	if (got < 0)
		*point = UTF8_REPLACEMENT;
	*point = *point <= ' ' ? ' ' : fold(*point);
	return got;
}

/* The length of the term at the start of text, 0 when it is not there. */
static size_t match_here(struct bytes text, const struct term *term)
{
	struct bytes rest = text, wanted = term->text;
	uint32_t a, b, next;

	while (wanted.n > 0) {
		if (rest.n == 0)
			return 0;
		next_folded(&wanted, &a);
		next_folded(&rest, &b);
		if (a != b)
			return 0;
	}
	if (!term->is_prefix && rest.n > 0) {
		struct bytes after = rest;

		next_folded(&after, &next);
		if (is_word(next))
			return 0;
	}
	return text.n - rest.n;
}

static size_t match_any(struct bytes text, const struct terms *terms)
{
	size_t i, n, longest = 0;

	for (i = 0; i < terms->count; i++) {
		n = match_here(text, &terms->term[i]);
		if (n > longest)
			longest = n;
	}
	return longest;
}

/* The first place where a term begins a word: its offset, or SIZE_MAX. */
static size_t find(struct bytes text, const struct terms *terms)
{
	struct bytes rest = text;
	bool in_word = false;
	uint32_t point;

	while (rest.n > 0) {
		struct bytes here = rest;

		next_folded(&rest, &point);
		if (is_word(point) && !in_word && match_any(here, terms) > 0)
			return text.n - here.n;
		in_word = is_word(point);
	}
	return SIZE_MAX;
}

/* Some characters before a place, from the start of a word. */
static size_t step_back(struct bytes text, size_t at)
{
	size_t start = at, chars = 0;

	while (start > 0 && chars < BEFORE_CHARS) {
		start--;
		if (((unsigned char)text.p[start] & 0xc0) != 0x80)
			chars++;
	}
	if (start > 0)
		while (start < at && text.p[start] != ' ' && text.p[start] != '\n')
			start++;
	return start;
}

/* Text with runs of blanks as one, up to the columns; hits are marked. */
static void put_marked(struct buf *out, struct bytes text, const struct terms *terms,
    size_t max_columns, const char *mark_begin, const char *mark_end)
{
	bool in_word = false, blank = true;
	size_t used = 0, hit = 0;
	struct buf one;

	buf_init(&one, 64);
	while (text.n > 0 && used < max_columns) {
		struct bytes here = text;
		uint32_t point, folded;

		if (utf8_next(&text, &point) < 0)
			point = UTF8_REPLACEMENT;
		folded = point <= ' ' ? ' ' : fold(point);
		if (hit == 0 && is_word(folded) && !in_word) {
			hit = match_any(here, terms);
			if (hit > 0)
				buf_text(out, mark_begin);
		}
		in_word = is_word(folded);
		if (point > ' ' || !blank) {
			buf_clear(&one);
			utf8_put(&one, point);
			used += utf8_print(out, buf_view(&one), 0);
		}
		blank = point <= ' ';
		if (hit > 0) {
			size_t step = here.n - text.n;

			hit = hit > step ? hit - step : 0;
			if (hit == 0)
				buf_text(out, mark_end);
		}
	}
	if (hit > 0)
		buf_text(out, mark_end);
	buf_release(&one);
}

void snippet_make(struct buf *out, const struct extract *extract, const struct query *query,
    size_t max_columns, const char *mark_begin, const char *mark_end)
{
	static const enum extract_column order[] = {EXTRACT_BODY, EXTRACT_ATTACHMENT,
	    EXTRACT_FILENAME, EXTRACT_SUBJECT, EXTRACT_FROM, EXTRACT_TO, EXTRACT_CC, EXTRACT_LIST};
	struct terms terms = {.count = 0};
	struct bytes text = buf_view(&extract->column[EXTRACT_BODY]);
	size_t i, at = 0;

	collect(&terms, query_root(query));
	for (i = 0; terms.count > 0 && i < sizeof order / sizeof *order; i++) {
		struct bytes column = buf_view(&extract->column[order[i]]);
		size_t found = find(column, &terms);

		if (found != SIZE_MAX) {
			text = column;
			at = step_back(column, found);
			break;
		}
	}
	put_marked(out, bytes_from(text, at), &terms, max_columns, mark_begin, mark_end);
}
