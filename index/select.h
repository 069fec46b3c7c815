/* From a query's tree to the conditions of SQL statements over the index and the catalogue.
 *
 *   select_begin(&select, index, SELECT_MESSAGES)
 *   select_compile(&select, query_root(query), &err)
 *   select.match, select.where            parts of a statement, with parameters in order
 *   select_bind(&select, stmt)
 *   select_end(&select)
 *
 * Text is looked for by FTS5: what of the query can be one MATCH expression at its top becomes
 * select.match, the rest is SQL (select.where) over
 *   m   cat.message       p   cat.place, with SELECT_PLACES
 * Every condition is true or false, never NULL, so that what a query denies is exactly what it
 * would find. User text never becomes SQL: it is bound, and inside MATCH it is a quoted string. */
#ifndef INDEX_SELECT_H
#define INDEX_SELECT_H

#include "index/index.h"
#include "index/query.h"

#include "base/buf.h"

#define SELECT_TEXT_BYTES (4u << 20)

enum select_unit {
	SELECT_MESSAGES, /* each message once: some place of it that counts fits; its date is that
			    of its first place */
	SELECT_PLACES    /* each place that fits, under p, with the place's own date */
};

/* SQL: which places count: where the message is now, or was purged from; where it was moved
 * away from or deleted only when it is nowhere any more. */
extern const char select_place_counts[];

struct select {
	struct index *index;
	enum select_unit unit;
	struct buf match; /* FTS5 expression; empty: no text is asked for at the top */
	struct buf where; /* SQL; empty: no condition */
	/* Bound in this order, from parameter number 1; match comes last when it is bound. */
	struct buf *parameter;
	size_t parameter_count, parameter_room;
	/* A range of dates that the whole query implies: bounds of the rowid. */
	int64_t from_unix, to_unix;
};

void select_begin(struct select *select, struct index *index, enum select_unit unit);
void select_end(struct select *select);
int select_compile(struct select *select, const struct query_node *root, struct err *err);
void select_bind(const struct select *select, struct sql_stmt *stmt);

#endif
