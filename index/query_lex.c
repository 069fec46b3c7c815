/* Owns:  nothing: tokens are views into the query.
 * Knows: blanks, quotes, brackets, and when letters before a colon are an operator.
 * Never: lets text look like an operator that it is not: what it cannot tell is an error.
 * Spec:  index/QUERY.md, section "Words". */
#include "index/query_private.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <string.h>

#define SHOWN_BYTES_MAX 60

/* The characters of Unicode's White_Space, the byte order mark, and all controls. */
static bool is_blank_point(uint32_t point)
{
	return point <= ' ' || point == 0x7f || (point >= 0x80 && point <= 0xa0) ||
	    point == 0x1680 || (point >= 0x2000 && point <= 0x200a) || point == 0x2028 ||
	    point == 0x2029 || point == 0x202f || point == 0x205f || point == 0x3000 ||
	    point == 0xfeff;
}

/* The bytes of the blank at that place; 0 when none is there, or nothing. */
static size_t blank_at(const struct query_lexer *lexer, size_t at)
{
	struct bytes rest = bytes_from(lexer->text, at);
	size_t before = rest.n;
	uint32_t point;

	return utf8_next(&rest, &point) > 0 && is_blank_point(point) ? before - rest.n : 0;
}

static char char_at(const struct query_lexer *lexer, size_t at)
{
	return at < lexer->text.n ? lexer->text.p[at] : '\0';
}

/* Where a value or word ends at the latest. */
static bool is_end(const struct query_lexer *lexer, size_t at)
{
	return at >= lexer->text.n || blank_at(lexer, at) > 0 || char_at(lexer, at) == ')';
}

static struct bytes take_word(struct query_lexer *lexer)
{
	size_t start = lexer->at;

	while (!is_end(lexer, lexer->at) && char_at(lexer, lexer->at) != '(' &&
	    char_at(lexer, lexer->at) != '"')
		lexer->at++;
	return (struct bytes){lexer->text.p + start, lexer->at - start};
}

