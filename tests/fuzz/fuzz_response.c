/* A server that says anything: what it says is refused or understood, and every view of what
 * was understood lies inside of what it said. Input: the bytes of the wire. */
#include "archiver/imapwire/response.h"
#include "archiver/imapwire/seqset.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_inside(struct bytes view, struct bytes all)
{
	if (view.n > 0 && (view.p < all.p || view.p + view.n > all.p + all.n))
		abort();
}

/* What SEARCH, ESEARCH and VANISHED name: taken in order, or not at all. */
static void check_set(struct bytes list)
{
	struct seqset set;
	size_t i;

	seqset_init(&set);
	seqset_add_range(&set, 5, 7);
	if (seqset_parse(&set, list, UINT32_MAX, 1000, NULL) != 0 &&
	    (set.count != 1 || seqset_count(&set) != 3))
		abort();
	for (i = 0; i < set.count; i++)
		if (set.range[i].first == 0 || set.range[i].first > set.range[i].last ||
		    (i > 0 && set.range[i].first <= set.range[i - 1].last + 1))
			abort();
	if (!seqset_has(&set, 5) || !seqset_has(&set, 7))
		abort();
	seqset_release(&set);
}

/* In memory of exactly its size, so that the sanitizer sees a read beyond it. */
static void parse(struct response_text *text)
{
	struct response_text exact = *text;
	struct response got = {0};
	struct bytes all;

	exact.text.p = malloc(text->text.n > 0 ? text->text.n : 1);
	if (text->text.n > 0)
		memcpy(exact.text.p, text->text.p, text->text.n);
	all = buf_view(&exact.text);
	if (response_parse(&exact, &got, NULL) == 0) {
		const struct bytes views[] = {got.tag, got.code, got.code_argument, got.human,
		    got.list, got.fetch.flags, got.fetch.body, got.fetch.header,
		    got.mailbox.attributes, got.mailbox.name, got.status.name, got.quota.root};

		for (size_t i = 0; i < sizeof views / sizeof *views; i++)
			check_inside(views[i], all);
		if ((got.fetch.has & FETCH_HAS_UID) ? got.fetch.uid == 0 : got.fetch.uid != 0)
			abort();
		if (got.kind == RESPONSE_SEARCH || got.kind == RESPONSE_VANISHED)
			check_set(got.list);
		if ((got.fetch.has & FETCH_HAS_MODSEQ) && got.fetch.modseq == 0)
			abort();
	}
	free(exact.text.p);
}

static struct bytes take(struct bytes *rest, uint64_t bytes)
{
	struct bytes taken = {rest->p, bytes < rest->n ? (size_t)bytes : rest->n};

	*rest = bytes_from(*rest, taken.n);
	return taken;
}

static struct bytes take_line(struct bytes *rest)
{
	const char *end = memmem(rest->p, rest->n, "\r\n", 2);
	struct bytes line = take(rest, end ? (uint64_t)(end - rest->p) : rest->n);

	take(rest, 2);
	return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct bytes rest = {(const char *)data, bytes};
	struct response_text text;
	int result = 0;

	response_text_init(&text);
	while (rest.n > 0 && result >= 0) {
		result = response_text_line(&text, take_line(&rest), NULL);
		if (result == 1) {
			parse(&text);
			response_text_clear(&text);
		} else if (result == 0 && response_text_is_body(&text)) {
			take(&rest, text.pending_bytes);
			response_text_streamed(&text);
		} else if (result == 0) {
			result =
			    response_text_literal(&text, take(&rest, text.pending_bytes), NULL);
		}
	}
	response_text_release(&text);
	return 0;
}
