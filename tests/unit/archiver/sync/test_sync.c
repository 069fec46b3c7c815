/* archiver/sync/: an account against a server in memory that behaves in every way there is. The
 * server is only read, what came is in the archive once, and nothing is called gone that was not
 * seen to be. */
#include "archiver/sync/sync.h"

#define FAKE_OPENS
#include "tests/unit/archive.h"
#include "tests/unit/fake_endpoint.h"

#define DATE 1500000000

static struct archive a;
static struct fake fake;
static struct fake_folder *inbox;
static struct sync_report report;
static struct err why;
static struct buf problems;
static volatile sig_atomic_t stop;
static const char *unwanted;

/* ---- one sync ---- */

static bool wants(void *arg, struct bytes shown)
{
	(void)arg;
	return !unwanted || !bytes_is(shown, unwanted);
}

static void take_problem(void *arg, struct bytes folder, const char *text)
{
	(void)arg;
	buf_bytes(&problems, folder);
	buf_format(&problems, ": %s\n", text);
}

static int try_sync(void)
{
	struct sync_options options = {.vault = a.vault,
	    .account = ARCHIVE_ACCOUNT,
	    .wants = wants,
	    .problem = take_problem,
	    .stop = &stop};

	free(fake_log(&fake));
	buf_clear(&problems);
	memset(&why, 0, sizeof why);
	memset(&report, 0xff, sizeof report);
	return sync_account(&options, &report, &why);
}

/* A whole one, which read only. */
static void sync_now(void)
{
	char *log;

	ck_assert_msg(try_sync() == 0, "%s", why.text);
	log = fake_log(&fake);
	ck_assert_ptr_null(strstr(log, "select"));
	ck_assert_ptr_null(strstr(log, "append"));
	ck_assert_ptr_null(strstr(log, "create"));
	ck_assert_ptr_null(strstr(log, "expunge"));
	ck_assert_ptr_null(strstr(log, "unmark"));
	buf_text(&fake.log, log); /* for fake_logged */
	free(log);
}

static void begin(void)
{
	archive_begin(&a);
	fake_begin(&fake);
	buf_init(&problems, 1 << 20);
	inbox = fake_folder(&fake, "INBOX");
}

static void done(void)
{
	buf_release(&problems);
	fake_end(&fake);
	archive_end(&a);
}

static struct fake_message *letter(struct fake_folder *folder, uint32_t uid)
{
	char *text =
	    mem_format("From: Anna <anna@example.org>\r\nMessage-ID: <%u.%s@example.org>\r\n"
		       "Subject: %u\r\n\r\nHello\r\n",
		uid, folder->name, uid);
	struct fake_message *message = fake_message(folder, uid, text, "\\Seen", DATE + uid);

	free(text);
	return message;
}

static void letters(struct fake_folder *folder, uint32_t first, uint32_t last)
{
	for (uint32_t uid = first; uid <= last; uid++)
		letter(folder, uid);
}

/* ---- what the archive knows then ---- */

static int list_place(void *arg, const struct catalog_place *place, struct err *err)
{
	(void)err;
	buf_format(arg, "%u%s%.*s\n", place->uid,
	    place->state == PLACE_PRESENT    ? ""
		: place->state == PLACE_GONE ? " gone"
					     : " purged",
	    (int)place->flags.n, place->flags.n ? place->flags.p : "");
	return 0;
}

static void check_places(const char *folder, uint32_t uidvalidity, const char *expected)
{
	struct catalog_folder found;
	struct buf text;

	buf_init(&text, 1 << 16);
	ck_assert_int_eq(catalog_folder(vault_catalog(a.vault), BYTES(ARCHIVE_ACCOUNT),
			     bytes_of(folder), &found, NULL),
	    1);
	OK(catalog_known_places(
	    vault_catalog(a.vault), found.number, uidvalidity, list_place, &text, err));
	ck_assert_str_eq(buf_string(&text), expected);
	buf_release(&text);
}

static uint64_t messages(void)
{
	struct catalog_totals totals;

	OK(catalog_totals(vault_catalog(a.vault), &totals, err));
	return totals.messages;
}

