#include "sync/sync_check.h"

#include "sync/sync_owner.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* The owner knows the service's clock to a few seconds: less than this is no error. */
#define CLOCK_MS INT64_C(40000)

void sync_say(struct sync_simulation *world, const char *format, ...)
{
	va_list args;
	if (world->log == NULL) return;
	fprintf(world->log, "%10" PRId64 " ", world->true_ms % INT64_C(1000000000000));
	va_start(args, format);
	vfprintf(world->log, format, args);
	va_end(args);
	fputc('\n', world->log);
}

void sync_violate(struct sync_simulation *world, const char *format, ...)
{
	va_list args;
	if (world->violation[0] != '\0') return;
	va_start(args, format);
	vsnprintf(world->violation, sizeof world->violation, format, args);
	va_end(args);
	sync_say(world, "VIOLATED: %s", world->violation);
}

static bool is_wrong(int64_t told_ms, int64_t true_ms)
{
	return told_ms - true_ms > CLOCK_MS || true_ms - told_ms > CLOCK_MS;
}

/* Reasons for a base pass, by the true clock and not by the plan; NULL: there is none. */
static const char *reason_of(const struct sync_simulation *world)
{
	const struct aps_delta_sync_options *options = &world->options;
	const struct stored_truth *truth = &world->store.open.truth;
	const struct sync_process *process = &world->process;
	const int64_t now_ms = world->true_ms + CLOCK_MS;
	if (!truth->is_based) return "nothing is known";
	if (process->may_begin) return "it has begun";
	if (process->was_refused) return "its token was refused";
	if (is_wrong(sync_owner_now_ms(world), world->true_ms)) return "the clock is wrong";
	if (truth->based.is_doubtful || truth->known.is_doubtful) return "the clock was wrong";
	if (now_ms - truth->based.ms >= options->interval_ms) return "its interval is over";
	if ((truth->is_open || truth->is_truncated) &&
	    (truth->open.is_doubtful || now_ms - truth->open.ms >= options->window_ms))
		return "the one that is open knows too little";
	if (options->has_delta && now_ms - truth->known.ms >= options->window_ms) return "the window is over";
	if (options->has_subscription && !options->has_delta && !process->is_heard) return "something was missed";
	return NULL;
}

static void check_first_base_page(struct sync_simulation *world)
{
	struct sync_process *process = &world->process;
	const char *reason = reason_of(world);
	if (reason == NULL)
		sync_violate(world, "a base pass begins without a reason");
	else
		sync_say(world, "a base pass begins: %s", reason);
	process->may_begin = true;
	process->is_heard = world->link.is_registered && process->is_told_it_stands;
}

void sync_check_fetch(struct sync_simulation *world)
{
	const struct sync_process *process = &world->process;
	const struct aps_delta_sync_options *options = &world->options;
	const struct aps_sync_fetch *fetch = &process->machine.fetch;
	bool is_base = fetch->query == APS_SYNC_BASE_QUERY, is_first = fetch->token.n == 0;
	world->n_fetches++;
	sync_say(world, "  fetch %s since %" PRId64 " token \"%.*s\" size %u", is_base ? "base" : "delta",
	         fetch->last_sync_ms, (int)fetch->token.n, is_first ? "" : fetch->token.p, fetch->page_size);
	if (process->request.is_under_way || process->answer.is_there)
		sync_violate(world, "a request begins while one is under way");
	if (!process->machine.is_online) sync_violate(world, "a request begins and there is no network");
	if (is_base ? !options->has_base : !options->has_delta) sync_violate(world, "there is no such query");
	if (fetch->page_size == 0 || fetch->page_size > options->page_size)
		sync_violate(world, "a page of %u records is asked for", fetch->page_size);
	if (!is_first && fetch->token.p[0] != (is_base ? 'b' : 'd'))
		sync_violate(world, "a token of another query is sent");
	if (options->has_subscription && is_first && process->hearing.standing == NOT_ASKED)
		sync_violate(world, "a pass begins before the subscription is there");
	if (is_base && is_first) check_first_base_page(world);
}

static void check_list(struct sync_simulation *world, const struct aps_sync_actions *actions)
{
	const struct stored_truth *truth = &world->store.open.truth;
	enum aps_sync_list list = actions->list;
	bool begins = list == APS_SYNC_LIST_BEGIN || actions->begins_and_completes;
	bool is_base = world->process.taken.query == APS_SYNC_BASE_QUERY;
	if (is_base != (list != APS_SYNC_LIST_NONE)) sync_violate(world, "the list is told of another query's page");
	if (is_base && begins != world->process.taken.is_first)
		sync_violate(world, "the list doesn't begin where its pass does");
	if (is_base && !begins && !truth->is_open && !truth->is_truncated)
		sync_violate(world, "a list goes on that hasn't begun");
}

