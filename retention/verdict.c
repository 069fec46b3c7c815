/* Owns:  nothing. Pure.
 * Knows: every reason of a rule or fence to leave a message on the server.
 * Never: says purge when in doubt. */
#include "retention/verdict.h"

enum verdict verdict_of(
    const struct verdict_facts *facts, const struct rule *rule, int64_t now_unix)
{
	if (!facts->is_present)
		return VERDICT_NOT_PRESENT;
	if (!rule)
		return VERDICT_NO_RULE;
	if (rule->settings->action != SETTINGS_PURGE)
		return VERDICT_KEEP_RULE;
	if (facts->is_held)
		return VERDICT_HELD;
	if (facts->is_flagged && !rule->names_flagged)
		return VERDICT_FLAGGED;
	if (facts->is_draft && !rule->names_draft)
		return VERDICT_DRAFT;
	/* A clock that stands before the archiving proves nothing: not yet. */
	if (now_unix < facts->archived_unix ||
	    now_unix - facts->archived_unix < rule->settings->after_s)
		return VERDICT_TOO_FRESH;
	return rule->is_by_hand ? VERDICT_BY_HAND : VERDICT_PURGE;
}

const char *verdict_text(enum verdict verdict)
{
	static const char *const text[] = {
	    [VERDICT_PURGE] = "to be purged",
	    [VERDICT_NO_RULE] = "no rule selects it",
	    [VERDICT_KEEP_RULE] = "a rule keeps it",
	    [VERDICT_NOT_PRESENT] = "it is not on the server",
	    [VERDICT_HELD] = "it is on hold",
	    [VERDICT_FLAGGED] = "it is flagged, and the rule does not speak of is:flagged",
	    [VERDICT_DRAFT] = "it is a draft, and the rule does not speak of is:draft",
	    [VERDICT_TOO_FRESH] = "it is not archived long enough yet (after)",
	    [VERDICT_BY_HAND] = "the rule does not say auto = yes: only mailcask purge does it",
	    [VERDICT_SHARE] = "more of the folder would go in one day than max-share allows",
	    [VERDICT_COUNT] = "more messages would go in one run than max-count allows",
	};

	return text[verdict];
}
