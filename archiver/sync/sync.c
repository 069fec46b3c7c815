/* Owns:  the sync of one account: its workers and the list of its folders.
 * Knows: the order of things, who does which folder, and which failures end what.
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
		sync->options->progress(sync->options->arg, &sync->all->progress);
}

/* ---- the archive ---- */

int sync_commit(struct sync *sync, struct err *err)
{
	struct sync_all *all = sync->all;

	all->commit_ms = clock_monotonic_ms();
	if (vault_commit(sync->options->vault, err) == 0) {
		all->committed = *all->report;
		return 0;
	}
	all->is_vault_bad = true;
	return -1;
}

int sync_commit_if_due(struct sync *sync, struct err *err)
{
	if (vault_is_due(sync->options->vault) ||
	    clock_monotonic_ms() - sync->all->commit_ms > SYNC_COMMIT_S * 1000)
		return sync_commit(sync, err);
	return 0;
}

int sync_log(struct sync *sync, const struct event *event, struct err *err)
{
	if (vault_log(sync->options->vault, event, err) != 0) {
		sync->all->is_vault_bad = true;
		return -1;
	}
	return sync_commit_if_due(sync, err);
}

/* ---- failures ---- */

static bool is_of_connection(const struct err *err)
{
	return err->code == ERR_NETWORK || err->code == ERR_PROTOCOL || err->code == ERR_LIMIT;
}

bool sync_can_reconnect(const struct sync *sync, const struct err *err)
{
	return !sync->all->is_vault_bad && sync->failures < SYNC_RECONNECTS &&
	    is_of_connection(err);
}

/* ---- the folders ---- */

/* Is it to be looked into? */
static bool is_place(const struct sync *sync, const struct sync_folder *folder)
{
	const struct sync_options *options = sync->options;

	return (!options->wants || options->wants(options->wants_arg, bytes_of(folder->shown))) &&
	    !views_reason(&sync->all->views, sync_folder_name(folder));
}

/* A folder that is left out is told when it is seen first, and noted, so that this is once. */
static int tell_view(struct sync *sync, const struct sync_folder *folder, struct err *err)
{
	const char *reason = views_reason(&sync->all->views, sync_folder_name(folder));
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
	views_decide(&sync->all->views, facts.quirks & PROVIDER_HAS_LABELS);
	all = views_all(&sync->all->views, facts.quirks & PROVIDER_HAS_LABELS);
	sync->all->has_all_mail = all && facts.quirks & PROVIDER_HAS_LABELS;
	sync->all->most_connections = sync->options->connections;
	if (facts.connections > 0 && facts.connections < sync->all->most_connections)
		sync->all->most_connections = facts.connections;
	/* First the one that has all: what it has need not be fetched again from the others. */
	for (i = 1; all && i < sync->all->folder_count; i++)
		if (bytes_equal(sync_folder_name(&sync->all->folder[i]),
			(struct bytes){all->name, all->name_bytes})) {
			struct sync_folder first = sync->all->folder[i];

			memmove(sync->all->folder + 1, sync->all->folder,
			    i * sizeof *sync->all->folder);
			sync->all->folder[0] = first;
		}
	for (i = 0; i < sync->all->folder_count; i++)
		if (tell_view(sync, &sync->all->folder[i], err) != 0)
			return -1;
	return 0;
}

static bool is_wanted(const struct sync *sync, struct bytes shown)
{
	const struct sync_options *options = sync->options;

	return !options->wants || options->wants(options->wants_arg, shown);
}

bool sync_wants(const struct sync *sync, const struct sync_folder *folder)
{
	return is_place(sync, folder);
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
	struct sync_all *all = sync->all;
	struct sync_folder *folder;

	(void)err;
	if (told->unusable && is_wanted(sync, told->shown))
		tell_unusable(sync, told);
	if (!told->is_selectable)
		return 0;
	views_add(&all->views, told,
	    sync->options->names && sync->options->names(sync->options->wants_arg, told->shown));
	all->folder =
	    mem_grow(all->folder, &all->folder_room, all->folder_count + 1, sizeof *all->folder);
	folder = &all->folder[all->folder_count++];
	*folder = (struct sync_folder){.name = bytes_string(told->name),
	    .name_bytes = told->name.n,
	    .shown = bytes_string(told->shown),
	    .attributes = bytes_string(told->attributes),
	    .delimiter = told->delimiter,
	    .has_state = told->has_state,
	    .state = told->state};
	return 0;
}

static void forget_folders(struct sync_all *all)
{
	size_t i;

	for (i = 0; i < all->folder_count; i++) {
		free(all->folder[i].name);
		free(all->folder[i].shown);
		free(all->folder[i].attributes);
	}
	free(all->folder);
}

/* UIDs may lie far apart: there are never more new messages than messages. */
static uint64_t expected(const struct sync_folder *folder, uint64_t known_uidnext)
{
	uint64_t uids =
	    folder->state.uidnext > known_uidnext ? folder->state.uidnext - known_uidnext : 0;

	return uids < folder->state.messages ? uids : folder->state.messages;
}

