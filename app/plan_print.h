/* Showing a plan: what would go by rule, folder and year, and why the rest stays. */
#ifndef APP_PLAN_PRINT_H
#define APP_PLAN_PRINT_H

#include "app/app.h"

#include "retention/plan.h"

int plan_print(
    struct app *app, const struct plan *plan, const struct rules *rules, struct err *err);

#endif
