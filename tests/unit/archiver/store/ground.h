/* A folder of segments for tests, and a list of what was put into it.
 *
 *   ground_begin(&g); ground_open(&g);
 *   ground_put(&g, EVENT_MAIL, 700); ... ground_commit(&g);
 *   ground_check(&g);            all that was committed is there, in order, byte for byte
 *   ground_end(&g);              the folder goes away
 *
 * The content of each entry follows from its number, so that it need not be kept. */
#ifndef TESTS_UNIT_ARCHIVER_STORE_GROUND_H
#define TESTS_UNIT_ARCHIVER_STORE_GROUND_H

#include "archiver/store/store.h"

#include "../../suite.h"
#include "base/child.h"
#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GROUND_ITEMS 1000
#define GROUND_TIME  1600000000

struct ground_item {
	enum event_kind kind;
	unsigned number;
	size_t bytes;
	struct sha256 id;
};

struct ground {
	char folder[40];
	struct store_options options;
	struct store *store;
	struct ground_item item[GROUND_ITEMS];
	size_t items, committed; /* put; and of these committed */
	uint64_t batches;
	struct batch_position end;
};

static inline char *ground_content(unsigned number, size_t bytes)
{
	char *p = mem_alloc(bytes);
	unsigned seed = number;

	for (size_t i = 0; i < bytes; i++)
		p[i] = (char)(number % 3 == 0 ? rand_r(&seed) >> 3 : "message\r\n"[i * number % 9]);
	return p;
}

