/* retention/plan.c: which messages are to go, by which rule; and the fences of a run. */
#include "retention/plan.h"

#include "tests/unit/indexed.h"
#include "tests/unit/retention/ground.h"

#define DAY      86400
#define NOW      (ARCHIVE_TIME + 30 * DAY)
#define ALL      "max-share = 100%\nafter = 0s\n"
#define PURGE(q) "match = " q "\naction = purge\n" ALL
#define KEEP(q)  "match = " q "\naction = keep\n"

static struct ground g;
static struct index *index_now;
static struct plan plan;

static void ready_to_plan(void)
{
	ready(&g);
	index_now = indexed(&g.a);
}

static void make(const char *account, int64_t now)
{
	OK(plan_make(&plan, catalog_of(&g), index_now, &g.rules, account, now, err));
}

static void done(void)
{
	plan_release(&plan);
	ck_assert_ptr_null(plan.item);
	plan_release(&plan);
	index_close(index_now);
	end(&g);
}

/* "UID:verdict:rule" of each item in its order. */
static void check_plan(const char *expected)
{
	static const char *const word[] = {[VERDICT_PURGE] = "purge",
	    [VERDICT_HELD] = "held",
	    [VERDICT_FLAGGED] = "flagged",
	    [VERDICT_DRAFT] = "draft",
	    [VERDICT_TOO_FRESH] = "fresh",
	    [VERDICT_BY_HAND] = "by-hand",
	    [VERDICT_SHARE] = "share",
	    [VERDICT_COUNT] = "count"};
	uint64_t count = 0, bytes = 0;
	struct buf text;

	buf_init(&text, 100000);
	for (size_t i = 0; i < plan.count; i++) {
		const struct plan_item *item = &plan.item[i];

		buf_format(&text, "%s%u:%s:%s", i ? " " : "", item->uid, word[item->verdict],
		    g.rules.rule[item->rule].settings->name);
		count += item->verdict == VERDICT_PURGE;
		bytes += item->verdict == VERDICT_PURGE ? item->size_bytes : 0;
	}
	ck_assert_str_eq(buf_string(&text), expected);
	ck_assert_uint_eq(plan.purge_count, count);
	ck_assert_uint_eq(plan.purge_bytes, bytes);
	buf_release(&text);
}

static void check_why(int64_t place, enum verdict verdict, int rule)
{
	enum verdict got;
	int by;

	OK(plan_why(catalog_of(&g), index_now, &g.rules, place, NOW, &got, &by, err));
	ck_assert_str_eq(verdict_text(got), verdict_text(verdict));
	ck_assert_int_eq(by, rule);
}

/* ---- rules ---- */

START_TEST(the_first_rule_that_selects_decides)
{
	begin(&g,
	    "[rule a]\n" PURGE("subject:1") "[rule b]\n" KEEP("subject:2") "[rule c]\n" PURGE(
		"subject:1 OR subject:2 OR subject:3") "[rule d]\n" KEEP("subject:3"));
	add_letters(&g, add_folder(&g, "INBOX"), 1, 4);
	ready_to_plan();
	make(NULL, NOW);
	check_plan("1:purge:a 3:purge:c");
	check_why(1, VERDICT_PURGE, 0);
	check_why(2, VERDICT_KEEP_RULE, 1);
	check_why(3, VERDICT_PURGE, 2);
	check_why(4, VERDICT_NO_RULE, -1);
	done();
}
END_TEST

/* Also when the first one says no for a reason of its own. */
START_TEST(a_later_rule_does_not_overrule)
{
	begin(&g,
	    "[rule a]\nmatch = from:anna\naction = purge\nafter = 90d\n[rule b]\n" PURGE(
		"from:anna"));
	add_letters(&g, add_folder(&g, "INBOX"), 1, 1);
	ready_to_plan();
	make(NULL, NOW);
	check_plan("1:fresh:a");
	check_why(1, VERDICT_TOO_FRESH, 0);
	done();
}
END_TEST

START_TEST(no_rules_plan_nothing)
{
	begin(&g, "");
	add_letters(&g, add_folder(&g, "INBOX"), 1, 2);
	ready_to_plan();
	make(NULL, NOW);
	check_plan("");
	check_why(1, VERDICT_NO_RULE, -1);
	done();
}
END_TEST

START_TEST(an_empty_archive)
{
	begin(&g, RULE_OLD);
	ready_to_plan();
	make(NULL, NOW);
	check_plan("");
	done();
}
END_TEST

