/* Owns:  nothing.
 * Knows: how sync and purge are told to a person or a program. */
#include "app/work.h"

#include "app/bar.h"
#include "app/mirror.h"
#include "app/output.h"

#include "archiver/sync/sync.h"
#include "index/query.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES (1u << 20)

/* ---- sync ---- */

struct sync_calls {
	struct app *app;
	const struct settings_account *account;
	struct bar bar;
};

static bool wants_folder(void *arg, struct bytes shown)
{
	return settings_folder_wanted(((const struct settings_account *)arg)->folders, shown);
}

static bool names_folder(void *arg, struct bytes shown)
{
	return settings_folder_named(((const struct settings_account *)arg)->folders, shown);
}

static void tell_sync_notice(void *arg, struct bytes folder, const char *text)
{
	const struct sync_calls *calls = arg;

	app_note(calls->app, "%s: %.*s: %s", calls->account->name, (int)folder.n, folder.p, text);
}

static void show_sync(void *arg, const struct sync_progress *progress)
{
	struct sync_calls *calls = arg;
	char *what = mem_format(
	    "%s: %.*s", calls->account->name, (int)progress->folder.n, progress->folder.p);

	bar_show(&calls->bar, what, progress->messages_done, progress->messages_expected,
	    progress->bytes_done);
	free(what);
}

static void tell_sync_problem(void *arg, struct bytes folder, const char *text)
{
	struct sync_calls *calls = arg;

	app_problem(calls->app, "%s: %.*s%s%s", calls->account->name, (int)folder.n,
	    folder.n ? folder.p : "", folder.n ? ": " : "", text);
}

static void print_sync_json(
    const struct settings_account *account, const struct sync_report *report, const char *error)
{
	struct jsonout json;
	struct buf line;

	buf_init(&line, LINE_BYTES);
	jsonout_start(&json, &line);
	jsonout_object(&json, NULL);
	jsonout_text(&json, "account", bytes_of(account->name));
	jsonout_u64(&json, "folders", report->folders);
	jsonout_u64(&json, "folders_changed", report->folders_changed);
	jsonout_u64(&json, "folders_failed", report->folders_failed);
	jsonout_u64(&json, "folders_gone", report->folders_gone);
	jsonout_u64(&json, "messages_placed", report->messages_placed);
	jsonout_u64(&json, "messages_stored", report->messages_stored);
	jsonout_u64(&json, "bytes_stored", report->bytes_stored);
	jsonout_u64(&json, "bytes_fetched", report->bytes_fetched);
	jsonout_u64(&json, "flags_changed", report->flags_changed);
	jsonout_u64(&json, "messages_gone", report->messages_gone);
	jsonout_u64(&json, "messages_skipped", report->messages_skipped);
	jsonout_u64(&json, "exceptions", report->exceptions);
	jsonout_u64(&json, "messages_mended", report->messages_mended);
	jsonout_u64(&json, "listings_incomplete", report->listings_incomplete);
	if (error)
		jsonout_text(&json, "error", bytes_of(error));
	jsonout_end(&json);
	output_json_line(&line);
	buf_release(&line);
}

static void print_sync_text(
    const struct settings_account *account, const struct sync_report *report)
{
	char a[OUTPUT_NUMBER_BYTES], b[OUTPUT_NUMBER_BYTES], size[BAR_SIZE_BYTES];

	bar_size(report->bytes_stored, size);
	printf("%s: %s new (%s) in %s %s", account->name, output_number(report->messages_placed, a),
	    size, output_number(report->folders, b),
	    output_plural(report->folders, "folder", "folders"));
	if (report->messages_placed > report->messages_stored)
		printf(", %s of them already stored",
		    output_number(report->messages_placed - report->messages_stored, a));
	if (report->flags_changed)
		printf(", flags of %s changed", output_number(report->flags_changed, a));
	if (report->messages_gone)
		printf(", %s gone from the server", output_number(report->messages_gone, a));
	if (report->messages_mended)
		printf(
		    ", %s damaged ones fetched again", output_number(report->messages_mended, a));
	if (report->messages_skipped)
		printf(", %s could not be had", output_number(report->messages_skipped, a));
	if (report->exceptions)
		printf(", %s as before could not", output_number(report->exceptions, a));
	if (report->folders_failed)
		printf(", %s %s failed", output_number(report->folders_failed, a),
		    output_plural(report->folders_failed, "folder", "folders"));
	putchar('\n');
}

