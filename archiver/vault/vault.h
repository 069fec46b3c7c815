/* One archive as a whole: segments, catalogue, lock. Messages go in byte by byte and come out
 * the same, or not at all.
 *
 *   vault_open(&vault, &options, &err)
 *   struct vault_put *put = vault_put_new(vault)
 *     vault_put_begin(put); vault_put_add(put, data, ...) ...; vault_put_end(put, &facts, ...)
 *   vault_log(vault, &event, &err)            any other fact
 *   vault_commit(vault, &err)                 durable, and in the catalogue
 *   vault_get(vault, &id, fn, arg, &err)      fn gets only bytes whose SHA-256 was right
 *   vault_close(vault)                        what was not committed is not in the archive
 *
 * For writing: one process at a time holds the archive's lock; the folder is made when there
 * is none; a torn tail is cut, and batches that the catalogue has not seen are applied. For
 * reading: any number of processes, at any time; when the catalogue is missing it is made
 * first (which needs the lock for that moment). An archive that cannot be written to is read
 * all the same: what must be made or repaired for that is made in $TMPDIR and goes at the end.
 *
 * A catalogue is made from what can be read of the segments; what is lost is told. One that is
 * damaged is made again when it is opened for writing, or when a writer that met the damage
 * closes. One that knew more than the new one stays beside it as catalog.db.old. */
#ifndef ARCHIVER_VAULT_VAULT_H
#define ARCHIVER_VAULT_VAULT_H

#include "archiver/catalog/catalog.h"
#include "archiver/journal/journal.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/spool.h"

#include <stdbool.h>
#include <stdint.h>

#define VAULT_FORMAT_TEXT  "mailcask archive 1\n"
#define VAULT_BATCH_BYTES  (32u << 20)
#define VAULT_BATCH_EVENTS 20000

struct vault;

struct vault_options {
	const char *path;
	const char *databases; /* NULL: in path */
	/* Folder of a mirror, an archive with the same segments; NULL: there is none. What is
	 * damaged here is read from there. */
	const char *mirror;
	/* For reading: these segments, of a mirror, with the catalogue of this archive; they may
	 * end earlier. NULL: the archive's own. */
	const char *segments;
	bool are_segments_behind;
	bool for_writing;
	bool may_create; /* an archive where there is none yet */
	bool rebuild;    /* for writing: make the catalogue anew, whatever is there */
	uint64_t segment_bytes, free_floor_bytes;
	uint64_t batch_bytes; /* of content, after which a commit is due; 0: 32 MiB */
	int level;
	clock_fn now;
	void (*notice)(void *arg, const char *text); /* of repairs; may be NULL */
	void *notice_arg;
};

int vault_open(struct vault **out, const struct vault_options *options, struct err *err);
void vault_close(struct vault *vault);

struct catalog *vault_catalog(struct vault *vault); /* borrowed */
char *vault_index_path(const struct vault *vault);  /* of index.db; for free() */
char *vault_catalog_path(const struct vault *vault);
int64_t vault_now(const struct vault *vault);
const char *vault_temporary_folder(const struct vault *vault); /* for unnamed files; borrowed */

/* Make the catalogue again from the segments, unless that was done when it was opened. */
int vault_rebuild(struct vault *vault, struct err *err);

/* ---- in ---- */

/* One message on its way in: hashed and taken apart while it streams. Several may exist. */
struct vault_put;

struct vault_put *vault_put_new(struct vault *vault);
void vault_put_free(struct vault_put *put);
void vault_put_begin(struct vault_put *put);
int vault_put_add(struct vault_put *put, const void *data, size_t bytes, struct err *err);

/* The first bytes of the message, up to 256 KiB: where its header is. Good until the next
 * begin. */
struct bytes vault_put_head(const struct vault_put *put);

/* Complete: goes into the open batch, unless the archive has it already (*is_new_out): has it
 * so that it could be proven just now, else it is stored again, with each of its blobs that
 * cannot be read. facts: an EVENT_MAIL with the fields of the header (message_id, from, ..., sent);
 * the rest of it is filled in here. mtime_unix: INTERNALDATE, for the tar header. */
int vault_put_end(struct vault_put *put, struct event *facts, int64_t mtime_unix,
    struct msg_id *id_out, bool *is_new_out, struct err *err);
uint64_t vault_put_bytes(const struct vault_put *put); /* so far */
/* Between two messages: gives back memory that only a large one needs. */
void vault_put_trim(struct vault_put *put);

int vault_log(struct vault *vault, const struct event *event, struct err *err);

