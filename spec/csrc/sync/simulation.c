#include "sync/simulation.h"

#include "base/mem.h"
#include "sync/model_texts.h"
#include "sync/simulation_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define MAX_ENTRIES       24
#define N_MODES           3
#define MAX_QUIET_TURNS   3000
#define WAIT_MS           1000
#define MAX_CLOCK_JUMP_MS 3600000
#define NO_RECORD         UINT32_MAX

static void pump(struct simulation *world);

static uint64_t below(struct simulation *world, uint64_t n)
{
	return aps_rand_below(&world->rand, n);
}

static bool chance(struct simulation *world, unsigned percent)
{
	return below(world, 100) < percent;
}

static struct simulation_hand *hand_of(struct simulation *world, uint64_t number)
{
	return &world->hands[number % JOURNAL_MAX_ENTRIES];
}

/* The process. */

static void start_process(struct simulation *world)
{
	memset(world->hands, 0, sizeof world->hands);
	aps_outbox_init(&world->outbox, &world->options, &world->journal.base);
	aps_outbox_set_store(&world->outbox, true);
	aps_outbox_set_reach(&world->outbox, chance(world, 80) ? APS_OUTBOX_ONLINE : APS_OUTBOX_OFFLINE);
}

static void lose(struct simulation *world)
{
	simulation_say(world, "lost");
	memory_journal_lose(&world->journal);
	simulation_forget_new(world);
	aps_outbox_lost(&world->outbox);
}

static void commit_only(struct simulation *world)
{
	if (!world->journal.is_open) return;
	simulation_say(world, "commit%s", world->journal.is_durable ? ", durable" : "");
	memory_journal_commit(&world->journal);
	simulation_acknowledge(world);
	aps_outbox_committed(&world->outbox);
}

static void commit(struct simulation *world)
{
	if (!world->journal.is_open) return;
	commit_only(world);
	pump(world);
}

/* A transaction may end between two actions, of those that are there already. */
static void end_midway(struct simulation *world)
{
	if (chance(world, 70))
		commit_only(world);
	else if (world->journal.is_open && !world->is_quiet)
		lose(world);
}

static struct simulation_request *free_request(struct simulation *world)
{
	for (size_t i = 0; i < SIMULATION_MAX_REQUESTS; i++)
		if (world->requests[i].id == 0) return &world->requests[i];
	return NULL;
}

static void begin_request(struct simulation *world, const struct aps_outbox_action *action)
{
	struct simulation_request *request = free_request(world);
	const struct journal_entry *entry = memory_journal_entry(&world->journal, action->number);
	if (request == NULL) {
		simulation_violate(world, "too many requests");
		return;
	}
	bool is_look = action->kind == APS_DELIVERY_DO_LOOK;
	if (!is_look) simulation_check_send(world, action->number);
	if (world->violation[0] != '\0') return;
	*request = (struct simulation_request){.id = ++world->last_request, .number = action->number};
	request->mutation = (struct model_mutation){
	        .uid = entry->uid,
	        .round = entry->n_rounds,
	        .mode = entry->mode,
	        .nature = entry->nature,
	        .record = entry->n_records > 0 ? (uint8_t)(entry->records[0] - 1) : 0,
	        .is_look = is_look,
	        .is_in_doubt = action->is_in_doubt,
	        .is_poisoned = world->promises[entry->uid].is_poisoned,
	        .is_invalid = world->promises[entry->uid].is_invalid,
	        .expected = entry->expected,
	};
	hand_of(world, action->number)->request = request->id;
}

/* Versions of what is queued behind it are told by its answer. */
static void pass_version(struct simulation *world, const struct journal_entry *done)
{
	uint32_t version = hand_of(world, done->number)->seen;
	if (done->nature != APS_RESEND_VERSIONED || version == 0) return;
	for (uint32_t i = 0; i < world->journal.open.n; i++) {
		struct journal_entry *entry = &world->journal.open.entries[i];
		bool is_behind = entry->number > done->number && entry->place == JOURNAL_QUEUED && !entry->is_marked;
		if (is_behind && entry->nature == APS_RESEND_VERSIONED && entry->records[0] == done->records[0] &&
		    entry->expected < version)
			entry->expected = version;
	}
}

