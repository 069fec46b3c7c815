/* retention/guard.c: a clearance is made when every proof holds, and for any single one that does
 * not hold there is none, but a reason. */
#include "retention/guard.h"

#include "base/child.h"
#include "tests/unit/retention/ground.h"

#define RULES                                                                                      \
	RULE_OLD "[rule starred]\nmatch = is:flagged\naction = purge\n"                            \
		 "[rule drafts]\nmatch = is:draft\naction = purge\n"
enum { OLD, STARRED, DRAFTS };

static struct ground g;
static struct fake_folder *inbox;
static struct guard guard;
static char *mirror_path;

/* ---- asking ---- */

static void open_inbox(void)
{
	guard = (struct guard){.vault = g.a.vault,
	    .ep = &g.fake.endpoint,
	    .rules = &g.rules,
	    .account = BYTES(ARCHIVE_ACCOUNT),
	    .folder = BYTES("INBOX")};
	OK(endpoint_select(guard.ep, guard.folder, ENDPOINT_WRITE, &guard.state, err));
}

static void pass(void)
{
	open_inbox();
	OK(guard_folder(&guard, err));
	ck_assert(guard.has_passed);
	free(fake_log(&g.fake));
}

/* Three letters, 1 to 3, that may all go. */
static void begin_three(void)
{
	begin(&g, RULES);
	inbox = add_folder(&g, "INBOX");
	add_letters(&g, inbox, 1, 3);
	ready(&g);
}

static void take_reason(void *arg, const struct plan_item *item, const char *reason)
{
	buf_format(arg, "%u: %s\n", item->uid, reason);
}

/* What guard_messages says of these: reasons by UID, and the UIDs of the clearance. */
static void check_items(
    const struct plan_item *item, size_t count, const char *reasons, const char *cleared)
{
	struct clearance *clearance = NULL;
	struct buf told, uids;

	buf_init(&told, 10000);
	buf_init(&uids, 10000);
	OK(guard_messages(&guard, item, count, take_reason, &told, &clearance, err));
	ck_assert_ptr_nonnull(clearance);
	seqset_format(&clearance->uids, 0, UINT64_MAX, 5000, &uids);
	ck_assert_str_eq(buf_string(&told), reasons);
	ck_assert_str_eq(buf_string(&uids), cleared);
	ck_assert_uint_eq(clearance_count(clearance), seqset_count(&clearance->uids));
	for (uint32_t uid = 0; uid < 10; uid++)
		ck_assert(clearance_has(clearance, uid) == seqset_has(&clearance->uids, uid));
	ck_assert(bytes_equal(buf_view(&clearance->folder), guard.folder));
	ck_assert_uint_eq(clearance->uidvalidity, guard.state.uidvalidity);
	clearance_free(clearance);
	buf_release(&told);
	buf_release(&uids);
}

/* Of the letters 1 to 3 the second one is not cleared, for that reason, and the others are. */
static void check_second(const char *reason)
{
	struct plan_item item[] = {
	    item_of(&g, inbox, 1), item_of(&g, inbox, 2), item_of(&g, inbox, 3)};
	char *told = mem_format("2: %s\n", reason);

	check_items(item, 3, told, "1,3");
	free(told);
}

static void check_folder_refused(enum err_code code, const char *reason)
{
	struct err why = {0};
	struct clearance *clearance = NULL;
	struct plan_item item = item_of(&g, inbox, 1);

	ck_assert_int_eq(guard_folder(&guard, &why), -1);
	ck_assert_int_eq(why.code, code);
	ck_assert_str_eq(why.text, reason);
	ck_assert(!guard.has_passed);
	/* And then there is no way to a clearance. */
	free(fake_log(&g.fake));
	FAILS(ERR_BUG, guard_messages(&guard, &item, 1, take_reason, NULL, &clearance, err));
	ck_assert_ptr_null(clearance);
	fake_logged(&g.fake, "");
}

/* ---- the folder ---- */

