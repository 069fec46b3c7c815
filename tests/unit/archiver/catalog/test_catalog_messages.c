/* What mail and blob events make of messages (FORMAT.md, "The journal"), and how they are
 * asked for. */
#include "events.h"

START_TEST(a_mail_is_a_message)
{
	struct catalog_message m;
	struct msg_id unknown = {id(9)};

	begin();
	add(mail(1));
	add(mail(2));
	apply();
	m = message_of(2);
	ck_assert_int_eq(m.n, 2);
	ck_assert_uint_eq(m.size_bytes, 1002);
	ck_assert_uint_eq(m.stored_bytes, 502);
	ck_assert_uint_eq(m.segment.number, 1);
	ck_assert_uint_eq(m.place.frame_at, 10000);
	ck_assert_uint_eq(m.place.entry_at, 512 + 512); /* behind 501 bytes */
	ck_assert(!m.has_date && m.has_sent);
	ck_assert_int_eq(m.sent_unix, -5);
	ck_assert_int_eq(m.archived_unix, DAY1 + DAY);
	ck_assert(bytes_is(m.message_id, "m@x") && bytes_is(m.from, "Ann <a@x>") &&
	    bytes_is(m.to, "b@x") && bytes_is(m.cc, "c@x"));
	ck_assert(bytes_equal(m.subject, BYTES("S\0\xff")));
	ck_assert_int_eq(catalog_message_n(j.catalog, 1, &m, NULL), 1);
	ck_assert(sha256_equal(&m.id.sum, &(struct sha256){{0xa0, 1}}));
	ck_assert_int_eq(catalog_message_n(j.catalog, 3, &m, NULL), 0);
	ck_assert_int_eq(catalog_message(j.catalog, &unknown, &m, NULL), 0);
	end();
}
END_TEST

static int note_part(void *arg, const struct event_part *part, struct err *err)
{
	(void)err;
	snprintf(strchr(arg, '\0'), 40, "%u@%u+%u/%u%s ", part->blob.b[1], (unsigned)part->at,
	    (unsigned)part->blob_bytes, part->line_chars, part->crlf ? "r" : "");
	return 0;
}

START_TEST(parts_and_blobs)
{
	struct event_part parts[] = {
	    {.blob = id(51), .at = 700, .blob_bytes = 4000, .line_chars = 76, .crlf = true},
	    {.blob = id(50), .at = 90, .blob_bytes = 3000, .line_chars = 4}};
	struct event event = mail(1);
	struct catalog_blob blob;
	struct sha256 which = id(51);
	char text[200] = "";

	begin();
	add((struct event){.kind = EVENT_BLOB, .id = id(50), .size_bytes = 3000});
	add((struct event){.kind = EVENT_BLOB, .id = id(51), .size_bytes = 4000});
	event.part = parts;
	event.part_count = 2;
	add(event);
	apply();
	OK(catalog_parts(j.catalog, 1, note_part, text, err));
	ck_assert_str_eq(text, "50@90+3000/4 51@700+4000/76r ");
	ck_assert_int_eq(catalog_blob(j.catalog, &which, &blob, NULL), 1);
	ck_assert_uint_eq(blob.size_bytes, 4000);
	ck_assert_uint_eq(blob.segment.number, 1);
	ck_assert_uint_eq(blob.place.frame_at, 10000);
	ck_assert_uint_eq(blob.place.entry_at, 512 + 3072);
	ck_assert_uint_eq(message_of(1).place.entry_at, 512 + 3072 + 512 + 4096);
	which = id(52);
	ck_assert_int_eq(catalog_blob(j.catalog, &which, &blob, NULL), 0);
	text[0] = '\0';
	OK(catalog_parts(j.catalog, 2, note_part, text, err));
	ck_assert_str_eq(text, "");
	end();
}
END_TEST

/* "The later one counts": its place, its length, its parts. */
START_TEST(stored_again)
{
	struct event_part part = {.blob = id(50), .at = 700, .blob_bytes = 3000, .line_chars = 76},
			  other = {.blob = id(50), .at = 90, .blob_bytes = 3000, .line_chars = 76};
	struct event event = mail(1);
	struct sha256 which = id(50);
	struct catalog_blob blob;
	char text[200] = "";

	begin();
	add((struct event){.kind = EVENT_BLOB, .id = id(50), .size_bytes = 3000});
	event.part = &part;
	event.part_count = 1;
	add(event);
	add(placed(1, 1, ""));
	apply();
	add((struct event){.kind = EVENT_BLOB, .id = id(50), .size_bytes = 3000});
	event.part = &other;
	event.stored_bytes = 77;
	add(event);
	apply();
	ck_assert_int_eq(message_of(1).n, 1);
	ck_assert_uint_eq(message_of(1).place.frame_at, 20000);
	ck_assert_uint_eq(message_of(1).stored_bytes, 77);
	ck_assert_int_eq(message_of(1).archived_unix, DAY1 + DAY); /* the first time counts */
	ck_assert_int_eq(message_of(1).date_unix, 1001);
	ck_assert_int_eq(catalog_blob(j.catalog, &which, &blob, NULL), 1);
	ck_assert_uint_eq(blob.place.frame_at, 20000);
	OK(catalog_parts(j.catalog, 1, note_part, text, err));
	ck_assert_str_eq(text, "50@90+3000/76 ");
	ck_assert_int_eq(ask("SELECT count(*) FROM message"), 1);
	end();
}
END_TEST

