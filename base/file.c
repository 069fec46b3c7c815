/* Owns:  descriptors only while a call runs, and those it returns.
 * Knows: the order that makes a file durable.
 * Never: reports success for bytes that the kernel did not take. */
#include "base/file.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

int file_open(const char *path, int flags, mode_t mode, struct err *err)
{
	int fd;

	do
		fd = open(path, flags | O_CLOEXEC, mode);
	while (fd < 0 && errno == EINTR);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_ABSENT, "%s does not exist", path);
	if (fd < 0)
		return err_os(err, errno, "cannot open %s", path);
	return fd;
}

int file_check_ordinary(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) != 0 || S_ISREG(st.st_mode))
		return 0; /* whoever opens it says what is wrong */
	return err_set(err, ERR_DAMAGED, "%s is no ordinary file", path);
}

void file_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int file_write(int fd, const void *data, size_t bytes, const char *path, struct err *err)
{
	const char *p = data;

	while (bytes > 0) {
		ssize_t n = write(fd, p, bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_os(err, n == 0 ? EIO : errno, "cannot write %s", path);
		p += n;
		bytes -= (size_t)n;
	}
	return 0;
}

int file_write_at(
    int fd, const void *data, size_t bytes, uint64_t offset, const char *path, struct err *err)
{
	const char *p = data;

	while (bytes > 0) {
		ssize_t n = pwrite(fd, p, bytes, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_os(err, n == 0 ? EIO : errno, "cannot write %s", path);
		p += n;
		offset += (uint64_t)n;
		bytes -= (size_t)n;
	}
	return 0;
}

ssize_t file_read_at(
    int fd, void *data, size_t bytes, uint64_t offset, const char *path, struct err *err)
{
	size_t got = 0;

	while (got < bytes) {
		ssize_t n = pread(fd, (char *)data + got, bytes - got, (off_t)(offset + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_os(err, errno, "cannot read %s", path);
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

int file_size(int fd, uint64_t *bytes_out, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_os(err, errno, "cannot examine %s", path);
	*bytes_out = (uint64_t)st.st_size;
	return 0;
}

int file_cut(int fd, uint64_t bytes, const char *path, struct err *err)
{
	if (ftruncate(fd, (off_t)bytes) != 0)
		return err_os(err, errno, "cannot cut %s", path);
	return 0;
}

int file_sync(int fd, const char *path, struct err *err)
{
	if (fdatasync(fd) != 0)
		return err_os(err, errno, "cannot bring %s to the disk", path);
	return 0;
}

int file_sync_folder(const char *path, struct err *err)
{
	int fd = file_open(path, O_RDONLY | O_DIRECTORY, 0, err), result = 0;

	if (fd < 0)
		return -1;
	/* Some network file systems know no fsync of a folder: nothing is lost by asking. */
	if (fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP)
		result = err_os(err, errno, "cannot bring the folder %s to the disk", path);
	close(fd);
	return result;
}

int file_read_all(const char *path, struct buf *text, struct err *err)
{
	int fd = file_open(path, O_RDONLY, 0, err), result = -1;
	char part[65536];
	ssize_t n;

	if (fd < 0)
		return -1;
	do {
		do
			n = read(fd, part, sizeof part);
		while (n < 0 && errno == EINTR);
		if (n < 0) {
			err_os(err, errno, "cannot read %s", path);
			goto out;
		}
		buf_add(text, part, (size_t)n);
		if (text->overflow) {
			err_set(
			    err, ERR_LIMIT, "%s is larger than %zu bytes", path, text->max_bytes);
			goto out;
		}
	} while (n > 0);
	result = 0;
out:
	file_close(&fd);
	return result;
}

int file_replace(const char *path, struct bytes text, mode_t mode, struct err *err)
{
	char *temporary = mem_format("%s.new", path), *folder = file_folder_of(path);
	int fd = -1, result = -1;

	unlink(temporary);
	fd = file_open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode, err);
	if (fd < 0)
		goto out;
	/* The order matters: the bytes must be on the disk before the name points at them, and
	 * the name before anybody is told that it is done. */
	if (file_write(fd, text.p, text.n, temporary, err) != 0 ||
	    file_sync(fd, temporary, err) != 0)
		goto out;
	if (close(fd) != 0) {
		fd = -1;
		err_os(err, errno, "cannot write %s", temporary);
		goto out;
	}
	fd = -1;
	if (rename(temporary, path) != 0) {
		err_os(err, errno, "cannot rename %s to %s", temporary, path);
		goto out;
	}
	result = file_sync_folder(folder, err);
out:
	if (result != 0)
		unlink(temporary);
	file_close(&fd);
	free(temporary);
	free(folder);
	return result;
}

/* One folder; when it is new its name is brought to the disk as well. */
static int make_folder(const char *path, mode_t mode, struct err *err)
{
	struct stat st;

	if (mkdir(path, mode) == 0) {
		char *above = file_folder_of(path);
		int result = file_sync_folder(above, err);

		free(above);
		return result;
	}
	if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	return err_os(err, errno == EEXIST ? ENOTDIR : errno, "cannot make the folder %s", path);
}

int file_make_folders(const char *path, mode_t mode, struct err *err)
{
	char *part = mem_string(path), *slash;
	int result = 0;

	for (slash = strchr(part, '/'); result == 0 && slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (part[0] && !file_exists(part))
			result = make_folder(part, mode, err);
		*slash = '/';
	}
	if (result == 0)
		result = make_folder(part, mode, err);
	free(part);
	return result;
}

bool file_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

int file_lock(const char *path, struct err *err)
{
	int fd = file_open(path, O_RDWR | O_CREAT, 0600, err), got;

	if (fd < 0)
		return -1;
	do
		got = flock(fd, LOCK_EX | LOCK_NB);
	while (got != 0 && errno == EINTR);
	if (got == 0)
		return fd;
	if (errno == EWOULDBLOCK)
		err_set(err, ERR_LOCKED, "another process holds %s", path);
	else
		err_os(err, errno, "cannot lock %s", path);
	file_close(&fd);
	return -1;
}

int file_free_bytes(const char *path, uint64_t *bytes_out, struct err *err)
{
	struct statvfs fs;

	if (statvfs(path, &fs) != 0)
		return err_os(err, errno, "cannot ask for the free space of %s", path);
	*bytes_out = (uint64_t)fs.f_bavail * (uint64_t)fs.f_frsize;
	return 0;
}

char *file_join(const char *folder, const char *name)
{
	return mem_format("%s/%s", folder, name);
}

char *file_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return mem_string(".");
	return mem_string_n(path, slash == path ? 1 : (size_t)(slash - path));
}

char *file_expand_home(const char *path)
{
	const char *home = getenv("HOME");

	if (path[0] == '~' && (path[1] == '/' || path[1] == '\0') && home && home[0])
		return mem_format("%s%s", home, path + 1);
	return mem_string(path);
}
