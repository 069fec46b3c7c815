/* Owns:  the comparison of one folder with the catalogue.
 * Knows: what a listing proves, and what it does not.
 * Never: calls a message gone when the listing was not complete.
 * Spec:  RFC 9051 sections 2.3.1.1, 6.3.11; RFC 7162 section 6 */
#include "archiver/sync/sync_private.h"

#include "archiver/sync/known.h"

#include <string.h>

#define GONE_SET_BYTES (64u << 10)

struct event sync_place_event(const struct diff *diff, enum event_kind kind)
{
	return (struct event){.kind = kind,
	    .account = sync_account_name(diff->sync),
	    .folder = sync_folder_name(diff->folder),
	    .uidvalidity = diff->uidvalidity};
}

/* ---- the listing ---- */

struct listing {
	struct diff *diff;
	struct seqset exceptions; /* of the old ones: still there */
	bool is_doubtful;         /* UIDs may mean other messages than before */
};

static int take_listed(void *arg, const struct endpoint_identity *listed, struct err *err)
{
	struct listing *listing = arg;
	struct diff *diff = listing->diff;
	uint32_t uid = listed->uid.value;
	struct known_entry *entry = known_find(&diff->known, uid);
	struct event event;

	if (!entry) {
		seqset_add(&diff->wanted, uid);
		if (seqset_has(&diff->exceptions, uid))
			seqset_add(&listing->exceptions, uid);
		return 0;
	}
	if (entry->is_seen)
		return 0;
	entry->is_seen = true;
	if (!entry->is_present) {
		seqset_add(&diff->back, uid);
		return 0;
	}
	if (seqset_has(&diff->damaged, uid)) {
		seqset_add(&diff->wanted, uid);
		diff->sync->report->messages_mended++;
	} else if (listing->is_doubtful || known_is_other(entry, listed))
		seqset_add(&diff->doubted, uid);
	if (known_flags_are(&diff->known, entry, listed->flags))
		return 0;
	event = sync_place_event(diff, EVENT_FLAGS);
	event.uid = uid;
	event.flags = listed->flags;
	diff->sync->report->flags_changed++;
	return sync_log(diff->sync, &event, err);
}

static int log_gone(struct diff *diff, struct err *err)
{
	struct event event = sync_place_event(diff, EVENT_GONE);
	struct seqset unseen;
	struct buf text;
	uint32_t last = 0;
	int result = 0;

	seqset_init(&unseen);
	buf_init(&text, GONE_SET_BYTES);
	known_unseen(&diff->known, &unseen);
	while (result == 0) {
		buf_clear(&text);
		last = seqset_format(&unseen, last, UINT64_MAX, GONE_SET_BYTES - 1, &text);
		if (last == 0)
			break;
		event.uids = buf_view(&text);
		result = sync_log(diff->sync, &event, err);
	}
	diff->sync->report->messages_gone += seqset_count(&unseen);
	seqset_release(&unseen);
	buf_release(&text);
	return result;
}

/* Exceptions that are no longer on the server are none any more. */
static int forget_exceptions(struct diff *diff, const struct seqset *listed, struct err *err)
{
	struct event event = sync_place_event(diff, EVENT_SKIPPED);
	uint32_t uid = 0;

	while ((uid = seqset_next(&diff->exceptions, uid)) != 0) {
		event.uid = uid;
		if (!seqset_has(listed, uid) && sync_log(diff->sync, &event, err) != 0)
			return -1;
	}
	return 0;
}

/* The folder itself, when it is new or has changed. */
static int log_folder(struct sync *sync, const struct sync_folder *folder, bool is_known,
    const struct catalog_folder *known, struct err *err)
{
	struct event event = {.kind = EVENT_FOLDER,
	    .account = sync_account_name(sync),
	    .folder = sync_folder_name(folder),
	    .shown = bytes_of(folder->shown),
	    .delimiter = {&folder->delimiter, folder->delimiter ? 1 : 0},
	    .attributes = bytes_of(folder->attributes),
	    .state = BYTES("seen")};

	if (is_known && !known->is_gone && known->delimiter == folder->delimiter &&
	    bytes_equal(known->shown, event.shown) &&
	    bytes_equal(known->attributes, event.attributes))
		return 0;
	return sync_log(sync, &event, err);
}

