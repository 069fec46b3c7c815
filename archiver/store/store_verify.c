/* Owns:  the state of one check.
 * Knows: everything that the bytes of segments must satisfy by themselves.
 * Never: stops at the first fault.
 * Spec:  archiver/store/FORMAT.md, "What a reader must reject" */
#include "archiver/store/scan.h"
#include "archiver/store/store_private.h"

#include "base/mem.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

struct check {
	struct store *store;
	const struct store_verify_calls *calls;
	bool quick;
	struct segment segment;
	uint64_t done, all, faults;
	struct batch_position chain; /* of the logs checked so far */
	bool is_chain_lost;
	struct buf log;
	uint64_t *log_at; /* frames of this segment that hold a log and were read */
	size_t logs, log_room, logs_passed;
	struct store_scan *scan;
	struct store_verify_calls scan_calls; /* faults of frames, counted here */
};

static void fault(struct check *check, enum store_fault kind, uint64_t at, const char *what)
{
	check->faults++;
	if (check->calls->fault)
		check->calls->fault(check->calls->arg, kind, check->segment.number, at, what);
}

static void scan_fault(
    void *arg, enum store_fault kind, uint32_t segment, uint64_t at, const char *what)
{
	(void)segment;
	fault(arg, kind, at, what);
}

/* A log was read when the logs were checked; they come in the same order. */
static bool is_log_at(struct check *check, uint64_t at)
{
	while (check->logs_passed < check->logs && check->log_at[check->logs_passed] < at)
		check->logs_passed++;
	return check->logs_passed < check->logs && check->log_at[check->logs_passed] == at;
}

static int check_frame(struct check *check, const struct frame_extent *frame, struct err *err)
{
	const struct store_verify_calls *calls = check->calls;
	bool is_data = frame->skip_magic == 0 && !is_log_at(check, frame->at);
	struct err why = {0};

	if (calls->frame)
		return calls->frame(calls->arg, check->segment.number, frame, is_data, err);
	if (!is_data || check->quick ||
	    store_scan_frame(check->scan, check->segment.number, frame, &check->scan_calls, &why) >=
		0 ||
	    why.code == ERR_DAMAGED)
		return 0;
	*err = why;
	return -1;
}

static int report(struct check *check, uint64_t done, struct err *err)
{
	check->done = done;
	return check->calls->progress
	    ? check->calls->progress(check->calls->arg, done, check->all, err)
	    : 0;
}

/* The frames up to an offset; behind a place that is none it goes on at the next mark. */
static int check_frames(struct check *check, uint64_t end, struct err *err)
{
	const struct segment *segment = &check->segment;
	struct frame_extent frame;
	uint64_t at = 0, base = check->done;

	while (at < end) {
		struct err why = {0};
		int got = frame_measure(segment->fd, at, end, segment->path, &frame, &why);

		if (got < 0 && why.code != ERR_DAMAGED) {
			*err = why;
			return -1;
		}
		if (got == 1) {
			if (check_frame(check, &frame, err) != 0)
				return -1;
			at += frame.file_bytes;
		} else {
			fault(check, STORE_FAULT_FRAME, at, why.text);
			got = segment_find_mark(segment, at + 1, &at, err);
			if (got < 0)
				return -1;
			at = got == 1 ? at : end;
		}
		if (report(check, base + (at < end ? at : end), err) != 0)
			return -1;
	}
	return 0;
}

static int check_log(struct check *check, const struct segment_log *log, struct bytes text,
    uint64_t batch, struct err *err)
{
	struct batch_reader reader;
	uint64_t at = log->frame.at;

	if (batch_begin(&reader, text, err) != 0)
		return -1;
	if (reader.commit.batch != batch)
		fault(check, STORE_FAULT_JOURNAL, at, "a log of another batch than its name says");
	if (!check->is_chain_lost &&
	    (!sha256_equal(&reader.commit.previous, &check->chain.sum) ||
		reader.commit.batch != check->chain.batch + 1))
		fault(check, STORE_FAULT_JOURNAL, at, "the chain of commits is broken");
	check->is_chain_lost = false;
	check->chain.sum = reader.sum;
	check->chain.batch = reader.commit.batch;
	batch_end(&reader);
	return 0;
}

static void check_log_frame(struct check *check, const struct segment_log *log)
{
	uint64_t batch = log->batch;
	struct bytes text;
	struct err why = {0};
	size_t at = 0;
	int got = -1;

	buf_clear(&check->log);
	if (store_read_logs(check->store, &check->segment, log, &check->log, &why) == 0)
		while ((got = store_next_log(buf_view(&check->log), &at, batch, &text, &why)) == 1)
			if (check_log(check, log, text, batch++, &why) != 0) {
				got = -1;
				break;
			}
	if (got == 0 && batch > log->batch) {
		check->log_at = mem_grow(
		    check->log_at, &check->log_room, check->logs + 1, sizeof *check->log_at);
		check->log_at[check->logs++] = log->frame.at;
		return;
	}
	fault(check, STORE_FAULT_JOURNAL, log->frame.at,
	    got == 0 ? "a log frame without a log" : why.text);
	check->is_chain_lost = true;
}

/* end_out: behind the last log. */
static int check_logs(struct check *check, uint64_t *end_out, struct err *err)
{
	struct segment_log log;
	uint64_t at = 0;
	int got;

	check->logs = check->logs_passed = 0;
	while ((got = segment_next_log(&check->segment, &at, &log, err)) == 1)
		check_log_frame(check, &log);
	*end_out = at;
	return got;
}

static int check_segment(struct check *check, bool is_last, struct err *err)
{
	uint64_t bytes, end;
	struct err why = {0};

	if (segment_bytes(&check->segment, &bytes, err) != 0 || check_logs(check, &end, err) != 0)
		return -1;
	/* Behind the last log of an archive that is written stands an open batch. */
	if (check->segment.is_sealed || !is_last)
		end = bytes;
	if (check_frames(check, end, err) != 0)
		return -1;
	if (check->segment.is_sealed && segment_check_seek_table(&check->segment, &why) != 0)
		fault(check, STORE_FAULT_FRAME, 0, why.text);
	if (!check->segment.is_sealed && !is_last)
		fault(check, STORE_FAULT_FRAME, 0, "a segment without its end");
	return 0;
}

int store_verify(
    struct store *store, bool quick, const struct store_verify_calls *calls, struct err *err)
{
	struct check check = {
	    .store = store, .calls = calls, .quick = quick, .segment = {.fd = -1}};
	struct store_segments segments = {0};
	uint32_t i, count;
	int result = -1;

	buf_init(&check.log, STORE_LOG_MAX_BYTES + 2 * TARHEAD_BYTES);
	check.scan_calls = (struct store_verify_calls){.fault = scan_fault, .arg = &check};
	check.scan = store_scan_new(store, 1);
	if (store_segments(store, &segments, err) != 0 ||
	    store_size(store, &check.all, &count, err) != 0)
		goto out;
	for (i = 0; i < segments.count; i++) {
		segment_close(&check.segment);
		if (segment_open(&check.segment, store->folder, segments.item[i], O_RDONLY, err) !=
			0 ||
		    check_segment(&check, i + 1 == segments.count, err) != 0)
			goto out;
	}
	if (check.chain.batch < store->trusted.batch)
		fault(&check, STORE_FAULT_JOURNAL, 0, "the last batches are missing");
	result = check.faults > 0;
out:
	store_segments_release(&segments);
	segment_close(&check.segment);
	store_scan_free(check.scan);
	free(check.log_at);
	buf_release(&check.log);
	return result;
}
