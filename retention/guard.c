/* Owns:  the making of clearances: the only place in the program.
 * Knows: every reason why a message may not be deleted.
 * Never: clears what it has not proved in this run; counts a server's silence as a match. */
#include "retention/guard.h"
#include "retention/guard_text.h"

#include "archiver/endpoint/clearance_private.h"
#include "archiver/imapwire/imapflags.h"
#include "archiver/sync/audit.h"
#include "archiver/sync/recognise.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_state(const struct guard *guard, struct err *err)
{
	const struct endpoint_state *state = &guard->state;

	if (!endpoint_can(guard->ep, ENDPOINT_EXPUNGE_BY_UID))
		return err_set(err, ERR_UNSAFE,
		    "the server cannot delete by UID (no UIDPLUS); anything else could delete "
		    "messages that others marked");
	if (state->uidvalidity == 0 || !state->uids_are_sticky)
		return err_set(err, ERR_UNSAFE, "the server's UIDs do not last");
	if (guard->is_rehearsal)
		return 0;
	if (!state->is_writable)
		return err_set(err, ERR_UNSAFE, "the server opens the folder read-only");
	if (!state->can_delete)
		return err_set(
		    err, ERR_UNSAFE, "the server does not keep \\Deleted in this folder");
	return 0;
}

static int check_validity(const struct guard *guard, struct err *err)
{
	struct catalog_folder known;
	int found =
	    catalog_folder(vault_catalog(guard->vault), guard->account, guard->folder, &known, err);

	if (found < 0)
		return -1;
	if (found == 1 && known.uidvalidity == guard->state.uidvalidity)
		return 0;
	return err_set(err, ERR_UNSAFE,
	    "the folder's UIDVALIDITY is %u now, and %u in the archive: sync first",
	    guard->state.uidvalidity, found == 1 ? known.uidvalidity : 0);
}

int guard_folder(struct guard *guard, struct err *err)
{
	struct audit audit;
	struct event event;
	int result = -1;

	audit_init(&audit);
	guard->has_passed = guard->is_behind = false;
	if (check_state(guard, err) != 0 || check_validity(guard, err) != 0)
		goto out;
	if (audit_selected(&audit, guard->ep, &guard->state, vault_catalog(guard->vault),
		guard->account, guard->folder, err) != 0)
		goto out;
	event = audit_event(&audit, guard->account, guard->folder);
	if (!guard->is_rehearsal && vault_log(guard->vault, &event, err) != 0)
		goto out;
	if (!audit_is_complete(&audit)) {
		if (audit.listed < audit.server)
			err_set(err, ERR_UNSAFE,
			    "the server counts %" PRIu64 " messages but lists %" PRIu64,
			    audit.server, audit.listed);
		else
			err_set(err, ERR_UNSAFE,
			    "%" PRIu64 " messages of the folder are not archived: sync first",
			    audit.missing);
		guard->is_behind = audit.listed >= audit.server;
		goto out;
	}
	guard->has_passed = true;
	result = 0;
out:
	audit_release(&audit);
	return result;
}

/* One message between the proofs. */
struct candidate {
	const struct plan_item *item;
	struct msg_id id;
	struct buf message_id, flags; /* as they were archived */
	uint64_t size_bytes;
	const char *reason; /* why not; NULL so far */
	bool is_seen;       /* the server has told what it is */
	bool is_plain;      /* neither flagged nor a draft */
	bool needs_text;    /* only its bytes can tell whether it is the archived one */
	bool has_text;      /* and they were told */
	bool is_other;      /* it is another message than the archived one */
};

struct candidates {
	struct candidate *candidate;
	size_t count;
	const struct rules *rules;
	struct mimehead head;
	bool is_surprised; /* one of them is another message on the server */
};

static void release_texts(struct candidate *candidate)
{
	buf_release(&candidate->message_id);
	buf_release(&candidate->flags);
}

static void release(struct candidates *candidates)
{
	size_t i;

	for (i = 0; i < candidates->count; i++)
		release_texts(&candidates->candidate[i]);
	free(candidates->candidate);
	mimehead_release(&candidates->head);
}

/* What the archive says of it now. */
static int load(struct guard *guard, struct candidate *candidate, struct err *err)
{
	struct catalog *catalog = vault_catalog(guard->vault);
	const struct plan_item *item = candidate->item;
	struct catalog_place place;
	struct catalog_message message;
	int held;

	if (catalog_place(catalog, item->place_number, &place, err) != 1)
		return -1;
	buf_bytes(&candidate->flags, place.flags);
	if (catalog_message_n(catalog, item->message_n, &message, err) != 1)
		return -1;
	held = catalog_is_held(catalog, item->message_n, err);
	if (held < 0)
		return -1;
	candidate->id = message.id;
	candidate->size_bytes = message.size_bytes;
	buf_bytes(&candidate->message_id, message.message_id);
	if (held == 1)
		candidate->reason = "it is on hold";
	else if (place.message_n != item->message_n || place.uid != item->uid)
		candidate->reason = "the archive has another message at this place now";
	else if (place.state != PLACE_PRESENT)
		candidate->reason = "it is no longer on the server";
	else if (place.uidvalidity != guard->state.uidvalidity)
		candidate->reason = "it was archived under another UIDVALIDITY";
	return 0;
}

