/* base/mem.c. */
#include "base/mem.h"

#include "../suite.h"

#include <stdint.h>
#include <string.h>

START_TEST(copies_strings)
{
	char *text = mem_string("abc");

	ck_assert_str_eq(text, "abc");
	free(text);
	ck_assert_ptr_null(mem_string(NULL));
	text = mem_string_n("abc", 2);
	ck_assert_str_eq(text, "ab");
	free(text);
	text = mem_string_n(NULL, 0);
	ck_assert_str_eq(text, "");
	free(text);
	text = mem_format("%s-%d", "a", 7);
	ck_assert_str_eq(text, "a-7");
	free(text);
}
END_TEST

START_TEST(zeroes_what_it_says)
{
	unsigned char *p = mem_zero(10, 10);

	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(p[i], 0);
	free(p);
	free(mem_zero(0, 0));
	free(mem_alloc(0));
}
END_TEST

START_TEST(grows_arrays_and_keeps_what_they_hold)
{
	size_t room = 0;
	int *array = NULL;

	for (int i = 0; i < 10000; i++) {
		array = mem_grow(array, &room, (size_t)i + 1, sizeof *array);
		ck_assert_uint_gt(room, (size_t)i);
		array[i] = i;
	}
	for (int i = 0; i < 10000; i++)
		ck_assert_int_eq(array[i], i);
	ck_assert_uint_lt(room, 20000);
	ck_assert_ptr_eq(mem_grow(array, &room, 1, sizeof *array), array);
	free(array);
}
END_TEST

/* The documented end of the process: status 70. (The sanitizer has an end of its own.) */
#if !defined(__SANITIZE_ADDRESS__)
START_TEST(ends_the_process_without_memory)
{
	volatile size_t too_much = SIZE_MAX / 4;

	mem_alloc(too_much);
}
END_TEST
#endif

START_TEST(ends_the_process_rather_than_overflow)
{
	size_t room = 0;

	mem_grow(NULL, &room, SIZE_MAX / 2, 16);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create(__FILE__);
	TCase *tests = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, copies_strings);
	tcase_add_test(tests, zeroes_what_it_says);
	tcase_add_test(tests, grows_arrays_and_keeps_what_they_hold);
#if !defined(__SANITIZE_ADDRESS__)
	tcase_add_exit_test(tests, ends_the_process_without_memory, 70);
#endif
	tcase_add_exit_test(tests, ends_the_process_rather_than_overflow, 70);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
