/* archiver/sync/sync_news.c: what a server tells of a folder counts only when it is proven, and
 * says the same as a listing would. */
#include "archiver/sync/sync.h"

#define FAKE_OPENS
#include "tests/unit/archive.h"
#include "tests/unit/fake_endpoint.h"

#define DATE    1500000000
#define LISTED  "open, list, examine INBOX, scan"
#define REFUTED "open, list, examine INBOX since 10, examine INBOX, scan"

static struct archive a;
static struct fake fake;
static struct fake_folder *inbox;
static struct sync_report report;

static int take_sync(struct err *err)
{
	struct sync_options options = {.vault = a.vault, .account = ARCHIVE_ACCOUNT};

	free(fake_log(&fake));
	return sync_account(&options, &report, err);
}

static void check_log(const char *expected)
{
	OK(take_sync(err));
	fake_logged(&fake, expected);
}

static struct fake_message *letter(struct fake_folder *folder, uint32_t uid)
{
	char *text =
	    mem_format("Message-ID: <%u.%s@example.org>\r\n\r\nHello\r\n", uid, folder->name);
	struct fake_message *message = fake_message(folder, uid, text, "\\Seen", DATE + uid);

	free(text);
	return message;
}

/* Five messages, archived with the mod-sequence 10; it is 20 now. */
static void begin(void)
{
	archive_begin(&a);
	fake_begin(&fake);
	fake.tells_modseq = true;
	inbox = fake_folder(&fake, "INBOX");
	for (uint32_t uid = 1; uid <= 5; uid++)
		letter(inbox, uid);
	inbox->state.modseq = 10;
	inbox->has_status = true;
	check_log(LISTED ", fetch 1:5");
	inbox->state.modseq = 20;
	inbox->news.telling = ENDPOINT_TELLS_CHANGES;
}

static void done(void)
{
	fake_end(&fake);
	archive_end(&a);
}

static int list_place(void *arg, const struct catalog_place *place, struct err *err)
{
	(void)err;
	buf_format(arg, "%u%s%.*s\n", place->uid, place->state == PLACE_PRESENT ? "" : " gone",
	    (int)place->flags.n, place->flags.n ? place->flags.p : "");
	return 0;
}

static void check_places(const char *expected)
{
	struct catalog_folder found;
	struct buf text;

	buf_init(&text, 1 << 16);
	ck_assert_int_eq(catalog_folder(vault_catalog(a.vault), BYTES(ARCHIVE_ACCOUNT),
			     BYTES("INBOX"), &found, NULL),
	    1);
	OK(catalog_known_places(vault_catalog(a.vault), found.number, 1, list_place, &text, err));
	ck_assert_str_eq(buf_string(&text), expected);
	buf_release(&text);
}

/* 2 is gone, 3 and 4 have other flags, 6 and 9 are new. */
static void change(void)
{
	fake_remove(inbox, 2);
	fake_set_flags(fake_find(inbox, 3), "\\Flagged");
	fake_set_flags(fake_find(inbox, 4), "");
	letter(inbox, 6);
	letter(inbox, 9);
}

#define CHANGED "1\\Seen\n2 gone\\Seen\n3\\Flagged\n4\n5\\Seen\n6\\Seen\n9\\Seen\n"

START_TEST(changes_that_are_proven)
{
	begin();
	change();
	inbox->news.vanished = "2";
	inbox->news.told = "3:4,6:9";
	check_log("open, list, examine INBOX since 10, fetch 6,9");
	check_places(CHANGED);
	ck_assert_uint_eq(report.flags_changed, 2);
	ck_assert_uint_eq(report.messages_gone, 1);
	ck_assert_uint_eq(report.messages_placed, 2);
	/* And the cursor has moved. */
	check_log("open, list");
	inbox->state.modseq = 30;
	inbox->news = (struct fake_news){.telling = ENDPOINT_TELLS_CHANGES, .told = "5"};
	check_log("open, list, examine INBOX since 20");
	done();
}
END_TEST

START_TEST(all_that_is_there)
{
	begin();
	change();
	inbox->news.telling = ENDPOINT_TELLS_ALL;
	inbox->news.there = "1,3:6,9";
	inbox->news.told = "3:4";
	check_log("open, list, examine INBOX since 10, fetch 6,9");
	check_places(CHANGED);
	done();
}
END_TEST

/* Expunged long ago, or never there: no harm. */
START_TEST(vanished_that_was_never_known)
{
	begin();
	change();
	inbox->news.vanished = "2,7:8,100:4294967295";
	inbox->news.told = "3:4,6:9";
	check_log("open, list, examine INBOX since 10, fetch 6,9");
	check_places(CHANGED);
	done();
}
END_TEST

