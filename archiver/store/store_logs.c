/* Owns:  nothing.
 * Knows: how logs stand in their frame: tar entries log/BATCH.jsonl, numbers in order.
 * Never: gives out a log whose name is not that of the batch asked for.
 * Spec:  archiver/store/FORMAT.md, "Frames" */
#include "archiver/store/store_private.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
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
	if (frame_unpack(store->unpacker, segment->fd, &log->frame, segment->path, add, out,
		err) != 0)
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
	int (*fn)(void *arg, struct bytes log, const struct batch_position *end, struct err *err);
	void *arg;
};

static int read_one(struct reading *reading, struct bytes text, uint64_t batch, struct err *err)
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
	batch_end(&reader);
	if (!follows)
		return err_set(err, ERR_DAMAGED,
		    "%s: the chain of commits is broken at batch %" PRIu64, reading->segment->path,
		    batch);
	return reading->fn(reading->arg, text, end, err);
}

static int read_frame(struct reading *reading, const struct segment_log *log, struct err *err)
{
	uint64_t batch = log->batch;
	struct bytes text;
	size_t at = 0;
	int got;

	buf_clear(&reading->content);
	reading->end.at = log->end;
	if (log->skipped > 0)
		return err_set(err, ERR_DAMAGED, "%s: %" PRIu64 " bytes that are no frames",
		    reading->segment->path, log->skipped);
	if (store_read_logs(reading->store, reading->segment, log, &reading->content, err) != 0)
		return -1;
	while ((got = store_next_log(buf_view(&reading->content), &at, batch, &text, err)) == 1)
		if (read_one(reading, text, batch++, err) != 0)
			return -1;
	return got;
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
	buf_release(&reading.content);
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
