/* Owns:  the terminal's echo while a password is typed.
 * Knows: mailcask init: at most five questions, a tested login, a settings file that works.
 * Never: writes anything before the login succeeded; puts the password where others read. */
#include "app/command.h"
#include "app/output.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define ANSWER_BYTES 1024
#define TRIES        3

struct answers {
	char *address, *server, *user, *archive, *name;
	struct secret password;
	const char *ca;
};

static void release(struct answers *answers)
{
	free(answers->address);
	free(answers->server);
	free(answers->user);
	free(answers->archive);
	free(answers->name);
	secret_wipe(&answers->password);
}

/* One line of the input without its LF; false at its end. */
static bool read_answer(char *answer)
{
	if (!fgets(answer, ANSWER_BYTES, stdin))
		return false;
	answer[strcspn(answer, "\r\n")] = '\0';
	return true;
}

/* An answer, or the usual one when it is empty. NULL at the end of input. */
static char *ask(const char *question, const char *usual)
{
	char answer[ANSWER_BYTES];

	fprintf(stderr, usual ? "%s [%s]: " : "%s: ", question, usual);
	if (!read_answer(answer))
		return NULL;
	if (!answer[0] && usual)
		return mem_string(usual);
	return answer[0] ? mem_string(answer) : NULL;
}

static int ask_password(struct secret *password, struct err *err)
{
	struct termios before, quiet;
	char answer[ANSWER_BYTES];
	bool terminal = tcgetattr(STDIN_FILENO, &before) == 0, got;

	fputs("Password (not shown): ", stderr);
	if (terminal) {
		quiet = before;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	got = read_answer(answer);
	if (terminal)
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	if (got && answer[0])
		secret_set(password, bytes_of(answer));
	explicit_bzero(answer, sizeof answer);
	return secret_is_empty(password) ? err_set(err, ERR_USAGE, "no password was given") : 0;
}

/* "imaps://host:port" from what was typed. */
static char *url_of(const char *server)
{
	if (strstr(server, "://"))
		return mem_string(server);
	return mem_format("imaps://%s", server);
}

/* A name for the account: the first word of its domain. */
static char *name_of(const char *address)
{
	const char *at = strrchr(address, '@');
	char *name = mem_string(at ? at + 1 : address);

	name[strcspn(name, ".")] = '\0';
	if (!name[0] ||
	    strspn(name,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789-_") != strlen(name)) {
		free(name);
		name = mem_string("mail");
	}
	return name;
}

static int ask_all(struct answers *answers, struct err *err)
{
	char *guess;
	const char *at;

	answers->address = ask("Your mail address", NULL);
	if (!answers->address || !(at = strrchr(answers->address, '@')) || !at[1] ||
	    at == answers->address)
		return err_set(err, ERR_USAGE, "a mail address looks like anna@example.org");
	guess = mem_format("imap.%s", at + 1);
	answers->server = ask("IMAP server (with TLS, port 993 unless you add another)", guess);
	free(guess);
	if (answers->server)
		answers->user = ask("User name", answers->address);
	if (answers->user)
		answers->archive = ask("Folder for the archive", "~/mailcask");
	if (!answers->archive)
		return err_set(err, ERR_USAGE, "an answer is missing: nothing was written");
	answers->name = name_of(answers->address);
	return 0;
}

static int count_folder(void *arg, const struct endpoint_folder *folder, struct err *err)
{
	(void)err;
	*(unsigned *)arg += folder->is_selectable;
	return 0;
}

static int try_login(
    struct app *app, const struct answers *answers, unsigned *folders, struct err *err)
{
	char *url = url_of(answers->server);
	struct endpoint_options options = {.url = url,
	    .user = answers->user,
	    .password = &answers->password,
	    .tls_ca = answers->ca,
	    .timeout_s = 60,
	    .stop = app->stop};
	struct endpoint *ep = NULL;
	int result = endpoint_open(&ep, &options, err);

	*folders = 0;
	if (result == 0)
		result = endpoint_list(ep, count_folder, folders, err);
	endpoint_close(ep);
	free(url);
	return result;
}

/* A password that is refused may be typed again; everything else ends it. */
static int log_in(struct app *app, struct answers *answers, struct err *err)
{
	unsigned folders;
	int tries;

	for (tries = 1;; tries++) {
		err_clear(err);
		if (ask_password(&answers->password, err) != 0)
			return -1;
		if (try_login(app, answers, &folders, err) == 0)
			break;
		if (err->code != ERR_LOGIN || tries == TRIES)
			return -1;
		app_note(app, "%s", err->text);
	}
	app_note(app, "logged in: %u folders", folders);
	return 0;
}

static void put_settings(struct buf *out, const struct answers *answers, const char *password_file)
{
	char *url = url_of(answers->server);
	const char *host = strstr(url, "://") + 3;

	buf_format(out,
	    "# mailcask settings. All keys with their meaning: mailcask help settings\n\n"
	    "[archive]\npath = %s\n\n[account %s]\nurl = %.*s%s@%s\npassword-file = %s\n",
	    answers->archive, answers->name, (int)(host - url), url, answers->user, host,
	    password_file);
	if (answers->ca)
		buf_format(out, "tls-ca = %s\n", answers->ca);
	buf_format(out,
	    "\n# What may be deleted from the server, once it is archived. Nothing goes before\n"
	    "# you run \"mailcask purge\" and agree, unless a rule says auto = yes.\n"
	    "#\n#[rule old]\n#match  = older:2y -is:flagged\n#action = purge\n");
	free(url);
}

static int write_all(
    const struct app *app, const struct answers *answers, const char *path, struct err *err)
{
	char *folder = file_folder_of(path);
	char *password_file = mem_format("%s/%s.password", folder, answers->name);
	struct buf text;
	int result = -1;

	(void)app;
	buf_init(&text, 1 << 16);
	put_settings(&text, answers, password_file);
	/* The password first: settings without it would not work. */
	if (file_make_folders(folder, 0700, err) == 0 &&
	    file_replace(password_file, (struct bytes){answers->password.p, answers->password.n},
		0600, err) == 0 &&
	    file_replace(path, buf_view(&text), 0600, err) == 0)
		result = 0;
	buf_release(&text);
	free(password_file);
	free(folder);
	return result;
}

static int run(struct app *app, const struct arguments *arguments)
{
	char *usual = settings_default_path();
	const char *path = app->config_path ? app->config_path : usual;
	struct answers answers = {.ca = argument(&cmd_init, arguments, "tls-ca")};
	struct err err = {0};
	int result = -1;

	if (file_exists(path))
		err_set(&err, ERR_CONFIG,
		    "%s exists already: edit it, or choose another file with -c", path);
	else if (ask_all(&answers, &err) == 0 && log_in(app, &answers, &err) == 0 &&
	    write_all(app, &answers, path, &err) == 0)
		result = 0;
	if (result == 0)
		output_line("%s is written. Next:\n"
			    "  mailcask sync            archive everything\n"
			    "  mailcask search QUERY    find it\n"
			    "  mailcask status          how much, how small",
		    path);
	release(&answers);
	free(usual);
	return result == 0 ? EXIT_DONE : app_fail(app, &err);
}

const struct command cmd_init = {
    .name = "init",
    .summary = "Ask for an account, test the login, write the settings",
    .details = "Asks for address, server, user name, archive folder and password. The password\n"
	       "goes into a file beside the settings that only you can read; password-command\n"
	       "is the alternative (mailcask help settings).",
    .example = "mailcask init",
    .option = {{"tls-ca", 0, "FILE", "the server's private certificate authority"}},
    .run = run,
};
