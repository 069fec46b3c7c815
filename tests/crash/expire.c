/* Owns:  nothing.
 * Knows: how a rule lets messages expire: one event each.
 * Never: touches anything but the journal. */

/* expire ARCHIVE EVERY      every so many-th message of the archive; prints their ids */
#include "archiver/vault/vault.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

struct chosen {
	struct msg_id *id;
	size_t count, room;
	int64_t every;
};

static int choose(void *arg, const struct catalog_message *message, struct err *err)
{
	struct chosen *chosen = arg;

	(void)err;
	if (message->n % chosen->every != 0)
		return 0;
	chosen->id = mem_grow(chosen->id, &chosen->room, chosen->count + 1, sizeof *chosen->id);
	chosen->id[chosen->count++] = message->id;
	return 0;
}

static int expire(struct vault *vault, const struct chosen *chosen, struct err *err)
{
	char hex[SHA256_HEX_BYTES];
	size_t i;

	for (i = 0; i < chosen->count; i++) {
		struct event event = {
		    .kind = EVENT_EXPIRED, .id = chosen->id[i].sum, .rule = BYTES("test")};

		if (vault_log(vault, &event, err) != 0)
			return -1;
		sha256_hex(&chosen->id[i].sum, hex);
		puts(hex);
	}
	return vault_commit(vault, err);
}

int main(int argc, char **argv)
{
	struct vault_options options = {.for_writing = true, .now = clock_now_unix};
	struct chosen chosen = {0};
	struct vault *vault = NULL;
	struct err err = {0};
	int status = 1;

	if (argc != 3) {
		fputs("usage: expire ARCHIVE EVERY\n", stderr);
		return 2;
	}
	options.path = argv[1];
	chosen.every = strtoll(argv[2], NULL, 10);
	if (vault_open(&vault, &options, &err) == 0 &&
	    catalog_each_message(vault_catalog(vault), 0, choose, &chosen, &err) == 0 &&
	    expire(vault, &chosen, &err) == 0)
		status = 0;
	else
		fprintf(stderr, "expire: %s\n", err.text);
	vault_close(vault);
	free(chosen.id);
	return status;
}
