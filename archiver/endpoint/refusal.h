/* What a server means when it says no (RFC 5530, and what hosts write instead of its codes). */
#ifndef ARCHIVER_ENDPOINT_REFUSAL_H
#define ARCHIVER_ENDPOINT_REFUSAL_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

enum refusal {
	REFUSAL_OTHER,        /* this one thing, and it will not change by itself */
	REFUSAL_PASSES,       /* now: the same may be taken later */
	REFUSAL_THROTTLED,    /* the same, because we ask too much */
	REFUSAL_SESSION,      /* the login does not count any more: a new connection may do */
	REFUSAL_PASSWORD,     /* wrong user name or password */
	REFUSAL_APP_PASSWORD, /* the account's own password is not taken from programs */
	REFUSAL_OFF,          /* IMAP is switched off */
	REFUSAL_OAUTH,        /* no passwords at all */
	REFUSAL_WEB,          /* the owner has to confirm something on a web page */
	REFUSAL_ADMIN         /* only the administrator can help */
};

/* said: the line, or its code in brackets and text, "[LIMIT] too many". With a login a refusal
 * passes only when it says so: a wrong password that is tried again and again locks accounts. */
enum refusal refusal_of_login(struct bytes said);
enum refusal refusal_of_command(struct bytes said);

static inline bool refusal_passes(enum refusal refusal)
{
	return refusal == REFUSAL_PASSES || refusal == REFUSAL_THROTTLED;
}

/* How long the server asks to be left alone: milliseconds; 0 when it does not say. */
uint64_t refusal_wait_ms(struct bytes said);

#endif
