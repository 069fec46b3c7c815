/* app/work.c: sync, plan and purge of an account, and what is printed of them. */
#include "app/work.h"

#define FAKE_OPENS
#include "tests/unit/app/capture.h"
#include "tests/unit/archive.h"
#include "tests/unit/fake_endpoint.h"

#define DATE 1500000000
#define SETTINGS                                                                                   \
	"[archive]\npath = /a\n[account work]\nurl = imaps://me@h\npassword-env = PW\n"            \
	"folders = *, !Spam\n[rule old]\nmatch = from:anna\naction = purge\nafter = 0s\n"          \
	"max-share = 50%\n"

static struct archive a;
static struct fake fake;
static struct fake_folder *inbox;
static struct app app;
static struct rules rules;
static struct plan plan;
static struct purge_report report;
static const struct settings_account *account;
static struct capture capture;

static void begin(void)
{
	archive_begin(&a);
	fake_begin(&fake);
	inbox = fake_folder(&fake, "INBOX");
	app = (struct app){.vault = a.vault};
	setenv("PW", "secret", 1);
	OK(settings_parse(&app.settings, BYTES(SETTINGS), "/x/config", err));
	OK(app_account(&app, "work", &account, err));
	OK(rules_make(&rules, app.settings, false, ARCHIVE_TIME, err));
	for (uint32_t uid = 1; uid <= 4; uid++) {
		char *text =
		    mem_format("From: anna\r\nMessage-ID: <%u@x>\r\n\r\n%01000u\r\n", uid, uid);

		fake_message(inbox, uid, text, "", DATE + uid);
		free(text);
	}
	fake_message(fake_folder(&fake, "Spam"), 1, "x\r\n", "", DATE);
}

static void done(void)
{
	plan_release(&plan);
	rules_release(&rules);
	app.vault = NULL; /* the archive closes it */
	app_close(&app);
	fake_end(&fake);
	archive_end(&a);
}

/* The summary of one sync. */
static void check_sync(const char *expected)
{
	capture_begin(&capture, stdout);
	OK(work_sync(&app, account, err));
	capture_is(&capture, expected);
}

START_TEST(a_sync_in_words)
{
	begin();
	check_sync("work: 4 new (4.1 kB) in 1 folder\n");
	check_sync("work: 0 new (0 B) in 1 folder\n");
	fake_remove(inbox, 1);
	fake_set_flags(fake_find(inbox, 2), "\\Seen");
	fake_message(inbox, 9, fake_find(inbox, 3)->text, "", DATE);
	check_sync("work: 1 new (0 B) in 1 folder, 1 of them already stored, flags of 1 changed, "
		   "1 gone from the server\n");
	app.quiet = true;
	check_sync("");
	done();
}
END_TEST

START_TEST(a_sync_as_json)
{
	begin();
	app.json = true;
	check_sync("{\"account\":\"work\",\"folders\":1,\"folders_changed\":1,\"folders_failed\":0,"
		   "\"folders_gone\":0,\"messages_placed\":4,\"messages_stored\":4,"
		   "\"bytes_stored\":4140,\"bytes_fetched\":0,\"flags_changed\":0,"
		   "\"messages_gone\":0,\"messages_skipped\":0,\"exceptions\":0,\"messages_"
		   "mended\":0,\"listings_incomplete\":0}\n");
	done();
}
END_TEST

START_TEST(a_sync_that_fails_names_the_account)
{
	struct err why = {0};

	begin();
	fake_fail(&fake, "open", 1, ERR_NETWORK);
	capture_begin(&capture, stdout);
	ck_assert_int_eq(work_sync(&app, account, &why), -1);
	capture_is(&capture, "");
	ck_assert_str_eq(why.text, "work: open failed");
	done();
}
END_TEST

START_TEST(a_problem_is_told_and_remembered)
{
	begin();
	inbox->claims_more = 1;
	capture_begin(&capture, stderr);
	app.quiet = true;
	OK(work_sync(&app, account, err));
	capture_is(&capture,
	    "mailcask: work: INBOX: the server has 5 messages but lists only 4: "
	    "deletions are not judged\n");
	ck_assert(app.has_failed_in_part);
	done();
}
END_TEST

