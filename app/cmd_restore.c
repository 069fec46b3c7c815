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
	const char *prefix = argument(&cmd_restore, calls->arguments, "prefix");
	struct buf mapped;
	bool done = false;
	int i;

	buf_init(&mapped, 1 << 16);
	for (i = 0; i < calls->arguments->repeated_count && !done; i++)
		if (strcmp(cmd_restore.option[calls->arguments->repeated_option[i]].name, "map") ==
		    0)
			done = apply_map(calls->arguments->repeated[i], shown, &mapped);
	if (!done)
		buf_bytes(&mapped, shown);
	if (prefix)
		buf_format(out, "%s/", prefix);
	buf_bytes(out, buf_view(&mapped));
	buf_release(&mapped);
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

	app_problem(calls->app, "%.*s: %s", (int)folder.n, folder.n ? folder.p : "", text);
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

static void print_text(const char *account, const struct restore_report *report, bool rehearsal)
{
	char a[OUTPUT_NUMBER_BYTES], b[OUTPUT_NUMBER_BYTES], size[BAR_SIZE_BYTES];

	bar_size(report->put_bytes, size);
	if (rehearsal) {
		bar_size(report->wanted_bytes, size);
		printf("%s: would put %s of %s messages (%s in all) into %" PRIu64
		       " folders, %" PRIu64 " of them new; nothing was changed\n",
		    account, output_number(report->wanted - report->already, a),
		    output_number(report->wanted, b), size, report->folders, report->folders_made);
		return;
	}
	printf("%s: put %s messages (%s)", account, output_number(report->put, a), size);
	printf(", %s were there already", output_number(report->already, a));
	if (report->refused)
		printf(", %s were refused", output_number(report->refused, a));
	printf("\n  compared: %s of %s wanted messages are on the server\n",
	    output_number(report->compared, a), output_number(report->wanted, b));
}

static int restore(struct calls *calls, const struct settings_account *account, struct err *err)
{
	struct app *app = calls->app;
	bool rehearsal = argument(&cmd_restore, calls->arguments, "dry-run") != NULL;
	struct restore_options options = {.vault = app->vault,
	    .account = account->name,
	    .place = calls->place,
	    .place_count = calls->count,
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
		if (app->json)
			print_json(account->name, &report);
		else if (!app->quiet)
			print_text(account->name, &report, rehearsal);
		if (!rehearsal && report.compared < report.wanted)
			app->has_failed_in_part = true;
	}
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
    .details = "What is there already is not sent again: a second run adds nothing. The query *\n"
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
