/* archiver/store/segment.c: names, marks, finding logs again behind damage, the seal. */
#include "archiver/store/segment.h"

#include "../../suite.h"
#include "archiver/store/tarhead.h"
#include "base/child.h"
#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define MIB          (1u << 20)
#define FIRST        ((struct segment_id){1, 0})

START_TEST(names)
{
	static const struct {
		struct segment_id id;
		const char *name;
	} right[] = {{{1, 0}, "000001.tar.zst"}, {{999999, 0}, "999999.tar.zst"},
	    {{1000000, 0}, "1000000.tar.zst"}, {{12, 1}, "000012.1.tar.zst"},
	    {{7, 40}, "000007.40.tar.zst"},
	    {{UINT32_MAX, UINT32_MAX}, "4294967295.4294967295.tar.zst"}};
	static const char *const wrong[] = {"", ".tar.zst", "1.tar.zst", "00001.tar.zst",
	    "0000001.tar.zst", "000000.tar.zst", "4294967296.tar.zst", "000001.tar.zs",
	    "000001.tar.zst.torn", "000001.tar.zst~", "+00001.tar.zst", " 00001.tar.zst",
	    "00000a.tar.zst", "000001_tar.zst", "000001.TAR.ZST", "000001.0.tar.zst",
	    "000001.01.tar.zst", "000001..tar.zst", "000001.1.1.tar.zst", ".1.tar.zst",
	    "000001.4294967296.tar.zst", "000001.1.tar.zst.part"};
	struct segment_id id = {77, 77};

	for (size_t i = 0; i < COUNT(right); i++) {
		char *name = segment_name(right[i].id);

		ck_assert_str_eq(name, right[i].name);
		ck_assert(segment_parse_name(name, &id));
		ck_assert_uint_eq(id.number, right[i].id.number);
		ck_assert_uint_eq(id.generation, right[i].id.generation);
		free(name);
	}
	for (size_t i = 0; i < COUNT(wrong); i++)
		ck_assert_msg(!segment_parse_name(wrong[i], &id), "%s", wrong[i]);
	ck_assert_uint_eq(id.number, UINT32_MAX);
}
END_TEST

START_TEST(a_mark_is_that_of_the_page)
{
	char mark[SEGMENT_MARK_BYTES];

	segment_make_mark(0x0102030405060708, mark);
	ck_assert_mem_eq(mark,
	    "\x5a\x2a\x4d\x18\x18\0\0\0mailcask log\r\n\x1a\0\x08\x07\x06\x05\x04\x03\x02\x01", 32);
}
END_TEST

/* ---- a file under test ---- */

struct file {
	char folder[32];
	struct segment segment;
	struct frame_packer *packer;
	struct frame_unpacker *unpacker;
	uint64_t bytes;
};

static void begin(struct file *file)
{
	memcpy(file->folder, "/tmp/segment-XXXXXX", 20);
	ck_assert_ptr_nonnull(mkdtemp(file->folder));
	OK(segment_open(&file->segment, file->folder, FIRST, O_RDWR | O_CREAT | O_EXCL, err));
	file->packer = frame_packer_new(1);
	file->unpacker = frame_unpacker_new();
	file->bytes = 0;
}

static void end(struct file *file)
{
	ck_assert_int_eq(unlink(file->segment.path), 0);
	segment_close(&file->segment);
	frame_packer_free(file->packer);
	frame_unpacker_free(file->unpacker);
	ck_assert_int_eq(rmdir(file->folder), 0);
}

static int append(void *arg, const void *data, size_t bytes, struct err *err)
{
	struct file *file = arg;

	if (file_write_at(file->segment.fd, data, bytes, file->bytes, "segment", err) != 0)
		return -1;
	file->bytes += bytes;
	return 0;
}

static void add(struct file *file, struct bytes data)
{
	OK(append(file, data.p, data.n, err));
}

/* A tar entry in a frame: its offset. */
static uint64_t add_frame(struct file *file, const char *name, size_t content_bytes)
{
	uint64_t at = file->bytes;
	struct tarhead head = {.content_bytes = content_bytes};
	struct buf entry;
	char block[TARHEAD_BYTES], *room;

	memcpy(head.name, name, strlen(name));
	tarhead_format(&head, block);
	buf_init(&entry, 64 * MIB);
	buf_add(&entry, block, sizeof block);
	room = buf_reserve(&entry, content_bytes + tarhead_filling(content_bytes));
	memset(room, 0, content_bytes + tarhead_filling(content_bytes));
	memset(room, 'x', content_bytes);
	entry.n += content_bytes + tarhead_filling(content_bytes);
	OK(frame_pack(file->packer, buf_view(&entry), append, file, err));
	buf_release(&entry);
	return at;
}

