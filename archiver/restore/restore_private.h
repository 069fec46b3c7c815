/* Shared by the files of the restore only. */
#ifndef ARCHIVER_RESTORE_RESTORE_PRIVATE_H
#define ARCHIVER_RESTORE_RESTORE_PRIVATE_H

#include "archiver/restore/restore.h"

#include "archiver/mime/mimehead.h"

/* A message that is wanted on the target. */
struct restore_item {
	struct msg_id id;
	char *folder; /* of the target, as shown */
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
	struct restore_progress progress;
	struct mimehead head;
	bool is_vault_bad;
};

void restore_problem(struct restore *restore, const char *folder, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What the open folder of the target has (restore_match.c). */
int restore_list_target(struct restore *restore, struct restore_target *target, struct err *err);
void restore_target_release(struct restore_target *target);

/* Find the items of one folder among what the target has; each found one stands for one item. */
int restore_match(struct restore *restore, struct restore_target *target, struct bytes folder_name,
    uint32_t uidvalidity, struct restore_item *item, size_t count, struct err *err);

#endif
