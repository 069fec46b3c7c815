/* Knows: mailcask restore. */
#include "app/bar.h"
#include "app/command.h"
#include "app/output.h"

#include "archiver/restore/restore.h"
#include "index/search.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct calls {
	struct app *app;
	const struct arguments *arguments;
	struct bar bar;
	int64_t *place;
	size_t count, room;
};

static int take_place(void *arg, int64_t place_number, int64_t message_n, struct err *err)
{
	struct calls *calls = arg;

	(void)message_n, (void)err;
	calls->place = mem_grow(calls->place, &calls->room, calls->count + 1, sizeof *calls->place);
	calls->place[calls->count++] = place_number;
	return 0;
}

/* --map FROM=TO: the folder FROM and what is below it. The first that fits counts. */
static bool apply_map(const char *map, struct bytes shown, struct buf *out)
{
	const char *equal = strchr(map, '=');
	size_t n = (size_t)(equal - map);

	if (shown.n < n || strncasecmp(shown.p, map, n) != 0 || (shown.n > n && shown.p[n] != '/'))
		return false;
	buf_text(out, equal + 1);
	buf_bytes(out, bytes_from(shown, n));
	return true;
}

static void map_folder(void *arg, struct bytes shown, struct buf *out)
{
	struct calls *calls = arg;
	bool done = false;
	int i;

	for (i = 0; i < calls->arguments->repeated_count && !done; i++)
		if (strcmp(cmd_restore.option[calls->arguments->repeated_option[i]].name, "map") ==
		    0)
			done = apply_map(calls->arguments->repeated[i], shown, out);
	if (!done)
		buf_bytes(out, shown);
}

/* "Old/" is "Old". */
static char *prefix_of(const struct arguments *arguments)
{
	const char *prefix = argument(&cmd_restore, arguments, "prefix");
	struct bytes name = bytes_of(prefix);

	while (name.n > 0 && name.p[name.n - 1] == '/')
		name.n--;
	return prefix && name.n > 0 ? bytes_string(name) : NULL;
}

static int check_maps(const struct arguments *arguments, struct err *err)
{
	int i;

	for (i = 0; i < arguments->repeated_count; i++) {
		const char *map = arguments->repeated[i];

		if (strcmp(cmd_restore.option[arguments->repeated_option[i]].name, "map") == 0 &&
		    (!strchr(map, '=') || map[0] == '=' || !strchr(map, '=')[1]))
			return err_set(err, ERR_USAGE, "--map needs FROM=TO, not \"%s\"", map);
	}
	return 0;
}

static void show_progress(void *arg, const struct restore_progress *progress)
{
	struct calls *calls = arg;
	char *folder = bytes_string(progress->folder);

	bar_show(&calls->bar, folder, progress->done, progress->all, progress->bytes_done);
	free(folder);
}

static void tell_problem(void *arg, struct bytes folder, const char *text)
{
	struct calls *calls = arg;

	app_problem(calls->app, "%.*s%s%s", (int)folder.n, folder.n ? folder.p : "",
	    folder.n ? ": " : "", text);
}

static void print_json(const char *account, const struct restore_report *report)
{
	struct jsonout json;
	struct buf line;

	buf_init(&line, 1 << 20);
	jsonout_start(&json, &line);
	jsonout_object(&json, NULL);
	jsonout_text(&json, "account", bytes_of(account));
	jsonout_text(&json, "run", bytes_of(report->run));
	jsonout_u64(&json, "wanted", report->wanted);
	jsonout_u64(&json, "wanted_bytes", report->wanted_bytes);
	jsonout_u64(&json, "already", report->already);
	jsonout_u64(&json, "put", report->put);
	jsonout_u64(&json, "put_bytes", report->put_bytes);
	jsonout_u64(&json, "refused", report->refused);
	jsonout_u64(&json, "compared", report->compared);
	jsonout_u64(&json, "folders", report->folders);
	jsonout_u64(&json, "folders_made", report->folders_made);
	jsonout_end(&json);
	output_json_line(&line);
	buf_release(&line);
}

