/* Owns:  nothing of its own.
 * Knows: what segment files are called, how much of each is committed, and what can be told of
 *        one file without the others.
 * Never: writes.
 * Spec:  archiver/store/FORMAT.md, "Segments" */
#include "archiver/store/store_files.h"

#include "archiver/store/store_private.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void store_file_format_name(uint32_t number, uint32_t generation, char out[STORE_FILE_NAME_BYTES])
{
	char *name = segment_name((struct segment_id){number, generation});

	snprintf(out, STORE_FILE_NAME_BYTES, "%s", name);
	free(name);
}

bool store_file_parse_name(const char *name, uint32_t *number_out, uint32_t *generation_out)
{
	struct segment_id id;

	if (!segment_parse_name(name, &id))
		return false;
	*number_out = id.number;
	*generation_out = id.generation;
	return true;
}

static int open_file(
    struct store *store, const struct store_file *file, struct segment *segment, struct err *err)
{
	struct segment_id id = {file->number, file->generation};

	return segment_open(segment, store->folder, id, O_RDONLY, err);
}

/* ---- the list ---- */

static int by_number(const void *a, const void *b)
{
	const struct store_file *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return (y->generation > x->generation) - (y->generation < x->generation);
}

static int add_file(
    struct store *store, const char *name, struct store_files *files, struct err *err)
{
	struct store_file file = {0};
	struct segment segment = {.fd = -1};
	int result = -1;

	if (!store_file_parse_name(name, &file.number, &file.generation))
		return 0;
	store_file_format_name(file.number, file.generation, file.name);
	if (open_file(store, &file, &segment, err) == 0 &&
	    segment_bytes(&segment, &file.file_bytes, err) == 0)
		result = 0;
	file.is_sealed = segment.is_sealed;
	segment_close(&segment);
	files->file = mem_grow(files->file, &files->room, files->count + 1, sizeof *files->file);
	files->file[files->count] = file;
	files->count += result == 0;
	return result;
}

static uint64_t committed_bytes(
    const struct store_file *file, const struct batch_position *end, uint32_t last)
{
	if (!end || file->is_sealed || (file->number < last && file->number <= end->segment))
		return file->file_bytes;
	if (file->number != end->segment)
		return 0;
	return end->at < file->file_bytes ? end->at : file->file_bytes;
}

int store_files_list(
    const char *folder, const struct batch_position *end, struct store_files *out, struct err *err)
{
	struct store_options options = {.folder = folder};
	struct store *store = NULL;
	struct dirent *item;
	DIR *names = opendir(folder);
	int result = 0;
	size_t i;

	memset(out, 0, sizeof *out);
	if (!names && errno == ENOENT)
		return err_set(err, ERR_ABSENT, "%s does not exist", folder);
	if (!names)
		return err_os(err, errno, "cannot open %s", folder);
	if (store_open(&store, &options, err) != 0)
		result = -1;
	while (result == 0 && (item = readdir(names)))
		result = add_file(store, item->d_name, out, err);
	closedir(names);
	store_close(store);
	if (out->count > 0)
		qsort(out->file, out->count, sizeof *out->file, by_number);
	for (i = 0; i < out->count; i++)
		out->file[i].committed_bytes =
		    committed_bytes(&out->file[i], end, store_files_last(out));
	return result;
}

void store_files_release(struct store_files *files)
{
	free(files->file);
	memset(files, 0, sizeof *files);
}

const struct store_file *store_files_current(const struct store_files *files, uint32_t number)
{
	size_t i;

	for (i = 0; i < files->count; i++)
		if (files->file[i].number == number)
			return &files->file[i];
	return NULL;
}

const struct store_file *store_files_named(
    const struct store_files *files, uint32_t number, uint32_t generation)
{
	size_t i;

	for (i = 0; i < files->count; i++)
		if (files->file[i].number == number && files->file[i].generation == generation)
			return &files->file[i];
	return NULL;
}

uint32_t store_files_last(const struct store_files *files)
{
	return files->count ? files->file[files->count - 1].number : 0;
}

/* ---- one file ---- */

struct check {
	struct store *store;
	struct segment segment;
	uint64_t bytes;
	struct store_file_view *view;
	uint64_t logs;    /* log frames that were found, */
	uint64_t entries; /* and frames that begin with a log: as many */
	bool is_wrong;    /* a log that cannot be read, and is the last so far */
	bool is_begin;    /* of a frame */
	struct buf log;
};

static void add_commit(struct store_file_view *view, uint64_t batch, const struct sha256 *sum)
{
	view->commit = mem_grow(view->commit, &view->room, view->count + 1, sizeof *view->commit);
	view->commit[view->count++] = (struct store_commit){batch, *sum};
}

/* Those that the log's events name, and that stand in the file. */
static bool add_entries(struct store_file_view *view, struct batch_reader *reader)
{
	struct batch_place place;
	struct event event;
	int got;

	while ((got = batch_next(reader, &event, &place, NULL)) == 1) {
		if (batch_is_entry(event.kind) && place.frame_at != BATCH_NOWHERE) {
			view->held = mem_grow(
			    view->held, &view->held_room, view->held_count + 1, sizeof *view->held);
			view->held[view->held_count++] = (struct store_held){event.kind, event.id};
		}
		event_release(&event);
	}
	return got == 0;
}

