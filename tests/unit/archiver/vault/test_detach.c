/* archiver/vault/detach.c: whatever the message, skeleton and runs are the message again; and
 * attachments as mail programs write them are really cut out (FORMAT.md, "Detaching"). */
#include "archiver/vault/detach.h"

#include "../../suite.h"
#include "base/base64.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define CASES   24000
#define MESSAGE (1u << 20)

static int collect(void *arg, const void *data, size_t bytes, struct err *err)
{
	buf_add(arg, data, bytes);
	return ((struct buf *)arg)->overflow ? err_set(err, ERR_STOPPED, "enough") : 0;
}

/* ---- taking apart and putting together ---- */

/* Sizes of pieces: always the same, or (0) any. */
static size_t piece(size_t size, size_t left, unsigned *seed)
{
	size_t n = size ? size : (size_t)rand_r(seed) % (rand_r(seed) % 4 ? 200 : 9000) + 1;

	return n < left ? n : left;
}

static void feed(struct detach *detach, struct bytes message, size_t size, unsigned *seed)
{
	detach_begin(detach);
	for (size_t at = 0, n; at < message.n; at += n) {
		n = piece(size, message.n - at, seed);
		OK(detach_add(detach, message.p + at, n, err));
	}
	OK(detach_end(detach, err));
}

static void put_back(const struct event_part *part, struct spool *blobs, uint64_t at, size_t size,
    struct buf *out, unsigned *seed)
{
	struct detach_encoder encoder;
	char data[9000];

	detach_encoder_begin(&encoder, part, collect, out);
	for (uint64_t done = 0, n; done < part->blob_bytes; done += n) {
		n = piece(size, part->blob_bytes - done, seed);
		if (n > sizeof data)
			n = sizeof data;
		ck_assert_int_eq(spool_read(blobs, at + done, data, n, NULL), (ssize_t)n);
		OK(detach_encoder_add(&encoder, data, n, err));
	}
	OK(detach_encoder_end(&encoder, err));
}

static void check_blob(const struct event_part *part, struct spool *blobs, uint64_t at)
{
	struct sha256 sum;
	char *data = mem_alloc(part->blob_bytes);

	ck_assert_int_eq(
	    spool_read(blobs, at, data, part->blob_bytes, NULL), (ssize_t)part->blob_bytes);
	sha256_of((struct bytes){data, part->blob_bytes}, &sum);
	ck_assert(sha256_equal(&sum, &part->blob));
	free(data);
}

static bool begins_a_line(struct bytes message, uint64_t at)
{
	return at == 0 || message.p[at - 1] == '\n';
}

static bool ends_a_line(struct bytes message, uint64_t at)
{
	struct bytes rest = bytes_from(message, at);

	return rest.n == 0 || bytes_starts(rest, "\n") || bytes_starts(rest, "\r\n");
}

/* What "must" about a part, besides coming back. */
static void check_part(struct bytes message, const struct event_part *part)
{
	uint64_t bytes = detach_encoded_bytes(part);

	ck_assert_uint_ge(bytes, DETACH_MIN_BYTES);
	ck_assert_uint_le(part->at + bytes, message.n);
	ck_assert(part->line_chars >= 4 && part->line_chars % 4 == 0 &&
	    part->line_chars <= DETACH_LINE_CHARS);
	ck_assert(begins_a_line(message, part->at));
	ck_assert(ends_a_line(message, part->at + bytes));
}

/* Put together as the page tells a reader to. */
static void check_round_trip(
    struct detach *detach, struct bytes message, size_t size, unsigned seed)
{
	static struct buf again;
	uint64_t used = 0, blob = 0;

	if (!again.max_bytes)
		buf_init(&again, 64 << 20);
	buf_clear(&again);
	feed(detach, message, size, &seed);
	for (size_t i = 0; i < detach->part_count; i++) {
		const struct event_part *part = &detach->part[i];
		uint64_t copy;

		ck_assert_uint_ge(part->at, again.n);
		copy = part->at - again.n;
		OK(spool_send(&detach->skeleton, used, copy, collect, &again, err));
		used += copy;
		check_part(message, part);
		check_blob(part, &detach->blobs, blob);
		put_back(part, &detach->blobs, blob, size, &again, &seed);
		ck_assert_uint_eq(again.n, part->at + detach_encoded_bytes(part));
		blob += part->blob_bytes;
	}
	OK(spool_send(
	    &detach->skeleton, used, spool_bytes(&detach->skeleton) - used, collect, &again, err));
	ck_assert_uint_eq(spool_bytes(&detach->blobs), blob);
	ck_assert(bytes_equal(buf_view(&again), message));
}

