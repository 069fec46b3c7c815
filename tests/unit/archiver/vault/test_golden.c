/* Archives of every format version must open for ever. Those in tests/golden were written by the
 * first program that wrote format 1: v1 has every kind of event, v1-compacted segments that were
 * written anew, v1-damaged lost batches. expected.jsonl beside each is what tests/golden/unpack.py,
 * the second reader, says of it. Both readers must also agree about archives that were just
 * made, whatever is wrong with them.
 *
 * GOLDEN=FOLDER makes the three there. FLIPS=N damages archives that often,
 * in the way of SEED=N. */
#include "golden.h"

static int64_t time_now;

static int64_t ticking(void)
{
	return time_now += 60;
}

static void begin_golden(uint64_t segment_bytes)
{
	begin();
	time_now = FIRST_TIME;
	options.now = ticking;
	options.segment_bytes = segment_bytes;
}

/* ---- an archive with one of everything ---- */

static void log_event(struct vault *v, struct event event)
{
	if (event.kind != EVENT_RUN && event.kind != EVENT_SYNCED) {
		event.folder = event.folder.p ? event.folder : BYTES("INBOX");
		event.uidvalidity = event.uidvalidity ? event.uidvalidity : 7;
	}
	if (!event.account.p)
		event.account = BYTES("work");
	OK(vault_log(v, &event, err));
}

static void place_in(struct vault *v, unsigned number, struct bytes account, struct bytes in,
    unsigned uid, const char *flags, int64_t date_unix)
{
	log_event(v,
	    (struct event){.kind = EVENT_PLACED,
		.account = account,
		.folder = in,
		.uid = uid,
		.id = id_of(number).sum,
		.flags = bytes_of(flags),
		.date_unix = date_unix});
}

/* Two messages (60, 61) with an attachment in common, and one of its own each. */
static struct buf sharing(unsigned number)
{
	struct buf out;

	buf_init(&out, MIB);
	buf_format(&out, "Subject: shared %u\n\n", number);
	add_attachment(&out, 4711, 4000, false);
	buf_format(&out, "between\n");
	add_attachment(&out, number, 4000, true);
	return out;
}

static struct sha256 put_sharing(struct vault *v, unsigned number)
{
	struct buf text = sharing(number);
	struct event facts = {.message_id = BYTES("a@b"),
	    .from = BYTES("\"A\" <a@x>\t(\x7f)"),
	    .to = BYTES("\xff is no UTF-8"),
	    .cc = BYTES("\xc3\xa9\xe2\x80\xa8"),
	    .subject = BYTES("nul\0inside")};
	struct vault_put *made = vault_put_new(v);
	struct msg_id id;
	bool is_new;

	vault_put_begin(made);
	OK(vault_put_add(made, text.p, text.n, err));
	OK(vault_put_end(made, &facts, -5, &id, &is_new, err));
	vault_put_free(made);
	buf_release(&text);
	log_event(v,
	    (struct event){.kind = EVENT_PLACED,
		.folder = BYTES("Shared"),
		.uid = number,
		.id = id.sum,
		.date_unix = -5});
	return id.sum;
}

