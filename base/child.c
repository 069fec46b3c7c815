/* Owns:  a child process and a pipe while a call runs.
 * Never: shows the command's output in an error. */
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static int read_all(int fd, struct buf *output, struct err *err)
{
	char part[4096];
	int result = -1;
	ssize_t n;

	do {
		do
			n = read(fd, part, sizeof part);
		while (n < 0 && errno == EINTR);
		if (n < 0) {
			err_os(err, errno, "cannot read from the command");
			goto out;
		}
		buf_add(output, part, (size_t)n);
		if (output->overflow) {
			err_set(err, ERR_LIMIT, "the command writes too much");
			goto out;
		}
	} while (n > 0);
	result = 0;
out:
	explicit_bzero(part, sizeof part); /* it may have been a password */
	return result;
}

static void run_in_child(const char *command, int out)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* Without a standard output of our own the pipe is it, and must stay open. */
	if (out == STDOUT_FILENO ? fcntl(out, F_SETFD, 0) >= 0 : dup2(out, STDOUT_FILENO) >= 0)
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

int child_output(const char *command, struct buf *output, struct err *err)
{
	int ends[2], status, result;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_os(err, errno, "cannot make a pipe");
	pid = fork();
	if (pid == 0)
		run_in_child(command, ends[1]);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return err_os(err, errno, "cannot start a process");
	}
	result = read_all(ends[0], output, err);
	close(ends[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (result != 0)
		return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status))
		return err_set(err, ERR_CONFIG, "the command was ended by signal %d: %s",
		    WTERMSIG(status), command);
	return err_set(
	    err, ERR_CONFIG, "the command ended with status %d: %s", WEXITSTATUS(status), command);
}
