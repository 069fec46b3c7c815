#include "tests/unit/indexed.h"

#include "base/utf8.h"
#include "index/search.h"

#include <inttypes.h>
#include <time.h>

#define MESSAGES    60
#define PLACES_MAX  4
#define ARCHIVES    3
#define QUERIES     2000
#define DEPTH       4
#define WORDS_MAX   12
#define NOW         1700000000
#define QUERY_BYTES 65536

#ifndef FIRST_SEED
#define FIRST_SEED 1
#endif

/* What is known of the archive. Everything that a query may ask for is judged here a second
 * time, place by place, without SQL and without FTS5. */

enum column { FROM, TO, CC, SUBJECT, LIST, BODY, FILENAME, ATTACHMENT, COLUMNS };

static const char *const column_name[COLUMNS] = {
    "from", "to", "cc", "subject", "list", "body", "filename", "attachment"};

struct known_place {
	int64_t number;
	const char *account, *folder; /* as shown */
	uint32_t uid;
	int64_t date_unix;
	bool flag[5];
	const char *label; /* or NULL */
	enum place_state state;
};

struct known {
	int64_t n;
	const char *word[COLUMNS][WORDS_MAX];
	size_t words[COLUMNS];
	struct msg_id id;
	char *message_id;
	bool has_attachment, has_sent, is_held;
	int64_t sent_unix, date_unix;
	uint64_t size_bytes;
	struct known_place place[PLACES_MAX];
	size_t places;
};

static struct archive a;
static struct index *index_now;
static int leaf_kind = -1; /* of every leaf that is made; -1: any */
static struct known known[MESSAGES];
static unsigned seed;

static unsigned pick(unsigned below)
{
	return (unsigned)rand_r(&seed) % below;
}

static const char *const vocabulary[] = {"alpha", "alpine", "al", "beta", "gamma", "delta"};
static const char *const accounts[] = {"work", "Home"};
static const char *const folders[] = {
    "INBOX", "Archive", "Archive/2019", "Archive/2019/x", "Archived", "Old mail"};
static const char *const flag_name[] = {
    "\\Answered", "\\Deleted", "\\Draft", "\\Flagged", "\\Seen"};
static const char *const labels[] = {"$junk", "Todo", "todo2"};
/* Moments that lie close together, and some before 1970 and after 2038. */
static const int64_t moments[] = {
    -5000000000, -1, 0, 1, 1577836799, 1577836800, 1577836801, 1600000000, 4200000000, 15000000000};

#define PICK(array) array[pick(sizeof(array) / sizeof *(array))]

static int64_t pick_moment(void)
{
	return PICK(moments) + (int64_t)pick(3) - 1;
}

/* ---- the archive ---- */

static void put_words(struct buf *out, struct known *message, enum column column)
{
	unsigned i, count = pick(4);

	for (i = 0; i < count; i++) {
		const char *word = PICK(vocabulary);

		buf_format(out, "%s%s", i ? " " : "", word);
		message->word[column][message->words[column]++] = word;
	}
}

/* Words that stand there as well, in no query. */
static void note_words(struct known *message, enum column column, unsigned count)
{
	while (count-- > 0)
		message->word[column][message->words[column]++] = "zz";
}

static void put_field(
    struct buf *out, const char *name, struct known *message, enum column column, const char *end)
{
	buf_format(out, "%s: ", name);
	put_words(out, message, column);
	buf_format(out, "%s\r\n", end);
	if (end[0])
		note_words(message, column, 3);
}

static void put_sent(struct buf *out, struct known *message)
{
	char date[64];
	time_t seconds;
	struct tm t;

	message->has_sent = pick(4) != 0;
	if (!message->has_sent)
		return;
	do
		message->sent_unix = pick_moment();
	while (message->sent_unix < 1); /* years of two figures are another test's business */
	seconds = (time_t)message->sent_unix;
	gmtime_r(&seconds, &t);
	strftime(date, sizeof date, "%d %b %Y %H:%M:%S +0000", &t);
	buf_format(out, "Date: %s\r\n", date);
}

