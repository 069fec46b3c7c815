/* archiver/vault: what is damaged comes from the mirror, proven like any other; and the mirror can
 * be proven and verified by the archive's catalogue. */
#include "ground.h"

#include "base/child.h"

#define SEGMENT1 "segments/000001.tar.zst"

static char *mirror;

/* With A and M for the folders. */
static void sh(const char *text)
{
	char *command = mem_format("A='%s' M='%s'; %s", options.path, mirror, text);
	struct buf output;

	buf_init(&output, 1000);
	OK(child_output(command, &output, err));
	buf_release(&output);
	free(command);
}

/* Messages 1, 15 (two attachments) and 1001 (large), each in a batch, mirrored. */
static struct vault *begin_mirrored(void)
{
	struct vault *v;

	begin();
	mirror = mem_format("%s/mirror", folder);
	options.mirror = mirror;
	v = open_vault(true);
	put_batch(v, 1, 1);
	put_batch(v, 15, 1);
	put_batch(v, 1001, 1);
	sh("mkdir $M && cp -r $A/FORMAT $A/segments $M");
	return v;
}

static void done(struct vault *v)
{
	vault_close(v);
	free(mirror);
	end();
}

static uint64_t place_of(struct vault *v, unsigned number)
{
	struct msg_id id = id_of(number);
	struct catalog_message message;

	ck_assert_int_eq(catalog_message(vault_catalog(v), &id, &message, NULL), 1);
	return message.place.frame_at;
}

static void damage(const char *where, uint64_t at)
{
	char *path = file_join(where, SEGMENT1), byte;
	int fd = file_open(path, O_RDWR, 0, NULL);

	ck_assert_int_eq(pread(fd, &byte, 1, (off_t)at), 1);
	byte ^= 8;
	ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)at), 1);
	file_close(&fd);
	free(path);
}

static int prove_mirror(struct vault *v, unsigned number, struct err *err)
{
	struct msg_id id = id_of(number);

	return vault_prove_mirror(v, &id, err);
}

START_TEST(damaged_messages_come_from_the_mirror)
{
	static const unsigned all[] = {1, 15, 1001};
	struct vault *v = begin_mirrored();
	struct msg_id id = id_of(15);

	for (size_t i = 0; i < 3; i++)
		damage(options.path, place_of(v, all[i]) + 40);
	for (size_t i = 0; i < 3; i++)
		OK(try_get(v, all[i], err));
	/* With one notice, and no proof of our own copy. */
	ck_assert_ptr_nonnull(strstr(notices, "taken from the mirror"));
	ck_assert_ptr_null(strstr(strstr(notices, "taken from") + 1, "taken from"));
	FAILS(ERR_DAMAGED, vault_prove(v, &id, err));
	OK(vault_prove_mirror(v, &id, err));
	done(v);
}
END_TEST

START_TEST(where_both_are_damaged_nothing_comes)
{
	struct vault *v = begin_mirrored();

	damage(options.path, place_of(v, 15) + 40);
	damage(mirror, place_of(v, 15) + 41);
	FAILS(ERR_DAMAGED, try_get(v, 15, err));
	OK(try_get(v, 1, err));
	ck_assert_str_eq(notices, "");
	done(v);
}
END_TEST

START_TEST(a_missing_mirror_changes_nothing)
{
	struct vault *v = begin_mirrored();

	sh("rm -r $M");
	OK(try_get(v, 1, err));
	damage(options.path, place_of(v, 15) + 40);
	FAILS(ERR_DAMAGED, try_get(v, 15, err));
	FAILS(ERR_ABSENT, prove_mirror(v, 1, err));
	ck_assert(!file_exists(mirror));
	done(v);
}
END_TEST

START_TEST(only_what_is_in_the_mirror_is_proven)
{
	struct vault *v = begin_mirrored();

	put_batch(v, 2, 1);
	OK(prove_mirror(v, 1, err));
	OK(prove_mirror(v, 15, err));
	OK(prove_mirror(v, 1001, err));
	FAILS(ERR_DAMAGED, prove_mirror(v, 2, err));
	FAILS(ERR_ABSENT, prove_mirror(v, 3, err));
	damage(mirror, place_of(v, 15) + 40);
	OK(vault_forget_cached(v, err));
	FAILS(ERR_DAMAGED, prove_mirror(v, 15, err));
	get(v, 15);
	options.mirror = NULL;
	vault_close(v);
	v = open_vault(true);
	FAILS(ERR_ABSENT, prove_mirror(v, 1, err));
	done(v);
}
END_TEST

/* The mirror's segments, our catalogue. */
static struct faults verify_mirror(bool is_behind)
{
	struct vault_options opening = options;
	struct vault *v;
	struct faults found;

	opening.segments = mem_format("%s/segments", mirror);
	opening.are_segments_behind = is_behind;
	opening.for_writing = true;
	FAILS(ERR_BUG, vault_open(&v, &opening, err));
	opening.for_writing = false;
	OK(vault_open(&v, &opening, err));
	found = verify(v, false);
	vault_close(v);
	free((char *)opening.segments);
	return found;
}

START_TEST(a_mirror_is_verified)
{
	struct vault *v = begin_mirrored();
	struct batch_position before, after;
	struct faults found = verify_mirror(false);

	ck_assert_uint_eq(found.faults + found.bad_messages, 0);
	put_batch(v, 2, 1);
	found = verify_mirror(true);
	ck_assert_uint_eq(found.faults, 0);
	ck_assert_uint_eq(found.bad_messages, 1); /* the one that is not there */
	found = verify_mirror(false);
	ck_assert_uint_gt(found.faults, 0);
	sh("cp -r $A/segments $M");
	damage(mirror, place_of(v, 15) + 40);
	OK(catalog_position(vault_catalog(v), &before, err));
	found = verify_mirror(false);
	ck_assert_uint_gt(found.faults, 0);
	ck_assert_uint_eq(found.bad_messages, 1);
	/* Which is no damage of ours. */
	OK(catalog_position(vault_catalog(v), &after, err));
	ck_assert_uint_eq(before.batch, after.batch);
	get(v, 15);
	done(v);
}
END_TEST

/* Nothing is made in a mirror, or from it. */
START_TEST(a_mirror_makes_no_catalogue)
{
	struct vault *v = begin_mirrored();
	struct vault_options opening = options;

	vault_close(v);
	remove_file("catalog.db");
	opening.for_writing = false;
	opening.segments = mem_format("%s/segments", mirror);
	FAILS(ERR_ABSENT, vault_open(&v, &opening, err));
	ck_assert(!exists("catalog.db"));
	free((char *)opening.segments);
	done(NULL);
}
END_TEST

SUITE(damaged_messages_come_from_the_mirror, where_both_are_damaged_nothing_comes,
    a_missing_mirror_changes_nothing, only_what_is_in_the_mirror_is_proven, a_mirror_is_verified,
    a_mirror_makes_no_catalogue)
