/* Owns:  one restoring of an archive's segments from its mirror.
 * Knows: which of two copies of a segment is the better one.
 * Never: replaces what is good; throws away what is damaged. */
#include "archiver/replica/replica_private.h"

#include "base/file.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT_MAX 4096

/* What becomes of one of the archive's files. */
enum choice {
	CHOICE_KEEP,
	CHOICE_TAKE, /* the mirror's: the archive has none, or only its beginning */
	CHOICE_MEND, /* the mirror's, and what the archive has behind it; the old one is kept */
	CHOICE_LOST, /* neither is whole: the archive's stays */
	CHOICE_POOR  /* the mirror's, damaged as it is: the archive has none */
};

struct decision {
	const struct store_file *mirror, *archive; /* archive: NULL when there is none */
	enum choice choice;
	uint64_t bytes; /* of the mirror's that are good */
	uint64_t more;  /* of the archive's behind them */
	bool is_same;   /* all of the mirror's is in the archive then */
};

static int refuse_different(
    const struct replica *replica, const struct store_file *file, struct err *err)
{
	return err_set(err, ERR_UNSAFE,
	    "the archive and the mirror %s went different ways (in %s), and both are whole: "
	    "nothing "
	    "was changed; keep the mirror as an archive of its own",
	    replica->mirror.folder, file->name);
}

/* Of files of one name that differ before the mirror's last commit: by what each holds. */
static int decide_by_view(struct replica *replica, struct decision *decision, uint64_t at,
    const struct store_file_view *ours, const struct store_file_view *theirs, struct err *err)
{
	bool has_all = store_view_has_all(ours, theirs);

	decision->bytes = theirs->end;
	if (ours->is_sound && has_all && at < ours->end)
		return 0; /* a bit that changes nothing */
	if (!theirs->is_sound) {
		decision->choice = ours->is_sound ? CHOICE_KEEP : CHOICE_LOST;
		return 0;
	}
	if (ours->is_sound && at < ours->end && !store_view_has_all(theirs, ours))
		return refuse_different(replica, decision->archive, err);
	if (at == decision->archive->file_bytes)
		decision->choice = CHOICE_TAKE;
	else
		decision->choice = CHOICE_MEND;
	if (ours->end > theirs->end)
		decision->more = decision->archive->file_bytes - theirs->end;
	return 0;
}

static int decide_between(
    struct replica *replica, struct decision *decision, uint64_t at, struct err *err)
{
	const struct store_file *file = decision->archive, *mirror = decision->mirror;
	struct store_file_view ours = {0}, theirs = {0};
	int result = -1;

	if (store_file_see(replica->archive.store, file, file->file_bytes, &ours, err) == 0 &&
	    store_file_see(replica->mirror.store, mirror, mirror->file_bytes, &theirs, err) == 0)
		result = at < theirs.end
		    ? decide_by_view(replica, decision, at, &ours, &theirs, err)
		    : 0; /* the mirror's is torn there */
	store_file_unsee(&ours);
	store_file_unsee(&theirs);
	return result;
}

/* Of files of two generations: ours, when it is whole and has all commits of theirs. Else theirs
 * is put beside it, and which of them counts is settled when the archive is opened. */
static int decide_by_commits(struct decision *decision, const struct store_file_view *ours,
    const struct store_file_view *theirs)
{
	bool is_whole = ours->is_sound && ours->end == decision->archive->file_bytes;
	bool is_good = theirs->is_sound && theirs->end > 0;

	decision->bytes = theirs->end;
	if (is_whole && store_view_has_all(ours, theirs))
		return 0;
	if (is_whole)
		decision->choice = is_good ? CHOICE_TAKE : CHOICE_KEEP;
	else
		decision->choice =
		    is_good && store_view_has_all(theirs, ours) ? CHOICE_MEND : CHOICE_LOST;
	return 0;
}

static int decide_generations(struct replica *replica, struct decision *decision, struct err *err)
{
	const struct store_file *file = decision->archive, *mirror = decision->mirror;
	struct store_file_view ours = {0}, theirs = {0};
	int result = -1;

	if (store_file_see(replica->archive.store, file, file->file_bytes, &ours, err) == 0 &&
	    store_file_see(replica->mirror.store, mirror, mirror->file_bytes, &theirs, err) == 0)
		result = decide_by_commits(decision, &ours, &theirs);
	store_file_unsee(&ours);
	store_file_unsee(&theirs);
	return result;
}