START_TEST(a_folder_passes)
{
	struct catalog_audit audit;

	begin_three();
	open_inbox();
	ck_assert(!guard.has_passed);
	OK(guard_folder(&guard, err));
	ck_assert(guard.has_passed && !guard.is_surprised);
	fake_logged(&g.fake, "select INBOX, scan");
	ready(&g);
	ck_assert_int_eq(
	    catalog_audit(catalog_of(&g), folder_of(&g, "INBOX").number, &audit, NULL), 1);
	ck_assert_uint_eq(audit.uidvalidity, FAKE_UIDVALIDITY);
	ck_assert_uint_eq(audit.server, 3);
	ck_assert_uint_eq(audit.archived, 3);
	ck_assert_uint_eq(audit.missing + audit.exceptions, 0);
	end(&g);
}
END_TEST

START_TEST(an_empty_folder_passes)
{
	begin(&g, RULES);
	inbox = add_folder(&g, "INBOX");
	ready(&g);
	pass();
	check_items(NULL, 0, "", "");
	fake_logged(&g.fake, ""); /* nothing to ask for */
	end(&g);
}
END_TEST

START_TEST(without_deletion_by_uid_nothing_goes)
{
	begin_three();
	open_inbox();
	g.fake.cannot_expunge_by_uid = true;
	check_folder_refused(ERR_UNSAFE,
	    "the server cannot delete by UID (no UIDPLUS); anything else could delete messages "
	    "that others marked");
	guard.is_rehearsal = true;
	ck_assert_int_eq(guard_folder(&guard, NULL), -1);
	end(&g);
}
END_TEST

START_TEST(uids_that_do_not_last_prove_nothing)
{
	begin_three();
	open_inbox();
	guard.state.uids_are_sticky = false;
	check_folder_refused(ERR_UNSAFE, "the server's UIDs do not last");
	guard.is_rehearsal = true;
	ck_assert_int_eq(guard_folder(&guard, NULL), -1);
	guard.is_rehearsal = false;
	guard.state.uids_are_sticky = true;
	guard.state.uidvalidity = 0;
	check_folder_refused(ERR_UNSAFE, "the server's UIDs do not last");
	end(&g);
}
END_TEST

START_TEST(a_folder_that_is_open_for_reading)
{
	begin_three();
	open_inbox();
	guard.state.is_writable = false;
	check_folder_refused(ERR_UNSAFE, "the server opens the folder read-only");
	end(&g);
}
END_TEST

START_TEST(a_folder_that_does_not_keep_the_mark)
{
	begin_three();
	open_inbox();
	guard.state.can_delete = false;
	check_folder_refused(ERR_UNSAFE, "the server does not keep \\Deleted in this folder");
	end(&g);
}
END_TEST

START_TEST(another_uidvalidity)
{
	begin_three();
	open_inbox();
	guard.state.uidvalidity = 2;
	check_folder_refused(
	    ERR_UNSAFE, "the folder's UIDVALIDITY is 2 now, and 1 in the archive: sync first");
	end(&g);
}
END_TEST

START_TEST(a_folder_that_was_never_archived)
{
	begin_three();
	open_inbox();
	guard.folder = BYTES("Other");
	check_folder_refused(
	    ERR_UNSAFE, "the folder's UIDVALIDITY is 1 now, and 0 in the archive: sync first");
	guard.folder = BYTES("INBOX");
	guard.account = BYTES("home");
	check_folder_refused(
	    ERR_UNSAFE, "the folder's UIDVALIDITY is 1 now, and 0 in the archive: sync first");
	end(&g);
}
END_TEST

START_TEST(a_message_that_is_not_archived)
{
	struct catalog_audit audit;

	begin_three();
	fake_message(inbox, 4, "new\r\n", "", 1);
	fake_message(inbox, 5, "new\r\n", "", 1);
	open_inbox();
	check_folder_refused(ERR_UNSAFE, "2 messages of the folder are not archived: sync first");
	ready(&g); /* the statement stands in the journal all the same */
	ck_assert_int_eq(
	    catalog_audit(catalog_of(&g), folder_of(&g, "INBOX").number, &audit, NULL), 1);
	ck_assert_uint_eq(audit.missing, 2);
	end(&g);
}
END_TEST