static uint64_t add_log(struct file *file, uint64_t batch)
{
	char mark[SEGMENT_MARK_BYTES];

	segment_make_mark(batch, mark);
	add(file, (struct bytes){mark, sizeof mark});
	return add_frame(file, "log/1", 100);
}

/* The batches of the logs that are found from an offset, as text: "1 2 3 ". */
static const char *logs_from(struct file *file, uint64_t at, uint64_t *skipped)
{
	static char text[100];
	struct segment_log log;
	int got;

	text[0] = '\0';
	*skipped = 0;
	while ((got = segment_next_log(&file->segment, &at, &log, NULL)) == 1) {
		snprintf(text + strlen(text), sizeof text - strlen(text), "%d ", (int)log.batch);
		*skipped += log.skipped;
		ck_assert_uint_eq(log.end, log.frame.at + log.frame.file_bytes);
		ck_assert_uint_eq(at, log.end);
	}
	ck_assert_int_eq(got, 0);
	return text;
}

static void flip(struct file *file, uint64_t at)
{
	char c;

	ck_assert_int_eq(file_read_at(file->segment.fd, &c, 1, at, "segment", NULL), 1);
	c = (char)(c ^ 0x01);
	OK(file_write_at(file->segment.fd, &c, 1, at, "segment", err));
}

START_TEST(logs_are_found_in_order)
{
	struct file file;
	struct segment_log log;
	uint64_t at = 0, skipped, first, third;

	begin(&file);
	ck_assert_str_eq(logs_from(&file, 0, &skipped), "");
	add_frame(&file, "mail/1", 1000);
	first = add_log(&file, 1);
	ck_assert_int_eq(segment_next_log(&file.segment, &at, &log, NULL), 1);
	ck_assert_uint_eq(log.frame.at, first);
	ck_assert_uint_eq(log.batch, 1);
	ck_assert_int_eq(segment_next_log(&file.segment, &at, &log, NULL), 0);
	ck_assert_uint_eq(at, file.bytes);
	add_log(&file, 2); /* a batch without entries */
	add_frame(&file, "blob/1", 2 * MIB);
	add_frame(&file, "mail/2", 1);
	third = add_log(&file, 3);
	ck_assert_str_eq(logs_from(&file, 0, &skipped), "1 2 3 ");
	ck_assert_uint_eq(skipped, 0);
	ck_assert_str_eq(logs_from(&file, at, &skipped), "2 3 ");
	ck_assert_str_eq(logs_from(&file, third - 32, &skipped), "3 ");
	end(&file);
}
END_TEST

START_TEST(a_torn_tail_yields_no_log)
{
	struct file file;
	uint64_t all, before, skipped;

	begin(&file);
	add_frame(&file, "mail/1", 1000);
	add_log(&file, 1);
	before = file.bytes;
	add_frame(&file, "mail/2", 1000);
	add_log(&file, 2);
	all = file.bytes;
	for (uint64_t n = all - 1; n >= before; n--) {
		OK(file_cut(file.segment.fd, n, "segment", err));
		ck_assert_str_eq(logs_from(&file, 0, &skipped), "1 ");
		ck_assert_str_eq(logs_from(&file, before, &skipped), "");
	}
	end(&file);
}
END_TEST

START_TEST(damage_is_stepped_over)
{
	struct file file;
	uint64_t data, log1, mark2, log2, skipped;

	begin(&file);
	data = add_frame(&file, "mail/1", 1000);
	log1 = add_log(&file, 1);
	add_frame(&file, "mail/2", 1000);
	mark2 = file.bytes;
	log2 = add_log(&file, 2);
	add_log(&file, 3);

	flip(&file, data); /* the magic of a data frame */
	ck_assert_str_eq(logs_from(&file, 0, &skipped), "1 2 3 ");
	ck_assert_uint_eq(skipped, log1 - 32);
	flip(&file, data);
	flip(&file, log1); /* of a log frame: this log is lost */
	ck_assert_str_eq(logs_from(&file, 0, &skipped), "2 3 ");
	ck_assert_uint_eq(skipped, mark2);
	flip(&file, log1);
	flip(&file, mark2 + 9); /* the text of a mark: it is none any more, its log is a frame */
	ck_assert_str_eq(logs_from(&file, 0, &skipped), "1 3 ");
	ck_assert_uint_eq(skipped, 0);
	flip(&file, mark2 + 9);
	flip(&file, mark2); /* its magic */
	ck_assert_str_eq(logs_from(&file, 0, &skipped), "1 3 ");
	flip(&file, mark2);
	flip(&file, log2);
	flip(&file, data);
	ck_assert_str_eq(logs_from(&file, 0, &skipped), "1 3 ");
	end(&file);
}
END_TEST

