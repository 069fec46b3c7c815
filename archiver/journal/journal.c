/* Owns:  the JSON tree behind a parsed event.
 * Knows: the table of kinds and fields; the only file that names jansson.
 * Never: takes an event that lacks a field its kind must have.
 * Spec:  archiver/store/FORMAT.md, "The journal" */
#include "archiver/journal/journal.h"

#include "base/base64.h"
#include "base/jsonout.h"
#include "base/mem.h"

#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum field_type { TEXT, COUNT, MOMENT, SENT, HEX, TRUTH, PARTS, FRAMES };

struct field {
	const char *name;
	enum field_type type;
	size_t at;
	bool optional; /* left out when it is empty or 0 */
};

#define MUST(name, type, member)                                                                   \
	{                                                                                          \
		name, type, offsetof(struct event, member), false                                  \
	}
#define MAY(name, type, member)                                                                    \
	{                                                                                          \
		name, type, offsetof(struct event, member), true                                   \
	}
#define PLACE                                                                                      \
	MUST("account", TEXT, account), MUST("folder", TEXT, folder),                              \
	    MUST("uidvalidity", COUNT, uidvalidity)
#define FIELDS_MAX 13

static const struct {
	const char *name;
	struct field field[FIELDS_MAX];
} kinds[EVENT_KINDS] = {
    [EVENT_BLOB] = {"blob", {MUST("id", HEX, id), MUST("size", COUNT, size_bytes)}},
    [EVENT_MAIL] = {"mail",
	{MUST("id", HEX, id), MUST("size", COUNT, size_bytes), MUST("stored", COUNT, stored_bytes),
	    MAY("msgid", TEXT, message_id), MAY("sent", SENT, sent_unix), MAY("from", TEXT, from),
	    MAY("to", TEXT, to), MAY("cc", TEXT, cc), MAY("subject", TEXT, subject),
	    MAY("parts", PARTS, part)}},
    [EVENT_PLACED] = {"placed",
	{PLACE, MUST("uid", COUNT, uid), MUST("id", HEX, id), MAY("flags", TEXT, flags),
	    MUST("date", MOMENT, date_unix)}},
    [EVENT_FLAGS] = {"flags", {PLACE, MUST("uid", COUNT, uid), MAY("flags", TEXT, flags)}},
    [EVENT_GONE] = {"gone", {PLACE, MUST("uids", TEXT, uids)}},
    [EVENT_RETIRED] = {"retired", {PLACE}},
    [EVENT_FOLDER] = {"folder",
	{MUST("account", TEXT, account), MUST("folder", TEXT, folder), MUST("shown", TEXT, shown),
	    MAY("delimiter", TEXT, delimiter), MAY("attributes", TEXT, attributes),
	    MUST("state", TEXT, state)}},
    [EVENT_CURSOR] = {"cursor",
	{PLACE, MUST("uidnext", COUNT, uidnext), MAY("modseq", COUNT, modseq),
	    MUST("messages", COUNT, messages)}},
    [EVENT_SKIPPED] = {"skipped", {PLACE, MUST("uid", COUNT, uid), MAY("reason", TEXT, reason)}},
    [EVENT_SYNCED] = {"synced",
	{MUST("account", TEXT, account), MUST("messages", COUNT, messages),
	    MUST("bytes", COUNT, size_bytes), MAY("reason", TEXT, reason)}},
    [EVENT_AUDIT] = {"audit",
	{PLACE, MUST("server", COUNT, messages), MUST("archived", COUNT, archived),
	    MUST("exceptions", COUNT, exceptions), MUST("missing", COUNT, missing)}},
    [EVENT_HOLD] = {"hold",
	{MUST("id", HEX, id), MUST("held", TRUTH, held), MAY("reason", TEXT, reason)}},
    [EVENT_DAMAGED] = {"damaged", {MUST("id", HEX, id), MAY("reason", TEXT, reason)}},
    [EVENT_EXPIRED] = {"expired",
	{MUST("id", HEX, id), MAY("run", TEXT, run), MAY("rule", TEXT, rule),
	    MAY("reason", TEXT, reason)}},
    [EVENT_REDACTED] = {"redacted",
	{MUST("id", HEX, id), MUST("size", COUNT, size_bytes), MUST("line", HEX, line)}},
    [EVENT_RUN] = {"run",
	{MUST("run", TEXT, run), MUST("type", TEXT, type), MUST("account", TEXT, account),
	    MUST("state", TEXT, state), MAY("messages", COUNT, messages),
	    MAY("bytes", COUNT, size_bytes), MAY("reason", TEXT, reason)}},
    [EVENT_PURGE] = {"purge",
	{MUST("run", TEXT, run), PLACE, MUST("uid", COUNT, uid), MUST("id", HEX, id),
	    MUST("state", TEXT, state), MAY("rule", TEXT, rule), MAY("reason", TEXT, reason)}},
    [EVENT_RESTORED] = {"restored",
	{PLACE, MUST("uid", COUNT, uid), MUST("id", HEX, id), MAY("run", TEXT, run)}},
    [EVENT_FRAMES] = {"frames", {MUST("at", FRAMES, frame), MAY("level", COUNT, level)}},
    [EVENT_COMMIT] = {"commit",
	{MUST("batch", COUNT, batch), MUST("time", MOMENT, time_unix),
	    MUST("entries", COUNT, entries), MUST("events", COUNT, events), MUST("log", HEX, log),
	    MUST("prev", HEX, previous)}},
};

