/* Owns:  the list of what the rules select.
 * Knows: that the first rule decides, and the fences of a whole run.
 * Never: plans with an index that does not know every message. */
#include "retention/plan.h"

#include "index/search.h"

#include "archiver/imapwire/imapflags.h"

#include "base/clock.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* For each place the rule that decides: its number and 1, or 0. */
struct decisions {
	uint16_t *rule;
	size_t count;
	uint16_t now; /* the rule that is being asked */
	const char *account;
	struct catalog *catalog;
	const char *only_account; /* of the rule */
	int64_t last_folder;      /* the answer for it is kept: places come by folder */
	bool last_fits;
};

static int folder_fits(struct decisions *decisions, int64_t folder_number, struct err *err)
{
	struct catalog_folder folder;

	if (folder_number == decisions->last_folder)
		return decisions->last_fits;
	if (catalog_folder_number(decisions->catalog, folder_number, &folder, err) != 1)
		return -1;
	decisions->last_folder = folder_number;
	decisions->last_fits =
	    (!decisions->only_account || bytes_is(folder.account, decisions->only_account)) &&
	    (!decisions->account || bytes_is(folder.account, decisions->account));
	return decisions->last_fits;
}

static int decide(void *arg, int64_t place_number, int64_t message_n, struct err *err)
{
	struct decisions *decisions = arg;
	struct catalog_place place;
	int fits;

	(void)message_n;
	if (place_number < 0 || (size_t)place_number >= decisions->count ||
	    decisions->rule[place_number] != 0)
		return 0;
	if (catalog_place(decisions->catalog, place_number, &place, err) != 1)
		return -1;
	fits = folder_fits(decisions, place.folder_number, err);
	if (fits == 1)
		decisions->rule[place_number] = decisions->now;
	return fits < 0 ? -1 : 0;
}

static int decide_all(struct decisions *decisions, struct catalog *catalog, struct index *index,
    const struct rules *rules, const char *account, struct err *err)
{
	int64_t last;
	size_t i;

	if (catalog_last_place(catalog, &last, err) != 0)
		return -1;
	if (rules->count >= UINT16_MAX)
		return err_set(err, ERR_CONFIG, "too many rules");
	decisions->count = (size_t)last + 1;
	decisions->rule = mem_zero(decisions->count, sizeof *decisions->rule);
	decisions->catalog = catalog;
	decisions->account = account;
	for (i = 0; i < rules->count; i++) {
		decisions->now = (uint16_t)(i + 1);
		decisions->only_account = rules->rule[i].settings->account;
		decisions->last_folder = 0;
		if (search_places(index, rules->rule[i].query, true, decide, decisions, err) != 0)
			return err_add(err, "[rule %s]", rules->rule[i].settings->name);
	}
	return 0;
}

static int judge(struct catalog *catalog, int64_t place_number, const struct rule *rule,
    int64_t now_unix, struct plan_item *item, struct err *err)
{
	struct catalog_place place;
	struct catalog_message message;
	struct verdict_facts facts;
	int held;

	if (catalog_place(catalog, place_number, &place, err) != 1 ||
	    catalog_message_n(catalog, place.message_n, &message, err) != 1)
		return -1;
	held = catalog_is_held(catalog, message.n, err);
	if (held < 0)
		return -1;
	facts = (struct verdict_facts){.is_present = place.state == PLACE_PRESENT,
	    .is_flagged = imapflags_has(place.flags, "\\Flagged"),
	    .is_draft = imapflags_has(place.flags, "\\Draft"),
	    .is_held = held == 1,
	    .archived_unix = place.since_unix > message.archived_unix ? place.since_unix
								      : message.archived_unix};
	*item = (struct plan_item){.place_number = place.number,
	    .message_n = message.n,
	    .folder_number = place.folder_number,
	    .uidvalidity = place.uidvalidity,
	    .uid = place.uid,
	    .date_unix = place.date_unix,
	    .size_bytes = message.size_bytes,
	    .verdict = verdict_of(&facts, rule, now_unix)};
	return 0;
}

