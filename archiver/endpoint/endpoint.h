/* One place where mail lives, over one connection. All kinds of places speak through these
 * calls; a kind is a table of functions (endpoint_private.h).
 *
 *   endpoint_open(&ep, &options, &err)                connected and logged in
 *   endpoint_list(ep, fn, arg, &err)                  the folders, with their state if it is cheap
 *   endpoint_select(ep, name, ENDPOINT_READ, &state)  one folder
 *     endpoint_scan(ep, fn, arg, &err)                every UID with its flags
 *     endpoint_fetch(ep, &uids, &sink, &err)          the messages, streamed
 *   endpoint_close(ep)
 *
 * Reading never changes the server: folders are opened read-only, messages peeked at. Only
 * endpoint_append, endpoint_create and endpoint_expunge change it, the last one only with a
 * clearance, which nobody but retention/guard.c can make.
 *
 * Errors: ERR_NETWORK, ERR_PROTOCOL, ERR_TLS: the connection is of no use any more, close it.
 * ERR_SERVER: the server refused this one thing. ERR_PAUSED: of the budget nothing is left. Views
 * in callbacks are good during the call. Not shared between threads, but for endpoint_interrupt. */
#ifndef ARCHIVER_ENDPOINT_ENDPOINT_H
#define ARCHIVER_ENDPOINT_ENDPOINT_H

#include "archiver/imapwire/seqset.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/spool.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct budget;
struct endpoint;
struct clearance; /* leave to delete: made by retention/guard.c only */

struct endpoint_options {
	const char *url; /* imaps://host[:port] or imap://host[:port] */
	const char *user;
	const struct secret *password;
	const char *tls_ca, *tls_pin; /* or NULL */
	int timeout_s;
	uint64_t max_message_bytes;        /* a larger one is refused; 0: 2 GiB */
	bool wants_news;                   /* endpoint_select_since() will be called */
	const volatile sig_atomic_t *stop; /* or NULL */
	struct budget *budget;             /* counts what is received (budget.h); or NULL */
	unsigned patience; /* so often a server that lets nobody in now is asked again, 0: never */
};

/* ERR_LOGIN: refused for good, with what may help where the host is known; never try the same
 * password again. ERR_SERVER of scope account: not now; it was waited for as patience says, or
 * asks to be left alone for longer than that. */
int endpoint_open(struct endpoint **out, const struct endpoint_options *options, struct err *err);
void endpoint_close(struct endpoint *ep); /* says good-bye when the connection still lives */

enum endpoint_ability {
	ENDPOINT_EXPUNGE_BY_UID, /* deletes exactly what it is told */
	ENDPOINT_TELLS_MODSEQ,   /* state.modseq changes with any flag */
	ENDPOINT_APPEND_AT_ONCE, /* needs no answer between appends */
	ENDPOINT_NAMES_MESSAGES  /* endpoint_message_ids() */
};
bool endpoint_can(const struct endpoint *ep, enum endpoint_ability what);
/* From another thread: what waits for the server ends with ERR_STOPPED, now and ever after. */
void endpoint_interrupt(struct endpoint *ep);
void endpoint_traffic(const struct endpoint *ep, uint64_t *received_out, uint64_t *sent_out);

/* What is known of the server; texts are the server's or providers.c's, good until close, never
 * NULL. 0, "": not known. What it offers for certain is in capabilities alone. */
struct endpoint_facts {
	const char *provider;             /* the row of providers.c */
	const char *id_name, *id_version; /* how it calls itself (ID) */
	const char *capabilities;         /* as it lists them after the login */
	const char *encryption;           /* "TLSv1.3 / TLS_AES_256_GCM_SHA384" */
	unsigned max_connections;         /* that the host allows an account at once */
	unsigned connections;             /* at once that are polite; 0: no reason to hold back */
	unsigned batch_count;             /* messages in one command at most */
	uint64_t bytes_per_day;           /* that may be downloaded */
	unsigned quirks;                  /* of enum provider_quirk (providers.h) */
};
void endpoint_facts(const struct endpoint *ep, struct endpoint_facts *out);

/* ---- folders ---- */

/* What a server tells of a folder. 0: not told. */
struct endpoint_state {
	uint32_t uidvalidity;
	uint64_t uidnext, messages, modseq;
	bool is_writable;             /* select only */
	bool can_delete;              /* \Deleted stays (PERMANENTFLAGS) */
	bool has_permanent;           /* PERMANENTFLAGS was told */
	struct bytes permanent_flags; /* the inside of its list; until the next select */
	bool uids_are_sticky;         /* false: they last this session only */
};

