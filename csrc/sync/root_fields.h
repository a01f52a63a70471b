/* What an operation asks for at its root, in fragments too. Conditions (`@skip`, `@include`) count for nothing, and
 * neither does what tells the name of the root's type. */
#ifndef APS_SYNC_ROOT_FIELDS_H
#define APS_SYNC_ROOT_FIELDS_H

#include "gql/document.h"

APS_BEGIN_DECLS

/* A field that is written twice is answered once, and counts once; of more than 16 fields each counts. UINT_MAX: there
 * is no memory to count them. */
unsigned aps_root_fields_count(const struct aps_gql_document *document, const struct aps_gql_operation *operation);
/* The response key of the first one, of those that stand in no fragment before the others. Empty: there is none, or no
 * memory to find it. */
struct aps_str aps_root_fields_first(const struct aps_gql_document *document,
                                     const struct aps_gql_operation *operation);
/* The name of that field: it may be answered under another one. */
struct aps_str aps_root_fields_first_name(const struct aps_gql_document *document,
                                          const struct aps_gql_operation *operation);
/* Whether this response key is one that tells the name of the root's type: as it is written, or added to a fragment
 * when it is sent (gql/typenames.h). Without memory it is the one that is added. */
bool aps_root_fields_tells_type(const struct aps_gql_document *document, const struct aps_gql_operation *operation,
                                struct aps_str key);

APS_END_DECLS

#endif
