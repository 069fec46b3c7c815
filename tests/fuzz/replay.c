/* Gives every file of the folders named on the command line to a fuzz target once: the kept
 * corpus as a test, with any compiler.
 *
 * Each input lies in memory of exactly its size, so that a sanitizer sees a read beyond it. */
#include "base/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX_BYTES (16u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static int replay_file(const char *path, struct err *err)
{
	struct buf text;
	char *exact;

	buf_init(&text, INPUT_MAX_BYTES);
	if (file_read_all(path, &text, err) != 0) {
		buf_release(&text);
		return -1;
	}
	exact = malloc(text.n);
	if (text.n > 0)
		memcpy(exact, text.p, text.n);
	LLVMFuzzerTestOneInput((const uint8_t *)exact, text.n);
	free(exact);
	buf_release(&text);
	return 0;
}

/* The number of inputs, or -1. */
static int replay_folder(const char *folder, struct err *err)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int count = 0;

	if (!dir)
		return err_set(err, ERR_ABSENT, "%s: no such folder", folder);
	while (count >= 0 && (entry = readdir(dir)) != NULL) {
		char *path = file_join(folder, entry->d_name);

		if (entry->d_name[0] != '.')
			count = replay_file(path, err) == 0 ? count + 1 : -1;
		free(path);
	}
	closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	struct err err = {0};
	int total = 0;

	for (int i = 1; i < argc; i++) {
		int count = replay_folder(argv[i], &err);

		if (count < 0) {
			fprintf(stderr, "fuzz-replay: %s\n", err.text);
			return 1;
		}
		total += count;
	}
	printf("fuzz-replay: %s: %d inputs\n", slash ? slash + 1 : argv[0], total);
	return total > 0 ? 0 : 1;
}
