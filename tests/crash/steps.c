/* Owns:  the steps by which a program changes files below one folder: counted, written down,
 *        and one of them made to fail, or to be the last.
 * Knows: the calls of the C library that change files; memory that is asked for.
 * Never: counts reads; changes what a call means when it is not its turn. */

/* A library for LD_PRELOAD. Settings, from the environment:
 *
 *   STEPS_UNDER=FOLDER    files below it count (from the root, without symbolic links)
 *   STEPS_LOG=FILE        every step is written there with its data, see record()
 *   STEPS_AT=N            at the step with that number, from 1
 *   STEPS_DO=kill         SIGKILL before it
 *           |torn         SIGKILL in the middle of a write, before any other step
 *           |short        half of a write is done, and reported so
 *           |EIO|ENOSPC   it fails so
 *           |full         all from there on that need room fail with ENOSPC
 *   STEPS_MEMORY=N        the Nth request for memory, and no other, is refused */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILES_MAX 1024

enum action { ACT_NONE, ACT_KILL, ACT_TORN, ACT_SHORT, ACT_FAIL, ACT_FULL };

static struct {
	char under[PATH_MAX];
	size_t under_bytes;
	int log;
	uint64_t at, count;
	enum action action;
	int error;
	char *path[FILES_MAX]; /* of the descriptors that count */
	pthread_mutex_t lock;
} steps = {.log = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t memory_at, memory_count;

/* ---- memory ---- */

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *p, size_t bytes);

static bool is_refused(void)
{
	if (memory_at == 0 || __atomic_add_fetch(&memory_count, 1, __ATOMIC_RELAXED) != memory_at)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t bytes)
{
	return is_refused() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
	return is_refused() ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *p, size_t bytes)
{
	return is_refused() ? NULL : __libc_realloc(p, bytes);
}

/* ---- settings ---- */

static void set_action(const char *name)
{
	static const struct {
		const char *name;
		enum action action;
		int error;
	} known[] = {{"kill", ACT_KILL, 0}, {"torn", ACT_TORN, 0}, {"short", ACT_SHORT, 0},
	    {"EIO", ACT_FAIL, EIO}, {"ENOSPC", ACT_FAIL, ENOSPC}, {"full", ACT_FULL, ENOSPC}};
	size_t i;

	for (i = 0; i < sizeof known / sizeof *known; i++)
		if (strcmp(name, known[i].name) == 0) {
			steps.action = known[i].action;
			steps.error = known[i].error;
		}
}

