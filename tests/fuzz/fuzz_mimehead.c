/* The header of a message: whatever it is, values keep their limit and what is decoded is
 * UTF-8 without control characters. */
#include "archiver/mime/mimehead.h"
#include "base/utf8.h"

static void check_line(struct buf *out)
{
	if (!utf8_valid(buf_view(out)))
		abort();
	for (size_t i = 0; i < out->n; i++)
		if ((unsigned char)out->p[i] < ' ')
			abort();
	buf_clear(out);
}

static void check_value(struct buf *out, const struct buf *value)
{
	if (value->n > MIMEHEAD_VALUE_BYTES)
		abort();
	mimehead_decode(out, buf_view(value));
	check_line(out);
	mimehead_first_name(out, buf_view(value));
	check_line(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct bytes input = {(const char *)data, bytes};
	struct mimehead head;
	struct buf out;

	buf_init(&out, 1 << 24);
	mimehead_init(&head);
	mimehead_parse(&head, input);
	check_value(&out, &head.subject);
	check_value(&out, &head.from);
	check_value(&out, &head.to);
	check_value(&out, &head.cc);
	check_value(&out, &head.list_id);
	check_value(&out, &head.references);
	if (!head.has_date && head.date_unix != 0)
		abort();
	mimehead_decode(&out, input);
	check_line(&out);
	mimehead_release(&head);
	buf_release(&out);
	return 0;
}
