/* archiver/vault/vault_compact.c: messages that are expired leave the archive, segments are
 * written anew, and the catalogue is always that of the files that are there. */
#include "archiver/store/store.h"

#include "ground.h"

#include "base/child.h"

#include <sys/wait.h>

#define FIRST  "segments/000001.tar.zst"
#define SECOND "segments/000001.1.tar.zst"

struct told {
	unsigned anew, left, redacted;
	uint64_t mails, blobs;
};

static void note_done(void *arg, bool is_new, const struct store_compacted *segment)
{
	struct told *told = arg;

	told->anew += is_new;
	told->mails += segment->mails;
	told->blobs += segment->blobs;
	told->redacted += (unsigned)segment->redacted;
}

static void note_left(void *arg, uint32_t segment, const char *why)
{
	ck_assert_uint_gt(segment, 0);
	ck_assert_uint_gt(strlen(why), 0);
	((struct told *)arg)->left++;
}

static int try_compact(struct vault *v, bool best, struct told *told, struct err *err)
{
	struct vault_compact how = {
	    .best = best, .done = note_done, .left = note_left, .arg = told};

	*told = (struct told){0};
	return vault_compact(v, &how, err);
}

static struct told compact(struct vault *v, bool best)
{
	struct told told;

	ck_assert_int_eq(try_compact(v, best, &told, NULL), 0);
	return told;
}

static int try_expire(struct vault *v, unsigned number, struct err *err)
{
	struct event event = {.kind = EVENT_EXPIRED, .id = id_of(number).sum, .rule = BYTES("law")};

	return vault_log(v, &event, err);
}

static void expire(struct vault *v, unsigned number)
{
	OK(try_expire(v, number, err));
}

static struct catalog_message row(struct vault *v, unsigned number)
{
	struct catalog_message m;
	struct msg_id id = id_of(number);

	ck_assert_int_eq(catalog_message(vault_catalog(v), &id, &m, NULL), 1);
	return m;
}

/* The archive that every case begins with: 1 to 60 placed, 3, 5, 15 and 40 expired. Messages 5 and
 * 10 to 15 share an attachment, 40's is its own. */
static struct vault *sixty(void)
{
	struct vault *v;

	begin();
	v = open_vault(true);
	put_batch(v, 1, 20);
	put_batch(v, 21, 20);
	put_batch(v, 41, 20);
	expire(v, 3);
	expire(v, 5);
	expire(v, 15);
	expire(v, 40);
	commit(v);
	return v;
}

static bool is_expired(unsigned number)
{
	return number == 3 || number == 5 || number == 15 || number == 40;
}

static void check_sixty(struct vault *v)
{
	for (unsigned i = 1; i <= 60; i++) {
		if (is_expired(i))
			FAILS(ERR_ABSENT, try_get(v, i, err));
		else
			get(v, i);
		ck_assert_int_eq(row(v, i).is_expired, is_expired(i));
	}
	ck_assert_uint_eq(totals(v).messages, 56);
	ck_assert_uint_eq(totals(v).expired, 4);
	ck_assert_uint_eq(totals(v).present, 60); /* where they were stays known */
}

/* The same when it is made from the segments. */
static void check_made_again(struct vault **v)
{
	check_clean(*v);
	vault_close(*v);
	remove_file("catalog.db");
	*v = open_vault(true);
	check_clean(*v);
}

static bool archive_holds(const char *text)
{
	char *command =
	    mem_format("for f in %s/segments/*.zst; do zstd -dcq $f; done | grep -c '%s' || true",
		options.path, text);
	struct buf said;
	bool holds;

	buf_init(&said, 4096);
	OK(child_output(command, &said, err));
	holds = buf_string(&said)[0] != '0';
	buf_release(&said);
	free(command);
	return holds;
}

START_TEST(an_expired_message_is_gone)
{
	struct vault *v = sixty();

	check_sixty(v);
	ck_assert_uint_eq(row(v, 3).subject.n, 0);
	ck_assert(!row(v, 3).has_sent);
	ck_assert_uint_eq(row(v, 4).subject.n, 1);
	check_made_again(&v);
	check_sixty(v);
	ck_assert(archive_holds("Subject: message 3\r")); /* its bytes are still there */
	vault_close(v);
	end();
}
END_TEST

