/* Skeleton and runs are the message again, however it is divided, and the runs are as the format
 * page says. Input: the size of the pieces, then the message; a line that begins with 0x01
 * and a number stands for so many lines. */
#include "archiver/vault/detach.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX_BYTES (256u << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static int collect(void *arg, const void *data, size_t bytes, struct err *err)
{
	(void)err;
	buf_add(arg, data, bytes);
	return 0;
}

static void expand(struct bytes text, struct buf *message)
{
	while (text.n > 0) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end ? (size_t)(end - text.p) + 1 : text.n;
		struct bytes line = {text.p, n};
		unsigned times = 1;

		if (n > 2 && line.p[0] == 1) {
			times = (unsigned char)line.p[1];
			line = bytes_from(line, 2);
		}
		for (; times > 0 && message->n + line.n <= MESSAGE_MAX_BYTES; times--)
			buf_bytes(message, line);
		text = bytes_from(text, n);
	}
}

static void feed(struct detach *detach, struct bytes message, size_t piece)
{
	detach_begin(detach);
	for (size_t at = 0; at < message.n; at += piece) {
		size_t n = message.n - at < piece ? message.n - at : piece;

		if (detach_add(detach, message.p + at, n, NULL) != 0)
			abort();
	}
	if (detach_end(detach, NULL) != 0)
		abort();
}

static void put_back(
    struct detach *detach, const struct event_part *part, uint64_t blob, struct buf *out)
{
	struct detach_encoder encoder;

	detach_encoder_begin(&encoder, part, collect, out);
	if (part->at != out->n || part->line_chars % 4 != 0 ||
	    part->line_chars > DETACH_LINE_CHARS || detach_encoded_bytes(part) < DETACH_MIN_BYTES ||
	    spool_send(
		&detach->blobs, blob, part->blob_bytes, detach_encoder_add, &encoder, NULL) != 0 ||
	    detach_encoder_end(&encoder, NULL) != 0 ||
	    out->n != part->at + detach_encoded_bytes(part))
		abort();
}

static void rebuild(struct detach *detach, struct buf *out)
{
	uint64_t used = 0, blob = 0, all = spool_bytes(&detach->skeleton);

	for (size_t i = 0; i < detach->part_count; i++) {
		const struct event_part *part = &detach->part[i];
		uint64_t copy = part->at - out->n;

		if (part->at < out->n || copy > all - used ||
		    spool_send(&detach->skeleton, used, copy, collect, out, NULL) != 0)
			abort();
		used += copy;
		put_back(detach, part, blob, out);
		blob += part->blob_bytes;
	}
	if (spool_send(&detach->skeleton, used, all - used, collect, out, NULL) != 0 ||
	    blob != spool_bytes(&detach->blobs))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct detach detach;
	struct buf message, again;

	if (bytes == 0)
		return 0;
	buf_init(&message, MESSAGE_MAX_BYTES);
	buf_init(&again, 2 * MESSAGE_MAX_BYTES);
	expand((struct bytes){(const char *)data + 1, bytes - 1}, &message);
	detach_init(&detach, "/tmp");
	feed(&detach, buf_view(&message), (size_t)data[0] * data[0] + 1);
	rebuild(&detach, &again);
	if (!bytes_equal(buf_view(&message), buf_view(&again)))
		abort();
	detach_release(&detach);
	buf_release(&message);
	buf_release(&again);
	return 0;
}
