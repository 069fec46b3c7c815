/* archiver/vault/vault_verify.c, verify_*.c: all of an archive is proven, by any number of threads
 * the same; a sample is a part of it, and samples come by everything. */
#include "ground.h"

#include "archiver/vault/verify_private.h"

#include <glob.h>
#include <pthread.h>

#define SEGMENT "segments/%06u.tar.zst"

/* What verify says, as text: kind, segment, offset, message, words. */
struct said {
	struct buf text;
	pthread_t caller;
	uint64_t done, ticks, stop_at;
};

static void say(void *arg, const struct vault_fault *fault)
{
	struct said *said = arg;

	ck_assert(pthread_equal(said->caller, pthread_self()));
	buf_format(&said->text, "%d %u %llu %lld %s\n", (int)fault->kind, fault->segment,
	    (unsigned long long)fault->at, fault->message ? (long long)fault->message->n : 0LL,
	    fault->what);
}

static int tick(void *arg, uint64_t done, uint64_t all, struct err *err)
{
	struct said *said = arg;

	ck_assert(pthread_equal(said->caller, pthread_self()));
	ck_assert_uint_le(done, all);
	ck_assert_uint_ge(done, said->done);
	said->done = done;
	said->ticks++;
	return said->stop_at && said->ticks >= said->stop_at ? err_set(err, ERR_STOPPED, "enough")
							     : 0;
}

static char *verify_text(struct vault *v, unsigned threads, struct vault_verify_report *report)
{
	struct vault_verify_options how = {.percent = 100, .threads = threads};
	struct said said = {.caller = pthread_self()};
	struct vault_verify_calls calls = {say, tick, &said};
	struct err why = {0};

	buf_init(&said.text, 64 * MIB);
	ck_assert_msg(vault_verify(v, &how, &calls, report, &why) >= 0, "%s", why.text);
	ck_assert_uint_gt(said.ticks, 0);
	return said.text.p ? buf_take(&said.text) : mem_string("");
}

static void flip(const char *name, uint64_t at)
{
	struct buf text = read_file(name);

	ck_assert_uint_lt(at, text.n);
	text.p[at] ^= 1;
	write_file(name, buf_view(&text));
	buf_release(&text);
}

static struct catalog_message known(struct vault *v, unsigned number)
{
	struct msg_id id = id_of(number);
	struct catalog_message found;

	ck_assert_int_eq(catalog_message(vault_catalog(v), &id, &found, NULL), 1);
	return found;
}

static void harm(struct vault *v, unsigned number)
{
	struct catalog_message at = known(v, number);
	char *name = mem_format(SEGMENT, at.segment.number);

	flip(name, at.place.frame_at + 30);
	free(name);
}

/* Batches of three from 1 to count; several segments. */
static struct vault *many(unsigned count)
{
	struct vault *v;

	options.segment_bytes = 40000;
	v = open_vault(true);
	for (unsigned i = 1; i <= count; i += 3)
		put_batch(v, i, 3);
	return v;
}

START_TEST(everything_is_proven)
{
	struct vault_verify_report report;
	struct vault *v;
	char *text;

	begin();
	v = many(150);
	put_batch(v, LARGE, 2); /* larger than what is kept in memory */
	for (unsigned threads = 0; threads <= 8; threads = threads ? threads * 2 : 1) {
		text = verify_text(v, threads, &report);
		ck_assert_str_eq(text, "");
		ck_assert_uint_eq(report.messages, 152);
		ck_assert_uint_eq(report.proven, 152);
		ck_assert_uint_eq(report.proven_bytes, totals(v).size_bytes);
		ck_assert_uint_eq(report.blobs, totals(v).blobs);
		ck_assert_uint_gt(report.segments, 3);
		free(text);
	}
	vault_close(v);
	end();
}
END_TEST

