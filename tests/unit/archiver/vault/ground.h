/* An archive for tests, with messages whose bytes follow from their number.
 *
 *   begin(); v = open_vault(true); put(v, 1); place(v, 1, 5); commit(v); ... end();
 *
 * Message n is the same in every process: small ones, some with one or two attachments (which
 * every fifth shares with its neighbours), some with noise, one of several MiB. */
#ifndef TESTS_UNIT_ARCHIVER_VAULT_GROUND_H
#define TESTS_UNIT_ARCHIVER_VAULT_GROUND_H

#include "archiver/vault/vault.h"

#include "../../suite.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB        (1u << 20)
#define LARGE      1000 /* messages from this number on are larger than 8 MiB */
#define FIRST_TIME 1600000000

static char folder[48]; /* holds the archive and whatever else */
static struct vault_options options;
static char notices[2000];

static inline int64_t now(void)
{
	return FIRST_TIME;
}

static inline void note(void *arg, const char *text)
{
	(void)arg;
	snprintf(strchr(notices, '\0'), sizeof notices - strlen(notices), "%s\n", text);
}

static inline void begin(void)
{
	snprintf(folder, sizeof folder, "%s/mailcask-vault-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	options = (struct vault_options){.path = mem_format("%s/archive", folder),
	    .may_create = true,
	    .now = now,
	    .level = 1,
	    .notice = note};
	notices[0] = '\0';
}

static inline void remove_tree(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *item;

	while (dir && (item = readdir(dir))) {
		char *inside = file_join(path, item->d_name);

		if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0 &&
		    unlink(inside) != 0)
			remove_tree(inside);
		free(inside);
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

static inline void end(void)
{
	remove_tree(folder);
	free((char *)options.path);
}

static inline int try_open(struct vault **vault, bool for_writing, struct err *err)
{
	options.for_writing = for_writing;
	return vault_open(vault, &options, err);
}

static inline struct vault *open_vault(bool for_writing)
{
	struct vault *vault = NULL;

	OK(try_open(&vault, for_writing, err));
	return vault;
}

/* ---- messages ---- */

static inline void add_attachment(struct buf *out, unsigned number, size_t bytes, bool crlf)
{
	char *data = mem_alloc(bytes), *text = mem_alloc(BASE64_ENCODED_BYTES(bytes));
	unsigned seed = number;
	size_t chars;

	for (size_t i = 0; i < bytes; i++)
		data[i] = (char)(rand_r(&seed) >> 4 & 31);
	chars = base64_encode((const uint8_t *)data, bytes, text);
	for (size_t at = 0; at < chars; at += 76) {
		buf_add(out, text + at, at + 76 < chars ? 76 : chars - at);
		buf_text(out, crlf ? "\r\n" : "\n");
	}
	free(data);
	free(text);
}

static inline struct buf message(unsigned number)
{
	struct buf out;

	buf_init(&out, 64 * MIB);
	buf_format(&out, "Subject: message %u\r\nFrom: a@x\r\n\r\n", number);
	for (unsigned i = 0; i < number % 50; i++)
		buf_format(&out, "line %u of it\r\n", i * number);
	if (number % 5 == 0)
		add_attachment(&out, number / 20, 5000 + number % 7, true);
	if (number % 15 == 0)
		add_attachment(&out, number, 9000, false);
	if (number % 7 == 0)
		buf_add(&out, "\0\xff\r\n.\n", 6);
	if (number >= LARGE) {
		unsigned seed = number;

		while (out.n < 9 * MIB)
			buf_format(&out, "%x %x\r\n", rand_r(&seed), rand_r(&seed));
		if (number % 2)
			add_attachment(&out, number, 5 * MIB, true);
	}
	return out;
}

static inline struct msg_id id_of(unsigned number)
{
	struct buf text = message(number);
	struct msg_id id;

	sha256_of(buf_view(&text), &id.sum);
	buf_release(&text);
	return id;
}

static inline int put_bytes(
    struct vault *vault, struct bytes text, struct msg_id *id, bool *is_new, struct err *err)
{
	struct vault_put *put = vault_put_new(vault);
	struct event facts = {.subject = BYTES("s"), .has_sent = true, .sent_unix = 5};
	int result = 0;

	vault_put_begin(put);
	for (size_t at = 0; result == 0 && at < text.n; at += 60000)
		result =
		    vault_put_add(put, text.p + at, at + 60000 < text.n ? 60000 : text.n - at, err);
	if (result == 0)
		result = vault_put_end(put, &facts, FIRST_TIME, id, is_new, err);
	vault_put_free(put);
	return result;
}

static inline int try_put(struct vault *vault, unsigned number, bool *is_new, struct err *err)
{
	struct buf text = message(number);
	struct msg_id id;
	int result = put_bytes(vault, buf_view(&text), &id, is_new, err);

	buf_release(&text);
	return result;
}

static inline bool put(struct vault *vault, unsigned number)
{
	bool is_new = false;

	OK(try_put(vault, number, &is_new, err));
	return is_new;
}

static inline int try_place(struct vault *vault, unsigned number, unsigned uid, struct err *err)
{
	struct event event = {.kind = EVENT_PLACED,
	    .account = BYTES("work"),
	    .folder = BYTES("INBOX"),
	    .uidvalidity = 7,
	    .uid = uid,
	    .id = id_of(number).sum,
	    .flags = BYTES("\\Seen"),
	    .date_unix = FIRST_TIME};

	return vault_log(vault, &event, err);
}

static inline void place(struct vault *vault, unsigned number, unsigned uid)
{
	OK(try_place(vault, number, uid, err));
}

static inline void commit(struct vault *vault)
{
	OK(vault_commit(vault, err));
}

static inline int collect(void *arg, const void *data, size_t bytes, struct err *err)
{
	(void)err;
	buf_add(arg, data, bytes);
	return 0;
}

/* 0 and the right bytes, or -1; with -1 of a small message nothing came out. */
static inline int try_get(struct vault *vault, unsigned number, struct err *err)
{
	struct buf want = message(number), got;
	struct msg_id id = id_of(number);
	int result;

	buf_init(&got, 64 * MIB);
	result = vault_get(vault, &id, collect, &got, err);
	if (result == 0)
		ck_assert(bytes_equal(buf_view(&got), buf_view(&want)));
	else
		ck_assert_uint_eq(got.n, 0);
	buf_release(&want);
	buf_release(&got);
	return result;
}

static inline void get(struct vault *vault, unsigned number)
{
	struct msg_id id = id_of(number);

	OK(try_get(vault, number, err));
	OK(vault_prove(vault, &id, err));
}

/* A batch of messages, each placed at its number. */
static inline void put_batch(struct vault *vault, unsigned first, unsigned count)
{
	for (unsigned i = first; i < first + count; i++) {
		put(vault, i);
		place(vault, i, i);
	}
	commit(vault);
}

static inline struct catalog_totals totals(struct vault *vault)
{
	struct catalog_totals all;

	OK(catalog_totals(vault_catalog(vault), &all, err));
	return all;
}

/* ---- files and checks ---- */

static inline char *in_archive(const char *name)
{
	return mem_format("%s/%s", options.path, name);
}

static inline struct buf read_file(const char *name)
{
	char *path = in_archive(name);
	struct buf text;

	buf_init(&text, 256 * MIB);
	OK(file_read_all(path, &text, err));
	free(path);
	return text;
}

static inline void write_file(const char *name, struct bytes text)
{
	char *path = in_archive(name);
	int fd = file_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600, NULL);

	OK(file_write(fd, text.p, text.n, path, err));
	file_close(&fd);
	free(path);
}

