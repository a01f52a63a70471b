/* Pages of AppSync's connections, {items, nextToken}, as one list: a page that was asked for by a token is appended to
 * what is there, a first page replaces it. */
#ifndef APS_CACHE_PAGES_H
#define APS_CACHE_PAGES_H

#include "cache/patch.h"

APS_BEGIN_DECLS

/* Appends `page`, an OBJECT, with the items of `known` before its own, as far as they aren't among them. `items`: the
 * number of that name. Where either is no connection: `page` as it is. E_NOMEM, and what the backing says. */
enum aps_rc aps_pages_append(struct aps_buf *out, const struct aps_cell *known, const struct aps_cell *page,
                             uint32_t items, struct aps_entries *entries, struct aps_err *err);

APS_END_DECLS

#endif
