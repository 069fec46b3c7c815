/* archiver/restore/restore_sources.c: which places are sources, and how many copies a folder is
 * to have. A restore makes mail that the next sync archives: that must not become more mail. */
#include "archiver/restore/restore.h"

#define FAKE_OPENS
#include "tests/unit/archive.h"
#include "tests/unit/fake_endpoint.h"

#define DATE 1500000000

static struct archive a;
static struct fake fake;
static struct restore_report report;
static struct err why;
static struct buf problems;
static const char *prefix;
static int64_t place[100];
static size_t place_count;
static bool is_rehearsal;

static void begin(void)
{
	archive_begin(&a);
	fake_begin(&fake);
	buf_init(&problems, 1 << 20);
}

static void done(void)
{
	buf_release(&problems);
	fake_end(&fake);
	archive_end(&a);
}

static char *text_of(unsigned number)
{
	return mem_format("Message-ID: <%u@x>\r\n\r\ntext\r\n", number);
}

static struct msg_id id_of(unsigned number)
{
	char *text = text_of(number);
	struct msg_id id;

	sha256_of(bytes_of(text), &id.sum);
	free(text);
	return id;
}

/* A copy of the message in the archive. */
static struct archive_place at(const char *account, const char *folder, uint32_t uid)
{
	return (struct archive_place){
	    .account = account, .folder = folder, .uid = uid, .date_unix = DATE};
}

static void copy(unsigned number, const char *account, const char *folder, uint32_t uid)
{
	char *text = text_of(number);
	struct msg_id id = archive_put(&a, text);

	archive_folder(&a, account, folder, folder);
	archive_place(&a, id, at(account, folder, uid));
	place[place_count] = (int64_t)place_count + 1;
	place_count++;
	free(text);
}

static void take_problem(void *arg, struct bytes folder, const char *text)
{
	(void)arg;
	buf_bytes(&problems, folder);
	buf_format(&problems, ": %s\n", text);
}

static void map_to_one(void *arg, struct bytes shown, struct buf *out)
{
	(void)arg, (void)shown;
	buf_text(out, "One");
}

static int try_restore(void (*map)(void *, struct bytes, struct buf *))
{
	struct restore_options options = {.vault = a.vault,
	    .account = "new",
	    .place = place,
	    .place_count = place_count,
	    .prefix = prefix,
	    .map = map,
	    .problem = take_problem,
	    .is_rehearsal = is_rehearsal};

	archive_commit(&a);
	buf_clear(&problems);
	memset(&why, 0, sizeof why);
	return restore_run(&options, &report, &why);
}

/* It tells before what it does. */
static void puts_so_many(uint64_t put)
{
	uint64_t folders, made;

	is_rehearsal = true;
	ck_assert_msg(try_restore(NULL) == 0, "%s", why.text);
	ck_assert_uint_eq(report.missing, put);
	folders = report.folders;
	made = report.folders_made;
	is_rehearsal = false;
	ck_assert_msg(try_restore(NULL) == 0, "%s", why.text);
	ck_assert_uint_eq(report.put, put);
	ck_assert_uint_eq(report.already, report.wanted - put);
	ck_assert_uint_eq(report.compared, report.wanted);
	ck_assert_uint_eq(report.folders, folders);
	ck_assert_uint_eq(report.folders_made, made);
}

/* What "new" has is archived; all places that count are asked for again. */
static void sync_new(void)
{
	for (size_t i = 0; i < fake.folder_count; i++)
		for (size_t k = 0; k < fake.folder[i].count; k++) {
			const struct fake_message *message = &fake.folder[i].message[k];
			struct archive_place there = at("new", fake.folder[i].name, message->uid);
			struct catalog_folder folder;
			struct catalog_place known;
			struct catalog *catalog = vault_catalog(a.vault);
			struct msg_id id;

			archive_commit(&a);
			if (catalog_folder(catalog, BYTES("new"), bytes_of(there.folder), &folder,
				NULL) == 1 &&
			    catalog_place_at(
				catalog, folder.number, 1, message->uid, &known, NULL) == 1)
				continue;
			archive_folder(&a, "new", there.folder, there.folder);
			id = archive_put(&a, message->text);
			archive_place(&a, id, there);
			place[place_count] = (int64_t)place_count + 1;
			place_count++;
		}
}

static size_t count_in(const char *folder)
{
	for (size_t i = 0; i < fake.folder_count; i++)
		if (strcmp(fake.folder[i].name, folder) == 0)
			return fake.folder[i].count;
	return 0;
}

START_TEST(what_was_restored_and_archived_is_no_source)
{
	begin();
	copy(1, "old", "INBOX", 1);
	copy(2, "old", "Sent", 1);
	puts_so_many(2);
	for (int i = 0; i < 3; i++) {
		sync_new();
		puts_so_many(0);
	}
	ck_assert_uint_eq(place_count, 4);
	done();
}
END_TEST

START_TEST(below_a_prefix_nothing_is_a_source)
{
	begin();
	prefix = "Old";
	copy(1, "old", "INBOX", 1);
	fake_message(fake_folder(&fake, "INBOX"), 1, "Message-ID: <own@x>\r\n\r\n", "", DATE);
	fake_message(fake_folder(&fake, "Older"), 1, "Message-ID: <2@x>\r\n\r\n", "", DATE);
	sync_new();
	puts_so_many(3); /* what "new" has, too, but below another name */
	for (int i = 0; i < 3; i++) {
		sync_new();
		puts_so_many(0);
	}
	ck_assert_uint_eq(count_in("Old/INBOX"), 2);
	ck_assert_uint_eq(count_in("Old/Older"), 1);
	done();
}
END_TEST

