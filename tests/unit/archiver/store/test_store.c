/* archiver/store/store.c, store_read.c: batches go in and come back; what fails leaves nothing. */
#include "ground.h"

#include <signal.h>
#include <sys/resource.h>

#define MIB   (1u << 20)
#define SMALL 300 /* bytes of the entries of a small batch */

static struct ground g;

static uint64_t bytes_of_segment(unsigned segment)
{
	struct buf text = ground_file(&g, segment);
	uint64_t bytes = text.n;

	buf_release(&text);
	return bytes;
}

static void check_goes_on(void)
{
	ground_batch(&g, 40);
	ground_check(&g);
	ck_assert_uint_eq(ground_faults(&g, false), 0);
	ground_open(&g);
	ground_check(&g);
}

/* ---- in and out ---- */

START_TEST(entries_of_every_size)
{
	/* Around the blocks of tar, the frame, what is kept in memory, and what is streamed. */
	static const size_t sizes[] = {0, 1, 2, 511, 512, 513, 1024, 65536, MIB - 1024, MIB - 513,
	    MIB - 512, MIB - 511, MIB, MIB + 1, 3 * MIB, 4 * MIB - 512, 4 * MIB, 5 * MIB + 3,
	    9 * MIB};

	ground_begin(&g);
	ground_open(&g);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		ground_put(&g, i % 2 ? EVENT_MAIL : EVENT_BLOB, sizes[i]);
		ground_put(&g, i % 2 ? EVENT_BLOB : EVENT_MAIL, sizes[i]);
		OK(ground_try_place(&g, (unsigned)i + 1, err));
	}
	ground_commit(&g);
	ground_check(&g);
	ground_open(&g);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		ground_put(&g, EVENT_MAIL, sizes[i] + 7);
		ground_commit(&g);
	}
	ground_check(&g);
	ck_assert_uint_eq(ground_faults(&g, false), 0);
	ground_end(&g);
}
END_TEST

START_TEST(many_batches_over_many_segments)
{
	char *said;
	uint64_t bytes, sum = 0;
	uint32_t count;
	unsigned segments;

	ground_begin(&g);
	g.options.segment_bytes = 20000;
	ground_open(&g);
	for (unsigned i = 0; i < 250; i++) {
		ground_batch(&g, i * 7 % 1000);
		if (i % 50 == 49)
			ground_open(&g);
	}
	segments = ground_segments(&g);
	ck_assert_uint_gt(segments, 5);
	ground_check(&g);
	ck_assert_uint_eq(ground_faults(&g, false), 0);
	ck_assert_uint_eq(ground_faults(&g, true), 0);
	for (unsigned i = 1; i <= segments; i++) {
		said = ground_say(&g, i, "zstd -tq $f && tar --zstd -tf $f | cut -c1-4 | sort -u");
		ck_assert_str_eq(said, "blob\nlog/\nmail\n");
		free(said);
		sum += bytes_of_segment(i);
	}
	OK(store_size(g.store, &bytes, &count, err));
	ck_assert_uint_eq(bytes, sum);
	ck_assert_uint_eq(count, segments);
	ground_end(&g);
}
END_TEST

START_TEST(an_entry_is_a_tar_entry)
{
	char *said, hex[SHA256_HEX_BYTES], *want;

	ground_begin(&g);
	ground_open(&g);
	ground_put(&g, EVENT_MAIL, 1000);
	ground_put(&g, EVENT_BLOB, 10);
	ground_commit(&g);
	sha256_hex(&g.item[0].id, hex);
	said = ground_say(&g, 1, "TZ=UTC tar --zstd --numeric-owner -tvf $f | tail -n +2");
	want = mem_format("-rw-r--r-- 0/0            1000 2020-09-13 12:26 mail/%s.eml\n", hex);
	ck_assert_ptr_eq(strstr(said, want), said);
	ck_assert_ptr_nonnull(strstr(said, " log/00000001.jsonl\n"));
	free(said);
	free(want);
	said = ground_say(&g, 1,
	    "tar --zstd -Oxf $f --wildcards 'mail/*' | sha256sum | cut -c1-64 | tr -d '\\n'");
	ck_assert_str_eq(said, hex);
	free(said);
	ground_end(&g);
}
END_TEST

START_TEST(a_batch_of_events_alone)
{
	static struct ground_list list;

	ground_begin(&g);
	ground_open(&g);
	OK(ground_try_place(&g, 1, err));
	OK(ground_try_place(&g, 2, err));
	ground_commit(&g);
	ground_list(&g, &list);
	ck_assert_uint_eq(list.others, 2);
	ck_assert_uint_eq(list.batches, 1);
	ground_end(&g);
}
END_TEST

