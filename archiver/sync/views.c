/* Owns:  what was decided about each folder of one listing.
 * Knows: special uses.
 * Never: leaves a folder out because of its name.
 * Spec:  RFC 6154 section 2; RFC 8457 section 4 */
#include "archiver/sync/views.h"

#include "archiver/imapwire/imapflags.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void views_init(struct views *views)
{
	memset(views, 0, sizeof *views);
}

void views_release(struct views *views)
{
	size_t i;

	for (i = 0; i < views->count; i++)
		free(views->view[i].name);
	free(views->view);
	views_init(views);
}

void views_add(struct views *views, const struct endpoint_folder *folder, bool is_named)
{
	if (!folder->is_selectable)
		return;
	views->view = mem_grow(views->view, &views->room, views->count + 1, sizeof *views->view);
	views->view[views->count++] = (struct view){.name = bytes_string(folder->name),
	    .name_bytes = folder->name.n,
	    .is_all = imapflags_lists(folder->attributes, "\\All"),
	    .is_flagged = imapflags_lists(folder->attributes, "\\Flagged"),
	    .is_important = imapflags_lists(folder->attributes, "\\Important"),
	    .is_refuse = imapflags_lists(folder->attributes, "\\Trash") ||
		imapflags_lists(folder->attributes, "\\Junk"),
	    .is_named = is_named,
	    .is_counted = folder->has_state,
	    .messages = folder->state.messages};
}

/* Do the folders that are no views hold at least as many messages? A folder with all mail shows
 * neither trash nor junk: what is in these says nothing of it. */
static bool is_held_elsewhere(const struct views *views, const struct view *all)
{
	uint64_t messages = 0;
	size_t i;

	for (i = 0; i < views->count; i++) {
		const struct view *view = &views->view[i];

		if (!view->is_all && !view->is_flagged && !view->is_refuse && view->is_counted)
			messages += view->messages;
	}
	return all->is_counted && messages >= all->messages;
}

void views_decide(struct views *views, bool has_labels)
{
	size_t i;

	for (i = 0; i < views->count; i++) {
		struct view *view = &views->view[i];

		if (view->is_named)
			continue;
		if (view->is_flagged)
			view->reason = "it only shows flagged mail of other folders";
		else if (view->is_important && has_labels)
			view->reason = "it only shows important mail of other folders";
		else if (view->is_all && !has_labels && is_held_elsewhere(views, view))
			view->reason = "it only shows all mail of the other folders";
	}
}

const struct view *views_all(const struct views *views, bool has_labels)
{
	size_t i;

	for (i = 0; has_labels && i < views->count; i++)
		if (views->view[i].is_all)
			return &views->view[i];
	return NULL;
}

const char *views_reason(const struct views *views, struct bytes name)
{
	size_t i;

	for (i = 0; i < views->count; i++)
		if (bytes_equal(
			(struct bytes){views->view[i].name, views->view[i].name_bytes}, name))
			return views->view[i].reason;
	return NULL;
}
