/* One encrypted connection to a mail server: libcurl does name, proxy, TLS with verification,
 * STARTTLS, greeting and login (CURLOPT_CONNECT_ONLY); from there on bytes go both ways.
 *
 *   net_open(&net, &options, &err)        connected, encrypted, logged in
 *   net_receive / net_send                until net_close
 *
 * There is no way to connect without TLS or without a verified peer: imap:// means STARTTLS
 * before anything else, and a server without it is refused. The peer is verified against the
 * system's authorities, or against ca_file, or its public key must be the pinned one.
 *
 * A login that is refused is ERR_LOGIN, and never tried a second time; what the server said to it
 * is in said: whether that passes by itself is not judged here.
 *
 * Every wait ends after idle_timeout_s (ERR_NETWORK), or soon after *stop becomes nonzero
 * (ERR_STOPPED). Not shared between threads, but for net_interrupt. */
#ifndef BASE_NET_H
#define BASE_NET_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/secret.h"

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#define NET_SAID_BYTES 512

struct net;

struct net_options {
	const char *url; /* imaps://host[:port], imap://host[:port]; no user, no path */
	const char *user;
	const struct secret *password;
	const char *ca_file; /* PEM; NULL: the system's authorities */
	const char *pin; /* "sha256//BASE64" of the public key, replaces the authorities; or NULL */
	int connect_timeout_s;
	int idle_timeout_s;
	const volatile sig_atomic_t *stop; /* may be NULL */
	char *said; /* NET_SAID_BYTES for the server's words when it lets nobody in; or NULL */
};

int net_open(struct net **out, const struct net_options *options, struct err *err);
void net_close(struct net *net);

/* Waits until something came: the number of bytes, at least 1; -1 also when the peer closed. */
ssize_t net_receive(struct net *net, void *data, size_t bytes, struct err *err);

/* All of it. While the peer takes nothing because it wants to be heard first, what it says is
 * kept for net_receive. */
int net_send(struct net *net, const void *data, size_t bytes, struct err *err);

/* Something to receive right now: 1, nothing 0, -1. */
int net_ready(struct net *net, struct err *err);

/* From another thread: whatever waits, or would wait, ends with ERR_STOPPED. */
void net_interrupt(struct net *net);

/* Protocol and cipher, "TLSv1.3 / TLS_AES_256_GCM_SHA384"; "" when the library does not tell. */
const char *net_tls(const struct net *net);

/* Bytes received and sent since net_open. */
void net_counts(const struct net *net, uint64_t *received_out, uint64_t *sent_out);

#endif