const char *event_name(enum event_kind kind)
{
	return kinds[kind].name;
}

static const void *member(const struct event *event, const struct field *field)
{
	return (const char *)event + field->at;
}

static bool is_empty(const struct event *event, const struct field *field)
{
	const void *value = member(event, field);

	switch (field->type) {
	case TEXT:
		return ((const struct bytes *)value)->n == 0;
	case COUNT:
		return *(const uint64_t *)value == 0;
	case SENT:
		return !event->has_sent;
	case PARTS:
		return event->part_count == 0;
	default:
		return false;
	}
}

/* Integers of JSON end at 2^63 - 1 for its readers, ours among them. */
static void format_count(struct jsonout *json, const char *name, uint64_t value)
{
	if (value > INT64_MAX)
		json->out->overflow = true;
	jsonout_u64(json, name, value);
}

static void format_parts(struct jsonout *json, const char *name, const struct event *event)
{
	size_t i;

	jsonout_array(json, name);
	for (i = 0; i < event->part_count; i++) {
		const struct event_part *part = &event->part[i];

		jsonout_object(json, NULL);
		jsonout_hex(json, "blob", &part->blob);
		jsonout_u64(json, "at", part->at);
		jsonout_u64(json, "size", part->blob_bytes);
		jsonout_u64(json, "line", part->line_chars);
		jsonout_text(json, "eol", bytes_of(part->crlf ? "crlf" : "lf"));
		jsonout_end(json);
	}
	jsonout_end(json);
}

static void format_frames(struct jsonout *json, const char *name, const struct event *event)
{
	size_t i;

	jsonout_array(json, name);
	for (i = 0; i < event->frame_count; i++) {
		const struct event_frame *frame = &event->frame[i];

		jsonout_array(json, NULL);
		if (!frame->is_dropped)
			jsonout_u64(json, NULL, frame->at);
		jsonout_u64(json, NULL, frame->entries);
		if (frame->start > 0)
			jsonout_u64(json, NULL, frame->start);
		jsonout_end(json);
	}
	jsonout_end(json);
}

static void format_field(struct jsonout *json, const struct event *event, const struct field *field)
{
	const void *value = member(event, field);

	switch (field->type) {
	case TEXT:
		jsonout_exact(json, field->name, *(const struct bytes *)value);
		break;
	case COUNT:
		format_count(json, field->name, *(const uint64_t *)value);
		break;
	case MOMENT:
	case SENT:
		jsonout_i64(json, field->name, *(const int64_t *)value);
		break;
	case HEX:
		jsonout_hex(json, field->name, value);
		break;
	case TRUTH:
		jsonout_bool(json, field->name, *(const bool *)value);
		break;
	case PARTS:
		format_parts(json, field->name, event);
		break;
	case FRAMES:
		format_frames(json, field->name, event);
		break;
	}
}

void event_format(struct buf *out, const struct event *event)
{
	const struct field *field;
	struct jsonout json;

	jsonout_start(&json, out);
	jsonout_object(&json, NULL);
	jsonout_text(&json, "e", bytes_of(kinds[event->kind].name));
	for (field = kinds[event->kind].field; field->name; field++)
		if (!field->optional || !is_empty(event, field))
			format_field(&json, event, field);
	jsonout_end(&json);
	buf_char(out, '\n');
}

/* What a parsed event owns besides its tree: text that came as base64. */
struct owner {
	json_t *tree;
	struct buf text[FIELDS_MAX];
	size_t texts;
};

static bool take_text(struct event *event, struct bytes *out, json_t *value)
{
	struct owner *owner = event->owner;
	struct buf *text;
	json_t *coded;

	if (json_is_string(value)) {
		*out = (struct bytes){json_string_value(value), json_string_length(value)};
		return true;
	}
	coded = json_object_get(value, "b64");
	if (!json_is_string(coded) || owner->texts == FIELDS_MAX)
		return false;
	text = &owner->text[owner->texts++];
	buf_init(text, JOURNAL_LINE_BYTES);
	if (!base64_take(text, (struct bytes){json_string_value(coded), json_string_length(coded)}))
		return false;
	*out = buf_view(text);
	return true;
}

static bool take_count(uint64_t *out, json_t *value)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*out = (uint64_t)json_integer_value(value);
	return true;
}

