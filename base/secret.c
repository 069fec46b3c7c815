/* Owns:  the bytes, until they are wiped.
 * Never: puts them into an error, a log, an argument list or a file. */
#include "base/secret.h"

#include "base/child.h"
#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void secret_set(struct secret *secret, struct bytes value)
{
	char *copy = value.n > 0 ? mem_string_n(value.p, value.n) : NULL;

	secret_wipe(secret);
	secret->p = copy;
	secret->n = value.n;
}

void secret_wipe(struct secret *secret)
{
	if (secret->p)
		explicit_bzero(secret->p, secret->n);
	free(secret->p);
	secret->p = NULL;
	secret->n = 0;
}

bool secret_is_empty(const struct secret *secret)
{
	return secret->n == 0;
}

static int take_line(struct secret *secret, struct bytes text, const char *where, struct err *err)
{
	const char *end = text.n ? memchr(text.p, '\n', text.n) : NULL;

	if (end)
		text.n = (size_t)(end - text.p);
	else if (text.n >= SECRET_MAX_BYTES)
		return err_set(err, ERR_CONFIG, "%s gives a line of %d bytes or more", where,
		    SECRET_MAX_BYTES);
	if (text.n > 0 && text.p[text.n - 1] == '\r')
		text.n--;
	if (text.n == 0)
		return err_set(err, ERR_CONFIG, "%s gives an empty password", where);
	if (memchr(text.p, '\0', text.n))
		return err_set(err, ERR_CONFIG, "%s gives a password with a NUL byte", where);
	secret_set(secret, text);
	return 0;
}

static void wipe_buf(struct buf *text)
{
	if (text->p)
		explicit_bzero(text->p, text->room);
	buf_release(text);
}

int secret_from_command(struct secret *secret, const char *command, struct err *err)
{
	struct buf text;
	int result = -1;

	buf_init(&text, SECRET_MAX_BYTES);
	/* All the room at once, so that growing leaves no copy behind. */
	buf_reserve(&text, SECRET_MAX_BYTES);
	if (child_output(command, &text, err) == 0)
		result = take_line(secret, buf_view(&text), "password-command", err);
	else
		err_add(err, "password-command");
	wipe_buf(&text);
	return result;
}

int secret_from_file(struct secret *secret, const char *path, struct err *err)
{
	int fd = file_open(path, O_RDONLY, 0, err), result = -1;
	struct stat st;
	struct buf text;
	ssize_t n;

	buf_init(&text, SECRET_MAX_BYTES);
	if (fd < 0) {
		err_add(err, "password-file");
		goto out;
	}
	if (fstat(fd, &st) != 0) {
		err_os(err, errno, "password-file: cannot examine %s", path);
		goto out;
	}
	if (st.st_mode & 077) {
		err_set(err, ERR_CONFIG,
		    "password-file: others may read %s (mode %03o); run: chmod 600 %s", path,
		    (unsigned)st.st_mode & 0777, path);
		goto out;
	}
	n = file_read_at(fd, buf_reserve(&text, SECRET_MAX_BYTES), SECRET_MAX_BYTES, 0, path, err);
	if (n < 0)
		goto out;
	text.n = (size_t)n;
	result = take_line(secret, buf_view(&text), "password-file", err);
out:
	wipe_buf(&text);
	file_close(&fd);
	return result;
}

int secret_from_environment(struct secret *secret, const char *name, struct err *err)
{
	const char *value = getenv(name);

	if (!value)
		return err_set(
		    err, ERR_CONFIG, "password-env: the environment variable %s is not set", name);
	return take_line(secret, bytes_of(value), name, err);
}
