/* Owns:  the frames and commit events of the log that is read.
 * Knows: how a batch ends and what its sums cover.
 * Never: yields an event of a log whose sum is wrong.
 * Spec:  archiver/store/FORMAT.md, "The journal" */
#include "archiver/journal/batch.h"

#include <string.h>

uint64_t batch_entry_bytes(uint64_t content_bytes)
{
	uint64_t filled = (content_bytes + BATCH_ENTRY_ALIGN - 1) / BATCH_ENTRY_ALIGN;

	return (filled + 1) * BATCH_ENTRY_ALIGN;
}

void batch_close(struct buf *lines, const struct event *frames, uint64_t batch, int64_t time_unix,
    uint64_t entries, uint64_t events, const struct sha256 *previous, struct sha256 *sum_out)
{
	struct event commit = {.kind = EVENT_COMMIT,
	    .batch = batch,
	    .time_unix = time_unix,
	    .entries = entries,
	    .events = events,
	    .previous = *previous};
	size_t start;

	sha256_of(buf_view(lines), &commit.log);
	event_format(lines, frames);
	start = lines->n;
	event_format(lines, &commit);
	if (lines->overflow)
		return;
	sha256_of((struct bytes){lines->p + start, lines->n - 1 - start}, sum_out);
}

/* Take the last line off text; it must end in LF. */
static bool take_last_line(struct bytes *text, struct bytes *line_out)
{
	const char *before;

	if (text->n == 0 || text->p[text->n - 1] != '\n')
		return false;
	before = memrchr(text->p, '\n', text->n - 1);
	*line_out = bytes_from(*text, before ? (size_t)(before - text->p) + 1 : 0);
	text->n -= line_out->n;
	line_out->n--;
	return true;
}

static int wrong(struct err *err, const char *what)
{
	return err_set(err, ERR_DAMAGED, "a log of the journal %s", what);
}

int batch_begin(struct batch_reader *reader, struct bytes log, struct err *err)
{
	struct bytes commit, frames;
	struct sha256 sum;

	memset(reader, 0, sizeof *reader);
	if (!take_last_line(&log, &commit) || !take_last_line(&log, &frames))
		return wrong(err, "is cut off");
	if (event_parse(&reader->commit, commit, err) != 0)
		return -1;
	sha256_of(commit, &reader->sum);
	if (event_parse(&reader->frames, frames, err) != 0)
		goto bad;
	if (reader->commit.kind != EVENT_COMMIT || reader->frames.kind != EVENT_FRAMES) {
		wrong(err, "does not end in frames and commit");
		goto bad;
	}
	sha256_of(log, &sum);
	if (!sha256_equal(&sum, &reader->commit.log)) {
		wrong(err, "does not match its checksum");
		goto bad;
	}
	reader->rest = log;
	return 0;
bad:
	batch_end(reader);
	return -1;
}

/* The place of the next entry, whose content has that many bytes. */
static int count_entry(struct batch_reader *reader, uint64_t content_bytes,
    struct batch_place *place_out, struct err *err)
{
	const struct event *frames = &reader->frames;

	while (reader->frame_index < frames->frame_count &&
	    reader->entry_index == frames->frame[reader->frame_index].entries) {
		reader->frame_index++;
		reader->entry_index = 0;
		reader->entry_at = 0;
	}
	if (reader->frame_index == frames->frame_count)
		return wrong(err, "names more entries than its frames have");
	place_out->frame_at = frames->frame[reader->frame_index].at;
	place_out->entry_at = reader->entry_at;
	reader->entry_at += batch_entry_bytes(content_bytes);
	reader->entry_index++;
	reader->entries_read++;
	return 0;
}

/* Has every entry of the frames line been named? */
static bool are_frames_full(const struct batch_reader *reader)
{
	const struct event *frames = &reader->frames;
	uint64_t counted = reader->entry_index;
	size_t i = reader->frame_index;

	for (; i < frames->frame_count && frames->frame[i].entries == counted; i++)
		counted = 0;
	return i == frames->frame_count;
}

static int at_end(const struct batch_reader *reader, struct err *err)
{
	if (!are_frames_full(reader))
		return wrong(err, "names fewer entries than its frames have");
	if (reader->events_read != reader->commit.events ||
	    reader->entries_read != reader->commit.entries)
		return wrong(err, "has another number of events than its commit says");
	return 0;
}

int batch_next(struct batch_reader *reader, struct event *event, struct batch_place *place_out,
    struct err *err)
{
	const char *end;
	size_t length;

	if (reader->rest.n == 0)
		return at_end(reader, err);
	end = memchr(reader->rest.p, '\n', reader->rest.n);
	if (!end)
		return wrong(err, "has a line without an end");
	length = (size_t)(end - reader->rest.p);
	if (event_parse(event, (struct bytes){reader->rest.p, length}, err) != 0)
		return -1;
	reader->rest = bytes_from(reader->rest, length + 1);
	reader->events_read++;
	memset(place_out, 0, sizeof *place_out);
	if (event->kind == EVENT_MAIL || event->kind == EVENT_BLOB) {
		uint64_t content =
		    event->kind == EVENT_MAIL ? event->stored_bytes : event->size_bytes;

		if (count_entry(reader, content, place_out, err) != 0) {
			event_release(event);
			return -1;
		}
	}
	return 1;
}

void batch_end(struct batch_reader *reader)
{
	event_release(&reader->frames);
	event_release(&reader->commit);
}
