/* Owns:  the list of a file's commits.
 * Knows: that a commit's sum stands for all that was committed before it. */
#include "archiver/replica/replica_private.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static void add_commit(void *arg, uint64_t batch, const struct sha256 *sum)
{
	struct replica_view *view = arg;

	view->commit = mem_grow(view->commit, &view->room, view->count + 1, sizeof *view->commit);
	view->commit[view->count++] = (struct replica_commit){batch, *sum};
}

int replica_see(const struct replica_side *side, const struct store_file *file, uint64_t bytes,
    struct replica_view *out, struct err *err)
{
	out->count = 0;
	return store_file_check(side->store, file, bytes, add_commit, out, &out->state, err);
}

void replica_unsee(struct replica_view *view)
{
	free(view->commit);
	memset(view, 0, sizeof *view);
}

/* Both are in the order of the file, which is that of their numbers as far as they are whole. */
bool replica_sees_all(const struct replica_view *a, const struct replica_view *b)
{
	size_t i, j = 0;

	for (i = 0; i < b->count; i++) {
		while (j < a->count && a->commit[j].batch != b->commit[i].batch)
			j++;
		if (j == a->count || !sha256_equal(&a->commit[j].sum, &b->commit[i].sum))
			return false;
	}
	return true;
}
