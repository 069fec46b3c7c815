#include "tests/unit/indexed.h"

#include "index/search.h"

#include <inttypes.h>
#include <time.h>

#define DAY  86400
#define MAIL "From: anna@example.org\r\nSubject: "

static struct archive a;
static struct index *index_now;
static uint32_t last_uid;

/* ---- an archive ---- */

static void begin(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	last_uid = 0;
	archive_begin(&a);
}

static void ready(void)
{
	archive_commit(&a);
	index_now = indexed(&a);
}

static void end(void)
{
	index_close(index_now);
	archive_end(&a);
}

static struct msg_id add_in(
    const char *folder, const char *flags, int64_t date_unix, const char *text)
{
	struct msg_id id = archive_put(&a, text);

	archive_place(&a, id,
	    (struct archive_place){
		.folder = folder, .uid = ++last_uid, .flags = flags, .date_unix = date_unix});
	return id;
}

static struct msg_id add(int64_t date_unix, const char *text)
{
	return add_in("INBOX", "", date_unix, text);
}

/* ---- asking ---- */

/* The numbers of the hits in their order: messages are numbered as they were put. */
static int list_hit(void *arg, int64_t n, struct err *err)
{
	(void)err;
	buf_format(arg, " %" PRId64, n);
	return 0;
}

static int list_place(void *arg, int64_t number, int64_t n, struct err *err)
{
	(void)n;
	return list_hit(arg, number, err);
}

static struct query *parsed(const char *text)
{
	struct query *query;

	OK(query_parse(&query, bytes_of(text), ARCHIVE_TIME, err));
	return query;
}

static char *ask(const char *text, struct search_options options)
{
	struct query *query = parsed(text);
	struct buf out;

	buf_init(&out, 1 << 20);
	OK(search_messages(index_now, query, &options, list_hit, &out, err));
	query_free(query);
	buf_string(&out);
	return buf_take(&out);
}

static void expect(const char *text, const char *wanted)
{
	char *got = ask(text, (struct search_options){0});
	struct query *query = parsed(text);
	uint64_t count, rows = 0;
	const char *p;

	ck_assert_msg(strcmp(got, wanted) == 0, "%s: found%s, not%s", text, got, wanted);
	for (p = got; *p; p++)
		rows += *p == ' ';
	OK(search_count(index_now, query, &count, err));
	ck_assert_uint_eq(count, rows);
	query_free(query);
	free(got);
}

static void expect_places(const char *text, bool only_present, const char *wanted)
{
	struct query *query = parsed(text);
	struct buf out;

	buf_init(&out, 1 << 20);
	OK(search_places(index_now, query, only_present, list_place, &out, err));
	ck_assert_msg(strcmp(buf_string(&out), wanted) == 0, "%s: places%s, not%s", text,
	    buf_string(&out), wanted);
	query_free(query);
	buf_release(&out);
}

/* ---- words ---- */

START_TEST(words_are_folded_and_cut)
{
	begin();
	add(1, MAIL "Jürgen's Café\r\n\r\nNaïve Straße Ελλάδα\r\n");
	add(2, MAIL "none\r\n\r\nfoo-bar foo_bar x.y@example.com 2019-03-05 C++\r\n");
	add(3, MAIL "file\r\n\r\nfoo then bar\r\n");
	ready();
	expect("jurgen", " 1");
	expect("JÜRGEN", " 1");
	expect("cafe", " 1");
	expect("naive", " 1");
	expect("straße", " 1");
	expect("ΕΛΛΆΔΑ", " 1");
	expect("foo-bar", " 2");
	expect("\"foo bar\"", " 2");
	expect("foo bar", " 3 2");
	expect("x.y@example.com", " 2");
	expect("example.com", " 2");
	expect("y@example", " 2");
	expect("2019-03-05", " 2");
	expect("c++", " 2");
	expect("\"bar foo\"", " 2");
	expect("foo*", " 3 2");
	expect("\"foo th\"*", " 3");
	expect("fo", "");
	end();
}
END_TEST

START_TEST(a_phrase_stands_in_one_column_and_words_in_any)
{
	begin();
	add(1, "From: red\r\nSubject: green\r\n\r\nblue red\r\n");
	add(2, "Subject: red\r\nTo: green blue\r\n\r\nother\r\n");
	ready();
	expect("red green blue", " 2 1");
	expect("\"red green\"", "");
	expect("\"green blue\"", " 2");
	expect("from:red", " 1");
	expect("subject:red", " 2");
	expect("body:red", " 1");
	expect("subject:(red OR green)", " 2 1");
	expect("from:red -to:green", " 1");
	expect("-from:red", " 2");
	expect("-red", "");
	expect("-body:red -from:red", " 2");
	end();
}
END_TEST

