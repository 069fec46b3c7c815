/* Owns:  the open batch and the segment that is written.
 * Knows: the order of a commit: entry frames, mark, log frame, fdatasync, folder.
 * Never: changes what was committed; leaves a void batch behind.
 * Spec:  archiver/store/FORMAT.md, "Batches" */
#include "archiver/store/store_private.h"

#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENT_DEFAULT_BYTES (128u << 20)
#define LEVEL_DEFAULT         3
#define FOLDER_MODE           0700

static void init_pending(struct store_pending *pending)
{
	buf_init(&pending->content, 2 * STORE_FRAME_BYTES);
	buf_init(&pending->lines, STORE_LOG_MAX_BYTES);
}

static void clear_pending(struct store_pending *pending)
{
	buf_clear(&pending->content);
	buf_clear(&pending->lines);
	pending->entries = 0;
}

static void init_reader(struct store_reader *reader)
{
	reader->segment.fd = -1;
	reader->cached_at = UINT64_MAX;
	buf_init(&reader->cache, STORE_BEST_FRAME_BYTES);
}

static void release_reader(struct store_reader *reader)
{
	segment_close(&reader->segment);
	buf_release(&reader->cache);
}

int store_open(struct store **out, const struct store_options *options, struct err *err)
{
	struct store *store;

	if (options->for_writing && file_make_folders(options->folder, FOLDER_MODE, err) != 0)
		return -1;
	store = mem_zero(1, sizeof *store);
	store->folder = mem_string(options->folder);
	store->options = *options;
	store->options.folder = store->folder;
	if (!store->options.segment_bytes)
		store->options.segment_bytes = SEGMENT_DEFAULT_BYTES;
	if (!store->options.level)
		store->options.level = LEVEL_DEFAULT;
	store->packer = frame_packer_new(store->options.level);
	store->unpacker = frame_unpacker_new();
	store->writing.fd = -1;
	init_reader(&store->mail_reader);
	init_reader(&store->blob_reader);
	init_pending(&store->mails);
	init_pending(&store->blobs);
	buf_init(&store->log, STORE_LOG_MAX_BYTES);
	*out = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	if (!store_is_empty(store))
		store_abort(store);
	segment_close(&store->writing);
	release_reader(&store->mail_reader);
	release_reader(&store->blob_reader);
	frame_packer_free(store->packer);
	frame_unpacker_free(store->unpacker);
	buf_release(&store->mails.content);
	buf_release(&store->mails.lines);
	buf_release(&store->blobs.content);
	buf_release(&store->blobs.lines);
	buf_release(&store->log);
	free(store->frame);
	free(store->gap);
	free(store->folder);
	free(store);
}

void store_entry_name(const struct store_entry *entry, char out[TARHEAD_NAME_BYTES])
{
	char hex[SHA256_HEX_BYTES];

	sha256_hex(&entry->id, hex);
	snprintf(
	    out, TARHEAD_NAME_BYTES, entry->kind == EVENT_BLOB ? "blob/%s" : "mail/%s.eml", hex);
}

bool store_parse_name(const char *name, struct store_entry *out)
{
	struct bytes digits = bytes_from(bytes_of(name), 5);
	bool is_blob = bytes_starts(bytes_of(name), "blob/");

	if (!is_blob) {
		if (!bytes_starts(bytes_of(name), "mail/") || digits.n < 4 ||
		    !bytes_is(bytes_from(digits, digits.n - 4), ".eml"))
			return false;
		digits.n -= 4;
	}
	out->kind = is_blob ? EVENT_BLOB : EVENT_MAIL;
	return sha256_parse(digits, &out->id);
}

bool store_is_empty(const struct store *store)
{
	return store->events == 0 && !store->is_broken;
}

uint64_t store_open_bytes(const struct store *store)
{
	return store->open_bytes;
}

uint64_t store_open_events(const struct store *store)
{
	return store->events;
}