/* ---- messages ---- */

static void add_end(struct buf *message, int end)
{
	static const char *const ends[] = {"\r\n", "\n", "\r", "\r\r\n", ""};

	buf_text(message, ends[end]);
}

/* Base64 in lines: "full" whole ones, then one of "last" characters, with "pads" of '='. */
static void add_base64(
    struct buf *message, size_t width, size_t full, size_t last, int pads, int end, unsigned *seed)
{
	static const char digit[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t chars = width * full + last;

	for (size_t i = 0; i < chars; i++) {
		if (i > 0 && i % width == 0)
			add_end(message, end);
		if (pads && i + (size_t)pads >= chars)
			buf_char(message, '=');
		else if (pads && i + (size_t)pads + 1 == chars)
			buf_char(message, "AQgw"[rand_r(seed) % 4]); /* right for two, or wrong */
		else
			buf_char(message, digit[rand_r(seed) & 63]);
	}
}

static void add_text(struct buf *message, size_t bytes, unsigned *seed)
{
	for (size_t i = 0; i < bytes; i++)
		buf_char(message, "etaoin shrdlu-=+/\r\n\0\xff"[rand_r(seed) % 21]);
}

static size_t a_width(unsigned *seed)
{
	static const size_t widths[] = {4, 8, 60, 64, 72, 76, 76, 76, 76, 996, 1000};

	return rand_r(seed) % 3 ? widths[(size_t)rand_r(seed) % 11]
				: (size_t)rand_r(seed) % 250 * 4 + 4;
}

static void add_run(struct buf *message, unsigned *seed)
{
	size_t width = a_width(seed), bytes = (size_t)rand_r(seed) % 9000;
	int end = rand_r(seed) % 8 < 5 ? rand_r(seed) % 2 : rand_r(seed) % 4;
	size_t last = (size_t)rand_r(seed) % (width / 4 + 1) * 4;

	if (rand_r(seed) % 10 == 0)
		width += (size_t)rand_r(seed) % 3 + 1; /* no multiple of four */
	if (rand_r(seed) % 10 == 0)
		last += (size_t)rand_r(seed) % 3;
	add_base64(
	    message, width, bytes / (width + 2), last, last ? rand_r(seed) % 3 : 0, end, seed);
}

static void add_piece(struct buf *message, unsigned *seed)
{
	switch (rand_r(seed) % 12) {
	case 0:
		add_text(message, (size_t)rand_r(seed) % 300, seed);
		break;
	case 1:
		add_end(message, rand_r(seed) % 5);
		break;
	case 2: /* a line that is too long */
		add_base64(message, 5000, 0, (size_t)rand_r(seed) % 3000 + 900, 0, 0, seed);
		break;
	case 3: /* runs around the least length */
		add_base64(message, 76, 52, 4095 % 78 + (size_t)rand_r(seed) % 5, 0, 0, seed);
		break;
	case 4: /* padding in the middle */
		add_base64(message, 64, 80, 60, 2, rand_r(seed) % 2, seed);
		add_end(message, rand_r(seed) % 2);
		add_run(message, seed);
		break;
	default:
		add_run(message, seed);
		add_end(message, rand_r(seed) % 6 ? rand_r(seed) % 2 : rand_r(seed) % 5);
	}
}

/* A few characters changed here and there. */
static void spoil(struct buf *message, unsigned *seed)
{
	int times = rand_r(seed) % 3 ? 0 : rand_r(seed) % 4;

	for (; times > 0 && message->n > 0; times--)
		message->p[(size_t)rand_r(seed) % message->n] = "=\n\r !A"[rand_r(seed) % 6];
}

START_TEST(any_message_comes_back)
{
	struct detach detach;
	struct buf message;
	unsigned seed = 1, with_parts = 0, parts = 0;

	detach_init(&detach, "/tmp");
	buf_init(&message, MESSAGE);
	for (unsigned i = 0; i < CASES; i++) {
		buf_clear(&message);
		for (int n = rand_r(&seed) % 4; n >= 0; n--)
			add_piece(&message, &seed);
		spoil(&message, &seed);
		check_round_trip(&detach, buf_view(&message), i % 200 < 100 ? i % 200 + 1 : 0, i);
		with_parts += detach.part_count > 0;
		parts += (unsigned)detach.part_count;
	}
	/* The cases are about something. */
	ck_assert_uint_gt(with_parts, CASES / 4);
	ck_assert_uint_gt(parts, CASES / 3);
	buf_release(&message);
	detach_release(&detach);
}
END_TEST

/* Every way to divide a message in two. */
START_TEST(cut_in_two_anywhere)
{
	struct detach detach;
	struct buf message;
	unsigned seed = 3;

	detach_init(&detach, "/tmp");
	buf_init(&message, MESSAGE);
	buf_text(&message, "Subject: x\r\n\r\n");
	add_base64(&message, 76, 55, 40, 1, 0, &seed);
	buf_text(&message, "\r\nbetween\r\n");
	add_base64(&message, 1000, 5, 0, 0, 1, &seed);
	buf_text(&message, "\n");
	for (size_t at = 0; at <= message.n; at++) {
		detach_begin(&detach);
		OK(detach_add(&detach, message.p, at, err));
		OK(detach_add(&detach, message.p + at, message.n - at, err));
		OK(detach_end(&detach, err));
		ck_assert_uint_eq(detach.part_count, 2);
	}
	check_round_trip(&detach, buf_view(&message), 0, 1);
	buf_release(&message);
	detach_release(&detach);
}
END_TEST

/* ---- the usual cases ---- */

/* A message with one attachment, as it is usually written: cut out whole. */
static void check_usual(
    size_t width, const char *eol, size_t bytes, const char *before, const char *after)
{
	struct detach detach;
	struct buf message;
	char *data = mem_alloc(bytes), *text = mem_alloc(BASE64_ENCODED_BYTES(bytes) + 1);
	struct sha256 sum;
	size_t chars;

	for (size_t i = 0; i < bytes; i++)
		data[i] = (char)(i * i >> 3);
	chars = base64_encode((const uint8_t *)data, bytes, text);
	buf_init(&message, MESSAGE);
	buf_text(&message, before);
	for (size_t at = 0; at < chars; at += width) {
		if (at > 0)
			buf_text(&message, eol);
		buf_add(&message, text + at, at + width < chars ? width : chars - at);
	}
	buf_text(&message, after);
	detach_init(&detach, "/tmp");
	check_round_trip(&detach, buf_view(&message), 0, 1);
	ck_assert_msg(detach.part_count == 1, "%zu bytes in lines of %zu", bytes, width);
	ck_assert_uint_eq(detach.part->at, strlen(before));
	ck_assert_uint_eq(detach.part->blob_bytes, bytes);
	ck_assert_uint_eq(detach.part->line_chars, width);
	ck_assert(detach.part->crlf == (eol[0] == '\r'));
	sha256_of((struct bytes){data, bytes}, &sum);
	ck_assert(sha256_equal(&sum, &detach.part->blob));
	ck_assert_uint_eq(spool_bytes(&detach.skeleton), strlen(before) + strlen(after));
	detach_release(&detach);
	buf_release(&message);
	free(data);
	free(text);
}

START_TEST(attachments_are_cut_out)
{
	static const size_t widths[] = {4, 60, 64, 72, 76, 1000};
	static const struct {
		const char *eol, *before, *after;
	} around[] = {{"\r\n", "Subject: x\r\n\r\n", "\r\n--b--\r\n"}, {"\n", "a\n\n", "\n--b--\n"},
	    {"\r\n", "", ""}, {"\n", "", ""}, {"\n", "", "\n"}, {"\r\n", "", "\r\n"},
	    {"\r\n", "\r\n", "\r\n\r\n"}, {"\r\n", "--b\n\n", "\n--b--\n"},
	    {"\n", "b\r\n\r\n", "\r\n"}};

	for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
		for (size_t a = 0; a < sizeof around / sizeof *around; a++)
			for (size_t bytes = 6000; bytes < 6200; bytes += a < 2 ? 1 : 13)
				check_usual(widths[w], around[a].eol, bytes, around[a].before,
				    around[a].after);
}
END_TEST

static size_t parts_of(struct bytes message)
{
	struct detach detach;
	size_t parts;

	detach_init(&detach, "/tmp");
	check_round_trip(&detach, message, 0, 1);
	parts = detach.part_count;
	detach_release(&detach);
	return parts;
}

/* A run of whole lines with exactly so many bytes, between other lines. */
static size_t parts_of_run(size_t width, size_t lines, int end)
{
	struct buf message;
	unsigned seed = 2;
	size_t parts;

	buf_init(&message, MESSAGE);
	buf_text(&message, "before\r\n");
	add_base64(&message, width, lines, 0, 0, end, &seed);
	add_end(&message, end);
	buf_text(&message, "!\r\n");
	parts = parts_of(buf_view(&message));
	buf_release(&message);
	return parts;
}

START_TEST(the_least_length_is_that_of_the_page)
{
	/* Lines of 4 with LF: 5 n - 1 bytes. Lines of 8 with CRLF: 10 n - 2. */
	ck_assert_uint_eq(parts_of_run(4, 819, 1), 0); /* 4094 */
	ck_assert_uint_eq(parts_of_run(4, 820, 1), 1); /* 4099 */
	ck_assert_uint_eq(parts_of_run(8, 409, 0), 0); /* 4088 */
	ck_assert_uint_eq(parts_of_run(8, 410, 0), 1); /* 4098 */
	ck_assert_uint_eq(parts_of_run(680, 6, 0), 0); /* 4090: with a line end 4092 */
	ck_assert_uint_eq(parts_of_run(680, 7, 0), 1);
	ck_assert_uint_eq(parts_of_run(60, 67, 1), 0); /* 4086 */
	ck_assert_uint_eq(parts_of_run(60, 68, 1), 1);
	ck_assert_uint_eq(parts_of_run(1020, 4, 1), 0); /* wider than a line may be */
	ck_assert_uint_eq(parts_of_run(1000, 5, 1), 1);
	ck_assert_uint_eq(parts_of_run(78, 100, 1), 0); /* no multiple of four */
}
END_TEST

START_TEST(what_is_no_run_stays)
{
	static const struct {
		const char *line, *eol;
	} wrong[] = {{"QUJD\t", "\n"}, {" QUJD", "\n"}, {"QUJ-", "\n"}, {"QUJ_", "\n"},
	    {"QQ==", "\n"}, {"QR==", "\n"}, {"QUJDRA==", "\n"}, {"QUJ", "\n"}, {"QUJDRUY", "\r\n"},
	    {"QUJD", "\r"}, {"QUJD", "\r\r\n"}, {"QUJD", "\n\n"}, {"QUJD", ""}, {"", "\n"}};
	struct buf message;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		buf_init(&message, MESSAGE);
		while (message.n < 20000) {
			buf_text(&message, wrong[i].line);
			buf_text(&message, wrong[i].eol);
		}
		ck_assert_msg(parts_of(buf_view(&message)) == 0, "%s", wrong[i].line);
		buf_release(&message);
	}
}
END_TEST

