/* Reading what an IMAP server says (RFC 9051 section 9, with the departures of real servers).
 *
 * A response is text with literals in it. The reader (archiver/endpoint) puts it together in a
 * struct response_text: small literals are kept in place, the text of a message is streamed
 * away and only its place and length stay. Then response_parse() makes one struct response of
 * it. Nothing here does I/O.
 *
 *   response_text_init(&text)
 *   per line from the wire:  response_text_line(&text, line)     the line without its CRLF
 *                            -> 1: the response is complete: response_parse()
 *                            -> 0: it ends in a literal of text.pending_bytes: give its bytes to
 *                                  response_text_literal(), or, where response_text_is_body()
 *                                  says that it is a message, stream them away and call
 *                                  response_text_streamed(); then go on with the next line
 *                            -> -1
 *   response_text_clear(&text)   for the next one
 *
 * Every view in a struct response points into the response_text and is good until its clear.
 * Limits: a line 64 KiB (RESPONSE_LINE_BYTES), a kept literal 64 KiB, a whole response 1 MiB,
 * 1,000 literals, parentheses 32 deep; a number 64 bits. SEARCH, ESEARCH and VANISHED name
 * every message of a folder in one line: they may have 16 MiB (RESPONSE_SET_BYTES). Beyond:
 * ERR_PROTOCOL or ERR_LIMIT, and the connection must be dropped. A literal above its limit that
 * is no message may be streamed away like one: its item then counts as not there.
 *
 * Where real servers depart from the RFC, this reader follows as far as nothing can be lost
 * by it (archiver/endpoint/VIOLATIONS.md has the list). What cannot be read for certain is
 * left out: has lacks its bit. */
#ifndef ARCHIVER_IMAPWIRE_RESPONSE_H
#define ARCHIVER_IMAPWIRE_RESPONSE_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define RESPONSE_LINE_BYTES    (64u * 1024)
#define RESPONSE_LITERAL_BYTES (64u * 1024)
#define RESPONSE_BYTES         (1024u * 1024)
#define RESPONSE_SET_BYTES     (16u * 1024 * 1024)
#define RESPONSE_LITERALS      1000
#define RESPONSE_DEPTH         32

struct response_literal {
	size_t at; /* offset in text where its bytes stand (or would stand) */
	uint64_t bytes;
	bool streamed; /* its bytes are not in text */
};

struct response_text {
	struct buf text; /* lines and kept literals, without CRLF and without {n} */
	struct response_literal *literal;
	size_t literal_count, literal_room;
	uint64_t pending_bytes; /* of the literal that the last line announced */
};

void response_text_init(struct response_text *text);
void response_text_release(struct response_text *text);
void response_text_clear(struct response_text *text);
int response_text_line(struct response_text *text, struct bytes line, struct err *err);

/* The announced literal is the whole text of a message: the last item before it is BODY[] (or
 * RFC822), and the response is a FETCH. Only FETCH_HAS_BODY of the complete response says that
 * it was. */
bool response_text_is_body(const struct response_text *text);

/* All of it, or piece by piece until pending_bytes is 0. */
int response_text_literal(struct response_text *text, struct bytes data, struct err *err);
void response_text_streamed(struct response_text *text);

enum response_kind {
	RESPONSE_OTHER,      /* well formed, of no interest; an empty line */
	RESPONSE_CONTINUE,   /* + */
	RESPONSE_TAGGED,     /* tag, status, code, human */
	RESPONSE_STATUS,     /* * OK NO BAD BYE PREAUTH: status, code, human */
	RESPONSE_CAPABILITY, /* list */
	RESPONSE_ENABLED,    /* list */
	RESPONSE_FLAGS,      /* list: inside of the parentheses */
	RESPONSE_LIST,       /* LIST or LSUB */
	RESPONSE_MAILBOX_STATUS,
	RESPONSE_SEARCH,    /* list: UIDs, or empty; number: COUNT of an ESEARCH */
	RESPONSE_EXISTS,    /* number */
	RESPONSE_RECENT,    /* number */
	RESPONSE_EXPUNGE,   /* number */
	RESPONSE_VANISHED,  /* list: the set; earlier */
	RESPONSE_FETCH,     /* number: of the message in the session; never use it */
	RESPONSE_NAMESPACE, /* list: the rest of the line */
	RESPONSE_ID,        /* list: the rest of the line (serverid.h) */
	RESPONSE_QUOTAROOT, /* quota.root: the first; each has a QUOTA of its own */
	RESPONSE_QUOTA
};

