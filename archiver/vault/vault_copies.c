/* Owns:  the list of the copies that do not count.
 * Knows: that a message or blob which was stored again stands in the segments more than once, as
 *        long as no compact has dropped what came before.
 * Never: reads the journal for it before something is damaged. */
#include "archiver/vault/vault_private.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct looking {
	struct vault *vault;
	struct vault_copies *copies;
	struct segment_id segment; /* that is looked at */
};

static int by_id(const void *a, const void *b)
{
	const struct vault_copy *x = a, *y = b;
	int order = memcmp(x->id.b, y->id.b, SHA256_BYTES);

	return order != 0 ? order : (x->kind > y->kind) - (x->kind < y->kind);
}

/* An entry that stands in the file, and not where the catalogue says. */
static int look_at(struct looking *looking, const struct event *event,
    const struct batch_place *place, struct err *err)
{
	struct vault_copies *copies = looking->copies;
	int got = catalog_is_live(
	    looking->vault->catalog, event->kind, &event->id, looking->segment.number, place, err);

	if (got != 0)
		return got < 0 ? -1 : 0;
	copies->item =
	    mem_grow(copies->item, &copies->room, copies->count + 1, sizeof *copies->item);
	copies->item[copies->count++] =
	    (struct vault_copy){event->kind, event->id, looking->segment, *place};
	return 0;
}

static int look_at_log(
    void *arg, struct bytes log, const struct batch_position *end, struct err *err)
{
	struct batch_reader reader;
	struct batch_place place;
	struct event event;
	int got = -1, result = 0;

	(void)end;
	if (batch_begin_checked(&reader, log, err) != 0)
		return -1;
	while (result == 0 && (got = batch_next(&reader, &event, &place, err)) == 1) {
		if (batch_is_entry(event.kind) && place.frame_at != BATCH_NOWHERE)
			result = look_at(arg, &event, &place, err);
		event_release(&event);
	}
	batch_end(&reader);
	return result == 0 && got == 0 ? 0 : -1;
}

/* As far as the segments can be read. */
static void look(struct vault *vault, struct vault_copies *copies)
{
	struct looking looking = {.vault = vault, .copies = copies};
	struct store_segments segments;
	uint32_t i;

	copies->is_known = true;
	if (store_segments(vault->store, &segments, NULL) != 0)
		return;
	for (i = 0; i < segments.count; i++) {
		looking.segment = segments.item[i];
		(void)store_each_log(vault->store, looking.segment, look_at_log, &looking, NULL);
	}
	store_segments_release(&segments);
	if (copies->count > 0)
		qsort(copies->item, copies->count, sizeof *copies->item, by_id);
}

const struct vault_copy *vault_other_copy(struct vault *vault, enum event_kind kind,
    const struct sha256 *id, const struct vault_copy *after)
{
	struct vault_copies *copies = &vault->copies;
	const struct vault_copy wanted = {.kind = kind, .id = *id};
	const struct vault_copy *at = after ? after + 1 : copies->item;

	if (!copies->is_known) {
		look(vault, copies);
		at = copies->item;
	}
	while (at && at < copies->item + copies->count && by_id(at, &wanted) < 0)
		at++;
	return at && at < copies->item + copies->count && by_id(at, &wanted) == 0 ? at : NULL;
}

void vault_forget_copies(struct vault *vault)
{
	free(vault->copies.item);
	memset(&vault->copies, 0, sizeof vault->copies);
}
