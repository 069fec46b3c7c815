/* retention/purge.c: the order of a purge, and that anything unexpected ends it. */
#include "tests/unit/retention/purging.h"

static struct ground g;
static struct purging p;
static struct fake_folder *inbox, *other;

/* INBOX with letters 1 to last, Other with 1 to 3, all of them planned. */
static void begin_with(uint32_t last)
{
	begin(&g, RULE_OLD);
	inbox = add_folder(&g, "INBOX");
	other = add_folder(&g, "Other");
	add_letters(&g, inbox, 1, last);
	add_letters(&g, other, 1, 3);
	ready(&g);
	purging_begin(&p, &g);
	purging_plan(&p, inbox, 1, last);
	purging_plan(&p, other, 1, 3);
}

static void done(void)
{
	purging_end(&p);
	end(&g);
}

static enum place_state state_of(struct fake_folder *folder, uint32_t uid)
{
	return place_of(&g, folder->name, uid).state;
}

/* ---- as it should go ---- */

START_TEST(what_is_cleared_goes)
{
	begin_with(2);
	purging_ok(&p);
	purging_told(&p, "1 confirmed\n2 confirmed\n1 confirmed\n2 confirmed\n3 confirmed\n", "");
	purging_counts(&p, 5, 0, 0, 0);
	ck_assert_uint_eq(p.report.confirmed_bytes,
	    p.plan.item[0].size_bytes + p.plan.item[1].size_bytes + 3 * p.plan.item[2].size_bytes);
	fake_logged(&g.fake,
	    "select INBOX, scan, identify 1:2, expunge 1:2, "
	    "select Other, scan, identify 1:3, expunge 1:3");
	ck_assert_uint_eq(inbox->count + other->count, 0);
	ck_assert_int_eq(state_of(inbox, 1), PLACE_PURGED);
	ck_assert_int_eq(state_of(other, 3), PLACE_PURGED);
	purging_journal(
	    &g, p.report.run, "1 confirmed\n2 confirmed\n1 confirmed\n2 confirmed\n3 confirmed\n");
	purging_journal(&g, NULL, "");
	purging_runs(&g, "purge work ended 5\n");
	done();
}
END_TEST

START_TEST(nothing_to_do_leaves_no_trace)
{
	uint64_t batch;

	begin_with(1);
	for (size_t i = 0; i < p.plan.count; i++)
		p.plan.item[i].verdict = VERDICT_SHARE;
	batch = vault_next_batch(g.a.vault);
	purging_ok(&p);
	purging_told(&p, "", "");
	fake_logged(&g.fake, "");
	ck_assert_str_eq(p.report.run, "");
	ck_assert_uint_eq(vault_next_batch(g.a.vault), batch);
	p.plan.count = 0;
	purging_ok(&p);
	ck_assert_uint_eq(vault_next_batch(g.a.vault), batch);
	done();
}
END_TEST

START_TEST(only_what_the_plan_says)
{
	begin_with(4);
	p.plan.item[0].verdict = VERDICT_HELD;
	p.plan.item[2].verdict = VERDICT_COUNT;
	purging_ok(&p);
	fake_logged(&g.fake,
	    "select INBOX, scan, identify 2,4, expunge 2,4, "
	    "select Other, scan, identify 1:3, expunge 1:3");
	ck_assert_ptr_nonnull(fake_find(inbox, 1));
	ck_assert_ptr_nonnull(fake_find(inbox, 3));
	purging_counts(&p, 5, 0, 0, 0);
	done();
}
END_TEST

START_TEST(other_accounts_are_passed_over)
{
	begin_with(1);
	p.options.account = "home";
	purging_ok(&p);
	purging_told(&p, "", "");
	fake_logged(&g.fake, "");
	done();
}
END_TEST