START_TEST(a_listing_shorter_than_the_folder)
{
	begin_three();
	inbox->claims_more = 1;
	open_inbox();
	check_folder_refused(ERR_UNSAFE, "the server counts 4 messages but lists 3");
	end(&g);
}
END_TEST

START_TEST(a_listed_exception_does_not_stop_the_folder)
{
	struct archive_place place = {.folder = "INBOX", .uid = 4};
	struct event skipped = archive_event(EVENT_SKIPPED, (struct msg_id){0}, &place);

	begin_three();
	fake_message(inbox, 4, "new\r\n", "", 1);
	skipped.reason = BYTES("too large");
	archive_log(&g.a, &skipped);
	ready(&g);
	pass();
	end(&g);
}
END_TEST

START_TEST(a_scan_that_fails)
{
	begin_three();
	open_inbox();
	fake_fail(&g.fake, "scan", 1, ERR_NETWORK);
	check_folder_refused(ERR_NETWORK, "scan failed");
	end(&g);
}
END_TEST

START_TEST(a_rehearsal_reads_only)
{
	struct catalog_audit audit;
	struct plan_item item;

	begin_three();
	open_inbox();
	guard.is_rehearsal = true;
	guard.state.is_writable = guard.state.can_delete = false;
	OK(guard_folder(&guard, err));
	ready(&g);
	ck_assert_int_eq(
	    catalog_audit(catalog_of(&g), folder_of(&g, "INBOX").number, &audit, NULL), 0);
	item = item_of(&g, inbox, 2);
	check_items(&item, 1, "", "2");
	end(&g);
}
END_TEST

/* ---- the message ---- */

START_TEST(all_that_is_proved_is_cleared)
{
	struct plan_item item[3];

	begin_three();
	pass();
	for (uint32_t i = 0; i < 3; i++)
		item[i] = item_of(&g, inbox, i + 1);
	check_items(item, 3, "", "1:3");
	fake_logged(&g.fake, "identify 1:3");
	check_items(item, 1, "", "1"); /* and only what was asked about */
	fake_logged(&g.fake, "identify 1");
	check_items(item, 0, "", "");
	fake_logged(&g.fake, "");
	clearance_free(NULL);
	end(&g);
}
END_TEST

START_TEST(held)
{
	begin(&g, RULES);
	inbox = add_folder(&g, "INBOX");
	add_letter(&g, inbox, 1, "");
	archive_hold(&g.a, add_letter(&g, inbox, 2, ""), true);
	add_letter(&g, inbox, 3, "");
	ready(&g);
	pass();
	check_second("it is on hold");
	fake_logged(&g.fake, "identify 1,3"); /* no need to ask */
	end(&g);
}
END_TEST

START_TEST(a_hold_that_was_lifted)
{
	struct msg_id id;

	begin(&g, RULES);
	inbox = add_folder(&g, "INBOX");
	id = add_letter(&g, inbox, 1, "");
	archive_hold(&g.a, id, true);
	archive_hold(&g.a, id, false);
	ready(&g);
	pass();
	check_items((struct plan_item[]){item_of(&g, inbox, 1)}, 1, "", "1");
	end(&g);
}
END_TEST

START_TEST(a_copy_that_is_damaged)
{
	struct msg_id id;

	begin(&g, RULES);
	inbox = add_folder(&g, "INBOX");
	add_letter(&g, inbox, 1, "");
	ready(&g);
	id = add_letter(&g, inbox, 2, ""); /* in a frame of its own */
	ready(&g);
	add_letter(&g, inbox, 3, "");
	ready(&g);
	pass();
	check_items((struct plan_item[]){item_of(&g, inbox, 2)}, 1, "", "2");
	damage(&g, id);
	free(fake_log(&g.fake));
	check_second("its stored copy could not be proved");
	fake_logged(&g.fake, "identify 1,3");
	end(&g);
}
END_TEST

