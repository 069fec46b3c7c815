/* Owns:  the turns of the workers, and a worker's connection.
 * Knows: that the archive is free for others while a worker waits for its server.
 * Never: asks the server in its turn; touches the archive out of it. */
#include "archiver/sync/sync_private.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define SCAN_AT_ONCE   500
#define SCAN_TEXT_ROOM (SCAN_AT_ONCE * 64)

/* In the order of asking: a worker that stores one message after the other must not keep the
 * others waiting. */
void sync_enter(struct sync_all *all)
{
	uint64_t mine;

	pthread_mutex_lock(&all->lock);
	mine = all->asked++;
	while (all->turn != mine)
		pthread_cond_wait(&all->turned, &all->lock);
	pthread_mutex_unlock(&all->lock);
}

void sync_leave(struct sync_all *all)
{
	pthread_mutex_lock(&all->lock);
	all->turn++;
	if (all->turn != all->asked)
		pthread_cond_broadcast(&all->turned);
	pthread_mutex_unlock(&all->lock);
}

bool sync_must_stop(const struct sync *sync)
{
	return sync->all->is_over || (sync->options->stop && *sync->options->stop);
}

void sync_end_all(struct sync *sync)
{
	struct sync_all *all = sync->all;
	unsigned i;

	all->is_over = true;
	for (i = 0; i < all->worker_count; i++)
		if (&all->worker[i] != sync && all->worker[i].ep)
			endpoint_interrupt(all->worker[i].ep);
}

/* ---- the connection ---- */

void sync_disconnect(struct sync *sync)
{
	struct endpoint *ep = sync->ep;
	uint64_t received, sent;

	if (!ep)
		return;
	endpoint_traffic(ep, &received, &sent);
	sync->report->bytes_fetched += received;
	sync->ep = NULL;
	sync_leave(sync->all);
	endpoint_close(ep);
	sync_enter(sync->all);
	sync->all->connections--;
}

int sync_connect(struct sync *sync, struct err *err)
{
	struct endpoint_options options = sync->options->endpoint;
	struct endpoint *ep = NULL;
	int result;

	if (sync->ep)
		return 0;
	if (sync_must_stop(sync))
		return err_set(err, ERR_STOPPED, "stopped");
	options.wants_news = true;
	sync->all->connections++;
	sync_leave(sync->all);
	result = endpoint_open(&ep, &options, err);
	sync_enter(sync->all);
	sync->ep = ep;
	if (result != 0)
		sync->all->connections--;
	return result;
}

int sync_select(struct sync *sync, const struct sync_folder *folder, struct endpoint_state *out,
    struct err *err)
{
	int result;

	sync_leave(sync->all);
	result = endpoint_select(sync->ep, sync_folder_name(folder), ENDPOINT_READ, out, err);
	sync_enter(sync->all);
	return result;
}

/* ---- listing ---- */

/* What was listed and not passed on yet: the turn is taken once for many. */
struct scan {
	struct sync *sync;
	endpoint_identity_fn fn;
	void *arg;
	struct endpoint_identity item[SCAN_AT_ONCE];
	size_t count;
	struct buf flags; /* of all of them */
};

static int pass_on(struct scan *scan, struct err *err)
{
	const char *flags = scan->flags.p;
	int result = 0;
	size_t i;

	sync_enter(scan->sync->all);
	if (sync_must_stop(scan->sync))
		result = err_set(err, ERR_STOPPED, "stopped");
	for (i = 0; result == 0 && i < scan->count; i++) {
		scan->item[i].flags.p = flags;
		flags += scan->item[i].flags.n;
		result = scan->fn(scan->arg, &scan->item[i], err);
	}
	sync_leave(scan->sync->all);
	scan->count = 0;
	buf_clear(&scan->flags);
	return result;
}

static int keep_listed(void *arg, const struct endpoint_identity *listed, struct err *err)
{
	struct scan *scan = arg;

	buf_bytes(&scan->flags, listed->flags);
	scan->item[scan->count++] = *listed;
	return scan->count == SCAN_AT_ONCE || scan->flags.n > SCAN_TEXT_ROOM ? pass_on(scan, err)
									     : 0;
}

