/* Owns:  the file that is made, and the group of batches that waits to be written.
 * Knows: how entries of several batches share frames, and how their logs then tell the places.
 * Never: changes an event, but for what an expired mail said; changes a commit line.
 * Spec:  archiver/store/FORMAT.md, "Compacted segments" */
#include "archiver/store/store_rewrite.h"

#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A group ends with the batch that passes one of these: what a log frame costs when it is
 * damaged, against the frames that stay half full at its end. */
#define GROUP_LOG_BYTES     (8u << 20)
#define GROUP_CONTENT_BYTES (256u << 20)

static void init_jobs(struct rewrite *rewrite, int level)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	rewrite->jobs = cpus < 1 ? 1 : cpus > REWRITE_JOBS_MAX ? REWRITE_JOBS_MAX : (unsigned)cpus;
	for (unsigned i = 0; i < rewrite->jobs; i++) {
		rewrite->job[i].packer = frame_packer_new(level);
		buf_init(&rewrite->job[i].content, rewrite->frame_bytes);
		buf_init(&rewrite->job[i].packed, SIZE_MAX / 2);
	}
}

int rewrite_open(struct rewrite *rewrite, struct store *store, const char *path,
    struct segment_id id, bool best, struct err *err)
{
	memset(rewrite, 0, sizeof *rewrite);
	rewrite->store = store;
	rewrite->level = best ? STORE_BEST_LEVEL : 0;
	rewrite->frame_bytes = best ? STORE_BEST_FRAME_BYTES : STORE_FRAME_BYTES;
	init_jobs(rewrite, best ? STORE_BEST_LEVEL : store->options.level);
	buf_init(&rewrite->mails.content, rewrite->frame_bytes);
	buf_init(&rewrite->blobs.content, rewrite->frame_bytes);
	return segment_open_file(&rewrite->out, path, id, O_RDWR | O_CREAT | O_TRUNC, err);
}

static void clear_batches(struct rewrite *rewrite)
{
	size_t i;

	for (i = 0; i < rewrite->batch_count; i++) {
		buf_release(&rewrite->batch[i].log);
		free(rewrite->batch[i].run);
	}
	rewrite->batch_count = 0;
	rewrite->frame_count = 0;
	rewrite->log_bytes = rewrite->content_bytes = 0;
}

void rewrite_release(struct rewrite *rewrite)
{
	clear_batches(rewrite);
	for (unsigned i = 0; i < rewrite->jobs; i++) {
		if (rewrite->job[i].is_running)
			pthread_join(rewrite->job[i].thread, NULL);
		frame_packer_free(rewrite->job[i].packer);
		buf_release(&rewrite->job[i].content);
		buf_release(&rewrite->job[i].packed);
	}
	segment_close(&rewrite->out);
	buf_release(&rewrite->mails.content);
	buf_release(&rewrite->blobs.content);
	free(rewrite->frame_at);
	free(rewrite->batch);
}

static int append(void *arg, const void *data, size_t bytes, struct err *err)
{
	struct rewrite *rewrite = arg;
	struct segment *out = &rewrite->out;

	if (file_write_at(out->fd, data, bytes, rewrite->at, out->path, err) != 0)
		return -1;
	rewrite->at += bytes;
	return 0;
}

/* ---- entries ---- */

static size_t new_frame(struct rewrite *rewrite)
{
	rewrite->frame_at = mem_grow(rewrite->frame_at, &rewrite->frame_room,
	    rewrite->frame_count + 1, sizeof *rewrite->frame_at);
	return rewrite->frame_count++;
}

static int take_packed(void *packed, const void *data, size_t bytes, struct err *err)
{
	(void)err;
	buf_add(packed, data, bytes);
	return 0;
}

static void *pack(void *arg)
{
	struct rewrite_job *job = arg;

	job->result =
	    frame_pack(job->packer, buf_view(&job->content), take_packed, &job->packed, &job->why);
	return NULL;
}

/* Wait for that frame, and write it. */
static int take_frame(struct rewrite *rewrite, struct rewrite_job *job, struct err *err)
{
	if (!job->is_running)
		return 0;
	pthread_join(job->thread, NULL);
	job->is_running = false;
	if (job->result != 0) {
		if (err)
			*err = job->why;
		return -1;
	}
	rewrite->frame_at[job->frame] = rewrite->at;
	return append(rewrite, job->packed.p, job->packed.n, err);
}

