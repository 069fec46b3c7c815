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
	char *at;
	ssize_t n;

	for (;;) {
		at = buf_reserve(output, 4096);
		if (!at)
			return err_set(err, ERR_LIMIT, "the command writes too much");
		n = read(fd, at, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_os(err, errno, "cannot read from the command");
		if (n == 0)
			return 0;
		output->n += (size_t)n;
	}
}

static void run_in_child(const char *command, int out)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (dup2(out, STDOUT_FILENO) >= 0)
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