START_TEST(several_runs_in_one_message)
{
	struct detach detach;
	struct buf message;
	unsigned seed = 4;

	buf_init(&message, MESSAGE);
	for (int i = 0; i < 12; i++) {
		buf_text(&message, i % 3 ? "--b\r\n\r\n" : "");
		add_base64(&message, i % 2 ? 76 : 60, 100, 20, i % 3, 0, &seed);
		buf_text(&message, "\r\n");
	}
	detach_init(&detach, "/tmp");
	check_round_trip(&detach, buf_view(&message), 0, 1);
	ck_assert_uint_ge(detach.part_count, 10);
	detach_release(&detach);
	buf_release(&message);
}
END_TEST

/* A change of the width, or of the line end, ends one run and begins another. */
START_TEST(runs_that_touch)
{
	struct detach detach;
	struct buf message;
	unsigned seed = 4;

	buf_init(&message, MESSAGE);
	add_base64(&message, 76, 100, 0, 0, 0, &seed);
	buf_text(&message, "\r\n");
	add_base64(&message, 72, 100, 0, 0, 0, &seed);
	buf_text(&message, "\r\n");
	add_base64(&message, 72, 100, 0, 0, 1, &seed);
	detach_init(&detach, "/tmp");
	check_round_trip(&detach, buf_view(&message), 0, 1);
	ck_assert_uint_eq(detach.part_count, 3);
	detach_release(&detach);
	buf_release(&message);
}
END_TEST

