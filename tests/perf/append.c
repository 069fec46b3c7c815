/* Owns:  the raw limit of writing: how fast a server takes a Maildir++ tree by APPEND.
 * Knows: Maildir names and flags; APPEND, LITERAL+ (RFC 7888), MULTIAPPEND (RFC 3502).
 * Never: times the reading of the files: all are in memory first. */

/* append [-c CAFILE] [-m sync|plus|multi] [-b BATCH] [-w WINDOW] [-p PREFIX] [-s SEPARATOR]
 *        URL USER MAILDIR
 *
 * sync   one APPEND at a time: the command, its "+", the text, its OK
 * plus   LITERAL+, and up to WINDOW commands without an answer (default 1000)
 * multi  MULTIAPPEND with LITERAL+, BATCH messages to a command (default 100)
 *
 * PREFIX stands before the names of all folders but INBOX. Keywords are left out, and empty
 * messages, which Dovecot refuses. The password is in IMAP_PASSWORD. Prints one line: mode,
 * messages, bytes sent, seconds, MB/s, messages/s. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "tests/perf/wire.h"

#include <curl/curl.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX_BYTES (1u << 30)
#define FLAGS_BYTES    64
#define DATE_BYTES     32

enum mode { MODE_SYNC, MODE_PLUS, MODE_MULTI, MODE_COUNT };
static const char *const mode_name[MODE_COUNT] = {"sync", "plus", "multi"};

struct message {
	char *text;
	size_t bytes;
	char flags[FLAGS_BYTES], date[DATE_BYTES];
};

struct folder {
	char *name; /* quoted, for IMAP */
	struct message *message;
	size_t count, room;
};

struct append {
	struct wire wire;
	enum mode mode;
	size_t batch, window;
	const char *prefix;
	char separator;
	struct folder *folder;
	size_t folder_count, folder_room;
	size_t sent, answered, go_ahead; /* commands, their OKs, "+" lines not used */
	size_t messages;
};

static void set_flags(char out[FLAGS_BYTES], const char *name)
{
	static const struct {
		char letter;
		const char *flag;
	} known[] = {{'D', "\\Draft"}, {'F', "\\Flagged"}, {'R', "\\Answered"}, {'S', "\\Seen"},
	    {'T', "\\Deleted"}};
	const char *letters = strstr(name, ":2,");
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; letters && i < sizeof known / sizeof *known; i++)
		if (strchr(letters + 3, known[i].letter))
			n += (size_t)snprintf(
			    out + n, FLAGS_BYTES - n, "%s%s", n ? " " : "", known[i].flag);
}

/* With CRLF line ends, as IMAP wants them. */
static void read_message(struct message *message, const char *path)
{
	struct buf raw, text;
	struct err err = {0};
	size_t i;

	buf_init(&raw, FILE_MAX_BYTES);
	buf_init(&text, 2 * (size_t)FILE_MAX_BYTES);
	if (file_read_all(path, &raw, &err) != 0)
		wire_fail("%s", err.text);
	for (i = 0; i < raw.n; i++) {
		if (raw.p[i] == '\n' && (i == 0 || raw.p[i - 1] != '\r'))
			buf_char(&text, '\r');
		buf_char(&text, raw.p[i]);
	}
	message->bytes = text.n;
	message->text = buf_take(&text);
	buf_release(&raw);
}

static void add_message(struct folder *folder, const char *path, const char *name)
{
	struct message message = {0};
	struct stat st;
	struct tm utc;

	if (stat(path, &st) != 0 || !gmtime_r(&st.st_mtime, &utc))
		wire_fail("%s cannot be read", path);
	strftime(message.date, sizeof message.date, "%d-%b-%Y %H:%M:%S +0000", &utc);
	set_flags(message.flags, name);
	if (st.st_size == 0)
		return;
	read_message(&message, path);
	folder->message =
	    mem_grow(folder->message, &folder->room, folder->count + 1, sizeof *folder->message);
	folder->message[folder->count++] = message;
}

static void add_messages(struct folder *folder, const char *maildir, const char *part)
{
	char *path = file_join(maildir, part);
	DIR *open_folder = opendir(path);
	struct dirent *entry;

	while (open_folder && (entry = readdir(open_folder)) != NULL) {
		char *file;

		if (entry->d_name[0] == '.')
			continue;
		file = file_join(path, entry->d_name);
		add_message(folder, file, entry->d_name);
		free(file);
	}
	if (open_folder)
		closedir(open_folder);
	free(path);
}

/* ".a.b" is the folder a/b; names on the disk are modified UTF-7 already. */
static char *imap_name(const struct append *append, const char *sub)
{
	struct buf name;
	const char *p;

	if (!*sub)
		return mem_string("INBOX");
	buf_init(&name, 4096);
	buf_text(&name, "\"");
	buf_text(&name, append->prefix);
	for (p = sub + 1; *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_char(&name, '\\');
		buf_char(&name, *p == '.' ? append->separator : *p);
	}
	buf_text(&name, "\"");
	return buf_take(&name);
}

