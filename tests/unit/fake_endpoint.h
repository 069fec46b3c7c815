/* A mail server in memory, for tests of what talks to one (endpoint_private.h), with a script of
 * what it does wrong.
 *
 *   fake_begin(&fake);
 *     inbox = fake_folder(&fake, "INBOX");
 *     message = fake_message(inbox, 7, "Message-ID: <a@b>\r\n\r\nHello\r\n", "\\Seen", date);
 *     message->stays = true;                   it will not go
 *   ... &fake.endpoint is the connection; fake_log(&fake) what it was told
 *   fake_end(&fake);
 *
 * With FAKE_OPENS defined, endpoint_open() connects to the fake that was begun last. Pointers to
 * messages are good until the next message of the folder. */
#ifndef TESTS_UNIT_FAKE_ENDPOINT_H
#define TESTS_UNIT_FAKE_ENDPOINT_H

#include "archiver/endpoint/endpoint_private.h"

#include "archiver/endpoint/clearance_private.h"
#include "archiver/imapwire/imapflags.h"

#include "base/buf.h"
#include "base/mem.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <string.h>

#define FAKE_FOLDERS     4
#define FAKE_UIDVALIDITY 1

struct fake_message {
	uint32_t uid;
	char *text, *flags;
	int64_t date_unix;

	/* What it tells of the message, where that is not the truth. */
	const char *told_header;
	uint64_t told_size;
	bool hides_flags, hides_date, hides_size, hides_header;
	bool is_unlisted;      /* not in a scan */
	bool is_unidentified;  /* endpoint_identify passes it over */
	bool sends_no_text;    /* a fetch does, although it says OK */
	bool refuses, breaks;  /* a fetch: the command, the connection */
	bool changes_its_text; /* a fetch sends it twice, differently */
	unsigned cuts;         /* so many fetches send only its first half */

	bool stays;     /* an expunge leaves it */
	bool goes_too;  /* an expunge takes it along unasked */
	bool is_marked; /* \Deleted */
};

/* What endpoint_select_since() says, as sets: "1:3,7"; NULL is none. */
struct fake_news {
	enum endpoint_telling telling;
	const char *vanished, *left, *there;
	const char *told; /* of those that are there, and their flags */
	bool hides_flags, tells_dates, fails;
	uint64_t more; /* messages have come since */
};

struct fake_folder {
	const char *name;
	struct fake_news news;
	char *made_name;             /* of one that was created */
	struct endpoint_state state; /* but messages, which are counted */
	uint64_t claims_more;        /* messages than there are */
	bool is_hidden, has_status;  /* in the list */
	struct fake_message *message;
	size_t count, room;
};

struct fake {
	struct endpoint endpoint;
	struct fake_folder folder[FAKE_FOLDERS];
	size_t folder_count;
	struct fake_folder *selected;
	enum endpoint_mode mode;
	bool cannot_expunge_by_uid, tells_modseq;
	bool can_survey, is_surveying; /* nothing else can be asked meanwhile */
	bool has_quota;
	uint64_t quota_used_kib;
	bool refuses_appends, is_full;
	uint64_t opens;
	struct buf log;

	/* The call of that name fails, at the number-th time (from 1), having done its work or not.
	 */
	const char *fail_call;
	enum err_code fail_code;
	unsigned fail_number, calls;
	bool fails_when_done;

	/* Called when an expunge is asked for, before anything else. */
	void (*on_expunge)(void *arg, const struct clearance *clearance);
	void *arg;
};

static struct fake *fake_server; /* for FAKE_OPENS */

static inline struct fake *fake_of(const struct endpoint *ep)
{
	return (struct fake *)((char *)(uintptr_t)ep - offsetof(struct fake, endpoint));
}

/* What was told to the server so far, "select INBOX, scan, ..."; begins anew. */
static inline char *fake_log(struct fake *fake)
{
	char *log = bytes_string(buf_view(&fake->log));

	buf_clear(&fake->log);
	return log;
}

static inline void fake_logged(struct fake *fake, const char *expected)
{
	char *log = fake_log(fake);

	ck_assert_str_eq(log, expected);
	free(log);
}