__attribute__((constructor)) static void begin(void)
{
	const char *under = getenv("STEPS_UNDER"), *log = getenv("STEPS_LOG");
	const char *at = getenv("STEPS_AT"), *action = getenv("STEPS_DO");
	const char *memory = getenv("STEPS_MEMORY");

	if (under)
		steps.under_bytes = (size_t)snprintf(steps.under, sizeof steps.under, "%s", under);
	if (log)
		steps.log = (int)syscall(
		    SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	steps.at = at ? strtoull(at, NULL, 10) : 0;
	if (action)
		set_action(action);
	memory_at = memory ? strtoull(memory, NULL, 10) : 0;
}

/* ---- steps ---- */

static bool is_below(const char *path)
{
	return steps.under_bytes > 0 && strncmp(path, steps.under, steps.under_bytes) == 0 &&
	    (path[steps.under_bytes] == '/' || path[steps.under_bytes] == '\0');
}

static const char *path_of(int fd)
{
	return fd >= 0 && fd < FILES_MAX ? steps.path[fd] : NULL;
}

/* A line of words and, for a write, so many bytes behind it: "N OP OFFSET BYTES PATH[\tPATH]". */
static void record(uint64_t number, const char *op, uint64_t offset, const void *data, size_t bytes,
    const char *path, const char *other)
{
	char line[2 * PATH_MAX + 100];
	int n;

	if (steps.log < 0)
		return;
	n = snprintf(line, sizeof line, "%llu %s %llu %zu %s%s%s\n", (unsigned long long)number, op,
	    (unsigned long long)offset, data ? bytes : 0, path, other ? "\t" : "",
	    other ? other : "");
	syscall(SYS_write, steps.log, line, (size_t)n);
	if (data)
		syscall(SYS_write, steps.log, data, bytes);
}

static _Noreturn void end_here(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

/* One more step: its number; 0 when it must fail with errno as it is now. */
static uint64_t step(bool needs_room)
{
	uint64_t number = __atomic_add_fetch(&steps.count, 1, __ATOMIC_RELAXED);
	bool is_now = number == steps.at;

	if (is_now && (steps.action == ACT_KILL || steps.action == ACT_TORN))
		end_here();
	if ((is_now && steps.action == ACT_FAIL) ||
	    (steps.action == ACT_FULL && needs_room && number >= steps.at)) {
		errno = steps.error;
		return 0;
	}
	return number;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static ssize_t write_some(int fd, const void *data, size_t bytes, off64_t at)
{
	static __typeof__(&pwrite64) real;
	size_t half = bytes / 2;
	uint64_t number = steps.count + 1;

	if (!real)
		real = REAL(pwrite64);
	if (number == steps.at && half > 0 &&
	    (steps.action == ACT_TORN || steps.action == ACT_SHORT)) {
		ssize_t done = real(fd, data, half, at);

		if (steps.action == ACT_TORN)
			end_here();
		steps.count++;
		if (done > 0)
			record(
			    number, "write", (uint64_t)at, data, (size_t)done, path_of(fd), NULL);
		return done;
	}
	number = step(true);
	if (number == 0)
		return -1;
	record(number, "write", (uint64_t)at, data, bytes, path_of(fd), NULL);
	return real(fd, data, bytes, at);
}

/* ---- the calls ---- */

static int opened(int fd, int flags, bool was_there)
{
	char link[40], path[PATH_MAX];
	ssize_t n;

	if (fd < 0 || fd >= FILES_MAX)
		return fd;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof path - 1);
	free(steps.path[fd]);
	steps.path[fd] = NULL;
	if (n <= 0)
		return fd;
	path[n] = '\0';
	if (!is_below(path))
		return fd;
	if ((flags & O_TMPFILE) == O_TMPFILE) {
		steps.path[fd] = strdup("unnamed"); /* it may fail, but nobody finds it again */
		return fd;
	}
	steps.path[fd] = strdup(path);
	if (!was_there || flags & O_TRUNC)
		record(steps.count, was_there ? "cut" : "make", 0, NULL, 0, path, NULL);
	return fd;
}

static int open_counted(int folder, const char *path, int flags, mode_t mode)
{
	static __typeof__(&openat64) real;
	struct stat st;
	bool was_there = fstatat(folder, path, &st, 0) == 0;
	char full[PATH_MAX] = "";

	if (!real)
		real = REAL(openat64);
	if (flags & O_CREAT && !was_there && path[0] == '/')
		snprintf(full, sizeof full, "%s", path);
	if (is_below(full) && step(true) == 0)
		return -1;
	return opened(real(folder, path, flags, mode), flags, was_there);
}

static mode_t mode_of(int flags, va_list args)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(args, mode_t) : 0;
}

#define OPEN(name, parameters, folder)                                                             \
	int name parameters                                                                        \
	{                                                                                          \
		va_list args;                                                                      \
		int fd;                                                                            \
                                                                                                   \
		va_start(args, flags);                                                             \
		fd = open_counted(folder, path, flags, mode_of(flags, args));                      \
		va_end(args);                                                                      \
		return fd;                                                                         \
	}
OPEN(open, (const char *path, int flags, ...), AT_FDCWD)
OPEN(open64, (const char *path, int flags, ...), AT_FDCWD)
OPEN(openat, (int folder, const char *path, int flags, ...), folder)
OPEN(openat64, (int folder, const char *path, int flags, ...), folder)

int close(int fd)
{
	static __typeof__(&close) real;

	if (!real)
		real = REAL(close);
	if (path_of(fd)) {
		free(steps.path[fd]);
		steps.path[fd] = NULL;
	}
	return real(fd);
}

ssize_t write(int fd, const void *data, size_t bytes)
{
	static __typeof__(&write) real;
	ssize_t done;
	off64_t at;

	if (!real)
		real = REAL(write);
	if (!path_of(fd))
		return real(fd, data, bytes);
	at = lseek64(fd, 0, fcntl(fd, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
	done = write_some(fd, data, bytes, at);
	if (done > 0)
		lseek64(fd, at + done, SEEK_SET);
	return done;
}

ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t at)
{
	static __typeof__(&pwrite64) real;

	if (!real)
		real = REAL(pwrite64);
	return path_of(fd) ? write_some(fd, data, bytes, at) : real(fd, data, bytes, at);
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t at)
{
	return pwrite64(fd, data, bytes, at);
}

/* A call that changes one file or name and has nothing to write down but that. */
#define STEP(name, parameters, arguments, is_counted, needs_room, op, offset, path, other)         \
	int name parameters                                                                        \
	{                                                                                          \
		static __typeof__(&name) real;                                                     \
		uint64_t number;                                                                   \
		int result;                                                                        \
                                                                                                   \
		if (!real)                                                                         \
			real = REAL(name);                                                         \
		if (!(is_counted))                                                                 \
			return real arguments;                                                     \
		number = step(needs_room);                                                         \
		if (number == 0)                                                                   \
			return -1;                                                                 \
		result = real arguments;                                                           \
		if (result == 0)                                                                   \
			record(number, op, (uint64_t)(offset), NULL, 0, path, other);              \
		return result;                                                                     \
	}
STEP(ftruncate, (int fd, off_t bytes), (fd, bytes), path_of(fd), false, "cut", bytes, path_of(fd),
    NULL)
STEP(ftruncate64, (int fd, off64_t bytes), (fd, bytes), path_of(fd), false, "cut", bytes,
    path_of(fd), NULL)
STEP(fsync, (int fd), (fd), path_of(fd), false, "sync", 0, path_of(fd), NULL)
STEP(fdatasync, (int fd), (fd), path_of(fd), false, "sync", 0, path_of(fd), NULL)
STEP(rename, (const char *from, const char *to), (from, to), is_below(from), false, "rename", 0,
    from, to)
STEP(unlink, (const char *path), (path), is_below(path), false, "unlink", 0, path, NULL)
STEP(rmdir, (const char *path), (path), is_below(path), false, "unlink", 0, path, NULL)
STEP(mkdir, (const char *path, mode_t mode), (path, mode), is_below(path), true, "mkdir", 0, path,
    NULL)
