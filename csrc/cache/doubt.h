/* Fields of a record of which the service may know other values: a subscription's event had a null where something is
 * known, which may mean that the mutation didn't select it. A query that reads one asks, until an answer has said it.
 * They are kept in the record, also over a restart, as a field that no service has: the first one, of no name, a text
 * of the numbers of their names (those with arguments: 0, and the name with its length). Nobody who watches is told. */
#ifndef APS_CACHE_DOUBT_H
#define APS_CACHE_DOUBT_H

#include "cache/cell.h"
#include "cache/selection.h"

APS_BEGIN_DECLS

/* Whether this field of a record is that one. */
bool aps_doubts_are(const struct aps_cell_field *field);
/* The doubts of a record's fields; false: there are none. */
bool aps_doubts_find(struct aps_str fields, struct aps_str *doubts);
/* Whether a selection reads one of them. */
bool aps_doubts_concern(struct aps_str doubts, const struct aps_selection_view *view);

/* Appends one to a list of them, unless it is there. `key`: of a field with arguments, whose number is 0. */
void aps_doubts_add(struct aps_buf *list, uint32_t number, struct aps_str key);
/* Takes it out of the list. */
void aps_doubts_remove(struct aps_buf *list, uint32_t number, struct aps_str key);
/* Appends the field to those of a record, of which it is the first; nothing where there are none. */
void aps_doubts_put(struct aps_buf *fields, struct aps_str doubts);
/* Appends a record's fields with these doubts in the place of those that they have. */
void aps_doubts_replace(struct aps_buf *out, struct aps_str fields, struct aps_str doubts);
/* aps_doubts_put() of those in the `known` field's value that `given`, fields of a record, doesn't say. True: these
 * aren't all.
 */
bool aps_doubts_put_without(struct aps_buf *fields, const struct aps_cell *known, struct aps_str given);

APS_END_DECLS

#endif
