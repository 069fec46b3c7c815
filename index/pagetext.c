/* Owns:  the target of the open link.
 * Knows: how a page's blanks, lines and links read as plain text.
 * Never: writes a blank or a newline that nothing follows. */
#include "index/pagetext.h"

#include <string.h>

#define LINK_BYTES_MAX 2048
#define NO_BREAK_SPACE "\xc2\xa0"

void pagetext_start(struct pagetext *text, struct buf *out)
{
	*text = (struct pagetext){.out = out, .start = out->n};
	buf_init(&text->link, LINK_BYTES_MAX);
}

void pagetext_end(struct pagetext *text)
{
	pagetext_close_link(text);
	buf_release(&text->link);
}

void pagetext_gap(struct pagetext *text, enum pagetext_gap gap)
{
	if (text->gap < gap)
		text->gap = gap;
}

void pagetext_break(struct pagetext *text)
{
	text->gap = text->gap >= PAGETEXT_LINE ? PAGETEXT_EMPTY_LINE : PAGETEXT_LINE;
}

static void put_gap(struct pagetext *text)
{
	static const char *const gaps[] = {"", " ", "\n", "\n\n"};

	if (text->out->n > text->start)
		buf_text(text->out, gaps[text->gap]);
	text->gap = PAGETEXT_NOTHING;
}

bool pagetext_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

struct bytes pagetext_skip_blanks(struct bytes s)
{
	while (s.n > 0 && pagetext_is_blank(s.p[0]))
		s = bytes_from(s, 1);
	return s;
}

/* The bytes of the blank at the start; 0 when none is there. */
static size_t blank_bytes(struct bytes s)
{
	if (pagetext_is_blank(s.p[0]))
		return 1;
	return bytes_starts(s, NO_BREAK_SPACE) ? strlen(NO_BREAK_SPACE) : 0;
}

void pagetext_put(struct pagetext *text, struct bytes words)
{
	while (words.n > 0 && !text->out->overflow) {
		size_t blank = blank_bytes(words), n = 0;

		if (blank > 0) {
			if (text->keeps_lines && words.p[0] == '\n')
				pagetext_break(text);
			pagetext_gap(text, PAGETEXT_BLANK);
			words = bytes_from(words, blank);
			continue;
		}
		while (n < words.n && blank_bytes(bytes_from(words, n)) == 0)
			n++;
		put_gap(text);
		buf_add(text->out, words.p, n);
		words = bytes_from(words, n);
	}
}

void pagetext_open_link(struct pagetext *text, struct bytes target)
{
	pagetext_close_link(text);
	target = pagetext_skip_blanks(target);
	text->link_start = text->out->n;
	if (!bytes_starts_nocase(target, "http://") && !bytes_starts_nocase(target, "https://") &&
	    !bytes_starts_nocase(target, "mailto:"))
		return;
	for (size_t i = 0; i < target.n; i++)
		if ((unsigned char)target.p[i] > ' ')
			buf_char(&text->link, target.p[i]);
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

void pagetext_close_link(struct pagetext *text)
{
	struct bytes target = buf_view(&text->link), shown;

	if (target.n == 0)
		return;
	shown = bytes_trim(bytes_from(buf_view(text->out), text->link_start));
	if (!bytes_equal_nocase(bare(shown), bare(target))) {
		pagetext_gap(text, PAGETEXT_BLANK);
		put_gap(text);
		buf_char(text->out, '<');
		buf_bytes(text->out, target);
		buf_char(text->out, '>');
	}
	buf_clear(&text->link);
}
