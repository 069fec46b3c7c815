/* archiver/restore/: putting messages into an account. Everything arrives once, as it was; a
 * second run adds nothing. */
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
static int64_t place[100];
static size_t place_count;
static bool is_rehearsal;
static volatile sig_atomic_t stop;

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

/* In the archive, and wanted. Places are numbered as they are logged. */
static struct msg_id letter(const char *folder, uint32_t uid, const char *flags)
{
	struct msg_id id = archive_letter(&a, uid, "restore", folder);

	archive_place(&a, id,
	    (struct archive_place){
		.folder = folder, .uid = uid, .flags = flags, .date_unix = DATE - uid});
	place[place_count] = (int64_t)place_count + 1;
	place_count++;
	return id;
}

static void take_problem(void *arg, struct bytes folder, const char *text)
{
	(void)arg;
	buf_bytes(&problems, folder);
	buf_format(&problems, ": %s\n", text);
}

static void map_below(void *arg, struct bytes shown, struct buf *out)
{
	(void)arg;
	buf_text(out, "Old/");
	buf_bytes(out, shown);
}

static int try_restore(void (*map)(void *, struct bytes, struct buf *))
{
	struct restore_options options = {.vault = a.vault,
	    .account = "new",
	    .place = place,
	    .place_count = place_count,
	    .map = map,
	    .problem = take_problem,
	    .is_rehearsal = is_rehearsal,
	    .stop = &stop};

	archive_commit(&a);
	free(fake_log(&fake));
	buf_clear(&problems);
	memset(&why, 0, sizeof why);
	return restore_run(&options, &report, &why);
}

static void restore_now(uint64_t put, uint64_t already, uint64_t refused, uint64_t compared)
{
	ck_assert_msg(try_restore(NULL) == 0, "%s", why.text);
	ck_assert_uint_eq(report.wanted, place_count);
	ck_assert_uint_eq(report.put, put);
	ck_assert_uint_eq(report.already, already);
	ck_assert_uint_eq(report.refused, refused);
	ck_assert_uint_eq(report.compared, compared);
}

static struct fake_folder *folder_of(const char *name)
{
	for (size_t i = 0; i < fake.folder_count; i++)
		if (strcmp(fake.folder[i].name, name) == 0)
			return &fake.folder[i];
	ck_abort_msg("no folder %s", name);
	return NULL;
}

static bool has(const char *folder, struct msg_id id)
{
	const struct fake_folder *found = folder_of(folder);
	struct sha256 sum;

	for (size_t i = 0; i < found->count; i++) {
		sha256_of(bytes_of(found->message[i].text), &sum);
		if (sha256_equal(&sum, &id.sum))
			return true;
	}
	return false;
}

START_TEST(everything_arrives_as_it_was)
{
	struct msg_id one, two, three;
	const struct fake_message *message;

	begin();
	one = letter("INBOX", 1, "$Label1 \\Seen");
	two = letter("INBOX", 2, "");
	three = letter("Sent", 3, "\\Answered");
	fake_folder(&fake, "INBOX");
	restore_now(3, 0, 0, 3);
	ck_assert(has("INBOX", one) && has("INBOX", two) && has("Sent", three));
	ck_assert_uint_eq(report.folders, 2);
	ck_assert_uint_eq(report.folders_made, 1);
	message = &folder_of("INBOX")->message[0]; /* the older one first */
	ck_assert_int_eq(message->date_unix, DATE - 2);
	ck_assert_str_eq(message->flags, "");
	message = &folder_of("INBOX")->message[1];
	ck_assert_int_eq(message->date_unix, DATE - 1);
	ck_assert_str_eq(message->flags, "$Label1 \\Seen");
	ck_assert_str_eq(folder_of("Sent")->message[0].flags, "\\Answered");
	done();
}
END_TEST

START_TEST(a_second_run_adds_nothing)
{
	begin();
	letter("INBOX", 1, "");
	letter("INBOX", 2, "");
	fake_folder(&fake, "INBOX");
	restore_now(2, 0, 0, 2);
	restore_now(0, 2, 0, 2);
	ck_assert_uint_eq(folder_of("INBOX")->count, 2);
	/* One was deleted there: it alone comes again. */
	fake_remove(folder_of("INBOX"), 2);
	restore_now(1, 1, 0, 2);
	ck_assert_uint_eq(folder_of("INBOX")->count, 2);
	done();
}
END_TEST

