/* Results on standard output: tables for people, JSON lines for programs.
 *
 * A table has columns of fixed width but one, which takes what the terminal leaves (80 columns
 * when it is none). Everything foreign is made printable. */
#ifndef APP_OUTPUT_H
#define APP_OUTPUT_H

#include "app/app.h"

#include "base/buf.h"
#include "base/jsonout.h"

#include <stddef.h>

/* Print a JSON object that was built in line, with an LF, and clear the buffer. */
void output_json_line(struct buf *line);

void output_text(struct bytes text); /* as it is, but for control characters: LF, tab stay */
void output_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
void output_raw(struct bytes data); /* exactly */

/* One cell, padded or cut to width columns; negative: to the right. No newline. */
void output_cell(struct bytes text, int width);
size_t output_columns(void);
bool output_is_terminal(void);

/* "12,345" */
#define OUTPUT_NUMBER_BYTES 32
const char *output_number(uint64_t value, char out[OUTPUT_NUMBER_BYTES]);

/* The word for one, or for any other number. */
const char *output_plural(uint64_t count, const char *one, const char *many);

/* A decoded header field as a cell; first_name: the first name or address of a list only. */
void output_field(struct bytes raw, bool first_name, int width);

/* Flush; false when something could not be written (a full disk; a closed pipe too). */
bool output_is_fine(void);
/* Nobody reads any more: somebody had enough, as "head" has; nothing to complain of. */
bool output_is_closed(void);

/* ---- messages, the same everywhere ---- */

/* The keys that a message always has: id, account, folder, uid, date, from, subject, size, flags
 * (of the place with that number; 0: of the one that counts most: present before purged before
 * gone), and places, an array of all of them. The object is open before and after. */
int output_json_message(struct app *app, struct jsonout *json,
    const struct catalog_message *message, int64_t place_number, struct err *err);

#endif
