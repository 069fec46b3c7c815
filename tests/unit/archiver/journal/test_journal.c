/* archiver/journal/journal.c: every kind of event against the table of FORMAT.md. The lines
 * are written by hand after the page. */
#include "archiver/journal/journal.h"

#include "../../suite.h"
#include "base/base64.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define ID1 "0101010101010101010101010101010101010101010101010101010101010101"
#define ID2 "abababababababababababababababababababababababababababababababab"
#define SUM1                                                                                       \
	{                                                                                          \
		.b = { [0 ... SHA256_BYTES - 1] = 0x01 }                                           \
	}
#define SUM2                                                                                       \
	{                                                                                          \
		.b = { [0 ... SHA256_BYTES - 1] = 0xab }                                           \
	}
#define PLACE      .account = BYTES("work"), .folder = BYTES("INBOX/&AOk-"), .uidvalidity = 7
#define PLACE_TEXT "\"account\":\"work\",\"folder\":\"INBOX/&AOk-\",\"uidvalidity\":7"

static struct event_part parts[] = {
    {.blob = SUM1, .at = 100, .blob_bytes = 5000, .line_chars = 76, .crlf = true},
    {.blob = SUM2, .at = 90000, .blob_bytes = 3073, .line_chars = 4, .crlf = false},
};
static struct event_frame frames[] = {{.at = 0, .entries = 3}, {.at = 1048576, .entries = 1},
    {.entries = 2, .is_dropped = true}, {.at = 1048576, .entries = 9, .start = 4096}};

