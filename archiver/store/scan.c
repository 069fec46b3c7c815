/* Owns:  the frame that was scanned last, and a few with blobs that were read lately.
 * Knows: what must be right in a frame, whoever tells of its entries.
 * Never: gives out an entry whose header is not the one asked for.
 * Spec:  archiver/store/FORMAT.md, "Entries" */
#include "archiver/store/scan.h"

#include "archiver/store/store_private.h"
#include "archiver/store/tarwalk.h"

#include "base/mem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

struct scan_entry {
	uint64_t at; /* of its header in the content */
	struct store_entry entry;
	bool is_ours;
};

/* A frame in memory, with what is in it. */
struct scan_frame {
	uint32_t segment; /* 0: none */
	uint64_t at, used;
	struct buf content;
	struct scan_entry *entry;
	size_t entries, entry_room;
	struct err why; /* it could not be read */
};

struct store_scan {
	struct store *store;
	struct segment segment, blob_segment;
	struct scan_frame *last; /* scanned */
	struct scan_frame *kept; /* with blobs; the one that was used longest ago is replaced */
	size_t kept_count;
	uint64_t clock;
	struct digest *digest;
	/* The frame at hand: */
	struct scan_frame *frame;
	const struct store_verify_calls *calls;
	uint32_t number;
};

struct store_scan *store_scan_new(struct store *store, size_t kept_frames)
{
	struct store_scan *scan = mem_zero(1, sizeof *scan);
	size_t i;

	scan->store = store;
	scan->segment.fd = scan->blob_segment.fd = -1;
	scan->kept_count = kept_frames > 0 ? kept_frames : 1;
	scan->kept = mem_zero(scan->kept_count + 1, sizeof *scan->kept);
	scan->last = &scan->kept[scan->kept_count];
	for (i = 0; i <= scan->kept_count; i++)
		buf_init(&scan->kept[i].content, SCAN_MEMORY_BYTES + 1);
	scan->digest = digest_new();
	return scan;
}

void store_scan_free(struct store_scan *scan)
{
	size_t i;

	if (!scan)
		return;
	for (i = 0; i <= scan->kept_count; i++) {
		buf_release(&scan->kept[i].content);
		free(scan->kept[i].entry);
	}
	segment_close(&scan->segment);
	segment_close(&scan->blob_segment);
	digest_free(scan->digest);
	free(scan->kept);
	free(scan);
}

static void tell(const struct store_scan *scan, const char *what)
{
	if (scan->calls && scan->calls->fault)
		scan->calls->fault(
		    scan->calls->arg, STORE_FAULT_FRAME, scan->number, scan->frame->at, what);
}

/* ---- what is in a frame ---- */

static struct scan_entry *open_entry(struct store_scan *scan)
{
	return &scan->frame->entry[scan->frame->entries - 1];
}

static void begin_entry(void *arg, const struct tarhead *head, uint64_t at)
{
	struct store_scan *scan = arg;
	struct scan_frame *frame = scan->frame;
	struct scan_entry *entry;

	frame->entry = mem_grow(
	    frame->entry, &frame->entry_room, frame->entries + 1, sizeof *frame->entry);
	frame->entries++;
	entry = open_entry(scan);
	memset(entry, 0, sizeof *entry);
	entry->at = at;
	entry->is_ours = store_parse_name(head->name, &entry->entry);
	entry->entry.content_bytes = head->content_bytes;
	if (!entry->is_ours && !bytes_starts(bytes_of(head->name), "log/"))
		tell(scan, "an entry with a foreign name");
}

static bool is_blob(const struct scan_entry *entry)
{
	return entry->is_ours && entry->entry.kind == EVENT_BLOB;
}

static void take_content(void *arg, const void *data, size_t bytes)
{
	struct store_scan *scan = arg;

	if (is_blob(open_entry(scan)))
		digest_add(scan->digest, data, bytes);
}

