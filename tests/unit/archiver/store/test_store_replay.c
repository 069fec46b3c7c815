/* archiver/store/store_replay.c: whatever a crash leaves at the end of the last segment is cut,
 * and nothing of what was committed (FORMAT.md, "Opening"). */
#include "ground.h"

#define SMALL 300 /* bytes of the entries of a small batch */

static struct ground g;

static struct ground_item three[9]; /* of three_batches() */

static uint64_t bytes_of_segment(unsigned segment)
{
	struct buf text = ground_file(&g, segment);
	uint64_t bytes = text.n;

	buf_release(&text);
	return bytes;
}

/* What was kept of a tail that began there; for free(). */
static char *kept_path(uint64_t at)
{
	return mem_format("%s/000001.tar.zst.torn-%d", g.folder, (int)at);
}

static bool is_kept(uint64_t at)
{
	char *path = kept_path(at);
	bool there = file_exists(path);

	free(path);
	return there;
}

/* ---- torn tails ---- */

static void check_goes_on(void)
{
	ground_batch(&g, 40);
	ground_check(&g);
	ck_assert_uint_eq(ground_faults(&g, false), 0);
	ground_open(&g);
	ground_check(&g);
}

/* What was written of a third batch, as it may stand on the disk, behind two that are safe. */
static void check_recovery(const struct buf *file, uint64_t safe, size_t bytes)
{
	uint64_t damaged, torn;
	bool whole;

	ground_empty(&g);
	ground_write(&g, 1, (struct bytes){file->p, bytes});
	g.batches = 2;
	g.items = g.committed = 6;
	memcpy(g.item, three, sizeof three);
	OK(ground_try_open(&g, err));
	whole = store_end(g.store)->batch == 3;
	store_replay_report(g.store, &damaged, &torn);
	ck_assert_uint_eq(bytes_of_segment(1), whole ? file->n : safe);
	ck_assert_uint_eq(torn, whole ? bytes - file->n : bytes - safe);
	ck_assert(whole || store_end(g.store)->batch == 2);
	if (whole) {
		g.batches = 3;
		g.items = g.committed = 9;
	}
	ground_check(&g);
}

static struct buf three_batches(uint64_t *safe_out)
{
	struct buf file;

	ground_begin(&g);
	ground_open(&g);
	ground_batch(&g, SMALL);
	ground_batch(&g, SMALL);
	*safe_out = bytes_of_segment(1);
	ground_batch(&g, SMALL);
	file = ground_file(&g, 1);
	ck_assert_uint_eq(file.n, g.end.at);
	memcpy(three, g.item, sizeof three);
	return file;
}

START_TEST(a_torn_tail_of_every_length_is_cut)
{
	uint64_t safe;
	struct buf file = three_batches(&safe);

	for (size_t n = safe; n <= file.n; n++) {
		check_recovery(&file, safe, n);
		ck_assert(store_end(g.store)->batch == (n == file.n ? 3 : 2));
		if (n % 50 == 0)
			check_goes_on();
	}
	buf_release(&file);
	ground_end(&g);
}
END_TEST

/* Before fdatasync returns, the file may have its length and not its bytes. */
START_TEST(a_tail_with_holes_is_cut)
{
	uint64_t safe;
	struct buf file = three_batches(&safe);
	size_t hole;

	for (hole = 1; hole <= 512; hole *= 8)
		for (size_t at = safe; at < file.n; at += hole) {
			struct buf holed;
			size_t n = at + hole < file.n ? hole : file.n - at;

			buf_init(&holed, 1 << 20);
			buf_bytes(&holed, buf_view(&file));
			memset(holed.p + at, 0, n);
			if (memcmp(holed.p, file.p, file.n) != 0) {
				check_recovery(&holed, safe, holed.n);
				/* A field that nobody needs may be zero. */
				if (hole > 8)
					ck_assert_uint_eq(store_end(g.store)->batch, 2);
				if (at % 100 < hole)
					check_goes_on();
			}
			buf_release(&holed);
		}
	buf_release(&file);
	ground_end(&g);
}
END_TEST

