/* Nothing, to be read from: all that is asked for is missing. */
#ifndef APS_CACHE_NOTHING_SOURCE_H
#define APS_CACHE_NOTHING_SOURCE_H

#include "cache/denormalize.h"

APS_BEGIN_DECLS

struct aps_read_source aps_nothing_source(void);

APS_END_DECLS

#endif
