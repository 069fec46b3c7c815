/* archiver/store/store_compact.c, store_rewrite.c: a segment is written anew without what is not
 * live, everything else in it stays, and so do the sums and the chain (FORMAT.md, "Compacted
 * segments"). */
#include "archiver/store/store_private.h"

#include "ground.h"

#define MIB (1u << 20)

static struct ground g;

/* What the catalogue would say: which entries are gone, by their number. */
static struct wishes {
	bool gone[GROUND_ITEMS + 1]; /* dropped; a mail is expired as well */
	uint64_t progress;
	uint64_t spoil_at;     /* once it is written, a byte of the new file turns over there */
	uint64_t source_bytes; /* of the sealed segment: as much progress is told by then */
} wishes;

static unsigned number_of(enum event_kind kind, const struct sha256 *id)
{
	struct ground_found found = {.item = {.kind = kind, .id = *id}};
	const struct ground_item *item = ground_find(&g, &found);

	ck_assert_ptr_nonnull(item);
	return item->number;
}

static int is_live(void *arg, enum event_kind kind, const struct sha256 *id,
    const struct batch_place *place, struct err *err)
{
	(void)arg, (void)place, (void)err;
	return !wishes.gone[number_of(kind, id)];
}

static int is_expired(void *arg, const struct sha256 *id, struct err *err)
{
	(void)arg, (void)err;
	return wishes.gone[number_of(EVENT_MAIL, id)];
}

static void flip_file(const char *path, uint64_t at)
{
	int fd = file_open(path, O_RDWR, 0, NULL);
	char byte;

	ck_assert_int_eq(file_read_at(fd, &byte, 1, at, path, NULL), 1);
	byte = (char)(byte ^ 0x21);
	OK(file_write_at(fd, &byte, 1, at, path, err));
	file_close(&fd);
}

static void spoil(uint64_t at)
{
	char *path = file_join(g.folder, "000001.1.tar.zst.part");

	flip_file(path, at);
	free(path);
}

static int note_progress(void *arg, uint64_t bytes, struct err *err)
{
	(void)arg, (void)err;
	ck_assert_uint_ge(bytes, wishes.progress);
	if (bytes == wishes.source_bytes && wishes.spoil_at > 0) {
		spoil(wishes.spoil_at);
		wishes.spoil_at = 0;
	}
	wishes.progress = bytes;
	return 0;
}

static int compact(uint32_t number, bool best, struct store_compacted *out, struct err *err)
{
	struct store_compact how = {.number = number,
	    .best = best,
	    .temporary = "/tmp",
	    .is_live = is_live,
	    .is_expired = is_expired,
	    .progress = note_progress};

	wishes.progress = 0;
	return store_compact(g.store, &how, out, err);
}

/* As the vault does when the catalogue knows the new file. */
static void exchange(const struct store_compacted *done)
{
	OK(store_drop_older(g.store, done->segment, err));
}

static void settle(void)
{
	OK(store_settle(g.store, err));
}

/* Everything that is not gone is there, byte for byte; of what is gone nothing is. */
static void check_there(void)
{
	static struct ground_list list;
	struct store *store = ground_reader(&g);
	size_t there = 0, want = 0;

	ground_list(&g, &list);
	ck_assert_uint_eq(list.batches, g.batches);
	ck_assert_uint_eq(list.gaps, 0);
	for (size_t i = 0; i < list.count; i++) {
		const struct ground_item *item = ground_find(&g, &list.found[i]);
		bool gone = wishes.gone[item->number];

		ck_assert_int_eq(list.found[i].place.frame_at == BATCH_NOWHERE, gone);
		if (gone)
			FAILS(ERR_DAMAGED, ground_read(store, &list.found[i], item, err));
		else
			OK(ground_read(store, &list.found[i], item, err));
		there += !gone;
	}
	for (size_t i = 0; i < g.committed; i++)
		want += !wishes.gone[g.item[i].number];
	ck_assert_uint_eq(there, want);
	ground_same_position(&list.end, store_end(g.store));
	store_close(store);
}

static void run(const char *command)
{
	struct buf said;

	buf_init(&said, 4096);
	OK(child_output(command, &said, err));
	buf_release(&said);
}

static void tools_accept(const char *name)
{
	char command[600];

	snprintf(command, sizeof command,
	    "cd %s && zstd -tq %s && tar --zstd -tf %s | wc -l && bsdtar -tf %s | wc -l", g.folder,
	    name, name, name);
	run(command);
}

