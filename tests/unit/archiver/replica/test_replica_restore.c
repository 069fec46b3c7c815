/* archiver/replica/replica_restore.c: what an archive lost comes back, what is good stays. */
#include "tests/unit/archiver/replica/ground.h"

static void begin_mirrored(uint32_t segments)
{
	begin();
	grow(segments);
	update();
	close_archive();
	sh("cp -a %s %s/good", archive, top);
}

static void restore(void)
{
	buf_clear(&told);
	OK(replica_restore(&options, &report, err));
}

static void fails_to_restore(enum err_code code, const char *text)
{
	struct err why = {0};

	sh("rm -rf %s/before; cp -a %s %s/before", top, archive, top);
	ck_assert_int_eq(replica_restore(&options, &report, &why), -1);
	ck_assert_msg(why.code == code, "%d: %s", (int)why.code, why.text);
	ck_assert_msg(strstr(why.text, text) != NULL, "%s", why.text);
	sh("diff -r -x lock %s %s/before", archive, top);
}

/* The archive's segments are what they were; a damaged file stands beside, or none. */
static void check_good(const char *kept)
{
	sh("diff -r -x '*.damaged' %s/segments %s/good/segments && cmp %s/FORMAT %s/good/FORMAT",
	    archive, top, archive, top);
	sh("[ \"$(cd %s/segments; ls | grep damaged)\" = '%s' ]", archive, kept);
	open_archive();
	ground_check(&g);
	close_archive();
}

START_TEST(a_whole_archive_comes_back)
{
	struct replica_note note;

	begin_mirrored(4);
	sh("rm -r %s", archive);
	restore();
	check_good("");
	ck_assert_uint_eq(report.files_copied, 4);
	ck_assert_uint_eq(report.files_mended + report.files_bad, 0);
	/* And the mirror is known again, without a look at every byte. */
	ck_assert_int_eq(replica_note_read(archive, &note, NULL), 1);
	ck_assert_uint_eq(note.number, 4);
	update();
	ck_assert_uint_eq(report.bytes_copied, 0);
	restore();
	ck_assert_uint_eq(report.bytes_copied, 0);
	end();
}
END_TEST

START_TEST(a_missing_file_comes_back)
{
	begin_mirrored(4);
	for (int number = 1; number <= 4; number++) {
		sh("rm %s/segments/00000%d*", archive, number);
		restore();
		ck_assert_uint_eq(report.files_copied, 1);
		check_good("");
	}
	sh("rm %s/FORMAT", archive);
	restore();
	check_good("");
	end();
}
END_TEST

START_TEST(a_lost_end_comes_back)
{
	uint64_t all, bytes;

	begin_mirrored(3);
	for (uint32_t number = 1; number <= 3; number++) {
		all = bytes_of_segment(archive, number);
		for (bytes = 0; bytes < all; bytes += all / 17 + 1) {
			cut(archive, number, bytes);
			restore();
			check_good("");
		}
		cut(archive, number, all - 3); /* of its seal, when it has one */
		restore();
		check_good("");
	}
	end();
}
END_TEST

START_TEST(damage_is_mended_and_kept)
{
	uint64_t at, bytes;

	begin_mirrored(3);
	for (uint32_t number = 1; number <= 3; number++) {
		char *kept = mem_format("00000%u.tar.zst.damaged", number);

		bytes = bytes_of_segment(archive, number);
		for (at = 0; at < bytes; at = at + bytes / 23 + 1 < bytes || at == bytes - 1
			 ? at + bytes / 23 + 1
			 : bytes - 1) {
			flip(archive, number, at);
			sh("cp %s/segments/00000%u.tar.zst %s/damaged", archive, number, top);
			restore();
			ck_assert_uint_eq(report.files_mended, 1);
			sh("cmp %s/damaged %s/segments/%s", top, archive, kept);
			check_good(kept);
			sh("rm %s/segments/%s", archive, kept);
		}
		free(kept);
	}
	end();
}
END_TEST

/* The mirror ends earlier: what the archive has behind that stays, damage before it or not. */
START_TEST(what_the_mirror_lacks_stays)
{
	begin();
	grow(2);
	update();
	ground_batch(&g, 1000);
	grow(4);
	close_archive();
	sh("cp -a %s %s/good", archive, top);
	restore();
	ck_assert_uint_eq(report.bytes_copied, 0);
	check_good("");
	flip(archive, 2, 700);
	restore();
	check_good("000002.tar.zst.damaged");
	sh("rm %s/segments/*.damaged", archive);
	flip(archive, 1, 700);
	restore();
	check_good("000001.tar.zst.damaged");
	end();
}
END_TEST