START_TEST(what_is_held_does_not_expire)
{
	struct vault *v;
	struct event hold = {.kind = EVENT_HOLD, .id = id_of(2).sum, .held = true};

	begin();
	v = open_vault(true);
	put_batch(v, 1, 3);
	OK(vault_log(v, &hold, err));
	commit(v);
	FAILS(ERR_UNSAFE, try_expire(v, 2, err));
	FAILS(ERR_BUG, try_expire(v, 9, err)); /* it is not there */
	hold.held = false;
	OK(vault_log(v, &hold, err));
	commit(v);
	expire(v, 2);
	commit(v);
	vault_close(v);
	end();
}
END_TEST

START_TEST(compact_drops_what_is_expired)
{
	struct vault *v = sixty();
	struct told told = compact(v, false);

	ck_assert_uint_eq(told.anew, 1);
	ck_assert_uint_eq(told.mails, 4);
	ck_assert_uint_eq(told.redacted, 4);
	/* 5 has its own attachment; 15 one of its own, and one that it shares with 10; 40 one that
	 * it shares with 45 and 55. */
	ck_assert_uint_ge(told.blobs, 1);
	ck_assert(!archive_holds("Subject: message 3\r"));
	ck_assert(archive_holds("Subject: message 4\r"));
	ck_assert(!exists(FIRST) && exists(SECOND));
	check_sixty(v);
	check_made_again(&v);
	check_sixty(v);
	ck_assert_uint_eq(compact(v, false).anew, 0);
	/* It grows on, also by what was expired. */
	ck_assert(put(v, 3));
	place(v, 3, 103);
	put(v, 15);
	place(v, 15, 115);
	put(v, 61);
	place(v, 61, 61);
	commit(v);
	get(v, 3);
	get(v, 15);
	get(v, 61);
	ck_assert(!row(v, 3).is_expired && row(v, 3).subject.n == 1);
	check_made_again(&v);
	get(v, 3);
	get(v, 15);
	ck_assert_uint_eq(compact(v, true).anew, 2);
	check_made_again(&v);
	get(v, 15);
	ck_assert_uint_eq(totals(v).expired, 2);
	vault_close(v);
	end();
}
END_TEST

START_TEST(copies_that_were_stored_again_go)
{
	struct vault *v;
	struct event damaged = {.kind = EVENT_DAMAGED, .id = id_of(5).sum};

	begin();
	v = open_vault(true);
	put_batch(v, 1, 20);
	OK(vault_log(v, &damaged, err));
	commit(v);
	ck_assert(put(v, 5));
	commit(v);
	ck_assert_uint_eq(compact(v, false).mails, 1);
	get(v, 5);
	check_made_again(&v);
	get(v, 5);
	vault_close(v);
	end();
}
END_TEST

/* ---- what may not be dropped ---- */

/* The catalogue is a database: it may say what is not so. */
START_TEST(a_catalogue_that_lies_drops_nothing)
{
	static const char *const lie[] = {"DELETE FROM message WHERE n = 5",
	    "UPDATE message SET expired = 1 WHERE n = 6",
	    "UPDATE message SET frame = 7 WHERE n = 9", "DELETE FROM part WHERE message = 10",
	    "UPDATE blob SET segment = 3", "DELETE FROM blob"};

	for (size_t i = 0; i < sizeof lie / sizeof *lie; i++) {
		struct vault *v = sixty();
		struct told told;
		struct buf file;

		file = read_file(FIRST);
		OK(sql_exec(catalog_sql(vault_catalog(v)), lie[i], err));
		FAILS(ERR_UNSAFE, try_compact(v, true, &told, err));
		ck_assert(exists(FIRST) && !exists(SECOND));
		OK(vault_rebuild(v, err));
		compact(v, true);
		check_sixty(v);
		vault_close(v);
		buf_release(&file);
		end();
	}
}
END_TEST

/* A byte of the frame that the catalogue's copy stands in. */
static void spoil_copy(struct vault *v, unsigned number)
{
	struct catalog_message m = row(v, number);
	char *name = mem_format("segments/%06u.tar.zst", m.segment.number);
	struct buf file = read_file(name);

	file.p[m.place.frame_at + 30] ^= 1;
	write_file(name, buf_view(&file));
	buf_release(&file);
	free(name);
}

/* Stored twice: what came first goes only when what came later can be given back; and as long as
 * it is there it is given back. */
