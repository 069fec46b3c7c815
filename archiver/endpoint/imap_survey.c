/* Owns:  nothing; lists many folders of a session, with many commands under way.
 * Knows: that a server does what it is told in the order in which it is told (RFC 9051 section
 *        5.5): what comes between the two answers of a folder is about that folder.
 * Never: takes a listing for that of a folder which was not opened. */
#include "archiver/endpoint/imap_private.h"

#include "archiver/imapwire/imapcommand.h"
#include "archiver/imapwire/imapflags.h"

#define FOLDERS_AT_ONCE 50
#define NAME_BYTES      4096

/* One folder: the two commands that were sent. */
struct look {
	struct imap_tag opening, listing;
};

struct survey {
	struct imap_session *session;
	const struct endpoint_survey *asked;
	struct look look[FOLDERS_AT_ONCE];
	size_t first, waiting; /* a ring */
};

static int send_look(struct survey *survey, struct bytes name, struct err *err)
{
	struct look *look = &survey->look[(survey->first + survey->waiting) % FOLDERS_AT_ONCE];
	struct buf quoted;
	int result;

	buf_init(&quoted, NAME_BYTES);
	result = imapcommand_astring(&quoted, name, err);
	if (result == 0)
		result = imap_command(
		    survey->session, &look->opening, err, "EXAMINE %s", buf_string(&quoted));
	if (result == 0)
		result = imap_command(
		    survey->session, &look->listing, err, "UID FETCH 1:* (UID FLAGS INTERNALDATE)");
	buf_release(&quoted);
	survey->waiting += result == 0;
	return result;
}

/* 1: one more is under way. */
static int send_next(struct survey *survey, struct err *err)
{
	struct bytes name;

	if (survey->waiting == FOLDERS_AT_ONCE || !survey->asked->next(survey->asked->arg, &name))
		return 0;
	return send_look(survey, name, err) == 0 ? 1 : -1;
}

static int await_look(struct survey *survey, struct err *err)
{
	const struct look look = survey->look[survey->first];
	struct imap_session *session = survey->session;
	struct imap_opening opening = {.session = session};
	struct imap_scan scan = {.fn = survey->asked->message, .arg = survey->asked->arg};
	struct imap_result opened, listed;
	bool is_told;
	int result;

	survey->first = (survey->first + 1) % FOLDERS_AT_ONCE;
	survey->waiting--;
	buf_init(&scan.flags, IMAPFLAGS_MAX_BYTES);
	seqset_init(&scan.seen);
	imap_forget_selected(session, ENDPOINT_READ);
	result = imap_await(session, &look.opening, imap_take_opening, &opening, &opened, err);
	if (result == 0) {
		is_told = opened.ok && session->has_exists;
		session->state.messages = session->exists;
		result = imap_await(session, &look.listing, is_told ? imap_take_scanned : NULL,
		    &scan, &listed, err);
	}
	if (result == 0)
		result = survey->asked->end(survey->asked->arg,
		    is_told && listed.ok ? &session->state : NULL, seqset_count(&scan.seen), err);
	seqset_release(&scan.seen);
	buf_release(&scan.flags);
	return result;
}

int imap_survey(struct endpoint *ep, const struct endpoint_survey *asked, struct err *err)
{
	struct survey survey = {.session = IMAP_SESSION(ep), .asked = asked};
	int sent;

	for (;;) {
		while ((sent = send_next(&survey, err)) == 1)
			;
		if (sent == 0 && survey.waiting == 0)
			break;
		if (sent < 0 || await_look(&survey, err) != 0) {
			/* Answers are still to come that nobody would read. */
			survey.session->is_broken = true;
			return -1;
		}
	}
	/* The last one is open, but nobody was told. */
	imap_forget_selected(survey.session, ENDPOINT_READ);
	return 0;
}
