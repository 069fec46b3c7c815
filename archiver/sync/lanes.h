/* Fetching the messages of one folder over several connections at once.
 *
 * Each lane is a connection with a thread, which receives, decrypts, hashes and detaches; what
 * arrives goes through one bounded queue to the thread that called lanes_fetch, the only one that
 * touches the archive. Which messages a lane asks for next is decided when it asks, so that all are
 * done at about the same time. A command asks for as many messages as are about LANES_ASK_BYTES by
 * what came so far.
 *
 *   lanes = lanes_new(vault, &endpoint_options)
 *   lanes_fetch(lanes, ep, &folder, &uids, &sink, &is_ours, &err)     any number of times
 *   lanes_free(lanes)
 *
 * The first lane's connection is the caller's, lent for the call. Others are opened while it lasts,
 * when there is enough left to ask for and the caller grants one more (sink->grow). That one of
 * those fails ends nothing: what it was asked for did not come, that is all; after LANES_FAILURES
 * of it there is one lane only. */
#ifndef ARCHIVER_SYNC_LANES_H
#define ARCHIVER_SYNC_LANES_H

#include "archiver/endpoint/endpoint.h"
#include "archiver/vault/vault.h"

#define LANES_MAX         8
#define LANES_FAILURES    2
#define LANES_WORTH_COUNT 200 /* messages that are left: one more lane is worth its login */
#define LANES_QUEUE_BYTES (16u << 20)
#define LANES_QUEUE_COUNT 128
#define LANES_ASK_BYTES   (1u << 20) /* of one command, about */
#define LANES_ASK_COUNT   200

struct lanes;

struct lanes_folder {
	struct bytes name;
	uint32_t uidvalidity; /* as the caller's connection has it selected */
};

/* Called by the thread that called lanes_fetch. lane: which one, from 0. */
struct lanes_sink {
	void *arg;
	/* A response about a message; put: its text, complete, or NULL; good during the call. */
	int (*message)(void *arg, unsigned lane, const struct endpoint_message *message,
	    struct vault_put *put, struct err *err);
	/* The server has finished one of the lane's commands (endpoint_sink). */
	int (*batch)(void *arg, unsigned lane, const struct seqset *asked, bool ok,
	    struct bytes reason, struct err *err);
	/* Now and then, with the bytes of texts since the last time; -1 ends the fetch. */
	int (*received)(void *arg, uint64_t bytes, struct err *err);
	/* May there be one connection more? It is given back when it is closed. */
	bool (*grow)(void *arg);
	void (*shrink)(void *arg);
};

struct lanes *lanes_new(struct vault *vault, const struct endpoint_options *endpoint);
void lanes_free(struct lanes *lanes);

/* -1: the error of the sink, or of the caller's connection (which is of use or not as after
 * endpoint_fetch). *is_ours_out: it is the sink's, or that of a temporary file: the server is not
 * to blame. */
int lanes_fetch(struct lanes *lanes, struct endpoint *ep, const struct lanes_folder *folder,
    const struct seqset *uids, const struct lanes_sink *sink, bool *is_ours_out, struct err *err);

/* Why another connection failed, once for each time; NULL when none did since the last call. */
const char *lanes_complaint(struct lanes *lanes);
/* Bytes that its own connections received so far. */
uint64_t lanes_traffic(const struct lanes *lanes);

#endif
