/* Owns:  the other connections, their threads, the queue between them and the caller.
 * Knows: who may touch what: a lane its connection and the text it receives; the lock's holder
 *        what is shared; the caller's thread the archive.
 * Never: lets memory grow with what the server sends; waits for a lane that it did not wake. */
#include "archiver/sync/lanes.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIT_MS      200 /* so that progress is shown */
#define FIRST_COUNT  100 /* as long as nobody knows how large messages are */
#define REASON_BYTES 200

enum parcel_kind { PARCEL_MESSAGE, PARCEL_BATCH, PARCEL_END };

/* What a lane hands to the caller. */
struct parcel {
	struct parcel *next;
	enum parcel_kind kind;
	unsigned lane;
	struct endpoint_message message; /* its flags are the parcel's own */
	char *flags;
	struct vault_put *put;
	uint64_t bytes;      /* of its text */
	struct seqset asked; /* of a batch */
	bool ok;
	char reason[REASON_BYTES];
};

struct lane {
	struct lanes *lanes;
	unsigned number;
	pthread_t thread;
	struct endpoint *ep;   /* of lane 0: lent */
	struct vault_put *put; /* of the text that comes now */
	uint64_t text_bytes;
	bool has_text; /* it has ended, its response has not */
	bool is_ours;  /* a failure that is none of the server's */
	int result;
	struct err why;
};

struct lanes {
	struct vault *vault;
	struct endpoint_options endpoint;
	unsigned failures;
	char complaint[ERR_TEXT_BYTES];
	bool has_complaint;
	uint64_t traffic; /* of closed connections */
	struct lane lane[LANES_MAX];

	/* Of the fetch that goes on. */
	const struct lanes_folder *folder;
	const struct seqset *uids;

	pthread_mutex_t lock;
	pthread_cond_t has_come, has_gone;
	/* Under the lock: */
	struct parcel *first, **last; /* the queue */
	size_t count;
	uint64_t bytes;
	struct vault_put *spare[LANES_QUEUE_COUNT];
	size_t spares;
	uint32_t asked;                  /* the last UID that a lane took */
	uint64_t left_count;             /* UIDs behind it */
	uint64_t came_count, came_bytes; /* of this fetch */
	uint64_t received;               /* not told to the sink yet */
	bool is_over;                    /* the caller wants no more */
};

struct lanes *lanes_new(struct vault *vault, const struct endpoint_options *endpoint)
{
	struct lanes *lanes = mem_zero(1, sizeof *lanes);
	pthread_condattr_t clock;
	unsigned i;

	lanes->vault = vault;
	lanes->endpoint = *endpoint;
	lanes->last = &lanes->first;
	for (i = 0; i < LANES_MAX; i++)
		lanes->lane[i] = (struct lane){.lanes = lanes, .number = i};
	pthread_mutex_init(&lanes->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&lanes->has_come, &clock);
	pthread_cond_init(&lanes->has_gone, &clock);
	pthread_condattr_destroy(&clock);
	return lanes;
}

void lanes_free(struct lanes *lanes)
{
	if (!lanes)
		return;
	while (lanes->spares > 0)
		vault_put_free(lanes->spare[--lanes->spares]);
	pthread_cond_destroy(&lanes->has_come);
	pthread_cond_destroy(&lanes->has_gone);
	pthread_mutex_destroy(&lanes->lock);
	free(lanes);
}

uint64_t lanes_traffic(const struct lanes *lanes)
{
	return lanes->traffic;
}

const char *lanes_complaint(struct lanes *lanes)
{
	bool has_complaint = lanes->has_complaint;

	lanes->has_complaint = false;
	return has_complaint ? lanes->complaint : NULL;
}

/* ---- the queue ---- */

static struct vault_put *take_spare(struct lanes *lanes)
{
	struct vault_put *put = NULL;

	pthread_mutex_lock(&lanes->lock);
	if (lanes->spares > 0)
		put = lanes->spare[--lanes->spares];
	pthread_mutex_unlock(&lanes->lock);
	return put ? put : vault_put_new(lanes->vault);
}

