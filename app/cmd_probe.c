/* Knows: mailcask probe: what a server is, what it offers, and what will be used of that.
 * Never: shows a secret; opens a folder or the archive. */
#include "app/bar.h"
#include "app/command.h"
#include "app/output.h"

#include "archiver/endpoint/providers.h"
#include "archiver/sync/lanes.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES (1u << 20)

struct probe {
	const struct settings_account *account;
	struct endpoint_facts facts;
	struct bytes prefix;
	char delimiter;
	uint64_t folders, selectable, messages;
	bool all_counted; /* every folder has told how many messages it has */
	bool has_quota;
	uint64_t used_kib, limit_kib;
};

/* What a capability is used for; those that are not here are not used. "=" at the end stands for
 * any value. */
static const struct {
	const char *name, *use;
	const char *missing; /* what it means that it is not there; NULL: nothing */
} uses[] = {
    {"IMAP4rev1", "the protocol", NULL},
    {"IMAP4rev2", "the protocol, in so far as it is rev1", NULL},
    {"AUTH=", "to log in", NULL},
    {"SASL-IR", "to log in with one step less", NULL},
    {"STARTTLS", "to begin the encryption", NULL},
    {"ID", "to know which server it is", NULL},
    {"LIST-STATUS", "all folders and their state in one answer",
	"each folder's state is asked for"},
    {"LIST-EXTENDED", "the same", NULL},
    {"SPECIAL-USE", "which folder is the trash, the archive ...", NULL},
    {"NAMESPACE", "where one's folders are", NULL},
    {"CONDSTORE", "an unchanged folder is known by one number",
	"each sync lists each folder that has mail"},
    {"ENABLE", "to switch QRESYNC on", NULL},
    {"QRESYNC", "what changed and what is gone is told when a folder is opened", NULL},
    {"UIDPLUS", "purge deletes exactly what is meant", "nothing can be purged here"},
    {"LITERAL+", "restore without waiting for each message",
	"restore waits for leave with each message"},
    {"LITERAL-", "restore without waiting for short messages", NULL},
    {"ESEARCH", "to list a folder once more around a purge", NULL},
    {"QUOTA", "how full the mailbox is, before and after a purge", NULL},
    {"X-GM-EXT-1", "this is Gmail", NULL},
};
#define USES (sizeof uses / sizeof *uses)

static bool is_named(struct bytes capability, const char *name)
{
	size_t n = strlen(name);

	if (name[n - 1] == '=')
		return bytes_starts_nocase(capability, name);
	return bytes_is_nocase(capability, name);
}

static const char *use_of(struct bytes capability)
{
	size_t i;

	for (i = 0; i < USES; i++)
		if (is_named(capability, uses[i].name))
			return uses[i].use;
	return NULL;
}

/* Take the next name of the list off its front. */
static bool next_name(struct bytes *list, struct bytes *out)
{
	size_t n = 0;

	*list = bytes_trim(*list);
	while (n < list->n && list->p[n] != ' ')
		n++;
	*out = (struct bytes){list->p, n};
	*list = bytes_from(*list, n);
	return n > 0;
}

static bool offers(const struct probe *probe, const char *name)
{
	struct bytes list = bytes_of(probe->facts.capabilities), one;

	while (next_name(&list, &one))
		if (is_named(one, name))
			return true;
	return false;
}

/* ---- asking ---- */

static int count_folder(void *arg, const struct endpoint_folder *folder, struct err *err)
{
	struct probe *probe = arg;

	(void)err;
	probe->folders++;
	probe->selectable += folder->is_selectable;
	probe->messages += folder->state.messages;
	if (folder->is_selectable && !folder->has_state)
		probe->all_counted = false;
	return 0;
}

static int ask(struct probe *probe, struct endpoint *ep, struct err *err)
{
	int got;

	endpoint_facts(ep, &probe->facts);
	probe->all_counted = true;
	if (endpoint_names(ep, &probe->prefix, &probe->delimiter, err) != 0 ||
	    endpoint_list(ep, count_folder, probe, err) != 0)
		return -1;
	got = endpoint_quota(ep, &probe->used_kib, &probe->limit_kib, err);
	probe->has_quota = got == 1;
	return got < 0 ? -1 : 0;
}

static uint64_t batch_of(const struct endpoint_facts *facts)
{
	return facts->batch_count > 0 && facts->batch_count < LANES_ASK_COUNT ? facts->batch_count
									      : LANES_ASK_COUNT;
}

