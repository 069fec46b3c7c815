/* archiver/sync/known.c: what the catalogue has of a folder, held against a listing. */
#include "archiver/sync/known.h"

#include "tests/unit/archive.h"

static struct archive a;
static struct known known;

static struct msg_id letter(
    const char *folder, uint32_t uidvalidity, uint32_t uid, const char *flags)
{
	struct msg_id id = archive_letter(&a, uid, "known", folder);

	archive_place(&a, id,
	    (struct archive_place){
		.folder = folder, .uidvalidity = uidvalidity, .uid = uid, .flags = flags});
	return id;
}

static void load(const char *folder, uint32_t uidvalidity)
{
	struct catalog_folder found;

	archive_commit(&a);
	ck_assert_int_eq(catalog_folder(vault_catalog(a.vault), BYTES(ARCHIVE_ACCOUNT),
			     bytes_of(folder), &found, NULL),
	    1);
	known_init(&known);
	OK(known_load(&known, vault_catalog(a.vault), found.number, uidvalidity, err));
}

/* UIDs 2, 4, 6 ... 20. */
static void begin_even(void)
{
	archive_begin(&a);
	for (uint32_t uid = 20; uid >= 2; uid -= 2)
		letter("INBOX", 1, uid, "\\Seen");
	load("INBOX", 1);
}

static void done(void)
{
	known_release(&known);
	known_release(&known);
	archive_end(&a);
}

static void check_unseen(const char *expected)
{
	struct seqset unseen;
	struct buf text;

	seqset_init(&unseen);
	buf_init(&text, 1000);
	known_unseen(&known, &unseen);
	seqset_format(&unseen, 0, UINT64_MAX, 900, &text);
	ck_assert_str_eq(buf_string(&text), expected);
	seqset_release(&unseen);
	buf_release(&text);
}

START_TEST(finds_in_any_order)
{
	static const uint32_t order[] = {2, 4, 20, 18, 10, 2, 2, 12, 14, 4};

	begin_even();
	ck_assert_uint_eq(known.count, 10);
	ck_assert_uint_eq(known.present, 10);
	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		struct known_entry *entry = known_find(&known, order[i]);

		ck_assert_ptr_nonnull(entry);
		ck_assert_uint_eq(entry->uid, order[i]);
		ck_assert(entry->is_present && !entry->is_seen);
		ck_assert_ptr_null(known_find(&known, order[i] + 1));
	}
	ck_assert_ptr_null(known_find(&known, 1));
	ck_assert_ptr_null(known_find(&known, UINT32_MAX));
	for (uint32_t uid = 1; uid <= 22; uid++)
		ck_assert((known_find(&known, uid) != NULL) == (uid % 2 == 0 && uid <= 20));
	done();
}
END_TEST

START_TEST(an_empty_folder_knows_nothing)
{
	begin_even();
	known_release(&known);
	known_init(&known);
	ck_assert_ptr_null(known_find(&known, 1));
	check_unseen("");
	done();
}
END_TEST

START_TEST(those_that_the_listing_lacked)
{
	begin_even();
	check_unseen("2,4,6,8,10,12,14,16,18,20");
	for (uint32_t uid = 4; uid <= 18; uid += 2)
		known_find(&known, uid)->is_seen = true;
	check_unseen("2,20");
	done();
}
END_TEST

START_TEST(only_this_folder_and_uidvalidity)
{
	archive_begin(&a);
	letter("INBOX", 1, 1, "");
	letter("INBOX", 2, 2, "");
	letter("Other", 2, 3, "");
	letter("INBOX", 2, 4, "");
	load("INBOX", 2);
	check_unseen("2,4");
	ck_assert_ptr_null(known_find(&known, 1));
	ck_assert_ptr_null(known_find(&known, 3));
	done();
}
END_TEST

/* A message that was gone or purged is known, but nobody misses it. */
START_TEST(gone_and_purged_are_known)
{
	struct msg_id id;

	archive_begin(&a);
	letter("INBOX", 1, 1, "");
	letter("INBOX", 1, 2, "");
	id = letter("INBOX", 1, 3, "");
	archive_gone(&a, (struct archive_place){.folder = "INBOX", .uid = 2});
	archive_purged(&a, id, (struct archive_place){.folder = "INBOX", .uid = 3});
	load("INBOX", 1);
	ck_assert_uint_eq(known.count, 3);
	ck_assert_uint_eq(known.present, 1);
	ck_assert(known_find(&known, 1)->is_present);
	ck_assert(!known_find(&known, 2)->is_present);
	ck_assert(!known_find(&known, 3)->is_present);
	check_unseen("1");
	done();
}
END_TEST

START_TEST(flags_are_compared_as_texts)
{
	struct known_entry *one, *two, *none;

	archive_begin(&a);
	letter("INBOX", 1, 1, "\\Seen");
	letter("INBOX", 1, 2, "$Label1 \\Seen");
	letter("INBOX", 1, 3, "\\Seen");
	letter("INBOX", 1, 4, "");
	load("INBOX", 1);
	one = known_find(&known, 1);
	two = known_find(&known, 2);
	none = known_find(&known, 4);
	ck_assert_uint_eq(known.text_count, 3); /* each once */
	ck_assert_uint_eq(one->flags, known_find(&known, 3)->flags);
	ck_assert(known_flags_are(&known, one, BYTES("\\Seen")));
	ck_assert(!known_flags_are(&known, one, BYTES("\\See")));
	ck_assert(!known_flags_are(&known, one, BYTES("")));
	ck_assert(!known_flags_are(&known, one, BYTES("$Label1 \\Seen")));
	ck_assert(known_flags_are(&known, two, BYTES("$Label1 \\Seen")));
	ck_assert(known_flags_are(&known, none, BYTES("")));
	ck_assert(!known_flags_are(&known, none, BYTES("never heard of")));
	ck_assert_uint_eq(known.text_count, 3); /* asking adds nothing */
	done();
}
END_TEST

SUITE(finds_in_any_order, an_empty_folder_knows_nothing, those_that_the_listing_lacked,
    only_this_folder_and_uidvalidity, gone_and_purged_are_known, flags_are_compared_as_texts)