/* Marks are looked for in pieces of the file: none may be missed at their borders. */
START_TEST(a_mark_anywhere_behind_damage_is_found)
{
	char *junk = mem_zero(1, MIB + 200);
	struct file file;
	struct segment_log log;
	uint64_t at, skipped;

	begin(&file);
	memset(junk, 'j', MIB + 200);
	memcpy(junk + 70, "mailcask log\r\n\x1a", 16); /* the text alone is no mark */
	for (unsigned n = MIB - 40; n < MIB + 40; n++) {
		OK(file_cut(file.segment.fd, 0, "segment", err));
		file.bytes = 0;
		add(&file, (struct bytes){junk, n});
		add_log(&file, 7);
		ck_assert_str_eq(logs_from(&file, 0, &skipped), "7 ");
		ck_assert_uint_eq(skipped, n);
		ck_assert_int_eq(segment_find_mark(&file.segment, 0, &at, NULL), 1);
		ck_assert_uint_eq(at, n);
		ck_assert_int_eq(segment_find_mark(&file.segment, n, &at, NULL), 1);
		ck_assert_int_eq(segment_find_mark(&file.segment, n + 1, &at, NULL), 0);
	}
	/* Several megabytes of nothing. */
	OK(file_cut(file.segment.fd, 0, "segment", err));
	OK(file_cut(file.segment.fd, 5 * MIB + 3, "segment", err));
	file.bytes = 5 * MIB + 3;
	add_log(&file, 9);
	at = 0;
	ck_assert_int_eq(segment_next_log(&file.segment, &at, &log, NULL), 1);
	ck_assert_uint_eq(log.batch, 9);
	ck_assert_uint_eq(log.skipped, 5 * MIB + 3);
	end(&file);
	free(junk);
}
END_TEST

/* ---- the seal ---- */

static void fill(struct file *file)
{
	add_frame(file, "mail/1", 1000);
	add_frame(file, "mail/2", 300000);
	add_log(file, 1);
	add_log(file, 2);
}

/* Open it again: is it sealed? */
static bool is_sealed(struct file *file)
{
	segment_close(&file->segment);
	OK(segment_open(&file->segment, file->folder, FIRST, O_RDWR, err));
	return file->segment.is_sealed;
}

START_TEST(a_sealed_segment_is_a_tar_for_everybody)
{
	struct file file;
	struct buf said;
	char *command;

	begin(&file);
	fill(&file);
	ck_assert(!is_sealed(&file));
	OK(segment_seal(&file.segment, file.bytes, file.packer, err));
	ck_assert(file.segment.is_sealed);
	ck_assert(is_sealed(&file));
	OK(segment_check_seek_table(&file.segment, err));
	buf_init(&said, 4096);
	command = mem_format("zstd -tq %s && tar --zstd -tf %s && bsdtar -tf %s && zstd -dc %s |"
			     " tail -c 1024 | od -An -v -tx1 | tr -d ' 0\\n'",
	    file.segment.path, file.segment.path, file.segment.path, file.segment.path);
	OK(child_output(command, &said, err));
	ck_assert_str_eq(
	    buf_string(&said), "mail/1\nmail/2\nlog/1\nlog/1\nmail/1\nmail/2\nlog/1\nlog/1\n");
	buf_release(&said);
	free(command);
	end(&file);
}
END_TEST

/* The seekable format 0.1.0: skippable frame 0x184D2A5E, an entry for each frame, number of
 * frames, descriptor, 0x8F92EAB1. */
START_TEST(the_seek_table_is_that_of_the_seekable_format)
{
	struct file file;
	unsigned char table[100];
	uint64_t bytes, at;

	begin(&file);
	fill(&file);
	OK(segment_seal(&file.segment, file.bytes, file.packer, err));
	OK(segment_bytes(&file.segment, &bytes, err));
	/* data, data, mark, log, mark, log, end */
	at = bytes - 8 - 7 * 8 - 9;
	ck_assert_int_eq(
	    file_read_at(file.segment.fd, table, sizeof table, at, "segment", NULL), 8 + 7 * 8 + 9);
	ck_assert_mem_eq(table, "\x5e\x2a\x4d\x18\x41\0\0\0", 8);
	ck_assert_mem_eq(table + 8 + 4, "\0\x06\0\0", 4);          /* 1536 bytes of tar */
	ck_assert_mem_eq(table + 8 + 16, "\x20\0\0\0\0\0\0\0", 8); /* a mark */
	ck_assert_mem_eq(table + 8 + 6 * 8 + 4, "\0\x04\0\0", 4);  /* the end frame */
	ck_assert_mem_eq(table + 8 + 7 * 8, "\x07\0\0\0\0\xb1\xea\x92\x8f", 9);
	for (uint64_t i = 0, sum = 0; i < 8; i++) {
		if (i == 7)
			ck_assert_uint_eq(sum, at);
		else
			sum += (uint64_t)table[8 + i * 8] | (uint64_t)table[9 + i * 8] << 8 |
			    (uint64_t)table[10 + i * 8] << 16;
	}
	end(&file);
}
END_TEST