START_TEST(what_happens_while_it_tells)
{
	begin();
	change();
	inbox->claims_more = 1; /* 5 was there when the folder was opened */
	fake_remove(inbox, 5);
	inbox->news.vanished = "2";
	inbox->news.left = "5";
	inbox->news.told = "3:4,6:9";
	check_log("open, list, examine INBOX since 10, fetch 6,9");
	ck_assert_uint_eq(report.messages_gone, 2);
	done();
}
END_TEST

/* Each of these is not true of what change() did. */
START_TEST(what_is_not_proven_is_listed)
{
	static const struct fake_news wrong[] = {
	    {.telling = ENDPOINT_TELLS_ODDLY, .vanished = "2", .told = "3:4,6:9"},
	    {.telling = ENDPOINT_TELLS_CHANGES, .vanished = "1:4294967295", .told = "3:4,6:9"},
	    {.telling = ENDPOINT_TELLS_CHANGES, .vanished = "1:2", .told = "3:4,6:9"},
	    {.telling = ENDPOINT_TELLS_CHANGES, .vanished = "", .told = "3:4,6:9"},
	    {.telling = ENDPOINT_TELLS_CHANGES, .vanished = "2", .told = "3:4,6"},
	    {.telling = ENDPOINT_TELLS_CHANGES, .vanished = "2,4", .told = "3:4,6:9"},
	    {.telling = ENDPOINT_TELLS_CHANGES, .vanished = "2", .told = "3:4", .more = 0},
	    {.telling = ENDPOINT_TELLS_CHANGES,
		.vanished = "2",
		.told = "3:9",
		.hides_flags = true},
	    {.telling = ENDPOINT_TELLS_CHANGES, .vanished = "1", .told = "1,3:4,6:9"},
	    {.telling = ENDPOINT_TELLS_CHANGES, .left = "1:4294967295", .told = "3:4,6:9"},
	    {.telling = ENDPOINT_TELLS_ALL, .told = "3:4"},
	    {.telling = ENDPOINT_TELLS_ALL, .there = "1,3:6", .told = "3:4"},
	    {.telling = ENDPOINT_TELLS_ALL, .there = "1:6,9", .told = "3:4"},
	    {.telling = ENDPOINT_TELLS_ALL, .there = "1,3:6,10", .told = "3:4"},
	    {.telling = ENDPOINT_TELLS_ALL, .there = "1:4294967295", .told = "3:4"},
	    {.telling = ENDPOINT_TELLS_ALL, .there = "1,3:6,9", .hides_flags = true, .told = "3"},
	};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		begin();
		change();
		inbox->news = wrong[i];
		if (inbox->news.vanished && !*inbox->news.vanished)
			inbox->news.vanished = NULL;
		check_log(REFUTED ", fetch 6,9");
		check_places(CHANGED);
		done();
	}
}
END_TEST

START_TEST(one_wrong_answer_is_enough_for_a_run)
{
	struct fake_folder *other;

	begin();
	other = fake_folder(&fake, "Other");
	letter(other, 1);
	other->state.modseq = 10;
	OK(take_sync(err));
	inbox->state.modseq = other->state.modseq = 30;
	inbox->news = (struct fake_news){.telling = ENDPOINT_TELLS_CHANGES, .vanished = "1"};
	other->news = (struct fake_news){.telling = ENDPOINT_TELLS_CHANGES, .told = "1"};
	check_log("open, list, examine INBOX since 20, examine INBOX, scan, examine Other, scan");
	inbox->state.modseq = other->state.modseq = 40;
	inbox->news.vanished = NULL;
	inbox->news.told = "1";
	check_log("open, list, examine INBOX since 30, examine Other since 30");
	done();
}
END_TEST

/* Also when nothing of the answer can be read. */
START_TEST(a_question_that_ends_the_connection)
{
	begin();
	change();
	inbox->news.fails = true;
	check_log("open, list, examine INBOX since 10, open, examine INBOX, scan, fetch 6,9");
	check_places(CHANGED);
	done();
}
END_TEST

/* A mod-sequence that rises for nothing is no lie, and no proof. */
START_TEST(a_change_that_is_not_told)
{
	begin();
	fake_set_flags(fake_find(inbox, 3), "\\Flagged");
	check_log("open, list, examine INBOX since 10, scan");
	check_places("1\\Seen\n2\\Seen\n3\\Flagged\n4\\Seen\n5\\Seen\n");
	inbox->state.modseq = 30;
	inbox->news.told = "3";
	check_log("open, list, examine INBOX since 20");
	done();
}
END_TEST

