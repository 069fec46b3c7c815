/* Owns:  the file "mirror" of the archive's folder.
 * Knows: what is remembered of a mirror, as lines "key value".
 * Never: is the truth about anything: without it everything is compared again. */
#include "archiver/replica/replica_private.h"

#include "base/file.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTE_NAME  "mirror"
#define NOTE_FIRST "mailcask mirror 1"

static bool take_number(struct bytes value, uint64_t *out)
{
	unsigned long long number;

	if (!bytes_u64(value, &number))
		return false;
	*out = number;
	return true;
}

static bool take_line(struct replica_note *note, struct bytes key, struct bytes value)
{
	uint64_t number = 0;
	bool fits = true;

	if (bytes_is(key, "path")) {
		fits = value.n < sizeof note->path;
		snprintf(note->path, sizeof note->path, "%.*s", (int)value.n, value.p);
	} else if (bytes_is(key, "identity")) {
		fits = sha256_parse(value, &note->identity);
	} else if (bytes_is(key, "time")) {
		fits = take_number(value, &number);
		note->time_unix = (int64_t)number;
	} else if (bytes_is(key, "batch")) {
		fits = take_number(value, &note->batch);
	} else if (bytes_is(key, "segment")) {
		fits = take_number(value, &number) && number <= UINT32_MAX;
		note->number = (uint32_t)number;
	} else if (bytes_is(key, "bytes")) {
		fits = take_number(value, &note->bytes);
	}
	return fits;
}

static bool parse(struct bytes text, struct replica_note *note)
{
	bool is_first = true;

	memset(note, 0, sizeof *note);
	while (text.n > 0) {
		const char *end = memchr(text.p, '\n', text.n), *blank;
		struct bytes line = {text.p, end ? (size_t)(end - text.p) : text.n};

		text = bytes_from(text, line.n + (end != NULL));
		if (is_first && !bytes_is(line, NOTE_FIRST))
			return false;
		blank = memchr(line.p, ' ', line.n);
		if (!is_first && blank &&
		    !take_line(note, (struct bytes){line.p, (size_t)(blank - line.p)},
			bytes_from(line, (size_t)(blank - line.p) + 1)))
			return false;
		is_first = false;
	}
	return note->path[0] != '\0';
}

int replica_note_read(const char *archive, struct replica_note *out, struct err *err)
{
	char *path = file_join(archive, NOTE_NAME);
	struct err why = {0};
	struct buf text;
	int result = 0;

	buf_init(&text, 65536);
	if (file_read_all(path, &text, &why) == 0) {
		result = parse(buf_view(&text), out);
	} else if (why.code != ERR_ABSENT && why.code != ERR_LIMIT) {
		if (err)
			*err = why;
		result = -1;
	}
	buf_release(&text);
	free(path);
	return result;
}

int replica_note_write(const struct replica *replica, struct err *err)
{
	const struct replica_note *note = &replica->note;
	char *path = file_join(replica->archive.folder, NOTE_NAME), hex[SHA256_HEX_BYTES];
	struct buf text;
	int result;

	sha256_hex(&note->identity, hex);
	buf_init(&text, 65536);
	buf_format(&text,
	    NOTE_FIRST "\npath %s\nidentity %s\ntime %" PRId64 "\nbatch %" PRIu64
		       "\nsegment %" PRIu32 "\nbytes %" PRIu64 "\n",
	    note->path, hex, note->time_unix, note->batch, note->number, note->bytes);
	result = file_replace(path, buf_view(&text), 0600, err);
	/* Not of the mirror's disk. */
	if (result != 0 && err && err->code == ERR_SPACE)
		err->code = ERR_IO;
	buf_release(&text);
	free(path);
	return result;
}
