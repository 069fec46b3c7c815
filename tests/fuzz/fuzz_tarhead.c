/* A header that is taken says the same when it is written again. Input: a header block, taken as
 * it is and with the right checksum. */
#include "archiver/store/tarhead.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(const char *block)
{
	struct tarhead head, again;
	char written[TARHEAD_BYTES];

	if (tarhead_parse(block, &head, NULL) != 1)
		return;
	if (strlen(head.name) >= TARHEAD_NAME_BYTES)
		abort();
	if (head.content_bytes > TARHEAD_MAX_NUMBER || head.mtime_unix < 0 ||
	    (uint64_t)head.mtime_unix > TARHEAD_MAX_NUMBER)
		return; /* twelve digits: not ours */
	tarhead_format(&head, written);
	if (tarhead_parse(written, &again, NULL) != 1 || strcmp(head.name, again.name) != 0 ||
	    head.content_bytes != again.content_bytes || head.mtime_unix != again.mtime_unix)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char block[TARHEAD_BYTES] = {0}, sum[8];
	unsigned total = 0;

	memcpy(block, data, bytes < sizeof block ? bytes : sizeof block);
	check(block);
	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < sizeof block; i++)
		total += (unsigned char)block[i];
	snprintf(sum, sizeof sum, "%06o", total & 0777777);
	memcpy(block + 148, sum, 7);
	check(block);
	return 0;
}
