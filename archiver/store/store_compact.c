/* Owns:  the new file of a segment until it has its name.
 * Knows: in which order a segment is exchanged: written, on the disk, read back, named; the old
 *        one goes when the catalogue knows the new one.
 * Never: writes a segment anew in which anything is wrong; drops an entry that is live.
 * Spec:  archiver/store/FORMAT.md, "Compacted segments" */
#include "archiver/store/store_rewrite.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SPOOL_MEMORY_BYTES (1u << 20)

struct compact {
	struct store *store;
	const struct store_compact *how;
	struct store_compacted *result;
	struct segment_id source;
	uint64_t level;   /* of the source, the lowest of its logs */
	bool has_expired; /* mail events that still say what is to be forgotten */
	uint64_t kept, dropped;
	uint64_t done; /* bytes of the source, as progress tells them */

	struct rewrite rewrite;
	struct spool content;
	struct digest *digest;
	struct sha256 *sum; /* of the content of each entry that is kept, in order */
	size_t sum_count, sum_room, sum_at;
};

/* ---- looking ---- */

/* Is the entry kept: 1, 0, -1. What stands nowhere is not. */
static int is_kept(struct compact *compact, const struct event *event,
    const struct batch_place *place, struct err *err)
{
	const struct store_compact *how = compact->how;

	if (place->frame_at == BATCH_NOWHERE)
		return 0;
	return how->is_live(how->arg, event->kind, &event->id, place, err);
}

static int look_at(struct compact *compact, const struct event *event,
    const struct batch_place *place, struct err *err)
{
	int got = is_kept(compact, event, place, err);

	if (got < 0)
		return -1;
	compact->kept += got == 1;
	if (got == 0 && place->frame_at != BATCH_NOWHERE) {
		compact->dropped++;
		*(event->kind == EVENT_BLOB ? &compact->result->blobs : &compact->result->mails) +=
		    1;
	}
	if (event->kind == EVENT_MAIL && !compact->has_expired) {
		got = compact->how->is_expired(compact->how->arg, &event->id, err);
		compact->has_expired = got == 1;
	}
	return got < 0 ? -1 : 0;
}

static int tell_progress(struct compact *compact, uint64_t bytes, struct err *err)
{
	const struct store_compact *how = compact->how;

	if (bytes > compact->done) /* frames of mails and blobs take turns */
		compact->done = bytes;
	return how->progress ? how->progress(how->arg, compact->done, err) : 0;
}

/* Calls fn for every entry event of a log. */
static int each_entry(struct compact *compact, struct batch_reader *reader,
    int (*fn)(struct compact *compact, const struct event *event, const struct batch_place *place,
	struct err *err),
    struct err *err)
{
	struct batch_place place;
	struct event event;
	int got = -1, result = 0;

	while (result == 0 && (got = batch_next(reader, &event, &place, err)) == 1) {
		if (batch_is_entry(event.kind))
			result = fn(compact, &event, &place, err);
		event_release(&event);
	}
	return result == 0 && got == 0 ? 0 : -1;
}

static int look_at_log(
    void *arg, struct bytes log, const struct batch_position *end, struct err *err)
{
	struct compact *compact = arg;
	struct batch_reader reader;
	int result;

	if (batch_begin_checked(&reader, log, err) != 0)
		return -1;
	if (compact->level == UINT64_MAX || reader.frames.level < compact->level)
		compact->level = reader.frames.level;
	result = each_entry(compact, &reader, look_at, err);
	batch_end(&reader);
	compact->result->end = *end;
	return result;
}

/* 1 there is something to gain, 0, -1. */
static int look(struct compact *compact, struct err *err)
{
	compact->level = UINT64_MAX;
	if (store_each_log(compact->store, compact->source, look_at_log, compact, err) != 0)
		return -1;
	if (compact->level == UINT64_MAX)
		return 0; /* no batch stands in it */
	return compact->dropped > 0 || compact->has_expired ||
	    (compact->how->best && compact->level < STORE_BEST_LEVEL);
}

/* ---- writing ---- */

static int take_content(void *arg, const void *data, size_t bytes, struct err *err)
{
	struct compact *compact = arg;

	digest_add(compact->digest, data, bytes);
	return spool_add(&compact->content, data, bytes, err);
}

static void note_sum(struct compact *compact)
{
	compact->sum = mem_grow(
	    compact->sum, &compact->sum_room, compact->sum_count + 1, sizeof *compact->sum);
	digest_end(compact->digest, &compact->sum[compact->sum_count++]);
}

