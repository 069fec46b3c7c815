/* Owns:  one update of a mirror, from finding its folder to noting how far it came.
 * Knows: which files are missing, grown, written anew or damaged there.
 * Never: removes, cuts or overwrites in the mirror what the archive does not have. */
#include "archiver/replica/replica_private.h"

#include "base/file.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the two sides ---- */

static void begin_side(struct replica_side *side, const char *folder)
{
	side->folder = mem_string(folder);
	side->segments = file_join(folder, "segments");
}

static void end_side(struct replica_side *side)
{
	store_close(side->store);
	store_files_release(&side->files);
	free(side->folder);
	free(side->segments);
}

void replica_begin(
    struct replica *replica, const struct replica_options *options, struct replica_report *report)
{
	memset(replica, 0, sizeof *replica);
	memset(report, 0, sizeof *report);
	replica->options = options;
	replica->report = report;
	replica->lock_fd = -1;
	begin_side(&replica->archive, options->archive);
	begin_side(&replica->mirror, options->path);
	replica->buffer = mem_alloc(REPLICA_BUFFER_BYTES);
	replica->other = mem_alloc(REPLICA_BUFFER_BYTES);
}

void replica_end(struct replica *replica)
{
	end_side(&replica->archive);
	end_side(&replica->mirror);
	file_close(&replica->lock_fd);
	free(replica->buffer);
	free(replica->other);
}

void replica_tell(const struct replica *replica, const char *format, ...)
{
	char text[ERR_TEXT_BYTES];
	va_list args;

	if (!replica->options->notice)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	replica->options->notice(replica->options->arg, text);
}

/* Is one folder the other, or in it, as far as both are there. */
static bool is_within(const char *folder, const char *other)
{
	char *a = realpath(folder, NULL), *b = realpath(other, NULL);
	size_t n = b ? strlen(b) : 0;
	bool within = a && b && strncmp(a, b, n) == 0 && (a[n] == '/' || a[n] == '\0');

	free(a);
	free(b);
	return within;
}

static bool is_same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int replica_check_apart(const struct replica *replica, struct err *err)
{
	const char *archive = replica->archive.folder, *path = replica->mirror.folder;
	char *above = file_folder_of(path);
	bool within = is_within(path, archive) || is_within(archive, path) ||
	    is_within(above, archive) ||
	    is_same_file(replica->archive.segments, replica->mirror.segments);

	free(above);
	if (!within)
		return 0;
	return err_set(err, ERR_UNSAFE,
	    "%s is the archive itself, or in it, or around it: a mirror needs a folder of its own, "
	    "on another disk",
	    path);
}

static int open_side(struct replica_side *side, struct err *err)
{
	struct store_options options = {.folder = side->segments};

	return store_open(&side->store, &options, err);
}

int replica_open_sides(struct replica *replica, struct err *err)
{
	if (open_side(&replica->archive, err) != 0)
		return -1;
	return open_side(&replica->mirror, err);
}

int replica_list(struct replica_side *side, const struct batch_position *end, struct err *err)
{
	struct err why = {0};

	store_files_release(&side->files);
	if (store_files_list(side->segments, end, &side->files, &why) == 0 ||
	    why.code == ERR_ABSENT)
		return 0;
	if (err)
		*err = why;
	return -1;
}

/* Some file systems know no locks, and some are read-only: then nobody is asked. */
int replica_lock(struct replica *replica, const char *folder, struct err *err)
{
	char *path = file_join(folder, "lock");
	struct err why = {0};

	replica->lock_fd = file_lock(path, &why);
	free(path);
	if (replica->lock_fd >= 0 || why.code != ERR_LOCKED)
		return 0;
	return err_set(
	    err, ERR_LOCKED, "another mailcask works with %s; try again when it is done", folder);
}

/* ---- whose it is ---- */

static int refuse_other(const struct replica *replica, struct err *err)
{
	return err_set(err, ERR_UNSAFE,
	    "%s is the mirror of another archive: name another folder in \"mirror\"; or, if it is "
	    "the one that %s should hold, move that away and run mailcask rebuild --from-mirror",
	    replica->mirror.folder, replica->archive.folder);
}