static void fill_first(struct vault *v)
{
	for (unsigned i = 12; i < 18; i++) { /* 15: two attachments */
		put(v, i);
		place(v, i, i);
	}
	put(v, 20); /* one */
	place_in(v, 20, BYTES("home"), BYTES("b\xff\"\\/\x01"), 1, "$a \\Flagged", -1);
	place_in(v, 12, BYTES("h\xc3\xb6me"), BYTES("&AOk-"), 4294967295, "", 0);
	log_event(v,
	    (struct event){.kind = EVENT_FOLDER,
		.folder = BYTES("&AOk-"),
		.shown = BYTES("\xc3\xa9"),
		.delimiter = BYTES("/"),
		.attributes = BYTES("\\Sent"),
		.state = BYTES("seen")});
	log_event(v,
	    (struct event){
		.kind = EVENT_CURSOR, .uidnext = 18, .modseq = INT64_MAX, .messages = 6});
	log_event(v, (struct event){.kind = EVENT_SKIPPED, .uid = 99, .reason = BYTES("no\0text")});
	log_event(v, (struct event){.kind = EVENT_SKIPPED, .uid = 98, .reason = BYTES("later")});
	log_event(v,
	    (struct event){.kind = EVENT_SKIPPED,
		.folder = BYTES("Archive"),
		.uid = 1,
		.reason = BYTES("later")});
	log_event(v,
	    (struct event){.kind = EVENT_SKIPPED,
		.folder = BYTES("Archive"),
		.uid = 2,
		.reason = BYTES("never")});
	log_event(v, (struct event){.kind = EVENT_SYNCED, .messages = 6, .size_bytes = 12345});
	commit(v);
}

static void log_purges(struct vault *v, const char *first, const char *last, struct bytes rule)
{
	for (unsigned i = 14; i < 17; i++)
		log_event(v,
		    (struct event){.kind = EVENT_PURGE,
			.run = BYTES("p1"),
			.uid = i,
			.id = id_of(i).sum,
			.state = bytes_of(i < 16 ? first : last),
			.reason = bytes_of(i < 16 ? "" : "why"),
			.rule = rule});
}

static void fill_second(struct vault *v)
{
	struct sha256 held = id_of(13).sum;

	log_event(v, (struct event){.kind = EVENT_FLAGS, .uid = 12, .flags = BYTES("\\Answered")});
	log_event(v, (struct event){.kind = EVENT_FLAGS, .uid = 4711, .flags = BYTES("\\Seen")});
	log_event(v, (struct event){.kind = EVENT_GONE, .uids = BYTES("13:14,4294967295")});
	log_event(v,
	    (struct event){
		.kind = EVENT_HOLD, .id = held, .held = true, .reason = BYTES("asked for")});
	log_event(v, (struct event){.kind = EVENT_HOLD, .id = id_of(14).sum, .held = true});
	log_event(v, (struct event){.kind = EVENT_HOLD, .id = id_of(14).sum});
	log_event(
	    v, (struct event){.kind = EVENT_AUDIT, .messages = 6, .archived = 5, .missing = 1});
	log_event(
	    v, (struct event){.kind = EVENT_DAMAGED, .id = id_of(16).sum, .reason = BYTES("so")});
	log_event(
	    v, (struct event){.kind = EVENT_DAMAGED, .id = id_of(12).sum, .reason = BYTES("so")});
	log_event(v, (struct event){.kind = EVENT_SKIPPED, .uid = 98});
	log_event(v,
	    (struct event){.kind = EVENT_RUN,
		.run = BYTES("p1"),
		.type = BYTES("purge"),
		.state = BYTES("begun")});
	log_purges(v, "intent", "intent", BYTES("old"));
	commit(v);
	log_purges(v, "confirmed", "kept", BYTES(""));
	log_event(v, (struct event){.kind = EVENT_GONE, .uids = BYTES("15")});
	log_event(v,
	    (struct event){.kind = EVENT_RUN,
		.run = BYTES("p1"),
		.type = BYTES("purge"),
		.state = BYTES("ended"),
		.messages = 2,
		.reason = BYTES("done")});
	log_event(v,
	    (struct event){.kind = EVENT_RUN,
		.run = BYTES("r1"),
		.type = BYTES("restore"),
		.state = BYTES("begun")});
	log_event(v,
	    (struct event){.kind = EVENT_RESTORED,
		.account = BYTES("home"),
		.uid = 3,
		.id = held,
		.run = BYTES("r1")});
	commit(v);
}

