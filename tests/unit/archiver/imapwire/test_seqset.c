/* Sets of UIDs: RFC 9051 section 9 (sequence-set), RFC 4315 section 3. */
#include "archiver/imapwire/seqset.h"

#include "tests/unit/suite.h"

#include <string.h>

#define STAR 1000

static struct seqset set;
static struct buf out;

static void start(void)
{
	seqset_release(&set);
	buf_release(&out);
	buf_init(&out, 1 << 20);
}

/* The whole set as it goes on the wire. */
static const char *wire(void)
{
	buf_clear(&out);
	seqset_format(&set, 0, UINT64_MAX, SIZE_MAX, &out);
	return buf_string(&out);
}

static int parse(const char *text, struct err *err)
{
	return seqset_parse(&set, bytes_of(text), STAR, 100, err);
}

/* Ascending, at least 2 apart. */
static void check_shape(void)
{
	for (size_t i = 0; i < set.count; i++) {
		ck_assert_uint_ge(set.range[i].first, 1);
		ck_assert_uint_le(set.range[i].first, set.range[i].last);
		if (i > 0)
			ck_assert_uint_ge(
			    set.range[i].first - 1, (uint64_t)set.range[i - 1].last + 1);
	}
}

START_TEST(merges_neighbours_whatever_the_order)
{
	start();
	for (uint32_t uid = 1; uid <= 9; uid += 2)
		seqset_add(&set, uid);
	ck_assert_str_eq(wire(), "1,3,5,7,9");
	for (uint32_t uid = 8; uid >= 2; uid -= 2)
		seqset_add(&set, uid);
	ck_assert_str_eq(wire(), "1:9");
	ck_assert_uint_eq(set.count, 1);
}
END_TEST

START_TEST(takes_ranges_that_overlap_or_stand_the_wrong_way_round)
{
	start();
	seqset_add_range(&set, 20, 10);
	seqset_add_range(&set, 30, 40);
	seqset_add_range(&set, 15, 35);
	ck_assert_str_eq(wire(), "10:40");
	seqset_add_range(&set, 50, 60);
	seqset_add_range(&set, 70, 80);
	seqset_add_range(&set, 1, 100);
	ck_assert_str_eq(wire(), "1:100");
	seqset_add_range(&set, 5, 6);
	ck_assert_str_eq(wire(), "1:100");
}
END_TEST

START_TEST(joins_two_ranges_by_the_uid_between)
{
	start();
	seqset_add_range(&set, 1, 4);
	seqset_add_range(&set, 6, 9);
	ck_assert_str_eq(wire(), "1:4,6:9");
	seqset_add(&set, 5);
	ck_assert_str_eq(wire(), "1:9");
}
END_TEST

START_TEST(ignores_0)
{
	start();
	seqset_add(&set, 0);
	seqset_add_range(&set, 0, 0);
	ck_assert(seqset_is_empty(&set));
	seqset_add_range(&set, 0, 3);
	ck_assert_str_eq(wire(), "1:3");
	ck_assert(!seqset_has(&set, 0));
}
END_TEST

START_TEST(holds_uids_up_to_2_to_the_32)
{
	start();
	seqset_add(&set, UINT32_MAX);
	seqset_add(&set, UINT32_MAX - 1);
	seqset_add(&set, UINT32_MAX - 3);
	ck_assert_str_eq(wire(), "4294967292,4294967294:4294967295");
	ck_assert(seqset_has(&set, UINT32_MAX));
	ck_assert_uint_eq(seqset_next(&set, UINT32_MAX - 1), UINT32_MAX);
	ck_assert_uint_eq(seqset_next(&set, UINT32_MAX), 0);
	seqset_add_range(&set, 1, UINT32_MAX);
	ck_assert_uint_eq(seqset_count(&set), UINT32_MAX);
	ck_assert_uint_eq(set.count, 1);
	seqset_add_range(&set, 1, UINT32_MAX);
	ck_assert_str_eq(wire(), "1:4294967295");
	ck_assert_uint_eq(seqset_format(&set, UINT32_MAX, 5, 100, &out), 0);
}
END_TEST

START_TEST(removes_at_the_ends_and_in_the_middle)
{
	start();
	seqset_add_range(&set, 10, 20);
	seqset_remove(&set, 10);
	seqset_remove(&set, 20);
	ck_assert_str_eq(wire(), "11:19");
	seqset_remove(&set, 15);
	ck_assert_str_eq(wire(), "11:14,16:19");
	seqset_remove(&set, 15);
	seqset_remove(&set, 99);
	seqset_remove(&set, 0);
	ck_assert_str_eq(wire(), "11:14,16:19");
	seqset_add(&set, 30);
	seqset_remove(&set, 30);
	ck_assert_str_eq(wire(), "11:14,16:19");
	seqset_clear(&set);
	seqset_remove(&set, 1);
	ck_assert(seqset_is_empty(&set));
}
END_TEST