START_TEST(there_is_a_most_of_parts)
{
	struct detach detach;
	struct buf message;

	buf_init(&message, 64 << 20);
	for (int i = 0; i < DETACH_MAX_PARTS + 3; i++) {
		for (int line = 0; line < 5; line++) {
			for (int at = 0; at < 250; at++)
				buf_text(&message, "QUJD");
			buf_text(&message, "\n");
		}
		buf_text(&message, "!\n");
	}
	detach_init(&detach, "/tmp");
	check_round_trip(&detach, buf_view(&message), 8000, 1);
	ck_assert_uint_eq(detach.part_count, DETACH_MAX_PARTS);
	detach_release(&detach);
	buf_release(&message);
}
END_TEST

START_TEST(nothing_is_left_of_the_message_before)
{
	struct detach detach;
	struct buf message;
	unsigned seed = 9;

	detach_init(&detach, "/tmp");
	buf_init(&message, MESSAGE);
	add_base64(&message, 76, 30, 8, 0, 0, &seed); /* held, a line begun */
	detach_begin(&detach);
	OK(detach_add(&detach, message.p, message.n, err));
	check_round_trip(&detach, BYTES("a\n"), 0, 1);
	buf_clear(&message);
	add_base64(&message, 76, 100, 8, 0, 0, &seed); /* inside a run */
	detach_begin(&detach);
	OK(detach_add(&detach, message.p, message.n, err));
	check_round_trip(&detach, BYTES("\n"), 0, 1);
	check_round_trip(&detach, BYTES(""), 0, 1);
	buf_clear(&message);
	add_base64(&message, 3000, 0, 3000, 0, 0, &seed); /* inside a long line */
	detach_begin(&detach);
	OK(detach_add(&detach, message.p, message.n, err));
	buf_clear(&message);
	add_base64(&message, 76, 100, 8, 0, 0, &seed);
	check_round_trip(&detach, buf_view(&message), 0, 1);
	ck_assert_uint_eq(detach.part_count, 1);
	buf_release(&message);
	detach_release(&detach);
}
END_TEST

