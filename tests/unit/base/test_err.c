/* base/err.c: the object that says what went wrong. */
#include "base/err.h"

#include "../suite.h"

#include <errno.h>
#include <string.h>

START_TEST(says_what_and_when_to_try_again)
{
	struct err err = {0};

	ck_assert_int_eq(err_set(&err, ERR_NETWORK, "no route to %s", "h"), -1);
	ck_assert_int_eq(err.code, ERR_NETWORK);
	ck_assert_int_eq(err.retry, RETRY_LATER);
	ck_assert_int_eq(err.scope, SCOPE_ACCOUNT);
	ck_assert_str_eq(err.text, "no route to h");
	err_set(&err, ERR_DAMAGED, "bad");
	ck_assert_int_eq(err.retry, RETRY_NEVER);
	ck_assert_int_eq(err.scope, SCOPE_MESSAGE);
	ck_assert_str_eq(err.text, "bad");
	err_class(&err, RETRY_NOW, SCOPE_FOLDER);
	ck_assert_int_eq(err.code, ERR_DAMAGED);
	ck_assert_int_eq(err.retry, RETRY_NOW);
	ck_assert_int_eq(err.scope, SCOPE_FOLDER);
	err_clear(&err);
	ck_assert_int_eq(err.code, ERR_NONE);
	ck_assert_str_eq(err.text, "");
}
END_TEST

START_TEST(null_is_legal_and_fails_all_the_same)
{
	ck_assert_int_eq(err_set(NULL, ERR_IO, "x"), -1);
	ck_assert_int_eq(err_os(NULL, EIO, "x"), -1);
	ck_assert_int_eq(err_add(NULL, "x"), -1);
	err_class(NULL, RETRY_NOW, SCOPE_FOLDER);
	err_clear(NULL);
}
END_TEST

START_TEST(a_full_disk_is_no_broken_one)
{
	struct err err = {0};

	ck_assert_int_eq(err_os(&err, ENOSPC, "cannot write %s", "f"), -1);
	ck_assert_int_eq(err.code, ERR_SPACE);
	ck_assert_str_eq(err.text, "cannot write f: No space left on device");
	err_os(&err, EDQUOT, "x");
	ck_assert_int_eq(err.code, ERR_SPACE);
	err_os(&err, EACCES, "cannot open %s", "f");
	ck_assert_int_eq(err.code, ERR_IO);
	ck_assert_str_eq(err.text, "cannot open f: Permission denied");
	err_os(&err, EIO, "x");
	ck_assert_int_eq(err.code, ERR_IO);
}
END_TEST

START_TEST(context_stands_in_front)
{
	struct err err = {0};

	err_set(&err, ERR_LOGIN, "wrong password");
	ck_assert_int_eq(err_add(&err, "account %s", "work"), -1);
	ck_assert_int_eq(err_add(&err, "sync"), -1);
	ck_assert_str_eq(err.text, "sync: account work: wrong password");
	ck_assert_int_eq(err.code, ERR_LOGIN);
}
END_TEST

START_TEST(long_texts_are_cut_and_end)
{
	char text[3 * ERR_TEXT_BYTES];
	struct err err;

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	memset(&err, 0xff, sizeof err);
	err_set(&err, ERR_IO, "%s", text);
	ck_assert_uint_eq(strlen(err.text), ERR_TEXT_BYTES - 1);
	err_add(&err, "context");
	ck_assert_uint_eq(strlen(err.text), ERR_TEXT_BYTES - 1);
	ck_assert(strncmp(err.text, "context: xxx", 12) == 0);
	err_add(&err, "%s", text);
	ck_assert_uint_eq(strlen(err.text), ERR_TEXT_BYTES - 1);
	err_os(&err, EIO, "%s", text);
	ck_assert_uint_eq(strlen(err.text), ERR_TEXT_BYTES - 1);
	err_os(&err, EIO, "%.*s", ERR_TEXT_BYTES - 8, text);
	ck_assert_str_eq(err.text + ERR_TEXT_BYTES - 8, ": Input");
}
END_TEST

/* No damage to one message may look like damage to all, and none may be tried for ever. */
START_TEST(every_code_has_its_class)
{
	struct err err = {0};

	for (int code = ERR_USAGE; code <= ERR_BUG; code++) {
		err_set(&err, (enum err_code)code, "x");
		ck_assert_int_eq(err.code, code);
		ck_assert_int_ne(err.retry, RETRY_NOW);
	}
	err_set(&err, ERR_LOCKED, "x");
	ck_assert_int_eq(err.retry, RETRY_LATER);
	err_set(&err, ERR_SERVER, "x");
	ck_assert_int_eq(err.scope, SCOPE_FOLDER);
	err_set(&err, ERR_LIMIT, "x");
	ck_assert_int_eq(err.scope, SCOPE_MESSAGE);
	err_set(&err, ERR_CONFIG, "x");
	ck_assert_int_eq(err.scope, SCOPE_ARCHIVE);
	err_set(&err, ERR_LOGIN, "x");
	ck_assert_int_eq(err.retry, RETRY_NEVER);
	ck_assert_int_eq(err.scope, SCOPE_ACCOUNT);
}
END_TEST

SUITE(says_what_and_when_to_try_again, null_is_legal_and_fails_all_the_same,
    a_full_disk_is_no_broken_one, context_stands_in_front, long_texts_are_cut_and_end,
    every_code_has_its_class)