struct endpoint_folder {
	struct bytes name;  /* the server's bytes: the key */
	struct bytes shown; /* UTF-8, "/" between levels */
	struct bytes attributes;
	char delimiter; /* 0: none */
	bool is_selectable;
	const char *unusable; /* why its name cannot be sent back (not selectable then), or NULL */
	bool has_state;
	struct endpoint_state state;
};

typedef int (*endpoint_folder_fn)(void *arg, const struct endpoint_folder *folder, struct err *err);
int endpoint_list(struct endpoint *ep, endpoint_folder_fn fn, void *arg, struct err *err);

enum endpoint_mode { ENDPOINT_READ, ENDPOINT_WRITE };

/* ERR_SERVER when it cannot be opened. */
int endpoint_select(struct endpoint *ep, struct bytes name, enum endpoint_mode mode,
    struct endpoint_state *out, struct err *err);

/* Makes the folder; one that exists already is success. Subscribes it. */
int endpoint_create(struct endpoint *ep, struct bytes name, struct err *err);

/* The name of a folder on this server for levels joined with "/" in UTF-8, appended to out. */
int endpoint_name_for(struct endpoint *ep, struct bytes shown, struct buf *out, struct err *err);

/* Where one's own folders are: prefix (the server's bytes, until close) and what stands between
 * levels (0: there are none). */
int endpoint_names(
    struct endpoint *ep, struct bytes *prefix_out, char *delimiter_out, struct err *err);

/* Kibibytes used and allowed of the quota that INBOX is under: 1, 0 not told, -1. */
int endpoint_quota(
    struct endpoint *ep, uint64_t *used_kib_out, uint64_t *limit_kib_out, struct err *err);

/* ---- messages of the selected folder ---- */

/* What a message is, for recognising it again without its text. */
struct endpoint_identity {
	struct imap_uid uid;
	bool has_flags, has_date, has_size, has_header, has_account_id;
	struct bytes flags; /* normalised */
	int64_t date_unix;
	uint64_t size_bytes;
	uint64_t
	    account_id; /* the same in every folder of the account; endpoint_message_ids only */
	struct bytes header; /* its Message-ID field, as sent */
};
typedef int (*endpoint_identity_fn)(
    void *arg, const struct endpoint_identity *identity, struct err *err);

/* Every message: UID and flags, and the date as a rule. The number seen; compare it with
 * state.messages: fewer means that the listing is not complete. */
int endpoint_scan(
    struct endpoint *ep, endpoint_identity_fn fn, void *arg, uint64_t *count_out, struct err *err);

/* A folder as it was when it was last looked at. */
struct endpoint_past {
	uint32_t uidvalidity;
	uint64_t uidnext, modseq, messages;
};

enum endpoint_telling {
	ENDPOINT_TELLS_NOTHING, /* only a listing does */
	ENDPOINT_TELLS_ODDLY,   /* what it said cannot be: do not ask it again */
	ENDPOINT_TELLS_CHANGES, /* there is what was there, less vanished and left, and what was
				   told */
	ENDPOINT_TELLS_ALL      /* there is what there says */
};

/* What a server says of the time since then. Nothing of it is proven: servers are known to tell
 * less than happened, and more. */
struct endpoint_news {
	enum endpoint_telling telling;
	struct seqset vanished; /* before the folder was opened; may name what never was */
	struct seqset left;     /* since it was opened */
	struct seqset there;
	uint64_t messages; /* that there are now; state.messages when it was opened */
};
void endpoint_news_init(struct endpoint_news *news);
void endpoint_news_release(struct endpoint_news *news);

/* endpoint_select() for reading, and what changed since the folder was as in past, in as few
 * round trips as the server can do it (RFC 7162). fn is told of messages whose flags may be
 * other ones, and of new ones unless news.there names them; in any order, the same perhaps more
 * than once. What it was told counts for nothing when news.telling is one of the first two; the
 * folder is open also then. */
int endpoint_select_since(struct endpoint *ep, struct bytes name, const struct endpoint_past *past,
    endpoint_identity_fn fn, void *arg, struct endpoint_news *news, struct endpoint_state *out,
    struct err *err);

/* Folders opened for reading and listed, one after the other without waiting for answers between
 * them: what a server that counts no changes is asked when nothing seems to be new. */
struct endpoint_survey {
	void *arg;
	bool (*next)(void *arg, struct bytes *name_out); /* false: that was all */
	/* A message of the folder whose end is told next. */
	endpoint_identity_fn message;
	/* In the order of next. state NULL: it could not be opened or listed, and what was told of
	 * its messages counts for nothing. */
	int (*end)(void *arg, const struct endpoint_state *state, uint64_t listed, struct err *err);
};
int endpoint_survey(struct endpoint *ep, const struct endpoint_survey *survey, struct err *err);