static int flush(struct rewrite *rewrite, struct rewrite_pending *pending, struct err *err)
{
	struct rewrite_job *job = &rewrite->job[rewrite->next_job];
	struct buf content = job->content;
	int code;

	if (pending->content.n == 0)
		return 0;
	if (take_frame(rewrite, job, err) != 0)
		return -1;
	buf_clear(&content);
	buf_clear(&job->packed);
	job->content = pending->content;
	pending->content = content;
	job->frame = pending->frame;
	code = pthread_create(&job->thread, NULL, pack, job);
	if (code != 0)
		return err_os(err, code, "cannot begin a thread");
	job->is_running = true;
	rewrite->next_job = (rewrite->next_job + 1) % rewrite->jobs;
	return 0;
}

/* After drain: packers are large, so there is none besides those of the jobs. */
static struct frame_packer *idle_packer(struct rewrite *rewrite)
{
	return rewrite->job[0].packer;
}

static int drain(struct rewrite *rewrite, struct err *err)
{
	for (unsigned i = 0; i < rewrite->jobs; i++) {
		unsigned oldest = (rewrite->next_job + i) % rewrite->jobs;

		if (take_frame(rewrite, &rewrite->job[oldest], err) != 0)
			return -1;
	}
	return 0;
}

static struct rewrite_batch *open_batch(struct rewrite *rewrite)
{
	return &rewrite->batch[rewrite->batch_count - 1];
}

static void add_run(struct rewrite_batch *batch, struct event_frame run)
{
	batch->run =
	    mem_grow(batch->run, &batch->run_room, batch->run_count + 1, sizeof *batch->run);
	batch->run[batch->run_count++] = run;
}

/* The batch's next entry stands there, in the frame with that index. */
static void note_entry(struct rewrite *rewrite, size_t frame, uint64_t at)
{
	struct rewrite_batch *batch = open_batch(rewrite);
	struct event_frame *last = batch->run_count > 0 ? &batch->run[batch->run_count - 1] : NULL;

	/* Of the same frame: directly behind the last one. */
	if (last && !last->is_dropped && last->at == frame)
		last->entries++;
	else
		add_run(batch, (struct event_frame){.at = frame, .entries = 1, .start = at});
}

void rewrite_drop(struct rewrite *rewrite)
{
	struct rewrite_batch *batch = open_batch(rewrite);
	struct event_frame *last = batch->run_count > 0 ? &batch->run[batch->run_count - 1] : NULL;

	if (last && last->is_dropped)
		last->entries++;
	else
		add_run(batch, (struct event_frame){.entries = 1, .is_dropped = true});
}

static int keep_alone(struct rewrite *rewrite, struct bytes head, struct spool *content,
    uint64_t bytes, struct err *err)
{
	struct spool_range range = {content, 0, bytes};
	size_t frame = new_frame(rewrite);

	if (drain(rewrite, err) != 0)
		return -1;
	rewrite->frame_at[frame] = rewrite->at;
	note_entry(rewrite, frame, 0);
	return frame_pack_range(
	    idle_packer(rewrite), head, &range, store_filling(bytes), append, rewrite, err);
}

int rewrite_keep(struct rewrite *rewrite, const struct store_entry *entry, int64_t mtime_unix,
    struct spool *content, struct err *err)
{
	struct rewrite_pending *pending =
	    entry->kind == EVENT_BLOB ? &rewrite->blobs : &rewrite->mails;
	struct tarhead head = {.content_bytes = entry->content_bytes, .mtime_unix = mtime_unix};
	uint64_t needed = batch_entry_bytes(entry->content_bytes);
	size_t bytes = (size_t)entry->content_bytes;
	char block[TARHEAD_BYTES], *room;

	store_entry_name(entry, head.name);
	tarhead_format(&head, block);
	rewrite->content_bytes += needed;
	if (pending->content.n + needed > rewrite->frame_bytes && flush(rewrite, pending, err) != 0)
		return -1;
	if (needed > rewrite->frame_bytes)
		return keep_alone(
		    rewrite, (struct bytes){block, sizeof block}, content, bytes, err);
	if (pending->content.n == 0)
		pending->frame = new_frame(rewrite);
	note_entry(rewrite, pending->frame, pending->content.n);
	buf_add(&pending->content, block, sizeof block);
	room = buf_reserve(&pending->content, bytes);
	if (!room)
		return err_set(err, ERR_BUG, "an entry does not fit its frame");
	if (spool_read(content, 0, room, bytes, err) != (ssize_t)bytes)
		return -1;
	pending->content.n += bytes;
	buf_bytes(&pending->content, store_filling(bytes));
	return 0;
}

