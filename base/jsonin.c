/* Owns:  the names of passed members, and texts that had escapes.
 * Knows: the grammar of JSON.
 * Never: allocates for a text without escapes, or reads behind the input.
 * Spec:  RFC 8259, RFC 3629 */
#include "base/jsonin.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

void jsonin_start(struct jsonin *json, struct bytes text)
{
	json->start = json->at = text.n > 0 ? text.p : "";
	json->end = json->start + text.n;
	json->wrong = NULL;
	json->wrong_at = 0;
	json->depth = 0;
	json->name = NULL;
	json->names = json->names_room = 0;
	json->made = NULL;
	json->made_bytes = 0;
}

void jsonin_release(struct jsonin *json)
{
	free(json->name);
	free(json->made);
	json->name = NULL;
	json->made = NULL;
}

bool jsonin_fail(struct jsonin *json, const char *what)
{
	if (!json->wrong) {
		json->wrong = what;
		json->wrong_at = (size_t)(json->at - json->start);
	}
	return false;
}

/* What is decoded once from its escapes and once from base64 has room in that: each time it
 * gets shorter. */
char *jsonin_room(struct jsonin *json, size_t bytes)
{
	char *room;

	if (!json->made)
		json->made = mem_alloc(2 * (size_t)(json->end - json->start));
	room = json->made + json->made_bytes;
	json->made_bytes += bytes;
	return room;
}

char *jsonin_keep(struct jsonin *json)
{
	char *made = json->made;

	json->made = NULL;
	return made;
}

/* The first character that is no blank; NUL at the end of the input. */
static char look(struct jsonin *json)
{
	while (json->at < json->end &&
	    (*json->at == ' ' || *json->at == '\t' || *json->at == '\n' || *json->at == '\r'))
		json->at++;
	return json->at < json->end ? *json->at : '\0';
}

bool jsonin_end(struct jsonin *json)
{
	(void)look(json);
	if (json->wrong || json->at == json->end)
		return !json->wrong;
	return jsonin_fail(json, "something stands behind the end");
}

enum jsonin_type jsonin_next(struct jsonin *json)
{
	char c = json->wrong ? '\0' : look(json);

	switch (c) {
	case '{':
		return JSONIN_OBJECT;
	case '[':
		return JSONIN_ARRAY;
	case '"':
		return JSONIN_TEXT;
	case 't':
	case 'f':
		return JSONIN_TRUTH;
	case 'n':
		return JSONIN_NULL;
	default:
		return c == '-' || (c >= '0' && c <= '9') ? JSONIN_NUMBER : JSONIN_NOTHING;
	}
}

/* Does a value of that type begin here? */
static bool begins(struct jsonin *json, enum jsonin_type type)
{
	enum jsonin_type next = jsonin_next(json);

	if (json->wrong)
		return false;
	if (next != type)
		return jsonin_fail(json,
		    next == JSONIN_NOTHING ? "a value is missing" : "a value of another type");
	return json->depth < JSONIN_DEPTH || jsonin_fail(json, "too many values inside each other");
}

/* ---- objects and arrays ---- */

static bool open_level(struct jsonin *json, enum jsonin_type type)
{
	if (!begins(json, type))
		return false;
	json->at++;
	json->level[json->depth++] =
	    (struct jsonin_level){.first_name = json->names, .is_object = type == JSONIN_OBJECT};
	return true;
}

bool jsonin_object(struct jsonin *json)
{
	return open_level(json, JSONIN_OBJECT);
}

bool jsonin_array(struct jsonin *json)
{
	return open_level(json, JSONIN_ARRAY);
}

/* In an open object or array: over the comma, and true when something comes; false and over
 * the end of it when that comes. */
static bool step(struct jsonin *json, bool is_object)
{
	struct jsonin_level *level;
	char c;

	if (json->wrong)
		return false;
	level = &json->level[json->depth - 1];
	c = look(json);
	if (c == (is_object ? '}' : ']')) {
		json->at++;
		json->depth--;
		return false;
	}
	if (level->has_value) {
		if (c != ',')
			return jsonin_fail(json, "a comma or an end is missing");
		json->at++;
	}
	level->has_value = true;
	return true;
}

bool jsonin_item(struct jsonin *json)
{
	return step(json, false);
}

