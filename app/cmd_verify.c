/* Knows: mailcask verify. */
#include "app/bar.h"
#include "app/command.h"
#include "app/faults.h"
#include "app/mirror.h"
#include "app/output.h"

#include "base/file.h"

#include <inttypes.h>
#include <stdlib.h>

struct calls {
	struct app *app;
	struct bar bar;
	uint64_t faults;
	struct faults told; /* printed at the end, in order; not with --json */
	struct buf line;
	struct vault *mirror; /* with --mirror: its segments, our catalogue */
	struct replica_standing standing;
	uint64_t not_there; /* messages behind the mirror's end */
};

static void print_json(struct calls *calls, const char *what, const struct msg_id *id)
{
	struct jsonout json;

	jsonout_start(&json, &calls->line);
	jsonout_object(&json, NULL);
	jsonout_text(&json, "fault", bytes_of(what));
	if (id)
		jsonout_hex(&json, "id", &id->sum);
	jsonout_end(&json);
	output_json_line(&calls->line);
}

static void take_fault(void *arg, const char *what)
{
	struct calls *calls = arg;

	calls->faults++;
	if (calls->app->json)
		print_json(calls, what, NULL);
	else
		faults_add(&calls->told, what);
}

static void take_bad_message(void *arg, const struct catalog_message *message, const char *what)
{
	struct calls *calls = arg;
	const struct batch_position *end = &calls->standing.end;

	if (calls->standing.behind > 0 &&
	    (message->segment > end->segment ||
		(message->segment == end->segment && message->place.frame_at >= end->at))) {
		calls->not_there++;
		return;
	}
	calls->faults++;
	if (calls->app->json)
		print_json(calls, what, &message->id);
	else
		faults_add_message(&calls->told, message->n);
}

static int show_progress(void *arg, uint64_t done, uint64_t all, struct err *err)
{
	struct calls *calls = arg;

	bar_show(&calls->bar, "verifying", done, all, 0);
	if (app_must_stop(calls->app))
		return err_set(err, ERR_STOPPED, "stopped");
	return 0;
}

static int check_index(struct calls *calls, struct err *err)
{
	const char *what;
	struct err why = {0};
	int got;

	if (app_open_index(calls->app, false, &why) != 0) {
		if (why.code != ERR_ABSENT)
			take_fault(calls, why.text);
		else
			app_note(calls->app, "%s", why.text);
		return 0;
	}
	got = index_verify(calls->app->index, &what, err);
	if (got == 1)
		take_fault(calls, what);
	return got < 0 ? -1 : 0;
}

/* What is wrong with a mirror, copying again cures. */
static void print_mirror(struct calls *calls, const struct catalog_totals *totals)
{
	const char *path = calls->app->settings->archive.mirror;
	uint64_t there = totals->messages - calls->not_there;
	char a[OUTPUT_NUMBER_BYTES], b[OUTPUT_NUMBER_BYTES];
	struct jsonout json;

	if (calls->app->json) {
		jsonout_start(&json, &calls->line);
		jsonout_object(&json, NULL);
		jsonout_text(&json, "mirror", bytes_of(path));
		jsonout_u64(&json, "messages", there);
		jsonout_u64(&json, "behind", calls->standing.behind);
		jsonout_u64(&json, "faults", calls->faults);
		jsonout_end(&json);
		output_json_line(&calls->line);
		return;
	}
	faults_print(&calls->told, vault_catalog(calls->app->vault));
	printf("mirror %s: %s %s: ", path, output_number(there, a),
	    output_plural(there, "message", "messages"));
	if (calls->faults == 0)
		printf("all is well\n");
	else
		printf("%s %s\nWhat to do: mailcask mirror --compare\n",
		    output_number(calls->faults, b),
		    output_plural(calls->faults, "fault", "faults"));
	if (calls->standing.behind > 0)
		printf("It is behind by %s %s: mailcask mirror brings it up to date\n",
		    output_number(calls->standing.behind, b),
		    output_plural(calls->standing.behind, "batch", "batches"));
}