START_TEST(a_rehearsal_goes_up_to_the_intent)
{
	uint64_t batch;

	begin_with(2);
	fake_set_flags(fake_find(other, 2), "\\Flagged");
	p.options.is_rehearsal = true;
	batch = vault_next_batch(g.a.vault);
	purging_ok(&p);
	purging_told(&p,
	    "1 would\n2 would\n2 refused: it is flagged on the server now\n1 would\n3 would\n", "");
	fake_logged(
	    &g.fake, "examine INBOX, scan, identify 1:2, examine Other, scan, identify 1:3");
	ck_assert_uint_eq(p.report.would, 4);
	ck_assert_uint_eq(p.report.would_bytes,
	    p.plan.item[0].size_bytes + p.plan.item[1].size_bytes + 2 * p.plan.item[2].size_bytes);
	ck_assert_uint_eq(p.report.confirmed + p.report.confirmed_bytes, 0);
	ck_assert_uint_eq(inbox->count + other->count, 5);
	ck_assert_str_eq(p.report.run, "");
	ck_assert_uint_eq(vault_next_batch(g.a.vault), batch);
	purging_runs(&g, "");
	done();
}
END_TEST

START_TEST(the_quota_before_and_after)
{
	begin_with(1);
	g.fake.has_quota = true;
	g.fake.quota_used_kib = 500;
	purging_ok(&p);
	ck_assert(p.report.has_quota);
	ck_assert_uint_eq(p.report.quota_before_kib, 500);
	ck_assert_uint_eq(p.report.quota_after_kib, 500);
	ck_assert_uint_eq(p.report.quota_limit_kib, 1000);
	g.fake.has_quota = false;
	purging_ok(&p);
	ck_assert(!p.report.has_quota);
	done();
}
END_TEST

START_TEST(without_listeners)
{
	begin_with(2);
	fake_find(inbox, 2)->stays = true;
	p.options.outcome = NULL;
	p.options.problem = NULL;
	purging_ok(&p);
	purging_counts(&p, 4, 0, 1, 1);
	done();
}
END_TEST

/* ---- the intent comes first ---- */

static void copy_file(const char *to, const char *name)
{
	char *source = file_join(g.a.folder, name), *target = file_join(to, name);
	struct buf text;

	buf_init(&text, 100 << 20);
	OK(file_read_all(source, &text, err));
	OK(file_replace(target, buf_view(&text), 0600, err));
	buf_release(&text);
	free(source);
	free(target);
}

