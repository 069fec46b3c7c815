/* archiver/store/scan.c: a frame is unpacked once, what is wrong in it is told once, and what is
 * in it is at hand. */
#include "ground.h"

#include "archiver/store/scan.h"
#include "archiver/store/segment.h"
#include "archiver/store/tarhead.h"

#define MIB (1u << 20)

static struct ground g;
static struct ground_list list;
static struct store *reader;
static struct store_scan *scan;
static char told[1000];

static void note(void *arg, enum store_fault kind, uint32_t segment, uint64_t at, const char *what)
{
	ck_assert_ptr_eq(arg, &g);
	ck_assert_int_eq(kind, STORE_FAULT_FRAME);
	snprintf(strchr(told, '\0'), 300, "%u %llu %s\n", segment, (unsigned long long)at, what);
}

static const struct store_verify_calls calls = {.fault = note, .arg = &g};

/* One batch of: blobs 400 and 300; mails 100 and 200; one mail and one blob that are large. */
static void begin(size_t kept)
{
	ground_begin(&g);
	ground_open(&g);
	ground_put(&g, EVENT_BLOB, 400);
	ground_put(&g, EVENT_BLOB, 300);
	ground_put(&g, EVENT_MAIL, 100);
	ground_put(&g, EVENT_MAIL, 200);
	ground_put(&g, EVENT_MAIL, 5 * MIB);
	ground_put(&g, EVENT_BLOB, 3 * MIB);
	ground_commit(&g);
	memset(&list, 0, sizeof list);
	OK(store_replay(g.store, &(struct batch_position){0}, ground_note, &list, err));
	ck_assert_uint_eq(list.count, 6);
	reader = ground_reader(&g);
	scan = store_scan_new(reader, kept);
	told[0] = '\0';
}

static void end(void)
{
	store_scan_free(scan);
	store_close(reader);
	ground_end(&g);
}

/* The entry of that kind and size, as the journal tells of it. */
static const struct ground_found *found(enum event_kind kind, size_t bytes)
{
	for (size_t i = 0; i < list.count; i++)
		if (list.found[i].item.kind == kind && list.found[i].item.bytes == bytes)
			return &list.found[i];
	ck_abort_msg("no entry of %zu bytes", bytes);
}

static struct store_entry entry_of(const struct ground_found *one)
{
	return (struct store_entry){one->item.kind, one->item.id, one->item.bytes};
}

static int scan_frame_of(const struct ground_found *one, struct err *err)
{
	struct frame_extent extent = {.at = one->place.frame_at};

	return store_scan_frame(scan, one->segment, &extent, &calls, err);
}

static void check_content(const struct ground_found *one, struct bytes content)
{
	const struct ground_item *item = ground_find(&g, one);
	char *want = ground_content(item->number, item->bytes);

	ck_assert(bytes_equal(content, (struct bytes){want, item->bytes}));
	free(want);
}

static void flip(uint64_t at)
{
	struct buf text = ground_file(&g, 1);

	text.p[at] ^= 1;
	ground_write(&g, 1, buf_view(&text));
	buf_release(&text);
}

START_TEST(mails_of_the_frame_that_was_scanned)
{
	const struct ground_found *first, *second;
	struct store_entry entry;
	struct bytes content;

	begin(2);
	first = found(EVENT_MAIL, 100);
	second = found(EVENT_MAIL, 200);
	ck_assert_uint_eq(first->place.frame_at, second->place.frame_at);
	ck_assert_int_eq(scan_frame_of(first, NULL), 1);
	entry = entry_of(second);
	OK(store_scan_mail(scan, second->place.entry_at, &entry, &content, err));
	check_content(second, content);
	FAILS(ERR_DAMAGED,
	    store_scan_mail(scan, first->place.entry_at, &entry, &content, err)); /* the other */
	FAILS(ERR_DAMAGED,
	    store_scan_mail(scan, second->place.entry_at + 512, &entry, &content, err));
	FAILS(ERR_DAMAGED, store_scan_mail(scan, UINT64_MAX, &entry, &content, err));
	entry.content_bytes--;
	FAILS(ERR_DAMAGED, store_scan_mail(scan, second->place.entry_at, &entry, &content, err));
	entry = entry_of(first);
	OK(store_scan_mail(scan, first->place.entry_at, &entry, &content, err));
	check_content(first, content);
	ck_assert_str_eq(told, "");
	end();
}
END_TEST