static struct store_entry entry_of(const struct event *event)
{
	return (struct store_entry){event->kind, event->id,
	    event->kind == EVENT_BLOB ? event->size_bytes : event->stored_bytes};
}

static int copy(struct compact *compact, const struct event *event, const struct batch_place *place,
    struct err *err)
{
	struct store_entry entry = entry_of(event);
	int64_t mtime = 0;
	int got;

	if (place->frame_at != BATCH_NOWHERE && tell_progress(compact, place->frame_at, err) != 0)
		return -1;
	got = is_kept(compact, event, place, err);
	if (got <= 0) {
		if (got == 0)
			rewrite_drop(&compact->rewrite);
		return got;
	}
	spool_clear(&compact->content);
	if (store_read_with_mtime(compact->store, compact->source, place, &entry, &mtime,
		take_content, compact, err) != 0)
		return -1;
	note_sum(compact);
	return rewrite_keep(&compact->rewrite, &entry, mtime, &compact->content, err);
}

static int copy_log(void *arg, struct bytes log, const struct batch_position *end, struct err *err)
{
	struct compact *compact = arg;
	struct batch_reader reader;
	int result;

	if (batch_begin_checked(&reader, log, err) != 0)
		return -1;
	rewrite_begin(&compact->rewrite, end->batch, reader.commit.time_unix, log);
	result = each_entry(compact, &reader, copy, err);
	if (result == 0)
		result = rewrite_end(&compact->rewrite, err);
	batch_end(&reader);
	return result;
}

/* ---- reading back ---- */

static int take_sum(void *arg, const void *data, size_t bytes, struct err *err)
{
	struct compact *compact = arg;

	(void)err;
	digest_add(compact->digest, data, bytes);
	return 0;
}

static int prove(struct compact *compact, const struct event *event,
    const struct batch_place *place, struct err *err)
{
	struct segment_id id = {compact->source.number, compact->source.generation + 1};
	struct store_entry entry = entry_of(event);
	struct sha256 sum;

	if (tell_progress(compact, compact->result->bytes_before, err) != 0)
		return -1;
	if (place->frame_at == BATCH_NOWHERE)
		return 0;
	if (store_read(compact->store, id, place, &entry, take_sum, compact, err) != 0)
		return -1;
	digest_end(compact->digest, &sum);
	if (compact->sum_at < compact->sum_count &&
	    sha256_equal(&sum, &compact->sum[compact->sum_at++]))
		return 0;
	return err_set(err, ERR_IO, "what was written is not what is read back");
}

static int prove_log(void *arg, struct bytes log, const struct batch_position *end, struct err *err)
{
	struct compact *compact = arg;
	struct batch_reader reader;
	int result;

	if (batch_begin_checked(&reader, log, err) != 0)
		return -1;
	result = each_entry(compact, &reader, prove, err);
	batch_end(&reader);
	if (end->batch == compact->result->end.batch)
		compact->result->end.at = end->at;
	return result;
}

/* The new file from the disk, entry by entry, before it takes the place of the old one. */
static int read_back(struct compact *compact, struct segment *made, struct err *err)
{
	struct store *store = compact->store;
	struct store_reader *readers[] = {&store->mail_reader, &store->blob_reader};
	size_t i;
	int result;

	posix_fadvise(made->fd, 0, 0, POSIX_FADV_DONTNEED);
	/* It has no name yet by which the readers would find it. */
	for (i = 0; i < 2; i++) {
		segment_close(&readers[i]->segment);
		readers[i]->cached_at = UINT64_MAX;
		if (segment_open_file(&readers[i]->segment, made->path,
			(struct segment_id){made->number, made->generation}, O_RDONLY, err) != 0)
			return -1;
	}
	compact->sum_at = 0;
	result = store_each_log_in(store, made, prove_log, compact, err);
	if (result == 0 && compact->sum_at != compact->sum_count)
		result = err_set(err, ERR_IO, "entries are missing in what is read back");
	if (result == 0)
		result = segment_check_seek_table(made, err);
	for (i = 0; i < 2; i++) {
		segment_close(&readers[i]->segment);
		readers[i]->cached_at = UINT64_MAX;
	}
	return result;
}

/* ---- exchanging ---- */

