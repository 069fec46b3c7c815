/* app/partfile.c: a file is there when it is complete, or not at all. */
#include "app/partfile.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "tests/unit/suite.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/mailcask-partfile-XXXXXX";
static char *path, *part;
static struct partfile file, other;

static void begin(void)
{
	memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	path = file_join(folder, "a.mbox");
	part = file_join(folder, "a.mbox.part");
}

/* Nothing else may be left. */
static void done(void)
{
	unlink(path);
	ck_assert_int_eq(rmdir(folder), 0);
	free(path);
	free(part);
}

static void check_file(const char *name, const char *expected)
{
	struct buf text;

	buf_init(&text, 100);
	OK(file_read_all(name, &text, err));
	ck_assert_str_eq(buf_string(&text), expected);
	buf_release(&text);
}

START_TEST(the_name_comes_last)
{
	struct stat st;

	begin();
	OK(partfile_begin(&file, path, err));
	OK(file_write(file.fd, "text", 4, part, err));
	ck_assert(!file_exists(path));
	check_file(part, "text");
	OK(partfile_commit(&file, err));
	check_file(path, "text");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	OK(partfile_commit(&file, err));
	partfile_abort(&file);
	check_file(path, "text");
	done();
}
END_TEST

START_TEST(what_is_given_up_goes_away)
{
	begin();
	OK(partfile_begin(&file, path, err));
	OK(file_write(file.fd, "te", 2, part, err));
	partfile_abort(&file);
	partfile_abort(&file);
	done();
}
END_TEST

START_TEST(what_a_crash_left_is_overwritten)
{
	begin();
	OK(file_replace(part, BYTES("longer than the new one"), 0600, err));
	OK(partfile_begin(&file, path, err));
	OK(file_write(file.fd, "new", 3, part, err));
	OK(partfile_commit(&file, err));
	check_file(path, "new");
	done();
}
END_TEST

START_TEST(nothing_is_replaced)
{
	begin();
	OK(file_replace(path, BYTES("mine"), 0600, err));
	FAILS(ERR_USAGE, partfile_begin(&file, path, err));
	OK(partfile_commit(&file, err));
	partfile_abort(&file);
	check_file(path, "mine");
	/* Not even what came in the meantime. */
	ck_assert_int_eq(unlink(path), 0);
	OK(partfile_begin(&file, path, err));
	OK(file_replace(path, BYTES("mine"), 0600, err));
	FAILS(ERR_USAGE, partfile_commit(&file, err));
	check_file(path, "mine");
	done();
}
END_TEST

START_TEST(no_link_is_followed)
{
	begin();
	ck_assert_int_eq(symlink("elsewhere", path), 0);
	FAILS(ERR_USAGE, partfile_begin(&file, path, err));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("elsewhere", part), 0);
	FAILS(ERR_IO, partfile_begin(&file, path, err));
	ck_assert_int_eq(unlink(part), 0);
	ck_assert_int_eq(mkfifo(part, 0600), 0);
	FAILS(ERR_IO, partfile_begin(&file, path, err));
	ck_assert_int_eq(unlink(part), 0);
	done();
}
END_TEST

START_TEST(two_do_not_write_the_same)
{
	begin();
	OK(partfile_begin(&file, path, err));
	OK(file_write(file.fd, "one", 3, part, err));
	FAILS(ERR_LOCKED, partfile_begin(&other, path, err));
	partfile_abort(&other);
	OK(partfile_commit(&file, err));
	check_file(path, "one");
	done();
}
END_TEST

SUITE(the_name_comes_last, what_is_given_up_goes_away, what_a_crash_left_is_overwritten,
    nothing_is_replaced, no_link_is_followed, two_do_not_write_the_same)
