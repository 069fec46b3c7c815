/* A query's tree as conditions that are easy to write down: what is denied is denied at the
 * leaves, members of the same AND or OR stand in one run, and the members of a run that FTS5
 * can look for are one member. Pure.
 *
 *   root = condition_new(query_root(query));
 *   if (root->is_match) condition_match(root, &expression);
 *   condition_free(root);
 *
 * A condition is a match when one FTS5 expression finds exactly what it means, a mismatch when
 * one finds exactly what it does not mean. FTS5 denies only between two expressions ("this NOT
 * that"), so none is both and a fact of the catalogue is neither. */
#ifndef INDEX_CONDITION_H
#define INDEX_CONDITION_H

#include "index/query.h"

#include "base/buf.h"

enum condition_kind { CONDITION_ALL, CONDITION_NONE, CONDITION_LEAF, CONDITION_AND, CONDITION_OR };

struct condition {
	enum condition_kind kind;
	const struct query_node *leaf; /* a text or a fact; borrowed */
	bool is_denied;                /* the leaf */
	struct condition **member;     /* of a run: at least two, the deepest first */
	size_t count, room;
	bool is_match, is_mismatch;
	bool is_of_place; /* asks for what may differ between the places of a message */
	unsigned levels;  /* of runs in runs */
};

struct condition *condition_new(const struct query_node *root);
void condition_free(struct condition *condition);

/* Append the FTS5 expression of a match, or of what a mismatch denies. */
void condition_match(const struct condition *condition, struct buf *out);

#endif
