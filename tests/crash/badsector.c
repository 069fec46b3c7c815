/* Owns:  a part of one file that the disk does not give any more.
 * Knows: read and pread of the C library.
 * Never: touches a byte of the file. */

/* A library for LD_PRELOAD. BADSECTOR=PATH:FROM:TO; reading any of these bytes fails with EIO, what
 * stands before them in the same call is given. */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
	char path[PATH_MAX];
	off_t from, to;
	bool is_known;
} bad;

static bool is_bad_file(int fd)
{
	struct stat here, there;

	if (!bad.is_known) {
		const char *said = getenv("BADSECTOR");
		long long from = 0, to = 0;

		bad.is_known = true;
		if (said && sscanf(said, "%4000[^:]:%lld:%lld", bad.path, &from, &to) == 3) {
			bad.from = from;
			bad.to = to;
		}
	}
	return bad.to > 0 && stat(bad.path, &there) == 0 && fstat(fd, &here) == 0 &&
	    here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

/* How much can be read there: bytes, or less; -1 nothing. */
static ssize_t good(int fd, size_t bytes, off_t at)
{
	if (bytes == 0 || !is_bad_file(fd) || at >= bad.to || at + (off_t)bytes <= bad.from)
		return (ssize_t)bytes;
	errno = EIO;
	return at >= bad.from ? -1 : bad.from - at;
}

ssize_t pread(int fd, void *data, size_t bytes, off_t at)
{
	ssize_t (*next)(int, void *, size_t, off_t) = dlsym(RTLD_NEXT, "pread");
	ssize_t n = good(fd, bytes, at);

	return n < 0 ? -1 : next(fd, data, (size_t)n, at);
}

ssize_t read(int fd, void *data, size_t bytes)
{
	ssize_t (*next)(int, void *, size_t) = dlsym(RTLD_NEXT, "read");
	ssize_t n = is_bad_file(fd) ? good(fd, bytes, lseek(fd, 0, SEEK_CUR)) : (ssize_t)bytes;

	return n < 0 ? -1 : next(fd, data, (size_t)n);
}

/* With large file offsets they have other names. */
ssize_t pread64(int fd, void *data, size_t bytes, off_t at) __attribute__((alias("pread")));
