/* Owns:  a message while it is rebuilt.
 * Knows: how skeleton and blobs make the message again.
 * Never: lets a byte out before the SHA-256 of the whole was right. */
#include "archiver/vault/vault_private.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Larger messages are rebuilt twice, once for the proof and once for the reader, so that
 * memory does not grow with them. */
#define MEMORY_MAX_BYTES (8u << 20)

static int send_skeleton(struct vault_rebuild *rebuild, uint64_t bytes, struct err *err)
{
	if (rebuild->skeleton(
		rebuild->from, rebuild->skeleton_at, bytes, rebuild->fn, rebuild->arg, err) != 0)
		return -1;
	rebuild->skeleton_at += bytes;
	rebuild->at += bytes;
	return 0;
}

/* The catalogue is not the journal: what it says is checked before it is obeyed. */
static bool can_encode(const struct event_part *part)
{
	return part->line_chars > 0 && part->line_chars % 4 == 0 &&
	    part->line_chars <= DETACH_LINE_CHARS;
}

int vault_rebuild_part(
    struct vault_rebuild *rebuild, const struct event_part *part, struct err *err)
{
	struct store_entry entry = {EVENT_BLOB, part->blob, part->blob_bytes};
	struct detach_encoder encoder;
	struct catalog_blob blob;
	int got = catalog_blob(rebuild->catalog, &part->blob, &blob, err);
	uint64_t left = rebuild->skeleton_bytes - rebuild->skeleton_at;

	if (got < 0)
		return -1;
	if (!can_encode(part))
		return err_set(err, ERR_DAMAGED, "catalog.db has a part that cannot be");
	if (got == 0 || part->at < rebuild->at || part->at - rebuild->at > left)
		return err_set(err, ERR_DAMAGED, "an attachment of the message is missing");
	if (send_skeleton(rebuild, part->at - rebuild->at, err) != 0)
		return -1;
	detach_encoder_begin(&encoder, part, rebuild->fn, rebuild->arg);
	if (rebuild->blob(rebuild->from, &blob, &entry, detach_encoder_add, &encoder, err) != 0 ||
	    detach_encoder_end(&encoder, err) != 0)
		return -1;
	rebuild->at += detach_encoded_bytes(part);
	return 0;
}

int vault_rebuild_end(struct vault_rebuild *rebuild, struct err *err)
{
	return send_skeleton(rebuild, rebuild->skeleton_bytes - rebuild->skeleton_at, err);
}

/* One message, from where it stands. */
struct stored {
	struct catalog *catalog;
	struct store *store; /* the archive's, or that of its mirror */
	struct spool *skeleton;
	/* Where the copies that count are damaged, the others are tried (NULL: they are not). */
	struct vault *others;
};

static int stored_skeleton(
    void *from, uint64_t at, uint64_t bytes, spool_fn fn, void *arg, struct err *err)
{
	return spool_send(((struct stored *)from)->skeleton, at, bytes, fn, arg, err);
}

/* Is the copy that counts damaged, and another one whole? */
static bool whole_blob(struct vault *vault, const struct store_entry *entry,
    const struct catalog_blob *blob, struct catalog_blob *out)
{
	const struct vault_copy *copy = NULL;

	if (vault_prove_blob(vault, &entry->id, blob, NULL) == 0)
		return false;
	while ((copy = vault_other_copy(vault, EVENT_BLOB, &entry->id, copy)) != NULL) {
		*out = *blob;
		out->segment = copy->segment;
		out->place = copy->place;
		if (vault_prove_blob(vault, &entry->id, out, NULL) == 0)
			return true;
	}
	return false;
}

static int stored_blob(void *from, const struct catalog_blob *blob, const struct store_entry *entry,
    spool_fn fn, void *arg, struct err *err)
{
	const struct stored *stored = from;
	struct catalog_blob copy;

	if (stored->others && whole_blob(stored->others, entry, blob, &copy))
		blob = &copy;
	return store_read(stored->store, blob->segment, &blob->place, entry, fn, arg, err);
}

static int send_part(void *arg, const struct event_part *part, struct err *err)
{
	return vault_rebuild_part(arg, part, err);
}

int vault_read_skeleton(struct store *store, const struct catalog_message *message,
    struct spool *spool, struct err *err)
{
	struct store_entry entry = {EVENT_MAIL, message->id.sum, message->stored_bytes};

	spool_clear(spool);
	return store_read(
	    store, message->segment, &message->place, &entry, spool_add_fn, spool, err);
}