START_TEST(an_empty_batch_is_none)
{
	struct store_batch batch;

	ground_begin(&g);
	ground_open(&g);
	ck_assert(store_is_empty(g.store));
	OK(store_commit(g.store, 0, &batch, err));
	ck_assert_uint_eq(batch.log.n, 0);
	ck_assert_uint_eq(batch.end.batch, 0);
	ck_assert_uint_eq(ground_segments(&g), 0);
	ground_batch(&g, SMALL);
	OK(store_commit(g.store, 0, &batch, err));
	ck_assert_uint_eq(batch.log.n, 0);
	ground_same_position(&batch.end, &g.end);
	ground_check(&g);
	ground_end(&g);
}
END_TEST

START_TEST(what_is_open_is_counted)
{
	ground_begin(&g);
	ground_open(&g);
	ground_put(&g, EVENT_MAIL, 1000);
	ground_put(&g, EVENT_BLOB, 2 * MIB);
	OK(ground_try_place(&g, 1, err));
	ck_assert(!store_is_empty(g.store));
	ck_assert_uint_eq(store_open_bytes(g.store), 2 * MIB + 1000);
	ck_assert_uint_eq(store_open_events(g.store), 3);
	ground_commit(&g);
	ck_assert(store_is_empty(g.store));
	ck_assert_uint_eq(store_open_bytes(g.store), 0);
	ck_assert_uint_eq(store_open_events(g.store), 0);
	ground_end(&g);
}
END_TEST

/* An event comes behind the entry that it speaks of, and in the order of the calls. */
static int check_order(void *arg, const struct store_batch *batch, struct err *err)
{
	struct batch_reader reader;
	struct batch_place place;
	struct event event;
	unsigned *uid = arg, mails = 0;

	if (batch_begin(&reader, batch->log, err) != 0)
		return -1;
	while (batch_next(&reader, &event, &place, err) == 1) {
		mails += event.kind == EVENT_MAIL;
		if (event.kind == EVENT_PLACED) {
			ck_assert_uint_eq(event.uid, ++*uid);
			ck_assert_uint_ge(mails, event.uid);
		}
		event_release(&event);
	}
	batch_end(&reader);
	return 0;
}

START_TEST(events_keep_their_order)
{
	static const size_t sizes[] = {100, 600000, 700000, 2 * MIB, 5 * MIB, 1, 2 * MIB, 900000};
	struct batch_position start = {0};
	struct store *store;
	unsigned uid = 0;

	ground_begin(&g);
	ground_open(&g);
	for (unsigned i = 0; i < 8; i++) {
		ground_put(&g, EVENT_BLOB, sizes[7 - i]);
		ground_put(&g, EVENT_MAIL, sizes[i]);
		OK(ground_try_place(&g, i + 1, err));
	}
	ground_commit(&g);
	store = ground_reader(&g);
	OK(store_replay(store, &start, check_order, &uid, err));
	ck_assert_uint_eq(uid, 8);
	store_close(store);
	ground_check(&g);
	ground_end(&g);
}
END_TEST

START_TEST(a_reader_sees_what_is_committed_later)
{
	static struct ground_list list;
	struct store *reader;

	ground_begin(&g);
	g.options.segment_bytes = 3000;
	ground_open(&g);
	ground_batch(&g, SMALL);
	reader = ground_reader(&g);
	for (unsigned i = 0; i < 20; i++) {
		ground_batch(&g, 2000 * i);
		ground_list(&g, &list);
		for (size_t n = list.count - 3; n < list.count; n++)
			OK(ground_read(
			    reader, &list.found[n], ground_find(&g, &list.found[n]), err));
		if (i == 10)
			OK(store_forget_cached(reader, err));
	}
	store_close(reader);
	ground_end(&g);
}
END_TEST

START_TEST(replay_from_a_position)
{
	static struct ground_list list;
	struct batch_position after[6];
	struct store *store;

	ground_begin(&g);
	g.options.segment_bytes = 2500;
	ground_open(&g);
	memset(after, 0, sizeof after);
	for (unsigned i = 1; i < 6; i++) {
		ground_batch(&g, SMALL);
		after[i] = g.end;
	}
	ck_assert_uint_gt(ground_segments(&g), 1);
	for (unsigned i = 0; i < 6; i++) {
		memset(&list, 0, sizeof list);
		list.batches = i;
		store = ground_reader(&g);
		OK(store_replay(store, &after[i], ground_note, &list, err));
		ck_assert_uint_eq(list.batches, 5);
		ck_assert_uint_eq(list.count, 3 * (5 - i));
		ground_same_position(store_end(store), &after[5]);
		store_close(store);
	}
	ground_end(&g);
}
END_TEST

