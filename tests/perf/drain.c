/* Owns:  the wire: how fast a mailbox can be read when nothing is done with it.
 * Knows: one UID FETCH of everything for each folder; literals are stepped over by length.
 * Never: changes the mailbox: EXAMINE and BODY.PEEK only. */

/* drain [-c CAFILE] [-j CONNECTIONS] URL USER
 *
 * URL is imaps://host:port or imap://host:port (STARTTLS); the password is in IMAP_PASSWORD.
 * With -j each connection takes the next folder that nobody has. Prints one line: messages,
 * bytes as they came out of TLS, folders, seconds, MB/s. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "tests/perf/wire.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_MAX 64
#define FETCH           "UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"

struct drain {
	struct wire_options options;
	char **folder; /* as the server writes them: quoted or not */
	size_t folder_count, folder_room;
	atomic_size_t next;
	atomic_ullong messages, bytes;
};

struct reply {
	uint64_t exists, messages;
	bool is_ok;
};

typedef void line_fn(void *arg, struct bytes line);

/* Send one command and read to its tagged line. */
static struct reply command(struct wire *wire, const char *text, line_fn *on_line, void *arg)
{
	struct reply reply = {0};
	bool is_start = true;
	struct bytes line;
	uint64_t literal;

	wire_format(wire, "d %s\r\n", text);
	for (;;) {
		unsigned long long exists;
		struct bytes first;

		wire_line(wire, &line, true);
		if (is_start && bytes_starts(line, "d ")) {
			reply.is_ok = wire_is_ok(line);
			return reply;
		}
		if (on_line)
			on_line(arg, line);
		if (is_start && line.n > 9 && bytes_starts(line, "* ") &&
		    bytes_is_nocase(bytes_from(line, line.n - 7), " EXISTS")) {
			first = (struct bytes){line.p + 2, line.n - 9};
			if (bytes_u64(first, &exists))
				reply.exists = exists;
		}
		if (memmem(line.p, line.n, "BODY[] ", 7))
			reply.messages++;
		is_start = !wire_literal(line, &literal);
		if (!is_start)
			wire_skip(wire, literal);
	}
}

static bool has_word(struct bytes line, const char *word)
{
	size_t n = strlen(word);

	for (; line.n >= n; line = bytes_from(line, 1))
		if (bytes_starts_nocase(line, word))
			return true;
	return false;
}

/* * LIST (attributes) separator name */
static void take_folder(void *arg, struct bytes line)
{
	struct drain *drain = arg;
	struct bytes rest = line;
	const char *end = memmem(line.p, line.n, ") ", 2);
	uint64_t literal;

	if (!bytes_starts_nocase(line, "* LIST ") || !end)
		return;
	if (wire_literal(line, &literal))
		wire_fail("a folder's name is a literal; not supported here");
	rest = bytes_from(line, (size_t)(end - line.p));
	if (has_word((struct bytes){line.p, line.n - rest.n}, "\\Noselect") ||
	    has_word((struct bytes){line.p, line.n - rest.n}, "\\NonExistent"))
		return;
	end = memchr(rest.p + 2, ' ', rest.n - 2);
	if (!end)
		return;
	rest = bytes_from(rest, (size_t)(end - rest.p) + 1);
	drain->folder = mem_grow(
	    drain->folder, &drain->folder_room, drain->folder_count + 1, sizeof *drain->folder);
	drain->folder[drain->folder_count++] = bytes_string(rest);
}

static void drain_folder(struct drain *drain, struct wire *wire, const char *folder)
{
	char *examine = mem_format("EXAMINE %s", folder);
	struct reply opened = command(wire, examine, NULL, NULL);
	struct reply read = {0};

	free(examine);
	if (!opened.is_ok)
		wire_fail("%s cannot be opened", folder);
	if (opened.exists > 0)
		read = command(wire, FETCH, NULL, NULL);
	if (read.messages != opened.exists)
		wire_fail("%s: %llu messages announced, %llu sent", folder,
		    (unsigned long long)opened.exists, (unsigned long long)read.messages);
	atomic_fetch_add(&drain->messages, read.messages);
}

static void *drain_connection(void *arg)
{
	struct drain *drain = arg;
	struct wire wire;
	size_t i;

	wire_open(&wire, &drain->options);
	while ((i = atomic_fetch_add(&drain->next, 1)) < drain->folder_count)
		drain_folder(drain, &wire, drain->folder[i]);
	command(&wire, "LOGOUT", NULL, NULL);
	atomic_fetch_add(&drain->bytes, wire.received);
	wire_close(&wire);
	return NULL;
}

static void list_folders(struct drain *drain)
{
	struct wire wire;

	wire_open(&wire, &drain->options);
	if (!command(&wire, "LIST \"\" \"*\"", take_folder, drain).is_ok)
		wire_fail("LIST failed");
	command(&wire, "LOGOUT", NULL, NULL);
	wire_close(&wire);
}

static void drain_all(struct drain *drain, size_t connections)
{
	pthread_t thread[CONNECTIONS_MAX];
	size_t i;

	for (i = 0; i < connections; i++)
		if (pthread_create(&thread[i], NULL, drain_connection, drain) != 0)
			wire_fail("no thread");
	for (i = 0; i < connections; i++)
		pthread_join(thread[i], NULL);
}

int main(int argc, char **argv)
{
	struct drain drain = {0};
	unsigned long connections = 1;
	uint64_t start_ms;
	double seconds;
	int option;

	while ((option = getopt(argc, argv, "c:j:")) != -1) {
		if (option == 'c')
			drain.options.ca_file = optarg;
		else if (option == 'j')
			connections = strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (argc - optind != 2 || connections < 1 || connections > CONNECTIONS_MAX) {
		fputs("usage: drain [-c CAFILE] [-j CONNECTIONS] URL USER\n", stderr);
		return 2;
	}
	drain.options.url = argv[optind];
	drain.options.user = argv[optind + 1];
	drain.options.password = wire_password();
	curl_global_init(CURL_GLOBAL_DEFAULT);
	start_ms = clock_monotonic_ms();
	list_folders(&drain);
	drain_all(&drain, connections);
	seconds = (double)(clock_monotonic_ms() - start_ms) / 1e3;
	printf("%llu messages %llu bytes %zu folders %.3f s %.1f MB/s\n", drain.messages,
	    drain.bytes, drain.folder_count, seconds, (double)drain.bytes / seconds / 1e6);
	for (size_t i = 0; i < drain.folder_count; i++)
		free(drain.folder[i]);
	free(drain.folder);
	curl_global_cleanup();
	return 0;
}