static inline void ground_begin(struct ground *g)
{
	memset(g, 0, sizeof *g);
	/* In memory where that can be had: thousands of commits, each with its fdatasync. */
	snprintf(g->folder, sizeof g->folder, "%s/mailcask-store-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(g->folder));
	g->options = (struct store_options){.folder = g->folder, .for_writing = true, .level = 1};
}

static inline void ground_empty(struct ground *g)
{
	DIR *folder = opendir(g->folder);
	struct dirent *item;

	while ((item = readdir(folder)))
		if (item->d_name[0] != '.') {
			char *path = file_join(g->folder, item->d_name);

			ck_assert_int_eq(unlink(path), 0);
			free(path);
		}
	closedir(folder);
}

static inline void ground_end(struct ground *g)
{
	store_close(g->store);
	g->store = NULL;
	ground_empty(g);
	ck_assert_int_eq(rmdir(g->folder), 0);
}

static inline int ground_nothing(void *arg, const struct store_batch *batch, struct err *err)
{
	(void)arg, (void)batch, (void)err;
	return 0;
}

/* Open (again) for writing and find the end. */
static inline int ground_try_open(struct ground *g, struct err *err)
{
	struct batch_position start = {0};

	store_close(g->store);
	g->store = NULL;
	if (store_open(&g->store, &g->options, err) != 0)
		return -1;
	return store_replay(g->store, &start, ground_nothing, NULL, err);
}

static inline void ground_open(struct ground *g)
{
	OK(ground_try_open(g, err));
}

static inline struct event ground_event(const struct ground_item *item)
{
	return (struct event){.kind = item->kind,
	    .id = item->id,
	    .size_bytes = item->bytes,
	    .stored_bytes = item->bytes};
}

static inline int ground_try_put(
    struct ground *g, enum event_kind kind, size_t bytes, struct err *err)
{
	struct ground_item *item = &g->item[g->items];
	struct spool spool;
	struct spool_range range = {&spool, 3, bytes};
	struct event event;
	char *content;
	int result;

	ck_assert_uint_lt(g->items, GROUND_ITEMS);
	*item =
	    (struct ground_item){.kind = kind, .number = (unsigned)g->items + 1, .bytes = bytes};
	content = ground_content(item->number, bytes);
	sha256_of((struct bytes){content, bytes}, &item->id);
	spool_init(&spool, 1 << 20, "/tmp");
	ck_assert_int_eq(spool_add(&spool, "...", 3, NULL), 0);
	ck_assert_int_eq(spool_add(&spool, content, bytes, NULL), 0);
	event = ground_event(item);
	result = store_put(g->store, &event, GROUND_TIME, &range, err);
	spool_release(&spool);
	free(content);
	g->items += result == 0;
	return result;
}

static inline void ground_put(struct ground *g, enum event_kind kind, size_t bytes)
{
	OK(ground_try_put(g, kind, bytes, err));
}

static inline int ground_try_place(struct ground *g, unsigned uid, struct err *err)
{
	struct event event = {.kind = EVENT_PLACED,
	    .account = BYTES("a"),
	    .folder = BYTES("INBOX"),
	    .uidvalidity = 1,
	    .uid = uid};

	return store_log(g->store, &event, err);
}

static inline int ground_try_commit(struct ground *g, struct err *err)
{
	struct store_batch batch;

	if (store_commit(g->store, GROUND_TIME + (int64_t)g->batches, &batch, err) != 0)
		return -1;
	g->batches++;
	g->committed = g->items;
	g->end = batch.end;
	return 0;
}

static inline void ground_commit(struct ground *g)
{
	OK(ground_try_commit(g, err));
}

/* A few entries, a place, a commit. */
static inline void ground_batch(struct ground *g, size_t bytes)
{
	ground_put(g, EVENT_BLOB, bytes);
	ground_put(g, EVENT_MAIL, bytes / 2);
	OK(ground_try_place(g, (unsigned)g->items, err));
	ground_put(g, EVENT_MAIL, bytes + 1);
	ground_commit(g);
}

static inline void ground_abort(struct ground *g)
{
	store_abort(g->store);
	g->items = g->committed;
}

/* ---- what is there ---- */

struct ground_found {
	struct ground_item item;
	uint32_t segment;
	struct batch_place place;
};

struct ground_list {
	struct ground_found found[GROUND_ITEMS];
	size_t count;
	uint64_t batches, others;
	size_t gaps, salvaged;
	struct batch_position end;
};

static inline int ground_note(void *arg, const struct store_batch *batch, struct err *err)
{
	struct ground_list *list = arg;
	struct batch_reader reader;
	struct batch_place place;
	struct event event;
	int got;

	if (batch->log.n == 0) {
		list->gaps++;
		list->salvaged += batch->salvaged_count;
		list->end = batch->end;
		return 0;
	}
	if (batch_begin(&reader, batch->log, err) != 0)
		return -1;
	ck_assert_uint_eq(reader.commit.batch, list->batches + 1);
	ck_assert_int_eq(reader.commit.time_unix, GROUND_TIME + (int64_t)list->batches);
	while ((got = batch_next(&reader, &event, &place, err)) == 1) {
		bool entry = event.kind == EVENT_BLOB || event.kind == EVENT_MAIL;

		if (entry)
			list->found[list->count++] = (struct ground_found){
			    {event.kind, 0, event.size_bytes, event.id}, batch->end.segment, place};
		list->others += !entry;
		event_release(&event);
	}
	batch_end(&reader);
	list->batches++;
	list->end = batch->end;
	return got;
}

static inline int ground_collect(void *arg, const void *data, size_t bytes, struct err *err)
{
	(void)err;
	buf_add(arg, data, bytes);
	return 0;
}

static inline struct segment_id ground_segment(struct store *store, uint32_t number)
{
	struct store_segments segments;
	struct segment_id id = {number, 0};

	if (store_segments(store, &segments, NULL) != 0)
		return id;
	if (number <= segments.count)
		id = segments.item[number - 1];
	store_segments_release(&segments);
	return id;
}

/* The entry as it is read: 0 and the right bytes, or -1. Wrong bytes end the test. */
static inline int ground_read(struct store *store, const struct ground_found *found,
    const struct ground_item *item, struct err *err)
{
	struct store_entry entry = {item->kind, item->id, item->bytes};
	char *want = ground_content(item->number, item->bytes);
	struct buf got;
	int result;

	buf_init(&got, 64 << 20);
	result = store_read(store, ground_segment(store, found->segment), &found->place, &entry,
	    ground_collect, &got, err);
	if (result == 0)
		ck_assert_msg(bytes_equal(buf_view(&got), (struct bytes){want, item->bytes}),
		    "entry %u: wrong bytes", item->number);
	buf_release(&got);
	free(want);
	return result;
}

static inline const struct ground_item *ground_find(
    const struct ground *g, const struct ground_found *found)
{
	for (size_t i = 0; i < g->items; i++)
		if (g->item[i].kind == found->item.kind &&
		    sha256_equal(&g->item[i].id, &found->item.id))
			return &g->item[i];
	return NULL;
}

static inline struct store *ground_reader(const struct ground *g)
{
	struct store_options options = {.folder = g->folder};
	struct store *store;

	OK(store_open(&store, &options, err));
	return store;
}

/* As far as it means something: there is room between the members. */
static inline void ground_same_position(
    const struct batch_position *position, const struct batch_position *want)
{
	ck_assert_uint_eq(position->segment, want->segment);
	ck_assert_uint_eq(position->at, want->at);
	ck_assert_uint_eq(position->batch, want->batch);
	ck_assert(sha256_equal(&position->sum, &want->sum));
}

/* What a reader finds from the beginning. */
static inline void ground_list(const struct ground *g, struct ground_list *list)
{
	struct batch_position start = {0};
	struct store *store = ground_reader(g);

	memset(list, 0, sizeof *list);
	OK(store_replay(store, &start, ground_note, list, err));
	ground_same_position(store_end(store), &list->end);
	store_close(store);
}

static inline void ground_check(const struct ground *g)
{
	static struct ground_list list;
	struct store *store = ground_reader(g);

	ground_list(g, &list);
	ck_assert_uint_eq(list.batches, g->batches);
	ck_assert_uint_eq(list.count, g->committed);
	for (size_t i = 0; i < list.count; i++) {
		const struct ground_item *item = ground_find(g, &list.found[i]);

		ck_assert_ptr_nonnull(item);
		OK(ground_read(store, &list.found[i], item, err));
	}
	store_close(store);
}

/* ---- files ---- */

static inline char *ground_path(const struct ground *g, unsigned segment)
{
	return mem_format("%s/%06u.tar.zst", g->folder, segment);
}

static inline struct buf ground_file(const struct ground *g, unsigned segment)
{
	char *path = ground_path(g, segment);
	struct buf text;

	buf_init(&text, 256 << 20);
	OK(file_read_all(path, &text, err));
	free(path);
	return text;
}

static inline void ground_write(const struct ground *g, unsigned segment, struct bytes bytes)
{
	char *path = ground_path(g, segment);
	int fd = file_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600, NULL);

	OK(file_write(fd, bytes.p, bytes.n, path, err));
	file_close(&fd);
	free(path);
}

