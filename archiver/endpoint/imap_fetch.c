/* Owns:  nothing; reads the selected folder of a session.
 * Knows: how a listing, an identification and the texts of messages are asked for.
 * Never: asks for anything that sets \Seen; takes a response without a UID for a message.
 * Spec:  RFC 9051 sections 6.4.5, 6.4.9, 7.5.2 */
#include "archiver/endpoint/imap_private.h"

#include "archiver/endpoint/backoff.h"
#include "archiver/endpoint/budget.h"
#include "archiver/imapwire/imapflags.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define BATCHES_AT_ONCE 3
#define THROTTLED_TRIES 5 /* in a row: 1 s, 2 s, 4 s, 8 s between them */
#define SHORT_BYTES     ((uint64_t)64 << 20)
#define SHORT_COUNT     10   /* messages in a command then */
#define FIELD_BYTES     8192 /* of a Message-ID field; a longer one is not there */

/* ---- listing ---- */

int imap_take_scanned(void *arg, const struct response *response, struct err *err)
{
	struct imap_scan *scan = arg;
	const struct response_fetch *fetch = &response->fetch;
	struct endpoint_identity told;

	/* Flags that changed meanwhile may come without a UID: the next listing has them. */
	if (response->kind != RESPONSE_FETCH || !(fetch->has & FETCH_HAS_UID) || fetch->uid == 0 ||
	    !(fetch->has & FETCH_HAS_FLAGS))
		return 0;
	buf_clear(&scan->flags);
	imapflags_normalise(&scan->flags, fetch->flags);
	seqset_add(&scan->seen, fetch->uid);
	told = (struct endpoint_identity){.uid = {fetch->uid},
	    .has_flags = true,
	    .has_date = fetch->has & FETCH_HAS_INTERNALDATE,
	    .flags = buf_view(&scan->flags),
	    .date_unix = fetch->internaldate_unix};
	return scan->fn(scan->arg, &told, err);
}

/* Some hosts end a long answer after a number of messages, without a word, the newest first or
 * the oldest: what is below and above those that came is asked for, as long as that brings more. */
static int scan_rest(struct imap_session *session, struct imap_scan *scan, struct err *err)
{
	uint64_t before = 0;

	while (session->exists > seqset_count(&scan->seen) && seqset_count(&scan->seen) > before) {
		uint32_t first = scan->seen.range[0].first;
		uint32_t last = scan->seen.range[scan->seen.count - 1].last;

		before = seqset_count(&scan->seen);
		if (first > 1 &&
		    imap_do(session, imap_take_scanned, scan, err,
			"UID FETCH 1:%u (UID FLAGS INTERNALDATE)", first - 1) != 0)
			return -1;
		if (session->exists > seqset_count(&scan->seen) && last < UINT32_MAX &&
		    imap_do(session, imap_take_scanned, scan, err,
			"UID FETCH %u:* (UID FLAGS INTERNALDATE)", last + 1) != 0)
			return -1;
	}
	return 0;
}

int imap_scan(
    struct endpoint *ep, endpoint_identity_fn fn, void *arg, uint64_t *count_out, struct err *err)
{
	struct imap_session *session = IMAP_SESSION(ep);
	struct imap_scan scan = {.fn = fn, .arg = arg};
	int result = 0;

	buf_init(&scan.flags, IMAPFLAGS_MAX_BYTES);
	seqset_init(&scan.seen);
	/* "1:*" of an empty folder is an error to some servers. */
	if (session->exists > 0)
		result = imap_do(session, imap_take_scanned, &scan, err,
		    "UID FETCH 1:* (UID FLAGS INTERNALDATE)");
	if (result == 0)
		result = scan_rest(session, &scan, err);
	buf_release(&scan.flags);
	*count_out = seqset_count(&scan.seen);
	seqset_release(&scan.seen);
	return result;
}

/* ---- identification ---- */

