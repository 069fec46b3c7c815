/* Shared by the files that make an IMAP session an endpoint. */
#ifndef ARCHIVER_ENDPOINT_IMAP_PRIVATE_H
#define ARCHIVER_ENDPOINT_IMAP_PRIVATE_H

#include "archiver/endpoint/imap_session.h"

/* Opens the folder by name, with what stands behind that in the command ("" as a rule). handler
 * (or NULL) is told what the server says of it meanwhile, beside its state. */
int imap_open_folder(struct imap_session *session, struct bytes name, enum endpoint_mode mode,
    const char *with, imap_handler handler, void *arg, struct endpoint_state *out, struct err *err);
int imap_select_since(struct endpoint *ep, struct bytes name, const struct endpoint_past *past,
    endpoint_identity_fn fn, void *arg, struct endpoint_news *news, struct endpoint_state *out,
    struct err *err);

/* Of the server and this account, as far as known when the login is done. */
bool imap_may_enable_qresync(const struct imap_session *session);

/* The parts of opening a folder: what was known is forgotten, and arg, a struct imap_opening, takes
 * what the server says until it is open. */
struct imap_opening {
	struct imap_session *session;
	imap_handler handler;
	void *arg;
};
void imap_forget_selected(struct imap_session *session, enum endpoint_mode mode);
int imap_take_opening(void *arg, const struct response *response, struct err *err);

/* Of a listing; arg is a struct imap_scan. */
struct imap_scan {
	endpoint_identity_fn fn;
	void *arg;
	struct buf flags;
	struct seqset seen; /* a UID that is told twice must not hide one that is not told */
};
int imap_take_scanned(void *arg, const struct response *response, struct err *err);

int imap_survey(struct endpoint *ep, const struct endpoint_survey *survey, struct err *err);
int imap_scan(
    struct endpoint *ep, endpoint_identity_fn fn, void *arg, uint64_t *count_out, struct err *err);
int imap_identify(struct endpoint *ep, const struct seqset *uids, endpoint_identity_fn fn,
    void *arg, struct err *err);
int imap_message_ids(struct endpoint *ep, const struct seqset *uids, endpoint_identity_fn fn,
    void *arg, struct err *err);
int imap_fetch(struct endpoint *ep, const struct endpoint_source *source,
    const struct endpoint_sink *sink, struct err *err);
int imap_append(struct endpoint *ep, const struct endpoint_append *append, endpoint_appended_fn fn,
    void *arg, struct err *err);
int imap_append_wait(struct endpoint *ep, endpoint_appended_fn fn, void *arg, struct err *err);
void imap_append_forget(struct imap_session *session);
int imap_expunge(struct endpoint *ep, const struct clearance *clearance, struct seqset *left_out,
    struct seqset *lost_out, struct err *err);
int imap_unmark(struct endpoint *ep, const struct seqset *uids, struct err *err);

#endif