static inline void fake_note(struct fake *fake, const char *call, struct bytes what)
{
	buf_text(&fake->log, fake->log.n ? ", " : "");
	buf_text(&fake->log, call);
	buf_text(&fake->log, what.n ? " " : "");
	buf_bytes(&fake->log, what);
}

static inline void fake_note_set(struct fake *fake, const char *call, const struct seqset *uids)
{
	struct buf text;

	buf_init(&text, 1 << 16);
	seqset_format(uids, 0, UINT64_MAX, 1 << 15, &text);
	fake_note(fake, call, buf_view(&text));
	buf_release(&text);
}

/* -1 when the script says so. */
static inline int fake_script(struct fake *fake, const char *call, bool is_done, struct err *err)
{
	if (!fake->fail_call || strcmp(fake->fail_call, call) != 0 ||
	    fake->fails_when_done != is_done || ++fake->calls != fake->fail_number)
		return 0;
	return err_set(err, fake->fail_code, "%s failed", call);
}

static inline void fake_fail(
    struct fake *fake, const char *call, unsigned number, enum err_code code)
{
	fake->fail_call = call;
	fake->fail_number = number;
	fake->fail_code = code;
	fake->calls = 0;
	fake->fails_when_done = false;
}

static inline struct fake_message *fake_find(struct fake_folder *folder, uint32_t uid)
{
	for (size_t i = 0; i < folder->count; i++)
		if (folder->message[i].uid == uid)
			return &folder->message[i];
	return NULL;
}

static inline void fake_remove(struct fake_folder *folder, uint32_t uid)
{
	struct fake_message *message = fake_find(folder, uid);

	ck_assert_ptr_nonnull(message);
	free(message->text);
	free(message->flags);
	memmove(message, message + 1,
	    (size_t)(folder->message + folder->count - message - 1) * sizeof *message);
	folder->count--;
}

static inline void fake_set_flags(struct fake_message *message, const char *flags)
{
	free(message->flags);
	message->flags = mem_string(flags);
}

/* UIDs of a folder ascend. */
static inline struct fake_message *fake_message(struct fake_folder *folder, uint32_t uid,
    const char *text, const char *flags, int64_t date_unix)
{
	struct fake_message *message;

	folder->message =
	    mem_grow(folder->message, &folder->room, folder->count + 1, sizeof *folder->message);
	message = &folder->message[folder->count++];
	*message = (struct fake_message){.uid = uid,
	    .text = mem_string(text),
	    .flags = mem_string(flags ? flags : ""),
	    .date_unix = date_unix};
	if (uid >= folder->state.uidnext)
		folder->state.uidnext = (uint64_t)uid + 1;
	return message;
}

static inline struct fake_folder *fake_folder(struct fake *fake, const char *name)
{
	struct fake_folder *folder = &fake->folder[fake->folder_count++];

	ck_assert_uint_le(fake->folder_count, FAKE_FOLDERS);
	folder->name = name;
	folder->state = (struct endpoint_state){.uidvalidity = FAKE_UIDVALIDITY,
	    .uidnext = 1,
	    .is_writable = true,
	    .can_delete = true,
	    .uids_are_sticky = true};
	return folder;
}

/* ---- what an endpoint does ---- */

static inline void fake_close(struct endpoint *ep)
{
	fake_of(ep)->selected = NULL;
}

static inline bool fake_can(const struct endpoint *ep, enum endpoint_ability what)
{
	return (what == ENDPOINT_EXPUNGE_BY_UID && !fake_of(ep)->cannot_expunge_by_uid) ||
	    (what == ENDPOINT_TELLS_MODSEQ && fake_of(ep)->tells_modseq);
}

static inline void fake_traffic(const struct endpoint *ep, uint64_t *received, uint64_t *sent)
{
	(void)ep;
	*received = *sent = 0;
}

static inline struct endpoint_state fake_state(const struct fake_folder *folder)
{
	struct endpoint_state state = folder->state;

	state.messages = folder->count + folder->claims_more;
	return state;
}

