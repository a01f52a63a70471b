/* The fields of one selection set, those of its fragments too. */
#ifndef APS_SYNC_LEVEL_FIELDS_H
#define APS_SYNC_LEVEL_FIELDS_H

#include "gql/document.h"

struct aps_level_field {
	const struct aps_gql_node *node;
	struct aps_level_field *next;
};

APS_BEGIN_DECLS

/* Appends those of the selections `items` to *list, which lives in `arena`. Each fragment is entered once, whatever its
 * conditions are; fields of fragments that have a name come behind the others. E_NOMEM. */
enum aps_rc aps_level_fields_add(struct aps_level_field **list, const struct aps_gql_document *document,
                                 const struct aps_gql_node *items, struct aps_arena *arena, struct aps_err *err);

APS_END_DECLS

#endif
