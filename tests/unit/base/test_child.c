/* base/child.c: the output of a command. */
#include "base/child.h"

#include "../suite.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct buf output;

static int run(const char *command, size_t max_bytes, struct err *err)
{
	buf_release(&output);
	buf_init(&output, max_bytes);
	return child_output(command, &output, err);
}

START_TEST(appends_what_the_command_writes)
{
	buf_init(&output, 100);
	buf_text(&output, ">");
	OK(child_output("echo one; printf 'two\\000three'", &output, err));
	ck_assert(bytes_equal(buf_view(&output), BYTES(">one\ntwo\0three")));
	OK(run("true", 100, err));
	ck_assert_uint_eq(output.n, 0);
	buf_release(&output);
}
END_TEST

START_TEST(takes_as_much_as_fits_and_no_more)
{
	OK(run("printf abcde", 5, err));
	ck_assert_str_eq(output.p, "abcde");
	FAILS(ERR_LIMIT, run("printf abcdef", 5, err));
	OK(run("head -c 65536 /dev/zero", 65536, err));
	ck_assert_uint_eq(output.n, 65536);
	FAILS(ERR_LIMIT, run("head -c 65537 /dev/zero", 65536, err));
	FAILS(ERR_LIMIT, run("yes", 100000, err));
	buf_release(&output);
}
END_TEST

START_TEST(says_how_the_command_ended)
{
	struct err err = {0};

	ck_assert_int_eq(run("echo hunter2; exit 3", 100, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_str_eq(err.text, "the command ended with status 3: echo hunter2; exit 3");
	ck_assert_int_eq(run("kill -9 $$", 100, &err), -1);
	ck_assert_str_eq(err.text, "the command was ended by signal 9: kill -9 $$");
	ck_assert_int_eq(run("/no/such/program 2>/dev/null", 100, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "status 127"));
	buf_release(&output);
}
END_TEST

START_TEST(does_not_show_the_output)
{
	struct err err = {0};

	ck_assert_int_eq(run("echo hun''ter2; exit 1", 100, &err), -1);
	ck_assert_ptr_null(strstr(err.text, "hunter2"));
	buf_release(&output);
}
END_TEST

/* The program blocks its stop signals and ignores SIGPIPE; the command must not inherit that. */
START_TEST(the_command_has_usual_signals)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
	FAILS(ERR_CONFIG, run("kill -TERM $$; echo not ended", 100, err));
	FAILS(ERR_CONFIG, run("kill -PIPE $$; echo not ended", 100, err));
	buf_release(&output);
}
END_TEST

START_TEST(works_without_an_output_of_our_own)
{
	int kept = dup(STDOUT_FILENO);

	close(STDOUT_FILENO);
	OK(run("echo heard", 100, err));
	ck_assert_str_eq(output.p, "heard\n");
	close(STDIN_FILENO); /* now the pipe's writing end is 1 */
	OK(run("echo heard again", 100, err));
	dup2(kept, STDOUT_FILENO);
	ck_assert_str_eq(output.p, "heard again\n");
	buf_release(&output);
}
END_TEST

static int count_open(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

START_TEST(leaves_no_descriptor_and_no_child_behind)
{
	int before = count_open();

	OK(run("echo a", 100, err));
	FAILS(ERR_LIMIT, run("echo a", 1, err));
	FAILS(ERR_CONFIG, run("false", 1, err));
	ck_assert_int_eq(count_open(), before);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	buf_release(&output);
}
END_TEST

SUITE(appends_what_the_command_writes, takes_as_much_as_fits_and_no_more,
    says_how_the_command_ended, does_not_show_the_output, the_command_has_usual_signals,
    works_without_an_output_of_our_own, leaves_no_descriptor_and_no_child_behind)
