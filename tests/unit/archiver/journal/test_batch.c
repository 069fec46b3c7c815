/* archiver/journal/batch.c: the end of a log, its sums, its chain, and the places of entries
 * (FORMAT.md, "The journal"). */
#include "archiver/journal/batch.h"

#include "../../suite.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct sha256 zeros;

static struct event blob_of(uint8_t id, uint64_t bytes)
{
	return (struct event){.kind = EVENT_BLOB, .id = {.b = {id}}, .size_bytes = bytes};
}

static struct event mail_of(uint8_t id, uint64_t bytes, uint64_t stored)
{
	return (struct event){
	    .kind = EVENT_MAIL, .id = {.b = {id}}, .size_bytes = bytes, .stored_bytes = stored};
}

static struct event placed_of(uint8_t id)
{
	return (struct event){
	    .kind = EVENT_PLACED, .account = BYTES("a"), .folder = BYTES("f"), .id = {.b = {id}}};
}

/* A log in the making. */
struct draft {
	struct buf lines;
	struct event_frame frame[8];
	size_t frames;
	uint64_t entries, events;
	struct sha256 sum;
};

static void draft_begin(struct draft *draft)
{
	memset(draft, 0, sizeof *draft);
	buf_init(&draft->lines, 1 << 20);
}

static void draft_add(struct draft *draft, struct event event)
{
	event_format(&draft->lines, &event);
	draft->events++;
	draft->entries += event.kind == EVENT_MAIL || event.kind == EVENT_BLOB;
}

static void draft_frame(struct draft *draft, uint64_t at, uint64_t entries)
{
	draft->frame[draft->frames++] = (struct event_frame){.at = at, .entries = entries};
}

static void draft_run(struct draft *draft, struct event_frame run)
{
	draft->frame[draft->frames++] = run;
}

/* The sum of the page, from its words: the SHA-256 of the SHA-256s of the lines. */
static struct sha256 sum_of(const struct buf *lines)
{
	struct sha256 sum[100];
	size_t count = 0;
	const char *p = lines->p, *end;

	for (; p < lines->p + lines->n; p = end + 1) {
		end = strchr(p, '\n');
		sha256_of((struct bytes){p, (size_t)(end - p)}, &sum[count++]);
	}
	sha256_of((struct bytes){(const char *)sum, count * sizeof *sum}, &sum[99]);
	return sum[99];
}

static void draft_close(struct draft *draft, uint64_t batch, const struct sha256 *previous)
{
	struct event frames = {
	    .kind = EVENT_FRAMES, .frame = draft->frame, .frame_count = draft->frames};

	batch_close(&draft->lines, &frames, batch, 1600000000, draft->entries, draft->events,
	    previous, &draft->sum);
	ck_assert(!draft->lines.overflow);
}

/* The usual one: two blobs, three mails, in three frames, and a place for each mail. */
static void usual(struct draft *draft)
{
	draft_begin(draft);
	draft_add(draft, blob_of(1, 4096));
	draft_add(draft, blob_of(2, 1));
	draft_add(draft, mail_of(3, 9000, 700));
	draft_add(draft, placed_of(3));
	draft_add(draft, mail_of(4, 512, 512));
	draft_add(draft, mail_of(5, 0, 0));
	draft_add(draft, placed_of(5));
	draft_frame(draft, 0, 2);
	draft_frame(draft, 5000, 2);
	draft_frame(draft, 9000, 1);
	draft_close(draft, 3, &(struct sha256){.b = {7}});
}

static int read_all(struct bytes log, uint64_t *events_out, struct err *err)
{
	struct batch_reader reader;
	struct batch_place place;
	struct event event;
	int got;

	*events_out = 0;
	if (batch_begin(&reader, log, err) != 0)
		return -1;
	while ((got = batch_next(&reader, &event, &place, err)) == 1) {
		(*events_out)++;
		event_release(&event);
	}
	batch_end(&reader);
	return got;
}

