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
	bool is_ours, is_log;
};

/* A frame in memory, with what is in it. */
struct scan_frame {
	uint32_t segment; /* 0: none */
	uint64_t at, used;
	struct buf content;
	struct scan_entry *entry;
	size_t entries, entry_room;
	struct err why;  /* it could not be unpacked */
	struct err tear; /* what is wrong with its tar */
	bool is_checked; /* what is wrong with it was told */
};

struct store_scan {
	struct store *store;
	struct segment segment, blob_segment;
	struct scan_frame *last; /* scanned */
	struct scan_frame *kept; /* with blobs; the one that was used longest ago is replaced */
	size_t kept_count;
	uint64_t clock;
	struct digest *digest;
	struct scan_frame *frame; /* the one at hand */
	const struct store_verify_calls *calls;
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
	const struct scan_frame *frame = scan->frame;

	if (scan->calls && scan->calls->fault)
		scan->calls->fault(
		    scan->calls->arg, STORE_FAULT_FRAME, frame->segment, frame->at, what);
}

/* ---- what is in a frame ---- */

static void begin_entry(void *arg, const struct tarhead *head, uint64_t at)
{
	struct scan_frame *frame = ((struct store_scan *)arg)->frame;
	struct scan_entry *entry;

	frame->entry =
	    mem_grow(frame->entry, &frame->entry_room, frame->entries + 1, sizeof *frame->entry);
	entry = &frame->entry[frame->entries++];
	memset(entry, 0, sizeof *entry);
	entry->at = at;
	entry->is_ours = store_parse_name(head->name, &entry->entry);
	entry->is_log = bytes_starts(bytes_of(head->name), "log/");
	entry->entry.content_bytes = head->content_bytes;
}

static bool is_blob(const struct scan_entry *entry)
{
	return entry->is_ours && entry->entry.kind == EVENT_BLOB;
}

/* sum: of its content. */
static void check_entry(
    const struct store_scan *scan, const struct scan_entry *entry, const struct sha256 *sum)
{
	if (!entry->is_ours && !entry->is_log)
		tell(scan, "an entry with a foreign name");
	if (is_blob(entry) && !sha256_equal(sum, &entry->entry.id))
		tell(scan, "a blob that does not match its SHA-256");
}

/* Nothing is looked at while a frame goes into memory. */
static void pass_content(void *arg, const void *data, size_t bytes)
{
	(void)arg, (void)data, (void)bytes;
}

static void pass_end(void *arg)
{
	(void)arg;
}

/* One that is too large is checked while it streams by. */
static void sum_content(void *arg, const void *data, size_t bytes)
{
	struct store_scan *scan = arg;

	if (is_blob(&scan->frame->entry[scan->frame->entries - 1]))
		digest_add(scan->digest, data, bytes);
}

static void sum_end(void *arg)
{
	struct store_scan *scan = arg;
	struct sha256 sum;

	digest_end(scan->digest, &sum);
	check_entry(scan, &scan->frame->entry[scan->frame->entries - 1], &sum);
	scan->frame->entries = 0; /* of a stream nothing is kept */
}

/* Of an entry that goes over the end of its frame: the part that is there. */
static struct bytes content_of(const struct scan_frame *frame, const struct scan_entry *entry)
{
	size_t start = (size_t)entry->at + TARHEAD_BYTES, left = frame->content.n - start;
	uint64_t bytes = entry->entry.content_bytes;

	return (struct bytes){frame->content.p + start, bytes < left ? (size_t)bytes : left};
}

static void check_in_memory(const struct store_scan *scan)
{
	const struct scan_frame *frame = scan->frame;
	struct sha256 sum;
	size_t i;

	for (i = 0; i < frame->entries; i++) {
		if (is_blob(&frame->entry[i])) {
			struct bytes content = content_of(frame, &frame->entry[i]);

			digest_add(scan->digest, content.p, content.n);
			digest_end(scan->digest, &sum);
		}
		check_entry(scan, &frame->entry[i], &sum);
	}
}

/* ---- frames ---- */

/* The segment stays open for the frames that follow. */
static int open_segment(
    const struct store_scan *scan, struct segment *segment, uint32_t number, struct err *err)
{
	struct segment_id id;

	if (segment->fd >= 0 && segment->number == number)
		return 0;
	segment_close(segment);
	segment->fd = -1;
	if (store_find_segment(scan->store, number, &id, err) == 0 &&
	    segment_open(segment, scan->store->folder, id, O_RDONLY, err) == 0)
		return 0;
	segment->fd = -1;
	if (err && err->code == ERR_ABSENT)
		err_set(err, ERR_DAMAGED, "segment %u is missing", number);
	return -1;
}

static bool is_small(const struct frame_extent *extent)
{
	return extent->content_bytes <= SCAN_MEMORY_BYTES &&
	    extent->file_bytes <= SCAN_MEMORY_BYTES;
}

static void begin_frame(struct scan_frame *frame, uint32_t segment, uint64_t at)
{
	frame->segment = segment;
	frame->at = at;
	frame->entries = 0;
	frame->is_checked = false;
	buf_clear(&frame->content);
	err_clear(&frame->why);
	err_clear(&frame->tear);
}

