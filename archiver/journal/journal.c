/* Owns:  texts of a parsed event that had escapes.
 * Knows: the table of kinds and fields.
 * Never: takes an event that lacks a field its kind must have.
 * Spec:  archiver/store/FORMAT.md, "The journal" */
#include "archiver/journal/journal.h"

#include "base/base64.h"
#include "base/jsonin.h"
#include "base/jsonout.h"
#include "base/mem.h"

#include <stddef.h>
#include <stdio.h>
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

/* ---- reading ---- */

/* {"b64":"..."}: bytes that are no text. */
static bool take_coded(struct jsonin *json, struct bytes *out)
{
	struct bytes name, coded = {NULL, 0};
	bool has_code = false;
	uint8_t *made;
	size_t bytes;

	jsonin_object(json);
	while (jsonin_member(json, &name)) {
		if (!bytes_is(name, "b64"))
			jsonin_pass(json, name);
		else if (has_code)
			jsonin_fail(json, "a member stands twice");
		else
			has_code = jsonin_text(json, &coded);
	}
	if (json->wrong || !has_code)
		return false;
	made = (uint8_t *)jsonin_room(json, coded.n);
	if (!base64_decode(coded, made, &bytes))
		return false;
	*out = (struct bytes){(const char *)made, bytes};
	return true;
}

static bool take_count(struct jsonin *json, uint64_t *out)
{
	int64_t value;

	if (!jsonin_i64(json, &value) || value < 0)
		return false;
	*out = (uint64_t)value;
	return true;
}

static bool take_hex(struct jsonin *json, struct sha256 *out)
{
	struct bytes text;

	return jsonin_text(json, &text) && sha256_parse(text, out);
}

static bool take_eol(struct jsonin *json, bool *is_crlf)
{
	struct bytes text;

	if (!jsonin_text(json, &text))
		return false;
	*is_crlf = bytes_is(text, "crlf");
	return *is_crlf || bytes_is(text, "lf");
}

static bool take_part_member(struct jsonin *json, struct event_part *part, int which)
{
	uint64_t line;

	switch (which) {
	case 0:
		return take_hex(json, &part->blob);
	case 1:
		return take_count(json, &part->at);
	case 2:
		return take_count(json, &part->blob_bytes);
	case 3:
		if (!take_count(json, &line) || line == 0 || line % 4 != 0 || line > 1000)
			return false;
		part->line_chars = (uint32_t)line;
		return true;
	default:
		return take_eol(json, &part->crlf);
	}
}

static bool take_part(struct jsonin *json, struct event_part *part)
{
	static const char *const names[] = {"blob", "at", "size", "line", "eol"};
	const int count = sizeof names / sizeof *names;
	unsigned seen = 0;
	struct bytes name;
	int i;

	jsonin_object(json);
	while (jsonin_member(json, &name)) {
		for (i = 0; i < count && !bytes_is(name, names[i]);)
			i++;
		if (i == count)
			jsonin_pass(json, name);
		else if (seen & 1u << i || !take_part_member(json, part, i))
			return false;
		else
			seen |= 1u << i;
	}
	return !json->wrong && seen == (1u << count) - 1;
}

static bool take_parts(struct jsonin *json, struct event *event)
{
	size_t room = 0;

	jsonin_array(json);
	while (jsonin_item(json)) {
		event->part =
		    mem_grow(event->part, &room, event->part_count + 1, sizeof *event->part);
		if (!take_part(json, &event->part[event->part_count++]))
			return false;
	}
	return !json->wrong;
}

/* [offset, entries], [offset, entries, start], or [entries] that are dropped. */
static bool take_frame(struct jsonin *json, struct event_frame *frame)
{
	uint64_t number[3] = {0};
	size_t n = 0;

	jsonin_array(json);
	while (jsonin_item(json))
		if (n == 3 || !take_count(json, &number[n++]))
			return false;
	*frame = n == 1
	    ? (struct event_frame){.entries = number[0], .is_dropped = true}
	    : (struct event_frame){.at = number[0], .entries = number[1], .start = number[2]};
	return !json->wrong && n > 0;
}

static bool take_frames(struct jsonin *json, struct event *event)
{
	size_t room = 0;

	jsonin_array(json);
	while (jsonin_item(json)) {
		event->frame =
		    mem_grow(event->frame, &room, event->frame_count + 1, sizeof *event->frame);
		if (!take_frame(json, &event->frame[event->frame_count++]))
			return false;
	}
	return !json->wrong;
}

