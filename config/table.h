/* The one table of all settings: what each is called, what it may hold, what holds when it is
 * absent, and what it does. Readers, defaults, sample and help have no knowledge of a single
 * key beside it; only what ties several keys together stands in settings.c.
 *
 *   section = table_section(BYTES("account"))        NULL: no such section
 *   setting = table_setting(section, "folders")      NULL: no such key
 *   value_set(setting, "*", &account, &err)          (value.h)
 *
 * To add a setting: a field in settings.h, a line in table.c, and the sample made anew
 * (tests/unit/config/test_sample.c says how). */
#ifndef CONFIG_TABLE_H
#define CONFIG_TABLE_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

/* What a value is, and the type of its field. */
enum setting_kind {
	SETTING_TEXT,     /* char *, as it stands */
	SETTING_COMMAND,  /* char *, for sh: anything at all */
	SETTING_PATH,     /* char *, from the root or from ~/ */
	SETTING_VARIABLE, /* char *, name of an environment variable */
	SETTING_FOLDERS,  /* char *, patterns (patterns.h) */
	SETTING_QUERY,    /* char *, for the query language; not parsed here */
	SETTING_NAME,     /* char *, of an account */
	SETTING_PIN,      /* char *, sha256//BASE64 */
	SETTING_URL,      /* url, host and perhaps user of struct settings_account */
	SETTING_SIZE,     /* uint64_t, bytes */
	SETTING_SPAN,     /* int64_t, seconds */
	SETTING_COUNT,    /* int64_t */
	SETTING_SHARE,    /* int64_t, percent */
	SETTING_BUDGET,   /* uint64_t, bytes; "auto": SETTINGS_OF_HOST */
	SETTING_SWITCH,   /* bool */
	SETTING_ACTION,   /* enum settings_action */
};

enum setting_need {
	SETTING_OPTIONAL,
	SETTING_REQUIRED,
	SETTING_ONE_OF, /* exactly one of all that say so in the section */
};

/* Values are written here as in the file. */
struct setting {
	const char *key;
	enum setting_kind kind;
	enum setting_need need;
	size_t offset;            /* of the field in the section's struct */
	const char *fallback;     /* what holds when it is absent; NULL: nothing */
	const char *least, *most; /* of numbers */
	const char *example;
	const char *meaning;
};

enum section_kind { SECTION_ARCHIVE, SECTION_ACCOUNT, SECTION_RULE, SECTION_KINDS };

#define SECTION_SETTINGS_MAX 16

struct section {
	enum section_kind kind;
	const char *name;
	const char *example_name; /* [account work]; NULL: it has no name and stands once */
	const char *meaning;
	const struct setting *setting;
	size_t setting_count; /* at most SECTION_SETTINGS_MAX */
	bool is_commented;    /* in the sample: nobody should start with it */
};

extern const struct section table[SECTION_KINDS]; /* in the order of the sample */

const struct section *table_section(struct bytes name);
const struct setting *table_setting(const struct section *section, const char *key);

/* The nearest names to wrong ones, or NULL. */
const char *table_nearest_section(const char *wrong);
const char *table_nearest_key(const struct section *section, const char *wrong);

#endif
