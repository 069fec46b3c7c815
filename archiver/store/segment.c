/* Owns:  the descriptor of one segment file.
 * Knows: marks, the seal, the seek table of the zstd seekable format 0.1.0.
 * Never: changes a byte that was committed.
 * Spec:  archiver/store/FORMAT.md, "Segments" */
#include "archiver/store/segment.h"

#include "archiver/store/tarhead.h"

#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK_SKIP_MAGIC   0x184D2A5Au
#define SEEK_SKIP_MAGIC   0x184D2A5Eu
#define SEEK_FOOTER_MAGIC 0x8F92EAB1u
#define SEEK_HEADER_BYTES 8
#define SEEK_FOOTER_BYTES 9
#define SEEK_ENTRY_BYTES  8
#define NAME_END          ".tar.zst"

static const char mark_text[16] = "mailcask log\r\n\x1a";

static int pass_on(const struct err *why, struct err *err)
{
	if (err)
		*err = *why;
	return -1;
}

char *segment_name(struct segment_id id)
{
	return id.generation == 0 ? mem_format("%06u" NAME_END, id.number)
				  : mem_format("%06u.%u" NAME_END, id.number, id.generation);
}

bool segment_parse_name(const char *name, struct segment_id *out)
{
	struct bytes digits = bytes_of(name), second = BYTES("0");
	unsigned long long number, generation;
	struct segment_id id;
	const char *point;
	char *only;
	bool same;

	if (digits.n < sizeof NAME_END)
		return false;
	digits.n -= sizeof NAME_END - 1;
	point = memchr(digits.p, '.', digits.n);
	if (point) {
		second = bytes_from(digits, (size_t)(point - digits.p) + 1);
		digits.n = (size_t)(point - digits.p);
	}
	if (!bytes_u64(digits, &number) || !bytes_u64(second, &generation) || number == 0 ||
	    number > UINT32_MAX || generation > UINT32_MAX)
		return false;
	/* Each has one name: "0000001.tar.zst" is somebody else's file. */
	id = (struct segment_id){(uint32_t)number, (uint32_t)generation};
	only = segment_name(id);
	same = strcmp(name, only) == 0;
	free(only);
	if (same)
		*out = id;
	return same;
}

static void put_u32(char *p, uint32_t value)
{
	int i;

	for (i = 0; i < 4; i++)
		p[i] = (char)(value >> (8 * i) & 0xff);
}

static uint64_t get_le(const char *p, size_t bytes)
{
	uint64_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | (unsigned char)p[bytes];
	return value;
}

/* The seek table that ends the file: 1 and where it begins, 0 when none does, -1. */
static int find_seek_table(
    const struct segment *segment, uint64_t bytes, uint64_t *at_out, struct err *err)
{
	char footer[SEEK_FOOTER_BYTES], header[SEEK_HEADER_BYTES];
	uint64_t content;
	ssize_t got;

	if (bytes < sizeof header + sizeof footer)
		return 0;
	got = frame_read_at(
	    segment->fd, footer, sizeof footer, bytes - sizeof footer, segment->path, err);
	if (got < 0)
		return -1;
	content = get_le(footer, 4) * SEEK_ENTRY_BYTES + sizeof footer;
	if (got < (ssize_t)sizeof footer || get_le(footer + 5, 4) != SEEK_FOOTER_MAGIC ||
	    content > bytes - sizeof header)
		return 0;
	*at_out = bytes - content - sizeof header;
	got = frame_read_at(segment->fd, header, sizeof header, *at_out, segment->path, err);
	if (got < 0)
		return -1;
	return got == sizeof header && get_le(header, 4) == SEEK_SKIP_MAGIC &&
	    get_le(header + 4, 4) == content;
}

static int read_sealed(struct segment *segment, struct err *err)
{
	uint64_t bytes, table;
	int got;

	if (segment_bytes(segment, &bytes, err) != 0)
		return -1;
	got = find_seek_table(segment, bytes, &table, err);
	segment->is_sealed = got == 1;
	return got < 0 ? -1 : 0;
}

int segment_open_file(
    struct segment *segment, const char *path, struct segment_id id, int flags, struct err *err)
{
	memset(segment, 0, sizeof *segment);
	segment->number = id.number;
	segment->generation = id.generation;
	segment->path = mem_string(path);
	segment->fd = -1;
	if (file_check_ordinary(path, err) != 0) {
		segment_close(segment);
		return -1;
	}
	segment->fd = file_open(path, flags, 0600, err);
	if (segment->fd >= 0 && read_sealed(segment, err) == 0)
		return 0;
	segment_close(segment);
	return -1;
}

int segment_open(
    struct segment *segment, const char *folder, struct segment_id id, int flags, struct err *err)
{
	char *name = segment_name(id), *path = file_join(folder, name);
	int result = segment_open_file(segment, path, id, flags, err);

	free(name);
	free(path);
	return result;
}

void segment_close(struct segment *segment)
{
	if (!segment->path)
		return;
	file_close(&segment->fd);
	free(segment->path);
	memset(segment, 0, sizeof *segment);
	segment->fd = -1;
}

