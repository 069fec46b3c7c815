/* Owns:  one libcurl handle and its connection.
 * Knows: the only file that names libcurl, which is loaded with the first connection: most
 *        commands need none, and it brings thirty libraries along; what its result codes mean.
 * Never: connects without TLS, switches verification off without a pin, shows a secret. */
#include "base/net.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STOP_CHECK_MS  200
#define KEPT_MAX_BYTES (16u << 20) /* what a peer may say while we are sending */
#define LIBCURL        "libcurl.so.4"

/* What of the library is called. */
struct libcurl {
	__typeof__(&curl_easy_init) easy_init;
	__typeof__(&curl_easy_setopt) easy_setopt;
	__typeof__(&curl_easy_perform) easy_perform;
	__typeof__(&curl_easy_getinfo) easy_getinfo;
	__typeof__(&curl_easy_recv) easy_recv;
	__typeof__(&curl_easy_send) easy_send;
	__typeof__(&curl_easy_strerror) easy_strerror;
	__typeof__(&curl_easy_cleanup) easy_cleanup;
};

struct net {
	struct libcurl lib;
	CURL *curl;
	curl_socket_t socket;
	struct net_options options;
	struct buf kept; /* received while sending */
	char detail[CURL_ERROR_SIZE];
	char spoken[NET_SAID_BYTES]; /* the server's last line before it was logged in */
	char tls[96];
	uint64_t received, sent;
	atomic_bool is_interrupted;
};

/* It stays loaded to the end: libraries below it do not like to go. */
static int load(struct libcurl *lib, struct err *err)
{
	void *library = dlopen(LIBCURL, RTLD_NOW | RTLD_LOCAL);
	const struct {
		void **call;
		const char *name;
	} calls[] = {{(void **)&lib->easy_init, "curl_easy_init"},
	    {(void **)&lib->easy_setopt, "curl_easy_setopt"},
	    {(void **)&lib->easy_perform, "curl_easy_perform"},
	    {(void **)&lib->easy_getinfo, "curl_easy_getinfo"},
	    {(void **)&lib->easy_recv, "curl_easy_recv"},
	    {(void **)&lib->easy_send, "curl_easy_send"},
	    {(void **)&lib->easy_strerror, "curl_easy_strerror"},
	    {(void **)&lib->easy_cleanup, "curl_easy_cleanup"}};
	size_t i;

	if (!library)
		return err_set(err, ERR_NETWORK, "%s cannot be loaded: %s", LIBCURL, dlerror());
	for (i = 0; i < sizeof calls / sizeof *calls; i++) {
		*calls[i].call = dlsym(library, calls[i].name);
		if (!*calls[i].call)
			return err_set(err, ERR_NETWORK, "%s has no %s", LIBCURL, calls[i].name);
	}
	return 0;
}

static bool must_stop(struct net *net)
{
	return atomic_load(&net->is_interrupted) || (net->options.stop && *net->options.stop);
}

/* The server's lines during the login: the last one says why it was refused. Lines of the
 * client do not come here (they hold the password). */
static size_t hear_line(char *data, size_t size, size_t count, void *arg)
{
	struct net *net = arg;
	struct bytes line = bytes_trim((struct bytes){data, size * count});

	if (line.n == 0 || line.p[0] == '+')
		return size * count;
	if (line.n >= sizeof net->spoken)
		line.n = sizeof net->spoken - 1;
	memcpy(net->spoken, line.p, line.n);
	net->spoken[line.n] = '\0';
	return size * count;
}

/* What the library tells of its work: of all that only the line about the encryption, in which
 * nothing is secret, is kept. */
static int hear_library(CURL *curl, curl_infotype type, char *data, size_t size, void *arg)
{
	static const char start[] = "SSL connection using ";
	struct bytes text = bytes_trim((struct bytes){data, size});
	struct net *net = arg;

	(void)curl;
	if (type != CURLINFO_TEXT || !bytes_starts(text, start))
		return 0;
	text = bytes_from(text, sizeof start - 1);
	snprintf(net->tls, sizeof net->tls, "%.*s", (int)text.n, text.p);
	return 0;
}

static int check_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	(void)a, (void)b, (void)c, (void)d;
	return must_stop(arg);
}

/* The server's words without its tag. */
static const char *words_of(const char *spoken)
{
	static const char *const starts[] = {" NO ", " BAD ", "* BYE "};
	size_t i;

	for (i = 0; i < sizeof starts / sizeof *starts; i++) {
		const char *found = strstr(spoken, starts[i]);

		if (found)
			return found + strlen(starts[i]);
	}
	return spoken;
}

