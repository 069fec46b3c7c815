/* archiver/vault/: one archive as a whole. What goes in comes out the same or not at all; it is
 * stored once; it can be opened by whoever may, and by nobody else. */
#include "ground.h"

/* ---- in and out ---- */

START_TEST(messages_come_back)
{
	struct msg_id unknown = {{{1, 2, 3}}};
	struct vault *v;

	begin();
	v = open_vault(true);
	ck_assert_uint_eq(vault_next_batch(v), 1);
	for (unsigned i = 1; i <= 100; i++)
		put(v, i);
	ck_assert_int_eq(try_get(v, 1, NULL), -1); /* not before it is committed */
	commit(v);
	ck_assert_uint_eq(vault_next_batch(v), 2);
	for (unsigned i = 1; i <= 100; i++)
		get(v, i);
	FAILS(ERR_ABSENT, vault_prove(v, &unknown, err));
	FAILS(ERR_ABSENT, vault_get(v, &unknown, collect, NULL, err));
	check_clean(v);
	vault_close(v);
	v = open_vault(false);
	for (unsigned i = 1; i <= 100; i++)
		get(v, i);
	vault_close(v);
	end();
}
END_TEST

START_TEST(odd_messages_come_back)
{
	static const struct bytes odd[] = {
	    {"", 0}, {"\n", 1}, {"\0", 1}, {"From x\n", 7}, {"\xef\xbb\xbfSubject: x\r\n", 15}};
	struct vault *v;

	begin();
	v = open_vault(true);
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		struct msg_id id;
		struct sha256 sum;
		struct buf got;
		bool is_new;

		OK(put_bytes(v, odd[i], &id, &is_new, err));
		sha256_of(odd[i], &sum);
		ck_assert(sha256_equal(&sum, &id.sum) && is_new);
		commit(v);
		buf_init(&got, 100);
		OK(vault_get(v, &id, collect, &got, err));
		ck_assert(bytes_equal(buf_view(&got), odd[i]));
		OK(vault_prove(v, &id, err));
		buf_release(&got);
	}
	check_clean(v);
	vault_close(v);
	end();
}
END_TEST

START_TEST(the_facts_are_in_the_catalogue)
{
	struct catalog_message m;
	struct msg_id id = id_of(15);
	struct buf text = message(15);
	struct vault_put *put_;
	struct event facts = {.message_id = BYTES("i"),
	    .from = BYTES("f"),
	    .to = BYTES("t"),
	    .cc = BYTES("c"),
	    .subject = BYTES("s")};
	struct vault *v;
	bool is_new;

	begin();
	v = open_vault(true);
	ck_assert_int_eq(vault_now(v), FIRST_TIME);
	put_ = vault_put_new(v);
	vault_put_begin(put_);
	OK(vault_put_add(put_, "to be forgotten", 15, err));
	vault_put_begin(put_);
	OK(vault_put_add(put_, text.p, text.n, err));
	ck_assert_uint_eq(vault_put_bytes(put_), text.n);
	ck_assert(bytes_equal(vault_put_head(put_), buf_view(&text)));
	OK(vault_put_end(put_, &facts, -77, &id, &is_new, err));
	vault_put_free(put_);
	place(v, 15, 4);
	commit(v);
	ck_assert_int_eq(catalog_message(vault_catalog(v), &id, &m, NULL), 1);
	ck_assert_uint_eq(m.size_bytes, text.n);
	ck_assert_uint_lt(m.stored_bytes, text.n - 14000); /* two attachments are cut out */
	ck_assert(bytes_is(m.message_id, "i") && bytes_is(m.from, "f") && bytes_is(m.to, "t") &&
	    bytes_is(m.cc, "c") && bytes_is(m.subject, "s"));
	ck_assert(!m.has_sent && m.has_date);
	ck_assert_int_eq(m.archived_unix, FIRST_TIME);
	ck_assert_uint_eq(totals(v).blobs, 2);
	ck_assert_uint_eq(totals(v).blob_bytes, 5000 + 15 % 7 + 9000);
	vault_close(v);
	buf_release(&text);
	end();
}
END_TEST

