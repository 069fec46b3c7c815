/* Owns:  the parsed queries of the rules.
 * Never: changes the order of the settings. */
#include "retention/rule.h"

#include "base/mem.h"

#include <stdlib.h>

static int make_rule(struct rule *rule, const struct settings *settings,
    const struct settings_rule *from, int64_t now_unix, struct err *err)
{
	rule->settings = from;
	if (query_parse(&rule->query, bytes_of(from->match), now_unix, err) != 0) {
		err_add(err, "%s:%d: match of [rule %s]", settings->path, from->line, from->name);
		if (err)
			err->code = ERR_CONFIG;
		return -1;
	}
	rule->names_flagged = query_names(rule->query, QUERY_FLAGGED);
	rule->names_draft = query_names(rule->query, QUERY_DRAFT);
	return 0;
}

int rules_make(struct rules *rules, const struct settings *settings, bool only_auto,
    int64_t now_unix, struct err *err)
{
	size_t i;

	rules->rule = mem_zero(settings->rule_count, sizeof *rules->rule);
	rules->count = 0;
	for (i = 0; i < settings->rule_count; i++) {
		const struct settings_rule *from = &settings->rule[i];

		if (make_rule(&rules->rule[i], settings, from, now_unix, err) != 0) {
			rules_release(rules);
			return -1;
		}
		rules->rule[i].is_by_hand = only_auto && !from->is_auto;
		rules->count++;
	}
	return 0;
}

void rules_release(struct rules *rules)
{
	size_t i;

	for (i = 0; i < rules->count; i++)
		query_free(rules->rule[i].query);
	free(rules->rule);
	rules->rule = NULL;
	rules->count = 0;
}
