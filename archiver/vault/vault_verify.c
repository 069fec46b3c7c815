/* Owns:  one verification: what is handed out, what is told, what is to be stored again.
 * Knows: everything that must fit together in an archive.
 * Never: repairs: it only logs what is to be stored again; stops at the first fault. */
#include "archiver/vault/verify_private.h"

#include "base/mem.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define UNIT_BYTES  (12u << 20) /* of content, for one thread at a time */
#define ALL_PERCENT 100

/* Frames that wait to be handed out. */
struct frames {
	struct verify_frame *frame;
	size_t count, room;
};

struct director {
	struct vault *vault;
	const struct vault_verify_options *options;
	const struct vault_verify_calls *calls;
	struct vault_verify_report *report;
	struct store *store; /* one that only reads */
	struct verify_board board;
	struct verify_crew crew;
	struct verify_plan plan;
	uint64_t passed; /* bytes of frames that are nobody's work */

	/* Of the batches at hand: */
	uint32_t segment;
	struct frames mails, others;
	struct catalog_extent *extent;
	size_t extents, extent_room;
	uint64_t content_bytes;

	/* The frame with messages that came nearest to being chosen. */
	struct verify_unit nearest;
	uint64_t nearest_lot;
	bool has_chosen;

	struct msg_id *bad; /* messages that are to be logged as damaged */
	size_t bad_count, bad_room;
};

/* ---- what is told ---- */

static int tell_progress(void *arg, struct err *err)
{
	struct director *director = arg;
	const struct vault_verify_calls *calls = director->calls;
	uint64_t all = director->report->segment_bytes, proof, journal;

	if (!calls->progress)
		return 0;
	/* Half the way each, though they need not be equally long. */
	proof = director->passed + director->board.frames_done;
	journal = director->board.journal_done;
	if (director->options->percent == 0)
		proof = journal;
	proof = (proof + journal) / 2;
	return calls->progress(calls->arg, proof < all ? proof : all, all, err);
}

/* Once: what is known to be damaged is not logged again at each verify. */
static int note_bad(
    struct director *director, const struct catalog_message *message, struct err *err)
{
	int known = catalog_is_damaged(director->vault->catalog, message->n, err);

	if (known == 0) {
		director->bad = mem_grow(director->bad, &director->bad_room,
		    director->bad_count + 1, sizeof *director->bad);
		director->bad[director->bad_count++] = message->id;
	}
	return known < 0 ? -1 : 0;
}

static int tell_finding(
    struct director *director, const struct verify_finding *finding, struct err *err)
{
	struct catalog_message message;
	struct vault_fault fault = {.kind = finding->kind, .what = finding->what};
	int got;

	if (finding->segment != VERIFY_BEHIND_ALL) {
		fault.segment = finding->segment;
		fault.at = finding->at;
	}
	if (finding->kind == VAULT_FAULT_MESSAGE) {
		got = catalog_message_n(director->vault->catalog, finding->n, &message, err);
		if (got == 0)
			err_set(err, ERR_DAMAGED, "catalog.db has lost a message");
		if (got != 1 || note_bad(director, &message, err) != 0)
			return -1;
		fault.message = &message;
	}
	director->report->fault[fault.kind]++;
	if (director->calls->fault)
		director->calls->fault(director->calls->arg, &fault);
	return 0;
}

/* What was found in segments before that one, of which no unit is open. */
static int tell_findings(struct director *director, uint32_t before, struct err *err)
{
	struct verify_finding *finding;
	size_t count = verify_take_findings(&director->board, before, &finding), i;
	int result = 0;

	for (i = 0; i < count; i++) {
		if (result == 0)
			result = tell_finding(director, &finding[i], err);
		free(finding[i].what);
	}
	free(finding);
	return result;
}

static void note_structure(
    void *arg, enum store_fault kind, uint32_t segment, uint64_t at, const char *what)
{
	struct director *director = arg;
	struct verify_finding finding = {.segment = segment,
	    .at = at,
	    .kind = kind == STORE_FAULT_JOURNAL ? VAULT_FAULT_JOURNAL : VAULT_FAULT_SEGMENT,
	    .what = (char *)what};

	verify_find(&director->board, &finding);
}

static int note_position(void *arg, uint64_t done, uint64_t all, struct err *err)
{
	(void)done, (void)all;
	return tell_progress(arg, err);
}

