/* Shared by the files that make an IMAP session an endpoint. */
#ifndef ARCHIVER_ENDPOINT_IMAP_PRIVATE_H
#define ARCHIVER_ENDPOINT_IMAP_PRIVATE_H

#include "archiver/endpoint/imap_session.h"

int imap_scan(
    struct endpoint *ep, endpoint_identity_fn fn, void *arg, uint64_t *count_out, struct err *err);
int imap_identify(struct endpoint *ep, const struct seqset *uids, endpoint_identity_fn fn,
    void *arg, struct err *err);
int imap_message_ids(struct endpoint *ep, const struct seqset *uids, endpoint_identity_fn fn,
    void *arg, struct err *err);
int imap_fetch(struct endpoint *ep, const struct seqset *uids, uint64_t batch_count,
    const struct endpoint_sink *sink, struct err *err);
int imap_append(struct endpoint *ep, const struct endpoint_append *append, endpoint_appended_fn fn,
    void *arg, struct err *err);
int imap_append_wait(struct endpoint *ep, endpoint_appended_fn fn, void *arg, struct err *err);
void imap_append_forget(struct imap_session *session);
int imap_expunge(struct endpoint *ep, const struct clearance *clearance, struct seqset *left_out,
    struct seqset *lost_out, struct err *err);
int imap_unmark(struct endpoint *ep, const struct seqset *uids, struct err *err);

#endif
