/* Owns:  the list of what is wanted, and of the folders it goes to.
 * Knows: which places are sources, and how many copies of a message a folder is to have.
 * Never: wants more copies than one account has; takes what the target has for a source of more. */
#include "archiver/restore/restore_private.h"

#include "archiver/imapwire/seqset.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define NAME_BYTES (64u << 10)

/* ---- places and their folders ---- */

static bool is_below(struct bytes name, struct bytes above, char delimiter)
{
	size_t inbox = sizeof "INBOX" - 1;

	/* INBOX alone has no case. */
	if (bytes_starts_nocase(name, "INBOX") && bytes_starts_nocase(above, "INBOX")) {
		name = bytes_from(name, inbox);
		above = bytes_from(above, inbox);
	}
	return name.n >= above.n && memcmp(name.p, above.p, above.n) == 0 &&
	    (name.n == above.n || name.p[above.n] == delimiter);
}

static int add_folder(struct restore *restore, int64_t number, struct err *err)
{
	struct catalog_folder folder;
	struct restore_folder *added;

	if (catalog_folder_number(restore->catalog, number, &folder, err) != 1)
		return -1;
	restore->folder = mem_grow(restore->folder, &restore->folder_room,
	    restore->folder_count + 1, sizeof *restore->folder);
	added = mem_zero(1, sizeof *added);
	restore->folder[restore->folder_count++] = added;
	added->number = number;
	added->account = bytes_string(folder.account);
	added->own_name = bytes_string(folder.name);
	added->own_shown = bytes_string(folder.shown);
	added->is_target = bytes_is(folder.account, restore->options->account);
	return 0;
}

/* Places come folder by folder. */
static int folder_of(
    struct restore *restore, int64_t number, struct restore_folder **out, struct err *err)
{
	size_t i;

	for (i = restore->folder_count; i > 0; i--)
		if (restore->folder[i - 1]->number == number) {
			*out = restore->folder[i - 1];
			return 0;
		}
	if (add_folder(restore, number, err) != 0)
		return -1;
	*out = restore->folder[restore->folder_count - 1];
	return 0;
}

static int add_item(struct restore *restore, int64_t number, struct err *err)
{
	struct catalog_place place;
	struct catalog_message message;
	struct restore_folder *source;
	struct restore_item *item;

	if (catalog_place(restore->catalog, number, &place, err) != 1 ||
	    catalog_message_n(restore->catalog, place.message_n, &message, err) != 1 ||
	    folder_of(restore, place.folder_number, &source, err) != 0)
		return -1;
	restore->item = mem_grow(
	    restore->item, &restore->item_room, restore->item_count + 1, sizeof *restore->item);
	item = &restore->item[restore->item_count++];
	*item = (struct restore_item){.id = message.id,
	    .source = source,
	    .flags = bytes_string(place.flags),
	    .message_id = bytes_string(message.message_id),
	    .message_id_bytes = message.message_id.n,
	    .date_unix = place.date_unix,
	    .size_bytes = message.size_bytes,
	    .place_number = number,
	    .own_uidvalidity = place.uidvalidity,
	    .own_uid = place.uid,
	    .is_own = source->is_target && place.state == PLACE_PRESENT};
	return 0;
}

void restore_item_release(struct restore_item *item)
{
	free(item->flags);
	free(item->message_id);
}

void restore_folder_free(struct restore_folder *folder)
{
	free(folder->account);
	free(folder->own_name);
	free(folder->own_shown);
	free(folder->shown);
	free(folder->name);
	free(folder);
}

/* ---- where they go ---- */

/* The server's name for a folder; "" when it can have none: that is told when its turn comes. */
static int name_for(struct restore *restore, struct bytes shown, char **out, struct err *err)
{
	struct err why = {0};
	struct buf name;

	buf_init(&name, NAME_BYTES);
	if (endpoint_name_for(restore->ep, shown, &name, &why) != 0) {
		buf_clear(&name);
		if (why.code != ERR_LIMIT && why.code != ERR_SERVER) {
			buf_release(&name);
			*err = why;
			return -1;
		}
	}
	free(*out);
	*out = buf_take(&name);
	return 0;
}

