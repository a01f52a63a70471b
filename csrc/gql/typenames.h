/* Which selection sets get a __typename: all but the root ones. */
#ifndef APS_GQL_TYPENAMES_H
#define APS_GQL_TYPENAMES_H

#include "gql/fragments.h"

APS_BEGIN_DECLS

/* Marks the root selection sets of a document. For a subscription that includes the fragments in them: it must have a
 * single root field, and __typename isn't allowed to be it (GraphQL October 2021, section 5.2.3.1). */
void aps_gql_typenames_mark(struct aps_gql_node *document, const struct aps_gql_fragments *fragments);
/* True when the selection set of this operation, fragment or field is none of those and holds no __typename yet. */
bool aps_gql_wants_typename(const struct aps_gql_node *owner);

APS_END_DECLS

#endif
