/* archiver/store/store*.c: batches go in and come back; what is not committed is not there. */
#include "archiver/store/store.h"

#include "ground.h"

#include <signal.h>
#include <sys/resource.h>

#define MIB      (1u << 20)
#define SMALL    300 /* bytes of the entries of a small batch */
#define ALL_BITS 8

static struct ground g;
static struct ground_item three[9]; /* of three_batches() */

static uint64_t bytes_of_segment(unsigned segment)
{
	struct buf text = ground_file(&g, segment);
	uint64_t bytes = text.n;

	buf_release(&text);
	return bytes;
}

static bool has_torn_file(unsigned segment)
{
	char *path = ground_path(&g, segment), *torn = mem_format("%s.torn", path);
	bool there = file_exists(torn);

	free(torn);
	free(path);
	return there;
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
	ck_assert_mem_eq(&batch.end, &g.end, sizeof g.end);
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
		ck_assert_mem_eq(store_end(store), &after[5], sizeof *after);
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
	ck_assert_int_eq(truncate(mem_format("%s/000001.tar.zst", g.folder), (off_t)bytes - 1), 0);
	FAILS(ERR_DAMAGED, store_replay(store, &end, ground_nothing, NULL, err));
	store_close(store);
	ground_end(&g);
}
END_TEST

