/* Knows: mailcask search. */
#include "app/command.h"
#include "app/output.h"

#include "index/search.h"
#include "index/snippet.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_DEFAULT 50
#define LINE_BYTES    (1u << 20)
/* Of a query with a mistake. */
#define SHOWN_COLUMNS        76
#define SHOWN_BEFORE_COLUMNS 50

struct printer {
	struct app *app;
	const struct query *query;
	struct extract extract;
	struct buf line;
	uint64_t printed;
	bool snippets;
};

static void make_snippet(struct printer *printer, const struct catalog_message *message,
    size_t columns, const char *begin, const char *end)
{
	struct msg_id id = message->id;

	buf_clear(&printer->line);
	if (extract_message(&printer->extract, printer->app->vault, &id, NULL) == 0)
		snippet_make(
		    &printer->line, &printer->extract, printer->query, columns, begin, end);
}

static void print_text(struct printer *printer, const struct catalog_message *message)
{
	char hex[SHA256_HEX_BYTES], date[CLOCK_ISO_BYTES] = "";
	int rest = (int)output_columns() - 10 - 1 - 10 - 2 - 18 - 2;
	bool bold = output_is_terminal();

	sha256_hex(&message->id.sum, hex);
	if (message->has_date)
		clock_local(message->date_unix, date);
	printf("%.10s %.10s  ", hex, date);
	output_field(message->from, true, 18);
	printf("  ");
	output_field(message->subject, false, rest > 10 ? rest : 10);
	putchar('\n');
	if (!printer->snippets)
		return;
	make_snippet(
	    printer, message, output_columns() - 12, bold ? "\033[1m" : "", bold ? "\033[0m" : "");
	if (printer->line.n > 0)
		printf("           %s\n", buf_string(&printer->line));
}

static int print_json(
    struct printer *printer, const struct catalog_message *message, struct err *err)
{
	struct catalog_message copy = *message;
	struct buf snippet;
	struct jsonout json;
	int result;

	buf_init(&snippet, LINE_BYTES);
	if (printer->snippets) {
		make_snippet(printer, message, 200, "", "");
		buf_bytes(&snippet, buf_view(&printer->line));
		/* The row's texts may have moved. */
		if (catalog_message_n(vault_catalog(printer->app->vault), copy.n, &copy, err) !=
		    1) {
			buf_release(&snippet);
			return -1;
		}
	}
	buf_clear(&printer->line);
	jsonout_start(&json, &printer->line);
	jsonout_object(&json, NULL);
	result = output_json_message(printer->app, &json, &copy, 0, err);
	if (printer->snippets)
		jsonout_text(&json, "snippet", buf_view(&snippet));
	jsonout_end(&json);
	output_json_line(&printer->line);
	buf_release(&snippet);
	return result;
}

static int print_hit(void *arg, int64_t message_n, struct err *err)
{
	struct printer *printer = arg;
	struct catalog_message message;

	if (catalog_message_n(vault_catalog(printer->app->vault), message_n, &message, err) != 1)
		return -1;
	printer->printed++;
	if (printer->app->json)
		return print_json(printer, &message, err);
	print_text(printer, &message);
	return 0;
}

/* Without an index one is made, when nobody else is writing. */
static int open_archive(struct app *app, struct err *err)
{
	struct err why = {0};

	if (app_open_vault(app, false, err) != 0)
		return -1;
	if (app_open_index(app, false, &why) == 0)
		return 0;
	if (why.code != ERR_ABSENT) {
		*err = why;
		return -1;
	}
	vault_close(app->vault);
	app->vault = NULL;
	app_note(app, "there is no search index yet: it is made now, once");
	if (app_open_vault(app, true, err) == 0 && app_catch_up(app, err) == 0)
		return 0;
	return err_add(err, "there is no search index, and none can be made now");
}

static int note_behind(struct app *app, struct err *err)
{
	uint64_t behind;

	if (index_behind(app->index, &behind, err) != 0)
		return -1;
	if (behind > 0)
		app_note(app, "%" PRIu64 " %s not in the search index yet", behind,
		    output_plural(behind, "message is", "messages are"));
	return 0;
}

static int count(struct app *app, const struct query *query, struct err *err)
{
	uint64_t hits;

	if (search_count(app->index, query, &hits, err) != 0)
		return -1;
	if (app->json)
		output_line("{\"count\":%" PRIu64 "}", hits);
	else
		output_line("%" PRIu64, hits);
	return 0;
}

static int search(
    struct app *app, const struct arguments *arguments, const struct query *query, struct err *err)
{
	struct printer printer = {.app = app, .query = query};
	struct search_options options = {0};
	const char *sort = argument(&cmd_search, arguments, "sort");
	int result;

