/* What hold, run, purge, restored and synced events make (FORMAT.md, "The journal"); sums. */
#include "events.h"

START_TEST(holds)
{
	struct event event = {.kind = EVENT_HOLD, .id = id(2), .held = true, .reason = BYTES("r")};

	begin();
	add(mail(1));
	add(mail(2));
	add(event);
	apply();
	ck_assert_int_eq(catalog_is_held(j.catalog, 1, NULL), 0);
	ck_assert_int_eq(catalog_is_held(j.catalog, 2, NULL), 1);
	event.reason = BYTES("other");
	add(event);
	apply();
	ck_assert_int_eq(ask("SELECT since FROM hold WHERE reason = 'other'"), DAY1 + DAY);
	event.held = false;
	add(event);
	apply();
	ck_assert_int_eq(catalog_is_held(j.catalog, 2, NULL), 0);
	add(event); /* again */
	apply();
	end();
}
END_TEST

static int note_run(void *arg, const struct catalog_run *run, struct err *err)
{
	(void)err;
	snprintf(strchr(arg, '\0'), 90, "%.*s/%.*s/%.*s/%.*s %d-%d %u %u %.*s; ", (int)run->run.n,
	    run->run.p, (int)run->type.n, run->type.p, (int)run->account.n, run->account.p,
	    (int)run->state.n, run->state.p, (int)((run->begun_unix - DAY1) / DAY),
	    run->ended_unix ? (int)((run->ended_unix - DAY1) / DAY) : 0, (unsigned)run->messages,
	    (unsigned)run->size_bytes, (int)run->reason.n, run->reason.p);
	return 0;
}

static int note_purge(void *arg, const struct catalog_purge *purge, struct err *err)
{
	(void)err;
	snprintf(strchr(arg, '\0'), 90, "%.*s %u m%d %.*s %.*s %.*s; ", (int)purge->run.n,
	    purge->run.p, purge->uid, (int)purge->message_n, (int)purge->state.n, purge->state.p,
	    (int)purge->rule.n, purge->rule.p, (int)purge->reason.n, purge->reason.p);
	return 0;
}

START_TEST(runs_and_purges)
{
	struct event run = {.kind = EVENT_RUN,
	    .run = BYTES("p1"),
	    .type = BYTES("purge"),
	    .account = BYTES("work"),
	    .state = BYTES("begun"),
	    .messages = 3};
	struct event kept;
	uint64_t count;
	char text[400] = "";

	begin();
	for (uint8_t n = 1; n <= 3; n++) {
		add(mail(n));
		add(placed(n, n, ""));
	}
	add(run);
	for (uint8_t n = 1; n <= 3; n++)
		add(purge(n, n, "intent"));
	apply();
	OK(catalog_each_purge(j.catalog, NULL, note_purge, text, err));
	ck_assert_str_eq(text, "p1 1 m1 intent old ; p1 2 m2 intent old ; p1 3 m3 intent old ; ");
	ck_assert_int_eq(place_of(1).state, PLACE_PRESENT); /* not before it is confirmed */
	add(purge(1, 1, "confirmed"));
	kept = purge(2, 2, "kept");
	kept.reason = BYTES("still there");
	add(kept);
	add(gone("3"));
	apply();
	text[0] = '\0';
	OK(catalog_each_purge(j.catalog, NULL, note_purge, text, err));
	ck_assert_str_eq(text, "p1 3 m3 intent old ; ");
	text[0] = '\0';
	OK(catalog_each_purge(j.catalog, "p1", note_purge, text, err));
	ck_assert_str_eq(
	    text, "p1 1 m1 confirmed old ; p1 2 m2 kept old still there; p1 3 m3 intent old ; ");
	OK(catalog_each_purge(j.catalog, "p2", note_purge, text, err));
	ck_assert_int_eq(place_of(1).state, PLACE_PURGED);
	ck_assert_int_eq(place_of(1).since_unix, DAY1 + 2 * DAY);
	ck_assert_int_eq(place_of(2).state, PLACE_PRESENT);
	ck_assert_int_eq(place_of(3).state, PLACE_GONE);
	OK(catalog_purged_count(j.catalog, BYTES("work"), &count, err));
	ck_assert_uint_eq(count, 1);
	OK(catalog_purged_count(j.catalog, BYTES("home"), &count, err));
	ck_assert_uint_eq(count, 0);
	/* A listing says the purged ones are gone, of course; they stay purged. One that was
	 * seen to be gone first was purged when that is confirmed. */
	add(gone("1"));
	add(purge(3, 3, "confirmed"));
	run.state = BYTES("ended");
	run.messages = 2;
	run.size_bytes = 99;
	run.reason = BYTES("done");
	add(run);
	apply();
	ck_assert_int_eq(place_of(1).state, PLACE_PURGED);
	ck_assert_int_eq(place_of(3).state, PLACE_PURGED);
	add(at(EVENT_RETIRED, 0));
	apply();
	ck_assert_int_eq(place_of(1).state, PLACE_PURGED);
	ck_assert_int_eq(place_of(2).state, PLACE_RETIRED);
	run.run = BYTES("r1");
	run.type = BYTES("restore");
	run.state = BYTES("begun");
	run.reason = BYTES("");
	add(run);
	apply();
	text[0] = '\0';
	OK(catalog_each_run(j.catalog, note_run, text, err));
	ck_assert_str_eq(
	    text, "r1/restore/work/begun 5-0 2 99 ; p1/purge/work/ended 1-3 2 99 done; ");
	end();
}
END_TEST

