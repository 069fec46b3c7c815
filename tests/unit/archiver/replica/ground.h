/* An archive's folder and a mirror's, for tests: segments of the store, without catalogue.
 *
 *   begin();                      an empty archive, with 4 segments of a few batches in it: grow(4)
 *     update(), fails_to_update(ERR_UNSAFE, "went different ways")
 *   end(); */
#ifndef TESTS_UNIT_ARCHIVER_REPLICA_GROUND_H
#define TESTS_UNIT_ARCHIVER_REPLICA_GROUND_H

#include "archiver/replica/replica.h"

#include "archiver/store/store_files.h"
#include "tests/unit/archiver/store/ground.h"

#include <ftw.h>
#include <stdarg.h>

#define FORMAT_TEXT   "mailcask archive 1\n"
#define SEGMENT_BYTES 20000

static struct ground g; /* the archive's segments */
static char top[32], *archive, *mirror;
static struct replica_options options;
static struct replica_report report;
static struct buf told;

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline void remove_all(const char *path)
{
	ck_assert_int_eq(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

__attribute__((format(printf, 1, 2))) static inline void sh(const char *format, ...)
{
	char command[4096];
	struct buf output;
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof command, format, args);
	va_end(args);
	buf_init(&output, 100000);
	OK(child_output(command, &output, err));
	buf_release(&output);
}

static inline void take_notice(void *arg, const char *text)
{
	(void)arg;
	buf_format(&told, "%s\n", text);
}

static inline void set_end(void)
{
	options.end = g.end;
}

/* Some batches, until there are that many segments. */
static inline void grow(uint32_t segments)
{
	while (g.end.segment < segments || g.end.segment == 0)
		ground_batch(&g, 3000);
	set_end();
}

static inline void open_archive(void)
{
	ground_open(&g);
}

static inline void close_archive(void)
{
	store_close(g.store);
	g.store = NULL;
}

static inline void begin(void)
{
	memset(&g, 0, sizeof g);
	snprintf(top, sizeof top, "%s/mc-mirror-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(top));
	archive = file_join(top, "a");
	mirror = file_join(top, "m");
	snprintf(g.folder, sizeof g.folder, "%.25s/a/segments", top);
	g.options = (struct store_options){
	    .folder = g.folder, .for_writing = true, .segment_bytes = SEGMENT_BYTES, .level = 1};
	open_archive();
	sh("printf 'mailcask archive 1\\n' >%s/FORMAT", archive);
	options = (struct replica_options){
	    .archive = archive, .path = mirror, .now_unix = GROUND_TIME, .notice = take_notice};
	buf_init(&told, 100000);
}

static inline void end(void)
{
	close_archive();
	remove_all(top);
	free(archive);
	free(mirror);
	buf_release(&told);
}

/* ---- the mirror ---- */

static inline void check_same(const char *a, const char *b)
{
	sh("diff -r %s/segments %s/segments && cmp %s/FORMAT %s/FORMAT", a, b, a, b);
}

static inline void update(void)
{
	buf_clear(&told);
	OK(replica_update(&options, &report, err));
}

static inline void updates_to_same(void)
{
	update();
	check_same(archive, mirror);
}

/* The mirror is not touched by it. */
static inline void fails_to_update(enum err_code code, const char *text)
{
	struct err why = {0};

	sh("rm -rf %s/before; [ ! -d %s ] || cp -a %s %s/before", top, mirror, mirror, top);
	ck_assert_int_eq(replica_update(&options, &report, &why), -1);
	ck_assert_msg(why.code == code, "%d: %s", (int)why.code, why.text);
	ck_assert_msg(strstr(why.text, text) != NULL, "%s", why.text);
	sh("[ ! -d %s/before ] || diff -r -x lock %s %s/before", top, mirror, top);
}

static inline char *segment_path(const char *side, uint32_t number)
{
	return mem_format("%s/segments/%06u.tar.zst", side, number);
}

static inline uint64_t bytes_of_segment(const char *side, uint32_t number)
{
	char *path = segment_path(side, number);
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	free(path);
	return (uint64_t)st.st_size;
}

static inline void flip_bit(const char *side, uint32_t number, uint64_t at, char bit)
{
	char *path = segment_path(side, number), byte;
	int fd = open(path, O_RDWR);

	ck_assert_int_eq(pread(fd, &byte, 1, (off_t)at), 1);
	byte ^= bit;
	ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)at), 1);
	close(fd);
	free(path);
}

static inline void flip(const char *side, uint32_t number, uint64_t at)
{
	flip_bit(side, number, at, 1);
}

/* Flip a bit that changes nothing of what a segment holds: of the size of a window, say. */
static inline void flip_harmless(const char *side, uint32_t number)
{
	char *folder = file_join(side, "segments");
	struct store_options where = {.folder = folder};
	struct store_file_view view = {0};
	struct store_files files;
	struct store *store;
	uint64_t at;

	OK(store_open(&store, &where, err));
	OK(store_files_list(folder, NULL, &files, err));
	for (at = 0; !view.is_sound || view.end <= at; at++) {
		const struct store_file *file = store_files_current(&files, number);

		if (at > 0)
			flip_bit(side, number, at - 1, 16);
		ck_assert_uint_lt(at, file->file_bytes);
		flip_bit(side, number, at, 16);
		OK(store_file_see(store, file, file->file_bytes, &view, err));
	}
	store_file_unsee(&view);
	store_files_release(&files);
	store_close(store);
	free(folder);
}

static inline void cut(const char *side, uint32_t number, uint64_t bytes)
{
	char *path = segment_path(side, number);

	ck_assert_int_eq(truncate(path, (off_t)bytes), 0);
	free(path);
}

#endif