/* ---- facts at their bounds ---- */

START_TEST(dates_are_in_from_their_first_second_and_out_at_their_last)
{
	int64_t day; /* 2019-03-05 */

	begin();
	ck_assert(clock_from_utc(2019, 3, 5, 0, 0, 0, &day));
	add(day - 1, MAIL "word\r\n\r\n1\r\n");
	add(day, MAIL "word\r\n\r\n2\r\n");
	add(day + DAY - 1, MAIL "word\r\n\r\n3\r\n");
	add(day + DAY, MAIL "word\r\n\r\n4\r\n");
	ready();
	expect("on:2019-03-05", " 3 2");
	expect("before:2019-03-05", " 1");
	expect("after:2019-03-05", " 4 3 2");
	expect("word on:2019-03-05", " 3 2");
	expect("word before:2019-03-05", " 1");
	expect("word after:2019-03-05", " 4 3 2");
	expect("word after:2019-03-06", " 4");
	expect("word -after:2019-03-05", " 1");
	expect("word -on:2019-03-05", " 4 1");
	expect("word (on:2019-03-05 OR before:2019-03-05)", " 3 2 1");
	expect("word on:2019-03-05 before:2019-03-05", "");
	end();
}
END_TEST

START_TEST(sent_asks_for_the_date_field_and_nothing_else)
{
	begin();
	add(9 * DAY, "Date: Tue, 5 Mar 2019 10:00:00 +0000\r\n\r\n1\r\n");
	add(8 * DAY, "Date: nonsense\r\n\r\n2\r\n");
	add(7 * DAY, "Subject: none\r\n\r\n3\r\n");
	ready();
	expect("sent:2019", " 1");
	expect("sent:before:2019", "");
	expect("-sent:2019", " 2 3");
	expect("-sent:before:2019", " 1 2 3");
	expect("-(sent:2019 OR sent:before:2019)", " 2 3");
	expect_places("-sent:after:2019", true, " 2 3");
	end();
}
END_TEST

START_TEST(sizes_are_in_from_their_first_byte)
{
	char text[1500], query[40];
	size_t n = strlen(MAIL);

	begin();
	memset(text, 'x', sizeof text);
	memcpy(text, MAIL, n);
	memcpy(text + n, "s\r\n\r\n", 5);
	text[1024] = '\0';
	add(1, text);
	ready();
	expect("larger:1k", " 1");
	expect("smaller:1k", "");
	expect("larger:1025", "");
	expect("smaller:1025", " 1");
	expect("larger:1024 smaller:1025", " 1");
	snprintf(query, sizeof query, "larger:%" PRId64, INT64_MAX);
	expect(query, "");
	end();
}
END_TEST

START_TEST(folders_by_pattern)
{
	begin();
	add_in("INBOX", "", 1, "\r\n1\r\n");
	add_in("Archive", "", 2, "\r\n2\r\n");
	add_in("Archive/2019", "", 3, "\r\n3\r\n");
	add_in("Archives", "", 4, "\r\n4\r\n");
	archive_folder(&a, NULL, "Entw&APw-rfe", "Entwürfe");
	add_in("Entw&APw-rfe", "", 5, "\r\n5\r\n");
	add_in("a*b", "", 6, "\r\n6\r\n");
	ready();
	expect("folder:inbox", " 1");
	expect("folder:Archive", " 3 2");
	expect("folder:archive/", "");
	expect("folder:Archive/*", " 3");
	expect("folder:Archive*", " 4 3 2");
	expect("folder:*", " 6 5 4 3 2 1");
	expect("folder:*/*", " 3");
	expect("folder:Entwürfe", " 5");
	expect("folder:Entw?rfe", " 5");
	expect("folder:Entw??rfe", "");
	expect("folder:????????", " 5 4");
	expect("folder:*????w?rfe", "");
	expect("folder:*?w?rfe", " 5");
	expect("folder:a*b", " 6");
	expect("-folder:Archive", " 6 5 4 1");
	expect("folder:none", "");
	expect("-folder:none", " 6 5 4 3 2 1");
	expect("folder:Entw&APw-rfe", "");
	end();
}
END_TEST