/* How much there is to do, for the progress bar; and in how many folders, as far as that is told.
 */
static size_t estimate(struct sync *sync)
{
	struct sync_all *all = sync->all;
	struct catalog *catalog = vault_catalog(sync->options->vault);
	struct catalog_folder known;
	size_t i, busy = 0;

	for (i = 0; i < all->folder_count; i++) {
		const struct sync_folder *folder = &all->folder[i];
		const struct endpoint_state *state = &folder->state;
		int found = catalog_folder(
		    catalog, sync_account_name(sync), sync_folder_name(folder), &known, NULL);
		bool is_same =
		    found == 1 && folder->has_state && known.uidvalidity == state->uidvalidity;

		if (!is_place(sync, folder))
			continue;
		all->progress.folders_all++;
		if (folder->has_state)
			all->progress.messages_expected +=
			    is_same ? expected(folder, known.uidnext) : state->messages;
		busy += !folder->is_settled &&
		    (!is_same || known.uidnext != state->uidnext ||
			known.messages != state->messages || known.modseq != state->modseq);
	}
	return busy;
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
	uint64_t placed = sync->placed;

	sync->failures = 0;
	for (;;) {
		struct err why = {0};

		if (sync_connect(sync, &why) == 0 && sync_one_folder(sync, folder, &why) == 0) {
			sync->broken_folders = 0;
			return 0;
		}
		if (!sync->all->is_vault_bad && why.code == ERR_SERVER &&
		    why.scope != SCOPE_ACCOUNT)
			return give_up_folder(sync, folder, &why);
		sync_disconnect(sync);
		if (sync->all->is_vault_bad || !is_of_connection(&why)) {
			*err = why;
			return -1;
		}
		/* What came so far is not fetched again. */
		if (sync_commit(sync, err) != 0)
			return -1;
		if (!sync_can_reconnect(sync, &why))
			return leave_folder(sync, folder, sync->placed > placed, &why, err);
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
	for (i = 0; i < sync->all->folder_count; i++)
		if (bytes_equal(sync_folder_name(&sync->all->folder[i]), known->name))
			return 0;
	sync->report->folders_gone++;
	if (vault_log(sync->options->vault, &gone, err) == 0 &&
	    vault_log(sync->options->vault, &folder, err) == 0)
		return 0;
	sync->all->is_vault_bad = true;
	return -1;
}

/* ---- the workers ---- */

static void leave_to_others(struct sync_all *all, struct sync_folder *folder)
{
	size_t i = (size_t)(folder - all->folder);

	folder->is_taken = false;
	if (i < all->next)
		all->next = i;
}

static struct sync_folder *take_folder(struct sync *sync)
{
	struct sync_all *all = sync->all;

	while (all->next < all->folder_count) {
		struct sync_folder *folder = &all->folder[all->next++];

		if (folder->is_taken || !is_place(sync, folder))
			continue;
		folder->is_taken = true;
		all->progress.folder = bytes_of(folder->shown);
		sync_show_progress(sync);
		return folder;
	}
	return NULL;
}

/* 1 a folder was done, 0 there is none left, -1. */
static int do_next(struct sync *sync, struct err *err)
{
	struct sync_folder *folder = take_folder(sync);

	if (!folder)
		return 0;
	if (sync_must_stop(sync))
		return err_set(err, ERR_STOPPED, "stopped");
	sync->report->folders++;
	if (try_folder(sync, folder, err) != 0) {
		leave_to_others(sync->all, folder);
		return -1;
	}
	sync->all->progress.folders_done++;
	return 1;
}

/* One folder after the other. A worker that is not the first may fail at its connection: then
 * there are more than the server wants. Its folder is left to the others. */
static int work(struct sync *sync, struct err *err)
{
	int got;

	while ((got = do_next(sync, err)) == 1)
		;
	return got;
}

static void *run_worker(void *arg)
{
	struct sync *sync = arg;

	sync_enter(sync->all);
	sync->result = sync_connect(sync, &sync->why);
	if (sync->result == 0)
		sync->result = work(sync, &sync->why);
	sync_disconnect(sync);
	if (sync->all->is_vault_bad)
		sync_end_all(sync);
	else if (sync->result != 0 && sync->why.code != ERR_STOPPED)
		sync_problem(sync, NULL, "another connection: %s", sync->why.text);
	sync_leave(sync->all);
	return NULL;
}

static void init_worker(struct sync *sync, struct sync_all *all)
{
	*sync = (struct sync){.all = all, .options = all->options, .report = all->report};
	sync->lanes = lanes_new(all->options->vault, &all->options->endpoint);
	mimehead_init(&sync->head);
}

static void start_workers(struct sync_all *all, size_t busy)
{
	size_t count = 1 + busy / SYNC_FOLDERS_WORTH;
	unsigned i;

	if (count > all->most_connections)
		count = all->most_connections;
	for (i = 1; i < count; i++) {
		struct sync *sync = &all->worker[i];

		init_worker(sync, all);
		all->worker_count = i + 1;
		sync->has_thread = pthread_create(&sync->thread, NULL, run_worker, sync) == 0;
	}
}

static void end_workers(struct sync_all *all)
{
	unsigned i;

	sync_leave(all);
	for (i = 0; i < all->worker_count; i++)
		if (all->worker[i].has_thread)
			pthread_join(all->worker[i].thread, NULL);
	sync_enter(all);
	for (i = 0; i < all->worker_count; i++)
		all->worker[i].has_thread = false;
}

/* The first word of an archive that failed. */
static int tell_worst(const struct sync_all *all, int result, struct err *err)
{
	unsigned i;

	for (i = 1; all->is_vault_bad && i < all->worker_count; i++)
		if (all->worker[i].result != 0 && all->worker[i].why.code != ERR_STOPPED) {
			*err = all->worker[i].why;
			return -1;
		}
	return result;
}

static int sync_folders(struct sync_all *all, struct err *err)
{
	struct sync *first = &all->worker[0];
	size_t busy;
	int result;

	if (sync_survey(first, err) != 0)
		return -1;
	busy = estimate(first);
	/* What stands in the folder with all mail is not fetched again from the others. */
	if (all->has_all_mail && do_next(first, err) < 0)
		return -1;
	start_workers(all, busy);
	result = work(first, err);
	if (result != 0)
		sync_end_all(first);
	end_workers(all);
	/* What a worker left. */
	if (result == 0 && !all->is_over)
		result = work(first, err);
	result = tell_worst(all, result, err);
	if (result != 0)
		return -1;
	/* Only a complete walk says what is no longer there. An account that lists no folder at
	 * all is a server with a problem. */
	if (all->folder_count == 0)
		return err_set(err, ERR_SERVER, "the server lists no folders");
	return catalog_each_folder(
	    vault_catalog(all->options->vault), all->options->account, check_gone, first, err);
}

static bool has_news(const struct sync_all *all)
{
	const struct sync_report *report = all->report;

	return report->messages_placed || report->flags_changed || report->messages_gone ||
	    report->folders_gone || all->has_new_exceptions;
}

/* The last word of this sync, also of one that was cut short. */
static int finish(struct sync *sync, const char *reason, struct err *err)
{
	const struct sync_report *committed = &sync->all->committed;
	struct sync_report *report = sync->report;
	struct event synced = {.kind = EVENT_SYNCED,
	    .account = sync_account_name(sync),
	    .messages = report->messages_placed,
	    .size_bytes = report->bytes_stored,
	    .reason = bytes_of(reason)};

	if (sync->all->is_vault_bad) {
		vault_abort(sync->options->vault);
		/* What the open batch had is not in the archive. */
		report->messages_placed = committed->messages_placed;
		report->messages_stored = committed->messages_stored;
		report->bytes_stored = committed->bytes_stored;
		report->flags_changed = committed->flags_changed;
		report->messages_gone = committed->messages_gone;
		return 0;
	}
	if (has_news(sync->all) && vault_log(sync->options->vault, &synced, err) != 0)
		return -1;
	return sync_commit(sync, err);
}

static void release(struct sync_all *all)
{
	unsigned i;

	for (i = 0; i < all->worker_count; i++) {
		struct sync *sync = &all->worker[i];

		sync_disconnect(sync);
		all->report->bytes_fetched += lanes_traffic(sync->lanes);
		lanes_free(sync->lanes);
		mimehead_release(&sync->head);
	}
	free(all->worker);
	forget_folders(all);
	views_release(&all->views);
	sync_twins_release(&all->twins);
	pthread_mutex_destroy(&all->lock);
	pthread_cond_destroy(&all->turned);
}

int sync_account(const struct sync_options *options, struct sync_report *report, struct err *err)
{
	struct sync_all all = {.options = options, .report = report, .worker_count = 1};
	struct err late = {0};
	struct sync *first;
	int result = -1;

	memset(report, 0, sizeof *report);
	pthread_mutex_init(&all.lock, NULL);
	pthread_cond_init(&all.turned, NULL);
	all.commit_ms = clock_monotonic_ms();
	first = all.worker = mem_zero(options->connections + 1, sizeof *all.worker);
	init_worker(first, &all);
	sync_enter(&all);
	views_init(&all.views);
	if (sync_connect(first, err) == 0 &&
	    endpoint_list(first->ep, add_folder, first, err) == 0 && decide_views(first, err) == 0)
		result = sync_folders(&all, err);
	if (finish(first, result == 0 || !err ? NULL : err->text, &late) != 0 && result == 0) {
		*err = late;
		result = -1;
	}
	release(&all);
	return result;
}
