/* Bytes of unknown number on their way: in memory up to a limit, beyond it in a temporary
 * file that has no name. So the memory does not grow with the message.
 *
 *   spool_init(&spool, 1 << 20, "/var/tmp");
 *   spool_add(&spool, data, bytes, &err) ...
 *   spool_read(&spool, 0, ...)           any number of times, once adding is over
 *   spool_clear(&spool)                  empty again for the next message; keeps its file
 *   spool_release(&spool) */
#ifndef BASE_SPOOL_H
#define BASE_SPOOL_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

typedef int (*spool_fn)(void *arg, const void *data, size_t bytes, struct err *err);

struct spool {
	struct buf memory;   /* all, or what has not gone to the file yet */
	uint64_t file_bytes; /* what stands in the file, in front of memory */
	int fd;
	const char *folder; /* where the file is made; borrowed */
};

void spool_init(struct spool *spool, size_t memory_max_bytes, const char *folder);
void spool_release(struct spool *spool);
void spool_clear(struct spool *spool);
/* As after spool_clear, and without memory or file when there is more of it than that. */
void spool_trim(struct spool *spool, size_t kept_bytes);

int spool_add(struct spool *spool, const void *data, size_t bytes, struct err *err);
int spool_add_fn(void *spool, const void *data, size_t bytes, struct err *err); /* a spool_fn */
uint64_t spool_bytes(const struct spool *spool);

/* Up to that many bytes from the offset; fewer only at the end. The number, or -1. */
ssize_t spool_read(struct spool *spool, uint64_t offset, void *data, size_t bytes, struct err *err);

/* The range, in pieces, to fn; stops at its first failure. */
int spool_send(
    struct spool *spool, uint64_t offset, uint64_t bytes, spool_fn fn, void *arg, struct err *err);

/* The whole in memory: true, and a view that is good until the next change. */
bool spool_in_memory(const struct spool *spool, struct bytes *view_out);

/* A part of what was spooled: how entries of an archive are handed on. */
struct spool_range {
	struct spool *spool;
	uint64_t at, bytes;
};

/* Bring all of it to the file and lend its descriptor (readable from offset 0). */
int spool_to_file(struct spool *spool, int *fd_out, struct err *err);

#endif
