/* base/base64.c. Vectors: RFC 4648 section 10, and python3's base64.b64encode of random bytes. */
#include "base/base64.h"

#include "../suite.h"

#include <string.h>

static const struct {
	const char *plain, *encoded;
} rfc[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

/* Hexadecimal, and encoded by Python. */
static const struct {
	const char *hex, *encoded;
} random_bytes[] = {
    {"b3", "sw=="},
    {"3c09", "PAk="},
    {"7c200e", "fCAO"},
    {"6ee9e0ae", "bungrg=="},
    {"fb312d54eb", "+zEtVOs="},
    {"c91042a9893a", "yRBCqYk6"},
    {"22b0fabe300def", "IrD6vjAN7w=="},
    {"2b392097ee7d8c67", "Kzkgl+59jGc="},
    {"80b31a5500c6ae9d3c", "gLMaVQDGrp08"},
    {"85cec33c00fd7d5a434a", "hc7DPAD9fVpDSg=="},
    {"fbe37ca41b836735832152", "++N8pBuDZzWDIVI="},
    {"11e7868b89fd1fa3b961e17d", "EeeGi4n9H6O5YeF9"},
    {"5c35f75f895863e0e757dceb8c587309f202686204781ddd855af2a2e4b09fd57d16277a640ddb64a4cb2aa0ac561"
     "3",
	"XDX3X4lYY+DnV9zrjFhzCfICaGIEeB3dhVryouSwn9V9Fid6ZA3bZKTLKqCsVhM="},
    {"49b725f72df0d1a41b4d1ddbb7415dd961933ff68879b374d6e73e38cb615c0839a876e2937b444d39a1e454588c3"
     "acc",
	"Sbcl9y3w0aQbTR3bt0Fd2WGTP/aIebN01uc+OMthXAg5qHbik3tETTmh5FRYjDrM"},
    {"7e592b4a87e0f04a4cd99b7d3a1e03294faa9a85a65a4123bc990d923040da2995a316987001d15c836bebb3f08aa"
     "ef78a",
	"flkrSofg8EpM2Zt9Oh4DKU+qmoWmWkEjvJkNkjBA2imVoxaYcAHRXINr67Pwiq73ig=="},
    {"b9b4ffe1d6c61f8aabc80409515865d653dd15b438c42dae6b92f77f82c2946826245733eaaa967b622a4f23b5583"
     "dd98eb1366039d68f438c",
	"ubT/4dbGH4qryAQJUVhl1lPdFbQ4xC2ua5L3f4LClGgmJFcz6qqWe2IqTyO1WD3ZjrE2YDnWj0OM"},
    {"13db479154c26cf961eb09bc08016d887010476ce63f86792d30d6320c3907cc6dfbd9da834396abcf3ccc4bb4d37"
     "c4c03207fefb0d3ca7f2a77a258294f613e",
	"E9tHkVTCbPlh6wm8CAFtiHAQR2zmP4Z5LTDWMgw5B8xt+9nag0OWq888zEu003xMAyB/77DTyn8qd6JYKU9hPg=="},
};

static size_t from_hex(const char *hex, uint8_t *out)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		unsigned value;

		ck_assert_int_eq(sscanf(hex + 2 * i, "%2x", &value), 1);
		out[i] = (uint8_t)value;
	}
	return n;
}

static void check_both_ways(struct bytes plain, const char *encoded)
{
	char text[128];
	uint8_t data[128];
	size_t n = 99;

	ck_assert_uint_eq(BASE64_ENCODED_BYTES(plain.n), strlen(encoded));
	ck_assert_uint_eq(base64_encode((const uint8_t *)plain.p, plain.n, text), strlen(encoded));
	ck_assert_mem_eq(text, encoded, strlen(encoded));
	ck_assert(base64_decode(bytes_of(encoded), data, &n));
	ck_assert(bytes_equal((struct bytes){(char *)data, n}, plain));
}

START_TEST(agrees_with_the_rfc)
{
	for (size_t i = 0; i < sizeof rfc / sizeof *rfc; i++)
		check_both_ways(bytes_of(rfc[i].plain), rfc[i].encoded);
}
END_TEST

START_TEST(agrees_with_python)
{
	uint8_t data[128];

	for (size_t i = 0; i < sizeof random_bytes / sizeof *random_bytes; i++) {
		size_t n = from_hex(random_bytes[i].hex, data);

		check_both_ways((struct bytes){(char *)data, n}, random_bytes[i].encoded);
	}
}
END_TEST

START_TEST(takes_and_makes_nothing)
{
	uint8_t data[1] = {7};
	size_t n = 9;

	ck_assert_uint_eq(base64_encode(NULL, 0, NULL), 0);
	ck_assert(base64_decode((struct bytes){NULL, 0}, data, &n));
	ck_assert_uint_eq(n, 0);
	ck_assert_uint_eq(data[0], 7);
}
END_TEST

