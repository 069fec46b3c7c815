/* The settings: one table (config/table.c) says of every key what it is called, what it may
 * hold, its default and what it does. The reader, the defaults, "mailcask help settings" and
 * the annotated sample (config/mailcask.conf.sample) all come from that table.
 *
 *   settings_read(&settings, path, &err)     ERR_CONFIG: "path:line: what is wrong"
 *   settings_account(settings, "work")
 *   settings_free(settings)
 *
 * The file is INI in a narrow form (reader.h): [archive] once, [account NAME] and [rule NAME]
 * as often as wanted, "key = value" on one line, comments on lines of their own. A section or
 * key that stands twice, or that nobody knows, is an error. Passwords never stand in it.
 *
 * Everything is checked when it is read, queries of rules excepted (their owner parses them,
 * and names the line with rule->line). Strings are never NULL unless it says so. */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct settings_archive {
	char *path;      /* from the root; ~ expanded, as in every path here */
	char *databases; /* folder of catalog.db and index.db; NULL: the archive's own */
	char *mirror;    /* folder of the second copy; NULL: none */
	bool purge_needs_mirror;
	uint64_t segment_bytes, batch_bytes, free_floor_bytes, max_message_bytes;
	int64_t level; /* of zstd */
};

#define SETTINGS_OF_HOST UINT64_MAX /* what the host is known to allow */

struct settings_account {
	char *name;
	int line;   /* of its section */
	char *url;  /* imaps://host[:port] or imap://host[:port]: scheme, host and port only */
	char *host; /* of url, for messages */
	char *user;
	char *password_command, *password_file, *password_env; /* exactly one is not NULL */
	char *folders; /* patterns, comma separated: "*, !Spam" */
	int64_t every_s;
	char *tls_ca, *tls_pin; /* or NULL */
	int64_t timeout_s;
	int64_t connections;    /* at once, at most */
	uint64_t bytes_per_day; /* 0: no limit */
};

enum settings_action { SETTINGS_KEEP, SETTINGS_PURGE };

struct settings_rule {
	char *name;
	int line;
	char *match;   /* query text */
	char *account; /* NULL: every account */
	enum settings_action action;
	int64_t after_s;
	int64_t max_share_percent, max_count;
	bool is_auto;
};

struct settings {
	char *path; /* of the file */
	struct settings_archive archive;
	struct settings_account *account;
	size_t account_count, account_room;
	struct settings_rule *rule; /* in the order of the file */
	size_t rule_count, rule_room;
};

int settings_read(struct settings **out, const char *path, struct err *err);
/* The same from text in memory; the path is only for errors. For tests. */
int settings_parse(struct settings **out, struct bytes text, const char *path, struct err *err);
void settings_free(struct settings *settings);

/* NULL when there is none. */
const struct settings_account *settings_account(const struct settings *settings, const char *name);

/* Where the file is when nobody says: $XDG_CONFIG_HOME/mailcask/config, else
 * ~/.config/mailcask/config. For free(). */
char *settings_default_path(void);

/* The annotated sample: every section and key with its meaning, its default and an example. */
void settings_print_sample(struct buf *out);
/* The same as a list for a terminal of 80 columns. */
void settings_print_help(struct buf *out);

/* The patterns of "folders": is a folder (its path as people see it, with "/" between levels)
 * wanted? Patterns stand in order, the last that matches decides; "!" excludes; "*" matches
 * anything, "?" one character, and a pattern without "*" or "?" also what is below it; INBOX in
 * any case. A list that begins with "!" begins with everything. */
bool settings_folder_wanted(const char *patterns, struct bytes folder);

/* The same, and not only by a pattern that stands for everything: by "[Gmail]/Starred", by
 * "Lists/?*", not by "*". */
bool settings_folder_named(const char *patterns, struct bytes folder);

/* The nearest of names to a wrong one: at most a third of its letters differ; or NULL. */
const char *settings_nearest(const char *wrong, const char *const *names, size_t count);

#endif
