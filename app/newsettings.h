/* A first settings file: one archive, one account. What is written was read back before by the
 * program's own reader, and says what was meant.
 *
 *   struct newsettings new = {.path = ..., .archive = ..., .url = ..., .user = ..., .name = ...};
 *   newsettings_check(&new, &err)         ERR_USAGE: this cannot be said in the settings
 *   newsettings_write(&new, &password, &password_file, &err)
 *
 * All paths are absolute, or begin with "~/". Strings are borrowed. */
#ifndef APP_NEWSETTINGS_H
#define APP_NEWSETTINGS_H

#include "base/err.h"
#include "base/secret.h"

struct newsettings {
	const char *path;    /* of the settings */
	const char *archive; /* its folder */
	const char *url;     /* imaps://host[:port] or imap://, no user */
	const char *user;
	const char *name; /* of the account */
	const char *ca;   /* a file, or NULL */
};

int newsettings_check(const struct newsettings *settings, struct err *err);

/* The password first, into a file of its own beside the settings whose name nobody has yet
 * (*password_file_out, for free()); then the settings. Nothing that exists is replaced, and of
 * what fails nothing stays. */
int newsettings_write(const struct newsettings *settings, const struct secret *password,
    char **password_file_out, struct err *err);

/* The path as it must stand in the settings: from the root, or from "~/". For free(). */
char *newsettings_absolute(const char *path);

#endif
