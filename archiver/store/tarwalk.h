/* The tar entries of one frame, while its content streams by: their headers, then their bytes.
 *
 *   struct tarwalk walk = {.begin = ..., .content = ..., .end = ..., .arg = ...};
 *   frame_unpack(..., tarwalk_add, &walk, &err)
 *   tarwalk_is_whole(&walk)          nothing was cut off, every header was one */
#ifndef ARCHIVER_STORE_TARWALK_H
#define ARCHIVER_STORE_TARWALK_H

#include "archiver/store/tarhead.h"

#include <stdbool.h>

struct tarwalk {
	/* at: of the header, in the frame's content. */
	void (*begin)(void *arg, const struct tarhead *head, uint64_t at);
	void (*content)(void *arg, const void *data, size_t bytes);
	void (*end)(void *arg);
	void *arg;

	struct err why; /* the header that was none; nothing is looked at behind it */
	char head[TARHEAD_BYTES];
	size_t head_bytes;
	uint64_t left, filling, at;
};

int tarwalk_add(void *walk, const void *data, size_t bytes, struct err *err); /* a spool_fn */
bool tarwalk_is_whole(const struct tarwalk *walk);

#endif