static void put_text(struct buf *out, struct known *message)
{
	message->has_attachment = pick(2) != 0;
	if (message->has_attachment)
		buf_text(out, "Content-Type: multipart/mixed; boundary=zz\r\n\r\n--zz\r\n");
	buf_text(out, "Content-Type: text/plain\r\n\r\n");
	put_words(out, message, BODY);
	buf_text(out, "\r\n");
	if (message->has_attachment) {
		buf_text(out,
		    "--zz\r\nContent-Type: text/plain\r\n"
		    "Content-Disposition: attachment; filename=\"");
		put_words(out, message, FILENAME);
		note_words(message, FILENAME, 1);
		buf_text(out, ".zz\"\r\n\r\n");
		put_words(out, message, ATTACHMENT);
		buf_text(out, "\r\n--zz--\r\n");
	}
}

static void put_message(struct known *message, unsigned number)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	message->message_id = mem_format("%u.zz@zz", number);
	buf_format(&text, "Message-ID: <%s>\r\n", message->message_id);
	put_sent(&text, message);
	put_field(&text, "From", message, FROM, " <zz@zz.zz>");
	put_field(&text, "To", message, TO, " <zz@zz.zz>");
	put_field(&text, "Cc", message, CC, " <zz@zz.zz>");
	put_field(&text, "List-Id", message, LIST, " <zz.zz.zz>");
	put_field(&text, "Subject", message, SUBJECT, "");
	put_text(&text, message);
	message->size_bytes = text.n;
	message->id = archive_put_bytes(&a, buf_view(&text));
	buf_release(&text);
}

static struct archive_place place_of(const struct known_place *place, struct buf *flags)
{
	size_t i;

	buf_clear(flags);
	if (place->label)
		buf_text(flags, place->label);
	for (i = 0; i < 5; i++)
		if (place->flag[i])
			buf_format(flags, "%s%s", flags->n ? " " : "", flag_name[i]);
	return (struct archive_place){.account = place->account,
	    .folder = place->folder,
	    .uidvalidity = place->state == PLACE_RETIRED ? 1 : 2,
	    .uid = place->uid,
	    .flags = buf_string(flags),
	    .date_unix = place->date_unix};
}

static void put_place(struct known *message, struct known_place *place)
{
	struct archive_place at;
	struct buf flags;
	size_t i;

	place->account = PICK(accounts);
	place->folder = PICK(folders);
	place->date_unix = pick_moment();
	for (i = 0; i < 5; i++)
		place->flag[i] = pick(3) == 0;
	place->label = pick(2) ? PICK(labels) : NULL;
	place->state = (enum place_state)(pick(2) ? 0 : pick(4));
	buf_init(&flags, 4096);
	at = place_of(place, &flags);
	archive_place(&a, message->id, at);
	if (place->state == PLACE_GONE)
		archive_gone(&a, at);
	if (place->state == PLACE_PURGED)
		archive_purged(&a, message->id, at);
	if (place->state == PLACE_RETIRED)
		archive_retired(&a, at);
	buf_release(&flags);
}

static int note_place(void *arg, const struct catalog_place *place, struct err *err)
{
	struct known *message = arg;
	size_t i;

	(void)err;
	for (i = 0; i < message->places; i++)
		if (message->place[i].uid == place->uid) {
			ck_assert_int_eq(message->place[i].state, place->state);
			message->place[i].number = place->number;
		}
	return 0;
}

static void note_numbers(struct known *message)
{
	message->n = archive_number(&a, message->id);
	OK(catalog_places_of(vault_catalog(a.vault), message->n, note_place, message, err));
}

static void begin(unsigned with_seed)
{
	uint32_t uid = 0;
	size_t i, k;

	setenv("TZ", "UTC", 1);
	tzset();
	seed = with_seed;
	memset(known, 0, sizeof known);
	archive_begin(&a);
	for (i = 0; i < MESSAGES; i++) {
		struct known *message = &known[i];

		put_message(message, (unsigned)i);
		message->places = i % 20 == 19 ? 0 : 1 + pick(PLACES_MAX);
		for (k = 0; k < message->places; k++) {
			message->place[k].uid = ++uid;
			put_place(message, &message->place[k]);
		}
		message->date_unix = message->place[0].date_unix;
		message->is_held = pick(5) == 0;
		if (message->is_held)
			archive_hold(&a, message->id, true);
		if (pick(10) == 0)
			archive_commit(&a);
	}
	archive_commit(&a);
	for (i = 0; i < MESSAGES; i++)
		note_numbers(&known[i]);
	index_now = indexed(&a);
}

static void end(void)
{
	size_t i;

	index_close(index_now);
	for (i = 0; i < MESSAGES; i++)
		free(known[i].message_id);
	archive_end(&a);
}

/* ---- trees of conditions ---- */

