/* A seek table is what the frames say, or it is found out, whatever is wrong with it; and a seal is
 * whole only when every byte of it is.
 *
 * Input: a byte with a number of frames, a byte for each with the length of its content; then edits
 * of the sealed file: a byte that says what, two for a place counted back from the end (the low
 * one first), a byte. 'X' changes the byte there, 'C' cuts the file off, 'A' puts the byte behind
 * the end, 'N' tells another number of frames and moves the table's magic accordingly. */
#include "archiver/store/segment.h"

#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOOTER_BYTES 9
#define ENTRY_BYTES  8
#define HEADER_BYTES 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* The folder goes when the process does. */
static char folder[64];
static char *path;
static struct frame_packer *packer;
static struct frame_unpacker *unpacker;

static void end(void)
{
	unlink(path);
	rmdir(folder);
	free(path);
	frame_packer_free(packer);
	frame_unpacker_free(unpacker);
}

static void begin(void)
{
	if (path)
		return;
	snprintf(folder, sizeof folder, "%s/fuzz-seektable-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(folder))
		abort();
	path = mem_format("%s/000001.tar.zst", folder);
	packer = frame_packer_new(1);
	unpacker = frame_unpacker_new();
	atexit(end);
}

static int append(void *arg, const void *data, size_t bytes, struct err *err)
{
	(void)err;
	buf_add(arg, data, bytes);
	return 0;
}

static void write_file(const struct buf *file)
{
	int fd = file_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600, NULL);

	if (fd < 0 || file_write(fd, file->p, file->n, path, NULL) != 0)
		abort();
	file_close(&fd);
}

/* Frames as the input says, marks among them, and their seal; *logs_end: where that begins. */
static struct bytes make_sealed(struct bytes text, struct buf *file, uint64_t *logs_end)
{
	static const char content[256];
	struct segment segment = {.fd = -1};
	char mark[SEGMENT_MARK_BYTES];
	size_t count = text.n > 0 ? (unsigned char)text.p[0] : 0;

	text = bytes_from(text, 1);
	for (; count > 0 && text.n > 0; count--, text = bytes_from(text, 1)) {
		size_t n = (unsigned char)text.p[0];

		segment_make_mark(n, mark);
		if (n % 4 == 3)
			buf_add(file, mark, sizeof mark);
		else if (frame_pack(packer, (struct bytes){content, n}, append, file, NULL) != 0)
			abort();
	}
	*logs_end = file->n;
	write_file(file);
	if (segment_open(&segment, folder, (struct segment_id){1, 0}, O_RDWR, NULL) != 0 ||
	    segment_seal(&segment, file->n, packer, NULL) != 0)
		abort();
	segment_close(&segment);
	buf_clear(file);
	if (file_read_all(path, file, NULL) != 0)
		abort();
	return text;
}

static void put_u32(char *p, size_t value)
{
	for (int i = 0; i < 4; i++)
		p[i] = (char)(value >> 8 * i);
}

/* Another number of frames in a table that is as long as that number needs. */
static void move_table(struct buf *file, size_t count)
{
	size_t content = count * ENTRY_BYTES + FOOTER_BYTES;
	char *footer;

	if (file->n < content + HEADER_BYTES)
		return;
	footer = file->p + file->n - FOOTER_BYTES;
	put_u32(footer, count);
	put_u32(file->p + file->n - content - HEADER_BYTES, 0x184d2a5e);
	put_u32(file->p + file->n - content - 4, content);
}

static void edit(struct buf *file, struct bytes text)
{
	for (; text.n >= 4; text = bytes_from(text, 4)) {
		size_t back = (unsigned char)text.p[1] | (size_t)(unsigned char)text.p[2] << 8;
		char value = text.p[3];

		if (text.p[0] == 'A')
			buf_add(file, &value, 1);
		else if (text.p[0] == 'N')
			move_table(file, back);
		else if (back < file->n && text.p[0] == 'C')
			buf_cut(file, file->n - back);
		else if (back < file->n)
			file->p[file->n - 1 - back] ^= value;
	}
}

static size_t get_u32(const char *p)
{
	size_t value = 0;

	for (size_t i = 4; i-- > 0;)
		value = value << 8 | (unsigned char)p[i];
	return value;
}

/* Where the table of a sealed file begins, as its end says. */
static size_t table_of(const struct buf *file)
{
	size_t entries = file->n - FOOTER_BYTES;

	return entries - get_u32(file->p + entries) * ENTRY_BYTES - HEADER_BYTES;
}

/* Do the frames that the table tells of reach up to it? Asked of the bytes. */
static bool is_covering(const struct buf *file)
{
	size_t table = table_of(file), at;
	uint64_t sum = 0;

	for (at = table + HEADER_BYTES; at < file->n - FOOTER_BYTES; at += ENTRY_BYTES)
		sum += get_u32(file->p + at);
	return sum == table;
}

static void check(const struct buf *file, uint64_t logs_end, bool same, bool same_frames)
{
	struct segment segment = {.fd = -1};
	bool is_right, is_whole;

	if (segment_open(&segment, folder, (struct segment_id){1, 0}, O_RDONLY, NULL) != 0)
		abort();
	is_right = segment.is_sealed && segment_check_seek_table(&segment, NULL) == 0;
	is_whole =
	    segment.is_sealed && segment_is_seal_whole(&segment, logs_end, unpacker, NULL) == 1;
	if (same && (!is_right || !is_whole))
		abort();
	/* Of the same frames there is one table. */
	if (same_frames && !same && is_right)
		abort();
	if ((is_right || is_whole) && !is_covering(file))
		abort();
	segment_close(&segment);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct bytes text = {(const char *)data, bytes};
	struct buf sealed, file;
	uint64_t logs_end;
	size_t table;

	begin();
	buf_init(&sealed, 1 << 20);
	buf_init(&file, 2 << 20);
	text = make_sealed(text, &sealed, &logs_end);
	buf_bytes(&file, buf_view(&sealed));
	edit(&file, text);
	write_file(&file);
	table = table_of(&sealed);
	check(&file, logs_end, bytes_equal(buf_view(&sealed), buf_view(&file)),
	    file.n == sealed.n && memcmp(file.p, sealed.p, table) == 0);
	buf_release(&sealed);
	buf_release(&file);
	return 0;
}