/* Letter 2 in the archive's own frame and in that of its mirror. */
static void begin_mirror(struct msg_id *id)
{
	struct vault_options options = {.for_writing = true, .now = archive_clock};
	char *command;
	struct buf output;

	begin(&g, RULES);
	inbox = add_folder(&g, "INBOX");
	add_letter(&g, inbox, 1, "");
	ready(&g);
	*id = add_letter(&g, inbox, 2, "");
	ready(&g);
	add_letter(&g, inbox, 3, "");
	ready(&g);
	command =
	    mem_format("mkdir %s/m && cp -r %s/segments %s/m", g.a.folder, g.a.folder, g.a.folder);
	buf_init(&output, 1000);
	OK(child_output(command, &output, err));
	buf_release(&output);
	free(command);
	archive_close(&g.a);
	options.path = g.a.folder;
	options.mirror = command = mem_format("%s/m", g.a.folder);
	OK(vault_open(&g.a.vault, &options, err));
	mirror_path = command;
}

START_TEST(a_mirror_that_is_damaged)
{
	struct catalog_message message;
	struct msg_id id;
	char *path;
	int fd;

	begin_mirror(&id);
	pass();
	guard.needs_mirror = true;
	check_items((struct plan_item[]){item_of(&g, inbox, 2)}, 1, "", "2");
	free(fake_log(&g.fake));
	ck_assert_int_eq(catalog_message(catalog_of(&g), &id, &message, NULL), 1);
	path = mem_format("%s/segments/000001.tar.zst", mirror_path);
	fd = open(path, O_RDWR);
	ck_assert_int_eq(pwrite(fd, "xxxx", 4, (off_t)message.place.frame_at + 20), 4);
	close(fd);
	free(path);
	OK(vault_forget_cached(g.a.vault, err));
	check_second("not proven in the mirror");
	/* Nobody who does not need it minds. */
	guard.needs_mirror = false;
	check_items((struct plan_item[]){item_of(&g, inbox, 2)}, 1, "", "2");
	free(mirror_path);
	end(&g);
}
END_TEST

START_TEST(a_mirror_that_is_missing)
{
	struct msg_id id;
	char *path, *gone;

	begin_mirror(&id);
	path = mem_format("%s/m/segments", g.a.folder);
	gone = mem_format("%s/m/gone", g.a.folder);
	ck_assert_int_eq(rename(path, gone), 0);
	pass();
	guard.needs_mirror = true;
	check_items(
	    (struct plan_item[]){item_of(&g, inbox, 2)}, 1, "2: not proven in the mirror\n", "");
	free(path);
	free(gone);
	free(mirror_path);
	end(&g);
}
END_TEST

START_TEST(where_there_is_no_mirror_nothing_is_proven_in_it)
{
	begin_three();
	pass();
	guard.needs_mirror = true;
	check_items(
	    (struct plan_item[]){item_of(&g, inbox, 2)}, 1, "2: not proven in the mirror\n", "");
	end(&g);
}
END_TEST

START_TEST(a_segment_that_is_gone)
{
	struct plan_item item;
	struct clearance *clearance = NULL;
	struct buf told;
	char *path;

	begin_three();
	archive_close(&g.a);
	archive_open(&g.a, true); /* nothing of it is open any more */
	pass();
	item = item_of(&g, inbox, 1);
	path = mem_format("%s/segments/000001.tar.zst", g.a.folder);
	ck_assert_int_eq(truncate(path, 0), 0);
	buf_init(&told, 1000);
	if (guard_messages(&guard, &item, 1, take_reason, &told, &clearance, NULL) == 0)
		ck_assert_uint_eq(clearance_count(clearance), 0);
	else
		ck_assert_ptr_null(clearance);
	clearance_free(clearance);
	buf_release(&told);
	free(path);
	end(&g);
}
END_TEST

