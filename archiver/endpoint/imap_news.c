/* Owns:  nothing; asks what changed in a folder since it was last looked at.
 * Knows: QRESYNC, CONDSTORE and ESEARCH, and how many round trips each question costs.
 * Never: believes a server that contradicts itself; it says so, and the caller lists.
 * Spec:  RFC 7162, RFC 4731, RFC 5161 */
#include "archiver/endpoint/imap_private.h"

#include "archiver/imapwire/imapflags.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RANGES_MAX 2000000 /* of UIDs, in one answer */
#define WITH_BYTES 100

struct news {
	struct imap_session *session;
	const struct endpoint_past *past;
	struct endpoint_news *out;
	endpoint_identity_fn fn;
	void *arg;
	struct buf flags;
	bool is_odd;
	bool is_of_another; /* of what came, some was about the folder that was open before */
	bool has_told, has_told_old, has_told_new, has_found;
};

bool imap_may_enable_qresync(const struct imap_session *session)
{
	return capability_has(&session->can, CAP_QRESYNC) &&
	    capability_has(&session->can, CAP_ENABLE);
}

/* ---- what the server says ---- */

static int take_changed(struct news *news, const struct response_fetch *fetch, struct err *err)
{
	struct endpoint_identity told = {.uid = {fetch->uid},
	    .has_flags = fetch->has & FETCH_HAS_FLAGS,
	    .has_date = fetch->has & FETCH_HAS_INTERNALDATE,
	    .date_unix = fetch->internaldate_unix};

	news->has_told = true;
	/* A change, but of what? */
	if (!(fetch->has & FETCH_HAS_UID) || fetch->uid == 0) {
		news->is_odd = true;
		return 0;
	}
	if (fetch->uid < news->past->uidnext)
		news->has_told_old = true;
	else
		news->has_told_new = true;
	buf_clear(&news->flags);
	if (told.has_flags)
		imapflags_normalise(&news->flags, fetch->flags);
	told.flags = buf_view(&news->flags);
	return news->fn(news->arg, &told, err);
}

static void take_set(struct news *news, struct seqset *into, struct bytes set)
{
	if (into->count > RANGES_MAX || seqset_parse(into, set, UINT32_MAX, RANGES_MAX, NULL) != 0)
		news->is_odd = true;
}

static int take_news(void *arg, const struct response *response, struct err *err)
{
	struct news *news = arg;

	switch (response->kind) {
	case RESPONSE_FETCH:
		return take_changed(news, &response->fetch, err);
	case RESPONSE_VANISHED:
		news->has_told = true;
		take_set(news, response->earlier ? &news->out->vanished : &news->out->left,
		    response->list);
		break;
	case RESPONSE_SEARCH:
		news->has_found = true;
		if (response->list.n > 0)
			take_set(news, &news->out->there, response->list);
		break;
	case RESPONSE_STATUS:
		if (bytes_is_nocase(response->code, "CLOSED") && news->has_told)
			news->is_of_another = true;
		break;
	default:
		break;
	}
	return 0;
}

/* ---- questions ---- */

/* The folder is the one that it was, only later, and it counts its changes. */
static bool is_later(const struct news *news, const struct endpoint_state *state)
{
	return state->uidvalidity == news->past->uidvalidity && state->uids_are_sticky &&
	    state->uidnext >= news->past->uidnext && state->modseq != 0;
}

static bool is_same(const struct endpoint_past *past, const struct endpoint_state *state)
{
	return state->modseq == past->modseq && state->uidnext == past->uidnext &&
	    state->messages == past->messages;
}

#define QUESTIONS 2

/* Questions that go out together; a refusal of one is a server that cannot do what it said. */
struct flight {
	struct imap_tag tag[QUESTIONS];
	size_t count;
};

/* With the dates: a UID that means another message now is told by its date. */
static int ask_changed(struct news *news, struct flight *flight, struct err *err)
{
	return imap_command(news->session, &flight->tag[flight->count++], err,
	    "UID FETCH 1:%" PRIu64 " (UID FLAGS INTERNALDATE) (CHANGEDSINCE %" PRIu64 ")",
	    news->past->uidnext - 1, news->past->modseq);
}

static int ask_new(struct news *news, struct flight *flight, struct err *err)
{
	return imap_command(news->session, &flight->tag[flight->count++], err,
	    "UID FETCH %" PRIu64 ":* (UID FLAGS INTERNALDATE)", news->past->uidnext);
}

/* Some find what cannot be fetched when they are asked for ALL. */
static int ask_all(struct news *news, struct flight *flight, struct err *err)
{
	return imap_command(news->session, &flight->tag[flight->count++], err,
	    capability_has(&news->session->can, CAP_ESEARCH) ? "UID SEARCH RETURN (ALL) UID 1:*"
							     : "UID SEARCH UID 1:*");
}

