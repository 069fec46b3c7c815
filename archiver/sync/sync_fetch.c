/* Owns:  messages between the server and the open batch.
 * Knows: when a message counts as archived: text complete, response complete, command OK, and
 *        as long as the server says, or the same text twice.
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
	bool has_date, has_size, has_text, has_other_text;
	int64_t date_unix;
	uint64_t size_bytes, text_bytes;
	int64_t guessed_date_unix; /* when the server tells no INTERNALDATE at all */
};

/* A text that is not as long as the server says. Some servers only estimate sizes; others cut
 * texts short at times. When the same text comes again, it is the first kind. */
struct odd {
	uint32_t uid;
	struct sha256 sum;
};

/* Those of one lane's command. */
struct arrivals {
	struct arrival *item;
	size_t count, room;
};

struct fetch {
	struct diff *diff;
	struct sync *sync;
	const struct sync_folder *folder;
	struct seqset *wanted; /* of the pass that goes on */
	struct seqset vanished;
	struct arrivals lane[LANES_MAX];
	struct odd *odd; /* by uid */
	size_t odd_count, odd_room;
	bool is_refused; /* the last command was */
	char reason[200];
};

static void forget_arrivals(struct arrivals *arrivals)
{
	size_t i;

	for (i = 0; i < arrivals->count; i++)
		free(arrivals->item[i].flags);
	arrivals->count = 0;
}

static int vault_failed(struct fetch *fetch)
{
	fetch->sync->all->is_vault_bad = true;
	return -1;
}

/* ---- the sink of lanes_fetch ---- */

static struct arrival *find_arrival(struct arrivals *arrivals, struct imap_uid uid)
{
	size_t i;

	for (i = arrivals->count; i > 0; i--)
		if (arrivals->item[i - 1].uid.value == uid.value)
			return &arrivals->item[i - 1];
	arrivals->item =
	    mem_grow(arrivals->item, &arrivals->room, arrivals->count + 1, sizeof *arrivals->item);
	arrivals->item[arrivals->count] = (struct arrival){.uid = uid};
	return &arrivals->item[arrivals->count++];
}

/* Into the open batch with it. */
static int store_text(
    struct fetch *fetch, struct arrival *arrival, struct vault_put *put, struct err *err)
{
	struct sync *sync = fetch->sync;
	struct mimehead *head = &sync->head;
	struct event facts = {.kind = EVENT_MAIL};
	struct msg_id id;
	bool is_new;

	mimehead_parse(head, vault_put_head(put));
	facts.message_id = buf_view(&head->message_id);
	facts.from = buf_view(&head->from);
	facts.to = buf_view(&head->to);
	facts.cc = buf_view(&head->cc);
	facts.subject = buf_view(&head->subject);
	facts.has_sent = head->has_date;
	facts.sent_unix = head->date_unix;
	arrival->guessed_date_unix = head->has_received ? head->received_unix
	    : head->has_date                            ? head->date_unix
							: vault_now(sync->options->vault);
	if (vault_put_end(put, &facts,
		arrival->has_date ? arrival->date_unix : arrival->guessed_date_unix, &id, &is_new,
		err) != 0)
		return vault_failed(fetch);
	sync->report->messages_stored += is_new;
	sync->report->bytes_stored += is_new ? vault_put_bytes(put) : 0;
	/* Two texts under one UID: which one it is, the server alone knows. */
	arrival->has_other_text |= arrival->has_text && !sha256_equal(&arrival->id.sum, &id.sum);
	arrival->has_text = true;
	arrival->text_bytes = vault_put_bytes(put);
	arrival->id = id;
	return 0;
}

static int take_message(void *arg, unsigned lane, const struct endpoint_message *message,
    struct vault_put *put, struct err *err)
{
	struct fetch *fetch = arg;
	struct arrival *arrival;

	/* A text whose UID is not told, or that nobody asked for, is nobody's. */
	if (message->uid.value == 0 || !seqset_has(fetch->wanted, message->uid.value))
		return 0;
	arrival = find_arrival(&fetch->lane[lane], message->uid);
	if (message->has_flags) {
		free(arrival->flags);
		arrival->flags = bytes_string(message->flags);
	}
	if (message->has_date) {
		arrival->has_date = true;
		arrival->date_unix = message->date_unix;
	}
	if (message->has_size) {
		arrival->has_size = true;
		arrival->size_bytes = message->size_bytes;
	}
	return put ? store_text(fetch, arrival, put, err) : 0;
}

