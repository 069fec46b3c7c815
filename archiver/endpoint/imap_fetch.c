/* Owns:  nothing; reads the selected folder of a session.
 * Knows: how a listing, an identification and the texts of messages are asked for.
 * Never: asks for anything that sets \Seen; takes a response without a UID for a message.
 * Spec:  RFC 9051 sections 6.4.5, 6.4.9, 7.5.2 */
#include "archiver/endpoint/imap_private.h"

#include "archiver/imapwire/imapflags.h"

#include <stdlib.h>
#include <string.h>

#define BATCHES_AT_ONCE 3

/* ---- listing ---- */

struct scan {
	endpoint_scan_fn fn;
	void *arg;
	struct buf flags;
	struct seqset seen; /* a UID that is told twice must not hide one that is not told */
};

static int take_scanned(void *arg, const struct response *response, struct err *err)
{
	struct scan *scan = arg;
	const struct response_fetch *fetch = &response->fetch;

	/* Flags that changed meanwhile may come without a UID: the next listing has them. */
	if (response->kind != RESPONSE_FETCH || !(fetch->has & FETCH_HAS_UID) || fetch->uid == 0 ||
	    !(fetch->has & FETCH_HAS_FLAGS))
		return 0;
	buf_clear(&scan->flags);
	imapflags_normalise(&scan->flags, fetch->flags);
	seqset_add(&scan->seen, fetch->uid);
	return scan->fn(scan->arg, (struct imap_uid){fetch->uid}, buf_view(&scan->flags), err);
}

int imap_scan(struct endpoint *ep, endpoint_scan_fn fn, void *arg, uint64_t *count_out,
    struct err *err)
{
	struct imap_session *session = IMAP_SESSION(ep);
	struct scan scan = {.fn = fn, .arg = arg};
	int result = 0;

	buf_init(&scan.flags, IMAPFLAGS_MAX_BYTES);
	seqset_init(&scan.seen);
	/* "1:*" of an empty folder is an error to some servers. */
	if (session->exists > 0)
		result = imap_do(session, take_scanned, &scan, err, "UID FETCH 1:* (UID FLAGS)");
	buf_release(&scan.flags);
	*count_out = seqset_count(&scan.seen);
	seqset_release(&scan.seen);
	return result;
}

/* ---- identification ---- */

struct identify {
	endpoint_identity_fn fn;
	void *arg;
	struct buf flags;
};

static int take_identity(void *arg, const struct response *response, struct err *err)
{
	struct identify *identify = arg;
	const struct response_fetch *fetch = &response->fetch;
	struct endpoint_identity told = {.uid = {fetch->uid},
	    .has_flags = fetch->has & FETCH_HAS_FLAGS,
	    .has_date = fetch->has & FETCH_HAS_INTERNALDATE,
	    .has_size = fetch->has & FETCH_HAS_SIZE,
	    .has_header = fetch->has & FETCH_HAS_HEADER,
	    .date_unix = fetch->internaldate_unix,
	    .size_bytes = fetch->size_bytes,
	    .header = fetch->header};

	if (response->kind != RESPONSE_FETCH || !(fetch->has & FETCH_HAS_UID) || fetch->uid == 0)
		return 0;
	buf_clear(&identify->flags);
	if (told.has_flags)
		imapflags_normalise(&identify->flags, fetch->flags);
	told.flags = buf_view(&identify->flags);
	return identify->fn(identify->arg, &told, err);
}

/* Commands for a set, as many as its length needs, one after the other. */
static int do_for_set(struct imap_session *session, const struct seqset *uids, const char *items,
    imap_handler handler, void *arg, struct err *err)
{
	struct buf set;
	uint32_t last = 0;
	int result = 0;

	buf_init(&set, IMAP_COMMAND_BYTES);
	while (result == 0) {
		buf_clear(&set);
		last = seqset_format(uids, last, 1000, IMAP_COMMAND_BYTES - 200, &set);
		if (last == 0)
			break;
		result = imap_do(
		    session, handler, arg, err, "UID FETCH %s %s", buf_string(&set), items);
	}
	buf_release(&set);
	return result;
}

int imap_identify(struct endpoint *ep, const struct seqset *uids, endpoint_identity_fn fn,
    void *arg, struct err *err)
{
	struct identify identify = {.fn = fn, .arg = arg};
	int result;

	buf_init(&identify.flags, IMAPFLAGS_MAX_BYTES);
	result = do_for_set(IMAP_SESSION(ep), uids,
	    "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])",
	    take_identity, &identify, err);
	buf_release(&identify.flags);
	return result;
}

/* ---- texts ---- */

struct fetch {
	struct imap_session *session;
	const struct endpoint_sink *sink;
	struct imap_body body;
	struct buf flags, set;
	struct imap_tag tag[BATCHES_AT_ONCE];
	size_t first, waiting; /* a ring of commands that are not answered */
	uint32_t asked;        /* the last UID that was asked for */
};

/* A text that came as a quoted string or small literal. */
static int pass_kept_body(
    const struct endpoint_sink *sink, struct bytes text, struct err *err)
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
	    .has_body = got->has & FETCH_HAS_BODY,
	    .date_unix = got->internaldate_unix};

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
static int ask_more(
    struct fetch *fetch, const struct seqset *uids, uint64_t batch_count, struct err *err)
{
	uint32_t last;

	buf_clear(&fetch->set);
	last = seqset_format(
	    uids, fetch->asked, batch_count, IMAP_COMMAND_BYTES - 200, &fetch->set);
	if (last == 0)
		return 0;
	fetch->asked = last;
	if (imap_command(fetch->session,
		&fetch->tag[(fetch->first + fetch->waiting) % BATCHES_AT_ONCE], err,
		"UID FETCH %s (UID FLAGS INTERNALDATE BODY.PEEK[])", buf_string(&fetch->set)) != 0)
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

static int fetch_all(
    struct fetch *fetch, const struct seqset *uids, uint64_t batch_count, struct err *err)
{
	struct response response;
	int got = 1;

	for (;;) {
		while (got == 1 && fetch->waiting < BATCHES_AT_ONCE)
			got = ask_more(fetch, uids, batch_count, err);
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

int imap_fetch(struct endpoint *ep, const struct seqset *uids, uint64_t batch_count,
    const struct endpoint_sink *sink, struct err *err)
{
	struct fetch fetch = {.session = IMAP_SESSION(ep),
	    .sink = sink,
	    .body = {sink->arg, sink->begin, sink->data, sink->end}};
	int result;

	buf_init(&fetch.flags, IMAPFLAGS_MAX_BYTES);
	buf_init(&fetch.set, IMAP_COMMAND_BYTES);
	result = fetch_all(&fetch, uids, batch_count, err);
	buf_release(&fetch.flags);
	buf_release(&fetch.set);
	return result;
}