/* As the settings say, unless the host likes fewer. */
static unsigned connections_of(const struct probe *probe)
{
	unsigned most = (unsigned)probe->account->connections;

	return probe->facts.connections > 0 && probe->facts.connections < most
	    ? probe->facts.connections
	    : most;
}

/* ---- for people ---- */

static void print_label(const char *label)
{
	printf("  %-12s ", label);
}

/* Words of a server: on one line, as much as fits. */
static void print_foreign(const char *label, const char *text)
{
	struct buf clean;

	buf_init(&clean, LINE_BYTES);
	utf8_print(&clean, bytes_of(text), output_columns() - 16);
	print_label(label);
	output_line("%s", buf_string(&clean));
	buf_release(&clean);
}

static void print_server(const struct probe *probe)
{
	const struct endpoint_facts *facts = &probe->facts;
	char *text = mem_format("%s%s%s%s%s", probe->account->host,
	    facts->id_name[0] ? ", calls itself " : "", facts->id_name,
	    facts->id_version[0] ? " " : "", facts->id_version);

	printf("%s\n", probe->account->name);
	print_foreign("server", text);
	free(text);
	print_foreign("known as", facts->provider[0] ? facts->provider : "nothing in particular");
	if (facts->encryption[0])
		print_foreign("encryption", facts->encryption);
}

static void print_mailbox(const struct probe *probe)
{
	char a[OUTPUT_NUMBER_BYTES], size[BAR_SIZE_BYTES], limit[BAR_SIZE_BYTES];

	print_label("folders");
	printf("%s", output_number(probe->folders, a));
	if (probe->selectable < probe->folders)
		printf(", %s of them with mail", output_number(probe->selectable, a));
	if (probe->all_counted)
		printf("; %s %s", output_number(probe->messages, a),
		    output_plural(probe->messages, "message", "messages"));
	putchar('\n');
	print_label("names");
	if (probe->prefix.n > 0) {
		printf("below \"");
		output_text(probe->prefix);
		printf("\", ");
	}
	if (probe->delimiter)
		printf("\"%c\" between levels\n", probe->delimiter);
	else
		printf("no levels\n");
	if (!probe->has_quota)
		return;
	bar_size(probe->used_kib * 1024, size);
	bar_size(probe->limit_kib * 1024, limit);
	print_label("quota");
	printf("%s of %s used\n", size, limit);
}

static void print_plan(const struct probe *probe)
{
	const struct endpoint_facts *facts = &probe->facts;
	char size[BAR_SIZE_BYTES];

	if (facts->max_connections || facts->bytes_per_day) {
		print_label("limits");
		if (facts->max_connections)
			printf("%u connections at once", facts->max_connections);
		bar_size(facts->bytes_per_day, size);
		if (facts->bytes_per_day)
			printf("%s%s a day", facts->max_connections ? ", " : "", size);
		putchar('\n');
	}
	print_label("will be used");
	printf("up to %" PRIu64 " messages in one command", batch_of(facts));
	printf(", at most %u %s", connections_of(probe),
	    output_plural(connections_of(probe), "connection", "connections"));
	putchar('\n');
}

static void print_used(const struct probe *probe)
{
	struct bytes list = bytes_of(probe->facts.capabilities), one;

	printf("  it offers, and mailcask uses\n");
	while (next_name(&list, &one)) {
		const char *use = use_of(one);

		if (!use)
			continue;
		printf("    ");
		output_cell(one, 20);
		printf(" %s\n", use);
	}
}

static void print_unused(const struct probe *probe)
{
	struct bytes list = bytes_of(probe->facts.capabilities), one;
	size_t column = 0, width = output_columns();

	while (next_name(&list, &one)) {
		if (use_of(one))
			continue;
		if (column == 0)
			printf("  it offers, and mailcask does not use\n");
		if (column == 0 || column + 1 + one.n >= width) {
			printf("%s   ", column ? "\n" : "");
			column = 3;
		}
		putchar(' ');
		output_text(one);
		column += 1 + one.n;
	}
	if (column > 0)
		putchar('\n');
}

static void print_oddities(const struct probe *probe)
{
	unsigned bit;
	size_t i;
	bool any = false;

	for (i = 0; i < USES; i++)
		if (uses[i].missing && !offers(probe, uses[i].name)) {
			printf("%s    %-20s %s\n", any ? "" : "  it lacks\n", uses[i].name,
			    uses[i].missing);
			any = true;
		}
	for (bit = 1, any = false; provider_quirk_words(bit); bit *= 2)
		if (probe->facts.quirks & bit) {
			printf("%s    %s\n", any ? "" : "  it is unlike others\n",
			    provider_quirk_words(bit));
			any = true;
		}
}

