/* Owns:  nothing; changes the selected folder of a session.
 * Knows: the one way in which this program deletes from an IMAP server.
 * Never: sends a bare EXPUNGE or CLOSE; deletes without a clearance, or in another folder or
 *        UIDVALIDITY than the cleared one.
 * Spec:  RFC 4315 section 2.1; RFC 9051 sections 6.4.6, 6.4.9 */
#include "archiver/endpoint/imap_private.h"

#include "archiver/endpoint/clearance_private.h"
#include "archiver/imapwire/imapflags.h"

#include <string.h>

#define SEARCH_MOST 16000000u /* in so few bytes a server can claim any number */

static int check_folder(
    const struct imap_session *session, const struct clearance *clearance, struct err *err)
{
	const struct endpoint_state *state = &session->state;

	if (!bytes_equal(buf_view(&session->selected), buf_view(&clearance->folder)) ||
	    session->selected.n == 0)
		return err_set(err, ERR_UNSAFE, "another folder is open than was cleared");
	if (session->mode != ENDPOINT_WRITE || !state->is_writable)
		return err_set(err, ERR_UNSAFE, "the server opens the folder read-only");
	if (state->uidvalidity == 0 || state->uidvalidity != clearance->uidvalidity)
		return err_set(err, ERR_UNSAFE, "the folder's UIDVALIDITY is not the cleared one");
	if (!state->uids_are_sticky)
		return err_set(err, ERR_UNSAFE, "the server's UIDs last only one session");
	if (!state->can_delete)
		return err_set(err, ERR_UNSAFE, "the server does not keep \\Deleted here");
	if (!capability_has(&session->can, CAP_UIDPLUS))
		return err_set(err, ERR_UNSAFE,
		    "the server cannot delete by UID (no UIDPLUS), only everything marked "
		    "\\Deleted, also by others");
	return 0;
}

/* ---- which messages there are ---- */

static int take_found(void *arg, const struct response *response, struct err *err)
{
	if (response->kind == RESPONSE_SEARCH && response->list.n > 0)
		return seqset_parse(arg, response->list, 0, SIZE_MAX, err);
	return 0;
}

static int take_listed(void *arg, const struct response *response, struct err *err)
{
	(void)err;
	if (response->kind == RESPONSE_FETCH && response->fetch.has & FETCH_HAS_UID)
		seqset_add(arg, response->fetch.uid);
	return 0;
}

/* All UIDs of the folder. A search answers in a few bytes, but some servers' searches leave
 * things out: only when it finds as many as the server counts does it save the listing. */
static int list_uids(struct imap_session *session, struct seqset *out, struct err *err)
{
	struct err why = {0};

	if (session->exists == 0)
		return 0;
	if (capability_has(&session->can, CAP_ESEARCH) &&
	    imap_do(session, take_found, out, &why, "UID SEARCH RETURN (ALL) ALL") == 0 &&
	    seqset_count(out) == session->exists && session->exists <= SEARCH_MOST)
		return 0;
	if (session->is_broken) {
		if (err)
			*err = why;
		return -1;
	}
	seqset_clear(out);
	return imap_do(session, take_listed, out, err, "UID FETCH 1:* (UID)");
}

static int check_whole(
    const struct imap_session *session, const struct seqset *listed, struct err *err)
{
	if (seqset_count(listed) >= session->exists)
		return 0;
	return err_set(err, ERR_UNSAFE, "the server counts %llu messages but lists %llu",
	    (unsigned long long)session->exists, (unsigned long long)seqset_count(listed));
}

/* The folder again, with a count that does not hang on what was told in between. */
static int reopen(struct imap_session *session, const struct clearance *clearance, struct err *err)
{
	struct endpoint *ep = &session->endpoint;
	struct endpoint_state state;

	if (ep->ops->select(ep, buf_view(&clearance->folder), ENDPOINT_WRITE, &state, err) != 0)
		return -1;
	if (state.uidvalidity == clearance->uidvalidity)
		return 0;
	return err_set(err, ERR_UNSAFE, "the folder was numbered anew while it was purged");
}

/* What a listing leaves out must not pass for deleted. EXPUNGE lines that are not true, or do
 * not come, make the count wrong, so that where both do not agree the folder is opened anew. */
static int list_after(struct imap_session *session, const struct clearance *clearance,
    struct seqset *after, struct err *err)
{
	if (list_uids(session, after, err) != 0)
		return -1;
	if (session->exists > 0 && seqset_count(after) == session->exists)
		return 0;
	seqset_clear(after);
	if (reopen(session, clearance, err) != 0 || list_uids(session, after, err) != 0)
		return -1;
	return check_whole(session, after, err);
}

/* Those that were asked for and are there, and those that went unasked. */
static void compare(const struct seqset *before, const struct seqset *after,
    const struct seqset *asked, struct seqset *left_out, struct seqset *lost_out)
{
	uint32_t uid = 0;

	while ((uid = seqset_next(asked, uid)) != 0)
		if (seqset_has(after, uid))
			seqset_add(left_out, uid);
	uid = 0;
	while ((uid = seqset_next(before, uid)) != 0)
		if (!seqset_has(after, uid) && !seqset_has(asked, uid))
			seqset_add(lost_out, uid);
}

/* ---- deleting ---- */

