/* Owns:  a buffer and perhaps an unnamed file.
 * Never: keeps more than the limit in memory. */
#include "base/spool.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void spool_init(struct spool *spool, size_t memory_max_bytes, const char *folder)
{
	memset(spool, 0, sizeof *spool);
	buf_init(&spool->memory, memory_max_bytes);
	spool->fd = -1;
	spool->folder = folder;
}

void spool_release(struct spool *spool)
{
	buf_release(&spool->memory);
	file_close(&spool->fd);
	spool->file_bytes = 0;
}

void spool_clear(struct spool *spool)
{
	buf_clear(&spool->memory);
	spool->file_bytes = 0;
	/* A failure leaves old bytes behind the end: they are never read. */
	if (spool->fd >= 0 && ftruncate(spool->fd, 0) != 0)
		file_close(&spool->fd);
}

void spool_trim(struct spool *spool, size_t kept_bytes)
{
	size_t max_bytes = spool->memory.max_bytes;

	if (spool->fd >= 0 || spool->memory.room > kept_bytes) {
		spool_release(spool);
		buf_init(&spool->memory, max_bytes);
	}
	spool_clear(spool);
}

static int open_file(struct spool *spool, struct err *err)
{
	char *name;

	if (spool->fd >= 0)
		return 0;
	spool->fd = open(spool->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (spool->fd >= 0)
		return 0;
	/* A file system without O_TMPFILE: a name for a moment. */
	name = file_join(spool->folder, ".mailcask-XXXXXX");
	spool->fd = mkostemp(name, O_CLOEXEC);
	if (spool->fd < 0)
		err_os(err, errno, "cannot make a temporary file in %s", spool->folder);
	else
		unlink(name);
	free(name);
	return spool->fd < 0 ? -1 : 0;
}

static int to_file(struct spool *spool, const void *data, size_t bytes, struct err *err)
{
	if (file_write_at(spool->fd, data, bytes, spool->file_bytes, "the temporary file", err) !=
	    0)
		return -1;
	spool->file_bytes += bytes;
	return 0;
}

static int empty_memory(struct spool *spool, struct err *err)
{
	if (open_file(spool, err) != 0 ||
	    to_file(spool, spool->memory.p, spool->memory.n, err) != 0)
		return -1;
	buf_clear(&spool->memory);
	return 0;
}

int spool_add(struct spool *spool, const void *data, size_t bytes, struct err *err)
{
	if (bytes <= spool->memory.max_bytes - spool->memory.n) {
		buf_add(&spool->memory, data, bytes);
		return 0;
	}
	if (empty_memory(spool, err) != 0)
		return -1;
	if (bytes > spool->memory.max_bytes)
		return to_file(spool, data, bytes, err);
	buf_add(&spool->memory, data, bytes);
	return 0;
}

int spool_add_fn(void *spool, const void *data, size_t bytes, struct err *err)
{
	return spool_add(spool, data, bytes, err);
}

uint64_t spool_bytes(const struct spool *spool)
{
	return spool->file_bytes + spool->memory.n;
}

ssize_t spool_read(struct spool *spool, uint64_t offset, void *data, size_t bytes, struct err *err)
{
	size_t in_file = 0, in_memory;
	ssize_t got;

	if (offset < spool->file_bytes) {
		in_file = bytes;
		if (in_file > spool->file_bytes - offset)
			in_file = (size_t)(spool->file_bytes - offset);
		got = file_read_at(spool->fd, data, in_file, offset, "the temporary file", err);
		if (got < 0)
			return -1;
		if ((size_t)got < in_file)
			return err_set(err, ERR_IO, "the temporary file has lost bytes");
		offset = spool->file_bytes;
	}
	offset -= spool->file_bytes;
	if (offset >= spool->memory.n)
		return (ssize_t)in_file;
	in_memory = spool->memory.n - (size_t)offset;
	if (in_memory > bytes - in_file)
		in_memory = bytes - in_file;
	if (in_memory > 0)
		memcpy((char *)data + in_file, spool->memory.p + offset, in_memory);
	return (ssize_t)(in_file + in_memory);
}

int spool_send(
    struct spool *spool, uint64_t offset, uint64_t bytes, spool_fn fn, void *arg, struct err *err)
{
	char part[65536];

	if (offset > spool_bytes(spool) || bytes > spool_bytes(spool) - offset)
		return err_set(err, ERR_BUG, "a range outside of what was spooled");
	while (bytes > 0) {
		size_t want = bytes < sizeof part ? (size_t)bytes : sizeof part;
		ssize_t got = spool_read(spool, offset, part, want, err);

		if (got < 0 || fn(arg, part, (size_t)got, err) != 0)
			return -1;
		offset += (uint64_t)got;
		bytes -= (uint64_t)got;
	}
	return 0;
}

bool spool_in_memory(const struct spool *spool, struct bytes *view_out)
{
	if (spool->file_bytes > 0)
		return false;
	*view_out = buf_view(&spool->memory);
	return true;
}

int spool_to_file(struct spool *spool, int *fd_out, struct err *err)
{
	if (empty_memory(spool, err) != 0)
		return -1;
	if (lseek(spool->fd, 0, SEEK_SET) != 0)
		return err_os(err, errno, "cannot rewind the temporary file");
	*fd_out = spool->fd;
	return 0;
}