static void fill_third(struct vault *v)
{
	log_event(v, (struct event){.kind = EVENT_RETIRED});
	place_in(v, 17, BYTES("work"), BYTES("INBOX"), 17, "\\Seen", 5); /* and back */
	put(v, 1);
	place_in(v, 1, BYTES("work"), BYTES("INBOX"), 17, "", 6); /* another takes the place */
	put(v, 2);
	place_in(v, 2, BYTES("work"), BYTES("Archive"), 1, "\\Draft \\Seen", 253402300799);
	put_sharing(v, 60);
	put_sharing(v, 61);
	log_event(v,
	    (struct event){.kind = EVENT_FOLDER,
		.folder = BYTES("Old"),
		.shown = BYTES("Old"),
		.state = BYTES("gone")});
	log_event(v, (struct event){.kind = EVENT_SYNCED, .reason = BYTES("the net was gone")});
	commit(v);
}

/* A mail a second time, as after damage: the later one counts. */
static void store_again(struct vault *v)
{
	struct buf text = message(12);
	struct spool spool;
	struct spool_range range = {&spool, 0, text.n};
	struct batch_position from;
	struct event event = {
	    .kind = EVENT_MAIL, .id = id_of(12).sum, .size_bytes = text.n, .stored_bytes = text.n};
	struct store_batch batch;
	struct store *store;
	char *path = in_archive("segments");

	OK(catalog_position(vault_catalog(v), &from, err));
	vault_close(v);
	OK(store_open(
	    &store, &(struct store_options){.folder = path, .for_writing = true, .level = 1}, err));
	OK(store_replay(store, &from, NULL, NULL, err));
	spool_init(&spool, MIB, "/tmp");
	OK(spool_add(&spool, text.p, text.n, err));
	OK(store_put(store, &event, FIRST_TIME, &range, err));
	OK(store_commit(store, ticking(), &batch, err));
	store_close(store);
	spool_release(&spool);
	buf_release(&text);
	free(path);
}

static void expire(struct vault *v, struct sha256 id)
{
	log_event(v,
	    (struct event){.kind = EVENT_EXPIRED,
		.id = id,
		.run = BYTES("x1"),
		.rule = BYTES("ten years"),
		.reason = BYTES("old")});
}

/* The last of what v1 has: 2 is taken out of the archive. */
static struct vault *make(void)
{
	struct vault *v = open_vault(true);

	fill_first(v);
	fill_second(v);
	fill_third(v);
	store_again(v);
	v = open_vault(true);
	expire(v, id_of(2).sum);
	commit(v);
	return v;
}

/* ---- segments that are written anew ---- */

static void count_done(void *arg, bool is_new, const struct store_compacted *segment)
{
	struct store_compacted *all = arg;

	if (!is_new)
		return;
	all->mails += segment->mails;
	all->blobs += segment->blobs;
	all->redacted += segment->redacted;
	all->segment.generation = segment->segment.generation;
}

static void never_left(void *arg, uint32_t segment, const char *why)
{
	(void)arg;
	ck_abort_msg("segment %u: %s", segment, why);
}

static struct store_compacted compact(struct vault *v, bool best)
{
	struct store_compacted all = {0};
	struct vault_compact how = {
	    .best = best, .done = count_done, .left = never_left, .arg = &all};

	OK(vault_compact(v, &how, err));
	return all;
}

static struct sha256 id_of_sharing(unsigned number)
{
	struct buf text = sharing(number);
	struct sha256 sum;

	sha256_of(buf_view(&text), &sum);
	buf_release(&text);
	return sum;
}

/* 15 takes two blobs with it, 60 one of its two; 14 is stored again before, 16 after. */
static struct vault *make_compacted(bool best)
{
	struct store_compacted done;
	struct vault *v = make();

	expire(v, id_of(14).sum);
	expire(v, id_of(15).sum);
	expire(v, id_of(16).sum);
	expire(v, id_of_sharing(60));
	commit(v);
	ck_assert(put(v, 14));
	commit(v);
	done = compact(v, best);
	ck_assert_uint_eq(done.mails, 6); /* 2, 12 and 14 once, 15, 16, 60 */
	ck_assert_uint_eq(done.blobs, 3);
	ck_assert_uint_eq(done.redacted, 4); /* what is said of 12 and 14 stays */
	ck_assert_uint_eq(done.segment.generation, 1);
	ck_assert(put(v, 16));
	place(v, 16, 16);
	commit(v);
	check_clean(v);
	return v;
}

