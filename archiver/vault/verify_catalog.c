/* Owns:  a second catalogue, made from the journal for the comparison and removed again.
 * Knows: what the catalogue must be.
 * Never: touches the first one. */
#include "archiver/vault/verify_private.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct verify_catalog {
	struct verify_board *board;
	struct store *store;
	struct catalog *have, *made; /* have: a connection of its own */
	char *path;                  /* of made */
	struct batch_position last;  /* up to where progress was told */
	bool is_behind;              /* the segments end before the catalogue */
};

int verify_catalog_new(
    struct verify_catalog **out, struct vault *vault, struct verify_board *board, struct err *err)
{
	struct verify_catalog *check = mem_zero(1, sizeof *check);
	struct batch_position position;

	check->board = board;
	check->path = mem_format("%s/verify-%ld.db", vault->temporary, (long)getpid());
	(void)sql_remove(check->path, NULL);
	if (vault_open_store(vault, false, &check->store, err) != 0 ||
	    catalog_open_beside(vault->catalog, &check->have, err) != 0 ||
	    catalog_position(check->have, &position, err) != 0) {
		verify_catalog_free(check);
		return -1;
	}
	check->is_behind = vault->options.are_segments_behind;
	if (!check->is_behind)
		store_trust_position(check->store, &position);
	*out = check;
	return 0;
}

void verify_catalog_free(struct verify_catalog *check)
{
	if (!check)
		return;
	catalog_close(check->made);
	catalog_close(check->have);
	store_close(check->store);
	(void)sql_remove(check->path, NULL);
	free(check->path);
	free(check);
}

struct catalog *verify_catalog_have(struct verify_catalog *check)
{
	return check->have;
}

static void find(struct verify_catalog *check, enum vault_fault_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void find(struct verify_catalog *check, enum vault_fault_kind kind, const char *format, ...)
{
	struct verify_finding finding = {.segment = VERIFY_BEHIND_ALL, .kind = kind};
	char text[ERR_TEXT_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	finding.what = text;
	verify_find(check->board, &finding);
}

/* How far the journal was read, in bytes of segments. */
static void tell_progress(struct verify_catalog *check, const struct batch_position *end)
{
	uint64_t from = end->segment == check->last.segment ? check->last.at : 0;

	if (end->at > from)
		check->board->journal_done += end->at - from;
	check->last = *end;
}

static int apply(void *arg, const struct store_batch *batch, struct err *err)
{
	struct verify_catalog *check = arg;

	if (check->board->must_stop)
		return err_set(err, ERR_STOPPED, "stopped");
	tell_progress(check, &batch->end);
	return vault_apply(check->made, batch, err);
}

static bool must_stop(void *arg)
{
	return ((struct verify_board *)arg)->must_stop;
}

/* Does the catalogue know batches that can no longer be read? */
static bool knows_less(const struct verify_catalog *check)
{
	const struct batch_position *end = store_end(check->store);
	struct batch_position known;

	return catalog_position(check->have, &known, NULL) == 0 &&
	    (end->lost > known.lost || end->batch < known.batch);
}

static int compare(struct verify_catalog *check, struct err *err)
{
	const char *table;
	int got;

	if (!check->is_behind && knows_less(check)) {
		find(check, VAULT_FAULT_JOURNAL,
		    "the journal has lost batches that catalog.db still knows: keep catalog.db, "
		    "mailcask rebuild would forget what they said");
		return 0;
	}
	if (check->is_behind)
		return 0;
	sql_set_stop(catalog_sql(check->have), must_stop, check->board);
	got = catalog_compare(check->have, check->path, &table, err);
	if (got == 1)
		find(check, VAULT_FAULT_CATALOG,
		    "catalog.db differs from the journal in table %s: run mailcask rebuild", table);
	return got < 0 ? -1 : 0;
}

/* Is it the journal that is wrong, or what it is read with? */
static bool is_of_journal(const struct err *why)
{
	return why->code != ERR_STOPPED && why->code != ERR_IO && why->code != ERR_SPACE &&
	    why->code != ERR_LOCKED;
}

/* The catalogue must be what the journal makes. */
static int run(struct verify_catalog *check, struct err *err)
{
	struct batch_position start = {0};
	struct err why = {0};

	if (catalog_open_scratch(&check->made, check->path, err) != 0)
		return -1;
	if (store_replay(check->store, &start, apply, check, &why) != 0) {
		if (!is_of_journal(&why))
			return vault_pass_on(&why, err);
		find(check, VAULT_FAULT_JOURNAL, "the journal cannot be read to its end: %s",
		    why.text);
		return 0;
	}
	if (vault_set_generations(check->store, check->made, err) != 0)
		return -1;
	catalog_close(check->made);
	check->made = NULL;
	return compare(check, err);
}

void verify_catalog_run(struct verify_catalog *check)
{
	struct err why = {0};

	if (run(check, &why) != 0)
		verify_give_up(check->board, &why);
}
