/* retention/resolve.c: what became of intents is seen on the server, or stays open. */
#include "tests/unit/retention/purging.h"

static struct ground g;
static struct fake_folder *inbox;

static void intend(const char *account, const char *folder, uint32_t uid, struct msg_id id)
{
	struct archive_place place = {.account = account, .folder = folder, .uid = uid};
	struct event event = archive_event(EVENT_PURGE, id, &place);

	event.run = BYTES("P000009");
	event.rule = BYTES("old");
	event.state = BYTES("intent");
	archive_log(&g.a, &event);
}

static void add_intended(struct fake_folder *folder, uint32_t first, uint32_t last)
{
	for (uint32_t uid = first; uid <= last; uid++)
		intend(NULL, folder->name, uid, add_letter(&g, folder, uid, ""));
}

/* Letters 1 to 3 were to go; 2 has gone, 3 is marked; 4 is nobody's business, and marked. */
static void begin_three(void)
{
	begin(&g, RULE_OLD);
	inbox = add_folder(&g, "INBOX");
	add_intended(inbox, 1, 3);
	add_letters(&g, inbox, 4, 4);
	ready(&g);
	fake_find(inbox, 3)->is_marked = true;
	fake_find(inbox, 4)->is_marked = true;
	fake_remove(inbox, 2);
}

static void resolve(uint64_t expected)
{
	uint64_t resolved = 77;

	OK(purge_resolve(g.a.vault, &g.fake.endpoint, "work", &resolved, err));
	ck_assert_uint_eq(resolved, expected);
}

static void resolve_fails(enum err_code code)
{
	uint64_t resolved;

	FAILS(code, purge_resolve(g.a.vault, &g.fake.endpoint, "work", &resolved, err));
	purging_journal(&g, NULL, "1 intent\n2 intent\n3 intent\n");
}

#define RESOLVED                                                                                   \
	"1 kept: found so after an interruption\n"                                                 \
	"2 confirmed: found so after an interruption\n"                                            \
	"3 kept: found so after an interruption\n"

START_TEST(gone_is_confirmed_and_what_is_there_is_kept)
{
	begin_three();
	resolve(3);
	purging_journal(&g, NULL, "");
	purging_journal(&g, "P000009", RESOLVED);
	ck_assert_int_eq(place_of(&g, "INBOX", 1).state, PLACE_PRESENT);
	ck_assert_int_eq(place_of(&g, "INBOX", 2).state, PLACE_PURGED);
	/* Only our marks come off. */
	fake_logged(&g.fake, "select INBOX, scan, unmark 3");
	ck_assert(!fake_find(inbox, 3)->is_marked && fake_find(inbox, 4)->is_marked);
	/* And then there is nothing left to look for. */
	resolve(0);
	fake_logged(&g.fake, "");
	end(&g);
}
END_TEST

START_TEST(no_intents_ask_nothing)
{
	begin(&g, RULE_OLD);
	add_letters(&g, add_folder(&g, "INBOX"), 1, 1);
	ready(&g);
	resolve(0);
	fake_logged(&g.fake, "");
	end(&g);
}
END_TEST

START_TEST(what_has_an_outcome_is_not_asked_again)
{
	struct archive_place place = {.folder = "INBOX", .uid = 1};

	begin(&g, RULE_OLD);
	inbox = add_folder(&g, "INBOX");
	archive_purged(&g.a, add_letter(&g, inbox, 1, ""), place);
	ready(&g);
	resolve(0);
	fake_logged(&g.fake, "");
	end(&g);
}
END_TEST

/* A message that is not listed may be there. */
START_TEST(a_short_listing_proves_nothing)
{
	begin_three();
	fake_find(inbox, 1)->is_unlisted = true;
	resolve(0);
	fake_logged(&g.fake, "select INBOX, scan");
	purging_journal(&g, NULL, "1 intent\n2 intent\n3 intent\n");
	fake_find(inbox, 1)->is_unlisted = false;
	resolve(3);
	purging_journal(&g, "P000009", RESOLVED);
	end(&g);
}
END_TEST

START_TEST(a_folder_that_cannot_be_opened_stays_open)
{
	begin_three();
	fake_fail(&g.fake, "select", 1, ERR_SERVER);
	resolve(0);
	purging_journal(&g, NULL, "1 intent\n2 intent\n3 intent\n");
	end(&g);
}
END_TEST

START_TEST(numbered_anew_claims_nothing)
{
	begin_three();
	inbox->state.uidvalidity = 2;
	resolve(3);
	fake_logged(&g.fake, "select INBOX");
	purging_journal(&g, "P000009",
	    "1 kept: the folder was numbered anew before its outcome was seen\n"
	    "2 kept: the folder was numbered anew before its outcome was seen\n"
	    "3 kept: the folder was numbered anew before its outcome was seen\n");
	end(&g);
}
END_TEST

