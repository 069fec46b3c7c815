/* Owns:  the sync of one account: its connection and the list of its folders.
 * Knows: the order of things, and which failures end what.
 * Never: changes the server; takes a failed listing for a deletion. */
#include "archiver/sync/sync_private.h"

#include "archiver/endpoint/providers.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_BYTES 200

struct bytes sync_account_name(const struct sync *sync)
{
	return bytes_of(sync->options->account);
}

struct bytes sync_folder_name(const struct sync_folder *folder)
{
	return (struct bytes){folder->name, folder->name_bytes};
}

void sync_problem(struct sync *sync, const struct sync_folder *folder, const char *format, ...)
{
	char text[ERR_TEXT_BYTES];
	va_list args;

	if (!sync->options->problem)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	sync->options->problem(sync->options->arg, bytes_of(folder ? folder->shown : NULL), text);
}

void sync_show_progress(struct sync *sync)
{
	if (sync->options->progress)
		sync->options->progress(sync->options->arg, &sync->progress);
}

/* ---- the archive ---- */

int sync_commit(struct sync *sync, struct err *err)
{
	sync->commit_ms = clock_monotonic_ms();
	if (vault_commit(sync->options->vault, err) == 0) {
		sync->committed = *sync->report;
		return 0;
	}
	sync->is_vault_bad = true;
	return -1;
}

int sync_commit_if_due(struct sync *sync, struct err *err)
{
	if (vault_is_due(sync->options->vault) ||
	    clock_monotonic_ms() - sync->commit_ms > SYNC_COMMIT_S * 1000)
		return sync_commit(sync, err);
	return 0;
}

int sync_log(struct sync *sync, const struct event *event, struct err *err)
{
	if (vault_log(sync->options->vault, event, err) != 0) {
		sync->is_vault_bad = true;
		return -1;
	}
	return sync_commit_if_due(sync, err);
}

/* ---- the connection ---- */

static bool must_stop(const struct sync *sync)
{
	return sync->options->stop && *sync->options->stop;
}

void sync_disconnect(struct sync *sync)
{
	uint64_t received, sent;

	if (!sync->ep)
		return;
	endpoint_traffic(sync->ep, &received, &sent);
	sync->report->bytes_fetched += received;
	endpoint_close(sync->ep);
	sync->ep = NULL;
}

int sync_connect(struct sync *sync, struct err *err)
{
	if (sync->ep)
		return 0;
	if (must_stop(sync))
		return err_set(err, ERR_STOPPED, "stopped");
	return endpoint_open(&sync->ep, &sync->options->endpoint, err);
}

static bool is_of_connection(const struct err *err)
{
	return err->code == ERR_NETWORK || err->code == ERR_PROTOCOL || err->code == ERR_LIMIT;
}

bool sync_can_reconnect(const struct sync *sync, const struct err *err)
{
	return !sync->is_vault_bad && sync->failures < SYNC_RECONNECTS && is_of_connection(err);
}

/* ---- the folders ---- */

/* Is it to be looked into? */
static bool is_place(const struct sync *sync, const struct sync_folder *folder)
{
	const struct sync_options *options = sync->options;

	return (!options->wants || options->wants(options->wants_arg, bytes_of(folder->shown))) &&
	    !views_reason(&sync->views, sync_folder_name(folder));
}

/* A folder that is left out is told when it is seen first, and noted, so that this is once. */
static int tell_view(struct sync *sync, const struct sync_folder *folder, struct err *err)
{
	const char *reason = views_reason(&sync->views, sync_folder_name(folder));
	struct event event = {.kind = EVENT_FOLDER,
	    .account = sync_account_name(sync),
	    .folder = sync_folder_name(folder),
	    .shown = bytes_of(folder->shown),
	    .delimiter = {&folder->delimiter, folder->delimiter ? 1 : 0},
	    .attributes = bytes_of(folder->attributes),
	    .state = BYTES("seen")};
	struct catalog_folder known;
	char text[200];

	if (!reason ||
	    catalog_folder(vault_catalog(sync->options->vault), event.account, event.folder, &known,
		NULL) == 1)
		return 0;
	snprintf(text, sizeof text, "not archived: %s (name it in \"folders\" to have it)", reason);
	if (sync->options->notice)
		sync->options->notice(sync->options->arg, bytes_of(folder->shown), text);
	return sync_log(sync, &event, err);
}

