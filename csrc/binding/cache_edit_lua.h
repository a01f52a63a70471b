/* What Lua writes into a cache: methods of its userdata, and lists of edits that it has been given back. */
#ifndef APS_BINDING_CACHE_EDIT_LUA_H
#define APS_BINDING_CACHE_EDIT_LUA_H

#include "binding/compat.h"

APS_BEGIN_DECLS

/* After apl_cache_register(). */
void apl_cache_edit_register(lua_State *L);

APS_END_DECLS

#endif
