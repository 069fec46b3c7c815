/* What commands and the worker do alike: sync an account, purge it. Each prints its summary. */
#ifndef APP_WORK_H
#define APP_WORK_H

#include "app/app.h"

#include "retention/purge.h"

/* Sync one account into app->vault (open for writing). Summary on standard output: a line, or
 * with --json an object. -1: it could not be finished; err says why, and what was reached is in
 * the archive. */
int work_sync(struct app *app, const struct settings_account *account, struct err *err);

/* Resolve earlier purges, sync, index, plan: what there is to purge now, of one account. */
int work_plan(struct app *app, const struct settings_account *account, const struct rules *rules,
    struct plan *plan, struct err *err);

/* Carry out a plan on one account. Prints what became of it. */
int work_purge(struct app *app, const struct settings_account *account, const struct rules *rules,
    const struct plan *plan, bool is_rehearsal, struct purge_report *report, struct err *err);

#endif
