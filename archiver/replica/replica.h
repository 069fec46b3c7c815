/* A second copy of an archive's segments in another folder: another disk, a mounted share.
 *
 *   replica_update(&options, &report, &err)    the mirror has all that is committed, verified
 *   replica_stand(&options, &standing, &err)   is it the archive's, and how far behind
 *   replica_restore(&options, &report, &err)   the archive's segments that are missing or
 *                                              damaged, from the mirror
 *   replica_note_read(archive, &note, &err)    what is remembered of the mirror
 *
 * A mirror is an archive like any other: FORMAT and segments/, whose files are byte for byte
 * those of the archive, up to its last commit. A new file is written beside its place (.part),
 * brought to the disk, read back from there, compared by its SHA-256 with what was read of the
 * archive, and renamed; the segment that still grows is appended to, and what was appended is
 * read back and compared. Stopped anywhere, the next update goes on.
 *
 * What the mirror has and the archive lacks is never cut off nor overwritten: another archive,
 * later commits, another history are ERR_UNSAFE, with what to do. Where the two differ, each is
 * judged by its own sums: a damaged file of the mirror is copied again, a damaged one of the
 * archive never takes the place of a whole one. Where the mirror has none it is copied as it is,
 * counted, and the mirror is not called complete. An older generation of a segment goes when all of
 * it is proven to stand elsewhere in the mirror.
 *
 * ARCHIVE/mirror remembers where the mirror is and how much of it was verified. So a folder that
 * is empty all at once (its disk is not mounted) is not filled, but ERR_ABSENT. It can be lost:
 * then everything is compared once. All copying streams. The caller holds the archive's lock, but
 * for replica_restore, which takes it. */
#ifndef ARCHIVER_REPLICA_REPLICA_H
#define ARCHIVER_REPLICA_REPLICA_H

#include "archiver/journal/batch.h"

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct replica_options {
	const char *archive;       /* the archive's folder */
	const char *path;          /* the mirror's */
	struct batch_position end; /* behind the archive's last commit; not for replica_restore */
	bool may_fill;             /* an empty folder, although a mirror was made there before */
	bool compare;              /* every byte, not only what is new */
	int64_t now_unix;
	void (*notice)(void *arg, const char *text);                              /* or NULL */
	int (*progress)(void *arg, uint64_t done, uint64_t all, struct err *err); /* or NULL */
	void *arg;
};

struct replica_report {
	uint64_t files_copied, files_mended; /* new ones, damaged ones */
	uint64_t bytes_copied;
	uint64_t files_damaged; /* of the archive, and so of the mirror */
	uint64_t files_bad;     /* of the mirror, restored as far as they can be read */
	bool is_new;            /* there was none at that place before */
	bool is_on_same_disk;
};

int replica_update(
    const struct replica_options *options, struct replica_report *report, struct err *err);

struct replica_standing {
	struct batch_position end; /* of the mirror */
	uint64_t behind;           /* batches */
};

/* Reads the journal of the mirror. ERR_UNSAFE when it is not this archive's, ERR_ABSENT when it
 * is not there, ERR_DAMAGED when its journal cannot be read. */
int replica_stand(
    const struct replica_options *options, struct replica_standing *out, struct err *err);

/* A file of the mirror is taken for one that is missing, cut short or damaged, when its own sums
 * are right; for one that is missing also when they are not, for without it nothing opens
 * (files_bad). What was there stays beside as NAME.damaged, unless the new one begins with all of
 * it. Files that are good stay as they are, longer ones too, and of another generation beside what
 * is taken. ERR_UNSAFE when both are good and differ. Works with no archive left; interrupted, it
 * leaves one that cannot be opened until it was done again. */
int replica_restore(
    const struct replica_options *options, struct replica_report *report, struct err *err);

#define REPLICA_PATH_BYTES 4096

struct replica_note {
	char path[REPLICA_PATH_BYTES];
	struct sha256 identity;
	int64_t time_unix; /* when it was complete last; 0: never yet */
	uint64_t batch;    /* up to which it was complete then */
	uint32_t number;   /* all files before that one, and so many bytes of it, are verified */
	uint64_t bytes;
};

/* 1; 0 when there is none, or none that can be read; -1. */
int replica_note_read(const char *archive, struct replica_note *out, struct err *err);

/* Is there a mirror at that place now, whosever it is. */
bool replica_is_there(const char *path);

#endif
