/* Owns:  nothing.
 * Knows: when the mirror is due, and how it is told.
 * Never: lets a mirror that cannot be reached stop anything. */
#include "app/mirror.h"

#include "app/bar.h"
#include "app/output.h"

#include "base/file.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- calls ---- */

struct calls {
	struct app *app;
	struct bar bar;
	const char *doing;
};

static void take_notice(void *arg, const char *text)
{
	const struct calls *calls = arg;

	app_note(calls->app, "%s", text);
}

static int show_progress(void *arg, uint64_t done, uint64_t all, struct err *err)
{
	struct calls *calls = arg;

	bar_show(&calls->bar, calls->doing, done, all, 0);
	if (app_must_stop(calls->app))
		return err_set(err, ERR_STOPPED, "stopped");
	return 0;
}

static void set_calls(struct replica_options *options, struct calls *calls)
{
	options->notice = take_notice;
	options->progress = show_progress;
	options->arg = calls;
}

/* ---- the archive's mirror ---- */

static const char *mirror_path(const struct app *app)
{
	return app->settings && !app->archive_path ? app->settings->archive.mirror : NULL;
}

bool mirror_options(struct app *app, struct replica_options *out)
{
	const char *path = mirror_path(app);

	if (!path)
		return false;
	*out = (struct replica_options){
	    .archive = app->settings->archive.path, .path = path, .now_unix = clock_now_unix()};
	return !app->vault || catalog_position(vault_catalog(app->vault), &out->end, NULL) == 0;
}

int mirror_update(struct app *app, struct replica_options *options, struct replica_report *report,
    struct err *err)
{
	struct calls calls = {app, {.app = app, .unit = BAR_BYTES}, "mirror"};
	int result;

	set_calls(options, &calls);
	result = replica_update(options, report, err);
	bar_clear();
	if (report->is_new && report->is_on_same_disk)
		app_note(app,
		    "the mirror %s is on the disk of the archive: it does not help when that disk "
		    "dies",
		    options->path);
	return result;
}

static void print_update(const struct app *app, const struct replica_options *options,
    const struct replica_report *report)
{
	char size[BAR_SIZE_BYTES];

	if (app->json || app->quiet || report->bytes_copied == 0)
		return;
	bar_size(report->bytes_copied, size);
	printf("mirror: %s copied to %s and verified\n", size, options->path);
	fflush(stdout);
}

enum err_code mirror_follow(struct app *app)
{
	struct replica_options options;
	struct replica_report report;
	struct err err = {0};

	if (!app->vault || app->next_batch == 0 || app_must_stop(app) ||
	    (!app->must_mirror && vault_next_batch(app->vault) == app->next_batch) ||
	    !mirror_options(app, &options))
		return ERR_NONE;
	app->must_mirror = false;
	app->next_batch = vault_next_batch(app->vault);
	if (mirror_update(app, &options, &report, &err) == 0)
		print_update(app, &options, &report);
	else if (err.code != ERR_STOPPED)
		app_problem(app, "the mirror is not up to date: %s", err.text);
	return err.code;
}

int mirror_check_new(const struct settings_archive *archive, struct err *err)
{
	char *format = file_join(archive->path, "FORMAT");
	bool is_lost = archive->mirror && !file_exists(format) && replica_is_there(archive->mirror);

	free(format);
	if (!is_lost)
		return 0;
	return err_set(err, ERR_UNSAFE,
	    "there is no archive at %s, but its mirror is at %s: \"mailcask rebuild "
	    "--from-mirror\" "
	    "brings it back; for a new archive name another mirror",
	    archive->path, archive->mirror);
}

int mirror_restore(struct app *app, struct replica_report *report, struct err *err)
{
	struct calls calls = {app, {.app = app, .unit = BAR_BYTES}, "restoring"};
	struct replica_options options;
	int result;

	if (app_need_settings(app, err) != 0)
		return -1;
	if (!mirror_options(app, &options))
		return err_set(err, ERR_USAGE, MIRROR_NONE);
	set_calls(&options, &calls);
	result = replica_restore(&options, report, err);
	bar_clear();
	return result;
}
