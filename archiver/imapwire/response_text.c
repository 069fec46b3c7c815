/* Owns:  the bytes of one response and the places of its literals.
 * Knows: where a literal is announced, and where "{5}" is just text.
 * Never: takes bytes of a message for a line, or a line for bytes of a message.
 * Spec:  RFC 9051 sections 4.3 and 9 (literal, resp-text), RFC 3516 (literal8). */
#include "archiver/imapwire/response_private.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void response_text_init(struct response_text *text)
{
	memset(text, 0, sizeof *text);
	buf_init(&text->text, RESPONSE_SET_BYTES);
}

void response_text_release(struct response_text *text)
{
	buf_release(&text->text);
	free(text->literal);
	response_text_init(text);
}

void response_text_clear(struct response_text *text)
{
	buf_clear(&text->text);
	text->literal_count = 0;
	text->pending_bytes = 0;
}

/* The next word of a line, and the line behind it. */
static struct bytes take_word(struct bytes *line)
{
	struct bytes word;
	size_t i = 0;

	while (line->n > 0 && line->p[0] == ' ')
		*line = bytes_from(*line, 1);
	while (i < line->n && !response_ends_word(line->p[i]))
		i++;
	word = (struct bytes){line->p, i};
	*line = bytes_from(*line, i);
	return word;
}

bool response_condition(struct bytes word, enum response_condition *out)
{
	static const char *const names[] = {"OK", "NO", "BAD", "BYE", "PREAUTH"};
	int i;

	for (i = 0; i < (int)(sizeof names / sizeof *names); i++)
		if (bytes_is_nocase(word, names[i])) {
			*out = (enum response_condition)i;
			return true;
		}
	return false;
}

bool response_is_status(struct bytes line)
{
	enum response_condition condition;
	struct bytes word;

	if (!bytes_starts(line, "* "))
		return true;
	line = bytes_from(line, 2);
	word = take_word(&line);
	return bytes_starts(word, "[") || response_condition(word, &condition);
}

bool response_is_fetch(struct bytes line)
{
	unsigned long long number;

	if (!bytes_starts(line, "* "))
		return false;
	line = bytes_from(line, 2);
	return bytes_u64(take_word(&line), &number) && bytes_is_nocase(take_word(&line), "FETCH");
}

/* The kinds that name all messages of a folder. */
static bool is_set(struct bytes line)
{
	struct bytes word;

	if (!bytes_starts(line, "* "))
		return false;
	line = bytes_from(line, 2);
	word = take_word(&line);
	return bytes_is_nocase(word, "SEARCH") || bytes_is_nocase(word, "ESEARCH") ||
	    bytes_is_nocase(word, "VANISHED");
}

static int check_room(const struct response_text *text, size_t bytes, struct err *err)
{
	size_t max = is_set(buf_view(&text->text)) ? RESPONSE_SET_BYTES : RESPONSE_BYTES;

	if (bytes > max - text->text.n)
		return err_set(
		    err, ERR_LIMIT, "the server sent a response of more than %zu bytes", max);
	return 0;
}

static int add_line(struct response_text *text, struct bytes line, struct err *err)
{
	bool first = text->text.n == 0 && text->literal_count == 0;
	bool set = first && line.n > RESPONSE_LINE_BYTES && is_set(line);
	size_t max = set ? RESPONSE_SET_BYTES : RESPONSE_LINE_BYTES;

	if (line.n > max)
		return err_set(
		    err, ERR_LIMIT, "the server sent a line of more than %zu bytes", max);
	if (!first && check_room(text, line.n, err) != 0)
		return -1;
	buf_bytes(&text->text, line);
	return 0;
}

/* A quoted string cannot go over the end of a line. */
static bool ends_in_quotes(struct bytes text)
{
	bool inside = false;
	size_t i;

	for (i = 0; i < text.n; i++) {
		if (text.p[i] == '"')
			inside = !inside;
		else if (text.p[i] == '\\' && inside)
			i++;
	}
	return inside;
}

static bool is_digits(struct bytes text)
{
	size_t i;

	for (i = 0; i < text.n; i++)
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
	return text.n > 0;
}

/* "{5}", "{5+}", "~{5}" at the end of a line: 1, its length and where it begins; 0 when there
 * is none; -1 when a literal is meant that cannot be followed. To read the text of a message
 * as lines, or lines as text of a message, would let a message speak for the server. */
