/* Leave to delete messages from a server. Only retention/guard.c makes one, after its proofs;
 * only the endpoint that deletes looks inside. LAYERS names both, and "make layers" keeps
 * everybody else out. */
#ifndef ARCHIVER_ENDPOINT_CLEARANCE_PRIVATE_H
#define ARCHIVER_ENDPOINT_CLEARANCE_PRIVATE_H

#include "archiver/imapwire/seqset.h"

#include "base/buf.h"

struct clearance {
	struct buf folder; /* server name */
	uint32_t uidvalidity;
	struct seqset uids;
	struct seqset plain; /* of them: neither flagged nor drafts when they were cleared */
};

#endif