static int decide_views(struct sync *sync, struct err *err)
{
	struct endpoint_facts facts;
	const struct view *all;
	size_t i;

	endpoint_facts(sync->ep, &facts);
	views_decide(&sync->views, facts.quirks & PROVIDER_HAS_LABELS);
	all = views_all(&sync->views, facts.quirks & PROVIDER_HAS_LABELS);
	/* First the one that has all: what it has need not be fetched again from the others. */
	for (i = 1; all && i < sync->folder_count; i++)
		if (bytes_equal(sync_folder_name(&sync->folder[i]),
			(struct bytes){all->name, all->name_bytes})) {
			struct sync_folder first = sync->folder[i];

			memmove(sync->folder + 1, sync->folder, i * sizeof *sync->folder);
			sync->folder[0] = first;
		}
	for (i = 0; i < sync->folder_count; i++)
		if (tell_view(sync, &sync->folder[i], err) != 0)
			return -1;
	return 0;
}

static bool is_wanted(const struct sync *sync, struct bytes shown)
{
	const struct sync_options *options = sync->options;

	return !options->wants || options->wants(options->wants_arg, shown);
}

static void tell_unusable(struct sync *sync, const struct endpoint_folder *told)
{
	struct bytes shown = told->shown;

	if (shown.n > SHOWN_BYTES)
		shown.n = SHOWN_BYTES;
	sync->report->folders_failed++;
	if (sync->options->problem)
		sync->options->problem(sync->options->arg, shown, told->unusable);
}

static int add_folder(void *arg, const struct endpoint_folder *told, struct err *err)
{
	struct sync *sync = arg;
	struct sync_folder *folder;

	(void)err;
	if (told->unusable && is_wanted(sync, told->shown))
		tell_unusable(sync, told);
	if (!told->is_selectable)
		return 0;
	views_add(&sync->views, told,
	    sync->options->names && sync->options->names(sync->options->wants_arg, told->shown));
	sync->folder = mem_grow(
	    sync->folder, &sync->folder_room, sync->folder_count + 1, sizeof *sync->folder);
	folder = &sync->folder[sync->folder_count++];
	*folder = (struct sync_folder){.name = bytes_string(told->name),
	    .name_bytes = told->name.n,
	    .shown = bytes_string(told->shown),
	    .attributes = bytes_string(told->attributes),
	    .delimiter = told->delimiter,
	    .has_state = told->has_state,
	    .state = told->state};
	return 0;
}

static void forget_folders(struct sync *sync)
{
	size_t i;

	for (i = 0; i < sync->folder_count; i++) {
		free(sync->folder[i].name);
		free(sync->folder[i].shown);
		free(sync->folder[i].attributes);
	}
	sync->folder_count = 0;
}

/* UIDs may lie far apart: there are never more new messages than messages. */
static uint64_t expected(const struct sync_folder *folder, uint64_t known_uidnext)
{
	uint64_t uids =
	    folder->state.uidnext > known_uidnext ? folder->state.uidnext - known_uidnext : 0;

	return uids < folder->state.messages ? uids : folder->state.messages;
}

/* How much there is to do, for the progress bar. */
static void estimate(struct sync *sync)
{
	struct catalog *catalog = vault_catalog(sync->options->vault);
	struct catalog_folder known;
	size_t i;

	for (i = 0; i < sync->folder_count; i++) {
		const struct sync_folder *folder = &sync->folder[i];

		if (!is_place(sync, folder))
			continue;
		sync->progress.folders_all++;
		if (!folder->has_state)
			continue;
		if (catalog_folder(catalog, sync_account_name(sync), sync_folder_name(folder),
			&known, NULL) == 1 &&
		    known.uidvalidity == folder->state.uidvalidity)
			sync->progress.messages_expected += expected(folder, known.uidnext);
		else
			sync->progress.messages_expected += folder->state.messages;
	}
}

static int give_up_folder(
    struct sync *sync, const struct sync_folder *folder, const struct err *why)
{
	sync->report->folders_failed++;
	sync_problem(sync, folder, "%s", why->text);
	return 0;
}

/* The connection broke too often in one folder. It may be this folder, or all of the server. */
static int leave_folder(struct sync *sync, const struct sync_folder *folder, bool was_of_use,
    const struct err *why, struct err *err)
{
	sync->broken_folders = was_of_use ? 0 : sync->broken_folders + 1;
	if (sync->broken_folders >= SYNC_BROKEN_FOLDERS) {
		*err = *why;
		return -1;
	}
	return sync_connect(sync, err) == 0 ? give_up_folder(sync, folder, why) : -1;
}

/* One folder, as often as the connection has to be made again. */
static int try_folder(struct sync *sync, struct sync_folder *folder, struct err *err)
{
	uint64_t placed = sync->report->messages_placed;

	sync->failures = 0;
	for (;;) {
		struct err why = {0};

		if (sync_connect(sync, &why) == 0 && sync_one_folder(sync, folder, &why) == 0) {
			sync->broken_folders = 0;
			return 0;
		}
		if (!sync->is_vault_bad && why.code == ERR_SERVER && why.scope != SCOPE_ACCOUNT)
			return give_up_folder(sync, folder, &why);
		sync_disconnect(sync);
		if (sync->is_vault_bad || !is_of_connection(&why)) {
			*err = why;
			return -1;
		}
		/* What came so far is not fetched again. */
		if (sync_commit(sync, err) != 0)
			return -1;
		if (!sync_can_reconnect(sync, &why))
			return leave_folder(
			    sync, folder, sync->report->messages_placed > placed, &why, err);
		sync->failures++;
		sync_problem(sync, folder, "%s; connecting again", why.text);
	}
}

