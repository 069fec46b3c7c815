/* The text of HTML, by libxml2's forgiving HTML parser. */
#ifndef INDEX_HTML_H
#define INDEX_HTML_H

#include "base/buf.h"
#include "base/bytes.h"

/* Append the text that a reader sees of html (UTF-8): blocks and line breaks become newlines,
 * runs of blanks one blank; script, style, template, head (but for the title) and elements
 * hidden by the hidden attribute or an inline display:none are left out; alt texts of images and
 * the targets of http(s) and mailto links are kept, the latter behind their text when they
 * differ from it. Never fails: broken HTML gives what could be read, out's ceiling cuts. */
void html_text(struct buf *out, struct bytes html);

#endif
