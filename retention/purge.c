/* Owns:  one purge run.
 * Knows: the life of a purged message (purge.h), and that the server is believed only after
 *        looking again.
 * Never: tells the server to delete before the intent is durable; goes on after a surprise. */
#include "retention/purge.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UIDS_SHOWN_BYTES 200

struct purge {
	const struct purge_options *options;
	struct purge_report *report;
	struct catalog *catalog;
	struct guard guard;
	int64_t folder_number;
	struct buf account, folder, shown; /* copies: views of the catalogue do not last */
	uint64_t next_group;
	bool must_end_folder;
};

/* What is said of the open folder, which is not gone on with. */
static void end_folder(struct purge *purge, const char *text)
{
	purge->must_end_folder = true;
	purge->report->folders_failed++;
	if (purge->options->problem)
		purge->options->problem(purge->options->arg, buf_view(&purge->shown), text);
}

static void tell(struct purge *purge, const struct plan_item *item, enum purge_outcome outcome,
    const char *reason)
{
	struct purge_report *report = purge->report;

	report->confirmed += outcome == PURGE_CONFIRMED;
	report->confirmed_bytes += outcome == PURGE_CONFIRMED ? item->size_bytes : 0;
	report->refused += outcome == PURGE_REFUSED;
	report->kept += outcome == PURGE_KEPT;
	report->would += outcome == PURGE_WOULD;
	report->would_bytes += outcome == PURGE_WOULD ? item->size_bytes : 0;
	if (purge->options->outcome)
		purge->options->outcome(purge->options->arg, item, outcome, reason);
}

static void take_refusal(void *arg, const struct plan_item *item, const char *reason)
{
	tell(arg, item, PURGE_REFUSED, reason);
}

static bool must_stop(const struct purge *purge)
{
	return purge->options->stop && *purge->options->stop;
}

/* ---- journal ---- */

static int log_run(struct purge *purge, const char *state, const char *reason, struct err *err)
{
	struct event event = {.kind = EVENT_RUN,
	    .run = bytes_of(purge->report->run),
	    .type = BYTES("purge"),
	    .account = bytes_of(purge->options->account),
	    .state = bytes_of(state),
	    .messages = purge->report->confirmed,
	    .size_bytes = purge->report->confirmed_bytes,
	    .reason = bytes_of(reason)};

	return vault_log(purge->options->vault, &event, err);
}

/* A run begins with its first intent, so that one that finds nothing to do leaves no trace. */
static int begin_run(struct purge *purge, struct err *err)
{
	if (purge->report->run[0])
		return 0;
	snprintf(purge->report->run, sizeof purge->report->run, "P%06" PRIu64,
	    vault_next_batch(purge->options->vault));
	return log_run(purge, "begun", NULL, err);
}

static int log_state(struct purge *purge, const struct plan_item *item, const char *state,
    const char *reason, struct err *err)
{
	struct event event = {.kind = EVENT_PURGE,
	    .run = bytes_of(purge->report->run),
	    .account = buf_view(&purge->account),
	    .folder = buf_view(&purge->folder),
	    .uidvalidity = item->uidvalidity,
	    .uid = item->uid,
	    .state = bytes_of(state),
	    .rule = bytes_of(purge->options->rules->rule[item->rule].settings->name),
	    .reason = bytes_of(reason)};
	struct catalog_message message;

	if (catalog_message_n(purge->catalog, item->message_n, &message, err) != 1)
		return -1;
	event.id = message.id.sum;
	return vault_log(purge->options->vault, &event, err);
}

static int log_intents(struct purge *purge, const struct plan_item *item, size_t count,
    const struct clearance *clearance, struct err *err)
{
	size_t i;

	if (begin_run(purge, err) != 0)
		return -1;
	for (i = 0; i < count; i++)
		if (clearance_has(clearance, item[i].uid) &&
		    log_state(purge, &item[i], "intent", NULL, err) != 0)
			return -1;
	/* Before the server is told: if we end here, the next run knows what to look for. */
	return vault_commit(purge->options->vault, err);
}

static int log_outcomes(struct purge *purge, const struct plan_item *item, size_t count,
    const struct clearance *clearance, const struct seqset *left, struct err *err)
{
	size_t i;

	for (i = 0; i < count; i++) {
		bool is_left = seqset_has(left, item[i].uid);
		const char *reason = is_left ? "the server did not delete it" : NULL;

		if (!clearance_has(clearance, item[i].uid))
			continue;
		if (log_state(purge, &item[i], is_left ? "kept" : "confirmed", reason, err) != 0)
			return -1;
		tell(purge, &item[i], is_left ? PURGE_KEPT : PURGE_CONFIRMED, reason);
	}
	return vault_commit(purge->options->vault, err);
}

/* ---- a group of messages of the open folder ---- */

