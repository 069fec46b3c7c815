/* app/faults.c: what verify tells people. */
#include "app/faults.h"

#include "tests/unit/app/capture.h"
#include "tests/unit/archive.h"

static struct archive a;

static void expect(const struct faults *faults, const char *expected)
{
	struct capture capture;

	capture_begin(&capture, stdout);
	faults_print(faults, vault_catalog(a.vault));
	capture_is(&capture, expected);
}

START_TEST(equal_faults_of_a_segment_are_one_line)
{
	struct faults faults = {0};

	archive_begin(&a);
	expect(&faults, "");
	faults_add(&faults, 1, "a blob that does not match its SHA-256");
	faults_add(&faults, 1, "a blob that does not match its SHA-256");
	faults_add(&faults, 2, "a blob that does not match its SHA-256");
	faults_add(&faults, 2, "/x/segments/000002.tar.zst: it is torn");
	faults_add(&faults, 2, "it is torn");
	faults_add(&faults, 0, "catalog.db differs");
	faults_add(&faults, 0, "/x/segments/000002.tar.zst: it is torn");
	expect(&faults,
	    "segment 1: a blob that does not match its SHA-256 (2 times)\n"
	    "segment 2: a blob that does not match its SHA-256\n"
	    "segment 2: it is torn (2 times)\n"
	    "catalog.db differs\n"
	    "/x/segments/000002.tar.zst: it is torn\n");
	faults_release(&faults);
	archive_end(&a);
}
END_TEST

START_TEST(messages_are_named_up_to_a_number)
{
	struct faults faults = {0};
	struct msg_id id;
	struct catalog_message message;
	struct capture capture;
	char *text, *line;
	int i, lines = 0;

	archive_begin(&a);
	id = archive_put_bytes(
	    &a, BYTES("From: Anna <a@b>\r\nSubject: =?utf-8?q?=C3=A4?= tea\r\n\r\nx\r\n"));
	archive_commit(&a);
	ck_assert_int_eq(catalog_message(vault_catalog(a.vault), &id, &message, NULL), 1);
	for (i = 0; i < FAULTS_MESSAGES_SHOWN + 3; i++)
		faults_add_message(&faults, message.n);
	capture_begin(&capture, stdout);
	faults_print(&faults, vault_catalog(a.vault));
	text = capture_end(&capture);
	for (line = text; *line; line = strchr(line, '\n') + 1)
		lines++;
	ck_assert_int_eq(lines, FAULTS_MESSAGES_SHOWN + 2);
	ck_assert_int_eq(strncmp(text, "23 messages cannot be given back:\n", 34), 0);
	ck_assert_ptr_nonnull(strstr(text, "\n  and 3 more "));
	free(text);
	faults_release(&faults);
	archive_end(&a);
}
END_TEST

SUITE(equal_faults_of_a_segment_are_one_line, messages_are_named_up_to_a_number)