static int compare_bytes(void *arg, const void *data, size_t bytes, struct err *err)
{
	struct bytes *rest = arg;

	(void)err;
	ck_assert_uint_le(bytes, rest->n);
	ck_assert_mem_eq(data, rest->p, bytes);
	*rest = bytes_from(*rest, bytes);
	return 0;
}

/* Every message of the server stands in the archive, to the byte. */
static void check_exact(const struct fake_folder *folder)
{
	for (size_t i = 0; i < folder->count; i++) {
		struct bytes rest = bytes_of(folder->message[i].text);
		struct msg_id id;

		sha256_of(rest, &id.sum);
		OK(vault_get(a.vault, &id, compare_bytes, &rest, err));
		ck_assert_uint_eq(rest.n, 0);
	}
}

static int list_skipped(
    void *arg, uint32_t uid, struct bytes reason, int64_t since, struct err *err)
{
	(void)since, (void)err;
	buf_format(arg, "%u %.*s\n", uid, (int)reason.n, reason.p);
	return 0;
}

static void check_skipped(const char *expected)
{
	struct catalog_folder found;
	struct buf text;

	buf_init(&text, 10000);
	ck_assert_int_eq(catalog_folder(vault_catalog(a.vault), BYTES(ARCHIVE_ACCOUNT),
			     BYTES("INBOX"), &found, NULL),
	    1);
	OK(catalog_skipped(
	    vault_catalog(a.vault), found.number, found.uidvalidity, list_skipped, &text, err));
	ck_assert_str_eq(buf_string(&text), expected);
	buf_release(&text);
}

static void told(const char *expected)
{
	ck_assert_str_eq(buf_string(&problems), expected);
}

/* ---- the usual ---- */

START_TEST(everything_comes)
{
	begin();
	letters(inbox, 1, 3);
	letters(fake_folder(&fake, "Other"), 7, 8);
	sync_now();
	fake_logged(
	    &fake, "open, list, examine INBOX, scan, fetch 1:3, examine Other, scan, fetch 7:8");
	told("");
	ck_assert_uint_eq(report.folders, 2);
	ck_assert_uint_eq(report.folders_changed, 2);
	ck_assert_uint_eq(report.messages_placed, 5);
	ck_assert_uint_eq(report.messages_stored, 5);
	ck_assert_uint_eq(report.folders_failed + report.folders_gone + report.messages_gone +
		report.messages_skipped + report.flags_changed + report.listings_incomplete,
	    0);
	check_places("INBOX", 1, "1\\Seen\n2\\Seen\n3\\Seen\n");
	check_places("Other", 1, "7\\Seen\n8\\Seen\n");
	check_exact(inbox);
	check_exact(&fake.folder[1]);
	done();
}
END_TEST

START_TEST(a_second_sync_fetches_nothing)
{
	uint64_t batch;

	begin();
	letters(inbox, 1, 3);
	sync_now();
	batch = vault_next_batch(a.vault);
	sync_now();
	fake_logged(&fake, "open, list, examine INBOX, scan");
	ck_assert_uint_eq(report.messages_placed, 0);
	ck_assert_uint_eq(vault_next_batch(a.vault), batch); /* and writes nothing */
	done();
}
END_TEST

START_TEST(status_alone_says_that_nothing_is_new)
{
	begin();
	letters(inbox, 1, 3);
	inbox->has_status = true;
	inbox->state.modseq = 5;
	sync_now();
	sync_now();
	fake_logged(&fake, "open, list");
	ck_assert_uint_eq(report.folders_changed, 0);
	/* Each fact alone makes us look. */
	inbox->state.modseq = 6;
	sync_now();
	fake_logged(&fake, "open, list, examine INBOX, scan");
	inbox->state.uidnext = 5;
	sync_now();
	fake_logged(&fake, "open, list, examine INBOX, scan");
	inbox->state.modseq = 0;
	sync_now();
	fake_logged(&fake, "open, list, examine INBOX, scan");
	sync_now(); /* not told at all: never enough */
	fake_logged(&fake, "open, list, examine INBOX, scan");
	done();
}
END_TEST

