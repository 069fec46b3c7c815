/* Owns:  an archive that is filled and read without any server.
 * Knows: the vault alone: hash, detach, compress, write, catalogue; and back.
 * Never: counts the reading of its input: a batch of files is in memory before the clock runs. */

/* archive put FOLDER ARCHIVE     every file below FOLDER, as one account's INBOX
 * archive make COUNT ARCHIVE     that many small letters, all different
 * archive get COUNT ARCHIVE      that many messages, each from a cold file
 *
 * Each prints one line: messages, bytes, seconds, MB/s of CPU time and of wall time; get the
 * median and the largest time of one message instead. */
#include "archiver/mime/mimehead.h"
#include "archiver/vault/vault.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH_BYTES   (8u << 20)
#define MESSAGE_BYTES (1u << 30)

static _Noreturn void die(const struct err *err)
{
	fprintf(stderr, "archive: %s\n", err->text);
	exit(1);
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- in ---- */

struct filling {
	struct vault *vault;
	struct vault_put *put;
	struct mimehead head;
	uint32_t uid;
	uint64_t bytes;
	double cpu_s, wall_s;
};

static void begin(struct filling *filling, const char *path)
{
	struct vault_options options = {
	    .path = path, .for_writing = true, .may_create = true, .now = clock_now_unix};
	struct err err = {0};

	memset(filling, 0, sizeof *filling);
	if (vault_open(&filling->vault, &options, &err) != 0)
		die(&err);
	filling->put = vault_put_new(filling->vault);
	mimehead_init(&filling->head);
}

static void put(struct filling *filling, struct bytes text, struct err *err)
{
	struct mimehead *head = &filling->head;
	struct event facts = {.kind = EVENT_MAIL};
	struct event placed = {.kind = EVENT_PLACED,
	    .account = BYTES("perf"),
	    .folder = BYTES("INBOX"),
	    .uidvalidity = 1,
	    .flags = BYTES("\\Seen")};
	struct msg_id id;
	bool is_new;

	vault_put_begin(filling->put);
	if (vault_put_add(filling->put, text.p, text.n, err) != 0)
		die(err);
	mimehead_parse(head, vault_put_head(filling->put));
	facts.message_id = buf_view(&head->message_id);
	facts.from = buf_view(&head->from);
	facts.to = buf_view(&head->to);
	facts.cc = buf_view(&head->cc);
	facts.subject = buf_view(&head->subject);
	facts.has_sent = head->has_date;
	facts.sent_unix = head->date_unix;
	placed.date_unix = head->has_date ? head->date_unix : 0;
	if (vault_put_end(filling->put, &facts, placed.date_unix, &id, &is_new, err) != 0)
		die(err);
	placed.uid = ++filling->uid;
	placed.id = id.sum;
	if (vault_log(filling->vault, &placed, err) != 0 ||
	    (vault_is_due(filling->vault) && vault_commit(filling->vault, err) != 0))
		die(err);
	filling->bytes += text.n;
}

/* Messages that lie in memory one behind the other. */
struct heap {
	struct buf text;
	size_t *end;
	size_t count, room;
};

static void put_heap(struct filling *filling, struct heap *heap)
{
	double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), wall = seconds(CLOCK_MONOTONIC);
	struct err err = {0};
	size_t i, at = 0;

	for (i = 0; i < heap->count; at = heap->end[i++])
		put(filling, (struct bytes){heap->text.p + at, heap->end[i] - at}, &err);
	filling->cpu_s += seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	filling->wall_s += seconds(CLOCK_MONOTONIC) - wall;
	buf_clear(&heap->text);
	heap->count = 0;
}

static void end_message(struct filling *filling, struct heap *heap)
{
	heap->end = mem_grow(heap->end, &heap->room, heap->count + 1, sizeof *heap->end);
	heap->end[heap->count++] = heap->text.n;
	if (heap->text.n >= BATCH_BYTES)
		put_heap(filling, heap);
}

static void finish(struct filling *filling, struct heap *heap)
{
	double cpu, wall;
	struct err err = {0};

	put_heap(filling, heap);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), wall = seconds(CLOCK_MONOTONIC);
	if (vault_commit(filling->vault, &err) != 0)
		die(&err);
	filling->cpu_s += seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	filling->wall_s += seconds(CLOCK_MONOTONIC) - wall;
	printf("%u messages, %.1f MB, CPU %.2f s (%.0f MB/s), wall %.2f s (%.0f MB/s)\n",
	    filling->uid, (double)filling->bytes / 1e6, filling->cpu_s,
	    (double)filling->bytes / 1e6 / filling->cpu_s, filling->wall_s,
	    (double)filling->bytes / 1e6 / filling->wall_s);
	vault_put_free(filling->put);
	vault_close(filling->vault);
	mimehead_release(&filling->head);
	buf_release(&heap->text);
	free(heap->end);
}

