/* archiver/vault, store_replay.c, store_salvage.c: journals that cannot be read, segments that
 * were cut: everything else is there, what can be saved is, and the archive goes on. */
#include "ground.h"

#define SEGMENT1 "segments/000001.tar.zst"

/* The offset of the mark of a batch. */
static size_t mark_of(const struct buf *segment, unsigned batch)
{
	char text[24] = "mailcask log\r\n\x1a";
	const char *mark;

	text[16] = (char)batch;
	mark = memmem(segment->p, segment->n, text, sizeof text);
	ck_assert_ptr_nonnull(mark);
	return (size_t)(mark - segment->p) - 8;
}

/* One bit in the middle of that batch's journal. */
static void damage_log(const char *name, unsigned batch)
{
	struct buf text = read_file(name);

	text.p[mark_of(&text, batch) + 32 + 60] ^= 4;
	write_file(name, buf_view(&text));
	buf_release(&text);
}

static struct vault *rebuild(void)
{
	struct vault *v;

	options.rebuild = true;
	v = open_vault(true);
	options.rebuild = false;
	return v;
}

/* What grew is what is made again. */
static void check_made_again(struct vault **v)
{
	char *path = in_archive("kept.db");
	const char *table = "none";
	struct buf text;

	vault_close(*v);
	text = read_file("catalog.db");
	write_file("kept.db", buf_view(&text));
	*v = rebuild();
	ck_assert_int_eq(catalog_compare(vault_catalog(*v), path, &table, NULL), 0);
	ck_assert_str_eq(table, "none");
	remove_file("kept.db");
	buf_release(&text);
	free(path);
}

static void check_there(struct vault *v, unsigned first, unsigned count)
{
	for (unsigned i = first; i < first + count; i++)
		get(v, i);
}

/* Three batches; of the second 15 has attachments. */
static void three_batches(void)
{
	struct vault *v = open_vault(true);

	put_batch(v, 11, 3);
	put_batch(v, 14, 3);
	put_batch(v, 17, 2);
	vault_close(v);
}

static void check_without_second(struct vault *v)
{
	struct catalog_message m;
	struct msg_id id = id_of(14);

	check_there(v, 11, 3);
	check_there(v, 17, 2);
	ck_assert_uint_eq(totals(v).present, 5);
	/* Whole as they stand, so they were found; the one with attachments cannot be proven. */
	check_there(v, 14, 1);
	check_there(v, 16, 1);
	FAILS(ERR_ABSENT, try_get(v, 15, err));
	ck_assert_uint_eq(totals(v).damaged, 2);
	ck_assert_int_eq(catalog_message(vault_catalog(v), &id, &m, NULL), 1);
	ck_assert_int_eq(m.date_unix, FIRST_TIME);
	ck_assert_uint_eq(m.subject.n, 0);
	ck_assert_uint_eq(m.size_bytes, m.stored_bytes);
	ck_assert_ptr_nonnull(strstr(notices, "segment 1, offset "));
	ck_assert_ptr_nonnull(strstr(notices, "batch 2 is lost; 2 messages and 2 attachments"));
}

START_TEST(a_journal_that_cannot_be_read_costs_its_batch)
{
	struct vault *v;

	begin();
	three_batches();
	damage_log(SEGMENT1, 2);
	remove_file("catalog.db");
	v = open_vault(false);
	check_without_second(v);
	vault_close(v);
	notices[0] = '\0';
	v = rebuild();
	check_without_second(v);
	/* The next sync brings what is lost; what was salvaged gets its facts back. */
	for (unsigned i = 14; i < 17; i++) {
		ck_assert(put(v, i));
		place(v, i, i);
	}
	commit(v);
	check_there(v, 11, 8);
	ck_assert_uint_eq(totals(v).present, 8);
	ck_assert_uint_eq(totals(v).damaged, 0);
	ck_assert_uint_eq(totals(v).messages, 8);
	ck_assert_uint_eq(totals(v).blobs, 2); /* they were not stored again */
	check_made_again(&v);
	check_there(v, 11, 8);
	ck_assert_uint_gt(verify(v, false).faults, 0); /* the damage is still there */
	ck_assert_uint_eq(verify(v, false).bad_messages, 0);
	vault_close(v);
	v = open_vault(true); /* and nobody is told of it each time */
	notices[0] = '\0';
	vault_close(v);
	v = open_vault(true);
	ck_assert_str_eq(notices, "");
	vault_close(v);
	end();
}
END_TEST

