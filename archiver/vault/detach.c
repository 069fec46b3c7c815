/* Owns:  skeleton, blobs and parts of one message.
 * Knows: what a run of canonical base64 is.
 * Never: cuts bytes that would not come back the same.
 * Spec:  archiver/store/FORMAT.md, "Detaching" */
#include "archiver/vault/detach.h"

#include "base/base64.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define LINE_ROOM  (DETACH_LINE_CHARS + 2)
#define LINE_BYTES (DETACH_LINE_CHARS / 4 * 3)

void detach_init(struct detach *detach, const char *temporary_folder)
{
	memset(detach, 0, sizeof *detach);
	spool_init(&detach->skeleton, DETACH_MEMORY_BYTES, temporary_folder);
	spool_init(&detach->blobs, DETACH_MEMORY_BYTES, temporary_folder);
	buf_init(&detach->line, LINE_ROOM);
	buf_init(&detach->held, DETACH_MIN_BYTES + LINE_ROOM);
	detach->digest = digest_new();
}

void detach_release(struct detach *detach)
{
	spool_release(&detach->skeleton);
	spool_release(&detach->blobs);
	buf_release(&detach->line);
	buf_release(&detach->held);
	free(detach->part);
	digest_free(detach->digest);
	memset(detach, 0, sizeof *detach);
}

void detach_begin(struct detach *detach)
{
	struct sha256 unused;

	spool_clear(&detach->skeleton);
	spool_clear(&detach->blobs);
	detach->part_count = 0;
	buf_clear(&detach->line);
	buf_clear(&detach->held);
	detach->is_long = detach->in_run = detach->owes_line_end = false;
	detach->line_chars = 0;
	detach->at = 0;
	digest_end(detach->digest, &unused);
}

/* A line as it stands in the message. */
struct line {
	const char *p;
	size_t chars; /* without its end */
	size_t bytes; /* with it */
	bool crlf;
};

static struct line line_of(const char *p, size_t bytes)
{
	struct line line = {p, bytes, bytes, false};

	if (bytes > 0 && p[bytes - 1] == '\n')
		line.chars--;
	if (line.chars < bytes && line.chars > 0 && p[line.chars - 1] == '\r') {
		line.chars--;
		line.crlf = true;
	}
	return line;
}

static bool has_end(const struct line *line)
{
	return line->chars < line->bytes;
}

static bool all_digits(const struct line *line)
{
	return base64_are_digits((struct bytes){line->p, line->chars});
}

/* Can it be a line of a run that is not its last one? */
static bool is_full_line(const struct line *line)
{
	return line->chars >= 4 && line->chars % 4 == 0 && line->chars <= DETACH_LINE_CHARS &&
	    has_end(line) && all_digits(line);
}

static int to_skeleton(struct detach *detach, const char *p, size_t bytes, struct err *err)
{
	return spool_add(&detach->skeleton, p, bytes, err);
}

static int write_line_end(struct detach *detach, struct err *err)
{
	if (!detach->owes_line_end)
		return 0;
	detach->owes_line_end = false;
	return to_skeleton(detach, &"\r\n"[!detach->crlf], detach -> crlf ? 2 : 1, err);
}

/* Decode the characters of a line and take them when they come back the same: 1, 0, -1. */
static int take_line(struct detach *detach, const char *p, size_t chars, struct err *err)
{
	uint8_t data[LINE_BYTES];
	char again[DETACH_LINE_CHARS];
	size_t bytes;

	if (!base64_decode((struct bytes){p, chars}, data, &bytes) ||
	    base64_encode(data, bytes, again) != chars || memcmp(again, p, chars) != 0)
		return 0;
	digest_add(detach->digest, data, bytes);
	detach->run_bytes += bytes;
	return spool_add(&detach->blobs, data, bytes, err) == 0 ? 1 : -1;
}

static void end_run(struct detach *detach)
{
	struct event_part *part;

	detach->part = mem_grow(
	    detach->part, &detach->part_room, detach->part_count + 1, sizeof *detach->part);
	part = &detach->part[detach->part_count++];
	*part = (struct event_part){.at = detach->run_at,
	    .blob_bytes = detach->run_bytes,
	    .line_chars = detach->line_chars,
	    .crlf = detach->crlf};
	digest_end(detach->digest, &part->blob);
	detach->in_run = false;
}

/* The held lines are long enough: they become a run. All their characters are digits, so
 * every line comes back the same. */
