/* Shared by the files of the catalogue only. */
#ifndef ARCHIVER_CATALOG_CATALOG_PRIVATE_H
#define ARCHIVER_CATALOG_CATALOG_PRIVATE_H

#include "archiver/catalog/catalog.h"

#define CATALOG_STATEMENTS 96

/* A statement is made the first time its text is used and kept; texts are string constants,
 * told apart by their address. */
struct catalog_statement {
	const char *text;
	struct sql_stmt *stmt;
};

struct catalog {
	struct sql *sql;
	char *path;
	bool is_building; /* one transaction from open to finish */
	struct catalog_statement statement[CATALOG_STATEMENTS];
	size_t statements;

	/* The texts of the last row of each kind, so that no statement stays open behind it (an
	 * open one would keep the log of the database from being emptied). */
	struct buf kept_message, kept_folder, kept_place;

	/* The folder of the last event: most follow each other. */
	struct buf last_account, last_folder;
	int64_t last_folder_number;

	/* The message of the last mail event: its placed event mostly follows. n 0: none. */
	struct sha256 last_id;
	int64_t last_n;
	bool last_has_date;
	bool has_no_skipped; /* the table of messages that could not be archived is empty */
};

/* Flags as bits, in place.bits, for fast questions. */
#define PLACE_SEEN             1
#define PLACE_FLAGGED          2
#define PLACE_ANSWERED         4
#define PLACE_DRAFT            8
#define PLACE_DELETED          16

#define CATALOG_SCHEMA_VERSION 3
extern const char catalog_schema[];  /* the tables, and the indexes that applying needs */
extern const char catalog_indexes[]; /* the others */

/* The transaction of a batch. */
int catalog_begin(struct catalog *catalog, struct err *err);
int catalog_commit(struct catalog *catalog, struct err *err);
void catalog_rollback(struct catalog *catalog);

/* Copy the texts that views point at into kept (its old content goes), and point them there. */
void catalog_keep(struct buf *kept, struct bytes **views, size_t count);

/* NULL when it cannot be made. The statement is reset and belongs to the catalogue. */
struct sql_stmt *catalog_stmt(struct catalog *catalog, const char *text, struct err *err);

/* ---- applying (catalog_apply.c, catalog_entries.c) ---- */

/* What an event is applied with. */
struct catalog_applying {
	struct catalog *catalog;
	const struct batch_position *end;
	const struct batch_place *place;
	const struct event *next; /* the event behind the one that is applied; NULL at the end */
	int64_t time_unix;        /* of the batch */
};

struct bytes catalog_sum(const struct sha256 *sum);
/* The one number of a statement's row, which is then reset: 1, 0, -1. */
int catalog_ask_number(struct sql_stmt *stmt, int64_t *out, struct err *err);
/* n of a message: 1; 0 unknown, which may be where batches were lost; -1. */
int catalog_number_of(
    const struct catalog_applying *apply, const struct sha256 *id, int64_t *out, struct err *err);
int catalog_set_position(
    struct catalog *catalog, const struct batch_position *end, struct err *err);

int catalog_apply_blob(
    const struct catalog_applying *apply, const struct event *event, struct err *err);
int catalog_apply_mail(
    const struct catalog_applying *apply, const struct event *event, struct err *err);
int catalog_apply_damaged(
    const struct catalog_applying *apply, const struct event *event, struct err *err);
int catalog_apply_expired(
    const struct catalog_applying *apply, const struct event *event, struct err *err);
int catalog_apply_redacted(
    const struct catalog_applying *apply, const struct event *event, struct err *err);

#endif
