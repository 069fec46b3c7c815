/* What the catalogue knows of a folder under one UIDVALIDITY, held against a listing: 24 bytes
 * for each message, however long its flags are.
 *
 *   known_load(&known, catalog, folder_number, uidvalidity, &err)
 *   for each listed message: known_find(&known, uid) -> its entry, or NULL: new
 *   known_unseen(...)                                  those that the listing lacked
 *
 * Or the notes of what a server told, before it is believed:
 *
 *   known_note(&told, &identity)      any order, any number of times
 *   known_settle(&told)
 *   known_find(&told, uid), known_flags(&told, entry) */
#ifndef ARCHIVER_SYNC_KNOWN_H
#define ARCHIVER_SYNC_KNOWN_H

#include "archiver/catalog/catalog.h"
#include "archiver/endpoint/endpoint.h"
#include "archiver/imapwire/seqset.h"

struct known_entry {
	int64_t date_unix;
	uint32_t uid;
	uint32_t flags;          /* number of the text in known.texts; 0: not told */
	unsigned is_present : 1; /* else gone or purged, when last looked */
	unsigned is_seen : 1;    /* in the present listing */
	unsigned has_date : 1;
	uint32_t note; /* which of the notes it was; for known_settle() */
};

struct known {
	struct known_entry *entry; /* by uid */
	size_t count, room, last;  /* last: where the search found something */
	void *texts;               /* of tsearch(3): flag texts, each once */
	struct known_text **text;  /* the same, by number less 1 */
	size_t text_count, text_room;
	bool is_unsettled;
	uint64_t present;
};

void known_init(struct known *known);
void known_release(struct known *known);
int known_load(struct known *known, struct catalog *catalog, int64_t folder_number,
    uint32_t uidvalidity, struct err *err);
struct known_entry *known_find(struct known *known, uint32_t uid);

void known_note(struct known *known, const struct endpoint_identity *told);

/* One entry for each UID: of flags the last told count, and of dates. */
void known_settle(struct known *known);

/* The entry's text, until the release. */
struct bytes known_flags(const struct known *known, const struct known_entry *entry);

/* Is that the entry's text? */
bool known_flags_are(struct known *known, const struct known_entry *entry, struct bytes flags);

/* Is what the server lists under the entry's UID another message? Its INTERNALDATE tells, which
 * never changes (RFC 9051 section 2.3.3). */
bool known_is_other(const struct known_entry *entry, const struct endpoint_identity *listed);

/* UIDs that are present in the catalogue and not in the listing. */
void known_unseen(const struct known *known, struct seqset *out);

#endif
