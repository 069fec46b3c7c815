/* Inside the query language: what its files share. query_lex cuts the text into tokens,
 * query_parse makes the tree, query_operator knows what stands before a colon, query_date reads
 * dates, spans and sizes, query owns and prints the tree. */
#ifndef INDEX_QUERY_PRIVATE_H
#define INDEX_QUERY_PRIVATE_H

#include "index/query.h"

struct query {
	struct query_node *root;
	struct query_node **nodes; /* all of them, also those that no tree holds */
	size_t count, room;
	unsigned terms;
};

struct query_node *query_node_new(struct query *query, enum query_kind kind, size_t at);

/* One leaf more; ERR_USAGE when there are too many. */
int query_count_term(struct query *query, struct bytes text, size_t at, struct err *err);

/* ERR_USAGE "at character N: ...". */
int query_wrong(struct err *err, struct bytes text, size_t at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* query_lex */

enum query_token_kind {
	QUERY_TOKEN_END,
	QUERY_TOKEN_WORD,
	QUERY_TOKEN_PHRASE,
	QUERY_TOKEN_OPEN,
	QUERY_TOKEN_CLOSE,
	QUERY_TOKEN_AND,
	QUERY_TOKEN_OR,
	QUERY_TOKEN_NOT,     /* NOT, or a minus right before what it denies */
	QUERY_TOKEN_OPERATOR /* a name and its colon; the value follows */
};

struct query_operator;

struct query_token {
	enum query_token_kind kind;
	size_t at;         /* where it begins in the text */
	struct bytes text; /* of a word; of a phrase what its quotes hold, with escapes */
	bool is_prefix;    /* of a phrase: a star stands behind it */
	const struct query_operator *op;
};

struct query_lexer {
	struct bytes text;
	size_t at;
};

int query_lex(struct query_lexer *lexer, struct query_token *out, struct err *err);

/* The value behind an operator: a word in which nothing but blanks, quotes and brackets is
 * special, a phrase, or an opening bracket. */
int query_lex_value(struct query_lexer *lexer, const struct query_token *name,
    struct query_token *out, struct err *err);

char *query_unescape(struct bytes phrase); /* for free() */
bool query_has_token(struct bytes text);   /* a letter, a digit, or what may be one */

/* query_operator */

const struct query_operator *query_operator_find(struct bytes name); /* NULL */
const char *query_operator_name(const struct query_operator *op);

/* For an unknown one: the name that was most likely meant. */
const char *query_operator_nearest(struct bytes name);

/* What a leaf is made with. */
struct query_maker {
	struct query *query;
	struct bytes text; /* the whole query */
	int64_t now_unix;
};

/* The leaf for a word or phrase behind an operator, or (NULL) on its own. *out is NULL for a
 * word without any letter or digit on its own. */
int query_leaf(struct query_maker *maker, const struct query_operator *op,
    const struct query_token *value, struct query_node **out, struct err *err);

/* query_date */

struct query_period {
	int64_t from, to; /* from <= moment < to */
};

/* "2019", "2019-03", "2019-03-05", "today", "yesterday" in the local time zone; and a moment
 * "2019-03-05T14:30Z" with "Z" or an offset, which lasts as long as its last figure says. */
bool query_date_parse(struct bytes text, int64_t now_unix, struct query_period *out);

/* So long before now, within what a date can say. */
int64_t query_moment_back(int64_t now_unix, int64_t span_s);

/* Bytes: "5000", "500k", "5M", "1G", in powers of 1024; "5MB" and "5MiB" as well. */
bool query_size_parse(struct bytes text, int64_t *out);

#endif
