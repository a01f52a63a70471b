/* What is packed, as JSON text. */
#ifndef APS_CACHE_ANSWER_TEXT_H
#define APS_CACHE_ANSWER_TEXT_H

#include "base/err.h"
#include "cache/packed.h"

APS_BEGIN_DECLS

/* Appends it, as codec/json_rewrite.h writes the service's own. E_STORAGE: it isn't whole; E_TOO_BIG, E_NOMEM of the
 * buffer. */
enum aps_rc aps_answer_text(struct aps_buf *out, const struct aps_packed *packed, struct aps_err *err);

APS_END_DECLS

#endif