const struct batch_position *store_end(const struct store *store)
{
	return &store->end;
}

/* The first frame of a batch may need a new segment. */
static int begin_writing(struct store *store, struct err *err)
{
	/* Behind the last there is, which may be one that no commit could be read from. */
	struct segment_id next = {
	    store->writing.fd >= 0 ? store->writing.number + 1 : SEGMENT_FIRST, 0};

	if (store->writing.fd >= 0 && !store->writing.is_sealed && !store->is_full)
		return 0;
	segment_close(&store->writing);
	if (segment_open(&store->writing, store->folder, next, O_RDWR | O_CREAT | O_EXCL, err) != 0)
		return -1;
	store->is_new = true;
	store->is_full = false;
	store->at = 0;
	return 0;
}

int store_check_room(const struct store *store, uint64_t bytes, struct err *err)
{
	uint64_t left;

	if (file_free_bytes(store->folder, &left, err) != 0)
		return -1;
	if (left >= bytes && left - bytes >= store->options.free_floor_bytes)
		return 0;
	return err_set(err, ERR_SPACE,
	    "the disk of %s has %" PRIu64 " MiB left; %" PRIu64 " MiB are needed and %" PRIu64
	    " MiB must stay free (free-floor)",
	    store->folder, left >> 20, (bytes >> 20) + 1, store->options.free_floor_bytes >> 20);
}

static int append(void *arg, const void *data, size_t bytes, struct err *err)
{
	struct store *store = arg;

	if (file_write_at(store->writing.fd, data, bytes, store->at, store->writing.path, err) != 0)
		return -1;
	store->at += bytes;
	return 0;
}

static void note_frame(struct store *store, uint64_t at, uint64_t entries)
{
	store->frame = mem_grow(
	    store->frame, &store->frame_room, store->frame_count + 1, sizeof *store->frame);
	store->frame[store->frame_count++] = (struct event_frame){.at = at, .entries = entries};
	store->entries += entries;
}

static int begin_frame(struct store *store, uint64_t content_bytes, uint64_t *at, struct err *err)
{
	if (store_check_room(store, content_bytes, err) != 0 || begin_writing(store, err) != 0)
		return -1;
	*at = store->at;
	return 0;
}

/* A log that lost a line must never be committed. */
static int check_lines(const struct buf *lines, struct err *err)
{
	return lines->overflow
	    ? err_set(err, ERR_LIMIT, "the journal of a batch would be too large")
	    : 0;
}

/* Write what waits as one frame. */
static int flush(struct store *store, struct store_pending *pending, struct err *err)
{
	uint64_t at;

	if (pending->entries == 0)
		return 0;
	if (begin_frame(store, pending->content.n, &at, err) != 0 ||
	    frame_pack(store->packer, buf_view(&pending->content), append, store, err) != 0)
		return -1;
	note_frame(store, at, pending->entries);
	buf_bytes(&store->log, buf_view(&pending->lines));
	clear_pending(pending);
	return check_lines(&store->log, err);
}

struct bytes store_filling(uint64_t content_bytes)
{
	static const char zeros[TARHEAD_BYTES];

	return (struct bytes){zeros, tarhead_filling(content_bytes)};
}

/* An entry that is larger than a frame gets one of its own. */
static int put_alone(struct store *store, const struct event *event, struct bytes head,
    const struct spool_range *content, struct err *err)
{
	uint64_t at, bytes = content->bytes;

	if (begin_frame(store, bytes, &at, err) != 0 ||
	    frame_pack_range(
		store->packer, head, content, store_filling(bytes), append, store, err) != 0)
		return -1;
	note_frame(store, at, 1);
	event_format(&store->log, event);
	return check_lines(&store->log, err);
}

