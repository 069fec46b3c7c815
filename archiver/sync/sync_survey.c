/* Owns:  the look at all folders of a server that counts no changes: flags can have changed in
 *        each of them, and nothing but a listing tells.
 * Knows: that such listings need not be waited for one by one.
 * Never: settles a folder in which anything but flags and deletions is found. */
#include "archiver/sync/sync_private.h"

#include "base/mem.h"

#include <stdlib.h>

struct survey {
	struct sync *sync;
	size_t *folder; /* their numbers, in the order of the commands */
	size_t count, room, asked, ended;
	struct news news; /* of the folder that is listed now */
};

static bool next_folder(void *arg, struct bytes *name_out)
{
	struct survey *survey = arg;

	if (survey->asked == survey->count)
		return false;
	*name_out = sync_folder_name(&survey->sync->all->folder[survey->folder[survey->asked++]]);
	return true;
}

static int take_message(void *arg, const struct endpoint_identity *told, struct err *err)
{
	struct survey *survey = arg;

	(void)err;
	if (survey->news.told.count <= 2 * SYNC_SURVEY_COUNT)
		known_note(&survey->news.told, told);
	return 0;
}

static int end_folder(
    void *arg, const struct endpoint_state *state, uint64_t listed, struct err *err)
{
	struct survey *survey = arg;
	struct sync_folder *folder = &survey->sync->all->folder[survey->folder[survey->ended++]];
	struct news *news = &survey->news;
	int result = 0;
	size_t i;

	known_settle(&news->told);
	for (i = 0; i < news->told.count; i++)
		seqset_add(&news->there, news->told.entry[i].uid);
	if (state && listed == news->told.count)
		result = sync_settle(survey->sync, folder, news, state, err);
	folder->is_settled = result == 1;
	survey->sync->report->folders_changed += result == 1;
	sync_news_release(news);
	sync_news_init(news);
	return result < 0 ? -1 : 0;
}

static int choose(struct survey *survey, struct err *err)
{
	struct sync *sync = survey->sync;
	size_t i;

	for (i = 0; i < sync->all->folder_count; i++) {
		int may = sync_wants(sync, &sync->all->folder[i])
		    ? sync_may_survey(sync, &sync->all->folder[i], err)
		    : 0;

		if (may < 0)
			return -1;
		if (may == 0)
			continue;
		survey->folder = mem_grow(
		    survey->folder, &survey->room, survey->count + 1, sizeof *survey->folder);
		survey->folder[survey->count++] = i;
	}
	return 0;
}

int sync_survey(struct sync *sync, struct err *err)
{
	struct survey survey = {.sync = sync};
	const struct endpoint_survey question = {
	    .arg = &survey, .next = next_folder, .message = take_message, .end = end_folder};
	struct err why = {0};
	int result;

	sync_news_init(&survey.news);
	result = choose(&survey, err);
	/* One alone is looked at as well when it is its turn. */
	if (result == 0 && survey.count > 1 && sync->ep &&
	    endpoint_survey(sync->ep, &question, &why) != 0) {
		sync_disconnect(sync);
		if (sync->all->is_vault_bad) {
			*err = why;
			result = -1;
		}
	}
	sync_news_release(&survey.news);
	free(survey.folder);
	return result;
}
