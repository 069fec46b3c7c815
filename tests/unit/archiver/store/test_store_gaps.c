/* archiver/store: store_replay.c, store_salvage.c: logs that cannot be read cost their batches
 * and nothing else (FORMAT.md, "Lost batches"). */
#include "archiver/store/segment.h"

#include "ground.h"

#include <fcntl.h>

static struct ground g;

static struct buf five_batches(uint64_t ends[6])
{
	ground_begin(&g);
	ground_open(&g);
	ends[0] = 0;
	for (unsigned i = 1; i <= 5; i++) {
		ground_batch(&g, 300);
		ends[i] = g.end.at;
	}
	return ground_file(&g, 1);
}

struct seen {
	uint64_t batches, lost, last;
	size_t salvaged;
	struct batch_position end;
};

static int note(void *arg, const struct store_batch *batch, struct err *err)
{
	struct seen *seen = arg;

	(void)err;
	seen->salvaged += batch->salvaged_count;
	seen->end = batch->end;
	if (batch->log.n == 0)
		return 0;
	ck_assert_uint_gt(batch->end.batch, seen->last);
	seen->last = batch->end.batch;
	seen->batches++;
	seen->lost = batch->end.lost;
	return 0;
}

static int try_replay(bool for_writing, uint64_t trust, struct seen *seen, struct err *err)
{
	struct batch_position start = {0};

	memset(seen, 0, sizeof *seen);
	store_close(g.store);
	g.store = NULL;
	g.options.for_writing = for_writing;
	if (store_open(&g.store, &g.options, err) != 0)
		return -1;
	store_trust(g.store, trust);
	return store_replay(g.store, &start, note, seen, err);
}

static struct seen replay(bool for_writing, uint64_t trust)
{
	struct seen seen;

	OK(try_replay(for_writing, trust, &seen, err));
	return seen;
}

static void check_gap(size_t i, uint64_t at, uint64_t end, uint64_t first, uint64_t last)
{
	const struct store_gap *gap;
	size_t count;

	gap = store_gaps(g.store, &count);
	ck_assert_uint_gt(count, i);
	ck_assert_uint_eq(gap[i].segment, 1);
	ck_assert_uint_eq(gap[i].at, at);
	ck_assert_uint_eq(gap[i].at + gap[i].bytes, end);
	ck_assert_uint_eq(gap[i].first_batch, first);
	ck_assert_uint_eq(gap[i].last_batch, last);
}

/* The last byte of a log's frame: its checksum. */
static void spoil(struct buf *file, uint64_t log_end)
{
	file->p[log_end - 1] ^= 1;
}

START_TEST(a_log_in_the_middle)
{
	uint64_t ends[6];
	struct buf file = five_batches(ends);

	spoil(&file, ends[3]);
	ground_write(&g, 1, buf_view(&file));
	for (int writing = 0; writing < 2; writing++) {
		struct seen seen = replay(writing, 0);

		ck_assert_uint_eq(seen.batches, 4);
		ck_assert_uint_eq(seen.lost, 1);
		ck_assert_uint_eq(seen.salvaged, 3);
		check_gap(0, ends[2], ends[3], 3, 3);
	}
	/* Two that follow each other, and the first one. */
	spoil(&file, ends[1]);
	spoil(&file, ends[4]);
	ground_write(&g, 1, buf_view(&file));
	{
		struct seen seen = replay(true, 0);

		ck_assert_uint_eq(seen.batches, 2);
		ck_assert_uint_eq(seen.lost, 3);
		ck_assert_uint_eq(seen.salvaged, 9);
		check_gap(0, 0, ends[1], 1, 1);
		check_gap(1, ends[2], ends[4], 3, 4);
	}
	buf_release(&file);
	ground_end(&g);
}
END_TEST

START_TEST(a_mark_that_is_gone)
{
	uint64_t ends[6];
	struct buf file = five_batches(ends);
	char *mark = memmem(file.p + ends[2], file.n - ends[2], "mailcask log", 12);
	struct seen seen;

	memset(mark - 8, 'x', 32);
	ground_write(&g, 1, buf_view(&file));
	seen = replay(true, 0);
	ck_assert_uint_eq(seen.batches, 4);
	ck_assert_uint_eq(seen.lost, 1);
	ck_assert_uint_eq(seen.salvaged, 3);
	check_gap(0, ends[2], ends[3], 3, 3);
	buf_release(&file);
	ground_end(&g);
}
END_TEST

