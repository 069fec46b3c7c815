/* Owns:  one IMAP session as an endpoint.
 * Knows: logging in, folders and their state, quota.
 * Never: SELECTs where EXAMINE does; trusts capabilities from before the login.
 * Spec:  RFC 9051 sections 6.3, 7.2-7.3; RFC 5258, 5819, 9208, 2342 */
#include "archiver/endpoint/imap_private.h"

#include "archiver/endpoint/budget.h"

#include "archiver/imapwire/imapcommand.h"
#include "archiver/imapwire/imapflags.h"
#include "archiver/imapwire/serverid.h"
#include "archiver/imapwire/utf7.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define FOLDERS_MAX      20000
#define NAME_MAX_BYTES   1000
#define TEXT_OF(number)  TEXT_OF_(number)
#define TEXT_OF_(number) #number
#define STATUS_AT_ONCE   50

static void imap_close(struct endpoint *ep)
{
	struct imap_session *session = IMAP_SESSION(ep);

	imap_append_forget(session);
	imap_session_close(session);
	free(session);
}

static int take_capability(void *arg, const struct response *response, struct err *err)
{
	struct imap_session *session = arg;

	(void)err;
	if (response->kind == RESPONSE_CAPABILITY) {
		capability_parse(&session->can, response->list);
		buf_clear(&session->capabilities);
		buf_bytes(&session->capabilities, bytes_trim(response->list));
	}
	return 0;
}

static int take_id(void *arg, const struct response *response, struct err *err)
{
	struct imap_session *session = arg;

	(void)err;
	if (response->kind != RESPONSE_ID)
		return 0;
	buf_clear(&session->id_name);
	buf_clear(&session->id_version);
	serverid_field(response->list, "name", &session->id_name);
	serverid_field(response->list, "version", &session->id_version);
	return 0;
}

static int begin(struct imap_session *session, bool wants_news, struct err *err)
{
	struct imap_tag capability, id;
	struct imap_result result;

	/* What was said before the login counts for nothing. Some hosts want ID before they open a
	 * folder, and those that do not know it say so: not worth waiting to see whether it is
	 * among what they can. */
	if (imap_command(session, &capability, err, "CAPABILITY") != 0 ||
	    imap_command(session, &id, err,
		"ID (\"name\" \"mailcask\" \"version\" \"" MAILCASK_VERSION "\")") != 0 ||
	    imap_await(session, &capability, take_capability, session, &result, err) != 0)
		return -1;
	if (!result.ok)
		return imap_refused(&result, "CAPABILITY", err);
	if (imap_await(session, &id, take_id, session, &result, err) != 0)
		return -1;
	session->provider = provider_find(buf_view(&session->host), buf_view(&session->id_name),
	    buf_view(&session->capabilities));
	if (provider_has(session->provider, PROVIDER_NO_QRESYNC))
		capability_drop(&session->can, CAP_QRESYNC);
	budget_host_limit(session->budget, session->provider->bytes_per_day);
	/* Only before any folder is open (RFC 9051 section 6.3.1). */
	if (wants_news && imap_may_enable_qresync(session))
		return imap_command_unawaited(session, err, "ENABLE QRESYNC");
	return 0;
}

static bool imap_can(const struct endpoint *ep, enum endpoint_ability what)
{
	const struct capability_set *can = &((const struct imap_session *)(const void *)ep)->can;

	switch (what) {
	case ENDPOINT_EXPUNGE_BY_UID:
		return capability_has(can, CAP_UIDPLUS);
	case ENDPOINT_TELLS_MODSEQ:
		return capability_has(can, CAP_CONDSTORE);
	case ENDPOINT_APPEND_AT_ONCE:
		return capability_has(can, CAP_LITERAL_PLUS);
	case ENDPOINT_NAMES_MESSAGES:
		return capability_has(can, CAP_GMAIL);
	}
	return false;
}

static void imap_interrupt(struct endpoint *ep)
{
	net_interrupt(IMAP_SESSION(ep)->net);
}

