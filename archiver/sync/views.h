/* Folders that only show mail which is in other folders (RFC 6154 section 2, RFC 8457): to archive
 * them, too, would fetch that mail twice and say that it is in places where nobody has put it.
 *
 *   views_init(&views)
 *     for each folder of endpoint_list: views_add(&views, folder, is_named)
 *   views_decide(&views, has_labels)
 *     views_reason(&views, name)         why it is left out; NULL: it is a place of its own
 *   views_release(&views)
 *
 * \Flagged shows flagged mail. \All shows all mail: but where folders are labels (Gmail) it is the
 * one place where all mail is, and it is archived, like the labels; there \Important is a view.
 * Elsewhere \All is left out only when the server's own counts say that the other folders hold at
 * least as many messages: what is nowhere else must not be lost. A folder that somebody has named
 * in "folders" is never left out. */
#ifndef ARCHIVER_SYNC_VIEWS_H
#define ARCHIVER_SYNC_VIEWS_H

#include "archiver/endpoint/endpoint.h"

struct view {
	char *name; /* the server's bytes */
	size_t name_bytes;
	bool is_all, is_flagged, is_important, is_named;
	bool is_refuse; /* trash or junk */
	bool is_counted;
	uint64_t messages;
	const char *reason; /* NULL: a place of its own */
};

struct views {
	struct view *view;
	size_t count, room;
};

void views_init(struct views *views);
void views_release(struct views *views);
void views_add(struct views *views, const struct endpoint_folder *folder, bool is_named);
void views_decide(struct views *views, bool has_labels);
/* Where folders are labels: the one that has all mail; NULL: there is none. */
const struct view *views_all(const struct views *views, bool has_labels);
const char *views_reason(const struct views *views, struct bytes name);

#endif