START_TEST(a_batch_that_was_committed_may_not_be_missing)
{
	uint64_t bytes;

	ground_begin(&g);
	ground_open(&g);
	ground_batch(&g, SMALL);
	bytes = bytes_of_segment(1);
	ground_batch(&g, SMALL);
	store_close(g.store);
	g.store = NULL;
	bytes = bytes_of_segment(1) - 1;
	ck_assert_int_eq(truncate(mem_format("%s/000001.tar.zst", g.folder), (off_t)bytes), 0);
	ck_assert_uint_gt(ground_faults(&g, true), 0);
	OK(store_open(&g.store, &g.options, err));
	store_trust(g.store, 2);
	FAILS(ERR_DAMAGED,
	    store_replay(g.store, &(struct batch_position){0}, ground_nothing, NULL, err));
	ck_assert_uint_eq(bytes_of_segment(1), bytes);
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

START_TEST(a_tail_of_anything_is_cut)
{
	uint64_t safe;
	struct buf file = three_batches(&safe), other;
	unsigned seed = 5;

	for (unsigned round = 0; round < 300; round++) {
		size_t n = (size_t)rand_r(&seed) % 5000;

		buf_init(&other, 1 << 20);
		buf_add(&other, file.p, safe);
		for (size_t i = 0; i < n; i++)
			buf_char(&other, round % 3 == 0 ? 0 : (char)(rand_r(&seed) >> 3));
		if (round % 3 == 2) /* a mark, and no log behind it */
			buf_add(
			    &other, "\x5a\x2a\x4d\x18\x18\0\0\0mailcask log\r\n\x1a\0........", 32);
		check_recovery(&other, safe, other.n);
		ck_assert(has_torn_file(1) == (round % 3 == 2));
		buf_release(&other);
	}
	buf_release(&file);
	ground_end(&g);
}
END_TEST

/* The last batch of an archive whose catalogue is gone: it may be a crash, it may be a disk
 * that forgets. It is cut, and its bytes stay. */
START_TEST(a_tail_that_held_a_log_is_kept_beside)
{
	uint64_t safe;
	struct buf file = three_batches(&safe), torn;
	char *path = ground_path(&g, 1), *beside = mem_format("%s.torn", path);

	file.p[file.n - 6] ^= 1;
	check_recovery(&file, safe, file.n);
	ck_assert_uint_eq(store_end(g.store)->batch, 2);
	buf_init(&torn, 1 << 20);
	OK(file_read_all(beside, &torn, err));
	ck_assert_uint_eq(torn.n, file.n - safe);
	ck_assert_mem_eq(torn.p, file.p + safe, torn.n);
	buf_release(&torn);
	buf_release(&file);
	free(beside);
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

/* ---- damage ---- */

/* Every byte of an archive of two segments is changed once. */
START_TEST(a_changed_byte_is_noticed_and_changes_nothing_else)
{
	static struct ground_list all;
	struct batch_position end;
	struct buf file[2];
	unsigned unnoticed = 0, lost = 0;

	ground_begin(&g);
	g.options.segment_bytes = 2500;
	ground_open(&g);
	while (g.end.segment < 2 || g.end.at < 1500)
		ground_batch(&g, SMALL);
	end = g.end;
	ground_list(&g, &all);
	file[0] = ground_file(&g, 1);
	file[1] = ground_file(&g, 2);
	ck_assert_uint_eq(ground_segments(&g), 2);
	for (unsigned s = 0; s < 2; s++) {
		for (size_t at = 0; at < file[s].n; at++) {
			char bit = (char)(1 << at % ALL_BITS);
			struct store *store;

			file[s].p[at] = (char)(file[s].p[at] ^ bit);
			ground_write(&g, s + 1, buf_view(&file[s]));
			unnoticed += ground_faults(&g, false) == 0;
			store = ground_reader(&g);
			for (size_t i = 0; i < all.count; i++)
				lost += ground_read(store, &all.found[i],
					    ground_find(&g, &all.found[i]), NULL) != 0;
			store_close(store);
			/* Whoever knows the end cuts nothing. */
			store_close(g.store);
			OK(store_open(&g.store, &g.options, err));
			OK(store_replay(g.store, &end, ground_nothing, NULL, err));
			ck_assert_uint_eq(bytes_of_segment(s + 1), file[s].n);
			/* And whoever does not, at most the last batch. */
			store_trust(g.store, g.batches);
			(void)store_replay(
			    g.store, &(struct batch_position){0}, ground_nothing, NULL, NULL);
			ck_assert_uint_eq(bytes_of_segment(s + 1), file[s].n);
			file[s].p[at] = (char)(file[s].p[at] ^ bit);
		}
		ground_write(&g, s + 1, buf_view(&file[s]));
	}
	ck_assert_uint_gt(lost, 100);
	/* zstd: one bit of each frame header means nothing, and some frames can be written
	 * in two ways. What they hold was compared above. */
	ck_assert_uint_le(unnoticed, 40);
	ground_open(&g);
	ground_check(&g);
	ck_assert_uint_eq(ground_faults(&g, false), 0);
	buf_release(&file[0]);
	buf_release(&file[1]);
	ground_end(&g);
}
END_TEST

START_TEST(without_a_witness_only_the_last_batch_is_cut)
{
	struct buf file;
	uint64_t last;

	ground_begin(&g);
	ground_open(&g);
	for (unsigned i = 0; i < 4; i++) {
		last = g.end.at;
		ground_batch(&g, SMALL);
	}
	file = ground_file(&g, 1);
	for (size_t at = 0; at < file.n; at += 3) {
		file.p[at] ^= 0x20;
		ground_write(&g, 1, buf_view(&file));
		if (ground_try_open(&g, NULL) == 0)
			ck_assert_uint_ge(bytes_of_segment(1), last);
		else
			ck_assert_uint_eq(bytes_of_segment(1), file.n);
		file.p[at] ^= 0x20;
	}
	buf_release(&file);
	ground_end(&g);
}
END_TEST

START_TEST(an_entry_that_is_asked_for_wrongly)
{
	static struct ground_list list;
	struct store *store;

	ground_begin(&g);
	ground_open(&g);
	ground_put(&g, EVENT_MAIL, 100);
	ground_put(&g, EVENT_MAIL, 200);
	ground_put(&g, EVENT_MAIL, 5 * MIB);
	ground_put(&g, EVENT_BLOB, 300);
	ground_commit(&g);
	ground_list(&g, &list);
	store = ground_reader(&g);
	for (size_t i = 0; i < list.count; i++)
		for (size_t k = 0; k < list.count; k++)
			if (i == k)
				OK(ground_read(
				    store, &list.found[i], ground_find(&g, &list.found[k]), err));
			else
				FAILS(ERR_DAMAGED,
				    ground_read(store, &list.found[i],
					ground_find(&g, &list.found[k]), err));
	for (size_t i = 0; i < list.count; i++) {
		struct ground_found found = list.found[i];
		const struct ground_item *item = ground_find(&g, &found);
		struct ground_item other = *item;

		other.bytes++;
		FAILS(ERR_DAMAGED, ground_read(store, &found, &other, err));
		other.bytes -= 2;
		FAILS(ERR_DAMAGED, ground_read(store, &found, &other, err));
		found.place.entry_at += 512;
		FAILS(ERR_DAMAGED, ground_read(store, &found, item, err));
		found.place.entry_at = UINT64_MAX - 100;
		FAILS(ERR_DAMAGED, ground_read(store, &found, item, err));
		found.place.entry_at = list.found[i].place.entry_at;
		found.place.frame_at++;
		FAILS(ERR_DAMAGED, ground_read(store, &found, item, err));
		found.place.frame_at = UINT64_MAX;
		FAILS(ERR_DAMAGED, ground_read(store, &found, item, err));
		found.place.frame_at = g.end.at;
		FAILS(ERR_DAMAGED, ground_read(store, &found, item, err));
		found.segment = 2;
		FAILS(ERR_DAMAGED, ground_read(store, &found, item, err));
	}
	store_close(store);
	ground_end(&g);
}
END_TEST

static int refuse(void *arg, const void *data, size_t bytes, struct err *err)
{
	(void)arg, (void)data, (void)bytes;
	return err_set(err, ERR_STOPPED, "enough");
}

START_TEST(a_receiver_that_stops)
{
	static struct ground_list list;
	struct store *store;

	ground_begin(&g);
	ground_open(&g);
	ground_put(&g, EVENT_MAIL, 100);
	ground_put(&g, EVENT_MAIL, 6 * MIB);
	ground_commit(&g);
	ground_list(&g, &list);
	store = ground_reader(&g);
	for (size_t i = 0; i < 2; i++) {
		const struct ground_item *item = ground_find(&g, &list.found[i]);
		struct store_entry entry = {item->kind, item->id, item->bytes};

		FAILS(ERR_STOPPED,
		    store_read(store, 1, &list.found[i].place, &entry, refuse, NULL, err));
		OK(ground_read(store, &list.found[i], item, err));
	}
	store_close(store);
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
	uint64_t need;

	signal(SIGXFSZ, SIG_IGN);
	ground_begin(&g);
	g.options.segment_bytes = 1;
	ground_open(&g);
	put_noise();
	need = g.end.at;
	ck_assert_uint_gt(bytes_of_segment(1), need);
	for (uint64_t room = 0; room < bytes_of_segment(1) - need; room++) {
		ground_empty(&g);
		g.items = g.committed = 0;
		g.batches = 0;
		ground_open(&g);
		limit_files(need + room);
		put_noise();
		ck_assert_msg(bytes_of_segment(1) == need, "room %d need %d end %d", (int)room, (int)need, (int)g.end.at);
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
    a_torn_tail_of_every_length_is_cut, a_tail_with_holes_is_cut, a_tail_of_anything_is_cut,
    a_tail_that_held_a_log_is_kept_beside, a_known_batch_is_never_cut, a_first_batch_that_is_torn,
    a_seal_that_was_interrupted_is_made_again, junk_behind_the_seal,
    a_changed_byte_is_noticed_and_changes_nothing_else,
    without_a_witness_only_the_last_batch_is_cut, an_entry_that_is_asked_for_wrongly,
    a_receiver_that_stops, abort_leaves_nothing, the_free_floor_is_kept,
    a_full_disk_in_the_middle_of_a_batch, a_full_disk_while_sealing, a_folder_that_cannot_be_made)