START_TEST(an_older_copy_stays_as_long_as_it_is_the_only_good_one)
{
	struct event damaged = {.kind = EVENT_DAMAGED, .id = id_of(5).sum};
	struct told told;
	struct vault *v;

	begin();
	options.segment_bytes = 1;
	v = open_vault(true);
	put_batch(v, 1, 20);
	OK(vault_log(v, &damaged, err));
	commit(v);
	ck_assert(put(v, 5));
	commit(v);
	ck_assert_uint_gt(row(v, 5).segment.number, 1);
	get(v, 5);
	spoil_copy(v, 5);
	vault_close(v);
	v = open_vault(true);
	OK(try_get(v, 5, err)); /* from the first copy */
	FAILS(ERR_DAMAGED, vault_prove(v, &(struct msg_id){id_of(5).sum}, err));
	try_compact(v, true, &told, NULL);
	ck_assert_uint_eq(told.mails, 0);
	ck_assert_uint_eq(told.left, 1); /* the damaged one */
	OK(try_get(v, 5, err));
	ck_assert(put(v, 5)); /* the third */
	commit(v);
	try_compact(v, false, &told, NULL);
	ck_assert_uint_eq(told.mails, 2);
	get(v, 5);
	vault_close(v);
	end();
}
END_TEST

/* ---- interruptions: which of the files are there, and which the catalogue knows ---- */

struct kept {
	struct buf before, first, after, second; /* catalogue and segment, before and after */
};

static struct kept both_sides(void)
{
	struct vault *v = sixty();
	struct kept kept;

	vault_close(v);
	kept.before = read_file("catalog.db");
	kept.first = read_file(FIRST);
	v = open_vault(true);
	compact(v, true);
	vault_close(v);
	kept.after = read_file("catalog.db");
	kept.second = read_file(SECOND);
	return kept;
}

static void release(struct kept *kept)
{
	buf_release(&kept->before);
	buf_release(&kept->first);
	buf_release(&kept->after);
	buf_release(&kept->second);
}

static void lay(const struct buf *catalog, const struct buf *first, const struct buf *second)
{
	char *command =
	    mem_format("rm -f %s/catalog.db* %s/segments/*", options.path, options.path);
	struct buf said;

	buf_init(&said, 4096);
	OK(child_output(command, &said, err));
	buf_release(&said);
	free(command);
	if (catalog)
		write_file("catalog.db", buf_view(catalog));
	if (first)
		write_file(FIRST, buf_view(first));
	if (second)
		write_file(SECOND, buf_view(second));
}

static void opens_well(bool first_stays)
{
	struct vault *v = open_vault(true);

	check_sixty(v);
	check_clean(v);
	ck_assert_int_eq(exists(FIRST), first_stays);
	ck_assert_int_eq(exists(SECOND), !first_stays);
	check_made_again(&v);
	check_sixty(v);
	put_batch(v, 70, 3);
	vault_close(v);
}

START_TEST(interrupted_anywhere)
{
	struct kept kept = both_sides();

	/* The old one has all that the new one has, and what was dropped. */
	lay(&kept.before, &kept.first, &kept.second); /* named, not in the catalogue */
	opens_well(true);
	lay(&kept.after, &kept.first, &kept.second); /* in the catalogue, the old one still there */
	opens_well(true);
	lay(&kept.before, NULL, &kept.second); /* a catalogue from a backup */
	opens_well(false);
	lay(&kept.after, &kept.first, NULL); /* segments from a backup */
	opens_well(true);
	lay(NULL, &kept.first, &kept.second);
	opens_well(true);
	lay(NULL, NULL, &kept.second);
	opens_well(false);
	release(&kept);
	end();
}
END_TEST

START_TEST(an_unfinished_file_goes)
{
	struct kept kept = both_sides();

	lay(&kept.before, &kept.first, NULL);
	write_file(SECOND ".part", (struct bytes){kept.second.p, kept.second.n / 2});
	opens_well(true);
	ck_assert(!exists(SECOND ".part"));
	release(&kept);
	end();
}
END_TEST

/* A backup of a segment beside the one that was written anew, and went on longer: it must never
 * win, whatever is known. */