static void give_back(struct lanes *lanes, struct vault_put *put)
{
	if (!put)
		return;
	vault_put_trim(put);
	pthread_mutex_lock(&lanes->lock);
	if (lanes->spares < LANES_QUEUE_COUNT) {
		lanes->spare[lanes->spares++] = put;
		put = NULL;
	}
	pthread_mutex_unlock(&lanes->lock);
	vault_put_free(put);
}

static void free_parcel(struct lanes *lanes, struct parcel *parcel)
{
	give_back(lanes, parcel->put);
	seqset_release(&parcel->asked);
	free(parcel->flags);
	free(parcel);
}

/* By a lane. Waits for room, except for the last word. ERR_STOPPED: the caller wants no more. */
static int hand_over(struct lane *lane, struct parcel *parcel, struct err *err)
{
	struct lanes *lanes = lane->lanes;
	bool is_over;

	pthread_mutex_lock(&lanes->lock);
	while (parcel->kind != PARCEL_END && !lanes->is_over && lanes->count > 0 &&
	    (lanes->count >= LANES_QUEUE_COUNT || lanes->bytes + parcel->bytes > LANES_QUEUE_BYTES))
		pthread_cond_wait(&lanes->has_gone, &lanes->lock);
	is_over = lanes->is_over && parcel->kind != PARCEL_END;
	if (!is_over) {
		*lanes->last = parcel;
		lanes->last = &parcel->next;
		lanes->count++;
		lanes->bytes += parcel->bytes;
		pthread_cond_signal(&lanes->has_come);
	}
	pthread_mutex_unlock(&lanes->lock);
	if (!is_over)
		return 0;
	free_parcel(lanes, parcel);
	return err_set(err, ERR_STOPPED, "stopped");
}

/* By the caller: the next parcel; NULL after a while without one. */
static struct parcel *take_parcel(struct lanes *lanes, uint64_t *received_out)
{
	struct parcel *parcel;
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += WAIT_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	pthread_mutex_lock(&lanes->lock);
	if (!lanes->first)
		pthread_cond_timedwait(&lanes->has_come, &lanes->lock, &until);
	parcel = lanes->first;
	if (parcel) {
		lanes->first = parcel->next;
		if (!lanes->first)
			lanes->last = &lanes->first;
		lanes->count--;
		lanes->bytes -= parcel->bytes;
		pthread_cond_broadcast(&lanes->has_gone);
	}
	*received_out = lanes->received;
	lanes->received = 0;
	pthread_mutex_unlock(&lanes->lock);
	return parcel;
}

/* ---- a lane: what its thread does ---- */

static int begin_text(void *arg, uint64_t bytes, struct err *err)
{
	struct lane *lane = arg;

	(void)bytes, (void)err;
	if (!lane->put)
		lane->put = take_spare(lane->lanes);
	vault_put_begin(lane->put);
	lane->has_text = false;
	lane->text_bytes = 0;
	return 0;
}

static int add_text(void *arg, const void *data, size_t bytes, struct err *err)
{
	struct lane *lane = arg;
	struct lanes *lanes = lane->lanes;
	bool is_over;

	if (vault_put_add(lane->put, data, bytes, err) != 0) {
		lane->is_ours = true;
		return -1;
	}
	lane->text_bytes += bytes;
	pthread_mutex_lock(&lanes->lock);
	lanes->received += bytes;
	is_over = lanes->is_over;
	pthread_mutex_unlock(&lanes->lock);
	return is_over ? err_set(err, ERR_STOPPED, "stopped") : 0;
}

static int end_text(void *arg, struct err *err)
{
	struct lane *lane = arg;

	(void)err;
	lane->has_text = true;
	return 0;
}

static void note_size(struct lanes *lanes, uint64_t bytes)
{
	pthread_mutex_lock(&lanes->lock);
	lanes->came_count++;
	lanes->came_bytes += bytes;
	pthread_mutex_unlock(&lanes->lock);
}

static int take_message(void *arg, const struct endpoint_message *message, struct err *err)
{
	struct lane *lane = arg;
	struct parcel *parcel = mem_zero(1, sizeof *parcel);

	parcel->kind = PARCEL_MESSAGE;
	parcel->lane = lane->number;
	parcel->message = *message;
	if (message->has_flags)
		parcel->flags = bytes_string(message->flags);
	parcel->message.flags = (struct bytes){parcel->flags, message->flags.n};
	if (lane->has_text && message->has_body) {
		parcel->put = lane->put;
		parcel->bytes = lane->text_bytes;
		lane->put = NULL;
		note_size(lane->lanes, parcel->bytes);
	}
	lane->has_text = false;
	return hand_over(lane, parcel, err);
}