/* Each of uids that the server knows is told once, however many pieces it comes in; what was
 * told in two ways is not told. */
int endpoint_identify(struct endpoint *ep, const struct seqset *uids, endpoint_identity_fn fn,
    void *arg, struct err *err);

/* The same for flags, date and the server's own number of a message, which says that it is one
 * message although it is in several folders. uids NULL: every message of the folder, its number
 * only, perhaps told twice. Only where endpoint_can(ep, ENDPOINT_NAMES_MESSAGES). */
int endpoint_message_ids(struct endpoint *ep, const struct seqset *uids, endpoint_identity_fn fn,
    void *arg, struct err *err);

/* A message that is fetched: begin, data ..., end with its text; message() when the server's
 * response is complete, which may be before or after, or more than once for a UID: merge by
 * UID; has_body says that the text that just ended belongs to this UID. batch() when the
 * server has finished one of its commands, which asked for those messages: with ok what came of
 * them is certain. Of other commands something may have come before, and they end in any order. */
struct endpoint_message {
	struct imap_uid uid;
	bool has_flags, has_date, has_size, has_body;
	struct bytes flags; /* normalised */
	int64_t date_unix;
	uint64_t size_bytes; /* as the server says: an estimate with some */
};
struct endpoint_sink {
	void *arg;
	int (*begin)(void *arg, uint64_t bytes, struct err *err);
	int (*data)(void *arg, const void *data, size_t bytes, struct err *err);
	int (*end)(void *arg, struct err *err);
	int (*message)(void *arg, const struct endpoint_message *message, struct err *err);
	int (*batch)(
	    void *arg, const struct seqset *asked, bool ok, struct bytes reason, struct err *err);
};
/* What to ask for: next puts the UIDs for one command into out, which is empty, at most
 * ENDPOINT_ASK_COUNT; false: there are no more. */
#define ENDPOINT_ASK_COUNT 500
struct endpoint_source {
	void *arg;
	bool (*next)(void *arg, struct seqset *out);
};
/* Several commands are under way at a time. */
int endpoint_fetch(struct endpoint *ep, const struct endpoint_source *source,
    const struct endpoint_sink *sink, struct err *err);
/* A set that is known beforehand, at most batch_count messages to a command. */
int endpoint_fetch_set(struct endpoint *ep, const struct seqset *uids, uint64_t batch_count,
    const struct endpoint_sink *sink, struct err *err);
/* Takes the first count UIDs after the given one, into out: the last of them; 0: none is left. */
uint32_t endpoint_take_uids(
    const struct seqset *uids, uint32_t after, uint64_t count, struct seqset *out);

/* ---- changing ---- */

/* Appending goes on while answers are awaited: fn is told the outcome of each, in order. */
struct endpoint_append {
	struct bytes folder; /* server name */
	struct bytes flags;  /* with spaces between */
	int64_t date_unix;
	struct spool *text;
	void *cookie;
};
struct endpoint_appended {
	void *cookie;
	bool ok;
	uint32_t uidvalidity; /* 0: the server did not tell where it is */
	struct imap_uid uid;
	bool is_too_big, is_over_quota;
	struct bytes reason; /* the server's words when not ok */
};
typedef int (*endpoint_appended_fn)(
    void *arg, const struct endpoint_appended *appended, struct err *err);
int endpoint_append(struct endpoint *ep, const struct endpoint_append *append,
    endpoint_appended_fn fn, void *arg, struct err *err);
int endpoint_append_wait(struct endpoint *ep, endpoint_appended_fn fn, void *arg, struct err *err);

/* Deletes exactly the cleared messages; the folder must be selected for writing, and still be
 * the one that was cleared. Lists the folder before and after: left_out are the cleared ones
 * that are still there (their marks \Deleted are taken off again), lost_out those that went
 * although nobody asked for it: after such a thing the server must not be told anything more.
 * ERR_SERVER, ERR_UNSAFE: the server refused, or something came in between; the connection
 * lives, and the marks were taken off as far as possible. */
int endpoint_expunge(struct endpoint *ep, const struct clearance *clearance,
    struct seqset *left_out, struct seqset *lost_out, struct err *err);

/* Takes the mark \Deleted off messages of the selected folder: for marks that an interrupted
 * expunge of ours left behind. */
int endpoint_unmark(struct endpoint *ep, const struct seqset *uids, struct err *err);

#endif
