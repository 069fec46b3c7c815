/* Owns:  the numbers that the server has given to its messages (struct twins).
 * Knows: that with labels a message of any folder is one of the folder with all mail.
 * Never: fetches a text; places what is not in the archive, or whose copy there is damaged.
 * Spec:  developers.google.com/gmail/imap/imap-extensions (X-GM-MSGID) */
#include "archiver/sync/sync_private.h"

#include "archiver/endpoint/providers.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* To learn all numbers costs 40 bytes for each message that there is; a text is some 80 KB. */
#define WORTH_IT 2000

void sync_twins_release(struct twins *twins)
{
	free(twins->twin);
	memset(twins, 0, sizeof *twins);
}

static int by_account_id(const void *a, const void *b)
{
	const struct twin *x = a, *y = b;

	return (x->account_id > y->account_id) - (x->account_id < y->account_id);
}

static int take_number(void *arg, const struct endpoint_identity *told, struct err *err)
{
	struct twins *twins = arg;

	(void)err;
	twins->twin = mem_grow(twins->twin, &twins->room, twins->count + 1, sizeof *twins->twin);
	twins->twin[twins->count++] = (struct twin){told->account_id, told->uid.value};
	return 0;
}

/* The numbers of all mail; for that its folder is opened instead of the one at hand. */
static int learn(struct sync *sync, const struct view *all, struct err *err)
{
	struct twins *twins = &sync->all->twins;
	struct bytes name = {all->name, all->name_bytes};
	struct catalog_folder known;
	struct endpoint_state state;
	int found;

	twins->is_known = true; /* also when there is nothing to know */
	if (sync_commit(sync, err) != 0)
		return -1;
	found = catalog_folder(
	    vault_catalog(sync->options->vault), sync_account_name(sync), name, &known, err);
	if (found <= 0)
		return found;
	twins->folder_number = known.number;
	twins->uidvalidity = known.uidvalidity;
	if (endpoint_select(sync->ep, name, ENDPOINT_READ, &state, err) != 0)
		return -1;
	if (state.uidvalidity == twins->uidvalidity && state.uids_are_sticky &&
	    endpoint_message_ids(sync->ep, NULL, take_number, twins, err) != 0)
		return -1;
	if (twins->count > 0)
		qsort(twins->twin, twins->count, sizeof *twins->twin, by_account_id);
	return 0;
}

static int reopen(struct diff *diff, struct err *err)
{
	struct endpoint_state state;

	if (endpoint_select(
		diff->sync->ep, sync_folder_name(diff->folder), ENDPOINT_READ, &state, err) != 0)
		return -1;
	if (state.uidvalidity == diff->uidvalidity)
		return 0;
	return err_set(err, ERR_PROTOCOL, "the folder was numbered anew while it was read");
}

/* The stored message with that number: 1, 0, -1. */
static int find_stored(
    struct sync *sync, uint64_t account_id, struct catalog_message *out, struct err *err)
{
	const struct twins *twins = &sync->all->twins;
	struct twin key = {.account_id = account_id}, *twin = NULL;
	struct catalog *catalog = vault_catalog(sync->options->vault);
	struct catalog_place place;
	int found;

	if (twins->count > 0)
		twin = bsearch(&key, twins->twin, twins->count, sizeof key, by_account_id);
	if (!twin)
		return 0;
	found = catalog_place_at(
	    catalog, twins->folder_number, twins->uidvalidity, twin->uid, &place, err);
	if (found <= 0 || place.state != PLACE_PRESENT)
		return found < 0 ? -1 : 0;
	found = catalog_message_n(catalog, place.message_n, out, err);
	if (found <= 0 || out->is_expired)
		return found < 0 ? -1 : 0;
	found = catalog_is_damaged(catalog, place.message_n, err);
	return found < 0 ? -1 : !found;
}

static int place_twin(void *arg, const struct endpoint_identity *told, struct err *err)
{
	struct diff *diff = arg;
	struct event event = sync_place_event(diff, EVENT_PLACED);
	struct catalog_message message;
	int found;

	if (!told->has_account_id || !told->has_flags || !told->has_date ||
	    seqset_has(&diff->damaged, told->uid.value))
		return 0;
	found = find_stored(diff->sync, told->account_id, &message, err);
	diff->sync->all->is_vault_bad |= found < 0;
	if (found <= 0)
		return found;
	event.uid = told->uid.value;
	event.id = message.id.sum;
	event.flags = told->flags;
	event.date_unix = told->date_unix;
	diff->sync->report->messages_placed++;
	diff->sync->all->progress.messages_done++;
	seqset_remove(&diff->wanted, told->uid.value);
	/* No commit here: what was read of the catalogue is of one state of it. */
	if (vault_log(diff->sync->options->vault, &event, err) == 0)
		return 0;
	diff->sync->all->is_vault_bad = true;
	return -1;
}

static int place_all(struct diff *diff, struct err *err)
{
	struct seqset asked;
	size_t i;
	int result;

	seqset_init(&asked);
	for (i = 0; i < diff->wanted.count; i++)
		seqset_add_range(&asked, diff->wanted.range[i].first, diff->wanted.range[i].last);
	result = endpoint_message_ids(diff->sync->ep, &asked, place_twin, diff, err);
	seqset_release(&asked);
	return result == 0 ? sync_commit_if_due(diff->sync, err) : -1;
}

int sync_place_twins(struct diff *diff, struct err *err)
{
	struct sync *sync = diff->sync;
	struct endpoint_facts facts;
	const struct view *all;

	if (seqset_is_empty(&diff->wanted) || diff->uidvalidity == 0 ||
	    !endpoint_can(sync->ep, ENDPOINT_NAMES_MESSAGES))
		return 0;
	endpoint_facts(sync->ep, &facts);
	all = views_all(&sync->all->views, facts.quirks & PROVIDER_HAS_LABELS);
	if (!all ||
	    bytes_equal((struct bytes){all->name, all->name_bytes}, sync_folder_name(diff->folder)))
		return 0;
	if (!sync->all->twins.is_known) {
		if (seqset_count(&diff->wanted) * WORTH_IT < all->messages)
			return 0;
		if (learn(sync, all, err) != 0 || reopen(diff, err) != 0)
			return -1;
	}
	return sync->all->twins.count > 0 ? place_all(diff, err) : 0;
}
