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

void secret_sum(const struct secret *secret, struct sha256 *out)
{
	sha256_of((struct bytes){secret->p, secret->n}, out);
}

/* Whatever went wrong, one account waits for its password, and may have it next time. */
static int report(int result, const char *source, const struct err *why, struct err *err)
{
	if (result == 0)
		return 0;
	err_set(err, ERR_CONFIG, "%s: %s", source, why->text);
	err_class(err, RETRY_LATER, SCOPE_ACCOUNT);
	return -1;
}

static int take_line(struct secret *secret, struct bytes text, struct err *err)
{
	const char *end = text.n ? memchr(text.p, '\n', text.n) : NULL;

	if (end)
		text.n = (size_t)(end - text.p);
	else if (text.n >= SECRET_MAX_BYTES)
		return err_set(
		    err, ERR_LIMIT, "its first line has %d bytes or more", SECRET_MAX_BYTES);
	if (text.n > 0 && text.p[text.n - 1] == '\r')
		text.n--;
	if (text.n == 0)
		return err_set(err, ERR_CONFIG, "it gives an empty password");
	if (memchr(text.p, '\0', text.n))
		return err_set(err, ERR_CONFIG, "it gives a password with a NUL byte");
	secret_set(secret, text);
	return 0;
}

/* All the room at once, so that growing leaves no copy behind. */
static void init_buf(struct buf *text)
{
	buf_init(text, SECRET_MAX_BYTES);
	buf_reserve(text, SECRET_MAX_BYTES);
}

static void wipe_buf(struct buf *text)
{
	explicit_bzero(text->p, text->room);
	buf_release(text);
}

int secret_from_command(struct secret *secret, const char *command, struct err *err)
{
	struct err why = {0};
	struct buf text;
	int result;

	init_buf(&text);
	result = child_output(command, &text, &why);
	if (result == 0)
		result = take_line(secret, buf_view(&text), &why);
	wipe_buf(&text);
	return report(result, "password-command", &why, err);
}

static int read_private(const char *path, struct buf *text, struct err *err)
{
	int fd = file_open(path, O_RDONLY, 0, err), result = -1;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		goto out;
	if (fstat(fd, &st) != 0) {
		err_os(err, errno, "cannot examine %s", path);
		goto out;
	}
	if (st.st_mode & 077) {
		err_set(err, ERR_CONFIG, "others may read %s (mode %03o); run: chmod 600 %s", path,
		    (unsigned)st.st_mode & 0777, path);
		goto out;
	}
	n = file_read_at(fd, text->p, SECRET_MAX_BYTES, 0, path, err);
	if (n < 0)
		goto out;
	text->n = (size_t)n;
	result = 0;
out:
	file_close(&fd);
	return result;
}

int secret_from_file(struct secret *secret, const char *path, struct err *err)
{
	struct err why = {0};
	struct buf text;
	int result;

	init_buf(&text);
	result = read_private(path, &text, &why);
	if (result == 0)
		result = take_line(secret, buf_view(&text), &why);
	wipe_buf(&text);
	return report(result, "password-file", &why, err);
}

int secret_from_environment(struct secret *secret, const char *name, struct err *err)
{
	const char *value = getenv(name);
	struct err why = {0};
	int result;

	if (value)
		result = take_line(secret, bytes_of(value), &why);
	else
		result = err_set(
		    &why, ERR_CONFIG, "there is no environment variable of that name (%s)", name);
	return report(result, "password-env", &why, err);
}
