#include "sync/sync_wire.h"

#include "sync/sync_check.h"
#include "sync/sync_owner.h"

#include <string.h>

#define LATE_MS    2000 /* behind others that were sent later */
#define TIMEOUT_MS 30000

/* The service. */

static void send(struct sync_simulation *world, const struct service_change *change)
{
	struct sync_link *link = &world->link;
	if (!link->is_registered) return;
	if (link->n == WIRE_EVENTS) {
		sync_wire_break_link(world);
		return;
	}
	link->wire[link->n++] = *change;
}

void sync_wire_change(struct sync_simulation *world, bool is_own)
{
	uint8_t key = (uint8_t)sync_below(world, SERVICE_KEYS);
	const struct service_record *record = &world->service.table[key];
	bool deletes = !is_own && sync_chance(world, 30);
	world->true_ms++; /* no two are of one time */
	const struct service_change *change = sync_service_change(&world->service, key, deletes, world->true_ms);
	if (change == NULL) return;
	sync_say(world, "%s %d: %u, version %u",
	         is_own    ? "own change of"
	         : deletes ? "delete"
	                   : "change",
	         key, record->uid, record->version);
	send(world, change);
	if (!is_own) return;
	sync_store_write_own(&world->store, record);
	sync_check_own_write(world, key);
}

/* A request. */

static void fail(struct sync_simulation *world, enum aps_sync_failure_kind kind, int64_t retry_after_ms)
{
	struct sync_answer answer = world->process.request.answer;
	answer.has_failed = true;
	answer.failure = (struct aps_sync_failure){kind, retry_after_ms};
	sync_owner_answer(world, &answer);
}

static void execute(struct sync_simulation *world)
{
	struct sync_request *request = &world->process.request;
	struct service_page *page = &request->answer.page;
	const struct sync_service *service = &world->service;
	bool is_base = request->fetch.query == APS_SYNC_BASE_QUERY;
	uint32_t size = request->fetch.page_size;
	if (world->is_down) {
		fail(world, APS_SYNC_FAILURE_RETRY, sync_chance(world, 20) ? 5000 : 0);
		return;
	}
	bool is_paged = is_base ? world->options.is_paged : world->options.is_delta_paged;
	if (is_paged && service->manner.too_large > 0 && size > service->manner.too_large) {
		fail(world, APS_SYNC_FAILURE_TOO_LARGE, 0);
		return;
	}
	bool is_there = is_base ? sync_service_base(service, request->token, size, world->true_ms, page)
	                        : sync_service_delta(service, request->token, request->fetch.last_sync_ms, size,
	                                             world->true_ms, page);
	if (is_there)
		request->is_made = true;
	else
		fail(world, APS_SYNC_FAILURE_REFUSED, 0);
}

static bool fails_by_chance(struct sync_simulation *world)
{
	if (world->is_quiet) return false;
	uint64_t luck = sync_below(world, 1000);
	if (luck < 20)
		fail(world, APS_SYNC_FAILURE_NETWORK, 0);
	else if (luck < 30)
		fail(world, APS_SYNC_FAILURE_RETRY, 0);
	else if (luck < 40)
		fail(world, APS_SYNC_FAILURE_TOO_LARGE, 0);
	else if (luck < 43)
		fail(world, APS_SYNC_FAILURE_REFUSED, 0);
	return luck < 43;
}

void sync_wire_move_request(struct sync_simulation *world)
{
	struct sync_request *request = &world->process.request;
	if (!world->process.is_running || !request->is_under_way) return;
	if (!world->has_network) {
		fail(world, APS_SYNC_FAILURE_NETWORK, 0);
		return;
	}
	if (fails_by_chance(world) || (!world->is_quiet && sync_chance(world, 30))) return;
	if (!request->is_made) execute(world);
	if (!request->is_made || (!world->is_quiet && sync_chance(world, 40))) return;
	sync_owner_answer(world, &request->answer);
}

/* The subscription. */

static void remove_event(struct sync_link *link, size_t at)
{
	link->n--;
	memmove(link->wire + at, link->wire + at + 1, (link->n - at) * sizeof link->wire[0]);
}

/* One that is no more than LATE_MS older is passed over, where there is an order. */
static size_t choose(struct sync_simulation *world)
{
	const struct sync_link *link = &world->link;
	if (!world->service.manner.has_versions || !sync_chance(world, 30)) return 0;
	size_t at = sync_below(world, link->n);
	return world->true_ms - link->wire[0].made_ms < LATE_MS ? at : 0;
}