START_TEST(the_last_two_lines_are_those_of_the_page)
{
	struct draft draft;
	struct sha256 log, sum;
	char hex[SHA256_HEX_BYTES], want[512];
	const char *tail;
	size_t at;

	draft_begin(&draft);
	draft_add(&draft, mail_of(3, 9000, 700));
	log = sum_of(&draft.lines);
	draft_frame(&draft, 0, 1);
	at = draft.lines.n;
	draft_close(&draft, 8, &zeros);
	tail = draft.lines.p + at;
	sha256_hex(&log, hex);
	snprintf(want, sizeof want,
	    "{\"e\":\"frames\",\"at\":[[0,1]]}\n"
	    "{\"e\":\"commit\",\"batch\":8,\"time\":1600000000,\"entries\":1,\"events\":1,"
	    "\"log\":\"%s\",\"prev\":\"%064d\"}\n",
	    hex, 0);
	ck_assert_str_eq(tail, want);
	/* The chain: the commit line without its LF. */
	tail = strchr(tail, '\n') + 1;
	sha256_of((struct bytes){tail, strlen(tail) - 1}, &sum);
	ck_assert(sha256_equal(&sum, &draft.sum));
	buf_release(&draft.lines);
}
END_TEST

START_TEST(events_and_places_come_back)
{
	static const struct {
		enum event_kind kind;
		uint8_t id;
		uint64_t frame_at, entry_at;
	} want[] = {{EVENT_BLOB, 1, 0, 0}, {EVENT_BLOB, 2, 0, 512 + 4096}, {EVENT_MAIL, 3, 5000, 0},
	    {EVENT_PLACED, 3, 0, 0}, {EVENT_MAIL, 4, 5000, 512 + 1024}, {EVENT_MAIL, 5, 9000, 0},
	    {EVENT_PLACED, 5, 0, 0}};
	struct batch_reader reader;
	struct batch_place place;
	struct draft draft;
	struct event event;

	usual(&draft);
	OK(batch_begin(&reader, buf_view(&draft.lines), err));
	ck_assert_uint_eq(reader.commit.batch, 3);
	ck_assert_uint_eq(reader.commit.entries, 5);
	ck_assert_uint_eq(reader.commit.events, 7);
	ck_assert_int_eq(reader.commit.time_unix, 1600000000);
	ck_assert_uint_eq(reader.commit.previous.b[0], 7);
	ck_assert(sha256_equal(&reader.sum, &draft.sum));
	for (size_t i = 0; i < COUNT(want); i++) {
		ck_assert_int_eq(batch_next(&reader, &event, &place, NULL), 1);
		ck_assert_int_eq(event.kind, want[i].kind);
		ck_assert_uint_eq(event.id.b[0], want[i].id);
		ck_assert_uint_eq(place.frame_at, want[i].frame_at);
		ck_assert_uint_eq(place.entry_at, want[i].entry_at);
		event_release(&event);
	}
	ck_assert_int_eq(batch_next(&reader, &event, &place, NULL), 0);
	ck_assert_int_eq(batch_next(&reader, &event, &place, NULL), 0);
	batch_end(&reader);
	buf_release(&draft.lines);
}
END_TEST

START_TEST(an_entry_takes_whole_blocks)
{
	static const struct {
		uint64_t content, all;
	} want[] = {{0, 512}, {1, 1024}, {511, 1024}, {512, 1024}, {513, 1536}, {1024, 1536},
	    {1048576, 1049088}};

	for (size_t i = 0; i < COUNT(want); i++)
		ck_assert_uint_eq(batch_entry_bytes(want[i].content), want[i].all);
}
END_TEST

START_TEST(a_log_without_events)
{
	struct draft draft;
	uint64_t events;

	draft_begin(&draft);
	draft_close(&draft, 1, &zeros);
	OK(read_all(buf_view(&draft.lines), &events, err));
	ck_assert_uint_eq(events, 0);
	buf_release(&draft.lines);
}
END_TEST

