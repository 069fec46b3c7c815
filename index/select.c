/* Owns:  the text and parameters of one selection.
 * Knows: which condition each fact of a query is, in the tables of catalogue and index.
 * Never: puts user text into SQL. */
#include "index/select.h"

#include "index/condition.h"

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
		sql_bind_text(stmt, (int)select->parameter_count + 1, buf_view(&select->match));
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

/* ---- folders and accounts: looked up now, so that only numbers stand in the SQL ---- */

static struct bytes lower(struct buf *out, struct bytes text)
{
	size_t i;

	buf_clear(out);
	for (i = 0; i < text.n; i++)
		buf_char(out, (char)tolower((unsigned char)text.p[i]));
	return buf_view(out);
}

/* Behind the character of UTF-8 that begins there. */
static size_t step(struct bytes text, size_t at)
{
	do
		at++;
	while (at < text.n && ((unsigned char)text.p[at] & 0xc0) == 0x80);
	return at;
}

static bool fits_pattern(struct bytes pattern, struct bytes text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;

	while (t < text.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			mark = t;
		} else if (p < pattern.n && pattern.p[p] == '?') {
			p++;
			t = step(text, t);
		} else if (p < pattern.n && pattern.p[p] == text.p[t]) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = mark = step(text, mark);
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
	if (strchr(text, ' ')) {
		buf_char(&select->where, '0'); /* or two labels would be found as one */
		return;
	}
	buf_text(&select->where, "instr(' ' || lower(p.flags) || ' ', ' ' || lower(");
	put_parameter(select, bytes_of(text));
	buf_text(&select->where, ") || ' ') > 0");
}

static void put_range(struct select *select, const char *column, const struct query_node *node)
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
		/* NULL without a Date field: then denied it must be true. */
		buf_text(where, "(m.sent IS NOT NULL AND ");
		put_range(select, "m.sent", node);
		buf_char(where, ')');
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
		buf_text(where, "(p.state = 0 AND (p.bits & 16) != 0)");
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

/* ---- a condition ---- */

static void put_match(struct select *select, const struct condition *condition)
{
	struct buf match;

	buf_init(&match, SELECT_TEXT_BYTES);
	condition_match(condition, &match);
	buf_format(&select->where,
	    "m.n %sIN (SELECT rowid & %" PRId64 " FROM main.fts WHERE fts MATCH ",
	    condition->is_match ? "" : "NOT ", INDEX_NUMBER_MASK);
	put_parameter(select, buf_view(&match));
	buf_char(&select->where, ')');
	select->where.overflow |= match.overflow;
	buf_release(&match);
}

typedef int (*put_fn)(struct select *select, const struct condition *condition, struct err *err);

/* Members of a run, written as a balanced tree: neither a long run nor deep brackets must
 * exceed what SQLite's parser takes (a stack of 100 symbols, expressions 1000 deep). */
static int put_run(struct select *select, enum condition_kind kind, struct condition *const *member,
    size_t count, put_fn put, struct err *err)
{
	struct buf *where = &select->where;
	size_t half = (count + 1) / 2;
	bool has_brackets = count - half > 1;

	if (count == 1) {
		has_brackets = kind == CONDITION_AND && member[0]->kind == CONDITION_OR;
		buf_text(where, has_brackets ? "(" : "");
		if (put(select, member[0], err) != 0)
			return -1;
		buf_text(where, has_brackets ? ")" : "");
		return 0;
	}
	if (put_run(select, kind, member, half, put, err) != 0)
		return -1;
	buf_text(where, kind == CONDITION_AND ? " AND " : " OR ");
	buf_text(where, has_brackets ? "(" : "");
	if (put_run(select, kind, member + half, count - half, put, err) != 0)
		return -1;
	buf_text(where, has_brackets ? ")" : "");
	return 0;
}

