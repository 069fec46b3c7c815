/* One segment file: frames appended at its end, logs found in it, sealed when it is full.
 *
 * In front of every log frame stands a mark: a skippable frame that says "logs follow, from
 * batch N on". So logs are found by stepping over frame headers, and again behind a damaged place.
 *
 *   data frame ... data frame | mark, log frame | data frame ... | mark, log frame | ...
 *   ... and in a sealed segment: | end frame (1,024 zeros: the end of the tar) | seek table
 *
 * Nothing here knows what a log says. */
#ifndef ARCHIVER_STORE_SEGMENT_H
#define ARCHIVER_STORE_SEGMENT_H

#include "archiver/store/frame.h"

#include "archiver/journal/batch.h"

#include <stdbool.h>
#include <stdint.h>

#define SEGMENT_MARK_BYTES 32
#define SEGMENT_FIRST      1

struct segment {
	uint32_t number, generation;
	int fd;
	char *path;
	bool is_sealed;
};

/* "000001.tar.zst"; "000001.2.tar.zst" when it was written anew twice. For free(). */
char *segment_name(struct segment_id id);
bool segment_parse_name(const char *name, struct segment_id *out);

/* flags: O_RDONLY, O_RDWR, with O_CREAT | O_EXCL for a new one. */
int segment_open(
    struct segment *segment, const char *folder, struct segment_id id, int flags, struct err *err);
/* A file that has not got its name yet. */
int segment_open_file(
    struct segment *segment, const char *path, struct segment_id id, int flags, struct err *err);
void segment_close(struct segment *segment);
int segment_bytes(const struct segment *segment, uint64_t *out, struct err *err);

/* A log frame as it stands in the file. */
struct segment_log {
	uint64_t batch;            /* the first, as its mark says */
	struct frame_extent frame; /* the log's own */
	uint64_t end;              /* offset behind it */
	uint64_t skipped;          /* bytes of damage that were stepped over to find it */
};

/* The next log at or behind *at, which is left behind that log: 1. 0 when there is none: *at
 * is then unchanged, and what follows it is a torn tail or the end. A damaged place is stepped
 * over if a mark stands behind it. -1 only when the file cannot be read. */
int segment_next_log(
    const struct segment *segment, uint64_t *at, struct segment_log *out, struct err *err);

/* The offset of the next mark at or behind from: 1, 0, -1. */
int segment_find_mark(
    const struct segment *segment, uint64_t from, uint64_t *at_out, struct err *err);

void segment_make_mark(uint64_t batch, char out[SEGMENT_MARK_BYTES]);

/* Append end frame and seek table at offset "at" and bring the file to the disk. When it fails
 * the file ends at "at" again, as far as that can be done; a seal that was interrupted is cut
 * off as a torn tail and made again. */
int segment_seal(
    struct segment *segment, uint64_t at, struct frame_packer *packer, struct err *err);

/* Of a sealed segment: do end frame and seek table fill the file from offset "at", where its
 * last log ends: 1; 0 when they do not, as when the power went while they were written; -1. */
int segment_is_seal_whole(
    const struct segment *segment, uint64_t at, struct frame_unpacker *unpacker, struct err *err);

/* Of a sealed segment: the seek table against the frames. ERR_DAMAGED when they differ. */
int segment_check_seek_table(const struct segment *segment, struct err *err);

#endif