/* The stored copy, from the disk, rebuilt and hashed. */
static int prove(struct guard *guard, struct candidate *candidate, struct err *err)
{
	struct err why = {0};

	if (candidate->reason || vault_prove(guard->vault, &candidate->id, &why) == 0)
		return 0;
	if (why.code != ERR_DAMAGED && why.code != ERR_ABSENT) {
		if (err)
			*err = why;
		return -1;
	}
	candidate->reason = "its stored copy could not be proved";
	return 0;
}

/* The same of the mirror's copy. Whatever keeps it from being read: it is no proof. */
static void prove_mirror(struct guard *guard, struct candidate *candidate)
{
	if (guard->needs_mirror && !candidate->reason &&
	    vault_prove_mirror(guard->vault, &candidate->id, NULL) != 0)
		candidate->reason = "not proven in the mirror";
}

/* Does the server show the message that was archived? NULL, or the reason why not. */
static const char *compare_live(struct candidates *candidates, struct candidate *candidate,
    const struct endpoint_identity *live)
{
	struct archived archived = {.date_unix = candidate->item->date_unix,
	    .message_id = buf_view(&candidate->message_id),
	    .size_bytes = candidate->size_bytes};

	switch (recognise(&candidates->head, live, &archived)) {
	case RECOGNISED:
		return NULL;
	case RECOGNISED_NOT_TOLD:
		return "the server does not tell enough about it";
	case RECOGNISED_OTHER_DATE:
		candidate->is_other = true;
		return "its INTERNALDATE on the server is another one";
	case RECOGNISED_OTHER_MESSAGE_ID:
		candidate->is_other = true;
		return "its Message-ID on the server is another one";
	case RECOGNISED_OTHER_SIZE:
		/* Some servers only estimate it. */
		candidate->needs_text = true;
		return NULL;
	}
	return "it could not be compared";
}

static const char *check_flags(
    const struct rule *rule, struct candidate *candidate, struct bytes flags)
{
	bool flagged = imapflags_has(flags, "\\Flagged"), draft = imapflags_has(flags, "\\Draft");

	candidate->is_plain = !flagged && !draft;
	if (flagged && !rule->names_flagged)
		return "it is flagged on the server now";
	if (draft && !rule->names_draft)
		return "it is a draft on the server now";
	/* The rules decided by flags that are no longer true. */
	if (!bytes_equal(flags, buf_view(&candidate->flags)))
		return "its flags have changed since the sync";
	return NULL;
}

static int take_live(void *arg, const struct endpoint_identity *live, struct err *err)
{
	struct candidates *candidates = arg;
	size_t i;

	(void)err;
	for (i = 0; i < candidates->count; i++) {
		struct candidate *candidate = &candidates->candidate[i];

		if (candidate->item->uid != live->uid.value || candidate->reason)
			continue;
		candidate->is_seen = true;
		candidate->reason = compare_live(candidates, candidate, live);
		if (!candidate->reason)
			candidate->reason =
			    check_flags(&candidates->rules->rule[candidate->item->rule], candidate,
				live->flags);
		return 0;
	}
	return 0;
}

static void compare_text(void *arg, uint32_t uid, const struct sha256 *sum)
{
	struct candidates *candidates = arg;
	size_t i;

	for (i = 0; i < candidates->count; i++) {
		struct candidate *candidate = &candidates->candidate[i];

		if (candidate->item->uid != uid || !candidate->needs_text)
			continue;
		candidate->has_text = true;
		if (sha256_equal(sum, &candidate->id.sum))
			continue;
		candidate->is_other = true;
		candidate->reason = "its text on the server is another one";
	}
}

static int ask_texts(struct guard *guard, struct candidates *candidates, struct err *err)
{
	struct seqset uids;
	size_t i;
	int result = 0;

	seqset_init(&uids);
	for (i = 0; i < candidates->count; i++)
		if (!candidates->candidate[i].reason && candidates->candidate[i].needs_text)
			seqset_add(&uids, candidates->candidate[i].item->uid);
	if (!seqset_is_empty(&uids))
		result = guard_texts(guard->ep, &uids, compare_text, candidates, err);
	for (i = 0; i < candidates->count; i++)
		if (!candidates->candidate[i].reason && candidates->candidate[i].needs_text &&
		    !candidates->candidate[i].has_text)
			candidates->candidate[i].reason =
			    "its size on the server is another one, and the server does not send "
			    "it again";
	seqset_release(&uids);
	return result;
}

