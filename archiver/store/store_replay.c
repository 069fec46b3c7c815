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
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int archive_damaged(struct err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int archive_damaged(struct err *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	err_set_v(err, ERR_DAMAGED, format, args);
	va_end(args);
	err_class(err, RETRY_NEVER, SCOPE_ARCHIVE);
	return -1;
}

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
	if (count != last)
		return archive_damaged(
		    err, "%s: of %u segments %u are missing", store->folder, last, last - count);
	*last_out = last;
	return 0;
}

void store_log_name(uint64_t batch, char out[TARHEAD_NAME_BYTES])
{
	snprintf(out, TARHEAD_NAME_BYTES, "log/%08" PRIu64 ".jsonl", batch);
}

/* Takes the tar entry apart that unpacking a log frame yields. */
struct log_taker {
	struct buf *out;
	char name[TARHEAD_NAME_BYTES];
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
		    strcmp(head.name, taker->name) != 0 || head.content_bytes > STORE_LOG_MAX_BYTES)
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

	store_log_name(log->batch, taker.name);
	if (log->frame.content_bytes > STORE_LOG_MAX_BYTES + 2 * TARHEAD_BYTES)
		return err_set(err, ERR_DAMAGED, "%s: a log of %" PRIu64 " bytes", segment->path,
		    log->frame.content_bytes);
	if (frame_unpack(store->unpacker, segment->fd, &log->frame, segment->path, take_log, &taker,
		err) != 0)
		return -1;
	if (taker.is_wrong || taker.left > 0 || taker.head_bytes < TARHEAD_BYTES || out->overflow)
		return err_set(err, ERR_DAMAGED, "%s: no log where one must be, at offset %" PRIu64,
		    segment->path, log->frame.at);
	return 0;
}

struct replay {
	struct store *store;
	struct batch_position end;
	uint64_t trusted_batch; /* up to here batches are known to have been committed */
	store_batch_fn fn;
	void *arg;
	struct buf log;
};

static int pass_on(const struct err *why, struct err *err)
{
	if (err)
		*err = *why;
	return -1;
}

static int check_chain(const struct replay *replay, const struct segment *segment,
    const struct event *commit, struct err *err)
{
	if (commit->batch == replay->end.batch + 1 &&
	    sha256_equal(&commit->previous, &replay->end.sum))
		return 0;
	return archive_damaged(err,
	    "%s: the chain of commits is broken: batch %" PRIu64 " does not follow batch %" PRIu64,
	    segment->path, commit->batch, replay->end.batch);
}

/* Read one log and check it by itself. batch_end() is needed after success. */
static int open_log(struct replay *replay, const struct segment *segment,
    const struct segment_log *log, struct batch_reader *reader, struct err *err)
{
	buf_clear(&replay->log);
	if (store_read_log(replay->store, segment, log, &replay->log, err) != 0 ||
	    batch_begin(reader, buf_view(&replay->log), err) != 0)
		return err_add(err, "%s at offset %" PRIu64, segment->path, log->frame.at);
	if (reader->commit.batch == log->batch)
		return 0;
	batch_end(reader);
	return archive_damaged(err, "%s: the log at offset %" PRIu64 " is of another batch",
	    segment->path, log->frame.at);
}

static int drop(void *arg, const void *data, size_t bytes, struct err *err)
{
	(void)arg, (void)data, (void)bytes, (void)err;
	return 0;
}

/* Are the frames with the entries of a batch whole: 1, 0, -1. */
static int are_frames_whole(const struct store *store, const struct segment *segment,
    const struct event *frames, uint64_t end, struct err *err)
{
	struct frame_extent extent;
	struct err why = {0};
	int got = 1;

	for (size_t i = 0; got == 1 && i < frames->frame_count; i++) {
		got = frame_measure(
		    segment->fd, frames->frame[i].at, end, segment->path, &extent, &why);
		if (got == 1 &&
		    (extent.skip_magic != 0 ||
			frame_unpack(store->unpacker, segment->fd, &extent, segment->path, drop,
			    NULL, &why) != 0))
			got = -1;
	}
	if (got >= 0 || why.code == ERR_DAMAGED || why.code == ERR_NONE)
		return got == 1;
	return pass_on(&why, err);
}

/* The last log cannot be read: 0 it is a torn tail, -1. A wrong length in it may have led past
 * others, and then it is not the last. */
static int judge_tail(const struct segment *segment, const struct segment_log *log,
    const struct err *why, struct err *err)
{
	uint64_t mark;
	int got = segment_find_mark(segment, log->frame.at, &mark, err);

	return got == 1 ? pass_on(why, err) : got;
}

