/* The value of a field as the application gives it, and as it is given to the application (cache/field_text.h): JSON in
 * which what the cache knows more of is marked. Names that begin with two underscores are GraphQL's own (October
 * 2021, section 2.1.9), so no field of an object is called like this, but __typename: one that is is refused.
 *
 *   {"__ref":"Post:1"}     a reference to a record
 *   {"__list":[…]}         a list that is kept as one: of references, of embedded objects
 *   {"__json":…}           an object or list that was selected as a leaf; given: what it was before, or else that
 *   {"__fields":{…}}       an embedded object that has fields which are called like this all the same
 *   {…}                    any other one, whole
 *
 * Only given:
 *
 *   {"__edits":[["-","Post:1"],["^","Post:2"],["+","Post:3","Post:2"]]}   the list that is there with an item less, one
 *                          more in front, one more behind another one, or last where that isn't there
 *   {"__fields":{…}}       the embedded object that is there, with some fields other
 */
#ifndef APS_CACHE_EDIT_VALUE_H
#define APS_CACHE_EDIT_VALUE_H

#include "cache/write.h"
#include "codec/json_reader.h"

APS_BEGIN_DECLS

/* Appends the value that `json` gives to a field that has `old`, or has none: NULL. References to records that are
 * nowhere get an entry. E_NOMEM, E_USAGE: it isn't such a text; what the backing says. */
enum aps_rc aps_edit_value_make(struct aps_buf *out, struct aps_cache_write *write, const struct aps_cell *old,
                                struct aps_str json, struct aps_err *err);
/* Appends the edits that follow the key "__edits", which was read last, as an EDIT has them (cache/patch.h); the same
 * failures. */
enum aps_rc aps_edit_value_edits(struct aps_buf *edits, struct aps_cache_write *write, struct aps_json_reader *r,
                                 struct aps_err *err);

APS_END_DECLS

#endif