START_TEST(labels_ids_and_accounts_are_whole_names)
{
	struct msg_id id;
	char hex[SHA256_HEX_BYTES], query[100];

	begin();
	id = add_in("INBOX", "$Forwarded Todo \\Flagged \\Seen", 1,
	    "Message-ID: <One@Example.org>\r\n\r\n1\r\n");
	add_in("INBOX", "Todolist", 2, "Message-ID: <two@example.org>\r\n\r\n2\r\n");
	ready();
	expect("label:todo", " 1");
	expect("label:TODOLIST", " 2");
	expect("label:tod", "");
	expect("label:\\flagged", " 1");
	expect("label:\"Todo \\\\Flagged\"", "");
	expect("-label:\"Todo \\\\Flagged\"", " 2 1");
	expect("label:$forwarded", " 1");
	expect("label:%", "");
	expect("account:WORK", " 2 1");
	expect("account:wor", "");
	expect("id:One@Example.org", " 1");
	expect("id:<two@example.org>", " 2");
	expect("id:one@example.org", "");
	expect("-id:<two@example.org>", " 1");
	sha256_hex(&id.sum, hex);
	snprintf(query, sizeof query, "id:%.10s", hex);
	expect(query, " 1");
	snprintf(query, sizeof query, "id:%s", hex);
	expect(query, " 1");
	hex[63] = hex[63] == '0' ? '1' : '0';
	snprintf(query, sizeof query, "id:%s", hex);
	expect(query, "");
	snprintf(query, sizeof query, "id:%.9s", hex);
	expect(query, "");
	end();
}
END_TEST

START_TEST(attachments_and_holds)
{
	struct msg_id id;

	begin();
	id = add(1,
	    "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	    "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
	    "--b\r\nContent-Type: text/plain; name=\"my report.txt\"\r\n\r\nnumbers\r\n"
	    "--b--\r\n");
	add(2, "\r\nhello numbers\r\n");
	archive_hold(&a, id, true);
	ready();
	expect("has:attachment", " 1");
	expect("-has:attachment", " 2");
	expect("attachment:numbers", " 1");
	expect("body:numbers", " 2 1"); /* readers show such a part */
	expect("filename:report", " 1");
	expect("filename:\"my report.txt\"", " 1");
	expect("numbers", " 2 1");
	expect("is:held", " 1");
	expect("-is:held", " 2");
	expect("hello has:attachment", " 1");
	end();
}
END_TEST

/* ---- places ---- */

static struct archive_place at(uint32_t uid, const char *folder, const char *flags)
{
	return (struct archive_place){
	    .folder = folder, .uid = uid, .flags = flags, .date_unix = uid * DAY};
}

START_TEST(each_state_of_a_place_counts_as_it_should)
{
	struct msg_id id[6];
	unsigned i;

	begin();
	for (i = 0; i < 6; i++)
		id[i] = archive_letter(&a, i, "s", "word");
	/* 1: moved from A to B. 2: deleted. 3: purged from A. 4: purged from A, still in B.
	 * 5: only known under a UIDVALIDITY that is over. 6: there. */
	for (i = 0; i < 6; i++)
		archive_place(&a, id[i], at(i + 1, "A", "\\Deleted \\Flagged"));
	archive_gone(&a, at(1, "A", ""));
	archive_place(&a, id[0], at(11, "B", "\\Seen"));
	archive_gone(&a, at(2, "A", ""));
	archive_purged(&a, id[2], at(3, "A", ""));
	archive_purged(&a, id[3], at(4, "A", ""));
	archive_place(&a, id[3], at(14, "B", "\\Seen"));
	archive_gone(&a, at(5, "A", ""));
	archive_place(&a, id[4],
	    (struct archive_place){.folder = "A", .uidvalidity = 2, .uid = 9, .date_unix = DAY});
	archive_retired(&a, (struct archive_place){.folder = "A", .uidvalidity = 2});
	ready();
	expect("is:gone", " 5 3 2");
	expect("-is:gone", " 6 4 1");
	expect("is:purged", " 4 3");
	expect("folder:A", " 6 5 4 3 2");
	expect("folder:B", " 4 1");
	expect("-folder:A", " 4 1");
	expect("folder:A -is:purged", " 6 5 2");
	expect("folder:B is:flagged", "");
	expect("folder:A is:flagged", " 6 5 4 3 2");
	expect("word is:unread folder:A", " 6 5 4 3 2");
	expect("is:deleted", " 6"); /* and still there */
	expect_places("*", true, " 6 7 8");
	expect_places("*", false, " 2 3 4 5 6 9 7 8");
	expect_places("is:gone", true, "");
	expect_places("is:purged OR folder:B", false, " 3 4 7 8");
	expect_places("-is:flagged", true, " 7 8");
	end();
}
END_TEST

