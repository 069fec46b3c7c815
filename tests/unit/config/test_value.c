/* config/value.c: every kind of value, what it becomes and what is refused. */
#include "config/value.h"

#include "../suite.h"
#include "config/settings.h"

#include <stdint.h>
#include <string.h>

static struct settings_archive archive;
static struct settings_account account;
static struct settings_rule rule;

static void *record_of(enum section_kind kind)
{
	void *records[] = {
	    [SECTION_ARCHIVE] = &archive, [SECTION_ACCOUNT] = &account, [SECTION_RULE] = &rule};

	return records[kind];
}

static int set(enum section_kind kind, const char *key, const char *text, struct err *err)
{
	const struct setting *setting = table_setting(&table[kind], key);

	ck_assert_msg(setting != NULL, "no key %s", key);
	return value_set(setting, text, record_of(kind), err);
}

static void release(void)
{
	for (size_t i = 0; i < SECTION_KINDS; i++)
		value_release(&table[i], record_of((enum section_kind)i));
	free(account.host);
}

static void check_size(const char *text, uint64_t expected)
{
	OK(set(SECTION_ARCHIVE, "free-floor", text, err));
	ck_assert_uint_eq(archive.free_floor_bytes, expected);
}

static void check_refused(
    enum section_kind kind, const char *key, const char *text, const char *message)
{
	struct err err = {0};