/* ---- lost batches ---- */

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

static const char *name_of(unsigned segment, unsigned generation)
{
	static char name[60];

	if (generation == 0)
		snprintf(name, sizeof name, "segments/%06u.tar.zst", segment);
	else
		snprintf(name, sizeof name, "segments/%06u.%u.tar.zst", segment, generation);
	return name;
}

static void damage_log(const char *name, unsigned batch)
{
	struct buf text = read_file(name);

	text.p[mark_of(&text, batch) + 32 + 60] ^= 4;
	write_file(name, buf_view(&text));
	buf_release(&text);
}

static void cut_file(const char *name, size_t bytes)
{
	struct buf text = read_file(name);

	ck_assert_uint_gt(text.n, bytes);
	write_file(name, (struct bytes){text.p, bytes});
	buf_release(&text);
}

static struct vault *seal(struct vault *v)
{
	uint64_t bytes = options.segment_bytes;

	vault_close(v);
	options.segment_bytes = 1;
	vault_close(open_vault(true));
	options.segment_bytes = bytes;
	return open_vault(true);
}

/* Of three segments the first has a log that cannot be read (2), the second no end (its last
 * batch is 5), the third a torn tail. What batch 6 says of lost messages is passed over. */
static void make_damaged(void)
{
	struct vault *v = open_vault(true);
	struct buf text;

	put_batch(v, 11, 3);
	put_batch(v, 14, 3);
	put_batch(v, 17, 3);
	v = seal(v);
	put_batch(v, 22, 2);
	put_batch(v, 25, 3);
	v = seal(v);
	place(v, 15, 99);
	place(v, 15, 11); /* where 11 was */
	for (unsigned i = 12; i < 17; i++) {
		log_event(v, (struct event){.kind = EVENT_HOLD, .id = id_of(i).sum, .held = true});
		log_event(v,
		    (struct event){.kind = EVENT_PURGE,
			.run = BYTES("p"),
			.folder = bytes_of(i == 15 ? "Lost" : "INBOX"),
			.uid = i,
			.id = id_of(i).sum,
			.state = bytes_of(i == 15 ? "intent" : "confirmed")});
	}
	log_event(v,
	    (struct event){.kind = EVENT_PURGE,
		.run = BYTES("p"),
		.uid = 17,
		.id = id_of(15).sum,
		.state = BYTES("confirmed")});
	log_event(v, (struct event){.kind = EVENT_DAMAGED, .id = id_of(15).sum});
	expire(v, id_of(14).sum);
	expire(v, id_of(25).sum);
	put(v, 16);
	place(v, 16, 16);
	commit(v);
	put_batch(v, 30, 1);
	vault_close(v);
	damage_log(name_of(1, 0), 2);
	text = read_file(name_of(2, 0));
	cut_file(name_of(2, 0), mark_of(&text, 5) + 40);
	buf_release(&text);
	text = read_file(name_of(3, 0));
	cut_file(name_of(3, 0), mark_of(&text, 7) + 50);
	buf_release(&text);
}

/* ---- agreeing ---- */

/* The catalogue is made from the segments again. */
static void forget_catalog(void)
{
	static const char *const names[] = {"catalog.db", "catalog.db-wal", "catalog.db-shm"};

	for (size_t i = 0; i < 3; i++)
		if (exists(names[i]))
			remove_file(names[i]);
}

static void check_agree(struct vault *v)
{
	int status;
	struct buf ours = told(v, told_of_end()), theirs = told_by_unpack("", &status);

	check_same(&ours, &theirs, "both readers");
	ck_assert_int_eq(status, 0);
	buf_release(&ours);
	buf_release(&theirs);
}