static int count_message(void *arg, const struct catalog_message *message, struct err *err)
{
	struct catalog_message inner;
	struct msg_id which = message->id;

	if (message->n == 4)
		return err_set(err, ERR_STOPPED, "enough");
	/* Asking for others meanwhile is allowed. */
	ck_assert_int_eq(catalog_message(j.catalog, &which, &inner, err), 1);
	ck_assert(bytes_equal(inner.subject, message->subject));
	return ++*(int *)arg == 100 ? -1 : 0;
}

START_TEST(every_message_in_order)
{
	int count = 0;

	begin();
	for (uint8_t n = 1; n <= 3; n++)
		add(mail(n));
	apply();
	OK(catalog_each_message(j.catalog, 0, count_message, &count, err));
	ck_assert_int_eq(count, 3);
	OK(catalog_each_message(j.catalog, 2, count_message, &count, err));
	ck_assert_int_eq(count, 4);
	add(mail(4));
	apply();
	FAILS(ERR_STOPPED, catalog_each_message(j.catalog, 0, count_message, &count, err));
	end();
}
END_TEST

START_TEST(messages_by_name)
{
	struct event event;
	struct catalog_message m;

	begin();
	event = mail(1);
	event.message_id = BYTES("one@x");
	add(event);
	event = mail(2);
	event.message_id = BYTES("abcd");
	add(event);
	event = mail(3);
	event.message_id = BYTES("twice@x");
	add(event);
	event = mail(4);
	event.message_id = BYTES("twice@x");
	add(event);
	apply();
	ck_assert_int_eq(catalog_message_named(j.catalog, BYTES("a001"), &m, NULL), 1);
	ck_assert_int_eq(m.n, 1);
	ck_assert_int_eq(catalog_message_named(j.catalog, BYTES("A0010"), &m, NULL), 1);
	ck_assert_int_eq(catalog_message_named(j.catalog,
			     BYTES("a002000000000000000000000000000000000000000000000000000000000"
				   "000"),
			     &m, NULL),
	    1);
	ck_assert_int_eq(m.n, 2);
	ck_assert_int_eq(catalog_message_named(j.catalog, BYTES("a005"), &m, NULL), 0);
	ck_assert_int_eq(catalog_message_named(j.catalog, BYTES("a00"), &m, NULL), 0);
	ck_assert_int_eq(catalog_message_named(j.catalog, BYTES("one@x"), &m, NULL), 1);
	ck_assert_int_eq(m.n, 1);
	ck_assert_int_eq(catalog_message_named(j.catalog, BYTES("<one@x>"), &m, NULL), 1);
	ck_assert_int_eq(catalog_message_named(j.catalog, BYTES("abcd"), &m, NULL), 1);
	ck_assert_int_eq(m.n, 2); /* hex digits, but no id begins so */
	ck_assert_int_eq(catalog_message_named(j.catalog, BYTES(""), &m, NULL), 0);
	FAILS(ERR_USAGE, catalog_message_named(j.catalog, BYTES("twice@x"), &m, err));
	event = mail(1);
	event.id.b[2] = 1;
	add(event);
	apply();
	FAILS(ERR_USAGE, catalog_message_named(j.catalog, BYTES("a001"), &m, err));
	ck_assert_int_eq(catalog_message_named(j.catalog, BYTES("a00100"), &m, NULL), 1);
	ck_assert_int_eq(m.n, 1);
	end();
}
END_TEST

static int note_number(void *arg, const struct catalog_message *message, struct err *err)
{
	(void)err;
	snprintf(strchr(arg, '\0'), 20, "%d ", (int)message->n);
	return 0;
}

static int note_damaged_uid(void *arg, uint32_t uid, struct err *err)
{
	(void)err;
	snprintf(strchr(arg, '\0'), 20, "%u ", uid);
	return 0;
}

static void check_damaged(const char *numbers, const char *uids)
{
	struct catalog_totals totals;
	char said[100] = "", places[100] = "";
	unsigned count = 0;

	OK(catalog_each_damaged(j.catalog, note_number, said, err));
	ck_assert_str_eq(said, numbers);
	OK(catalog_damaged_places(j.catalog, inbox(), 7, note_damaged_uid, places, err));
	ck_assert_str_eq(places, uids);
	for (const char *p = numbers; *p; p++)
		count += *p == ' ';
	OK(catalog_totals(j.catalog, &totals, err));
	ck_assert_uint_eq(totals.damaged, count);
}

