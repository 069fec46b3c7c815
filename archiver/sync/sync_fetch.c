/* Owns:  messages between the server and the open batch.
 * Knows: when a message counts as archived: text complete, response complete, command OK.
 * Never: places a message of a command that failed; lets one bad message stop the others. */
#include "archiver/sync/sync_private.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* A message that came but is not placed yet: its command is not finished. */
struct arrival {
	struct imap_uid uid;
	struct msg_id id;
	char *flags; /* NULL: not told yet */
	bool has_date, has_text, is_new;
	int64_t date_unix;
	int64_t guessed_date_unix; /* when the server tells no INTERNALDATE at all */
	uint64_t bytes;
};

struct fetch {
	struct sync *sync;
	const struct sync_folder *folder;
	uint32_t uidvalidity;
	struct seqset *wanted;
	struct arrival *arrival;
	size_t count, room;
	bool has_text; /* a text has ended whose response has not */
	bool is_refused; /* the last command was */
	char reason[200];
};

static void forget_arrivals(struct fetch *fetch)
{
	size_t i;

	for (i = 0; i < fetch->count; i++)
		free(fetch->arrival[i].flags);
	fetch->count = 0;
}

static int vault_failed(struct fetch *fetch)
{
	fetch->sync->is_vault_bad = true;
	return -1;
}

/* ---- the sink of endpoint_fetch ---- */

static int begin_text(void *arg, uint64_t bytes, struct err *err)
{
	struct fetch *fetch = arg;

	(void)bytes, (void)err;
	vault_put_begin(fetch->sync->put);
	fetch->has_text = false;
	return 0;
}

static int add_text(void *arg, const void *data, size_t bytes, struct err *err)
{
	struct fetch *fetch = arg;

	if (vault_put_add(fetch->sync->put, data, bytes, err) != 0)
		return vault_failed(fetch);
	fetch->sync->progress.bytes_done += bytes;
	return 0;
}

static int end_text(void *arg, struct err *err)
{
	struct fetch *fetch = arg;

	(void)err;
	fetch->has_text = true;
	return 0;
}

static struct arrival *find_arrival(struct fetch *fetch, struct imap_uid uid)
{
	size_t i;

	for (i = fetch->count; i > 0; i--)
		if (fetch->arrival[i - 1].uid.value == uid.value)
			return &fetch->arrival[i - 1];
	fetch->arrival = mem_grow(
	    fetch->arrival, &fetch->room, fetch->count + 1, sizeof *fetch->arrival);
	fetch->arrival[fetch->count] = (struct arrival){.uid = uid};
	return &fetch->arrival[fetch->count++];
}

/* The text that has just ended is this message's: into the open batch with it. */
static int store_text(struct fetch *fetch, struct arrival *arrival, struct err *err)
{
	struct sync *sync = fetch->sync;
	struct mimehead *head = &sync->head;
	struct event facts = {.kind = EVENT_MAIL};

	mimehead_parse(head, vault_put_head(sync->put));
	facts.message_id = buf_view(&head->message_id);
	facts.from = buf_view(&head->from);
	facts.to = buf_view(&head->to);
	facts.cc = buf_view(&head->cc);
	facts.subject = buf_view(&head->subject);
	facts.has_sent = head->has_date;
	facts.sent_unix = head->date_unix;
	arrival->guessed_date_unix = head->has_received ? head->received_unix
				     : head->has_date	? head->date_unix
							: vault_now(sync->options->vault);
	arrival->bytes = vault_put_bytes(sync->put);
	if (vault_put_end(sync->put, &facts,
		arrival->has_date ? arrival->date_unix : arrival->guessed_date_unix, &arrival->id,
		&arrival->is_new, err) != 0)
		return vault_failed(fetch);
	arrival->has_text = true;
	return 0;
}

