/* Where a list stands that one of the core's own features keeps: in a field of the root query, or in objects embedded
 * there. What the service has said of it, without layers. */
#ifndef APS_CACHE_LIST_PLACE_H
#define APS_CACHE_LIST_PLACE_H

#include "cache/cell.h"
#include "cache/write.h"

#define APS_LIST_PLACE_MAX_PATH 8

/* All are borrowed. */
struct aps_list_place {
	struct aps_str field; /* of ROOT_QUERY, as the cache names it, with its arguments */
	bool is_apart;        /* it has some: it is an entry of its own */
	/* The fields of embedded objects that lead from there to it, as the cache names them. */
	const struct aps_str *path;
	size_t n_path;
};

APS_BEGIN_DECLS

/* A field that isn't the service's but the core's own: its name ends with "~" and letters, as no other's does. What
 * stands there, and the records in it, are kept (cache/collect.h). */
bool aps_list_place_is_own(struct aps_str field);
/* What stands there, borrowed until the write changes it. False: nothing, or a failure of the write. */
bool aps_list_place_find(struct aps_cache_write *write, const struct aps_list_place *place, struct aps_cell *value);
/* This value (a cell) stands there from now on; objects on the way are made where there are none. Of what it replaces
 * nothing else is dropped. Empty: nothing does, and `place` has no path. */
void aps_list_place_set(struct aps_cache_write *write, const struct aps_list_place *place, struct aps_str value);

APS_END_DECLS

#endif
