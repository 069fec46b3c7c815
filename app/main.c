/* Owns:  the process: signals, the list of commands.
 * Never: does a command's work. */
#include "app/command.h"
#include "app/mirror.h"
#include "app/output.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct command *const commands[] = {&cmd_init, &cmd_sync, &cmd_run, &cmd_status,
    &cmd_search, &cmd_show, &cmd_attachments, &cmd_plan, &cmd_purge, &cmd_hold, &cmd_audit,
    &cmd_log, &cmd_restore, &cmd_export, &cmd_verify, &cmd_rebuild, &cmd_compact, &cmd_mirror,
    &cmd_probe};
#define COMMANDS (sizeof commands / sizeof *commands)

static volatile sig_atomic_t stop;

/* The first asks politely, the second means it. */
static void take_signal(int number)
{
	if (stop)
		signal(number, SIG_DFL);
	stop = 1;
}

static void set_signals(void)
{
	struct sigaction action = {.sa_handler = take_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void print_overview(FILE *out)
{
	size_t i;

	fprintf(out,
	    "mailcask %s: archive mail, search it, free the server, restore it anywhere\n\n"
	    "usage: mailcask COMMAND [OPTIONS] ...\n\n",
	    MAILCASK_VERSION);
	for (i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(out,
	    "\nmailcask COMMAND --help tells more; mailcask help settings lists the "
	    "settings;\nmailcask help sample prints an annotated settings file.\n");
}

static const struct command *find(const char *name)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int unknown(const char *name)
{
	const char *names[COMMANDS], *near;
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		names[i] = commands[i]->name;
	near = settings_nearest(name, names, COMMANDS);
	fprintf(stderr, "mailcask: there is no command \"%s\"%s%s%s\n", name,
	    near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	return EXIT_WRONG_USE;
}

static int help(int argc, char **argv)
{
	const struct command *command = argc > 2 ? find(argv[2]) : NULL;
	struct buf text;

	if (argc <= 2) {
		print_overview(stdout);
		return EXIT_DONE;
	}
	if (command) {
		command_help(command);
		return EXIT_DONE;
	}
	if (strcmp(argv[2], "settings") != 0 && strcmp(argv[2], "sample") != 0)
		return unknown(argv[2]);
	buf_init(&text, 1 << 20);
	if (strcmp(argv[2], "settings") == 0)
		settings_print_help(&text);
	else
		settings_print_sample(&text);
	output_raw(buf_view(&text));
	buf_release(&text);
	return EXIT_DONE;
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct app app = {.stop = &stop};
	struct arguments arguments;
	int got = command_parse(command, argc, argv, &app, &arguments), status;

	if (got != 0)
		return got < 0 ? EXIT_WRONG_USE : EXIT_DONE;
	set_signals();
	status = command->run(&app, &arguments);
	(void)mirror_follow(&app);
	app_close(&app);
	if (!output_is_fine() && status == EXIT_DONE && !output_is_closed()) {
		fputs("mailcask: standard output could not be written\n", stderr);
		status = EXIT_IN_PART;
	}
	if (status == EXIT_DONE && app.has_failed_in_part)
		status = EXIT_IN_PART;
	return status;
}

/* "mailcask -c FILE sync" is "mailcask sync -c FILE": the command comes first. */
static void move_command_first(int argc, char **argv)
{
	char *command;
	int i = 1;

	while (i < argc && argv[i][0] == '-' && argv[i][1])
		i += strcmp(argv[i], "-c") == 0 || strcmp(argv[i], "--config") == 0 ||
			strcmp(argv[i], "--archive") == 0
		    ? 2
		    : 1;
	if (i <= 1 || i >= argc)
		return;
	command = argv[i];
	memmove(argv + 2, argv + 1, (size_t)(i - 1) * sizeof *argv);
	argv[1] = command;
}

int main(int argc, char **argv)
{
	const struct command *command;

	/* Widths and letters of any language; numbers and dates stay as they are. */
	if (!setlocale(LC_CTYPE, "") || strcmp(setlocale(LC_CTYPE, NULL), "C") == 0)
		setlocale(LC_CTYPE, "C.UTF-8");
	/* What is archived is for its owner. */
	umask(077);
	move_command_first(argc, argv);
	if (argc < 2) {
		print_overview(stderr);
		return EXIT_WRONG_USE;
	}
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0)
		return help(argc, argv);
	if (strcmp(argv[1], "--version") == 0) {
		puts("mailcask " MAILCASK_VERSION);
		return EXIT_DONE;
	}
	command = find(argv[1]);
	if (!command)
		return unknown(argv[1]);
	return run_command(command, argc - 1, argv + 1);
}
