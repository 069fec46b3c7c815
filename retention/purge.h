/* Carrying out a plan on one account.
 *
 * For each folder: open it, pass the guard, then message by message in small groups:
 *
 *     planned --guard--> cleared --journal--> intended --server--> expunged --look--> confirmed
 *        |                  |                     |                                      |
 *        +---- refused <----+                     +---- unknown: resolved by looking ----+
 *                                                             |
 *                                                             +--> kept (it is still there)
 *
 * The intent is durable before the server is told, the outcome is what the server shows
 * afterwards. The first group of an account's first purge is PURGE_CANARY_COUNT messages; only
 * when all of them went as they should do the others follow. Anything unexpected ends the
 * folder; a message that goes without having been asked for ends the run. A purge that ends
 * anywhere leaves intents; purge_resolve looks what became of them. */
#ifndef RETENTION_PURGE_H
#define RETENTION_PURGE_H

#include "retention/guard.h"

#include <signal.h>

#define PURGE_CANARY_COUNT 10
#define PURGE_GROUP_COUNT  500

enum purge_outcome {
	PURGE_CONFIRMED, /* gone from the server, and proved to be in the archive before */
	PURGE_REFUSED,   /* the guard did not clear it */
	PURGE_KEPT,      /* the server still shows it */
	PURGE_WOULD      /* rehearsal: it would have gone */
};

struct purge_options {
	struct vault *vault; /* open for writing */
	struct endpoint *ep;
	const char *account;
	const struct rules *rules;
	const struct plan *plan; /* items of other accounts are passed over */
	bool needs_mirror;       /* as in struct guard */
	bool is_rehearsal;       /* the same way up to the intent, and folders only read */
	void (*outcome)(void *arg, const struct plan_item *item, enum purge_outcome outcome,
	    const char *reason);                                           /* may be NULL */
	void (*problem)(void *arg, struct bytes folder, const char *text); /* may be NULL */
	/* Mail came while it was asked whether to purge: sync the account. May be NULL. */
	int (*refresh)(void *arg, struct err *err);
	void *arg;
	const volatile sig_atomic_t *stop; /* may be NULL */
};

struct purge_report {
	char run[32]; /* its name, for "mailcask log"; empty when nothing was begun */
	uint64_t confirmed, confirmed_bytes;
	uint64_t refused, kept, would, would_bytes;
	uint64_t folders_failed;
	bool has_quota; /* both before and after */
	uint64_t quota_before_kib, quota_after_kib, quota_limit_kib;
};

/* 0 also when messages were refused or folders failed (the report says so). -1: it could not go
 * on; what was confirmed stands in the report and the journal. */
int purge_run(const struct purge_options *options, struct purge_report *report, struct err *err);

/* Look at the server what became of intents without an outcome: gone ones are confirmed, others
 * kept, and marks that our interrupted expunge left on them are taken off as far as the server
 * lets us. Those of a folder that cannot be opened although it is still listed, or
 * that is not wholly listed, stay as they are. */
int purge_resolve(struct vault *vault, struct endpoint *ep, const char *account,
    uint64_t *resolved_out, struct err *err);

#endif
