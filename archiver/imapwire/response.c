/* Owns:  nothing: views into the response_text.
 * Knows: the kinds of responses, response codes.
 * Never: takes an unreadable response for one of no interest.
 * Spec:  RFC 9051 sections 7 and 9 (response), RFC 5530. */
#include "archiver/imapwire/response.h"

#include "archiver/imapwire/response_private.h"

#include <string.h>

#define SHOWN_BYTES 60 /* of a response that cannot be read */

static int read_rest(struct cursor *cursor, struct response *out)
{
	out->list = cursor_rest(cursor);
	return cursor_want_end(cursor);
}

/* Some servers have keywords with parentheses and quotes in them: from the first to the last
 * parenthesis. */
static int read_flags(struct cursor *cursor, struct response *out)
{
	struct bytes rest = cursor_rest(cursor);

	if (rest.n < 2 || rest.p[0] != '(' || rest.p[rest.n - 1] != ')')
		return cursor_fail(cursor, "the flags are no list");
	out->list = (struct bytes){rest.p + 1, rest.n - 2};
	return cursor_want_end(cursor);
}

/* A literal in it would leave list without its borders. */
static int read_as_sent(struct cursor *cursor, struct response *out)
{
	bool has_literal = cursor->literal_count > 0;
	const char *start;

	cursor_skip_spaces(cursor);
	start = cursor->p;
	if (cursor_skip_values(cursor) != 0)
		return -1;
	if (has_literal)
		out->kind = RESPONSE_OTHER;
	else
		out->list = (struct bytes){start, (size_t)(cursor->p - start)};
	return 0;
}

static int read_other(struct cursor *cursor, struct response *out)
{
	(void)out;
	return cursor_skip_values(cursor);
}

static int read_nothing(struct cursor *cursor, struct response *out)
{
	(void)out;
	return cursor_want_end(cursor);
}

struct kind {
	const char *word;
	enum response_kind kind;
	int (*read)(struct cursor *cursor, struct response *out);
};

static const struct kind numbered[] = {
    {"FETCH", RESPONSE_FETCH, response_read_fetch},
    {"EXISTS", RESPONSE_EXISTS, read_nothing},
    {"EXPUNGE", RESPONSE_EXPUNGE, read_nothing},
    {"RECENT", RESPONSE_RECENT, read_nothing},
    {NULL, RESPONSE_OTHER, read_other},
};

static const struct kind named[] = {
    {"LIST", RESPONSE_LIST, response_read_list},
    {"LSUB", RESPONSE_LIST, response_read_list},
    {"STATUS", RESPONSE_MAILBOX_STATUS, response_read_mailbox_status},
    {"SEARCH", RESPONSE_SEARCH, response_read_search},
    {"ESEARCH", RESPONSE_SEARCH, response_read_esearch},
    {"VANISHED", RESPONSE_VANISHED, response_read_vanished},
    {"CAPABILITY", RESPONSE_CAPABILITY, read_rest},
    {"ENABLED", RESPONSE_ENABLED, read_rest},
    {"FLAGS", RESPONSE_FLAGS, read_flags},
    {"NAMESPACE", RESPONSE_NAMESPACE, read_as_sent},
    {"ID", RESPONSE_ID, read_as_sent},
    {"QUOTAROOT", RESPONSE_QUOTAROOT, response_read_quotaroot},
    {"QUOTA", RESPONSE_QUOTA, response_read_quota},
    {NULL, RESPONSE_OTHER, read_other},
};

static int read_kind(
    struct cursor *cursor, const struct kind *kind, struct bytes word, struct response *out)
{
	while (kind->word && !bytes_is_nocase(word, kind->word))
		kind++;
	out->kind = kind->kind;
	return kind->read(cursor, out);
}

/* Where the code in brackets ends: a keyword of PERMANENTFLAGS may hold a bracket. */
static const char *find_bracket(struct bytes inside)
{
	const char *end = NULL;
	size_t i = 0;

	while (i < inside.n && inside.p[i] != ' ' && inside.p[i] != ']')
		i++;
	while (i < inside.n && inside.p[i] == ' ')
		i++;
	if (i < inside.n && inside.p[i] == '(')
		end = memmem(inside.p + i, inside.n - i, ")]", 2);
	if (end)
		return end + 1;
	return memchr(inside.p, ']', inside.n);
}

static struct bytes trim_spaces(struct bytes text)
{
	while (text.n > 0 && text.p[0] == ' ')
		text = bytes_from(text, 1);
	while (text.n > 0 && text.p[text.n - 1] == ' ')
		text.n--;
	return text;
}

