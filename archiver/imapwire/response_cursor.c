/* Owns:  nothing.
 * Knows: atoms, quoted strings, literals and lists, and how deep they may go.
 * Never: reads past stop; looks for anything inside a literal; recurses.
 * Spec:  RFC 9051 section 9. */
#include "archiver/imapwire/response_private.h"

#include <string.h>

static void set_stop(struct cursor *cursor)
{
	cursor->stop = cursor->literal_count > 0 ? cursor->base + cursor->literal->at : cursor->end;
}

void cursor_init(struct cursor *cursor, const struct response_text *text)
{
	cursor->base = cursor->p = text->text.p;
	cursor->end = text->text.p + text->text.n;
	cursor->literal = text->literal;
	cursor->literal_count = text->literal_count;
	cursor->wrong = NULL;
	set_stop(cursor);
}

int cursor_fail(struct cursor *cursor, const char *wrong)
{
	cursor->wrong = wrong;
	return -1;
}

static bool at_literal(const struct cursor *cursor)
{
	return cursor->literal_count > 0 && cursor->p == cursor->stop;
}

bool cursor_at_end(const struct cursor *cursor)
{
	return cursor->literal_count == 0 && cursor->p == cursor->end;
}

bool cursor_at(const struct cursor *cursor, char c)
{
	return cursor->p < cursor->stop && *cursor->p == c;
}

void cursor_skip_spaces(struct cursor *cursor)
{
	while (cursor->p < cursor->stop && *cursor->p == ' ')
		cursor->p++;
}

bool response_ends_word(char c)
{
	return c == ' ' || c == '(' || c == ')' || c == '"';
}

struct bytes cursor_word(struct cursor *cursor)
{
	const char *start = cursor->p;

	while (cursor->p < cursor->stop && !response_ends_word(*cursor->p))
		cursor->p++;
	return (struct bytes){start, (size_t)(cursor->p - start)};
}

/* Not bytes_trim: a name may end in a TAB. */
struct bytes cursor_rest(struct cursor *cursor)
{
	struct bytes rest;

	cursor_skip_spaces(cursor);
	rest = (struct bytes){cursor->p, (size_t)(cursor->stop - cursor->p)};
	while (rest.n > 0 && rest.p[rest.n - 1] == ' ')
		rest.n--;
	cursor->p = cursor->stop;
	return rest;
}

static void take_literal(struct cursor *cursor, struct value *out)
{
	size_t bytes = cursor->literal->streamed ? 0 : (size_t)cursor->literal->bytes;

	out->kind = VALUE_LITERAL;
	out->text = (struct bytes){cursor->p, bytes};
	out->streamed = cursor->literal->streamed;
	cursor->p += bytes;
	cursor->literal++;
	cursor->literal_count--;
	set_stop(cursor);
}

/* From one quote to the other; *escaped_out when a backslash is in between. */
static int skip_quoted(struct cursor *cursor, bool *escaped_out)
{
	char *p = cursor->p + 1;

	*escaped_out = false;
	for (; p < cursor->stop && *p != '"'; p++) {
		if (*p != '\\')
			continue;
		*escaped_out = true;
		p++;
	}
	if (p >= cursor->stop)
		return cursor_fail(cursor, "a quoted string has no end");
	cursor->p = p + 1;
	return 0;
}

/* In place. A backslash before anything else than these two is meant as one. */
static size_t unescape(char *text, size_t n)
{
	size_t from, to = 0;

	for (from = 0; from < n; from++) {
		if (text[from] == '\\' && from + 1 < n &&
		    (text[from + 1] == '"' || text[from + 1] == '\\'))
			from++;
		text[to++] = text[from];
	}
	return to;
}

static int take_quoted(struct cursor *cursor, struct value *out)
{
	char *text = cursor->p + 1;
	bool escaped;
	size_t n;

	if (skip_quoted(cursor, &escaped) != 0)
		return -1;
	n = (size_t)(cursor->p - text) - 1;
	out->kind = VALUE_QUOTED;
	out->text = (struct bytes){text, escaped ? unescape(text, n) : n};
	return 0;
}

