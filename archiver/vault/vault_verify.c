/* Owns:  a second catalogue, made for the comparison and removed again.
 * Knows: everything that must fit together in an archive.
 * Never: repairs: it only logs what is to be stored again; stops at the first fault. */
#include "archiver/vault/vault_private.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct check {
	struct vault *vault;
	struct store *store; /* one that only reads */
	const struct vault_verify_calls *calls;
	uint64_t faults, done, all;
	struct msg_id *bad; /* messages that are to be logged as damaged */
	size_t bad_count, bad_room;
};

static void fault(struct check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void fault(struct check *check, const char *format, ...)
{
	char text[ERR_TEXT_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	check->faults++;
	if (check->calls->fault)
		check->calls->fault(check->calls->arg, text);
}

static void store_fault(void *arg, uint32_t segment, uint64_t at, const char *what)
{
	fault(arg, "segment %u, offset %llu: %s", segment, (unsigned long long)at, what);
}

static int report(struct check *check, uint64_t done, struct err *err)
{
	const struct vault_verify_calls *calls = check->calls;

	return calls->progress ? calls->progress(calls->arg, done, check->all, err) : 0;
}

static int store_progress(void *arg, uint64_t done, uint64_t all, struct err *err)
{
	struct check *check = arg;

	(void)all;
	return report(check, done, err);
}

static void remove_files(const char *path)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	size_t i;

	for (i = 0; i < sizeof ends / sizeof *ends; i++) {
		char *file = mem_format("%s%s", path, ends[i]);

		unlink(file);
		free(file);
	}
}

/* Does the catalogue know batches that can no longer be read? */
static bool knows_less(const struct check *check)
{
	const struct batch_position *end = store_end(check->store);
	struct batch_position known;

	return catalog_position(check->vault->catalog, &known, NULL) == 0 &&
	    (end->lost > known.lost || end->batch < known.batch);
}

/* The catalogue must be what the journal makes. */
static int check_catalog(struct check *check, struct err *err)
{
	struct vault *vault = check->vault;
	char *path = mem_format("%s/verify-%ld.db", vault->temporary, (long)getpid());
	struct batch_position start = {0};
	struct catalog *other = NULL;
	const char *table;
	struct err why = {0};
	int result = -1, got;

	if (catalog_open(&other, path, SQL_WRITE, err) != 0)
		goto out;
	if (store_replay(check->store, &start, vault_apply, other, &why) != 0) {
		fault(check, "the journal cannot be read to its end: %s", why.text);
		result = 0;
		goto out;
	}
	if (knows_less(check)) {
		fault(check,
		    "the journal has lost batches that catalog.db still knows: keep catalog.db, "
		    "mailcask rebuild would forget what they said");
		result = 0;
		goto out;
	}
	got = catalog_compare(vault->catalog, path, &table, err);
	if (got == 1)
		fault(check,
		    "catalog.db differs from the journal in table %s: run mailcask rebuild", table);
	result = got < 0 ? -1 : 0;
out:
	catalog_close(other);
	remove_files(path);
	free(path);
	return result;
}

/* Once: what is known to be damaged is not logged again at each verify. */
static int note_bad(struct check *check, const struct catalog_message *message, struct err *err)
{
	int known = catalog_is_damaged(check->vault->catalog, message->n, err);

	if (known == 0) {
		check->bad = mem_grow(
		    check->bad, &check->bad_room, check->bad_count + 1, sizeof *check->bad);
		check->bad[check->bad_count++] = message->id;
	}
	return known < 0 ? -1 : 0;
}

/* So that the next sync fetches them again. Where that cannot be written down, it was told. */
static void log_bad(struct check *check)
{
	struct vault *vault = check->vault;
	struct err why = {0};
	size_t i;

	if (check->bad_count == 0 || vault->lock_fd < 0 || !store_is_empty(vault->store))
		return;
	for (i = 0; i < check->bad_count; i++) {
		struct event event = {.kind = EVENT_DAMAGED,
		    .id = check->bad[i].sum,
		    .reason = BYTES("verify could not prove it")};

		if (vault_log(vault, &event, &why) != 0)
			break;
	}
	if (i == check->bad_count && vault_commit(vault, &why) == 0)
		return;
	vault_abort(vault);
	vault_notice(vault, "what is damaged could not be noted down: %s", why.text);
}

static int prove_message(void *arg, const struct catalog_message *message, struct err *err)
{
	struct check *check = arg;
	struct catalog_message copy = *message;
	struct err why = {0};

	if (vault_prove(check->vault, &copy.id, &why) != 0) {
		if (why.code != ERR_DAMAGED) {
			*err = why;
			return -1;
		}
		check->faults++;
		if (check->calls->bad_message)
			check->calls->bad_message(check->calls->arg, &copy, why.text);
		if (note_bad(check, &copy, err) != 0)
			return -1;
	}
	check->done += message->size_bytes;
	return report(check, check->done, err);
}

int vault_verify(
    struct vault *vault, bool quick, const struct vault_verify_calls *calls, struct err *err)
{
	struct check check = {.vault = vault, .calls = calls};
	struct store_verify_calls store_calls = {
	    .fault = store_fault, .progress = store_progress, .arg = &check};
	struct catalog_totals totals;
	struct batch_position position;
	uint32_t count;
	int result = -1;

	if (vault_open_store(vault, false, &check.store, err) != 0 ||
	    catalog_totals(vault->catalog, &totals, err) != 0 ||
	    catalog_position(vault->catalog, &position, err) != 0 ||
	    store_size(check.store, &check.done, &count, err) != 0 ||
	    store_forget_cached(vault->store, err) != 0)
		goto out;
	check.all = check.done + (quick ? 0 : totals.size_bytes);
	if (!vault->options.are_segments_behind)
		store_trust_position(check.store, &position);
	if (store_verify(check.store, quick, &store_calls, err) < 0 ||
	    (!vault->options.are_segments_behind && check_catalog(&check, err) != 0) ||
	    (!quick && catalog_each_message(vault->catalog, 0, prove_message, &check, err) != 0))
		goto out;
	log_bad(&check);
	result = check.faults > 0;
out:
	free(check.bad);
	store_close(check.store);
	return result;
}

int vault_forget_cached(struct vault *vault, struct err *err)
{
	if (store_forget_cached(vault->store, err) != 0)
		return -1;
	/* A mirror that is gone proves nothing later. */
	if (vault->mirror)
		(void)store_forget_cached(vault->mirror, NULL);
	return 0;
}
