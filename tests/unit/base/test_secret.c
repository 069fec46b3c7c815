/* base/secret.c: where passwords come from. */
#include "base/secret.h"

#include "../suite.h"
#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct secret secret;
static char folder[64], *path;

static void make_file(struct bytes text, mode_t mode)
{
	snprintf(folder, sizeof folder, "/tmp/test_secret-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	path = file_join(folder, "password");
	OK(file_replace(path, text, 0600, err));
	ck_assert_int_eq(chmod(path, mode), 0);
}

static void remove_file(void)
{
	unlink(path);
	rmdir(folder);
	free(path);
}

static void check_is(const char *expected)
{
	ck_assert_str_eq(secret.p, expected);
	ck_assert_uint_eq(secret.n, strlen(expected));
	ck_assert(!secret_is_empty(&secret));
}

START_TEST(holds_a_copy_and_gives_it_up)
{
	char text[] = "hunter2";

	ck_assert(secret_is_empty(&secret));
	secret_set(&secret, bytes_of(text));
	text[0] = 'X';
	check_is("hunter2");
	secret_set(&secret, bytes_from((struct bytes){secret.p, secret.n}, 6));
	check_is("2");
	secret_wipe(&secret);
	ck_assert_ptr_null(secret.p);
	ck_assert(secret_is_empty(&secret));
	secret_wipe(&secret);
	secret_set(&secret, BYTES("a"));
	secret_set(&secret, BYTES(""));
	ck_assert_ptr_null(secret.p);
	ck_assert(secret_is_empty(&secret));
}
END_TEST

START_TEST(takes_the_first_line_of_a_command)
{
	OK(secret_from_command(&secret, "printf 'hunter2\\nuser: me\\n'", err));
	check_is("hunter2");
	OK(secret_from_command(&secret, "printf 'no newline'", err));
	check_is("no newline");
	OK(secret_from_command(&secret, "printf ' kept \\r\\n'", err));
	check_is(" kept ");
	OK(secret_from_command(&secret, "printf 'a\\rb'", err));
	check_is("a\rb");
	secret_wipe(&secret);
}
END_TEST

static void check_refused(const char *command, const char *words)
{
	struct err err = {0};

	ck_assert_int_eq(secret_from_command(&secret, command, &err), -1);
	ck_assert_msg(strstr(err.text, words) != NULL, "%s: %s", command, err.text);
	ck_assert(strncmp(err.text, "password-command: ", 18) == 0);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_int_eq(err.retry, RETRY_LATER);
	ck_assert_int_eq(err.scope, SCOPE_ACCOUNT);
	ck_assert_ptr_null(strstr(err.text, "hunter2"));
	check_is("before");
}

START_TEST(a_command_that_fails_changes_nothing)
{
	secret_set(&secret, BYTES("before"));
	check_refused("exit 1", "status 1");
	check_refused("echo hun''ter2; exit 1", "status 1");
	check_refused("true", "empty");
	check_refused("echo; echo hun''ter2", "empty");
	check_refused("printf '\\r\\n'", "empty");
	check_refused("printf 'hunter\\0002\\n' # hun", "NUL");
	check_refused("head -c 65536 /dev/zero | tr '\\000' x", "65536 bytes or more");
	check_refused("yes hun''ter2", "too much");
	secret_wipe(&secret);
}
END_TEST

START_TEST(the_longest_line_is_taken_whole)
{
	OK(secret_from_command(&secret, "head -c 65535 /dev/zero | tr '\\000' x", err));
	ck_assert_uint_eq(secret.n, 65535);
	OK(secret_from_command(&secret, "head -c 60000 /dev/zero | tr '\\000' x; echo", err));
	ck_assert_uint_eq(secret.n, 60000);
	secret_wipe(&secret);
}
END_TEST

START_TEST(takes_the_first_line_of_a_file)
{
	make_file(BYTES("hunter2\nmore\n"), 0600);
	OK(secret_from_file(&secret, path, err));
	check_is("hunter2");
	ck_assert_int_eq(chmod(path, 0400), 0);
	OK(secret_from_file(&secret, path, err));
	remove_file();
	secret_wipe(&secret);
}
END_TEST

/* Tokens are longer than 4 KiB at some providers. */
START_TEST(takes_long_lines_of_a_file_whole)
{
	char *text = mem_alloc(SECRET_MAX_BYTES + 10);

	memset(text, 'x', SECRET_MAX_BYTES + 10);
	text[10000] = '\n';
	make_file((struct bytes){text, SECRET_MAX_BYTES + 10}, 0600);
	OK(secret_from_file(&secret, path, err));
	ck_assert_uint_eq(secret.n, 10000);
	remove_file();
	text[10000] = 'x';
	make_file((struct bytes){text, SECRET_MAX_BYTES + 10}, 0600);
	FAILS(ERR_CONFIG, secret_from_file(&secret, path, err));
	remove_file();
	make_file((struct bytes){text, SECRET_MAX_BYTES - 1}, 0600);
	OK(secret_from_file(&secret, path, err));
	ck_assert_uint_eq(secret.n, SECRET_MAX_BYTES - 1);
	remove_file();
	free(text);
	secret_wipe(&secret);
}
END_TEST

START_TEST(refuses_a_file_that_others_may_read)
{
	static const mode_t modes[] = {0640, 0604, 0610, 0601, 0620, 0602, 0644, 0666};

	secret_set(&secret, BYTES("before"));
	make_file(BYTES("hunter2\n"), 0600);
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		struct err err = {0};

		ck_assert_int_eq(chmod(path, modes[i]), 0);
		ck_assert_int_eq(secret_from_file(&secret, path, &err), -1);
		ck_assert_int_eq(err.code, ERR_CONFIG);
		ck_assert_ptr_nonnull(strstr(err.text, "chmod 600"));
		ck_assert_ptr_nonnull(strstr(err.text, path));
		ck_assert_ptr_null(strstr(err.text, "hunter2"));
		check_is("before");
	}
	remove_file();
	secret_wipe(&secret);
}
END_TEST