START_TEST(the_head_is_kept_and_no_more)
{
	struct vault_put *put_;
	struct vault *v;
	char *data = mem_zero(1, MIB);

	begin();
	v = open_vault(true);
	put_ = vault_put_new(v);
	vault_put_begin(put_);
	for (int i = 0; i < 3; i++)
		OK(vault_put_add(put_, data, 100000, err));
	ck_assert_uint_eq(vault_put_head(put_).n, 256 << 10);
	ck_assert_uint_eq(vault_put_bytes(put_), 300000);
	vault_put_free(put_);
	vault_put_free(NULL);
	vault_close(v);
	vault_close(NULL);
	free(data);
	end();
}
END_TEST

START_TEST(large_messages_come_back)
{
	struct vault *v;

	begin();
	v = open_vault(true);
	put_batch(v, LARGE, 2);
	ck_assert(!vault_is_due(v));
	put(v, LARGE + 2);
	put(v, LARGE + 3);
	put(v, LARGE + 4);
	ck_assert(vault_is_due(v));
	commit(v);
	ck_assert(!vault_is_due(v));
	for (unsigned i = 0; i < 5; i++)
		get(v, LARGE + i);
	check_clean(v);
	vault_close(v);
	end();
}
END_TEST

static int stop(void *arg, const void *data, size_t bytes, struct err *err)
{
	(void)data;
	*(uint64_t *)arg += bytes;
	return *(uint64_t *)arg > 100 ? err_set(err, ERR_STOPPED, "enough") : 0;
}

START_TEST(a_receiver_that_stops)
{
	struct msg_id id;
	uint64_t bytes = 0;
	struct vault *v;

	begin();
	v = open_vault(true);
	put(v, 15);
	put(v, LARGE + 1);
	commit(v);
	id = id_of(15);
	FAILS(ERR_STOPPED, vault_get(v, &id, stop, &bytes, err));
	id = id_of(LARGE + 1);
	bytes = 0;
	FAILS(ERR_STOPPED, vault_get(v, &id, stop, &bytes, err));
	ck_assert_uint_lt(bytes, MIB);
	get(v, 15);
	get(v, LARGE + 1);
	vault_close(v);
	end();
}
END_TEST

/* ---- once ---- */

START_TEST(a_message_is_stored_once)
{
	struct vault *v;

	begin();
	v = open_vault(true);
	ck_assert(put(v, 15));
	ck_assert(!put(v, 15)); /* in the open batch */
	place(v, 15, 1);
	place(v, 15, 2);
	commit(v);
	ck_assert(!put(v, 15)); /* in an earlier one */
	place(v, 15, 3);
	commit(v);
	vault_close(v);
	v = open_vault(true);
	ck_assert(!put(v, 15)); /* of another process */
	ck_assert(put(v, 16));
	commit(v);
	ck_assert_uint_eq(totals(v).messages, 2);
	ck_assert_uint_eq(totals(v).present, 3);
	ck_assert_uint_eq(totals(v).blobs, 2);
	check_clean(v);
	vault_close(v);
	end();
}
END_TEST

START_TEST(an_attachment_is_stored_once)
{
	struct vault *v;

	begin();
	v = open_vault(true);
	/* 40, 45, 50 and 55 differ in their texts and have attachments of 5005, 5003, 5001 and
	 * 5006 bytes; made of the same noise, they differ in length only. */
	put(v, 40);
	put(v, 45);
	commit(v);
	ck_assert_uint_eq(totals(v).blobs, 3);
	put(v, 40 + 140); /* 180: another seed */
	commit(v);
	ck_assert_uint_eq(totals(v).blobs, 5);
	for (int i = 0; i < 5; i++) {
		struct buf text = message(40);
		struct msg_id id;
		bool is_new;

		text.p[9] = (char)('a' + i); /* another subject, the same attachment */
		OK(put_bytes(v, buf_view(&text), &id, &is_new, err));
		ck_assert(is_new);
		if (i % 2)
			commit(v);
		buf_release(&text);
	}
	commit(v);
	ck_assert_uint_eq(totals(v).blobs, 5);
	ck_assert_uint_eq(totals(v).messages, 8);
	check_clean(v);
	vault_close(v);
	end();
}
END_TEST

