/* Owns:  nothing.
 * Knows: which of the mirror's files of a segment counts, and what proves that another may go.
 * Never: removes a file of which anything is proven nowhere else in the mirror. */
#include "archiver/replica/replica_private.h"

/* The mirror's file of that number that the archive has, too; NULL. */
static const struct store_file *counting(const struct replica *replica, uint32_t number)
{
	const struct store_file *ours = store_files_current(&replica->archive.files, number);

	return ours ? store_files_named(&replica->mirror.files, number, ours->generation) : NULL;
}

/* Is each file of the mirror that counts whole: 1, 0, -1. */
static int is_all_whole(struct replica *replica, struct err *err)
{
	const struct store_files *files = &replica->mirror.files;
	struct store_file_view view = {0};
	size_t i;
	int got = 1;

	for (i = 0; got == 1 && i < files->count; i++) {
		const struct store_file *file = &files->file[i];

		if (file != counting(replica, file->number))
			continue;
		if (store_file_see(replica->mirror.store, file, file->file_bytes, &view, err) != 0)
			got = -1;
		else
			got = view.is_sound && view.end == file->file_bytes;
	}
	store_file_unsee(&view);
	return got;
}

/* May the other file go: when the one that counts has all of it; or when all that the mirror has
 * is whole, for then what was dropped from that one stands elsewhere. 1, 0, -1. */
static int may_remove(struct replica *replica, const struct store_file *file,
    const struct store_file *old, struct err *err)
{
	struct store_file_view new_view = {0}, old_view = {0};
	int got = -1;

	if (store_file_see(replica->mirror.store, file, file->file_bytes, &new_view, err) == 0 &&
	    store_file_see(replica->mirror.store, old, old->file_bytes, &old_view, err) == 0) {
		got = new_view.is_sound && new_view.end == file->file_bytes &&
		    store_view_has_all(&new_view, &old_view);
		if (got == 1 && !store_view_replaces(&new_view, &old_view))
			got = is_all_whole(replica, err);
	}
	store_file_unsee(&new_view);
	store_file_unsee(&old_view);
	return got;
}

int replica_remove_others(struct replica *replica, struct err *err)
{
	const struct store_files *files = &replica->mirror.files;
	size_t i;
	int got;

	store_files_release(&replica->mirror.files);
	if (replica_list(&replica->mirror, NULL, err) != 0)
		return -1;
	for (i = 0; i < files->count; i++) {
		const struct store_file *other = &files->file[i];
		const struct store_file *file = counting(replica, other->number);

		if (!file || other == file)
			continue;
		got = may_remove(replica, file, other, err);
		if (got < 0 ||
		    (got == 1 && replica_remove(&replica->mirror, other->name, err) != 0))
			return -1;
		if (got == 0)
			replica_tell(replica,
			    "%s stays in the mirror: not all of it is proven to stand elsewhere",
			    other->name);
	}
	return 0;
}
