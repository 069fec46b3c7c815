/* archiver/store/store_verify.c, store_read.c: damage is noticed, and never read as something
 * else. */
#include "ground.h"

#define MIB   (1u << 20)
#define SMALL 300 /* bytes of the entries of a small batch */

static struct ground g;

#define BITS 8

static uint64_t bytes_of_segment(unsigned segment)
{
	struct buf text = ground_file(&g, segment);
	uint64_t bytes = text.n;

	buf_release(&text);
	return bytes;
}

/* Every byte of an archive of two segments is changed once. */
START_TEST(a_changed_byte_is_noticed_and_changes_nothing_else)
{
	static struct ground_list all;
	struct batch_position end;
	struct buf file[2];
	unsigned unnoticed = 0, lost = 0;

	ground_begin(&g);
	g.options.segment_bytes = 2500;
	ground_open(&g);
	while (g.end.segment < 2 || g.end.at < 1500)
		ground_batch(&g, SMALL);
	end = g.end;
	ground_list(&g, &all);
	file[0] = ground_file(&g, 1);
	file[1] = ground_file(&g, 2);
	ck_assert_uint_eq(ground_segments(&g), 2);
	for (unsigned s = 0; s < 2; s++) {
		for (size_t at = 0; at < file[s].n; at++) {
			char bit = (char)(1 << at % BITS);
			struct store *store;

			file[s].p[at] = (char)(file[s].p[at] ^ bit);
			ground_write(&g, s + 1, buf_view(&file[s]));
			unnoticed += ground_faults(&g, false) == 0;
			store = ground_reader(&g);
			for (size_t i = 0; i < all.count; i++)
				lost += ground_read(store, &all.found[i],
					    ground_find(&g, &all.found[i]), NULL) != 0;
			store_close(store);
			/* Whoever knows the end cuts nothing. */
			store_close(g.store);
			OK(store_open(&g.store, &g.options, err));
			OK(store_replay(g.store, &end, ground_nothing, NULL, err));
			ck_assert_uint_eq(bytes_of_segment(s + 1), file[s].n);
			/* And whoever does not, at most the last batch. */
			store_trust(g.store, g.batches);
			(void)store_replay(
			    g.store, &(struct batch_position){0}, ground_nothing, NULL, NULL);
			ck_assert_uint_eq(bytes_of_segment(s + 1), file[s].n);
			file[s].p[at] = (char)(file[s].p[at] ^ bit);
		}
		ground_write(&g, s + 1, buf_view(&file[s]));
	}
	ck_assert_uint_gt(lost, 100);
	/* zstd: one bit of each frame header means nothing, and some frames can be written
	 * in two ways. What they hold was compared above. */
	ck_assert_uint_le(unnoticed, 40);
	ground_open(&g);
	ground_check(&g);
	ck_assert_uint_eq(ground_faults(&g, false), 0);
	buf_release(&file[0]);
	buf_release(&file[1]);
	ground_end(&g);
}
END_TEST

/* Every bit of an archive whose catalogue is gone. */
START_TEST(without_a_witness_only_the_last_batch_is_cut)
{
	struct buf file;
	uint64_t last;
	size_t cut = 0;

	ground_begin(&g);
	ground_open(&g);
	for (unsigned i = 0; i < 3; i++) {
		last = g.end.at;
		ground_batch(&g, 30);
	}
	file = ground_file(&g, 1);
	for (size_t i = 0; i < file.n * BITS; i++) {
		file.p[i / BITS] = (char)(file.p[i / BITS] ^ 1 << i % BITS);
		ground_empty(&g);
		ground_write(&g, 1, buf_view(&file));
		if (ground_try_open(&g, NULL) != 0 || i / BITS < last)
			ck_assert_uint_eq(bytes_of_segment(1), file.n);
		else if (bytes_of_segment(1) < file.n)
			ck_assert_uint_eq((cut++, bytes_of_segment(1)), last);
		file.p[i / BITS] = (char)(file.p[i / BITS] ^ 1 << i % BITS);
	}
	ck_assert_uint_gt(cut, 1000);
	buf_release(&file);
	ground_end(&g);
}
END_TEST

START_TEST(an_entry_that_is_asked_for_wrongly)
{
	static struct ground_list list;
	struct store *store;

	ground_begin(&g);
	ground_open(&g);
	ground_put(&g, EVENT_MAIL, 100);
	ground_put(&g, EVENT_MAIL, 200);
	ground_put(&g, EVENT_MAIL, 5 * MIB);
	ground_put(&g, EVENT_BLOB, 300);
	ground_commit(&g);
	ground_list(&g, &list);
	store = ground_reader(&g);
	for (size_t i = 0; i < list.count; i++)
		for (size_t k = 0; k < list.count; k++)
			if (i == k)
				OK(ground_read(
				    store, &list.found[i], ground_find(&g, &list.found[k]), err));
			else
				FAILS(ERR_DAMAGED,
				    ground_read(store, &list.found[i],
					ground_find(&g, &list.found[k]), err));
	for (size_t i = 0; i < list.count; i++) {
		struct ground_found found = list.found[i];
		const struct ground_item *item = ground_find(&g, &found);
		struct ground_item other = *item;

		other.bytes++;
		FAILS(ERR_DAMAGED, ground_read(store, &found, &other, err));
		other.bytes -= 2;
		FAILS(ERR_DAMAGED, ground_read(store, &found, &other, err));
		found.place.entry_at += 512;
		FAILS(ERR_DAMAGED, ground_read(store, &found, item, err));
		found.place.entry_at = UINT64_MAX - 100;
		FAILS(ERR_DAMAGED, ground_read(store, &found, item, err));
		found.place.entry_at = list.found[i].place.entry_at;
		found.place.frame_at++;
		FAILS(ERR_DAMAGED, ground_read(store, &found, item, err));
		found.place.frame_at = UINT64_MAX;
		FAILS(ERR_DAMAGED, ground_read(store, &found, item, err));
		found.place.frame_at = g.end.at;
		FAILS(ERR_DAMAGED, ground_read(store, &found, item, err));
		found.segment = 2;
		FAILS(ERR_DAMAGED, ground_read(store, &found, item, err));
	}
	store_close(store);
	ground_end(&g);
}
END_TEST

static int refuse(void *arg, const void *data, size_t bytes, struct err *err)
{
	(void)arg, (void)data, (void)bytes;
	return err_set(err, ERR_STOPPED, "enough");
}

START_TEST(a_receiver_that_stops)
{
	static struct ground_list list;
	struct store *store;

	ground_begin(&g);
	ground_open(&g);
	ground_put(&g, EVENT_MAIL, 100);
	ground_put(&g, EVENT_MAIL, 6 * MIB);
	ground_commit(&g);
	ground_list(&g, &list);
	store = ground_reader(&g);
	for (size_t i = 0; i < 2; i++) {
		const struct ground_item *item = ground_find(&g, &list.found[i]);
		struct store_entry entry = {item->kind, item->id, item->bytes};

		FAILS(ERR_STOPPED,
		    store_read(store, (struct segment_id){1, 0}, &list.found[i].place, &entry,
			refuse, NULL, err));
		OK(ground_read(store, &list.found[i], item, err));
	}
	store_close(store);
	ground_end(&g);
}
END_TEST

SUITE(a_changed_byte_is_noticed_and_changes_nothing_else,
    without_a_witness_only_the_last_batch_is_cut, an_entry_that_is_asked_for_wrongly,
    a_receiver_that_stops)