START_TEST(what_is_not_committed_is_not_there)
{
	struct vault *v;

	begin();
	v = open_vault(true);
	put_batch(v, 1, 5);
	put(v, 20);
	place(v, 20, 20);
	vault_abort(v);
	FAILS(ERR_BUG, try_place(v, 20, 20, err)); /* it would point at nothing */
	commit(v);                                 /* nothing to do */
	ck_assert_uint_eq(vault_next_batch(v), 2);
	ck_assert(put(v, 20)); /* its attachments, too, are new again */
	commit(v);
	get(v, 20);
	put(v, 21);
	vault_close(v);
	v = open_vault(true);
	FAILS(ERR_ABSENT, try_get(v, 21, err));
	ck_assert_str_eq(notices, "");
	check_clean(v);
	vault_close(v);
	end();
}
END_TEST

START_TEST(events_that_cannot_be_applied_are_refused)
{
	struct event event = {.kind = EVENT_GONE,
	    .account = BYTES("a"),
	    .folder = BYTES("f"),
	    .id = id_of(99).sum,
	    .state = BYTES("intent")};
	static const char *const uids[] = {"", "x", "0", "1:", "*", "1,,2", "-1"};
	struct vault *v;

	begin();
	v = open_vault(true);
	put_batch(v, 1, 2);
	for (size_t i = 0; i < sizeof uids / sizeof *uids; i++) {
		event.uids = bytes_of(uids[i]);
		FAILS(ERR_BUG, vault_log(v, &event, err));
	}
	event.uids = BYTES("1:5,9");
	OK(vault_log(v, &event, err));
	event.kind = EVENT_PLACED;
	FAILS(ERR_BUG, vault_log(v, &event, err));
	event.kind = EVENT_HOLD;
	FAILS(ERR_BUG, vault_log(v, &event, err));
	event.kind = EVENT_PURGE;
	FAILS(ERR_BUG, vault_log(v, &event, err));
	event.kind = EVENT_RESTORED; /* into another account: it need not be here */
	OK(vault_log(v, &event, err));
	event.kind = EVENT_MAIL;
	FAILS(ERR_BUG, vault_log(v, &event, err));
	commit(v);
	check_clean(v);
	vault_close(v);
	v = open_vault(true);
	vault_close(v);
	end();
}
END_TEST

/* ---- who may open ---- */

START_TEST(one_writer_many_readers)
{
	struct vault *v, *other = NULL, *reader, *second;

	begin();
	v = open_vault(true);
	put_batch(v, 1, 3);
	FAILS(ERR_LOCKED, try_open(&other, true, err));
	ck_assert_ptr_null(other);
	reader = open_vault(false);
	second = open_vault(false);
	get(reader, 3);
	put(v, 4);
	place(v, 4, 4);
	FAILS(ERR_ABSENT, try_get(reader, 4, err));
	commit(v);
	get(reader, 4);
	get(second, 4);
	FAILS(ERR_BUG, try_put(reader, 5, &(bool){0}, err));
	FAILS(ERR_BUG, vault_log(reader, &(struct event){.kind = EVENT_RETIRED}, err));
	FAILS(ERR_BUG, vault_commit(reader, err));
	FAILS(ERR_BUG, vault_rebuild(reader, err));
	vault_close(v);
	v = open_vault(true); /* readers do not hold it up */
	put_batch(v, 5, 1);
	get(reader, 5);
	vault_close(reader);
	vault_close(second);
	vault_close(v);
	end();
}
END_TEST

START_TEST(a_folder_that_is_no_archive)
{
	char *path;
	struct vault *v = NULL;

	begin();
	options.may_create = false;
	FAILS(ERR_USAGE, try_open(&v, true, err));
	FAILS(ERR_USAGE, try_open(&v, false, err));
	ck_assert(!file_exists(options.path));
	ck_assert_int_eq(mkdir(options.path, 0700), 0);
	FAILS(ERR_USAGE, try_open(&v, true, err));
	options.may_create = true;
	write_file("letter.txt", BYTES("dear"));
	FAILS(ERR_USAGE, try_open(&v, true, err));
	FAILS(ERR_USAGE, try_open(&v, false, err));
	ck_assert(!exists("FORMAT") && !exists("segments") && !exists("lock"));
	remove_file("letter.txt");
	path = in_archive("lost+found"); /* a disk of its own */
	ck_assert_int_eq(mkdir(path, 0700), 0);
	free(path);
	v = open_vault(true);
	put_batch(v, 1, 1);
	vault_close(v);
	options.may_create = false;
	v = open_vault(true);
	get(v, 1);
	vault_close(v);
	end();
}
END_TEST

