/* Knows: mailcask show. */
#include "app/command.h"
#include "app/output.h"

#include "archiver/mime/mimehead.h"
#include "archiver/mime/mimewalk.h"
#include "archiver/mime/rawfield.h"
#include "index/extract.h"
#include "index/html.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES   (4u << 20)
#define HEADER_BYTES (4u << 20)

static int write_raw(void *arg, const void *data, size_t bytes, struct err *err)
{
	(void)arg, (void)err;
	output_raw((struct bytes){data, bytes});
	return 0;
}

/* The header: up to and with the empty line. */
struct header_taker {
	struct buf text;
	bool is_done;
};

static int take_header(void *arg, const void *data, size_t bytes, struct err *err)
{
	struct header_taker *taker = arg;
	size_t room = taker->text.max_bytes - taker->text.n;
	const char *end;

	(void)err;
	if (taker->is_done)
		return 0;
	buf_add(&taker->text, data, bytes < room ? bytes : room);
	end = memmem(buf_string(&taker->text), taker->text.n, "\r\n\r\n", 4);
	if (!end)
		end = memmem(buf_string(&taker->text), taker->text.n, "\n\n", 2);
	if (end) {
		buf_cut(&taker->text, (size_t)(end - taker->text.p) + 2);
		taker->is_done = true;
	}
	return 0;
}

/* The fields as they stand: name, and value unfolded and decoded. */
static void put_fields(struct jsonout *json, struct bytes header)
{
	struct rawfields fields;
	struct rawfield field;
	struct buf raw, text;

	buf_init(&raw, 2 * HEADER_BYTES);
	buf_init(&text, SIZE_MAX / 2);
	jsonout_array(json, "headers");
	rawfields_start(&fields, header);
	while (rawfields_next(&fields, &field)) {
		buf_clear(&raw);
		buf_clear(&text);
		rawfield_unfold(&raw, field.value, HEADER_BYTES);
		mimehead_decode(&text, buf_view(&raw));
		jsonout_object(json, NULL);
		jsonout_text(json, "name", field.name);
		jsonout_text(json, "value", buf_view(&text));
		jsonout_end(json);
	}
	jsonout_end(json);
	buf_release(&raw);
	buf_release(&text);
}

static void print_fields_json(const struct msg_id *id, struct bytes header)
{
	struct jsonout json;
	struct buf line;

	buf_init(&line, SIZE_MAX / 2);
	jsonout_start(&json, &line);
	jsonout_object(&json, NULL);
	jsonout_hex(&json, "id", &id->sum);
	put_fields(&json, header);
	jsonout_end(&json);
	output_json_line(&line);
	buf_release(&line);
}

static int show_headers(struct app *app, const struct msg_id *id, struct err *err)
{
	struct header_taker taker = {0};
	int result;

	buf_init(&taker.text, HEADER_BYTES);
	result = vault_get(app->vault, id, take_header, &taker, err);
	if (result == 0 && app->json)
		print_fields_json(id, buf_view(&taker.text));
	else if (result == 0)
		output_text(buf_view(&taker.text));
	buf_release(&taker.text);
	return result;
}

static void print_field(const char *name, struct bytes raw)
{
	struct buf text, clean;

	if (raw.n == 0)
		return;
	buf_init(&text, LINE_BYTES);
	buf_init(&clean, LINE_BYTES);
	mimehead_decode(&text, raw);
	printf("%-11s ", name);
	output_text(buf_view(&text));
	putchar('\n');
	buf_release(&text);
	buf_release(&clean);
}

static const char *state_word(enum place_state state)
{
	static const char *const word[] = {[PLACE_PRESENT] = "on the server",
	    [PLACE_GONE] = "gone from the server",
	    [PLACE_PURGED] = "purged from the server by mailcask",
	    [PLACE_RETIRED] = "numbered anew by the server"};

	return word[state];
}

static int print_place(void *arg, const struct catalog_place *place, struct err *err)
{
	struct app *app = arg;
	struct catalog_folder folder;
	char since[CLOCK_ISO_BYTES];

	if (catalog_folder_number(vault_catalog(app->vault), place->folder_number, &folder, err) !=
	    1)
		return -1;
	clock_local(place->since_unix, since);
	printf("%-11s ", "Place:");
	output_text(folder.account);
	putchar(' ');
	output_text(folder.shown);
	printf(", UID %u, %s since %s%s%.*s%s\n", place->uid, state_word(place->state), since,
	    place->flags.n ? " (" : "", (int)place->flags.n, place->flags.p,
	    place->flags.n ? ")" : "");
	return 0;
}

