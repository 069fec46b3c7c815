/* Owns:  the threads of a verification, their queue, and the board where they write.
 * Knows: how much may be under way at once, so that memory stays flat.
 * Never: calls back into the program from a thread that is not the caller's. */
#include "archiver/vault/verify_private.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TICK_NS     50000000
#define SECOND_NS   1000000000
#define KEPT_FRAMES 8 /* with blobs, by all workers together */

/* ---- the board ---- */

void verify_board_init(struct verify_board *board)
{
	memset(board, 0, sizeof *board);
	pthread_mutex_init(&board->lock, NULL);
	pthread_cond_init(&board->changed, NULL);
}

static void free_findings(struct verify_finding *finding, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		free(finding[i].what);
	free(finding);
}

void verify_board_release(struct verify_board *board)
{
	free_findings(board->finding, board->findings);
	pthread_cond_destroy(&board->changed);
	pthread_mutex_destroy(&board->lock);
}

void verify_find(struct verify_board *board, const struct verify_finding *finding)
{
	struct verify_finding *mine;

	pthread_mutex_lock(&board->lock);
	board->finding = mem_grow(
	    board->finding, &board->finding_room, board->findings + 1, sizeof *board->finding);
	mine = &board->finding[board->findings++];
	*mine = *finding;
	mine->what = mem_string(finding->what);
	pthread_mutex_unlock(&board->lock);
}

void verify_give_up(struct verify_board *board, const struct err *why)
{
	pthread_mutex_lock(&board->lock);
	if (board->why.code == ERR_NONE)
		board->why = *why;
	board->must_stop = true;
	pthread_mutex_unlock(&board->lock);
}

/* The words decide last, so that the order does not depend on the threads. */
static int by_place(const void *a, const void *b)
{
	const struct verify_finding *x = a, *y = b;

	if (x->segment != y->segment)
		return x->segment < y->segment ? -1 : 1;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->entry_at != y->entry_at)
		return x->entry_at < y->entry_at ? -1 : 1;
	return strcmp(x->what, y->what);
}

size_t verify_take_findings(
    struct verify_board *board, uint32_t before, struct verify_finding **out)
{
	size_t i, count = 0;

	*out = NULL;
	pthread_mutex_lock(&board->lock);
	if (board->findings > 0)
		qsort(board->finding, board->findings, sizeof *board->finding, by_place);
	while (count < board->findings && board->finding[count].segment < before)
		count++;
	/* Behind all stands what is of no segment. */
	if (before == VERIFY_BEHIND_ALL)
		count = board->findings;
	if (count > 0)
		*out = mem_alloc(count * sizeof **out);
	for (i = 0; i < count; i++)
		(*out)[i] = board->finding[i];
	board->findings -= count;
	if (board->findings > 0)
		memmove(board->finding, board->finding + count,
		    board->findings * sizeof *board->finding);
	pthread_mutex_unlock(&board->lock);
	return count;
}

/* ---- units ---- */

void verify_unit_free(struct verify_unit *unit)
{
	if (!unit)
		return;
	free(unit->frame);
	free(unit->extent);
	free(unit);
}

/* NULL when there will be no more. */
static struct verify_unit *next_unit(struct verify_crew *crew)
{
	struct verify_unit *unit = NULL;

	pthread_mutex_lock(&crew->board->lock);
	while (crew->queued == 0 && !crew->is_over)
		pthread_cond_wait(&crew->has_unit, &crew->board->lock);
	if (crew->queued > 0) {
		unit = crew->queue[crew->first];
		crew->first = (crew->first + 1) % VERIFY_QUEUE_UNITS;
		crew->queued--;
	}
	pthread_mutex_unlock(&crew->board->lock);
	return unit;
}

static void end_unit(struct verify_crew *crew, struct verify_unit *unit)
{
	pthread_mutex_lock(&crew->board->lock);
	crew->open_units[unit->segment & 1]--;
	pthread_cond_signal(&crew->board->changed);
	pthread_mutex_unlock(&crew->board->lock);
	verify_unit_free(unit);
}

static void *run_worker(void *arg)
{
	struct verify_thread *thread = arg;
	struct verify_unit *unit;

	while ((unit = next_unit(thread->crew))) {
		verify_work(thread->worker, unit); /* after a stop it does nothing */
		end_unit(thread->crew, unit);
	}
	return NULL;
}

static void *run_catalog(void *arg)
{
	struct verify_crew *crew = ((struct verify_thread *)arg)->crew;

	verify_catalog_run(crew->catalog);
	pthread_mutex_lock(&crew->board->lock);
	crew->is_catalog_done = true;
	pthread_cond_signal(&crew->board->changed);
	pthread_mutex_unlock(&crew->board->lock);
	return NULL;
}

/* ---- threads ---- */

