/* Owns:  nothing of its own.
 * Knows: how the end of an archive is found again, what may be cut from it, and how reading
 *        goes on behind logs that cannot be read.
 * Never: cuts anything behind which a commit stands.
 * Spec:  archiver/store/FORMAT.md, "Opening", "Lost batches" */
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
	struct batch_position trusted; /* up to here batches are known to have been committed */
	store_batch_fn fn;
	void *arg;
	struct buf log;
	/* Since the last batch: */
	uint64_t from;    /* bytes of this segment from here on are of no batch yet */
	bool has_damage;  /* so that the next one need not follow */
	bool has_bad_log; /* a log that cannot be read and is no torn tail */
	size_t first_gap; /* whose batches are not known yet */
};

static int pass_on(const struct err *why, struct err *err)
{
	if (err)
		*err = *why;
	return -1;
}

static bool follows(const struct replay *replay, const struct event *commit)
{
	return commit->batch == replay->end.batch + 1 &&
	    sha256_equal(&commit->previous, &replay->end.sum);
}

/* 1 the commit follows the last one; 0 others were between, whose logs are lost; -1. */
static int check_chain(const struct replay *replay, const struct segment *segment,
    const struct event *commit, struct err *err)
{
	if (follows(replay, commit))
		return 1;
	if (replay->has_damage && commit->batch > replay->end.batch + 1)
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

/* ---- what belongs to no batch ---- */

static int hand_on(struct replay *replay, const struct store_batch *batch, struct err *err)
{
	return replay->fn ? replay->fn(replay->arg, batch, err) : 0;
}

/* Bytes of a segment that no log tells of: entries in them may prove themselves. Their batches
 * are known when the next log is. */
static int pass_gap(
    struct replay *replay, const struct segment *segment, uint64_t to, struct err *err)
{
	struct store *store = replay->store;
	struct store_salvage list = {0};
	struct store_gap gap = {segment->number, replay->from, to - replay->from, 0, 0, 0, 0};
	struct store_batch batch = {.end = replay->end};
	int result = store_salvage(store, segment, replay->from, to, &list, err);
	size_t i;

	for (i = 0; i < list.count; i++)
		*(list.item[i].kind == EVENT_MAIL ? &gap.mails : &gap.blobs) += 1;
	batch.salvaged = list.item;
	batch.salvaged_count = list.count;
	if (result == 0)
		result = hand_on(replay, &batch, err);
	store->gap =
	    mem_grow(store->gap, &store->gap_room, store->gap_count + 1, sizeof *store->gap);
	store->gap[store->gap_count++] = gap;
	replay->has_damage = true;
	free(list.item);
	return result;
}

/* The batches between the last one and that one are lost, in the gaps since. */
static void note_lost(struct replay *replay, uint64_t last_batch)
{
	struct store *store = replay->store;

	for (; replay->first_gap < store->gap_count; replay->first_gap++) {
		struct store_gap *gap = &store->gap[replay->first_gap];

		gap->first_batch = replay->end.batch < last_batch ? replay->end.batch + 1 : 0;
		gap->last_batch = replay->end.batch < last_batch ? last_batch : 0;
	}
}

/* ---- logs ---- */

/* The last log cannot be read: 0 it is a torn tail, 1 it is damage, -1. A wrong length in it
 * may have led past others, and then it is not the last. */
static int judge_tail(const struct replay *replay, const struct segment *segment,
    const struct segment_log *log, struct err *err)
{
	uint64_t mark;

	return replay->has_bad_log ? 1 : segment_find_mark(segment, log->frame.at, &mark, err);
}

static bool may_be_torn(const struct replay *replay, const struct segment *segment, uint64_t end)
{
	return replay->end.batch >= replay->trusted.batch &&
	    (segment->number != replay->trusted.segment || end > replay->trusted.at);
}

/* Bytes before the batch that are not its own. */
static int pass_bytes_before(struct replay *replay, const struct segment *segment,
    const struct segment_log *log, const struct event *frames, struct err *err)
{
	uint64_t mark = log->frame.at - SEGMENT_MARK_BYTES;
	uint64_t first = frames->frame_count ? frames->frame[0].at : mark;

	return first > replay->from && first <= mark ? pass_gap(replay, segment, first, err) : 0;
}

/* A batch whose log is right: 1 handed on; 0 it is a torn tail, -1.
 *
 * A commit is one fdatasync, and when the power goes before it returns, any part of the batch
 * may be missing from the disk. So of the last batch, which nobody has been told of, neither
 * log nor entries are taken on trust. */
static int take_batch(struct replay *replay, const struct segment *segment,
    const struct segment_log *log, const struct batch_reader *reader, bool is_last, struct err *err)
{
	struct store_batch batch = {.log = buf_view(&replay->log)};
	int follows, whole;

	if (is_last && !replay->has_bad_log && may_be_torn(replay, segment, log->end)) {
		whole =
		    are_frames_whole(replay->store, segment, &reader->frames, log->frame.at, err);
		if (whole != 1)
			return whole;
	}
	if (pass_bytes_before(replay, segment, log, &reader->frames, err) != 0)
		return -1;
	follows = check_chain(replay, segment, &reader->commit, err);
	if (follows < 0)
		return -1;
	note_lost(replay, reader->commit.batch - 1);
	batch.end = (struct batch_position){.segment = segment->number,
	    .at = log->end,
	    .batch = reader->commit.batch,
	    .sum = reader->sum,
	    .lost = replay->end.lost + reader->commit.batch - 1 - replay->end.batch};
	if (hand_on(replay, &batch, err) != 0)
		return -1;
	replay->end = batch.end;
	replay->from = log->end;
	replay->has_damage = replay->has_bad_log = false;
	return 1;
}

/* Behind damage a mark may be found that is none: bytes of a message. Is there a log farther on
 * that follows the last batch: 1, 0, -1. The open log is lost by it. */
static int does_one_follow(
    struct replay *replay, const struct segment *segment, uint64_t at, struct err *err)
{
	struct batch_reader reader;
	struct segment_log log;
	bool found = false;
	int got = 1;

	while (!found && (got = segment_next_log(segment, &at, &log, err)) == 1) {
		if (open_log(replay, segment, &log, &reader, NULL) != 0)
			continue;
		found = follows(replay, &reader.commit);
		batch_end(&reader);
	}
	return got;
}

enum { LOG_TORN, LOG_TAKEN, LOG_DAMAGED };

static int replay_log(struct replay *replay, const struct segment *segment,
    const struct segment_log *log, bool is_last, struct err *err)
{
	struct batch_reader reader;
	struct err why = {0};
	int result;

	replay->has_damage |= log->skipped > 0;
	replay->store->damaged_bytes += log->skipped;
	if (open_log(replay, segment, log, &reader, &why) == 0) {
		if (replay->has_damage && !follows(replay, &reader.commit)) {
			batch_end(&reader);
			result = does_one_follow(replay, segment, log->end, err);
			if (result != 0)
				return result < 0 ? -1 : LOG_DAMAGED;
			if (open_log(replay, segment, log, &reader, err) != 0)
				return -1;
		}
		result = take_batch(replay, segment, log, &reader, is_last, err);
		batch_end(&reader);
		return result;
	}
	if (why.code != ERR_DAMAGED)
		return pass_on(&why, err);
	result = is_last && may_be_torn(replay, segment, log->end)
	    ? judge_tail(replay, segment, log, err)
	    : 1;
	if (result != 1)
		return result;
	replay->has_damage = replay->has_bad_log = true;
	return LOG_DAMAGED;
}

/* Behind a log that cannot be read: its length may be wrong, too, and have led past others. */
static int next_behind(
    const struct segment *segment, const struct segment_log *bad, uint64_t *at, struct err *err)
{
	uint64_t mark;
	int got = segment_find_mark(segment, bad->frame.at, &mark, err);

	*at = got == 1 && mark < bad->end ? mark : bad->end;
	return got < 0 ? -1 : 0;
}

/* One log ahead: the last one is judged more strictly. 1 to the end, 0 to a torn tail, -1. */
static int replay_logs(
    struct replay *replay, struct segment *segment, bool is_last, struct err *err)
{
	uint64_t at = replay->from;
	struct segment_log log, next;
	int got = segment_next_log(segment, &at, &log, err), more, done;

	for (; got == 1; got = more, log = next) {
		more = segment_next_log(segment, &at, &next, err);
		if (more < 0)
			return -1;
		done = replay_log(
		    replay, segment, &log, is_last && !segment->is_sealed && more == 0, err);
		if (done < 0 || done == LOG_TORN)
			return done;
		if (done == LOG_DAMAGED) {
			if (next_behind(segment, &log, &at, err) != 0)
				return -1;
			more = segment_next_log(segment, &at, &next, err);
		}
	}
	return got < 0 ? -1 : 1;
}

/* Behind the last batch of a segment that is not the last: its seal, or nothing. Without one
 * nothing need be missing: whether the next segment follows, the chain tells. */
static int end_segment(struct replay *replay, const struct segment *segment, struct err *err)
{
	uint64_t bytes;
	int whole = 0;

	if (segment_bytes(segment, &bytes, err) != 0)
		return -1;
	if (segment->is_sealed)
		whole = segment_is_seal_whole(segment, replay->from, replay->store->unpacker, err);
	if (whole != 0)
		return whole < 0 ? -1 : 0;
	replay->store->damaged_bytes += bytes > replay->from ? bytes - replay->from : 1;
	return bytes > 0 ? pass_gap(replay, segment, bytes, err) : 0;
}

/* A segment is sealed behind its last batch: entries there are of one whose log is gone. What
 * an interrupted seal leaves is an end frame, whole or not. 1, 0, -1. */
static int has_entries_behind(
    const struct replay *replay, const struct segment *segment, uint64_t bytes, struct err *err)
{
	struct store_salvage list = {0};
	int result = 0;

	if (segment->is_sealed)
		result = store_salvage(replay->store, segment, replay->from, bytes, &list, err);
	free(list.item);
	return result < 0 ? -1 : list.count > 0;
}

/* Behind the last batch of all stands a torn tail, if anything: unless batches are known to
 * have stood there, or logs stand there that are no tail. What is damaged stays where it is, and
 * reading and writing go on behind it. */
static int end_archive(struct replay *replay, const struct segment *segment, struct err *err)
{
	const struct batch_position *trusted = &replay->trusted;
	uint64_t bytes, to;

	if (segment_bytes(segment, &bytes, err) != 0)
		return -1;
	to = bytes;
	if (segment->number == trusted->segment && replay->from < trusted->at) {
		if (trusted->at < bytes)
			to = trusted->at; /* beyond it a batch may be open */
	} else if (!replay->has_bad_log && replay->end.batch >= trusted->batch) {
		int more = has_entries_behind(replay, segment, bytes, err);

		if (more != 1)
			return more;
	}
	replay->end.segment = segment->number;
	replay->end.at = to;
	replay->store->damaged_bytes += to - replay->from;
	if (pass_gap(replay, segment, to, err) != 0)
		return -1;
	note_lost(replay, trusted->batch);
	return 0;
}

static int replay_segment(
    struct replay *replay, struct segment *segment, bool is_last, struct err *err)
{
	int done;

	replay->from = segment->number == replay->end.segment ? replay->end.at : 0;
	replay->has_bad_log = false;
	done = replay_logs(replay, segment, is_last, err);
	if (done != 1)
		return done;
	return is_last ? end_archive(replay, segment, err) : end_segment(replay, segment, err);
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
	    ": the segments were cut or exchanged behind the catalogue's back: put them back, or "
	    "run mailcask rebuild to go on with what is there",
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

	if (replay->trusted.batch == 0 && replay->end.batch > 0)
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

/* Does nothing but its seal stand behind that offset: 1, 0, -1. */
static int is_sealed_at(
    const struct store *store, const struct segment *segment, uint64_t end, struct err *err)
{
	uint64_t bytes;

	if (!segment->is_sealed || segment_bytes(segment, &bytes, err) != 0)
		return segment->is_sealed ? -1 : 0;
	return end == bytes ? 1 : segment_is_seal_whole(segment, end, store->unpacker, err);
}

/* The last segment is where writing goes on, unless it is sealed. */
static int take_over(struct replay *replay, struct segment *segment, struct err *err)
{
	struct store *store = replay->store;
	uint64_t end = segment->number == replay->end.segment ? replay->end.at : 0;
	int whole = is_sealed_at(store, segment, end, err);

	if (whole < 0)
		return -1;
	segment->is_sealed = whole == 1;
	if (!whole && cut_tail(replay, segment, end, err) != 0)
		return -1;
	segment_close(&store->writing);
	store->writing = *segment;
	memset(segment, 0, sizeof *segment);
	segment->fd = -1;
	store->is_full = false;
	if (whole)
		return 0;
	store->at = end;
	store->is_new = end == 0;
	/* As at a commit: without its seal nothing is missing. */
	store_seal_if_due(store);
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
		if (replay_segment(replay, segment, number == last, err) != 0)
			return -1;
	}
	return 0;
}

int store_replay(struct store *store, const struct batch_position *from, store_batch_fn fn,
    void *arg, struct err *err)
{
	struct replay replay = {.store = store, .end = *from, .fn = fn, .arg = arg};
	struct segment segment = {.fd = -1};
	uint32_t last = 0;
	int result = -1, flags = store->options.for_writing ? O_RDWR : O_RDONLY;

	buf_init(&replay.log, STORE_LOG_MAX_BYTES);
	store->damaged_bytes = store->torn_bytes = 0;
	store->gap_count = 0;
	store_trust_position(store, from);
	replay.trusted = store->trusted;
	if (store_last_segment(store, &last, err) != 0)
		goto out;
	if (from->segment > last) {
		archive_damaged(err,
		    "%s: segment %u is missing: put it back, or run mailcask "
		    "rebuild to go on with what is there",
		    store->folder, from->segment);
		goto out;
	}
	if (replay_segments(&replay, &segment, last, flags, err) != 0 ||
	    (store->options.for_writing && last > 0 && take_over(&replay, &segment, err) != 0))
		goto out;
	store->end = replay.end;
	store->trusted = replay.end;
	store->is_replayed = store->options.for_writing;
	result = 0;
out:
	segment_close(&segment);
	buf_release(&replay.log);
	return result;
}

void store_trust(struct store *store, uint64_t batch)
{
	if (batch > store->trusted.batch)
		store->trusted.batch = batch;
}

void store_trust_position(struct store *store, const struct batch_position *position)
{
	store_trust(store, position->batch);
	if (position->segment > store->trusted.segment ||
	    (position->segment == store->trusted.segment && position->at > store->trusted.at)) {
		store->trusted.segment = position->segment;
		store->trusted.at = position->at;
	}
}

const struct store_gap *store_gaps(const struct store *store, size_t *count_out)
{
	*count_out = store->gap_count;
	return store->gap;
}

int store_identity(struct store *store, struct sha256 *out, struct err *err)
{
	struct segment segment = {.fd = -1};
	struct replay replay = {.store = store};
	struct batch_reader reader;
	struct segment_log log;
	struct err why = {0};
	uint64_t at = 0;
	int got;

	if (segment_open(&segment, store->folder, SEGMENT_FIRST, O_RDONLY, &why) != 0)
		return why.code == ERR_ABSENT ? 0 : pass_on(&why, err);
	buf_init(&replay.log, STORE_LOG_MAX_BYTES);
	got = segment_next_log(&segment, &at, &log, err);
	if (got == 1 && open_log(&replay, &segment, &log, &reader, &why) != 0)
		got = why.code == ERR_DAMAGED ? 0 : pass_on(&why, err);
	else if (got == 1) {
		got = reader.commit.batch == 1;
		*out = reader.sum;
		batch_end(&reader);
	}
	buf_release(&replay.log);
	segment_close(&segment);
	return got;
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
