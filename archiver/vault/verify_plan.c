/* Owns:  a window of the catalogue's extents.
 * Knows: that messages stand mostly, but not always, in the order of their numbers.
 * Never: grows with the archive: what does not fit is asked for again later. */
#include "archiver/vault/verify_private.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static int by_place(const void *a, const void *b)
{
	const struct catalog_extent *x = a, *y = b;

	if (x->segment != y->segment)
		return x->segment < y->segment ? -1 : 1;
	if (x->frame_at != y->frame_at)
		return x->frame_at < y->frame_at ? -1 : 1;
	return (x->first_n > y->first_n) - (x->first_n < y->first_n);
}

static void sort(struct verify_plan *plan)
{
	if (plan->count > 1)
		qsort(plan->extent, plan->count, sizeof *plan->extent, by_place);
}

/* Keep the lower half, but at least one whole segment. */
static void narrow(struct verify_plan *plan)
{
	size_t before = plan->count;

	sort(plan);
	plan->to = plan->extent[before / 2].segment;
	if (plan->to == plan->extent[0].segment)
		plan->to++;
	while (plan->extent[plan->count - 1].segment >= plan->to)
		plan->count--;
	if (plan->count == before)
		plan->max_count *= 2;
}

static int add(void *arg, const struct catalog_extent *extent, struct err *err)
{
	struct verify_plan *plan = arg;

	(void)err;
	if (extent->segment < plan->from || extent->segment >= plan->to)
		return 0;
	plan->extent = mem_grow(plan->extent, &plan->room, plan->count + 1, sizeof *plan->extent);
	plan->extent[plan->count++] = *extent;
	if (plan->count >= plan->max_count)
		narrow(plan);
	return 0;
}

int verify_plan_load(
    struct verify_plan *plan, struct catalog *catalog, uint32_t from_segment, struct err *err)
{
	plan->count = plan->next = 0;
	plan->from = from_segment;
	plan->to = (uint64_t)UINT32_MAX + 1;
	if (plan->max_count == 0)
		plan->max_count = VERIFY_PLAN_COUNT;
	if (catalog_each_extent(catalog, add, plan, err) != 0)
		return -1;
	sort(plan);
	return 0;
}

void verify_plan_release(struct verify_plan *plan)
{
	free(plan->extent);
	memset(plan, 0, sizeof *plan);
}

const struct catalog_extent *verify_plan_before(
    struct verify_plan *plan, uint32_t segment, uint64_t at)
{
	const struct catalog_extent *extent = &plan->extent[plan->next];

	if (plan->next == plan->count || extent->segment > segment ||
	    (extent->segment == segment && extent->frame_at >= at))
		return NULL;
	plan->next++;
	return extent;
}

const struct catalog_extent *verify_plan_at(struct verify_plan *plan, uint32_t segment, uint64_t at)
{
	const struct catalog_extent *extent = &plan->extent[plan->next];

	if (plan->next == plan->count || extent->segment != segment || extent->frame_at != at)
		return NULL;
	plan->next++;
	return extent;
}