/* Only the mirror has that number. */
static int decide_alone(struct replica *replica, struct decision *decision, struct err *err)
{
	const struct store_file *file = decision->mirror;
	struct store_file_view view = {0};
	int result = store_file_see(replica->mirror.store, file, file->file_bytes, &view, err);

	decision->bytes = view.is_sound ? view.end : file->file_bytes;
	decision->choice = !view.is_sound ? CHOICE_POOR : view.end ? CHOICE_TAKE : CHOICE_KEEP;
	store_file_unsee(&view);
	return result;
}

static int decide(struct replica *replica, struct decision *decision, struct err *err)
{
	const struct store_file *ours = decision->archive, *theirs = decision->mirror;
	uint64_t both, at;

	if (!ours)
		return decide_alone(replica, decision, err);
	if (ours->generation != theirs->generation)
		return decide_generations(replica, decision, err);
	both = ours->file_bytes < theirs->file_bytes ? ours->file_bytes : theirs->file_bytes;
	if (replica_compare(replica, ours->name, 0, both, &at, err) != 0)
		return -1;
	decision->is_same = at == theirs->file_bytes;
	return decision->is_same ? 0 : decide_between(replica, decision, at, err);
}

/* All is decided before anything is changed. */
static int decide_all(
    struct replica *replica, struct decision *decision, size_t *count_out, struct err *err)
{
	const struct store_files *files = &replica->mirror.files;
	size_t i, count = 0;

	for (i = 0; i < files->count; i++) {
		const struct store_file *file = &files->file[i];
		bool is_older = i > 0 && file->number == files->file[i - 1].number;

		/* An older generation that the mirror still has may hold more. */
		decision[count] = (struct decision){.mirror = file,
		    .archive = is_older
			? store_files_named(&replica->archive.files, file->number, file->generation)
			: store_files_current(&replica->archive.files, file->number)};
		if (decide(replica, &decision[count], err) != 0)
			return -1;
		if (decision[count].choice == CHOICE_TAKE || decision[count].choice == CHOICE_MEND)
			decision[count].is_same =
			    decision[count].bytes == files->file[i].file_bytes;
		count++;
	}
	*count_out = count;
	return 0;
}

static int put(struct replica *replica, const struct decision *decision, struct err *err)
{
	const struct store_file *ours = decision->archive, *theirs = decision->mirror;
	struct replica_piece piece[] = {{&replica->mirror, theirs->name, 0, decision->bytes},
	    {&replica->archive, theirs->name, decision->bytes, decision->more}};
	bool keeps = decision->choice == CHOICE_MEND;
	char *damaged = keeps ? mem_format("%s.damaged", ours->name) : NULL;
	bool renames = keeps && strcmp(ours->name, theirs->name) == 0;
	int result = replica_copy(replica, piece, decision->more ? 2 : 1, &replica->archive,
	    theirs->name, renames ? damaged : NULL, err);

	if (result == 0 && keeps && !renames)
		result = replica_rename(&replica->archive, ours->name, damaged, err);
	if (result == 0 && keeps)
		replica_tell(replica,
		    "%s was damaged: taken from the mirror (the damaged one is "
		    "kept: %s)",
		    ours->name, damaged);
	if (result == 0 && keeps)
		replica->report->files_mended++;
	else if (result == 0)
		replica->report->files_copied++;
	free(damaged);
	return result;
}

/* The last one first: with a number missing before it nothing opens what is not complete yet; nor
 * does it where FORMAT is missing, which comes last. */
static int put_all(
    struct replica *replica, const struct decision *decision, size_t count, struct err *err)
{
	size_t i;

	for (i = count; i > 0; i--) {
		const struct decision *one = &decision[i - 1];

		if (one->choice == CHOICE_LOST) {
			replica->report->files_bad++;
			replica_tell(replica, "%s is not whole in the mirror either: left as it is",
			    one->mirror->name);
		} else if (one->choice != CHOICE_KEEP && put(replica, one, err) != 0) {
			return -1;
		} else if (one->choice == CHOICE_POOR) {
			replica->report->files_bad++;
			replica_tell(replica,
			    "%s is damaged in the mirror: taken as it is, for the archive has none",
			    one->mirror->name);
		}
	}
	return 0;
}

static int check_room(
    struct replica *replica, const struct decision *decision, size_t count, struct err *err)
{
	uint64_t left;
	size_t i;

