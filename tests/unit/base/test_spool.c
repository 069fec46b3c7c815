/* base/spool.c: the limit between memory and file, in every combination. */
#include "base/spool.h"

#include "../suite.h"
#include "base/file.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define LIMIT 4
#define MOST  (2 * LIMIT + 1) /* bytes of one addition */

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

static void check_reads(struct spool *spool, size_t all)
{
	char data[4 * MOST];

	ck_assert_uint_eq(spool_bytes(spool), all);
	for (size_t offset = 0; offset <= all + 2; offset++)
		for (size_t bytes = 0; bytes <= all + 2; bytes++) {
			size_t left = offset < all ? all - offset : 0;
			ssize_t expected = (ssize_t)(bytes < left ? bytes : left);

			memset(data, '.', sizeof data);
			if (spool_read(spool, offset, data, bytes, NULL) != expected ||
			    memcmp(data, letters + (offset < all ? offset : 0), (size_t)expected) !=
				0 ||
			    data[expected] != '.')
				ck_abort_msg("%zu of %zu at %zu", bytes, all, offset);
		}
}

static int collect(void *arg, const void *data, size_t bytes, struct err *err)
{
	struct buf *buf = arg;

	buf_add(buf, data, bytes);
	return buf->overflow ? err_set(err, ERR_STOPPED, "enough") : 0;
}

static void check_sends(struct spool *spool, size_t all)
{
	struct buf buf;

	buf_init(&buf, 1000);
	for (size_t offset = 0; offset <= all; offset++)
		for (size_t bytes = 0; bytes <= all - offset; bytes++) {
			buf_clear(&buf);
			OK(spool_send(spool, offset, bytes, collect, &buf, err));
			ck_assert(
			    bytes_equal(buf_view(&buf), (struct bytes){letters + offset, bytes}));
		}
	buf_release(&buf);
}

static void check_view(const struct spool *spool, size_t all)
{
	struct bytes view;

	if (spool_in_memory(spool, &view))
		ck_assert(bytes_equal(view, (struct bytes){letters, all}));
	else
		ck_assert_uint_gt(all, LIMIT);
}

/* Three additions of every size from nothing to twice the limit and more. */
START_TEST(holds_every_combination_of_additions)
{
	struct spool spool;

	spool_init(&spool, LIMIT, "/tmp");
	for (size_t a = 0; a <= MOST; a++)
		for (size_t b = 0; b <= MOST; b++)
			for (size_t c = 0; c <= MOST; c++) {
				OK(spool_add(&spool, letters, a, err));
				OK(spool_add(&spool, letters + a, b, err));
				OK(spool_add_fn(&spool, letters + a + b, c, err));
				ck_assert_uint_le(spool.memory.n, LIMIT);
				check_reads(&spool, a + b + c);
				check_view(&spool, a + b + c);
				spool_clear(&spool);
				ck_assert_uint_eq(spool_bytes(&spool), 0);
			}
	spool_release(&spool);
}
END_TEST

START_TEST(sends_every_range)
{
	struct spool spool;

	spool_init(&spool, LIMIT, "/tmp");
	for (size_t a = 0; a <= MOST; a++) {
		OK(spool_add(&spool, letters, a, err));
		OK(spool_add(&spool, letters + a, 2, err));
		check_sends(&spool, a + 2);
		spool_clear(&spool);
	}
	spool_release(&spool);
}
END_TEST

START_TEST(stays_in_memory_up_to_the_limit)
{
	struct spool spool;
	struct bytes view;

	spool_init(&spool, LIMIT, "/no/such/folder");
	ck_assert(spool_in_memory(&spool, &view));
	ck_assert_uint_eq(view.n, 0);
	OK(spool_add(&spool, letters, LIMIT, err));
	ck_assert(spool_in_memory(&spool, &view));
	ck_assert_uint_eq(view.n, LIMIT);
	ck_assert_int_eq(spool.fd, -1);
	FAILS(ERR_IO, spool_add(&spool, letters, 1, err));
	spool_release(&spool);
}
END_TEST

START_TEST(comes_to_the_file_when_asked)
{
	struct spool spool;
	struct bytes view;
	char data[64];
	int fd = -1;

	spool_init(&spool, LIMIT, "/tmp");
	for (size_t all = 0; all <= 3 * LIMIT; all++) {
		for (size_t i = 0; i < all; i++)
			OK(spool_add(&spool, letters + i, 1, err));
		/* Twice: the borrower of before has read it to its end. */
		for (int again = 0; again < 2; again++) {
			OK(spool_to_file(&spool, &fd, err));
			ck_assert_int_eq(read(fd, data, sizeof data), (ssize_t)all);
			ck_assert_mem_eq(data, letters, all);
		}
		ck_assert_int_eq(spool_in_memory(&spool, &view), all == 0);
		check_reads(&spool, all);
		OK(spool_add(&spool, letters + all, 3, err));
		check_reads(&spool, all + 3);
		spool_clear(&spool);
	}
	spool_release(&spool);
	ck_assert_int_eq(spool.fd, -1);
}
END_TEST

