/* archiver/sync/audit.c: each listed message is archived, an exception or missing. */
#include "archiver/sync/audit.h"

#include "tests/unit/archive.h"
#include "tests/unit/fake_endpoint.h"

static struct archive a;
static struct fake fake;
static struct fake_folder *inbox;
static struct audit audit;

static struct msg_id archived(uint32_t uid)
{
	struct msg_id id = archive_letter(&a, uid, "audit", "text");

	archive_place(&a, id, (struct archive_place){.folder = "INBOX", .uid = uid});
	return id;
}

static void listed(uint32_t uid)
{
	fake_message(inbox, uid, "text\r\n", "", 0);
}

static void skipped(uint32_t uid, uint32_t uidvalidity)
{
	struct archive_place place = {.folder = "INBOX", .uid = uid, .uidvalidity = uidvalidity};
	struct event event = archive_event(EVENT_SKIPPED, (struct msg_id){0}, &place);

	event.reason = BYTES("too large");
	archive_log(&a, &event);
}

static void begin(void)
{
	archive_begin(&a);
	fake_begin(&fake);
	inbox = fake_folder(&fake, "INBOX");
	audit_init(&audit);
}

static int try_audit(struct err *err)
{
	struct endpoint_state state;

	archive_commit(&a);
	ck_assert_int_eq(
	    endpoint_select(&fake.endpoint, BYTES("INBOX"), ENDPOINT_READ, &state, err), 0);
	audit_release(&audit);
	audit_init(&audit);
	return audit_selected(&audit, &fake.endpoint, &state, vault_catalog(a.vault),
	    BYTES(ARCHIVE_ACCOUNT), BYTES("INBOX"), err);
}

static void check(
    uint64_t server, uint64_t listed_, uint64_t archived_, uint64_t exceptions, const char *missing)
{
	struct buf text;

	OK(try_audit(err));
	buf_init(&text, 1000);
	seqset_format(&audit.missing_uids, 0, UINT64_MAX, 900, &text);
	ck_assert_uint_eq(audit.server, server);
	ck_assert_uint_eq(audit.listed, listed_);
	ck_assert_uint_eq(audit.archived, archived_);
	ck_assert_uint_eq(audit.exceptions, exceptions);
	ck_assert_str_eq(buf_string(&text), missing);
	ck_assert_uint_eq(audit.missing, seqset_count(&audit.missing_uids));
	ck_assert_uint_eq(
	    audit.archived + audit.exceptions + audit.missing, audit.listed); /* and nothing else */
	buf_release(&text);
}

static void done(void)
{
	audit_release(&audit);
	fake_end(&fake);
	archive_end(&a);
}

START_TEST(all_archived_is_complete)
{
	begin();
	ck_assert(!audit_is_complete(&audit)); /* before it was made */
	for (uint32_t uid = 1; uid <= 5; uid++) {
		archived(uid);
		listed(uid);
	}
	check(5, 5, 5, 0, "");
	ck_assert(audit_is_complete(&audit));
	ck_assert_uint_eq(audit.uidvalidity, FAKE_UIDVALIDITY);
	done();
}
END_TEST

START_TEST(an_empty_folder_is_complete)
{
	begin();
	check(0, 0, 0, 0, "");
	ck_assert(audit_is_complete(&audit));
	done();
}
END_TEST

START_TEST(missing_ones_are_named)
{
	begin();
	archived(2);
	for (uint32_t uid = 1; uid <= 4; uid++)
		listed(uid);
	check(4, 4, 1, 0, "1,3:4");
	ck_assert(!audit_is_complete(&audit));
	done();
}
END_TEST

START_TEST(an_exception_is_no_gap)
{
	begin();
	archived(1);
	skipped(2, 1);
	skipped(9, 1); /* not listed: nobody's */
	listed(1);
	listed(2);
	check(2, 2, 1, 1, "");
	ck_assert(audit_is_complete(&audit));
	done();
}
END_TEST

START_TEST(an_exception_of_another_uidvalidity_is_one)
{
	begin();
	archived(1);
	skipped(2, 7);
	listed(1);
	listed(2);
	check(2, 2, 1, 0, "2");
	done();
}
END_TEST

