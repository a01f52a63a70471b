/* Data that the application gives for an operation or a fragment: does it have what is selected, and of which types are
 * its objects? The service needs no such look, and pays for none. */
#ifndef APS_CACHE_DATA_SHAPE_H
#define APS_CACHE_DATA_SHAPE_H

#include "cache/selection.h"

APS_BEGIN_DECLS

/* Appends `data`, the JSON text of an object, without what isn't selected, and with the __typename of objects that
 * don't tell it where it is known otherwise: of the record that a fragment is written at, `type`; by a fragment on a
 * type of which the policies know that it is one of objects; by the type that a field looks up. E_USAGE, with the path
 * ("data.listPosts.items[2].title: …"): a field is missing, a value has another shape, an object has an id and no type.
 * E_NOMEM, E_TOO_BIG, what the reader says of the text. */
enum aps_rc aps_data_complete(struct aps_buf *out, struct aps_binding *binding, struct aps_str type,
                              struct aps_str data, struct aps_err *err);

APS_END_DECLS

#endif
