#include "sync/simulation_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

void simulation_say(struct simulation *world, const char *format, ...)
{
	va_list args;
	if (world->log == NULL) return;
	va_start(args, format);
	vfprintf(world->log, format, args);
	va_end(args);
	fputc('\n', world->log);
}

void simulation_violate(struct simulation *world, const char *format, ...)
{
	va_list args;
	if (world->violation[0] != '\0') return;
	va_start(args, format);
	vsnprintf(world->violation, sizeof world->violation, format, args);
	va_end(args);
	simulation_say(world, "VIOLATED: %s", world->violation);
}

/* What it was promised ends with this outcome. */
static void end_promise(struct simulation *world, const struct journal_entry *entry)
{
	struct simulation_promise *promise = &world->promises[entry->uid];
	promise->is_over = entry->place != JOURNAL_QUEUED;
	promise->is_discarded = entry->place == JOURNAL_DISCARDED;
	promise->outcome = entry->outcome;
	promise->round = (uint8_t)entry->n_rounds;
}

void simulation_acknowledge(struct simulation *world)
{
	for (uint32_t i = 0; i < world->journal.synced.n; i++) {
		const struct journal_entry *entry = &world->journal.synced.entries[i];
		world->promises[entry->uid].is_acknowledged = true;
		end_promise(world, entry);
	}
}

/* A process that was killed may have told of nothing that isn't synced. */
void simulation_forget_new(struct simulation *world)
{
	for (uint32_t uid = 1; uid <= world->last_uid; uid++)
		if (!world->promises[uid].is_acknowledged) world->promises[uid].is_made = false;
}

void simulation_check_send(struct simulation *world, uint64_t number)
{
	const struct journal_entry *open = journal_image_entry(&world->journal.open, number);
	const struct journal_entry *synced = journal_image_entry(&world->journal.synced, number);
	if (open == NULL || synced == NULL || !synced->is_marked || synced->place != JOURNAL_QUEUED)
		simulation_violate(world, "entry %" PRIu64 " is sent and not marked", number);
	else if (synced->uid != open->uid || synced->n_rounds != open->n_rounds || synced->expected != open->expected)
		simulation_violate(world, "entry %" PRIu64 " is sent with what isn't stored", number);
	else if (synced->n_rounds >= MODEL_ROUNDS)
		simulation_violate(world, "entry %" PRIu64 " is resolved for ever", number);
	else if (synced->waits_for != 0 || synced->blocked_by != 0)
		simulation_violate(world, "entry %" PRIu64 " is sent and its maker isn't done", number);
}

void simulation_check_told(struct simulation *world, const struct aps_outbox_action *action)
{
	const struct journal_entry *entry = journal_image_entry(&world->journal.synced, action->number);
	bool is_done = action->outcome == APS_DELIVERY_ENDED_DONE;
	if (entry == NULL || entry->place != (is_done ? JOURNAL_DONE : JOURNAL_DEAD) ||
	    entry->outcome != action->outcome) {
		simulation_violate(world, "entry %" PRIu64 " is told and not stored", action->number);
		return;
	}
	struct simulation_promise *promise = &world->promises[entry->uid];
	if (promise->is_told) simulation_violate(world, "entry %" PRIu64 " is told twice", action->number);
	promise->is_told = true;
}

void simulation_check_effects(struct simulation *world, const struct model_mutation *mutation)
{
	unsigned n = world->service.effects[mutation->uid][mutation->round];
	if (n > 1 && mutation->nature != APS_RESEND_AT_ONCE)
		simulation_violate(world, "mutation %u was applied twice", mutation->uid);
	if (n > 0 && !world->promises[mutation->uid].is_acknowledged)
		simulation_violate(world, "mutation %u was applied and never acknowledged", mutation->uid);
}

static bool have_to_do(const struct simulation *world, const struct journal_entry *a, const struct journal_entry *b)
{
	if (world->options.order == APS_OUTBOX_SERIAL) return a->mode == b->mode;
	if (a->n_records == 0 || b->n_records == 0) return true;
	for (unsigned i = 0; i < a->n_records; i++)
		for (unsigned j = 0; j < b->n_records; j++)
			if (a->records[i] == b->records[j]) return true;
	return false;
}

static bool is_awaited(const struct simulation *world, const struct simulation_request *request)
{
	return request->id != 0 && world->hands[request->number % JOURNAL_MAX_ENTRIES].request == request->id;
}

static void check_beside(struct simulation *world, const struct simulation_request *request)
{
	const struct journal_image *image = &world->journal.open;
	for (const struct simulation_request *other = world->requests; other < request; other++) {
		if (!is_awaited(world, other)) continue;
		const struct journal_entry *a = journal_image_entry(image, request->number);
		const struct journal_entry *b = journal_image_entry(image, other->number);
		if (a != NULL && b != NULL && have_to_do(world, a, b))
			simulation_violate(world,
			                   "entries %" PRIu64 " and %" PRIu64 " are under way beside one another",
			                   b->number, a->number);
	}
}

