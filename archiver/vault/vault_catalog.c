/* Owns:  catalog.db as a file: found, made, put in its place.
 * Knows: when a catalogue can be used, and how one is made from the segments.
 * Never: replaces a catalogue by half of one, or silently by one that knows less. */
#include "archiver/vault/vault_private.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int vault_pass_on(const struct err *why, struct err *err)
{
	if (err)
		*err = *why;
	return -1;
}

int vault_apply(void *catalog, const struct store_batch *batch, struct err *err)
{
	if (batch->log.n == 0)
		return catalog_salvage(
		    catalog, &batch->end, batch->salvaged, batch->salvaged_count, err);
	return catalog_apply(catalog, &batch->end, batch->log, err);
}

/* ---- what is told ---- */

static void tell_gap(const struct vault *vault, const struct store_gap *gap)
{
	char batches[80] = "no batch is missing for it";

	if (gap->first_batch == gap->last_batch && gap->first_batch > 0)
		snprintf(batches, sizeof batches, "batch %llu is lost",
		    (unsigned long long)gap->first_batch);
	else if (gap->first_batch > 0)
		snprintf(batches, sizeof batches, "batches %llu to %llu are lost",
		    (unsigned long long)gap->first_batch, (unsigned long long)gap->last_batch);
	if (gap->bytes == 0) {
		vault_notice(vault, "segment %u is cut off at offset %llu: %s", gap->segment,
		    (unsigned long long)gap->at, batches);
		return;
	}
	vault_notice(vault,
	    "segment %u, offset %llu: %llu bytes without a journal that can be read: %s; "
	    "%llu messages and %llu attachments in them were salvaged",
	    gap->segment, (unsigned long long)gap->at, (unsigned long long)gap->bytes, batches,
	    (unsigned long long)gap->mails, (unsigned long long)gap->blobs);
}

void vault_tell_replay(struct vault *vault)
{
	uint64_t damaged, torn;
	const struct store_gap *gap;
	size_t count, i;

	gap = store_gaps(vault->store, &count);
	for (i = 0; i < count; i++)
		tell_gap(vault, &gap[i]);
	store_replay_report(vault->store, &damaged, &torn);
	if (torn > 0)
		vault_notice(vault, "cut off %llu bytes of a batch that was never completed",
		    (unsigned long long)torn);
	if (damaged > 0)
		vault_notice(vault, "stepped over %llu damaged bytes: run mailcask verify",
		    (unsigned long long)damaged);
}

/* ---- made ---- */

static bool has_lost_batches(const struct store *store)
{
	size_t count, i;
	const struct store_gap *gap = store_gaps(store, &count);

	for (i = 0; i < count; i++)
		if (gap[i].first_batch > 0)
			return true;
	return false;
}

int vault_build_catalog(struct store *store, const char *path, struct err *err)
{
	struct batch_position start = {0};
	struct catalog *catalog = NULL;
	int result = -1;

	if (sql_remove(path, err) == 0 && catalog_open(&catalog, path, SQL_BUILD, err) == 0 &&
	    store_replay(store, &start, vault_apply, catalog, err) == 0 &&
	    vault_set_generations(store, catalog, err) == 0 &&
	    (!has_lost_batches(store) || catalog_forget_listings(catalog, err) == 0))
		result = catalog_finish(catalog, err);
	catalog_close(catalog);
	if (result != 0)
		(void)sql_remove(path, NULL);
	return result;
}

static uint64_t count_messages(struct catalog *catalog)
{
	uint64_t count;

	return catalog && catalog_count(catalog, &count, NULL) == 0 ? count : 0;
}

/* The old catalogue goes; where it knew more it stays under another name, as far as its log is
 * empty. */
static int put_away(struct vault *vault, const char *path, bool keep, struct err *err)
{
	char *old = mem_format("%s.old", path), *log = mem_format("%s-wal", path);

	if (keep && vault->catalog)
		(void)sql_checkpoint(catalog_sql(vault->catalog), NULL);
	catalog_close(vault->catalog);
	vault->catalog = NULL;
	if (keep && !file_exists(log) && rename(path, old) == 0)
		vault_notice(vault, "the catalogue as it was is kept: %s", old);
	free(old);
	free(log);
	return sql_remove(path, err);
}

/* The catalogue is built beside its place and moved there when it is complete: whoever looks
 * finds all of it or none, and one that cannot be built costs nothing that was there. An old
 * log must be gone from the disk before the new database has its name. */
