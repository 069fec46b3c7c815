/* base/file.c: whole jobs or an error, and the one-step replacement. */
#include "base/file.h"

#include "../suite.h"
#include "base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];
static char *path;

static void set_up(void)
{
	snprintf(folder, sizeof folder, "/tmp/test_file-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	path = file_join(folder, "file");
}

static void tear_down(void)
{
	char *command = mem_format("rm -rf %s", folder);
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	free(command);
	free(path);
}

static int count_entries(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int count = 0;

	while ((entry = readdir(dir)))
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return count;
}

static void check_content(const char *expected)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	OK(file_read_all(path, &text, err));
	ck_assert_str_eq(buf_string(&text), expected);
	buf_release(&text);
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	ck_assert_int_eq(stat(name, &st), 0);
	return st.st_mode & 0777;
}

/* From here on a file may have that many bytes: writing more fails with EFBIG. */
static void limit_files(rlim_t bytes)
{
	struct rlimit limit = {bytes, RLIM_INFINITY};

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(replace_makes_and_replaces)
{
	umask(022);
	OK(file_replace(path, BYTES("one"), 0600, err));
	check_content("one");
	ck_assert_uint_eq(mode_of(path), 0600);
	OK(file_replace(path, BYTES("a longer two"), 0644, err));
	check_content("a longer two");
	ck_assert_uint_eq(mode_of(path), 0644);
	OK(file_replace(path, BYTES(""), 0600, err));
	check_content("");
	ck_assert_int_eq(count_entries(), 1);
}
END_TEST

START_TEST(replace_takes_no_notice_of_what_a_crash_left)
{
	char *left = mem_format("%s.new", path);

	OK(file_replace(left, BYTES("half"), 0644, err));
	OK(file_replace(path, BYTES("whole"), 0600, err));
	check_content("whole");
	ck_assert_uint_eq(mode_of(path), 0600);
	ck_assert(!file_exists(left));
	free(left);
}
END_TEST

START_TEST(replace_that_cannot_write_leaves_the_old_and_nothing_else)
{
	char large[8192];
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};

	memset(large, 'x', sizeof large);
	OK(file_replace(path, BYTES("old"), 0600, err));
	limit_files(4096);
	FAILS(ERR_IO, file_replace(path, (struct bytes){large, sizeof large}, 0600, err));
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &all), 0);
	check_content("old");
	ck_assert_int_eq(count_entries(), 1);
}
END_TEST

START_TEST(replace_that_cannot_rename_leaves_nothing)
{
	OK(file_make_folders(path, 0700, err));
	FAILS(ERR_IO, file_replace(path, BYTES("x"), 0600, err));
	ck_assert_int_eq(count_entries(), 1);
	FAILS(ERR_ABSENT, file_replace("/no/such/folder/file", BYTES("x"), 0600, err));
}
END_TEST

START_TEST(a_full_disk_is_said_to_be_full)
{
	struct err err = {0};
	int fd = file_open("/dev/full", O_WRONLY, 0, &err);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(file_write(fd, "x", 1, "/dev/full", &err), -1);
	ck_assert_int_eq(err.code, ERR_SPACE);
	ck_assert_str_eq(err.text, "cannot write /dev/full: No space left on device");
	err_clear(&err);
	ck_assert_int_eq(file_write_at(fd, "x", 1, 5, "/dev/full", &err), -1);
	ck_assert_int_eq(err.code, ERR_SPACE);
	file_close(&fd);
}
END_TEST

/* The kernel takes a part first; that must not count as success. */
START_TEST(a_write_that_is_taken_in_part_fails)
{
	char data[100] = {0};
	int fd = file_open(path, O_RDWR | O_CREAT, 0600, NULL);
	uint64_t size = 0;

	limit_files(64);
	FAILS(ERR_IO, file_write(fd, data, sizeof data, path, err));
	OK(file_size(fd, &size, path, err));
	ck_assert_uint_eq(size, 64);
	FAILS(ERR_IO, file_write_at(fd, data, sizeof data, 10, path, err));
	file_close(&fd);
}
END_TEST

