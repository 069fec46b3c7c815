/* Folders that only show mail of others: RFC 6154 section 2. */
#include "archiver/sync/views.h"

#include "tests/unit/suite.h"

static struct views views;

static void add(const char *name, const char *attributes, uint64_t messages, bool is_named)
{
	struct endpoint_folder folder = {.name = bytes_of(name),
	    .attributes = bytes_of(attributes),
	    .is_selectable = true,
	    .has_state = messages != UINT64_MAX,
	    .state.messages = messages};

	views_add(&views, &folder, is_named);
}

static void check(const char *name, bool is_view)
{
	ck_assert_msg((views_reason(&views, bytes_of(name)) != NULL) == is_view, "%s", name);
}

static void decide(bool has_labels)
{
	views_decide(&views, has_labels);
}

START_TEST(gmail)
{
	views_init(&views);
	add("INBOX", "\\HasNoChildren", 10, false);
	add("[Gmail]/All Mail", "\\HasNoChildren \\All", 10, false);
	add("[Gmail]/Starred", "\\Flagged", 3, false);
	add("[Gmail]/Important", "\\important", 3, false);
	add("[Gmail]/Trash", "\\Trash", 3, false);
	decide(true);
	check("INBOX", false);
	check("[Gmail]/All Mail", false); /* all of it, whatever the labels say */
	check("[Gmail]/Trash", false);
	check("[Gmail]/Starred", true);
	check("[Gmail]/Important", true);
	views_release(&views);
}
END_TEST

START_TEST(trash_proves_nothing)
{
	views_init(&views);
	add("INBOX", "", 10, false);
	add("Trash", "\\Trash", 90, false);
	add("Spam", "\\Junk", 90, false);
	add("virtual/all", "\\All", 15, false);
	decide(false);
	check("virtual/all", false);
	views_release(&views);
}
END_TEST

START_TEST(elsewhere_all_is_a_view_when_the_counts_say_so)
{
	for (int more = 0; more < 2; more++) {
		views_init(&views);
		add("INBOX", "", 10, false);
		add("Archive", "\\Archive", 5, false);
		add("virtual/flagged", "\\Flagged", 5, false);
		add("virtual/all", "\\All", 15 + (uint64_t)more, false);
		add("Important", "\\Important", 0, false); /* may well be a folder of its own */
		decide(false);
		check("virtual/all", more == 0);
		check("virtual/flagged", true);
		check("Important", false);
		check("INBOX", false);
		check("Archive", false);
		views_release(&views);
	}
}
END_TEST

START_TEST(what_is_not_counted_proves_nothing)
{
	views_init(&views);
	add("INBOX", "", 10, false);
	add("all", "\\All", UINT64_MAX, false);
	add("all2", "\\All", 11, false);
	add("Big", "", UINT64_MAX, false);
	decide(false);
	check("all", false);
	check("all2", false);
	views_release(&views);
}
END_TEST

START_TEST(what_is_named_is_wanted)
{
	views_init(&views);
	add("INBOX", "", 10, false);
	add("all", "\\All", 10, true);
	add("flagged", "\\Flagged", 2, true);
	add("Allspice", "\\Allspice \\FlaggedX", 1, false);
	decide(false);
	check("all", false);
	check("flagged", false);
	check("Allspice", false);
	check("nowhere", false);
	views_release(&views);
}
END_TEST

SUITE(trash_proves_nothing, gmail, elsewhere_all_is_a_view_when_the_counts_say_so,
    what_is_not_counted_proves_nothing, what_is_named_is_wanted)
