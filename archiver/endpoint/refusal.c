/* Owns:  nothing.
 * Knows: response codes, and the words of hosts that use none.
 * Never: takes a refused password for something that passes.
 * Spec:  RFC 5530 section 3; RFC 9051 section 7.1 */
#include "archiver/endpoint/refusal.h"

#include <stdio.h>
#include <string.h>

#define SAID_BYTES 600

struct sign {
	const char *words; /* any case */
	enum refusal refusal;
};

/* Codes first: they are meant for programs. */
static const struct sign login_code[] = {
    {"[UNAVAILABLE", REFUSAL_PASSES},       /* RFC 5530 */
    {"[INUSE", REFUSAL_PASSES},             /* RFC 5530 */
    {"[SERVERBUG", REFUSAL_PASSES},         /* RFC 5530 */
    {"[LIMIT", REFUSAL_THROTTLED},          /* RFC 5530; Yahoo: "LOGIN Rate limit hit" */
    {"[THROTTLED", REFUSAL_THROTTLED},      /* Gmail */
    {"[OVERQUOTA", REFUSAL_THROTTLED},      /* Gmail: "exceeded command or bandwidth limits" */
    {"[WEBALERT", REFUSAL_WEB},             /* Gmail: "Web login required" */
    {"[CONTACTADMIN", REFUSAL_ADMIN},       /* RFC 5530 */
    {"[PRIVACYREQUIRED", REFUSAL_ADMIN},    /* RFC 5530 */
    {"[EXPIRED", REFUSAL_PASSWORD},         /* RFC 5530 */
    {"[AUTHORIZATIONFAILED", REFUSAL_ADMIN} /* RFC 5530 */
};

static const struct sign login_words[] = {
    {"application-specific password", REFUSAL_APP_PASSWORD}, /* Gmail, with [ALERT] */
    {"app password", REFUSAL_APP_PASSWORD},
    {"app-specific", REFUSAL_APP_PASSWORD},       /* iCloud */
    {"authorization code", REFUSAL_APP_PASSWORD}, /* QQ, 163 */
    {"not enabled for imap", REFUSAL_OFF},        /* Gmail */
    {"imap is disabled", REFUSAL_OFF},            /* Yandex, Zoho */
    {"imap access is disabled", REFUSAL_OFF},
    {"enable imap", REFUSAL_OFF},                /* Zoho */
    {"imap service", REFUSAL_OFF},               /* QQ: "... is not open" */
    {"imap/pop access is blocked", REFUSAL_OFF}, /* Zoho */
    {"pop3/imap is disabled", REFUSAL_OFF},      /* GMX, web.de */
    {"basic authentication", REFUSAL_OAUTH},     /* Exchange Online */
    {"basicauthblocked", REFUSAL_OAUTH},         /* Outlook.com */
    {"logindisabled", REFUSAL_OAUTH},            /* Outlook.com */
    {"oauth", REFUSAL_OAUTH},
    {"less secure", REFUSAL_OAUTH},               /* Workspace */
    {"via your web browser", REFUSAL_WEB},        /* Gmail, with [ALERT] */
    {"too many simultaneous", REFUSAL_THROTTLED}, /* Gmail, with [ALERT] */
    {"too many connections", REFUSAL_THROTTLED},
    {"maximum number of connections", REFUSAL_THROTTLED}, /* Dovecot without its code */
    {"not connected", REFUSAL_THROTTLED}, /* Exchange: authenticated, but logins come too fast */
    {"throttled", REFUSAL_THROTTLED},     /* Exchange */
    {"backoff", REFUSAL_THROTTLED},       /* Exchange */
    {"rate limit", REFUSAL_THROTTLED},
    {"server busy", REFUSAL_PASSES},        /* Exchange */
    {"server unavailable", REFUSAL_PASSES}, /* Exchange: "Server Unavailable. 15" */
    {"temporar", REFUSAL_PASSES},
    {"try again later", REFUSAL_PASSES},
};

static const struct sign command_signs[] = {
    {"[AUTHENTICATIONFAILED", REFUSAL_SESSION},
    {"[AUTHORIZATIONFAILED", REFUSAL_SESSION},
    {"[EXPIRED", REFUSAL_SESSION},
    {"accesstokenexpired", REFUSAL_SESSION},  /* Exchange */
    {"session invalidated", REFUSAL_SESSION}, /* Exchange */
    {"session expired", REFUSAL_SESSION},     /* Gmail */
    {"but not connected", REFUSAL_SESSION},   /* Exchange: "User is authenticated but ..." */
    {"[LIMIT", REFUSAL_THROTTLED},
    {"[THROTTLED", REFUSAL_THROTTLED},
    {"bandwidth limits", REFUSAL_THROTTLED}, /* Gmail, with [OVERQUOTA] */
    {"throttled", REFUSAL_THROTTLED},
    {"backoff", REFUSAL_THROTTLED},
    {"rate limit", REFUSAL_THROTTLED},
    {"[UNAVAILABLE", REFUSAL_PASSES},
    {"[INUSE", REFUSAL_PASSES},
    {"[SERVERBUG", REFUSAL_PASSES},
    {"[OVERQUOTA", REFUSAL_PASSES},
    {"server busy", REFUSAL_PASSES},
    {"server unavailable", REFUSAL_PASSES},
    {"temporar", REFUSAL_PASSES},
    {"try again", REFUSAL_PASSES},
};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const struct sign *find(const struct sign *sign, size_t count, const char *said)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strcasestr(said, sign[i].words))
			return &sign[i];
	return NULL;
}

static void copy(char out[SAID_BYTES], struct bytes said)
{
	snprintf(out, SAID_BYTES, "%.*s", (int)(said.n < SAID_BYTES ? said.n : SAID_BYTES - 1),
	    said.n ? said.p : "");
}

enum refusal refusal_of_login(struct bytes said)
{
	const struct sign *sign;
	char text[SAID_BYTES];

	copy(text, said);
	sign = find(login_code, COUNT(login_code), text);
	if (sign)
		return sign->refusal;
	sign = find(login_words, COUNT(login_words), text);
	/* "Try again later", "temporarily" beside that code is a manner of speaking. */
	if (strcasestr(text, "[AUTHENTICATIONFAILED]") && (!sign || refusal_passes(sign->refusal)))
		return REFUSAL_PASSWORD;
	return sign ? sign->refusal : REFUSAL_PASSWORD;
}

enum refusal refusal_of_command(struct bytes said)
{
	const struct sign *sign;
	char text[SAID_BYTES];

	copy(text, said);
	sign = find(command_signs, COUNT(command_signs), text);
	return sign ? sign->refusal : REFUSAL_OTHER;
}

static uint64_t number_at(const char *p, const char **end_out)
{
	uint64_t number = 0;

	while (*p >= '0' && *p <= '9' && number < 1000000000)
		number = number * 10 + (uint64_t)(*p++ - '0');
	*end_out = p;
	return number;
}

/* "Suggested Backoff Time: 299473 milliseconds" (Exchange); "backoff 300 seconds". */
uint64_t refusal_wait_ms(struct bytes said)
{
	char text[SAID_BYTES];
	const char *p;
	uint64_t number;

	copy(text, said);
	p = strcasestr(text, "backoff");
	if (!p)
		return 0;
	p += strcspn(p, "0123456789");
	number = number_at(p, &p);
	p += strspn(p, " ");
	if (strncasecmp(p, "ms", 2) == 0 || strncasecmp(p, "milli", 5) == 0)
		return number;
	return strncasecmp(p, "min", 3) == 0 ? number * 60000 : number * 1000;
}
