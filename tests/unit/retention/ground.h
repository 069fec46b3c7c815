/* An archive, a server that shows the same, and rules: what the tests of retention stand on.
 *
 *   begin(&g, "[rule old]\nmatch = from:anna\naction = purge\nafter = 0s\n");
 *     inbox = add_folder(&g, "INBOX");
 *     add_letter(&g, inbox, 1, "\\Seen");      at both places, in every detail the same
 *   ready(&g);                                 committed
 *     item_of(&g, inbox, 1)                    as a plan would have it
 *   end(&g); */
#ifndef TESTS_UNIT_RETENTION_GROUND_H
#define TESTS_UNIT_RETENTION_GROUND_H

#include "retention/purge.h"

#include "base/file.h"
#include "tests/unit/archive.h"
#include "tests/unit/fake_endpoint.h"

#include <fcntl.h>

#define LETTER_TIME (ARCHIVE_TIME - 1000000) /* INTERNALDATE; one second later for each UID */
#define RULE_OLD    "[rule old]\nmatch = from:anna\naction = purge\nafter = 0s\nmax-share = 100%\n"

struct ground {
	struct archive a;
	struct fake fake;
	struct settings *settings;
	struct rules rules;
};

static inline struct settings *read_rules(const char *text)
{
	struct settings *settings = NULL;
	char *all = mem_format("[archive]\npath = /a\n[account work]\nurl = imaps://me@h\n"
			       "password-env = PW\n[account home]\nurl = imaps://me@i\n"
			       "password-env = PW\n%s",
	    text);

	OK(settings_parse(&settings, bytes_of(all), "/x/config", err));
	free(all);
	return settings;
}

static inline void begin(struct ground *g, const char *rules)
{
	memset(g, 0, sizeof *g);
	archive_begin(&g->a);
	fake_begin(&g->fake);
	g->settings = read_rules(rules);
	OK(rules_make(&g->rules, g->settings, false, ARCHIVE_TIME, err));
}

static inline void end(struct ground *g)
{
	rules_release(&g->rules);
	settings_free(g->settings);
	fake_end(&g->fake);
	archive_end(&g->a);
}

static inline struct catalog *catalog_of(struct ground *g)
{
	return vault_catalog(g->a.vault);
}

static inline void log_cursor(struct ground *g, const char *folder, uint32_t uidvalidity)
{
	struct archive_place place = {.folder = folder, .uidvalidity = uidvalidity};
	struct event event = archive_event(EVENT_CURSOR, (struct msg_id){0}, &place);

	event.uidnext = 1;
	archive_log(&g->a, &event);
}

static inline struct fake_folder *add_folder(struct ground *g, const char *name)
{
	archive_folder(&g->a, NULL, name, name);
	log_cursor(g, name, FAKE_UIDVALIDITY);
	return fake_folder(&g->fake, name);
}

static inline struct msg_id add_text(
    struct ground *g, struct fake_folder *folder, uint32_t uid, const char *flags, const char *text)
{
	struct msg_id id = archive_put(&g->a, text);

	archive_place(&g->a, id,
	    (struct archive_place){.folder = folder->name,
		.uid = uid,
		.flags = flags,
		.date_unix = LETTER_TIME + uid});
	fake_message(folder, uid, text, flags, LETTER_TIME + uid);
	return id;
}

static inline struct msg_id add_letter(
    struct ground *g, struct fake_folder *folder, uint32_t uid, const char *flags)
{
	char *text = mem_format("From: Anna <anna@example.org>\r\n"
				"Message-ID: <%u.%s@example.org>\r\nSubject: %u\r\n\r\nHello\r\n",
	    uid, folder->name, uid);
	struct msg_id id = add_text(g, folder, uid, flags, text);

	free(text);
	return id;
}

static inline void add_letters(
    struct ground *g, struct fake_folder *folder, uint32_t first, uint32_t last)
{
	for (uint32_t uid = first; uid <= last; uid++)
		add_letter(g, folder, uid, "\\Seen");
}

static inline void ready(struct ground *g)
{
	archive_commit(&g->a);
}

static inline struct catalog_folder folder_of(struct ground *g, const char *name)
{
	struct catalog_folder folder;

	ck_assert_int_eq(
	    catalog_folder(catalog_of(g), BYTES(ARCHIVE_ACCOUNT), bytes_of(name), &folder, NULL),
	    1);
	return folder;
}

static inline struct catalog_place place_of(struct ground *g, const char *folder, uint32_t uid)
{
	struct catalog_place place;

	ck_assert_int_eq(catalog_place_at(catalog_of(g), folder_of(g, folder).number,
			     FAKE_UIDVALIDITY, uid, &place, NULL),
	    1);
	return place;
}

static inline struct plan_item item_of(
    struct ground *g, const struct fake_folder *folder, uint32_t uid)
{
	struct catalog_place place = place_of(g, folder->name, uid);
	struct catalog_message message;

	ck_assert_int_eq(catalog_message_n(catalog_of(g), place.message_n, &message, NULL), 1);
	return (struct plan_item){.place_number = place.number,
	    .message_n = place.message_n,
	    .folder_number = place.folder_number,
	    .uidvalidity = place.uidvalidity,
	    .uid = uid,
	    .date_unix = place.date_unix,
	    .size_bytes = message.size_bytes,
	    .verdict = VERDICT_PURGE};
}

/* One byte in the frame of that message turns over on the disk. */
static inline void damage(struct ground *g, struct msg_id id)
{
	struct catalog_message message;
	char *path, byte;
	off_t at;
	int fd;

	ck_assert_int_eq(catalog_message(catalog_of(g), &id, &message, NULL), 1);
	path = mem_format("%s/segments/%06u.tar.zst", g->a.folder, message.segment.number);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	at = (off_t)message.place.frame_at + 30;
	ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
	close(fd);
	free(path);
}

#endif