/* The same words for what would be done and for what was done. */
static void print_text(const char *account, const struct restore_report *report, bool rehearsal)
{
	char a[OUTPUT_NUMBER_BYTES], b[OUTPUT_NUMBER_BYTES], size[BAR_SIZE_BYTES];

	bar_size(report->put_bytes, size);
	printf("%s: %s %s %s (%s)", account, rehearsal ? "would put" : "put",
	    output_number(report->put, a), output_plural(report->put, "message", "messages"), size);
	printf(", %s %s there already", output_number(report->already, a),
	    report->already == 1 ? "was" : "were");
	if (report->refused)
		printf(", %s %s refused", output_number(report->refused, a),
		    report->refused == 1 ? "was" : "were");
	printf(", in %s %s", output_number(report->folders, a),
	    output_plural(report->folders, "folder", "folders"));
	if (report->folders_made)
		printf(" (%s new)", output_number(report->folders_made, a));
	if (report->own && !report->wanted)
		printf("\n  of the account's own mail %s %s as %s", output_number(report->own, a),
		    output_plural(report->own, "message stays", "messages stay"),
		    report->own == 1 ? "it is" : "they are");
	if (rehearsal)
		printf("; nothing was changed\n");
	else
		printf("\n  compared: %s of %s found on the server\n",
		    output_number(report->compared, a), output_number(report->wanted, b));
}

static void print_report(
    struct calls *calls, const char *account, struct restore_report *report, bool rehearsal)
{
	if (rehearsal) {
		report->put = report->missing;
		report->put_bytes = report->missing_bytes;
	}
	if (calls->app->json)
		print_json(account, report);
	else if (!calls->app->quiet)
		print_text(account, report, rehearsal);
}

static int restore(struct calls *calls, const struct settings_account *account, struct err *err)
{
	struct app *app = calls->app;
	bool rehearsal = argument(&cmd_restore, calls->arguments, "dry-run") != NULL;
	char *prefix = prefix_of(calls->arguments);
	struct restore_options options = {.vault = app->vault,
	    .account = account->name,
	    .place = calls->place,
	    .place_count = calls->count,
	    .prefix = prefix,
	    .map = map_folder,
	    .is_rehearsal = rehearsal,
	    .progress = show_progress,
	    .problem = tell_problem,
	    .arg = calls,
	    .stop = app->stop};
	struct restore_report report;
	int result = app_endpoint_options(app, account, &options.endpoint, err);

	if (result == 0) {
		result = restore_run(&options, &report, err);
		bar_clear();
		if (result == 0 || report.wanted > 0)
			print_report(calls, account->name, &report, rehearsal);
		if (!rehearsal && report.compared < report.wanted)
			app->has_failed_in_part = true;
	}
	free(prefix);
	return result == 0 ? 0 : err_add(err, "%s", account->name);
}

static int run(struct app *app, const struct arguments *arguments)
{
	struct calls calls = {
	    .app = app, .arguments = arguments, .bar = {.app = app, .unit = BAR_MESSAGES}};
	const char *to = argument(&cmd_restore, arguments, "to");
	const struct settings_account *account;
	char *text = arguments_join(arguments);
	struct query *query = NULL;
	struct err err = {0};
	int result = -1;

	if (!to)
		err_set(&err, ERR_USAGE, "--to ACCOUNT says where to: see mailcask restore --help");
	else if (check_maps(arguments, &err) == 0 && app_account(app, to, &account, &err) == 0 &&
	    query_parse(&query, bytes_of(text), clock_now_unix(), &err) == 0 &&
	    app_open_vault(app, true, &err) == 0 && app_catch_up(app, &err) == 0 &&
	    search_places(app->index, query, false, take_place, &calls, &err) == 0)
		result = restore(&calls, account, &err);
	free(calls.place);
	query_free(query);
	free(text);
	return result == 0 ? EXIT_DONE : app_fail(app, &err);
}

const struct command cmd_restore = {
    .name = "restore",
    .operands = "QUERY",
    .summary = "Put archived mail into an account, with folders, flags and dates",
    .details = "What is there already is not sent again: a second run adds nothing. The\n"
	       "account's own mail stays as it is; what is gone from it comes back. The query *\n"
	       "means everything. Ends with a comparison.",
    .example = "mailcask restore account:old --to new --map Sent=Gesendet",
    .option = {{"to", 't', "ACCOUNT", "the account of the settings to put them into"},
	{"map", 0, "FROM=TO", "another folder there, and all below it (repeatable)"},
	{"prefix", 0, "FOLDER", "put all folders below this one"},
	{"dry-run", 'n', NULL, "only look what would be done"}},
    .operands_min = 1,
    .operands_max = -1,
    .run = run,
};