	ck_assert_int_eq(set(kind, key, text, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_str_eq(err.text, message);
}

START_TEST(sizes_are_bytes_or_have_a_unit)
{
	check_size("0", 0);
	check_size("1000", 1000);
	check_size("1k", 1024);
	check_size("1K", 1024);
	check_size("64M", 67108864);
	check_size("3m", 3145728);
	check_size("2G", 2147483648);
	check_size("1024g", 1099511627776);
}
END_TEST

START_TEST(refuses_what_is_no_size)
{
	static const char *const wrong[] = {"", "M", "-1", "1.5G", "1T", "1MB", "1 M", "0x10",
	    "1KK", "1025G", "9223372036854775807", "9223372036854775808", "9999999999G",
	    "18446744073709551616", "18014398509481985K"};

	archive.free_floor_bytes = 7;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		FAILS(ERR_CONFIG, set(SECTION_ARCHIVE, "free-floor", wrong[i], err));
	ck_assert_uint_eq(archive.free_floor_bytes, 7);
	check_refused(SECTION_ARCHIVE, "segment-size", "1T",
	    "expected a size in bytes or with K, M or G from 64K to 8G, for example 128M, not "
	    "\"1T\"");
	FAILS(ERR_CONFIG, set(SECTION_ARCHIVE, "segment-size", "65535", err));
	OK(set(SECTION_ARCHIVE, "segment-size", "65536", err));
	OK(set(SECTION_ARCHIVE, "segment-size", "8G", err));
	FAILS(ERR_CONFIG, set(SECTION_ARCHIVE, "segment-size", "8589934593", err));
}
END_TEST

START_TEST(spans_have_a_unit_and_limits)
{
	OK(set(SECTION_ACCOUNT, "every", "1m", err));
	ck_assert_int_eq(account.every_s, 60);
	OK(set(SECTION_ACCOUNT, "every", "60s", err));
	OK(set(SECTION_ACCOUNT, "every", "30d", err));
	ck_assert_int_eq(account.every_s, 30 * 86400);
	OK(set(SECTION_RULE, "after", "0s", err));
	ck_assert_int_eq(rule.after_s, 0);
	OK(set(SECTION_RULE, "after", "2w", err));
	ck_assert_int_eq(rule.after_s, 14 * 86400);
	FAILS(ERR_CONFIG, set(SECTION_ACCOUNT, "every", "59s", err));
	FAILS(ERR_CONFIG, set(SECTION_ACCOUNT, "every", "31d", err));
	FAILS(ERR_CONFIG, set(SECTION_ACCOUNT, "every", "15", err));
	FAILS(ERR_CONFIG, set(SECTION_ACCOUNT, "every", "hourly", err));
	FAILS(ERR_CONFIG, set(SECTION_RULE, "after", "-1d", err));
	FAILS(ERR_CONFIG, set(SECTION_RULE, "after", "6M", err));
	check_refused(SECTION_ACCOUNT, "timeout", "0s",
	    "expected a time with its unit (s, m, h, d, w, mo or y) from 1s to 1h, for example "
	    "60s, not "
	    "\"0s\"");
}
END_TEST

START_TEST(shares_have_a_percent_sign)
{
	OK(set(SECTION_RULE, "max-share", "1%", err));
	OK(set(SECTION_RULE, "max-share", "100%", err));
	ck_assert_int_eq(rule.max_share_percent, 100);
	FAILS(ERR_CONFIG, set(SECTION_RULE, "max-share", "0%", err));
	FAILS(ERR_CONFIG, set(SECTION_RULE, "max-share", "101%", err));
	FAILS(ERR_CONFIG, set(SECTION_RULE, "max-share", "25", err));
	FAILS(ERR_CONFIG, set(SECTION_RULE, "max-share", "%", err));
	FAILS(ERR_CONFIG, set(SECTION_RULE, "max-share", "25 %", err));
	FAILS(ERR_CONFIG, set(SECTION_RULE, "max-share", "0.25", err));
	ck_assert_int_eq(rule.max_share_percent, 100);
}
END_TEST

START_TEST(counts_have_limits)
{
	OK(set(SECTION_RULE, "max-count", "1", err));
	OK(set(SECTION_RULE, "max-count", "1000000000", err));
	ck_assert_int_eq(rule.max_count, 1000000000);
	FAILS(ERR_CONFIG, set(SECTION_RULE, "max-count", "0", err));
	FAILS(ERR_CONFIG, set(SECTION_RULE, "max-count", "18446744073709551615", err));
	FAILS(ERR_CONFIG, set(SECTION_RULE, "max-count", "1k", err));
	OK(set(SECTION_ARCHIVE, "level", "19", err));
	ck_assert_int_eq(archive.level, 19);
	FAILS(ERR_CONFIG, set(SECTION_ARCHIVE, "level", "20", err));
	FAILS(ERR_CONFIG, set(SECTION_ARCHIVE, "level", "0", err));
}
END_TEST

START_TEST(a_budget_is_a_size_or_left_to_the_host)
{
	OK(set(SECTION_ACCOUNT, "bytes-per-day", "2G", err));
	ck_assert_uint_eq(account.bytes_per_day, (uint64_t)2 << 30);
	OK(set(SECTION_ACCOUNT, "bytes-per-day", "0", err));
	ck_assert_uint_eq(account.bytes_per_day, 0);
	OK(set(SECTION_ACCOUNT, "bytes-per-day", "AUTO", err));
	ck_assert_uint_eq(account.bytes_per_day, SETTINGS_OF_HOST);
	FAILS(ERR_CONFIG, set(SECTION_ACCOUNT, "bytes-per-day", "2T", err));
	FAILS(ERR_CONFIG, set(SECTION_ACCOUNT, "bytes-per-day", "none", err));
	FAILS(ERR_CONFIG, set(SECTION_ACCOUNT, "bytes-per-day", "-1", err));
	ck_assert_uint_eq(account.bytes_per_day, SETTINGS_OF_HOST);
}
END_TEST

START_TEST(switches_are_yes_or_no)
{
	OK(set(SECTION_RULE, "auto", "yes", err));
	ck_assert(rule.is_auto);
	OK(set(SECTION_RULE, "auto", "NO", err));
	ck_assert(!rule.is_auto);
	check_refused(
	    SECTION_RULE, "auto", "maybe", "expected yes or no, for example no, not \"maybe\"");
	FAILS(ERR_CONFIG, set(SECTION_RULE, "auto", "1", err));
}
END_TEST

START_TEST(actions_are_keep_or_purge)
{
	OK(set(SECTION_RULE, "action", "purge", err));
	ck_assert_int_eq(rule.action, SETTINGS_PURGE);
	OK(set(SECTION_RULE, "action", "keep", err));
	ck_assert_int_eq(rule.action, SETTINGS_KEEP);
	check_refused(SECTION_RULE, "action", "delete",
	    "expected keep or purge, for example purge, not \"delete\"");
	FAILS(ERR_CONFIG, set(SECTION_RULE, "action", "Purge", err));
	ck_assert_int_eq(rule.action, SETTINGS_KEEP);
}
END_TEST

START_TEST(paths_begin_at_the_root_or_at_home)
{
	setenv("HOME", "/home/x", 1);
	OK(set(SECTION_ARCHIVE, "path", "~/Mail", err));
	ck_assert_str_eq(archive.path, "/home/x/Mail");
	OK(set(SECTION_ARCHIVE, "path", "~", err));
	ck_assert_str_eq(archive.path, "/home/x");
	OK(set(SECTION_ARCHIVE, "path", "/srv/mail archive", err));
	ck_assert_str_eq(archive.path, "/srv/mail archive");
	FAILS(ERR_CONFIG, set(SECTION_ARCHIVE, "path", "Mail", err));
	FAILS(ERR_CONFIG, set(SECTION_ARCHIVE, "path", "./Mail", err));
	FAILS(ERR_CONFIG, set(SECTION_ARCHIVE, "path", "\"/srv/mail\"", err));
	FAILS(ERR_CONFIG, set(SECTION_ARCHIVE, "path", "~other/Mail", err));
	FAILS(ERR_CONFIG, set(SECTION_ARCHIVE, "path", "$HOME/Mail", err));
	ck_assert_str_eq(archive.path, "/srv/mail archive");
	unsetenv("HOME");
	FAILS(ERR_CONFIG, set(SECTION_ARCHIVE, "path", "~/Mail", err));
	release();
}
END_TEST

/* Who writes the password where its file's name belongs must not find it in a log. */
START_TEST(errors_do_not_show_what_may_be_a_password)
{
	static const char *const keys[] = {
	    "password-file", "password-env", "url", "tls-pin", "tls-ca"};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		struct err err = {0};

		ck_assert_int_eq(set(SECTION_ACCOUNT, keys[i], "hunter2!", &err), -1);
		ck_assert_ptr_null(strstr(err.text, "hunter"));
		ck_assert_ptr_nonnull(strstr(err.text, "for example"));
	}
}
END_TEST

START_TEST(variables_have_a_name)
{
	OK(set(SECTION_ACCOUNT, "password-env", "_MAIL_PW2", err));
	ck_assert_str_eq(account.password_env, "_MAIL_PW2");
	FAILS(ERR_CONFIG, set(SECTION_ACCOUNT, "password-env", "$PW", err));
	FAILS(ERR_CONFIG, set(SECTION_ACCOUNT, "password-env", "2PW", err));
	FAILS(ERR_CONFIG, set(SECTION_ACCOUNT, "password-env", "9PW", err));
	FAILS(ERR_CONFIG, set(SECTION_ACCOUNT, "password-env", "0PW", err));
	FAILS(ERR_CONFIG, set(SECTION_ACCOUNT, "password-env", "A=B", err));
	FAILS(ERR_CONFIG, set(SECTION_ACCOUNT, "password-env", "my-pw", err));
	release();
}
END_TEST

/* The first pin is that of curl's manual for CURLOPT_PINNEDPUBLICKEY. */
START_TEST(pins_are_a_canonical_sha256)
{
	OK(set(SECTION_ACCOUNT, "tls-pin",
	    "sha256//YhKJKSzoTt2b5FP18fvpHo7fJYqQCjAa3HWY3tvRMwE=", err));
	ck_assert_str_eq(account.tls_pin, "sha256//YhKJKSzoTt2b5FP18fvpHo7fJYqQCjAa3HWY3tvRMwE=");
	FAILS(ERR_CONFIG,
	    set(SECTION_ACCOUNT, "tls-pin", "YhKJKSzoTt2b5FP18fvpHo7fJYqQCjAa3HWY3tvRMwE=", err));
	FAILS(ERR_CONFIG,
	    set(SECTION_ACCOUNT, "tls-pin",
		"sha1//YhKJKSzoTt2b5FP18fvpHo7fJYqQCjAa3HWY3tvRMwE=", err));
	FAILS(ERR_CONFIG,
	    set(SECTION_ACCOUNT, "tls-pin",
		"sha256//YhKJKSzoTt2b5FP18fvpHo7fJYqQCjAa3HWY3tvRMwF=", err));
	FAILS(ERR_CONFIG,
	    set(SECTION_ACCOUNT, "tls-pin", "sha256//YhKJKSzoTt2b5FP18fvpHo7fJYqQCjAa3HWY3tvRMwEA",
		err));
	FAILS(ERR_CONFIG,
	    set(SECTION_ACCOUNT, "tls-pin",
		"sha256//YhKJKSzoTt2b5FP18fvpHo7fJYqQCjAa3HWY3tvRMw==", err));
	FAILS(ERR_CONFIG,
	    set(SECTION_ACCOUNT, "tls-pin", "sha256//YhKJKSzoTt2b5FP18fvpHo7fJYqQCjAa3HWY3tvRMwE",
		err));
	FAILS(ERR_CONFIG,
	    set(SECTION_ACCOUNT, "tls-pin",
		"sha256//YhKJKSzoTt2b5FP18fvpHo7fJYqQCjAa3HWY3tvR_wE=", err));
	FAILS(ERR_CONFIG, set(SECTION_ACCOUNT, "tls-pin", "sha256//", err));
	FAILS(ERR_CONFIG,
	    set(SECTION_ACCOUNT, "tls-pin",
		"sha384//YhKJKSzoTt2b5FP18fvpHo7fJYqQCjAa3HWY3tvRMwE=", err));
	release();
}
END_TEST

START_TEST(a_user_of_its_own_wins_in_either_order)
{
	OK(set(SECTION_ACCOUNT, "url", "imaps://a@h", err));
	ck_assert_str_eq(account.user, "a");
	OK(set(SECTION_ACCOUNT, "user", "b", err));
	ck_assert_str_eq(account.user, "b");
	OK(set(SECTION_ACCOUNT, "url", "imap://c@i:143", err));
	ck_assert_str_eq(account.user, "b");
	ck_assert_str_eq(account.url, "imap://i:143");
	ck_assert_str_eq(account.host, "i");
	release();
}
END_TEST

START_TEST(texts_stand_as_they_are)
{
	OK(set(SECTION_ACCOUNT, "password-command", "gpg -qd ~/a.gpg | sed 's/;//' # x", err));
	ck_assert_str_eq(account.password_command, "gpg -qd ~/a.gpg | sed 's/;//' # x");
	OK(set(SECTION_RULE, "match", "\"a ; b\" OR (x -y)", err));
	ck_assert_str_eq(rule.match, "\"a ; b\" OR (x -y)");
	OK(set(SECTION_ACCOUNT, "user", "DOMAIN\\me %40", err));
	ck_assert_str_eq(account.user, "DOMAIN\\me %40");
	release();
}
END_TEST

START_TEST(folders_are_patterns)
{
	OK(set(SECTION_ACCOUNT, "folders", "*, !Spam", err));
	ck_assert_str_eq(account.folders, "*, !Spam");
	check_refused(SECTION_ACCOUNT, "folders", "a,,b",
	    "expected patterns with one comma between each and the next, for example *, !Spam, "
	    "!Trash, not \"a,,b\"");
	ck_assert_str_eq(account.folders, "*, !Spam");
	release();
}
END_TEST

START_TEST(names_are_short_and_plain)
{
	char name[66];

	OK(set(SECTION_RULE, "account", "Work.2", err));
	ck_assert_str_eq(rule.account, "Work.2");
	check_refused(SECTION_RULE, "account", "my account",
	    "expected the name of an account, for example work, not \"my account\"");
	release();
	memset(name, 'n', sizeof name);
	ck_assert(value_is_name((struct bytes){name, 64}));
	ck_assert(!value_is_name((struct bytes){name, 65}));
	ck_assert(!value_is_name(BYTES("")));
	ck_assert(value_is_name(BYTES("Work.2-b_c")));
	ck_assert(value_is_name(BYTES("_")));
	ck_assert(value_is_name(BYTES("9")));
	ck_assert(!value_is_name(BYTES("-v")));
	ck_assert(!value_is_name(BYTES(".")));
	ck_assert(!value_is_name(BYTES("..")));
	ck_assert(!value_is_name(BYTES("a b")));
	ck_assert(!value_is_name(BYTES("a/b")));
	ck_assert(!value_is_name(BYTES("\xc3\xbc")));
	ck_assert(!value_is_name(BYTES("a\0b")));
}
END_TEST

START_TEST(sees_what_seems_to_be_a_comment)
{
	ck_assert(value_ends_in_comment("keep ; shields"));
	ck_assert(value_ends_in_comment("keep\t;shields"));
	ck_assert(value_ends_in_comment("/mail # the archive"));
	ck_assert(value_ends_in_comment("/mail #"));
	ck_assert(value_ends_in_comment("\"a\" ; b"));
	ck_assert(!value_ends_in_comment("a;b"));
	ck_assert(!value_ends_in_comment("a#b"));
	ck_assert(!value_ends_in_comment("/mnt/disk #2"));
	ck_assert(!value_ends_in_comment("\"a ; b # c\""));
	ck_assert(!value_ends_in_comment("; at the start"));
	ck_assert(!value_ends_in_comment(""));
}
END_TEST

SUITE(sizes_are_bytes_or_have_a_unit, refuses_what_is_no_size, spans_have_a_unit_and_limits,
    shares_have_a_percent_sign, counts_have_limits, switches_are_yes_or_no,
    a_budget_is_a_size_or_left_to_the_host, actions_are_keep_or_purge,
    paths_begin_at_the_root_or_at_home, errors_do_not_show_what_may_be_a_password,
    variables_have_a_name, pins_are_a_canonical_sha256, a_user_of_its_own_wins_in_either_order,
    texts_stand_as_they_are, folders_are_patterns, names_are_short_and_plain,
    sees_what_seems_to_be_a_comment)
