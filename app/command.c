/* Owns:  nothing.
 * Knows: how a command line is taken apart, and how help is laid out for 80 columns. */
#include "app/command.h"

#include "base/mem.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum common {
	COMMON_CONFIG,
	COMMON_ARCHIVE,
	COMMON_JSON,
	COMMON_QUIET,
	COMMON_VERBOSE,
	COMMON_HELP
};

static const struct command_option common[] = {
    [COMMON_CONFIG] = {"config", 'c', "FILE", "settings (default ~/.config/mailcask/config)"},
    [COMMON_ARCHIVE] = {"archive", 0, "DIR", "archive to use instead of the settings' one"},
    [COMMON_JSON] = {"json", 0, NULL, "one JSON object per line (app/JSON.md)"},
    [COMMON_QUIET] = {"quiet", 'q', NULL, "no progress, no notices"},
    [COMMON_VERBOSE] = {"verbose", 'v', NULL, "tell more"},
    [COMMON_HELP] = {"help", 'h', NULL, "this text"},
};
#define COMMON_COUNT ((int)(sizeof common / sizeof *common))
#define FIRST_CODE   1000 /* of getopt_long, above all letters */

static int count_options(const struct command *command)
{
	int count = 0;

	while (count < COMMAND_OPTIONS_MAX && command->option[count].name)
		count++;
	return count;
}

/* Options of the command come first, then the common ones. */
static const struct command_option *option_number(const struct command *command, int number)
{
	int own = count_options(command);

	return number < own ? &command->option[number] : &common[number - own];
}

static void make_tables(const struct command *command, struct option *longs, char *shorts)
{
	int i, all = count_options(command) + COMMON_COUNT;
	char *p = shorts;

	/* Operands come in their order, and a missing argument is told apart. */
	*p++ = '-';
	*p++ = ':';
	for (i = 0; i < all; i++) {
		const struct command_option *option = option_number(command, i);

		longs[i] = (struct option){.name = option->name,
		    .has_arg = option->argument ? required_argument : no_argument,
		    .val = FIRST_CODE + i};
		if (!option->letter)
			continue;
		*p++ = option->letter;
		if (option->argument)
			*p++ = ':';
	}
	longs[all] = (struct option){0};
	*p = '\0';
}

static int number_of_letter(const struct command *command, int letter)
{
	int i, all = count_options(command) + COMMON_COUNT;

	for (i = 0; i < all; i++)
		if (option_number(command, i)->letter == letter)
			return i;
	return -1;
}

static void take_common(struct app *app, int which, const char *value)
{
	switch (which) {
	case COMMON_CONFIG:
		app->config_path = value;
		break;
	case COMMON_ARCHIVE:
		app->archive_path = value;
		break;
	case COMMON_JSON:
		app->json = true;
		break;
	case COMMON_QUIET:
		app->quiet = true;
		break;
	case COMMON_VERBOSE:
		app->verbose = true;
		break;
	}
}

static int usage(const struct command *command)
{
	fprintf(stderr, "mailcask: try: mailcask %s --help\n", command->name);
	return -1;
}

static void take_own(struct arguments *out, int number, const char *value)
{
	out->value[number] = value ? value : "";
	if (!value || out->repeated_count == COMMAND_REPEAT_MAX)
		return;
	out->repeated[out->repeated_count] = value;
	out->repeated_option[out->repeated_count++] = number;
}

static int check_operands(const struct command *command, const struct arguments *arguments)
{
	if (arguments->operand_count < command->operands_min) {
		fprintf(
		    stderr, "mailcask %s: what is missing: %s\n", command->name, command->operands);
		return usage(command);
	}
	if (command->operands_max >= 0 && arguments->operand_count > command->operands_max) {
		fprintf(stderr, "mailcask %s: too much: %s\n", command->name,
		    arguments->operand[command->operands_max]);
		return usage(command);
	}
	return 0;
}

/* Words of the command line as they are taken, in their order. Operands are moved to the front
 * of argv: its words there have been seen. */
struct walk {
	const struct command *command;
	int argc;
	char **argv;
	struct option longs[COMMAND_OPTIONS_MAX + COMMON_COUNT + 1];
	char shorts[3 * (COMMAND_OPTIONS_MAX + COMMON_COUNT) + 3];
	struct arguments *out;
};

static bool takes_query(const struct command *command)
{
	return command->operands && strncmp(command->operands, "QUERY", 5) == 0;
}

/* "-q", or "-n5" where a number is wanted: a short option even among the words of a query. */
static bool is_plain_option(const struct command *command, const char *word)
{
	int number = number_of_letter(command, word[1]);
	const char *argument_name;

	if (number < 0)
		return false;
	argument_name = option_number(command, number)->argument;
	return !word[2] ||
	    (argument_name && strcmp(argument_name, "N") == 0 &&
		strspn(word + 2, "0123456789") == strlen(word + 2));
}

