/* Leave to delete. Nothing is deleted from a server without a clearance, and a clearance is made
 * here only, for messages of one folder that is open at that moment, after these proofs, all in
 * this run:
 *
 *   the folder   same UIDVALIDITY, UIDs that last, \Deleted kept, deletion by UID possible,
 *                writable; and complete: every message that the server lists is archived or a
 *                listed exception
 *   the message  committed; read back from the disk, rebuilt, its SHA-256 right (with
 *                purge-needs-mirror also from the mirror's disk); not held; the server shows under
 * its UID the same Message-ID, INTERNALDATE and size (or, as some servers only estimate sizes,
 * sends the same bytes again), and the flags that the rules decided by, none of which forbids it;
 * and so for all others of its group: where one UID means another message, none is cleared
 *
 *   guard_folder(&guard, &err)                        once per folder
 *   guard_messages(&guard, items, count, refuse, ...) -> a clearance for those that passed
 *   clearance_free(clearance)
 *
 * The list of reasons why not is the product: every message that was not cleared is told. */
#ifndef RETENTION_GUARD_H
#define RETENTION_GUARD_H

#include "retention/plan.h"

#include "archiver/endpoint/endpoint.h"
#include "archiver/vault/vault.h"

struct guard {
	struct vault *vault;
	struct endpoint *ep;
	const struct rules *rules;
	struct bytes account, folder; /* server name; the folder is selected */
	struct endpoint_state state;
	bool needs_mirror; /* what is not proven in the mirror, too, is not cleared */
	bool is_rehearsal; /* the folder is open read-only, and nothing will be deleted */
	bool has_passed;   /* guard_folder did */
	bool is_behind;    /* it did not, but a sync may cure that */
	bool is_surprised; /* a UID was another message than the archived one: the folder's UIDs
			    * cannot be trusted, and nothing more of it is cleared */
};

/* ERR_UNSAFE with the reason when nothing of the folder may be deleted. The audit that it makes
 * is journalled. */
int guard_folder(struct guard *guard, struct err *err);

typedef void (*guard_refuse_fn)(void *arg, const struct plan_item *item, const char *reason);

/* items: of this folder. The clearance may be for fewer of them, or for none (it is made all
 * the same); refuse is told of the others. -1: nothing can be said; no clearance. */
int guard_messages(struct guard *guard, const struct plan_item *item, size_t count,
    guard_refuse_fn refuse, void *arg, struct clearance **out, struct err *err);

bool clearance_has(const struct clearance *clearance, uint32_t uid);
uint64_t clearance_count(const struct clearance *clearance);
void clearance_free(struct clearance *clearance);

#endif
