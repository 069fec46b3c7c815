/* Owns:  the tree of conditions.
 * Knows: De Morgan's laws, and what FTS5 expressions can say.
 * Never: changes what a query means. */
#include "index/condition.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Deeper expressions would not fit on the stack of FTS5's parser (100 symbols). */
#define MATCH_LEVELS_MAX 15

static struct condition *new_of(enum condition_kind kind)
{
	struct condition *condition = mem_zero(1, sizeof *condition);

	condition->kind = kind;
	return condition;
}

void condition_free(struct condition *condition)
{
	size_t i;

	if (!condition)
		return;
	for (i = 0; i < condition->count; i++)
		condition_free(condition->member[i]);
	free(condition->member);
	free(condition);
}

static bool is_place_fact(enum query_fact fact)
{
	return fact == QUERY_FOLDER || fact == QUERY_ACCOUNT || fact == QUERY_LABEL ||
	    fact == QUERY_UNREAD || fact == QUERY_FLAGGED || fact == QUERY_ANSWERED ||
	    fact == QUERY_DRAFT || fact == QUERY_DELETED || fact == QUERY_PURGED;
}

static struct condition *new_leaf(const struct query_node *node, bool denied)
{
	struct condition *leaf = new_of(CONDITION_LEAF);

	leaf->leaf = node;
	leaf->is_denied = denied;
	leaf->is_match = node->kind == QUERY_TEXT && !denied;
	leaf->is_mismatch = node->kind == QUERY_TEXT && denied;
	leaf->is_of_place = node->kind == QUERY_WHERE && is_place_fact(node->fact);
	return leaf;
}

static void add(struct condition *run, struct condition *member)
{
	run->member = mem_grow(run->member, &run->room, run->count + 1, sizeof(struct condition *));
	run->member[run->count++] = member;
}

static void judge(struct condition *run)
{
	bool is_and = run->kind == CONDITION_AND;
	size_t i, matches = 0, mismatches = 0;

	run->levels = 0;
	run->is_of_place = false;
	for (i = 0; i < run->count; i++) {
		const struct condition *member = run->member[i];

		matches += member->is_match;
		mismatches += member->is_mismatch;
		run->is_of_place |= member->is_of_place;
		if (member->levels >= run->levels)
			run->levels = member->levels + 1;
	}
	run->is_match = run->is_mismatch = false;
	if (matches + mismatches < run->count || run->levels > MATCH_LEVELS_MAX)
		return;
	/* this AND this NOT that; and the opposite of that OR NOT this */
	run->is_match = is_and ? matches > 0 : mismatches == 0;
	run->is_mismatch = !run->is_match;
}

/* The texts among the members as one member: FTS5 is asked once for all of them. */
static void gather_texts(struct condition *run)
{
	struct condition *texts = new_of(run->kind);
	size_t i, kept = 0;

	for (i = 0; i < run->count; i++)
		if (run->member[i]->is_match || run->member[i]->is_mismatch)
			add(texts, run->member[i]);
	judge(texts);
	if (texts->count < 2 || texts->count == run->count ||
	    (!texts->is_match && !texts->is_mismatch)) {
		texts->count = 0;
		condition_free(texts);
		return;
	}
	for (i = 0; i < run->count; i++)
		if (!run->member[i]->is_match && !run->member[i]->is_mismatch)
			run->member[kept++] = run->member[i];
	run->count = kept;
	add(run, texts);
	judge(run);
}

/* What stands first in an expression costs a parser the least. */
static void put_deepest_first(struct condition *run)
{
	struct condition *deepest;
	size_t i, at = 0;

	for (i = 1; i < run->count; i++)
		if (run->member[i]->levels > run->member[at]->levels)
			at = i;
	deepest = run->member[at];
	memmove(run->member + 1, run->member, at * sizeof(struct condition *));
	run->member[0] = deepest;
}

/* A run that has its members: what it is in the end. */
static struct condition *finish(struct condition *run)
{
	struct condition *only;

	if (run->count == 0)
		run->kind = run->kind == CONDITION_AND ? CONDITION_ALL : CONDITION_NONE;
	if (run->count == 1) {
		only = run->member[0];
		run->count = 0;
		condition_free(run);
		return only;
	}
	if (run->count > 1) {
		judge(run);
		gather_texts(run);
		put_deepest_first(run);
	}
	return run;
}

