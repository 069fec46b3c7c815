/* Owns:  an iconv descriptor, and the first bytes of a character whose rest is to come.
 * Knows: charset names as mail misuses them; windows-1252.
 * Never: gives out what is not UTF-8.
 * Spec:  WHATWG Encoding Standard, sections 4.2 (labels) and 9 (windows-1252). */
#include "archiver/mime/mimetext.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <errno.h>
#include <gmime/gmime.h>
#include <iconv.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define CHARSET_NAME_BYTES_MAX 40
#define CHARACTER_BYTES_MAX    8

/* What ends a process by GLib's will is a lack of memory. */
static void hear_library(const char *domain, GLogLevelFlags level, const char *text, void *unused)
{
	if (level & G_LOG_LEVEL_ERROR)
		mem_exhausted();
	g_log_default_handler(domain, level, text, unused);
}

static void init_library(void)
{
	g_log_set_default_handler(hear_library, NULL);
	g_mime_init();
}

void mimetext_library_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, init_library);
}

GMimeParserOptions *mimetext_options_new(void)
{
	static const char *const guesses[] = {"utf-8", "windows-1252", NULL};
	GMimeParserOptions *options = g_mime_parser_options_new();

	g_mime_parser_options_set_fallback_charsets(options, (const char **)(void *)guesses);
	return options;
}

struct mimetext {
	iconv_t converter; /* (iconv_t)-1: guess */
	size_t unit_bytes; /* stepped over where no character is */
	char pending[CHARACTER_BYTES_MAX];
	size_t pending_n;
};

static const struct {
	const char *name, *means;
} labels[] = {
    {"ascii", NULL},
    {"us-ascii", NULL},
    {"ansi_x3.4-1968", NULL},
    {"utf-8", NULL},
    {"utf8", NULL},
    {"unknown-8bit", NULL},
    {"x-unknown", NULL},
    {"iso-8859-1", "windows-1252"},
    {"iso8859-1", "windows-1252"},
    {"latin1", "windows-1252"},
    {"iso-8859-9", "windows-1254"},
    {"iso-8859-11", "windows-874"},
    {"tis-620", "windows-874"},
    {"gb2312", "gb18030"},
    {"gbk", "gb18030"},
    {"x-gbk", "gb18030"},
    {"euc-kr", "cp949"},
    {"ks_c_5601-1987", "cp949"},
    {"shift_jis", "cp932"},
    {"shift-jis", "cp932"},
    {"sjis", "cp932"},
    {"x-sjis", "cp932"},
    {"big5", "big5-hkscs"},
};

/* iconv_open reads "" as the locale's charset, and "//" as the start of its own options. */
static bool is_charset_name(const char *name)
{
	size_t n = 0;

	while (g_ascii_isalnum(name[n]) || (name[n] && strchr("-_.:+()", name[n])))
		n++;
	return n > 0 && n <= CHARSET_NAME_BYTES_MAX && name[n] == '\0';
}

/* The name to convert from; NULL: guess. */
static const char *meant_by(const char *charset)
{
	if (!charset || !is_charset_name(charset))
		return NULL;
	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
		if (strcasecmp(labels[i].name, charset) == 0)
			return labels[i].means;
	return charset;
}

static size_t unit_of(const char *charset)
{
	if (strncasecmp(charset, "utf-16", 6) == 0 || strncasecmp(charset, "ucs-2", 5) == 0)
		return 2;
	if (strncasecmp(charset, "utf-32", 6) == 0 || strncasecmp(charset, "ucs-4", 5) == 0)
		return 4;
	return 1;
}

struct mimetext *mimetext_new(const char *charset)
{
	struct mimetext *text = mem_zero(1, sizeof *text);

	mimetext_library_init();
	charset = meant_by(charset);
	text->converter = charset ? g_mime_iconv_open("UTF-8", charset) : (iconv_t)-1;
	text->unit_bytes = charset ? unit_of(charset) : 1;
	return text;
}

void mimetext_free(struct mimetext *text)
{
	if (text && text->converter != (iconv_t)-1)
		g_mime_iconv_close(text->converter);
	free(text);
}

static void put_windows_1252(struct buf *out, unsigned char c)
{
	static const uint16_t upper[] = {0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
	    0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d, 0, 0, 0x2018, 0x2019, 0x201c, 0x201d,
	    0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178};
	uint32_t point = c;

	if (c >= 0x80 && c < 0xa0)
		point = upper[c - 0x80] ? upper[c - 0x80] : UTF8_REPLACEMENT;
	utf8_put(out, point);
}

/* The bytes at the end of piece that begin a character and want more to come. */
static size_t unfinished_utf8(struct bytes piece)
{
	size_t back;

	for (back = 1; back <= 3 && back <= piece.n; back++) {
		unsigned char c = (unsigned char)piece.p[piece.n - back];

		if (c >= 0xc2 && c <= 0xf4)
			return (c >= 0xf0 ? 4U : c >= 0xe0 ? 3U : 2U) > back ? back : 0;
		if ((c & 0xc0) != 0x80)
			break;
	}
	return 0;
}

