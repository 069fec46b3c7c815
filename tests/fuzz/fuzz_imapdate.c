/* A date that is taken is written and taken again as the same moment. Input: its text. */
#include "archiver/imapwire/imapdate.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const int64_t first = -2208988800, last = 253402300799; /* years 1900 to 9999, UTC */
	char text[IMAPDATE_BYTES];
	int64_t moment = 0, again;

	if (!imapdate_parse((struct bytes){(const char *)data, bytes}, &moment) && bytes >= 8)
		memcpy(&moment, data, sizeof moment);
	imapdate_format(moment, text);
	if (strlen(text) != IMAPDATE_BYTES - 1 || !imapdate_parse(bytes_of(text), &again))
		abort();
	if (again != (moment < first ? first : moment > last ? last : moment))
		abort();
	return 0;
}
