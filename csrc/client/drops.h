/* Parts that are dropped while a store is in memory: they are dropped in its file as well, once it is back. @thread
 * core
 */
#ifndef APS_CLIENT_DROPS_H
#define APS_CLIENT_DROPS_H

#include "base/buf.h"
#include "store/parts.h"

APS_BEGIN_DECLS

/* E_NOMEM: nothing was added. */
enum aps_rc aps_drops_add(struct aps_buf *drops, const char *prefix, const char *identity, enum aps_part_drop how,
                          struct aps_err *err);
enum aps_rc aps_drops_repeat(const struct aps_buf *drops, struct aps_db *file, struct aps_err *err);

APS_END_DECLS

#endif
