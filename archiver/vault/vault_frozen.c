/* Owns:  the folder in $TMPDIR that stands in for what cannot be written to.
 * Knows: what of an archive can be read in place without writing.
 * Never: is used where the databases can be written to. */
#include "archiver/vault/vault_private.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bool vault_is_frozen(const struct vault *vault)
{
	return access(vault->path, W_OK) != 0 || access(vault->databases, W_OK) != 0;
}

static const char *temporary_folder(void)
{
	const char *folder = getenv("TMPDIR");

	return folder && *folder ? folder : "/tmp";
}

static int need_scratch(struct vault *vault, struct err *err)
{
	char *folder;

	if (vault->scratch)
		return 0;
	folder = mem_format("%s/mailcask-XXXXXX", temporary_folder());
	if (!mkdtemp(folder)) {
		err_os(err, errno, "cannot make a folder in %s", temporary_folder());
		free(folder);
		return -1;
	}
	vault->scratch = folder;
	return 0;
}

static int copy_file(const char *folder, const char *name, const char *to, struct err *err)
{
	char *from = file_join(folder, name), *path = file_join(to, name), part[65536];
	int in = file_open(from, O_RDONLY, 0, err), out = -1, result = -1;
	uint64_t at = 0;
	ssize_t got;

	if (in >= 0)
		out = file_open(path, O_WRONLY | O_CREAT | O_EXCL, 0600, err);
	while (out >= 0) {
		got = file_read_at(in, part, sizeof part, at, from, err);
		if (got <= 0) {
			result = got == 0 ? 0 : -1;
			break;
		}
		if (file_write_at(out, part, (size_t)got, at, path, err) != 0)
			break;
		at += (uint64_t)got;
	}
	file_close(&in);
	file_close(&out);
	free(from);
	free(path);
	return result;
}

/* A log that was not written back: it cannot be read in place without writing beside it. */
static bool has_log(const char *folder, const char *name)
{
	char *path = mem_format("%s/%s-wal", folder, name);
	struct stat st;
	bool has = stat(path, &st) == 0 && st.st_size > 0;

	free(path);
	return has;
}

static bool can_be_read(const char *folder, const char *name)
{
	char *path = file_join(folder, name);
	struct sql *sql = NULL;
	bool can = sql_open(&sql, path, SQL_READ, NULL) == 0;

	sql_close(sql);
	free(path);
	return can;
}

static int copy_if_needed(
    struct vault *vault, const char *name, const char **folder, struct err *err)
{
	char *log;
	int result;

	if (*folder != vault->databases || !has_log(vault->databases, name) ||
	    can_be_read(vault->databases, name))
		return 0;
	if (need_scratch(vault, err) != 0)
		return -1;
	log = mem_format("%s-wal", name);
	result = copy_file(vault->databases, name, vault->scratch, err);
	if (result == 0)
		result = copy_file(vault->databases, log, vault->scratch, err);
	free(log);
	if (result != 0)
		return -1;
	vault_notice(vault, "%s/%s was not closed and cannot be written to: reading a copy",
	    vault->databases, name);
	*folder = vault->scratch;
	return 0;
}

int vault_copy_databases(struct vault *vault, struct err *err)
{
	if (access(vault->databases, W_OK) == 0)
		return 0;
	vault->temporary = temporary_folder();
	if (copy_if_needed(vault, "catalog.db", &vault->catalog_folder, err) != 0)
		return -1;
	return copy_if_needed(vault, "index.db", &vault->index_folder, err);
}

int vault_make_scratch_catalog(struct vault *vault, struct err *err)
{
	char *path;
	int result;

	if (need_scratch(vault, err) != 0)
		return -1;
	vault_notice(vault,
	    "the archive cannot be written to: making a catalogue from the segments for this "
	    "command only");
	vault->catalog_folder = vault->scratch;
	vault->temporary = temporary_folder();
	path = vault_catalog_path(vault);
	result = vault_build_catalog(vault->store, path, err);
	if (result == 0) {
		vault_tell_replay(vault);
		result = catalog_open(&vault->catalog, path, SQL_READ, err);
	}
	free(path);
	return result;
}

void vault_remove_scratch(struct vault *vault)
{
	static const char *const names[] = {"catalog.db", "catalog.db-wal", "catalog.db-shm",
	    "index.db", "index.db-wal", "index.db-shm"};
	size_t i;

	if (!vault->scratch)
		return;
	for (i = 0; i < sizeof names / sizeof *names; i++) {
		char *path = file_join(vault->scratch, names[i]);

		unlink(path);
		free(path);
	}
	rmdir(vault->scratch);
	free(vault->scratch);
	vault->scratch = NULL;
}
