/* Owns:  one folder's known messages during a comparison.
 * Knows: that flag texts repeat: each is kept once. */
#include "archiver/sync/known.h"

#include "base/mem.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct known_text {
	struct bytes text;
	uint32_t number;
	char copy[];
};

static int compare_texts(const void *a, const void *b)
{
	return bytes_compare(
	    ((const struct known_text *)a)->text, ((const struct known_text *)b)->text);
}

/* The number of a text; 0 when it is not known and must not be added. */
static uint32_t text_number(struct known *known, struct bytes text, bool add)
{
	struct known_text key = {.text = text}, *made;
	struct known_text *const *found = tfind(&key, &known->texts, compare_texts);

	if (found)
		return (*found)->number;
	if (!add)
		return 0;
	made = mem_alloc(sizeof *made + text.n);
	if (text.n > 0)
		memcpy(made->copy, text.p, text.n);
	made->text = (struct bytes){made->copy, text.n};
	known->text =
	    mem_grow(known->text, &known->text_room, known->text_count + 1, sizeof(void *));
	known->text[known->text_count++] = made;
	made->number = (uint32_t)known->text_count;
	if (!tsearch(made, &known->texts, compare_texts))
		mem_exhausted();
	return made->number;
}

void known_init(struct known *known)
{
	memset(known, 0, sizeof *known);
}

void known_release(struct known *known)
{
	free(known->entry);
	free(known->text);
	tdestroy(known->texts, free);
	known_init(known);
}

static int add(void *arg, const struct catalog_place *place, struct err *err)
{
	struct known *known = arg;

	(void)err;
	known->entry = mem_grow(known->entry, &known->room, known->count + 1, sizeof *known->entry);
	known->entry[known->count++] = (struct known_entry){.uid = place->uid,
	    .date_unix = place->date_unix,
	    .flags = text_number(known, place->flags, true),
	    .has_date = true,
	    .is_present = place->state == PLACE_PRESENT};
	known->present += place->state == PLACE_PRESENT;
	return 0;
}

int known_load(struct known *known, struct catalog *catalog, int64_t folder_number,
    uint32_t uidvalidity, struct err *err)
{
	return catalog_known_places(catalog, folder_number, uidvalidity, add, known, err);
}

static int compare_uids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = ((const struct known_entry *)b)->uid;

	return x < y ? -1 : x > y;
}

struct known_entry *known_find(struct known *known, uint32_t uid)
{
	struct known_entry *found;

	/* Listings ascend as a rule: the next one is where we are. */
	if (known->last < known->count && known->entry[known->last].uid == uid)
		return &known->entry[known->last++];
	if (known->count == 0)
		return NULL;
	found = bsearch(&uid, known->entry, known->count, sizeof *known->entry, compare_uids);
	if (found)
		known->last = (size_t)(found - known->entry) + 1;
	return found;
}

void known_note(struct known *known, const struct endpoint_identity *told)
{
	known->is_unsettled |=
	    known->count > 0 && known->entry[known->count - 1].uid >= told->uid.value;
	known->entry = mem_grow(known->entry, &known->room, known->count + 1, sizeof *known->entry);
	known->entry[known->count++] = (struct known_entry){.uid = told->uid.value,
	    .date_unix = told->date_unix,
	    .flags = told->has_flags ? text_number(known, told->flags, true) : 0,
	    .has_date = told->has_date};
}

/* What was told later is added to what was told earlier. */
static void merge(struct known_entry *into, const struct known_entry *later)
{
	if (later->flags)
		into->flags = later->flags;
	if (later->has_date) {
		into->date_unix = later->date_unix;
		into->has_date = true;
	}
}

static int compare_entries(const void *a, const void *b)
{
	const struct known_entry *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return x->note < y->note ? -1 : x->note > y->note;
}

void known_settle(struct known *known)
{
	size_t i, kept = 0;

	known->last = 0;
	if (!known->is_unsettled)
		return;
	for (i = 0; i < known->count; i++)
		known->entry[i].note = (uint32_t)i;
	qsort(known->entry, known->count, sizeof *known->entry, compare_entries);
	for (i = 1; i < known->count; i++)
		if (known->entry[i].uid == known->entry[kept].uid)
			merge(&known->entry[kept], &known->entry[i]);
		else
			known->entry[++kept] = known->entry[i];
	known->count = kept + 1;
	known->is_unsettled = false;
}

struct bytes known_flags(const struct known *known, const struct known_entry *entry)
{
	return entry->flags ? known->text[entry->flags - 1]->text : bytes_of(NULL);
}

bool known_flags_are(struct known *known, const struct known_entry *entry, struct bytes flags)
{
	return text_number(known, flags, false) == entry->flags;
}

bool known_is_other(const struct known_entry *entry, const struct endpoint_identity *listed)
{
	return listed->has_date && listed->date_unix != entry->date_unix;
}

void known_unseen(const struct known *known, struct seqset *out)
{
	size_t i;

	for (i = 0; i < known->count; i++)
		if (known->entry[i].is_present && !known->entry[i].is_seen)
			seqset_add(out, known->entry[i].uid);
}