static int place(struct fetch *fetch, const struct arrival *arrival, struct err *err)
{
	struct sync *sync = fetch->sync;
	struct event event = sync_place_event(fetch->diff, EVENT_PLACED);

	event.uid = arrival->uid.value;
	event.id = arrival->id.sum;
	event.flags = bytes_of(arrival->flags);
	event.date_unix = arrival->has_date ? arrival->date_unix : arrival->guessed_date_unix;
	/* No commit between the placements of one command: "due" is asked behind them. */
	if (vault_log(sync->options->vault, &event, err) != 0)
		return vault_failed(fetch);
	sync->report->messages_placed++;
	sync->placed++;
	sync->all->progress.messages_done++;
	sync->failures = 0;
	seqset_remove(fetch->wanted, arrival->uid.value);
	return 0;
}

static int skip(struct fetch *fetch, uint32_t uid, const char *reason, struct err *err)
{
	struct event event = sync_place_event(fetch->diff, EVENT_SKIPPED);

	event.uid = uid;
	event.reason = bytes_of(reason);
	seqset_remove(fetch->wanted, uid);
	/* What is known already does not need to be said again. */
	if (seqset_has(&fetch->diff->exceptions, uid)) {
		fetch->sync->report->exceptions++;
		return 0;
	}
	fetch->sync->report->messages_skipped++;
	sync_problem(
	    fetch->sync, fetch->folder, "message with UID %u cannot be archived: %s", uid, reason);
	fetch->sync->all->has_new_exceptions = true;
	if (vault_log(fetch->sync->options->vault, &event, err) != 0)
		return vault_failed(fetch);
	return 0;
}

