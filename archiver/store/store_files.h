/* The segments as files: for whoever copies them elsewhere, or compares two copies of them.
 *
 *   store_files_list(folder, &end, &files, &err)     sorted by number; of one number the highest
 *                                                    generation first, which is the one that counts
 *   store_file_see(store, &file, bytes, &view, &err)  what one file holds, as far as it can be read
 *   store_file_unsee(&view)
 *   store_files_release(&files)
 *
 * A file is only ever appended to, until it is sealed; then it never changes. What is written
 * anew gets another name: NUMBER.GENERATION.tar.zst; generation 0 has none in its name. */
#ifndef ARCHIVER_STORE_STORE_FILES_H
#define ARCHIVER_STORE_STORE_FILES_H

#include "archiver/store/store.h"

#define STORE_FILE_NAME_BYTES 48

struct store_file {
	char name[STORE_FILE_NAME_BYTES];
	uint32_t number, generation;
	uint64_t file_bytes;
	uint64_t committed_bytes; /* what follows them may be an open batch, or torn */
	bool is_sealed;
};

struct store_files {
	struct store_file *file;
	size_t count, room;
};

/* "000001.tar.zst", "000001.1.tar.zst"; false for any other name. */
bool store_file_parse_name(const char *name, uint32_t *number_out, uint32_t *generation_out);
void store_file_format_name(uint32_t number, uint32_t generation, char out[STORE_FILE_NAME_BYTES]);

/* end: behind the last commit; NULL when it is not known: then all bytes are taken for committed.
 * ERR_ABSENT when there is no such folder. Release it in any case. */
int store_files_list(
    const char *folder, const struct batch_position *end, struct store_files *out, struct err *err);
void store_files_release(struct store_files *files);

/* The file that counts for a number; the one of that generation; NULL. */
const struct store_file *store_files_current(const struct store_files *files, uint32_t number);
const struct store_file *store_files_named(
    const struct store_files *files, uint32_t number, uint32_t generation);
/* The highest number there is; 0. */
uint32_t store_files_last(const struct store_files *files);

/* What can be known of one file by itself, from its first "bytes". Begins as {0}. */
struct store_commit {
	uint64_t batch;
	struct sha256 sum; /* stands for all that was committed before it, too */
};
struct store_held {
	enum event_kind kind;
	struct sha256 id;
};
struct store_file_view {
	uint64_t end;  /* behind the last log that can be read; behind the seal when it fits */
	bool is_sound; /* up to end each frame and log is what its sums say, none is missing */
	struct store_commit *commit; /* those that can be read, in the order of the file */
	size_t count, room;
	struct store_held *held; /* entries that stand in the file, by kind and id */
	size_t held_count, held_room;
};

/* store: of the folder that the file is in. -1 only when it cannot be read. */
int store_file_see(struct store *store, const struct store_file *file, uint64_t bytes,
    struct store_file_view *out, struct err *err);
void store_file_unsee(struct store_file_view *view);

/* Is each commit of the second in the first? (Entries may have been dropped from it.) */
bool store_view_has_all(const struct store_file_view *view, const struct store_file_view *of);
/* ... and each entry? Then nothing is lost when the second goes. */
bool store_view_replaces(const struct store_file_view *view, const struct store_file_view *of);

#endif
