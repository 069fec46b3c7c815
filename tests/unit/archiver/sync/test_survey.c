/* archiver/sync/sync_survey.c: many folders are listed together, and only what such a listing
 * proves is settled by it. */
#include "archiver/sync/sync.h"

#define FAKE_OPENS
#include "tests/unit/archive.h"
#include "tests/unit/fake_endpoint.h"

#define DATE   1500000000
#define LOOKED "open, list, survey, examine INBOX, scan, examine Other, scan"

static struct archive a;
static struct fake fake;
static struct fake_folder *inbox, *other;
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

/* Two folders of a server without mod-sequences, archived. */
static void begin(void)
{
	archive_begin(&a);
	fake_begin(&fake);
	fake.can_survey = true;
	inbox = fake_folder(&fake, "INBOX");
	other = fake_folder(&fake, "Other");
	inbox->has_status = other->has_status = true;
	for (uint32_t uid = 1; uid <= 3; uid++) {
		letter(inbox, uid);
		letter(other, uid);
	}
	OK(take_sync(err));
}

static void done(void)
{
	fake_end(&fake);
	archive_end(&a);
}

static int list_place(void *arg, const struct catalog_place *place, struct err *err)
{
	(void)err;
	buf_format(arg, "%u%s%.*s ", place->uid, place->state == PLACE_PRESENT ? "" : " gone",
	    (int)place->flags.n, place->flags.n ? place->flags.p : "");
	return 0;
}

static void check_places(const char *folder, const char *expected)
{
	struct catalog_folder found;
	struct buf text;

	buf_init(&text, 1 << 16);
	ck_assert_int_eq(catalog_folder(vault_catalog(a.vault), BYTES(ARCHIVE_ACCOUNT),
			     bytes_of(folder), &found, NULL),
	    1);
	OK(catalog_known_places(vault_catalog(a.vault), found.number, 1, list_place, &text, err));
	ck_assert_str_eq(buf_string(&text), expected);
	buf_release(&text);
}

START_TEST(flags_of_all_folders)
{
	begin();
	check_log(LOOKED);
	ck_assert_uint_eq(report.flags_changed, 0);
	fake_set_flags(fake_find(inbox, 2), "\\Flagged");
	fake_set_flags(fake_find(other, 3), "");
	check_log(LOOKED);
	ck_assert_uint_eq(report.flags_changed, 2);
	ck_assert_uint_eq(report.folders, 2);
	check_places("INBOX", "1\\Seen 2\\Flagged 3\\Seen ");
	check_places("Other", "1\\Seen 2\\Seen 3 ");
	check_log(LOOKED);
	ck_assert_uint_eq(report.flags_changed, 0);
	done();
}
END_TEST

/* STATUS tells that, or nothing can be told by a listing alone. */
START_TEST(what_is_not_looked_at)
{
	begin();
	letter(inbox, 4);
	check_log("open, list, examine INBOX, scan, fetch 4, examine Other, scan");
	fake_remove(inbox, 4);
	check_log("open, list, examine INBOX, scan, examine Other, scan");
	inbox->has_status = false;
	check_log("open, list, examine INBOX, scan, examine Other, scan");
	inbox->has_status = true;
	inbox->state.uidvalidity++;
	check_log("open, list, examine INBOX, scan, fetch 1:3, examine Other, scan");
	inbox->state.modseq = other->state.modseq = 7;
	check_log(LOOKED);
	inbox->state.modseq = 8; /* it counts, so that it can be asked */
	check_log("open, list, examine INBOX, scan");
	done();
}
END_TEST

/* What a survey finds beside flags and deletions is found again, one folder after the other. */
START_TEST(what_is_found_is_left)
{
	struct fake_message *message;

	begin();
	/* Another message under a known number. */
	fake_remove(inbox, 3);
	message = letter(inbox, 3);
	message->date_unix++;
	fake_set_flags(fake_find(other, 1), "\\Flagged");
	check_log(LOOKED ", examine INBOX, scan, identify 3, fetch 3");
	ck_assert_uint_eq(report.flags_changed, 1);
	check_places("Other", "1\\Flagged 2\\Seen 3\\Seen ");
	/* A new one in place of another, although STATUS says that nothing came. */
	fake_remove(inbox, 2);
	fake_remove(inbox, 3);
	letter(inbox, 3)->date_unix = DATE + 4;
	fake_message(inbox, 5, "Message-ID: <five@example.org>\r\n\r\n5\r\n", "", DATE);
	inbox->state.uidnext = 4;
	check_log(LOOKED ", examine INBOX, scan, fetch 5");
	check_places("INBOX", "1\\Seen 2 gone\\Seen 3\\Seen 5 ");
	done();
}
END_TEST

START_TEST(a_short_listing_settles_nothing)
{
	begin();
	fake_find(inbox, 2)->is_unlisted = true;
	check_log(LOOKED ", examine INBOX, scan");
	ck_assert_uint_eq(report.listings_incomplete, 1);
	check_places("INBOX", "1\\Seen 2\\Seen 3\\Seen ");
	done();
}
END_TEST

START_TEST(a_folder_that_cannot_be_opened)
{
	begin();
	fake_fail(&fake, "select", 1, ERR_SERVER);
	check_log("open, list, survey, examine INBOX, examine Other, scan, examine INBOX, scan");
	done();
}
END_TEST

START_TEST(a_connection_that_is_lost)
{
	begin();
	fake_set_flags(fake_find(inbox, 2), "\\Flagged");
	fake_fail(&fake, "scan", 2, ERR_NETWORK);
	check_log(LOOKED ", open, examine Other, scan");
	ck_assert_uint_eq(report.flags_changed, 1);
	done();
}
END_TEST

/* One that is back is no matter of a survey. */
START_TEST(one_that_is_back)
{
	begin();
	fake_remove(inbox, 3);
	inbox->state.uidnext = 4;
	OK(take_sync(err));
	letter(inbox, 3);
	fake_remove(inbox, 2);
	check_log(LOOKED ", examine INBOX, scan, identify 3");
	check_places("INBOX", "1\\Seen 2 gone\\Seen 3\\Seen ");
	done();
}
END_TEST

SUITE(flags_of_all_folders, what_is_not_looked_at, what_is_found_is_left,
    a_short_listing_settles_nothing, a_folder_that_cannot_be_opened, a_connection_that_is_lost,
    one_that_is_back)