static void print_summary(struct calls *calls, const struct catalog_totals *totals)
{
	char a[OUTPUT_NUMBER_BYTES], b[OUTPUT_NUMBER_BYTES], size[BAR_SIZE_BYTES];

	bar_clear();
	if (calls->mirror) {
		print_mirror(calls, totals);
		return;
	}
	if (calls->app->json) {
		output_line("{\"messages\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"blobs\":%" PRIu64
			    ",\"faults\":%" PRIu64 "}",
		    totals->messages, totals->size_bytes, totals->blobs, calls->faults);
		return;
	}
	faults_print(&calls->told, vault_catalog(calls->app->vault));
	bar_size(totals->size_bytes, size);
	printf("%s %s (%s), %s %s: ", output_number(totals->messages, a),
	    output_plural(totals->messages, "message", "messages"), size,
	    output_number(totals->blobs, b),
	    output_plural(totals->blobs, "attachment", "attachments"));
	if (calls->faults == 0) {
		printf("all is well\n");
		return;
	}
	printf("%s %s\n", output_number(calls->faults, a),
	    output_plural(calls->faults, "fault", "faults"));
	printf("What to do: copy the archive somewhere safe. \"mailcask sync\" then fetches again\n"
	       "the damaged messages that the server still has. What \"mailcask verify\" still\n"
	       "finds wrong with the journal or catalog.db, \"mailcask rebuild\" cures.\n");
}

/* For writing, so that nobody writes meanwhile, and to note down what is damaged; where that
 * cannot be, for reading. */
static int open_archive(struct app *app, struct err *err)
{
	struct err why = {0};

	if (app_open_vault(app, true, &why) == 0)
		return 0;
	if (why.code != ERR_IO) {
		*err = why;
		return -1;
	}
	return app_open_vault(app, false, err);
}

/* Our catalogue, and the mirror's segments. */
static int open_mirror(struct calls *calls, struct err *err)
{
	struct app *app = calls->app;
	struct replica_options options;
	struct vault_options opening = {.now = clock_now_unix};
	char *segments;
	int result;

	if (app_need_settings(app, err) != 0)
		return -1;
	if (!mirror_options(app, &options))
		return err_set(err, ERR_USAGE, MIRROR_NONE);
	if (replica_stand(&options, &calls->standing, err) != 0)
		return -1;
	segments = file_join(options.path, "segments");
	opening.path = options.archive;
	opening.databases = app->settings->archive.databases;
	opening.segments = segments;
	opening.are_segments_behind = calls->standing.behind > 0;
	result = vault_open(&calls->mirror, &opening, err);
	free(segments);
	return result;
}

static int run(struct app *app, const struct arguments *arguments)
{
	struct calls calls = {.app = app, .bar = {.app = app, .unit = BAR_BYTES}};
	struct vault_verify_calls told = {.fault = take_fault,
	    .bad_message = take_bad_message,
	    .progress = show_progress,
	    .arg = &calls};
	struct catalog_totals totals;
	struct err err = {0};
	bool quick = argument(&cmd_verify, arguments, "quick") != NULL;
	int status = EXIT_DONE;

	if (open_archive(app, &err) != 0)
		return app_fail(app, &err);
	buf_init(&calls.line, 1 << 20);
	if ((argument(&cmd_verify, arguments, "mirror") && open_mirror(&calls, &err) != 0) ||
	    vault_verify(calls.mirror ? calls.mirror : app->vault, quick, &told, &err) < 0 ||
	    (!calls.mirror && check_index(&calls, &err) != 0) ||
	    catalog_totals(vault_catalog(app->vault), &totals, &err) != 0) {
		status = app_fail(app, &err);
	} else {
		print_summary(&calls, &totals);
		status = calls.faults > 0   ? EXIT_DAMAGED
		    : calls.standing.behind ? EXIT_IN_PART
					    : EXIT_DONE;
	}
	vault_close(calls.mirror);
	buf_release(&calls.line);
	faults_release(&calls.told);
	return status;
}

const struct command cmd_verify = {
    .name = "verify",
    .summary = "Check every frame, every message, catalogue and index",
    .details = "Reads all from the disk, rebuilds every message and compares its SHA-256; checks\n"
	       "the journal's chain, the catalogue against the journal, the index against the\n"
	       "catalogue. Exit status 3 when something is wrong. With --mirror the same of the\n"
	       "second copy: that it is this archive's, and gives back every message.",
    .example = "mailcask verify",
    .option = {{"quick", 0, NULL, "structure and journal only, without the messages"},
	{"mirror", 0, NULL, "check the mirror instead"}},
    .run = run,
};
