/* What a partition's delta syncs keep, for store/inspect.h:
 *
 *   "syncs":[{"name":"0badcafe","is_damaged":false,"last_sync":…,"base":…,"records":…,"is_truncated":false,
 *     "pass":{"query":"base","records":…,"pages":…},"tombstones":…,"quarantined":…}]
 *
 * last_sync: changes up to then are known; base: when the first page of the last complete base pass was made; both in
 * milliseconds of the service's clock, or null; records: of that pass; pass: what is under way, or null. is_damaged:
 * all of that can't be read, and the sync begins anew. The first 1,000. */
#ifndef APS_STORE_INSPECT_SYNCS_H
#define APS_STORE_INSPECT_SYNCS_H

#include "codec/json_writer.h"
#include "store/db.h"

APS_BEGIN_DECLS

/* A member of the object that is being written. */
enum aps_rc aps_inspect_syncs(struct aps_db *db, int64_t part, struct aps_json_writer *w, struct aps_err *err);

APS_END_DECLS

#endif
