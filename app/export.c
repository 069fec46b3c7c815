/* Owns:  the file that is written.
 * Knows: names that are safe everywhere; mboxrd; what an earlier export has written already.
 * Never: derives a path from a folder's name without making it harmless; replaces a file. */
#include "app/export.h"

#include "app/partfile.h"

#include "archiver/mime/mimehead.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define OUT_BYTES  (1u << 16)
#define NAME_BYTES 200 /* of the foreign part of a name: file systems take 255 in all */

/* An mbox as it is written: lines are needed whole to see "From " at their start. */
struct export_line {
	struct buf out;
	char begun[8]; /* the start of a line, until it cannot be ">>From " any more */
	size_t begun_bytes, quotes;
	bool is_inside; /* of a line whose start is decided */
	bool has_cr;    /* a CR that may belong to CRLF */

	struct partfile file;
	bool is_in_message, is_cut; /* half a message; what was written is not all */
};

static int flush(struct export *export, struct err *err)
{
	struct buf *out = &export->line->out;
	int result = file_write(export->fd, out->p, out->n, export->path, err);

	buf_clear(out);
	return result;
}

static int make_folder_of(const char *path, struct err *err)
{
	char *folder = file_folder_of(path);
	int result = file_make_folders(folder, 0700, err);

	free(folder);
	return result;
}

int export_begin(struct export *export, struct err *err)
{
	export->fd = -1;
	export->line = mem_zero(1, sizeof *export->line);
	export->line->file.fd = -1;
	buf_init(&export->line->out, 2 * OUT_BYTES);
	if (export->format == EXPORT_EML)
		return file_make_folders(export->path, 0700, err);
	if (strcmp(export->path, "-") == 0) {
		export->fd = dup(STDOUT_FILENO);
		return export->fd < 0 ? err_os(err, errno, "standard output") : 0;
	}
	if (make_folder_of(export->path, err) != 0 ||
	    partfile_begin(&export->line->file, export->path, err) != 0)
		return -1;
	export->fd = export->line->file.fd;
	return 0;
}

static int commit_mbox(struct export *export, struct err *err)
{
	char *folder = file_folder_of(export->path);
	int result = partfile_commit(&export->line->file, err);

	if (result == 0)
		result = file_sync_folder(folder, err);
	free(folder);
	return result;
}

/* Standard output gets what there is. */
static int end_mbox(struct export *export, struct err *err)
{
	struct partfile *file = &export->line->file;
	int result = 0;

	if (export->fd >= 0 && (file->fd < 0 || !export->line->is_cut))
		result = flush(export, err);
	if (file->fd < 0)
		file_close(&export->fd);
	else if (export->line->is_cut || result != 0)
		partfile_abort(file);
	else
		result = commit_mbox(export, err);
	export->fd = -1;
	return result;
}

int export_end(struct export *export, struct err *err)
{
	int result = end_mbox(export, err);

	buf_release(&export->line->out);
	free(export->line);
	export->line = NULL;
	return result;
}

void export_abort(struct export *export)
{
	export->line->is_cut = true;
	(void)export_end(export, NULL);
}

/* ---- .eml ---- */

/* No more than that many bytes, and no half characters. */
static void cut_name(struct buf *out, size_t start)
{
	size_t n = start + NAME_BYTES;

	if (out->n <= n)
		return;
	while (n > start && ((unsigned char)out->p[n] & 0xc0) == 0x80)
		n--;
	buf_cut(out, n);
}

/* One level of a path: nothing that a file system could take for anything but a name. */
static void put_safe(struct buf *out, struct bytes name)
{
	size_t i, start = out->n;

	utf8_print(out, name, 60);
	cut_name(out, start);
	for (i = start; i < out->n; i++)
		if (strchr("/\\:*?\"<>|", out->p[i]))
			out->p[i] = '_';
	if (out->n == start || out->p[start] == '.')
		buf_char(out, '_');
	if (out->n > start && out->p[start] == '.')
		out->p[start] = '_';
	while (out->n > start + 1 && (out->p[out->n - 1] == '.' || out->p[out->n - 1] == ' '))
		buf_cut(out, out->n - 1);
}

