/* Cutting runs of base64 out of a message while it streams by (FORMAT.md, "Detaching").
 *
 * Works on bytes, not on MIME. A run is at least DETACH_MIN_BYTES of lines of canonical base64,
 * all of one width (a multiple of 4, at most DETACH_LINE_CHARS) and one line end; the last line
 * may be shorter and padded. The run ends before the line end of its last line. Each line is
 * decoded and encoded again before it is taken: only what gives the same characters is cut.
 *
 *   detach_begin(&detach)
 *   detach_add(&detach, data, bytes, &err) ...
 *   detach_end(&detach, &err)      skeleton, blobs, parts are complete
 *   detach_release(&detach)
 *
 * skeleton is the message without its runs; blobs holds all decoded runs one after the other,
 * in the order of parts. The message is: skeleton up to part[0].at, part[0] encoded, skeleton
 * ..., and so on: detach_encoder puts a run back. */
#ifndef ARCHIVER_VAULT_DETACH_H
#define ARCHIVER_VAULT_DETACH_H

#include "archiver/journal/journal.h"

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/spool.h"

#include <stdbool.h>
#include <stdint.h>

#define DETACH_MIN_BYTES    4096
#define DETACH_LINE_CHARS   1000
#define DETACH_MAX_PARTS    10000      /* of one message; further runs stay where they are */
#define DETACH_MEMORY_BYTES (2u << 20) /* of skeleton and of blobs each */

struct detach {
	struct spool skeleton, blobs;
	struct event_part *part;
	size_t part_count, part_room;

	/* The line that is not complete yet, and how the run stands. */
	struct buf line;
	bool is_long;    /* inside a line that cannot be base64 */
	struct buf held; /* lines that may become a run */
	bool in_run;
	uint32_t line_chars;
	bool crlf;
	bool owes_line_end; /* the last line of the run had one, not written yet */
	uint64_t at;        /* of the next line, in the whole message */
	uint64_t run_at, run_bytes;
	struct digest *digest; /* of the blob of the run */
};

void detach_init(struct detach *detach, const char *temporary_folder);
void detach_release(struct detach *detach);
void detach_begin(struct detach *detach); /* forgets the message before */
int detach_add(struct detach *detach, const void *data, size_t bytes, struct err *err);
int detach_end(struct detach *detach, struct err *err);

/* A blob's bytes as they come -> the run, to fn in pieces. */
struct detach_encoder {
	spool_fn fn;
	void *arg;
	uint32_t line_chars;
	bool crlf;
	uint8_t carry[3]; /* bytes that do not make four characters yet */
	size_t carried;
	uint32_t column;
	char out[8192];
	size_t out_bytes;
};

void detach_encoder_begin(
    struct detach_encoder *encoder, const struct event_part *part, spool_fn fn, void *arg);
int detach_encoder_add(void *encoder, const void *data, size_t bytes, struct err *err);
int detach_encoder_end(struct detach_encoder *encoder, struct err *err);

/* Length of the run that a part stands for. */
uint64_t detach_encoded_bytes(const struct event_part *part);

#endif