START_TEST(not_committed_is_not_archived)
{
	struct plan_item item;
	struct clearance *clearance = NULL;

	begin_three();
	pass();
	item = item_of(&g, inbox, 1);
	item.place_number = 4;
	item.message_n = 4;
	item.uid = 4;
	add_letter(&g, inbox, 4, ""); /* in the open batch */
	ck_assert_int_eq(guard_messages(&guard, &item, 1, take_reason, NULL, &clearance, NULL), -1);
	ck_assert_ptr_null(clearance);
	end(&g);
}
END_TEST

START_TEST(the_place_has_another_message)
{
	struct plan_item item[2];

	begin_three();
	pass();
	item[0] = item_of(&g, inbox, 2);
	item[0].message_n = item_of(&g, inbox, 1).message_n;
	item[1] = item_of(&g, inbox, 3);
	item[1].uid = 1;
	check_items(item, 2,
	    "2: the archive has another message at this place now\n"
	    "1: the archive has another message at this place now\n",
	    "");
	end(&g);
}
END_TEST

START_TEST(gone_or_purged_since_the_plan)
{
	struct plan_item item[2];
	struct msg_id id;

	begin(&g, RULES);
	inbox = add_folder(&g, "INBOX");
	id = add_letter(&g, inbox, 1, "");
	add_letter(&g, inbox, 2, "");
	ready(&g);
	pass();
	item[0] = item_of(&g, inbox, 1);
	item[1] = item_of(&g, inbox, 2);
	archive_gone(&g.a, (struct archive_place){.folder = "INBOX", .uid = 2});
	ready(&g);
	check_items(item, 2, "2: it is no longer on the server\n", "1");
	archive_purged(&g.a, id, (struct archive_place){.folder = "INBOX", .uid = 1});
	ready(&g);
	check_items(item, 1, "1: it is no longer on the server\n", "");
	end(&g);
}
END_TEST

START_TEST(archived_under_another_uidvalidity)
{
	struct plan_item item;

	begin_three();
	pass();
	item = item_of(&g, inbox, 1);
	guard.state.uidvalidity = 7;
	check_items(&item, 1, "1: it was archived under another UIDVALIDITY\n", "");
	end(&g);
}
END_TEST

START_TEST(the_server_tells_too_little)
{
	struct fake_message *second;

	for (int i = 0; i < 4; i++) {
		begin_three();
		pass();
		second = fake_find(inbox, 2);
		second->hides_flags = i == 0;
		second->hides_date = i == 1;
		second->hides_header = i == 2;
		second->hides_size = i == 3;
		check_second("the server does not tell enough about it");
		ck_assert(!guard.is_surprised);
		end(&g);
	}
}
END_TEST

START_TEST(the_server_does_not_show_it)
{
	begin_three();
	pass();
	fake_find(inbox, 2)->is_unidentified = true;
	check_second("the server does not show it");
	end(&g);
}
END_TEST

START_TEST(flagged_since)
{
	begin_three();
	pass();
	fake_set_flags(fake_find(inbox, 2), "\\Flagged \\Seen");
	check_second("it is flagged on the server now");
	end(&g);
}
END_TEST

START_TEST(made_a_draft_since)
{
	begin_three();
	pass();
	fake_set_flags(fake_find(inbox, 2), "\\Draft \\Seen");
	check_second("it is a draft on the server now");
	end(&g);
}
END_TEST

START_TEST(any_other_flag_since)
{
	static const char *const flags[] = {"", "$Label1 \\Seen", "\\Answered \\Seen"};

	for (size_t i = 0; i < 3; i++) {
		begin_three();
		pass();
		fake_set_flags(fake_find(inbox, 2), flags[i]);
		check_second("its flags have changed since the sync");
		end(&g);
	}
}
END_TEST