/* Is any message known under that number? 1/0/-1. */
static int has_places(struct diff *diff, uint32_t uidvalidity, struct err *err)
{
	struct known old;
	int result;

	known_init(&old);
	result = known_load(
	    &old, vault_catalog(diff->sync->options->vault), diff->cursor.number, uidvalidity, err);
	if (result == 0)
		result = old.count > 0;
	else
		diff->sync->all->is_vault_bad = true;
	known_release(&old);
	return result;
}

/* A number under which nothing is known says nothing: Courier gives an INBOX that never had mail
 * another one in each session. */
static int retire(struct diff *diff, uint32_t uidvalidity, struct err *err)
{
	struct event event = sync_place_event(diff, EVENT_RETIRED);
	int has = has_places(diff, uidvalidity, err);

	if (has <= 0)
		return has;
	event.uidvalidity = uidvalidity;
	sync_problem(diff->sync, diff->folder,
	    "the server has numbered this folder anew (UIDVALIDITY %u); its messages are fetched "
	    "again and stored once",
	    uidvalidity);
	return sync_log(diff->sync, &event, err);
}

/* Nothing can have changed: told by STATUS alone. */
static bool is_unchanged(
    struct sync *sync, const struct sync_folder *folder, const struct catalog_folder *known)
{
	const struct endpoint_state *state = &folder->state;

	return folder->has_state && !known->is_gone && state->uidvalidity != 0 &&
	    state->uidvalidity == known->uidvalidity && state->uidnext == known->uidnext &&
	    state->messages == known->messages && !sync_is_listing_due(sync, known) &&
	    (state->messages == 0 || (state->modseq != 0 && state->modseq == known->modseq));
}

static int take_exception(
    void *arg, uint32_t uid, struct bytes reason, int64_t since_unix, struct err *err)
{
	(void)reason, (void)since_unix, (void)err;
	seqset_add(arg, uid);
	return 0;
}

/* A cursor that says nothing new is not written: a quiet account must not grow the archive. */
static bool is_same_cursor(const struct diff *diff, const struct endpoint_state *state)
{
	return diff->cursor.uidvalidity == diff->uidvalidity &&
	    diff->cursor.uidnext == state->uidnext && diff->cursor.modseq == state->modseq &&
	    diff->cursor.messages == state->messages &&
	    !sync_is_listing_due(diff->sync, &diff->cursor);
}

static int log_cursor(struct diff *diff, const struct endpoint_state *state, struct err *err)
{
	struct event event = sync_place_event(diff, EVENT_CURSOR);

	if (is_same_cursor(diff, state))
		return 0;

	event.uidnext = state->uidnext;
	event.modseq = state->modseq;
	event.messages = state->messages;
	return sync_log(diff->sync, &event, err);
}

/* The first word about a UIDVALIDITY, before any message is placed under it: however this sync
 * ends, the next one knows what to retire when the folder is numbered anew. */
static int begin_cursor(struct diff *diff, struct err *err)
{
	struct event event = sync_place_event(diff, EVENT_CURSOR);

	if (diff->uidvalidity == 0 || diff->cursor.uidvalidity == diff->uidvalidity)
		return 0;
	return sync_log(diff->sync, &event, err);
}

static void tell_incomplete(struct diff *diff, uint64_t messages, uint64_t listed)
{
	diff->sync->report->listings_incomplete++;
	sync_problem(diff->sync, diff->folder,
	    "the server has %llu messages but lists only %llu: deletions are not judged",
	    (unsigned long long)messages, (unsigned long long)listed);
}

/* UIDNEXT never goes down (RFC 9051 section 2.3.1.1): where it does, the folder has been made
 * anew under its old UIDVALIDITY. */
