/* app/export.c: names that are harmless wherever they come from, bytes as they were, mboxrd. */
#include "app/export.h"

#include "base/file.h"
#include "tests/unit/app/capture.h"
#include "tests/unit/archive.h"

#include <fcntl.h>
#include <sys/stat.h>

#define DATE 1500000000 /* 2017-07-14T02:40:00Z, a Friday */

static struct archive a;
static struct app app;
static struct export export;
static char out[] = "/tmp/mailcask-export-XXXXXX";
static int64_t place_count;

static void begin(void)
{
	archive_begin(&a);
	app = (struct app){.vault = a.vault};
	ck_assert_ptr_nonnull(mkdtemp(out));
	place_count = 0;
}

static void done(void)
{
	ck_assert_int_eq(nftw(out, archive_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
	archive_end(&a);
}

/* The id's first ten digits. */
static const char *add(const char *folder, const char *text)
{
	static char hex[SHA256_HEX_BYTES];
	struct msg_id id = archive_put(&a, text);

	archive_folder(&a, NULL, folder, folder);
	archive_place(&a, id,
	    (struct archive_place){
		.folder = folder, .uid = (uint32_t)++place_count, .date_unix = DATE});
	archive_commit(&a);
	sha256_hex(&id.sum, hex);
	hex[10] = '\0';
	return hex;
}

static void check_file(const char *path, const char *expected)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	OK(file_read_all(path, &text, err));
	ck_assert_str_eq(buf_string(&text), expected);
	buf_release(&text);
}

static void start(enum export_format format, const char *path)
{
	export = (struct export){.app = &app, .format = format, .path = path};
	OK(export_begin(&export, err));
}

/* ---- .eml ---- */

/* The one message, in a folder of that name and with that subject, becomes that file. */
static void check_name(const char *folder, const char *subject, const char *expected)
{
	char *text = mem_format("Subject: %s\r\n\r\nx\r\n", subject), *path;
	const char *id;

	begin();
	id = add(folder, text);
	path = mem_format("%s/work/%s-%s.eml", out, expected, id);
	start(EXPORT_EML, out);
	OK(export_place(&export, 1, err));
	OK(export_end(&export, err));
	ck_assert_msg(file_exists(path), "%s", path);
	check_file(path, text);
	free(text);
	free(path);
	done();
	memcpy(out, "/tmp/mailcask-export-XXXXXX", sizeof out);
}

START_TEST(a_file_is_named_by_place_date_and_subject)
{
	check_name("INBOX", "Hello", "INBOX/2017-07-14-1-Hello");
	check_name("A/B/C", "=?utf-8?q?=C3=A4?=", "A/B/C/2017-07-14-1-\xc3\xa4");
	check_name("INBOX", "", "INBOX/2017-07-14-1-_");
}
END_TEST

START_TEST(no_name_leaves_the_folder)
{
	check_name("..", "x", "_._/2017-07-14-1-x");
}
END_TEST

START_TEST(no_subject_is_a_path)
{
	check_name("INBOX", "../../etc/passwd", "INBOX/2017-07-14-1-_._.._etc_passwd_");
	check_name("INBOX", "a/b\\c:d*e?f\"g<h>i|j", "INBOX/2017-07-14-1-a_b_c_d_e_f_g_h_i_j");
	check_name("INBOX", "ends in dots...", "INBOX/2017-07-14-1-ends in dots");
}
END_TEST

START_TEST(long_subjects_are_cut)
{
	char *long_one = mem_zero(300, 1);

	memset(long_one, 'x', 299);
	check_name("INBOX", long_one,
	    "INBOX/2017-07-14-1-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	free(long_one);
}
END_TEST

static int is_outside(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *name = path + ftw->base;

	(void)st, (void)type;
	return strcmp(name, "..") == 0 || (ftw->level > 0 && name[0] == '.') ||
	    strpbrk(name, "\\:*?\"<>|\n\r\t") != NULL;
}

/* Whatever a server calls its folders. */
START_TEST(folders_of_any_name_stay_inside)
{
	static const char *const name[] = {"..", ".", "../..", "/etc", "a//b", "a/../../../b",
	    "...", ".ssh/authorized_keys", "a\\..\\b", "a\nb", "C:", " ", "a/./b", "x/.."};

	begin();
	for (size_t i = 0; i < sizeof name / sizeof *name; i++)
		add(name[i], "Subject: s\r\n\r\nx\r\n");
	start(EXPORT_EML, out);
	for (int64_t number = 1; number <= place_count; number++)
		OK(export_place(&export, number, err));
	OK(export_end(&export, err));
	ck_assert_uint_eq(export.written, sizeof name / sizeof *name);
	ck_assert_int_eq(nftw(out, is_outside, 16, FTW_PHYS), 0);
	done();
}
END_TEST

START_TEST(files_are_private_and_dated)
{
	struct stat st;
	char *path;

	begin();
	path = mem_format(
	    "%s/work/INBOX/2017-07-14-1-s-%s.eml", out, add("INBOX", "Subject: s\r\n\r\nx\r\n"));
	umask(0);
	start(EXPORT_EML, out);
	OK(export_place(&export, 1, err));
	OK(export_end(&export, err));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(st.st_mtime, DATE);
	ck_assert_uint_eq(export.bytes, 17);
	free(path);
	done();
}
END_TEST

START_TEST(nothing_is_replaced)
{
	char *path;

	begin();
	path = mem_format(
	    "%s/work/INBOX/2017-07-14-1-s-%s.eml", out, add("INBOX", "Subject: s\r\n\r\nx\r\n"));
	start(EXPORT_EML, out);
	OK(export_place(&export, 1, err));
	OK(export_end(&export, err));
	OK(file_replace(path, BYTES("mine"), 0600, err));
	start(EXPORT_EML, out);
	FAILS(ERR_USAGE, export_place(&export, 1, err));
	OK(export_end(&export, err));
	check_file(path, "mine");
	start(EXPORT_EML, out);
	OK(export_end(&export, err));
	export = (struct export){.app = &app, .format = EXPORT_MBOX, .path = path};
	FAILS(ERR_USAGE, export_begin(&export, err));
	OK(export_end(&export, err));
	check_file(path, "mine");
	free(path);
	done();
}
END_TEST

START_TEST(a_damaged_message_is_told_and_leaves_no_file)
{
	struct catalog_message message;
	struct capture capture;
	struct stat st;
	struct msg_id id;
	char *path, *text;
	int fd;

	begin();
	id = archive_put(&a, "Subject: s\r\n\r\nx\r\n");
	archive_place(
	    &a, id, (struct archive_place){.folder = "INBOX", .uid = 1, .date_unix = DATE});
	archive_commit(&a);
	ck_assert_int_eq(catalog_message(vault_catalog(a.vault), &id, &message, NULL), 1);
	path = mem_format("%s/segments/000001.tar.zst", a.folder);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(pwrite(fd, "XXXX", 4, (off_t)message.place.frame_at + 30), 4);
	close(fd);
	free(path);
	capture_begin(&capture, stderr);
	for (enum export_format format = EXPORT_EML; format <= EXPORT_MBOX; format++) {
		path = format == EXPORT_EML ? mem_string(out) : file_join(out, "mbox");
		start(format, path);
		OK(export_place(&export, 1, err));
		ck_assert_uint_eq(export.failed, 1);
		ck_assert_uint_eq(export.written, 0);
		OK(export_end(&export, err));
		free(path);
	}
	text = capture_end(&capture);
	ck_assert_ptr_nonnull(strstr(text, "mailcask: "));
	ck_assert(app.has_failed_in_part);
	path = mem_format("%s/mbox", out);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, 0); /* not a line of it */
	free(path);
	path = mem_format("%s/work/INBOX", out);
	ck_assert_int_eq(rmdir(path), 0); /* empty */
	ck_assert_int_eq(mkdir(path, 0700), 0);
	free(path);
	free(text);
	done();
}
END_TEST

/* ---- mboxrd ---- */

#define FROM "From mailcask@localhost Fri Jul 14 02:40:00 2017\n"

/* RFC 4155's "From " line, LF lines, ">" before every ">*From ". */
static void check_mbox(const char *text, const char *expected)
{
	char *path, *all;

	begin();
	add("INBOX", text);
	path = file_join(out, "new/folder/mbox");
	start(EXPORT_MBOX, path);
	OK(export_place(&export, 1, err));
	OK(export_place(&export, 1, err));
	OK(export_end(&export, err));
	ck_assert_uint_eq(export.written, 2);
	all = mem_format(FROM "%s\n" FROM "%s\n", expected, expected);
	check_file(path, all);
	free(all);
	free(path);
	done();
	memcpy(out, "/tmp/mailcask-export-XXXXXX", sizeof out);
}

START_TEST(lines_end_in_lf)
{
	check_mbox("Subject: s\r\n\r\nx\r\n", "Subject: s\n\nx\n");
	check_mbox("Subject: s\n\nx\n", "Subject: s\n\nx\n");
	check_mbox("a: b\r\n\r\nno end", "a: b\n\nno end\n");
	check_mbox("a: b\r\n\r\nlone \r inside\r\r\n", "a: b\n\nlone \r inside\r\n");
	check_mbox("a: b\r\n\r\nends in cr\r", "a: b\n\nends in cr\r\n");
	check_mbox("\r\n\r\n", "\n\n");
}
END_TEST

START_TEST(from_lines_are_quoted)
{
	check_mbox("From a\r\n\r\nFrom b\r\n", ">From a\n\n>From b\n");
	check_mbox("a: b\r\n\r\n>From c\r\n>>>From d\r\n", "a: b\n\n>>From c\n>>>>From d\n");
}
END_TEST

START_TEST(nothing_else_is_quoted)
{
	check_mbox(
	    "a: b\r\n\r\nFrom\r\nfrom x\r\n From x\r\n> From\r\n>Fro\r\nFromage\r\n>\r\n>>\r\n",
	    "a: b\n\nFrom\nfrom x\n From x\n> From\n>Fro\nFromage\n>\n>>\n");
	check_mbox(
	    "a: b\r\n\r\n>Fro>From x\r\nF\rrom x\r\nFrom", "a: b\n\n>Fro>From x\nF\rrom x\nFrom\n");
	check_mbox("a: b\r\n\r\n>>", "a: b\n\n>>\n");
}
END_TEST

START_TEST(a_long_message_keeps_its_lines)
{
	struct buf text, expected;

	buf_init(&text, 1 << 20);
	buf_init(&expected, 1 << 20);
	buf_text(&text, "a: b\r\n\r\n");
	buf_text(&expected, "a: b\n\n");
	for (int i = 0; i < 10000; i++) { /* over the borders of any buffer */
		buf_text(&text, "From >From From\r\n");
		buf_text(&expected, ">From >From From\n");
	}
	check_mbox(buf_string(&text), buf_string(&expected));
	buf_release(&text);
	buf_release(&expected);
}
END_TEST

START_TEST(an_mbox_to_standard_output)
{
	struct capture capture;

	begin();
	add("INBOX", "a: b\r\n\r\nx\r\n");
	capture_begin(&capture, stdout);
	start(EXPORT_MBOX, "-");
	OK(export_place(&export, 1, err));
	OK(export_end(&export, err));
	capture_is(&capture, FROM "a: b\n\nx\n\n");
	done();
}
END_TEST

SUITE(a_file_is_named_by_place_date_and_subject, no_name_leaves_the_folder, no_subject_is_a_path,
    long_subjects_are_cut, folders_of_any_name_stay_inside, files_are_private_and_dated,
    nothing_is_replaced, a_damaged_message_is_told_and_leaves_no_file, lines_end_in_lf,
    from_lines_are_quoted, nothing_else_is_quoted, a_long_message_keeps_its_lines,
    an_mbox_to_standard_output)
