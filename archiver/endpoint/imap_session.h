/* One IMAP connection below the commands: lines and literals in, tagged commands out.
 *
 *   imap_command(session, &tag, &err, "UID FETCH %s (FLAGS)", set)     sent, not waited for
 *   imap_await(session, tag, handler, arg, &result, &err)              all up to its tagged reply
 *
 * Tags begin with random letters, so nothing inside a message can end a command. Commands may
 * be sent before earlier ones are answered; replies are awaited in the order of the commands.
 * Untagged responses go to the handler of whoever waits; EXISTS and the like are noted here. A
 * BYE, another UIDVALIDITY for the folder that is open, a response that drips in slower than any
 * line, or anything that cannot be followed breaks the session for good. */
#ifndef ARCHIVER_ENDPOINT_IMAP_SESSION_H
#define ARCHIVER_ENDPOINT_IMAP_SESSION_H

#include "archiver/endpoint/endpoint_private.h"

#include "archiver/endpoint/providers.h"
#include "archiver/endpoint/refusal.h"

#include "archiver/imapwire/capability.h"
#include "archiver/imapwire/response.h"

#include "base/net.h"

#define IMAP_COMMAND_BYTES 7800 /* RFC 7162 section 4 asks for at most 8192 with CRLF */
#define IMAP_TAG_BYTES     24
#define IMAP_UNAWAITED     4

struct imap_tag {
	char text[IMAP_TAG_BYTES];
};

struct imap_session {
	struct endpoint endpoint; /* first: the session is the endpoint */
	struct net *net;
	struct capability_set can;
	const struct provider *provider;                    /* never NULL */
	struct buf host, id_name, id_version, capabilities; /* as the server says */
	const volatile sig_atomic_t *stop;                  /* may be NULL */
	struct budget *budget;                              /* may be NULL */
	uint64_t max_message_bytes;
	int timeout_s;
	bool is_broken;
	char tag_letters[8];
	unsigned tag_number;

	char *in; /* received, not used yet: in[at..end) */
	size_t in_at, in_end;
	struct buf line;                      /* of a response that is not complete */
	uint64_t response_ms, response_bytes; /* since when it is read, and how much came */
	struct response_text text;

	/* Commands whose answers nobody waits for, in their order. */
	struct imap_tag unawaited[IMAP_UNAWAITED];
	size_t unawaited_count;
	bool has_qresync; /* the server has said that it is enabled */

	/* The selected folder. */
	struct buf selected; /* its server name; empty: none */
	enum endpoint_mode mode;
	struct endpoint_state state;
	struct buf permanent;
	bool has_exists; /* told since it was opened */
	uint64_t exists;

	/* What the inbox's namespace uses (asked once): prefix and delimiter. */
	bool knows_names;
	struct buf prefix;
	char delimiter;

	struct imap_pending *pending; /* appends without an answer (imap_append.c) */
	size_t pending_count, pending_room;
};

/* Where the text of messages goes while a FETCH is read; NULL members drop it. */
struct imap_body {
	void *arg;
	int (*begin)(void *arg, uint64_t bytes, struct err *err);
	int (*data)(void *arg, const void *data, size_t bytes, struct err *err);
	int (*end)(void *arg, struct err *err);
};

typedef int (*imap_handler)(void *arg, const struct response *response, struct err *err);

/* How the server answered a command: OK, or NO or BAD with its code and words. */
struct imap_result {
	bool ok, bad;
	char code[64];
	char reason[400];
};

/* What it means, by its code and words. */
enum refusal imap_refusal(const struct imap_result *result);

/* Does it say that the login does not count any more (a token that expired)? Then the session
 * is broken, and err says so as of a connection that is lost: a new one may do. */
bool imap_is_logged_out(
    struct imap_session *session, const struct imap_result *result, struct err *err);

#define IMAP_SESSION(ep) ((struct imap_session *)(void *)(ep))

int imap_session_open(
    struct imap_session *session, const struct endpoint_options *options, struct err *err);
void imap_session_close(struct imap_session *session);

int imap_command(struct imap_session *session, struct imap_tag *tag_out, struct err *err,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
/* One whose answer does not matter, or is noted here (ENABLED): it is read along with those of
 * later commands. At most IMAP_UNAWAITED of them at a time. */
int imap_command_unawaited(struct imap_session *session, struct err *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int imap_send(struct imap_session *session, struct bytes data, struct err *err);
void imap_make_tag(struct imap_session *session, struct imap_tag *out);

/* The next response, whatever it is. body may be NULL. The response is good until the next. */
int imap_read(struct imap_session *session, const struct imap_body *body, struct response *out,
    struct err *err);

/* Read up to the tagged reply. A NO or BAD is a result, not an error. handler may be NULL. */
int imap_await(struct imap_session *session, const struct imap_tag *tag, imap_handler handler,
    void *arg, struct imap_result *result, struct err *err);
int imap_await_body(struct imap_session *session, const struct imap_tag *tag,
    const struct imap_body *body, imap_handler handler, void *arg, struct imap_result *result,
    struct err *err);

/* Send, await, and make a NO or BAD an ERR_SERVER: for commands with one outcome. */
int imap_do(struct imap_session *session, imap_handler handler, void *arg, struct err *err,
    const char *format, ...) __attribute__((format(printf, 5, 6)));
int imap_refused(const struct imap_result *result, const char *what, struct err *err);

void imap_take_result(const struct response *response, struct imap_result *result);
bool imap_is_tag(const struct response *response, const struct imap_tag *tag);

#endif