/* The open batch has grown to where it should be committed. */
bool vault_is_due(const struct vault *vault);
int vault_commit(struct vault *vault, struct err *err);
void vault_abort(struct vault *vault); /* forget the open batch */
uint64_t vault_next_batch(const struct vault *vault);

/* ---- out ---- */

/* The message, byte for byte, to fn in pieces. Nothing reaches fn before the whole was rebuilt
 * once and its SHA-256 was the id. Where it is damaged it comes from the mirror, if that can be.
 * ERR_ABSENT, ERR_DAMAGED. */
int vault_get(
    struct vault *vault, const struct msg_id *id, spool_fn fn, void *arg, struct err *err);

/* Before proofs: let nothing come from the kernel's memory that should come from the disk. */
int vault_forget_cached(struct vault *vault, struct err *err);

/* Only the proof: read back from the disk, rebuilt, hashed. 0 when the id is right. */
int vault_prove(struct vault *vault, const struct msg_id *id, struct err *err);

/* The same from the mirror: at the same place of its segments. ERR_ABSENT also when there is
 * none. */
int vault_prove_mirror(struct vault *vault, const struct msg_id *id, struct err *err);

/* ---- checks ---- */

/* What may be wrong. */
enum vault_fault_kind {
	VAULT_FAULT_SEGMENT, /* a frame, an entry, the end of a segment file */
	VAULT_FAULT_JOURNAL, /* a log, or the chain of commits */
	VAULT_FAULT_MESSAGE, /* cannot be given back */
	VAULT_FAULT_CATALOG, /* is not what the journal makes */
	VAULT_FAULT_KINDS
};

struct vault_fault {
	enum vault_fault_kind kind;
	uint32_t segment; /* 0: not of one */
	uint64_t at;      /* in the segment file: of a frame; 0 also: of the segment as a whole */
	const struct catalog_message *message; /* of VAULT_FAULT_MESSAGE */
	const char *what;
};

struct vault_verify_options {
	/* Of the data frames, so many are unpacked, and the messages in them rebuilt and hashed:
	 * 100 all of them; 0 none: frame headers, journal and catalogue only. Between, seed chooses
	 * which (at least one); runs with other seeds come by all of them in the end. */
	unsigned percent;
	uint64_t seed;
	unsigned threads; /* 0: as many as there are processors, at most VAULT_VERIFY_THREADS */
};

#define VAULT_VERIFY_THREADS 8

struct vault_verify_calls {
	/* Both are called by the thread that called vault_verify. fault: by segment and offset;
	 * what is wrong with the catalogue comes last. */
	void (*fault)(void *arg, const struct vault_fault *fault);
	int (*progress)(void *arg, uint64_t done, uint64_t all, struct err *err);
	void *arg;
};

struct vault_verify_report {
	uint64_t segments, segment_bytes;
	uint64_t messages, bytes, blobs; /* in the catalogue */
	uint64_t proven, proven_bytes;   /* rebuilt, and their SHA-256 was right */
	uint64_t fault[VAULT_FAULT_KINDS];
};

/* Segments, chain, catalogue against journal, and every message (or some: percent) rebuilt and
 * hashed; one that is bad is logged as damaged when the archive is open for writing and has
 * no open batch, so that a sync fetches it again. 0 clean, 1 something is wrong, -1 could not be
 * checked. */
int vault_verify(struct vault *vault, const struct vault_verify_options *options,
    const struct vault_verify_calls *calls, struct vault_verify_report *report, struct err *err);

/* Segments without what is expired, and without copies that were stored again; with best, packed
 * as small as zstd can (slow, several MB a second). Each is exchanged by itself: what was done
 * stays done when it is stopped, and never more than one segment is on the disk twice. 0; 1 some
 * were left as they are, for there is damage in them (left() was told); -1. */
struct store_compacted; /* archiver/store/store.h */
struct vault_compact {
	bool best, dry_run;
	int (*progress)(void *arg, uint64_t done, uint64_t all, struct err *err); /* or NULL */
	void (*done)(void *arg, bool is_new, const struct store_compacted *segment);
	void (*left)(void *arg, uint32_t segment, const char *why);
	void *arg;
};
int vault_compact(struct vault *vault, const struct vault_compact *how, struct err *err);

/* Bytes of segments and of the databases. */
int vault_size(struct vault *vault, uint64_t *segment_bytes_out, uint32_t *segments_out,
    uint64_t *catalog_bytes_out, uint64_t *index_bytes_out, struct err *err);

#endif
