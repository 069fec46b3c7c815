/* Knows: mailcask verify. */
#include "app/bar.h"
#include "app/command.h"
#include "app/faults.h"
#include "app/output.h"

#include <inttypes.h>

struct calls {
	struct app *app;
	struct bar bar;
	uint64_t faults;
	struct faults told; /* printed at the end, in order; not with --json */
	struct buf line;
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

static void print_summary(struct calls *calls, const struct catalog_totals *totals)
{
	char a[OUTPUT_NUMBER_BYTES], b[OUTPUT_NUMBER_BYTES], size[BAR_SIZE_BYTES];

	bar_clear();
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
	if (vault_verify(app->vault, quick, &told, &err) < 0 || check_index(&calls, &err) != 0 ||
	    catalog_totals(vault_catalog(app->vault), &totals, &err) != 0) {
		status = app_fail(app, &err);
	} else {
		print_summary(&calls, &totals);
		status = calls.faults > 0 ? EXIT_DAMAGED : EXIT_DONE;
	}
	buf_release(&calls.line);
	faults_release(&calls.told);
	return status;
}

const struct command cmd_verify = {
    .name = "verify",
    .summary = "Check every frame, every message, catalogue and index",
    .details = "Reads all from the disk, rebuilds every message and compares its SHA-256; checks\n"
	       "the journal's chain, the catalogue against the journal, the index against the\n"
	       "catalogue. Exit status 3 when something is wrong.",
    .example = "mailcask verify",
    .option = {{"quick", 0, NULL, "structure and journal only, without the messages"}},
    .run = run,
};
