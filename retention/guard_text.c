/* Owns:  the running sum of one text.
 * Never: keeps a text; takes one for a UID's that the server has not said is. */
#include "retention/guard_text.h"

#define TEXTS_AT_ONCE 50 /* to a command */

struct texts {
	struct digest *digest;
	struct sha256 sum;
	bool has_sum; /* a text has ended whose response has not */
	guard_text_fn fn;
	void *arg;
};

static int begin(void *arg, uint64_t bytes, struct err *err)
{
	struct texts *texts = arg;
	struct sha256 unused;

	(void)bytes, (void)err;
	digest_end(texts->digest, &unused); /* of a text that broke off */
	texts->has_sum = false;
	return 0;
}

static int add(void *arg, const void *data, size_t bytes, struct err *err)
{
	(void)err;
	digest_add(((struct texts *)arg)->digest, data, bytes);
	return 0;
}

static int end(void *arg, struct err *err)
{
	struct texts *texts = arg;

	(void)err;
	digest_end(texts->digest, &texts->sum);
	texts->has_sum = true;
	return 0;
}

static int take(void *arg, const struct endpoint_message *message, struct err *err)
{
	struct texts *texts = arg;

	(void)err;
	if (texts->has_sum && message->has_body)
		texts->fn(texts->arg, message->uid.value, &texts->sum);
	texts->has_sum = false;
	return 0;
}

static int finish(
    void *arg, const struct seqset *asked, bool ok, struct bytes reason, struct err *err)
{
	/* What did not come is not told, which proves nothing to anybody. */
	(void)arg, (void)asked, (void)ok, (void)reason, (void)err;
	return 0;
}

int guard_texts(
    struct endpoint *ep, const struct seqset *uids, guard_text_fn fn, void *arg, struct err *err)
{
	struct texts texts = {.digest = digest_new(), .fn = fn, .arg = arg};
	struct endpoint_sink sink = {.arg = &texts,
	    .begin = begin,
	    .data = add,
	    .end = end,
	    .message = take,
	    .batch = finish};
	int result = endpoint_fetch_set(ep, uids, TEXTS_AT_ONCE, &sink, err);

	digest_free(texts.digest);
	return result;
}