static int give_name(struct compact *compact, const char *part, struct err *err)
{
	struct store *store = compact->store;
	struct segment_id id = {compact->source.number, compact->source.generation + 1};
	char *name = segment_name(id), *path = file_join(store->folder, name);
	int result = 0;

	if (rename(part, path) != 0)
		result = err_os(err, errno, "cannot rename %s to %s", part, path);
	else
		result = file_sync_folder(store->folder, err);
	if (result == 0)
		compact->result->segment = id;
	free(name);
	free(path);
	return result;
}

/* The segment that was written last is another file now; it is sealed, and stays so. */
static int take_over(struct compact *compact, struct err *err)
{
	struct store *store = compact->store;

	if (store->end.segment == compact->source.number) {
		store->end.at = compact->result->end.at;
		store->trusted = store->end;
	}
	if (store->writing.number != compact->source.number)
		return 0;
	segment_close(&store->writing);
	return segment_open(&store->writing, store->folder, compact->result->segment, O_RDWR, err);
}

/* 1 exchanged, 0 it is not worth it, -1. */
static int write_anew(struct compact *compact, const char *part, struct err *err)
{
	struct store *store = compact->store;
	struct rewrite *rewrite = &compact->rewrite;
	struct segment_id id = {compact->source.number, compact->source.generation + 1};
	bool best = compact->how->best || compact->level >= STORE_BEST_LEVEL;
	int result = -1;

	if (rewrite_open(rewrite, store, part, id, best, err) != 0)
		return -1;
	rewrite->is_expired = compact->how->is_expired;
	rewrite->arg = compact->how->arg;
	if (store_each_log(store, compact->source, copy_log, compact, err) != 0 ||
	    rewrite_finish(rewrite, err) != 0 ||
	    segment_bytes(&rewrite->out, &compact->result->bytes_after, err) != 0)
		goto out;
	compact->result->redacted = rewrite->redacted;
	if (compact->dropped == 0 && rewrite->redacted == 0 &&
	    compact->result->bytes_after >= compact->result->bytes_before)
		result = 0;
	else if (read_back(compact, &rewrite->out, err) == 0 &&
	    give_name(compact, part, err) == 0 && take_over(compact, err) == 0)
		result = 1;
out:
	rewrite_release(rewrite);
	if (result != 1)
		unlink(part);
	return result;
}

/* The last segment gets its end before it is written anew, as any other has. */
static int seal(struct compact *compact, struct err *err)
{
	struct store *store = compact->store;

	if (store->writing.number != compact->source.number || store->writing.is_sealed)
		return 0;
	return segment_seal(&store->writing, store->at, store->packer, err);
}

static int measure_source(struct compact *compact, struct err *err)
{
	struct segment segment;
	int result;

	if (segment_open(&segment, compact->store->folder, compact->source, O_RDONLY, err) != 0)
		return -1;
	result = segment_bytes(&segment, &compact->result->bytes_before, err);
	segment_close(&segment);
	return result;
}

static int find_source(struct compact *compact, struct err *err)
{
	/* Only one generation of it is there: store_settle. */
	struct store_segments segments;
	uint32_t number = compact->how->number;
	int result = 0;

	if (store_segments(compact->store, &segments, err) != 0)
		return -1;
	if (number == 0 || number > segments.count)
		result = err_set(err, ERR_BUG, "there is no segment %u", number);
	else
		compact->source = segments.item[number - 1];
	store_segments_release(&segments);
	compact->result->segment = compact->source;
	return result;
}

int store_compact(struct store *store, const struct store_compact *how, struct store_compacted *out,
    struct err *err)
{
	struct compact compact = {.store = store, .how = how, .result = out};
	char *part = NULL, *name = NULL;
	int result = -1;

	memset(out, 0, sizeof *out);
	if (!store->is_replayed || !store_is_empty(store))
		return err_set(err, ERR_BUG, "the archive cannot be compacted now");
	compact.digest = digest_new();
	spool_init(&compact.content, SPOOL_MEMORY_BYTES, how->temporary);
	if (find_source(&compact, err) != 0 || measure_source(&compact, err) != 0)
		goto out;
	result = look(&compact, err);
	if (result != 1 || how->dry_run)
		goto out;
	result = -1;
	name =
	    segment_name((struct segment_id){compact.source.number, compact.source.generation + 1});
	part = mem_format("%s/%s.part", store->folder, name);
	if (store_check_room(store, out->bytes_before, err) == 0 && seal(&compact, err) == 0 &&
	    measure_source(&compact, err) == 0)
		result = write_anew(&compact, part, err);
out:
	free(name);
	free(part);
	free(compact.sum);
	spool_release(&compact.content);
	digest_free(compact.digest);
	return result;
}
