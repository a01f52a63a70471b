/* What is in a store's file, as JSON text for people and programs; from a connection of its own that only reads, beside
 * whoever has the file open:
 *
 *   {"version":3,"bytes":…,"free_bytes":…,"log_bytes":…,"partitions":[
 *     {"key_prefix":"","identity":"","is_dropped":false,"bytes":…,
 *      "rows":…,"layers":…,"records":…,"evicted":…,"emptied":…,"damaged":…,"damaged_names":…,
 *      "types":[{"type":"Post","records":…,"bytes":…}],"fields":…,"long_lists":…,"references":…,"broken_references":…,
 *      "roots":…,"root_fields":[{"field":"listPosts({\"limit\":10})","bytes":…,"references":…}],
 *      "layers":…,"patches":…,"collectable":{"records":…,"bytes":…}, and what
 *      store/inspect_syncs.h says}],
 *   and what store/inspect_outbox.h says}
 *
 * evicted: by the application; emptied: for want of room, or for their age; damaged_names: of fields, which are shown
 * as
 * "(damaged name 3)"; root_fields: the first 1,000 of `roots`; collectable: what a collection would take that knows of
 * nothing that is retained or watched. */
#ifndef APS_STORE_INSPECT_H
#define APS_STORE_INSPECT_H

#include "base/buf.h"

APS_BEGIN_DECLS

/* Appends it. E_STORAGE: there is no store, or a damaged one (word "corrupt"), one of a newer version ("newer"), one of
 * another application; E_NOMEM. */
enum aps_rc aps_inspect_store(const char *path, struct aps_buf *json, struct aps_err *err);

APS_END_DECLS

#endif