/* ---- units ---- */

static void add_frame(struct frames *frames, const struct verify_frame *frame)
{
	frames->frame =
	    mem_grow(frames->frame, &frames->room, frames->count + 1, sizeof *frames->frame);
	frames->frame[frames->count++] = *frame;
}

/* With the extents of its messages, which stand in the director's list so far. */
static void add_to_unit(struct verify_unit *unit, const struct verify_frame *frame,
    const struct catalog_extent *extents)
{
	struct verify_frame mine = *frame;
	size_t i;

	mine.first_extent = unit->extents;
	unit->extent = mem_grow(
	    unit->extent, &unit->extent_room, unit->extents + frame->extents, sizeof *unit->extent);
	for (i = 0; i < frame->extents; i++)
		unit->extent[unit->extents++] = extents[frame->first_extent + i];
	unit->frame =
	    mem_grow(unit->frame, &unit->frame_room, unit->frames + 1, sizeof *unit->frame);
	unit->frame[unit->frames++] = mine;
}

/* A piece of both, mixed in proportion: blobs stand in front of the mails that need them. */
static void add_share(
    const struct director *director, struct verify_unit *unit, size_t piece, size_t pieces)
{
	const struct frames *mails = &director->mails, *others = &director->others;
	size_t mail = mails->count * piece / pieces, mail_end = mails->count * (piece + 1) / pieces;
	size_t other = others->count * piece / pieces;
	size_t other_end = others->count * (piece + 1) / pieces;

	while (mail < mail_end || other < other_end)
		if (mail == mail_end ||
		    (other < other_end && other * mails->count <= mail * others->count))
			add_to_unit(unit, &others->frame[other++], director->extent);
		else
			add_to_unit(unit, &mails->frame[mail++], director->extent);
}

/* What waits becomes units of about UNIT_BYTES. In a batch blobs stand in front of mails, in
 * the same order as the mails that need them: so each unit gets its share of both, and finds most
 * of its blobs at hand. */
static int hand_out(struct director *director, struct err *err)
{
	size_t pieces = (size_t)(director->content_bytes / UNIT_BYTES) + 1, i;
	int result = 0;

	for (i = 0; result == 0 && i < pieces; i++) {
		struct verify_unit *unit = mem_zero(1, sizeof *unit);

		unit->segment = director->segment;
		add_share(director, unit, i, pieces);
		if (unit->frames > 0)
			result = verify_crew_put(&director->crew, unit, err);
		else
			verify_unit_free(unit);
	}
	director->mails.count = director->others.count = director->extents = 0;
	director->content_bytes = 0;
	return result;
}

/* ---- which frames ---- */

/* The lot of a frame in the draw: a number that depends on seed and place only, as evenly spread
 * as a hash (the finaliser of splitmix64). */
static uint64_t draw(uint64_t seed, uint32_t segment, uint64_t at)
{
	uint64_t lot = seed ^ ((uint64_t)segment << 40) ^ at;
	int round;

	for (round = 0; round < 2; round++) {
		lot += 0x9e3779b97f4a7c15u;
		lot = (lot ^ lot >> 30) * 0xbf58476d1ce4e5b9u;
		lot = (lot ^ lot >> 27) * 0x94d049bb133111ebu;
		lot ^= lot >> 31;
	}
	return lot;
}

static void keep_nearest(struct director *director, const struct verify_frame *frame, uint64_t lot)
{
	struct verify_unit *nearest = &director->nearest;

	if (frame->extents == 0 || director->has_chosen ||
	    (nearest->frames > 0 && lot >= director->nearest_lot))
		return;
	nearest->frames = nearest->extents = 0;
	nearest->segment = director->segment;
	director->nearest_lot = lot;
	add_to_unit(nearest, frame, director->extent);
}

static bool is_chosen(struct director *director, const struct verify_frame *frame)
{
	unsigned percent = director->options->percent;
	uint64_t lot;

	if (percent >= ALL_PERCENT)
		return true;
	lot = draw(director->options->seed, director->segment, frame->extent.at);
	if (lot / 2 >= (UINT64_MAX / 2 / ALL_PERCENT) * percent) {
		keep_nearest(director, frame, lot);
		return false;
	}
	director->has_chosen |= frame->extents > 0;
	return true;
}

