/* Owns:  the file of what was downloaded, hour by hour.
 * Knows: which hours still count.
 * Never: fails: a count that is lost stops nobody. */
#include "archiver/endpoint/budget.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_S         3600
#define HOURS          25 /* the one that goes on, and 24 before it: never too few */
#define UNSAVED_BYTES  ((uint64_t)16 << 20)
#define FILE_MAX_BYTES (1u << 20)

struct budget {
	pthread_mutex_t lock;
	char *path, *account;
	uint64_t limit_bytes; /* BUDGET_OF_HOST: not known yet */
	clock_fn now;
	int64_t hour; /* of spent[0]; spent[i] is of i hours before */
	uint64_t spent[HOURS];
	uint64_t unsaved_bytes;
};

/* ---- the hours; the lock is held ---- */

static void turn_to_now(struct budget *budget)
{
	int64_t hour = budget->now() / HOUR_S, by = hour - budget->hour;
	int i;

	/* A clock that was set back: what was spent stays spent. */
	if (by <= 0)
		return;
	for (i = HOURS - 1; i >= 0; i--)
		budget->spent[i] = i >= by ? budget->spent[i - by] : 0;
	budget->hour = hour;
}

static uint64_t sum(const struct budget *budget)
{
	uint64_t all = 0;
	int i;

	for (i = 0; i < HOURS; i++)
		all += budget->spent[i];
	return all;
}

static uint64_t limit(const struct budget *budget)
{
	return budget->limit_bytes == BUDGET_OF_HOST ? 0 : budget->limit_bytes;
}

/* ---- the file ---- */

/* One line, without its LF: 1 when it is of this account, 0 when of another, -1 when of none. */
static int read_line(const struct budget *budget, struct bytes line, int64_t *hour, uint64_t *bytes)
{
	const char *space = line.n ? memchr(line.p, ' ', line.n) : NULL, *next;
	unsigned long long a, b;
	struct bytes rest;

	if (!space)
		return -1;
	rest = bytes_from(line, (size_t)(space - line.p) + 1);
	next = rest.n ? memchr(rest.p, ' ', rest.n) : NULL;
	if (!next || !bytes_u64((struct bytes){rest.p, (size_t)(next - rest.p)}, &a) ||
	    !bytes_u64(bytes_from(rest, (size_t)(next - rest.p) + 1), &b) || a > INT64_MAX / HOUR_S)
		return -1;
	*hour = (int64_t)a;
	*bytes = b;
	return bytes_is((struct bytes){line.p, (size_t)(space - line.p)}, budget->account);
}

static struct bytes take_line(struct bytes *rest)
{
	const char *end = memchr(rest->p, '\n', rest->n);
	struct bytes line = {rest->p, end ? (size_t)(end - rest->p) : rest->n};

	*rest = bytes_from(*rest, line.n + 1);
	return line;
}

static void load(struct budget *budget)
{
	struct bytes rest;
	struct buf text;
	int64_t hour;
	uint64_t bytes;

	buf_init(&text, FILE_MAX_BYTES);
	if (file_read_all(budget->path, &text, NULL) != 0)
		buf_clear(&text);
	for (rest = buf_view(&text); rest.n > 0;) {
		if (read_line(budget, take_line(&rest), &hour, &bytes) != 1)
			continue;
		/* From the future, because the clock was wrong: as if it were now. */
		hour = budget->hour - hour;
		if (hour < HOURS)
			budget->spent[hour < 0 ? 0 : hour] += bytes;
	}
	buf_release(&text);
}

/* The lines of others stay while they count. */
static void keep_others(const struct budget *budget, struct buf *out)
{
	struct bytes rest;
	struct buf text;
	int64_t hour;
	uint64_t bytes;

	buf_init(&text, FILE_MAX_BYTES);
	if (file_read_all(budget->path, &text, NULL) != 0)
		buf_clear(&text);
	for (rest = buf_view(&text); rest.n > 0;) {
		struct bytes line = take_line(&rest);

		if (read_line(budget, line, &hour, &bytes) == 0 && hour > budget->hour - HOURS) {
			buf_bytes(out, line);
			buf_char(out, '\n');
		}
	}
	buf_release(&text);
}

