/* The patterns of "folders" (settings_folder_wanted in settings.h): judging a list before it
 * is used. */
#ifndef CONFIG_PATTERNS_H
#define CONFIG_PATTERNS_H

#include "base/bytes.h"

#include <stdbool.h>

/* Something stands before, between and after the commas, and behind each "!". */
bool patterns_valid(struct bytes patterns);

#endif
