/* Scalars between JSON and cells. */
#ifndef APS_CACHE_SCALAR_H
#define APS_CACHE_SCALAR_H

#include "cache/cell.h"
#include "codec/json_reader.h"
#include "codec/json_writer.h"

APS_BEGIN_DECLS

/* Appends the scalar that the reader has just read; `scratch` is empty before and after it, but for some memory that it
 * keeps. False: no memory for it, or out->rc. */
bool aps_scalar_put(struct aps_buf *out, const struct aps_json_reader *r, enum aps_json_token token,
                    struct aps_arena *scratch);
/* Appends the object or list that was selected as a leaf and whose opening the reader has just read: AWSJSON, or a
 * scalar of the service's own. Reads to its end; a failure is in r->err. */
void aps_scalar_put_json(struct aps_buf *out, struct aps_json_reader *r);
/* Writes a scalar, JSON included, as the service wrote it. False: it is none. */
bool aps_scalar_write(struct aps_json_writer *w, const struct aps_cell *value);

APS_END_DECLS

#endif