static void imap_traffic(const struct endpoint *ep, uint64_t *received_out, uint64_t *sent_out)
{
	const struct imap_session *session = (const struct imap_session *)(const void *)ep;

	net_counts(session->net, received_out, sent_out);
}

static void imap_facts(const struct endpoint *ep, struct endpoint_facts *out)
{
	struct imap_session *session = IMAP_SESSION(ep);
	const struct provider *provider = session->provider;

	*out = (struct endpoint_facts){.provider = provider->name,
	    .id_name = buf_string(&session->id_name),
	    .id_version = buf_string(&session->id_version),
	    .capabilities = buf_string(&session->capabilities),
	    .encryption = net_tls(session->net),
	    .max_connections = provider->max_connections,
	    .connections = provider->connections,
	    .batch_count = provider->batch_count,
	    .bytes_per_day = provider->bytes_per_day,
	    .quirks = provider->quirks};
}

/* ---- folders ---- */

struct folder {
	char *name, *attributes;
	size_t name_bytes;
	char delimiter;
	bool is_selectable, has_state;
	const char *unusable;
	struct endpoint_state state;
};

struct folders {
	struct folder *folder;
	size_t count, room;
};

static void folders_release(struct folders *folders)
{
	size_t i;

	for (i = 0; i < folders->count; i++) {
		free(folders->folder[i].name);
		free(folders->folder[i].attributes);
	}
	free(folders->folder);
}

static struct bytes name_of(const struct folder *folder)
{
	return (struct bytes){folder->name, folder->name_bytes};
}

/* Later lookups by name are by search: servers send STATUS in the order of LIST, so the next
 * one is tried first. */
static struct folder *find_folder(struct folders *folders, struct bytes name, size_t hint)
{
	size_t i;

	if (hint < folders->count && bytes_equal(name_of(&folders->folder[hint]), name))
		return &folders->folder[hint];
	for (i = 0; i < folders->count; i++)
		if (bytes_equal(name_of(&folders->folder[i]), name))
			return &folders->folder[i];
	if (bytes_is_nocase(name, "INBOX"))
		for (i = 0; i < folders->count; i++)
			if (bytes_is_nocase(name_of(&folders->folder[i]), "INBOX"))
				return &folders->folder[i];
	return NULL;
}

/* Why a name could not be sent back, or NULL. */
static const char *unusable_name(struct bytes name)
{
	size_t i;

	if (name.n > NAME_MAX_BYTES)
		return "its name is longer than " TEXT_OF(NAME_MAX_BYTES) " bytes";
	for (i = 0; i < name.n; i++)
		if (name.p[i] == '\0' || name.p[i] == '\r' || name.p[i] == '\n')
			return "there is a line end or NUL in its name";
	return NULL;
}

static int add_folder(struct folders *folders, const struct response_list *mailbox, struct err *err)
{
	struct folder *folder;

	/* The same twice is one. */
	if (mailbox->name.n == 0 || find_folder(folders, mailbox->name, SIZE_MAX))
		return 0;
	if (folders->count == FOLDERS_MAX)
		return err_set(
		    err, ERR_LIMIT, "the server lists more than %d folders", FOLDERS_MAX);
	folders->folder =
	    mem_grow(folders->folder, &folders->room, folders->count + 1, sizeof *folders->folder);
	folder = &folders->folder[folders->count++];
	memset(folder, 0, sizeof *folder);
	folder->name = bytes_string(mailbox->name);
	folder->name_bytes = mailbox->name.n;
	folder->attributes = bytes_string(mailbox->attributes);
	folder->delimiter = mailbox->delimiter;
	folder->unusable = unusable_name(mailbox->name);
	folder->is_selectable = !folder->unusable &&
	    !imapflags_lists(mailbox->attributes, "\\Noselect") &&
	    !imapflags_lists(mailbox->attributes, "\\NonExistent");
	return 0;
}

