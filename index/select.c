/* Owns:  the text and parameters of one selection.
 * Knows: which condition each fact of a query is, in the tables of catalogue and index.
 * Never: puts user text into SQL. */
#include "index/select.h"

#include "base/mem.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void select_begin(struct select *select, struct index *index, enum select_unit unit)
{
	memset(select, 0, sizeof *select);
	select->index = index;
	select->unit = unit;
	buf_init(&select->match, SELECT_TEXT_BYTES);
	buf_init(&select->where, SELECT_TEXT_BYTES);
	select->from_unix = INT64_MIN;
	select->to_unix = INT64_MAX;
}

void select_end(struct select *select)
{
	size_t i;

	for (i = 0; i < select->parameter_count; i++)
		buf_release(&select->parameter[i]);
	free(select->parameter);
	buf_release(&select->match);
	buf_release(&select->where);
}

void select_bind(const struct select *select, struct sql_stmt *stmt)
{
	size_t i;

	for (i = 0; i < select->parameter_count; i++)
		sql_bind_text(stmt, (int)i + 1, buf_view(&select->parameter[i]));
	if (select->match.n > 0)
		sql_bind_text(
		    stmt, (int)select->parameter_count + 1, buf_view(&select->match));
}

/* A parameter with that text; its place is written into the SQL. */
static void put_parameter(struct select *select, struct bytes text)
{
	struct buf *parameter;

	select->parameter = mem_grow(select->parameter, &select->parameter_room,
	    select->parameter_count + 1, sizeof *select->parameter);
	parameter = &select->parameter[select->parameter_count++];
	buf_init(parameter, SELECT_TEXT_BYTES);
	buf_bytes(parameter, text);
	buf_format(&select->where, "?%zu", select->parameter_count);
}

/* ---- MATCH ---- */

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

static bool is_matchable(const struct query_node *node);

/* The members of a chain of ANDs, one after the other: fn(member). */
static bool all_members(const struct query_node *node, bool (*fn)(const struct query_node *))
{
	if (node->kind == QUERY_AND)
		return all_members(node->left, fn) && all_members(node->right, fn);
	return fn(node);
}

static bool is_matchable_member(const struct query_node *node)
{
	return is_matchable(node->kind == QUERY_NOT ? node->left : node);
}

static bool is_negative(const struct query_node *node)
{
	return node->kind == QUERY_NOT;
}

/* FTS5 knows NOT only between two expressions: somebody must be wanted. */
static bool is_matchable(const struct query_node *node)
{
	switch (node->kind) {
	case QUERY_TEXT:
		return true;
	case QUERY_OR:
		return is_matchable(node->left) && is_matchable(node->right);
	case QUERY_AND:
		return all_members(node, is_matchable_member) && !all_members(node, is_negative);
	default:
		return false;
	}
}

static void put_match(struct buf *out, const struct query_node *node);

static void put_match_text(struct buf *out, const struct query_node *node)
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

/* Those members of a chain of ANDs that are wanted, or (negative) unwanted. */
static void put_members(
    struct buf *out, const struct query_node *node, bool negative, bool *more)
{
	if (node->kind == QUERY_AND) {
		put_members(out, node->left, negative, more);
		put_members(out, node->right, negative, more);
		return;
	}
	if (is_negative(node) != negative)
		return;
	if (*more)
		buf_text(out, negative ? " OR " : " AND ");
	*more = true;
	put_match(out, negative ? node->left : node);
}

static void put_match_and(struct buf *out, const struct query_node *node)
{
	bool more = false, unwanted = false;
	struct buf without;

	buf_init(&without, SELECT_TEXT_BYTES);
	put_members(&without, node, true, &unwanted);
	buf_text(out, "(");
	put_members(out, node, false, &more);
	buf_text(out, ")");
	if (unwanted)
		buf_format(out, " NOT (%s)", buf_string(&without));
	buf_release(&without);
}

static void put_match(struct buf *out, const struct query_node *node)
{
	buf_char(out, '(');
	if (node->kind == QUERY_TEXT) {
		put_match_text(out, node);
	} else if (node->kind == QUERY_OR) {
		put_match(out, node->left);
		buf_text(out, " OR ");
		put_match(out, node->right);
	} else {
		put_match_and(out, node);
	}
	buf_char(out, ')');
}