enum kind {
	ALL,
	AND,
	OR,
	NOT,
	TEXT,
	FOLDER,
	ACCOUNT,
	LABEL,
	ID,
	RECEIVED,
	SENT,
	SIZE,
	FLAG,
	UNREAD,
	GONE,
	PURGED,
	HELD,
	HAS
};

struct tree {
	enum kind kind;
	struct tree *left, *right;
	int column; /* of TEXT; -1: anywhere */
	const char *word[2];
	size_t words, flag;
	bool is_prefix;
	const char *name;
	const struct known *message; /* of ID */
	int64_t from, to;
};

static void tree_free(struct tree *tree)
{
	if (!tree)
		return;
	tree_free(tree->left);
	tree_free(tree->right);
	free(tree);
}

static void make_range(struct tree *leaf, bool of_size)
{
	int64_t value = of_size ? (int64_t)known[pick(MESSAGES)].size_bytes + (int64_t)pick(3) - 1
				: pick_moment();

	leaf->from = INT64_MIN;
	leaf->to = INT64_MAX;
	if (pick(2))
		leaf->from = value;
	else
		leaf->to = value;
}

static void make_leaf(struct tree *leaf)
{
	static const enum kind kinds[] = {TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, FOLDER, ACCOUNT,
	    LABEL, ID, RECEIVED, RECEIVED, SENT, SIZE, FLAG, UNREAD, GONE, PURGED, HELD, HAS, ALL};
	static const char *const asked_folders[] = {"inbox", "Archive", "archive/2019", "Arch*",
	    "*2019", "Archive/*", "?NBOX", "Old mail", "none", "*"};
	static const char *const asked_labels[] = {"$JUNK", "todo", "Todo2", "\\flagged", "none"};

	leaf->kind = leaf_kind < 0 ? PICK(kinds) : (enum kind)leaf_kind;
	leaf->column = (int)pick(COLUMNS + 4);
	if (leaf->column >= COLUMNS)
		leaf->column = -1;
	leaf->words = 1 + (pick(4) == 0);
	leaf->word[0] = PICK(vocabulary);
	leaf->word[1] = PICK(vocabulary);
	leaf->is_prefix = pick(4) == 0;
	leaf->flag = pick(4);
	leaf->message = &known[pick(MESSAGES)];
	make_range(leaf, leaf->kind == SIZE);
	if (leaf->kind == FOLDER)
		leaf->name = PICK(asked_folders);
	if (leaf->kind == ACCOUNT)
		leaf->name = pick(2) ? "WORK" : "home";
	if (leaf->kind == LABEL)
		leaf->name = PICK(asked_labels);
}

static struct tree *make_tree(unsigned depth)
{
	struct tree *tree = mem_zero(1, sizeof *tree);
	unsigned kind = depth == 0 ? 9 : pick(10);

	if (kind < 3)
		tree->kind = AND;
	else if (kind < 6)
		tree->kind = OR;
	else if (kind < 8)
		tree->kind = NOT;
	else
		make_leaf(tree);
	if (tree->kind == AND || tree->kind == OR || tree->kind == NOT)
		tree->left = make_tree(depth - 1);
	if (tree->kind == AND || tree->kind == OR)
		tree->right = make_tree(depth - 1);
	return tree;
}

static void write_text(struct buf *out, const struct tree *leaf)
{
	char word[16];

	if (leaf->column >= 0)
		buf_format(out, "%s:", column_name[leaf->column]);
	snprintf(word, sizeof word, "%s", leaf->word[leaf->words - 1]);
	if (leaf->is_prefix)
		word[2] = '\0';
	if (leaf->words == 2)
		buf_format(out, "\"%s %s\"", leaf->word[0], word);
	else
		buf_text(out, word);
	if (leaf->is_prefix)
		buf_char(out, '*');
}

static void write_range(struct buf *out, const struct tree *leaf)
{
	bool is_from = leaf->from != INT64_MIN;
	int64_t value = is_from ? leaf->from : leaf->to;
	char moment[CLOCK_ISO_BYTES];

	if (leaf->kind == SIZE) {
		buf_format(out, "%s:%" PRId64, is_from ? "larger" : "smaller", value);
		return;
	}
	clock_iso(value, moment);
	buf_format(out, "%s%s:%s", leaf->kind == SENT ? "sent:" : "", is_from ? "after" : "before",
	    moment);
}

