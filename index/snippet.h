/* A line of a message's text around what a query found in it. The index holds no text, so it
 * is made from the extracted message. */
#ifndef INDEX_SNIPPET_H
#define INDEX_SNIPPET_H

#include "index/extract.h"
#include "index/query.h"

#include "base/buf.h"

/* Append at most max_columns columns: the surroundings of the first word that the query asks
 * for, hits between mark_begin and mark_end; where nothing is found (a query of facts only) the
 * beginning of the text. Control characters are gone. */
void snippet_make(struct buf *out, const struct extract *extract, const struct query *query,
    size_t max_columns, const char *mark_begin, const char *mark_end);

#endif