START_TEST(a_log_that_is_cut_anywhere_is_refused)
{
	struct draft draft;
	uint64_t events;

	usual(&draft);
	for (size_t n = 0; n < draft.lines.n; n++)
		FAILS(ERR_DAMAGED, read_all((struct bytes){draft.lines.p, n}, &events, err));
	for (size_t n = 1; n < draft.lines.n; n++)
		FAILS(ERR_DAMAGED,
		    read_all((struct bytes){draft.lines.p + n, draft.lines.n - n}, &events, err));
	buf_release(&draft.lines);
}
END_TEST

/* Of the last two lines some bytes are not covered by a sum of this log: the chain covers the
 * commit line, and frames is physical. In the events no bit can change. */
START_TEST(a_changed_bit_in_an_event_is_noticed)
{
	struct draft draft;
	uint64_t events;
	size_t covered;

	usual(&draft);
	covered = (size_t)((char *)memmem(draft.lines.p, draft.lines.n, "{\"e\":\"frames\"", 13) -
	    draft.lines.p);
	for (size_t i = 0; i < covered; i++)
		for (int bit = 0; bit < 8; bit++) {
			draft.lines.p[i] = (char)(draft.lines.p[i] ^ 1 << bit);
			FAILS(ERR_DAMAGED, read_all(buf_view(&draft.lines), &events, err));
			draft.lines.p[i] = (char)(draft.lines.p[i] ^ 1 << bit);
		}
	OK(read_all(buf_view(&draft.lines), &events, err));
	buf_release(&draft.lines);
}
END_TEST

/* Lines behind the events that are not what they must be. */
static void check_tail(const char *tail, enum err_code code)
{
	struct draft draft;
	uint64_t events;
	char log[SHA256_HEX_BYTES];
	struct sha256 sum;

	draft_begin(&draft);
	draft_add(&draft, mail_of(3, 9000, 700));
	sum = sum_of(&draft.lines);
	sha256_hex(&sum, log);
	for (const char *p = tail; *p; p++) {
		if (*p == '@')
			buf_text(&draft.lines, log);
		else
			buf_char(&draft.lines, *p);
	}
	if (code == ERR_NONE)
		OK(read_all(buf_view(&draft.lines), &events, err));
	else
		FAILS(code, read_all(buf_view(&draft.lines), &events, err));
	buf_release(&draft.lines);
}

#define FRAMES "{\"e\":\"frames\",\"at\":[[0,1]]}\n"
#define COMMIT(entries, events)                                                                    \
	"{\"e\":\"commit\",\"batch\":1,\"time\":0,\"entries\":" entries ",\"events\":" events      \
	",\"log\":\"@\",\"prev\":\"@\"}\n"

START_TEST(the_end_of_a_log_is_checked)
{
	check_tail(FRAMES COMMIT("1", "1"), ERR_NONE);
	check_tail(FRAMES COMMIT("2", "1"), ERR_DAMAGED);
	check_tail(FRAMES COMMIT("0", "1"), ERR_DAMAGED);
	check_tail(FRAMES COMMIT("1", "2"), ERR_DAMAGED);
	check_tail(FRAMES COMMIT("1", "0"), ERR_DAMAGED);
	check_tail(COMMIT("1", "1"), ERR_DAMAGED);
	check_tail(FRAMES, ERR_DAMAGED);
	check_tail(COMMIT("1", "1") FRAMES, ERR_DAMAGED);
	check_tail(FRAMES FRAMES COMMIT("1", "1"), ERR_DAMAGED);
	check_tail(FRAMES COMMIT("1", "1") COMMIT("1", "1"), ERR_DAMAGED);
	check_tail("{\"e\":\"frames\",\"at\":[]}\n" COMMIT("1", "1"), ERR_DAMAGED);
	check_tail("{\"e\":\"frames\",\"at\":[[0,2]]}\n" COMMIT("1", "1"), ERR_DAMAGED);
	check_tail("{\"e\":\"frames\",\"at\":[[0,1],[9,1]]}\n" COMMIT("1", "1"), ERR_DAMAGED);
	check_tail(FRAMES "{\"e\":\"finish\"}\n", ERR_VERSION);
	check_tail("{\"e\":\"borders\"}\n" COMMIT("1", "1"), ERR_VERSION);
}
END_TEST

