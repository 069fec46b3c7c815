/* config/nearest.c: the name somebody meant. */
#include "config/settings.h"

#include "../suite.h"

#include <string.h>

static const char *const keys[] = {"url", "user", "password-command", "password-file",
    "password-env", "folders", "every", "timeout"};

static void check_nearest(const char *wrong, const char *expected)
{
	ck_assert_pstr_eq(settings_nearest(wrong, keys, sizeof keys / sizeof *keys), expected);
}

START_TEST(finds_a_name_with_one_slip)
{
	check_nearest("pasword-file", "password-file");
	check_nearest("passwordfile", "password-file");
	check_nearest("password_file", "password-file");
	check_nearest("flders", "folders");
	check_nearest("foldersx", "folders");
	check_nearest("usr", "user");
	check_nearest("ulr", "url");
	check_nearest("evrey", "every");
}
END_TEST

START_TEST(takes_no_notice_of_case)
{
	check_nearest("URL", "url");
	check_nearest("Folders", "folders");
	check_nearest("PASSWORD-ENV", "password-env");
	ck_assert_str_eq(settings_nearest("AZ", (const char *const[]){"az"}, 1), "az");
	ck_assert_ptr_null(settings_nearest("@[", (const char *const[]){"`{"}, 1));
}
END_TEST

START_TEST(finds_the_nearest_of_several)
{
	check_nearest("password-fil", "password-file");
	check_nearest("password-ev", "password-env");
	check_nearest("password-comand", "password-command");
	ck_assert_str_eq(
	    settings_nearest("abcx", (const char *const[]){"abcd", "abce"}, 2), "abcd");
}
END_TEST

START_TEST(a_third_may_differ_and_no_more)
{
	const char *const name[] = {"abcdef"};

	ck_assert_pstr_eq(settings_nearest("abcdef", name, 1), "abcdef");
	ck_assert_pstr_eq(settings_nearest("abcdxx", name, 1), "abcdef");
	ck_assert_pstr_eq(settings_nearest("abcxxx", name, 1), NULL);
	ck_assert_pstr_eq(settings_nearest("abcd", name, 1), "abcdef");
	ck_assert_pstr_eq(settings_nearest("abc", name, 1), NULL);
	ck_assert_pstr_eq(settings_nearest("abcdefxx", name, 1), "abcdef");
	ck_assert_pstr_eq(settings_nearest("abcdefxxx", name, 1), NULL);
	ck_assert_pstr_eq(settings_nearest("badcef", name, 1), "abcdef");
	ck_assert_pstr_eq(settings_nearest("badcfe", name, 1), NULL);
	ck_assert_pstr_eq(settings_nearest("cdef", name, 1), "abcdef");
	ck_assert_pstr_eq(settings_nearest("def", name, 1), NULL);
	ck_assert_pstr_eq(settings_nearest("xxabcdef", name, 1), "abcdef");
	ck_assert_pstr_eq(settings_nearest("xxxabcdef", name, 1), NULL);
}
END_TEST

START_TEST(finds_nothing_where_nothing_is_near)
{
	check_nearest("compression", NULL);
	check_nearest("", NULL);
	check_nearest("x", NULL);
	ck_assert_ptr_null(settings_nearest("url", keys, 0));
}
END_TEST

START_TEST(long_names_are_near_nothing)
{
	char name[200];
	const char *names[] = {name};

	memset(name, 'a', sizeof name);
	name[96] = '\0';
	ck_assert_ptr_eq(settings_nearest(name, names, 1), name);
	name[96] = 'a';
	name[199] = '\0';
	ck_assert_ptr_null(settings_nearest(name, names, 1));
	check_nearest(name, NULL);
}
END_TEST

SUITE(finds_a_name_with_one_slip, takes_no_notice_of_case, finds_the_nearest_of_several,
    a_third_may_differ_and_no_more, finds_nothing_where_nothing_is_near,
    long_names_are_near_nothing)
