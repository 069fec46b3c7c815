/* archiver/vault: what is damaged is never handed out, is told, and heals when the message comes
 * again. */
#include "ground.h"

#define SEGMENT1 "segments/000001.tar.zst"

static struct catalog_message known(struct vault *v, unsigned number)
{
	struct msg_id id = id_of(number);
	struct catalog_message message;

	ck_assert_int_eq(catalog_message(vault_catalog(v), &id, &message, NULL), 1);
	return message;
}

static int only_part(void *arg, const struct event_part *part, struct err *err)
{
	(void)err;
	*(struct sha256 *)arg = part->blob;
	return 0;
}

/* Of the last part of that message. */
static struct catalog_blob known_blob(struct vault *v, unsigned number)
{
	struct sha256 id = {{0}};
	struct catalog_blob blob;

	OK(catalog_parts(vault_catalog(v), known(v, number).n, only_part, &id, err));
	ck_assert_int_eq(catalog_blob(vault_catalog(v), &id, &blob, NULL), 1);
	return blob;
}

static void flip(const char *name, uint64_t at)
{
	struct buf text = read_file(name);

	ck_assert_uint_lt(at, text.n);
	text.p[at] ^= 1;
	write_file(name, buf_view(&text));
	buf_release(&text);
}

static uint64_t stored_events(struct vault *v)
{
	struct batch_position end;

	OK(catalog_position(vault_catalog(v), &end, err));
	return end.batch;
}

/* The catalogue that is made again is the one that grew. */
static void check_rebuild(struct vault *v)
{
	struct buf text;
	char *path = in_archive("kept.db");
	const char *table = "none";

	OK(sql_checkpoint(catalog_sql(vault_catalog(v)), err));
	text = read_file("catalog.db");
	write_file("kept.db", buf_view(&text));
	OK(vault_rebuild(v, err));
	ck_assert_int_eq(catalog_compare(vault_catalog(v), path, &table, NULL), 0);
	ck_assert_str_eq(table, "none");
	remove_file("kept.db");
	free(path);
	buf_release(&text);
}

/* 15 and 30 have two attachments; of a neighbour they share one. */
static struct vault *three_messages(void)
{
	struct vault *v = open_vault(true);

	put_batch(v, 14, 1);
	put_batch(v, 15, 1);
	put_batch(v, 16, 1);
	return v;
}

START_TEST(a_message_that_is_damaged_is_stored_again)
{
	struct catalog_message before, after;
	struct vault *v;
	uint64_t blobs;

	begin();
	v = three_messages();
	before = known(v, 15);
	blobs = totals(v).blobs;
	vault_close(v);
	flip(SEGMENT1, before.place.frame_at + 40);
	v = open_vault(true);
	FAILS(ERR_DAMAGED, try_get(v, 15, err));
	ck_assert(!put(v, 14)); /* its neighbours are as they were */
	ck_assert(put(v, 15));
	ck_assert(!put(v, 15)); /* once */
	commit(v);
	after = known(v, 15);
	ck_assert_int_eq(after.n, before.n);
	ck_assert_uint_gt(after.place.frame_at, before.place.frame_at);
	get(v, 15);
	ck_assert_uint_eq(totals(v).blobs, blobs);
	ck_assert_uint_eq(totals(v).messages, 3);
	ck_assert(!put(v, 15)); /* and now it can be proven */
	check_rebuild(v);
	get(v, 15);
	vault_close(v);
	end();
}
END_TEST

START_TEST(a_blob_that_is_damaged_is_stored_again)
{
	struct catalog_blob before, after;
	struct vault *v;

	begin();
	v = three_messages();
	before = known_blob(v, 15);
	vault_close(v);
	flip(SEGMENT1, before.place.frame_at + 2000);
	v = open_vault(true);
	FAILS(ERR_DAMAGED, try_get(v, 15, err));
	ck_assert(put(v, 15));
	commit(v);
	after = known_blob(v, 15);
	ck_assert_uint_gt(after.place.frame_at, before.place.frame_at);
	get(v, 15);
	check_rebuild(v);
	get(v, 15);
	vault_close(v);
	end();
}
END_TEST