/* Where it stands among the odd ones, or would. */
static size_t odd_place(const struct fetch *fetch, uint32_t uid)
{
	size_t low = 0, high = fetch->odd_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (fetch->odd[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void add_odd(struct fetch *fetch, size_t at, const struct arrival *arrival)
{
	fetch->odd =
	    mem_grow(fetch->odd, &fetch->odd_room, fetch->odd_count + 1, sizeof *fetch->odd);
	memmove(&fetch->odd[at + 1], &fetch->odd[at], (fetch->odd_count - at) * sizeof *fetch->odd);
	fetch->odd[at] = (struct odd){.uid = arrival->uid.value, .sum = arrival->id.sum};
	fetch->odd_count++;
}

/* Its length is not what the server says: it is asked for once more. */
static int take_odd(struct fetch *fetch, const struct arrival *arrival, struct err *err)
{
	size_t at = odd_place(fetch, arrival->uid.value);
	const struct odd *odd = at < fetch->odd_count && fetch->odd[at].uid == arrival->uid.value
	    ? &fetch->odd[at]
	    : NULL;

	if (odd && !sha256_equal(&odd->sum, &arrival->id.sum))
		return skip(fetch, arrival->uid.value,
		    "the server sends other texts for it each time", err);
	if (odd || fetch->sync->all->odd_sizes >= SYNC_ODD_SIZES) {
		fetch->sync->all->odd_sizes += odd != NULL;
		return place(fetch, arrival, err);
	}
	add_odd(fetch, at, arrival);
	return 0;
}

static int take_arrival(struct fetch *fetch, const struct arrival *arrival, struct err *err)
{
	if (!arrival->has_text)
		return 0;
	if (arrival->has_other_text)
		return skip(
		    fetch, arrival->uid.value, "the server sends two different texts for it", err);
	if (arrival->has_size && arrival->size_bytes != arrival->text_bytes)
		return take_odd(fetch, arrival, err);
	return place(fetch, arrival, err);
}

/* What came of those messages is settled; of other commands something may have come as well. */
static int settle(struct fetch *fetch, struct arrivals *arrivals, const struct seqset *asked,
    bool ok, struct err *err)
{
	size_t i, kept = 0;
	int result = 0;

	for (i = 0; i < arrivals->count; i++) {
		struct arrival *arrival = &arrivals->item[i];

		if (!seqset_has(asked, arrival->uid.value)) {
			arrivals->item[kept++] = *arrival;
			continue;
		}
		if (ok && result == 0)
			result = take_arrival(fetch, arrival, err);
		free(arrival->flags);
	}
	arrivals->count = kept;
	return result;
}

static int end_batch(void *arg, unsigned lane, const struct seqset *asked, bool ok,
    struct bytes reason, struct err *err)
{
	struct fetch *fetch = arg;
	size_t n = reason.n < sizeof fetch->reason ? reason.n : sizeof fetch->reason - 1;

	fetch->is_refused = !ok;
	if (n > 0)
		memcpy(fetch->reason, reason.p, n);
	fetch->reason[n] = '\0';
	if (settle(fetch, &fetch->lane[lane], asked, ok, err) != 0 ||
	    sync_commit_if_due(fetch->sync, err) != 0)
		return -1;
	sync_show_progress(fetch->sync);
	return 0;
}

/* ---- passes over what is wanted ---- */

static int note_received(void *arg, uint64_t bytes, struct err *err)
{
	struct fetch *fetch = arg;

	(void)err;
	fetch->sync->all->progress.bytes_done += bytes;
	sync_show_progress(fetch->sync);
	return 0;
}

static int fetch_set(struct fetch *fetch, const struct seqset *uids, struct err *err)
{
	struct sync *sync = fetch->sync;
	struct lanes_folder folder = {sync_folder_name(fetch->folder), fetch->diff->uidvalidity};
	struct lanes_sink sink = {
	    .arg = fetch, .message = take_message, .batch = end_batch, .received = note_received};
	const char *complaint;
	size_t i;
	int result;

	fetch->is_refused = false;
	fetch->reason[0] = '\0';
	result = sync_fetch_set(sync, &folder, uids, &sink, err);
	for (i = 0; i < LANES_MAX; i++)
		forget_arrivals(&fetch->lane[i]);
	complaint = lanes_complaint(sync->lanes);
	if (complaint)
		sync_problem(sync, fetch->folder, "another connection: %s", complaint);
	return result;
}

static int reselect(struct fetch *fetch, struct err *err)
{
	uint32_t uidvalidity = fetch->diff->uidvalidity;
	struct endpoint_state state;

	sync_disconnect(fetch->sync);
	if (sync_connect(fetch->sync, err) != 0 ||
	    sync_select(fetch->sync, fetch->folder, &state, err) != 0)
		return -1;
	if (uidvalidity != 0 && state.uidvalidity == uidvalidity)
		return 0;
	return err_set(err, ERR_PROTOCOL, "the folder was numbered anew while it was read");
}

/* Does the error tell that this message is larger than we take? That is no fault of the
 * connection, although it ends it. */
static bool is_too_large(const struct err *why)
{
	return why->code == ERR_LIMIT && why->scope == SCOPE_MESSAGE;
}

static int take_listed(void *arg, const struct endpoint_identity *listed, struct err *err)
{
	(void)err;
	seqset_add(arg, listed->uid.value);
	return 0;
}

/* Messages did not come although the server said OK. Those that it does not list any more were
 * deleted meanwhile; the others it must send, or they are exceptions. */
static int drop_vanished(struct fetch *fetch, struct err *err)
{
	struct seqset listed;
	uint64_t count;
	uint32_t uid = 0;
	int result;

	seqset_init(&listed);
	result = sync_scan(fetch->sync, take_listed, &listed, &count, err);
	while (result == 0 && (uid = seqset_next(fetch->wanted, uid)) != 0)
		if (!seqset_has(&listed, uid)) {
			seqset_add(&fetch->vanished, uid);
			seqset_remove(fetch->wanted, uid);
		}
	seqset_release(&listed);
	return result;
}

/* is_listed: the server has just listed it, so there is no reason for it not to come. */
static int fetch_single(struct fetch *fetch, uint32_t uid, bool is_listed, struct err *err)
{
	struct err why = {0};
	struct seqset one;
	size_t odd_before;
	int result;

	seqset_init(&one);
	seqset_add(&one, uid);
	do {
		odd_before = fetch->odd_count;
		result = fetch_set(fetch, &one, &why);
	} while (result == 0 && fetch->odd_count > odd_before);
	seqset_release(&one);
	if (result == 0 && !seqset_has(fetch->wanted, uid))
		return 0;
	if (result == 0 && fetch->is_refused)
		return skip(fetch, uid, fetch->reason[0] ? fetch->reason : "refused", err);
	if (result == 0)
		return is_listed ? skip(fetch, uid, "the server lists it, but sends no text", err)
				 : 0;
	if (!sync_can_reconnect(fetch->sync, &why)) {
		*err = why;
		return -1;
	}
	/* This one message ends the connection: it must not do so again and again. */
	fetch->sync->failures += !is_too_large(&why);
	if (seqset_has(fetch->wanted, uid) && skip(fetch, uid, why.text, err) != 0)
		return -1;
	return reselect(fetch, err);
}

/* The first of those that are wanted, one by one. */
static int fetch_singly(struct fetch *fetch, uint64_t max_count, bool is_listed, struct err *err)
{
	uint32_t uid = 0;

	for (; max_count > 0 && (uid = seqset_next(fetch->wanted, uid)) != 0; max_count--)
		if (fetch_single(fetch, uid, is_listed, err) != 0)
			return -1;
	return 0;
}

/* A copy, because what comes is taken out of wanted. */
static int fetch_all_wanted(struct fetch *fetch, struct err *err)
{
	struct seqset asked;
	size_t i;
	int result;

	seqset_init(&asked);
	for (i = 0; i < fetch->wanted->count; i++)
		seqset_add_range(
		    &asked, fetch->wanted->range[i].first, fetch->wanted->range[i].last);
	result = fetch_set(fetch, &asked, err);
	seqset_release(&asked);
	return result;
}

/* The connection broke at one of the first that are left. */
static int go_on_singly(struct fetch *fetch, const struct err *why, struct err *err)
{
	if (!sync_can_reconnect(fetch->sync, why)) {
		*err = *why;
		return -1;
	}
	if (!is_too_large(why)) {
		sync_problem(fetch->sync, fetch->folder, "%s; connecting again", why->text);
		fetch->sync->failures++;
	}
	if (reselect(fetch, err) != 0)
		return -1;
	return fetch_singly(fetch, LANES_ASK_COUNT, false, err);
}

/* All that is wanted; again as long as that brings something, then one by one. */
static int fetch_wanted(struct fetch *fetch, struct err *err)
{
	while (!seqset_is_empty(fetch->wanted)) {
		uint64_t before = seqset_count(fetch->wanted);
		size_t odd_before = fetch->odd_count;
		struct err why = {0};

		if (fetch_all_wanted(fetch, &why) != 0) {
			if (go_on_singly(fetch, &why, err) != 0)
				return -1;
		} else if (seqset_count(fetch->wanted) == before &&
		    fetch->odd_count == odd_before) {
			if (drop_vanished(fetch, err) != 0)
				return -1;
			return fetch_singly(fetch, UINT64_MAX, true, err);
		}
	}
	return 0;
}

/* ---- what could not be had before ---- */

struct sizes {
	uint64_t most_bytes;
	struct seqset small;
};

static int take_size(void *arg, const struct endpoint_identity *identity, struct err *err)
{
	struct sizes *sizes = arg;

	(void)err;
	if (!identity->has_size || sizes->most_bytes == 0 ||
	    identity->size_bytes <= sizes->most_bytes)
		seqset_add(&sizes->small, identity->uid.value);
	return 0;
}

/* How many are passed over, so that each has its turn. */
static uint64_t first_turn(const struct fetch *fetch, uint64_t count)
{
	uint64_t now = (uint64_t)vault_now(fetch->sync->options->vault);

	return count > SYNC_RETRIES ? now % (count - SYNC_RETRIES + 1) : 0;
}

/* Some of them, each time others: a message that ends the connection each time that it is asked
 * for must neither stop the account nor keep others from their turn. One that is too large is
 * known by its size. */
static int fetch_exceptions(struct fetch *fetch, struct err *err)
{
	struct sizes sizes = {.most_bytes = fetch->sync->options->endpoint.max_message_bytes};
	uint64_t count = seqset_count(fetch->wanted), tries = 0, pass;
	uint32_t uid = 0;
	int result;

	if (count == 0)
		return 0;
	seqset_init(&sizes.small);
	result = sync_identify(fetch->sync, fetch->wanted, take_size, &sizes, err);
	for (pass = first_turn(fetch, seqset_count(&sizes.small)); pass > 0; pass--)
		uid = seqset_next(&sizes.small, uid);
	while (result == 0 && tries < SYNC_RETRIES && (uid = seqset_next(&sizes.small, uid)) != 0) {
		fetch->sync->failures = 0;
		result = fetch_single(fetch, uid, true, err);
		tries++;
	}
	fetch->sync->report->exceptions += count - tries;
	seqset_release(&sizes.small);
	return result;
}

/* Those of wanted that are exceptions of old, apart. */
static void part_exceptions(struct diff *diff, struct seqset *exceptions)
{
	uint32_t uid = 0;

	while ((uid = seqset_next(&diff->exceptions, uid)) != 0)
		if (seqset_has(&diff->wanted, uid)) {
			seqset_add(exceptions, uid);
			seqset_remove(&diff->wanted, uid);
		}
}

int sync_fetch(struct diff *diff, struct err *err)
{
	struct fetch fetch = {
	    .diff = diff, .sync = diff->sync, .folder = diff->folder, .wanted = &diff->wanted};
	struct seqset exceptions;
	uint32_t uid = 0;
	size_t i;
	int result;

	seqset_init(&fetch.vanished);
	seqset_init(&exceptions);
	part_exceptions(diff, &exceptions);
	result = fetch_wanted(&fetch, err);
	fetch.wanted = &exceptions;
	if (result == 0)
		result = fetch_exceptions(&fetch, err);
	while ((uid = seqset_next(&fetch.vanished, uid)) != 0)
		seqset_add(&diff->wanted, uid);
	seqset_release(&fetch.vanished);
	seqset_release(&exceptions);
	free(fetch.odd);
	for (i = 0; i < LANES_MAX; i++)
		free(fetch.lane[i].item);
	return result;
}
