/* An event that is taken is written and taken again as the same line; a log is read to its end
 * or refused, whatever its lines say. Input: the lines of a log. */
#include "archiver/journal/batch.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_line(struct bytes line)
{
	struct event event, again;
	struct buf first, second;

	if (event_parse(&event, line, NULL) != 0)
		return;
	buf_init(&first, 64 << 20);
	buf_init(&second, 64 << 20);
	event_format(&first, &event);
	if (first.overflow || first.p[first.n - 1] != '\n' ||
	    memchr(first.p, '\n', first.n) != first.p + first.n - 1 ||
	    event_parse(&again, (struct bytes){first.p, first.n - 1}, NULL) != 0)
		abort();
	event_format(&second, &again);
	if (!bytes_equal(buf_view(&first), buf_view(&second)))
		abort();
	event_release(&event);
	event_release(&again);
	buf_release(&first);
	buf_release(&second);
}

static void read_log(struct bytes log)
{
	struct batch_reader reader;
	struct batch_place place;
	struct event event;
	uint64_t events = 0, entries = 0;
	int got;

	if (batch_begin(&reader, log, NULL) != 0)
		return;
	while ((got = batch_next(&reader, &event, &place, NULL)) == 1) {
		events++;
		entries += batch_is_entry(event.kind);
		event_release(&event);
	}
	if (got == 0 && (events != reader.commit.events || entries != reader.commit.entries))
		abort();
	batch_end(&reader);
}

/* The same lines with an end whose sums are right. */
static void read_closed(struct bytes lines)
{
	struct event_frame frame[3] = {{.entries = lines.n % 3},
	    {.at = 700, .entries = lines.n % 5, .start = 512 * (lines.n % 2)},
	    {.entries = 1, .is_dropped = true}};
	struct event frames = {.kind = EVENT_FRAMES, .frame = frame, .frame_count = lines.n % 4};
	const struct sha256 previous = {{0}};
	struct sha256 sum;
	struct buf log;

	buf_init(&log, 64 << 20);
	buf_bytes(&log, lines);
	batch_close(&log, &frames, 1, 0, lines.n % 7, lines.n % 11, &previous, &sum);
	read_log(buf_view(&log));
	buf_release(&log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct bytes text = {(const char *)data, bytes}, rest = text;

	while (rest.n > 0) {
		const char *end = memchr(rest.p, '\n', rest.n);
		size_t n = end ? (size_t)(end - rest.p) : rest.n;

		check_line((struct bytes){rest.p, n});
		rest = bytes_from(rest, end ? n + 1 : n);
	}
	read_log(text);
	read_closed(text);
	return 0;
}
