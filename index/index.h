/* index.db: the full-text index. Made from the catalogue and the archived messages, and made
 * again from them at any time: it can be deleted.
 *
 *   index_open(&index, path, catalog_path, SQL_WRITE, &err)
 *   index_catchup(index, vault, &calls, &err)       what the catalogue has and the index not
 *   index_close(index)
 *
 * Tables: fts, contentless FTS5 (its text is extracted again for snippets); doc, one row for
 * each message. Their rowid is made of the message's date and number (index_rowid), so newest
 * first is the order of the rowids. index/search asks the questions. */
#ifndef INDEX_INDEX_H
#define INDEX_INDEX_H

#include "archiver/vault/vault.h"

#include "base/err.h"
#include "base/sql.h"

#include <stdbool.h>
#include <stdint.h>

#define INDEX_VERSION     3
#define INDEX_NUMBER_BITS 29
#define INDEX_NUMBER_MASK ((INT64_C(1) << INDEX_NUMBER_BITS) - 1)
#define INDEX_DATE_MAX    ((INT64_C(1) << 34) - 1) /* in the year 2514 */
#define INDEX_DATE_MIN    (-INDEX_DATE_MAX - 1)    /* in the year 1425 */

struct index;

/* With SQL_WRITE an index of another version, of another catalogue, or a broken one is begun
 * anew; with SQL_READ it is ERR_DAMAGED, and a missing one ERR_ABSENT. Of another catalogue: one
 * that numbers the messages otherwise, because segments were lost before it was made again. */
int index_open(struct index **out, const char *path, const char *catalog_path, enum sql_mode mode,
    struct err *err);
void index_close(struct index *index);

struct index_calls {
	/* done of all messages; may be NULL */
	void (*progress)(void *arg, uint64_t done, uint64_t all);
	/* a message whose stored bytes are damaged: it is tried again each time, and can be found
	 * by facts only; told once; may be NULL */
	void (*problem)(void *arg, const struct msg_id *id, const char *text);
	bool (*stop)(void *arg); /* may be NULL */
	void *arg;
};

/* Index every message that the catalogue has and the index has not. May be stopped anywhere:
 * the next call goes on. indexed_out counts those of this call. */
int index_catchup(struct index *index, struct vault *vault, const struct index_calls *calls,
    uint64_t *indexed_out, struct err *err);

/* Does it still hold words of messages that are expired: 1, 0, -1. */
int index_holds_expired(struct index *index, struct err *err);

/* How many messages of the catalogue are not indexed yet; damaged ones do not count. */
int index_behind(struct index *index, uint64_t *count_out, struct err *err);

/* Is the text of that message in the index: 1, 0, -1. A rule might not see one that is not. */
int index_has(struct index *index, int64_t message_n, struct err *err);

/* Is the file whole, are its tables those of the messages that the catalogue has, each up to the
 * recorded position and none more, and is the structure of the FTS tables right: 0 fine, 1
 * something is wrong (what, and what to do), -1. What is wrong with an index is nothing lost: it is
 * made again. Nobody may be writing to it meanwhile. */
int index_verify(struct index *index, const char **what_out, struct err *err);

/* The rowid of a message: its date in the high bits, its number in the low ones. A date beyond
 * INDEX_DATE_MIN or INDEX_DATE_MAX stands for all such dates. */
int64_t index_rowid(int64_t date_unix, int64_t message_n);

/* The connection, for index/search: main is index.db, "cat" the catalogue. */
struct sql *index_sql(struct index *index);

#endif
