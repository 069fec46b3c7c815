/* Knows: mailcask verify. */
#include "app/bar.h"
#include "app/command.h"
#include "app/faults.h"
#include "app/mirror.h"
#include "app/output.h"

#include "base/clock.h"
#include "base/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
	FAULT_INDEX = VAULT_FAULT_KINDS, /* behind those of the archive */
	FAULT_KINDS
};

/* Names in JSON, and words. */
static const struct {
	const char *name, *one, *many;
} kind_of[] = {
    [VAULT_FAULT_SEGMENT] = {"segment", "in the segments", "in the segments"},
    [VAULT_FAULT_JOURNAL] = {"journal", "in the journal", "in the journal"},
    [VAULT_FAULT_MESSAGE] = {"message", "damaged message", "damaged messages"},
    [VAULT_FAULT_CATALOG] = {"catalog", "in catalog.db", "in catalog.db"},
    [FAULT_INDEX] = {"index", "in the search index", "in the search index"},
};

struct calls {
	struct app *app;
	struct bar bar;
	uint64_t fault[FAULT_KINDS];
	struct faults told; /* printed at the end, in order; not with --json */
	struct buf line;
	struct vault_verify_report report;
	unsigned percent;
	double seconds;
	struct vault *mirror; /* with --mirror: its segments, our catalogue */
	struct replica_standing standing;
	uint64_t not_there; /* messages behind the mirror's end */
};

static uint64_t all_faults(const struct calls *calls)
{
	uint64_t all = 0;
	size_t i;

	for (i = 0; i < FAULT_KINDS; i++)
		all += calls->fault[i];
	return all;
}

/* ---- faults ---- */

static void print_json_fault(struct calls *calls, size_t kind, const struct vault_fault *fault)
{
	char text[ERR_TEXT_BYTES + 64];
	struct jsonout json;

	jsonout_start(&json, &calls->line);
	jsonout_object(&json, NULL);
	if (fault->segment > 0 && !fault->message)
		snprintf(text, sizeof text, "segment %u, offset %" PRIu64 ": %s", fault->segment,
		    fault->at, fault->what);
	else
		snprintf(text, sizeof text, "%s", fault->what);
	jsonout_text(&json, "fault", bytes_of(text));
	jsonout_text(&json, "kind", bytes_of(kind_of[kind].name));
	if (fault->segment > 0) {
		jsonout_u64(&json, "segment", fault->segment);
		jsonout_u64(&json, "offset", fault->at);
	}
	if (fault->message)
		jsonout_hex(&json, "id", &fault->message->id.sum);
	jsonout_end(&json);
	output_json_line(&calls->line);
}

static void take(struct calls *calls, size_t kind, const struct vault_fault *fault)
{
	calls->fault[kind]++;
	if (calls->app->json)
		print_json_fault(calls, kind, fault);
	else if (fault->message)
		faults_add_message(&calls->told, fault->message->n);
	else
		faults_add(&calls->told, fault->segment, fault->what);
}

/* A mirror that is behind cannot have what stands behind its end. */
static bool is_behind_mirror(const struct calls *calls, const struct catalog_message *message)
{
	const struct batch_position *end = &calls->standing.end;

	return calls->standing.behind > 0 && message &&
	    (message->segment.number > end->segment ||
		(message->segment.number == end->segment && message->place.frame_at >= end->at));
}

static void take_fault(void *arg, const struct vault_fault *fault)
{
	struct calls *calls = arg;

	if (is_behind_mirror(calls, fault->message))
		calls->not_there++;
	else
		take(calls, fault->kind, fault);
}

static void take_index_fault(struct calls *calls, const char *what)
{
	take(calls, FAULT_INDEX, &(struct vault_fault){.what = what});
}

static int show_progress(void *arg, uint64_t done, uint64_t all, struct err *err)
{
	struct calls *calls = arg;

	bar_show(&calls->bar, "verifying", done, all, 0);
	if (app_must_stop(calls->app))
		return err_set(err, ERR_STOPPED, "stopped");
	return 0;
}

static int check_index(struct calls *calls, struct err *err)
{
	const char *what;
	struct err why = {0};
	int got;

	if (app_open_index(calls->app, false, &why) != 0) {
		if (why.code != ERR_ABSENT)
			take_index_fault(calls, why.text);
		else
			app_note(calls->app, "%s", why.text);
		return 0;
	}
	sql_set_stop(index_sql(calls->app->index), app_must_stop, calls->app);
	got = index_verify(calls->app->index, &what, err);
	if (got == 1)
		take_index_fault(calls, what);
	return got < 0 ? -1 : 0;
}

/* ---- the summary ---- */

static uint64_t bytes_per_second(const struct calls *calls)
{
	double bytes =
	    (double)(calls->percent > 0 ? calls->report.proven_bytes : calls->report.segment_bytes);

	return calls->seconds > 0 ? (uint64_t)(bytes / calls->seconds) : 0;
}

