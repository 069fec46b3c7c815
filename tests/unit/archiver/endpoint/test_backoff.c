/* How long is waited before something is tried again. */
#include "archiver/endpoint/backoff.h"

#include "base/clock.h"
#include "tests/unit/suite.h"

START_TEST(doubles_up_to_the_most)
{
	uint32_t middle = UINT32_MAX / 2;

	ck_assert_uint_eq(backoff_ms(1000, 30000, 1, middle) / 10, 99);
	ck_assert_uint_eq(backoff_ms(1000, 30000, 2, middle) / 10, 199);
	ck_assert_uint_eq(backoff_ms(1000, 30000, 3, middle) / 10, 399);
	ck_assert_uint_eq(backoff_ms(1000, 30000, 6, middle) / 10, 2999);
	ck_assert_uint_eq(backoff_ms(1000, 30000, 4000000000u, middle) / 10, 2999);
	ck_assert_uint_eq(backoff_ms(1000, 30000, 0, middle) / 10, 99);
}
END_TEST

START_TEST(a_quarter_more_or_less)
{
	ck_assert_uint_eq(backoff_ms(1000, 30000, 1, 0), 750);
	ck_assert_uint_eq(backoff_ms(1000, 30000, 1, UINT32_MAX), 1250);
	ck_assert_uint_eq(backoff_ms(0, 30000, 5, UINT32_MAX), 0);
}
END_TEST

START_TEST(ends_at_once_when_asked_to)
{
	volatile sig_atomic_t stop = 1;
	uint64_t start = clock_monotonic_ms();

	FAILS(ERR_STOPPED, backoff_wait(100000, &stop, err));
	stop = 0;
	OK(backoff_wait(20, &stop, err));
	OK(backoff_wait(20, NULL, err));
	ck_assert_uint_ge(clock_monotonic_ms() - start, 40);
}
END_TEST

SUITE(doubles_up_to_the_most, a_quarter_more_or_less, ends_at_once_when_asked_to)
