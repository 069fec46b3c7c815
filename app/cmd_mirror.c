/* Knows: mailcask mirror. */
#include "app/bar.h"
#include "app/command.h"
#include "app/mirror.h"
#include "app/output.h"

#include <inttypes.h>

static void print(const struct app *app, const struct replica_options *options,
    const struct replica_report *report)
{
	struct jsonout json;
	struct buf line;
	char a[OUTPUT_NUMBER_BYTES], size[BAR_SIZE_BYTES];

	if (app->json) {
		buf_init(&line, 1 << 20);
		jsonout_start(&json, &line);
		jsonout_object(&json, NULL);
		jsonout_text(&json, "mirror", bytes_of(options->path));
		jsonout_u64(&json, "segments", report->files_copied);
		jsonout_u64(&json, "mended", report->files_mended);
		jsonout_u64(&json, "bytes", report->bytes_copied);
		jsonout_end(&json);
		output_json_line(&line);
		buf_release(&line);
		return;
	}
	if (app->quiet)
		return;
	bar_size(report->bytes_copied, size);
	if (report->files_copied == 0)
		printf("mirror: %s has all that is committed\n", options->path);
	else
		printf("mirror: %s of %s %s copied to %s and verified\n", size,
		    output_number(report->files_copied, a),
		    output_plural(report->files_copied, "segment", "segments"), options->path);
}

static int run(struct app *app, const struct arguments *arguments)
{
	struct replica_options options;
	struct replica_report report;
	struct err err = {0};

	if (app_need_settings(app, &err) != 0 || app_open_vault(app, true, &err) != 0)
		return app_fail(app, &err);
	if (!mirror_options(app, &options)) {
		err_set(&err, ERR_USAGE, MIRROR_NONE);
		return app_fail(app, &err);
	}
	options.may_fill = argument(&cmd_mirror, arguments, "new") != NULL;
	options.compare = argument(&cmd_mirror, arguments, "compare") != NULL;
	if (mirror_update(app, &options, &report, &err) != 0)
		return app_fail(app, &err);
	print(app, &options, &report);
	if (report.files_damaged == 0)
		return EXIT_DONE;
	err_set(&err, ERR_DAMAGED,
	    "%" PRIu64 " of the segments that were copied %s damaged in the archive: run mailcask "
	    "verify",
	    report.files_damaged, output_plural(report.files_damaged, "is", "are"));
	return app_fail(app, &err);
}

const struct command cmd_mirror = {
    .name = "mirror",
    .summary = "Bring the second copy of the archive up to date",
    .details = "The settings say where it is: [archive] mirror = PATH. Every sync, purge and\n"
	       "hold does this at its end. Only what the archive has got since is copied, then\n"
	       "read back from the disk and compared. What the mirror has and the archive lacks\n"
	       "is never overwritten. An empty folder where a mirror was is not filled without\n"
	       "--new: its disk may not be mounted.",
    .example = "mailcask mirror --compare",
    .option = {{"new", 0, NULL, "make a new mirror in an empty folder"},
	{"compare", 0, NULL, "compare every byte, and mend what is damaged"}},
    .run = run,
};