static int put_pending(struct store_pending *pending, const struct event *event, struct bytes head,
    const struct spool_range *content, struct err *err)
{
	uint64_t bytes = content->bytes;
	char *at;

	buf_bytes(&pending->content, head);
	at = buf_reserve(&pending->content, (size_t)bytes);
	if (!at)
		return err_set(err, ERR_BUG, "an entry does not fit its frame");
	if (spool_read(content->spool, content->at, at, (size_t)bytes, err) != (ssize_t)bytes)
		return -1;
	pending->content.n += (size_t)bytes;
	buf_bytes(&pending->content, store_filling(bytes));
	event_format(&pending->lines, event);
	pending->entries++;
	return check_lines(&pending->lines, err);
}

/* The log of the last batch was kept for its reader; a new one begins. */
static void begin_log(struct store *store)
{
	if (store->is_log_done)
		buf_clear(&store->log);
	store->is_log_done = false;
}

static int put_entry(struct store *store, const struct event *event, int64_t mtime_unix,
    const struct spool_range *content, struct err *err)
{
	struct store_pending *pending = event->kind == EVENT_BLOB ? &store->blobs : &store->mails;
	struct store_entry entry = {event->kind, event->id, content->bytes};
	struct tarhead head = {.content_bytes = entry.content_bytes, .mtime_unix = mtime_unix};
	uint64_t needed = batch_entry_bytes(entry.content_bytes);
	char block[TARHEAD_BYTES];
	struct bytes header = {block, sizeof block};

	if (entry.content_bytes > STORE_ENTRY_MAX_BYTES)
		return err_set(err, ERR_LIMIT, "an entry of %" PRIu64 " bytes is too large",
		    entry.content_bytes);
	store_entry_name(&entry, head.name);
	tarhead_format(&head, block);
	if (pending->content.n + needed > STORE_FRAME_BYTES && flush(store, pending, err) != 0)
		return -1;
	if (needed > STORE_FRAME_BYTES)
		return put_alone(store, event, header, content, err);
	return put_pending(pending, event, header, content, err);
}

static int check_writing(const struct store *store, struct err *err)
{
	if (store->is_replayed && !store->is_broken)
		return 0;
	return err_set(err, ERR_BUG, "the archive is not open for writing");
}

/* The place of everything behind it follows from the size that the event tells. */
static int check_entry(
    const struct event *event, const struct spool_range *content, struct err *err)
{
	bool is_blob = event->kind == EVENT_BLOB;

	if ((is_blob || event->kind == EVENT_MAIL) &&
	    content->bytes == (is_blob ? event->size_bytes : event->stored_bytes))
		return 0;
	return err_set(err, ERR_BUG, "an entry that is not as its event says");
}

int store_put(struct store *store, const struct event *event, int64_t mtime_unix,
    const struct spool_range *content, struct err *err)
{
	if (check_writing(store, err) != 0 || check_entry(event, content, err) != 0)
		return -1;
	begin_log(store);
	store->events++;
	store->open_bytes += content->bytes;
	if (put_entry(store, event, mtime_unix, content, err) == 0)
		return 0;
	store->is_broken = true;
	return -1;
}

int store_log(struct store *store, const struct event *event, struct err *err)
{
	if (check_writing(store, err) != 0)
		return -1;
	if (event->kind == EVENT_BLOB || event->kind == EVENT_MAIL || event->kind == EVENT_FRAMES ||
	    event->kind == EVENT_COMMIT)
		return err_set(
		    err, ERR_BUG, "a \"%s\" cannot be logged alone", event_name(event->kind));
	begin_log(store);
	store->events++;
	/* Behind the entries' lines, whose order is that of the frames: kept apart until the
	 * frames are written. */
	event_format(&store->mails.lines, event);
	if (check_lines(&store->mails.lines, err) == 0)
		return 0;
	store->is_broken = true;
	return -1;
}

