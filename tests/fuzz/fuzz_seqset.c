/* A set of UIDs that is taken is written and taken again as the same set, and is in shape.
 * Input: its text. */
#include "archiver/imapwire/seqset.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_shape(const struct seqset *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->range[i].first == 0 || set->range[i].first > set->range[i].last ||
		    (i > 0 && set->range[i].first - 1 <= set->range[i - 1].last))
			abort();
}

static void check_same(const struct seqset *a, const struct seqset *b)
{
	if (a->count != b->count)
		abort();
	for (size_t i = 0; i < a->count; i++)
		if (a->range[i].first != b->range[i].first || a->range[i].last != b->range[i].last)
			abort();
}

/* Written batch by batch, nothing is skipped. */
static void check_batches(const struct seqset *set, uint64_t max_count)
{
	struct seqset again;
	struct buf line;
	uint32_t last = 0;

	seqset_init(&again);
	buf_init(&line, 1 << 20);
	while ((last = seqset_format(set, last, max_count, 40, &line)) != 0) {
		if (line.n > 40 || seqset_parse(&again, buf_view(&line), 0, 40, NULL) != 0)
			abort();
		buf_clear(&line);
	}
	check_same(set, &again);
	buf_release(&line);
	seqset_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct bytes text = {(const char *)data, bytes};
	struct seqset set;

	seqset_init(&set);
	if (seqset_parse(&set, text, 1000, 10000, NULL) == 0) {
		check_shape(&set);
		check_batches(&set, seqset_count(&set) < 10000 ? 1 + bytes % 7 : UINT64_MAX);
	}
	seqset_release(&set);
	return 0;
}
