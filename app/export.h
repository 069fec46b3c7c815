/* Writing messages as files. Each place of a message is written once; the bytes of .eml files
 * are exactly the archived ones.
 *
 * No file stands under its name before it is complete (partfile.h), and none is replaced. An
 * .eml that is there already with exactly the bytes of the message counts as written, so an
 * export that was interrupted goes on where it ended; another file of that name is ERR_USAGE. An
 * mbox is there as a whole or not at all. */
#ifndef APP_EXPORT_H
#define APP_EXPORT_H

#include "app/app.h"

enum export_format {
	EXPORT_EML, /* PATH/ACCOUNT/FOLDER/DATE-ID.eml */
	EXPORT_MBOX /* one mboxrd file (RFC 4155 with ">" quoting of "From " lines), LF lines */
};

struct export
{
	struct app *app;
	enum export_format format;
	const char *path; /* a folder (eml) or a file; "-": standard output (mbox) */
	uint64_t written, bytes, failed;
	int fd; /* of the mbox */
	struct export_line *line;
};

int export_begin(struct export *export, struct err *err);
int export_place(struct export *export, int64_t place_number, struct err *err);

/* One of them is always to be called after begin, whatever that returned. After an export_place
 * that failed both leave no mbox. */
int export_end(struct export *export, struct err *err);
void export_abort(struct export *export);

#endif
