/* retention/rule.c: the rules of the settings as queries. */
#include "retention/rule.h"

#include "tests/unit/retention/ground.h"

#define RULE(name, match, action) "[rule " name "]\nmatch = " match "\naction = " action "\n"
#define AUTO                      "auto = yes\n"

static struct settings *settings;
static struct rules rules;

static void make(const char *text, bool only_auto)
{
	settings = read_rules(text);
	memset(&rules, 0xff, sizeof rules); /* whatever was in it */
	OK(rules_make(&rules, settings, only_auto, ARCHIVE_TIME, err));
}

static void check_names(const char *expected)
{
	struct buf names;

	buf_init(&names, 1000);
	for (size_t i = 0; i < rules.count; i++)
		buf_format(&names, "%s ", rules.rule[i].settings->name);
	ck_assert_str_eq(buf_string(&names), expected);
	buf_release(&names);
}

static void done(void)
{
	rules_release(&rules);
	ck_assert_uint_eq(rules.count, 0);
	rules_release(&rules); /* twice is legal */
	settings_free(settings);
}

START_TEST(rules_stand_in_the_order_of_the_file)
{
	make(RULE("z", "older:1y", "purge") RULE("a", "from:x", "keep")
		 RULE("m", "larger:1M", "purge"),
	    false);
	check_names("z a m ");
	ck_assert_ptr_eq(rules.rule[1].settings, &settings->rule[1]);
	ck_assert_ptr_nonnull(rules.rule[1].query);
	done();
}
END_TEST

START_TEST(no_rules_are_no_rules)
{
	make("", false);
	check_names("");
	done();
	make("", true);
	check_names("");
	done();
}
END_TEST

static void check_named(const char *match, bool flagged, bool draft)
{
	char *text = mem_format("[rule r]\nmatch = %s\naction = purge\n", match);

	make(text, false);
	ck_assert_msg(rules.rule[0].names_flagged == flagged, "flagged: %s", match);
	ck_assert_msg(rules.rule[0].names_draft == draft, "draft: %s", match);
	done();
	free(text);
}

START_TEST(a_rule_that_speaks_of_flagged_or_drafts_is_known)
{
	check_named("older:1y", false, false);
	check_named("is:read", false, false);
	check_named("flagged draft", false, false); /* words in the text */
	check_named("older:1y is:flagged", true, false);
	check_named("older:1y (from:x OR is:flagged)", true, false);
	check_named("is:draft", false, true);
	check_named("is:draft OR is:flagged", true, true);
}
END_TEST

/* "Older, but not the flagged ones": speaks of them, and none of them is selected by it. */
START_TEST(an_exclusion_speaks_of_them_too)
{
	check_named("older:1y -is:flagged", true, false);
	check_named("older:1y -is:draft", false, true);
}
END_TEST

START_TEST(a_bad_query_names_its_line)
{
	struct rules none = {0};
	struct err why = {0};

	settings = read_rules(RULE("a", "older:1y", "purge") RULE("b", "larger:huge", "purge"));
	ck_assert_int_eq(rules_make(&none, settings, false, ARCHIVE_TIME, &why), -1);
	ck_assert_int_eq(why.code, ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(why.text, "/x/config:"));
	ck_assert_ptr_nonnull(strstr(why.text, "[rule b]"));
	ck_assert_int_eq(settings->rule[1].line, 12);
	ck_assert_ptr_nonnull(strstr(why.text, "config:12: "));
	ck_assert_uint_eq(none.count, 0);
	ck_assert_ptr_null(none.rule);
	ck_assert_int_eq(rules_make(&none, settings, false, ARCHIVE_TIME, NULL), -1);
	/* One that is left out is understood all the same. */
	FAILS(ERR_CONFIG, rules_make(&none, settings, true, ARCHIVE_TIME, err));
	settings_free(settings);
}
END_TEST

START_TEST(rules_by_hand_keep_their_place)
{
	static const char text[] = RULE("shield", "from:boss", "keep")
	    RULE("by-hand", "older:1y", "purge") RULE("alone", "older:5y", "purge")
		AUTO RULE("shield-too", "is:answered", "keep") AUTO;

	make(text, true);
	check_names("shield by-hand alone shield-too ");
	ck_assert(rules.rule[1].is_by_hand && !rules.rule[2].is_by_hand);
	done();
	make(text, false);
	check_names("shield by-hand alone shield-too ");
	for (size_t n = 0; n < rules.count; n++)
		ck_assert(!rules.rule[n].is_by_hand);
	done();
}
END_TEST

SUITE(rules_stand_in_the_order_of_the_file, no_rules_are_no_rules,
    a_rule_that_speaks_of_flagged_or_drafts_is_known, an_exclusion_speaks_of_them_too,
    a_bad_query_names_its_line, rules_by_hand_keep_their_place)
