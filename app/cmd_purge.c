/* Knows: mailcask purge.
 * Never: deletes what was not shown and agreed to first. */
#include "app/bar.h"
#include "app/command.h"
#include "app/output.h"
#include "app/plan_print.h"
#include "app/work.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool says_yes(const struct plan *plan, const struct settings_account *account)
{
	char number[OUTPUT_NUMBER_BYTES], size[BAR_SIZE_BYTES], answer[16] = "";

	bar_size(plan->purge_bytes, size);
	fprintf(stderr, "Delete %s %s (%s) from %s on %s? The archive keeps them. [y/N] ",
	    output_number(plan->purge_count, number),
	    output_plural(plan->purge_count, "message", "messages"), size, account->name,
	    account->host);
	if (!fgets(answer, sizeof answer, stdin))
		return false;
	return strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0;
}

static int agree(struct app *app, const struct arguments *arguments,
    const struct settings_account *account, const struct rules *rules, const struct plan *plan,
    struct err *err)
{
	bool rehearsal = argument(&cmd_purge, arguments, "dry-run") != NULL;

	if (!app->json && !app->quiet && plan_print(app, plan, rules, err) != 0)
		return -1;
	fflush(stdout);
	if (plan->purge_count == 0 || rehearsal || argument(&cmd_purge, arguments, "yes"))
		return 0;
	if (!isatty(STDIN_FILENO))
		return err_set(err, ERR_UNSAFE,
		    "nobody is there to ask: use --yes to purge, or --dry-run to look");
	if (!says_yes(plan, account))
		return err_set(err, ERR_UNSAFE, "not agreed to: nothing was purged");
	return 0;
}

static int purge_account(struct app *app, const struct arguments *arguments,
    const struct settings_account *account, const struct rules *rules, struct err *err)
{
	bool rehearsal = argument(&cmd_purge, arguments, "dry-run") != NULL;
	struct purge_report report;
	struct plan plan;
	int result;

	if (work_plan(app, account, rules, &plan, err) != 0)
		return -1;
	result = agree(app, arguments, account, rules, &plan, err);
	if (result == 0 && plan.purge_count > 0)
		result = work_purge(app, account, rules, &plan, rehearsal, &report, err);
	plan_release(&plan);
	return result;
}

static bool is_chosen(const struct arguments *arguments, const struct settings_account *account)
{
	int i;

	for (i = 0; i < arguments->operand_count; i++)
		if (bytes_is(bytes_of(account->name), arguments->operand[i]))
			return true;
	return arguments->operand_count == 0;
}

static int purge_chosen(
    struct app *app, const struct arguments *arguments, const struct rules *rules)
{
	int status = EXIT_DONE;
	size_t i;

	for (i = 0; i < app->settings->account_count && !app_must_stop(app); i++) {
		const struct settings_account *account = &app->settings->account[i];
		struct err err = {0};

		if (!is_chosen(arguments, account) ||
		    purge_account(app, arguments, account, rules, &err) == 0)
			continue;
		app_fail(app, &err);
		if ((int)app_status_of(&err) > status)
			status = (int)app_status_of(&err);
	}
	return status;
}

static int run(struct app *app, const struct arguments *arguments)
{
	const struct settings_account *account;
	struct rules rules = {0};
	struct err err = {0};
	int status, i;

	if (app_need_settings(app, &err) != 0)
		return app_fail(app, &err);
	for (i = 0; i < arguments->operand_count; i++)
		if (app_account(app, arguments->operand[i], &account, &err) != 0)
			return app_fail(app, &err);
	if (rules_make(&rules, app->settings, false, clock_now_unix(), &err) != 0)
		return app_fail(app, &err);
	if (rules.count == 0)
		err_set(&err, ERR_CONFIG,
		    "%s has no [rule NAME] section, so there is nothing to purge",
		    app->settings->path);
	if (rules.count == 0 || app_open_vault(app, true, &err) != 0)
		status = app_fail(app, &err);
	else
		status = purge_chosen(app, arguments, &rules);
	rules_release(&rules);
	return status;
}

const struct command cmd_purge = {
    .name = "purge",
    .operands = "[ACCOUNT...]",
    .summary = "Delete from the servers what the rules select",
    .details = "Syncs first, shows the plan and asks. A message goes only after its stored copy\n"
	       "was read back from the disk, rebuilt and matched its SHA-256, and the server\n"
	       "showed the same message under the same UID. The first purge of an account begins\n"
	       "with ten.",
    .example = "mailcask purge work --dry-run",
    .option = {{"dry-run", 'n', NULL, "everything but the deleting"},
	{"yes", 'y', NULL, "do not ask"}},
    .operands_max = -1,
    .run = run,
};