/* A rule that speaks of them may take them; but what decided must still be true. */
START_TEST(flagged_and_drafts_by_rules_that_speak_of_them)
{
	struct plan_item item[5];
	struct clearance *clearance = NULL;

	begin(&g, RULES);
	inbox = add_folder(&g, "INBOX");
	add_letter(&g, inbox, 1, "\\Flagged");
	add_letter(&g, inbox, 2, "\\Draft");
	add_letter(&g, inbox, 3, "\\Flagged");
	add_letter(&g, inbox, 4, "\\Draft");
	add_letter(&g, inbox, 5, "\\Flagged");
	ready(&g);
	pass();
	for (uint32_t i = 0; i < 5; i++)
		item[i] = item_of(&g, inbox, i + 1);
	item[0].rule = STARRED;
	item[1].rule = DRAFTS;
	item[2].rule = DRAFTS;
	item[3].rule = STARRED;
	item[4].rule = OLD;
	check_items(item, 5,
	    "3: it is flagged on the server now\n4: it is a draft on the server now\n"
	    "5: it is flagged on the server now\n",
	    "1:2");
	fake_set_flags(fake_find(inbox, 1), "\\Flagged \\Seen");
	fake_set_flags(fake_find(inbox, 2), "");
	check_items(item, 2,
	    "1: its flags have changed since the sync\n2: its flags have changed since the "
	    "sync\n",
	    "");
	OK(guard_messages(&guard, item, 0, take_reason, NULL, &clearance, err));
	clearance_free(clearance);
	end(&g);
}
END_TEST

/* The endpoint must know which of them may not become flagged while it deletes. */
START_TEST(plain_ones_are_marked_as_such)
{
	struct plan_item item[3];
	struct clearance *clearance = NULL;
	struct buf none;

	begin(&g, RULES);
	inbox = add_folder(&g, "INBOX");
	add_letter(&g, inbox, 1, "\\Flagged");
	add_letter(&g, inbox, 2, "\\Draft");
	add_letter(&g, inbox, 3, "\\Seen");
	ready(&g);
	pass();
	for (uint32_t i = 0; i < 3; i++)
		item[i] = item_of(&g, inbox, i + 1);
	item[0].rule = STARRED;
	item[1].rule = DRAFTS;
	buf_init(&none, 100);
	OK(guard_messages(&guard, item, 3, take_reason, &none, &clearance, err));
	ck_assert_uint_eq(clearance_count(clearance), 3);
	ck_assert(!seqset_has(&clearance->plain, 1) && !seqset_has(&clearance->plain, 2) &&
	    seqset_has(&clearance->plain, 3));
	clearance_free(clearance);
	buf_release(&none);
	end(&g);
}
END_TEST

/* ---- one UID that means another message ---- */

static void check_surprise(const char *reason)
{
	struct plan_item item[] = {
	    item_of(&g, inbox, 1), item_of(&g, inbox, 2), item_of(&g, inbox, 3)};
	struct clearance *clearance = NULL;
	char *told = mem_format("1: another UID of this folder means another message now\n"
				"2: %s\n"
				"3: another UID of this folder means another message now\n",
	    reason);

	check_items(item, 3, told, "");
	ck_assert(guard.is_surprised);
	/* Nothing more of this folder, and the server is not even asked. */
	free(fake_log(&g.fake));
	FAILS(ERR_BUG, guard_messages(&guard, item, 1, take_reason, NULL, &clearance, err));
	ck_assert_ptr_null(clearance);
	fake_logged(&g.fake, "");
	free(told);
}

START_TEST(another_internaldate_ends_the_folder)
{
	begin_three();
	pass();
	fake_find(inbox, 2)->date_unix++;
	check_surprise("its INTERNALDATE on the server is another one");
	end(&g);
}
END_TEST

START_TEST(another_message_id_ends_the_folder)
{
	static const char *const header[] = {
	    "Message-ID: <other@example.org>\r\n\r\n", "\r\n", "Message-ID:\r\n\r\n"};

	for (size_t i = 0; i < 3; i++) {
		begin_three();
		pass();
		fake_find(inbox, 2)->told_header = header[i];
		check_surprise("its Message-ID on the server is another one");
		end(&g);
	}
}
END_TEST

