/* Who looks for a record by the id that the application gave it, with getTodo(id: temporary), finds the service's own
 * from the answer on. A field with that argument is kept as one that refers to it. */
#ifndef APS_CACHE_ID_ALIAS_H
#define APS_CACHE_ID_ALIAS_H

#include "cache/policies.h"
#include "cache/write.h"

APS_BEGIN_DECLS

/* For the fields that have a lookup of the record's type by one argument, unless such a field is known. Failures are
 * in write->err. */
void aps_alias_write(struct aps_cache_write *write, const struct aps_policies *policies, const struct aps_entry *from,
                     const struct aps_entry *to);
/* For a field that a layer has made, if its value is a temporary record of these pairs (cache/id_pairs.h), and its one
 * argument the id of that. It shows its base. */
void aps_alias_keep(struct aps_cache_write *write, const struct aps_layer_patch *patch, const struct aps_buf *pairs);

APS_END_DECLS

#endif
