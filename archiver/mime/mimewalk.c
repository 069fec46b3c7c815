/* Owns:  one walk: the feed, the header of the part at hand, the counts that limits are about.
 * Knows: how multiparts and enclosed messages nest. GMime's own parser keeps every part and
 *        what stands outside of parts in memory; here nothing is kept.
 * Never: calls the visitor again once it has returned -1.
 * Spec:  RFC 2046 (5.1 multipart, 5.2.1 message/rfc822). */
#include "archiver/mime/mimewalk.h"

#include "archiver/mime/mimebody.h"
#include "archiver/mime/mimefeed.h"
#include "archiver/mime/mimehead.h"
#include "archiver/mime/mimepart.h"
#include "archiver/mime/rawfield.h"

#include <string.h>

#define DEPTH_DEFAULT      50
#define PARTS_DEFAULT      10000
#define TEXT_BYTES_DEFAULT (4 * 1024 * 1024)
#define HEADER_BYTES_MAX   (8 * 1024 * 1024)
#define FIELD_BYTES_MAX    (1024 * 1024)
#define ENCODED_BYTES_MAX  (8 * 1024 * 1024)

struct walk {
	struct mimefeed feed;
	struct mimewalk_limits limits;
	struct mimewalk_visitor *visitor;
	struct err *err;
	struct buf header; /* of the part at hand */
	unsigned leafs, containers;
	uint64_t given_bytes;
	bool is_over; /* a limit ended the walk */
};

/* Where an entity stands. */
struct place {
	unsigned depth;
	bool is_message;  /* its header is that of a message, */
	bool is_enclosed; /* of one inside another */
	bool in_digest, in_related;
};

static struct mimewalk_limits with_defaults(const struct mimewalk_limits *given)
{
	struct mimewalk_limits limits = {0};

	if (given)
		limits = *given;
	if (limits.depth == 0)
		limits.depth = DEPTH_DEFAULT;
	if (limits.depth > MIMEFEED_DEPTH_MAX)
		limits.depth = MIMEFEED_DEPTH_MAX;
	if (limits.parts == 0)
		limits.parts = PARTS_DEFAULT;
	if (limits.text_bytes == 0)
		limits.text_bytes = TEXT_BYTES_DEFAULT;
	if (limits.total_bytes == 0)
		limits.total_bytes = UINT64_MAX;
	return limits;
}

static void end_walk(struct walk *walk)
{
	walk->visitor->truncated = true;
	walk->is_over = true;
}

/* A line of nothing but its end; some mailers write CR CR LF. */
static bool is_empty_line(struct bytes line)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] != '\r' && line.p[i] != '\n')
			return false;
	return line.n > 0 && line.p[line.n - 1] == '\n';
}

/* A line that stands in no header, unless by mistake. "From " is left over from an mbox. */
static bool is_stray_line(struct bytes line)
{
	struct rawfield field;

	return line.p[0] != ' ' && line.p[0] != '\t' && !bytes_starts(line, "From ") &&
	    !bytes_starts(line, ">From ") && !rawfield_split(line, &field);
}

/* Up to the empty line; *has_body: what follows is a body, not a boundary or the end. Stray
 * lines are kept, rawfields steps over them; but a line that looks like a boundary, or a
 * header that never ends, means that the body began without an empty line. */
static int read_header(struct walk *walk, bool *has_body)
{
	struct buf *header = &walk->header;
	uint64_t start = mimefeed_tell(&walk->feed), at = start, stray = UINT64_MAX;
	struct bytes line;
	bool is_start, is_dashes = false;
	int got;

	buf_clear(header);
	*has_body = false;
	while ((got = mimefeed_line(&walk->feed, &line, &is_start, walk->err)) > 0) {
		*has_body = is_start && is_empty_line(line);
		is_dashes = is_start && bytes_starts(line, "--");
		if (stray == UINT64_MAX && is_start && is_stray_line(line))
			stray = at;
		if (*has_body || is_dashes)
			break;
		if (!header->overflow)
			buf_bytes(header, line);
		at = mimefeed_tell(&walk->feed);
	}
	if (header->overflow)
		walk->visitor->truncated = true;
	if (got >= 0 && !*has_body && stray != UINT64_MAX) {
		mimefeed_seek(&walk->feed, is_dashes ? at : stray);
		buf_cut(header, (size_t)(mimefeed_tell(&walk->feed) - start));
		*has_body = true;
	}
	return got < 0 ? -1 : 0;
}

