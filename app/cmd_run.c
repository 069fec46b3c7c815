/* Owns:  the schedule of the worker.
 * Knows: mailcask run: for each account, at its own interval: sync, index, retention.
 * Never: purges for a rule without "auto = yes"; holds the archive while it waits; shows a server
 *        twice a password that it has refused. */
#include "app/command.h"
#include "app/mirror.h"
#include "app/work.h"

#include "archiver/endpoint/backoff.h"
#include "base/digest.h"
#include "base/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RETRY_FIRST_S 60 /* after a failure that may pass; doubled each time */

struct job {
	const struct settings_account *account;
	uint64_t due_ms; /* monotonic */
	uint64_t failures;
	bool is_refused; /* the password with this sum, by the server */
	struct sha256 refused;
	int64_t paused_until_unix; /* 0: not */
};

/* Purging rules that may be carried out without asking. */
static size_t count_purging(const struct rules *rules)
{
	size_t i, purging = 0;

	for (i = 0; i < rules->count; i++)
		purging += rules->rule[i].settings->action == SETTINGS_PURGE;
	return purging;
}

/* Planning syncs and indexes first; without such rules that is all. */
static int work_by_rules(struct app *app, const struct settings_account *account,
    const struct rules *rules, struct err *err)
{
	struct purge_report report;
	struct plan plan;
	int result = 0;

	if (count_purging(rules) == 0) {
		result = work_sync(app, account, err);
		return result == 0 ? app_catch_up(app, err) : -1;
	}
	if (work_plan(app, account, rules, &plan, err) != 0)
		return -1;
	if (plan.purge_count > 0)
		result = work_purge(app, account, rules, &plan, false, &report, err);
	plan_release(&plan);
	return result;
}

/* Is there nothing new to try, since the server has refused this password? Somebody may have
 * written another one into its file meanwhile. */
static bool is_still_refused(struct app *app, struct job *job)
{
	struct endpoint_options options;
	struct sha256 now;
	bool is_same = false;

	if (!job->is_refused)
		return false;
	if (app_endpoint_options(app, job->account, &options, NULL) == 0) {
		secret_sum(&app->secret, &now);
		is_same = sha256_equal(&now, &job->refused);
	}
	if (is_same)
		app_forget_secret(app);
	return is_same;
}

/* The archive is open, and locked, only while there is something to do. */
static int work(struct app *app, struct job *job, struct err *err)
{
	const struct settings_account *account = job->account;
	struct rules rules = {0};
	int result = rules_make(&rules, app->settings, true, clock_now_unix(), err);

	if (result == 0)
		result = app_open_vault(app, true, err);
	if (result == 0)
		result = work_by_rules(app, account, &rules, err);
	rules_release(&rules);
	(void)mirror_follow(app);
	index_close(app->index);
	vault_close(app->vault);
	job->is_refused = result != 0 && err->code == ERR_LOGIN && app->secret_of == account;
	if (job->is_refused)
		secret_sum(&app->secret, &job->refused);
	job->paused_until_unix =
	    result != 0 && err->code == ERR_PAUSED ? budget_ready_unix(app->budget) : 0;
	app_forget_secret(app);
	app_close_budget(app);
	app->index = NULL;
	app->vault = NULL;
	return result;
}

/* Doubled with each failure, and never the same for two. */
static uint64_t retry_ms(const struct job *job)
{
	return backoff_ms((uint64_t)RETRY_FIRST_S * 1000, (uint64_t)job->account->every_s * 1000,
	    (unsigned)job->failures, backoff_random());
}

static void plan_next(struct app *app, struct job *job, const struct err *err)
{
	uint64_t wait_ms = (uint64_t)job->account->every_s * 1000;

	if (!err) {
		job->failures = 0;
	} else if (job->is_refused) {
		app_problem(
		    app, "%s: not tried again until its password changes", job->account->name);
	} else if (job->paused_until_unix > 0) {
		int64_t s = job->paused_until_unix - clock_now_unix();

		wait_ms = (uint64_t)(s > RETRY_FIRST_S ? s : RETRY_FIRST_S) * 1000;
	} else if (err->retry != RETRY_NEVER) {
		job->failures++;
		wait_ms = retry_ms(job);
	}
	job->due_ms = clock_monotonic_ms() + wait_ms;
}

static struct job *next_job(struct job *job, size_t count)
{
	struct job *next = NULL;
	size_t i;

	for (i = 0; i < count; i++)
		if (!next || job[i].due_ms < next->due_ms)
			next = &job[i];
	return next;
}

/* SIGTERM and SIGINT end the wait at once. They are let in by ppoll() alone: one that came
 * between the question and the sleep would be noticed only after it. */
static void wait_until(const struct app *app, uint64_t due_ms)
{
	sigset_t ending, before;

	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &ending, &before);
	while (!app_must_stop((void *)app)) {
		uint64_t now = clock_monotonic_ms();
		struct timespec t;

		if (now >= due_ms)
			break;
		t.tv_sec = (time_t)((due_ms - now) / 1000);
		t.tv_nsec = (long)((due_ms - now) % 1000) * 1000000;
		ppoll(NULL, 0, &t, &before);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static int run_jobs(struct app *app, struct job *job, size_t count, bool once)
{
	int status = EXIT_DONE;
	size_t done = 0;

	while (!app_must_stop(app) && !(once && done >= count)) {
		struct job *next = next_job(job, count);
		struct err err = {0};

		wait_until(app, next->due_ms);
		if (app_must_stop(app))
			break;
		done++;
		if (is_still_refused(app, next)) {
			next->due_ms =
			    clock_monotonic_ms() + (uint64_t)next->account->every_s * 1000;
			continue;
		}
		if (work(app, next, &err) == 0) {
			plan_next(app, next, NULL);
			continue;
		}
		if (err.code == ERR_STOPPED)
			break;
		status = app_fail(app, &err);
		plan_next(app, next, &err);
		if (once)
			next->due_ms = UINT64_MAX - 1;
	}
	return once ? status : EXIT_DONE;
}

static int run(struct app *app, const struct arguments *arguments)
{
	struct rules rules = {0};
	struct err err = {0};
	struct job *job;
	int status;
	size_t i;

	/* What is wrong in the settings shows itself at the start, not at night. */
	if (app_need_settings(app, &err) != 0 ||
	    rules_make(&rules, app->settings, true, clock_now_unix(), &err) != 0)
		return app_fail(app, &err);
	rules_release(&rules);
	if (app->settings->account_count == 0) {
		err_set(&err, ERR_CONFIG, "%s has no [account NAME] section: run mailcask init",
		    app->settings->path);
		return app_fail(app, &err);
	}
	job = mem_zero(app->settings->account_count, sizeof *job);
	for (i = 0; i < app->settings->account_count; i++)
		job[i].account = &app->settings->account[i];
	status = run_jobs(
	    app, job, app->settings->account_count, argument(&cmd_run, arguments, "once") != NULL);
	free(job);
	return status;
}

const struct command cmd_run = {
    .name = "run",
    .summary = "The worker: sync, index and retention on schedule",
    .details = "Each account at its own interval (every = 15m). Purges only by rules that say\n"
	       "auto = yes. Ends on SIGTERM or SIGINT after the batch in hand. There is a\n"
	       "systemd user service: systemctl --user enable --now mailcask",
    .example = "mailcask run",
    .option = {{"once", '1', NULL, "every account once, then end"}},
    .run = run,
};