static void print_json_summary(struct calls *calls)
{
	const struct vault_verify_report *report = &calls->report;
	struct jsonout json;
	size_t i;

	jsonout_start(&json, &calls->line);
	jsonout_object(&json, NULL);
	jsonout_u64(&json, "messages", report->messages);
	jsonout_u64(&json, "bytes", report->bytes);
	jsonout_u64(&json, "blobs", report->blobs);
	jsonout_u64(&json, "segments", report->segments);
	jsonout_u64(&json, "segment_bytes", report->segment_bytes);
	jsonout_u64(&json, "proven", report->proven);
	jsonout_u64(&json, "proven_bytes", report->proven_bytes);
	jsonout_real(&json, "seconds", calls->seconds);
	jsonout_u64(&json, "bytes_per_second", bytes_per_second(calls));
	jsonout_u64(&json, "faults", all_faults(calls));
	jsonout_object(&json, "faults_by_kind");
	for (i = 0; i < FAULT_KINDS; i++)
		jsonout_u64(&json, kind_of[i].name, calls->fault[i]);
	jsonout_end(&json);
	if (calls->mirror) {
		jsonout_text(&json, "mirror", bytes_of(calls->app->settings->archive.mirror));
		jsonout_u64(&json, "behind", calls->standing.behind);
		jsonout_u64(&json, "not_there", calls->not_there);
	}
	jsonout_end(&json);
	output_json_line(&calls->line);
}

static void print_kinds(const struct calls *calls)
{
	char number[OUTPUT_NUMBER_BYTES];
	size_t i;

	for (i = 0; i < FAULT_KINDS; i++)
		if (calls->fault[i] > 0)
			printf("  %s %s\n", output_number(calls->fault[i], number),
			    output_plural(calls->fault[i], kind_of[i].one, kind_of[i].many));
}

/* "12 segments (1.4 GB) checked in 3.1 s"
 * "312 of 6,000 messages (5.4 MB) proven, 310 MB/s" */
static void print_work(const struct calls *calls)
{
	const struct vault_verify_report *report = &calls->report;
	char a[OUTPUT_NUMBER_BYTES], b[OUTPUT_NUMBER_BYTES], size[BAR_SIZE_BYTES],
	    rate[BAR_SIZE_BYTES];

	bar_size(report->segment_bytes, size);
	printf("%s %s (%s)%s checked in %.1f s\n", output_number(report->segments, a),
	    output_plural(report->segments, "segment", "segments"), size,
	    calls->percent > 0 ? "" : ": structure and journal only,", calls->seconds);
	if (calls->percent == 0)
		return;
	bar_size(report->proven_bytes, size);
	bar_size(bytes_per_second(calls), rate);
	printf("%s of %s %s (%s) proven, %s/s\n", output_number(report->proven, a),
	    output_number(report->messages, b),
	    output_plural(report->messages, "message", "messages"), size, rate);
}

static void print_advice(const struct calls *calls)
{
	if (calls->mirror) { /* what is wrong there, copying again cures */
		printf("What to do: mailcask mirror --compare\n");
		return;
	}
	if (all_faults(calls) == calls->fault[FAULT_INDEX]) {
		printf("The archive is well, and no mail is in danger: the search index alone is\n"
		       "wrong. \"mailcask rebuild index\" makes it again.\n");
		return;
	}
	printf("What to do: copy the archive somewhere safe. \"mailcask sync\" then fetches again\n"
	       "the damaged messages that the server still has. What \"mailcask verify\" still\n"
	       "finds wrong with the journal or catalog.db, \"mailcask rebuild\" cures.\n");
}

static void print_behind(const struct calls *calls)
{
	char number[OUTPUT_NUMBER_BYTES];

	if (calls->standing.behind > 0)
		printf("It is behind by %s %s: mailcask mirror brings it up to date\n",
		    output_number(calls->standing.behind, number),
		    output_plural(calls->standing.behind, "batch", "batches"));
}

static void print_summary(struct calls *calls)
{
	const struct vault_verify_report *report = &calls->report;
	uint64_t there = report->messages - calls->not_there;
	char number[OUTPUT_NUMBER_BYTES], size[BAR_SIZE_BYTES];

	bar_clear();
	if (calls->app->json) {
		print_json_summary(calls);
		return;
	}
	faults_print(&calls->told, vault_catalog(calls->app->vault));
	print_work(calls);
	bar_size(report->bytes, size);
	if (calls->mirror)
		printf("mirror %s: %s %s: ", calls->app->settings->archive.mirror,
		    output_number(there, number), output_plural(there, "message", "messages"));
	else
		printf("%s %s (%s), ", output_number(report->messages, number),
		    output_plural(report->messages, "message", "messages"), size);
	if (!calls->mirror)
		printf("%s %s: ", output_number(report->blobs, number),
		    output_plural(report->blobs, "attachment", "attachments"));
	if (all_faults(calls) == 0) {
		printf("all is well\n");
	} else {
		printf("%s %s\n", output_number(all_faults(calls), number),
		    output_plural(all_faults(calls), "fault", "faults"));
		print_kinds(calls);
		print_advice(calls);
	}
	print_behind(calls);
}

