/* Knows: mailcask audit. */
#include "app/bar.h"
#include "app/command.h"
#include "app/output.h"

#include "archiver/endpoint/providers.h"
#include "archiver/sync/audit.h"
#include "archiver/sync/views.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES (1u << 20)

struct folder {
	char *name, *shown;
	size_t name_bytes;
};

struct auditor {
	struct app *app;
	const struct settings_account *account;
	struct endpoint *ep;
	struct views views;
	struct folder *folder;
	size_t count, room;
	uint64_t incomplete;
};

static int add_folder(void *arg, const struct endpoint_folder *told, struct err *err)
{
	struct auditor *auditor = arg;

	(void)err;
	views_add(
	    &auditor->views, told, settings_folder_named(auditor->account->folders, told->shown));
	if (!told->is_selectable || !settings_folder_wanted(auditor->account->folders, told->shown))
		return 0;
	auditor->folder =
	    mem_grow(auditor->folder, &auditor->room, auditor->count + 1, sizeof *auditor->folder);
	auditor->folder[auditor->count++] = (struct folder){.name = bytes_string(told->name),
	    .name_bytes = told->name.n,
	    .shown = bytes_string(told->shown)};
	return 0;
}

static void print_json(
    const struct auditor *auditor, const struct folder *folder, const struct audit *audit)
{
	struct jsonout json;
	struct buf line;

	buf_init(&line, LINE_BYTES);
	jsonout_start(&json, &line);
	jsonout_object(&json, NULL);
	jsonout_text(&json, "account", bytes_of(auditor->account->name));
	jsonout_text(&json, "folder", bytes_of(folder->shown));
	jsonout_u64(&json, "server", audit->server);
	jsonout_u64(&json, "listed", audit->listed);
	jsonout_u64(&json, "archived", audit->archived);
	jsonout_u64(&json, "exceptions", audit->exceptions);
	jsonout_u64(&json, "missing", audit->missing);
	jsonout_bool(&json, "complete", audit_is_complete(audit));
	jsonout_end(&json);
	output_json_line(&line);
	buf_release(&line);
}

static int print_exception(
    void *arg, uint32_t uid, struct bytes reason, int64_t since_unix, struct err *err)
{
	char since[CLOCK_ISO_BYTES];

	(void)arg, (void)err;
	clock_local(since_unix, since);
	printf("  UID %u, since %s: ", uid, since);
	output_text(reason);
	putchar('\n');
	return 0;
}

static void print_text(
    const struct auditor *auditor, const struct folder *folder, const struct audit *audit)
{
	char number[OUTPUT_NUMBER_BYTES];
	int rest = (int)output_columns() - 13 - 4 * 11;

	output_cell(bytes_of(auditor->account->name), 12);
	putchar(' ');
	output_cell(bytes_of(folder->shown), rest > 8 ? rest : 8);
	printf(" %10s", output_number(audit->server, number));
	printf(" %10s", output_number(audit->archived, number));
	printf(" %10s", output_number(audit->exceptions, number));
	printf(" %10s\n", output_number(audit->missing, number));
	if (audit->listed < audit->server)
		printf("  the server counts more than it lists (%" PRIu64
		       "): nothing is proved here\n",
		    audit->listed);
}

static int print_exceptions(
    struct auditor *auditor, struct bytes name, uint32_t uidvalidity, struct err *err)
{
	struct catalog *catalog = vault_catalog(auditor->app->vault);
	struct catalog_folder known;

	if (catalog_folder(catalog, bytes_of(auditor->account->name), name, &known, err) != 1)
		return 0;
	return catalog_skipped(catalog, known.number, uidvalidity, print_exception, NULL, err);
}

static int audit_folder(struct auditor *auditor, const struct folder *folder, struct err *err)
{
	struct bytes name = {folder->name, folder->name_bytes},
		     account = bytes_of(auditor->account->name);
	struct endpoint_state state;
	struct audit audit;
	struct event event;
	int result = -1;

	audit_init(&audit);
	if (endpoint_select(auditor->ep, name, ENDPOINT_READ, &state, err) != 0 ||
	    audit_selected(&audit, auditor->ep, &state, vault_catalog(auditor->app->vault), account,
		name, err) != 0)
		goto out;
	event = audit_event(&audit, account, name);
	if (vault_log(auditor->app->vault, &event, err) != 0)
		goto out;
	auditor->incomplete += !audit_is_complete(&audit);
	if (auditor->app->json)
		print_json(auditor, folder, &audit);
	else
		print_text(auditor, folder, &audit);
	result = 0;
	if (audit.exceptions > 0 && !auditor->app->json)
		result = print_exceptions(auditor, name, audit.uidvalidity, err);
out:
	audit_release(&audit);
	return result;
}