static int by_bytes(const void *a, const void *b)
{
	return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

static void forget_names(struct jsonin *json, size_t first)
{
	size_t i, count = json->names - first;
	struct bytes *name = json->name + first;

	if (count > 1)
		qsort(name, count, sizeof *name, by_bytes);
	for (i = 1; i < count; i++)
		if (bytes_equal(name[i - 1], name[i]))
			jsonin_fail(json, "a member stands twice");
	json->names = first;
}

static bool take_text(struct jsonin *json, struct bytes *out);

bool jsonin_member(struct jsonin *json, struct bytes *name_out)
{
	struct bytes name;

	if (!step(json, true)) {
		if (!json->wrong && json->names > json->level[json->depth].first_name)
			forget_names(json, json->level[json->depth].first_name);
		return false;
	}
	if (look(json) != '"')
		return jsonin_fail(json, "a member without a name");
	if (!take_text(json, &name))
		return false;
	if (look(json) != ':')
		return jsonin_fail(json, "a name without a colon");
	json->at++;
	*name_out = name;
	return true;
}

/* ---- texts ---- */

static bool hex4(const char *p, const char *end, uint32_t *out)
{
	uint32_t value = 0;
	int i;

	if (end - p < 4)
		return false;
	for (i = 0; i < 4; i++) {
		char c = p[i], small = (char)(c | 0x20);

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint32_t)(c - '0');
		else if (small >= 'a' && small <= 'f')
			value = value << 4 | (uint32_t)(small - 'a' + 10);
		else
			return false;
	}
	*out = value;
	return true;
}

/* The character behind "\u": characters read, 0 when it is none. */
static size_t take_point(const char *p, const char *end, uint32_t *out)
{
	uint32_t low;

	if (!hex4(p, end, out) || *out == 0 || (*out >= 0xdc00 && *out <= 0xdfff))
		return 0;
	if (*out < 0xd800 || *out > 0xdbff)
		return 4;
	if (end - p < 10 || p[4] != '\\' || p[5] != 'u' || !hex4(p + 6, end, &low) ||
	    low < 0xdc00 || low > 0xdfff)
		return 0;
	*out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
	return 10;
}

