/* Owns:  the table, which is constant.
 * Knows: every key there is. */
#include "config/table.h"

#include "config/settings.h"

#define ARCHIVE(field) offsetof(struct settings_archive, field)
#define ACCOUNT(field) offsetof(struct settings_account, field)
#define RULE(field)    offsetof(struct settings_rule, field)

static const struct setting archive[] = {
    {
	.key = "path",
	.kind = SETTING_PATH,
	.need = SETTING_REQUIRED,
	.offset = ARCHIVE(path),
	.example = "~/Mail/archive",
	.meaning = "The folder of the archive.",
    },
    {
	.key = "databases",
	.kind = SETTING_PATH,
	.offset = ARCHIVE(databases),
	.example = "~/.cache/mailcask",
	.meaning = "A folder for catalog.db and index.db instead of the archive's own. Both can be "
		   "made again from the archive at any time, and both want a local disk: set this "
		   "when the archive is on a network drive.",
    },
    {
	.key = "mirror",
	.kind = SETTING_PATH,
	.offset = ARCHIVE(mirror),
	.example = "/media/me/disk/mail",
	.meaning =
	    "A folder of its own, on another disk or a mounted share, for a second copy of "
	    "the archive. Each sync brings it up to date and verifies what it wrote; mail that "
	    "is damaged in the archive is read from there, and \"mailcask rebuild "
	    "--from-mirror\" makes a lost archive again from it.",
    },
    {
	.key = "purge-needs-mirror",
	.kind = SETTING_SWITCH,
	.offset = ARCHIVE(purge_needs_mirror),
	.fallback = "no",
	.example = "no",
	.meaning = "yes: purge only what could be read back from the mirror, too, rebuilt, and "
		   "matched its SHA-256.",
    },
    {
	.key = "segment-size",
	.kind = SETTING_SIZE,
	.offset = ARCHIVE(segment_bytes),
	.fallback = "128M",
	.least = "64K",
	.most = "8G",
	.example = "128M",
	.meaning = "The size at which a file of the archive is sealed, never to be written again, "
		   "and the next one is begun.",
    },
    {
	.key = "batch-size",
	.kind = SETTING_SIZE,
	.offset = ARCHIVE(batch_bytes),
	.fallback = "32M",
	.least = "64K",
	.most = "1G",
	.example = "32M",
	.meaning =
	    "So much new mail, at most, is collected before all of it is brought to the disk "
	    "in one step. A crash loses what is not there yet; the next sync fetches it "
	    "again.",
    },
    {
	.key = "free-floor",
	.kind = SETTING_SIZE,
	.offset = ARCHIVE(free_floor_bytes),
	.fallback = "64M",
	.least = "0",
	.most = "1024G",
	.example = "64M",
	.meaning = "New mail is refused while the disk has less room than this.",
    },
    {
	.key = "max-message",
	.kind = SETTING_SIZE,
	.offset = ARCHIVE(max_message_bytes),
	.fallback = "2G",
	.least = "64K",
	.most = "3G",
	.example = "2G",
	.meaning = "A larger message is not fetched; it stays on the server and is listed as an "
		   "exception.",
    },
    {
	.key = "level",
	.kind = SETTING_COUNT,
	.offset = ARCHIVE(level),
	.fallback = "3",
	.least = "1",
	.most = "19",
	.example = "3",
	.meaning = "How hard zstd compresses: 1 is fast, 19 is small and slow.",
    },
};

