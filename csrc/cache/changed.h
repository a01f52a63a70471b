/* What has changed since something was read: the numbers of entries, and the hashes of keys that may be somewhere by
 * now. A set: asked much more often than it is filled. */
#ifndef APS_CACHE_CHANGED_H
#define APS_CACHE_CHANGED_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aps_changed {
	uint64_t *slots; /* 0: empty */
	size_t n_slots;  /* a power of two */
	size_t n;
	uint64_t seen; /* a bit for each of the lowest six bits that are in it: most questions end here */
	bool is_all;   /* anything may have changed */
};

#define APS_CHANGED_BIT(number) (UINT64_C(1) << ((number)&63))

APS_BEGIN_DECLS

void aps_changed_clear(struct aps_changed *changed); /* empty, and without memory; twice is legal */
/* `number`: an entry or a hash; 0 is none. Without memory everything counts as changed. */
void aps_changed_add(struct aps_changed *changed, uint64_t number);
bool aps_changed_is_empty(const struct aps_changed *changed);
bool aps_changed_has(const struct aps_changed *changed, uint64_t number);

APS_END_DECLS

#endif
