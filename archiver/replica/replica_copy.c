/* Owns:  the bytes on their way, a buffer at a time.
 * Knows: the order that makes a copy safe: data, disk, read back, name, folder.
 * Never: lets a file have its name before it was read back and was the same. */
#include "archiver/replica/replica_private.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int advance(struct replica *replica, uint64_t bytes, struct err *err)
{
	const struct replica_options *options = replica->options;

	replica->done += bytes;
	return options->progress ? options->progress(options->arg, replica->done, replica->all, err)
				 : 0;
}

static int too_short(const char *path, struct err *err)
{
	return err_set(err, ERR_DAMAGED, "%s is shorter than it must be", path);
}

/* A range of a file to another, hashed as it is read. */
static int copy_range(struct replica *replica, const struct replica_piece *piece, int to,
    uint64_t to_at, const char *to_path, struct digest *digest, struct err *err)
{
	char *path = file_join(piece->side->segments, piece->name);
	int fd = file_open(path, O_RDONLY, 0, err), result = fd < 0 ? -1 : 0;
	uint64_t done = 0;

	while (result == 0 && done < piece->bytes) {
		uint64_t left = piece->bytes - done;
		size_t want = left < REPLICA_BUFFER_BYTES ? (size_t)left : REPLICA_BUFFER_BYTES;
		ssize_t got = file_read_at(fd, replica->buffer, want, piece->at + done, path, err);

		if (got <= 0) {
			result = got < 0 ? -1 : too_short(path, err);
			break;
		}
		digest_add(digest, replica->buffer, (size_t)got);
		result =
		    file_write_at(to, replica->buffer, (size_t)got, to_at + done, to_path, err);
		done += (uint64_t)got;
		if (result == 0)
			result = advance(replica, (uint64_t)got, err);
	}
	file_close(&fd);
	free(path);
	return result;
}

/* From the disk, not from memory, as far as the kernel does what it is asked: what was written
 * must be on the disk before. */
static int read_back(struct replica *replica, int fd, uint64_t from, uint64_t to, const char *path,
    const struct sha256 *want, struct err *err)
{
	struct digest *digest = digest_new();
	struct sha256 sum;
	int result = 0;

	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	while (result == 0 && from < to) {
		uint64_t left = to - from;
		size_t part = left < REPLICA_BUFFER_BYTES ? (size_t)left : REPLICA_BUFFER_BYTES;
		ssize_t got = file_read_at(fd, replica->buffer, part, from, path, err);

		if (got <= 0) {
			result = got < 0 ? -1 : too_short(path, err);
			break;
		}
		digest_add(digest, replica->buffer, (size_t)got);
		from += (uint64_t)got;
		result = advance(replica, 0, err);
	}
	digest_end(digest, &sum);
	digest_free(digest);
	if (result == 0 && !sha256_equal(&sum, want))
		result = err_set(err, ERR_IO,
		    "what was written to %s is not what is read back: its disk is not to be "
		    "trusted",
		    path);
	return result;
}

static int write_part(struct replica *replica, const struct replica_piece *piece, size_t count,
    const char *path, struct err *err)
{
	struct digest *digest = digest_new();
	struct sha256 sum;
	uint64_t at = 0;
	int fd = file_open(path, O_RDWR | O_CREAT | O_TRUNC, 0600, err), result = fd < 0 ? -1 : 0;
	size_t i;

	for (i = 0; result == 0 && i < count; i++) {
		result = copy_range(replica, &piece[i], fd, at, path, digest, err);
		at += piece[i].bytes;
	}
	digest_end(digest, &sum);
	if (result == 0 && file_sync(fd, path, err) != 0)
		result = -1;
	if (result == 0)
		result = read_back(replica, fd, 0, at, path, &sum, err);
	replica->report->bytes_copied += result == 0 ? at : 0;
	digest_free(digest);
	file_close(&fd);
	return result;
}

static int move(const char *from, const char *to, struct err *err)
{
	return rename(from, to) == 0 ? 0 : err_os(err, errno, "cannot rename %s to %s", from, to);
}