static void take_extent(
    struct director *director, struct verify_frame *frame, const struct catalog_extent *extent)
{
	director->extent = mem_grow(director->extent, &director->extent_room, director->extents + 1,
	    sizeof *director->extent);
	director->extent[director->extents++] = *extent;
	frame->extents++;
}

static struct verify_frame new_frame(const struct director *director, uint64_t at)
{
	return (struct verify_frame){.extent = {.at = at}, .first_extent = director->extents};
}

/* A catalogue that is wrong may name any segment. */
static int hand_out_alone(
    struct director *director, const struct catalog_extent *extent, struct err *err)
{
	struct verify_frame frame = {.extent = {.at = extent->frame_at}, .extents = 1};
	struct verify_unit *unit = mem_zero(1, sizeof *unit);

	unit->segment = extent->segment;
	add_to_unit(unit, &frame, extent);
	return verify_crew_put(&director->crew, unit, err);
}

/* Messages that stand before that place, where no frame was seen: they are tried all the same. */
static int take_missed(struct director *director, uint32_t segment, uint64_t at, struct err *err)
{
	const struct catalog_extent *extent;

	while ((extent = verify_plan_before(&director->plan, segment, at))) {
		struct verify_frame frame = new_frame(director, extent->frame_at);

		if (extent->segment == director->segment) {
			take_extent(director, &frame, extent);
			add_frame(&director->mails, &frame);
		} else if (hand_out_alone(director, extent, err) != 0) {
			return -1;
		}
	}
	return 0;
}

static int take_data_frame(
    struct director *director, const struct frame_extent *extent, struct err *err)
{
	const struct catalog_extent *messages;
	struct verify_frame frame;

	if (take_missed(director, director->segment, extent->at, err) != 0)
		return -1;
	frame = new_frame(director, extent->at);
	frame.extent = *extent;
	while ((messages = verify_plan_at(&director->plan, director->segment, extent->at)))
		take_extent(director, &frame, messages);
	if (!is_chosen(director, &frame)) {
		director->extents = frame.first_extent;
		director->passed += extent->file_bytes;
		return 0;
	}
	add_frame(frame.extents > 0 ? &director->mails : &director->others, &frame);
	director->content_bytes += extent->content_bytes;
	return 0;
}

/* All units of the segment are handed out; those of the one before it are waited for, so that no
 * more than two are under way, and what was found can be told in order. */
static int end_segment(struct director *director, struct err *err)
{
	uint32_t segment = director->segment;

	if (segment == 0)
		return 0;
	if (take_missed(director, segment, UINT64_MAX, err) != 0 || hand_out(director, err) != 0 ||
	    verify_crew_wait_segment(&director->crew, segment - 1, err) != 0)
		return -1;
	return tell_findings(director, segment, err);
}

/* Segments between, in which there is no frame, have their turn as well. */
static int begin_segment(struct director *director, uint32_t segment, struct err *err)
{
	while (director->segment < segment) {
		if (end_segment(director, err) != 0)
			return -1;
		director->segment++;
		if (director->segment >= director->plan.to &&
		    verify_plan_load(
			&director->plan, director->vault->catalog, director->segment, err) != 0)
			return -1;
	}
	return 0;
}

static int take_frame(
    void *arg, uint32_t segment, const struct frame_extent *extent, bool is_data, struct err *err)
{
	struct director *director = arg;

	if (segment != director->segment && begin_segment(director, segment, err) != 0)
		return -1;
	if (is_data)
		return take_data_frame(director, extent, err);
	director->passed += extent->file_bytes;
	/* A mark ends the frames of a batch. */
	return extent->skip_magic != 0 && director->content_bytes >= UNIT_BYTES
	    ? hand_out(director, err)
	    : 0;
}

/* Messages that the catalogue has behind the last frame of all. */
static int take_rest(struct director *director, struct err *err)
{
	struct verify_unit *unit;

	for (;;) {
		if (take_missed(director, UINT32_MAX, UINT64_MAX, err) != 0)
			return -1;
		if (director->plan.to > UINT32_MAX)
			break;
		if (verify_plan_load(&director->plan, director->vault->catalog,
			(uint32_t)director->plan.to, err) != 0)
			return -1;
	}
	if (hand_out(director, err) != 0)
		return -1;
	if (director->has_chosen || director->nearest.frames == 0)
		return 0;
	unit = mem_zero(1, sizeof *unit);
	*unit = director->nearest;
	memset(&director->nearest, 0, sizeof director->nearest);
	return verify_crew_put(&director->crew, unit, err);
}

