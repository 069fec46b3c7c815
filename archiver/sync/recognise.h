/* Is the message that a server shows the one that the archive has? By what is cheap to ask:
 * INTERNALDATE, Message-ID and size, of which none ever changes under one UID (RFC 9051 section
 * 2.3.1.1). Pure. Good enough not to fetch a message again; before a deletion more is asked for
 * (retention/guard.h). */
#ifndef ARCHIVER_SYNC_RECOGNISE_H
#define ARCHIVER_SYNC_RECOGNISE_H

#include "archiver/endpoint/endpoint.h"
#include "archiver/mime/mimehead.h"

struct archived {
	int64_t date_unix;       /* of the place */
	struct bytes message_id; /* empty: it has none */
	uint64_t size_bytes;
};

enum recognition {
	RECOGNISED,
	RECOGNISED_NOT_TOLD, /* the server does not tell enough */
	RECOGNISED_OTHER_DATE,
	RECOGNISED_OTHER_MESSAGE_ID,
	RECOGNISED_OTHER_SIZE /* and all the rest is as it was */
};

/* head: room to work in, initialised. */
enum recognition recognise(
    struct mimehead *head, const struct endpoint_identity *live, const struct archived *archived);

#endif
