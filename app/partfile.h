/* A new file that stands under its name only when it is complete. Until then it is PATH.part
 * beside it, which goes away when the work is given up; one that was left by a crash is
 * overwritten. What has that name already is never replaced.
 *
 *   partfile_begin(&file, path, &err)         ERR_USAGE: the name is taken
 *   ... write to file.fd ...
 *   partfile_commit(&file, &err)  or  partfile_abort(&file)
 *
 * Both may follow a begin that failed; the second of two calls does nothing. Two programs do not
 * write the same file: ERR_LOCKED. What a commit wrote is on the disk; its name is after
 * file_sync_folder(). */
#ifndef APP_PARTFILE_H
#define APP_PARTFILE_H

#include "base/err.h"

struct partfile {
	int fd; /* -1: not open */
	char *path, *part;
};

int partfile_begin(struct partfile *file, const char *path, struct err *err);
int partfile_commit(struct partfile *file, struct err *err);
void partfile_abort(struct partfile *file);

#endif