START_TEST(a_seal_that_is_not_whole)
{
	struct file file;
	uint64_t bytes, skipped, table;

	begin(&file);
	fill(&file);
	OK(segment_seal(&file.segment, file.bytes, file.packer, err));
	OK(segment_bytes(&file.segment, &bytes, err));
	table = bytes - 8 - 7 * 8 - 9;
	ck_assert_int_eq(segment_is_seal_whole(&file.segment, file.bytes, file.unpacker, NULL), 1);
	ck_assert_int_eq(
	    segment_is_seal_whole(&file.segment, file.bytes - 1, file.unpacker, NULL), 0);
	ck_assert_int_eq(
	    segment_is_seal_whole(&file.segment, file.bytes + 1, file.unpacker, NULL), 0);
	ck_assert_int_eq(segment_is_seal_whole(&file.segment, bytes, file.unpacker, NULL), 0);
	/* A byte that did not reach the disk. */
	for (uint64_t at = file.bytes; at < bytes; at++) {
		int whole;

		flip(&file, at);
		if (is_sealed(&file)) {
			whole =
			    segment_is_seal_whole(&file.segment, file.bytes, file.unpacker, NULL);
			/* The table tells two lengths of each frame; the second, and the
			 * descriptor, only the whole walk can judge. */
			if (whole && at >= table)
				FAILS(ERR_DAMAGED, segment_check_seek_table(&file.segment, err));
		}
		flip(&file, at);
	}
	/* A file that ends too early, or too late. */
	OK(file_write_at(file.segment.fd, "junk", 4, bytes, "segment", err));
	ck_assert(!is_sealed(&file));
	ck_assert_str_eq(logs_from(&file, 0, &skipped), "1 2 ");
	for (uint64_t n = bytes - 1; n >= file.bytes; n--) {
		OK(file_cut(file.segment.fd, n, "segment", err));
		ck_assert(!is_sealed(&file));
		ck_assert_str_eq(logs_from(&file, 0, &skipped), "1 2 ");
	}
	/* And once more. */
	OK(segment_seal(&file.segment, file.bytes, file.packer, err));
	ck_assert(is_sealed(&file));
	OK(segment_check_seek_table(&file.segment, err));
	end(&file);
}
END_TEST

/* The last four bytes of a segment that is not sealed are a checksum: anything. */
START_TEST(four_bytes_do_not_make_a_seal)
{
	struct file file;

	begin(&file);
	fill(&file);
	add(&file, BYTES("\0\0\0\0\0\xb1\xea\x92\x8f"));
	ck_assert(!is_sealed(&file));
	add(&file, BYTES("\xff\xff\xff\x7f\0\xb1\xea\x92\x8f"));
	ck_assert(!is_sealed(&file));
	end(&file);
}
END_TEST

START_TEST(a_seal_that_fails_leaves_nothing)
{
	struct file file;
	uint64_t bytes, mark;

	begin(&file);
	mark = add_frame(&file, "mail/1", 1000);
	add_log(&file, 1);
	flip(&file, mark); /* no table can be made of what cannot be stepped through */
	FAILS(ERR_DAMAGED, segment_seal(&file.segment, file.bytes, file.packer, err));
	OK(segment_bytes(&file.segment, &bytes, err));
	ck_assert_uint_eq(bytes, file.bytes);
	ck_assert(!file.segment.is_sealed);
	end(&file);
}
END_TEST

START_TEST(opening)
{
	char folder[] = "/tmp/segment-XXXXXX";
	struct segment segment = {.fd = -1};

	ck_assert_ptr_nonnull(mkdtemp(folder));
	FAILS(ERR_ABSENT, segment_open(&segment, folder, FIRST, O_RDONLY, err));
	segment_close(&segment);
	segment_close(&segment);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

SUITE(names, a_mark_is_that_of_the_page, logs_are_found_in_order, a_torn_tail_yields_no_log,
    damage_is_stepped_over, a_mark_anywhere_behind_damage_is_found,
    a_sealed_segment_is_a_tar_for_everybody, the_seek_table_is_that_of_the_seekable_format,
    a_seal_that_is_not_whole, four_bytes_do_not_make_a_seal, a_seal_that_fails_leaves_nothing,
    opening)
