/* Shared by the files of the restore only. */
#ifndef ARCHIVER_RESTORE_RESTORE_PRIVATE_H
#define ARCHIVER_RESTORE_RESTORE_PRIVATE_H

#include "archiver/restore/restore.h"

#include "archiver/mime/mimehead.h"

/* A folder of the archive, and where its messages go. */
struct restore_folder {
	int64_t number;
	char *account, *own_name, *own_shown;
	char *shown;          /* of the target */
	char *name;           /* the same as its server writes it; "": it cannot have such a one */
	bool is_target;       /* of the target account itself */
	bool is_below_prefix; /* put there by a restore like this one */
};

/* A message that is wanted on the target. */
struct restore_item {
	struct msg_id id;
	const char *folder; /* of the target, as shown */
	const struct restore_folder *source;
	char *flags;
	char *message_id;
	size_t message_id_bytes;
	int64_t date_unix;
	uint64_t size_bytes;
	bool is_there;     /* found on the target, or put there */
	bool was_put;      /* by this run */
	bool is_ambiguous; /* another wanted message has its Message-ID and size */
	bool is_refused;
	uint32_t uid; /* on the target; 0: not known */

	/* Its place, for the choice of what is wanted. */
	int64_t place_number;
	uint32_t own_uidvalidity, own_uid;
	bool is_own; /* on the target itself when that was synced, and would stay where it is */
	bool is_surplus;
};

/* A message that the target has. */
struct restore_found {
	uint32_t uid;
	char *message_id;
	size_t message_id_bytes;
	int64_t date_unix;
	uint64_t size_bytes;
	bool is_told;  /* false: it is there, but the server does not say what it is */
	bool is_taken; /* stands for an item */
};

struct restore_target {
	struct restore_found *found;   /* by Message-ID and size */
	struct restore_found **by_uid; /* the same, by UID */
	size_t count, room;
};

struct restore {
	const struct restore_options *options;
	struct restore_report *report;
	struct catalog *catalog;
	struct endpoint *ep;
	struct restore_item *item; /* by target folder */
	size_t item_count, item_room;
	struct restore_folder **folder;
	size_t folder_count, folder_room;
	struct restore_progress progress;
	struct mimehead head;
	bool is_vault_bad;
	bool is_opening; /* a folder */
};

void restore_problem(struct restore *restore, const char *folder, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Do work with a connection, again with another one when it breaks. When it fails all the same,
 * the connection is there if it was the work that failed. */
typedef int (*restore_work)(struct restore *restore, void *arg, struct err *err);
int restore_connected(struct restore *restore, restore_work work, void *arg, struct err *err);

/* What is wanted, sorted by target folder (restore_sources.c). */
int restore_gather(struct restore *restore, struct err *err);
bool restore_same_folder(const struct restore_item *a, const struct restore_item *b);
void restore_item_release(struct restore_item *item);
void restore_folder_free(struct restore_folder *folder);

/* What the open folder of the target has (restore_match.c). */
int restore_list_target(struct restore *restore, struct restore_target *target, struct err *err);
void restore_target_release(struct restore_target *target);

/* Find the items of one folder among what the target has; each found one stands for one item. */
int restore_match(struct restore *restore, struct restore_target *target, struct bytes folder_name,
    uint32_t uidvalidity, struct restore_item *item, size_t count, struct err *err);

#endif