/* The server refused: look at once what became of the group, which ends the folder. */
static int resolve_refused(struct purge *purge, const struct plan_item *item, size_t count,
    const struct clearance *clearance, const char *why, struct err *err)
{
	struct catalog_place place;
	uint64_t resolved;
	size_t i;

	end_folder(purge, why);
	if (purge_resolve(purge->options->vault, purge->options->ep, purge->options->account,
		&resolved, err) != 0)
		return -1;
	for (i = 0; i < count; i++) {
		bool gone;

		if (!clearance_has(clearance, item[i].uid))
			continue;
		if (catalog_place(purge->catalog, item[i].place_number, &place, err) != 1)
			return -1;
		gone = place.state == PLACE_PURGED;
		tell(purge, &item[i], gone ? PURGE_CONFIRMED : PURGE_KEPT, gone ? NULL : why);
	}
	return 0;
}

/* Messages went that nobody asked for: such a server is told nothing more. */
static int stop_for_lost(struct purge *purge, const struct seqset *lost, struct err *err)
{
	struct catalog_place place;
	struct buf uids;
	uint32_t uid = 0;
	uint64_t archived = 0;

	while ((uid = seqset_next(lost, uid)) != 0)
		archived += catalog_place_at(purge->catalog, purge->folder_number,
				purge->guard.state.uidvalidity, uid, &place, NULL) == 1;
	buf_init(&uids, UIDS_SHOWN_BYTES);
	seqset_format(lost, 0, UINT64_MAX, UIDS_SHOWN_BYTES - 1, &uids);
	err_set(err, ERR_UNSAFE,
	    "%.*s: %" PRIu64
	    " messages went that the server was not told to delete (UID %s; %" PRIu64
	    " of them are in the archive): this purge ends here",
	    (int)purge->shown.n, purge->shown.n ? purge->shown.p : "", seqset_count(lost),
	    buf_string(&uids), archived);
	err_class(err, RETRY_NEVER, SCOPE_ACCOUNT);
	buf_release(&uids);
	return -1;
}

static int expunge(struct purge *purge, const struct plan_item *item, size_t count,
    const struct clearance *clearance, struct err *err)
{
	struct seqset left, lost;
	struct err why = {0};
	int result = -1;

	seqset_init(&left);
	seqset_init(&lost);
	if (log_intents(purge, item, count, clearance, err) != 0)
		goto out;
	if (endpoint_expunge(purge->options->ep, clearance, &left, &lost, &why) != 0) {
		if (why.code == ERR_SERVER || why.code == ERR_UNSAFE)
			result = resolve_refused(purge, item, count, clearance, why.text, err);
		else if (err)
			*err = why; /* the outcome is unknown: purge_resolve will look */
		goto out;
	}
	if (log_outcomes(purge, item, count, clearance, &left, err) != 0)
		goto out;
	result = 0;
	if (!seqset_is_empty(&lost))
		result = stop_for_lost(purge, &lost, err);
	else if (!seqset_is_empty(&left))
		end_folder(purge,
		    "the server did not delete everything it was told to: this "
		    "folder is left alone");
out:
	seqset_release(&left);
	seqset_release(&lost);
	return result;
}

static void tell_would(struct purge *purge, const struct plan_item *item, size_t count,
    const struct clearance *clearance)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (clearance_has(clearance, item[i].uid))
			tell(purge, &item[i], PURGE_WOULD, NULL);
}

static int purge_group(
    struct purge *purge, const struct plan_item *item, size_t count, struct err *err)
{
	struct clearance *clearance = NULL;
	int result =
	    guard_messages(&purge->guard, item, count, take_refusal, purge, &clearance, err);

	if (result == 0 && clearance_count(clearance) > 0) {
		if (purge->options->is_rehearsal)
			tell_would(purge, item, count, clearance);
		else
			result = expunge(purge, item, count, clearance, err);
	}
	if (result == 0 && purge->guard.is_surprised)
		end_folder(purge,
		    "a message is not the one that was archived under its UID: this "
		    "folder is left alone");
	/* The canary is over when one group has gone as it should. */
	if (result == 0 && clearance_count(clearance) > 0 && !purge->must_end_folder)
		purge->next_group = PURGE_GROUP_COUNT;
	clearance_free(clearance);
	return result;
}

/* ---- a folder ---- */

static int copy_names(struct purge *purge, int64_t folder_number, struct err *err)
{
	struct catalog_folder folder;

	if (catalog_folder_number(purge->catalog, folder_number, &folder, err) != 1)
		return -1;
	purge->folder_number = folder_number;
	buf_clear(&purge->account);
	buf_clear(&purge->folder);
	buf_clear(&purge->shown);
	buf_bytes(&purge->account, folder.account);
	buf_bytes(&purge->folder, folder.name);
	buf_bytes(&purge->shown, folder.shown);
	return 0;
}

static int open_folder(struct purge *purge, struct err *err)
{
	const struct purge_options *options = purge->options;
	/* What is going to be refused is not opened for writing: opening alone can change a folder.
	 */
	bool writes = !options->is_rehearsal && endpoint_can(options->ep, ENDPOINT_EXPUNGE_BY_UID);

	purge->guard = (struct guard){.vault = options->vault,
	    .ep = options->ep,
	    .rules = options->rules,
	    .account = buf_view(&purge->account),
	    .folder = buf_view(&purge->folder),
	    .needs_mirror = options->needs_mirror,
	    .is_rehearsal = options->is_rehearsal};
	if (endpoint_select(options->ep, purge->guard.folder,
		writes ? ENDPOINT_WRITE : ENDPOINT_READ, &purge->guard.state, err) != 0)
		return -1;
	return guard_folder(&purge->guard, err);
}