/* What has been told of one message so far. */
struct told {
	struct endpoint_identity identity; /* its views are of the strings below */
	char *flags, *header;
	bool is_contradicted;
};

/* One command for some of the UIDs, and what comes of it. */
struct identify {
	const struct seqset *uids;
	uint32_t after, last; /* it asks for those of them in (after, last] */
	struct told *told;
	size_t count, room;
	struct buf flags;
};

static void forget_told(struct identify *identify)
{
	size_t i;

	for (i = 0; i < identify->count; i++) {
		free(identify->told[i].flags);
		free(identify->told[i].header);
	}
	identify->count = 0;
}

static struct told *find_told(struct identify *identify, uint32_t uid)
{
	size_t i;

	/* Pieces of one message follow each other as a rule. */
	for (i = identify->count; i > 0; i--)
		if (identify->told[i - 1].identity.uid.value == uid)
			return &identify->told[i - 1];
	identify->told =
	    mem_grow(identify->told, &identify->room, identify->count + 1, sizeof *identify->told);
	identify->told[identify->count] = (struct told){.identity = {.uid = {uid}}};
	return &identify->told[identify->count++];
}

/* Flags may change, so the last word counts; nothing else of a message ever does. */
static void add_flags(struct identify *identify, struct told *told, struct bytes flags)
{
	buf_clear(&identify->flags);
	imapflags_normalise(&identify->flags, flags);
	free(told->flags);
	told->flags = bytes_string(buf_view(&identify->flags));
	told->identity.flags = bytes_of(told->flags);
	told->identity.has_flags = true;
}

static void add_header(struct told *told, struct bytes header)
{
	struct endpoint_identity *identity = &told->identity;

	if (identity->has_header) {
		told->is_contradicted |= !bytes_equal(identity->header, header);
		return;
	}
	told->header = bytes_string(header);
	identity->header = (struct bytes){told->header, header.n};
	identity->has_header = true;
}

static void add_piece(
    struct identify *identify, struct told *told, const struct response_fetch *piece)
{
	struct endpoint_identity *identity = &told->identity;

	if (piece->has & FETCH_HAS_FLAGS)
		add_flags(identify, told, piece->flags);
	if (piece->has & FETCH_HAS_INTERNALDATE) {
		told->is_contradicted |=
		    identity->has_date && identity->date_unix != piece->internaldate_unix;
		identity->date_unix = piece->internaldate_unix;
		identity->has_date = true;
	}
	if (piece->has & FETCH_HAS_SIZE) {
		told->is_contradicted |=
		    identity->has_size && identity->size_bytes != piece->size_bytes;
		identity->size_bytes = piece->size_bytes;
		identity->has_size = true;
	}
	if (piece->has & FETCH_HAS_GMAIL_ID) {
		told->is_contradicted |=
		    identity->has_account_id && identity->account_id != piece->gmail_id;
		identity->account_id = piece->gmail_id;
		identity->has_account_id = true;
	}
	if (piece->has & FETCH_HAS_HEADER && piece->header.n <= FIELD_BYTES)
		add_header(told, piece->header);
}

static int take_identity(void *arg, const struct response *response, struct err *err)
{
	struct identify *identify = arg;
	const struct response_fetch *piece = &response->fetch;

	(void)err;
	if (response->kind == RESPONSE_FETCH && piece->has & FETCH_HAS_UID &&
	    piece->uid > identify->after && piece->uid <= identify->last &&
	    seqset_has(identify->uids, piece->uid))
		add_piece(identify, find_told(identify, piece->uid), piece);
	return 0;
}

static int tell_identities(
    struct identify *identify, endpoint_identity_fn fn, void *arg, struct err *err)
{
	int result = 0;
	size_t i;

	for (i = 0; result == 0 && i < identify->count; i++) {
		struct endpoint_identity *identity = &identify->told[i].identity;

		if (identify->told[i].is_contradicted)
			identity->has_date = identity->has_size = identity->has_header =
			    identity->has_account_id = false;
		result = fn(arg, identity, err);
	}
	return result;
}

