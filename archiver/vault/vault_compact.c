/* Owns:  nothing.
 * Knows: in which order segment files and catalogue change when a segment is written anew: the
 *        new file, the catalogue, then the old file goes.
 * Never: leaves a catalogue whose places are of another file than the one that is there; drops an
 *        entry because a database says so. */
#include "archiver/vault/vault_private.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the catalogue learns where the entries of a segment stand now ---- */

struct moving {
	struct catalog *catalog;
	struct batch_position end;
};

static int move_log(void *arg, struct bytes log, const struct batch_position *end, struct err *err)
{
	struct moving *moving = arg;

	moving->end = *end;
	return catalog_move(moving->catalog, end->segment, log, err);
}

/* The position, when it is in that segment: at its new end. ERR_DAMAGED when it was not at the
 * end of it. */
static int move_position(
    struct vault *vault, const struct moving *moving, struct batch_position *out, struct err *err)
{
	if (catalog_position(vault->catalog, out, err) != 0)
		return -1;
	if (out->segment != moving->end.segment)
		return 0;
	if (out->batch != moving->end.batch || !sha256_equal(&out->sum, &moving->end.sum))
		return err_set(err, ERR_DAMAGED, "catalog.db is behind segment %u", out->segment);
	out->at = moving->end.at;
	return 0;
}

static int move_places(struct vault *vault, struct segment_id id, struct err *err)
{
	struct moving moving = {.catalog = vault->catalog};
	struct batch_position position;

	if (catalog_move_begin(vault->catalog, err) != 0)
		return -1;
	if (store_each_log(vault->store, id, move_log, &moving, err) == 0 &&
	    move_position(vault, &moving, &position, err) == 0)
		return catalog_move_commit(vault->catalog, id, &position, err);
	catalog_move_abort(vault->catalog);
	return -1;
}

/* ---- what an interrupted compact left ---- */

/* 1 the catalogue's places are of the files that are there; 0 it must be made again; -1. */
static int fit_places(struct vault *vault, struct err *err)
{
	struct store_segments segments;
	struct err why = {0};
	uint32_t i, known;
	int got = 1;

	if (store_segments(vault->store, &segments, err) != 0)
		return -1;
	for (i = 0; got == 1 && i < segments.count; i++) {
		struct segment_id id = segments.item[i];

		if (catalog_generation(vault->catalog, id.number, &known, err) != 0)
			got = -1;
		else if (known != id.generation)
			got = known + 1 == id.generation && move_places(vault, id, &why) == 0;
	}
	store_segments_release(&segments);
	if (got == 0 && why.code != ERR_NONE && why.code != ERR_DAMAGED)
		return vault_pass_on(&why, err);
	return got;
}

int vault_fit_places(struct vault *vault, struct err *err)
{
	int got = fit_places(vault, err);

	if (got != 0)
		return got < 0 ? -1 : 0;
	vault_notice(vault,
	    "segments were written anew behind the catalogue's back: making it "
	    "from the segments");
	return vault_make_catalog(vault, err);
}

int vault_set_generations(struct store *store, struct catalog *catalog, struct err *err)
{
	struct store_segments segments;
	uint32_t i;
	int result = 0;

	if (store_segments(store, &segments, err) != 0)
		return -1;
	for (i = 0; result == 0 && i < segments.count; i++)
		if (segments.item[i].generation > 0)
			result = catalog_set_generation(catalog, segments.item[i], err);
	store_segments_release(&segments);
	return result;
}

/* ---- compact ---- */

struct compacting {
	struct vault *vault;
	const struct vault_compact *how;
	uint64_t done, all;
	uint32_t segment;
	bool is_confirmed; /* the catalogue is what the journal makes */
};

/* The catalogue says what may be dropped, and it is a database that a flipped bit makes lie: before
 * the first thing is dropped it must be what the journal makes. */
static int compare_catalog(struct compacting *compacting, const char *path, struct err *err)
{
	struct vault *vault = compacting->vault;
	struct store *store = NULL;
	const char *table;
	int got = -1;

	if (vault_open_store(vault, false, &store, err) == 0) {
		store_trust_position(store, store_end(vault->store));
		if (vault_build_catalog(store, path, err) == 0)
			got = catalog_compare(vault->catalog, path, &table, err);
	}
	store_close(store);
	if (got == 1)
		err_set(err, ERR_UNSAFE,
		    "catalog.db differs from the journal in table %s, so nothing is dropped: "
		    "run mailcask rebuild",
		    table);
	return got == 0 ? 0 : -1;
}

static int confirm(struct compacting *compacting, struct err *err)
{
	char *path;
	int result;

	if (compacting->is_confirmed || compacting->how->dry_run)
		return 0;
	path = mem_format("%s/compact-%ld.db", compacting->vault->temporary, (long)getpid());
	result = compare_catalog(compacting, path, err);
	(void)sql_remove(path, NULL);
	free(path);
	compacting->is_confirmed = result == 0;
	return result;
}