static int refuse_longer(const struct replica *replica, const char *name, struct err *err)
{
	return err_set(err, ERR_UNSAFE,
	    "the mirror %s holds what the archive lacks (in %s): the archive was set back or lost "
	    "its end; \"mailcask rebuild --from-mirror\" brings it back from there",
	    replica->mirror.folder, name);
}

static int refuse_different(const struct replica *replica, const char *name, struct err *err)
{
	return err_set(err, ERR_UNSAFE,
	    "the archive and its mirror %s went different ways (in %s), and both are whole: keep "
	    "the mirror as an archive of its own, and name another folder in \"mirror\"",
	    replica->mirror.folder, name);
}

static int refuse_damaged(const struct replica *replica, const char *name, struct err *err)
{
	err_set(err, ERR_DAMAGED,
	    "%s of the archive is damaged, so it is not copied to the mirror %s: run mailcask "
	    "rebuild --from-mirror",
	    name, replica->mirror.folder);
	err_class(err, RETRY_NEVER, SCOPE_ARCHIVE);
	return -1;
}

/* The archive's own, or as it is remembered when its first commit cannot be read. */
static int find_identity(struct replica *replica, struct err *err)
{
	int got = store_identity(replica->archive.store, &replica->identity, err);

	if (got == 0 && replica->has_note && replica->options->end.batch > 0) {
		replica->identity = replica->note.identity;
		got = 1;
	}
	return got;
}

static int check_identity(struct replica *replica, struct err *err)
{
	const struct store_file *first = store_files_current(&replica->archive.files, 1);
	struct sha256 mirror;
	int has = find_identity(replica, err), got;

	if (has < 0)
		return -1;
	got = store_identity(replica->mirror.store, &mirror, err);
	if (got == 1 && has == 1)
		return sha256_equal(&mirror, &replica->identity) ? 0 : refuse_other(replica, err);
	if (has == 0 && first && first->committed_bytes > 0)
		return refuse_damaged(replica, first->name, err);
	if (got == 1)
		return refuse_longer(replica, "its first segment", err);
	/* A mirror of which the first commit cannot be read is judged by its bytes. */
	return got < 0 ? -1 : 0;
}

/* ---- one file ---- */

static bool is_covered(const struct replica *replica, const struct store_file *mirror)
{
	const struct replica_note *note = &replica->note;

	if (!replica->has_note || replica->options->compare)
		return false;
	return mirror->number < note->number ||
	    (mirror->number == note->number && mirror->file_bytes == note->bytes);
}

/* Noted after each file that was copied: whoever goes on need not compare it again. */
static int note_file(struct replica *replica, const struct store_file *file, struct err *err)
{
	/* Behind something damaged nothing is called verified: the next update looks again. */
	if (replica->report->files_damaged > 0)
		return 0;
	if (file->number >= replica->note.number) {
		replica->note.number = file->number;
		replica->note.bytes = file->committed_bytes;
	}
	return replica_note_write(replica, err);
}

static int copy_whole(struct replica *replica, const struct store_file *file, struct err *err)
{
	struct replica_piece piece = {&replica->archive, file->name, 0, file->committed_bytes};

	return replica_copy(replica, &piece, 1, &replica->mirror, file->name, NULL, err);
}

/* They differ from an offset on: which one is right? When it is the archive's: 0 the mirror's is
 * torn there, 1 it is damaged. Where both are whole and hold the same commits, a bit is another one
 * that changes nothing of what they hold. */
static int judge(struct replica *replica, const struct store_file *file,
    const struct store_file *mirror, uint64_t at, struct err *err)
{
	struct store_file_view ours = {0}, theirs = {0};
	int result = -1;

	if (store_file_see(replica->archive.store, file, file->committed_bytes, &ours, err) != 0 ||
	    store_file_see(replica->mirror.store, mirror, mirror->file_bytes, &theirs, err) != 0)
		goto out;
	if (at == file->committed_bytes && !store_view_has_all(&ours, &theirs))
		refuse_longer(replica, file->name, err);
	else if (!ours.is_sound || ours.end < file->committed_bytes)
		refuse_damaged(replica, file->name, err);
	else if (!store_view_has_all(&ours, &theirs))
		refuse_different(replica, file->name, err);
	else
		result = at < theirs.end;
out:
	store_file_unsee(&ours);
	store_file_unsee(&theirs);
	return result;
}