/* ---- for programs ---- */

static void print_capabilities_json(
    struct jsonout *json, const struct probe *probe, const char *key, bool used)
{
	struct bytes list = bytes_of(probe->facts.capabilities), one;

	jsonout_array(json, key);
	while (next_name(&list, &one))
		if (!used || use_of(one))
			jsonout_text(json, NULL, one);
	jsonout_end(json);
}

static void print_facts_json(struct jsonout *json, const struct probe *probe)
{
	const struct endpoint_facts *facts = &probe->facts;
	unsigned bit;

	jsonout_text(json, "provider", bytes_of(facts->provider));
	jsonout_text(json, "id_name", bytes_of(facts->id_name));
	jsonout_text(json, "id_version", bytes_of(facts->id_version));
	jsonout_text(json, "encryption", bytes_of(facts->encryption));
	print_capabilities_json(json, probe, "capabilities", false);
	print_capabilities_json(json, probe, "used", true);
	jsonout_u64(json, "max_connections", facts->max_connections);
	jsonout_u64(json, "connections", connections_of(probe));
	jsonout_u64(json, "batch", batch_of(facts));
	jsonout_u64(json, "bytes_per_day", facts->bytes_per_day);
	jsonout_array(json, "quirks");
	for (bit = 1; provider_quirk_words(bit); bit *= 2)
		if (facts->quirks & bit)
			jsonout_text(json, NULL, bytes_of(provider_quirk_words(bit)));
	jsonout_end(json);
}

static void print_json(const struct probe *probe)
{
	struct jsonout json;
	struct buf line;

	buf_init(&line, LINE_BYTES);
	jsonout_start(&json, &line);
	jsonout_object(&json, NULL);
	jsonout_text(&json, "account", bytes_of(probe->account->name));
	jsonout_text(&json, "host", bytes_of(probe->account->host));
	print_facts_json(&json, probe);
	jsonout_u64(&json, "folders", probe->folders);
	if (probe->all_counted)
		jsonout_u64(&json, "messages", probe->messages);
	jsonout_text(&json, "prefix", probe->prefix);
	jsonout_text(
	    &json, "delimiter", (struct bytes){&probe->delimiter, probe->delimiter ? 1 : 0});
	if (probe->has_quota) {
		jsonout_u64(&json, "quota_used", probe->used_kib * 1024);
		jsonout_u64(&json, "quota_limit", probe->limit_kib * 1024);
	}
	jsonout_end(&json);
	output_json_line(&line);
	buf_release(&line);
}

/* ---- the command ---- */

static int probe_account(struct app *app, const struct settings_account *account, struct err *err)
{
	struct probe probe = {.account = account};
	struct endpoint_options options;
	struct endpoint *ep = NULL;
	int result = -1;

	if (app_endpoint_options(app, account, &options, err) == 0 &&
	    endpoint_open(&ep, &options, err) == 0)
		result = ask(&probe, ep, err);
	if (result == 0 && app->json) {
		print_json(&probe);
	} else if (result == 0) {
		print_server(&probe);
		print_mailbox(&probe);
		print_plan(&probe);
		print_used(&probe);
		print_unused(&probe);
		print_oddities(&probe);
	}
	endpoint_close(ep);
	return result == 0 ? 0 : err_add(err, "%s", account->name);
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
	int worst = EXIT_DONE, status, i;
	size_t n;

	if (app_need_settings(app, &err) != 0)
		return app_fail(app, &err);
	for (i = 0; i < arguments->operand_count; i++)
		if (app_account(app, arguments->operand[i], &account, &err) != 0)
			return app_fail(app, &err);
	for (n = 0; n < app->settings->account_count && !app_must_stop(app); n++) {
		account = &app->settings->account[n];
		err_clear(&err);
		if (!is_chosen(arguments, account) || probe_account(app, account, &err) == 0)
			continue;
		status = app_fail(app, &err);
		if (status > worst)
			worst = status;
	}
	return worst;
}

const struct command cmd_probe = {
    .name = "probe",
    .operands = "[ACCOUNT...]",
    .summary = "Show what a server is, what it offers, and what is used of it",
    .details = "Logs in, asks, and changes nothing. All accounts of the settings, or those that\n"
	       "are named. Nothing that it prints is secret.",
    .example = "mailcask probe work",
    .operands_max = -1,
    .run = run,
};