int work_sync(struct app *app, const struct settings_account *account, struct err *err)
{
	struct sync_calls calls = {app, account, {.app = app, .unit = BAR_MESSAGES}};
	struct sync_options options = {.vault = app->vault,
	    .account = account->name,
	    .connections = (unsigned)account->connections,
	    .wants = wants_folder,
	    .names = names_folder,
	    .wants_arg = (void *)account,
	    .progress = show_sync,
	    .problem = tell_sync_problem,
	    .notice = tell_sync_notice,
	    .arg = &calls,
	    .stop = app->stop};
	struct sync_report report = {0};
	int result = app_endpoint_options(app, account, &options.endpoint, err);

	app->must_mirror = true;
	if (result == 0) {
		result = sync_account(&options, &report, err);
		bar_clear();
		if (app->json)
			print_sync_json(account, &report, result == 0 ? NULL : err->text);
		else if (!app->quiet && (result == 0 || report.folders > 0))
			print_sync_text(account, &report);
		fflush(stdout);
	}
	return result == 0 ? 0 : err_add(err, "%s", account->name);
}

/* ---- purge ---- */

static int resolve(struct app *app, const struct settings_account *account,
    const struct endpoint_options *options, struct err *err)
{
	struct endpoint *ep = NULL;
	uint64_t resolved = 0;
	int result;

	if (endpoint_open(&ep, options, err) != 0)
		return -1;
	result = purge_resolve(app->vault, ep, account->name, &resolved, err);
	endpoint_close(ep);
	if (resolved > 0)
		app_note(app, "%s: looked what became of %" PRIu64 " %s of an interrupted purge",
		    account->name, resolved, output_plural(resolved, "message", "messages"));
	return result;
}

static int count_intent(void *arg, const struct catalog_purge *purge, struct err *err)
{
	(void)purge, (void)err;
	++*(uint64_t *)arg;
	return 0;
}

int work_plan(struct app *app, const struct settings_account *account, const struct rules *rules,
    struct plan *plan, struct err *err)
{
	struct endpoint_options options;
	uint64_t intents = 0;
	int result = app_endpoint_options(app, account, &options, err);

	if (result == 0)
		result = catalog_each_purge(
		    vault_catalog(app->vault), NULL, count_intent, &intents, err);
	if (result == 0 && intents > 0)
		result = resolve(app, account, &options, err);
	if (result != 0)
		return err_add(err, "%s", account->name);
	if (work_sync(app, account, err) != 0 || app_catch_up(app, err) != 0)
		return -1;
	return plan_make(plan, vault_catalog(app->vault), app->index, rules, account->name,
	    clock_now_unix(), err);
}

struct purge_calls {
	struct app *app;
	const struct settings_account *account;
	const struct rules *rules;
	struct bar bar;
	uint64_t done, all;
	struct buf line;
	bool is_rehearsal;
	char alike[ERR_TEXT_BYTES]; /* the reason of the last refusals, and how many they are */
	uint64_t alike_count;
};

static const char *outcome_word(enum purge_outcome outcome)
{
	static const char *const word[] = {[PURGE_CONFIRMED] = "purged",
	    [PURGE_REFUSED] = "refused",
	    [PURGE_KEPT] = "kept",
	    [PURGE_WOULD] = "would purge"};

	return word[outcome];
}

static void print_outcome_json(struct purge_calls *calls, const struct plan_item *item,
    enum purge_outcome outcome, const char *reason)
{
	struct catalog_message message;
	struct jsonout json;
	struct err err = {0};

	if (catalog_message_n(vault_catalog(calls->app->vault), item->message_n, &message, &err) !=
	    1)
		return;
	jsonout_start(&json, &calls->line);
	jsonout_object(&json, NULL);
	output_json_message(calls->app, &json, &message, item->place_number, &err);
	jsonout_text(&json, "rule", bytes_of(calls->rules->rule[item->rule].settings->name));
	jsonout_text(&json, "action", bytes_of(outcome_word(outcome)));
	if (reason)
		jsonout_text(&json, "reason", bytes_of(reason));
	jsonout_u64(&json, "bytes", item->size_bytes);
	jsonout_end(&json);
	output_json_line(&calls->line);
}

static void print_outcome_line(struct purge_calls *calls, const struct plan_item *item,
    enum purge_outcome outcome, const char *reason)
{
	struct catalog_message message;
	char hex[SHA256_HEX_BYTES];

	if (catalog_message_n(vault_catalog(calls->app->vault), item->message_n, &message, NULL) !=
	    1)
		return;
	sha256_hex(&message.id.sum, hex);
	bar_clear();
	printf(
	    "%.10s %s%s%s\n", hex, outcome_word(outcome), reason ? ": " : "", reason ? reason : "");
}

static void print_alike(struct purge_calls *calls)
{
	char n[OUTPUT_NUMBER_BYTES];

	if (calls->alike_count > 0) {
		bar_clear();
		printf("  %s refused: %s\n", output_number(calls->alike_count, n), calls->alike);
	}
	calls->alike_count = 0;
}

