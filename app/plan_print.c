/* Owns:  nothing.
 * Knows: how a plan is laid out for a person, and as JSON lines. */
#include "app/plan_print.h"

#include "app/bar.h"
#include "app/output.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES (1u << 20)

/* One line of the table. */
struct row {
	uint32_t rule;
	int64_t folder_number;
	int year, last_year; /* last_year differs where the years of a folder are added up */
	enum verdict verdict;
	uint64_t count, bytes;
};

struct rows {
	struct row *row;
	size_t count, room;
};

static int year_of(int64_t date_unix)
{
	int year, month, day;

	clock_local_date(date_unix, &year, &month, &day);
	return year;
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->verdict != y->verdict)
		return x->verdict < y->verdict ? -1 : 1;
	if (x->rule != y->rule)
		return x->rule < y->rule ? -1 : 1;
	if (x->folder_number != y->folder_number)
		return x->folder_number < y->folder_number ? -1 : 1;
	return x->year < y->year ? -1 : x->year > y->year;
}

static bool is_same_row(const struct row *a, const struct row *b, bool by_year)
{
	return a->verdict == b->verdict && a->rule == b->rule &&
	    a->folder_number == b->folder_number && (!by_year || a->year == b->year);
}

/* Items in the order of rows, then those that are alike added up. */
static void make_rows(struct rows *rows, const struct plan *plan, bool by_year)
{
	size_t i, n = 0;

	rows->row = mem_zero(plan->count, sizeof *rows->row);
	for (i = 0; i < plan->count; i++) {
		const struct plan_item *item = &plan->item[i];
		int year = year_of(item->date_unix);

		rows->row[i] = (struct row){.rule = item->rule,
		    .folder_number = item->folder_number,
		    .year = year,
		    .last_year = year,
		    .verdict = item->verdict,
		    .count = 1,
		    .bytes = item->size_bytes};
	}
	if (plan->count > 0)
		qsort(rows->row, plan->count, sizeof *rows->row, compare_rows);
	for (i = 0; i < plan->count; i++) {
		if (n == 0 || !is_same_row(&rows->row[n - 1], &rows->row[i], by_year)) {
			rows->row[n++] = rows->row[i];
			continue;
		}
		rows->row[n - 1].last_year = rows->row[i].year;
		rows->row[n - 1].count++;
		rows->row[n - 1].bytes += rows->row[i].bytes;
	}
	rows->count = n;
}

static int rest_columns(void)
{
	int rest = (int)output_columns() - 16 - 13 - 10 - 9 - 10;

	return rest > 8 ? rest : 8;
}

static int print_row(
    struct app *app, const struct rules *rules, const struct row *row, struct err *err)
{
	char number[OUTPUT_NUMBER_BYTES], size[BAR_SIZE_BYTES];
	struct catalog_folder folder;
	char years[32];

	if (catalog_folder_number(vault_catalog(app->vault), row->folder_number, &folder, err) != 1)
		return -1;
	bar_size(row->bytes, size);
	output_cell(bytes_of(rules->rule[row->rule].settings->name), 15);
	putchar(' ');
	output_cell(folder.account, 12);
	putchar(' ');
	output_cell(folder.shown, rest_columns());
	if (row->year == row->last_year)
		snprintf(years, sizeof years, "%d", row->year);
	else
		snprintf(years, sizeof years, "%d-%d", row->year, row->last_year);
	printf(" %9s %8s %9s\n", years, output_number(row->count, number), size);
	return 0;
}

static void print_head(void)
{
	output_cell(BYTES("rule"), 15);
	putchar(' ');
	output_cell(BYTES("account"), 12);
	putchar(' ');
	output_cell(BYTES("folder"), rest_columns());
	printf("     years messages     bytes\n");
}

/* Why the others that purging rules select stay. */
static void print_stays(const struct rows *rows)
{
	char number[OUTPUT_NUMBER_BYTES], size[BAR_SIZE_BYTES];
	size_t i;

	for (i = 0; i < rows->count;) {
		const struct row *first = &rows->row[i];
		uint64_t count = 0, bytes = 0;

		for (; i < rows->count && rows->row[i].verdict == first->verdict; i++) {
			count += rows->row[i].count;
			bytes += rows->row[i].bytes;
		}
		if (first->verdict == VERDICT_PURGE)
			continue;
		bar_size(bytes, size);
		printf("stays: %s (%s): %s\n", output_number(count, number), size,
		    verdict_text(first->verdict));
	}
}

static int print_text(
    struct app *app, const struct plan *plan, const struct rules *rules, struct err *err)
{
	char number[OUTPUT_NUMBER_BYTES], size[BAR_SIZE_BYTES];
	struct rows rows = {0};
	size_t i;
	int result = 0;

	make_rows(&rows, plan, app->verbose);
	if (plan->purge_count > 0)
		print_head();
	for (i = 0; result == 0 && i < rows.count && rows.row[i].verdict == VERDICT_PURGE; i++)
		result = print_row(app, rules, &rows.row[i], err);
	bar_size(plan->purge_bytes, size);
	printf("to purge: %s %s, %s would be freed on the server\n",
	    output_number(plan->purge_count, number),
	    output_plural(plan->purge_count, "message", "messages"), size);
	print_stays(&rows);
	free(rows.row);
	return result;
}

static int print_json(
    struct app *app, const struct plan *plan, const struct rules *rules, struct err *err)
{
	struct catalog *catalog = vault_catalog(app->vault);
	struct catalog_message message;
	struct jsonout json;
	struct buf line;
	size_t i;
	int result = 0;

	buf_init(&line, LINE_BYTES);
	for (i = 0; result == 0 && i < plan->count; i++) {
		const struct plan_item *item = &plan->item[i];

		if (catalog_message_n(catalog, item->message_n, &message, err) != 1) {
			result = -1;
			break;
		}
		jsonout_start(&json, &line);
		jsonout_object(&json, NULL);
		result = output_json_message(app, &json, &message, item->place_number, err);
		jsonout_text(&json, "rule", bytes_of(rules->rule[item->rule].settings->name));
		jsonout_text(&json, "action",
		    item->verdict == VERDICT_PURGE ? BYTES("purge") : BYTES("keep"));
		jsonout_text(&json, "reason", bytes_of(verdict_text(item->verdict)));
		jsonout_u64(&json, "bytes", item->size_bytes);
		jsonout_end(&json);
		output_json_line(&line);
	}
	buf_release(&line);
	return result;
}

int plan_print(struct app *app, const struct plan *plan, const struct rules *rules, struct err *err)
{
	return app->json ? print_json(app, plan, rules, err) : print_text(app, plan, rules, err);
}
