/* Owns:  the appends of a session that are not answered yet.
 * Knows: APPEND with literals of both kinds, and what its refusals mean.
 * Never: sends a text before the server asked for it, unless it offered that (LITERAL+).
 * Spec:  RFC 9051 section 6.3.12; RFC 7888, 4315, 7889 */
#include "archiver/endpoint/imap_private.h"

#include "archiver/imapwire/imapcommand.h"
#include "archiver/imapwire/imapdate.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW              64   /* appends under way */
#define SMALL_LITERAL_BYTES 4096 /* of LITERAL- */

struct imap_pending {
	struct imap_tag tag;
	void *cookie;
};

void imap_append_forget(struct imap_session *session)
{
	free(session->pending);
	session->pending = NULL;
	session->pending_count = session->pending_room = 0;
}

static void take_append_uid(const struct response *response, struct endpoint_appended *out)
{
	unsigned long long validity, uid;
	struct bytes argument = response->code_argument;
	const char *blank = argument.n ? memchr(argument.p, ' ', argument.n) : NULL;

	if (!bytes_is_nocase(response->code, "APPENDUID") || !blank)
		return;
	if (!bytes_u64((struct bytes){argument.p, (size_t)(blank - argument.p)}, &validity) ||
	    !bytes_u64(bytes_from(argument, (size_t)(blank - argument.p) + 1), &uid) ||
	    validity > UINT32_MAX || uid > UINT32_MAX || validity == 0 || uid == 0)
		return;
	out->uidvalidity = (uint32_t)validity;
	out->uid.value = (uint32_t)uid;
}

static int tell(const struct response *response, void *cookie, endpoint_appended_fn fn, void *arg,
    struct err *err)
{
	struct endpoint_appended told = {.cookie = cookie};
	struct imap_result result;

	imap_take_result(response, &result);
	told.ok = result.ok;
	told.reason = bytes_of(result.reason);
	told.is_over_quota = strcasestr(result.code, "OVERQUOTA") != NULL ||
	    strcasestr(result.reason, "quota") != NULL;
	told.is_too_big = strcasestr(result.code, "TOOBIG") != NULL;
	if (result.ok)
		take_append_uid(response, &told);
	return fn(arg, &told, err);
}

/* Read one response; a tagged one must be that of the oldest append. */
static int take_one(
    struct imap_session *session, endpoint_appended_fn fn, void *arg, struct err *err)
{
	struct response response;
	struct imap_pending oldest = session->pending[0];

	if (imap_read(session, NULL, &response, err) != 0)
		return -1;
	if (response.kind != RESPONSE_TAGGED)
		return 0;
	if (!imap_is_tag(&response, &oldest.tag)) {
		session->is_broken = true;
		return err_set(err, ERR_PROTOCOL, "the server answered a command out of turn");
	}
	session->pending_count--;
	memmove(session->pending, session->pending + 1,
	    session->pending_count * sizeof *session->pending);
	return tell(&response, oldest.cookie, fn, arg, err);
}

int imap_append_wait(struct endpoint *ep, endpoint_appended_fn fn, void *arg, struct err *err)
{
	struct imap_session *session = IMAP_SESSION(ep);

	while (session->pending_count > 0)
		if (take_one(session, fn, arg, err) != 0)
			return -1;
	return 0;
}

static int send_piece(void *arg, const void *data, size_t bytes, struct err *err)
{
	return imap_send(arg, (struct bytes){data, bytes}, err);
}

static int make_command(struct imap_session *session, const struct endpoint_append *append,
    const struct imap_tag *tag, bool at_once, struct buf *out, struct err *err)
{
	char date[IMAPDATE_BYTES];

	(void)session;
	imapdate_format(append->date_unix, date);
	buf_format(out, "%s APPEND ", tag->text);
	if (imapcommand_astring(out, append->folder, err) != 0)
		return -1;
	buf_format(out, " (%.*s) \"%s\" ", (int)append->flags.n, append->flags.p, date);
	imapcommand_literal(out, spool_bytes(append->text), at_once);
	if (out->overflow)
		return err_set(err, ERR_LIMIT, "an APPEND command is too long");
	return 0;
}

/* Wait for "+": 1; 0 when the server refuses (told to fn); -1. */
static int await_go(struct imap_session *session, const struct imap_tag *tag, void *cookie,
    endpoint_appended_fn fn, void *arg, struct err *err)
{
	struct response response;

	for (;;) {
		if (imap_read(session, NULL, &response, err) != 0)
			return -1;
		if (response.kind == RESPONSE_CONTINUE)
			return 1;
		if (imap_is_tag(&response, tag))
			return tell(&response, cookie, fn, arg, err) == 0 ? 0 : -1;
	}
}

static void add_pending(struct imap_session *session, const struct imap_tag *tag, void *cookie)
{
	session->pending = mem_grow(session->pending, &session->pending_room,
	    session->pending_count + 1, sizeof *session->pending);
	session->pending[session->pending_count++] = (struct imap_pending){*tag, cookie};
}

static bool takes_at_once(const struct imap_session *session, uint64_t bytes)
{
	return capability_has(&session->can, CAP_LITERAL_PLUS) ||
	    (capability_has(&session->can, CAP_LITERAL_MINUS) && bytes <= SMALL_LITERAL_BYTES);
}

int imap_append(struct endpoint *ep, const struct endpoint_append *append, endpoint_appended_fn fn,
    void *arg, struct err *err)
{
	struct imap_session *session = IMAP_SESSION(ep);
	bool at_once = takes_at_once(session, spool_bytes(append->text));
	struct imap_tag tag;
	struct buf command;
	int go = 1, result = -1;

	buf_init(&command, 4 * IMAP_COMMAND_BYTES);
	/* What cannot go at once must not stand behind unanswered commands. */
	if (!at_once && imap_append_wait(ep, fn, arg, err) != 0)
		goto out;
	imap_make_tag(session, &tag);
	if (make_command(session, append, &tag, at_once, &command, err) != 0 ||
	    imap_send(session, buf_view(&command), err) != 0)
		goto out;
	if (!at_once)
		go = await_go(session, &tag, append->cookie, fn, arg, err);
	if (go <= 0) {
		result = go;
		goto out;
	}
	if (spool_send(append->text, 0, spool_bytes(append->text), send_piece, session, err) != 0 ||
	    imap_send(session, BYTES("\r\n"), err) != 0) {
		session->is_broken = true; /* a literal that is not complete */
		goto out;
	}
	add_pending(session, &tag, append->cookie);
	result = 0;
	while (result == 0 && session->pending_count > 0 &&
	    (session->pending_count >= WINDOW || net_ready(session->net, NULL) == 1))
		result = take_one(session, fn, arg, err);
out:
	buf_release(&command);
	return result;
}