/* The catalogue and the segments come from different archives, or one was put back. */
START_TEST(a_position_that_is_none_is_refused)
{
	struct batch_position end, wrong[5];
	struct store *store;
	uint64_t bytes;

	ground_begin(&g);
	ground_open(&g);
	ground_batch(&g, SMALL);
	ground_batch(&g, SMALL);
	end = g.end;
	bytes = bytes_of_segment(1);
	for (unsigned i = 0; i < 5; i++)
		wrong[i] = end;
	wrong[0].at++;
	wrong[1].at--;
	wrong[2].batch++;
	wrong[3].sum.b[0] ^= 1;
	wrong[4].segment++;
	for (unsigned i = 0; i < 5; i++) {
		store_close(g.store);
		OK(store_open(&g.store, &g.options, err));
		FAILS(ERR_DAMAGED, store_replay(g.store, &wrong[i], ground_nothing, NULL, err));
		FAILS(ERR_BUG, ground_try_put(&g, EVENT_MAIL, 10, err));
		ck_assert_uint_eq(bytes_of_segment(1), bytes);
	}
	/* The last batch went away: nothing may be written behind it. */
	store = ground_reader(&g);
	ground_truncate(&g, 1, bytes - 1);
	FAILS(ERR_DAMAGED, store_replay(store, &end, ground_nothing, NULL, err));
	store_close(store);
	ground_end(&g);
}
END_TEST

START_TEST(a_batch_that_was_committed_may_not_be_missing)
{
	const struct store_gap *gap;
	uint64_t bytes;
	size_t gaps;

	ground_begin(&g);
	ground_open(&g);
	ground_batch(&g, SMALL);
	bytes = bytes_of_segment(1);
	ground_batch(&g, SMALL);
	store_close(g.store);
	g.store = NULL;
	bytes = bytes_of_segment(1) - 1;
	ground_truncate(&g, 1, bytes);
	ck_assert_uint_gt(ground_faults(&g, true), 0);
	OK(store_open(&g.store, &g.options, err));
	store_trust(g.store, 2);
	OK(store_replay(g.store, &(struct batch_position){0}, ground_nothing, NULL, err));
	ck_assert_uint_eq(bytes_of_segment(1), bytes);
	gap = store_gaps(g.store, &gaps);
	ck_assert_uint_eq(gaps, 1);
	ck_assert_uint_eq(gap->first_batch, 2);
	ck_assert_uint_eq(gap->last_batch, 2);
	ck_assert_uint_eq(gap->at + gap->bytes, bytes);
	ck_assert_uint_eq(gap->mails + gap->blobs, 3); /* its frames are whole */
	ground_end(&g);
}
END_TEST

/* ---- misuse ---- */

START_TEST(what_would_spoil_a_log_is_refused)
{
	static const enum event_kind alone[] = {EVENT_BLOB, EVENT_MAIL, EVENT_FRAMES, EVENT_COMMIT};
	struct spool spool;
	struct spool_range range = {&spool, 0, 4};
	struct event event = {.kind = EVENT_MAIL, .size_bytes = 4, .stored_bytes = 5};
	struct event cursor = {.kind = EVENT_CURSOR, .modseq = UINT64_MAX};
	struct store_batch batch;

	ground_begin(&g);
	OK(store_open(&g.store, &g.options, err));
	FAILS(ERR_BUG, ground_try_put(&g, EVENT_MAIL, 10, err)); /* before its end is known */
	FAILS(ERR_BUG, ground_try_place(&g, 1, err));
	FAILS(ERR_BUG, store_commit(g.store, 0, &batch, err));
	ground_open(&g);
	spool_init(&spool, 100, "/tmp");
	OK(spool_add(&spool, "abcd", 4, err));
	FAILS(ERR_BUG, store_put(g.store, &event, 0, &range, err));
	event.kind = EVENT_BLOB;
	event.size_bytes = 3;
	FAILS(ERR_BUG, store_put(g.store, &event, 0, &range, err));
	event.kind = EVENT_PLACED;
	FAILS(ERR_BUG, store_put(g.store, &event, 0, &range, err));
	for (size_t i = 0; i < sizeof alone / sizeof *alone; i++) {
		event.kind = alone[i];
		FAILS(ERR_BUG, store_log(g.store, &event, err));
	}
	ground_batch(&g, SMALL);
	ground_check(&g);
	/* A number that no reader would take; the batch is void then. */
	ground_put(&g, EVENT_MAIL, SMALL);
	FAILS(ERR_LIMIT, store_log(g.store, &cursor, err));
	FAILS(ERR_BUG, ground_try_commit(&g, err));
	ground_abort(&g);
	ground_batch(&g, SMALL);
	ground_check(&g);
	spool_release(&spool);
	ground_end(&g);
}
END_TEST

