/* Temporary ids in a JSON text give way to those of the service: in the variables of a mutation that waits, and in its
 * optimistic response. */
#ifndef APS_SYNC_ID_SUBSTITUTE_H
#define APS_SYNC_ID_SUBSTITUTE_H

#include "base/buf.h"

/* Gives the text that takes the place of `id`, which has the form of a UUID; {NULL, 0}: it stays. What it gives must
 * stay in place until the next call. */
typedef struct aps_str aps_id_lookup(void *context, struct aps_str id);

APS_BEGIN_DECLS

/* Appends a copy of `json`, in which string values that the lookup knows are replaced. Only whole values are, which
 * count by what they decode to: no key, and no part of a string. All other bytes stay as they are.
 * *is_changed: something was. E_SYNTAX and E_DEPTH of the text, E_UTF8 of what the lookup gave, E_NOMEM, E_TOO_BIG: and
 * nothing was appended. */
enum aps_rc aps_id_substitute(struct aps_str json, aps_id_lookup *lookup, void *context, struct aps_buf *out,
                              bool *is_changed, struct aps_err *err);

APS_END_DECLS

#endif
