/* Data frames, each unpacked once and checked by itself: its checksum, the tar headers and names
 * in it, the sums of its blobs. What is in it can be looked at meanwhile, and blobs of frames that
 * were scanned lately are at hand: so all messages of an archive are proven in one pass.
 *
 *   struct store_scan *scan = store_scan_new(store, kept_frames)
 *   store_scan_frame(scan, segment, &extent, &calls, &err)     ... of any segment
 *     store_scan_mail(scan, entry_at, &entry, &content, &err)  of the frame scanned last
 *     store_scan_blob(scan, segment, &place, &entry, &content, &err)
 *   store_scan_free(scan)
 *
 * A scan and its store belong to one thread. Memory: kept_frames + 2 frames of SCAN_MEMORY_BYTES;
 * a larger frame is checked while it streams by, and nothing of it is kept. */
#ifndef ARCHIVER_STORE_SCAN_H
#define ARCHIVER_STORE_SCAN_H

#include "archiver/store/frame.h"
#include "archiver/store/store.h"

#define SCAN_MEMORY_BYTES (2 * STORE_FRAME_BYTES)

struct store_scan;

struct store_scan *store_scan_new(struct store *store, size_t kept_frames);
void store_scan_free(struct store_scan *scan);

/* Each thing that is wrong is told to fn. 1 the frame is whole and in memory; 0 it is whole, but
 * was too large to be kept; -1: ERR_DAMAGED when it cannot be unpacked, which was told, too. An
 * extent without file_bytes is measured first, and nothing is told if no frame stands there. */
int store_scan_frame(struct store_scan *scan, uint32_t segment, const struct frame_extent *extent,
    const struct store_verify_calls *calls, struct err *err);

/* The content of a mail in the frame that was scanned last, which was in memory; good until the
 * next scan. ERR_DAMAGED when it is not there. */
int store_scan_mail(const struct store_scan *scan, uint64_t entry_at,
    const struct store_entry *entry, struct bytes *content_out, struct err *err);

/* The content of a blob anywhere: 1, and a view that is good until the next call for a blob; 0 when
 * its frame is too large for that (store_read streams it); -1. */
int store_scan_blob(struct store_scan *scan, uint32_t segment, const struct batch_place *place,
    const struct store_entry *entry, struct bytes *content_out, struct err *err);

#endif
