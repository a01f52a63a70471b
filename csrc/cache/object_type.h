/* The type that an object of a response, or of the application's data, tells of itself. */
#ifndef APS_CACHE_OBJECT_TYPE_H
#define APS_CACHE_OBJECT_TYPE_H

#include "base/arena.h"
#include "codec/json_reader.h"

APS_BEGIN_DECLS

/* The __typename of the object that was just opened, which may be a copy in `arena`; empty: it has none. The reader
 * stays where it is. False: no memory. */
bool aps_object_type(const struct aps_json_reader *r, struct aps_arena *arena, struct aps_str *type);

APS_END_DECLS

#endif
