/* Owns:  the terminal's echo while a password is typed.
 * Knows: mailcask init: at most five questions, a tested login, a settings file that works.
 * Never: writes anything before the login succeeded; puts the password where others read. */
#include "app/command.h"
#include "app/newsettings.h"
#include "app/output.h"

#include "config/mailurl.h"
#include "config/value.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#define ANSWER_BYTES 1024
#define TRIES        3
#define CONNECT_MS   10000

struct answers {
	char *address, *url, *host, *user, *archive, *name; /* url: scheme, host and port */
	char *path, *ca;
	struct secret password;
	struct app *app;
};

static void release(struct answers *answers)
{
	free(answers->address);
	free(answers->url);
	free(answers->host);
	free(answers->user);
	free(answers->archive);
	free(answers->name);
	free(answers->path);
	free(answers->ca);
	secret_wipe(&answers->password);
}

static struct newsettings settings_of(const struct answers *answers)
{
	return (struct newsettings){.path = answers->path,
	    .archive = answers->archive ? answers->archive : "/archive",
	    .url = answers->url,
	    .user = answers->user ? answers->user : "user",
	    .name = answers->name,
	    .ca = answers->ca};
}

static int stopped(struct err *err)
{
	return err_set(err, ERR_USAGE, "stopped; nothing was written");
}

/* One line of the input without its LF; false at its end, and after Ctrl-C. */
static bool read_answer(const struct app *app, char *answer)
{
	if ((app->stop && *app->stop) || !fgets(answer, ANSWER_BYTES, stdin))
		return false;
	answer[strcspn(answer, "\r\n")] = '\0';
	return !app->stop || !*app->stop;
}

/* Asks until take() is content with the answer, three times at most. An empty one is the usual
 * one. What take() says of a wrong answer is told. */
static int ask(struct answers *answers, const char *question, const char *usual,
    int (*take)(struct answers *answers, const char *answer, struct err *err), struct err *err)
{
	char answer[ANSWER_BYTES];
	int tries;

	for (tries = 1;; tries++) {
		fprintf(stderr, usual ? "%s [%s]: " : "%s: ", question, usual);
		if (!read_answer(answers->app, answer)) {
			fputc('\n', stderr);
			return stopped(err);
		}
		err_clear(err);
		if (take(answers, answer[0] || !usual ? answer : usual, err) == 0)
			return 0;
		if (tries == TRIES)
			return -1;
		app_note(answers->app, "%s", err->text);
	}
}

static void keep(char **field, char *text)
{
	free(*field);
	*field = text;
}

static int ask_password(struct answers *answers, struct err *err)
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
	got = read_answer(answers->app, answer);
	if (terminal)
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	secret_wipe(&answers->password);
	if (got && answer[0])
		secret_set(&answers->password, bytes_of(answer));
	explicit_bzero(answer, sizeof answer);
	if (!got)
		return stopped(err);
	if (secret_is_empty(&answers->password))
		return err_set(err, ERR_USAGE, "no password was given; nothing was written");
	return 0;
}

/* A name for the account: the first word of its domain. */
static char *name_of(const char *address)
{
	const char *at = strrchr(address, '@');
	char *name = mem_string(at ? at + 1 : address);

	name[strcspn(name, ".")] = '\0';
	if (!value_is_name(bytes_of(name))) {
		free(name);
		name = mem_string("mail");
	}
	return name;
}

static int take_address(struct answers *answers, const char *answer, struct err *err)
{
	const char *at = strrchr(answer, '@');

	if (!at || !at[1] || at == answer)
		return err_set(err, ERR_USAGE, "a mail address looks like anna@example.org");
	keep(&answers->address, mem_string(answer));
	keep(&answers->name, name_of(answer));
	return 0;
}

