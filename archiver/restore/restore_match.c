/* Owns:  the list of what a target folder has.
 * Knows: when a message on the target is one of ours.
 * Never: lets one message on the target stand for two of ours. */
#include "archiver/restore/restore_private.h"

#include "base/digest.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* ---- what is there ---- */

struct lister {
	struct restore *restore;
	struct restore_target *target;
	struct seqset told;
};

static struct restore_found *add(struct restore_target *target, uint32_t uid)
{
	struct restore_found *found;

	target->found =
	    mem_grow(target->found, &target->room, target->count + 1, sizeof *target->found);
	found = &target->found[target->count++];
	*found = (struct restore_found){.uid = uid};
	return found;
}

static int add_found(void *arg, const struct endpoint_identity *identity, struct err *err)
{
	struct lister *lister = arg;
	struct mimehead *head = &lister->restore->head;
	struct restore_found *found;

	(void)err;
	if (!identity->has_header || !identity->has_size)
		return 0;
	seqset_add(&lister->told, identity->uid.value);
	mimehead_parse(head, identity->header);
	found = add(lister->target, identity->uid.value);
	found->message_id = bytes_string(buf_view(&head->message_id));
	found->message_id_bytes = head->message_id.n;
	found->date_unix = identity->date_unix;
	found->size_bytes = identity->size_bytes;
	found->is_told = true;
	return 0;
}

/* Those that the server lists, but says nothing of: only the journal knows what they are. */
static void add_untold(const struct lister *lister, const struct seqset *uids)
{
	uint32_t uid = 0;

	while ((uid = seqset_next(uids, uid)) != 0)
		if (!seqset_has(&lister->told, uid))
			add(lister->target, uid)->message_id = bytes_string(BYTES(""));
}

static int add_uid(void *arg, const struct endpoint_identity *listed, struct err *err)
{
	(void)err;
	seqset_add(arg, listed->uid.value);
	return 0;
}

