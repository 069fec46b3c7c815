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

/* Pass over what is between words; false when there is nothing. */
static bool skip_gap(struct bytes *text)
{
	bool any = false;

	while (text->n > 0) {
		struct bytes rest = *text;
		uint32_t point;

		next_folded(&rest, &point);
		if (is_word(point))
			break;
		*text = rest;
		any = true;
	}
	return any;
}

/* Pass over the next word of wanted in both; false when it does not stand in text. */
static bool match_word(struct bytes *text, struct bytes *wanted)
{
	while (wanted->n > 0) {
		struct bytes rest = *wanted;
		uint32_t a, b;

		next_folded(&rest, &a);
		if (!is_word(a))
			break;
		if (text->n == 0)
			return false;
		next_folded(text, &b);
		if (a != b)
			return false;
		*wanted = rest;
	}
	return true;
}

/* The length of the term at the start of text, 0 when it is not there. Between its words stands
 * anything that is no word, as in the index. */
static size_t match_here(struct bytes text, const struct term *term)
{
	struct bytes rest = text, wanted = term->text;
	uint32_t next;

	skip_gap(&wanted);
	while (wanted.n > 0) {
		if (!match_word(&rest, &wanted))
			return 0;
		if (skip_gap(&wanted) && wanted.n > 0 && !skip_gap(&rest))
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

/* A hit that is being written. */
struct marking {
	const struct terms *terms;
	const char *begin, *end;
	size_t left; /* of the hit, in bytes of the text */
	bool in_word;
};

/* Before a character is written: a hit may begin with it. */
static void begin_mark(struct marking *marking, struct buf *out, struct bytes here, uint32_t point)
{
	bool word = is_word(point);

	if (marking->left == 0 && word && !marking->in_word) {
		marking->left = match_any(here, marking->terms);
		if (marking->left > 0)
			buf_text(out, marking->begin);
	}
	marking->in_word = word;
}

static void end_mark(struct marking *marking, struct buf *out, size_t bytes)
{
	if (marking->left == 0)
		return;
	marking->left = marking->left > bytes ? marking->left - bytes : 0;
	if (marking->left == 0)
		buf_text(out, marking->end);
}

/* Text with runs of blanks as one, up to the columns; hits are marked. */
static void put_marked(
    struct buf *out, struct bytes text, struct marking *marking, size_t max_columns)
{
	bool after_blank = true;
	size_t used = 0, wide;
	struct buf shown;

	buf_init(&shown, 64);
	while (text.n > 0) {
		struct bytes here = text, one;
		uint32_t point;

		next_folded(&text, &point);
		one = (struct bytes){here.p, here.n - text.n};
		buf_clear(&shown);
		wide = utf8_print(&shown, one, 0);
		if (point == ' ' && after_blank)
			buf_clear(&shown);
		else
			used += wide;
		if (used > max_columns)
			break;
		begin_mark(marking, out, here, point);
		buf_bytes(out, buf_view(&shown));
		end_mark(marking, out, one.n);
		after_blank = point == ' ';
	}
	end_mark(marking, out, SIZE_MAX);
	buf_release(&shown);
}

void snippet_make(struct buf *out, const struct extract *extract, const struct query *query,
    size_t max_columns, const char *mark_begin, const char *mark_end)
{
	static const enum extract_column order[] = {EXTRACT_BODY, EXTRACT_ATTACHMENT,
	    EXTRACT_FILENAME, EXTRACT_SUBJECT, EXTRACT_FROM, EXTRACT_TO, EXTRACT_CC, EXTRACT_LIST};
	struct terms terms = {.count = 0};
	struct marking marking = {.terms = &terms, .begin = mark_begin, .end = mark_end};
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
	put_marked(out, bytes_from(text, at), &marking, max_columns);
}