/* By segment and offset, whoever found it. */
START_TEST(findings_do_not_depend_on_threads)
{
	static const unsigned bad[] = {2, 20, 45, 46, 77, 90, 91, 120, 149};
	struct vault_verify_report report;
	char *first, *text, *line;
	uint64_t last = 0;
	struct vault *v;

	begin();
	v = many(150);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		harm(v, bad[i]);
	first = verify_text(v, 1, &report);
	ck_assert_uint_ge(report.fault[VAULT_FAULT_SEGMENT], 8); /* two may share a frame */
	ck_assert_uint_ge(report.fault[VAULT_FAULT_MESSAGE], 9);
	ck_assert_uint_eq(report.proven + report.fault[VAULT_FAULT_MESSAGE], report.messages);
	for (unsigned threads = 2; threads <= 8; threads++) {
		text = verify_text(v, threads, &report);
		ck_assert_str_eq(text, first);
		free(text);
	}
	for (line = first; *line; line = strchr(line, '\n') + 1) {
		unsigned segment;
		unsigned long long at;

		ck_assert_int_eq(sscanf(line, "%*d %u %llu", &segment, &at), 2);
		ck_assert_uint_ge(((uint64_t)segment << 40) + at, last);
		last = ((uint64_t)segment << 40) + at;
	}
	free(first);
	vault_close(v);
	end();
}
END_TEST

/* Their numbers are not in the order of their places any more. */
START_TEST(messages_that_were_stored_again)
{
	static const unsigned again[] = {80, 3, 50, 51, 52, 4, 100, 1};
	struct vault_verify_report report;
	struct verify_plan plan = {0};
	struct vault *v;
	char *text;

	begin();
	v = many(120);
	for (size_t i = 0; i < sizeof again / sizeof *again; i++) {
		struct event event = {.kind = EVENT_DAMAGED, .id = id_of(again[i]).sum};

		OK(vault_log(v, &event, err));
		commit(v);
		ck_assert(put(v, again[i]));
		commit(v);
	}
	OK(verify_plan_load(&plan, vault_catalog(v), 0, err));
	for (size_t i = 1; i < plan.count; i++)
		ck_assert((plan.extent[i].segment > plan.extent[i - 1].segment) ||
		    (plan.extent[i].segment == plan.extent[i - 1].segment &&
			plan.extent[i].frame_at >= plan.extent[i - 1].frame_at));
	verify_plan_release(&plan);
	text = verify_text(v, 2, &report);
	ck_assert_str_eq(text, "");
	ck_assert_uint_eq(report.proven, 120);
	harm(v, 3); /* its second copy */
	free(text);
	text = verify_text(v, 2, &report);
	ck_assert_uint_eq(report.fault[VAULT_FAULT_MESSAGE], 1);
	ck_assert_uint_eq(report.proven, 119);
	free(text);
	vault_close(v);
	end();
}
END_TEST

/* A segment in which no frame can be found: its messages are bad, and none is forgotten. */
START_TEST(a_segment_of_nothing_but_garbage)
{
	struct vault_verify_report report;
	unsigned in_two = 0;
	struct vault *v;
	struct buf text;
	char *said;

	begin();
	v = many(120);
	for (unsigned i = 1; i <= 120; i++)
		in_two += known(v, i).segment.number == 2;
	text = read_file("segments/000002.tar.zst");
	memset(text.p, 'x', text.n);
	write_file("segments/000002.tar.zst", buf_view(&text));
	ck_assert_uint_gt(in_two, 3);
	said = verify_text(v, 3, &report);
	ck_assert_uint_ge(report.fault[VAULT_FAULT_MESSAGE], in_two);
	ck_assert_uint_eq(report.proven + report.fault[VAULT_FAULT_MESSAGE], 120);
	ck_assert_uint_gt(report.fault[VAULT_FAULT_SEGMENT], 0);
	free(said);
	buf_release(&text);
	vault_close(v);
	end();
}
END_TEST

