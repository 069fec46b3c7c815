/* Owns:  nothing of its own.
 * Knows: how the end of an archive is found again, what of it is a torn tail, and how reading
 *        goes on behind logs that cannot be read.
 * Never: takes anything for a tail behind which a commit stands.
 * Spec:  archiver/store/FORMAT.md, "Opening", "Lost batches" */
#include "archiver/store/store_private.h"

#include "base/mem.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
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

/* One log of a log frame. */
struct replay_log {
	struct bytes text;
	uint64_t batch;
	struct sha256 sum, previous;
};

struct replay {
	struct store *store;
	struct batch_position end;
	struct batch_position trusted; /* up to here batches are known to have been committed */
	store_batch_fn fn;
	void *arg;
	/* The log frame at hand, and its logs. */
	struct buf content;
	struct replay_log *log;
	size_t log_count, log_room;
	size_t head;          /* the first that is to be handed on */
	uint64_t first_frame; /* of all that they name; UINT64_MAX: none */
	/* Where a log frame is gone on with in its middle: behind that batch. 0: nowhere. */
	uint64_t resume_batch, resume_at;
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

static const struct replay_log *head(const struct replay *replay)
{
	return &replay->log[replay->head];
}

static bool follows(const struct replay *replay, const struct replay_log *log)
{
	return log->batch == replay->end.batch + 1 &&
	    sha256_equal(&log->previous, &replay->end.sum);
}

/* 0 the log follows the last one, or others were between, whose logs are lost; -1. */
static int check_chain(const struct replay *replay, const struct segment *segment,
    const struct replay_log *log, struct err *err)
{
	if (follows(replay, log) || (replay->has_damage && log->batch > replay->end.batch + 1))
		return 0;
	return archive_damaged(err,
	    "%s: the chain of commits is broken: batch %" PRIu64 " does not follow batch %" PRIu64,
	    segment->path, log->batch, replay->end.batch);
}

static void note_frames(struct replay *replay, const struct event *frames)
{
	size_t i;

	for (i = 0; i < frames->frame_count; i++)
		if (!frames->frame[i].is_dropped && frames->frame[i].at < replay->first_frame)
			replay->first_frame = frames->frame[i].at;
}

/* A log of the frame by itself, and behind the one before it in the frame. */
static int add_log(struct replay *replay, struct bytes text, uint64_t batch, struct err *err)
{
	const struct replay_log *last =
	    replay->log_count > 0 ? &replay->log[replay->log_count - 1] : NULL;
	struct replay_log log = {.text = text, .batch = batch};
	struct batch_reader reader;
	int result = 0;

	if (batch_begin(&reader, text, err) != 0)
		return -1;
	log.sum = reader.sum;
	log.previous = reader.commit.previous;
	if (reader.commit.batch != batch)
		result = archive_damaged(err, "a log is of another batch than its name says");
	else if (last && !sha256_equal(&log.previous, &last->sum))
		result = archive_damaged(err, "the chain of commits is broken inside a frame");
	note_frames(replay, &reader.frames);
	batch_end(&reader);
	replay->log =
	    mem_grow(replay->log, &replay->log_room, replay->log_count + 1, sizeof *replay->log);
	replay->log[replay->log_count++] = log;
	return result;
}

/* Read the logs of one frame and check them by themselves. */
static int open_logs(struct replay *replay, const struct segment *segment,
    const struct segment_log *log, struct err *err)
{
	struct bytes content, text;
	uint64_t batch = log->batch;
	size_t at = 0;
	int got = -1;

	buf_clear(&replay->content);
	replay->log_count = 0;
	replay->first_frame = UINT64_MAX;
	if (store_read_logs(replay->store, segment, log, &replay->content, err) != 0)
		goto out;
	content = buf_view(&replay->content);
	while ((got = store_next_log(content, &at, batch, &text, err)) == 1)
		if (add_log(replay, text, batch++, err) != 0) {
			got = -1;
			break;
		}
	if (got == 0 && replay->log_count == 0)
		got = archive_damaged(err, "a log frame without a log");
	replay->head = 0;
	while (got == 0 && replay->head + 1 < replay->log_count &&
	    head(replay)->batch <= replay->resume_batch)
		replay->head++;
out:
	return got == 0 ? 0 : err_add(err, "%s at offset %" PRIu64, segment->path, log->frame.at);
}

static int drop(void *arg, const void *data, size_t bytes, struct err *err)
{
	(void)arg, (void)data, (void)bytes, (void)err;
	return 0;
}

/* Can a frame be unpacked: 1, 0, -1. */
static int is_frame_whole(const struct store *store, const struct segment *segment, uint64_t at,
    uint64_t end, struct err *err)
{
	struct frame_extent extent;
	struct err why = {0};
	int got = frame_measure(segment->fd, at, end, segment->path, &extent, &why);

	if (got == 1 &&
	    (extent.skip_magic != 0 ||
		frame_unpack(
		    store->unpacker, segment->fd, &extent, segment->path, drop, NULL, &why) != 0))
		got = -1;
	if (got >= 0 || why.code == ERR_DAMAGED || why.code == ERR_NONE)
		return got == 1;
	return pass_on(&why, err);
}

/* Are the frames with the entries of a log whole: 1, 0, -1. */
static int are_frames_whole(const struct store *store, const struct segment *segment,
    const struct replay_log *log, uint64_t end, struct err *err)
{
	struct batch_reader reader;
	int got = 1;
	size_t i;

	if (batch_begin_checked(&reader, log->text, err) != 0)
		return -1;
	for (i = 0; got == 1 && i < reader.frames.frame_count; i++)
		if (!reader.frames.frame[i].is_dropped)
			got = is_frame_whole(store, segment, reader.frames.frame[i].at, end, err);
	batch_end(&reader);
	return got;
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

/* Bytes before a log frame that are not of its batches. */
static int pass_bytes_before(struct replay *replay, const struct segment *segment,
    const struct segment_log *log, struct err *err)
{
	uint64_t mark = log->frame.at - SEGMENT_MARK_BYTES;
	uint64_t first = replay->first_frame == UINT64_MAX ? mark : replay->first_frame;

	return first > replay->from && first <= mark ? pass_gap(replay, segment, first, err) : 0;
}

static int take_log(struct replay *replay, const struct segment *segment, uint64_t end,
    const struct replay_log *log, struct err *err)
{
	struct store_batch batch = {.log = log->text};

	if (check_chain(replay, segment, log, err) != 0)
		return -1;
	note_lost(replay, log->batch - 1);
	batch.end = (struct batch_position){.segment = segment->number,
	    .at = end,
	    .batch = log->batch,
	    .sum = log->sum,
	    .lost = replay->end.lost + log->batch - 1 - replay->end.batch};
	if (hand_on(replay, &batch, err) != 0)
		return -1;
	replay->end = batch.end;
	replay->has_damage = false;
	return 0;
}

/* A log frame that is right: 1 its batches are handed on; 0 it is a torn tail, -1.
 *
 * A commit is one fdatasync, and when the power goes before it returns, any part of the batch
 * may be missing from the disk. So of the last batch, which nobody has been told of, neither
 * log nor entries are taken on trust. (In a segment that is not sealed a frame has one log.) */
static int take_logs(struct replay *replay, const struct segment *segment,
    const struct segment_log *log, bool is_last, struct err *err)
{
	size_t i;

	if (is_last && !replay->has_bad_log && may_be_torn(replay, segment, log->end)) {
		int whole =
		    are_frames_whole(replay->store, segment, head(replay), log->frame.at, err);

		if (whole != 1)
			return whole;
	}
	if (replay->resume_batch == 0 && pass_bytes_before(replay, segment, log, err) != 0)
		return -1;
	for (i = replay->head; i < replay->log_count; i++)
		if (take_log(replay, segment, log->end, &replay->log[i], err) != 0)
			return -1;
	replay->from = log->end;
	replay->has_bad_log = false;
	replay->resume_batch = 0;
	return 1;
}

/* Behind damage a mark may be found that is none: bytes of a message. Is there a log farther on
 * that follows the last batch: 1, 0, -1. The open log is lost by it. */
static int does_one_follow(
    struct replay *replay, const struct segment *segment, uint64_t at, struct err *err)
{
	struct segment_log log;
	bool found = false;
	int got = 1;

	while (!found && (got = segment_next_log(segment, &at, &log, err)) == 1)
		found =
		    open_logs(replay, segment, &log, NULL) == 0 && follows(replay, head(replay));
	return got;
}

enum { LOG_TORN, LOG_TAKEN, LOG_DAMAGED };

static int replay_log(struct replay *replay, const struct segment *segment,
    const struct segment_log *log, bool is_last, struct err *err)
{
	struct err why = {0};
	int result;

	replay->has_damage |= log->skipped > 0;
	replay->store->damaged_bytes += log->skipped;
	if (open_logs(replay, segment, log, &why) == 0) {
		if (replay->has_damage && !follows(replay, head(replay))) {
			result = does_one_follow(replay, segment, log->end, err);
			if (result != 0)
				return result < 0 ? -1 : LOG_DAMAGED;
			if (open_logs(replay, segment, log, err) != 0)
				return -1;
		}
		return take_logs(replay, segment, log, is_last, err);
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
	return pass_gap(replay, segment, bytes, err);
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
	if (replay->resume_batch > 0)
		replay->from = replay->resume_at;
	replay->has_bad_log = false;
	done = replay_logs(replay, segment, is_last, err);
	if (done != 1)
		return done;
	return is_last ? end_archive(replay, segment, err) : end_segment(replay, segment, err);
}

/* Is the position behind one of these logs, and is it the last of its frame? */
static bool fits_logs(
    struct replay *replay, const struct batch_position *from, const struct segment_log *log)
{
	size_t i;

	for (i = 0; i < replay->log_count; i++) {
		if (replay->log[i].batch != from->batch)
			continue;
		if (i + 1 < replay->log_count) {
			replay->resume_batch = from->batch;
			replay->resume_at = log->frame.at - SEGMENT_MARK_BYTES;
		}
		return sha256_equal(&replay->log[i].sum, &from->sum);
	}
	return false;
}

/* Where replay begins must be where a commit of these segments ends. */
static int check_position(struct replay *replay, const struct segment *segment, struct err *err)
{
	const struct batch_position *from = &replay->end;
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
	if (fits && got == 1 && log.end == from->at && open_logs(replay, segment, &log, NULL) == 0)
		fits = fits_logs(replay, from, &log);
	if (fits)
		return 0;
	return archive_damaged(err,
	    "%s has no batch %" PRIu64 " that ends at offset %" PRIu64
	    ": the segments were cut or exchanged behind the catalogue's back: put them back, or "
	    "run mailcask rebuild to go on with what is there",
	    segment->path, from->batch, from->at);
}

static int replay_segments(struct replay *replay, struct segment *segment,
    const struct store_segments *segments, int flags, struct err *err)
{
	uint32_t number = replay->end.segment ? replay->end.segment : SEGMENT_FIRST;
	uint32_t first = number, last = segments->count;

	for (; number <= last; number++) {
		segment_close(segment);
		if (segment_open(segment, replay->store->folder, segments->item[number - 1], flags,
			err) != 0)
			return -1;
		if (number == first && replay->end.batch > 0 &&
		    check_position(replay, segment, err) != 0)
			return -1;
		if (replay_segment(replay, segment, number == last, err) != 0)
			return -1;
	}
	return 0;
}

static int replay_all(struct replay *replay, struct segment *segment, struct err *err)
{
	struct store *store = replay->store;
	struct store_segments segments;
	int result = -1, flags = store->options.for_writing ? O_RDWR : O_RDONLY;

	if (store_segments(store, &segments, err) != 0)
		return -1;
	if (replay->end.segment > segments.count)
		archive_damaged(err,
		    "%s: segment %u is missing: put it back, or run mailcask "
		    "rebuild to go on with what is there",
		    store->folder, replay->end.segment);
	else if (replay_segments(replay, segment, &segments, flags, err) == 0 &&
	    (!store->options.for_writing || segments.count == 0 ||
		store_take_over(store, segment, &replay->end, err) == 0))
		result = 0;
	store_segments_release(&segments);
	return result;
}

int store_replay(struct store *store, const struct batch_position *from, store_batch_fn fn,
    void *arg, struct err *err)
{
	struct replay replay = {.store = store, .end = *from, .fn = fn, .arg = arg};
	struct segment segment = {.fd = -1};
	int result;

	buf_init(&replay.content, STORE_LOG_MAX_BYTES + 2 * TARHEAD_BYTES);
	store->damaged_bytes = store->torn_bytes = 0;
	store->gap_count = 0;
	store_trust_position(store, from);
	replay.trusted = store->trusted;
	result = replay_all(&replay, &segment, err);
	if (result == 0) {
		store->end = replay.end;
		store->trusted = replay.end;
		store->is_replayed = store->options.for_writing;
	}
	segment_close(&segment);
	buf_release(&replay.content);
	free(replay.log);
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
	struct store_segments segments;
	struct segment segment = {.fd = -1};
	struct replay replay = {.store = store};
	struct segment_log log;
	struct err why = {0};
	uint64_t at = 0;
	int got = 0;

	if (store_segments(store, &segments, &why) != 0)
		return why.code == ERR_ABSENT || why.code == ERR_DAMAGED ? 0 : pass_on(&why, err);
	buf_init(&replay.content, STORE_LOG_MAX_BYTES + 2 * TARHEAD_BYTES);
	if (segments.count > 0)
		got = segment_open(&segment, store->folder, segments.item[0], O_RDONLY, err) == 0
		    ? segment_next_log(&segment, &at, &log, err)
		    : -1;
	if (got == 1 && open_logs(&replay, &segment, &log, &why) != 0)
		got = why.code == ERR_DAMAGED ? 0 : pass_on(&why, err);
	else if (got == 1) {
		got = replay.log[0].batch == 1;
		*out = replay.log[0].sum;
	}
	store_segments_release(&segments);
	buf_release(&replay.content);
	free(replay.log);
	segment_close(&segment);
	return got;
}

void store_replay_report(
    const struct store *store, uint64_t *damaged_bytes_out, uint64_t *torn_bytes_out)
{
	*damaged_bytes_out = store->damaged_bytes;
	*torn_bytes_out = store->torn_bytes;
}
