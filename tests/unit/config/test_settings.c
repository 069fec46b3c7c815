/* config/settings.c: whole files, what they become, and where errors say they are wrong. */
#include "config/settings.h"

#include "../suite.h"
#include "base/file.h"

#include <string.h>
#include <unistd.h>

#define ARCHIVE "[archive]\npath = /a\n"
#define ACCOUNT "[account work]\nurl = imaps://me@h\npassword-env = PW\n"
#define RULE    "[rule old]\nmatch = older:1y\naction = purge\n"

static struct settings *read_text(const char *text)
{
	struct settings *settings = NULL;

	OK(settings_parse(&settings, bytes_of(text), "/x/config", err));
	return settings;
}

static void check_refused(const char *text, const char *message)
{
	struct settings *settings = NULL;
	struct err err = {0};

	ck_assert_msg(settings_parse(&settings, bytes_of(text), "/x/config", &err) == -1,
	    "taken, and not refused with: %s", message);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_str_eq(err.text, message);
	ck_assert_ptr_null(settings);
}

START_TEST(a_short_file_has_all_defaults)
{
	struct settings *settings = read_text(ARCHIVE ACCOUNT RULE);
	const struct settings_account *account = settings_account(settings, "work");
	const struct settings_rule *rule = &settings->rule[0];

	ck_assert_str_eq(settings->path, "/x/config");
	ck_assert_str_eq(settings->archive.path, "/a");
	ck_assert_ptr_null(settings->archive.databases);
	ck_assert_uint_eq(settings->archive.segment_bytes, 128 << 20);
	ck_assert_uint_eq(settings->archive.free_floor_bytes, 64 << 20);
	ck_assert_uint_eq(settings->archive.max_message_bytes, UINT64_C(2) << 30);
	ck_assert_int_eq(settings->archive.level, 3);
	ck_assert_uint_eq(settings->account_count, 1);
	ck_assert_str_eq(account->folders, "*");
	ck_assert_int_eq(account->every_s, 900);
	ck_assert_int_eq(account->timeout_s, 60);
	ck_assert_int_eq(account->connections, 1);
	ck_assert_ptr_null(account->tls_ca);
	ck_assert_ptr_null(account->tls_pin);
	ck_assert_uint_eq(settings->rule_count, 1);
	ck_assert_ptr_null(rule->account);
	ck_assert_int_eq(rule->after_s, 7 * 86400);
	ck_assert_int_eq(rule->max_share_percent, 25);
	ck_assert_int_eq(rule->max_count, 10000);
	ck_assert(!rule->is_auto);
	settings_free(settings);
}
END_TEST

START_TEST(a_long_file_has_all_it_says)
{
	struct settings *settings = read_text(
	    "[rule keep]\nmatch = from:shop older:10y\naction = keep\n"
	    "[account b]\nuser = me@x\nurl = imap://h:144\npassword-command = pass b; true\n"
	    "folders = *, !Spam\nevery = 1h\ntls-ca = /ca.pem\ntimeout = 5m\n"
	    "connections = 5\n"
	    "[archive]\npath = /a\ndatabases = /d\nmirror = /m\n"
	    "purge-needs-mirror = yes\nsegment-size = 1M\nfree-floor = 0\n"
	    "max-message = 1G\nlevel = 19\n"
	    "[rule go]\nmatch = larger:1M\naction = purge\naccount = b\nafter = 1d\n"
	    "max-share = 50%\nmax-count = 5\nauto = yes\n");
	const struct settings_account *account = settings_account(settings, "b");
	const struct settings_rule *rule = &settings->rule[1];

	ck_assert_str_eq(settings->archive.databases, "/d");
	ck_assert_str_eq(settings->archive.mirror, "/m");
	ck_assert(settings->archive.purge_needs_mirror);
	ck_assert_uint_eq(settings->archive.segment_bytes, 1 << 20);
	ck_assert_uint_eq(settings->archive.free_floor_bytes, 0);
	ck_assert_uint_eq(settings->archive.max_message_bytes, 1 << 30);
	ck_assert_int_eq(settings->archive.level, 19);
	ck_assert_int_eq(account->line, 4);
	ck_assert_str_eq(account->user, "me@x");
	ck_assert_str_eq(account->url, "imap://h:144");
	ck_assert_str_eq(account->host, "h");
	ck_assert_str_eq(account->password_command, "pass b; true");
	ck_assert_ptr_null(account->password_file);
	ck_assert_ptr_null(account->password_env);
	ck_assert_str_eq(account->folders, "*, !Spam");
	ck_assert_int_eq(account->every_s, 3600);
	ck_assert_str_eq(account->tls_ca, "/ca.pem");
	ck_assert_int_eq(account->timeout_s, 300);
	ck_assert_int_eq(account->connections, 5);
	ck_assert_str_eq(settings->rule[0].name, "keep");
	ck_assert_int_eq(settings->rule[0].action, SETTINGS_KEEP);
	ck_assert_str_eq(rule->name, "go");
	ck_assert_int_eq(rule->line, 22);
	ck_assert_str_eq(rule->match, "larger:1M");
	ck_assert_int_eq(rule->action, SETTINGS_PURGE);
	ck_assert_str_eq(rule->account, "b");
	ck_assert_int_eq(rule->after_s, 86400);
	ck_assert_int_eq(rule->max_share_percent, 50);
	ck_assert_int_eq(rule->max_count, 5);
	ck_assert(rule->is_auto);
	settings_free(settings);
}
END_TEST

