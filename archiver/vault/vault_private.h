/* Shared by the files of the vault only. */
#ifndef ARCHIVER_VAULT_VAULT_PRIVATE_H
#define ARCHIVER_VAULT_VAULT_PRIVATE_H

#include "archiver/vault/detach.h"
#include "archiver/vault/vault.h"

#include "archiver/store/store.h"

/* Ids that went into the open batch, which the catalogue does not know yet. */
struct vault_fresh {
	void *tree; /* of tsearch(3) */
};

bool vault_fresh_has(const struct vault_fresh *fresh, const struct sha256 *id);
void vault_fresh_add(struct vault_fresh *fresh, const struct sha256 *id);
void vault_fresh_clear(struct vault_fresh *fresh);

/* Copies that do not count, for another was stored later (vault_copies.c). */
struct vault_copy {
	enum event_kind kind;
	struct sha256 id;
	struct segment_id segment;
	struct batch_place place;
};
struct vault_copies {
	struct vault_copy *item; /* by id */
	size_t count, room;
	bool is_known;
};

struct vault {
	struct vault_options options;
	char *path, *databases, *segments;
	/* The databases', or a folder that is removed at the end (an archive that cannot be
	 * written to). Borrowed. */
	const char *catalog_folder, *index_folder, *temporary;
	char *scratch; /* that folder, or NULL */
	int lock_fd;
	struct store *store;
	struct store *mirror; /* opened when it is needed; it only reads */
	bool has_told_mirror;
	struct catalog *catalog;
	struct vault_fresh mails, blobs;
	struct vault_copies copies;
	bool is_catalog_new;    /* made from the segments when it was opened */
	bool is_catalog_behind; /* it could not take a batch */
};

/* Read the skeleton of a message from that store into spool (cleared before). */
int vault_read_skeleton(struct store *store, const struct catalog_message *message,
    struct spool *spool, struct err *err);

/* Read back from the disk and hashed: 0 when it is what its id says. */
int vault_prove_blob(
    struct vault *vault, const struct sha256 *id, const struct catalog_blob *blob, struct err *err);

/* A message put together again: vault_rebuild_part for each of its runs, in order, then
 * vault_rebuild_end. Where skeleton and blobs come from is the caller's business. */
struct vault_rebuild {
	struct catalog *catalog;
	int (*skeleton)(
	    void *from, uint64_t at, uint64_t bytes, spool_fn fn, void *arg, struct err *err);
	int (*blob)(void *from, const struct catalog_blob *blob, const struct store_entry *entry,
	    spool_fn fn, void *arg, struct err *err);
	void *from;
	uint64_t skeleton_bytes, skeleton_at; /* in all; sent so far */
	uint64_t at;                          /* in the message */
	spool_fn fn;
	void *arg;
};

int vault_rebuild_part(
    struct vault_rebuild *rebuild, const struct event_part *part, struct err *err);
int vault_rebuild_end(struct vault_rebuild *rebuild, struct err *err);
int vault_wrong_sum(const struct msg_id *id, struct err *err); /* sets err; -1 */

int vault_pass_on(const struct err *why, struct err *err);

/* The first other copy, or the next one; NULL. */
const struct vault_copy *vault_other_copy(struct vault *vault, enum event_kind kind,
    const struct sha256 *id, const struct vault_copy *after);
void vault_forget_copies(struct vault *vault); /* places have changed */

/* ---- the catalogue (vault_catalog.c) ---- */

int vault_apply(void *catalog, const struct store_batch *batch, struct err *err);
int vault_open_catalog(struct vault *vault, struct err *err); /* for writing */
int vault_make_catalog(struct vault *vault, struct err *err);
int vault_read_catalog(struct vault *vault, struct err *err);
void vault_cure_catalog(struct vault *vault); /* at the end: one that was found damaged */
void vault_tell_replay(struct vault *vault);  /* what the last replay had to step over */
/* All batches of a store into a new database, whose log is empty at the end. */
int vault_build_catalog(struct store *store, const char *path, struct err *err);

/* ---- segments that were written anew (vault_compact.c) ---- */

/* When opened for writing: the catalogue's places are of the files that are there. */
int vault_fit_places(struct vault *vault, struct err *err);
/* A catalogue that was made by replay knows the places, not of which generation they are. */
int vault_set_generations(struct store *store, struct catalog *catalog, struct err *err);

/* ---- an archive that cannot be written to (vault_frozen.c) ---- */

bool vault_is_frozen(const struct vault *vault);
int vault_make_scratch_catalog(struct vault *vault, struct err *err);
/* The databases as they are, or copies where they cannot be read in place. */
int vault_copy_databases(struct vault *vault, struct err *err);
void vault_remove_scratch(struct vault *vault);

void vault_notice(const struct vault *vault, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

int vault_open_store(
    const struct vault *vault, bool for_writing, struct store **out, struct err *err);

#endif
