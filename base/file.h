/* Files: every call retries EINTR, does the whole job or fails, and names the path in its
 * error. A full disk is ERR_SPACE.
 *
 * Durability has an order: data, then the file's name. A new file is safe after
 * file_sync(fd) and file_sync_folder() of the folder that holds it. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

/* open(2), close-on-exec; -1 on failure. */
/* ERR_DAMAGED when the path leads to something that is there, and is no ordinary file: a FIFO would
 * be waited for, for ever. */
int file_check_ordinary(const char *path, struct err *err);

int file_open(const char *path, int flags, mode_t mode, struct err *err);
void file_close(int *fd); /* for files that were only read; -1 is legal; sets -1 */

int file_write(int fd, const void *data, size_t bytes, const char *path, struct err *err);
int file_write_at(
    int fd, const void *data, size_t bytes, uint64_t offset, const char *path, struct err *err);
/* Up to that many bytes; fewer only at the end of the file. The number read, or -1. */
ssize_t file_read_at(
    int fd, void *data, size_t bytes, uint64_t offset, const char *path, struct err *err);

int file_size(int fd, uint64_t *bytes_out, const char *path, struct err *err);
int file_cut(int fd, uint64_t bytes, const char *path, struct err *err);
int file_sync(int fd, const char *path, struct err *err); /* fdatasync */
int file_sync_folder(const char *path, struct err *err);

/* The whole file appended to text; ERR_ABSENT when there is none, ERR_LIMIT when it passes
 * text's ceiling. */
int file_read_all(const char *path, struct buf *text, struct err *err);

/* Replace or make a file in one step: a temporary file beside it, written and synced, renamed
 * over it, the folder synced. After a crash there is the old one or the new one. */
int file_replace(const char *path, struct bytes text, mode_t mode, struct err *err);

int file_make_folders(const char *path, mode_t mode, struct err *err); /* as mkdir -p */
bool file_exists(const char *path);

/* An exclusive lock on a file, made when missing, held until the descriptor is closed. The
 * descriptor; -1 with ERR_LOCKED when somebody else holds it. */
int file_lock(const char *path, struct err *err);

/* What an ordinary user may still write on the file system of that folder. */
int file_free_bytes(const char *path, uint64_t *bytes_out, struct err *err);

char *file_join(const char *folder, const char *name); /* for free() */
char *file_folder_of(const char *path);                /* "." when there is none; for free() */
char *file_expand_home(const char *path);              /* "~/x" by $HOME; for free() */

#endif
