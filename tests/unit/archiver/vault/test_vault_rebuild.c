/* archiver/vault/vault.c, vault_verify.c: the segments are the archive. The catalogue can go at
 * any time; damage is told and never handed out; a process may end at any instruction. */
#include "ground.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#define SEGMENT1 "segments/000001.tar.zst"

/* The catalogue against another that was kept. */
static void check_same_catalogue(struct vault *v, const char *kept)
{
	char *path = in_archive(kept);
	const char *table = "none";

	ck_assert_int_eq(catalog_compare(vault_catalog(v), path, &table, NULL), 0);
	ck_assert_str_eq(table, "none");
	free(path);
}

static void keep_catalogue(const char *kept)
{
	struct buf text = read_file("catalog.db");

	ck_assert(!exists("catalog.db-wal")); /* closed, so all of it is in the file */
	write_file(kept, buf_view(&text));
	buf_release(&text);
}

/* Messages, places, some of them gone, over several segments. */
static void grow(void)
{
	struct event event = {.kind = EVENT_GONE,
	    .account = BYTES("work"),
	    .folder = BYTES("INBOX"),
	    .uidvalidity = 7,
	    .uids = BYTES("3:5,9")};
	struct event hold = {.kind = EVENT_HOLD, .id = id_of(2).sum, .held = true};
	struct vault *v;

	options.segment_bytes = 60000;
	v = open_vault(true);
	for (unsigned i = 0; i < 20; i++)
		put_batch(v, i * 5 + 1, 5);
	OK(vault_log(v, &event, err));
	OK(vault_log(v, &hold, err));
	commit(v);
	vault_close(v);
	ck_assert(exists("segments/000003.tar.zst"));
}

START_TEST(a_rebuilt_catalogue_is_the_grown_one)
{
	struct vault *v;

	begin();
	grow();
	keep_catalogue("kept.db");
	v = open_vault(true);
	OK(vault_rebuild(v, err));
	check_same_catalogue(v, "kept.db");
	put_batch(v, 500, 2); /* and it grows on */
	get(v, 501);
	check_clean(v);
	vault_close(v);
	ck_assert(!exists("catalog.db.new"));
	ck_assert_str_eq(notices, "");
	v = open_vault(true);
	check_clean(v);
	vault_close(v);
	end();
}
END_TEST

/* What must be made again, by whoever comes first. */
static void check_made_again(bool for_writing, const char *notice)
{
	struct vault *v;

	notices[0] = '\0';
	v = open_vault(for_writing);
	ck_assert_msg(strstr(notices, notice) != NULL, "%s", notices);
	check_same_catalogue(v, "kept.db");
	for (unsigned i = 1; i <= 100; i += 9)
		get(v, i);
	vault_close(v);
	ck_assert(!exists("catalog.db.new"));
}

START_TEST(a_catalogue_that_is_missing_is_made)
{
	begin();
	grow();
	keep_catalogue("kept.db");
	for (int for_writing = 0; for_writing < 2; for_writing++) {
		remove_file("catalog.db");
		check_made_again(for_writing, "making the catalogue from the segments");
		write_file("catalog.db", BYTES("")); /* a process that ended in between */
		check_made_again(for_writing, "making");
		remove_file("catalog.db");
		write_file("catalog.db.new", BYTES("half of one"));
		check_made_again(for_writing, "making");
	}
	end();
}
END_TEST

START_TEST(a_catalogue_that_cannot_be_used_is_made)
{
	struct buf text;
	struct vault *v;

	begin();
	grow();
	keep_catalogue("kept.db");
	for (int for_writing = 0; for_writing < 2; for_writing++) {
		write_file("catalog.db",
		    BYTES("this is not a database, but it is long enough to be taken for one: "
			  "its first hundred bytes are the header of some other file format."));
		check_made_again(for_writing, "cannot be used");
		/* Of another version. */
		v = open_vault(true);
		OK(sql_exec(
		    catalog_sql(vault_catalog(v)), "UPDATE position SET schema = 999", err));
		vault_close(v);
		check_made_again(for_writing, "cannot be used");
		/* Cut off. */
		text = read_file("catalog.db");
		write_file("catalog.db", (struct bytes){text.p, 100});
		buf_release(&text);
		check_made_again(for_writing, "cannot be used");
	}
	end();
}
END_TEST