static bool is_doubtful(const struct diff *diff, const struct endpoint_state *state)
{
	return diff->uidvalidity != 0 && diff->cursor.uidvalidity == diff->uidvalidity &&
	    state->uidnext != 0 && state->uidnext < diff->cursor.uidnext;
}

/* Every message of the folder, from its listing or from proven news. */
static int list(struct diff *diff, struct news *news, const struct endpoint_state *state,
    struct listing *listing, bool *complete_out, struct err *err)
{
	uint64_t listed;

	if (news->is_proven) {
		*complete_out = true;
		return sync_tell_news(diff, news, take_listed, listing, err);
	}
	if (sync_scan(diff->sync, take_listed, listing, &listed, err) != 0)
		return -1;
	*complete_out = listed >= state->messages;
	if (!*complete_out)
		tell_incomplete(diff, state->messages, listed);
	return 0;
}

/* Note what changed, fetch what is new. */
static int compare(
    struct diff *diff, struct news *news, const struct endpoint_state *state, struct err *err)
{
	struct listing listing = {.diff = diff, .is_doubtful = is_doubtful(diff, state)};
	bool complete = false;
	int result;

	seqset_init(&listing.exceptions);
	result = list(diff, news, state, &listing, &complete, err);
	if (result == 0 && complete)
		result = log_gone(diff, err);
	if (result == 0 && complete)
		result = forget_exceptions(diff, &listing.exceptions, err);
	seqset_release(&listing.exceptions);
	if (result != 0 || sync_recall(diff, err) != 0 || sync_place_twins(diff, err) != 0 ||
	    sync_fetch(diff, err) != 0)
		return -1;
	return complete && seqset_is_empty(&diff->wanted) ? log_cursor(diff, state, err) : 0;
}

static int load_known(struct diff *diff, struct err *err)
{
	struct catalog *catalog = vault_catalog(diff->sync->options->vault);

	if (known_load(&diff->known, catalog, diff->cursor.number, diff->uidvalidity, err) == 0)
		return 0;
	diff->sync->all->is_vault_bad = true;
	return -1;
}

/* Under which numbers the folder is known, and is now. */
static int begin_numbers(
    struct diff *diff, bool is_known, const struct endpoint_state *state, struct err *err)
{
	uint32_t old_validity = diff->cursor.uidvalidity;
	/* UIDs that do not last name nothing the next time: everything is fetched, and known
	 * again by its bytes. */
	bool lasting = state->uidvalidity != 0 && state->uids_are_sticky;

	diff->uidvalidity = lasting ? state->uidvalidity : 0;
	if (is_known && old_validity != 0 && old_validity != diff->uidvalidity &&
	    retire(diff, old_validity, err) != 0)
		return -1;
	if (diff->uidvalidity != old_validity) {
		seqset_clear(&diff->exceptions);
		seqset_clear(&diff->damaged);
	}
	return begin_cursor(diff, err);
}

static int open_and_compare(struct diff *diff, bool is_known, struct err *err)
{
	struct endpoint_state state;
	struct news news;
	int result = -1;

	sync_news_init(&news);
	if (sync_open(diff, &news, &state, err) == 0 &&
	    begin_numbers(diff, is_known, &state, err) == 0 &&
	    (news.is_proven || !is_known || diff->uidvalidity == 0 || load_known(diff, err) == 0))
		result = compare(diff, &news, &state, err);
	sync_news_release(&news);
	return result;
}

static int take_damaged(void *arg, uint32_t uid, struct err *err)
{
	(void)err;
	seqset_add(arg, uid);
	return 0;
}

static int load_folder(struct diff *diff, struct catalog_folder *known, struct err *err)
{
	struct catalog *catalog = vault_catalog(diff->sync->options->vault);
	int found = catalog_folder(
	    catalog, sync_account_name(diff->sync), sync_folder_name(diff->folder), known, err);

	if (found == 1)
		diff->cursor = *known;
	/* By numbers: the names of the row are gone with the next question. */
	if (found == 1 &&
	    (catalog_skipped(catalog, diff->cursor.number, diff->cursor.uidvalidity, take_exception,
		 &diff->exceptions, err) != 0 ||
		catalog_damaged_places(catalog, diff->cursor.number, diff->cursor.uidvalidity,
		    take_damaged, &diff->damaged, err) != 0))
		found = -1;
	if (found < 0)
		diff->sync->all->is_vault_bad = true;
	return found;
}