static int ask_identities(struct guard *guard, struct candidates *candidates, struct err *err)
{
	struct seqset uids;
	size_t i;
	int result = 0;

	seqset_init(&uids);
	for (i = 0; i < candidates->count; i++)
		if (!candidates->candidate[i].reason)
			seqset_add(&uids, candidates->candidate[i].item->uid);
	if (!seqset_is_empty(&uids))
		result = endpoint_identify(guard->ep, &uids, take_live, candidates, err);
	for (i = 0; i < candidates->count; i++)
		if (!candidates->candidate[i].reason && !candidates->candidate[i].is_seen)
			candidates->candidate[i].reason = "the server does not show it";
	seqset_release(&uids);
	return result;
}

static int ask_server(struct guard *guard, struct candidates *candidates, struct err *err)
{
	size_t i;

	if (ask_identities(guard, candidates, err) != 0 || ask_texts(guard, candidates, err) != 0)
		return -1;
	for (i = 0; i < candidates->count; i++)
		candidates->is_surprised |= candidates->candidate[i].is_other;
	for (i = 0; candidates->is_surprised && i < candidates->count; i++)
		if (!candidates->candidate[i].reason)
			candidates->candidate[i].reason =
			    "another UID of this folder means another message now";
	return 0;
}

/* The archived messages whose UIDs mean others are not there any more; and the folder must be
 * looked at as a whole, so that the next sync fetches what is there instead. */
static int log_others(struct guard *guard, const struct candidates *candidates, struct err *err)
{
	struct event gone = {.kind = EVENT_GONE,
	    .account = guard->account,
	    .folder = guard->folder,
	    .uidvalidity = guard->state.uidvalidity};
	struct event cursor = gone;
	char uid[16];
	size_t i;

	for (i = 0; i < candidates->count; i++) {
		if (!candidates->candidate[i].is_other)
			continue;
		snprintf(uid, sizeof uid, "%" PRIu32, candidates->candidate[i].item->uid);
		gone.uids = bytes_of(uid);
		if (vault_log(guard->vault, &gone, err) != 0)
			return -1;
	}
	cursor.kind = EVENT_CURSOR;
	if (vault_log(guard->vault, &cursor, err) != 0)
		return -1;
	return vault_commit(guard->vault, err);
}

static struct clearance *make_clearance(
    const struct guard *guard, const struct candidates *candidates)
{
	struct clearance *clearance = mem_zero(1, sizeof *clearance);
	size_t i;

	buf_init(&clearance->folder, guard->folder.n + 1);
	buf_bytes(&clearance->folder, guard->folder);
	clearance->uidvalidity = guard->state.uidvalidity;
	seqset_init(&clearance->uids);
	seqset_init(&clearance->plain);
	for (i = 0; i < candidates->count; i++) {
		const struct candidate *candidate = &candidates->candidate[i];

		if (candidate->reason || !candidate->is_seen)
			continue;
		seqset_add(&clearance->uids, candidate->item->uid);
		if (candidate->is_plain)
			seqset_add(&clearance->plain, candidate->item->uid);
	}
	return clearance;
}

int guard_messages(struct guard *guard, const struct plan_item *item, size_t count,
    guard_refuse_fn refuse, void *arg, struct clearance **out, struct err *err)
{
	struct candidates candidates = {.candidate = mem_zero(count, sizeof(struct candidate)),
	    .count = count,
	    .rules = guard->rules};
	int result = -1;
	size_t i;

	mimehead_init(&candidates.head);
	for (i = 0; i < count; i++) {
		candidates.candidate[i].item = &item[i];
		buf_init(&candidates.candidate[i].message_id, MIMEHEAD_VALUE_BYTES);
		buf_init(&candidates.candidate[i].flags, IMAPFLAGS_MAX_BYTES);
	}
	if (!guard->has_passed || guard->is_surprised) {
		err_set(err, ERR_BUG, "a folder that has not passed its guard");
		goto out;
	}
	for (i = 0; i < count; i++) {
		if (load(guard, &candidates.candidate[i], err) != 0 ||
		    prove(guard, &candidates.candidate[i], err) != 0)
			goto out;
		prove_mirror(guard, &candidates.candidate[i]);
	}
	if (ask_server(guard, &candidates, err) != 0)
		goto out;
	for (i = 0; i < count; i++)
		if (candidates.candidate[i].reason)
			refuse(arg, &item[i], candidates.candidate[i].reason);
	guard->is_surprised = candidates.is_surprised;
	if (guard->is_surprised && !guard->is_rehearsal && log_others(guard, &candidates, err) != 0)
		goto out;
	*out = make_clearance(guard, &candidates);
	result = 0;
out:
	release(&candidates);
	return result;
}

bool clearance_has(const struct clearance *clearance, uint32_t uid)
{
	return seqset_has(&clearance->uids, uid);
}

uint64_t clearance_count(const struct clearance *clearance)
{
	return seqset_count(&clearance->uids);
}

void clearance_free(struct clearance *clearance)
{
	if (!clearance)
		return;
	buf_release(&clearance->folder);
	seqset_release(&clearance->uids);
	seqset_release(&clearance->plain);
	free(clearance);
}