/* False: the store can't be written. */
static bool store(struct simulation *world, const struct aps_outbox_action *action)
{
	if (action->store == APS_DELIVERY_STORE_NOTHING) return true;
	if (!world->outbox.has_store) return false;
	if (!memory_journal_store(&world->journal, action)) {
		simulation_violate(world, "%s of entry %" PRIu64 ", which isn't in the queue",
		                   aps_delivery_store_name(action->store), action->number);
		return true;
	}
	struct journal_entry *entry = memory_journal_entry(&world->journal, action->number);
	if (action->store == APS_DELIVERY_STORE_REWRITE) entry->expected = hand_of(world, action->number)->resolved;
	if (action->store == APS_DELIVERY_STORE_FINISH) pass_version(world, entry);
	return true;
}

static void act(struct simulation *world, const struct aps_outbox_action *action)
{
	switch (action->kind) {
	case APS_DELIVERY_DO_SEND:
	case APS_DELIVERY_DO_LOOK: begin_request(world, action); break;
	case APS_DELIVERY_DO_ASK:
		hand_of(world, action->number)->is_asked = true;
		if (hand_of(world, action->number)->seen == 0)
			simulation_violate(world, "the resolver of entry %" PRIu64 " has no record", action->number);
		break;
	case APS_DELIVERY_DO_WAIT:
		aps_outbox_wait(&world->outbox, action->number, world->now_ms + (int64_t)below(world, WAIT_MS));
		break;
	case APS_DELIVERY_DO_TELL: simulation_check_told(world, action); break;
	default: break;
	}
}

static void pump(struct simulation *world)
{
	struct aps_outbox_action action;
	struct aps_err err = {.code = APS_OK};
	bool is_lost = false;
	if (aps_outbox_go_on(&world->outbox, &err) != APS_OK) simulation_say(world, "trouble: %s", err.msg);
	while (world->violation[0] == '\0') {
		if (chance(world, 10)) end_midway(world);
		if (!aps_outbox_take(&world->outbox, &action)) break;
		simulation_say(world, "  %" PRIu64 ": %s, %s", action.number, aps_delivery_store_name(action.store),
		               aps_delivery_action_name(action.kind));
		if (!store(world, &action)) is_lost = true;
		act(world, &action);
	}
	if (is_lost) lose(world);
	simulation_check_busy(world);
}

static void feed(struct simulation *world, uint64_t number, const struct model_answer *answer)
{
	struct aps_err err = {.code = APS_OK};
	const struct aps_delivery_event event = {.kind = answer->kind, .has_record = answer->has_record};
	bool is_without = answer->kind == APS_DELIVERY_ON_CONFLICT && !answer->has_record;
	hand_of(world, number)->seen = is_without ? 0 : answer->version;
	bool is_success = answer->kind == APS_DELIVERY_ON_DONE || answer->kind >= APS_DELIVERY_ON_SEEN_SEND;
	if (is_success && answer->kind <= APS_DELIVERY_ON_SEEN_RECORD) world->outbox.successes++;
	simulation_say(world, "%" PRIu64 " %s", number, aps_delivery_event_name(answer->kind));
	enum aps_rc rc = aps_outbox_feed(&world->outbox, number, &event, &err);
	if (rc != APS_OK) simulation_violate(world, "entry %" PRIu64 ": %s", number, err.msg);
}

/* The network and the service. */

static void answer_request(struct simulation *world, struct simulation_request *request)
{
	struct simulation_hand *hand = hand_of(world, request->number);
	struct simulation_request answered = *request;
	bool is_awaited = hand->request == request->id;
	request->id = 0;
	if (!is_awaited) return;
	hand->request = 0;
	feed(world, answered.number, &answered.answer);
}