static bool is_wanted_field(struct bytes name, enum mimewalk_field *field)
{
	static const struct {
		const char *name;
		enum mimewalk_field field;
	} wanted[] = {
	    {"subject", MIMEWALK_SUBJECT},
	    {"from", MIMEWALK_FROM},
	    {"to", MIMEWALK_TO},
	    {"cc", MIMEWALK_CC},
	    {"list-id", MIMEWALK_LIST},
	};

	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		if (bytes_is_nocase(name, wanted[i].name)) {
			*field = wanted[i].field;
			return true;
		}
	return false;
}

static int send_field(
    struct walk *walk, enum mimewalk_field field, struct bytes value, bool is_enclosed)
{
	struct mimewalk_visitor *visitor = walk->visitor;
	struct buf raw, text;
	int got = 0;

	buf_init(&raw, 2 * FIELD_BYTES_MAX);
	buf_init(&text, 8 * FIELD_BYTES_MAX);
	if (!rawfield_unfold(&raw, value, FIELD_BYTES_MAX))
		visitor->truncated = true;
	mimehead_decode(&text, buf_view(&raw));
	if (text.n > 0)
		got = visitor->header(visitor->arg, field, buf_view(&text), is_enclosed, walk->err);
	buf_release(&raw);
	buf_release(&text);
	return got;
}

static int send_header(struct walk *walk, bool is_enclosed)
{
	struct rawfields fields;
	struct rawfield field;
	enum mimewalk_field which;

	if (!walk->visitor->header)
		return 0;
	rawfields_start(&fields, buf_view(&walk->header));
	while (rawfields_next(&fields, &field))
		if (is_wanted_field(field.name, &which) &&
		    send_field(walk, which, field.value, is_enclosed) != 0)
			return -1;
	return 0;
}

/* The longest start of text of at most max_bytes that ends with a whole character. */
static struct bytes whole_characters(struct bytes text, uint64_t max_bytes)
{
	if (text.n <= max_bytes)
		return text;
	text.n = (size_t)max_bytes;
	while (text.n > 0 && ((unsigned char)text.p[text.n] & 0xc0) == 0x80)
		text.n--;
	return text;
}

/* What may still be given of one part. */
struct sink {
	bool is_text, is_full;
	uint64_t left_bytes;
};

/* What was decoded goes to the visitor as far as the limits let it. */
static int give(struct walk *walk, struct bytes decoded, struct sink *sink)
{
	struct mimewalk_visitor *visitor = walk->visitor;
	uint64_t total_left = walk->limits.total_bytes - walk->given_bytes;
	uint64_t left = total_left < sink->left_bytes ? total_left : sink->left_bytes;
	struct bytes piece = decoded;

	if (sink->is_text)
		piece = whole_characters(piece, left);
	else if (piece.n > left)
		piece.n = (size_t)left;
	if (piece.n < decoded.n) {
		visitor->truncated = true;
		sink->is_full = true;
		walk->is_over = left == total_left;
	}
	sink->left_bytes -= piece.n;
	walk->given_bytes += piece.n;
	if (piece.n == 0 || !visitor->data)
		return 0;
	return visitor->data(visitor->arg, piece, walk->err);
}

static int skip_body(struct walk *walk)
{
	struct bytes piece;
	int got;

	while ((got = mimefeed_body(&walk->feed, &piece, walk->err)) > 0)
		;
	return got;
}

static int send_body(struct walk *walk, const struct mimepart *part, bool is_text)
{
	struct sink sink = {
	    .is_text = is_text, .left_bytes = is_text ? walk->limits.text_bytes : UINT64_MAX};
	struct mimebody *body = mimebody_new(part, is_text);
	struct bytes piece;
	struct buf out;
	int got = 1;

	buf_init(&out, SIZE_MAX / 2);
	while (got > 0 && !sink.is_full) {
		buf_clear(&out);
		got = mimefeed_body(&walk->feed, &piece, walk->err);
		if (got > 0)
			mimebody_add(body, piece, &out);
		else if (got == 0)
			mimebody_end(body, &out);
		if (got >= 0 && give(walk, buf_view(&out), &sink) != 0)
			got = -1;
	}
	buf_release(&out);
	mimebody_free(body);
	if (got > 0 && !walk->is_over)
		got = skip_body(walk);
	return got < 0 ? -1 : 0;
}