/* ---- the encoder alone ---- */

START_TEST(the_encoder_takes_any_pieces)
{
	for (size_t bytes = 0; bytes < 300; bytes += bytes < 30 ? 1 : 17)
		for (uint32_t line = 4; line <= 1000; line += line < 80 ? 4 : 92)
			for (size_t size = 1; size < 70; size += size < 8 ? 1 : 13) {
				struct event_part part = {.blob_bytes = bytes,
				    .line_chars = line,
				    .crlf = bytes % 2 == 0};
				struct detach_encoder encoder;
				struct buf out, want;
				char data[300];

				for (size_t i = 0; i < bytes; i++)
					data[i] = (char)(i * 37);
				buf_init(&out, 4096);
				buf_init(&want, 4096);
				base64_put(&want, (struct bytes){data, bytes});
				for (size_t at = line; at < want.n;
				     at += line + (part.crlf ? 2 : 1)) {
					struct buf rest;

					buf_init(&rest, 4096);
					buf_bytes(&rest, bytes_from(buf_view(&want), at));
					buf_cut(&want, at);
					buf_text(&want, part.crlf ? "\r\n" : "\n");
					buf_bytes(&want, buf_view(&rest));
					buf_release(&rest);
				}
				detach_encoder_begin(&encoder, &part, collect, &out);
				for (size_t at = 0; at < bytes; at += size)
					OK(detach_encoder_add(&encoder, data + at,
					    at + size < bytes ? size : bytes - at, err));
				OK(detach_encoder_end(&encoder, err));
				ck_assert(bytes_equal(buf_view(&out), buf_view(&want)));
				ck_assert_uint_eq(detach_encoded_bytes(&part), want.n);
				buf_release(&out);
				buf_release(&want);
			}
}
END_TEST

START_TEST(a_receiver_that_stops)
{
	struct event_part part = {.blob_bytes = 90000, .line_chars = 76};
	struct detach_encoder encoder;
	static char data[90000];
	struct buf out;

	buf_init(&out, 9000);
	detach_encoder_begin(&encoder, &part, collect, &out);
	FAILS(ERR_STOPPED, detach_encoder_add(&encoder, data, sizeof data, err));
	buf_release(&out);
}
END_TEST

SUITE(any_message_comes_back, cut_in_two_anywhere, attachments_are_cut_out,
    the_least_length_is_that_of_the_page, what_is_no_run_stays, several_runs_in_one_message,
    runs_that_touch, there_is_a_most_of_parts, nothing_is_left_of_the_message_before,
    the_encoder_takes_any_pieces, a_receiver_that_stops)