static bool there(const char *name)
{
	char *path = file_join(g.folder, name);
	bool is = file_exists(path);

	free(path);
	return is;
}

static void begin(void)
{
	memset(&wishes, 0, sizeof wishes);
	ground_begin(&g);
	ground_open(&g);
}

START_TEST(nothing_to_gain)
{
	struct store_compacted done;

	begin();
	ground_batch(&g, 3000);
	ck_assert_int_eq(compact(1, false, &done, NULL), 0);
	ck_assert_uint_gt(done.bytes_before, 0);
	ck_assert(!there("000001.1.tar.zst"));
	check_there();
	ground_batch(&g, 3000); /* it was not sealed for nothing */
	ck_assert_uint_eq(g.end.segment, 1);
	ground_end(&g);
}
END_TEST

START_TEST(what_is_gone_is_dropped)
{
	struct store_compacted done;

	begin();
	for (unsigned i = 0; i < 10; i++)
		ground_batch(&g, 1000 + i * 500);
	wishes.gone[1] = wishes.gone[5] = wishes.gone[6] = wishes.gone[30] = true;
	ck_assert_int_eq(compact(1, false, &done, NULL), 1);
	ck_assert_uint_eq(done.segment.generation, 1);
	ck_assert_uint_eq(done.blobs, 1);
	ck_assert_uint_eq(done.mails, 3);
	ck_assert_uint_eq(done.redacted, 3);
	ck_assert_uint_eq(done.end.batch, 10);
	ck_assert_uint_gt(wishes.progress, 0);
	ck_assert(there("000001.tar.zst") && there("000001.1.tar.zst"));
	exchange(&done);
	ck_assert(!there("000001.tar.zst") && there("000001.1.tar.zst"));
	check_there();
	tools_accept("000001.1.tar.zst");
	/* Writing goes on in the next segment. */
	ground_batch(&g, 700);
	ck_assert_uint_eq(g.end.segment, 2);
	check_there();
	ck_assert_int_eq(compact(1, false, &done, NULL), 0);
	/* And once more. */
	wishes.gone[2] = wishes.gone[7] = true;
	ck_assert_int_eq(compact(1, false, &done, NULL), 1);
	ck_assert_uint_eq(done.segment.generation, 2);
	exchange(&done);
	check_there();
	ground_open(&g);
	check_there();
	ground_end(&g);
}
END_TEST

START_TEST(best_is_smaller_and_the_same)
{
	struct store_compacted done;

	begin();
	for (unsigned i = 0; i < 40; i++)
		ground_batch(&g, 20000 + i * 100);
	ck_assert_int_eq(compact(1, true, &done, NULL), 1);
	ck_assert_uint_lt(done.bytes_after, done.bytes_before);
	ck_assert_uint_eq(done.mails + done.blobs + done.redacted, 0);
	exchange(&done);
	check_there();
	tools_accept("000001.1.tar.zst");
	ck_assert_int_eq(compact(1, true, &done, NULL), 0); /* it is known to be done */
	ck_assert_int_eq(compact(1, false, &done, NULL), 0);
	/* What is done well stays so when it is written anew for another reason. */
	wishes.gone[4] = true;
	ck_assert_int_eq(compact(1, false, &done, NULL), 1);
	exchange(&done);
	ck_assert_int_eq(compact(1, true, &done, NULL), 0);
	check_there();
	ground_end(&g);
}
END_TEST

START_TEST(large_entries_and_many_segments)
{
	struct store_compacted done;

	begin();
	g.options.segment_bytes = MIB;
	ground_open(&g);
	for (unsigned i = 0; i < 6; i++) {
		ground_put(&g, EVENT_MAIL, 0);
		ground_put(&g, EVENT_MAIL, 9 * MIB + i);
		ground_put(&g, EVENT_BLOB, 2 * MIB + i); /* noise */
		ground_commit(&g);
	}
	ck_assert_uint_gt(g.end.segment, 2);
	wishes.gone[2] = wishes.gone[6] = true;
	for (uint32_t n = g.end.segment; n >= 1; n--) /* in any order */
		if (compact(n, n % 2, &done, NULL) == 1)
			exchange(&done);
	check_there();
	ground_open(&g);
	check_there();
	ground_end(&g);
}
END_TEST

