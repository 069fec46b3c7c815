/* What a kind of endpoint provides. Each function does what endpoint.h says of the call of the
 * same name; NULL where the kind cannot. */
#ifndef ARCHIVER_ENDPOINT_ENDPOINT_PRIVATE_H
#define ARCHIVER_ENDPOINT_ENDPOINT_PRIVATE_H

#include "archiver/endpoint/endpoint.h"

struct endpoint_ops {
	void (*close)(struct endpoint *ep);
	bool (*can)(const struct endpoint *ep, enum endpoint_ability what);
	void (*interrupt)(struct endpoint *ep);
	void (*traffic)(const struct endpoint *ep, uint64_t *received_out, uint64_t *sent_out);
	void (*facts)(const struct endpoint *ep, struct endpoint_facts *out); /* NULL: none */
	int (*list)(struct endpoint *ep, endpoint_folder_fn fn, void *arg, struct err *err);
	int (*select)(struct endpoint *ep, struct bytes name, enum endpoint_mode mode,
	    struct endpoint_state *out, struct err *err);
	int (*select_since)(struct endpoint *ep, struct bytes name,
	    const struct endpoint_past *past, endpoint_identity_fn fn, void *arg,
	    struct endpoint_news *news, struct endpoint_state *out,
	    struct err *err); /* or NULL: tells nothing */
	int (*create)(struct endpoint *ep, struct bytes name, struct err *err);
	int (*name_for)(struct endpoint *ep, struct bytes shown, struct buf *out, struct err *err);
	int (*names)(struct endpoint *ep, struct bytes *prefix_out, char *delimiter_out,
	    struct err *err); /* NULL: none */
	int (*quota)(
	    struct endpoint *ep, uint64_t *used_kib_out, uint64_t *limit_kib_out, struct err *err);
	int (*scan)(struct endpoint *ep, endpoint_identity_fn fn, void *arg, uint64_t *count_out,
	    struct err *err);
	int (*survey)(struct endpoint *ep, const struct endpoint_survey *survey,
	    struct err *err); /* or NULL: looks at nothing */
	int (*identify)(struct endpoint *ep, const struct seqset *uids, endpoint_identity_fn fn,
	    void *arg, struct err *err);
	int (*message_ids)(struct endpoint *ep, const struct seqset *uids, endpoint_identity_fn fn,
	    void *arg, struct err *err); /* NULL: cannot */
	int (*fetch)(struct endpoint *ep, const struct endpoint_source *source,
	    const struct endpoint_sink *sink, struct err *err);
	int (*append)(struct endpoint *ep, const struct endpoint_append *append,
	    endpoint_appended_fn fn, void *arg, struct err *err);
	int (*append_wait)(
	    struct endpoint *ep, endpoint_appended_fn fn, void *arg, struct err *err);
	int (*expunge)(struct endpoint *ep, const struct clearance *clearance,
	    struct seqset *left_out, struct seqset *lost_out, struct err *err);
	int (*unmark)(struct endpoint *ep, const struct seqset *uids, struct err *err);
};

struct endpoint {
	const struct endpoint_ops *ops;
};

int imap_open(struct endpoint **out, const struct endpoint_options *options, struct err *err);

#endif
