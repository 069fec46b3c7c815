/* archiver/vault: vault_catalog.c, vault_frozen.c: a catalogue that is damaged, or another
 * archive's; archives that cannot be written to. */
#include "ground.h"

#define PAGE 4096

static struct vault *rebuild(void)
{
	struct vault *v;

	options.rebuild = true;
	v = open_vault(true);
	options.rebuild = false;
	return v;
}

static void fill(unsigned first, unsigned batches)
{
	struct vault *v = open_vault(true);

	for (unsigned i = 0; i < batches; i++)
		put_batch(v, first + i * 5, 5);
	vault_close(v);
}

/* ---- damaged ---- */

/* Work as a command does: true when the catalogue stood in its way. */
static bool work_on(struct err *why)
{
	struct vault *v = NULL;
	bool is_new, failed;

	if (try_open(&v, true, why) != 0)
		return true;
	failed = try_put(v, 3, &is_new, why) != 0 || try_place(v, 3, 700, why) != 0 ||
	    vault_commit(v, why) != 0 || try_put(v, 41, &is_new, why) != 0 ||
	    try_place(v, 41, 701, why) != 0 || vault_commit(v, why) != 0;
	vault_close(v);
	return failed;
}

START_TEST(a_damaged_page_is_cured)
{
	struct buf right, segment;
	unsigned failed = 0, cured_at_once = 0;

	begin();
	fill(1, 8);
	right = read_file("catalog.db");
	segment = read_file("segments/000001.tar.zst");
	for (size_t at = PAGE; at < right.n; at += PAGE) {
		struct buf wrong;
		struct err why = {0};
		struct vault *v;

		buf_init(&wrong, 256 * MIB);
		buf_bytes(&wrong, buf_view(&right));
		memset(wrong.p + at, 0xa5, PAGE);
		write_file("segments/000001.tar.zst", buf_view(&segment));
		write_file("catalog.db", buf_view(&wrong));
		notices[0] = '\0';
		if (work_on(&why)) {
			failed++;
			ck_assert_int_eq(why.code, ERR_DAMAGED);
			ck_assert_ptr_nonnull(strstr(why.text, "catalog.db is damaged"));
			ck_assert_ptr_nonnull(strstr(why.text, "run mailcask rebuild"));
			ck_assert_ptr_nonnull(strstr(notices, "making it again"));
			v = open_vault(true);
		} else {
			cured_at_once += notices[0] != '\0';
			v = notices[0] ? open_vault(true) : rebuild();
		}
		check_clean(v);
		put_batch(v, 100, 2);
		vault_close(v);
		buf_release(&wrong);
	}
	ck_assert_uint_gt(failed, 3);
	ck_assert_uint_gt(cured_at_once, 0);
	buf_release(&right);
	buf_release(&segment);
	end();
}
END_TEST

/* ---- another archive's ---- */

START_TEST(databases_that_two_archives_share)
{
	const char *first, *second;
	struct vault *v;

	begin();
	first = options.path;
	second = mem_format("%s/second", folder);
	options.databases = mem_format("%s/databases", folder);
	fill(1, 2);
	options.path = second;
	v = NULL;
	FAILS(ERR_DAMAGED, try_open(&v, true, err)); /* it has no segments at all */
	v = rebuild();
	ck_assert_uint_eq(totals(v).messages, 0);
	put_batch(v, 50, 3);
	vault_close(v);
	for (int round = 0; round < 4; round++) {
		options.path = round % 2 ? second : first;
		notices[0] = '\0';
		v = open_vault(round < 2);
		ck_assert_uint_eq(totals(v).messages, round % 2 ? 3 : 10);
		get(v, round % 2 ? 52 : 10);
		ck_assert_ptr_nonnull(strstr(notices, "another archive"));
		vault_close(v);
	}
	free((char *)options.databases);
	free((char *)second);
	options.path = first;
	end();
}
END_TEST

/* ---- that cannot be written to ---- */

#define NOBODY 65534

static void set_modes(const char *path, mode_t folder_mode, mode_t file_mode)
{
	DIR *dir = opendir(path);
	struct dirent *item;

	while (dir && (item = readdir(dir))) {
		char *inside = file_join(path, item->d_name);

		if (strcmp(item->d_name, "segments") == 0)
			set_modes(inside, folder_mode, file_mode);
		else if (item->d_name[0] != '.')
			ck_assert_int_eq(chmod(inside, file_mode), 0);
		free(inside);
	}
	if (dir)
		closedir(dir);
	ck_assert_int_eq(chmod(path, folder_mode), 0);
}

static void freeze(void)
{
	set_modes(options.path, 0555, 0444);
	ck_assert_int_eq(chmod(folder, 0755), 0);
	if (getuid() == 0)
		ck_assert_int_eq(setresuid(NOBODY, NOBODY, 0), 0);
}

static void thaw(void)
{
	if (geteuid() != getuid() || getuid() == NOBODY)
		ck_assert_int_eq(setresuid(0, 0, 0), 0);
	set_modes(options.path, 0700, 0600);
}

static void check_frozen(const char *notice)
{
	struct vault *v = NULL;
	struct catalog_totals all;

	notices[0] = '\0';
	FAILS(ERR_IO, try_open(&v, true, err));
	v = open_vault(false);
	all = totals(v);
	ck_assert_uint_eq(all.messages, 10);
	ck_assert_uint_eq(all.present, 10);
	get(v, 10);
	check_clean(v);
	vault_close(v);
	if (notice)
		ck_assert_ptr_nonnull(strstr(notices, notice));
	else
		ck_assert_str_eq(notices, "");
}

static unsigned left_over(void)
{
	unsigned count = 0;
	DIR *dir = opendir(getenv("TMPDIR"));
	struct dirent *item;

	while ((item = readdir(dir)))
		count += item->d_name[0] != '.';
	closedir(dir);
	return count;
}

START_TEST(an_archive_that_cannot_be_written_to)
{
	char *scratch;
	struct vault *v, *reader;
	struct buf log, shared;

	begin();
	scratch = mem_format("%s/tmp", folder);
	ck_assert_int_eq(mkdir(scratch, 0777), 0);
	ck_assert_int_eq(chmod(scratch, 0777), 0);
	ck_assert_int_eq(setenv("TMPDIR", scratch, 1), 0);
	fill(1, 1);
	v = open_vault(true);
	reader = open_vault(false); /* keeps the log of the database */
	put_batch(v, 6, 5);
	log = read_file("catalog.db-wal");
	shared = read_file("catalog.db");
	vault_close(v);
	vault_close(reader);
	v = open_vault(true);
	vault_close(v);
	freeze();
	check_frozen(NULL);
	thaw();

	/* A writer that was killed left a log. */
	write_file("catalog.db", buf_view(&shared));
	write_file("catalog.db-wal", buf_view(&log));
	freeze();
	check_frozen("reading a copy");
	thaw();
	remove_file("catalog.db-wal");

	/* Nothing but the segments. */
	remove_file("catalog.db");
	freeze();
	check_frozen("for this command only");
	thaw();
	ck_assert_uint_eq(left_over(), 0);
	v = open_vault(true);
	check_clean(v);
	vault_close(v);
	unsetenv("TMPDIR");
	buf_release(&log);
	buf_release(&shared);
	free(scratch);
	end();
}
END_TEST

SUITE(a_damaged_page_is_cured, databases_that_two_archives_share,
    an_archive_that_cannot_be_written_to)
