/* One value of the file into one field: what each kind of setting (table.h) takes.
 *
 *   struct settings_archive archive = {0};
 *   value_set(table_setting(&table[SECTION_ARCHIVE], "level"), "3", &archive, &err)
 *
 * Strings in the record are replaced and belong to it. A failure is ERR_CONFIG, leaves the
 * record as it was, and says what was expected, with an example; a wrong value is only shown
 * where it cannot be a password that went astray. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "base/err.h"
#include "config/table.h"

#include <stdbool.h>

int value_set(const struct setting *setting, const char *text, void *record, struct err *err);

/* Free what such values put into a record of the section. */
void value_release(const struct section *section, void *record);

/* A value that seems to end in a comment: blank and ";", or blank, "#" and blank, outside of
 * double quotes. */
bool value_ends_in_comment(const char *text);

/* The name of an account or a rule: letters, digits, ".", "_", "-", at most 64 of them, with a
 * letter, a digit or "_" at the start (not to be taken for an option or a hidden file). */
bool value_is_name(struct bytes text);

#endif
