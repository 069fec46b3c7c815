/* Owns:  what one thread reads with: a store, a connection, a scan.
 * Knows: how the messages of a frame are proven while the frame is in memory.
 * Never: takes the word of a frame for a message: the SHA-256 of its whole bytes decides. */
#include "archiver/vault/verify_private.h"

#include "base/mem.h"

#include <stdlib.h>

struct verify_worker {
	struct verify_board *board;
	struct vault vault; /* the director's, with a store and a catalogue of its own */
	struct store_scan *scan;
	struct store_verify_calls calls;
	struct catalog_stored_list list;
	struct digest *digest;
	uint32_t segment;
	struct bytes skeleton; /* of the message at hand */
};

static void note_fault(
    void *arg, enum store_fault kind, uint32_t segment, uint64_t at, const char *what)
{
	struct verify_worker *worker = arg;
	struct verify_finding finding = {.segment = segment,
	    .at = at,
	    .kind = kind == STORE_FAULT_JOURNAL ? VAULT_FAULT_JOURNAL : VAULT_FAULT_SEGMENT,
	    .what = (char *)what};

	verify_find(worker->board, &finding);
}

int verify_worker_new(struct verify_worker **out, struct vault *vault, struct verify_board *board,
    size_t kept_frames, struct err *err)
{
	struct verify_worker *worker = mem_zero(1, sizeof *worker);

	worker->board = board;
	worker->vault = *vault;
	worker->vault.store = NULL;
	worker->vault.catalog = NULL;
	worker->calls = (struct store_verify_calls){.fault = note_fault, .arg = worker};
	worker->digest = digest_new();
	if (vault_open_store(vault, false, &worker->vault.store, err) != 0 ||
	    catalog_open_beside(vault->catalog, &worker->vault.catalog, err) != 0) {
		verify_worker_free(worker);
		return -1;
	}
	worker->scan = store_scan_new(worker->vault.store, kept_frames);
	*out = worker;
	return 0;
}

void verify_worker_free(struct verify_worker *worker)
{
	if (!worker)
		return;
	store_scan_free(worker->scan);
	store_close(worker->vault.store);
	catalog_close(worker->vault.catalog);
	catalog_stored_release(&worker->list);
	digest_free(worker->digest);
	free(worker);
}

struct catalog *verify_worker_catalog(struct verify_worker *worker)
{
	return worker->vault.catalog;
}

static int hash(void *digest, const void *data, size_t bytes, struct err *err)
{
	(void)err;
	digest_add(digest, data, bytes);
	return 0;
}

static int read_skeleton(
    void *from, uint64_t at, uint64_t bytes, spool_fn fn, void *arg, struct err *err)
{
	const struct verify_worker *worker = from;

	return bytes > 0 ? fn(arg, worker->skeleton.p + at, (size_t)bytes, err) : 0;
}

static int read_blob(void *from, const struct catalog_blob *blob, const struct store_entry *entry,
    spool_fn fn, void *arg, struct err *err)
{
	struct verify_worker *worker = from;
	struct bytes content;
	int got =
	    store_scan_blob(worker->scan, blob->segment.number, &blob->place, entry, &content, err);

	if (got == 0)
		return store_read(
		    worker->vault.store, blob->segment, &blob->place, entry, fn, arg, err);
	return got == 1 ? fn(arg, content.p, content.n, err) : -1;
}

static int rebuild(
    struct verify_worker *worker, const struct catalog_stored *message, struct err *err)
{
	struct vault_rebuild rebuild = {.catalog = worker->vault.catalog,
	    .skeleton = read_skeleton,
	    .blob = read_blob,
	    .from = worker,
	    .skeleton_bytes = worker->skeleton.n,
	    .fn = hash,
	    .arg = worker->digest};
	size_t i;

	for (i = 0; i < message->parts; i++)
		if (vault_rebuild_part(
			&rebuild, &worker->list.part[message->first_part + i], err) != 0)
			return -1;
	return vault_rebuild_end(&rebuild, err);
}

/* In the frame that is in memory. */
static int prove_here(
    struct verify_worker *worker, const struct catalog_stored *message, struct err *err)
{
	struct store_entry entry = {EVENT_MAIL, message->id.sum, message->stored_bytes};
	struct sha256 sum;
	int result;

	if (store_scan_mail(
		worker->scan, message->place.entry_at, &entry, &worker->skeleton, err) != 0)
		return -1;
	result = rebuild(worker, message, err);
	digest_end(worker->digest, &sum);
	if (result == 0 && !sha256_equal(&sum, &message->id.sum))
		result = vault_wrong_sum(&message->id, err);
	return result;
}

static int note_bad(
    struct verify_worker *worker, const struct catalog_stored *message, const struct err *why)
{
	struct verify_finding finding = {.segment = worker->segment,
	    .at = message->place.frame_at,
	    .entry_at = message->place.entry_at,
	    .kind = VAULT_FAULT_MESSAGE,
	    .n = message->n,
	    .what = (char *)why->text};

	if (why->code != ERR_DAMAGED) {
		verify_give_up(worker->board, why);
		return -1;
	}
	verify_find(worker->board, &finding);
	return 0;
}

/* scanned: of store_scan_frame, and why when it failed. */
static int prove_message(struct verify_worker *worker, const struct catalog_stored *message,
    int scanned, const struct err *scan_why)
{
	struct err why = {0};
	int result = -1;

	if (scanned == 1)
		result = prove_here(worker, message, &why);
	else if (scanned == 0)
		result = vault_prove(&worker->vault, &message->id, &why);
	else
		why = *scan_why;
	if (result != 0)
		return note_bad(worker, message, &why);
	worker->board->proven++;
	worker->board->proven_bytes += message->size_bytes;
	return 0;
}

static int prove_extent(struct verify_worker *worker, const struct catalog_extent *extent,
    int scanned, const struct err *scan_why)
{
	struct err why = {0};
	size_t i;

	if (catalog_stored(worker->vault.catalog, extent, &worker->list, &why) != 0) {
		verify_give_up(worker->board, &why);
		return -1;
	}
	for (i = 0; i < worker->list.count; i++)
		if (worker->board->must_stop ||
		    prove_message(worker, &worker->list.message[i], scanned, scan_why) != 0)
			return -1;
	return 0;
}

static int work_on_frame(
    struct verify_worker *worker, const struct verify_unit *unit, const struct verify_frame *frame)
{
	struct err why = {0};
	int scanned =
	    store_scan_frame(worker->scan, unit->segment, &frame->extent, &worker->calls, &why);
	size_t i;

	if (scanned < 0 && why.code != ERR_DAMAGED) {
		verify_give_up(worker->board, &why);
		return -1;
	}
	for (i = 0; i < frame->extents; i++)
		if (prove_extent(worker, &unit->extent[frame->first_extent + i], scanned, &why) !=
		    0)
			return -1;
	worker->board->frames_done += frame->extent.file_bytes;
	return 0;
}

void verify_work(struct verify_worker *worker, const struct verify_unit *unit)
{
	size_t i;

	worker->segment = unit->segment;
	for (i = 0; i < unit->frames && !worker->board->must_stop; i++)
		if (work_on_frame(worker, unit, &unit->frame[i]) != 0)
			break;
}
