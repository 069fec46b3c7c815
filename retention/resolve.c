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
	resolve->intent = mem_grow(
	    resolve->intent, &resolve->room, resolve->count + 1, sizeof *resolve->intent);
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
	struct seqset there, marked;
};

static int note(void *arg, const struct endpoint_identity *identity, struct err *err)
{
	struct live *live = arg;

	(void)err;
	seqset_add(&live->there, identity->uid.value);
	if (identity->has_flags && imapflags_has(identity->flags, "\\Deleted"))
		seqset_add(&live->marked, identity->uid.value);
	return 0;
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

	if (catalog_message_n(
		vault_catalog(resolve->vault), intent->message_n, &message, err) != 1)
		return -1;
	event.id = message.id.sum;
	resolve->resolved++;
	return vault_log(resolve->vault, &event, err);
}

/* Look at those that are there, and take marks of ours off. */
static int look(struct resolve *resolve, const struct intent *intent, size_t count,
    struct live *live, struct err *err)
{
	struct seqset asked;
	size_t i;
	int result;

	seqset_init(&asked);
	for (i = 0; i < count; i++)
		seqset_add(&asked, intent[i].uid);
	result = endpoint_identify(resolve->ep, &asked, note, live, err);
	if (result == 0 && !seqset_is_empty(&live->marked))
		result = endpoint_unmark(resolve->ep, &live->marked, err);
	seqset_release(&asked);
	return result;
}

static int resolve_folder(
    struct resolve *resolve, const struct intent *intent, size_t count, struct err *err)
{
	struct catalog *catalog = vault_catalog(resolve->vault);
	struct catalog_folder folder;
	struct endpoint_state state;
	struct live live;
	bool same;
	size_t i;
	int result = -1;

	if (catalog_folder_number(catalog, intent->folder_number, &folder, err) != 1)
		return -1;
	if (!bytes_is(folder.account, resolve->account))
		return 0;
	seqset_init(&live.there);
	seqset_init(&live.marked);
	if (endpoint_select(resolve->ep, folder.name, ENDPOINT_WRITE, &state, err) != 0)
		goto out;
	/* Numbered anew: what became of them cannot be seen any more, so nothing is claimed. */
	same = state.uidvalidity == intent->uidvalidity;
	if (same && look(resolve, intent, count, &live, err) != 0)
		goto out;
	for (i = 0; i < count; i++) {
		bool is_there = !same || seqset_has(&live.there, intent[i].uid);

		if (log_outcome(resolve, &intent[i], &folder, is_there,
			same ? "found so after an interruption"
			     : "the folder was numbered anew before its outcome was seen",
			err) != 0)
			goto out;
		/* The event's names are views that the next question may move. */
		if (catalog_folder_number(catalog, intent->folder_number, &folder, err) != 1)
			goto out;
	}
	result = vault_commit(resolve->vault, err);
out:
	seqset_release(&live.there);
	seqset_release(&live.marked);
	return result;
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
