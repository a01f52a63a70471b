#include "sync/entity_order.h"

#include "base/mem.h"

struct aps_ordered_entry {
	uint64_t number;
	uint32_t first, n; /* of its records */
	bool is_started;
	bool holds; /* another one is held for a record of its */
};

/* The records of the entries that were passed, and which of them was the first to have each. */
struct passed {
	struct {
		uint64_t record;
		uint32_t entry; /* its place, from 1; 0: free */
	} * slots;
	size_t mask;
};

void aps_entity_order_init(struct aps_entity_order *order)
{
	*order = (struct aps_entity_order){.is_settled = true};
	aps_buf_init(&order->entries, APS_BUF_ANY_SIZE);
	aps_buf_init(&order->records, APS_BUF_ANY_SIZE);
}

void aps_entity_order_clear(struct aps_entity_order *order)
{
	aps_buf_clear(&order->entries);
	aps_buf_clear(&order->records);
	aps_entity_order_init(order);
}

static struct aps_ordered_entry *entries_of(const struct aps_entity_order *order)
{
	return (struct aps_ordered_entry *)(void *)order->entries.p;
}

size_t aps_entity_order_count(const struct aps_entity_order *order)
{
	return order->entries.n / sizeof(struct aps_ordered_entry);
}

static const uint64_t *record_at(const struct aps_entity_order *order, const struct aps_ordered_entry *entry, size_t i)
{
	return (const uint64_t *)(const void *)order->records.p + entry->first + i;
}

static enum aps_rc add(struct aps_entity_order *order, struct aps_ordered_entry entry, const uint64_t *records,
                       struct aps_err *err)
{
	size_t n_before = order->records.n, n = entry.n;
	entry.first = (uint32_t)(n_before / sizeof *records);
	if (n != 0) aps_buf_add(&order->records, records, n * sizeof *records);
	if (order->records.rc == APS_OK) aps_buf_add(&order->entries, &entry, sizeof entry);
	if (order->records.rc == APS_OK && order->entries.rc == APS_OK) {
		order->is_settled = false;
		if (entry.is_started) order->n_started++;
		return APS_OK;
	}
	order->records.n = n_before;
	order->records.rc = order->entries.rc = APS_OK;
	return aps_fail(err, APS_E_NOMEM, "no memory for the order of the queue");
}

enum aps_rc aps_entity_order_add(struct aps_entity_order *order, uint64_t number, const uint64_t *records, size_t n,
                                 struct aps_err *err)
{
	return add(order, (struct aps_ordered_entry){.number = number, .n = (uint32_t)n}, records, err);
}

enum aps_rc aps_entity_order_add_started(struct aps_entity_order *order, uint64_t number, const uint64_t *records,
                                         size_t n, struct aps_err *err)
{
	const struct aps_ordered_entry entry = {.number = number, .n = (uint32_t)n, .is_started = true};
	return add(order, entry, records, err);
}

static bool passed_init(struct passed *passed, size_t n_records)
{
	size_t n_slots = 16;
	while (n_slots < n_records * 2) n_slots *= 2;
	passed->slots = aps_calloc(n_slots, sizeof *passed->slots);
	passed->mask = n_slots - 1;
	return passed->slots != NULL;
}

static size_t slot_of(const struct passed *passed, uint64_t record)
{
	size_t i = (size_t)(record * UINT64_C(0x9e3779b97f4a7c15) >> 20) & passed->mask;
	while (passed->slots[i].entry != 0 && passed->slots[i].record != record) i = (i + 1) & passed->mask;
	return i;
}

/* True: none of its records was passed. They are from now on. */
static bool pass(struct aps_entity_order *order, struct passed *passed, size_t index)
{
	struct aps_ordered_entry *all = entries_of(order);
	bool is_free = true;
	for (size_t i = 0; i < all[index].n; i++) {
		uint64_t record = *record_at(order, &all[index], i);
		size_t slot = slot_of(passed, record);
		uint32_t holder = passed->slots[slot].entry;
		if (holder == 0) {
			passed->slots[slot].record = record;
			passed->slots[slot].entry = (uint32_t)index + 1;
		} else if (holder != index + 1) {
			all[holder - 1].holds = true;
			is_free = false;
		}
	}
	return is_free;
}

