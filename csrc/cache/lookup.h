/* Fields whose arguments identify a record: getPost(id: 1) finds what listPosts brought (cache.lookups). */
#ifndef APS_CACHE_LOOKUP_H
#define APS_CACHE_LOOKUP_H

#include "cache/selection.h"

APS_BEGIN_DECLS

/* Appends the key of the record, "RPost:1". False: the field isn't one of these, or its arguments don't tell, or memory
 * is out (out->rc). */
bool aps_lookup_key(struct aps_buf *out, struct aps_binding *binding, const struct aps_selection_field *field);
/* The same for a field of a view, which keeps it; empty: there is none. p NULL: memory is out. */
struct aps_str aps_lookup_kept_key(struct aps_binding *binding, struct aps_selection_field *field);

APS_END_DECLS

#endif