/* Of the same name on both sides: what is missing at the mirror's end is appended, what differs
 * there is replaced when it is nothing that the archive lacks. */
static int reconcile(struct replica *replica, const struct store_file *file,
    const struct store_file *mirror, struct err *err)
{
	uint64_t committed = file->committed_bytes, has = mirror->file_bytes, at = has;
	bool is_known = is_covered(replica, mirror);
	int judged = 0;

	if (is_known && has == committed)
		return 0;
	if ((!is_known || has > committed) &&
	    replica_compare(replica, file->name, 0, has < committed ? has : committed, &at, err) !=
		0)
		return -1;
	if (at == has && at == committed)
		return 0;
	if (at < has)
		judged = judge(replica, file, mirror, at, err);
	if (judged == 0)
		return replica_append(replica, file->name, at, committed, err);
	if (judged < 0 || copy_whole(replica, file, err) != 0)
		return -1;
	replica->report->files_mended++;
	replica_tell(replica, "%s of the mirror was damaged: copied again", file->name);
	return 0;
}

/* Does that file hold, whole, every commit of the mirror's other generation: 1, 0, -1. */
static int replaces(const struct replica *replica, const struct replica_side *side,
    const struct store_file *file, const struct store_file *old, struct err *err)
{
	struct store_file_view new_view = {0}, old_view = {0};
	int result = -1;

	if (store_file_see(side->store, file, file->committed_bytes, &new_view, err) == 0 &&
	    store_file_see(replica->mirror.store, old, old->file_bytes, &old_view, err) == 0)
		result = new_view.is_sound && new_view.end == file->committed_bytes &&
		    store_view_has_all(&new_view, &old_view);
	store_file_unsee(&new_view);
	store_file_unsee(&old_view);
	return result;
}

static int check_lower(struct replica *replica, const struct store_file *file, struct err *err)
{
	const struct store_file *old = store_files_current(&replica->mirror.files, file->number);
	struct replica_standing standing;
	int got;

	if (!old || old->generation == file->generation)
		return 0;
	if (!is_covered(replica, old) && replica_stand(replica->options, &standing, err) != 0)
		return -1;
	/* What is damaged here must not take the place of what is whole there. */
	got = replaces(replica, &replica->archive, file, old, err);
	if (got == 0 && old->generation > file->generation)
		return refuse_longer(replica, old->name, err);
	if (got == 0)
		return refuse_damaged(replica, file->name, err);
	return got < 0 ? -1 : 0;
}

/* What is damaged here is better copied than not; but it is no second copy, and is told each time.
 */
static int check_sound(struct replica *replica, const struct store_file *file, struct err *err)
{
	struct store_file_view view = {0};
	int result =
	    store_file_see(replica->archive.store, file, file->committed_bytes, &view, err);

	if (result == 0 && (!view.is_sound || view.end < file->committed_bytes)) {
		replica->report->files_damaged++;
		replica_tell(replica,
		    "%s is damaged in the archive, and its copy in the mirror is the same",
		    file->name);
	}
	store_file_unsee(&view);
	return result;
}

static int bring(struct replica *replica, const struct store_file *file, struct err *err)
{
	const struct store_file *mirror =
	    store_files_named(&replica->mirror.files, file->number, file->generation);
	uint64_t before = replica->report->bytes_copied;
	bool is_known = mirror && is_covered(replica, mirror);
	int result;

	if (file->committed_bytes == 0 && !mirror)
		return 0;
	if (check_lower(replica, file, err) != 0)
		return -1;
	if (mirror) {
		result = reconcile(replica, file, mirror, err);
	} else {
		if (replica->has_note && file->number <= replica->note.number &&
		    !store_files_current(&replica->mirror.files, file->number))
			replica_tell(
			    replica, "%s was missing in the mirror: copied again", file->name);
		result = copy_whole(replica, file, err);
	}
	if (result == 0 && !is_known)
		result = check_sound(replica, file, err);
	if (result != 0 || replica->report->bytes_copied == before)
		return result;
	replica->report->files_copied++;
	return note_file(replica, file, err);
}

