/* Owns:  the comparison of one folder.
 * Knows: what "complete" means.
 * Never: takes a listing that is shorter than the folder for the whole. */
#include "archiver/sync/audit.h"

#include "archiver/sync/known.h"

#include <string.h>

void audit_init(struct audit *audit)
{
	memset(audit, 0, sizeof *audit);
	seqset_init(&audit->missing_uids);
}

void audit_release(struct audit *audit)
{
	seqset_release(&audit->missing_uids);
}

bool audit_is_complete(const struct audit *audit)
{
	return audit->missing == 0 && audit->listed >= audit->server && audit->uidvalidity != 0;
}

struct compare {
	struct audit *audit;
	struct known known;
	struct seqset exceptions;
};

static int take_listed(void *arg, const struct endpoint_identity *listed, struct err *err)
{
	struct compare *compare = arg;
	uint32_t uid = listed->uid.value;
	struct known_entry *entry = known_find(&compare->known, uid);

	(void)err;
	if (entry && known_is_other(entry, listed)) {
		/* That UID's message is archived, but this is not it. */
		compare->audit->missing += !entry->is_seen;
		seqset_add(&compare->audit->missing_uids, uid);
		entry->is_seen = true;
	} else if (entry) {
		/* A message that was gone is archived all the same. */
		compare->audit->archived += !entry->is_seen;
		entry->is_seen = true;
	} else if (seqset_has(&compare->exceptions, uid)) {
		compare->audit->exceptions++;
	} else {
		compare->audit->missing++;
		seqset_add(&compare->audit->missing_uids, uid);
	}
	return 0;
}

static int take_exception(
    void *arg, uint32_t uid, struct bytes reason, int64_t since_unix, struct err *err)
{
	(void)reason, (void)since_unix, (void)err;
	seqset_add(arg, uid);
	return 0;
}

int audit_selected(struct audit *audit, struct endpoint *ep, const struct endpoint_state *state,
    struct catalog *catalog, struct bytes account, struct bytes folder, struct err *err)
{
	struct compare compare = {.audit = audit};
	struct catalog_folder known;
	int found = catalog_folder(catalog, account, folder, &known, err), result = -1;
	int64_t number = found == 1 ? known.number : 0;

	if (found < 0)
		return -1;
	known_init(&compare.known);
	seqset_init(&compare.exceptions);
	audit->uidvalidity = state->uids_are_sticky ? state->uidvalidity : 0;
	audit->server = state->messages;
	if (found == 1 && audit->uidvalidity != 0 &&
	    (known_load(&compare.known, catalog, number, audit->uidvalidity, err) != 0 ||
		catalog_skipped(catalog, number, audit->uidvalidity, take_exception,
		    &compare.exceptions, err) != 0))
		goto out;
	result = endpoint_scan(ep, take_listed, &compare, &audit->listed, err);
out:
	known_release(&compare.known);
	seqset_release(&compare.exceptions);
	return result;
}

struct event audit_event(const struct audit *audit, struct bytes account, struct bytes folder)
{
	return (struct event){.kind = EVENT_AUDIT,
	    .account = account,
	    .folder = folder,
	    .uidvalidity = audit->uidvalidity,
	    .messages = audit->server,
	    .archived = audit->archived,
	    .exceptions = audit->exceptions,
	    .missing = audit->missing};
}
