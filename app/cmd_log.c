/* Knows: mailcask log. */
#include "app/bar.h"
#include "app/command.h"
#include "app/output.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES  (1u << 20)
#define SYNCS_SHOWN 50

struct log {
	struct app *app;
	struct buf line;
	uint64_t shown;
	/* Of one run. */
	const char *run;
	bool has_run, is_restore;
	char *heading; /* of the lines that are being printed; NULL: none yet */
};

static void begin_json(struct log *log, struct jsonout *json, const char *kind, int64_t time_unix)
{
	jsonout_start(json, &log->line);
	jsonout_object(json, NULL);
	jsonout_text(json, "kind", bytes_of(kind));
	jsonout_time(json, "time", time_unix);
}

static int show_run(void *arg, const struct catalog_run *run, struct err *err)
{
	struct log *log = arg;
	char time[CLOCK_ISO_BYTES], number[OUTPUT_NUMBER_BYTES], size[BAR_SIZE_BYTES];
	struct jsonout json;

	(void)err;
	log->shown++;
	if (log->app->json) {
		begin_json(log, &json, "run", run->begun_unix);
		jsonout_text(&json, "run", run->run);
		jsonout_text(&json, "type", run->type);
		jsonout_text(&json, "account", run->account);
		jsonout_text(&json, "state", run->state);
		jsonout_u64(&json, "messages", run->messages);
		jsonout_u64(&json, "bytes", run->size_bytes);
		jsonout_text(&json, "reason", run->reason);
		jsonout_end(&json);
		output_json_line(&log->line);
		return 0;
	}
	clock_local(run->begun_unix, time);
	bar_size(run->size_bytes, size);
	printf("%s  %-8.*s ", time, (int)run->run.n, run->run.p);
	output_cell(run->type, 8);
	output_cell(run->account, 13);
	if (bytes_is(run->state, "ended"))
		printf("%s %s, %s", output_number(run->messages, number),
		    output_plural(run->messages, "message", "messages"), size);
	else
		printf("was interrupted");
	if (run->reason.n > 0) {
		printf("; ");
		output_text(run->reason);
	}
	putchar('\n');
	return 0;
}

static int show_sync(void *arg, const struct catalog_sync *sync, struct err *err)
{
	struct log *log = arg;
	char time[CLOCK_ISO_BYTES], number[OUTPUT_NUMBER_BYTES], size[BAR_SIZE_BYTES];
	struct jsonout json;

	(void)err;
	log->shown++;
	if (log->app->json) {
		begin_json(log, &json, "sync", sync->time_unix);
		jsonout_text(&json, "account", sync->account);
		jsonout_u64(&json, "messages", sync->messages);
		jsonout_u64(&json, "bytes", sync->size_bytes);
		jsonout_text(&json, "reason", sync->reason);
		jsonout_end(&json);
		output_json_line(&log->line);
		return 0;
	}
	clock_local(sync->time_unix, time);
	bar_size(sync->size_bytes, size);
	printf("%s           sync    ", time);
	output_cell(sync->account, 13);
	printf("%s %s, %s", output_number(sync->messages, number),
	    output_plural(sync->messages, "message", "messages"), size);
	if (sync->reason.n > 0) {
		printf("; ended early: ");
		output_text(sync->reason);
	}
	putchar('\n');
	return 0;
}

/* ---- one run ---- */

/* Account, folder and rule stand above the messages that they are the same for. */
static void print_heading(struct log *log, struct bytes account, struct bytes folder, char *rest)
{
	char *heading =
	    mem_format("%.*s %.*s%s", (int)account.n, account.p, (int)folder.n, folder.p, rest);

	free(rest);
	if (log->heading && strcmp(log->heading, heading) == 0) {
		free(heading);
		return;
	}
	free(log->heading);
	log->heading = heading;
	output_text(bytes_of(heading));
	putchar('\n');
}

/* A message that is listed, and what became of it. */
static void print_message(
    const struct catalog_message *message, const char *outcome, struct bytes reason)
{
	char hex[SHA256_HEX_BYTES], date[CLOCK_ISO_BYTES] = "";
	int rest = (int)output_columns() - 2 - 10 - 1 - 10 - 2 - 16 - 2 - 2 - 9;

	sha256_hex(&message->id.sum, hex);
	if (message->has_date)
		clock_local(message->date_unix, date);
	printf("  %.10s %10.10s  ", hex, date);
	output_field(message->from, true, 16);
	printf("  ");
	output_field(message->subject, false, rest > 10 ? rest : 10);
	printf("  %s\n", outcome);
	if (reason.n > 0) {
		printf("    ");
		output_text(reason);
		putchar('\n');
	}
}

static const char *outcome_of(struct bytes state)
{
	if (bytes_is(state, "confirmed"))
		return "purged";
	if (bytes_is(state, "intent"))
		return "not known";
	return "kept";
}

