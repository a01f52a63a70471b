/* The outbox of a cache's identity: methods of the core's cache. */
#ifndef APS_BINDING_QUEUE_LUA_H
#define APS_BINDING_QUEUE_LUA_H

#include "binding/compat.h"

APS_BEGIN_DECLS

/* After apl_cache_register(). */
void apl_queue_register(lua_State *L);

APS_END_DECLS

#endif
