/* What a server's no means: RFC 5530 section 3, and texts that hosts send. */
#include "archiver/endpoint/refusal.h"

#include "tests/unit/suite.h"

static void login(const char *said, enum refusal expected)
{
	ck_assert_msg(refusal_of_login(bytes_of(said)) == expected, "%s: %d", said,
	    (int)refusal_of_login(bytes_of(said)));
}

static void command(const char *said, enum refusal expected)
{
	ck_assert_msg(refusal_of_command(bytes_of(said)) == expected, "%s: %d", said,
	    (int)refusal_of_command(bytes_of(said)));
}

START_TEST(logins_that_pass)
{
	login("[UNAVAILABLE] User's backend down for maintenance.", REFUSAL_PASSES);
	login("[INUSE] Mailbox in use", REFUSAL_PASSES);
	login("[LIMIT] LOGIN Rate limit hit", REFUSAL_THROTTLED);
	login("[THROTTLED] Account exceeded limits", REFUSAL_THROTTLED);
	login("[OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)",
	    REFUSAL_THROTTLED);
	login("[ALERT] Too many simultaneous connections. (Failure)", REFUSAL_THROTTLED);
	login("[UNAVAILABLE] Maximum number of connections from user+IP exceeded", REFUSAL_PASSES);
	login(
	    "Request is throttled. Suggested Backoff Time: 299473 milliseconds", REFUSAL_THROTTLED);
	login("User is authenticated but not connected.", REFUSAL_THROTTLED);
	login("Server Unavailable. 15", REFUSAL_PASSES);
	login("Temporary authentication failure.", REFUSAL_PASSES);
}
END_TEST

/* To try these again would lock the account. */
START_TEST(a_wrong_password_does_not_pass)
{
	login("[AUTHENTICATIONFAILED] Authentication failed.", REFUSAL_PASSWORD);
	login("[AUTHENTICATIONFAILED] wrong password, try again later", REFUSAL_PASSWORD);
	login("[AUTHENTICATIONFAILED] temporarily", REFUSAL_PASSWORD);
	login("Login failed: check your password and try again", REFUSAL_PASSWORD);
	login("[EXPIRED] That password isn't valid any more.", REFUSAL_PASSWORD);
	login("AUTHENTICATE failed.", REFUSAL_PASSWORD);
	login("", REFUSAL_PASSWORD);
}
END_TEST

START_TEST(other_logins)
{
	login("[ALERT] Application-specific password required: https://x (Failure)",
	    REFUSAL_APP_PASSWORD);
	login("[ALERT] Your account is not enabled for IMAP use. Please visit https://x",
	    REFUSAL_OFF);
	login("[AUTHENTICATIONFAILED] IMAP is disabled for your account", REFUSAL_OFF);
	login("LogonDenied-BasicAuthBlocked", REFUSAL_OAUTH);
	login("[WEBALERT https://x] Web login required", REFUSAL_WEB);
	login("[ALERT] Please log in via your web browser", REFUSAL_WEB);
	login("[CONTACTADMIN] Account suspended", REFUSAL_ADMIN);
	login("[AUTHORIZATIONFAILED] No such authorization-ID", REFUSAL_ADMIN);
}
END_TEST

START_TEST(commands)
{
	command("[] No such mailbox", REFUSAL_OTHER);
	command("[NONEXISTENT] none", REFUSAL_OTHER);
	command("[INUSE] locked", REFUSAL_PASSES);
	command("[SERVERBUG] reference 17", REFUSAL_PASSES);
	command("[THROTTLED] slow down", REFUSAL_THROTTLED);
	command("[LIMIT] FETCH rate", REFUSAL_THROTTLED);
	command(
	    "[] Request is throttled. Suggested Backoff Time: 5 milliseconds", REFUSAL_THROTTLED);
	command("[OVERQUOTA] Account exceeded command or bandwidth limits", REFUSAL_THROTTLED);
	command("[OVERQUOTA] mailbox is full", REFUSAL_PASSES);
	command("[AUTHENTICATIONFAILED] token has expired", REFUSAL_SESSION);
	command("[] User is authenticated but not connected.", REFUSAL_SESSION);
	command("[] Session invalidated - AccessTokenExpired", REFUSAL_SESSION);
}
END_TEST

START_TEST(how_long)
{
	ck_assert_uint_eq(
	    refusal_wait_ms(BYTES("Suggested Backoff Time: 299473 milliseconds")), 299473);
	ck_assert_uint_eq(refusal_wait_ms(BYTES("suggested backoff 300 seconds")), 300000);
	ck_assert_uint_eq(refusal_wait_ms(BYTES("backoff: 5 ms")), 5);
	ck_assert_uint_eq(refusal_wait_ms(BYTES("backoff 2 minutes")), 120000);
	ck_assert_uint_eq(refusal_wait_ms(BYTES("wait 300 seconds")), 0);
	ck_assert_uint_eq(refusal_wait_ms(BYTES("backoff")), 0);
	ck_assert_uint_eq(refusal_wait_ms(BYTES("")), 0);
}
END_TEST

SUITE(logins_that_pass, a_wrong_password_does_not_pass, other_logins, commands, how_long)