static int print_purged(struct log *log, const struct catalog_purge *purge,
    const struct catalog_message *message, struct err *err)
{
	struct catalog_folder folder;

	if (catalog_folder_number(
		vault_catalog(log->app->vault), purge->folder_number, &folder, err) != 1)
		return -1;
	print_heading(log, folder.account, folder.shown,
	    mem_format(", by [rule %.*s]:", (int)purge->rule.n, purge->rule.p));
	print_message(message, outcome_of(purge->state), purge->reason);
	return 0;
}

static int show_purged(void *arg, const struct catalog_purge *purge, struct err *err)
{
	struct log *log = arg;
	struct catalog *catalog = vault_catalog(log->app->vault);
	struct catalog_message message;
	struct catalog_place place;
	struct jsonout json;
	int result = catalog_place_at(
	    catalog, purge->folder_number, purge->uidvalidity, purge->uid, &place, err);
	int64_t place_number = result == 1 ? place.number : 0;

	if (result < 0)
		return -1;
	log->shown++;
	if (catalog_message_n(catalog, purge->message_n, &message, err) != 1)
		return -1;
	if (!log->app->json)
		return print_purged(log, purge, &message, err);
	begin_json(log, &json, "purge", purge->time_unix);
	result = output_json_message(log->app, &json, &message, place_number, err);
	jsonout_text(&json, "run", purge->run);
	jsonout_text(&json, "rule", purge->rule);
	jsonout_text(&json, "state", purge->state);
	jsonout_text(&json, "reason", purge->reason);
	jsonout_end(&json);
	output_json_line(&log->line);
	return result;
}

static int show_restored(void *arg, const struct catalog_restored *restored, struct err *err)
{
	struct log *log = arg;
	struct catalog *catalog = vault_catalog(log->app->vault);
	struct catalog_message message;
	struct catalog_folder folder;
	struct jsonout json;
	int got = catalog_folder(catalog, restored->account, restored->folder, &folder, err);
	int result = 0, found;

	if (got < 0)
		return -1;
	if (got == 0)
		folder.shown = restored->folder;
	found = catalog_message(catalog, &restored->id, &message, err);
	if (found != 1)
		return found;
	log->shown++;
	if (!log->app->json) {
		print_heading(log, restored->account, folder.shown, mem_string(":"));
		print_message(&message, "restored", BYTES(""));
		return 0;
	}
	begin_json(log, &json, "restore", restored->time_unix);
	jsonout_text(&json, "run", bytes_of(log->run));
	jsonout_text(&json, "to_account", restored->account);
	jsonout_text(&json, "to_folder", folder.shown);
	jsonout_u64(&json, "to_uid", restored->uid);
	result = output_json_message(log->app, &json, &message, 0, err);
	jsonout_end(&json);
	output_json_line(&log->line);
	return result;
}

/* The line of the run itself; not in JSON, where each line tells its run. */
static int take_run(void *arg, const struct catalog_run *run, struct err *err)
{
	struct log *log = arg;
	uint64_t shown = log->shown;
	int result = 0;

	if (!bytes_is(run->run, log->run))
		return 0;
	log->has_run = true;
	log->is_restore = bytes_is(run->type, "restore");
	if (!log->app->json)
		result = show_run(log, run, err);
	log->shown = shown;
	return result;
}

static int show_one(struct log *log, struct err *err)
{
	struct catalog *catalog = vault_catalog(log->app->vault);
	int result = catalog_each_run(catalog, take_run, log, err);

	if (result == 0 && !log->has_run)
		return err_set(err, ERR_ABSENT,
		    "there is no run \"%s\"; mailcask log lists the runs", log->run);
	if (result == 0 && log->is_restore)
		result = catalog_each_restored_in(catalog, log->run, show_restored, log, err);
	else if (result == 0)
		result = catalog_each_purge(catalog, log->run, show_purged, log, err);
	if (result == 0 && log->shown == 0)
		app_note(log->app,
		    log->is_restore ? "the server did not tell where it put any message"
				    : "no message was touched in this run");
	free(log->heading);
	return result;
}

static int show_all(struct log *log, struct err *err)
{
	struct catalog *catalog = vault_catalog(log->app->vault);

	if (catalog_each_run(catalog, show_run, log, err) != 0 ||
	    catalog_each_sync(catalog, SYNCS_SHOWN, show_sync, log, err) != 0)
		return -1;
	if (log->shown == 0)
		app_note(log->app, "nothing has happened yet");
	return 0;
}

static int run(struct app *app, const struct arguments *arguments)
{
	struct log log = {
	    .app = app, .run = arguments->operand_count == 1 ? arguments->operand[0] : NULL};
	struct err err = {0};
	int result;

	if (app_open_vault(app, false, &err) != 0)
		return app_fail(app, &err);
	buf_init(&log.line, LINE_BYTES);
	result = log.run ? show_one(&log, &err) : show_all(&log, &err);
	buf_release(&log.line);
	return result == 0 ? EXIT_DONE : app_fail(app, &err);
}

const struct command cmd_log = {
    .name = "log",
    .operands = "[RUN]",
    .summary = "Show purges, restores and syncs, or one run in full",
    .example = "mailcask log P000057",
    .operands_max = 1,
    .run = run,
};