/* ---- batches ---- */

void rewrite_begin(struct rewrite *rewrite, uint64_t batch, int64_t time_unix, struct bytes log)
{
	struct rewrite_batch *next;

	rewrite->batch =
	    mem_grow(rewrite->batch, &rewrite->batch_room, rewrite->batch_count + 1, sizeof *next);
	next = &rewrite->batch[rewrite->batch_count++];
	*next = (struct rewrite_batch){.number = batch, .time_unix = time_unix};
	buf_init(&next->log, STORE_LOG_MAX_BYTES);
	buf_bytes(&next->log, log);
	rewrite->log_bytes += log.n;
}

/* Asks once for each mail event; a failure to ask is kept. */
struct asking {
	struct rewrite *rewrite;
	struct err *err;
	bool failed;
};

static bool must_redact(void *arg, const struct event *mail)
{
	struct asking *asking = arg;
	struct rewrite *rewrite = asking->rewrite;
	int got = asking->failed ? 0 : rewrite->is_expired(rewrite->arg, &mail->id, asking->err);

	asking->failed |= got < 0;
	rewrite->redacted += got == 1;
	return got == 1;
}

/* The log of a batch as it stands in the new file, as a tar entry, appended to out. */
static int add_log(
    struct rewrite *rewrite, struct rewrite_batch *batch, struct buf *out, struct err *err)
{
	struct event frames = {.kind = EVENT_FRAMES,
	    .frame = batch->run,
	    .frame_count = batch->run_count,
	    .level = rewrite->level};
	struct asking asking = {rewrite, err, false};
	struct tarhead head = {.mtime_unix = batch->time_unix};
	char block[TARHEAD_BYTES];
	struct buf log;
	size_t i;
	int result;

	for (i = 0; i < batch->run_count; i++)
		if (!batch->run[i].is_dropped)
			batch->run[i].at = rewrite->frame_at[batch->run[i].at];
	buf_init(&log, STORE_LOG_MAX_BYTES);
	result = batch_rewrite(&log, buf_view(&batch->log), &frames, must_redact, &asking, err);
	if (result == 0 && !asking.failed) {
		head.content_bytes = log.n;
		store_log_name(batch->number, head.name);
		tarhead_format(&head, block);
		buf_add(out, block, sizeof block);
		buf_bytes(out, buf_view(&log));
		buf_bytes(out, store_filling(log.n));
		if (log.overflow || out->overflow)
			result = err_set(err, ERR_LIMIT, "the journal of a group is too large");
	}
	buf_release(&log);
	return asking.failed ? -1 : result;
}

/* All frames of the group are on their places: now its logs can tell them. */
static int write_logs(struct rewrite *rewrite, struct err *err)
{
	char mark[SEGMENT_MARK_BYTES];
	struct buf content;
	size_t i;
	int result = 0;

	segment_make_mark(rewrite->batch[0].number, mark);
	buf_init(&content, STORE_LOG_MAX_BYTES + 2 * TARHEAD_BYTES);
	for (i = 0; result == 0 && i < rewrite->batch_count; i++)
		result = add_log(rewrite, &rewrite->batch[i], &content, err);
	if (result == 0 &&
	    (append(rewrite, mark, sizeof mark, err) != 0 ||
		frame_pack(idle_packer(rewrite), buf_view(&content), append, rewrite, err) != 0))
		result = -1;
	buf_release(&content);
	return result;
}

static int write_group(struct rewrite *rewrite, struct err *err)
{
	if (rewrite->batch_count == 0)
		return 0;
	if (flush(rewrite, &rewrite->blobs, err) != 0 ||
	    flush(rewrite, &rewrite->mails, err) != 0 || drain(rewrite, err) != 0 ||
	    write_logs(rewrite, err) != 0)
		return -1;
	clear_batches(rewrite);
	return 0;
}

int rewrite_end(struct rewrite *rewrite, struct err *err)
{
	bool due =
	    rewrite->log_bytes >= GROUP_LOG_BYTES || rewrite->content_bytes >= GROUP_CONTENT_BYTES;

	return due ? write_group(rewrite, err) : 0;
}

int rewrite_finish(struct rewrite *rewrite, struct err *err)
{
	if (write_group(rewrite, err) != 0)
		return -1;
	return segment_seal(&rewrite->out, rewrite->at, idle_packer(rewrite), err);
}