START_TEST(blobs_are_at_hand_whoever_comes_first)
{
	const struct ground_found *one, *other;
	struct store_entry entry;
	struct bytes content;

	begin(1);
	one = found(EVENT_BLOB, 400);
	other = found(EVENT_BLOB, 300);
	ck_assert_uint_eq(one->place.frame_at, other->place.frame_at);
	for (unsigned round = 0; round < 2; round++) {
		entry = entry_of(one);
		ck_assert_int_eq(
		    store_scan_blob(scan, one->segment, &one->place, &entry, &content, NULL), 1);
		check_content(one, content);
		ck_assert_int_eq(scan_frame_of(one, NULL), 1);
		entry = entry_of(other);
		ck_assert_int_eq(
		    store_scan_blob(scan, other->segment, &other->place, &entry, &content, NULL),
		    1);
		check_content(other, content);
	}
	entry.id.b[0] ^= 1;
	FAILS(ERR_DAMAGED,
	    store_scan_blob(scan, other->segment, &other->place, &entry, &content, err));
	ck_assert_str_eq(told, "");
	end();
}
END_TEST

START_TEST(what_is_large_is_checked_and_not_kept)
{
	const struct ground_found *mail, *blob;
	struct store_entry entry;
	struct bytes content;

	begin(2);
	mail = found(EVENT_MAIL, 5 * MIB);
	blob = found(EVENT_BLOB, 3 * MIB);
	ck_assert_int_eq(scan_frame_of(mail, NULL), 0);
	entry = entry_of(mail);
	FAILS(ERR_DAMAGED, store_scan_mail(scan, 0, &entry, &content, err));
	ck_assert_int_eq(scan_frame_of(blob, NULL), 0);
	entry = entry_of(blob);
	ck_assert_int_eq(
	    store_scan_blob(scan, blob->segment, &blob->place, &entry, &content, NULL), 0);
	ck_assert_str_eq(told, "");
	end();
}
END_TEST

START_TEST(damage_is_told_once)
{
	const struct ground_found *blob, *mail, *large;
	struct store_entry entry;
	struct bytes content;
	char places[40];

	begin(2);
	blob = found(EVENT_BLOB, 400);
	mail = found(EVENT_MAIL, 100);
	large = found(EVENT_MAIL, 5 * MIB);
	flip(blob->place.frame_at + 200);
	flip(mail->place.frame_at + 60);
	flip(large->place.frame_at + 60);
	entry = entry_of(blob);
	for (unsigned round = 0; round < 3; round++)
		FAILS(ERR_DAMAGED, store_scan_blob(scan, 1, &blob->place, &entry, &content, err));
	ck_assert_str_eq(told, ""); /* who needs a blob does not tell */
	FAILS(ERR_DAMAGED, scan_frame_of(blob, err));
	ck_assert_uint_gt(strlen(told), 10);
	FAILS(ERR_DAMAGED, scan_frame_of(blob, err));
	ck_assert_ptr_eq(strchr(told, '\n'), strchr(told, '\0') - 1);
	told[0] = '\0';
	FAILS(ERR_DAMAGED, scan_frame_of(mail, err));
	FAILS(ERR_DAMAGED, scan_frame_of(large, err));
	snprintf(places, sizeof places, "1 %llu ", (unsigned long long)mail->place.frame_at);
	ck_assert_ptr_eq(strstr(told, places), told);
	snprintf(places, sizeof places, "\n1 %llu ", (unsigned long long)large->place.frame_at);
	ck_assert_ptr_eq(strstr(told, places), strchr(told, '\n'));
	end();
}
END_TEST