static int find_announcement(const struct response_text *text, struct bytes line,
    uint64_t *bytes_out, size_t *begin_out, struct err *err)
{
	struct bytes whole = buf_view(&text->text), count;
	unsigned long long bytes;
	const char *brace;
	size_t begin;

	if (line.n == 0 || line.p[line.n - 1] != '}' || response_is_status(whole))
		return 0;
	brace = memrchr(line.p, '{', line.n);
	if (!brace)
		return 0;
	begin = (size_t)(brace - line.p);
	count = (struct bytes){brace + 1, line.n - begin - 2};
	if (count.n > 1 && count.p[count.n - 1] == '+')
		count.n--;
	if (!is_digits(count) && !response_is_fetch(whole))
		return 0;
	if (ends_in_quotes((struct bytes){line.p, begin}) || !is_digits(count))
		return err_set(err, ERR_PROTOCOL, "the server announced a text without a length");
	if (!bytes_u64(count, &bytes) || bytes > INT64_MAX)
		return err_set(err, ERR_LIMIT, "the server announced a text of %.*s bytes",
		    (int)(count.n < 40 ? count.n : 40), count.p);
	if (begin > 0 && line.p[begin - 1] == '~')
		begin--;
	*bytes_out = bytes;
	*begin_out = begin;
	return 1;
}

static int announce(struct response_text *text, uint64_t bytes, struct err *err)
{
	if (text->literal_count == RESPONSE_LITERALS)
		return err_set(err, ERR_LIMIT,
		    "the server sent more than %d literals in one response", RESPONSE_LITERALS);
	text->literal = mem_grow(
	    text->literal, &text->literal_room, text->literal_count + 1, sizeof *text->literal);
	text->literal[text->literal_count++] =
	    (struct response_literal){.at = text->text.n, .bytes = bytes};
	text->pending_bytes = bytes;
	return 0;
}

int response_text_line(struct response_text *text, struct bytes line, struct err *err)
{
	size_t start = text->text.n, begin = 0;
	uint64_t bytes = 0;
	int found;

	if (text->pending_bytes > 0)
		return err_set(err, ERR_BUG, "a line where bytes of a literal are due");
	if (add_line(text, line, err) != 0)
		return -1;
	if (line.n == 0 || line.p[line.n - 1] != '}')
		return 1;
	found = find_announcement(text, line, &bytes, &begin, err);
	if (found <= 0)
		return found == 0 ? 1 : -1;
	buf_cut(&text->text, start + begin);
	return announce(text, bytes, err);
}

static bool ends_with_item(struct bytes text, const char *name)
{
	struct bytes item = bytes_of(name);
	size_t before;

	if (text.n <= item.n)
		return false;
	before = text.n - item.n;
	return bytes_equal_nocase(bytes_from(text, before), item) &&
	    (text.p[before - 1] == ' ' || text.p[before - 1] == '(');
}

bool response_text_is_body(const struct response_text *text)
{
	const struct response_literal *last;
	struct bytes before = buf_view(&text->text);
	size_t start = 0;

	if (text->literal_count == 0 || !response_is_fetch(before))
		return false;
	last = text->literal + text->literal_count - 1;
	if (text->literal_count > 1 && last[-1].streamed)
		start = last[-1].at;
	else if (text->literal_count > 1)
		start = last[-1].at + (size_t)last[-1].bytes;
	before = bytes_from((struct bytes){before.p, last->at}, start);
	while (before.n > 0 && before.p[before.n - 1] == ' ')
		before.n--;
	return ends_with_item(before, "BODY[]") || ends_with_item(before, "RFC822");
}

int response_text_literal(struct response_text *text, struct bytes data, struct err *err)
{
	uint64_t bytes;

	if (text->literal_count == 0 || data.n > text->pending_bytes)
		return err_set(err, ERR_BUG, "more bytes than the literal has");
	bytes = text->literal[text->literal_count - 1].bytes;
	if (bytes > RESPONSE_LITERAL_BYTES)
		return err_set(err, ERR_LIMIT,
		    "the server sent a text of %" PRIu64 " bytes where at most %u are taken", bytes,
		    RESPONSE_LITERAL_BYTES);
	if (check_room(text, data.n, err) != 0)
		return -1;
	buf_bytes(&text->text, data);
	text->pending_bytes -= data.n;
	return 0;
}

void response_text_streamed(struct response_text *text)
{
	struct response_literal *last;

	if (text->literal_count == 0)
		return;
	last = text->literal + text->literal_count - 1;
	buf_cut(&text->text, last->at);
	last->streamed = true;
	text->pending_bytes = 0;
}
