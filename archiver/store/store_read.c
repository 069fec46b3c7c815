/* Owns:  the segment that is read and the content of one frame at hand.
 * Knows: how an entry stands in its frame.
 * Never: passes bytes of an entry whose header is not the one asked for. */
#include "archiver/store/store_private.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int open_segment(
    const struct store *store, struct store_reader *reader, struct segment_id id, struct err *err)
{
	if (reader->segment.fd >= 0 && reader->segment.number == id.number &&
	    reader->segment.generation == id.generation)
		return 0;
	segment_close(&reader->segment);
	reader->segment.fd = -1;
	reader->cached_at = UINT64_MAX;
	if (segment_open(&reader->segment, store->folder, id, O_RDONLY, err) == 0)
		return 0;
	reader->segment.fd = -1;
	if (err && err->code == ERR_ABSENT)
		err_set(err, ERR_DAMAGED, "segment %u is missing", id.number);
	return -1;
}

static int measure(
    const struct segment *segment, uint64_t frame_at, struct frame_extent *extent, struct err *err)
{
	uint64_t bytes;
	int got = 0;

	if (segment_bytes(segment, &bytes, err) != 0)
		return -1;
	if (frame_at < bytes)
		got = frame_measure(segment->fd, frame_at, bytes, segment->path, extent, err);
	if (got < 0 || (got == 1 && extent->skip_magic == 0))
		return got < 0 ? -1 : 0;
	return err_set(
	    err, ERR_DAMAGED, "%s: no frame at offset %" PRIu64, segment->path, frame_at);
}

static int fill_cache(void *arg, const void *data, size_t bytes, struct err *err)
{
	(void)err;
	buf_add(arg, data, bytes);
	return 0;
}

static int check_head(const struct segment *segment, const char *block,
    const struct store_entry *entry, int64_t *mtime_out, struct err *err)
{
	char name[TARHEAD_NAME_BYTES];
	struct tarhead head;

	store_entry_name(entry, name);
	if (tarhead_parse(block, &head, NULL) == 1 && strcmp(head.name, name) == 0 &&
	    head.content_bytes == entry->content_bytes) {
		*mtime_out = head.mtime_unix;
		return 0;
	}
	return err_set(err, ERR_DAMAGED, "%s: %s is not where it should be", segment->path, name);
}

/* A small frame is unpacked whole (so its checksum is known to be right), and kept. */
static int cache_frame(struct frame_unpacker *unpacker, struct store_reader *reader,
    const struct frame_extent *extent, struct err *err)
{
	buf_clear(&reader->cache);
	reader->cached_at = UINT64_MAX;
	if (frame_unpack(unpacker, reader->segment.fd, extent, reader->segment.path, fill_cache,
		&reader->cache, err) != 0)
		return -1;
	reader->cached_at = extent->at;
	return 0;
}

static int read_cached(const struct store_reader *reader, uint64_t entry_at,
    const struct store_entry *entry, int64_t *mtime_out, spool_fn fn, void *arg, struct err *err)
{
	const char *content;

	if (entry_at > reader->cache.n ||
	    batch_entry_bytes(entry->content_bytes) > reader->cache.n - entry_at)
		return err_set(err, ERR_DAMAGED, "%s: a frame is too short", reader->segment.path);
	content = reader->cache.p + entry_at;
	if (check_head(&reader->segment, content, entry, mtime_out, err) != 0)
		return -1;
	return fn(arg, content + TARHEAD_BYTES, (size_t)entry->content_bytes, err);
}

/* A large frame: one entry, streamed. */
struct large {
	const struct segment *segment;
	const struct store_entry *entry;
	int64_t *mtime_out;
	char head[TARHEAD_BYTES];
	size_t head_bytes;
	uint64_t left;
	spool_fn fn;
	void *arg;
};

static int stream_large(void *arg, const void *data, size_t bytes, struct err *err)
{
	struct large *large = arg;
	const char *p = data;
	size_t n = TARHEAD_BYTES - large->head_bytes;

	if (n > bytes)
		n = bytes;
	if (n > 0) {
		memcpy(large->head + large->head_bytes, p, n);
		large->head_bytes += n;
		if (large->head_bytes == TARHEAD_BYTES &&
		    check_head(large->segment, large->head, large->entry, large->mtime_out, err) !=
			0)
			return -1;
		p += n;
		bytes -= n;
	}
	if (bytes > large->left)
		bytes = (size_t)large->left;
	large->left -= bytes;
	return bytes > 0 ? large->fn(large->arg, p, bytes, err) : 0;
}

static int read_large(struct frame_unpacker *unpacker, const struct segment *segment,
    const struct frame_extent *extent, struct large *large, struct err *err)
{
	large->segment = segment;
	large->left = large->entry->content_bytes;
	if (frame_unpack(unpacker, segment->fd, extent, segment->path, stream_large, large, err) !=
	    0)
		return -1;
	if (large->left > 0 || large->head_bytes < TARHEAD_BYTES)
		return err_set(err, ERR_DAMAGED, "%s: a frame is too short", segment->path);
	return 0;
}

int store_read_with_mtime(struct store *store, struct segment_id segment,
    const struct batch_place *place, const struct store_entry *entry, int64_t *mtime_out,
    spool_fn fn, void *arg, struct err *err)
{
	struct store_reader *reader =
	    entry->kind == EVENT_BLOB ? &store->blob_reader : &store->mail_reader;
	struct large large = {.entry = entry, .mtime_out = mtime_out, .fn = fn, .arg = arg};
	struct frame_extent extent;

	if (open_segment(store, reader, segment, err) != 0)
		return -1;
	if (place->frame_at == BATCH_NOWHERE)
		return err_set(err, ERR_DAMAGED, "its stored copy is gone");
	if (reader->cached_at != place->frame_at) {
		if (measure(&reader->segment, place->frame_at, &extent, err) != 0)
			return -1;
		if (extent.content_bytes > reader->cache.max_bytes && place->entry_at == 0)
			return read_large(store->unpacker, &reader->segment, &extent, &large, err);
		if (extent.content_bytes > reader->cache.max_bytes)
			return err_set(
			    err, ERR_DAMAGED, "%s: a frame is too large", reader->segment.path);
		if (cache_frame(store->unpacker, reader, &extent, err) != 0)
			return -1;
	}
	return read_cached(reader, place->entry_at, entry, mtime_out, fn, arg, err);
}

int store_read(struct store *store, struct segment_id segment, const struct batch_place *place,
    const struct store_entry *entry, spool_fn fn, void *arg, struct err *err)
{
	int64_t mtime;

	return store_read_with_mtime(store, segment, place, entry, &mtime, fn, arg, err);
}

int store_forget_cached(struct store *store, struct err *err)
{
	struct store_segments segments;
	struct segment segment;
	uint32_t i;
	int result = 0;

	store->mail_reader.cached_at = store->blob_reader.cached_at = UINT64_MAX;
	if (store_segments(store, &segments, err) != 0)
		return -1;
	for (i = 0; result == 0 && i < segments.count; i++) {
		result = segment_open(&segment, store->folder, segments.item[i], O_RDONLY, err);
		if (result == 0)
			posix_fadvise(segment.fd, 0, 0, POSIX_FADV_DONTNEED);
		segment_close(&segment);
	}
	store_segments_release(&segments);
	return result;
}