static inline int fake_list(struct endpoint *ep, endpoint_folder_fn fn, void *arg, struct err *err)
{
	struct fake *fake = fake_of(ep);

	fake_note(fake, "list", bytes_of(NULL));
	if (fake_script(fake, "list", false, err) != 0)
		return -1;
	for (size_t i = 0; i < fake->folder_count; i++) {
		struct endpoint_folder told = {.name = bytes_of(fake->folder[i].name),
		    .shown = bytes_of(fake->folder[i].name),
		    .delimiter = '/',
		    .is_selectable = true,
		    .has_state = fake->folder[i].has_status,
		    .state = fake_state(&fake->folder[i])};

		if (!fake->folder[i].is_hidden && fn(arg, &told, err) != 0)
			return -1;
	}
	return 0;
}

static inline int fake_select(struct endpoint *ep, struct bytes name, enum endpoint_mode mode,
    struct endpoint_state *out, struct err *err)
{
	struct fake *fake = fake_of(ep);

	fake_note(fake, mode == ENDPOINT_READ ? "examine" : "select", name);
	if (fake_script(fake, "select", false, err) != 0)
		return -1;
	fake->selected = NULL;
	fake->mode = mode;
	for (size_t i = 0; i < fake->folder_count; i++)
		if (bytes_is(name, fake->folder[i].name))
			fake->selected = &fake->folder[i];
	if (!fake->selected)
		return err_set(err, ERR_SERVER, "no such folder");
	*out = fake_state(fake->selected);
	out->is_writable = out->is_writable && mode == ENDPOINT_WRITE;
	return 0;
}

static inline void fake_set(struct seqset *set, const char *text)
{
	seqset_clear(set);
	if (text)
		ck_assert_int_eq(seqset_parse(set, bytes_of(text), UINT32_MAX, 100, NULL), 0);
}

static inline int fake_tell(const struct fake_folder *folder, const struct seqset *told,
    endpoint_identity_fn fn, void *arg, struct err *err)
{
	int result = 0;

	for (size_t i = folder->count; result == 0 && i-- > 0;) {
		const struct fake_message *message = &folder->message[i];

		if (seqset_has(told, message->uid))
			result = fn(arg,
			    &(struct endpoint_identity){.uid = {message->uid},
				.has_flags = !folder->news.hides_flags,
				.has_date = folder->news.tells_dates,
				.flags = bytes_of(message->flags),
				.date_unix = message->date_unix},
			    err);
	}
	return result;
}

static inline int fake_select_since(struct endpoint *ep, struct bytes name,
    const struct endpoint_past *past, endpoint_identity_fn fn, void *arg,
    struct endpoint_news *news, struct endpoint_state *out, struct err *err)
{
	struct fake *fake = fake_of(ep);
	const struct fake_news *script;
	struct seqset told;
	int result;

	if (fake_select(ep, name, ENDPOINT_READ, out, err) != 0)
		return -1;
	buf_format(&fake->log, " since %llu", (unsigned long long)past->modseq);
	script = &fake->selected->news;
	if (script->fails)
		return err_set(err, ERR_PROTOCOL, "it cannot be read");
	news->telling = script->telling;
	fake_set(&news->vanished, script->vanished);
	fake_set(&news->left, script->left);
	fake_set(&news->there, script->there);
	news->messages = out->messages - seqset_count(&news->left) + script->more;
	seqset_init(&told);
	fake_set(&told, script->told);
	result = fake_tell(fake->selected, &told, fn, arg, err);
	seqset_release(&told);
	return result;
}

static inline int fake_create(struct endpoint *ep, struct bytes name, struct err *err)
{
	struct fake *fake = fake_of(ep);
	struct fake_folder *folder;

	fake_note(fake, "create", name);
	if (fake_script(fake, "create", false, err) != 0)
		return -1;
	folder = fake_folder(fake, NULL);
	folder->name = folder->made_name = bytes_string(name);
	return 0;
}

static inline int fake_name_for(
    struct endpoint *ep, struct bytes shown, struct buf *out, struct err *err)
{
	(void)ep, (void)err;
	buf_bytes(out, shown);
	return 0;
}