/* Names do not make a file of what has none of the marks of one: whole messages are sent as
 * "text/plain; name=..." and readers show such parts with the text. */
static bool is_shown(const struct mimepart *part, const struct place *at)
{
	struct bytes type = bytes_of(part->type);

	if (mimepart_is_report(part))
		return !part->is_attachment;
	if (!mimepart_is_text(part))
		return false;
	if (at->depth == 0)
		return true;
	return !part->is_attachment &&
	    (!part->name || part->is_inline || bytes_is(type, "text/plain") ||
		bytes_is(type, "text/html"));
}

static void describe(struct walk *walk, const struct mimepart *part, const struct place *at,
    struct mimewalk_part *out)
{
	bool is_image = bytes_starts(bytes_of(part->type), "image/");
	bool shown = is_shown(part, at), is_whole = shown && at->depth == 0;

	*out = (struct mimewalk_part){
	    .number = walk->leafs,
	    .depth = at->depth,
	    .type = part->type,
	    .name = bytes_of(part->name),
	    .is_attachment = part->is_attachment || (part->name && !is_whole) ||
		!(mimepart_is_text(part) || mimepart_is_multipart(part) ||
		    mimepart_is_message(part)),
	    .is_shown = shown,
	    .is_inline_image =
		is_image && part->has_content_id && at->in_related && !part->is_attachment,
	};
}

static int leaf(
    struct walk *walk, const struct mimepart *part, const struct place *at, bool has_body)
{
	struct mimewalk_visitor *visitor = walk->visitor;
	enum mimewalk_want want = MIMEWALK_NOTHING;
	struct mimewalk_part about;

	if (walk->leafs == walk->limits.parts) {
		end_walk(walk);
		return 0;
	}
	walk->leafs++;
	describe(walk, part, at, &about);
	if (visitor->part(visitor->arg, &about, &want, walk->err) != 0)
		return -1;
	if (want == MIMEWALK_NOTHING)
		return has_body ? skip_body(walk) : 0;
	if (has_body && send_body(walk, part, want == MIMEWALK_TEXT) != 0)
		return -1;
	return visitor->end ? visitor->end(visitor->arg, walk->err) : 0;
}

/* A multipart in which its boundary does not occur is read as the text that it is. */
static int as_plain_text(struct walk *walk, const struct place *at, uint64_t start)
{
	struct mimepart plain;
	int got;

	mimefeed_seek(&walk->feed, start);
	mimepart_read(&plain, BYTES(""), false);
	got = leaf(walk, &plain, at, true);
	mimepart_release(&plain);
	return got;
}

static int entity(struct walk *walk, struct place at);

/* Its boundary has been pushed. */
static int multipart(struct walk *walk, const struct mimepart *part, const struct place *at)
{
	struct mimefeed *feed = &walk->feed;
	struct bytes type = bytes_of(part->type);
	struct place child = {.depth = at->depth + 1,
	    .in_digest = bytes_is(type, "multipart/digest"),
	    .in_related = at->in_related || bytes_is(type, "multipart/related")};
	uint64_t start = mimefeed_tell(feed);
	int own = feed->depth - 1, got = skip_body(walk);
	bool occurs = feed->stop == own;

	while (got == 0 && !walk->is_over && feed->stop == own && !feed->stop_is_last)
		got = entity(walk, child);
	mimefeed_pop(feed);
	if (got != 0 || walk->is_over)
		return got;
	if (!occurs)
		return as_plain_text(walk, at, start);
	return feed->stop == own ? skip_body(walk) : 0;
}

static bool may_enter(struct walk *walk, const struct place *at)
{
	if (at->depth >= walk->limits.depth) {
		walk->visitor->truncated = true;
		return false;
	}
	if (walk->containers++ == walk->limits.parts)
		end_walk(walk);
	return !walk->is_over;
}