void sync_check_actions(struct sync_simulation *world, const struct aps_sync_actions *actions)
{
	const struct sync_process *process = &world->process;
	if (actions->subscribes && (process->hearing.is_joined || !world->options.has_subscription))
		sync_violate(world, "it is subscribed to twice, or to nothing");
	if (actions->unsubscribes && !process->hearing.is_joined && process->hearing.standing != HAS_ENDED)
		sync_violate(world, "what isn't there is given up");
	if (actions->timer == APS_SYNC_TIMER_ARM && actions->delay_ms <= 0)
		sync_violate(world, "the timer is armed for the past");
	if (actions->drains && process->hearing.is_draining) sync_violate(world, "it is drained twice");
	if (actions->saves && !process->taken.is_there) sync_violate(world, "a page is kept that didn't come");
	if (actions->saves && process->keeping.is_busy) sync_violate(world, "two pages are kept at once");
	if (actions->saves) check_list(world, actions);
	if (actions->warns_window && world->options.has_base) sync_violate(world, "a base query would have helped");
}

/* Without a base query: what the journal doesn't have any more, and nobody has heard, is lost. */
static void excuse(struct sync_simulation *world, const struct sync_answer *answer)
{
	for (uint8_t key = 0; key < SERVICE_KEYS; key++) {
		const struct service_change *last = sync_service_last(&world->service, key);
		if (last == NULL || last->made_ms >= answer->page.made_ms - world->service.manner.journal_ms) continue;
		if (last->made_ms < answer->since_ms - 1000 || world->excused[key] == last->record.uid) continue;
		world->excused[key] = last->record.uid;
		world->n_excused++;
	}
}

void sync_check_event(struct sync_simulation *world, enum aps_sync_event_kind kind)
{
	struct sync_process *process = &world->process;
	bool is_over = kind == APS_SYNC_ON_SAVED || kind == APS_SYNC_ON_UNSAVED;
	if (kind == APS_SYNC_ON_SAVED && process->is_first_written) process->may_begin = process->was_refused = false;
	if (is_over) process->is_first_written = false;
	if (kind == APS_SYNC_ON_CLEARED) process->may_begin = true;
	if (kind == APS_SYNC_ON_MISSED || kind == APS_SYNC_ON_LOST || kind == APS_SYNC_ON_ENDED)
		process->is_heard = false;
	if (kind != APS_SYNC_ON_MISSED && kind != APS_SYNC_ON_CLEARED) return;
	memset(process->heard, 0, sizeof process->heard);
	memset(process->newest, 0, sizeof process->newest);
}

void sync_check_answer(struct sync_simulation *world, struct sync_answer *answer)
{
	struct sync_process *process = &world->process;
	const bool is_refusal = answer->has_failed && answer->failure.kind == APS_SYNC_FAILURE_REFUSED;
	if (is_refusal) process->n_refused += answer->is_first ? SYNC_MAX_REFUSED + 1 : 1;
	if (is_refusal && !answer->is_first && answer->query == APS_SYNC_BASE_QUERY) process->was_refused = true;
}

static void see(struct sync_simulation *world, const struct sync_keeping *keeping)
{
	struct stored_truth *truth = &world->store.open.truth;
	const struct sync_answer *answer = &keeping->answer;
	if (!keeping->is_page) {
		const struct stored_record *known = &world->store.open.records[keeping->event.key];
		bool is_old = known->is_there && known->record.uid > keeping->event.uid; /* it lists nothing */
		if (!is_old) truth->is_seen[keeping->event.key] = true;
		truth->told_ms[keeping->event.key] = world->true_ms;
	}
	for (size_t i = 0; keeping->is_page && i < answer->page.n; i++) {
		truth->is_seen[answer->page.records[i].key] = true;
		truth->told_ms[answer->page.records[i].key] = 0;
	}
}

void sync_check_own_write(struct sync_simulation *world, uint8_t key)
{
	world->store.open.truth.told_ms[key] = world->true_ms;
}

static void know_base_page(struct stored_truth *truth, const struct sync_answer *answer, bool ends, bool is_truncated)
{
	const struct true_time now = {answer->page.made_ms, answer->is_doubtful};
	if (answer->is_first) {
		truth->began = truth->open = now;
		truth->asked_ms = answer->asked_true_ms;
		memset(truth->is_seen, 0, sizeof truth->is_seen);
	}
	truth->is_open = !ends && !is_truncated;
	truth->is_truncated = is_truncated;
	if (truth->is_open) return;
	truth->is_based = true;
	truth->based = truth->began;
	truth->known = truth->open;
	for (int key = 0; key < SERVICE_KEYS; key++)
		if (ends && truth->told_ms[key] < truth->asked_ms) truth->told_ms[key] = 0;
}

static void know_delta_page(struct stored_truth *truth, const struct sync_answer *answer, bool ends)
{
	if (answer->is_first) truth->delta = (struct true_time){answer->page.made_ms, answer->is_doubtful};
	if (!ends) return;
	if (truth->is_open || truth->is_truncated) truth->open = truth->delta;
	if (!truth->is_open) truth->known = truth->delta;
}

