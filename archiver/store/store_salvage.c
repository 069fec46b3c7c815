/* Owns:  the entry that is looked at.
 * Knows: which entries prove themselves: their bytes have the sum that their name says.
 * Never: takes an entry of a frame whose checksum is wrong.
 * Spec:  archiver/store/FORMAT.md, "Lost batches" */
#include "archiver/store/store_private.h"
#include "archiver/store/tarwalk.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct scan {
	struct store_salvage *list;
	struct batch_salvaged entry; /* the open one */
	bool is_one;
	struct digest *digest;
};

static void begin_entry(void *arg, const struct tarhead *head, uint64_t at)
{
	struct scan *scan = arg;
	struct store_entry entry;

	scan->is_one = store_parse_name(head->name, &entry);
	if (!scan->is_one)
		return;
	scan->entry.kind = entry.kind;
	scan->entry.id = entry.id;
	scan->entry.content_bytes = head->content_bytes;
	scan->entry.mtime_unix = head->mtime_unix;
	scan->entry.place.entry_at = at;
}

static void take_content(void *arg, const void *data, size_t bytes)
{
	struct scan *scan = arg;

	if (scan->is_one)
		digest_add(scan->digest, data, bytes);
}

static void end_entry(void *arg)
{
	struct scan *scan = arg;
	struct store_salvage *list = scan->list;
	struct sha256 sum;

	if (!scan->is_one)
		return;
	digest_end(scan->digest, &sum);
	if (!sha256_equal(&sum, &scan->entry.id))
		return;
	list->item = mem_grow(list->item, &list->room, list->count + 1, sizeof *list->item);
	list->item[list->count++] = scan->entry;
}

/* A frame whose checksum is wrong gives nothing. */
static int scan_frame(struct store *store, const struct segment *segment,
    const struct frame_extent *frame, struct scan *scan, struct err *err)
{
	struct tarwalk walk = {
	    .begin = begin_entry, .content = take_content, .end = end_entry, .arg = scan};
	size_t before = scan->list->count;
	struct sha256 unused;
	struct err why = {0};

	memset(&scan->entry, 0, sizeof scan->entry);
	scan->entry.segment = segment->number;
	scan->entry.place.frame_at = frame->at;
	if (frame_unpack(
		store->unpacker, segment->fd, frame, segment->path, tarwalk_add, &walk, &why) == 0)
		return 0;
	digest_end(scan->digest, &unused);
	scan->list->count = before;
	if (why.code == ERR_DAMAGED)
		return 0;
	if (err)
		*err = why;
	return -1;
}

int store_salvage(struct store *store, const struct segment *segment, uint64_t from, uint64_t to,
    struct store_salvage *list, struct err *err)
{
	struct scan scan = {.list = list, .digest = digest_new()};
	struct frame_extent frame;
	uint64_t at = from;
	int result = 0;

	while (result == 0 && at < to) {
		struct err why = {0};
		int got = frame_measure(segment->fd, at, to, segment->path, &frame, &why);

		if (got == 1) {
			if (frame.skip_magic == 0)
				result = scan_frame(store, segment, &frame, &scan, err);
			at += frame.file_bytes;
		} else if (why.code == ERR_DAMAGED) {
			got = segment_find_mark(segment, at + 1, &at, err);
			if (got != 1) {
				result = got;
				break;
			}
		} else {
			if (err)
				*err = why;
			result = -1;
		}
	}
	digest_free(scan.digest);
	return result;
}
