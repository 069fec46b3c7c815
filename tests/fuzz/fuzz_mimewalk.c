/* Walking a message: text and names are UTF-8, names have no folder, limits hold, and a file
 * gives what memory gives. */
#include "archiver/mime/mimewalk.h"
#include "base/file.h"
#include "base/utf8.h"

#include <string.h>
#include <sys/mman.h>

struct sums {
	uint64_t parts, text_bytes, bytes, fields;
	uint64_t part_text_bytes;
	struct mimewalk_limits limits;
	bool is_text;
};

static int on_header(
    void *arg, enum mimewalk_field field, struct bytes text, bool is_enclosed, struct err *err)
{
	struct sums *sums = arg;

	(void)field, (void)is_enclosed, (void)err;
	sums->fields += text.n;
	if (text.n == 0 || !utf8_valid(text))
		abort();
	return 0;
}

static int on_part(
    void *arg, const struct mimewalk_part *part, enum mimewalk_want *want, struct err *err)
{
	struct sums *sums = arg;

	(void)err;
	sums->is_text = part->number % 2 == 1;
	sums->part_text_bytes = 0;
	*want = sums->is_text ? MIMEWALK_TEXT : MIMEWALK_BYTES;
	if (++sums->parts != part->number || part->number > sums->limits.parts ||
	    part->depth > sums->limits.depth)
		abort();
	if (!utf8_valid(part->name) || memchr(part->name.n ? part->name.p : "", '/', part->name.n))
		abort();
	return 0;
}

static int on_data(void *arg, struct bytes piece, struct err *err)
{
	struct sums *sums = arg;

	(void)err;
	sums->bytes += piece.n;
	if (sums->bytes > sums->limits.total_bytes)
		abort();
	if (!sums->is_text)
		return 0;
	sums->text_bytes += piece.n;
	sums->part_text_bytes += piece.n;
	if (!utf8_valid(piece) || sums->part_text_bytes > sums->limits.text_bytes)
		abort();
	return 0;
}

static struct sums walk(struct bytes message, int fd, const struct mimewalk_limits *limits)
{
	struct mimewalk_source source = {.memory = message, .fd = fd};
	struct sums sums = {.limits = *limits};
	struct mimewalk_visitor visitor = {
	    .arg = &sums, .header = on_header, .part = on_part, .data = on_data};
	struct err err = {0};

	if (mimewalk(&source, limits, &visitor, &err) != 0)
		abort();
	return sums;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const struct mimewalk_limits wide = {50, 10000, 1 << 22, UINT64_MAX};
	static const struct mimewalk_limits narrow = {2, 3, 10, 20};
	struct bytes message = {(const char *)data, bytes};
	struct sums a, b;
	struct err err = {0};
	int fd = memfd_create("message", MFD_CLOEXEC);

	if (fd < 0 || file_write(fd, data, bytes, "the message", &err) != 0)
		abort();
	a = walk(message, -1, &wide);
	b = walk((struct bytes){0}, fd, &wide);
	if (a.parts != b.parts || a.text_bytes != b.text_bytes || a.bytes != b.bytes ||
	    a.fields != b.fields)
		abort();
	walk(message, -1, &narrow);
	file_close(&fd);
	return 0;
}