static int identify_by(struct endpoint *ep, const char *items, const struct seqset *uids,
    endpoint_identity_fn fn, void *arg, struct err *err)
{
	struct identify identify = {.uids = uids};
	struct buf set;
	int result = 0;

	buf_init(&set, IMAP_COMMAND_BYTES);
	buf_init(&identify.flags, IMAPFLAGS_MAX_BYTES);
	while (result == 0) {
		buf_clear(&set);
		identify.last =
		    seqset_format(uids, identify.after, 1000, IMAP_COMMAND_BYTES - 200, &set);
		if (identify.last == 0)
			break;
		result = imap_do(IMAP_SESSION(ep), take_identity, &identify, err, "UID FETCH %s %s",
		    buf_string(&set), items);
		if (result == 0)
			result = tell_identities(&identify, fn, arg, err);
		forget_told(&identify);
		identify.after = identify.last;
	}
	free(identify.told);
	buf_release(&set);
	buf_release(&identify.flags);
	return result;
}

int imap_identify(struct endpoint *ep, const struct seqset *uids, endpoint_identity_fn fn,
    void *arg, struct err *err)
{
	return identify_by(ep,
	    "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])", uids, fn,
	    arg, err);
}

struct naming {
	endpoint_identity_fn fn;
	void *arg;
};

static int take_name(void *arg, const struct response *response, struct err *err)
{
	const struct naming *naming = arg;
	const struct response_fetch *piece = &response->fetch;
	struct endpoint_identity identity = {
	    .uid = {piece->uid}, .has_account_id = true, .account_id = piece->gmail_id};

	if (response->kind != RESPONSE_FETCH || !(piece->has & FETCH_HAS_UID) ||
	    !(piece->has & FETCH_HAS_GMAIL_ID))
		return 0;
	return naming->fn(naming->arg, &identity, err);
}

int imap_message_ids(struct endpoint *ep, const struct seqset *uids, endpoint_identity_fn fn,
    void *arg, struct err *err)
{
	struct naming naming = {fn, arg};

	if (uids)
		return identify_by(ep, "(UID FLAGS INTERNALDATE X-GM-MSGID)", uids, fn, arg, err);
	if (IMAP_SESSION(ep)->exists == 0)
		return 0;
	return imap_do(IMAP_SESSION(ep), take_name, &naming, err, "UID FETCH 1:* (UID X-GM-MSGID)");
}

/* ---- texts ---- */

/* A command for texts that is not answered. */
struct asked {
	struct imap_tag tag;
	struct seqset uids;
	bool is_waiting; /* for its answer */
};

struct fetch {
	struct imap_session *session;
	const struct endpoint_sink *sink;
	struct imap_body body;
	const struct endpoint_source *source;
	struct buf flags, set;
	bool is_exhausted;    /* the source has no more */
	uint64_t batch_count; /* messages in a command: fewer each time that one is refused */
	struct asked asked[BATCHES_AT_ONCE]; /* answered in any order (RFC 9051 section 5.5) */
	size_t waiting;
	struct seqset next; /* what the source gave, and what was refused for now */
	unsigned refusals;  /* in a row */
	bool must_wait;     /* since one was refused, before the next is sent */
};

/* A text that came as a quoted string or small literal. */
static int pass_kept_body(const struct endpoint_sink *sink, struct bytes text, struct err *err)
{
	if (sink->begin(sink->arg, text.n, err) != 0)
		return -1;
	if (text.n > 0 && sink->data(sink->arg, text.p, text.n, err) != 0)
		return -1;
	return sink->end(sink->arg, err);
}