START_TEST(a_damaged_mirror_is_not_taken)
{
	begin_mirrored(3);
	flip(mirror, 1, 700);
	flip(mirror, 3, bytes_of_segment(mirror, 3) - 20);
	restore();
	ck_assert_uint_eq(report.bytes_copied + report.files_bad, 0);
	check_good("");
	/* Both: then the archive's stays. */
	flip(archive, 1, 701);
	sh("cp -a %s %s/damaged", archive, top);
	restore();
	ck_assert_uint_eq(report.files_bad, 1);
	ck_assert_ptr_nonnull(strstr(buf_string(&told), "not whole in the mirror either"));
	sh("diff -r -x lock %s %s/damaged", archive, top);
	/* One that is missing here comes damaged as it is there: without it nothing opens. */
	sh("rm %s/segments/000001*", archive);
	restore();
	ck_assert_uint_eq(report.files_bad, 1);
	sh("cmp %s/segments/000001.tar.zst %s/segments/000001.tar.zst", archive, mirror);
	end();
}
END_TEST

START_TEST(a_bit_that_changes_nothing_is_left)
{
	begin_mirrored(2);
	flip_harmless(archive, 1);
	sh("cp -a %s %s/flipped", archive, top);
	restore();
	ck_assert_uint_eq(report.bytes_copied + report.files_bad, 0);
	sh("diff -r -x lock %s %s/flipped", archive, top);
	end();
}
END_TEST

START_TEST(two_histories_are_refused)
{
	begin();
	grow(2);
	close_archive();
	sh("cp -a %s %s/backup", archive, top);
	open_archive();
	ground_batch(&g, 1000);
	set_end();
	update();
	close_archive();
	sh("rm -r %s; cp -a %s/backup %s", archive, top, archive);
	open_archive();
	g.items += 3;
	ground_batch(&g, 1000);
	close_archive();
	flip(archive, 1, 700); /* nothing is mended then, either */
	fails_to_restore(ERR_UNSAFE, "went different ways");
	end();
}
END_TEST

START_TEST(another_archive_s_mirror_is_refused)
{
	begin_mirrored(2);
	sh("rm -r %s/segments", archive);
	g.items = g.committed = 7;
	g.batches = 0;
	memset(&g.end, 0, sizeof g.end);
	open_archive();
	grow(1);
	close_archive();
	fails_to_restore(ERR_UNSAFE, "mirror of another archive");
	end();
}
END_TEST

START_TEST(without_a_mirror_there_is_nothing_to_take)
{
	begin();
	grow(1);
	close_archive();
	fails_to_restore(ERR_ABSENT, "is its disk mounted?");
	sh("mkdir %s", mirror);
	fails_to_restore(ERR_ABSENT, "is its disk mounted?");
	end();
}
END_TEST

static int countdown;

static int count_down(void *arg, uint64_t done, uint64_t all, struct err *err)
{
	(void)arg, (void)done, (void)all;
	return countdown-- > 0 ? 0 : err_set(err, ERR_STOPPED, "stopped");
}

/* Until it is complete nothing can open what is there: a number is missing, or FORMAT. */
START_TEST(half_of_an_archive_cannot_be_opened)
{
	struct err why = {0};
	int result = -1, stops = 0;

	begin_mirrored(4);
	options.progress = count_down;
	for (int n = 0; result != 0; n++) {
		sh("rm -rf %s", archive);
		countdown = n;
		result = replica_restore(&options, &report, &why);
		if (result == 0)
			break;
		stops++;
		sh("[ ! -e %s/FORMAT ]", archive);
		sh("[ -z \"$(ls %s/segments)\" ] || [ ! -e %s/segments/000001.tar.zst ]", archive,
		    archive);
	}
	ck_assert_int_gt(stops, 5);
	check_good("");
	end();
}
END_TEST

/* Of two generations the better one counts. */
START_TEST(a_damaged_new_generation_gives_way_to_an_old_one)
{
	begin_mirrored(3);
	sh("cd %s/segments && mv 000001.tar.zst 000001.1.tar.zst", archive);
	restore();
	ck_assert_uint_eq(report.bytes_copied, 0);
	sh("cd %s/segments && printf x | dd of=000001.1.tar.zst bs=1 seek=700 conv=notrunc "
	   "2>/dev/null",
	    archive);
	restore();
	check_good("000001.1.tar.zst.damaged");
	end();
}
END_TEST

SUITE(a_whole_archive_comes_back, a_missing_file_comes_back, a_lost_end_comes_back,
    damage_is_mended_and_kept, what_the_mirror_lacks_stays, a_damaged_mirror_is_not_taken,
    a_bit_that_changes_nothing_is_left, two_histories_are_refused,
    another_archive_s_mirror_is_refused, without_a_mirror_there_is_nothing_to_take,
    half_of_an_archive_cannot_be_opened, a_damaged_new_generation_gives_way_to_an_old_one)