/* Every group of four of these characters: what decodes encodes to itself, and what a group of
 * the alphabet with right padding and zero bits behind it is does decode (RFC 4648 section 3.5). */
START_TEST(what_decodes_encodes_to_itself)
{
	static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
				  "=-_\n ";
	const size_t count = sizeof all - 1;
	size_t taken[4] = {0}, n;
	char text[4], again[8];
	uint8_t data[3];

	for (size_t i = 0; i < count * count * count * count; i++) {
		text[0] = all[i / count / count / count];
		text[1] = all[i / count / count % count];
		text[2] = all[i / count % count];
		text[3] = all[i % count];
		if (!base64_decode((struct bytes){text, 4}, data, &n))
			continue;
		if (base64_encode(data, n, again) != 4 || memcmp(text, again, 4) != 0)
			ck_abort_msg("%.4s", text);
		taken[n]++;
	}
	ck_assert_uint_eq(taken[0], 0);
	ck_assert_uint_eq(taken[1], 256);
	ck_assert_uint_eq(taken[2], 65536);
	ck_assert_uint_eq(taken[3], 16777216);
}
END_TEST

START_TEST(refuses_what_is_not_canonical)
{
	static const char *const wrong[] = {"Z", "Zg", "Zg=", "Zg==Zg==", "Zm9vZg==Zm9v",
	    "Zm8=Zm8=", "=Zg=", "====", "Z===", "Zh==", "Zm9=", "Zm9vYh==", "Zm9v\nZm9v", "Zm9v\n",
	    " Zm9v", "Zm9vZm9vZ", "Zm-v", "Zm_v", "Zm9vZ g=", "Zg==\n",
	    "Zm9vZm9v====", "Z=g=", "Zm=v", "Zm9vZm=vZm9v"};
	uint8_t data[64];
	size_t n = 9;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		ck_assert_msg(!base64_decode(bytes_of(wrong[i]), data, &n), "%s", wrong[i]);
	ck_assert_uint_eq(n, 9);
}
END_TEST

START_TEST(refuses_every_foreign_byte_in_every_place)
{
	uint8_t data[16];
	char text[16];
	size_t n;

	for (int c = 0; c < 256; c++)
		for (size_t at = 0; at < sizeof text; at++) {
			memset(text, 'A', sizeof text);
			text[at] = (char)c;
			ck_assert_int_eq(base64_is_digit((char)c),
			    c != 0 && c != '=' &&
				strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789+/",
				    c) != NULL);
			ck_assert_int_eq(base64_are_digits((struct bytes){text, sizeof text}),
			    base64_is_digit((char)c));
			ck_assert_int_eq(base64_decode((struct bytes){text, sizeof text}, data, &n),
			    base64_is_digit((char)c) || (c == '=' && at == sizeof text - 1));
		}
}
END_TEST

START_TEST(appends_to_buffers)
{
	struct buf buf;

	buf_init(&buf, 12);
	memset(buf_reserve(&buf, 12), 'x', 12);
	buf_text(&buf, ">");
	base64_put(&buf, BYTES("foob"));
	ck_assert_str_eq(buf.p, ">Zm9vYg==");
	base64_put(&buf, (struct bytes){NULL, 0});
	ck_assert_str_eq(buf.p, ">Zm9vYg==");
	base64_put(&buf, BYTES("f"));
	ck_assert(buf.overflow);
	ck_assert_str_eq(buf.p, ">Zm9vYg==");
	buf_clear(&buf);
	buf_text(&buf, ">");
	ck_assert(base64_take(&buf, BYTES("Zm9vYg==")));
	ck_assert_str_eq(buf.p, ">foob");
	ck_assert(base64_take(&buf, (struct bytes){NULL, 0}));
	ck_assert_str_eq(buf.p, ">foob");
	buf_release(&buf);
}
END_TEST

START_TEST(a_wrong_text_leaves_the_buffer)
{
	struct buf buf;

	buf_init(&buf, 8);
	buf_text(&buf, ">");
	ck_assert(!base64_take(&buf, BYTES("Zm9vYh==")));
	ck_assert(!base64_take(&buf, BYTES("Zm9")));
	ck_assert(!buf.overflow);
	ck_assert_uint_eq(buf.n, 1);
	ck_assert_str_eq(buf.p, ">");
	ck_assert(!base64_take(&buf, BYTES("Zm9vZm9vZm9v")));
	ck_assert(buf.overflow);
	ck_assert_str_eq(buf.p, ">");
	buf_release(&buf);
}
END_TEST

SUITE(agrees_with_the_rfc, agrees_with_python, takes_and_makes_nothing,
    what_decodes_encodes_to_itself, refuses_what_is_not_canonical,
    refuses_every_foreign_byte_in_every_place, appends_to_buffers, a_wrong_text_leaves_the_buffer)