/* What went as it should is told with -v only; messages that stay, as many as have one reason. */
static void print_outcome_text(struct purge_calls *calls, const struct plan_item *item,
    enum purge_outcome outcome, const char *reason)
{
	if (calls->app->verbose) {
		print_outcome_line(calls, item, outcome, reason);
		return;
	}
	if (outcome == PURGE_KEPT)
		print_outcome_line(calls, item, outcome, reason);
	if (outcome != PURGE_REFUSED || !reason)
		return;
	if (strcmp(calls->alike, reason) != 0) {
		print_alike(calls);
		snprintf(calls->alike, sizeof calls->alike, "%s", reason);
	}
	calls->alike_count++;
}

static void take_outcome(
    void *arg, const struct plan_item *item, enum purge_outcome outcome, const char *reason)
{
	struct purge_calls *calls = arg;

	calls->done++;
	bar_show(&calls->bar, calls->account->name, calls->done, calls->all, 0);
	if (calls->app->json)
		print_outcome_json(calls, item, outcome, reason);
	else
		print_outcome_text(calls, item, outcome, reason);
}

static void tell_purge_problem(void *arg, struct bytes folder, const char *text)
{
	struct purge_calls *calls = arg;

	app_problem(
	    calls->app, "%s: %.*s: %s", calls->account->name, (int)folder.n, folder.p, text);
}

static int refresh(void *arg, struct err *err)
{
	struct purge_calls *calls = arg;

	return work_sync(calls->app, calls->account, err);
}

static void print_quota(const struct purge_report *report)
{
	char a[BAR_SIZE_BYTES], b[BAR_SIZE_BYTES], c[BAR_SIZE_BYTES];

	if (!report->has_quota)
		return;
	bar_size(report->quota_before_kib * 1024, a);
	bar_size(report->quota_after_kib * 1024, b);
	bar_size(report->quota_limit_kib * 1024, c);
	printf("  the server counts %s now, before it was %s (of %s)\n", b, a, c);
}

static void print_report(struct app *app, const struct settings_account *account,
    const struct purge_report *report, bool is_rehearsal)
{
	char a[OUTPUT_NUMBER_BYTES], size[BAR_SIZE_BYTES];

	bar_clear();
	if (app->json || app->quiet)
		return;
	if (is_rehearsal) {
		bar_size(report->would_bytes, size);
		printf("%s: would purge %s %s, %s; nothing was changed\n", account->name,
		    output_number(report->would, a),
		    output_plural(report->would, "message", "messages"), size);
	} else {
		bar_size(report->confirmed_bytes, size);
		printf("%s: purged %s %s, %s%s%s%s\n", account->name,
		    output_number(report->confirmed, a),
		    output_plural(report->confirmed, "message", "messages"), size,
		    report->run[0] ? " (mailcask log " : "", report->run,
		    report->run[0] ? ")" : "");
		print_quota(report);
	}
	if (report->refused)
		printf("  %s were not cleared and stay\n", output_number(report->refused, a));
	if (report->kept)
		printf("  %s are still on the server\n", output_number(report->kept, a));
}

/* What it proves counts only when it is this archive's. */
static int check_mirror(struct app *app, const struct purge_options *options, struct err *err)
{
	if (mirror_follow(app) != ERR_UNSAFE || !options->needs_mirror)
		return 0;
	return err_set(err, ERR_UNSAFE,
	    "nothing is purged (purge-needs-mirror): the mirror is none of this archive");
}

int work_purge(struct app *app, const struct settings_account *account, const struct rules *rules,
    const struct plan *plan, bool is_rehearsal, struct purge_report *report, struct err *err)
{
	struct purge_calls calls = {.app = app,
	    .account = account,
	    .rules = rules,
	    .bar = {.app = app, .unit = BAR_MESSAGES},
	    .all = plan->purge_count,
	    .is_rehearsal = is_rehearsal};
	struct purge_options options = {.vault = app->vault,
	    .account = account->name,
	    .rules = rules,
	    .plan = plan,
	    .needs_mirror = app->settings->archive.purge_needs_mirror,
	    .is_rehearsal = is_rehearsal,
	    .outcome = take_outcome,
	    .problem = tell_purge_problem,
	    .refresh = refresh,
	    .arg = &calls,
	    .stop = app->stop};
	struct endpoint_options where;
	int result = -1;

	memset(report, 0, sizeof *report);
	buf_init(&calls.line, LINE_BYTES);
	if (check_mirror(app, &options, err) != 0 ||
	    app_endpoint_options(app, account, &where, err) != 0 ||
	    endpoint_open(&options.ep, &where, err) != 0)
		goto out;
	result = purge_run(&options, report, err);
	print_alike(&calls);
	print_report(app, account, report, is_rehearsal);
	if (report->refused || report->kept || report->folders_failed)
		app->has_failed_in_part = true;
	/* The link broke after the server was told: look what became of it, now if possible. */
	if (result != 0 && !is_rehearsal && err->code == ERR_NETWORK && report->run[0])
		(void)resolve(app, account, &where, NULL);
out:
	endpoint_close(options.ep);
	buf_release(&calls.line);
	return result == 0 ? 0 : err_add(err, "%s", account->name);
}
