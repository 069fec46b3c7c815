/* A journal in the making and its catalogue, for tests.
 *
 *   begin(); add(mail(1)); add(placed(5, 1, "\\Seen")); apply(); ... end();
 *
 * Batch n has the time DAY1 + n days, and its frame stands at n * 10000 of segment 1. Redacted
 * entries are dropped, and those that are added by add_dropped. */
#ifndef TESTS_UNIT_ARCHIVER_CATALOG_EVENTS_H
#define TESTS_UNIT_ARCHIVER_CATALOG_EVENTS_H

#include "archiver/catalog/catalog.h"

#include "../../suite.h"
#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DAY1 1600000000
#define DAY  86400

struct journal {
	char folder[40];
	char *path;
	struct catalog *catalog;
	struct buf lines;
	struct event_frame frame[200]; /* a run for each entry */
	uint64_t entry_at;
	uint64_t entries, events;
	struct batch_position end;
	struct buf log[100]; /* all batches so far */
	struct batch_position ends[100];
	size_t logs;
	uint64_t lost; /* batches, said with the next one */
};

static struct journal j;

static inline void begin(void)
{
	memset(&j, 0, sizeof j);
	snprintf(j.folder, sizeof j.folder, "%s/catalog-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(j.folder));
	j.path = file_join(j.folder, "catalog.db");
	OK(catalog_open(&j.catalog, j.path, SQL_WRITE, err));
	buf_init(&j.lines, 16 << 20);
}

static inline void remove_files(const char *path)
{
	static const char *const ends[] = {"", "-wal", "-shm"};

	for (size_t i = 0; i < 3; i++) {
		char *file = mem_format("%s%s", path, ends[i]);

		unlink(file);
		free(file);
	}
}

static inline void end(void)
{
	catalog_close(j.catalog);
	remove_files(j.path);
	ck_assert_int_eq(rmdir(j.folder), 0);
	free(j.path);
	buf_release(&j.lines);
	for (size_t i = 0; i < j.logs; i++)
		buf_release(&j.log[i]);
}

static inline void add(struct event event)
{
	event_format(&j.lines, &event);
	j.events++;
	if (!batch_is_entry(event.kind))
		return;
	if (event.kind == EVENT_REDACTED) {
		j.frame[j.entries++] = (struct event_frame){.entries = 1, .is_dropped = true};
		return;
	}
	j.frame[j.entries++] = (struct event_frame){.entries = 1, .start = j.entry_at};
	j.entry_at +=
	    batch_entry_bytes(event.kind == EVENT_MAIL ? event.stored_bytes : event.size_bytes);
}

static inline void add_dropped(struct event event)
{
	add(event);
	j.frame[j.entries - 1] = (struct event_frame){.entries = 1, .is_dropped = true};
}

/* Close the log as batch "number" of segment 1 and try to apply it. */
static inline int apply_as(uint64_t number, struct err *err)
{
	struct event frames = {.kind = EVENT_FRAMES, .frame = j.frame, .frame_count = j.entries};
	struct batch_position position = {
	    .segment = 1, .at = number * 10000 + 10000, .batch = number, .lost = j.lost};
	int result;

	for (size_t i = 0; i < j.entries; i++)
		j.frame[i].at = j.frame[i].is_dropped ? 0 : number * 10000;
	batch_close(&j.lines, &frames, number, DAY1 + (int64_t)number * DAY, j.entries, j.events,
	    &j.end.sum, &position.sum);
	result = catalog_apply(j.catalog, &position, buf_view(&j.lines), err);
	if (result == 0) {
		buf_init(&j.log[j.logs], 16 << 20);
		buf_bytes(&j.log[j.logs], buf_view(&j.lines));
		j.ends[j.logs++] = j.end = position;
	}
	buf_clear(&j.lines);
	j.entries = j.events = j.entry_at = 0;
	return result;
}

static inline void apply(void)
{
	OK(apply_as(j.end.batch + 1, err));
}

static inline struct sha256 id(uint8_t n)
{
	struct sha256 sum = {{0xa0, n}};

	return sum;
}

static inline struct event mail(uint8_t n)
{
	return (struct event){.kind = EVENT_MAIL,
	    .id = id(n),
	    .size_bytes = 1000u + n,
	    .stored_bytes = 500u + n,
	    .message_id = BYTES("m@x"),
	    .from = BYTES("Ann <a@x>"),
	    .to = BYTES("b@x"),
	    .cc = BYTES("c@x"),
	    .subject = BYTES("S\0\xff"),
	    .has_sent = true,
	    .sent_unix = -5};
}

static inline struct event at(enum event_kind kind, uint32_t uid)
{
	return (struct event){.kind = kind,
	    .account = BYTES("work"),
	    .folder = BYTES("INBOX"),
	    .uidvalidity = 7,
	    .uid = uid};
}

static inline struct event placed(uint32_t uid, uint8_t n, const char *flags)
{
	struct event event = at(EVENT_PLACED, uid);

	event.id = id(n);
	event.flags = bytes_of(flags);
	event.date_unix = 1000 + uid;
	return event;
}

static inline struct event gone(const char *uids)
{
	struct event event = at(EVENT_GONE, 0);

	event.uids = bytes_of(uids);
	return event;
}

static inline struct event purge(uint32_t uid, uint8_t n, const char *state)
{
	struct event event = at(EVENT_PURGE, uid);

	event.run = BYTES("p1");
	event.id = id(n);
	event.state = bytes_of(state);
	event.rule = BYTES("old");
	return event;
}

/* As far as it means something: there is room between the members. */
static inline void check_position(
    const struct batch_position *position, const struct batch_position *want)
{
	ck_assert_uint_eq(position->segment, want->segment);
	ck_assert_uint_eq(position->at, want->at);
	ck_assert_uint_eq(position->batch, want->batch);
	ck_assert(sha256_equal(&position->sum, &want->sum));
}

/* ---- questions ---- */

static inline int64_t ask(const char *text)
{
	struct sql_stmt *stmt;
	int64_t number;

	OK(sql_prepare(catalog_sql(j.catalog), text, &stmt, err));
	ck_assert_int_eq(sql_step(stmt, NULL), 1);
	number = sql_i64(stmt, 0);
	sql_free(stmt);
	return number;
}

static inline int64_t inbox(void)
{
	struct catalog_folder folder;

	ck_assert_int_eq(
	    catalog_folder(j.catalog, BYTES("work"), BYTES("INBOX"), &folder, NULL), 1);
	return folder.number;
}

static inline struct catalog_place place_of(uint32_t uid)
{
	struct catalog_place place;

	ck_assert_int_eq(catalog_place_at(j.catalog, inbox(), 7, uid, &place, NULL), 1);
	return place;
}

static inline struct catalog_message message_of(uint8_t n)
{
	struct msg_id which = {id(n)};
	struct catalog_message message;

	ck_assert_int_eq(catalog_message(j.catalog, &which, &message, NULL), 1);
	return message;
}

static inline int note_uid(void *arg, const struct catalog_place *place, struct err *err)
{
	(void)err;
	snprintf(strchr(arg, '\0'), 20, "%u ", place->uid);
	return 0;
}

#endif