static void tell_at_once(struct simulation *world, struct simulation_request *request,
                         enum aps_delivery_event_kind kind, bool is_late)
{
	struct simulation_hand *hand = hand_of(world, request->number);
	const struct model_answer answer = {.kind = model_texts_verdict(kind, false, &world->rand)};
	bool is_awaited = hand->request == request->id;
	uint64_t number = request->number;
	if (is_late)
		request->state = REQUEST_LATE;
	else
		request->id = 0;
	if (!is_awaited) return;
	hand->request = 0;
	feed(world, number, &answer);
}

/* A request of the same mutation that nobody waits for any more. */
static bool may_come_late(const struct simulation *world, const struct simulation_request *look)
{
	for (size_t i = 0; i < SIMULATION_MAX_REQUESTS; i++) {
		const struct simulation_request *request = &world->requests[i];
		bool is_same = request->number == look->number && request->mutation.round == look->mutation.round;
		if (request->id != 0 && request->state == REQUEST_LATE && is_same && !request->mutation.is_look)
			return true;
	}
	return false;
}

static void execute(struct simulation *world, struct simulation_request *request)
{
	request->answer = model_service_execute(&world->service, &request->mutation);
	bool is_absent = request->answer.kind == APS_DELIVERY_ON_SEEN_SEND && world->service.merges;
	if (is_absent && may_come_late(world, request)) request->answer.kind = APS_DELIVERY_ON_SEEN_EARLY;
	simulation_say(world, "the service %s %" PRIu64 " round %u%s: %s", request->mutation.is_look ? "shows" : "gets",
	               request->number, request->mutation.round, request->state == REQUEST_LATE ? ", late" : "",
	               aps_delivery_event_name(request->answer.kind));
	simulation_check_effects(world, &request->mutation);
	if (request->state == REQUEST_LATE)
		request->id = 0;
	else
		request->state = REQUEST_ANSWERED;
}

static void move_request(struct simulation *world, struct simulation_request *request)
{
	uint64_t luck = world->is_quiet ? 99 : below(world, 100);
	if (request->state == REQUEST_ANSWERED) {
		if (luck < 5)
			tell_at_once(world, request, APS_DELIVERY_ON_DOUBT, false);
		else
			answer_request(world, request);
		return;
	}
	if (request->state == REQUEST_LATE) {
		if (luck < 30)
			request->id = 0;
		else
			execute(world, request);
		return;
	}
	if (luck < 8) {
		tell_at_once(world, request, APS_DELIVERY_ON_UNSENT, false);
		if (chance(world, 60)) aps_outbox_set_reach(&world->outbox, APS_OUTBOX_OFFLINE);
	} else if (luck < 14) {
		tell_at_once(world, request, APS_DELIVERY_ON_DOUBT, false);
	} else if (luck < 34) {
		tell_at_once(world, request, APS_DELIVERY_ON_DOUBT, true);
	} else {
		execute(world, request);
		if (luck >= 60) answer_request(world, request);
	}
}

static void move_some_request(struct simulation *world)
{
	size_t from = below(world, SIMULATION_MAX_REQUESTS);
	for (size_t i = 0; i < SIMULATION_MAX_REQUESTS; i++) {
		struct simulation_request *request = &world->requests[(from + i) % SIMULATION_MAX_REQUESTS];
		if (request->id == 0 || (request->state == REQUEST_LATE && chance(world, 80))) continue;
		move_request(world, request);
		return;
	}
}

/* The application. */

/* Some earlier entry that is to make something, or has; 0: there is none. */
static const struct journal_entry *some_maker(struct simulation *world)
{
	const struct journal_image *open = &world->journal.open;
	if (open->n == 0) return NULL;
	const struct journal_entry *maker = &open->entries[below(world, open->n)];
	return maker->place == JOURNAL_QUEUED && maker->nature != APS_RESEND_VERSIONED ? maker : NULL;
}