/* Events of messages that are lost, in batches that are not. */
START_TEST(what_is_said_of_lost_messages_is_passed_over)
{
	struct event hold = {.kind = EVENT_HOLD, .id = id_of(15).sum, .held = true};
	struct event purge = {.kind = EVENT_PURGE,
	    .account = BYTES("work"),
	    .folder = BYTES("INBOX"),
	    .uidvalidity = 7,
	    .uid = 15,
	    .id = id_of(15).sum,
	    .run = BYTES("r"),
	    .state = BYTES("intent")};
	struct vault *v;

	begin();
	three_batches();
	v = open_vault(true);
	place(v, 15, 99); /* known, so only placed */
	place(v, 15, 11); /* where 11 was */
	OK(vault_log(v, &hold, err));
	OK(vault_log(v, &purge, err));
	put(v, 25);
	commit(v);
	vault_close(v);
	damage_log(SEGMENT1, 2);
	v = rebuild();
	FAILS(ERR_ABSENT, try_get(v, 15, err));
	ck_assert_uint_eq(totals(v).present, 4); /* 12, 13, 17, 18 */
	get(v, 25);
	ck_assert(exists("catalog.db.old"));
	check_made_again(&v);
	vault_close(v);
	end();
}
END_TEST

/* With its catalogue the archive works as before; verify does not send anybody into a rebuild. */
START_TEST(a_catalogue_that_knows_more_is_worth_more)
{
	struct vault *v;

	begin();
	three_batches();
	damage_log(SEGMENT1, 2);
	v = open_vault(true);
	check_there(v, 11, 8);
	put_batch(v, 19, 2);
	check_there(v, 11, 10);
	ck_assert_uint_gt(verify(v, false).faults, 0);
	ck_assert_uint_eq(verify(v, false).bad_messages, 0);
	vault_close(v);
	ck_assert(!exists("catalog.db.old"));
	v = rebuild();
	ck_assert(exists("catalog.db.old"));
	ck_assert_ptr_nonnull(strstr(notices, "1 messages are no longer there"));
	check_there(v, 17, 4);
	check_there(v, 11, 3);
	vault_close(v);
	end();
}
END_TEST

/* The last journal: a catalogue bears witness that it was there. */
START_TEST(the_last_journal_is_lost)
{
	struct vault *v;
	struct buf before, after;

	begin();
	three_batches();
	damage_log(SEGMENT1, 3);
	before = read_file(SEGMENT1);
	v = rebuild();
	check_there(v, 11, 8); /* 17 and 18 were salvaged */
	ck_assert_uint_eq(totals(v).present, 6);
	vault_close(v);
	after = read_file(SEGMENT1);
	ck_assert(bytes_equal(buf_view(&before), buf_view(&after))); /* nothing was cut */
	v = open_vault(true);
	check_there(v, 11, 8);
	ck_assert_ptr_null(strstr(notices, "cut off"));
	check_made_again(&v);
	ck_assert_uint_eq(verify(v, false).bad_messages, 0);
	put_batch(v, 17, 3);
	check_there(v, 11, 9);
	ck_assert_uint_eq(totals(v).present, 9);
	check_made_again(&v);
	check_there(v, 11, 9);
	vault_close(v);
	remove_file("catalog.db");
	v = open_vault(true);
	check_there(v, 11, 9);
	check_made_again(&v);
	vault_close(v);
	buf_release(&before);
	buf_release(&after);
	end();
}
END_TEST

/* Cut anywhere in its last batch, under a catalogue that knows of it. */
START_TEST(a_segment_whose_tail_was_cut)
{
	struct buf all, catalog;
	size_t second, n;
	struct vault *v = NULL;

	begin();
	three_batches();
	all = read_file(SEGMENT1);
	catalog = read_file("catalog.db");
	v = open_vault(true);
	vault_close(v);
	second = mark_of(&all, 2) + 32;
	for (n = second + 300; n < all.n; n += 211) {
		struct err why = {0};

		write_file(SEGMENT1, (struct bytes){all.p, n});
		write_file("catalog.db", buf_view(&catalog));
		v = NULL;
		ck_assert_int_eq(try_open(&v, true, &why), -1);
		ck_assert_int_eq(why.code, ERR_DAMAGED);
		ck_assert_ptr_nonnull(strstr(why.text, "run mailcask rebuild"));
		notices[0] = '\0';
		v = rebuild();
		ck_assert_ptr_nonnull(strstr(notices, "lost;"));
		check_there(v, 11, 3);
		for (unsigned i = 14; i < 19; i++) {
			put(v, i);
			place(v, i, i);
		}
		commit(v);
		check_there(v, 11, 8);
		ck_assert_uint_eq(totals(v).present, 8);
		check_made_again(&v);
		check_there(v, 11, 8);
		ck_assert_uint_eq(verify(v, false).bad_messages, 0);
		vault_close(v);
		v = open_vault(true);
		vault_close(v);
	}
	buf_release(&all);
	buf_release(&catalog);
	end();
}
END_TEST

