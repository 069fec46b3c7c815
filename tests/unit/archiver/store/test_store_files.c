/* archiver/store/store_files.c: names of segment files, and what one file tells of itself. */
#include "archiver/store/store_files.h"

#include "tests/unit/archiver/store/ground.h"

static struct ground g;
static struct store_file_view view;
static struct store_files files;

static void list(const struct batch_position *end)
{
	store_files_release(&files);
	OK(store_files_list(g.folder, end, &files, err));
}

static void begin(void)
{
	ground_begin(&g);
	g.options.segment_bytes = 20000;
	ground_open(&g);
	while (g.end.segment < 3)
		ground_batch(&g, 3000);
}

static void done(void)
{
	store_files_release(&files);
	store_file_unsee(&view);
	ground_end(&g);
}

START_TEST(names)
{
	static const struct {
		const char *name;
		uint32_t number, generation; /* 0: no name */
	} t[] = {{"000001.tar.zst", 1, 0}, {"000001.1.tar.zst", 1, 1},
	    {"1000000.tar.zst", 1000000, 0},
	    {"4294967295.4294967295.tar.zst", UINT32_MAX, UINT32_MAX}, {"000001.0.tar.zst", 0, 0},
	    {"000001.01.tar.zst", 0, 0}, {"1.tar.zst", 0, 0}, {"000000.tar.zst", 0, 0},
	    {"000001.tar.zst.part", 0, 0}, {"000001.tar.zst.damaged", 0, 0},
	    {"000001.tar.zst.torn-5", 0, 0}, {"0000001.tar.zst", 0, 0}, {" 00001.tar.zst", 0, 0},
	    {"-00001.tar.zst", 0, 0}, {"000001.-1.tar.zst", 0, 0}, {"000001.1.1.tar.zst", 0, 0},
	    {"4294967296.tar.zst", 0, 0}, {"000001", 0, 0}, {"", 0, 0}};
	char name[STORE_FILE_NAME_BYTES];

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		uint32_t number = 0, generation = 0;

		ck_assert_msg(
		    store_file_parse_name(t[i].name, &number, &generation) == (t[i].number > 0),
		    "%s", t[i].name);
		ck_assert_uint_eq(number, t[i].number);
		ck_assert_uint_eq(generation, t[i].generation);
		if (t[i].number == 0)
			continue;
		store_file_format_name(number, generation, name);
		ck_assert_str_eq(name, t[i].name);
	}
}
END_TEST

START_TEST(what_is_committed)
{
	struct buf output;
	char *path;

	begin();
	ground_put(&g, EVENT_MAIL, 2 << 20); /* of an open batch */
	list(&g.end);
	ck_assert_uint_eq(files.count, 3);
	ck_assert_uint_eq(store_files_last(&files), 3);
	for (uint32_t i = 0; i < 3; i++) {
		const struct store_file *file = store_files_current(&files, i + 1);

		ck_assert_ptr_eq(file, &files.file[i]);
		ck_assert(file->is_sealed == (i < 2));
		ck_assert_uint_eq(file->committed_bytes, i < 2 ? file->file_bytes : g.end.at);
	}
	ck_assert_uint_gt(files.file[2].file_bytes, g.end.at);
	ck_assert_ptr_null(store_files_current(&files, 4));
	/* Of one number the highest generation counts. */
	ground_abort(&g);
	path = mem_format(
	    "cd %s && cp 000002.tar.zst 000002.3.tar.zst && touch 000002.tar.zst.part", g.folder);
	buf_init(&output, 1000);
	OK(child_output(path, &output, err));
	buf_release(&output);
	list(&g.end);
	ck_assert_uint_eq(files.count, 4);
	ck_assert_uint_eq(store_files_current(&files, 2)->generation, 3);
	ck_assert_str_eq(store_files_named(&files, 2, 0)->name, "000002.tar.zst");
	ck_assert_ptr_null(store_files_named(&files, 2, 1));
	free(path);
	done();
}
END_TEST

START_TEST(no_folder)
{
	struct store_files none;

	FAILS(ERR_ABSENT, store_files_list("/nowhere/at/all", NULL, &none, err));
	store_files_release(&none);
}
END_TEST

static void see(uint32_t number)
{
	struct store *store = ground_reader(&g);

	list(NULL);
	OK(store_file_see(store, store_files_current(&files, number),
	    store_files_current(&files, number)->file_bytes, &view, err));
	store_close(store);
}

START_TEST(sound_files)
{
	begin();
	for (uint32_t number = 1; number <= 3; number++) {
		see(number);
		ck_assert(view.is_sound);
		ck_assert_uint_eq(view.end, store_files_current(&files, number)->file_bytes);
	}
	ck_assert_uint_eq(view.commit[view.count - 1].batch, g.end.batch);
	ck_assert(sha256_equal(&view.commit[view.count - 1].sum, &g.end.sum));
	ground_put(&g, EVENT_MAIL, 2 << 20);
	see(3);
	ck_assert(view.is_sound);
	ck_assert_uint_eq(view.end, g.end.at);
	done();
}
END_TEST

/* What cannot be seen makes no difference: the size of a window, say. */
static void check_harmless(const char *path)
{
	char *command =
	    mem_format("zstd -qdc %s | sha256sum; zstd -qdc %s.good | sha256sum", path, path);
	struct buf output;

	buf_init(&output, 1000);
	OK(child_output(command, &output, err));
	ck_assert_uint_eq(output.n % 2, 0);
	ck_assert_mem_eq(output.p, output.p + output.n / 2, output.n / 2);
	buf_release(&output);
	free(command);
}

static void keep_good(const char *path)
{
	char *command = mem_format("cp %s %s.good", path, path);
	struct buf output;

	buf_init(&output, 1000);
	OK(child_output(command, &output, err));
	buf_release(&output);
	free(command);
}

/* Any flipped byte is seen: the file is not sound, or it ends before it. */
START_TEST(flipped_bytes)
{
	begin();
	for (uint32_t number = 1; number <= 3; number += 2) {
		char name[STORE_FILE_NAME_BYTES], *path, byte;
		uint64_t at, bytes;
		int fd;

		see(number);
		bytes = view.end;
		store_file_format_name(number, 0, name);
		path = file_join(g.folder, name);
		keep_good(path);
		fd = open(path, O_RDWR);
		for (at = 0; at < bytes; at += 13) {
			ck_assert_int_eq(pread(fd, &byte, 1, (off_t)at), 1);
			byte ^= 16;
			ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)at), 1);
			see(number);
			if (view.is_sound && view.end > at)
				check_harmless(path);
			byte ^= 16;
			ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)at), 1);
		}
		close(fd);
		free(path);
	}
	done();
}
END_TEST

SUITE(names, what_is_committed, no_folder, sound_files, flipped_bytes)
