/* config/mailurl.c. Percent forms as RFC 3986 section 2.1 has them. */
#include "config/mailurl.h"

#include "../suite.h"

#include <string.h>

static void check_parts(const char *text, const char *base, const char *host, const char *user)
{
	struct mailurl url = {0};

	OK(mailurl_parse(text, &url, err));
	ck_assert_str_eq(url.base, base);
	ck_assert_str_eq(url.host, host);
	ck_assert_pstr_eq(url.user, user);
	mailurl_release(&url);
	ck_assert_ptr_null(url.base);
	mailurl_release(&url);
}

/* Refused, with those words, and without showing what may be a password. */
static void check_refused(const char *text, const char *words)
{
	struct mailurl url = {0};
	struct err err = {0};

	ck_assert_int_eq(mailurl_parse(text, &url, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_msg(strstr(err.text, words) != NULL, "%s: %s", text, err.text);
	ck_assert_ptr_null(strstr(err.text, "secret"));
	ck_assert_ptr_null(url.base);
	ck_assert_ptr_null(url.user);
}

START_TEST(takes_the_parts_apart)
{
	check_parts(
	    "imaps://me@imap.example.org", "imaps://imap.example.org", "imap.example.org", "me");
	check_parts("imap://me@h:1143", "imap://h:1143", "h", "me");
	check_parts("imaps://h", "imaps://h", "h", NULL);
	check_parts("imaps://h:1", "imaps://h:1", "h", NULL);
	check_parts("imaps://h:65535/", "imaps://h:65535", "h", NULL);
	check_parts(
	    "IMAPS://me@Mail.Example.ORG/", "imaps://Mail.Example.ORG", "Mail.Example.ORG", "me");
	check_parts("imaps://me@127.0.0.1:993", "imaps://127.0.0.1:993", "127.0.0.1", "me");
	check_parts("imaps://azAZ09@azAZ09", "imaps://azAZ09", "azAZ09", "azAZ09");
	check_parts("imaps://me@mail_server-1", "imaps://mail_server-1", "mail_server-1", "me");
	check_parts("imaps://me@b\xc3\xbc\x63her.example", "imaps://b\xc3\xbc\x63her.example",
	    "b\xc3\xbc\x63her.example", "me");
}
END_TEST

START_TEST(the_last_at_ends_the_user)
{
	check_parts("imaps://me@example.org@imap.example.org", "imaps://imap.example.org",
	    "imap.example.org", "me@example.org");
	check_parts("imaps://a@b@c@h", "imaps://h", "h", "a@b@c");
}
END_TEST

START_TEST(decodes_percent_forms)
{
	check_parts("imaps://me%40example.org@h", "imaps://h", "h", "me@example.org");
	check_parts("imaps://dom%5Cme%2fbox%3Ax%25@h", "imaps://h", "h", "dom\\me/box:x%");
	check_parts("imaps://%c3%BC@h", "imaps://h", "h", "\xc3\xbc");
	check_parts("imaps://%20%7a%7A%4f%4F%40@h", "imaps://h", "h", " zzOO@");
	check_parts("imaps://%C3%AA@h", "imaps://h", "h", "\xc3\xaa");
	check_parts("imaps://%c3%aa@h", "imaps://h", "h", "\xc3\xaa");
}
END_TEST

START_TEST(takes_ipv6_in_brackets)
{
	check_parts("imaps://me@[::1]", "imaps://[::1]", "[::1]", "me");
	check_parts(
	    "imaps://me@[2001:db8::7]:993", "imaps://[2001:db8::7]:993", "[2001:db8::7]", "me");
	check_parts(
	    "imap://[::ffff:192.0.2.1]", "imap://[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]", NULL);
}
END_TEST

START_TEST(refuses_other_schemes)
{
	check_refused("pop3s://me@h", "POP3 is not supported by this version");
	check_refused("pop3://me@h", "POP3 is not supported by this version");
	check_refused("http://me@h", "http:// does not lead to mailboxes");
	check_refused("https://secret@h", "https:// does not lead to mailboxes");
	check_refused("smtp://h", "smtp:// does not lead to mailboxes");
	check_refused("imap.example.org", "expected imaps:// or imap://");
	check_refused("me@imap.example.org", "expected imaps:// or imap://");
	check_refused("imaps:/h", "expected imaps:// or imap://");
	check_refused("://h", "expected imaps:// or imap://");
	check_refused("a-b://h", "expected imaps:// or imap://");
	check_refused("abcdefghijklmnop://h", "abcdefghijklmnop:// does not lead to mailboxes");
	check_refused("abcdefghijklmnopq://h", "expected imaps:// or imap://");
	check_refused("x://h", "x:// does not lead to mailboxes");
	check_refused("se cret secret secret://h", "expected imaps:// or imap://");
	check_refused("", "expected imaps:// or imap://");
}
END_TEST

START_TEST(refuses_a_password)
{
	check_refused("imaps://me:secret@h", "a password has no place in this file");
	check_refused("imaps://me:se@secret@h", "a password has no place in this file");
	check_refused("imaps://:secret@h", "a password has no place in this file");
	check_refused("imaps://me:se/secret@h", "nothing may follow");
}
END_TEST

START_TEST(refuses_a_wrong_user)
{
	check_refused("imaps://@h", "the user before the @");
	check_refused("imaps://secret%4@h", "the user before the @");
	check_refused("imaps://secret%@h", "the user before the @");
	check_refused("imaps://secret%zz@h", "the user before the @");
	check_refused("imaps://secret%00@h", "the user before the @");
	check_refused("imaps://secret%0a@h", "the user before the @");
	check_refused("imaps://%1fsecret@h", "the user before the @");
	check_refused("imaps://secret%7F@h", "the user before the @");
	check_refused("imaps://secret%ff@h", "the user before the @");
}
END_TEST

START_TEST(refuses_a_wrong_host)
{
	check_refused("imaps://", "no valid host");
	check_refused("imaps://me@", "no valid host");
	check_refused("imaps:///", "no valid host");
	check_refused("imaps://me@:993", "no valid host");
	check_refused("imaps://me@-h", "no valid host");
	check_refused("imaps://me@.h", "no valid host");
	check_refused("imaps://me@h secret", "no valid host");
	check_refused("imaps://me@h?x", "no valid host");
	check_refused("imaps://me@h#x", "no valid host");
	check_refused("imaps://me@\"h\"", "no valid host");
	check_refused("imaps://[::1", "no valid host");
	check_refused("imaps://[]", "no valid host");
	check_refused("imaps://[1.2.3.4]", "no valid host");
	check_refused("imaps://[::g]", "no valid host");
}
END_TEST

START_TEST(refuses_a_wrong_port)
{
	check_refused("imaps://h:", "no valid port");
	check_refused("imaps://h:0", "no valid port");
	check_refused("imaps://h:65536", "no valid port");
	check_refused("imaps://h:99999999999999999999", "no valid port");
	check_refused("imaps://h:imap", "no valid port");
	check_refused("imaps://h:-1", "no valid port");
	check_refused("imaps://h:9 3", "no valid port");
	check_refused("imaps://[::1]993", "no valid port");
	check_refused("imaps://::1", "no valid host");
}
END_TEST

START_TEST(refuses_a_path)
{
	check_refused("imaps://me@h/INBOX", "nothing may follow");
	check_refused("imaps://me@h//", "nothing may follow");
	check_refused("imaps://dom/me@h", "%2F");
}
END_TEST

START_TEST(refuses_what_is_too_long)
{
	char text[4096] = "imaps://";

	memset(text + 8, 'u', 1025);
	memcpy(text + 8 + 1025, "@h", 3);
	check_refused(text, "the user before the @");
	memcpy(text + 8 + 1024, "@h", 3);
	struct mailurl url = {0};
	OK(mailurl_parse(text, &url, err));
	mailurl_release(&url);
	memset(text + 8, 'h', 256);
	text[8 + 256] = '\0';
	check_refused(text, "no valid host");
	text[8 + 255] = '\0';
	OK(mailurl_parse(text, &url, err));
	mailurl_release(&url);
}
END_TEST

SUITE(takes_the_parts_apart, the_last_at_ends_the_user, decodes_percent_forms,
    takes_ipv6_in_brackets, refuses_other_schemes, refuses_a_password, refuses_a_wrong_user,
    refuses_a_wrong_host, refuses_a_wrong_port, refuses_a_path, refuses_what_is_too_long)
