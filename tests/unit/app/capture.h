/* What a call prints: standard output or error goes to a file for as long.
 *
 *   capture_begin(&capture, stdout);
 *   ...
 *   text = capture_end(&capture);      for free() */
#ifndef TESTS_UNIT_APP_CAPTURE_H
#define TESTS_UNIT_APP_CAPTURE_H

#include "base/mem.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct capture {
	FILE *stream, *file;
	int saved;
};

static inline void capture_begin(struct capture *capture, FILE *stream)
{
	fflush(stream);
	capture->stream = stream;
	capture->file = tmpfile();
	ck_assert_ptr_nonnull(capture->file);
	capture->saved = dup(fileno(stream));
	ck_assert_int_ge(dup2(fileno(capture->file), fileno(stream)), 0);
}

static inline char *capture_end(struct capture *capture)
{
	size_t room = 1 << 20, n;
	char *text = mem_zero(1, room);

	fflush(capture->stream);
	ck_assert_int_ge(dup2(capture->saved, fileno(capture->stream)), 0);
	close(capture->saved);
	rewind(capture->file);
	n = fread(text, 1, room - 1, capture->file);
	ck_assert_uint_lt(n, room - 1);
	fclose(capture->file);
	return text;
}

static inline void capture_is(struct capture *capture, const char *expected)
{
	char *text = capture_end(capture);

	ck_assert_str_eq(text, expected);
	free(text);
}

#endif