	for (i = 0; i < count; i++)
		if (decision[i].choice != CHOICE_KEEP && decision[i].choice != CHOICE_LOST)
			replica->all += decision[i].bytes + decision[i].more;
	if (replica->all == 0)
		return 0;
	if (file_free_bytes(replica->archive.folder, &left, err) != 0)
		return -1;
	if (left >= replica->all)
		return 0;
	return err_set(err, ERR_SPACE,
	    "the disk of %s has %" PRIu64 " MiB left; %" PRIu64 " MiB are needed",
	    replica->archive.folder, left >> 20, (replica->all >> 20) + 1);
}

/* The archive's, unless it has none that means anything. */
static int restore_format(const struct replica *replica, struct err *err)
{
	char *from = file_join(replica->mirror.folder, "FORMAT");
	char *to = file_join(replica->archive.folder, "FORMAT");
	struct buf theirs, ours;
	int result = -1;

	buf_init(&theirs, FORMAT_MAX);
	buf_init(&ours, FORMAT_MAX);
	if (file_read_all(from, &theirs, err) == 0)
		result = 0;
	if (result == 0 &&
	    (file_read_all(to, &ours, NULL) != 0 ||
		!bytes_starts(buf_view(&ours), "mailcask archive ")))
		result = file_replace(to, buf_view(&theirs), 0600, err);
	buf_release(&theirs);
	buf_release(&ours);
	free(from);
	free(to);
	return result;
}

static int check_same_archive(struct replica *replica, struct err *err)
{
	struct sha256 ours, theirs;
	int got = store_identity(replica->mirror.store, &theirs, err), has;

	if (got < 0)
		return -1;
	has = store_identity(replica->archive.store, &ours, err);
	if (has < 0)
		return -1;
	if (got == 1)
		replica->identity = theirs;
	if (got == 0 || has == 0 || sha256_equal(&ours, &theirs))
		return 0;
	return err_set(err, ERR_UNSAFE,
	    "%s is the mirror of another archive than %s: move that one away first, if it is not "
	    "the one you want",
	    replica->mirror.folder, replica->archive.folder);
}

static int open_both(struct replica *replica, struct err *err)
{
	if (replica_check_apart(replica, err) != 0)
		return -1;
	if (!replica_is_there(replica->mirror.folder))
		return err_set(err, ERR_ABSENT, "%s holds no mirror: is its disk mounted?",
		    replica->mirror.folder);
	if (file_make_folders(replica->archive.segments, REPLICA_FOLDER_MODE, err) != 0 ||
	    replica_lock(replica, replica->archive.folder, err) != 0 ||
	    replica_open_sides(replica, err) != 0 || check_same_archive(replica, err) != 0 ||
	    replica_list(&replica->archive, NULL, err) != 0)
		return -1;
	return replica_list(&replica->mirror, NULL, err);
}

/* The mirror is known again. Where all of it is in the archive nothing need be compared. */
static int note_mirror(
    struct replica *replica, const struct decision *decision, size_t count, struct err *err)
{
	struct replica_note *note = &replica->note;
	int got = replica_note_read(replica->archive.folder, note, err);
	bool is_same = count > 0;
	size_t i;

	if (got < 0)
		return -1;
	if (got == 1 && strcmp(note->path, replica->mirror.folder) == 0)
		return 0;
	memset(note, 0, sizeof *note);
	snprintf(note->path, sizeof note->path, "%s", replica->mirror.folder);
	note->identity = replica->identity;
	for (i = 0; i < count; i++)
		is_same = is_same && decision[i].is_same;
	if (is_same) {
		note->number = decision[count - 1].mirror->number;
		note->bytes = decision[count - 1].mirror->file_bytes;
	}
	return replica_note_write(replica, err);
}

int replica_restore(
    const struct replica_options *options, struct replica_report *report, struct err *err)
{
	struct decision *decision = NULL;
	struct replica replica;
	size_t count;
	int result = -1;

	replica_begin(&replica, options, report);
	if (open_both(&replica, err) != 0)
		goto out;
	decision = mem_zero(replica.mirror.files.count + 1, sizeof *decision);
	if (decide_all(&replica, decision, &count, err) == 0 &&
	    check_room(&replica, decision, count, err) == 0 &&
	    put_all(&replica, decision, count, err) == 0 && restore_format(&replica, err) == 0)
		result = note_mirror(&replica, decision, count, err);
out:
	free(decision);
	replica_end(&replica);
	return result;
}
