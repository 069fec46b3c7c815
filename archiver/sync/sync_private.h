/* Shared by the files of the sync only. */
#ifndef ARCHIVER_SYNC_SYNC_PRIVATE_H
#define ARCHIVER_SYNC_SYNC_PRIVATE_H

#include "archiver/sync/known.h"
#include "archiver/sync/lanes.h"
#include "archiver/sync/sync.h"
#include "archiver/sync/views.h"

#include "archiver/mime/mimehead.h"

#include <pthread.h>

struct sync_folder {
	char *name, *shown, *attributes; /* name: the server's bytes */
	size_t name_bytes;
	char delimiter;
	bool has_state;
	bool is_settled; /* was looked at in a survey, and nothing of it is left to do */
	struct endpoint_state state;
	bool is_taken; /* a worker has it, or has done it */
};

/* Which message a server means by a number of its own, by that number. */
struct twin {
	uint64_t account_id;
	uint32_t uid; /* in the folder that has all mail */
};
struct twins {
	bool is_known;
	int64_t folder_number; /* of that folder, in the catalogue */
	uint32_t uidvalidity;
	struct twin *twin;
	size_t count, room;
};

/* What the workers of a sync share: the archive, too. A worker touches it in its turn only, and
 * gives the turn away while it waits for its server (sync_server.c): so it reads like a program
 * without threads, and only a call that asks the server may change what others see. */
struct sync_all {
	const struct sync_options *options;
	struct sync_report *report;
	struct sync_report committed; /* as it stood at the last commit */
	struct twins twins;
	struct views views; /* folders that are left out because of what they are */
	struct sync_folder *folder;
	size_t folder_count, folder_room;
	size_t next; /* folders before it are taken, or not wanted */
	struct sync_progress progress;
	uint64_t commit_ms; /* monotonic, of the last commit */
	uint64_t odd_sizes; /* texts that were not as long as told, and rightly so */
	bool has_new_exceptions;
	bool is_news_bad; /* what the server told as changes was not what changed: it lists again */
	bool is_vault_bad; /* the archive failed, not the server: nothing can go on */
	bool is_over;      /* each worker ends as soon as it can */
	bool has_all_mail; /* in the first folder: it is done alone */
	unsigned connections, most_connections;
	struct sync *worker; /* worker_count of them; the first one is the caller's thread */
	unsigned worker_count;

	pthread_mutex_t lock; /* of the two numbers: turns go in the order of asking */
	pthread_cond_t turned;
	uint64_t asked, turn;
};

/* A worker: a connection that brings one folder after the other up to date. */
struct sync {
	struct sync_all *all;
	const struct sync_options *options;
	struct sync_report *report; /* shared, as all is */
	struct endpoint *ep;        /* NULL: not connected */
	struct lanes *lanes;
	struct mimehead head;
	uint64_t failures;       /* of the connection, in a row, in this folder */
	uint64_t broken_folders; /* given up because of that, in a row, without any message */
	uint64_t placed;         /* messages, by this worker */
	pthread_t thread;
	bool has_thread;
	int result;
	struct err why;
};

/* What of a folder was found out so far. */
struct diff {
	struct sync *sync;
	const struct sync_folder *folder;
	uint32_t uidvalidity;
	struct known known;
	struct seqset wanted;         /* to be fetched */
	struct seqset back;           /* were gone, and are listed again */
	struct seqset doubted;        /* known, and may be other messages now */
	struct seqset damaged;        /* stored copies that cannot be given back */
	struct seqset exceptions;     /* could not be archived by earlier syncs */
	struct catalog_folder cursor; /* as it was (numbers only); listed_unix 0: none */
};

struct bytes sync_account_name(const struct sync *sync);
struct bytes sync_folder_name(const struct sync_folder *folder);

/* Log an event, and commit when it is due. A failure is of the archive. */
int sync_log(struct sync *sync, const struct event *event, struct err *err);
int sync_commit(struct sync *sync, struct err *err);
int sync_commit_if_due(struct sync *sync, struct err *err);