/* The catalogue says where a message stands and what it is made of, and may be wrong. */
START_TEST(what_the_catalogue_says_is_held_against_the_bytes)
{
	static const char *const change[][2] = {
	    {"UPDATE message SET entry = entry + 512 WHERE n = 2", "not where it should be"},
	    {"UPDATE message SET stored = stored + 1 WHERE n = 2", "not where it should be"},
	    {"UPDATE message SET frame = frame + 1 WHERE n = 2", "at offset"},
	    {"UPDATE message SET segment = 99 WHERE n = 2", "segment 99 is missing"},
	    {"UPDATE message SET segment = 0 WHERE n = 2", "segment 0 is missing"},
	    {"UPDATE message SET id = zeroblob(32) WHERE n = 2", "not where it should be"},
	    {"UPDATE part SET at = at + 1 WHERE message = 15", "do not match"},
	    {"UPDATE part SET at = at + 1000000 WHERE message = 15", "is missing"},
	    {"UPDATE part SET line = 6 WHERE message = 15", "a part that cannot be"},
	    {"UPDATE part SET crlf = 1 - crlf WHERE message = 5", "do not match"},
	    {"DELETE FROM part WHERE message = 15", "do not match"},
	    {"DELETE FROM blob", "is missing"},
	    {"UPDATE blob SET entry = entry + 1", "not where it should be"},
	    {"UPDATE part SET size = size + 3 WHERE message = 5", "not where it should be"}};
	struct vault_verify_report report;
	struct buf catalog;
	struct vault *v;
	char *text;

	begin();
	v = many(30);
	vault_close(v);
	catalog = read_file("catalog.db");
	for (size_t i = 0; i < sizeof change / sizeof *change; i++) {
		v = open_vault(true);
		OK(sql_exec(catalog_sql(vault_catalog(v)), change[i][0], err));
		vault_close(v);
		v = open_vault(false);
		text = verify_text(v, 2, &report);
		ck_assert_msg(report.fault[VAULT_FAULT_MESSAGE] >= 1, "%s: %s", change[i][0], text);
		ck_assert_uint_eq(report.fault[VAULT_FAULT_CATALOG], 1);
		ck_assert_uint_eq(report.fault[VAULT_FAULT_SEGMENT], 0);
		ck_assert_msg(strstr(text, change[i][1]), "%s: %s", change[i][0], text);
		free(text);
		vault_close(v);
		write_file("catalog.db", buf_view(&catalog));
	}
	buf_release(&catalog);
	end();
}
END_TEST

START_TEST(it_can_be_stopped_anywhere)
{
	struct vault_verify_options how = {.percent = 100, .threads = 2};
	struct vault_verify_report report;
	struct vault *v;
	int got = -1;

	begin();
	v = many(60);
	for (uint64_t at = 1; got != 0; at++) {
		struct said said = {.caller = pthread_self(), .stop_at = at};
		struct vault_verify_calls calls = {say, tick, &said};
		struct err why = {0};

		buf_init(&said.text, MIB);
		got = vault_verify(v, &how, &calls, &report, &why);
		if (got != 0)
			ck_assert_int_eq(why.code, ERR_STOPPED);
		buf_release(&said.text);
	}
	check_clean(v);
	vault_close(v);
	end();
}
END_TEST

START_TEST(nothing_stays_behind)
{
	char *pattern;
	struct vault *v;
	glob_t found;

	begin();
	v = many(30);
	check_clean(v);
	pattern = in_archive("verify-*");
	ck_assert_int_eq(glob(pattern, 0, NULL, &found), GLOB_NOMATCH);
	free(pattern);
	vault_close(v);
	end();
}
END_TEST

/* ---- samples ---- */

static struct vault_verify_report sample(struct vault *v, unsigned percent, uint64_t seed)
{
	struct vault_verify_options how = {.percent = percent, .seed = seed};
	struct vault_verify_report report;

	verify_so(v, &how, &report);
	return report;
}

START_TEST(a_sample_is_a_part)
{
	uint64_t all = 0;
	struct vault *v;

	begin();
	v = many(300); /* 100 frames with messages, and some with blobs */
	ck_assert_uint_eq(sample(v, 0, 1).proven, 0);
	ck_assert_uint_eq(sample(v, 100, 1).proven, 300);
	for (uint64_t seed = 0; seed < 40; seed++) {
		uint64_t proven = sample(v, 10, seed).proven;

		ck_assert_uint_ge(proven, 1);
		ck_assert_uint_le(proven, 90);
		ck_assert_uint_eq(proven, sample(v, 10, seed).proven); /* nothing but the seed */
		all += proven;
	}
	/* 40 tenths of 300; the deviation of the sum is about 57. */
	ck_assert_uint_ge(all, 1200 - 4 * 57);
	ck_assert_uint_le(all, 1200 + 4 * 57);
	vault_close(v);
	end();
}
END_TEST

