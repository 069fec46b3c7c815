/* A query is understood or refused with a reason; what is printed of it means the same again. */
#include "base/utf8.h"
#include "index/query.h"

#include <string.h>

#define NOW 1560000000

static void check_node(const struct query_node *node, unsigned depth, struct bytes text)
{
	if (!node)
		return;
	if (depth > QUERY_MAX_DEPTH || node->at > text.n)
		abort();
	if (node->text && !utf8_valid(bytes_of(node->text)))
		abort();
	if ((node->kind == QUERY_TEXT) && (!node->text || !node->text[0]))
		abort();
	check_node(node->left, depth + 1, text);
	check_node(node->right, depth + 1, text);
}

static struct query *parse(struct bytes text, struct err *err)
{
	struct query *query = NULL;

	if (query_parse(&query, text, NOW, err) == 0) {
		check_node(query_root(query), 0, text);
		return query;
	}
	if (query || err->code != ERR_USAGE || !err->text[0] || !utf8_valid(bytes_of(err->text)))
		abort();
	return NULL;
}

/* A range of two sides is two terms when it is printed. */
static bool is_limit(const struct err *err)
{
	return strstr(err->text, "at most") || strstr(err->text, "deeper");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct err err = {0};
	struct query *query = parse((struct bytes){(const char *)data, bytes}, &err), *again;
	struct buf first, second;

	if (!query)
		return 0;
	buf_init(&first, 1 << 24);
	buf_init(&second, 1 << 24);
	query_print(query, &first);
	again = parse(buf_view(&first), &err);
	if (!again && !is_limit(&err))
		abort();
	if (again)
		query_print(again, &second);
	if (again && !bytes_equal(buf_view(&first), buf_view(&second)))
		abort();
	query_free(query);
	query_free(again);
	buf_release(&first);
	buf_release(&second);
	return 0;
}
