/* archiver/replica/replica.c: a mirror follows its archive, whatever became of either, and nothing
 * that the archive lacks is harmed in it. */
#include "tests/unit/archiver/replica/ground.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* A disk that writes something else than it was told, now and then. */
static bool is_lying;

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t at)
{
	char *p = mem_alloc(bytes + 1);
	long done;

	memcpy(p, data, bytes);
	if (is_lying && bytes > 0)
		p[bytes / 2] ^= 4;
	done = syscall(SYS_pwrite64, fd, p, bytes, at);
	free(p);
	return done;
}

START_TEST(a_new_mirror_has_everything)
{
	begin();
	grow(3);
	updates_to_same();
	ck_assert(report.is_new);
	ck_assert(report.is_on_same_disk);
	ck_assert_uint_eq(report.files_copied, 3);
	update();
	ck_assert(!report.is_new);
	ck_assert_uint_eq(report.bytes_copied + report.files_copied, 0);
	end();
}
END_TEST

START_TEST(of_an_empty_archive_there_is_only_format)
{
	begin();
	update();
	sh("cmp %s/FORMAT %s/FORMAT && [ -z \"$(ls %s/segments)\" ]", archive, mirror, mirror);
	grow(1);
	updates_to_same();
	end();
}
END_TEST

START_TEST(what_grows_is_appended)
{
	uint64_t before, after;

	begin();
	grow(2);
	for (int i = 0; i < 12; i++) {
		uint32_t last = g.end.segment;

		updates_to_same();
		before = bytes_of_segment(archive, last);
		ground_batch(&g, 2000);
		set_end();
		after = bytes_of_segment(archive, last);
		update();
		if (g.end.segment == last)
			ck_assert_uint_eq(report.bytes_copied, after - before);
		check_same(archive, mirror);
	}
	ck_assert_uint_gt(g.end.segment, 2);
	end();
}
END_TEST

START_TEST(an_open_batch_stays_behind)
{
	uint64_t committed;

	begin();
	grow(1);
	committed = bytes_of_segment(archive, 1);
	ground_put(&g, EVENT_MAIL, 2 << 20); /* a frame of its own, written at once */
	ck_assert_uint_gt(bytes_of_segment(archive, 1), committed);
	update();
	ck_assert_uint_eq(bytes_of_segment(mirror, 1), committed);
	update();
	ck_assert_uint_eq(bytes_of_segment(mirror, 1), committed);
	ground_commit(&g);
	set_end();
	updates_to_same();
	end();
}
END_TEST

/* Stopped at each moment where it looks whether it should. */
static int countdown;

static int count_down(void *arg, uint64_t done, uint64_t all, struct err *err)
{
	(void)arg, (void)done, (void)all;
	return countdown-- > 0 ? 0 : err_set(err, ERR_STOPPED, "stopped");
}

START_TEST(stopped_anywhere_it_goes_on)
{
	int stops = 0, result = -1;

	begin();
	grow(3);
	options.progress = count_down;
	for (int n = 0; result != 0; n++, stops += result != 0) {
		struct err why = {0};

		if (stops % 3 == 1)
			ground_batch(&g, 1000);
		set_end();
		countdown = n;
		result = replica_update(&options, &report, &why);
		ck_assert(result == 0 || why.code == ERR_STOPPED);
		sh("[ -z \"$(ls %s/segments | grep part)\" ]", mirror);
	}
	ck_assert_int_gt(stops, 3);
	check_same(archive, mirror);
	end();
}
END_TEST

START_TEST(what_an_interrupted_copy_left_is_swept)
{
	begin();
	grow(2);
	update();
	sh("cp %s/segments/000001.tar.zst %s/segments/000002.tar.zst.part && "
	   "touch %s/segments/mine.part",
	    mirror, mirror, mirror);
	update();
	sh("[ ! -e %s/segments/000002.tar.zst.part ] && rm %s/segments/mine.part", mirror, mirror);
	check_same(archive, mirror);
	end();
}
END_TEST

/* ---- torn tails ---- */

