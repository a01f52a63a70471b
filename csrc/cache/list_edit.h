/* How one list of references becomes another one, as edits that still make sense on a third. */
#ifndef APS_CACHE_LIST_EDIT_H
#define APS_CACHE_LIST_EDIT_H

#include "cache/cell.h"

APS_BEGIN_DECLS

/* Appends the edits (cache/patch.h) that make `now` of `former`, both items one behind the other. An item that only
 * moved goes and comes. Nothing where they are equal. *is_exact false, and nothing: something in them isn't a
 * reference, or is there twice, and edits couldn't tell which is meant. E_NOMEM. */
enum aps_rc aps_list_edit_make(struct aps_buf *out, struct aps_str former, struct aps_str now, bool *is_exact,
                               struct aps_err *err);
/* Appends `items` as the edits leave them, and tells how many there are. E_NOMEM; E_STORAGE: something is damaged. */
enum aps_rc aps_list_edit_apply(struct aps_buf *out, struct aps_str items, struct aps_str edits, uint64_t *n_items,
                                struct aps_err *err);

APS_END_DECLS

#endif
