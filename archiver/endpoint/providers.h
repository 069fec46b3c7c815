/* What is known of the hosts of mail: limits that they do not tell, and in what they are unlike
 * others. Data, chosen by what can be seen of a server; nothing is believed of one that matches
 * no row.
 *
 *   provider_find(host, id_name, capabilities)       never NULL; "" where a thing is not known
 *   provider_advice(provider, said)                  for somebody whose login was refused
 *
 * The first row whose host pattern matches counts; else the first with that name (ID, RFC 2971);
 * else the first with that capability. Before a login only the host is known. What a server
 * offers in this session always comes from its own list: a row only says what not to believe. */
#ifndef ARCHIVER_ENDPOINT_PROVIDERS_H
#define ARCHIVER_ENDPOINT_PROVIDERS_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

enum provider_quirk {
	PROVIDER_NO_QRESYNC = 1,         /* offers it, and lies: never to be enabled */
	PROVIDER_NO_RFC822 = 2,          /* FETCH RFC822 brings nothing: BODY.PEEK[] only */
	PROVIDER_SIZES_ARE_GUESSED = 4,  /* RFC822.SIZE is not the length of the text */
	PROVIDER_BYTES_CHANGE = 8,       /* the same message may come as other bytes next time */
	PROVIDER_DESCENDS = 16,          /* FETCH answers the newest first */
	PROVIDER_CUTS_ANSWERS = 32,      /* and only so many of them, without a word */
	PROVIDER_HAS_LABELS = 64,        /* folders are labels; \All is where the mail is */
	PROVIDER_EXPUNGE_ARCHIVES = 128, /* EXPUNGE takes a label off, the message stays */
	PROVIDER_APPEND_MERGES = 256,    /* APPEND of a known Message-ID makes no message */
	PROVIDER_APPEND_REDATES = 512,   /* APPEND takes no INTERNALDATE */
	PROVIDER_MODSEQ_IS_WRONG = 1024, /* HIGHESTMODSEQ may be 0 or negative */
	PROVIDER_RENUMBERS = 2048,       /* a new UIDVALIDITY is an everyday thing */
	PROVIDER_SEARCH_IS_WRONG = 4096, /* SEARCH leaves messages out, or fails */
	PROVIDER_FOLDERS_OF_OTHER_THINGS = 8192 /* calendars, contacts, notes among the folders */
};

/* 0, NULL: nothing known. */
struct provider {
	const char *name;       /* for people */
	const char *hosts;      /* patterns with blanks between: "imap.x.org", "*.x.org" */
	const char *ids;        /* how its ID name begins, any case, with "|" between */
	const char *capability; /* that nobody else has */

	unsigned max_connections;      /* at once for an account, as the host says or shows */
	unsigned connections;          /* at once that are polite; 0: as with anybody */
	unsigned batch_count;          /* messages in a command at most; 0: as usual */
	uint64_t bytes_per_day;        /* that may be downloaded */
	uint64_t append_bytes_per_day; /* that may be uploaded */
	unsigned quirks;               /* of enum provider_quirk */

	/* What to do when the login is refused; each a sentence. */
	const char *password;     /* which password it wants */
	const char *switched_off; /* where IMAP is switched on */
	const char *oauth;        /* that it takes no passwords */
};

const struct provider *provider_find(
    struct bytes host, struct bytes id_name, struct bytes capabilities);
bool provider_is_known(const struct provider *provider);
bool provider_has(const struct provider *provider, enum provider_quirk quirk);

/* A quirk in words, for a report: 1 for each bit; NULL when there is none with that bit. */
const char *provider_quirk_words(enum provider_quirk quirk);

/* What may help, given what the server said to the login; "" when nothing is known. */
const char *provider_advice(const struct provider *provider, struct bytes said);

#endif
