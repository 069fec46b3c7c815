/* Knows: mailcask rebuild. */
#include "app/command.h"
#include "app/output.h"

#include <inttypes.h>
#include <string.h>

/* The catalogue was made when the archive was opened. */
static int rebuild(struct app *app, bool index, bool catalog, struct err *err)
{
	struct catalog_totals totals;
	char number[OUTPUT_NUMBER_BYTES];

	if (index && app_rebuild_index(app, err) != 0)
		return -1;
	if (catalog_totals(vault_catalog(app->vault), &totals, err) != 0)
		return -1;
	if (app->json)
		output_line("{\"messages\":%" PRIu64 "}", totals.messages);
	else if (!app->quiet)
		output_line("%s made again: %s %s",
		    catalog && index ? "catalogue and index"
			: catalog    ? "catalogue"
				     : "index",
		    output_number(totals.messages, number),
		    output_plural(totals.messages, "message", "messages"));
	return 0;
}

static int run(struct app *app, const struct arguments *arguments)
{
	const char *what = arguments->operand_count ? arguments->operand[0] : NULL;
	bool catalog = !what || strcmp(what, "catalog") == 0;
	bool index = !what || strcmp(what, "index") == 0;
	struct err err = {0};

	if (!catalog && !index)
		err_set(
		    &err, ERR_USAGE, "what can be rebuilt is catalog or index, not \"%s\"", what);
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
	       "what the servers still have.",
    .example = "mailcask rebuild",
    .operands_max = 1,
    .run = run,
};