static bool take_hex(struct sha256 *out, json_t *value)
{
	return json_is_string(value) &&
	    sha256_parse((struct bytes){json_string_value(value), json_string_length(value)}, out);
}

static bool take_part(struct event_part *part, json_t *value)
{
	const char *eol = json_string_value(json_object_get(value, "eol"));
	uint64_t line;

	if (!take_hex(&part->blob, json_object_get(value, "blob")) ||
	    !take_count(&part->at, json_object_get(value, "at")) ||
	    !take_count(&part->blob_bytes, json_object_get(value, "size")) ||
	    !take_count(&line, json_object_get(value, "line")) || line == 0 || line % 4 != 0 ||
	    line > 1000 || !eol)
		return false;
	part->line_chars = (uint32_t)line;
	part->crlf = strcmp(eol, "crlf") == 0;
	return part->crlf || strcmp(eol, "lf") == 0;
}

static bool take_parts(struct event *event, json_t *value)
{
	size_t i, count = json_array_size(value);

	if (!json_is_array(value))
		return false;
	event->part = mem_zero(count, sizeof *event->part);
	for (i = 0; i < count; i++)
		if (!take_part(&event->part[i], json_array_get(value, i)))
			return false;
	event->part_count = count;
	return true;
}

/* [offset, entries], [offset, entries, start], or [entries] that are dropped. */
static bool take_frame(struct event_frame *frame, json_t *value)
{
	size_t n = json_array_size(value);

	frame->is_dropped = n == 1;
	if (n == 1)
		return take_count(&frame->entries, json_array_get(value, 0));
	return (n == 2 || n == 3) && take_count(&frame->at, json_array_get(value, 0)) &&
	    take_count(&frame->entries, json_array_get(value, 1)) &&
	    (n == 2 || take_count(&frame->start, json_array_get(value, 2)));
}

static bool take_frames(struct event *event, json_t *value)
{
	size_t i, count = json_array_size(value);

	if (!json_is_array(value))
		return false;
	event->frame = mem_zero(count, sizeof *event->frame);
	for (i = 0; i < count; i++)
		if (!take_frame(&event->frame[i], json_array_get(value, i)))
			return false;
	event->frame_count = count;
	return true;
}

static bool take_field(struct event *event, const struct field *field, json_t *value)
{
	void *out = (char *)event + field->at;

	switch (field->type) {
	case TEXT:
		return take_text(event, out, value);
	case COUNT:
		return take_count(out, value);
	case SENT:
		event->has_sent = true;
		/* fall through */
	case MOMENT:
		*(int64_t *)out = json_integer_value(value);
		return json_is_integer(value);
	case HEX:
		return take_hex(out, value);
	case TRUTH:
		*(bool *)out = json_is_true(value);
		return json_is_boolean(value);
	case PARTS:
		return take_parts(event, value);
	case FRAMES:
		return take_frames(event, value);
	}
	return false;
}

static int kind_of(const char *name)
{
	int kind;

	for (kind = 0; kind < EVENT_KINDS; kind++)
		if (strcmp(kinds[kind].name, name) == 0)
			return kind;
	return -1;
}

static int take_event(struct event *event, json_t *tree, struct err *err)
{
	const char *name = json_string_value(json_object_get(tree, "e"));
	const struct field *field;
	int kind;

	if (!name)
		return err_set(err, ERR_DAMAGED, "a journal line is no event");
	kind = kind_of(name);
	if (kind < 0)
		return err_set(err, ERR_VERSION,
		    "the journal has an event \"%s\", which a newer mailcask wrote", name);
	event->kind = (enum event_kind)kind;
	for (field = kinds[kind].field; field->name; field++) {
		json_t *value = json_object_get(tree, field->name);

		if (value ? !take_field(event, field, value) : !field->optional)
			return err_set(err, ERR_DAMAGED,
			    "a journal event \"%s\" has a wrong or missing \"%s\"", name,
			    field->name);
	}
	return 0;
}

int event_parse(struct event *event, struct bytes line, struct err *err)
{
	struct owner *owner = mem_zero(1, sizeof *owner);
	json_error_t where;

	memset(event, 0, sizeof *event);
	event->owner = owner;
	owner->tree = json_loadb(line.p ? line.p : "", line.n, JSON_REJECT_DUPLICATES, &where);
	if (!owner->tree)
		err_set(err, ERR_DAMAGED, "a journal line is no JSON: %s", where.text);
	else if (take_event(event, owner->tree, err) == 0)
		return 0;
	event_release(event);
	return -1;
}

void event_release(struct event *event)
{
	struct owner *owner = event->owner;
	size_t i;

	free(event->part);
	free(event->frame);
	if (owner) {
		for (i = 0; i < owner->texts; i++)
			buf_release(&owner->text[i]);
		json_decref(owner->tree);
		free(owner);
	}
	memset(event, 0, sizeof *event);
}
