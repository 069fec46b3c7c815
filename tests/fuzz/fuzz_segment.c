/* Whatever stands in a segment file, it is read to its end or refused; and when it can be opened
 * for writing, a batch that is committed then is found again.
 *
 * Input: the file; or, when it begins with "!", what to put into it: 'F', 'L' and 'R' with a
 * number of bytes (two, the low one first) for a frame of these bytes, a mark and a log with these
 * lines, and the bytes as they are; 'S' for a seal. */
#include "archiver/store/segment.h"
#include "archiver/store/store.h"
#include "archiver/store/tarhead.h"

#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* The folder goes when the process does. */
static char folder[64];
static char *path;

static void empty_folder(void)
{
	DIR *files = opendir(folder);
	struct dirent *item;

	while (files && (item = readdir(files)))
		if (item->d_name[0] != '.') {
			char *file = file_join(folder, item->d_name);

			unlink(file);
			free(file);
		}
	closedir(files);
}

static void remove_folder(void)
{
	empty_folder();
	rmdir(folder);
	free(path);
}

static void make_folder(void)
{
	if (path)
		return;
	snprintf(folder, sizeof folder, "%s/fuzz-segment-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(folder))
		abort();
	path = mem_format("%s/000001.tar.zst", folder);
	atexit(remove_folder);
}

static int append(void *arg, const void *data, size_t bytes, struct err *err)
{
	(void)err;
	buf_add(arg, data, bytes);
	return 0;
}

/* ---- files from instructions ---- */

struct maker {
	struct buf file;
	struct frame_packer *packer;
	uint64_t batch;
	struct sha256 sum;
};

static void add_entry(struct maker *maker, const char *name, struct bytes content)
{
	struct tarhead head = {.content_bytes = content.n};
	char block[TARHEAD_BYTES];
	static const char zeros[TARHEAD_BYTES];
	struct buf entry;

	snprintf(head.name, sizeof head.name, "%s", name);
	tarhead_format(&head, block);
	buf_init(&entry, 1 << 20);
	buf_add(&entry, block, sizeof block);
	buf_bytes(&entry, content);
	buf_add(&entry, zeros, tarhead_filling(content.n));
	if (frame_pack(maker->packer, buf_view(&entry), append, &maker->file, NULL) != 0)
		abort();
	buf_release(&entry);
}

static void add_log(struct maker *maker, struct bytes lines)
{
	struct event_frame frame = {.entries = lines.n % 3};
	struct event frames = {.kind = EVENT_FRAMES, .frame = &frame, .frame_count = lines.n % 2};
	char mark[SEGMENT_MARK_BYTES], name[40];
	struct buf log;

	maker->batch++;
	buf_init(&log, 1 << 20);
	buf_bytes(&log, lines);
	batch_close(
	    &log, &frames, maker->batch, 0, lines.n % 4, lines.n % 5, &maker->sum, &maker->sum);
	segment_make_mark(maker->batch, mark);
	buf_add(&maker->file, mark, sizeof mark);
	snprintf(name, sizeof name, "log/%08d.jsonl", (int)maker->batch);
	add_entry(maker, name, buf_view(&log));
	buf_release(&log);
}

static void add_seal(struct maker *maker)
{
	struct segment segment = {.fd = -1};

	if (file_replace(path, buf_view(&maker->file), 0600, NULL) != 0 ||
	    segment_open(&segment, folder, (struct segment_id){1, 0}, O_RDWR, NULL) != 0)
		abort();
	(void)segment_seal(&segment, maker->file.n, maker->packer, NULL);
	segment_close(&segment);
	buf_clear(&maker->file);
	if (file_read_all(path, &maker->file, NULL) != 0)
		abort();
}

static void make_file(struct maker *maker, struct bytes text)
{
	while (text.n >= 3) {
		size_t n = (unsigned char)text.p[1] | (size_t)(unsigned char)text.p[2] << 8;
		char what = text.p[0];
		struct bytes piece;

		text = bytes_from(text, 3);
		piece = (struct bytes){text.p, n < text.n ? n : text.n};
		text = bytes_from(text, piece.n);
		if (what == 'F')
			(void)frame_pack(maker->packer, piece, append, &maker->file, NULL);
		else if (what == 'L')
			add_log(maker, piece);
		else if (what == 'S')
			add_seal(maker);
		else
			buf_bytes(&maker->file, piece);
	}
}

/* ---- reading it ---- */

struct reading {
	struct store *store;
	uint64_t batches;
};

static int read_batch(void *arg, const struct store_batch *batch, struct err *err)
{
	struct reading *reading = arg;
	struct batch_reader reader;
	struct batch_place place;
	struct event event;
	struct buf content;

	(void)err;
	if (batch->log.n == 0)
		return 0; /* what no log tells of */
	reading->batches++;
	if (batch_begin(&reader, batch->log, NULL) != 0)
		abort(); /* it was checked already */
	buf_init(&content, 1 << 20);
	while (batch_next(&reader, &event, &place, NULL) == 1) {
		struct store_entry entry = {event.kind, event.id,
		    event.kind == EVENT_MAIL ? event.stored_bytes : event.size_bytes};

		buf_clear(&content);
		if ((event.kind == EVENT_MAIL || event.kind == EVENT_BLOB) &&
		    store_read(reading->store, (struct segment_id){batch->end.segment, 0}, &place,
			&entry, append, &content, NULL) == 0 &&
		    !content.overflow && content.n != entry.content_bytes)
			abort();
		event_release(&event);
	}
	buf_release(&content);
	batch_end(&reader);
	return 0;
}

static int replay(bool for_writing, struct reading *reading)
{
	struct store_options options = {
	    .folder = folder, .for_writing = for_writing, .segment_bytes = 2000, .level = 1};
	struct batch_position start = {0};

	*reading = (struct reading){0};
	if (store_open(&reading->store, &options, NULL) != 0)
		abort();
	return store_replay(reading->store, &start, read_batch, reading, NULL);
}

static void read_it(void)
{
	struct store_verify_calls calls = {0};
	struct segment segment = {.fd = -1};
	struct segment_log log;
	struct reading reading;
	uint64_t at = 0, before;

	if (segment_open(&segment, folder, (struct segment_id){1, 0}, O_RDONLY, NULL) != 0)
		abort();
	do
		before = at;
	while (segment_next_log(&segment, &at, &log, NULL) == 1 && at > before);
	if (at != before)
		abort();
	if (segment.is_sealed)
		(void)segment_check_seek_table(&segment, NULL);
	segment_close(&segment);
	(void)replay(false, &reading);
	if (store_verify(reading.store, false, &calls, NULL) < 0)
		abort();
	store_close(reading.store);
}

static void write_on(void)
{
	struct event event = {.kind = EVENT_RETIRED};
	struct reading reading, again;
	struct store_batch batch;
	int got = replay(true, &reading);

	if (got == 0 &&
	    (store_log(reading.store, &event, NULL) != 0 ||
		store_commit(reading.store, 0, &batch, NULL) != 0))
		abort();
	store_close(reading.store);
	if (got != 0)
		return;
	if (replay(false, &again) != 0 || again.batches != reading.batches + 1)
		abort();
	store_close(again.store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct bytes text = {(const char *)data, bytes};
	struct maker maker = {0};
	int fd;

	make_folder();
	buf_init(&maker.file, 4 << 20);
	maker.packer = frame_packer_new(1);
	if (bytes_starts(text, "!"))
		make_file(&maker, bytes_from(text, 1));
	else
		buf_bytes(&maker.file, text);
	fd = file_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600, NULL);
	if (fd < 0 || file_write(fd, maker.file.p, maker.file.n, path, NULL) != 0)
		abort();
	file_close(&fd);
	read_it();
	write_on();
	empty_folder();
	frame_packer_free(maker.packer);
	buf_release(&maker.file);
	return 0;
}
