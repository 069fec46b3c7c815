/* Owns:  nothing.
 * Knows: how a tree is told in words.
 * Never: leaves a term out. */
#include "index/query_private.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <inttypes.h>

static void begin_line(struct buf *out, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		buf_text(out, "  ");
}

static void put_text(struct buf *out, const struct query_node *node)
{
	static const char *const where[] = {[QUERY_ANYWHERE] = "anywhere",
	    [QUERY_FROM] = "in From",
	    [QUERY_TO] = "in To",
	    [QUERY_CC] = "in Cc",
	    [QUERY_SUBJECT] = "in the subject",
	    [QUERY_BODY] = "in the text",
	    [QUERY_ATTACHMENT] = "in the text of attachments",
	    [QUERY_FILENAME] = "in names of attachments",
	    [QUERY_LIST] = "in List-Id"};

	buf_format(out, "%s: %s%s\"", where[node->field],
	    node->is_phrase ? "the words side by side " : "",
	    node->is_prefix ? "beginning with " : "");
	utf8_print(out, bytes_of(node->text), 0);
	buf_char(out, '"');
}

static void put_bound(
    struct buf *out, const struct query_node *node, const char *word, int64_t value)
{
	char moment[CLOCK_ISO_BYTES];

	if (node->fact == QUERY_SIZE) {
		buf_format(out, "%s%" PRId64 " bytes", word, value);
		return;
	}
	clock_local(value, moment);
	buf_format(out, "%s%s", word, moment);
}

static void put_range(struct buf *out, const struct query_node *node)
{
	bool is_size = node->fact == QUERY_SIZE;

	buf_text(out,
	    is_size                        ? "size: "
		: node->fact == QUERY_SENT ? "sent (the Date field): "
					   : "received: ");
	if (node->from != INT64_MIN)
		put_bound(out, node, is_size ? "at least " : "from ", node->from);
	if (node->from != INT64_MIN && node->to != INT64_MAX)
		buf_text(out, ", ");
	if (node->to != INT64_MAX)
		put_bound(out, node, is_size ? "less than " : "before ", node->to);
}

static void put_where(struct buf *out, const struct query_node *node)
{
	static const char *const facts[] = {[QUERY_FOLDER] = "in the folder, or below it: ",
	    [QUERY_ACCOUNT] = "of the account: ",
	    [QUERY_LABEL] = "with the keyword or label: ",
	    [QUERY_MESSAGE_ID] = "the message: ",
	    [QUERY_UNREAD] = "not read",
	    [QUERY_FLAGGED] = "flagged",
	    [QUERY_ANSWERED] = "answered",
	    [QUERY_DRAFT] = "a draft",
	    [QUERY_DELETED] = "marked \\Deleted on the server",
	    [QUERY_GONE] = "no longer on the server",
	    [QUERY_PURGED] = "deleted on the server by mailcask",
	    [QUERY_HELD] = "under a hold",
	    [QUERY_HAS_ATTACHMENT] = "with an attachment"};

	if (!facts[node->fact]) {
		put_range(out, node);
		return;
	}
	buf_text(out, facts[node->fact]);
	if (node->text)
		utf8_print(out, bytes_of(node->text), 0);
}

static void put_node(struct buf *out, const struct query_node *node, unsigned depth);

/* A run of the same kind is one list. */
static void put_run(
    struct buf *out, const struct query_node *node, enum query_kind kind, unsigned depth)
{
	if (node->kind == kind) {
		put_run(out, node->left, kind, depth);
		put_run(out, node->right, kind, depth);
	} else {
		put_node(out, node, depth);
	}
}

static void put_node(struct buf *out, const struct query_node *node, unsigned depth)
{
	begin_line(out, depth);
	switch (node->kind) {
	case QUERY_ALL:
		buf_text(out, "all mail\n");
		break;
	case QUERY_AND:
	case QUERY_OR:
		buf_text(out, node->kind == QUERY_AND ? "all of these\n" : "any of these\n");
		put_run(out, node, node->kind, depth + 1);
		break;
	case QUERY_NOT:
		buf_text(out, "not\n");
		put_node(out, node->left, depth + 1);
		break;
	case QUERY_TEXT:
		put_text(out, node);
		buf_char(out, '\n');
		break;
	case QUERY_WHERE:
		put_where(out, node);
		buf_char(out, '\n');
		break;
	}
}

void query_explain(const struct query *query, struct buf *out)
{
	put_node(out, query->root, 0);
}