static const struct setting account[] = {
    {
	.key = "url",
	.kind = SETTING_URL,
	.need = SETTING_REQUIRED,
	.offset = ACCOUNT(url),
	.example = "imaps://me@imap.example.org",
	.meaning = "The server and the user: imaps://USER@HOST[:PORT] for TLS from the start, "
		   "imap:// for STARTTLS; there is no way without encryption. An @ in USER may "
		   "stand as it is (imaps://me@example.org@imap.example.org) or be written %40.",
    },
    {
	.key = "user",
	.kind = SETTING_TEXT,
	.offset = ACCOUNT(user),
	.example = "me@example.org",
	.meaning = "The user, exactly as the server wants it, instead of the one in the url.",
    },
    {
	.key = "password-command",
	.kind = SETTING_COMMAND,
	.need = SETTING_ONE_OF,
	.offset = ACCOUNT(password_command),
	.example = "pass show mail/work",
	.meaning = "A command that prints the password as its first line; sh runs it.",
    },
    {
	.key = "password-file",
	.kind = SETTING_PATH,
	.need = SETTING_ONE_OF,
	.offset = ACCOUNT(password_file),
	.example = "~/.config/mailcask/password.work",
	.meaning = "A file with the password as its first line, which only you may read "
		   "(chmod 600).",
    },
    {
	.key = "password-env",
	.kind = SETTING_VARIABLE,
	.need = SETTING_ONE_OF,
	.offset = ACCOUNT(password_env),
	.example = "MAILCASK_PASSWORD",
	.meaning = "The name of an environment variable that holds the password.",
    },
    {
	.key = "folders",
	.kind = SETTING_FOLDERS,
	.offset = ACCOUNT(folders),
	.fallback = "*",
	.example = "*, !Spam, !Trash",
	.meaning = "The folders to archive: patterns with commas between them, of which the last "
		   "that matches decides. A plain name means the folder and all below it; * stands "
		   "for anything, ? for one character (also for a comma), ! in front means not. A "
		   "list that begins with ! begins with all folders. A folder that only shows mail "
		   "of others (\\Flagged, \\All) is left out unless a pattern names it.",
    },
    {
	.key = "every",
	.kind = SETTING_SPAN,
	.offset = ACCOUNT(every_s),
	.fallback = "15m",
	.least = "1m",
	.most = "30d",
	.example = "15m",
	.meaning = "How often \"mailcask run\" looks for new mail.",
    },
    {
	.key = "tls-ca",
	.kind = SETTING_PATH,
	.offset = ACCOUNT(tls_ca),
	.example = "/etc/ssl/our-ca.pem",
	.meaning = "A file (PEM) with the authority that vouches for the server, instead of the "
		   "system's authorities.",
    },
    {
	.key = "tls-pin",
	.kind = SETTING_PIN,
	.offset = ACCOUNT(tls_pin),
	.example = "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
	.meaning = "The SHA-256 of the server's public key, instead of any authority: sha256// and "
		   "44 characters of base64.",
    },
    {
	.key = "timeout",
	.kind = SETTING_SPAN,
	.offset = ACCOUNT(timeout_s),
	.fallback = "60s",
	.least = "1s",
	.most = "1h",
	.example = "60s",
	.meaning = "How long a silent server is waited for.",
    },
    {
	.key = "connections",
	.kind = SETTING_COUNT,
	.offset = ACCOUNT(connections),
	.fallback = "1",
	.least = "1",
	.most = "8",
	.example = "3",
	.meaning = "How many connections a sync may use at once. More than one is faster where the "
		   "server is far away; folders are mixed in the archive then, which packs a "
		   "little less well. Servers allow 5 to 20.",
    },
    {
	.key = "bytes-per-day",
	.kind = SETTING_BUDGET,
	.offset = ACCOUNT(bytes_per_day),
	.fallback = "auto",
	.example = "2G",
	.meaning = "So much may be downloaded in 24 hours; then a sync pauses, what came is kept, "
		   "and \"mailcask run\" goes on when there is room again. auto: what the host "
		   "is known to allow (Gmail: 2000M), 0: no limit.",
    },
};