START_TEST(writing_goes_on_behind_a_gap)
{
	uint64_t ends[6];
	struct buf file = five_batches(ends), after;
	struct seen seen;

	/* The last two, which are known to have been there. */
	spoil(&file, ends[4]);
	spoil(&file, ends[5]);
	ground_write(&g, 1, buf_view(&file));
	seen = replay(true, 5);
	ck_assert_uint_eq(seen.batches, 3);
	ck_assert_uint_eq(seen.lost, 0);
	ck_assert_uint_eq(seen.end.at, file.n);
	ck_assert_uint_eq(seen.end.batch, 3);
	check_gap(0, ends[3], ends[5], 4, 5);
	ground_batch(&g, 200);
	after = ground_file(&g, 1);
	ck_assert_mem_eq(after.p, file.p, file.n); /* nothing was cut or changed */
	for (int writing = 0; writing < 2; writing++) {
		seen = replay(writing, 0);
		ck_assert_uint_eq(seen.batches, 4);
		ck_assert_uint_eq(seen.last, 4);
		ck_assert_uint_eq(seen.salvaged, 6);
	}
	buf_release(&file);
	buf_release(&after);
	ground_end(&g);
}
END_TEST

/* A segment with a place that cannot be stepped over cannot be sealed: the next one begins. */
START_TEST(a_segment_that_cannot_be_sealed)
{
	uint64_t ends[6];
	struct buf file = five_batches(ends);
	struct seen seen;

	file.p[ends[2] + 1] ^= 1; /* the magic of a frame */
	ground_write(&g, 1, buf_view(&file));
	g.options.segment_bytes = file.n + 500;
	(void)replay(true, 5);
	for (unsigned i = 0; i < 6; i++)
		ground_batch(&g, 300);
	ck_assert_uint_ge(ground_segments(&g), 2);
	seen = replay(false, 0);
	ck_assert_uint_eq(seen.batches, 11);
	ck_assert_uint_eq(seen.lost, 0);
	seen = replay(true, 0);
	ground_batch(&g, 300);
	seen = replay(false, 0);
	ck_assert_uint_eq(seen.batches, 12);
	buf_release(&file);
	ground_end(&g);
}
END_TEST

/* What was sealed was committed, whoever bears witness. */
START_TEST(the_last_batch_of_a_sealed_segment)
{
	uint64_t ends[6];
	struct buf file = five_batches(ends), after;
	struct seen seen;
	char *mark;

	g.options.segment_bytes = 1;
	(void)replay(true, 5); /* seals it */
	buf_release(&file);
	file = ground_file(&g, 1);
	ck_assert_uint_gt(file.n, ends[5]);
	mark = memmem(file.p + ends[4], file.n - ends[4], "mailcask log", 12);
	memset(mark - 8, 'x', 32);
	ground_write(&g, 1, buf_view(&file));
	seen = replay(true, 0);
	after = ground_file(&g, 1);
	ck_assert(bytes_equal(buf_view(&file), buf_view(&after)));
	ck_assert_uint_eq(seen.batches, 4);
	ck_assert_uint_eq(seen.salvaged, 3);
	ground_batch(&g, 300);
	ck_assert_uint_eq(ground_segments(&g), 2);
	seen = replay(true, 0);
	ck_assert_uint_eq(seen.last, 5);
	ck_assert_uint_eq(seen.salvaged, 3);
	buf_release(&file);
	buf_release(&after);
	ground_end(&g);
}
END_TEST

/* Its number is taken all the same. */
START_TEST(a_sealed_segment_without_any_log)
{
	struct frame_packer *packer = frame_packer_new(1);
	struct segment segment;
	struct seen seen;

	ground_begin(&g);
	OK(segment_open(&segment, g.folder, (struct segment_id){1, 0}, O_RDWR | O_CREAT, err));
	OK(segment_seal(&segment, 0, packer, err));
	segment_close(&segment);
	frame_packer_free(packer);
	seen = replay(true, 0);
	ck_assert_uint_eq(seen.batches, 0);
	ground_batch(&g, 300);
	ck_assert_uint_eq(ground_segments(&g), 2);
	seen = replay(true, 0);
	ck_assert_uint_eq(seen.batches, 1);
	ck_assert_uint_eq(seen.end.segment, 2);
	ground_end(&g);
}
END_TEST