/* A member of the same sort gives its own members away, gathered texts included. */
static void add_flat(struct condition *run, struct condition *member)
{
	size_t i;

	if (member->kind != run->kind) {
		add(run, member);
		return;
	}
	for (i = 0; i < member->count; i++)
		add_flat(run, member->member[i]);
	member->count = 0;
	condition_free(member);
}

static struct condition *make(const struct query_node *node, bool denied);

static void make_member(
    struct condition *run, const struct query_node *node, bool denied, bool *is_decided)
{
	enum condition_kind decides = run->kind == CONDITION_AND ? CONDITION_NONE : CONDITION_ALL;
	struct condition *member = make(node, denied);

	*is_decided |= member->kind == decides;
	if (member->kind == CONDITION_ALL || member->kind == CONDITION_NONE)
		condition_free(member);
	else
		add_flat(run, member);
}

static struct condition *make_run(
    enum condition_kind kind, const struct query_node *node, bool denied)
{
	struct condition *run = new_of(kind);
	bool is_decided = false;

	make_member(run, node->left, denied, &is_decided);
	make_member(run, node->right, denied, &is_decided);
	if (!is_decided)
		return finish(run);
	condition_free(run);
	return new_of(kind == CONDITION_AND ? CONDITION_NONE : CONDITION_ALL);
}

static struct condition *make(const struct query_node *node, bool denied)
{
	switch (node->kind) {
	case QUERY_ALL:
		return new_of(denied ? CONDITION_NONE : CONDITION_ALL);
	case QUERY_NOT:
		return make(node->left, !denied);
	case QUERY_AND:
		return make_run(denied ? CONDITION_OR : CONDITION_AND, node, denied);
	case QUERY_OR:
		return make_run(denied ? CONDITION_AND : CONDITION_OR, node, denied);
	case QUERY_TEXT:
	case QUERY_WHERE:
		break;
	}
	return new_leaf(node, denied);
}

struct condition *condition_new(const struct query_node *root)
{
	return make(root, false);
}

/* ---- FTS5 ---- */

static const char *const match_column[] = {
    [QUERY_ANYWHERE] = NULL,
    [QUERY_FROM] = "sender",
    [QUERY_TO] = "recipient",
    [QUERY_CC] = "copy",
    [QUERY_SUBJECT] = "subject",
    [QUERY_BODY] = "body",
    [QUERY_ATTACHMENT] = "attachment",
    [QUERY_FILENAME] = "filename",
    [QUERY_LIST] = "list",
};

static void put_text(struct buf *out, const struct query_node *node)
{
	const char *p;

	if (match_column[node->field])
		buf_format(out, "%s : ", match_column[node->field]);
	buf_char(out, '"');
	for (p = node->text; *p; p++) {
		if (*p == '"')
			buf_char(out, '"');
		buf_char(out, *p);
	}
	buf_text(out, node->is_prefix ? "\" *" : "\"");
}

/* The members that are matches, or those that are mismatches. */
static void put_members(
    struct buf *out, const struct condition *run, bool matches, const char *joint)
{
	const char *between = "";
	size_t i;

	for (i = 0; i < run->count; i++) {
		const struct condition *member = run->member[i];
		bool is_run = member->kind != CONDITION_LEAF;

		if (member->is_match != matches)
			continue;
		buf_format(out, "%s%s", between, is_run ? "(" : "");
		condition_match(member, out);
		buf_text(out, is_run ? ")" : "");
		between = joint;
	}
}

/* A mismatch is written as its opposite, whose members are the opposites: so wanted are the
 * members of the run's own sort, and where it becomes an AND those of the other sort are not. */
void condition_match(const struct condition *condition, struct buf *out)
{
	bool wanted = condition->is_match;
	bool is_and = (condition->kind == CONDITION_AND) == wanted;
	bool any = false;
	size_t i;

	if (condition->kind == CONDITION_LEAF) {
		put_text(out, condition->leaf);
		return;
	}
	put_members(out, condition, wanted, is_and ? " AND " : " OR ");
	for (i = 0; i < condition->count; i++)
		any |= condition->member[i]->is_match != wanted;
	if (!any)
		return;
	buf_text(out, " NOT (");
	put_members(out, condition, !wanted, " OR ");
	buf_char(out, ')');
}
