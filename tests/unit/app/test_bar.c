/* app/bar.c: sizes in words, and the line of progress on a terminal. */
#include "app/bar.h"

#include "tests/unit/app/capture.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>

static void check_size(uint64_t bytes, const char *expected)
{
	char text[BAR_SIZE_BYTES];

	bar_size(bytes, text);
	ck_assert_str_eq(text, expected);
}

START_TEST(sizes_in_powers_of_1000)
{
	check_size(0, "0 B");
	check_size(1, "1 B");
	check_size(999, "999 B");
	check_size(1000, "1.0 kB");
	check_size(1234, "1.2 kB");
	check_size(99900, "99.9 kB");
	check_size(1200000, "1.2 MB");
	check_size(123456789, "123 MB");
	check_size(1200000000, "1.2 GB");
	check_size(UINT64_C(5000000000000), "5.0 TB");
	check_size(UINT64_C(18446744073709551615), "18447 PB");
}
END_TEST

/* Never "1000 kB", never "100.0 kB". */
START_TEST(sizes_round_into_the_next_unit)
{
	check_size(99949, "99.9 kB");
	check_size(99950, "100 kB");
	check_size(999499, "999 kB");
	check_size(999500, "1.0 MB");
	check_size(999999, "1.0 MB");
	check_size(999999999, "1.0 GB");
}
END_TEST

/* ---- the line ---- */

static struct app app;
static int terminal = -1;

/* Standard error is a terminal of so many columns. */
static void open_terminal(unsigned short columns)
{
	struct winsize size = {.ws_col = columns, .ws_row = 24};
	int other;

	ck_assert_int_eq(openpty(&terminal, &other, NULL, NULL, &size), 0);
	ck_assert_int_ge(dup2(other, STDERR_FILENO), 0);
	close(other);
	ck_assert_int_ge(fcntl(terminal, F_SETFL, O_NONBLOCK), 0);
}

static const char *shown(void)
{
	static char text[10000];
	ssize_t n;

	fflush(stderr);
	n = read(terminal, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

START_TEST(a_line_on_a_terminal)
{
	struct bar bar = {.app = &app, .unit = BAR_MESSAGES};

	open_terminal(80);
	bar_show(&bar, "work: INBOX", 5, 10, 0);
	ck_assert_str_eq(shown(), "\r\033[K[##########..........] 5/10  work: INBOX");
	bar_show(&bar, "work: INBOX", 6, 10, 0); /* at most ten times a second */
	ck_assert_str_eq(shown(), "");
	bar_clear();
	ck_assert_str_eq(shown(), "\r\033[K");
}
END_TEST

static void check_line(
    enum bar_unit unit, const char *what, uint64_t done, uint64_t all, const char *expected)
{
	struct bar bar = {.app = &app, .unit = unit};

	bar_show(&bar, what, done, all, 0);
	ck_assert_str_eq(shown(), expected);
}

START_TEST(the_ends_of_the_bar)
{
	open_terminal(80);
	check_line(BAR_BYTES, "x", 0, 2000, "\r\033[K[....................] 0 B/2.0 kB  x");
	check_line(BAR_BYTES, "x", 1999, 2000, "\r\033[K[###################.] 2.0 kB/2.0 kB  x");
	check_line(BAR_BYTES, "x", 2000, 2000, "\r\033[K[####################] 2.0 kB/2.0 kB  x");
	/* More came than was expected: the bar is full, and not longer. */
	check_line(BAR_MESSAGES, "x", 12, 10, "\r\033[K[####################] 12/12  x");
	check_line(BAR_MESSAGES, "x", 0, 0, "\r\033[K[####################] 0/0  x");
}
END_TEST

START_TEST(foreign_words_are_made_printable)
{
	open_terminal(80);
	check_line(
	    BAR_MESSAGES, "a\033[2Jb\nc", 1, 1, "\r\033[K[####################] 1/1  a [2Jb c");
}
END_TEST

/* The line must not wrap: it could not be taken away again. */
START_TEST(a_narrow_terminal_is_not_passed)
{
	for (unsigned short columns = 21; columns < 100; columns++) {
		struct bar bar = {.app = &app, .unit = BAR_MESSAGES};
		const char *line;

		open_terminal(columns);
		bar_show(
		    &bar, "a folder that has quite a long name, longer than the line", 1, 1, 0);
		line = shown();
		ck_assert_int_eq(strncmp(line, "\r\033[K[", 5), 0);
		ck_assert_uint_lt(strlen(line + 4), columns);
		ck_assert_uint_ge(strlen(line + 4), columns < 75 ? columns - 6u : 70);
		close(terminal);
	}
}
END_TEST

START_TEST(nothing_without_a_terminal_or_when_quiet)
{
	struct bar bar = {.app = &app, .unit = BAR_MESSAGES};
	struct capture capture;

	capture_begin(&capture, stderr);
	bar_show(&bar, "x", 1, 2, 0);
	bar_clear();
	capture_is(&capture, "");
	open_terminal(80);
	app.quiet = true;
	bar_show(&bar, "x", 1, 2, 0);
	ck_assert_str_eq(shown(), "");
}
END_TEST

SUITE(sizes_in_powers_of_1000, sizes_round_into_the_next_unit, a_line_on_a_terminal,
    the_ends_of_the_bar, foreign_words_are_made_printable, a_narrow_terminal_is_not_passed,
    nothing_without_a_terminal_or_when_quiet)