START_TEST(many_sections_keep_their_order)
{
	struct settings *settings;
	struct buf text;
	char name[16];

	buf_init(&text, 1 << 20);
	buf_text(&text, ARCHIVE);
	for (int i = 0; i < 100; i++)
		buf_format(&text,
		    "[account a%d]\nurl = imaps://u%d@h\npassword-env = P\n"
		    "[rule r%d]\nmatch = x\naction = keep\naccount = a%d\n",
		    i, i, i, i);
	settings = read_text(buf_string(&text));
	ck_assert_uint_eq(settings->account_count, 100);
	ck_assert_uint_eq(settings->rule_count, 100);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "a%d", i);
		ck_assert_str_eq(settings->account[i].name, name);
		ck_assert_str_eq(settings->rule[i].account, name);
		ck_assert_str_eq(settings->account[i].user + 1, name + 1);
		ck_assert_ptr_eq(settings_account(settings, name), &settings->account[i]);
	}
	ck_assert_ptr_null(settings_account(settings, "a100"));
	settings_free(settings);
	buf_release(&text);
}
END_TEST

START_TEST(an_archive_alone_is_enough)
{
	struct settings *settings = read_text("[archive]\npath = /a");

	ck_assert_uint_eq(settings->account_count, 0);
	ck_assert_ptr_null(settings_account(settings, "work"));
	settings_free(settings);
	settings_free(NULL);
}
END_TEST

START_TEST(unknown_keys_come_with_the_nearest)
{
	check_refused(ARCHIVE "[account work]\npasword-file = /p\n",
	    "/x/config:4: unknown key \"pasword-file\" in [account work]; did you mean "
	    "\"password-file\"?");
	check_refused("[archive]\nPath = /a\n",
	    "/x/config:2: unknown key \"Path\" in [archive]; did you mean \"path\"?");
	check_refused(ARCHIVE "color = red\n", "/x/config:3: unknown key \"color\" in [archive]");
	check_refused(
	    ARCHIVE RULE "until = 80%\n", "/x/config:6: unknown key \"until\" in [rule old]");
}
END_TEST

START_TEST(unknown_sections_come_with_the_nearest)
{
	check_refused("[acount work]\n",
	    "/x/config:1: unknown section [acount work]; did you mean \"account\"?");
	check_refused(
	    "[Archive]\n", "/x/config:1: unknown section [Archive]; did you mean \"archive\"?");
	check_refused(ARCHIVE "\n[notify]\n",
	    "/x/config:4: unknown section [notify]; expected [archive], [account NAME] or [rule "
	    "NAME]");
	check_refused("[]\n",
	    "/x/config:1: unknown section []; expected [archive], [account NAME] or [rule NAME]");
}
END_TEST

START_TEST(nothing_stands_twice)
{
	check_refused(ARCHIVE "# x\npath = /b\n",
	    "/x/config:4: \"path\" stands twice in [archive], also in line 2");
	check_refused(ARCHIVE "[archive]\n", "/x/config:3: [archive] stands twice, also in line 1");
	check_refused(
	    ARCHIVE ACCOUNT ACCOUNT, "/x/config:6: [account work] stands twice, also in line 3");
	check_refused(ARCHIVE RULE RULE, "/x/config:6: [rule old] stands twice, also in line 3");
	settings_free(read_text(ARCHIVE ACCOUNT "[rule work]\nmatch = x\naction = keep\n"));
}
END_TEST