static void take_status(struct folders *folders, const struct response_mailbox_status *status)
{
	struct folder *folder = find_folder(folders, status->name, SIZE_MAX);
	const unsigned needed = STATUS_HAS_MESSAGES | STATUS_HAS_UIDNEXT | STATUS_HAS_UIDVALIDITY;

	if (!folder || (status->has & needed) != needed || status->uidvalidity > UINT32_MAX)
		return;
	folder->has_state = true;
	folder->state.messages = status->messages;
	folder->state.uidnext = status->uidnext;
	folder->state.uidvalidity = (uint32_t)status->uidvalidity;
	folder->state.modseq = status->has & STATUS_HAS_MODSEQ ? status->modseq : 0;
	folder->state.uids_are_sticky = true;
}

static int take_listed(void *arg, const struct response *response, struct err *err)
{
	struct folders *folders = arg;

	if (response->kind == RESPONSE_LIST)
		return add_folder(folders, &response->mailbox, err);
	if (response->kind == RESPONSE_MAILBOX_STATUS)
		take_status(folders, &response->status);
	return 0;
}

static const char *status_items(const struct imap_session *session)
{
	return capability_has(&session->can, CAP_CONDSTORE)
	    ? "(MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"
	    : "(MESSAGES UIDNEXT UIDVALIDITY)";
}

static int ask_status(struct imap_session *session, const struct folder *folder,
    struct imap_tag *tag, struct err *err)
{
	struct buf name;
	int result;

	buf_init(&name, 4 * NAME_MAX_BYTES);
	result = imapcommand_astring(&name, name_of(folder), err);
	if (result == 0)
		result = imap_command(
		    session, tag, err, "STATUS %s %s", buf_string(&name), status_items(session));
	buf_release(&name);
	return result;
}

/* One STATUS for each folder, many under way at a time. A folder that refuses has no state. */
static int ask_states(struct imap_session *session, struct folders *folders, struct err *err)
{
	struct imap_tag tag[STATUS_AT_ONCE];
	struct imap_result result;
	size_t i = 0, sent, answered;

	while (i < folders->count) {
		for (sent = 0; i < folders->count && sent < STATUS_AT_ONCE; i++) {
			if (!folders->folder[i].is_selectable)
				continue;
			if (ask_status(session, &folders->folder[i], &tag[sent], err) != 0)
				return -1;
			sent++;
		}
		for (answered = 0; answered < sent; answered++)
			if (imap_await(
				session, &tag[answered], take_listed, folders, &result, err) != 0)
				return -1;
	}
	return 0;
}

static int ask_folders(struct imap_session *session, struct folders *folders, struct err *err)
{
	bool at_once = capability_has(&session->can, CAP_LIST_STATUS);

	if (at_once) {
		struct err why = {0};

		if (imap_do(session, take_listed, folders, &why,
			"LIST \"\" \"*\" RETURN (%sSTATUS %s)",
			capability_has(&session->can, CAP_SPECIAL_USE) ? "SPECIAL-USE " : "",
			status_items(session)) == 0)
			return 0;
		if (why.code != ERR_SERVER) {
			*err = why;
			return -1;
		}
	}
	/* Without LIST-STATUS, and where a server offers it but fails at it. */
	if (imap_do(session, take_listed, folders, err, "LIST \"\" \"*\"") != 0)
		return -1;
	return ask_states(session, folders, err);
}

/* The name for people: UTF-8, "/" between the levels. */
static void show_name(struct buf *out, const struct folder *folder)
{
	size_t start = out->n, i;

	utf7_decode(out, name_of(folder));
	for (i = start; i < out->n; i++)
		if (out->p[i] == '\0')
			out->p[i] = '_'; /* a name may hold it, encoded; a string cannot */
		else if (folder->delimiter && out->p[i] == folder->delimiter)
			out->p[i] = '/';
	if (bytes_is_nocase(name_of(folder), "INBOX")) {
		buf_cut(out, start);
		buf_text(out, "INBOX");
	}
}

