/* Fields of a record as JSON for the application, which may change them (cache/edit_value.h). */
#ifndef APS_CACHE_FIELD_TEXT_H
#define APS_CACHE_FIELD_TEXT_H

#include "cache/cell.h"
#include "cache/write.h"

APS_BEGIN_DECLS

/* Appends a list with three items for each field of a record that has this name, or for the one that has it with these
 * arguments: the field with its arguments, whether it is an entry of its own, its value. `key` and `field` as in
 * aps_evict(). What refers to a record that the store doesn't have is left out of a list; elsewhere it is null.
 * E_NOMEM, E_STORAGE: something is damaged; what the backing says. */
enum aps_rc aps_field_text(struct aps_buf *out, struct aps_cache *cache, struct aps_str key, struct aps_str field,
                           struct aps_err *err);

/* Appends one value in that form. */
enum aps_rc aps_field_value_text(struct aps_buf *out, struct aps_cache *cache, const struct aps_cell *value,
                                 struct aps_err *err);

APS_END_DECLS

#endif
