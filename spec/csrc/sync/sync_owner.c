#include "sync/sync_owner.h"

#include "base/mem.h"
#include "sync/sync_check.h"
#include "sync/sync_wire.h"

#include <string.h>

int64_t sync_owner_now_ms(const struct sync_simulation *world)
{
	const struct sync_process *process = &world->process;
	if (process->told_at_ms != 0) return process->told_ms + world->mono_ms - process->told_at_ms;
	return world->true_ms + world->ahead_ms + world->store.open.skew_ms;
}

/* The store. */

/* Each goes by the transaction that it was written in: what becomes of others of its turn says nothing of it. */
static void settle(struct sync_process *process, bool is_committed)
{
	struct sync_keeping *keeping = &process->keeping;
	if (process->n_uncommitted != 0 && !is_committed) process->hearing.has_missed = true;
	process->n_uncommitted = 0;
	process->owes_checkpoint = process->owes_checkpoint || (process->is_owing_open && !is_committed);
	process->is_owing_open = false;
	if (!keeping->is_uncommitted || keeping->is_settled) return;
	keeping->is_settled = true;
	keeping->is_committed = is_committed;
	if (is_committed && keeping->is_page) process->owes_checkpoint = false;
}

void sync_owner_commit(struct sync_simulation *world)
{
	struct sync_process *process = &world->process;
	if (!world->store.is_open) return;
	if (world->n_failing > 0) {
		world->n_failing--;
		sync_say(world, "the commit fails");
		sync_store_lose(&world->store);
		settle(process, false);
		return;
	}
	sync_store_commit(&world->store);
	settle(process, true);
	sync_check_store(world);
}

static void end_keeping(struct sync_simulation *world, bool is_kept)
{
	struct sync_keeping *keeping = &world->process.keeping;
	bool is_page = keeping->is_page;
	memset(keeping, 0, sizeof *keeping);
	keeping->is_over = is_page;
	keeping->is_kept = is_kept;
}

static void fail_keeping(struct sync_simulation *world)
{
	if (!world->process.keeping.is_page) world->process.hearing.has_missed = true;
	end_keeping(world, false);
}

static bool write(struct sync_simulation *world)
{
	struct sync_process *process = &world->process;
	struct sync_keeping *keeping = &process->keeping;
	const struct sync_answer *answer = &keeping->answer;
	bool is_base = keeping->is_page && answer->query == APS_SYNC_BASE_QUERY;
	const struct store_write what = {
	        .records = keeping->is_page ? answer->page.records : &keeping->event,
	        .n = keeping->is_page ? answer->page.n : 1,
	        .is_page = keeping->is_page,
	        .is_base = is_base,
	        .begins = keeping->begins,
	        .list = keeping->list,
	        .asked_at = answer->asked_at,
	        .began_at = process->began_at,
	        .now_ms = aps_sync_seen_ms(keeping->is_page ? &process->machine.next : &process->machine.checkpoint,
	                                   sync_owner_now_ms(world)),
	        .made_ms = process->machine.made_ms,
	        .checkpoint = &process->machine.checkpoint,
	        .next = &process->machine.next,
	};
	if (!sync_store_write(&world->store, &what)) return false;
	if (!keeping->is_page) return true;
	sync_store_forget_deletions(&world->store, keeping->forgets_before_ms);
	if (keeping->list == APS_SYNC_LIST_COMPLETE) process->began_at = 0;
	world->store.open.skew_ms = sync_owner_now_ms(world) - (world->true_ms + world->ahead_ms);
	return sync_store_save(&world->store, &process->machine.next);
}

static void put(struct sync_simulation *world)
{
	struct sync_process *process = &world->process;
	struct sync_keeping *keeping = &process->keeping;
	bool is_page = keeping->is_page;
	keeping->is_parked = false;
	if (keeping->is_dropped || process->is_cleared) {
		fail_keeping(world);
		return;
	}
	if (!write(world)) {
		sync_say(world, "the store can't be written");
		sync_store_lose(&world->store);
		settle(process, false);
		fail_keeping(world);
		return;
	}
	sync_check_write(world);
	keeping->is_uncommitted = true;
	if (is_page) return;
	process->n_uncommitted++;
	end_keeping(world, true);
}

void sync_owner_unpark(struct sync_simulation *world)
{
	if (world->process.keeping.is_parked) put(world);
}

static void keep(struct sync_simulation *world)
{
	world->process.keeping.is_parked = sync_chance(world, 15);
	if (!world->process.keeping.is_parked) put(world);
}

