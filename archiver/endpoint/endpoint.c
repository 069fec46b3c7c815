/* Owns:  nothing.
 * Knows: which kind of endpoint a URL asks for; how long a server that says "not now" is waited
 *        for.
 * Never: logs in a second time with what was refused. */
#include "archiver/endpoint/endpoint_private.h"

#include "archiver/endpoint/backoff.h"
#include "archiver/endpoint/refusal.h"

#include <stdio.h>
#include <string.h>

#define WAIT_FIRST_MS 1000
#define WAIT_MOST_MS  30000 /* who asks for more is not waited for */

/* It may be worth while to wait, and how long. */
static bool is_worth_waiting(
    const struct endpoint_options *options, const struct err *why, unsigned tries, uint64_t *ms_out)
{
	uint64_t asked_ms = refusal_wait_ms(bytes_of(why->text));

	if (why->code != ERR_SERVER || why->scope != SCOPE_ACCOUNT || why->retry != RETRY_LATER)
		return false;
	*ms_out = backoff_ms(WAIT_FIRST_MS, WAIT_MOST_MS, tries, backoff_random());
	if (asked_ms > *ms_out)
		*ms_out = asked_ms;
	return tries <= options->patience && asked_ms <= WAIT_MOST_MS;
}

/* When to come again, for somebody who reads it. */
static void tell_when(struct err *why)
{
	uint64_t asked_ms = refusal_wait_ms(bytes_of(why->text));
	size_t n = strlen(why->text);

	if (asked_ms > 0)
		snprintf(why->text + n, sizeof why->text - n,
		    "; it asks to be left alone for %llu seconds",
		    (unsigned long long)((asked_ms + 999) / 1000));
	else
		snprintf(why->text + n, sizeof why->text - n,
		    "; try again in some minutes, nothing is wrong with the password");
}

int endpoint_open(struct endpoint **out, const struct endpoint_options *options, struct err *err)
{
	unsigned tries;

	for (tries = 1;; tries++) {
		struct err why = {0};
		uint64_t ms = 0;

		if (imap_open(out, options, &why) == 0)
			return 0;
		if (!is_worth_waiting(options, &why, tries, &ms)) {
			if (why.code == ERR_SERVER && why.scope == SCOPE_ACCOUNT)
				tell_when(&why);
			if (err)
				*err = why;
			return -1;
		}
		if (backoff_wait(ms, options->stop, err) != 0)
			return -1;
	}
}

void endpoint_close(struct endpoint *ep)
{
	if (ep)
		ep->ops->close(ep);
}

bool endpoint_can(const struct endpoint *ep, enum endpoint_ability what)
{
	return ep->ops->can(ep, what);
}

void endpoint_interrupt(struct endpoint *ep)
{
	ep->ops->interrupt(ep);
}

void endpoint_facts(const struct endpoint *ep, struct endpoint_facts *out)
{
	*out = (struct endpoint_facts){
	    .provider = "", .id_name = "", .id_version = "", .capabilities = "", .encryption = ""};
	if (ep->ops->facts)
		ep->ops->facts(ep, out);
}

int endpoint_names(
    struct endpoint *ep, struct bytes *prefix_out, char *delimiter_out, struct err *err)
{
	*prefix_out = (struct bytes){0};
	*delimiter_out = 0;
	return ep->ops->names ? ep->ops->names(ep, prefix_out, delimiter_out, err) : 0;
}

void endpoint_traffic(const struct endpoint *ep, uint64_t *received_out, uint64_t *sent_out)
{
	ep->ops->traffic(ep, received_out, sent_out);
}

int endpoint_list(struct endpoint *ep, endpoint_folder_fn fn, void *arg, struct err *err)
{
	return ep->ops->list(ep, fn, arg, err);
}

int endpoint_select(struct endpoint *ep, struct bytes name, enum endpoint_mode mode,
    struct endpoint_state *out, struct err *err)
{
	return ep->ops->select(ep, name, mode, out, err);
}

void endpoint_news_init(struct endpoint_news *news)
{
	news->telling = ENDPOINT_TELLS_NOTHING;
	news->messages = 0;
	seqset_init(&news->vanished);
	seqset_init(&news->left);
	seqset_init(&news->there);
}