static int not_known(const struct sha256 *id, struct err *err)
{
	char hex[SHA256_HEX_BYTES];

	sha256_hex(id, hex);
	return err_set(err, ERR_DAMAGED, "catalog.db does not know entry %.10s", hex);
}

/* Another copy counts, or none since the message is expired. A copy that is not the one that
 * counts goes only when that one can be given back: 1 it stays, 0, -1. */
static int is_mail_needed(struct vault *vault, const struct sha256 *id, struct err *err)
{
	struct msg_id message = {*id};
	struct catalog_message found;
	struct err why = {0};
	int got = catalog_message(vault->catalog, &message, &found, err);

	if (got != 1)
		return got < 0 ? -1 : not_known(id, err);
	if (found.is_expired || vault_prove(vault, &message, &why) == 0)
		return 0;
	return why.code == ERR_DAMAGED || why.code == ERR_ABSENT ? 1 : vault_pass_on(&why, err);
}

static int is_blob_needed(struct compacting *compacting, const struct sha256 *id, struct err *err)
{
	struct vault *vault = compacting->vault;
	struct catalog_blob found;
	struct err why = {0};
	int got = catalog_blob(vault->catalog, id, &found, err);

	/* An earlier compact forgot it, for no message needs it. */
	if (got != 1 || catalog_is_unused(vault->catalog, id, &got, err) != 0)
		return got < 0 ? -1 : 0;
	if (got == 1 || vault_prove_blob(vault, id, &found, &why) == 0)
		return 0;
	return why.code == ERR_DAMAGED || why.code == ERR_ABSENT ? 1 : vault_pass_on(&why, err);
}

static int is_live(void *arg, enum event_kind kind, const struct sha256 *id,
    const struct batch_place *place, struct err *err)
{
	struct compacting *compacting = arg;
	struct vault *vault = compacting->vault;
	int got = catalog_is_live(vault->catalog, kind, id, compacting->segment, place, err);

	if (got != 0)
		return got;
	if (confirm(compacting, err) != 0)
		return -1;
	return kind == EVENT_BLOB ? is_blob_needed(compacting, id, err)
				  : is_mail_needed(vault, id, err);
}

static int is_expired(void *arg, const struct sha256 *id, struct err *err)
{
	struct compacting *compacting = arg;
	struct msg_id message = {*id};
	struct catalog_message found;
	int got = catalog_message(compacting->vault->catalog, &message, &found, err);

	if (got != 1 || !found.is_expired)
		return got < 0 ? -1 : 0;
	return confirm(compacting, err) == 0 ? 1 : -1;
}

static int progress(void *arg, uint64_t bytes, struct err *err)
{
	struct compacting *compacting = arg;
	const struct vault_compact *how = compacting->how;

	return how->progress
	    ? how->progress(how->arg, compacting->done + bytes, compacting->all, err)
	    : 0;
}

/* 1 it could not be written anew, for there is damage in it; 0; -1. */
static int compact_segment(struct compacting *compacting, struct err *err)
{
	struct vault *vault = compacting->vault;
	const struct vault_compact *how = compacting->how;
	struct store_compact call = {.number = compacting->segment,
	    .best = how->best,
	    .dry_run = how->dry_run,
	    .temporary = vault->temporary,
	    .is_live = is_live,
	    .is_expired = is_expired,
	    .progress = progress,
	    .arg = compacting};
	struct store_compacted done;
	struct err why = {0};
	int got = store_compact(vault->store, &call, &done, &why);

	compacting->done += done.bytes_before;
	if (got < 0 && why.code == ERR_DAMAGED) {
		how->left(how->arg, compacting->segment, why.text);
		return 1;
	}
	if (got < 0)
		return vault_pass_on(&why, err);
	if (got == 1 && !how->dry_run) {
		vault->is_catalog_behind = true;
		if (move_places(vault, done.segment, err) != 0)
			return err_add(err, "the catalogue could not take the new segment");
		vault->is_catalog_behind = false;
		vault_forget_copies(vault);
		if (store_drop_older(vault->store, done.segment, err) != 0)
			return -1;
	}
	how->done(how->arg, got == 1, &done);
	return 0;
}

int vault_compact(struct vault *vault, const struct vault_compact *how, struct err *err)
{
	struct compacting compacting = {.vault = vault, .how = how, .segment = 1};
	uint32_t count;
	int got, result = 0;

	if (vault->lock_fd < 0 || !store_is_empty(vault->store))
		return err_set(err, ERR_BUG, "the archive cannot be compacted now");
	if (store_size(vault->store, &compacting.all, &count, err) != 0)
		return -1;
	for (; compacting.segment <= count; compacting.segment++) {
		got = compact_segment(&compacting, err);
		if (got < 0)
			return -1;
		result |= got;
	}
	return result;
}
