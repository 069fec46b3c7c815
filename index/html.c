/* Owns:  nothing; appends to the caller's buffer.
 * Knows: libxml2's HTML parser, fed in chunks and heard by callbacks: no tree is ever made.
 * Never: reads a file or the network; lets libxml2 write to standard error; nests without end.
 * Spec:  WHATWG HTML 15.3 (what is shown, what is a block). */
#include "index/html.h"

#include "base/utf8.h"
#include "index/pagetext.h"

#include <libxml/HTMLparser.h>
#include <libxml/parserInternals.h>
#include <pthread.h>
#include <string.h>

/* libxml2 searches its stack of open elements at every end tag, and compares each attribute
 * of a tag with all before it. So a parser that is this deep, or in a tag that is longer than
 * this and may have that many attributes, ends; a new one goes on behind the tag. */
#define DEPTH_MAX      400
#define TAG_BYTES_MAX  4096
#define ATTRIBUTES_MAX 500
/* Making a parser costs about as much as reading this; a page that makes parsers begin again
 * and again is left unread in the end. */
#define PARSER_COST_BYTES       1024
#define WASTED_BYTES_MAX(n)     (((n) + PARSER_COST_BYTES) * 32)

#define NAME_BYTES_MAX          128
#define BOGUS_COMMENT_BYTES_MAX 200
#define BYTE_ORDER_MARK         "\xef\xbb\xbf"

struct page {
	struct pagetext text;
	unsigned depth, hidden_depth, pre_depth; /* hidden, pre: 0 or where it began */
	htmlParserCtxtPtr parser;
	struct bytes html;     /* what this parser gets to read */
	size_t fed, seen;      /* what it has got, and where the last callback was */
	size_t separators;     /* of attributes, in the tag that is being read */
	bool is_stopped;       /* in a tag */
	uint64_t wasted_bytes; /* read more than once, by parsers that began again */
};

enum kind { INLINE, BLOCK, BREAK, CELL, PRE, LINK, IMAGE, UNSEEN };

static const struct {
	const char *name;
	enum kind kind;
} elements[] = {
    {"a", LINK},
    {"address", BLOCK},
    {"article", BLOCK},
    {"aside", BLOCK},
    {"blockquote", BLOCK},
    {"body", BLOCK},
    {"br", BREAK},
    {"caption", BLOCK},
    {"center", BLOCK},
    {"dd", BLOCK},
    {"details", BLOCK},
    {"dir", BLOCK},
    {"div", BLOCK},
    {"dl", BLOCK},
    {"dt", BLOCK},
    {"fieldset", BLOCK},
    {"figcaption", BLOCK},
    {"figure", BLOCK},
    {"footer", BLOCK},
    {"form", BLOCK},
    {"h1", BLOCK},
    {"h2", BLOCK},
    {"h3", BLOCK},
    {"h4", BLOCK},
    {"h5", BLOCK},
    {"h6", BLOCK},
    {"header", BLOCK},
    {"hr", BLOCK},
    {"img", IMAGE},
    {"legend", BLOCK},
    {"li", BLOCK},
    {"listing", PRE},
    {"main", BLOCK},
    {"menu", BLOCK},
    {"nav", BLOCK},
    {"ol", BLOCK},
    {"option", BLOCK},
    {"p", BLOCK},
    {"pre", PRE},
    {"script", UNSEEN},
    {"section", BLOCK},
    {"style", UNSEEN},
    {"summary", BLOCK},
    {"table", BLOCK},
    {"td", CELL},
    {"template", UNSEEN},
    {"th", CELL},
    {"title", BLOCK},
    {"tr", BLOCK},
    {"ul", BLOCK},
    {"xmp", PRE},
};

static enum kind kind_of(const char *name)
{
	size_t from = 0, to = sizeof elements / sizeof *elements;

