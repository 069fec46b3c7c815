/* app/command.c and app/app.c: command lines, exit statuses, what is said on standard error. */
#include "app/command.h"

#include "tests/unit/app/capture.h"

static int run_nothing(struct app *app, const struct arguments *arguments)
{
	(void)app, (void)arguments;
	return 0;
}

static const struct command command = {.name = "try",
    .operands = "WHAT...",
    .summary = "Try it",
    .example = "mailcask try x",
    .option = {{"limit", 'l', "N", "at most"}, {"all", 'a', NULL, "everything"},
	{"map", 0, "FROM=TO", "again and again"}},
    .operands_min = 1,
    .operands_max = 3,
    .run = run_nothing};

static struct app app;
static struct arguments arguments;
static struct capture capture;

/* The words, up to NULL. */
static int parse(char **words)
{
	static char *argv[20]; /* operands point into it */
	int argc = 0, result;

	for (; words[argc]; argc++)
		argv[argc] = words[argc];
	argv[argc] = NULL;
	app = (struct app){0};
	capture_begin(&capture, stderr);
	result = command_parse(&command, argc, argv, &app, &arguments);
	return result;
}

#define PARSE(...) parse((char *[]){"try", __VA_ARGS__, NULL})

START_TEST(operands_and_options_in_any_order)
{
	char *joined;

	ck_assert_int_eq(PARSE("one", "--limit", "5", "two", "-a", "--", "-x"), 0);
	capture_is(&capture, "");
	ck_assert_int_eq(arguments.operand_count, 3);
	joined = arguments_join(&arguments);
	ck_assert_str_eq(joined, "one two -x");
	free(joined);
	ck_assert_str_eq(argument(&command, &arguments, "limit"), "5");
	ck_assert_str_eq(argument(&command, &arguments, "all"), "");
	ck_assert_ptr_null(argument(&command, &arguments, "map"));
	ck_assert_int_eq(PARSE("-l7", "one"), 0);
	capture_is(&capture, "");
	ck_assert_str_eq(argument(&command, &arguments, "limit"), "7");
	ck_assert_ptr_null(argument(&command, &arguments, "all"));
}
END_TEST

START_TEST(options_that_all_commands_have)
{
	ck_assert_int_eq(PARSE("x", "-c", "file", "--archive=dir", "--json", "-q", "--verbose"), 0);
	capture_is(&capture, "");
	ck_assert_str_eq(app.config_path, "file");
	ck_assert_str_eq(app.archive_path, "dir");
	ck_assert(app.json && app.quiet && app.verbose);
	ck_assert_int_eq(PARSE("x"), 0);
	capture_is(&capture, "");
	ck_assert(!app.json && !app.quiet && !app.verbose && !app.config_path && !app.archive_path);
}
END_TEST

START_TEST(an_option_given_again)
{
	ck_assert_int_eq(PARSE("x", "--map", "a=b", "-l", "1", "--map", "c=d"), 0);
	capture_is(&capture, "");
	ck_assert_int_eq(arguments.repeated_count, 3);
	ck_assert_str_eq(arguments.repeated[0], "a=b");
	ck_assert_str_eq(arguments.repeated[2], "c=d");
	ck_assert_int_eq(arguments.repeated_option[0], 2);
	ck_assert_int_eq(arguments.repeated_option[1], 0);
	ck_assert_str_eq(argument(&command, &arguments, "map"), "c=d");
}
END_TEST

START_TEST(wrong_use_is_told)
{
	ck_assert_int_eq(PARSE("--what", "x"), -1);
	capture_is(&capture,
	    "mailcask try: unknown option --what\n"
	    "mailcask: try: mailcask try --help\n");
	ck_assert_int_eq(PARSE("x", "--limit"), -1);
	capture_is(&capture,
	    "mailcask try: --limit needs a value\n"
	    "mailcask: try: mailcask try --help\n");
	ck_assert_int_eq(PARSE("--all"), -1);
	capture_is(&capture,
	    "mailcask try: what is missing: WHAT...\n"
	    "mailcask: try: mailcask try --help\n");
	ck_assert_int_eq(PARSE("1", "2", "3", "4"), -1);
	capture_is(&capture, "mailcask try: too much: 4\nmailcask: try: mailcask try --help\n");
}
END_TEST

/* The word itself is named, not the one in front of it. */
START_TEST(the_wrong_word_is_named)
{
	ck_assert_int_eq(PARSE("one", "-draft"), -1);
	capture_is(
	    &capture, "mailcask try: unknown option -draft\nmailcask: try: mailcask try --help\n");
	ck_assert_int_eq(PARSE("one", "-aX", "two"), -1);
	capture_is(
	    &capture, "mailcask try: unknown option -aX\nmailcask: try: mailcask try --help\n");
}
END_TEST

static const struct command asking = {.name = "ask",
    .operands = "QUERY",
    .summary = "Ask",
    .example = "mailcask ask x",
    .option = {{"limit", 'n', "N", "at most"}, {"map", 'm', "FROM=TO", "map"}},
    .operands_min = 1,
    .operands_max = -1,
    .run = run_nothing};