START_TEST(a_tail_that_is_cut_is_completed)
{
	uint64_t all, bytes;

	begin();
	grow(2);
	update();
	all = bytes_of_segment(mirror, 2);
	for (bytes = 0; bytes < all; bytes += all / 37 + 1) {
		cut(mirror, 2, bytes);
		updates_to_same();
	}
	/* And of one that was sealed. */
	all = bytes_of_segment(mirror, 1);
	for (bytes = all - 1; bytes > all - 100; bytes -= 7) {
		cut(mirror, 1, bytes);
		updates_to_same();
	}
	end();
}
END_TEST

START_TEST(garbage_behind_the_last_commit_is_replaced)
{
	char *path;

	begin();
	grow(2);
	update();
	path = segment_path(mirror, 2);
	sh("head -c 3000 /dev/urandom >>%s", path);
	updates_to_same();
	sh("head -c 3000 /dev/zero >>%s", path);
	ground_batch(&g, 3000);
	set_end();
	updates_to_same();
	free(path);
	end();
}
END_TEST

/* The disk wrote the end of what was appended, and not its beginning. */
START_TEST(a_hole_in_the_tail_is_replaced)
{
	uint64_t before, from;
	char *path;

	begin();
	grow(1);
	update();
	before = bytes_of_segment(mirror, 1);
	ground_batch(&g, 3000);
	ground_batch(&g, 300);
	set_end();
	path = segment_path(mirror, 1);
	for (from = before; from < before + 600; from += 100) {
		sh("cp %s/mirror %s/note; cp %s %s/old", archive, top, path, top);
		update();
		sh("dd if=/dev/zero of=%s bs=1 count=90 seek=%llu conv=notrunc 2>/dev/null", path,
		    (unsigned long long)from);
		sh("cp %s/note %s/mirror", top, archive);
		updates_to_same();
		sh("cp %s/old %s; cp %s/note %s/mirror", top, path, top, archive);
	}
	free(path);
	end();
}
END_TEST

/* ---- what is refused ---- */

START_TEST(another_archive_s_mirror_is_left_alone)
{
	begin();
	grow(2);
	update();
	close_archive();
	sh("rm -r %s/segments %s/mirror", archive, archive);
	g.items = g.committed = 7; /* other content */
	g.batches = 0;
	memset(&g.end, 0, sizeof g.end);
	open_archive();
	grow(2);
	fails_to_update(ERR_UNSAFE, "mirror of another archive");
	options.may_fill = options.compare = true;
	fails_to_update(ERR_UNSAFE, "mirror of another archive");
	end();
}
END_TEST

/* The archive as it was, from a backup. */
static void keep_archive(void)
{
	sh("rm -rf %s/backup; cp -a %s %s/backup", top, archive, top);
}

static void set_archive_back(void)
{
	close_archive();
	sh("rm -rf %s; cp -a %s/backup %s", archive, top, archive);
	open_archive();
	g.end = *store_end(g.store);
	set_end();
}

START_TEST(a_longer_mirror_is_left_alone)
{
	begin();
	grow(2);
	update();
	keep_archive();
	ground_batch(&g, 2000);
	set_end();
	update();
	set_archive_back();
	fails_to_update(ERR_UNSAFE, "holds what the archive lacks");
	sh("rm %s/mirror", archive);
	fails_to_update(ERR_UNSAFE, "holds what the archive lacks");
	end();
}
END_TEST

START_TEST(a_mirror_with_more_files_is_left_alone)
{
	begin();
	grow(2);
	update();
	keep_archive();
	grow(4);
	update();
	set_archive_back();
	fails_to_update(ERR_UNSAFE, "holds what the archive lacks");
	close_archive();
	sh("rm %s/segments/*", archive);
	memset(&options.end, 0, sizeof options.end);
	fails_to_update(ERR_UNSAFE, "holds what the archive lacks");
	open_archive();
	end();
}
END_TEST

START_TEST(two_histories_are_left_alone)
{
	begin();
	grow(2);
	update();
	keep_archive();
	for (int more = 0; more < 3; more++) {
		ground_batch(&g, 1000);
		set_end();
		update();
		set_archive_back();
		g.items += 3; /* other content */
		ground_batch(&g, 1000);
		if (more > 0)
			grow(3 + (uint32_t)more); /* so that the archive's has more */
		set_end();
		fails_to_update(ERR_UNSAFE, "went different ways");
		sh("rm -f %s/mirror", archive);
		fails_to_update(ERR_UNSAFE, "went different ways");
		/* Again from what both had. */
		sh("rm -rf %s; cp -a %s/backup %s; rm %s/mirror", mirror, top, mirror, mirror);
		set_archive_back();
		update();
	}
	end();
}
END_TEST