static int end_batch(
    void *arg, const struct seqset *asked, bool ok, struct bytes reason, struct err *err)
{
	struct lane *lane = arg;
	struct parcel *parcel = mem_zero(1, sizeof *parcel);
	size_t i;

	parcel->kind = PARCEL_BATCH;
	for (i = 0; i < asked->count; i++)
		seqset_add_range(&parcel->asked, asked->range[i].first, asked->range[i].last);
	parcel->lane = lane->number;
	parcel->ok = ok;
	snprintf(parcel->reason, sizeof parcel->reason, "%.*s", (int)reason.n, reason.p);
	return hand_over(lane, parcel, err);
}

/* How many messages one command asks for. Under the lock. */
static uint64_t ask_count(const struct lanes *lanes)
{
	uint64_t count = FIRST_COUNT;

	if (lanes->came_bytes > 0)
		count = LANES_ASK_BYTES * lanes->came_count / lanes->came_bytes;
	else if (lanes->came_count > 0)
		count = LANES_ASK_COUNT;
	return count < 1 ? 1 : count > LANES_ASK_COUNT ? LANES_ASK_COUNT : count;
}

static bool next_to_ask(void *arg, struct seqset *out)
{
	struct lanes *lanes = ((struct lane *)arg)->lanes;
	uint32_t last = 0;

	pthread_mutex_lock(&lanes->lock);
	if (!lanes->is_over)
		last = endpoint_take_uids(lanes->uids, lanes->asked, ask_count(lanes), out);
	if (last > 0) {
		lanes->asked = last;
		lanes->left_count -= seqset_count(out);
	}
	pthread_mutex_unlock(&lanes->lock);
	return last > 0;
}

/* Under the lock it is known to others: give_up. */
static int connect_lane(struct lane *lane, struct err *err)
{
	struct lanes *lanes = lane->lanes;
	struct endpoint *ep;

	if (endpoint_open(&ep, &lanes->endpoint, err) != 0)
		return -1;
	pthread_mutex_lock(&lanes->lock);
	lane->ep = ep;
	pthread_mutex_unlock(&lanes->lock);
	return 0;
}

static int open_lane(struct lane *lane, struct err *err)
{
	const struct lanes_folder *folder = lane->lanes->folder;
	struct endpoint_state state;

	if (!lane->ep && connect_lane(lane, err) != 0)
		return -1;
	if (endpoint_select(lane->ep, folder->name, ENDPOINT_READ, &state, err) != 0)
		return -1;
	if (folder->uidvalidity == 0 || state.uidvalidity == folder->uidvalidity)
		return 0;
	return err_set(err, ERR_PROTOCOL, "the folder was numbered anew while it was read");
}

static void *run(void *arg)
{
	struct lane *lane = arg;
	struct endpoint_source source = {lane, next_to_ask};
	struct endpoint_sink sink = {.arg = lane,
	    .begin = begin_text,
	    .data = add_text,
	    .end = end_text,
	    .message = take_message,
	    .batch = end_batch};
	struct parcel *parcel = mem_zero(1, sizeof *parcel);

	lane->result = lane->number > 0 ? open_lane(lane, &lane->why) : 0;
	if (lane->result == 0)
		lane->result = endpoint_fetch(lane->ep, &source, &sink, &lane->why);
	parcel->kind = PARCEL_END;
	parcel->lane = lane->number;
	(void)hand_over(lane, parcel, NULL);
	return NULL;
}

/* ---- the caller ---- */

static void begin(struct lanes *lanes, const struct lanes_folder *folder, const struct seqset *uids)
{
	lanes->folder = folder;
	lanes->uids = uids;
	lanes->asked = 0;
	lanes->left_count = seqset_count(uids);
	lanes->came_count = lanes->came_bytes = 0;
	lanes->is_over = false;
}

static bool start(struct lane *lane)
{
	lane->has_text = lane->is_ours = false;
	lane->result = 0;
	memset(&lane->why, 0, sizeof lane->why);
	return pthread_create(&lane->thread, NULL, run, lane) == 0;
}