/* All of its bytes are gone, its name is not. */
START_TEST(an_empty_segment_in_the_middle)
{
	struct seen seen;
	size_t count;
	char *path;

	ground_begin(&g);
	g.options.segment_bytes = 1;
	ground_open(&g);
	for (unsigned i = 0; i < 3; i++)
		ground_batch(&g, 300);
	path = file_join(g.folder, "000002.tar.zst");
	ck_assert_int_eq(truncate(path, 0), 0);
	seen = replay(true, 0);
	ck_assert_uint_eq(seen.batches, 2);
	ck_assert_uint_eq(seen.lost, 1);
	ck_assert_uint_eq(store_gaps(g.store, &count)->segment, 2);
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(store_gaps(g.store, &count)->first_batch, 2);
	ck_assert_uint_eq(store_gaps(g.store, &count)->last_batch, 2);
	/* And a name that is something else. */
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	FAILS(ERR_DAMAGED, try_replay(false, 0, &seen, err));
	free(path);
	ground_end(&g);
}
END_TEST

/* Bytes of a message that look like a log of a batch far ahead. */
START_TEST(a_log_inside_a_message)
{
	uint64_t ends[6];
	struct buf file = five_batches(ends), forged;
	struct seen seen;
	char *hit;

	hit = memmem(file.p + ends[4], file.n - ends[4], "mailcask log", 12);
	buf_init(&forged, 1 << 20);
	/* The fifth log once more, in bytes that nobody can step over, before the third batch. */
	buf_add(&forged, file.p, ends[2]);
	buf_text(&forged, "damage that is no frame");
	buf_add(&forged, hit - 8, (size_t)(file.p + ends[5] - (hit - 8)));
	buf_add(&forged, file.p + ends[2], file.n - ends[2]);
	ground_write(&g, 1, buf_view(&forged));
	seen = replay(false, 5); /* its frames are not where it says */
	ck_assert_uint_eq(seen.batches, 5);
	ck_assert_uint_eq(seen.lost, 0);
	buf_release(&forged);
	buf_release(&file);
	ground_end(&g);
}
END_TEST

START_TEST(a_chain_that_breaks_without_damage)
{
	uint64_t ends[6];
	struct buf file = five_batches(ends), edited;
	struct seen seen;

	buf_init(&edited, 1 << 20);
	buf_add(&edited, file.p, ends[2]);
	buf_add(&edited, file.p + ends[3], file.n - ends[3]); /* without the third */
	ground_write(&g, 1, buf_view(&edited));
	FAILS(ERR_DAMAGED, try_replay(true, 0, &seen, err));
	buf_release(&file);
	buf_release(&edited);
	ground_end(&g);
}
END_TEST

START_TEST(which_archive_it_is)
{
	struct sha256 first, other;
	uint64_t ends[6];
	struct buf file = five_batches(ends);

	ck_assert_int_eq(store_identity(g.store, &first, NULL), 1);
	ground_empty(&g);
	g.batches = 7; /* another time */
	ground_open(&g);
	ck_assert_int_eq(store_identity(g.store, &other, NULL), 0);
	ground_batch(&g, 300);
	ck_assert_int_eq(store_identity(g.store, &other, NULL), 1);
	ck_assert(!sha256_equal(&first, &other));
	spoil(&file, ends[1]);
	ground_write(&g, 1, buf_view(&file));
	ck_assert_int_eq(store_identity(g.store, &other, NULL), 0);
	buf_release(&file);
	ground_end(&g);
}
END_TEST

SUITE(a_log_in_the_middle, a_mark_that_is_gone, writing_goes_on_behind_a_gap,
    a_segment_that_cannot_be_sealed, the_last_batch_of_a_sealed_segment,
    a_sealed_segment_without_any_log, an_empty_segment_in_the_middle, a_log_inside_a_message,
    a_chain_that_breaks_without_damage, which_archive_it_is)
