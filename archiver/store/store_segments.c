/* Owns:  the list that it makes.
 * Knows: which files of the folder are the archive's segments.
 * Never: takes one segment twice, or goes on over a number that is missing.
 * Spec:  archiver/store/FORMAT.md, "The folder" */
#include "archiver/store/store_private.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

static int compare_ids(const void *a, const void *b)
{
	const struct segment_id *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->generation < y->generation ? -1 : x->generation > y->generation;
}

static void keep_first_generations(struct store_segments *segments)
{
	uint32_t i, kept = 0;

	for (i = 0; i < segments->count; i++) {
		if (kept == 0 || segments->item[kept - 1].number != segments->item[i].number)
			segments->item[kept++] = segments->item[i];
	}
	segments->count = kept;
}

static int check_numbers(
    const struct store *store, const struct store_segments *segments, struct err *err)
{
	uint32_t last = segments->count > 0 ? segments->item[segments->count - 1].number : 0;

	if (segments->count == last)
		return 0;
	err_set(err, ERR_DAMAGED, "%s: of %u segments %u are missing", store->folder, last,
	    last - segments->count);
	err_class(err, RETRY_NEVER, SCOPE_ARCHIVE);
	return -1;
}

int store_segment_files(const struct store *store, struct store_segments *out, struct err *err)
{
	DIR *folder = opendir(store->folder);
	struct store_segments found = {0};
	struct segment_id id;
	struct dirent *item;
	size_t room = 0;

	if (!folder && errno == ENOENT)
		return err_set(err, ERR_ABSENT, "%s does not exist", store->folder);
	if (!folder)
		return err_os(err, errno, "cannot open %s", store->folder);
	while ((item = readdir(folder)))
		if (segment_parse_name(item->d_name, &id)) {
			found.item =
			    mem_grow(found.item, &room, found.count + 1, sizeof *found.item);
			found.item[found.count++] = id;
		}
	closedir(folder);
	if (found.count > 0)
		qsort(found.item, found.count, sizeof *found.item, compare_ids);
	*out = found;
	return 0;
}

int store_segments(const struct store *store, struct store_segments *out, struct err *err)
{
	struct store_segments found;

	if (store_segment_files(store, &found, err) != 0)
		return -1;
	keep_first_generations(&found);
	if (check_numbers(store, &found, err) != 0) {
		store_segments_release(&found);
		return -1;
	}
	*out = found;
	return 0;
}

void store_segments_release(struct store_segments *segments)
{
	free(segments->item);
	*segments = (struct store_segments){NULL, 0};
}

int store_find_segment(
    const struct store *store, uint32_t number, struct segment_id *out, struct err *err)
{
	struct store_segments segments;
	int result = 0;

	if (store_segments(store, &segments, err) != 0)
		return -1;
	if (number > 0 && number <= segments.count)
		*out = segments.item[number - 1];
	else
		result = err_set(err, ERR_ABSENT, "there is no segment %u", number);
	store_segments_release(&segments);
	return result;
}

int store_size(struct store *store, uint64_t *bytes_out, uint32_t *count_out, struct err *err)
{
	struct store_segments segments;
	struct segment segment;
	uint64_t bytes, all = 0;
	uint32_t i;
	int result = 0;

	if (store_segments(store, &segments, err) != 0)
		return -1;
	for (i = 0; result == 0 && i < segments.count; i++) {
		result = segment_open(&segment, store->folder, segments.item[i], O_RDONLY, err);
		if (result != 0)
			break;
		result = segment_bytes(&segment, &bytes, err);
		segment_close(&segment);
		all += result == 0 ? bytes : 0;
	}
	if (result == 0) {
		*bytes_out = all;
		*count_out = segments.count;
	}
	store_segments_release(&segments);
	return result;
}