static void add_elsewhere(const char *account, const char *folder, uint32_t uid)
{
	char *text = mem_format("From: anna\r\n\r\n%s %s %u\r\n", account, folder, uid);

	archive_place(&g.a, archive_put(&g.a, text),
	    (struct archive_place){.account = account,
		.folder = folder,
		.uid = uid,
		.flags = "",
		.date_unix = LETTER_TIME});
	free(text);
}

START_TEST(a_rule_of_one_account)
{
	begin(&g,
	    "[rule a]\naccount = home\n" KEEP("from:anna") "[rule b]\naccount = work\n" PURGE(
		"from:anna"));
	add_elsewhere("work", "INBOX", 1);
	add_elsewhere("home", "INBOX", 2);
	add_elsewhere("work", "Other", 3);
	add_elsewhere("home", "Other", 4);
	ready_to_plan();
	make(NULL, NOW);
	check_plan("1:purge:b 3:purge:b");
	check_why(2, VERDICT_KEEP_RULE, 0);
	done();
}
END_TEST

/* What was found out of a folder for one rule is not true for the next. */
START_TEST(each_rule_asks_for_its_account_anew)
{
	begin(&g,
	    "[rule a]\naccount = home\n" KEEP("from:anna") "[rule b]\naccount = work\n" PURGE(
		"from:anna"));
	add_elsewhere("work", "INBOX", 1);
	ready_to_plan();
	make(NULL, NOW);
	check_plan("1:purge:b");
	done();
	begin(&g,
	    "[rule a]\naccount = work\n" PURGE(
		"subject:nothing OR from:nobody OR 1") "[rule b]\n"
						       "account = home\n" PURGE("from:anna"));
	add_elsewhere("work", "INBOX", 1);
	add_elsewhere("work", "INBOX", 2);
	ready_to_plan();
	make(NULL, NOW);
	check_plan("1:purge:a");
	done();
}
END_TEST

START_TEST(a_plan_of_one_account)
{
	begin(&g, RULE_OLD);
	add_elsewhere("work", "INBOX", 1);
	add_elsewhere("home", "INBOX", 2);
	ready_to_plan();
	make("home", NOW);
	check_plan("2:purge:old");
	plan_release(&plan);
	make("work", NOW);
	check_plan("1:purge:old");
	plan_release(&plan);
	make("nobody", NOW);
	check_plan("");
	plan_release(&plan);
	make(NULL, NOW);
	check_plan("1:purge:old 2:purge:old");
	done();
}
END_TEST

/* ---- verdicts, from what the catalogue says ---- */

START_TEST(flags_and_holds_of_the_catalogue)
{
	struct fake_folder *inbox;

	begin(&g, RULE_OLD);
	inbox = add_folder(&g, "INBOX");
	add_letter(&g, inbox, 1, "\\Flagged \\Seen");
	add_letter(&g, inbox, 2, "\\Draft");
	archive_hold(&g.a, add_letter(&g, inbox, 3, ""), true);
	add_letter(&g, inbox, 4, "\\Seen");
	ready_to_plan();
	make(NULL, NOW);
	check_plan("1:flagged:old 2:draft:old 3:held:old 4:purge:old");
	check_why(1, VERDICT_FLAGGED, 0);
	check_why(3, VERDICT_HELD, 0);
	done();
}
END_TEST

START_TEST(what_is_not_on_the_server_is_not_planned)
{
	struct fake_folder *inbox;
	struct msg_id purged;

	begin(&g, RULE_OLD);
	inbox = add_folder(&g, "INBOX");
	add_letter(&g, inbox, 1, "");
	purged = add_letter(&g, inbox, 2, "");
	add_letter(&g, inbox, 3, "");
	archive_gone(&g.a, (struct archive_place){.folder = "INBOX", .uid = 1});
	archive_purged(&g.a, purged, (struct archive_place){.folder = "INBOX", .uid = 2});
	add_elsewhere("work", "Old", 4);
	archive_retired(&g.a, (struct archive_place){.folder = "Old"});
	ready_to_plan();
	make(NULL, NOW);
	check_plan("3:purge:old");
	check_why(1, VERDICT_NOT_PRESENT, -1);
	done();
}
END_TEST

