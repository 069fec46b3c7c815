/* What of a message is searched: its text by columns, as UTF-8.
 *
 *   extract_init(&extract)
 *   extract_message(&extract, vault, &id, &err)      forgets the message before
 *   extract.column[EXTRACT_BODY] ...
 *   extract_release(&extract)
 *
 * Broken or hostile mail gives less text, never an error; only an archive that cannot be read
 * is one. Each column is cut at EXTRACT_COLUMN_BYTES, and all where they have more different
 * words than a vocabulary holds (is_cut says so). */
#ifndef INDEX_EXTRACT_H
#define INDEX_EXTRACT_H

#include "archiver/vault/vault.h"

#include "base/buf.h"
#include "base/err.h"

#define EXTRACT_COLUMN_BYTES (4u << 20)

/* The columns of the full-text table, in its order. */
enum extract_column {
	EXTRACT_FROM,
	EXTRACT_TO,
	EXTRACT_CC,
	EXTRACT_SUBJECT,
	EXTRACT_LIST,
	EXTRACT_BODY,
	EXTRACT_FILENAME,
	EXTRACT_ATTACHMENT,
	EXTRACT_COLUMNS
};

struct extract {
	struct buf column[EXTRACT_COLUMNS];
	uint64_t attachments; /* parts that a reader would call so */
	bool is_cut;
	/* While a part is read. */
	struct buf part;
	int part_column;    /* -1: none */
	bool part_is_named; /* shown with the body, and an attachment by its name: is both */
	bool part_is_html;
};

void extract_init(struct extract *extract);
void extract_release(struct extract *extract);
void extract_trim(struct extract *extract); /* forgets columns that are large */
int extract_message(
    struct extract *extract, struct vault *vault, const struct msg_id *id, struct err *err);

#endif