START_TEST(finds_the_next_uid)
{
	start();
	seqset_add_range(&set, 3, 4);
	seqset_add(&set, 9);
	ck_assert_uint_eq(seqset_next(&set, 0), 3);
	ck_assert_uint_eq(seqset_next(&set, 3), 4);
	ck_assert_uint_eq(seqset_next(&set, 4), 9);
	ck_assert_uint_eq(seqset_next(&set, 9), 0);
	ck_assert_uint_eq(seqset_count(&set), 3);
}
END_TEST

/* A plain array of what is in the set says the same. */
START_TEST(agrees_with_a_plain_array)
{
	bool in[300] = {false};
	uint32_t seed = 12345;

	start();
	for (int step = 0; step < 20000; step++) {
		uint32_t a, b;

		seed = seed * 1664525 + 1013904223;
		a = 1 + (seed >> 8) % 298;
		b = a + (seed >> 24) % 5;
		if (b > 298)
			b = 298;
		if (seed >> 31) {
			seqset_remove(&set, a);
			in[a] = false;
		} else {
			seqset_add_range(&set, b, a);
			for (uint32_t uid = a; uid <= b; uid++)
				in[uid] = true;
		}
		ck_assert(seqset_has(&set, a) == in[a]);
		if (step % 100 != 0)
			continue;
		check_shape();
		for (uint32_t uid = 0; uid < 300; uid++)
			ck_assert(seqset_has(&set, uid) == in[uid]);
	}
}
END_TEST

START_TEST(makes_batches_by_count)
{
	uint32_t last = 0;

	start();
	seqset_add_range(&set, 1, 5);
	seqset_add_range(&set, 10, 20);
	last = seqset_format(&set, last, 7, 7000, &out);
	ck_assert_str_eq(buf_string(&out), "1:5,10:11");
	ck_assert_uint_eq(last, 11);
	buf_clear(&out);
	last = seqset_format(&set, last, 1, 7000, &out);
	ck_assert_str_eq(buf_string(&out), "12");
	buf_clear(&out);
	last = seqset_format(&set, last, 100, 7000, &out);
	ck_assert_str_eq(buf_string(&out), "13:20");
	ck_assert_uint_eq(seqset_format(&set, last, 100, 7000, &out), 0);
}
END_TEST

/* At the borders: the batch ends with a range, begins behind its first UID, fills the room. */
START_TEST(batches_are_exact)
{
	static const char *const ones[] = {"1", "2", "3", "7", "9"};
	uint32_t last = 0;

	start();
	seqset_add_range(&set, 1, 3);
	seqset_add(&set, 7);
	seqset_add(&set, 9);
	for (size_t i = 0; i < 5; i++) {
		buf_clear(&out);
		last = seqset_format(&set, last, 1, 7000, &out);
		ck_assert_str_eq(buf_string(&out), ones[i]);
	}
	buf_clear(&out);
	ck_assert_uint_eq(seqset_format(&set, 0, 3, 7000, &out), 3);
	ck_assert_str_eq(buf_string(&out), "1:3");
	buf_clear(&out);
	ck_assert_uint_eq(seqset_format(&set, 0, 2, 7000, &out), 2);
	ck_assert_str_eq(buf_string(&out), "1:2");
	buf_clear(&out);
	ck_assert_uint_eq(seqset_format(&set, 0, 100, 5, &out), 7);
	ck_assert_str_eq(buf_string(&out), "1:3,7");
	buf_clear(&out);
	ck_assert_uint_eq(seqset_format(&set, 0, 100, 4, &out), 3);
	ck_assert_str_eq(buf_string(&out), "1:3");
}
END_TEST

START_TEST(makes_batches_by_bytes_and_skips_nothing)
{
	struct seqset again;
	uint32_t last = 0;
	size_t lines = 0;

	start();
	seqset_init(&again);
	for (uint32_t uid = 1000; uid < 3000; uid += 2)
		seqset_add(&set, uid);
	for (;;) {
		buf_clear(&out);
		last = seqset_format(&set, last, 10000, 100, &out);
		if (last == 0)
			break;
		ck_assert_uint_le(out.n, 100);
		OK(seqset_parse(&again, buf_view(&out), STAR, 100, err));
		lines++;
	}
	ck_assert_uint_eq(seqset_count(&again), 1000);
	ck_assert_uint_eq(seqset_next(&again, 2997), 2998);
	ck_assert_uint_eq(lines, 50); /* 20 of "1000," make 99 bytes */
	seqset_release(&again);
}
END_TEST

START_TEST(writes_one_range_even_when_it_is_too_long)
{
	start();
	seqset_add_range(&set, 4000000000, 4000000001);
	seqset_add(&set, 4100000000);
	ck_assert_uint_eq(seqset_format(&set, 0, 100, 5, &out), 4000000001);
	ck_assert_str_eq(buf_string(&out), "4000000000:4000000001");
}
END_TEST

START_TEST(appends_to_what_is_in_the_buffer)
{
	start();
	seqset_add(&set, 7);
	buf_text(&out, "UID FETCH ");
	seqset_format(&set, 0, 100, 100, &out);
	ck_assert_str_eq(buf_string(&out), "UID FETCH 7");
}
END_TEST