/* Ports that speak another protocol than the address says. */
static int check_port(const char *url, struct err *err)
{
	const char *port = strrchr(url, ':');
	bool tls = strncmp(url, "imaps:", 6) == 0;

	if (port && strcmp(port, ":143") == 0 && tls)
		return err_set(err, ERR_USAGE,
		    "port 143 begins without TLS: write imap://HOST for STARTTLS, or leave the "
		    "port out");
	if (port && strcmp(port, ":993") == 0 && !tls)
		return err_set(
		    err, ERR_USAGE, "port 993 is TLS from its first byte: write imaps://HOST");
	if (port && (strcmp(port, ":110") == 0 || strcmp(port, ":995") == 0))
		return err_set(err, ERR_USAGE, "%s is a port of POP3, not of IMAP", port + 1);
	if (port &&
	    (strcmp(port, ":25") == 0 || strcmp(port, ":465") == 0 || strcmp(port, ":587") == 0))
		return err_set(err, ERR_USAGE, "%s is a port for sending mail, not IMAP", port + 1);
	return 0;
}

/* 0 when something accepts the connection, else what went wrong. */
static int try_address(const struct addrinfo *address)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = 0, got;
	socklen_t size = sizeof error;

	if (fd < 0)
		return errno;
	if (connect(fd, address->ai_addr, address->ai_addrlen) != 0)
		error = errno;
	if (error == EINPROGRESS) {
		struct pollfd wait = {.fd = fd, .events = POLLOUT};

		got = poll(&wait, 1, CONNECT_MS);
		error = got < 0 ? errno : got == 0 ? ETIMEDOUT : 0;
		if (got > 0)
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	}
	close(fd);
	return error;
}

/* Does anybody listen there? Asked before the password is. */
static int knock(const char *url, const char *host, struct err *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL, *one;
	size_t begin = strncmp(url, "imaps:", 6) == 0 ? 8 : 7;
	const char *port = url + begin + strlen(host);
	char *name = host[0] == '[' ? mem_string_n(host + 1, strlen(host) - 2) : mem_string(host);
	int error = 0, got;

	if (port[0] == ':')
		port++;
	else
		port = begin == 8 ? "993" : "143";
	got = getaddrinfo(name, port, &hints, &list);
	free(name);
	if (got != 0)
		return err_set(err, ERR_NETWORK, "unknown host %s (%s)", host, gai_strerror(got));
	for (one = list; one; one = one->ai_next)
		if ((error = try_address(one)) == 0)
			break;
	freeaddrinfo(list);
	if (error == 0)
		return 0;
	return err_set(
	    err, ERR_NETWORK, "nobody answers at %s port %s: %s", host, port, strerror(error));
}

static int take_server(struct answers *answers, const char *answer, struct err *err)
{
	char *text = strstr(answer, "://") ? mem_string(answer) : mem_format("imaps://%s", answer);
	struct mailurl url = {0};
	int result = -1;

	if (mailurl_parse(text, &url, err) != 0 || check_port(url.base, err) != 0)
		goto out;
	if (url.user) {
		err_set(err, ERR_USAGE, "only the server here; the user is asked for next");
		goto out;
	}
	/* Behind a proxy nobody may be there to see: the same answer again is taken. */
	if ((!answers->url || strcmp(answers->url, url.base) != 0) && !getenv("all_proxy") &&
	    !getenv("ALL_PROXY"))
		result = knock(url.base, url.host, err);
	else
		result = 0;
	keep(&answers->url, mem_string(url.base));
	keep(&answers->host, mem_string(url.host));
out:
	mailurl_release(&url);
	free(text);
	return result;
}

static int take_user(struct answers *answers, const char *answer, struct err *err)
{
	struct newsettings settings;

	keep(&answers->user, mem_string(answer));
	settings = settings_of(answers);
	return newsettings_check(&settings, err);
}

static int take_archive(struct answers *answers, const char *answer, struct err *err)
{
	struct newsettings settings;

	keep(&answers->archive, newsettings_absolute(answer));
	settings = settings_of(answers);
	return newsettings_check(&settings, err);
}

static int ask_user(struct answers *answers, struct err *err)
{
	char *usual = mem_string(answers->user ? answers->user : answers->address);
	int result = ask(answers, "User name", usual, take_user, err);

	free(usual);
	return result;
}