static int take_message(void *arg, const struct endpoint_message *message, struct err *err)
{
	struct fetch *fetch = arg;
	bool has_text = fetch->has_text && message->has_body;
	struct arrival *arrival;

	fetch->has_text = false;
	/* A text whose UID is not told, or that nobody asked for, is nobody's. */
	if (message->uid.value == 0 || !seqset_has(fetch->wanted, message->uid.value))
		return 0;
	arrival = find_arrival(fetch, message->uid);
	if (message->has_flags) {
		free(arrival->flags);
		arrival->flags = bytes_string(message->flags);
	}
	if (message->has_date) {
		arrival->has_date = true;
		arrival->date_unix = message->date_unix;
	}
	return has_text && !arrival->has_text ? store_text(fetch, arrival, err) : 0;
}

static int place(struct fetch *fetch, const struct arrival *arrival, struct err *err)
{
	struct sync *sync = fetch->sync;
	struct event event = {.kind = EVENT_PLACED,
	    .account = sync_account_name(sync),
	    .folder = sync_folder_name(fetch->folder),
	    .uidvalidity = fetch->uidvalidity,
	    .uid = arrival->uid.value,
	    .id = arrival->id.sum,
	    .flags = bytes_of(arrival->flags),
	    .date_unix =
		arrival->has_date ? arrival->date_unix : arrival->guessed_date_unix};

	/* No commit between the placements of one command: "due" is asked behind them. */
	if (vault_log(sync->options->vault, &event, err) != 0)
		return vault_failed(fetch);
	sync->report->messages_placed++;
	sync->report->messages_stored += arrival->is_new;
	sync->report->bytes_stored += arrival->is_new ? arrival->bytes : 0;
	sync->progress.messages_done++;
	sync->failures = 0;
	seqset_remove(fetch->wanted, arrival->uid.value);
	return 0;
}

static int end_batch(void *arg, bool ok, struct bytes reason, struct err *err)
{
	struct fetch *fetch = arg;
	size_t i, n = reason.n < sizeof fetch->reason ? reason.n : sizeof fetch->reason - 1;
	int result = 0;

	fetch->is_refused = !ok;
	if (n > 0)
		memcpy(fetch->reason, reason.p, n);
	fetch->reason[n] = '\0';
	for (i = 0; ok && result == 0 && i < fetch->count; i++)
		if (fetch->arrival[i].has_text)
			result = place(fetch, &fetch->arrival[i], err);
	forget_arrivals(fetch);
	if (result != 0 || sync_commit_if_due(fetch->sync, err) != 0)
		return -1;
	sync_show_progress(fetch->sync);
	return 0;
}

/* ---- passes over what is wanted ---- */

static int fetch_set(
    struct fetch *fetch, const struct seqset *uids, struct err *err)
{
	struct endpoint_sink sink = {.arg = fetch,
	    .begin = begin_text,
	    .data = add_text,
	    .end = end_text,
	    .message = take_message,
	    .batch = end_batch};
	int result;

	fetch->has_text = fetch->is_refused = false;
	fetch->reason[0] = '\0';
	result = endpoint_fetch(fetch->sync->ep, uids, SYNC_BATCH_COUNT, &sink, err);
	forget_arrivals(fetch);
	return result;
}

static int reselect(struct fetch *fetch, struct err *err)
{
	struct endpoint_state state;

	if (sync_connect(fetch->sync, err) != 0 ||
	    endpoint_select(fetch->sync->ep, sync_folder_name(fetch->folder), ENDPOINT_READ,
		&state, err) != 0)
		return -1;
	if (fetch->uidvalidity != 0 && state.uidvalidity == fetch->uidvalidity)
		return 0;
	return err_set(err, ERR_PROTOCOL, "the folder was numbered anew while it was read");
}

static int skip(struct fetch *fetch, uint32_t uid, const char *reason, struct err *err)
{
	struct event event = {.kind = EVENT_SKIPPED,
	    .account = sync_account_name(fetch->sync),
	    .folder = sync_folder_name(fetch->folder),
	    .uidvalidity = fetch->uidvalidity,
	    .uid = uid,
	    .reason = bytes_of(reason)};

	fetch->sync->report->messages_skipped++;
	sync_problem(fetch->sync, fetch->folder, "message with UID %u cannot be archived: %s", uid,
	    reason);
	seqset_remove(fetch->wanted, uid);
	return sync_log(fetch->sync, &event, err);
}

