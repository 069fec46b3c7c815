/* zstd frames (RFC 8878) as a segment uses them: independent, content size and checksum always
 * on, no dictionary, window at most 8 MiB (windowLog 23). Between them stand skippable frames.
 *
 * A frame is measured by its headers alone, without decompressing: so a segment can be stepped
 * through at the speed of its headers. */
#ifndef ARCHIVER_STORE_FRAME_H
#define ARCHIVER_STORE_FRAME_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/spool.h"

#include <stdint.h>

#define FRAME_SKIP_MAGIC_LOW 0x184D2A50u /* ..5F: skippable */
#define FRAME_WINDOW_LOG_MAX 23

struct frame_extent {
	uint64_t at;            /* offset in the file */
	uint64_t file_bytes;    /* compressed, with headers and checksum */
	uint64_t content_bytes; /* 0 for a skippable frame */
	uint32_t skip_magic;    /* 0: a data frame */
};

/* What begins at offset "at" of a file of that size: 1 and its extent; 0 exactly at the end of
 * the file; -1: ERR_DAMAGED when no whole frame of ours stands there, or ERR_IO. */
/* As file_read_at, but what the disk cannot read (EIO) comes as zeros, a page at a time: it is
 * damage like any other, found by sums, and what is around it can be read. */
ssize_t frame_read_at(
    int fd, void *data, size_t bytes, uint64_t at, const char *path, struct err *err);

int frame_measure(int fd, uint64_t at, uint64_t file_bytes, const char *path,
    struct frame_extent *out, struct err *err);

/* Writes frames; keeps its compression context. Not shared between threads. */
struct frame_packer;

struct frame_packer *frame_packer_new(int level);
void frame_packer_free(struct frame_packer *packer);

/* One frame of content, to fn in pieces. */
int frame_pack(
    struct frame_packer *packer, struct bytes content, spool_fn fn, void *arg, struct err *err);

/* One frame of before, a range of a spool, and after. Memory does not grow with the range. */
int frame_pack_range(struct frame_packer *packer, struct bytes before,
    const struct spool_range *range, struct bytes after, spool_fn fn, void *arg, struct err *err);

/* Reads frames; keeps its context. */
struct frame_unpacker;

struct frame_unpacker *frame_unpacker_new(void);
void frame_unpacker_free(struct frame_unpacker *unpacker);

/* The content of the frame that begins at that offset, to fn in pieces, to its end: when it
 * returns 0 the frame's checksum was right. ERR_DAMAGED when it was not. */
int frame_unpack(struct frame_unpacker *unpacker, int fd, const struct frame_extent *extent,
    const char *path, spool_fn fn, void *arg, struct err *err);

/* The same, whole into out, which is emptied before: faster, since nothing is copied on the way;
 * for frames that are small, packed and unpacked. out keeps nothing when it fails. */
int frame_unpack_whole(struct frame_unpacker *unpacker, int fd, const struct frame_extent *extent,
    const char *path, struct buf *out, struct err *err);

#endif
