/* What a call or a subscription asks: one operation of a document with its variables. It is known by that from the
 * application's thread to the core's; what is sent is rendered from it (proto/gqlhttp.h). Nothing changes it between
 * init and clear. */
#ifndef APS_PROTO_OPERATION_H
#define APS_PROTO_OPERATION_H

#include "gql/document.h"

struct aps_operation {
	struct aps_gql_document *document;          /* a reference of its own; NULL: cleared */
	const struct aps_gql_operation *definition; /* in the document */
	bool has_typenames;                         /* is sent with __typename added to its selection sets */
	char *variables;                            /* JSON text of an object, never empty; owned */
	size_t n_variables_bytes;
	uint64_t hash; /* of document, name, typenames and variables; equal operations have equal ones */
};

APS_BEGIN_DECLS

/* Takes a reference of the document and copies `variables`, the JSON text of an object or nothing at all. E_NOMEM. */
enum aps_rc aps_operation_init(struct aps_operation *operation, struct aps_gql_document *document,
                               const struct aps_gql_operation *definition, bool has_typenames, struct aps_str variables,
                               struct aps_err *err);
void aps_operation_clear(struct aps_operation *operation);

/* The document in canonical print, as it is sent. */
struct aps_str aps_operation_text(const struct aps_operation *operation);
struct aps_str aps_operation_variables(const struct aps_operation *operation);
/* The service would be asked the same, word for word: canonical print, name, variables. */
bool aps_operation_is_same(const struct aps_operation *a, const struct aps_operation *b);

APS_END_DECLS

#endif
