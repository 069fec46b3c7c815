/* Owns:  the table, which is constant.
 * Knows: what hosts do not say of themselves; where each fact is from stands beside it.
 * Never: asks a server; says of a server what its own capabilities say.
 * Spec:  RFC 2971 (ID) */
#include "archiver/endpoint/providers.h"

#include "archiver/endpoint/refusal.h"

#include <string.h>

#define MIB ((uint64_t)1 << 20)

static const struct provider providers[] = {
    {
	.name = "Gmail",
	/* ID: what the server says; capability: developers.google.com/gmail/imap. */
	.hosts = "imap.gmail.com imap.googlemail.com *.gmail.com",
	.ids = "GImap",
	.capability = "X-GM-EXT-1",
	/* 15 at once: support.google.com/mail/answer/7126229. The most that is polite is what
	 * leaves room for the owner's telephone and desktop. */
	.max_connections = 15,
	.connections = 3,
	/* 2500 MB down, 500 MB up in a day, then the account's IMAP is shut for up to 24 hours:
	 * support.google.com/a/answer/2751577. We stay below. */
	.bytes_per_day = 2000 * MIB,
	.append_bytes_per_day = 400 * MIB,
	/* Labels, expunge: developers.google.com/gmail/imap/imap-extensions. A MODSEQ of 0,
	 * merged appends: seen by clients and by Google's own import tool. */
	.quirks = PROVIDER_HAS_LABELS | PROVIDER_EXPUNGE_ARCHIVES | PROVIDER_APPEND_MERGES |
	    PROVIDER_MODSEQ_IS_WRONG,
	/* support.google.com/accounts/answer/185833; Workspace: no passwords since March 2025. */
	.password = "Gmail takes an app password (16 letters, from "
		    "https://myaccount.google.com/apppasswords; it needs 2-step verification), not "
		    "the password of the account",
	.switched_off = "in Gmail's settings, Forwarding and POP/IMAP, IMAP must be enabled",
	.oauth = "this account (Google Workspace) takes OAuth only, which mailcask does not speak "
		 "yet",
    },
    {
	.name = "Microsoft 365 and Outlook.com",
	.hosts = "outlook.office365.com outlook.office.com imap-mail.outlook.com "
		 "imap.outlook.com *.outlook.com partner.outlook.cn",
	/* Set-ImapSettings: 16 per user; throttling by server time, so few at once. */
	.max_connections = 16,
	.connections = 2,
	/* Big commands are cut off; one connection that drops costs less: Set-ThrottlingPolicy. */
	.batch_count = 50,
	/* MIME is made anew at each FETCH, sizes are estimates that a tenant cannot make exact:
	 * Set-CASMailbox (ImapMessagesRetrievalMimeFormat, ImapEnableExactRFC822Size);
	 * calendar and contacts as folders: MS-STANOIMAP. */
	.quirks =
	    PROVIDER_SIZES_ARE_GUESSED | PROVIDER_BYTES_CHANGE | PROVIDER_FOLDERS_OF_OTHER_THINGS,
	.switched_off = "IMAP may be switched off for the mailbox or the tenant: Set-CASMailbox "
			"-ImapEnabled, or Outlook.com's settings, Forwarding and IMAP",
	/* Basic authentication ended in January 2023 (365) and September 2024 (Outlook.com). */
	.oauth = "Microsoft takes no passwords over IMAP any more (Basic authentication is "
		 "gone), only OAuth, which mailcask does not speak yet",
	.password = "Microsoft takes no passwords over IMAP any more (Basic authentication is "
		    "gone), only OAuth, which mailcask does not speak yet",
    },
    {
	.name = "Exchange",
	/* The same program on one's own machine takes passwords. */
	.ids = "Microsoft.Exchange",
	.max_connections = 16, /* Set-ImapSettings, MaxConnectionsPerUser */
	.connections = 2,
	.batch_count = 50,
	.quirks =
	    PROVIDER_SIZES_ARE_GUESSED | PROVIDER_BYTES_CHANGE | PROVIDER_FOLDERS_OF_OTHER_THINGS,
	.switched_off = "IMAP may be switched off for the mailbox: Set-CASMailbox -ImapEnabled",
    },
    {
	.name = "Yahoo and AOL",
	.hosts = "imap.mail.yahoo.com *.yahoo.com *.yahoo.co.jp imap.aol.com *.aol.com "
		 "imap.att.yahoo.com *.att.net imap.mail.att.net",
	.ids = "Yahoo",
	.capability = "XYMHIGHESTMODSEQ",
	.max_connections = 5, /* help.yahoo.com: a few at once */
	.connections = 2,
	/* Answers end without a word after some messages, as its engineers said at IETF 117 when
	 * they wrote MESSAGELIMIT (RFC 9738); newest first: seen by Thunderbird. */
	.batch_count = 100,
	.quirks = PROVIDER_DESCENDS | PROVIDER_CUTS_ANSWERS,
	/* help.yahoo.com/kb/SLN15241.html; no new OAuth clients are registered. */
	.password = "Yahoo and AOL take an app password (account security, Generate app "
		    "password), not the password of the account",
    },
    {
	.name = "iCloud",
	.hosts = "imap.mail.me.com *.mail.me.com *.icloud.com",
	.ids = "iCloud",
	.capability = "XAPPLELITERAL",
	.connections = 2,
	/* QRESYNC is not answered with ENABLED, and its VANISHED names mail that is there;
	 * FETCH RFC822 brings no text: reported by many clients. */
	.quirks = PROVIDER_NO_QRESYNC | PROVIDER_NO_RFC822 | PROVIDER_SEARCH_IS_WRONG,
	/* support.apple.com/102654 (app-specific), support.apple.com/102525 (user name). */
	.password = "iCloud takes an app-specific password (https://account.apple.com, Sign-In "
		    "and Security), and as user name what stands before the @ of the iCloud "
		    "address",
    },
    {
	.name = "Proton Mail Bridge",
	.ids = "Proton Mail Bridge",
	.connections = 2,
	/* Texts are put together anew by each installation; UIDVALIDITY is the time of the cache;
	 * APPEND drops the date; expunging takes a folder off: github.com/ProtonMail/gluon and
	 * proton-bridge, their changelogs. */
	.quirks = PROVIDER_BYTES_CHANGE | PROVIDER_RENUMBERS | PROVIDER_APPEND_REDATES |
	    PROVIDER_EXPUNGE_ARCHIVES,
	.password = "the Bridge has a password of its own: it shows it under Mailbox details",
    },
    {
	.name = "GMX and web.de",
	.hosts = "imap.gmx.net imap.gmx.com imap.gmx.de imap.gmx.at imap.gmx.ch imap.web.de",
	.connections = 2,
	/* hilfe.gmx.net and hilfe.web.de, POP3/IMAP. */
	.switched_off = "POP3 and IMAP must be switched on in the settings of GMX or web.de; with "
			"2-step verification they want an app password",
	.password = "POP3 and IMAP must be switched on in the settings of GMX or web.de; with "
		    "2-step verification they want an app password",
    },
    {
	.name = "Zoho",
	.hosts = "imap.zoho.com imappro.zoho.com *.zoho.com *.zoho.eu *.zoho.in",
	.connections = 2,
	.quirks = PROVIDER_MODSEQ_IS_WRONG, /* -1, seen by MailKit */
	/* www.zoho.com/mail/help/imap-access.html */
	.switched_off = "IMAP is off at first: Zoho Mail's settings, Mail accounts, IMAP access",
	.password = "IMAP is off at first (Zoho Mail's settings, Mail accounts); with two-factor "
		    "authentication Zoho takes an application-specific password; the host "
		    "depends on the region (.com, .eu, .in)",
    },
    {
	.name = "Yandex",
	.hosts = "imap.yandex.com imap.yandex.ru *.yandex.ru *.yandex.com",
	.connections = 2,
	.quirks = PROVIDER_SEARCH_IS_WRONG, /* imapsync's FAQ */
	/* yandex.com/support/mail/mail-clients */
	.switched_off = "IMAP is off at first: Yandex Mail's settings, Email clients",
	.password = "Yandex takes an app password (Email clients must be switched on in its "
		    "settings), not the password of the account",
    },
    {
	.name = "mail.ru",
	.hosts = "imap.mail.ru",
	.connections = 2,
	/* help.mail.ru/mail/security/protection/external */
	.password = "mail.ru takes a password for external applications, not the password of "
		    "the account",
    },
    {
	.name = "QQ",
	.hosts = "imap.qq.com *.qq.com",
	.connections = 2,
	.quirks = PROVIDER_SEARCH_IS_WRONG, /* seen by imapsync and Delta Chat */
	/* service.mail.qq.com */
	.switched_off = "IMAP must be switched on in QQ Mail's settings, Account",
	.password = "QQ takes an authorization code (its settings, Account), not the password",
    },
    {
	.name = "163, 126 and yeah.net",
	.hosts = "imap.163.com imap.126.com imap.yeah.net",
	.ids = "Coremail",
	.connections = 2,
	/* help.mail.163.com */
	.switched_off = "IMAP must be switched on in the settings of the mailbox",
	.password = "these hosts take an authorization code (settings, POP3/SMTP/IMAP), not the "
		    "password",
    },
    {
	.name = "Fastmail",
	.hosts = "imap.fastmail.com *.fastmail.com *.messagingengine.com",
	.connections = 4,
	/* www.fastmail.help: App passwords */
	.password = "Fastmail takes an app password (Settings, Privacy & Security), not the "
		    "password of the account",
    },
    {
	.name = "hMailServer",
	.ids = "hMailServer",
	.quirks = PROVIDER_SIZES_ARE_GUESSED, /* hmailserver #476 */
    },
    {
	.name = "Dovecot",
	.ids = "Dovecot",
	/* mail_max_userip_connections = 10: doc.dovecot.org, and more with many hosters. */
	.max_connections = 10,
    },
    {
	.name = "Cyrus",
	.ids = "Cyrus",
    },
    {
	.name = "Courier",
	.ids = "Courier",
	.max_connections = 4, /* MAXPERIP of imapd.dist */
	.connections = 2,
    },
    {
	.name = "Stalwart",
	.ids = "Stalwart",
    },
};

