/* Knows: mailcask compact. */
#include "app/bar.h"
#include "app/command.h"
#include "app/output.h"

#include "archiver/store/store.h"

#include "base/buf.h"

#include <inttypes.h>
#include <stdio.h>

struct compact {
	struct app *app;
	struct bar bar;
	bool dry_run;
	uint64_t segments, before, after, mails, blobs;
	struct buf line;
};

static int show_progress(void *arg, uint64_t done, uint64_t all, struct err *err)
{
	struct compact *compact = arg;

	bar_show(&compact->bar, "compacting", done, all, 0);
	if (app_must_stop(compact->app))
		return err_set(err, ERR_STOPPED, "stopped");
	return 0;
}

static void print_json(struct compact *compact, const struct store_compacted *segment)
{
	struct jsonout json;

	jsonout_start(&json, &compact->line);
	jsonout_object(&json, NULL);
	jsonout_u64(&json, "segment", segment->segment.number);
	jsonout_u64(&json, "messages_dropped", segment->mails);
	jsonout_u64(&json, "blobs_dropped", segment->blobs);
	jsonout_u64(&json, "bytes_before", segment->bytes_before);
	if (!compact->dry_run)
		jsonout_u64(&json, "bytes", segment->bytes_after);
	jsonout_end(&json);
	output_json_line(&compact->line);
}

static void take_segment(void *arg, bool is_new, const struct store_compacted *segment)
{
	struct compact *compact = arg;
	char before[BAR_SIZE_BYTES], after[BAR_SIZE_BYTES];

	if (!is_new)
		return;
	compact->segments++;
	compact->before += segment->bytes_before;
	compact->after += segment->bytes_after;
	compact->mails += segment->mails;
	compact->blobs += segment->blobs;
	bar_clear();
	if (compact->app->json)
		print_json(compact, segment);
	else if (!compact->app->quiet && !compact->dry_run) {
		bar_size(segment->bytes_before, before);
		bar_size(segment->bytes_after, after);
		printf("segment %u: %s, was %s\n", segment->segment.number, after, before);
		fflush(stdout);
	}
}

static void take_left(void *arg, uint32_t segment, const char *why)
{
	struct compact *compact = arg;

	bar_clear();
	app_problem(compact->app,
	    "segment %u stays as it is, for something is wrong in it (%s): run mailcask verify",
	    segment, why);
}

static void print_summary(struct compact *compact)
{
	char segments[OUTPUT_NUMBER_BYTES], mails[OUTPUT_NUMBER_BYTES], blobs[OUTPUT_NUMBER_BYTES],
	    size[BAR_SIZE_BYTES];

	bar_clear();
	if (compact->app->quiet || compact->app->json)
		return;
	if (compact->segments == 0) {
		printf("nothing to compact\n");
		return;
	}
	bar_size(compact->before > compact->after ? compact->before - compact->after : 0, size);
	printf("%s %s %s", output_number(compact->segments, segments),
	    output_plural(compact->segments, "segment", "segments"),
	    compact->dry_run ? "would be written anew" : "written anew");
	if (!compact->dry_run)
		printf(", %s gained", size);
	if (compact->mails + compact->blobs > 0)
		printf("; without %s %s and %s %s", output_number(compact->mails, mails),
		    output_plural(compact->mails, "message", "messages"),
		    output_number(compact->blobs, blobs),
		    output_plural(compact->blobs, "attachment", "attachments"));
	printf("\n");
}

/* The words of what is expired go with it: also of what an earlier compact, which was stopped,
 * took out of the segments. */
static int forget_words(struct app *app, struct err *err)
{
	struct err why = {0};
	int holds = 1;

	if (app_open_index(app, false, &why) != 0 && why.code == ERR_ABSENT)
		return 0;
	if (app->index)
		holds = index_holds_expired(app->index, err);
	if (holds <= 0)
		return holds;
	return app_rebuild_index(app, err);
}

static int compact_all(struct compact *compact, bool best, struct err *err)
{
	struct app *app = compact->app;
	struct vault_compact how = {.best = best,
	    .dry_run = compact->dry_run,
	    .progress = show_progress,
	    .done = take_segment,
	    .left = take_left,
	    .arg = compact};
	int result = vault_compact(app->vault, &how, err);

	print_summary(compact);
	/* Nothing is committed, but files are others now. */
	app->must_mirror |= compact->segments > 0 && !compact->dry_run;
	if (result < 0)
		return -1;
	return compact->dry_run ? 0 : forget_words(app, err);
}

static int run(struct app *app, const struct arguments *arguments)
{
	struct compact compact = {.app = app,
	    .bar = {.app = app, .unit = BAR_BYTES},
	    .dry_run = argument(&cmd_compact, arguments, "dry-run") != NULL};
	bool best = argument(&cmd_compact, arguments, "best") != NULL;
	struct err err = {0};
	int status = EXIT_DONE;

	buf_init(&compact.line, 1 << 16);
	if (app_open_vault(app, true, &err) != 0 || compact_all(&compact, best, &err) != 0)
		status = app_fail(app, &err);
	buf_release(&compact.line);
	return status;
}

const struct command cmd_compact = {
    .name = "compact",
    .summary = "Write segments anew, smaller",
    .details = "Leaves out messages that are expired, and copies that were stored again. With\n"
	       "--best everything is packed as small as zstd can: slow (a few MB a second), with\n"
	       "150 MB of memory for each processor, at most four. Before the first thing is\n"
	       "dropped the catalogue is compared with the journal. Each segment is exchanged by\n"
	       "itself, read back before the old one goes: stop it at any time, and go on later.",
    .example = "mailcask compact --best",
    .option = {{"best", 0, NULL, "pack as small as zstd can (level 19)"},
	{"dry-run", 0, NULL, "only say what would be done"}},
    .run = run,
};