/* ---- the whole ---- */

static size_t thread_count(const struct vault_verify_options *options)
{
	size_t count = options->threads;
	cpu_set_t set;

	if (options->percent == 0)
		return 0;
	if (count == 0)
		count = sched_getaffinity(0, sizeof set, &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
	return count < VAULT_VERIFY_THREADS ? count : VAULT_VERIFY_THREADS;
}

static int begin(struct director *director, struct err *err)
{
	struct vault *vault = director->vault;
	struct vault_verify_report *report = director->report;
	struct catalog_totals totals;
	struct batch_position position;
	uint32_t segments;

	if (vault_open_store(vault, false, &director->store, err) != 0 ||
	    catalog_totals(vault->catalog, &totals, err) != 0 ||
	    catalog_position(vault->catalog, &position, err) != 0 ||
	    store_size(director->store, &report->segment_bytes, &segments, err) != 0 ||
	    store_forget_cached(vault->store, err) != 0)
		return -1;
	report->segments = segments;
	report->messages = totals.messages;
	report->bytes = totals.size_bytes;
	report->blobs = totals.blobs;
	if (!vault->options.are_segments_behind)
		store_trust_position(director->store, &position);
	return verify_crew_start(
	    &director->crew, vault, &director->board, thread_count(director->options), err);
}

static int check_all(struct director *director, struct err *err)
{
	bool quick = director->options->percent == 0;
	struct store_verify_calls calls = {.fault = note_structure,
	    .progress = note_position,
	    .frame = quick ? NULL : take_frame,
	    .arg = director};

	if (!quick && verify_plan_load(&director->plan, director->vault->catalog, 0, err) != 0)
		return -1;
	if (store_verify(director->store, quick, &calls, err) < 0 ||
	    (!quick && (end_segment(director, err) != 0 || take_rest(director, err) != 0)) ||
	    verify_crew_wait_all(&director->crew, err) != 0)
		return -1;
	return tell_findings(director, VERIFY_BEHIND_ALL, err);
}

/* So that the next sync fetches them again. Where that cannot be written down, it was told. */
static void log_bad(struct director *director)
{
	struct vault *vault = director->vault;
	struct err why = {0};
	size_t i;

	if (director->bad_count == 0 || vault->lock_fd < 0 || !store_is_empty(vault->store))
		return;
	for (i = 0; i < director->bad_count; i++) {
		struct event event = {.kind = EVENT_DAMAGED,
		    .id = director->bad[i].sum,
		    .reason = BYTES("verify could not prove it")};

		if (vault_log(vault, &event, &why) != 0)
			break;
	}
	if (i == director->bad_count && vault_commit(vault, &why) == 0)
		return;
	vault_abort(vault);
	vault_notice(vault, "what is damaged could not be noted down: %s", why.text);
}

static void release(struct director *director)
{
	verify_board_release(&director->board);
	verify_plan_release(&director->plan);
	store_close(director->store);
	free(director->nearest.frame);
	free(director->nearest.extent);
	free(director->mails.frame);
	free(director->others.frame);
	free(director->extent);
	free(director->bad);
}

int vault_verify(struct vault *vault, const struct vault_verify_options *options,
    const struct vault_verify_calls *calls, struct vault_verify_report *report, struct err *err)
{
	struct director director = {
	    .vault = vault, .options = options, .calls = calls, .report = report};
	int result, kind;

	memset(report, 0, sizeof *report);
	verify_board_init(&director.board);
	director.crew.tick = tell_progress;
	director.crew.tick_arg = &director;
	result = begin(&director, err);
	if (result == 0)
		result = check_all(&director, err);
	verify_crew_end(&director.crew, vault->catalog);
	if (result == 0) {
		report->proven = director.board.proven;
		report->proven_bytes = director.board.proven_bytes;
		log_bad(&director);
		for (kind = 0; kind < VAULT_FAULT_KINDS; kind++)
			result |= report->fault[kind] > 0;
	}
	release(&director);
	return result;
}

int vault_forget_cached(struct vault *vault, struct err *err)
{
	if (store_forget_cached(vault->store, err) != 0)
		return -1;
	/* A mirror that is gone proves nothing later. */
	if (vault->mirror)
		(void)store_forget_cached(vault->mirror, NULL);
	return 0;
}