/* Full looks in the week that begins then, when a sync is made every hour. */
static unsigned looks_within(int64_t begin_unix)
{
	unsigned looks = 0;

	for (int64_t s = 3600; s <= SYNC_FULL_LIST_S; s += 3600) {
		char *log;

		archive_time = begin_unix + s;
		sync_now();
		log = fake_log(&fake);
		looks += strstr(log, "scan") != NULL;
		free(log);
	}
	return looks;
}

START_TEST(a_full_look_at_least_weekly)
{
	begin();
	letters(inbox, 1, 1);
	inbox->has_status = true;
	inbox->state.modseq = 5;
	sync_now();
	sync_now();
	fake_logged(&fake, "open, list");
	/* Once in each week, at a moment of its own. */
	for (int week = 0; week < 3; week++)
		ck_assert_uint_eq(looks_within(ARCHIVE_TIME + week * SYNC_FULL_LIST_S), 1);
	archive_time = ARCHIVE_TIME + 5 * SYNC_FULL_LIST_S;
	sync_now();
	fake_logged(&fake, "open, list, examine INBOX, scan");
	archive_time -= 1; /* a clock that was set back */
	sync_now();
	fake_logged(&fake, "open, list, examine INBOX, scan");
	done();
}
END_TEST

START_TEST(new_changed_and_gone)
{
	begin();
	letters(inbox, 1, 4);
	sync_now();
	fake_remove(inbox, 2);
	fake_set_flags(fake_find(inbox, 3), "\\Flagged");
	letter(inbox, 5);
	sync_now();
	fake_logged(&fake, "open, list, examine INBOX, scan, fetch 5");
	check_places("INBOX", 1, "1\\Seen\n2 gone\\Seen\n3\\Flagged\n4\\Seen\n5\\Seen\n");
	ck_assert_uint_eq(report.messages_placed, 1);
	ck_assert_uint_eq(report.messages_gone, 1);
	ck_assert_uint_eq(report.flags_changed, 1);
	ck_assert_uint_eq(messages(), 5); /* the archive forgets nothing */
	done();
}
END_TEST

START_TEST(the_same_in_two_folders_is_stored_once)
{
	struct fake_folder *other;

	begin();
	other = fake_folder(&fake, "Other");
	letter(inbox, 1);
	fake_message(other, 9, fake_find(inbox, 1)->text, "", DATE);
	sync_now();
	ck_assert_uint_eq(report.messages_placed, 2);
	ck_assert_uint_eq(report.messages_stored, 1);
	ck_assert_uint_eq(messages(), 1);
	done();
}
END_TEST

START_TEST(only_wanted_folders)
{
	begin();
	letter(inbox, 1);
	letter(fake_folder(&fake, "Spam"), 1);
	unwanted = "Spam";
	sync_now();
	fake_logged(&fake, "open, list, examine INBOX, scan, fetch 1");
	ck_assert_uint_eq(report.folders, 1);
	done();
}
END_TEST

/* ---- half answers ---- */

START_TEST(a_short_listing_makes_nothing_gone)
{
	begin();
	letters(inbox, 1, 3);
	sync_now();
	fake_find(inbox, 2)->is_unlisted = true;
	letter(inbox, 4);
	sync_now();
	check_places("INBOX", 1, "1\\Seen\n2\\Seen\n3\\Seen\n4\\Seen\n");
	ck_assert_uint_eq(report.listings_incomplete, 1);
	ck_assert_uint_eq(report.messages_gone, 0);
	told("INBOX: the server has 4 messages but lists only 3: deletions are not judged\n");
	done();
}
END_TEST

START_TEST(a_short_listing_is_looked_at_again)
{
	begin();
	letters(inbox, 1, 2);
	inbox->has_status = true;
	inbox->state.modseq = 5;
	fake_find(inbox, 2)->is_unlisted = true;
	sync_now();
	fake_find(inbox, 2)->is_unlisted = false;
	sync_now();
	fake_logged(&fake, "open, list, examine INBOX, scan, fetch 2");
	check_places("INBOX", 1, "1\\Seen\n2\\Seen\n");
	done();
}
END_TEST