static int begin_run(struct detach *detach, struct err *err)
{
	size_t i, step = detach->line_chars + (detach->crlf ? 2 : 1);

	detach->run_at = detach->at - detach->held.n;
	detach->run_bytes = 0;
	for (i = 0; i < detach->held.n; i += step)
		if (take_line(detach, detach->held.p + i, detach->line_chars, err) != 1)
			return err_set(err, ERR_BUG, "a line of base64 that does not come back");
	buf_clear(&detach->held);
	detach->in_run = true;
	detach->owes_line_end = true;
	return 0;
}

static int drop_held(struct detach *detach, struct err *err)
{
	int result = to_skeleton(detach, detach->held.p, detach->held.n, err);

	buf_clear(&detach->held);
	return result;
}

/* A line while no run is open. */
static int outside_run(struct detach *detach, const struct line *line, struct err *err)
{
	bool full = is_full_line(line);

	if (detach->held.n > 0 &&
	    !(full && line->chars == detach->line_chars && line->crlf == detach->crlf) &&
	    drop_held(detach, err) != 0)
		return -1;
	if (!full)
		return to_skeleton(detach, line->p, line->bytes, err);
	detach->line_chars = (uint32_t)line->chars;
	detach->crlf = line->crlf;
	buf_add(&detach->held, line->p, line->bytes);
	return 0;
}

static int begin_run_if_due(struct detach *detach, struct err *err)
{
	if (detach->held.n < DETACH_MIN_BYTES)
		return 0;
	return detach->part_count < DETACH_MAX_PARTS ? begin_run(detach, err)
						     : drop_held(detach, err);
}

/* A line while a run is open: another full one, the last one, or none of it. That all its
 * characters are digits, but for padding at its end, is seen when it is taken. */
static int inside_run(struct detach *detach, const struct line *line, struct err *err)
{
	bool full = line->chars == detach->line_chars && line->crlf == detach->crlf &&
	    has_end(line) && line->p[line->chars - 1] != '=';
	bool last = !full && line->chars > 0 && line->chars <= detach->line_chars;
	int got = full || last ? take_line(detach, line->p, line->chars, err) : 0;

	if (got < 0)
		return -1;
	if (got == 1 && full)
		return 0;
	if (got == 1) { /* the line end before it belongs to the run, its own does not */
		detach->owes_line_end = false;
		end_run(detach);
		return to_skeleton(detach, line->p + line->chars, line->bytes - line->chars, err);
	}
	end_run(detach);
	if (write_line_end(detach, err) != 0)
		return -1;
	return outside_run(detach, line, err);
}

static int take_whole_line(struct detach *detach, const char *p, size_t bytes, struct err *err)
{
	struct line line = line_of(p, bytes);
	int result =
	    detach->in_run ? inside_run(detach, &line, err) : outside_run(detach, &line, err);

	detach->at += bytes;
	return result == 0 && !detach->in_run ? begin_run_if_due(detach, err) : result;
}

/* The beginning of a line that is too long for base64, and what follows of it. */
static int pass_long(struct detach *detach, const char *p, size_t bytes, struct err *err)
{
	if (detach->in_run) {
		end_run(detach);
		if (write_line_end(detach, err) != 0)
			return -1;
	}
	if (drop_held(detach, err) != 0)
		return -1;
	detach->at += bytes;
	return to_skeleton(detach, p, bytes, err);
}

/* A piece of a line: with its end, or as much as there is. */
static int take_piece(
    struct detach *detach, const char *p, size_t bytes, bool complete, struct err *err)
{
	if (detach->is_long) {
		detach->is_long = !complete;
		return pass_long(detach, p, bytes, err);
	}
	if (complete && detach->line.n == 0 && bytes <= LINE_ROOM)
		return take_whole_line(detach, p, bytes, err);
	if (detach->line.n + bytes > LINE_ROOM) {
		struct bytes begun = buf_view(&detach->line);

		detach->is_long = !complete;
		if (pass_long(detach, begun.p, begun.n, err) != 0)
			return -1;
		buf_clear(&detach->line);
		return pass_long(detach, p, bytes, err);
	}
	buf_add(&detach->line, p, bytes);
	if (!complete)
		return 0;
	if (take_whole_line(detach, detach->line.p, detach->line.n, err) != 0)
		return -1;
	buf_clear(&detach->line);
	return 0;
}

/* The bytes of the whole lines at p with which no run can begin. */
static size_t plain_bytes(const char *p, size_t bytes)
{
	size_t at = 0;
	const char *end;

	while ((end = memchr(p + at, '\n', bytes - at)) != NULL) {
		size_t n = (size_t)(end - (p + at)) + 1;
		struct line line = line_of(p + at, n);

		if (is_full_line(&line))
			break;
		at += n;
	}
	return at;
}