START_TEST(reads_and_writes_in_place)
{
	int fd = file_open(path, O_RDWR | O_CREAT, 0600, NULL);
	char data[16] = "";
	uint64_t size = 0;

	OK(file_write(fd, "abcdef", 6, path, err));
	OK(file_write_at(fd, "XY", 2, 2, path, err));
	OK(file_write_at(fd, "end", 3, 8, path, err));
	OK(file_write(fd, NULL, 0, path, err));
	OK(file_size(fd, &size, path, err));
	ck_assert_uint_eq(size, 11);
	ck_assert_int_eq(file_read_at(fd, data, 16, 0, path, NULL), 11);
	ck_assert_mem_eq(data, "abXYef\0\0end", 11);
	ck_assert_int_eq(file_read_at(fd, data, 2, 9, path, NULL), 2);
	ck_assert_mem_eq(data, "nd", 2);
	ck_assert_int_eq(file_read_at(fd, data, 16, 11, path, NULL), 0);
	ck_assert_int_eq(file_read_at(fd, data, 16, 1000, path, NULL), 0);
	ck_assert_int_eq(file_read_at(fd, data, 0, 0, path, NULL), 0);
	OK(file_cut(fd, 3, path, err));
	OK(file_sync(fd, path, err));
	OK(file_sync_folder(folder, err));
	file_close(&fd);
	ck_assert_int_eq(fd, -1);
	file_close(&fd);
	check_content("abX");
}
END_TEST

START_TEST(errors_name_the_path)
{
	struct err err = {0};
	char data[1];
	uint64_t size;

	ck_assert_int_eq(file_open("/no/such", O_RDONLY, 0, &err), -1);
	ck_assert_int_eq(err.code, ERR_ABSENT);
	ck_assert_str_eq(err.text, "/no/such does not exist");
	ck_assert_int_eq(file_open(folder, O_WRONLY, 0, &err), -1);
	ck_assert_int_eq(err.code, ERR_IO);
	ck_assert_int_eq(file_read_at(-1, data, 1, 0, "P", &err), -1);
	ck_assert_str_eq(err.text, "cannot read P: Bad file descriptor");
	ck_assert_int_eq(file_size(-1, &size, "P", &err), -1);
	ck_assert_int_eq(file_cut(-1, 0, "P", &err), -1);
	ck_assert_int_eq(file_sync(-1, "P", &err), -1);
	ck_assert_int_eq(file_sync_folder("/no/such", &err), -1);
	ck_assert_int_eq(err.code, ERR_ABSENT);
	ck_assert_int_eq(file_free_bytes("/no/such", &size, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "/no/such"));
}
END_TEST

START_TEST(other_programs_do_not_inherit)
{
	int fd = file_open("/dev/null", O_RDONLY, 0, NULL);

	ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	file_close(&fd);
	fd = file_lock(path, NULL);
	ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	file_close(&fd);
}
END_TEST

START_TEST(read_all_takes_what_the_ceiling_allows)
{
	struct buf text;
	char *large = mem_zero(1, 200000);

	memset(large, 'x', 200000);
	OK(file_replace(path, (struct bytes){large, 200000}, 0600, err));
	buf_init(&text, 200001);
	buf_char(&text, '>');
	OK(file_read_all(path, &text, err));
	ck_assert_uint_eq(text.n, 200001);
	ck_assert_mem_eq(text.p + 1, large, 200000);
	ck_assert_int_eq(text.p[text.n], 0);
	buf_release(&text);
	buf_init(&text, 199999);
	FAILS(ERR_LIMIT, file_read_all(path, &text, err));
	buf_release(&text);
	buf_init(&text, 10);
	FAILS(ERR_ABSENT, file_read_all("/no/such", &text, err));
	FAILS(ERR_IO, file_read_all(folder, &text, err));
	OK(file_read_all("/dev/null", &text, err));
	ck_assert_uint_eq(text.n, 0);
	buf_release(&text);
	free(large);
}
END_TEST

