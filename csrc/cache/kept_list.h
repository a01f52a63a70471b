/* A list that one of the core's own features keeps (cache/synced_list.h), where responses of others are written: what
 * they say of it isn't taken. A mark beside it, a field of the core's own, tells that nobody has written over it while
 * the feature wasn't there. */
#ifndef APS_CACHE_KEPT_LIST_H
#define APS_CACHE_KEPT_LIST_H

#include "cache/list_place.h"
#include "cache/selection.h"

/* What is set aside while a response is written. Zero-initialise it. */
struct aps_kept_list {
	bool is_aside;
	struct aps_buf field; /* the root's field, whole: a cell */
	struct aps_buf items; /* likewise the list, */
	struct aps_buf token; /* and the token beside it; empty: there was none */
};

/* How the list stands. */
enum aps_kept_list_state {
	APS_KEPT_LIST_IS_WHOLE,
	APS_KEPT_LIST_IS_OTHERS, /* somebody has written over it, or it has gone */
	APS_KEPT_LIST_IS_NONE,   /* no list stands there, and none did */
};

APS_BEGIN_DECLS

/* All of these belong to an open write to the base; failures are in it. `token`: the field beside the list that asks
 * for its next page; its field empty: there is none. */

/* Before the response is written. Where it has nothing of the list, or there is none that is marked, nothing is set
 * aside. */
void aps_kept_list_set_aside(struct aps_cache_write *write, struct aps_binding *binding,
                             const struct aps_list_place *place, const struct aps_list_place *token,
                             struct aps_kept_list *list);
/* Afterwards: the list is what it was, and its mark. */
void aps_kept_list_put_back(struct aps_cache_write *write, const struct aps_list_place *place,
                            const struct aps_list_place *token, struct aps_kept_list *list);
/* Twice is legal. */
void aps_kept_list_clear(struct aps_kept_list *list);

/* Now and then again: the core's own fields leave once nobody has written them for long (cache/collect.h). */
void aps_kept_list_mark(struct aps_cache_write *write, const struct aps_list_place *place);
/* Of the root's fields that the operation selects. */
void aps_kept_lists_unmark(struct aps_cache_write *write, struct aps_binding *binding);
/* `write` needn't be open. */
enum aps_kept_list_state aps_kept_list_look(struct aps_cache_write *write, const struct aps_list_place *place);

APS_END_DECLS

#endif
