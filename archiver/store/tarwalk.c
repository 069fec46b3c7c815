/* Owns:  the header of the entry that streams by.
 * Knows: how entries follow each other in a tar.
 * Never: keeps content. */
#include "archiver/store/tarwalk.h"

#include <string.h>

static void begin_entry(struct tarwalk *walk)
{
	struct tarhead head;
	int got = tarhead_parse(walk->head, &head, &walk->why);

	if (got == 0) /* the end of the tar */
		walk->head_bytes = 0;
	if (got != 1)
		return;
	walk->left = head.content_bytes;
	walk->filling = tarhead_filling(head.content_bytes);
	walk->begin(walk->arg, &head, walk->at - TARHEAD_BYTES);
	if (walk->left + walk->filling == 0) {
		walk->end(walk->arg);
		walk->head_bytes = 0;
	}
}

static size_t least(uint64_t a, size_t b)
{
	return a < b ? (size_t)a : b;
}

/* Bytes of a header: how many were taken. */
static size_t add_head(struct tarwalk *walk, const char *p, size_t bytes)
{
	size_t n = least(TARHEAD_BYTES - walk->head_bytes, bytes);

	memcpy(walk->head + walk->head_bytes, p, n);
	walk->head_bytes += n;
	walk->at += n;
	if (walk->head_bytes == TARHEAD_BYTES)
		begin_entry(walk);
	return n;
}

static size_t add_content(struct tarwalk *walk, const char *p, size_t bytes)
{
	size_t n = least(walk->left ? walk->left : walk->filling, bytes);

	if (walk->left)
		walk->content(walk->arg, p, n);
	*(walk->left ? &walk->left : &walk->filling) -= n;
	walk->at += n;
	if (walk->left + walk->filling == 0) {
		walk->end(walk->arg);
		walk->head_bytes = 0;
	}
	return n;
}

int tarwalk_add(void *arg, const void *data, size_t bytes, struct err *err)
{
	struct tarwalk *walk = arg;
	const char *p = data;
	size_t n;

	(void)err;
	for (; bytes > 0 && walk->why.code == ERR_NONE; p += n, bytes -= n)
		n = walk->head_bytes < TARHEAD_BYTES ? add_head(walk, p, bytes)
						     : add_content(walk, p, bytes);
	return 0;
}

bool tarwalk_is_whole(const struct tarwalk *walk)
{
	return walk->why.code == ERR_NONE && walk->head_bytes == 0;
}