static char *folder_path(const struct export *export, const struct catalog_folder *folder)
{
	struct bytes rest = folder->shown;
	struct buf path;

	buf_init(&path, 1 << 16);
	buf_format(&path, "%s/", export->path);
	put_safe(&path, folder->account);
	while (rest.n > 0) {
		const char *slash = memchr(rest.p, '/', rest.n);
		size_t n = slash ? (size_t)(slash - rest.p) : rest.n;

		buf_char(&path, '/');
		put_safe(&path, (struct bytes){rest.p, n});
		rest = bytes_from(rest, n + 1);
	}
	return buf_take(&path);
}

static char *eml_path(
    const char *folder, const struct catalog_place *place, const struct catalog_message *message)
{
	char date[CLOCK_ISO_BYTES], hex[SHA256_HEX_BYTES];
	struct buf path, subject;

	clock_iso(place->date_unix, date);
	sha256_hex(&message->id.sum, hex);
	buf_init(&path, 1 << 16);
	buf_init(&subject, 1 << 20);
	mimehead_decode(&subject, message->subject);
	buf_format(&path, "%s/%.10s-%u-", folder, date, place->uid);
	put_safe(&path, buf_view(&subject));
	buf_format(&path, "-%.10s.eml", hex);
	buf_release(&subject);
	return buf_take(&path);
}

struct writer {
	int fd;
	const char *path;
};

static int write_piece(void *arg, const void *data, size_t bytes, struct err *err)
{
	struct writer *writer = arg;

	return file_write(writer->fd, data, bytes, writer->path, err);
}

static int write_eml(struct export *export, const char *path, const struct msg_id *id,
    int64_t date_unix, struct err *err)
{
	struct timespec times[2] = {{.tv_sec = (time_t)date_unix}, {.tv_sec = (time_t)date_unix}};
	struct writer writer = {.path = path};
	struct partfile file;

	if (partfile_begin(&file, path, err) != 0)
		return -1;
	writer.fd = file.fd;
	if (vault_get(export->app->vault, id, write_piece, &writer, err) != 0) {
		partfile_abort(&file);
		return -1;
	}
	(void)futimens(file.fd, times);
	return partfile_commit(&file, err);
}

/* A file that has the name. */
struct reader {
	int fd;
	uint64_t at;
	const char *path;
};

static int is_another(const char *path, struct err *err)
{
	return err_set(err, ERR_USAGE, "%s exists already, and is not this message", path);
}

static int compare_piece(void *arg, const void *data, size_t bytes, struct err *err)
{
	struct reader *reader = arg;
	const char *p = data;
	char piece[4096];

	while (bytes > 0) {
		size_t n = bytes < sizeof piece ? bytes : sizeof piece;
		ssize_t got = file_read_at(reader->fd, piece, n, reader->at, reader->path, err);

		if (got < 0)
			return -1;
		if ((size_t)got != n || memcmp(piece, p, n) != 0)
			return is_another(reader->path, err);
		reader->at += n;
		p += n;
		bytes -= n;
	}
	return 0;
}

/* 1 an earlier export has written it: exactly these bytes; 0 nothing has that name; -1. */
static int is_written(
    struct export *export, const char *path, const struct catalog_message *message, struct err *err)
{
	struct reader reader = {.path = path};
	struct msg_id id = message->id;
	struct stat st;
	int result = -1;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : err_os(err, errno, "cannot examine %s", path);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != message->size_bytes)
		return is_another(path, err);
	reader.fd = file_open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, err);
	if (reader.fd >= 0 && vault_get(export->app->vault, &id, compare_piece, &reader, err) == 0)
		result = 1;
	file_close(&reader.fd);
	return result;
}

static int export_eml(struct export *export, const struct catalog_place *place,
    const struct catalog_message *message, const struct catalog_folder *folder, struct err *err)
{
	char *under = folder_path(export, folder), *path = eml_path(under, place, message);
	struct msg_id id = message->id;
	int result = file_make_folders(under, 0700, err);

	if (result == 0)
		result = is_written(export, path, message, err);
	if (result == 0)
		result = write_eml(export, path, &id, place->date_unix, err);
	free(under);
	free(path);
	return result < 0 ? -1 : 0;
}

/* ---- mboxrd ---- */

static int put_char(struct export *export, char c, struct err *err)
{
	buf_char(&export->line->out, c);
	return export->line->out.n >= OUT_BYTES ? flush(export, err) : 0;
}

static int put_text(struct export *export, const char *text, size_t bytes, struct err *err)
{
	size_t i;

	for (i = 0; i < bytes; i++)
		if (put_char(export, text[i], err) != 0)
			return -1;
	return 0;
}