int vault_make_catalog(struct vault *vault, struct err *err)
{
	char *path = vault_catalog_path(vault), *made = mem_format("%s.new", path);
	uint64_t before = count_messages(vault->catalog), after;
	bool less;
	int result = -1;

	if (vault_build_catalog(vault->store, made, err) != 0)
		goto out;
	less = before > 0 && has_lost_batches(vault->store);
	if (put_away(vault, path, less, err) != 0 || file_sync_folder(vault->databases, err) != 0)
		goto out;
	if (rename(made, path) != 0) {
		err_os(err, errno, "cannot rename %s to %s", made, path);
		goto out;
	}
	vault->is_catalog_new = true;
	vault_tell_replay(vault);
	result = catalog_open(&vault->catalog, path, SQL_WRITE, err);
	after = count_messages(vault->catalog);
	if (result == 0 && after < before)
		vault_notice(vault,
		    "%llu messages are no longer there; the next sync fetches those that the "
		    "servers still have",
		    (unsigned long long)(before - after));
out:
	free(path);
	free(made);
	return result;
}

/* ---- opened ---- */

/* Was it made from these segments: 1, also when that cannot be known; 0, -1. */
static int is_of_archive(struct vault *vault, struct err *err)
{
	struct sha256 said, is;
	int got;

	/* Beside the segments it is theirs; a folder for databases may serve two archives. */
	if (!vault->options.databases)
		return 1;
	got = catalog_identity(vault->catalog, &said, err);
	if (got == 1)
		got = store_identity(vault->store, &is, err);
	if (got < 0)
		return -1;
	return got == 0 || sha256_equal(&said, &is);
}

static int check_archive(struct vault *vault, const char *path, struct err *err)
{
	int got = is_of_archive(vault, err);

	if (got != 0)
		return got < 0 ? -1 : 0;
	err_set(err, ERR_DAMAGED,
	    "%s was made from another archive; each needs databases of its own ([archive] "
	    "databases)",
	    path);
	err_class(err, RETRY_NEVER, SCOPE_ARCHIVE);
	return -1;
}

/* One that is there and can be used; position_out: up to where it has come. */
static int try_catalog(
    struct vault *vault, const char *path, struct batch_position *position_out, struct err *err)
{
	if (catalog_open(&vault->catalog, path, SQL_WRITE, err) == 0 &&
	    catalog_position(vault->catalog, position_out, err) == 0 &&
	    check_archive(vault, path, err) == 0)
		return 0;
	catalog_close(vault->catalog);
	vault->catalog = NULL;
	return -1;
}

/* Whatever is there is replaced; but what it knows of the end of the segments is believed. */
static int remake_catalog(struct vault *vault, const char *path, struct err *err)
{
	struct batch_position position;

	if (file_exists(path) && try_catalog(vault, path, &position, NULL) == 0)
		store_trust_position(vault->store, &position);
	return vault_make_catalog(vault, err);
}

/* The catalogue for writing; made when it is missing, broken, of another version or archive. */
int vault_open_catalog(struct vault *vault, struct err *err)
{
	char *path = vault_catalog_path(vault);
	struct batch_position position = {0};
	uint64_t bytes;
	uint32_t count;
	struct err why = {0};
	int result = -1;

	if (store_size(vault->store, &bytes, &count, err) != 0)
		goto out;
	if (vault->options.rebuild) {
		result = remake_catalog(vault, path, err);
		goto out;
	}
	if (bytes == 0 || file_exists(path)) {
		result = try_catalog(vault, path, &position, &why);
		if (result != 0 && why.code != ERR_DAMAGED) {
			vault_pass_on(&why, err);
			goto out;
		}
		if (result != 0)
			vault_notice(vault, "%s cannot be used (%s)", path, why.text);
	}
	if (result != 0 || (position.batch == 0 && bytes > 0)) {
		vault_notice(vault, "making the catalogue from the segments");
		result = vault_make_catalog(vault, err);
	}
out:
	free(path);
	return result;
}

/* For reading: ERR_ABSENT or ERR_DAMAGED when one must be made. */
int vault_read_catalog(struct vault *vault, struct err *err)
{
	char *path;
	int result = -1;

	if (vault_copy_databases(vault, err) != 0)
		return -1;
	path = vault_catalog_path(vault);
	if (!file_exists(path))
		err_set(err, ERR_ABSENT, "%s does not exist", path);
	else if (catalog_open(&vault->catalog, path, SQL_READ, err) == 0)
		result = check_archive(vault, path, err);
	if (result != 0) {
		catalog_close(vault->catalog);
		vault->catalog = NULL;
	}
	free(path);
	return result;
}

void vault_cure_catalog(struct vault *vault)
{
	struct err why = {0};

	if (vault->lock_fd < 0 || !vault->catalog || !vault->store ||
	    !sql_saw_damage(catalog_sql(vault->catalog)))
		return;
	vault_notice(vault, "the catalogue is damaged: making it again from the segments");
	store_abort(vault->store);
	if (vault_make_catalog(vault, &why) != 0)
		vault_notice(vault, "%s", why.text);
}
