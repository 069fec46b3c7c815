/* Bringing what an account has into the archive. Only reads the server.
 *
 *   sync_account(&options, &report, &err)
 *
 * Every folder is compared with the catalogue, by what the server tells as changes where that is
 * proven, by a listing where not, and once in every week: new messages are fetched and stored,
 * changed flags and vanished messages noted, a changed UIDVALIDITY retires the old places. What was
 * fetched is committed batch by batch, so a sync that ends anywhere is continued by the next
 * one. A bad message or folder never stops the rest: it is listed and tried again next time.
 *
 * 0: the account is complete, apart from what the report lists (failed folders, skipped
 * messages, incomplete listings). -1: it could not go on; what came before is in the archive. */
#ifndef ARCHIVER_SYNC_SYNC_H
#define ARCHIVER_SYNC_SYNC_H

#include "archiver/endpoint/endpoint.h"
#include "archiver/vault/vault.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#define SYNC_FOLDERS_WORTH  8               /* with news: one worker more is worth its login */
#define SYNC_COMMIT_S       5               /* or earlier, when the batch is large */
#define SYNC_FULL_LIST_S    (7 * 24 * 3600) /* look at every folder at least so often */
#define SYNC_SURVEY_COUNT   100000          /* messages of a folder that is looked at with others */
#define SYNC_RECONNECTS     5               /* in a row, without a new message between them */
#define SYNC_BROKEN_FOLDERS 3  /* given up in a row because of that: so is the account */
#define SYNC_ODD_SIZES      20 /* texts that came twice the same: the server estimates sizes */
#define SYNC_RETRIES        10 /* of messages of a folder that could not be had before */

struct sync_progress {
	struct bytes folder; /* shown name */
	uint64_t folders_done, folders_all;
	uint64_t messages_done, messages_expected;
	uint64_t bytes_done;
};

struct sync_options {
	struct vault *vault; /* open for writing */
	const char *account;
	struct endpoint_options endpoint;
	unsigned connections;                         /* at once, at most; 0 is one */
	bool (*wants)(void *arg, struct bytes shown); /* which folders; NULL: all */
	bool (*names)(void *arg, struct bytes shown); /* that were named one by one; NULL: none */
	void *wants_arg;
	void (*progress)(void *arg, const struct sync_progress *progress); /* may be NULL */
	/* Something that went wrong for a folder or message, in words. May be NULL. */
	void (*problem)(void *arg, struct bytes folder, const char *text);
	/* Something to know, once, that is not wrong. May be NULL. */
	void (*notice)(void *arg, struct bytes folder, const char *text);
	void *arg;
	const volatile sig_atomic_t *stop; /* may be NULL */
};

struct sync_report {
	uint64_t folders, folders_changed, folders_failed, folders_gone;
	uint64_t messages_placed; /* new at a place */
	uint64_t messages_stored; /* of those, new in the archive */
	uint64_t bytes_stored;    /* raw */
	uint64_t bytes_fetched;
	uint64_t flags_changed, messages_gone;
	uint64_t messages_skipped; /* could not be archived: new exceptions */
	uint64_t messages_mended;  /* fetched again, because their stored copies were damaged */
	uint64_t exceptions;       /* of old, still so */
	uint64_t listings_incomplete;
};

int sync_account(const struct sync_options *options, struct sync_report *report, struct err *err);

#endif
