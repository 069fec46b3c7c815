/* app/newsettings.c: what init writes is what mailcask reads. */
#include "app/newsettings.h"

#include "base/file.h"
#include "base/mem.h"
#include "config/settings.h"
#include "tests/unit/suite.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/newsettings-XXXXXX";
static char *path;
static struct secret password;

static struct newsettings usual(void)
{
	if (!path) {
		ck_assert_ptr_nonnull(mkdtemp(folder));
		path = mem_format("%s/deep/config", folder);
		secret_set(&password, BYTES("p;w # \"x\""));
	}
	return (struct newsettings){.path = path,
	    .archive = "/arch",
	    .url = "imaps://h:993",
	    .user = "me@example.org",
	    .name = "example"};
}

/* Written, read again, and gone. */
static void expect_user(const char *user)
{
	struct newsettings new = usual();
	struct settings *read = NULL;
	struct secret secret = {0};
	char *file = NULL;

	new.user = user;
	OK(newsettings_check(&new, err));
	OK(newsettings_write(&new, &password, &file, err));
	OK(settings_read(&read, path, err));
	ck_assert_str_eq(read->account[0].user, user);
	ck_assert_str_eq(read->account[0].url, "imaps://h:993");
	ck_assert_str_eq(read->account[0].password_file, file);
	OK(secret_from_file(&secret, file, err));
	ck_assert_uint_eq(secret.n, password.n);
	secret_wipe(&secret);
	settings_free(read);
	unlink(path);
	unlink(file);
	free(file);
}

START_TEST(any_user_comes_back)
{
	expect_user("me@example.org");
	expect_user("DOMAIN\\me");
	expect_user("a/b:c%40d e#f?g;h");
	expect_user("j\xc3\xbcrgen");
	expect_user("x ;y");
}
END_TEST

static void expect_refused(struct newsettings new)
{
	char *file = NULL;

	FAILS(ERR_USAGE, newsettings_check(&new, err));
	FAILS(ERR_USAGE, newsettings_write(&new, &password, &file, err));
	ck_assert_ptr_null(file);
	ck_assert(!file_exists(new.path));
}

START_TEST(what_the_reader_would_refuse_is_not_written)
{
	struct newsettings new = usual();

	new.archive = "/x/a ;b";
	expect_refused(new);
	new.archive = "arch";
	expect_refused(new);
	new.archive = "/x\n[rule x]";
	expect_refused(new);
	new.archive = "/x ";
	expect_refused(new);
	new.archive = "";
	expect_refused(new);
	new = usual();
	new.name = "a b";
	expect_refused(new);
	new = usual();
	new.url = "imaps://h:0";
	expect_refused(new);
	new = usual();
	new.ca = "ca.pem";
	expect_refused(new);
}
END_TEST

START_TEST(paths_are_from_the_root)
{
	char *cwd, *got;

	usual();
	ck_assert_int_eq(chdir(folder), 0);
	cwd = getcwd(NULL, 0);
	for (int i = 0; i < 3; i++) {
		char *expected = mem_format("%s/arch", cwd);

		got = newsettings_absolute(i == 0 ? "arch" : i == 1 ? "./arch" : ".//./arch");
		ck_assert_str_eq(got, expected);
		free(got);
		free(expected);
	}
	got = newsettings_absolute("/x/./y");
	ck_assert_str_eq(got, "/x/./y");
	free(got);
	got = newsettings_absolute("~/mail");
	ck_assert_str_eq(got, "~/mail");
	free(got);
	free(cwd);
}
END_TEST

START_TEST(no_file_is_replaced)
{
	struct newsettings new = usual();
	char *first = NULL, *second = NULL, *third = NULL, *expected;
	struct buf text;
	struct stat status;

	OK(newsettings_write(&new, &password, &first, err));
	ck_assert_int_eq(stat(first, &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0600);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0600);
	/* The settings are there: nothing changes, and no password is left over. */
	FAILS(ERR_LOCKED, newsettings_write(&new, &password, &second, err));
	ck_assert_ptr_null(second);
	unlink(path);
	OK(file_replace(first, BYTES("another"), 0600, err));
	OK(newsettings_write(&new, &password, &third, err));
	expected = mem_format("%s/deep/example-2.password", folder);
	ck_assert_str_eq(third, expected);
	buf_init(&text, 100);
	OK(file_read_all(first, &text, err));
	ck_assert_str_eq(buf_string(&text), "another");
	buf_release(&text);
	unlink(first);
	unlink(third);
	unlink(path);
	free(first);
	free(third);
	free(expected);
}
END_TEST

SUITE(any_user_comes_back, what_the_reader_would_refuse_is_not_written, paths_are_from_the_root,
    no_file_is_replaced)
