/* Owns:  one restore: its connection and what it reports.
 * Knows: the order of things: folder, what is there, what is missing, look again.
 * Never: sends a message that was not proved; counts one as restored that was not seen. */
#include "archiver/restore/restore_private.h"

#include "archiver/imapwire/imapflags.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ATTEMPTS    3
#define SPOOL_BYTES (8u << 20)
#define NAME_BYTES  (64u << 10)

void restore_problem(struct restore *restore, const char *folder, const char *format, ...)
{
	char text[ERR_TEXT_BYTES];
	va_list args;

	if (!restore->options->problem)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	restore->options->problem(restore->options->arg, bytes_of(folder), text);
}

/* ---- the connection ---- */

static void disconnect(struct restore *restore)
{
	endpoint_close(restore->ep);
	restore->ep = NULL;
}

static bool may_try_again(const struct restore *restore, const struct err *err)
{
	return !restore->is_vault_bad && (err->code == ERR_NETWORK || err->code == ERR_PROTOCOL);
}

int restore_connected(struct restore *restore, restore_work work, void *arg, struct err *err)
{
	const char *folder = restore->progress.folder.p;
	int attempt;

	for (attempt = 1;; attempt++) {
		struct err why = {0};

		restore->is_opening = false;
		if ((restore->ep ||
			endpoint_open(&restore->ep, &restore->options->endpoint, &why) == 0) &&
		    work(restore, arg, &why) == 0)
			return 0;
		if (attempt == ATTEMPTS || !may_try_again(restore, &why)) {
			*err = why;
			return -1;
		}
		/* Words about a folder that cannot be read may come again: told at the end. */
		if (!restore->is_opening || why.code != ERR_PROTOCOL)
			restore_problem(restore, folder, "%s; connecting again", why.text);
		if (restore->report->run[0])
			(void)vault_commit(restore->options->vault, NULL);
		disconnect(restore);
	}
}

static void release(struct restore *restore)
{
	size_t i;

	for (i = 0; i < restore->item_count; i++)
		restore_item_release(&restore->item[i]);
	free(restore->item);
	for (i = 0; i < restore->folder_count; i++)
		restore_folder_free(restore->folder[i]);
	free(restore->folder);
	disconnect(restore);
	mimehead_release(&restore->head);
}

/* ---- sending ---- */

/* The folder that is being filled. */
struct filling {
	struct restore *restore;
	struct buf name; /* the server's */
	struct endpoint_state state;
	struct err *err;
	bool is_over_quota;
	bool is_missing; /* rehearsal: it would be made */
};

static int begin_run(struct restore *restore, struct err *err)
{
	struct event event = {.kind = EVENT_RUN,
	    .type = BYTES("restore"),
	    .account = bytes_of(restore->options->account),
	    .state = BYTES("begun")};

	if (restore->report->run[0])
		return 0;
	snprintf(restore->report->run, sizeof restore->report->run, "R%06" PRIu64,
	    vault_next_batch(restore->options->vault));
	event.run = bytes_of(restore->report->run);
	return vault_log(restore->options->vault, &event, err);
}

static int log_restored(struct filling *filling, const struct restore_item *item,
    const struct endpoint_appended *appended, struct err *err)
{
	struct restore *restore = filling->restore;
	struct event event = {.kind = EVENT_RESTORED,
	    .run = bytes_of(restore->report->run),
	    .account = bytes_of(restore->options->account),
	    .folder = buf_view(&filling->name),
	    .uidvalidity = appended->uidvalidity,
	    .uid = appended->uid.value,
	    .id = item->id.sum};

	if (appended->uidvalidity == 0)
		return 0;
	if (vault_log(restore->options->vault, &event, err) == 0 &&
	    (!vault_is_due(restore->options->vault) ||
		vault_commit(restore->options->vault, err) == 0))
		return 0;
	restore->is_vault_bad = true;
	return -1;
}