void simulation_check_busy(struct simulation *world)
{
	unsigned n = 0;
	for (size_t i = 0; i < SIMULATION_MAX_REQUESTS; i++) {
		const struct simulation_request *request = &world->requests[i];
		if (!is_awaited(world, request)) continue;
		if (request->mutation.round == 0) n++; /* what the resolver has changed is sent at once */
		check_beside(world, request);
	}
	if (world->options.order == APS_OUTBOX_ENTITY && n > APS_OUTBOX_AT_ONCE)
		simulation_violate(world, "%u requests are under way", n);
}

static void check_promise(struct simulation *world, uint32_t uid)
{
	const struct simulation_promise *promise = &world->promises[uid];
	unsigned total = 0, last = world->service.effects[uid][promise->round];
	bool is_once = promise->nature != APS_RESEND_AT_ONCE;
	for (unsigned round = 0; round < MODEL_ROUNDS; round++) total += world->service.effects[uid][round];
	if (!promise->is_acknowledged) {
		if (total > 0) simulation_violate(world, "mutation %u has failed and was applied", uid);
		return;
	}
	if (!promise->is_over) {
		simulation_violate(world, "mutation %u never ends", uid);
		return;
	}
	if (promise->is_discarded) return;
	world->n_outcomes[promise->outcome]++;
	switch ((enum aps_delivery_outcome)promise->outcome) {
	case APS_DELIVERY_ENDED_DONE:
		if (last == 0 || (is_once && last > 1))
			simulation_violate(world, "mutation %u is done, with %u effects", uid, last);
		break;
	case APS_DELIVERY_ENDED_REFUSED:
	case APS_DELIVERY_ENDED_CONFLICT:
		if (last > 0) simulation_violate(world, "mutation %u was refused, with %u effects", uid, last);
		break;
	case APS_DELIVERY_ENDED_BLOCKED:
		if (total > 0) simulation_violate(world, "mutation %u was blocked, with %u effects", uid, total);
		break;
	case APS_DELIVERY_ENDED_UNKNOWN: break;
	case APS_DELIVERY_ENDED_NONE:
	default: simulation_violate(world, "mutation %u has ended with nothing", uid);
	}
}

/* One that was retried has gone back behind those that were started in the meantime. */
static bool waits_for_excused(const struct simulation *world, uint32_t i, const bool *excused)
{
	const struct journal_image *image = &world->journal.open;
	const struct journal_entry *entry = &image->entries[i];
	for (uint32_t j = 0; j < image->n; j++) {
		const struct journal_entry *other = &image->entries[j];
		bool depends = other->number == entry->waits_for || have_to_do(world, other, entry);
		if (excused[j] && depends && (j < i || entry->is_retried)) return true;
	}
	return false;
}

bool simulation_check_excused(const struct simulation *world)
{
	const struct journal_image *image = &world->journal.open;
	bool excused[JOURNAL_MAX_ENTRIES] = {false}, is_any = true;
	for (uint32_t i = 0; i < image->n; i++) {
		const struct journal_entry *entry = &image->entries[i];
		excused[i] = entry->place == JOURNAL_QUEUED && world->promises[entry->uid].is_poisoned;
	}
	while (is_any) {
		is_any = false;
		for (uint32_t i = 0; i < image->n; i++) {
			if (image->entries[i].place != JOURNAL_QUEUED || excused[i]) continue;
			excused[i] = waits_for_excused(world, i, excused);
			is_any = is_any || excused[i];
		}
	}
	for (uint32_t i = 0; i < image->n; i++)
		if (image->entries[i].place == JOURNAL_QUEUED && !excused[i]) return false;
	return true;
}

static bool is_ordered(const struct journal_entry *entry)
{
	return entry->place == JOURNAL_DONE && !entry->is_retried;
}

static void check_order(struct simulation *world)
{
	const struct journal_image *image = &world->journal.synced;
	for (uint32_t i = 0; i < image->n; i++)
		for (uint32_t j = i + 1; j < image->n; j++) {
			const struct journal_entry *a = &image->entries[i], *b = &image->entries[j];
			if (!is_ordered(a) || !is_ordered(b) || !have_to_do(world, a, b)) continue;
			if (world->service.first_effect[a->uid] > world->service.first_effect[b->uid])
				simulation_violate(world, "entry %" PRIu64 " was applied before entry %" PRIu64,
				                   b->number, a->number);
		}
}

void simulation_check_end(struct simulation *world)
{
	for (uint32_t uid = 1; uid <= world->last_uid && world->violation[0] == '\0'; uid++) check_promise(world, uid);
	if (world->violation[0] == '\0') check_order(world);
}
