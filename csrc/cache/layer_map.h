/* A mutation was answered, and its layer lies there until what becomes of the answer is known. Until then what layers
 * say of a record by the id that the application gave it is said of the record that the service made:
 *
 *   record Todo:temporary     its fields, but those that identify it                               --> Todo:1
 *   field of it               F17.comments(…)                                                     --> F23.comments(…)
 *   reference to it           in fields, lists, edits of lists                                      --> to Todo:1
 *
 * in the layer itself and in all others, for good: the temporary record is nowhere from then on. What the answered
 * layer says of a field, and the layer that made the record, yields to what the service says of it. */
#ifndef APS_CACHE_LAYER_MAP_H
#define APS_CACHE_LAYER_MAP_H

#include "cache/policies.h"
#include "cache/write.h"

APS_BEGIN_DECLS

/* In the write to the base that has the answer: `answered` is whole, `came`: struct aps_identified. Layers that say
 * something of a temporary record are loaded for that, and no others. Appends to `mapped` (NULL: nobody asks) the type,
 * the temporary id and the service's own of each, as texts after their lengths (v of cache/cell.h). Failures are in
 * write->err. */
void aps_layers_follow(struct aps_cache_write *write, const struct aps_policies *policies, struct aps_layer *answered,
                       struct aps_buf *came, struct aps_buf *mapped);

APS_END_DECLS

#endif
