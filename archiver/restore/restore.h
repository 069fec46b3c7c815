/* Putting archived messages into an account, with folders, flags and dates.
 *
 *   restore_run(&options, &report, &err)
 *
 * What the target has already is not sent again, so a second run adds nothing, and an
 * interrupted one is continued by the next: a message is there when the journal says under
 * which UID it was put and under that UID is one of its date or Message-ID, or when the target
 * shows its Message-ID and size (where that is not unique: its SHA-256).
 *
 * Where several accounts have copies of a message for one folder, that gets as many as the one
 * that has most. What the target account itself has is no source, so that a sync of it makes no
 * further copies: its present places stay as they are (unless they were deleted since the last
 * sync); gone and purged ones come back. With a prefix its present places are sources, too,
 * except those in folders below the prefix.
 *
 * Messages are taken from the vault, which checks them. At the end every folder is compared with
 * what was wanted. A folder that the server refuses, or of which its answers cannot be read, is
 * told, and its messages counted as refused; the others are restored. */
#ifndef ARCHIVER_RESTORE_RESTORE_H
#define ARCHIVER_RESTORE_RESTORE_H

#include "archiver/endpoint/endpoint.h"
#include "archiver/vault/vault.h"

#include <signal.h>

struct restore_progress {
	struct bytes folder; /* of the target, as shown */
	uint64_t done, all;  /* messages */
	uint64_t bytes_done, bytes_all;
};

struct restore_options {
	struct vault *vault; /* open for writing, unless is_rehearsal */
	const char *account; /* the target's name in the journal */
	struct endpoint_options endpoint;
	const int64_t *place; /* numbers of the places to restore */
	size_t place_count;
	const char *prefix; /* all folders go below this one, as shown; may be NULL */
	/* The target's folder for a source folder, both as shown and without the prefix;
	 * appended to out. NULL: the same. */
	void (*map)(void *arg, struct bytes shown, struct buf *out);
	bool is_rehearsal;                                                    /* only looks */
	void (*progress)(void *arg, const struct restore_progress *progress); /* may be NULL */
	void (*problem)(void *arg, struct bytes folder, const char *text);    /* may be NULL */
	void *arg;
	const volatile sig_atomic_t *stop; /* may be NULL */
};

struct restore_report {
	char run[32];
	uint64_t wanted, wanted_bytes;
	uint64_t own;     /* places of the target account that are there, and no sources */
	uint64_t already; /* were there */
	uint64_t missing, missing_bytes; /* rehearsal: would be put */
	uint64_t put, put_bytes;
	uint64_t refused;               /* by the server, or could not be read: told by problem() */
	uint64_t compared;              /* of the wanted, seen on the target at the end */
	uint64_t folders, folders_made; /* rehearsal: would be made */
};

int restore_run(
    const struct restore_options *options, struct restore_report *report, struct err *err);

#endif
