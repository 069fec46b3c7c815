/* The header of one tar entry: POSIX ustar (pax interchange format, IEEE Std 1003.1), as far as
 * an archive needs it: regular files with short names. */
#ifndef ARCHIVER_STORE_TARHEAD_H
#define ARCHIVER_STORE_TARHEAD_H

#include "base/bytes.h"
#include "base/err.h"

#include <stdint.h>

#define TARHEAD_BYTES      512
#define TARHEAD_NAME_BYTES 101                      /* with the NUL */
#define TARHEAD_MAX_NUMBER ((uint64_t)077777777777) /* eleven octal digits: 8 GiB - 1 */

struct tarhead {
	char name[TARHEAD_NAME_BYTES];
	uint64_t content_bytes;
	int64_t mtime_unix; /* before 1970: written as 0; beyond 2242: as the last that fits */
};

void tarhead_format(const struct tarhead *head, char out[TARHEAD_BYTES]);

/* 1; 0 for a block of zeros (the end of the archive); -1: ERR_DAMAGED. */
int tarhead_parse(const char block[TARHEAD_BYTES], struct tarhead *out, struct err *err);

/* Bytes of zeros behind content of that length. */
size_t tarhead_filling(uint64_t content_bytes);

#endif
