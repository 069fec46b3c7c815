/* Which messages are to go from the servers, and why the others stay. Reads catalogue and index
 * only; no server is asked. The same archive, rules and time give the same plan. */
#ifndef RETENTION_PLAN_H
#define RETENTION_PLAN_H

#include "retention/verdict.h"

#include "archiver/catalog/catalog.h"
#include "index/index.h"

#include <stdint.h>

struct plan_item {
	int64_t place_number, message_n, folder_number;
	uint32_t uidvalidity, uid;
	int64_t date_unix; /* of the place */
	uint64_t size_bytes;
	uint32_t rule; /* number in the rules */
	enum verdict verdict;
};

struct plan {
	struct plan_item *item; /* that a purging rule selects; by folder, oldest first */
	size_t count, room;
	uint64_t purge_count, purge_bytes;
};

/* account: NULL for all. The index must be caught up: a rule that cannot see a message cannot
 * shield it; ERR_UNSAFE when it is behind. */
int plan_make(struct plan *plan, struct catalog *catalog, struct index *index,
    const struct rules *rules, const char *account, int64_t now_unix, struct err *err);
void plan_release(struct plan *plan);

/* The verdict on one place, and the rule that decides (-1: none), for "plan --why". */
int plan_why(struct catalog *catalog, struct index *index, const struct rules *rules,
    int64_t place_number, int64_t now_unix, enum verdict *verdict_out, int *rule_out,
    struct err *err);

#endif