/* Behind the opening quote. */
static int take_phrase(struct query_lexer *lexer, struct query_token *out, struct err *err)
{
	size_t start = ++lexer->at;

	while (lexer->at < lexer->text.n && char_at(lexer, lexer->at) != '"')
		lexer->at +=
		    char_at(lexer, lexer->at) == '\\' && lexer->at + 1 < lexer->text.n ? 2 : 1;
	if (lexer->at >= lexer->text.n)
		return query_wrong(err, lexer->text, out->at, "this quote is never closed");
	out->kind = QUERY_TOKEN_PHRASE;
	out->text = (struct bytes){lexer->text.p + start, lexer->at - start};
	lexer->at++;
	out->is_prefix = char_at(lexer, lexer->at) == '*';
	if (out->is_prefix)
		lexer->at++;
	return 0;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The letters before a colon at the start of the word; "list-id" and "older_than" as well, so
 * that habits from elsewhere are not taken for text. */
static struct bytes name_before_colon(struct bytes word)
{
	size_t n = 0;

	while (n < word.n && (is_letter(word.p[n]) || (n > 0 && strchr("-_", word.p[n]))))
		n++;
	if (n == 0 || n == word.n || word.p[n] != ':')
		n = 0;
	word.n = n;
	return word;
}

/* http://x, C:\x, std::string, mailto:x */
static bool is_written_with_colon(struct bytes name, char behind)
{
	return (behind && strchr("/\\:", behind)) || bytes_is_nocase(name, "mailto");
}

static int unknown_operator(
    struct query_lexer *lexer, struct bytes name, struct bytes word, struct err *err)
{
	int shown = (int)(word.n < SHOWN_BYTES_MAX ? word.n : SHOWN_BYTES_MAX);

	while (shown > 0 && (size_t)shown < word.n && ((unsigned char)word.p[shown] & 0xc0) == 0x80)
		shown--;
	return query_wrong(err, lexer->text, lexer->at,
	    "there is no operator \"%.*s:\", did you mean \"%s:\"? To look for this text, put it "
	    "in "
	    "quotes: \"%.*s%s\"",
	    (int)(name.n < SHOWN_BYTES_MAX ? name.n : SHOWN_BYTES_MAX), name.p,
	    query_operator_nearest(name), shown, word.p, (size_t)shown < word.n ? "..." : "");
}

/* 1 and the token when an operator stands here, 0 when it does not. */
static int take_operator(struct query_lexer *lexer, struct query_token *out, struct err *err)
{
	struct query_lexer ahead = *lexer;
	struct bytes word = take_word(&ahead), name = name_before_colon(word);
	size_t value = lexer->at + name.n + 1;

	if (name.n == 0)
		return 0;
	out->op = query_operator_find(name);
	if (!out->op) {
		if (is_end(lexer, value) || is_written_with_colon(name, char_at(lexer, value)))
			return 0;
		return unknown_operator(lexer, name, word, err);
	}
	if (is_end(lexer, value))
		return query_wrong(err, lexer->text, lexer->at,
		    "\"%s:\" wants its value right behind the colon", query_operator_name(out->op));
	out->kind = QUERY_TOKEN_OPERATOR;
	lexer->at = value;
	return 1;
}

static enum query_token_kind keyword(struct bytes word)
{
	if (bytes_is(word, "AND"))
		return QUERY_TOKEN_AND;
	if (bytes_is(word, "OR"))
		return QUERY_TOKEN_OR;
	return bytes_is(word, "NOT") ? QUERY_TOKEN_NOT : QUERY_TOKEN_WORD;
}

/* A minus denies what it touches; two of them are text, as in "--dry-run". */
static int take_minus(struct query_lexer *lexer, struct query_token *out, struct err *err)
{
	if (is_end(lexer, lexer->at + 1))
		return query_wrong(err, lexer->text, lexer->at,
		    "this minus denies nothing: write -word without a blank, or NOT word");
	out->kind = QUERY_TOKEN_NOT;
	lexer->at++;
	return 0;
}

int query_lex(struct query_lexer *lexer, struct query_token *out, struct err *err)
{
	size_t blank;
	int got;

	while ((blank = blank_at(lexer, lexer->at)) > 0)
		lexer->at += blank;
	*out = (struct query_token){.kind = QUERY_TOKEN_END, .at = lexer->at};
	if (lexer->at == lexer->text.n)
		return 0;
	switch (char_at(lexer, lexer->at)) {
	case '(':
	case ')':
		out->kind =
		    char_at(lexer, lexer->at++) == '(' ? QUERY_TOKEN_OPEN : QUERY_TOKEN_CLOSE;
		return 0;
	case '"':
		return take_phrase(lexer, out, err);
	case '-':
		if (char_at(lexer, lexer->at + 1) != '-')
			return take_minus(lexer, out, err);
		break;
	}
	got = take_operator(lexer, out, err);
	if (got != 0)
		return got < 0 ? -1 : 0;
	out->text = take_word(lexer);
	out->kind = keyword(out->text);
	return 0;
}

int query_lex_value(struct query_lexer *lexer, const struct query_token *name,
    struct query_token *out, struct err *err)
{
	*out = (struct query_token){.kind = QUERY_TOKEN_WORD, .at = lexer->at};
	if (char_at(lexer, lexer->at) == '(') {
		out->kind = QUERY_TOKEN_OPEN;
		lexer->at++;
		return 0;
	}
	if (char_at(lexer, lexer->at) == '"') {
		if (take_phrase(lexer, out, err) != 0)
			return -1;
	} else {
		out->text = take_word(lexer);
	}
	if (!is_end(lexer, lexer->at))
		return query_wrong(err, lexer->text, lexer->at,
		    "the value of \"%s:\" ends here: put all of it in quotes",
		    query_operator_name(name->op));
	return 0;
}

char *query_unescape(struct bytes phrase)
{
	char *text = mem_alloc(phrase.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < phrase.n; i++) {
		if (phrase.p[i] == '\\' && i + 1 < phrase.n &&
		    (phrase.p[i + 1] == '"' || phrase.p[i + 1] == '\\'))
			i++;
		text[n++] = (unsigned char)phrase.p[i] < ' ' ? ' ' : phrase.p[i];
	}
	text[n] = '\0';
	return text;
}

/* Punctuation of ASCII, Latin-1, and the blocks General Punctuation and CJK Symbols. What
 * else is punctuation, the tokenizer knows. */
static bool is_token_point(uint32_t point)
{
	if (point < 0x80)
		return is_letter((char)point) || (point >= '0' && point <= '9');
	return !is_blank_point(point) &&
	    !(point <= 0xbf && point != 0xaa && point != 0xb5 && point != 0xba) &&
	    !(point >= 0x2000 && point <= 0x206f) && !(point >= 0x3001 && point <= 0x3003) &&
	    !(point >= 0x3008 && point <= 0x3020);
}

bool query_has_token(struct bytes text)
{
	uint32_t point;

	while (utf8_next(&text, &point) > 0)
		if (is_token_point(point))
			return true;
	return false;
}