static char *put_point(char *to, uint32_t point)
{
	if (point < 0x80) {
		*to++ = (char)point;
		return to;
	}
	if (point < 0x800) {
		*to++ = (char)(0xc0 | point >> 6);
	} else {
		if (point < 0x10000) {
			*to++ = (char)(0xe0 | point >> 12);
		} else {
			*to++ = (char)(0xf0 | point >> 18);
			*to++ = (char)(0x80 | (point >> 12 & 0x3f));
		}
		*to++ = (char)(0x80 | (point >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (point & 0x3f));
	return to;
}

/* The escape whose backslash stands before p: the number of characters read, 0 when it is
 * wrong; what it stands for goes to *to, which moves. It is never longer. */
static size_t take_escape(const char *p, const char *end, char **to)
{
	static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
	const char *found = *p ? strchr(from, *p) : NULL;
	uint32_t point;
	size_t read;

	if (found) {
		*(*to)++ = into[found - from];
		return 1;
	}
	if (*p != 'u' || (read = take_point(p + 1, end, &point)) == 0)
		return 0;
	*to = put_point(*to, point);
	return 1 + read;
}

/* What stands between the quotes, with its escapes undone. */
static bool undo_escapes(struct jsonin *json, struct bytes raw, struct bytes *out)
{
	const char *p = raw.p, *end = raw.p + raw.n, *next;
	char *made = jsonin_room(json, raw.n), *to = made;
	size_t read;

	for (; (next = memchr(p, '\\', (size_t)(end - p))) != NULL; p = next + 1 + read) {
		memcpy(to, p, (size_t)(next - p));
		to += next - p;
		read = take_escape(next + 1, end, &to);
		if (read == 0)
			return jsonin_fail(json, "a wrong escape in a text");
	}
	memcpy(to, p, (size_t)(end - p));
	to += end - p;
	*out = (struct bytes){made, (size_t)(to - made)};
	json->made_bytes -= raw.n - out->n;
	return true;
}

static bool is_plain(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 0x20 && u < 0x80 && u != '"' && u != '\\';
}

/* Over the text that begins at the quote. */
static bool take_text(struct jsonin *json, struct bytes *out)
{
	const char *p = json->at + 1, *end = json->end;
	bool has_escape = false;
	struct bytes rest, raw;
	uint32_t point;

	for (;;) {
		while (p < end && is_plain(*p))
			p++;
		if (p == end)
			return jsonin_fail(json, "a text without an end");
		if (*p == '"')
			break;
		if (*p == '\\') {
			has_escape = true;
			if (end - p < 2)
				return jsonin_fail(json, "a text without an end");
			p += 2;
			continue;
		}
		rest = (struct bytes){p, (size_t)(end - p)};
		if ((unsigned char)*p < 0x20 || utf8_next(&rest, &point) != 1)
			return jsonin_fail(json, "a text that is not UTF-8 or has a control");
		p = rest.p;
	}
	raw = (struct bytes){json->at + 1, (size_t)(p - json->at) - 1};
	if (has_escape && !undo_escapes(json, raw, &raw))
		return false;
	json->at = p + 1;
	*out = raw;
	return true;
}

bool jsonin_text(struct jsonin *json, struct bytes *out)
{
	return begins(json, JSONIN_TEXT) && take_text(json, out);
}

/* ---- numbers and words ---- */

static const char *over_digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

/* The end of the fraction and exponent at p, p when there are none, NULL when they are wrong. */
static const char *over_fraction(const char *p, const char *end)
{
	const char *digits;

	if (p < end && *p == '.') {
		digits = p + 1;
		p = over_digits(digits, end);
		if (p == digits)
			return NULL;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		digits = p + 1;
		if (digits < end && (*digits == '+' || *digits == '-'))
			digits++;
		p = over_digits(digits, end);
		if (p == digits)
			return NULL;
	}
	return p;
}

static bool to_i64(const char *p, const char *end, bool is_negative, int64_t *out)
{
	int64_t value = 0; /* below 0: that side is longer */

	for (; p < end; p++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, *p - '0', &value))
			return false;
	if (!is_negative && value == INT64_MIN)
		return false;
	*out = is_negative ? value : -value;
	return true;
}

/* Over a number: *is_whole when it has neither fraction nor exponent, and *out then. */
static bool take_number(struct jsonin *json, bool *is_whole, int64_t *out)
{
	const char *p = json->at, *end = json->end, *digits, *stop;

	if (*p == '-')
		p++;
	digits = p;
	p = over_digits(p, end);
	if (p == digits || (*digits == '0' && p > digits + 1))
		return jsonin_fail(json, "a wrong number");
	stop = over_fraction(p, end);
	if (!stop)
		return jsonin_fail(json, "a wrong number");
	*is_whole = stop == p;
	if (*is_whole && !to_i64(digits, p, *json->at == '-', out))
		return jsonin_fail(json, "a number that is too large");
	json->at = stop;
	return true;
}

bool jsonin_i64(struct jsonin *json, int64_t *out)
{
	bool is_whole;
	int64_t value;

	if (!begins(json, JSONIN_NUMBER) || !take_number(json, &is_whole, &value))
		return false;
	if (!is_whole)
		return jsonin_fail(json, "a number that is not whole");
	*out = value;
	return true;
}

static bool take_word(struct jsonin *json, const char *word)
{
	if (!bytes_starts((struct bytes){json->at, (size_t)(json->end - json->at)}, word))
		return jsonin_fail(json, "a word that is none of JSON");
	json->at += strlen(word);
	return true;
}

bool jsonin_truth(struct jsonin *json, bool *out)
{
	bool is_true;

	if (!begins(json, JSONIN_TRUTH))
		return false;
	is_true = *json->at == 't';
	if (!take_word(json, is_true ? "true" : "false"))
		return false;
	*out = is_true;
	return true;
}

/* ---- what nobody asks for ---- */

/* Over a value; of an object or array only into it. */
static bool pass_one(struct jsonin *json)
{
	enum jsonin_type type = jsonin_next(json);
	struct bytes text;
	int64_t number;
	bool truth;

	switch (type) {
	case JSONIN_OBJECT:
	case JSONIN_ARRAY:
		return open_level(json, type);
	case JSONIN_TEXT:
		return jsonin_text(json, &text);
	case JSONIN_NUMBER:
		return begins(json, type) && take_number(json, &truth, &number);
	case JSONIN_TRUTH:
		return jsonin_truth(json, &truth);
	default:
		return begins(json, JSONIN_NULL) && take_word(json, "null");
	}
}

static void note_name(struct jsonin *json, struct bytes name)
{
	json->name = mem_grow(json->name, &json->names_room, json->names + 1, sizeof *json->name);
	json->name[json->names++] = name;
}

bool jsonin_pass_value(struct jsonin *json)
{
	size_t depth = json->depth;
	struct bytes name;

	pass_one(json);
	while (!json->wrong && json->depth > depth) {
		if (!json->level[json->depth - 1].is_object) {
			if (jsonin_item(json))
				pass_one(json);
		} else if (jsonin_member(json, &name)) {
			note_name(json, name);
			pass_one(json);
		}
	}
	return !json->wrong;
}

bool jsonin_pass(struct jsonin *json, struct bytes name)
{
	if (json->wrong)
		return false;
	note_name(json, name);
	return jsonin_pass_value(json);
}
