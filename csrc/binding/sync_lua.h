/* Delta syncs as methods of a cache. */
#ifndef APS_BINDING_SYNC_LUA_H
#define APS_BINDING_SYNC_LUA_H

#include "binding/compat.h"

APS_BEGIN_DECLS

void apl_sync_register(lua_State *L);

APS_END_DECLS

#endif
