/* A raw IMAP connection for measurements: libcurl connects, encrypts and logs in, then bytes
 * go both ways, with nothing of the program that is measured in between.
 *
 *   wire_open(&wire, &options)       connected, verified, logged in
 *   wire_format(&wire, "a1 LIST ...\r\n")
 *   wire_line(&wire, &line, true)    the server's next line; literals: wire_literal, wire_skip
 *   wire_close(&wire)
 *
 * What fails ends the process with status 1 and a line on stderr: these are the tools of one
 * command. A server that is silent for two minutes is a failure. Not shared between threads. */
#ifndef TESTS_PERF_WIRE_H
#define TESTS_PERF_WIRE_H

#include "base/buf.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

struct wire_options {
	const char *url; /* imaps://host:port, or imap://host:port for STARTTLS */
	const char *user, *password;
	const char *ca_file; /* NULL: the system's authorities */
};

struct wire {
	void *curl;
	int socket;
	struct buf in; /* received; used up to "at" */
	size_t at;
	uint64_t received, sent; /* bytes since wire_open */
};

void wire_open(struct wire *wire, const struct wire_options *options);
void wire_close(struct wire *wire);

/* All of it. What the server says meanwhile is kept for wire_line. */
void wire_send(struct wire *wire, const void *data, size_t bytes);
void wire_format(struct wire *wire, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The next line without its CRLF, good until the next call. False only when not told to wait
 * and the line is not there yet. */
bool wire_line(struct wire *wire, struct bytes *line_out, bool wait);

/* The length of the literal that the line announces at its end; false when it does not. */
bool wire_literal(struct bytes line, uint64_t *bytes_out);
void wire_skip(struct wire *wire, uint64_t bytes);

/* OK of a tagged line "TAG OK ..."; anything else is false. */
bool wire_is_ok(struct bytes tagged);

/* The value of IMAP_PASSWORD, which must be set. */
const char *wire_password(void);
void wire_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
