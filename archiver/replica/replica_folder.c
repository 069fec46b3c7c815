/* Owns:  nothing.
 * Knows: what a mirror's folder looks like, and one that is not mounted.
 * Never: fills a folder that held a mirror, or holds something else, without being told. */
#include "archiver/replica/replica_private.h"

#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FORMAT_MAX 4096
#define PART_END   ".part"

bool replica_is_there(const char *path)
{
	char *segments = file_join(path, "segments"), *format = file_join(path, "FORMAT");
	struct store_files files = {0};
	bool is_there = file_exists(format) &&
	    store_files_list(segments, NULL, &files, NULL) == 0 && files.count > 0;

	store_files_release(&files);
	free(segments);
	free(format);
	return is_there;
}

/* What an interrupted beginning leaves may stand there. */
static bool is_empty_folder(const char *path)
{
	static const char *const may_stand[] = {".", "..", "lost+found", "lock", "FORMAT.new"};
	DIR *folder = opendir(path);
	struct dirent *item;
	bool empty = true;

	while (folder && empty && (item = readdir(folder))) {
		size_t i = 0, n = sizeof may_stand / sizeof *may_stand;

		while (i < n && strcmp(item->d_name, may_stand[i]) != 0)
			i++;
		empty = i < n;
	}
	if (folder)
		closedir(folder);
	return folder && empty;
}

static int is_not_there(const struct replica *replica, struct err *err)
{
	return err_set(err, ERR_ABSENT,
	    "%s, where the mirror was, holds none now: is its disk mounted? If it is really gone, "
	    "\"mailcask mirror --new\" makes another one",
	    replica->mirror.folder);
}

/* Of a new mirror only the last folder is made: what should be above it is somebody's disk. */
static int make_folder(const struct replica *replica, struct err *err)
{
	const char *path = replica->mirror.folder;
	char *above;
	int result;

	if (mkdir(path, REPLICA_FOLDER_MODE) == 0) {
		above = file_folder_of(path);
		result = file_sync_folder(above, err);
		free(above);
		return result;
	}
	if (errno == ENOENT)
		return err_set(err, ERR_ABSENT,
		    "there is no folder above %s: is the mirror's disk mounted?", path);
	return err_os(err, errno, "cannot make the folder %s", path);
}

static int read_format(const struct replica_side *side, struct buf *text, struct err *err)
{
	char *path = file_join(side->folder, "FORMAT");
	int result;

	buf_init(text, FORMAT_MAX);
	result = file_read_all(path, text, err);
	free(path);
	return result;
}

/* 1 it has the archive's FORMAT, 0 it has none, -1. */
static int compare_formats(const struct replica *replica, struct buf *format, struct err *err)
{
	struct err why = {0};
	struct buf text;
	int result = 1;

	if (read_format(&replica->mirror, &text, &why) != 0) {
		result = why.code == ERR_ABSENT ? 0 : -1;
		if (result < 0 && err)
			*err = why;
	} else if (!bytes_equal(buf_view(&text), buf_view(format))) {
		result = err_set(err, ERR_UNSAFE,
		    "%s/FORMAT is not that of the archive: the mirror needs a folder of its own",
		    replica->mirror.folder);
	}
	buf_release(&text);
	return result;
}

/* A folder becomes a mirror by its FORMAT. */
static int fill_folder(struct replica *replica, const struct buf *format, struct err *err)
{
	char *path = file_join(replica->mirror.folder, "FORMAT");
	int result = file_replace(path, buf_view(format), 0600, err);

	free(path);
	return result;
}

/* Not filled anew without being told: an empty folder is what a disk that is not mounted looks
 * like. */
int replica_find_folder(struct replica *replica, struct err *err)
{
	const char *path = replica->mirror.folder;
	bool may_fill = !replica->has_note || replica->options->may_fill;
	struct buf format;
	int got = -1;

	if (read_format(&replica->archive, &format, err) != 0)
		goto out;
	got = compare_formats(replica, &format, err);
	if (got < 0)
		goto out;
	if (!replica_is_there(path) && !may_fill)
		got = is_not_there(replica, err);
	else if (got == 0 && !file_exists(path))
		got = make_folder(replica, err);
	else if (got == 0 && !is_empty_folder(path))
		got = err_set(err, ERR_UNSAFE,
		    "%s is not empty and holds no mirror: give the mirror a folder of its own",
		    path);
	if (got == 0)
		got = fill_folder(replica, &format, err);
	if (got >= 0)
		got = file_make_folders(replica->mirror.segments, REPLICA_FOLDER_MODE, err);
out:
	buf_release(&format);
	return got < 0 ? -1 : 0;
}

int replica_sweep(const struct replica_side *side, struct err *err)
{
	DIR *folder = opendir(side->segments);
	struct dirent *item;
	int result = 0;

	if (!folder)
		return err_os(err, errno, "cannot open %s", side->segments);
	while (result == 0 && (item = readdir(folder))) {
		size_t n = strlen(item->d_name), end = strlen(PART_END);
		uint32_t number, generation;
		char *name;

		if (n <= end || strcmp(item->d_name + n - end, PART_END) != 0)
			continue;
		name = mem_string_n(item->d_name, n - end);
		if (store_file_parse_name(name, &number, &generation))
			result = replica_remove(side, item->d_name, err);
		free(name);
	}
	closedir(folder);
	return result;
}
