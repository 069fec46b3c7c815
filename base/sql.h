/* SQLite, as this program uses it: WAL, one connection that writes. A connection and its
 * statements belong to one thread at a time.
 *
 * SQL_WRITE: the only connection that writes and checkpoints this database; the archive's
 *            lock makes sure that there is one. synchronous=NORMAL: both databases can be
 *            made again from the segments, so the last commits may be lost with the power,
 *            but the file is never broken.
 * SQL_READ:  reads, while another process may write; never checkpoints, not even at close
 *            (two connections that checkpoint at once can break the file in SQLite before
 *            3.51.3).
 *
 * SQL_BUILD: makes a database from nothing that nobody else opens before sql_finish: without a log
 *            and without waiting for the disk. After any failure, rollback included, the file
 *            is worth nothing and must be removed.
 *
 * Statements are made once and used again: bind from 1, step until 0, reset. Texts and blobs
 * that a column returns are good until the next step or reset. A connection is used by one thread
 * at a time. Errors name the file. */
#ifndef BASE_SQL_H
#define BASE_SQL_H

#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct sql;
struct sql_stmt;

/* A number of the compiler's in the text of a statement. */
#define SQL_NUMBER(number)  SQL_NUMBER_(number)
#define SQL_NUMBER_(number) #number

enum sql_mode { SQL_READ, SQL_WRITE, SQL_BUILD };

/* Opens, and with SQL_WRITE makes, the file. ERR_DAMAGED when it is no database. With SQL_READ in
 * a folder that cannot be written to, and no log beside it: as a file that nobody changes. */
int sql_open(struct sql **out, const char *path, enum sql_mode mode, struct err *err);
void sql_close(struct sql *sql); /* all statements must have been freed */

/* Removes a database that nobody has open, with its log; 0 also when there is none. */
int sql_remove(const char *path, struct err *err);

/* Read another database beside this one as "name.". */
int sql_attach(struct sql *sql, const char *path, const char *name, struct err *err);

int sql_exec(struct sql *sql, const char *text, struct err *err);
int sql_begin(struct sql *sql, struct err *err); /* a write transaction from its first moment */
int sql_commit(struct sql *sql, struct err *err);
void sql_rollback(struct sql *sql);
int sql_checkpoint(struct sql *sql, struct err *err); /* the log back into the file */

/* The end of SQL_BUILD: all of it is on the disk, and as SQL_WRITE would leave it. */
int sql_finish(struct sql *sql, struct err *err);

int sql_prepare(struct sql *sql, const char *text, struct sql_stmt **out, struct err *err);
void sql_free(struct sql_stmt *stmt);

void sql_bind_i64(struct sql_stmt *stmt, int at, int64_t value);
void sql_bind_null(struct sql_stmt *stmt, int at);
void sql_bind_text(struct sql_stmt *stmt, int at, struct bytes text); /* copied */
void sql_bind_blob(struct sql_stmt *stmt, int at, struct bytes data); /* copied */
/* Not copied: they must stay as they are until the statement was run or reset, and be bound anew
 * before it runs again. */
void sql_lend_text(struct sql_stmt *stmt, int at, struct bytes text);
void sql_lend_blob(struct sql_stmt *stmt, int at, struct bytes data);

/* The number that a query without parameters yields; -1 when it yields no row. */
int sql_ask_i64(struct sql *sql, const char *text, int64_t *out, struct err *err);

int sql_step(struct sql_stmt *stmt, struct err *err); /* 1 a row, 0 done, -1; resets unless 1 */
int sql_run(struct sql_stmt *stmt, struct err *err);  /* step without rows */
void sql_reset(struct sql_stmt *stmt);

int64_t sql_i64(struct sql_stmt *stmt, int column); /* columns from 0 */
double sql_real(struct sql_stmt *stmt, int column);
struct bytes sql_bytes(struct sql_stmt *stmt, int column); /* NULL: empty */
bool sql_is_null(struct sql_stmt *stmt, int column);

/* Did any call find the file, or one that is attached, to be damaged (ERR_DAMAGED)? */
bool sql_saw_damage(const struct sql *sql);
void sql_note_damage(struct sql *sql); /* another connection to the same file did */
/* Is it a file that cannot be changed (sql_open)? */
bool sql_is_frozen(const struct sql *sql);

int64_t sql_changes(struct sql *sql); /* rows of the last statement */
int64_t sql_last_rowid(struct sql *sql);

/* Stop a running statement from a progress check: fn is asked now and then; true stops. */
void sql_set_stop(struct sql *sql, bool (*fn)(void *), void *arg);

#endif