static inline void ground_truncate(const struct ground *g, unsigned segment, uint64_t bytes)
{
	char *path = ground_path(g, segment);

	ck_assert_int_eq(truncate(path, (off_t)bytes), 0);
	free(path);
}

static inline unsigned ground_segments(const struct ground *g)
{
	unsigned n = 0;

	for (;; n++) {
		char *path = ground_path(g, n + 1);
		bool there = file_exists(path);

		free(path);
		if (!there)
			return n;
	}
}

/* What a command says; "%s" in it is the segment. */
static inline char *ground_say(const struct ground *g, unsigned segment, const char *command)
{
	char *path = ground_path(g, segment), *all = mem_format("f=%s; %s", path, command);
	struct buf said;

	buf_init(&said, 1 << 20);
	OK(child_output(all, &said, err));
	free(all);
	free(path);
	return buf_take(&said);
}

/* ---- verify ---- */

static inline void ground_count_fault(
    void *arg, enum store_fault kind, uint32_t segment, uint64_t at, const char *what)
{
	(void)kind, (void)segment, (void)at;
	ck_assert_uint_gt(strlen(what), 0);
	++*(unsigned *)arg;
}

static inline unsigned ground_faults(const struct ground *g, bool quick)
{
	unsigned faults = 0;
	struct store_verify_calls calls = {.fault = ground_count_fault, .arg = &faults};
	struct store *store = ground_reader(g);
	int got;

	store_trust(store, g->batches);
	got = store_verify(store, quick, &calls, NULL);
	ck_assert_int_eq(got, faults > 0);
	store_close(store);
	return faults;
}

#endif