/* With mail that came since the sync the archive is behind: once more, then. */
static int open_fresh_folder(struct purge *purge, struct err *err)
{
	const struct purge_options *options = purge->options;
	struct err why = {0};

	if (open_folder(purge, &why) == 0)
		return 0;
	if (purge->guard.is_behind && options->refresh) {
		if (vault_commit(options->vault, err) != 0 ||
		    options->refresh(options->arg, err) != 0)
			return -1;
		return open_folder(purge, err);
	}
	*err = why;
	return -1;
}

/* Items that are to go, taken together; what the plan only lists is passed over. */
static int purge_items(
    struct purge *purge, const struct plan_item *item, size_t count, struct err *err)
{
	struct plan_item *going = mem_zero(count, sizeof *going);
	size_t i, n = 0, done;
	int result = 0;

	for (i = 0; i < count; i++)
		if (item[i].verdict == VERDICT_PURGE)
			going[n++] = item[i];
	for (done = 0; result == 0 && done < n && !purge->must_end_folder;) {
		size_t group = n - done < purge->next_group ? n - done : purge->next_group;

		if (must_stop(purge))
			result = err_set(err, ERR_STOPPED, "stopped");
		else
			result = purge_group(purge, going + done, group, err);
		done += group;
	}
	free(going);
	return result;
}

static bool any_going(const struct plan_item *item, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (item[i].verdict == VERDICT_PURGE)
			return true;
	return false;
}

static int purge_folder(
    struct purge *purge, const struct plan_item *item, size_t count, struct err *err)
{
	struct err why = {0};
	size_t i;

	if (copy_names(purge, item->folder_number, err) != 0)
		return -1;
	if (!bytes_is(buf_view(&purge->account), purge->options->account) ||
	    !any_going(item, count))
		return 0;
	purge->must_end_folder = false;
	if (open_fresh_folder(purge, &why) == 0)
		return purge_items(purge, item, count, err);
	if (why.code != ERR_UNSAFE && why.code != ERR_SERVER) {
		*err = why;
		return -1;
	}
	end_folder(purge, why.text);
	for (i = 0; i < count; i++)
		if (item[i].verdict == VERDICT_PURGE)
			tell(purge, &item[i], PURGE_REFUSED, why.text);
	return 0;
}

static int purge_folders(struct purge *purge, struct err *err)
{
	const struct plan *plan = purge->options->plan;
	size_t i, start = 0;

	for (i = 1; i <= plan->count; i++) {
		if (i < plan->count &&
		    plan->item[i].folder_number == plan->item[start].folder_number)
			continue;
		if (purge_folder(purge, &plan->item[start], i - start, err) != 0)
			return -1;
		start = i;
	}
	return 0;
}

/* ---- a run ---- */

static int end_run(struct purge *purge, const struct err *why, struct err *err)
{
	if (!purge->report->run[0])
		return vault_commit(purge->options->vault, err); /* audits */
	if (log_run(purge, "ended", why ? why->text : NULL, err) != 0)
		return -1;
	return vault_commit(purge->options->vault, err);
}

static int ask_quota(struct purge *purge, uint64_t *used_kib, bool *told_out, struct err *err)
{
	int got =
	    endpoint_quota(purge->options->ep, used_kib, &purge->report->quota_limit_kib, err);

	*told_out = got == 1;
	return got < 0 ? -1 : 0;
}

int purge_run(const struct purge_options *options, struct purge_report *report, struct err *err)
{
	struct purge purge = {.options = options,
	    .report = report,
	    .catalog = vault_catalog(options->vault),
	    .next_group = PURGE_CANARY_COUNT};
	uint64_t purged_before = 0;
	bool told = false;
	struct err late = {0};
	int result = -1;

	memset(report, 0, sizeof *report);
	buf_init(&purge.account, 4096);
	buf_init(&purge.folder, 65536);
	buf_init(&purge.shown, 65536);
	if (catalog_purged_count(purge.catalog, bytes_of(options->account), &purged_before, err) !=
		0 ||
	    vault_forget_cached(options->vault, err) != 0 ||
	    ask_quota(&purge, &report->quota_before_kib, &told, err) != 0)
		goto out;
	if (purged_before > 0)
		purge.next_group = PURGE_GROUP_COUNT;
	result = purge_folders(&purge, err);
	if (result == 0 && told)
		result = ask_quota(&purge, &report->quota_after_kib, &report->has_quota, err);
	if (end_run(&purge, result == 0 ? NULL : err, &late) != 0 && result == 0) {
		*err = late;
		result = -1;
	}
out:
	buf_release(&purge.account);
	buf_release(&purge.folder);
	buf_release(&purge.shown);
	return result;
}
