/* What the catalogue knows, as unpack.py --facts prints it: so that two readers of an archive
 * can be compared. */
#ifndef TESTS_UNIT_ARCHIVER_VAULT_GOLDEN_H
#define TESTS_UNIT_ARCHIVER_VAULT_GOLDEN_H

#include "ground.h"

#include "archiver/store/store.h"

#include "base/child.h"
#include "base/jsonout.h"

/* Columns by their names, in order; those of numbers begin with '#', truths with '?'. */
#define COLUMNS_MAX 14

static inline void write_columns(
    struct jsonout *json, struct sql_stmt *stmt, const char *const names[COLUMNS_MAX])
{
	for (int i = 0; i < COLUMNS_MAX && names[i]; i++) {
		const char *name = names[i];

		if (sql_is_null(stmt, i))
			jsonout_null(json, name + (*name == '#'));
		else if (*name == '#')
			jsonout_i64(json, name + 1, sql_i64(stmt, i));
		else if (*name == '?')
			jsonout_bool(json, name + 1, sql_i64(stmt, i) != 0);
		else
			jsonout_exact(json, name, sql_bytes(stmt, i));
	}
}

struct rows {
	const char *fact; /* or the member that is an array of them */
	const char *names[COLUMNS_MAX];
	const char *text;
};

#define FOLDERS                                                                                    \
	" JOIN folder ON folder.number = folder JOIN account ON account.number = account"          \
	" ORDER BY CAST(account.name AS BLOB), folder.name"

static const struct rows facts_of_archive[] = {
    {"folder",
	{"account", "folder", "shown", "delimiter", "attributes", "state", "#uidvalidity",
	    "#uidnext", "#modseq", "#messages"},
	"SELECT account.name, folder.name, shown, coalesce(delimiter, ''),"
	" coalesce(attributes, ''), CASE gone WHEN 0 THEN 'seen' ELSE 'gone' END, uidvalidity,"
	" uidnext, modseq, messages FROM folder JOIN account ON account.number = account"
	" ORDER BY CAST(account.name AS BLOB), folder.name"},
    {"skipped", {"account", "folder", "#uidvalidity", "#uid", "reason"},
	"SELECT account.name, folder.name, skipped.uidvalidity, uid, reason FROM skipped" FOLDERS
	", skipped.uidvalidity, uid"},
    {"synced", {"account", "#time", "#messages", "#bytes", "reason"},
	"SELECT name, time, messages, bytes, reason FROM sync"
	" JOIN account ON account.number = account ORDER BY sync.number"},
    {"audit",
	{"account", "folder", "#uidvalidity", "#time", "#server", "#archived", "#exceptions",
	    "#missing"},
	"SELECT account.name, folder.name, audit.uidvalidity, time, server, archived, exceptions,"
	" missing FROM audit" FOLDERS},
    {"run",
	{"run", "type", "account", "state", "#begun", "#ended", "#messages", "#bytes", "reason"},
	"SELECT run, type, name, state, begun, ended, messages, bytes, reason FROM run"
	" JOIN account ON account.number = account ORDER BY run.number"},
    {"purge",
	{"run", "account", "folder", "#uidvalidity", "#uid", "id", "state", "rule", "reason",
	    "#time"},
	"SELECT run, account.name, folder.name, purge.uidvalidity, uid,"
	" (SELECT lower(hex(id)) FROM message WHERE n = message), state, rule, reason, time"
	" FROM purge JOIN folder ON folder.number = folder"
	" JOIN account ON account.number = account"
	" ORDER BY run, CAST(account.name AS BLOB), folder.name, purge.uidvalidity, uid"},
    {"restored", {"account", "folder", "#uidvalidity", "#uid", "id", "run", "#time"},
	"SELECT account, folder, uidvalidity, uid, lower(hex(id)), run, time FROM restored"
	" ORDER BY CAST(account AS BLOB), folder, uidvalidity, uid"},
};

static const struct rows facts_of_message[] = {
    {NULL,
	{"?expired", "?damaged", "?held", "reason", "#date", "#sent", "msgid", "from", "to", "cc",
	    "subject"},
	"SELECT expired IS NOT NULL, doubt > 0, hold.message IS NOT NULL, reason, date, sent,"
	" msgid, sender, recipient, copy, subject"
	" FROM message LEFT JOIN hold ON hold.message = n WHERE n = ?1"},
    {"parts", {"blob", "#at", "#size", "#line", "eol"},
	"SELECT lower(hex(blob)), at, size, line, CASE crlf WHEN 0 THEN 'lf' ELSE 'crlf' END"
	" FROM part WHERE message = ?1 ORDER BY at"},
    {"places", {"account", "folder", "#uidvalidity", "#uid", "flags", "#date", "state"},
	"SELECT account.name, folder.name, place.uidvalidity, uid, flags, place.date,"
	" CASE state WHEN 0 THEN 'present' WHEN 1 THEN 'gone' WHEN 2 THEN 'purged'"
	" ELSE 'retired' END FROM place JOIN folder ON folder.number = place.folder"
	" JOIN account ON account.number = folder.account WHERE message = ?1"
	" ORDER BY CAST(account.name AS BLOB), folder.name, place.uidvalidity, uid"},
};

static inline void write_facts(struct sql *sql, const struct rows *rows, struct buf *out)
{
	struct sql_stmt *stmt;
	struct jsonout json;

	OK(sql_prepare(sql, rows->text, &stmt, err));
	while (sql_step(stmt, NULL) == 1) {
		jsonout_start(&json, out);
		jsonout_object(&json, NULL);
		jsonout_text(&json, "fact", bytes_of(rows->fact));
		write_columns(&json, stmt, rows->names);
		jsonout_end(&json);
		buf_char(out, '\n');
	}
	sql_free(stmt);
}

