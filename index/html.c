/* Owns:  nothing; appends to the caller's buffer.
 * Knows: libxml2's HTML parser, fed in chunks and heard by callbacks: no tree is ever made.
 * Never: reads a file or the network; lets libxml2 write to standard error; nests without end.
 * Spec:  WHATWG HTML 15.3 (what is shown, what is a block). */
#include "index/html.h"

#include "base/utf8.h"

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
#define LINK_BYTES_MAX          2048
#define BOGUS_COMMENT_BYTES_MAX 200
#define BYTE_ORDER_MARK         "\xef\xbb\xbf"

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
static void note_place(struct text *text)
{
	long n = text->is_stopped ? -1 : xmlByteConsumed(text->parser);

	if (n >= 0 && (size_t)n <= text->fed)
		text->seen = start_of_tag(text->html, (size_t)n);
	text->separators = 0;
}

static void stop(struct text *text)
{
	text->is_stopped = true;
	xmlStopParser(text->parser);
}

static void show_start(struct text *text, enum kind kind, const xmlChar **attributes)
{
	const char *target;

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

static void on_start(void *arg, const xmlChar *name, const xmlChar **attributes)
{
	struct text *text = arg;
	enum kind kind = kind_of((const char *)name);

	note_place(text);
	if (++text->depth == DEPTH_MAX)
		stop(text);
	if (text->hidden_depth == 0 && is_hidden(kind, attributes))
		text->hidden_depth = text->depth;
	if (text->hidden_depth == 0)
		show_start(text, kind, attributes);
}

static void on_end(void *arg, const xmlChar *name)
{
	struct text *text = arg;
	enum kind kind = kind_of((const char *)name);

	note_place(text);
	if (text->hidden_depth == 0 && kind == LINK)
		close_link(text);
	if (text->hidden_depth == 0 && (kind == BLOCK || kind == PRE))
		widen(text, GAP_LINE);
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

	note_place(text);
	if (text->hidden_depth == 0 && bytes > 0)
		put_text(text, (struct bytes){(const char *)s, (size_t)bytes});
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
static bool is_monster(struct text *text, struct bytes more)
{
	struct bytes tag;

	if (text->fed - text->seen < TAG_BYTES_MAX)
		return false;
	tag = from_character(bytes_from(text->html, text->seen), '<');
	if (tag.n < 2 || tag.p[1] == '!')
		return false;
	for (size_t i = 0; i < more.n; i++)
		text->separators += is_blank(more.p[i]) || more.p[i] == '"' || more.p[i] == '\'';
	return text->separators > ATTRIBUTES_MAX;
}

/* libxml2 asks for more. */
static int on_read(void *arg, char *into, int room)
{
	struct text *text = arg;
	struct bytes more = bytes_from(text->html, text->fed);

	if (more.n > (size_t)room)
		more.n = (size_t)room;
	if (!text->is_stopped && is_monster(text, more)) {
		text->is_stopped = true;
		text->seen = text->fed;
	}
	if (text->is_stopped || more.n == 0)
		return 0;
	memcpy(into, more.p, more.n);
	text->fed += more.n;
	return (int)more.n;
}

static int on_close(void *arg)
{
	(void)arg;
	return 0;
}

static htmlParserCtxtPtr parser_new(struct text *text)
{
	htmlParserCtxtPtr parser = htmlNewParserCtxt();
	xmlParserInputBufferPtr input;

	if (!parser)
		return NULL;
	*parser->sax = handlers();
	parser->userData = text;
	htmlCtxtUseOptions(parser,
	    HTML_PARSE_RECOVER | HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC | HTML_PARSE_NODEFDTD);
	input = xmlParserInputBufferCreateIO(on_read, on_close, text, XML_CHAR_ENCODING_NONE);
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
static struct bytes parse(struct text *text, struct bytes html)
{
	size_t done;

	text->html = html;
	text->depth = text->hidden_depth = text->pre_depth = 0;
	text->fed = text->seen = text->separators = 0;
	text->is_stopped = false;
	text->parser = parser_new(text);
	if (!text->parser)
		return (struct bytes){NULL, 0};
	htmlParseDocument(text->parser);
	htmlFreeParserCtxt(text->parser);
	close_link(text);
	done = text->is_stopped ? text->seen : text->fed;
	text->wasted_bytes += text->fed - done + PARSER_COST_BYTES;
	html = bytes_from(html, done > 0 ? done : 1);
	return text->is_stopped ? bytes_from(from_character(html, '>'), 1) : html;
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
	struct text text = {.out = out, .start = out->n};
	struct buf cleaned, shorter;
	uint64_t limit;

	pthread_once(&once, xmlInitParser);
	buf_init(&cleaned, SIZE_MAX / 2);
	buf_init(&shorter, SIZE_MAX / 2);
	buf_init(&text.link, LINK_BYTES_MAX);
	if (!is_clean(html)) {
		clean(&cleaned, html);
		html = buf_view(&cleaned);
	}
	drop_bogus_comments(&shorter, html);
	html = buf_view(&shorter);
	if (bytes_starts(html, BYTE_ORDER_MARK))
		html = bytes_from(html, strlen(BYTE_ORDER_MARK));
	limit = WASTED_BYTES_MAX((uint64_t)html.n);
	while (html.n > 0 && !out->overflow && text.wasted_bytes < limit)
		html = parse(&text, html);
	buf_release(&text.link);
	buf_release(&cleaned);
	buf_release(&shorter);
}