/* The marks are set, and nothing has happened to the messages in between. */
struct marking {
	const struct clearance *clearance;
	struct buf flags;
	uint32_t changed_uid; /* one that somebody has flagged since it was cleared */
};

static int take_marked(void *arg, const struct response *response, struct err *err)
{
	struct marking *marking = arg;
	const struct response_fetch *fetch = &response->fetch;

	(void)err;
	if (response->kind != RESPONSE_FETCH || !(fetch->has & FETCH_HAS_UID) ||
	    !(fetch->has & FETCH_HAS_FLAGS) || !seqset_has(&marking->clearance->plain, fetch->uid))
		return 0;
	buf_clear(&marking->flags);
	imapflags_normalise(&marking->flags, fetch->flags);
	if (imapflags_has(buf_view(&marking->flags), "\\Flagged") ||
	    imapflags_has(buf_view(&marking->flags), "\\Draft"))
		marking->changed_uid = fetch->uid;
	return 0;
}

static int mark(struct imap_session *session, const struct clearance *clearance, const char *set,
    struct err *err)
{
	struct marking marking = {.clearance = clearance};
	int result;

	buf_init(&marking.flags, IMAPFLAGS_MAX_BYTES);
	result = imap_do(
	    session, take_marked, &marking, err, "UID STORE %s +FLAGS.SILENT (\\Deleted)", set);
	if (result == 0 && marking.changed_uid != 0)
		result = err_set(err, ERR_UNSAFE,
		    "the message with UID %u was flagged while it was to be deleted",
		    marking.changed_uid);
	buf_release(&marking.flags);
	return result;
}

/* Take the marks back, so that nobody else's EXPUNGE acts on them. */
static void unmark_quietly(
    struct imap_session *session, const struct clearance *clearance, const struct seqset *asked)
{
	if (!session->is_broken && session->selected.n > 0 &&
	    session->state.uidvalidity == clearance->uidvalidity)
		(void)imap_unmark(&session->endpoint, asked, NULL);
}

static int mark_and_expunge(struct imap_session *session, const struct clearance *clearance,
    const struct seqset *asked, const char *set, struct err *err)
{
	struct err why = {0};

	if (mark(session, clearance, set, &why) == 0 &&
	    imap_do(session, NULL, NULL, &why, "UID EXPUNGE %s", set) == 0)
		return 0;
	unmark_quietly(session, clearance, asked);
	if (err)
		*err = why;
	return -1;
}

/* One command's worth of the clearance. */
static int expunge_some(struct imap_session *session, const struct clearance *clearance,
    const struct seqset *asked, const char *set, struct seqset *left_out, struct seqset *lost_out,
    struct err *err)
{
	struct seqset before, after, left;
	uint32_t uid = 0;
	int result = -1;

	seqset_init(&before);
	seqset_init(&after);
	seqset_init(&left);
	if (list_uids(session, &before, err) != 0 || check_whole(session, &before, err) != 0 ||
	    mark_and_expunge(session, clearance, asked, set, err) != 0)
		goto out;
	if (list_after(session, clearance, &after, err) != 0) {
		unmark_quietly(session, clearance, asked);
		goto out;
	}
	compare(&before, &after, asked, &left, lost_out);
	while ((uid = seqset_next(&left, uid)) != 0)
		seqset_add(left_out, uid);
	result = 0;
	/* After a loss the server is told nothing more, not even that. */
	if (!seqset_is_empty(&left) && seqset_is_empty(lost_out))
		result = imap_unmark(&session->endpoint, &left, err);
out:
	seqset_release(&before);
	seqset_release(&after);
	seqset_release(&left);
	return result;
}

int imap_expunge(struct endpoint *ep, const struct clearance *clearance, struct seqset *left_out,
    struct seqset *lost_out, struct err *err)
{
	struct imap_session *session = IMAP_SESSION(ep);
	struct seqset asked;
	struct buf set;
	uint32_t last = 0;
	int result = check_folder(session, clearance, err);

	seqset_init(&asked);
	buf_init(&set, IMAP_COMMAND_BYTES);
	while (result == 0 && seqset_is_empty(lost_out)) {
		buf_clear(&set);
		seqset_clear(&asked);
		last = seqset_format(&clearance->uids, last, 1000, IMAP_COMMAND_BYTES - 200, &set);
		if (last == 0)
			break;
		result = seqset_parse(&asked, buf_view(&set), 0, SIZE_MAX, err);
		if (result == 0)
			result = expunge_some(
			    session, clearance, &asked, buf_string(&set), left_out, lost_out, err);
	}
	seqset_release(&asked);
	buf_release(&set);
	return result;
}

int imap_unmark(struct endpoint *ep, const struct seqset *uids, struct err *err)
{
	struct imap_session *session = IMAP_SESSION(ep);
	struct buf set;
	uint32_t last = 0;
	int result = 0;

	buf_init(&set, IMAP_COMMAND_BYTES);
	while (result == 0) {
		buf_clear(&set);
		last = seqset_format(uids, last, 1000, IMAP_COMMAND_BYTES - 200, &set);
		if (last == 0)
			break;
		result = imap_do(session, NULL, NULL, err, "UID STORE %s -FLAGS.SILENT (\\Deleted)",
		    buf_string(&set));
	}
	buf_release(&set);
	return result;
}