START_TEST(all_of_it_is_gone)
{
	struct store_compacted done;

	begin();
	ground_batch(&g, 3000);
	ground_batch(&g, 3000);
	for (unsigned i = 1; i <= 6; i++)
		wishes.gone[i] = true;
	ck_assert_int_eq(compact(1, false, &done, NULL), 1);
	exchange(&done);
	check_there();
	tools_accept("000001.1.tar.zst");
	ground_batch(&g, 100);
	check_there();
	ground_end(&g);
}
END_TEST

/* Damage anywhere: the segment stays as it is, and nothing is left of the try. */
START_TEST(a_damaged_segment_stays)
{
	struct store_compacted done;
	unsigned refused = 0;
	struct buf file;
	char *path;

	begin();
	path = file_join(g.folder, "000001.tar.zst");
	ground_batch(&g, 3000);
	ground_batch(&g, 3000);
	wishes.gone[2] = true;
	buf_init(&file, MIB);
	OK(file_read_all(path, &file, err));
	for (size_t i = 0; i < file.n; i += 13) {
		int fd = file_open(path, O_RDWR, 0, NULL);
		struct err why = {0};
		char wrong =
		    (char)(file.p[i] ^ 0x81); /* not 0x10: a bit in a frame header means nothing */
		int got;

		OK(file_write_at(fd, &wrong, 1, i, path, err));
		got = compact(1, true, &done, &why);
		ck_assert_msg(got == -1, "byte %zu of %zu", i, file.n);
		ck_assert_int_eq(why.code, ERR_DAMAGED);
		refused++;
		ck_assert(!there("000001.1.tar.zst") && !there("000001.1.tar.zst.part"));
		OK(file_write_at(fd, &file.p[i], 1, i, path, err));
		file_close(&fd);
	}
	ck_assert_uint_gt(refused, 20);
	buf_release(&file);
	free(path);
	ground_end(&g);
}
END_TEST

/* The file that has all entries of the other stays, whichever was written later; of two that have
 * the same the later one. And what was not finished goes. */
START_TEST(what_an_interruption_leaves)
{
	struct store_compacted done;
	char command[200];

	begin();
	ground_batch(&g, 30000);
	ground_batch(&g, 30000);
	wishes.gone[2] = true;
	ck_assert_int_eq(compact(1, false, &done, NULL), 1);
	snprintf(command, sizeof command,
	    "cd %s && touch 000001.2.tar.zst.part 000009.tar.zst.part else.part", g.folder);
	run(command);
	settle();
	ck_assert(there("000001.tar.zst") && !there("000001.1.tar.zst"));
	ck_assert(!there("000001.2.tar.zst.part") && there("else.part"));
	ck_assert(there("000009.tar.zst.part")); /* not ours: compact never writes generation 0 */
	ck_assert(!there("000001.1.tar.zst.aside"));
	wishes.gone[2] = false;
	ck_assert_int_eq(compact(1, true, &done, NULL), 1);
	settle();
	ck_assert(!there("000001.tar.zst") && there("000001.1.tar.zst"));
	ck_assert(!there("000001.tar.zst.aside"));
	ground_open(&g);
	check_there();
	ground_end(&g);
}
END_TEST

/* A damaged file is no judge of what it holds: it stays, aside. */
START_TEST(a_damaged_file_is_kept_aside)
{
	struct store_compacted done;
	char *path;

	begin();
	ground_batch(&g, 30000);
	ck_assert_int_eq(compact(1, true, &done, NULL), 1);
	path = file_join(g.folder, "000001.tar.zst");
	flip_file(path, 100);
	free(path);
	settle();
	ck_assert(!there("000001.tar.zst") && there("000001.1.tar.zst"));
	ck_assert(there("000001.tar.zst.aside"));
	check_there();
	ground_end(&g);
}
END_TEST

/* A file of another history, as long as ours: the one that stays has not what the other has. */
START_TEST(what_nobody_else_has_is_kept_aside)
{
	struct store_compacted done;
	char command[300];
	static struct ground other;

	ground_begin(&other);
	ground_open(&other);
	ground_batch(&other, 4000);
	ground_batch(&other, 4000);
	begin();
	ground_batch(&g, 3000);
	ground_batch(&g, 3000);
	wishes.gone[2] = true;
	ck_assert_int_eq(compact(1, false, &done, NULL), 1);
	exchange(&done);
	for (int turn = 0; turn < 3; turn++) {
		snprintf(
		    command, sizeof command, "cp %s/000001.tar.zst %s", other.folder, g.folder);
		run(command);
		settle();
		ck_assert(!there("000001.tar.zst") && there("000001.1.tar.zst"));
		ck_assert(there("000001.tar.zst.aside"));
		ck_assert(there("000001.tar.zst.aside.2") == (turn > 0));
		ck_assert(there("000001.tar.zst.aside.3") == (turn > 1));
	}
	check_there();
	ground_end(&g);
	ground_end(&other);
}
END_TEST

