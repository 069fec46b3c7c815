/* archiver/store/tarwalk.c: a tar that GNU tar made, in pieces of any size. */
#include "archiver/store/tarwalk.h"

#include "../../suite.h"
#include "base/buf.h"
#include "base/child.h"
#include "base/digest.h"

#include <string.h>

static const char make[] =
    "d=$(mktemp -d) && cd $d && printf 'one\\n' >a && : >b && seq 1 9999 >c && "
    "tar --format=ustar -cf - a b c; rm -rf $d";

struct seen {
	struct buf names; /* "NAME at size sum..." */
	struct digest *digest;
};

static void note_begin(void *arg, const struct tarhead *head, uint64_t at)
{
	buf_format(&((struct seen *)arg)->names, "%s %d %d ", head->name, (int)at,
	    (int)head->content_bytes);
}

static void note_content(void *arg, const void *data, size_t bytes)
{
	digest_add(((struct seen *)arg)->digest, data, bytes);
}

static void note_end(void *arg)
{
	struct seen *seen = arg;
	char hex[SHA256_HEX_BYTES];
	struct sha256 sum;

	digest_end(seen->digest, &sum);
	sha256_hex(&sum, hex);
	buf_format(&seen->names, "%.8s\n", hex);
}

static struct tarwalk begin_walk(struct seen *seen)
{
	buf_init(&seen->names, 1 << 16);
	seen->digest = digest_new();
	return (struct tarwalk){
	    .begin = note_begin, .content = note_content, .end = note_end, .arg = seen};
}

static void end_walk(struct seen *seen)
{
	buf_release(&seen->names);
	digest_free(seen->digest);
}

static struct buf tar(void)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	OK(child_output(make, &out, err));
	ck_assert_uint_eq(out.n % 512, 0);
	return out;
}

/* sha256sum of the three files. */
static const char entries[] = "a 0 4 2c8b08da\nb 1024 0 e3b0c442\nc 1536 48888 856e6cd2\n";

START_TEST(entries_in_pieces_of_any_size)
{
	static const size_t sizes[] = {1, 7, 511, 512, 513, 5000, 1 << 20};
	struct buf all = tar();

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct seen seen;
		struct tarwalk walk = begin_walk(&seen);

		for (size_t at = 0; at < all.n; at += sizes[i])
			OK(tarwalk_add(
			    &walk, all.p + at, at + sizes[i] < all.n ? sizes[i] : all.n - at, err));
		ck_assert(tarwalk_is_whole(&walk));
		ck_assert_str_eq(buf_string(&seen.names), entries);
		end_walk(&seen);
	}
	buf_release(&all);
}
END_TEST

START_TEST(what_is_cut_off_is_not_whole)
{
	static const size_t cuts[] = {1, 511, 512, 513, 516, 600, 1030, 1536, 1600, 2048, 50000};
	struct buf all = tar();

	for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
		struct seen seen;
		struct tarwalk walk = begin_walk(&seen);

		OK(tarwalk_add(&walk, all.p, cuts[i], err));
		/* Behind the second entry, which is empty, is a border. */
		ck_assert_int_eq(tarwalk_is_whole(&walk), cuts[i] == 1536);
		end_walk(&seen);
	}
	buf_release(&all);
}
END_TEST

START_TEST(a_wrong_header_ends_it)
{
	struct buf all = tar();
	struct seen seen;
	struct tarwalk walk = begin_walk(&seen);

	all.p[1536 + 20] ^= 1;
	OK(tarwalk_add(&walk, all.p, all.n, err));
	ck_assert(!tarwalk_is_whole(&walk));
	ck_assert_int_eq(walk.why.code, ERR_DAMAGED);
	ck_assert_str_eq(buf_string(&seen.names), "a 0 4 2c8b08da\nb 1024 0 e3b0c442\n");
	end_walk(&seen);
	buf_release(&all);
}
END_TEST

SUITE(entries_in_pieces_of_any_size, what_is_cut_off_is_not_whole, a_wrong_header_ends_it)