START_TEST(an_older_file_beside_does_not_win)
{
	struct vault *v;
	struct buf old, catalog, now;

	begin();
	v = open_vault(true);
	put_batch(v, 1, 20);
	vault_close(v);
	old = read_file(FIRST);
	catalog = read_file("catalog.db");
	v = open_vault(true);
	put_batch(v, 21, 20);
	compact(v, true);
	vault_close(v);
	now = read_file(SECOND);
	for (int turn = 0; turn < 4; turn++) {
		write_file(FIRST, buf_view(&old));
		if (turn == 1)
			remove_file("catalog.db");
		if (turn == 2)
			write_file("catalog.db", buf_view(&catalog));
		options.rebuild = turn == 3;
		v = open_vault(true);
		options.rebuild = false;
		ck_assert(exists(SECOND) && !exists(FIRST));
		check_clean(v);
		compact(v, turn % 2 == 0); /* nothing in it may go, whatever the catalogue was */
		for (unsigned n = 1; n <= 40; n++)
			get(v, n);
		vault_close(v);
	}
	/* Nor one that is damaged over one that is whole; and nothing that is all there is goes. */
	old.p[old.n / 2] ^= 1;
	remove_file(SECOND);
	write_file(SECOND, buf_view(&now));
	now.p[100] ^= 1;
	write_file("segments/000001.2.tar.zst", buf_view(&now));
	remove_file("catalog.db");
	v = open_vault(true);
	ck_assert(exists(SECOND) && !exists("segments/000001.2.tar.zst"));
	get(v, 40);
	vault_close(v);
	write_file(SECOND, buf_view(&now));
	write_file(FIRST, buf_view(&old));
	v = open_vault(true);
	ck_assert_int_ne(exists(SECOND), exists(FIRST));
	ck_assert(exists(FIRST ".aside") || exists(SECOND ".aside"));
	vault_close(v);
	buf_release(&old);
	buf_release(&now);
	buf_release(&catalog);
	end();
}
END_TEST

START_TEST(a_catalogue_that_is_far_behind)
{
	struct vault *v;
	struct buf old;

	begin();
	v = open_vault(true);
	put_batch(v, 1, 20);
	vault_close(v);
	old = read_file("catalog.db");
	v = open_vault(true);
	put_batch(v, 21, 20);
	expire(v, 3);
	commit(v);
	compact(v, true);
	vault_close(v);
	write_file("catalog.db", buf_view(&old)); /* its position is in the middle of a log frame */
	v = open_vault(true);
	get(v, 1);
	get(v, 40);
	check_clean(v);
	vault_close(v);
	buf_release(&old);
	end();
}
END_TEST

/* ---- others ---- */

START_TEST(a_reader_goes_on)
{
	struct vault *v = sixty(), *reader = open_vault(false);

	get(reader, 1);
	options.for_writing = true;
	compact(v, true);
	for (unsigned i = 1; i <= 60; i++)
		if (!is_expired(i))
			get(reader, i);
	FAILS(ERR_ABSENT, try_get(reader, 3, err));
	vault_close(reader);
	vault_close(v);
	end();
}
END_TEST

/* The segment that a reader was told of is another file by the time that it is opened. */
START_TEST(a_reader_while_segments_change)
{
	struct vault *v = sixty(), *reader;
	unsigned at = 0;
	pid_t writer = fork();

	ck_assert_int_ge(writer, 0);
	if (writer == 0) {
		for (unsigned i = 41; i <= 60; i++) {
			expire(v, i);
			commit(v);
			compact(v, false);
		}
		_exit(0);
	}
	reader = open_vault(false);
	while (waitpid(writer, NULL, WNOHANG) == 0)
		for (at = 16; at <= 39; at++)
			get(reader, at);
	ck_assert_uint_gt(at, 0);
	vault_close(reader);
	options.for_writing = true;
	vault_close(v);
	end();
}
END_TEST

START_TEST(a_damaged_segment_is_left)
{
	struct vault *v = sixty();
	struct told told;
	struct buf text;

	vault_close(v);
	text = read_file(FIRST);
	text.p[row(v = open_vault(true), 1).place.frame_at + 40] ^= 1;
	write_file(FIRST, buf_view(&text));
	ck_assert_int_eq(try_compact(v, true, &told, NULL), 1);
	ck_assert_uint_eq(told.left, 1);
	ck_assert_uint_eq(told.anew, 0);
	ck_assert(exists(FIRST) && !exists(SECOND));
	get(v, 60);
	buf_release(&text);
	vault_close(v);
	end();
}
END_TEST

START_TEST(not_with_an_open_batch)
{
	struct vault *v = sixty(), *reader;
	struct told told;

	put(v, 80);
	FAILS(ERR_BUG, try_compact(v, true, &told, err));
	commit(v);
	reader = open_vault(false);
	FAILS(ERR_BUG, try_compact(reader, true, &told, err));
	vault_close(reader);
	vault_close(v);
	end();
}
END_TEST

SUITE(a_catalogue_that_lies_drops_nothing, an_older_copy_stays_as_long_as_it_is_the_only_good_one,
    an_expired_message_is_gone, what_is_held_does_not_expire, compact_drops_what_is_expired,
    copies_that_were_stored_again_go, interrupted_anywhere, an_unfinished_file_goes,
    an_older_file_beside_does_not_win, a_catalogue_that_is_far_behind, a_reader_goes_on,
    a_reader_while_segments_change, a_damaged_segment_is_left, not_with_an_open_batch)
