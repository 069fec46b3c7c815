/* The settings: any bytes give settings in which everything that must be there is there, or an
 * error that begins with file and line. */
#include "base/mem.h"
#include "config/settings.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes);

static void must(int ok)
{
	if (!ok)
		abort();
}

static void check_account(const struct settings_account *account)
{
	must(account->name && account->url && account->host && account->user && account->folders);
	must(!!account->password_command + !!account->password_file + !!account->password_env == 1);
	must(account->every_s >= 60 && account->timeout_s >= 1 && account->line > 0);
}

static void check_settings(const struct settings *settings, struct bytes data)
{
	must(settings->archive.path && settings->archive.path[0] == '/');
	must(settings->archive.level >= 1 && settings->archive.level <= 19);
	for (size_t i = 0; i < settings->account_count; i++) {
		check_account(&settings->account[i]);
		settings_folder_wanted(settings->account[i].folders, data);
		must(
		    settings_account(settings, settings->account[i].name) == &settings->account[i]);
	}
	for (size_t i = 0; i < settings->rule_count; i++) {
		const struct settings_rule *rule = &settings->rule[i];

		must(rule->name && rule->match && rule->line > 0 && rule->after_s >= 0);
		must(rule->max_share_percent >= 1 && rule->max_share_percent <= 100);
		must(!rule->account || settings_account(settings, rule->account) != NULL);
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes)
{
	struct bytes text = {(const char *)data, bytes};
	struct settings *settings = NULL;
	struct err err = {0};
	char *patterns;

	if (settings_parse(&settings, text, "F", &err) == 0) {
		check_settings(settings, text);
		settings_free(settings);
	} else {
		must(err.code == ERR_CONFIG && strncmp(err.text, "F:", 2) == 0);
		must(err.text[2] >= '1' && err.text[2] <= '9' && !settings);
	}
	patterns = mem_string_n(text.p, text.n / 2);
	settings_folder_wanted(patterns, bytes_from(text, text.n / 2));
	free(patterns);
	return 0;
}
