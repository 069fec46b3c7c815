/* Bytes in some charset, named or not, to UTF-8. Best effort: what comes out is always valid
 * UTF-8, and nothing fails.
 *
 *   struct mimetext *text = mimetext_new("koi8-r");
 *   mimetext_add(text, piece, &out) ...
 *   mimetext_end(text, &out);
 *   mimetext_free(text);
 *
 * Names are read as browsers read them (WHATWG Encoding, section 4.2): iso-8859-1 is
 * windows-1252, gb2312 is gb18030. Without a name, with an unknown one, and for us-ascii and
 * utf-8, valid UTF-8 is taken as such and every other byte as windows-1252. */
#ifndef ARCHIVER_MIME_MIMETEXT_H
#define ARCHIVER_MIME_MIMETEXT_H

#include "base/buf.h"
#include "base/bytes.h"

/* Must be called before anything else of GMime; any number of times, from any thread. */
void mimetext_library_init(void);

/* Options for GMime's parsers, with the guesses above; g_mime_parser_options_free(). */
struct _GMimeParserOptions *mimetext_options_new(void);

struct mimetext;

struct mimetext *mimetext_new(const char *charset); /* NULL: no name is known */
void mimetext_free(struct mimetext *text);
void mimetext_add(struct mimetext *text, struct bytes piece, struct buf *out);
void mimetext_end(struct mimetext *text, struct buf *out);

/* The whole at once, without a name. */
void mimetext_guess(struct buf *out, struct bytes raw);

#endif
