/* What a function of the application has made of the two values of a field, the known and the new one, becomes the
 * field's value. */
#ifndef APS_CACHE_MERGE_RESULT_H
#define APS_CACHE_MERGE_RESULT_H

#include "cache/merge.h"

APS_BEGIN_DECLS

/* `result`: JSON text; `incoming`: the new value, which tells which lists are lists, and is taken where no field can
 * have the result. *err: a failure that isn't the write's. */
void aps_merge_result(struct aps_merge *merge, struct aps_entry *entry, struct aps_str result, struct aps_str incoming,
                      struct aps_err *err);

APS_END_DECLS

#endif