static inline bool exists(const char *name)
{
	char *path = in_archive(name);
	bool there = file_exists(path);

	free(path);
	return there;
}

static inline void remove_file(const char *name)
{
	char *path = in_archive(name);

	ck_assert_int_eq(unlink(path), 0);
	free(path);
}

struct faults {
	unsigned faults, bad_messages;
};

static inline void note_fault(void *arg, const struct vault_fault *fault)
{
	struct faults *faults = arg;

	ck_assert_uint_gt(strlen(fault->what), 0);
	ck_assert_int_eq(fault->message != NULL, fault->kind == VAULT_FAULT_MESSAGE);
	if (fault->message)
		ck_assert_int_gt(fault->message->n, 0);
	++*(fault->message ? &faults->bad_messages : &faults->faults);
}

static inline struct faults verify_so(
    struct vault *vault, const struct vault_verify_options *how, struct vault_verify_report *report)
{
	struct faults found = {0};
	struct vault_verify_calls calls = {.fault = note_fault, .arg = &found};
	struct err why = {0};
	int got = vault_verify(vault, how, &calls, report, &why);

	ck_assert_msg(got >= 0, "%s", why.text);
	ck_assert_int_eq(got, found.faults + found.bad_messages > 0);
	ck_assert_uint_eq(report->fault[VAULT_FAULT_MESSAGE], found.bad_messages);
	return found;
}

static inline struct faults verify(struct vault *vault, bool quick)
{
	struct vault_verify_options how = {.percent = quick ? 0 : 100};
	struct vault_verify_report report;

	return verify_so(vault, &how, &report);
}

static inline void check_clean(struct vault *vault)
{
	struct vault_verify_options how = {.percent = 100};
	struct vault_verify_report report;
	struct faults found = verify_so(vault, &how, &report);

	ck_assert_uint_eq(found.faults, 0);
	ck_assert_uint_eq(found.bad_messages, 0);
	ck_assert_uint_eq(report.proven, report.messages);
	ck_assert_uint_eq(report.proven_bytes, report.bytes);
	found = verify(vault, true);
	ck_assert_uint_eq(found.faults, 0);
}

#endif