/* One log, which is the archive's last if is_last: 1 handed on, 0 it is a torn tail, -1.
 *
 * A commit is one fdatasync, and when the power goes before it returns, any part of the batch
 * may be missing from the disk. So of the last batch, which nobody has been told of, neither
 * log nor entries are taken on trust. */
static int replay_log(struct replay *replay, const struct segment *segment,
    const struct segment_log *log, bool is_last, struct err *err)
{
	struct store_batch batch = {.end = {.segment = segment->number, .at = log->end}};
	bool may_be_torn = is_last && replay->end.batch >= replay->trusted_batch;
	struct batch_reader reader;
	struct err why = {0};
	int result;

	if (open_log(replay, segment, log, &reader, &why) != 0)
		return may_be_torn && why.code == ERR_DAMAGED ? judge_tail(segment, log, &why, err)
							      : pass_on(&why, err);
	batch.end.batch = reader.commit.batch;
	batch.end.sum = reader.sum;
	batch.log = buf_view(&replay->log);
	result = check_chain(replay, segment, &reader.commit, err) == 0 ? 1 : -1;
	if (result == 1 && may_be_torn)
		result =
		    are_frames_whole(replay->store, segment, &reader.frames, log->frame.at, err);
	batch_end(&reader);
	if (result == 1 && replay->fn && replay->fn(replay->arg, &batch, err) != 0)
		result = -1;
	if (result == 1)
		replay->end = batch.end;
	return result;
}

/* One log ahead: the last one is judged more strictly. */
static int replay_segment(
    struct replay *replay, struct segment *segment, bool is_last, struct err *err)
{
	uint64_t at = segment->number == replay->end.segment ? replay->end.at : 0;
	struct segment_log log, next;
	int got = segment_next_log(segment, &at, &log, err), more, done;

	for (; got == 1; got = more, log = next) {
		more = segment_next_log(segment, &at, &next, err);
		if (more < 0)
			return -1;
		done = replay_log(
		    replay, segment, &log, is_last && !segment->is_sealed && more == 0, err);
		if (done != 1)
			return done;
		replay->store->damaged_bytes += log.skipped;
	}
	return got;
}

/* Where replay begins must be where a commit of these segments ends. */
static int check_position(struct replay *replay, const struct segment *segment, struct err *err)
{
	const struct batch_position *from = &replay->end;
	struct batch_reader reader;
	struct segment_log log;
	uint64_t bytes, at = 0, skipped = 0;
	int got;
	bool fits;

	if (segment_bytes(segment, &bytes, err) != 0)
		return -1;
	while ((got = segment_next_log(segment, &at, &log, err)) == 1) {
		skipped += log.skipped;
		if (log.end >= from->at)
			break;
	}
	if (got < 0)
		return -1;
	/* Damage may hide the log, and is not judged here. */
	fits = bytes >= from->at && (got == 0 || skipped > 0 || log.end == from->at);
	if (fits && got == 1 && log.end == from->at &&
	    open_log(replay, segment, &log, &reader, NULL) == 0) {
		fits = reader.commit.batch == from->batch && sha256_equal(&reader.sum, &from->sum);
		batch_end(&reader);
	}
	if (fits)
		return 0;
	return archive_damaged(err,
	    "%s has no batch %" PRIu64 " that ends at offset %" PRIu64
	    ": the segments were cut or exchanged behind the catalogue's back",
	    segment->path, from->batch, from->at);
}

/* The bytes of a tail, which stay beside the segment when it is cut. */
static int keep_tail(const struct segment *segment, uint64_t at, uint64_t end, struct err *err)
{
	char *path = mem_format("%s.torn-%" PRIu64, segment->path, at), part[65536];
	int fd = file_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600, err), result = -1;
	uint64_t to = 0;

	while (fd >= 0 && at < end) {
		ssize_t got = file_read_at(segment->fd, part, sizeof part, at, segment->path, err);

		if (got < 0 || file_write_at(fd, part, (size_t)got, to, path, err) != 0)
			goto out;
		at = got > 0 ? at + (uint64_t)got : end;
		to += (uint64_t)got;
	}
	if (fd >= 0)
		result = file_sync(fd, path, err);
out:
	file_close(&fd);
	free(path);
	return result;
}

/* A tail that holds a log, or of which nothing is known because the catalogue is gone too, may
 * have been more than an interrupted batch: 1, 0, -1. */
static int is_worth_keeping(
    const struct replay *replay, const struct segment *segment, uint64_t end, struct err *err)
{
	uint64_t mark;

	if (replay->trusted_batch == 0 && replay->end.batch > 0)
		return 1;
	return segment_find_mark(segment, end, &mark, err);
}