static int note_there(void *arg, const struct endpoint_identity *identity, struct err *err)
{
	(void)err;
	seqset_add(arg, identity->uid.value);
	return 0;
}

/* A message did not come although the server said OK: it was deleted meanwhile, or it cannot
 * be had. */
static int judge_missing(struct fetch *fetch, uint32_t uid, struct err *err)
{
	struct seqset one, there;
	int result;

	seqset_init(&one);
	seqset_init(&there);
	seqset_add(&one, uid);
	result = endpoint_identify(fetch->sync->ep, &one, note_there, &there, err);
	if (result == 0 && seqset_has(&there, uid))
		result = skip(fetch, uid, "the server does not send its text", err);
	else if (result == 0)
		seqset_remove(fetch->wanted, uid);
	seqset_release(&one);
	seqset_release(&there);
	return result;
}

static int fetch_single(struct fetch *fetch, uint32_t uid, struct err *err)
{
	struct err why = {0};
	struct seqset one;
	int result;

	seqset_init(&one);
	seqset_add(&one, uid);
	result = fetch_set(fetch, &one, &why);
	seqset_release(&one);
	if (!seqset_has(fetch->wanted, uid))
		return 0;
	if (result == 0 && fetch->is_refused)
		return skip(fetch, uid, fetch->reason[0] ? fetch->reason : "refused", err);
	if (result == 0)
		return judge_missing(fetch, uid, err);
	if (!sync_can_reconnect(fetch->sync, &why)) {
		*err = why;
		return -1;
	}
	/* This one message ends the connection: it must not do so again and again. */
	fetch->sync->failures++;
	sync_disconnect(fetch->sync);
	if (skip(fetch, uid, why.text, err) != 0)
		return -1;
	return reselect(fetch, err);
}

/* The first of those that are wanted, one by one. */
static int fetch_singly(struct fetch *fetch, uint64_t max_count, struct err *err)
{
	uint32_t uid = 0;

	for (; max_count > 0 && (uid = seqset_next(fetch->wanted, uid)) != 0; max_count--)
		if (fetch_single(fetch, uid, err) != 0)
			return -1;
	return 0;
}

/* All that is wanted; again as long as that brings something, then one by one. */
static int fetch_wanted(struct fetch *fetch, struct err *err)
{
	while (!seqset_is_empty(fetch->wanted)) {
		uint64_t before = seqset_count(fetch->wanted);
		struct seqset asked;
		struct err why = {0};
		int result;

		seqset_init(&asked);
		for (size_t i = 0; i < fetch->wanted->count; i++)
			seqset_add_range(&asked, fetch->wanted->range[i].first,
			    fetch->wanted->range[i].last);
		result = fetch_set(fetch, &asked, &why);
		seqset_release(&asked);
		if (result != 0) {
			if (!sync_can_reconnect(fetch->sync, &why)) {
				*err = why;
				return -1;
			}
			sync_problem(fetch->sync, fetch->folder, "%s; connecting again", why.text);
			fetch->sync->failures++;
			sync_disconnect(fetch->sync);
			/* The command that broke off asked for the first that are left. */
			if (reselect(fetch, err) != 0 ||
			    fetch_singly(fetch, SYNC_BATCH_COUNT, err) != 0)
				return -1;
		} else if (seqset_count(fetch->wanted) == before) {
			return fetch_singly(fetch, UINT64_MAX, err);
		}
	}
	return 0;
}

int sync_fetch(struct sync *sync, const struct sync_folder *folder, uint32_t uidvalidity,
    struct seqset *wanted, struct err *err)
{
	struct fetch fetch = {
	    .sync = sync, .folder = folder, .uidvalidity = uidvalidity, .wanted = wanted};
	int result = fetch_wanted(&fetch, err);

	forget_arrivals(&fetch);
	free(fetch.arrival);
	return result;
}
