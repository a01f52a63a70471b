/* The fragments of one document: found by name, and what they include checked. */
#ifndef APS_GQL_FRAGMENTS_H
#define APS_GQL_FRAGMENTS_H

#include "base/err.h"
#include "gql/ast.h"

struct aps_gql_fragments {
	struct aps_gql_node **sorted; /* by name; in the arena */
	size_t n;
};

APS_BEGIN_DECLS

/* The index lives in `arena`. E_SYNTAX for two fragments with one name, for one that is included and not defined
 * (GraphQL October 2021, sections 5.5.1.1 and 5.5.2.1), for a circle of fragments (5.5.2.2); E_NOMEM. */
enum aps_rc aps_gql_fragments_init(struct aps_gql_fragments *fragments, const struct aps_gql_node *document,
                                   struct aps_arena *arena, struct aps_gql_place *place, struct aps_err *err);
/* NULL when there is none. */
struct aps_gql_node *aps_gql_fragments_find(const struct aps_gql_fragments *fragments, struct aps_str name);

APS_END_DECLS

#endif
