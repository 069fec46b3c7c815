/* Asking the index.
 *
 *   search_messages(index, query, &options, fn, arg, &err)     each message once
 *   search_places(index, query, fn, arg, &err)                 each place: for rules, restore
 *
 * Newest first is flat in cost: the index is walked in the order of its rowids, which is that
 * of the dates, and left as soon as the limit is reached. */
#ifndef INDEX_SEARCH_H
#define INDEX_SEARCH_H

#include "index/index.h"
#include "index/query.h"

#include <stdint.h>

enum search_sort { SEARCH_BY_DATE, SEARCH_BY_RANK };

struct search_options {
	uint64_t limit; /* 0: all */
	uint64_t offset;
	enum search_sort sort;
};

typedef int (*search_message_fn)(void *arg, int64_t message_n, struct err *err);
int search_messages(struct index *index, const struct query *query,
    const struct search_options *options, search_message_fn fn, void *arg, struct err *err);
int search_count(
    struct index *index, const struct query *query, uint64_t *count_out, struct err *err);

/* Every place that fits, in the order of folders and UIDs. only_present: on the server now;
 * otherwise also purged ones, and gone ones of messages that are nowhere any more. */
typedef int (*search_place_fn)(void *arg, int64_t place_number, int64_t message_n, struct err *err);
int search_places(struct index *index, const struct query *query, bool only_present,
    search_place_fn fn, void *arg, struct err *err);

#endif
