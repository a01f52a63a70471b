/* What an HTTP status that refuses means for another try (RFC 9110 section 15; RFC 8470 for 425, RFC 6585 for 429). */
#ifndef APS_CODEC_STATUS_H
#define APS_CODEC_STATUS_H

#include "base/macros.h"

#include <stdbool.h>

APS_BEGIN_DECLS

/* The same request may be answered otherwise after a while. Also of a code with such a meaning. */
bool aps_status_is_passing(long status);

APS_END_DECLS

#endif