static void write_id(struct buf *out, const struct tree *leaf)
{
	char hex[SHA256_HEX_BYTES];

	sha256_hex(&leaf->message->id.sum, hex);
	if (leaf->is_prefix)
		buf_format(out, "id:%.*s", 10 + (int)leaf->flag, hex);
	else
		buf_format(out, "id:<%s>", leaf->message->message_id);
}

static void write_leaf(struct buf *out, const struct tree *leaf)
{
	static const char *const flag[] = {"answered", "deleted", "draft", "flagged"};
	static const char *const plain[] = {[ALL] = "*",
	    [UNREAD] = "is:unread",
	    [GONE] = "is:gone",
	    [PURGED] = "is:purged",
	    [HELD] = "is:held",
	    [HAS] = "has:attachment"};

	switch (leaf->kind) {
	case TEXT:
		write_text(out, leaf);
		break;
	case FOLDER:
		buf_format(out, "folder:\"%s\"", leaf->name);
		break;
	case ACCOUNT:
		buf_format(out, "account:%s", leaf->name);
		break;
	case LABEL:
		buf_format(out, "label:%s", leaf->name);
		break;
	case ID:
		write_id(out, leaf);
		break;
	case RECEIVED:
	case SENT:
	case SIZE:
		write_range(out, leaf);
		break;
	case FLAG:
		buf_format(out, "is:%s", flag[leaf->flag]);
		break;
	default:
		buf_text(out, plain[leaf->kind]);
	}
}

static void write_tree(struct buf *out, const struct tree *tree)
{
	buf_char(out, '(');
	switch (tree->kind) {
	case AND:
	case OR:
		write_tree(out, tree->left);
		buf_text(out, tree->kind == AND ? " " : " OR ");
		write_tree(out, tree->right);
		break;
	case NOT:
		buf_text(out, "NOT ");
		write_tree(out, tree->left);
		break;
	default:
		write_leaf(out, tree);
	}
	buf_char(out, ')');
}

/* ---- what they mean ---- */

static bool column_has(const struct known *message, size_t column, const struct tree *leaf)
{
	size_t i, k;

	for (i = 0; i + leaf->words <= message->words[column]; i++) {
		for (k = 0; k < leaf->words; k++) {
			const char *word = message->word[column][i + k];
			bool prefix = leaf->is_prefix && k + 1 == leaf->words;

			if (prefix ? strncmp(word, leaf->word[k], 2) != 0
				   : strcmp(word, leaf->word[k]) != 0)
				break;
		}
		if (k == leaf->words)
			return true;
	}
	return false;
}

static bool has_text(const struct known *message, const struct tree *leaf)
{
	size_t column;

	if (leaf->column >= 0)
		return column_has(message, (size_t)leaf->column, leaf);
	for (column = 0; column < COLUMNS; column++)
		if (column_has(message, column, leaf))
			return true;
	return false;
}

/* "*" and "?" as in the language; letters of either case. */
static bool fits(const char *pattern, const char *name)
{
	if (!*pattern)
		return !*name;
	if (*pattern == '*')
		return fits(pattern + 1, name) || (*name && fits(pattern, name + 1));
	return *name && (*pattern == '?' || strncasecmp(pattern, name, 1) == 0) &&
	    fits(pattern + 1, name + 1);
}

static bool is_in_folder(const char *asked, const char *folder)
{
	size_t n = strlen(asked);

	return fits(asked, folder) || (strncasecmp(asked, folder, n) == 0 && folder[n] == '/');
}

static bool has_label(const struct known_place *place, const char *asked)
{
	size_t i;

	for (i = 0; i < 5; i++)
		if (place->flag[i] && strcasecmp(flag_name[i], asked) == 0)
			return true;
	return place->label && strcasecmp(place->label, asked) == 0;
}

static bool is_within(const struct tree *leaf, int64_t value)
{
	return (leaf->from == INT64_MIN || value >= leaf->from) &&
	    (leaf->to == INT64_MAX || value < leaf->to);
}

static bool is_present_somewhere(const struct known *message)
{
	size_t i;

	for (i = 0; i < message->places; i++)
		if (message->place[i].state == PLACE_PRESENT)
			return true;
	return false;
}

