/* What every command works with: settings, archive, index, accounts; and how it fails.
 *
 * The parts are opened when a command asks for them and closed by app_close. */
#ifndef APP_APP_H
#define APP_APP_H

#include "archiver/endpoint/budget.h"
#include "archiver/endpoint/endpoint.h"
#include "archiver/vault/vault.h"
#include "config/settings.h"
#include "index/index.h"

#include "base/err.h"
#include "base/secret.h"

#include <signal.h>
#include <stdbool.h>

enum exit_status {
	EXIT_DONE = 0,
	EXIT_IN_PART = 1,
	EXIT_WRONG_USE = 2, /* usage or settings */
	EXIT_DAMAGED = 3,
	EXIT_SERVER = 4, /* server or login */
	EXIT_REFUSED = 5 /* for safety */
};

struct app {
	const char *config_path, *archive_path; /* from the command line, or NULL */
	bool json, quiet, verbose;
	const volatile sig_atomic_t *stop;

	struct settings *settings;
	struct vault *vault;
	uint64_t
	    next_batch;   /* of the archive when it was opened for writing; 0: only for reading */
	bool must_mirror; /* the mirror is brought up to date even when nothing was committed */
	struct index *index;
	bool has_failed_in_part;

	/* The password of the account that was used last: one command asks for it once. */
	struct secret secret;
	const struct settings_account *secret_of;

	struct budget *budget; /* what that account may still download */
	const struct settings_account *budget_of;
};

/* Print the error as one line, and say which exit status it is. */
int app_fail(struct app *app, const struct err *err);
enum exit_status app_status_of(const struct err *err);

/* A line on standard error, unless quiet; foreign bytes are made printable. */
void app_note(const struct app *app, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for what is wrong: also when quiet; the exit status becomes 1 at least. */
void app_problem(struct app *app, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool app_must_stop(void *app);

/* The settings; required: also when an archive was named on the command line. */
int app_need_settings(struct app *app, struct err *err);

/* The archive; for_writing takes its lock. */
int app_open_vault(struct app *app, bool for_writing, struct err *err);
/* For writing, with a catalogue that is made from the segments now, as far as they can be read. */
int app_rebuild_vault(struct app *app, struct err *err);
/* The index beside it. For reading: complains politely when it is missing or behind. */
int app_open_index(struct app *app, bool for_writing, struct err *err);
/* Bring the index up to date (opens it for writing), with a progress bar. */
int app_catch_up(struct app *app, struct err *err);
/* Make it anew. */
int app_rebuild_index(struct app *app, struct err *err);

/* An account by its name: ERR_USAGE with the names there are. */
int app_account(
    struct app *app, const char *name, const struct settings_account **out, struct err *err);

/* A message by the first digits of its id, or by its Message-ID: ERR_ABSENT, ERR_USAGE. */
int app_message(struct app *app, const char *name, struct catalog_message *out, struct err *err);

/* How to reach an account. The password is asked for once and kept until another account is
 * asked for, or app_forget_secret. */
int app_endpoint_options(struct app *app, const struct settings_account *account,
    struct endpoint_options *out, struct err *err);
void app_forget_secret(struct app *app);
void app_close_budget(struct app *app); /* writes down what was spent */

void app_close(struct app *app);

#endif
