/* Owns:  messages on their way in, and the ids of the open batch.
 * Knows: when a message or blob need not be stored again: when its stored copy was proven.
 * Never: tells that something is stored before its batch is committed. */
#include "archiver/vault/vault_private.h"

#include "archiver/imapwire/seqset.h"

#include "base/mem.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MAX_BYTES (256u << 10)
#define KEPT_BYTES     (256u << 10) /* of each spool of a put that is not in use */

/* ---- ids of the open batch ---- */

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, SHA256_BYTES);
}

bool vault_fresh_has(const struct vault_fresh *fresh, const struct sha256 *id)
{
	return tfind(id, &fresh->tree, compare_ids) != NULL;
}

void vault_fresh_add(struct vault_fresh *fresh, const struct sha256 *id)
{
	struct sha256 *copy = mem_alloc(sizeof *copy);

	*copy = *id;
	if (!tsearch(copy, &fresh->tree, compare_ids))
		mem_exhausted();
}

void vault_fresh_clear(struct vault_fresh *fresh)
{
	tdestroy(fresh->tree, free);
	fresh->tree = NULL;
}

/* ---- one message ---- */

struct vault_put {
	struct vault *vault;
	struct detach detach;
	struct digest *digest;
	struct buf head;
	uint64_t bytes;
};

struct vault_put *vault_put_new(struct vault *vault)
{
	struct vault_put *put = mem_zero(1, sizeof *put);

	put->vault = vault;
	put->digest = digest_new();
	detach_init(&put->detach, vault_temporary_folder(vault));
	buf_init(&put->head, HEAD_MAX_BYTES);
	return put;
}

void vault_put_free(struct vault_put *put)
{
	if (!put)
		return;
	digest_free(put->digest);
	detach_release(&put->detach);
	buf_release(&put->head);
	free(put);
}

void vault_put_begin(struct vault_put *put)
{
	struct sha256 unused;

	digest_end(put->digest, &unused);
	detach_begin(&put->detach);
	buf_clear(&put->head);
	put->bytes = 0;
}

int vault_put_add(struct vault_put *put, const void *data, size_t bytes, struct err *err)
{
	size_t room = put->head.max_bytes - put->head.n;

	buf_add(&put->head, data, bytes < room ? bytes : room);
	digest_add(put->digest, data, bytes);
	put->bytes += bytes;
	return detach_add(&put->detach, data, bytes, err);
}

void vault_put_trim(struct vault_put *put)
{
	spool_trim(&put->detach.skeleton, KEPT_BYTES);
	spool_trim(&put->detach.blobs, KEPT_BYTES);
}

struct bytes vault_put_head(const struct vault_put *put)
{
	return buf_view(&put->head);
}

uint64_t vault_put_bytes(const struct vault_put *put)
{
	return put->bytes;
}

/* 1 the archive or the open batch has it, 0 not, -1. */
static int has_mail(struct vault *vault, const struct sha256 *id, struct err *err)
{
	struct msg_id message = {*id};
	struct catalog_message unused;

	if (vault_fresh_has(&vault->mails, id))
		return 1;
	return catalog_message(vault->catalog, &message, &unused, err);
}

/* A failure of what is stored, not of the asking: 1; else -1 and the failure. */
static int is_damage(const struct err *why, struct err *err)
{
	if (why->code == ERR_DAMAGED || why->code == ERR_ABSENT)
		return 1;
	if (err)
		*err = *why;
	return -1;
}

/* Need the message be stored: 1 new; or its stored copy cannot be proven, or was not when it
 * was last asked; 0 not, -1. */
static int must_put_mail(struct vault *vault, const struct sha256 *id, struct err *err)
{
	struct msg_id message = {*id};
	struct catalog_message known;
	struct err why = {0};
	int got;

	if (vault_fresh_has(&vault->mails, id))
		return 0;
	got = catalog_message(vault->catalog, &message, &known, err);
	if (got != 1)
		return got < 0 ? -1 : 1;
	if (known.is_expired)
		return 1;
	got = catalog_is_damaged(vault->catalog, known.n, err);
	if (got != 0)
		return got;
	return vault_prove(vault, &message, &why) == 0 ? 0 : is_damage(&why, err);
}

static int must_put_blob(struct vault *vault, const struct sha256 *id, struct err *err)
{
	struct catalog_blob known;
	struct err why = {0};
	int got;

	if (vault_fresh_has(&vault->blobs, id))
		return 0;
	got = catalog_blob(vault->catalog, id, &known, err);
	if (got != 1)
		return got < 0 ? -1 : 1;
	return vault_prove_blob(vault, id, &known, &why) == 0 ? 0 : is_damage(&why, err);
}