/* Behind the second batch: noise, or zeros, or a mark and no log behind it. */
static struct buf with_junk(const struct buf *file, uint64_t safe, unsigned round, unsigned *seed)
{
	size_t n = (size_t)rand_r(seed) % 5000 + 1;
	struct buf other;

	buf_init(&other, 1 << 20);
	buf_add(&other, file->p, safe);
	for (size_t i = 0; i < n; i++)
		buf_char(&other, round % 3 == 0 ? 0 : (char)(rand_r(seed) >> 3));
	if (round % 3 == 2)
		buf_add(&other, "\x5a\x2a\x4d\x18\x18\0\0\0mailcask log\r\n\x1a\0........", 32);
	return other;
}

/* Where the catalogue is gone, too, the bytes are kept. */
START_TEST(a_tail_of_anything_is_cut)
{
	uint64_t safe;
	struct buf file = three_batches(&safe);
	unsigned seed = 5;

	for (unsigned round = 0; round < 300; round++) {
		struct buf other = with_junk(&file, safe, round, &seed);

		check_recovery(&other, safe, other.n);
		ck_assert(is_kept(safe));
		buf_release(&other);
	}
	buf_release(&file);
	ground_end(&g);
}
END_TEST

/* Whoever knows what was committed keeps only what held a log. */
START_TEST(a_tail_behind_what_is_known)
{
	struct batch_position second;
	uint64_t safe;
	struct buf file = three_batches(&safe);
	unsigned seed = 6;

	ground_write(&g, 1, (struct bytes){file.p, safe});
	ground_open(&g);
	second = *store_end(g.store);
	for (unsigned round = 0; round < 300; round++) {
		struct buf other = with_junk(&file, safe, round, &seed);

		ground_empty(&g);
		ground_write(&g, 1, buf_view(&other));
		store_close(g.store);
		OK(store_open(&g.store, &g.options, err));
		OK(store_replay(g.store, &second, ground_nothing, NULL, err));
		ck_assert_uint_eq(bytes_of_segment(1), safe);
		ck_assert(is_kept(safe) == (round % 3 == 2));
		buf_release(&other);
	}
	buf_release(&file);
	ground_end(&g);
}
END_TEST

/* The last batch of an archive whose catalogue is gone: it may be a crash, it may be a disk
 * that forgets. It is cut, and its bytes stay. */
START_TEST(a_tail_that_is_kept_is_complete)
{
	uint64_t safe;
	struct buf file = three_batches(&safe), kept;
	char *path = kept_path(safe);

	file.p[file.n - 6] ^= 1;
	check_recovery(&file, safe, file.n);
	ck_assert_uint_eq(store_end(g.store)->batch, 2);
	buf_init(&kept, 1 << 20);
	OK(file_read_all(path, &kept, err));
	ck_assert_uint_eq(kept.n, file.n - safe);
	ck_assert_mem_eq(kept.p, file.p + safe, kept.n);
	buf_release(&kept);
	buf_release(&file);
	free(path);
	ground_end(&g);
}
END_TEST

/* A caller that knows of the batch is not told that it never was. */
START_TEST(a_known_batch_is_never_cut)
{
	struct batch_position end;
	uint64_t safe;
	struct buf file = three_batches(&safe);

	end = g.end;
	for (size_t at = safe; at < file.n; at += 7) {
		file.p[at] ^= 4;
		ground_write(&g, 1, buf_view(&file));
		store_close(g.store);
		OK(store_open(&g.store, &g.options, err));
		OK(store_replay(g.store, &end, ground_nothing, NULL, err));
		ck_assert_uint_eq(bytes_of_segment(1), file.n);
		store_close(g.store);
		OK(store_open(&g.store, &g.options, err));
		store_trust(g.store, 3);
		(void)store_replay(
		    g.store, &(struct batch_position){0}, ground_nothing, NULL, NULL);
		ck_assert_uint_eq(bytes_of_segment(1), file.n);
		file.p[at] ^= 4;
	}
	ground_write(&g, 1, buf_view(&file));
	buf_release(&file);
	ground_open(&g);
	check_goes_on();
	ground_end(&g);
}
END_TEST

