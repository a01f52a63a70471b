/* The list of records that a delta sync keeps: in the root query's field, in objects below it ("items"), or by itself
 * while a pass collects it. The service's side only: optimistic layers lie over it as they do over anything. */
#ifndef APS_CACHE_SYNCED_LIST_H
#define APS_CACHE_SYNCED_LIST_H

#include "cache/list_place.h"
#include "cache/number_set.h"

/* What is known of it, kept from one write to the next. Zero-initialise it. */
struct aps_synced_list {
	bool is_known;   /* `members` are those of the list as it stands */
	uint64_t number; /* of the long list; 0: it is short, or there is none */
	uint64_t n_items;
	struct aps_number_set members; /* entries */
};

/* A list, and where it stands. */
struct aps_list_at {
	const struct aps_list_place *place;
	struct aps_synced_list *list;
};

APS_BEGIN_DECLS

/* Twice is legal. */
void aps_synced_list_clear(struct aps_synced_list *list);
/* Somebody else may have changed it. */
void aps_synced_list_forget(struct aps_synced_list *list);

/* Whether a list of references stands there. The write needn't be open. */
bool aps_synced_list_is_at(struct aps_cache_write *write, const struct aps_list_place *place);
/* This value (a cell, borrowed) stands there from now on; the long lists in what it replaces go. Failures are in the
 * write. */
void aps_synced_list_replace(struct aps_cache_write *write, const struct aps_list_place *place, struct aps_str value);

/* All of these belong to an open write to the base, and leave the list known. What is known is looked at again where
 * another list stands there, or one of another length. *is_there false: no list of references stands there; add and
 * remove do nothing then. E_NOMEM, what the backing says; E_STORAGE, "corrupt". A failure leaves the write failed, and
 * the list unknown; after a write that is aborted, whoever has the list forgets it. */
enum aps_rc aps_synced_list_load(struct aps_cache_write *write, const struct aps_list_place *place,
                                 struct aps_synced_list *list, bool *is_there, struct aps_err *err);
/* An empty one, in the place of whatever stands there. `place` has no path. */
enum aps_rc aps_synced_list_begin(struct aps_cache_write *write, const struct aps_list_place *place,
                                  struct aps_synced_list *list, struct aps_err *err);
/* The records come last, those that it doesn't have; blocks that stay as they are aren't written. */
enum aps_rc aps_synced_list_add(struct aps_cache_write *write, const struct aps_list_place *place,
                                struct aps_synced_list *list, const uint64_t *records, size_t n_records,
                                struct aps_err *err);
/* Those that it has leave it. */
enum aps_rc aps_synced_list_remove(struct aps_cache_write *write, const struct aps_list_place *place,
                                   struct aps_synced_list *list, const uint64_t *records, size_t n_records,
                                   struct aps_err *err);
/* `from` (whose place has no path) moves to `to`, in the place of what stands there, whose blocks go; objects on the
 * way are made where there are none. Appends to `unseen` (uint64_t, the lowest first) what only the former list had;
 * NULL: nobody asks. Afterwards to.list is what stands there, and nothing stands at from.place. E_CONFLICT: there was
 * no list.
 */
enum aps_rc aps_synced_list_move(struct aps_cache_write *write, struct aps_list_at from, struct aps_list_at to,
                                 struct aps_buf *unseen, struct aps_err *err);
/* Nothing stands there any more, and its blocks go. `place` has no path. */
enum aps_rc aps_synced_list_drop(struct aps_cache_write *write, const struct aps_list_place *place,
                                 struct aps_synced_list *list, struct aps_err *err);

APS_END_DECLS

#endif
