/* For the tests of the response reader: the bytes of a wire go in, one response comes out, in
 * the way in which a connection uses the reader. The text lies in memory of exactly its size,
 * so that the sanitizer sees a read beyond it.
 *
 *   HEAR("* 1 FETCH (UID 7 BODY[] {3}\r\nabc)\r\n");     heard and wire are filled
 *   UNHEARD(ERR_PROTOCOL, "* 1 FETCH (UID 7\r\n");      it is refused */
#ifndef TESTS_HEARING_H
#define TESTS_HEARING_H

#include "archiver/imapwire/response.h"
#include "tests/unit/suite.h"

#include <string.h>

static struct response heard;
static struct response_text wire;
static char streamed[256]; /* what went away as texts of messages */
static size_t streamed_bytes;

static inline void give_literal(struct bytes *rest, bool keep_all, int *result, struct err *err)
{
	struct bytes data = {rest->p, wire.pending_bytes};

	ck_assert_msg(data.n <= rest->n, "the test has not enough bytes for its literal");
	*rest = bytes_from(*rest, data.n);
	if (keep_all || !response_text_is_body(&wire)) {
		*result = response_text_literal(&wire, data, err);
		return;
	}
	ck_assert(streamed_bytes + data.n <= sizeof streamed);
	memcpy(streamed + streamed_bytes, data.p, data.n);
	streamed_bytes += data.n;
	response_text_streamed(&wire);
}

static inline int hear(struct bytes rest, bool keep_all, struct err *err)
{
	int result = 0;

	response_text_release(&wire);
	streamed_bytes = 0;
	memset(&heard, 0x55, sizeof heard);
	while (result == 0) {
		const char *end = memmem(rest.p, rest.n, "\r\n", 2);
		struct bytes line;

		ck_assert_msg(end != NULL, "the test has no line end");
		line = (struct bytes){rest.p, (size_t)(end - rest.p)};
		rest = bytes_from(rest, line.n + 2);
		result = response_text_line(&wire, line, err);
		if (result == 0)
			give_literal(&rest, keep_all, &result, err);
	}
	if (result < 0)
		return -1;
	if (wire.text.n > 0) {
		wire.text.p = realloc(wire.text.p, wire.text.n);
		wire.text.room = wire.text.n;
	}
	result = response_parse(&wire, &heard, err);
	ck_assert_msg(result != 0 || rest.n == 0, "left over: %.*s", (int)rest.n, rest.p);
	return result;
}

#define HEAR(text)           OK(hear(BYTES(text), false, err))
#define HEAR_KEPT(text)      OK(hear(BYTES(text), true, err))
#define UNHEARD(code_, text) FAILS(code_, hear(BYTES(text), false, err))

#define ck_assert_bytes(view, text)                                                                \
	ck_assert_msg(bytes_equal(view, BYTES(text)), "%s is \"%.*s\", not \"%s\"", #view,         \
	    (int)(view).n, (view).p ? (view).p : "", text)

#endif