static bool take_field(struct jsonin *json, struct event *event, const struct field *field)
{
	void *out = (char *)event + field->at;

	switch (field->type) {
	case TEXT:
		return jsonin_next(json) == JSONIN_OBJECT ? take_coded(json, out)
							  : jsonin_text(json, out);
	case COUNT:
		return take_count(json, out);
	case SENT:
		event->has_sent = true;
		/* fall through */
	case MOMENT:
		return jsonin_i64(json, out);
	case HEX:
		return take_hex(json, out);
	case TRUTH:
		return jsonin_truth(json, out);
	case PARTS:
		return take_parts(json, event);
	case FRAMES:
		return take_frames(json, event);
	}
	return false;
}

static int kind_of(struct bytes name)
{
	int kind;

	for (kind = 0; kind < EVENT_KINDS; kind++)
		if (bytes_is(name, kinds[kind].name))
			return kind;
	return -1;
}

/* The number of the field of that name, FIELDS_MAX when the kind has none. They mostly come in
 * the order of the table. */
static size_t find_field(const struct field *field, struct bytes name, size_t expected)
{
	size_t i;

	if (field[expected].name && bytes_is(name, field[expected].name))
		return expected;
	for (i = 0; field[i].name; i++)
		if (bytes_is(name, field[i].name))
			return i;
	return FIELDS_MAX;
}

static int wrong_member(
    const struct jsonin *json, struct err *err, const char *kind, const char *name)
{
	return err_set(err, ERR_DAMAGED, "a journal event \"%s\" has a wrong or missing \"%s\"%s%s",
	    kind, name, json->wrong ? ": " : "", json->wrong ? json->wrong : "");
}

static int no_json(const struct jsonin *json, struct err *err)
{
	return err_set(err, ERR_DAMAGED, "a journal line is no JSON: %s, at byte %zu", json->wrong,
	    json->wrong_at);
}

/* The value of "e", which mostly comes first: 0, or -1 when there is none. */
static int take_kind(struct jsonin *json, struct bytes *out, struct err *err)
{
	struct bytes name;

	jsonin_object(json);
	while (jsonin_member(json, &name)) {
		if (!bytes_is(name, "e"))
			jsonin_pass(json, name);
		else if (jsonin_text(json, out))
			return 0;
	}
	return err_set(err, ERR_DAMAGED, "a journal line is no event%s%s", json->wrong ? ": " : "",
	    json->wrong ? json->wrong : "");
}

/* All members into the event. Without a table they are only judged. */
static int take_members(struct jsonin *json, struct event *event, const char *kind,
    const struct field *field, struct err *err)
{
	unsigned seen = 0;
	bool has_kind = false;
	struct bytes name;
	size_t at = 0;

	jsonin_object(json);
	while (jsonin_member(json, &name)) {
		if (bytes_is(name, "e")) {
			if (has_kind)
				return wrong_member(json, err, kind, "e");
			has_kind = jsonin_pass_value(json);
			continue;
		}
		at = find_field(field, name, at);
		if (at == FIELDS_MAX) {
			jsonin_pass(json, name);
			at = 0;
		} else if (seen & 1u << at || !take_field(json, event, &field[at])) {
			return wrong_member(json, err, kind, field[at].name);
		} else {
			seen |= 1u << at++;
		}
	}
	if (!jsonin_end(json))
		return no_json(json, err);
	for (at = 0; field[at].name; at++)
		if (!field[at].optional && !(seen & 1u << at))
			return wrong_member(json, err, kind, field[at].name);
	return 0;
}

static int take_event(struct jsonin *json, struct event *event, struct bytes line, struct err *err)
{
	static const struct field none[1] = {{0}};
	struct bytes name;
	char text[32];
	int kind;

	jsonin_start(json, line);
	if (take_kind(json, &name, err) != 0)
		return -1;
	kind = kind_of(name);
	snprintf(
	    text, sizeof text, "%.*s", (int)(name.n < sizeof text ? name.n : sizeof text), name.p);
	jsonin_release(json);
	jsonin_start(json, line);
	if (kind >= 0) {
		event->kind = (enum event_kind)kind;
		return take_members(json, event, text, kinds[kind].field, err);
	}
	if (take_members(json, event, text, none, err) != 0)
		return -1;
	return err_set(err, ERR_VERSION,
	    "the journal has an event \"%s\", which a newer mailcask wrote", text);
}

int event_parse(struct event *event, struct bytes line, struct err *err)
{
	struct jsonin json;
	int result;

	memset(event, 0, sizeof *event);
	result = take_event(&json, event, line, err);
	event->owner = jsonin_keep(&json);
	jsonin_release(&json);
	if (result != 0)
		event_release(event);
	return result;
}

void event_release(struct event *event)
{
	free(event->part);
	free(event->frame);
	free(event->owner);
	memset(event, 0, sizeof *event);
}