START_TEST(an_emptied_folder_keeps_its_copies)
{
	begin();
	letters(inbox, 1, 2);
	sync_now();
	fake_remove(inbox, 1);
	fake_remove(inbox, 2);
	sync_now();
	check_places("INBOX", 1, "1 gone\\Seen\n2 gone\\Seen\n");
	ck_assert_uint_eq(messages(), 2);
	done();
}
END_TEST

START_TEST(a_folder_that_is_no_longer_listed)
{
	struct fake_folder *other;

	begin();
	other = fake_folder(&fake, "Other");
	letter(inbox, 1);
	letter(other, 1);
	sync_now();
	unwanted = "Other";
	other->is_hidden = true;
	sync_now(); /* not wanted: left as it is */
	check_places("Other", 1, "1\\Seen\n");
	unwanted = NULL;
	sync_now();
	ck_assert_uint_eq(report.folders_gone, 1);
	check_places("Other", 1, "1 gone\\Seen\n");
	check_places("INBOX", 1, "1\\Seen\n");
	sync_now();
	ck_assert_uint_eq(report.folders_gone, 0); /* once */
	other->is_hidden = false;
	sync_now(); /* it is back, and so is its message, without being fetched */
	check_places("Other", 1, "1\\Seen\n");
	ck_assert_uint_eq(messages(), 2);
	done();
}
END_TEST

START_TEST(no_folders_at_all_is_a_fault)
{
	begin();
	letter(inbox, 1);
	sync_now();
	inbox->is_hidden = true;
	ck_assert_int_eq(try_sync(), -1);
	ck_assert_int_eq(why.code, ERR_SERVER);
	check_places("INBOX", 1, "1\\Seen\n");
	done();
}
END_TEST

START_TEST(a_list_that_fails_is_no_deletion)
{
	begin();
	letter(inbox, 1);
	sync_now();
	fake_fail(&fake, "list", 1, ERR_SERVER);
	ck_assert_int_eq(try_sync(), -1);
	check_places("INBOX", 1, "1\\Seen\n");
	done();
}
END_TEST

START_TEST(a_folder_that_cannot_be_opened)
{
	begin();
	letter(inbox, 1);
	letter(fake_folder(&fake, "Other"), 1);
	fake_fail(&fake, "select", 1, ERR_SERVER);
	sync_now();
	ck_assert_uint_eq(report.folders_failed, 1);
	told("INBOX: select failed\n");
	check_places("Other", 1, "1\\Seen\n");
	done();
}
END_TEST

/* ---- numbered anew ---- */

START_TEST(another_uidvalidity_retires_the_old_places)
{
	begin();
	letters(inbox, 1, 2);
	sync_now();
	inbox->state.uidvalidity = 2;
	sync_now();
	check_places("INBOX", 1, ""); /* retired ones are not compared with any more */
	check_places("INBOX", 2, "1\\Seen\n2\\Seen\n");
	ck_assert_uint_eq(report.messages_stored, 0);
	ck_assert_uint_eq(messages(), 2);
	ck_assert_uint_eq(report.messages_gone, 0);
	told("INBOX: the server has numbered this folder anew (UIDVALIDITY 1); its messages are "
	     "fetched again and stored once\n");
	done();
}
END_TEST

START_TEST(uids_that_do_not_last)
{
	begin();
	letters(inbox, 1, 2);
	inbox->state.uids_are_sticky = false;
	sync_now();
	ck_assert_uint_eq(messages(), 2);
	check_exact(inbox);
	sync_now();
	ck_assert_uint_eq(messages(), 2);
	ck_assert_uint_eq(report.messages_stored, 0);
	ck_assert_uint_eq(report.messages_gone, 0);
	done();
}
END_TEST