START_TEST(a_rehearsal_changes_nothing)
{
	uint64_t batch;

	begin();
	letter("INBOX", 1, "");
	letter("Sent", 2, "");
	fake_folder(&fake, "INBOX");
	is_rehearsal = true;
	archive_commit(&a);
	batch = vault_next_batch(a.vault);
	restore_now(0, 0, 0, 0);
	fake_logged(&fake, "open, examine INBOX, scan, identify, examine Sent");
	ck_assert_uint_eq(fake.folder_count, 1);
	ck_assert_uint_eq(vault_next_batch(a.vault), batch);
	done();
}
END_TEST

START_TEST(folders_are_mapped)
{
	struct msg_id id;

	begin();
	id = letter("Work", 1, "");
	ck_assert_int_eq(try_restore(map_below), 0);
	ck_assert(has("Old/Work", id));
	done();
}
END_TEST

START_TEST(only_flags_that_the_target_keeps)
{
	begin();
	letter("INBOX", 1, "$Label1 \\Flagged \\Seen");
	fake_folder(&fake, "INBOX")->state.has_permanent = true;
	fake.folder[0].state.permanent_flags = BYTES("\\Seen \\Answered");
	restore_now(1, 0, 0, 1);
	ck_assert_str_eq(folder_of("INBOX")->message[0].flags, "\\Seen");
	done();
}
END_TEST

START_TEST(a_refused_message_does_not_stop_the_rest)
{
	begin();
	letter("INBOX", 1, "");
	letter("INBOX", 2, "");
	fake_folder(&fake, "INBOX");
	fake.refuses_appends = true;
	restore_now(0, 0, 2, 0);
	ck_assert_ptr_nonnull(strstr(buf_string(&problems), "was refused: no\n"));
	fake.refuses_appends = false;
	restore_now(2, 0, 0, 2);
	done();
}
END_TEST

START_TEST(a_full_account_ends_it)
{
	begin();
	letter("INBOX", 1, "");
	letter("INBOX", 2, "");
	fake_folder(&fake, "INBOX");
	fake.is_full = true;
	ck_assert_int_eq(try_restore(NULL), -1);
	ck_assert_int_eq(why.code, ERR_SERVER);
	ck_assert_str_eq(why.text, "the target account is over its quota");
	ck_assert_uint_eq(report.refused, 1); /* the second was not even tried */
	done();
}
END_TEST

/* It was put, but the answer was lost: it must not be put twice. */
START_TEST(a_lost_answer_is_looked_for)
{
	begin();
	letter("INBOX", 1, "");
	letter("INBOX", 2, "");
	fake_folder(&fake, "INBOX");
	fake_fail(&fake, "append", 1, ERR_NETWORK);
	fake.fails_when_done = true;
	ck_assert_msg(try_restore(NULL) == 0, "%s", why.text);
	ck_assert_uint_eq(folder_of("INBOX")->count, 2);
	ck_assert_uint_eq(report.compared, 2);
	ck_assert_uint_eq(fake.opens, 2);
	done();
}
END_TEST

START_TEST(no_connection)
{
	begin();
	letter("INBOX", 1, "");
	fake_fail(&fake, "open", 1, ERR_LOGIN);
	ck_assert_int_eq(try_restore(NULL), -1);
	ck_assert_int_eq(why.code, ERR_LOGIN);
	ck_assert_uint_eq(report.put, 0);
	done();
}
END_TEST

START_TEST(stopping)
{
	begin();
	letter("INBOX", 1, "");
	fake_folder(&fake, "INBOX");
	stop = 1;
	ck_assert_int_eq(try_restore(NULL), -1);
	ck_assert_int_eq(why.code, ERR_STOPPED);
	ck_assert_uint_eq(folder_of("INBOX")->count, 0);
	done();
}
END_TEST

START_TEST(the_journal_says_where_it_went)
{
	begin();
	letter("INBOX", 1, "");
	fake_folder(&fake, "INBOX")->state.uidnext = 70;
	restore_now(1, 0, 0, 1);
	ck_assert_int_eq(report.run[0], 'R');
	/* By its UID: also when the target tells nothing of it that we would know again. */
	folder_of("INBOX")->message[0].told_header = "Message-ID: <x@y>\r\n";
	folder_of("INBOX")->message[0].told_size = 3;
	restore_now(0, 1, 0, 1);
	done();
}
END_TEST

SUITE(everything_arrives_as_it_was, a_second_run_adds_nothing, a_rehearsal_changes_nothing,
    folders_are_mapped, only_flags_that_the_target_keeps, a_refused_message_does_not_stop_the_rest,
    a_full_account_ends_it, a_lost_answer_is_looked_for, no_connection, stopping,
    the_journal_says_where_it_went)
