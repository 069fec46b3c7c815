/* Shared by the files of the sync only. */
#ifndef ARCHIVER_SYNC_SYNC_PRIVATE_H
#define ARCHIVER_SYNC_SYNC_PRIVATE_H

#include "archiver/sync/known.h"
#include "archiver/sync/sync.h"
#include "archiver/sync/views.h"

#include "archiver/mime/mimehead.h"

struct sync_folder {
	char *name, *shown, *attributes; /* name: the server's bytes */
	size_t name_bytes;
	char delimiter;
	bool has_state;
	struct endpoint_state state;
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

struct sync {
	const struct sync_options *options;
	struct sync_report *report;
	struct sync_report committed; /* as it stood at the last commit */
	struct endpoint *ep;          /* NULL: not connected */
	struct twins twins;
	struct views views; /* folders that are left out because of what they are */
	struct sync_folder *folder;
	size_t folder_count, folder_room;
	struct sync_progress progress;
	struct vault_put *put;
	struct mimehead head;
	uint64_t commit_ms;      /* monotonic, of the last commit */
	uint64_t odd_sizes;      /* texts that were not as long as told, and rightly so */
	uint64_t failures;       /* of the connection, in a row, in this folder */
	uint64_t broken_folders; /* given up because of that, in a row, without any message */
	bool has_new_exceptions;
	bool is_vault_bad; /* the archive failed, not the server: nothing can go on */
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

/* The connection is needed: as it is, or made again. ERR_NETWORK etc. when it cannot be. */
int sync_connect(struct sync *sync, struct err *err);
void sync_disconnect(struct sync *sync);

/* Does the error mean that the connection is lost but a new one may do? */
bool sync_can_reconnect(const struct sync *sync, const struct err *err);

/* Bring one folder up to date (sync_folder.c). ERR_SERVER: only this folder failed. */
int sync_one_folder(struct sync *sync, struct sync_folder *folder, struct err *err);

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