static inline int fake_quota(struct endpoint *ep, uint64_t *used, uint64_t *limit, struct err *err)
{
	struct fake *fake = fake_of(ep);

	if (fake_script(fake, "quota", false, err) != 0)
		return -1;
	*used = fake->quota_used_kib;
	*limit = 1000;
	return fake->has_quota;
}

static inline int fake_scan(
    struct endpoint *ep, endpoint_identity_fn fn, void *arg, uint64_t *count_out, struct err *err)
{
	struct fake *fake = fake_of(ep);
	struct fake_folder *folder = fake->selected;
	struct buf flags, told;
	int result = 0;

	ck_assert_ptr_nonnull(folder);
	fake_note(fake, "scan", bytes_of(NULL));
	if (fake_script(fake, "scan", false, err) != 0)
		return -1;
	*count_out = 0;
	buf_init(&told, IMAPFLAGS_MAX_BYTES);
	buf_init(&flags, IMAPFLAGS_MAX_BYTES);
	for (size_t i = 0; result == 0 && i < folder->count; i++) {
		const struct fake_message *message = &folder->message[i];

		if (message->is_unlisted)
			continue;
		++*count_out;
		buf_clear(&told);
		buf_clear(&flags);
		buf_format(&told, "%s%s", message->flags, message->is_marked ? " \\Deleted" : "");
		imapflags_normalise(&flags, buf_view(&told));
		result = fn(arg,
		    &(struct endpoint_identity){.uid = {message->uid},
			.has_flags = true,
			.has_date = !message->hides_date,
			.flags = buf_view(&flags),
			.date_unix = message->date_unix},
		    err);
	}
	buf_release(&told);
	buf_release(&flags);
	return result;
}

static inline int fake_survey_one(
    struct fake *fake, struct bytes name, const struct endpoint_survey *survey, struct err *err)
{
	struct endpoint_state state;
	uint64_t count = 0;

	if (fake_select(&fake->endpoint, name, ENDPOINT_READ, &state, NULL) != 0)
		return survey->end(survey->arg, NULL, 0, err);
	if (fake_scan(&fake->endpoint, survey->message, survey->arg, &count, err) != 0)
		return -1;
	return survey->end(survey->arg, &state, count, err);
}

static inline int fake_survey(
    struct endpoint *ep, const struct endpoint_survey *survey, struct err *err)
{
	struct fake *fake = fake_of(ep);
	struct bytes name;
	int result = 0;

	if (!fake->can_survey)
		return 0;
	fake_note(fake, "survey", bytes_of(NULL));
	fake->is_surveying = true;
	while (result == 0 && survey->next(survey->arg, &name))
		result = fake_survey_one(fake, name, survey, err);
	fake->is_surveying = false;
	return result;
}

/* Its Message-ID field, as it stands there. */
static inline struct bytes fake_header(const struct fake_message *message)
{
	const char *at = strstr(message->text, "Message-ID:");
	const char *end = at ? strstr(at, "\r\n") : NULL;

	if (message->told_header)
		return bytes_of(message->told_header);
	return end ? (struct bytes){at, (size_t)(end - at) + 2} : BYTES("\r\n");
}

static inline int fake_identify(struct endpoint *ep, const struct seqset *uids,
    endpoint_identity_fn fn, void *arg, struct err *err)
{
	struct fake *fake = fake_of(ep);
	struct fake_folder *folder = fake->selected;

	ck_assert_ptr_nonnull(folder);
	ck_assert(!fake->is_surveying);
	fake_note_set(fake, "identify", uids);
	if (fake_script(fake, "identify", false, err) != 0)
		return -1;
	for (size_t i = 0; i < folder->count; i++) {
		const struct fake_message *message = &folder->message[i];
		struct endpoint_identity identity = {.uid = {message->uid},
		    .has_flags = !message->hides_flags,
		    .has_date = !message->hides_date,
		    .has_size = !message->hides_size,
		    .has_header = !message->hides_header,
		    .flags = bytes_of(message->flags),
		    .date_unix = message->date_unix,
		    .size_bytes = message->told_size ? message->told_size : strlen(message->text),
		    .header = fake_header(message)};

		if (seqset_has(uids, message->uid) && !message->is_unidentified &&
		    fn(arg, &identity, err) != 0)
			return -1;
	}
	return 0;
}

