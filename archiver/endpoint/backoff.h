/* How long to wait before something is tried again: doubled each time, and never the same for
 * two who wait for the same server. */
#ifndef ARCHIVER_ENDPOINT_BACKOFF_H
#define ARCHIVER_ENDPOINT_BACKOFF_H

#include "base/err.h"

#include <signal.h>
#include <stdint.h>

/* Milliseconds before try number tries + 1 (tries from 1): first_ms, twice that, four times ...
 * at most most_ms; then a quarter more or less, as random says. Pure. */
uint64_t backoff_ms(uint64_t first_ms, uint64_t most_ms, unsigned tries, uint32_t random);

uint32_t backoff_random(void);

/* Wait; ERR_STOPPED soon after *stop (or NULL) is nonzero. */
int backoff_wait(uint64_t ms, const volatile sig_atomic_t *stop, struct err *err);

#endif
