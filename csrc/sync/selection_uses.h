/* What a selection set needs beside itself to be a document: the fragments that it includes, at any depth, and the
 * variables that it and they use. */
#ifndef APS_SYNC_SELECTION_USES_H
#define APS_SYNC_SELECTION_USES_H

#include "base/map.h"
#include "gql/document.h"

struct aps_selection_uses {
	struct aps_map variables; /* by name, without '$' */
	struct aps_map fragments; /* by name */
};

APS_BEGIN_DECLS

/* `items`: the selections. Needs a clear() in any case. E_NOMEM. */
enum aps_rc aps_selection_uses_init(struct aps_selection_uses *uses, const struct aps_gql_document *document,
                                    const struct aps_gql_node *items, struct aps_err *err);
void aps_selection_uses_clear(struct aps_selection_uses *uses);
bool aps_selection_uses_variable(const struct aps_selection_uses *uses, struct aps_str name);
bool aps_selection_uses_fragment(const struct aps_selection_uses *uses, struct aps_str name);

APS_END_DECLS

#endif