int sync_scan(
    struct sync *sync, endpoint_identity_fn fn, void *arg, uint64_t *count_out, struct err *err)
{
	struct scan *scan = mem_zero(1, sizeof *scan);
	int result;

	scan->sync = sync;
	scan->fn = fn;
	scan->arg = arg;
	buf_init(&scan->flags, SIZE_MAX / 2);
	sync_leave(sync->all);
	result = endpoint_scan(sync->ep, keep_listed, scan, count_out, err);
	if (result == 0 && scan->count > 0)
		result = pass_on(scan, err);
	sync_enter(sync->all);
	buf_release(&scan->flags);
	free(scan);
	return result;
}

struct identify {
	struct sync *sync;
	endpoint_identity_fn fn;
	void *arg;
};

static int pass_identity(void *arg, const struct endpoint_identity *identity, struct err *err)
{
	struct identify *identify = arg;
	int result;

	sync_enter(identify->sync->all);
	result = identify->fn(identify->arg, identity, err);
	sync_leave(identify->sync->all);
	return result;
}

int sync_identify(struct sync *sync, const struct seqset *uids, endpoint_identity_fn fn, void *arg,
    struct err *err)
{
	struct identify identify = {sync, fn, arg};
	int result;

	sync_leave(sync->all);
	result = endpoint_identify(sync->ep, uids, pass_identity, &identify, err);
	sync_enter(sync->all);
	return result;
}

/* ---- fetching ---- */

struct fetching {
	struct sync *sync;
	const struct lanes_sink *sink;
};

static int pass_message(void *arg, unsigned lane, const struct endpoint_message *message,
    struct vault_put *put, struct err *err)
{
	struct fetching *fetching = arg;
	int result;

	sync_enter(fetching->sync->all);
	result = fetching->sink->message(fetching->sink->arg, lane, message, put, err);
	sync_leave(fetching->sync->all);
	return result;
}

static int pass_batch(void *arg, unsigned lane, const struct seqset *asked, bool ok,
    struct bytes reason, struct err *err)
{
	struct fetching *fetching = arg;
	int result;

	sync_enter(fetching->sync->all);
	result = fetching->sink->batch(fetching->sink->arg, lane, asked, ok, reason, err);
	sync_leave(fetching->sync->all);
	return result;
}

static int pass_received(void *arg, uint64_t bytes, struct err *err)
{
	struct fetching *fetching = arg;
	struct sync_all *all = fetching->sync->all;
	int result = 0;

	sync_enter(all);
	if (all->is_over)
		result = err_set(err, ERR_STOPPED, "stopped");
	else if (bytes > 0)
		result = fetching->sink->received(fetching->sink->arg, bytes, err);
	sync_leave(all);
	return result;
}

static bool grow(void *arg)
{
	struct sync *sync = ((struct fetching *)arg)->sync;
	bool may;

	sync_enter(sync->all);
	may = sync->all->connections < sync->all->most_connections;
	sync->all->connections += may;
	sync_leave(sync->all);
	return may;
}

static void shrink(void *arg)
{
	struct sync_all *all = ((struct fetching *)arg)->sync->all;

	sync_enter(all);
	all->connections--;
	sync_leave(all);
}

int sync_fetch_set(struct sync *sync, const struct lanes_folder *folder, const struct seqset *uids,
    const struct lanes_sink *sink, struct err *err)
{
	struct fetching fetching = {sync, sink};
	struct lanes_sink outer = {.arg = &fetching,
	    .message = pass_message,
	    .batch = pass_batch,
	    .received = pass_received,
	    .grow = grow,
	    .shrink = shrink};
	bool is_ours;
	int result;

	sync_leave(sync->all);
	result = lanes_fetch(sync->lanes, sync->ep, folder, uids, &outer, &is_ours, err);
	sync_enter(sync->all);
	/* What another worker ended is no failure of the archive. */
	sync->all->is_vault_bad |= result != 0 && is_ours && !sync->all->is_over;
	return result;
}
