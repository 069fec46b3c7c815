/* Owns:  the nodes of a query, each with its text.
 * Knows: how a tree is written down so that it can be read again.
 * Never: looks at a word of the user. */
#include "index/query_private.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REASON_BYTES 512
#define PLACE        "in the query, at character "

struct query_node *query_node_new(struct query *query, enum query_kind kind, size_t at)
{
	struct query_node *node = mem_zero(1, sizeof *node);

	node->kind = kind;
	node->at = at;
	query->nodes =
	    mem_grow(query->nodes, &query->room, query->count + 1, sizeof(struct query_node *));
	query->nodes[query->count++] = node;
	return node;
}

int query_count_term(struct query *query, struct bytes text, size_t at, struct err *err)
{
	if (query->terms++ < QUERY_MAX_TERMS)
		return 0;
	return query_wrong(err, text, at, "a query has at most %d terms", QUERY_MAX_TERMS);
}

static size_t characters(struct bytes text)
{
	size_t count = 0;
	uint32_t point;

	while (utf8_next(&text, &point) != 0)
		count++;
	return count;
}

int query_wrong(struct err *err, struct bytes text, size_t at, const char *format, ...)
{
	char reason[REASON_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	return err_set(
	    err, ERR_USAGE, PLACE "%zu: %s", characters((struct bytes){text.p, at}) + 1, reason);
}

bool query_wrong_at(const struct err *err, unsigned long long *character_out)
{
	struct bytes rest = bytes_of(err->text);
	size_t n = 0;

	if (err->code != ERR_USAGE || !bytes_starts(rest, PLACE))
		return false;
	rest = bytes_from(rest, strlen(PLACE));
	while (n < rest.n && rest.p[n] >= '0' && rest.p[n] <= '9')
		n++;
	return bytes_u64((struct bytes){rest.p, n}, character_out);
}

void query_free(struct query *query)
{
	if (!query)
		return;
	for (size_t i = 0; i < query->count; i++) {
		free(query->nodes[i]->text);
		free(query->nodes[i]);
	}
	free(query->nodes);
	free(query);
}

const struct query_node *query_root(const struct query *query)
{
	return query->root;
}

static bool names(const struct query_node *node, enum query_fact fact)
{
	if (!node)
		return false;
	return (node->kind == QUERY_WHERE && node->fact == fact) || names(node->left, fact) ||
	    names(node->right, fact);
}

bool query_names(const struct query *query, enum query_fact fact)
{
	return names(query->root, fact);
}

static void print_quoted(struct buf *out, const char *text)
{
	buf_char(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_char(out, '\\');
		buf_char(out, *text);
	}
	buf_char(out, '"');
}

static void print_text(const struct query_node *node, struct buf *out)
{
	static const char *const fields[] = {[QUERY_ANYWHERE] = "",
	    [QUERY_FROM] = "from:",
	    [QUERY_TO] = "to:",
	    [QUERY_CC] = "cc:",
	    [QUERY_SUBJECT] = "subject:",
	    [QUERY_BODY] = "body:",
	    [QUERY_ATTACHMENT] = "attachment:",
	    [QUERY_FILENAME] = "filename:",
	    [QUERY_LIST] = "list:"};

	buf_text(out, fields[node->field]);
	if (node->is_phrase)
		print_quoted(out, node->text);
	else
		buf_text(out, node->text);
	if (node->is_prefix)
		buf_char(out, '*');
}

static void print_bound(struct buf *out, const struct query_node *node, bool is_from)
{
	int64_t value = is_from ? node->from : node->to;
	char moment[CLOCK_ISO_BYTES];

	if (node->fact == QUERY_SIZE) {
		buf_format(out, "%s:%lld", is_from ? "larger" : "smaller", (long long)value);
		return;
	}
	clock_iso(value, moment);
	buf_format(out, "%s%s:%s", node->fact == QUERY_SENT ? "sent:" : "",
	    is_from ? "after" : "before", moment);
}

static void print_range(const struct query_node *node, struct buf *out)
{
	bool has_from = node->from != INT64_MIN, has_to = node->to != INT64_MAX;

	if (has_from)
		print_bound(out, node, true);
	if (has_from && has_to)
		buf_text(out, " AND ");
	if (has_to)
		print_bound(out, node, false);
}

static bool is_two_sided(const struct query_node *node)
{
	return node->kind == QUERY_WHERE && node->from != INT64_MIN && node->to != INT64_MAX;
}

static void print_where(const struct query_node *node, struct buf *out)
{
	static const char *const facts[] = {[QUERY_FOLDER] = "folder:",
	    [QUERY_ACCOUNT] = "account:",
	    [QUERY_LABEL] = "label:",
	    [QUERY_MESSAGE_ID] = "id:",
	    [QUERY_UNREAD] = "is:unread",
	    [QUERY_FLAGGED] = "is:flagged",
	    [QUERY_ANSWERED] = "is:answered",
	    [QUERY_DRAFT] = "is:draft",
	    [QUERY_DELETED] = "is:deleted",
	    [QUERY_GONE] = "is:gone",
	    [QUERY_PURGED] = "is:purged",
	    [QUERY_HELD] = "is:held",
	    [QUERY_HAS_ATTACHMENT] = "has:attachment"};

	if (!facts[node->fact]) {
		print_range(node, out);
		return;
	}
	buf_text(out, facts[node->fact]);
	if (node->text)
		print_quoted(out, node->text);
}

static void print_node(const struct query_node *node, struct buf *out);

/* The operands of a run of the same kind stand in one pair of brackets. A range with two ends
 * is a run of AND. */
static void print_run(const struct query_node *node, enum query_kind kind, struct buf *out)
{
	if (kind == QUERY_AND && is_two_sided(node)) {
		print_range(node, out);
	} else if (node->kind == kind) {
		print_run(node->left, kind, out);
		buf_text(out, kind == QUERY_AND ? " AND " : " OR ");
		print_run(node->right, kind, out);
	} else {
		print_node(node, out);
	}
}

static void print_brackets(const struct query_node *node, enum query_kind kind, struct buf *out)
{
	buf_char(out, '(');
	print_run(node, kind, out);
	buf_char(out, ')');
}

static void print_node(const struct query_node *node, struct buf *out)
{
	switch (node->kind) {
	case QUERY_ALL:
		buf_char(out, '*');
		break;
	case QUERY_AND:
	case QUERY_OR:
		print_brackets(node, node->kind, out);
		break;
	case QUERY_NOT:
		buf_text(out, "(NOT ");
		print_node(node->left, out);
		buf_char(out, ')');
		break;
	case QUERY_TEXT:
		print_text(node, out);
		break;
	case QUERY_WHERE:
		if (is_two_sided(node))
			print_brackets(node, QUERY_AND, out);
		else
			print_where(node, out);
		break;
	}
}

void query_print(const struct query *query, struct buf *out)
{
	print_node(query->root, out);
}
