/* Which row a server is, and what is advised. ID names are those that the servers send. */
#include "archiver/endpoint/providers.h"

#include "tests/unit/suite.h"

#include <string.h>

static const struct provider *find(const char *host, const char *id, const char *capabilities)
{
	return provider_find(bytes_of(host), bytes_of(id), bytes_of(capabilities));
}

static void is(const struct provider *provider, const char *name)
{
	ck_assert_str_eq(provider->name, name);
}

START_TEST(by_host)
{
	is(find("imap.gmail.com", "", ""), "Gmail");
	is(find("IMAP.Gmail.COM.", "", ""), "Gmail");
	is(find("outlook.office365.com", "", ""), "Microsoft 365 and Outlook.com");
	is(find("imap.mail.yahoo.com", "", ""), "Yahoo and AOL");
	is(find("p12-imap.mail.me.com", "", ""), "iCloud");
	is(find("mail.me.com", "", ""), "iCloud");
	is(find("imap.web.de", "", ""), "GMX and web.de");
	is(find("imap.mail.ru", "", ""), "mail.ru");
}
END_TEST

START_TEST(not_by_a_host_that_only_looks_like_it)
{
	is(find("notmail.me.com", "", ""), "");
	is(find("imap.gmail.com.example.org", "", ""), "");
	is(find("gmail", "", ""), "");
	is(find("mgmail.com", "", ""), "");
	is(find("xoutlook.com", "", ""), "");
	is(find("", "", ""), "");
}
END_TEST

START_TEST(by_its_own_name)
{
	is(find("mail.example.org", "Dovecot", ""), "Dovecot");
	is(find("mail.example.org", "Cyrus IMAPD", ""), "Cyrus");
	is(find("mail.example.org", "Courier-IMAP Server", ""), "Courier");
	is(find("127.0.0.1", "Proton Mail Bridge", "IMAP4rev1 ID"), "Proton Mail Bridge");
	is(find("mx", "Microsoft.Exchange.Imap4.Imap4Server", ""), "Exchange");
	is(find("mx", "gimap", ""), "Gmail");
	is(find("mx", "Coremail Imap", ""), "163, 126 and yeah.net");
	is(find("mx", "Dove", ""), "");
	is(find("mx", "My Dovecot", ""), "");
}
END_TEST

START_TEST(by_what_only_one_offers)
{
	is(find("proxy.example.org", "", "IMAP4rev1 x-gm-ext-1 UIDPLUS"), "Gmail");
	is(find("proxy.example.org", "", "IMAP4rev1 X-GM-EXT-12 UIDPLUS"), "");
	is(find("proxy.example.org", "", "XAPPLELITERAL"), "iCloud");
}
END_TEST

START_TEST(the_host_counts_most)
{
	is(find("imap.fastmail.com", "Cyrus", "X-GM-EXT-1"), "Fastmail");
	is(find("mx", "Dovecot", "X-GM-EXT-1"), "Dovecot");
}
END_TEST

START_TEST(an_unknown_one_promises_and_limits_nothing)
{
	const struct provider *provider = find("mail.example.org", "x", "IMAP4rev1");

	ck_assert(!provider_is_known(provider));
	ck_assert(provider_is_known(find("imap.gmail.com", "", "")));
	ck_assert_uint_eq(provider->quirks, 0);
	ck_assert_uint_eq(provider->max_connections + provider->connections, 0);
	ck_assert_uint_eq(provider->bytes_per_day, 0);
	ck_assert_str_eq(provider_advice(provider, BYTES("NO")), "");
}
END_TEST

START_TEST(quirks)
{
	ck_assert(provider_has(find("imap.mail.me.com", "", ""), PROVIDER_NO_QRESYNC));
	ck_assert(!provider_has(find("mx", "Dovecot", ""), PROVIDER_NO_QRESYNC));
	ck_assert(provider_has(find("mx", "Microsoft.Exchange", ""), PROVIDER_BYTES_CHANGE));
	ck_assert(provider_has(find("imap.gmail.com", "", ""), PROVIDER_HAS_LABELS));
	ck_assert_uint_eq(find("imap.gmail.com", "", "")->bytes_per_day, 2097152000);
	for (unsigned bit = 1; bit <= PROVIDER_FOLDERS_OF_OTHER_THINGS; bit *= 2)
		ck_assert_ptr_nonnull(provider_quirk_words(bit));
	ck_assert_ptr_null(provider_quirk_words(2 * PROVIDER_FOLDERS_OF_OTHER_THINGS));
}
END_TEST

static void advises(const char *host, const char *said, const char *expected)
{
	const char *advice = provider_advice(find(host, "", ""), bytes_of(said));

	ck_assert_msg(strstr(advice, expected) && (expected[0] || !advice[0]), "%s: %s: %s", host,
	    said, advice);
}

START_TEST(advice)
{
	advises("imap.gmail.com", "[ALERT] Application-specific password required: https://x",
	    "app password (16 letters");
	advises("imap.gmail.com", "[AUTHENTICATIONFAILED] Invalid credentials (Failure)",
	    "app password (16 letters");
	advises("imap.gmail.com", "[ALERT] Your account is not enabled for IMAP use.",
	    "IMAP must be enabled");
	advises("imap.gmail.com", "[ALERT] Please log in via your web browser: https://x",
	    "web browser");
	advises("imap.gmail.com", "[WEBALERT https://x] Web login required.", "web browser");
	advises("outlook.office365.com", "LOGIN failed.", "only OAuth");
	advises("mx.example.org", "[AUTHENTICATIONFAILED] no", "");
	advises("mx.example.org", "[CONTACTADMIN] ask him", "administrator");
	advises("mx.example.org", "Use an app password", "app password");
	advises("imap.zoho.com",
	    "Your account is not yet enabled for IMAP access.. "
	    "You need to enable IMAP",
	    "settings");
	advises("imap.web.de", "authentication failed", "switched on");
}
END_TEST

SUITE(by_host, not_by_a_host_that_only_looks_like_it, by_its_own_name, by_what_only_one_offers,
    the_host_counts_most, an_unknown_one_promises_and_limits_nothing, quirks, advice)
