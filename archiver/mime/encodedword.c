/* Owns:  nothing: views into the caller's header.
 * Knows: the grammar of encoded words, and how real mail departs from it.
 * Never: changes a byte outside of encoded words, or loses one inside.
 * Spec:  RFC 2047 (2 grammar, 4 encodings, 6.2 words side by side), RFC 2231 5 (language). */
#include "archiver/mime/encodedword.h"

#include "base/base64.h"

#include <string.h>

#define CHARSET_BYTES_MAX 60
#define TEXT_BYTES_MAX    8192 /* RFC 2047 2 allows 75; so that hostile mail costs no time */

struct word {
	struct bytes charset; /* without the language */
	struct bytes text;    /* still encoded */
	bool is_base64;
	size_t n; /* of the whole word */
};

/* Base64 digits on their way to bytes, over the borders of words. */
struct digits {
	struct buf *out;
	unsigned value;
	unsigned count; /* in value, under 4 */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct bytes until(struct bytes text, char c, size_t max_bytes)
{
	size_t n = 0;

	while (n < text.n && n <= max_bytes && text.p[n] > ' ' && text.p[n] != c)
		n++;
	return (struct bytes){text.p, n};
}

/* Digits, padding and blanks: anything else is no base64. */
static bool is_base64(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!base64_is_digit(text.p[i]) && text.p[i] != '=' && !is_blank(text.p[i]))
			return false;
	return true;
}

static bool take_charset(struct bytes *rest, struct bytes *charset)
{
	struct bytes all = until(*rest, '?', CHARSET_BYTES_MAX);

	if (all.n == 0 || all.n >= rest->n || rest->p[all.n] != '?')
		return false;
	*charset = until(all, '*', all.n);
	*rest = bytes_from(*rest, all.n + 1);
	return charset->n > 0;
}

/* An encoded word at the start of text. */
static bool word_at(struct bytes text, struct word *word)
{
	struct bytes rest = bytes_from(text, 2);
	const char *end;
	char encoding;

	if (!bytes_starts(text, "=?") || !take_charset(&rest, &word->charset))
		return false;
	if (rest.n < 2 || rest.p[1] != '?')
		return false;
	encoding = (char)(rest.p[0] | 0x20);
	rest = bytes_from(rest, 2);
	if (rest.n > TEXT_BYTES_MAX)
		rest.n = TEXT_BYTES_MAX;
	end = rest.n > 0 ? memmem(rest.p, rest.n, "?=", 2) : NULL;
	if (!end || (encoding != 'b' && encoding != 'q'))
		return false;
	word->is_base64 = encoding == 'b';
	word->text = (struct bytes){rest.p, (size_t)(end - rest.p)};
	word->n = (size_t)(end + 2 - text.p);
	return !word->is_base64 || is_base64(word->text);
}

static unsigned digit_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0') + 52;
	return c == '+' ? 62 : 63;
}

/* The group of digits ends here: 2 digits are one byte, 3 are two. */
static void end_group(struct digits *digits)
{
	unsigned bits = digits->value << (6 * (4 - digits->count));

	if (digits->count >= 2)
		buf_char(digits->out, (char)(bits >> 16));
	if (digits->count >= 3)
		buf_char(digits->out, (char)(bits >> 8));
	if (digits->count == 4)
		buf_char(digits->out, (char)bits);
	digits->value = digits->count = 0;
}

/* Without padding, a group that is not full may go on in the next word: it does when it ends
 * in bits that no encoder leaves at an end. */
static bool goes_on(const struct digits *digits)
{
	if (digits->count == 1)
		return true;
	return (digits->count == 2 && (digits->value & 0xf) != 0) ||
	    (digits->count == 3 && (digits->value & 0x3) != 0);
}

static void put_base64(struct digits *digits, struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '=') {
			end_group(digits);
		} else if (!is_blank(text.p[i])) {
			digits->value = digits->value << 6 | digit_value(text.p[i]);
			if (++digits->count == 4)
				end_group(digits);
		}
	}
	if (!goes_on(digits))
		end_group(digits);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void put_quoted(struct buf *out, struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		int high = i + 2 < text.n ? hex_value(text.p[i + 1]) : -1;
		int low = high >= 0 ? hex_value(text.p[i + 2]) : -1;

		if (text.p[i] == '=' && low >= 0) {
			buf_char(out, (char)(high << 4 | low));
			i += 2;
		} else {
			buf_char(out, text.p[i] == '_' ? ' ' : text.p[i]);
		}
	}
}

static void put_word(struct digits *digits, const struct word *word)
{
	if (word->is_base64) {
		put_base64(digits, word->text);
		return;
	}
	end_group(digits);
	put_quoted(digits->out, word->text);
}

/* A further word of the same charset behind blanks, or directly. */
static bool word_behind(struct bytes text, struct bytes charset, struct word *word, size_t *blanks)
{
	size_t n = 0;

	while (n < text.n && is_blank(text.p[n]))
		n++;
	*blanks = n;
	return word_at(bytes_from(text, n), word) && bytes_equal_nocase(word->charset, charset);
}

/* The row of words that begins with this one: all its bytes as one word. Returns its length. */
static size_t put_row(struct buf *out, struct bytes text, struct word word)
{
	struct bytes charset = word.charset;
	struct digits digits = {0};
	size_t n = 0, blanks = 0;
	struct buf decoded;

	buf_init(&decoded, SIZE_MAX / 2);
	digits.out = &decoded;
	do {
		n += blanks + word.n;
		put_word(&digits, &word);
	} while (word_behind(bytes_from(text, n), charset, &word, &blanks));
	end_group(&digits);
	buf_text(out, "=?");
	buf_bytes(out, charset);
	buf_text(out, "?B?");
	base64_put(out, buf_view(&decoded));
	buf_text(out, "?=");
	buf_release(&decoded);
	return n;
}

void encodedword_join(struct buf *out, struct bytes raw)
{
	struct word word;

	while (raw.n > 0) {
		const char *mark = memmem(raw.p, raw.n, "=?", 2);
		size_t before = mark ? (size_t)(mark - raw.p) : raw.n;

		buf_add(out, raw.p, before);
		raw = bytes_from(raw, before);
		if (word_at(raw, &word)) {
			raw = bytes_from(raw, put_row(out, raw, word));
		} else if (raw.n > 0) {
			buf_char(out, raw.p[0]);
			raw = bytes_from(raw, 1);
		}
	}
}
