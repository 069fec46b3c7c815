/* Knows: mailcask sync.
 * Never: lets one account's failure stop the others. */
#include "app/command.h"
#include "app/work.h"

/* The account's failure is told and counted; the worst one gives the exit status. */
static int sync_one(struct app *app, const struct settings_account *account)
{
	struct err err = {0};

	if (work_sync(app, account, &err) == 0)
		return EXIT_DONE;
	app_fail(app, &err);
	return (int)app_status_of(&err);
}

static bool is_chosen(const struct arguments *arguments, const struct settings_account *account)
{
	int i;

	for (i = 0; i < arguments->operand_count; i++)
		if (bytes_is(bytes_of(account->name), arguments->operand[i]))
			return true;
	return arguments->operand_count == 0;
}

static int sync_chosen(struct app *app, const struct arguments *arguments)
{
	int worst = EXIT_DONE, failed = 0, tried = 0;
	size_t i;

	for (i = 0; i < app->settings->account_count && !app_must_stop(app); i++) {
		int status;

		if (!is_chosen(arguments, &app->settings->account[i]))
			continue;
		status = sync_one(app, &app->settings->account[i]);
		tried++;
		failed += status != EXIT_DONE;
		if (status > worst)
			worst = status;
	}
	/* Some accounts done, some not: in part. */
	return failed > 0 && failed < tried ? EXIT_IN_PART : worst;
}

static int run(struct app *app, const struct arguments *arguments)
{
	const struct settings_account *account;
	struct err err = {0};
	int status, i;

	if (app_need_settings(app, &err) != 0)
		return app_fail(app, &err);
	for (i = 0; i < arguments->operand_count; i++)
		if (app_account(app, arguments->operand[i], &account, &err) != 0)
			return app_fail(app, &err);
	if (app->settings->account_count == 0) {
		err_set(&err, ERR_CONFIG, "%s has no [account NAME] section: run mailcask init",
		    app->settings->path);
		return app_fail(app, &err);
	}
	if (app_open_vault(app, true, &err) != 0)
		return app_fail(app, &err);
	status = sync_chosen(app, arguments);
	if (!argument(&cmd_sync, arguments, "no-index") && app_catch_up(app, &err) != 0) {
		app_fail(app, &err);
		if (status == EXIT_DONE)
			status = (int)app_status_of(&err);
	}
	return status;
}

const struct command cmd_sync = {
    .name = "sync",
    .operands = "[ACCOUNT...]",
    .summary = "Archive what is new on the servers",
    .details = "Only reads the servers. May be stopped at any time: the next sync goes on. All\n"
	       "accounts of the settings, or those that are named.",
    .example = "mailcask sync work",
    .option = {{"no-index", 0, NULL, "leave the search index for later"}},
    .operands_max = -1,
    .run = run,
};