static int take_appended(void *arg, const struct endpoint_appended *appended, struct err *err)
{
	struct filling *filling = arg;
	struct restore *restore = filling->restore;
	struct restore_item *item = appended->cookie;
	char hex[SHA256_HEX_BYTES];

	if (!appended->ok) {
		sha256_hex(&item->id.sum, hex);
		item->is_refused = true;
		filling->is_over_quota |= appended->is_over_quota;
		restore->report->refused++;
		restore_problem(restore, item->folder, "message %.10s was refused: %.*s", hex,
		    (int)appended->reason.n, appended->reason.p);
		return 0;
	}
	item->is_there = item->was_put = true;
	item->uid = appended->uid.value;
	restore->report->put++;
	restore->report->put_bytes += item->size_bytes;
	restore->progress.done++;
	restore->progress.bytes_done += item->size_bytes;
	if (restore->options->progress)
		restore->options->progress(restore->options->arg, &restore->progress);
	return log_restored(filling, item, appended, err);
}

static bool must_stop(const struct restore *restore)
{
	return restore->options->stop && *restore->options->stop;
}

static int send_item(
    struct filling *filling, struct restore_item *item, struct spool *spool, struct err *err)
{
	struct restore *restore = filling->restore;
	struct endpoint_append append = {.folder = buf_view(&filling->name),
	    .date_unix = item->date_unix,
	    .text = spool,
	    .cookie = item};
	struct err why = {0};
	struct buf flags;
	int result;

	spool_clear(spool);
	if (vault_get(restore->options->vault, &item->id, spool_add_fn, spool, &why) != 0) {
		if (why.code != ERR_DAMAGED && why.code != ERR_ABSENT) {
			*err = why;
			restore->is_vault_bad = true;
			return -1;
		}
		item->is_refused = true;
		restore->report->refused++;
		restore_problem(restore, item->folder, "%s", why.text);
		return 0;
	}
	buf_init(&flags, IMAPFLAGS_MAX_BYTES);
	if (filling->state.has_permanent)
		imapflags_permitted(&flags, bytes_of(item->flags), filling->state.permanent_flags);
	else
		buf_text(&flags, item->flags);
	append.flags = buf_view(&flags);
	result = endpoint_append(restore->ep, &append, take_appended, filling, err);
	buf_release(&flags);
	return result;
}

/* In the order of their dates, so that UIDs ascend with them. */
static int by_date(const void *a, const void *b)
{
	const struct restore_item *x = a, *y = b;

	if (x->date_unix != y->date_unix)
		return x->date_unix < y->date_unix ? -1 : 1;
	return memcmp(x->id.sum.b, y->id.sum.b, SHA256_BYTES);
}

static int send_missing(
    struct filling *filling, struct restore_item *item, size_t count, struct err *err)
{
	struct restore *restore = filling->restore;
	struct spool spool;
	size_t i;
	int result = 0;

	spool_init(&spool, SPOOL_BYTES, vault_temporary_folder(restore->options->vault));
	for (i = 0; result == 0 && i < count && !filling->is_over_quota; i++) {
		if (must_stop(restore))
			result = err_set(err, ERR_STOPPED, "stopped");
		else if (!item[i].is_there && !item[i].is_refused)
			result = send_item(filling, &item[i], &spool, err);
	}
	spool_release(&spool);
	if (result == 0 || (err && err->code == ERR_STOPPED)) {
		/* What was sent will be answered. */
		struct err late = {0};

		if (endpoint_append_wait(restore->ep, take_appended, filling, &late) != 0 &&
		    result == 0) {
			*err = late;
			result = -1;
		}
	}
	if (result == 0 && filling->is_over_quota) {
		err_set(err, ERR_SERVER, "the target account is over its quota");
		err_class(err, RETRY_NEVER, SCOPE_ACCOUNT);
		result = -1;
	}
	return result;
}

/* ---- a folder ---- */

