/* Knows: mailcask export. */
#include "app/bar.h"
#include "app/command.h"
#include "app/export.h"
#include "app/output.h"

#include "index/search.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct calls {
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

static int write_all(
    struct app *app, struct export *export, const struct calls *calls, struct err *err)
{
	struct bar bar = {.app = app, .unit = BAR_MESSAGES};
	size_t i;

	for (i = 0; i < calls->count; i++) {
		if (app_must_stop(app))
			return err_set(err, ERR_STOPPED, "stopped");
		if (export_place(export, calls->place[i], err) != 0)
			return -1;
		bar_show(&bar, "exporting", i + 1, calls->count, export->bytes);
	}
	return 0;
}

static void print_text(const struct export *export)
{
	char a[OUTPUT_NUMBER_BYTES], size[BAR_SIZE_BYTES];

	bar_size(export->bytes, size);
	printf("%s %s (%s) written to %s", output_number(export->written, a),
	    output_plural(export->written, "message", "messages"), size, export->path);
	if (export->failed)
		printf(", %s could not be read", output_number(export->failed, a));
	putchar('\n');
}

static int export_all(
    struct app *app, struct export *export, const struct calls *calls, struct err *err)
{
	int result = export_begin(export, err);

	if (result == 0)
		result = write_all(app, export, calls, err);
	bar_clear();
	if (result == 0)
		result = export_end(export, err);
	else
		export_abort(export);
	if (result != 0 || strcmp(export->path, "-") == 0)
		return result;
	if (app->json)
		output_line("{\"written\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"failed\":%" PRIu64
			    "}",
		    export->written, export->bytes, export->failed);
	else if (!app->quiet)
		print_text(export);
	return 0;
}

static int take_format(const struct arguments *arguments, struct export *export, struct err *err)
{
	const char *format = argument(&cmd_export, arguments, "format");

	export->path = argument(&cmd_export, arguments, "output");
	if (!export->path)
		return err_set(err, ERR_USAGE, "-o PATH says where to: see mailcask export --help");
	if (!format || strcmp(format, "eml") == 0)
		export->format = EXPORT_EML;
	else if (strcmp(format, "mbox") == 0)
		export->format = EXPORT_MBOX;
	else
		return err_set(err, ERR_USAGE, "--format is eml or mbox, not \"%s\"", format);
	if (export->format == EXPORT_EML && strcmp(export->path, "-") == 0)
		return err_set(err, ERR_USAGE, "standard output takes --format mbox only");
	return 0;
}

static int run(struct app *app, const struct arguments *arguments)
{
	struct export export = {.app = app};
	struct calls calls = {0};
	char *text = arguments_join(arguments);
	struct query *query = NULL;
	struct err err = {0};
	int result = -1;

	if (take_format(arguments, &export, &err) == 0 &&
	    query_parse(&query, bytes_of(text), clock_now_unix(), &err) == 0 &&
	    app_open_vault(app, false, &err) == 0 && app_open_index(app, false, &err) == 0 &&
	    search_places(app->index, query, false, take_place, &calls, &err) == 0)
		result = export_all(app, &export, &calls, &err);
	free(calls.place);
	query_free(query);
	free(text);
	return result == 0 ? EXIT_DONE : app_fail(app, &err);
}

const struct command cmd_export = {
    .name = "export",
    .operands = "QUERY",
    .summary = "Write archived messages as files",
    .details = "eml: one file for each message, byte for byte, in folders like the account's.\n"
	       "mbox: one file in mboxrd form; line ends become LF, \"From \" lines are quoted.\n"
	       "Files that exist are never replaced; an .eml that is complete counts as written,\n"
	       "so the same command goes on after an interruption. The query * means everything.",
    .example = "mailcask export folder:Archive/2019 -o old-mail --format eml",
    .option = {{"output", 'o', "PATH", "folder (eml) or file (mbox; - is standard output)"},
	{"format", 'f', "FORMAT", "eml (the default) or mbox"}},
    .operands_min = 1,
    .operands_max = -1,
    .run = run,
};