/* ---- folders and accounts: looked up now, so that only numbers stand in the SQL ---- */

static struct bytes lower(struct buf *out, struct bytes text)
{
	size_t i;

	buf_clear(out);
	for (i = 0; i < text.n; i++)
		buf_char(out, (char)tolower((unsigned char)text.p[i]));
	return buf_view(out);
}

static bool fits_pattern(struct bytes pattern, struct bytes text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;

	while (t < text.n) {
		if (p < pattern.n && (pattern.p[p] == '?' || pattern.p[p] == text.p[t]) &&
		    pattern.p[p] != '*') {
			p++;
			t++;
		} else if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			mark = t;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++mark;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

/* The folder itself and what is below it. ASCII letters of either case. */
static bool folder_fits(struct bytes asked, struct bytes shown)
{
	struct buf a, b;
	struct bytes pattern, text;
	bool fits;

	buf_init(&a, SELECT_TEXT_BYTES);
	buf_init(&b, SELECT_TEXT_BYTES);
	pattern = lower(&a, asked);
	text = lower(&b, shown);
	fits = fits_pattern(pattern, text);
	if (!fits && text.n > pattern.n && text.p[pattern.n] == '/')
		fits = bytes_equal(pattern, (struct bytes){text.p, pattern.n});
	buf_release(&a);
	buf_release(&b);
	return fits;
}

static int put_folders(
    struct select *select, const struct query_node *node, bool by_account, struct err *err)
{
	struct sql_stmt *stmt;
	const char *comma = "";
	int got;

	if (sql_prepare(index_sql(select->index),
		"SELECT folder.number, account.name, shown FROM cat.folder"
		" JOIN cat.account ON account.number = folder.account",
		&stmt, err) != 0)
		return -1;
	buf_text(&select->where, "p.folder IN (");
	while ((got = sql_step(stmt, err)) == 1) {
		struct bytes name = sql_bytes(stmt, by_account ? 1 : 2);

		if (by_account ? !bytes_is_nocase(name, node->text)
			       : !folder_fits(bytes_of(node->text), name))
			continue;
		buf_format(&select->where, "%s%" PRId64, comma, sql_i64(stmt, 0));
		comma = ",";
	}
	buf_text(&select->where, ")");
	sql_free(stmt);
	return got;
}

/* ---- SQL ---- */

static bool is_hex_id(const char *text)
{
	size_t n = strlen(text);

	return n >= 10 && n <= 64 && strspn(text, "0123456789abcdefABCDEF") == n;
}

/* The ids that begin with these digits, as a range. Only digits get into the SQL. */
static void put_id_range(struct buf *where, const char *text)
{
	char low[65], high[65];
	size_t n = strlen(text);

	memset(low, '0', 64);
	memset(high, 'f', 64);
	memcpy(low, text, n);
	memcpy(high, text, n);
	low[64] = high[64] = '\0';
	buf_format(where, " OR m.id BETWEEN x'%s' AND x'%s'", low, high);
}

static void put_message_id(struct select *select, const char *text)
{
	buf_text(&select->where, "(m.msgid = ");
	put_parameter(select, bytes_of(text));
	if (is_hex_id(text))
		put_id_range(&select->where, text);
	buf_char(&select->where, ')');
}

static void put_label(struct select *select, const char *text)
{
	buf_text(&select->where, "instr(' ' || lower(p.flags) || ' ', ' ' || lower(");
	put_parameter(select, bytes_of(text));
	buf_text(&select->where, ") || ' ') > 0");
}

static void put_range(
    struct select *select, const char *column, const struct query_node *node)
{
	const char *and = "";

	buf_char(&select->where, '(');
	if (node->from != INT64_MIN) {
		buf_format(&select->where, "%s >= %" PRId64, column, node->from);
		and = " AND ";
	}
	if (node->to != INT64_MAX)
		buf_format(&select->where, "%s%s < %" PRId64, and, column, node->to);
	else if (node->from == INT64_MIN)
		buf_text(&select->where, "1");
	buf_char(&select->where, ')');
}

static const char *const gone_text =
    "NOT EXISTS (SELECT 1 FROM cat.place q WHERE q.message = m.n AND q.state = 0)";

static int put_fact(struct select *select, const struct query_node *node, struct err *err)
{
	struct buf *where = &select->where;

	switch (node->fact) {
	case QUERY_FOLDER:
		return put_folders(select, node, false, err);
	case QUERY_ACCOUNT:
		return put_folders(select, node, true, err);
	case QUERY_LABEL:
		put_label(select, node->text);
		break;
	case QUERY_MESSAGE_ID:
		put_message_id(select, node->text);
		break;
	case QUERY_RECEIVED:
		put_range(select, select->unit == SELECT_PLACES ? "p.date" : "m.date", node);
		break;
	case QUERY_SENT:
		put_range(select, "m.sent", node);
		break;
	case QUERY_SIZE:
		put_range(select, "m.size", node);
		break;
	case QUERY_UNREAD:
		buf_text(where, "(p.bits & 1) = 0");
		break;
	case QUERY_FLAGGED:
		buf_text(where, "(p.bits & 2) != 0");
		break;
	case QUERY_ANSWERED:
		buf_text(where, "(p.bits & 4) != 0");
		break;
	case QUERY_DRAFT:
		buf_text(where, "(p.bits & 8) != 0");
		break;
	case QUERY_DELETED:
		buf_text(where, "(p.bits & 16) != 0");
		break;
	case QUERY_GONE:
		buf_text(where, gone_text);
		break;
	case QUERY_PURGED:
		buf_text(where, "p.state = 2");
		break;
	case QUERY_HELD:
		buf_text(where, "m.n IN (SELECT message FROM cat.hold)");
		break;
	case QUERY_HAS_ATTACHMENT:
		buf_text(where, "m.n IN (SELECT n FROM main.doc WHERE attachments > 0)");
		break;
	}
	return 0;
}

static bool is_of_place(const struct query_node *node)
{
	switch (node->kind) {
	case QUERY_AND:
	case QUERY_OR:
		return is_of_place(node->left) || is_of_place(node->right);
	case QUERY_NOT:
		return is_of_place(node->left);
	case QUERY_WHERE:
		return node->fact == QUERY_FOLDER || node->fact == QUERY_ACCOUNT ||
		       node->fact == QUERY_LABEL || node->fact == QUERY_UNREAD ||
		       node->fact == QUERY_FLAGGED || node->fact == QUERY_ANSWERED ||
		       node->fact == QUERY_DRAFT || node->fact == QUERY_DELETED ||
		       node->fact == QUERY_PURGED;
	default:
		return false;
	}
}

static int put_where(struct select *select, const struct query_node *node, struct err *err)
{
	struct buf *where = &select->where, match;
	int result = 0;

	if (is_matchable(node)) {
		buf_init(&match, SELECT_TEXT_BYTES);
		put_match(&match, node);
		buf_format(where, "m.n IN (SELECT rowid & %" PRId64 " FROM main.fts WHERE fts MATCH ",
		    INDEX_NUMBER_MASK);
		put_parameter(select, buf_view(&match));
		buf_char(where, ')');
		buf_release(&match);
		return 0;
	}
	switch (node->kind) {
	case QUERY_ALL:
	case QUERY_TEXT:
		buf_text(where, "1");
		return 0;
	case QUERY_WHERE:
		return put_fact(select, node, err);
	case QUERY_NOT:
		buf_text(where, "NOT (");
		result = put_where(select, node->left, err);
		buf_char(where, ')');
		return result;
	case QUERY_AND:
	case QUERY_OR:
		buf_char(where, '(');
		result = put_where(select, node->left, err);
		buf_text(where, node->kind == QUERY_AND ? " AND " : " OR ");
		if (result == 0)
			result = put_where(select, node->right, err);
		buf_char(where, ')');
	}
	return result;
}

/* A place counts where the message is now, or was purged from; where it has been moved away
 * from or deleted only when it is nowhere any more. */
static const char *const place_counts =
    "(p.state IN (0, 2) OR NOT EXISTS"
    " (SELECT 1 FROM cat.place q WHERE q.message = m.n AND q.state = 0))";

static int put_condition(struct select *select, const struct query_node *node, struct err *err)
{
	bool by_place = select->unit == SELECT_MESSAGES && is_of_place(node);
	int result;

	if (select->where.n > 0)
		buf_text(&select->where, " AND ");
	if (by_place)
		buf_format(&select->where,
		    "EXISTS (SELECT 1 FROM cat.place p WHERE p.message = m.n AND %s AND ",
		    place_counts);
	result = put_where(select, node, err);
	if (by_place)
		buf_char(&select->where, ')');
	return result;
}

/* ---- the top: a chain of ANDs, whose texts become one MATCH ---- */

struct top {
	const struct query_node **text, **rest;
	size_t texts, rests;
};

static void sort_members(struct top *top, const struct query_node *node)
{
	if (node->kind == QUERY_AND) {
		sort_members(top, node->left);
		sort_members(top, node->right);
	} else if (is_matchable(node) || (node->kind == QUERY_NOT && is_matchable(node->left))) {
		top->text[top->texts++] = node;
	} else if (node->kind != QUERY_ALL) {
		top->rest[top->rests++] = node;
	}
}

static void note_dates(struct select *select, const struct query_node *node)
{
	if (node->kind != QUERY_WHERE || node->fact != QUERY_RECEIVED)
		return;
	if (node->from > select->from_unix)
		select->from_unix = node->from;
	if (node->to < select->to_unix)
		select->to_unix = node->to;
}

static void put_top_match(struct select *select, const struct top *top)
{
	size_t i, wanted = 0, unwanted = 0;

	for (i = 0; i < top->texts; i++)
		if (!is_negative(top->text[i])) {
			buf_text(&select->match, wanted++ ? " AND " : "(");
			put_match(&select->match, top->text[i]);
		}
	buf_char(&select->match, ')');
	for (i = 0; i < top->texts; i++)
		if (is_negative(top->text[i])) {
			buf_text(&select->match, unwanted++ ? " OR " : " NOT (");
			put_match(&select->match, top->text[i]->left);
		}
	if (unwanted > 0)
		buf_char(&select->match, ')');
}

/* Conditions that name the place must hold for one and the same place: together. */
static int put_rest(struct select *select, const struct top *top, struct err *err)
{
	struct query_node *together = NULL, *nodes;
	size_t i, used = 0;
	int result = 0;

	nodes = mem_zero(top->rests + 1, sizeof *nodes);
	for (i = 0; result == 0 && i < top->rests; i++) {
		note_dates(select, top->rest[i]);
		if (select->unit == SELECT_PLACES || !is_of_place(top->rest[i])) {
			result = put_condition(select, top->rest[i], err);
			continue;
		}
		nodes[used] = *top->rest[i];
		if (together) {
			struct query_node *both = mem_zero(1, sizeof *both);

			*both = (struct query_node){
			    .kind = QUERY_AND, .left = together, .right = &nodes[used]};
			together = both;
		} else {
			together = &nodes[used];
		}
		used++;
	}
	if (result == 0 && together)
		result = put_condition(select, together, err);
	while (used-- > 1) {
		struct query_node *both = together;

		together = both->left;
		free(both);
	}
	free(nodes);
	return result;
}

static size_t count_members(const struct query_node *node)
{
	return node->kind == QUERY_AND ? count_members(node->left) + count_members(node->right)
				       : 1;
}

int select_compile(struct select *select, const struct query_node *root, struct err *err)
{
	size_t i, members = count_members(root);
	struct top top = {.text = mem_zero(members, sizeof *top.text),
	    .rest = mem_zero(2 * members, sizeof *top.rest)};
	bool wanted = false;
	int result;

	sort_members(&top, root);
	for (i = 0; i < top.texts; i++)
		wanted |= !is_negative(top.text[i]);
	if (wanted && select->unit == SELECT_MESSAGES)
		put_top_match(select, &top);
	else
		for (i = 0; i < top.texts; i++)
			top.rest[top.rests++] = top.text[i];
	result = put_rest(select, &top, err);
	if (result == 0 && (select->match.overflow || select->where.overflow))
		result = err_set(err, ERR_USAGE, "the query is too large");
	free(top.text);
	free(top.rest);
	return result;
}
