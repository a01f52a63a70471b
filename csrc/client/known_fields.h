/* What the cache knows of one record. @thread core */
#ifndef APS_CLIENT_KNOWN_FIELDS_H
#define APS_CLIENT_KNOWN_FIELDS_H

#include "cache/cell.h"
#include "client/partition.h"

#define APS_KNOWN_FIELDS 64

struct aps_known_fields {
	struct aps_str names[APS_KNOWN_FIELDS];
	size_t n;
};

APS_BEGIN_DECLS

/* The value of a field without arguments of the record of this key ("Todo:1"), below all optimistic layers. *is_known
 * false: there is none. What it points to is borrowed until the cache is used again. */
enum aps_rc aps_known_field(struct aps_partition *partition, struct aps_str key, struct aps_str name,
                            struct aps_cell *value, bool *is_known, struct aps_err *err);
/* Those members of an object (JSON) that are such fields, and leaves, so that a query may ask for them; no more than
 * APS_KNOWN_FIELDS. Their names are in the arena. */
enum aps_rc aps_known_fields_among(struct aps_partition *partition, struct aps_str key, struct aps_str object,
                                   struct aps_arena *arena, struct aps_known_fields *fields, struct aps_err *err);

APS_END_DECLS

#endif
