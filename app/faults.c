/* Owns:  the lines until they are printed.
 * Knows: that the words of a fault may begin with the file of its segment.
 * Never: drops a fault: what differs in more than its offset has a line of its own. */
#include "app/faults.h"

#include "app/output.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct fault_line {
	uint32_t segment; /* 0: of none */
	char *what;
	uint64_t count;
};

/* The file of a segment, which its number tells already. */
static const char *without_file(const char *what)
{
	static const char end[] = ".tar.zst: ";
	const char *found = what[0] == '/' ? strstr(what, end) : NULL;

	return found ? found + strlen(end) : what;
}

void faults_add(struct faults *faults, uint32_t segment, const char *what)
{
	size_t i;

	if (segment > 0)
		what = without_file(what);
	for (i = 0; i < faults->line_count; i++)
		if (faults->line[i].segment == segment && strcmp(faults->line[i].what, what) == 0) {
			faults->line[i].count++;
			return;
		}
	faults->line = mem_grow(
	    faults->line, &faults->line_room, faults->line_count + 1, sizeof *faults->line);
	faults->line[faults->line_count++] =
	    (struct fault_line){.segment = segment, .what = mem_string(what), .count = 1};
}

void faults_add_message(struct faults *faults, int64_t message_n)
{
	if (faults->messages < FAULTS_MESSAGES_SHOWN)
		faults->message[faults->messages] = message_n;
	faults->messages++;
}

static void print_line(const struct fault_line *line)
{
	char number[OUTPUT_NUMBER_BYTES];

	if (line->segment > 0)
		printf("segment %u: ", line->segment);
	output_text(bytes_of(line->what));
	if (line->count > 1)
		printf(" (%s times)", output_number(line->count, number));
	putchar('\n');
}

static void print_message(struct catalog *catalog, int64_t n)
{
	struct catalog_message message;
	char hex[SHA256_HEX_BYTES], date[CLOCK_ISO_BYTES] = "";
	int rest = (int)output_columns() - 2 - 10 - 1 - 10 - 2 - 18 - 2;

	if (catalog_message_n(catalog, n, &message, NULL) != 1)
		return;
	sha256_hex(&message.id.sum, hex);
	if (message.has_date)
		clock_local(message.date_unix, date);
	printf("  %.10s %10.10s  ", hex, date);
	output_field(message.from, true, 18);
	printf("  ");
	output_field(message.subject, false, rest > 10 ? rest : 10);
	putchar('\n');
}

void faults_print(const struct faults *faults, struct catalog *catalog)
{
	char number[OUTPUT_NUMBER_BYTES];
	uint64_t i;

	for (i = 0; i < faults->line_count; i++)
		print_line(&faults->line[i]);
	if (faults->messages == 0)
		return;
	printf("%s %s be given back:\n", output_number(faults->messages, number),
	    output_plural(faults->messages, "message cannot", "messages cannot"));
	for (i = 0; i < faults->messages && i < FAULTS_MESSAGES_SHOWN; i++)
		print_message(catalog, faults->message[i]);
	if (faults->messages > FAULTS_MESSAGES_SHOWN)
		printf("  and %s more (mailcask verify --json names all)\n",
		    output_number(faults->messages - FAULTS_MESSAGES_SHOWN, number));
}

void faults_release(struct faults *faults)
{
	for (size_t i = 0; i < faults->line_count; i++)
		free(faults->line[i].what);
	free(faults->line);
}
