/* The address of an account: imaps://[user@]host[:port] or imap:// (RFC 5092, of which this
 * is the part before any mailbox). The last "@" before the host ends the user, so that a mail
 * address may stand as it is; any byte of the user may be %XX (RFC 3986 section 2.1).
 *
 *   struct mailurl url = {0};
 *   if (mailurl_parse("imaps://me%40example.org@imap.example.org", &url, &err) == 0) ...
 *   mailurl_release(&url)                  legal at any time
 *
 * Errors are ERR_CONFIG, say what was expected, and never show the address: it might hold a
 * password. A password in it is an error of its own. */
#ifndef CONFIG_MAILURL_H
#define CONFIG_MAILURL_H

#include "base/err.h"

struct mailurl {
	char *base; /* scheme in small letters, host, and port when it was given */
	char *host; /* as it stands, brackets around an IPv6 address included */
	char *user; /* decoded; NULL when there is none */
};

int mailurl_parse(const char *text, struct mailurl *out, struct err *err);
void mailurl_release(struct mailurl *url);

#endif
