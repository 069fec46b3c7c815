/* A valid name is the one form of its text; any text has a name that gives it back. Input: a
 * name, and also a text. */
#include "archiver/imapwire/utf7.h"
#include "base/utf8.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct bytes input = {(const char *)data, bytes};
	struct buf text, name;

	buf_init(&text, 1 << 24);
	buf_init(&name, 1 << 24);
	if (utf7_decode(&text, input)) {
		utf7_encode(&name, buf_view(&text));
		if (!bytes_equal(buf_view(&name), input))
			abort();
	}
	if (!utf8_valid(buf_view(&text)))
		abort();
	buf_clear(&text);
	buf_clear(&name);
	utf7_encode(&name, input);
	if (bytes < 100000 && !utf7_decode(&text, buf_view(&name)))
		abort();
	if (utf8_valid(input) && bytes < 100000 && !bytes_equal(buf_view(&text), input))
		abort();
	buf_release(&name);
	buf_release(&text);
	return 0;
}