static int take_fetched(struct fetch *fetch, const struct response *response, struct err *err)
{
	const struct response_fetch *got = &response->fetch;
	struct endpoint_message message = {.uid = {got->uid},
	    .has_flags = got->has & FETCH_HAS_FLAGS,
	    .has_date = got->has & FETCH_HAS_INTERNALDATE,
	    .has_size = got->has & FETCH_HAS_SIZE,
	    .has_body = got->has & FETCH_HAS_BODY,
	    .date_unix = got->internaldate_unix,
	    .size_bytes = got->size_bytes};

	if (!(got->has & FETCH_HAS_UID) || got->uid == 0)
		message.uid.value = 0;
	if (message.has_body && !got->body_streamed &&
	    pass_kept_body(fetch->sink, got->body, err) != 0)
		return -1;
	buf_clear(&fetch->flags);
	if (message.has_flags)
		imapflags_normalise(&fetch->flags, got->flags);
	message.flags = buf_view(&fetch->flags);
	return fetch->sink->message(fetch->sink->arg, &message, err);
}

/* Is the budget for today nearly spent, so that answers under way count? */
static bool is_short(const struct fetch *fetch)
{
	return budget_left(fetch->session->budget) < SHORT_BYTES;
}

static int pause_for_today(const struct fetch *fetch, struct err *err)
{
	struct budget *budget = fetch->session->budget;
	char when[CLOCK_ISO_BYTES];

	clock_local(budget_ready_unix(budget), when);
	return err_set(err, ERR_PAUSED,
	    "paused: %llu MB of %llu MB a day (bytes-per-day) were downloaded; it can go on from "
	    "%s",
	    (unsigned long long)(budget_spent(budget) >> 20),
	    (unsigned long long)(budget_limit(budget) >> 20), when);
}

/* Is there something to ask for? What was refused first. */
static bool has_next(struct fetch *fetch)
{
	if (seqset_is_empty(&fetch->next) && !fetch->is_exhausted)
		fetch->is_exhausted = !fetch->source->next(fetch->source->arg, &fetch->next);
	return !seqset_is_empty(&fetch->next);
}

/* The next command's UIDs, in out and in fetch->set. */
static void take_next(struct fetch *fetch, struct seqset *out)
{
	uint64_t count = fetch->batch_count;
	uint32_t uid = 0, last;

	seqset_clear(out);
	buf_clear(&fetch->set);
	if (is_short(fetch) && count > SHORT_COUNT)
		count = SHORT_COUNT;
	last = seqset_format(&fetch->next, 0, count, IMAP_COMMAND_BYTES - 200, &fetch->set);
	while (uid < last && (uid = seqset_next(&fetch->next, uid)) != 0)
		seqset_add(out, uid);
	for (uid = 0; (uid = seqset_next(out, uid)) != 0;)
		seqset_remove(&fetch->next, uid);
}

/* Send the next command, if there is more to ask for: 1, 0, -1. */
static int ask_more(struct fetch *fetch, struct err *err)
{
	struct asked *asked = fetch->asked;

	if (!has_next(fetch) || (fetch->waiting > 0 && is_short(fetch)))
		return 0;
	if (budget_left(fetch->session->budget) == 0)
		return pause_for_today(fetch, err);
	while (asked->is_waiting)
		asked++;
	take_next(fetch, &asked->uids);
	if (imap_command(fetch->session, &asked->tag, err,
		"UID FETCH %s (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])",
		buf_string(&fetch->set)) != 0)
		return -1;
	asked->is_waiting = true;
	fetch->waiting++;
	return 1;
}

/* The server wants to be asked less: later, and for fewer at once. */
static int take_refusal(struct fetch *fetch, const struct seqset *uids,
    const struct imap_result *result, struct err *err)
{
	uint32_t uid = 0;

	if (++fetch->refusals >= THROTTLED_TRIES)
		return imap_refused(result, "UID FETCH", err);
	while ((uid = seqset_next(uids, uid)) != 0)
		seqset_add(&fetch->next, uid);
	fetch->must_wait = true;
	if (seqset_count(uids) < fetch->batch_count)
		fetch->batch_count = seqset_count(uids);
	fetch->batch_count = (fetch->batch_count + 1) / 2;
	return 0;
}