/* A folder of the catalogue that the server no longer lists: its messages are gone from there,
 * and stay here. One that is merely not wanted is left as it is. */
static int check_gone(void *arg, const struct catalog_folder *known, struct err *err)
{
	struct sync *sync = arg;
	struct event folder = {.kind = EVENT_FOLDER,
	    .account = known->account,
	    .folder = known->name,
	    .shown = known->shown,
	    .delimiter = {&known->delimiter, known->delimiter ? 1 : 0},
	    .attributes = known->attributes,
	    .state = BYTES("gone")};
	struct event gone = {.kind = EVENT_GONE,
	    .account = known->account,
	    .folder = known->name,
	    .uidvalidity = known->uidvalidity,
	    .uids = BYTES("1:4294967295")};
	size_t i;

	if (known->is_gone || !is_wanted(sync, known->shown))
		return 0;
	for (i = 0; i < sync->folder_count; i++)
		if (bytes_equal(sync_folder_name(&sync->folder[i]), known->name))
			return 0;
	sync->report->folders_gone++;
	if (vault_log(sync->options->vault, &gone, err) == 0 &&
	    vault_log(sync->options->vault, &folder, err) == 0)
		return 0;
	sync->is_vault_bad = true;
	return -1;
}

static int sync_folders(struct sync *sync, struct err *err)
{
	size_t i;

	for (i = 0; i < sync->folder_count; i++) {
		struct sync_folder *folder = &sync->folder[i];

		if (!is_place(sync, folder))
			continue;
		if (must_stop(sync))
			return err_set(err, ERR_STOPPED, "stopped");
		sync->progress.folder = bytes_of(folder->shown);
		sync_show_progress(sync);
		sync->report->folders++;
		if (try_folder(sync, folder, err) != 0)
			return -1;
		sync->progress.folders_done++;
	}
	/* Only a complete walk says what is no longer there. An account that lists no folder at
	 * all is a server with a problem. */
	if (sync->folder_count == 0)
		return err_set(err, ERR_SERVER, "the server lists no folders");
	return catalog_each_folder(
	    vault_catalog(sync->options->vault), sync->options->account, check_gone, sync, err);
}

static bool has_news(const struct sync *sync)
{
	const struct sync_report *report = sync->report;

	return report->messages_placed || report->flags_changed || report->messages_gone ||
	    report->folders_gone || sync->has_new_exceptions;
}

/* The last word of this sync, also of one that was cut short. */
static int finish(struct sync *sync, const char *reason, struct err *err)
{
	struct event synced = {.kind = EVENT_SYNCED,
	    .account = sync_account_name(sync),
	    .messages = sync->report->messages_placed,
	    .size_bytes = sync->report->bytes_stored,
	    .reason = bytes_of(reason)};

	if (sync->is_vault_bad) {
		vault_abort(sync->options->vault);
		/* What the open batch had is not in the archive. */
		sync->report->messages_placed = sync->committed.messages_placed;
		sync->report->messages_stored = sync->committed.messages_stored;
		sync->report->bytes_stored = sync->committed.bytes_stored;
		sync->report->flags_changed = sync->committed.flags_changed;
		sync->report->messages_gone = sync->committed.messages_gone;
		return 0;
	}
	if (has_news(sync) && vault_log(sync->options->vault, &synced, err) != 0)
		return -1;
	return sync_commit(sync, err);
}

int sync_account(const struct sync_options *options, struct sync_report *report, struct err *err)
{
	struct sync sync = {.options = options, .report = report};
	struct err late = {0};
	int result = -1;

	memset(report, 0, sizeof *report);
	sync.commit_ms = clock_monotonic_ms();
	mimehead_init(&sync.head);
	sync.put = vault_put_new(options->vault);
	views_init(&sync.views);
	if (sync_connect(&sync, err) == 0 && endpoint_list(sync.ep, add_folder, &sync, err) == 0 &&
	    decide_views(&sync, err) == 0) {
		estimate(&sync);
		result = sync_folders(&sync, err);
	}
	if (finish(&sync, result == 0 || !err ? NULL : err->text, &late) != 0 && result == 0) {
		*err = late;
		result = -1;
	}
	sync_disconnect(&sync);
	forget_folders(&sync);
	views_release(&sync.views);
	sync_twins_release(&sync.twins);
	free(sync.folder);
	vault_put_free(sync.put);
	mimehead_release(&sync.head);
	return result;
}
