/* The lines of an INI file, one after the other, each with its exact number.
 *
 *   [archive]                      section(arg, 1, "archive")
 *   path = ~/Mail/archive          pair(arg, 2, "path", "~/Mail/archive")
 *
 * The syntax is a narrow one, so that no line can mean something else than it seems to:
 *   - a section or a key begins at the left margin; a value ends with its line. (Other INI
 *     files take an indented line for more of the value, or for a key: here it is an error.)
 *   - "=" stands between key and value, not ":"; blanks at both ends of a value do not count.
 *   - comments are lines that begin with "#" or ";"; behind a value there is none, so that
 *     commands and queries may hold both.
 *   - UTF-8 without control characters but tab; at most READER_LINE_BYTES in a line.
 *
 * inih divides the lines; how it is called, and what it is not asked to do, is in reader.c. */
#ifndef CONFIG_READER_H
#define CONFIG_READER_H

#include "base/bytes.h"
#include "base/err.h"

#define READER_LINE_BYTES 8192

/* Views and strings are good during the call. A call that fails (-1) ends the reading; its
 * error must name path and line itself. */
struct reader_calls {
	int (*section)(void *arg, int line, struct bytes header, struct err *err);
	int (*pair)(void *arg, int line, const char *key, const char *value, struct err *err);
};

/* Errors of the syntax are ERR_CONFIG, "path:line: ...". */
int reader_run(struct bytes text, const char *path, const struct reader_calls *calls, void *arg,
    struct err *err);

#endif