static int print_summary(struct app *app, const struct catalog_message *message, struct err *err)
{
	char hex[SHA256_HEX_BYTES], date[CLOCK_ISO_BYTES], number[OUTPUT_NUMBER_BYTES];

	sha256_hex(&message->id.sum, hex);
	printf("%-11s %s\n", "Id:", hex);
	print_field("From:", message->from);
	print_field("To:", message->to);
	print_field("Cc:", message->cc);
	print_field("Subject:", message->subject);
	if (message->has_sent) {
		clock_local(message->sent_unix, date);
		printf("%-11s %s\n", "Sent:", date);
	}
	if (message->has_date) {
		clock_local(message->date_unix, date);
		printf("%-11s %s\n", "Received:", date);
	}
	printf("%-11s %s bytes\n", "Size:", output_number(message->size_bytes, number));
	return catalog_places_of(vault_catalog(app->vault), message->n, print_place, app, err);
}

static void print_text_json(const struct msg_id *id, struct bytes text)
{
	struct jsonout json;
	struct buf line;

	buf_init(&line, SIZE_MAX / 2);
	jsonout_start(&json, &line);
	jsonout_object(&json, NULL);
	jsonout_hex(&json, "id", &id->sum);
	jsonout_text(&json, "text", text);
	jsonout_end(&json);
	output_json_line(&line);
	buf_release(&line);
}

static int show_text(struct app *app, const struct msg_id *id, struct err *err)
{
	struct extract extract;
	int result;

	extract_init(&extract);
	result = extract_message(&extract, app->vault, id, err);
	if (result == 0 && app->json) {
		print_text_json(id, buf_view(&extract.column[EXTRACT_BODY]));
	} else if (result == 0) {
		output_text(buf_view(&extract.column[EXTRACT_BODY]));
		putchar('\n');
		if (extract.attachments > 0)
			app_note(app, "%" PRIu64 " %s: mailcask attachments ID --save DIR",
			    extract.attachments,
			    output_plural(extract.attachments, "attachment", "attachments"));
	}
	extract_release(&extract);
	return result;
}

static int show_json(struct app *app, const struct catalog_message *message, struct err *err)
{
	struct extract extract;
	struct jsonout json;
	struct buf line;
	struct msg_id id = message->id;
	int64_t n = message->n;
	struct catalog_message again;
	int result;

	extract_init(&extract);
	buf_init(&line, 16u << 20);
	result = extract_message(&extract, app->vault, &id, err);
	if (result == 0 && catalog_message_n(vault_catalog(app->vault), n, &again, err) != 1)
		result = -1;
	if (result == 0) {
		jsonout_start(&json, &line);
		jsonout_object(&json, NULL);
		result = output_json_message(app, &json, &again, 0, err);
		jsonout_u64(&json, "attachments", extract.attachments);
		jsonout_text(&json, "text", buf_view(&extract.column[EXTRACT_BODY]));
		jsonout_end(&json);
		output_json_line(&line);
	}
	buf_release(&line);
	extract_release(&extract);
	return result;
}

static int show(struct app *app, const struct arguments *arguments, struct err *err)
{
	struct catalog_message message;
	struct msg_id id;

	if (app_message(app, arguments->operand[0], &message, err) != 0)
		return -1;
	id = message.id;
	if (argument(&cmd_show, arguments, "raw") && app->json)
		return err_set(err, ERR_USAGE, "--raw gives bytes as they are: not with --json");
	if (argument(&cmd_show, arguments, "raw"))
		return vault_get(app->vault, &id, write_raw, NULL, err);
	if (argument(&cmd_show, arguments, "headers"))
		return show_headers(app, &id, err);
	if (argument(&cmd_show, arguments, "text"))
		return show_text(app, &id, err);
	if (app->json)
		return show_json(app, &message, err);
	if (print_summary(app, &message, err) != 0)
		return -1;
	putchar('\n');
	return show_text(app, &id, err);
}

static int run(struct app *app, const struct arguments *arguments)
{
	struct err err = {0};

	if (app_open_vault(app, false, &err) != 0 || show(app, arguments, &err) != 0)
		return app_fail(app, &err);
	return EXIT_DONE;
}

const struct command cmd_show = {
    .name = "show",
    .operands = "ID",
    .summary = "Show an archived message",
    .details = "ID: the first digits of its id (as search prints it), or its Message-ID.\n"
	       "--raw gives exactly the bytes that the server sent.",
    .example = "mailcask show 3f6a1c09be --raw >message.eml",
    .option = {{"raw", 0, NULL, "the whole message, byte for byte"},
	{"headers", 0, NULL, "its header only"}, {"text", 0, NULL, "its text only"}},
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
