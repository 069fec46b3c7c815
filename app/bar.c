/* Owns:  the last line of the terminal, while a bar is shown.
 * Never: writes when standard error is no terminal. */
#include "app/bar.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define EVERY_MS  100
#define BAR_CHARS 20

void bar_size(uint64_t bytes, char out[BAR_SIZE_BYTES])
{
	static const char *const unit[] = {"B", "kB", "MB", "GB", "TB", "PB"};
	double value = (double)bytes;
	size_t i = 0;

	while (value >= 999.5 && i + 1 < sizeof unit / sizeof *unit) {
		value /= 1000;
		i++;
	}
	snprintf(
	    out, BAR_SIZE_BYTES, i > 0 && value < 99.95 ? "%.1f %s" : "%.0f %s", value, unit[i]);
}

static size_t terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20)
		return size.ws_col;
	return 80;
}

static void put_done(const struct bar *bar, struct buf *line, uint64_t done, uint64_t all)
{
	char a[BAR_SIZE_BYTES], b[BAR_SIZE_BYTES];

	if (bar->unit == BAR_MESSAGES) {
		buf_format(line, " %" PRIu64 "/%" PRIu64, done, all);
		return;
	}
	bar_size(done, a);
	bar_size(all, b);
	buf_format(line, " %s/%s", a, b);
}

static void put_rates(
    struct bar *bar, struct buf *line, uint64_t done, uint64_t all, uint64_t bytes, uint64_t now_ms)
{
	double seconds = (double)(now_ms - bar->begun_ms) / 1000;
	double rate = seconds > 0.5 ? (double)(done - bar->first) / seconds : 0;
	char size[BAR_SIZE_BYTES], left[CLOCK_ISO_BYTES];

	if (rate <= 0)
		return;
	if (bytes > 0 || bar->unit == BAR_BYTES) {
		bar_size((uint64_t)(bytes > 0 ? (double)bytes / seconds : rate), size);
		buf_format(line, "  %s/s", size);
	} else {
		buf_format(line, "  %.0f/s", rate);
	}
	if (all > done) {
		clock_format_span((int64_t)((double)(all - done) / rate + 0.5), left);
		buf_format(line, "  %s left", left);
	}
}

static void put_bar(struct buf *line, uint64_t done, uint64_t all)
{
	uint64_t full = all > 0 ? done * BAR_CHARS / all : BAR_CHARS, i;

	buf_char(line, '[');
	for (i = 0; i < BAR_CHARS; i++)
		buf_char(line, i < full ? '#' : '.');
	buf_char(line, ']');
}

void bar_show(struct bar *bar, const char *what, uint64_t done, uint64_t all, uint64_t bytes)
{
	uint64_t now = clock_monotonic_ms();
	struct buf line;
	size_t columns, used;

	if (bar->app->quiet || !isatty(STDERR_FILENO))
		return;
	if (bar->begun_ms == 0) {
		bar->begun_ms = now;
		bar->first = done;
	}
	if (now - bar->shown_ms < EVERY_MS)
		return;
	bar->shown_ms = now;
	if (done > all)
		all = done;
	buf_init(&line, 4096);
	put_bar(&line, done, all);
	put_done(bar, &line, done, all);
	put_rates(bar, &line, done, all, bytes, now);
	buf_text(&line, "  ");
	columns = terminal_columns();
	used = line.n; /* ASCII so far */
	if (used + 4 < columns)
		utf8_print(&line, bytes_of(what), columns - used - 1);
	else
		buf_cut(&line, columns - 1);
	fprintf(stderr, "\r\033[K%s", buf_string(&line));
	fflush(stderr);
	buf_release(&line);
}

void bar_clear(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}
