/* Owns:  the table of operators and of the values of is: and has:.
 * Knows: what each operator takes, and what people mean by names from other programs.
 * Never: guesses at a value that it cannot read: that is an error.
 * Spec:  index/QUERY.md, sections "Where", "State", "Dates", "Sizes". */
#include "index/query_private.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum takes { TEXT, NAME, ID, STATE, HAS, DATE, SPAN, SIZE, SENT };

enum side { FROM_START, BEFORE_START, WITHIN };

struct query_operator {
	const char *name;
	enum takes takes;
	enum query_field field; /* of TEXT */
	enum query_fact fact;
	enum side side;    /* of DATE, SPAN and SIZE */
	const char *other; /* of DATE and SPAN: the operator that takes the other one */
};

static const struct query_operator operators[] = {
    {.name = "from", .takes = TEXT, .field = QUERY_FROM},
    {.name = "to", .takes = TEXT, .field = QUERY_TO},
    {.name = "cc", .takes = TEXT, .field = QUERY_CC},
    {.name = "subject", .takes = TEXT, .field = QUERY_SUBJECT},
    {.name = "body", .takes = TEXT, .field = QUERY_BODY},
    {.name = "attachment", .takes = TEXT, .field = QUERY_ATTACHMENT},
    {.name = "filename", .takes = TEXT, .field = QUERY_FILENAME},
    {.name = "list", .takes = TEXT, .field = QUERY_LIST},
    {.name = "folder", .takes = NAME, .fact = QUERY_FOLDER},
    {.name = "account", .takes = NAME, .fact = QUERY_ACCOUNT},
    {.name = "label", .takes = NAME, .fact = QUERY_LABEL},
    {.name = "id", .takes = ID, .fact = QUERY_MESSAGE_ID},
    {.name = "is", .takes = STATE},
    {.name = "has", .takes = HAS},
    {.name = "before",
	.takes = DATE,
	.fact = QUERY_RECEIVED,
	.side = BEFORE_START,
	.other = "older"},
    {.name = "after", .takes = DATE, .fact = QUERY_RECEIVED, .side = FROM_START, .other = "newer"},
    {.name = "on", .takes = DATE, .fact = QUERY_RECEIVED, .side = WITHIN, .other = "newer"},
    {.name = "older",
	.takes = SPAN,
	.fact = QUERY_RECEIVED,
	.side = BEFORE_START,
	.other = "before"},
    {.name = "newer", .takes = SPAN, .fact = QUERY_RECEIVED, .side = FROM_START, .other = "after"},
    {.name = "sent", .takes = SENT, .fact = QUERY_SENT, .side = WITHIN, .other = "sent:newer"},
    {.name = "larger", .takes = SIZE, .fact = QUERY_SIZE, .side = FROM_START},
    {.name = "smaller", .takes = SIZE, .fact = QUERY_SIZE, .side = BEFORE_START},
};

#define OPERATOR_COUNT (sizeof operators / sizeof *operators)

static const struct state {
	const char *name;
	enum query_fact fact;
	bool is_denied;
} states[] = {
    {"unread", QUERY_UNREAD, false},
    {"unseen", QUERY_UNREAD, false},
    {"read", QUERY_UNREAD, true},
    {"seen", QUERY_UNREAD, true},
    {"flagged", QUERY_FLAGGED, false},
    {"unflagged", QUERY_FLAGGED, true},
    {"answered", QUERY_ANSWERED, false},
    {"unanswered", QUERY_ANSWERED, true},
    {"draft", QUERY_DRAFT, false},
    {"deleted", QUERY_DELETED, false},
    {"gone", QUERY_GONE, false},
    {"purged", QUERY_PURGED, false},
    {"held", QUERY_HELD, false},
};

/* What other programs call it. */
static const struct {
	const char *name, *means;
} foreign[] = {
    {"in", "folder"},
    {"mailbox", "folder"},
    {"maildir", "folder"},
    {"path", "folder"},
    {"tag", "label"},
    {"keyword", "label"},
    {"category", "label"},
    {"flag", "is"},
    {"mid", "id"},
    {"message-id", "id"},
    {"recipient", "to"},
    {"sender", "from"},
    {"date", "on"},
    {"received", "on"},
    {"since", "after"},
    {"until", "before"},
    {"older_than", "older"},
    {"newer_than", "newer"},
    {"size", "larger"},
    {"text", "body"},
    {"file", "filename"},
};

