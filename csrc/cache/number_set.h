/* A set of entry numbers: a bit for each, in pages that are made when they are needed. A million neighbours take 128
 * KB; numbers are never given twice, so those of an old store lie far from zero and from one another. */
#ifndef APS_CACHE_NUMBER_SET_H
#define APS_CACHE_NUMBER_SET_H

#include "base/macros.h"

#include <stdbool.h>

struct aps_number_page;

struct aps_number_set {
	struct aps_number_page **pages;
	size_t n_pages;
	size_t n_members;
};

#define APS_NUMBER_SET_MAX (UINT64_C(1) << 36)

APS_BEGIN_DECLS

/* Zero-initialize it before its first use. Twice is legal; it can be used again. */
void aps_number_set_clear(struct aps_number_set *set);
bool aps_number_set_has(const struct aps_number_set *set, uint64_t number);
/* *is_new, unless NULL: it wasn't one. False: memory is out, which grows with the highest; a number above
 * APS_NUMBER_SET_MAX can only come from a damaged file. */
bool aps_number_set_add(struct aps_number_set *set, uint64_t number, bool *is_new);
void aps_number_set_remove(struct aps_number_set *set, uint64_t number);
/* The lowest member that is above `after`; 0: there is none. */
uint64_t aps_number_set_next(const struct aps_number_set *set, uint64_t after);

APS_END_DECLS

#endif
