/* Knows: mailcask log. */
#include "app/bar.h"
#include "app/command.h"
#include "app/output.h"

#include <inttypes.h>
#include <string.h>

#define LINE_BYTES  (1u << 20)
#define SYNCS_SHOWN 50

struct log {
	struct app *app;
	struct buf line;
	uint64_t shown;
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
		printf("%s messages, %s", output_number(run->messages, number), size);
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
	printf("%s messages, %s", output_number(sync->messages, number), size);
	if (sync->reason.n > 0) {
		printf("; ended early: ");
		output_text(sync->reason);
	}
	putchar('\n');
	return 0;
}

static int show_purged(void *arg, const struct catalog_purge *purge, struct err *err)
{
	struct log *log = arg;
	struct catalog *catalog = vault_catalog(log->app->vault);
	struct catalog_message message;
	struct catalog_place place;
	char hex[SHA256_HEX_BYTES];
	struct jsonout json;
	int64_t place_number;
	int result = catalog_place_at(
	    catalog, purge->folder_number, purge->uidvalidity, purge->uid, &place, err);

	if (result < 0)
		return -1;
	place_number = result == 1 ? place.number : 0;
	log->shown++;
	if (catalog_message_n(catalog, purge->message_n, &message, err) != 1)
		return -1;
	sha256_hex(&message.id.sum, hex);
	if (!log->app->json) {
		printf("%.10s  UID %-8u %.*s by [rule %.*s]%s", hex, purge->uid,
		    (int)purge->state.n, purge->state.p, (int)purge->rule.n, purge->rule.p,
		    purge->reason.n ? ": " : "");
		output_text(purge->reason);
		putchar('\n');
		return 0;
	}
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

static int run(struct app *app, const struct arguments *arguments)
{
	struct log log = {.app = app};
	struct err err = {0};
	int result;

	if (app_open_vault(app, false, &err) != 0)
		return app_fail(app, &err);
	buf_init(&log.line, LINE_BYTES);
	if (arguments->operand_count == 1) {
		result = catalog_each_purge(
		    vault_catalog(app->vault), arguments->operand[0], show_purged, &log, &err);
		if (result == 0 && log.shown == 0)
			result = err_set(&err, ERR_ABSENT,
			    "there is no run \"%s\" with messages; mailcask log lists the runs",
			    arguments->operand[0]);
	} else {
		result = catalog_each_run(vault_catalog(app->vault), show_run, &log, &err);
		if (result == 0)
			result = catalog_each_sync(
			    vault_catalog(app->vault), SYNCS_SHOWN, show_sync, &log, &err);
		if (result == 0 && log.shown == 0)
			app_note(app, "nothing has happened yet");
	}
	buf_release(&log.line);
	return result == 0 ? EXIT_DONE : app_fail(app, &err);
}

const struct command cmd_log = {
    .name = "log",
    .operands = "[RUN]",
    .summary = "Show purges, restores and syncs, or one purge in full",
    .example = "mailcask log P000057",
    .operands_max = 1,
    .run = run,
};