/* record: the only one that it is about; 0: some; NO_RECORD: none, unless it has a version. */
static struct journal_entry new_entry(struct simulation *world, unsigned record)
{
	struct journal_entry entry = {.number = world->journal.open.last_number + 1, .uid = ++world->last_uid};
	entry.mode = (uint8_t)(1 + below(world, N_MODES));
	entry.nature = (uint8_t)below(world, APS_RESEND_COUNT);
	entry.n_records = (uint8_t)below(world, JOURNAL_MAX_RECORDS);
	if (record != 0 || (entry.n_records == 0 && chance(world, 60))) entry.n_records = record != NO_RECORD;
	if (entry.nature == APS_RESEND_VERSIONED && entry.n_records == 0) entry.n_records = 1;
	for (unsigned i = 0; i < entry.n_records; i++) entry.records[i] = (uint8_t)(1 + below(world, world->n_records));
	if (record != 0 && record != NO_RECORD) entry.records[0] = (uint8_t)record;
	if (entry.nature == APS_RESEND_VERSIONED) entry.expected = world->service.records[entry.records[0] - 1].version;
	const struct model_texts_mutation text = {entry.uid, 0, (enum aps_resend)entry.nature, entry.expected};
	entry.resend = (uint8_t)model_texts_resend(&text);
	if (chance(world, 35)) {
		const struct journal_entry *maker = some_maker(world);
		if (maker != NULL) entry.waits_for = (uint32_t)maker->number;
	}
	world->promises[entry.uid] = (struct simulation_promise){.nature = entry.nature,
	                                                         .mode = entry.mode,
	                                                         .is_made = true,
	                                                         .is_invalid = chance(world, 5),
	                                                         .is_poisoned = chance(world, 4)};
	return entry;
}

static void enqueue(struct simulation *world, unsigned record)
{
	struct aps_err err = {.code = APS_OK};
	bool is_sent = false;
	if (world->journal.open.n >= MAX_ENTRIES || world->last_uid + 1 >= MODEL_UIDS || !world->outbox.has_store)
		return;
	struct journal_entry entry = new_entry(world, record);
	struct aps_outbox_info info = {.number = 0};
	size_t fails_at = world->fails_at;
	aps_mem_fail_at(0);
	aps_buf_init(&info.records, APS_BUF_ANY_SIZE);
	memory_journal_info(&entry, &info);
	aps_mem_fail_at(fails_at);
	enum aps_rc rc = aps_outbox_add(&world->outbox, &info, &is_sent, &err);
	aps_buf_clear(&info.records);
	simulation_say(world, "enqueue %" PRIu64 " (%u): mode %u, %s, %u records (%u %u), waits for %u: %s",
	               entry.number, entry.uid, entry.mode, aps_resend_name((enum aps_resend)entry.resend),
	               entry.n_records, entry.records[0], entry.records[1], entry.waits_for,
	               rc != APS_OK ? err.msg
	               : is_sent    ? "sent"
	                            : "queued");
	if (rc != APS_OK) return;
	entry.is_marked = is_sent;
	entry.n_attempts = is_sent;
	memory_journal_insert(&world->journal, &entry);
}

static struct journal_entry *some_entry(struct simulation *world, enum journal_place place)
{
	struct journal_image *open = &world->journal.open;
	size_t from = open->n == 0 ? 0 : below(world, open->n);
	for (uint32_t i = 0; i < open->n; i++) {
		struct journal_entry *entry = &open->entries[(from + i) % open->n];
		if (entry->place == place) return entry;
	}
	return NULL;
}

static void discard(struct simulation *world)
{
	struct journal_entry *entry = some_entry(world, JOURNAL_QUEUED);
	if (entry == NULL || !world->outbox.has_store) return;
	bool is_removed = aps_outbox_withdraw(&world->outbox, entry->number);
	simulation_say(world, "discard %" PRIu64 ": %s", entry->number, is_removed ? "yes" : "no");
	if (is_removed) memory_journal_discard(&world->journal, entry->number);
}