START_TEST(a_mark_that_cannot_come_off_hinders_nothing)
{
	begin_three();
	fake_fail(&g.fake, "unmark", 1, ERR_SERVER);
	resolve(3);
	purging_journal(&g, "P000009", RESOLVED);
	end(&g);
}
END_TEST

START_TEST(a_folder_that_is_read_only_is_looked_at)
{
	begin_three();
	inbox->state.is_writable = false;
	resolve(3);
	fake_logged(&g.fake, "select INBOX, scan");
	purging_journal(&g, "P000009", RESOLVED);
	end(&g);
}
END_TEST

START_TEST(a_broken_connection_leaves_all_open)
{
	static const char *const call[] = {"select", "scan", "unmark"};

	for (size_t i = 0; i < 3; i++) {
		begin_three();
		fake_fail(&g.fake, call[i], 1, ERR_NETWORK);
		resolve_fails(ERR_NETWORK);
		end(&g);
	}
}
END_TEST

START_TEST(folder_by_folder)
{
	struct fake_folder *other;

	begin(&g, RULE_OLD);
	inbox = add_folder(&g, "INBOX");
	other = add_folder(&g, "Other");
	add_intended(other, 1, 2);
	add_intended(inbox, 1, 2);
	ready(&g);
	fake_remove(inbox, 1);
	fake_remove(other, 2);
	resolve(4);
	fake_logged(&g.fake, "select INBOX, scan, select Other, scan");
	ck_assert_int_eq(place_of(&g, "INBOX", 1).state, PLACE_PURGED);
	ck_assert_int_eq(place_of(&g, "INBOX", 2).state, PLACE_PRESENT);
	ck_assert_int_eq(place_of(&g, "Other", 1).state, PLACE_PRESENT);
	ck_assert_int_eq(place_of(&g, "Other", 2).state, PLACE_PURGED);
	end(&g);
}
END_TEST

/* Outcomes that cannot be written are none. */
START_TEST(a_catalogue_that_fails)
{
	uint64_t resolved;

	begin_three();
	OK(sql_exec(catalog_sql(catalog_of(&g)), "ALTER TABLE message RENAME TO away", err));
	FAILS(ERR_IO, purge_resolve(g.a.vault, &g.fake.endpoint, "work", &resolved, err));
	end(&g);
}
END_TEST

static int check_rule(void *arg, const struct catalog_purge *purge, struct err *err)
{
	(void)err;
	++*(int *)arg;
	ck_assert(bytes_is(purge->rule, "old"));
	ck_assert(bytes_is(purge->run, "P000009"));
	return 0;
}

START_TEST(an_outcome_keeps_rule_and_run)
{
	int count = 0;

	begin_three();
	resolve(3);
	OK(catalog_each_purge(catalog_of(&g), "P000009", check_rule, &count, err));
	ck_assert_int_eq(count, 3);
	OK(catalog_each_purge(catalog_of(&g), NULL, check_rule, &count, err));
	ck_assert_int_eq(count, 3);
	end(&g);
}
END_TEST

/* One that fails does not hinder the others. */
START_TEST(a_closed_folder_does_not_hide_the_next)
{
	struct fake_folder *other;

	begin(&g, RULE_OLD);
	inbox = add_folder(&g, "INBOX");
	other = add_folder(&g, "Other");
	add_intended(inbox, 1, 1);
	add_intended(other, 2, 2);
	ready(&g);
	fake_fail(&g.fake, "select", 1, ERR_SERVER);
	resolve(1);
	purging_journal(&g, NULL, "1 intent\n");
	end(&g);
}
END_TEST

START_TEST(other_accounts_keep_theirs)
{
	struct archive_place place = {.account = "home", .folder = "INBOX", .uid = 5};
	struct msg_id id;

	begin_three();
	id = archive_put(&g.a, "From: b\r\n\r\nb\r\n");
	archive_place(&g.a, id, place);
	intend("home", "INBOX", 5, id);
	ready(&g);
	resolve(3);
	fake_logged(&g.fake, "select INBOX, scan, unmark 3");
	purging_journal(&g, NULL, "5 intent\n");
	end(&g);
}
END_TEST

SUITE(gone_is_confirmed_and_what_is_there_is_kept, no_intents_ask_nothing,
    what_has_an_outcome_is_not_asked_again, a_short_listing_proves_nothing,
    a_folder_that_cannot_be_opened_stays_open, numbered_anew_claims_nothing,
    a_mark_that_cannot_come_off_hinders_nothing, a_folder_that_is_read_only_is_looked_at,
    a_broken_connection_leaves_all_open, folder_by_folder, a_catalogue_that_fails,
    an_outcome_keeps_rule_and_run, a_closed_folder_does_not_hide_the_next,
    other_accounts_keep_theirs)