int segment_bytes(const struct segment *segment, uint64_t *out, struct err *err)
{
	return file_size(segment->fd, out, segment->path, err);
}

void segment_make_mark(uint64_t batch, char out[SEGMENT_MARK_BYTES])
{
	put_u32(out, MARK_SKIP_MAGIC);
	put_u32(out + 4, SEGMENT_MARK_BYTES - 8);
	memcpy(out + 8, mark_text, sizeof mark_text);
	put_u32(out + 24, (uint32_t)batch);
	put_u32(out + 28, (uint32_t)(batch >> 32));
}

static bool is_mark(const char *p)
{
	char want[SEGMENT_MARK_BYTES];

	segment_make_mark(0, want);
	return memcmp(p, want, 24) == 0;
}

int segment_find_mark(
    const struct segment *segment, uint64_t from, uint64_t *at_out, struct err *err)
{
	static const size_t window = 1 << 20;
	char *part = mem_alloc(window), *hit;
	int result = 0;

	while (result == 0) {
		ssize_t got = frame_read_at(segment->fd, part, window, from, segment->path, err);
		size_t i = 0;

		if (got < 0)
			result = -1;
		if (got < SEGMENT_MARK_BYTES)
			break;
		while ((hit = memmem(part + i, (size_t)got - i, mark_text, sizeof mark_text))) {
			i = (size_t)(hit - part) + 1;
			if (hit - part >= 8 && is_mark(hit - 8)) {
				*at_out = from + (uint64_t)(hit - 8 - part);
				result = 1;
				break;
			}
		}
		/* A mark may lie across the border. */
		from += (uint64_t)got - SEGMENT_MARK_BYTES + 1;
	}
	free(part);
	return result;
}

/* Is the frame a mark, and what is its batch: 1, 0, -1. */
static int read_mark(const struct segment *segment, const struct frame_extent *frame,
    uint64_t *batch_out, struct err *err)
{
	char mark[SEGMENT_MARK_BYTES];

	if (frame->skip_magic != MARK_SKIP_MAGIC || frame->file_bytes != sizeof mark)
		return 0;
	if (frame_read_at(segment->fd, mark, sizeof mark, frame->at, segment->path, err) !=
	    sizeof mark)
		return -1;
	*batch_out = get_le(mark + 24, 8);
	return is_mark(mark);
}

/* Step to the first mark at or behind *at and over it: 1, 0, -1 (also: no frame here). */
static int step_to_log(
    const struct segment *segment, uint64_t bytes, uint64_t *at, uint64_t *batch, struct err *err)
{
	struct frame_extent frame;
	int got;

	for (;;) {
		got = frame_measure(segment->fd, *at, bytes, segment->path, &frame, err);
		/* A seek table ends the file; elsewhere it is a mark with a wrong bit. */
		if (got != 1 ||
		    (frame.skip_magic == SEEK_SKIP_MAGIC && frame.at + frame.file_bytes == bytes))
			return got < 0 ? -1 : 0;
		got = read_mark(segment, &frame, batch, err);
		if (got < 0)
			return -1;
		*at += frame.file_bytes;
		if (got == 1)
			return 1;
	}
}

/* The log behind the next mark that can be stepped to: 1, 0 none, -1. */
static int step_over_log(const struct segment *segment, uint64_t bytes, uint64_t at,
    struct segment_log *log, struct err *err)
{
	int got = step_to_log(segment, bytes, &at, &log->batch, err);

	if (got == 1)
		got = frame_measure(segment->fd, at, bytes, segment->path, &log->frame, err);
	return got == 1 && log->frame.skip_magic != 0 ? 0 : got;
}

int segment_next_log(
    const struct segment *segment, uint64_t *at, struct segment_log *out, struct err *err)
{
	uint64_t bytes, here = *at, from = *at;
	struct segment_log log = {0};
	int got;

	if (segment_bytes(segment, &bytes, err) != 0)
		return -1;
	for (;;) {
		struct err why = {0};

		got = step_over_log(segment, bytes, here, &log, &why);
		if (got == 1)
			break;
		if (got < 0 && why.code != ERR_DAMAGED)
			return pass_on(&why, err);
		/* Not from where the way ended: a frame with a wrong length may have led past
		 * a mark. */
		got = segment_find_mark(segment, from, &here, err);
		if (got != 1)
			return got;
		from = here + 1;
		log.skipped = here - *at;
	}
	log.end = log.frame.at + log.frame.file_bytes;
	*at = log.end;
	*out = log;
	return 1;
}

/* The seek table of all frames before "at", appended to out as a skippable frame. */
static int make_seek_table(
    const struct segment *segment, uint64_t bytes, struct buf *out, struct err *err)
{
	struct frame_extent frame;
	uint32_t count = 0;
	uint64_t at = 0;
	char entry[SEEK_ENTRY_BYTES], footer[SEEK_FOOTER_BYTES] = {0};
	int got;

	buf_add(out, "\0\0\0\0\0\0\0\0", 8);
	while ((got = frame_measure(segment->fd, at, bytes, segment->path, &frame, err)) == 1) {
		if (frame.file_bytes > UINT32_MAX || frame.content_bytes > UINT32_MAX)
			return err_set(err, ERR_LIMIT, "%s: a frame of 4 GiB", segment->path);
		put_u32(entry, (uint32_t)frame.file_bytes);
		put_u32(entry + 4, (uint32_t)frame.content_bytes);
		buf_add(out, entry, sizeof entry);
		count++;
		at += frame.file_bytes;
	}
	put_u32(footer, count);
	put_u32(footer + 5, SEEK_FOOTER_MAGIC);
	buf_add(out, footer, sizeof footer);
	put_u32(out->p, SEEK_SKIP_MAGIC);
	put_u32(out->p + 4, (uint32_t)(out->n - 8));
	return got;
}