/* However small share and archive are, something is proven, and in the end all of it. */
START_TEST(samples_come_by_everything)
{
	bool found[31] = {false};
	unsigned left = 30;
	struct vault *v;

	begin();
	v = many(30);
	vault_close(v);
	v = open_vault(false); /* so that what is bad is not written down */
	for (unsigned bad = 2; bad <= 30; bad += 3) {
		struct catalog_message at = known(v, bad);
		char *name = mem_format(SEGMENT, at.segment.number);

		flip(name, at.place.frame_at + 30);
		for (uint64_t seed = 0; seed < 200 && !found[bad]; seed++) {
			struct vault_verify_report report = sample(v, 1, seed);

			found[bad] = report.fault[VAULT_FAULT_MESSAGE] > 0;
			ck_assert_uint_ge(report.proven + report.fault[VAULT_FAULT_MESSAGE], 3);
		}
		left -= found[bad] ? 3 : 0;
		flip(name, at.place.frame_at + 30);
		free(name);
	}
	ck_assert_uint_eq(left, 0);
	vault_close(v);
	end();
}
END_TEST

/* What --quick finds a sample finds as well. */
START_TEST(a_sample_checks_the_structure)
{
	struct buf text;
	struct vault *v;
	char *mark;

	begin();
	v = many(60);
	text = read_file("segments/000001.tar.zst");
	mark = memmem(text.p, text.n, "mailcask log", 12);
	ck_assert_ptr_nonnull(mark);
	flip("segments/000001.tar.zst", (uint64_t)(mark - text.p) + 60);
	ck_assert_uint_gt(sample(v, 1, 7).fault[VAULT_FAULT_JOURNAL], 0);
	ck_assert_uint_eq(
	    sample(v, 0, 7).fault[VAULT_FAULT_JOURNAL], sample(v, 1, 7).fault[VAULT_FAULT_JOURNAL]);
	buf_release(&text);
	vault_close(v);
	end();
}
END_TEST

/* ---- the plan ---- */

/* With room for a few extents only it is asked for segment by segment, and says the same. */
START_TEST(the_plan_is_asked_for_in_parts)
{
	struct verify_plan all = {0}, part = {.max_count = 4};
	const struct catalog_extent *x, *y;
	unsigned loads = 0;
	struct vault *v;

	begin();
	v = many(240);
	OK(verify_plan_load(&all, vault_catalog(v), 0, err));
	ck_assert_uint_ge(all.count, 80);
	ck_assert_uint_gt(all.to, UINT32_MAX);
	OK(verify_plan_load(&part, vault_catalog(v), 0, err));
	ck_assert_uint_lt(part.count, all.count);
	while ((x = verify_plan_before(&all, UINT32_MAX, UINT64_MAX))) {
		while (!(y = verify_plan_at(&part, x->segment, x->frame_at))) {
			ck_assert_uint_eq(part.next, part.count);
			ck_assert_uint_le(part.to, UINT32_MAX);
			OK(verify_plan_load(&part, vault_catalog(v), (uint32_t)part.to, err));
			loads++;
		}
		ck_assert_int_eq(x->first_n, y->first_n);
		ck_assert_int_eq(x->last_n, y->last_n);
	}
	ck_assert_uint_eq(part.next, part.count);
	ck_assert_uint_ge(loads, 2);
	verify_plan_release(&all);
	verify_plan_release(&part);
	vault_close(v);
	end();
}
END_TEST

SUITE(everything_is_proven, findings_do_not_depend_on_threads, messages_that_were_stored_again,
    a_segment_of_nothing_but_garbage, what_the_catalogue_says_is_held_against_the_bytes,
    it_can_be_stopped_anywhere, nothing_stays_behind, a_sample_is_a_part,
    samples_come_by_everything, a_sample_checks_the_structure, the_plan_is_asked_for_in_parts)