enum response_condition {
	CONDITION_OK,
	CONDITION_NO,
	CONDITION_BAD,
	CONDITION_BYE,
	CONDITION_PREAUTH
};

/* Items of a FETCH response that were there. */
#define FETCH_HAS_UID          1u
#define FETCH_HAS_FLAGS        2u
#define FETCH_HAS_INTERNALDATE 4u
#define FETCH_HAS_SIZE         8u
#define FETCH_HAS_MODSEQ       16u
#define FETCH_HAS_BODY         32u /* BODY[]: a literal that was streamed, or a string that is here */
#define FETCH_HAS_GMAIL_ID     128u /* X-GM-MSGID */
#define FETCH_HAS_HEADER       64u  /* BODY[HEADER...] or BODY[HEADER.FIELDS ...] */

/* has is 0 when the response names a UID that cannot be one, or two different ones: nothing of
 * it can be given to any message then. An item that comes twice with different values is left
 * out. The same UID may come in several responses, each with some of the items. */
struct response_fetch {
	unsigned has;
	uint32_t uid;
	struct bytes flags; /* inside of the parentheses, as sent */
	int64_t internaldate_unix;
	uint64_t size_bytes, modseq, gmail_id;
	bool body_streamed; /* the caller has it; else: */
	struct bytes body;  /* a quoted string or small literal, unescaped */
	struct bytes header;
};

struct response_list {
	struct bytes attributes; /* inside of the parentheses, as sent */
	char delimiter;          /* 0: NIL */
	struct bytes name;       /* raw, unescaped */
};

#define STATUS_HAS_MESSAGES    1u
#define STATUS_HAS_UIDNEXT     2u
#define STATUS_HAS_UIDVALIDITY 4u
#define STATUS_HAS_MODSEQ      8u
#define STATUS_HAS_SIZE        16u
#define STATUS_HAS_UNSEEN      32u

/* As the server said it: a uidvalidity or uidnext of 0 is seen, and means nothing. */
struct response_mailbox_status {
	unsigned has;
	struct bytes name;
	uint64_t messages, uidnext, uidvalidity, modseq, size_bytes, unseen;
};

struct response_quota {
	struct bytes root;
	bool has_storage;
	uint64_t used_kib, limit_kib; /* STORAGE, in units of 1024 octets (RFC 9208) */
};

struct response {
	enum response_kind kind;
	struct bytes tag;
	enum response_condition condition;
	struct bytes code;          /* word of the response code in [ ]: "UIDNEXT", "TRYCREATE" */
	struct bytes code_argument; /* what follows it inside the brackets */
	struct bytes human;
	struct bytes list;
	uint64_t number;
	bool earlier;
	struct response_fetch fetch;
	struct response_list mailbox;
	struct response_mailbox_status status;
	struct response_quota quota;
};

/* Make a response of a complete text (which is changed: quoted strings are unescaped in
 * place, so this is called once). Unknown but balanced things are RESPONSE_OTHER; what cannot
 * be followed is ERR_PROTOCOL, and out is untouched. */
int response_parse(struct response_text *text, struct response *out, struct err *err);

/* The argument of a code as a number: [UIDVALIDITY 17]. False when it is none. */
bool response_code_number(const struct response *response, uint64_t *out);

#endif
