/* Owns:  the intents of earlier purges that have no outcome.
 * Knows: that what became of them is to be seen on the server, and only there.
 * Never: guesses; deletes. */
#include "retention/purge.h"

#include "archiver/imapwire/imapflags.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct intent {
	int64_t folder_number, message_n;
	uint32_t uidvalidity, uid;
	char run[32], rule[80];
};

struct resolve {
	struct vault *vault;
	struct endpoint *ep;
	const char *account;
	struct intent *intent;
	size_t count, room;
	uint64_t resolved;
};

static void copy(char *out, size_t room, struct bytes text)
{
	size_t n = text.n < room ? text.n : room - 1;

	if (n > 0)
		memcpy(out, text.p, n);
	out[n] = '\0';
}

static int add(void *arg, const struct catalog_purge *purge, struct err *err)
{
	struct resolve *resolve = arg;
	struct intent *intent;

	(void)err;
	resolve->intent =
	    mem_grow(resolve->intent, &resolve->room, resolve->count + 1, sizeof *resolve->intent);
	intent = &resolve->intent[resolve->count++];
	*intent = (struct intent){.folder_number = purge->folder_number,
	    .message_n = purge->message_n,
	    .uidvalidity = purge->uidvalidity,
	    .uid = purge->uid};
	copy(intent->run, sizeof intent->run, purge->run);
	copy(intent->rule, sizeof intent->rule, purge->rule);
	return 0;
}

struct live {
	struct seqset asked, there, marked;
};

static int note(void *arg, const struct endpoint_identity *listed, struct err *err)
{
	struct live *live = arg;

	(void)err;
	if (!seqset_has(&live->asked, listed->uid.value))
		return 0;
	seqset_add(&live->there, listed->uid.value);
	if (imapflags_has(listed->flags, "\\Deleted"))
		seqset_add(&live->marked, listed->uid.value);
	return 0;
}

static void release(struct live *live)
{
	seqset_release(&live->asked);
	seqset_release(&live->there);
	seqset_release(&live->marked);
}

static int log_outcome(struct resolve *resolve, const struct intent *intent,
    const struct catalog_folder *folder, bool is_there, const char *reason, struct err *err)
{
	struct event event = {.kind = EVENT_PURGE,
	    .run = bytes_of(intent->run),
	    .rule = bytes_of(intent->rule),
	    .account = folder->account,
	    .folder = folder->name,
	    .uidvalidity = intent->uidvalidity,
	    .uid = intent->uid,
	    .state = is_there ? BYTES("kept") : BYTES("confirmed"),
	    .reason = bytes_of(reason)};
	struct catalog_message message;

	if (catalog_message_n(vault_catalog(resolve->vault), intent->message_n, &message, err) != 1)
		return -1;
	event.id = message.id.sum;
	resolve->resolved++;
	return vault_log(resolve->vault, &event, err);
}

/* Which of them are listed, and marks of ours off: 1, 0 when the listing proves nothing, -1. */
static int look(
    struct resolve *resolve, const struct endpoint_state *state, struct live *live, struct err *err)
{
	struct err why = {0};
	uint64_t listed;

	if (endpoint_scan(resolve->ep, note, live, &listed, err) != 0)
		return -1;
	if (listed < state->messages)
		return 0;
	/* A mark that the server does not let us take off is nobody's loss. */
	if (seqset_is_empty(&live->marked) || !state->is_writable ||
	    endpoint_unmark(resolve->ep, &live->marked, &why) == 0 || why.code == ERR_SERVER)
		return 1;
	if (err)
		*err = why;
	return -1;
}

/* live NULL: what became of them cannot be seen any more, so nothing is claimed. */
static int log_outcomes(struct resolve *resolve, const struct intent *intent, size_t count,
    const struct live *live, const char *reason, struct err *err)
{
	struct catalog_folder folder;
	size_t i;

	for (i = 0; i < count; i++) {
		/* Asked for each time: the names are views that other questions may move. */
		if (catalog_folder_number(
			vault_catalog(resolve->vault), intent->folder_number, &folder, err) != 1)
			return -1;
		if (log_outcome(resolve, &intent[i], &folder,
			!live || seqset_has(&live->there, intent[i].uid), reason, err) != 0)
			return -1;
	}
	return vault_commit(resolve->vault, err);
}

/* 1 opened; 0 when it cannot be: deleted since, or locked just now; -1. */
static int open_folder(
    struct resolve *resolve, struct bytes name, struct endpoint_state *state, struct err *err)
{
	struct err why = {0};

	if (endpoint_select(resolve->ep, name, ENDPOINT_WRITE, state, &why) == 0)
		return 1;
	if (why.code == ERR_SERVER)
		return 0;
	if (err)
		*err = why;
	return -1;
}

/* Of one open folder; what cannot be told now stays open. */
static int settle(struct resolve *resolve, const struct intent *intent, size_t count,
    const struct endpoint_state *state, struct err *err)
{
	struct live live;
	size_t i;
	int seen;

	if (state->uidvalidity != intent->uidvalidity)
		return log_outcomes(resolve, intent, count, NULL,
		    "the folder was numbered anew before its outcome was seen", err);
	seqset_init(&live.asked);
	seqset_init(&live.there);
	seqset_init(&live.marked);
	for (i = 0; i < count; i++)
		seqset_add(&live.asked, intent[i].uid);
	seen = look(resolve, state, &live, err);
	if (seen == 1)
		seen = log_outcomes(
		    resolve, intent, count, &live, "found so after an interruption", err);
	release(&live);
	return seen;
}

static int resolve_folder(
    struct resolve *resolve, const struct intent *intent, size_t count, struct err *err)
{
	struct catalog_folder folder;
	struct endpoint_state state;
	int seen;

	if (catalog_folder_number(
		vault_catalog(resolve->vault), intent->folder_number, &folder, err) != 1)
		return -1;
	if (!bytes_is(folder.account, resolve->account))
		return 0;
	seen = open_folder(resolve, folder.name, &state, err);
	if (seen == 1)
		seen = settle(resolve, intent, count, &state, err);
	else if (seen == 0 && folder.is_gone)
		seen = log_outcomes(resolve, intent, count, NULL,
		    "the folder was gone before its outcome was seen", err);
	return seen < 0 ? -1 : 0;
}

int purge_resolve(struct vault *vault, struct endpoint *ep, const char *account,
    uint64_t *resolved_out, struct err *err)
{
	struct resolve resolve = {.vault = vault, .ep = ep, .account = account};
	size_t i, start = 0;
	int result = catalog_each_purge(vault_catalog(vault), NULL, add, &resolve, err);

	for (i = 1; result == 0 && i <= resolve.count; i++) {
		if (i < resolve.count &&
		    resolve.intent[i].folder_number == resolve.intent[start].folder_number &&
		    resolve.intent[i].uidvalidity == resolve.intent[start].uidvalidity)
			continue;
		result = resolve_folder(&resolve, &resolve.intent[start], i - start, err);
		start = i;
	}
	free(resolve.intent);
	*resolved_out = resolve.resolved;
	return result;
}