static int audit_folders(struct auditor *auditor, struct err *err)
{
	struct endpoint_facts facts;
	size_t i;

	endpoint_facts(auditor->ep, &facts);
	views_decide(&auditor->views, facts.quirks & PROVIDER_HAS_LABELS);
	for (i = 0; i < auditor->count; i++) {
		struct bytes name = {auditor->folder[i].name, auditor->folder[i].name_bytes};
		struct err why = {0};

		if (views_reason(&auditor->views, name))
			continue;

		if (app_must_stop(auditor->app))
			return err_set(err, ERR_STOPPED, "stopped");
		if (audit_folder(auditor, &auditor->folder[i], &why) == 0)
			continue;
		if (why.code != ERR_SERVER) {
			*err = why;
			return -1;
		}
		auditor->incomplete++;
		app_problem(auditor->app, "%s: %s: %s", auditor->account->name,
		    auditor->folder[i].shown, why.text);
	}
	return vault_commit(auditor->app->vault, err);
}

static int audit_account(
    struct app *app, const struct settings_account *account, uint64_t *incomplete, struct err *err)
{
	struct auditor auditor = {.app = app, .account = account};
	struct endpoint_options options;
	size_t i;
	int result = -1;

	if (app_endpoint_options(app, account, &options, err) == 0 &&
	    endpoint_open(&auditor.ep, &options, err) == 0 &&
	    endpoint_list(auditor.ep, add_folder, &auditor, err) == 0)
		result = audit_folders(&auditor, err);
	*incomplete += auditor.incomplete;
	endpoint_close(auditor.ep);
	views_release(&auditor.views);
	for (i = 0; i < auditor.count; i++) {
		free(auditor.folder[i].name);
		free(auditor.folder[i].shown);
	}
	free(auditor.folder);
	return result == 0 ? 0 : err_add(err, "%s", account->name);
}

static void print_head(const struct app *app)
{
	int rest = (int)output_columns() - 13 - 4 * 11;

	if (app->json)
		return;
	output_cell(BYTES("account"), 12);
	putchar(' ');
	output_cell(BYTES("folder"), rest > 8 ? rest : 8);
	printf(" %10s %10s %10s %10s\n", "server", "archived", "exceptions", "missing");
}

static bool is_chosen(const struct arguments *arguments, const struct settings_account *account)
{
	int i;

	for (i = 0; i < arguments->operand_count; i++)
		if (bytes_is(bytes_of(account->name), arguments->operand[i]))
			return true;
	return arguments->operand_count == 0;
}

static int run(struct app *app, const struct arguments *arguments)
{
	const struct settings_account *account;
	struct err err = {0};
	uint64_t incomplete = 0;
	int status = EXIT_DONE, i;
	size_t k;

	if (app_need_settings(app, &err) != 0)
		return app_fail(app, &err);
	for (i = 0; i < arguments->operand_count; i++)
		if (app_account(app, arguments->operand[i], &account, &err) != 0)
			return app_fail(app, &err);
	if (app_open_vault(app, true, &err) != 0)
		return app_fail(app, &err);
	print_head(app);
	for (k = 0; k < app->settings->account_count; k++) {
		struct err why = {0};

		if (is_chosen(arguments, &app->settings->account[k]) &&
		    audit_account(app, &app->settings->account[k], &incomplete, &why) != 0)
			status = app_fail(app, &why);
	}
	return status == EXIT_DONE && incomplete > 0 ? EXIT_IN_PART : status;
}

const struct command cmd_audit = {
    .name = "audit",
    .operands = "[ACCOUNT...]",
    .summary = "Prove for every folder that the archive has it all",
    .details = "What is on the server = archived + exceptions (with their reasons) + missing.\n"
	       "Exit status 1 when anything is missing. The statement is journalled.",
    .example = "mailcask audit work",
    .operands_max = -1,
    .run = run,
};
