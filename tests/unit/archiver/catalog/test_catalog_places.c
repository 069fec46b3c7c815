/* What placed, flags, gone, retired, folder, cursor, audit and skipped events make of places and
 * folders (FORMAT.md, "The journal"). */
#include "events.h"

/* ---- places ---- */

START_TEST(placed_flags_and_first_date)
{
	struct catalog_place place;
	struct event event;

	begin();
	add(mail(1));
	add(placed(5, 1, "$x \\Answered \\Flagged"));
	apply();
	place = place_of(5);
	ck_assert_int_eq(place.message_n, 1);
	ck_assert(bytes_is(place.flags, "$x \\Answered \\Flagged"));
	ck_assert_int_eq(place.date_unix, 1005);
	ck_assert_int_eq(place.state, PLACE_PRESENT);
	ck_assert_int_eq(place.since_unix, DAY1 + DAY);
	ck_assert_int_eq(ask("SELECT bits FROM place"), 2 | 4);
	ck_assert(message_of(1).has_date);
	ck_assert_int_eq(message_of(1).date_unix, 1005);
	/* A second place of the same message; its date stays that of the first. */
	add(placed(6, 1, "\\Deleted \\Draft \\Seen"));
	event = at(EVENT_FLAGS, 5);
	event.flags = BYTES("\\Seen");
	add(event);
	apply();
	ck_assert_int_eq(message_of(1).date_unix, 1005);
	ck_assert(bytes_is(place_of(5).flags, "\\Seen"));
	ck_assert_int_eq(place_of(5).since_unix, DAY1 + DAY);
	ck_assert_int_eq(ask("SELECT bits FROM place WHERE uid = 5"), 1);
	ck_assert_int_eq(ask("SELECT bits FROM place WHERE uid = 6"), 1 | 8 | 16);
	event.flags = BYTES("");
	add(event);
	add(at(EVENT_FLAGS, 99)); /* a place that never was */
	apply();
	ck_assert_uint_eq(place_of(5).flags.n, 0);
	ck_assert_int_eq(ask("SELECT count(*) FROM place"), 2);
	ck_assert_int_eq(catalog_place_at(j.catalog, inbox(), 8, 5, &place, NULL), 0);
	end();
}
END_TEST

START_TEST(gone_retired_and_back)
{
	char known[100] = "", present[100] = "";

	begin();
	add(mail(1));
	for (uint32_t uid = 1; uid <= 9; uid++)
		add(placed(uid, 1, ""));
	add(placed(UINT32_MAX, 1, ""));
	apply();
	add(gone("2:4,6,4294967295,1000:2000"));
	apply();
	ck_assert_int_eq(place_of(2).state, PLACE_GONE);
	ck_assert_int_eq(place_of(4).state, PLACE_GONE);
	ck_assert_int_eq(place_of(5).state, PLACE_PRESENT);
	ck_assert_int_eq(place_of(UINT32_MAX).state, PLACE_GONE);
	ck_assert_int_eq(place_of(2).since_unix, DAY1 + 2 * DAY);
	ck_assert_int_eq(place_of(5).since_unix, DAY1 + DAY);
	/* Told again: since when stays. Seen again: present. */
	add(gone("2:3"));
	add(placed(3, 1, "\\Seen"));
	apply();
	ck_assert_int_eq(place_of(2).since_unix, DAY1 + 2 * DAY);
	ck_assert_int_eq(place_of(3).state, PLACE_PRESENT);
	ck_assert_int_eq(place_of(3).since_unix, DAY1 + 3 * DAY);
	OK(catalog_known_places(j.catalog, inbox(), 7, note_uid, known, err));
	ck_assert_str_eq(known, "1 2 3 4 5 6 7 8 9 4294967295 ");
	OK(catalog_present_places(j.catalog, inbox(), 7, note_uid, present, err));
	ck_assert_str_eq(present, "1 3 5 7 8 9 ");
	add(at(EVENT_RETIRED, 0));
	apply();
	ck_assert_int_eq(place_of(1).state, PLACE_RETIRED);
	ck_assert_int_eq(place_of(2).state, PLACE_GONE); /* it was gone before */
	present[0] = known[0] = '\0';
	OK(catalog_present_places(j.catalog, inbox(), 7, note_uid, present, err));
	OK(catalog_known_places(j.catalog, inbox(), 7, note_uid, known, err));
	ck_assert_str_eq(present, "");
	ck_assert_str_eq(known, "2 4 6 4294967295 ");
	add(placed(1, 1, "")); /* the server came back to its old numbers */
	apply();
	ck_assert_int_eq(place_of(1).state, PLACE_PRESENT);
	end();
}
END_TEST

