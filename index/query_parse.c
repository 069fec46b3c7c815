/* Owns:  the query that is being made, until it is handed out.
 * Knows: the grammar: OR binds weakest, then AND (also unwritten), then NOT.
 * Never: makes everything out of nothing that was understood: only "*", "all" and an empty query
 *        mean all mail.
 * Spec:  index/QUERY.md, section "Grammar". */
#include "index/query_private.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

struct parser {
	struct query_lexer lexer;
	struct query_maker maker;
	struct query_token now;              /* looked at, not taken */
	const struct query_operator *inside; /* of the operator whose brackets are open; or NULL */
	unsigned depth;
	struct err *err;
};

/* What AND or OR holds, before it becomes a tree. */
struct operands {
	struct query_node **nodes;
	size_t count, room;
};

static int advance(struct parser *parser)
{
	return query_lex(&parser->lexer, &parser->now, parser->err);
}

static int wrong(struct parser *parser, size_t at, const char *text)
{
	return query_wrong(parser->err, parser->lexer.text, at, "%s", text);
}

static int enter(struct parser *parser, size_t at)
{
	if (parser->depth++ < QUERY_MAX_DEPTH)
		return 0;
	return query_wrong(parser->err, parser->lexer.text, at,
	    "brackets and NOT are nested deeper than %d", QUERY_MAX_DEPTH);
}

static int parse_any(struct parser *parser, struct query_node **out);

/* The opening bracket has been taken. */
static int parse_brackets(struct parser *parser, size_t open_at, struct query_node **out)
{
	if (enter(parser, open_at) != 0 || advance(parser) != 0)
		return -1;
	if (parser->now.kind == QUERY_TOKEN_CLOSE)
		return wrong(parser, open_at, "there is nothing between these brackets");
	if (parse_any(parser, out) != 0)
		return -1;
	if (parser->now.kind != QUERY_TOKEN_CLOSE)
		return wrong(parser, open_at, "this bracket is never closed");
	parser->depth--;
	return advance(parser);
}

static int parse_operator(struct parser *parser, struct query_node **out)
{
	struct query_token name = parser->now, value;
	int got;

	if (parser->inside)
		return wrong(parser, name.at,
		    "inside the brackets of an operator stand only values; to look for this text, "
		    "put it in quotes");
	if (query_lex_value(&parser->lexer, &name, &value, parser->err) != 0)
		return -1;
	if (value.kind != QUERY_TOKEN_OPEN) {
		if (query_leaf(&parser->maker, name.op, &value, out, parser->err) != 0)
			return -1;
		return advance(parser);
	}
	parser->inside = name.op;
	got = parse_brackets(parser, value.at, out);
	parser->inside = NULL;
	return got;
}

static int all_mail(struct parser *parser, struct query_node **out)
{
	if (query_count_term(
		parser->maker.query, parser->maker.text, parser->now.at, parser->err) != 0)
		return -1;
	*out = query_node_new(parser->maker.query, QUERY_ALL, parser->now.at);
	return advance(parser);
}

static int parse_not(struct parser *parser, struct query_node **out);

static int parse_denied(struct parser *parser, struct query_node **out)
{
	size_t at = parser->now.at;
	struct query_node *denied;

	if (enter(parser, at) != 0 || advance(parser) != 0)
		return -1;
	if (parse_not(parser, &denied) != 0)
		return -1;
	if (!denied)
		return wrong(parser, at, "there is no letter or digit behind this to look for");
	parser->depth--;
	*out = query_node_new(parser->maker.query, QUERY_NOT, at);
	(*out)->left = denied;
	return 0;
}

/* *out is NULL for a word that has nothing to look for, like "&". */
static int parse_not(struct parser *parser, struct query_node **out)
{
	struct query_token token = parser->now;

	switch (token.kind) {
	case QUERY_TOKEN_NOT:
		return parse_denied(parser, out);
	case QUERY_TOKEN_OPEN:
		return parse_brackets(parser, token.at, out);
	case QUERY_TOKEN_OPERATOR:
		return parse_operator(parser, out);
	case QUERY_TOKEN_WORD:
		if (!parser->inside && bytes_is(token.text, "*"))
			return all_mail(parser, out);
		/* fall through */
	case QUERY_TOKEN_PHRASE:
		if (query_leaf(&parser->maker, parser->inside, &token, out, parser->err) != 0)
			return -1;
		return advance(parser);
	case QUERY_TOKEN_CLOSE:
		return wrong(parser, token.at,
		    parser->depth > 0 ? "something to look for is missing before this bracket"
				      : "this bracket was never opened");
	case QUERY_TOKEN_AND:
	case QUERY_TOKEN_OR:
		return wrong(parser, token.at,
		    "something to look for is missing before this; to look for the word itself, "
		    "put "
		    "it in quotes");
	case QUERY_TOKEN_END:
		break;
	}
	return wrong(parser, token.at, "something to look for is missing at the end");
}