/* Several segments: one is cut in the middle, the catalogue is gone. */
START_TEST(a_segment_in_the_middle_is_cut)
{
	struct buf text;
	struct vault *v;

	begin();
	options.segment_bytes = 9000;
	v = open_vault(true);
	for (unsigned i = 0; i < 8; i++)
		put_batch(v, i * 5 + 1, 5);
	vault_close(v);
	ck_assert(exists("segments/000004.tar.zst"));
	text = read_file("segments/000002.tar.zst");
	write_file("segments/000002.tar.zst", (struct bytes){text.p, text.n / 2});
	remove_file("catalog.db");
	v = open_vault(true);
	ck_assert_ptr_nonnull(strstr(notices, "segment 2, offset "));
	ck_assert_uint_ge(totals(v).present, 20);
	check_there(v, 1, 5);
	check_there(v, 36, 5);
	for (unsigned i = 0; i < 8; i++)
		put_batch(v, i * 5 + 1, 5);
	check_there(v, 1, 40);
	ck_assert_uint_eq(totals(v).present, 40);
	check_made_again(&v);
	vault_close(v);
	buf_release(&text);
	end();
}
END_TEST

static size_t frame_of(struct vault *v, unsigned number)
{
	struct msg_id id = id_of(number);
	struct catalog_message m;

	ck_assert_int_eq(catalog_message(vault_catalog(v), &id, &m, NULL), 1);
	return m.place.frame_at;
}

/* Without any damage between them commits must follow each other: else somebody wrote there. */
START_TEST(an_edit_is_no_damage)
{
	struct buf text, edited;
	size_t second, third;
	struct vault *v = NULL;

	begin();
	three_batches();
	v = open_vault(true);
	put_batch(v, 21, 2);
	put_batch(v, 23, 1);
	second = frame_of(v, 17);
	third = frame_of(v, 21);
	vault_close(v);
	text = read_file(SEGMENT1);
	buf_init(&edited, MIB);
	remove_file("catalog.db");
	buf_add(&edited, text.p, second); /* the third batch is taken out whole */
	buf_add(&edited, text.p + third, text.n - third);
	write_file(SEGMENT1, buf_view(&edited));
	v = NULL;
	FAILS(ERR_DAMAGED, try_open(&v, true, err));
	buf_release(&text);
	buf_release(&edited);
	end();
}
END_TEST

/* Each byte of an archive of sealed segments, one after the other. */
START_TEST(any_byte_may_be_wrong)
{
	static const char *const names[] = {SEGMENT1, "segments/000002.tar.zst"};
	unsigned unnoticed = 0, lost = 0, bytes = 0;
	struct buf catalog, file[2];
	struct vault *v;

	begin();
	options.segment_bytes = 1;
	v = open_vault(true);
	put_batch(v, 1, 3);
	put_batch(v, 5, 1);
	vault_close(v);
	ck_assert(!exists("segments/000003.tar.zst"));
	catalog = read_file("catalog.db");
	file[0] = read_file(names[0]);
	file[1] = read_file(names[1]);
	for (size_t i = 0; i < 2; i++) {
		for (size_t at = 0; at < file[i].n; at++, bytes++) {
			file[i].p[at] ^= (char)(1 << at % 8);
			write_file(names[i], buf_view(&file[i]));
			v = open_vault(false);
			unnoticed += verify(v, false).faults == 0;
			for (unsigned n = 1; n < 6; n += n == 3 ? 2 : 1)
				lost += try_get(v, n, NULL) != 0; /* right or nothing */
			vault_close(v);
			if (at % 16 == 0) { /* the catalogue is gone as well */
				remove_file("catalog.db");
				v = open_vault(true);
				for (unsigned n = 1; n < 6; n += n == 3 ? 2 : 1)
					(void)try_get(v, n, NULL);
				put_batch(v, 1, 3);
				put_batch(v, 5, 1);
				get(v, 1);
				get(v, 5);
				vault_close(v);
				for (unsigned k = 1; k < 9; k++) {
					char *name =
					    mem_format("%s/segments/%06u.tar.zst", options.path, k);

					unlink(name);
					free(name);
				}
				write_file(names[1 - i], buf_view(&file[1 - i]));
			}
			write_file("catalog.db", buf_view(&catalog));
			file[i].p[at] ^= (char)(1 << at % 8);
		}
		write_file(names[i], buf_view(&file[i]));
	}
	ck_assert_uint_gt(lost, bytes / 4);
	/* zstd: one bit of each frame header means nothing, and some blocks can be written in
	 * two ways; what they hold was compared. */
	ck_assert_uint_le(unnoticed, bytes / 100);
	v = open_vault(true);
	check_clean(v);
	vault_close(v);
	buf_release(&file[0]);
	buf_release(&file[1]);
	buf_release(&catalog);
	end();
}
END_TEST

SUITE(a_journal_that_cannot_be_read_costs_its_batch, what_is_said_of_lost_messages_is_passed_over,
    a_catalogue_that_knows_more_is_worth_more, the_last_journal_is_lost,
    a_segment_whose_tail_was_cut, a_segment_in_the_middle_is_cut, an_edit_is_no_damage,
    any_byte_may_be_wrong)