static int put_blobs(struct vault_put *put, int64_t mtime_unix, struct err *err)
{
	struct vault *vault = put->vault;
	uint64_t at = 0;
	size_t i;

	for (i = 0; i < put->detach.part_count; i++) {
		const struct event_part *part = &put->detach.part[i];
		struct event event = {
		    .kind = EVENT_BLOB, .id = part->blob, .size_bytes = part->blob_bytes};
		struct spool_range content = {&put->detach.blobs, at, part->blob_bytes};
		int must = must_put_blob(vault, &part->blob, err);

		if (must < 0)
			return -1;
		if (must == 1) {
			if (store_put(vault->store, &event, mtime_unix, &content, err) != 0)
				return -1;
			vault_fresh_add(&vault->blobs, &part->blob);
		}
		at += part->blob_bytes;
	}
	return 0;
}

static int put_mail(struct vault_put *put, struct event *facts, int64_t mtime_unix, struct err *err)
{
	struct detach *detach = &put->detach;
	struct spool_range content = {&detach->skeleton, 0, spool_bytes(&detach->skeleton)};

	facts->kind = EVENT_MAIL;
	facts->size_bytes = put->bytes;
	facts->stored_bytes = content.bytes;
	facts->part = detach->part;
	facts->part_count = detach->part_count;
	if (put_blobs(put, mtime_unix, err) != 0 ||
	    store_put(put->vault->store, facts, mtime_unix, &content, err) != 0)
		return -1;
	vault_fresh_add(&put->vault->mails, &facts->id);
	return 0;
}

int vault_put_end(struct vault_put *put, struct event *facts, int64_t mtime_unix,
    struct msg_id *id_out, bool *is_new_out, struct err *err)
{
	int must;

	digest_end(put->digest, &facts->id);
	if (detach_end(&put->detach, err) != 0)
		return -1;
	must = must_put_mail(put->vault, &facts->id, err);
	if (must < 0 || (must == 1 && put_mail(put, facts, mtime_unix, err) != 0))
		return -1;
	facts->part = NULL; /* stays the put's own */
	facts->part_count = 0;
	id_out->sum = facts->id;
	*is_new_out = must == 1;
	return 0;
}

/* ---- the batch ---- */

/* 1 the message is in the archive and not held; 0, -1. */
static int may_expire(struct vault *vault, const struct sha256 *id, struct err *err)
{
	struct msg_id message = {*id};
	struct catalog_message found;
	int got = catalog_message(vault->catalog, &message, &found, err), held;

	if (got != 1)
		return got;
	held = catalog_is_held(vault->catalog, found.n, err);
	if (held == 1)
		return err_set(err, ERR_UNSAFE, "message is held: it cannot expire");
	return held < 0 ? -1 : 1;
}

/* An event that the catalogue cannot take would keep the archive from being opened again. */
static int check_event(struct vault *vault, const struct event *event, struct err *err)
{
	struct seqset uids;
	int known = 1;

	if (event->kind == EVENT_PLACED || event->kind == EVENT_HOLD ||
	    event->kind == EVENT_PURGE || event->kind == EVENT_DAMAGED) {
		known = has_mail(vault, &event->id, err);
	} else if (event->kind == EVENT_EXPIRED) {
		known = may_expire(vault, &event->id, err);
	} else if (event->kind == EVENT_GONE) {
		seqset_init(&uids);
		known = seqset_parse(&uids, event->uids, 0, SIZE_MAX, NULL) == 0;
		seqset_release(&uids);
	}
	if (known == 0)
		err_set(err, ERR_BUG, "a \"%s\" of what the archive does not have",
		    event_name(event->kind));
	return known == 1 ? 0 : -1;
}

int vault_log(struct vault *vault, const struct event *event, struct err *err)
{
	return check_event(vault, event, err) == 0 ? store_log(vault->store, event, err) : -1;
}

bool vault_is_due(const struct vault *vault)
{
	uint64_t most_bytes =
	    vault->options.batch_bytes ? vault->options.batch_bytes : VAULT_BATCH_BYTES;

	return store_open_bytes(vault->store) >= most_bytes ||
	    store_open_events(vault->store) >= VAULT_BATCH_EVENTS;
}

uint64_t vault_next_batch(const struct vault *vault)
{
	return store_end(vault->store)->batch + 1;
}

void vault_abort(struct vault *vault)
{
	store_abort(vault->store);
	vault_fresh_clear(&vault->mails);
	vault_fresh_clear(&vault->blobs);
}

int vault_commit(struct vault *vault, struct err *err)
{
	struct store_batch batch;

	if (vault->is_catalog_behind) {
		vault_abort(vault);
		return err_set(err, ERR_IO,
		    "the catalogue could not take the last batch: the archive must be opened "
		    "again");
	}
	if (store_commit(vault->store, vault->options.now(), &batch, err) != 0) {
		vault_abort(vault);
		return -1;
	}
	vault_fresh_clear(&vault->mails);
	vault_fresh_clear(&vault->blobs);
	if (batch.log.n == 0)
		return 0;
	vault_forget_copies(vault);
	/* The batch is safe. If the catalogue cannot take it now, it will at the next opening;
	 * until then nothing may be built on what it does not know. */
	if (catalog_apply(vault->catalog, &batch.end, batch.log, err) == 0)
		return 0;
	vault->is_catalog_behind = true;
	return err_add(err, "the batch is safe, but the catalogue could not take it");
}
