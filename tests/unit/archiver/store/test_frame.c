/* archiver/store/frame.c: frames against libzstd's own answers, and what must be refused. */
#include "archiver/store/frame.h"

#include "../../suite.h"
#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <zstd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define MIB          (1u << 20)

static int collect(void *arg, const void *data, size_t bytes, struct err *err)
{
	buf_add(arg, data, bytes);
	return ((struct buf *)arg)->overflow ? err_set(err, ERR_STOPPED, "enough") : 0;
}

/* kind 0: one character, 1: text that compresses, 2: noise. */
static char *content_of(size_t bytes, int kind)
{
	char *p = mem_alloc(bytes);
	unsigned seed = (unsigned)bytes + 7;

	for (size_t i = 0; i < bytes; i++)
		p[i] = kind == 0 ? 'x'
		    : kind == 1  ? "etaoin shrdlu\r\n"[rand_r(&seed) % 15]
				 : (char)(rand_r(&seed) >> 3);
	return p;
}

static int file_of(struct bytes content)
{
	int fd = memfd_create("frames", 0);

	ck_assert_int_ge(fd, 0);
	OK(file_write(fd, content.p, content.n, "memfd", err));
	return fd;
}

static struct buf packed(int level, struct bytes content)
{
	struct frame_packer *packer = frame_packer_new(level);
	struct buf out;

	buf_init(&out, 64 * MIB);
	OK(frame_pack(packer, content, collect, &out, err));
	frame_packer_free(packer);
	return out;
}

static int unpack(int fd, const struct frame_extent *extent, struct buf *out, struct err *err)
{
	struct frame_unpacker *unpacker = frame_unpacker_new();
	int result = frame_unpack(unpacker, fd, extent, "memfd", collect, out, err);

	frame_unpacker_free(unpacker);
	return result;
}

static void check_round_trip(int level, size_t bytes, int kind)
{
	char *content = content_of(bytes, kind);
	struct buf frame = packed(level, (struct bytes){content, bytes}), again;
	struct frame_extent extent;
	int fd;

	ck_assert_uint_eq(ZSTD_findFrameCompressedSize(frame.p, frame.n), frame.n);
	ck_assert_uint_eq(ZSTD_getFrameContentSize(frame.p, frame.n), bytes);
	/* Behind other bytes and in front of others. */
	fd = memfd_create("frames", 0);
	OK(file_write(fd, "before", 6, "memfd", err));
	OK(file_write(fd, frame.p, frame.n, "memfd", err));
	OK(file_write(fd, "behind", 6, "memfd", err));
	ck_assert_int_eq(frame_measure(fd, 6, frame.n + 12, "memfd", &extent, NULL), 1);
	ck_assert_uint_eq(extent.at, 6);
	ck_assert_uint_eq(extent.file_bytes, frame.n);
	ck_assert_uint_eq(extent.content_bytes, bytes);
	ck_assert_uint_eq(extent.skip_magic, 0);
	buf_init(&again, 64 * MIB);
	OK(unpack(fd, &extent, &again, err));
	ck_assert(bytes_equal(buf_view(&again), (struct bytes){content, bytes}));
	buf_release(&again);
	buf_release(&frame);
	file_close(&fd);
	free(content);
}

START_TEST(every_level_and_size)
{
	/* Where the width of the content size, blocks and the window change. */
	static const size_t sizes[] = {0, 1, 2, 255, 256, 257, 65791, 65792, 65793, 131071, 131072,
	    131073, 262144, MIB, MIB + 512};

	for (int level = 1; level <= 19; level++)
		for (size_t i = 0; i < COUNT(sizes); i++)
			for (int kind = 0; kind < 3; kind++)
				if (level < 6 || sizes[i] < 200000 || kind == 1)
					check_round_trip(level, sizes[i], kind);
}
END_TEST

START_TEST(several_mebibytes)
{
	check_round_trip(1, 8 * MIB, 1);
	check_round_trip(1, 8 * MIB + 1, 1);
	check_round_trip(3, 20 * MIB, 1);
	check_round_trip(3, 20 * MIB, 2);
	check_round_trip(19, 9 * MIB, 0); /* the largest window that we write */
}
END_TEST

START_TEST(cut_off_at_every_byte)
{
	char *content = content_of(300000, 1);
	struct buf frame = packed(3, (struct bytes){content, 300000});
	struct frame_extent extent = {.at = 77};
	int fd = file_of(buf_view(&frame));

	for (uint64_t n = frame.n - 1; n > 0; n--) {
		OK(file_cut(fd, n, "memfd", err));
		if (n < 2000 || n % 97 == 0 || n > frame.n - 200)
			FAILS(ERR_DAMAGED, frame_measure(fd, 0, n, "memfd", &extent, err));
	}
	ck_assert_uint_eq(extent.at, 77); /* untouched */
	file_close(&fd);
	/* The end that the caller names counts as well, whatever the file holds behind it. */
	fd = file_of(buf_view(&frame));
	for (uint64_t n = 1; n < frame.n; n += n < 2000 ? 1 : 97)
		FAILS(ERR_DAMAGED, frame_measure(fd, 0, n, "memfd", &extent, err));
	ck_assert_int_eq(frame_measure(fd, 0, frame.n, "memfd", &extent, NULL), 1);
	ck_assert_int_eq(frame_measure(fd, frame.n, frame.n, "memfd", &extent, NULL), 0);
	FAILS(ERR_DAMAGED, frame_measure(fd, frame.n + 1, frame.n, "memfd", &extent, err));
	ck_assert_int_eq(frame_measure(fd, 0, 0, "memfd", &extent, NULL), 0);
	file_close(&fd);
	buf_release(&frame);
	free(content);
}
END_TEST