/* mailutils answers "NO APPEND [TRYCREATE] ...". */
static void find_misplaced_code(struct response *out)
{
	static const char code[] = "[TRYCREATE]";
	size_t i;

	for (i = 0; i < out->human.n; i++)
		if (bytes_starts_nocase(bytes_from(out->human, i), code))
			out->code = (struct bytes){out->human.p + i + 1, sizeof code - 3};
}

/* resp-text: "[CODE argument] text", each part of which may be missing. A bracket that is
 * never closed makes no code: where its argument ends could only be guessed. */
static int read_text(struct cursor *cursor, struct response *out)
{
	struct bytes inside;
	const char *end;
	size_t i = 0;

	out->human = cursor_rest(cursor);
	inside = bytes_starts(out->human, "[") ? bytes_from(out->human, 1) : (struct bytes){0};
	end = inside.n > 0 ? find_bracket(inside) : NULL;
	if (end) {
		out->human = trim_spaces(bytes_from(inside, (size_t)(end - inside.p) + 1));
		inside.n = (size_t)(end - inside.p);
		while (i < inside.n && inside.p[i] != ' ')
			i++;
		out->code = (struct bytes){inside.p, i};
		out->code_argument = trim_spaces(bytes_from(inside, i));
	} else if (out->condition == CONDITION_NO) {
		find_misplaced_code(out);
	}
	return cursor_want_end(cursor);
}

static bool begins_number(struct bytes word)
{
	return word.n > 0 && (word.p[0] == '-' || (word.p[0] >= '0' && word.p[0] <= '9'));
}

static int read_untagged(struct cursor *cursor, struct response *out)
{
	struct value value;

	cursor_skip_spaces(cursor);
	if (cursor_at(cursor, '[')) {
		out->kind = RESPONSE_STATUS;
		return read_text(cursor, out);
	}
	if (cursor_value(cursor, &value) != 0)
		return -1;
	if (value.kind != VALUE_WORD)
		return cursor_fail(cursor, "it does not say what it is");
	if (response_condition(value.text, &out->condition)) {
		out->kind = RESPONSE_STATUS;
		return read_text(cursor, out);
	}
	if (!begins_number(value.text))
		return read_kind(cursor, named, value.text, out);
	if (!value_number(&value, &out->number))
		return cursor_fail(cursor, "its number is none");
	if (cursor_value(cursor, &value) != 0)
		return -1;
	if (value.kind != VALUE_WORD)
		return cursor_fail(cursor, "it does not say what it is");
	return read_kind(cursor, numbered, value.text, out);
}

static int read_tagged(struct cursor *cursor, struct response *out)
{
	out->kind = RESPONSE_TAGGED;
	out->tag = cursor_word(cursor);
	cursor_skip_spaces(cursor);
	if (out->tag.n == 0 || !response_condition(cursor_word(cursor), &out->condition) ||
	    out->condition > CONDITION_BAD)
		return cursor_fail(cursor, "it is no end of a command");
	return read_text(cursor, out);
}

static int read_response(struct cursor *cursor, struct response *out)
{
	if (cursor_at_end(cursor))
		return 0;
	if (cursor_at(cursor, '+')) {
		cursor->p++;
		out->kind = RESPONSE_CONTINUE;
		out->human = cursor_rest(cursor);
		return 0;
	}
	if (cursor_at(cursor, '[')) { /* Exchange, without "* OK" */
		out->kind = RESPONSE_STATUS;
		return read_text(cursor, out);
	}
	if (!cursor_at(cursor, '*'))
		return read_tagged(cursor, out);
	cursor->p++;
	if (!cursor_at(cursor, ' '))
		return cursor_fail(cursor, "it does not say what it is");
	return read_untagged(cursor, out);
}

int response_parse(struct response_text *text, struct response *out, struct err *err)
{
	struct response response;
	struct cursor cursor;

	if (text->pending_bytes > 0)
		return err_set(err, ERR_BUG, "a response whose literal is not complete");
	memset(&response, 0, sizeof response);
	cursor_init(&cursor, text);
	if (read_response(&cursor, &response) != 0)
		return err_set(err, ERR_PROTOCOL,
		    "the server's response \"%.*s\" cannot be read: %s",
		    (int)(text->text.n < SHOWN_BYTES ? text->text.n : SHOWN_BYTES), text->text.p,
		    cursor.wrong);
	*out = response;
	return 0;
}

bool response_code_number(const struct response *response, uint64_t *out)
{
	unsigned long long number;

	if (!bytes_u64(response->code_argument, &number))
		return false;
	*out = number;
	return true;
}
