/* A small archive in a temporary folder, for tests of what reads one.
 *
 *   archive_begin(&a);
 *     id = archive_put(&a, letter);
 *     archive_place(&a, id, (struct archive_place){.folder = "INBOX", .uid = 1, .date_unix = D});
 *   archive_commit(&a);
 *   archive_end(&a);            the folder goes away
 *
 * Everything goes in as events through the vault, as a sync would log them. */
#ifndef TESTS_UNIT_ARCHIVE_H
#define TESTS_UNIT_ARCHIVE_H

#include "archiver/mime/mimehead.h"
#include "archiver/vault/vault.h"

#include "base/mem.h"
#include "tests/unit/suite.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ARCHIVE_ACCOUNT "work"
#define ARCHIVE_TIME    1700000000

struct archive {
	char folder[40];
	struct vault *vault;
	struct vault_put *put;
};

struct archive_place {
	const char *account;  /* NULL: ARCHIVE_ACCOUNT */
	const char *folder;   /* name of the server; its shown name, too, unless archive_folder */
	uint32_t uidvalidity; /* 0: 1 */
	uint32_t uid;
	const char *flags; /* normalised; NULL: none */
	int64_t date_unix;
};

/* What the clock of the archive shows: the time of the next batch. */
static int64_t archive_time = ARCHIVE_TIME;

static inline int64_t archive_clock(void)
{
	return archive_time;
}

static inline void archive_open(struct archive *a, bool for_writing)
{
	struct vault_options options = {.path = a->folder,
	    .for_writing = for_writing,
	    .may_create = true,
	    .segment_bytes = 64 << 20,
	    .level = 1,
	    .now = archive_clock};

	OK(vault_open(&a->vault, &options, err));
	if (for_writing)
		a->put = vault_put_new(a->vault);
}

static inline void archive_begin(struct archive *a)
{
	memset(a, 0, sizeof *a);
	memcpy(a->folder, "/tmp/mailcask-archive-XXXXXX", 29);
	ck_assert_ptr_nonnull(mkdtemp(a->folder));
	archive_open(a, true);
}

static inline void archive_close(struct archive *a)
{
	vault_put_free(a->put);
	vault_close(a->vault);
	a->put = NULL;
	a->vault = NULL;
}

static inline int archive_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline void archive_end(struct archive *a)
{
	archive_close(a);
	ck_assert_int_eq(nftw(a->folder, archive_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void archive_commit(struct archive *a)
{
	OK(vault_commit(a->vault, err));
}

/* ---- messages and facts ---- */

static inline struct msg_id archive_put_bytes(struct archive *a, struct bytes text)
{
	struct event facts = {.kind = EVENT_MAIL};
	struct mimehead head;
	struct msg_id id;
	bool is_new;

	mimehead_init(&head);
	mimehead_parse(&head, text);
	facts.message_id = buf_view(&head.message_id);
	facts.from = buf_view(&head.from);
	facts.to = buf_view(&head.to);
	facts.cc = buf_view(&head.cc);
	facts.subject = buf_view(&head.subject);
	facts.has_sent = head.has_date;
	facts.sent_unix = head.date_unix;
	vault_put_begin(a->put);
	OK(vault_put_add(a->put, text.p, text.n, err));
	OK(vault_put_end(a->put, &facts, 0, &id, &is_new, err));
	mimehead_release(&head);
	return id;
}

static inline struct msg_id archive_put(struct archive *a, const char *text)
{
	return archive_put_bytes(a, bytes_of(text));
}

/* A plain letter, different for every number. */
static inline struct msg_id archive_letter(
    struct archive *a, unsigned number, const char *subject, const char *body)
{
	char *text = mem_format("From: Anna <anna@example.org>\r\nTo: bob@example.net\r\n"
				"Message-ID: <%u@example.org>\r\nSubject: %s\r\n\r\n%s\r\n",
	    number, subject, body);
	struct msg_id id = archive_put(a, text);

	free(text);
	return id;
}

static inline struct event archive_event(
    enum event_kind kind, struct msg_id id, const struct archive_place *place)
{
	return (struct event){.kind = kind,
	    .id = id.sum,
	    .account = bytes_of(place->account ? place->account : ARCHIVE_ACCOUNT),
	    .folder = bytes_of(place->folder),
	    .uidvalidity = place->uidvalidity ? place->uidvalidity : 1,
	    .uid = place->uid,
	    .flags = bytes_of(place->flags),
	    .date_unix = place->date_unix};
}

static inline void archive_log(struct archive *a, const struct event *event)
{
	OK(vault_log(a->vault, event, err));
}

static inline void archive_place(struct archive *a, struct msg_id id, struct archive_place place)
{
	struct event event = archive_event(EVENT_PLACED, id, &place);

	archive_log(a, &event);
}

static inline void archive_gone(struct archive *a, struct archive_place place)
{
	struct event event = archive_event(EVENT_GONE, (struct msg_id){0}, &place);
	char uid[16];

	snprintf(uid, sizeof uid, "%u", place.uid);
	event.uids = bytes_of(uid);
	archive_log(a, &event);
}

/* All places of the folder under that UIDVALIDITY. */
static inline void archive_retired(struct archive *a, struct archive_place place)
{
	struct event event;

	place.uid = 0;
	event = archive_event(EVENT_RETIRED, (struct msg_id){0}, &place);
	archive_log(a, &event);
}

static inline void archive_purged(struct archive *a, struct msg_id id, struct archive_place place)
{
	struct event event = archive_event(EVENT_PURGE, id, &place);

	event.run = BYTES("P000001");
	event.rule = BYTES("old");
	event.state = BYTES("intent");
	archive_log(a, &event);
	event.state = BYTES("confirmed");
	archive_log(a, &event);
}

static inline void archive_hold(struct archive *a, struct msg_id id, bool held)
{
	struct event event = {
	    .kind = EVENT_HOLD, .id = id.sum, .held = held, .reason = BYTES("the court")};

	archive_log(a, &event);
}

static inline void archive_folder(
    struct archive *a, const char *account, const char *name, const char *shown)
{
	struct event event = {.kind = EVENT_FOLDER,
	    .account = bytes_of(account ? account : ARCHIVE_ACCOUNT),
	    .folder = bytes_of(name),
	    .shown = bytes_of(shown),
	    .delimiter = BYTES("/"),
	    .state = BYTES("seen")};

	archive_log(a, &event);
}

/* The catalogue's number of a message. */
static inline int64_t archive_number(struct archive *a, struct msg_id id)
{
	struct catalog_message message;

	ck_assert_int_eq(catalog_message(vault_catalog(a->vault), &id, &message, NULL), 1);
	return message.n;
}

#endif
