/* The text of any HTML is UTF-8 and keeps the ceiling of its buffer. */
#include "base/utf8.h"
#include "index/html.h"

static void check(struct bytes html, size_t ceiling)
{
	struct buf out;

	buf_init(&out, ceiling);
	html_text(&out, html);
	if (out.n > ceiling || !utf8_valid(buf_view(&out)))
		abort();
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct bytes html = {(const char *)data, bytes};

	check(html, 1 << 24);
	check(html, 20);
	return 0;
}