START_TEST(what_was_gone_is_archived_all_the_same)
{
	begin();
	archived(1);
	archive_gone(&a, (struct archive_place){.folder = "INBOX", .uid = 1});
	listed(1);
	check(1, 1, 1, 0, "");
	ck_assert(audit_is_complete(&audit));
	done();
}
END_TEST

START_TEST(what_is_archived_and_not_listed_counts_nothing)
{
	begin();
	archived(1);
	archived(2);
	listed(2);
	check(1, 1, 1, 0, "");
	ck_assert(audit_is_complete(&audit));
	done();
}
END_TEST

START_TEST(a_short_listing_is_not_complete)
{
	begin();
	archived(1);
	listed(1);
	inbox->claims_more = 1;
	check(2, 1, 1, 0, "");
	ck_assert(!audit_is_complete(&audit));
	done();
}
END_TEST

/* One that came in between is longer than the count, and must be archived. */
START_TEST(a_longer_listing_may_be_complete)
{
	audit_init(&audit);
	audit.uidvalidity = 1;
	audit.server = 1;
	audit.listed = audit.archived = 2;
	ck_assert(audit_is_complete(&audit));
	audit.missing = 1;
	ck_assert(!audit_is_complete(&audit));
	audit_release(&audit);
}
END_TEST

START_TEST(under_another_uidvalidity_nothing_is_archived)
{
	begin();
	archived(1);
	listed(1);
	inbox->state.uidvalidity = 2;
	check(1, 1, 0, 0, "1");
	ck_assert(!audit_is_complete(&audit));
	done();
}
END_TEST

/* Its UID is archived, but the message is another one. */
START_TEST(another_internaldate_is_another_message)
{
	begin();
	archived(1);
	archived(2);
	listed(1);
	listed(2);
	inbox->message[1].date_unix = 1;
	check(2, 2, 1, 0, "2");
	ck_assert(!audit_is_complete(&audit));
	inbox->message[1].hides_date = true; /* not told: no sign of it */
	check(2, 2, 2, 0, "");
	done();
}
END_TEST

START_TEST(uids_that_do_not_last_are_never_complete)
{
	begin();
	archived(1);
	skipped(2, 1);
	listed(1);
	listed(2);
	inbox->state.uids_are_sticky = false;
	check(2, 2, 0, 0, "1:2");
	ck_assert_uint_eq(audit.uidvalidity, 0);
	fake_remove(inbox, 1);
	fake_remove(inbox, 2);
	check(0, 0, 0, 0, "");
	ck_assert(!audit_is_complete(&audit));
	done();
}
END_TEST

START_TEST(a_listing_that_fails)
{
	begin();
	archived(1);
	listed(1);
	fake_fail(&fake, "scan", 1, ERR_NETWORK);
	FAILS(ERR_NETWORK, try_audit(err));
	ck_assert(!audit_is_complete(&audit));
	done();
}
END_TEST

START_TEST(the_statement_for_the_journal)
{
	struct event event;

	begin();
	archived(1);
	skipped(2, 1);
	for (uint32_t uid = 1; uid <= 5; uid++)
		listed(uid);
	check(5, 5, 1, 1, "3:5");
	event = audit_event(&audit, BYTES("work"), BYTES("INBOX"));
	ck_assert_int_eq(event.kind, EVENT_AUDIT);
	ck_assert(bytes_is(event.account, "work") && bytes_is(event.folder, "INBOX"));
	ck_assert_uint_eq(event.uidvalidity, 1);
	ck_assert_uint_eq(event.messages, 5);
	ck_assert_uint_eq(event.archived, 1);
	ck_assert_uint_eq(event.exceptions, 1);
	ck_assert_uint_eq(event.missing, 3);
	archive_log(&a, &event);
	archive_commit(&a);
	done();
}
END_TEST

SUITE(all_archived_is_complete, an_empty_folder_is_complete, missing_ones_are_named,
    an_exception_is_no_gap, an_exception_of_another_uidvalidity_is_one,
    what_was_gone_is_archived_all_the_same, what_is_archived_and_not_listed_counts_nothing,
    a_short_listing_is_not_complete, a_longer_listing_may_be_complete,
    under_another_uidvalidity_nothing_is_archived, another_internaldate_is_another_message,
    uids_that_do_not_last_are_never_complete, a_listing_that_fails, the_statement_for_the_journal)
