/* archiver/store/tarhead.c: the header block, byte by byte as in the ustar standard, and as tar
 * reads it. */
#include "archiver/store/tarhead.h"

#include "../../suite.h"
#include "base/child.h"
#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define NAME "mail/0123456789012345678901234567890123456789012345678901234567890123.eml"

static struct tarhead usual(void)
{
	struct tarhead head = {.name = NAME, .content_bytes = 5, .mtime_unix = 1234567890};

	return head;
}

START_TEST(the_fields_stand_where_the_standard_says)
{
	struct tarhead head = usual();
	char block[TARHEAD_BYTES], rest[TARHEAD_BYTES] = {0};

	tarhead_format(&head, block);
	ck_assert_str_eq(block, NAME);
	ck_assert_mem_eq(block + 100, "0000644\0", 8);
	ck_assert_mem_eq(block + 108, "0000000\0", 8);
	ck_assert_mem_eq(block + 116, "0000000\0", 8);
	ck_assert_mem_eq(block + 124, "00000000005\0", 12);
	ck_assert_mem_eq(block + 136, "11145401322\0", 12); /* printf %o 1234567890 */
	ck_assert_mem_eq(block + 154, "\0 ", 2);
	ck_assert_int_eq(block[156], '0');
	ck_assert_mem_eq(block + 157, rest, 100);
	ck_assert_mem_eq(block + 257, "ustar\00000", 8);
	ck_assert_mem_eq(block + 265, rest, TARHEAD_BYTES - 265);
}
END_TEST

/* tar -tv of one entry with "abcde" in it. */
static void check_listed(const struct tarhead *head, const char *want)
{
	char folder[] = "/tmp/tarhead-XXXXXX", block[3 * TARHEAD_BYTES] = {0}, *path, *command;
	struct buf said;
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	path = file_join(folder, "x.tar");
	tarhead_format(head, block);
	memcpy(block + TARHEAD_BYTES, "abcde", 5);
	fd = file_open(path, O_WRONLY | O_CREAT, 0600, NULL);
	OK(file_write(fd, block, sizeof block, path, err));
	file_close(&fd);
	buf_init(&said, 4096);
	command = mem_format("TZ=UTC LC_ALL=C tar --numeric-owner --full-time -tvf %s", path);
	OK(child_output(command, &said, err));
	ck_assert_str_eq(buf_string(&said), want);
	buf_release(&said);
	unlink(path);
	rmdir(folder);
	free(command);
	free(path);
}

START_TEST(tar_reads_it)
{
	struct tarhead head = usual();

	check_listed(&head, "-rw-r--r-- 0/0               5 2009-02-13 23:31:30 " NAME "\n");
	head.mtime_unix = -1;
	check_listed(&head, "-rw-r--r-- 0/0               5 1970-01-01 00:00:00 " NAME "\n");
	head.mtime_unix = INT64_MIN;
	check_listed(&head, "-rw-r--r-- 0/0               5 1970-01-01 00:00:00 " NAME "\n");
	head.mtime_unix = 4102444800;
	check_listed(&head, "-rw-r--r-- 0/0               5 2100-01-01 00:00:00 " NAME "\n");
	/* The last second that eleven octal digits can say. */
	head.mtime_unix = 253402300799;
	check_listed(&head, "-rw-r--r-- 0/0               5 2242-03-16 12:56:31 " NAME "\n");
	head.mtime_unix = INT64_MAX;
	check_listed(&head, "-rw-r--r-- 0/0               5 2242-03-16 12:56:31 " NAME "\n");
	memset(head.name, 'n', 100);
	head.mtime_unix = 0;
	check_listed(&head,
	    "-rw-r--r-- 0/0               5 1970-01-01 00:00:00 "
	    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
	    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\n");
}
END_TEST

START_TEST(what_is_written_is_read)
{
	static const uint64_t sizes[] = {0, 1, 511, 512, 1u << 20, 0xffffffff, TARHEAD_MAX_NUMBER};
	static const int64_t times[] = {0, 1, 1600000000, TARHEAD_MAX_NUMBER};
	char block[TARHEAD_BYTES];

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (size_t t = 0; t < sizeof times / sizeof *times; t++) {
			struct tarhead head = usual(), again = {0};

			head.content_bytes = sizes[i];
			head.mtime_unix = times[t];
			tarhead_format(&head, block);
			ck_assert_int_eq(tarhead_parse(block, &again, NULL), 1);
			ck_assert_str_eq(again.name, NAME);
			ck_assert_uint_eq(again.content_bytes, sizes[i]);
			ck_assert_int_eq(again.mtime_unix, times[t]);
		}
}
END_TEST

START_TEST(a_changed_bit_is_refused)
{
	struct tarhead head = usual(), again = {.content_bytes = 77};
	char block[TARHEAD_BYTES];
	unsigned taken = 0;

	tarhead_format(&head, block);
	for (size_t i = 0; i < sizeof block * 8; i++) {
		block[i / 8] = (char)(block[i / 8] ^ 1 << i % 8);
		if (tarhead_parse(block, &again, NULL) == 1)
			taken++;
		block[i / 8] = (char)(block[i / 8] ^ 1 << i % 8);
	}
	/* The checksum field's own end may be NUL or blank; its last byte says nothing. */
	ck_assert_uint_le(taken, 9);
	again = (struct tarhead){.content_bytes = 77};
	block[0] ^= 1;
	FAILS(ERR_DAMAGED, tarhead_parse(block, &again, err));
	ck_assert_uint_eq(again.content_bytes, 77);
}
END_TEST

START_TEST(zeros_are_the_end)
{
	struct tarhead head;
	char block[TARHEAD_BYTES] = {0};

	ck_assert_int_eq(tarhead_parse(block, &head, NULL), 0);
	for (size_t i = 0; i < sizeof block; i++) {
		block[i] = 1;
		FAILS(ERR_DAMAGED, tarhead_parse(block, &head, err));
		block[i] = 0;
	}
}
END_TEST

START_TEST(filling)
{
	static const struct {
		uint64_t content;
		size_t filling;
	} want[] = {{0, 0}, {1, 511}, {511, 1}, {512, 0}, {513, 511}, {TARHEAD_MAX_NUMBER, 1}};

	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		ck_assert_uint_eq(tarhead_filling(want[i].content), want[i].filling);
}
END_TEST

SUITE(the_fields_stand_where_the_standard_says, tar_reads_it, what_is_written_is_read,
    a_changed_bit_is_refused, zeros_are_the_end, filling)
