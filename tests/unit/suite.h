/* For every unit test: a suite of one test case made from a table.
 *
 *   START_TEST(parses_a_plain_atom) { ... } END_TEST
 *   SUITE(parses_a_plain_atom, refuses_nul)
 *
 * SUITE is main(): each test runs in a process of its own, so a crash fails one test. */
#ifndef TESTS_SUITE_H
#define TESTS_SUITE_H

#include "base/err.h"

#include <check.h>
#include <stdlib.h>

/* A call that must return 0, with the reason shown when it does not. */
#define OK(call)                                                                                   \
	do {                                                                                       \
		struct err ok_err = {0};                                                           \
		struct err *err = &ok_err;                                                         \
		if ((call) != 0)                                                                   \
			ck_abort_msg("%s: %s", #call, ok_err.text);                                \
	} while (0)

/* A call that must fail with that code; the error is in "err" inside the call. */
#define FAILS(expected_code, call)                                                                 \
	do {                                                                                       \
		struct err fails_err = {0};                                                        \
		struct err *err = &fails_err;                                                      \
		ck_assert_msg((call) == -1, "%s did not fail", #call);                             \
		ck_assert_msg(fails_err.code == (expected_code), "%s: code %d, %s", #call,         \
		    (int)fails_err.code, fails_err.text);                                          \
	} while (0)

#define SUITE_TIMEOUT_S 120

#define SUITE(...)                                                                                 \
	int main(void)                                                                             \
	{                                                                                          \
		const TTest *all[] = {__VA_ARGS__};                                                \
		Suite *suite = suite_create(__FILE__);                                             \
		TCase *tests = tcase_create("all");                                                \
		SRunner *runner = srunner_create(suite);                                           \
		int failed;                                                                        \
                                                                                                   \
		tcase_set_timeout(tests, SUITE_TIMEOUT_S);                                         \
		for (size_t i = 0; i < sizeof all / sizeof *all; i++)                              \
			tcase_add_test(tests, all[i]);                                             \
		suite_add_tcase(suite, tests);                                                     \
		srunner_run_all(runner, CK_ENV);                                                   \
		failed = srunner_ntests_failed(runner);                                            \
		srunner_free(runner);                                                              \
		return failed > 0;                                                                 \
	}

#endif
