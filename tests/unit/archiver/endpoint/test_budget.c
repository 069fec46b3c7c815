/* Bytes in 24 hours: the window, the file, and the clock. */
#include "archiver/endpoint/budget.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "tests/unit/suite.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HOUR ((int64_t)3600)

static int64_t time_now = 1700000000 / HOUR * HOUR + 10;
static char path[64];

static int64_t now(void)
{
	return time_now;
}

static struct budget *open_it(const char *account, uint64_t limit)
{
	snprintf(path, sizeof path, "/tmp/test_budget.%d", (int)getpid());
	return budget_open(path, account, limit, now);
}

/* What another run finds. */
static void left_is(const char *account, uint64_t limit, uint64_t expected)
{
	struct budget *budget = open_it(account, limit);

	ck_assert_uint_eq(budget_left(budget), expected);
	budget_close(budget);
}

START_TEST(counts_up_to_its_limit)
{
	struct budget *budget = budget_open(NULL, "work", 1000, now);

	ck_assert_uint_eq(budget_left(budget), 1000);
	budget_spend(budget, 999);
	ck_assert_uint_eq(budget_left(budget), 1);
	ck_assert_int_eq(budget_ready_unix(budget), time_now);
	budget_spend(budget, 2);
	ck_assert_uint_eq(budget_left(budget), 0);
	ck_assert_uint_eq(budget_spent(budget), 1001);
	budget_close(budget);
}
END_TEST

START_TEST(none_is_no_limit)
{
	struct budget *budget = budget_open(NULL, "work", 0, now);

	budget_spend(budget, UINT32_MAX);
	budget_spend(NULL, 5);
	budget_host_limit(budget, 10);
	budget_host_limit(NULL, 10);
	ck_assert_uint_eq(budget_left(budget), UINT64_MAX);
	ck_assert_uint_eq(budget_left(NULL), UINT64_MAX);
	ck_assert_int_eq(budget_ready_unix(budget), time_now);
	budget_close(budget);
	budget_close(NULL);
}
END_TEST

START_TEST(the_hosts_limit_only_where_none_is_given)
{
	struct budget *own = budget_open(NULL, "work", 1000, now);
	struct budget *hosts = budget_open(NULL, "work", BUDGET_OF_HOST, now);

	ck_assert_uint_eq(budget_left(hosts), UINT64_MAX);
	budget_spend(hosts, 100);
	budget_host_limit(own, 50);
	budget_host_limit(hosts, 0); /* not known */
	ck_assert_uint_eq(budget_left(hosts), UINT64_MAX);
	budget_host_limit(hosts, 150);
	ck_assert_uint_eq(budget_left(own), 1000);
	ck_assert_uint_eq(budget_left(hosts), 50);
	budget_close(own);
	budget_close(hosts);
}
END_TEST

START_TEST(an_hour_leaves_after_a_day)
{
	struct budget *budget = budget_open(NULL, "work", 1000, now);
	int64_t first = time_now;

	budget_spend(budget, 600);
	time_now += 5 * HOUR;
	budget_spend(budget, 600);
	ck_assert_uint_eq(budget_left(budget), 0);
	/* Never sooner than 24 hours after the last byte of the first hour. */
	ck_assert_int_eq(budget_ready_unix(budget), first - 10 + 25 * HOUR);
	time_now = budget_ready_unix(budget) - 1;
	ck_assert_uint_eq(budget_left(budget), 0);
	time_now++;
	ck_assert_uint_eq(budget_left(budget), 400);
	time_now += 5 * HOUR;
	ck_assert_uint_eq(budget_left(budget), 1000);
	time_now += 500 * HOUR;
	ck_assert_uint_eq(budget_left(budget), 1000);
	budget_close(budget);
}
END_TEST

START_TEST(the_next_run_goes_on_counting)
{
	struct budget *budget = open_it("work", 1000);

	budget_spend(budget, 300);
	time_now += 2 * HOUR;
	budget_spend(budget, 100);
	budget_close(budget);
	left_is("work", 1000, 600);
	left_is("home", 1000, 1000);
	budget = open_it("home", 500);
	budget_spend(budget, 1);
	budget_close(budget);
	left_is("work", 1000, 600);
	left_is("home", 500, 499);
	time_now += 23 * HOUR;
	left_is("work", 1000, 900);
	time_now += 3 * HOUR;
	left_is("work", 1000, 1000);
	unlink(path);
}
END_TEST

START_TEST(much_is_written_down_at_once)
{
	struct budget *budget = open_it("work", (uint64_t)1 << 40), *other;

	budget_spend(budget, (uint64_t)17 << 20);
	budget_spend(budget, 5);
	other = open_it("work", (uint64_t)1 << 40); /* as after a kill */
	ck_assert_uint_eq(budget_spent(other), (uint64_t)17 << 20);
	budget_close(other);
	budget_close(budget);
	unlink(path);
}
END_TEST

START_TEST(without_a_limit_nothing_is_written)
{
	struct budget *budget = open_it("work", BUDGET_OF_HOST);

	unlink(path);
	budget_spend(budget, (uint64_t)100 << 20);
	budget_close(budget);
	ck_assert(!file_exists(path));
}
END_TEST

START_TEST(a_file_that_is_none_counts_as_empty)
{
	static const char *const files[] = {"", "\n\n", "work", "work 1", "work x 5\n",
	    "work 99999999999999999999 5\n", "work 472222 -5\n", "\xff\xfe\n work 5 5",
	    "work  5\n"};

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		budget_close(open_it("work", 1000));
		OK(file_replace(path, bytes_of(files[i]), 0600, err));
		left_is("work", 1000, 1000);
	}
	unlink(path);
	budget_close(budget_open("/no/such/folder/traffic", "work", 10, now));
}
END_TEST

START_TEST(a_clock_that_is_set_back_forgets_nothing)
{
	struct budget *budget = open_it("work", 1000);

	budget_spend(budget, 700);
	time_now -= 50 * HOUR;
	ck_assert_uint_eq(budget_left(budget), 300);
	budget_close(budget);
	left_is("work", 1000, 300);
	time_now += 50 * HOUR;
	unlink(path);
}
END_TEST

static void *spend_much(void *budget)
{
	for (int i = 0; i < 10000; i++)
		budget_spend(budget, 1);
	return NULL;
}

START_TEST(threads_share_one)
{
	struct budget *budget = budget_open(NULL, "work", 1000000, now);
	pthread_t thread[4];

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, spend_much, budget), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	ck_assert_uint_eq(budget_spent(budget), 40000);
	budget_close(budget);
}
END_TEST

SUITE(counts_up_to_its_limit, none_is_no_limit, the_hosts_limit_only_where_none_is_given,
    an_hour_leaves_after_a_day, the_next_run_goes_on_counting, much_is_written_down_at_once,
    without_a_limit_nothing_is_written, a_file_that_is_none_counts_as_empty,
    a_clock_that_is_set_back_forgets_nothing, threads_share_one)