void sync_owner_clear_store(struct sync_simulation *world)
{
	struct sync_process *process = &world->process;
	sync_say(world, "the store is cleared");
	sync_store_clear(&world->store);
	process->is_cleared = process->is_owing_open = true;
	process->began_at = 0;
	if (process->keeping.is_parked) process->keeping.is_dropped = true;
}

/* The machine. */

static void begin_request(struct sync_simulation *world)
{
	struct sync_process *process = &world->process;
	struct sync_request *request = &process->request;
	const struct aps_sync_fetch *fetch = &process->machine.fetch;
	sync_check_fetch(world);
	memset(request, 0, sizeof *request);
	request->is_under_way = true;
	request->answer.is_first = fetch->token.n == 0;
	request->begun_ms = world->mono_ms;
	request->fetch = *fetch;
	if (fetch->token.n > 0 && fetch->token.n < sizeof request->token)
		memcpy(request->token, fetch->token.p, fetch->token.n);
	request->answer.query = fetch->query;
	request->answer.since_ms = fetch->last_sync_ms;
	request->answer.asked_true_ms = world->true_ms;
	request->answer.asked_at = world->store.moment + 1;
	if (fetch->query == APS_SYNC_BASE_QUERY && (request->answer.is_first || process->began_at == 0))
		process->began_at = request->answer.asked_at;
}

static void keep_page(struct sync_simulation *world, const struct aps_sync_actions *actions)
{
	struct sync_process *process = &world->process;
	struct sync_keeping *keeping = &process->keeping;
	memset(keeping, 0, sizeof *keeping);
	keeping->is_busy = keeping->is_page = true;
	keeping->list = actions->list;
	keeping->begins = actions->begins_and_completes || actions->list == APS_SYNC_LIST_BEGIN;
	keeping->forgets_before_ms = actions->forgets_before_ms;
	keeping->answer = process->taken;
	process->taken.is_there = false;
	keep(world);
}

static void carry_out(struct sync_simulation *world, const struct aps_sync_actions *actions)
{
	struct sync_process *process = &world->process;
	struct sync_hearing *hearing = &process->hearing;
	sync_check_actions(world, actions);
	if (actions->unsubscribes) {
		memset(hearing, 0, sizeof *hearing);
		memset(&world->link, 0, sizeof world->link);
	}
	if (actions->subscribes) hearing->is_joined = true;
	if (actions->abandons_fetch) process->request.is_under_way = process->answer.is_there = false;
	if (actions->timer == APS_SYNC_TIMER_STOP) process->is_armed = false;
	if (actions->timer == APS_SYNC_TIMER_ARM) {
		process->is_armed = true;
		process->due_ms = world->mono_ms + actions->delay_ms;
	}
	if (actions->drains) hearing->is_draining = true;
	if (actions->fetches != APS_SYNC_NO_QUERY) begin_request(world);
	if (actions->saves) keep_page(world, actions);
}

static void say_event(struct sync_simulation *world, const struct aps_sync_event *event, enum aps_sync_phase before)
{
	const struct aps_sync_page_facts *page = &event->page;
	if (world->log == NULL) return;
	sync_say(world, "%s: %s -> %s", aps_sync_event_name(event->kind), aps_sync_phase_name(before),
	         aps_sync_phase_name(world->process.machine.phase));
	if (event->kind == APS_SYNC_ON_ANSWERED)
		sync_say(world, "  %llu records, made %lld, next \"%.*s\"", (unsigned long long)page->n_records,
		         (long long)page->server_ms, (int)page->token.n, page->token.n > 0 ? page->token.p : "");
	if (event->kind == APS_SYNC_ON_FAILED || event->kind == APS_SYNC_ON_ENDED)
		sync_say(world, "  %s", aps_sync_failure_name(event->failure.kind));
}