/* ---- an update ---- */

static bool is_current(const struct store_files *files, size_t i)
{
	return i == 0 || files->file[i - 1].number != files->file[i].number;
}

static bool is_link(const struct replica *replica, const char *name)
{
	char *ours = file_join(replica->archive.folder, name);
	char *theirs = file_join(replica->mirror.folder, name);
	bool result = is_same_file(ours, theirs);

	free(ours);
	free(theirs);
	return result;
}

static int refuse_links(const struct replica *replica, struct err *err)
{
	return err_set(err, ERR_UNSAFE,
	    "%s holds links to the archive's own files: a mirror needs copies of its own",
	    replica->mirror.folder);
}

/* A link to the archive's file is no second copy. */
static int check_links(const struct replica *replica, struct err *err)
{
	const struct store_files *files = &replica->mirror.files;
	size_t i;

	for (i = 0; i < files->count; i++) {
		char *name = file_join("segments", files->file[i].name);
		bool is_linked = is_link(replica, name);

		free(name);
		if (is_linked)
			return refuse_links(replica, err);
	}
	return 0;
}

static int check_none_beyond(const struct replica *replica, struct err *err)
{
	const struct store_files *files = &replica->mirror.files;
	size_t i;

	for (i = 0; i < files->count; i++)
		if (files->file[i].file_bytes > 0 &&
		    !store_files_current(&replica->archive.files, files->file[i].number))
			return refuse_longer(replica, files->file[i].name, err);
	return 0;
}

static void count_bytes(struct replica *replica)
{
	const struct store_files *files = &replica->archive.files;
	size_t i;

	for (i = 0; i < files->count; i++) {
		const struct store_file *file = &files->file[i], *mirror;

		if (!is_current(files, i))
			continue;
		mirror = store_files_named(&replica->mirror.files, file->number, file->generation);
		if (!mirror || mirror->file_bytes < file->committed_bytes)
			replica->all += file->committed_bytes - (mirror ? mirror->file_bytes : 0);
	}
}

static int bring_all(struct replica *replica, struct err *err)
{
	const struct store_files *files = &replica->archive.files;
	size_t i;

	count_bytes(replica);
	for (i = 0; i < files->count; i++)
		if (is_current(files, i) && bring(replica, &files->file[i], err) != 0)
			return -1;
	return 0;
}

static int find_note(struct replica *replica, struct err *err)
{
	const struct replica_options *options = replica->options;
	int got = replica_note_read(options->archive, &replica->note, err);

	if (got < 0)
		return -1;
	replica->has_note = got == 1 && strcmp(replica->note.path, options->path) == 0;
	if (!replica->has_note) {
		memset(&replica->note, 0, sizeof replica->note);
		snprintf(replica->note.path, sizeof replica->note.path, "%s", options->path);
	}
	return 0;
}

static int check_path(const char *path, struct err *err)
{
	if (strlen(path) < REPLICA_PATH_BYTES && !strchr(path, '\n'))
		return 0;
	return err_set(err, ERR_USAGE, "the mirror's path is too long");
}

static void ask_disk(struct replica *replica)
{
	struct stat a, b;

	replica->report->is_on_same_disk = stat(replica->archive.folder, &a) == 0 &&
	    stat(replica->mirror.folder, &b) == 0 && a.st_dev == b.st_dev;
}

static int open_mirror(struct replica *replica, struct err *err)
{
	if (replica_find_folder(replica, err) != 0)
		return -1;
	/* Then it could not be locked, either: the archive is. */
	if (is_link(replica, "lock"))
		return refuse_links(replica, err);
	if (replica_lock(replica, replica->mirror.folder, err) != 0 ||
	    replica_open_sides(replica, err) != 0 || replica_sweep(&replica->mirror, err) != 0 ||
	    replica_list(&replica->archive, &replica->options->end, err) != 0 ||
	    replica_list(&replica->mirror, NULL, err) != 0)
		return -1;
	/* A new one: what is remembered is of an old one. */
	if (replica->mirror.files.count == 0 || replica->options->compare)
		replica->note.number = 0;
	replica->report->is_new = replica->mirror.files.count == 0;
	ask_disk(replica);
	return 0;
}