START_TEST(a_first_batch_that_is_torn)
{
	struct buf file;

	ground_begin(&g);
	ground_open(&g);
	ground_batch(&g, SMALL);
	file = ground_file(&g, 1);
	for (size_t n = 0; n < file.n; n++) {
		ground_empty(&g);
		ground_write(&g, 1, (struct bytes){file.p, n});
		ground_open(&g);
		ck_assert_uint_eq(store_end(g.store)->batch, 0);
		ck_assert_uint_eq(bytes_of_segment(1), 0);
	}
	g.items = g.committed = 0;
	g.batches = 0;
	ck_assert_uint_eq(ground_faults(&g, false), 0);
	check_goes_on();
	buf_release(&file);
	ground_end(&g);
}
END_TEST

/* ---- the seal ---- */

START_TEST(a_seal_that_was_interrupted_is_made_again)
{
	struct buf file;
	uint64_t end;

	ground_begin(&g);
	g.options.segment_bytes = 3000;
	ground_open(&g);
	while (g.end.at < 3000)
		ground_batch(&g, SMALL);
	end = g.end.at;
	file = ground_file(&g, 1);
	ck_assert_uint_gt(file.n, end);
	for (size_t n = end; n <= file.n; n++) {
		for (int zeros = 0; zeros < 2; zeros++) {
			struct buf other;

			buf_init(&other, 1 << 20);
			buf_bytes(&other, buf_view(&file));
			if (zeros) /* a hole that ends at n */
				memset(other.p + end, 0, n - end);
			else
				buf_cut(&other, n);
			ground_write(&g, 1, buf_view(&other));
			ground_open(&g);
			buf_release(&other);
			other = ground_file(&g, 1);
			ck_assert(bytes_equal(buf_view(&other), buf_view(&file)));
			buf_release(&other);
		}
	}
	ground_check(&g);
	ck_assert_uint_eq(ground_faults(&g, false), 0);
	check_goes_on();
	ck_assert_uint_eq(ground_segments(&g), 2);
	buf_release(&file);
	ground_end(&g);
}
END_TEST

START_TEST(junk_behind_the_seal)
{
	struct buf file;

	ground_begin(&g);
	g.options.segment_bytes = 3000;
	ground_open(&g);
	while (g.end.at < 3000)
		ground_batch(&g, SMALL);
	file = ground_file(&g, 1);
	for (size_t n = 1; n < 100; n++) {
		struct buf other;

		buf_init(&other, 1 << 20);
		buf_bytes(&other, buf_view(&file));
		for (size_t i = 0; i < n; i++)
			buf_char(&other, (char)(i * n));
		ground_write(&g, 1, buf_view(&other));
		buf_release(&other);
		ground_check(&g);
		ground_open(&g);
		other = ground_file(&g, 1);
		ck_assert(bytes_equal(buf_view(&other), buf_view(&file)));
		buf_release(&other);
	}
	/* In a segment that is not the last nothing is repaired, and nothing is lost. */
	ground_batch(&g, SMALL);
	ck_assert_uint_eq(ground_segments(&g), 2);
	buf_text(&file, "junk");
	ground_write(&g, 1, buf_view(&file));
	ground_open(&g);
	ck_assert_uint_eq(bytes_of_segment(1), file.n);
	ck_assert_uint_gt(ground_faults(&g, true), 0);
	ground_check(&g);
	buf_release(&file);
	ground_end(&g);
}
END_TEST

SUITE(a_torn_tail_of_every_length_is_cut, a_tail_with_holes_is_cut, a_tail_of_anything_is_cut,
    a_tail_behind_what_is_known, a_tail_that_is_kept_is_complete, a_known_batch_is_never_cut,
    a_first_batch_that_is_torn, a_seal_that_was_interrupted_is_made_again, junk_behind_the_seal)