/* From the time of its batch, not from any time of the message. */
START_TEST(after_counts_from_the_archiving)
{
	begin(&g, "[rule a]\nmatch = from:anna\naction = purge\nafter = 7d\nmax-share = 100%\n");
	add_letters(&g, add_folder(&g, "INBOX"), 1, 1);
	ready_to_plan();
	make(NULL, ARCHIVE_TIME + 7 * DAY - 1);
	check_plan("1:fresh:a");
	plan_release(&plan);
	make(NULL, ARCHIVE_TIME + 7 * DAY);
	check_plan("1:purge:a");
	plan_release(&plan);
	make(NULL, LETTER_TIME + 7 * DAY);
	check_plan("1:fresh:a");
	done();
}
END_TEST

/* And at a place from when it was seen there. */
START_TEST(after_counts_from_the_placing)
{
	struct msg_id id;

	begin(&g, "[rule a]\nmatch = from:anna\naction = purge\nafter = 7d\nmax-share = 100%\n");
	id = add_letter(&g, add_folder(&g, "INBOX"), 1, "");
	ready(&g);
	archive_time = ARCHIVE_TIME + 5 * DAY;
	archive_place(
	    &g.a, id, (struct archive_place){.folder = "Other", .uid = 2, .date_unix = 1});
	ready_to_plan();
	make(NULL, ARCHIVE_TIME + 8 * DAY);
	check_plan("1:purge:a 2:fresh:a");
	plan_release(&plan);
	make(NULL, ARCHIVE_TIME + 12 * DAY);
	check_plan("1:purge:a 2:purge:a");
	done();
}
END_TEST

/* The worker leaves what a rule by hand selects, also where a later rule would take it. */
START_TEST(a_rule_by_hand_shields)
{
	begin(
	    &g, "[rule hand]\n" PURGE("subject:1") "[rule auto]\nauto = yes\n" PURGE("from:anna"));
	rules_release(&g.rules);
	OK(rules_make(&g.rules, g.settings, true, ARCHIVE_TIME, err));
	add_letters(&g, add_folder(&g, "INBOX"), 1, 2);
	ready_to_plan();
	make(NULL, NOW);
	check_plan("1:by-hand:hand 2:purge:auto");
	done();
}
END_TEST

START_TEST(an_item_says_where_it_is)
{
	struct catalog_place place;
	const struct plan_item *item;
	struct plan_item expected;

	begin(&g, "[rule k]\n" KEEP("from:boss") RULE_OLD);
	add_letters(&g, add_folder(&g, "INBOX"), 1, 1);
	add_letters(&g, add_folder(&g, "Other"), 77, 77);
	ready_to_plan();
	make(NULL, NOW);
	ck_assert_uint_eq(plan.count, 2);
	item = &plan.item[1];
	expected = item_of(&g, &g.fake.folder[1], 77);
	place = place_of(&g, "Other", 77);
	ck_assert_int_eq(item->place_number, place.number);
	ck_assert_int_eq(item->message_n, place.message_n);
	ck_assert_int_eq(item->folder_number, folder_of(&g, "Other").number);
	ck_assert_uint_eq(item->uidvalidity, FAKE_UIDVALIDITY);
	ck_assert_uint_eq(item->uid, 77);
	ck_assert_int_eq(item->date_unix, LETTER_TIME + 77);
	ck_assert_uint_eq(item->size_bytes, expected.size_bytes);
	ck_assert_uint_eq(item->rule, 1);
	done();
}
END_TEST

/* ---- order and fences ---- */

static void place_dated(struct fake_folder *folder, uint32_t uid, int64_t date_unix)
{
	char *text = mem_format("From: anna\r\n\r\n%s %u\r\n", folder->name, uid);

	archive_place(&g.a, archive_put(&g.a, text),
	    (struct archive_place){
		.folder = folder->name, .uid = uid, .flags = "", .date_unix = date_unix});
	free(text);
}

START_TEST(by_folder_and_the_oldest_first)
{
	struct fake_folder *a, *b;

	begin(&g, RULE_OLD);
	a = add_folder(&g, "A");
	b = add_folder(&g, "B");
	place_dated(b, 11, 100);
	place_dated(a, 1, 300);
	place_dated(a, 4, 200);
	place_dated(a, 3, 200);
	place_dated(b, 12, -5);
	place_dated(a, 5, 200);
	place_dated(a, 2, 400);
	ready_to_plan();
	make(NULL, NOW);
	check_plan("3:purge:old 4:purge:old 5:purge:old 1:purge:old 2:purge:old 12:purge:old "
		   "11:purge:old");
	done();
}
END_TEST