static int finish(struct replica *replica, struct err *err)
{
	const struct store_files *files = &replica->archive.files;
	const struct store_file *last = store_files_current(files, store_files_last(files));

	while (last && last->committed_bytes == 0 && last->number > 1)
		last = store_files_current(files, last->number - 1);
	if (!last)
		return 0;
	replica->note.time_unix = replica->options->now_unix;
	replica->note.batch = replica->options->end.batch;
	return note_file(replica, last, err);
}

static int tell_full(const struct replica *replica, struct err *err)
{
	if (err && err->code == ERR_SPACE)
		return err_set(err, ERR_SPACE,
		    "the disk of the mirror %s is full: the mirror stays behind until there is "
		    "room",
		    replica->mirror.folder);
	return -1;
}

int replica_update(
    const struct replica_options *options, struct replica_report *report, struct err *err)
{
	struct replica replica;
	int result = -1;

	replica_begin(&replica, options, report);
	if (check_path(options->path, err) != 0 || replica_check_apart(&replica, err) != 0 ||
	    find_note(&replica, err) != 0 || open_mirror(&replica, err) != 0 ||
	    check_links(&replica, err) != 0 || check_identity(&replica, err) != 0 ||
	    check_none_beyond(&replica, err) != 0)
		goto out;
	replica.note.identity = replica.identity;
	result = bring_all(&replica, err);
	/* With something damaged it is no complete copy. */
	if (result == 0 && report->files_damaged == 0)
		result = replica_remove_others(&replica, err);
	if (result == 0 && report->files_damaged == 0)
		result = finish(&replica, err);
out:
	if (result != 0)
		tell_full(&replica, err);
	replica_end(&replica);
	return result;
}

/* ---- how it stands ---- */

struct search {
	struct batch_position wanted;
	bool found;
};

static int find_batch(void *arg, const struct store_batch *batch, struct err *err)
{
	struct search *search = arg;

	(void)err;
	if (batch->log.n > 0 && batch->end.batch == search->wanted.batch)
		search->found = sha256_equal(&batch->end.sum, &search->wanted.sum);
	return 0;
}

/* Is the mirror's last commit one of the archive's: the chain says that all before it are. */
static int check_end(struct replica *replica, const struct batch_position *end, struct err *err)
{
	const struct batch_position *ours = &replica->options->end;
	struct batch_position start = {0};
	struct search search = {.wanted = *end};

	if (end->batch == 0)
		return 0;
	if (end->batch == ours->batch && sha256_equal(&end->sum, &ours->sum))
		return 0;
	if (end->batch <= ours->batch &&
	    store_replay(replica->archive.store, &start, find_batch, &search, err) != 0)
		return -1;
	if (search.found)
		return 0;
	return end->batch > ours->batch ? refuse_longer(replica, "its last segment", err)
					: refuse_different(replica, "its last segment", err);
}

int replica_stand(
    const struct replica_options *options, struct replica_standing *out, struct err *err)
{
	struct batch_position start = {0};
	struct replica_report unused;
	struct replica replica;
	int result = -1;

	memset(out, 0, sizeof *out);
	replica_begin(&replica, options, &unused);
	if (replica_check_apart(&replica, err) != 0)
		goto out;
	if (!replica_is_there(options->path)) {
		err_set(err, ERR_ABSENT, "%s holds no mirror: is its disk mounted?", options->path);
		goto out;
	}
	if (find_note(&replica, err) != 0 || replica_open_sides(&replica, err) != 0 ||
	    replica_list(&replica.archive, &options->end, err) != 0 ||
	    replica_list(&replica.mirror, NULL, err) != 0 || check_links(&replica, err) != 0 ||
	    check_identity(&replica, err) != 0 ||
	    store_replay(replica.mirror.store, &start, NULL, NULL, err) != 0)
		goto out;
	out->end = *store_end(replica.mirror.store);
	if (check_end(&replica, &out->end, err) != 0)
		goto out;
	out->behind = options->end.batch - out->end.batch;
	result = 0;
out:
	replica_end(&replica);
	return result;
}