static inline void write_members(
    struct jsonout *json, struct sql *sql, const struct rows *rows, int64_t n)
{
	struct sql_stmt *stmt;

	OK(sql_prepare(sql, rows->text, &stmt, err));
	sql_bind_i64(stmt, 1, n);
	if (rows->fact)
		jsonout_array(json, rows->fact);
	while (sql_step(stmt, NULL) == 1) {
		if (rows->fact)
			jsonout_object(json, NULL);
		write_columns(json, stmt, rows->names);
		if (rows->fact)
			jsonout_end(json);
	}
	if (rows->fact)
		jsonout_end(json);
	sql_free(stmt);
}

static inline void write_message(struct vault *v, int64_t n, struct buf *out)
{
	struct sql *sql = catalog_sql(vault_catalog(v));
	struct catalog_message m;
	struct jsonout json;
	struct err why = {0};
	struct msg_id id;
	bool whole;

	ck_assert_int_eq(catalog_message_n(vault_catalog(v), n, &m, NULL), 1);
	id = m.id;
	jsonout_start(&json, out);
	jsonout_object(&json, NULL);
	jsonout_hex(&json, "id", &id.sum);
	jsonout_u64(&json, "size", m.size_bytes);
	whole = vault_prove(v, &id, &why) == 0;
	if (!whole)
		ck_assert_msg(why.code == ERR_DAMAGED || why.code == ERR_ABSENT, "%s", why.text);
	jsonout_bool(&json, "whole", whole);
	for (size_t i = 0; i < sizeof facts_of_message / sizeof *facts_of_message; i++)
		write_members(&json, sql, &facts_of_message[i], n);
	jsonout_end(&json);
	buf_char(out, '\n');
}

static inline void write_gap(const struct store_gap *gap, struct buf *out)
{
	struct jsonout json;

	jsonout_start(&json, out);
	jsonout_object(&json, NULL);
	jsonout_text(&json, "fact", BYTES("gap"));
	jsonout_u64(&json, "segment", gap->segment);
	jsonout_u64(&json, "at", gap->at);
	jsonout_u64(&json, "bytes", gap->bytes);
	jsonout_u64(&json, "first", gap->first_batch);
	jsonout_u64(&json, "last", gap->last_batch);
	jsonout_u64(&json, "mails", gap->mails);
	jsonout_u64(&json, "blobs", gap->blobs);
	jsonout_end(&json);
	buf_char(out, '\n');
}

/* What is lost, and where the journal ends: from the segments alone, before anybody cuts a
 * torn tail. */
static inline struct buf told_of_end(void)
{
	char *path = in_archive("segments");
	struct batch_position start = {0};
	const struct batch_position *end;
	const struct store_gap *gap;
	struct store *store;
	struct buf out;
	size_t count;

	buf_init(&out, MIB);
	OK(store_open(&store, &(struct store_options){.folder = path}, err));
	if (store_replay(store, &start, NULL, NULL, NULL) == 0) {
		gap = store_gaps(store, &count);
		for (size_t i = 0; i < count; i++)
			write_gap(&gap[i], &out);
		end = store_end(store);
		buf_format(&out, "{\"fact\":\"end\",\"batch\":%llu,\"lost\":%llu}\n",
		    (unsigned long long)end->batch, (unsigned long long)end->lost);
	}
	store_close(store);
	free(path);
	return out;
}

/* Takes the end. */
static inline struct buf told(struct vault *v, struct buf end)
{
	struct sql *sql = catalog_sql(vault_catalog(v));
	struct sql_stmt *stmt;
	struct buf out;

	buf_init(&out, MIB);
	OK(sql_prepare(sql, "SELECT n FROM message ORDER BY id", &stmt, err));
	while (sql_step(stmt, NULL) == 1)
		write_message(v, sql_i64(stmt, 0), &out);
	sql_free(stmt);
	for (size_t i = 0; i < sizeof facts_of_archive / sizeof *facts_of_archive; i++)
		write_facts(sql, &facts_of_archive[i], &out);
	buf_bytes(&out, buf_view(&end));
	buf_release(&end);
	return out;
}

/* Told where they differ: all of it would be too much. */
static inline void check_same(struct buf *a, struct buf *b, const char *what)
{
	const char *p = buf_string(a), *q = buf_string(b), *from = p;

	while (*p == *q && *p) {
		p++;
		q++;
	}
	from = p - from > 60 ? p - 60 : from;
	ck_assert_msg(
	    *p == *q, "%s: behind %.*s:\n%.300s\n%.300s", what, (int)(p - from), from, p, q);
}

static inline void run(const char *command)
{
	struct buf said;

	buf_init(&said, MIB);
	OK(child_output(command, &said, err));
	buf_release(&said);
}

/* What unpack.py says of the archive; its status is in status_out. */
static inline struct buf told_by_unpack(const char *option, int *status_out)
{
	char *command = mem_format("tests/golden/unpack.py --facts %s %s 2>%s/said; s=$?;"
				   " grep -q Traceback %s/said && s=9; echo $s",
	    option, options.path, folder, folder);
	struct buf out;
	size_t n;

	buf_init(&out, MIB);
	OK(child_output(command, &out, err));
	free(command);
	for (n = out.n - 1; n > 0 && out.p[n - 1] != '\n'; n--)
		;
	*status_out = out.p[n] - '0';
	out.n = n;
	out.p[n] = '\0';
	return out;
}

#endif