/* A dead letter goes back into the queue, at its place. */
static void retry(struct simulation *world)
{
	struct journal_entry *entry = some_entry(world, JOURNAL_DEAD);
	for (int i = 0; i < 3 && entry != NULL && entry->n_records != 0; i++) entry = some_entry(world, JOURNAL_DEAD);
	if (entry == NULL || !world->outbox.has_store || world->last_uid + 1 >= MODEL_UIDS) return;
	const struct journal_entry *dead = journal_image_entry(&world->journal.committed, entry->number);
	if (dead == NULL || dead->place != JOURNAL_DEAD || entry->blocked_by != 0) return;
	simulation_say(world, "retry %" PRIu64, entry->number);
	uint32_t uid = ++world->last_uid;
	world->promises[uid] =
	        (struct simulation_promise){.nature = entry->nature, .mode = entry->mode, .is_made = true};
	memory_journal_touch(&world->journal, true);
	entry->uid = uid;
	entry->place = JOURNAL_QUEUED;
	entry->outcome = APS_DELIVERY_ENDED_NONE;
	entry->is_marked = false;
	entry->is_retried = true;
	entry->n_attempts = entry->n_counted = entry->n_rounds = 0;
	if (entry->nature == APS_RESEND_VERSIONED)
		entry->expected = world->service.records[entry->records[0] - 1].version;
	aps_outbox_look_again(&world->outbox);
}

static void resolve_one(struct simulation *world)
{
	for (uint64_t number = 1; number < JOURNAL_MAX_ENTRIES; number++) {
		struct simulation_hand *hand = hand_of(world, number);
		if (!hand->is_asked) continue;
		hand->is_asked = false;
		hand->resolved = hand->seen;
		const struct model_answer answer = {.kind = chance(world, 20) ? APS_DELIVERY_ON_GAVE_UP
		                                                              : APS_DELIVERY_ON_CHANGED,
		                                    .version = hand->seen};
		feed(world, number, &answer);
		return;
	}
}

/* The machine below. */

static void kill_process(struct simulation *world, bool has_power)
{
	simulation_say(world, has_power ? "the process is killed" : "the power is cut");
	if (has_power)
		memory_journal_kill(&world->journal);
	else
		memory_journal_cut_power(&world->journal);
	simulation_forget_new(world);
	for (size_t i = 0; i < SIMULATION_MAX_REQUESTS; i++) {
		struct simulation_request *request = &world->requests[i];
		if (request->id != 0 && request->state == REQUEST_ON_WAY && chance(world, 60))
			request->state = REQUEST_LATE;
		else if (request->state != REQUEST_LATE)
			request->id = 0;
	}
	if (has_power && chance(world, 30)) { /* or it lives on and forgets: its store is opened again */
		memset(world->hands, 0, sizeof world->hands);
		aps_outbox_forget(&world->outbox);
		return;
	}
	aps_outbox_clear(&world->outbox);
	start_process(world);
}

static void change_reach(struct simulation *world)
{
	uint64_t luck = below(world, 10);
	enum aps_outbox_reach reach = luck < 6 ? APS_OUTBOX_ONLINE : luck < 8 ? APS_OUTBOX_PROBE : APS_OUTBOX_OFFLINE;
	simulation_say(world, "reach %d", (int)reach);
	aps_outbox_set_reach(&world->outbox, reach);
}

static void change_store(struct simulation *world)
{
	bool has_store = !world->outbox.has_store;
	simulation_say(world, has_store ? "the store is back" : "the store is away");
	if (!has_store && world->journal.is_open) lose(world);
	aps_outbox_set_store(&world->outbox, has_store);
}

static void change_auth(struct simulation *world, unsigned mode, bool is_good)
{
	simulation_say(world, "the token of mode %u is %s", mode, is_good ? "good" : "bad");
	world->service.is_token_good[mode] = is_good;
	if (is_good) aps_outbox_auth_changed(&world->outbox, mode);
}

static void pass_time(struct simulation *world, int64_t ms)
{
	world->now_ms += ms;
	simulation_say(world, "time %" PRId64, world->now_ms);
	aps_outbox_pass_time(&world->outbox, world->now_ms);
}

static void fail_to_commit(struct simulation *world)
{
	if (!world->journal.is_open) return;
	lose(world);
	if (chance(world, 50)) aps_outbox_set_store(&world->outbox, false);
}