/* The start of a line is known: quote it, if it is any number of ">" and "From ". */
static int decide_start(struct export *export, bool is_from, struct err *err)
{
	struct export_line *line = export->line;
	size_t i;

	if (is_from && put_char(export, '>', err) != 0)
		return -1;
	for (i = 0; i < line->quotes; i++)
		if (put_char(export, '>', err) != 0)
			return -1;
	line->is_inside = true;
	line->quotes = 0;
	i = line->begun_bytes;
	line->begun_bytes = 0;
	return put_text(export, line->begun, i, err);
}

static int take_start(struct export *export, char c, struct err *err)
{
	static const char from[] = "From ";
	struct export_line *line = export->line;

	if (c == '>' && line->begun_bytes == 0) {
		line->quotes++;
		return 0;
	}
	if (c == from[line->begun_bytes]) {
		line->begun[line->begun_bytes++] = c;
		return line->begun_bytes == sizeof from - 1 ? decide_start(export, true, err) : 0;
	}
	if (decide_start(export, false, err) != 0)
		return -1;
	return put_char(export, c, err);
}

static int end_line(struct export *export, struct err *err)
{
	struct export_line *line = export->line;

	if (!line->is_inside && decide_start(export, false, err) != 0)
		return -1;
	line->is_inside = false;
	return put_char(export, '\n', err);
}

static int take_char(struct export *export, char c, struct err *err)
{
	struct export_line *line = export->line;
	bool had_cr = line->has_cr;

	line->has_cr = false;
	if (c == '\n')
		return end_line(export, err);
	if (had_cr &&
	    (line->is_inside ? put_char(export, '\r', err) : take_start(export, '\r', err)) != 0)
		return -1;
	if (c == '\r') {
		line->has_cr = true;
		return 0;
	}
	return line->is_inside ? put_char(export, c, err) : take_start(export, c, err);
}

static int take_mbox(void *arg, const void *data, size_t bytes, struct err *err)
{
	const char *p = data;
	size_t i;

	for (i = 0; i < bytes; i++)
		if (take_char(arg, p[i], err) != 0)
			return -1;
	return 0;
}

static int put_from_line(struct export *export, int64_t date_unix, struct err *err)
{
	time_t seconds = (time_t)date_unix;
	char text[80];
	struct tm t;
	size_t n = 0;

	if (gmtime_r(&seconds, &t))
		n = strftime(
		    text, sizeof text, "From mailcask@localhost %a %b %e %H:%M:%S %Y\n", &t);
	return put_text(export, text, n, err);
}

static int export_mbox(struct export *export, const struct catalog_place *place,
    const struct catalog_message *message, struct err *err)
{
	struct export_line *line = export->line;
	struct msg_id id = message->id;

	line->is_inside = line->has_cr = false;
	line->begun_bytes = line->quotes = 0;
	if (vault_prove(export->app->vault, &id, err) != 0)
		return -1; /* before a line of it stands in the file */
	line->is_in_message = true;
	if (put_from_line(export, place->date_unix, err) != 0 ||
	    vault_get(export->app->vault, &id, take_mbox, export, err) != 0)
		return -1;
	if (line->has_cr && put_char(export, '\r', err) != 0)
		return -1;
	/* A last line without its end gets one; then the empty line between messages. */
	if ((line->is_inside || line->begun_bytes || line->quotes) && end_line(export, err) != 0)
		return -1;
	line->is_in_message = false;
	return put_char(export, '\n', err);
}

/* ---- one place ---- */

int export_place(struct export *export, int64_t place_number, struct err *err)
{
	struct catalog *catalog = vault_catalog(export->app->vault);
	struct catalog_place place;
	struct catalog_message message;
	struct catalog_folder folder;
	struct err why = {0};
	int result;

	if (catalog_place(catalog, place_number, &place, err) != 1 ||
	    catalog_message_n(catalog, place.message_n, &message, err) != 1 ||
	    catalog_folder_number(catalog, place.folder_number, &folder, err) != 1)
		return -1;
	result = export->format == EXPORT_EML ? export_eml(export, &place, &message, &folder, &why)
					      : export_mbox(export, &place, &message, &why);
	if (result == 0) {
		export->written++;
		export->bytes += message.size_bytes;
		return 0;
	}
	if ((why.code != ERR_DAMAGED && why.code != ERR_ABSENT) || export->line->is_in_message) {
		export->line->is_cut = true;
		*err = why;
		return -1;
	}
	export->failed++;
	app_problem(export->app, "%s", why.text);
	return 0;
}
