/* Shared by the files of the sync only. */
#ifndef ARCHIVER_SYNC_SYNC_PRIVATE_H
#define ARCHIVER_SYNC_SYNC_PRIVATE_H

#include "archiver/sync/sync.h"

#include "archiver/mime/mimehead.h"

struct sync_folder {
	char *name, *shown, *attributes; /* name: the server's bytes */
	size_t name_bytes;
	char delimiter;
	bool has_state;
	struct endpoint_state state;
};

struct sync {
	const struct sync_options *options;
	struct sync_report *report;
	struct endpoint *ep; /* NULL: not connected */
	struct sync_folder *folder;
	size_t folder_count, folder_room;
	struct sync_progress progress;
	struct vault_put *put;
	struct mimehead head;
	uint64_t commit_ms; /* monotonic, of the last commit */
	uint64_t failures;  /* of the connection, in a row */
	bool is_vault_bad;  /* the archive failed, not the server: nothing can go on */
};

struct bytes sync_account_name(const struct sync *sync);
struct bytes sync_folder_name(const struct sync_folder *folder);

/* Log an event, and commit when it is due. A failure is of the archive. */
int sync_log(struct sync *sync, const struct event *event, struct err *err);
int sync_commit_if_due(struct sync *sync, struct err *err);

void sync_problem(
    struct sync *sync, const struct sync_folder *folder, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void sync_show_progress(struct sync *sync);

/* The connection is needed: as it is, or made again. ERR_NETWORK etc. when it cannot be. */
int sync_connect(struct sync *sync, struct err *err);
void sync_disconnect(struct sync *sync);

/* Does the error mean that the connection is lost but a new one may do? */
bool sync_can_reconnect(const struct sync *sync, const struct err *err);

/* Bring one folder up to date (sync_folder.c). ERR_SERVER: only this folder failed. */
int sync_one_folder(struct sync *sync, struct sync_folder *folder, struct err *err);

/* Fetch and place the messages of the selected folder (sync_fetch.c); what cannot be had is
 * listed. wanted is empty at the end unless it fails. */
int sync_fetch(struct sync *sync, const struct sync_folder *folder, uint32_t uidvalidity,
    struct seqset *wanted, struct err *err);

#endif