/* Two accounts with one, two and three copies: three, not six. */
START_TEST(as_many_as_the_account_that_has_most)
{
	begin();
	copy(1, "one", "INBOX", 1);
	for (uint32_t uid = 1; uid <= 3; uid++)
		copy(1, "three", "INBOX", uid);
	copy(1, "two", "INBOX", 1);
	copy(1, "two", "INBOX", 2);
	copy(1, "two", "Other", 3); /* another folder */
	puts_so_many(4);
	ck_assert_uint_eq(count_in("INBOX"), 3);
	ck_assert_uint_eq(count_in("Other"), 1);
	sync_new();
	puts_so_many(0);
	done();
}
END_TEST

/* Folders that are mapped to one are one account's, all the same. */
START_TEST(mapped_into_one_folder)
{
	begin();
	copy(1, "old", "A", 1);
	copy(1, "old", "B", 1);
	copy(1, "older", "C", 1);
	ck_assert_int_eq(try_restore(map_to_one), 0);
	ck_assert_uint_eq(count_in("One"), 2);
	sync_new();
	ck_assert_int_eq(try_restore(map_to_one), 0);
	ck_assert_uint_eq(report.put, 0);
	ck_assert_uint_eq(count_in("One"), 2);
	done();
}
END_TEST

START_TEST(its_own_mail_comes_back)
{
	begin();
	fake_folder(&fake, "INBOX")->state.uidnext = 10;
	copy(1, "new", "INBOX", 1);
	archive_purged(&a, id_of(1), at("new", "INBOX", 1));
	copy(2, "new", "INBOX", 2);
	archive_gone(&a, at("new", "INBOX", 2));
	puts_so_many(2);
	for (int i = 0; i < 3; i++) {
		sync_new();
		puts_so_many(0); /* one is now known as purged and as present */
	}
	ck_assert_uint_eq(count_in("INBOX"), 2);
	fake_remove(&fake.folder[0], 10);
	fake_remove(&fake.folder[0], 11);
	puts_so_many(2); /* and not twice, because it is known twice */
	done();
}
END_TEST

START_TEST(its_own_mail_below_the_prefix_comes_back_to_where_it_was)
{
	begin();
	prefix = "Old";
	copy(1, "new", "Old/INBOX", 1);
	archive_gone(&a, at("new", "Old/INBOX", 1));
	puts_so_many(1);
	ck_assert_uint_eq(count_in("Old/INBOX"), 1);
	done();
}
END_TEST

/* The archive calls it present, but the server knows better. */
START_TEST(deleted_since_the_last_sync)
{
	begin();
	fake_folder(&fake, "INBOX")->state.uidnext = 3;
	copy(1, "new", "INBOX", 1);
	copy(2, "new", "INBOX", 2);
	copy(3, "new", "Lost", 1); /* with its folder */
	fake_message(&fake.folder[0], 2, "Message-ID: <changed@x>\r\n\r\n", "", DATE);
	puts_so_many(2);
	ck_assert_uint_eq(report.own, 1);
	ck_assert_uint_eq(count_in("INBOX"), 2);
	ck_assert_uint_eq(count_in("Lost"), 1);
	done();
}
END_TEST

/* A server that changes what it is given: what it has is another message to the archive. */
START_TEST(changed_by_the_target)
{
	begin();
	fake_folder(&fake, "INBOX");
	copy(1, "old", "INBOX", 1);
	puts_so_many(1);
	free(fake.folder[0].message[0].text);
	fake.folder[0].message[0].text = mem_string("Message-ID: <1@x>\r\nX: y\r\n\r\ntext\r\n");
	sync_new();
	ck_assert_uint_eq(place_count, 2);
	puts_so_many(0);
	done();
}
END_TEST

START_TEST(a_folder_that_is_refused_stops_no_other)
{
	begin();
	copy(1, "old", "A", 1);
	copy(2, "old", "B", 1);
	copy(3, "old", "B", 2);
	copy(4, "old", "C", 1);
	fake_fail(&fake, "create", 2, ERR_SERVER);
	ck_assert_int_eq(try_restore(NULL), 0);
	ck_assert_uint_eq(report.put, 2);
	ck_assert_uint_eq(report.refused, 2);
	ck_assert_uint_eq(report.folders_made, 2);
	ck_assert_str_eq(buf_string(&problems), "B: 2 messages not restored: create failed\n");
	done();
}
END_TEST

static int create_badly(struct endpoint *ep, struct bytes name, struct err *err)
{
	if (bytes_is(name, "B"))
		return err_set(err, ERR_PROTOCOL, "cannot be read");
	return fake_create(ep, name, err);
}

/* The answer to CREATE cannot be read, however often: told once, and the rest goes on. */
START_TEST(a_folder_whose_refusal_cannot_be_read)
{
	struct endpoint_ops ops = fake_ops;

	begin();
	ops.create = create_badly;
	fake.endpoint.ops = &ops;
	copy(1, "old", "A", 1);
	copy(2, "old", "B", 1);
	copy(4, "old", "C", 1);
	ck_assert_int_eq(try_restore(NULL), 0);
	ck_assert_uint_eq(report.put, 2);
	ck_assert_uint_eq(report.refused, 1);
	ck_assert_str_eq(buf_string(&problems), "B: 1 message not restored: cannot be read\n");
	done();
}
END_TEST

SUITE(what_was_restored_and_archived_is_no_source, below_a_prefix_nothing_is_a_source,
    as_many_as_the_account_that_has_most, mapped_into_one_folder, its_own_mail_comes_back,
    its_own_mail_below_the_prefix_comes_back_to_where_it_was, deleted_since_the_last_sync,
    changed_by_the_target, a_folder_that_is_refused_stops_no_other,
    a_folder_whose_refusal_cannot_be_read)