/* Those that are started, wherever they stand: one before them may have come later. False: a barrier is. */
static bool pass_started(struct aps_entity_order *order, struct passed *passed)
{
	struct aps_ordered_entry *all = entries_of(order);
	size_t n_left = order->n_started;
	for (size_t i = 0; n_left > 0; i++) {
		if (!all[i].is_started) continue;
		if (all[i].n == 0) return false;
		pass(order, passed, i);
		n_left--;
	}
	return true;
}

/* The first one that may start; the number of entries: none. */
static size_t find_free(struct aps_entity_order *order, struct passed *passed)
{
	struct aps_ordered_entry *all = entries_of(order);
	size_t n = aps_entity_order_count(order);
	if (!pass_started(order, passed)) return n;
	for (size_t i = 0; i < n; i++) {
		bool is_barrier = all[i].n == 0;
		if (all[i].is_started) continue;
		if (is_barrier ? i == 0 && order->n_started == 0 : pass(order, passed, i)) return i;
		if (is_barrier) break;
	}
	return n;
}

enum aps_rc aps_entity_order_start(struct aps_entity_order *order, uint64_t *number, struct aps_err *err)
{
	struct passed passed;
	*number = 0;
	if (order->is_settled) return APS_OK;
	if (!passed_init(&passed, order->records.n / sizeof(uint64_t)))
		return aps_fail(err, APS_E_NOMEM, "no memory for the order of the queue");
	size_t i = find_free(order, &passed);
	aps_free(passed.slots);
	if (i == aps_entity_order_count(order)) {
		order->is_settled = true;
		return APS_OK;
	}
	struct aps_ordered_entry *entry = &entries_of(order)[i];
	entry->is_started = true;
	order->n_started++;
	*number = entry->number;
	return APS_OK;
}

static struct aps_ordered_entry *find(const struct aps_entity_order *order, uint64_t number)
{
	struct aps_ordered_entry *all = entries_of(order);
	size_t low = 0, high = aps_entity_order_count(order);
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (all[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	bool is_there = low < aps_entity_order_count(order) && all[low].number == number;
	return is_there ? &all[low] : NULL;
}

void aps_entity_order_step_back(struct aps_entity_order *order, uint64_t number)
{
	struct aps_ordered_entry *entry = find(order, number);
	if (entry == NULL || !entry->is_started) return;
	entry->is_started = false;
	order->n_started--;
	order->is_settled = false;
}

/* Once most of them belong to nobody. */
static void compact_records(struct aps_entity_order *order)
{
	struct aps_ordered_entry *all = entries_of(order);
	uint64_t *records = (uint64_t *)(void *)order->records.p;
	size_t n = 0;
	for (size_t i = 0; i < aps_entity_order_count(order); i++) {
		memmove(records + n, records + all[i].first, all[i].n * sizeof *records);
		all[i].first = (uint32_t)n;
		n += all[i].n;
	}
	order->records.n = n * sizeof *records;
	order->n_lost = 0;
}

void aps_entity_order_end(struct aps_entity_order *order, uint64_t number)
{
	struct aps_ordered_entry *all = entries_of(order), *entry = find(order, number);
	if (entry == NULL) return;
	size_t n_behind = aps_entity_order_count(order) - (size_t)(entry - all) - 1;
	if (entry->holds || entry->n == 0 || n_behind == 0 || all[0].n == 0 || entry == all) order->is_settled = false;
	if (entry->is_started) order->n_started--;
	order->n_lost += entry->n;
	memmove(entry, entry + 1, n_behind * sizeof *entry);
	order->entries.n -= sizeof *entry;
	if (order->n_lost * 2 * sizeof(uint64_t) > order->records.n) compact_records(order);
}