static int make_folder(struct filling *filling, struct err *err)
{
	struct restore *restore = filling->restore;

	filling->is_missing = restore->options->is_rehearsal;
	if (!filling->is_missing &&
	    /* It may exist all the same: what refused may have been something else. */
	    (endpoint_create(restore->ep, buf_view(&filling->name), err) != 0 ||
		endpoint_select(restore->ep, buf_view(&filling->name), ENDPOINT_WRITE,
		    &filling->state, err) != 0))
		return -1;
	restore->report->folders_made++;
	return 0;
}

static int open_folder(struct filling *filling, const char *shown, struct err *err)
{
	struct restore *restore = filling->restore;
	enum endpoint_mode mode = restore->options->is_rehearsal ? ENDPOINT_READ : ENDPOINT_WRITE;
	struct err why = {0};

	restore->is_opening = true;
	if (endpoint_name_for(restore->ep, bytes_of(shown), &filling->name, err) != 0)
		return -1;
	if (endpoint_select(restore->ep, buf_view(&filling->name), mode, &filling->state, &why) !=
	    0) {
		if (why.code != ERR_SERVER) {
			*err = why;
			return -1;
		}
		if (make_folder(filling, err) != 0)
			return -1;
	}
	restore->is_opening = false;
	return 0;
}

/* What is not listed would be sent again, so a listing must be complete. */
static int list_all(struct restore *restore, const struct endpoint_state *state,
    struct restore_target *target, struct err *err)
{
	if (restore_list_target(restore, target, err) != 0)
		return -1;
	if (target->count >= state->messages)
		return 0;
	err_set(err, ERR_SERVER, "the server counts %" PRIu64 " messages but lists %zu",
	    state->messages, target->count);
	restore_target_release(target);
	return -1;
}

/* How many of the wanted the target shows now. */
static int compare(
    struct filling *filling, const struct restore_item *item, size_t count, struct err *err)
{
	struct restore *restore = filling->restore;
	struct endpoint_state state;
	struct restore_target target;
	struct restore_item *again;
	size_t i;
	int result;

	if (endpoint_select(restore->ep, buf_view(&filling->name), ENDPOINT_READ, &state, err) !=
		0 ||
	    list_all(restore, &state, &target, err) != 0)
		return -1;
	again = mem_alloc(count * sizeof *again);
	memcpy(again, item, count * sizeof *again);
	for (i = 0; i < count; i++)
		again[i].is_there = false;
	result = restore_match(
	    restore, &target, buf_view(&filling->name), state.uidvalidity, again, count, err);
	for (i = 0; result == 0 && i < count; i++)
		restore->report->compared += again[i].is_there;
	free(again);
	restore_target_release(&target);
	return result;
}

static int match_folder(
    struct filling *filling, struct restore_item *item, size_t count, struct err *err)
{
	struct restore *restore = filling->restore;
	struct restore_target target;
	size_t i;
	int result = list_all(restore, &filling->state, &target, err);

	if (result != 0)
		return -1;
	for (i = 0; i < count; i++)
		item[i].is_there = false; /* what an earlier attempt put is found again */
	result = restore_match(restore, &target, buf_view(&filling->name),
	    filling->state.uidvalidity, item, count, err);
	restore_target_release(&target);
	return result;
}

static void count_missing(struct restore *restore, const struct restore_item *item, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!item[i].is_there) {
			restore->report->missing++;
			restore->report->missing_bytes += item[i].size_bytes;
		}
}

static int fill(struct filling *filling, struct restore_item *item, size_t count, struct err *err)
{
	struct restore *restore = filling->restore;
	size_t i;

	if (open_folder(filling, item->folder, err) != 0)
		return -1;
	if (!filling->is_missing && match_folder(filling, item, count, err) != 0)
		return -1;
	for (i = 0; i < count; i++)
		restore->report->already += item[i].is_there && !item[i].was_put;
	if (restore->options->is_rehearsal) {
		count_missing(restore, item, count);
		return 0;
	}
	if (begin_run(restore, err) != 0) {
		restore->is_vault_bad = true;
		return -1;
	}
	qsort(item, count, sizeof *item, by_date);
	if (send_missing(filling, item, count, err) != 0)
		return -1;
	if (vault_commit(restore->options->vault, err) != 0) {
		restore->is_vault_bad = true;
		return -1;
	}
	return compare(filling, item, count, err);
}