START_TEST(damage_of_the_archive_is_not_copied)
{
	begin();
	grow(3);
	update();
	options.compare = true;
	flip(archive, 1, 900);
	fails_to_update(ERR_DAMAGED, "rebuild --from-mirror");
	flip(archive, 1, 900);
	updates_to_same();
	flip(archive, 3, bytes_of_segment(archive, 3) - 20); /* in the last log */
	fails_to_update(ERR_DAMAGED, "rebuild --from-mirror");
	/* Its first commit: nothing tells whose it is but the note. */
	flip(archive, 3, bytes_of_segment(archive, 3) - 20);
	cut(archive, 1, 50);
	fails_to_update(ERR_UNSAFE, "holds what the archive lacks");
	sh("rm %s/mirror", archive);
	fails_to_update(ERR_DAMAGED, "is damaged");
	end();
}
END_TEST

START_TEST(the_archive_itself_is_no_mirror)
{
	begin();
	grow(1);
	sh("ln -s a %s", mirror);
	fails_to_update(ERR_UNSAFE, "the archive itself");
	sh("rm %s && mkdir %s && ln -s ../a/segments %s/segments && cp %s/FORMAT %s", mirror,
	    mirror, mirror, archive, mirror);
	fails_to_update(ERR_UNSAFE, "the archive itself");
	sh("rm -r %s && cp -al %s %s", mirror, archive, mirror);
	fails_to_update(ERR_UNSAFE, "links to the archive's own files");
	options.path = archive;
	fails_to_update(ERR_UNSAFE, "the archive itself");
	free(mirror);
	mirror = file_join(archive, "m");
	options.path = mirror;
	fails_to_update(ERR_UNSAFE, "the archive itself");
	options.path = top;
	fails_to_update(ERR_UNSAFE, "the archive itself");
	end();
}
END_TEST

/* ---- a disk that is not mounted ---- */

START_TEST(an_empty_folder_is_not_filled_again)
{
	begin();
	grow(2);
	update();
	sh("mv %s %s.away", mirror, mirror);
	fails_to_update(ERR_ABSENT, "is its disk mounted?");
	ck_assert_int_eq(access(mirror, F_OK), -1);
	sh("mkdir %s", mirror);
	fails_to_update(ERR_ABSENT, "is its disk mounted?");
	sh("mkdir %s/segments; cp %s/FORMAT %s", mirror, archive, mirror);
	fails_to_update(ERR_ABSENT, "is its disk mounted?");
	options.may_fill = true;
	updates_to_same();
	ck_assert(report.is_new);
	end();
}
END_TEST

START_TEST(another_place_is_filled)
{
	char *other;

	begin();
	grow(2);
	update();
	other = file_join(top, "other/disk");
	options.path = other;
	fails_to_update(ERR_ABSENT, "no folder above");
	sh("mkdir -p %s/lost+found", other);
	update();
	check_same(archive, other);
	free(other);
	end();
}
END_TEST

START_TEST(a_folder_of_something_else_is_left_alone)
{
	begin();
	grow(1);
	sh("mkdir %s && touch %s/photo.jpg", mirror, mirror);
	fails_to_update(ERR_UNSAFE, "is not empty");
	options.may_fill = true;
	fails_to_update(ERR_UNSAFE, "is not empty");
	sh("rm %s/photo.jpg && printf 'mailcask archive 2\\n' >%s/FORMAT", mirror, mirror);
	fails_to_update(ERR_UNSAFE, "FORMAT");
	end();
}
END_TEST

/* ---- what is missing or damaged in the mirror ---- */

START_TEST(a_missing_file_is_copied_again)
{
	begin();
	grow(3);
	update();
	sh("rm %s/segments/000002*", mirror);
	updates_to_same();
	ck_assert_ptr_nonnull(strstr(buf_string(&told), "000002.tar.zst was missing"));
	end();
}
END_TEST