/* In a query a minus denies: behind its first word what is no option is a word of it. */
static bool is_denied_word(const struct walk *walk, const char *word)
{
	return takes_query(walk->command) && walk->out->operand_count > 0 && word[0] == '-' &&
	    word[1] && word[1] != '-' && !is_plain_option(walk->command, word);
}

static void take_operand(struct walk *walk, char *word)
{
	walk->argv[1 + walk->out->operand_count++] = word;
}

static int wrong_option(const struct walk *walk, int code, const char *word)
{
	const char *name = walk->command->name;

	if (code == ':')
		fprintf(stderr, "mailcask %s: %s needs a value\n", name, word);
	else
		fprintf(stderr, "mailcask %s: unknown option %s\n", name, word);
	if (code == '?' && takes_query(walk->command) && word[1] != '-')
		fprintf(stderr, "mailcask: to deny a word: mailcask %s -- %s\n", name, word);
	return usage(walk->command);
}

/* 0 go on, 1 help was asked for and printed, -1 wrong. */
static int take_code(struct walk *walk, struct app *app, int code, char *word)
{
	int number = code >= FIRST_CODE ? code - FIRST_CODE : number_of_letter(walk->command, code);
	int own = count_options(walk->command);

	if (code == 1) {
		take_operand(walk, optarg);
		return 0;
	}
	if (code == '?' || code == ':' || number < 0)
		return wrong_option(walk, code, word);
	if (number - own == COMMON_HELP) {
		command_help(walk->command);
		return 1;
	}
	if (number >= own)
		take_common(app, number - own, optarg);
	else
		take_own(walk->out, number, optarg);
	return 0;
}

static int take_words(struct walk *walk, struct app *app)
{
	bool is_inside = false; /* of letters behind one minus */
	int before, code, got = 0;

	/* 0: getopt begins anew, with the first word. */
	for (optind = 0; got == 0; is_inside = optind == before) {
		before = optind > 0 ? optind : 1;
		if (optind > 0 && optind < walk->argc && !is_inside &&
		    is_denied_word(walk, walk->argv[optind])) {
			take_operand(walk, walk->argv[optind++]);
			continue;
		}
		code = getopt_long(walk->argc, walk->argv, walk->shorts, walk->longs, NULL);
		if (code == -1)
			break;
		got = take_code(walk, app, code, walk->argv[before]);
	}
	return got;
}

int command_parse(
    const struct command *command, int argc, char **argv, struct app *app, struct arguments *out)
{
	struct walk walk = {.command = command, .argc = argc, .argv = argv, .out = out};
	int got;

	memset(out, 0, sizeof *out);
	make_tables(command, walk.longs, walk.shorts);
	opterr = 0;
	got = take_words(&walk, app);
	if (got != 0)
		return got;
	while (optind < argc)
		take_operand(&walk, argv[optind++]);
	out->operand = argv + 1;
	return check_operands(command, out);
}

static void print_option(const struct command_option *option)
{
	char left[80];

	snprintf(left, sizeof left, "%c%c%s --%s%s%s", option->letter ? '-' : ' ',
	    option->letter ? option->letter : ' ', option->letter ? "," : " ", option->name,
	    option->argument ? " " : "", option->argument ? option->argument : "");
	printf("  %-24s %s\n", left, option->help);
}

void command_help(const struct command *command)
{
	int i, all = count_options(command) + COMMON_COUNT;

	printf("mailcask %s%s%s\n\n%s.\n", command->name, command->operands ? " " : "",
	    command->operands ? command->operands : "", command->summary);
	if (command->details)
		printf("\n%s\n", command->details);
	printf("\nOptions:\n");
	for (i = 0; i < all; i++)
		print_option(option_number(command, i));
	printf("\nExample:\n  %s\n", command->example);
}

static int option_index(const struct command *command, const char *name)
{
	int i;

	for (i = 0; i < count_options(command); i++)
		if (strcmp(command->option[i].name, name) == 0)
			return i;
	abort(); /* a name that the command does not declare */
}

const char *argument(
    const struct command *command, const struct arguments *arguments, const char *name)
{
	return arguments->value[option_index(command, name)];
}

char *arguments_join(const struct arguments *arguments)
{
	struct buf text;
	int i;

	buf_init(&text, SIZE_MAX / 2);
	for (i = 0; i < arguments->operand_count; i++) {
		if (i > 0)
			buf_char(&text, ' ');
		buf_text(&text, arguments->operand[i]);
	}
	return buf_take(&text);
}

int argument_number(const struct command *command, const struct arguments *arguments,
    const char *name, uint64_t usual, uint64_t *out, struct err *err)
{
	const char *text = argument(command, arguments, name);
	unsigned long long value = usual;

	if (text && !bytes_u64(bytes_of(text), &value))
		return err_set(err, ERR_USAGE, "--%s needs a number, not \"%s\"", name, text);
	*out = value;
	return 0;
}