/* From a damaged event to the next mail event of the message. */
START_TEST(damaged_messages)
{
	struct event event = {.kind = EVENT_DAMAGED, .id = id(2), .reason = BYTES("r")};
	struct event other = placed(9, 2, "");

	begin();
	for (uint8_t n = 1; n <= 3; n++) {
		add(mail(n));
		add(placed(10u - n, n, ""));
	}
	add(placed(3, 2, ""));
	add(placed(4, 2, ""));
	add(gone("4"));
	other.uidvalidity = 8;
	add(other);
	apply();
	check_damaged("", "");
	add(event);
	apply();
	check_damaged("2 ", "3 8 ");
	ck_assert_int_eq(catalog_is_damaged(j.catalog, 2, NULL), 1);
	ck_assert_int_eq(catalog_is_damaged(j.catalog, 3, NULL), 0);
	ck_assert_int_eq(catalog_is_damaged(j.catalog, 99, NULL), 0);
	event.id = id(3);
	add(event);
	add(event);
	apply();
	check_damaged("2 3 ", "3 7 8 ");
	add(mail(2));
	apply();
	check_damaged("3 ", "7 ");
	end();
}
END_TEST

/* Batch 2 is lost; of its frames a message and a blob were found. */
START_TEST(a_batch_that_is_lost)
{
	struct batch_salvaged found[] = {
	    {EVENT_MAIL, id(5), 700, 12345, 1, {20000, 512}},
	    {EVENT_BLOB, id(6), 800, 12345, 1, {21000, 0}},
	    {EVENT_MAIL, id(1), 900, 1, 1, {20000, 4096}}, /* known: stays as it is */
	};
	struct event wrong[] = {placed(1, 77, ""), {.kind = EVENT_HOLD, .id = id(77), .held = true},
	    {.kind = EVENT_DAMAGED, .id = id(77)}, purge(2, 77, "confirmed")};
	struct catalog_message m;
	struct catalog_blob blob;
	struct batch_position now;
	struct sha256 archive;

	begin();
	ck_assert_int_eq(catalog_identity(j.catalog, &archive, NULL), 0);
	add(mail(1));
	add(placed(1, 1, ""));
	add(placed(2, 1, ""));
	apply();
	ck_assert_int_eq(catalog_identity(j.catalog, &archive, NULL), 1);
	ck_assert(sha256_equal(&archive, &j.end.sum));
	OK(catalog_salvage(j.catalog, &j.end, found, 3, err));
	OK(catalog_salvage(j.catalog, &j.end, found, 3, err)); /* interrupted, and once more */
	OK(catalog_position(j.catalog, &now, err));
	check_position(&now, &j.end);
	m = message_of(5);
	ck_assert_int_eq(m.n, 2);
	ck_assert_uint_eq(m.size_bytes, 700);
	ck_assert_uint_eq(m.stored_bytes, 700);
	ck_assert_uint_eq(m.place.entry_at, 512);
	ck_assert_int_eq(m.date_unix, 12345);
	ck_assert_uint_eq(m.subject.n, 0);
	ck_assert(!m.has_sent);
	ck_assert_int_eq(catalog_blob(j.catalog, &found[1].id, &blob, NULL), 1);
	ck_assert_uint_eq(blob.place.frame_at, 21000);
	ck_assert_uint_eq(message_of(1).size_bytes, 1001);
	check_damaged("2 ", "");

	/* Batch 3 is not taken as the next one, but as the next but one it is. */
	add(mail(3));
	ck_assert_int_eq(apply_as(3, NULL), -1);
	j.lost = 1;
	for (size_t i = 0; i < 4; i++)
		add(wrong[i]);
	add(mail(5));
	add(placed(5, 5, ""));
	OK(apply_as(3, err));
	ck_assert_int_eq(ask("SELECT lost FROM position"), 1);
	ck_assert_int_eq(ask("SELECT count(*) FROM place"), 2); /* 1 was taken by a lost one */
	ck_assert_int_eq(place_of(2).state, PLACE_PURGED);
	ck_assert_int_eq(place_of(5).state, PLACE_PRESENT);
	ck_assert_int_eq(ask("SELECT count(*) FROM hold"), 0);
	check_damaged("", "");
	m = message_of(5);
	ck_assert_int_eq(m.n, 2);
	ck_assert_uint_eq(m.subject.n, 3);
	ck_assert_int_eq(catalog_identity(j.catalog, &archive, NULL), 1);
	add(mail(6));
	apply();
	end();
}
END_TEST

START_TEST(listings_can_be_forgotten)
{
	struct event cursor = at(EVENT_CURSOR, 0);
	struct catalog_folder folder;

	begin();
	cursor.uidnext = 9;
	add(cursor);
	apply();
	ck_assert_int_eq(ask("SELECT listed FROM folder"), DAY1 + DAY);
	OK(catalog_forget_listings(j.catalog, err));
	ck_assert_int_eq(
	    catalog_folder(j.catalog, BYTES("work"), BYTES("INBOX"), &folder, NULL), 1);
	ck_assert_int_eq(folder.listed_unix, 0);
	ck_assert_uint_eq(folder.uidnext, 9);
	end();
}
END_TEST

SUITE(damaged_messages, a_batch_that_is_lost, listings_can_be_forgotten, a_mail_is_a_message,
    parts_and_blobs, stored_again, every_message_in_order, messages_by_name)
