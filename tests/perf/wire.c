/* Owns:  one libcurl handle and what came in on it.
 * Knows: libcurl's CONNECT_ONLY, lines and literals.
 * Never: looks at a message, uses a connection without TLS. */
#include "tests/perf/wire.h"

#include "base/mem.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PART_BYTES    (256u << 10)
#define IN_MAX_BYTES  (256u << 20)
#define SILENCE_MS    120000
#define COMMAND_BYTES 4096

void wire_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("wire: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

const char *wire_password(void)
{
	const char *password = getenv("IMAP_PASSWORD");

	if (!password)
		wire_fail("IMAP_PASSWORD is not set");
	return password;
}

void wire_open(struct wire *wire, const struct wire_options *options)
{
	CURL *curl = curl_easy_init();
	curl_socket_t connected;
	CURLcode code;

	if (!curl)
		wire_fail("libcurl does not start");
	*wire = (struct wire){.curl = curl};
	buf_init(&wire->in, IN_MAX_BYTES);
	curl_easy_setopt(curl, CURLOPT_URL, options->url);
	curl_easy_setopt(curl, CURLOPT_USERNAME, options->user);
	curl_easy_setopt(curl, CURLOPT_PASSWORD, options->password);
	curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	if (options->ca_file)
		curl_easy_setopt(curl, CURLOPT_CAINFO, options->ca_file);
	code = curl_easy_perform(curl);
	if (code == CURLE_OK)
		code = curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &connected);
	if (code != CURLE_OK)
		wire_fail("%s: %s", options->url, curl_easy_strerror(code));
	wire->socket = connected;
}

void wire_close(struct wire *wire)
{
	curl_easy_cleanup(wire->curl);
	buf_release(&wire->in);
}

static void wait_for(const struct wire *wire, short events)
{
	struct pollfd p = {.fd = wire->socket, .events = events};

	if (poll(&p, 1, SILENCE_MS) <= 0)
		wire_fail("the server is silent");
}

/* Once, as much as there is; false when there is nothing now. */
static bool receive(struct wire *wire)
{
	char *room;
	size_t got;
	CURLcode code;

	if (wire->at == wire->in.n) {
		buf_clear(&wire->in);
		wire->at = 0;
	} else if (wire->at >= PART_BYTES) {
		buf_drop(&wire->in, wire->at);
		wire->at = 0;
	}
	room = buf_reserve(&wire->in, PART_BYTES);
	if (!room)
		wire_fail("the server says more than we keep");
	code = curl_easy_recv(wire->curl, room, PART_BYTES, &got);
	if (code == CURLE_AGAIN)
		return false;
	if (code != CURLE_OK || got == 0)
		wire_fail("the connection is gone");
	wire->in.n += got;
	wire->received += got;
	return true;
}

static void receive_some(struct wire *wire)
{
	/* TLS may hold bytes that the socket does not show: receive first. */
	while (!receive(wire))
		wait_for(wire, POLLIN);
}

void wire_send(struct wire *wire, const void *data, size_t bytes)
{
	const char *p = data;
	size_t sent;

	while (bytes > 0) {
		CURLcode code = curl_easy_send(wire->curl, p, bytes, &sent);

		if (code == CURLE_AGAIN) {
			/* It may want to be heard before it takes more. */
			while (receive(wire))
				;
			wait_for(wire, POLLIN | POLLOUT);
			continue;
		}
		if (code != CURLE_OK)
			wire_fail("the connection is gone");
		wire->sent += sent;
		p += sent;
		bytes -= sent;
	}
}

void wire_format(struct wire *wire, const char *format, ...)
{
	char text[COMMAND_BYTES];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof text)
		wire_fail("a command is too long");
	wire_send(wire, text, (size_t)n);
}

bool wire_line(struct wire *wire, struct bytes *line_out, bool wait)
{
	size_t seen = 0;

	for (;;) {
		const char *start = wire->in.p + wire->at;
		size_t n = wire->in.n - wire->at;
		const char *end = n > seen ? memchr(start + seen, '\n', n - seen) : NULL;

		if (end) {
			wire->at += (size_t)(end - start) + 1;
			if (end > start && end[-1] == '\r')
				end--;
			*line_out = (struct bytes){start, (size_t)(end - start)};
			return true;
		}
		seen = n;
		if (wait)
			receive_some(wire);
		else if (!receive(wire))
			return false;
	}
}

bool wire_literal(struct bytes line, uint64_t *bytes_out)
{
	size_t brace = line.n;
	unsigned long long n;

	if (line.n < 3 || line.p[line.n - 1] != '}')
		return false;
	while (brace > 0 && line.p[brace - 1] != '{')
		brace--;
	if (brace == 0 || !bytes_u64((struct bytes){line.p + brace, line.n - 1 - brace}, &n))
		return false;
	*bytes_out = n;
	return true;
}

void wire_skip(struct wire *wire, uint64_t bytes)
{
	for (;;) {
		size_t here = wire->in.n - wire->at;

		if (here > bytes)
			here = (size_t)bytes;
		wire->at += here;
		bytes -= here;
		if (bytes == 0)
			return;
		receive_some(wire);
	}
}

bool wire_is_ok(struct bytes tagged)
{
	const char *blank = memchr(tagged.p, ' ', tagged.n);

	return blank &&
	    bytes_starts_nocase(bytes_from(tagged, (size_t)(blank - tagged.p) + 1), "OK");
}
