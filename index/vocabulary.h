/* How many different words a text brings into the index.
 *
 * FTS5 keeps all words of one message in memory until it is in, about 150 bytes for each
 * different one. A book has few; what looks like text and is data (uuencode, keys, hex dumps)
 * has nothing else, and 4 MiB of it would take 100 MiB and more.
 *
 *   vocabulary_init(&vocabulary)
 *   n = vocabulary_take(&vocabulary, text)     so much of it may go in; less than all when the
 *                                              vocabulary is full
 *   vocabulary_release(&vocabulary)
 *
 * Words are counted in pieces of eight bytes: a long one counts more than once, and no way to
 * write words behind one another counts much less than the index takes them for. */
#ifndef INDEX_VOCABULARY_H
#define INDEX_VOCABULARY_H

#include "base/bytes.h"

#include <stddef.h>
#include <stdint.h>

#define VOCABULARY_WORDS (1u << 17)

struct vocabulary {
	uint64_t *word; /* pieces of words at places that follow from them; 0: free */
	size_t count;
};

void vocabulary_init(struct vocabulary *vocabulary);
void vocabulary_release(struct vocabulary *vocabulary);
size_t vocabulary_take(struct vocabulary *vocabulary, struct bytes text);

#endif