/* The name of the prefix, and what stands between it and the names below. */
static int name_prefix(struct restore *restore, char **out, char *delimiter_out, struct err *err)
{
	struct buf shown;
	size_t n;
	int result;

	buf_init(&shown, NAME_BYTES);
	buf_format(&shown, "%s/x", restore->options->prefix);
	result = name_for(restore, buf_view(&shown), out, err);
	buf_release(&shown);
	if (result != 0)
		return -1;
	n = strlen(*out);
	*delimiter_out = n > 1 ? (*out)[n - 2] : '/';
	(*out)[n > 1 ? n - 2 : 0] = '\0';
	return 0;
}

/* What lies below the prefix already belongs where it is. */
static void map_folder(const struct restore_options *options, struct restore_folder *folder)
{
	struct buf out;

	buf_init(&out, NAME_BYTES);
	if (folder->is_below_prefix) {
		buf_text(&out, folder->own_shown);
	} else {
		if (options->prefix)
			buf_format(&out, "%s/", options->prefix);
		if (options->map)
			options->map(options->arg, bytes_of(folder->own_shown), &out);
		else
			buf_text(&out, folder->own_shown);
	}
	free(folder->shown);
	folder->shown = buf_take(&out);
}

static int name_folders(struct restore *restore, void *arg, struct err *err)
{
	char *prefix = NULL, delimiter = '/';
	int result = 0;
	size_t i;

	(void)arg;
	if (restore->options->prefix)
		result = name_prefix(restore, &prefix, &delimiter, err);
	for (i = 0; result == 0 && i < restore->folder_count; i++) {
		struct restore_folder *folder = restore->folder[i];

		folder->is_below_prefix = prefix && prefix[0] && folder->is_target &&
		    is_below(bytes_of(folder->own_name), bytes_of(prefix), delimiter);
		map_folder(restore->options, folder);
		result = name_for(restore, bytes_of(folder->shown), &folder->name, err);
	}
	free(prefix);
	return result;
}

/* ---- what the target has anyway ---- */

/* Out of the list; the order of the others stays. */
static void drop(struct restore *restore, bool (*is_out)(const struct restore_item *item))
{
	size_t i, kept = 0;

	for (i = 0; i < restore->item_count; i++)
		if (is_out(&restore->item[i]))
			restore_item_release(&restore->item[i]);
		else
			restore->item[kept++] = restore->item[i];
	restore->item_count = kept;
}

/* Present places of the target account are no sources, unless they go below a prefix and are
 * not there yet. Those that would stay where they are remain in the list until the server was
 * asked: they may have been deleted since the last sync. */
static bool is_elsewhere(const struct restore_item *item)
{
	const struct restore_folder *source = item->source;

	if (bytes_is_nocase(bytes_of(source->own_name), "INBOX"))
		return item->is_own && strcmp(source->name, "INBOX") != 0;
	return item->is_own && strcmp(source->name, source->own_name) != 0;
}

static bool is_still_there(const struct restore_item *item)
{
	return item->is_there;
}

static int add_uid(void *arg, const struct endpoint_identity *identity, struct err *err)
{
	(void)err;
	seqset_add(arg, identity->uid.value);
	return 0;
}

/* Items of one folder. When that cannot be opened, it is told when its turn comes. */
static int look_into(
    struct restore *restore, struct restore_item *item, size_t count, struct err *err)
{
	struct endpoint_state state;
	struct err why = {0};
	struct seqset uids;
	uint64_t listed;
	int result = 0;
	size_t i;

	seqset_init(&uids);
	if (endpoint_select(
		restore->ep, bytes_of(item->source->name), ENDPOINT_READ, &state, &why) != 0 ||
	    endpoint_scan(restore->ep, add_uid, &uids, &listed, &why) != 0) {
		if (why.code != ERR_SERVER) {
			*err = why;
			result = -1;
		}
	} else {
		for (i = 0; i < count; i++)
			item[i].is_there = item[i].is_own &&
			    item[i].own_uidvalidity == state.uidvalidity &&
			    seqset_has(&uids, item[i].own_uid);
	}
	seqset_release(&uids);
	return result;
}

