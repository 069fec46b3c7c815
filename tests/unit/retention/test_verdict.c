/* retention/verdict.c: each condition that keeps a message, alone; and in which order they are
 * told. */
#include "retention/verdict.h"

#include "tests/unit/suite.h"

#include <string.h>

#define NOW      1700000000
#define ARCHIVED (NOW - 604800) /* seven days before */

static struct settings_rule settings;
static struct rule rule;
static struct verdict_facts facts;

/* A message that may go, and a rule that says so. */
static void begin(void)
{
	settings = (struct settings_rule){.action = SETTINGS_PURGE, .after_s = 604800};
	rule = (struct rule){.settings = &settings};
	facts = (struct verdict_facts){.is_present = true, .archived_unix = ARCHIVED};
	ck_assert_int_eq(verdict_of(&facts, &rule, NOW), VERDICT_PURGE);
}

START_TEST(no_rule_keeps)
{
	begin();
	ck_assert_int_eq(verdict_of(&facts, NULL, NOW), VERDICT_NO_RULE);
}
END_TEST

START_TEST(a_keeping_rule_keeps)
{
	begin();
	settings.action = SETTINGS_KEEP;
	ck_assert_int_eq(verdict_of(&facts, &rule, NOW), VERDICT_KEEP_RULE);
	facts.is_held = true;
	ck_assert_int_eq(verdict_of(&facts, &rule, NOW), VERDICT_KEEP_RULE);
}
END_TEST

START_TEST(what_is_not_there_does_not_go)
{
	begin();
	facts.is_present = false;
	ck_assert_int_eq(verdict_of(&facts, &rule, NOW), VERDICT_NOT_PRESENT);
	ck_assert_int_eq(verdict_of(&facts, NULL, NOW), VERDICT_NOT_PRESENT);
}
END_TEST

START_TEST(held_stays_whatever_the_rule_speaks_of)
{
	begin();
	facts.is_held = true;
	ck_assert_int_eq(verdict_of(&facts, &rule, NOW), VERDICT_HELD);
	rule.names_flagged = rule.names_draft = true;
	ck_assert_int_eq(verdict_of(&facts, &rule, NOW), VERDICT_HELD);
}
END_TEST

START_TEST(flagged_goes_only_by_a_rule_that_speaks_of_it)
{
	begin();
	facts.is_flagged = true;
	ck_assert_int_eq(verdict_of(&facts, &rule, NOW), VERDICT_FLAGGED);
	rule.names_draft = true;
	ck_assert_int_eq(verdict_of(&facts, &rule, NOW), VERDICT_FLAGGED);
	rule.names_flagged = true;
	ck_assert_int_eq(verdict_of(&facts, &rule, NOW), VERDICT_PURGE);
}
END_TEST

START_TEST(a_draft_goes_only_by_a_rule_that_speaks_of_it)
{
	begin();
	facts.is_draft = true;
	ck_assert_int_eq(verdict_of(&facts, &rule, NOW), VERDICT_DRAFT);
	rule.names_flagged = true;
	ck_assert_int_eq(verdict_of(&facts, &rule, NOW), VERDICT_DRAFT);
	rule.names_draft = true;
	ck_assert_int_eq(verdict_of(&facts, &rule, NOW), VERDICT_PURGE);
}
END_TEST

START_TEST(a_flagged_draft_needs_both)
{
	begin();
	facts.is_draft = facts.is_flagged = true;
	rule.names_flagged = true;
	ck_assert_int_eq(verdict_of(&facts, &rule, NOW), VERDICT_DRAFT);
	rule.names_flagged = false;
	rule.names_draft = true;
	ck_assert_int_eq(verdict_of(&facts, &rule, NOW), VERDICT_FLAGGED);
	rule.names_flagged = true;
	ck_assert_int_eq(verdict_of(&facts, &rule, NOW), VERDICT_PURGE);
}
END_TEST

START_TEST(after_is_counted_to_the_second)
{
	begin();
	ck_assert_int_eq(verdict_of(&facts, &rule, NOW - 1), VERDICT_TOO_FRESH);
	ck_assert_int_eq(verdict_of(&facts, &rule, NOW), VERDICT_PURGE);
	ck_assert_int_eq(verdict_of(&facts, &rule, NOW + 1), VERDICT_PURGE);
	settings.after_s = 0;
	ck_assert_int_eq(verdict_of(&facts, &rule, ARCHIVED), VERDICT_PURGE);
}
END_TEST

/* A clock that was set back, or an archive of another machine. */
START_TEST(archived_in_the_future_is_too_fresh)
{
	begin();
	settings.after_s = 0;
	ck_assert_int_eq(verdict_of(&facts, &rule, ARCHIVED - 1), VERDICT_TOO_FRESH);
	facts.archived_unix = INT64_MAX;
	ck_assert_int_eq(verdict_of(&facts, &rule, NOW), VERDICT_TOO_FRESH);
}
END_TEST

/* It may not purge, and says so only of what it would have purged. */
START_TEST(a_rule_by_hand_purges_nothing)
{
	begin();
	rule.is_by_hand = true;
	ck_assert_int_eq(verdict_of(&facts, &rule, NOW), VERDICT_BY_HAND);
	ck_assert_int_eq(verdict_of(&facts, &rule, NOW - 1), VERDICT_TOO_FRESH);
	facts.is_flagged = true;
	ck_assert_int_eq(verdict_of(&facts, &rule, NOW), VERDICT_FLAGGED);
	settings.action = SETTINGS_KEEP;
	ck_assert_int_eq(verdict_of(&facts, &rule, NOW), VERDICT_KEEP_RULE);
}
END_TEST

START_TEST(every_verdict_has_words_of_its_own)
{
	for (enum verdict i = VERDICT_PURGE; i <= VERDICT_COUNT; i++) {
		ck_assert_ptr_nonnull(verdict_text(i));
		for (enum verdict j = VERDICT_PURGE; j < i; j++)
			ck_assert_str_ne(verdict_text(i), verdict_text(j));
	}
}
END_TEST

SUITE(no_rule_keeps, a_keeping_rule_keeps, what_is_not_there_does_not_go,
    held_stays_whatever_the_rule_speaks_of, flagged_goes_only_by_a_rule_that_speaks_of_it,
    a_draft_goes_only_by_a_rule_that_speaks_of_it, a_flagged_draft_needs_both,
    after_is_counted_to_the_second, archived_in_the_future_is_too_fresh,
    a_rule_by_hand_purges_nothing, every_verdict_has_words_of_its_own)