static int start_thread(struct verify_crew *crew, struct verify_worker *worker, struct err *err)
{
	struct verify_thread *thread = &crew->thread[crew->threads];
	int code;

	thread->crew = crew;
	thread->worker = worker;
	crew->threads++;
	code = pthread_create(&thread->id, NULL, worker ? run_worker : run_catalog, thread);
	thread->is_running = code == 0;
	return code == 0 ? 0 : err_os(err, code, "cannot start a thread");
}

/* All is made before anybody runs: so what fails, fails here. */
int verify_crew_start(struct verify_crew *crew, struct vault *vault, struct verify_board *board,
    size_t workers, struct err *err)
{
	struct verify_worker *worker;
	size_t kept = KEPT_FRAMES / (workers > 0 ? workers : 1), i;

	crew->board = board;
	crew->workers = workers;
	pthread_cond_init(&crew->has_unit, NULL);
	if (verify_catalog_new(&crew->catalog, vault, board, err) != 0 ||
	    start_thread(crew, NULL, err) != 0)
		return -1;
	for (i = 0; i < workers; i++)
		if (verify_worker_new(&worker, vault, board, kept, err) != 0 ||
		    start_thread(crew, worker, err) != 0)
			return -1;
	return 0;
}

/* Let the threads work for a moment. Called and left with the lock. */
static int wait_a_moment(struct verify_crew *crew, struct err *err)
{
	struct verify_board *board = crew->board;
	struct timespec until;
	int result;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += TICK_NS;
	if (until.tv_nsec >= SECOND_NS) {
		until.tv_nsec -= SECOND_NS;
		until.tv_sec++;
	}
	if (!board->must_stop)
		pthread_cond_clockwait(&board->changed, &board->lock, CLOCK_MONOTONIC, &until);
	if (board->must_stop)
		return vault_pass_on(&board->why, err);
	pthread_mutex_unlock(&board->lock);
	result = crew->tick(crew->tick_arg, err);
	pthread_mutex_lock(&board->lock);
	return result;
}

int verify_crew_put(struct verify_crew *crew, struct verify_unit *unit, struct err *err)
{
	int result = 0;

	pthread_mutex_lock(&crew->board->lock);
	while (result == 0 && crew->queued == VERIFY_QUEUE_UNITS)
		result = wait_a_moment(crew, err);
	if (result == 0) {
		crew->queue[(crew->first + crew->queued++) % VERIFY_QUEUE_UNITS] = unit;
		crew->open_units[unit->segment & 1]++;
		pthread_cond_signal(&crew->has_unit);
	}
	pthread_mutex_unlock(&crew->board->lock);
	if (result != 0)
		verify_unit_free(unit);
	return result;
}

int verify_crew_wait_segment(struct verify_crew *crew, uint32_t segment, struct err *err)
{
	int result = 0;

	pthread_mutex_lock(&crew->board->lock);
	while (result == 0 && crew->open_units[segment & 1] > 0)
		result = wait_a_moment(crew, err);
	pthread_mutex_unlock(&crew->board->lock);
	return result;
}

int verify_crew_wait_all(struct verify_crew *crew, struct err *err)
{
	int result = 0;

	pthread_mutex_lock(&crew->board->lock);
	while (result == 0 &&
	    (crew->open_units[0] > 0 || crew->open_units[1] > 0 || !crew->is_catalog_done))
		result = wait_a_moment(crew, err);
	if (result == 0 && crew->board->must_stop)
		result = vault_pass_on(&crew->board->why, err);
	pthread_mutex_unlock(&crew->board->lock);
	return result;
}

/* What one connection saw holds for the file: who closes the archive cures it. */
static void pass_on_damage(struct catalog *from, struct catalog *to)
{
	if (from && sql_saw_damage(catalog_sql(from)))
		sql_note_damage(catalog_sql(to));
}

void verify_crew_end(struct verify_crew *crew, struct catalog *catalog)
{
	size_t i;

	if (!crew->board)
		return;
	pthread_mutex_lock(&crew->board->lock);
	crew->is_over = true;
	crew->board->must_stop = true; /* when all went well there is nothing left to stop */
	pthread_cond_broadcast(&crew->has_unit);
	pthread_mutex_unlock(&crew->board->lock);
	for (i = 0; i < crew->threads; i++) {
		if (crew->thread[i].is_running)
			pthread_join(crew->thread[i].id, NULL);
		if (crew->thread[i].worker)
			pass_on_damage(verify_worker_catalog(crew->thread[i].worker), catalog);
		verify_worker_free(crew->thread[i].worker);
	}
	if (crew->catalog)
		pass_on_damage(verify_catalog_have(crew->catalog), catalog);
	verify_catalog_free(crew->catalog);
	pthread_cond_destroy(&crew->has_unit);
}
