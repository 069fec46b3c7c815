/* Owns:  nothing; reads the caller's text.
 * Knows: the only file that names inih. It is asked to read lines from us (take_line), so the
 *        number of the line being read is ours, and headers, which it would cut at 49 bytes and
 *        keep to itself when no key follows, are handed on before it sees them. */
#include "config/reader.h"

#include "base/utf8.h"

#include <ini.h>
#include <limits.h>
#include <string.h>

struct reader {
	struct bytes rest;
	const char *path;
	int line;
	const struct reader_calls *calls;
	void *arg;
	bool failed;
	struct err *err;
};

static int wrong(struct reader *reader, const char *what)
{
	return err_set(reader->err, ERR_CONFIG, "%s:%d: %s", reader->path, reader->line, what);
}

static int check_bytes(struct reader *reader, struct bytes line)
{
	if (line.n > READER_LINE_BYTES)
		return err_set(reader->err, ERR_CONFIG, "%s:%d: the line is longer than %d bytes",
		    reader->path, reader->line, READER_LINE_BYTES);
	for (size_t i = 0; i < line.n; i++)
		if (((unsigned char)line.p[i] < 0x20 && line.p[i] != '\t') || line.p[i] == 0x7f)
			return wrong(reader, "a control character stands in this line");
	return utf8_valid(line) ? 0 : wrong(reader, "this line is not UTF-8");
}

static int check_header(struct reader *reader, struct bytes line)
{
	const char *end = memchr(line.p, ']', line.n);
	size_t length = end ? (size_t)(end + 1 - line.p) : 0;

	if (!end)
		return wrong(reader, "a section needs a \"]\" at its end, for example [archive]");
	if (length < line.n)
		return wrong(reader,
		    "nothing may follow a section; comments stand on lines of "
		    "their own");
	return reader->calls->section(reader->arg, reader->line,
	    bytes_trim((struct bytes){line.p + 1, length - 2}), reader->err);
}

static int check_pair(struct reader *reader, struct bytes line)
{
	size_t key = 0;

	while (key < line.n && line.p[key] != '=' && line.p[key] != ':')
		key++;
	if (key == 0 || key == line.n || line.p[key] != '=')
		return wrong(reader, "expected \"key = value\", a [section] or a # comment");
	return 0;
}

/* Judge a line before inih sees it, so that it never finds anything to complain of. */
static int check_line(struct reader *reader, struct bytes line)
{
	struct bytes text = bytes_trim(line);

	if (check_bytes(reader, line) != 0)
		return -1;
	if (text.n == 0 || text.p[0] == '#' || text.p[0] == ';')
		return 0;
	if (text.p != line.p)
		return wrong(reader,
		    "this line is indented; keys and sections begin at the left "
		    "margin, and a value ends with its line");
	return text.p[0] == '[' ? check_header(reader, text) : check_pair(reader, text);
}

/* An ini_reader, as fgets: the next line into out; NULL at the end, and after an error. */
static char *take_line(char *out, int room, void *arg)
{
	struct reader *reader = arg;
	const char *end;
	struct bytes line;

	if (reader->failed || reader->rest.n == 0)
		return NULL;
	end = memchr(reader->rest.p, '\n', reader->rest.n);
	line =
	    (struct bytes){reader->rest.p, end ? (size_t)(end - reader->rest.p) : reader->rest.n};
	reader->rest = bytes_from(reader->rest, line.n + (end ? 1 : 0));
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	reader->line++;
	reader->failed = check_line(reader, line) != 0;
	if (reader->failed)
		return NULL;
	if (line.n + 2 > (size_t)room) {
		reader->failed = true;
		wrong(reader, "the line is too long");
		return NULL;
	}
	if (line.n > 0)
		memcpy(out, line.p, line.n);
	memcpy(out + line.n, "\n", 2);
	return out;
}

/* An ini_handler: returns 1 to go on. It is called before the next line is taken. */
static int take_pair(void *arg, const char *section, const char *key, const char *value)
{
	struct reader *reader = arg;

	(void)section;
	reader->failed =
	    reader->calls->pair(reader->arg, reader->line, key, value, reader->err) != 0;
	return !reader->failed;
}

/* Variables of the library, for the whole process: nobody else here reads INI files, and each
 * reading sets them to the same values. What else it may allow never gets past check_line. */
static void set_up_library(void)
{
	ini_allow_multiline = false;
	ini_allow_inline_comments = false;
	ini_max_line = READER_LINE_BYTES + 2;
}

static struct bytes without_byte_order_mark(struct bytes text)
{
	return bytes_starts(text, "\xef\xbb\xbf") ? bytes_from(text, 3) : text;
}

int reader_run(struct bytes text, const char *path, const struct reader_calls *calls, void *arg,
    struct err *err)
{
	struct reader reader = {
	    .rest = without_byte_order_mark(text),
	    .path = path,
	    .calls = calls,
	    .arg = arg,
	    .err = err,
	};
	int result;

	if (text.n > INT_MAX)
		return err_set(err, ERR_CONFIG, "%s: the file is too large", path);
	set_up_library();
	result = ini_parse_stream(take_line, &reader, take_pair, &reader);
	if (reader.failed)
		return -1;
	return result == 0 ? 0 : wrong(&reader, "this line cannot be understood");
}
