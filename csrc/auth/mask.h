/* Masks secrets in a text that somebody else wrote: a service quotes what it was sent. Pure. */
#ifndef APS_AUTH_MASK_H
#define APS_AUTH_MASK_H

#include "auth/secrets.h"

APS_BEGIN_DECLS

/* Overwrites each secret with '*', in place: as it is, in upper or lower case, with the escapes of JSON, URLs and HTML,
 * in base64 of either alphabet at any place of it; also its beginning where the rest is missing. JSON stays JSON:
 * quotes and what stands outside of strings are left, but for digits, which become 9. `kept` is a part of the text that
 * stays as it is; empty: none. Where memory is out the whole text is overwritten. True when something was. */
bool aps_mask(const struct aps_secrets *secrets, char *text, size_t n, struct aps_str kept);

APS_END_DECLS

#endif
