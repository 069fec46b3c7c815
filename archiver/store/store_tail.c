/* Owns:  nothing of its own.
 * Knows: how writing goes on in the last segment: what is behind its last batch is cut, and what
 *        of that is kept.
 * Never: cuts what a seal makes whole; throws away what may have been a batch.
 * Spec:  archiver/store/FORMAT.md, "Opening" */
#include "archiver/store/store_private.h"

#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* All bytes of a tail, to a file if there is one. */
static int read_tail(const struct segment *segment, uint64_t at, uint64_t end, int fd,
    const char *path, struct err *err)
{
	char part[65536];
	uint64_t to = 0;

	while (at < end) {
		ssize_t got = file_read_at(segment->fd, part, sizeof part, at, segment->path, err);

		if (got < 0 ||
		    (fd >= 0 && file_write_at(fd, part, (size_t)got, to, path, err) != 0))
			return -1;
		at = got > 0 ? at + (uint64_t)got : end;
		to += (uint64_t)got;
	}
	return 0;
}

/* They stay beside the segment when it is cut. */
static int keep_tail(const struct segment *segment, uint64_t at, uint64_t end, struct err *err)
{
	char *path = mem_format("%s.torn-%" PRIu64, segment->path, at);
	int fd = file_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600, err), result = -1;

	if (fd >= 0 && read_tail(segment, at, end, fd, path, err) == 0)
		result = file_sync(fd, path, err);
	file_close(&fd);
	free(path);
	return result;
}

/* A tail that holds a log, or of which nothing is known because the catalogue is gone too, may
 * have been more than an interrupted batch: 1, 0, -1. */
static int is_worth_keeping(const struct store *store, const struct segment *segment,
    const struct batch_position *last, uint64_t at, struct err *err)
{
	uint64_t mark;

	if (store->trusted.batch == 0 && last->batch > 0)
		return 1;
	return segment_find_mark(segment, at, &mark, err);
}

static int cut_tail(struct store *store, const struct segment *segment,
    const struct batch_position *last, uint64_t at, struct err *err)
{
	uint64_t bytes;
	int keep;

	if (segment_bytes(segment, &bytes, err) != 0)
		return -1;
	if (bytes <= at)
		return 0;
	/* What the disk does not give now may be a batch that it gives the next time. */
	if (read_tail(segment, at, bytes, -1, NULL, err) != 0)
		return -1;
	keep = is_worth_keeping(store, segment, last, at, err);
	if (keep < 0 || (keep == 1 && keep_tail(segment, at, bytes, err) != 0) ||
	    file_cut(segment->fd, at, segment->path, err) != 0)
		return -1;
	store->torn_bytes = bytes - at;
	return 0;
}

/* Does nothing but its seal stand behind that offset: 1, 0, -1. */
static int is_sealed_at(
    const struct store *store, const struct segment *segment, uint64_t end, struct err *err)
{
	uint64_t bytes;

	if (!segment->is_sealed || segment_bytes(segment, &bytes, err) != 0)
		return segment->is_sealed ? -1 : 0;
	return end == bytes ? 1 : segment_is_seal_whole(segment, end, store->unpacker, err);
}

int store_take_over(struct store *store, struct segment *segment, const struct batch_position *last,
    struct err *err)
{
	uint64_t at = segment->number == last->segment ? last->at : 0;
	int whole = is_sealed_at(store, segment, at, err);

	if (whole < 0)
		return -1;
	segment->is_sealed = whole == 1;
	if (!whole && cut_tail(store, segment, last, at, err) != 0)
		return -1;
	segment_close(&store->writing);
	store->writing = *segment;
	memset(segment, 0, sizeof *segment);
	segment->fd = -1;
	store->is_full = false;
	if (whole)
		return 0;
	store->at = at;
	store->is_new = at == 0;
	/* As at a commit: without its seal nothing is missing. */
	store_seal_if_due(store);
	return 0;
}