const char *query_operator_name(const struct query_operator *op)
{
	return op->name;
}

const struct query_operator *query_operator_find(struct bytes name)
{
	for (size_t i = 0; i < OPERATOR_COUNT; i++)
		if (bytes_is_nocase(name, operators[i].name))
			return &operators[i];
	return NULL;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Levenshtein's distance, in one row; names are short. */
static size_t distance(struct bytes a, const char *b)
{
	size_t row[16], n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; i < a.n; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t cost = diagonal + (lower(a.p[i]) != b[j]);

			diagonal = row[j + 1];
			if (row[j] + 1 < cost)
				cost = row[j] + 1;
			if (row[j + 1] + 1 < cost)
				cost = row[j + 1] + 1;
			row[j + 1] = cost;
		}
	}
	return row[n];
}

const char *query_operator_nearest(struct bytes name)
{
	const char *nearest = operators[0].name;
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
		if (bytes_is_nocase(name, foreign[i].name))
			return foreign[i].means;
	for (size_t i = 0; i < OPERATOR_COUNT; i++) {
		size_t d = distance(name, operators[i].name);

		if (d < least) {
			least = d;
			nearest = operators[i].name;
		}
	}
	return nearest;
}

static char *text_of(const struct query_token *value)
{
	return value->kind == QUERY_TOKEN_PHRASE ? query_unescape(value->text)
						 : bytes_string(value->text);
}

static int where(struct query_maker *maker, enum query_fact fact, const struct query_token *value,
    struct query_node **out, struct err *err)
{
	if (query_count_term(maker->query, maker->text, value->at, err) != 0)
		return -1;
	*out = query_node_new(maker->query, QUERY_WHERE, value->at);
	(*out)->fact = fact;
	(*out)->from = INT64_MIN;
	(*out)->to = INT64_MAX;
	return 0;
}

/* A word for the index: its star may only be the last character. */
static int check_word(struct query_maker *maker, const struct query_operator *op,
    const struct query_token *value, bool is_prefix, struct err *err)
{
	struct bytes word = value->text;
	const char *star;

	if (op && word.n > 1 && word.p[0] == '-' && word.p[1] != '-')
		return query_wrong(
		    err, maker->text, value->at, "put the minus in front: -%s:...", op->name);
	word.n -= is_prefix;
	star = word.n > 0 ? memchr(word.p, '*', word.n) : NULL;
	if (star)
		return query_wrong(err, maker->text, (size_t)(star - maker->text.p),
		    "a star may only end a word; put the word in quotes to look for it as it is");
	return 0;
}

static int text_leaf(struct query_maker *maker, const struct query_operator *op,
    const struct query_token *value, struct query_node **out, struct err *err)
{
	bool is_phrase = value->kind == QUERY_TOKEN_PHRASE;
	bool is_prefix = is_phrase ? value->is_prefix
				   : value->text.n > 0 && value->text.p[value->text.n - 1] == '*';
	struct query_token word = *value;

	if (!is_phrase && check_word(maker, op, value, is_prefix, err) != 0)
		return -1;
	if (!is_phrase && is_prefix)
		word.text.n--;
	if (!query_has_token(word.text)) {
		if (!op && !is_phrase && !is_prefix) {
			*out = NULL;
			return 0;
		}
		return query_wrong(
		    err, maker->text, value->at, "there is no letter or digit here to look for");
	}
	if (query_count_term(maker->query, maker->text, value->at, err) != 0)
		return -1;
	*out = query_node_new(maker->query, QUERY_TEXT, value->at);
	(*out)->field = op ? op->field : QUERY_ANYWHERE;
	(*out)->is_phrase = is_phrase;
	(*out)->is_prefix = is_prefix;
	(*out)->text = text_of(&word);
	return 0;
}

