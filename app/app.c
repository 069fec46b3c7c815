/* Owns:  what a command has opened.
 * Knows: where settings, archive and index are, and which exit status an error is. */
#include "app/app.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"

#include "app/bar.h"
#include "app/mirror.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum exit_status app_status_of(const struct err *err)
{
	switch (err->code) {
	case ERR_USAGE:
	case ERR_CONFIG:
		return EXIT_WRONG_USE;
	case ERR_DAMAGED:
	case ERR_VERSION:
		return EXIT_DAMAGED;
	case ERR_NETWORK:
	case ERR_TLS:
	case ERR_LOGIN:
	case ERR_PROTOCOL:
	case ERR_SERVER:
		return EXIT_SERVER;
	case ERR_UNSAFE:
	case ERR_LOCKED:
		return EXIT_REFUSED;
	default:
		return EXIT_IN_PART;
	}
}

static void print_line(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

static void print_line(const char *format, va_list args)
{
	char text[2 * ERR_TEXT_BYTES];
	struct buf clean;

	vsnprintf(text, sizeof text, format, args);
	buf_init(&clean, 16 * sizeof text);
	utf8_print(&clean, bytes_of(text), 0);
	bar_clear();
	fprintf(stderr, "mailcask: %s\n", buf_string(&clean));
	buf_release(&clean);
}

static void print_now(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void print_now(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(format, args);
	va_end(args);
}

int app_fail(struct app *app, const struct err *err)
{
	(void)app;
	/* A row that must be there was not: nobody has put that into words. */
	if (!err->text[0]) {
		print_now("catalog.db lacks a row that others refer to: run mailcask rebuild");
		return EXIT_DAMAGED;
	}
	print_now("%s", err->text);
	return (int)app_status_of(err);
}

void app_note(const struct app *app, const char *format, ...)
{
	va_list args;

	if (app->quiet)
		return;
	va_start(args, format);
	print_line(format, args);
	va_end(args);
}

void app_problem(struct app *app, const char *format, ...)
{
	va_list args;

	app->has_failed_in_part = true;
	va_start(args, format);
	print_line(format, args);
	va_end(args);
}

bool app_must_stop(void *arg)
{
	const struct app *app = arg;

	return app->stop && *app->stop;
}

int app_need_settings(struct app *app, struct err *err)
{
	char *usual = NULL;
	int result;

	if (app->settings)
		return 0;
	if (!app->config_path)
		usual = settings_default_path();
	result = settings_read(&app->settings, usual ? usual : app->config_path, err);
	free(usual);
	return result;
}

static void take_notice(void *arg, const char *text)
{
	app_note(arg, "%s", text);
}

static int open_vault(struct app *app, bool for_writing, bool rebuild, struct err *err)
{
	struct vault_options options = {.for_writing = for_writing,
	    .rebuild = rebuild,
	    .now = clock_now_unix,
	    .notice = take_notice,
	    .notice_arg = app};

	/* An archive that is named can be used without any settings. */
	if ((!app->archive_path || app->config_path) && app_need_settings(app, err) != 0)
		return -1;
	if (app->settings) {
		const struct settings_archive *archive = &app->settings->archive;

		options.path = archive->path;
		options.databases = archive->databases;
		options.mirror = archive->mirror;
		options.segment_bytes = archive->segment_bytes;
		options.batch_bytes = archive->batch_bytes;
		options.free_floor_bytes = archive->free_floor_bytes;
		options.level = (int)archive->level;
		options.may_create = for_writing;
	}
	if (app->archive_path) {
		options.path = app->archive_path;
		options.databases = options.mirror = NULL;
		options.may_create = false;
	}
	if (options.may_create && mirror_check_new(&app->settings->archive, err) != 0)
		return -1;
	if (vault_open(&app->vault, &options, err) != 0)
		return -1;
	app->next_batch = for_writing ? vault_next_batch(app->vault) : 0;
	return 0;
}

int app_open_vault(struct app *app, bool for_writing, struct err *err)
{
	return open_vault(app, for_writing, false, err);
}

int app_rebuild_vault(struct app *app, struct err *err)
{
	return open_vault(app, true, true, err);
}

int app_open_index(struct app *app, bool for_writing, struct err *err)
{
	char *path = vault_index_path(app->vault), *catalog = vault_catalog_path(app->vault);
	int result =
	    index_open(&app->index, path, catalog, for_writing ? SQL_WRITE : SQL_READ, err);

	free(path);
	free(catalog);
	if (result != 0 && err && err->code == ERR_ABSENT)
		err_set(
		    err, ERR_ABSENT, "there is no search index yet: run mailcask rebuild index");
	return result;
}

#define PROBLEMS_TOLD 5

struct catching_up {
	struct bar bar;
	uint64_t problems;
};

static void show_progress(void *arg, uint64_t done, uint64_t all)
{
	bar_show(&((struct catching_up *)arg)->bar, "indexing", done, all, 0);
}

static void tell_problem(void *arg, const struct msg_id *id, const char *text)
{
	struct catching_up *catching = arg;
	char hex[SHA256_HEX_BYTES];

	if (++catching->problems > PROBLEMS_TOLD)
		return;
	sha256_hex(&id->sum, hex);
	app_problem(catching->bar.app, "message %.10s is not indexed: %s", hex, text);
}

static bool ask_stop(void *arg)
{
	return app_must_stop(((struct catching_up *)arg)->bar.app);
}

int app_catch_up(struct app *app, struct err *err)
{
	struct catching_up catching = {.bar = {.app = app, .unit = BAR_MESSAGES}};
	struct index_calls calls = {
	    .progress = show_progress, .problem = tell_problem, .stop = ask_stop, .arg = &catching};
	uint64_t indexed;
	int result;

	if (!app->index && app_open_index(app, true, err) != 0)
		return -1;
	result = index_catchup(app->index, app->vault, &calls, &indexed, err);
	bar_clear();
	if (catching.problems > PROBLEMS_TOLD)
		app_problem(app,
		    "%" PRIu64
		    " more messages are not indexed; mailcask verify names what is damaged",
		    catching.problems - PROBLEMS_TOLD);
	return result;
}

static int remove_index(struct app *app, struct err *err)
{
	char *path = vault_index_path(app->vault);
	int result;

	index_close(app->index);
	app->index = NULL;
	result = sql_remove(path, err);
	free(path);
	return result;
}

int app_rebuild_index(struct app *app, struct err *err)
{
	return remove_index(app, err) == 0 ? app_catch_up(app, err) : -1;
}

int app_account(
    struct app *app, const char *name, const struct settings_account **out, struct err *err)
{
	struct buf names;
	size_t i;

	if (app_need_settings(app, err) != 0)
		return -1;
	*out = settings_account(app->settings, name);
	if (*out)
		return 0;
	buf_init(&names, ERR_TEXT_BYTES);
	for (i = 0; i < app->settings->account_count; i++)
		buf_format(&names, "%s%s", i ? ", " : "", app->settings->account[i].name);
	err_set(err, ERR_USAGE, "there is no account \"%s\" in %s (there is: %s)", name,
	    app->settings->path, names.n ? buf_string(&names) : "none");
	buf_release(&names);
	return -1;
}

/* As catalog_message_named takes them for the start of an id. */
#define ID_DIGITS_MIN 4

int app_message(struct app *app, const char *name, struct catalog_message *out, struct err *err)
{
	int got = catalog_message_named(vault_catalog(app->vault), bytes_of(name), out, err);

	if (got != 0)
		return got == 1 ? 0 : -1;
	if (strlen(name) < ID_DIGITS_MIN && strspn(name, "0123456789abcdefABCDEF") == strlen(name))
		return err_set(err, ERR_USAGE,
		    "\"%s\" is too short: at least %d digits of the id are needed", name,
		    ID_DIGITS_MIN);
	return err_set(err, ERR_ABSENT, "there is no message \"%s\" in the archive", name);
}

/* A server that lets nobody in now is waited for: 1 s, 2 s, 4 s. */
#define LOGIN_PATIENCE 3

static int get_secret(
    const struct settings_account *account, struct secret *secret, struct err *err)
{
	if (account->password_command)
		return secret_from_command(secret, account->password_command, err);
	if (account->password_file)
		return secret_from_file(secret, account->password_file, err);
	return secret_from_environment(secret, account->password_env, err);
}

void app_forget_secret(struct app *app)
{
	secret_wipe(&app->secret);
	app->secret_of = NULL;
}

void app_close_budget(struct app *app)
{
	budget_close(app->budget);
	app->budget = NULL;
	app->budget_of = NULL;
}

/* In the archive; a folder that is none yet gets no file. */
static void open_budget(struct app *app, const struct settings_account *account)
{
	const char *archive = app->archive_path ? app->archive_path : app->settings->archive.path;
	char *format = file_join(archive, "FORMAT"), *traffic = file_join(archive, "traffic");

	_Static_assert(SETTINGS_OF_HOST == BUDGET_OF_HOST, "the same word for it");
	if (app->budget_of != account) {
		app_close_budget(app);
		app->budget = budget_open(file_exists(format) ? traffic : NULL, account->name,
		    account->bytes_per_day, clock_now_unix);
		app->budget_of = account;
	}
	free(format);
	free(traffic);
}

int app_endpoint_options(struct app *app, const struct settings_account *account,
    struct endpoint_options *out, struct err *err)
{
	if (app->secret_of != account) {
		app_forget_secret(app);
		if (get_secret(account, &app->secret, err) != 0)
			return err_add(err, "%s:%d: [account %s]", app->settings->path,
			    account->line, account->name);
		app->secret_of = account;
	}
	open_budget(app, account);
	*out = (struct endpoint_options){.url = account->url,
	    .user = account->user,
	    .password = &app->secret,
	    .tls_ca = account->tls_ca,
	    .tls_pin = account->tls_pin,
	    .timeout_s = (int)account->timeout_s,
	    .max_message_bytes = app->settings->archive.max_message_bytes,
	    .stop = app->stop,
	    .budget = app->budget,
	    .patience = LOGIN_PATIENCE};
	return 0;
}

void app_close(struct app *app)
{
	app_forget_secret(app);
	app_close_budget(app);
	index_close(app->index);
	vault_close(app->vault);
	settings_free(app->settings);
	app->index = NULL;
	app->vault = NULL;
	app->settings = NULL;
}
