/* The text of a page while it is put together: words, the blanks and newlines between them, and
 * the targets of links.
 *
 *   pagetext_start(&text, &out);
 *   pagetext_block(&text);               a new line, if there is anything before
 *   pagetext_put(&text, words);          runs of blanks become one blank
 *   pagetext_end(&text);
 *
 * Blanks and newlines are only written once something follows: none stands at either end. */
#ifndef INDEX_PAGETEXT_H
#define INDEX_PAGETEXT_H

#include "base/buf.h"
#include "base/bytes.h"

#include <stdbool.h>

/* What must stand between the text so far and the text to come; the widest asked for counts. */
enum pagetext_gap { PAGETEXT_NOTHING, PAGETEXT_BLANK, PAGETEXT_LINE, PAGETEXT_EMPTY_LINE };

struct pagetext {
	struct buf *out;
	size_t start; /* of what was put here */
	enum pagetext_gap gap;
	bool keeps_lines; /* as in <pre>: newlines are not just blanks */
	struct buf link;  /* target of the link that is open */
	size_t link_start;
};

void pagetext_start(struct pagetext *text, struct buf *out);
void pagetext_end(struct pagetext *text);

void pagetext_put(struct pagetext *text, struct bytes words);
void pagetext_gap(struct pagetext *text, enum pagetext_gap gap);
void pagetext_break(struct pagetext *text); /* the second one in a row makes an empty line */

/* What is put between the two is the text of a link. Targets of http, https and mailto are
 * written behind it as <target>, unless they say the same as the text. */
void pagetext_open_link(struct pagetext *text, struct bytes target);
void pagetext_close_link(struct pagetext *text);

/* Of HTML: blank, tab, newline, return, form feed. */
bool pagetext_is_blank(char c);
struct bytes pagetext_skip_blanks(struct bytes s);

#endif
