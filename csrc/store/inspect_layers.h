/* The optimistic layers of mutations in a store's file, for store/inspect_outbox.h. */
#ifndef APS_STORE_INSPECT_LAYERS_H
#define APS_STORE_INSPECT_LAYERS_H

#include "codec/json_writer.h"
#include "store/db.h"

APS_BEGIN_DECLS

/* The member "layer":{"changes":…} of the mutation with this number; nothing where it has none. changes: of how many
 * records it says something. */
enum aps_rc aps_inspect_put_layer(struct aps_db *db, struct aps_json_writer *w, int64_t number, struct aps_err *err);
/* The member "answered_layers":[{"id":…,"changes":…}]: of mutations that have their answers, and wait for the
 * application's `update`; the first 1,000. */
enum aps_rc aps_inspect_put_answered(struct aps_db *db, struct aps_json_writer *w, uint32_t nonce, struct aps_err *err);

APS_END_DECLS

#endif