static size_t ascii_run(struct bytes text)
{
	size_t n = 0;
	uint64_t eight;

	for (; n + sizeof eight <= text.n; n += sizeof eight) {
		memcpy(&eight, text.p + n, sizeof eight);
		if (eight & 0x8080808080808080U)
			break;
	}
	while (n < text.n && (unsigned char)text.p[n] < 0x80)
		n++;
	return n;
}

void mimetext_guess(struct buf *out, struct bytes raw)
{
	while (raw.n > 0) {
		struct bytes rest = bytes_from(raw, ascii_run(raw));
		uint32_t point;
		int got;

		while ((got = utf8_next(&rest, &point)) > 0)
			rest = bytes_from(rest, ascii_run(rest));
		buf_add(out, raw.p, raw.n - rest.n - (got < 0));
		if (got < 0)
			put_windows_1252(out, (unsigned char)rest.p[-1]);
		raw = rest;
	}
}

static size_t guess(struct bytes piece, struct buf *out)
{
	size_t kept = unfinished_utf8(piece);

	piece.n -= kept;
	mimetext_guess(out, piece);
	return kept;
}

/* All of in but an unfinished character at its end, the number of whose bytes is returned. */
static size_t convert(struct mimetext *text, struct bytes in, struct buf *out)
{
	char *from = (char *)in.p;
	size_t from_n = in.n;

	while (from_n > 0) {
		size_t room = from_n * 2 + CHARACTER_BYTES_MAX * 4, left = room;
		char *to = buf_reserve(out, room);
		size_t got;

		if (!to)
			return 0;
		got = iconv(text->converter, &from, &from_n, &to, &left);
		out->n += room - left;
		if (got != (size_t)-1 || errno == E2BIG)
			continue;
		if (errno == EINVAL && from_n <= CHARACTER_BYTES_MAX)
			return from_n;
		utf8_put(out, UTF8_REPLACEMENT);
		got = from_n < text->unit_bytes ? from_n : text->unit_bytes;
		from += got;
		from_n -= got;
	}
	return 0;
}

/* The C library writes what UCS-4 and its like can hold beyond Unicode as UTF-8 of old. */
static void repair(struct buf *out, size_t start)
{
	struct bytes written = bytes_from(buf_view(out), start), rest;
	uint32_t point;
	char *copy;
	int got;

	if (utf8_valid(written))
		return;
	copy = bytes_string(written);
	rest = (struct bytes){copy, written.n};
	buf_cut(out, start);
	while ((got = utf8_next(&rest, &point)) != 0)
		utf8_put(out, got < 0 ? UTF8_REPLACEMENT : point);
	free(copy);
}

static size_t take(struct mimetext *text, struct bytes in, struct buf *out)
{
	size_t start = out->n, kept;

	if (text->converter == (iconv_t)-1)
		return guess(in, out);
	kept = convert(text, in, out);
	repair(out, start);
	return kept;
}

static void keep(struct mimetext *text, struct bytes in, size_t kept)
{
	memcpy(text->pending, in.p + in.n - kept, kept);
	text->pending_n = kept;
}

/* Completes the pending character; what of piece is left. */
static struct bytes finish_pending(struct mimetext *text, struct bytes piece, struct buf *out)
{
	char joined[2 * CHARACTER_BYTES_MAX];
	size_t n = piece.n < CHARACTER_BYTES_MAX ? piece.n : CHARACTER_BYTES_MAX;
	size_t joined_n = text->pending_n + n, kept;

	memcpy(joined, text->pending, text->pending_n);
	memcpy(joined + text->pending_n, piece.p, n);
	kept = take(text, (struct bytes){joined, joined_n}, out);
	text->pending_n = 0;
	if (kept <= n)
		return bytes_from(piece, n - kept);
	keep(text, (struct bytes){joined, joined_n}, kept);
	return bytes_from(piece, n);
}

void mimetext_add(struct mimetext *text, struct bytes piece, struct buf *out)
{
	if (text->pending_n > 0 && piece.n > 0)
		piece = finish_pending(text, piece, out);
	if (piece.n > 0)
		keep(text, piece, take(text, piece, out));
}

/* Some converters hold the last character back, in case the next combines with it. */
static void flush(struct mimetext *text, struct buf *out)
{
	size_t room = CHARACTER_BYTES_MAX * 4, left = room;
	char *to = buf_reserve(out, room);

	if (!to)
		return;
	iconv(text->converter, NULL, NULL, &to, &left);
	out->n += room - left;
}

void mimetext_end(struct mimetext *text, struct buf *out)
{
	struct bytes rest = {text->pending, text->pending_n};

	if (text->converter == (iconv_t)-1)
		mimetext_guess(out, rest);
	else
		flush(text, out);
	if (text->converter != (iconv_t)-1 && rest.n > 0)
		utf8_put(out, UTF8_REPLACEMENT);
	text->pending_n = 0;
}