/* The sum is right, but a newer program wrote something that this one does not know. */
START_TEST(an_unknown_event_stops_the_reading)
{
	struct draft draft;
	uint64_t events;

	draft_begin(&draft);
	draft_add(&draft, placed_of(3));
	buf_text(&draft.lines, "{\"e\":\"merged\"}\n");
	draft.events++;
	draft_add(&draft, placed_of(4));
	draft_close(&draft, 1, &zeros);
	FAILS(ERR_VERSION, read_all(buf_view(&draft.lines), &events, err));
	ck_assert_uint_eq(events, 1);
	buf_release(&draft.lines);
}
END_TEST

START_TEST(a_log_that_does_not_fit_says_so)
{
	struct draft draft;
	size_t needed;

	usual(&draft);
	needed = draft.lines.n;
	buf_release(&draft.lines);
	for (size_t room = needed - 400; room < needed; room++) {
		struct event frames = {.kind = EVENT_FRAMES};
		struct sha256 sum;
		struct buf lines;

		buf_init(&lines, room);
		while (lines.n + 100 < room)
			event_format(&lines, &(struct event){.kind = EVENT_RETIRED});
		batch_close(&lines, &frames, 1, 0, 0, 0, &zeros, &sum);
		ck_assert(lines.overflow);
		buf_release(&lines);
	}
}
END_TEST

/* ---- logs that were written anew ---- */

static bool is_four(void *arg, const struct event *mail)
{
	(void)arg;
	return mail->id.b[0] == 4;
}

static struct buf rewritten(const struct draft *draft, struct event_frame *run, size_t runs)
{
	struct event frames = {.kind = EVENT_FRAMES, .frame = run, .frame_count = runs};
	struct buf log;

	buf_init(&log, 1 << 20);
	OK(batch_rewrite(&log, buf_view(&draft->lines), &frames, is_four, NULL, err));
	return log;
}

static void check_places(struct bytes log, const struct batch_place *want, size_t count)
{
	struct batch_reader reader;
	struct batch_place place;
	struct event event;
	size_t seen = 0;

	OK(batch_begin(&reader, log, err));
	while (batch_next(&reader, &event, &place, NULL) == 1) {
		if (batch_is_entry(event.kind)) {
			ck_assert_uint_lt(seen, count);
			ck_assert_uint_eq(place.frame_at, want[seen].frame_at);
			ck_assert_uint_eq(place.entry_at, want[seen].entry_at);
			ck_assert_int_eq(event.kind == EVENT_REDACTED, event.id.b[0] == 4);
			seen++;
		}
		event_release(&event);
	}
	batch_end(&reader);
	ck_assert_uint_eq(seen, count);
}

