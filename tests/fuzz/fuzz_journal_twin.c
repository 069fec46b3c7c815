/* Another reader of JSON (jansson, a tree for each line) takes the same lines as event_parse,
 * with the same values, and refuses the same. Input: lines. Of numbers with a fraction or an
 * exponent jansson also judges the size, which is nothing that an event has. */
#include "archiver/journal/journal.c" /* its table of kinds and fields */

#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* What came as base64. */
struct texts {
	struct buf text[FIELDS_MAX];
	size_t count;
};

static bool tree_text(struct texts *texts, struct bytes *out, json_t *value)
{
	struct buf *text;
	json_t *coded;

	if (json_is_string(value)) {
		*out = (struct bytes){json_string_value(value), json_string_length(value)};
		return true;
	}
	coded = json_object_get(value, "b64");
	if (!json_is_string(coded))
		return false;
	text = &texts->text[texts->count++];
	buf_init(text, JOURNAL_LINE_BYTES);
	if (!base64_take(text, (struct bytes){json_string_value(coded), json_string_length(coded)}))
		return false;
	*out = buf_view(text);
	return true;
}

static bool tree_count(uint64_t *out, json_t *value)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*out = (uint64_t)json_integer_value(value);
	return true;
}

static bool tree_hex(struct sha256 *out, json_t *value)
{
	return json_is_string(value) &&
	    sha256_parse((struct bytes){json_string_value(value), json_string_length(value)}, out);
}

static bool tree_part(struct event_part *part, json_t *value)
{
	const char *eol = json_string_value(json_object_get(value, "eol"));
	uint64_t line;

	if (!tree_hex(&part->blob, json_object_get(value, "blob")) ||
	    !tree_count(&part->at, json_object_get(value, "at")) ||
	    !tree_count(&part->blob_bytes, json_object_get(value, "size")) ||
	    !tree_count(&line, json_object_get(value, "line")) || line == 0 || line % 4 != 0 ||
	    line > 1000 || !eol)
		return false;
	part->line_chars = (uint32_t)line;
	part->crlf = strcmp(eol, "crlf") == 0;
	return part->crlf || strcmp(eol, "lf") == 0;
}

static bool tree_parts(struct event *event, json_t *value)
{
	size_t i, count = json_array_size(value);

	if (!json_is_array(value))
		return false;
	event->part = mem_zero(count, sizeof *event->part);
	for (i = 0; i < count; i++)
		if (!tree_part(&event->part[i], json_array_get(value, i)))
			return false;
	event->part_count = count;
	return true;
}

/* [offset, entries], [offset, entries, start], or [entries] that are dropped. */
static bool tree_frame(struct event_frame *frame, json_t *value)
{
	size_t n = json_array_size(value);

	frame->is_dropped = n == 1;
	if (n == 1)
		return tree_count(&frame->entries, json_array_get(value, 0));
	return (n == 2 || n == 3) && tree_count(&frame->at, json_array_get(value, 0)) &&
	    tree_count(&frame->entries, json_array_get(value, 1)) &&
	    (n == 2 || tree_count(&frame->start, json_array_get(value, 2)));
}

static bool tree_frames(struct event *event, json_t *value)
{
	size_t i, count = json_array_size(value);

	if (!json_is_array(value))
		return false;
	event->frame = mem_zero(count, sizeof *event->frame);
	for (i = 0; i < count; i++)
		if (!tree_frame(&event->frame[i], json_array_get(value, i)))
			return false;
	event->frame_count = count;
	return true;
}

static bool tree_field(
    struct texts *texts, struct event *event, const struct field *field, json_t *value)
{
	void *out = (char *)event + field->at;

	switch (field->type) {
	case TEXT:
		return tree_text(texts, out, value);
	case COUNT:
		return tree_count(out, value);
	case SENT:
		event->has_sent = true;
		/* fall through */
	case MOMENT:
		*(int64_t *)out = json_integer_value(value);
		return json_is_integer(value);
	case HEX:
		return tree_hex(out, value);
	case TRUTH:
		*(bool *)out = json_is_true(value);
		return json_is_boolean(value);
	case PARTS:
		return tree_parts(event, value);
	case FRAMES:
		return tree_frames(event, value);
	}
	return false;
}

/* As event_parse says it: ERR_NONE, ERR_DAMAGED, ERR_VERSION. */
static enum err_code tree_event(struct texts *texts, struct event *event, json_t *tree)
{
	const char *name = json_string_value(json_object_get(tree, "e"));
	const struct field *field;
	int kind;

	if (!name)
		return ERR_DAMAGED;
	kind = kind_of(bytes_of(name));
	if (kind < 0)
		return ERR_VERSION;
	event->kind = (enum event_kind)kind;
	for (field = kinds[kind].field; field->name; field++) {
		json_t *value = json_object_get(tree, field->name);

		if (value ? !tree_field(texts, event, field, value) : !field->optional)
			return ERR_DAMAGED;
	}
	return ERR_NONE;
}

static void check_same(const struct event *a, const struct event *b)
{
	struct buf first, second;

	buf_init(&first, 64 << 20);
	buf_init(&second, 64 << 20);
	event_format(&first, a);
	event_format(&second, b);
	if (a->kind != b->kind || !bytes_equal(buf_view(&first), buf_view(&second)))
		abort();
	buf_release(&first);
	buf_release(&second);
}

static void check_tree(struct bytes line, json_t *tree)
{
	struct texts texts = {.count = 0};
	struct event expected = {.kind = EVENT_KINDS}, event;
	struct err err = {0};
	enum err_code code = tree ? tree_event(&texts, &expected, tree) : ERR_DAMAGED;
	size_t i;

	if (event_parse(&event, line, &err) == 0) {
		if (code != ERR_NONE)
			abort();
		check_same(&expected, &event);
		event_release(&event);
	} else if (code != err.code || err.text[0] == '\0') {
		abort();
	}
	event_release(&expected);
	for (i = 0; i < texts.count; i++)
		buf_release(&texts.text[i]);
}

/* jansson 2.14 reads over a NUL behind a number; ours refuses every line with one. */
static void check_nul(struct bytes line)
{
	struct event event;

	if (event_parse(&event, line, NULL) == 0)
		abort();
}

static void check_line(struct bytes line)
{
	json_error_t why;
	json_t *tree;

	if (line.n > 0 && memchr(line.p, '\0', line.n)) {
		check_nul(line);
		return;
	}
	tree = json_loadb(line.n ? line.p : "", line.n, JSON_REJECT_DUPLICATES, &why);
	if (tree || !strstr(why.text, "real number overflow"))
		check_tree(line, tree);
	json_decref(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct bytes rest = {(const char *)data, bytes};

	while (rest.n > 0) {
		const char *end = memchr(rest.p, '\n', rest.n);
		size_t n = end ? (size_t)(end - rest.p) : rest.n;

		check_line((struct bytes){rest.p, n});
		rest = bytes_from(rest, end ? n + 1 : n);
	}
	return 0;
}