/* With the catalogue that grew, and with one that is made anew. */
static void check_agree_twice(struct vault *v)
{
	check_agree(v);
	vault_close(v);
	forget_catalog();
	v = open_vault(false);
	check_agree(v);
	vault_close(v);
}

/* Whatever is damaged: both reject all of it, or give out the same. 1: they read it. */
static bool check_agree_on_damage(const char *what)
{
	struct buf ours, theirs, strict, last = told_of_end();
	struct vault *v = NULL;
	struct err why = {0};
	int status, strict_status;

	strict = told_by_unpack("", &strict_status);
	theirs = told_by_unpack("--damaged", &status);
	ck_assert_msg(status < 2 && strict_status < 2, "%s", what);
	forget_catalog();
	if (try_open(&v, false, &why) != 0) {
		ck_assert_msg(theirs.n == 0, "%s: only we reject it: %s", what, why.text);
		ck_assert_uint_eq(last.n, 0);
		return false;
	}
	ours = told(v, last);
	vault_close(v);
	check_same(&ours, &theirs, what);
	if (strict_status == 0)
		check_same(&ours, &strict, what);
	ck_assert_int_le(status, strict_status);
	buf_release(&ours);
	buf_release(&theirs);
	buf_release(&strict);
	return true;
}

/* ---- tests ---- */

static void keep(const char *name)
{
	char *command;
	const char *to = getenv("GOLDEN");

	if (!to)
		return;
	command = mem_format("mkdir -p %s/%s && cp -r %s/FORMAT %s/segments %s/%s", to, name,
	    options.path, options.path, to, name);
	run(command);
	free(command);
	command = mem_format("tests/golden/unpack.py --facts --damaged %s/%s 2>&1"
			     " >%s/%s/expected.jsonl || true",
	    to, name, to, name);
	run(command);
	free(command);
}

START_TEST(both_readers_agree_on_a_new_archive)
{
	begin_golden(4000);
	check_agree_twice(make());
	ck_assert(exists(name_of(2, 0)));
	keep("v1");
	end();
}
END_TEST

START_TEST(both_readers_agree_on_a_compacted_archive)
{
	begin_golden(16000);
	check_agree_twice(make_compacted(false));
	ck_assert(exists(name_of(1, 1)) && !exists(name_of(1, 0)));
	keep("v1-compacted");
	end();
}
END_TEST

START_TEST(both_readers_agree_on_one_that_is_compacted_again)
{
	struct vault *v;

	begin_golden(9000);
	v = make_compacted(true);
	expire(v, id_of(17).sum);
	commit(v);
	ck_assert_uint_eq(compact(v, false).redacted, 1);
	ck_assert(exists(name_of(1, 2)));
	ck_assert(put(v, 17)); /* and it comes back */
	commit(v);
	check_clean(v);
	check_agree_twice(v);
	end();
}
END_TEST

/* Interrupted: of two generations the lower one counts. */
START_TEST(both_readers_take_the_first_generation)
{
	struct buf before, theirs;
	struct vault *v;
	int status;

	begin_golden(16000);
	v = make();
	vault_close(v);
	before = read_file(name_of(1, 0));
	v = open_vault(true);
	compact(v, true);
	vault_close(v);
	write_file(name_of(1, 0), buf_view(&before));
	cut_file(name_of(1, 1), 100); /* nobody needs it */
	write_file("segments/000001.2.tar.zst.part", BYTES("x"));
	write_file("segments/0000001.tar.zst", BYTES("x"));
	write_file("segments/000002.01.tar.zst", BYTES("x"));
	theirs = told_by_unpack("", &status); /* before the vault clears it up */
	ck_assert_int_eq(status, 0);
	ck_assert(check_agree_on_damage("two generations"));
	v = open_vault(true);
	check_agree(v);
	vault_close(v);
	ck_assert(!exists(name_of(1, 1)));
	buf_release(&before);
	buf_release(&theirs);
	end();
}
END_TEST

