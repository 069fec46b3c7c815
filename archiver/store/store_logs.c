/* Owns:  nothing.
 * Knows: how logs stand in their frame: tar entries log/BATCH.jsonl, numbers in order.
 * Never: gives out a log whose name is not that of the batch asked for.
 * Spec:  archiver/store/FORMAT.md, "Frames" */
#include "archiver/store/store_private.h"

#include "base/mem.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void store_log_name(uint64_t batch, char out[TARHEAD_NAME_BYTES])
{
	snprintf(out, TARHEAD_NAME_BYTES, "log/%08" PRIu64 ".jsonl", batch);
}

static int add(void *content, const void *data, size_t bytes, struct err *err)
{
	(void)err;
	buf_add(content, data, bytes);
	return 0;
}

int store_read_logs(struct store *store, const struct segment *segment,
    const struct segment_log *log, struct buf *out, struct err *err)
{
	if (log->frame.content_bytes > STORE_LOG_MAX_BYTES + 2 * TARHEAD_BYTES)
		return err_set(err, ERR_DAMAGED, "%s: a log of %" PRIu64 " bytes", segment->path,
		    log->frame.content_bytes);
	if (frame_unpack(store->unpacker, segment->fd, &log->frame, segment->path, add, out, err) !=
	    0)
		return -1;
	return out->overflow
	    ? err_set(err, ERR_DAMAGED, "%s: a log frame is larger than it says", segment->path)
	    : 0;
}

int store_next_log(
    struct bytes content, size_t *at, uint64_t batch, struct bytes *log_out, struct err *err)
{
	struct bytes rest = bytes_from(content, *at);
	char name[TARHEAD_NAME_BYTES];
	struct tarhead head;
	uint64_t filling;

	if (rest.n == 0)
		return 0;
	store_log_name(batch, name);
	if (rest.n < TARHEAD_BYTES || tarhead_parse(rest.p, &head, NULL) != 1 ||
	    strcmp(head.name, name) != 0 || head.content_bytes > rest.n - TARHEAD_BYTES)
		return err_set(err, ERR_DAMAGED, "no log where one must be");
	filling = tarhead_filling(head.content_bytes);
	if (filling > rest.n - TARHEAD_BYTES - head.content_bytes)
		return err_set(err, ERR_DAMAGED, "a log is cut short");
	*log_out = (struct bytes){rest.p + TARHEAD_BYTES, (size_t)head.content_bytes};
	*at += TARHEAD_BYTES + (size_t)(head.content_bytes + filling);
	return 1;
}

/* ---- all logs of a segment in which nothing is wrong ---- */

struct reading {
	struct store *store;
	const struct segment *segment;
	struct buf content;
	struct batch_position end;
	uint64_t from;   /* behind the last log frame */
	uint64_t *named; /* frames that the logs of this frame name */
	size_t named_count, named_room;
	int (*fn)(void *arg, struct bytes log, const struct batch_position *end, struct err *err);
	void *arg;
};

static int wrong(const struct reading *reading, const char *what, uint64_t at, struct err *err)
{
	return err_set(
	    err, ERR_DAMAGED, "%s: %s at offset %" PRIu64, reading->segment->path, what, at);
}

static void note_frames(struct reading *reading, const struct event *frames)
{
	size_t i;

	for (i = 0; i < frames->frame_count; i++) {
		if (frames->frame[i].is_dropped)
			continue;
		reading->named = mem_grow(reading->named, &reading->named_room,
		    reading->named_count + 1, sizeof *reading->named);
		reading->named[reading->named_count++] = frames->frame[i].at;
	}
}

static int check_log(struct reading *reading, struct bytes text, uint64_t batch, struct err *err)
{
	struct batch_position *end = &reading->end;
	struct batch_reader reader;
	bool follows;

	if (batch_begin(&reader, text, err) != 0)
		return -1;
	follows = reader.commit.batch == batch &&
	    (end->batch == 0 ||
		(batch == end->batch + 1 && sha256_equal(&reader.commit.previous, &end->sum)));
	end->batch = batch;
	end->sum = reader.sum;
	note_frames(reading, &reader.frames);
	batch_end(&reader);
	return follows ? 0 : wrong(reading, "the chain of commits is broken", end->at, err);
}

