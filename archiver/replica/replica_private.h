/* Shared by the files of the replica only. */
#ifndef ARCHIVER_REPLICA_REPLICA_PRIVATE_H
#define ARCHIVER_REPLICA_REPLICA_PRIVATE_H

#include "archiver/replica/replica.h"

#include "archiver/store/store_files.h"

#include "base/digest.h"

/* One side: the archive, or its mirror. */
struct replica_side {
	char *folder, *segments;
	struct store *store; /* reads */
	struct store_files files;
};

struct replica {
	const struct replica_options *options;
	struct replica_report *report;
	struct replica_side archive, mirror;
	struct sha256 identity; /* of the archive */
	struct replica_note note;
	bool has_note; /* of this path */
	int lock_fd;
	char *buffer, *other; /* REPLICA_BUFFER_BYTES each */
	uint64_t done, all;
};

#define REPLICA_BUFFER_BYTES (1u << 20)
#define REPLICA_FOLDER_MODE  0700

void replica_begin(
    struct replica *replica, const struct replica_options *options, struct replica_report *report);
void replica_end(struct replica *replica);
void replica_tell(const struct replica *replica, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ERR_UNSAFE when the mirror is the archive itself, or in it. */
int replica_check_apart(const struct replica *replica, struct err *err);
int replica_open_sides(struct replica *replica, struct err *err);
int replica_list(struct replica_side *side, const struct batch_position *end, struct err *err);

/* The mirror's folder, made when it is a new one. An empty one where a mirror was is refused: it is
 * what a disk that is not mounted looks like. */
int replica_find_folder(struct replica *replica, struct err *err);
/* Remove what interrupted copying left. */
int replica_sweep(const struct replica_side *side, struct err *err);

/* Nobody else writes there, as far as the file system can tell. */
int replica_lock(struct replica *replica, const char *folder, struct err *err);

/* When everything has been brought: files of other generations than the archive's. */
int replica_remove_others(struct replica *replica, struct err *err);

int replica_note_write(const struct replica *replica, struct err *err);

/* ---- bytes (replica_copy.c) ---- */

struct replica_piece {
	const struct replica_side *side;
	const char *name;
	uint64_t at, bytes;
};

/* The pieces, one behind the other, become the file: complete and verified, or not at all. What
 * had that name goes, or to kept_name. */
int replica_copy(struct replica *replica, const struct replica_piece *piece, size_t count,
    const struct replica_side *to, const char *name, const char *kept_name, struct err *err);

/* Cut the mirror's file at a length, and append the archive's bytes up to another, verified. When
 * it fails the file ends at the first again, as far as that can be done. */
int replica_append(
    struct replica *replica, const char *name, uint64_t from, uint64_t to, struct err *err);

/* The first byte from one offset on that differs between archive and mirror, or is missing in one;
 * to when none does. */
int replica_compare(struct replica *replica, const char *name, uint64_t from, uint64_t to,
    uint64_t *at_out, struct err *err);

int replica_rename(
    const struct replica_side *side, const char *from, const char *to, struct err *err);
int replica_remove(const struct replica_side *side, const char *name, struct err *err);

#endif