static int by_identity(const void *a, const void *b)
{
	const struct restore_found *x = a, *y = b;
	int order = bytes_compare((struct bytes){x->message_id, x->message_id_bytes},
	    (struct bytes){y->message_id, y->message_id_bytes});

	if (order != 0)
		return order;
	if (x->size_bytes != y->size_bytes)
		return x->size_bytes < y->size_bytes ? -1 : 1;
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static int by_uid(const void *a, const void *b)
{
	const struct restore_found *const *x = a, *const *y = b;

	return (*x)->uid < (*y)->uid ? -1 : (*x)->uid > (*y)->uid;
}

static void sort_target(struct restore_target *target)
{
	size_t i;

	target->by_uid = mem_zero(target->count, sizeof(struct restore_found *));
	if (target->count == 0)
		return;
	qsort(target->found, target->count, sizeof *target->found, by_identity);
	for (i = 0; i < target->count; i++)
		target->by_uid[i] = &target->found[i];
	qsort(target->by_uid, target->count, sizeof *target->by_uid, by_uid);
}

int restore_list_target(struct restore *restore, struct restore_target *target, struct err *err)
{
	struct lister lister = {.restore = restore, .target = target};
	struct seqset uids;
	uint64_t count;
	int result;

	memset(target, 0, sizeof *target);
	seqset_init(&uids);
	seqset_init(&lister.told);
	result = endpoint_scan(restore->ep, add_uid, &uids, &count, err);
	if (result == 0)
		result = endpoint_identify(restore->ep, &uids, add_found, &lister, err);
	add_untold(&lister, &uids);
	seqset_release(&lister.told);
	seqset_release(&uids);
	sort_target(target);
	if (result != 0)
		restore_target_release(target);
	return result;
}

void restore_target_release(struct restore_target *target)
{
	size_t i;

	for (i = 0; i < target->count; i++)
		free(target->found[i].message_id);
	free(target->found);
	free(target->by_uid);
	memset(target, 0, sizeof *target);
}

/* ---- by the journal ---- */

struct journalled {
	struct restore_target *target;
	struct restore_item *item; /* of one folder, by id */
	size_t count;
	uint32_t uidvalidity;
};

static int item_by_id(const void *a, const void *b)
{
	return memcmp(((const struct restore_item *)a)->id.sum.b,
	    ((const struct restore_item *)b)->id.sum.b, SHA256_BYTES);
}

static struct restore_found *find_uid(const struct restore_target *target, uint32_t uid)
{
	struct restore_found key = {.uid = uid}, *wanted = &key, **found;

	if (target->count == 0)
		return NULL;
	found = bsearch(&wanted, target->by_uid, target->count, sizeof *target->by_uid, by_uid);
	return found ? *found : NULL;
}

static void take(struct restore_item *item, struct restore_found *found)
{
	found->is_taken = true;
	item->is_there = true;
	item->uid = found->uid;
}

/* Can the message under a journalled UID be the one that was put there? UIDs are used anew when
 * a folder was deleted and made again. Servers that change messages keep the date that we gave
 * or the Message-ID. */
static bool can_be(const struct restore_found *found, const struct restore_item *item)
{
	if (!found->is_told || found->date_unix == item->date_unix)
		return true;
	return item->message_id_bytes > 0 && found->message_id_bytes == item->message_id_bytes &&
	    memcmp(found->message_id, item->message_id, item->message_id_bytes) == 0;
}

static int take_journalled(
    void *arg, struct msg_id id, uint32_t uidvalidity, uint32_t uid, struct err *err)
{
	struct journalled *journalled = arg;
	struct restore_item key = {.id = id}, *item;
	struct restore_found *found;

	(void)err;
	if (uidvalidity != journalled->uidvalidity || journalled->count == 0)
		return 0;
	item = bsearch(&key, journalled->item, journalled->count, sizeof key, item_by_id);
	if (!item)
		return 0;
	/* The same message may be wanted more than once: the first that is not there yet. */
	while (item > journalled->item && item_by_id(item - 1, &key) == 0)
		item--;
	while (item < journalled->item + journalled->count && item_by_id(item, &key) == 0 &&
	    item->is_there)
		item++;
	if (item == journalled->item + journalled->count || item_by_id(item, &key) != 0)
		return 0;
	found = find_uid(journalled->target, uid);
	if (found && !found->is_taken && can_be(found, item))
		take(item, found);
	return 0;
}

/* ---- by what the target shows ---- */

/* Hashes one message of the target. */
struct hasher {
	struct digest *digest;
	struct sha256 sum;
	bool is_done;
};

static int hash_begin(void *arg, uint64_t bytes, struct err *err)
{
	(void)arg, (void)bytes, (void)err;
	return 0;
}

static int hash_data(void *arg, const void *data, size_t bytes, struct err *err)
{
	(void)err;
	digest_add(((struct hasher *)arg)->digest, data, bytes);
	return 0;
}

static int hash_end(void *arg, struct err *err)
{
	struct hasher *hasher = arg;

	(void)err;
	digest_end(hasher->digest, &hasher->sum);
	return 0;
}

static int hash_message(void *arg, const struct endpoint_message *message, struct err *err)
{
	(void)err;
	((struct hasher *)arg)->is_done |= message->has_body;
	return 0;
}

static int hash_batch(
    void *arg, const struct seqset *asked, bool ok, struct bytes reason, struct err *err)
{
	(void)arg, (void)asked, (void)ok, (void)reason, (void)err;
	return 0;
}

/* 1 the message under that UID has these bytes, 0 not, -1. */
static int has_sum(struct restore *restore, uint32_t uid, const struct sha256 *sum, struct err *err)
{
	struct hasher hasher = {.digest = digest_new()};
	struct endpoint_sink sink = {.arg = &hasher,
	    .begin = hash_begin,
	    .data = hash_data,
	    .end = hash_end,
	    .message = hash_message,
	    .batch = hash_batch};
	struct seqset one;
	int result;

	seqset_init(&one);
	seqset_add(&one, uid);
	result = endpoint_fetch_set(restore->ep, &one, 1, &sink, err);
	seqset_release(&one);
	digest_free(hasher.digest);
	if (result != 0)
		return -1;
	return hasher.is_done && sha256_equal(&hasher.sum, sum);
}

static int compare_to_item(const struct restore_found *found, const struct restore_item *item)
{
	int order = bytes_compare((struct bytes){found->message_id, found->message_id_bytes},
	    (struct bytes){item->message_id, item->message_id_bytes});

	if (order != 0)
		return order;
	return found->size_bytes < item->size_bytes ? -1 : found->size_bytes > item->size_bytes;
}

/* The first of the found that has the item's Message-ID and size. */
static size_t first_like(const struct restore_target *target, const struct restore_item *item)
{
	size_t low = 0, high = target->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_to_item(&target->found[middle], item) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int item_by_look(const void *a, const void *b)
{
	const struct restore_item *x = *(struct restore_item *const *)a,
				  *y = *(struct restore_item *const *)b;
	int order = bytes_compare((struct bytes){x->message_id, x->message_id_bytes},
	    (struct bytes){y->message_id, y->message_id_bytes});

	if (order != 0)
		return order;
	return x->size_bytes < y->size_bytes ? -1 : x->size_bytes > y->size_bytes;
}

/* Where another wanted message looks the same from outside, or there is no Message-ID, only
 * the bytes tell which is which. */
static void mark_ambiguous(struct restore_item *item, size_t count)
{
	struct restore_item **look = mem_zero(count, sizeof(struct restore_item *));
	size_t i;

	for (i = 0; i < count; i++) {
		look[i] = &item[i];
		item[i].is_ambiguous = item[i].message_id_bytes == 0;
	}
	if (count > 0)
		qsort(look, count, sizeof *look, item_by_look);
	for (i = 1; i < count; i++)
		if (item_by_look(&look[i - 1], &look[i]) == 0 &&
		    !sha256_equal(&look[i - 1]->id.sum, &look[i]->id.sum))
			look[i - 1]->is_ambiguous = look[i]->is_ambiguous = true;
	/* A run of three with two alike: the middle one speaks for its twins. */
	for (i = 1; i < count; i++)
		if (item_by_look(&look[i - 1], &look[i]) == 0 && look[i - 1]->is_ambiguous)
			look[i]->is_ambiguous = true;
	for (i = count; i > 1; i--)
		if (item_by_look(&look[i - 2], &look[i - 1]) == 0 && look[i - 1]->is_ambiguous)
			look[i - 2]->is_ambiguous = true;
	free(look);
}

static int match_shown(struct restore *restore, struct restore_target *target,
    struct restore_item *item, struct err *err)
{
	size_t i = first_like(target, item);

	if (i == target->count || compare_to_item(&target->found[i], item) != 0)
		return 0;
	for (; i < target->count && compare_to_item(&target->found[i], item) == 0; i++) {
		int same = 1;

		if (target->found[i].is_taken || !target->found[i].is_told)
			continue;
		if (item->is_ambiguous)
			same = has_sum(restore, target->found[i].uid, &item->id.sum, err);
		if (same < 0)
			return -1;
		if (same == 1) {
			take(item, &target->found[i]);
			return 0;
		}
	}
	return 0;
}

int restore_match(struct restore *restore, struct restore_target *target, struct bytes folder_name,
    uint32_t uidvalidity, struct restore_item *item, size_t count, struct err *err)
{
	struct journalled journalled = {
	    .target = target, .item = item, .count = count, .uidvalidity = uidvalidity};
	size_t i;

	if (count > 0)
		qsort(item, count, sizeof *item, item_by_id);
	mark_ambiguous(item, count);
	if (uidvalidity != 0 &&
	    catalog_each_restored(restore->catalog, bytes_of(restore->options->account),
		folder_name, take_journalled, &journalled, err) != 0) {
		restore->is_vault_bad = true;
		return -1;
	}
	for (i = 0; i < count; i++)
		if (!item[i].is_there && match_shown(restore, target, &item[i], err) != 0)
			return -1;
	return 0;
}
