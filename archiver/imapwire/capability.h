/* What a server says it can (RFC 9051 section 7.2.2): a set of the names that we use. */
#ifndef ARCHIVER_IMAPWIRE_CAPABILITY_H
#define ARCHIVER_IMAPWIRE_CAPABILITY_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

enum capability {
	CAP_IMAP4REV1,
	CAP_IMAP4REV2,
	CAP_UIDPLUS,
	CAP_MOVE,
	CAP_CONDSTORE,
	CAP_QRESYNC,
	CAP_ENABLE,
	CAP_ESEARCH,
	CAP_LITERAL_PLUS,  /* LITERAL+ */
	CAP_LITERAL_MINUS, /* LITERAL- */
	CAP_MULTIAPPEND,
	CAP_LIST_EXTENDED,
	CAP_LIST_STATUS,
	CAP_SPECIAL_USE,
	CAP_STATUS_SIZE, /* STATUS=SIZE */
	CAP_NAMESPACE,
	CAP_ID,
	CAP_IDLE,
	CAP_NOTIFY,
	CAP_QUOTA,
	CAP_COMPRESS_DEFLATE,
	CAP_OBJECTID,
	CAP_PARTIAL,
	CAP_UTF8_ACCEPT,
	CAP_UNSELECT,
	CAP_GMAIL, /* X-GM-EXT-1 */
	CAP_APPENDLIMIT,
	CAP_COUNT
};

struct capability_set {
	uint64_t bits;
	uint64_t append_limit_bytes; /* of APPENDLIMIT=n; 0: not said */
};

/* Forget the old, take the list (names with spaces between, any case). rev2 brings what it
 * has built in (RFC 9051 appendix E), except beside rev1: there only ENABLE would bring it.
 * QRESYNC brings CONDSTORE (RFC 7162 section 3.2.3). */
void capability_parse(struct capability_set *set, struct bytes list);

/* Not to be believed. */
void capability_drop(struct capability_set *set, enum capability what);

bool capability_has(const struct capability_set *set, enum capability what);
const char *capability_name(enum capability what); /* as on the wire */

#endif