	while (from < to) {
		size_t middle = (from + to) / 2;
		int order = strcmp(name, elements[middle].name);

		if (order == 0)
			return elements[middle].kind;
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return INLINE;
}

static const char *attribute(const xmlChar **attributes, const char *name)
{
	for (; attributes && attributes[0]; attributes += 2)
		if (strcmp((const char *)attributes[0], name) == 0)
			return attributes[1] ? (const char *)attributes[1] : "";
	return NULL;
}

static bool is_display_none(const char *style)
{
	static const char display[] = "display";
	struct bytes s;

	for (s = bytes_of(style); s.n > 0; s = bytes_from(s, 1)) {
		struct bytes value;

		if (!bytes_starts_nocase(s, display))
			continue;
		value = pagetext_skip_blanks(bytes_from(s, strlen(display)));
		if (bytes_starts(value, ":") &&
		    bytes_starts_nocase(pagetext_skip_blanks(bytes_from(value, 1)), "none"))
			return true;
	}
	return false;
}

static bool is_hidden(enum kind kind, const xmlChar **attributes)
{
	const char *style = attribute(attributes, "style");

	return kind == UNSEEN || attribute(attributes, "hidden") ||
	    (style && is_display_none(style));
}

static void put_image(struct pagetext *text, const char *alternative)
{
	if (!alternative)
		return;
	pagetext_gap(text, PAGETEXT_BLANK);
	pagetext_put(text, bytes_of(alternative));
	pagetext_gap(text, PAGETEXT_BLANK);
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name_character(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || (c && strchr(":-_.", c));
}

/* Callbacks come between constructs, but those that a tag implies come behind its name: then
 * its "<" is the place. */
static size_t start_of_tag(struct bytes html, size_t at)
{
	size_t name = at;

	if (at == html.n || html.p[at] == '>' || html.p[at] == '/')
		return at;
	while (name > 0 && at - name <= NAME_BYTES_MAX && is_name_character(html.p[name - 1]))
		name--;
	return name > 0 && name < at && html.p[name - 1] == '<' && is_letter(html.p[name])
	    ? name - 1
	    : at;
}

/* Once stopped, a parser still closes what is open, and has forgotten where it was. */
static void note_place(struct page *page)
{
	long n = page->is_stopped ? -1 : xmlByteConsumed(page->parser);

	if (n >= 0 && (size_t)n <= page->fed)
		page->seen = start_of_tag(page->html, (size_t)n);
	page->separators = 0;
}

static void stop(struct page *page)
{
	page->is_stopped = true;
	xmlStopParser(page->parser);
}

static void show_start(struct page *page, enum kind kind, const xmlChar **attributes)
{
	struct pagetext *text = &page->text;
	const char *target;

	if (kind == BLOCK || kind == PRE)
		pagetext_gap(text, PAGETEXT_LINE);
	if (kind == PRE && page->pre_depth == 0)
		page->pre_depth = page->depth;
	if (kind == CELL)
		pagetext_gap(text, PAGETEXT_BLANK);
	if (kind == BREAK)
		pagetext_break(text);
	if (kind == IMAGE)
		put_image(text, attribute(attributes, "alt"));
	if (kind == LINK && (target = attribute(attributes, "href")) != NULL)
		pagetext_open_link(text, bytes_of(target));
}

static void on_start(void *arg, const xmlChar *name, const xmlChar **attributes)
{
	struct page *page = arg;
	enum kind kind = kind_of((const char *)name);

	note_place(page);
	if (++page->depth == DEPTH_MAX)
		stop(page);
	if (page->hidden_depth == 0 && is_hidden(kind, attributes))
		page->hidden_depth = page->depth;
	if (page->hidden_depth == 0)
		show_start(page, kind, attributes);
}

static void on_end(void *arg, const xmlChar *name)
{
	struct page *page = arg;
	enum kind kind = kind_of((const char *)name);

	note_place(page);
	if (page->hidden_depth == 0 && kind == LINK)
		pagetext_close_link(&page->text);
	if (page->hidden_depth == 0 && (kind == BLOCK || kind == PRE))
		pagetext_gap(&page->text, PAGETEXT_LINE);
	if (page->hidden_depth == page->depth)
		page->hidden_depth = 0;
	if (page->pre_depth == page->depth)
		page->pre_depth = 0;
	if (page->depth > 0)
		page->depth--;
}

static void on_text(void *arg, const xmlChar *s, int bytes)
{
	struct page *page = arg;

	note_place(page);
	page->text.keeps_lines = page->pre_depth > 0;
	if (page->hidden_depth == 0 && bytes > 0)
		pagetext_put(&page->text, (struct bytes){(const char *)s, (size_t)bytes});
}

static void on_comment(void *arg, const xmlChar *s)
{
	(void)s;
	note_place(arg);
}

static void on_error(void *arg, xmlErrorPtr error)
{
	(void)arg;
	(void)error;
}

static htmlSAXHandler handlers(void)
{
	return (htmlSAXHandler){
	    .startElement = on_start,
	    .endElement = on_end,
	    .characters = on_text,
	    .ignorableWhitespace = on_text,
	    .cdataBlock = on_text,
	    .comment = on_comment,
	    .serror = on_error,
	    .initialized = XML_SAX2_MAGIC,
	};
}

static struct bytes from_character(struct bytes html, char c)
{
	const char *found = html.n > 0 ? memchr(html.p, c, html.n) : NULL;

	return bytes_from(html, found ? (size_t)(found - html.p) : html.n);
}

/* Whether the parser is in a tag that may have too many attributes, with more to come. */
static bool is_monster(struct page *page, struct bytes more)
{
	struct bytes tag;

	if (page->fed - page->seen < TAG_BYTES_MAX)
		return false;
	tag = from_character(bytes_from(page->html, page->seen), '<');
	if (tag.n < 2 || tag.p[1] == '!')
		return false;
	for (size_t i = 0; i < more.n; i++)
		page->separators +=
		    pagetext_is_blank(more.p[i]) || more.p[i] == '"' || more.p[i] == '\'';
	return page->separators > ATTRIBUTES_MAX;
}

/* libxml2 asks for more. */
static int on_read(void *arg, char *into, int room)
{
	struct page *page = arg;
	struct bytes more = bytes_from(page->html, page->fed);

	if (more.n > (size_t)room)
		more.n = (size_t)room;
	if (!page->is_stopped && is_monster(page, more)) {
		page->is_stopped = true;
		page->seen = page->fed;
	}
	if (page->is_stopped || more.n == 0)
		return 0;
	memcpy(into, more.p, more.n);
	page->fed += more.n;
	return (int)more.n;
}

static int on_close(void *arg)
{
	(void)arg;
	return 0;
}

static htmlParserCtxtPtr parser_new(struct page *page)
{
	htmlParserCtxtPtr parser = htmlNewParserCtxt();
	xmlParserInputBufferPtr input;

	if (!parser)
		return NULL;
	*parser->sax = handlers();
	parser->userData = page;
	htmlCtxtUseOptions(parser,
	    HTML_PARSE_RECOVER | HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC | HTML_PARSE_NODEFDTD);
	input = xmlParserInputBufferCreateIO(on_read, on_close, page, XML_CHAR_ENCODING_NONE);
	if (input)
		inputPush(parser, xmlNewIOInputStream(parser, input, XML_CHAR_ENCODING_NONE));
	if (!parser->input) {
		htmlFreeParserCtxt(parser);
		return NULL;
	}
	parser->charset = XML_CHAR_ENCODING_UTF8;
	return parser;
}

/* Parses as much as one parser can; what is left. */
static struct bytes parse(struct page *page, struct bytes html)
{
	size_t done;

	page->html = html;
	page->depth = page->hidden_depth = page->pre_depth = 0;
	page->fed = page->seen = page->separators = 0;
	page->is_stopped = false;
	page->parser = parser_new(page);
	if (!page->parser)
		return (struct bytes){NULL, 0};
	htmlParseDocument(page->parser);
	htmlFreeParserCtxt(page->parser);
	pagetext_close_link(&page->text);
	done = page->is_stopped ? page->seen : page->fed;
	page->wasted_bytes += page->fed - done + PARSER_COST_BYTES;
	html = bytes_from(html, done > 0 ? done : 1);
	return page->is_stopped ? bytes_from(from_character(html, '>'), 1) : html;
}

/* libxml2 ends at a NUL, and changes its mind about the charset at a byte that is not UTF-8. */
static void clean(struct buf *out, struct bytes html)
{
	uint32_t point;
	int got;

	while ((got = utf8_next(&html, &point)) != 0)
		utf8_put(out, got < 0 || point == 0 ? UTF8_REPLACEMENT : point);
}

static bool is_clean(struct bytes html)
{
	return utf8_valid(html) && !(html.n > 0 && memchr(html.p, '\0', html.n));
}

/* "<!" that is neither a comment nor a doctype is a comment up to the next ">"; libxml2 takes
 * it for text, and Outlook writes many. The bytes of one at the start of html, or 0. */
static size_t bogus_comment(struct bytes html)
{
	size_t n = 2;

	if (bytes_starts(html, "<!--") || bytes_starts_nocase(html, "<!doctype"))
		return 0;
	while (n < html.n && n < BOGUS_COMMENT_BYTES_MAX && html.p[n] != '<' && html.p[n] != '>')
		n++;
	return n < html.n && html.p[n] == '>' ? n + 1 : 0;
}

static size_t find(struct bytes html, const char *what)
{
	const char *found = html.n > 0 ? memmem(html.p, html.n, what, strlen(what)) : NULL;

	return found ? (size_t)(found - html.p) : html.n;
}

/* html without bogus comments outside of comments. */
static void drop_bogus_comments(struct buf *out, struct bytes html)
{
	while (html.n > 0) {
		size_t n = find(html, "<!"), bogus;

		buf_add(out, html.p, n);
		html = bytes_from(html, n);
		bogus = bogus_comment(html);
		if (bogus == 0 && html.n > 0) {
			n = bytes_starts(html, "<!--") ? find(html, "-->") : 2;
			buf_add(out, html.p, n);
		}
		html = bytes_from(html, bogus > 0 ? bogus : n);
	}
}

void html_text(struct buf *out, struct bytes html)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct page page = {0};
	struct buf cleaned, shorter;
	uint64_t limit;

	pthread_once(&once, xmlInitParser);
	buf_init(&cleaned, SIZE_MAX / 2);
	buf_init(&shorter, SIZE_MAX / 2);
	pagetext_start(&page.text, out);
	if (!is_clean(html)) {
		clean(&cleaned, html);
		html = buf_view(&cleaned);
	}
	drop_bogus_comments(&shorter, html);
	html = buf_view(&shorter);
	if (bytes_starts(html, BYTE_ORDER_MARK))
		html = bytes_from(html, strlen(BYTE_ORDER_MARK));
	limit = WASTED_BYTES_MAX((uint64_t)html.n);
	while (html.n > 0 && !out->overflow && page.wasted_bytes < limit)
		html = parse(&page, html);
	pagetext_end(&page.text);
	buf_release(&cleaned);
	buf_release(&shorter);
}
