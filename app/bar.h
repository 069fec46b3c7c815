/* One line of progress on standard error: a bar, what is done of what, rate and time left. Only
 * when standard error is a terminal and nobody said --quiet; at most ten times a second. */
#ifndef APP_BAR_H
#define APP_BAR_H

#include "app/app.h"

#include <stdint.h>

enum bar_unit { BAR_MESSAGES, BAR_BYTES };

struct bar {
	struct app *app;
	enum bar_unit unit;
	uint64_t begun_ms, shown_ms, first; /* set by bar_show */
};

/* done and all in the bar's unit; bytes: 0, or the bytes moved so far, for a second rate. what:
 * a few words, made printable. */
void bar_show(struct bar *bar, const char *what, uint64_t done, uint64_t all, uint64_t bytes);

/* Take the line away, so that something else can be printed. */
void bar_clear(void);

/* "1.2 GB" of bytes, in powers of 1000. */
#define BAR_SIZE_BYTES 16
void bar_size(uint64_t bytes, char out[BAR_SIZE_BYTES]);

#endif
