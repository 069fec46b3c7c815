/* Taking a response apart, value by value (RFC 9051 section 9).
 *
 * A cursor stands somewhere in a response_text. Its literals are not marked in the text, only
 * listed with their places, so nothing here ever runs across one: text ends at stop, where the
 * next literal begins, and the literal is taken as a whole.
 *
 * Functions that return int return 0, or -1 with wrong saying why the text cannot be
 * followed. */
#ifndef ARCHIVER_IMAPWIRE_RESPONSE_PRIVATE_H
#define ARCHIVER_IMAPWIRE_RESPONSE_PRIVATE_H

#include "archiver/imapwire/response.h"

struct cursor {
	char *p, *stop, *end;
	char *base;
	const struct response_literal *literal; /* the next one; literal_count are left */
	size_t literal_count;
	const char *wrong;
};

/* One value of any shape. */
enum value_kind {
	VALUE_NONE,    /* a closing parenthesis or the end stands here */
	VALUE_WORD,    /* text: up to a space, a parenthesis, a quote or a literal */
	VALUE_QUOTED,  /* text: without the quotes, unescaped */
	VALUE_LITERAL, /* text: its bytes; none when streamed */
	VALUE_LIST     /* text: what stands inside the parentheses, as sent */
};

struct value {
	enum value_kind kind;
	struct bytes text;
	bool streamed;    /* a literal whose bytes are not here */
	bool has_literal; /* somewhere in the list: its text is not what was sent */
};

void cursor_init(struct cursor *cursor, const struct response_text *text);
int cursor_fail(struct cursor *cursor, const char *wrong); /* -1 */

/* Neither text nor a literal is left. */
bool cursor_at_end(const struct cursor *cursor);
bool cursor_at(const struct cursor *cursor, char c); /* c is the next byte of text */

void cursor_skip_spaces(struct cursor *cursor);
struct bytes cursor_word(struct cursor *cursor);
struct bytes cursor_rest(struct cursor *cursor); /* up to stop, without spaces at both ends */
int cursor_value(struct cursor *cursor, struct value *out); /* skips spaces before it */

/* The rest of the response is values; or only spaces. */
int cursor_skip_values(struct cursor *cursor);
int cursor_want_end(struct cursor *cursor);

/* A number that is written as one: 12, and nothing else. */
bool value_number(const struct value *value, uint64_t *out);

/* A size, which some servers write as 9.3736e+06: near enough for what sizes are used for. */
bool value_size(const struct value *value, uint64_t *out);

/* A quoted string or a literal that is here. */
bool value_is_string(const struct value *value);

bool response_ends_word(char c); /* space, parenthesis, quote */

/* What a line begins, by its first words. */
bool response_is_status(
    struct bytes line);                    /* tagged, OK NO BAD BYE PREAUTH, +: ends in free text */
bool response_is_fetch(struct bytes line); /* "* 12 FETCH" */
bool response_condition(struct bytes word, enum response_condition *out);

/* Readers of what follows the word that names the kind. */
int response_read_fetch(struct cursor *cursor, struct response *out);
int response_read_list(struct cursor *cursor, struct response *out);
int response_read_mailbox_status(struct cursor *cursor, struct response *out);
int response_read_quota(struct cursor *cursor, struct response *out);
int response_read_quotaroot(struct cursor *cursor, struct response *out);
int response_read_search(struct cursor *cursor, struct response *out);
int response_read_esearch(struct cursor *cursor, struct response *out);
int response_read_vanished(struct cursor *cursor, struct response *out);

#endif