/* What another process gets: 0 the lock, 1 ERR_LOCKED, 2 anything else. */
static int lock_elsewhere(void)
{
	struct err err = {0};
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (file_lock(path, &err) >= 0)
			_exit(0);
		_exit(err.code == ERR_LOCKED && strstr(err.text, path) ? 1 : 2);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

START_TEST(a_lock_keeps_others_out_until_it_is_closed)
{
	int fd = file_lock(path, NULL);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(lock_elsewhere(), 1);
	FAILS(ERR_LOCKED, file_lock(path, err));
	file_close(&fd);
	ck_assert_int_eq(lock_elsewhere(), 0);
	fd = file_lock(path, NULL);
	ck_assert_int_ge(fd, 0);
	file_close(&fd);
	FAILS(ERR_ABSENT, file_lock("/no/such/lock", err));
}
END_TEST

/* A process that is killed holds nothing any more. */
START_TEST(a_lock_dies_with_its_process)
{
	int ends[2], status;
	pid_t pid;
	char c;

	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		int fd = file_lock(path, NULL);

		if (fd < 0 || write(ends[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	ck_assert_int_eq(read(ends[0], &c, 1), 1);
	ck_assert_int_eq(lock_elsewhere(), 1);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	ck_assert_int_eq(lock_elsewhere(), 0);
}
END_TEST

START_TEST(makes_folders_one_below_the_other)
{
	char *deep = file_join(folder, "a/b//c/");

	umask(022);
	OK(file_make_folders(deep, 0700, err));
	ck_assert(file_exists(deep));
	ck_assert_uint_eq(mode_of(deep), 0700);
	OK(file_make_folders(deep, 0700, err));
	OK(file_make_folders("/", 0700, err));
	OK(file_make_folders("/tmp", 0700, err));
	ck_assert_int_eq(chdir(folder), 0);
	OK(file_make_folders("x/y", 0700, err));
	ck_assert(file_exists("x/y"));
	OK(file_make_folders("z", 0700, err));
	ck_assert(file_exists("z"));
	FAILS(ERR_IO, file_make_folders("", 0700, err));
	free(deep);
}
END_TEST

START_TEST(makes_no_folder_through_a_file)
{
	char *below = mem_format("%s/below", path), *link = file_join(folder, "link");

	OK(file_replace(path, BYTES("x"), 0600, err));
	FAILS(ERR_IO, file_make_folders(path, 0700, err));
	FAILS(ERR_IO, file_make_folders(below, 0700, err));
	ck_assert_int_eq(symlink("/no/such", link), 0);
	FAILS(ERR_IO, file_make_folders(link, 0700, err));
	check_content("x");
	free(below);
	free(link);
}
END_TEST

static void check_string(char *got, const char *expected)
{
	ck_assert_str_eq(got, expected);
	free(got);
}

START_TEST(takes_paths_apart_and_joins_them)
{
	check_string(file_join("a", "b"), "a/b");
	check_string(file_folder_of("/a/b"), "/a");
	check_string(file_folder_of("/a"), "/");
	check_string(file_folder_of("a"), ".");
	check_string(file_folder_of("a/b/c"), "a/b");
	ck_assert(file_exists("/"));
	ck_assert(!file_exists("/no/such"));
}
END_TEST

START_TEST(expands_home)
{
	setenv("HOME", "/home/x", 1);
	check_string(file_expand_home("~/a"), "/home/x/a");
	check_string(file_expand_home("~"), "/home/x");
	check_string(file_expand_home("~other/a"), "~other/a");
	check_string(file_expand_home("/a/~/b"), "/a/~/b");
	check_string(file_expand_home(""), "");
	setenv("HOME", "", 1);
	check_string(file_expand_home("~/a"), "~/a");
	unsetenv("HOME");
	check_string(file_expand_home("~/a"), "~/a");
}
END_TEST

START_TEST(knows_the_free_space)
{
	uint64_t bytes = 0;

	OK(file_free_bytes(folder, &bytes, err));
	ck_assert_uint_gt(bytes, 0);
	OK(file_free_bytes("/proc", &bytes, err));
	ck_assert_uint_eq(bytes, 0);
}
END_TEST

int main(void)
{
	const TTest *all[] = {replace_makes_and_replaces,
	    replace_takes_no_notice_of_what_a_crash_left,
	    replace_that_cannot_write_leaves_the_old_and_nothing_else,
	    replace_that_cannot_rename_leaves_nothing, a_full_disk_is_said_to_be_full,
	    a_write_that_is_taken_in_part_fails, reads_and_writes_in_place, errors_name_the_path,
	    other_programs_do_not_inherit, read_all_takes_what_the_ceiling_allows,
	    a_lock_keeps_others_out_until_it_is_closed, a_lock_dies_with_its_process,
	    makes_folders_one_below_the_other, makes_no_folder_through_a_file,
	    takes_paths_apart_and_joins_them, expands_home, knows_the_free_space};
	Suite *suite = suite_create(__FILE__);
	TCase *tests = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, set_up, tear_down);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		tcase_add_test(tests, all[i]);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