/* Nothing of the message before shows through, and the file does not keep its size. */
START_TEST(is_empty_when_cleared)
{
	struct spool spool;
	char data[64];
	uint64_t size = 9;
	int fd;

	spool_init(&spool, LIMIT, "/tmp");
	OK(spool_add(&spool, "0123456789", 10, err));
	OK(spool_add(&spool, "012", 3, err));
	spool_clear(&spool);
	fd = spool.fd;
	ck_assert_int_ge(fd, 0);
	OK(file_size(fd, &size, "spool", err));
	ck_assert_uint_eq(size, 0);
	ck_assert_int_eq(spool_read(&spool, 0, data, sizeof data, NULL), 0);
	OK(spool_add(&spool, letters, 3, err));
	check_reads(&spool, 3);
	OK(spool_add(&spool, letters + 3, 3, err));
	check_reads(&spool, 6);
	ck_assert_int_eq(spool.fd, fd);
	spool_release(&spool);
	ck_assert_uint_eq(spool_bytes(&spool), 0);
	spool_release(&spool);
}
END_TEST

START_TEST(the_file_has_no_name_and_is_private)
{
	char folder[] = "/tmp/test_spool-XXXXXX";
	struct spool spool;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	spool_init(&spool, LIMIT, folder);
	OK(spool_add(&spool, letters, 20, err));
	ck_assert_int_eq(rmdir(folder), 0); /* which it could not if a name were there */
	check_reads(&spool, 20);
	ck_assert_int_eq(fcntl(spool.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	spool_release(&spool);
}
END_TEST

START_TEST(refuses_ranges_outside)
{
	struct spool spool;
	struct buf buf;

	buf_init(&buf, 100);
	spool_init(&spool, LIMIT, "/tmp");
	OK(spool_add(&spool, letters, 6, err));
	FAILS(ERR_BUG, spool_send(&spool, 0, 7, collect, &buf, err));
	FAILS(ERR_BUG, spool_send(&spool, 6, 1, collect, &buf, err));
	FAILS(ERR_BUG, spool_send(&spool, 7, 0, collect, &buf, err));
	FAILS(ERR_BUG, spool_send(&spool, 3, UINT64_MAX, collect, &buf, err));
	ck_assert_uint_eq(buf.n, 0);
	OK(spool_send(&spool, 6, 0, collect, &buf, err));
	spool_release(&spool);
	buf_release(&buf);
}
END_TEST

START_TEST(sends_large_things_in_pieces_and_stops_at_a_failure)
{
	struct spool spool;
	struct buf all, half;

	buf_init(&all, 300000);
	buf_init(&half, 150000);
	spool_init(&spool, 1000, "/tmp");
	for (int i = 0; i < 30000; i++)
		OK(spool_add(&spool, letters + i % 40, 10, err));
	OK(spool_send(&spool, 0, 300000, collect, &all, err));
	ck_assert_uint_eq(all.n, 300000);
	for (int i = 0; i < 30000; i++)
		ck_assert_mem_eq(all.p + 10 * i, letters + i % 40, 10);
	FAILS(ERR_STOPPED, spool_send(&spool, 0, 300000, collect, &half, err));
	spool_release(&spool);
	buf_release(&all);
	buf_release(&half);
}
END_TEST

/* What could not be added is not there, and what was there before can be read. */
START_TEST(a_full_disk_loses_nothing_that_was_added)
{
	struct rlimit limit = {10, RLIM_INFINITY};
	struct spool spool;

	signal(SIGXFSZ, SIG_IGN);
	spool_init(&spool, LIMIT, "/tmp");
	OK(spool_add(&spool, letters, 6, err));
	OK(spool_add(&spool, letters + 6, 3, err));
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	FAILS(ERR_IO, spool_add(&spool, letters + 9, 30, err));
	check_reads(&spool, 9);
	limit.rlim_cur = RLIM_INFINITY;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	OK(spool_add(&spool, letters + 9, 9, err));
	check_reads(&spool, 18);
	spool_release(&spool);
}
END_TEST

SUITE(holds_every_combination_of_additions, sends_every_range, stays_in_memory_up_to_the_limit,
    comes_to_the_file_when_asked, is_empty_when_cleared, the_file_has_no_name_and_is_private,
    refuses_ranges_outside, sends_large_things_in_pieces_and_stops_at_a_failure,
    a_full_disk_loses_nothing_that_was_added)