START_TEST(a_reader_cannot_make_it_while_somebody_writes)
{
	struct vault *v, *reader = NULL;
	char *path;

	begin();
	v = open_vault(true);
	put_batch(v, 1, 2);
	path = in_archive("catalog.db");
	ck_assert_int_eq(unlink(path), 0);
	FAILS(ERR_LOCKED, try_open(&reader, false, err));
	vault_close(v);
	reader = open_vault(false);
	get(reader, 2);
	vault_close(reader);
	free(path);
	end();
}
END_TEST

/* The catalogue stands where an older copy of it stood. */
START_TEST(an_older_catalogue_catches_up)
{
	struct buf old;
	struct vault *v;

	begin();
	v = open_vault(true);
	put_batch(v, 1, 5);
	vault_close(v);
	old = read_file("catalog.db");
	v = open_vault(true);
	put_batch(v, 6, 5);
	put_batch(v, 11, 5);
	vault_close(v);
	keep_catalogue("kept.db");
	write_file("catalog.db", buf_view(&old));
	v = open_vault(true);
	check_same_catalogue(v, "kept.db");
	get(v, 15);
	vault_close(v);
	buf_release(&old);
	end();
}
END_TEST

/* Segments that were put back, under a catalogue that knows more. */
START_TEST(older_segments_are_noticed)
{
	struct buf old;
	struct vault *v = NULL;

	begin();
	v = open_vault(true);
	put_batch(v, 1, 5);
	vault_close(v);
	old = read_file(SEGMENT1);
	v = open_vault(true);
	put_batch(v, 6, 5);
	vault_close(v);
	write_file(SEGMENT1, buf_view(&old));
	v = NULL;
	FAILS(ERR_DAMAGED, try_open(&v, true, err));
	ck_assert(exists("catalog.db"));
	remove_file("catalog.db"); /* "I mean it" */
	v = open_vault(true);
	ck_assert_uint_eq(totals(v).messages, 5);
	ck_assert(put(v, 6));
	commit(v);
	check_clean(v);
	vault_close(v);
	buf_release(&old);
	end();
}
END_TEST

/* The catalogue fails once: nothing is built on it until it is whole again. */
START_TEST(a_catalogue_that_cannot_take_a_batch)
{
	static const char trigger[] = "CREATE TRIGGER no BEFORE INSERT ON place BEGIN"
				      " SELECT RAISE(ABORT, 'no'); END";
	struct vault *v;

	begin();
	v = open_vault(true);
	put_batch(v, 1, 2);
	OK(sql_exec(catalog_sql(vault_catalog(v)), trigger, err));
	put(v, 3);
	place(v, 3, 3);
	ck_assert_int_eq(vault_commit(v, NULL), -1);
	OK(sql_exec(catalog_sql(vault_catalog(v)), "DROP TRIGGER no", err));
	put(v, 4);
	FAILS(ERR_IO, vault_commit(v, err));
	FAILS(ERR_IO, vault_commit(v, err));
	vault_close(v);
	v = open_vault(true);
	get(v, 3); /* it was durable all the time */
	FAILS(ERR_ABSENT, try_get(v, 4, err));
	ck_assert_uint_eq(totals(v).present, 3);
	put_batch(v, 4, 1);
	check_clean(v);
	vault_close(v);
	end();
}
END_TEST

/* ---- damage ---- */

START_TEST(damage_is_told_and_never_handed_out)
{
	struct buf text;
	struct vault *v;
	unsigned bad = 0, clean = 0;

	begin();
	v = open_vault(true);
	put_batch(v, 10, 6);
	put_batch(v, 30, 3);
	vault_close(v);
	text = read_file(SEGMENT1);
	for (size_t at = 0; at < text.n; at += 41) {
		struct faults found;

		text.p[at] ^= 8;
		write_file(SEGMENT1, buf_view(&text));
		v = open_vault(false);
		found = verify(v, false);
		bad += found.bad_messages;
		clean += found.faults == 0;
		for (unsigned i = 10; i < 16; i++)
			(void)try_get(v, i, NULL); /* right or nothing */
		vault_close(v);
		text.p[at] ^= 8;
	}
	ck_assert_uint_gt(bad, text.n / 41);
	ck_assert_uint_le(clean, 3); /* bits that mean nothing */
	write_file(SEGMENT1, buf_view(&text));
	v = open_vault(true);
	check_clean(v);
	vault_close(v);
	buf_release(&text);
	end();
}
END_TEST