START_TEST(a_place_that_another_message_takes)
{
	int64_t last;

	begin();
	add(mail(1));
	add(mail(2));
	add(placed(5, 1, "\\Seen"));
	add(placed(5, 2, ""));
	apply();
	ck_assert_int_eq(place_of(5).message_n, 2);
	ck_assert_int_eq(place_of(5).number, 1);
	ck_assert_uint_eq(place_of(5).flags.n, 0);
	OK(catalog_last_place(j.catalog, &last, err));
	ck_assert_int_eq(last, 1);
	end();
}
END_TEST

START_TEST(places_of_a_message)
{
	struct event event;
	struct catalog_place place;
	char text[100] = "";

	begin();
	add(mail(1));
	add(placed(4, 1, ""));
	add(placed(3, 1, ""));
	event = placed(2, 1, "");
	event.folder = BYTES("Archive");
	add(event);
	add(gone("4"));
	apply();
	OK(catalog_places_of(j.catalog, 1, note_uid, text, err));
	ck_assert_str_eq(text, "3 2 4 "); /* present ones first */
	ck_assert_int_eq(catalog_place(j.catalog, 3, &place, NULL), 1);
	ck_assert_uint_eq(place.uid, 2);
	ck_assert_int_eq(catalog_place(j.catalog, 4, &place, NULL), 0);
	end();
}
END_TEST

/* ---- folders ---- */

static int note_folder(void *arg, const struct catalog_folder *folder, struct err *err)
{
	(void)err;
	snprintf(strchr(arg, '\0'), 60, "%.*s:%.*s%s ", (int)folder->account.n, folder->account.p,
	    (int)folder->shown.n, folder->shown.p, folder->is_gone ? "-" : "");
	return 0;
}

START_TEST(folders)
{
	struct event event = {.kind = EVENT_FOLDER,
	    .account = BYTES("work"),
	    .folder = BYTES("a.&AOk-"),
	    .shown = BYTES("a/\xc3\xa9"),
	    .delimiter = BYTES("."),
	    .attributes = BYTES("\\Sent"),
	    .state = BYTES("seen")};
	struct catalog_folder folder;
	char text[200] = "";

	begin();
	add(event);
	apply();
	ck_assert_int_eq(
	    catalog_folder(j.catalog, BYTES("work"), BYTES("a.&AOk-"), &folder, NULL), 1);
	ck_assert(bytes_is(folder.account, "work") && bytes_is(folder.name, "a.&AOk-") &&
	    bytes_is(folder.shown, "a/\xc3\xa9") && bytes_is(folder.attributes, "\\Sent"));
	ck_assert_int_eq(folder.delimiter, '.');
	ck_assert(!folder.is_gone);
	ck_assert_uint_eq(folder.uidvalidity, 0);
	event.state = BYTES("gone");
	event.delimiter = BYTES("");
	add(event);
	event.folder = event.shown = BYTES("b\xff"); /* bytes, not text */
	event.state = BYTES("seen");
	add(event);
	event.account = BYTES("home");
	event.folder = event.shown = BYTES("z");
	add(event);
	apply();
	ck_assert_int_eq(catalog_folder_number(j.catalog, 1, &folder, NULL), 1);
	ck_assert(folder.is_gone);
	ck_assert_int_eq(folder.delimiter, 0);
	ck_assert_int_eq(catalog_folder_number(j.catalog, 4, &folder, NULL), 0);
	ck_assert_int_eq(
	    catalog_folder(j.catalog, BYTES("work"), BYTES("b\xff"), &folder, NULL), 1);
	ck_assert_int_eq(
	    catalog_folder(j.catalog, BYTES("home"), BYTES("b\xff"), &folder, NULL), 0);
	ck_assert_int_eq(catalog_folder(j.catalog, BYTES("work"), BYTES("B"), &folder, NULL), 0);
	OK(catalog_each_folder(j.catalog, NULL, note_folder, text, err));
	ck_assert_str_eq(text, "home:z work:a/\xc3\xa9- work:b\xff ");
	text[0] = '\0';
	OK(catalog_each_folder(j.catalog, "home", note_folder, text, err));
	ck_assert_str_eq(text, "home:z ");
	OK(catalog_each_folder(j.catalog, "none", note_folder, text, err));
	ck_assert_str_eq(text, "home:z ");
	end();
}
END_TEST

