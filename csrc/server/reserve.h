/* Memory for libevent when there is none. Its HTTP server doesn't look whether its small allocations worked in several
 * places of 2.1 (a request's record, a header, a line), so a process out of memory would crash instead of losing one
 * connection. The small ones are served from blocks that were set aside; large ones fail, which it survives. */
#ifndef APS_SERVER_RESERVE_H
#define APS_SERVER_RESERVE_H

#include "base/macros.h"

#include <stdbool.h>

APS_BEGIN_DECLS

/* For a program that owns its process: from now on all of libevent's memory comes this way. Before the first listener;
 * twice is legal. False when there is no memory to set aside. */
bool aps_reserve_install(void);
/* Half of the blocks are in use: nothing new should begin. */
bool aps_reserve_is_low(void);

APS_END_DECLS

#endif