/* date: in a list of messages that of the message, in a list of places that of the place. */
static bool holds(const struct tree *tree, const struct known *message,
    const struct known_place *place, int64_t date)
{
	switch (tree->kind) {
	case ALL:
		return true;
	case AND:
		return holds(tree->left, message, place, date) &&
		    holds(tree->right, message, place, date);
	case OR:
		return holds(tree->left, message, place, date) ||
		    holds(tree->right, message, place, date);
	case NOT:
		return !holds(tree->left, message, place, date);
	case TEXT:
		return has_text(message, tree);
	case FOLDER:
		return is_in_folder(tree->name, place->folder);
	case ACCOUNT:
		return strcasecmp(tree->name, place->account) == 0;
	case LABEL:
		return has_label(place, tree->name);
	case ID:
		return tree->message == message;
	case RECEIVED:
		return is_within(tree, date);
	case SENT:
		return message->has_sent && is_within(tree, message->sent_unix);
	case SIZE:
		return is_within(tree, (int64_t)message->size_bytes);
	case FLAG: /* is:deleted: and still there */
		return place->flag[tree->flag] &&
		    (tree->flag != 1 || place->state == PLACE_PRESENT);
	case UNREAD:
		return !place->flag[4];
	case GONE:
		return !is_present_somewhere(message);
	case PURGED:
		return place->state == PLACE_PURGED;
	case HELD:
		return message->is_held;
	case HAS:
		return message->has_attachment;
	}
	return false;
}

/* Where the message is, or was purged from; where else it was only when it is nowhere. */
static bool counts(const struct known *message, const struct known_place *place)
{
	return place->state == PLACE_PRESENT || place->state == PLACE_PURGED ||
	    !is_present_somewhere(message);
}

/* ---- asking ---- */

struct list {
	int64_t number[MESSAGES * PLACES_MAX];
	size_t count;
};

static void add(struct list *list, int64_t number)
{
	ck_assert_uint_lt(list->count, MESSAGES * PLACES_MAX);
	list->number[list->count++] = number;
}

static int take_message(void *arg, int64_t n, struct err *err)
{
	(void)err;
	add(arg, n);
	return 0;
}

static int take_place(void *arg, int64_t number, int64_t n, struct err *err)
{
	size_t i;

	(void)err;
	for (i = 0; i < MESSAGES; i++)
		for (size_t k = 0; k < known[i].places; k++)
			if (known[i].place[k].number == number)
				ck_assert_int_eq(known[i].n, n);
	add(arg, number);
	return 0;
}

static int by_date(const void *x, const void *y)
{
	const struct known *const *m = x, *const *n = y;

	if ((*m)->date_unix != (*n)->date_unix)
		return (*m)->date_unix < (*n)->date_unix ? 1 : -1;
	return (*m)->n < (*n)->n ? 1 : -1;
}

/* The messages that must be found, newest first. */
static void expect_messages(struct list *list, const struct tree *tree)
{
	const struct known *hit[MESSAGES];
	size_t i, k, hits = 0;

	list->count = 0;
	for (i = 0; i < MESSAGES; i++) {
		const struct known *m = &known[i];

		for (k = 0; k < m->places; k++)
			if (counts(m, &m->place[k]) && holds(tree, m, &m->place[k], m->date_unix))
				break;
		if (k < m->places)
			hit[hits++] = m;
	}
	qsort(hit, hits, sizeof *hit, by_date);
	for (i = 0; i < hits; i++)
		add(list, hit[i]->n);
}

static void expect_places(struct list *list, const struct tree *tree, bool only_present)
{
	size_t i, k;

	list->count = 0;
	for (i = 0; i < MESSAGES; i++)
		for (k = 0; k < known[i].places; k++) {
			const struct known_place *p = &known[i].place[k];

			if ((only_present ? p->state == PLACE_PRESENT : counts(&known[i], p)) &&
			    holds(tree, &known[i], p, p->date_unix))
				add(list, p->number);
		}
}

static int by_number(const void *x, const void *y)
{
	const int64_t *m = x, *n = y;

	return *m < *n ? -1 : *m > *n;
}

static bool is_same(const struct list *got, const struct list *wanted)
{
	return got->count == wanted->count &&
	    memcmp(got->number, wanted->number, got->count * sizeof *got->number) == 0;
}

static const char *shown(const struct list *list)
{
	static char text[2][4000];
	static int turn;
	char *out = text[turn ^= 1];
	size_t i, n = 0;

	out[0] = '\0';
	for (i = 0; i < list->count && n < sizeof text[0] - 24; i++)
		n += (size_t)snprintf(out + n, sizeof text[0] - n, " %" PRId64, list->number[i]);
	return out;
}