static int tell_folder(
    const struct folder *folder, endpoint_folder_fn fn, void *arg, struct err *err)
{
	struct endpoint_folder told = {.name = name_of(folder),
	    .attributes = bytes_of(folder->attributes),
	    .delimiter = folder->delimiter,
	    .is_selectable = folder->is_selectable,
	    .unusable = folder->unusable,
	    .has_state = folder->has_state,
	    .state = folder->state};
	struct buf shown;
	int result;

	buf_init(&shown, 16 * RESPONSE_LITERAL_BYTES);
	show_name(&shown, folder);
	told.shown = buf_view(&shown);
	result = fn(arg, &told, err);
	buf_release(&shown);
	return result;
}

static int imap_list(struct endpoint *ep, endpoint_folder_fn fn, void *arg, struct err *err)
{
	struct folders folders = {0};
	int result = ask_folders(IMAP_SESSION(ep), &folders, err);
	size_t i;

	for (i = 0; result == 0 && i < folders.count; i++)
		result = tell_folder(&folders.folder[i], fn, arg, err);
	folders_release(&folders);
	return result;
}

/* ---- one folder ---- */

static void take_permanent(struct imap_session *session, struct bytes list)
{
	if (list.n > 1 && list.p[0] == '(' && list.p[list.n - 1] == ')')
		list = (struct bytes){list.p + 1, list.n - 2};
	buf_clear(&session->permanent);
	buf_bytes(&session->permanent, list);
	session->state.has_permanent = true;
	session->state.can_delete = imapflags_lists(list, "\\Deleted");
}

static int take_selected(void *arg, const struct response *response, struct err *err)
{
	struct imap_session *session = arg;
	struct endpoint_state *state = &session->state;
	uint64_t number;

	(void)err;
	if (response->kind != RESPONSE_STATUS && response->kind != RESPONSE_TAGGED)
		return 0;
	if (bytes_is_nocase(response->code, "UIDVALIDITY")) {
		if (response_code_number(response, &number) && number <= UINT32_MAX)
			state->uidvalidity = (uint32_t)number;
	} else if (bytes_is_nocase(response->code, "UIDNEXT")) {
		if (response_code_number(response, &number))
			state->uidnext = number;
	} else if (bytes_is_nocase(response->code, "HIGHESTMODSEQ")) {
		if (response_code_number(response, &number))
			state->modseq = number;
	} else if (bytes_is_nocase(response->code, "PERMANENTFLAGS")) {
		take_permanent(session, response->code_argument);
	} else if (bytes_is_nocase(response->code, "READ-WRITE")) {
		state->is_writable = true;
	} else if (bytes_is_nocase(response->code, "READ-ONLY")) {
		state->is_writable = false;
	} else if (bytes_is_nocase(response->code, "UIDNOTSTICKY")) {
		state->uids_are_sticky = false;
	}
	return 0;
}

void imap_forget_selected(struct imap_session *session, enum endpoint_mode mode)
{
	session->mode = mode;
	buf_clear(&session->selected);
	buf_clear(&session->permanent);
	/* Without a word about them all flags are permanent (RFC 9051 section 6.3.2). */
	session->state = (struct endpoint_state){
	    .can_delete = true, .is_writable = mode == ENDPOINT_WRITE, .uids_are_sticky = true};
	session->exists = 0;
	session->has_exists = false;
}

int imap_take_opening(void *arg, const struct response *response, struct err *err)
{
	struct imap_opening *opening = arg;

	/* What came before was about the folder that was open (RFC 7162 section 3.2.11). */
	if (response->kind == RESPONSE_STATUS && bytes_is_nocase(response->code, "CLOSED"))
		imap_forget_selected(opening->session, opening->session->mode);
	if (take_selected(opening->session, response, err) != 0)
		return -1;
	return opening->handler ? opening->handler(opening->arg, response, err) : 0;
}

