/* The rules of the settings, with their queries understood.
 *
 * Rules stand in order; the first whose query selects a message decides (retention/plan). */
#ifndef RETENTION_RULE_H
#define RETENTION_RULE_H

#include "config/settings.h"
#include "index/query.h"

#include "base/err.h"

struct rule {
	const struct settings_rule *settings; /* borrowed */
	struct query *query;
	bool names_flagged, names_draft; /* the query speaks of them: then it may purge such mail */
	bool is_by_hand;                 /* it decides, but may not purge in this run */
};

struct rules {
	struct rule *rule;
	size_t count;
};

/* ERR_CONFIG names file and line of a query that cannot be understood. only_auto: purging
 * rules without "auto = yes" purge nothing, but keep their place in the order: what they select
 * must not fall to a later rule. */
int rules_make(struct rules *rules, const struct settings *settings, bool only_auto,
    int64_t now_unix, struct err *err);
void rules_release(struct rules *rules);

#endif
