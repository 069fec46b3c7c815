/* Owns:  nothing; appends to the caller's buffer.
 * Knows: libxml2's HTML parser, fed in chunks and heard by callbacks: no tree is ever made.
 * Never: reads a file or the network; lets libxml2 write to standard error; nests without end.
 * Spec:  WHATWG HTML 15.3 (what is shown, what is a block). */
#include "index/html.h"

#include "base/utf8.h"

#include <libxml/HTMLparser.h>
#include <pthread.h>
#include <string.h>

#define CHUNK_BYTES 65536
/* libxml2 searches its stack of open elements at every end tag; beyond this depth a new parser
 * goes on from the same place, with nothing open. */
#define DEPTH_MAX       400
#define LINK_BYTES_MAX  2048
#define NO_BREAK_SPACE  0xa0
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* What must stand between the text so far and the text to come. */
enum gap { GAP_NONE, GAP_BLANK, GAP_LINE, GAP_LINES };

struct text {
	struct buf *out;
	size_t start; /* of what this call appended */
	enum gap gap;
	unsigned depth, hidden_depth, pre_depth; /* hidden, pre: 0 or where it began */
	struct buf link;                         /* target of the link that is open */
	size_t link_start;
	htmlParserCtxtPtr parser;
	long stopped_at; /* too deep: bytes that this parser has read; else -1 */
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

static void widen(struct text *text, enum gap gap)
{
	if (text->gap < gap)
		text->gap = gap;
}

static void break_line(struct text *text)
{
	text->gap = text->gap >= GAP_LINE ? GAP_LINES : GAP_LINE;
}

static void put_gap(struct text *text)
{
	static const char *const gaps[] = {"", " ", "\n", "\n\n"};

	if (text->out->n > text->start)
		buf_text(text->out, gaps[text->gap]);
	text->gap = GAP_NONE;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_wide_blank(struct bytes s)
{
	return bytes_starts(s, "\xc2\xa0");
}

static void put_text(struct text *text, struct bytes s)
{
	while (s.n > 0 && !text->out->overflow) {
		size_t n = 0;

		if (text->pre_depth > 0 && s.p[0] == '\n')
			break_line(text);
		if (is_blank(s.p[0]) || is_wide_blank(s)) {
			widen(text, GAP_BLANK);
			s = bytes_from(s, is_blank(s.p[0]) ? 1 : 2);
			continue;
		}
		put_gap(text);
		while (n < s.n && !is_blank(s.p[n]) && !is_wide_blank(bytes_from(s, n)))
			n++;
		buf_add(text->out, s.p, n);
		s = bytes_from(s, n);
	}
}

static const char *attribute(const xmlChar **attributes, const char *name)
{
	for (; attributes && attributes[0]; attributes += 2)
		if (strcmp((const char *)attributes[0], name) == 0)
			return attributes[1] ? (const char *)attributes[1] : "";
	return NULL;
}

static struct bytes skip_blanks(struct bytes s)
{
	while (s.n > 0 && is_blank(s.p[0]))
		s = bytes_from(s, 1);
	return s;
}

static bool is_display_none(const char *style)
{
	static const char display[] = "display";
	struct bytes s;

	for (s = bytes_of(style); s.n > 0; s = bytes_from(s, 1)) {
		struct bytes value;

		if (!bytes_starts_nocase(s, display))
			continue;
		value = skip_blanks(bytes_from(s, strlen(display)));
		if (bytes_starts(value, ":") &&
		    bytes_starts_nocase(skip_blanks(bytes_from(value, 1)), "none"))
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

static void open_link(struct text *text, const char *target)
{
	struct bytes s = skip_blanks(bytes_of(target));

	buf_clear(&text->link);
	text->link_start = text->out->n;
	if (!bytes_starts_nocase(s, "http://") && !bytes_starts_nocase(s, "https://") &&
	    !bytes_starts_nocase(s, "mailto:"))
		return;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > ' ')
			buf_char(&text->link, s.p[i]);
	if (text->link.overflow)
		buf_clear(&text->link);
}

static struct bytes without(struct bytes s, const char *start)
{
	return bytes_starts_nocase(s, start) ? bytes_from(s, strlen(start)) : s;
}

/* A target as people write it: no scheme, no slash at its end. */
static struct bytes bare(struct bytes target)
{
	target = without(without(without(target, "mailto:"), "https://"), "http://");
	if (target.n > 0 && target.p[target.n - 1] == '/')
		target.n--;
	return target;
}

static void close_link(struct text *text)
{
	struct bytes target = buf_view(&text->link), shown;

	if (target.n == 0)
		return;
	shown = bytes_trim(bytes_from(buf_view(text->out), text->link_start));
	if (!bytes_equal_nocase(bare(shown), bare(target))) {
		widen(text, GAP_BLANK);
		put_gap(text);
		buf_char(text->out, '<');
		buf_bytes(text->out, target);
		buf_char(text->out, '>');
	}
	buf_clear(&text->link);
}

static void put_image(struct text *text, const char *alternative)
{
	if (!alternative)
		return;
	widen(text, GAP_BLANK);
	put_text(text, bytes_of(alternative));
	widen(text, GAP_BLANK);
}

static void on_start(void *arg, const xmlChar *name, const xmlChar **attributes)
{
	struct text *text = arg;
	enum kind kind = kind_of((const char *)name);
	const char *target;

	if (++text->depth == DEPTH_MAX) {
		text->stopped_at = xmlByteConsumed(text->parser);
		xmlStopParser(text->parser);
	}
	if (text->hidden_depth > 0)
		return;
	if (is_hidden(kind, attributes)) {
		text->hidden_depth = text->depth;
		return;
	}
	if (kind == BLOCK || kind == PRE)
		widen(text, GAP_LINE);
	if (kind == PRE && text->pre_depth == 0)
		text->pre_depth = text->depth;
	if (kind == CELL)
		widen(text, GAP_BLANK);
	if (kind == BREAK)
		break_line(text);
	if (kind == IMAGE)
		put_image(text, attribute(attributes, "alt"));
	if (kind == LINK && (target = attribute(attributes, "href")) != NULL) {
		close_link(text);
		open_link(text, target);
	}
}

static void on_end(void *arg, const xmlChar *name)
{
	struct text *text = arg;
	enum kind kind = kind_of((const char *)name);

	if (text->hidden_depth == 0) {
		if (kind == LINK)
			close_link(text);
		if (kind == BLOCK || kind == PRE)
			widen(text, GAP_LINE);
	}
	if (text->hidden_depth == text->depth)
		text->hidden_depth = 0;
	if (text->pre_depth == text->depth)
		text->pre_depth = 0;
	if (text->depth > 0)
		text->depth--;
}

static void on_text(void *arg, const xmlChar *s, int bytes)
{
	struct text *text = arg;

	if (text->hidden_depth == 0 && bytes > 0)
		put_text(text, (struct bytes){(const char *)s, (size_t)bytes});
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
	    .serror = on_error,
	    .initialized = XML_SAX2_MAGIC,
	};
}

/* Parses until the end, or until the nesting is too deep; what is left then. */
static struct bytes parse(struct text *text, struct bytes html)
{
	htmlSAXHandler callbacks = handlers();
	size_t fed = 0;

	text->stopped_at = -1;
	text->depth = text->hidden_depth = text->pre_depth = 0;
	text->parser =
	    htmlCreatePushParserCtxt(&callbacks, text, NULL, 0, NULL, XML_CHAR_ENCODING_NONE);
	if (!text->parser)
		return (struct bytes){NULL, 0};
	htmlCtxtUseOptions(text->parser,
	    HTML_PARSE_RECOVER | HTML_PARSE_NONET | HTML_PARSE_NOIMPLIED | HTML_PARSE_IGNORE_ENC |
		HTML_PARSE_NODEFDTD);
	text->parser->charset = XML_CHAR_ENCODING_UTF8;
	while (fed < html.n && text->stopped_at < 0) {
		size_t n = html.n - fed < CHUNK_BYTES ? html.n - fed : CHUNK_BYTES;

		htmlParseChunk(text->parser, html.p + fed, (int)n, fed + n == html.n);
		fed += n;
	}
	htmlFreeParserCtxt(text->parser);
	close_link(text);
	if (text->stopped_at < 0)
		return (struct bytes){NULL, 0};
	/* It stopped inside of a tag. */
	html = bytes_from(html, (size_t)text->stopped_at);
	fed = 0;
	while (fed < html.n && html.p[fed] != '>')
		fed++;
	return bytes_from(html, fed + 1);
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

void html_text(struct buf *out, struct bytes html)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct text text = {.out = out, .start = out->n};
	struct buf cleaned;

	pthread_once(&once, xmlInitParser);
	buf_init(&cleaned, SIZE_MAX / 2);
	buf_init(&text.link, LINK_BYTES_MAX);
	if (!is_clean(html)) {
		clean(&cleaned, html);
		html = buf_view(&cleaned);
	}
	if (bytes_starts(html, BYTE_ORDER_MARK))
		html = bytes_from(html, strlen(BYTE_ORDER_MARK));
	while (html.n > 0 && !out->overflow)
		html = parse(&text, html);
	buf_release(&text.link);
	buf_release(&cleaned);
}