/* "full" has every member, "bare" only those that must be there. */
static const struct {
	struct event event;
	const char *line;
} full[] =
    {
	{{.kind = EVENT_BLOB, .id = SUM1, .size_bytes = 5000},
	    "{\"e\":\"blob\",\"id\":\"" ID1 "\",\"size\":5000}"},
	{{.kind = EVENT_MAIL,
	     .id = SUM2,
	     .size_bytes = 123456,
	     .stored_bytes = 4000,
	     .message_id = BYTES("a@b"),
	     .has_sent = true,
	     .sent_unix = -86400,
	     .from = BYTES("Ann <a@b>"),
	     .to = BYTES("c@d"),
	     .cc = BYTES("e@f"),
	     .subject = BYTES("Gr\xc3\xbc\xc3\x9f"
			      "e \"x\" \\ \t"),
	     .part = parts,
	     .part_count = 2},
	    "{\"e\":\"mail\",\"id\":\"" ID2 "\",\"size\":123456,\"stored\":4000,\"msgid\":\"a@b\","
	    "\"sent\":-86400,\"from\":\"Ann <a@b>\",\"to\":\"c@d\",\"cc\":\"e@f\","
	    "\"subject\":\"Gr\xc3\xbc\xc3\x9f"
	    "e \\\"x\\\" \\\\ \\t\",\"parts\":["
	    "{\"blob\":\"" ID1 "\",\"at\":100,\"size\":5000,\"line\":76,\"eol\":\"crlf\"},"
	    "{\"blob\":\"" ID2 "\",\"at\":90000,\"size\":3073,\"line\":4,\"eol\":\"lf\"}]}"},
	{{.kind = EVENT_PLACED,
	     PLACE,
	     .uid = 4294967295,
	     .id = SUM1,
	     .flags = BYTES("$x \\Seen"),
	     .date_unix = 1500000000},
	    "{\"e\":\"placed\"," PLACE_TEXT ",\"uid\":4294967295,\"id\":\"" ID1
	    "\",\"flags\":\"$x \\\\Seen\",\"date\":1500000000}"},
	{{.kind = EVENT_FLAGS, PLACE, .uid = 5, .flags = BYTES("\\Flagged")},
	    "{\"e\":\"flags\"," PLACE_TEXT ",\"uid\":5,\"flags\":\"\\\\Flagged\"}"},
	{{.kind = EVENT_GONE, PLACE, .uids = BYTES("1:5,9")},
	    "{\"e\":\"gone\"," PLACE_TEXT ",\"uids\":\"1:5,9\"}"},
	{{.kind = EVENT_RETIRED, PLACE}, "{\"e\":\"retired\"," PLACE_TEXT "}"},
	{{.kind = EVENT_FOLDER,
	     .account = BYTES("work"),
	     .folder = BYTES("a.b"),
	     .shown = BYTES("a/b"),
	     .delimiter = BYTES("."),
	     .attributes = BYTES("\\Sent"),
	     .state = BYTES("seen")},
	    "{\"e\":\"folder\",\"account\":\"work\",\"folder\":\"a.b\",\"shown\":\"a/b\","
	    "\"delimiter\":\".\",\"attributes\":\"\\\\Sent\",\"state\":\"seen\"}"},
	{{.kind = EVENT_CURSOR, PLACE, .uidnext = 12, .modseq = INT64_MAX, .messages = 11},
	    "{\"e\":\"cursor\"," PLACE_TEXT
	    ",\"uidnext\":12,\"modseq\":9223372036854775807,\"messages\":11}"},
	{{.kind = EVENT_SKIPPED, PLACE, .uid = 5, .reason = BYTES("no text")},
	    "{\"e\":\"skipped\"," PLACE_TEXT ",\"uid\":5,\"reason\":\"no text\"}"},
	{{.kind = EVENT_SYNCED,
	     .account = BYTES("work"),
	     .messages = 3,
	     .size_bytes = 99,
	     .reason = BYTES("stopped")},
	    "{\"e\":\"synced\",\"account\":\"work\",\"messages\":3,\"bytes\":99,"
	    "\"reason\":\"stopped\"}"},
	{{.kind = EVENT_AUDIT, PLACE, .messages = 10, .archived = 7, .exceptions = 2, .missing = 1},
	    "{\"e\":\"audit\"," PLACE_TEXT
	    ",\"server\":10,\"archived\":7,\"exceptions\":2,\"missing\":1}"},
	{{.kind = EVENT_HOLD, .id = SUM1, .held = true, .reason = BYTES("court")},
	    "{\"e\":\"hold\",\"id\":\"" ID1 "\",\"held\":true,\"reason\":\"court\"}"},
	{{.kind = EVENT_DAMAGED, .id = SUM1, .reason = BYTES("flipped")},
	    "{\"e\":\"damaged\",\"id\":\"" ID1 "\",\"reason\":\"flipped\"}"},
	{{.kind = EVENT_EXPIRED,
	     .id = SUM1,
	     .run = BYTES("x1"),
	     .rule = BYTES("law"),
	     .reason = BYTES("ten years")},
	    "{\"e\":\"expired\",\"id\":\"" ID1 "\",\"run\":\"x1\",\"rule\":\"law\","
	    "\"reason\":\"ten years\"}"},
	{{.kind = EVENT_REDACTED, .id = SUM1, .size_bytes = 77, .line = SUM2},
	    "{\"e\":\"redacted\",\"id\":\"" ID1 "\",\"size\":77,\"line\":\"" ID2 "\"}"},
	{{.kind = EVENT_RUN,
	     .run = BYTES("p1"),
	     .type = BYTES("purge"),
	     .account = BYTES("work"),
	     .state = BYTES("ended"),
	     .messages = 2,
	     .size_bytes = 3,
	     .reason = BYTES("quota")},
	    "{\"e\":\"run\",\"run\":\"p1\",\"type\":\"purge\",\"account\":\"work\","
	    "\"state\":\"ended\",\"messages\":2,\"bytes\":3,\"reason\":\"quota\"}"},
	{{.kind = EVENT_PURGE,
	     .run = BYTES("p1"),
	     PLACE,
	     .uid = 5,
	     .id = SUM2,
	     .state = BYTES("confirmed"),
	     .rule = BYTES("old"),
	     .reason = BYTES("older")},
	    "{\"e\":\"purge\",\"run\":\"p1\"," PLACE_TEXT ",\"uid\":5,\"id\":\"" ID2
	    "\",\"state\":\"confirmed\",\"rule\":\"old\",\"reason\":\"older\"}"},
	{{.kind = EVENT_RESTORED, PLACE, .uid = 5, .id = SUM1, .run = BYTES("r1")},
	    "{\"e\":\"restored\"," PLACE_TEXT ",\"uid\":5,\"id\":\"" ID1 "\",\"run\":\"r1\"}"},
	{{.kind = EVENT_FRAMES, .frame = frames, .frame_count = 4, .level = 19},
	    "{\"e\":\"frames\",\"at\":[[0,3],[1048576,1],[2],[1048576,9,4096]],\"level\":19}"},
	{{.kind = EVENT_COMMIT,
	     .batch = 3,
	     .time_unix = 1600000000,
	     .entries = 4,
	     .events = 9,
	     .log = SUM1,
	     .previous = SUM2},
	    "{\"e\":\"commit\",\"batch\":3,\"time\":1600000000,\"entries\":4,\"events\":9,"
	    "\"log\":\"" ID1 "\",\"prev\":\"" ID2 "\"}"},
},
  bare[] = {
      {{.kind = EVENT_BLOB, .id = SUM1}, "{\"e\":\"blob\",\"id\":\"" ID1 "\",\"size\":0}"},
      {{.kind = EVENT_MAIL, .id = SUM2},
	  "{\"e\":\"mail\",\"id\":\"" ID2 "\",\"size\":0,\"stored\":0}"},
      {{.kind = EVENT_PLACED, .id = SUM1},
	  "{\"e\":\"placed\",\"account\":\"\",\"folder\":\"\",\"uidvalidity\":0,\"uid\":0,\"id\":"
	  "\"" ID1 "\",\"date\":0}"},
      {{.kind = EVENT_FLAGS},
	  "{\"e\":\"flags\",\"account\":\"\",\"folder\":\"\",\"uidvalidity\":0,\"uid\":0}"},
      {{.kind = EVENT_GONE},
	  "{\"e\":\"gone\",\"account\":\"\",\"folder\":\"\",\"uidvalidity\":0,\"uids\":\"\"}"},
      {{.kind = EVENT_RETIRED},
	  "{\"e\":\"retired\",\"account\":\"\",\"folder\":\"\",\"uidvalidity\":0}"},
      {{.kind = EVENT_FOLDER},
	  "{\"e\":\"folder\",\"account\":\"\",\"folder\":\"\",\"shown\":\"\",\"state\":\"\"}"},
      {{.kind = EVENT_CURSOR},
	  "{\"e\":\"cursor\",\"account\":\"\",\"folder\":\"\",\"uidvalidity\":0,\"uidnext\":0,"
	  "\"messages\":0}"},
      {{.kind = EVENT_SKIPPED},
	  "{\"e\":\"skipped\",\"account\":\"\",\"folder\":\"\",\"uidvalidity\":0,\"uid\":0}"},
      {{.kind = EVENT_SYNCED}, "{\"e\":\"synced\",\"account\":\"\",\"messages\":0,\"bytes\":0}"},
      {{.kind = EVENT_AUDIT},
	  "{\"e\":\"audit\",\"account\":\"\",\"folder\":\"\",\"uidvalidity\":0,\"server\":0,"
	  "\"archived\":0,\"exceptions\":0,\"missing\":0}"},
      {{.kind = EVENT_HOLD, .id = SUM1}, "{\"e\":\"hold\",\"id\":\"" ID1 "\",\"held\":false}"},
      {{.kind = EVENT_DAMAGED, .id = SUM1}, "{\"e\":\"damaged\",\"id\":\"" ID1 "\"}"},
      {{.kind = EVENT_EXPIRED, .id = SUM1}, "{\"e\":\"expired\",\"id\":\"" ID1 "\"}"},
      {{.kind = EVENT_REDACTED, .id = SUM1, .line = SUM2},
	  "{\"e\":\"redacted\",\"id\":\"" ID1 "\",\"size\":0,\"line\":\"" ID2 "\"}"},
      {{.kind = EVENT_RUN},
	  "{\"e\":\"run\",\"run\":\"\",\"type\":\"\",\"account\":\"\",\"state\":\"\"}"},
      {{.kind = EVENT_PURGE, .id = SUM2},
	  "{\"e\":\"purge\",\"run\":\"\",\"account\":\"\",\"folder\":\"\",\"uidvalidity\":0,"
	  "\"uid\":0,"
	  "\"id\":\"" ID2 "\",\"state\":\"\"}"},
      {{.kind = EVENT_RESTORED, .id = SUM1},
	  "{\"e\":\"restored\",\"account\":\"\",\"folder\":\"\",\"uidvalidity\":0,\"uid\":0,\"id\":"
	  "\"" ID1 "\"}"},
      {{.kind = EVENT_FRAMES}, "{\"e\":\"frames\",\"at\":[]}"},
      {{.kind = EVENT_COMMIT, .log = SUM1, .previous = SUM2},
	  "{\"e\":\"commit\",\"batch\":0,\"time\":0,\"entries\":0,\"events\":0,\"log\":\"" ID1
	  "\",\"prev\":\"" ID2 "\"}"},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void check_same_part(const struct event_part *a, const struct event_part *b)
{
	ck_assert(sha256_equal(&a->blob, &b->blob));
	ck_assert_uint_eq(a->at, b->at);
	ck_assert_uint_eq(a->blob_bytes, b->blob_bytes);
	ck_assert_uint_eq(a->line_chars, b->line_chars);
	ck_assert(a->crlf == b->crlf);
}

static void check_same_numbers(const struct event *a, const struct event *b)
{
	const uint64_t of_a[] = {a->uidvalidity, a->uid, a->size_bytes, a->stored_bytes, a->uidnext,
	    a->modseq, a->messages, a->archived, a->exceptions, a->missing, a->batch, a->entries,
	    a->events, a->level},
		       of_b[] = {b->uidvalidity, b->uid, b->size_bytes, b->stored_bytes, b->uidnext,
			   b->modseq, b->messages, b->archived, b->exceptions, b->missing, b->batch,
			   b->entries, b->events, b->level};

	ck_assert_mem_eq(of_a, of_b, sizeof of_a);
	ck_assert_int_eq(a->date_unix, b->date_unix);
	ck_assert_int_eq(a->sent_unix, b->sent_unix);
	ck_assert_int_eq(a->time_unix, b->time_unix);
	ck_assert(a->has_sent == b->has_sent && a->held == b->held);
}

static void check_same(const struct event *a, const struct event *b)
{
	const struct bytes of_a[] = {a->account, a->folder, a->flags, a->message_id, a->from, a->to,
	    a->cc, a->subject, a->uids, a->shown, a->delimiter, a->attributes, a->state, a->reason,
	    a->run, a->rule, a->type},
			   of_b[] = {b->account, b->folder, b->flags, b->message_id, b->from, b->to,
			       b->cc, b->subject, b->uids, b->shown, b->delimiter, b->attributes,
			       b->state, b->reason, b->run, b->rule, b->type};

	ck_assert_int_eq(a->kind, b->kind);
	check_same_numbers(a, b);
	for (size_t i = 0; i < COUNT(of_a); i++)
		ck_assert_msg(
		    bytes_equal(of_a[i], of_b[i]), "text %zu of %s", i, event_name(a->kind));
	ck_assert(sha256_equal(&a->id, &b->id) && sha256_equal(&a->log, &b->log) &&
	    sha256_equal(&a->previous, &b->previous) && sha256_equal(&a->line, &b->line));
	ck_assert_uint_eq(a->part_count, b->part_count);
	for (size_t i = 0; i < a->part_count; i++)
		check_same_part(&a->part[i], &b->part[i]);
	ck_assert_uint_eq(a->frame_count, b->frame_count);
	for (size_t i = 0; i < a->frame_count; i++)
		ck_assert(a->frame[i].at == b->frame[i].at &&
		    a->frame[i].entries == b->frame[i].entries &&
		    a->frame[i].start == b->frame[i].start &&
		    a->frame[i].is_dropped == b->frame[i].is_dropped);
}

static void check_line(const struct event *event, const char *line)
{
	struct event again;
	struct buf out;

	buf_init(&out, 1 << 20);
	event_format(&out, event);
	ck_assert(!out.overflow);
	ck_assert_int_eq(out.p[out.n - 1], '\n');
	out.p[--out.n] = '\0';
	ck_assert_str_eq(out.p, line);
	OK(event_parse(&again, buf_view(&out), err));
	check_same(event, &again);
	event_release(&again);
	buf_release(&out);
}

START_TEST(every_kind_is_the_line_of_the_page)
{
	ck_assert_uint_eq(COUNT(full), EVENT_KINDS);
	ck_assert_uint_eq(COUNT(bare), EVENT_KINDS);
	for (size_t i = 0; i < EVENT_KINDS; i++) {
		ck_assert_int_eq(full[i].event.kind, (int)i);
		ck_assert_int_eq(bare[i].event.kind, (int)i);
		check_line(&full[i].event, full[i].line);
		check_line(&bare[i].event, bare[i].line);
	}
}
END_TEST

/* ---- wrong lines ---- */

/* The end of the JSON value at p, which holds no quote or bracket in its strings. */
static const char *value_end(const char *p)
{
	int depth = 0;
	bool in_string = false;

	for (;; p++) {
		if (*p == '\\' && in_string)
			p++;
		else if (*p == '"')
			in_string = !in_string;
		else if (!in_string && (*p == '[' || *p == '{'))
			depth++;
		else if (!in_string && depth == 0 && (*p == ',' || *p == '}'))
			return p;
		else if (!in_string && (*p == ']' || *p == '}'))
			depth--;
	}
}

/* The next member of the outer object behind p: its name starts at the result. */
static const char *next_member(const char *p)
{
	p = strchr(p, ':') + 1;
	p = value_end(p);
	return *p == ',' ? p + 1 : NULL;
}

static int parse(const char *line, struct err *err)
{
	struct event event;

	if (event_parse(&event, bytes_of(line), err) != 0)
		return -1;
	event_release(&event);
	return 0;
}

/* The line with another value in one member; NULL: without the member. */
static char *changed(const char *line, const char *member, const char *value)
{
	const char *start = strchr(member, ':') + 1, *end = value_end(start);
	char *text = malloc(strlen(line) + 100);
	size_t n;

	if (value) {
		n = (size_t)(start - line);
		snprintf(text, strlen(line) + 100, "%.*s%s%s", (int)n, line, value, end);
	} else {
		n = (size_t)(member - line) - 1; /* with the comma before it */
		snprintf(text, strlen(line) + 100, "%.*s%s", (int)n, line, end);
	}
	return text;
}

START_TEST(a_member_that_must_be_there_is_missing)
{
	for (size_t i = 0; i < EVENT_KINDS; i++) {
		const char *line = bare[i].line, *member = line + 1;

		while ((member = next_member(member))) {
			char *text = changed(line, member, NULL);

			FAILS(ERR_DAMAGED, parse(text, err));
			free(text);
		}
	}
}
END_TEST

START_TEST(a_member_that_may_be_left_out)
{
	for (size_t i = 0; i < EVENT_KINDS; i++) {
		const char *line = full[i].line, *member = line + 1;

		while ((member = next_member(member))) {
			size_t name = (size_t)(strchr(member + 1, '"') - member) + 1;
			char *text = changed(line, member, NULL), quoted[32];

			snprintf(quoted, sizeof quoted, "%.*s:", (int)name, member);
			if (strstr(bare[i].line, quoted))
				FAILS(ERR_DAMAGED, parse(text, err));
			else
				OK(parse(text, err));
			free(text);
		}
	}
}
END_TEST

START_TEST(a_member_of_another_type)
{
	static const char *const values[] = {"null", "[null]", "{}", "{\"b64\":1}",
	    "{\"b64\":\"A\"}", "{\"b64\":\"AB==\"}", "1.5", "\"x\"", "-1", "true", "17"};

	for (size_t i = 0; i < EVENT_KINDS; i++) {
		const char *line = full[i].line, *member = line + 1;

		while ((member = next_member(member)))
			for (size_t v = 0; v < COUNT(values); v++) {
				char first = strchr(member, ':')[1];
				char *text = changed(line, member, values[v]);
				bool is_hex = strncmp(strchr(member, ':'), ":\"" ID1, 60) == 0 ||
				    strncmp(strchr(member, ':'), ":\"" ID2, 60) == 0;
				bool is_time = strncmp(member, "\"sent\"", 6) == 0 ||
				    strncmp(member, "\"date\"", 6) == 0 ||
				    strncmp(member, "\"time\"", 6) == 0;
				bool right = (first == '"' && !is_hex && v == 7) ||
				    ((isdigit((unsigned char)first) || first == '-') &&
					(v == 10 || (v == 8 && is_time))) ||
				    (first == 't' && v == 9);

				if (right)
					OK(parse(text, err));
				else
					FAILS(ERR_DAMAGED, parse(text, err));
				free(text);
			}
	}
}
END_TEST

START_TEST(a_part_that_cannot_be)
{
	static const char *const wrong[] = {"{\"at\":1,\"size\":1,\"line\":76,\"eol\":\"lf\"}",
	    "{\"blob\":\"" ID1 "\",\"size\":1,\"line\":76,\"eol\":\"lf\"}",
	    "{\"blob\":\"" ID1 "\",\"at\":1,\"line\":76,\"eol\":\"lf\"}",
	    "{\"blob\":\"" ID1 "\",\"at\":1,\"size\":1,\"eol\":\"lf\"}",
	    "{\"blob\":\"" ID1 "\",\"at\":1,\"size\":1,\"line\":76}",
	    "{\"blob\":\"" ID1 "\",\"at\":1,\"size\":1,\"line\":76,\"eol\":\"cr\"}",
	    "{\"blob\":\"" ID1 "\",\"at\":1,\"size\":1,\"line\":0,\"eol\":\"lf\"}",
	    "{\"blob\":\"" ID1 "\",\"at\":1,\"size\":1,\"line\":75,\"eol\":\"lf\"}",
	    "{\"blob\":\"" ID1 "\",\"at\":1,\"size\":1,\"line\":1004,\"eol\":\"lf\"}",
	    "{\"blob\":\"" ID1 "\",\"at\":-1,\"size\":1,\"line\":76,\"eol\":\"lf\"}",
	    "{\"blob\":\"01\",\"at\":1,\"size\":1,\"line\":76,\"eol\":\"lf\"}", "7", "[]"};
	char line[512];

	for (size_t i = 0; i < COUNT(wrong); i++) {
		snprintf(line, sizeof line,
		    "{\"e\":\"mail\",\"id\":\"" ID1 "\",\"size\":1,\"stored\":1,\"parts\":[%s]}",
		    wrong[i]);
		FAILS(ERR_DAMAGED, parse(line, err));
	}
	FAILS(ERR_DAMAGED, parse("{\"e\":\"frames\",\"at\":[[]]}", err));
	FAILS(ERR_DAMAGED, parse("{\"e\":\"frames\",\"at\":[[-1]]}", err));
	FAILS(ERR_DAMAGED, parse("{\"e\":\"frames\",\"at\":[[1,1,-1]]}", err));
	FAILS(ERR_DAMAGED, parse("{\"e\":\"frames\",\"at\":[[1,1,1,1]]}", err));
	FAILS(ERR_DAMAGED, parse("{\"e\":\"frames\",\"at\":[[1,-1]]}", err));
	FAILS(ERR_DAMAGED, parse("{\"e\":\"frames\",\"at\":[1]}", err));
}
END_TEST

START_TEST(lines_that_are_no_event)
{
	static const char *const wrong[] = {"", " ", "{", "{}", "[]", "null", "7", "\"mail\"",
	    "{\"e\":7}", "{\"e\":null}", "{\"E\":\"retired\"}", "not json",
	    "{\"e\":\"hold\",\"id\":\"" ID1 "\",\"held\":true}{}",
	    "{\"e\":\"hold\",\"id\":\"" ID1 "\",\"held\":true} x",
	    "{\"e\":\"hold\",\"id\":\"" ID1 "\",\"held\":true,\"held\":false}",
	    "{\"e\":\"hold\",\"id\":\"" ID1 "\",\"held\":true,\"reason\":\"\xff\"}",
	    "{\"e\":\"hold\",\"id\":\"" ID1 "\",\"held\":true,\"reason\":\"\n\"}",
	    "{\"e\":\"hold\",\"id\":\"" ID1 "\",\"held\":true,\"reason\":\"\\ud800\"}"};
	static char deep[100001];

	for (size_t i = 0; i < COUNT(wrong); i++)
		FAILS(ERR_DAMAGED, parse(wrong[i], err));
	memset(deep, '[', sizeof deep - 1);
	FAILS(ERR_DAMAGED, parse(deep, err));
	OK(parse("{\"e\":\"hold\",\"id\":\"" ID1 "\",\"held\":true}\n", err));
	for (size_t n = 0; n < strlen(full[EVENT_MAIL].line); n++) {
		struct event event;

		FAILS(ERR_DAMAGED,
		    event_parse(&event, (struct bytes){full[EVENT_MAIL].line, n}, err));
	}
}
END_TEST

START_TEST(a_newer_kind_stops)
{
	FAILS(ERR_VERSION, parse("{\"e\":\"merged\",\"id\":\"" ID1 "\"}", err));
	FAILS(ERR_VERSION, parse("{\"e\":\"\"}", err));
	FAILS(ERR_VERSION, parse("{\"e\":\"Mail\"}", err));
}
END_TEST

/* A member that this version does not know adds something to an event that it knows. */
START_TEST(a_newer_member_is_passed_over)
{
	struct event event;

	OK(event_parse(
	    &event, BYTES("{\"e\":\"retired\",\"x\":{\"y\":[1]}," PLACE_TEXT ",\"z\":1.5}"), err));
	check_same(&event, &full[EVENT_RETIRED].event);
	event_release(&event);
}
END_TEST

/* ---- texts ---- */

static void check_text(struct bytes text, bool is_coded)
{
	struct event event = {.kind = EVENT_MAIL, .from = text, .subject = text, .cc = text}, again;
	struct buf out, want;

	buf_init(&out, 64 << 20);
	buf_init(&want, 64 << 20);
	event_format(&out, &event);
	ck_assert(!out.overflow);
	ck_assert_ptr_eq(memchr(out.p, '\n', out.n), out.p + out.n - 1);
	if (is_coded) {
		buf_text(&want, "\"subject\":{\"b64\":\"");
		base64_put(&want, text);
		buf_text(&want, "\"}}\n");
		ck_assert_uint_gt(out.n, want.n);
		ck_assert_mem_eq(out.p + out.n - want.n, want.p, want.n);
	} else {
		ck_assert_ptr_null(memmem(out.p, out.n, "b64", 3));
	}
	OK(event_parse(&again, (struct bytes){out.p, out.n - 1}, err));
	ck_assert(bytes_equal(again.from, text) && bytes_equal(again.subject, text) &&
	    bytes_equal(again.cc, text));
	event_release(&again);
	buf_release(&want);
	buf_release(&out);
}

START_TEST(any_bytes_come_back)
{
	char all[256], one;

	for (int c = 0; c < 256; c++) {
		all[c] = one = (char)c;
		check_text((struct bytes){&one, 1}, c == 0 || c >= 0x80);
	}
	check_text((struct bytes){all, sizeof all}, true);
	check_text((struct bytes){all + 1, 127}, false);
	check_text(BYTES("a\0b"), true);
	check_text(BYTES("\0"), true);
	check_text(BYTES("\xc0\x80"), true);         /* an overlong NUL */
	check_text(BYTES("\xed\xa0\x80"), true);     /* a surrogate */
	check_text(BYTES("\xf4\x90\x80\x80"), true); /* beyond U+10FFFF */
	check_text(BYTES("caf\xe9"), true);
	check_text(BYTES("\xf4\x8f\xbf\xbf \xef\xbf\xbf \xef\xbf\xbe \xc2\x80"), false);
	check_text(BYTES("{\"b65\":\"AA==\"}"), false);
}
END_TEST

START_TEST(random_bytes_come_back)
{
	char text[64];
	unsigned seed = 1;

	for (int round = 0; round < 20000; round++) {
		size_t n = (size_t)rand_r(&seed) % sizeof text;
		struct event event = {.kind = EVENT_SKIPPED, .reason = {text, n}}, again;
		struct buf out;

		for (size_t i = 0; i < n; i++)
			text[i] = (char)(round % 2 ? rand_r(&seed) : 0xc0 + rand_r(&seed) % 64);
		buf_init(&out, 4096);
		event_format(&out, &event);
		OK(event_parse(&again, (struct bytes){out.p, out.n - 1}, err));
		ck_assert(bytes_equal(again.reason, event.reason));
		event_release(&again);
		buf_release(&out);
	}
}
END_TEST

START_TEST(very_long_texts_come_back)
{
	size_t n = 3 << 20;
	char *text = malloc(n);

	memset(text, 'x', n);
	check_text((struct bytes){text, n}, false);
	memset(text, '"', n);
	check_text((struct bytes){text, n}, false);
	memset(text, 0xff, n);
	check_text((struct bytes){text, n}, true);
	free(text);
}
END_TEST

START_TEST(what_does_not_fit_says_so)
{
	struct event event = full[EVENT_MAIL].event;
	size_t needed = strlen(full[EVENT_MAIL].line) + 1;
	struct buf out;

	for (size_t room = 0; room <= needed; room++) {
		buf_init(&out, room);
		event_format(&out, &event);
		ck_assert(out.overflow == (room < needed));
		buf_release(&out);
	}
}
END_TEST

/* A line that nobody could read again would lock the archive for ever. */
START_TEST(a_number_that_no_reader_takes_is_not_written)
{
	struct event event = full[EVENT_CURSOR].event;
	struct buf out;

	buf_init(&out, 4096);
	event.modseq = (uint64_t)INT64_MAX + 1;
	event_format(&out, &event);
	ck_assert(out.overflow);
	FAILS(ERR_DAMAGED,
	    parse("{\"e\":\"cursor\"," PLACE_TEXT
		  ",\"uidnext\":12,\"modseq\":9223372036854775808,\"messages\":1}",
		err));
	buf_release(&out);
}
END_TEST

START_TEST(dates_of_all_times)
{
	static const int64_t dates[] = {INT64_MIN, -1, 0, 1, 4102444800, INT64_MAX};

	for (size_t i = 0; i < COUNT(dates); i++) {
		struct event event = full[EVENT_MAIL].event, again;
		struct buf out;

		event.sent_unix = dates[i];
		buf_init(&out, 4096);
		event_format(&out, &event);
		OK(event_parse(&again, (struct bytes){out.p, out.n - 1}, err));
		check_same(&event, &again);
		event_release(&again);
		buf_release(&out);
	}
}
END_TEST

SUITE(every_kind_is_the_line_of_the_page, a_member_that_must_be_there_is_missing,
    a_member_that_may_be_left_out, a_member_of_another_type, a_part_that_cannot_be,
    lines_that_are_no_event, a_newer_kind_stops, a_newer_member_is_passed_over, any_bytes_come_back,
    random_bytes_come_back, very_long_texts_come_back, what_does_not_fit_says_so,
    a_number_that_no_reader_takes_is_not_written, dates_of_all_times)