/* nftw takes no argument of ours. */
static struct filling *visited;
static struct heap *visited_heap;

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct err err = {0};

	(void)st, (void)ftw;
	if (type != FTW_F)
		return 0;
	if (file_read_all(path, &visited_heap->text, &err) != 0)
		die(&err);
	end_message(visited, visited_heap);
	return 0;
}

static void put_folder(const char *folder, const char *archive)
{
	struct filling filling;
	struct heap heap = {0};

	buf_init(&heap.text, BATCH_BYTES + MESSAGE_BYTES);
	begin(&filling, archive);
	visited = &filling;
	visited_heap = &heap;
	if (nftw(folder, visit, 16, FTW_PHYS) != 0)
		perror(folder);
	finish(&filling, &heap);
}

static void make_letters(uint64_t count, const char *archive)
{
	struct filling filling;
	struct heap heap = {0};
	uint64_t i;

	buf_init(&heap.text, BATCH_BYTES + MESSAGE_BYTES);
	begin(&filling, archive);
	for (i = 0; i < count; i++) {
		char date[40];
		time_t sent = (time_t)(1000000000 + i * 600);
		struct tm t;

		gmtime_r(&sent, &t);
		strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &t);
		buf_format(&heap.text,
		    "From: Person %" PRIu64 " <person%" PRIu64 "@example.org>\r\n"
		    "To: Somebody Else <else@example.net>\r\nDate: %s\r\n"
		    "Message-ID: <%" PRIu64 ".%" PRIx64 "@example.org>\r\n"
		    "Subject: letter %" PRIu64 " about matter %" PRIu64 "\r\n"
		    "Content-Type: text/plain; charset=utf-8\r\n\r\n"
		    "This is letter %" PRIu64 ". It says %" PRIx64 " and little else.\r\n",
		    i % 1000, i % 1000, date, i, i * 2654435761u, i, i % 5000, i,
		    i * 0x9e3779b97f4a7c15u);
		end_message(&filling, &heap);
	}
	finish(&filling, &heap);
}

/* ---- out ---- */

static int take(void *arg, const void *data, size_t bytes, struct err *err)
{
	(void)data, (void)err;
	*(uint64_t *)arg += bytes;
	return 0;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double get_one(struct vault *vault, int64_t n, uint64_t *bytes, struct err *err)
{
	struct catalog_message message;
	struct msg_id id;
	double start;

	if (vault_forget_cached(vault, err) != 0)
		die(err);
	start = seconds(CLOCK_MONOTONIC);
	if (catalog_message_n(vault_catalog(vault), n, &message, err) != 1)
		die(err);
	id = message.id;
	if (vault_get(vault, &id, take, bytes, err) != 0)
		die(err);
	return seconds(CLOCK_MONOTONIC) - start;
}

static void get_messages(uint64_t count, const char *archive)
{
	struct vault_options options = {.path = archive, .now = clock_now_unix};
	struct catalog_totals totals;
	struct vault *vault = NULL;
	struct err err = {0};
	double *took = mem_zero(count, sizeof *took);
	uint64_t i, bytes = 0, at = 1;

	if (vault_open(&vault, &options, &err) != 0 ||
	    catalog_totals(vault_catalog(vault), &totals, &err) != 0)
		die(&err);
	for (i = 0; i < count; i++) {
		at = (at * 6364136223846793005u + 1442695040888963407u);
		took[i] = get_one(vault, (int64_t)(1 + (at >> 33) % totals.messages), &bytes, &err);
	}
	qsort(took, count, sizeof *took, by_size);
	printf("%" PRIu64 " messages, %.1f MB, median %.2f ms, 99 %% %.2f ms, most %.2f ms\n",
	    count, (double)bytes / 1e6, took[count / 2] * 1e3, took[count * 99 / 100] * 1e3,
	    took[count - 1] * 1e3);
	vault_close(vault);
	free(took);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "put") == 0)
		put_folder(argv[2], argv[3]);
	else if (argc == 4 && strcmp(argv[1], "make") == 0)
		make_letters(strtoull(argv[2], NULL, 10), argv[3]);
	else if (argc == 4 && strcmp(argv[1], "get") == 0)
		get_messages(strtoull(argv[2], NULL, 10), argv[3]);
	else {
		fputs("usage: archive put FOLDER|make COUNT|get COUNT ARCHIVE\n", stderr);
		return 2;
	}
	return 0;
}