/* No frame there, no segment: who walked there before tells that. */
START_TEST(where_there_is_nothing)
{
	struct ground_found wrong;
	struct store_entry entry;
	struct bytes content;

	begin(2);
	wrong = *found(EVENT_BLOB, 400);
	entry = entry_of(&wrong);
	wrong.place.frame_at += 1;
	FAILS(ERR_DAMAGED, scan_frame_of(&wrong, err));
	FAILS(ERR_DAMAGED, store_scan_blob(scan, 1, &wrong.place, &entry, &content, err));
	wrong.place.frame_at = UINT64_MAX;
	FAILS(ERR_DAMAGED, scan_frame_of(&wrong, err));
	wrong.place.frame_at = 0;
	for (wrong.segment = 0; wrong.segment < 4; wrong.segment += 2) {
		FAILS(ERR_DAMAGED, scan_frame_of(&wrong, err));
		FAILS(ERR_DAMAGED,
		    store_scan_blob(scan, wrong.segment, &wrong.place, &entry, &content, err));
	}
	ck_assert_str_eq(told, "");
	end();
}
END_TEST

/* Frames that are whole, but not as they must be. */
static void add_entry(struct buf *out, const char *name, uint64_t said, const char *content)
{
	struct tarhead head = {.content_bytes = said};
	size_t n = strlen(content);

	snprintf(head.name, sizeof head.name, "%s", name);
	tarhead_format(&head, buf_reserve(out, TARHEAD_BYTES));
	out->n += TARHEAD_BYTES;
	buf_add(out, content, n);
	while (out->n % TARHEAD_BYTES > 0)
		buf_char(out, '\0');
}

static int add_packed(void *arg, const void *data, size_t bytes, struct err *err)
{
	(void)err;
	buf_add(arg, data, bytes);
	return 0;
}

/* In a frame of its own, or behind so much that it is not kept. */
static void expect_told(const struct buf *tail, bool large, const char *words)
{
	struct frame_packer *packer = frame_packer_new(1);
	struct buf content, packed;

	buf_init(&content, 64 * MIB);
	buf_init(&packed, 64 * MIB);
	if (large) {
		char *text = ground_content(1, 4 * MIB);

		text[4 * MIB - 1] = '\0';
		add_entry(&content, "log/00000001.jsonl", 4 * MIB - 1, text);
		free(text);
	}
	buf_bytes(&content, buf_view(tail));
	OK(frame_pack(packer, buf_view(&content), add_packed, &packed, err));
	ground_write(&g, 1, buf_view(&packed));
	told[0] = '\0';
	ck_assert_int_eq(scan_frame_of(&(struct ground_found){.segment = 1}, NULL), !large);
	ck_assert_msg(strstr(told, words), "not \"%s\": %s", words, told);
	ck_assert_ptr_eq(strchr(told, '\n'), strchr(told, '\0') - 1);
	buf_release(&content);
	buf_release(&packed);
	frame_packer_free(packer);
}

START_TEST(what_is_whole_and_wrong_is_told)
{
	/* SHA-256 of the empty string, by sha256sum */
	static const char empty[] =
	    "blob/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	struct buf tail;

	for (int large = 0; large < 2; large++) {
		begin(2);
		buf_init(&tail, MIB);
		add_entry(&tail, "etc/passwd", 1, "x");
		expect_told(&tail, large, "a foreign name");
		buf_clear(&tail);
		add_entry(&tail, empty, 1, "x");
		store_scan_free(scan); /* the last frame may be at hand, at the same place */
		scan = store_scan_new(reader, 2);
		expect_told(&tail, large, "does not match its SHA-256");
		store_scan_free(scan);
		scan = store_scan_new(reader, 2);
		buf_clear(&tail);
		add_entry(&tail, empty, 0, "");
		buf_text(&tail, "half a header");
		expect_told(&tail, large, "over the end");
		store_scan_free(scan);
		scan = store_scan_new(reader, 2);
		buf_clear(&tail);
		add_entry(&tail, "log/00000002.jsonl", 2000, "x");
		expect_told(&tail, large, "over the end");
		buf_clear(&tail);
		add_entry(&tail, "log/00000002.jsonl", 1, "x");
		tail.p[0] = 'L'; /* its sum is wrong now */
		expect_told(&tail, large, "a wrong tar header");
		buf_release(&tail);
		end();
	}
}
END_TEST

SUITE(mails_of_the_frame_that_was_scanned, blobs_are_at_hand_whoever_comes_first,
    what_is_large_is_checked_and_not_kept, damage_is_told_once, where_there_is_nothing,
    what_is_whole_and_wrong_is_told)