static int rebuild_to(const struct stored *from, const struct catalog_message *message, spool_fn fn,
    void *arg, struct err *err)
{
	struct vault_rebuild rebuild = {.catalog = from->catalog,
	    .skeleton = stored_skeleton,
	    .blob = stored_blob,
	    .from = (void *)from,
	    .skeleton_bytes = spool_bytes(from->skeleton),
	    .fn = fn,
	    .arg = arg};

	if (catalog_parts(from->catalog, message->n, send_part, &rebuild, err) != 0)
		return -1;
	return vault_rebuild_end(&rebuild, err);
}

/* Hashes all that goes through. */
struct prover {
	struct digest *digest;
	spool_fn fn; /* NULL: hash only */
	void *arg;
};

static int to_prover(void *arg, const void *data, size_t bytes, struct err *err)
{
	struct prover *prover = arg;

	digest_add(prover->digest, data, bytes);
	return prover->fn ? prover->fn(prover->arg, data, bytes, err) : 0;
}

static int to_memory(void *memory, const void *data, size_t bytes, struct err *err)
{
	(void)err;
	buf_add(memory, data, bytes);
	return 0;
}

int vault_wrong_sum(const struct msg_id *id, struct err *err)
{
	char hex[SHA256_HEX_BYTES];

	sha256_hex(&id->sum, hex);
	return err_set(
	    err, ERR_DAMAGED, "message %.10s: its stored bytes do not match its SHA-256", hex);
}

int vault_prove_blob(
    struct vault *vault, const struct sha256 *id, const struct catalog_blob *blob, struct err *err)
{
	struct store_entry entry = {EVENT_BLOB, *id, blob->size_bytes};
	struct prover prover = {digest_new(), NULL, NULL};
	struct sha256 sum;
	int result =
	    store_read(vault->store, blob->segment, &blob->place, &entry, to_prover, &prover, err);

	digest_end(prover.digest, &sum);
	digest_free(prover.digest);
	if (result == 0 && !sha256_equal(&sum, id))
		result = err_set(err, ERR_DAMAGED, "a blob does not match its SHA-256");
	return result;
}

/* Rebuild a message to fn (NULL: to nobody); -1 also when its sum was wrong. */
static int rebuild_proven(const struct stored *from, const struct catalog_message *message,
    spool_fn fn, void *arg, struct err *err)
{
	struct prover prover = {digest_new(), fn, arg};
	struct sha256 sum;
	int result = rebuild_to(from, message, to_prover, &prover, err);

	digest_end(prover.digest, &sum);
	digest_free(prover.digest);
	if (result == 0 && !sha256_equal(&sum, &message->id.sum))
		result = vault_wrong_sum(&message->id, err);
	return result;
}

/* Looked up again each time: the catalogue's row is a view. */
static int find(
    struct vault *vault, const struct msg_id *id, struct catalog_message *message, struct err *err)
{
	char hex[SHA256_HEX_BYTES];
	int got = catalog_message(vault->catalog, id, message, err);

	sha256_hex(&id->sum, hex);
	if (got == 1 && message->is_expired)
		return err_set(err, ERR_ABSENT,
		    "message %.10s is expired: a rule took it out of the archive", hex);
	if (got == 0)
		return err_set(err, ERR_ABSENT, "there is no message %.10s in the archive", hex);
	return got < 0 ? -1 : 0;
}

static int read_skeleton(struct vault *vault, const struct stored *from,
    const struct catalog_message *message, struct err *err)
{
	const struct vault_copy *copy = NULL;
	int result = vault_read_skeleton(from->store, message, from->skeleton, err);

	while (result != 0 && from->others &&
	    (copy = vault_other_copy(vault, EVENT_MAIL, &message->id.sum, copy)) != NULL) {
		struct catalog_message other = *message;

		other.segment = copy->segment;
		other.place = copy->place;
		result = vault_read_skeleton(from->store, &other, from->skeleton, NULL);
	}
	return result;
}

/* Rebuilt once: into memory if that is wanted and it fits, else only hashed. */
static int prove(struct vault *vault, const struct stored *from, const struct msg_id *id, bool keep,
    struct catalog_message *message, struct buf *memory, struct err *err)
{
	bool small;

	buf_clear(memory);
	if (find(vault, id, message, err) != 0 || read_skeleton(vault, from, message, err) != 0)
		return -1;
	small = message->size_bytes <= MEMORY_MAX_BYTES;
	return rebuild_proven(from, message, keep && small ? to_memory : NULL, memory, err);
}