/* A new message brings an attachment of which the archive has a damaged copy only. */
START_TEST(a_blob_heals_with_another_message)
{
	struct catalog_blob before;
	struct vault *v;

	begin();
	v = open_vault(true);
	put_batch(v, 5, 1);
	before = known_blob(v, 5);
	vault_close(v);
	flip(SEGMENT1, before.place.frame_at + 1000);
	v = open_vault(true);
	FAILS(ERR_DAMAGED, try_get(v, 5, err));
	put_bytes(v, BYTES("x"), &(struct msg_id){0}, &(bool){0}, NULL);
	{
		struct buf old = message(5), other;
		struct msg_id id;
		bool is_new;

		buf_init(&other, MIB);
		buf_text(&other, "X-Other: yes\r\n");
		buf_bytes(&other, buf_view(&old));
		OK(put_bytes(v, buf_view(&other), &id, &is_new, err));
		ck_assert(is_new);
		commit(v);
		OK(vault_prove(v, &id, err));
		buf_release(&other);
		buf_release(&old);
	}
	get(v, 5);
	vault_close(v);
	end();
}
END_TEST

static int note_uid(void *arg, uint32_t uid, struct err *err)
{
	(void)err;
	snprintf(strchr(arg, '\0'), 20, "%u ", uid);
	return 0;
}

static void check_damaged_places(struct vault *v, const char *want)
{
	struct catalog_folder in;
	char uids[100] = "";

	ck_assert_int_eq(
	    catalog_folder(vault_catalog(v), BYTES("work"), BYTES("INBOX"), &in, NULL), 1);
	OK(catalog_damaged_places(vault_catalog(v), in.number, 7, note_uid, uids, err));
	ck_assert_str_eq(uids, want);
	ck_assert_uint_eq(totals(v).damaged, *want != '\0');
}

START_TEST(verify_notes_down_what_is_damaged)
{
	struct catalog_message bad;
	struct vault *v;
	uint64_t batch;

	begin();
	v = three_messages();
	place(v, 15, 99); /* at two places */
	commit(v);
	bad = known(v, 15);
	batch = stored_events(v);
	vault_close(v);
	flip(SEGMENT1, bad.place.frame_at + 40);
	v = open_vault(false); /* a reader only tells */
	ck_assert_uint_eq(verify(v, false).bad_messages, 1);
	vault_close(v);
	v = open_vault(true);
	ck_assert_uint_eq(verify(v, true).bad_messages, 0); /* quick: not asked */
	ck_assert_uint_eq(stored_events(v), batch);
	check_damaged_places(v, "");
	ck_assert_uint_eq(verify(v, false).bad_messages, 1);
	ck_assert_uint_eq(stored_events(v), batch + 1);
	check_damaged_places(v, "15 99 ");
	ck_assert_int_eq(catalog_is_damaged(vault_catalog(v), bad.n, NULL), 1);
	ck_assert_uint_eq(verify(v, false).bad_messages, 1); /* told again, written once */
	ck_assert_uint_eq(stored_events(v), batch + 1);
	check_rebuild(v);
	check_damaged_places(v, "15 99 ");
	ck_assert(put(v, 15));
	commit(v);
	check_damaged_places(v, "");
	ck_assert_int_eq(catalog_is_damaged(vault_catalog(v), bad.n, NULL), 0);
	ck_assert_uint_eq(verify(v, false).bad_messages, 0);
	check_rebuild(v);
	check_damaged_places(v, "");
	vault_close(v);
	end();
}
END_TEST

/* A disk that gave wrong bytes once: what is marked is stored again, so that the mark goes. */
START_TEST(a_mark_goes_with_the_next_copy)
{
	struct event event = {.kind = EVENT_DAMAGED, .id = id_of(14).sum};
	struct vault *v;

	begin();
	v = three_messages();
	OK(vault_log(v, &event, err));
	commit(v);
	check_damaged_places(v, "14 ");
	get(v, 14);
	ck_assert(put(v, 14));
	commit(v);
	check_damaged_places(v, "");
	event.id = id_of(77).sum;
	FAILS(ERR_BUG, vault_log(v, &event, err));
	vault_close(v);
	end();
}
END_TEST

SUITE(a_message_that_is_damaged_is_stored_again, a_blob_that_is_damaged_is_stored_again,
    a_blob_heals_with_another_message, verify_notes_down_what_is_damaged,
    a_mark_goes_with_the_next_copy)
