/* Owns:  zstd contexts and their buffers.
 * Knows: the frame layout of RFC 8878 section 3.1, as far as stepping over one needs it.
 * Never: trusts a size in a file for an allocation.
 * Spec:  archiver/store/FORMAT.md, "Frames"; RFC 8878 */
#include "archiver/store/frame.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#define HEADER_MAX_BYTES 18
#define BLOCK_MAX_BYTES  (128u << 10)

struct frame_packer {
	ZSTD_CCtx *context;
	char *out;
	size_t out_room;
};

struct frame_unpacker {
	ZSTD_DCtx *context;
	char *in, *out;
	size_t in_room, out_room;
	struct buf packed; /* of a frame that is read whole */
};

static int damaged(const char *path, uint64_t at, const char *what, struct err *err)
{
	return err_set(
	    err, ERR_DAMAGED, "%s: %s at offset %llu", path, what, (unsigned long long)at);
}

static uint64_t little_endian(const uint8_t *p, size_t bytes)
{
	uint64_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | p[bytes];
	return value;
}

/* The length of a data frame's header and the size of its content; false when the frame is
 * not as ours are (no size, no checksum, a dictionary, a larger window). */
static bool read_header(const uint8_t *p, size_t bytes, size_t *header_bytes, uint64_t *content)
{
	static const size_t size_bytes[] = {0, 2, 4, 8}, dictionary_bytes[] = {0, 1, 2, 4};
	unsigned descriptor = p[4], size_flag = descriptor >> 6;
	bool single = descriptor & 0x20, checksum = descriptor & 0x04;
	size_t n = 5, width = size_flag == 0 && single ? 1 : size_bytes[size_flag];

	if (!checksum || width == 0 || descriptor & 0x08 || dictionary_bytes[descriptor & 3] != 0)
		return false;
	if (!single) {
		unsigned exponent = p[5] >> 3, mantissa = p[5] & 7;

		/* The window is 2^(10 + exponent) and mantissa eighths of that. */
		if (10 + exponent + (mantissa > 0) > FRAME_WINDOW_LOG_MAX)
			return false;
		n++;
	}
	if (n + width > bytes)
		return false;
	*content = little_endian(p + n, width) + (width == 2 ? 256 : 0);
	*header_bytes = n + width;
	return !single || *content <= 1u << FRAME_WINDOW_LOG_MAX;
}

#define PAGE_BYTES 4096