/* Another size is a doubt, which only the bytes can end. */
START_TEST(with_another_size_the_bytes_decide)
{
	static const char other[] = "its text on the server is another one";
	struct plan_item item;

	begin_three();
	pass();
	item = item_of(&g, inbox, 2);
	fake_find(inbox, 2)->told_size = 77;
	check_items(&item, 1, "", "2");
	fake_find(inbox, 2)->sends_no_text = true;
	check_items(&item, 1,
	    "2: its size on the server is another one, and the server does not send it again\n",
	    "");
	fake_find(inbox, 2)->sends_no_text = false;
	fake_find(inbox, 2)->refuses = true;
	check_items(&item, 1,
	    "2: its size on the server is another one, and the server does not send it again\n",
	    "");
	fake_find(inbox, 2)->refuses = false;
	ck_assert(!guard.is_surprised);
	fake_find(inbox, 2)->changes_its_text = true;
	check_surprise(other);
	end(&g);
}
END_TEST

/* What is not the archived message any more is gone, and the whole folder is to be looked at. */
START_TEST(another_text_is_remembered)
{
	struct catalog *catalog;
	struct catalog_folder folder;
	struct catalog_place place;
	struct plan_item item;

	begin_three();
	pass();
	item = item_of(&g, inbox, 2);
	fake_find(inbox, 2)->told_header = "Message-ID: <other@example.org>\r\n\r\n";
	check_surprise("its Message-ID on the server is another one");
	catalog = vault_catalog(guard.vault);
	ck_assert_int_eq(catalog_place(catalog, item.place_number, &place, NULL), 1);
	ck_assert_int_eq(place.state, PLACE_GONE);
	ck_assert_int_eq(catalog_folder_number(catalog, item.folder_number, &folder, NULL), 1);
	ck_assert_uint_eq(folder.messages, 0);
	ck_assert_uint_eq(folder.uidvalidity, FAKE_UIDVALIDITY);
	end(&g);
}
END_TEST

START_TEST(a_message_may_get_a_message_id)
{
	struct plan_item item[2];

	begin(&g, RULES);
	inbox = add_folder(&g, "INBOX");
	add_text(&g, inbox, 1, "", "From: anna\r\n\r\none\r\n");
	add_text(&g, inbox, 2, "", "From: anna\r\n\r\ntwo\r\n");
	ready(&g);
	pass();
	item[0] = item_of(&g, inbox, 1);
	item[1] = item_of(&g, inbox, 2);
	check_items(item, 2, "", "1:2");
	/* It had none, and has one now. */
	fake_find(inbox, 2)->told_header = "Message-ID: <x@y>\r\n\r\n";
	check_items(item + 1, 1, "2: its Message-ID on the server is another one\n", "");
	ck_assert(guard.is_surprised);
	end(&g);
}
END_TEST

/* ---- failures ---- */

START_TEST(a_server_that_fails_clears_nothing)
{
	struct clearance *clearance = NULL;
	struct plan_item item;

	begin_three();
	pass();
	item = item_of(&g, inbox, 1);
	fake_fail(&g.fake, "identify", 1, ERR_NETWORK);
	FAILS(ERR_NETWORK, guard_messages(&guard, &item, 1, take_reason, NULL, &clearance, err));
	ck_assert_ptr_null(clearance);
	end(&g);
}
END_TEST

/* What is not known is no leave. */
START_TEST(a_catalogue_that_fails_clears_nothing)
{
	struct clearance *clearance = NULL;
	struct plan_item item;

	begin_three();
	pass();
	item = item_of(&g, inbox, 1);
	OK(sql_exec(catalog_sql(catalog_of(&g)), "DROP TABLE hold", err));
	ck_assert_int_eq(guard_messages(&guard, &item, 1, take_reason, NULL, &clearance, NULL), -1);
	ck_assert_ptr_null(clearance);
	OK(sql_exec(catalog_sql(catalog_of(&g)), "ALTER TABLE folder RENAME TO away", err));
	FAILS(ERR_IO, guard_folder(&guard, err));
	end(&g);
}
END_TEST

