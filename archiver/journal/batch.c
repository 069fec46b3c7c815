/* Owns:  the frames and commit events of the log that is read.
 * Knows: how a batch ends and what its sums cover.
 * Never: yields an event of a log whose sum is wrong.
 * Spec:  archiver/store/FORMAT.md, "The journal" */
#include "archiver/journal/batch.h"

#include <string.h>

/* As event_format writes them; a reader need not look at other lines for these. */
#define REDACTED_START "{\"e\":\"redacted\","
#define MAIL_START     "{\"e\":\"mail\","

uint64_t batch_entry_bytes(uint64_t content_bytes)
{
	uint64_t filled = (content_bytes + BATCH_ENTRY_ALIGN - 1) / BATCH_ENTRY_ALIGN;

	return (filled + 1) * BATCH_ENTRY_ALIGN;
}

bool batch_is_entry(enum event_kind kind)
{
	return kind == EVENT_MAIL || kind == EVENT_BLOB || kind == EVENT_REDACTED;
}

static int wrong(struct err *err, const char *what)
{
	return err_set(err, ERR_DAMAGED, "a log of the journal %s", what);
}

/* The first line of text, without its LF, which is taken off with it; false when it has none. */
static bool take_line(struct bytes *text, struct bytes *line_out)
{
	const char *end = text->n > 0 ? memchr(text->p, '\n', text->n) : NULL;

	if (!end)
		return false;
	*line_out = (struct bytes){text->p, (size_t)(end - text->p)};
	*text = bytes_from(*text, line_out->n + 1);
	return true;
}

/* What a line counts as in the sum: itself, or the one that it stands for. */
static int sum_line(struct digest *digest, struct bytes line, struct sha256 *out, struct err *err)
{
	struct event event;
	int result = 0;

	if (!bytes_starts(line, REDACTED_START)) {
		digest_add(digest, line.p, line.n);
		digest_end(digest, out);
		return 0;
	}
	if (event_parse(&event, line, err) != 0)
		return -1;
	if (event.kind == EVENT_REDACTED)
		*out = event.line;
	else
		result = wrong(err, "has a line that begins as another does");
	event_release(&event);
	return result;
}

/* The sum of event lines: the SHA-256 of their SHA-256s. */
static int sum_lines(struct bytes lines, struct sha256 *out, struct err *err)
{
	struct digest *one = digest_new(), *all = digest_new();
	struct bytes line;
	struct sha256 sum;
	int result = 0;

	while (result == 0 && lines.n > 0) {
		if (!take_line(&lines, &line))
			result = wrong(err, "has a line without an end");
		else if ((result = sum_line(one, line, &sum, err)) == 0)
			digest_add(all, sum.b, sizeof sum.b);
	}
	digest_end(all, out);
	digest_free(one);
	digest_free(all);
	return result;
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

	if (sum_lines(buf_view(lines), &commit.log, NULL) != 0)
		lines->overflow = true;
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

int batch_begin_checked(struct batch_reader *reader, struct bytes log, struct err *err)
{
	struct bytes commit, frames;

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
	reader->rest = log;
	return 0;
bad:
	batch_end(reader);
	return -1;
}

int batch_begin(struct batch_reader *reader, struct bytes log, struct err *err)
{
	struct sha256 sum;

	if (batch_begin_checked(reader, log, err) != 0)
		return -1;
	if (sum_lines(reader->rest, &sum, err) == 0) {
		if (sha256_equal(&sum, &reader->commit.log))
			return 0;
		wrong(err, "does not match its checksum");
	}
	batch_end(reader);
	return -1;
}

/* The place of the next entry. */
static int count_entry(struct batch_reader *reader, const struct event *event,
    struct batch_place *place_out, struct err *err)
{
	const struct event *frames = &reader->frames;
	uint64_t content = event->kind == EVENT_MAIL ? event->stored_bytes : event->size_bytes;
	const struct event_frame *run;

	while (reader->frame_index < frames->frame_count &&
	    reader->entry_index == frames->frame[reader->frame_index].entries) {
		reader->frame_index++;
		reader->entry_index = 0;
		reader->entry_at = 0;
	}
	if (reader->frame_index == frames->frame_count)
		return wrong(err, "names more entries than its frames have");
	run = &frames->frame[reader->frame_index];
	if (event->kind == EVENT_REDACTED && !run->is_dropped)
		return wrong(err, "has a redacted event of an entry that is there");
	place_out->frame_at = run->is_dropped ? BATCH_NOWHERE : run->at;
	place_out->entry_at = run->is_dropped ? 0 : run->start + reader->entry_at;
	reader->entry_at += batch_entry_bytes(content);
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
	struct bytes line;

	if (reader->rest.n == 0)
		return at_end(reader, err);
	if (!take_line(&reader->rest, &line))
		return wrong(err, "has a line without an end");
	if (event_parse(event, line, err) != 0)
		return -1;
	reader->events_read++;
	memset(place_out, 0, sizeof *place_out);
	if (batch_is_entry(event->kind) && count_entry(reader, event, place_out, err) != 0) {
		event_release(event);
		return -1;
	}
	return 1;
}

void batch_end(struct batch_reader *reader)
{
	event_release(&reader->frames);
	event_release(&reader->commit);
}

/* One event line as it is to stand in the new log. */
static int rewrite_line(struct buf *out, struct bytes line, struct digest *digest,
    bool (*redact)(void *arg, const struct event *mail), void *arg, struct err *err)
{
	struct event mail, left = {.kind = EVENT_REDACTED};
	bool gone = false;

	if (bytes_starts(line, MAIL_START)) {
		if (event_parse(&mail, line, err) != 0)
			return -1;
		gone = mail.kind == EVENT_MAIL && redact(arg, &mail);
		left.id = mail.id;
		left.size_bytes = mail.size_bytes;
		event_release(&mail);
	}
	if (!gone) {
		buf_bytes(out, line);
		buf_char(out, '\n');
		return 0;
	}
	digest_add(digest, line.p, line.n);
	digest_end(digest, &left.line);
	event_format(out, &left);
	return 0;
}

int batch_rewrite(struct buf *out, struct bytes log, const struct event *frames,
    bool (*redact)(void *arg, const struct event *mail), void *arg, struct err *err)
{
	struct digest *digest = digest_new();
	struct bytes commit, old_frames, line;
	int result = 0;

	if (!take_last_line(&log, &commit) || !take_last_line(&log, &old_frames))
		result = wrong(err, "is cut off");
	while (result == 0 && take_line(&log, &line))
		result = rewrite_line(out, line, digest, redact, arg, err);
	if (result == 0) {
		event_format(out, frames);
		buf_bytes(out, commit);
		buf_char(out, '\n');
	}
	digest_free(digest);
	return result;
}