static int by_folder_and_age(const void *a, const void *b)
{
	const struct plan_item *x = a, *y = b;

	if (x->folder_number != y->folder_number)
		return x->folder_number < y->folder_number ? -1 : 1;
	if (x->date_unix != y->date_unix)
		return x->date_unix < y->date_unix ? -1 : 1;
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* What a folder had a day ago: what is there, and what was purged since. */
struct share {
	int64_t since_unix;
	uint64_t present, purged;
};

static int count_place(void *arg, const struct catalog_place *place, struct err *err)
{
	struct share *share = arg;

	(void)err;
	share->present += place->state == PLACE_PRESENT;
	share->purged += place->state == PLACE_PURGED && place->since_unix > share->since_unix;
	return 0;
}

/* The oldest go first; what is above a fence stays. A worker that runs often must not come round
 * the fence, so what went in the last day counts. */
static int fence_share(struct plan *plan, struct catalog *catalog, const struct rules *rules,
    int64_t now_unix, struct err *err)
{
	struct share share = {0};
	uint64_t going = 0;
	int64_t folder = 0;
	size_t i;

	for (i = 0; i < plan->count; i++) {
		struct plan_item *item = &plan->item[i];
		uint64_t percent = (uint64_t)rules->rule[item->rule].settings->max_share_percent;

		if (item->folder_number != folder) {
			folder = item->folder_number;
			share = (struct share){.since_unix = now_unix - CLOCK_DAY_S};
			if (catalog_known_places(
				catalog, folder, item->uidvalidity, count_place, &share, err) != 0)
				return -1;
			going = share.purged;
		}
		if (item->verdict != VERDICT_PURGE)
			continue;
		if ((going + 1) * 100 > (share.present + share.purged) * percent)
			item->verdict = VERDICT_SHARE;
		else
			going++;
	}
	return 0;
}

static void fence_count(struct plan *plan, const struct rules *rules)
{
	uint64_t *going = mem_zero(rules->count + 1, sizeof *going);
	size_t i;

	for (i = 0; i < plan->count; i++) {
		struct plan_item *item = &plan->item[i];

		if (item->verdict != VERDICT_PURGE)
			continue;
		if (going[item->rule] >= (uint64_t)rules->rule[item->rule].settings->max_count) {
			item->verdict = VERDICT_COUNT;
			continue;
		}
		going[item->rule]++;
		plan->purge_count++;
		plan->purge_bytes += item->size_bytes;
	}
	free(going);
}

static int check_index(struct index *index, struct err *err)
{
	uint64_t behind;

	if (index_behind(index, &behind, err) != 0)
		return -1;
	if (behind == 0)
		return 0;
	return err_set(err, ERR_UNSAFE,
	    "%" PRIu64 " messages are not in the search index yet, so a rule might not see them",
	    behind);
}

int plan_make(struct plan *plan, struct catalog *catalog, struct index *index,
    const struct rules *rules, const char *account, int64_t now_unix, struct err *err)
{
	struct decisions decisions = {0};
	int result = -1;
	size_t i;

	memset(plan, 0, sizeof *plan);
	if (check_index(index, err) != 0 ||
	    decide_all(&decisions, catalog, index, rules, account, err) != 0)
		goto out;
	for (i = 0; i < decisions.count; i++) {
		uint32_t rule = decisions.rule[i];
		struct plan_item *item;

		if (rule == 0 || rules->rule[rule - 1].settings->action != SETTINGS_PURGE)
			continue;
		plan->item = mem_grow(plan->item, &plan->room, plan->count + 1, sizeof *plan->item);
		item = &plan->item[plan->count++];
		if (judge(catalog, (int64_t)i, &rules->rule[rule - 1], now_unix, item, err) != 0)
			goto out;
		item->rule = rule - 1;
	}
	if (plan->count > 0)
		qsort(plan->item, plan->count, sizeof *plan->item, by_folder_and_age);
	if (fence_share(plan, catalog, rules, now_unix, err) != 0)
		goto out;
	fence_count(plan, rules);
	result = 0;
out:
	free(decisions.rule);
	if (result != 0)
		plan_release(plan);
	return result;
}

void plan_release(struct plan *plan)
{
	free(plan->item);
	memset(plan, 0, sizeof *plan);
}

int plan_why(struct catalog *catalog, struct index *index, const struct rules *rules,
    int64_t place_number, int64_t now_unix, enum verdict *verdict_out, int *rule_out,
    struct err *err)
{
	struct decisions decisions = {0};
	struct plan_item item;
	int result = -1, rule;

	if (decide_all(&decisions, catalog, index, rules, NULL, err) != 0)
		goto out;
	rule = place_number > 0 && (size_t)place_number < decisions.count
	    ? decisions.rule[place_number] - 1
	    : -1;
	if (judge(catalog, place_number, rule < 0 ? NULL : &rules->rule[rule], now_unix, &item,
		err) != 0)
		goto out;
	*verdict_out = item.verdict;
	*rule_out = rule;
	result = 0;
out:
	free(decisions.rule);
	return result;
}