int replica_copy(struct replica *replica, const struct replica_piece *piece, size_t count,
    const struct replica_side *to, const char *name, const char *kept_name, struct err *err)
{
	char *path = file_join(to->segments, name), *part = mem_format("%s.part", path);
	char *kept = kept_name ? file_join(to->segments, kept_name) : NULL;
	int result = -1;

	if (write_part(replica, piece, count, part, err) == 0 &&
	    (!kept || move(path, kept, err) == 0) && move(part, path, err) == 0)
		result = file_sync_folder(to->segments, err);
	/* A full disk has its room back. */
	if (result != 0)
		unlink(part);
	free(path);
	free(part);
	free(kept);
	return result;
}

int replica_append(
    struct replica *replica, const char *name, uint64_t from, uint64_t to, struct err *err)
{
	struct replica_piece piece = {&replica->archive, name, from, to - from};
	char *path = file_join(replica->mirror.segments, name);
	struct digest *digest = digest_new();
	struct sha256 sum;
	int fd = file_open(path, O_RDWR, 0, err), result = -1;

	if (fd < 0 || file_cut(fd, from, path, err) != 0)
		goto out;
	result = copy_range(replica, &piece, fd, from, path, digest, err);
	digest_end(digest, &sum);
	if (result == 0 && file_sync(fd, path, err) != 0)
		result = -1;
	if (result == 0)
		result = read_back(replica, fd, from, to, path, &sum, err);
	if (result == 0)
		replica->report->bytes_copied += to - from;
	else
		(void)file_cut(fd, from, path, NULL);
out:
	digest_free(digest);
	file_close(&fd);
	free(path);
	return result;
}

static size_t same_bytes(const char *a, const char *b, size_t bytes)
{
	size_t i = 0;

	if (memcmp(a, b, bytes) == 0)
		return bytes;
	while (a[i] == b[i])
		i++;
	return i;
}

int replica_compare(struct replica *replica, const char *name, uint64_t from, uint64_t to,
    uint64_t *at_out, struct err *err)
{
	char *a = file_join(replica->archive.segments, name);
	char *b = file_join(replica->mirror.segments, name);
	int x = file_open(a, O_RDONLY, 0, err), y = x < 0 ? -1 : file_open(b, O_RDONLY, 0, err);
	int result = y < 0 ? -1 : 0;
	uint64_t at = from;

	if (y >= 0)
		posix_fadvise(y, 0, 0, POSIX_FADV_DONTNEED);
	while (result == 0 && at < to) {
		uint64_t left = to - at;
		size_t part = left < REPLICA_BUFFER_BYTES ? (size_t)left : REPLICA_BUFFER_BYTES;
		ssize_t m = file_read_at(x, replica->buffer, part, at, a, err);
		ssize_t n = m < 0 ? -1 : file_read_at(y, replica->other, part, at, b, err);
		size_t both = (size_t)(m < n ? m : n), same;

		if (n < 0) {
			result = -1;
			break;
		}
		same = same_bytes(replica->buffer, replica->other, both);
		at += same;
		if (same < part)
			break;
		result = advance(replica, 0, err);
	}
	if (result == 0)
		*at_out = at;
	file_close(&x);
	file_close(&y);
	free(a);
	free(b);
	return result;
}

int replica_rename(
    const struct replica_side *side, const char *from, const char *to, struct err *err)
{
	char *old = file_join(side->segments, from), *new = file_join(side->segments, to);
	int result = move(old, new, err);

	free(old);
	free(new);
	return result == 0 ? file_sync_folder(side->segments, err) : -1;
}

int replica_remove(const struct replica_side *side, const char *name, struct err *err)
{
	char *path = file_join(side->segments, name);
	int result =
	    unlink(path) == 0 || errno == ENOENT ? 0 : err_os(err, errno, "cannot remove %s", path);

	free(path);
	return result == 0 ? file_sync_folder(side->segments, err) : -1;
}
