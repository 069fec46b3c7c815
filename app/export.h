/* Writing messages as files. Each place of a message is written once; the bytes of .eml files
 * are exactly the archived ones. */
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
int export_end(struct export *export, struct err *err); /* always to be called after begin */

#endif
