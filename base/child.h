/* Running another program. */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include "base/buf.h"
#include "base/err.h"

/* Run "sh -c command" and append what it writes on its standard output; its errors go to
 * ours, its input is our own (it may ask for a passphrase). ERR_CONFIG when it cannot be run
 * or does not end with status 0; ERR_LIMIT when it writes more than output takes. */
int child_output(const char *command, struct buf *output, struct err *err);

#endif
