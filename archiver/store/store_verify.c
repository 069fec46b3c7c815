/* Owns:  the state of one check.
 * Knows: everything that the bytes of segments must satisfy by themselves.
 * Never: stops at the first fault.
 * Spec:  archiver/store/FORMAT.md, "What a reader must reject" */
#include "archiver/store/store_private.h"
#include "archiver/store/tarwalk.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check {
	struct store *store;
	const struct store_verify_calls *calls;
	bool quick;
	struct segment segment;
	uint64_t done, all, faults;
	struct batch_position chain; /* of the logs checked so far */
	bool is_chain_lost;
	struct buf log;
	struct digest *digest;
};

static void fault(struct check *check, uint64_t at, const char *what)
{
	check->faults++;
	if (check->calls->fault)
		check->calls->fault(check->calls->arg, check->segment.number, at, what);
}

/* The tar entries of one data frame, as they come. */
struct entries {
	struct check *check;
	uint64_t frame_at;
	struct store_entry entry;
	bool is_log;
};

static void begin_entry(void *arg, const struct tarhead *head, uint64_t at)
{
	struct entries *entries = arg;

	(void)at;
	entries->entry.kind = EVENT_MAIL;
	entries->is_log = bytes_starts(bytes_of(head->name), "log/"); /* checked by itself */
	if (!entries->is_log && !store_parse_name(head->name, &entries->entry))
		fault(entries->check, entries->frame_at, "an entry with a foreign name");
}

static void take_content(void *arg, const void *data, size_t bytes)
{
	struct entries *entries = arg;

	if (entries->entry.kind == EVENT_BLOB)
		digest_add(entries->check->digest, data, bytes);
}

static void end_entry(void *arg)
{
	struct entries *entries = arg;
	struct sha256 sum;

	if (entries->entry.kind != EVENT_BLOB)
		return;
	digest_end(entries->check->digest, &sum);
	if (!sha256_equal(&sum, &entries->entry.id))
		fault(entries->check, entries->frame_at, "a blob that does not match its SHA-256");
}

static int check_frame(struct check *check, const struct frame_extent *frame, struct err *err)
{
	struct entries entries = {.check = check, .frame_at = frame->at};
	struct tarwalk walk = {
	    .begin = begin_entry, .content = take_content, .end = end_entry, .arg = &entries};
	struct sha256 unused;
	struct err why = {0};

	if (frame->skip_magic != 0 || check->quick)
		return 0;
	if (frame_unpack(check->store->unpacker, check->segment.fd, frame, check->segment.path,
		tarwalk_add, &walk, &why) != 0) {
		if (why.code != ERR_DAMAGED) {
			*err = why;
			return -1;
		}
		fault(check, frame->at, why.text);
	} else if (walk.why.code != ERR_NONE) {
		fault(check, frame->at, walk.why.text);
	} else if (!tarwalk_is_whole(&walk)) {
		fault(check, frame->at, "an entry that goes over the end of its frame");
	}
	digest_end(check->digest, &unused); /* forget a blob that broke off */
	return 0;
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
			fault(check, at, why.text);
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
	struct batch_place place;
	struct event event;
	struct err why = {0};
	int got;

	if (batch_begin(&reader, text, err) != 0)
		return -1;
	if (reader.commit.batch != batch)
		fault(check, log->frame.at, "a log of another batch than its name says");
	if (!check->is_chain_lost &&
	    (!sha256_equal(&reader.commit.previous, &check->chain.sum) ||
		reader.commit.batch != check->chain.batch + 1))
		fault(check, log->frame.at, "the chain of commits is broken");
	check->is_chain_lost = false;
	check->chain.sum = reader.sum;
	check->chain.batch = reader.commit.batch;
	while ((got = batch_next(&reader, &event, &place, &why)) == 1)
		event_release(&event);
	if (got < 0)
		fault(check, log->frame.at, why.text);
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
	if (got == 0 && batch > log->batch)
		return;
	fault(check, log->frame.at, got == 0 ? "a log frame without a log" : why.text);
	check->is_chain_lost = true;
}

/* end_out: behind the last log. */
static int check_logs(struct check *check, uint64_t *end_out, struct err *err)
{
	struct segment_log log;
	uint64_t at = 0;
	int got;

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
		fault(check, 0, why.text);
	if (!check->segment.is_sealed && !is_last)
		fault(check, 0, "a segment without its end");
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
	check.digest = digest_new();
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
		fault(&check, 0, "the last batches are missing");
	result = check.faults > 0;
out:
	store_segments_release(&segments);
	segment_close(&check.segment);
	digest_free(check.digest);
	buf_release(&check.log);
	return result;
}