static int put_condition(struct select *select, const struct condition *condition, struct err *err)
{
	int result;

	if (condition->is_match || condition->is_mismatch) {
		put_match(select, condition);
		return 0;
	}
	switch (condition->kind) {
	case CONDITION_AND:
	case CONDITION_OR:
		return put_run(select, condition->kind, condition->member, condition->count,
		    put_condition, err);
	case CONDITION_LEAF:
		buf_text(&select->where, condition->is_denied ? "NOT (" : "");
		result = put_fact(select, condition->leaf, err);
		buf_text(&select->where, condition->is_denied ? ")" : "");
		return result;
	case CONDITION_ALL:
	case CONDITION_NONE:
		buf_char(&select->where, condition->kind == CONDITION_ALL ? '1' : '0');
	}
	return 0;
}

/* ---- of a message: some place of it ---- */

const char select_place_counts[] =
    "(p.state IN (0, 2) OR NOT EXISTS"
    " (SELECT 1 FROM cat.place q WHERE q.message = m.n AND q.state = 0))";

/* What is asked of a place must hold for one and the same place. Every message has one that
 * counts, so what is not asked of a place may stand before it. */
static int put_members(struct select *select, enum condition_kind kind,
    struct condition *const *member, size_t count, struct err *err)
{
	struct condition **sorted = mem_zero(count, sizeof(struct condition *));
	struct buf *where = &select->where;
	size_t i, plain = 0, placed;
	int result = 0;

	for (i = 0; i < count; i++)
		if (!member[i]->is_of_place)
			sorted[plain++] = member[i];
	for (i = 0, placed = plain; i < count; i++)
		if (member[i]->is_of_place)
			sorted[placed++] = member[i];
	if (plain > 0)
		result = put_run(select, kind, sorted, plain, put_condition, err);
	if (result == 0 && plain < count) {
		if (plain > 0)
			buf_text(where, kind == CONDITION_AND ? " AND " : " OR ");
		buf_format(where,
		    "EXISTS (SELECT 1 FROM cat.place p WHERE p.message = m.n AND %s AND (",
		    select_place_counts);
		result = put_run(select, kind, sorted + plain, count - plain, put_condition, err);
		buf_text(where, "))");
	}
	free(sorted);
	return result;
}

static void note_dates(struct select *select, const struct condition *condition)
{
	const struct query_node *leaf = condition->leaf;

	if (condition->kind != CONDITION_LEAF || condition->is_denied ||
	    leaf->kind != QUERY_WHERE || leaf->fact != QUERY_RECEIVED)
		return;
	if (leaf->from > select->from_unix)
		select->from_unix = leaf->from;
	if (leaf->to < select->to_unix)
		select->to_unix = leaf->to;
}

/* A match at the top is FTS5's to walk; what stands beside it is asked of what it finds. */
static int put_message_root(struct select *select, struct condition *root, struct err *err)
{
	bool is_run = root->count > 0 && !root->is_match && !root->is_mismatch;
	enum condition_kind kind = is_run ? root->kind : CONDITION_AND;
	struct condition *const *member = is_run ? root->member : &root;
	size_t i, count = is_run ? root->count : 1, rests = 0;
	struct condition **rest = mem_zero(count, sizeof(struct condition *));
	int result = 0;

	for (i = 0; i < count; i++) {
		if (kind == CONDITION_AND && member[i]->is_match && select->match.n == 0) {
			condition_match(member[i], &select->match);
			continue;
		}
		if (kind == CONDITION_AND)
			note_dates(select, member[i]);
		rest[rests++] = member[i];
	}
	if (rests > 0)
		result = put_members(select, kind, rest, rests, err);
	free(rest);
	return result;
}

int select_compile(struct select *select, const struct query_node *root, struct err *err)
{
	struct condition *condition = condition_new(root);
	int result = 0;

	if (condition->kind != CONDITION_ALL)
		result = select->unit == SELECT_MESSAGES ? put_message_root(select, condition, err)
							 : put_condition(select, condition, err);
	if (result == 0 && (select->match.overflow || select->where.overflow))
		result = err_set(err, ERR_USAGE, "the query is too large");
	condition_free(condition);
	return result;
}