struct appender {
	const struct segment *segment;
	uint64_t at;
};

static int append(void *arg, const void *data, size_t bytes, struct err *err)
{
	struct appender *to = arg;

	if (file_write_at(to->segment->fd, data, bytes, to->at, to->segment->path, err) != 0)
		return -1;
	to->at += bytes;
	return 0;
}

int segment_seal(struct segment *segment, uint64_t at, struct frame_packer *packer, struct err *err)
{
	static const char zeros[2 * TARHEAD_BYTES];
	struct appender to = {segment, at};
	struct buf table;
	int result = -1;

	buf_init(&table, SIZE_MAX / 2);
	/* The seek table's last bytes make the segment sealed, so they come last; a half written
	 * seal has no commit behind it and is cut off like any torn tail. */
	if (file_cut(segment->fd, at, segment->path, err) != 0 ||
	    frame_pack(packer, (struct bytes){zeros, sizeof zeros}, append, &to, err) != 0 ||
	    make_seek_table(segment, to.at, &table, err) != 0 ||
	    append(&to, table.p, table.n, err) != 0 ||
	    file_sync(segment->fd, segment->path, err) != 0)
		goto out;
	segment->is_sealed = true;
	result = 0;
out:
	if (result != 0)
		(void)file_cut(segment->fd, at, segment->path, NULL);
	buf_release(&table);
	return result;
}

static int is_zero(void *arg, const void *data, size_t bytes, struct err *err)
{
	const char *p = data;
	size_t i;

	(void)arg;
	for (i = 0; i < bytes; i++)
		if (p[i] != 0)
			return err_set(err, ERR_DAMAGED, "an end frame that is not zero");
	return 0;
}

/* The frames that the seek table tells of must reach up to where it begins itself. */
static int reaches_table(
    const struct segment *segment, uint64_t table, uint64_t bytes, struct err *err)
{
	size_t n = (size_t)(bytes - table - SEEK_HEADER_BYTES - SEEK_FOOTER_BYTES);
	uint64_t sum = 0;
	struct buf entries;
	ssize_t got;
	char *p;

	buf_init(&entries, n);
	p = buf_reserve(&entries, n);
	got = frame_read_at(segment->fd, p, n, table + SEEK_HEADER_BYTES, segment->path, err);
	for (size_t at = 0; got == (ssize_t)n && at < n; at += SEEK_ENTRY_BYTES)
		sum += get_le(p + at, 4);
	buf_release(&entries);
	return got < 0 ? -1 : sum == table;
}

int segment_is_seal_whole(
    const struct segment *segment, uint64_t at, struct frame_unpacker *unpacker, struct err *err)
{
	struct frame_extent end;
	struct err why = {0};
	uint64_t bytes, table;
	int got;

	if (segment_bytes(segment, &bytes, err) != 0)
		return -1;
	got = find_seek_table(segment, bytes, &table, err);
	if (got != 1)
		return got;
	got = frame_measure(segment->fd, at, bytes, segment->path, &end, &why);
	if (got == 0 ||
	    (got == 1 &&
		(end.skip_magic != 0 || end.at + end.file_bytes != table ||
		    end.content_bytes != 2 * TARHEAD_BYTES)))
		return 0;
	if (got == 1 &&
	    frame_unpack(unpacker, segment->fd, &end, segment->path, is_zero, NULL, &why) == 0)
		return reaches_table(segment, table, bytes, err);
	return why.code == ERR_DAMAGED ? 0 : pass_on(&why, err);
}

int segment_check_seek_table(const struct segment *segment, struct err *err)
{
	struct buf want, have;
	uint64_t bytes, table;
	int result = -1, got;

	buf_init(&want, SIZE_MAX / 2);
	buf_init(&have, SIZE_MAX / 2);
	if (segment_bytes(segment, &bytes, err) != 0)
		goto out;
	got = find_seek_table(segment, bytes, &table, err);
	if (got < 0 || (got == 1 && make_seek_table(segment, table, &want, err) != 0))
		goto out;
	if (got == 1 && want.n == bytes - table && buf_reserve(&have, want.n) &&
	    frame_read_at(segment->fd, have.p, want.n, table, segment->path, err) ==
		(ssize_t)want.n &&
	    memcmp(have.p, want.p, want.n) == 0)
		result = 0;
	else
		err_set(err, ERR_DAMAGED, "%s: the seek table does not match its frames",
		    segment->path);
out:
	buf_release(&want);
	buf_release(&have);
	return result;
}