/* Without blanks, controls, and these brackets at its ends. */
static struct bytes within(struct bytes text, char open, char close)
{
	while (text.n > 0 && ((unsigned char)text.p[0] <= ' ' || text.p[0] == open))
		text = bytes_from(text, 1);
	while (
	    text.n > 0 && ((unsigned char)text.p[text.n - 1] <= ' ' || text.p[text.n - 1] == close))
		text.n--;
	return text;
}

static int name_leaf(struct query_maker *maker, const struct query_operator *op,
    const struct query_token *value, struct query_node **out, struct err *err)
{
	bool is_folder = op->fact == QUERY_FOLDER;
	bool has_star = value->is_prefix ||
	    (value->kind == QUERY_TOKEN_WORD && memchr(value->text.p, '*', value->text.n));

	if (within(value->text, ' ', ' ').n == 0)
		return query_wrong(err, maker->text, value->at, "\"%s:\" wants a name", op->name);
	if (has_star && !is_folder)
		return query_wrong(err, maker->text, value->at, "\"%s:\" takes no star", op->name);
	if (where(maker, op->fact, value, out, err) != 0)
		return -1;
	(*out)->text = text_of(value);
	if (value->is_prefix) {
		char *longer = mem_format("%s*", (*out)->text);

		free((*out)->text);
		(*out)->text = longer;
	}
	return 0;
}

static int id_leaf(struct query_maker *maker, const struct query_operator *op,
    const struct query_token *value, struct query_node **out, struct err *err)
{
	struct query_token id = *value;

	id.text = within(id.text, '<', '>');
	return name_leaf(maker, op, &id, out, err);
}

/* The word without quotes, for values from a list or in figures. */
static struct bytes plain_value(const struct query_token *value)
{
	return value->is_prefix ? (struct bytes){NULL, 0} : within(value->text, ' ', ' ');
}

static int state_leaf(struct query_maker *maker, const struct query_operator *op,
    const struct query_token *value, struct query_node **out, struct err *err)
{
	struct query_node *leaf;

	(void)op;
	for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
		if (!bytes_is_nocase(plain_value(value), states[i].name))
			continue;
		if (where(maker, states[i].fact, value, &leaf, err) != 0)
			return -1;
		*out = leaf;
		if (states[i].is_denied) {
			*out = query_node_new(maker->query, QUERY_NOT, value->at);
			(*out)->left = leaf;
		}
		return 0;
	}
	return query_wrong(err, maker->text, value->at,
	    "\"is:\" takes unread, read, seen, flagged, unflagged, answered, unanswered, draft, "
	    "deleted, gone, purged or held");
}

static int has_leaf(struct query_maker *maker, const struct query_operator *op,
    const struct query_token *value, struct query_node **out, struct err *err)
{
	(void)op;
	if (!bytes_is_nocase(plain_value(value), "attachment") &&
	    !bytes_is_nocase(plain_value(value), "attachments"))
		return query_wrong(err, maker->text, value->at, "\"has:\" takes attachment");
	return where(maker, QUERY_HAS_ATTACHMENT, value, out, err);
}

/* The range on that side of a period that begins at from. */
static int range_leaf(struct query_maker *maker, enum query_fact fact, enum side side,
    struct query_period period, const struct query_token *value, struct query_node **out,
    struct err *err)
{
	if (where(maker, fact, value, out, err) != 0)
		return -1;
	if (side != BEFORE_START)
		(*out)->from = period.from;
	if (side == BEFORE_START)
		(*out)->to = period.from;
	if (side == WITHIN)
		(*out)->to = period.to;
	return 0;
}

static int date_leaf(struct query_maker *maker, const struct query_operator *op,
    enum query_fact fact, const struct query_token *value, struct query_node **out, struct err *err)
{
	struct bytes text = plain_value(value);
	struct query_period period;
	int64_t span_s;

