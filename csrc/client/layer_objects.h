/* What the layer of a queued mutation is about: the records that its response makes or shows. @thread core */
#ifndef APS_CLIENT_LAYER_OBJECTS_H
#define APS_CLIENT_LAYER_OBJECTS_H

#include "client/partition.h"

APS_BEGIN_DECLS

/* Appends, as texts after their lengths (v of cache/cell.h), the id and the key ("Todo:…") of each object of the
 * layer's response that nobody but layers knows, and whose id is like a UUID: it stands for one that the service will
 * give. */
enum aps_rc aps_partition_layer_temporary(struct aps_partition *partition, uint64_t id, struct aps_buf *out,
                                          struct aps_err *err);
/* Appends likewise the keys of the objects that stand at fields of its root, and not in lists. */
enum aps_rc aps_partition_layer_roots(struct aps_partition *partition, uint64_t id, struct aps_buf *out,
                                      struct aps_err *err);

APS_END_DECLS

#endif