/* Calls fn for each log of the frame at hand. */
static int each_log(struct reading *reading, uint64_t batch,
    int (*fn)(struct reading *reading, struct bytes text, uint64_t batch, struct err *err),
    struct err *err)
{
	struct bytes text;
	size_t at = 0;
	int got;

	while ((got = store_next_log(buf_view(&reading->content), &at, batch, &text, err)) == 1)
		if (fn(reading, text, batch++, err) != 0)
			return -1;
	return got;
}

static int compare_numbers(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Between the last log frame and this one stand the frames that its logs name and no others: a
 * log whose mark was lost must not be taken for entries. */
static int check_frames(struct reading *reading, uint64_t mark, struct err *err)
{
	const struct segment *segment = reading->segment;
	struct frame_extent frame;
	size_t i = 0;

	if (reading->named_count > 0)
		qsort(
		    reading->named, reading->named_count, sizeof *reading->named, compare_numbers);
	for (; reading->from < mark; reading->from += frame.file_bytes) {
		if (frame_measure(segment->fd, reading->from, mark, segment->path, &frame, err) !=
		    1)
			return -1;
		if (frame.skip_magic != 0 || i == reading->named_count ||
		    reading->named[i] != reading->from)
			return wrong(reading, "a frame that no log names", reading->from, err);
		while (i < reading->named_count && reading->named[i] == reading->from)
			i++;
	}
	return i == reading->named_count
	    ? 0
	    : wrong(reading, "no frame where a log names one", reading->named[i], err);
}

static int hand_on(struct reading *reading, struct bytes text, uint64_t batch, struct err *err)
{
	struct batch_position position = reading->end;
	struct batch_reader reader;

	if (batch_begin_checked(&reader, text, err) != 0)
		return -1;
	position.batch = batch;
	position.sum = reader.sum;
	batch_end(&reader);
	return reading->fn(reading->arg, text, &position, err);
}

static int read_frame(struct reading *reading, const struct segment_log *log, struct err *err)
{
	buf_clear(&reading->content);
	reading->named_count = 0;
	reading->end.at = log->end;
	if (log->skipped > 0)
		return wrong(reading, "no frame", reading->from, err);
	if (store_read_logs(reading->store, reading->segment, log, &reading->content, err) != 0 ||
	    each_log(reading, log->batch, check_log, err) != 0 ||
	    check_frames(reading, log->frame.at - SEGMENT_MARK_BYTES, err) != 0)
		return -1;
	reading->from = log->end;
	return each_log(reading, log->batch, hand_on, err);
}

/* Behind the last log stands the seal, or nothing. */
static int check_end(const struct reading *reading, struct err *err)
{
	const struct segment *segment = reading->segment;
	uint64_t bytes;
	int whole = 0;

	if (segment_bytes(segment, &bytes, err) != 0)
		return -1;
	if (reading->from == bytes)
		return 0;
	if (segment->is_sealed)
		whole =
		    segment_is_seal_whole(segment, reading->from, reading->store->unpacker, err);
	if (whole < 0)
		return -1;
	return whole == 1 ? 0 : wrong(reading, "bytes of no batch", reading->from, err);
}

int store_each_log_in(struct store *store, const struct segment *segment,
    int (*fn)(void *arg, struct bytes log, const struct batch_position *end, struct err *err),
    void *arg, struct err *err)
{
	struct reading reading = {.store = store, .segment = segment, .fn = fn, .arg = arg};
	struct segment_log log;
	uint64_t at = 0;
	int got = 1, result = 0;

	reading.end.segment = segment->number;
	buf_init(&reading.content, STORE_LOG_MAX_BYTES + 2 * TARHEAD_BYTES);
	while (result == 0 && (got = segment_next_log(segment, &at, &log, err)) == 1)
		result = read_frame(&reading, &log, err);
	if (result == 0 && got == 0)
		result = check_end(&reading, err);
	buf_release(&reading.content);
	free(reading.named);
	return result == 0 && got == 0 ? 0 : -1;
}

int store_each_log(struct store *store, struct segment_id id,
    int (*fn)(void *arg, struct bytes log, const struct batch_position *end, struct err *err),
    void *arg, struct err *err)
{
	struct segment segment;
	int result;

	if (segment_open(&segment, store->folder, id, O_RDONLY, err) != 0)
		return -1;
	result = store_each_log_in(store, &segment, fn, arg, err);
	segment_close(&segment);
	return result;
}
