/* What Lua says about what a cache keeps, and asks about it: methods of its userdata. */
#ifndef APS_BINDING_CACHE_KEEP_LUA_H
#define APS_BINDING_CACHE_KEEP_LUA_H

#include "binding/compat.h"

APS_BEGIN_DECLS

/* After apl_cache_register(). */
void apl_cache_keep_register(lua_State *L);

APS_END_DECLS

#endif