void sync_wire_deliver(struct sync_simulation *world)
{
	struct sync_link *link = &world->link;
	if (!world->process.is_running || !link->is_registered || link->n == 0 || !world->has_network) return;
	size_t at = choose(world);
	const struct service_change change = link->wire[at];
	bool is_early = world->true_ms - change.made_ms < LATE_MS;
	bool has_versions = world->service.manner.has_versions;
	if (!world->is_quiet && world->options.has_delta && sync_chance(world, 2)) {
		sync_say(world, "event of %d: %u is lost silently", change.record.key, change.record.uid);
		world->has_lost_silently = true;
		world->process.is_heard = false;
		remove_event(link, at);
		return;
	}
	sync_say(world, "event of %d: %u", change.record.key, change.record.uid);
	sync_owner_hear(world, &change.record);
	/* twice, or once more when others have come */
	if (sync_chance(world, 5)) sync_owner_hear(world, &change.record);
	bool comes_again = has_versions && is_early && sync_chance(world, 10);
	if (!comes_again) remove_event(link, at);
	link->is_mixed_up = link->n > 0 && (link->is_mixed_up || at > 0 || comes_again);
}

void sync_wire_pass_time(struct sync_simulation *world)
{
	const struct sync_process *process = &world->process;
	const struct sync_link *link = &world->link;
	bool is_under_way = process->is_running && process->request.is_under_way;
	if (is_under_way && world->mono_ms - process->request.begun_ms > TIMEOUT_MS)
		fail(world, APS_SYNC_FAILURE_TOO_LARGE, 0);
	if (!world->has_network) sync_wire_break_link(world);
	while (link->n > 0 && world->true_ms - link->wire[0].made_ms > LATE_MS) sync_wire_deliver(world);
}

void sync_wire_break_link(struct sync_simulation *world)
{
	struct sync_link *link = &world->link;
	if (!link->is_registered) return;
	sync_say(world, "the connection breaks");
	link->is_registered = false;
	link->is_untold = true;
	link->n = 0;
	world->process.is_heard = false;
}

void sync_wire_break(struct sync_simulation *world)
{
	const struct sync_request *request = &world->process.request;
	sync_wire_break_link(world);
	if (request->is_under_way && !request->is_made) fail(world, APS_SYNC_FAILURE_NETWORK, 0);
}

void sync_wire_lose_events(struct sync_simulation *world)
{
	struct sync_link *link = &world->link;
	if (!link->is_registered || link->n == 0) return;
	for (size_t n = 1 + sync_below(world, link->n); n > 0; n--) remove_event(link, 0);
	link->owes_missed = true;
	world->process.is_heard = false;
	sync_say(world, "events are missed");
}

static void end_subscription(struct sync_simulation *world)
{
	static const enum aps_sync_failure_kind KINDS[] = {APS_SYNC_FAILURE_RETRY, APS_SYNC_FAILURE_NETWORK,
	                                                   APS_SYNC_FAILURE_REFUSED};
	struct sync_hearing *hearing = &world->process.hearing;
	hearing->trouble = (struct aps_sync_failure){KINDS[sync_below(world, 10) % 3], 0};
	sync_say(world, "the subscription ends: %s", aps_sync_failure_name(hearing->trouble.kind));
	memset(&world->link, 0, sizeof world->link);
	world->process.is_heard = false;
	sync_owner_tell(world, HAS_ENDED);
}

void sync_wire_move_link(struct sync_simulation *world)
{
	struct sync_link *link = &world->link;
	struct sync_hearing *hearing = &world->process.hearing;
	if (!world->process.is_running || !hearing->is_joined) return;
	if (link->owes_missed) {
		link->owes_missed = false;
		hearing->has_missed = true;
	} else if (link->is_untold) {
		link->is_untold = false;
		sync_say(world, "the subscription is lost");
		sync_owner_tell(world, IS_LOST);
	} else if (!world->is_quiet && sync_chance(world, 2)) {
		end_subscription(world);
	} else if (link->is_registered) {
		if (!world->is_quiet && sync_chance(world, 10)) sync_wire_break_link(world);
	} else if (world->is_denied || !world->has_network) {
		sync_say(world, "the subscription is delayed");
		sync_owner_tell(world, IS_DELAYED);
	} else {
		sync_say(world, "subscribed");
		link->is_registered = true;
		sync_owner_tell(world, STANDS);
	}
}