void store_abort(struct store *store)
{
	clear_pending(&store->mails);
	clear_pending(&store->blobs);
	buf_clear(&store->log);
	store->is_log_done = false;
	store->frame_count = 0;
	store->entries = store->events = store->open_bytes = 0;
	store->is_broken = false;
	if (store->writing.fd < 0 || store->writing.is_sealed)
		return;
	/* A failure leaves a torn tail, which the next opening cuts. */
	store->at = store->writing.number == store->end.segment ? store->end.at : 0;
	if (file_cut(store->writing.fd, store->at, store->writing.path, NULL) != 0)
		store->is_replayed = false;
}

/* The log as the tar entry log/<batch>.jsonl, in a frame of its own behind its mark. */
static int write_log(struct store *store, uint64_t batch, int64_t now_unix, struct err *err)
{
	struct tarhead head = {.content_bytes = store->log.n, .mtime_unix = now_unix};
	struct bytes filling = store_filling(store->log.n);
	char mark[SEGMENT_MARK_BYTES], block[TARHEAD_BYTES];
	struct buf entry;
	int result = -1;

	store_log_name(batch, head.name);
	tarhead_format(&head, block);
	segment_make_mark(batch, mark);
	buf_init(&entry, STORE_LOG_MAX_BYTES + 2 * TARHEAD_BYTES);
	buf_add(&entry, block, sizeof block);
	buf_bytes(&entry, buf_view(&store->log));
	buf_bytes(&entry, filling);
	if (!entry.overflow && store_check_room(store, entry.n, err) == 0 &&
	    append(store, mark, sizeof mark, err) == 0)
		result = frame_pack(store->packer, buf_view(&entry), append, store, err);
	buf_release(&entry);
	return result;
}

static int write_batch(
    struct store *store, int64_t now_unix, struct batch_position *end, struct err *err)
{
	struct event frames = {.kind = EVENT_FRAMES};

	if (flush(store, &store->blobs, err) != 0 || flush(store, &store->mails, err) != 0 ||
	    begin_writing(store, err) != 0)
		return -1;
	buf_bytes(&store->log, buf_view(&store->mails.lines));
	clear_pending(&store->mails);
	frames.frame = store->frame;
	frames.frame_count = store->frame_count;
	end->batch = store->end.batch + 1;
	batch_close(&store->log, &frames, end->batch, now_unix, store->entries, store->events,
	    &store->end.sum, &end->sum);
	if (check_lines(&store->log, err) != 0 || write_log(store, end->batch, now_unix, err) != 0)
		return -1;
	/* The one moment that counts: before it the batch is a torn tail, behind it the batch is
	 * in the archive. A new file needs its name on the disk as well. */
	if (file_sync(store->writing.fd, store->writing.path, err) != 0)
		return -1;
	if (store->is_new && file_sync_folder(store->folder, err) != 0)
		return -1;
	end->segment = store->writing.number;
	end->at = store->at;
	end->lost = store->end.lost;
	return 0;
}

/* When it fails nothing is lost: it is tried again at the next commit, or when the archive is
 * opened. But frames that cannot be stepped over have no seek table ever. */
void store_seal_if_due(struct store *store)
{
	struct err why = {0};

	if (store->at < store->options.segment_bytes ||
	    segment_seal(&store->writing, store->at, store->packer, &why) == 0)
		return;
	store->is_full = why.code == ERR_DAMAGED;
}

int store_commit(struct store *store, int64_t now_unix, struct store_batch *batch, struct err *err)
{
	struct batch_position end = {0};

	memset(batch, 0, sizeof *batch);
	if (check_writing(store, err) != 0)
		return -1;
	batch->end = store->end;
	if (store->events == 0)
		return 0;
	begin_log(store);
	if (write_batch(store, now_unix, &end, err) != 0) {
		store->is_broken = true;
		return -1;
	}
	store->is_new = false;
	store->end = end;
	store->frame_count = 0;
	store->entries = store->events = store->open_bytes = 0;
	store->is_log_done = true;
	batch->end = end;
	batch->log = buf_view(&store->log);
	store_seal_if_due(store);
	return 0;
}