	if (query_date_parse(text, maker->now_unix, &period))
		return range_leaf(maker, fact, op->side, period, value, out, err);
	if (clock_parse_span(text, &span_s))
		return query_wrong(err, maker->text, value->at,
		    "\"%s:\" takes a date; for a span of time write %s:%.*s", op->name, op->other,
		    (int)text.n, text.p);
	return query_wrong(err, maker->text, value->at,
	    "\"%s:\" takes a date: 2019, 2019-03, 2019-03-05, 2019-03-05T14:30Z, today or "
	    "yesterday",
	    op->name);
}

/* "6m": minutes to one, months to another; the difference is somebody's mail. */
static bool is_ambiguous(struct bytes span)
{
	return span.n > 0 && lower(span.p[span.n - 1]) == 'm';
}

static int span_leaf(struct query_maker *maker, const struct query_operator *op,
    enum query_fact fact, const struct query_token *value, struct query_node **out, struct err *err)
{
	struct bytes text = plain_value(value);
	struct query_period period = {0};
	int64_t span_s = 0;

	if (clock_parse_span(text, &span_s) && is_ambiguous(text))
		return query_wrong(err, maker->text, value->at,
		    "%.*s may mean minutes or months: write %.*smin or %.*smo", (int)text.n, text.p,
		    (int)text.n - 1, text.p, (int)text.n - 1, text.p);
	if (clock_parse_span(text, &span_s)) {
		period.from = query_moment_back(maker->now_unix, span_s);
		return range_leaf(maker, fact, op->side, period, value, out, err);
	}
	if (query_date_parse(text, maker->now_unix, &period))
		return query_wrong(err, maker->text, value->at,
		    "\"%s:\" takes a span of time; for a date write %s:%.*s", op->name, op->other,
		    (int)text.n, text.p);
	return query_wrong(err, maker->text, value->at,
	    "\"%s:\" takes a span of time: 90d, 2w, 6mo or 1y", op->name);
}

/* A date on its own, or one of the other operators of dates with its value. */
static int sent_leaf(struct query_maker *maker, const struct query_operator *op,
    const struct query_token *value, struct query_node **out, struct err *err)
{
	struct query_token inner = *value;
	const char *colon = value->text.n > 0 ? memchr(value->text.p, ':', value->text.n) : NULL;
	struct bytes name = {value->text.p, colon ? (size_t)(colon - value->text.p) : 0};
	const struct query_operator *side = query_operator_find(name);

	if (!side || (side->takes != DATE && side->takes != SPAN))
		return date_leaf(maker, op, QUERY_SENT, value, out, err);
	inner.at += name.n + 1;
	inner.text = bytes_from(inner.text, name.n + 1);
	if (side->takes == DATE)
		return date_leaf(maker, side, QUERY_SENT, &inner, out, err);
	return span_leaf(maker, side, QUERY_SENT, &inner, out, err);
}

static int size_leaf(struct query_maker *maker, const struct query_operator *op,
    const struct query_token *value, struct query_node **out, struct err *err)
{
	struct query_period range = {0};

	if (!query_size_parse(plain_value(value), &range.from))
		return query_wrong(err, maker->text, value->at,
		    "\"%s:\" takes a size in whole numbers: 5000, 500k, 5M or 1G", op->name);
	return range_leaf(maker, QUERY_SIZE, op->side, range, value, out, err);
}

int query_leaf(struct query_maker *maker, const struct query_operator *op,
    const struct query_token *value, struct query_node **out, struct err *err)
{
	switch (op ? op->takes : TEXT) {
	case TEXT:
		return text_leaf(maker, op, value, out, err);
	case NAME:
		return name_leaf(maker, op, value, out, err);
	case ID:
		return id_leaf(maker, op, value, out, err);
	case STATE:
		return state_leaf(maker, op, value, out, err);
	case HAS:
		return has_leaf(maker, op, value, out, err);
	case DATE:
		return date_leaf(maker, op, op->fact, value, out, err);
	case SPAN:
		return span_leaf(maker, op, op->fact, value, out, err);
	case SENT:
		return sent_leaf(maker, op, value, out, err);
	case SIZE:
		return size_leaf(maker, op, value, out, err);
	}
	return err_set(err, ERR_BUG, "an operator that takes nothing");
}