/* Nobody waits for anything any more. */
static void give_up(struct lanes *lanes, unsigned count)
{
	unsigned i;

	pthread_mutex_lock(&lanes->lock);
	lanes->is_over = true;
	pthread_cond_broadcast(&lanes->has_gone);
	/* Connections that are not open yet end by their own timeout. */
	for (i = 0; i < count; i++)
		if (lanes->lane[i].ep)
			endpoint_interrupt(lanes->lane[i].ep);
	pthread_mutex_unlock(&lanes->lock);
}

/* One lane more, when it is worth it and granted. */
static unsigned grow(struct lanes *lanes, unsigned count, const struct lanes_sink *sink)
{
	uint64_t left;

	if (count == LANES_MAX || lanes->failures >= LANES_FAILURES)
		return count;
	pthread_mutex_lock(&lanes->lock);
	left = lanes->is_over ? 0 : lanes->left_count;
	pthread_mutex_unlock(&lanes->lock);
	if (left < LANES_WORTH_COUNT || !sink->grow(sink->arg))
		return count;
	if (start(&lanes->lane[count]))
		return count + 1;
	sink->shrink(sink->arg);
	return count;
}

static int pass_parcel(const struct lanes_sink *sink, const struct parcel *parcel, struct err *err)
{
	if (parcel->kind == PARCEL_MESSAGE)
		return sink->message(sink->arg, parcel->lane, &parcel->message, parcel->put, err);
	if (parcel->kind == PARCEL_BATCH)
		return sink->batch(sink->arg, parcel->lane, &parcel->asked, parcel->ok,
		    bytes_of(parcel->reason), err);
	return 0;
}

/* Until each lane has said its last word. */
static int take_all(
    struct lanes *lanes, unsigned *count, const struct lanes_sink *sink, struct err *err)
{
	unsigned running = *count, before;
	uint64_t received;
	int result = 0;

	while (running > 0) {
		struct parcel *parcel;

		before = *count;
		*count = grow(lanes, before, sink);
		running += *count - before;
		parcel = take_parcel(lanes, &received);
		if (parcel && parcel->kind == PARCEL_END)
			running--;
		if (result == 0) {
			result = sink->received(sink->arg, received, err);
			if (result == 0 && parcel)
				result = pass_parcel(sink, parcel, err);
			if (result != 0)
				give_up(lanes, *count);
		}
		if (parcel)
			free_parcel(lanes, parcel);
	}
	return result;
}

/* A lane has ended, and its own connection is closed. */
static void end_lane(struct lanes *lanes, struct lane *lane, const struct lanes_sink *sink)
{
	uint64_t received, sent;

	pthread_join(lane->thread, NULL);
	give_back(lanes, lane->put);
	lane->put = NULL;
	if (lane->number > 0) {
		if (lane->ep) {
			endpoint_traffic(lane->ep, &received, &sent);
			lanes->traffic += received;
			endpoint_close(lane->ep);
		}
		sink->shrink(sink->arg);
		lanes->failures += lane->result != 0;
		if (lane->result != 0 && !lane->is_ours && lane->why.code != ERR_STOPPED &&
		    lane->why.code != ERR_PAUSED) {
			snprintf(lanes->complaint, sizeof lanes->complaint, "%s", lane->why.text);
			lanes->has_complaint = true;
		}
	}
	lane->ep = NULL;
}

int lanes_fetch(struct lanes *lanes, struct endpoint *ep, const struct lanes_folder *folder,
    const struct seqset *uids, const struct lanes_sink *sink, bool *is_ours_out, struct err *err)
{
	unsigned count = 1, i;
	int result;

	begin(lanes, folder, uids);
	lanes->lane[0].ep = ep;
	*is_ours_out = true;
	if (!start(&lanes->lane[0]))
		return err_set(err, ERR_IO, "no thread can be started");
	result = take_all(lanes, &count, sink, err);
	for (i = 0; i < count; i++) {
		struct lane *lane = &lanes->lane[i];

		end_lane(lanes, lane, sink);
		if (result == 0 && lane->result != 0 && (i == 0 || lane->is_ours)) {
			*is_ours_out = lane->is_ours;
			if (err)
				*err = lane->why;
			result = -1;
		}
	}
	return result;
}