	if (sort && strcmp(sort, "rank") == 0)
		options.sort = SEARCH_BY_RANK;
	else if (sort && strcmp(sort, "date") != 0)
		return err_set(err, ERR_USAGE, "--sort is date or rank, not \"%s\"", sort);
	if (argument_number(&cmd_search, arguments, "limit", LIMIT_DEFAULT, &options.limit, err) !=
		0 ||
	    argument_number(&cmd_search, arguments, "offset", 0, &options.offset, err) != 0)
		return -1;
	printer.snippets = !argument(&cmd_search, arguments, "no-snippet");
	extract_init(&printer.extract);
	buf_init(&printer.line, LINE_BYTES);
	result = search_messages(app->index, query, &options, print_hit, &printer, err);
	if (result == 0 && options.limit > 0 && printer.printed == options.limit)
		app_note(
		    app, "the first %" PRIu64 "; --limit N or --offset N show more", options.limit);
	if (result == 0 && printer.printed == 0)
		app_note(app, "nothing found");
	extract_release(&printer.extract);
	buf_release(&printer.line);
	return result;
}

/* What the query means; no archive is needed for it. */
static void explain(const struct app *app, const struct query *query)
{
	struct buf text;

	buf_init(&text, SIZE_MAX / 2);
	if (app->json) {
		struct jsonout json;
		struct buf printed;

		buf_init(&printed, SIZE_MAX / 2);
		query_print(query, &printed);
		jsonout_start(&json, &text);
		jsonout_object(&json, NULL);
		jsonout_text(&json, "query", buf_view(&printed));
		jsonout_end(&json);
		buf_release(&printed);
		output_json_line(&text);
	} else {
		query_print(query, &text);
		buf_text(&text, "\n\n");
		query_explain(query, &text);
		output_text(buf_view(&text));
	}
	buf_release(&text);
}

/* The query, as far as it fits a line, and a mark under the place that the error names. */
static void point_at(const struct app *app, const char *query, const struct err *err)
{
	unsigned long long character;
	struct bytes rest = bytes_of(query);
	struct buf before, shown;
	size_t columns = 0;
	uint32_t point;

	if (app->quiet || !query_wrong_at(err, &character))
		return;
	while (character > 1 && utf8_next(&rest, &point) != 0)
		character--;
	buf_init(&before, SIZE_MAX / 2);
	buf_init(&shown, SIZE_MAX / 2);
	columns = utf8_print(&before, (struct bytes){query, (size_t)(rest.p - query)}, 0);
	if (columns > SHOWN_BEFORE_COLUMNS) {
		buf_clear(&before);
		buf_text(&before, "... ");
		columns = 4;
	}
	utf8_print(&shown, rest, SHOWN_COLUMNS - columns);
	fprintf(
	    stderr, "  %s%s\n  %*s^\n", buf_string(&before), buf_string(&shown), (int)columns, "");
	buf_release(&before);
	buf_release(&shown);
}

static int run(struct app *app, const struct arguments *arguments)
{
	char *text = arguments_join(arguments);
	struct query *query = NULL;
	struct err err = {0};
	int status = EXIT_DONE, result;
	bool explains = argument(&cmd_search, arguments, "explain") != NULL;

	if (query_parse(&query, bytes_of(text), clock_now_unix(), &err) != 0) {
		status = app_fail(app, &err);
		if (explains)
			point_at(app, text, &err);
		goto out;
	}
	if (explains) {
		explain(app, query);
		goto out;
	}
	if (open_archive(app, &err) != 0 || note_behind(app, &err) != 0) {
		status = app_fail(app, &err);
		goto out;
	}
	result = argument(&cmd_search, arguments, "count") ? count(app, query, &err)
							   : search(app, arguments, query, &err);
	if (result != 0)
		status = app_fail(app, &err);
out:
	query_free(query);
	free(text);
	return status;
}

const struct command cmd_search = {
    .name = "search",
    .operands = "QUERY",
    .summary = "Find archived mail, newest first",
    .details = "Words must all occur; OR, NOT, -word, \"a phrase\", begin*, ( ) as usual.\n"
	       "from: to: cc: subject: body: attachment: filename: list:   where a word stands\n"
	       "folder: account: label: id:                                place and identity\n"
	       "is:unread flagged answered draft gone purged held, has:attachment\n"
	       "before: after: on: (2019, 2019-03-05, yesterday) older: newer: (90d, 1y)\n"
	       "sent: with the same values, larger: smaller: (5M)        index/QUERY.md has all\n\n"
	       "-word denies anywhere behind the first word; where it comes first, or looks like\n"
	       "an option, put it behind \"--\" or write NOT word.",
    .example = "mailcask search from:anna invoice after:2019 has:attachment",
    .option = {{"limit", 'n', "N", "at most N messages (default 50; 0: all)"},
	{"offset", 0, "N", "leave out the first N"},
	{"sort", 0, "ORDER", "date (newest first, the default) or rank (best first)"},
	{"count", 0, NULL, "only how many there are"},
	{"no-snippet", 0, NULL, "without the line of text from each message"},
	{"explain", 0, NULL, "only how the query is understood"}},
    .operands_min = 1,
    .operands_max = -1,
    .run = run,
};