/* What was written is not what is on the disk: the old one stays. */
START_TEST(what_is_read_back_must_be_the_same)
{
	struct store_compacted done;

	begin();
	ground_batch(&g, 3000);
	ground_batch(&g, 3000);
	wishes.gone[2] = true;
	wishes.spoil_at = 0;
	ck_assert_int_eq(compact(1, false, &done, NULL), 1);
	wishes.source_bytes = done.bytes_before;
	settle();
	for (uint64_t at = 5; at < 6000; at += 101) {
		wishes.spoil_at = at;
		ck_assert_msg(compact(1, false, &done, NULL) == -1, "byte %u", (unsigned)at);
		ck_assert_uint_eq(wishes.spoil_at, 0);
		ck_assert(there("000001.tar.zst") && !there("000001.1.tar.zst"));
		ck_assert(!there("000001.1.tar.zst.part"));
	}
	ck_assert_int_eq(compact(1, false, &done, NULL), 1);
	exchange(&done);
	check_there();
	ground_end(&g);
}
END_TEST

static int count_from(void *arg, const struct store_batch *batch, struct err *err)
{
	struct batch_position *last = arg;

	(void)err;
	ck_assert_uint_eq(batch->end.batch, last->batch + 1);
	*last = batch->end;
	return 0;
}

struct ends {
	struct batch_position end[20];
	size_t count;
};

static int note_end(void *arg, const struct store_batch *batch, struct err *err)
{
	struct ends *ends = arg;

	(void)err;
	ends->end[ends->count++] = batch->end;
	return 0;
}

/* Several batches end where their log frame does: each is a position to go on from. */
START_TEST(replay_goes_on_in_the_middle_of_a_log_frame)
{
	struct store_compacted done;
	struct batch_position start = {0};
	struct ends ends = {0};
	struct store *store;

	begin();
	for (unsigned i = 0; i < 9; i++)
		ground_batch(&g, 3000);
	wishes.gone[2] = true;
	ck_assert_int_eq(compact(1, false, &done, NULL), 1);
	exchange(&done);
	ground_batch(&g, 3000);
	store = ground_reader(&g);
	OK(store_replay(store, &start, note_end, &ends, err));
	store_close(store);
	ck_assert_uint_eq(ends.count, 10);
	ck_assert_uint_eq(ends.end[0].at, ends.end[8].at);
	for (size_t i = 0; i < 10; i++) {
		struct batch_position last = ends.end[i];

		store = ground_reader(&g);
		OK(store_replay(store, &ends.end[i], count_from, &last, err));
		ck_assert_uint_eq(last.batch, 10);
		store_close(store);
		ends.end[i].sum.b[0] ^= 1; /* of another archive */
		store = ground_reader(&g);
		FAILS(ERR_DAMAGED, store_replay(store, &ends.end[i], count_from, &last, err));
		store_close(store);
	}
	ground_end(&g);
}
END_TEST

START_TEST(only_when_nothing_is_open)
{
	struct store_compacted done;
	struct store *reader;
	struct store_compact how = {.number = 1, .is_live = is_live, .is_expired = is_expired};

	begin();
	ground_batch(&g, 3000);
	ground_put(&g, EVENT_MAIL, 10);
	FAILS(ERR_BUG, compact(1, true, &done, err));
	ground_commit(&g);
	FAILS(ERR_BUG, compact(2, true, &done, err));
	FAILS(ERR_BUG, compact(0, true, &done, err));
	reader = ground_reader(&g);
	FAILS(ERR_BUG, store_compact(reader, &how, &done, err));
	store_close(reader);
	check_there();
	ground_end(&g);
}
END_TEST

SUITE(nothing_to_gain, what_is_gone_is_dropped, best_is_smaller_and_the_same,
    large_entries_and_many_segments, all_of_it_is_gone, a_damaged_segment_stays,
    what_an_interruption_leaves, a_damaged_file_is_kept_aside, what_nobody_else_has_is_kept_aside,
    what_is_read_back_must_be_the_same, replay_goes_on_in_the_middle_of_a_log_frame,
    only_when_nothing_is_open)