void sync_check_write(struct sync_simulation *world)
{
	struct sync_process *process = &world->process;
	const struct sync_keeping *keeping = &process->keeping;
	const struct sync_answer *answer = &keeping->answer;
	struct stored_truth *truth = &world->store.open.truth;
	const bool ends = answer->page.token[0] == '\0';
	if (keeping->is_page && answer->query == APS_SYNC_BASE_QUERY) {
		uint64_t max_records = aps_sync_max_records(&world->options, &process->machine.next);
		bool is_truncated = !ends && process->machine.next.is_truncated;
		if (is_truncated && process->machine.next.base.n_records < max_records)
			sync_violate(world, "a pass of %" PRIu64 " records is truncated",
			             process->machine.next.base.n_records);
		know_base_page(truth, answer, ends, is_truncated);
		process->is_first_written = answer->is_first;
		if (!truth->is_open) process->n_refused = 0;
		world->n_base_passes += ends;
	} else if (keeping->is_page) {
		if (!world->options.has_base) excuse(world, answer);
		know_delta_page(truth, answer, ends);
		if (ends && !truth->is_open) process->n_refused = 0;
		world->n_delta_passes += ends;
	}
	see(world, keeping);
}

void sync_check_store(struct sync_simulation *world)
{
	const struct store_image *image = &world->store.committed;
	for (int key = 0; key < SERVICE_KEYS; key++) {
		if (!image->records[key].is_there && image->shown.has[key])
			sync_violate(world, "record %d is in a list and not in the store", key);
	}
}

void sync_check_turn(struct sync_simulation *world)
{
	const struct sync_process *process = &world->process;
	enum aps_sync_phase phase = process->machine.phase;
	bool is_resting = !aps_delta_sync_holds_events(&process->machine);
	bool is_fetching = phase == APS_SYNC_BASE || phase == APS_SYNC_DELTA;
	bool is_busy = process->request.is_under_way || process->answer.is_there || process->keeping.is_busy;
	if (is_fetching && !is_busy) sync_violate(world, "a pass has stopped");
	bool has_query = world->options.has_base || world->options.has_delta;
	bool waits = phase == APS_SYNC_WAITING && process->machine.is_online;
	if (((is_resting && has_query) || waits) && !process->is_armed) sync_violate(world, "nothing will ever be due");
	if (phase == APS_SYNC_DRAINING && !process->hearing.is_draining) sync_violate(world, "nothing is drained");
}

/* Where lastSync is the startedAt: what was told by others than pages, while the page was under way or later, may be
 * older than what it knows, and what has followed is lost with the connection. */
static bool is_overtaken(const struct sync_simulation *world, uint8_t key)
{
	const struct store_image *image = &world->store.committed;
	const struct stored_truth *truth = &image->truth;
	const struct service_change *last = sync_service_last(&world->service, key);
	int64_t known_ms = truth->known.ms > truth->open.ms ? truth->known.ms : truth->open.ms;
	if (truth->delta.ms > known_ms) known_ms = truth->delta.ms;
	if (!world->service.manner.tells_start || world->process.newest[key] == last->record.uid) return false;
	return truth->told_ms[key] != 0 && last->made_ms <= known_ms;
}

static void check_record(struct sync_simulation *world, uint8_t key, const char *when)
{
	const struct store_image *image = &world->store.committed;
	const struct service_record *there = &world->service.table[key];
	const struct stored_record *here = &image->records[key];
	bool is_there = there->uid != 0 && !there->is_deleted;
	bool is_told = world->options.has_base || world->options.has_delta || world->process.heard[key] == there->uid;
	if (there->uid == 0 || world->excused[key] == there->uid || !is_told) return;
	if (is_overtaken(world, key)) {
		world->n_late += here->is_there != is_there || (is_there && here->record.uid != there->uid);
		return;
	}
	if (is_there && !here->is_there) sync_violate(world, "record %d is missing %s", key, when);
	if (!is_there && here->is_there && !here->is_stray) sync_violate(world, "record %d is a zombie %s", key, when);
	if (is_there && here->record.uid != there->uid)
		sync_violate(world, "record %d is %u and should be %u %s", key, here->record.uid, there->uid, when);
	if (world->store.keeps_list && image->shown.has[key] != is_there)
		sync_violate(world, "record %d should%s be in the list %s", key, is_there ? "" : "n't", when);
}

static void check_limit(struct sync_simulation *world, const char *when)
{
	const struct aps_checkpoint *at = &world->process.machine.checkpoint;
	const uint64_t max_records = world->options.max_records;
	if (at->is_truncated && (max_records == 0 || at->base.n_records < max_records))
		sync_violate(world, "the base pass stopped at %" PRIu64 " records, before its limit of %" PRIu64 " %s",
		             at->base.n_records, max_records, when);
}

void sync_check_end(struct sync_simulation *world, const char *when)
{
	const struct stored_truth *truth = &world->store.committed.truth;
	check_limit(world, when);
	for (uint8_t key = 0; key < SERVICE_KEYS && world->violation[0] == '\0'; key++)
		if (!truth->is_truncated || truth->is_seen[key]) check_record(world, key, when);
}
