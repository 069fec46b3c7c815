/* archiver/sync/recognise.c: by what a message is known again, and that silence is no match. */
#include "archiver/sync/recognise.h"

#include "tests/unit/suite.h"

static struct mimehead head;
static struct endpoint_identity live;
static struct archived archived;

static void begin(void)
{
	mimehead_init(&head);
	live = (struct endpoint_identity){.uid = {7},
	    .has_flags = true,
	    .has_date = true,
	    .has_size = true,
	    .has_header = true,
	    .flags = BYTES("\\Seen"),
	    .date_unix = 1700000000,
	    .size_bytes = 1234,
	    .header = BYTES("Message-ID: <a@example.org>\r\n\r\n")};
	archived = (struct archived){
	    .date_unix = 1700000000, .message_id = BYTES("a@example.org"), .size_bytes = 1234};
}

static void check(enum recognition expected)
{
	ck_assert_int_eq(recognise(&head, &live, &archived), expected);
}

START_TEST(the_same_is_recognised)
{
	begin();
	check(RECOGNISED);
	live.flags = BYTES("\\Flagged"); /* flags change: they say nothing */
	check(RECOGNISED);
	live.header = BYTES("MESSAGE-id:\r\n\t<a@example.org>\r\n");
	check(RECOGNISED);
	mimehead_release(&head);
}
END_TEST

START_TEST(what_is_not_told_is_no_match)
{
	bool *const told[] = {&live.has_flags, &live.has_date, &live.has_size, &live.has_header};

	for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
		begin();
		*told[i] = false;
		check(RECOGNISED_NOT_TOLD);
		mimehead_release(&head);
	}
}
END_TEST

START_TEST(another_date)
{
	begin();
	live.date_unix++;
	check(RECOGNISED_OTHER_DATE);
	live.header = BYTES("Message-ID: <b@example.org>\r\n");
	check(RECOGNISED_OTHER_DATE);
	mimehead_release(&head);
}
END_TEST

START_TEST(another_message_id)
{
	static const struct bytes other[] = {{"Message-ID: <b@example.org>\r\n", 29},
	    {"Message-ID: <A@example.org>\r\n", 29}, {"\r\n", 2}, {"", 0}, {"Message-ID:\r\n", 13}};

	for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
		begin();
		live.header = other[i];
		check(RECOGNISED_OTHER_MESSAGE_ID);
		live.size_bytes = 1; /* is the lesser sign */
		check(RECOGNISED_OTHER_MESSAGE_ID);
		mimehead_release(&head);
	}
}
END_TEST

START_TEST(another_size)
{
	begin();
	live.size_bytes++;
	check(RECOGNISED_OTHER_SIZE);
	mimehead_release(&head);
}
END_TEST

START_TEST(without_a_message_id)
{
	begin();
	archived.message_id = BYTES("");
	check(RECOGNISED_OTHER_MESSAGE_ID); /* it has one there */
	live.header = BYTES("\r\n");
	check(RECOGNISED);
	live.size_bytes++;
	check(RECOGNISED_OTHER_SIZE);
	mimehead_release(&head);
}
END_TEST

SUITE(the_same_is_recognised, what_is_not_told_is_no_match, another_date, another_message_id,
    another_size, without_a_message_id)