static const struct provider unknown = {.name = ""};

#define PROVIDERS (sizeof providers / sizeof *providers)

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* "*.x.org": x.org itself, and all below it. */
static bool host_is(struct bytes host, struct bytes pattern)
{
	size_t i;

	if (bytes_starts(pattern, "*.")) {
		pattern = bytes_from(pattern, 2);
		if (host.n < pattern.n ||
		    (host.n > pattern.n && host.p[host.n - pattern.n - 1] != '.'))
			return false;
		host = bytes_from(host, host.n - pattern.n);
	}
	for (i = 0; i < host.n && i < pattern.n && lower(host.p[i]) == pattern.p[i];)
		i++;
	return i == host.n && i == pattern.n && i > 0;
}

/* Take the next of a list off its front: false at the end. */
static bool next_of(struct bytes *list, char between, struct bytes *out)
{
	size_t n = 0;

	while (list->n > 0 && list->p[0] == between)
		*list = bytes_from(*list, 1);
	while (n < list->n && list->p[n] != between)
		n++;
	*out = (struct bytes){list->p, n};
	*list = bytes_from(*list, n);
	return n > 0;
}

static bool has_host(const struct provider *provider, struct bytes host)
{
	struct bytes list = bytes_of(provider->hosts), pattern;

	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	while (next_of(&list, ' ', &pattern))
		if (host_is(host, pattern))
			return true;
	return false;
}