/* RFC 8878 section 3.1.1, by hand: magic, descriptor, window, content size, one empty raw
 * block, checksum. */
START_TEST(frames_that_are_not_ours)
{
	static const struct {
		const char *what;
		struct bytes bytes;
		bool fits;
	} frame[] = {
	    {"single segment, 1 byte of size", BYTES("\x28\xb5\x2f\xfd\x24\0\x01\0\0SUM!"), true},
	    {"window of 1 KiB, 2 bytes", BYTES("\x28\xb5\x2f\xfd\x44\0\0\0\x01\0\0SUM!"), true},
	    {"window of 8 MiB", BYTES("\x28\xb5\x2f\xfd\x44\x68\0\0\x01\0\0SUM!"), true},
	    {"window of 9 MiB", BYTES("\x28\xb5\x2f\xfd\x44\x69\0\0\x01\0\0SUM!"), false},
	    {"window of 16 MiB", BYTES("\x28\xb5\x2f\xfd\x44\x70\0\0\x01\0\0SUM!"), false},
	    {"single segment of 8 MiB", BYTES("\x28\xb5\x2f\xfd\xa4\0\0\x80\0\x01\0\0SUM!"), true},
	    {"single segment above 8 MiB", BYTES("\x28\xb5\x2f\xfd\xa4\x01\0\x80\0\x01\0\0SUM!"),
		false},
	    {"no checksum", BYTES("\x28\xb5\x2f\xfd\x20\0\x01\0\0SUM!"), false},
	    {"no content size", BYTES("\x28\xb5\x2f\xfd\x04\0\x01\0\0SUM!"), false},
	    {"a dictionary", BYTES("\x28\xb5\x2f\xfd\x25\x07\0\x01\0\0SUM!"), false},
	    {"the reserved bit", BYTES("\x28\xb5\x2f\xfd\x2c\0\x01\0\0SUM!"), false},
	    {"a reserved block", BYTES("\x28\xb5\x2f\xfd\x24\0\x07\0\0SUM!"), false},
	    {"a block above 128 KiB", BYTES("\x28\xb5\x2f\xfd\x24\0\x09\0\x10SUM!"), false},
	    {"no last block", BYTES("\x28\xb5\x2f\xfd\x24\0\0\0\0SUM!"), false},
	    {"the magic of zstd 0.7", BYTES("\x27\xb5\x2f\xfd\x24\0\x01\0\0SUM!"), false},
	    {"an RLE block", BYTES("\x28\xb5\x2f\xfd\x24\x05\x2b\0\0xSUM!"), true},
	    {"an RLE block without its byte", BYTES("\x28\xb5\x2f\xfd\x24\x05\x2b\0\0SUM"), false},
	    {"skippable, empty", BYTES("\x50\x2a\x4d\x18\0\0\0\0"), true},
	    {"skippable, 3 bytes", BYTES("\x5f\x2a\x4d\x18\x03\0\0\0abc"), true},
	    {"skippable, cut off", BYTES("\x5f\x2a\x4d\x18\x04\0\0\0abc"), false},
	    {"skippable, 4 GiB",
		BYTES("\x5f\x2a\x4d\x18\xff\xff\xff\xff"
		      "abc"),
		false},
	    {"not skippable", BYTES("\x60\x2a\x4d\x18\0\0\0\0"), false},
	    {"zeros", BYTES("\0\0\0\0\0\0\0\0\0\0\0\0"), false},
	};
	struct frame_extent extent;

	for (size_t i = 0; i < COUNT(frame); i++) {
		int fd = file_of(frame[i].bytes);
		int got = frame_measure(fd, 0, frame[i].bytes.n, "memfd", &extent, NULL);

		ck_assert_msg(got == (frame[i].fits ? 1 : -1), "%s: %d", frame[i].what, got);
		if (frame[i].fits)
			ck_assert_uint_eq(extent.file_bytes, frame[i].bytes.n);
		file_close(&fd);
	}
}
END_TEST

START_TEST(skippable_frames_tell_their_magic)
{
	struct frame_extent extent;
	int fd = file_of(BYTES("\x5a\x2a\x4d\x18\x03\0\0\0abc"));

	ck_assert_int_eq(frame_measure(fd, 0, 11, "memfd", &extent, NULL), 1);
	ck_assert_uint_eq(extent.skip_magic, 0x184D2A5A);
	ck_assert_uint_eq(extent.content_bytes, 0);
	file_close(&fd);
}
END_TEST

