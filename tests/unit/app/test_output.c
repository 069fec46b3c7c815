/* app/output.c: cells, numbers and messages on standard output. */
#include "app/output.h"

#include "tests/unit/app/capture.h"
#include "tests/unit/archive.h"

#include <locale.h>

static struct capture capture;

static void check_number(uint64_t value, const char *expected)
{
	char text[OUTPUT_NUMBER_BYTES];

	ck_assert_ptr_eq(output_number(value, text), text);
	ck_assert_str_eq(text, expected);
}

START_TEST(numbers_in_groups_of_three)
{
	check_number(0, "0");
	check_number(7, "7");
	check_number(999, "999");
	check_number(1000, "1,000");
	check_number(12345, "12,345");
	check_number(123456, "123,456");
	check_number(1234567, "1,234,567");
	check_number(UINT64_MAX, "18,446,744,073,709,551,615");
}
END_TEST

static void check_cell(const char *text, int width, const char *expected)
{
	capture_begin(&capture, stdout);
	output_cell(bytes_of(text), width);
	capture_is(&capture, expected);
}

START_TEST(cells_are_as_wide_as_they_should_be)
{
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	check_cell("abc", 5, "abc  ");
	check_cell("abc", -5, "  abc");
	check_cell("abc", 3, "abc");
	check_cell("", 2, "  ");
	check_cell("\xc3\xa4\xc3\xb6", 4, "\xc3\xa4\xc3\xb6  ");                /* two columns */
	check_cell("\xe6\x97\xa5\xe6\x9c\xac", 5, "\xe6\x97\xa5\xe6\x9c\xac "); /* two wide ones */
}
END_TEST

START_TEST(no_cell_is_wider)
{
	for (int width = 1; width < 8; width++) {
		char *text;

		capture_begin(&capture, stdout);
		output_cell(BYTES("abcdefghijkl"), width);
		text = capture_end(&capture);
		ck_assert_uint_eq(strlen(text), (size_t)width);
		ck_assert(width <= 3 || strcmp(text + width - 3, "...") == 0);
		free(text);
	}
}
END_TEST

START_TEST(text_keeps_lines_and_nothing_that_moves_the_cursor)
{
	capture_begin(&capture, stdout);
	output_text(BYTES("one\r\n\ttwo\n\nthree \033[31m \a\n"));
	capture_is(&capture, "one\n\ttwo\n\nthree  [31m  \n");
	capture_begin(&capture, stdout);
	output_text(BYTES(""));
	output_text(BYTES("no end"));
	capture_is(&capture, "no end");
}
END_TEST

START_TEST(raw_is_raw)
{
	capture_begin(&capture, stdout);
	output_raw(BYTES("\033[2J\r\n"));
	output_line("%d of %s", 3, "x");
	capture_is(&capture, "\033[2J\r\n3 of x\n");
	ck_assert(output_is_fine());
}
END_TEST

START_TEST(a_full_disk_is_noticed)
{
	ck_assert_ptr_nonnull(freopen("/dev/full", "w", stdout));
	output_line("x");
	ck_assert(!output_is_fine());
}
END_TEST

START_TEST(a_json_line_is_written_and_forgotten)
{
	struct buf line;

	buf_init(&line, 100);
	buf_text(&line, "{}");
	capture_begin(&capture, stdout);
	output_json_line(&line);
	capture_is(&capture, "{}\n");
	ck_assert_uint_eq(line.n, 0);
	buf_release(&line);
}
END_TEST

/* ---- messages ---- */

static struct archive a;
static struct app app;

static void check_json(struct msg_id id, int64_t place, const char *expected)
{
	struct catalog_message message;
	struct jsonout json;
	struct buf line;
	char *text, *start;

	ck_assert_int_eq(catalog_message(vault_catalog(a.vault), &id, &message, NULL), 1);
	buf_init(&line, 10000);
	jsonout_start(&json, &line);
	jsonout_object(&json, NULL);
	OK(output_json_message(&app, &json, &message, place, err));
	jsonout_end(&json);
	text = buf_take(&line);
	start = strstr(text, "\",\"account");
	ck_assert_ptr_nonnull(start);
	ck_assert_int_eq(strncmp(text, "{\"id\":\"", 7), 0);
	ck_assert_uint_eq((size_t)(start - text), 7 + 64);
	ck_assert_str_eq(start + 2, expected);
	free(text);
}

#define PLACE(folder, uid, flags, state)                                                           \
	"{\"account\":\"work\",\"folder\":\"" folder "\",\"uid\":" uid                             \
	",\"uidvalidity\":1,\"date\":\"2017-07-14T02:40:0" uid "Z\",\"flags\":[" flags             \
	"],\"state\":\"" state "\",\"since\":\"2023-11-14T22:13:20Z\"}"
#define PLACES                                                                                     \
	"\"places\":[" PLACE("C", "3", "\"$Label1\",\"\\\\Flagged\"", "present") "," PLACE(        \
	    "A", "1", "", "gone") "," PLACE("B", "2", "\"\\\\Seen\"", "purged") "]}"
#define HEAD                                                                                       \
	"\"date\":\"2017-07-14T02:40:01Z\",\"from\":\"Anna <anna@example.org>\","                  \
	"\"subject\":\"\xc3\xa4\",\"size\":"

/* One message at three places: the one that counts most speaks for it. */
START_TEST(the_place_that_counts_most)
{
	struct msg_id id;

	archive_begin(&a);
	app.vault = a.vault;
	id = archive_letter(&a, 1, "=?utf-8?q?=C3=A4?=", "x");
	for (uint32_t i = 0; i < 3; i++)
		archive_place(&a, id,
		    (struct archive_place){.folder = i == 0 ? "A"
			    : i == 1                        ? "B"
							    : "C",
			.uid = i + 1,
			.flags = i == 0 ? ""
			    : i == 1    ? "\\Seen"
					: "$Label1 \\Flagged",
			.date_unix = 1500000001 + i});
	archive_gone(&a, (struct archive_place){.folder = "A", .uid = 1});
	archive_purged(&a, id, (struct archive_place){.folder = "B", .uid = 2});
	archive_commit(&a);
	check_json(id, 0,
	    "\"account\":\"work\",\"folder\":\"C\",\"uid\":3," HEAD
	    "115,\"flags\":[\"$Label1\",\"\\\\Flagged\"]," PLACES);
	check_json(id, 1,
	    "\"account\":\"work\",\"folder\":\"A\",\"uid\":1," HEAD "115,\"flags\":[]," PLACES);
	archive_gone(&a, (struct archive_place){.folder = "C", .uid = 3});
	archive_commit(&a);
	check_json(id, 2,
	    "\"account\":\"work\",\"folder\":\"B\",\"uid\":2," HEAD
	    "115,\"flags\":[\"\\\\Seen\"],\"places\":[" PLACE("A", "1", "", "gone") "," PLACE("C",
		"3", "\"$Label1\",\"\\\\Flagged\"",
		"gone") "," PLACE("B", "2", "\"\\\\Seen\"", "purged") "]}");
	archive_end(&a);
}
END_TEST

SUITE(numbers_in_groups_of_three, cells_are_as_wide_as_they_should_be, no_cell_is_wider,
    text_keeps_lines_and_nothing_that_moves_the_cursor, raw_is_raw, a_full_disk_is_noticed,
    a_json_line_is_written_and_forgotten, the_place_that_counts_most)