/* Sync, index, plan, purge: in this order, with what each of them found. */
START_TEST(a_plan_is_made_of_what_is_there_now)
{
	begin();
	app.quiet = true;
	OK(work_plan(&app, account, &rules, &plan, err));
	fake_logged(&fake, "open, list, examine INBOX, scan, fetch 1:4");
	ck_assert_uint_eq(plan.count, 4);
	ck_assert_uint_eq(plan.purge_count, 2);
	app.quiet = false;
	capture_begin(&capture, stdout);
	OK(work_purge(&app, account, &rules, &plan, false, &report, err));
	{
		char *expected =
		    mem_format("work: purged 2 messages, 2.1 kB (mailcask log %s)\n", report.run);

		capture_is(&capture, expected);
		free(expected);
	}
	fake_logged(&fake, "open, select INBOX, scan, identify 1:2, expunge 1:2");
	ck_assert_uint_eq(inbox->count, 2);
	ck_assert(!app.has_failed_in_part);
	done();
}
END_TEST

START_TEST(a_rehearsal_says_so)
{
	begin();
	app.quiet = true;
	OK(work_plan(&app, account, &rules, &plan, err));
	app.quiet = false;
	capture_begin(&capture, stdout);
	OK(work_purge(&app, account, &rules, &plan, true, &report, err));
	capture_is(&capture, "work: would purge 2 messages, 2.1 kB; nothing was changed\n");
	ck_assert_uint_eq(inbox->count, 4);
	done();
}
END_TEST

START_TEST(what_was_refused_and_what_stayed)
{
	char *text;

	begin();
	app.quiet = true;
	OK(work_plan(&app, account, &rules, &plan, err));
	app.quiet = false;
	fake_set_flags(fake_find(inbox, 1), "\\Flagged");
	fake_find(inbox, 2)->stays = true;
	fake.has_quota = true;
	fake.quota_used_kib = 500;
	capture_begin(&capture, stdout);
	OK(work_purge(&app, account, &rules, &plan, false, &report, err));
	text = capture_end(&capture);
	ck_assert_ptr_nonnull(strstr(text, " refused: it is flagged on the server now\n"));
	ck_assert_ptr_nonnull(strstr(text, " kept: the server did not delete it\n"));
	ck_assert_ptr_nonnull(strstr(text, "work: purged 0 messages, 0 B (mailcask log P"));
	ck_assert_ptr_nonnull(
	    strstr(text, "  the server counts 512 kB now, before it was 512 kB (of 1.0 MB)\n"));
	ck_assert_ptr_nonnull(strstr(text, "  1 were not cleared and stay\n"));
	ck_assert_ptr_nonnull(strstr(text, "  1 are still on the server\n"));
	ck_assert(app.has_failed_in_part);
	free(text);
	done();
}
END_TEST

/* The link broke behind the server's back: looked after at once, over a new one. */
START_TEST(a_broken_purge_is_looked_after)
{
	struct catalog_totals totals;
	struct err why = {0};

	begin();
	app.quiet = true;
	OK(work_plan(&app, account, &rules, &plan, err));
	fake_fail(&fake, "expunge", 1, ERR_NETWORK);
	fake.fails_when_done = true;
	free(fake_log(&fake));
	ck_assert_int_eq(work_purge(&app, account, &rules, &plan, false, &report, &why), -1);
	ck_assert_str_eq(why.text, "work: expunge failed");
	fake_logged(&fake,
	    "open, select INBOX, scan, identify 1:2, expunge 1:2, "
	    "open, select INBOX, scan");
	OK(catalog_totals(vault_catalog(a.vault), &totals, err));
	ck_assert_uint_eq(totals.purged, 2);
	done();
}
END_TEST

/* An interrupted purge is looked after before anything is planned. */
START_TEST(open_intents_come_first)
{
	struct archive_place place = {.folder = "INBOX", .uid = 1};
	struct event intent;
	struct msg_id id;

	begin();
	app.quiet = true;
	OK(work_sync(&app, account, err));
	sha256_of(bytes_of(fake_find(inbox, 1)->text), &id.sum);
	intent = archive_event(EVENT_PURGE, id, &place);
	intent.run = BYTES("P000001");
	intent.state = BYTES("intent");
	intent.rule = BYTES("old");
	archive_log(&a, &intent);
	archive_commit(&a);
	fake_remove(inbox, 1);
	free(fake_log(&fake));
	OK(work_plan(&app, account, &rules, &plan, err));
	fake_logged(&fake, "open, select INBOX, scan, open, list, examine INBOX, scan");
	ck_assert_uint_eq(plan.count, 3);
	done();
}
END_TEST

SUITE(a_sync_in_words, a_sync_as_json, a_sync_that_fails_names_the_account,
    a_problem_is_told_and_remembered, a_plan_is_made_of_what_is_there_now, a_rehearsal_says_so,
    what_was_refused_and_what_stayed, a_broken_purge_is_looked_after, open_intents_come_first)
