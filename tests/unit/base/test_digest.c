/* base/digest.c. Vectors: NIST, "Descriptions of SHA-256" (FIPS 180-4 examples) and the
 * Cryptographic Algorithm Validation Program's SHA256ShortMsg.rsp. */
#include "base/digest.h"

#include "../suite.h"

#include <string.h>

static const struct {
	struct bytes message;
	const char *hex;
} vectors[] = {
    {{"", 0}, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {{"abc", 3}, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56},
	"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {{"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlm"
      "nopqrsmnopqrstnopqrstu",
	 112},
	"cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    {{"\xd3", 1}, "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"},
};

static void check_hex(const struct sha256 *sum, const char *expected)
{
	char hex[SHA256_HEX_BYTES];

	sha256_hex(sum, hex);
	ck_assert_str_eq(hex, expected);
}

START_TEST(sums_the_vectors)
{
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		struct sha256 sum;

		sha256_of(vectors[i].message, &sum);
		check_hex(&sum, vectors[i].hex);
	}
}
END_TEST

START_TEST(sums_nothing)
{
	struct digest *digest = digest_new();
	struct sha256 sum;

	sha256_of((struct bytes){NULL, 0}, &sum);
	check_hex(&sum, vectors[0].hex);
	digest_end(digest, &sum);
	check_hex(&sum, vectors[0].hex);
	digest_add(digest, NULL, 0);
	digest_end(digest, &sum);
	check_hex(&sum, vectors[0].hex);
	digest_free(digest);
	digest_free(NULL);
}
END_TEST

START_TEST(sums_in_parts_and_begins_anew)
{
	struct digest *digest = digest_new();

	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
		for (size_t step = 1; step < 70; step += 7) {
			struct bytes rest = vectors[i].message;
			struct sha256 sum;

			while (rest.n > 0) {
				size_t n = rest.n < step ? rest.n : step;

				digest_add(digest, rest.p, n);
				rest = bytes_from(rest, n);
			}
			digest_end(digest, &sum);
			check_hex(&sum, vectors[i].hex);
		}
	digest_free(digest);
}
END_TEST

START_TEST(sums_a_million_letters)
{
	struct digest *digest = digest_new();
	struct sha256 sum;
	char part[1000];

	memset(part, 'a', sizeof part);
	for (int i = 0; i < 1000; i++)
		digest_add(digest, part, sizeof part);
	digest_end(digest, &sum);
	check_hex(&sum, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	digest_free(digest);
}
END_TEST

START_TEST(compares_every_byte)
{
	struct sha256 a = {0}, b;

	for (size_t i = 0; i < SHA256_BYTES; i++) {
		b = a;
		ck_assert(sha256_equal(&a, &b));
		b.b[i] = 1;
		ck_assert(!sha256_equal(&a, &b));
	}
}
END_TEST

START_TEST(reads_its_own_hex_in_any_case)
{
	struct sha256 sum, got = {0};
	char hex[SHA256_HEX_BYTES];

	sha256_of(BYTES("abc"), &sum);
	sha256_hex(&sum, hex);
	ck_assert(sha256_parse(bytes_of(hex), &got));
	ck_assert(sha256_equal(&sum, &got));
	ck_assert(sha256_parse(
	    BYTES("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"), &got));
	ck_assert(sha256_equal(&sum, &got));
}
END_TEST

START_TEST(refuses_what_is_no_hex)
{
	struct sha256 got = {{7}}, same = got;
	char hex[65];

	memset(hex, 'a', sizeof hex);
	ck_assert(!sha256_parse((struct bytes){hex, 63}, &got));
	ck_assert(!sha256_parse((struct bytes){hex, 65}, &got));
	ck_assert(!sha256_parse((struct bytes){NULL, 0}, &got));
	for (const char *wrong = "g/:@G` \n"; *wrong; wrong++)
		for (size_t at = 0; at < 64; at += 21) {
			memset(hex, 'a', sizeof hex);
			hex[at] = *wrong;
			ck_assert(!sha256_parse((struct bytes){hex, 64}, &got));
		}
	ck_assert(sha256_equal(&got, &same));
}
END_TEST

SUITE(sums_the_vectors, sums_nothing, sums_in_parts_and_begins_anew, sums_a_million_letters,
    compares_every_byte, reads_its_own_hex_in_any_case, refuses_what_is_no_hex)