static void step_rarely(struct simulation *world, uint64_t luck)
{
	unsigned mode = (unsigned)(1 + below(world, N_MODES));
	if (luck < 4)
		kill_process(world, luck != 0);
	else if (luck < 9)
		change_reach(world);
	else if (luck < 13)
		change_store(world);
	else if (luck < 16)
		change_auth(world, mode, chance(world, 60));
	else if (luck < 19)
		model_service_write(&world->service, (unsigned)below(world, world->n_records));
	else if (luck < 21)
		discard(world);
	else if (luck < 25)
		retry(world);
	else if (luck < 26)
		pass_time(world, (int64_t)below(world, 2 * MAX_CLOCK_JUMP_MS) - MAX_CLOCK_JUMP_MS);
	else if (luck < 27)
		aps_outbox_look_again(&world->outbox);
	else if (luck < 28)
		world->outbox.successes += below(world, 3);
	else if (luck < 29)
		world->service.is_down = !world->service.is_down;
	else
		world->journal.n_failing = 1 + below(world, 4);
}

static void step(struct simulation *world)
{
	uint64_t luck = below(world, 100);
	world->n_steps++;
	world->fails_at = chance(world, 5) ? 1 + below(world, 6) : 0;
	aps_mem_fail_at(world->fails_at);
	if (luck < 18)
		enqueue(world, 0);
	else if (luck < 50)
		move_some_request(world);
	else if (luck < 60)
		pass_time(world, (int64_t)below(world, 500));
	else if (luck < 64)
		fail_to_commit(world);
	else if (luck < 70)
		resolve_one(world);
	else
		step_rarely(world, luck - 70);
	/* More may be done before the queue goes on, but what it wants already is done at once. */
	bool is_last = chance(world, 85) || aps_outbox_peek(&world->outbox) != NULL;
	if (world->violation[0] == '\0' && is_last) pump(world);
	if (world->violation[0] == '\0' && is_last && chance(world, 70)) commit(world);
	aps_mem_fail_at(0);
}

static void go_on(struct simulation *world)
{
	if (world->violation[0] == '\0') pump(world);
	if (world->violation[0] == '\0') commit(world);
}

static void move_requests(struct simulation *world, int n)
{
	for (int i = 0; i < n && world->violation[0] == '\0'; i++) {
		move_some_request(world);
		go_on(world);
	}
}

/* Many that have nothing to do with one another wait, and are due at one time. */
static void storm(struct simulation *world)
{
	world->service.is_down = true;
	for (unsigned record = 1; record <= world->n_records && world->violation[0] == '\0'; record++) {
		enqueue(world, record);
		go_on(world);
	}
	move_requests(world, 40);
	world->service.is_down = false;
	pass_time(world, WAIT_MS);
	go_on(world);
}

/* What has to do with everything is refused, and comes back to its place when much that was behind it waits for
 * answers, and for each other. Few steps follow: a kill makes up for what went wrong. */
static void come_back(struct simulation *world)
{
	aps_outbox_set_reach(&world->outbox, APS_OUTBOX_ONLINE);
	for (int i = 0; i < 3 && world->violation[0] == '\0'; i++) {
		enqueue(world, NO_RECORD);
		world->promises[world->last_uid].is_invalid = true;
		go_on(world);
		move_requests(world, 4);
	}
	world->service.is_down = true;
	for (int i = 0; i < 8 && world->violation[0] == '\0'; i++) {
		enqueue(world, (unsigned)(1 + below(world, 3)));
		go_on(world);
	}
	move_requests(world, 4);
	for (int i = 0; i < 2 && world->violation[0] == '\0'; i++) {
		retry(world);
		go_on(world);
	}
	world->service.is_down = false;
}

