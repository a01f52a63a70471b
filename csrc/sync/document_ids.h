/* The ids that a mutation's document itself names, beside those in its variables (sync/named_ids.h). */
#ifndef APS_SYNC_DOCUMENT_IDS_H
#define APS_SYNC_DOCUMENT_IDS_H

#include "gql/document.h"
#include "sync/named_ids.h"

APS_BEGIN_DECLS

/* Literals among the arguments of the root fields, by the name of the argument or input field that has them, and in the
 * defaults of variables that `variables` (JSON text) doesn't have: by the variable's name, or of type ID. E_NOMEM. */
enum aps_rc aps_document_ids_scan(const struct aps_gql_document *document, const struct aps_gql_operation *operation,
                                  struct aps_str variables, aps_named_ids_sink *sink, void *context,
                                  struct aps_err *err);

APS_END_DECLS

#endif
