/* What a record is called: "Post:1", "Comment:{\"postId\":\"1\",\"at\":2}", by the key fields of its type. One key
 * field gives the short form (apollo-cache-inmemory 1.6, dataIdFromObject), several the long one, in the order in which
 * they were given; a Query is the root (@apollo/client 3, policies.ts). */
#ifndef APS_CACHE_IDENTITY_H
#define APS_CACHE_IDENTITY_H

#include "base/buf.h"
#include "cache/cell.h"
#include "cache/policies.h"

/* Gives the value of a field of the object, or of what it embeds or refers to ("author.name"); false: it isn't there.
 */
typedef bool aps_identity_get(void *object, struct aps_str path, struct aps_cell *value);

APS_BEGIN_DECLS

/* Appends the identity. False: it has none, and `out` is as it was. */
bool aps_identity_of(struct aps_buf *out, const struct aps_policies *policies, struct aps_str type,
                     aps_identity_get *get, void *object);

APS_END_DECLS

#endif
