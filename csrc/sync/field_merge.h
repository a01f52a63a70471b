/* A field that was changed here and at the service, of which the application has said what is to become of it. Pure. */
#ifndef APS_SYNC_FIELD_MERGE_H
#define APS_SYNC_FIELD_MERGE_H

#include "base/arena.h"

/* X(NAME, "name") */
#define APS_FIELD_MERGE_MAP(X)                                                                                         \
	X(ASK, "ask") /* nothing: it is a conflict */                                                                  \
	X(CLIENT, "client")                                                                                            \
	X(SERVER, "server")                                                                                            \
	X(MAX, "max") /* numbers by value, texts by bytes; one that is there before one that isn't */                  \
	X(MIN, "min")                                                                                                  \
	X(SUM_DELTA, "sum_delta")     /* what was added here is added there; nothing counts as 0 */                    \
	X(UNION, "union")             /* lists: what either has, once */                                               \
	X(APPEND_ONCE, "append_once") /* lists: the service's, then what was added here and it hasn't */

enum aps_field_merge {
#define APS_FIELD_MERGE_ENUM(name, text) APS_FIELD_MERGE_##name,
	APS_FIELD_MERGE_MAP(APS_FIELD_MERGE_ENUM)
#undef APS_FIELD_MERGE_ENUM
	        APS_FIELD_MERGE_COUNT
};

/* JSON texts; empty or null: none. */
struct aps_field_versions {
	struct aps_str base;   /* before both changes */
	struct aps_str local;  /* changed here */
	struct aps_str remote; /* the service's */
};

APS_BEGIN_DECLS

const char *aps_field_merge_name(enum aps_field_merge rule);
/* False: there is no such word. */
bool aps_field_merge_find(struct aps_str word, enum aps_field_merge *rule);
/* Whether it is used also where both sides have the same new value. */
bool aps_field_merge_counts_twice(enum aps_field_merge rule);
/* *merged: one of the texts, one in the arena, or "null". What the rule can't be used for (the sum of texts) is the
 * local one. `rule` isn't ASK. E_NOMEM, E_TOO_BIG. */
enum aps_rc aps_field_merge(enum aps_field_merge rule, const struct aps_field_versions *versions,
                            struct aps_arena *arena, struct aps_str *merged, struct aps_err *err);

APS_END_DECLS

#endif
