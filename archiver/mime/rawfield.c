/* Owns:  nothing: views into the caller's header.
 * Knows: RFC 5322 2.2 (fields, folding) and how real mail departs from it.
 * Never: fails; reads a byte twice more than a line needs, however odd the header. */
#include "archiver/mime/rawfield.h"

#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
/* RFC 2047 section 2: an encoded word has at most 75 characters. */
#define ENCODED_WORD_BYTES 75

void rawfields_start(struct rawfields *fields, struct bytes header)
{
	if (bytes_starts(header, BYTE_ORDER_MARK))
		header = bytes_from(header, strlen(BYTE_ORDER_MARK));
	fields->rest = header;
	fields->line_end = header.n > 0 && !memchr(header.p, '\n', header.n) ? '\r' : '\n';
	fields->is_over = false;
}

static struct bytes take_line(struct rawfields *fields)
{
	struct bytes line = fields->rest;
	const char *end = memchr(line.p, fields->line_end, line.n);

	if (end)
		line.n = (size_t)(end - line.p);
	fields->rest = bytes_from(fields->rest, end ? line.n + 1 : line.n);
	while (fields->line_end == '\n' && line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_folded_next(const struct rawfields *fields)
{
	return fields->rest.n > 0 && is_blank(fields->rest.p[0]);
}

bool rawfield_split(struct bytes line, struct rawfield *out)
{
	size_t name_n = 0, colon;

	while (name_n < line.n && line.p[name_n] > ' ' && line.p[name_n] < 0x7f &&
	    line.p[name_n] != ':')
		name_n++;
	for (colon = name_n; colon < line.n && is_blank(line.p[colon]);)
		colon++;
	if (name_n == 0 || colon == line.n || line.p[colon] != ':')
		return false;
	out->name = (struct bytes){line.p, name_n};
	out->value = bytes_from(line, colon + 1);
	return true;
}

bool rawfields_next(struct rawfields *fields, struct rawfield *out)
{
	bool found = false;

	while (!found && !fields->is_over && fields->rest.n > 0) {
		struct bytes line = take_line(fields);

		if (line.n == 0)
			fields->is_over = true;
		else
			found = rawfield_split(line, out);
	}
	while (found && is_folded_next(fields)) {
		struct bytes line = take_line(fields);

		out->value.n = (size_t)(line.p + line.n - out->value.p);
	}
	return found;
}

/* Where to cut what is too long: at the last blank, if it is not too far away. */
static size_t cut_at(struct bytes text, size_t max_bytes)
{
	size_t n = max_bytes;

	while (n > 0 && max_bytes - n <= ENCODED_WORD_BYTES && !is_blank(text.p[n]))
		n--;
	return n > 0 && is_blank(text.p[n]) ? n : max_bytes;
}

/* The blanks that follow a line break stay; a lone CR becomes a blank itself. */
static void add_lines(struct buf *out, struct bytes value, size_t max_bytes)
{
	size_t start = out->n;

	while (value.n > 0 && out->n - start <= max_bytes) {
		size_t n = 0, room = max_bytes + 1 - (out->n - start);

		while (n < value.n && value.p[n] != '\r' && value.p[n] != '\n')
			n++;
		buf_add(out, value.p, n < room ? n : room);
		value = bytes_from(value, n);
		for (n = 0; n < value.n && (value.p[n] == '\r' || value.p[n] == '\n');)
			n++;
		value = bytes_from(value, n);
		if (n > 0 && value.n > 0 && !is_blank(value.p[0]))
			buf_char(out, ' ');
	}
}

bool rawfield_unfold(struct buf *out, struct bytes value, size_t max_bytes)
{
	size_t start = out->n;
	bool whole;

	add_lines(out, bytes_trim(value), max_bytes);
	whole = out->n - start <= max_bytes;
	if (!whole)
		buf_cut(
		    out, start + cut_at((struct bytes){out->p + start, out->n - start}, max_bytes));
	while (out->n > start && is_blank(out->p[out->n - 1]))
		buf_cut(out, out->n - 1);
	return whole;
}