/* The server refuses this folder: the others may do. */
static void give_up(
    struct restore *restore, const struct restore_item *item, size_t count, const char *why)
{
	uint64_t left = 0;
	size_t i;

	for (i = 0; i < count; i++)
		left += !item[i].is_there && !item[i].was_put && !item[i].is_refused;
	restore->report->refused += left;
	restore_problem(restore, item->folder, "%" PRIu64 " message%s not restored: %s", left,
	    left == 1 ? "" : "s", why);
}

/* An answer that cannot be read, again and again, is this folder's; the others are tried with
 * another connection. */
static bool is_of_folder(const struct restore *restore, const struct err *err)
{
	if (restore->is_vault_bad || !restore->ep)
		return false;
	return (err->code == ERR_SERVER && err->scope == SCOPE_FOLDER) || err->code == ERR_LIMIT ||
	    err->code == ERR_PROTOCOL;
}

/* Items of one folder. */
struct folder_work {
	struct restore_item *item;
	size_t count;
	uint64_t already; /* before */
};

static int fill_folder(struct restore *restore, void *arg, struct err *err)
{
	struct folder_work *work = arg;
	struct filling filling = {.restore = restore};
	int result;

	buf_init(&filling.name, NAME_BYTES);
	restore->report->already = work->already;
	result = fill(&filling, work->item, work->count, err);
	buf_release(&filling.name);
	return result;
}

static int restore_folder(
    struct restore *restore, struct restore_item *item, size_t count, struct err *err)
{
	struct folder_work work = {
	    .item = item, .count = count, .already = restore->report->already};
	struct err why = {0};

	restore->report->folders++;
	restore->progress.folder = bytes_of(item->folder);
	if (restore_connected(restore, fill_folder, &work, &why) != 0) {
		if (!is_of_folder(restore, &why)) {
			*err = why;
			return -1;
		}
		give_up(restore, item, count, why.text);
		if (why.code != ERR_SERVER)
			disconnect(restore);
	}
	restore->progress.done += restore->report->already - work.already;
	return 0;
}

static int restore_folders(struct restore *restore, struct err *err)
{
	size_t i, start = 0;

	for (i = 1; i <= restore->item_count; i++) {
		if (i < restore->item_count &&
		    restore_same_folder(&restore->item[i - 1], &restore->item[i]))
			continue;
		if (restore_folder(restore, &restore->item[start], i - start, err) != 0)
			return -1;
		start = i;
	}
	return 0;
}

static int end_run(struct restore *restore, const char *reason, struct err *err)
{
	struct event event = {.kind = EVENT_RUN,
	    .run = bytes_of(restore->report->run),
	    .type = BYTES("restore"),
	    .account = bytes_of(restore->options->account),
	    .state = BYTES("ended"),
	    .messages = restore->report->put,
	    .size_bytes = restore->report->put_bytes,
	    .reason = bytes_of(reason)};

	if (restore->is_vault_bad || !restore->report->run[0])
		return 0;
	if (vault_log(restore->options->vault, &event, err) != 0)
		return -1;
	return vault_commit(restore->options->vault, err);
}

int restore_run(
    const struct restore_options *options, struct restore_report *report, struct err *err)
{
	struct restore restore = {
	    .options = options, .report = report, .catalog = vault_catalog(options->vault)};
	struct err late = {0};
	int result = -1;

	memset(report, 0, sizeof *report);
	mimehead_init(&restore.head);
	if (restore_gather(&restore, err) == 0)
		result = restore_folders(&restore, err);
	if (!options->is_rehearsal &&
	    end_run(&restore, result == 0 || !err ? NULL : err->text, &late) != 0 && result == 0) {
		*err = late;
		result = -1;
	}
	release(&restore);
	return result;
}