static struct asked *find_asked(struct fetch *fetch, const struct response *response)
{
	size_t i;

	for (i = 0; i < BATCHES_AT_ONCE; i++)
		if (fetch->asked[i].is_waiting && imap_is_tag(response, &fetch->asked[i].tag))
			return &fetch->asked[i];
	return NULL;
}

static int take_reply(struct fetch *fetch, const struct response *response, struct err *err)
{
	struct asked *asked = find_asked(fetch, response);
	struct imap_result result;

	if (!asked) {
		fetch->session->is_broken = true;
		return err_set(err, ERR_PROTOCOL, "the server answered a command out of turn");
	}
	asked->is_waiting = false;
	fetch->waiting--;
	imap_take_result(response, &result);
	if (imap_is_logged_out(fetch->session, &result, err))
		return -1;
	if (imap_refusal(&result) != REFUSAL_THROTTLED)
		fetch->refusals = 0;
	else if (take_refusal(fetch, &asked->uids, &result, err) != 0)
		return -1;
	return fetch->sink->batch(
	    fetch->sink->arg, &asked->uids, result.ok, bytes_of(result.reason), err);
}

/* A server that asks for less is given time. */
static int wait_for_leave(struct fetch *fetch, struct err *err)
{
	return backoff_wait(
	    backoff_ms(1000, 30000, fetch->refusals, backoff_random()), fetch->session->stop, err);
}

/* As many at once as may be, unless somebody asked for less: then not before all is answered. */
static int ask(struct fetch *fetch, struct err *err)
{
	int got = 1;

	if (fetch->must_wait && fetch->waiting > 0)
		return 0;
	if (fetch->must_wait && wait_for_leave(fetch, err) != 0)
		return -1;
	fetch->must_wait = false;
	if (fetch->refusals > 0) /* one at a time, until it is answered */
		return fetch->waiting > 0 ? 0 : ask_more(fetch, err);
	while (got == 1 && fetch->waiting < BATCHES_AT_ONCE)
		got = ask_more(fetch, err);
	return got;
}

static int fetch_all(struct fetch *fetch, struct err *err)
{
	struct response response;

	for (;;) {
		if (ask(fetch, err) < 0) {
			fetch->session->is_broken |= fetch->waiting > 0;
			return -1;
		}
		if (fetch->waiting == 0)
			return 0;
		if (imap_read(fetch->session, &fetch->body, &response, err) != 0)
			return -1;
		if (response.kind == RESPONSE_FETCH && take_fetched(fetch, &response, err) != 0)
			break;
		if (response.kind == RESPONSE_TAGGED && take_reply(fetch, &response, err) != 0)
			break;
	}
	/* Left in the middle: answers are still to come that nobody would read. */
	fetch->session->is_broken = true;
	return -1;
}

int imap_fetch(struct endpoint *ep, const struct endpoint_source *source,
    const struct endpoint_sink *sink, struct err *err)
{
	struct fetch fetch = {.session = IMAP_SESSION(ep),
	    .source = source,
	    .sink = sink,
	    .body = {sink->arg, sink->begin, sink->data, sink->end}};
	unsigned most = fetch.session->provider->batch_count;
	size_t i;
	int result;

	fetch.batch_count = most > 0 ? most : ENDPOINT_ASK_COUNT;
	buf_init(&fetch.flags, IMAPFLAGS_MAX_BYTES);
	buf_init(&fetch.set, IMAP_COMMAND_BYTES);
	seqset_init(&fetch.next);
	for (i = 0; i < BATCHES_AT_ONCE; i++)
		seqset_init(&fetch.asked[i].uids);
	result = fetch_all(&fetch, err);
	for (i = 0; i < BATCHES_AT_ONCE; i++)
		seqset_release(&fetch.asked[i].uids);
	seqset_release(&fetch.next);
	buf_release(&fetch.flags);
	buf_release(&fetch.set);
	return result;
}
