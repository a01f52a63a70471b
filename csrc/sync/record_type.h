/* The type of the record that a mutation's root field gives, as far as it can be told without a schema. */
#ifndef APS_SYNC_RECORD_TYPE_H
#define APS_SYNC_RECORD_TYPE_H

#include "gql/ast.h"

APS_BEGIN_DECLS

/* The __typename that the optimistic response (JSON of its data; empty: there is none) has for the root field; else the
 * field's name without its verb (sync/operation_kind.h): createTodo and create_todo give Todo. Empty: neither tells, or
 * it gives a list in the response. *type points into the arena. E_SYNTAX and E_DEPTH of the response, E_NOMEM. */
enum aps_rc aps_record_type_of(struct aps_str optimistic, const struct aps_gql_node *root_field,
                               struct aps_arena *arena, struct aps_str *type, struct aps_err *err);

APS_END_DECLS

#endif