static int note_restored(
    void *arg, struct msg_id which, uint32_t uidvalidity, uint32_t uid, struct err *err)
{
	(void)err;
	snprintf(strchr(arg, '\0'), 60, "%u:%u=%u ", uidvalidity, uid, which.sum.b[1]);
	return 0;
}

static int note_sync(void *arg, const struct catalog_sync *sync, struct err *err)
{
	(void)err;
	snprintf(strchr(arg, '\0'), 60, "%.*s %d %u %u %.*s; ", (int)sync->account.n,
	    sync->account.p, (int)((sync->time_unix - DAY1) / DAY), (unsigned)sync->messages,
	    (unsigned)sync->size_bytes, (int)sync->reason.n, sync->reason.p);
	return 0;
}

START_TEST(restores_and_syncs)
{
	struct event restored = at(EVENT_RESTORED, 9);
	struct event sync = {.kind = EVENT_SYNCED,
	    .account = BYTES("work"),
	    .messages = 2,
	    .size_bytes = 3,
	    .reason = BYTES("r")};
	char text[200] = "";

	begin();
	restored.id = id(200); /* of a message that need not be here */
	restored.run = BYTES("r1");
	add(restored);
	restored.uid = 8;
	restored.id = id(201);
	add(restored);
	restored.id = id(202);
	add(restored); /* the same place again */
	add(sync);
	apply();
	OK(catalog_each_restored(
	    j.catalog, BYTES("work"), BYTES("INBOX"), note_restored, text, err));
	ck_assert_str_eq(text, "7:8=202 7:9=200 ");
	OK(catalog_each_restored(
	    j.catalog, BYTES("home"), BYTES("INBOX"), note_restored, text, err));
	ck_assert_str_eq(text, "7:8=202 7:9=200 ");
	sync.account = BYTES("home");
	sync.reason = BYTES("");
	add(sync);
	apply();
	text[0] = '\0';
	OK(catalog_each_sync(j.catalog, 10, note_sync, text, err));
	ck_assert_str_eq(text, "home 2 2 3 ; work 1 2 3 r; ");
	text[0] = '\0';
	OK(catalog_each_sync(j.catalog, 1, note_sync, text, err));
	ck_assert_str_eq(text, "home 2 2 3 ; ");
	end();
}
END_TEST

START_TEST(totals)
{
	struct catalog_totals all;
	struct catalog_account_totals work;
	struct event event, unfetched = at(EVENT_SKIPPED, 77);

	begin();
	OK(catalog_totals(j.catalog, &all, err));
	ck_assert_uint_eq(all.messages + all.size_bytes + all.stored_bytes + all.blobs, 0);
	for (uint8_t n = 1; n <= 4; n++) {
		add(mail(n));
		add(placed(n, n, ""));
	}
	add((struct event){.kind = EVENT_BLOB, .id = id(50), .size_bytes = 3000});
	event = placed(5, 1, "");
	event.account = BYTES("home");
	add(event);
	add(gone("1"));
	add(purge(2, 2, "confirmed"));
	unfetched.reason = BYTES("r");
	add(unfetched);
	apply();
	OK(catalog_totals(j.catalog, &all, err));
	ck_assert_uint_eq(all.messages, 4);
	ck_assert_uint_eq(all.size_bytes, 4010);
	ck_assert_uint_eq(all.stored_bytes, 2010);
	ck_assert_uint_eq(all.blobs, 1);
	ck_assert_uint_eq(all.blob_bytes, 3000);
	ck_assert_uint_eq(all.present, 3);
	ck_assert_uint_eq(all.gone, 1);
	ck_assert_uint_eq(all.purged, 1);
	OK(catalog_account_totals(j.catalog, BYTES("work"), &work, err));
	ck_assert_uint_eq(work.folders, 1);
	ck_assert_uint_eq(work.present, 2);
	ck_assert_uint_eq(work.present_bytes, 1003 + 1004);
	ck_assert_uint_eq(work.purged, 1);
	ck_assert_uint_eq(work.purged_bytes, 1002);
	ck_assert_uint_eq(work.skipped, 1);
	OK(catalog_account_totals(j.catalog, BYTES("none"), &work, err));
	ck_assert_uint_eq(work.folders + work.present + work.skipped, 0);
	end();
}
END_TEST

SUITE(holds, runs_and_purges, restores_and_syncs, totals)
