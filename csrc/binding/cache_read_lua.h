/* What Lua reads of a cache: a method of its userdata, and readings, which are made once for an operation that is read
 * again and again. */
#ifndef APS_BINDING_CACHE_READ_LUA_H
#define APS_BINDING_CACHE_READ_LUA_H

#include "binding/compat.h"

APS_BEGIN_DECLS

/* After apl_cache_register(). */
void apl_cache_read_register(lua_State *L);

APS_END_DECLS

#endif