static void add(struct operands *operands, struct query_node *node)
{
	operands->nodes = mem_grow(
	    operands->nodes, &operands->room, operands->count + 1, sizeof(struct query_node *));
	operands->nodes[operands->count++] = node;
}

/* A balanced tree: as deep as the logarithm of the count. */
static struct query_node *joined(
    struct parser *parser, enum query_kind kind, struct query_node **nodes, size_t count)
{
	struct query_node *node;

	if (count == 1)
		return nodes[0];
	node = query_node_new(parser->maker.query, kind, nodes[0]->at);
	node->left = joined(parser, kind, nodes, (count + 1) / 2);
	node->right = joined(parser, kind, nodes + (count + 1) / 2, count / 2);
	return node;
}

static bool is_operand_end(const struct parser *parser)
{
	return parser->now.kind == QUERY_TOKEN_END || parser->now.kind == QUERY_TOKEN_CLOSE ||
	    parser->now.kind == QUERY_TOKEN_OR;
}

static int parse_all_of(struct parser *parser, struct query_node **out)
{
	struct operands operands = {0};
	struct query_node *node = NULL;
	size_t at = parser->now.at;
	int got = -1;

	do {
		if (parse_not(parser, &node) != 0)
			goto out;
		if (node)
			add(&operands, node);
		if (parser->now.kind == QUERY_TOKEN_AND) {
			if (advance(parser) != 0)
				goto out;
			if (is_operand_end(parser)) {
				parse_not(parser, &node); /* says what is missing */
				goto out;
			}
		}
	} while (!is_operand_end(parser));
	if (operands.count > 0) {
		*out = joined(parser, QUERY_AND, operands.nodes, operands.count);
		got = 0;
	} else {
		wrong(parser, at, "there is no letter or digit here to look for");
	}
out:
	free(operands.nodes);
	return got;
}

static int parse_any(struct parser *parser, struct query_node **out)
{
	struct operands operands = {0};
	struct query_node *node = NULL;
	int got = -1;

	while (parse_all_of(parser, &node) == 0) {
		add(&operands, node);
		if (parser->now.kind != QUERY_TOKEN_OR) {
			*out = joined(parser, QUERY_OR, operands.nodes, operands.count);
			got = 0;
			break;
		}
		if (advance(parser) != 0)
			break;
	}
	free(operands.nodes);
	return got;
}

/* Steps from the node to its deepest leaf. */
static unsigned depth_of(const struct query_node *node)
{
	unsigned left = node->left ? 1 + depth_of(node->left) : 0;
	unsigned right = node->right ? 1 + depth_of(node->right) : 0;

	return left > right ? left : right;
}

/* The word "all", when it is the whole query. */
static bool is_all(const struct query_node *node)
{
	return node->kind == QUERY_TEXT && node->field == QUERY_ANYWHERE && !node->is_phrase &&
	    !node->is_prefix && strcmp(node->text, "all") == 0;
}

static int parse_text(struct parser *parser)
{
	struct query *query = parser->maker.query;

	if (advance(parser) != 0)
		return -1;
	if (parser->now.kind == QUERY_TOKEN_END) {
		query->root = query_node_new(query, QUERY_ALL, 0);
		return 0;
	}
	if (parse_any(parser, &query->root) != 0)
		return -1;
	if (parser->now.kind != QUERY_TOKEN_END)
		return wrong(parser, parser->now.at, "this bracket was never opened");
	if (depth_of(query->root) > QUERY_MAX_DEPTH)
		return query_wrong(parser->err, parser->lexer.text, 0,
		    "brackets and NOT are nested deeper than %d", QUERY_MAX_DEPTH);
	if (is_all(query->root))
		query->root = query_node_new(query, QUERY_ALL, query->root->at);
	return 0;
}

static int check_utf8(struct bytes text, struct err *err)
{
	struct bytes rest = text;
	uint32_t point;
	int got;

	while ((got = utf8_next(&rest, &point)) > 0)
		;
	if (got < 0)
		return query_wrong(err, text, text.n - rest.n - 1, "this is not UTF-8");
	return 0;
}

int query_parse(struct query **out, struct bytes text, int64_t now_unix, struct err *err)
{
	struct query *query;
	struct parser parser = {.err = err};

	if (text.n > QUERY_MAX_BYTES)
		return err_set(err, ERR_USAGE, "a query has at most %d bytes, this one has %zu",
		    QUERY_MAX_BYTES, text.n);
	if (check_utf8(text, err) != 0)
		return -1;
	query = mem_zero(1, sizeof *query);
	parser.lexer.text = text;
	parser.maker = (struct query_maker){query, text, now_unix};
	if (parse_text(&parser) != 0) {
		query_free(query);
		return -1;
	}
	*out = query;
	return 0;
}
