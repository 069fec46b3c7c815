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

struct vault {
	struct vault_options options;
	char *path, *databases, *segments;
	int lock_fd;
	struct store *store;
	struct catalog *catalog;
	struct vault_fresh mails, blobs;
	bool is_catalog_new;    /* made from the segments when it was opened */
	bool is_catalog_behind; /* it could not take a batch */
};

/* Read the skeleton of a message into spool (cleared before). */
int vault_read_skeleton(struct vault *vault, const struct catalog_message *message,
    struct spool *spool, struct err *err);

void vault_notice(const struct vault *vault, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

int vault_open_store(
    const struct vault *vault, bool for_writing, struct store **out, struct err *err);

#endif
