/* Shared by the files of the catalogue only. */
#ifndef ARCHIVER_CATALOG_CATALOG_PRIVATE_H
#define ARCHIVER_CATALOG_CATALOG_PRIVATE_H

#include "archiver/catalog/catalog.h"

#define CATALOG_STATEMENTS 64

/* A statement is made the first time its text is used and kept; texts are string constants,
 * told apart by their address. */
struct catalog_statement {
	const char *text;
	struct sql_stmt *stmt;
};

struct catalog {
	struct sql *sql;
	char *path;
	struct catalog_statement statement[CATALOG_STATEMENTS];
	size_t statements;

	/* The texts of the last row of each kind, so that no statement stays open behind it (an
	 * open one would keep the log of the database from being emptied). */
	struct buf kept_message, kept_folder, kept_place;

	/* The folder of the last event: most follow each other. */
	struct buf last_account, last_folder;
	int64_t last_folder_number;
};

/* Flags as bits, in place.bits, for fast questions. */
#define PLACE_SEEN             1
#define PLACE_FLAGGED          2
#define PLACE_ANSWERED         4
#define PLACE_DRAFT            8
#define PLACE_DELETED          16

#define CATALOG_SCHEMA_VERSION 2
extern const char catalog_schema[];

/* Copy the texts that views point at into kept (its old content goes), and point them there. */
void catalog_keep(struct buf *kept, struct bytes **views, size_t count);

/* NULL when it cannot be made. The statement is reset and belongs to the catalogue. */
struct sql_stmt *catalog_stmt(struct catalog *catalog, const char *text, struct err *err);

#endif
