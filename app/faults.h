/* What verify found, told for people: equal faults of one segment as one line with their number,
 * damaged messages by what they are.
 *
 *   struct faults faults = {0};
 *   faults_add(&faults, 1, "an entry with a foreign name") ...
 *   faults_add_message(&faults, n) ...
 *   faults_print(&faults, catalog)
 *   faults_release(&faults) */
#ifndef APP_FAULTS_H
#define APP_FAULTS_H

#include "archiver/catalog/catalog.h"

#define FAULTS_MESSAGES_SHOWN 20

struct fault_line;

struct faults {
	struct fault_line *line;
	size_t line_count, line_room;
	int64_t message[FAULTS_MESSAGES_SHOWN];
	uint64_t messages; /* in all */
};

void faults_add(struct faults *faults, uint32_t segment, const char *what); /* 0: of none */
void faults_add_message(struct faults *faults, int64_t message_n);
void faults_print(const struct faults *faults, struct catalog *catalog);
void faults_release(struct faults *faults);

#endif
