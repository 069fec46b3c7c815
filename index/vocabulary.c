/* Owns:  a set of short words.
 * Knows: roughly what a word is: all that the tokenizer might take for one.
 * Never: holds more than VOCABULARY_WORDS. */
#include "index/vocabulary.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>

#define PLACES      (4 * VOCABULARY_WORDS)
#define PIECE_BYTES 8

void vocabulary_init(struct vocabulary *vocabulary)
{
	vocabulary->word = mem_zero(PLACES, sizeof *vocabulary->word);
	vocabulary->count = 0;
}

void vocabulary_release(struct vocabulary *vocabulary)
{
	free(vocabulary->word);
	vocabulary->word = NULL;
}

static bool is_word_byte(unsigned char c)
{
	return c >= 0x80 || isalnum(c);
}

/* The next eight bytes of a word, or as many as it has: never 0, for no byte is. */
static uint64_t piece_of(struct bytes word)
{
	uint64_t piece = 0;
	size_t i;

	for (i = 0; i < word.n && i < PIECE_BYTES; i++) {
		unsigned char c = (unsigned char)word.p[i];

		piece = piece << 8 | (c < 0x80 ? (unsigned char)tolower(c) : c);
	}
	return piece;
}

/* False when there is no room for one more. */
static bool add(struct vocabulary *vocabulary, uint64_t piece)
{
	size_t at = (size_t)((piece * 0x9e3779b97f4a7c15u) >> 32) % PLACES;

	while (vocabulary->word[at] != 0) {
		if (vocabulary->word[at] == piece)
			return true;
		at = (at + 1) % PLACES;
	}
	if (vocabulary->count == VOCABULARY_WORDS)
		return false;
	vocabulary->word[at] = piece;
	vocabulary->count++;
	return true;
}

size_t vocabulary_take(struct vocabulary *vocabulary, struct bytes text)
{
	size_t at = 0;

	while (at < text.n) {
		size_t start = at, end = at;

		while (end < text.n && is_word_byte((unsigned char)text.p[end]))
			end++;
		for (; at < end; at += PIECE_BYTES)
			if (!add(vocabulary, piece_of((struct bytes){text.p + at, end - at})))
				return start;
		at = end + 1;
	}
	return text.n;
}
