/* What is to happen to one message at one place: pure, from facts, rule and time. */
#ifndef RETENTION_VERDICT_H
#define RETENTION_VERDICT_H

#include "retention/rule.h"

#include <stdbool.h>
#include <stdint.h>

struct verdict_facts {
	bool is_present; /* on the server, when last looked */
	bool is_flagged, is_draft;
	bool is_held;
	int64_t archived_unix; /* when the archive got it, and had it at this place */
};

enum verdict {
	VERDICT_PURGE,
	VERDICT_NO_RULE,   /* no rule selects it */
	VERDICT_KEEP_RULE, /* the rule that decides says keep */
	VERDICT_NOT_PRESENT,
	VERDICT_HELD,
	VERDICT_FLAGGED,   /* flagged mail is purged only by a rule that speaks of is:flagged */
	VERDICT_DRAFT,     /* the same of is:draft */
	VERDICT_TOO_FRESH, /* not archived as long as the rule's "after" asks */
	VERDICT_BY_HAND,   /* the worker asks, and the rule has no "auto = yes" */
	/* Fences of a whole run (retention/plan): */
	VERDICT_SHARE, /* more than max-share of its folder would go in one day */
	VERDICT_COUNT  /* more than max-count messages would go */
};

/* rule: the first that selects the message; NULL: none does. */
enum verdict verdict_of(
    const struct verdict_facts *facts, const struct rule *rule, int64_t now_unix);

/* Why, in words for people. */
const char *verdict_text(enum verdict verdict);

#endif
