/* The second copy of the archive, as commands see it: brought up to date behind whatever was
 * committed, and told when that could not be. */
#ifndef APP_MIRROR_H
#define APP_MIRROR_H

#include "app/app.h"

#include "archiver/replica/replica.h"

#define MIRROR_NONE                                                                                \
	"the settings name no mirror ([archive] mirror = PATH), or --archive names another "       \
	"archive"

/* The options for the archive that is open, which the settings give a mirror: true. */
bool mirror_options(struct app *app, struct replica_options *out);

/* When something was committed since, or app->must_mirror: bring the mirror up to date, if there
 * is one. What goes wrong is a problem, and told: the archive is as it is. */
enum err_code mirror_follow(struct app *app);

/* ERR_UNSAFE when a new archive would be made where the mirror of one that was lost is at hand. */
int mirror_check_new(const struct settings_archive *archive, struct err *err);

/* With progress bar and notices. */
int mirror_update(struct app *app, struct replica_options *options, struct replica_report *report,
    struct err *err);
int mirror_restore(struct app *app, struct replica_report *report, struct err *err);

#endif