/* UIDNEXT went down: the folder was made anew under its old UIDVALIDITY. */
START_TEST(a_folder_made_anew_under_its_old_number)
{
	begin();
	letters(inbox, 1, 3);
	sync_now();
	for (uint32_t uid = 1; uid <= 3; uid++)
		fake_remove(inbox, uid);
	inbox->state.uidnext = 1;
	letter(inbox, 1); /* the same as before */
	fake_message(inbox, 2, "Message-ID: <new@example.org>\r\n\r\nnew\r\n", "\\Seen", DATE + 2);
	sync_now();
	fake_logged(&fake, "open, list, examine INBOX, scan, identify 1:2, fetch 2");
	told("INBOX: 1 messages stand under numbers (UIDs) that meant others before, which must "
	     "not be: they are fetched anew\n");
	check_exact(inbox);
	ck_assert_uint_eq(messages(), 4);
	done();
}
END_TEST

/* As a server does that came back from a backup, and went on. */
START_TEST(a_number_that_means_another_message)
{
	begin();
	letters(inbox, 1, 3);
	sync_now();
	fake_remove(inbox, 2);
	fake_message(inbox, 2, "Message-ID: <new@example.org>\r\n\r\nnew\r\n", "\\Seen", DATE + 99);
	letter(inbox, 4);
	sync_now();
	fake_logged(&fake, "open, list, examine INBOX, scan, identify 2, fetch 2,4");
	told("INBOX: 1 messages stand under numbers (UIDs) that meant others before, which must "
	     "not be: they are fetched anew\n");
	check_exact(inbox);
	ck_assert_uint_eq(messages(), 5);
	done();
}
END_TEST

/* ---- texts that are not as long as told ---- */

START_TEST(a_text_that_was_cut_short_comes_again)
{
	begin();
	letters(inbox, 1, 3);
	fake_find(inbox, 2)->cuts = 1;
	sync_now();
	fake_logged(&fake, "open, list, examine INBOX, scan, fetch 1:3, fetch 2");
	told("");
	check_exact(inbox);
	done();
}
END_TEST

START_TEST(sizes_may_be_estimates)
{
	begin();
	letters(inbox, 1, 3);
	fake_find(inbox, 1)->told_size = 7;
	fake_find(inbox, 3)->told_size = 7000;
	sync_now();
	fake_logged(&fake, "open, list, examine INBOX, scan, fetch 1:3, fetch 1,3");
	told("");
	check_exact(inbox);
	done();
}
END_TEST

/* Once it is known that sizes are estimates, nothing is fetched twice any more. */
START_TEST(a_server_that_estimates_all_sizes)
{
	struct fake_folder *other;

	begin();
	other = fake_folder(&fake, "Other");
	letters(inbox, 1, SYNC_ODD_SIZES);
	letters(other, 1, 5);
	for (uint32_t uid = 1; uid <= SYNC_ODD_SIZES; uid++)
		fake_find(inbox, uid)->told_size = 7;
	for (uint32_t uid = 1; uid <= 5; uid++)
		fake_find(other, uid)->told_size = 7;
	sync_now();
	fake_logged(&fake,
	    "open, list, examine INBOX, scan, fetch 1:20, fetch 1:20, "
	    "examine Other, scan, fetch 1:5");
	check_exact(inbox);
	check_exact(other);
	done();
}
END_TEST

START_TEST(a_text_that_is_cut_in_other_ways_each_time)
{
	begin();
	letters(inbox, 1, 2);
	fake_find(inbox, 2)->told_size = 7000;
	fake_find(inbox, 2)->cuts = 1;
	ck_assert_int_eq(try_sync(), 0);
	told("INBOX: message with UID 2 cannot be archived: the server sends other texts for it "
	     "each time\n");
	check_places("INBOX", 1, "1\\Seen\n");
	done();
}
END_TEST

/* ---- back again ---- */

static void begin_with_one_gone(void)
{
	begin();
	letters(inbox, 1, 2);
	sync_now();
	fake_remove(inbox, 2);
	sync_now();
	check_places("INBOX", 1, "1\\Seen\n2 gone\\Seen\n");
}

START_TEST(one_that_is_back_is_known_again)
{
	begin_with_one_gone();
	letter(inbox, 2);
	fake_set_flags(fake_find(inbox, 2), "\\Answered");
	sync_now();
	fake_logged(&fake, "open, list, examine INBOX, scan, identify 2");
	check_places("INBOX", 1, "1\\Seen\n2\\Answered\n");
	done();
}
END_TEST