/* Either the frame is refused, or what comes out is what went in. */
START_TEST(a_changed_bit_never_changes_the_content)
{
	for (int kind = 0; kind < 3; kind++) {
		char *content = content_of(700, kind);
		struct buf frame = packed(3, (struct bytes){content, 700}), again;
		unsigned refused = 0;

		buf_init(&again, MIB);
		for (size_t i = 0; i < frame.n * 8; i++) {
			struct frame_extent extent;
			int fd;

			frame.p[i / 8] = (char)(frame.p[i / 8] ^ 1 << i % 8);
			fd = file_of(buf_view(&frame));
			buf_clear(&again);
			if (frame_measure(fd, 0, frame.n, "memfd", &extent, NULL) != 1 ||
			    unpack(fd, &extent, &again, NULL) != 0)
				refused++;
			else
				ck_assert(
				    bytes_equal(buf_view(&again), (struct bytes){content, 700}));
			file_close(&fd);
			frame.p[i / 8] = (char)(frame.p[i / 8] ^ 1 << i % 8);
		}
		/* Few bits have no meaning. */
		ck_assert_uint_ge(refused + 8, frame.n * 8);
		buf_release(&again);
		buf_release(&frame);
		free(content);
	}
}
END_TEST

/* The extent may come from a file that has changed since. */
START_TEST(an_extent_that_is_wrong_is_noticed)
{
	char *content = content_of(5000, 1);
	struct buf frame = packed(3, (struct bytes){content, 5000}), again;
	struct frame_extent extent;
	int fd = file_of(buf_view(&frame));

	buf_init(&again, MIB);
	ck_assert_int_eq(frame_measure(fd, 0, frame.n, "memfd", &extent, NULL), 1);
	for (int off = -9; off <= 9; off++) {
		struct frame_extent other = extent;

		other.file_bytes += (uint64_t)off;
		if (off != 0)
			FAILS(ERR_DAMAGED, unpack(fd, &other, &again, err));
	}
	extent.at++;
	FAILS(ERR_DAMAGED, unpack(fd, &extent, &again, err));
	file_close(&fd);
	buf_release(&again);
	buf_release(&frame);
	free(content);
}
END_TEST

START_TEST(a_range_between_two_texts)
{
	struct frame_packer *packer = frame_packer_new(3);
	char *content = content_of(3 * MIB, 1);
	static const size_t sizes[] = {0, 1, 512, 65536, 3 * MIB - 10};

	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct spool spool;
		struct spool_range range = {&spool, 10, sizes[i]};
		struct buf frame;
		char *again = mem_alloc(sizes[i] + 9);

		spool_init(&spool, MIB, "/tmp");
		OK(spool_add(&spool, content, 3 * MIB, err));
		buf_init(&frame, 64 * MIB);
		OK(frame_pack_range(
		    packer, BYTES("head"), &range, BYTES("after"), collect, &frame, err));
		ck_assert_uint_eq(
		    ZSTD_decompress(again, sizes[i] + 9, frame.p, frame.n), sizes[i] + 9);
		ck_assert_mem_eq(again, "head", 4);
		ck_assert_mem_eq(again + 4, content + 10, sizes[i]);
		ck_assert_mem_eq(again + 4 + sizes[i], "after", 5);
		free(again);
		buf_release(&frame);
		spool_release(&spool);
	}
	frame_packer_free(packer);
	free(content);
}
END_TEST

START_TEST(a_failure_on_the_way_leaves_the_packer_usable)
{
	struct frame_packer *packer = frame_packer_new(1);
	char *content = content_of(MIB, 2);
	struct bytes view = {content, MIB};
	struct frame_extent extent;
	struct buf small, whole;
	int fd;

	for (size_t room = 0; room < MIB; room = room * 2 + 1) {
		buf_init(&small, room);
		FAILS(ERR_STOPPED, frame_pack(packer, view, collect, &small, err));
		buf_release(&small);
	}
	buf_init(&whole, 2 * MIB);
	OK(frame_pack(packer, view, collect, &whole, err));
	frame_packer_free(packer);
	fd = file_of(buf_view(&whole));
	ck_assert_int_eq(frame_measure(fd, 0, whole.n, "memfd", &extent, NULL), 1);
	for (size_t room = 0; room < MIB; room = room * 2 + 1) {
		buf_init(&small, room);
		FAILS(ERR_STOPPED, unpack(fd, &extent, &small, err));
		buf_release(&small);
	}
	file_close(&fd);
	buf_release(&whole);
	free(content);
}
END_TEST

START_TEST(nothing_to_free)
{
	frame_packer_free(NULL);
	frame_unpacker_free(NULL);
}
END_TEST

SUITE(every_level_and_size, several_mebibytes, cut_off_at_every_byte, frames_that_are_not_ours,
    skippable_frames_tell_their_magic, a_changed_bit_never_changes_the_content,
    an_extent_that_is_wrong_is_noticed, a_range_between_two_texts,
    a_failure_on_the_way_leaves_the_packer_usable, nothing_to_free)
