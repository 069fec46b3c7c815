/* Owns:  the window and copies of the open boundaries.
 * Knows: what a boundary line looks like, and where content ends before one.
 * Never: holds more than the window, whatever the message.
 * Spec:  RFC 2046 5.1.1; blanks behind a boundary are allowed, bare LF as well. */
#include "archiver/mime/mimefeed.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_BYTES   65536
#define MARK_BYTES_MAX (MIMEFEED_BOUNDARY_BYTES_MAX + 64)
#define NOT_FOUND      SIZE_MAX

void mimefeed_init(struct mimefeed *feed, const struct mimewalk_source *source)
{
	memset(feed, 0, sizeof *feed);
	feed->source = *source;
	buf_init(&feed->window, WINDOW_BYTES);
	mimefeed_seek(feed, 0);
}

void mimefeed_release(struct mimefeed *feed)
{
	while (feed->depth > 0)
		mimefeed_pop(feed);
	buf_release(&feed->window);
}

bool mimefeed_push(struct mimefeed *feed, const char *boundary)
{
	struct bytes text = bytes_trim(bytes_of(boundary));

	if (text.n == 0 || text.n > MIMEFEED_BOUNDARY_BYTES_MAX ||
	    feed->depth == MIMEFEED_DEPTH_MAX)
		return false;
	feed->boundaries[feed->depth++] = (struct bytes){bytes_string(text), text.n};
	return true;
}

void mimefeed_pop(struct mimefeed *feed)
{
	feed->depth--;
	free((char *)feed->boundaries[feed->depth].p);
}

uint64_t mimefeed_tell(const struct mimefeed *feed)
{
	return feed->ahead_offset;
}

void mimefeed_seek(struct mimefeed *feed, uint64_t offset)
{
	buf_clear(&feed->window);
	feed->is_end = feed->source.fd < 0;
	feed->ahead = (struct bytes){NULL, 0};
	if (feed->is_end)
		feed->ahead = bytes_from(feed->source.memory, (size_t)offset);
	feed->ahead_offset = offset;
	feed->at_line_start = true;
}

static void give(struct mimefeed *feed, size_t n)
{
	feed->ahead = bytes_from(feed->ahead, n);
	feed->ahead_offset += n;
}

/* Makes sure of that many bytes ahead, if the message has them. */
static int look_ahead(struct mimefeed *feed, size_t bytes, struct err *err)
{
	if (feed->is_end || feed->ahead.n >= bytes)
		return 0;
	buf_drop(&feed->window, feed->window.n - feed->ahead.n);
	while (feed->window.n < WINDOW_BYTES) {
		size_t want = WINDOW_BYTES - feed->window.n;
		char *at = buf_reserve(&feed->window, want);
		ssize_t got = file_read_at(feed->source.fd, at, want,
		    feed->ahead_offset + feed->window.n, "the message", err);

		if (got < 0)
			return -1;
		feed->window.n += (size_t)got;
		feed->is_end = (size_t)got < want;
		if (feed->is_end)
			break;
	}
	feed->ahead = buf_view(&feed->window);
	return 0;
}

/* What is ahead, in the same portions from memory as from a file. */
static struct bytes portion(const struct mimefeed *feed, bool *is_last)
{
	struct bytes all = feed->ahead;

	if (all.n > WINDOW_BYTES)
		all.n = WINDOW_BYTES;
	*is_last = feed->is_end && all.n == feed->ahead.n;
	return all;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Whether the line is a boundary; the innermost counts. */
static bool is_stop(struct mimefeed *feed, struct bytes line)
{
	if (feed->depth == 0 || !bytes_starts(line, "--"))
		return false;
	while (line.n > 0 && is_blank(line.p[line.n - 1]))
		line.n--;
	line = bytes_from(line, 2);
	for (int i = feed->depth - 1; i >= 0; i--) {
		struct bytes mark = feed->boundaries[i];

		if (line.n < mark.n || memcmp(line.p, mark.p, mark.n) != 0)
			continue;
		if (line.n != mark.n && !bytes_is(bytes_from(line, mark.n), "--"))
			continue;
		feed->stop = i;
		feed->stop_is_last = line.n != mark.n;
		return true;
	}
	return false;
}

static int stop_at_end(struct mimefeed *feed)
{
	feed->stop = -1;
	feed->stop_is_last = true;
	return 0;
}

int mimefeed_line(struct mimefeed *feed, struct bytes *piece, bool *is_start, struct err *err)
{
	struct bytes all;
	const char *end;
	bool is_last;

	if (look_ahead(feed, WINDOW_BYTES / 2, err) != 0)
		return -1;
	all = portion(feed, &is_last);
	if (all.n == 0)
		return stop_at_end(feed);
	end = memchr(all.p, '\n', all.n);
	if (end)
		all.n = (size_t)(end + 1 - all.p);
	*is_start = feed->at_line_start;
	feed->at_line_start = end != NULL;
	give(feed, all.n);
	if (*is_start && is_stop(feed, all))
		return 0;
	*piece = all;
	return 1;
}

/* What the portion holds: content_n bytes of content, then perhaps a boundary line that ends
 * at stop_n (0: none). */
struct cut {
	size_t content_n, stop_n;
};

/* The next line at or behind "from" that begins with "--". */
static size_t find_dashes(struct bytes all, size_t from)
{
	const char *found = all.n > from ? memmem(all.p + from, all.n - from, "\n--", 3) : NULL;

	return found ? (size_t)(found + 1 - all.p) : NOT_FOUND;
}

static size_t before_line_break(struct bytes all, size_t line)
{
	if (line > 0)
		line--;
	if (line > 0 && all.p[line - 1] == '\r')
		line--;
	return line;
}

static struct cut cut_content(struct mimefeed *feed, struct bytes all, bool is_last)
{
	size_t at = 0, held = strlen("\r\n-");

	if (!feed->at_line_start || !bytes_starts(all, "--"))
		at = find_dashes(all, 0);
	for (; at != NOT_FOUND; at = find_dashes(all, at + 2)) {
		struct bytes line = bytes_from(all, at);
		const char *end = memchr(line.p, '\n', line.n);

		if (end)
			line.n = (size_t)(end + 1 - line.p);
		else if (!is_last && line.n < MARK_BYTES_MAX)
			return (struct cut){before_line_break(all, at), 0};
		if (is_stop(feed, line))
			return (struct cut){before_line_break(all, at), at + line.n};
	}
	/* A line break at the end may belong to a boundary that is not here yet. */
	return (struct cut){is_last ? all.n : all.n - held, 0};
}

int mimefeed_body(struct mimefeed *feed, struct bytes *piece, struct err *err)
{
	struct bytes all;
	struct cut cut;
	bool is_last;

	if (look_ahead(feed, 2 * MARK_BYTES_MAX, err) != 0)
		return -1;
	all = portion(feed, &is_last);
	if (all.n == 0)
		return stop_at_end(feed);
	if (feed->depth > 0)
		cut = cut_content(feed, all, is_last);
	else
		cut = (struct cut){all.n, 0};
	if (cut.content_n == 0) {
		give(feed, cut.stop_n);
		feed->at_line_start = true;
		return 0;
	}
	all.n = cut.content_n;
	*piece = all;
	give(feed, all.n);
	feed->at_line_start = false;
	return 1;
}
