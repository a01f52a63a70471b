/* The key of a record, "Todo:1" or "Post:{\"blogId\":\"b\",\"slug\":\"s\"}", taken apart again: what
 * csrc/cache/identity.h made it from. */
#ifndef APS_SYNC_IDENTITY_FIELDS_H
#define APS_SYNC_IDENTITY_FIELDS_H

#include "base/arena.h"

struct aps_identity_field {
	struct aps_str name;
	struct aps_str value; /* JSON: a string, number, boolean or null */
};

APS_BEGIN_DECLS

/* Of "Todo:1" the "Todo"; empty where there is no colon. */
struct aps_str aps_identity_type(struct aps_str key);
/* What is behind the first colon; the whole key where there is none. */
struct aps_str aps_identity_tail(struct aps_str key);
/* The fields by which the record is known, in the order of `names`: the key fields of its type, or none, which is `id`.
 * A key of one field doesn't tell a number from a string: it gives a string. The fields live in `arena`, texts may
 * point into the key and into `names`. E_USAGE: the key is of other fields; E_NOMEM. */
enum aps_rc aps_identity_fields_of(struct aps_str key, const struct aps_str *names, size_t n_names,
                                   struct aps_arena *arena, struct aps_identity_field **fields, struct aps_err *err);

APS_END_DECLS

#endif