static int ask(char **words)
{
	static char *argv[20]; /* operands point into it */
	int argc = 0;

	for (; words[argc]; argc++)
		argv[argc] = words[argc];
	argv[argc] = NULL;
	app = (struct app){0};
	capture_begin(&capture, stderr);
	return command_parse(&asking, argc, argv, &app, &arguments);
}

static void expect_query(char **words, const char *query)
{
	char *joined;

	ck_assert_int_eq(ask(words), 0);
	capture_is(&capture, "");
	joined = arguments_join(&arguments);
	ck_assert_str_eq(joined, query);
	free(joined);
}

#define EXPECT_QUERY(query, ...) expect_query((char *[]){"ask", __VA_ARGS__, NULL}, query)

START_TEST(a_minus_denies_in_a_query)
{
	EXPECT_QUERY("from:anna -draft", "from:anna", "-draft");
	EXPECT_QUERY("a -draft b -x", "a", "-draft", "--json", "b", "-x");
	ck_assert(app.json);
	EXPECT_QUERY("a -news -mail", "a", "-news", "-mail", "-n", "5");
	ck_assert_str_eq(argument(&asking, &arguments, "limit"), "5");
	EXPECT_QUERY("a", "a", "-n7", "-q");
	ck_assert_str_eq(argument(&asking, &arguments, "limit"), "7");
	ck_assert(app.quiet);
	EXPECT_QUERY("a -n7x", "a", "-n7x");
	EXPECT_QUERY("-draft", "--", "-draft");
	EXPECT_QUERY("a -q --json", "-v", "a", "--", "-q", "--json");
	ck_assert(app.verbose && !app.quiet && !app.json);
	EXPECT_QUERY("a -", "a", "-");
	EXPECT_QUERY("a -(b c)", "a", "-(b c)");
	EXPECT_QUERY("a", "-qvn5", "a");
	ck_assert(app.quiet && app.verbose);
	EXPECT_QUERY("a b", "--lim", "5", "a", "--limit=6", "b");
	ck_assert_str_eq(argument(&asking, &arguments, "limit"), "6");
}
END_TEST

START_TEST(before_the_query_a_minus_is_an_option)
{
	ck_assert_int_eq(ask((char *[]){"ask", "-draft", "a", NULL}), -1);
	capture_is(&capture,
	    "mailcask ask: unknown option -draft\n"
	    "mailcask: to deny a word: mailcask ask -- -draft\n"
	    "mailcask: try: mailcask ask --help\n");
	ck_assert_int_eq(ask((char *[]){"ask", "a", "--draft", NULL}), -1);
	capture_is(
	    &capture, "mailcask ask: unknown option --draft\nmailcask: try: mailcask ask --help\n");
	ck_assert_int_eq(ask((char *[]){"ask", "a", "-n", NULL}), -1);
	capture_is(
	    &capture, "mailcask ask: -n needs a value\nmailcask: try: mailcask ask --help\n");
}
END_TEST

START_TEST(help_is_no_failure)
{
	struct capture help;
	char *text;

	capture_begin(&help, stdout);
	ck_assert_int_eq(PARSE("--help"), 1);
	capture_is(&capture, "");
	text = capture_end(&help);
	ck_assert_int_eq(strncmp(text, "mailcask try WHAT...\n\nTry it.\n", 30), 0);
	ck_assert_ptr_nonnull(strstr(text, "  -l, --limit N            at most\n"));
	ck_assert_ptr_nonnull(strstr(text, "      --map FROM=TO        again and again\n"));
	ck_assert_ptr_nonnull(strstr(text, "  -q, --quiet "));
	ck_assert_ptr_nonnull(strstr(text, "Example:\n  mailcask try x\n"));
	free(text);
}
END_TEST

START_TEST(numbers_of_options)
{
	uint64_t value = 0;

	ck_assert_int_eq(PARSE("x"), 0);
	capture_is(&capture, "");
	OK(argument_number(&command, &arguments, "limit", 50, &value, err));
	ck_assert_uint_eq(value, 50);
	ck_assert_int_eq(PARSE("x", "-l", "18446744073709551615"), 0);
	capture_is(&capture, "");
	OK(argument_number(&command, &arguments, "limit", 50, &value, err));
	ck_assert_uint_eq(value, UINT64_MAX);
	for (int i = 0; i < 4; i++) {
		char *wrong[] = {"try", "x", "-l",
		    i == 0       ? ""
			: i == 1 ? "5x"
			: i == 2 ? "-1"
				 : "18446744073709551616",
		    NULL};

		ck_assert_int_eq(parse(wrong), 0);
		capture_is(&capture, "");
		FAILS(ERR_USAGE, argument_number(&command, &arguments, "limit", 50, &value, err));
	}
	ck_assert_uint_eq(value, UINT64_MAX);
}
END_TEST

/* ---- app/app.h ---- */

