/* Owns:  nothing; changes the selected folder of a session.
 * Knows: the one way in which this program deletes from an IMAP server.
 * Never: sends a bare EXPUNGE or CLOSE; deletes without a clearance, or in another folder or
 *        UIDVALIDITY than the cleared one.
 * Spec:  RFC 4315 section 2.1; RFC 9051 sections 6.4.6, 6.4.9 */
#include "archiver/endpoint/imap_private.h"

#include "archiver/endpoint/clearance_private.h"

#include <string.h>

static int check_folder(const struct imap_session *session, const struct clearance *clearance,
    struct err *err)
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

static int take_left(void *arg, const struct response *response, struct err *err)
{
	(void)err;
	if (response->kind == RESPONSE_FETCH && response->fetch.has & FETCH_HAS_UID)
		seqset_add(arg, response->fetch.uid);
	return 0;
}

/* Which of a set are there: asked of the server anew. */
static int look(struct imap_session *session, const char *set, const struct seqset *asked,
    struct seqset *left_out, struct err *err)
{
	struct seqset seen;
	uint32_t uid = 0;
	int result;

	seqset_init(&seen);
	result = imap_do(session, take_left, &seen, err, "UID FETCH %s (UID)", set);
	/* Other messages may be told of unasked. */
	while (result == 0 && (uid = seqset_next(&seen, uid)) != 0)
		if (seqset_has(asked, uid))
			seqset_add(left_out, uid);
	seqset_release(&seen);
	return result;
}

static int expunge_set(struct imap_session *session, const char *set, const struct seqset *asked,
    struct seqset *left_out, struct err *err)
{
	struct err why = {0};

	if (imap_do(session, NULL, NULL, err, "UID STORE %s +FLAGS.SILENT (\\Deleted)", set) != 0)
		return -1;
	if (imap_do(session, NULL, NULL, &why, "UID EXPUNGE %s", set) != 0) {
		/* Take the marks back, so that nobody else's EXPUNGE acts on them. */
		if (!session->is_broken)
			(void)imap_do(session, NULL, NULL, NULL,
			    "UID STORE %s -FLAGS.SILENT (\\Deleted)", set);
		if (err)
			*err = why;
		return -1;
	}
	return look(session, set, asked, left_out, err);
}

int imap_expunge(struct endpoint *ep, const struct clearance *clearance,
    struct seqset *left_out, struct err *err)
{
	struct imap_session *session = IMAP_SESSION(ep);
	struct buf set;
	uint32_t last = 0;
	int result = check_folder(session, clearance, err);

	buf_init(&set, IMAP_COMMAND_BYTES);
	while (result == 0) {
		buf_clear(&set);
		last = seqset_format(
		    &clearance->uids, last, 1000, IMAP_COMMAND_BYTES - 200, &set);
		if (last == 0)
			break;
		result = expunge_set(session, buf_string(&set), &clearance->uids, left_out, err);
	}
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
		result = imap_do(session, NULL, NULL, err,
		    "UID STORE %s -FLAGS.SILENT (\\Deleted)", buf_string(&set));
	}
	buf_release(&set);
	return result;
}