START_TEST(both_readers_agree_on_lost_batches)
{
	struct buf strict;
	int status;

	begin_golden(MIB);
	make_damaged();
	keep("v1-damaged"); /* before its torn tail is cut */
	strict = told_by_unpack("", &status);
	ck_assert_int_eq(status, 1);
	ck_assert_uint_eq(strict.n, 0);
	ck_assert(check_agree_on_damage("as it was made"));
	buf_release(&strict);
	end();
}
END_TEST

/* A copy counts no more, and the log of the one that does is lost: it is salvaged. */
START_TEST(both_readers_salvage_what_stands_nowhere)
{
	struct vault *v;

	begin_golden(16000);
	v = make();
	compact(v, false);
	put_batch(v, 30, 1);
	vault_close(v);
	forget_catalog();
	damage_log(name_of(2, 0), 5); /* where 12 was stored again */
	ck_assert(check_agree_on_damage("the log of a second copy"));
	v = open_vault(false);
	get(v, 12);
	vault_close(v);
	end();
}
END_TEST

/* A blob and its mail a second time, for the first copies are damaged. */
START_TEST(both_readers_take_the_last_copy)
{
	struct buf text;
	struct vault *v;

	begin_golden(MIB);
	v = open_vault(true);
	put_batch(v, 15, 1);
	vault_close(v);
	text = read_file(name_of(1, 0));
	text.p[100] ^= 1; /* in the frame of its blobs */
	write_file(name_of(1, 0), buf_view(&text));
	v = open_vault(true);
	ck_assert(put(v, 15));
	commit(v);
	get(v, 15);
	vault_close(v);
	ck_assert(check_agree_on_damage("a blob of which one copy is damaged"));
	v = open_vault(false);
	get(v, 15);
	vault_close(v);
	buf_release(&text);
	end();
}
END_TEST

static void four_batches(void)
{
	struct vault *v = open_vault(true);

	for (unsigned i = 1; i < 5; i++)
		put_batch(v, 10 * i + 1, 2);
	vault_close(v);
}

/* A wrong length leads past the next log, to where a frame begins again. */
START_TEST(both_readers_find_a_log_that_was_passed_over)
{
	struct batch_position third;
	struct buf text;
	struct vault *v;
	size_t block, bytes;

	begin_golden(MIB);
	v = open_vault(true);
	for (unsigned i = 1; i < 4; i++)
		put_batch(v, 10 * i + 1, 2);
	OK(catalog_position(vault_catalog(v), &third, err));
	put_batch(v, 41, 2);
	vault_close(v);
	text = read_file(name_of(1, 0));
	block = mark_of(&text, 2) + 32 + 7; /* behind magic, descriptor, size of content */
	bytes = (size_t)third.at - 4 - 3 - block;
	ck_assert_int_eq(text.p[block] & 7, 5); /* the last block, compressed */
	for (unsigned i = 0; i < 3; i++)
		text.p[block + i] = (char)((bytes << 3 | 5) >> 8 * i);
	write_file(name_of(1, 0), buf_view(&text));
	ck_assert(check_agree_on_damage("a log frame that leads past a log"));
	v = open_vault(false);
	for (unsigned i = 1; i < 5; i++)
		get(v, 10 * i + 1);
	ck_assert_uint_eq(totals(v).present, 6); /* one batch is lost, and only one */
	vault_close(v);
	buf_release(&text);
	end();
}
END_TEST

/* Two batches without logs, the first with a frame that cannot be stepped over. */
START_TEST(both_readers_salvage_behind_a_place_without_frames)
{
	struct buf text;
	struct vault *v;

	begin_golden(MIB);
	four_batches();
	damage_log(name_of(1, 0), 2);
	damage_log(name_of(1, 0), 3);
	text = read_file(name_of(1, 0));
	for (size_t at = mark_of(&text, 1) + 32; at < mark_of(&text, 2); at++)
		text.p[at] ^= memcmp(text.p + at, "\x28\xb5\x2f\xfd", 4) == 0 ? 1 : 0;
	write_file(name_of(1, 0), buf_view(&text));
	ck_assert(check_agree_on_damage("frames that are none"));
	v = open_vault(false);
	FAILS(ERR_ABSENT, try_get(v, 21, err));
	get(v, 31);
	vault_close(v);
	buf_release(&text);
	end();
}
END_TEST