START_TEST(a_reading_store_does_not_write)
{
	struct batch_position start = {0};
	struct store_batch batch;
	struct store *store;

	ground_begin(&g);
	ground_open(&g);
	ground_batch(&g, SMALL);
	store = ground_reader(&g);
	OK(store_replay(store, &start, ground_nothing, NULL, err));
	FAILS(ERR_BUG, store_log(store, &(struct event){.kind = EVENT_RETIRED}, err));
	FAILS(ERR_BUG, store_commit(store, 0, &batch, err));
	store_close(store);
	ground_end(&g);
	/* The folder is gone. */
	store = ground_reader(&g);
	FAILS(ERR_ABSENT, store_replay(store, &start, ground_nothing, NULL, err));
	store_close(store);
}
END_TEST

START_TEST(segments_must_be_complete)
{
	char *from, *to;

	ground_begin(&g);
	g.options.segment_bytes = 1;
	ground_open(&g);
	for (unsigned i = 0; i < 4; i++)
		ground_batch(&g, SMALL);
	ck_assert_uint_eq(ground_segments(&g), 4);
	/* Somebody else's files do not matter. */
	ground_write(&g, 0, BYTES("x"));
	from = ground_path(&g, 2);
	to = mem_format("%s.away", from);
	ck_assert_int_eq(rename(from, to), 0);
	FAILS(ERR_DAMAGED, ground_try_open(&g, err));
	ck_assert_int_eq(rename(to, from), 0);
	ground_open(&g);
	ground_check(&g);
	free(from);
	free(to);
	ground_end(&g);
}
END_TEST

/* ---- failures ---- */

START_TEST(abort_leaves_nothing)
{
	uint64_t bytes;

	ground_begin(&g);
	ground_open(&g);
	ground_put(&g, EVENT_MAIL, 2 * MIB);
	ground_abort(&g);
	ck_assert(store_is_empty(g.store));
	ck_assert_uint_eq(bytes_of_segment(1), 0);
	ground_batch(&g, SMALL);
	bytes = bytes_of_segment(1);
	for (unsigned i = 0; i < 5; i++) {
		ground_put(&g, EVENT_BLOB, i * MIB);
		ground_put(&g, EVENT_MAIL, i * 100);
		OK(ground_try_place(&g, 1, err));
		ground_abort(&g);
		ck_assert_uint_eq(bytes_of_segment(1), bytes);
		ck_assert_uint_eq(store_open_events(g.store), 0);
	}
	ground_put(&g, EVENT_MAIL, 3 * MIB);
	store_close(g.store); /* aborts as well */
	g.store = NULL;
	g.items = g.committed;
	ck_assert_uint_eq(bytes_of_segment(1), bytes);
	ground_check(&g);
	ground_open(&g);
	check_goes_on();
	ground_end(&g);
}
END_TEST

START_TEST(the_free_floor_is_kept)
{
	ground_begin(&g);
	ground_open(&g);
	ground_batch(&g, SMALL);
	g.options.free_floor_bytes = (uint64_t)1 << 60;
	ground_open(&g);
	ground_put(&g, EVENT_MAIL, 100); /* it waits in memory */
	FAILS(ERR_SPACE, ground_try_commit(&g, err));
	FAILS(ERR_BUG, ground_try_commit(&g, err)); /* the batch is void */
	FAILS(ERR_BUG, ground_try_place(&g, 1, err));
	ground_abort(&g);
	FAILS(ERR_SPACE, ground_try_put(&g, EVENT_MAIL, 2 * MIB, err));
	ground_abort(&g);
	OK(ground_try_place(&g, 1, err));
	FAILS(ERR_SPACE, ground_try_commit(&g, err));
	ground_abort(&g);
	ck_assert_uint_eq(bytes_of_segment(1), g.end.at);
	g.options.free_floor_bytes = 0;
	ground_open(&g);
	check_goes_on();
	ground_end(&g);
}
END_TEST