static int cut_tail(
    const struct replay *replay, const struct segment *segment, uint64_t end, struct err *err)
{
	uint64_t bytes;
	int keep;

	if (segment_bytes(segment, &bytes, err) != 0)
		return -1;
	if (bytes <= end)
		return 0;
	keep = is_worth_keeping(replay, segment, end, err);
	if (keep < 0 || (keep == 1 && keep_tail(segment, end, bytes, err) != 0) ||
	    file_cut(segment->fd, end, segment->path, err) != 0)
		return -1;
	replay->store->torn_bytes = bytes - end;
	return 0;
}

/* The last segment is where writing goes on, unless it is sealed. */
static int take_over(struct replay *replay, struct segment *segment, struct err *err)
{
	struct store *store = replay->store;
	uint64_t end = segment->number == replay->end.segment ? replay->end.at : 0;
	int whole =
	    segment->is_sealed ? segment_is_seal_whole(segment, end, store->unpacker, err) : 0;

	if (whole < 0)
		return -1;
	if (!whole) {
		segment->is_sealed = false;
		if (cut_tail(replay, segment, end, err) != 0)
			return -1;
		store->at = end;
		store->is_new = end == 0;
		/* As at a commit: without its seal nothing is missing. */
		if (end >= store->options.segment_bytes)
			(void)segment_seal(segment, end, store->packer, NULL);
	}
	segment_close(&store->writing);
	store->writing = *segment;
	memset(segment, 0, sizeof *segment);
	segment->fd = -1;
	return 0;
}

/* A segment that is not the last has a seal. Without one nothing need be missing: whether the
 * next segment follows, the chain tells. */
static int note_missing_seal(
    const struct replay *replay, const struct segment *segment, struct err *err)
{
	uint64_t bytes, end = segment->number == replay->end.segment ? replay->end.at : 0;

	if (segment->is_sealed)
		return 0;
	if (segment_bytes(segment, &bytes, err) != 0)
		return -1;
	replay->store->damaged_bytes += bytes > end ? bytes - end : 1;
	return 0;
}

static int replay_segments(
    struct replay *replay, struct segment *segment, uint32_t last, int flags, struct err *err)
{
	uint32_t number = replay->end.segment ? replay->end.segment : SEGMENT_FIRST;
	uint32_t first = number;

	for (; number <= last; number++) {
		segment_close(segment);
		if (segment_open(segment, replay->store->folder, number, flags, err) != 0)
			return -1;
		if (number == first && replay->end.batch > 0 &&
		    check_position(replay, segment, err) != 0)
			return -1;
		if (replay_segment(replay, segment, number == last, err) != 0 ||
		    (number < last && note_missing_seal(replay, segment, err) != 0))
			return -1;
	}
	if (replay->end.batch < replay->trusted_batch)
		return archive_damaged(err,
		    "%s ends with batch %" PRIu64 ", but batch %" PRIu64 " was committed",
		    replay->store->folder, replay->end.batch, replay->trusted_batch);
	return 0;
}

int store_replay(struct store *store, const struct batch_position *from, store_batch_fn fn,
    void *arg, struct err *err)
{
	struct replay replay = {.store = store,
	    .end = *from,
	    .trusted_batch =
		from->batch > store->trusted_batch ? from->batch : store->trusted_batch,
	    .fn = fn,
	    .arg = arg};
	struct segment segment = {.fd = -1};
	uint32_t last = 0;
	int result = -1, flags = store->options.for_writing ? O_RDWR : O_RDONLY;

	buf_init(&replay.log, STORE_LOG_MAX_BYTES);
	store->damaged_bytes = store->torn_bytes = 0;
	if (store_last_segment(store, &last, err) != 0)
		goto out;
	if (from->segment > last) {
		archive_damaged(err, "%s: segment %u is missing", store->folder, from->segment);
		goto out;
	}
	if (replay_segments(&replay, &segment, last, flags, err) != 0 ||
	    (store->options.for_writing && last > 0 && take_over(&replay, &segment, err) != 0))
		goto out;
	store->end = replay.end;
	store->trusted_batch = replay.end.batch;
	store->is_replayed = store->options.for_writing;
	result = 0;
out:
	segment_close(&segment);
	buf_release(&replay.log);
	return result;
}

void store_trust(struct store *store, uint64_t batch)
{
	if (batch > store->trusted_batch)
		store->trusted_batch = batch;
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
	uint32_t last = 0, number;

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