static inline int fake_send_text(const struct endpoint_sink *sink, struct fake_message *message,
    const char *text, struct err *err)
{
	struct endpoint_message told = {.uid = {message->uid},
	    .has_flags = true,
	    .has_date = !message->hides_date,
	    .has_size = !message->hides_size,
	    .has_body = true,
	    .flags = bytes_of(message->flags),
	    .date_unix = message->date_unix,
	    .size_bytes = message->told_size ? message->told_size : strlen(text)};
	size_t sent = strlen(text);

	if (message->cuts > 0) {
		message->cuts--;
		sent /= 2;
	}
	return sink->begin(sink->arg, sent, err) != 0 ||
		sink->data(sink->arg, text, sent, err) != 0 || sink->end(sink->arg, err) != 0 ||
		sink->message(sink->arg, &told, err) != 0
	    ? -1
	    : 0;
}

/* Those of one command. */
static inline int fake_send(struct fake *fake, const struct seqset *uids,
    const struct endpoint_sink *sink, bool *ok, struct err *err)
{
	*ok = true;
	for (size_t i = 0; i < fake->selected->count; i++) {
		struct fake_message *message = &fake->selected->message[i];

		if (!seqset_has(uids, message->uid) || message->sends_no_text)
			continue;
		if (message->breaks)
			return err_set(err, ERR_NETWORK, "the connection broke");
		if (message->refuses)
			*ok = false;
		else if (fake_send_text(sink, message, message->text, err) != 0 ||
		    (message->changes_its_text &&
			fake_send_text(sink, message, "another\r\n", err) != 0))
			return -1;
	}
	return 0;
}

static inline int fake_fetch(struct endpoint *ep, const struct endpoint_source *source,
    const struct endpoint_sink *sink, struct err *err)
{
	struct fake *fake = fake_of(ep);
	struct seqset batch;
	int result = 0;

	ck_assert_ptr_nonnull(fake->selected);
	ck_assert(!fake->is_surveying);
	seqset_init(&batch);
	while (result == 0 && source->next(source->arg, &batch)) {
		bool ok;

		fake_note_set(fake, "fetch", &batch);
		result = fake_script(fake, "fetch", false, err);
		if (result == 0)
			result = fake_send(fake, &batch, sink, &ok, err);
		if (result == 0)
			result = sink->batch(sink->arg, &batch, ok,
			    ok ? bytes_of(NULL) : BYTES("not that one"), err);
		seqset_clear(&batch);
	}
	seqset_release(&batch);
	return result;
}

static inline void fake_interrupt(struct endpoint *ep)
{
	(void)ep;
}

static inline int fake_append(struct endpoint *ep, const struct endpoint_append *append,
    endpoint_appended_fn fn, void *arg, struct err *err)
{
	struct fake *fake = fake_of(ep);
	struct endpoint_appended appended = {
	    .cookie = append->cookie, .ok = true, .is_over_quota = fake->is_full};
	struct fake_folder *folder = NULL;
	struct buf text, flags;
	struct bytes view;

	fake_note(fake, "append", append->folder);
	if (fake_script(fake, "append", false, err) != 0)
		return -1;
	for (size_t i = 0; i < fake->folder_count; i++)
		if (bytes_is(append->folder, fake->folder[i].name))
			folder = &fake->folder[i];
	ck_assert_ptr_nonnull(folder);
	ck_assert(spool_in_memory(append->text, &view));
	if (fake->refuses_appends || fake->is_full) {
		appended.ok = false;
		appended.reason = BYTES("no");
		return fn(arg, &appended, err);
	}
	buf_init(&text, 1 << 20);
	buf_init(&flags, IMAPFLAGS_MAX_BYTES);
	buf_bytes(&text, view);
	buf_bytes(&flags, append->flags);
	appended.uidvalidity = folder->state.uidvalidity;
	appended.uid.value = (uint32_t)folder->state.uidnext;
	fake_message(
	    folder, appended.uid.value, buf_string(&text), buf_string(&flags), append->date_unix);
	buf_release(&text);
	buf_release(&flags);
	if (fake_script(fake, "append", true, err) != 0)
		return -1;
	return fn(arg, &appended, err);
}