START_TEST(the_format_is_checked)
{
	static const struct {
		const char *text;
		enum err_code code;
	} format[] = {{"mailcask archive 2\n", ERR_VERSION}, {"mailcask archive 10\n", ERR_VERSION},
	    {"mailcask archive 1 encrypted\n", ERR_VERSION}, {"", ERR_DAMAGED}, {"x", ERR_DAMAGED},
	    {"mailcask", ERR_DAMAGED}};
	struct vault *v;
	struct buf text, before, after;

	begin();
	v = open_vault(true);
	put_batch(v, 1, 1);
	vault_close(v);
	text = read_file("FORMAT");
	ck_assert_str_eq(buf_string(&text), "mailcask archive 1\n");
	buf_release(&text);
	before = read_file("segments/000001.tar.zst");
	remove_file("catalog.db");
	v = NULL;
	for (size_t i = 0; i < sizeof format / sizeof *format; i++) {
		write_file("FORMAT", bytes_of(format[i].text));
		FAILS(format[i].code, try_open(&v, true, err));
		FAILS(format[i].code, try_open(&v, false, err));
		ck_assert(!exists("catalog.db"));
		after = read_file("segments/000001.tar.zst");
		ck_assert(bytes_equal(buf_view(&before), buf_view(&after)));
		buf_release(&after);
	}
	buf_release(&before);
	end();
}
END_TEST

START_TEST(databases_elsewhere)
{
	struct vault *v;
	char *path;

	begin();
	options.databases = mem_format("%s/d/e", folder);
	v = open_vault(true);
	put_batch(v, 1, 3);
	ck_assert_str_eq(vault_temporary_folder(v), options.databases);
	vault_close(v);
	ck_assert(!exists("catalog.db"));
	path = mem_format("%s/catalog.db", options.databases);
	ck_assert(file_exists(path));
	ck_assert_int_eq(unlink(path), 0);
	v = open_vault(false);
	get(v, 2);
	ck_assert(file_exists(path));
	free(path);
	path = vault_catalog_path(v);
	ck_assert_ptr_nonnull(strstr(path, "/d/e/catalog.db"));
	free(path);
	path = vault_index_path(v);
	ck_assert_ptr_nonnull(strstr(path, "/d/e/index.db"));
	free(path);
	vault_close(v);
	free((char *)options.databases);
	end();
}
END_TEST

START_TEST(sizes)
{
	uint64_t segment_bytes, catalog_bytes, index_bytes;
	uint32_t segments;
	struct vault *v;
	struct buf text;

	begin();
	v = open_vault(true);
	put_batch(v, 1, 3);
	vault_close(v);
	v = open_vault(false);
	write_file("index.db", BYTES("12345"));
	OK(vault_size(v, &segment_bytes, &segments, &catalog_bytes, &index_bytes, err));
	text = read_file("segments/000001.tar.zst");
	ck_assert_uint_eq(segment_bytes, text.n);
	buf_release(&text);
	text = read_file("catalog.db");
	ck_assert_uint_eq(catalog_bytes, text.n);
	buf_release(&text);
	ck_assert_uint_eq(segments, 1);
	ck_assert_uint_eq(index_bytes, 5);
	vault_close(v);
	end();
}
END_TEST

SUITE(messages_come_back, odd_messages_come_back, the_facts_are_in_the_catalogue,
    the_head_is_kept_and_no_more, large_messages_come_back, a_receiver_that_stops,
    a_message_is_stored_once, an_attachment_is_stored_once, what_is_not_committed_is_not_there,
    events_that_cannot_be_applied_are_refused, one_writer_many_readers, a_folder_that_is_no_archive,
    the_format_is_checked, databases_elsewhere, sizes)