static int look_at_own(struct restore *restore, void *arg, struct err *err)
{
	struct restore_item *item = restore->item, *end = item + restore->item_count, *next;

	(void)arg;
	for (; item < end; item = next) {
		bool any = false;

		for (next = item; next < end && next->source == item->source; next++)
			any |= next->is_own;
		if (any && look_into(restore, item, (size_t)(next - item), err) != 0)
			return -1;
	}
	return 0;
}

static int leave_own(struct restore *restore, struct err *err)
{
	size_t i, before = restore->item_count;

	if (restore->options->prefix) {
		/* They are sources like any other account's, but for what lies below it. */
		for (i = 0; i < restore->item_count; i++)
			restore->item[i].is_own &= restore->item[i].source->is_below_prefix;
	}
	drop(restore, is_elsewhere);
	if (restore_connected(restore, look_at_own, NULL, err) != 0)
		return -1;
	drop(restore, is_still_there);
	restore->report->own = before - restore->item_count;
	return 0;
}

/* ---- how many copies ---- */

static int compare_folder(const struct restore_item *a, const struct restore_item *b)
{
	int order = strcmp(a->source->name, b->source->name);

	/* Without a name each stands for itself. */
	return order != 0 || a->source->name[0] ? order
						: strcmp(a->source->shown, b->source->shown);
}

/* What was the target's own when last looked at is an account for itself: the same copy may be
 * known as purged, and again as restored. */
static int compare_account(const struct restore_item *a, const struct restore_item *b)
{
	int order = strcmp(a->source->account, b->source->account);

	return order != 0 ? order : (int)a->is_own - (int)b->is_own;
}

static int by_copies(const void *a, const void *b)
{
	const struct restore_item *x = a, *y = b;
	int order = compare_folder(x, y);

	if (order == 0)
		order = memcmp(x->id.sum.b, y->id.sum.b, SHA256_BYTES);
	if (order == 0)
		order = compare_account(x, y);
	return order != 0
	    ? order
	    : (x->place_number > y->place_number) - (x->place_number < y->place_number);
}

static bool is_same_message(const struct restore_item *a, const struct restore_item *b)
{
	return sha256_equal(&a->id.sum, &b->id.sum) && compare_folder(a, b) == 0;
}

static bool is_surplus(const struct restore_item *item)
{
	return item->is_surplus;
}

/* Copies of one message for one folder, account by account: those of the account that has most
 * stay, of equals the first. */
static void choose_copies(struct restore_item *item, size_t count)
{
	size_t i, start = 0, best = 0, best_count = 0;

	for (i = 1; i <= count; i++) {
		if (i < count && compare_account(&item[i - 1], &item[i]) == 0)
			continue;
		if (i - start > best_count) {
			best = start;
			best_count = i - start;
		}
		start = i;
	}
	for (i = 0; i < count; i++)
		item[i].is_surplus = i < best || i >= best + best_count;
}

static void choose_all(struct restore *restore)
{
	size_t i, start = 0;

	if (restore->item_count > 0)
		qsort(restore->item, restore->item_count, sizeof *restore->item, by_copies);
	for (i = 1; i <= restore->item_count; i++) {
		if (i < restore->item_count &&
		    is_same_message(&restore->item[i - 1], &restore->item[i]))
			continue;
		choose_copies(&restore->item[start], i - start);
		start = i;
	}
	drop(restore, is_surplus);
}

int restore_gather(struct restore *restore, struct err *err)
{
	size_t i;

	for (i = 0; i < restore->options->place_count; i++)
		if (add_item(restore, restore->options->place[i], err) != 0)
			return -1;
	if (restore->item_count == 0)
		return 0;
	if (restore_connected(restore, name_folders, NULL, err) != 0 ||
	    leave_own(restore, err) != 0)
		return -1;
	choose_all(restore);
	for (i = 0; i < restore->item_count; i++) {
		restore->item[i].folder = restore->item[i].source->shown;
		restore->report->wanted_bytes += restore->item[i].size_bytes;
	}
	restore->report->wanted = restore->item_count;
	restore->progress.all = restore->report->wanted;
	restore->progress.bytes_all = restore->report->wanted_bytes;
	return 0;
}

bool restore_same_folder(const struct restore_item *a, const struct restore_item *b)
{
	return compare_folder(a, b) == 0;
}