int imap_open_folder(struct imap_session *session, struct bytes name, enum endpoint_mode mode,
    const char *with, imap_handler handler, void *arg, struct endpoint_state *out, struct err *err)
{
	struct imap_opening opening = {session, handler, arg};
	struct buf quoted;
	int result = -1;

	buf_init(&quoted, 4 * NAME_MAX_BYTES);
	imap_forget_selected(session, mode);
	if (imapcommand_astring(&quoted, name, err) != 0 ||
	    imap_do(session, imap_take_opening, &opening, err,
		mode == ENDPOINT_WRITE ? "SELECT %s%s" : "EXAMINE %s%s", buf_string(&quoted),
		with) != 0)
		goto out;
	/* Not told is not "none": an empty folder would mean that all its mail is gone. */
	if (!session->has_exists) {
		err_set(err, ERR_SERVER, "the server does not say how many messages there are");
		goto out;
	}
	buf_bytes(&session->selected, name);
	session->state.messages = session->exists;
	session->state.permanent_flags = buf_view(&session->permanent);
	*out = session->state;
	result = 0;
out:
	buf_release(&quoted);
	return result;
}

static int imap_select(struct endpoint *ep, struct bytes name, enum endpoint_mode mode,
    struct endpoint_state *out, struct err *err)
{
	return imap_open_folder(IMAP_SESSION(ep), name, mode, "", NULL, NULL, out, err);
}

static int imap_create(struct endpoint *ep, struct bytes name, struct err *err)
{
	struct imap_session *session = IMAP_SESSION(ep);
	struct endpoint_state state;
	struct imap_result result;
	struct imap_tag tag;
	struct err why = {0};
	struct buf quoted;
	int done = -1;

	buf_init(&quoted, 4 * NAME_MAX_BYTES);
	if (imapcommand_astring(&quoted, name, err) != 0)
		goto out;
	if (imap_do(session, NULL, NULL, &why, "CREATE %s", buf_string(&quoted)) != 0) {
		/* Servers have many words for "exists": opening it tells. */
		if (why.code != ERR_SERVER ||
		    imap_select(ep, name, ENDPOINT_READ, &state, NULL) != 0) {
			if (err)
				*err = why;
			goto out;
		}
	}
	if (imap_command(session, &tag, err, "SUBSCRIBE %s", buf_string(&quoted)) == 0 &&
	    imap_await(session, &tag, NULL, NULL, &result, err) == 0)
		done = 0;
out:
	buf_release(&quoted);
	return done;
}

/* ---- names on this server ---- */

/* The first personal namespace: ((prefix delimiter) ...). */
static int take_namespace(void *arg, const struct response *response, struct err *err)
{
	struct imap_session *session = arg;
	struct bytes rest;
	const char *end;

	(void)err;
	if (response->kind == RESPONSE_LIST && response->mailbox.name.n == 0)
		session->delimiter = response->mailbox.delimiter;
	if (response->kind != RESPONSE_NAMESPACE || !bytes_starts(response->list, "((\""))
		return 0;
	rest = bytes_from(response->list, 3);
	end = memchr(rest.p, '"', rest.n);
	if (!end)
		return 0;
	buf_clear(&session->prefix);
	buf_add(&session->prefix, rest.p, (size_t)(end - rest.p));
	return 0;
}

static int learn_names(struct imap_session *session, struct err *err)
{
	struct err why = {0};

	if (session->knows_names)
		return 0;
	session->delimiter = 0;
	if (imap_do(session, take_namespace, session, err, "LIST \"\" \"\"") != 0)
		return -1;
	/* Exchange offers it, and answers BAD. */
	if (capability_has(&session->can, CAP_NAMESPACE) &&
	    imap_do(session, take_namespace, session, &why, "NAMESPACE") != 0 &&
	    why.code != ERR_SERVER) {
		*err = why;
		return -1;
	}
	session->knows_names = true;
	return 0;
}

static int imap_namespace(
    struct endpoint *ep, struct bytes *prefix_out, char *delimiter_out, struct err *err)
{
	struct imap_session *session = IMAP_SESSION(ep);

	if (learn_names(session, err) != 0)
		return -1;
	*prefix_out = buf_view(&session->prefix);
	*delimiter_out = session->delimiter;
	return 0;
}

/* What is below the namespace's prefix, which a name that is shown may begin with already. */
static struct bytes below_prefix(const struct imap_session *session, struct bytes shown)
{
	size_t i;

