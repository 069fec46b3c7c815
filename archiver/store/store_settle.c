/* Owns:  nothing of its own.
 * Knows: which of several files of a segment counts, and what may become of the others.
 * Never: removes a file that has anything which the one that stays has not.
 * Spec:  archiver/store/FORMAT.md, "Compacted segments" */
#include "archiver/store/store_files.h"
#include "archiver/store/store_private.h"

#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PART ".part"

struct settle {
	struct store *store;
	bool is_changed;
};

/* One of several files of a segment. */
struct candidate {
	struct store_file file;
	struct store_file_view view;
	bool is_whole;
};

static int remove_file(struct settle *settle, const char *name, struct err *err)
{
	char *path = file_join(settle->store->folder, name);
	int result = unlink(path);

	if (result != 0)
		err_os(err, errno, "cannot remove %s", path);
	settle->is_changed = true;
	free(path);
	return result;
}

/* Under the first name that nobody has. */
static int put_aside(struct settle *settle, const char *name, struct err *err)
{
	char *path = file_join(settle->store->folder, name), *aside = mem_format("%s.aside", path);
	unsigned n;
	int result;

	for (n = 2; (result = renameat2(AT_FDCWD, path, AT_FDCWD, aside, RENAME_NOREPLACE)) != 0 &&
	     errno == EEXIST;
	     n++) {
		free(aside);
		aside = mem_format("%s.aside.%u", path, n);
	}
	if (result != 0)
		err_os(err, errno, "cannot rename %s to %s", path, aside);
	settle->is_changed = true;
	free(aside);
	free(path);
	return result;
}

/* ---- what was not finished ---- */

static bool is_unfinished(const char *name)
{
	struct bytes text = bytes_of(name), end = BYTES(PART);
	struct segment_id id;
	char *whole;
	bool result;

	if (text.n <= end.n || !bytes_equal(bytes_from(text, text.n - end.n), end))
		return false;
	whole = mem_format("%.*s", (int)(text.n - end.n), name);
	result = segment_parse_name(whole, &id) && id.generation > 0;
	free(whole);
	return result;
}

static int remove_unfinished(struct settle *settle, struct err *err)
{
	DIR *folder = opendir(settle->store->folder);
	struct dirent *item;
	int result = 0;

	if (!folder)
		return err_os(err, errno, "cannot open %s", settle->store->folder);
	while (result == 0 && (item = readdir(folder)))
		if (is_unfinished(item->d_name))
			result = remove_file(settle, item->d_name, err);
	closedir(folder);
	return result;
}

/* ---- several files of one segment ---- */

/* Which of two counts: the one that is whole, that replaces the other, that has all its commits;
 * else the one that was written later, for then each has what the other has, or each has not. */
static bool is_better(const struct candidate *a, const struct candidate *b)
{
	bool replaces = store_view_replaces(&a->view, &b->view);
	bool has_all = store_view_has_all(&a->view, &b->view);

	if (a->is_whole != b->is_whole)
		return a->is_whole;
	if (replaces != store_view_replaces(&b->view, &a->view))
		return replaces;
	if (has_all != store_view_has_all(&b->view, &a->view))
		return has_all;
	return a->file.generation > b->file.generation;
}

static int look_at(
    struct settle *settle, const struct segment_id *id, struct candidate *out, struct err *err)
{
	struct store_file *file = &out->file;
	struct segment segment = {.fd = -1};
	int result = -1;

	file->number = id->number;
	file->generation = id->generation;
	store_file_format_name(id->number, id->generation, file->name);
	if (segment_open(&segment, settle->store->folder, *id, O_RDONLY, err) == 0 &&
	    segment_bytes(&segment, &file->file_bytes, err) == 0)
		result = store_file_see(settle->store, file, file->file_bytes, &out->view, err);
	segment_close(&segment);
	out->is_whole = out->view.is_sound && out->view.end == file->file_bytes;
	return result;
}

/* Only a file that can be read from end to end tells all that it has. */
static int let_go(struct settle *settle, const struct candidate *best,
    const struct candidate *other, struct err *err)
{
	if (best->is_whole && other->is_whole && store_view_replaces(&best->view, &other->view))
		return remove_file(settle, other->file.name, err);
	return put_aside(settle, other->file.name, err);
}

/* The files of one number, of which there are several. */
static int settle_files(
    struct settle *settle, const struct segment_id *id, size_t count, struct err *err)
{
	struct candidate *all = mem_zero(count, sizeof *all);
	size_t i, best = 0;
	int result = 0;

	for (i = 0; result == 0 && i < count; i++) {
		result = look_at(settle, &id[i], &all[i], err);
		if (result == 0 && i > 0 && is_better(&all[i], &all[best]))
			best = i;
	}
	for (i = 0; result == 0 && i < count; i++)
		if (i != best)
			result = let_go(settle, &all[best], &all[i], err);
	for (i = 0; i < count; i++)
		store_file_unsee(&all[i].view);
	free(all);
	return result;
}

int store_settle(struct store *store, struct err *err)
{
	struct settle settle = {.store = store};
	struct store_segments files = {0};
	uint32_t i, next;
	int result = remove_unfinished(&settle, err);

	if (result == 0)
		result = store_segment_files(store, &files, err);
	for (i = 0; result == 0 && i < files.count; i = next) {
		for (next = i + 1;
		     next < files.count && files.item[next].number == files.item[i].number;)
			next++;
		if (next > i + 1)
			result = settle_files(&settle, &files.item[i], next - i, err);
	}
	store_segments_release(&files);
	if (result == 0 && settle.is_changed)
		result = file_sync_folder(store->folder, err);
	return result;
}

/* After the catalogue knows the new file; what was dropped was proven then. */
int store_drop_older(struct store *store, struct segment_id id, struct err *err)
{
	struct settle settle = {.store = store};
	struct store_segments files;
	int result = store_segment_files(store, &files, err);
	uint32_t i;

	if (result != 0)
		return -1;
	for (i = 0; result == 0 && i < files.count; i++)
		if (files.item[i].number == id.number && files.item[i].generation < id.generation) {
			char *name = segment_name(files.item[i]);

			result = remove_file(&settle, name, err);
			free(name);
		}
	store_segments_release(&files);
	return result == 0 && settle.is_changed ? file_sync_folder(store->folder, err) : result;
}
