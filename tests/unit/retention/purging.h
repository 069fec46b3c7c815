/* One purge run against the fake server, and what it told (for ground.h). */
#ifndef TESTS_UNIT_RETENTION_PURGING_H
#define TESTS_UNIT_RETENTION_PURGING_H

#include "tests/unit/retention/ground.h"

struct purging {
	struct ground *g;
	struct plan plan;
	struct purge_options options;
	struct purge_report report;
	struct err err;
	struct buf outcomes, problems; /* as they were told */
};

static inline void purging_outcome(
    void *arg, const struct plan_item *item, enum purge_outcome outcome, const char *reason)
{
	static const char *const word[] = {[PURGE_CONFIRMED] = "confirmed",
	    [PURGE_REFUSED] = "refused",
	    [PURGE_KEPT] = "kept",
	    [PURGE_WOULD] = "would"};
	struct purging *p = arg;

	buf_format(&p->outcomes, "%u %s%s%s\n", item->uid, word[outcome], reason ? ": " : "",
	    reason ? reason : "");
}

static inline void purging_problem(void *arg, struct bytes folder, const char *text)
{
	struct purging *p = arg;

	buf_bytes(&p->problems, folder);
	buf_format(&p->problems, ": %s\n", text);
}

static inline void purging_begin(struct purging *p, struct ground *g)
{
	memset(p, 0, sizeof *p);
	p->g = g;
	buf_init(&p->outcomes, 1 << 20);
	buf_init(&p->problems, 1 << 20);
	p->options = (struct purge_options){.vault = g->a.vault,
	    .ep = &g->fake.endpoint,
	    .account = ARCHIVE_ACCOUNT,
	    .rules = &g->rules,
	    .plan = &p->plan,
	    .outcome = purging_outcome,
	    .problem = purging_problem,
	    .arg = p};
}

/* UIDs first to last are to go, behind those that are in the plan already. */
static inline struct plan_item *purging_plan(
    struct purging *p, const struct fake_folder *folder, uint32_t first, uint32_t last)
{
	struct plan *plan = &p->plan;
	size_t start = plan->count;

	for (uint32_t uid = first; uid <= last; uid++) {
		plan->item = mem_grow(plan->item, &plan->room, plan->count + 1, sizeof *plan->item);
		plan->item[plan->count++] = item_of(p->g, folder, uid);
	}
	return &plan->item[start];
}

static inline int purging_run(struct purging *p)
{
	free(fake_log(&p->g->fake));
	buf_clear(&p->outcomes);
	buf_clear(&p->problems);
	p->err = (struct err){0};
	return purge_run(&p->options, &p->report, &p->err);
}

static inline void purging_ok(struct purging *p)
{
	ck_assert_msg(purging_run(p) == 0, "%s", p->err.text);
}

static inline void purging_told(struct purging *p, const char *outcomes, const char *problems)
{
	ck_assert_str_eq(buf_string(&p->outcomes), outcomes);
	ck_assert_str_eq(buf_string(&p->problems), problems);
}

static inline void purging_counts(
    struct purging *p, uint64_t confirmed, uint64_t refused, uint64_t kept, uint64_t folders_failed)
{
	ck_assert_uint_eq(p->report.confirmed, confirmed);
	ck_assert_uint_eq(p->report.refused, refused);
	ck_assert_uint_eq(p->report.kept, kept);
	ck_assert_uint_eq(p->report.folders_failed, folders_failed);
}

static inline int purging_list(void *arg, const struct catalog_purge *purge, struct err *err)
{
	(void)err;
	buf_format(arg, "%u %.*s%s%.*s\n", purge->uid, (int)purge->state.n, purge->state.p,
	    purge->reason.n ? ": " : "", (int)purge->reason.n,
	    purge->reason.n ? purge->reason.p : "");
	return 0;
}

/* What the catalogue knows of a run, or (NULL) of intents without an outcome: "UID state". */
static inline void purging_journal(struct ground *g, const char *run, const char *expected)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	OK(catalog_each_purge(catalog_of(g), run, purging_list, &text, err));
	ck_assert_str_eq(buf_string(&text), expected);
	buf_release(&text);
}

static inline int purging_list_run(void *arg, const struct catalog_run *run, struct err *err)
{
	(void)err;
	buf_format(arg, "%.*s %.*s %.*s %u%s%.*s\n", (int)run->type.n, run->type.p,
	    (int)run->account.n, run->account.p, (int)run->state.n, run->state.p,
	    (unsigned)run->messages, run->reason.n ? ": " : "", (int)run->reason.n,
	    run->reason.n ? run->reason.p : "");
	return 0;
}

static inline void purging_runs(struct ground *g, const char *expected)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	OK(catalog_each_run(catalog_of(g), purging_list_run, &text, err));
	ck_assert_str_eq(buf_string(&text), expected);
	buf_release(&text);
}

static inline void purging_end(struct purging *p)
{
	free(p->plan.item);
	buf_release(&p->outcomes);
	buf_release(&p->problems);
}

#endif
