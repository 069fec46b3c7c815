/* Owns:  the strings of its result until mailurl_release.
 * Knows: which schemes lead to mailboxes, and that TLS is not a matter of choice.
 * Never: puts any of the address into an error but the scheme.
 * Spec:  RFC 5092, RFC 3986 sections 2.1 and 3. */
#include "config/mailurl.h"

#include "base/buf.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define HOST_BYTES_MAX 255 /* RFC 1035 section 2.3.4 */
#define USER_BYTES_MAX 1024
#define PORT_MAX       65535

#define EXAMPLE        "for example imaps://me@imap.example.org"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_scheme(struct bytes text)
{
	size_t letters = 0;

	while (letters < text.n && (is_letter(text.p[letters]) || is_digit(text.p[letters])))
		letters++;
	return text.n > 0 && text.n <= 16 && letters == text.n;
}

static int check_scheme(struct bytes scheme, struct err *err)
{
	if (bytes_is_nocase(scheme, "imaps") || bytes_is_nocase(scheme, "imap"))
		return 0;
	if (bytes_is_nocase(scheme, "pop3") || bytes_is_nocase(scheme, "pop3s"))
		return err_set(err, ERR_CONFIG,
		    "POP3 is not supported by this version; expected imaps:// or "
		    "imap://, " EXAMPLE);
	if (is_scheme(scheme))
		return err_set(err, ERR_CONFIG,
		    "%.*s:// does not lead to mailboxes; expected imaps:// or imap://, " EXAMPLE,
		    (int)scheme.n, scheme.p);
	return err_set(err, ERR_CONFIG, "expected imaps:// or imap://, " EXAMPLE);
}

static int user_wrong(struct err *err)
{
	return err_set(err, ERR_CONFIG,
	    "the user before the @ of the host is empty or wrong; expected a name, in which %%40 "
	    "may stand for @, %%3A for : and %%25 for %%, " EXAMPLE);
}

static bool has_control(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
			return true;
	return false;
}

static int parse_user(struct bytes text, char **user_out, struct err *err)
{
	struct buf user;
	int result = -1;

	buf_init(&user, USER_BYTES_MAX);
	if (text.n > 0 && memchr(text.p, ':', text.n)) {
		err_set(err, ERR_CONFIG,
		    "a password has no place in this file; expected only the user before the @, "
		    "and "
		    "password-command, password-file or password-env (a : in the user is %%3A)");
		goto out;
	}
	for (size_t i = 0; i < text.n; i++) {
		int high, low;

		if (text.p[i] != '%') {
			buf_char(&user, text.p[i]);
			continue;
		}
		high = i + 2 < text.n ? hex_value(text.p[i + 1]) : -1;
		low = high >= 0 ? hex_value(text.p[i + 2]) : -1;
		if (low < 0) {
			user_wrong(err);
			goto out;
		}
		buf_char(&user, (char)(high << 4 | low));
		i += 2;
	}
	if (user.n == 0 || user.overflow || has_control(buf_view(&user)) ||
	    !utf8_valid(buf_view(&user))) {
		user_wrong(err);
		goto out;
	}
	*user_out = buf_take(&user);
	result = 0;
out:
	buf_release(&user);
	return result;
}

/* Bytes from 0x80 on belong to names that are not ASCII (RFC 5890). */
static bool is_name(struct bytes host)
{
	for (size_t i = 0; i < host.n; i++) {
		char c = host.p[i];

		if (!is_letter(c) && !is_digit(c) && !((unsigned char)c & 0x80) &&
		    (i == 0 || !strchr("-._", c)))
			return false;
	}
	return host.n > 0;
}

static bool is_ipv6(struct bytes host)
{
	bool colon = false;

	for (size_t i = 0; i < host.n; i++) {
		if (host.p[i] == ':')
			colon = true;
		else if (hex_value(host.p[i]) < 0 && host.p[i] != '.')
			return false;
	}
	return colon;
}

/* How many bytes at the front are the host; 0 when it is none. */
static size_t host_bytes(struct bytes text)
{
	const char *end;
	size_t n;

	if (text.n > 0 && text.p[0] == '[') {
		end = memchr(text.p, ']', text.n);
		n = end ? (size_t)(end - text.p) + 1 : 0;
		return n > 2 && is_ipv6((struct bytes){text.p + 1, n - 2}) ? n : 0;
	}
	end = text.n > 0 ? memchr(text.p, ':', text.n) : NULL;
	n = end ? (size_t)(end - text.p) : text.n;
	return n <= HOST_BYTES_MAX && is_name((struct bytes){text.p, n}) ? n : 0;
}

static int parse_host(struct bytes text, struct bytes *host_out, struct err *err)
{
	size_t n = host_bytes(text);
	struct bytes port = bytes_from(text, n);
	unsigned long long number;

	if (n == 0)
		return err_set(
		    err, ERR_CONFIG, "no valid host behind the user and its @; " EXAMPLE);
	if (port.n > 0 &&
	    (port.p[0] != ':' || !bytes_u64(bytes_from(port, 1), &number) || number < 1 ||
		number > PORT_MAX))
		return err_set(err, ERR_CONFIG,
		    "no valid port behind the host; expected :1 to :65535, for example "
		    "imaps://me@imap.example.org:993");
	*host_out = (struct bytes){text.p, n};
	return 0;
}

/* What stands between "//" and the next "/", behind which nothing may stand. */
static int take_authority(struct bytes rest, struct bytes *authority_out, struct err *err)
{
	const char *slash = rest.n > 0 ? memchr(rest.p, '/', rest.n) : NULL;
	size_t n = slash ? (size_t)(slash - rest.p) : rest.n;

	if (rest.n - n > 1)
		return err_set(err, ERR_CONFIG,
		    "nothing may follow the host and its port; folders are named with \"folders = "
		    "...\", and a / in the user is written %%2F");
	*authority_out = (struct bytes){rest.p, n};
	return 0;
}

static struct bytes until(const char *start, const char *end)
{
	return (struct bytes){start, (size_t)(end - start)};
}

int mailurl_parse(const char *text, struct mailurl *out, struct err *err)
{
	const char *mark = strstr(text, "://"), *at;
	struct bytes authority = {0}, place, host = {0};
	char *user = NULL;

	if (!mark)
		return err_set(err, ERR_CONFIG, "expected imaps:// or imap://, " EXAMPLE);
	if (check_scheme(until(text, mark), err) != 0 ||
	    take_authority(bytes_of(mark + 3), &authority, err) != 0)
		return -1;
	at = authority.n > 0 ? memrchr(authority.p, '@', authority.n) : NULL;
	place = at ? bytes_from(authority, (size_t)(at + 1 - authority.p)) : authority;
	if (parse_host(place, &host, err) != 0)
		return -1;
	if (at && parse_user(until(authority.p, at), &user, err) != 0)
		return -1;
	out->user = user;
	out->host = bytes_string(host);
	out->base = mem_format("%s://%.*s",
	    bytes_is_nocase(until(text, mark), "imaps") ? "imaps" : "imap", (int)place.n, place.p);
	return 0;
}

void mailurl_release(struct mailurl *url)
{
	free(url->base);
	free(url->host);
	free(url->user);
	memset(url, 0, sizeof *url);
}