static void add_folder(struct append *append, const char *root, const char *sub)
{
	struct folder folder = {.name = imap_name(append, sub)};
	char *maildir = *sub ? file_join(root, sub) : mem_string(root);

	add_messages(&folder, maildir, "cur");
	add_messages(&folder, maildir, "new");
	append->folder = mem_grow(
	    append->folder, &append->folder_room, append->folder_count + 1, sizeof *append->folder);
	append->folder[append->folder_count++] = folder;
	append->messages += folder.count;
	free(maildir);
}

static void read_tree(struct append *append, const char *root)
{
	DIR *tree = opendir(root);
	struct dirent *entry;

	if (!tree)
		wire_fail("%s cannot be read", root);
	add_folder(append, root, "");
	while ((entry = readdir(tree)) != NULL)
		if (entry->d_name[0] == '.' && entry->d_name[1] && strcmp(entry->d_name, "..") != 0)
			add_folder(append, root, entry->d_name);
	closedir(tree);
}

/* Take in what the server has said; with wait at least one line. */
static void hear(struct append *append, bool wait)
{
	struct bytes line;

	while (wire_line(&append->wire, &line, wait)) {
		wait = false;
		if (bytes_starts(line, "+")) {
			append->go_ahead++;
		} else if (bytes_starts(line, "a")) {
			if (!wire_is_ok(line))
				wire_fail("refused: %.*s", (int)line.n, line.p);
			append->answered++;
		} else if (bytes_starts(line, "c")) {
			append->answered++; /* CREATE of what is there is NO */
		} else if (bytes_starts_nocase(line, "* BYE")) {
			wire_fail("refused: %.*s", (int)line.n, line.p);
		}
	}
}

static void settle(struct append *append, size_t unanswered_max)
{
	hear(append, false);
	while (append->sent - append->answered > unanswered_max)
		hear(append, true);
}

static void send_message(struct append *append, const struct message *message)
{
	wire_format(&append->wire, " (%s) \"%s\" {%zu%s}\r\n", message->flags, message->date,
	    message->bytes, append->mode == MODE_SYNC ? "" : "+");
	if (append->mode == MODE_SYNC) {
		while (append->go_ahead == 0)
			hear(append, true);
		append->go_ahead--;
	}
	wire_send(&append->wire, message->text, message->bytes);
}

static void send_folder(struct append *append, const struct folder *folder)
{
	size_t batch = append->mode == MODE_MULTI ? append->batch : 1;

	wire_format(&append->wire, "c CREATE %s\r\n", folder->name);
	append->sent++;
	settle(append, 0);
	for (size_t i = 0; i < folder->count; i++) {
		if (i % batch == 0) {
			wire_format(&append->wire, "a APPEND %s", folder->name);
			append->sent++;
		}
		send_message(append, &folder->message[i]);
		if ((i + 1) % batch == 0 || i + 1 == folder->count)
			wire_send(&append->wire, "\r\n", 2);
		settle(append, append->mode == MODE_SYNC ? 0 : append->window);
	}
	settle(append, 0);
}

static void release(struct append *append)
{
	for (size_t i = 0; i < append->folder_count; i++) {
		struct folder *folder = &append->folder[i];

		for (size_t k = 0; k < folder->count; k++)
			free(folder->message[k].text);
		free(folder->message);
		free(folder->name);
	}
	free(append->folder);
}

static bool set_option(
    struct append *append, struct wire_options *options, int option, const char *value)
{
	switch (option) {
	case 'c':
		options->ca_file = value;
		return true;
	case 'm':
		append->mode = MODE_SYNC;
		while (append->mode < MODE_COUNT && strcmp(value, mode_name[append->mode]) != 0)
			append->mode++;
		return append->mode < MODE_COUNT;
	case 'b':
		append->batch = strtoul(value, NULL, 10);
		return append->batch > 0;
	case 'w':
		append->window = strtoul(value, NULL, 10);
		return append->window > 0;
	case 'p':
		append->prefix = value;
		return true;
	case 's':
		append->separator = *value;
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	struct append append = {
	    .mode = MODE_PLUS, .batch = 100, .window = 1000, .prefix = "", .separator = '/'};
	struct wire_options options = {.password = wire_password()};
	bool is_good = true;
	uint64_t start_ms;
	double seconds;
	int option;

	while ((option = getopt(argc, argv, "c:m:b:w:p:s:")) != -1)
		is_good = set_option(&append, &options, option, optarg) && is_good;
	if (!is_good || argc - optind != 3) {
		fputs("usage: append [-c CAFILE] [-m sync|plus|multi] [-b BATCH] [-w WINDOW]\n"
		      "              [-p PREFIX] [-s SEPARATOR] URL USER MAILDIR\n",
		    stderr);
		return 2;
	}
	options.url = argv[optind];
	options.user = argv[optind + 1];
	read_tree(&append, argv[optind + 2]);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	start_ms = clock_monotonic_ms();
	wire_open(&append.wire, &options);
	for (size_t i = 0; i < append.folder_count; i++)
		send_folder(&append, &append.folder[i]);
	seconds = (double)(clock_monotonic_ms() - start_ms) / 1e3;
	printf("%s %zu messages %llu bytes %.3f s %.1f MB/s %.0f messages/s\n",
	    mode_name[append.mode], append.messages, (unsigned long long)append.wire.sent, seconds,
	    (double)append.wire.sent / seconds / 1e6, (double)append.messages / seconds);
	wire_close(&append.wire);
	release(&append);
	curl_global_cleanup();
	return 0;
}
