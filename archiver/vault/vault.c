/* Owns:  the archive's folder: lock, FORMAT, store and catalogue.
 * Knows: in which order an archive is opened, and what is repaired on the way.
 * Never: writes without the lock; removes anything but what can be made again. */
#include "archiver/vault/vault_private.h"

#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_MODE   0700
#define FORMAT_PREFIX "mailcask archive "

void vault_notice(const struct vault *vault, const char *format, ...)
{
	char text[ERR_TEXT_BYTES];
	va_list args;

	if (!vault->options.notice)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	vault->options.notice(vault->options.notice_arg, text);
}

/* What may stand in a folder that becomes an archive: FORMAT.new, too, which is what an
 * interrupted beginning leaves. */
static bool may_stand(const char *name)
{
	static const char *const names[] = {".", "..", "lost+found", "FORMAT.new"};
	size_t i;

	for (i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool is_empty_folder(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *item;
	bool empty = true;

	if (!folder)
		return errno == ENOENT;
	while (empty && (item = readdir(folder)))
		empty = may_stand(item->d_name);
	closedir(folder);
	return empty;
}

/* A folder becomes an archive with its FORMAT file; everything else can be made later. */
static int create(const struct vault *vault, struct err *err)
{
	char *format = file_join(vault->path, "FORMAT");
	int result = -1;

	if (!is_empty_folder(vault->path))
		err_set(err, ERR_USAGE, "%s is no archive (it has no FORMAT file) and is not empty",
		    vault->path);
	else if (!vault->options.may_create)
		err_set(err, ERR_USAGE, "there is no archive at %s yet; the first sync makes it",
		    vault->path);
	else if (file_make_folders(vault->path, FOLDER_MODE, err) == 0)
		result = file_replace(format, BYTES(VAULT_FORMAT_TEXT), 0600, err);
	free(format);
	return result;
}

/* 1 an archive of our format, 0 no archive, -1. */
static int check_format(const struct vault *vault, struct err *err)
{
	char *path = file_join(vault->path, "FORMAT");
	struct err why = {0};
	struct buf text;
	int result = -1;

	buf_init(&text, 4096);
	if (file_check_ordinary(path, &why) != 0 || file_read_all(path, &text, &why) != 0) {
		result = why.code == ERR_ABSENT ? 0 : -1;
		if (result < 0 && err)
			*err = why;
	} else if (bytes_is(buf_view(&text), VAULT_FORMAT_TEXT)) {
		result = 1;
	} else if (bytes_starts(buf_view(&text), FORMAT_PREFIX)) {
		struct bytes said = bytes_trim(buf_view(&text));

		err_set(err, ERR_VERSION,
		    "%s is a \"%.*s\", made by a newer mailcask; this one reads up to format 1",
		    vault->path, (int)said.n, said.p);
	} else {
		err_set(err, ERR_DAMAGED, "%s is not what it must be", path);
		err_class(err, RETRY_NEVER, SCOPE_ARCHIVE);
	}
	buf_release(&text);
	free(path);
	return result;
}

static int lock(struct vault *vault, struct err *err)
{
	char *path = file_join(vault->path, "lock");

	vault->lock_fd = file_lock(path, err);
	if (vault->lock_fd < 0 && err && err->code == ERR_LOCKED)
		err_set(err, ERR_LOCKED,
		    "another mailcask is writing to the archive %s; try again when it is done",
		    vault->path);
	free(path);
	return vault->lock_fd < 0 ? -1 : 0;
}

int vault_open_store(
    const struct vault *vault, bool for_writing, struct store **out, struct err *err)
{
	struct store_options options = {.folder = vault->segments,
	    .for_writing = for_writing,
	    .segment_bytes = vault->options.segment_bytes,
	    .free_floor_bytes = vault->options.free_floor_bytes,
	    .level = vault->options.level};

	return store_open(out, &options, err);
}

char *vault_catalog_path(const struct vault *vault)
{
	return file_join(vault->catalog_folder, "catalog.db");
}

char *vault_index_path(const struct vault *vault)
{
	return file_join(vault->index_folder, "index.db");
}

/* Bring the catalogue to the end of the segments, which also finds their end. */
static int replay(struct vault *vault, struct err *err)
{
	struct batch_position from;
	struct err why = {0};

	if (catalog_position(vault->catalog, &from, err) != 0)
		return -1;
	if (store_replay(vault->store, &from, vault_apply, vault->catalog, &why) != 0) {
		if (!sql_saw_damage(catalog_sql(vault->catalog)))
			return vault_pass_on(&why, err);
		vault_notice(vault, "%s: making the catalogue from the segments", why.text);
		if (vault_make_catalog(vault, err) != 0)
			return -1;
	}
	if (!vault->is_catalog_new) /* else it was told already */
		vault_tell_replay(vault);
	return 0;
}

static int open_for_writing(struct vault *vault, struct err *err)
{
	if (vault->options.segments)
		return err_set(err, ERR_BUG, "segments of a mirror are only read");
	/* Which files count is settled before a catalogue is made from them. */
	if (lock(vault, err) != 0 || vault_open_store(vault, true, &vault->store, err) != 0 ||
	    store_settle(vault->store, err) != 0 ||
	    file_make_folders(vault->databases, FOLDER_MODE, err) != 0 ||
	    vault_open_catalog(vault, err) != 0 || vault_fit_places(vault, err) != 0)
		return -1;
	return replay(vault, err);
}

/* Without a catalogue that can be used a reader makes it, as a writer for that moment. */
static int make_as_writer(struct vault *vault, struct err *err)
{
	store_close(vault->store);
	vault->store = NULL;
	if (open_for_writing(vault, err) != 0)
		return err_add(err, "the catalogue cannot be used and cannot be made");
	catalog_close(vault->catalog);
	store_close(vault->store);
	file_close(&vault->lock_fd);
	vault->catalog = NULL;
	vault->store = NULL;
	return vault_open_store(vault, false, &vault->store, err);
}

static int open_for_reading(struct vault *vault, struct err *err)
{
	struct err why = {.code = ERR_ABSENT};
	int got;

	if (vault_open_store(vault, false, &vault->store, err) != 0)
		return -1;
	got = vault_read_catalog(vault, &why);
	if (got == 0 || vault->options.segments ||
	    (why.code != ERR_ABSENT && why.code != ERR_DAMAGED))
		return got == 0 ? 0 : vault_pass_on(&why, err);
	if (vault_is_frozen(vault))
		return vault_make_scratch_catalog(vault, err);
	if (make_as_writer(vault, err) != 0)
		return -1;
	return vault_read_catalog(vault, err);
}

int vault_open(struct vault **out, const struct vault_options *options, struct err *err)
{
	struct vault *vault = mem_zero(1, sizeof *vault);
	int got;

	vault->options = *options;
	vault->path = mem_string(options->path);
	vault->databases = mem_string(options->databases ? options->databases : options->path);
	vault->segments = options->segments ? mem_string(options->segments)
					    : file_join(options->path, "segments");
	vault->catalog_folder = vault->index_folder = vault->temporary = vault->databases;
	vault->lock_fd = -1;
	got = check_format(vault, err);
	if (got == 0)
		got = create(vault, err);
	if (got >= 0)
		got = options->for_writing ? open_for_writing(vault, err)
					   : open_for_reading(vault, err);
	if (got < 0) {
		vault_close(vault);
		return -1;
	}
	*out = vault;
	return 0;
}

void vault_close(struct vault *vault)
{
	if (!vault)
		return;
	vault_cure_catalog(vault);
	store_close(vault->store);
	store_close(vault->mirror);
	catalog_close(vault->catalog);
	vault_remove_scratch(vault);
	vault_fresh_clear(&vault->mails);
	vault_fresh_clear(&vault->blobs);
	vault_forget_copies(vault);
	file_close(&vault->lock_fd);
	free(vault->path);
	free(vault->databases);
	free(vault->segments);
	free(vault);
}

struct catalog *vault_catalog(struct vault *vault)
{
	return vault->catalog;
}

int64_t vault_now(const struct vault *vault)
{
	return vault->options.now();
}

const char *vault_temporary_folder(const struct vault *vault)
{
	return vault->temporary;
}

int vault_rebuild(struct vault *vault, struct err *err)
{
	if (vault->lock_fd < 0)
		return err_set(err, ERR_BUG, "the archive is not open for writing");
	if (vault->is_catalog_new)
		return 0;
	if (!store_is_empty(vault->store))
		return err_set(err, ERR_BUG, "a batch is open");
	if (vault_make_catalog(vault, err) != 0)
		return -1;
	vault->is_catalog_behind = false;
	return 0;
}

static uint64_t bytes_of_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

int vault_size(struct vault *vault, uint64_t *segment_bytes_out, uint32_t *segments_out,
    uint64_t *catalog_bytes_out, uint64_t *index_bytes_out, struct err *err)
{
	char *catalog = vault_catalog_path(vault), *index = vault_index_path(vault);

	*catalog_bytes_out = bytes_of_file(catalog);
	*index_bytes_out = bytes_of_file(index);
	free(catalog);
	free(index);
	return store_size(vault->store, segment_bytes_out, segments_out, err);
}
