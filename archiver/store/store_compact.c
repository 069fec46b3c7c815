/* Owns:  the new file of a segment until it has its name.
 * Knows: in which order a segment is exchanged: written, on the disk, read back, named; the old
 *        one goes when the catalogue knows the new one.
 * Never: writes a segment anew in which anything is wrong; drops an entry that is live.
 * Spec:  archiver/store/FORMAT.md, "Compacted segments" */
#include "archiver/store/store_files.h"
#include "archiver/store/store_rewrite.h"

#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
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
	int got = is_kept(compact, event, place, err);

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
	const struct store_compact *how = compact->how;
	struct batch_reader reader;
	int result;

	if (how->progress && how->progress(how->arg, end->at, err) != 0)
		return -1;
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
	const struct store_compact *how = compact->how;
	struct batch_reader reader;
	int result;

	if (how->progress && how->progress(how->arg, compact->result->bytes_before, err) != 0)
		return -1;
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

/* ---- what is left of it ---- */

struct leftovers {
	struct store *store;
	int (*generation)(void *arg, uint32_t number, uint32_t *out, struct err *err);
	void *arg;
	struct segment_id *item; /* every file that is a segment's */
	size_t count, room;
	bool any;
};

static int remove_file(struct leftovers *left, const char *name, struct err *err)
{
	char *path = file_join(left->store->folder, name);
	int result = unlink(path);

	if (result != 0)
		err_os(err, errno, "cannot remove %s", path);
	left->any = true;
	free(path);
	return result;
}

static bool is_unfinished(const char *name)
{
	struct bytes text = bytes_of(name);
	struct segment_id id;
	char *whole;
	bool result;

	if (text.n <= 5 || !bytes_is(bytes_from(text, text.n - 5), ".part"))
		return false;
	whole = mem_format("%.*s", (int)(text.n - 5), name);
	result = segment_parse_name(whole, &id) && id.generation > 0;
	free(whole);
	return result;
}

static int find_files(struct leftovers *left, struct err *err)
{
	DIR *folder = opendir(left->store->folder);
	struct segment_id id;
	struct dirent *item;
	int result = 0;

	if (!folder)
		return err_os(err, errno, "cannot open %s", left->store->folder);
	while (result == 0 && (item = readdir(folder))) {
		if (is_unfinished(item->d_name))
			result = remove_file(left, item->d_name, err);
		if (!segment_parse_name(item->d_name, &id))
			continue;
		left->item = mem_grow(left->item, &left->room, left->count + 1, sizeof *left->item);
		left->item[left->count++] = id;
	}
	closedir(folder);
	return result;
}

/* One of several files of a segment. */
struct candidate {
	struct segment_id id;
	struct store_file_state state;
	bool is_whole, is_known; /* known: the catalogue's places are of it */
};

/* Which of two counts: the one that is whole, that goes on longer, that the catalogue knows; else
 * the first, for what a later one was made from has all that it has. */
static bool is_better(const struct candidate *a, const struct candidate *b)
{
	if (a->is_whole != b->is_whole)
		return a->is_whole;
	if (a->state.last_batch != b->state.last_batch)
		return a->state.last_batch > b->state.last_batch;
	if (a->is_known != b->is_known)
		return a->is_known;
	return a->id.generation < b->id.generation;
}

static int look_at_file(
    struct leftovers *left, struct segment_id id, struct candidate *out, struct err *err)
{
	struct store_file file = {.number = id.number, .generation = id.generation};
	struct segment segment;
	uint32_t known;
	int result;

	*out = (struct candidate){.id = id};
	if (left->generation(left->arg, id.number, &known, err) != 0 ||
	    segment_open(&segment, left->store->folder, id, O_RDONLY, err) != 0)
		return -1;
	result = segment_bytes(&segment, &file.file_bytes, err);
	segment_close(&segment);
	if (result == 0)
		result = store_file_check(
		    left->store, &file, file.file_bytes, NULL, NULL, &out->state, err);
	out->is_known = known == id.generation;
	out->is_whole = result == 0 && out->state.is_sound && out->state.end == file.file_bytes;
	return result;
}

/* It goes only when the one that counts is whole and has all its batches; else it stays beside,
 * under another name. */
static int let_go(struct leftovers *left, const struct candidate *best,
    const struct candidate *other, struct err *err)
{
	char *name = segment_name(other->id), *path, *aside;
	int result = 0;

	if (best->is_whole && best->state.last_batch >= other->state.last_batch) {
		result = remove_file(left, name, err);
		free(name);
		return result;
	}
	path = file_join(left->store->folder, name);
	aside = mem_format("%s.aside", path);
	if (rename(path, aside) != 0)
		result = err_os(err, errno, "cannot rename %s to %s", path, aside);
	left->any = true;
	free(aside);
	free(path);
	free(name);
	return result;
}

static int remove_others(struct leftovers *left, uint32_t number, struct err *err)
{
	struct candidate best = {0}, next;
	size_t i;

	for (i = 0; i < left->count; i++) {
		if (left->item[i].number != number)
			continue;
		if (look_at_file(left, left->item[i], &next, err) != 0)
			return -1;
		if (best.id.number == 0 || is_better(&next, &best))
			best = next;
	}
	for (i = 0; i < left->count; i++) {
		if (left->item[i].number != number ||
		    left->item[i].generation == best.id.generation)
			continue;
		if (look_at_file(left, left->item[i], &next, err) != 0 ||
		    let_go(left, &best, &next, err) != 0)
			return -1;
		left->item[i].number = 0; /* done */
	}
	return 0;
}

int store_settle(struct store *store,
    int (*generation)(void *arg, uint32_t number, uint32_t *out, struct err *err), void *arg,
    struct err *err)
{
	struct leftovers left = {.store = store, .generation = generation, .arg = arg};
	int result = find_files(&left, err);
	size_t i, j;

	for (i = 0; result == 0 && i < left.count; i++)
		for (j = i + 1; result == 0 && j < left.count; j++)
			if (left.item[i].number > 0 && left.item[i].number == left.item[j].number) {
				result = remove_others(&left, left.item[i].number, err);
				break;
			}
	if (result == 0 && left.any)
		result = file_sync_folder(store->folder, err);
	free(left.item);
	return result;
}
