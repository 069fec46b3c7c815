/* The query language: text in, a tree out. Pure; index/QUERY.md is its grammar.
 *
 * The same language selects mail for search, retention rules, restore, export and holds. A
 * tree knows nothing of SQL; index/select turns it into statements. Dates and spans are
 * resolved here against "now" and the local time zone, so a tree holds only moments.
 *
 * No leaf is more than QUERY_MAX_DEPTH steps from the root: long rows of AND and OR are
 * balanced. A text holds a letter, a digit or a character beyond ASCII, but a tokenizer may
 * still find nothing in it (a picture). */
#ifndef INDEX_QUERY_H
#define INDEX_QUERY_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define QUERY_MAX_BYTES 65536
#define QUERY_MAX_TERMS 1000
#define QUERY_MAX_DEPTH 100

enum query_kind {
	QUERY_ALL,  /* everything: "*", "all", or an empty query */
	QUERY_AND,  /* left and right */
	QUERY_OR,   /* left or right */
	QUERY_NOT,  /* not left */
	QUERY_TEXT, /* words, a phrase or a prefix, in field */
	QUERY_WHERE /* a fact of the catalogue: fact, and text or from and to */
};

/* Where a QUERY_TEXT is looked for. */
enum query_field {
	QUERY_ANYWHERE,
	QUERY_FROM,
	QUERY_TO,
	QUERY_CC,
	QUERY_SUBJECT,
	QUERY_BODY,
	QUERY_ATTACHMENT, /* text of attachments */
	QUERY_FILENAME,
	QUERY_LIST
};

enum query_fact {
	QUERY_FOLDER,  /* text: a path as shown, the folder and all below it; "*" and "?" match */
	QUERY_ACCOUNT, /* text */
	QUERY_LABEL,   /* text: a keyword or label */
	QUERY_MESSAGE_ID, /* text: the Message-ID without < >, or 10 or more hex digits of the id */
	QUERY_RECEIVED,   /* from <= date < to: when the server received it */
	QUERY_SENT,       /* from <= Date header < to */
	QUERY_SIZE,       /* from <= bytes < to */
	QUERY_UNREAD,
	QUERY_FLAGGED,
	QUERY_ANSWERED,
	QUERY_DRAFT,
	QUERY_DELETED, /* marked \Deleted on the server */
	QUERY_GONE,    /* no longer on the server */
	QUERY_PURGED,  /* ... because mailcask deleted it there */
	QUERY_HELD,
	QUERY_HAS_ATTACHMENT
};

struct query_node {
	enum query_kind kind;
	struct query_node *left, *right;
	enum query_field field;
	enum query_fact fact;
	char *text; /* UTF-8 */
	bool is_phrase, is_prefix;
	int64_t from, to; /* INT64_MIN and INT64_MAX: open */
	size_t at;        /* where it stands in the query, in bytes */
};

struct query; /* owns its tree */

/* ERR_USAGE when it cannot be understood; the text says where (in characters from 1) and what
 * was expected, and for an unknown operator the nearest one. */
int query_parse(struct query **out, struct bytes text, int64_t now_unix, struct err *err);
/* The character (from 1) that such an error names: true; false for any other error. */
bool query_wrong_at(const struct err *err, unsigned long long *character_out);
void query_free(struct query *query);
const struct query_node *query_root(const struct query *query);

/* True when a fact of that kind is asked for anywhere in the tree: a rule that names flags
 * may purge flagged mail, another may not. */
bool query_names(const struct query *query, enum query_fact fact);

/* Append the tree in full brackets, for tests and "search --explain": a query again, of the
 * same meaning, with dates as moments. */
void query_print(const struct query *query, struct buf *out);

/* Append how the query was understood, in words: a line for each term, indented under "all of
 * these", "any of these" and "not"; dates in the local time zone. */
void query_explain(const struct query *query, struct buf *out);

#endif
