/* Knows: mailcask attachments.
 * Never: lets a name from a message leave the folder that was given, or replace a file. */
#include "app/command.h"
#include "app/output.h"

#include "archiver/mime/mimewalk.h"

#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES  (1u << 20)
#define SPOOL_BYTES (8u << 20)

struct saver {
	struct app *app;
	const char *folder; /* NULL: only list */
	struct buf line;
	char *path;
	int fd;
	unsigned number;
	uint64_t bytes, found;
	char *name, *type;
};

/* A name that is only a name on every file system. */
static char *safe_name(struct bytes name, unsigned number, const char *ending)
{
	char *out;
	size_t i;

	if (name.n == 0 || name.n > 200)
		return mem_format("part-%u%s", number, ending);
	out = bytes_string(name);
	for (i = 0; out[i]; i++)
		if ((unsigned char)out[i] < 0x20 || strchr("/\\:*?\"<>|", out[i]))
			out[i] = '_';
	if (out[0] == '.')
		out[0] = '_';
	return out;
}

static int open_file(struct saver *saver, struct err *err)
{
	int copy;

	/* A name that is taken gets a number: nothing is replaced. */
	for (copy = 0; copy < 1000; copy++) {
		struct err why = {0};

		free(saver->path);
		saver->path = copy == 0 ? mem_format("%s/%s", saver->folder, saver->name)
					: mem_format("%s/%d-%s", saver->folder, copy, saver->name);
		saver->fd =
		    file_open(saver->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, &why);
		if (saver->fd >= 0)
			return 0;
		if (!file_exists(saver->path)) {
			*err = why;
			return -1;
		}
	}
	return err_set(err, ERR_IO, "too many files called %s", saver->name);
}

static int begin(struct saver *saver, const struct mimewalk_part *part, const char *ending,
    enum mimewalk_want *want, struct err *err)
{
	saver->number = part->number;
	saver->bytes = 0;
	saver->found++;
	free(saver->name);
	free(saver->type);
	saver->name = safe_name(part->name, part->number, ending);
	saver->type = mem_string(part->type);
	*want = MIMEWALK_BYTES;
	return saver->folder ? open_file(saver, err) : 0;
}

static int begin_part(
    void *arg, const struct mimewalk_part *part, enum mimewalk_want *want, struct err *err)
{
	struct saver *saver = arg;

	saver->number = 0;
	return part->is_attachment ? begin(saver, part, "", want, err) : 0;
}

static int begin_message(
    void *arg, const struct mimewalk_part *part, enum mimewalk_want *want, struct err *err)
{
	return begin(arg, part, ".eml", want, err);
}

static int take_data(void *arg, struct bytes piece, struct err *err)
{
	struct saver *saver = arg;

	saver->bytes += piece.n;
	if (saver->fd < 0)
		return 0;
	return file_write(saver->fd, piece.p, piece.n, saver->path, err);
}

static void print_part(struct saver *saver)
{
	struct jsonout json;
	char number[OUTPUT_NUMBER_BYTES];

	if (!saver->app->json) {
		printf("%3u %12s  ", saver->number, output_number(saver->bytes, number));
		output_cell(bytes_of(saver->type), 28);
		putchar(' ');
		output_text(bytes_of(saver->folder ? saver->path : saver->name));
		putchar('\n');
		return;
	}
	jsonout_start(&json, &saver->line);
	jsonout_object(&json, NULL);
	jsonout_u64(&json, "part", saver->number);
	jsonout_text(&json, "name", bytes_of(saver->name));
	jsonout_text(&json, "type", bytes_of(saver->type));
	jsonout_u64(&json, "size", saver->bytes);
	if (saver->folder)
		jsonout_text(&json, "path", bytes_of(saver->path));
	jsonout_end(&json);
	output_json_line(&saver->line);
}

static int end_part(void *arg, struct err *err)
{
	struct saver *saver = arg;
	int result = 0;

	if (saver->number == 0)
		return 0;
	if (saver->fd >= 0)
		result = file_sync(saver->fd, saver->path, err);
	file_close(&saver->fd);
	if (result == 0)
		print_part(saver);
	return result;
}

static int walk(struct saver *saver, const struct msg_id *id, struct err *err)
{
	struct mimewalk_source source = {.fd = -1};
	struct mimewalk_limits limits = {0};
	struct mimewalk_visitor visitor = {.arg = saver,
	    .part = begin_part,
	    .message = begin_message,
	    .data = take_data,
	    .end = end_part};
	struct spool spool;
	int result = -1;

	spool_init(&spool, SPOOL_BYTES, vault_temporary_folder(saver->app->vault));
	if (vault_get(saver->app->vault, id, spool_add_fn, &spool, err) == 0 &&
	    (spool_in_memory(&spool, &source.memory) ||
		spool_to_file(&spool, &source.fd, err) == 0))
		result = mimewalk(&source, &limits, &visitor, err);
	spool_release(&spool);
	return result;
}

static int run(struct app *app, const struct arguments *arguments)
{
	struct saver saver = {
	    .app = app, .folder = argument(&cmd_attachments, arguments, "save"), .fd = -1};
	struct catalog_message message;
	struct msg_id id;
	struct err err = {0};
	int status = EXIT_DONE;

	if (app_open_vault(app, false, &err) != 0 ||
	    app_message(app, arguments->operand[0], &message, &err) != 0)
		return app_fail(app, &err);
	id = message.id;
	buf_init(&saver.line, LINE_BYTES);
	if ((saver.folder && file_make_folders(saver.folder, 0700, &err) != 0) ||
	    walk(&saver, &id, &err) != 0)
		status = app_fail(app, &err);
	else if (saver.found == 0)
		app_note(app, "the message has no attachments");
	file_close(&saver.fd);
	free(saver.path);
	free(saver.name);
	free(saver.type);
	buf_release(&saver.line);
	return status;
}

const struct command cmd_attachments = {
    .name = "attachments",
    .operands = "ID",
    .summary = "List or save the attachments of a message",
    .details = "Names are made safe, and a file that exists is never replaced. An attached\n"
	       "message is listed too, and so are its own attachments.",
    .example = "mailcask attachments 3f6a1c09be --save invoices",
    .option = {{"save", 's', "DIR", "write them into this folder"}},
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