static void end_entry(void *arg)
{
	struct store_scan *scan = arg;
	const struct scan_entry *entry = open_entry(scan);
	struct sha256 sum;

	if (!is_blob(entry))
		return;
	digest_end(scan->digest, &sum);
	if (!sha256_equal(&sum, &entry->entry.id))
		tell(scan, "a blob that does not match its SHA-256");
}

/* ---- frames ---- */

/* The segment stays open for the frames that follow. */
static int open_segment(
    const struct store_scan *scan, struct segment *segment, uint32_t number, struct err *err)
{
	if (segment->fd >= 0 && segment->number == number)
		return 0;
	segment_close(segment);
	segment->fd = -1;
	if (segment_open(segment, scan->store->folder, number, O_RDONLY, err) == 0)
		return 0;
	segment->fd = -1;
	if (err && err->code == ERR_ABSENT)
		err_set(err, ERR_DAMAGED, "segment %u is missing", number);
	return -1;
}

static bool is_small(const struct frame_extent *extent)
{
	return extent->content_bytes <= SCAN_MEMORY_BYTES && extent->file_bytes <= SCAN_MEMORY_BYTES;
}

/* Its content into the walk, and into memory where it fits: 1, 0, -1. */
static int unpack(struct store_scan *scan, const struct segment *segment,
    const struct frame_extent *extent, struct tarwalk *walk, struct err *err)
{
	struct frame_unpacker *unpacker = scan->store->unpacker;
	struct buf *content = &scan->frame->content;

	if (!is_small(extent))
		return frame_unpack(unpacker, segment->fd, extent, segment->path, tarwalk_add, walk,
		    err);
	if (frame_unpack_whole(unpacker, segment->fd, extent, segment->path, content, err) != 0)
		return -1;
	tarwalk_add(walk, content->p, content->n, NULL);
	return 1;
}

static void begin_frame(struct scan_frame *frame, uint32_t segment, uint64_t at)
{
	frame->segment = segment;
	frame->at = at;
	frame->entries = 0;
	buf_clear(&frame->content);
	err_clear(&frame->why);
}

/* calls NULL: what is wrong in it is not told, because it is told elsewhere. */
static int read_frame(struct store_scan *scan, const struct segment *segment,
    const struct frame_extent *extent, const struct store_verify_calls *calls, struct err *err)
{
	struct tarwalk walk = {
	    .begin = begin_entry, .content = take_content, .end = end_entry, .arg = scan};
	struct err *why = &scan->frame->why;
	struct sha256 unused;
	int got;

	begin_frame(scan->frame, segment->number, extent->at);
	scan->calls = calls;
	scan->number = segment->number;
	got = unpack(scan, segment, extent, &walk, why);
	if (got < 0 && why->code == ERR_DAMAGED)
		tell(scan, why->text);
	else if (walk.why.code != ERR_NONE)
		tell(scan, walk.why.text);
	else if (got >= 0 && !tarwalk_is_whole(&walk))
		tell(scan, "an entry that goes over the end of its frame");
	digest_end(scan->digest, &unused); /* forget a blob that broke off */
	if (got < 0) {
		scan->frame->entries = 0;
		if (err)
			*err = *why;
	}
	return got;
}

static int measure(
    const struct segment *segment, uint64_t at, struct frame_extent *out, struct err *err)
{
	uint64_t bytes;
	int got = 0;

	if (segment_bytes(segment, &bytes, err) != 0)
		return -1;
	if (at < bytes)
		got = frame_measure(segment->fd, at, bytes, segment->path, out, err);
	if (got < 0 || (got == 1 && out->skip_magic == 0))
		return got < 0 ? -1 : 0;
	return err_set(err, ERR_DAMAGED, "%s: no frame at offset %llu", segment->path,
	    (unsigned long long)at);
}

static struct scan_frame *oldest(struct store_scan *scan)
{
	struct scan_frame *frame = &scan->kept[0];
	size_t i;

	for (i = 1; i < scan->kept_count; i++)
		if (scan->kept[i].used < frame->used)
			frame = &scan->kept[i];
	return frame;
}