void endpoint_news_release(struct endpoint_news *news)
{
	seqset_release(&news->vanished);
	seqset_release(&news->left);
	seqset_release(&news->there);
}

int endpoint_select_since(struct endpoint *ep, struct bytes name, const struct endpoint_past *past,
    endpoint_identity_fn fn, void *arg, struct endpoint_news *news, struct endpoint_state *out,
    struct err *err)
{
	news->telling = ENDPOINT_TELLS_NOTHING;
	if (!ep->ops->select_since)
		return ep->ops->select(ep, name, ENDPOINT_READ, out, err);
	return ep->ops->select_since(ep, name, past, fn, arg, news, out, err);
}

int endpoint_create(struct endpoint *ep, struct bytes name, struct err *err)
{
	return ep->ops->create(ep, name, err);
}

int endpoint_name_for(struct endpoint *ep, struct bytes shown, struct buf *out, struct err *err)
{
	return ep->ops->name_for(ep, shown, out, err);
}

int endpoint_quota(
    struct endpoint *ep, uint64_t *used_kib_out, uint64_t *limit_kib_out, struct err *err)
{
	return ep->ops->quota(ep, used_kib_out, limit_kib_out, err);
}

int endpoint_scan(
    struct endpoint *ep, endpoint_identity_fn fn, void *arg, uint64_t *count_out, struct err *err)
{
	return ep->ops->scan(ep, fn, arg, count_out, err);
}

int endpoint_survey(struct endpoint *ep, const struct endpoint_survey *survey, struct err *err)
{
	return ep->ops->survey ? ep->ops->survey(ep, survey, err) : 0;
}

int endpoint_identify(struct endpoint *ep, const struct seqset *uids, endpoint_identity_fn fn,
    void *arg, struct err *err)
{
	return ep->ops->identify(ep, uids, fn, arg, err);
}

int endpoint_message_ids(struct endpoint *ep, const struct seqset *uids, endpoint_identity_fn fn,
    void *arg, struct err *err)
{
	return ep->ops->message_ids(ep, uids, fn, arg, err);
}

int endpoint_fetch(struct endpoint *ep, const struct endpoint_source *source,
    const struct endpoint_sink *sink, struct err *err)
{
	return ep->ops->fetch(ep, source, sink, err);
}

uint32_t endpoint_take_uids(
    const struct seqset *uids, uint32_t after, uint64_t count, struct seqset *out)
{
	uint32_t uid, last = 0;

	for (; count > 0 && (uid = seqset_next(uids, after)) != 0; count--) {
		seqset_add(out, uid);
		after = last = uid;
	}
	return last;
}

struct set_source {
	const struct seqset *uids;
	uint64_t batch_count;
	uint32_t last;
};

static bool next_of_set(void *arg, struct seqset *out)
{
	struct set_source *set = arg;
	uint32_t last = endpoint_take_uids(set->uids, set->last, set->batch_count, out);

	if (last > 0)
		set->last = last;
	return last > 0;
}

int endpoint_fetch_set(struct endpoint *ep, const struct seqset *uids, uint64_t batch_count,
    const struct endpoint_sink *sink, struct err *err)
{
	struct set_source set = {uids, batch_count, 0};
	struct endpoint_source source = {&set, next_of_set};

	return endpoint_fetch(ep, &source, sink, err);
}

int endpoint_append(struct endpoint *ep, const struct endpoint_append *append,
    endpoint_appended_fn fn, void *arg, struct err *err)
{
	return ep->ops->append(ep, append, fn, arg, err);
}

int endpoint_append_wait(struct endpoint *ep, endpoint_appended_fn fn, void *arg, struct err *err)
{
	return ep->ops->append_wait(ep, fn, arg, err);
}

int endpoint_expunge(struct endpoint *ep, const struct clearance *clearance,
    struct seqset *left_out, struct seqset *lost_out, struct err *err)
{
	return ep->ops->expunge(ep, clearance, left_out, lost_out, err);
}

int endpoint_unmark(struct endpoint *ep, const struct seqset *uids, struct err *err)
{
	return ep->ops->unmark(ep, uids, err);
}