START_TEST(damage_in_a_large_message)
{
	struct buf text;
	struct vault *v;

	begin();
	v = open_vault(true);
	put_batch(v, LARGE + 1, 1);
	vault_close(v);
	text = read_file(SEGMENT1);
	for (size_t at = 100; at < text.n - 2000; at += text.n / 7) {
		text.p[at] ^= 1;
		write_file(SEGMENT1, buf_view(&text));
		v = open_vault(false);
		FAILS(ERR_DAMAGED, try_get(v, LARGE + 1, err));
		vault_close(v);
		text.p[at] ^= 1;
	}
	buf_release(&text);
	end();
}
END_TEST

/* A catalogue that lies: another place, another part, a part that cannot be. */
START_TEST(what_the_catalogue_says_is_checked)
{
	static const char *const lies[] = {"UPDATE message SET entry = entry + 512",
	    "UPDATE message SET frame = frame + 1", "UPDATE message SET segment = 9",
	    "UPDATE message SET stored = stored + 1", "UPDATE message SET stored = -1",
	    "UPDATE message SET size = 99999999", "UPDATE message SET id = zeroblob(32)",
	    "UPDATE part SET line = 0", "UPDATE part SET line = 3", "UPDATE part SET line = 100000",
	    "UPDATE part SET line = 72", "UPDATE part SET crlf = 1 - crlf",
	    "UPDATE part SET at = at + 1 WHERE at > 1000", "UPDATE part SET at = -at",
	    "UPDATE part SET size = 1", "UPDATE part SET blob = zeroblob(32)",
	    "UPDATE part SET blob = 'x'", "DELETE FROM part", "DELETE FROM blob",
	    "UPDATE blob SET frame = 0, entry = 0", "UPDATE blob SET frame = -1"};
	struct msg_id id = id_of(15);
	struct buf right;
	struct vault *v;

	begin();
	v = open_vault(true);
	put_batch(v, 15, 1);
	vault_close(v);
	right = read_file("catalog.db");
	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
		v = open_vault(true);
		OK(sql_exec(catalog_sql(vault_catalog(v)), lies[i], err));
		(void)try_get(v, 15, NULL); /* nothing, or the right bytes from another place */
		ck_assert_msg(vault_prove(v, &id, NULL) == -1 || strstr(lies[i], "size = 99999999"),
		    "%s", lies[i]);
		ck_assert_uint_gt(verify(v, true).faults, 0);
		vault_close(v);
		write_file("catalog.db", buf_view(&right));
	}
	buf_release(&right);
	end();
}
END_TEST

START_TEST(verify_repairs_nothing)
{
	struct buf text, after;
	struct vault *v;

	begin();
	v = open_vault(true);
	put_batch(v, 1, 3);
	vault_close(v);
	text = read_file(SEGMENT1);
	buf_text(&text, "something behind the last commit");
	write_file(SEGMENT1, buf_view(&text));
	v = open_vault(false);
	ck_assert_uint_eq(verify(v, false).faults, 0); /* a reader leaves an open batch alone */
	after = read_file(SEGMENT1);
	ck_assert(bytes_equal(buf_view(&after), buf_view(&text)));
	buf_release(&after);
	vault_close(v);
	v = open_vault(true);
	ck_assert_ptr_nonnull(strstr(notices, "cut off 32 bytes"));
	check_clean(v);
	vault_close(v);
	buf_release(&text);
	end();
}
END_TEST

START_TEST(verify_beside_an_open_batch)
{
	struct vault *v, *reader;

	begin();
	v = open_vault(true);
	put_batch(v, 1, 3);
	put(v, LARGE); /* frames are written already */
	reader = open_vault(false);
	check_clean(reader);
	vault_close(reader);
	commit(v);
	get(v, LARGE);
	vault_close(v);
	end();
}
END_TEST

/* ---- kill -9 ---- */