/* A disk that cannot be read says nothing about one message: all of it ends. */
START_TEST(a_segment_that_cannot_be_read)
{
	struct clearance *clearance = NULL;
	struct plan_item item;
	struct err why = {0};
	char *path;

	begin_three();
	archive_close(&g.a);
	archive_open(&g.a, true);
	pass();
	item = item_of(&g, inbox, 1);
	path = mem_format("%s/segments/000001.tar.zst", g.a.folder);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink(path, path), 0); /* leads nowhere */
	ck_assert_int_eq(guard_messages(&guard, &item, 1, take_reason, NULL, &clearance, &why), -1);
	ck_assert_int_eq(why.code, ERR_IO);
	ck_assert_ptr_null(clearance);
	ck_assert_int_eq(guard_messages(&guard, &item, 1, take_reason, NULL, &clearance, NULL), -1);
	free(path);
	end(&g);
}
END_TEST

START_TEST(a_guard_that_failed_later_has_not_passed)
{
	struct clearance *clearance = NULL;
	struct plan_item item;

	begin_three();
	pass();
	item = item_of(&g, inbox, 1);
	guard.state.can_delete = false;
	ck_assert_int_eq(guard_folder(&guard, NULL), -1);
	FAILS(ERR_BUG, guard_messages(&guard, &item, 1, take_reason, NULL, &clearance, err));
	end(&g);
}
END_TEST

/* Several reasons at once: each has its own, and the sum is right. */
START_TEST(each_is_told_its_own_reason)
{
	struct plan_item item[5];

	begin(&g, RULES);
	inbox = add_folder(&g, "INBOX");
	add_letter(&g, inbox, 1, "");
	add_letter(&g, inbox, 2, "");
	archive_hold(&g.a, add_letter(&g, inbox, 3, ""), true);
	add_letter(&g, inbox, 4, "");
	add_letter(&g, inbox, 5, "");
	ready(&g);
	pass();
	for (uint32_t i = 0; i < 5; i++)
		item[i] = item_of(&g, inbox, i + 1);
	fake_set_flags(fake_find(inbox, 1), "\\Flagged");
	fake_find(inbox, 4)->is_unidentified = true;
	fake_find(inbox, 5)->hides_date = true;
	check_items(item, 5,
	    "1: it is flagged on the server now\n3: it is on hold\n4: the server does not show "
	    "it\n5: the server does not tell enough about it\n",
	    "2");
	end(&g);
}
END_TEST

SUITE(a_folder_passes, an_empty_folder_passes, without_deletion_by_uid_nothing_goes,
    uids_that_do_not_last_prove_nothing, a_folder_that_is_open_for_reading,
    a_folder_that_does_not_keep_the_mark, another_uidvalidity, a_folder_that_was_never_archived,
    a_message_that_is_not_archived, a_listing_shorter_than_the_folder,
    a_listed_exception_does_not_stop_the_folder, a_scan_that_fails, a_rehearsal_reads_only,
    all_that_is_proved_is_cleared, held, a_hold_that_was_lifted, a_copy_that_is_damaged,
    a_mirror_that_is_damaged, a_mirror_that_is_missing,
    where_there_is_no_mirror_nothing_is_proven_in_it, a_segment_that_is_gone,
    not_committed_is_not_archived, the_place_has_another_message, gone_or_purged_since_the_plan,
    archived_under_another_uidvalidity, the_server_tells_too_little, the_server_does_not_show_it,
    flagged_since, made_a_draft_since, any_other_flag_since,
    flagged_and_drafts_by_rules_that_speak_of_them, plain_ones_are_marked_as_such,
    another_internaldate_ends_the_folder, another_message_id_ends_the_folder,
    with_another_size_the_bytes_decide, another_text_is_remembered, a_message_may_get_a_message_id,
    a_server_that_fails_clears_nothing, a_catalogue_that_fails_clears_nothing,
    a_segment_that_cannot_be_read, a_guard_that_failed_later_has_not_passed,
    each_is_told_its_own_reason)
