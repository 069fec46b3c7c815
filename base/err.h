/* What went wrong, in one object that the caller owns.
 *
 *   struct err err = {0};
 *   if (file_read_all(path, max_bytes, &text, &err) != 0)
 *           return err_add(&err, "reading the settings");
 *
 * A failing function fills the object and returns -1; whoever passes the failure on may put
 * context in front of the text, never replace it. Texts are one line without a full stop, in
 * words for the person at the terminal, and may hold bytes from outside: the program cleans
 * them when it prints. On success the object is untouched. Passing NULL is legal and loses
 * the reason. Nothing here allocates, prints or exits. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

#define ERR_TEXT_BYTES 1024

enum err_code {
	ERR_NONE,
	ERR_USAGE,    /* the command line */
	ERR_CONFIG,   /* the settings; text begins with file:line */
	ERR_IO,       /* a system call on a file failed */
	ERR_SPACE,    /* no room left on the disk */
	ERR_LOCKED,   /* another process has the archive */
	ERR_DAMAGED,  /* stored bytes are not what they must be */
	ERR_VERSION,  /* made by a newer mailcask */
	ERR_NETWORK,  /* no connection, or it broke */
	ERR_TLS,      /* no encrypted connection with a verified peer */
	ERR_LOGIN,    /* the server refused the credentials */
	ERR_PROTOCOL, /* the peer said what it must not say */
	ERR_SERVER,   /* the peer understood and refused */
	ERR_UNSAFE,   /* refused for safety */
	ERR_ABSENT,   /* what was asked for does not exist */
	ERR_LIMIT,    /* larger than we take */
	ERR_STOPPED,  /* asked to stop */
	ERR_PAUSED,   /* enough for now: it goes on by itself later */
	ERR_BUG       /* cannot happen */
};

/* When the same call may succeed. */
enum err_retry { RETRY_NEVER, RETRY_LATER, RETRY_NOW };

/* How much cannot be used because of it. */
enum err_scope { SCOPE_ARCHIVE, SCOPE_ACCOUNT, SCOPE_FOLDER, SCOPE_MESSAGE };

struct err {
	enum err_code code;
	enum err_retry retry;
	enum err_scope scope;
	char text[ERR_TEXT_BYTES];
};

/* Fill with the code's usual retry class and scope. Always return -1. */
int err_set(struct err *err, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int err_set_v(struct err *err, enum err_code code, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/* The same from an errno value: ENOSPC and EDQUOT become ERR_SPACE, others ERR_IO; the
 * system's words follow the text. Always returns -1. */
int err_os(struct err *err, int error_number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Put "context: " in front of the text. Always returns -1. */
int err_add(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Change class and scope where the code's usual ones are wrong. */
void err_class(struct err *err, enum err_retry retry, enum err_scope scope);

void err_clear(struct err *err);

/* That they return -1 is known to the compilers and to the analyzer this way: so "return
 * err_set(...)" is a failure to them too. */
#define err_set(...)                                                                               \
	({                                                                                         \
		(err_set)(__VA_ARGS__);                                                            \
		-1;                                                                                \
	})
#define err_os(...)                                                                                \
	({                                                                                         \
		(err_os)(__VA_ARGS__);                                                             \
		-1;                                                                                \
	})
#define err_add(...)                                                                               \
	({                                                                                         \
		(err_add)(__VA_ARGS__);                                                            \
		-1;                                                                                \
	})

#endif