/* ---- the command ---- */

/* For writing, so that nobody writes meanwhile, and to note down what is damaged; where that
 * cannot be, for reading. */
static int open_archive(struct app *app, struct err *err)
{
	struct err why = {0};

	if (app_open_vault(app, true, &why) == 0)
		return 0;
	if (why.code != ERR_IO) {
		*err = why;
		return -1;
	}
	return app_open_vault(app, false, err);
}

/* Our catalogue, and the mirror's segments. */
static int open_mirror(struct calls *calls, struct err *err)
{
	struct app *app = calls->app;
	struct replica_options options;
	struct vault_options opening = {.now = clock_now_unix};
	char *segments;
	int result;

	if (app_need_settings(app, err) != 0)
		return -1;
	if (!mirror_options(app, &options))
		return err_set(err, ERR_USAGE, MIRROR_NONE);
	if (replica_stand(&options, &calls->standing, err) != 0)
		return -1;
	segments = file_join(options.path, "segments");
	opening.path = options.archive;
	opening.databases = app->settings->archive.databases;
	opening.segments = segments;
	opening.are_segments_behind = calls->standing.behind > 0;
	result = vault_open(&calls->mirror, &opening, err);
	free(segments);
	return result;
}

static uint64_t new_seed(void)
{
	uint64_t seed;

	return getrandom(&seed, sizeof seed, 0) == sizeof seed ? seed : clock_monotonic_ms();
}

/* "5%" or "5". */
static int parse_percent(const char *text, unsigned *out, struct err *err)
{
	struct bytes digits = bytes_of(text);
	unsigned long long percent;

	if (digits.n > 0 && digits.p[digits.n - 1] == '%')
		digits.n--;
	if (!bytes_u64(digits, &percent) || percent < 1 || percent > 100)
		return err_set(
		    err, ERR_USAGE, "--sample needs a share from 1%% to 100%%, not \"%s\"", text);
	*out = (unsigned)percent;
	return 0;
}

static int parse(
    const struct arguments *arguments, struct vault_verify_options *out, struct err *err)
{
	const char *sample = argument(&cmd_verify, arguments, "sample");
	bool quick = argument(&cmd_verify, arguments, "quick") != NULL;

	*out = (struct vault_verify_options){.percent = quick ? 0 : 100, .seed = new_seed()};
	if (quick && sample)
		return err_set(err, ERR_USAGE, "--quick and --sample exclude each other");
	return sample ? parse_percent(sample, &out->percent, err) : 0;
}

static int verify(struct calls *calls, const struct vault_verify_options *options, struct err *err)
{
	struct vault_verify_calls told = {
	    .fault = take_fault, .progress = show_progress, .arg = calls};
	uint64_t begun_ms = clock_monotonic_ms();
	struct vault *vault = calls->mirror ? calls->mirror : calls->app->vault;
	int result = vault_verify(vault, options, &told, &calls->report, err);

	calls->seconds = (double)(clock_monotonic_ms() - begun_ms) / 1000;
	if (result < 0)
		return -1;
	return options->percent == 100 && !calls->mirror ? check_index(calls, err) : 0;
}

static int run(struct app *app, const struct arguments *arguments)
{
	struct calls calls = {.app = app, .bar = {.app = app, .unit = BAR_BYTES}};
	struct vault_verify_options options;
	struct err err = {0};
	int status = EXIT_DONE;

	if (parse(arguments, &options, &err) != 0 || open_archive(app, &err) != 0)
		return app_fail(app, &err);
	calls.percent = options.percent;
	buf_init(&calls.line, 1 << 20);
	if ((argument(&cmd_verify, arguments, "mirror") && open_mirror(&calls, &err) != 0) ||
	    verify(&calls, &options, &err) != 0) {
		status = app_fail(app, &err);
	} else {
		print_summary(&calls);
		status = all_faults(&calls) > 0 ? EXIT_DAMAGED
		    : calls.standing.behind     ? EXIT_IN_PART
						: EXIT_DONE;
	}
	vault_close(calls.mirror);
	buf_release(&calls.line);
	faults_release(&calls.told);
	return status;
}

const struct command cmd_verify = {
    .name = "verify",
    .summary = "Check every frame, every message, catalogue and index",
    .details = "Reads all from the disk, rebuilds every message and compares its SHA-256; checks\n"
	       "the journal's chain, the catalogue against the journal, the index against the\n"
	       "catalogue. Exit status 3 when something is wrong.\n"
	       "\n"
	       "--sample is for checks by the clock: all that --quick checks, and the messages\n"
	       "of some frames, others each time. With --mirror the same of the second copy:\n"
	       "that it is this archive's, and gives back every message.",
    .example = "mailcask verify --sample 5%",
    .option = {{"quick", 0, NULL, "structure and journal only, without the messages"},
	{"sample", 0, "SHARE", "prove only this share of the archive, 1% to 100%"},
	{"mirror", 0, NULL, "check the mirror instead"}},
    .run = run,
};
