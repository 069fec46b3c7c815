/* Owns:  an OpenSSL context.
 * Knows: the only file that names OpenSSL. */
#include "base/digest.h"

#include "base/mem.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct digest {
	EVP_MD_CTX *context;
	EVP_MD *method;
};

/* Only a lack of memory can make these calls fail. */
static void must(int ok)
{
	if (ok != 1)
		mem_exhausted();
}

/* OpenSSL 3.0 goes on without its default context when it had no memory for it, and falls. */
static void start(void)
{
	must(OSSL_LIB_CTX_get0_global_default() != NULL);
}

struct digest *digest_new(void)
{
	struct digest *digest = mem_zero(1, sizeof *digest);

	start();
	digest->context = EVP_MD_CTX_new();
	digest->method = EVP_MD_fetch(NULL, "SHA256", NULL);
	must(digest->context && digest->method);
	must(EVP_DigestInit_ex2(digest->context, digest->method, NULL));
	return digest;
}

void digest_free(struct digest *digest)
{
	if (!digest)
		return;
	EVP_MD_CTX_free(digest->context);
	EVP_MD_free(digest->method);
	free(digest);
}

void digest_add(struct digest *digest, const void *data, size_t bytes)
{
	must(EVP_DigestUpdate(digest->context, data, bytes));
}

void digest_end(struct digest *digest, struct sha256 *out)
{
	must(EVP_DigestFinal_ex(digest->context, out->b, NULL));
	must(EVP_DigestInit_ex2(digest->context, digest->method, NULL));
}

void sha256_of(struct bytes data, struct sha256 *out)
{
	start();
	must(EVP_Digest(data.p, data.n, out->b, NULL, EVP_sha256(), NULL));
}

bool sha256_equal(const struct sha256 *a, const struct sha256 *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

void sha256_hex(const struct sha256 *sum, char out[SHA256_HEX_BYTES])
{
	static const char digit[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < SHA256_BYTES; i++) {
		out[2 * i] = digit[sum->b[i] >> 4];
		out[2 * i + 1] = digit[sum->b[i] & 15];
	}
	out[2 * SHA256_BYTES] = '\0';
}

/* 16 for what is no hex digit. Without branches: the digits of a sum cannot be foreseen. */
static unsigned digit_value(char c)
{
	unsigned number = (unsigned char)c - (unsigned)'0';
	unsigned letter = ((unsigned char)c | 0x20U) - (unsigned)'a';

	letter = letter < 6 ? letter + 10 : 16;
	return number < 10 ? number : letter;
}

bool sha256_parse(struct bytes hex, struct sha256 *out)
{
	struct sha256 sum;
	size_t i;

	if (hex.n != 2 * SHA256_BYTES)
		return false;
	for (i = 0; i < SHA256_BYTES; i++) {
		unsigned high = digit_value(hex.p[2 * i]), low = digit_value(hex.p[2 * i + 1]);

		if (high > 15 || low > 15)
			return false;
		sum.b[i] = (uint8_t)(high << 4 | low);
	}
	*out = sum;
	return true;
}