static void end_walk(struct scan_frame *frame, const struct tarwalk *walk)
{
	if (walk->why.code != ERR_NONE)
		frame->tear = walk->why;
	else if (!tarwalk_is_whole(walk))
		err_set(&frame->tear, ERR_DAMAGED, "an entry that goes over the end of its frame");
}

/* Into memory, with a list of what is in it: 1, or -1 with why. */
static int read_small(
    struct store_scan *scan, const struct segment *segment, const struct frame_extent *extent)
{
	struct scan_frame *frame = scan->frame;
	struct tarwalk walk = {
	    .begin = begin_entry, .content = pass_content, .end = pass_end, .arg = scan};

	if (frame_unpack_whole(scan->store->unpacker, segment->fd, extent, segment->path,
		&frame->content, &frame->why) != 0)
		return -1;
	tarwalk_add(&walk, frame->content.p, frame->content.n, NULL);
	end_walk(frame, &walk);
	return 1;
}

static int stream_large(
    struct store_scan *scan, const struct segment *segment, const struct frame_extent *extent)
{
	struct scan_frame *frame = scan->frame;
	struct tarwalk walk = {
	    .begin = begin_entry, .content = sum_content, .end = sum_end, .arg = scan};
	int got = frame_unpack(scan->store->unpacker, segment->fd, extent, segment->path,
	    tarwalk_add, &walk, &frame->why);
	struct sha256 unused;

	digest_end(scan->digest, &unused); /* forget a blob that broke off */
	end_walk(frame, &walk);
	frame->entries = 0;
	return got;
}

/* What is wrong with the frame at hand, told once. */
static void check_frame(struct store_scan *scan)
{
	struct scan_frame *frame = scan->frame;

	if (frame->is_checked)
		return;
	frame->is_checked = true;
	check_in_memory(scan);
	if (frame->why.code == ERR_DAMAGED)
		tell(scan, frame->why.text);
	else if (frame->why.code == ERR_NONE && frame->tear.code != ERR_NONE)
		tell(scan, frame->tear.text);
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
	return err_set(
	    err, ERR_DAMAGED, "%s: no frame at offset %llu", segment->path, (unsigned long long)at);
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

static struct scan_frame *find_kept(struct store_scan *scan, uint32_t segment, uint64_t at)
{
	size_t i;

	/* Segment 0, which there is none, stands for nothing kept. */
	for (i = 0; segment > 0 && i < scan->kept_count; i++)
		if (scan->kept[i].segment == segment && scan->kept[i].at == at)
			return &scan->kept[i];
	return NULL;
}

/* The frame scanned last, with blobs: the messages that need them mostly follow. */
static void keep_last(struct store_scan *scan)
{
	struct scan_frame *place = oldest(scan), moved = *place;

	*place = *scan->last;
	place->used = ++scan->clock;
	*scan->last = moved;
	begin_frame(scan->last, 0, 0);
}

static int scan_new(struct store_scan *scan, uint32_t segment, const struct frame_extent *extent)
{
	struct frame_extent measured = *extent;
	struct scan_frame *frame = scan->frame = scan->last;
	int got;

	begin_frame(frame, segment, extent->at);
	if (open_segment(scan, &scan->segment, segment, &frame->why) != 0 ||
	    (extent->file_bytes == 0 &&
		measure(&scan->segment, extent->at, &measured, &frame->why) != 0)) {
		frame->is_checked = true; /* that it is not there was told elsewhere */
		return -1;
	}
	got = is_small(&measured) ? read_small(scan, &scan->segment, &measured)
				  : stream_large(scan, &scan->segment, &measured);
	check_frame(scan);
	return got;
}

int store_scan_frame(struct store_scan *scan, uint32_t segment, const struct frame_extent *extent,
    const struct store_verify_calls *calls, struct err *err)
{
	int got;

	scan->calls = calls;
	scan->frame = find_kept(scan, segment, extent->at);
	if (scan->frame) { /* a message needed it already */
		begin_frame(scan->last, 0, 0);
		check_frame(scan);
		got = scan->frame->why.code == ERR_NONE ? 1 : -1;
	} else {
		got = scan_new(scan, segment, extent);
	}
	if (got < 0 && err)
		*err = scan->frame->why;
	if (got == 1 && scan->frame == scan->last && scan->last->entries > 0 &&
	    is_blob(&scan->last->entry[0]))
		keep_last(scan);
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

	if (open_segment(scan, &scan->blob_segment, segment, err) != 0 ||
	    measure(&scan->blob_segment, at, &extent, err) != 0)
		return -1;
	if (!is_small(&extent))
		return 0;
	scan->frame = oldest(scan);
	scan->frame->used = ++scan->clock;
	begin_frame(scan->frame, segment, at);
	if (read_small(scan, &scan->blob_segment, &extent) < 0 &&
	    scan->frame->why.code != ERR_DAMAGED)
		scan->frame->segment = 0;
	return 1;
}

int store_scan_blob(struct store_scan *scan, uint32_t segment, const struct batch_place *place,
    const struct store_entry *entry, struct bytes *content_out, struct err *err)
{
	struct scan_frame *frame = find_kept(scan, segment, place->frame_at);
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