int detach_add(struct detach *detach, const void *data, size_t bytes, struct err *err)
{
	const char *p = data, *end;
	size_t n;

	while (bytes > 0) {
		/* Between two lines, with nothing begun: most mail is this, all at once. */
		if (!detach->in_run && !detach->is_long && detach->line.n == 0 &&
		    detach->held.n == 0) {
			n = plain_bytes(p, bytes);
			if (to_skeleton(detach, p, n, err) != 0)
				return -1;
			detach->at += n;
			p += n;
			bytes -= n;
			if (bytes == 0)
				break;
		}
		end = memchr(p, '\n', bytes);
		n = end ? (size_t)(end - p) + 1 : bytes;
		if (take_piece(detach, p, n, end != NULL, err) != 0)
			return -1;
		p += n;
		bytes -= n;
	}
	return 0;
}

int detach_end(struct detach *detach, struct err *err)
{
	if (detach->line.n > 0 && take_whole_line(detach, detach->line.p, detach->line.n, err) != 0)
		return -1;
	buf_clear(&detach->line);
	if (detach->in_run) {
		end_run(detach);
		if (write_line_end(detach, err) != 0)
			return -1;
	}
	return drop_held(detach, err);
}

uint64_t detach_encoded_bytes(const struct event_part *part)
{
	uint64_t chars = BASE64_ENCODED_BYTES(part->blob_bytes);
	uint64_t ends = chars == 0 ? 0 : (chars - 1) / part->line_chars;

	return chars + ends * (part->crlf ? 2 : 1);
}

void detach_encoder_begin(
    struct detach_encoder *encoder, const struct event_part *part, spool_fn fn, void *arg)
{
	encoder->fn = fn;
	encoder->arg = arg;
	encoder->line_chars = part->line_chars;
	encoder->crlf = part->crlf;
	encoder->carried = 0;
	encoder->column = 0;
	encoder->out_bytes = 0;
}

static int flush(struct detach_encoder *encoder, struct err *err)
{
	size_t bytes = encoder->out_bytes;

	encoder->out_bytes = 0;
	return bytes > 0 ? encoder->fn(encoder->arg, encoder->out, bytes, err) : 0;
}

/* Characters for up to the rest of the line; data is a multiple of 3 long or the end. */
static int encode_some(
    struct detach_encoder *encoder, const uint8_t *data, size_t bytes, struct err *err)
{
	if (encoder->out_bytes + DETACH_LINE_CHARS + 8 > sizeof encoder->out &&
	    flush(encoder, err) != 0)
		return -1;
	if (encoder->column == encoder->line_chars) {
		memcpy(encoder->out + encoder->out_bytes, &"\r\n"[!encoder->crlf],
		    encoder -> crlf ? 2 : 1);
		encoder->out_bytes += encoder->crlf ? 2 : 1;
		encoder->column = 0;
	}
	bytes = base64_encode(data, bytes, encoder->out + encoder->out_bytes);
	encoder->out_bytes += bytes;
	encoder->column += (uint32_t)bytes;
	return 0;
}

/* How much of it goes into the line that is open: whole threes only. */
static size_t fitting(const struct detach_encoder *encoder, size_t bytes)
{
	uint32_t room = encoder->line_chars - encoder->column;
	size_t fit = (room ? room : encoder->line_chars) / 4 * 3;

	bytes -= bytes % 3;
	return bytes < fit ? bytes : fit;
}

int detach_encoder_add(void *arg, const void *data, size_t bytes, struct err *err)
{
	struct detach_encoder *encoder = arg;
	const uint8_t *p = data;

	while (bytes > 0 && (encoder->carried > 0 || bytes < 3)) {
		encoder->carry[encoder->carried++] = *p++;
		bytes--;
		if (encoder->carried < 3)
			continue;
		encoder->carried = 0;
		if (encode_some(encoder, encoder->carry, 3, err) != 0)
			return -1;
	}
	while (bytes >= 3) {
		size_t n = fitting(encoder, bytes);

		if (encode_some(encoder, p, n, err) != 0)
			return -1;
		p += n;
		bytes -= n;
	}
	while (bytes > 0) {
		encoder->carry[encoder->carried++] = *p++;
		bytes--;
	}
	return 0;
}

int detach_encoder_end(struct detach_encoder *encoder, struct err *err)
{
	if (encoder->carried > 0 &&
	    encode_some(encoder, encoder->carry, encoder->carried, err) != 0)
		return -1;
	encoder->carried = 0;
	return flush(encoder, err);
}