START_TEST(refuses_a_file_without_a_password)
{
	make_file(BYTES(""), 0600);
	FAILS(ERR_CONFIG, secret_from_file(&secret, path, err));
	remove_file();
	make_file(BYTES("\nhunter2\n"), 0600);
	FAILS(ERR_CONFIG, secret_from_file(&secret, path, err));
	remove_file();
	make_file(BYTES("a\0b\n"), 0600);
	FAILS(ERR_CONFIG, secret_from_file(&secret, path, err));
	remove_file();
	FAILS(ERR_CONFIG, secret_from_file(&secret, "/no/such/file", err));
	FAILS(ERR_CONFIG, secret_from_file(&secret, "/tmp", err));
	ck_assert(secret_is_empty(&secret));
}
END_TEST

START_TEST(takes_an_environment_variable)
{
	setenv("TEST_PW", "hunter2", 1);
	OK(secret_from_environment(&secret, "TEST_PW", err));
	check_is("hunter2");
	setenv("TEST_PW", "", 1);
	FAILS(ERR_CONFIG, secret_from_environment(&secret, "TEST_PW", err));
	unsetenv("TEST_PW");
	FAILS(ERR_CONFIG, secret_from_environment(&secret, "TEST_PW", err));
	check_is("hunter2");
	secret_wipe(&secret);
}
END_TEST

START_TEST(is_known_again_by_its_sum)
{
	struct sha256 sum, same, other;

	secret_set(&secret, BYTES("hunter2"));
	secret_sum(&secret, &sum);
	sha256_of(BYTES("hunter2"), &same);
	sha256_of(BYTES("hunter3"), &other);
	ck_assert(sha256_equal(&sum, &same) && !sha256_equal(&sum, &other));
	secret_wipe(&secret);
}
END_TEST

SUITE(holds_a_copy_and_gives_it_up, takes_the_first_line_of_a_command,
    a_command_that_fails_changes_nothing, the_longest_line_is_taken_whole,
    takes_the_first_line_of_a_file, takes_long_lines_of_a_file_whole,
    refuses_a_file_that_others_may_read, refuses_a_file_without_a_password,
    takes_an_environment_variable, is_known_again_by_its_sum)