/* What somebody finds who has nothing but the segments of this moment. */
static void check_intents_on_disk(void *arg, const struct clearance *clearance)
{
	char copy[] = "/tmp/mailcask-intents-XXXXXX", *segments;
	struct vault_options options = {.path = copy, .level = 1, .now = archive_clock};
	struct vault *vault;
	struct buf found, expected;
	uint32_t uid = 0;

	++*(int *)arg;
	ck_assert_ptr_nonnull(mkdtemp(copy));
	segments = file_join(copy, "segments");
	OK(file_make_folders(segments, 0700, err));
	free(segments);
	copy_file(copy, "FORMAT");
	copy_file(copy, "segments/000001.tar.zst");
	OK(vault_open(&vault, &options, err));
	buf_init(&found, 100000);
	buf_init(&expected, 100000);
	OK(catalog_each_purge(vault_catalog(vault), NULL, purging_list, &found, err));
	while ((uid = seqset_next(&clearance->uids, uid)) != 0)
		buf_format(&expected, "%u intent\n", uid);
	ck_assert_str_eq(buf_string(&found), buf_string(&expected));
	ck_assert_uint_gt(found.n, 0);
	buf_release(&found);
	buf_release(&expected);
	vault_close(vault);
	ck_assert_int_eq(nftw(copy, archive_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
}

START_TEST(intents_are_durable_before_the_server_is_told)
{
	int asked = 0;

	begin_with(13);
	g.fake.on_expunge = check_intents_on_disk;
	g.fake.arg = &asked;
	fake_set_flags(fake_find(inbox, 2), "\\Flagged"); /* no intent for it */
	purging_ok(&p);
	ck_assert_int_eq(asked, 3);
	purging_counts(&p, 15, 1, 0, 0);
	done();
}
END_TEST

static int check_names(void *arg, const struct catalog_purge *purge, struct err *err)
{
	(void)err;
	++*(int *)arg;
	ck_assert(bytes_is(purge->rule, "old"));
	ck_assert(bytes_is(purge->run, p.report.run));
	ck_assert_uint_eq(purge->uidvalidity, FAKE_UIDVALIDITY);
	ck_assert_int_eq(purge->message_n, p.plan.item[0].message_n);
	return 0;
}

START_TEST(the_journal_names_rule_and_run)
{
	int count = 0;

	begin(&g, "[rule first]\nmatch = from:nobody\naction = purge\n" RULE_OLD);
	inbox = add_folder(&g, "INBOX");
	add_letters(&g, inbox, 1, 1);
	ready(&g);
	purging_begin(&p, &g);
	purging_plan(&p, inbox, 1, 1)->rule = 1;
	purging_ok(&p);
	ck_assert_int_eq(p.report.run[0], 'P');
	OK(catalog_each_purge(catalog_of(&g), p.report.run, check_names, &count, err));
	ck_assert_int_eq(count, 1);
	done();
}
END_TEST

/* ---- the canary ---- */

START_TEST(the_first_purge_of_an_account_begins_with_ten)
{
	begin_with(25);
	purging_ok(&p);
	fake_logged(&g.fake,
	    "select INBOX, scan, identify 1:10, expunge 1:10, identify 11:25, "
	    "expunge 11:25, select Other, scan, identify 1:3, expunge 1:3");
	purging_counts(&p, 28, 0, 0, 0);
	done();
}
END_TEST

START_TEST(groups_are_of_five_hundred)
{
	begin_with(1015);
	purging_ok(&p);
	fake_logged(&g.fake,
	    "select INBOX, scan, identify 1:10, expunge 1:10, identify 11:510, expunge 11:510, "
	    "identify 511:1010, expunge 511:1010, identify 1011:1015, expunge 1011:1015, "
	    "select Other, scan, identify 1:3, expunge 1:3");
	done();
}
END_TEST

START_TEST(no_canary_after_a_purge_that_went_well)
{
	begin_with(25);
	p.plan.count = 1;
	purging_ok(&p);
	p.plan.count = 28;
	purging_ok(&p);
	fake_logged(&g.fake,
	    "select INBOX, scan, identify 2:25, expunge 2:25, "
	    "select Other, scan, identify 1:3, expunge 1:3");
	purging_counts(&p, 27, 1, 0, 0); /* the first is gone already */
	done();
}
END_TEST

START_TEST(a_purge_of_another_account_is_no_canary)
{
	struct archive_place place = {.account = "home", .folder = "INBOX", .uid = 1};
	struct msg_id id;

	begin_with(12);
	id = archive_put(&g.a, "From: b\r\n\r\nb\r\n");
	archive_place(&g.a, id, place);
	archive_purged(&g.a, id, place);
	ready(&g);
	purging_ok(&p);
	fake_logged(&g.fake,
	    "select INBOX, scan, identify 1:10, expunge 1:10, identify 11:12, "
	    "expunge 11:12, select Other, scan, identify 1:3, expunge 1:3");
	done();
}
END_TEST

/* Ten that were not cleared have shown nothing. */
START_TEST(a_group_of_refused_is_no_canary)
{
	begin_with(25);
	for (uint32_t uid = 1; uid <= 10; uid++)
		fake_set_flags(fake_find(inbox, uid), "");
	purging_ok(&p);
	fake_logged(&g.fake,
	    "select INBOX, scan, identify 1:10, identify 11:20, expunge 11:20, "
	    "identify 21:25, expunge 21:25, "
	    "select Other, scan, identify 1:3, expunge 1:3");
	purging_counts(&p, 18, 10, 0, 0);
	done();
}
END_TEST

START_TEST(a_canary_that_stays_ends_the_folder_and_the_next_begins_with_one)
{
	begin_with(12);
	purging_end(&p);
	purging_begin(&p, &g);
	purging_plan(&p, other, 1, 3);
	purging_plan(&p, inbox, 1, 12);
	fake_find(other, 2)->stays = true;
	purging_ok(&p);
	fake_logged(&g.fake,
	    "select Other, scan, identify 1:3, expunge 1:3, select INBOX, scan, "
	    "identify 1:10, expunge 1:10, identify 11:12, expunge 11:12");
	purging_counts(&p, 14, 0, 1, 1);
	done();
}
END_TEST

/* ---- what the server does otherwise ---- */

START_TEST(what_the_server_left_ends_the_folder)
{
	begin_with(12);
	fake_find(inbox, 3)->stays = true;
	purging_ok(&p);
	purging_told(&p,
	    "1 confirmed\n2 confirmed\n3 kept: the server did not delete it\n4 confirmed\n"
	    "5 confirmed\n6 confirmed\n7 confirmed\n8 confirmed\n9 confirmed\n10 confirmed\n"
	    "1 confirmed\n2 confirmed\n3 confirmed\n",
	    "INBOX: the server did not delete everything it was told to: this folder is left "
	    "alone\n");
	purging_counts(&p, 12, 0, 1, 1);
	ck_assert_int_eq(state_of(inbox, 2), PLACE_PURGED);
	ck_assert_int_eq(state_of(inbox, 3), PLACE_PRESENT);
	ck_assert_int_eq(state_of(inbox, 11), PLACE_PRESENT);
	ck_assert_ptr_nonnull(fake_find(inbox, 11));
	purging_journal(&g, NULL, "");
	done();
}
END_TEST

START_TEST(a_message_that_went_unasked_ends_the_run)
{
	begin_with(12);
	fake_find(inbox, 11)->goes_too = true;
	ck_assert_int_eq(purging_run(&p), -1);
	ck_assert_int_eq(p.err.code, ERR_UNSAFE);
	ck_assert_int_eq(p.err.scope, SCOPE_ACCOUNT);
	ck_assert_int_eq(p.err.retry, RETRY_NEVER);
	ck_assert_str_eq(p.err.text,
	    "INBOX: 1 messages went that the server was not told to delete (UID 11; 1 of them are "
	    "in the archive): this purge ends here");
	/* The outcomes stand, and nothing more was told to the server. */
	purging_counts(&p, 10, 0, 0, 0);
	fake_logged(&g.fake, "select INBOX, scan, identify 1:10, expunge 1:10");
	ck_assert_uint_eq(other->count, 3);
	ck_assert_int_eq(state_of(inbox, 1), PLACE_PURGED);
	purging_journal(&g, NULL, "");
	purging_runs(&g,
	    "purge work ended 10: INBOX: 1 messages went that the server was not told to delete "
	    "(UID 11; 1 of them are in the archive): this purge ends here\n");
	done();
}
END_TEST

START_TEST(a_lost_message_outweighs_one_that_stayed)
{
	begin_with(4);
	purging_end(&p);
	purging_begin(&p, &g);
	purging_plan(&p, inbox, 1, 2);
	purging_plan(&p, other, 1, 3);
	fake_find(inbox, 1)->stays = true;
	fake_find(inbox, 4)->goes_too = true;
	ck_assert_int_eq(purging_run(&p), -1);
	ck_assert_int_eq(p.err.code, ERR_UNSAFE);
	purging_counts(&p, 1, 0, 1, 0);
	ck_assert_uint_eq(other->count, 3);
	done();
}
END_TEST

START_TEST(a_surprise_ends_the_folder)
{
	begin_with(12);
	fake_find(inbox, 5)->told_header = "Message-ID: <x@y>\r\n";
	purging_ok(&p);
	ck_assert_str_eq(buf_string(&p.problems),
	    "INBOX: a message is not the one that was archived under its UID: this folder is left "
	    "alone\n");
	fake_logged(&g.fake,
	    "select INBOX, scan, identify 1:10, select Other, scan, identify 1:3, "
	    "expunge 1:3");
	purging_counts(&p, 3, 10, 0, 1);
	ck_assert_uint_eq(inbox->count, 12);
	done();
}
END_TEST

START_TEST(a_surprise_ends_a_rehearsed_folder_too)
{
	begin_with(12);
	fake_find(inbox, 5)->told_header = "Message-ID: <x@y>\r\n";
	p.options.is_rehearsal = true;
	purging_ok(&p);
	fake_logged(
	    &g.fake, "examine INBOX, scan, identify 1:10, examine Other, scan, identify 1:3");
	ck_assert_uint_eq(p.report.would, 3);
	ck_assert_uint_eq(p.report.folders_failed, 1);
	done();
}
END_TEST

START_TEST(a_refused_expunge_is_looked_after_at_once)
{
	begin_with(12);
	fake_fail(&g.fake, "expunge", 1, ERR_SERVER);
	purging_ok(&p);
	fake_logged(&g.fake,
	    "select INBOX, scan, identify 1:10, expunge 1:10, select INBOX, scan, "
	    "select Other, scan, identify 1:3, expunge 1:3");
	purging_counts(&p, 3, 0, 10, 1);
	ck_assert_str_eq(buf_string(&p.problems), "INBOX: expunge failed\n");
	ck_assert_ptr_nonnull(strstr(buf_string(&p.outcomes), "1 kept: expunge failed\n"));
	purging_journal(&g, NULL, "");
	ck_assert_int_eq(state_of(inbox, 1), PLACE_PRESENT);
	done();
}
END_TEST

START_TEST(an_expunge_that_was_unsafe_ends_the_folder_only)
{
	begin_with(2);
	fake_fail(&g.fake, "expunge", 1, ERR_UNSAFE);
	purging_ok(&p);
	purging_counts(&p, 3, 0, 2, 1);
	done();
}
END_TEST

START_TEST(a_refusal_after_the_deed)
{
	begin_with(3);
	fake_fail(&g.fake, "expunge", 1, ERR_SERVER);
	g.fake.fails_when_done = true;
	fake_find(inbox, 2)->stays = true;
	fake_set_flags(fake_find(inbox, 3), "\\Flagged"); /* was not cleared */
	purging_ok(&p);
	purging_told(&p,
	    "3 refused: it is flagged on the server now\n1 confirmed\n2 kept: expunge failed\n"
	    "1 confirmed\n2 confirmed\n3 confirmed\n",
	    "INBOX: expunge failed\n");
	ck_assert_int_eq(state_of(inbox, 1), PLACE_PURGED);
	ck_assert_int_eq(state_of(inbox, 2), PLACE_PRESENT);
	done();
}
END_TEST

START_TEST(a_broken_connection_leaves_intents)
{
	uint64_t resolved;

	begin_with(3);
	fake_fail(&g.fake, "expunge", 1, ERR_NETWORK);
	g.fake.fails_when_done = true;
	fake_find(inbox, 2)->stays = true;
	ck_assert_int_eq(purging_run(&p), -1);
	ck_assert_int_eq(p.err.code, ERR_NETWORK);
	purging_told(&p, "", "");
	purging_counts(&p, 0, 0, 0, 0);
	ck_assert_int_eq(state_of(inbox, 1), PLACE_PRESENT);
	purging_journal(&g, NULL, "1 intent\n2 intent\n3 intent\n");
	purging_runs(&g, "purge work ended 0: expunge failed\n");
	OK(purge_resolve(g.a.vault, &g.fake.endpoint, "work", &resolved, err));
	ck_assert_uint_eq(resolved, 3);
	purging_journal(&g, p.report.run,
	    "1 confirmed: found so after an interruption\n"
	    "2 kept: found so after an interruption\n"
	    "3 confirmed: found so after an interruption\n");
	done();
}
END_TEST

/* ---- folders that cannot be purged ---- */

START_TEST(a_folder_that_does_not_pass_its_guard)
{
	begin_with(2);
	fake_message(inbox, 9, "new\r\n", "", 1);
	purging_ok(&p);
	purging_told(&p,
	    "1 refused: 1 messages of the folder are not archived: sync first\n"
	    "2 refused: 1 messages of the folder are not archived: sync first\n"
	    "1 confirmed\n2 confirmed\n3 confirmed\n",
	    "INBOX: 1 messages of the folder are not archived: sync first\n");
	purging_counts(&p, 3, 2, 0, 1);
	ck_assert_uint_eq(inbox->count, 3);
	done();
}
END_TEST

START_TEST(an_audit_alone_is_committed)
{
	struct catalog_audit audit;

	begin_with(1);
	p.plan.count = 1;
	fake_message(inbox, 9, "new\r\n", "", 1);
	purging_ok(&p);
	ck_assert_str_eq(p.report.run, "");
	ck_assert_int_eq(
	    catalog_audit(catalog_of(&g), folder_of(&g, "INBOX").number, &audit, NULL), 1);
	done();
}
END_TEST

START_TEST(a_folder_that_cannot_be_opened)
{
	begin_with(1);
	p.plan.item[3].verdict = VERDICT_HELD;
	fake_fail(&g.fake, "select", 2, ERR_SERVER);
	purging_ok(&p);
	purging_told(&p, "1 confirmed\n1 refused: select failed\n2 refused: select failed\n",
	    "Other: select failed\n");
	purging_counts(&p, 1, 2, 0, 1);
	done();
}
END_TEST

START_TEST(a_connection_that_breaks_ends_the_run)
{
	begin_with(1);
	fake_fail(&g.fake, "select", 2, ERR_NETWORK);
	ck_assert_int_eq(purging_run(&p), -1);
	ck_assert_int_eq(p.err.code, ERR_NETWORK);
	purging_counts(&p, 1, 0, 0, 0);
	purging_runs(&g, "purge work ended 1: select failed\n");
	done();
}
END_TEST

START_TEST(a_quota_that_cannot_be_asked_for)
{
	begin_with(1);
	g.fake.has_quota = true;
	fake_fail(&g.fake, "quota", 1, ERR_NETWORK);
	ck_assert_int_eq(purging_run(&p), -1);
	fake_logged(&g.fake, "");
	ck_assert_uint_eq(inbox->count, 1);
	fake_fail(&g.fake, "quota", 2, ERR_NETWORK);
	ck_assert_int_eq(purging_run(&p), -1);
	purging_counts(&p, 4, 0, 0, 0); /* what was done stands */
	purging_runs(&g, "purge work ended 4: quota failed\n");
	done();
}
END_TEST

static void stop_now(void *arg, const struct clearance *clearance)
{
	(void)clearance;
	*(volatile sig_atomic_t *)arg = 1;
}

START_TEST(stopping_between_groups)
{
	volatile sig_atomic_t stop = 0;

	begin_with(12);
	p.options.stop = &stop;
	g.fake.on_expunge = stop_now;
	g.fake.arg = (void *)&stop;
	ck_assert_int_eq(purging_run(&p), -1);
	ck_assert_int_eq(p.err.code, ERR_STOPPED);
	fake_logged(&g.fake, "select INBOX, scan, identify 1:10, expunge 1:10");
	purging_counts(&p, 10, 0, 0, 0);
	purging_journal(&g, NULL, "");
	purging_runs(&g, "purge work ended 10: stopped\n");
	done();
}
END_TEST

START_TEST(a_damaged_copy_keeps_its_message)
{
	struct msg_id id;

	begin(&g, RULE_OLD);
	inbox = add_folder(&g, "INBOX");
	add_letters(&g, inbox, 1, 2);
	ready(&g);
	id = add_letter(&g, inbox, 3, "");
	ready(&g);
	damage(&g, id);
	purging_begin(&p, &g);
	purging_plan(&p, inbox, 1, 3);
	purging_ok(&p);
	purging_told(
	    &p, "3 refused: its stored copy could not be proved\n1 confirmed\n2 confirmed\n", "");
	ck_assert_uint_eq(inbox->count, 1);
	ck_assert_ptr_nonnull(fake_find(inbox, 3));
	done();
}
END_TEST

SUITE(what_is_cleared_goes, nothing_to_do_leaves_no_trace, only_what_the_plan_says,
    other_accounts_are_passed_over, a_rehearsal_goes_up_to_the_intent, the_quota_before_and_after,
    without_listeners, intents_are_durable_before_the_server_is_told,
    the_journal_names_rule_and_run, the_first_purge_of_an_account_begins_with_ten,
    groups_are_of_five_hundred, no_canary_after_a_purge_that_went_well,
    a_purge_of_another_account_is_no_canary, a_group_of_refused_is_no_canary,
    a_canary_that_stays_ends_the_folder_and_the_next_begins_with_one,
    what_the_server_left_ends_the_folder, a_message_that_went_unasked_ends_the_run,
    a_lost_message_outweighs_one_that_stayed, a_surprise_ends_the_folder,
    a_surprise_ends_a_rehearsed_folder_too, a_refused_expunge_is_looked_after_at_once,
    an_expunge_that_was_unsafe_ends_the_folder_only, a_refusal_after_the_deed,
    a_broken_connection_leaves_intents, a_folder_that_does_not_pass_its_guard,
    an_audit_alone_is_committed, a_folder_that_cannot_be_opened,
    a_connection_that_breaks_ends_the_run, a_quota_that_cannot_be_asked_for,
    stopping_between_groups, a_damaged_copy_keeps_its_message)