/* Names longer than what is remembered of the last event. */
START_TEST(folders_with_very_long_names)
{
	char *name = mem_zero(1, 100001);
	struct event event = placed(1, 1, "");

	begin();
	memset(name, 'x', 100000);
	add(mail(1));
	event.folder = (struct bytes){name, 100000};
	add(event);
	event.folder = BYTES("");
	add(event);
	event.account = event.folder = (struct bytes){name, 100000};
	add(event);
	event.account = event.folder = BYTES("");
	add(event);
	apply();
	ck_assert_int_eq(ask("SELECT count(*) FROM folder"), 4);
	ck_assert_int_eq(ask("SELECT count(*) FROM place"), 4);
	end();
	free(name);
}
END_TEST

START_TEST(cursor_and_audit)
{
	struct event cursor = at(EVENT_CURSOR, 0), audit = at(EVENT_AUDIT, 0);
	struct catalog_folder folder;
	struct catalog_audit said;

	begin();
	cursor.uidnext = 4294967296;
	cursor.modseq = INT64_MAX;
	cursor.messages = 11;
	add(cursor);
	apply();
	ck_assert_int_eq(catalog_folder_number(j.catalog, inbox(), &folder, NULL), 1);
	ck_assert_uint_eq(folder.uidvalidity, 7);
	ck_assert_uint_eq(folder.uidnext, 4294967296);
	ck_assert_uint_eq(folder.modseq, INT64_MAX);
	ck_assert_uint_eq(folder.messages, 11);
	ck_assert_int_eq(folder.listed_unix, DAY1 + DAY);
	ck_assert_int_eq(catalog_audit(j.catalog, inbox(), &said, NULL), 0);
	audit.messages = 10;
	audit.archived = 7;
	audit.exceptions = 2;
	audit.missing = 1;
	add(audit);
	audit.missing = 3;
	add(audit);
	cursor.modseq = 0;
	cursor.uidvalidity = 8;
	add(cursor);
	apply();
	ck_assert_int_eq(catalog_audit(j.catalog, inbox(), &said, NULL), 1);
	ck_assert_int_eq(said.time_unix, DAY1 + 2 * DAY);
	ck_assert(said.uidvalidity == 7 && said.server == 10 && said.archived == 7 &&
	    said.exceptions == 2 && said.missing == 3);
	ck_assert_int_eq(catalog_folder_number(j.catalog, inbox(), &folder, NULL), 1);
	ck_assert_uint_eq(folder.uidvalidity, 8);
	ck_assert_uint_eq(folder.modseq, 0);
	end();
}
END_TEST

static int note_skipped(
    void *arg, uint32_t uid, struct bytes reason, int64_t since_unix, struct err *err)
{
	(void)err;
	snprintf(strchr(arg, '\0'), 60, "%u=%.*s@%d ", uid, (int)reason.n, reason.p,
	    (int)((since_unix - DAY1) / DAY));
	return 0;
}

START_TEST(skipped)
{
	struct event event = at(EVENT_SKIPPED, 5);
	char text[200] = "";

	begin();
	event.reason = BYTES("one");
	add(event);
	event.uid = 4;
	add(event);
	event.uid = 6;
	add(event);
	event.uid = 7;
	add(event);
	add(mail(1));
	apply();
	event.uid = 5;
	event.reason = BYTES("two"); /* since when stays */
	add(event);
	event.uid = 4;
	event.reason = BYTES("");
	add(event);
	add(placed(6, 1, "")); /* it could be had after all */
	apply();
	OK(catalog_skipped(j.catalog, inbox(), 7, note_skipped, text, err));
	ck_assert_str_eq(text, "5=two@1 7=one@1 ");
	add(at(EVENT_RETIRED, 0));
	apply();
	text[0] = '\0';
	OK(catalog_skipped(j.catalog, inbox(), 7, note_skipped, text, err));
	ck_assert_str_eq(text, "");
	end();
}
END_TEST

SUITE(placed_flags_and_first_date, gone_retired_and_back, a_place_that_another_message_takes,
    places_of_a_message, folders, folders_with_very_long_names, cursor_and_audit, skipped)