/* Puts batch after batch and says so, until it is killed. */
static void work_until_killed(unsigned first, int said)
{
	struct vault *v = NULL;

	if (try_open(&v, true, NULL) != 0)
		_exit(3);
	for (unsigned i = first;; i += 4) {
		for (unsigned k = i; k < i + 4; k++)
			if (try_put(v, k, &(bool){0}, NULL) != 0 || try_place(v, k, k, NULL) != 0)
				_exit(4);
		if (vault_commit(v, NULL) != 0)
			_exit(5);
		if (write(said, &i, sizeof i) != sizeof i)
			_exit(6);
	}
}

/* The number of the first message that was not said to be committed. */
static unsigned run_and_kill(unsigned first, unsigned batches, unsigned spin)
{
	unsigned done = first, i;
	int pipe_[2], status;
	pid_t child;

	ck_assert_int_eq(pipe(pipe_), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		close(pipe_[0]);
		work_until_killed(first, pipe_[1]);
	}
	close(pipe_[1]);
	for (unsigned n = 0; n < batches; n++) {
		if (read(pipe_[0], &i, sizeof i) != sizeof i)
			break;
		done = i + 4;
	}
	/* Somewhere in the next batch. */
	for (volatile unsigned n = 0; n < spin; n++)
		;
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFSIGNALED(status), "exit status %d", WEXITSTATUS(status));
	while (read(pipe_[0], &i, sizeof i) == sizeof i)
		done = i + 4;
	close(pipe_[0]);
	return done;
}

START_TEST(killed_at_any_moment)
{
	unsigned first = 1, seed = 1;
	struct vault *v;

	begin();
	options.segment_bytes = 100000;
	for (unsigned round = 0; round < 60; round++) {
		unsigned done = run_and_kill(first, round % 4, (unsigned)rand_r(&seed) % 4000000);
		uint64_t messages;

		v = open_vault(true);
		messages = totals(v).messages;
		/* All that was said to be there, and at most the batch that was on its way. */
		ck_assert_uint_ge(messages, done - 1);
		ck_assert_uint_le(messages, done + 3);
		ck_assert_uint_eq(messages % 4, 0);
		ck_assert_uint_eq(totals(v).present, messages);
		for (unsigned i = first; i <= messages; i++)
			get(v, i);
		ck_assert_uint_eq(verify(v, round % 10 != 9).faults, 0);
		first = (unsigned)messages + 1;
		vault_close(v);
	}
	ck_assert_uint_gt(first, 100);
	remove_file("catalog.db");
	v = open_vault(true);
	check_clean(v);
	vault_close(v);
	end();
}
END_TEST

/* The power goes: the catalogue's last transactions are lost, the segment's commit is not. */
START_TEST(killed_between_segment_and_catalogue)
{
	struct buf before, wal;
	struct vault *v, *reader;

	begin();
	v = open_vault(true);
	put_batch(v, 1, 4);
	vault_close(v);
	before = read_file("catalog.db");
	v = open_vault(true);
	reader = open_vault(false); /* keeps the log of the database */
	put_batch(v, 5, 4);
	wal = read_file("catalog.db-wal");
	vault_close(v);
	vault_close(reader);
	for (size_t n = 0; n <= wal.n; n += wal.n / 16 + 1) {
		char *shm = in_archive("catalog.db-shm");

		unlink(shm);
		free(shm);
		write_file("catalog.db", buf_view(&before));
		write_file("catalog.db-wal", (struct bytes){wal.p, n});
		v = open_vault(true);
		ck_assert_uint_eq(totals(v).messages, 8);
		get(v, 8);
		check_clean(v);
		vault_close(v);
	}
	buf_release(&before);
	buf_release(&wal);
	end();
}
END_TEST

SUITE(a_rebuilt_catalogue_is_the_grown_one, a_catalogue_that_is_missing_is_made,
    a_catalogue_that_cannot_be_used_is_made, a_reader_cannot_make_it_while_somebody_writes,
    an_older_catalogue_catches_up, older_segments_are_noticed, a_catalogue_that_cannot_take_a_batch,
    damage_is_told_and_never_handed_out, damage_in_a_large_message,
    what_the_catalogue_says_is_checked, verify_repairs_nothing, verify_beside_an_open_batch,
    killed_at_any_moment, killed_between_segment_and_catalogue)