static int refused(const struct net *net, struct err *err)
{
	const char *words = words_of(net->spoken);

	if (net->options.said)
		snprintf(net->options.said, NET_SAID_BYTES, "%s", words);
	return err_set(err, ERR_LOGIN, "the server refuses user name or password for %s%s%s",
	    net->options.user, words[0] ? ": " : "", words);
}

/* A server that ends the connection before the login is done, with words. */
static int ended(const struct net *net, struct err *err)
{
	const char *words = words_of(net->spoken);

	if (net->options.said)
		snprintf(net->options.said, NET_SAID_BYTES, "%s", words);
	return err_set(err, ERR_NETWORK, "the server ended the connection: %s", words);
}

static int explain(const struct net *net, CURLcode code, struct err *err)
{
	const char *what = net->detail[0] ? net->detail : net->lib.easy_strerror(code);

	if (code != CURLE_LOGIN_DENIED && code != CURLE_ABORTED_BY_CALLBACK &&
	    strncasecmp(net->spoken, "* BYE ", 6) == 0)
		return ended(net, err);
	switch (code) {
	case CURLE_LOGIN_DENIED:
		return refused(net, err);
	case CURLE_USE_SSL_FAILED:
		return err_set(err, ERR_TLS,
		    "the server offers no encryption (STARTTLS); mailcask never sends a password "
		    "in clear text");
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return err_set(
		    err, ERR_TLS, "the server's certificate is not to be trusted: %s", what);
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		return err_set(
		    err, ERR_TLS, "the server's public key is not the pinned one (tls-pin)");
	case CURLE_SSL_CONNECT_ERROR:
		return err_set(err, ERR_TLS, "no encrypted connection: %s", what);
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return err_set(err, ERR_NETWORK, "unknown host: %s", what);
	case CURLE_ABORTED_BY_CALLBACK:
		return err_set(err, ERR_STOPPED, "stopped while connecting");
	case CURLE_WEIRD_SERVER_REPLY:
		return err_set(err, ERR_PROTOCOL, "this is no mail server as expected: %s",
		    net->spoken[0] ? net->spoken : what);
	default:
		return err_set(err, ERR_NETWORK, "%s", what);
	}
}

