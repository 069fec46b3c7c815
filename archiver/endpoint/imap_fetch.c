/* Owns:  nothing; reads the selected folder of a session.
 * Knows: how a listing, an identification and the texts of messages are asked for.
 * Never: asks for anything that sets \Seen; takes a response without a UID for a message.
 * Spec:  RFC 9051 sections 6.4.5, 6.4.9, 7.5.2 */
#include "archiver/endpoint/imap_private.h"

#include "archiver/imapwire/imapflags.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define BATCHES_AT_ONCE 3
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
			identity->has_date = identity->has_size = identity->has_header = false;
		result = fn(arg, identity, err);
	}
	return result;
}

int imap_identify(struct endpoint *ep, const struct seqset *uids, endpoint_identity_fn fn,
    void *arg, struct err *err)
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
		result = imap_do(IMAP_SESSION(ep), take_identity, &identify, err,
		    "UID FETCH %s (UID FLAGS INTERNALDATE RFC822.SIZE"
		    " BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])",
		    buf_string(&set));
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

/* ---- texts ---- */

struct fetch {
	struct imap_session *session;
	const struct endpoint_sink *sink;
	struct imap_body body;
	const struct endpoint_source *source;
	struct buf flags, set;
	struct seqset next;
	struct imap_tag tag[BATCHES_AT_ONCE];
	size_t first, waiting; /* a ring of commands that are not answered */
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

/* Send the next command, if there is more to ask for. */
static int ask_more(struct fetch *fetch, struct err *err)
{
	seqset_clear(&fetch->next);
	if (!fetch->source->next(fetch->source->arg, &fetch->next))
		return 0;
	buf_clear(&fetch->set);
	seqset_format(&fetch->next, 0, ENDPOINT_ASK_COUNT, IMAP_COMMAND_BYTES - 200, &fetch->set);
	if (imap_command(fetch->session,
		&fetch->tag[(fetch->first + fetch->waiting) % BATCHES_AT_ONCE], err,
		"UID FETCH %s (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])",
		buf_string(&fetch->set)) != 0)
		return -1;
	fetch->waiting++;
	return 1;
}

static int take_reply(struct fetch *fetch, const struct response *response, struct err *err)
{
	struct imap_result result;

	if (!imap_is_tag(response, &fetch->tag[fetch->first])) {
		fetch->session->is_broken = true;
		return err_set(err, ERR_PROTOCOL, "the server answered a command out of turn");
	}
	fetch->first = (fetch->first + 1) % BATCHES_AT_ONCE;
	fetch->waiting--;
	imap_take_result(response, &result);
	return fetch->sink->batch(fetch->sink->arg, result.ok, bytes_of(result.reason), err);
}

static int fetch_all(struct fetch *fetch, struct err *err)
{
	struct response response;
	int got = 1;

	for (;;) {
		while (got == 1 && fetch->waiting < BATCHES_AT_ONCE)
			got = ask_more(fetch, err);
		if (got < 0)
			return -1;
		if (fetch->waiting == 0)
			return 0;
		if (imap_read(fetch->session, &fetch->body, &response, err) != 0)
			return -1;
		if (response.kind == RESPONSE_FETCH && take_fetched(fetch, &response, err) != 0)
			break;
		if (response.kind == RESPONSE_TAGGED) {
			if (take_reply(fetch, &response, err) != 0)
				break;
			got = 1;
		}
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
	int result;

	buf_init(&fetch.flags, IMAPFLAGS_MAX_BYTES);
	buf_init(&fetch.set, IMAP_COMMAND_BYTES);
	seqset_init(&fetch.next);
	result = fetch_all(&fetch, err);
	seqset_release(&fetch.next);
	buf_release(&fetch.flags);
	buf_release(&fetch.set);
	return result;
}