START_TEST(sections_have_the_name_they_need)
{
	check_refused("[archive home]\n", "/x/config:1: [archive] takes no name");
	check_refused("[account]\n",
	    "/x/config:1: [account] needs a name of letters, digits and . _ - (at most 64), for "
	    "example [account work]");
	check_refused("[rule \"a\"]\n",
	    "/x/config:1: [rule] needs a name of letters, digits and . _ - (at most 64), for "
	    "example [rule old-and-big]");
	check_refused("[rule a b]\n",
	    "/x/config:1: [rule] needs a name of letters, digits and . _ - (at most 64), for "
	    "example [rule old-and-big]");
}
END_TEST

START_TEST(missing_keys_name_the_line_of_the_section)
{
	check_refused("\n[archive]\nlevel = 3\n",
	    "/x/config:2: [archive] has no \"path\"; for example path = ~/Mail/archive");
	check_refused(ARCHIVE "[account work]\npassword-env = PW\n" RULE,
	    "/x/config:3: [account work] has no \"url\"; for example url = "
	    "imaps://me@imap.example.org");
	check_refused(ARCHIVE "[rule a]\nmatch = x\n",
	    "/x/config:3: [rule a] has no \"action\"; for example action = purge");
	check_refused(ARCHIVE "[account a]\nurl = imaps://h\npassword-env = PW\n",
	    "/x/config:3: [account a] names no user; expected imaps://USER@HOST in \"url\", or "
	    "\"user\"");
	check_refused(ACCOUNT,
	    "/x/config:1: the file has no [archive] section with the archive's path, for example "
	    "path = ~/Mail/archive; \"mailcask init\" writes one");
}
END_TEST

START_TEST(a_mirror_that_is_needed_has_a_name)
{
	check_refused("[archive]\npath = /a\npurge-needs-mirror = yes\n" ACCOUNT,
	    "/x/config:1: [archive] says purge-needs-mirror = yes but names no mirror; for example "
	    "mirror = /media/me/disk/mail");
}
END_TEST

START_TEST(an_account_has_exactly_one_password)
{
	check_refused(ARCHIVE "[account a]\nurl = imaps://me@h\n",
	    "/x/config:3: [account a] does not say where its password comes from; expected one of "
	    "password-command, password-file and password-env, for example password-command = pass "
	    "show mail/work");
	check_refused(ARCHIVE ACCOUNT "password-file = /p\n",
	    "/x/config:3: [account work] has both \"password-file\" and \"password-env\"; expected "
	    "one of them");
}
END_TEST

START_TEST(a_password_in_the_file_is_refused_and_not_shown)
{
	check_refused(ARCHIVE "[account a]\npassword = hunter2\n",
	    "/x/config:4: a password has no place in this file; say where it comes from with "
	    "password-command = COMMAND, password-file = FILE or password-env = VARIABLE");
	check_refused(ARCHIVE "[account a]\nPassword = hunter2\n",
	    "/x/config:4: a password has no place in this file; say where it comes from with "
	    "password-command = COMMAND, password-file = FILE or password-env = VARIABLE");
}
END_TEST

START_TEST(wrong_values_name_line_and_key)
{
	check_refused("[archive]\npath = /a\n\nlevel = 25\n",
	    "/x/config:4: \"level\" in [archive]: expected a number from 1 to 19, for example 3, "
	    "not \"25\"");
	check_refused(ARCHIVE "[account a]\nurl = pop3s://me@h\n",
	    "/x/config:4: \"url\" in [account a]: POP3 is not supported by this version; expected "
	    "imaps:// or imap://, for example imaps://me@imap.example.org");
	check_refused("[archive]\npath =\n",
	    "/x/config:2: \"path\" in [archive] is empty; for example path = ~/Mail/archive");
}
END_TEST