/* One step inside a list. */
static int skip_in_list(struct cursor *cursor, int *depth, struct value *list)
{
	struct value literal;
	bool escaped;

	if (at_literal(cursor)) {
		take_literal(cursor, &literal);
		list->has_literal = true;
		return 0;
	}
	if (cursor->p == cursor->stop)
		return cursor_fail(cursor, "a parenthesis is not closed");
	if (*cursor->p == '"')
		return skip_quoted(cursor, &escaped);
	if (*cursor->p == '(')
		++*depth;
	else if (*cursor->p == ')')
		--*depth;
	if (*depth > RESPONSE_DEPTH)
		return cursor_fail(cursor, "parentheses are too deep");
	cursor->p++;
	return 0;
}

static int take_list(struct cursor *cursor, struct value *out)
{
	const char *inside = cursor->p + 1;
	int depth = 0;

	do {
		if (skip_in_list(cursor, &depth, out) != 0)
			return -1;
	} while (depth > 0);
	out->kind = VALUE_LIST;
	out->text = (struct bytes){inside, (size_t)(cursor->p - inside) - 1};
	return 0;
}

int cursor_value(struct cursor *cursor, struct value *out)
{
	memset(out, 0, sizeof *out);
	cursor_skip_spaces(cursor);
	if (at_literal(cursor)) {
		take_literal(cursor, out);
		return 0;
	}
	if (cursor->p == cursor->stop || *cursor->p == ')')
		return 0;
	if (*cursor->p == '"')
		return take_quoted(cursor, out);
	if (*cursor->p == '(')
		return take_list(cursor, out);
	out->kind = VALUE_WORD;
	out->text = cursor_word(cursor);
	return 0;
}

int cursor_skip_values(struct cursor *cursor)
{
	struct value value;

	do {
		if (cursor_value(cursor, &value) != 0)
			return -1;
	} while (value.kind != VALUE_NONE);
	return cursor_want_end(cursor);
}

int cursor_want_end(struct cursor *cursor)
{
	cursor_skip_spaces(cursor);
	if (!cursor_at_end(cursor))
		return cursor_fail(cursor, "more follows than can be understood");
	return 0;
}

bool value_is_string(const struct value *value)
{
	return value->kind == VALUE_QUOTED || (value->kind == VALUE_LITERAL && !value->streamed);
}

bool value_number(const struct value *value, uint64_t *out)
{
	unsigned long long number;

	if (value->kind != VALUE_WORD || !bytes_u64(value->text, &number))
		return false;
	*out = number;
	return true;
}

/* Digits off the front onto *value; how many. */
static size_t take_digits(struct bytes *text, uint64_t *value, bool *overflow)
{
	size_t i;

	for (i = 0; i < text->n && text->p[i] >= '0' && text->p[i] <= '9'; i++)
		if (__builtin_mul_overflow(*value, 10u, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(text->p[i] - '0'), value))
			*overflow = true;
	*text = bytes_from(*text, i);
	return i;
}

static bool take_exponent(struct bytes *text, uint64_t *out, bool *negative, bool *overflow)
{
	*out = 0;
	*negative = false;
	if (text->n == 0)
		return true;
	if (text->p[0] != 'e' && text->p[0] != 'E')
		return false;
	*text = bytes_from(*text, 1);
	if (text->n > 0 && (text->p[0] == '+' || text->p[0] == '-')) {
		*negative = text->p[0] == '-';
		*text = bytes_from(*text, 1);
	}
	return take_digits(text, out, overflow) > 0;
}

bool value_size(const struct value *value, uint64_t *out)
{
	struct bytes text = value->text;
	uint64_t number = 0, exponent;
	size_t digits, decimals = 0;
	bool overflow = false, negative;

	if (value->kind != VALUE_WORD)
		return false;
	digits = take_digits(&text, &number, &overflow);
	if (text.n > 0 && text.p[0] == '.') {
		text = bytes_from(text, 1);
		decimals = take_digits(&text, &number, &overflow);
	}
	if (digits == 0 || !take_exponent(&text, &exponent, &negative, &overflow) || text.n > 0 ||
	    exponent > 1000)
		return false;
	for (; negative && exponent > 0; exponent--)
		number /= 10;
	for (; exponent > decimals && !overflow; exponent--)
		overflow = __builtin_mul_overflow(number, 10u, &number);
	for (; exponent < decimals; decimals--)
		number /= 10;
	if (overflow)
		return false;
	*out = number;
	return true;
}