START_TEST(every_error_has_its_exit_status)
{
	static const enum exit_status status[] = {[ERR_NONE] = EXIT_IN_PART,
	    [ERR_USAGE] = EXIT_WRONG_USE,
	    [ERR_CONFIG] = EXIT_WRONG_USE,
	    [ERR_IO] = EXIT_IN_PART,
	    [ERR_SPACE] = EXIT_IN_PART,
	    [ERR_LOCKED] = EXIT_REFUSED,
	    [ERR_DAMAGED] = EXIT_DAMAGED,
	    [ERR_VERSION] = EXIT_DAMAGED,
	    [ERR_NETWORK] = EXIT_SERVER,
	    [ERR_TLS] = EXIT_SERVER,
	    [ERR_LOGIN] = EXIT_SERVER,
	    [ERR_PROTOCOL] = EXIT_SERVER,
	    [ERR_SERVER] = EXIT_SERVER,
	    [ERR_UNSAFE] = EXIT_REFUSED,
	    [ERR_ABSENT] = EXIT_IN_PART,
	    [ERR_LIMIT] = EXIT_IN_PART,
	    [ERR_STOPPED] = EXIT_IN_PART,
	    [ERR_PAUSED] = EXIT_IN_PART,
	    [ERR_BUG] = EXIT_IN_PART};

	for (enum err_code code = ERR_NONE; code <= ERR_BUG; code++) {
		struct err err = {.code = code, .text = "what\033 happened"};
		int expected = (int)status[code];

		capture_begin(&capture, stderr);
		ck_assert_int_eq(app_fail(&app, &err), expected);
		capture_is(&capture, "mailcask: what  happened\n");
	}
}
END_TEST

START_TEST(notes_are_quiet_and_problems_are_not)
{
	app = (struct app){.quiet = true};
	capture_begin(&capture, stderr);
	app_note(&app, "a note");
	capture_is(&capture, "");
	ck_assert(!app.has_failed_in_part);
	capture_begin(&capture, stderr);
	app_problem(&app, "%s: %d", "a problem\n", 3);
	capture_is(&capture, "mailcask: a problem : 3\n");
	ck_assert(app.has_failed_in_part);
	app.quiet = false;
	capture_begin(&capture, stderr);
	app_note(&app, "a note");
	capture_is(&capture, "mailcask: a note\n");
}
END_TEST

START_TEST(stopping_is_asked_of_the_signal)
{
	volatile sig_atomic_t stop = 0;

	app = (struct app){0};
	ck_assert(!app_must_stop(&app));
	app.stop = &stop;
	ck_assert(!app_must_stop(&app));
	stop = 1;
	ck_assert(app_must_stop(&app));
}
END_TEST

#define SETTINGS                                                                                   \
	"[archive]\npath = /a\n[account work]\nurl = imaps://me@h:1993\npassword-env = PW_WORK\n"  \
	"timeout = 7s\n[account home]\nurl = imaps://us@i\npassword-env = PW_HOME\n"

START_TEST(accounts_and_their_passwords)
{
	const struct settings_account *account;
	struct endpoint_options options;
	struct err why = {0};

	app = (struct app){0};
	OK(settings_parse(&app.settings, BYTES(SETTINGS), "/x/config", err));
	ck_assert_int_eq(app_account(&app, "wrok", &account, &why), -1);
	ck_assert_int_eq(why.code, ERR_USAGE);
	ck_assert_str_eq(
	    why.text, "there is no account \"wrok\" in /x/config (there is: work, home)");
	OK(app_account(&app, "work", &account, err));
	unsetenv("PW_WORK");
	why = (struct err){0};
	ck_assert_int_eq(app_endpoint_options(&app, account, &options, &why), -1);
	ck_assert_int_eq(strncmp(why.text, "/x/config:3: [account work]: ", 29), 0);
	setenv("PW_WORK", "one", 1);
	setenv("PW_HOME", "two", 1);
	OK(app_endpoint_options(&app, account, &options, err));
	ck_assert_str_eq(options.url, "imaps://h:1993");
	ck_assert_str_eq(options.user, "me");
	ck_assert_int_eq(options.timeout_s, 7);
	ck_assert_uint_eq(options.max_message_bytes, UINT64_C(2) << 30);
	ck_assert_ptr_eq(options.password, &app.secret);
	ck_assert(app.secret_of == account);
	/* Asked for once. */
	unsetenv("PW_WORK");
	OK(app_endpoint_options(&app, account, &options, err));
	/* Another account has another one. */
	OK(app_account(&app, "home", &account, err));
	OK(app_endpoint_options(&app, account, &options, err));
	ck_assert(app.secret_of == account);
	app_forget_secret(&app);
	ck_assert_ptr_null(app.secret_of);
	app_close(&app);
	ck_assert_ptr_null(app.settings);
	app_close(&app);
}
END_TEST

SUITE(operands_and_options_in_any_order, options_that_all_commands_have, an_option_given_again,
    wrong_use_is_told, the_wrong_word_is_named, a_minus_denies_in_a_query,
    before_the_query_a_minus_is_an_option, help_is_no_failure, numbers_of_options,
    every_error_has_its_exit_status, notes_are_quiet_and_problems_are_not,
    stopping_is_asked_of_the_signal, accounts_and_their_passwords)