static bool has_id(const struct provider *provider, struct bytes id_name)
{
	struct bytes list = bytes_of(provider->ids), start;

	while (next_of(&list, '|', &start)) {
		struct bytes same = {id_name.p, start.n};

		if (id_name.n >= start.n && bytes_equal_nocase(same, start))
			return true;
	}
	return false;
}

static bool has_capability(const struct provider *provider, struct bytes capabilities)
{
	struct bytes name;

	while (provider->capability && next_of(&capabilities, ' ', &name))
		if (bytes_is_nocase(name, provider->capability))
			return true;
	return false;
}

const struct provider *provider_find(
    struct bytes host, struct bytes id_name, struct bytes capabilities)
{
	size_t i;

	for (i = 0; i < PROVIDERS; i++)
		if (has_host(&providers[i], host))
			return &providers[i];
	for (i = 0; i < PROVIDERS; i++)
		if (has_id(&providers[i], id_name))
			return &providers[i];
	for (i = 0; i < PROVIDERS; i++)
		if (has_capability(&providers[i], capabilities))
			return &providers[i];
	return &unknown;
}

bool provider_is_known(const struct provider *provider)
{
	return provider != &unknown;
}

bool provider_has(const struct provider *provider, enum provider_quirk quirk)
{
	return (provider->quirks & quirk) != 0;
}

