/* The parts of a verification, which several threads carry out.
 *
 *   vault_verify      the director, in the caller's thread: steps through the segments, sums the
 *                     journal, hands out units, tells what was found, by segment and offset
 *   verify_worker     proves the frames of a unit and the messages in them; one for each thread
 *   verify_catalog    makes a second catalogue from the journal and compares; a thread of its own
 *   verify_crew       the threads, and what they share: the queue of units, and the board
 *   verify_plan       which messages stand in which frame
 *
 * Each thread has its own store and connections. Only the crew's lock and the counters of the
 * board are shared. */
#ifndef ARCHIVER_VAULT_VERIFY_PRIVATE_H
#define ARCHIVER_VAULT_VERIFY_PRIVATE_H

#include "archiver/store/scan.h"
#include "archiver/vault/vault_private.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- what was found ---- */

#define VERIFY_BEHIND_ALL UINT32_MAX /* a segment for what is of none */

struct verify_finding {
	uint32_t segment;
	uint64_t at, entry_at;
	enum vault_fault_kind kind;
	int64_t n; /* of the message; 0: none */
	char *what;
};

/* Where all threads write what they found and how far they came. */
struct verify_board {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a unit is done, a thread has ended */
	struct verify_finding *finding;
	size_t findings, finding_room;
	struct err why; /* why it was given up */
	atomic_bool must_stop;
	atomic_uint_fast64_t frames_done, journal_done; /* bytes of segments */
	atomic_uint_fast64_t proven, proven_bytes;
};

void verify_board_init(struct verify_board *board);
void verify_board_release(struct verify_board *board);

/* From any thread. what is copied. */
void verify_find(struct verify_board *board, const struct verify_finding *finding);
void verify_give_up(struct verify_board *board, const struct err *why); /* all threads end */

/* What was found in segments before that one, sorted, for free() with each what; 0 when nothing. */
size_t verify_take_findings(
    struct verify_board *board, uint32_t before, struct verify_finding **out);

/* ---- which messages stand where ---- */

#define VERIFY_PLAN_COUNT (1u << 18) /* extents in memory at once */

/* The extents of the catalogue, sorted by their place, for segments from... up to below "to". */
struct verify_plan {
	struct catalog_extent *extent;
	size_t count, room, next, max_count;
	uint64_t from, to;
};

int verify_plan_load(
    struct verify_plan *plan, struct catalog *catalog, uint32_t from_segment, struct err *err);
void verify_plan_release(struct verify_plan *plan);

/* The next extent, if it stands before that place, or exactly there; else NULL. */
const struct catalog_extent *verify_plan_before(
    struct verify_plan *plan, uint32_t segment, uint64_t at);
const struct catalog_extent *verify_plan_at(
    struct verify_plan *plan, uint32_t segment, uint64_t at);

/* ---- what is handed out ---- */

struct verify_frame {
	struct frame_extent extent; /* file_bytes 0: nobody could step to it */
	size_t first_extent, extents;
};

struct verify_unit {
	uint32_t segment;
	struct verify_frame *frame;
	size_t frames, frame_room;
	struct catalog_extent *extent;
	size_t extents, extent_room;
};

void verify_unit_free(struct verify_unit *unit);

/* ---- who works ---- */

struct verify_worker;

int verify_worker_new(struct verify_worker **out, struct vault *vault, struct verify_board *board,
    size_t kept_frames, struct err *err);
void verify_worker_free(struct verify_worker *worker);
struct catalog *verify_worker_catalog(struct verify_worker *worker);
void verify_work(struct verify_worker *worker, const struct verify_unit *unit);

struct verify_catalog;

int verify_catalog_new(
    struct verify_catalog **out, struct vault *vault, struct verify_board *board, struct err *err);
void verify_catalog_free(struct verify_catalog *check);
struct catalog *verify_catalog_have(struct verify_catalog *check);
void verify_catalog_run(struct verify_catalog *check);

#define VERIFY_QUEUE_UNITS 16

struct verify_thread {
	struct verify_crew *crew;
	struct verify_worker *worker; /* NULL: the one that checks the catalogue */
	pthread_t id;
	bool is_running;
};

struct verify_crew {
	struct verify_board *board;
	struct verify_catalog *catalog;
	/* Called while the director waits; -1: it gives up. */
	int (*tick)(void *arg, struct err *err);
	void *tick_arg;
	struct verify_thread thread[VAULT_VERIFY_THREADS + 1];
	size_t threads, workers;
	/* Under the board's lock: */
	pthread_cond_t has_unit;
	struct verify_unit *queue[VERIFY_QUEUE_UNITS];
	size_t first, queued;
	uint64_t open_units[2]; /* of even and odd segments */
	bool is_catalog_done, is_over;
};

/* workers 0: only the catalogue is checked. verify_crew_end is needed in any case. */
int verify_crew_start(struct verify_crew *crew, struct vault *vault, struct verify_board *board,
    size_t workers, struct err *err);
int verify_crew_put(struct verify_crew *crew, struct verify_unit *unit, struct err *err);
/* Until every unit of that segment is done; units of its neighbours may be open. */
int verify_crew_wait_segment(struct verify_crew *crew, uint32_t segment, struct err *err);
int verify_crew_wait_all(struct verify_crew *crew, struct err *err);
/* catalog: the director's, which is told what the others' connections saw. */
void verify_crew_end(struct verify_crew *crew, struct catalog *catalog);

#endif