static void set_options(struct net *net)
{
	const struct net_options *o = &net->options;
	__typeof__(&curl_easy_setopt) set = net->lib.easy_setopt;
	CURL *curl = net->curl;

	set(curl, CURLOPT_URL, o->url);
	set(curl, CURLOPT_PROTOCOLS_STR, "imap,imaps");
	set(curl, CURLOPT_USERNAME, o->user);
	set(curl, CURLOPT_PASSWORD, o->password->p);
	set(curl, CURLOPT_CONNECT_ONLY, 1L);
	set(curl, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
	set(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	set(curl, CURLOPT_CONNECTTIMEOUT, (long)o->connect_timeout_s);
	set(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)o->idle_timeout_s);
	set(curl, CURLOPT_NOSIGNAL, 1L);
	set(curl, CURLOPT_TCP_KEEPALIVE, 1L);
	set(curl, CURLOPT_ERRORBUFFER, net->detail);
	set(curl, CURLOPT_HEADERFUNCTION, hear_line);
	set(curl, CURLOPT_HEADERDATA, net);
	set(curl, CURLOPT_VERBOSE, 1L);
	set(curl, CURLOPT_DEBUGFUNCTION, hear_library);
	set(curl, CURLOPT_DEBUGDATA, net);
	set(curl, CURLOPT_NOPROGRESS, 0L);
	set(curl, CURLOPT_XFERINFOFUNCTION, check_progress);
	set(curl, CURLOPT_XFERINFODATA, net);
	if (o->ca_file)
		set(curl, CURLOPT_CAINFO, o->ca_file);
	if (o->pin) {
		/* The key itself is the proof; who signed it does not matter then. */
		set(curl, CURLOPT_PINNEDPUBLICKEY, o->pin);
		set(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		set(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

int net_open(struct net **out, const struct net_options *options, struct err *err)
{
	struct net *net = mem_zero(1, sizeof *net);
	CURLcode code;

	net->options = *options;
	buf_init(&net->kept, KEPT_MAX_BYTES);
	if (load(&net->lib, err) != 0) {
		net_close(net);
		return -1;
	}
	net->curl = net->lib.easy_init();
	if (!net->curl) {
		net_close(net);
		return err_set(err, ERR_BUG, "libcurl does not start");
	}
	set_options(net);
	code = net->lib.easy_perform(net->curl);
	if (code == CURLE_OK)
		code = net->lib.easy_getinfo(net->curl, CURLINFO_ACTIVESOCKET, &net->socket);
	if (code != CURLE_OK) {
		explain(net, code, err);
		net_close(net);
		return -1;
	}
	/* libcurl has its own copy, which goes with the handle. */
	net->options.password = NULL;
	net->options.said = NULL;
	*out = net;
	return 0;
}

void net_close(struct net *net)
{
	if (!net)
		return;
	if (net->curl)
		net->lib.easy_cleanup(net->curl);
	buf_release(&net->kept);
	free(net);
}

/* Wait for the events; in short steps, so that a wish to stop is seen. */
static int wait_for(struct net *net, short events, struct err *err)
{
	uint64_t start = clock_monotonic_ms();
	struct pollfd p = {.fd = net->socket, .events = events};

	for (;;) {
		int got = poll(&p, 1, STOP_CHECK_MS);

		if (must_stop(net))
			return err_set(err, ERR_STOPPED, "stopped");
		if (got > 0)
			return 0;
		if (got < 0 && errno != EINTR)
			return err_os(err, errno, "waiting for the server");
		if (clock_monotonic_ms() - start > (uint64_t)net->options.idle_timeout_s * 1000)
			return err_set(err, ERR_NETWORK, "the server was silent for %d seconds",
			    net->options.idle_timeout_s);
	}
}

/* 1 with bytes, 0 when there are none now, -1. */
static int receive_some(struct net *net, void *data, size_t bytes, size_t *got, struct err *err)
{
	CURLcode code = net->lib.easy_recv(net->curl, data, bytes, got);

	if (code == CURLE_AGAIN)
		return 0;
	if (code == CURLE_OK && *got > 0) {
		net->received += *got;
		return 1;
	}
	return err_set(err, ERR_NETWORK, "%s",
	    code == CURLE_OK ? "the server closed the connection" : "the connection broke");
}

ssize_t net_receive(struct net *net, void *data, size_t bytes, struct err *err)
{
	size_t got;
	int now;

	if (net->kept.n > 0) {
		got = net->kept.n < bytes ? net->kept.n : bytes;
		memcpy(data, net->kept.p, got);
		buf_drop(&net->kept, got);
		return (ssize_t)got;
	}
	/* TLS may hold bytes that the socket no longer shows: receive first, then wait. */
	while ((now = receive_some(net, data, bytes, &got, err)) == 0)
		if (wait_for(net, POLLIN, err) != 0)
			return -1;
	return now < 0 ? -1 : (ssize_t)got;
}

int net_ready(struct net *net, struct err *err)
{
	char part[4096];
	size_t got;
	int now;

	if (net->kept.n > 0)
		return 1;
	now = receive_some(net, part, sizeof part, &got, err);
	if (now == 1)
		buf_add(&net->kept, part, got);
	return now;
}

static int keep_what_comes(struct net *net, struct err *err)
{
	char part[16384];
	size_t got;
	int now;

	while ((now = receive_some(net, part, sizeof part, &got, err)) == 1) {
		buf_add(&net->kept, part, got);
		if (net->kept.overflow)
			return err_set(err, ERR_PROTOCOL, "the server talks without end");
	}
	return now;
}

int net_send(struct net *net, const void *data, size_t bytes, struct err *err)
{
	const char *p = data;
	size_t sent;

	while (bytes > 0) {
		CURLcode code = net->lib.easy_send(net->curl, p, bytes, &sent);

		if (code == CURLE_AGAIN) {
			if (keep_what_comes(net, err) != 0 ||
			    wait_for(net, POLLOUT | POLLIN, err) != 0)
				return -1;
			continue;
		}
		if (code != CURLE_OK)
			return err_set(err, ERR_NETWORK, "the connection broke");
		net->sent += sent;
		p += sent;
		bytes -= sent;
	}
	return 0;
}

void net_interrupt(struct net *net)
{
	atomic_store(&net->is_interrupted, true);
}

const char *net_tls(const struct net *net)
{
	return net->tls;
}

void net_counts(const struct net *net, uint64_t *received_out, uint64_t *sent_out)
{
	*received_out = net->received;
	*sent_out = net->sent;
}