/* A batch with noise in it, so that the limits below lie behind what Check writes itself. */
static void put_noise(void)
{
	ground_put(&g, EVENT_BLOB, SMALL);
	ground_put(&g, EVENT_MAIL, SMALL);
	ck_assert_uint_eq(g.items % 3, 2);
	ground_put(&g, EVENT_BLOB, 2 * MIB);
	ground_commit(&g);
	ck_assert_uint_gt(bytes_of_segment(1), 2 * MIB);
}

static void limit_files(uint64_t bytes)
{
	struct rlimit limit = {bytes, RLIM_INFINITY};

	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The disk is full somewhere in the batch, wherever that is; then there is room again. */
static void check_full_disk(uint64_t room)
{
	uint64_t before = bytes_of_segment(1);
	int got = 0;

	limit_files(before + room);
	for (unsigned i = 0; got == 0 && i < 4; i++) {
		got = ground_try_put(&g, i % 2 ? EVENT_MAIL : EVENT_BLOB, 40000 * i + 1, NULL);
		if (got == 0)
			got = ground_try_place(&g, i, NULL);
	}
	if (got == 0)
		got = ground_try_commit(&g, NULL);
	ck_assert_int_eq(got, -1);
	ground_abort(&g);
	ck_assert_uint_eq(bytes_of_segment(1), before);
	limit_files(RLIM_INFINITY);
	ground_check(&g);
	ground_batch(&g, 100);
	ground_check(&g);
}

START_TEST(a_full_disk_in_the_middle_of_a_batch)
{
	signal(SIGXFSZ, SIG_IGN);
	ground_begin(&g);
	ground_open(&g);
	put_noise();
	for (uint64_t room = 0; room < 400; room += 13)
		check_full_disk(room);
	for (uint64_t room = 400; room < 50000; room += 4111)
		check_full_disk(room);
	ck_assert_uint_eq(ground_faults(&g, false), 0);
	ground_open(&g);
	check_goes_on();
	ground_end(&g);
}
END_TEST

/* The batch fits and its seal does not: the batch is safe, the seal comes later. */
START_TEST(a_full_disk_while_sealing)
{
	uint64_t need, seal;

	signal(SIGXFSZ, SIG_IGN);
	ground_begin(&g);
	g.options.segment_bytes = 1;
	ground_open(&g);
	put_noise();
	need = g.end.at;
	seal = bytes_of_segment(1) - need;
	ck_assert_uint_gt(seal, 0);
	for (uint64_t room = 0; room < seal; room++) {
		ground_empty(&g);
		g.items = g.committed = 0;
		g.batches = 0;
		ground_open(&g);
		limit_files(need + room);
		put_noise();
		ck_assert_uint_eq(bytes_of_segment(1), need);
		limit_files(RLIM_INFINITY);
		ground_check(&g);
		if (room % 2) {
			ground_batch(&g, SMALL);
		} else {
			ground_open(&g);
		}
		ck_assert_uint_eq(ground_faults(&g, false), 0);
		ck_assert_uint_gt(bytes_of_segment(1), g.end.at);
		ground_check(&g);
	}
	ground_end(&g);
}
END_TEST

START_TEST(a_folder_that_cannot_be_made)
{
	struct store *store = NULL;

	ground_begin(&g);
	ground_write(&g, 1, BYTES("a file"));
	g.options.folder = mem_format("%s/000001.tar.zst/segments", g.folder);
	FAILS(ERR_IO, store_open(&store, &g.options, err));
	ck_assert_ptr_null(store);
	store_close(NULL);
	ground_end(&g);
}
END_TEST

SUITE(entries_of_every_size, many_batches_over_many_segments, an_entry_is_a_tar_entry,
    a_batch_of_events_alone, an_empty_batch_is_none, what_is_open_is_counted,
    events_keep_their_order, a_reader_sees_what_is_committed_later, replay_from_a_position,
    a_position_that_is_none_is_refused, a_batch_that_was_committed_may_not_be_missing,
    what_would_spoil_a_log_is_refused, a_reading_store_does_not_write, segments_must_be_complete,
    abort_leaves_nothing, the_free_floor_is_kept, a_full_disk_in_the_middle_of_a_batch,
    a_full_disk_while_sealing, a_folder_that_cannot_be_made)