void sync_owner_feed(struct sync_simulation *world, struct aps_sync_event *event)
{
	struct sync_process *process = &world->process;
	enum aps_sync_phase before = process->machine.phase;
	if (world->violation[0] != '\0') return;
	event->now_ms = sync_owner_now_ms(world);
	event->mono_ms = world->mono_ms;
	event->is_guess = process->told_at_ms == 0;
	/* What was deleted is forgotten, too: events that are older mustn't come behind that. */
	bool forgets = event->kind == APS_SYNC_ON_CLEARED || event->kind == APS_SYNC_ON_MISSED;
	if (forgets && world->link.is_mixed_up) sync_wire_break_link(world);
	sync_check_event(world, event->kind);
	bool is_poor = event->kind == APS_SYNC_ON_ANSWERED && !world->is_quiet && sync_chance(world, 3);
	aps_mem_fail_at(is_poor ? 1 + sync_below(world, 2) : 0);
	const struct aps_sync_actions actions = aps_delta_sync_feed(&process->machine, event);
	aps_mem_fail_at(0);
	say_event(world, event, before);
	if (actions.err.code == APS_E_NOMEM) { /* the page is gone: it is asked for again */
		struct aps_sync_event failed = {.kind = APS_SYNC_ON_FAILED};
		failed.failure.kind = APS_SYNC_FAILURE_RETRY;
		sync_owner_feed(world, &failed);
		return;
	}
	if (actions.err.code != APS_OK) {
		sync_violate(world, "%s", actions.err.msg);
		return;
	}
	carry_out(world, &actions);
}

void sync_owner_feed_kind(struct sync_simulation *world, enum aps_sync_event_kind kind)
{
	struct aps_sync_event event = {.kind = kind};
	sync_owner_feed(world, &event);
}

/* A turn. */

static void conclude(struct sync_simulation *world)
{
	struct sync_process *process = &world->process;
	bool is_cleared = process->is_cleared;
	if (process->keeping.is_uncommitted) sync_owner_commit(world);
	const struct sync_keeping *keeping = &process->keeping;
	if (keeping->is_settled) end_keeping(world, keeping->is_committed && !is_cleared);
	if (process->keeping.is_over) {
		process->keeping.is_over = false;
		sync_owner_feed_kind(world, process->keeping.is_kept ? APS_SYNC_ON_SAVED : APS_SYNC_ON_UNSAVED);
	}
	if (is_cleared) {
		process->is_cleared = false;
		sync_owner_feed_kind(world, APS_SYNC_ON_CLEARED);
	}
	if (process->machine.phase == APS_SYNC_STOPPED) process->owes_checkpoint = false;
	if (!process->owes_checkpoint || process->machine.is_saving) return;
	const struct aps_checkpoint *owed = &process->machine.checkpoint;
	if (owed->base_ms == 0 && !owed->base.is_open)
		memset(&world->store.open.truth, 0, sizeof world->store.open.truth);
	process->owes_checkpoint = !sync_store_save(&world->store, &process->machine.checkpoint);
	process->is_owing_open = true;
}

static void look_at_reach(struct sync_simulation *world)
{
	if (world->is_told_offline != world->process.machine.is_online) return;
	sync_owner_feed_kind(world, world->is_told_offline ? APS_SYNC_ON_OFFLINE : APS_SYNC_ON_ONLINE);
}

static void take_standing(struct sync_simulation *world)
{
	struct sync_hearing *hearing = &world->process.hearing;
	bool has_missed = hearing->has_missed, has_news = hearing->has_news, was_lost = hearing->was_lost;
	enum sync_standing standing = hearing->standing;
	hearing->has_missed = hearing->has_news = hearing->was_lost = false;
	if (has_news) world->process.is_told_it_stands = standing == STANDS;
	if (was_lost && standing != HAS_ENDED) sync_owner_feed_kind(world, APS_SYNC_ON_LOST);
	if (has_news && standing == STANDS) sync_owner_feed_kind(world, APS_SYNC_ON_SUBSCRIBED);
	if (has_news && standing == IS_DELAYED) sync_owner_feed_kind(world, APS_SYNC_ON_DELAYED);
	if (has_news && standing == HAS_ENDED) {
		struct aps_sync_event event = {.kind = APS_SYNC_ON_ENDED, .failure = hearing->trouble};
		sync_owner_feed(world, &event);
	}
	if (has_missed) sync_owner_feed_kind(world, APS_SYNC_ON_MISSED);
}

/* By startedAt, or by the Date, which is in whole seconds. */
static int64_t made_ms(const struct sync_simulation *world, const struct sync_answer *answer)
{
	const int64_t made_ms = answer->page.made_ms;
	return world->service.manner.tells_start ? made_ms : made_ms - made_ms % 1000;
}

/* By the Date, which is in whole seconds. */
static void learn_time(struct sync_simulation *world, const struct sync_answer *answer)
{
	world->process.told_ms = answer->page.made_ms - answer->page.made_ms % 1000;
	world->process.told_at_ms = world->mono_ms;
}

