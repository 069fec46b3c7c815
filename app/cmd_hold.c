/* Knows: mailcask hold. */
#include "app/command.h"
#include "app/output.h"

#include "index/search.h"

#include "base/mem.h"

#include <stdlib.h>

struct hold {
	struct app *app;
	bool release;
	const char *reason;
	struct msg_id *id;
	size_t count, room;
};

/* Gathered first: the journal is written when the question is over. */
static int take(void *arg, int64_t message_n, struct err *err)
{
	struct hold *hold = arg;
	struct catalog *catalog = vault_catalog(hold->app->vault);
	struct catalog_message message;
	int held = catalog_is_held(catalog, message_n, err);

	if (held < 0 || catalog_message_n(catalog, message_n, &message, err) != 1)
		return -1;
	if ((held == 1) != hold->release)
		return 0;
	hold->id = mem_grow(hold->id, &hold->room, hold->count + 1, sizeof *hold->id);
	hold->id[hold->count++] = message.id;
	return 0;
}

static int write_all(struct hold *hold, struct err *err)
{
	size_t i;

	for (i = 0; i < hold->count; i++) {
		struct event event = {.kind = EVENT_HOLD,
		    .id = hold->id[i].sum,
		    .held = !hold->release,
		    .reason = bytes_of(hold->reason)};

		if (vault_log(hold->app->vault, &event, err) != 0 ||
		    (vault_is_due(hold->app->vault) && vault_commit(hold->app->vault, err) != 0))
			return -1;
	}
	return vault_commit(hold->app->vault, err);
}

static int run(struct app *app, const struct arguments *arguments)
{
	struct hold hold = {.app = app,
	    .release = argument(&cmd_hold, arguments, "release") != NULL,
	    .reason = argument(&cmd_hold, arguments, "reason")};
	char *text = arguments_join(arguments), number[OUTPUT_NUMBER_BYTES];
	struct search_options options = {0};
	struct query *query = NULL;
	struct err err = {0};
	int status = EXIT_DONE;

	if (query_parse(&query, bytes_of(text), clock_now_unix(), &err) != 0 ||
	    app_open_vault(app, true, &err) != 0 || app_catch_up(app, &err) != 0 ||
	    search_messages(app->index, query, &options, take, &hold, &err) != 0 ||
	    write_all(&hold, &err) != 0)
		status = app_fail(app, &err);
	else if (app->json)
		output_line("{\"%s\":%zu}", hold.release ? "released" : "held", hold.count);
	else if (hold.count == 0)
		output_line(hold.release ? "nothing that is on hold fits: nothing was released"
					 : "nothing fits that is not on hold: nothing changed");
	else
		output_line("%s %s %s", output_number(hold.count, number),
		    output_plural(hold.count, "message", "messages"),
		    hold.release ? "released: rules decide again" : "on hold: never purged");
	free(hold.id);
	query_free(query);
	free(text);
	return status;
}

const struct command cmd_hold = {
    .name = "hold",
    .operands = "QUERY",
    .summary = "Keep messages from being purged, whatever the rules say",
    .details = "Journalled in the archive. \"mailcask search is:held\" shows them; one message is\n"
	       "id:DIGITS.",
    .example = "mailcask hold --reason \"case 4711\" from:lawyer",
    .option = {{"release", 0, NULL, "let the rules decide again"},
	{"reason", 0, "TEXT", "why, for the journal"}},
    .operands_min = 1,
    .operands_max = -1,
    .run = run,
};
