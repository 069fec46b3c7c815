/* Owns:  nothing of its own.
 * Knows: how the end of an archive is found again, and what may be cut from it.
 * Never: cuts anything behind which a commit stands.
 * Spec:  archiver/store/FORMAT.md, "Opening" */
#include "archiver/store/store_private.h"

#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int store_last_segment(const struct store *store, uint32_t *last_out, struct err *err)
{
	DIR *folder = opendir(store->folder);
	struct dirent *item;
	uint32_t number, last = 0, count = 0;

	if (!folder && errno == ENOENT)
		return err_set(err, ERR_ABSENT, "%s does not exist", store->folder);
	if (!folder)
		return err_os(err, errno, "cannot open %s", store->folder);
	while ((item = readdir(folder)))
		if (segment_parse_name(item->d_name, &number)) {
			count++;
			if (number > last)
				last = number;
		}
	closedir(folder);
	if (count != last) {
		err_set(err, ERR_DAMAGED, "%s: of %u segments %u are missing", store->folder, last,
		    last - count);
		err_class(err, RETRY_NEVER, SCOPE_ARCHIVE);
		return -1;
	}
	*last_out = last;
	return 0;
}

/* Takes the tar entry apart that unpacking a log frame yields. */
struct log_taker {
	struct buf *out;
	char head[TARHEAD_BYTES];
	size_t head_bytes;
	uint64_t left;
	bool is_wrong;
};

static int take_log(void *arg, const void *data, size_t bytes, struct err *err)
{
	struct log_taker *taker = arg;
	struct tarhead head;
	size_t n = TARHEAD_BYTES - taker->head_bytes;

	if (n > bytes)
		n = bytes;
	memcpy(taker->head + taker->head_bytes, data, n);
	taker->head_bytes += n;
	if (n > 0 && taker->head_bytes == TARHEAD_BYTES) {
		if (tarhead_parse(taker->head, &head, err) != 1 ||
		    !bytes_starts(bytes_of(head.name), "log/") ||
		    head.content_bytes > STORE_LOG_MAX_BYTES)
			taker->is_wrong = true;
		else
			taker->left = head.content_bytes;
	}
	data = (const char *)data + n;
	bytes -= n;
	if (bytes > taker->left)
		bytes = (size_t)taker->left;
	buf_add(taker->out, data, bytes);
	taker->left -= bytes;
	return 0;
}

int store_read_log(struct store *store, const struct segment *segment,
    const struct segment_log *log, struct buf *out, struct err *err)
{
	struct log_taker taker = {.out = out};

	if (log->frame.content_bytes > STORE_LOG_MAX_BYTES + 2 * TARHEAD_BYTES)
		return err_set(err, ERR_DAMAGED, "%s: a log of %" PRIu64 " bytes", segment->path,
		    log->frame.content_bytes);
	if (frame_unpack(store->unpacker, segment->fd, &log->frame, segment->path, take_log,
		&taker, err) != 0)
		return -1;
	if (taker.is_wrong || taker.left > 0 || taker.head_bytes < TARHEAD_BYTES || out->overflow)
		return err_set(err, ERR_DAMAGED, "%s: no log where one must be, at offset %" PRIu64,
		    segment->path, log->frame.at);
	return 0;
}

struct replay {
	struct store *store;
	struct batch_position end;
	store_batch_fn fn;
	void *arg;
	struct buf log;
};

static int check_chain(const struct replay *replay, const struct segment *segment,
    const struct event *commit, struct err *err)
{
	if (commit->batch == replay->end.batch + 1 &&
	    sha256_equal(&commit->previous, &replay->end.sum))
		return 0;
	err_set(err, ERR_DAMAGED,
	    "%s: the chain of commits is broken: batch %" PRIu64 " does not follow batch %" PRIu64,
	    segment->path, commit->batch, replay->end.batch);
	err_class(err, RETRY_NEVER, SCOPE_ARCHIVE);
	return -1;
}

/* Check one log and hand it on. */
static int replay_log(struct replay *replay, const struct segment *segment,
    const struct segment_log *log, struct err *err)
{
	struct store_batch batch = {.end = {.segment = segment->number, .at = log->end}};
	struct batch_reader reader;
	int result;

	buf_clear(&replay->log);
	if (store_read_log(replay->store, segment, log, &replay->log, err) != 0 ||
	    batch_begin(&reader, buf_view(&replay->log), err) != 0)
		return err_add(err, "%s at offset %" PRIu64, segment->path, log->frame.at);
	batch.end.batch = reader.commit.batch;
	batch.end.sum = reader.sum;
	batch.log = buf_view(&replay->log);
	result = check_chain(replay, segment, &reader.commit, err);
	batch_end(&reader);
	if (result == 0 && replay->fn)
		result = replay->fn(replay->arg, &batch, err);
	if (result == 0)
		replay->end = batch.end;
	return result;
}