START_TEST(a_flipped_byte_is_mended)
{
	uint64_t at, bytes;

	begin();
	grow(2);
	update();
	flip(mirror, 1, 700);
	update(); /* what was verified is not looked at again */
	ck_assert_uint_eq(report.bytes_copied, 0);
	flip(mirror, 1, 700);
	options.compare = true;
	for (uint32_t number = 1; number <= 2; number++) {
		bytes = bytes_of_segment(mirror, number);
		for (at = 0; at < bytes; at += bytes / 61 + 1) {
			flip(mirror, number, at);
			updates_to_same();
			ck_assert_uint_eq(report.files_copied, 1);
		}
		flip(mirror, number, bytes - 1);
		updates_to_same();
	}
	end();
}
END_TEST

START_TEST(a_bit_that_changes_nothing_is_no_other_history)
{
	begin();
	grow(2);
	update();
	options.compare = true;
	flip_harmless(mirror, 1);
	updates_to_same();
	ck_assert_uint_eq(report.files_copied, 1);
	end();
}
END_TEST

START_TEST(without_the_note_everything_is_compared)
{
	begin();
	grow(3);
	update();
	sh("rm %s/mirror", archive);
	flip(mirror, 1, 700);
	updates_to_same();
	ck_assert_ptr_nonnull(strstr(buf_string(&told), "was damaged: copied again"));
	sh("echo nonsense >%s/mirror", archive);
	flip(mirror, 2, 700);
	updates_to_same();
	end();
}
END_TEST

/* ---- a disk that is full ---- */

START_TEST(what_cannot_be_written_leaves_nothing_torn)
{
	struct rlimit limit = {0, RLIM_INFINITY};

	begin();
	signal(SIGXFSZ, SIG_IGN);
	grow(1);
	update();
	for (int i = 0; i < 3; i++) /* one of them cannot be compressed */
		ground_put(&g, EVENT_BLOB, 60000);
	ground_commit(&g);
	set_end();
	limit.rlim_cur = bytes_of_segment(mirror, 1) + 5000;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	fails_to_update(ERR_IO, "");
	limit.rlim_cur = RLIM_INFINITY;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	updates_to_same();
	end();
}
END_TEST

START_TEST(a_disk_that_lies_is_found_out)
{
	begin();
	grow(2);
	is_lying = true;
	FAILS(ERR_IO, replica_update(&options, &report, err));
	sh("[ -z \"$(ls %s/segments)\" ]", mirror);
	is_lying = false;
	update();
	ground_batch(&g, 100);
	set_end();
	is_lying = true;
	fails_to_update(ERR_IO, "is not to be trusted");
	is_lying = false;
	updates_to_same();
	end();
}
END_TEST

/* ---- generations ---- */

START_TEST(a_new_generation_takes_the_place_of_the_old)
{
	begin();
	grow(3);
	update();
	close_archive();
	sh("cd %s/segments && mv 000001.tar.zst 000001.1.tar.zst", archive);
	updates_to_same();
	ck_assert_uint_eq(report.files_copied, 1);
	/* Interrupted before the old one went. */
	sh("cp %s/segments/000001.1.tar.zst %s/segments/000001.tar.zst", mirror, mirror);
	updates_to_same();
	ck_assert_uint_eq(report.files_copied, 0);
	sh("cd %s/segments && mv 000001.1.tar.zst 000001.2.tar.zst && "
	   "mv 000002.tar.zst 000002.1.tar.zst",
	    archive);
	updates_to_same();
	ck_assert_uint_eq(report.files_copied, 2);
	/* An archive of before, which lacks nothing. */
	sh("cd %s/segments && mv 000001.2.tar.zst 000001.1.tar.zst", archive);
	updates_to_same();
	end();
}
END_TEST

/* What the newer file of a segment has dropped may stand in one that is damaged: the mirror's older
 * file stays, and the mirror is not called complete, however often it is brought up to date. */
