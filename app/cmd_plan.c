/* Knows: mailcask plan. Only looks: no server is asked, nothing is changed. */
#include "app/command.h"
#include "app/output.h"
#include "app/plan_print.h"

#include <stdlib.h>
#include <string.h>

struct why {
	struct app *app;
	const struct rules *rules;
};

static int print_why(void *arg, const struct catalog_place *place, struct err *err)
{
	struct why *why = arg;
	struct catalog *catalog = vault_catalog(why->app->vault);
	struct catalog_folder folder;
	enum verdict verdict;
	int rule;

	if (plan_why(catalog, why->app->index, why->rules, place->number, clock_now_unix(),
		&verdict, &rule, err) != 0 ||
	    catalog_folder_number(catalog, place->folder_number, &folder, err) != 1)
		return -1;
	output_text(folder.account);
	putchar(' ');
	output_text(folder.shown);
	printf(", UID %u: ", place->uid);
	if (rule >= 0)
		printf("[rule %s]: ", why->rules->rule[rule].settings->name);
	printf("%s\n", verdict_text(verdict));
	return 0;
}

static int explain(struct app *app, const struct rules *rules, const char *name, struct err *err)
{
	struct why why = {app, rules};
	struct catalog *catalog = vault_catalog(app->vault);
	struct catalog_message message;
	int got = catalog_message_named(catalog, bytes_of(name), &message, err);

	if (got == 0)
		return err_set(err, ERR_ABSENT, "there is no message \"%s\" in the archive", name);
	if (got < 0)
		return -1;
	return catalog_places_of(catalog, message.n, print_why, &why, err);
}

static int plan_all(
    struct app *app, const struct arguments *arguments, const struct rules *rules, struct err *err)
{
	const struct settings_account *account = NULL;
	struct plan plan;
	int result;

	if (arguments->operand_count == 1 &&
	    app_account(app, arguments->operand[0], &account, err) != 0)
		return -1;
	if (plan_make(&plan, vault_catalog(app->vault), app->index, rules,
		account ? account->name : NULL, clock_now_unix(), err) != 0)
		return -1;
	result = plan_print(app, &plan, rules, err);
	plan_release(&plan);
	return result;
}

static int run(struct app *app, const struct arguments *arguments)
{
	const char *name = argument(&cmd_plan, arguments, "why");
	struct rules rules = {0};
	struct err err = {0};
	int result = -1;

	if (app_need_settings(app, &err) != 0 ||
	    rules_make(&rules, app->settings, false, clock_now_unix(), &err) != 0)
		return app_fail(app, &err);
	if (rules.count == 0)
		err_set(&err, ERR_CONFIG,
		    "%s has no [rule NAME] section, so nothing will ever be purged",
		    app->settings->path);
	else if (app_open_vault(app, false, &err) == 0 && app_open_index(app, false, &err) == 0)
		result = name ? explain(app, &rules, name, &err)
			      : plan_all(app, arguments, &rules, &err);
	rules_release(&rules);
	return result == 0 ? EXIT_DONE : app_fail(app, &err);
}

const struct command cmd_plan = {
    .name = "plan",
    .operands = "[ACCOUNT]",
    .summary = "Show what the rules would purge, and why the rest stays",
    .details = "Looks into the archive only. \"mailcask purge\" carries it out. -v: year by year.",
    .example = "mailcask plan work",
    .option = {{"why", 'w', "ID", "which rule decides about this message, and how"}},
    .operands_max = 1,
    .run = run,
};
