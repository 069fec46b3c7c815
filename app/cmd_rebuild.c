/* Knows: mailcask rebuild. */
#include "app/bar.h"
#include "app/command.h"
#include "app/mirror.h"
#include "app/output.h"

#include <inttypes.h>
#include <string.h>

/* The catalogue was made when the archive was opened. */
static int rebuild(struct app *app, bool index, bool catalog, struct err *err)
{
	uint64_t messages;
	char number[OUTPUT_NUMBER_BYTES];

	if (index && app_rebuild_index(app, err) != 0)
		return -1;
	if (catalog_count(vault_catalog(app->vault), &messages, err) != 0)
		return -1;
	if (app->json)
		output_line("{\"messages\":%" PRIu64 "}", messages);
	else if (!app->quiet)
		output_line("%s made again: %s %s",
		    catalog && index ? "catalogue and index"
			: catalog    ? "catalogue"
				     : "index",
		    output_number(messages, number),
		    output_plural(messages, "message", "messages"));
	return 0;
}

static int restore_segments(struct app *app, struct err *err)
{
	struct replica_report report;
	char a[OUTPUT_NUMBER_BYTES], size[BAR_SIZE_BYTES];

	if (mirror_restore(app, &report, err) != 0)
		return -1;
	if (report.files_bad > 0)
		app_problem(app,
		    "%" PRIu64 " %s neither whole in the archive nor in the mirror: run mailcask "
		    "verify",
		    report.files_bad,
		    output_plural(report.files_bad, "segment is", "segments are"));
	app->must_mirror = true;
	if (app->json || app->quiet)
		return 0;
	bar_size(report.bytes_copied, size);
	output_line("from the mirror: %s %s (%s)",
	    output_number(report.files_copied + report.files_mended, a),
	    output_plural(report.files_copied + report.files_mended, "segment", "segments"), size);
	return 0;
}

static int run(struct app *app, const struct arguments *arguments)
{
	const char *what = arguments->operand_count ? arguments->operand[0] : NULL;
	bool catalog = !what || strcmp(what, "catalog") == 0;
	bool index = !what || strcmp(what, "index") == 0;
	struct err err = {0};

	bool mirror = argument(&cmd_rebuild, arguments, "from-mirror") != NULL;

	if (!catalog && !index)
		err_set(
		    &err, ERR_USAGE, "what can be rebuilt is catalog or index, not \"%s\"", what);
	else if (mirror && what)
		err_set(&err, ERR_USAGE, "--from-mirror makes all of it again: name nothing else");
	else if (mirror && restore_segments(app, &err) != 0)
		return app_fail(app, &err);
	else if ((catalog ? app_rebuild_vault(app, &err) : app_open_vault(app, true, &err)) == 0 &&
	    rebuild(app, index, catalog, &err) == 0)
		return EXIT_DONE;
	return app_fail(app, &err);
}

const struct command cmd_rebuild = {
    .name = "rebuild",
    .operands = "[catalog|index]",
    .summary = "Make catalog.db and index.db again from the segments",
    .details = "Both are derived: they can be deleted at any time, nothing is lost.\n"
	       "Goes on behind damage, and says what is lost by it; the next sync fetches again\n"
	       "what the servers still have. With --from-mirror segments that are missing or\n"
	       "damaged, or all of them, are first brought back from the mirror and verified;\n"
	       "damaged files are kept beside as NAME.damaged.",
    .example = "mailcask rebuild",
    .option = {{"from-mirror", 0, NULL, "bring back lost and damaged segments first"}},
    .operands_max = 1,
    .run = run,
};