void sync_problem(struct sync *sync, const struct sync_folder *folder, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void sync_show_progress(struct sync *sync);

/* ---- the server (sync_server.c): all but the callbacks of fetch without the turn ---- */

void sync_enter(struct sync_all *all); /* wait for one's turn */
void sync_leave(struct sync_all *all);

/* The connection is needed: as it is, or made again. ERR_NETWORK etc. when it cannot be. */
int sync_connect(struct sync *sync, struct err *err);
void sync_disconnect(struct sync *sync);
/* As the endpoint's, the callbacks with the turn. */
int sync_select(struct sync *sync, const struct sync_folder *folder, struct endpoint_state *out,
    struct err *err);
int sync_scan(
    struct sync *sync, endpoint_identity_fn fn, void *arg, uint64_t *count_out, struct err *err);
int sync_identify(struct sync *sync, const struct seqset *uids, endpoint_identity_fn fn, void *arg,
    struct err *err);
/* lanes_fetch, its sink called with the turn. A failure of ours makes the vault bad. */
int sync_fetch_set(struct sync *sync, const struct lanes_folder *folder, const struct seqset *uids,
    const struct lanes_sink *sink, struct err *err);
bool sync_must_stop(const struct sync *sync);
/* Every worker ends as soon as it can. */
void sync_end_all(struct sync *sync);

/* Does the error mean that the connection is lost but a new one may do? */
bool sync_can_reconnect(const struct sync *sync, const struct err *err);

/* Bring one folder up to date (sync_folder.c). ERR_SERVER: only this folder failed. */
int sync_one_folder(struct sync *sync, struct sync_folder *folder, struct err *err);

/* Is a listing due, whatever the server says of changes (sync_news.c)? Each folder has its
 * moment in every week; a cursor from before the last one is too old. */
bool sync_is_listing_due(const struct sync *sync, const struct catalog_folder *cursor);

/* What a server told of a folder instead of a listing: the folder is opened with it, and what is
 * proven is told again as a listing would be (sync_news.c). */
struct news {
	struct endpoint_news server;
	struct known told;
	struct seqset there; /* every message, as far as it is proven */
	bool is_proven;      /* and diff.known is loaded then */
};
void sync_news_init(struct news *news);
void sync_news_release(struct news *news);
int sync_open(struct diff *diff, struct news *news, struct endpoint_state *state, struct err *err);
int sync_tell_news(
    struct diff *diff, struct news *news, endpoint_identity_fn fn, void *arg, struct err *err);

/* Folders that say nothing of flags, and nothing of anything new, are looked at together
 * (sync_survey.c). Whatever it finds beside flags and deletions is left to sync_one_folder(). */
int sync_survey(struct sync *sync, struct err *err);

/* Could a survey be enough for it? 1, 0, -1. And: settle it with the news of its listing; 0: it
 * cannot be, so it is as if it had not been listed. */
int sync_may_survey(struct sync *sync, const struct sync_folder *folder, struct err *err);
int sync_settle(struct sync *sync, const struct sync_folder *folder, struct news *news,
    const struct endpoint_state *state, struct err *err);

bool sync_wants(const struct sync *sync, const struct sync_folder *folder);

/* Log what is known of the folder as an event. */
struct event sync_place_event(const struct diff *diff, enum event_kind kind);

/* Those that are back, and those that are doubted: which are the messages that the archive has?
 * They are placed again; the others are wanted (sync_recall.c). */
int sync_recall(struct diff *diff, struct err *err);

/* Where folders are labels: those that are wanted and stored already, because they are in the
 * folder with all mail, too, are placed without being fetched (sync_twins.c). */
int sync_place_twins(struct diff *diff, struct err *err);
void sync_twins_release(struct twins *twins);

/* Fetch and place the messages of the selected folder that are wanted (sync_fetch.c); what
 * cannot be had is listed as an exception. What stays in wanted has vanished meanwhile, or is
 * an exception of old that was not tried again this time. */
int sync_fetch(struct diff *diff, struct err *err);

#endif
