/* archiver/catalog/catalog_stored.c: where all messages stand, and what they are made of. */
#include "events.h"

static struct event_part parts[3];

/* Message n with so many runs. */
static struct event mail_of_parts(uint8_t n, size_t count)
{
	struct event event = mail(n);

	for (size_t i = 0; i < 3; i++)
		parts[i] = (struct event_part){.blob = id((uint8_t)(100 + i)),
		    .at = 10000 * (i + 1),
		    .blob_bytes = 5000 + i,
		    .line_chars = 76,
		    .crlf = i % 2 == 0};
	event.part = parts;
	event.part_count = count;
	return event;
}

static int note(void *arg, const struct catalog_extent *extent, struct err *err)
{
	buf_format(arg, "%u/%llu %lld-%lld\n", extent->segment,
	    (unsigned long long)extent->frame_at, (long long)extent->first_n,
	    (long long)extent->last_n);
	return buf_view(arg).n > 1000 ? err_set(err, ERR_STOPPED, "enough") : 0;
}

static void expect_extents(const char *want)
{
	struct buf text;

	buf_init(&text, 10000);
	OK(catalog_each_extent(j.catalog, note, &text, err));
	ck_assert_str_eq(buf_string(&text), want);
	buf_release(&text);
}

static void change(const char *text)
{
	OK(sql_exec(catalog_sql(j.catalog), text, err));
}

START_TEST(extents_are_messages_of_one_frame)
{
	struct buf full;

	begin();
	expect_extents("");
	for (uint8_t n = 1; n <= 3; n++)
		add(mail(n));
	apply();
	add(mail(4));
	apply();
	expect_extents("1/10000 1-3\n1/20000 4-4\n");
	change("UPDATE message SET frame = 20000 WHERE n = 2");
	expect_extents("1/10000 1-1\n1/20000 2-2\n1/10000 3-3\n1/20000 4-4\n");
	change("UPDATE message SET segment = 2 WHERE n > 2");
	expect_extents("1/10000 1-1\n1/20000 2-2\n2/10000 3-3\n2/20000 4-4\n");
	change("UPDATE message SET segment = 2, frame = 5");
	change("DELETE FROM message WHERE n = 2");
	expect_extents("2/5 1-4\n");
	buf_init(&full, 10000);
	while (full.n < 1000)
		buf_char(&full, ' ');
	FAILS(ERR_STOPPED, catalog_each_extent(j.catalog, note, &full, err));
	buf_release(&full);
	end();
}
END_TEST

START_TEST(messages_come_with_their_parts)
{
	struct catalog_extent extent = {1, 10000, 2, 4};
	struct catalog_stored_list list = {0};

	begin();
	add(mail_of_parts(1, 3));
	add(mail_of_parts(2, 0));
	add(mail_of_parts(3, 2));
	add(mail_of_parts(4, 1));
	add(mail_of_parts(5, 1));
	apply();
	for (int round = 0; round < 2; round++) { /* what the list had goes */
		OK(catalog_stored(j.catalog, &extent, &list, err));
		ck_assert_uint_eq(list.count, 3);
		ck_assert_uint_eq(list.part_count, 3);
	}
	ck_assert_int_eq(list.message[0].n, 2);
	ck_assert(sha256_equal(&list.message[0].id.sum, &(struct sha256){{0xa0, 2}}));
	ck_assert_uint_eq(list.message[0].parts, 0);
	ck_assert_uint_eq(list.message[0].size_bytes, 1002);
	ck_assert_uint_eq(list.message[0].stored_bytes, 502);
	ck_assert_uint_eq(list.message[0].place.frame_at, 10000);
	/* behind message 1: a header, 501 bytes filled up to 512 */
	ck_assert_uint_eq(list.message[0].place.entry_at, 1024);
	ck_assert_uint_eq(list.message[1].parts, 2);
	ck_assert_uint_eq(list.message[1].first_part, 0);
	ck_assert_uint_eq(list.message[2].parts, 1);
	ck_assert_uint_eq(list.message[2].first_part, 2);
	ck_assert_uint_eq(list.part[1].at, 20000);
	ck_assert_uint_eq(list.part[1].blob_bytes, 5001);
	ck_assert_uint_eq(list.part[1].line_chars, 76);
	ck_assert(!list.part[1].crlf);
	ck_assert(list.part[2].crlf);
	ck_assert(sha256_equal(&list.part[1].blob, &(struct sha256){{0xa0, 101}}));
	change("INSERT INTO part VALUES(3, 99, x'00', 1, 4, 0)");
	FAILS(ERR_DAMAGED, catalog_stored(j.catalog, &extent, &list, err));
	change("DELETE FROM part; UPDATE message SET id = x'1234' WHERE n = 4");
	FAILS(ERR_DAMAGED, catalog_stored(j.catalog, &extent, &list, err));
	extent.last_n = 3;
	OK(catalog_stored(j.catalog, &extent, &list, err));
	ck_assert_uint_eq(list.count, 2);
	ck_assert_uint_eq(list.part_count, 0);
	catalog_stored_release(&list);
	end();
}
END_TEST

SUITE(extents_are_messages_of_one_frame, messages_come_with_their_parts)