START_TEST(reads_what_servers_write)
{
	static const char *const cases[][2] = {
	    {"1", "1"},
	    {"1:5", "1:5"},
	    {"4:2,7", "2:4,7"},
	    {"2,4:7,9,12:*", "2,4:7,9,12:1000"}, /* RFC 9051, in the comment of sequence-set */
	    {"*", "1000"},
	    {"*:998", "998:1000"},
	    {"*:*", "1000"},
	    {"304,319:320", "304,319:320"},                                     /* RFC 4315 */
	    {"41,43:116,118,120:211,214:540", "41,43:116,118,120:211,214:540"}, /* RFC 7162 */
	    {"9,7,5,8,6", "5:9"}, /* Gmail lists descending */
	    {"5,5,5:5", "5"},
	    {"4294967295", "4294967295"},
	    {"1,4294967295:4294967294", "1,4294967294:4294967295"},
	    {"2 84 882", "2,84,882"}, /* a SEARCH response of RFC 3501 */
	    {"2  84", "2,84"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		start();
		OK(parse(cases[i][0], err));
		ck_assert_str_eq(wire(), cases[i][1]);
		check_shape();
	}
}
END_TEST

START_TEST(refuses_what_is_no_set_and_leaves_the_set_alone)
{
	static const char *const wrong[] = {"", " ", "0", "1:0", "a", "1,", ",1", "1,,2",
	    "1:", ":1", "1:2:3", "-1", "+1", "1.5", "4294967296", "99999999999999999999", "1;2",
	    "1 a", " 1", "1 ,2", "1\t2", "$", "**", "NIL", "1:5)", "9.3e+06", "\"1\""};

	start();
	seqset_add(&set, 77);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		FAILS(ERR_PROTOCOL, parse(wrong[i], err));
		ck_assert_str_eq(wire(), "77");
	}
}
END_TEST

/* VANISHED "12:*" where the largest UID is 10 must not say that 10 is gone. */
START_TEST(an_open_range_never_reaches_below_its_begin)
{
	start();
	OK(seqset_parse(&set, BYTES("12:*"), 10, 100, err));
	ck_assert_str_eq(wire(), "12");
	start();
	OK(seqset_parse(&set, BYTES("*:12"), 10, 100, err));
	ck_assert_str_eq(wire(), "12");
	start();
	FAILS(ERR_PROTOCOL, seqset_parse(&set, BYTES("12:*"), 0, 100, err));
	FAILS(ERR_PROTOCOL, seqset_parse(&set, BYTES("*"), 0, 100, err));
	ck_assert(seqset_is_empty(&set));
}
END_TEST

START_TEST(stops_at_the_ceiling)
{
	start();
	seqset_add(&set, 500);
	OK(seqset_parse(&set, BYTES("1,3,5"), STAR, 3, err));
	FAILS(ERR_LIMIT, seqset_parse(&set, BYTES("11,13,15,17"), STAR, 3, err));
	ck_assert_str_eq(wire(), "1,3,5,500");
	OK(seqset_parse(&set, BYTES("1:4294967295"), STAR, 1, err));
	ck_assert_uint_eq(set.count, 1); /* nothing is expanded */
}
END_TEST

START_TEST(adds_to_what_is_there)
{
	start();
	OK(parse("10:20,40:50", err));
	OK(parse("21:39,5,60,1:2", err));
	ck_assert_str_eq(wire(), "1:2,5,10:50,60");
	check_shape();
}
END_TEST

/* A hostile order must not cost more than a sort: this would take minutes otherwise. */
START_TEST(reads_a_million_descending_uids)
{
	struct buf text;

	start();
	buf_init(&text, 16 << 20);
	for (uint32_t uid = 2000001; uid > 1; uid -= 2)
		buf_format(&text, uid == 2000001 ? "%u" : ",%u", uid);
	OK(seqset_parse(&set, buf_view(&text), STAR, 1000000, err));
	ck_assert_uint_eq(set.count, 1000000);
	ck_assert_uint_eq(seqset_next(&set, 0), 3);
	check_shape();
	buf_release(&text);
}
END_TEST

SUITE(merges_neighbours_whatever_the_order, takes_ranges_that_overlap_or_stand_the_wrong_way_round,
    joins_two_ranges_by_the_uid_between, ignores_0, holds_uids_up_to_2_to_the_32,
    removes_at_the_ends_and_in_the_middle, finds_the_next_uid, agrees_with_a_plain_array,
    makes_batches_by_count, batches_are_exact, makes_batches_by_bytes_and_skips_nothing,
    writes_one_range_even_when_it_is_too_long, appends_to_what_is_in_the_buffer,
    reads_what_servers_write, refuses_what_is_no_set_and_leaves_the_set_alone,
    an_open_range_never_reaches_below_its_begin, stops_at_the_ceiling, adds_to_what_is_there,
    reads_a_million_descending_uids)