START_TEST(nothing_goes_while_anything_is_damaged)
{
	begin();
	grow(3);
	update();
	close_archive();
	sh("cd %s/segments && mv 000001.tar.zst 000001.1.tar.zst", archive);
	open_archive();
	grow(5);
	flip(archive, 4, 100);
	for (int turn = 0; turn < 3; turn++) {
		options.compare = turn == 2;
		update();
		ck_assert_uint_eq(report.files_damaged, 1);
		sh("[ -e %s/segments/000001.tar.zst ]", mirror);
		sh("cmp %s/segments/000001.1.tar.zst %s/segments/000001.1.tar.zst", archive,
		    mirror);
		sh("cmp %s/segments/000004.tar.zst %s/segments/000004.tar.zst", archive, mirror);
	}
	flip(archive, 4, 100);
	update();
	ck_assert_uint_eq(report.files_damaged, 0);
	check_same(archive, mirror);
	end();
}
END_TEST

START_TEST(the_old_generation_stays_until_the_new_one_is_verified)
{
	begin();
	grow(2);
	update();
	sh("cd %s/segments && mv 000001.tar.zst 000001.1.tar.zst", archive);
	options.progress = count_down;
	countdown = 1;
	fails_to_update(ERR_STOPPED, "stopped");
	sh("[ -e %s/segments/000001.tar.zst ]", mirror);
	end();
}
END_TEST

/* ---- how it stands ---- */

START_TEST(it_tells_how_far_behind)
{
	struct replica_standing standing;

	begin();
	grow(2);
	FAILS(ERR_ABSENT, replica_stand(&options, &standing, err));
	update();
	OK(replica_stand(&options, &standing, err));
	ck_assert_uint_eq(standing.behind, 0);
	ground_same_position(&standing.end, &g.end);
	ground_batch(&g, 100);
	ground_batch(&g, 100);
	set_end();
	OK(replica_stand(&options, &standing, err));
	ck_assert_uint_eq(standing.behind, 2);
	update();
	keep_archive();
	ground_batch(&g, 100);
	set_end();
	update();
	set_archive_back();
	FAILS(ERR_UNSAFE, replica_stand(&options, &standing, err));
	g.items += 3;
	ground_batch(&g, 100);
	set_end();
	FAILS(ERR_UNSAFE, replica_stand(&options, &standing, err));
	ground_batch(&g, 100);
	set_end();
	FAILS(ERR_UNSAFE, replica_stand(&options, &standing, err));
	end();
}
END_TEST

START_TEST(the_note_tells_what_was_done)
{
	struct replica_note note;

	begin();
	ck_assert_int_eq(replica_note_read(archive, &note, NULL), 0);
	grow(3);
	update();
	ck_assert_int_eq(replica_note_read(archive, &note, NULL), 1);
	ck_assert_str_eq(note.path, mirror);
	ck_assert_int_eq(note.time_unix, GROUND_TIME);
	ck_assert_uint_eq(note.batch, g.end.batch);
	ck_assert_uint_eq(note.number, 3);
	ck_assert_uint_eq(note.bytes, bytes_of_segment(mirror, 3));
	ck_assert(replica_is_there(mirror));
	ck_assert(!replica_is_there(top));
	end();
}
END_TEST

SUITE(a_new_mirror_has_everything, of_an_empty_archive_there_is_only_format, what_grows_is_appended,
    an_open_batch_stays_behind, stopped_anywhere_it_goes_on, what_an_interrupted_copy_left_is_swept,
    a_tail_that_is_cut_is_completed, garbage_behind_the_last_commit_is_replaced,
    a_hole_in_the_tail_is_replaced, another_archive_s_mirror_is_left_alone,
    a_longer_mirror_is_left_alone, a_mirror_with_more_files_is_left_alone,
    two_histories_are_left_alone, damage_of_the_archive_is_not_copied,
    the_archive_itself_is_no_mirror, an_empty_folder_is_not_filled_again, another_place_is_filled,
    a_folder_of_something_else_is_left_alone, a_missing_file_is_copied_again,
    a_flipped_byte_is_mended, a_bit_that_changes_nothing_is_no_other_history,
    without_the_note_everything_is_compared, what_cannot_be_written_leaves_nothing_torn,
    a_disk_that_lies_is_found_out, a_new_generation_takes_the_place_of_the_old,
    nothing_goes_while_anything_is_damaged, the_old_generation_stays_until_the_new_one_is_verified,
    it_tells_how_far_behind, the_note_tells_what_was_done)