static const struct setting rule[] = {
    {
	.key = "match",
	.kind = SETTING_QUERY,
	.need = SETTING_REQUIRED,
	.offset = RULE(match),
	.example = "older:1y larger:1M -is:flagged folder:INBOX",
	.meaning = "The mail that the rule is about: a query as \"mailcask search\" takes it.",
    },
    {
	.key = "action",
	.kind = SETTING_ACTION,
	.need = SETTING_REQUIRED,
	.offset = RULE(action),
	.example = "purge",
	.meaning = "keep: the mail stays on the server, whatever later rules say. purge: it goes "
		   "from the server once its copy in the archive is proven.",
    },
    {
	.key = "account",
	.kind = SETTING_NAME,
	.offset = RULE(account),
	.example = "work",
	.meaning = "Only mail of this account; without it the rule is for all.",
    },
    {
	.key = "after",
	.kind = SETTING_SPAN,
	.offset = RULE(after_s),
	.fallback = "7d",
	.least = "0s",
	.most = "100y",
	.example = "7d",
	.meaning = "Purge only what has been in the archive for at least so long.",
    },
    {
	.key = "max-share",
	.kind = SETTING_SHARE,
	.offset = RULE(max_share_percent),
	.fallback = "25%",
	.least = "1%",
	.most = "100%",
	.example = "25%",
	.meaning = "Purge at most this share of a folder in one day.",
    },
    {
	.key = "max-count",
	.kind = SETTING_COUNT,
	.offset = RULE(max_count),
	.fallback = "10000",
	.least = "1",
	.most = "1000000000",
	.example = "10000",
	.meaning = "Purge at most this number of messages in one run.",
    },
    {
	.key = "auto",
	.kind = SETTING_SWITCH,
	.offset = RULE(is_auto),
	.fallback = "no",
	.example = "no",
	.meaning = "yes: \"mailcask run\" carries the rule out by itself. no: it only plans, and "
		   "\"mailcask purge\" carries it out.",
    },
};

#define SETTINGS_OF(list) .setting = (list), .setting_count = sizeof(list) / sizeof *(list)
_Static_assert(sizeof archive / sizeof *archive <= SECTION_SETTINGS_MAX, "archive");
_Static_assert(sizeof account / sizeof *account <= SECTION_SETTINGS_MAX, "account");
_Static_assert(sizeof rule / sizeof *rule <= SECTION_SETTINGS_MAX, "rule");

const struct section table[SECTION_KINDS] = {
    [SECTION_ARCHIVE] =
	{
	    .kind = SECTION_ARCHIVE,
	    .name = "archive",
	    .meaning = "Where the mail is kept.",
	    SETTINGS_OF(archive),
	},
    [SECTION_ACCOUNT] =
	{
	    .kind = SECTION_ACCOUNT,
	    .name = "account",
	    .example_name = "work",
	    .meaning = "A mailbox on a server; one section for each, with a name of your choice.",
	    SETTINGS_OF(account),
	},
    [SECTION_RULE] =
	{
	    .kind = SECTION_RULE,
	    .name = "rule",
	    .example_name = "old-and-big",
	    .meaning = "What may go from the server, and what must not. Rules are asked in the "
		       "order of this file, and the first that matches a message decides about it.",
	    SETTINGS_OF(rule),
	    .is_commented = true,
	},
};

const struct section *table_section(struct bytes name)
{
	for (size_t i = 0; i < SECTION_KINDS; i++)
		if (bytes_is(name, table[i].name))
			return &table[i];
	return NULL;
}

const struct setting *table_setting(const struct section *section, const char *key)
{
	for (size_t i = 0; i < section->setting_count; i++)
		if (bytes_is(bytes_of(key), section->setting[i].key))
			return &section->setting[i];
	return NULL;
}

const char *table_nearest_section(const char *wrong)
{
	const char *names[SECTION_KINDS];

	for (size_t i = 0; i < SECTION_KINDS; i++)
		names[i] = table[i].name;
	return settings_nearest(wrong, names, SECTION_KINDS);
}

const char *table_nearest_key(const struct section *section, const char *wrong)
{
	const char *names[SECTION_SETTINGS_MAX];

	for (size_t i = 0; i < section->setting_count; i++)
		names[i] = section->setting[i].key;
	return settings_nearest(wrong, names, section->setting_count);
}