/* Nothing fails any more, but what is poisoned. True: nothing is left to do. */
static bool quiet_turn(struct simulation *world)
{
	bool is_busy = world->journal.is_open;
	aps_outbox_set_reach(&world->outbox, APS_OUTBOX_ONLINE);
	world->outbox.successes++;
	for (size_t i = 0; i < SIMULATION_MAX_REQUESTS && world->violation[0] == '\0'; i++) {
		is_busy = is_busy || world->requests[i].id != 0;
		if (world->requests[i].id != 0) move_request(world, &world->requests[i]);
	}
	resolve_one(world);
	pump(world);
	commit(world);
	if (memory_journal_has_queued(&world->journal)) is_busy = true;
	int64_t due_ms = aps_outbox_due_ms(&world->outbox);
	if (due_ms != INT64_MAX && due_ms > world->now_ms) pass_time(world, due_ms - world->now_ms);
	if (due_ms != INT64_MAX) pass_time(world, 0);
	return !is_busy && world->outbox.items == NULL;
}

/* Without an end for what is poisoned only that stays, with what has to do with it. */
static void settle_but_poisoned(struct simulation *world)
{
	unsigned max_tries = world->options.delivery.max_tries;
	world->outbox.options.delivery.max_tries = UINT32_MAX;
	for (int turn = 0; world->violation[0] == '\0' && !simulation_check_excused(world); turn++) {
		if (turn == MAX_QUIET_TURNS)
			simulation_violate(world, "something waits for a poisoned entry, for ever");
		quiet_turn(world);
	}
	simulation_say(world, "only what is poisoned is left");
	world->outbox.options.delivery.max_tries = max_tries;
}

static void settle(struct simulation *world)
{
	simulation_say(world, "quiet from now on");
	world->is_quiet = true;
	world->service.has_faults = world->service.is_down = false;
	world->journal.n_failing = 0;
	if (!world->outbox.has_store) change_store(world);
	pass_time(world, 100 * (int64_t)MAX_CLOCK_JUMP_MS); /* whatever the clock has done */
	for (unsigned mode = 0; mode <= N_MODES; mode++) change_auth(world, mode, true);
	if (chance(world, 25)) settle_but_poisoned(world);
	for (int turn = 0; turn < MAX_QUIET_TURNS && world->violation[0] == '\0'; turn++)
		if (quiet_turn(world)) return;
	if (world->violation[0] == '\0') simulation_violate(world, "something waits for ever");
}

static void begin(struct simulation *world, uint64_t seed, FILE *log)
{
	world->seed = seed;
	world->log = log;
	aps_rand_init(&world->rand, seed);
	memory_journal_init(&world->journal);
	model_service_init(&world->service, &world->rand);
	memset(world->requests, 0, sizeof world->requests);
	memset(world->promises, 0, sizeof world->promises);
	world->violation[0] = '\0';
	world->is_quiet = false;
	world->now_ms = 0;
	world->last_uid = world->last_request = 0;
	world->n_records = chance(world, 50) ? 4 : MODEL_RECORDS;
	world->service.merges = chance(world, 30);
	world->options = (struct aps_outbox_options){
	        .delivery = {.max_tries = (unsigned)(1 + below(world, 10)),
	                     .has_resolver = chance(world, 60),
	                     .resolves_doubt = chance(world, 50)},
	        .order = chance(world, 50) ? APS_OUTBOX_SERIAL : APS_OUTBOX_ENTITY,
	        .modes = ((1u << N_MODES) - 1) << 1,
	};
	simulation_say(world, "seed %" PRIu64 ": %s, %u tries, resolver %d, of doubt %d, merges %d", seed,
	               world->options.order == APS_OUTBOX_SERIAL ? "serial" : "entity",
	               world->options.delivery.max_tries, world->options.delivery.has_resolver,
	               world->options.delivery.resolves_doubt, world->service.merges);
}

const char *simulation_run(struct simulation *world, uint64_t seed, FILE *log)
{
	begin(world, seed, log);
	start_process(world);
	if (chance(world, 3)) storm(world);
	bool is_short = chance(world, 5);
	if (is_short) come_back(world);
	uint64_t n_steps = is_short ? below(world, 8) : 20 + below(world, 120);
	for (uint64_t i = 0; i < n_steps && world->violation[0] == '\0'; i++) step(world);
	if (world->violation[0] == '\0') settle(world);
	if (world->violation[0] == '\0') simulation_check_end(world);
	aps_outbox_clear(&world->outbox);
	return world->violation[0] == '\0' ? NULL : world->violation;
}