START_TEST(comments_behind_values_are_refused)
{
	check_refused("[archive]\npath = /a ; here\n",
	    "/x/config:2: \"path\" in [archive] seems to end in a comment; comments stand on lines "
	    "of their own");
	check_refused(ARCHIVE "[rule a]\nmatch = older:1y ; all of it\n",
	    "/x/config:4: \"match\" in [rule a] seems to end in a comment; comments stand on lines "
	    "of their own");
	struct settings *settings = read_text(
	    ARCHIVE "[account a]\nurl = imaps://me@h\npassword-command = pass a ; true # x\n"
		    "[rule r]\nmatch = subject:\"a ; b\" #12\naction = keep\n");
	ck_assert_str_eq(settings->account[0].password_command, "pass a ; true # x");
	ck_assert_str_eq(settings->rule[0].match, "subject:\"a ; b\" #12");
	settings_free(settings);
}
END_TEST

START_TEST(rules_name_accounts_that_exist)
{
	struct settings *settings = read_text(ARCHIVE RULE "account = work\n" ACCOUNT);

	ck_assert_str_eq(settings->rule[0].account, "work");
	settings_free(settings);
	check_refused(ARCHIVE RULE RULE, "/x/config:6: [rule old] stands twice, also in line 3");
	check_refused(ARCHIVE "[rule b]\nmatch = x\naction = keep\n" RULE "account = wrk\n" ACCOUNT,
	    "/x/config:9: [rule old] is for account \"wrk\", which has no section; did you mean "
	    "\"work\"?");
	check_refused(ARCHIVE RULE "account = home\n",
	    "/x/config:6: [rule old] is for account \"home\", which has no section");
}
END_TEST

START_TEST(keys_stand_below_a_section)
{
	check_refused("path = /a\n",
	    "/x/config:1: \"path\" stands before the first section, for example [archive]");
	check_refused("",
	    "/x/config:1: the file has no [archive] section with the archive's path, for "
	    "example path = ~/Mail/archive; \"mailcask init\" writes one");
}
END_TEST

START_TEST(reads_a_file)
{
	char folder[] = "/tmp/test_settings-XXXXXX", *path;
	struct settings *settings = NULL;
	struct err absent = {0};

	ck_assert_ptr_nonnull(mkdtemp(folder));
	path = file_join(folder, "config");
	ck_assert_int_eq(settings_read(&settings, path, &absent), -1);
	ck_assert_int_eq(absent.code, ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(absent.text, "mailcask init"));
	ck_assert_ptr_nonnull(strstr(absent.text, path));
	OK(file_replace(path, BYTES(ARCHIVE), 0600, err));
	OK(settings_read(&settings, path, err));
	ck_assert_str_eq(settings->path, path);
	ck_assert_str_eq(settings->archive.path, "/a");
	settings_free(settings);
	FAILS(ERR_CONFIG, settings_read(&settings, folder, err));
	ck_assert_int_eq(truncate(path, 1024 * 1024 + 1), 0);
	FAILS(ERR_CONFIG, settings_read(&settings, path, err));
	unlink(path);
	rmdir(folder);
	free(path);
}
END_TEST

START_TEST(knows_where_the_file_is)
{
	char *path;

	setenv("HOME", "/home/x", 1);
	setenv("XDG_CONFIG_HOME", "/cfg", 1);
	ck_assert_str_eq(path = settings_default_path(), "/cfg/mailcask/config");
	free(path);
	setenv("XDG_CONFIG_HOME", "relative", 1);
	ck_assert_str_eq(path = settings_default_path(), "/home/x/.config/mailcask/config");
	free(path);
	setenv("XDG_CONFIG_HOME", "", 1);
	ck_assert_str_eq(path = settings_default_path(), "/home/x/.config/mailcask/config");
	free(path);
	unsetenv("XDG_CONFIG_HOME");
	ck_assert_str_eq(path = settings_default_path(), "/home/x/.config/mailcask/config");
	free(path);
}
END_TEST

SUITE(a_short_file_has_all_defaults, a_long_file_has_all_it_says, many_sections_keep_their_order,
    an_archive_alone_is_enough, unknown_keys_come_with_the_nearest,
    unknown_sections_come_with_the_nearest, nothing_stands_twice, sections_have_the_name_they_need,
    missing_keys_name_the_line_of_the_section, a_mirror_that_is_needed_has_a_name,
    an_account_has_exactly_one_password, a_password_in_the_file_is_refused_and_not_shown,
    wrong_values_name_line_and_key, comments_behind_values_are_refused,
    rules_name_accounts_that_exist, keys_stand_below_a_section, reads_a_file,
    knows_where_the_file_is)