ssize_t frame_read_at(
    int fd, void *data, size_t bytes, uint64_t at, const char *path, struct err *err)
{
	size_t got = 0;

	while (got < bytes) {
		size_t page = PAGE_BYTES - (size_t)((at + got) % PAGE_BYTES);
		ssize_t n = pread(fd, (char *)data + got, bytes - got, (off_t)(at + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EIO)
			return err_os(err, errno, "cannot read %s", path);
		if (n < 0) { /* a bad sector */
			n = (ssize_t)(page < bytes - got ? page : bytes - got);
			memset((char *)data + got, 0, (size_t)n);
		}
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

/* Step over the blocks, whose first header stands at *at; leave *at behind the last. */
static int step_blocks(int fd, uint64_t *at, uint64_t file_bytes, const char *path, struct err *err)
{
	uint8_t header[3];
	ssize_t got;
	bool last;

	do {
		uint32_t value, kind, size;

		got = frame_read_at(fd, header, sizeof header, *at, path, err);
		if (got < 0)
			return -1;
		if (got < (ssize_t)sizeof header)
			return damaged(path, *at, "a cut off frame", err);
		value = (uint32_t)little_endian(header, sizeof header);
		last = value & 1;
		kind = value >> 1 & 3;
		size = value >> 3;
		if (kind == 3 || size > BLOCK_MAX_BYTES)
			return damaged(path, *at, "a wrong block", err);
		*at += sizeof header + (kind == 1 ? 1 : size);
		if (*at > file_bytes)
			return damaged(path, *at, "a cut off frame", err);
	} while (!last);
	return 0;
}

int frame_measure(int fd, uint64_t at, uint64_t file_bytes, const char *path,
    struct frame_extent *out, struct err *err)
{
	uint8_t p[HEADER_MAX_BYTES] = {0};
	struct frame_extent extent = {.at = at};
	uint32_t magic;
	uint64_t end = at;
	size_t header;
	ssize_t got;

	if (at == file_bytes)
		return 0;
	got = frame_read_at(fd, p, sizeof p, at, path, err);
	if (got < 0)
		return -1;
	if (got < 8)
		return damaged(path, at, "a cut off frame", err);
	magic = (uint32_t)little_endian(p, 4);
	if ((magic & 0xfffffff0u) == FRAME_SKIP_MAGIC_LOW) {
		extent.skip_magic = magic;
		end += 8 + little_endian(p + 4, 4);
	} else if (magic != ZSTD_MAGICNUMBER ||
	    !read_header(p, (size_t)got, &header, &extent.content_bytes)) {
		return damaged(path, at, "no frame of an archive", err);
	} else {
		end += header;
		if (step_blocks(fd, &end, file_bytes, path, err) != 0)
			return -1;
		end += 4; /* checksum */
	}
	if (end > file_bytes)
		return damaged(path, at, "a cut off frame", err);
	extent.file_bytes = end - at;
	*out = extent;
	return 1;
}

/* These fail only for a parameter that does not exist, or without memory. */
static void must(size_t code)
{
	if (ZSTD_isError(code))
		mem_exhausted();
}

struct frame_packer *frame_packer_new(int level)
{
	struct frame_packer *packer = mem_zero(1, sizeof *packer);

	packer->context = ZSTD_createCCtx();
	if (!packer->context)
		mem_exhausted();
	must(ZSTD_CCtx_setParameter(packer->context, ZSTD_c_compressionLevel, level));
	must(ZSTD_CCtx_setParameter(packer->context, ZSTD_c_checksumFlag, 1));
	must(ZSTD_CCtx_setParameter(packer->context, ZSTD_c_contentSizeFlag, 1));
	packer->out_room = ZSTD_CStreamOutSize();
	packer->out = mem_alloc(packer->out_room);
	return packer;
}

void frame_packer_free(struct frame_packer *packer)
{
	if (!packer)
		return;
	ZSTD_freeCCtx(packer->context);
	free(packer->out);
	free(packer);
}

struct packing {
	struct frame_packer *packer;
	spool_fn fn;
	void *arg;
};

static int pack_some(
    struct packing *packing, ZSTD_inBuffer *in, ZSTD_EndDirective how, struct err *err)
{
	struct frame_packer *packer = packing->packer;
	size_t left;

	do {
		ZSTD_outBuffer out = {packer->out, packer->out_room, 0};

		left = ZSTD_compressStream2(packer->context, &out, in, how);
		if (ZSTD_isError(left))
			return err_set(
			    err, ERR_BUG, "zstd cannot compress: %s", ZSTD_getErrorName(left));
		if (out.pos > 0 && packing->fn(packing->arg, packer->out, out.pos, err) != 0)
			return -1;
	} while (how == ZSTD_e_end ? left > 0 : in->pos < in->size);
	return 0;
}

static int pack_piece(void *arg, const void *data, size_t bytes, struct err *err)
{
	ZSTD_inBuffer in = {data, bytes, 0};

	return pack_some(arg, &in, ZSTD_e_continue, err);
}

int frame_pack_range(struct frame_packer *packer, struct bytes before,
    const struct spool_range *range, struct bytes after, spool_fn fn, void *arg, struct err *err)
{
	struct packing packing = {packer, fn, arg};
	ZSTD_inBuffer in = {after.p, after.n, 0};
	uint64_t inside = range ? range->bytes : 0;

	must(ZSTD_CCtx_reset(packer->context, ZSTD_reset_session_only));
	must(ZSTD_CCtx_setPledgedSrcSize(packer->context, before.n + inside + after.n));
	if (before.n > 0 && pack_piece(&packing, before.p, before.n, err) != 0)
		return -1;
	if (inside > 0 &&
	    spool_send(range->spool, range->at, inside, pack_piece, &packing, err) != 0)
		return -1;
	return pack_some(&packing, &in, ZSTD_e_end, err);
}

int frame_pack(
    struct frame_packer *packer, struct bytes content, spool_fn fn, void *arg, struct err *err)
{
	return frame_pack_range(packer, (struct bytes){NULL, 0}, NULL, content, fn, arg, err);
}

struct frame_unpacker *frame_unpacker_new(void)
{
	struct frame_unpacker *unpacker = mem_zero(1, sizeof *unpacker);

	unpacker->context = ZSTD_createDCtx();
	if (!unpacker->context)
		mem_exhausted();
	must(ZSTD_DCtx_setParameter(unpacker->context, ZSTD_d_windowLogMax, FRAME_WINDOW_LOG_MAX));
	unpacker->in_room = ZSTD_DStreamInSize();
	unpacker->out_room = ZSTD_DStreamOutSize();
	buf_init(&unpacker->packed, SIZE_MAX / 2);
	unpacker->in = mem_alloc(unpacker->in_room);
	unpacker->out = mem_alloc(unpacker->out_room);
	return unpacker;
}

void frame_unpacker_free(struct frame_unpacker *unpacker)
{
	if (!unpacker)
		return;
	ZSTD_freeDCtx(unpacker->context);
	buf_release(&unpacker->packed);
	free(unpacker->in);
	free(unpacker->out);
	free(unpacker);
}

static int unpack_piece(struct frame_unpacker *unpacker, ZSTD_inBuffer *in, size_t *left,
    const struct frame_extent *extent, const char *path, spool_fn fn, void *arg, struct err *err)
{
	ZSTD_outBuffer out;

	do {
		out = (ZSTD_outBuffer){unpacker->out, unpacker->out_room, 0};
		*left = ZSTD_decompressStream(unpacker->context, &out, in);
		if (ZSTD_isError(*left))
			return damaged(path, extent->at, ZSTD_getErrorName(*left), err);
		if (out.pos > 0 && fn(arg, unpacker->out, out.pos, err) != 0)
			return -1;
	} while (*left > 0 && (in->pos < in->size || out.pos == out.size));
	return 0;
}

int frame_unpack(struct frame_unpacker *unpacker, int fd, const struct frame_extent *extent,
    const char *path, spool_fn fn, void *arg, struct err *err)
{
	uint64_t at = extent->at, end = extent->at + extent->file_bytes;
	size_t left = 1;

	must(ZSTD_DCtx_reset(unpacker->context, ZSTD_reset_session_only));
	while (at < end && left > 0) {
		size_t want = end - at < unpacker->in_room ? (size_t)(end - at) : unpacker->in_room;
		ssize_t got = frame_read_at(fd, unpacker->in, want, at, path, err);
		ZSTD_inBuffer in = {unpacker->in, (size_t)got, 0};

		if (got < 0)
			return -1;
		if ((size_t)got < want)
			return damaged(path, at, "a cut off frame", err);
		if (unpack_piece(unpacker, &in, &left, extent, path, fn, arg, err) != 0)
			return -1;
		at += in.pos;
	}
	if (left > 0 || at != end)
		return damaged(path, extent->at, "a frame of wrong length", err);
	return 0;
}

int frame_unpack_whole(struct frame_unpacker *unpacker, int fd, const struct frame_extent *extent,
    const char *path, struct buf *out, struct err *err)
{
	size_t packed_bytes = (size_t)extent->file_bytes, made;
	size_t content_bytes = (size_t)extent->content_bytes;
	char *packed, *content;
	ssize_t got;

	buf_clear(out);
	buf_clear(&unpacker->packed);
	packed = buf_reserve(&unpacker->packed, packed_bytes);
	content = buf_reserve(out, content_bytes);
	if (!packed || !content)
		return damaged(path, extent->at, "a frame that is too large", err);
	got = frame_read_at(fd, packed, packed_bytes, extent->at, path, err);
	if (got < 0)
		return -1;
	if ((size_t)got < packed_bytes)
		return damaged(path, extent->at, "a cut off frame", err);
	must(ZSTD_DCtx_reset(unpacker->context, ZSTD_reset_session_only));
	made = ZSTD_decompressDCtx(unpacker->context, content, content_bytes, packed, packed_bytes);
	if (ZSTD_isError(made))
		return damaged(path, extent->at, ZSTD_getErrorName(made), err);
	if (made != content_bytes)
		return damaged(path, extent->at, "a frame of wrong length", err);
	out->n = made;
	return 0;
}
