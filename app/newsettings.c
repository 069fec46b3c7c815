/* Owns:  the files while they are written.
 * Knows: how settings are written down, so that they mean what was answered.
 * Never: replaces a file; leaves settings behind that mailcask would refuse. */
#include "app/newsettings.h"

#include "config/settings.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_BYTES_MAX 65536
#define NAMES_MAX      1000

char *newsettings_absolute(const char *path)
{
	char *here, *result;

	if (path[0] == '/' || strncmp(path, "~/", 2) == 0)
		return mem_string(path);
	if (strcmp(path, "~") == 0)
		return mem_string("~/");
	while (path[0] == '.' && path[1] == '/')
		for (path += 2; path[0] == '/'; path++)
			;
	here = getcwd(NULL, 0);
	result = mem_format("%s%s%s", here ? here : "", here && here[1] ? "/" : "",
	    strcmp(path, ".") == 0 ? "" : path);
	free(here);
	return result;
}

/* RFC 3986 2.3; a mail address may stand as it is (config/mailurl.h). */
static void put_user(struct buf *out, const char *user)
{
	for (; *user; user++) {
		unsigned char c = (unsigned char)*user;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    strchr("-._~@+", c))
			buf_char(out, (char)c);
		else
			buf_format(out, "%%%02X", c);
	}
}

static void put_settings(
    struct buf *out, const struct newsettings *settings, const char *password_file)
{
	const char *host = strstr(settings->url, "://") + 3;

	buf_format(out,
	    "# mailcask settings. All keys with their meaning: mailcask help settings\n\n"
	    "[archive]\npath = %s\n\n[account %s]\nurl = %.*s",
	    settings->archive, settings->name, (int)(host - settings->url), settings->url);
	put_user(out, settings->user);
	buf_format(out, "@%s\npassword-file = %s\n", host, password_file);
	if (settings->ca)
		buf_format(out, "tls-ca = %s\n", settings->ca);
	buf_text(out,
	    "\n# What may be deleted from the server, once it is archived. Nothing goes before\n"
	    "# you run \"mailcask purge\" and agree, unless a rule says auto = yes.\n"
	    "#\n#[rule old]\n#match  = older:2y -is:flagged\n#action = purge\n");
}

static bool is_path(const char *read, const char *meant)
{
	char *path = meant ? file_expand_home(meant) : NULL;
	bool same = read && path ? strcmp(read, path) == 0 : !read && !path;

	free(path);
	return same;
}

/* What the reader makes of the text is what was meant. */
static bool is_meant(
    const struct settings *read, const struct newsettings *meant, const char *password_file)
{
	const struct settings_account *account = settings_account(read, meant->name);

	return account && read->account_count == 1 && read->rule_count == 0 &&
	    is_path(read->archive.path, meant->archive) && strcmp(account->url, meant->url) == 0 &&
	    strcmp(account->user, meant->user) == 0 &&
	    is_path(account->password_file, password_file) && is_path(account->tls_ca, meant->ca);
}

static int make_text(struct buf *text, const struct newsettings *settings,
    const char *password_file, struct err *err)
{
	struct settings *read = NULL;
	struct err why = {0};
	bool fine;

	put_settings(text, settings, password_file);
	if (settings_parse(&read, buf_view(text), settings->path, &why) != 0)
		return err_set(
		    err, ERR_USAGE, "that cannot be written in the settings: %s", why.text);
	fine = is_meant(read, settings, password_file);
	settings_free(read);
	if (text->overflow || !fine)
		return err_set(err, ERR_USAGE,
		    "that cannot be written in the settings: it would be read as something else");
	return 0;
}

/* The n-th name for the password's file, from 1. */
static char *password_file_name(const struct newsettings *settings, int n)
{
	char *folder = file_folder_of(settings->path), *result;

	if (n == 1)
		result = mem_format("%s/%s.password", folder, settings->name);
	else
		result = mem_format("%s/%s-%d.password", folder, settings->name, n);
	free(folder);
	return result;
}

int newsettings_check(const struct newsettings *settings, struct err *err)
{
	char *password_file = password_file_name(settings, 1);
	struct buf text;
	int result;

	buf_init(&text, TEXT_BYTES_MAX);
	result = make_text(&text, settings, password_file, err);
	buf_release(&text);
	free(password_file);
	return result;
}

/* A new file, written and durable; none is left when that fails. ERR_LOCKED: the name is taken. */
static int write_new(const char *path, struct bytes text, struct err *err)
{
	char *folder = file_folder_of(path);
	int result = -1, fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST) {
		err_set(err, ERR_LOCKED, "%s exists already", path);
		goto out;
	}
	if (fd < 0) {
		err_os(err, errno, "cannot make %s", path);
		goto out;
	}
	if (file_write(fd, text.p, text.n, path, err) == 0 && file_sync(fd, path, err) == 0 &&
	    file_sync_folder(folder, err) == 0)
		result = 0;
	if (result != 0)
		unlink(path);
out:
	file_close(&fd);
	free(folder);
	return result;
}

/* The password is read from there again, as every command will do. */
static int write_password(const char *path, const struct secret *password, struct err *err)
{
	struct secret read = {0};
	bool same;

	if (write_new(path, (struct bytes){password->p, password->n}, err) != 0)
		return -1;
	same = secret_from_file(&read, path, err) == 0 && read.n == password->n &&
	    memcmp(read.p, password->p, read.n) == 0;
	secret_wipe(&read);
	if (same)
		return 0;
	unlink(path);
	return err_set(err, ERR_USAGE,
	    "the password cannot be kept in a file as it is: write the settings by hand, with "
	    "password-command");
}

static int write_password_somewhere(
    const struct newsettings *settings, const struct secret *password, char **out, struct err *err)
{
	for (int n = 1; n <= NAMES_MAX; n++) {
		char *path = password_file_name(settings, n);
		struct err why = {0};

		if (write_password(path, password, &why) == 0) {
			*out = path;
			return 0;
		}
		free(path);
		if (why.code != ERR_LOCKED || n == NAMES_MAX) {
			*err = why;
			return -1;
		}
	}
	return -1;
}

int newsettings_write(const struct newsettings *settings, const struct secret *password,
    char **password_file_out, struct err *err)
{
	char *folder = file_folder_of(settings->path), *password_file = NULL;
	struct buf text;
	int result = -1;

	buf_init(&text, TEXT_BYTES_MAX);
	if (file_make_folders(folder, 0700, err) != 0 ||
	    write_password_somewhere(settings, password, &password_file, err) != 0)
		goto out;
	/* The password first: settings without it would not work. */
	if (make_text(&text, settings, password_file, err) != 0 ||
	    write_new(settings->path, buf_view(&text), err) != 0) {
		unlink(password_file);
		goto out;
	}
	*password_file_out = password_file;
	password_file = NULL;
	result = 0;
out:
	buf_release(&text);
	free(password_file);
	free(folder);
	return result;
}
