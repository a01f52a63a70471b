/* Which fields of an object that an operation has selected lead to other objects, and how the cache names them: by
 * these names what stands somewhere in the data of the operation is changed in place (cache/edit.h). */
#ifndef APS_CACHE_OBJECT_FIELDS_H
#define APS_CACHE_OBJECT_FIELDS_H

#include "cache/selection.h"

struct aps_object_step {
	struct aps_str response_key;
	struct aps_str type; /* __typename of the object that it leads to; empty: not known */
};

APS_BEGIN_DECLS

/* From the root along the steps; appends a JSON list of two texts for each field, in the order of the response: its
 * response key, and the field with its arguments. An empty list where the steps lead to no object that is selected.
 * E_NOMEM, E_TOO_BIG. */
enum aps_rc aps_object_fields(struct aps_buf *out, struct aps_binding *binding, const struct aps_object_step *steps,
                              size_t n_steps, struct aps_err *err);

APS_END_DECLS

#endif
