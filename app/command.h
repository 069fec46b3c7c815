/* What a command is. To add one: write app/cmd_NAME.c with a "const struct command cmd_NAME",
 * name it here and in the list of app/main.c, describe its JSON in app/JSON.md, test it in
 * tests/scenario/.
 *
 * A command prints results on standard output (through app/output), everything else on
 * standard error, and returns the exit status. */
#ifndef APP_COMMAND_H
#define APP_COMMAND_H

#include "app/app.h"

#include <stdbool.h>

#define COMMAND_OPTIONS_MAX 16
#define COMMAND_REPEAT_MAX  64

struct command_option {
	const char *name;     /* long: "limit" */
	char letter;          /* short, or 0 */
	const char *argument; /* its argument's name in the help; NULL: takes none */
	const char *help;     /* what it does, one line */
};

struct arguments {
	const char *value[COMMAND_OPTIONS_MAX];   /* "" for one without argument; NULL: not given */
	const char *repeated[COMMAND_REPEAT_MAX]; /* values of an option given more than once ... */
	int repeated_option[COMMAND_REPEAT_MAX];  /* ... and its number */
	int repeated_count;
	char **operand;
	int operand_count;
};

struct command {
	const char *name;
	const char *operands; /* "QUERY", or NULL. When it begins so, a word with a minus behind the
			       * first word of the query belongs to the query, unless it is an
			       * option of one letter; with two minuses it is always an option */
	const char *summary;  /* one line */
	const char *details;  /* further lines for --help; may be NULL */
	const char *example;
	struct command_option option[COMMAND_OPTIONS_MAX]; /* ends with an empty name */
	int operands_min, operands_max;                    /* max -1: any number */
	int (*run)(struct app *app, const struct arguments *arguments);
};

/* Value of an option by its name; NULL when it was not given. */
const char *argument(
    const struct command *command, const struct arguments *arguments, const char *name);

/* The operands joined with blanks: a query need not be quoted as one. For free(). */
char *arguments_join(const struct arguments *arguments);

/* A number from an option, or the default. ERR_USAGE. */
int argument_number(const struct command *command, const struct arguments *arguments,
    const char *name, uint64_t usual, uint64_t *out, struct err *err);

/* Parse argv[1...] of a command, with the options that all commands have. Operands stand in
 * argv then, which is changed. -1: usage is wrong, told on standard error; 1: help was asked
 * for and printed. */
int command_parse(
    const struct command *command, int argc, char **argv, struct app *app, struct arguments *out);
void command_help(const struct command *command);

extern const struct command cmd_init, cmd_sync, cmd_run, cmd_status, cmd_search, cmd_show,
    cmd_attachments, cmd_plan, cmd_purge, cmd_hold, cmd_audit, cmd_log, cmd_restore, cmd_export,
    cmd_verify, cmd_rebuild, cmd_compact, cmd_mirror, cmd_probe;

#endif