/* An enclosed message in base64 or the like, against RFC 2046: decoded in memory. */
static int encoded_message(struct walk *walk, const struct mimepart *part, struct place child)
{
	struct mimebody *body = mimebody_new(part, false);
	struct mimefeed outer;
	struct bytes piece;
	struct buf message;
	int got;

	buf_init(&message, ENCODED_BYTES_MAX);
	while ((got = mimefeed_body(&walk->feed, &piece, walk->err)) > 0)
		if (!message.overflow)
			mimebody_add(body, piece, &message);
	mimebody_free(body);
	if (message.overflow)
		walk->visitor->truncated = true;
	if (got == 0) {
		struct mimewalk_source source = {.memory = buf_view(&message), .fd = -1};

		outer = walk->feed;
		mimefeed_init(&walk->feed, &source);
		got = entity(walk, child);
		mimefeed_release(&walk->feed);
		walk->feed = outer;
	}
	buf_release(&message);
	return got;
}

/* The enclosed message as a whole, if somebody wants it; the feed is where it was then. */
static int tell_message(struct walk *walk, const struct mimepart *part, const struct place *at)
{
	struct mimewalk_visitor *visitor = walk->visitor;
	enum mimewalk_want want = MIMEWALK_NOTHING;
	uint64_t start = mimefeed_tell(&walk->feed);
	struct mimewalk_part about;

	if (!visitor->message)
		return 0;
	walk->leafs++;
	describe(walk, part, at, &about);
	about.is_attachment = true;
	if (visitor->message(visitor->arg, &about, &want, walk->err) != 0)
		return -1;
	if (want == MIMEWALK_NOTHING)
		return 0;
	if (send_body(walk, part, false) != 0 ||
	    (visitor->end && visitor->end(visitor->arg, walk->err) != 0))
		return -1;
	mimefeed_seek(&walk->feed, start);
	return 0;
}

static int message(struct walk *walk, const struct mimepart *part, const struct place *at)
{
	struct place child = {.depth = at->depth + 1, .is_message = true, .is_enclosed = true};

	if (tell_message(walk, part, at) != 0)
		return -1;
	if (walk->is_over)
		return 0;
	if (part->encoding != MIMEPART_IDENTITY)
		return encoded_message(walk, part, child);
	return entity(walk, child);
}

static int body(struct walk *walk, const struct mimepart *part, const struct place *at)
{
	if (mimepart_is_message(part) && may_enter(walk, at))
		return message(walk, part, at);
	if (mimepart_is_multipart(part) && part->boundary && may_enter(walk, at) &&
	    mimefeed_push(&walk->feed, part->boundary))
		return multipart(walk, part, at);
	if (walk->is_over)
		return 0;
	if (mimepart_is_multipart(part) && at->depth < walk->limits.depth)
		return as_plain_text(walk, at, mimefeed_tell(&walk->feed));
	return leaf(walk, part, at, true);
}

/* Sees what the header says. What is no header at all is given back to be a body. */
static void read_part(
    struct walk *walk, struct mimepart *part, bool in_digest, uint64_t start, bool *has_body)
{
	size_t header_n = walk->header.n;

	mimepart_read(part, buf_view(&walk->header), in_digest);
	if (header_n > 0 && !part->has_fields) {
		mimepart_release(part);
		mimepart_read(part, BYTES(""), false);
		mimefeed_seek(&walk->feed, start);
		*has_body = true;
	} else if (part->body_start < header_n) {
		mimefeed_seek(&walk->feed, start + part->body_start);
		*has_body = true;
	}
}

static int entity(struct walk *walk, struct place at)
{
	uint64_t start = mimefeed_tell(&walk->feed);
	struct mimepart part = {0};
	bool has_body;
	int got;

	if (read_header(walk, &has_body) != 0)
		return -1;
	read_part(walk, &part, at.in_digest, start, &has_body);
	got = at.is_message ? send_header(walk, at.is_enclosed) : 0;
	if (got == 0 && has_body)
		got = body(walk, &part, &at);
	else if (got == 0 && !mimepart_is_multipart(&part))
		got = leaf(walk, &part, &at, false);
	mimepart_release(&part);
	return got;
}

int mimewalk(const struct mimewalk_source *source, const struct mimewalk_limits *limits,
    struct mimewalk_visitor *visitor, struct err *err)
{
	struct walk walk = {.limits = with_defaults(limits), .visitor = visitor, .err = err};
	int got;

	visitor->truncated = false;
	buf_init(&walk.header, HEADER_BYTES_MAX);
	mimefeed_init(&walk.feed, source);
	got = entity(&walk, (struct place){.is_message = true});
	mimefeed_release(&walk.feed);
	buf_release(&walk.header);
	return got;
}