START_TEST(a_message_is_dated_by_its_first_place_and_a_place_by_itself)
{
	struct msg_id id;

	begin();
	id = archive_letter(&a, 1, "s", "word");
	archive_place(&a, id, at(10, "A", ""));
	archive_place(&a, id, at(400, "B", ""));
	ready();
	expect("on:1970", " 1");
	expect("on:1971", "");
	expect("folder:B on:1970", " 1");
	expect_places("on:1970", true, " 1");
	expect_places("on:1971", true, " 2");
	end();
}
END_TEST

/* ---- order, pages ---- */

static const int64_t strange[] = {5, 3, INT64_C(16725225600), /* 2500-01-01 */
    -DAY, 4, -INT64_C(15000000000) /* 1494 */, 3, -1, 0, INT64_C(17000000000)};

START_TEST(newest_first_whatever_the_dates)
{
	char text[100];
	size_t i;

	begin();
	for (i = 0; i < 5; i++) {
		snprintf(text, sizeof text, MAIL "word\r\n\r\n%zu\r\n", i);
		add(strange[i], text);
	}
	ready();
	expect("word", " 3 1 5 2 4");
	expect("*", " 3 1 5 2 4");
	index_close(index_now);
	for (; i < sizeof strange / sizeof *strange; i++) { /* late arrivals */
		snprintf(text, sizeof text, MAIL "word\r\n\r\n%zu\r\n", i);
		add(strange[i], text);
	}
	ready();
	expect("word", " 10 3 1 5 7 2 9 8 4 6");
	expect("*", " 10 3 1 5 7 2 9 8 4 6");
	expect("word before:1970", " 8 4 6");
	expect("word before:1969-12-31T23:59:59Z", " 4 6");
	expect("word after:1970", " 10 3 1 5 7 2 9");
	expect("word before:1495", " 6");
	expect("word after:2500", " 10 3");
	expect("word after:2501 before:2600", " 10");
	end();
}
END_TEST

START_TEST(dates_that_cannot_be_are_found_as_well)
{
	begin();
	add(-INT64_C(62000000000), MAIL "word\r\n\r\n1\r\n"); /* in the year 5 */
	add(INT64_C(250000000000), MAIL "word\r\n\r\n2\r\n"); /* in the year 9892 */
	add(7, MAIL "word\r\n\r\n3\r\n");
	ready();
	expect("word", " 2 3 1");
	expect("*", " 2 3 1");
	expect("word before:1000", " 1");
	expect("word after:1000", " 2 3");
	expect("word after:9000", " 2");
	expect("word before:9000", " 3 1");
	expect("word after:9900", "");
	end();
}
END_TEST

static void expect_pages(const char *text, enum search_sort sort)
{
	char *whole = ask(text, (struct search_options){.sort = sort});
	uint64_t step, from;

	for (step = 1; step < 8; step++) {
		struct buf pages;

		buf_init(&pages, 1 << 20);
		for (from = 0; from < 40; from += step) {
			char *page = ask(text,
			    (struct search_options){.limit = step, .offset = from, .sort = sort});

			buf_text(&pages, page);
			free(page);
		}
		ck_assert_str_eq(buf_string(&pages), whole);
		buf_release(&pages);
	}
	free(whole);
}

START_TEST(pages_make_the_whole)
{
	char text[200], *got;
	unsigned i;

	begin();
	for (i = 0; i < 30; i++) {
		snprintf(text, sizeof text, MAIL "%s\r\n\r\nword %u%.*s\r\n",
		    i % 3 ? "plain" : "word", i, (int)(i % 4) * 4, " and and and and");
		add_in(i % 2 ? "A" : "B", "", i * 7 % 10 * DAY, text);
	}
	ready();
	expect_pages("word", SEARCH_BY_DATE);
	expect_pages("word", SEARCH_BY_RANK);
	expect_pages("word folder:A", SEARCH_BY_DATE);
	expect_pages("word folder:A", SEARCH_BY_RANK);
	expect_pages("*", SEARCH_BY_DATE);
	expect_pages("folder:B", SEARCH_BY_RANK);
	got = ask("*", (struct search_options){.offset = 28});
	ck_assert_str_eq(got, " 11 1");
	free(got);
	got = ask("*", (struct search_options){.limit = UINT64_MAX, .offset = 29});
	ck_assert_str_eq(got, " 1");
	free(got);
	got = ask("*", (struct search_options){.limit = 1, .offset = UINT64_MAX});
	ck_assert_str_eq(got, "");
	free(got);
	end();
}
END_TEST