static int await_all(struct news *news, const struct flight *flight, struct err *err)
{
	struct imap_result result;
	size_t i;

	for (i = 0; i < flight->count; i++) {
		if (imap_await(news->session, &flight->tag[i], take_news, news, &result, err) != 0)
			return -1;
		if (!result.ok)
			news->is_odd = true;
	}
	return 0;
}

/* What opening the folder has not told already: the dates of what changed, and what is new if
 * the server thinks that this is no change. */
static int ask_after_qresync(struct news *news, const struct endpoint_state *state, struct err *err)
{
	struct flight flight = {0};

	news->out->telling = ENDPOINT_TELLS_CHANGES;
	if (news->has_told_old && ask_changed(news, &flight, err) != 0)
		return -1;
	if (state->uidnext > news->past->uidnext && state->messages > 0 && !news->has_told_new &&
	    ask_new(news, &flight, err) != 0)
		return -1;
	return await_all(news, &flight, err);
}

static int ask_with_condstore(
    struct news *news, const struct endpoint_state *state, struct err *err)
{
	struct flight flight = {0};

	news->out->telling = ENDPOINT_TELLS_CHANGES;
	if (is_same(news->past, state))
		return 0;
	news->out->telling = ENDPOINT_TELLS_ALL;
	/* "1:*" of an empty folder is an error to some. */
	if (state->messages == 0)
		return 0;
	if (state->modseq != news->past->modseq && news->past->uidnext > 1 &&
	    ask_changed(news, &flight, err) != 0)
		return -1;
	if (ask_all(news, &flight, err) != 0 || await_all(news, &flight, err) != 0)
		return -1;
	if (!news->has_found)
		news->is_odd = true;
	return 0;
}

/* ---- opening ---- */

static int open_plain(
    struct news *news, struct bytes name, struct endpoint_state *out, struct err *err)
{
	return imap_open_folder(news->session, name, ENDPOINT_READ, "", take_news, news, out, err);
}

static int open_with_qresync(
    struct news *news, struct bytes name, struct endpoint_state *out, struct err *err)
{
	struct err why = {0};
	char with[WITH_BYTES];

	snprintf(with, sizeof with, " (QRESYNC (%" PRIu32 " %" PRIu64 "))", news->past->uidvalidity,
	    news->past->modseq);
	if (imap_open_folder(
		news->session, name, ENDPOINT_READ, with, take_news, news, out, &why) == 0)
		return 0;
	if (why.code != ERR_SERVER) {
		if (err)
			*err = why;
		return -1;
	}
	/* Is it the folder, or that question? */
	news->is_odd = true;
	return open_plain(news, name, out, err);
}

static int ask(struct news *news, struct bytes name, bool with_qresync, struct endpoint_state *out,
    struct err *err)
{
	int result = with_qresync ? open_with_qresync(news, name, out, err)
				  : open_plain(news, name, out, err);

	if (result != 0)
		return -1;
	if (!is_later(news, out))
		return 0;
	if (out->modseq < news->past->modseq)
		news->is_odd = true;
	if (!news->is_odd && !news->is_of_another)
		result = with_qresync ? ask_after_qresync(news, out, err)
				      : ask_with_condstore(news, out, err);
	if (news->is_odd)
		news->out->telling = ENDPOINT_TELLS_ODDLY;
	return result;
}

/* How many there are now; a set that names more than there were is counted as far as that. */
static uint64_t messages_now(const struct news *news)
{
	uint64_t left = seqset_count(&news->out->left);

	return news->session->exists > left ? news->session->exists - left : 0;
}

int imap_select_since(struct endpoint *ep, struct bytes name, const struct endpoint_past *past,
    endpoint_identity_fn fn, void *arg, struct endpoint_news *out, struct endpoint_state *state,
    struct err *err)
{
	struct imap_session *session = IMAP_SESSION(ep);
	struct news news = {.session = session, .past = past, .out = out, .fn = fn, .arg = arg};
	int result;

	if (!capability_has(&session->can, CAP_CONDSTORE) || past->modseq == 0 ||
	    past->uidvalidity == 0 || past->uidnext == 0)
		return imap_open_folder(session, name, ENDPOINT_READ, "", NULL, NULL, state, err);
	buf_init(&news.flags, IMAPFLAGS_MAX_BYTES);
	result = ask(&news, name, session->has_qresync, state, err);
	out->messages = messages_now(&news);
	buf_release(&news.flags);
	return result;
}