static void release(struct diff *diff)
{
	known_release(&diff->known);
	seqset_release(&diff->wanted);
	seqset_release(&diff->back);
	seqset_release(&diff->doubted);
	seqset_release(&diff->damaged);
	seqset_release(&diff->exceptions);
}

static void begin(struct diff *diff)
{
	known_init(&diff->known);
	seqset_init(&diff->wanted);
	seqset_init(&diff->back);
	seqset_init(&diff->doubted);
	seqset_init(&diff->damaged);
	seqset_init(&diff->exceptions);
}

static bool has_debts(const struct diff *diff)
{
	return !seqset_is_empty(&diff->exceptions) || !seqset_is_empty(&diff->damaged);
}

int sync_one_folder(struct sync *sync, struct sync_folder *folder, struct err *err)
{
	struct diff diff = {.sync = sync, .folder = folder};
	struct catalog_folder known;
	int found, result = -1;

	if (folder->is_settled)
		return 0;
	begin(&diff);
	found = load_folder(&diff, &known, err);
	if (found == 1 && !has_debts(&diff) && is_unchanged(sync, folder, &known))
		result = 0;
	else if (found >= 0) {
		sync->report->folders_changed++;
		if (log_folder(sync, folder, found == 1, &known, err) == 0)
			result = open_and_compare(&diff, found == 1, err);
	}
	release(&diff);
	return result;
}

/* ---- of a survey ---- */

int sync_may_survey(struct sync *sync, const struct sync_folder *folder, struct err *err)
{
	const struct endpoint_state *state = &folder->state;
	struct diff diff = {.sync = sync, .folder = folder};
	struct catalog_folder known;
	int result;

	if (!folder->has_state || state->messages == 0 || state->messages > SYNC_SURVEY_COUNT)
		return 0;
	begin(&diff);
	result = load_folder(&diff, &known, err);
	if (result == 1)
		result = !known.is_gone && !has_debts(&diff) && known.uidvalidity != 0 &&
		    state->uidvalidity == known.uidvalidity && state->uidnext == known.uidnext &&
		    state->messages == known.messages && (state->modseq == 0 || known.modseq == 0);
	release(&diff);
	return result;
}

/* All that was listed is known, and is what it was. */
static bool is_familiar(struct diff *diff, const struct news *news)
{
	size_t i;

	for (i = 0; i < news->told.count; i++) {
		const struct known_entry *told = &news->told.entry[i];
		const struct known_entry *known = known_find(&diff->known, told->uid);

		if (!known || !known->is_present ||
		    (told->has_date && told->date_unix != known->date_unix))
			return false;
	}
	return true;
}

int sync_settle(struct sync *sync, const struct sync_folder *folder, struct news *news,
    const struct endpoint_state *state, struct err *err)
{
	struct diff diff = {.sync = sync, .folder = folder};
	struct catalog_folder known;
	int result;

	begin(&diff);
	result = load_folder(&diff, &known, err);
	diff.uidvalidity = diff.cursor.uidvalidity;
	if (result != 1 || state->uidvalidity != diff.uidvalidity || !state->uids_are_sticky ||
	    state->uidnext < diff.cursor.uidnext || seqset_count(&news->there) != state->messages) {
		result = result < 0 ? -1 : 0;
	} else if (load_known(&diff, err) != 0) {
		result = -1;
	} else if (!is_familiar(&diff, news)) {
		result = 0;
	} else {
		news->is_proven = true;
		if (log_folder(sync, folder, true, &known, err) != 0 ||
		    compare(&diff, news, state, err) != 0)
			result = -1;
	}
	release(&diff);
	return result;
}
