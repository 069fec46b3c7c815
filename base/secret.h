/* A password or token. Wiped when it goes; there is no call that prints one. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/bytes.h"
#include "base/digest.h"
#include "base/err.h"

#include <stdbool.h>

#define SECRET_MAX_BYTES 65536

struct secret {
	char *p; /* with a NUL; NULL when empty. Only base/net.c looks inside */
	size_t n;
};

void secret_set(struct secret *secret, struct bytes value); /* copies; wipes the old one */
void secret_wipe(struct secret *secret);
bool secret_is_empty(const struct secret *secret);
void secret_sum(
    const struct secret *secret, struct sha256 *out); /* to know it again; tell nobody */

/* The first line of a command's output (run by sh -c), of a file that nobody else may read
 * (its mode is checked), or of an environment variable. ERR_CONFIG says what is wrong, never
 * what was read; it holds for one account, and a later try may succeed (a locked keyring). */
int secret_from_command(struct secret *secret, const char *command, struct err *err);
int secret_from_file(struct secret *secret, const char *path, struct err *err);
int secret_from_environment(struct secret *secret, const char *name, struct err *err);

#endif