/* A log that is cut off in the middle of its content cannot be measured, so a log that was
 * found is whole; one whose checksum is wrong is damage. */
static int replay_segment(struct replay *replay, struct segment *segment, struct err *err)
{
	uint64_t at = segment->number == replay->end.segment ? replay->end.at : 0;
	struct segment_log log;
	int got;

	while ((got = segment_next_log(segment, &at, &log, err)) == 1) {
		replay->store->damaged_bytes += log.skipped;
		if (replay_log(replay, segment, &log, err) != 0)
			return -1;
	}
	return got;
}

/* The last segment is where writing goes on, unless it is sealed. */
static int take_over(struct replay *replay, struct segment *segment, struct err *err)
{
	struct store *store = replay->store;
	uint64_t bytes, end = segment->number == replay->end.segment ? replay->end.at : 0;

	if (!segment->is_sealed) {
		if (segment_bytes(segment, &bytes, err) != 0)
			return -1;
		if (bytes > end && file_cut(segment->fd, end, segment->path, err) != 0)
			return -1;
		store->torn_bytes = bytes > end ? bytes - end : 0;
		store->at = end;
		store->is_new = end == 0;
		if (end >= store->options.segment_bytes &&
		    segment_seal(segment, end, store->packer, err) != 0)
			return -1;
	}
	segment_close(&store->writing);
	store->writing = *segment;
	memset(segment, 0, sizeof *segment);
	segment->fd = -1;
	return 0;
}

int store_replay(struct store *store, const struct batch_position *from, store_batch_fn fn,
    void *arg, struct err *err)
{
	struct replay replay = {.store = store, .end = *from, .fn = fn, .arg = arg};
	struct segment segment = {.fd = -1};
	uint32_t last, number = from->segment ? from->segment : SEGMENT_FIRST;
	int result = -1, flags = store->options.for_writing ? O_RDWR : O_RDONLY;

	buf_init(&replay.log, STORE_LOG_MAX_BYTES);
	store->damaged_bytes = store->torn_bytes = 0;
	if (store_last_segment(store, &last, err) != 0)
		goto out;
	if (from->segment > last) {
		err_set(err, ERR_DAMAGED, "%s: segment %u is missing", store->folder, from->segment);
		err_class(err, RETRY_NEVER, SCOPE_ARCHIVE);
		goto out;
	}
	for (; number <= last; number++) {
		segment_close(&segment);
		if (segment_open(&segment, store->folder, number, flags, err) != 0 ||
		    replay_segment(&replay, &segment, err) != 0)
			goto out;
		if (number < last && !segment.is_sealed) {
			err_set(err, ERR_DAMAGED, "%s is cut off", segment.path);
			err_class(err, RETRY_NEVER, SCOPE_ARCHIVE);
			goto out;
		}
	}
	if (store->options.for_writing && last > 0 && take_over(&replay, &segment, err) != 0)
		goto out;
	store->end = replay.end;
	store->is_replayed = store->options.for_writing;
	result = 0;
out:
	segment_close(&segment);
	buf_release(&replay.log);
	return result;
}

void store_replay_report(
    const struct store *store, uint64_t *damaged_bytes_out, uint64_t *torn_bytes_out)
{
	*damaged_bytes_out = store->damaged_bytes;
	*torn_bytes_out = store->torn_bytes;
}

int store_size(struct store *store, uint64_t *bytes_out, uint32_t *count_out, struct err *err)
{
	struct segment segment;
	uint64_t bytes, all = 0;
	uint32_t last, number;

	if (store_last_segment(store, &last, err) != 0)
		return -1;
	for (number = SEGMENT_FIRST; number <= last; number++) {
		int got;

		if (segment_open(&segment, store->folder, number, O_RDONLY, err) != 0)
			return -1;
		got = segment_bytes(&segment, &bytes, err);
		segment_close(&segment);
		if (got != 0)
			return -1;
		all += bytes;
	}
	*bytes_out = all;
	*count_out = last;
	return 0;
}
