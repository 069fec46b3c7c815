/* Is a folder complete in the archive? Everything that the server lists is archived, or listed
 * as an exception with its reason, or missing: nothing else. */
#ifndef ARCHIVER_SYNC_AUDIT_H
#define ARCHIVER_SYNC_AUDIT_H

#include "archiver/catalog/catalog.h"
#include "archiver/endpoint/endpoint.h"

struct audit {
	uint32_t uidvalidity;
	uint64_t server;     /* messages that the server counts (EXISTS) */
	uint64_t listed;     /* that it lists */
	uint64_t archived;   /* of the listed */
	uint64_t exceptions; /* of the listed: cannot be archived, with a reason in the catalogue */
	uint64_t missing;    /* of the listed: neither */
	struct seqset missing_uids;
};

void audit_init(struct audit *audit);
void audit_release(struct audit *audit);

/* Every message archived or a known exception, and the listing not shorter than the count. */
bool audit_is_complete(const struct audit *audit);

/* Compare the folder that is selected (its state is given) with the catalogue. Only reads. */
int audit_selected(struct audit *audit, struct endpoint *ep, const struct endpoint_state *state,
    struct catalog *catalog, struct bytes account, struct bytes folder, struct err *err);

/* The statement as an event, for the journal. */
struct event audit_event(const struct audit *audit, struct bytes account, struct bytes folder);

#endif