static int ask_all(struct answers *answers, struct err *err)
{
	char *guess = NULL;
	int result = -1;

	if (ask(answers, "Your mail address", NULL, take_address, err) != 0)
		return -1;
	guess = mem_format("imap.%s", strrchr(answers->address, '@') + 1);
	if (ask(answers, "IMAP server (with TLS, port 993 unless you add another)", guess,
		take_server, err) == 0 &&
	    ask_user(answers, err) == 0 &&
	    ask(answers, "Folder for the archive", "~/mailcask", take_archive, err) == 0)
		result = 0;
	free(guess);
	return result;
}

static int count_folder(void *arg, const struct endpoint_folder *folder, struct err *err)
{
	(void)err;
	*(unsigned *)arg += folder->is_selectable;
	return 0;
}

static int try_login(const struct answers *answers, unsigned *folders, struct err *err)
{
	struct endpoint_options options = {.url = answers->url,
	    .user = answers->user,
	    .password = &answers->password,
	    .tls_ca = answers->ca,
	    .timeout_s = 60,
	    .stop = answers->app->stop,
	    .patience = 3};
	struct endpoint *ep = NULL;
	int result = endpoint_open(&ep, &options, err);

	*folders = 0;
	if (result == 0)
		result = endpoint_list(ep, count_folder, folders, err);
	endpoint_close(ep);
	if (result != 0 && err->code == ERR_STOPPED)
		return stopped(err);
	return result;
}

/* When user or password are refused, both may be typed again; everything else ends it. */
static int log_in(struct answers *answers, struct err *err)
{
	unsigned folders;
	int tries;

	for (tries = 1;; tries++) {
		err_clear(err);
		if (ask_password(answers, err) != 0)
			return -1;
		if (try_login(answers, &folders, err) == 0)
			break;
		if (err->code != ERR_LOGIN || tries == TRIES)
			return -1;
		app_note(answers->app, "%s", err->text);
		if (ask_user(answers, err) != 0)
			return -1;
	}
	app_note(
	    answers->app, "logged in: %u %s", folders, output_plural(folders, "folder", "folders"));
	return 0;
}

static int write_all(const struct answers *answers, struct err *err)
{
	struct newsettings settings = settings_of(answers);
	char *password_file = NULL;

	if (newsettings_write(&settings, &answers->password, &password_file, err) != 0)
		return -1;
	output_line("%s is written; the password is in\n%s. Next:\n"
		    "  mailcask sync            archive everything\n"
		    "  mailcask search QUERY    find it\n"
		    "  mailcask status          how much, how small",
	    answers->path, password_file);
	free(password_file);
	return 0;
}

static int check_begin(const struct answers *answers, struct err *err)
{
	if (file_exists(answers->path))
		return err_set(err, ERR_CONFIG,
		    "%s exists already: edit it, or choose another file with -c", answers->path);
	if (answers->ca && !file_exists(answers->ca))
		return err_set(err, ERR_USAGE, "--tls-ca: there is no file %s", answers->ca);
	return 0;
}

/* From the root. */
static char *rooted(const char *path)
{
	char *absolute = newsettings_absolute(path), *result = file_expand_home(absolute);

	free(absolute);
	return result;
}

static int run(struct app *app, const struct arguments *arguments)
{
	char *usual = settings_default_path();
	const char *ca = argument(&cmd_init, arguments, "tls-ca");
	struct answers answers = {.app = app,
	    .path = rooted(app->config_path ? app->config_path : usual),
	    .ca = ca ? rooted(ca) : NULL};
	struct err err = {0};
	int status = EXIT_DONE;

	if (check_begin(&answers, &err) != 0 || ask_all(&answers, &err) != 0 ||
	    log_in(&answers, &err) != 0 || write_all(&answers, &err) != 0)
		status = app_fail(app, &err);
	release(&answers);
	free(usual);
	return status;
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