static inline int fake_append_wait(
    struct endpoint *ep, endpoint_appended_fn fn, void *arg, struct err *err)
{
	(void)ep, (void)fn, (void)arg, (void)err;
	return 0;
}

/* As endpoint.h says, but for what the script says. */
static inline int fake_expunge(struct endpoint *ep, const struct clearance *clearance,
    struct seqset *left_out, struct seqset *lost_out, struct err *err)
{
	struct fake *fake = fake_of(ep);
	struct fake_folder *folder = fake->selected;

	fake_note_set(fake, "expunge", &clearance->uids);
	if (fake->on_expunge)
		fake->on_expunge(fake->arg, clearance);
	ck_assert_ptr_nonnull(folder);
	ck_assert_int_eq(fake->mode, ENDPOINT_WRITE);
	ck_assert(bytes_is(buf_view(&clearance->folder), folder->name));
	ck_assert_uint_eq(clearance->uidvalidity, folder->state.uidvalidity);
	if (fake_script(fake, "expunge", false, err) != 0)
		return -1;
	for (size_t i = folder->count; i > 0; i--) {
		const struct fake_message *message = &folder->message[i - 1];
		uint32_t uid = message->uid;
		bool is_cleared = seqset_has(&clearance->uids, uid);

		if (is_cleared && message->stays)
			seqset_add(left_out, uid);
		else if (is_cleared || message->goes_too)
			fake_remove(folder, uid);
		if (!is_cleared && !fake_find(folder, uid))
			seqset_add(lost_out, uid);
	}
	return fake_script(fake, "expunge", true, err);
}

static inline int fake_unmark(struct endpoint *ep, const struct seqset *uids, struct err *err)
{
	struct fake *fake = fake_of(ep);

	ck_assert_ptr_nonnull(fake->selected);
	ck_assert_int_eq(fake->mode, ENDPOINT_WRITE);
	fake_note_set(fake, "unmark", uids);
	if (fake_script(fake, "unmark", false, err) != 0)
		return -1;
	for (size_t i = 0; i < fake->selected->count; i++)
		if (seqset_has(uids, fake->selected->message[i].uid))
			fake->selected->message[i].is_marked = false;
	return 0;
}

static const struct endpoint_ops fake_ops = {.close = fake_close,
    .can = fake_can,
    .traffic = fake_traffic,
    .list = fake_list,
    .select = fake_select,
    .select_since = fake_select_since,
    .create = fake_create,
    .name_for = fake_name_for,
    .quota = fake_quota,
    .scan = fake_scan,
    .survey = fake_survey,
    .identify = fake_identify,
    .fetch = fake_fetch,
    .interrupt = fake_interrupt,
    .append = fake_append,
    .append_wait = fake_append_wait,
    .expunge = fake_expunge,
    .unmark = fake_unmark};

static inline void fake_begin(struct fake *fake)
{
	memset(fake, 0, sizeof *fake);
	fake->endpoint.ops = &fake_ops;
	buf_init(&fake->log, 1 << 20);
	fake_server = fake;
}

static inline void fake_end(struct fake *fake)
{
	for (size_t i = 0; i < fake->folder_count; i++) {
		while (fake->folder[i].count > 0)
			fake_remove(&fake->folder[i], fake->folder[i].message[0].uid);
		free(fake->folder[i].message);
		free(fake->folder[i].made_name);
	}
	buf_release(&fake->log);
	fake_server = NULL;
}

#ifdef FAKE_OPENS
/* Instead of the real one, which the linker then leaves out. */
int imap_open(struct endpoint **out, const struct endpoint_options *options, struct err *err)
{
	(void)options;
	fake_note(fake_server, "open", bytes_of(NULL));
	if (fake_script(fake_server, "open", false, err) != 0)
		return -1;
	fake_server->opens++;
	*out = &fake_server->endpoint;
	return 0;
}
#endif

#endif
