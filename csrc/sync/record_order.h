/* Which of two states of a record is newer, by the values of its version field. */
#ifndef APS_SYNC_RECORD_ORDER_H
#define APS_SYNC_RECORD_ORDER_H

#include "base/str.h"

enum aps_record_order {
	APS_RECORD_OLDER,
	APS_RECORD_SAME,
	APS_RECORD_NEWER,
	APS_RECORD_UNORDERED /* they can't be compared, or one has none: the order in which they come holds */
};

APS_BEGIN_DECLS

/* Of `a` against `b`, both JSON texts of one value, or empty. Numbers, and texts that are integers, compare by value,
 * whatever their length; texts that are date-times (RFC 3339) by the moment, those without an offset among themselves.
 * Other texts ("v1.10", a UUID, a hash) have no order: they are the same or they aren't. */
enum aps_record_order aps_record_order(struct aps_str a, struct aps_str b);

APS_END_DECLS

#endif
