/* Modified UTF-7: RFC 9051 appendix A.1, whose examples these are where nothing else is said. */
#include "archiver/imapwire/utf7.h"

#include "base/utf8.h"
#include "tests/unit/suite.h"

static struct buf out;

static const char *decoded(struct bytes name, bool *valid_out)
{
	buf_release(&out);
	buf_init(&out, 1 << 20);
	*valid_out = utf7_decode(&out, name);
	return buf_string(&out);
}

static const char *encoded(struct bytes text)
{
	buf_release(&out);
	buf_init(&out, 1 << 20);
	utf7_encode(&out, text);
	return buf_string(&out);
}

/* Those that are not from the RFC were made by "doveadm mailbox mutf7". */
static const struct {
	const char *name, *text;
} pairs[] = {
    {"INBOX", "INBOX"},
    {"", ""},
    {"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/\u53f0\u5317/\u65e5\u672c\u8a9e"},
    {"&U,BTF2XlZyyKng-", "\u53f0\u5317\u65e5\u672c\u8a9e"},
    {"&Jjo-!", "\u263a!"},
    {"R&-D", "R&D"},
    {"&-", "&"},
    {"&-&-", "&&"},
    {"&--", "&-"},
    {"Entw&APw-rfe", "Entw\u00fcrfe"},
    {"[Gmail]/Messages envoy&AOk-s", "[Gmail]/Messages envoy\u00e9s"},
    {"x-Vertr&AOQ-ge", "x-Vertr\u00e4ge"},
    {"x-&ZeVnLIqe-", "x-\u65e5\u672c\u8a9e"},
    {"Attivit&AOA-", "Attivit\u00e0"},
    {"&2D3eAA-", "\U0001f600"}, /* a surrogate pair */
    {"&2D3eANg93gE-", "\U0001f600\U0001f601"},
    {"&AAk-", "\t"}, /* controls are encoded */
    {"&AH8-", "\x7f"},
    {"a+b~c\\d/e%f*\"", "a+b~c\\d/e%f*\""}, /* all of these stand for themselves */
    {"&//8-", NULL},                        /* "/" is not in this alphabet */
    {"&,,8-", "\uffff"},
};

START_TEST(decodes_and_encodes_the_same_names)
{
	bool valid;

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		if (!pairs[i].text) {
			decoded(bytes_of(pairs[i].name), &valid);
			ck_assert_msg(!valid, "%s", pairs[i].name);
			continue;
		}
		ck_assert_str_eq(decoded(bytes_of(pairs[i].name), &valid), pairs[i].text);
		ck_assert_msg(valid, "%s", pairs[i].name);
		ck_assert_str_eq(encoded(bytes_of(pairs[i].text)), pairs[i].name);
	}
}
END_TEST

START_TEST(shows_names_in_no_right_form_as_they_are)
{
	static const char *const wrong[] = {
	    "&Jjo!",              /* no shift back */
	    "&U,BTFw-&ZeVnLIqe-", /* a superfluous shift */
	    "&ACY-",              /* "&" in base64 */
	    "&AEE-",              /* "A" in base64 */
	    "&AGEA5A-",           /* "a" in front of an umlaut */
	    "&",
	    "a&",
	    "&AO", /* cut off */
	    "&A-",
	    "&AA-",
	    "&AOk=-",
	    "&AOl-", /* not whole units, padding, stray bits */
	    "&2D0-",
	    "&3gA-",
	    "&3gDYPQ-",
	    "&2D0AYQ-", /* surrogates without their partner */
	    "&\xc3\xa9-",
	    "&A Ok-",
	    "&AOk",
	    "Caf\x7f",
	    "tab\there",
	};
	bool valid;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		decoded(bytes_of(wrong[i]), &valid);
		ck_assert_msg(!valid, "%s", wrong[i]);
		ck_assert_str_eq(buf_string(&out), wrong[i]);
	}
}
END_TEST

START_TEST(shows_raw_utf8_and_marks_other_bytes)
{
	bool valid;

	ck_assert_str_eq(decoded(BYTES("Entw\xc3\xbcrfe"), &valid), "Entw\u00fcrfe");
	ck_assert(!valid);
	ck_assert_str_eq(decoded(BYTES("Entw\xfcrfe"), &valid), "Entw\ufffdrfe");
	ck_assert(!valid);
	ck_assert_str_eq(decoded(BYTES("\xed\xa0\x80&AOk-"), &valid), "\ufffd\ufffd\ufffd&AOk-");
	ck_assert(!valid);
}
END_TEST

START_TEST(keeps_what_is_in_the_buffer)
{
	bool valid;

	decoded(BYTES("x"), &valid);
	ck_assert(utf7_decode(&out, BYTES("&AOk-")));
	ck_assert(!utf7_decode(&out, BYTES("&AO")));
	ck_assert_str_eq(buf_string(&out), "x\u00e9&AO");
}
END_TEST

START_TEST(encodes_a_nul_and_wrong_bytes)
{
	ck_assert_str_eq(encoded((struct bytes){"a\0b", 3}), "a&AAA-b");
	ck_assert_str_eq(encoded(BYTES("\xff")), "&,,0-"); /* U+FFFD */
}
END_TEST

/* Every code point comes back. */
START_TEST(every_character_round_trips)
{
	struct buf text, name, again;

	buf_init(&text, 64);
	buf_init(&name, 64);
	buf_init(&again, 64);
	for (uint32_t point = 0; point <= 0x10ffff; point++) {
		if (point >= 0xd800 && point <= 0xdfff)
			continue;
		buf_clear(&text);
		buf_clear(&name);
		buf_clear(&again);
		utf8_put(&text, point);
		utf7_encode(&name, buf_view(&text));
		ck_assert(utf7_decode(&again, buf_view(&name)));
		ck_assert(bytes_equal(buf_view(&again), buf_view(&text)));
	}
	buf_release(&text);
	buf_release(&name);
	buf_release(&again);
}
END_TEST

START_TEST(a_buffer_too_small_is_said_to_be_so)
{
	struct buf small;

	buf_init(&small, 3);
	ck_assert(!utf7_decode(&small, BYTES("abcdef")));
	ck_assert(small.overflow);
	buf_release(&small);
}
END_TEST

SUITE(decodes_and_encodes_the_same_names, shows_names_in_no_right_form_as_they_are,
    shows_raw_utf8_and_marks_other_bytes, keeps_what_is_in_the_buffer,
    encodes_a_nul_and_wrong_bytes, every_character_round_trips, a_buffer_too_small_is_said_to_be_so)