static void save(struct budget *budget)
{
	struct buf text;
	int i;

	budget->unsaved_bytes = 0;
	if (!budget->path || limit(budget) == 0)
		return;
	buf_init(&text, FILE_MAX_BYTES);
	keep_others(budget, &text);
	for (i = HOURS - 1; i >= 0; i--)
		if (budget->spent[i] > 0)
			buf_format(&text, "%s %" PRId64 " %" PRIu64 "\n", budget->account,
			    budget->hour - i, budget->spent[i]);
	if (!text.overflow)
		(void)file_replace(budget->path, buf_view(&text), 0600, NULL);
	buf_release(&text);
}

/* ---- for everybody ---- */

struct budget *budget_open(
    const char *path, const char *account, uint64_t limit_bytes, clock_fn now)
{
	struct budget *budget = mem_zero(1, sizeof *budget);

	pthread_mutex_init(&budget->lock, NULL);
	budget->path = path ? mem_string(path) : NULL;
	budget->account = mem_string(account);
	budget->limit_bytes = limit_bytes;
	budget->now = now;
	budget->hour = now() / HOUR_S;
	if (path && limit_bytes > 0)
		load(budget);
	return budget;
}

void budget_close(struct budget *budget)
{
	if (!budget)
		return;
	if (budget->unsaved_bytes > 0)
		save(budget);
	pthread_mutex_destroy(&budget->lock);
	free(budget->path);
	free(budget->account);
	free(budget);
}

void budget_host_limit(struct budget *budget, uint64_t bytes)
{
	if (!budget)
		return;
	pthread_mutex_lock(&budget->lock);
	if (budget->limit_bytes == BUDGET_OF_HOST && bytes > 0)
		budget->limit_bytes = bytes;
	pthread_mutex_unlock(&budget->lock);
}

void budget_spend(struct budget *budget, uint64_t bytes)
{
	if (!budget)
		return;
	pthread_mutex_lock(&budget->lock);
	turn_to_now(budget);
	budget->spent[0] += bytes;
	budget->unsaved_bytes += bytes;
	if (budget->unsaved_bytes >= UNSAVED_BYTES)
		save(budget);
	pthread_mutex_unlock(&budget->lock);
}

uint64_t budget_limit(struct budget *budget)
{
	uint64_t bytes;

	if (!budget)
		return 0;
	pthread_mutex_lock(&budget->lock);
	bytes = limit(budget);
	pthread_mutex_unlock(&budget->lock);
	return bytes;
}

uint64_t budget_spent(struct budget *budget)
{
	uint64_t bytes;

	if (!budget)
		return 0;
	pthread_mutex_lock(&budget->lock);
	turn_to_now(budget);
	bytes = sum(budget);
	pthread_mutex_unlock(&budget->lock);
	return bytes;
}

uint64_t budget_left(struct budget *budget)
{
	uint64_t most = budget_limit(budget), spent = budget_spent(budget);

	if (most == 0)
		return UINT64_MAX;
	return spent < most ? most - spent : 0;
}

int64_t budget_ready_unix(struct budget *budget)
{
	uint64_t most = budget_limit(budget), spent;
	int64_t now, ready;
	int i;

	if (!budget)
		return 0;
	pthread_mutex_lock(&budget->lock);
	turn_to_now(budget);
	now = ready = budget->now();
	spent = sum(budget);
	/* The oldest hour leaves the window first. */
	for (i = HOURS - 1; most > 0 && i >= 0 && spent >= most; i--) {
		spent -= budget->spent[i];
		ready = (budget->hour - i + HOURS) * HOUR_S;
	}
	pthread_mutex_unlock(&budget->lock);
	return ready > now ? ready : now;
}