START_TEST(a_folder_that_tells_nothing)
{
	begin();
	change();
	inbox->news.telling = ENDPOINT_TELLS_NOTHING;
	inbox->news.vanished = "1:9";
	inbox->news.told = "1:9";
	check_log("open, list, examine INBOX since 10, scan, fetch 6,9");
	check_places(CHANGED);
	done();
}
END_TEST

/* A UID that means another message now is told as changed, with another date. */
START_TEST(a_number_that_means_another_message)
{
	begin();
	fake_remove(inbox, 5);
	fake_message(inbox, 5, "Message-ID: <other@example.org>\r\n\r\nOther\r\n", "", DATE + 77);
	inbox->news.told = "5";
	inbox->news.tells_dates = true;
	check_log("open, list, examine INBOX since 10, identify 5, fetch 5");
	done();
}
END_TEST

START_TEST(one_that_is_back)
{
	struct fake_message *message;

	begin();
	message = fake_find(inbox, 5);
	message->is_unlisted = true;
	inbox->news.vanished = "5";
	inbox->state.messages = 4;
	fake_remove(inbox, 5);
	check_log("open, list, examine INBOX since 10");
	check_places("1\\Seen\n2\\Seen\n3\\Seen\n4\\Seen\n5 gone\\Seen\n");
	letter(inbox, 5);
	inbox->state.modseq = 30;
	inbox->news = (struct fake_news){.telling = ENDPOINT_TELLS_CHANGES, .told = "5"};
	check_log("open, list, examine INBOX since 20, identify 5");
	check_places("1\\Seen\n2\\Seen\n3\\Seen\n4\\Seen\n5\\Seen\n");
	done();
}
END_TEST

/* One that could not be had counts as there, is tried again, and is forgotten when it vanished. */
START_TEST(an_exception)
{
	begin();
	letter(inbox, 6)->sends_no_text = true;
	inbox->news.told = "6";
	OK(take_sync(err));
	ck_assert_uint_eq(report.messages_skipped, 1);
	inbox->state.modseq = 30;
	inbox->news.told = "1";
	check_log("open, list, examine INBOX since 20, identify 6, fetch 6");
	fake_find(inbox, 6)->sends_no_text = false;
	inbox->state.modseq = 40;
	check_log("open, list, examine INBOX since 30, identify 6, fetch 6");
	ck_assert_uint_eq(report.messages_placed, 1);
	letter(inbox, 7)->sends_no_text = true;
	inbox->state.modseq = 50;
	inbox->news.told = "7";
	OK(take_sync(err));
	fake_remove(inbox, 7);
	inbox->state.modseq = 60;
	inbox->news = (struct fake_news){.telling = ENDPOINT_TELLS_CHANGES, .vanished = "7"};
	check_log("open, list, examine INBOX since 50");
	check_log("open, list");
	done();
}
END_TEST

/* Whatever it tells of it. */
START_TEST(a_folder_that_is_not_what_it_was)
{
	begin();
	inbox->news.told = "1";
	inbox->state.modseq = 9;
	check_log("open, list, examine INBOX since 10, scan");
	inbox->state.modseq = 30;
	inbox->state.uidnext = 6;
	check_log("open, list, examine INBOX since 9");
	inbox->state.modseq = 40;
	inbox->state.uidnext = 5; /* made anew? each is looked at */
	check_log("open, list, examine INBOX since 30, scan, identify 1:5");
	inbox->state.modseq = 50;
	inbox->state.uids_are_sticky = false;
	check_log("open, list, examine INBOX since 40, scan, fetch 1:5");
	done();
	begin();
	inbox->state.uidvalidity++;
	inbox->news.told = "1";
	check_log("open, list, examine INBOX since 10, scan, fetch 1:5");
	done();
}
END_TEST

START_TEST(where_nothing_is_asked)
{
	begin();
	inbox->news.told = "1";
	fake.tells_modseq = false;
	check_log(LISTED);
	fake.tells_modseq = true;
	inbox->state.modseq = 0;
	check_log("open, list, examine INBOX since 20, scan");
	inbox->state.modseq = 30;
	check_log(LISTED); /* the cursor has none */
	inbox->state.modseq = 40;
	archive_time += SYNC_FULL_LIST_S;
	check_log(LISTED); /* it is time */
	inbox->state.modseq = 50;
	check_log("open, list, examine INBOX since 40");
	done();
}
END_TEST

SUITE(changes_that_are_proven, all_that_is_there, vanished_that_was_never_known,
    what_happens_while_it_tells, what_is_not_proven_is_listed, one_wrong_answer_is_enough_for_a_run,
    a_question_that_ends_the_connection, a_change_that_is_not_told, a_folder_that_tells_nothing,
    a_number_that_means_another_message, one_that_is_back, an_exception,
    a_folder_that_is_not_what_it_was, where_nothing_is_asked)
