/* Knows: mailcask status. Asks no server. */
#include "app/bar.h"
#include "app/command.h"
#include "app/mirror.h"
#include "app/output.h"

#include <inttypes.h>
#include <string.h>

struct last {
	struct bytes account;
	int64_t time_unix;
	uint64_t messages;
	bool found;
	char reason[200];
};

static int take_last(void *arg, const struct catalog_sync *sync, struct err *err)
{
	struct last *last = arg;
	size_t n = sync->reason.n < sizeof last->reason ? sync->reason.n : sizeof last->reason - 1;

	(void)err;
	if (last->found || !bytes_equal(sync->account, last->account))
		return 0;
	last->found = true;
	last->time_unix = sync->time_unix;
	last->messages = sync->messages;
	if (n > 0)
		memcpy(last->reason, sync->reason.p, n);
	last->reason[n] = '\0';
	return 0;
}

static void print_account_json(
    const char *name, const struct catalog_account_totals *totals, const struct last *last)
{
	struct jsonout json;
	struct buf line;

	buf_init(&line, 1 << 20);
	jsonout_start(&json, &line);
	jsonout_object(&json, NULL);
	jsonout_text(&json, "account", bytes_of(name));
	jsonout_u64(&json, "folders", totals->folders);
	jsonout_u64(&json, "messages", totals->present);
	jsonout_u64(&json, "bytes", totals->present_bytes);
	jsonout_u64(&json, "purged", totals->purged);
	jsonout_u64(&json, "purged_bytes", totals->purged_bytes);
	jsonout_u64(&json, "skipped", totals->skipped);
	if (last->found)
		jsonout_time(&json, "last_news", last->time_unix);
	if (last->reason[0])
		jsonout_text(&json, "error", bytes_of(last->reason));
	jsonout_end(&json);
	output_json_line(&line);
	buf_release(&line);
}

static void print_account_text(
    const char *name, const struct catalog_account_totals *totals, const struct last *last)
{
	char a[OUTPUT_NUMBER_BYTES], size[BAR_SIZE_BYTES], time[CLOCK_ISO_BYTES];

	bar_size(totals->present_bytes, size);
	if (totals->folders == 0 && !last->found) {
		printf("%s\n  not synced yet: mailcask sync %s\n", name, name);
		return;
	}
	printf("%s\n  on the server  %s %s (%s)", name, output_number(totals->present, a),
	    output_plural(totals->present, "message", "messages"), size);
	printf(" in %s %s\n", output_number(totals->folders, a),
	    output_plural(totals->folders, "folder", "folders"));
	bar_size(totals->purged_bytes, size);
	if (totals->purged)
		printf("  freed there    %s %s (%s)\n", output_number(totals->purged, a),
		    output_plural(totals->purged, "message", "messages"), size);
	if (totals->skipped)
		printf("  not archived   %s %s: see mailcask audit\n",
		    output_number(totals->skipped, a),
		    output_plural(totals->skipped, "message", "messages"));
	if (last->found) {
		clock_local(last->time_unix, time);
		printf("  last news      %s, %s %s\n", time, output_number(last->messages, a),
		    output_plural(last->messages, "message", "messages"));
	}
	if (last->reason[0])
		printf("  ended early    %s\n", last->reason);
}

static int show_account(struct app *app, const char *name, struct err *err)
{
	struct catalog *catalog = vault_catalog(app->vault);
	struct last last = {.account = bytes_of(name)};
	struct catalog_account_totals totals;

	if (catalog_account_totals(catalog, bytes_of(name), &totals, err) != 0 ||
	    catalog_each_sync(catalog, 1000, take_last, &last, err) != 0)
		return -1;
	if (app->json)
		print_account_json(name, &totals, &last);
	else
		print_account_text(name, &totals, &last);
	return 0;
}

struct mirror {
	const char *path; /* NULL: none */
	struct replica_note note;
	bool is_noted; /* it was complete before */
	bool is_there;
	uint64_t behind; /* batches */
};

static int find_mirror(struct app *app, struct mirror *mirror, struct err *err)
{
	struct replica_options options;
	int got;

	memset(mirror, 0, sizeof *mirror);
	if (!mirror_options(app, &options))
		return 0;
	got = replica_note_read(options.archive, &mirror->note, err);
	mirror->path = options.path;
	mirror->is_noted =
	    got == 1 && mirror->note.time_unix != 0 && strcmp(mirror->note.path, options.path) == 0;
	mirror->is_there = replica_is_there(options.path);
	mirror->behind = options.end.batch;
	if (mirror->is_noted)
		mirror->behind -=
		    mirror->note.batch < mirror->behind ? mirror->note.batch : mirror->behind;
	return got < 0 ? -1 : 0;
}