int store_scan_frame(struct store_scan *scan, uint32_t segment, const struct frame_extent *extent,
    const struct store_verify_calls *calls, struct err *err)
{
	struct frame_extent measured = *extent;
	int got;

	scan->frame = scan->last;
	begin_frame(scan->frame, segment, extent->at);
	if (open_segment(scan, &scan->segment, segment, err) != 0 ||
	    (extent->file_bytes == 0 &&
		measure(&scan->segment, extent->at, &measured, err) != 0))
		return -1;
	got = read_frame(scan, &scan->segment, &measured, calls, err);
	/* The messages that need its blobs mostly follow. */
	if (got == 1 && scan->frame->entries > 0 && is_blob(&scan->frame->entry[0])) {
		struct scan_frame *place = oldest(scan), moved = *place;

		*place = *scan->last;
		place->used = ++scan->clock;
		*scan->last = moved;
		begin_frame(scan->last, 0, 0);
	}
	return got;
}

/* ---- entries ---- */

static const struct scan_entry *find_entry(const struct scan_frame *frame, uint64_t at)
{
	size_t low = 0, high = frame->entries;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (frame->entry[middle].at < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low < frame->entries && frame->entry[low].at == at ? &frame->entry[low] : NULL;
}

static int look_up(const struct scan_frame *frame, uint64_t at, const struct store_entry *want,
    struct bytes *out, struct err *err)
{
	const struct scan_entry *have = find_entry(frame, at);
	char name[TARHEAD_NAME_BYTES];

	if (have && have->is_ours && have->entry.kind == want->kind &&
	    sha256_equal(&have->entry.id, &want->id) &&
	    have->entry.content_bytes == want->content_bytes &&
	    want->content_bytes <= frame->content.n - at - TARHEAD_BYTES) {
		*out = (struct bytes){
		    frame->content.p + at + TARHEAD_BYTES, (size_t)want->content_bytes};
		return 0;
	}
	store_entry_name(want, name);
	return err_set(
	    err, ERR_DAMAGED, "segment %u: %s is not where it should be", frame->segment, name);
}

int store_scan_mail(const struct store_scan *scan, uint64_t entry_at,
    const struct store_entry *entry, struct bytes *content_out, struct err *err)
{
	return look_up(scan->last, entry_at, entry, content_out, err);
}

/* The frame of a blob into memory: 1, 0 too large, -1. One that cannot be read is remembered. */
static int keep_frame(struct store_scan *scan, uint32_t segment, uint64_t at, struct err *err)
{
	struct frame_extent extent;
	int got;

	if (open_segment(scan, &scan->blob_segment, segment, err) != 0 ||
	    measure(&scan->blob_segment, at, &extent, err) != 0)
		return -1;
	if (!is_small(&extent))
		return 0;
	scan->frame = oldest(scan);
	scan->frame->used = ++scan->clock;
	got = read_frame(scan, &scan->blob_segment, &extent, NULL, err);
	if (got < 0 && scan->frame->why.code != ERR_DAMAGED)
		scan->frame->segment = 0;
	return got;
}

static struct scan_frame *find_frame(struct store_scan *scan, uint32_t segment, uint64_t at)
{
	size_t i;

	for (i = 0; i < scan->kept_count; i++)
		if (scan->kept[i].segment == segment && scan->kept[i].at == at)
			return &scan->kept[i];
	return NULL;
}

int store_scan_blob(struct store_scan *scan, uint32_t segment, const struct batch_place *place,
    const struct store_entry *entry, struct bytes *content_out, struct err *err)
{
	struct scan_frame *frame = find_frame(scan, segment, place->frame_at);
	int got = 1;

	if (!frame) {
		got = keep_frame(scan, segment, place->frame_at, err);
		frame = scan->frame;
	}
	if (got != 1)
		return got;
	frame->used = ++scan->clock;
	if (frame->why.code != ERR_NONE) {
		if (err)
			*err = frame->why;
		return -1;
	}
	return look_up(frame, place->entry_at, entry, content_out, err) == 0 ? 1 : -1;
}
