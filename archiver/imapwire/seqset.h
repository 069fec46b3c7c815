/* Sets of UIDs: sorted ranges in memory, "1:5,9,12:14" on the wire (RFC 9051 sequence-set).
 *
 * A UID is 1..2^32-1 and never a signed int: real servers give out UIDs near 2^32. Ranges are
 * kept merged, so a whole mailbox costs a few bytes and a set with 10^6 single UIDs 8 MB. */
#ifndef ARCHIVER_IMAPWIRE_SEQSET_H
#define ARCHIVER_IMAPWIRE_SEQSET_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct imap_uid {
	uint32_t value; /* 0: none */
};

struct seqset_range {
	uint32_t first, last; /* first <= last, both in the set */
};

struct seqset {
	struct seqset_range *range; /* ascending, at least 2 apart */
	size_t count, room;
};

void seqset_init(struct seqset *set);
void seqset_release(struct seqset *set);
void seqset_clear(struct seqset *set);

/* Any order and overlap; adding at the end is O(1), elsewhere O(ranges). 0 is ignored. */
void seqset_add(struct seqset *set, uint32_t uid);
void seqset_add_range(struct seqset *set, uint32_t a, uint32_t b); /* a > b is legal */
void seqset_remove(struct seqset *set, uint32_t uid);

bool seqset_has(const struct seqset *set, uint32_t uid); /* O(log ranges) */
uint64_t seqset_count(const struct seqset *set);         /* UIDs, not ranges */
bool seqset_is_empty(const struct seqset *set);

/* The smallest UID of the set that is greater than after (0 to begin); 0 when there is none. */
uint32_t seqset_next(const struct seqset *set, uint32_t after);

/* Append the wire form of at most max_count UIDs (at least 1) greater than after, in at most
 * max_bytes (at least 21: one range is always written, so that nothing can be skipped).
 * Returns the last UID written, 0 when there are none left: so
 * for (u = 0; (u = seqset_format(&set, u, 100, 7000, &line)) != 0; ) makes batches. */
uint32_t seqset_format(const struct seqset *set, uint32_t after, uint64_t max_count,
    size_t max_bytes, struct buf *out);

/* Add what a server wrote: "4:2,7,9:*", or with spaces "2 4 7" as in SEARCH. "*" is star, and
 * "9:*" is 9 and up to star (only 9 when star is smaller: RFC 9051 would make it star:9, but no
 * server means by it that 8 is gone); where star is 0 it is refused. ERR_PROTOCOL when text is
 * no sequence set (the empty one is none), ERR_LIMIT beyond max_ranges; set is then unchanged. */
int seqset_parse(
    struct seqset *set, struct bytes text, uint32_t star, size_t max_ranges, struct err *err);

#endif