static void take_answer(struct sync_simulation *world)
{
	struct sync_process *process = &world->process;
	struct aps_sync_event event = {.kind = APS_SYNC_ON_FAILED};
	if (!process->answer.is_there || process->machine.is_saving || process->keeping.is_busy) return;
	process->taken = process->answer;
	process->answer.is_there = false;
	struct sync_answer *answer = &process->taken;
	event.failure = answer->failure;
	sync_check_answer(world, answer);
	if (!answer->has_failed) {
		learn_time(world, answer);
		event.kind = APS_SYNC_ON_ANSWERED;
		event.page = (struct aps_sync_page_facts){
		        .n_records = answer->page.n,
		        .n_bytes = answer->page.n * 100,
		        .token = aps_str_of(answer->page.token),
		        .server_ms = made_ms(world, answer),
		        .is_start = world->service.manner.tells_start,
		        .took_ms = answer->took_ms,
		};
	}
	sync_owner_feed(world, &event);
	process->taken.is_there = false;
}

static void take_events(struct sync_simulation *world)
{
	struct sync_process *process = &world->process;
	struct sync_hearing *hearing = &process->hearing;
	uint64_t n = 1 + sync_below(world, 4);
	while (!process->keeping.is_busy && hearing->n > 0 && n-- > 0) {
		if (aps_delta_sync_holds_events(&process->machine) && !hearing->is_draining) break;
		memset(&process->keeping, 0, sizeof process->keeping);
		process->keeping.is_busy = true;
		process->keeping.event = hearing->held[0];
		hearing->n--;
		memmove(hearing->held, hearing->held + 1, hearing->n * sizeof hearing->held[0]);
		keep(world);
	}
	if (!hearing->is_draining || process->keeping.is_busy || hearing->n != 0) return;
	hearing->is_draining = false;
	sync_owner_feed_kind(world, APS_SYNC_ON_DRAINED);
}

void sync_owner_go_on(struct sync_simulation *world)
{
	if (!world->process.is_running || world->violation[0] != '\0') return;
	conclude(world);
	look_at_reach(world);
	take_standing(world);
	take_answer(world);
	take_events(world);
	sync_check_turn(world);
}

/* What comes to it. */

void sync_owner_answer(struct sync_simulation *world, const struct sync_answer *answer)
{
	struct sync_process *process = &world->process;
	process->answer = *answer;
	process->answer.is_there = true;
	process->answer.took_ms = world->mono_ms - process->request.begun_ms;
	process->request.is_under_way = false;
}

void sync_owner_hear(struct sync_simulation *world, const struct service_record *record)
{
	struct sync_hearing *hearing = &world->process.hearing;
	world->n_events++;
	if (hearing->n == HELD_EVENTS) {
		hearing->has_missed = true;
		hearing->n = 0;
		world->process.is_heard = false;
		return;
	}
	hearing->held[hearing->n++] = *record;
	world->process.heard[record->key] = record->uid;
	if (record->uid > world->process.newest[record->key]) world->process.newest[record->key] = record->uid;
}

void sync_owner_tell(struct sync_simulation *world, enum sync_standing standing)
{
	struct sync_hearing *hearing = &world->process.hearing;
	hearing->standing = standing;
	if (standing == HAS_ENDED)
		hearing->is_joined = false;
	else if (standing != STANDS)
		hearing->was_lost = true;
	hearing->has_news = true;
}

/* The process. */

void sync_owner_start(struct sync_simulation *world)
{
	struct sync_process *process = &world->process;
	const char *text = world->store.open.checkpoint;
	memset(process, 0, sizeof *process);
	memset(&world->link, 0, sizeof world->link);
	process->is_running = true;
	sync_store_forget_moments(&world->store);
	world->mono_ms = (int64_t)sync_below(world, 1000000000);
	aps_rand_init(&process->rand, aps_rand_u64(&world->rand));
	aps_delta_sync_init(&process->machine, &world->options, &process->rand);
	if (text[0] != '\0' && !aps_checkpoint_take(&process->machine.checkpoint, aps_str_of(text)))
		sync_violate(world, "the checkpoint can't be read: %s", text);
	process->machine.is_online = !world->is_told_offline;
	sync_say(world, "start with %s", text);
	sync_owner_feed_kind(world, APS_SYNC_ON_START);
}

void sync_owner_kill(struct sync_simulation *world)
{
	struct sync_process *process = &world->process;
	if (!process->is_running) return;
	sync_say(world, "the process dies");
	world->n_kills++;
	sync_store_lose(&world->store);
	aps_delta_sync_clear(&process->machine);
	memset(&world->link, 0, sizeof world->link);
	process->is_running = false;
}
