/* Owns:  what a server told of a folder since it was last looked at.
 * Knows: what proves it: as many messages as the server counts, and no contradiction.
 * Never: takes a change for true before that; what is not proven is listed.
 * Spec:  RFC 7162 sections 3.1.2, 3.2.5, 3.2.10 and 6 */
#include "archiver/sync/sync_private.h"

#define TOLD_MAX  1000000  /* changes; beyond, a listing needs less */
#define THERE_MAX 20000000 /* as many as one SEARCH may name */

bool sync_is_listing_due(const struct sync *sync, const struct catalog_folder *cursor)
{
	int64_t now = vault_now(sync->options->vault), listed = cursor->listed_unix;
	/* Not all folders in the same sync. */
	int64_t moment = (int64_t)((uint64_t)cursor->number * 2654435761u % SYNC_FULL_LIST_S);

	return listed <= 0 || now < listed ||
	    (now + moment) / SYNC_FULL_LIST_S != (listed + moment) / SYNC_FULL_LIST_S;
}

void sync_news_init(struct news *news)
{
	endpoint_news_init(&news->server);
	known_init(&news->told);
	seqset_init(&news->there);
	news->is_proven = false;
}

void sync_news_release(struct news *news)
{
	endpoint_news_release(&news->server);
	known_release(&news->told);
	seqset_release(&news->there);
}

static bool may_ask(const struct diff *diff)
{
	const struct catalog_folder *cursor = &diff->cursor;
	const struct sync *sync = diff->sync;

	return !sync->all->is_news_bad && endpoint_can(sync->ep, ENDPOINT_TELLS_MODSEQ) &&
	    !cursor->is_gone && cursor->uidvalidity != 0 && cursor->uidnext != 0 &&
	    cursor->modseq != 0 && !sync_is_listing_due(sync, cursor);
}

static int take_told(void *arg, const struct endpoint_identity *told, struct err *err)
{
	struct news *news = arg;

	(void)err;
	if (news->told.count <= TOLD_MAX)
		known_note(&news->told, told);
	return 0;
}

/* ---- the proof ---- */

static bool is_there(const struct news *news, uint32_t uid)
{
	return !seqset_has(&news->server.vanished, uid) && !seqset_has(&news->server.left, uid);
}

/* What was there, less what vanished, and what was told of. False when the server says of a
 * message both that it has vanished and what its flags are. */
static bool add_changes(struct diff *diff, struct news *news)
{
	uint32_t uid = 0;
	size_t i;

	for (i = 0; i < diff->known.count; i++)
		if (diff->known.entry[i].is_present && is_there(news, diff->known.entry[i].uid))
			seqset_add(&news->there, diff->known.entry[i].uid);
	while ((uid = seqset_next(&diff->exceptions, uid)) != 0)
		if (is_there(news, uid))
			seqset_add(&news->there, uid);
	for (i = 0; i < news->told.count; i++) {
		uid = news->told.entry[i].uid;
		if (seqset_has(&news->server.vanished, uid))
			return false;
		if (is_there(news, uid))
			seqset_add(&news->there, uid);
	}
	return true;
}

static void add_found(struct news *news)
{
	size_t i;
	uint32_t uid = 0;

	for (i = 0; i < news->server.there.count; i++)
		seqset_add_range(&news->there, news->server.there.range[i].first,
		    news->server.there.range[i].last);
	while ((uid = seqset_next(&news->server.left, uid)) != 0)
		seqset_remove(&news->there, uid);
}

/* Changed, but in what? */
static bool lacks_flags(const struct diff *diff, const struct news *news)
{
	size_t i;

	for (i = 0; i < news->told.count; i++)
		if (news->told.entry[i].uid < diff->cursor.uidnext && !news->told.entry[i].flags)
			return true;
	return false;
}

/* Beyond UIDNEXT there is nothing but what arrived since then, and that is told by EXISTS. */
static bool is_beyond(const struct news *news, const struct endpoint_state *state)
{
	const struct seqset *there = &news->there;

	return there->count > 0 && there->range[there->count - 1].last >= state->uidnext &&
	    news->server.messages + seqset_count(&news->server.left) <= state->messages;
}

/* Every message that there is, by number: exactly as many as the server says that there are, when
 * the folder was opened or now. */