/* A message with the log of the first batch in it, which is seen because what is in front of it
 * cannot be stepped over. */
START_TEST(both_readers_pass_over_what_looks_like_a_log)
{
	struct buf text, mail;
	struct msg_id id;
	struct vault *v;
	size_t mark, first;
	unsigned seed = 7;
	bool is_new;

	begin_golden(MIB);
	v = open_vault(true);
	put_batch(v, 11, 2);
	text = read_file(name_of(1, 0));
	mark = mark_of(&text, 1);
	first = text.n;
	buf_init(&mail, MIB);
	for (unsigned i = 0; i < 4000; i++) { /* noise is stored as it is */
		if (i == 2000)
			buf_add(&mail, text.p + mark, text.n - mark);
		buf_char(&mail, (char)(rand_r(&seed) >> 8));
	}
	buf_release(&text);
	OK(put_bytes(v, buf_view(&mail), &id, &is_new, err));
	commit(v);
	put_batch(v, 21, 2);
	vault_close(v);
	text = read_file(name_of(1, 0));
	ck_assert_ptr_nonnull(memmem(
	    text.p + first, mark_of(&text, 2) - first, "mailcask log", strlen("mailcask log")));
	text.p[first] ^= 1;
	write_file(name_of(1, 0), buf_view(&text));
	ck_assert(check_agree_on_damage("what looks like a log"));
	v = open_vault(false);
	get(v, 11);
	get(v, 21);
	ck_assert_uint_eq(totals(v).present, 4);
	vault_close(v);
	buf_release(&text);
	buf_release(&mail);
	end();
}
END_TEST

#define FILES_MAX 8

struct files {
	char *name[FILES_MAX];
	struct buf text[FILES_MAX];
	size_t count;
};

static struct files take_files(void)
{
	struct files files = {0};

	for (unsigned number = 1; number < 6; number++)
		for (unsigned generation = 0; generation < 2; generation++)
			if (exists(name_of(number, generation))) {
				ck_assert_uint_lt(files.count, FILES_MAX);
				files.name[files.count] = mem_string(name_of(number, generation));
				files.text[files.count++] = read_file(name_of(number, generation));
			}
	return files;
}

/* Some bits, a hole of zeros, an end that is missing, two pieces exchanged. */
static char *damage(const struct files *files, unsigned *seed)
{
	size_t i = (size_t)rand_r(seed) % files->count;
	const struct buf *whole = &files->text[i];
	unsigned way = (unsigned)rand_r(seed) % 8;
	size_t at = (size_t)rand_r(seed) % whole->n, n = (size_t)rand_r(seed) % 400;
	struct buf text;

	buf_init(&text, MIB);
	buf_bytes(&text, buf_view(whole));
	if (n > text.n - at)
		n = text.n - at;
	if (way == 0)
		text.n = at;
	else if (way == 1)
		memset(text.p + at, 0, n);
	else if (way == 2)
		memmove(text.p + at, text.p + (size_t)rand_r(seed) % (text.n - n), n);
	else if (way == 3) { /* near a mark */
		const char *mark =
		    memmem(text.p + at, text.n - at, "mailcask log", strlen("mailcask log"));

		if (mark)
			text.p[(size_t)(mark - text.p) - 8 + (size_t)rand_r(seed) % 60] ^= 32;
	} else {
		for (unsigned k = 0; k < way - 3; k++)
			text.p[(size_t)rand_r(seed) % text.n] ^= (char)(1 << rand_r(seed) % 8);
	}
	write_file(files->name[i], buf_view(&text));
	buf_release(&text);
	return mem_format("way %u, %s, %zu, %zu", way, files->name[i], at, n);
}