static void print_mirror_text(const struct mirror *mirror)
{
	char number[OUTPUT_NUMBER_BYTES], time[CLOCK_ISO_BYTES];

	if (!mirror->path)
		return;
	printf("  mirror         %s, ", mirror->path);
	if (mirror->is_noted) {
		clock_local(mirror->note.time_unix, time);
		printf("complete %s", time);
	} else {
		printf("not complete yet");
	}
	if (mirror->behind > 0)
		printf(", behind by %s %s", output_number(mirror->behind, number),
		    output_plural(mirror->behind, "batch", "batches"));
	printf("%s\n", mirror->is_there ? "" : "; it is NOT THERE now");
}

static void print_archive_json(const struct catalog_totals *totals, uint32_t segments,
    const uint64_t bytes[3], const struct mirror *mirror)
{
	struct jsonout json;
	struct buf line;

	buf_init(&line, 1 << 20);
	jsonout_start(&json, &line);
	jsonout_object(&json, NULL);
	jsonout_u64(&json, "messages", totals->messages);
	jsonout_u64(&json, "bytes", totals->size_bytes);
	jsonout_u64(&json, "segments", segments);
	jsonout_u64(&json, "segment_bytes", bytes[0]);
	jsonout_u64(&json, "catalog_bytes", bytes[1]);
	jsonout_u64(&json, "index_bytes", bytes[2]);
	if (mirror->path) {
		jsonout_text(&json, "mirror", bytes_of(mirror->path));
		jsonout_bool(&json, "mirror_reached", mirror->is_there);
		jsonout_u64(&json, "mirror_behind", mirror->behind);
	}
	if (mirror->is_noted)
		jsonout_time(&json, "mirrored", mirror->note.time_unix);
	jsonout_end(&json);
	output_json_line(&line);
	buf_release(&line);
}

static int show_archive(struct app *app, struct err *err)
{
	struct catalog_totals totals;
	uint64_t segment_bytes, catalog_bytes, index_bytes;
	uint32_t segments;
	struct mirror mirror;
	char a[OUTPUT_NUMBER_BYTES], raw[BAR_SIZE_BYTES], stored[BAR_SIZE_BYTES],
	    index[BAR_SIZE_BYTES], catalog[BAR_SIZE_BYTES];

	if (catalog_totals(vault_catalog(app->vault), &totals, err) != 0 ||
	    vault_size(app->vault, &segment_bytes, &segments, &catalog_bytes, &index_bytes, err) !=
		0 ||
	    find_mirror(app, &mirror, err) != 0)
		return -1;
	if (app->json) {
		print_archive_json(&totals, segments,
		    (uint64_t[]){segment_bytes, catalog_bytes, index_bytes}, &mirror);
		return 0;
	}
	bar_size(totals.size_bytes, raw);
	bar_size(segment_bytes, stored);
	bar_size(catalog_bytes, catalog);
	bar_size(index_bytes, index);
	printf("archive\n  messages       %s (%s)\n", output_number(totals.messages, a), raw);
	printf("  on the disk    %s in %u %s", stored, segments,
	    output_plural(segments, "segment", "segments"));
	if (totals.size_bytes > 0)
		printf(", %.1f %% of the mail",
		    100.0 * (double)segment_bytes / (double)totals.size_bytes);
	printf("\n  databases      catalogue %s, search index %s\n", catalog, index);
	print_mirror_text(&mirror);
	return 0;
}

static int run(struct app *app, const struct arguments *arguments)
{
	struct err err = {0};
	size_t i;

	(void)arguments;
	if (app_need_settings(app, &err) != 0 || app_open_vault(app, false, &err) != 0)
		return app_fail(app, &err);
	for (i = 0; i < app->settings->account_count; i++)
		if (show_account(app, app->settings->account[i].name, &err) != 0)
			return app_fail(app, &err);
	if (show_archive(app, &err) != 0)
		return app_fail(app, &err);
	return EXIT_DONE;
}

const struct command cmd_status = {
    .name = "status",
    .summary = "Show accounts and archive: how much, how small, when last",
    .example = "mailcask status",
    .run = run,
};
