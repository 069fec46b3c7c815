/* How many bytes of an account may be downloaded in 24 hours, over all connections and runs.
 *
 *   budget = budget_open(path, "work", BUDGET_OF_HOST, clock_now_unix)
 *     budget_host_limit(budget, 2000 << 20)      once the host is known; for BUDGET_OF_HOST
 *     budget_spend(budget, bytes)                whatever was received
 *     budget_left(budget)                        before more is asked for
 *   budget_close(budget)
 *
 * What was spent stands in a small file, by hours: "ACCOUNT HOUR BYTES", a line each, of all
 * accounts of an archive. It is no part of the archive: when it is lost, or cannot be written,
 * the host itself is the next to say that it is enough; when it cannot be read it counts as
 * empty. Kept beside the journal and not in it because it is true of one day only, and would be
 * journalled with each sync, also where nothing was new. Up to 16 MiB are forgotten when the
 * process is killed.
 *
 * May be shared between threads. NULL is legal everywhere: a budget without a limit. */
#ifndef ARCHIVER_ENDPOINT_BUDGET_H
#define ARCHIVER_ENDPOINT_BUDGET_H

#include "base/clock.h"

#include <stdint.h>

#define BUDGET_OF_HOST UINT64_MAX /* what the host is known to allow */

struct budget;

/* path NULL: nothing is kept. limit_bytes 0: there is none, and nothing is counted. */
struct budget *budget_open(
    const char *path, const char *account, uint64_t limit_bytes, clock_fn now);
void budget_close(struct budget *budget);

void budget_host_limit(struct budget *budget, uint64_t bytes);
void budget_spend(struct budget *budget, uint64_t bytes);

uint64_t budget_left(struct budget *budget);  /* UINT64_MAX: no limit */
uint64_t budget_limit(struct budget *budget); /* 0: none */
uint64_t budget_spent(struct budget *budget); /* in the last 24 hours */

/* When there is something left again, if nothing more is spent: now, when there is. */
int64_t budget_ready_unix(struct budget *budget);

#endif