static unsigned number_from(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static void damage_often(unsigned seed)
{
	unsigned flips = number_from("FLIPS", 15), read = 0;
	struct files files = take_files();

	seed += number_from("SEED", 0);
	for (unsigned i = 0; i < flips; i++) {
		char *what, *again = NULL;

		for (size_t k = 0; k < files.count; k++)
			write_file(files.name[k], buf_view(&files.text[k]));
		what = damage(&files, &seed);
		if (i % 3 == 0)
			again = damage(&files, &seed);
		read += check_agree_on_damage(what);
		free(what);
		free(again);
	}
	ck_assert_uint_gt(read, flips / 2);
	for (size_t k = 0; k < files.count; k++) {
		free(files.name[k]);
		buf_release(&files.text[k]);
	}
}

START_TEST(both_readers_agree_on_any_damage)
{
	begin_golden(4000);
	vault_close(make());
	damage_often(1);
	end();
}
END_TEST

START_TEST(both_readers_agree_on_damage_to_a_compacted_archive)
{
	begin_golden(16000);
	vault_close(make_compacted(false));
	damage_often(2);
	end();
}
END_TEST

START_TEST(both_readers_agree_on_more_damage)
{
	begin_golden(MIB);
	make_damaged();
	damage_often(3);
	end();
}
END_TEST

/* ---- what was made once ---- */

static void take_golden(const char *name, struct buf *expected)
{
	char *path = mem_format("tests/golden/%s/expected.jsonl", name);
	char *command = mem_format("cp -r tests/golden/%s %s", name, options.path);

	buf_init(expected, MIB);
	OK(file_read_all(path, expected, err));
	run(command);
	remove_file("expected.jsonl");
	free(command);
	free(path);
}

static void check_golden(const char *name, int wanted_status)
{
	struct buf ours, theirs, expected;
	struct vault *v;
	int status;

	begin();
	take_golden(name, &expected);
	theirs = told_by_unpack(wanted_status ? "--damaged" : "", &status);
	check_same(&theirs, &expected, "unpack.py");
	ck_assert_int_eq(status, wanted_status);
	ours = told_of_end();
	v = open_vault(false);
	ours = told(v, ours);
	check_same(&ours, &expected, "mailcask");
	vault_close(v);
	buf_release(&ours);
	buf_release(&theirs);
	buf_release(&expected);
}

/* And it grows on. */
static void check_grows(void)
{
	struct vault *v = open_vault(true);

	check_clean(v);
	put_batch(v, 200, 2);
	check_clean(v);
	check_agree(v);
	vault_close(v);
	end();
}

START_TEST(both_readers_read_format_1)
{
	check_golden("v1", 0);
	check_grows();
}
END_TEST

START_TEST(both_readers_read_format_1_compacted)
{
	check_golden("v1-compacted", 0);
	check_grows();
}
END_TEST

START_TEST(both_readers_read_format_1_damaged)
{
	check_golden("v1-damaged", 1);
	end();
}
END_TEST

SUITE(both_readers_agree_on_a_new_archive, both_readers_agree_on_a_compacted_archive,
    both_readers_agree_on_one_that_is_compacted_again, both_readers_take_the_first_generation,
    both_readers_agree_on_lost_batches, both_readers_salvage_what_stands_nowhere,
    both_readers_take_the_last_copy, both_readers_find_a_log_that_was_passed_over,
    both_readers_salvage_behind_a_place_without_frames,
    both_readers_pass_over_what_looks_like_a_log, both_readers_agree_on_any_damage,
    both_readers_agree_on_damage_to_a_compacted_archive, both_readers_agree_on_more_damage,
    both_readers_read_format_1, both_readers_read_format_1_compacted,
    both_readers_read_format_1_damaged)
