/* The index of an archive for tests (archive.h).
 *
 *   indexed_open(&index, &a, SQL_WRITE)     as it is
 *   indexed_catchup(index, &a)              brings it up to date
 *   index = indexed(&a)                     up to date, open for reading: index_close(index) */
#ifndef TESTS_UNIT_INDEXED_H
#define TESTS_UNIT_INDEXED_H

#include "index/index.h"

#include "tests/unit/archive.h"

static inline int indexed_try_open(
    struct index **out, struct archive *a, enum sql_mode mode, struct err *err)
{
	char *path = vault_index_path(a->vault), *catalog = vault_catalog_path(a->vault);
	int result = index_open(out, path, catalog, mode, err);

	free(path);
	free(catalog);
	return result;
}

static inline struct index *indexed_open(struct archive *a, enum sql_mode mode)
{
	struct index *index;

	OK(indexed_try_open(&index, a, mode, err));
	return index;
}

/* How many were indexed. */
static inline uint64_t indexed_catchup(struct index *index, struct archive *a)
{
	static const struct index_calls no_calls;
	uint64_t indexed;

	OK(index_catchup(index, a->vault, &no_calls, &indexed, err));
	return indexed;
}

static inline struct index *indexed(struct archive *a)
{
	struct index *index = indexed_open(a, SQL_WRITE);

	indexed_catchup(index, a);
	index_close(index);
	return indexed_open(a, SQL_READ);
}

#endif
