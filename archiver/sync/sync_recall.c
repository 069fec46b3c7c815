/* Owns:  nothing.
 * Knows: that a UID names one message for ever (RFC 9051 section 2.3.1.1), and that there are
 *        servers which give it to another one all the same.
 * Never: places a message that was not recognised; one that was not is fetched. */
#include "archiver/sync/recognise.h"
#include "archiver/sync/sync_private.h"

struct recall {
	struct diff *diff;
	struct seqset open; /* not recognised so far */
	uint64_t others;    /* known UIDs that mean other messages now */
};

static int load(struct diff *diff, uint32_t uid, struct catalog_place *place,
    struct catalog_message *message, struct err *err)
{
	struct catalog *catalog = vault_catalog(diff->sync->options->vault);
	struct catalog_folder folder;

	if (catalog_folder(catalog, sync_account_name(diff->sync), sync_folder_name(diff->folder),
		&folder, err) == 1 &&
	    catalog_place_at(catalog, folder.number, diff->uidvalidity, uid, place, err) == 1 &&
	    catalog_message_n(catalog, place->message_n, message, err) == 1)
		return 0;
	diff->sync->all->is_vault_bad = true;
	return -1;
}

static int place_again(struct diff *diff, const struct endpoint_identity *live,
    const struct catalog_place *place, const struct catalog_message *message, struct err *err)
{
	struct event event = sync_place_event(diff, EVENT_PLACED);

	event.uid = live->uid.value;
	event.id = message->id.sum;
	event.flags = live->flags;
	event.date_unix = place->date_unix;
	diff->sync->report->messages_placed++;
	return sync_log(diff->sync, &event, err);
}

static int take_identity(void *arg, const struct endpoint_identity *live, struct err *err)
{
	struct recall *recall = arg;
	struct diff *diff = recall->diff;
	struct catalog_message message;
	struct catalog_place place;
	struct archived archived;
	enum recognition found;

	if (load(diff, live->uid.value, &place, &message, err) != 0)
		return -1;
	archived = (struct archived){.date_unix = place.date_unix,
	    .message_id = message.message_id,
	    .size_bytes = message.size_bytes};
	found = recognise(&diff->sync->head, live, &archived);
	if (found == RECOGNISED_OTHER_DATE || found == RECOGNISED_OTHER_MESSAGE_ID)
		recall->others++;
	if (found == RECOGNISED)
		seqset_remove(&recall->open, live->uid.value);
	if (found == RECOGNISED && place.state != PLACE_PRESENT)
		return place_again(diff, live, &place, &message, err);
	return 0;
}

static int recall_set(struct recall *recall, const struct seqset *uids, struct err *err)
{
	uint32_t uid = 0;

	if (seqset_is_empty(uids))
		return 0;
	while ((uid = seqset_next(uids, uid)) != 0)
		seqset_add(&recall->open, uid);
	return sync_identify(recall->diff->sync, uids, take_identity, recall, err);
}

int sync_recall(struct diff *diff, struct err *err)
{
	struct recall recall = {.diff = diff};
	uint32_t uid = 0;
	int result;

	seqset_init(&recall.open);
	result = recall_set(&recall, &diff->back, err);
	if (result == 0)
		result = recall_set(&recall, &diff->doubted, err);
	while (result == 0 && (uid = seqset_next(&recall.open, uid)) != 0)
		seqset_add(&diff->wanted, uid);
	if (result == 0 && recall.others > 0)
		sync_problem(diff->sync, diff->folder,
		    "%llu messages stand under numbers (UIDs) that meant others before, which must "
		    "not be: they are fetched anew",
		    (unsigned long long)recall.others);
	seqset_release(&recall.open);
	return result;
}