START_TEST(one_that_is_not_recognised_is_fetched)
{
	for (int i = 0; i < 4; i++) {
		struct fake_message *message;

		begin_with_one_gone();
		message = letter(inbox, 2);
		message->told_size = i == 0 ? 7 : 0;
		message->hides_header = i == 1;
		message->date_unix += i == 2;
		message->told_header = i == 3 ? "Message-ID: <x@y>\r\n" : NULL;
		sync_now();
		fake_logged(&fake,
		    i == 0 ? "open, list, examine INBOX, scan, identify 2, fetch 2, fetch 2"
			   : "open, list, examine INBOX, scan, identify 2, fetch 2");
		check_places("INBOX", 1, "1\\Seen\n2\\Seen\n");
		ck_assert_uint_eq(messages(), 2);
		done();
	}
}
END_TEST

/* ---- stored copies that are damaged ---- */

START_TEST(a_damaged_copy_is_fetched_again)
{
	struct event damaged = {.kind = EVENT_DAMAGED, .reason = BYTES("a bad disk")};
	struct catalog_totals totals;

	begin();
	letters(inbox, 1, 3);
	sync_now();
	sha256_of(bytes_of(fake_find(inbox, 2)->text), &damaged.id);
	OK(vault_log(a.vault, &damaged, err));
	OK(vault_commit(a.vault, err));
	sync_now();
	fake_logged(&fake, "open, list, examine INBOX, scan, fetch 2");
	ck_assert_uint_eq(report.messages_mended, 1);
	check_exact(inbox);
	OK(catalog_totals(vault_catalog(a.vault), &totals, err));
	ck_assert_uint_eq(totals.damaged, 0);
	done();
}
END_TEST

/* ---- messages that cannot be had ---- */

START_TEST(a_refused_message_is_an_exception)
{
	begin();
	letters(inbox, 1, 5);
	fake_find(inbox, 3)->refuses = true;
	sync_now();
	check_places("INBOX", 1, "1\\Seen\n2\\Seen\n4\\Seen\n5\\Seen\n");
	check_skipped("3 not that one\n");
	ck_assert_uint_eq(report.messages_skipped, 1);
	told("INBOX: message with UID 3 cannot be archived: not that one\n");
	/* It is tried again, and said again, but not written again. */
	sync_now();
	ck_assert_uint_eq(report.exceptions, 1);
	fake_logged(&fake, "open, list, examine INBOX, scan, identify 3, fetch 3");
	fake_find(inbox, 3)->refuses = false;
	sync_now();
	check_skipped("");
	check_places("INBOX", 1, "1\\Seen\n2\\Seen\n3\\Seen\n4\\Seen\n5\\Seen\n");
	check_exact(inbox);
	done();
}
END_TEST

START_TEST(an_exception_that_is_gone_is_forgotten)
{
	begin();
	letters(inbox, 1, 2);
	fake_find(inbox, 2)->refuses = true;
	sync_now();
	check_skipped("2 not that one\n");
	fake_remove(inbox, 2);
	sync_now();
	check_skipped("");
	done();
}
END_TEST

START_TEST(a_message_that_does_not_come)
{
	begin();
	letters(inbox, 1, 3);
	fake_find(inbox, 2)->sends_no_text = true;
	sync_now();
	check_places("INBOX", 1, "1\\Seen\n3\\Seen\n");
	check_skipped("2 the server lists it, but sends no text\n");
	done();
}
END_TEST

START_TEST(two_texts_under_one_uid)
{
	begin();
	letters(inbox, 1, 3);
	fake_find(inbox, 2)->changes_its_text = true;
	sync_now();
	check_places("INBOX", 1, "1\\Seen\n3\\Seen\n");
	check_skipped("2 the server sends two different texts for it\n");
	done();
}
END_TEST

