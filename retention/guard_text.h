/* The last question to a server: are the bytes under a UID still the archived ones? Asked when
 * cheaper facts leave a doubt, such as a size that may only be an estimate.
 *
 * Internal to the guard. */
#ifndef RETENTION_GUARD_TEXT_H
#define RETENTION_GUARD_TEXT_H

#include "archiver/endpoint/endpoint.h"

#include "base/digest.h"

/* The sum of a message's text as the server sends it now. */
typedef void (*guard_text_fn)(void *arg, uint32_t uid, const struct sha256 *sum);

/* Each of uids that the server sends, told once or more. Reads only. */
int guard_texts(
    struct endpoint *ep, const struct seqset *uids, guard_text_fn fn, void *arg, struct err *err);

#endif