START_TEST(a_log_that_is_written_anew_keeps_its_sums)
{
	struct event_frame runs[] = {{.at = 70, .entries = 1, .start = 2048},
	    {.entries = 1, .is_dropped = true}, {.at = 9, .entries = 1},
	    {.entries = 1, .is_dropped = true}, {.at = 9, .entries = 1, .start = 8192}},
			   all_gone[] = {{.entries = 5, .is_dropped = true}};
	static const struct batch_place want[] = {
	    {70, 2048}, {BATCH_NOWHERE, 0}, {9, 0}, {BATCH_NOWHERE, 0}, {9, 8192}};
	static const struct batch_place nowhere[] = {{BATCH_NOWHERE, 0}, {BATCH_NOWHERE, 0},
	    {BATCH_NOWHERE, 0}, {BATCH_NOWHERE, 0}, {BATCH_NOWHERE, 0}};
	struct batch_reader before, after;
	struct draft draft, again;
	struct buf log, second;

	usual(&draft);
	log = rewritten(&draft, runs, COUNT(runs));
	check_places(buf_view(&log), want, COUNT(want));
	ck_assert_ptr_null(strstr(log.p, "\"id\":\"04\",\"size\":512,\"stored\""));
	OK(batch_begin(&before, buf_view(&draft.lines), err));
	OK(batch_begin(&after, buf_view(&log), err));
	ck_assert(sha256_equal(&before.sum, &after.sum)); /* the chain goes on */
	batch_end(&before);
	batch_end(&after);
	/* And once more. */
	again.lines = log;
	second = rewritten(&again, all_gone, COUNT(all_gone));
	check_places(buf_view(&second), nowhere, COUNT(nowhere));
	buf_release(&second);
	buf_release(&log);
	buf_release(&draft.lines);
}
END_TEST

START_TEST(what_a_log_that_was_written_anew_must_be)
{
	struct event_frame there[] = {{.at = 70, .entries = 5}},
			   few[] = {{.entries = 4, .is_dropped = true}},
			   many[] = {{.entries = 6, .is_dropped = true}},
			   right[] = {{.entries = 5, .is_dropped = true}};
	struct draft draft;
	struct buf log;
	uint64_t events;
	char *line;

	usual(&draft);
	log = rewritten(&draft, there, 1); /* the redacted one is said to be there */
	FAILS(ERR_DAMAGED, read_all(buf_view(&log), &events, err));
	buf_release(&log);
	log = rewritten(&draft, few, 1);
	FAILS(ERR_DAMAGED, read_all(buf_view(&log), &events, err));
	buf_release(&log);
	log = rewritten(&draft, many, 1);
	FAILS(ERR_DAMAGED, read_all(buf_view(&log), &events, err));
	buf_release(&log);
	log = rewritten(&draft, right, 1);
	OK(read_all(buf_view(&log), &events, err));
	line = strstr(log.p, "\"line\":\"") + 8;
	*line = *line == '0' ? '1' : '0'; /* it stands for another line */
	FAILS(ERR_DAMAGED, read_all(buf_view(&log), &events, err));
	buf_release(&log);
	buf_release(&draft.lines);
}
END_TEST

START_TEST(runs_share_frames)
{
	static const struct batch_place want[] = {
	    {500, 512}, {500, 512 + 4096 + 512}, {7, 0}, {7, 1536}, {7, 2560}};
	struct draft draft;

	draft_begin(&draft);
	draft_add(&draft, blob_of(1, 4096));
	draft_add(&draft, blob_of(2, 1));
	draft_add(&draft, mail_of(3, 9000, 700));
	draft_add(&draft, mail_of(5, 512, 512));
	draft_add(&draft, mail_of(6, 0, 0));
	draft_run(&draft, (struct event_frame){.at = 500, .entries = 2, .start = 512});
	draft_run(&draft, (struct event_frame){.at = 7, .entries = 3});
	draft_close(&draft, 3, &zeros);
	check_places(buf_view(&draft.lines), want, COUNT(want));
	buf_release(&draft.lines);
}
END_TEST

SUITE(a_log_that_is_written_anew_keeps_its_sums, what_a_log_that_was_written_anew_must_be,
    runs_share_frames, the_last_two_lines_are_those_of_the_page, events_and_places_come_back,
    an_entry_takes_whole_blocks, a_log_without_events, a_log_that_is_cut_anywhere_is_refused,
    a_changed_bit_in_an_event_is_noticed, the_end_of_a_log_is_checked,
    an_unknown_event_stops_the_reading, a_log_that_does_not_fit_says_so)
