/* Owns:  nothing; fills the caller's struct err.
 * Knows: the usual retry class and scope of each code.
 * Never: allocates, prints, exits. */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	enum err_retry retry;
	enum err_scope scope;
} usual[] = {
    [ERR_NONE] = {RETRY_NEVER, SCOPE_MESSAGE},
    [ERR_USAGE] = {RETRY_NEVER, SCOPE_ARCHIVE},
    [ERR_CONFIG] = {RETRY_NEVER, SCOPE_ARCHIVE},
    [ERR_IO] = {RETRY_LATER, SCOPE_ARCHIVE},
    [ERR_SPACE] = {RETRY_LATER, SCOPE_ARCHIVE},
    [ERR_LOCKED] = {RETRY_LATER, SCOPE_ARCHIVE},
    [ERR_DAMAGED] = {RETRY_NEVER, SCOPE_MESSAGE},
    [ERR_VERSION] = {RETRY_NEVER, SCOPE_ARCHIVE},
    [ERR_NETWORK] = {RETRY_LATER, SCOPE_ACCOUNT},
    [ERR_TLS] = {RETRY_NEVER, SCOPE_ACCOUNT},
    [ERR_LOGIN] = {RETRY_NEVER, SCOPE_ACCOUNT},
    [ERR_PROTOCOL] = {RETRY_LATER, SCOPE_ACCOUNT},
    [ERR_SERVER] = {RETRY_LATER, SCOPE_FOLDER},
    [ERR_UNSAFE] = {RETRY_NEVER, SCOPE_FOLDER},
    [ERR_ABSENT] = {RETRY_NEVER, SCOPE_MESSAGE},
    [ERR_LIMIT] = {RETRY_NEVER, SCOPE_MESSAGE},
    [ERR_STOPPED] = {RETRY_LATER, SCOPE_ARCHIVE},
    [ERR_PAUSED] = {RETRY_LATER, SCOPE_ACCOUNT},
    [ERR_BUG] = {RETRY_NEVER, SCOPE_ARCHIVE},
};

int err_set_v(struct err *err, enum err_code code, const char *format, va_list args)
{
	if (!err)
		return -1;
	err->code = code;
	err->retry = usual[code].retry;
	err->scope = usual[code].scope;
	vsnprintf(err->text, sizeof err->text, format, args);
	return -1;
}

int(err_set)(struct err *err, enum err_code code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	err_set_v(err, code, format, args);
	va_end(args);
	return -1;
}

int(err_os)(struct err *err, int error_number, const char *format, ...)
{
	bool full = error_number == ENOSPC || error_number == EDQUOT;
	char words[128];
	va_list args;
	size_t used;

	if (!err)
		return -1;
	va_start(args, format);
	err_set_v(err, full ? ERR_SPACE : ERR_IO, format, args);
	va_end(args);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof err->text - used, ": %s",
	    strerror_r(error_number, words, sizeof words));
	return -1;
}

int(err_add)(struct err *err, const char *format, ...)
{
	char before[ERR_TEXT_BYTES], old[ERR_TEXT_BYTES];
	va_list args;

	if (!err)
		return -1;
	va_start(args, format);
	vsnprintf(before, sizeof before, format, args);
	va_end(args);
	memcpy(old, err->text, sizeof old);
	if (snprintf(err->text, sizeof err->text, "%s: %s", before, old) < 0)
		err->text[0] = '\0';
	return -1;
}

void err_class(struct err *err, enum err_retry retry, enum err_scope scope)
{
	if (!err)
		return;
	err->retry = retry;
	err->scope = scope;
}

void err_clear(struct err *err)
{
	if (err)
		memset(err, 0, sizeof *err);
}
