/* How long a record is good: types that expire (aps_type_policy.ttl_ms) keep when their records came, in a field that
 * no service has. It is about the record as a whole, whichever of its fields came last; nobody who watches it is told.
 */
#ifndef APS_CACHE_FRESHNESS_H
#define APS_CACHE_FRESHNESS_H

#include "base/buf.h"
#include "cache/cell.h"
#include "cache/policies.h"

/* The number of its name: higher than any other, so that it comes last. */
#define APS_NAME_CAME UINT32_MAX

APS_BEGIN_DECLS

/* Some type expires. */
bool aps_freshness_counts_at_all(const struct aps_policies *policies);
/* The type expires. */
bool aps_freshness_counts(const struct aps_policies *policies, struct aps_str type);
/* Appends the field to those of a record. `now_s`: Unix time. */
void aps_freshness_put(struct aps_buf *fields, int64_t now_s);
/* The record is older than its type allows, or nobody knows how old it is. A time that is to come is one of a clock
 * that was wrong. */
bool aps_freshness_is_over(const struct aps_policies *policies, struct aps_str type, struct aps_str fields,
                           int64_t now_s);

APS_END_DECLS

#endif
