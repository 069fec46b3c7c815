/* Owns:  the schedule of the worker.
 * Knows: mailcask run: for each account, at its own interval: sync, index, retention.
 * Never: purges for a rule without "auto = yes"; holds the archive while it waits. */
#include "app/command.h"
#include "app/mirror.h"
#include "app/work.h"

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
	bool is_off; /* a failure that does not pass by itself, e.g. a refused password */
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

/* The archive is open, and locked, only while there is something to do. */
static int work(struct app *app, const struct settings_account *account, struct err *err)
{
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
	app_forget_secret(app);
	app->index = NULL;
	app->vault = NULL;
	return result;
}

static void plan_next(struct app *app, struct job *job, const struct err *err)
{
	uint64_t wait_s = (uint64_t)job->account->every_s, now = clock_monotonic_ms();

	if (!err) {
		job->failures = 0;
	} else if (err->retry == RETRY_NEVER && err->code == ERR_LOGIN) {
		job->is_off = true;
		app_problem(app, "%s: not tried again until mailcask run is started anew",
		    job->account->name);
	} else if (err->retry != RETRY_NEVER) {
		uint64_t soon = (uint64_t)RETRY_FIRST_S
		    << (job->failures < 10 ? job->failures : 10);

		job->failures++;
		if (soon < wait_s)
			wait_s = soon;
	}
	job->due_ms = now + wait_s * 1000;
}

static struct job *next_job(struct job *job, size_t count)
{
	struct job *next = NULL;
	size_t i;

	for (i = 0; i < count; i++)
		if (!job[i].is_off && (!next || job[i].due_ms < next->due_ms))
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

		if (!next) {
			app_problem(app, "no account is left to work for");
			return EXIT_SERVER;
		}
		wait_until(app, next->due_ms);
		if (app_must_stop(app))
			break;
		done++;
		if (work(app, next->account, &err) == 0) {
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
