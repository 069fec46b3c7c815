/* Owns:  PATH.part, while it is open.
 * Knows: the order that makes a file whole: written, on the disk, then named.
 * Never: replaces what has the name. */
#include "app/partfile.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int name_is_taken(const char *path, struct err *err)
{
	return err_set(err, ERR_USAGE, "%s exists already", path);
}

/* Ours alone, and still the file of that name: its writer may have renamed or removed it
 * between our open and our lock. 1, 0: try again, -1. */
static int own(const struct partfile *file, struct err *err)
{
	struct stat ours, named;

	if (flock(file->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return err_set(
		    err, ERR_LOCKED, "%s is being written by another program", file->part);
	if (fstat(file->fd, &ours) != 0)
		return err_os(err, errno, "cannot examine %s", file->part);
	if (!S_ISREG(ours.st_mode))
		return err_set(err, ERR_USAGE, "%s is no file", file->part);
	return lstat(file->part, &named) == 0 && ours.st_dev == named.st_dev &&
	    ours.st_ino == named.st_ino;
}

static int open_part(struct partfile *file, struct err *err)
{
	int owned = 0;

	while (owned == 0) {
		file_close(&file->fd);
		file->fd =
		    file_open(file->part, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600, err);
		owned = file->fd < 0 ? -1 : own(file, err);
	}
	if (owned == 1 && file_cut(file->fd, 0, file->part, err) == 0)
		return 0;
	file_close(&file->fd);
	return -1;
}

static void release(struct partfile *file)
{
	file_close(&file->fd);
	free(file->path);
	free(file->part);
	file->path = file->part = NULL;
}

int partfile_begin(struct partfile *file, const char *path, struct err *err)
{
	struct stat st;

	*file = (struct partfile){.fd = -1};
	if (lstat(path, &st) == 0)
		return name_is_taken(path, err);
	file->path = mem_string(path);
	file->part = mem_format("%s.part", path);
	if (open_part(file, err) == 0)
		return 0;
	release(file);
	return -1;
}

/* Not every file system can do it in one step. */
static int rename_new(const struct partfile *file, struct err *err)
{
	struct stat st;

	if (renameat2(AT_FDCWD, file->part, AT_FDCWD, file->path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno == EEXIST || lstat(file->path, &st) == 0)
		return name_is_taken(file->path, err);
	if ((errno == EINVAL || errno == ENOSYS || errno == ENOTSUP) &&
	    rename(file->part, file->path) == 0)
		return 0;
	return err_os(err, errno, "cannot rename %s to %s", file->part, file->path);
}

int partfile_commit(struct partfile *file, struct err *err)
{
	if (file->fd < 0)
		return 0;
	if (file_sync(file->fd, file->part, err) != 0 || rename_new(file, err) != 0) {
		partfile_abort(file);
		return -1;
	}
	release(file);
	return 0;
}

void partfile_abort(struct partfile *file)
{
	if (file->fd >= 0)
		unlink(file->part);
	release(file);
}