static bool is_proven(struct diff *diff, struct news *news, const struct endpoint_state *state)
{
	uint64_t count;

	if (news->told.count > TOLD_MAX || state->messages > THERE_MAX ||
	    seqset_count(&news->server.left) > state->messages)
		return false;
	known_settle(&news->told);
	if (lacks_flags(diff, news))
		return false;
	if (news->server.telling == ENDPOINT_TELLS_ALL)
		add_found(news);
	else if (!add_changes(diff, news))
		return false;
	count = seqset_count(&news->there);
	if (is_beyond(news, state))
		return false;
	return count == state->messages || count == news->server.messages;
}

/* The folder is the one that the cursor is of, only later. */
static bool is_later(const struct diff *diff, const struct endpoint_state *state)
{
	return state->uidvalidity == diff->cursor.uidvalidity && state->uids_are_sticky &&
	    state->uidnext >= diff->cursor.uidnext && state->modseq >= diff->cursor.modseq;
}

/* The mod-sequence rises with a change. When none is told, a listing must show whether there was
 * any: servers raise it for less. */
static bool is_silent(
    const struct diff *diff, const struct news *news, const struct endpoint_state *state)
{
	return state->modseq != diff->cursor.modseq && state->uidnext == diff->cursor.uidnext &&
	    state->messages == diff->cursor.messages && news->told.count == 0 &&
	    seqset_is_empty(&news->server.vanished) && seqset_is_empty(&news->server.left);
}

/* ---- opening the folder ---- */

static int ask(struct diff *diff, struct news *news, struct endpoint_state *state, struct err *err)
{
	const struct endpoint_past past = {.uidvalidity = diff->cursor.uidvalidity,
	    .uidnext = diff->cursor.uidnext,
	    .modseq = diff->cursor.modseq,
	    .messages = diff->cursor.messages};
	struct err why = {0};

	int result;

	/* What is told goes to the news alone. */
	sync_leave(diff->sync->all);
	result = endpoint_select_since(diff->sync->ep, sync_folder_name(diff->folder), &past,
	    take_told, news, &news->server, state, &why);
	sync_enter(diff->sync->all);
	if (result == 0)
		return 0;
	/* It may have been the question. */
	if (why.code != ERR_SERVER)
		diff->sync->all->is_news_bad = true;
	if (err)
		*err = why;
	return -1;
}

int sync_open(struct diff *diff, struct news *news, struct endpoint_state *state, struct err *err)
{
	struct sync *sync = diff->sync;
	struct catalog *catalog = vault_catalog(sync->options->vault);

	if (!may_ask(diff))
		return sync_select(sync, diff->folder, state, err);
	if (ask(diff, news, state, err) != 0)
		return -1;
	if (news->server.telling == ENDPOINT_TELLS_NOTHING || !is_later(diff, state) ||
	    (news->server.telling != ENDPOINT_TELLS_ODDLY && is_silent(diff, news, state)))
		return 0;
	if (known_load(&diff->known, catalog, diff->cursor.number, diff->cursor.uidvalidity, err) !=
	    0) {
		sync->all->is_vault_bad = true;
		return -1;
	}
	news->is_proven =
	    news->server.telling != ENDPOINT_TELLS_ODDLY && is_proven(diff, news, state);
	if (news->is_proven)
		return 0;
	known_release(&diff->known);
	sync->all->is_news_bad = true;
	return sync_select(sync, diff->folder, state, err);
}

/* ---- as a listing ---- */

static int tell(struct diff *diff, struct known *told, uint32_t uid, endpoint_identity_fn fn,
    void *arg, struct err *err)
{
	const struct known_entry *now = known_find(told, uid);
	const struct known_entry *then = now && now->flags ? NULL : known_find(&diff->known, uid);
	struct endpoint_identity identity = {.uid = {uid},
	    .has_flags = true,
	    .has_date = now && now->has_date,
	    .date_unix = now ? now->date_unix : 0,
	    .flags = now && now->flags ? known_flags(told, now)
		: then                 ? known_flags(&diff->known, then)
				       : bytes_of(NULL)};

	return fn(arg, &identity, err);
}

int sync_tell_news(
    struct diff *diff, struct news *news, endpoint_identity_fn fn, void *arg, struct err *err)
{
	size_t i;

	for (i = 0; i < news->there.count; i++) {
		uint32_t uid = news->there.range[i].first;

		do {
			if (tell(diff, &news->told, uid, fn, arg, err) != 0)
				return -1;
		} while (uid++ < news->there.range[i].last);
	}
	return 0;
}