/* While this process reads, another may write segments anew: then the catalogue knows the
 * message at another place, and there it is. */
static int prove_there(struct vault *vault, const struct stored *from, const struct msg_id *id,
    bool keep, struct catalog_message *message, struct buf *memory, struct err *err)
{
	uint64_t before = 0, after = 0;
	struct err why = {0};
	int tries;

	for (tries = 0; tries < 3; tries++) {
		if (vault->lock_fd < 0 && catalog_rewrites(vault->catalog, &before, err) != 0)
			return -1;
		if (prove(vault, from, id, keep, message, memory, &why) == 0)
			return 0;
		if (why.code != ERR_DAMAGED || vault->lock_fd >= 0 ||
		    catalog_rewrites(vault->catalog, &after, NULL) != 0 || after == before)
			break;
	}
	return vault_pass_on(&why, err);
}

/* began_out: fn has had bytes. */
static int get(struct vault *vault, struct store *store, struct vault *others,
    const struct msg_id *id, spool_fn fn, void *arg, bool *began_out, struct err *err)
{
	struct catalog_message message;
	struct spool skeleton;
	struct stored from = {vault->catalog, store, &skeleton, others};
	struct buf memory;
	bool small;
	int result = -1;

	*began_out = false;
	buf_init(&memory, MEMORY_MAX_BYTES);
	spool_init(&skeleton, DETACH_MEMORY_BYTES, vault_temporary_folder(vault));
	if (prove_there(vault, &from, id, fn != NULL, &message, &memory, err) != 0)
		goto out;
	small = message.size_bytes <= MEMORY_MAX_BYTES;
	*began_out = fn && !memory.overflow;
	if (memory.overflow)
		vault_wrong_sum(&message.id, err);
	else if (!fn || (small && memory.n == 0))
		result = 0;
	else if (small)
		result = fn(arg, memory.p, memory.n, err);
	else
		result = rebuild_proven(&from, &message, fn, arg, err);
out:
	spool_release(&skeleton);
	buf_release(&memory);
	return result;
}

/* The store on the mirror's segments, whose places are those of our catalogue. */
static int open_mirror(struct vault *vault, struct err *err)
{
	char *segments;
	int result;

	if (vault->mirror)
		return 0;
	if (!vault->options.mirror)
		return err_set(err, ERR_ABSENT, "the archive has no mirror");
	segments = file_join(vault->options.mirror, "segments");
	if (file_exists(segments))
		result =
		    store_open(&vault->mirror, &(struct store_options){.folder = segments}, err);
	else
		result =
		    err_set(err, ERR_ABSENT, "the mirror %s is not there", vault->options.mirror);
	/* What was copied there a moment ago must come from the disk. */
	if (result == 0)
		(void)store_forget_cached(vault->mirror, NULL);
	free(segments);
	return result;
}

static int get_from_mirror(
    struct vault *vault, const struct msg_id *id, spool_fn fn, void *arg, struct err *err)
{
	char hex[SHA256_HEX_BYTES];
	bool began;
	int result;

	if (open_mirror(vault, err) != 0)
		return -1;
	result = get(vault, vault->mirror, NULL, id, fn, arg, &began, err);
	sha256_hex(&id->sum, hex);
	if (result == 0 && !vault->has_told_mirror) {
		vault->has_told_mirror = true;
		vault_notice(vault,
		    "message %.10s is damaged in the archive and was taken from the mirror, as "
		    "others may be: run mailcask rebuild --from-mirror",
		    hex);
	}
	return result;
}

int vault_get(struct vault *vault, const struct msg_id *id, spool_fn fn, void *arg, struct err *err)
{
	struct err why = {0};
	bool began;

	if (get(vault, vault->store, NULL, id, fn, arg, &began, &why) == 0)
		return 0;
	if (why.code == ERR_DAMAGED && !began &&
	    ((vault->options.mirror && get_from_mirror(vault, id, fn, arg, NULL) == 0) ||
		get(vault, vault->store, vault, id, fn, arg, &began, NULL) == 0))
		return 0;
	return vault_pass_on(&why, err);
}

int vault_prove(struct vault *vault, const struct msg_id *id, struct err *err)
{
	bool began;

	return get(vault, vault->store, NULL, id, NULL, NULL, &began, err);
}

int vault_prove_mirror(struct vault *vault, const struct msg_id *id, struct err *err)
{
	bool began;

	if (open_mirror(vault, err) != 0)
		return -1;
	return get(vault, vault->mirror, NULL, id, NULL, NULL, &began, err);
}