	for (i = 0; i < session->prefix.n; i++) {
		char prefix = session->prefix.p[i];
		struct bytes wanted = {prefix == session->delimiter ? "/" : &prefix, 1};

		if (i >= shown.n || !bytes_equal_nocase((struct bytes){shown.p + i, 1}, wanted))
			return shown;
	}
	return bytes_from(shown, i);
}

static int imap_name_for(struct endpoint *ep, struct bytes shown, struct buf *out, struct err *err)
{
	struct imap_session *session = IMAP_SESSION(ep);
	struct buf level;
	struct bytes rest;

	if (bytes_is_nocase(shown, "INBOX")) {
		buf_text(out, "INBOX");
		return 0;
	}
	if (learn_names(session, err) != 0)
		return -1;
	rest = below_prefix(session, shown);
	buf_bytes(out, buf_view(&session->prefix));
	buf_init(&level, 16 * NAME_MAX_BYTES);
	while (rest.n > 0) {
		const char *slash = memchr(rest.p, '/', rest.n);
		size_t i, n = slash ? (size_t)(slash - rest.p) : rest.n;

		buf_clear(&level);
		utf7_encode(&level, (struct bytes){rest.p, n});
		/* The delimiter of this server cannot stand inside a name. */
		for (i = 0; i < level.n; i++)
			if (level.p[i] == session->delimiter)
				level.p[i] = '_';
		buf_bytes(out, buf_view(&level));
		rest = bytes_from(rest, n + 1);
		if (rest.n > 0)
			buf_char(out, session->delimiter ? session->delimiter : '_');
	}
	buf_release(&level);
	if (out->overflow || out->n > NAME_MAX_BYTES)
		return err_set(err, ERR_LIMIT, "the name of a folder is too long");
	return 0;
}

/* ---- quota ---- */

static int take_quota(void *arg, const struct response *response, struct err *err)
{
	struct response_quota *quota = arg;

	(void)err;
	if (response->kind == RESPONSE_QUOTA && response->quota.has_storage && !quota->has_storage)
		*quota = response->quota;
	return 0;
}

static int imap_quota(
    struct endpoint *ep, uint64_t *used_kib_out, uint64_t *limit_kib_out, struct err *err)
{
	struct imap_session *session = IMAP_SESSION(ep);
	struct response_quota quota = {0};
	struct imap_result result;
	struct imap_tag tag;

	if (!capability_has(&session->can, CAP_QUOTA))
		return 0;
	if (imap_command(session, &tag, err, "GETQUOTAROOT INBOX") != 0 ||
	    imap_await(session, &tag, take_quota, &quota, &result, err) != 0)
		return -1;
	if (!result.ok || !quota.has_storage)
		return 0;
	*used_kib_out = quota.used_kib;
	*limit_kib_out = quota.limit_kib;
	return 1;
}

static const struct endpoint_ops imap_ops = {
    .close = imap_close,
    .can = imap_can,
    .interrupt = imap_interrupt,
    .traffic = imap_traffic,
    .facts = imap_facts,
    .list = imap_list,
    .select = imap_select,
    .select_since = imap_select_since,
    .create = imap_create,
    .name_for = imap_name_for,
    .names = imap_namespace,
    .quota = imap_quota,
    .scan = imap_scan,
    .survey = imap_survey,
    .identify = imap_identify,
    .message_ids = imap_message_ids,
    .fetch = imap_fetch,
    .append = imap_append,
    .append_wait = imap_append_wait,
    .expunge = imap_expunge,
    .unmark = imap_unmark,
};

int imap_open(struct endpoint **out, const struct endpoint_options *options, struct err *err)
{
	struct imap_session *session = mem_zero(1, sizeof *session);

	session->endpoint.ops = &imap_ops;
	if (imap_session_open(session, options, err) != 0 ||
	    begin(session, options->wants_news, err) != 0) {
		imap_close(&session->endpoint);
		return -1;
	}
	*out = &session->endpoint;
	return 0;
}