const char *provider_quirk_words(enum provider_quirk quirk)
{
	static const struct {
		enum provider_quirk quirk;
		const char *words;
	} list[] = {
	    {PROVIDER_NO_QRESYNC, "QRESYNC tells lies here: not used"},
	    {PROVIDER_NO_RFC822, "FETCH RFC822 brings no text: BODY.PEEK[] is used"},
	    {PROVIDER_SIZES_ARE_GUESSED, "sizes are estimates: texts are compared instead"},
	    {PROVIDER_BYTES_CHANGE, "the same message may come as other bytes another time"},
	    {PROVIDER_DESCENDS, "the newest messages come first"},
	    {PROVIDER_CUTS_ANSWERS, "long answers are cut short: asked for in small parts"},
	    {PROVIDER_HAS_LABELS, "folders are labels: one message is in several of them"},
	    {PROVIDER_EXPUNGE_ARCHIVES, "deleting in a folder only takes the message out of it"},
	    {PROVIDER_APPEND_MERGES, "a message that it has already is not put in again"},
	    {PROVIDER_APPEND_REDATES, "the date of a message that is put in is lost"},
	    {PROVIDER_MODSEQ_IS_WRONG, "HIGHESTMODSEQ may be no number: then not believed"},
	    {PROVIDER_RENUMBERS, "folders are numbered anew (UIDVALIDITY) now and then"},
	    {PROVIDER_SEARCH_IS_WRONG, "SEARCH leaves messages out: lists come from FETCH"},
	    {PROVIDER_FOLDERS_OF_OTHER_THINGS, "calendars and contacts stand among the folders"},
	};
	size_t i;

	for (i = 0; i < sizeof list / sizeof *list; i++)
		if (list[i].quirk == quirk)
			return list[i].words;
	return NULL;
}

static const char *or_else(const char *advice, const char *usual)
{
	return advice ? advice : usual;
}

const char *provider_advice(const struct provider *provider, struct bytes said)
{
	switch (refusal_of_login(said)) {
	case REFUSAL_APP_PASSWORD:
		return or_else(provider->password,
		    "the host takes an app password, made in the settings of the account there, "
		    "not the account's own");
	case REFUSAL_OFF:
		return or_else(provider->switched_off,
		    "IMAP must be switched on in the settings of the account at the host");
	case REFUSAL_OAUTH:
		return or_else(provider->oauth,
		    "the host takes no passwords, only OAuth, which mailcask does not speak yet");
	case REFUSAL_WEB:
		return "log in once with a web browser, confirm that it was you, and try again";
	case REFUSAL_ADMIN:
		return "only the administrator of the server can help";
	case REFUSAL_PASSWORD:
		return or_else(provider->password, "");
	default:
		return "";
	}
}
