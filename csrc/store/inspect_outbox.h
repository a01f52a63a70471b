/* The mutations in a store's file, for store/inspect.h:
 *
 *   "outbox":{"size":…,"damaged":…,
 *     "lanes":[{"key_prefix":"","identity":"","mode":"API_KEY","queued":…,"sending":…}],
 *     "entries":[{"id":"0badcafe-12","identity":"","mode":"API_KEY","mutation":"createPost","state":"queued",
 *       "created":…,"attempts":…,"layer":{"changes":…}}]},
 *   "dead_letters":{"size":…,"damaged":…,
 *     "entries":[{"id":…,"identity":…,"mode":…,"mutation":…,"outcome":"refused","blocked_by":null,"created":…,"died":…,
 *       "attempts":…,"cause":{…}}]},
 *   "outcomes":{"count":…,"untold":…},
 *   "id_map":{"count":…,"pairs":[{"temporary":"…","made":null,"maker":"0badcafe-12"}],"damaged":…}
 *   "answered_layers":[{"id":"0badcafe-12","changes":…}]
 *
 * mutation: its root field, or the operation's name where the document tells none; created, died: Unix time in
 * milliseconds; identity null: its owner is lost; layer:
 * its optimistic one, where it has one (store/inspect_layers.h). The first 1,000 entries of each, the first 100 pairs.
 */
#ifndef APS_STORE_INSPECT_OUTBOX_H
#define APS_STORE_INSPECT_OUTBOX_H

#include "codec/json_writer.h"
#include "store/db.h"

APS_BEGIN_DECLS

/* Members of the object that is being written. */
enum aps_rc aps_inspect_outbox(struct aps_db *db, struct aps_json_writer *w, struct aps_err *err);

APS_END_DECLS

#endif
