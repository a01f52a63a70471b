/* Which entries of a queue may be sent beside one another: those that have no record in common with an earlier one that
 * hasn't ended, or with one that is started. An entry without records may have to do with any: it is a barrier, which
 * waits for all before it and
 * holds all behind it. Whoever is held holds those behind it that have a record in common with it.
 *
 * Pure; entries are known by their numbers, records by hashes: two records that are taken for one cost time only. An
 * entry takes 24 bytes and 8 for each record while it is held, and nothing of it is in memory besides. */
#ifndef APS_SYNC_ENTITY_ORDER_H
#define APS_SYNC_ENTITY_ORDER_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

struct aps_entity_order {
	struct aps_buf entries; /* struct aps_ordered_entry, in the order of their numbers */
	struct aps_buf records; /* uint64_t: of all entries, one behind the other */
	size_t n_lost;          /* of `records`: of entries that have ended */
	size_t n_started;
	bool is_settled; /* none that is held may start, as long as none ends */
};

APS_BEGIN_DECLS

void aps_entity_order_init(struct aps_entity_order *order);
void aps_entity_order_clear(struct aps_entity_order *order);
/* The next entry of the queue, which isn't started yet; numbers only grow. */
enum aps_rc aps_entity_order_add(struct aps_entity_order *order, uint64_t number, const uint64_t *records, size_t n,
                                 struct aps_err *err);
/* The same for one that was started already. */
enum aps_rc aps_entity_order_add_started(struct aps_entity_order *order, uint64_t number, const uint64_t *records,
                                         size_t n, struct aps_err *err);
/* *number: the lowest one that may start now, and counts as started from now on; 0: none. */
enum aps_rc aps_entity_order_start(struct aps_entity_order *order, uint64_t *number, struct aps_err *err);
/* It isn't sent after all: it is as before. */
void aps_entity_order_step_back(struct aps_entity_order *order, uint64_t number);
/* It is in the queue no more, started or not. One that isn't known is ignored. */
void aps_entity_order_end(struct aps_entity_order *order, uint64_t number);
size_t aps_entity_order_count(const struct aps_entity_order *order);

APS_END_DECLS

#endif
