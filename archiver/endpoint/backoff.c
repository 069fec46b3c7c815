/* Owns:  nothing.
 * Never: waits on when it is asked to stop. */
#include "archiver/endpoint/backoff.h"

#include "base/clock.h"

#include <sys/random.h>
#include <time.h>

#define STEP_MS 100 /* a wish to stop is seen as soon as that */

uint64_t backoff_ms(uint64_t first_ms, uint64_t most_ms, unsigned tries, uint32_t random)
{
	uint64_t ms = first_ms;

	while (tries-- > 1 && ms < most_ms)
		ms *= 2;
	if (ms > most_ms)
		ms = most_ms;
	return ms - ms / 4 + (ms / 2) * random / UINT32_MAX;
}

uint32_t backoff_random(void)
{
	uint32_t random;

	return getrandom(&random, sizeof random, 0) == sizeof random
	    ? random
	    : (uint32_t)clock_monotonic_ms() * 2654435761u;
}

int backoff_wait(uint64_t ms, const volatile sig_atomic_t *stop, struct err *err)
{
	uint64_t end = clock_monotonic_ms() + ms, now;

	while (!(stop && *stop) && (now = clock_monotonic_ms()) < end) {
		uint64_t step = end - now < STEP_MS ? end - now : STEP_MS;
		struct timespec t = {.tv_nsec = (long)step * 1000000};

		nanosleep(&t, NULL);
	}
	return stop && *stop ? err_set(err, ERR_STOPPED, "stopped") : 0;
}