START_TEST(rank_puts_the_best_first)
{
	char *got;

	begin();
	add(9, MAIL "lunch\r\n\r\nsomebody said invoice among many many other words here\r\n");
	add(8, MAIL "invoice\r\n\r\nplease pay\r\n");
	add(7, MAIL "lunch\r\n\r\ninvoice invoice\r\n");
	add(6, MAIL "nothing\r\n\r\nof it\r\n");
	ready();
	got = ask("invoice", (struct search_options){.sort = SEARCH_BY_RANK});
	ck_assert_str_eq(got, " 2 3 1");
	free(got);
	expect("invoice", " 1 2 3");
	end();
}
END_TEST

/* ---- nothing that somebody types breaks a statement ---- */

static const char *const pieces[] = {"a", "word", "\"", "'", "(", ")", "*", "-", "--", ";", "OR",
    "AND", "NOT", "NEAR", "NEAR(", ":", "from:", "body:", "folder:", "id:", "label:", "is:unread",
    "is:", "has:attachment", "older:1y", "larger:1", "^", "{", "}", "+", ",", "?", "?1", "%", "_",
    "\\", "\\\"", "/*", "*/", "--x", "rowid", "rank", "x'00'", "0", "1e9", "ä", "日本",
    "\xf0\x9f\x8e\x89", "\xe2\x80\x9c", "\xcc\x81", "\t", "\n", "\x01", "=", "<", ">", "|", "&",
    "sender:x", "\"a b\"*", "fts", "NULL", "1.5", "$", "@", "#", "[", "]", "`", "~", "!", "."};

#define PIECES (sizeof pieces / sizeof *pieces)

START_TEST(garbage_is_refused_or_answered_but_no_syntax_error)
{
	unsigned seed = 4711, i, answered = 0;
	struct search_options options = {0};

	begin();
	add(1, MAIL "word\r\n\r\na b c\r\n");
	ready();
	for (i = 0; i < 30000; i++) {
		unsigned count = 1 + (unsigned)rand_r(&seed) % 8;
		struct query *query = NULL;
		struct err err = {0};
		struct buf text, out;
		uint64_t hits;

		buf_init(&text, 4096);
		buf_init(&out, 4096);
		while (count-- > 0)
			buf_format(&text, "%s%s", pieces[(unsigned)rand_r(&seed) % PIECES],
			    rand_r(&seed) % 3 ? " " : "");
		if (query_parse(&query, buf_view(&text), ARCHIVE_TIME, &err) != 0) {
			ck_assert_int_eq(err.code, ERR_USAGE);
		} else {
			int got = search_messages(index_now, query, &options, list_hit, &out, &err);

			got |= search_count(index_now, query, &hits, &err);
			got |= search_places(index_now, query, true, list_place, &out, &err);
			ck_assert_msg(got == 0, "%s: %s", buf_string(&text), err.text);
			answered++;
		}
		query_free(query);
		buf_release(&text);
		buf_release(&out);
	}
	ck_assert_uint_gt(answered, 3000);
	end();
}
END_TEST

static int refuse(void *arg, int64_t n, struct err *err)
{
	++*(unsigned *)arg;
	return err_set(err, ERR_LIMIT, "no more than %" PRId64, n);
}

static int refuse_place(void *arg, int64_t number, int64_t n, struct err *err)
{
	(void)n;
	return refuse(arg, number, err);
}

START_TEST(a_caller_that_fails_ends_the_search)
{
	struct search_options options = {0};
	struct query *word, *all;
	unsigned calls = 0;

	begin();
	add(1, MAIL "word\r\n\r\n1\r\n");
	add(2, MAIL "word\r\n\r\n2\r\n");
	ready();
	word = parsed("word");
	all = parsed("*");
	FAILS(ERR_LIMIT, search_messages(index_now, word, &options, refuse, &calls, err));
	FAILS(ERR_LIMIT, search_messages(index_now, all, &options, refuse, &calls, err));
	FAILS(ERR_LIMIT, search_places(index_now, word, true, refuse_place, &calls, err));
	ck_assert_uint_eq(calls, 3);
	query_free(word);
	query_free(all);
	end();
}
END_TEST

SUITE(words_are_folded_and_cut, a_phrase_stands_in_one_column_and_words_in_any,
    dates_are_in_from_their_first_second_and_out_at_their_last,
    sent_asks_for_the_date_field_and_nothing_else, sizes_are_in_from_their_first_byte,
    folders_by_pattern, labels_ids_and_accounts_are_whole_names, attachments_and_holds,
    each_state_of_a_place_counts_as_it_should,
    a_message_is_dated_by_its_first_place_and_a_place_by_itself, newest_first_whatever_the_dates,
    dates_that_cannot_be_are_found_as_well, pages_make_the_whole, rank_puts_the_best_first,
    garbage_is_refused_or_answered_but_no_syntax_error, a_caller_that_fails_ends_the_search)