/* One log of a frame: false when it cannot be read. */
static bool take_log(struct check *check, struct bytes text, uint64_t batch)
{
	struct store_file_view *view = check->view;
	const struct store_commit *last = view->count > 0 ? &view->commit[view->count - 1] : NULL;
	struct batch_reader reader;
	bool follows;

	if (batch_begin(&reader, text, NULL) != 0)
		return false;
	follows = !last ||
	    (reader.commit.batch == last->batch + 1 &&
		sha256_equal(&reader.commit.previous, &last->sum));
	if (!follows || reader.commit.batch != batch)
		view->is_sound = false;
	add_commit(view, reader.commit.batch, &reader.sum);
	if (!add_entries(view, &reader))
		view->is_sound = false;
	batch_end(&reader);
	return true;
}

static bool take_logs(struct check *check, const struct segment_log *log)
{
	uint64_t batch = log->batch;
	struct bytes text;
	size_t at = 0;
	int got;

	buf_clear(&check->log);
	if (store_read_logs(check->store, &check->segment, log, &check->log, NULL) != 0)
		return false;
	while ((got = store_next_log(buf_view(&check->log), &at, batch, &text, NULL)) == 1)
		if (!take_log(check, text, batch++))
			return false;
	return got == 0 && batch > log->batch;
}

/* A log frame that cannot be read is torn when none follows it, else damage. */
static void check_log(struct check *check, const struct segment_log *log)
{
	bool was_wrong = check->is_wrong;

	check->is_wrong = !take_logs(check, log);
	if (check->is_wrong)
		return;
	if (was_wrong || log->skipped > 0)
		check->view->is_sound = false;
	check->logs++;
	check->view->end = log->end;
}

static int check_logs(struct check *check, struct err *err)
{
	struct segment_log log;
	uint64_t at = 0;
	int got;

	while ((got = segment_next_log(&check->segment, &at, &log, err)) == 1 &&
	    log.end <= check->bytes)
		check_log(check, &log);
	return got < 0 ? -1 : 0;
}

/* The seal, when it ends the file just there. */
static int check_seal(struct check *check, struct err *err)
{
	struct err why = {0};
	uint64_t bytes;
	int whole;

	if (!check->segment.is_sealed)
		return 0;
	if (segment_bytes(&check->segment, &bytes, err) != 0)
		return -1;
	whole =
	    segment_is_seal_whole(&check->segment, check->view->end, check->store->unpacker, err);
	if (whole < 0)
		return -1;
	if (whole == 1 && bytes == check->bytes &&
	    segment_check_seek_table(&check->segment, &why) == 0)
		check->view->end = bytes;
	return 0;
}

static int count_log(void *arg, const void *data, size_t bytes, struct err *err)
{
	struct check *check = arg;

	(void)err;
	if (check->is_begin && bytes >= 4)
		check->entries += memcmp(data, "log/", 4) == 0;
	check->is_begin = false;
	return 0;
}

/* Each frame up to the end, its checksum; and no log that no mark led to. */
static int check_frames(struct check *check, struct err *err)
{
	const struct segment *segment = &check->segment;
	struct frame_extent frame;
	uint64_t at = 0;

	while (at < check->view->end) {
		struct err why = {0};
		int got =
		    frame_measure(segment->fd, at, check->view->end, segment->path, &frame, &why);

		check->is_begin = true;
		if (got == 1 && frame.skip_magic == 0 &&
		    frame_unpack(check->store->unpacker, segment->fd, &frame, segment->path,
			count_log, check, &why) != 0)
			got = -1;
		if (got != 1 && why.code != ERR_DAMAGED) {
			*err = why;
			return -1;
		}
		if (got != 1) {
			check->view->is_sound = false;
			return 0;
		}
		at += frame.file_bytes;
	}
	if (check->entries != check->logs)
		check->view->is_sound = false;
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct store_held *x = a, *y = b;
	int order = memcmp(x->id.b, y->id.b, SHA256_BYTES);

	return order != 0 ? order : (x->kind > y->kind) - (x->kind < y->kind);
}

int store_file_see(struct store *store, const struct store_file *file, uint64_t bytes,
    struct store_file_view *out, struct err *err)
{
	struct check check = {.store = store, .segment = {.fd = -1}, .bytes = bytes, .view = out};
	int result = -1;

	out->end = out->count = out->held_count = 0;
	out->is_sound = true;
	buf_init(&check.log, STORE_LOG_MAX_BYTES + 2 * TARHEAD_BYTES);
	if (open_file(store, file, &check.segment, err) == 0 && check_logs(&check, err) == 0 &&
	    check_seal(&check, err) == 0 && check_frames(&check, err) == 0)
		result = 0;
	if (out->held_count > 0)
		qsort(out->held, out->held_count, sizeof *out->held, by_id);
	segment_close(&check.segment);
	buf_release(&check.log);
	return result;
}

void store_file_unsee(struct store_file_view *view)
{
	free(view->commit);
	free(view->held);
	memset(view, 0, sizeof *view);
}

/* Both are in the order of the file, which is that of their numbers as far as they are whole. */
bool store_view_has_all(const struct store_file_view *view, const struct store_file_view *of)
{
	size_t i, j = 0;

	for (i = 0; i < of->count; i++) {
		while (j < view->count && view->commit[j].batch != of->commit[i].batch)
			j++;
		if (j == view->count || !sha256_equal(&view->commit[j].sum, &of->commit[i].sum))
			return false;
	}
	return true;
}

bool store_view_replaces(const struct store_file_view *view, const struct store_file_view *of)
{
	size_t i, j = 0;

	for (i = 0; i < of->held_count; i++) {
		while (j < view->held_count && by_id(&view->held[j], &of->held[i]) < 0)
			j++;
		if (j == view->held_count || by_id(&view->held[j], &of->held[i]) != 0)
			return false;
	}
	return store_view_has_all(view, of);
}
