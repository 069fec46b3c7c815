/* Owns:  standard output.
 * Never: lets a control character of a message reach a terminal, except with output_raw. */
#include "app/output.h"

#include "archiver/mime/mimehead.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void output_raw(struct bytes data)
{
	if (data.n > 0) /* the view of nothing may be NULL */
		fwrite(data.p, 1, data.n, stdout);
}

void output_json_line(struct buf *line)
{
	buf_char(line, '\n');
	output_raw(buf_view(line));
	buf_clear(line);
}

void output_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

void output_text(struct bytes text)
{
	struct buf clean;

	buf_init(&clean, SIZE_MAX / 2);
	while (text.n > 0) {
		size_t n = 0;

		while (n < text.n && text.p[n] != '\n' && text.p[n] != '\t')
			n++;
		utf8_print(&clean, (struct bytes){text.p, n - (n > 0 && text.p[n - 1] == '\r')}, 0);
		if (n < text.n)
			buf_char(&clean, text.p[n]);
		text = bytes_from(text, n + 1);
	}
	output_raw(buf_view(&clean));
	buf_release(&clean);
}

size_t output_columns(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
		return size.ws_col;
	return 80;
}

bool output_is_terminal(void)
{
	return isatty(STDOUT_FILENO);
}

void output_cell(struct bytes text, int width)
{
	size_t room = (size_t)abs(width), used;
	struct buf cell;

	buf_init(&cell, SIZE_MAX / 2);
	used = utf8_print(&cell, text, room);
	if (width < 0)
		printf("%*s", (int)(room - used), "");
	output_raw(buf_view(&cell));
	if (width > 0)
		printf("%*s", (int)(room - used), "");
	buf_release(&cell);
}

const char *output_number(uint64_t value, char out[OUTPUT_NUMBER_BYTES])
{
	char digits[24];
	int n = snprintf(digits, sizeof digits, "%" PRIu64, value), i;
	char *p = out;

	for (i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			*p++ = ',';
		*p++ = digits[i];
	}
	*p = '\0';
	return out;
}

const char *output_plural(uint64_t count, const char *one, const char *many)
{
	return count == 1 ? one : many;
}

void output_field(struct bytes raw, bool first_name, int width)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	if (first_name)
		mimehead_first_name(&text, raw);
	else
		mimehead_decode(&text, raw);
	output_cell(buf_view(&text), width);
	buf_release(&text);
}

bool output_is_fine(void)
{
	return fflush(stdout) == 0 && !ferror(stdout);
}

/* The error was met at some earlier write: the pipe itself is asked. */
bool output_is_closed(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

	return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

/* ---- messages ---- */

/* A place, kept while the catalogue is asked for others. */
struct place {
	int64_t number, folder_number, date_unix, since_unix;
	uint32_t uidvalidity, uid;
	enum place_state state;
	char *flags;
};

struct places {
	struct place *place;
	size_t count, room;
};

static int keep_place(void *arg, const struct catalog_place *place, struct err *err)
{
	struct places *places = arg;

	(void)err;
	places->place =
	    mem_grow(places->place, &places->room, places->count + 1, sizeof *places->place);
	places->place[places->count++] = (struct place){.number = place->number,
	    .folder_number = place->folder_number,
	    .date_unix = place->date_unix,
	    .since_unix = place->since_unix,
	    .uidvalidity = place->uidvalidity,
	    .uid = place->uid,
	    .state = place->state,
	    .flags = bytes_string(place->flags)};
	return 0;
}

static void release_places(struct places *places)
{
	size_t i;

	for (i = 0; i < places->count; i++)
		free(places->place[i].flags);
	free(places->place);
}

/* The one with that number; or present before purged before gone before numbered anew, the first
 * of equals. */
static const struct place *choose_place(const struct places *places, int64_t number)
{
	static const int order[] = {
	    [PLACE_PRESENT] = 0, [PLACE_PURGED] = 1, [PLACE_GONE] = 2, [PLACE_RETIRED] = 3};
	const struct place *best = NULL;
	size_t i;

	for (i = 0; i < places->count; i++) {
		if (places->place[i].number == number)
			return &places->place[i];
		if (!best || order[places->place[i].state] < order[best->state])
			best = &places->place[i];
	}
	return best;
}

static void put_flags(struct jsonout *json, struct bytes flags)
{
	jsonout_array(json, "flags");
	while (flags.n > 0) {
		size_t n = 0;

		while (n < flags.n && flags.p[n] != ' ')
			n++;
		jsonout_text(json, NULL, (struct bytes){flags.p, n});
		flags = bytes_from(flags, n + 1);
	}
	jsonout_end(json);
}

static void put_decoded(struct jsonout *json, const char *key, struct bytes raw)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	mimehead_decode(&text, raw);
	jsonout_text(json, key, buf_view(&text));
	buf_release(&text);
}

static int put_place(
    struct app *app, struct jsonout *json, const struct place *place, struct err *err)
{
	struct catalog_folder folder;

	if (catalog_folder_number(vault_catalog(app->vault), place->folder_number, &folder, err) !=
	    1)
		return -1;
	jsonout_text(json, "account", folder.account);
	jsonout_text(json, "folder", folder.shown);
	jsonout_u64(json, "uid", place->uid);
	return 0;
}

static int put_places(
    struct app *app, struct jsonout *json, const struct places *places, struct err *err)
{
	static const char *const state[] = {[PLACE_PRESENT] = "present",
	    [PLACE_PURGED] = "purged",
	    [PLACE_GONE] = "gone",
	    [PLACE_RETIRED] = "retired"};
	size_t i;
	int result = 0;

	jsonout_array(json, "places");
	for (i = 0; i < places->count; i++) {
		const struct place *place = &places->place[i];

		jsonout_object(json, NULL);
		result |= put_place(app, json, place, err);
		jsonout_u64(json, "uidvalidity", place->uidvalidity);
		jsonout_time(json, "date", place->date_unix);
		put_flags(json, bytes_of(place->flags));
		jsonout_text(json, "state", bytes_of(state[place->state]));
		jsonout_time(json, "since", place->since_unix);
		jsonout_end(json);
	}
	jsonout_end(json);
	return result;
}

int output_json_message(struct app *app, struct jsonout *json,
    const struct catalog_message *message, int64_t place_number, struct err *err)
{
	struct places places = {0};
	const struct place *best;
	int result;

	jsonout_hex(json, "id", &message->id.sum);
	result = catalog_places_of(vault_catalog(app->vault), message->n, keep_place, &places, err);
	best = choose_place(&places, place_number);
	if (result == 0 && best)
		result = put_place(app, json, best, err);
	if (message->has_date)
		jsonout_time(json, "date", message->date_unix);
	else
		jsonout_null(json, "date");
	put_decoded(json, "from", message->from);
	put_decoded(json, "subject", message->subject);
	jsonout_u64(json, "size", message->size_bytes);
	put_flags(json, bytes_of(best ? best->flags : NULL));
	if (result == 0)
		result = put_places(app, json, &places, err);
	release_places(&places);
	return result;
}