START_TEST(the_share_of_a_folder_is_never_passed)
{
	struct fake_folder *a, *b;

	begin(&g, "[rule old]\nmatch = from:anna\naction = purge\nafter = 0s\n"); /* 25 % */
	a = add_folder(&g, "A");
	b = add_folder(&g, "B");
	add_letters(&g, a, 1, 9);
	add_letters(&g, b, 21, 23);
	ready_to_plan();
	make(NULL, NOW);
	/* A quarter of 9 is 2.25; of 3 less than one. */
	check_plan("1:purge:old 2:purge:old 3:share:old 4:share:old 5:share:old 6:share:old "
		   "7:share:old 8:share:old 9:share:old 21:share:old 22:share:old 23:share:old");
	done();
}
END_TEST

START_TEST(a_share_may_be_used_up_wholly)
{
	begin(&g, "[rule old]\nmatch = from:anna\naction = purge\nafter = 0s\n"); /* 25 % */
	add_letters(&g, add_folder(&g, "A"), 1, 4);
	ready_to_plan();
	make(NULL, NOW);
	check_plan("1:purge:old 2:share:old 3:share:old 4:share:old");
	done();
}
END_TEST

/* Of what is on the server, also of what no rule selects; not of what is gone. */
START_TEST(the_share_is_of_the_present)
{
	struct fake_folder *a;

	begin(&g,
	    "[rule old]\nmatch = from:anna -subject:8\naction = purge\nafter = 0s\nmax-share = "
	    "50%\n");
	a = add_folder(&g, "A");
	add_letters(&g, a, 1, 8);
	for (uint32_t uid = 1; uid <= 4; uid++)
		archive_gone(&g.a, (struct archive_place){.folder = "A", .uid = uid});
	ready_to_plan();
	make(NULL, NOW);
	check_plan("5:purge:old 6:purge:old 7:share:old");
	done();
}
END_TEST

/* What stays for another reason takes nothing of the share. */
START_TEST(the_share_counts_what_goes)
{
	struct fake_folder *a;

	begin(&g, "[rule old]\nmatch = from:anna\naction = purge\nafter = 0s\nmax-share = 50%\n");
	a = add_folder(&g, "A");
	add_letter(&g, a, 1, "\\Flagged");
	add_letters(&g, a, 2, 4);
	ready_to_plan();
	make(NULL, NOW);
	check_plan("1:flagged:old 2:purge:old 3:purge:old 4:share:old");
	done();
}
END_TEST

/* Two rules in one folder do not each take their share. */
START_TEST(rules_share_a_folder)
{
	begin(&g,
	    "[rule a]\nmatch = subject:1 OR subject:2\naction = purge\nafter = 0s\nmax-share = "
	    "50%\n[rule b]\nmatch = from:anna\naction = purge\nafter = 0s\nmax-share = 50%\n");
	add_letters(&g, add_folder(&g, "A"), 1, 4);
	ready_to_plan();
	make(NULL, NOW);
	check_plan("1:purge:a 2:purge:a 3:share:b 4:share:b");
	done();
}
END_TEST

START_TEST(a_rule_takes_no_more_than_its_count)
{
	struct fake_folder *a, *b;

	begin(&g,
	    "[rule a]\nmatch = -subject:4\naction = purge\nmax-count = 3\n" ALL
	    "[rule b]\nmatch = subject:4\naction = purge\nmax-count = 1\n" ALL);
	a = add_folder(&g, "A");
	b = add_folder(&g, "B");
	add_letters(&g, a, 1, 2);
	add_letters(&g, b, 3, 6);
	ready_to_plan();
	make(NULL, NOW);
	check_plan("1:purge:a 2:purge:a 3:purge:a 4:purge:b 5:count:a 6:count:a");
	done();
}
END_TEST

START_TEST(the_count_is_of_what_goes)
{
	struct fake_folder *a;

	begin(&g, "[rule a]\nmatch = from:anna\naction = purge\nmax-count = 2\n" ALL);
	a = add_folder(&g, "A");
	add_letter(&g, a, 1, "\\Flagged");
	add_letters(&g, a, 2, 4);
	ready_to_plan();
	make(NULL, NOW);
	check_plan("1:flagged:a 2:purge:a 3:purge:a 4:count:a");
	done();
}
END_TEST