static void check_messages(const struct query *query, const struct tree *tree, const char *text)
{
	struct search_options options = {0};
	struct list got = {.count = 0}, wanted;
	uint64_t count;

	expect_messages(&wanted, tree);
	OK(search_messages(index_now, query, &options, take_message, &got, err));
	ck_assert_msg(
	    is_same(&got, &wanted), "%s\nfinds%s\nnot  %s", text, shown(&got), shown(&wanted));
	OK(search_count(index_now, query, &count, err));
	ck_assert_msg(count == wanted.count, "%s\ncounts %" PRIu64, text, count);
}

static void check_places(
    const struct query *query, const struct tree *tree, bool only_present, const char *text)
{
	struct list got = {.count = 0}, wanted;

	expect_places(&wanted, tree, only_present);
	OK(search_places(index_now, query, only_present, take_place, &got, err));
	qsort(got.number, got.count, sizeof *got.number, by_number);
	qsort(wanted.number, wanted.count, sizeof *wanted.number, by_number);
	ck_assert_msg(is_same(&got, &wanted), "%s\nfinds the places%s\nnot  %s", text, shown(&got),
	    shown(&wanted));
}

static void check_tree(const struct tree *tree)
{
	struct query *query;
	struct buf text;

	buf_init(&text, QUERY_BYTES);
	write_tree(&text, tree);
	OK(query_parse(&query, buf_view(&text), NOW, err));
	check_messages(query, tree, buf_string(&text));
	check_places(query, tree, true, buf_string(&text));
	check_places(query, tree, false, buf_string(&text));
	query_free(query);
	buf_release(&text);
}

START_TEST(random_queries_find_what_a_second_judge_finds)
{
	unsigned i, k;

	for (k = 0; k < ARCHIVES; k++) {
		begin(FIRST_SEED + k);
		for (i = 0; i < QUERIES; i++) {
			struct tree *tree = make_tree(i % (DEPTH + 1));

			check_tree(tree);
			tree_free(tree);
		}
		end();
	}
}
END_TEST

/* ---- queries as large as they may be ---- */

/* One in the other, as deep as the count says, with a leaf at every level. */
static struct tree *make_chain(unsigned count, const enum kind *kinds, unsigned kinds_count)
{
	struct tree *tree = make_tree(0);

	while (count-- > 0) {
		struct tree *outer = mem_zero(1, sizeof *outer);
		bool is_right = pick(2);

		outer->kind = kinds[count % kinds_count];
		outer->left = tree;
		tree = outer;
		if (outer->kind == NOT)
			continue;
		outer->right = make_tree(0);
		if (is_right) {
			struct tree *leaf = outer->right;

			outer->right = outer->left;
			outer->left = leaf;
		}
	}
	return tree;
}

/* That many leaves side by side. */
static struct tree *make_row(unsigned count, enum kind kind, bool with_not)
{
	struct tree *tree;

	if (count > 1) {
		tree = mem_zero(1, sizeof *tree);
		tree->kind = kind;
		tree->left = make_row((count + 1) / 2, kind, with_not);
		tree->right = make_row(count / 2, kind, with_not);
		return tree;
	}
	tree = make_tree(0);
	if (with_not && pick(2)) {
		struct tree *not = mem_zero(1, sizeof *not );

		not ->kind = NOT;
		not ->left = tree;
		tree = not ;
	}
	return tree;
}

static void check_once(struct tree *tree)
{
	check_tree(tree);
	tree_free(tree);
}

START_TEST(the_deepest_queries_are_answered)
{
	static const enum kind turns[] = {AND, OR}, with_not[] = {AND, NOT, OR, NOT};
	static const int kinds[] = {-1, -1, -1, -1, TEXT, FOLDER, ID, SENT, FLAG, HELD};
	size_t i, k;

	begin(5);
	for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
		for (k = 0; k < 5; k++) {
			leaf_kind = kinds[i];
			check_once(make_chain(98, turns, 2));
			check_once(make_chain(65, with_not, 4));
		}
	end();
}
END_TEST

START_TEST(the_longest_queries_are_answered)
{
	static const int kinds[] = {-1, -1, TEXT, FOLDER, LABEL, FLAG, HELD};
	size_t i;

	begin(6);
	for (i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		leaf_kind = kinds[i];
		check_once(make_row(999, AND, false));
		check_once(make_row(999, OR, false));
		check_once(make_row(900, AND, true));
		check_once(make_row(900, OR, true));
	}
	end();
}
END_TEST

SUITE(random_queries_find_what_a_second_judge_finds, the_deepest_queries_are_answered,
    the_longest_queries_are_answered)