START_TEST(no_internaldate_is_guessed)
{
	struct catalog_place place;

	begin();
	letter(inbox, 1)->hides_date = true;
	fake_message(inbox, 2, "Date: Tue, 01 Jan 2019 00:00:00 +0000\r\n\r\nx\r\n", "", DATE)
	    ->hides_date = true;
	sync_now();
	ck_assert_int_eq(catalog_place(vault_catalog(a.vault), 1, &place, NULL), 1);
	ck_assert_int_eq(place.date_unix, ARCHIVE_TIME);
	ck_assert_int_eq(catalog_place(vault_catalog(a.vault), 2, &place, NULL), 1);
	ck_assert_int_eq(place.date_unix, 1546300800);
	done();
}
END_TEST

/* ---- connections that break ---- */

START_TEST(a_broken_connection_is_made_again)
{
	begin();
	letters(inbox, 1, 3);
	fake_fail(&fake, "fetch", 1, ERR_NETWORK);
	sync_now();
	ck_assert_uint_eq(fake.opens, 2);
	check_places("INBOX", 1, "1\\Seen\n2\\Seen\n3\\Seen\n");
	ck_assert_uint_eq(messages(), 3);
	done();
}
END_TEST

START_TEST(one_message_that_ends_the_connection)
{
	begin();
	letters(inbox, 1, 4);
	fake_find(inbox, 3)->breaks = true;
	sync_now();
	check_places("INBOX", 1, "1\\Seen\n2\\Seen\n4\\Seen\n");
	check_skipped("3 the connection broke\n");
	check_exact(&(struct fake_folder){.message = inbox->message, .count = 2});
	done();
}
END_TEST

START_TEST(a_folder_that_always_breaks_is_given_up)
{
	struct fake_folder *other;

	begin();
	other = fake_folder(&fake, "Other");
	letters(inbox, 1, 8);
	for (uint32_t uid = 1; uid <= 8; uid++)
		fake_find(inbox, uid)->breaks = true;
	letter(other, 1);
	ck_assert_int_eq(try_sync(), 0);
	ck_assert_uint_eq(report.folders_failed, 1);
	check_places("Other", 1, "1\\Seen\n");
	done();
}
END_TEST

START_TEST(no_connection_at_all)
{
	begin();
	letter(inbox, 1);
	fake_fail(&fake, "open", 1, ERR_NETWORK);
	ck_assert_int_eq(try_sync(), -1);
	ck_assert_int_eq(why.code, ERR_NETWORK);
	ck_assert_uint_eq(report.folders, 0);
	done();
}
END_TEST

START_TEST(stopping)
{
	begin();
	letter(inbox, 1);
	stop = 1;
	ck_assert_int_eq(try_sync(), -1);
	ck_assert_int_eq(why.code, ERR_STOPPED);
	fake_logged(&fake, "");
	done();
}
END_TEST

SUITE(everything_comes, a_second_sync_fetches_nothing, status_alone_says_that_nothing_is_new,
    a_full_look_at_least_weekly, new_changed_and_gone, the_same_in_two_folders_is_stored_once,
    only_wanted_folders, a_short_listing_makes_nothing_gone, a_short_listing_is_looked_at_again,
    an_emptied_folder_keeps_its_copies, a_folder_that_is_no_longer_listed,
    no_folders_at_all_is_a_fault, a_list_that_fails_is_no_deletion, a_folder_that_cannot_be_opened,
    another_uidvalidity_retires_the_old_places, uids_that_do_not_last,
    a_folder_made_anew_under_its_old_number, a_number_that_means_another_message,
    a_damaged_copy_is_fetched_again, a_text_that_was_cut_short_comes_again, sizes_may_be_estimates,
    a_server_that_estimates_all_sizes, a_text_that_is_cut_in_other_ways_each_time,
    one_that_is_back_is_known_again, one_that_is_not_recognised_is_fetched,
    a_refused_message_is_an_exception, an_exception_that_is_gone_is_forgotten,
    a_message_that_does_not_come, two_texts_under_one_uid, no_internaldate_is_guessed,
    a_broken_connection_is_made_again, one_message_that_ends_the_connection,
    a_folder_that_always_breaks_is_given_up, no_connection_at_all, stopping)