/* A worker that runs often does not come round the fence. */
START_TEST(what_went_in_the_last_day_counts)
{
	struct fake_folder *a;
	struct msg_id id[2];

	begin(&g, "[rule old]\nmatch = from:anna\naction = purge\nafter = 0s\nmax-share = 50%\n");
	a = add_folder(&g, "A");
	id[0] = add_letter(&g, a, 1, "");
	id[1] = add_letter(&g, a, 2, "");
	add_letters(&g, a, 3, 6);
	ready(&g);
	archive_time = NOW;
	for (uint32_t i = 0; i < 2; i++)
		archive_purged(&g.a, id[i], (struct archive_place){.folder = "A", .uid = i + 1});
	ready_to_plan();
	make(NULL, NOW + DAY - 1);
	check_plan("3:purge:old 4:share:old 5:share:old 6:share:old"); /* 3 of 6 */
	plan_release(&plan);
	make(NULL, NOW + DAY);
	check_plan("3:purge:old 4:purge:old 5:share:old 6:share:old"); /* 2 of 4 */
	done();
}
END_TEST

/* ---- the index ---- */

START_TEST(an_index_that_is_behind_plans_nothing)
{
	struct fake_folder *inbox;

	begin(&g, "[rule shield]\n" KEEP("subject:2") RULE_OLD);
	inbox = add_folder(&g, "INBOX");
	add_letter(&g, inbox, 1, "");
	ready_to_plan();
	add_letter(&g, inbox, 2, "");
	ready(&g);
	memset(&plan, 0xff, sizeof plan);
	FAILS(ERR_UNSAFE, plan_make(&plan, catalog_of(&g), index_now, &g.rules, NULL, NOW, err));
	ck_assert_ptr_null(plan.item);
	ck_assert_uint_eq(plan.count + plan.purge_count, 0);
	index_close(index_now);
	index_now = indexed(&g.a);
	make(NULL, NOW);
	check_plan("1:purge:old");
	done();
}
END_TEST

/* What is not known of a hold is no leave. */
START_TEST(a_catalogue_that_fails_plans_nothing)
{
	begin(&g, RULE_OLD);
	add_letters(&g, add_folder(&g, "INBOX"), 1, 2);
	ready_to_plan();
	OK(sql_exec(catalog_sql(catalog_of(&g)), "DROP TABLE hold", err));
	memset(&plan, 0xff, sizeof plan);
	FAILS(ERR_IO, plan_make(&plan, catalog_of(&g), index_now, &g.rules, NULL, NOW, err));
	ck_assert_ptr_null(plan.item);
	ck_assert_uint_eq(plan.count, 0);
	done();
}
END_TEST

START_TEST(the_same_gives_the_same)
{
	struct plan first;

	begin(&g, RULE_OLD);
	add_letters(&g, add_folder(&g, "A"), 1, 50);
	ready_to_plan();
	make(NULL, NOW);
	first = plan;
	make(NULL, NOW);
	ck_assert_uint_eq(first.count, 50);
	ck_assert_uint_eq(plan.count, 50);
	for (size_t i = 0; i < 50; i++)
		ck_assert(first.item[i].uid == plan.item[i].uid &&
		    first.item[i].verdict == plan.item[i].verdict);
	plan_release(&first);
	done();
}
END_TEST

START_TEST(why_of_what_does_not_exist)
{
	enum verdict verdict;
	int rule;

	begin(&g, RULE_OLD);
	add_letters(&g, add_folder(&g, "A"), 1, 1);
	ready_to_plan();
	for (int64_t number = -1; number < 3; number++)
		if (number != 1)
			ck_assert_int_eq(plan_why(catalog_of(&g), index_now, &g.rules, number, NOW,
					     &verdict, &rule, NULL),
			    -1);
	done();
}
END_TEST

SUITE(the_first_rule_that_selects_decides, a_later_rule_does_not_overrule, no_rules_plan_nothing,
    an_empty_archive, a_rule_of_one_account, each_rule_asks_for_its_account_anew,
    a_plan_of_one_account, flags_and_holds_of_the_catalogue,
    what_is_not_on_the_server_is_not_planned, after_counts_from_the_archiving,
    after_counts_from_the_placing, a_rule_by_hand_shields, what_went_in_the_last_day_counts,
    an_item_says_where_it_is, by_folder_and_the_oldest_first, the_share_of_a_folder_is_never_passed,
    a_share_may_be_used_up_wholly, the_share_is_of_the_present, the_share_counts_what_goes,
    rules_share_a_folder, a_rule_takes_no_more_than_its_count, the_count_is_of_what_goes,
    an_index_that_is_behind_plans_nothing, a_catalogue_that_fails_plans_nothing,
    the_same_gives_the_same, why_of_what_does_not_exist)
