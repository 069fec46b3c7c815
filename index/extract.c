/* Owns:  the text of one message.
 * Knows: which part of a message goes into which column.
 * Never: fails on what a message contains. */
#include "index/extract.h"

#include "index/html.h"
#include "index/vocabulary.h"

#include "archiver/mime/mimewalk.h"

#include "base/spool.h"

#include <string.h>

#define MEMORY_BYTES (8u << 20)   /* larger messages are parsed from a file */
#define FEW_BYTES    (512u << 10) /* of text: its words need not be counted */
#define KEPT_BYTES   (256u << 10) /* of each column, for the next message */

void extract_init(struct extract *extract)
{
	int i;

	memset(extract, 0, sizeof *extract);
	for (i = 0; i < EXTRACT_COLUMNS; i++)
		buf_init(&extract->column[i], EXTRACT_COLUMN_BYTES);
	buf_init(&extract->part, EXTRACT_COLUMN_BYTES);
}

void extract_release(struct extract *extract)
{
	int i;

	for (i = 0; i < EXTRACT_COLUMNS; i++)
		buf_release(&extract->column[i]);
	buf_release(&extract->part);
}

void extract_trim(struct extract *extract)
{
	int i;

	for (i = 0; i < EXTRACT_COLUMNS; i++)
		if (extract->column[i].room > KEPT_BYTES)
			buf_release(&extract->column[i]);
	if (extract->part.room > KEPT_BYTES)
		buf_release(&extract->part);
}

static void clear(struct extract *extract)
{
	int i;

	for (i = 0; i < EXTRACT_COLUMNS; i++)
		buf_clear(&extract->column[i]);
	buf_clear(&extract->part);
	extract->attachments = 0;
	extract->is_cut = false;
	extract->part_column = -1;
}

/* As much of text as fits, in whole characters. */
static struct bytes fit(struct extract *extract, struct bytes text, size_t room)
{
	if (text.n <= room)
		return text;
	extract->is_cut = true;
	while (room > 0 && ((unsigned char)text.p[room] & 0xc0) == 0x80)
		room--;
	return (struct bytes){text.p, room};
}

/* Another piece of text for a column, on a line of its own. */
static void add_text(struct extract *extract, enum extract_column column, struct bytes text)
{
	struct buf *to = &extract->column[column];

	if (to->n > 0 && to->n < to->max_bytes)
		buf_char(to, '\n');
	buf_bytes(to, fit(extract, text, to->max_bytes - to->n));
}

static int take_header(
    void *arg, enum mimewalk_field field, struct bytes text, bool enclosed, struct err *err)
{
	static const enum extract_column column[] = {
	    [MIMEWALK_SUBJECT] = EXTRACT_SUBJECT,
	    [MIMEWALK_FROM] = EXTRACT_FROM,
	    [MIMEWALK_TO] = EXTRACT_TO,
	    [MIMEWALK_CC] = EXTRACT_CC,
	    [MIMEWALK_LIST] = EXTRACT_LIST,
	};

	(void)err;
	/* Who wrote a message that is merely enclosed is part of the text. */
	add_text(arg, enclosed ? EXTRACT_ATTACHMENT : column[field], text);
	return 0;
}

static int begin_part(
    void *arg, const struct mimewalk_part *part, enum mimewalk_want *want, struct err *err)
{
	struct extract *extract = arg;
	struct bytes type = bytes_of(part->type);

	(void)err;
	if (part->name.n > 0)
		add_text(extract, EXTRACT_FILENAME, part->name);
	extract->attachments += part->is_attachment && !part->is_inline_image;
	extract->part_column = -1;
	if (!bytes_starts(type, "text/") && !part->is_shown)
		return 0;
	extract->part_column = part->is_shown ? EXTRACT_BODY : EXTRACT_ATTACHMENT;
	extract->part_is_named = part->is_shown && part->is_attachment && part->name.n > 0;
	extract->part_is_html = bytes_is(type, "text/html");
	buf_clear(&extract->part);
	*want = MIMEWALK_TEXT;
	return 0;
}

/* Its text comes with its parts. */
static int count_message(
    void *arg, const struct mimewalk_part *part, enum mimewalk_want *want, struct err *err)
{
	struct extract *extract = arg;

	(void)want, (void)err;
	if (part->name.n > 0)
		add_text(extract, EXTRACT_FILENAME, part->name);
	extract->attachments++;
	return 0;
}

static int take_piece(void *arg, struct bytes piece, struct err *err)
{
	struct extract *extract = arg;

	(void)err;
	buf_bytes(&extract->part, fit(extract, piece, extract->part.max_bytes - extract->part.n));
	return 0;
}

static void add_part(struct extract *extract, struct bytes text)
{
	add_text(extract, (enum extract_column)extract->part_column, text);
	if (extract->part_is_named)
		add_text(extract, EXTRACT_ATTACHMENT, text);
}

static int end_part(void *arg, struct err *err)
{
	struct extract *extract = arg;
	struct buf text;

	(void)err;
	if (extract->part_column < 0)
		return 0;
	if (!extract->part_is_html) {
		add_part(extract, buf_view(&extract->part));
		return 0;
	}
	buf_init(&text, EXTRACT_COLUMN_BYTES);
	html_text(&text, buf_view(&extract->part));
	extract->is_cut |= text.overflow;
	add_part(extract, buf_view(&text));
	buf_release(&text);
	return 0;
}

static int walk(struct extract *extract, struct spool *spool, struct err *err)
{
	struct mimewalk_source source = {.fd = -1};
	struct mimewalk_limits limits = {.text_bytes = EXTRACT_COLUMN_BYTES};
	struct mimewalk_visitor visitor = {.arg = extract,
	    .header = take_header,
	    .part = begin_part,
	    .message = count_message,
	    .data = take_piece,
	    .end = end_part};

	if (!spool_in_memory(spool, &source.memory) && spool_to_file(spool, &source.fd, err) != 0)
		return -1;
	if (mimewalk(&source, &limits, &visitor, err) != 0)
		return -1;
	extract->is_cut |= visitor.truncated;
	return 0;
}

/* Words beyond what the index can hold at once are left out, the last columns first. */
static void limit_words(struct extract *extract)
{
	struct vocabulary vocabulary;
	size_t bytes = 0, fits;
	int i;

	for (i = 0; i < EXTRACT_COLUMNS; i++)
		bytes += extract->column[i].n;
	if (bytes <= FEW_BYTES)
		return;
	vocabulary_init(&vocabulary);
	for (i = 0; i < EXTRACT_COLUMNS; i++) {
		fits = vocabulary_take(&vocabulary, buf_view(&extract->column[i]));
		extract->is_cut |= fits < extract->column[i].n;
		buf_cut(&extract->column[i], fits);
	}
	vocabulary_release(&vocabulary);
}

int extract_message(
    struct extract *extract, struct vault *vault, const struct msg_id *id, struct err *err)
{
	struct spool spool;
	int result = -1;

	clear(extract);
	spool_init(&spool, MEMORY_BYTES, vault_temporary_folder(vault));
	if (vault_get(vault, id, spool_add_fn, &spool, err) == 0)
		result = walk(extract, &spool, err);
	spool_release(&spool);
	if (result == 0)
		limit_words(extract);
	return result;
}
